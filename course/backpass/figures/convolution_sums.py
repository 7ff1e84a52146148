"""Lecture 1, beats 1 to 3: the sliding area, the discrete sum, borders, and the flip."""

from __future__ import annotations

import numpy as np
from matplotlib.patches import Rectangle

from .style import (
    AMOUNT_KERNEL,
    AMOUNT_OUTPUT,
    FAINT,
    GREY,
    INK,
    INPUT,
    KERNEL,
    OUTPUT,
    WRONG,
    bare,
    canvas,
    grid,
    headline,
    ink,
    number,
    picture,
)


def reading(a):
    """A sensor's reading at the times a (s): a step at 3 s, a second one at 6 s, and a hum. Dimensionless."""
    a = np.asarray(a, float)
    if a.ndim > 1:
        raise ValueError("the sensor has one axis, time")
    steps = 1 / (1 + np.exp(-9 * (a - 3))) - 0.55 / (1 + np.exp(-9 * (a - 6.2)))
    return steps + 0.14 * np.sin(9.3 * a) + 0.10 * np.sin(23.1 * a + 1)


@picture
def sliding_area(t: float = 4.0, decay: float = 0.7):
    """Beat 1: reading, flipped weights and the area that is s(t). t, decay in seconds."""
    step = 0.01
    a = np.arange(-4.0, 10.0, step)
    age = np.arange(0.0, 14.0, step)
    # Weights at the middle of each step: the sum is then right to the second order.
    weights = np.exp(-(age + step / 2) / decay) / decay
    smooth = np.convolve(reading(a - step / 2), weights)[: len(a)] * step
    value = float(np.interp(t, a, smooth))
    shown = np.where(a <= t, np.exp(-np.clip(t - a, 0, None) / decay) / decay, 0.0)
    figure, (top, middle, below) = canvas(5.6, 3, sharex=True)
    top.plot(a, reading(a), color=INPUT, lw=1.6)
    top.fill_between(a, 0, shown, color=KERNEL, alpha=0.45, lw=0)
    top.plot(a, shown, color=KERNEL)
    top.set_ylim(-0.4, 2.15)
    top.text(9.0, 1.0, "reading x(a)", color=ink(INPUT), ha="right", va="bottom")
    early = t < 4.3
    top.text(
        t + (0.12 if early else -0.15),
        min(1 / decay, 1.8),
        "w(t − a): the newest counts most",
        color=ink(KERNEL),
        va="center",
        ha="left" if early else "right",
    )
    product = reading(a) * shown
    middle.fill_between(a, 0, product, color=OUTPUT, alpha=0.5, lw=0, hatch="//", ec="white")
    middle.plot(a, product, color=OUTPUT, lw=1.2)
    middle.text(t + 0.15, 0.55 * max(product.max(), 0.3), f"this area is s({t:.1f}) = {value:.2f}", color=ink(OUTPUT))
    middle.set_ylim(min(-0.1, product.min() * 1.1), max(0.6, product.max() * 1.15))
    below.plot(a, reading(a), color=FAINT, lw=1.2)
    below.plot(a, smooth, color=OUTPUT, lw=1.0, ls=":")
    below.plot(a[a <= t], smooth[a <= t], color=OUTPUT, lw=2.6)
    below.plot([t], [value], "o", ms=9, color=OUTPUT, mec="white")
    below.text(6.4, 1.05, "smoothed reading s(t)", color=ink(OUTPUT))
    below.set_ylim(-0.4, 1.5)
    below.set_xlim(-0.5, 9.2)
    for axes, name in ((top, "value"), (middle, "product"), (below, "value")):
        axes.axvline(t, color=GREY, lw=0.8, ls="--")
        axes.axhline(0, color=FAINT, lw=0.8, zorder=0)
        axes.set_ylabel(name)
    below.set_xlabel("time (s)")
    headline(figure, "Every smoothed value is an area: the reading times the turned-round weights")
    alt = f"""Three stacked plots over time. Above, a noisy reading and, at t = {t:.1f}, exponential
    weights that fall off towards the past. In the middle their product, shaded; its area is {value:.2f}.
    Below, the smoothed reading up to t, whose last value is that area."""
    return figure, alt


def _cells(axes, row: float, start: int, values, colour: str, *, faint=False, bold=None):
    """A row of boxes with numbers; the box of index i stands at x = start + i."""
    for i, value in enumerate(values):
        chosen = bold is not None and start + i == bold
        axes.add_patch(
            Rectangle(
                (start + i - 0.5, row - 0.36), 1, 0.72, fc=colour if not faint else "white",
                alpha=0.28 if not chosen else 0.75, ec="none"
            )
        )  # fmt: skip
        axes.add_patch(
            Rectangle((start + i - 0.5, row - 0.36), 1, 0.72, fill=False, ec=FAINT if faint else GREY, lw=0.8)
        )
        text = "" if value is None else number(value)
        weight = "bold" if chosen else "normal"
        axes.text(start + i, row, text, ha="center", va="center", fontsize=11, color=GREY if faint else INK,
                  fontweight=weight)  # fmt: skip


