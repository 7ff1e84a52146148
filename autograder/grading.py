"""Grades one submission: every hidden check of its unit, then the names of the mistakes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from autograder.diagnose import Diagnosis, sentence
from autograder.results import Result
from autograder.runner import Check, Checks, Outcome
from autograder.sandbox import NoSandbox, Session, prepare_spare
from autograder.student import Called, RemoteStudent, Student
from autograder.submission import Unreadable, read_submission
from backpass.report import Item

# After so many time-outs or crashes in one exercise its other checks are not run: each would cost the limit again.
STRIKES = 2


def grade_student(
    checks: Checks, diagnosis: Diagnosis, student: Student, exercises: Iterable[str] | None = None
) -> list[Item]:
    """The items of the exercises (all of the unit's unless named), in the syllabus's order."""
    items: list[Item] = []
    for exercise in checks.unit.exercises:
        if exercises is None or exercise.name in exercises:
            items += _grade_exercise(checks, diagnosis, student, exercise.name, exercise.bonus)
    return items


def _grade_exercise(checks: Checks, diagnosis: Diagnosis, student: Student, exercise: str, bonus: bool) -> list[Item]:
    outcomes: dict[Check, Outcome] = {}
    logs: dict[Check, list[Called]] = {}
    strikes: list[Outcome] = []
    for check in checks.hidden(exercise):
        if len(strikes) >= STRIKES:
            state, times = strikes[-1].state, len(strikes)
            outcomes[check] = Outcome(
                state, f"Not run, because {times} checks before it ended so: {strikes[-1].sentence}"
            )
            continue
        student.log = log = []
        outcomes[check] = outcome = checks.run(check, student)
        logs[check] = log
        if outcome.state in ("timed_out", "crashed"):
            strikes.append(outcome)
    named = diagnosis.name(exercise, outcomes, logs)
    return [_item(check, outcome, named.get(check, []), bonus) for check, outcome in outcomes.items()]


def _item(check: Check, outcome: Outcome, found: list, bonus: bool) -> Item:
    points = None if outcome.state == "not_graded" else check.points if outcome.passed else 0.0
    return Item(
        exercise=check.exercise,
        title=check.title,
        max_points=float(check.points),
        points=points if points is None else float(points),
        state=outcome.state,
        about=check.about,
        message=outcome.sentence,
        mistake=sentence(found),
        mistake_name=" ".join(mistake.name for mistake in found),
        bonus=bonus,
    )


def not_graded(checks: Checks, reason: str, exercises: Iterable[str] | None = None) -> list[Item]:
    """Items for a submission of which nothing can be decided: no point is given, none is taken."""
    bonus = {exercise.name: exercise.bonus for exercise in checks.unit.exercises}
    asked = [c for c in checks.hidden() if exercises is None or c.exercise in exercises]
    return [_item(c, Outcome("not_graded", reason), [], bonus[c.exercise]) for c in asked]


def grade_file(
    checks: Checks,
    diagnosis: Diagnosis,
    path: Path,
    name: str,
    isolation: str,
    exercises: Iterable[str] | None = None,
    spare: bool = False,
) -> Result:
    """The result of a .ipynb or .py file, of all exercises unless some are named.

    A file that cannot be read, or a missing sandbox, is "not graded". With `spare`, the next file's sandbox is
    started while this one is graded.
    """
    result = Result(checks.unit.name, name, isolation=isolation)
    try:
        cells = read_submission(path, checks.unit)
        with Session(cells, checks.unit, isolation) as session:
            session.start()
            if spare:
                prepare_spare(checks.unit, isolation)
            result.items = grade_student(checks, diagnosis, RemoteStudent(checks.unit, session), exercises)
            result.notes = list(session.notes)
            result.processor_seconds = session.processor_seconds()
    except (Unreadable, NoSandbox) as error:
        result.trouble = str(error)
        result.items = not_graded(checks, result.trouble, exercises)
    return result
