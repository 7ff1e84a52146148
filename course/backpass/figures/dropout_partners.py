"""Lecture 8, beats 7 and 10: dropout as a ridge, and dropout beside batch norm."""

from __future__ import annotations

import numpy as np

from ..experiments.dropout_layers import PLACES, REMEDIES, fitted_to_masks, fitted_with_rows, regression_data
from .style import FAINT, GREY, INK, INPUT, KERNEL, OTHER, OUTPUT, WRONG, canvas, headline, ink, number, picture


@picture
def ridge(p: float = 0.5, copies: int = 300):
    """Beat 7: the weights that masked copies of the data lead to, and those of three closed forms."""
    rng = np.random.default_rng(0)
    x, y = regression_data(rng)
    size = (x**2).sum(axis=0)
    masked = fitted_to_masks(x, y, p, copies, rng)
    scaled = fitted_with_rows(x, y, size * p / (1 - p))
    free = fitted_with_rows(x, y, np.zeros(5))
    plain = [fitted_with_rows(x, y, np.full(5, s)) for s in np.geomspace(0.01, 1e4, 60)]
    nearest = min(plain, key=lambda w: np.linalg.norm(w - masked))
    figure, axes = canvas(3.5)
    place = np.arange(5)
    for shift, values, colour, mark, name in (
        (-0.24, free, GREY, "v", "no penalty"),
        (-0.08, masked, INPUT, "o", f"dropout, {copies} masks"),
        (0.08, scaled, OUTPUT, "D", "ridge in units of the input"),
        (0.24, nearest, WRONG, "s", "nearest plain ridge"),
    ):
        axes.plot(place + shift, values, mark, color=colour, ms=8, mec="white")
        axes.vlines(place + shift, 0, values, color=colour, lw=1.2)
        row = (-0.24, -0.08, 0.08, 0.24).index(shift)
        axes.text(0.99, 0.97 - 0.085 * row, name, color=ink(colour), ha="right", va="top", fontsize=9,
                  transform=axes.transAxes)  # fmt: skip
    axes.axhline(0, color=GREY, lw=0.8)
    deviation = x.std(axis=0)
    axes.set_xticks(place, [f"weight {k + 1}\ninput's spread {d:.1f}" for k, d in enumerate(deviation)])
    axes.set_xlabel("weight of a linear regression")
    axes.set_ylabel("value")
    far = np.linalg.norm(masked - scaled) / np.linalg.norm(masked)
    headline(figure, f"Fitted to masks, or to a scaled ridge: the weights differ by {100 * far:.1f} %")
    alt = f"""Five weights of a linear regression four times: without penalty {_listed(free)}; fitted to {copies} masked
    copies at p = {p:.2f} {_listed(masked)}; a ridge scaled by each input's sum of squares {_listed(scaled)};
    the nearest plain ridge {_listed(nearest)}."""
    return figure, alt


def _listed(values) -> str:
    return ", ".join(f"{v:.2f}" for v in values)


@picture
def shifted(results: dict[str, float], card):
    """Beat 10: running over real variance, and accuracies, by the place of dropout."""
    figure, (left, right) = canvas(3.2, 1, 2, sharey=True, width_ratios=[1, 1.3])
    names = list(PLACES)[::-1]
    for row, name in enumerate(names):
        colour = WRONG if name.startswith("before") else INPUT
        low, high = card.interval(f"{name}: ratio")
        value = results[f"{name}: ratio"]
        left.barh(row, value, color=colour, height=0.55)
        left.plot([low, high], [row, row], color=INK, lw=1.2)
        left.text(max(high, value) + 0.05, row, f"{value:.2f}", va="center", fontsize=9)
        for key, mark, shift in (("accuracy", "o", 0.1), ("new statistics", "D", -0.12)):
            runs = card.record["values"][f"{name}: {key}"]
            right.plot(runs, [row + shift] * len(runs), "|", color=colour, ms=8, alpha=0.8)
            right.plot(results[f"{name}: {key}"], row + shift, mark, color=colour, ms=7, mec="white")
    left.axvline(1, color=GREY, lw=0.9, ls=":")
    left.set_xlim(0, 2.6)
    left.set_yticks(range(len(names)), [name.replace("batch", "\nbatch") for name in names])
    left.set_ylabel("place of dropout")
    left.tick_params(axis="y", length=0)
    left.set_xlabel("running over real variance")
    right.set_xlabel("test accuracy (ticks: recorded runs)")
    right.set_title("circle: as trained; diamond: new statistics", fontsize=9.5)
    right.grid(axis="y", color=FAINT, lw=0.6)
    worst = results["before each batch norm: ratio"]
    headline(figure, f"Dropout that feeds a batch norm: its variance is stored {worst:.1f} times too large")
    parts = "; ".join(
        f"{name}: ratio {results[f'{name}: ratio']:.2f}, accuracy {results[f'{name}: accuracy']:.3f}, with new "
        f"statistics {results[f'{name}: new statistics']:.3f}"
        for name in PLACES
    )
    return figure, f"Variance ratios and accuracies for three places of dropout. {parts}."


