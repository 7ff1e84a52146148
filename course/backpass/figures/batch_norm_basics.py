"""Lecture 5, the opening and beats 1 to 3: a unit's inputs, six numbers, the learned scale, the undo."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from .style import FAINT, GREY, INK, INPUT, KERNEL, OUTPUT, WIDTH, WRONG, bare, canvas, headline, ink, number, picture

SIX = (2.0, 4.0, 4.0, 5.0, 6.0)


def _standard(values: np.ndarray) -> np.ndarray:
    """Columns with mean 0 and deviation 1."""
    return (values - values.mean(axis=0)) / values.std(axis=0)


@picture
def answer(card):
    """The opening: a batch before and after, and the learning rates that work.

    card: the reproduction card "learning-rates"; the numbers are the means of its recorded runs.
    """
    figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06, wspace=0.06)
    slots = figure.add_gridspec(1, 3, width_ratios=[1, 1, 1.45])
    rng = np.random.default_rng(5)
    centres, widths = np.array([4.5, -3.5, 0.5, 6.0]), np.array([0.5, 1.6, 3.0, 1.0])
    batch = centres + widths * rng.normal(size=(24, 4))
    spread = rng.uniform(-0.22, 0.22, batch.shape)
    shown = (("24 examples, 4 units", batch, INPUT), ("normalized over the batch", _standard(batch), OUTPUT))
    for column, (title, values, colour) in enumerate(shown):
        axes = figure.add_subplot(slots[column])
        axes.plot(np.arange(1, 5) + spread, values, "o", ms=3.5, color=colour, alpha=0.75, mec="none")
        for unit, mean in enumerate(values.mean(0), 1):
            axes.plot([unit - 0.34, unit + 0.34], [mean, mean], color=INK, lw=2)
        axes.axhline(0, color=FAINT, lw=0.8, zorder=0)
        axes.set_ylim(-9, 10)
        axes.set_xticks(range(1, 5))
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("unit")
        axes.set_ylabel("value" if column == 0 else "value, normalized")
    axes = figure.add_subplot(slots[2])
    means = _accuracies(axes, card)
    axes.set_title("accuracy after equal steps", fontsize=10)
    headline(figure, "Each unit gets mean 0 and deviation 1 in every batch; more rates then work")
    alt = f"""Left, the values of four units over a batch of 24 examples, with different means and spreads;
    beside it the same values normalized, all with mean 0 and standard deviation 1. Right, test accuracy
    against the learning rate: {means}."""
    return figure, alt


def _accuracies(axes, card) -> str:
    """Draw the recorded accuracies of both arms against the rate; returns them in words."""
    said = []
    for arm, colour, dash in (("without", GREY, "--"), ("with batch norm", OUTPUT, "-")):
        points = [(float(name.split(": ")[1]), card.mean(name)) for name in card.measures if name.startswith(f"{arm}:")]
        rates, values = map(np.array, zip(*points, strict=True))
        axes.semilogx(rates, values, dash, marker="o", ms=5, color=colour)
        best = int(values.argmax())
        place = (rates[best], values[best])
        above = arm != "without"
        axes.annotate(arm, place, (0, 9) if above else (-8, -4), textcoords="offset points", color=ink(colour),
                      ha="center" if above else "right", fontsize=9.5)  # fmt: skip
        said.append(f"{arm} " + ", ".join(f"{v:.2f} at {r:g}" for r, v in points))
    axes.set_ylim(0, 1.12)
    axes.set_yticks([0, 0.5, 1])
    axes.set_xlabel("learning rate")
    axes.set_ylabel("accuracy")
    return "; ".join(said)


@picture
def ribbon(watched: dict[str, dict[str, np.ndarray]], unit: int = 7):
    """Beat 1: the 15th, 50th and 85th percentile of one sigmoid's input while the network trains.

    watched: {arm: what `watch_sigmoid` returned}; unit: 0 to 99.
    """
    figure, panels = canvas(3.7, 1, len(watched), sharey=True)
    moved = {}
    for axes, (arm, run) in zip(panels, watched.items(), strict=True):
        low, middle, high = run["quantiles"][:, :, unit].T
        colour = GREY if arm == "without" else OUTPUT
        axes.fill_between(run["step"], low, high, color=colour, alpha=0.3, lw=0)
        axes.plot(run["step"], middle, color=ink(colour), lw=1.6)
        axes.axhline(0, color=FAINT, lw=0.8, zorder=0)
        axes.set_title(arm, fontsize=10, color=ink(colour))
        axes.set_xlabel("step")
        moved[arm] = float(np.ptp(middle))
    last = panels[0]
    run = next(iter(watched.values()))
    place = len(run["step"]) * 3 // 4
    for row, name, height in ((2, "85th percentile", 9), (0, "15th percentile", -15)):
        last.annotate(name, (run["step"][place], run["quantiles"][place, row, unit]), (0, height),
                      textcoords="offset points", ha="center", fontsize=8.5, color=INK)  # fmt: skip
    panels[0].set_ylabel(f"input of sigmoid {unit} in layer 3")
    first, second = moved.values()
    headline(figure, f"The median of this input wanders over {first:.1f} without batch norm, over {second:.1f} with")
    alt = f"""The 15th, 50th and 85th percentile of the input of unit {unit} in the third hidden layer, against
    the training step, in two panels. Its median moves over a range of {first:.2f} without batch norm and of
    {second:.2f} with it."""
    return figure, alt


@picture
def six_numbers(last: float = 9.0, gamma: float = 1.0, beta: float = 0.0):
    """Beat 2: one feature of a batch of six, through the four lines of Algorithm 1. The last value is free."""
    x = np.array([*SIX, last])
    centred = x - x.mean()
    deviation = float(np.sqrt((centred**2).mean() + 1e-5))
    scaled = centred / deviation
    rows = (
        (f"x,  mean {number(x.mean(), '.2f')}", x, INPUT),
        (f"x − mean,  deviation {deviation:.2f}", centred, INPUT),
        ("divided by the deviation", scaled, KERNEL),
        (f"times {number(gamma, '.3g')}, plus {number(beta, '.3g')}", gamma * scaled + beta, OUTPUT),
    )
    bound = np.sqrt(len(x) - 1)
    figure, panels = canvas(4.6, len(rows))
    for axes, (name, values, colour) in zip(panels, rows, strict=True):
        reach = max(4.0, 1.15 * np.abs(values).max())
        axes.axhline(0, color=FAINT, lw=1, zorder=0)
        axes.plot([0, 0], [-0.5, 0.5], color=GREY, lw=0.8, zorder=0)
        stack = [int((np.abs(values[:i] - v) < 1e-9).sum()) for i, v in enumerate(values)]
        sizes = [62 if i == len(values) - 1 else 40 for i in range(len(values))]
        axes.scatter(values, 0.22 * np.array(stack), s=sizes, color=colour, ec=INK, lw=0.6, zorder=3)
        axes.annotate(number(values[-1], ".2f"), (values[-1], 0.22 * stack[-1]), (0, 8), textcoords="offset points",
                      ha="center", fontsize=9)  # fmt: skip
        if colour is KERNEL:
            for side in (-bound, bound):
                axes.plot([side, side], [-0.6, 0.6], color=WRONG, lw=1.4, ls="--")
                axes.text(side, -0.95, number(side, ".2f"), color=ink(WRONG), ha="center", va="top", fontsize=8.5)
        axes.set_xlim(-reach, reach)
        axes.set_ylim(-1.1, 1.3)
        axes.set_title(name, fontsize=10, color=ink(colour))
        bare(axes)
        axes.spines["bottom"].set_visible(False)
    largest = float(np.abs(scaled).max())
    headline(figure, f"The largest is now {largest:.2f} deviations from the mean; √5 = {bound:.2f} is the limit")
    alt = f"""Six numbers, {", ".join(number(v) for v in x)}, on four lines: as they are; less their mean; divided
    by their standard deviation {deviation:.3g}; times gamma {gamma:g} plus beta {beta:g}. After the division the
    largest is {largest:.3f} in size, within plus and minus {bound:.3f}."""
    return figure, alt


@picture
def sigmoid_window(gamma: float = 1.0, beta: float = 0.0):
    """Beat 3: where the normalized inputs meet a sigmoid, for a learned scale gamma and shift beta."""
    points = np.sort(np.random.default_rng(2).normal(size=600))
    y = gamma * _standard(points) + beta
    slope = np.exp(-np.abs(y)) / (1 + np.exp(-np.abs(y))) ** 2
    alive = float((slope > 0.1).mean())
    figure, (top, below) = canvas(4.3, 2, sharex=True, height_ratios=[1.5, 1])
    grid = np.linspace(-8, 8, 300)
    top.axvspan(-2.06, 2.06, color=FAINT, alpha=0.5, lw=0, zorder=0)
    top.plot(grid, 1 / (1 + np.exp(-grid)), color=INK)
    top.plot(y, 1 / (1 + np.exp(-y)), "|", color=OUTPUT, ms=9, alpha=0.5)
    top.text(0, 0.03, "slope above 0.1", ha="center", fontsize=9, color=INK)
    top.set_ylabel("output of the sigmoid")
    below.hist(y, bins=np.linspace(-8, 8, 65), color=OUTPUT, alpha=0.75)
    below.axvline(beta, color=INK, lw=1.2)
    below.text(beta + 0.1, below.get_ylim()[1] * 1.02, f"mean {number(beta, '.3g')}", fontsize=9, va="bottom")
    below.set_xlabel("input of the sigmoid, γ·x̂ + β")
    below.set_ylabel("values")
    below.set_xlim(-8, 8)
    headline(
        figure,
        f"With γ = {number(gamma, '.3g')}, β = {number(beta, '.3g')}: {alive:.0%} of the inputs meet a slope above 0.1",
    )
    alt = f"""A sigmoid and a histogram of its inputs gamma x-hat plus beta, for gamma {gamma:.3g} and beta
    {beta:.3g}: their mean is {y.mean():.2f} and their standard deviation {y.std():.2f}. {alive:.0%} of them lie
    where the sigmoid's slope is above 0.1."""
    return figure, alt


