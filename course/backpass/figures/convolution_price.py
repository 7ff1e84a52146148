"""Lecture 1, beat 6: who is connected to whom, what it costs, and which weights touch which pixels."""

from __future__ import annotations

import numpy as np
from matplotlib.collections import LineCollection

from ..experiments.convolution import direct_price, transform_price
from .style import (
    AMOUNT_KERNEL,
    FAINT,
    GREY,
    INK,
    INPUT,
    KERNEL,
    OTHER,
    OUTPUT,
    WRONG,
    bare,
    canvas,
    frame,
    grid,
    headline,
    ink,
    picture,
)


@picture
def reach(layers: int = 3, window: int = 3, units: int = 15):
    """Beat 6: which inputs one unit depends on, after some sparse layers; and one dense layer beside it."""
    figure, (dense, sparse) = canvas(3.4, 1, 2, width_ratios=[1, 1.5])
    middle, half = units // 2, window // 2
    few = 7
    _wires(dense, [(a, 0, b, 1) for a in range(few) for b in range(few)], FAINT, 0.8)
    _wires(dense, [(a, 0, few // 2, 1) for a in range(few)], KERNEL, 1.8)
    for level in (0, 1):
        lit = range(few) if level == 0 else [few // 2]
        _dots(dense, few, level, lit, INPUT if level == 0 else OUTPUT)
    dense.set_title(f"dense: one unit sees all {few}", fontsize=10)
    dense.set_ylim(-0.5, 1.4)
    seen = {layers: {middle}}
    for level in range(layers, 0, -1):
        seen[level - 1] = {u + d for u in seen[level] for d in range(-half, half + 1) if 0 <= u + d < units}
    for level in range(1, layers + 1):
        every = [
            (u + d, level - 1, u, level) for u in range(units) for d in range(-half, half + 1) if 0 <= u + d < units
        ]
        _wires(sparse, every, FAINT, 0.7)
        _wires(sparse, [wire for wire in every if wire[2] in seen[level]], KERNEL, 1.5)
    for level in range(layers + 1):
        _dots(sparse, units, level, seen[level], INPUT if level == 0 else OUTPUT)
    field = len(seen[0])
    sparse.set_title(f"windows of {window}, {layers} layer{'s' if layers > 1 else ''}: {field} inputs", fontsize=10)
    for axes, name in ((dense, "output"), (sparse, "output")):
        axes.text(-0.7, 0, "input", ha="right", va="center", fontsize=9, color=ink(INPUT))
        axes.text(-0.7, 1 if axes is dense else layers, name, ha="right", va="center", fontsize=9, color=ink(OUTPUT))
        bare(axes)
    dense.set_xlim(-2.6, few - 0.5)
    sparse.set_xlim(-3.4, units - 0.5)
    headline(figure, f"Sparse in each layer, wide after several: here one unit sees {field} inputs")
    alt = f"""Left a dense layer, in which one output is wired to all {few} inputs. Right {layers} layers
    in which each unit sees {window} neighbours; the wires under one top unit fan out to {field} of the
    {units} inputs."""
    return figure, alt


def _wires(axes, wires, colour, lw):
    axes.add_collection(LineCollection([[(a, la), (b, lb)] for a, la, b, lb in wires], colors=colour, linewidths=lw))


def _dots(axes, count, level, lit, colour):
    lit = sorted(lit)
    rest = [u for u in range(count) if u not in set(lit)]
    axes.scatter(rest, [level] * len(rest), s=34, fc="white", ec=GREY, zorder=3)
    axes.scatter(lit, [level] * len(lit), s=44, color=colour, zorder=4)


@picture
def prices(side: int = 96, window: int = 3):
    """Beat 6: weights against the image's side for three layers; multiplications against the window's."""
    sides = np.unique(np.geomspace(8, 512, 60).astype(int))
    sides = sides[sides > window]
    m, n = sides.astype(float) ** 2, (sides - window + 1.0) ** 2
    k = window**2
    figure, (left, right) = canvas(4.1, 1, 2)
    here_m, here_n = side**2, (side - window + 1) ** 2
    lines = (
        ("dense: m·n", m * n, here_m * here_n, WRONG, "-"),
        ("local: k·n", k * n, k * here_n, KERNEL, "--"),
        ("shared: k", np.full(len(sides), float(k)), k, OUTPUT, "-"),
    )
    for name, curve, here, colour, dash in lines:
        left.loglog(sides, curve, color=colour, ls=dash)
        left.plot([side], [here], "o", color=colour, ms=7, mec="white")
        left.annotate(
            _count(here), (side, here), (-6, 6), textcoords="offset points", ha="right", fontsize=9, color=INK
        )
        below = here == k
        left.annotate(
            name, (sides[-1], curve[-1]), (-2, -16 if below else 8), textcoords="offset points", ha="right",
            color=ink(colour)
        )  # fmt: skip
    left.axvline(side, color=FAINT, zorder=0)
    left.set_ylim(0.1, 1e13)
    left.set_title(f"Weights, window {window}×{window}", fontsize=10)
    left.set_xlabel("side of the image (pixels)")
    left.set_ylabel("number of weights")
    windows = np.arange(1, min(side, 32))
    direct = np.array([direct_price(side, w) for w in windows])
    waves = np.array([transform_price(side, w) for w in windows])
    right.loglog(windows, direct, color=OUTPUT)
    right.loglog(windows, waves, color=OTHER, ls="--")
    cross = windows[waves < direct]
    right.annotate(
        "product by product", (windows[1], direct[1]), (6, -10), textcoords="offset points", color=ink(OUTPUT)
    )
    right.annotate("Fourier transforms", (windows[0], waves[0]), (0, 8), textcoords="offset points", color=ink(OTHER))
    if len(cross):
        right.axvline(cross[0], color=FAINT, zorder=0)
        right.annotate(f"fewer from\n{cross[0]}×{cross[0]} on", (cross[0], direct[0]), (-6, 4),
                       textcoords="offset points", ha="right", fontsize=9)  # fmt: skip
    right.set_title(f"Multiplications, one image {side}×{side}", fontsize=10)
    right.set_xlabel("side of the window (pixels)")
    right.set_ylabel("real multiplications")
    headline(figure, f"Locality saves a factor of {here_m / k:,.0f}, sharing another {here_n:,.0f}")
    alt = f"""Left, on double logarithmic axes, the number of weights against the image's side: at {side}
    pixels dense {_count(here_m * here_n)}, local {_count(k * here_n)}, shared {k}. Right, multiplications
    against the window's side, product by product and by Fourier transforms;
    {f"the transforms need fewer from {cross[0]} on" if len(cross) else "they do not cross"}."""
    return figure, alt


def _count(number: float) -> str:
    """A count with at most three digits and a unit: 81.4 M."""
    for size, unit in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:g}"


@picture
def visits(row: int = 0, column: int = 0, side: int = 5, window: int = 3):
    """Beat 6: how many members of the kernel see each pixel, and which pixels one member sees."""
    out = side - window + 1
    seen = np.zeros((side, side))
    for i in range(window):
        for j in range(window):
            seen[i : i + out, j : j + out] += 1
    figure, (left, middle, right) = canvas(3.0, 1, 3, width_ratios=[side, window, side])
    grid(left, seen, low=0, high=1.3 * seen.max(), size=11, title="Members that see each pixel")
    member = np.zeros((window, window))
    row, column = int(np.clip(row, 0, window - 1)), int(np.clip(column, 0, window - 1))
    member[row, column] = 1
    grid(middle, member, numbers=None, low=0, high=2.2, title="One member", colours=AMOUNT_KERNEL)
    middle.title.set_color(ink(KERNEL))
    frame(middle, row, column, 1, 1)
    field = np.zeros((side, side))
    field[row : row + out, column : column + out] = 1
    grid(right, field, numbers=None, low=0, high=2.2, title=f"The {out * out} pixels that it sees")
    frame(right, row, column, out, out)
    headline(figure, f"The centre is seen by {seen.max():g} members of the kernel, a corner by {seen[0, 0]:g}")
    alt = f"""A {side} by {side} map of how many of the {window * window} kernel members see each pixel:
    {seen.max():g} in the centre, {seen[0, 0]:g} in the corners. Beside it one member of the kernel, row
    {row}, column {column}, and the {out} by {out} block of pixels that it sees."""
    return figure, alt
