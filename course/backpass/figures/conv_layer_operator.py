"""Lecture 2, beats 6 and 7: strides, groups and dilation as masks on one matrix; stamps that overlap unevenly."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..experiments.conv_layer import overlap
from ..microscope import examine
from .style import (
    AMOUNT_OUTPUT,
    FAINT,
    GREY,
    INPUT,
    KERNEL,
    OUTPUT,
    WHEEL,
    WIDTH,
    bare,
    canvas,
    headline,
    ink,
    picture,
)

# Two planes to two maps, 6x6 pixels; what differs from the plain layer.
KINDS = {
    "plain 3×3": {"kernel_size": 3, "padding": 1},
    "stride 2": {"kernel_size": 3, "padding": 1, "stride": 2},
    "dilation 2": {"kernel_size": 3, "padding": 2, "dilation": 2},
    "groups 2": {"kernel_size": 3, "padding": 1, "groups": 2},
    "1×1": {"kernel_size": 1},
    "transposed, stride 2": {"kernel_size": 3, "padding": 1, "stride": 2, "output_padding": 1},
}


def layer_matrix(kind: str, side: int = 6) -> tuple[np.ndarray, int]:
    """The matrix of a layer, entries numbered by their weight from 1, 0 where there is none; number of weights.

    Needs torch, which is asked: the weights are their own numbers.
    """
    import torch

    name = torch.nn.ConvTranspose2d if kind.startswith("transposed") else torch.nn.Conv2d
    layer = name(2, 2, bias=False, dtype=torch.float64, **KINDS[kind])
    count = layer.weight.numel()
    with torch.no_grad():
        layer.weight[:] = torch.arange(1.0, count + 1).reshape(layer.weight.shape)
    size = side // 2 if kind.startswith("transposed") else side
    found = examine(lambda x: layer(torch.as_tensor(x)[None]).detach().numpy(), (2, size, size))
    return np.rint(found.matrix).astype(int), count


@picture
def masks(kind: str = "plain 3×3"):
    """Beat 6: the matrix of a layer with two planes and two maps, coloured by weight. Needs torch."""
    which, weights = layer_matrix(kind)
    shown = np.ones((*which.shape, 4))
    for index in range(1, weights + 1):
        shown[which == index] = to_rgba(WHEEL[(index - 1) % len(WHEEL)])
    outputs, inputs = which.shape
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.06)
    axes, notes = figure.subplots(1, 2, width_ratios=[1.6, 1])
    axes.imshow(shown, interpolation="nearest", aspect="equal")
    bare(axes)
    for spine in axes.spines.values():
        spine.set(visible=True, color=GREY, lw=0.8)
    axes.axhline(outputs / 2 - 0.5, color=GREY, lw=0.8)
    axes.axvline(inputs / 2 - 0.5, color=GREY, lw=0.8)
    for half, text in enumerate(("plane 0", "plane 1")):
        axes.text((half + 0.5) * inputs / 2, -1.5, text, ha="center", va="bottom", fontsize=9, color=ink(INPUT))
    for half, text in enumerate(("map 0", "map 1")):
        axes.text(-1.5, (half + 0.5) * outputs / 2, text, ha="right", va="center", rotation=90, fontsize=9,
                  color=ink(OUTPUT))  # fmt: skip
    used = int((which > 0).sum())
    lines = (
        (f"{outputs * inputs:,}", f"entries, {outputs} × {inputs}"),
        (f"{used:,}", "of them not zero:\none multiplication each"),
        (f"{weights}", "different weights"),
    )
    for line, (count, text) in enumerate(lines):
        notes.text(0.02, 0.78 - 0.26 * line, count, fontsize=17, fontweight="bold", color=ink(KERNEL), va="bottom")
        notes.text(0.02, 0.77 - 0.26 * line, text, fontsize=9.5, va="top")
    notes.axis("off")
    headline(figure, f"{kind}: {used:,} multiplications with {weights} weights")
    alt = f"""The matrix of a layer from two planes to two maps, {outputs} by {inputs}, coloured by weight, kind
    {kind}: {used} entries are not zero, and they take {weights} different weights. Four blocks, one for each
    pair of a plane and a map."""
    return figure, alt


@picture
def stamps(kernel: int = 3, stride: int = 2):
    """Beat 7: stamps along a line, how often each pixel is touched, and the same in two dimensions."""
    places = 6
    line = overlap(kernel, stride, places)
    figure, (left, right) = canvas(3.6, 1, 2, width_ratios=[1.5, 1])
    for place in range(places):
        low = place * stride
        left.barh(
            place % 3 + line.max() + 1.2, kernel, left=low - 0.5, height=0.7, color=KERNEL, alpha=0.65, ec="white"
        )
    left.bar(range(len(line)), line, width=0.9, color=OUTPUT, ec="white")
    left.text(-0.4, line.max() + 3.9, f"stamps, {kernel} wide, every {stride}", color=ink(KERNEL), fontsize=9)
    left.set_ylim(0, line.max() + 4.6)
    left.set_yticks(range(line.max() + 1))
    left.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    left.set_xlabel("output pixel")
    left.set_ylabel("stamps on it")
    plane = np.outer(line, line)
    right.imshow(plane, cmap=AMOUNT_OUTPUT, vmin=0, vmax=plane.max() * 1.1, interpolation="nearest")
    bare(right)
    for spine in right.spines.values():
        spine.set(visible=True, color=FAINT)
    right.set_title("stamps on each pixel of a plane", fontsize=10, color=ink(OUTPUT))
    # Six stamps may be too few for an inner pixel; the pattern repeats with the stride.
    long = overlap(kernel, stride, 4 * kernel)[2 * kernel : -2 * kernel]
    even = long.min() == long.max()
    finding = f"{kernel} is {'a' if kernel % stride == 0 else 'no'} multiple of {stride}: "
    finding += "every inner pixel gets the same" if even else f"inner pixels get {long.min()}² to {long.max()}² stamps"
    headline(figure, finding)
    alt = f"""Left, {places} stamps {kernel} pixels wide, one every {stride} pixels, and bars with how many lie on
    each of {len(line)} pixels: {line.tolist()}. Right the same in two dimensions as a map. {finding}."""
    return figure, alt
