"""The class's report: one self-contained page, from the results of a unit.

All that submissions could have written is escaped, and the page's policy allows its own script and style alone, by
their hashes; nothing is loaded from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup

from autograder.isolation import said
from autograder.results import Result
from autograder.similarity import NoCopydetect, Similarity, similar
from autograder.terminal import harmless
from autograder.units import Unit
from autograder.whole_files import write_whole
from backpass.report import Item

BINS = 10
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Bin:
    """One bar of the distribution: percent of the maximum in (low, high], the first bar with 0."""

    low: int
    high: int
    count: int


@dataclass(frozen=True)
class ItemShare:
    """How a class did on one item."""

    exercise: str
    title: str
    points: float
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
                ItemShare(
                    exercise.name, title, same[0].max_points, sum(item.state == "passed" for item in same), len(same)
                )
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
            found.append((result.submission, result.why_not_graded or "Nothing is known of it yet."))
    return found


def look_at(results: Iterable[Result], similarity: Similarity | None = None) -> list[tuple[str, list[str]]]:
    """(submission, reasons) of what a person should look at, by name."""
    alike = similarity.students() if similarity else set()
    found = []
    for result in results:
        reasons = []
        if not result.graded:
            reasons.append("not graded")
        crashed = _exercises(result, "crashed")
        if crashed:
            reasons.append(f"its process ended, or sent what is no answer: {', '.join(crashed)}")
        untouched = [name for name in _exercises(result) if all(i.state == "not_attempted" for i in result.of(name))]
        if result.notes and 2 * len(untouched) > len(_exercises(result)):
            reasons.append(f"most exercises were not found, perhaps because of one cell: {result.notes[0]}")
        elif result.score == 0 and len(untouched) < len(_exercises(result)):
            reasons.append("no points, though something was attempted")
        if result.submission in alike:
            reasons.append("code in common with others, or with the published answers")
        if reasons:
            found.append((result.submission, reasons))
    return sorted(found)


def _exercises(result: Result, *states: str) -> list[str]:
    """The exercises with an item in one of these states, all of them unless some are named."""
    return list(dict.fromkeys(item.exercise for item in result.items if not states or item.state in states))


def report_html(unit: Unit, results: list[Result], similarity: Similarity | str | None = None, waiting: int = 0) -> str:
    """The page's text. `similarity`: what looks alike, or why that is not known; `waiting`: for a person's grade."""
    from autograder.cli import what_happened

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        # Nothing that a submission wrote turns the reading direction or moves what stands around it.
        finalize=lambda value: harmless(value) if type(value) is str else value,
    )
    environment.filters["number"] = lambda value: f"{value:,.0f}" if value == int(value) else f"{value:,.10g}"
    graded = [result for result in results if result.graded]
    scores = [result.score for result in graded]
    seconds = [result.processor_seconds for result in results if result.processor_seconds is not None]
    bins = distribution(graded)
    exercises = exercise_shares(unit, graded)
    known = similarity if isinstance(similarity, Similarity) else None
    style, script = _asset("report.css"), _asset("report.js")
    return environment.get_template("report.html").render(
        unit=unit,
        results=sorted(results, key=lambda result: result.submission),
        graded=graded,
        best=max((result.max_score for result in graded), default=0),
        median=statistics.median(scores) if scores else None,
        bins=bins,
        tallest=max((one.count for one in bins), default=0) or 1,
        exercises=exercises,
        items=sorted((item for one in exercises for item in one.items), key=lambda item: item.percent),
        mistakes=mistake_counts(results),
        stopped=stopped(results),
        not_graded=not_graded(results),
        look_at=look_at(results, known),
        waiting=waiting,
        similarity=known,
        why_no_similarity=similarity if isinstance(similarity, str) else "",
        seconds=seconds,
        median_seconds=statistics.median(seconds) if seconds else None,
        open_ones=sorted(filter(None, {said(result.isolation) for result in results})),
        what_happened=what_happened,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """As a Content-Security-Policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def write_report(
    unit: Unit, results: list[Result], path: Path, similarity: Similarity | str | None = None, waiting: int = 0
) -> Path:
    """Write the page; the folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A folder's name need not be text.
    write_whole(path, report_html(unit, results, similarity, waiting).encode("utf-8", "replace"))
    return path


def class_report(unit: Unit, course_dir: Path, path: Path, isolation: str = "bubblewrap") -> Path:
    """The report of what was submitted and graded in an nbgrader course. Raises NothingSubmitted."""
    from autograder.classes import course_of, find_submissions, stored_results, waiting_for_a_person

    course, _ = course_of(course_dir)
    results = stored_results(unit.name, course_dir, isolation)
    files = {one.student: one.path for one in find_submissions(course, unit.name)}
    try:
        similarity: Similarity | str = similar(unit, files)
    except NoCopydetect as error:
        similarity = str(error)
    return write_report(unit, results, path, similarity, waiting_for_a_person(course, unit.name))
