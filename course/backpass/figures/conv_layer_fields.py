"""Lecture 2, beats 8 and 9: how far a unit sees, where it looks, and what the border tells."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..experiments.conv_layer import BORDERS, centre_gradient, dots, spread_of, width_of
from .style import (
    AMOUNT,
    GREY,
    IMAGE,
    INK,
    INPUT,
    KERNEL,
    OTHER,
    OUTPUT,
    WIDTH,
    WRONG,
    bare,
    canvas,
    headline,
    ink,
    picture,
)


def _seen(layers: list[tuple[int, int]], kernel: int) -> int:
    """How many pixels one unit depends on, found by walking back. layers: (stride, dilation), first layer first."""
    units = {0}
    for stride, dilation in reversed(layers):
        units = {unit * stride + tap * dilation for unit in units for tap in range(kernel)}
    return max(units) - min(units) + 1


@picture
def growth(layers: int = 6, kernel: int = 3):
    """Beat 8: the field of one unit against the depth, for three ways to build the stack."""
    depth = np.arange(1, layers + 1)
    stacks = {
        "each layer plain": ([(1, 1)] * layers, OUTPUT),
        "every second with stride 2": ([(1 + n % 2, 1) for n in range(layers)], INPUT),
        "dilation 1, 2, 4, …": ([(1, 2**n) for n in range(layers)], WRONG),
    }
    figure, axes = canvas(3.4)
    ends = {}
    for (name, (stack, colour)), mark in zip(stacks.items(), "os^", strict=True):
        sizes = [_seen(stack[:n], kernel) for n in depth]
        axes.plot(depth, sizes, marker=mark, ms=6, color=colour)
        ends[name] = sizes[-1]
        axes.annotate(f"{name}: {sizes[-1]}", (depth[-1], sizes[-1]), (8, 0), textcoords="offset points", va="center",
                      fontsize=9, color=ink(colour))  # fmt: skip
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlim(0.7, 1 + (layers - 1) * 1.55)
    axes.set_xticks(depth)
    axes.set_xlabel(f"layers, kernels of {kernel}")
    axes.set_ylabel("side of the field (pixels)")
    headline(figure, f"After {layers} layers a unit sees {', '.join(map(str, ends.values()))} pixels along an axis")
    listed = ", ".join(f"{name} {size}" for name, size in ends.items())
    return (
        figure,
        f"The side of the square that one unit sees, against the number of layers. At {layers} layers: {listed}.",
    )


@picture
def field(layers: int = 20, relu: bool = False, seed: int = 0):
    """Beat 8: where a unit of a random network looks, inside the square that it can see. Needs torch."""
    share = centre_gradient(layers, seed, relu=relu)
    side, reach = len(share), width_of(share)
    spread, theory = spread_of(share), np.sqrt(2 * layers / 3)
    figure, (left, right) = canvas(3.7, 1, 2, width_ratios=[1, 1.35])
    left.imshow(share, cmap=AMOUNT, interpolation="nearest", vmax=share.max())
    corner = (side - reach) / 2 - 0.5
    left.add_patch(Rectangle((corner, corner), reach, reach, fill=False, ec=WRONG, lw=2))
    bare(left)
    for spine in left.spines.values():
        spine.set(visible=True, color=GREY)
    left.set_title(f"frame: 95 % inside {reach} × {reach}", fontsize=10, color=ink(WRONG))
    offset = np.arange(side) - side // 2
    along = share.sum(0)
    right.bar(offset, along, width=1.0, color=OTHER, ec="white", lw=0.4)
    fine = np.linspace(offset[0], offset[-1], 400)
    right.plot(fine, np.exp(-(fine**2) / (2 * theory**2)) / (theory * np.sqrt(2 * np.pi)), color=INK, lw=1.6, ls="--")
    right.text(0.02, 0.95, "bars: measured", transform=right.transAxes, color=ink(OTHER), fontsize=9, va="top")
    right.text(
        0.02, 0.86, f"dashed: Gauss, √(2·{layers}/3) = {theory:.1f}", transform=right.transAxes, fontsize=9, va="top"
    )
    right.set_ylim(0, 1.45 * along.max())
    right.set_xlabel("distance from the middle (pixels)")
    right.set_ylabel("share of the squared gradient")
    headline(figure, f"It can see {side} × {side} pixels, and looks at a spot {spread:.1f} pixels wide")
    alt = f"""Left a heat-map of the squared gradient of the middle output unit over the {side} by {side} pixels
    that it can see, after {layers} layers{" with ReLU" if relu else ""}; a framed square of {reach} by {reach} holds 95
    percent. Right its profile, of standard deviation {spread:.2f} pixels, under a Gaussian curve with {theory:.2f}."""
    return figure, alt


@picture
def leak(border: str = "zeros", layers: int = 4, side: int = 24):
    """Beat 9: what a random network makes of an image without content, by border rule. Needs torch."""
    import torch

    torch.manual_seed(3)
    net, channels = [], 1
    for _ in range(layers):
        convolution = torch.nn.Conv2d(channels, 8, 3, padding=1, padding_mode=border, dtype=torch.float64)
        net += [convolution, torch.nn.ReLU()]
        channels = 8
    # The last ReLU is left out, so that the map is not cut off at zero.
    with torch.no_grad():
        maps = torch.nn.Sequential(*net[:-1])(torch.full((1, 1, side, side), 0.5, dtype=torch.float64))[0].numpy()
    chosen = maps[int(np.argmax(maps.std((1, 2))))]
    departs = np.abs(chosen - chosen[side // 2, side // 2]) > 1e-12 * max(1.0, np.abs(chosen).max())
    figure, (left, middle, right) = canvas(2.9, 1, 3)
    left.imshow(np.full((side, side), 0.5), cmap=IMAGE, vmin=0, vmax=1)
    left.set_title("a grey image", fontsize=10, color=ink(INPUT))
    spread = max(float(np.ptp(chosen)), 1e-3)
    middle.imshow(chosen, cmap=AMOUNT, vmin=chosen.min() - 0.2 * spread, vmax=chosen.min() + 1.2 * spread)
    middle.set_title(f"a map after {layers} layers", fontsize=10, color=ink(OUTPUT))
    right.imshow(departs, cmap=AMOUNT, vmin=0, vmax=1.4)
    right.set_title("differs from the middle", fontsize=10)
    for axes in (left, middle, right):
        bare(axes)
        for spine in axes.spines.values():
            spine.set(visible=True, color=GREY)
    width = int(departs[side // 2, : side // 2].sum())
    finding = f"Border “{border}”: {width} pixels from each side know that they are near it"
    headline(figure, finding if width else f"Border “{border}”: every pixel of the map is the same")
    alt = f"""A uniform grey image, one map of a random network of {layers} layers with the border rule {border},
    and the pixels at which it differs from its middle: a frame {width} pixels wide."""
    return figure, alt


@picture
def left_or_right(results: dict[str, float], card):
    """Beat 9: two images of the task, and the accuracy by border rule over the card's intervals."""
    images, labels = dots(12, np.random.default_rng(4))
    figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06)
    slots = figure.add_gridspec(2, 2, width_ratios=[0.55, 2])
    for row, (label, name) in enumerate(((0, "left"), (1, "right"))):
        axes = figure.add_subplot(slots[row, 0])
        axes.imshow(images[int(np.argmax(labels == label))], cmap=IMAGE, vmin=0, vmax=2.5, interpolation="nearest")
        bare(axes)
        axes.set_title(f"“{name}”", fontsize=9.5, loc="center")
    axes = figure.add_subplot(slots[:, 1])
    for row, border in enumerate(BORDERS[::-1]):
        low, high = card.interval(border)
        colour = OUTPUT if border == "circular" else KERNEL
        axes.plot([low, high], [row, row], color=colour, lw=10, alpha=0.3, solid_capstyle="butt")
        axes.plot(results[border], row, "o", ms=9, color=colour, mec="white")
        axes.text(results[border], row + 0.24, f"{results[border]:.2f}", ha="center", va="bottom", fontsize=9)
    axes.axvline(0.5, color=GREY, ls=":", lw=1)
    axes.text(0.505, -0.48, "guessing", fontsize=8.5, color=INK)
    axes.set_yticks(range(len(BORDERS)), BORDERS[::-1])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.6, len(BORDERS) - 0.35)
    axes.set_xlim(0.35, 1.03)
    axes.set_xlabel("accuracy: is the dot left or right?")
    axes.set_ylabel("border")
    headline(figure, "A border with an end says where things are; without one, nobody can tell")
    listed = ", ".join(f"{border} {results[border]:.2f}" for border in BORDERS)
    return figure, f"Two noisy images with a bright dot, left and right, and accuracies by border rule: {listed}."
