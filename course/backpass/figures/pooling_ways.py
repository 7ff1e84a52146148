"""Lecture 3, beats 2 and 3: four summaries of one window, and the ways back."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from .style import (
    AMOUNT,
    AMOUNT_OUTPUT,
    FAINT,
    GRADIENT,
    INK,
    INPUT,
    KERNEL,
    OTHER,
    OUTPUT,
    WIDTH,
    WRONG,
    canvas,
    frame,
    grid,
    headline,
    ink,
    picture,
)

EXAMPLE = np.array(
    [
        [1, 0, 2, 3, 0, 1],
        [4, 1, 0, 1, 2, 0],
        [0, 2, 5, 0, 1, 1],
        [1, 0, 0, 3, 0, 2],
        [2, 6, 1, 0, 0, 4],
        [0, 1, 1, 2, 3, 0],
    ],
    float,
)


def _distance_weights(size: int, sigma: float) -> np.ndarray:
    """Weights that fall with the distance from the middle of a window and sum to 1."""
    offset = np.arange(size) - (size - 1) / 2
    bell = np.exp(-(offset[:, None] ** 2 + offset**2) / (2 * sigma**2))
    return bell / bell.sum()


@picture
def four_ways(row: int = 0, column: int = 1, sigma: float = 0.8):
    """Beat 2: one window of 3x3, and what four kinds of pooling say of it; stride 1."""
    window = EXAMPLE[row : row + 3, column : column + 3]
    weights = _distance_weights(3, sigma)
    found = {
        "max": window.max(),
        "average": window.mean(),
        "L2": float(np.sqrt((window**2).sum())),
        "distance": float((weights * window).sum()),
    }
    shares = {
        "max": (window == window.max()) * 1.0,
        "average": np.full((3, 3), 1 / 9),
        "L2": window / max(found["L2"], 1e-12),
        "distance": weights,
    }
    names = {
        "max": "max: one entry",
        "average": "average: all alike",
        "L2": "L2: the large ones",
        "distance": "distance: the middle",
    }
    figure = Figure(figsize=(WIDTH, 4.1), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.05, h_pad=0.06)
    slots = figure.add_gridspec(2, 4, width_ratios=[1.2, 1.2, 1, 1])
    left = figure.add_subplot(slots[:, :2])
    grid(left, EXAMPLE, low=0, high=14, size=11, colours=AMOUNT)
    frame(left, row, column, 3, 3)
    left.set_title("a map, and a window of 3×3", fontsize=10, color=ink(INPUT))
    for place, (kind, value) in enumerate(found.items()):
        axes = figure.add_subplot(slots[place // 2, 2 + place % 2])
        grid(axes, shares[kind], low=0, high=1.6, numbers=".2f", size=8.5, colours=AMOUNT_OUTPUT)
        axes.set_title(f"{names[kind]}\n= {value:.2f}", fontsize=9.5, color=ink(OUTPUT))
    listed = ", ".join(f"{kind} {value:.2f}" for kind, value in found.items())
    headline(figure, "Four answers to one window, and how much each entry counts in them")
    alt = f"""A 6 by 6 map with the window {window.astype(int).tolist()} framed. Four summaries: {listed}. Beside
    each, how much each of the nine entries counts: one for the maximum, all alike for the average, in proportion to
    their size for L2, falling with the distance from the middle for the last."""
    return figure, alt


@picture
def energy(phase: float = 0.0):
    """Beat 2: a grating moves under two filters in quadrature; one pools their responses."""
    shift = np.linspace(0, 2 * np.pi, 200)
    even, odd = np.cos(shift), np.sin(shift)
    curves = {
        "L2": (np.hypot(even, odd), OUTPUT, "-"),
        "max of |·|": (np.maximum(np.abs(even), np.abs(odd)), KERNEL, "--"),
        "average of |·|": ((np.abs(even) + np.abs(odd)) / 2, INPUT, "-."),
    }
    figure, (left, right) = canvas(3.3, 1, 2, width_ratios=[1, 1.6])
    left.plot(even, odd, color=OUTPUT)
    left.plot([0, np.cos(phase)], [0, np.sin(phase)], color=INK, lw=1.4)
    left.plot([np.cos(phase)], [np.sin(phase)], "o", ms=9, color=WRONG, mec="white", zorder=4)
    left.set_aspect("equal")
    left.set_xlim(-1.25, 1.25)
    left.set_ylim(-1.25, 1.25)
    left.set_xlabel("even filter")
    left.set_ylabel("odd filter")
    for place, (name, (curve, colour, dash)) in enumerate(curves.items()):
        right.plot(shift, curve, color=colour, ls=dash)
        right.plot([phase], [np.interp(phase, shift, curve)], "o", ms=7, color=colour, mec="white", zorder=4)
        text = f"{name}: {curve.min():.2f} to {curve.max():.2f}"
        right.text(0.1, 1.36 - 0.12 * place, text, color=ink(colour), fontsize=9)
    right.axvline(phase, color=FAINT, zorder=0)
    right.set_ylim(0, 1.5)
    right.set_xticks([0, np.pi, 2 * np.pi], ["0", "π", "2π"])
    right.set_xlabel("phase of the grating (radians)")
    right.set_ylabel("pooled response")
    headline(figure, "The L2 norm of two filters a quarter wave apart does not feel the phase")
    listed = ", ".join(f"{name} from {c.min():.2f} to {c.max():.2f}" for name, (c, _, _) in curves.items())
    alt = f"""Left the responses of an even and an odd filter to a moving grating: a circle, the point at phase
    {phase:.1f}. Right the pooled responses against the phase: {listed}."""
    return figure, alt


_ABOVE = np.array([[1.0, 2], [3, 4]])
_TIES = np.array([[3, 3, 1, 0], [2, 3, 0, 5], [1, 1, 4, 2], [1, 1, 2, 4]], float)


def _ways_back(kind: str, overlap: bool):
    """Where the four windows of a 4x4 map send their gradients: (starts, size, [(output, pixel, share)])."""
    size, starts = (3, (0, 1)) if overlap else (2, (0, 2))
    routes = []
    for (p, q), _ in np.ndenumerate(_ABOVE):
        top, left = starts[p], starts[q]
        window = _TIES[top : top + size, left : left + size]
        if kind == "max":
            i, j = divmod(int(window.argmax()), size)
            routes.append(((p, q), (top + i, left + j), 1.0))
        else:
            routes += [((p, q), (top + i, left + j), 1 / size**2) for i in range(size) for j in range(size)]
    return starts, size, routes


@picture
def routes(kind: str = "max", overlap: bool = False):
    """Beat 3: the gradient's way back through max and average pooling, with ties and with overlaps."""
    starts, size, ways = _ways_back(kind, overlap)
    gradient = np.zeros((4, 4))
    for output, pixel, share in ways:
        gradient[pixel] += share * _ABOVE[output]
    figure, panels = canvas(3.4, 1, 3, width_ratios=[4, 2.2, 4])
    grid(panels[0], _TIES, low=0, high=9, size=12)
    for p, top in enumerate(starts):
        for q, left in enumerate(starts):
            inset = 0.08 * (2 * p + q) if overlap else 0.0
            frame(
                panels[0],
                top + inset,
                left + inset,
                size - 2 * inset,
                size - 2 * inset,
                (KERNEL, WRONG, OTHER, OUTPUT)[2 * p + q],
                2,
            )
    grid(panels[1], _ABOVE, low=0, high=9, size=12)
    for p in range(2):
        for q in range(2):
            frame(panels[1], p + 0.05, q + 0.05, 0.9, 0.9, (KERNEL, WRONG, OTHER, OUTPUT)[2 * p + q], 2)
    grid(panels[2], gradient, low=0, high=1.6 * gradient.max(), numbers=".3g", size=11, colours=AMOUNT_OUTPUT)
    titles = (("x, with its windows", INPUT), ("dy", GRADIENT), ("dx", GRADIENT))
    for axes, (title, colour) in zip(panels, titles, strict=True):
        axes.set_title(title, fontsize=10, color=ink(colour))
    if kind == "max":
        for (p, q), (i, j), _ in ways:
            panels[2].annotate(
                "", (j, i), (q, p), xycoords=panels[2].transData, textcoords=panels[1].transData, zorder=6,
                arrowprops={"arrowstyle": "-|>", "lw": 1.5, "color": (KERNEL, WRONG, OTHER, OUTPUT)[2 * p + q],
                            "shrinkA": 9, "shrinkB": 9, "connectionstyle": f"arc3,rad={0.38 * p + 0.1}"},
            )  # fmt: skip
    total = f"Σ dx = {gradient.sum():g} = Σ dy"
    finding = "Max sends all of it to one entry" if kind == "max" else "The average spreads it evenly"
    headline(figure, f"{finding}; nothing is lost: {total}")
    where = (
        ", ".join(f"{_ABOVE[o]:g} to row {i} column {j}" for o, (i, j), _ in ways) if kind == "max" else "spread evenly"
    )
    alt = f"""A 4 by 4 map {_TIES.astype(int).tolist()} with four windows of {size} by {size}, the gradient dy 1, 2,
    3, 4 from above, and dx after {kind} pooling: {where}. The sums of dx and dy are both {gradient.sum():g}."""
    return figure, alt
