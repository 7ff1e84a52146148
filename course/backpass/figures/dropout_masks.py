"""Lecture 8, beats 3 and 4: thinned networks, masks, how many are dropped, and a backward that forgets."""

from __future__ import annotations

import numpy as np
from matplotlib.collections import LineCollection

from .style import (
    AMOUNT,
    FAINT,
    GRADIENT,
    GREY,
    INK,
    INPUT,
    KERNEL,
    OTHER,
    OUTPUT,
    WRONG,
    bare,
    canvas,
    grid,
    headline,
    ink,
    picture,
)

WIDTHS = (4, 6, 6, 3)


def masks(rows: int, units: int, p: float, seed: int = 5) -> np.ndarray:
    """Which units stay, as booleans (rows, units); the draws are the same for every p."""
    return np.random.default_rng(seed).random((rows, units)) >= p


def draw_thinned(axes, kept: tuple[np.ndarray, ...]) -> None:
    """A small network of WIDTHS; kept: for each hidden layer which units stay."""
    alive = [np.ones(WIDTHS[0], bool), *kept, np.ones(WIDTHS[-1], bool)]
    at = [np.linspace(-1, 1, n + 2)[1:-1] * 1.2 for n in WIDTHS]
    gone, there = [], []
    for level in range(len(WIDTHS) - 1):
        for a, ya in enumerate(at[level]):
            for b, yb in enumerate(at[level + 1]):
                wires = there if alive[level][a] and alive[level + 1][b] else gone
                wires.append([(level, ya), (level + 1, yb)])
    axes.add_collection(LineCollection(gone, colors=FAINT, linewidths=0.4, linestyles=":"))
    axes.add_collection(LineCollection(there, colors=KERNEL, linewidths=1.0))
    for level, places in enumerate(at):
        colour = INPUT if level == 0 else OUTPUT if level == len(WIDTHS) - 1 else INK
        on = alive[level]
        axes.scatter([level] * on.sum(), places[on], s=70, color=colour, zorder=3)
        axes.scatter([level] * (~on).sum(), places[~on], s=70, fc="white", ec=GREY, zorder=3)
        axes.scatter([level] * (~on).sum(), places[~on], s=28, marker="x", color=GREY, zorder=4, lw=1)
    axes.set_xlim(-0.3, len(WIDTHS) - 0.7)
    axes.set_ylim(-1.05, 1.05)
    bare(axes)


@picture
def thinned(p: float = 0.5, example: int = 1):
    """Beat 3: the networks that four examples of a batch pass through; the first is chosen by the knob."""
    figure, panels = canvas(2.5, 1, 4)
    counts = []
    for place, axes in enumerate(panels):
        number = example + place
        keep = masks(24, sum(WIDTHS[1:3]), p)[number % 24]
        draw_thinned(axes, (keep[: WIDTHS[1]], keep[WIDTHS[1] :]))
        axes.set_title(f"example {number}", fontsize=10)
        counts.append(int((~keep).sum()))
    hidden = sum(WIDTHS[1:3])
    headline(figure, f"Every example meets a network of its own: one of {2**hidden:,}")
    alt = f"""Four drawings of one small network with {hidden} hidden units. In each, other hidden units are
    crossed out, and all wires to and from them are gone: {", ".join(map(str, counts))} units are missing for
    examples {example} to {example + 3}, at p = {p:.2f}."""
    return figure, alt


@picture
def mask_matrix(p: float = 0.5, shared: str = "each example its own"):
    """Beat 3: the factors of a batch, rows are examples; one mask for all as the wrong alternative."""
    rows, units = 10, 24
    kept = masks(rows, units, p, seed=8)
    if shared != "each example its own":
        kept = np.repeat(kept[:1], rows, axis=0)
    figure, (left, right) = canvas(3.4, 1, 2, width_ratios=[3, 1.1])
    grid(left, kept, colours=AMOUNT, low=0, high=1.5, numbers=None)
    left.set_title(f"white: times 0; blue: times 1/(1 − p) = {1 / (1 - p):.2f}", fontsize=10)
    left.set_xticks([0, units - 1], ["unit 1", f"unit {units}"])
    left.set_yticks([0, rows - 1], ["example 1", f"example {rows}"])
    left.set_xlabel("unit of the layer")
    left.set_ylabel("example of the batch")
    count = (~kept).sum(axis=1)
    right.barh(range(rows), count, color=OTHER, height=0.7)
    right.axvline(p * units, color=INK, lw=1, ls=":")
    right.text(p * units, -0.75, f"p · {units} = {p * units:.1f}", ha="center", fontsize=9)
    right.set_ylim(rows - 0.5, -1.1)
    right.set_xlim(0, units)
    right.set_yticks([])
    right.set_xlabel("units dropped")
    for spine in ("left",):
        right.spines[spine].set_visible(False)
    never = int((~kept).all(axis=0).sum())
    if shared == "each example its own":
        text = f"The rows differ, and so do their counts: {count.min()} to {count.max()} dropped of {units}"
    else:
        text = f"One mask for the whole batch: {never} units learn nothing in this step"
    headline(figure, text)
    alt = f"""A matrix of {rows} examples by {units} units, white where a unit is dropped, {shared}. Beside it
    the number of dropped units for each example, {", ".join(map(str, count))}, around {p * units:.1f}."""
    return figure, alt