@picture
def undo(exponent: int = -5):
    """Beat 3: what is left of a feature after normalizing and undoing, against its deviation.

    exponent: ε is ten to this power.
    """
    eps = 10.0**exponent
    sigma = np.geomspace(1e-4, 10, 200)
    size, mark = np.log10(sigma), exponent / 2  # the axis is logarithmic, and cheaper to draw this way
    inside, outside = sigma / np.sqrt(sigma**2 + eps), sigma / (sigma + eps)
    figure, (left, right) = canvas(3.6, 1, 2)
    left.plot(size, np.ones_like(sigma), color=OUTPUT)
    left.plot(size, inside, "--", color=WRONG)
    left.text(-4, 1.03, "γ = √(σ² + ε): all of it", color=ink(OUTPUT), fontsize=9)
    half = mark - 0.24  # here half of the deviation is left
    left.annotate("γ = σ", (half, 0.5), (8, -4), textcoords="offset points", color=ink(WRONG), fontsize=9.5)
    left.set_title("after the undo", fontsize=10)
    left.set_ylabel("share of the deviation that returns")
    right.plot(size, inside, color=KERNEL)
    right.plot(size, outside, ":", color=INK)
    inner = "ε inside\nthe root"
    right.annotate(inner, (half, 0.5), (8, -16), textcoords="offset points", color=ink(KERNEL), fontsize=9)
    right.text(-4, 1.03, "ε outside", fontsize=9)
    right.set_title("deviation of x̂", fontsize=10)
    right.set_ylabel("deviation of x̂")
    for axes in (left, right):
        axes.set_ylim(0, 1.16)
        axes.set_xticks(range(-4, 2), [f"{10.0**k:g}" for k in range(-4, 2)])
        axes.set_xlabel("deviation σ of the feature")
        axes.axvline(mark, color=FAINT, zorder=0)
        axes.text(mark, 0.02, " √ε", fontsize=9, color=GREY, va="bottom")
    at = float(np.interp(0.01, sigma, inside))
    headline(figure, f"ε = $10^{{{exponent}}}$: a feature with σ = 0.01 comes back at {at:.0%} if γ = σ")
    alt = f"""Two panels against the deviation of a feature, from 0.0001 to 10, for epsilon {eps:g}. Left, the
    share of the deviation that returns: all of it with gamma equal to the root of sigma squared plus epsilon;
    with gamma equal to sigma only {at:.2f} at sigma 0.01, and less below. Right, the deviation of the normalized
    feature with epsilon inside and outside the root: inside, small features stay below 1."""
    return figure, alt
