"""Lecture 7, beats 2 to 6: recurrent states, contrast, style, labels that wash out, and batch sizes."""

from __future__ import annotations

import numpy as np

from ..data import load
from ..experiments.normalization_axes import BATCHES, CONTRASTS, DENSE, KINDS, LEVELS, RECURRENT
from ..experiments.normalization_networks import NORMS
from .style import (
    FAINT,
    GREY,
    IMAGE,
    INK,
    INPUT,
    KERNEL,
    OTHER,
    OUTPUT,
    SIGNED,
    WRONG,
    bare,
    canvas,
    headline,
    ink,
    picture,
)

# One colour, dash and marker for each norm, in all figures of the lecture.
LOOK = {
    "none": (GREY, "--", "s"),
    "BN": (WRONG, "-", "o"),
    "LN": (INPUT, "-.", "D"),
    "GN": (KERNEL, ":", "^"),
    "IN": (OUTPUT, "-", "v"),
    "GN and WS": (OTHER, "--", "P"),
}


@picture
def recurrent(runs: dict[str, dict]):
    """Beat 2: variance of the gates' inputs at each time step, and accuracy in three modes."""
    figure, (left, right) = canvas(3.3, 1, 2)
    # Names at the ends of the lines, moved apart where the lines end together.
    highest, heights = max(run["variance"][-1] for run in runs.values()), {}
    for kind in sorted(runs, key=lambda kind: runs[kind]["variance"][-1]):
        floor = max(heights.values(), default=-highest) + 0.08 * highest
        heights[kind] = max(runs[kind]["variance"][-1], floor)
    for kind, run in runs.items():
        colour, dash, marker = LOOK[kind]
        steps = np.arange(1, len(run["variance"]) + 1)
        left.plot(steps, run["variance"], dash, color=colour, marker=marker, ms=5, mec="white")
        left.text(steps[-1] + 0.25, heights[kind], kind, color=ink(colour), va="center")
    left.set_xlim(0.7, len(steps) + 1.6)
    left.set_ylim(bottom=0)
    left.set_xlabel("time step")
    left.set_ylabel("variance before the norm")
    modes = {
        "training": "training mode,\nbatches of 50",
        "evaluation": "evaluation\nmode",
        "alone": "training mode,\nbatches of 2",
    }
    places = np.arange(len(modes))
    for number, kind in enumerate(RECURRENT):
        values = [runs[kind][mode] for mode in modes]
        shift = 0.27 * (number - 1)
        right.bar(places + shift, values, width=0.25, color=LOOK[kind][0])
        for place, value in zip(places, values, strict=True):
            right.text(place + shift, value + 0.02, f"{value:.2f}"[1:], ha="center", fontsize=8)
            right.text(place + shift, 0.03, kind, ha="center", va="bottom", rotation=90, fontsize=8.5, color="white")
    right.set_xticks(places, modes.values())
    right.set_ylim(0, 1.05)
    right.set_ylabel("accuracy")
    right.set_xlabel("how the network is used")
    bn, ln = runs["BN"], runs["LN"]
    headline(figure, f"Batch norm in an LSTM: {bn['training']:.2f} in training, {bn['evaluation']:.2f} in evaluation; "
                     f"layer norm {ln['evaluation']:.2f}")  # fmt: skip
    listed = "; ".join(
        f"{kind}: " + ", ".join(f"{mode} {runs[kind][mode]:.2f}" for mode in modes) for kind in RECURRENT
    )
    return figure, f"Left, the variance of the gates' inputs over the time steps. Right, accuracies: {listed}."


