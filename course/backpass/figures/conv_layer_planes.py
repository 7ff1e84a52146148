"""Lecture 2, the opening and beats 1 and 2: the layer as a product, its planes, and its size on a tape."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .style import (
    AMOUNT_OUTPUT,
    GRADIENT,
    GREY,
    IMAGE,
    INPUT,
    KERNEL,
    OUTPUT,
    SIGNED,
    WIDTH,
    WRONG,
    bare,
    canvas,
    grid,
    headline,
    ink,
    number,
    picture,
)


def _matrix(axes, values, name: str, shape: str, colour: str) -> None:
    """A matrix as an image with its name above and its shape below."""
    high = np.abs(values).max()
    axes.imshow(values, cmap=SIGNED, vmin=-high, vmax=high, interpolation="nearest", aspect="equal")
    bare(axes)
    for spine in axes.spines.values():
        spine.set(visible=True, color=ink(colour), lw=1.4)
    axes.set_title(name, fontsize=10, color=ink(colour), loc="center")
    axes.text(0.5, -0.06, shape, transform=axes.transAxes, ha="center", va="top", fontsize=8.5)


@picture
def answer():
    """The opening: forward is one matrix product, backward are its two transposes and a sum."""
    rng = np.random.default_rng(2)
    image, weight = rng.normal(size=(2, 5, 5)), rng.normal(size=(4, 18))
    columns = np.stack([image[:, i : i + 3, j : j + 3].ravel() for i in range(3) for j in range(3)], axis=1)
    dy = rng.normal(size=(4, 9))
    figure = Figure(figsize=(WIDTH, 4.9), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.05, h_pad=0.06, hspace=0.08, wspace=0.05)
    rows = (
        ("forward", ((weight, "weight", "maps × taps", KERNEL), (columns, "windows", "taps × places", INPUT)),
         (weight @ columns, "output y", "maps × places", OUTPUT)),
        ("weight's\ngradient", ((dy, "dy", "maps × places", GRADIENT), (columns.T, "windowsᵀ", "places × taps", INPUT)),
         (dy @ columns.T, "dweight", "maps × taps", KERNEL)),
        ("input's\ngradient", ((weight.T, "weightᵀ", "taps × maps", KERNEL), (dy, "dy", "maps × places", GRADIENT)),
         (weight.T @ dy, "dwindows", "taps × places", INPUT)),
    )  # fmt: skip
    slots = figure.add_gridspec(3, 7, width_ratios=[0.55, 1, 0.18, 1, 0.18, 1, 0.95])
    notes = ("back into an\nimage: 4 maps\nof 3 × 3", "back into\nkernels", "add each window\nback where it\ncame from")
    for line, (name, factors, product) in enumerate(rows):
        for column, text in ((0, name), (2, "·"), (4, "="), (6, notes[line])):
            axes = figure.add_subplot(slots[line, column])
            big = column in (2, 4)
            axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=16 if big else 9.5,
                      fontweight="bold" if column == 0 else "normal")  # fmt: skip
            axes.axis("off")
        for column, part in zip((1, 3, 5), (*factors, product), strict=True):
            _matrix(figure.add_subplot(slots[line, column]), *part)
    headline(figure, "A convolution layer is one matrix product; its gradients are the transposes")
    alt = """Three products of matrices drawn as coloured images. Forward: the weight, maps times taps, times the
    windows, taps times places, gives the output, maps times places. The weight's gradient: the output's
    gradient times the windows transposed. The input's gradient: the weight transposed times the output's
    gradient gives gradients of windows, which are added back where the windows came from."""
    return figure, alt


def _scene() -> np.ndarray:
    """A small colour image, (3, 12, 12): a red bar across, a green bar down, a blue square in a corner."""
    image = np.zeros((3, 12, 12))
    image[0, 2:4, 1:11] = 1
    image[1, 1:11, 8:10] = 1
    image[2, 7:11, 1:5] = 1
    return image


# Two maps over three planes: edges of the red across and of the green down; and the blue alone, blurred.
_ACROSS = np.array([[1.0, 1, 1], [0, 0, 0], [-1, -1, -1]])
_FILTERS = np.array(
    [[_ACROSS, _ACROSS.T, np.zeros((3, 3))], [np.zeros((3, 3)), -np.ones((3, 3)) / 9, np.ones((3, 3)) / 9]]
)


@picture
def sum_over_planes(output_map: int = 0):
    """Beat 1: three input planes, the three kernels of one output map, their responses, and the sum."""
    image, kernels = _scene(), _FILTERS[int(output_map)]
    views = np.lib.stride_tricks.sliding_window_view(image, (3, 3), (1, 2))
    parts = (views * kernels[:, None, None]).sum((3, 4))
    high = float(np.abs(parts).max())
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.05, h_pad=0.05)
    slots = figure.add_gridspec(3, 4, width_ratios=[1, 0.72, 1, 1.25])
    plain = {"interpolation": "nearest", "aspect": "equal"}
    for channel, name in enumerate(("red", "green", "blue")):
        axes = [figure.add_subplot(slots[channel, column]) for column in range(3)]
        axes[0].imshow(image[channel], cmap=IMAGE, vmin=0, vmax=1.6, **plain)
        axes[1].imshow(kernels[channel], cmap=SIGNED, vmin=-1, vmax=1, **plain)
        for (i, j), value in np.ndenumerate(kernels[channel]):
            text = number(value, ".1g") if value else "0"
            axes[1].text(j, i, text, ha="center", va="center", fontsize=8)
        axes[2].imshow(parts[channel], cmap=SIGNED, vmin=-high, vmax=high, **plain)
        for one, colour in zip(axes, (INPUT, KERNEL, OUTPUT), strict=True):
            bare(one)
            for spine in one.spines.values():
                spine.set(visible=True, color=ink(colour), lw=1)
        axes[0].text(-0.08, 0.5, name, transform=axes[0].transAxes, rotation=90, va="center", ha="right", fontsize=9)
        if channel == 0:
            axes[0].set_title("input planes x[c]", fontsize=10, color=ink(INPUT))
            axes[1].set_title(f"kernels w[{output_map}, c]", fontsize=10, color=ink(KERNEL))
            axes[2].set_title("one response each", fontsize=10, color=ink(OUTPUT))
    axes = figure.add_subplot(slots[:, 3])
    axes.imshow(parts.sum(0), cmap=SIGNED, vmin=-high, vmax=high, **plain)
    bare(axes)
    for spine in axes.spines.values():
        spine.set(visible=True, color=ink(OUTPUT), lw=2)
    axes.set_title(f"their sum: map y[{output_map}]", fontsize=10, color=ink(OUTPUT))
    found = ("edges of red across, of green down", "blue, where there is no green")[int(output_map)]
    headline(figure, f"One response per plane, summed: {found}")
    alt = f"""Three rows, one per colour plane of a small image with a red bar across, a green bar down and a blue
    square: the plane, its 3 by 3 kernel of output map {output_map}, and the response. At the right the sum of the three
    responses: {found}."""
    return figure, alt


@picture
def tape(size: int = 9, kernel: int = 3, stride: int = 2, padding: int = 1, dilation: int = 1):
    """Beat 2: every window of a line of pixels, laid under it as on a tape measure."""
    reach = dilation * (kernel - 1) + 1
    starts = list(range(-padding, size + padding - reach + 1, stride))
    shown = starts[:12]
    figure, axes = canvas(1.25 + 0.27 * max(3, len(shown)))
    for position in range(-padding, size + padding):
        inside = 0 <= position < size
        axes.add_patch(
            Rectangle((position - 0.5, -0.4), 1, 0.8, fc=INPUT if inside else "white", alpha=0.3 if inside else 1,
                      ec=GREY, lw=0.8, hatch=None if inside else "////")
        )  # fmt: skip
        if inside:
            axes.text(position, 0, str(position), ha="center", va="center", fontsize=8.5)
    for row, start in enumerate(shown, 1):
        axes.plot([start - 0.4, start + reach - 0.6], [row, row], color=KERNEL, lw=1.2, solid_capstyle="butt")
        axes.plot(
            [start + dilation * tap for tap in range(kernel)], [row] * kernel, "s", ms=8, color=KERNEL, mec="white"
        )
        axes.text(start + reach - 0.3, row, f"output {row - 1}", va="center", fontsize=8.5, color=ink(OUTPUT))
    end = size + padding - 0.5
    left = size + padding - (starts[-1] + reach) if starts else 0
    if starts and left:
        axes.add_patch(Rectangle((end - left, -0.4), left, 0.8, fill=False, ec=WRONG, lw=2.2))
        axes.text(end + 0.2, 0, f"{left} left over", color=ink(WRONG), fontsize=9, va="center")
    axes.set_xlim(-padding - 0.8, size + padding + 3.2)
    axes.set_ylim(len(shown) + 0.7, -0.8)
    bare(axes)
    if not starts:
        headline(figure, f"No window of {reach} pixels fits into {size} + 2·{padding}")
    else:
        room = size + 2 * padding - reach
        rule = f"⌊({size} + 2·{padding} − {reach}) / {stride}⌋ + 1 = ⌊{room} / {stride}⌋ + 1"
        headline(figure, f"Output size {len(starts)} = {rule}")
    more = f", the first {len(shown)} drawn" if len(starts) > len(shown) else ""
    alt = f"""A strip of {size} pixels with {padding} zeros at each end. Under it {len(starts)} windows{more}, each with
    {kernel} taps {dilation} pixels apart, reaching over {reach} pixels, one every {stride} pixels;
    {left} pixels at the end are left over."""
    return figure, alt


@picture
def coverage(kernel: int = 3, stride: int = 2, padding: int = 1, dilation: int = 1, side: int = 9):
    """Beat 3: how many windows see each pixel of an image."""
    reach = dilation * (kernel - 1) + 1
    seen = np.zeros(side + 2 * padding)
    for start in range(0, side + 2 * padding - reach + 1, stride):
        seen[start : start + reach : dilation] += 1
    line = seen[padding : padding + side]
    seen = np.outer(line, line)
    figure, axes = canvas(3.5, width=4.6)
    grid(axes, seen, low=0, high=1.6 * max(seen.max(), 1), size=9, colours=AMOUNT_OUTPUT)
    axes.set_title(f"{kernel}×{kernel} kernel, stride {stride}, padding {padding}, dilation {dilation}", fontsize=9.5)
    unseen = int((seen == 0).sum())
    finding = f"{unseen} pixels are never seen" if unseen else f"Seen by {seen.min():g} to {seen.max():g} windows"
    headline(figure, finding)
    alt = f"""A map of {side} by {side} pixels with the number of windows that see each one, for a {kernel} by {kernel}
    kernel, stride {stride}, padding {padding}, dilation {dilation}: from {seen.min():g} to {seen.max():g};
    {unseen} pixels are never seen."""
    return figure, alt