@picture
def stepping_sum(t: int = 3, x=(1, 3, 2, 0, 4, 1), w=(1, 2, -1)):
    """Beat 2: one step of the discrete sum, and which outputs the three support modes keep."""
    x, w = list(x), list(w)
    reach = len(w) - 1
    sums = np.convolve(x, w)
    t = int(np.clip(t, 0, len(sums) - 1))
    figure, axes = canvas(4.7)
    outside = [0] * reach
    _cells(axes, 5, -reach, outside, INPUT, faint=True)
    _cells(axes, 5, len(x), outside, INPUT, faint=True)
    _cells(axes, 5, 0, x, INPUT)
    _cells(axes, 4, t - reach, w[::-1], KERNEL)
    wide = outside + x + outside
    terms = [wide[t + i] * w[::-1][i] for i in range(len(w))]
    _cells(axes, 3, t - reach, terms, OUTPUT)
    _cells(axes, 1.5, 0, sums, OUTPUT, bold=t)
    axes.annotate(
        "", (t, 1.95), (t - reach / 2, 2.58), arrowprops={"arrowstyle": "->", "color": ink(OUTPUT), "lw": 1.6}
    )
    axes.text(t - reach / 2 + 0.75, 2.24, "sum", color=ink(OUTPUT), fontsize=9, va="center")
    left = -reach - 0.8
    names = (
        (5, "x[a], zero outside", INPUT),
        (4, "w[t − a]", KERNEL),
        (3, "products", OUTPUT),
        (1.5, "s[t]", OUTPUT),
    )
    for row, name, colour in names:
        axes.text(left, row, name, ha="right", va="center", color=ink(colour))
    for a in range(-reach, len(x) + reach):
        axes.text(a, 5.5, number(a), ha="center", va="center", fontsize=8, color=GREY)
    long, short = max(len(x), len(w)), min(len(x), len(w))
    first = (short - 1) // 2
    spans = (("full", 0, len(sums)), ("same", first, first + long), ("valid", short - 1, long))
    for row, (name, start, stop) in zip((0.75, 0.25, -0.25), spans, strict=True):
        axes.plot([start - 0.45, stop - 0.55], [row, row], color=INK, lw=1.6, solid_capstyle="butt")
        for end in (start - 0.45, stop - 0.55):
            axes.plot([end, end], [row - 0.08, row + 0.08], color=INK, lw=1.6)
        axes.text(left, row, f"{name}: {stop - start}", ha="right", va="center", fontsize=9)
    axes.set_xlim(left - 3.2, len(sums) + 0.2)
    axes.set_ylim(-0.6, 5.8)
    bare(axes)
    written = " + ".join(f"{number(wide[t + i])}·{_signed(w[::-1][i])}" for i in range(len(w)))
    headline(figure, f"s[{t}] = {written} = {number(sums[t])}")
    alt = f"""Rows of boxes: the signal {x} with zeros outside, the kernel {w} written backwards under it
    so that its first entry stands under position {t}, the products, and all sums {sums.tolist()}.
    Brackets mark which sums the modes full, same and valid keep."""
    return figure, alt


def _signed(value) -> str:
    return f"({number(value)})" if value < 0 else number(value)


@picture
def borders(length: int = 12, width: int = 5):
    """Beat 2: a rising line, averaged over `width` entries, under four rules for what stands outside."""
    x = np.linspace(1.0, 2.0, length)
    reach = width // 2
    rules = {"zeros": "constant", "circular": "wrap", "replicate": "edge", "reflect": "reflect"}
    figure, panels = canvas(2.9, 1, 4, sharey=True, sharex=True)
    index = np.arange(length)
    worst = {}
    for axes, (name, mode) in zip(panels, rules.items(), strict=True):
        y = np.convolve(np.pad(x, reach, mode=mode), np.ones(width) / width, "valid")
        worst[name] = np.abs(y - x).max()
        axes.plot(index, x, color=INPUT, lw=1.2, ls="--")
        axes.plot(index, y, color=OUTPUT, marker="o", ms=3.5)
        touched = np.abs(y - x) > 1e-9
        axes.plot(index[touched], y[touched], "o", ms=6, mfc="none", mec=WRONG, mew=1.5)
        axes.set_title(f"{name}\nlargest error {worst[name]:.2f}", fontsize=10)
        axes.set_xlabel("position")
    panels[0].set_ylabel("value")
    panels[0].set_ylim(0.5, 2.3)
    panels[0].annotate("the line", (6, x[6]), (6.6, 1.2), color=ink(INPUT), fontsize=9)
    panels[0].text(0.2, 2.12, "its average", color=ink(OUTPUT), fontsize=9)
    headline(figure, "What stands outside the signal shows inside it, near the border")
    listed = ", ".join(f"{name} {error:.2f}" for name, error in worst.items())
    alt = f"""Four plots of a rising line and its moving average of {width} entries. They agree in the
    middle and part within {reach} entries of the ends, by at most: {listed}."""
    return figure, alt


