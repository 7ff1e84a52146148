"""Lecture 8, beats 2, 5 and 6: which average, all thinned networks at once, and where one network will do."""

from __future__ import annotations

import numpy as np

from ..experiments.dropout_ensemble import KINDS, PASSES
from .style import FAINT, GREY, INK, INPUT, KERNEL, OTHER, OUTPUT, WRONG, bare, canvas, headline, ink, picture

POINTS_X = np.array([-1.6, 1.3, -0.9, 0.4, -0.3, 1.9, 0.9, -1.2, 0.1, 1.6])
POINTS_Y = np.array([0, 1, 0, 1, 1, 1, 0, 0, 0, 1])
SIGNS = np.array(np.meshgrid(*[(0, 1)] * 3)).reshape(3, -1).T


def _features(x) -> np.ndarray:
    """Three inputs made from one number: itself, a wave, a constant; (len(x), 3)."""
    return np.stack([x, np.sin(2 * x), np.ones_like(x)], axis=1)


def _chance(z):
    return 0.5 * (1 + np.tanh(z / 2))


def _climbed(x, y, masks, weights_of_masks, prior: float) -> np.ndarray:
    """The three weights with the best mean log likelihood over masks; plain ascent, enough for three."""
    w = np.zeros(3)
    seen = _features(x)[None] * masks[:, None]
    for _ in range(1500):
        slope = np.einsum("m,mnd,mn->d", weights_of_masks, seen, y - _chance(seen @ w)) - prior * w
        w += 0.3 * slope / len(x)
    return w


@picture
def three_averages(examples: int = 6, p: float = 0.5):
    """Beat 2: a model of three weights, its best setting, the Bayes average, and the average over 8 masks."""
    x, y = POINTS_X[:examples], POINTS_Y[:examples].astype(float)
    line = np.linspace(-3, 3, 61)
    axis = np.linspace(-6, 6, 25)
    every = np.stack([m.ravel() for m in np.meshgrid(axis, axis, axis)], axis=1)
    z = _features(x) @ every.T
    fit = (y[:, None] * z - np.logaddexp(0, z)).sum(axis=0) - (every**2).sum(axis=1) / 18
    weight = np.exp(fit - fit.max())
    weight /= weight.sum()
    bayes = _chance(_features(line) @ every.T) @ weight
    best = _chance(_features(line) @ _climbed(x, y, np.ones((1, 3)), np.ones(1), 1e-3))
    drop = SIGNS.sum(axis=1)
    share = p ** (3 - drop) * (1 - p) ** drop
    w = _climbed(x, y, SIGNS.astype(float), share, 1e-3)
    members = _chance(np.einsum("nd,md,d->mn", _features(line), SIGNS, w))
    dropped = share @ members
    figure, (left, right) = canvas(3.6, 1, 2, sharey=True)
    left.plot(line, best, color=WRONG, ls="--")
    left.plot(line, bayes, color=OUTPUT)
    steep = int(np.argmax(np.abs(np.diff(best))))
    left.text(line[steep] - 0.15, 0.62, "the one best", color=ink(WRONG), ha="right", fontsize=9)
    left.text(1.0, np.interp(1.0, line, bayes) - 0.09, "Bayes", color=ink(OUTPUT), va="top", fontsize=9)
    for member, size in zip(members, share, strict=True):
        right.plot(line, member, color=OTHER, lw=0.6 + 5 * size, alpha=0.55)
    right.plot(line, dropped, color=INPUT, lw=2.6)
    right.plot(line, bayes, color=OUTPUT, lw=1.4, ls=":")
    right.text(2.95, dropped[-1] + 0.02, "mean of 8", color=ink(INPUT), ha="right", va="bottom", fontsize=9)
    for axes in (left, right):
        axes.plot(x, y, "o", color=INK, ms=5)
        axes.set_xlabel("x")
        axes.set_ylim(-0.06, 1.06)
        axes.axhline(0.5, color=FAINT, zorder=0)
    left.set_ylabel("predicted chance of class 1")
    left.set_title("one setting, and all of them", fontsize=10)
    right.set_title("eight thinned networks", fontsize=10)
    gap = np.abs(dropped - bayes).mean()
    headline(figure, "Both averages are less sure than the one best setting")
    alt = f"""Predicted chance of class 1 against x, from {examples} examples. Left the single best setting, steep,
    and the posterior average over all settings of three weights, flatter. Right the eight thinned networks and
    their mean, which differs from the Bayes average by {gap:.2f} on average."""
    return figure, alt


