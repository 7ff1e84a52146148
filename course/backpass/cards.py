"""Reproduction cards: an experiment with its claim, its paper, its scale, and the interval to expect.

>>> card("equivariance").measures["shift, circular border"]
'relative error of f(shift x) against shift f(x); 0 is exact equivariance'

`show_card(name)` displays one, `rerun(name)` runs it again and says whether the results fall in their
intervals. The intervals come from runs that were made (`measure`), kept in data_files/card_NAME.json.
"""

from __future__ import annotations

import difflib
import html
import importlib
import json
import pkgutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from . import experiments
from .data import FILES

_CARDS: dict[str, Card] = {}


@dataclass(frozen=True)
class Card:
    """One experiment.

    run(seed) returns {measure: number}. measures: what each is, in words. Deterministic experiments
    (`random=False`) are run once and expected to come out equal up to rounding.
    """

    name: str
    claim: str
    source: str
    scaled_down: str
    does_not_transfer: str
    measures: dict[str, str]
    run: Callable[[int], dict[str, float]] = field(repr=False)
    random: bool = True
    needs: str = ""
    bounds: tuple[float, float] = (-np.inf, np.inf)

    @property
    def record(self) -> dict:
        """What was measured: {"seeds": [...], "seconds": per run, "values": {measure: [one per seed]}}."""
        path = FILES / f"card_{self.name}.json"
        if not path.exists():
            raise FileNotFoundError(
                f"card {self.name!r} has not been measured yet: backpass.cards.measure({self.name!r})"
            )
        return json.loads(path.read_text(encoding="utf-8"))

    def mean(self, measure: str) -> float:
        """The mean of the recorded runs."""
        return float(np.mean(self.record["values"][measure]))

    def interval(self, measure: str) -> tuple[float, float]:
        """Where a new run should fall: the recorded mean plus and minus four standard deviations (at least 1 %)."""
        values = np.array(self.record["values"][measure], float)
        if not self.random:
            slack = 1e-6 + 1e-3 * abs(values[0])
            return float(values[0] - slack), float(values[0] + slack)
        # Five runs at chance level may agree to the last digit; another machine's need not.
        reach = max(4 * values.std(ddof=1), 0.01 * abs(values.mean()))
        low, high = self.bounds
        return float(max(values.mean() - reach, low)), float(min(values.mean() + reach, high))

    def _facts(self) -> list[tuple[str, str]]:
        record = self.record
        runs = f"seeds {record['seeds'][0]} to {record['seeds'][-1]}" if self.random else "no chance involved"
        return [
            ("Claim", self.claim),
            ("Source", self.source),
            ("Scaled down", self.scaled_down),
            ("Does not transfer", self.does_not_transfer),
            ("Runs", f"{runs}; {_seconds(record['seconds'])} of processor time each"),
            ("Again", f"backpass card {self.name}"),
        ]

    def _repr_html_(self) -> str:
        style = "text-align: left; vertical-align: top; padding: .15em .8em"
        cell, number = f'style="{style}"', f'style="{style}; white-space: nowrap"'
        facts = "".join(
            f"<tr><td {cell}><strong>{name}</strong></td><td {cell}>{html.escape(text)}</td></tr>"
            for name, text in self._facts()
        )
        rows = ""
        for measure, meaning in self.measures.items():
            low, high = self.interval(measure)
            expected = f"{shown(low)} to {shown(high)}" if self.random else html.escape(meaning)
            rows += (
                f"<tr><td {cell}>{html.escape(measure)}</td><td {number}>{shown(self.mean(measure))}</td>"
                f"<td {cell}>{expected}</td></tr>"
            )
        summary = "Mean of the recorded runs, and where a new run should fall" if self.random else "Recorded results"
        return (
            '<div style="border: 1px solid #8A8A8A; border-radius: 6px; padding: .5em 1em; max-width: 48em; '
            'overflow-x: auto">'
            f"<strong>Reproduction card: {html.escape(self.name)}</strong><table>{facts}</table>"
            f"<details open><summary>{summary}</summary><table>{rows}</table>"
            "</details></div>"
        )

    def __repr__(self) -> str:
        lines = [f"Reproduction card: {self.name}"] + [f"{name}: {text}" for name, text in self._facts()]
        for measure in self.measures:
            low, high = self.interval(measure)
            lines.append(f"  {measure}: {shown(self.mean(measure))} (a new run: {shown(low)} to {shown(high)})")
        return "\n".join(lines)


