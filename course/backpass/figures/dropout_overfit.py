"""Lecture 8, the opening, beats 1 and 7: learning by heart, what helps against it, how much data, which rate."""

from __future__ import annotations

import numpy as np

from ..experiments.dropout import RATES, SIZES, TREATMENTS
from .dropout_masks import WIDTHS, draw_thinned, masks
from .style import FAINT, GREY, INK, INPUT, OTHER, OUTPUT, WRONG, canvas, headline, ink, picture


@picture
def answer(card):
    """The opening: three thinned networks, and what dropout gains in test loss by the number of examples.

    card: the reproduction card "dropout-data-size".
    """
    figure, axes = canvas(4.6, 2, 3, height_ratios=[0.75, 1])
    keep = masks(24, sum(WIDTHS[1:3]), 0.5)
    for place, panel in enumerate(axes[0]):
        draw_thinned(panel, (keep[place + 1, : WIDTHS[1]], keep[place + 1, WIDTHS[1] :]))
        panel.set_title(f"example {place + 1} of a batch", fontsize=10)
    for panel in axes[1]:
        panel.remove()
    bars = figure.add_subplot(axes[0][0].get_gridspec()[1, :])
    gains = [card.mean(f"loss gained at {n}") for n in SIZES]
    colours = [OUTPUT if gain > 0 else WRONG for gain in gains]
    bars.bar(range(len(SIZES)), gains, color=colours, width=0.55)
    _spread(bars, range(len(SIZES)), card, [f"loss gained at {n}" for n in SIZES])
    bars.axhline(0, color=GREY, lw=0.9)
    bars.set_xticks(range(len(SIZES)), [f"{n:,}" for n in SIZES])
    bars.set_xlabel("training examples (steps equal)")
    bars.set_ylabel("test loss saved by dropout")
    headline(figure, "Half of the units left out: loss is saved where examples are few")
    listed = ", ".join(f"{n}: {gain:+.2f}" for n, gain in zip(SIZES, gains, strict=True))
    alt = f"""Above, one small network three times, each time with other hidden units crossed out. Below, what
    dropout saves in test loss, by the number of training examples: {listed}. Lines show the recorded runs."""
    return figure, alt


def _spread(axes, places, card, measures) -> None:
    """From the smallest to the largest recorded run, as thin lines."""
    for place, measure in zip(places, measures, strict=True):
        runs = card.record["values"][measure]
        axes.plot([place, place], [min(runs), max(runs)], color=INK, lw=1.2)


@picture
def overfit(curves: dict, hidden: int = 128, dropout: bool = False):
    """Beat 1: loss and accuracy on 200 training images and on the test images, while the network learns.

    curves: {(hidden, dropout): what `learning_curves` returns}.
    """
    seen = curves[hidden, dropout]
    figure, (left, right) = canvas(3.5, 1, 2)
    lowest = int(np.argmin(seen["test loss"]))
    for axes, value in ((left, "loss"), (right, "accuracy")):
        for part, colour, dash in (("train", INPUT, "-"), ("test", WRONG, "--")):
            line = seen[f"{part} {value}"]
            axes.plot(seen["steps"], line, color=colour, ls=dash)
            axes.annotate(f"{part}: {line[-1]:.2f}", (seen["steps"][-1], line[-1]), (4, 0),
                          textcoords="offset points", color=ink(colour), va="center", fontsize=9)  # fmt: skip
        axes.set_xlabel("step")
        axes.set_ylabel(value)
        axes.set_xlim(0, 1.32 * seen["steps"][-1])
        axes.set_xticks([0, 100, 200, 300, 400])
    left.set_ylim(0, 2.4)
    right.set_ylim(0, 1.05)
    right.axhline(0.1, color=GREY, lw=0.9, ls=":")
    right.text(4, 0.12, "guessing", fontsize=8.5, color=INK)
    at = seen["steps"][lowest], seen["test loss"][lowest]
    left.plot(*at, "o", color=WRONG, mec="white", ms=8)
    left.annotate(f"least, {at[1]:.2f},\nat step {at[0]}", at, (6, 42), textcoords="offset points", fontsize=9,
                  arrowprops={"arrowstyle": "-", "color": GREY})  # fmt: skip
    rise = seen["test loss"][-1] - at[1]
    what = "with dropout" if dropout else "without dropout"
    if rise > 0.02:
        text = f"{hidden} units a layer, {what}: after step {at[0]} the test loss rises by {rise:.2f}"
    else:
        text = f"{hidden} units a layer, {what}: the test loss does not turn"
    headline(figure, text)
    alt = f"""Loss and accuracy against the step, for 200 training images and for the test images, {hidden} hidden
    units in each of two layers, {what}. At the end the training loss is {seen["train loss"][-1]:.2f}, the test loss
    {seen["test loss"][-1]:.2f}, its least {at[1]:.2f} at step {at[0]}; accuracies
    {seen["train accuracy"][-1]:.2f} and {seen["test accuracy"][-1]:.2f}."""
    return figure, alt