@picture
def contrast(runs: dict[str, dict], contrast: float = 0.25):
    """Beat 3: a dimmed digit, the same digit standardised, and accuracy against contrast."""
    chosen = min(CONTRASTS, key=lambda value: abs(np.log(value / contrast)))
    figure, (first, second, right) = canvas(3.1, 1, 3, width_ratios=[0.5, 0.5, 1.1])
    plane = chosen * load("digits", np.float64).x_test[4]
    first.imshow(plane, cmap=IMAGE, vmin=0, vmax=1, interpolation="nearest")
    first.set_title(f"contrast × {chosen:g}", fontsize=10)
    second.imshow((plane - plane.mean()) / plane.std(), cmap=SIGNED, vmin=-2.5, vmax=2.5, interpolation="nearest")
    second.set_title("standardised", fontsize=10)
    for axes in (first, second):
        bare(axes)
        for spine in axes.spines.values():
            spine.set(visible=True, color=GREY, lw=0.6)
    ends = sorted(KINDS, key=lambda kind: runs[kind][chosen])
    for kind in KINDS:
        colour, dash, marker = LOOK[kind]
        values = [runs[kind][c] for c in CONTRASTS]
        right.semilogx(CONTRASTS, values, dash, color=colour, marker=marker, ms=6, mec="white")
        right.text(1.12, 0.97 - 0.11 * ends[::-1].index(kind), f"{kind} {runs[kind][chosen]:.2f}", color=ink(colour),
                   va="center")  # fmt: skip
    right.axvline(chosen, color=FAINT, zorder=0)
    right.set_xticks(CONTRASTS, [f"{c:g}" for c in CONTRASTS])
    right.minorticks_off()
    right.set_xlim(0.09, 2.6)
    right.set_ylim(0, 1.05)
    right.set_xlabel("contrast of the test images")
    right.set_ylabel("accuracy")
    headline(
        figure,
        f"Contrast × {chosen:g}: instance norm reads {runs['IN'][chosen]:.2f}, batch norm {runs['BN'][chosen]:.2f}",
    )
    listed = ", ".join(f"{kind} {runs[kind][chosen]:.2f}" for kind in KINDS)
    return figure, f"A digit at contrast {chosen:g}, the same standardised, and accuracies at that contrast: {listed}."


@picture
def contrast_as_label(runs: dict[str, dict]):
    """Beat 3: reading the contrast itself, with batch norm and with instance norm."""
    figure, axes = canvas(1.9)
    chance = 1 / len(LEVELS)
    for row, kind in enumerate(("IN", "BN")):
        value = runs[kind]["as label"]
        axes.barh(row, value, color=LOOK[kind][0], height=0.6)
        axes.text(value + 0.01, row, f"{value:.2f}", va="center")
    axes.axvline(chance, color=INK, lw=1, ls=":")
    axes.text(chance + 0.01, 1.42, "guessing", fontsize=8.5, va="bottom")
    axes.set_yticks([0, 1], ["instance norm", "batch norm"])
    axes.tick_params(axis="y", length=0)
    axes.set_ylabel("network")
    axes.set_xlim(0, 1.08)
    axes.set_xlabel(f"accuracy at telling {len(LEVELS)} contrasts apart")
    headline(figure, f"If the contrast is what matters, instance norm is blind: {runs['IN']['as label']:.2f}")
    return (
        figure,
        f"""Accuracy at naming the contrast: instance norm {runs["IN"]["as label"]:.2f}, batch norm
    {runs["BN"]["as label"]:.2f}; guessing gives {chance:g}.""",
    )


@picture
def style(content: np.ndarray, other: np.ndarray, made: np.ndarray, blend: float):
    """Beat 4: content, style, and the content with the style's statistics; each (3, H, W)."""
    figure, panels = canvas(2.9, 1, 3)
    names = ("content", "style", f"content, {blend:.0%} of the style")
    for axes, image, name in zip(panels, (content, other, made), names, strict=True):
        axes.imshow(np.clip(image.transpose(1, 2, 0), 0, 1), interpolation="nearest")
        bare(axes)
        means = " ".join(f"{value:.2f}" for value in image.mean((1, 2)))
        axes.set_title(f"{name}\nmeans {means}", fontsize=9.5)
    headline(figure, "The shape stays; means and deviations of the channels move over")
    return (
        figure,
        f"""Three small pictures of garments: the content, the style, and the content with {blend:.0%} of the
    way to the style's channel means and deviations, whose channel means are {made.mean((1, 2)).round(2).tolist()}.""",
    )