@picture
def dropped_counts(p: float = 0.5, units: int = 1000, draws: int = 4000):
    """Beat 3: how many of the units are dropped, over many draws."""
    counts = np.random.default_rng(0).binomial(units, p, draws)
    spread = np.sqrt(units * p * (1 - p))
    figure, axes = canvas(2.9)
    # Bars of equal width, so that their heights can be compared.
    step = max(1, round(spread / 4))
    edges = np.arange(counts.min() - 0.5, counts.max() + step + 0.5, step)
    share, _ = np.histogram(counts, edges)
    axes.bar(edges[:-1] + step / 2, 100 * share / draws, width=0.9 * step, color=OTHER)
    high = 100 * share.max() / draws
    centre = units * p
    axes.annotate("", (centre - spread, 1.12 * high), (centre + spread, 1.12 * high),
                  arrowprops={"arrowstyle": "<->", "color": INK})  # fmt: skip
    axes.text(centre, 1.16 * high, f"{centre:.0f} ± {spread:.1f}: about two draws in three", ha="center", fontsize=9)
    axes.set_ylim(0, 1.35 * high)
    axes.set_xlabel(f"units dropped, of {units}")
    axes.set_ylabel("share of the draws (%)")
    exactly = 100 * np.mean(counts == round(centre))
    headline(figure, f"Exactly {centre:.0f} are dropped in {exactly:.1f} % of the draws")
    alt = f"""A bell-shaped histogram of the number of dropped units among {units} at p = {p:.2f}: centre
    {centre:.0f}, standard deviation {spread:.1f}; exactly {centre:.0f} in {exactly:.1f} percent of the draws."""
    return figure, alt


@picture
def forgetful(p: float = 0.5, units: int = 16):
    """Beat 4: the factors of a forward pass, the gradient that belongs to them, and one through a new mask."""
    rng = np.random.default_rng(3)
    first, second = rng.random((2, units)) >= p
    scale = 1 / (1 - p)
    dy = np.round(rng.normal(size=units), 1)
    rows = (
        ("forward factor", first * scale, INPUT),
        ("its gradient: the same mask", first * scale * dy, GRADIENT),
        ("through a new mask", second * scale * dy, WRONG),
    )
    figure, panels = canvas(4.4, 3, 1, sharex=True)
    for axes, (name, values, colour) in zip(panels, rows, strict=True):
        axes.bar(range(units), values, color=colour, width=0.7)
        axes.axhline(0, color=GREY, lw=0.8)
        axes.set_title(name, fontsize=10, color=ink(colour))
        axes.set_ylabel("factor" if colour == INPUT else "dx")
        high = max(1.0, np.abs(values).max()) * 1.3
        axes.set_ylim(0 if colour == INPUT else -high, high)
    for unit in np.flatnonzero(first != second):
        panels[2].axvspan(unit - 0.5, unit + 0.5, color=WRONG, alpha=0.12, lw=0)
    panels[2].set_xticks([0, units - 1], ["unit 1", f"unit {units}"])
    panels[2].set_xlabel("unit of the layer")
    differ = int((first != second).sum())
    headline(figure, f"A new mask sends the gradient of {differ} of {units} units to the wrong address")
    alt = f"""Three rows of bars over {units} units: the forward factors, 0 or {scale:.2f}; the gradient through
    the same mask; the gradient through a newly drawn mask, shaded at the {differ} units at which the masks
    differ: either a dropped unit gets a gradient, or a unit that took part gets none."""
    return figure, alt
