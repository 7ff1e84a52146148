"""Lecture 1, the opening and beat 8: three layers as matrices, and what their priors buy."""

from __future__ import annotations

import textwrap

import numpy as np
from matplotlib.figure import Figure

from ..experiments.convolution import LADDER, SETTINGS
from .style import FAINT, GREY, INK, INPUT, OUTPUT, SIGNED, WIDTH, bare, canvas, headline, picture

SHORT = {
    "dense": "dense",
    "local": "local",
    "shared": "shared",
    "shared, position dropped": "shared,\nposition dropped",
}


def _weights(side: int = 6, window: int = 3):
    """One-channel matrices of a dense, a local and a shared layer on a side x side image, entries random."""
    rng = np.random.default_rng(3)
    out = side - window + 1
    mask = np.zeros((out * out, side * side), bool)
    shared = np.zeros((out * out, side * side))
    kernel = rng.normal(size=window * window)
    for row in range(out * out):
        top, left = divmod(row, out)
        for tap in range(window * window):
            i, j = divmod(tap, window)
            mask[row, (top + i) * side + left + j] = True
            shared[row, (top + i) * side + left + j] = kernel[tap]
    dense = rng.normal(size=mask.shape)
    return {
        "dense": (dense, mask.size),
        "local": (np.where(mask, dense, 0), int(mask.sum())),
        "shared": (shared, kernel.size),
    }


@picture
def answer(card):
    """The opening: three matrices, and the accuracy anywhere of networks trained in one place.

    card: the reproduction card "prior-ladder"; the numbers are the means of its recorded runs.
    """
    figure = Figure(figsize=(WIDTH, 4.3), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06, hspace=0.08)
    slots = figure.add_gridspec(2, 3, height_ratios=[0.62, 1])
    kinds = _weights()
    for column, (name, (matrix, free)) in enumerate(kinds.items()):
        axes = figure.add_subplot(slots[0, column])
        axes.imshow(matrix, cmap=SIGNED, vmin=-2.2, vmax=2.2, interpolation="nearest", aspect="equal")
        bare(axes)
        for spine in axes.spines.values():
            spine.set(visible=True, color=GREY, lw=0.6)
        axes.set_title(f"{name}: {free} free weights", fontsize=10)
    bars = figure.add_subplot(slots[1, :])
    rungs = list(LADDER)[::-1]
    means = [card.mean(f"one place: {rung}") for rung in rungs]
    colours = [OUTPUT if rung.endswith("dropped") else FAINT for rung in rungs]
    bars.barh(range(len(rungs)), means, color=colours, height=0.62, ec=GREY, lw=0.6)
    for row, mean in enumerate(means):
        bars.text(mean + 0.012, row, f"{mean:.0%}", va="center", fontsize=10)
    bars.axvline(0.1, color=INK, lw=1, ls=":")
    bars.text(0.105, len(rungs) - 0.42, "guessing", fontsize=8.5, va="bottom", color=INK)
    bars.set_yticks(range(len(rungs)), [SHORT[rung] for rung in rungs])
    bars.tick_params(axis="y", length=0)
    bars.set_xlim(0, 1)
    bars.set_xlabel("digits read correctly anywhere, after training in one place")
    bars.set_ylabel("layer")
    bars.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    headline(figure, "Repeat a few weights, drop the position, and what was learned carries over")
    counts = ", ".join(f"{name} {free}" for name, (_, free) in kinds.items())
    listed = ", ".join(f"{rung} {mean:.0%}" for rung, mean in zip(rungs[::-1], means[::-1], strict=True))
    alt = f"""Above, three matrices of the same size as images, with their numbers of free weights:
    {counts}; the last repeats nine weights along its diagonals. Below, accuracies anywhere of networks
    trained on digits in one place: {listed}."""
    return figure, alt


@picture
def ladder(results: dict[str, float], card, weights: dict[str, int] | None = None):
    """Beat 8: one run of the prior ladder, and the card's intervals behind it.

    results: {"setting: rung": accuracy}; card: "prior-ladder"; weights: {rung: number of parameters}.
    """
    figure, panels = canvas(3.9, 1, 3, sharey=True)
    rungs = list(LADDER)[::-1]
    rows = np.arange(len(rungs))
    for axes, (setting, meaning) in zip(panels, SETTINGS.items(), strict=True):
        axes.axvline(0.1, color=GREY, lw=0.9, ls=":")
        for row, rung in zip(rows, rungs, strict=True):
            low, high = card.interval(f"{setting}: {rung}")
            value = results[f"{setting}: {rung}"]
            colour = OUTPUT if rung.endswith("dropped") else INPUT
            axes.plot([low, high], [row, row], color=colour, lw=9, alpha=0.25, solid_capstyle="butt")
            axes.plot(value, row, "o", ms=8, color=colour, mec="white")
            axes.text(value, row + 0.24, f"{value:.2f}", ha="center", va="bottom", fontsize=9)
        axes.set_title(textwrap.fill(meaning, 22), fontsize=10)
        axes.set_xlim(0, 1.04)
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axes.set_xlabel("accuracy")
        axes.grid(axis="y", color=FAINT, lw=0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    names = [SHORT[rung] + (f"\n{weights[rung]:,} weights" if weights else "") for rung in rungs]
    panels[0].set_yticks(rows, names)
    panels[0].set_ylim(-0.5, len(rungs) - 0.3)
    panels[0].set_ylabel("layer")
    panels[1].text(0.11, -0.42, "guessing", fontsize=8.5, color=GREY)
    headline(figure, "In place all four are equal; only sharing without position carries over")
    parts = [
        f"{meaning}: " + ", ".join(f"{r} {results[f'{s}: {r}']:.2f}" for r in rungs[::-1])
        for s, meaning in SETTINGS.items()
    ]
    return (
        figure,
        "Accuracies of four networks in three settings, dots over the intervals of the card. " + ". ".join(parts) + ".",
    )
