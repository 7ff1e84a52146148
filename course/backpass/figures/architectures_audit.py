"""Lecture 9, beat 7: the evidence board of a report, and the two figures that it rests on."""

from __future__ import annotations

import numpy as np

from ..cards import card
from ..experiments.architectures_audit import ARMS, BATCHES, RATES
from ..resampling import difference, mean_of_resample
from .style import FAINT, GREY, INK, INPUT, KERNEL, OUTPUT, WRONG, canvas, headline, ink, number, picture

LOOKS = {
    "batch norm": (INPUT, "o", "-"),
    "control of the report": (WRONG, "s", "--"),
    "with bias": (KERNEL, "^", ":"),
    "fair control": (OUTPUT, "D", "-"),
}


@picture
def controls(control_card, results: dict[str, float] | None = None):
    """Test accuracy by learning rate for batch norm and three controls: means and runs of the card, a new run as x."""
    figure, axes = canvas(3.6)
    runs = control_card.record["values"]
    for shift, arm in zip((-0.02, -0.007, 0.007, 0.02), ARMS, strict=True):
        colour, mark, dash = LOOKS[arm]
        places = np.array(RATES) * 10**shift
        for place, rate in zip(places, RATES, strict=True):
            found = runs[f"{arm}: rate {rate:g}"]
            axes.plot([place, place], [min(found), max(found)], color=colour, lw=1.2, alpha=0.7)
            name = f"{arm}: rate {rate:g}"
            if results and name in results:
                axes.plot(place, results[name], "x", color=INK, ms=7, zorder=5)
        line = [control_card.mean(f"{arm}: rate {rate:g}") for rate in RATES]
        axes.plot(places, line, mark, color=colour, ls=dash, ms=7, mec="white")
        top = int(np.argmax(line))
        below = arm in ("control of the report",)
        axes.annotate(arm, (places[top], line[top]), (8, -17 if below else 6), textcoords="offset points",
                      color=ink(colour), fontsize=9)  # fmt: skip
    axes.axhline(0.1, color=GREY, lw=0.9, ls=":")
    axes.text(RATES[0] * 0.8, 0.06, "guessing", fontsize=8.5, color=INK)
    axes.set_xscale("log")
    axes.set_xlim(RATES[0] * 0.78, RATES[-1] * 2.2)
    axes.set_xticks(RATES, [f"{rate:g}" for rate in RATES])
    axes.minorticks_off()
    axes.set_ylim(0, 1)
    axes.set_xlabel("learning rate (lines: recorded runs; crosses: this run)")
    axes.set_ylabel("test accuracy")
    headline(figure, "Batch norm is far ahead; without it even a fair control has hardly begun")
    means = "; ".join(
        f"{arm} " + ", ".join(f"{control_card.mean(f'{arm}: rate {r:g}'):.2f}" for r in RATES) for arm in ARMS
    )
    return (
        figure,
        f"Test accuracy at the rates {', '.join(f'{r:g}' for r in RATES)}, means of the recorded runs: {means}.",
    )


@picture
def batches(results: dict[str, float], steps_card):
    """Test accuracy by batch size, at equal epochs and at equal steps."""
    figure, axes = canvas(3.2)
    for kind, colour, mark, dash in (("two epochs", WRONG, "s", "--"), ("100 steps", OUTPUT, "o", "-")):
        names = [f"{kind}, batch {batch}" for batch in BATCHES]
        for batch, name in zip(BATCHES, names, strict=True):
            runs = steps_card.record["values"][name]
            axes.plot([batch, batch], [min(runs), max(runs)], color=colour, lw=1.2, alpha=0.7)
        axes.plot(BATCHES, [results[name] for name in names], mark, color=colour, ls=dash, ms=7, mec="white")
    axes.annotate("equal epochs", (BATCHES[-2], results[f"two epochs, batch {BATCHES[-2]}"]), (8, 6),
                  textcoords="offset points", color=ink(WRONG), fontsize=9)  # fmt: skip
    axes.annotate("equal steps", (BATCHES[-2], results[f"100 steps, batch {BATCHES[-2]}"]), (0, 9),
                  textcoords="offset points", color=ink(OUTPUT), fontsize=9, ha="center")  # fmt: skip
    for batch in BATCHES:
        axes.text(batch, 0.03, f"{2000 // batch}", ha="center", fontsize=8.5, color=ink(WRONG))
    axes.text(BATCHES[0], 0.085, "steps in two epochs:", fontsize=8.5, color=ink(WRONG))
    axes.set_xscale("log")
    axes.set_xticks(BATCHES, [str(batch) for batch in BATCHES])
    axes.minorticks_off()
    axes.set_ylim(0, 1)
    axes.set_xlabel("batch size (lines: recorded runs)")
    axes.set_ylabel("test accuracy")
    headline(figure, "Small batches win while they are given more steps")
    parts = ", ".join(
        f"{b}: {results[f'two epochs, batch {b}']:.2f} and {results[f'100 steps, batch {b}']:.2f}" for b in BATCHES
    )
    return figure, f"Test accuracy by batch size, at two epochs and at 100 steps. {parts}."


def _effect(a, b) -> tuple[np.ndarray, float, float, float]:
    """Seed by seed, in points: the differences, their mean, and the ends of the exact 95 % bootstrap interval."""
    a, b = 100 * np.array(a), 100 * np.array(b)
    spread = difference(mean_of_resample(a, len(a)), mean_of_resample(b, len(b)))
    return a - b, float(a.mean() - b.mean()), spread.quantile(0.025), spread.quantile(0.975)


