"""Lecture 5: what training shows: accuracy against steps and seconds, learning rates, batch sizes."""

from __future__ import annotations

import numpy as np

from ..experiments.batch_norm import ARMS, RATES
from ..experiments.batch_norm_statistics import KINDS, SIZES
from .style import GREY, INPUT, OTHER, OUTPUT, WRONG, canvas, headline, ink, picture

COLOURS = dict(zip(ARMS, (GREY, OUTPUT), strict=True))


@picture
def progress(watched: dict[str, dict[str, np.ndarray]]):
    """Accuracy against steps, and against processor seconds. watched: as for `ribbon`."""
    figure, panels = canvas(3.6, 1, 2, sharey=True)
    for axes, against, unit in zip(
        panels, ("tested_at", "seconds"), ("steps", "processor time of training (s)"), strict=True
    ):
        for arm, run in watched.items():
            axes.plot(run[against], run["accuracy"], "--" if arm == ARMS[0] else "-", color=COLOURS[arm])
        axes.set_xlabel(unit)
        axes.set_ylim(0, 1)
        axes.set_xlim(left=0)
    for arm, height in zip(ARMS, (0.42, 0.92), strict=True):
        panels[0].text(
            0.97, height, arm, transform=panels[0].transAxes, ha="right", color=ink(COLOURS[arm]), fontsize=9.5
        )
    panels[0].set_ylabel("test accuracy")
    reached = {arm: _first(run, 0.7) for arm, run in watched.items()}
    words = [f"{name} after {step} steps" if step else f"{name} never" for name, step in reached.items()]
    headline(figure, "70 % right: " + ", ".join(words))
    ends = ", ".join(
        f"{arm} {run['accuracy'][-1]:.2f} after {run['seconds'][-1]:.1f} s" for arm, run in watched.items()
    )
    return (
        figure,
        f"""Test accuracy while training, against steps and against processor seconds. Above 0.7:
    {"; ".join(words)}. At the end: {ends}.""",
    )


def _first(run: dict[str, np.ndarray], goal: float) -> int:
    above = np.flatnonzero(run["accuracy"] >= goal)
    return int(run["tested_at"][above[0]]) if len(above) else 0


@picture
def rates(results: dict[str, float], card):
    """The sweep over learning rates: dots are this run, bands the card's."""
    figure, axes = canvas(3.9)
    for arm in ARMS:
        names = [f"{arm}: {rate:g}" for rate in RATES]
        low, high = np.array([card.interval(name) for name in names]).T
        axes.fill_between(RATES, low, high, color=COLOURS[arm], alpha=0.11, lw=0)
        values = [results[name] for name in names]
        axes.semilogx(RATES, values, "--" if arm == ARMS[0] else "-", marker="o", ms=6, color=COLOURS[arm])
        best = int(np.argmax(values))
        side = (0, 9) if arm != ARMS[0] else (10, 0)
        axes.annotate(arm, (RATES[best], values[best]), side, textcoords="offset points", color=ink(COLOURS[arm]),
                      ha="center" if arm != ARMS[0] else "left")  # fmt: skip
    axes.axhline(0.1, color=GREY, lw=0.9, ls=":")
    axes.text(RATES[0], 0.11, "guessing", fontsize=8.5, color=GREY, va="bottom")
    axes.set_ylim(0, 1.1)
    axes.set_xticks(RATES, [f"{rate:g}" for rate in RATES])
    axes.minorticks_off()
    axes.set_xlabel("learning rate")
    axes.set_ylabel("test accuracy")
    usable = {arm: [rate for rate in RATES if results[f"{arm}: {rate:g}"] > 0.7] for arm in ARMS}
    counts = [f"{len(found)} {arm}" for arm, found in usable.items()]
    headline(figure, f"Of {len(RATES)} learning rates, these give more than 70 %: {counts[0]}, {counts[1]}")
    said = "; ".join(f"{name} {value:.2f}" for name, value in results.items())
    return figure, f"Test accuracy against the learning rate, with the card's intervals as bands. {said}."


@picture
def sizes(card):
    """Beat 10: accuracy by the size of the batch in training; bands are the card's intervals."""
    figure, axes = canvas(3.9)
    colours = (WRONG, INPUT, OTHER, OUTPUT)
    for kind, colour, mark, dash in zip(KINDS, colours, "Dsvo", ("-", "--", ":", "-"), strict=True):
        names = [f"{kind}: {size}" for size in SIZES]
        means = [card.mean(name) for name in names]
        low, high = np.array([card.interval(name) for name in names]).T
        axes.fill_between(SIZES, low, high, color=colour, alpha=0.13, lw=0)
        axes.semilogx(SIZES, means, dash, marker=mark, ms=6, color=colour)
    labels = (("batch norm,\ndense", (2, card.mean(f"{KINDS[0]}: 2")), WRONG, (10, -4)),)
    for text, place, colour, off in labels:
        axes.annotate(text, place, off, textcoords="offset points", color=ink(colour), fontsize=9.5)
    ends = sorted(
        ((card.mean(f"{kind}: 32"), kind, colour) for kind, colour in zip(KINDS[1:], colours[1:], strict=True))
    )
    heights = np.array([value for value, _, _ in ends])
    for i in range(1, len(heights)):
        heights[i] = max(heights[i], heights[i - 1] + 0.06)
    heights -= (heights - [value for value, _, _ in ends]).mean()
    for height, (_, kind, colour) in zip(heights, ends, strict=True):
        axes.text(35, height, kind, color=ink(colour), fontsize=9.5, va="center")
    axes.set_xlim(1.8, 110)
    axes.set_ylim(0, 1.04)
    axes.set_xticks(SIZES, [str(size) for size in SIZES])
    axes.minorticks_off()
    axes.set_xlabel("examples in a batch while training")
    axes.set_ylabel("test accuracy")
    worst, fine = card.mean(f"{KINDS[0]}: 2"), card.mean(f"{KINDS[3]}: 2")
    headline(figure, f"Batches of two: dense batch norm {worst:.2f}, convolutional batch norm {fine:.2f}")
    said = "; ".join(f"{name} {card.mean(name):.2f}" for name in card.measures)
    return figure, f"Test accuracy by batch size, means of recorded runs with intervals. {said}."