@picture
def washed(first: dict[str, np.ndarray], second: dict[str, np.ndarray], labels: tuple[int, int], channel: int = 0):
    """Beat 5: one channel of two flat label maps on their way; stages in columns, labels in rows."""
    figure, panels = canvas(3.9, 2, len(first))
    high = max(np.abs(stage[channel]).max() for run in (first, second) for stage in run.values())
    for row, (label, run) in enumerate(zip(labels, (first, second), strict=True)):
        for axes, (name, stage) in zip(panels[row], run.items(), strict=True):
            axes.imshow(stage[channel], cmap=SIGNED, vmin=-high, vmax=high, interpolation="nearest")
            bare(axes)
            for spine in axes.spines.values():
                spine.set(visible=True, color=GREY, lw=0.6)
            axes.set_title(f"label {label}, {name}\nmean {stage[channel].mean():+.2f}".replace("-", "−"), fontsize=9.5)
    gap = {name: float(np.abs(first[name] - second[name]).max()) for name in first}
    headline(
        figure,
        f"Behind instance norm the labels differ by {gap['instance norm']:.1g}, behind SPADE by {gap['SPADE']:.1f}",
    )
    return (
        figure,
        f"""Channel {channel} of flat maps of labels {labels[0]} and {labels[1]}. Largest differences over all
    channels: {", ".join(f"{name} {value:.2g}" for name, value in gap.items())}.""",
    )


@picture
def batches(card):
    """Beat 6: accuracy against batch size for dense networks. card: "norms-and-batch-size"."""
    figure, axes = canvas(3.2)
    places = np.arange(len(BATCHES))
    order = sorted(DENSE, key=lambda kind: card.mean(f"{kind}: batch {BATCHES[-1]}"))
    heights = {}
    for kind in order:
        value = card.mean(f"{kind}: batch {BATCHES[-1]}")
        heights[kind] = max(value, max(heights.values(), default=0) + 0.055)
    for kind in DENSE:
        colour, dash, marker = LOOK[kind]
        means = [card.mean(f"{kind}: batch {size}") for size in BATCHES]
        for place, size in zip(places, BATCHES, strict=True):
            axes.plot([place] * 2, card.interval(f"{kind}: batch {size}"), color=colour, lw=7, alpha=0.2)
        axes.plot(places, means, dash, color=colour, marker=marker, ms=7, mec="white")
        axes.text(places[-1] + 0.08, heights[kind], kind, color=ink(colour), va="center")
        if kind == "BN":
            axes.annotate(f"{means[0]:.2f}", (0, means[0]), (10, 0), textcoords="offset points", va="center")
    axes.set_xticks(places, [str(size) for size in BATCHES])
    axes.set_xlim(-0.3, len(BATCHES) - 0.6)
    axes.set_ylim(0, 1.12)
    axes.set_xlabel("batch size")
    axes.set_ylabel("accuracy after 3 epochs")
    bn, gn = (card.mean(f"{kind}: batch 2") for kind in ("BN", "GN"))
    headline(figure, f"Batches of two, dense network: batch norm {bn:.2f}, group norm {gn:.2f}")
    listed = "; ".join(
        f"{kind} " + ", ".join(f"{card.mean(f'{kind}: batch {size}'):.2f} at {size}" for size in BATCHES)
        for kind in DENSE
    )
    return figure, f"Accuracy against batch size, means and intervals of the card. {listed}."


@picture
def convolutions(card):
    """Beats 6 and 8: accuracy of a small convolutional network with each norm. card: "norms-on-convolutions"."""
    figure, axes = canvas(2.9)
    order = sorted(NORMS, key=card.mean)
    for row, kind in enumerate(order):
        low, high = card.interval(kind)
        colour = LOOK[kind][0]
        axes.plot([low, high], [row, row], color=colour, lw=9, alpha=0.25, solid_capstyle="butt")
        axes.plot(card.mean(kind), row, LOOK[kind][2], color=colour, ms=8, mec="white")
        axes.text(card.mean(kind), row + 0.22, f"{card.mean(kind):.2f}", ha="center", va="bottom", fontsize=9)
    axes.set_yticks(range(len(order)), order)
    axes.set_ylim(-0.5, len(order) - 0.2)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color=FAINT, lw=0.6)
    axes.set_xlim(0.7, 1.02)
    axes.set_xlabel("accuracy after 100 steps, and where a new run should fall")
    axes.set_ylabel("norm")
    headline(figure, f"After 100 steps: {order[-1]} is first, {order[0]} last; most bands overlap")
    return figure, "Accuracies with intervals: " + ", ".join(f"{kind} {card.mean(kind):.2f}" for kind in order) + "."
