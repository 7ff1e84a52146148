"""Lecture 1, beat 7: the commuting square, the error meter, and the map of where."""

from __future__ import annotations

import numpy as np

from ..data import load
from .planes import LAPLACIAN, OBLIQUE, Layer, relative_gap, scene, turned
from .style import (
    FAINT,
    GREY,
    IMAGE,
    INK,
    INPUT,
    KERNEL,
    OUTPUT,
    SIGNED,
    WRONG,
    bare,
    canvas,
    frame,
    headline,
    ink,
    picture,
)


def _plane(axes, values, title, colour, *, signed=True, high=None):
    high = np.abs(values).max() if high is None else high
    # A rounding error is nothing, and is drawn as nothing.
    high = max(high, 1e-9)
    if signed:
        axes.imshow(values, cmap=SIGNED, vmin=-high, vmax=high, interpolation="nearest")
    else:
        axes.imshow(values, cmap=IMAGE, vmin=0, vmax=high, interpolation="nearest")
    bare(axes)
    for spine in axes.spines.values():
        spine.set(visible=True, color=GREY, lw=0.6)
    axes.set_title(title, fontsize=10, color=ink(colour), loc="center")


@picture
def commuting_square(
    move: str = "shift", amount: float = 6, border: str = "circular", stride: int = 1, kernel: str = "oblique"
):
    """Beat 7: layer then move, move then layer, and the difference.

    amount: pixels for a shift, tens of degrees for a turn, tenths above 1 for a zoom.
    """
    plane = scene()
    layer = Layer({"oblique": OBLIQUE, "Laplacian": LAPLACIAN}[kernel], border, stride)

    def act(p, pixels):
        if move == "turn":
            return turned(p, 10 * amount)
        if move == "zoom":
            return turned(p, 0.0, 1 + amount / 10)
        if border == "circular":
            return np.roll(p, pixels, 1)
        return np.pad(p, ((0, 0), (pixels, 0)))[:, : p.shape[1]] if pixels else p

    whole = round(amount)
    moved = act(plane, whole)
    seen, then = layer.see(plane), layer.see(moved)
    # A shift by a fraction of the stride has no counterpart among the outputs: take the nearest below.
    after = act(seen, whole // stride)
    error = relative_gap(then, after)
    names = {
        "shift": f"shift by {whole}",
        "turn": f"turn by {10 * amount:.0f}°",
        "zoom": f"zoom by {1 + amount / 10:.1f}",
    }
    name = names[move]
    figure, panels = canvas(5.0, 2, 3)
    high = np.abs(seen).max()
    _plane(panels[0, 0], plane, "x", INPUT, signed=False, high=1)
    _plane(panels[0, 1], seen, "f(x)", OUTPUT, high=high)
    _plane(panels[0, 2], after, f"{name}, after the layer", OUTPUT, high=high)
    _plane(panels[1, 0], moved, f"x, {name}", INPUT, signed=False, high=1)
    _plane(panels[1, 1], then, "layer, after the move", OUTPUT, high=high)
    _plane(panels[1, 2], then - after, f"difference: error {error:.3f}", WRONG, high=high)
    arrow = {"arrowstyle": "-|>", "color": INK, "lw": 1.4}
    for (_, end), label in zip((((0, 0), (0, 1)), ((0, 1), (0, 2)), ((1, 0), (1, 1))), ("f", "move", "f"), strict=True):
        panels[end].annotate("", (-0.02, 0.5), (-0.19, 0.5), xycoords="axes fraction", arrowprops=arrow)
        panels[end].text(-0.105, 0.55, label, transform=panels[end].transAxes, ha="center", fontsize=9)
    panels[1, 0].annotate("", (0.08, 1.02), (0.08, 1.16), xycoords="axes fraction", arrowprops=arrow)
    panels[1, 0].text(0.03, 1.07, "move", transform=panels[1, 0].transAxes, ha="right", fontsize=9)
    exact = error < 1e-9
    headline(
        figure,
        f"Both ways round give the same map: error {error:.0e}" if exact and error else
        "Both ways round give the same map: error exactly 0" if exact else
        f"The two ways round differ: relative error {error:.2f}",
    )  # fmt: skip
    alt = f"""A commuting square. Above a digit x, the layer's output f(x), and that output after a
    {name}. Below the digit after the {name}, the layer's output for it, and the difference of the two
    results, whose relative error is {error:.3g}. Border {border}, stride {stride}, {kernel} kernel."""
    return figure, alt


@picture
def equivariance_ladder(errors: dict[str, float]):
    """Beat 7: the relative errors of X1.1, smallest first. errors: {what: number}."""
    names = sorted(errors, key=errors.get, reverse=True)
    values = [errors[name] for name in names]
    rows = np.arange(len(names))
    figure, axes = canvas(3.4)
    exact = [value < 1e-9 for value in values]
    axes.hlines(rows, 0, values, color=FAINT, lw=5)
    for row, value, zero in zip(rows, values, exact, strict=True):
        axes.plot(
            value,
            row,
            "o" if zero else "D",
            ms=9,
            color=OUTPUT if zero else WRONG,
            mec="white",
            clip_on=False,
        )
        text = "exact" if zero else f"{value:.2f}"
        axes.text(value + 0.03, row, text, va="center", fontsize=9, color=ink(OUTPUT if zero else WRONG))
    axes.set_yticks(rows, names)
    axes.tick_params(axis="y", length=0, pad=10)
    axes.set_xlim(0, 1.12 * max(values))
    axes.set_xlabel("relative error of f(g x) against g f(x)")
    axes.set_ylabel("what is done to the image, g")
    axes.spines["left"].set_visible(False)
    headline(figure, "Exact: shifts by whole strides, and turns if the kernel turns into itself")
    alt = "Relative equivariance errors, from the largest: " + "; ".join(
        f"{name} {value:.2g}" for name, value in zip(names, values, strict=True)
    )
    return figure, alt + "."


@picture
def where(row: int = 3, column: int = 3):
    """Beat 7: a piece of a digit as the kernel; its map follows the digit. row, column in pixels."""
    digits = load("digits", np.float64)
    first, second = digits.x_train[3], digits.x_train[0]
    canvas_, side = np.zeros((24, 24)), 8
    canvas_[13:21, 13:21] = second
    place = np.zeros((24, 24))
    row, column = int(np.clip(row, 0, 16)), int(np.clip(column, 0, 16))
    place[row : row + side, column : column + side] = first
    image = np.maximum(canvas_, place)
    patch = first[0:5, 1:6]
    template = patch - patch.mean()
    template /= np.sqrt((template**2).sum())
    response = Layer(template, "zero").see(image)
    peak = np.unravel_index(response.argmax(), response.shape)
    figure, panels = canvas(3.3, 1, 3, width_ratios=[1, 0.42, 1])
    _plane(panels[0], image, "Image: two digits", INPUT, signed=False, high=1)
    _plane(panels[1], template, "Kernel: a piece", KERNEL)
    _plane(panels[2], response, "Map: where the piece is", OUTPUT)
    frame(panels[0], peak[0] - 2, peak[1] - 2, 5, 5)
    panels[2].plot(peak[1], peak[0], "o", ms=13, mfc="none", mec=INK, mew=1.8)
    headline(figure, "The output of a layer is again a picture: a map of where its pattern stands")
    alt = f"""An image with two digits, a 5 by 5 piece of one of them as a kernel, and the map of
    responses. The largest response, circled, is at row {peak[0]}, column {peak[1]}, where the piece was
    cut out; it is framed in the image."""
    return figure, alt
