"""Lecture 3, the opening and beat 1: what is thrown away, the three stages, and the detector's curves."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ..data import load
from ..experiments.pooling import DOWNSAMPLING
from .planes import OBLIQUE, Layer
from .style import (
    AMOUNT_OUTPUT,
    FAINT,
    GREY,
    IMAGE,
    INPUT,
    KERNEL,
    OTHER,
    OUTPUT,
    SIGNED,
    WIDTH,
    WRONG,
    bare,
    canvas,
    headline,
    ink,
    picture,
)


def _garment(number: int = 5) -> np.ndarray:
    """A test image of Fashion-14 on a black frame, (16, 16)."""
    return np.pad(load("fashion14", np.float64).x_test[number], 1)


def _windows(plane: np.ndarray, size: int, stride: int) -> np.ndarray:
    """The full windows of a plane, as seen: (rows, columns, size, size)."""
    return np.lib.stride_tricks.sliding_window_view(plane, (size, size))[::stride, ::stride]


SUMMARIES = {
    "max": lambda windows: windows.max((2, 3)),
    "average": lambda windows: windows.mean((2, 3)),
    "none": None,
}


@picture
def stages(detector: str = "ReLU", pooling: str = "max", garment: int = 5):
    """Beat 1: an image through the three stages of a layer, each of the last two may be left out."""
    image = _garment(garment)
    before = Layer(OBLIQUE, "zero").see(image)
    after = {"ReLU": np.maximum(before, 0), "tanh": np.tanh(before), "none": before}[detector]
    summary = SUMMARIES[pooling]
    pooled = after if summary is None else summary(_windows(after, 2, 2))
    high = np.abs(before).max()
    figure, panels = canvas(2.75, 1, 4)
    shown = (
        (image, IMAGE, 0, 1.1, "image", INPUT),
        (before, SIGNED, -high, high, "1 convolution", KERNEL),
        (after, SIGNED, -high, high, f"2 detector: {detector}", OTHER),
        (pooled, SIGNED, -high, high, f"3 pooling: {pooling}", OUTPUT),
    )
    for axes, (values, colours, low, top, title, colour) in zip(panels, shown, strict=True):
        axes.imshow(values, cmap=colours, vmin=low, vmax=top, interpolation="nearest")
        bare(axes)
        for spine in axes.spines.values():
            spine.set(visible=True, color=GREY)
        axes.set_title(title, fontsize=10, color=ink(colour))
        axes.set_xlabel(f"{values.shape[0]} × {values.shape[1]}", fontsize=9)
    zero = float((np.abs(after) < 1e-12).mean())
    headline(figure, f"{image.size} pixels become {pooled.size} numbers; the detector sets {zero:.0%} to zero")
    alt = f"""An image of {image.shape[0]} by {image.shape[1]} pixels; its response to an edge kernel, of both signs;
    the response after the detector {detector}, {zero:.0%} of it zero; and after pooling ({pooling}),
    {pooled.shape[0]} by {pooled.shape[1]}."""
    return figure, alt


@picture
def detectors(at: float = 0.5):
    """Beat 1: three detectors, their values above and their slopes below, and one point on each."""
    x = np.linspace(-5, 5, 801)
    logistic = 1 / (1 + np.exp(-x))
    curves = {
        "ReLU": (np.maximum(x, 0), np.where(np.abs(x) < 1e-9, np.nan, (x > 0) * 1.0), OUTPUT, "-"),
        "sigmoid": (logistic, logistic * (1 - logistic), KERNEL, "--"),
        "tanh": (np.tanh(x), 1 - np.tanh(x) ** 2, INPUT, "-."),
    }
    figure, (left, right) = canvas(3.2, 1, 2)
    nearest, slopes = int(np.abs(x - at).argmin()), {}
    places = {"ReLU": (1.25, 1.62), "sigmoid": (-4.6, 0.2), "tanh": (-4.6, -0.86)}
    for name, (value, slope, colour, dash) in curves.items():
        shown = np.where(value > 2, np.nan, value)
        left.plot(x, shown, color=colour, ls=dash)
        right.plot(x, slope, color=colour, ls=dash)
        for axes, curve in ((left, value), (right, slope)):
            if curve[nearest] <= 2:
                axes.plot([at], [curve[nearest]], "o", ms=7, color=colour, mec="white", zorder=4)
        left.text(*places[name], name, color=ink(colour), fontsize=9.5, ha="right" if name == "ReLU" else "left")
        slopes[name] = 0.0 if np.isnan(slope[nearest]) else float(slope[nearest])
    for axes, name in ((left, "value"), (right, "slope")):
        axes.axvline(at, color=FAINT, zorder=0)
        axes.set_xlabel("preactivation")
        axes.set_ylabel(name)
    left.set_ylim(-1.2, 2.1)
    right.set_ylim(-0.06, 1.12)
    listed = ", ".join(f"{name} {slope:.2f}" for name, slope in slopes.items())
    headline(figure, f"At {at:.1f} the slopes are: {listed}".replace("-", "−"))
    alt = f"""Left the curves of ReLU, sigmoid and tanh between -5 and 5, right their slopes. At {at:.1f} the slopes are
    {listed}. The ReLU's slope jumps from 0 to 1 at zero; the others fade on both sides."""
    return figure, alt