@picture
def noises(spreads: dict[int, float], p: float = 0.5):
    """Beat 10: the noise of a batch norm's mean by batch size, and that of dropout, which knows no batch size.

    spreads: {batch size: standard deviation of the batch mean, in units of the feature's}.
    """
    sizes = np.array(list(spreads))
    values = np.array(list(spreads.values()))
    slope = np.polyfit(np.log(sizes), np.log(values), 1)[0]
    own = np.sqrt(p / (1 - p))
    figure, axes = canvas(3.0)
    axes.loglog(sizes, values, "o-", color=INPUT)
    axes.axhline(own, color=KERNEL, ls="--")
    axes.text(sizes[-1], own * 0.9, f"dropout's factor, p = {p:g}", color=ink(KERNEL), ha="right", va="top", fontsize=9)
    name = f"batch mean: slope {number(slope, '.2f')}"
    axes.annotate(name, (sizes[1], values[1]), (8, 4), textcoords="offset points", color=ink(INPUT), fontsize=9)
    axes.set_xticks(sizes, [str(n) for n in sizes])
    axes.minorticks_off()
    axes.set_xlabel("examples in a batch")
    axes.set_ylabel("standard deviation of the noise")
    headline(figure, "The noise of batch norm fades with the batch; that of dropout does not")
    listed = ", ".join(f"{n}: {v:.3f}" for n, v in spreads.items())
    return figure, (
        f"Standard deviation of a batch's mean against the batch size, {listed}, a line of slope {slope:.2f} on "
        f"logarithmic axes; dropout's factor at p = {p:g} has {own:.2f} at every size."
    )


@picture
def remedies(card, results: dict[str, float] | None = None):
    """Beat 10: accuracy and loss of a network with dropout, batch norm, both or neither; runs of the card."""
    figure, panels = canvas(3.0, 1, 3, sharey=True)
    names = list(REMEDIES)[::-1]
    colours = {"none": GREY, "dropout": KERNEL, "batch norm": INPUT, "both": OTHER}
    for axes, value in zip(panels, ("accuracy", "loss", "train loss"), strict=True):
        for row, name in enumerate(names):
            runs = card.record["values"][f"{name}: {value}"]
            axes.plot(runs, [row] * len(runs), "|", color=colours[name], ms=10)
            axes.plot(np.mean(runs), row, "o", color=colours[name], ms=8, mec="white")
            axes.text(np.mean(runs), row + 0.22, f"{np.mean(runs):.2f}", ha="center", va="bottom", fontsize=8.5)
            if results:
                axes.plot(results[f"{name}: {value}"], row, "x", color=INK, ms=7)
        axes.set_xlabel("training loss" if value == "train loss" else f"test {value}")
        axes.grid(axis="y", color=FAINT, lw=0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(-0.5, len(names) - 0.3)
    panels[0].set_ylabel("remedy")
    best = {v: max(REMEDIES, key=lambda n: (1 if v == "accuracy" else -1) * card.mean(f"{n}: {v}"))
            for v in ("accuracy", "loss")}  # fmt: skip
    headline(figure, f"Not alike: the best accuracy with {best['accuracy']}, the least test loss with {best['loss']}")
    parts = "; ".join(
        f"{n}: accuracy {card.mean(f'{n}: accuracy'):.3f}, loss {card.mean(f'{n}: loss'):.2f}, training loss "
        f"{card.mean(f'{n}: train loss'):.3f}"
        for n in REMEDIES
    )
    return figure, f"Means and recorded runs of four networks. {parts}."