@picture
def treatments(card, results: dict[str, float] | None = None):
    """Beat 1: test accuracy and loss of seven treatments: the recorded runs, and one new run where given."""
    figure, panels = canvas(3.7, 1, 2, sharey=True)
    names = list(TREATMENTS)[::-1]
    for axes, value in zip(panels, ("accuracy", "loss"), strict=True):
        base = card.mean(f"none: {value}")
        axes.axvline(base, color=GREY, lw=0.9, ls=":")
        for row, name in enumerate(names):
            runs = card.record["values"][f"{name}: {value}"]
            colour = OUTPUT if name.startswith("dropout") else WRONG if name == "none" else INPUT
            axes.plot(runs, [row] * len(runs), "|", color=colour, ms=9, alpha=0.8)
            axes.plot(np.mean(runs), row, "o", color=colour, ms=8, mec="white")
            axes.text(np.mean(runs), row + 0.2, f"{np.mean(runs):.2f}", ha="center", va="bottom", fontsize=8.5)
            if results:
                axes.plot(results[f"{name}: {value}"], row, "x", color=INK, ms=7)
        axes.set_xlabel(f"test {value}")
        axes.grid(axis="y", color=FAINT, lw=0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylabel("treatment")
    panels[0].set_ylim(-0.5, len(names) - 0.2)
    panels[0].set_title("higher is better", fontsize=10)
    panels[1].set_title("lower is better", fontsize=10)
    headline(figure, "Every remedy lowers the loss; none raises the accuracy by much")
    parts = "; ".join(
        f"{name} {card.mean(f'{name}: accuracy'):.3f} and {card.mean(f'{name}: loss'):.2f}" for name in names[::-1]
    )
    return figure, f"Test accuracy and test loss of seven treatments, means of the recorded runs: {parts}."


@picture
def data_size(card, results: dict[str, float] | None = None):
    """Beat 7: what dropout gains in accuracy and in loss, by the number of examples; a new run as crosses."""
    figure, panels = canvas(3.3, 1, 2)
    labels = [f"{n:,}" for n in SIZES] + ["6,000,\n4 × steps"]
    keys = [f"{n}" for n in SIZES] + ["6000, 1600 steps"]
    for axes, value in zip(panels, ("accuracy", "loss"), strict=True):
        means = [card.mean(f"{value} gained at {key}") for key in keys]
        colours = [OUTPUT if gain > 0 else WRONG for gain in means]
        axes.bar(range(len(keys)), means, color=colours, width=0.6, alpha=0.75)
        _spread(axes, range(len(keys)), card, [f"{value} gained at {key}" for key in keys])
        for place, key in enumerate(keys):
            if results and f"{value} gained at {key}" in results:
                axes.plot(place, results[f"{value} gained at {key}"], "x", color=INK, ms=8)
        axes.axhline(0, color=GREY, lw=0.9)
        axes.axvline(len(SIZES) - 0.5, color=FAINT)
        axes.set_xticks(range(len(keys)), labels, fontsize=8.5)
        axes.set_xlabel("training examples")
        axes.set_ylabel(f"{value} gained" if value == "accuracy" else "loss saved")
    headline(figure, "Loss is saved where data are few; accuracy is lost where they are many")
    parts = ", ".join(
        f"{key}: {card.mean(f'accuracy gained at {key}'):+.3f} and {card.mean(f'loss gained at {key}'):+.3f}"
        for key in keys
    )
    return figure, f"Bars of the accuracy gained and the loss saved by dropout, by number of examples. {parts}."


@picture
def rates(results: dict[str, float], card):
    """Beat 7: test accuracy and loss by the probability to drop; the card's interval as a band."""
    figure, panels = canvas(3.2, 1, 2)
    for axes, value, colour in zip(panels, ("accuracy", "loss"), (INPUT, WRONG), strict=True):
        band = np.array([card.interval(f"p = {p:g}: {value}") for p in RATES])
        line = [results[f"p = {p:g}: {value}"] for p in RATES]
        axes.fill_between(RATES, band[:, 0], band[:, 1], color=OTHER, alpha=0.3, lw=0)
        axes.plot(RATES, line, "o-", color=colour)
        extra = results[f"p = 0.5, inputs 0.2: {value}"]
        axes.plot(0.5, extra, "s", color=INK, ms=7, mfc="white")
        axes.set_xlabel("p, probability to drop")
        axes.set_ylabel(f"test {value}")
        axes.set_xticks(RATES, [f"{p:g}" for p in RATES], fontsize=8)
    panels[0].set_ylim(0, 1)
    panels[1].set_ylim(0, None)
    panels[0].annotate("inputs 0.2, too", (0.5, results["p = 0.5, inputs 0.2: accuracy"]), (-30, -45),
                       textcoords="offset points", fontsize=9, ha="center",
                       arrowprops={"arrowstyle": "-", "color": GREY})  # fmt: skip
    best = min(RATES, key=lambda p: results[f"p = {p:g}: loss"])
    headline(figure, f"Accuracy is flat up to about a half; the loss is least at p = {best:g}")
    parts = ", ".join(f"{p:g}: {results[f'p = {p:g}: accuracy']:.2f}, {results[f'p = {p:g}: loss']:.2f}" for p in RATES)
    return figure, f"Test accuracy and test loss by the probability to drop: {parts}. The band is the card's interval."