LETTER = np.array([[1, 1, 1, 1, 0], [1, 0, 0, 0, 0], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [1, 0, 0, 0, 0]], float)
RING = np.array([[0, 1, 1, 1, 0], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1], [0, 1, 1, 1, 0]], float)


@picture
def impulses(kernel=LETTER):
    """Beat 3: what convolution and cross-correlation make of two bright points."""
    kernel = np.asarray(kernel, float)
    points = {(3, 3): 1.0, (9, 8): 0.5}
    image, printed, turned = np.zeros((13, 13)), np.zeros((13, 13)), np.zeros((13, 13))
    for (i, j), strength in points.items():
        image[i, j] = strength
        printed[i - 2 : i + 3, j - 2 : j + 3] += strength * kernel
        turned[i - 2 : i + 3, j - 2 : j + 3] += strength * kernel[::-1, ::-1]
    figure, panels = canvas(2.75, 1, 4, width_ratios=[1, 0.55, 1, 1])
    options = {"numbers": None, "low": 0, "high": 1}
    grid(panels[0], image, title="Image: two points", **options)
    grid(panels[1], kernel, title="Kernel", colours=AMOUNT_KERNEL, **options)
    options["colours"] = AMOUNT_OUTPUT
    grid(panels[2], printed, title="Convolution $*$", **options)
    grid(panels[3], turned, title="Cross-correlation $\\star$", **options)
    for axes, colour in zip(panels, (INPUT, KERNEL, OUTPUT, OUTPUT), strict=True):
        axes.title.set_color(ink(colour))
    same = np.array_equal(printed, turned)
    finding = (
        "A kernel that half a turn leaves as it is cannot tell the two apart"
        if same
        else "A point prints the kernel; under cross-correlation, turned by half a turn"
    )
    headline(figure, finding)
    alt = f"""An image with two bright points, a 5 by 5 kernel, and two results. Convolution places the
    kernel at each point as it is; cross-correlation places it turned by 180
    degrees{", which here looks the same" if same else ""}."""
    return figure, alt


@picture
def swapped_roles(a=(1, 2, 0, 1), b=(3, 1, 0)):
    """Beat 3: both operations in both orders."""
    figure, panels = canvas(3.0, 1, 2, sharey=True)
    pairs = (
        ("Convolution", np.convolve(a, b), np.convolve(b, a)),
        ("Cross-correlation", np.correlate(a, b, "full"), np.correlate(b, a, "full")),
    )
    names = (("$a * b$", "$b * a$"), (r"$a \star b$", r"$b \star a$"))
    words = []
    for axes, (title, first, second), (one, two) in zip(panels, pairs, names, strict=True):
        index = np.arange(len(first))
        axes.vlines(index, 0, first, color=OUTPUT, lw=6, alpha=0.55)
        axes.plot(index, second, "D", ms=8, mfc="white", mec=INK, mew=1.6)
        if np.array_equal(first, second):
            word = "the order does not matter"
        elif np.array_equal(first, second[::-1]):
            word = "it runs backwards"
        else:
            word = "the order matters"
        words.append(word)
        axes.set_title(f"{title}: {word}", fontsize=10)
        axes.set_xlabel("output entry")
        axes.set_xticks(index)
        axes.text(
            0.99,
            0.97,
            f"bars {one}\ndiamonds {two}",
            transform=axes.transAxes,
            ha="right",
            va="top",
            fontsize=9,
        )
    panels[0].set_ylabel("value")
    panels[0].set_ylim(0, 1.5 * max(p[1].max() for p in pairs))
    alike = np.array_equal(pairs[0][1], pairs[1][1])
    headline(figure, "Only convolution commutes" + ("; but a ∗ b and a ⋆ b are the same here" if alike else ""))
    alt = f"""Two plots for a = {list(a)} and b = {list(b)}, each operation in both orders. Convolution:
    {words[0]}. Cross-correlation: {words[1]}."""
    return figure, alt
