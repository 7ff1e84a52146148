"""Lecture 5, beats 4 to 6: the backward pass as a projection, who shares a mean, what is redundant."""

from __future__ import annotations

import numpy as np
from matplotlib.patches import Polygon

from .style import (
    AMOUNT,
    FAINT,
    GRADIENT,
    GREY,
    KERNEL,
    OUTPUT,
    WIDTH,
    WRONG,
    bare,
    canvas,
    frame,
    grid,
    headline,
    ink,
    picture,
)

SHARING = {
    "N, H, W: batch norm": (0, 2, 3),
    "N only: positions forgotten": (0,),
    "the last axis kept: NHWC code on NCHW": (0, 1, 2),
}


# How the three directions (1, 1, 1), x̂, and the one perpendicular to both lie on the page.
ON_PAGE = np.array([[1.55, -0.22], [0.5, 0.72], [0.0, 1.3]])


@picture
def projection(turn: int = 40, height: float = 1.0):
    """Beat 4: a batch of three. The gradient dy, the plane of 1 and x̂, and what is left of dy.

    turn: degrees by which dy is turned inside the plane; height: its part that leaves the plane.
    """
    angle = np.deg2rad(turn)
    inside = 1.3 * np.array([np.cos(angle), np.sin(angle), 0])
    kept = np.array([0, 0, height])
    dy = inside + kept
    figure, axes = canvas(3.9)
    corners = np.array([(-1.5, -1.5, 0), (1.5, -1.5, 0), (1.5, 1.5, 0), (-1.5, 1.5, 0)]) @ ON_PAGE
    axes.add_patch(Polygon(corners, fc=FAINT, ec=GREY, alpha=0.5, lw=0.8))
    for end in (inside, kept):
        axes.plot(*np.stack([end @ ON_PAGE, dy @ ON_PAGE], axis=1), color=GREY, ls=":", lw=1.4)
    arrows = (
        (np.array([1.5, 0, 0]), GREY, "(1, 1, 1): all alike", "left"),
        (np.array([0, 1.5, 0]), KERNEL, "x̂", "left"),
        (inside, WRONG, "removed", "left"),
        (kept, OUTPUT, "kept: dx", "right"),
        (dy, GRADIENT, "dy", "left"),
    )
    for vector, colour, name, side in arrows:
        x, y = vector @ ON_PAGE
        style = {"arrowstyle": "-|>", "color": colour, "lw": 2.6, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 16}
        if np.linalg.norm(vector) > 0.02:
            axes.annotate("", (x, y), (0, 0), arrowprops=style)
        axes.annotate(name, (x, y), (5 if side == "left" else -7, 3), textcoords="offset points", color=ink(colour),
                      ha=side)  # fmt: skip
    corner = np.array([-1.45, -1.35, 0]) @ ON_PAGE
    axes.text(corner[0] + 0.12, corner[1] + 0.03, "the plane that is removed", fontsize=9)
    axes.set_xlim(-3.7, 4.2)
    axes.set_ylim(-2.1, 2.6)
    axes.set_aspect("equal")
    bare(axes)
    share = abs(height) / max(float(np.linalg.norm(dy)), 1e-12)
    headline(figure, f"Of three directions the backward pass removes two; {share:.0%} of this dy is left")
    alt = f"""The space of gradients of a batch of three examples, drawn obliquely, with the plane spanned by the vector
    of ones and by x-hat. The gradient dy leaves the plane; its part inside the plane is removed, its part across the
    plane, {share:.0%} of its length, is kept and becomes dx, up to the factor gamma over sigma."""
    return figure, alt


@picture
def sharing(statistics: str = "N, H, W: batch norm", example: int = 0, channel: int = 1):
    """Beat 5: an array (N, C, H, W) as N x C small planes; the values that share a mean with the framed one."""
    size = (3, 4, 4, 4)
    axes_used = SHARING[statistics]
    chosen = (example, channel, 1, 2)
    index = np.indices(size)
    same = np.ones(size, bool)
    for axis in range(4):
        if axis not in axes_used:
            same &= index[axis] == chosen[axis]
    groups = int(np.prod([size[a] for a in range(4) if a not in axes_used]))
    figure, panels = canvas(4.5, size[0], size[1])
    for (n, c), axes in np.ndenumerate(panels):
        grid(axes, same[n, c].astype(float), numbers=None, low=0, high=1.5, colours=AMOUNT)
        if (n, c) == chosen[:2]:
            frame(axes, chosen[2], chosen[3], 1, 1, KERNEL)
        if n == 0:
            axes.set_title(f"channel {c}", fontsize=10, loc="center")
        if c == 0:
            axes.text(-0.12, 0.5, f"example {n}", transform=axes.transAxes, rotation=90, ha="right", va="center")
    each = int(same.sum())
    headline(figure, f"{groups} means, each over {each} values; blue: all that share the framed value's mean")
    alt = f"""An array of 3 examples, 4 channels and 4 by 4 positions, as 12 small planes. Statistics over
    {statistics}: there are {groups} means, each over {each} values. The values that share one with a framed entry
    of example {example}, channel {channel} are coloured."""
    return figure, alt