def shown(value: float) -> str:
    """A number as people write it, with three digits.

    >>> shown(0.01234), shown(20_000), shown(2.78e8)
    ('0.0123', '20,000', '2.78 × 10⁸')
    """
    digits, _, exponent = f"{value:.3g}".partition("e")
    if not exponent:
        return digits
    if 0 < int(exponent) < 6:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{digits} × 10{str(int(exponent)).translate(_RAISED)}"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 0.05 else "less than 0.1 s"


def experiment(**facts) -> Callable[[Callable], Callable]:
    """Register a function of a seed, which returns {measure: number}, as the run of a card."""

    def register(run):
        made = Card(run=run, **facts)
        _CARDS[made.name] = made
        return run

    return register


def names() -> list[str]:
    """The names of all cards."""
    for module in pkgutil.iter_modules(experiments.__path__):
        importlib.import_module(f"{experiments.__name__}.{module.name}")
    return sorted(_CARDS)


def card(name: str) -> Card:
    """A card by its name; ValueError with the nearest name for one that does not exist."""
    if name not in names():
        near = difflib.get_close_matches(name, _CARDS, 1)
        hint = f" (nearest: {near[0]})" if near else ""
        raise ValueError(f"There is no card {name!r}, only {', '.join(sorted(_CARDS))}{hint}.")
    return _CARDS[name]


def show_card(name: str) -> Card:
    """The card, which a notebook displays."""
    return card(name)


@dataclass(frozen=True)
class Outcome:
    """A new run beside its card: {measure: (value, low, high)}."""

    name: str
    seed: int
    seconds: float
    found: dict[str, tuple[float, float, float]]

    @property
    def agrees(self) -> bool:
        return all(low <= value <= high for value, low, high in self.found.values())

    @property
    def sentence(self) -> str:
        """The verdict in a sentence, with the measures that are not as expected."""
        out = [measure for measure, (value, low, high) in self.found.items() if not low <= value <= high]
        if not out:
            return f"All {len(self.found)} results of this run fall in the card's intervals."
        return f"{len(out)} of {len(self.found)} results fall outside the card's intervals: {', '.join(out)}."

    def __str__(self) -> str:
        took = f", {self.seconds:.1f} s" if self.seconds else ""
        lines = [f"{self.name}, seed {self.seed}{took}"]
        for measure, (value, low, high) in self.found.items():
            mark = "as expected" if low <= value <= high else "NOT as expected"
            lines.append(f"  {measure}: {value:.4g}, expected {low:.4g} to {high:.4g}: {mark}")
        return "\n".join([*lines, self.sentence])


def compare(name: str, results: dict[str, float], seed: int = 0, seconds: float = 0.0) -> Outcome:
    """Results of a run that was already made, beside the card's intervals."""
    this = card(name)
    found = {measure: (float(results[measure]), *this.interval(measure)) for measure in this.measures}
    return Outcome(name, seed, seconds, found)


def rerun(name: str, seed: int = 0) -> Outcome:
    """Run a card's experiment again. Raises ImportError with one sentence when its library is missing."""
    this = card(name)
    start = time.process_time()
    results = this.run(seed)
    return compare(name, results, seed, time.process_time() - start)


def measure(name: str, seeds: Sequence[int] = (0, 1, 2, 3, 4)) -> dict:
    """Run an experiment for the given seeds (at least five where chance is involved) and record it."""
    this = card(name)
    seeds = list(seeds) if this.random else [0]
    if this.random and len(seeds) < 5:
        raise ValueError("an interval needs at least five seeds")
    start, runs = time.process_time(), []
    for seed in seeds:
        runs.append(this.run(seed))
    seconds = (time.process_time() - start) / len(seeds)
    values = {measure: [float(f"{run[measure]:.7g}") for run in runs] for measure in this.measures}
    record = {"seeds": seeds, "seconds": round(seconds, 2), "values": values}
    text = json.dumps(record, indent=1) + "\n"
    (FILES / f"card_{name}.json").write_text(text, encoding="utf-8")
    return record