@picture
def dead_units(results: dict[str, tuple[list[float], list[float]]]):
    """Beat 1: the share of units that never fire, against their bias. results: {name: (biases, shares)}."""
    figure, axes = canvas(2.9)
    sides = (((10, 4), "left"), ((-10, -6), "right"))
    parts = zip(results.items(), (INPUT, WRONG), "os", sides, strict=False)
    for (name, (biases, shares)), colour, mark, (offset, aligned) in parts:
        axes.plot(biases, shares, color=colour, marker=mark, ms=6)
        middle = int(np.abs(np.array(shares) - 0.5).argmin())
        axes.annotate(name, (biases[middle], shares[middle]), offset, textcoords="offset points", va="center",
                      ha=aligned, fontsize=9, color=ink(colour))  # fmt: skip
    biases = next(iter(results.values()))[0]
    axes.set_xlim(min(biases) - 0.1, max(biases) + 0.1)
    axes.set_ylim(-0.04, 1.04)
    axes.set_xlabel("bias")
    axes.set_ylabel("share that never fires")
    headline(figure, "A ReLU that is pushed far enough down never fires, and never learns")
    listed = "; ".join(f"{name}: " + ", ".join(f"{s:.2f}" for s in shares) for name, (_, shares) in results.items())
    return figure, f"The share of units with no positive response on any image, against their bias {biases}. {listed}."


@picture
def answer(card):
    """The opening: what a network keeps under a shift, by the way it halves its maps. card: "shift-consistency"."""
    kinds = list(DOWNSAMPLING)[::-1]
    kept, right = ([card.mean(f"{what}: {kind}") for kind in kinds] for what in ("kept", "accuracy"))
    response = np.maximum(Layer(OBLIQUE, "zero").see(_garment()), 0)
    figure = Figure(figsize=(WIDTH, 3.7), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06)
    slots = figure.add_gridspec(2, 2, width_ratios=[0.5, 2])
    small = SUMMARIES["max"](_windows(response, 2, 2))
    for row, (values, title) in enumerate(((response, "a map"), (small, "max of 2×2"))):
        axes = figure.add_subplot(slots[row, 0])
        axes.imshow(values, cmap=AMOUNT_OUTPUT, interpolation="nearest")
        bare(axes)
        for spine in axes.spines.values():
            spine.set(visible=True, color=GREY)
        axes.set_title(f"{title}: {values.size}", fontsize=9)
    bars = figure.add_subplot(slots[:, 1])
    colours = [OUTPUT if kind == "max, then blur" else OTHER if kind == "max" else FAINT for kind in kinds]
    bars.barh(range(len(kinds)), kept, color=colours, height=0.62, ec=GREY, lw=0.6)
    for row, (share, score) in enumerate(zip(kept, right, strict=True)):
        bars.text(share - 0.012, row, f"{share:.0%}", va="center", ha="right", fontsize=10, fontweight="bold")
        bars.text(0.02, row, f"right: {score:.0%}", va="center", fontsize=8.5)
    bars.set_yticks(range(len(kinds)), [kind.replace(", ", ",\n").replace("d c", "d\nc") for kind in kinds])
    bars.tick_params(axis="y", length=0)
    bars.set_xlim(0, 1)
    bars.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    bars.set_xlabel("predictions that a shift by 1 to 3 pixels leaves as they are")
    bars.set_ylabel("how maps are halved")
    headline(figure, "Pooling buys some robustness to shifts; a blur before the dropping buys most")
    listed = "; ".join(
        f"{k}: {share:.0%} kept, {score:.0%} right" for k, share, score in zip(kinds, kept, right, strict=True)
    )
    alt = f"""Left a feature map of {response.size} numbers and its max pooling with {small.size}. Right, for four
    ways of halving maps, the share of predictions that small shifts leave as they are, and the accuracy: {listed}."""
    return figure, alt