@picture
def coupling(blocks: dict[str, np.ndarray]):
    """Beat 5: how strongly each example's input moves each example's output. blocks: {mode: (N, N)}."""
    figure, panels = canvas(3.7, 1, len(blocks))
    high = max(float(b.max()) for b in blocks.values())
    said = []
    for axes, (mode, values) in zip(panels, blocks.items(), strict=True):
        grid(axes, values, numbers=".2f", low=0, high=1.15 * high, title=mode)
        axes.set_xlabel("input of example")
        axes.set_ylabel("output of example")
        axes.set_xticks(range(len(values)))
        axes.set_yticks(range(len(values)))
        off = float(np.abs(values - np.diag(np.diag(values))).max())
        said.append(f"{mode}: largest entry off the diagonal {off:.2g}")
    headline(figure, "In training every example moves every other; in evaluation each is alone")
    return figure, "Norms of the blocks of the layer's Jacobian, example by example, as matrices. " + "; ".join(
        said
    ) + "."


@picture
def redundant(norms: dict[str, dict[str, float]]):
    """Beat 6: the size of the gradient of each parameter of a block, for two orders. norms: {order: {name: norm}}."""
    figure, panels = canvas(3.1, 1, len(norms), sharey=True)
    zeros = []
    for axes, (order, found) in zip(panels, norms.items(), strict=True):
        names = list(found)[::-1]
        for row, name in enumerate(names):
            value = found[name]
            if value < 1e-9:
                axes.plot(0, row, "o", ms=9, mfc="white", mec=WRONG, mew=2, clip_on=False, zorder=4)
                axes.text(0.04, row, "zero, always", color=ink(WRONG), va="center", fontsize=9.5,
                          transform=axes.get_yaxis_transform())  # fmt: skip
                zeros.append(f"{name} in {order}")
            else:
                axes.barh(row, value, color=GRADIENT, height=0.55)
        axes.set_yticks(range(len(names)), names)
        axes.tick_params(axis="y", length=0, pad=9)
        axes.set_title(order, fontsize=10)
        axes.set_xlim(left=0)
        axes.set_xlabel("size of the gradient")
    panels[0].set_ylabel("parameter")
    headline(figure, "A bias that batch norm follows gets no gradient; one behind a ReLU does")
    alt = "Sizes of the gradients of a block's parameters. " + "; ".join(
        f"{order}: " + ", ".join(f"{name} {value:.2g}" for name, value in found.items())
        for order, found in norms.items()
    )
    return figure, alt + ". Exactly zero: " + (", ".join(zeros) or "none") + "."


@picture
def rescaled_weights(scale: float = 2.0, angle: int = 25):
    """Beat 6: the loss of a normalized unit over its two weights; its gradient at one point.

    scale: length of the weight vector; angle: its direction in degrees.
    """
    rng = np.random.default_rng(4)
    x = rng.normal(size=(80, 2)) @ np.array([[1.0, 0.3], [0.0, 0.8]])
    target = np.sign(x @ np.array([0.4, 1.0]) + 0.2 * rng.normal(size=80))

    def loss(weights: np.ndarray) -> np.ndarray:
        out = x @ weights
        out = (out - out.mean(axis=0)) / out.std(axis=0)
        return np.log1p(np.exp(-target[:, None] * out)).mean(axis=0)

    w = scale * np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
    step = 1e-5 * scale
    around = loss(w[:, None] + step * np.array([[1, -1, 0, 0], [0, 0, 1, -1]]))
    gradient = np.array([around[0] - around[1], around[2] - around[3]]) / (2 * step)
    ticks = np.linspace(-4.05, 4.05, 90)  # no grid point at the origin, where the unit has no deviation
    first, second = np.meshgrid(ticks, ticks)
    values = loss(np.stack([first.ravel(), second.ravel()])).reshape(first.shape)
    figure, axes = canvas(4.5, width=WIDTH)
    axes.contourf(first, second, values, levels=14, cmap=AMOUNT, alpha=0.65)
    axes.plot([0, 4.5 * w[0]], [0, 4.5 * w[1]], color=GREY, lw=1, ls=":")
    axes.annotate(
        "", w, (0, 0), arrowprops={"arrowstyle": "-|>", "color": KERNEL, "lw": 2.6, "shrinkA": 0, "shrinkB": 0}
    )
    tip = w - 6 * gradient
    axes.annotate(
        "", tip, w, arrowprops={"arrowstyle": "-|>", "color": GRADIENT, "lw": 2.6, "shrinkA": 0, "shrinkB": 0}
    )
    axes.text(0.5 * w[0] + 0.1, 0.5 * w[1] - 0.35, "w", color=ink(KERNEL), fontsize=11)
    axes.text(-3.8, 3.6, "−∇L, drawn six times as long", color=ink(GRADIENT), fontsize=9.5)
    axes.set_aspect("equal")
    axes.set_xlim(-4, 4)
    axes.set_ylim(-4, 4)
    axes.set_xlabel("first weight")
    axes.set_ylabel("second weight")
    length = float(np.linalg.norm(gradient))
    headline(figure, f"‖w‖ = {scale:.2f}, gradient {length:.3f}: their product stays {scale * length:.3f}")
    alt = f"""The loss of one unit with batch norm over its two weights: it is constant along rays from the
    origin. At a weight vector of length {scale:.2f} the gradient has length {length:.4f} and is perpendicular to
    the weights; the product of the lengths is {scale * length:.4f}, whatever the length is."""
    return figure, alt