@picture
def all_masks(members: dict):
    """Beat 5: the 16 thinned networks of four units, their weights and predictions, and three summaries.

    members: as `backpass.experiments.dropout_ensemble.four_units` returns it.
    """
    masks, share, probabilities = members["masks"], members["share"], members["probabilities"]
    figure, (units, bars, means) = canvas(4.6, 1, 3, width_ratios=[0.9, 2, 2])
    rows = np.arange(len(masks))
    for row, mask in enumerate(masks):
        on = mask > 0
        units.scatter(np.flatnonzero(on), [row] * on.sum(), s=34, color=INK)
        units.scatter(np.flatnonzero(~on), [row] * (~on).sum(), s=34, fc="white", ec=GREY)
    units.barh(rows, 6 * share / share.max(), left=4.2, color=KERNEL, height=0.7)
    units.set_title("units, weight", fontsize=10)
    units.set_ylim(len(masks) - 0.3, -0.7)
    units.set_xlim(-0.6, 10.6)
    bare(units)
    _stacked(bars, rows, probabilities)
    bars.set_ylim(len(masks) - 0.3, -0.7)
    bars.set_yticks([])
    bars.set_xlabel("probability")
    bars.set_title("what each of the 16 says", fontsize=10)
    names = ["arithmetic\nmean", "geometric\nmean", "geometric,\nrenormalised", "scaled\nweights"]
    values = [members[k] for k in ("arithmetic", "product", "geometric", "scaled")]
    _stacked(means, np.arange(4), np.array(values), numbers=True)
    means.set_yticks(range(4), names)
    means.tick_params(axis="y", length=0)
    means.set_ylabel("summary")
    means.set_ylim(3.6, -0.6)
    means.set_xlabel("probability")
    means.set_title("the means, and one network", fontsize=10)
    exact = np.abs(values[2] - values[3]).max()
    gap = np.abs(values[0] - values[3]).max()
    headline(figure, f"Scaled weights: the geometric mean, renormalised (arithmetic: {gap:.2f} off)")
    alt = f"""Sixteen rows, one for each choice of four units, with its weight and its predicted probabilities of
    three classes. Right, the means: arithmetic {_row(values[0])}, geometric {_row(values[1])} with the sum
    {values[1].sum():.3f}, renormalised {_row(values[2])}, and the one network with scaled weights
    {_row(values[3])}. The last two differ by {exact:.1e}."""
    return figure, alt


def _row(values) -> str:
    return "(" + ", ".join(f"{v:.3f}" for v in values) + ")"


def _stacked(axes, rows, probabilities, numbers: bool = False) -> None:
    start = np.zeros(len(rows))
    for column, colour in enumerate((INPUT, OTHER, FAINT)):
        width = probabilities[:, column]
        axes.barh(rows, width, left=start, color=colour, height=0.72, ec="white", lw=0.6)
        if numbers:
            for row, left, value in zip(rows, start, width, strict=True):
                if value < 0.1:
                    continue
                dark = colour == INPUT
                axes.text(left + value / 2, row, f"{value:.3f}", ha="center", va="center", fontsize=8,
                          color="white" if dark else INK)  # fmt: skip
        start = start + width
    axes.set_xlim(0, 1)
    axes.spines["left"].set_visible(False)


