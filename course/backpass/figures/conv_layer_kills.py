"""Lecture 2, beat 5: kill matrices. Rows are checks, columns are wrong layers."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..kills import KillMatrix
from ..kills import convolutions as wrong
from ..kills.matrix import run
from .style import FAINT, GREY, INK, OUTPUT, WIDTH, WRONG, bare, headline, ink, picture


def _draw(matrix: KillMatrix, groups: tuple[tuple[str, int], ...]) -> Figure:
    """The table; at the right how many each check notices, and how many forward passes it needs."""
    checks, columns = matrix.noticed.shape
    figure = Figure(figsize=(WIDTH, 2.35 + 0.3 * checks), layout="constrained")
    axes = figure.add_subplot()
    for (row, column), noticed in np.ndenumerate(matrix.noticed):
        axes.add_patch(
            Rectangle((column - 0.42, row - 0.4), 0.84, 0.8, fc=OUTPUT if noticed else "white",
                      ec=OUTPUT if noticed else FAINT, lw=0.8)
        )  # fmt: skip
    for row, (name, found) in enumerate(zip(matrix.checks, matrix.noticed, strict=True)):
        axes.text(-0.75, row, name, ha="right", va="center", fontsize=9)
        axes.text(
            columns + 1.9, row, f"{found.sum()} of {columns}", ha="right", va="center", fontsize=9, fontweight="bold"
        )
        axes.text(columns + 3.1, row, f"{matrix.calls[row]}", ha="right", va="center", fontsize=9)
    missed = ~matrix.noticed.any(0)
    for column, name in enumerate(matrix.wrong):
        colour = ink(WRONG) if missed[column] else INK
        axes.text(column - 0.1, -0.7, name, rotation=58, ha="left", va="bottom", fontsize=8.5, color=colour)
    start = 0
    for name, width in groups:
        axes.plot([start - 0.4, start + width - 0.6], [checks - 0.3] * 2, color=GREY, lw=1.4, solid_capstyle="butt")
        axes.text(start + width / 2 - 0.5, checks - 0.15, name, ha="center", va="top", fontsize=9, color=INK)
        start += width
    axes.text(columns + 1.9, checks - 0.35, "noticed", ha="right", va="top", fontsize=8.5)
    axes.text(columns + 3.1, checks - 0.35, "\nforward passes", ha="right", va="top", fontsize=8.5)
    longest = max(len(name) for name in matrix.checks)
    axes.set_xlim(-0.6 - 0.158 * longest * columns / 15, columns + 3.2)
    axes.set_ylim(checks + 0.75, -4.4)
    bare(axes)
    return figure


def _alt(matrix: KillMatrix) -> str:
    rows = "; ".join(
        f"{name}: {found.sum()}, " + (", ".join(w for w, f in zip(matrix.wrong, found, strict=True) if f) or "none")
        for name, found in zip(matrix.checks, matrix.noticed, strict=True)
    )
    return (
        f"A table of checks against {len(matrix.wrong)} wrong layers. How many each check notices, and which. {rows}."
    )


@picture
def kill_matrix(matrix: KillMatrix, groups: tuple[tuple[str, int], ...], finding: str = ""):
    """Beat 5: which check notices which wrong layer; below, what is wrong in them. groups: (name, columns)."""
    figure = _draw(matrix, groups)
    best = max(range(len(matrix.checks)), key=lambda row: matrix.noticed[row].sum())
    count = int(matrix.noticed[best].sum())
    smallest = len(matrix.smallest_sets()[0])
    plain = f"The best single check notices {count} of {len(matrix.wrong)}; it takes {smallest} checks to notice all"
    headline(figure, finding or plain)
    return figure, f"{finding or plain}. {_alt(matrix)}"


@picture
def own_check(
    stride: int = 1,
    padding: int = 0,
    samples: int = 1,
    oblong: bool = False,
    channels: str = "1 to 1",
    upstream: str = "random",
):
    """Beat 5: four kinds of question about inputs of the reader's choice. Needs torch."""
    inputs, outputs = (int(part) for part in channels.split(" to "))
    sizes = {"image": (7, 5), "kernel": (3, 2)} if oblong else {"image": (5, 5), "kernel": (3, 3)}
    trial = wrong.Trial(samples, inputs, outputs, **sizes, stride=stride, padding=padding, upstream=upstream)
    forwards, backwards = wrong.wrong_forwards(), wrong.wrong_backwards()
    matrix = run(wrong.own_checks(trial), wrong.right_layer(), forwards | backwards)
    figure = _draw(matrix, (("forward wrong", len(forwards)), ("backward wrong", len(backwards))))
    left = matrix.survivors()
    finding = f"With these inputs {len(left)} of {len(matrix.wrong)} wrong layers pass everything"
    finding = finding if left else "With these inputs every wrong layer is noticed"
    headline(figure, finding)
    return figure, f"{finding}. {_alt(matrix)}"
