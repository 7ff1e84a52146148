"""Lecture 2, beats 3 and 4: windows become columns; gradients go back along the same wires."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from .style import (
    FAINT,
    GRADIENT,
    GREY,
    INPUT,
    KERNEL,
    OUTPUT,
    SIGNED,
    WHEEL,
    WIDTH,
    bare,
    canvas,
    frame,
    grid,
    headline,
    ink,
    picture,
)


@picture
def unrolled(window: int = 4):
    """Beat 3: the windows of an image become the columns of a matrix; the chosen one on its way."""
    image = np.arange(1.0, 26.0).reshape(5, 5)
    columns = np.stack([image[i : i + 3, j : j + 3].ravel() for i in range(3) for j in range(3)], axis=1)
    so_far = np.full(columns.shape, np.nan)
    so_far[:, : window + 1] = columns[:, : window + 1]
    row, column = divmod(window, 3)
    figure, (left, right) = canvas(3.9, 1, 2, width_ratios=[1, 1.6])
    grid(left, image, low=0, high=40, size=10)
    frame(left, row, column, 3, 3)
    left.set_title("Image, its pixels numbered", fontsize=10, color=ink(INPUT))
    grid(right, so_far, low=0, high=40, size=10)
    frame(right, 0, window, 9, 1)
    right.set_title("One column per window, 9 × 9", fontsize=10, color=ink(INPUT))
    copies = np.bincount(columns.astype(int).ravel(), minlength=26)[1:]
    headline(figure, f"Window {window} becomes column {window}; pixel 13 will stand in {copies[12]} columns")
    alt = f"""Left a 5 by 5 image with pixels numbered 1 to 25 and the 3 by 3 window {window} framed. Right a 9 by 9
    matrix whose first {window + 1} columns hold the windows so far, row by row; the framed column is
    {columns[:, window].astype(int).tolist()}. The middle pixel stands in {copies[12]} columns."""
    return figure, alt


# The letters of figure 9.1 of Deep Learning, and Greek ones for the gradient that comes from above.
_LETTERS = np.array([list("abcd"), list("efgh"), list("ijkl")])
_KERNEL = np.array([list("wx"), list("yz")])
_ABOVE = np.array([list("αβγ"), list("δεζ")])


def _terms_of_pixel(row: int, column: int) -> list[tuple[int, int, str]]:
    """The outputs that a pixel reaches, and through which weight."""
    found = []
    for (i, j), _ in np.ndenumerate(_ABOVE):
        if 0 <= row - i < 2 and 0 <= column - j < 2:
            found.append((i, j, _KERNEL[row - i, column - j]))
    return found


@picture
def lettered_backward(row: int = 1, column: int = 1):
    """Beat 4: figure 9.1 of Deep Learning run backwards, every gradient as a sum of products, in letters."""
    figure = Figure(figsize=(WIDTH, 4.4), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06)
    slots = figure.add_gridspec(2, 12, height_ratios=[1, 1.75])
    parts = (
        (slots[0, 0:3], _ABOVE, GRADIENT, "dy, from above"),
        (slots[0, 3:6], _KERNEL, KERNEL, "kernel"),
    )
    panels = []
    for slot, symbols, colour, title in parts:
        axes = figure.add_subplot(slot)
        grid(axes, np.zeros(symbols.shape), numbers=None)
        axes.set_title(title, fontsize=10, color=ink(colour))
        for (i, j), symbol in np.ndenumerate(symbols):
            axes.text(j, i, symbol, ha="center", va="center", color=ink(colour), fontsize=12, fontweight="bold")
        panels.append(axes)
    weights = figure.add_subplot(slots[0, 6:])
    for (i, j), _ in np.ndenumerate(_KERNEL):
        terms = [f"{_ABOVE[p, q]}{_LETTERS[p + i, q + j]}" for p in range(2) for q in range(3)]
        text = " + ".join(terms[:3]) + "\n+ " + " + ".join(terms[3:])
        weights.text(j, i, text, ha="center", va="center", fontsize=9)
        frame(weights, i, j, 1, 1, GREY, 0.6)
    weights.set_xlim(-0.55, 1.55)
    weights.set_ylim(1.55, -0.55)
    weights.set_title("dkernel: each weight meets every place", fontsize=10, color=ink(KERNEL))
    below = figure.add_subplot(slots[1, :])
    for (i, j), _ in np.ndenumerate(_LETTERS):
        text = " + ".join(f"{_ABOVE[p, q]}{tap}" for p, q, tap in _terms_of_pixel(i, j))
        below.text(j, i, text, ha="center", va="center", fontsize=9.5)
        frame(below, i, j, 1, 1, GREY, 0.6)
    frame(below, row, column, 1, 1, GRADIENT, 3)
    chosen = _terms_of_pixel(row, column)
    for p, q, _ in chosen:
        frame(panels[0], p, q, 1, 1, GRADIENT, 2.2)
    below.set_xlim(-0.55, 3.55)
    below.set_ylim(2.55, -0.55)
    below.set_title("dinput: each pixel meets the outputs that it reached", fontsize=10, color=ink(INPUT))
    for axes in (weights, below):
        bare(axes)
    letter = _LETTERS[row, column]
    headline(figure, f"Pixel {letter} reached {len(chosen)} outputs; its gradient is a sum of {len(chosen)} products")
    text = " + ".join(f"{_ABOVE[p, q]}{tap}" for p, q, tap in chosen)
    alt = f"""Figure 9.1 of Deep Learning run backwards. Above: the gradient from above, Greek letters alpha to zeta,
    the kernel w, x, y, z, and the gradients of the four weights, each a sum of six products of a Greek letter and
    an input letter. Below: the gradients of the twelve inputs; that of {letter}, framed, is {text}."""
    return figure, alt


@picture
def reversed_wires(pixel: int = 4, stride: int = 1):
    """Beat 4: the wires of a layer with one axis, forward to an output and backward to a pixel."""
    size, taps = 9, 3
    outputs = (size - taps) // stride + 1
    middle = outputs // 2
    figure, panels = canvas(3.3, 1, 2, sharex=True, sharey=True)
    wires = [(o, o * stride + tap, tap) for o in range(outputs) for tap in range(taps)]
    names = ("w₀", "w₁", "w₂")
    lit = ([w for w in wires if w[0] == middle], [w for w in wires if w[1] == pixel])
    for axes, chosen, forward in zip(panels, lit, (True, False), strict=True):
        place = [o * stride + 1 for o in range(outputs)]
        for o, i, _ in wires:
            axes.plot([i, place[o]], [0, 1], color=FAINT, lw=0.8, zorder=1)
        for o, i, tap in chosen:
            tail, tip = ((i, 0.05), (place[o], 0.93)) if forward else ((place[o], 0.95), (i, 0.07))
            style = {"arrowstyle": "-|>", "color": WHEEL[(0, 2, 4)[tap]], "lw": 2.2, "mutation_scale": 13}
            axes.annotate("", tip, tail, arrowprops=style, zorder=3)
            at = 0.42 if forward else 0.55
            axes.text(i + (place[o] - i) * at + 0.12, at, names[tap], fontsize=9, color=ink(WHEEL[(0, 2, 4)[tap]]))
        axes.scatter(range(size), [0] * size, s=70, color=INPUT if forward else "white", ec=ink(INPUT), zorder=2)
        axes.scatter(place, [1] * outputs, s=70, color="white" if forward else GRADIENT, ec=ink(OUTPUT), zorder=2)
        axes.set_ylim(-0.25, 1.25)
        axes.set_xlim(-0.6, size - 0.4)
        bare(axes)
    panels[0].scatter([middle * stride + 1], [1], s=110, color=OUTPUT, zorder=4)
    panels[1].scatter([pixel], [0], s=110, color=INPUT, zorder=4)
    panels[0].set_title(f"forward: output {middle} gathers a window", fontsize=10, color=ink(OUTPUT))
    panels[1].set_title(f"backward: pixel {pixel} gathers from {len(lit[1])} outputs", fontsize=10, color=ink(INPUT))
    order = " ".join(names[tap] for _, _, tap in lit[1]) or "none"
    headline(figure, f"The same wires, arrows turned round: pixel {pixel} meets {order}")
    alt = f"""Two drawings of the same wires between {size} pixels below and {outputs} outputs above, stride {stride}.
    Left the {taps} arrows from a window into output {middle}, weights w0 w1 w2. Right the {len(lit[1])} arrows from
    outputs back to pixel {pixel}, with the weights in the order {order}."""
    return figure, alt


@picture
def recovered(kernels, target, step: int = 0):
    """Beat 4: a kernel under gradient descent, and the distance of its weights from the target. kernels: (T, 3, 3)."""
    kernels, target = np.asarray(kernels, float), np.asarray(target, float)
    errors = np.abs(kernels - target).max((1, 2))
    step = int(min(step, len(kernels) - 1))
    high = np.abs(target).max()
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06)
    slots = figure.add_gridspec(1, 3, width_ratios=[1, 1, 2.1])
    for slot, values, title in ((slots[0], kernels[step], f"after {step} steps"), (slots[1], target, "the target")):
        axes = figure.add_subplot(slot)
        grid(axes, values, colours=SIGNED, high=1.3 * high, numbers=".1f", size=10)
        axes.set_title(title, fontsize=10, color=ink(KERNEL))
    axes = figure.add_subplot(slots[2])
    axes.semilogy(np.maximum(errors, 1e-8), color=KERNEL)
    axes.plot([step], [max(errors[step], 1e-8)], "o", ms=8, color=KERNEL, mec="white")
    axes.set_xlabel("step")
    axes.set_ylabel("largest error of a weight")
    headline(
        figure, f"Nine weights, found from inputs and outputs alone: {errors[-1]:.0e} off after {len(errors) - 1} steps"
    )
    alt = f"""The learned 3 by 3 kernel after {step} steps beside the target kernel, and the largest error of a weight
    against the step on a logarithmic scale, falling from {errors[0]:.2g} to {errors[-1]:.1g}."""
    return figure, alt