@picture
def gaps(results: dict[str, float], card):
    """Beat 6: how far one network with scaled weights is from the two means, for four kinds of network."""
    figure, axes = canvas(3.2)
    floor = 1e-6
    kinds = list(KINDS)
    for row, kind in enumerate(kinds):
        for shift, mean, colour, mark in ((-0.14, "geometric", OUTPUT, "o"), (0.14, "arithmetic", WRONG, "D")):
            low, high = card.interval(f"{kind}: {mean}")
            value = results[f"{kind}: {mean}"]
            axes.plot([max(low, floor), max(high, floor)], [row + shift] * 2, color=colour, lw=8, alpha=0.25,
                      solid_capstyle="butt")  # fmt: skip
            axes.plot(max(value, floor), row + shift, mark, color=colour, ms=7, mec="white", clip_on=False)
    axes.set_xscale("log")
    axes.set_xlim(floor, 2)
    axes.set_ylim(len(kinds) - 0.4, -0.75)
    axes.set_yticks(range(len(kinds)), kinds)
    axes.set_ylabel("masked layers")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("largest difference of a probability (left edge: 0 to six digits)")
    axes.text(results["one layer: arithmetic"] * 0.55, -0.42, "to the arithmetic mean", ha="right", color=ink(WRONG),
              fontsize=9)  # fmt: skip
    axes.text(3 * floor, -0.42, "to the geometric mean", color=ink(OUTPUT), fontsize=9)
    axes.grid(axis="x", color=FAINT, lw=0.6)
    headline(figure, "Exact where no ReLU stands between a mask and the softmax, close elsewhere")
    parts = ", ".join(
        f"{kind} {results[f'{kind}: geometric']:.1e} and {results[f'{kind}: arithmetic']:.2f}" for kind in kinds
    )
    return figure, (
        "Largest differences between the network with scaled weights and the geometric and the arithmetic mean of all "
        f"thinned networks, on a logarithmic axis: {parts}."
    )


@picture
def averaging(card, results: dict[str, float] | None = None):
    """Beat 8: accuracy of the mean over passes, less that of one pass with scaled weights: recorded runs, a new one."""
    runs = card.record["values"]
    figure, axes = canvas(3.0)
    base = np.array(runs["scaled weights"])
    lines = np.array([runs[f"{n} passes"] for n in PASSES]) - base
    axes.plot(PASSES, 100 * lines, color=OTHER, lw=1, alpha=0.8)
    axes.plot(PASSES, 100 * lines.mean(axis=1), "o-", color=INPUT)
    if results:
        new = [100 * (results[f"{n} passes"] - results["scaled weights"]) for n in PASSES]
        axes.plot(PASSES, new, "x", color=INK, ms=7)
    axes.axhline(0, color=OUTPUT, ls="--")
    axes.text(1, 0.25, "one pass with scaled weights", color=ink(OUTPUT), fontsize=9)
    axes.annotate("mean of the passes", (PASSES[2], 100 * lines.mean(axis=1)[2]), (10, -24),
                  textcoords="offset points", color=ink(INPUT), fontsize=9)  # fmt: skip
    axes.set_xscale("log")
    axes.set_xticks(PASSES, [str(n) for n in PASSES])
    axes.minorticks_off()
    axes.set_xlabel("passes that are averaged (thin: one seed each; crosses: this run)")
    axes.set_ylabel("accuracy, points")
    last = 100 * lines.mean(axis=1)[-1]
    headline(figure, f"Tens of passes come up to one; {PASSES[-1]} are {abs(last):.1f} points {_side(last)} it")
    return figure, (
        "Test accuracy of the mean over passes less that of one pass with scaled weights, in points, by number of "
        "passes, mean of the recorded runs: "
        + ", ".join(f"{n}: {100 * v:.1f}" for n, v in zip(PASSES, lines.mean(axis=1), strict=True))
        + "."
    )


def _side(difference: float) -> str:
    return "above" if difference > 0 else "below"
