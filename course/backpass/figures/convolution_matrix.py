"""Lecture 1, beat 5: the convolution as a matrix, its rows, its columns, its frequencies."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from .planes import ASYMMETRIC
from .style import (
    FAINT,
    GREY,
    INK,
    INPUT,
    KERNEL,
    OUTPUT,
    SIGNED,
    WHEEL,
    WIDTH,
    bare,
    canvas,
    frame,
    headline,
    ink,
    number,
    picture,
)


def _tinted(axes, which, label=None, size=9, strength=0.75):
    """A matrix of kernel indices (-1 for none) as coloured squares, with labels. which: (H, W) of ints."""
    image = np.ones((*which.shape, 4))
    for index in np.unique(which[which >= 0]):
        image[which == index] = to_rgba(WHEEL[index % len(WHEEL)], strength)
    axes.imshow(image, interpolation="nearest", aspect="equal")
    height, width = which.shape
    lines = {"color": FAINT, "lw": 0.6}
    axes.vlines(np.arange(-0.5, width), -0.5, height - 0.5, **lines)
    axes.hlines(np.arange(-0.5, height), -0.5, width - 0.5, **lines)
    bare(axes)
    axes.set_xlim(-0.6, width - 0.4)
    axes.set_ylim(height - 0.4, -0.6)
    if label is not None:
        for (i, j), index in np.ndenumerate(which):
            if index >= 0:
                dark = WHEEL[index % len(WHEEL)] in (INPUT, WHEEL[4], WHEEL[8])
                axes.text(
                    j,
                    i,
                    label[index],
                    ha="center",
                    va="center",
                    fontsize=size,
                    color="white" if dark else INK,
                )


@picture
def band(border: str = "full windows", kernel=(1, 2, -1), length: int = 8):
    """Beat 5: the matrix of a cross-correlation in one dimension, coloured by weight, for three borders."""
    taps, x = len(kernel), np.array([1, 3, 2, 0, 4, 1, 0, 2, 5, 1, 2, 0][:length])
    reach = taps // 2
    starts = range(length - taps + 1) if border == "full windows" else range(-reach, length - reach)
    which = np.full((len(starts), length), -1)
    for row, start in enumerate(starts):
        for tap in range(taps):
            column = start + tap
            if border == "circular":
                column %= length
            if 0 <= column < length:
                which[row, column] = tap
    values = np.where(which >= 0, np.array(kernel)[which], 0)
    y = values @ x
    figure, panels = canvas(3.7, 1, 3, width_ratios=[length, 1.6, 1.6])
    _tinted(panels[0], which, [number(v) for v in kernel], size=10)
    for axes, vector, colour, name in ((panels[1], x, INPUT, "x"), (panels[2], y, OUTPUT, "y")):
        _tinted(axes, np.full((len(vector), 1), -1))
        for i, value in enumerate(vector):
            axes.text(0, i, number(value), ha="center", va="center", color=ink(colour), fontsize=10)
        axes.set_title(name, color=ink(colour), loc="center")
    panels[1].text(-1.2, (length - 1) / 2, "·", fontsize=20, ha="center", va="center")
    panels[2].text(-1.2, (len(y) - 1) / 2, "=", fontsize=16, ha="center", va="center")
    panels[0].set_title(f"A: {border}, {which.shape[0]} × {length}", fontsize=10, color=ink(KERNEL))
    finding = {
        "full windows": "One row per output, and along each diagonal one weight (Toeplitz)",
        "zeros outside": "Zeros outside: the first and the last row lose a weight",
        "circular": "Circular: the weights come round the corner (circulant)",
    }[border]
    headline(figure, finding)
    alt = f"""A {which.shape[0]} by {length} matrix whose coloured diagonals each repeat one of the
    weights {list(kernel)}, times the signal {x.tolist()}, gives {y.tolist()}. Border rule: {border}."""
    return figure, alt


@picture
def footprint(output: int = 4, pixel: int = 12, kernel=ASYMMETRIC, side: int = 5):
    """Beat 5: the doubly block matrix; a row is a window, a column is what one pixel reaches."""
    kernel = np.asarray(kernel, float)
    size = kernel.shape[0]
    out = side - size + 1
    which = np.full((out * out, side * side), -1)
    for row in range(out * out):
        top, left = divmod(row, out)
        for tap in range(size * size):
            i, j = divmod(tap, size)
            which[row, (top + i) * side + left + j] = tap
    labels = [number(v) for v in kernel.ravel()]
    output, pixel = int(np.clip(output, 0, out * out - 1)), int(np.clip(pixel, 0, side * side - 1))
    figure = Figure(figsize=(WIDTH, 5.6), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06, hspace=0.06)
    slots = figure.add_gridspec(2, 3, height_ratios=[9.5, 7], width_ratios=[size, side, out])
    matrix = figure.add_subplot(slots[0, :])
    _tinted(matrix, which, labels, size=8)
    for at in range(side, side * side, side):
        matrix.axvline(at - 0.5, color=GREY, lw=1.2)
    for at in range(out, out * out, out):
        matrix.axhline(at - 0.5, color=GREY, lw=1.2)
    frame(matrix, output, 0, 1, side * side, OUTPUT, 2.5)
    frame(matrix, 0, pixel, out * out, 1, INPUT, 2.5)
    matrix.set_title(f"The matrix, {out * out} outputs × {side * side} pixels, in blocks of image rows", fontsize=10)
    taps = figure.add_subplot(slots[1, 0])
    _tinted(taps, np.arange(size * size).reshape(size, size), labels)
    taps.set_title("Kernel", fontsize=10, color=ink(KERNEL))
    gather = figure.add_subplot(slots[1, 1])
    _tinted(gather, which[output].reshape(side, side), labels)
    gather.set_title(f"Row {output}: what output {output} reads", fontsize=10, color=ink(OUTPUT))
    scatter = figure.add_subplot(slots[1, 2])
    _tinted(scatter, which[:, pixel].reshape(out, out), labels)
    scatter.set_title(f"Column {pixel}: whom pixel\n{pixel} reaches", fontsize=10, color=ink(INPUT))
    headline(figure, "A row gathers a window; a column scatters a pixel, through the turned kernel")
    reached = int((which[:, pixel] >= 0).sum())
    alt = f"""A {out * out} by {side * side} matrix in blocks, coloured by the nine weights of a 3 by 3
    kernel. Row {output} is marked and drawn as a 3 by 3 window on the image; column {pixel} is marked and
    drawn as the {reached} outputs which that pixel reaches, with the weights in the order of the kernel
    turned by half a turn."""
    return figure, alt


@picture
def frequencies(kernel=(1, 2, 1), length: int = 16):
    """Beat 5: singular values of a circular convolution on the curve of its frequency response."""
    kernel = np.asarray(kernel, float) / np.abs(kernel).sum()
    matrix = sum(tap * np.roll(np.eye(length), shift, axis=0) for shift, tap in enumerate(kernel))
    found = np.linalg.svd(matrix, compute_uv=False)
    waves = np.abs(np.fft.fft(kernel, length))
    fine = np.linspace(0, 0.5, 400)
    response = np.abs(np.exp(-2j * np.pi * np.outer(fine, np.arange(len(kernel)))) @ kernel)
    figure, axes = canvas(3.1)
    axes.plot(fine, response, color=KERNEL, lw=2.5)
    frequency = np.abs(np.fft.fftfreq(length))
    matched = np.sort(waves)[::-1]
    order = np.argsort(-waves, kind="stable")
    axes.plot(frequency[order], found, "o", color=INK, ms=7, mfc="none", mew=1.6)
    gap = float(np.abs(found - matched).max())
    axes.set_xlabel("frequency (cycles per entry)")
    axes.set_ylabel("gain")
    axes.set_ylim(-0.04, max(1.05, response.max() * 1.08))
    middle = int(len(fine) * 0.42)
    axes.annotate(
        "curve: |Fourier transform of the kernel|", (fine[middle], response[middle]), (8, 8),
        textcoords="offset points", color=ink(KERNEL)
    )  # fmt: skip
    low = int(len(fine) * 0.1)
    axes.annotate(
        "circles: singular values of the matrix",
        (fine[low], response[low]),
        (-60, -60),
        textcoords="offset points",
    )
    headline(figure, "The singular values of a circular convolution are its frequency response")
    alt = f"""The gain of the kernel {np.round(kernel, 3).tolist()} against frequency as a curve, and the
    {length} singular values of its circulant matrix as circles on that curve; the largest difference is
    {gap:.1e}."""
    return figure, alt


@picture
def averaged_over_shifts(length: int = 12, seed: int = 0):
    """Beat 7: a random matrix, and its mean over all shifts of input and output together."""
    matrix = np.random.default_rng(seed).normal(size=(length, length))
    mean = sum(np.roll(matrix, (s, s), (0, 1)) for s in range(length)) / length
    figure, (left, right) = canvas(3.5, 1, 2)
    for axes, values, title in (
        (left, matrix, f"any matrix: {matrix.size} free numbers"),
        (right, mean, f"its mean over all shifts: {len(np.unique(np.round(mean, 9)))} free numbers"),
    ):
        high = np.abs(values).max()
        axes.imshow(values, cmap=SIGNED, vmin=-high, vmax=high, interpolation="nearest")
        bare(axes)
        axes.set_title(title, fontsize=10)
        for spine in axes.spines.values():
            spine.set(visible=True, color=FAINT)
    headline(figure, "Demand that a matrix commutes with shifts, and a convolution is left")
    alt = f"""Left a random {length} by {length} matrix. Right its mean over all simultaneous shifts of
    input and output: constant along every diagonal, wrapping round, a circulant matrix."""
    return figure, alt
