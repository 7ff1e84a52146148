"""Lecture 3, beats 4 to 6: the short last window, a shift under pooling, and what subsampling folds."""

from __future__ import annotations

import numpy as np
from matplotlib.patches import Rectangle

from .style import (
    FAINT,
    GREY,
    INPUT,
    KERNEL,
    OUTPUT,
    WRONG,
    bare,
    canvas,
    headline,
    ink,
    picture,
)

# The strip of the book's figures 9.8 and 9.10: responses of a detector along a line.
STRIP = np.array([0.1, 1.0, 0.2, 0.1, 0.0, 0.1])


def _boxes(axes, row: float, positions, values, colour: str, changed=None, width: float = 0.9):
    """Boxes with numbers at the given positions of a row; changed ones have a heavy frame."""
    for i, (x, value) in enumerate(zip(positions, values, strict=True)):
        other = changed is not None and changed[i]
        axes.add_patch(
            Rectangle(
                (x - width / 2, row - 0.27), width, 0.54, fc=colour, alpha=0.16 + 0.5 * min(abs(value), 1), ec="none"
            )
        )
        axes.add_patch(
            Rectangle((x - width / 2, row - 0.27), width, 0.54, fill=False, ec=WRONG if other else GREY,
                      lw=2.4 if other else 0.8)
        )  # fmt: skip
        axes.text(x, row, f"{value:.1f}", ha="center", va="center", fontsize=10.5)


def _starts(size: int, width: int, stride: int, short: bool) -> list[int]:
    """Where windows begin; with `short`, a last one that hangs over the end is kept while it begins inside."""
    starts = list(range(0, size - width + 1, stride))
    following = starts[-1] + stride if starts else 0
    return [*starts, following] if short and following < size and starts and starts[-1] + width < size else starts


@picture
def strip(size: int = 6, width: int = 3, stride: int = 2, keep_the_short_window: bool = True):
    """Beat 4: max pooling along a line, with the short last window kept or dropped."""
    values = np.resize(STRIP, size)
    starts = _starts(size, width, stride, keep_the_short_window)
    dropped = [s for s in _starts(size, width, stride, True) if s not in starts]
    pooled = [values[s : s + width].max() for s in starts]
    figure, axes = canvas(2.9)
    _boxes(axes, 0, range(size), values, INPUT)
    for row, (start, value) in enumerate(zip(starts, pooled, strict=True)):
        end = min(start + width, size)
        level = 0.62 + 0.17 * (row % 3)
        axes.plot([start - 0.42, end - 0.58], [level] * 2, color=KERNEL, lw=3, solid_capstyle="butt")
        middle = (start + end - 1) / 2
        axes.plot([middle, middle], [level, 1.42], color=KERNEL, lw=1)
        _boxes(axes, 1.7, [middle], [value], OUTPUT, width=0.62)
        if end - start < width:
            axes.text(middle + 0.4, 1.7, f"a window of {end - start}", fontsize=9, va="center", color=ink(WRONG))
    for start in dropped:
        axes.plot([start - 0.42, size - 0.58], [0.42] * 2, color=WRONG, lw=3, ls=":", solid_capstyle="butt")
        axes.text(size - 0.45, 0.45, "dropped", ha="left", va="center", fontsize=9, color=ink(WRONG))
    axes.text(-0.75, 0, "detector", ha="right", va="center", fontsize=9.5, color=ink(INPUT))
    axes.text(-0.75, 1.7, "pooled", ha="right", va="center", fontsize=9.5, color=ink(OUTPUT))
    axes.set_xlim(-2.2, size + 0.9)
    axes.set_ylim(-0.45, 2.2)
    bare(axes)
    headline(
        figure,
        f"{size} entries, width {width}, stride {stride}: {len(starts)} outputs, a factor of {size / len(starts):.3g}",
    )
    last = f", the last over {size - starts[-1]} entries only" if starts[-1] + width > size else ""
    end = f"; entries from {dropped[0]} on have no window of their own" if dropped else ""
    alt = f"""A strip of {size} detector responses, {values.tolist()}, under windows of width {width} every {stride}
    entries{last}{end}. The pooled values are {[float(v) for v in pooled]}."""
    return figure, alt