def evidence() -> list[tuple[str, str, np.ndarray, float, float, float, str]]:
    """The rows of the board: (finding, contrast, differences by seed, effect, low, high, colour), from the cards."""
    control, schedule, steps, remedies = (
        card(name).record["values"]
        for name in ("audit-control", "audit-schedule", "audit-steps", "dropout-or-batch-norm")
    )
    few, many = BATCHES[0], BATCHES[-1]
    contrasts = (
        ("control", "batch norm less the report's control", control["batch norm: chosen"],
         control["control of the report: chosen"], WRONG),
        ("", "batch norm less a fair control", control["batch norm: chosen"], control["fair control: chosen"], OUTPUT),
        ("schedule", "rate falls by a tenth, less: to a tenth", schedule["times 0.9"], schedule["times 0.1"], WRONG),
        ("optimizer", "momentum 0.9, less plain SGD", schedule["constant"], schedule["constant, no momentum"], WRONG),
        ("steps", f"batch {few} less batch {many}, equal epochs", steps[f"two epochs, batch {few}"],
         steps[f"two epochs, batch {many}"], WRONG),
        ("", f"batch {few} less batch {many}, equal steps", steps[f"100 steps, batch {few}"],
         steps[f"100 steps, batch {many}"], OUTPUT),
        ("dropout", "dropout less none", remedies["dropout: accuracy"], remedies["none: accuracy"], OUTPUT),
        ("", "batch norm less none", remedies["batch norm: accuracy"], remedies["none: accuracy"], OUTPUT),
        ("test set", "chosen on the test set, less on a split", control["gained by choosing on the test set"],
         [0.0] * len(control["gained by choosing on the test set"]), OUTPUT),
    )  # fmt: skip
    return [(point, text, *_effect(a, b), colour) for point, text, a, b, colour in contrasts]


def _signed(points: float) -> str:
    return number(round(points), "+.0f") if round(points) else "0"


@picture
def board():
    """Each point of the audit: the difference that it makes, in points of accuracy, seed by seed, with its interval."""
    rows = evidence()
    figure, axes = canvas(5.0)
    for row, (_, _, runs, effect, low, high, colour) in enumerate(rows):
        axes.plot([low, high], [row, row], color=colour, lw=9, alpha=0.25, solid_capstyle="butt")
        axes.plot(runs, [row] * len(runs), "|", color=colour, ms=9)
        axes.plot(effect, row, "o", color=colour, ms=7, mec="white")
        axes.text(108, row, f"{_signed(effect)}  ({_signed(low)} to {_signed(high)})", va="center", fontsize=8.5)
        if row and rows[row][0]:
            axes.axhline(row - 0.5, color=FAINT, lw=0.8)
    axes.axvline(0, color=GREY, lw=0.9)
    axes.set_xlim(-45, 148)
    axes.set_xticks([-25, 0, 25, 50, 75, 100])
    axes.set_ylim(len(rows) - 0.4, -0.7)
    labels = [f"{point}: {text}" if point else text for point, text, *_ in rows]
    axes.set_yticks(range(len(rows)), labels, fontsize=8.5)
    axes.tick_params(axis="y", length=0)
    axes.set_ylabel("what is compared")
    axes.set_xlabel("points of test accuracy (marks: seeds; band: 95 %)")
    axes.text(-43, -0.62, "orange: as in the report; green: on an equal footing", fontsize=8.5)
    own, fair, epochs, steps = (_signed(rows[row][3]) for row in (0, 1, 4, 5))
    headline(figure, f"Small batches: {epochs} points become {steps}; batch norm keeps {fair} of its {own}")
    listed = "; ".join(
        f"{text}: {effect:+.0f}, from {low:+.0f} to {high:+.0f}" for _, text, _, effect, low, high, _ in rows
    )
    return (
        figure,
        f"An evidence board with differences in points of accuracy and 95 percent bootstrap intervals. {listed}.",
    )


@picture
def single_runs(first: str = "dropout: accuracy", second: str = "none: accuracy"):
    """What one run of each would have said: all pairs of recorded runs of the card "dropout-or-batch-norm"."""
    values = card("dropout-or-batch-norm").record["values"]
    a, b = 100 * np.array(values[first]), 100 * np.array(values[second])
    pairs = np.sort((a[:, None] - b[None, :]).ravel())
    figure, axes = canvas(2.4)
    colours = [INPUT if difference > 0 else WRONG for difference in pairs]
    axes.bar(range(len(pairs)), pairs, color=colours, width=0.8)
    axes.axhline(0, color=GREY, lw=0.9)
    axes.axhline(pairs.mean(), color=INK, lw=1, ls=":")
    axes.text(0, pairs.mean(), f"mean {pairs.mean():.1f}", va="bottom", fontsize=9)
    axes.set_xticks([0, len(pairs) - 1], ["1", str(len(pairs))])
    axes.set_xlabel("pair of single runs, sorted")
    axes.set_ylabel("points gained")
    headline(figure, f"One run of each: anything from {pairs.min():.1f} to {pairs.max():.1f} points")
    alt = f"""Sorted bars, one for each pair of single runs: {first} less {second}, from {pairs.min():.1f} to
    {pairs.max():.1f} points, {int((pairs < 0).sum())} of {len(pairs)} below zero; the mean is {pairs.mean():.1f}."""
    return figure, alt
