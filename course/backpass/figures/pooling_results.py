"""Lecture 3, beats 5 to 9: measured robustness, sparse features, evidence on a map, and a ledger of shapes."""

from __future__ import annotations

import numpy as np

from ..experiments.pooling import DOWNSAMPLING, STAGES, separability
from .style import (
    AMOUNT_OUTPUT,
    FAINT,
    GREY,
    IMAGE,
    INK,
    INPUT,
    KERNEL,
    OTHER,
    OUTPUT,
    bare,
    canvas,
    headline,
    ink,
    picture,
)


def _rows(axes, names, values, intervals, colours):
    """Dots over intervals, one row per name, first name on top."""
    rows = np.arange(len(names))[::-1]
    for row, value, (low, high), colour in zip(rows, values, intervals, colours, strict=True):
        axes.plot([low, high], [row, row], color=colour, lw=9, alpha=0.28, solid_capstyle="butt")
        axes.plot(value, row, "o", ms=8, color=colour, mec="white")
        axes.text(value, row + 0.25, f"{value:.2f}", ha="center", va="bottom", fontsize=9)
    axes.set_ylim(-0.5, len(names) - 0.35)
    axes.grid(axis="y", color=FAINT, lw=0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_yticks(rows, names)


@picture
def unchanged(results: dict[str, float], card):
    """Beat 5: the share of values that a shift by one pixel leaves equal, by stage."""
    figure, axes = canvas(2.9)
    names = list(STAGES)
    colours = [INPUT, OUTPUT, OUTPUT, OUTPUT, KERNEL]
    _rows(axes, names, [results[n] for n in names], [card.interval(n) for n in names], colours)
    axes.set_xlim(-0.03, 1)
    axes.set_xlabel("share of values that are exactly the same after a shift by one pixel")
    axes.set_ylabel("stage")
    best = max(names, key=results.get)
    headline(figure, f"Even the most invariant keeps {results[best]:.0%} of its values: “invariant” needs a number")
    listed = ", ".join(f"{name} {results[name]:.2f}" for name in names)
    return (
        figure,
        f"The share of values left exactly equal by a shift of one pixel, with the card's intervals: {listed}.",
    )


@picture
def consistency(results: dict[str, float], card):
    """Beat 6: predictions kept under shifts and accuracy, by the way of downsampling, over the card's intervals."""
    figure, panels = canvas(3.1, 1, 2, sharey=True)
    names = list(DOWNSAMPLING)
    colours = [GREY, OTHER, INPUT, OUTPUT]
    for axes, (what, title) in zip(
        panels, (("kept", "predictions kept under shifts"), ("accuracy", "accuracy")), strict=True
    ):
        keys = [f"{what}: {name}" for name in names]
        _rows(axes, names, [results[k] for k in keys], [card.interval(k) for k in keys], colours)
        axes.set_xlim(0.3, 1.02)
        axes.set_xlabel(f"{title} (share)")
    panels[0].set_ylabel("how maps are halved")
    best = max(names, key=lambda name: results[f"kept: {name}"])
    headline(
        figure,
        f"“{best}” keeps {results[f'kept: {best}']:.0%} of the predictions, max alone {results['kept: max']:.0%}",
    )
    listed = "; ".join(f"{n}: kept {results[f'kept: {n}']:.2f}, right {results[f'accuracy: {n}']:.2f}" for n in names)
    return figure, f"Two panels of dots over intervals, by the way of halving maps. {listed}."


@picture
def separation(often: float = 0.2, rarely: float = 0.1):
    """Beat 7: how well pooled features tell two kinds of images apart, against the size of the pool."""
    sizes = np.unique(np.geomspace(1, 256, 120).astype(int))
    figure, axes = canvas(3.4)
    best = {}
    for kind, colour, dash in (("average", INPUT, "--"), ("max", OUTPUT, "-")):
        curve = separability(often, rarely, sizes, kind)
        axes.plot(sizes, curve, color=colour, ls=dash)
        at = int(curve.argmax())
        best[kind] = int(sizes[at]), float(curve[at])
        label = int(len(sizes) * (0.62 if kind == "average" else 0.9))
        axes.annotate(
            kind, (sizes[label], curve[label]), (-6, 8), textcoords="offset points", ha="right", color=ink(colour)
        )
    axes.plot(*best["max"], "o", ms=9, color=OUTPUT, mec="white", zorder=4)
    axes.annotate(
        f"best at {best['max'][0]}", best["max"], (0, -17), textcoords="offset points", ha="center", fontsize=9
    )
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_ylim(0, 1.1 * max(best["average"][1], best["max"][1], 0.1))
    axes.set_xlabel("features in the pool")
    axes.set_ylabel("separability")
    finding = f"Max separates best with {best['max'][0]} features, and with many not at all"
    headline(figure, finding if often != rarely else "Features that fire equally often separate nothing")
    alt = f"""Separability of two kinds of images whose features fire with chance {often:.2f} and {rarely:.2f},
    against the size of the pool on a logarithmic axis: the average's rises throughout, the maximum's is largest at
    {best["max"][0]}, {best["max"][1]:.2f}, and falls to zero."""
    return figure, alt


@picture
def evidence(images, maps, predicted, first: int = 0):
    """Beat 8: three canvases, and where the predicted class has its evidence. images: (N, 16, 16); maps: (N, 8, 8)."""
    figure, panels = canvas(4.5, 2, 3)
    for column in range(3):
        image, grown = images[first + column], np.kron(maps[first + column], np.ones((2, 2)))
        above, below = panels[:, column]
        above.imshow(image, cmap=IMAGE, vmin=0, vmax=1, interpolation="nearest")
        above.set_title(f"read as {predicted[first + column]}", fontsize=10, color=ink(INPUT))
        below.imshow(np.clip(grown, 0, None), cmap=AMOUNT_OUTPUT, interpolation="nearest")
        below.contour(image, levels=[0.3], colors=[INK], linewidths=0.9)
        for axes in (above, below):
            bare(axes)
            for spine in axes.spines.values():
                spine.set(visible=True, color=GREY)
    panels[1, 0].set_title("its evidence, over the digit's outline", fontsize=10, color=ink(OUTPUT))
    headline(figure, "Nobody told the network where the digit is; the average of maps remembers")
    read = ", ".join(str(int(p)) for p in predicted[first : first + 3])
    alt = f"""Three canvases with a digit each, read as {read}, and below each the map of evidence for that class,
    strongest on or near the digit, with the digit's outline."""
    return figure, alt


@picture
def ledger(rows: list[tuple[str, tuple[int, ...], int]], name: str):
    """Beat 9: a network traced shape by shape. rows: (layer, output shape without the batch, parameters)."""
    figure, (left, right) = canvas(0.9 + 0.27 * len(rows), 1, 2, sharey=True, width_ratios=[1.5, 1])
    height = np.arange(len(rows))[::-1]
    numbers, weights = [int(np.prod(shape)) for _, shape, _ in rows], [count for *_, count in rows]
    left.barh(height, numbers, color=OUTPUT, alpha=0.55, height=0.7)
    for y, (_, shape, _), count in zip(height, rows, numbers, strict=True):
        left.text(count, y, "  " + " × ".join(map(str, shape)) + f" = {count:,}", va="center", fontsize=8.5)
    right.barh(height, weights, color=KERNEL, alpha=0.7, height=0.7)
    for y, count in zip(height, weights, strict=True):
        right.text(count, y, f"  {count:,}" if count else "  –", va="center", fontsize=8.5, color=INK)
    left.set_yticks(height, [row[0] for row in rows])
    left.tick_params(axis="y", length=0)
    left.set_xlim(0, 1.75 * max(numbers))
    right.set_xlim(0, 1.35 * max(weights))
    left.set_xlabel("numbers that come out")
    right.set_xlabel("parameters")
    left.set_ylabel("layer")
    for axes in (left, right):
        axes.set_xticks([])
    share = max(weights) / sum(weights)
    headline(figure, f"{name}: {sum(weights):,} parameters, {share:.0%} of them in one layer")
    listed = "; ".join(f"{layer}: {'×'.join(map(str, shape))}, {count}" for layer, shape, count in rows)
    return figure, f"A table of layers with output shapes and parameters. {listed}."
