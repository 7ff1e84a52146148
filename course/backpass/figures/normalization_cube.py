"""Lecture 7, the opening and beats 1 and 2: whose statistics an entry shares, and what that couples."""

from __future__ import annotations

import numpy as np
from matplotlib.collections import PolyCollection

from .style import FAINT, INK, SIGNED, WHEEL, bare, canvas, headline, picture

EXAMPLES, CHANNELS, PLACES = 3, 4, 4
NAMES = {
    (True, False, True): "batch norm",
    (False, True, True): "layer norm over channels and positions",
    (False, False, True): "instance norm",
    (False, True, False): "layer norm over channels alone",
    (True, False, False): "batch norm of a dense layer, at each position",
    (True, True, True): "one mean for everything",
    (True, True, False): "one mean for each position",
    (False, False, False): "nothing is averaged: every entry minus itself",
}


def members(batch: bool, channels: bool, positions: bool, groups: int = 1) -> np.ndarray:
    """The number of the statistic that each entry belongs to; (EXAMPLES, CHANNELS, PLACES)."""
    n, c, p = np.indices((EXAMPLES, CHANNELS, PLACES))
    c = c // (CHANNELS // groups) if channels else c
    keys = np.stack([0 * n if batch else n, c, 0 * p if positions else p], -1).reshape(-1, 3)
    return np.unique(keys, axis=0, return_inverse=True)[1].reshape(n.shape)


def _name(batch: bool, channels: bool, positions: bool, groups: int) -> str:
    if channels and positions and not batch and 1 < groups < CHANNELS:
        return f"group norm, {groups} groups"
    if channels and groups == CHANNELS:
        channels = False
    return NAMES[batch, channels, positions] + (f", in {groups} groups" if channels and groups > 1 else "")


def _draw(axes, owner: np.ndarray, size: float = 9) -> None:
    """The block of entries from the front: channels to the right, positions downwards, examples to the back."""
    back = np.array([0.42, 0.34])
    faces, colours = [], []

    def add(corner, across, along, number):
        corner = np.array(corner, float)
        faces.append([corner, corner + across, corner + across + along, corner + along])
        colours.append(WHEEL[number % len(WHEEL)])

    right, down = np.array([1.0, 0.0]), np.array([0.0, -1.0])
    for n in range(EXAMPLES):
        for c in range(CHANNELS):
            add(c * right + n * back, right, back, owner[n, c, 0])
        for p in range(PLACES):
            add(CHANNELS * right + p * down + n * back, down, back, owner[n, -1, p])
    for c in range(CHANNELS):
        for p in range(PLACES):
            add(c * right + p * down, right, down, owner[0, c, p])
    axes.add_collection(PolyCollection(faces, facecolors=colours, edgecolors="white", linewidths=1.3))
    axes.text(CHANNELS / 2, -PLACES - 0.25, "channels", ha="center", va="top", fontsize=size)
    axes.text(-0.2, -PLACES / 2, "positions", ha="right", va="center", rotation=90, fontsize=size)
    corner = EXAMPLES * back
    axes.text(corner[0] / 2 - 0.25, corner[1] / 2 + 0.1, "examples", ha="right", va="bottom", fontsize=size)
    axes.set_xlim(-1.4, CHANNELS + corner[0] + 0.2)
    axes.set_ylim(-PLACES - 1.0, corner[1] + 0.3)
    axes.set_aspect("equal")
    bare(axes)


@picture
def answer():
    """The opening: the same block of numbers under four norms; one colour for entries with one mean."""
    figure, panels = canvas(2.45, 1, 4)
    kinds = {
        "batch norm": (True, False, True, 1),
        "layer norm": (False, True, True, 1),
        "group norm": (False, True, True, 2),
        "instance norm": (False, False, True, 1),
    }
    counts = {}
    for axes, (name, options) in zip(panels, kinds.items(), strict=True):
        owner = members(*options)
        counts[name] = len(np.unique(owner))
        _draw(axes, owner, size=8)
        axes.set_title(f"{name}:\n{counts[name]} means", fontsize=10, loc="center")
    headline(figure, "One formula; the norms differ in whose mean an entry shares")
    listed = ", ".join(f"{name} {count}" for name, count in counts.items())
    return (
        figure,
        f"""Four blocks of {EXAMPLES} examples, {CHANNELS} channels and {PLACES} positions. Entries that share
    a mean have one colour. Numbers of means: {listed}.""",
    )


@picture
def cube(batch: bool = True, channels: bool = False, positions: bool = True, groups: int = 1):
    """Beat 1: tick the axes that are averaged over. groups: how many blocks of channels, if channels are."""
    owner = members(batch, channels, positions, groups)
    count = len(np.unique(owner))
    each = owner.size // count
    name = _name(batch, channels, positions, groups)
    figure, (left, right) = canvas(3.5, 1, 2)
    _draw(left, owner)
    factors = ([] if batch else ["N"]) + ([f"{groups} groups"] if channels and groups > 1 else [])
    factors += ([] if channels else ["C"]) + ([] if positions else ["H·W"])
    lines = [
        name,
        f"means: {count}" + (f"  ({' · '.join(factors)})" if factors else ""),
        f"entries behind each: {each}",
        "examples meet each other: " + ("yes" if batch else "no"),
        "needs running statistics: " + ("yes" if batch else "no"),
    ]
    for row, line in enumerate(lines):
        right.text(0, 0.82 - 0.16 * row, line, transform=right.transAxes, fontsize=11 if row else 12,
                   fontweight="normal" if row else "bold", wrap=True, color=INK)  # fmt: skip
    bare(right)
    headline(figure, f"{count} mean{'s' if count > 1 else ''}, each over {each} entries")
    over = [
        axis for axis, on in zip(("examples", "channels", "positions"), (batch, channels, positions), strict=True) if on
    ]
    alt = f"""A block of {EXAMPLES} examples, {CHANNELS} channels, {PLACES} positions. Averaged over
    {" and ".join(over) or "nothing"}: {name}; {count} means, {each} entries behind each."""
    return figure, alt


@picture
def blocks(matrices: dict[str, np.ndarray], examples: int = 3):
    """Beat 1: Jacobians of several norms beside each other; lines between the examples. matrices: {name: (D, D)}."""
    figure, panels = canvas(2.5, 1, len(matrices), sharey=True, squeeze=False)
    panels, coupled = panels[0], []
    for axes, (name, matrix) in zip(panels, matrices.items(), strict=True):
        size = len(matrix)
        high = np.abs(matrix).max()
        axes.imshow(matrix, cmap=SIGNED, vmin=-high, vmax=high, interpolation="nearest")
        for k in range(1, examples):
            axes.axhline(k * size / examples - 0.5, color=INK, lw=0.6)
            axes.axvline(k * size / examples - 0.5, color=INK, lw=0.6)
        own = np.kron(np.eye(examples), np.ones((size // examples,) * 2)) > 0
        if np.abs(matrix[~own]).max() > 1e-6:
            coupled.append(name)
        axes.set_title(name, fontsize=10)
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set(visible=True, color=FAINT)
        axes.set_xlabel("inputs, by example")
    panels[0].set_ylabel("outputs, by example")
    headline(
        figure,
        f"Only {' and '.join(coupled)} lets one example reach another" if coupled else "No example reaches another",
    )
    return (
        figure,
        f"""Jacobians of {", ".join(matrices)} as images, with lines between the {examples} examples.
    Entries off the examples' own blocks: {" and ".join(coupled) or "none"}.""",
    )
