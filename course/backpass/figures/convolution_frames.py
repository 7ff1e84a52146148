"""Lecture 1, beat 4: the nine frames of a 5x5 image under a 3x3 kernel."""

from __future__ import annotations

import numpy as np

from .planes import ASYMMETRIC, EXAMPLE_IMAGE, SYMMETRIC
from .style import (
    AMOUNT_KERNEL,
    AMOUNT_OUTPUT,
    GREY,
    INPUT,
    KERNEL,
    OUTPUT,
    WRONG,
    bare,
    canvas,
    frame,
    grid,
    headline,
    ink,
    picture,
)


def _sums(image, kernel) -> np.ndarray:
    """The nine sums of products, in a square, as the nine frames show them."""
    corners = [(i, j) for i in range(3) for j in range(3)]
    return np.array([(image[i : i + 3, j : j + 3] * kernel).sum() for i, j in corners]).reshape(3, 3)


@picture
def lettered():
    """Redrawn after figure 9.1 of Deep Learning: every output as a sum of four products, in letters."""
    figure, panels = canvas(2.5, 1, 3, width_ratios=[1.1, 0.6, 2.5])
    letters = np.array([list("abcd"), list("efgh"), list("ijkl")])
    kernel = np.array([list("wx"), list("yz")])
    for axes, symbols, colour, title in (
        (panels[0], letters, INPUT, "Input"),
        (panels[1], kernel, KERNEL, "Kernel"),
    ):
        grid(axes, np.zeros(symbols.shape), numbers=None, title=title)
        axes.title.set_color(ink(colour))
        for (i, j), symbol in np.ndenumerate(symbols):
            axes.text(j, i, symbol, ha="center", va="center", color=ink(colour), fontsize=12, fontweight="bold")
    frame(panels[0], 0, 1, 2, 2)
    out = panels[2]
    for (i, j), _ in np.ndenumerate(np.zeros((2, 3))):
        p, q, r, s = letters[i, j], letters[i, j + 1], letters[i + 1, j], letters[i + 1, j + 1]
        out.text(j, i, f"{p}w + {q}x\n+ {r}y + {s}z", ha="center", va="center", fontsize=10)
        chosen = (i, j) == (0, 1)
        frame(out, i, j, 1, 1, KERNEL if chosen else GREY, 3 if chosen else 0.6)
    out.set_xlim(-0.55, 2.55)
    out.set_ylim(1.55, -0.55)
    bare(out)
    out.set_title("Output of the full windows", fontsize=10, color=ink(OUTPUT))
    headline(figure, "The same four weights stand in every output")
    alt = """Redrawn figure 9.1 of Deep Learning: a 3 by 4 input of letters a to l, a 2 by 2 kernel w, x,
    y, z, and six outputs, each the sum of four letters times the four weights. The window b, c, f, g and
    its output are framed."""
    return figure, alt


@picture
def nine_frames(frame_number: int = 9, kernel=SYMMETRIC, half_turn: bool = False, image=EXAMPLE_IMAGE):
    """Beat 4: one of the nine frames, its products, and the outputs so far."""
    kernel, image = np.asarray(kernel, float), np.asarray(image, float)
    used = kernel[::-1, ::-1] if half_turn else kernel
    at = int(np.clip(frame_number, 1, 9)) - 1
    row, column = divmod(at, 3)
    sums = _sums(image, used)
    window = image[row : row + 3, column : column + 3]
    figure, panels = canvas(3.0, 1, 3, width_ratios=[5, 4.2, 3.3])
    grid(panels[0], image, low=0, high=2.4 * image.max(), numbers="g", size=11)
    frame(panels[0], row, column, 3, 3)
    grid(panels[1], window * used, low=0, high=1.8 * max(used.max(), 1), numbers=None, colours=AMOUNT_KERNEL)
    for (i, j), weight in np.ndenumerate(used):
        panels[1].text(j, i, f"{window[i, j]:g} · {weight:g}", ha="center", va="center", fontsize=11)
    so_far = sums.copy()
    so_far.flat[at + 1 :] = np.nan
    grid(panels[2], so_far, low=0, high=2.2 * sums.max(), numbers="g", size=13, colours=AMOUNT_OUTPUT)
    frame(panels[2], row, column, 1, 1, OUTPUT)
    titles = ("Image, with the window", "Image · weight, in the window", "Outputs so far")
    for axes, title, colour in zip(panels, titles, (INPUT, KERNEL, OUTPUT), strict=True):
        axes.set_title(title, fontsize=10, color=ink(colour))
    name = "convolution, the kernel turned" if half_turn else "cross-correlation"
    headline(figure, f"Frame {at + 1} of 9, {name}: nine products, one sum, {sums.flat[at]:g}")
    alt = f"""Frame {at + 1} of 9 of a {name}. Left the 5 by 5 image with a 3 by 3 window at row {row},
    column {column}; middle the nine products of the window {window.astype(int).tolist()} with
    {used.astype(int).tolist()}; right the outputs so far, {[int(v) for v in sums.ravel()[: at + 1]]}."""
    return figure, alt


@picture
def exposed(image=EXAMPLE_IMAGE, kernels=(SYMMETRIC, ASYMMETRIC)):
    """Beat 4: two kernels, both operations; where the results differ is framed."""
    figure, panels = canvas(4.2, len(kernels), 3)
    names = ("kernel of the slides", "asymmetric kernel")
    counts = []
    for line, kernel, name in zip(panels, kernels, names, strict=True):
        slid, turned = _sums(image, kernel), _sums(image, kernel[::-1, ::-1])
        high = 2.2 * max(slid.max(), turned.max())
        grid(line[0], kernel, low=0, high=1.8 * kernel.max(), size=11, colours=AMOUNT_KERNEL)
        line[0].set_title(name, fontsize=10, color=ink(KERNEL))
        for axes, values, title in ((line[1], slid, "cross-correlation"), (line[2], turned, "convolution")):
            grid(axes, values, low=0, high=high, size=11, colours=AMOUNT_OUTPUT)
            axes.set_title(title, fontsize=10, color=ink(OUTPUT))
        differ = np.argwhere(slid != turned)
        counts.append(len(differ))
        for i, j in differ:
            frame(line[2], i, j, 1, 1, WRONG, 2.2)
        line[2].text(2.75, 1, f"{len(differ)} of 9\ndiffer", va="center", fontsize=10, color=ink(WRONG))
    headline(figure, "The symmetric kernel hides the flip; the asymmetric one shows it")
    alt = f"""Two rows: a kernel, its cross-correlation with the 5 by 5 image, its convolution. For the
    symmetric kernel {counts[0]} of 9 outputs differ between the operations, for the asymmetric one
    {counts[1]}, framed."""
    return figure, alt