@picture
def shifted_strip(width: int = 3, stride: int = 1, move: int = 1):
    """Beat 5: the book's strip before and after a shift; what changed is framed."""
    line = np.array([0.1, 0.7, 0.3, 1.0, 0.2, 0.1, 0.0, 0.1, 0.4, 0.2, 0.1, 0.8])
    inner = slice(3, 9)
    reach = width // 2
    figure, panels = canvas(3.3, 1, 2, sharey=True)
    first = None
    shares = []
    for axes, shift in zip(panels, (0, move), strict=True):
        moved = np.roll(line, shift)
        pooled = np.array(
            [np.take(moved, range(i - reach, i - reach + width), mode="wrap").max() for i in range(len(line))]
        )
        low, high = moved[inner], pooled[inner][::stride]
        if first is None:
            first = low, high
            changes = (None, None)
        else:
            changes = tuple(after != before for after, before in zip((low, high), first, strict=True))
            shares = [(int(c.sum()), len(c)) for c in changes]
        _boxes(axes, 0, range(6), low, INPUT, changes[0])
        _boxes(axes, 1.2, range(0, 6, stride), high, OUTPUT, changes[1])
        for i in range(0, 6, stride):
            for j in range(max(0, i - reach), min(6, i - reach + width)):
                axes.plot([j, i], [0.3, 0.9], color=FAINT, lw=1, zorder=0)
        axes.set_xlim(-0.7, 5.7)
        axes.set_ylim(-0.5, 1.7)
        bare(axes)
        axes.set_title("before" if shift == 0 else f"shifted by {move}: what changed is framed", fontsize=10)
    (a, all_low), (b, all_high) = shares
    headline(figure, f"{a} of {all_low} detector values change, {b} of {all_high} pooled values")
    alt = f"""Two strips, before and after a shift by {move}: detector values below, maxima over {width} entries
    every {stride} above. Of the detector values {a} of {all_low} change, of the pooled ones {b} of {all_high}."""
    return figure, alt


@picture
def aliasing(frequency: float = 0.44, blur: bool = False):
    """Beat 6: a wave along a line, every second value kept, with and without a blur in front. Cycles per pixel."""
    fine, pixel = np.linspace(0, 32, 1601), np.arange(33)
    wave = np.cos(2 * np.pi * frequency * pixel)
    gain = np.cos(np.pi * frequency) ** 2 if blur else 1.0
    kept = pixel[::2]
    values = gain * wave[::2]
    seen = min(2 * frequency % 1, 1 - 2 * frequency % 1) / 2
    figure, axes = canvas(3.2)
    axes.plot(fine, gain * np.cos(2 * np.pi * frequency * fine), color=INPUT, lw=1, alpha=0.7)
    axes.plot(fine, gain * np.cos(2 * np.pi * seen * fine), color=WRONG if seen < frequency - 1e-9 else OUTPUT, lw=2)
    axes.plot(kept, values, "o", ms=7, color=OUTPUT, mec="white", zorder=4)
    axes.text(0.3, 1.62, f"the wave: {frequency:.2f} cycles per pixel" + (", after a blur 1 2 1" if blur else ""),
              color=ink(INPUT), fontsize=9)  # fmt: skip
    axes.text(0.3, 1.32, f"the slowest wave through the kept values: {seen:.2f}", fontsize=9,
              color=ink(WRONG) if seen < frequency - 1e-9 else ink(OUTPUT))  # fmt: skip
    axes.set_ylim(-1.15, 1.95)
    axes.set_xlabel("pixel; every second one is kept")
    axes.set_ylabel("value")
    folded = seen < frequency - 1e-9
    if not folded:
        finding = f"{frequency:.2f} cycles per pixel survive: four values per wave or more"
    elif blur:
        finding = f"The blur leaves {gain:.0%} of the wave, so hardly anything poses as another"
    else:
        finding = f"Every second value: {frequency:.2f} cycles per pixel pose as {seen:.2f}"
    headline(figure, finding)
    alt = f"""A cosine of {frequency:.2f} cycles per pixel{
        " after a binomial blur, of which " + format(gain, ".0%") + " is left" if blur else ""
    }, every second value marked, and the slowest wave through the marked values, {seen:.2f} cycles per
    pixel."""
    return figure, alt
