"""The operator microscope's picture: matrix, singular values, null space."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .style import FAINT, GREY, INK, INPUT, OUTPUT, SIGNED, WIDTH, WRONG, bare, headline, ink, picture


@picture
def draw_operator(operator, *, title: str = ""):
    """The picture of a `backpass.microscope.Operator`."""
    outputs, inputs = operator.matrix.shape
    title = title or _finding(operator)
    figure = Figure(figsize=(WIDTH, 3.5), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06, wspace=0.05)
    spread = min(2.2, max(0.8, inputs / max(outputs, 1)))
    panels = figure.add_gridspec(1, 3, width_ratios=[1.15 * spread, 1.25, 1.0])
    _matrix(figure.add_subplot(panels[0]), operator)
    _singular_values(figure.add_subplot(panels[1]), operator)
    _unseen(figure, panels[2], operator)
    headline(figure, title)
    kind = "linear" if operator.linear else "not linear; this is its Jacobian at one point"
    alt = (
        f"{title}. Operator microscope of a layer from {inputs} to {outputs} numbers ({kind}): the matrix "
        f"as an image; its singular values from {operator.singular_values.max():.3g} down to "
        f"{operator.singular_values.min():.3g}, rank {operator.rank}; and "
        + (
            f"examples of the {operator.nullity} independent inputs that it maps to zero."
            if operator.nullity
            else "the input that it weakens most."
        )
    )
    return figure, alt


def _finding(operator) -> str:
    inputs = operator.matrix.shape[1]
    if not operator.nullity:
        return f"Nothing is lost: all {inputs} directions of the input can be seen in the output"
    return f"{operator.nullity} of {inputs} directions of the input leave no trace in the output"


def _matrix(axes, operator) -> None:
    outputs, inputs = operator.matrix.shape
    high = float(np.abs(operator.matrix).max()) or 1.0
    aspect = "auto" if inputs > 3 * outputs else "equal"
    options = {"cmap": SIGNED, "interpolation": "nearest", "aspect": aspect}
    axes.imshow(operator.matrix, vmin=-high, vmax=high, **options)
    axes.set_title("Jacobian" if not operator.linear else "The layer as a matrix", fontsize=10)
    axes.set_xlabel(f"input entry (of {inputs})", color=ink(INPUT))
    axes.set_ylabel(f"output entry (of {outputs})", color=ink(OUTPUT))
    axes.set_xticks(_ends(inputs))
    axes.set_yticks(_ends(outputs))
    for spine in axes.spines.values():
        spine.set(visible=True, color=FAINT)


def _ends(count: int) -> list[int]:
    return [0, count - 1] if count > 1 else [0]


def _singular_values(axes, operator) -> None:
    values = operator.singular_values
    alive = values > 1e-6 * max(values.max(), 1e-300)
    index = np.arange(1, len(values) + 1)
    axes.vlines(index[alive], 0, values[alive], color=INK, lw=1.0 if len(values) > 24 else 1.6)
    size = 12 if len(values) > 24 else 24
    axes.scatter(index[alive], values[alive], s=size, color=INK, zorder=3)
    axes.scatter(index[~alive], 0 * values[~alive], s=size, facecolor="white", edgecolor=WRONG, zorder=3, clip_on=False)
    axes.set_ylim(0, values.max() * 1.18 if values.max() > 0 else 1)
    axes.set_title("Singular values", fontsize=10)
    axes.set_xlabel("number")
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.set_ylabel("gain")
    if (~alive).any():
        axes.annotate(
            f"{int((~alive).sum())} zero",
            (index[~alive].mean(), 0),
            (0, 12),
            textcoords="offset points",
            ha="center",
            color=ink(WRONG),
            fontsize=9,
        )
    axes.text(0.98, 0.97, f"rank {operator.rank}", transform=axes.transAxes, ha="right", va="top", fontsize=9)


def _unseen(figure, slot, operator) -> None:
    """Up to three null vectors, or the weakest direction, as images or as strips."""
    seen_whole = operator.nullity == 0
    vectors = operator.directions[-1:] if seen_whole else operator.null_space[:3]
    panels = slot.subgridspec(len(vectors), 1)
    for number, vector in enumerate(vectors):
        axes = figure.add_subplot(panels[number])
        high = float(np.abs(vector).max()) or 1.0
        if vector.ndim == 1:
            axes.bar(np.arange(len(vector)), vector, color=SIGNED(0.5 + 0.5 * vector / high), ec=GREY, lw=0.5)
            axes.axhline(0, color=GREY, lw=0.8)
            axes.set_ylim(-1.15 * high, 1.15 * high)
        else:
            plane = vector.reshape(-1, vector.shape[-1])
            axes.imshow(plane, cmap=SIGNED, vmin=-high, vmax=high, interpolation="nearest", aspect="equal")
        bare(axes)
        for spine in axes.spines.values():
            spine.set(visible=True, color=GREY, lw=0.6)
        if number == 0:
            name = "Weakest input" if seen_whole else f"Unseen, {len(vectors)} of {operator.nullity}"
            # A picture taller than wide has room for its name only to the left.
            tall = vector.ndim > 1 and vector.size > vector.shape[-1] ** 2
            axes.set_title(name, fontsize=10, loc="right" if tall else "left")
