"""`autograder export`: from a course's gradebook and feedback into the files that learning platforms take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from autograder.learning_platforms import Platform, Unusable, feedback_zip, fill, read_roster, write_csv
from autograder.limits import UnusableConfiguration, configuration, configured
from autograder.nbgrader_plugin import ISSUED_NAME
from autograder.units import Unit

FOLDER = "exports"


def export_grades(
    platform: Platform, unit: Unit, course: Path, roster: Path, column: str | None, to: Path | None
) -> Iterator[str]:
    """Fill in a platform's CSV; yields sentences about what was done, and about who could not be matched."""
    filled = fill(platform, read_roster(roster), _grades(unit, course), column or unit.name)
    path = to or course / FOLDER / f"{unit.name}-{platform.name.lower()}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_csv(filled, path)
    yield f"{path}: {filled.graded} grade{'s' * (filled.graded != 1)}."
    if filled.waiting:
        yield f"No score yet, and left empty: {_some(filled.waiting)}."
    if filled.unknown:
        yield f"In the gradebook, and not in {roster.name}: {_some(filled.unknown)}."


def export_feedback(platform: Platform, unit: Unit, course: Path, to: Path | None) -> Iterator[str]:
    """Build the zip for the bulk return; yields sentences about what is in it, and about who is not."""
    named = configuration(course).FileNameCollectorPlugin.get("named_regexp", ISSUED_NAME)
    path = to or course / FOLDER / f"{unit.name}-{platform.name.lower()}-feedback.zip"
    archives = course / "downloaded" / unit.name / "archive"
    count, missing = feedback_zip(course / "feedback", unit.name, archives, named, path)
    yield f"{path}: {count} feedback page{'s' * (count != 1)}."
    if missing:
        yield f"Without a name issued by {platform.name}, and left out: {_some(missing)}."


def export_autograder(unit: Unit, course: Path, to: Path | None) -> Iterator[str]:
    """Build the zip of an autograder for Gradescope; yields sentences about it, and about what to set there."""
    from autograder.gradescope import by_hand
    from autograder.gradescope_zip import make_zip
    from autograder.nbgrader_plugin.dropped import dropped_items
    from autograder.runner import with_checks

    settings = configuration(course)
    try:
        limits, dropped = configured(settings), dropped_items(settings, unit.name)
        bonus = {exercise.name: exercise.bonus for exercise in unit.exercises if exercise.name not in dropped}
        counted = with_checks(unit, lambda checks: [c for c in checks.hidden() if c.exercise in bonus])
    except (FileNotFoundError, UnusableConfiguration) as error:
        raise Unusable(str(error)) from None
    path = to or course / FOLDER / f"{unit.name}-gradescope.zip"
    make_zip(unit, path, limits, dropped)
    yield f'{path}: upload it in Gradescope\'s "Configure Autograder".'
    yield f"Points of the assignment there: {sum(c.points for c in counted if not bonus[c.exercise]):g}."
    if extra := sum(c.points for c in counted if bonus[c.exercise]):
        yield f"Extra credit, above these: up to {extra:g}."
    if manual := by_hand(unit, dropped):
        yield manual


def _grades(unit: Unit, course: Path) -> list[dict]:
    from nbgrader.api import Gradebook, MissingEntry

    from autograder.nbgrader_plugin.exporter import rows

    database = course / "gradebook.db"
    if not database.exists():
        raise Unusable(f"There is no gradebook.db in {course}: run this in the folder of the nbgrader course.")
    with Gradebook(f"sqlite:///{database}") as gradebook:
        try:
            return list(rows(gradebook, gradebook.find_assignment(unit.name)))
        except MissingEntry:
            raise Unusable(f"The gradebook knows no assignment {unit.name}: release and grade it first.") from None


def _some(names: list[str], most: int = 10) -> str:
    """The names, or the first of them and how many there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
