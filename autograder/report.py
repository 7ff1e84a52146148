"""The class's report: one self-contained page without script, from the results of a unit."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import jinja2

from autograder.results import Result
from autograder.units import Unit
from autograder.whole_files import write_whole
from backpass.report import Item

BINS = 10


@dataclass(frozen=True)
class Bin:
    """One bar of the distribution: percent of the maximum in (low, high], the first bar with 0."""

    low: int
    high: int
    count: int


@dataclass(frozen=True)
class ItemShare:
    """How a class did on one item."""

    title: str
    passed: int
    of: int

    @property
    def percent(self) -> float:
        return 100 * self.passed / self.of if self.of else 0.0


@dataclass(frozen=True)
class ExerciseShare:
    """How a class did on one exercise: the share of its points, and its items, the hardest first."""

    name: str
    bonus: bool
    percent: float
    untouched: int
    items: list[ItemShare]


@dataclass(frozen=True)
class MistakeCount:
    """A named mistake, with the sentence that its students read, and who made it."""

    exercise: str
    name: str
    sentence: str
    students: list[str]


def distribution(results: Iterable[Result]) -> list[Bin]:
    """Counts of the graded submissions by percent of the maximum."""
    counts = [0] * BINS
    for result in results:
        if result.score is not None and result.max_score:
            share = result.score / result.max_score
            # Rounded first: 0.7 * 10 is not quite 7.
            counts[min(BINS - 1, max(0, -int(-round(share * BINS, 9) // 1) - 1))] += 1
    width = 100 // BINS
    return [Bin(i * width, (i + 1) * width, count) for i, count in enumerate(counts)]


def exercise_shares(unit: Unit, results: Iterable[Result]) -> list[ExerciseShare]:
    """The exercises, the hardest first, over the graded submissions."""
    graded = [result for result in results if result.graded]
    shares = []
    for exercise in unit.exercises:
        items = [item for result in graded for item in result.of(exercise.name)]
        by_title: dict[str, list[Item]] = {}
        for item in items:
            by_title.setdefault(item.title, []).append(item)
        if items:
            best = sum(item.max_points for item in items)
            untouched = sum(
                all(item.state == "not_attempted" for item in result.of(exercise.name)) for result in graded
            )
            rows = [
                ItemShare(title, sum(item.state == "passed" for item in same), len(same))
                for title, same in by_title.items()
            ]
            percent = 100 * sum(item.points for item in items) / best if best else 0.0
            rows.sort(key=lambda row: row.percent)
            shares.append(ExerciseShare(exercise.name, exercise.bonus, percent, untouched, rows))
    return sorted(shares, key=lambda share: share.percent)


def mistake_counts(results: Iterable[Result]) -> list[MistakeCount]:
    """The named mistakes, the most frequent first; a student counts once for each."""
    found: dict[tuple[str, str], MistakeCount] = {}
    for result in results:
        for item in result.items:
            if item.mistake_name:
                key = (item.exercise, item.mistake_name)
                count = found.setdefault(key, MistakeCount(*key, item.mistake, []))
                if result.submission not in count.students:
                    count.students.append(result.submission)
    return sorted(found.values(), key=lambda count: -len(count.students))


def stopped(results: Iterable[Result]) -> list[tuple[str, str, str]]:
    """(submission, exercise, sentence) of what timed out or crashed, once per exercise."""
    found: dict[tuple[str, str], str] = {}
    for result in results:
        for item in result.items:
            if item.state in ("timed_out", "crashed"):
                found.setdefault((result.submission, item.exercise), item.message)
    return [(*key, sentence) for key, sentence in found.items()]


def not_graded(results: Iterable[Result]) -> list[tuple[str, str]]:
    """(submission, why) of what has no score."""
    found = []
    for result in results:
        if not result.graded:
            reasons = [item.message for item in result.items if item.state == "not_graded"]
            reason = result.trouble or next(iter(reasons), "Nothing is known of it yet.")
            found.append((result.submission, reason))
    return found


def report_html(unit: Unit, results: list[Result]) -> str:
    """The page's text. Everything that a submission could have written is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    graded = [result for result in results if result.graded]
    scores = [result.score for result in graded]
    bins = distribution(graded)
    return environment.get_template("report.html").render(
        unit=unit,
        results=sorted(results, key=lambda result: result.submission),
        graded=graded,
        best=max((result.max_score for result in graded), default=0),
        median=statistics.median(scores) if scores else None,
        bins=bins,
        tallest=max((one.count for one in bins), default=0) or 1,
        exercises=exercise_shares(unit, graded),
        mistakes=mistake_counts(results),
        stopped=stopped(results),
        not_graded=not_graded(results),
    )


def write_report(unit: Unit, results: list[Result], path: Path) -> Path:
    """Write the page; the folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, report_html(unit, results))
    return path
