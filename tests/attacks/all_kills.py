"""A grader that is killed at any moment: the same command then goes on, and nothing is lost or graded twice.

pytest tests/attacks/all_kills.py              (make attacks)
"""

from __future__ import annotations

import functools
import hashlib
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from tests.attacks.killing import BEFORE, FILES, GRADEBOOK, JOB, STORE, WITHIN, Moment, Run, journal_of, run
from tests.nbgrader_course import UNIT, Course, answered

RIGHT = {"convolve1d": "return x", "pad2d": "return x", "rot90_symmetrize": "return x"}
# Where in the phase, of what happens in a whole run: twenty moments, eight of them within a commit.
MOMENTS = [
    (FILES, 0.0),
    (FILES, 0.2),
    (FILES, 0.45),
    (FILES, 0.7),
    (FILES, 1.0),
    (JOB, 0.0),
    (JOB, 0.5),
    (JOB, 1.0),
    (BEFORE + STORE, 0.3),
    (BEFORE + STORE, 0.8),
    (BEFORE + GRADEBOOK, 0.0),
    (BEFORE + GRADEBOOK, 1.0),
    (WITHIN + STORE, 0.0),
    (WITHIN + STORE, 0.3),
    (WITHIN + STORE, 0.6),
    (WITHIN + STORE, 0.9),
    (WITHIN + GRADEBOOK, 0.0),
    (WITHIN + GRADEBOOK, 0.34),
    (WITHIN + GRADEBOOK, 0.67),
    (WITHIN + GRADEBOOK, 1.0),
]
SAMPLE = [(FILES, 0.45), (JOB, 0.5), (WITHIN + STORE, 0.3), (WITHIN + GRADEBOOK, 0.34)]


def a_class(folder: Path) -> Course:
    """A course in which one student was graded before, and by hand, too; nine more have handed in since."""
    course = Course(folder)
    released = course.released()
    course.submit("ada", answered(released, **RIGHT))
    assert run(folder).status == 0
    with Gradebook(course.db_url) as gradebook:
        gradebook.find_grade("pad2d", UNIT, UNIT, "ada").manual_score = 1.0
        gradebook.find_comment("question", UNIT, UNIT, "ada").manual_comment = "Well argued."
        gradebook.db.commit()
    for number in range(7):
        course.submit(f"student {number}", answered(released, convolve1d=f"return {number}"), late=number == 3)
    course.submit("twin", answered(released, convolve1d="return 0"))
    course.submit("untouched", released)
    course.submit("broken", b"{")
    return course


@functools.cache
def undisturbed() -> tuple[Path, Path, Run]:
    """A class before its grading, the same after it, and what was told."""
    folder = Path(tempfile.mkdtemp())
    a_class(folder / "course")
    shutil.copytree(folder / "course", folder / "graded")
    return folder / "course", folder / "graded", run(folder / "graded")


def moments(chosen: list[tuple[str, float]]) -> list[Moment]:
    counts = undisturbed()[2].counts
    return [Moment(when, 1 + round(where * (counts[when] - 1))) for when, where in chosen]


def books(course: Path) -> dict:
    """All that the gradebook says, without the random names of rows."""
    with Gradebook(f"sqlite:///{course / GRADEBOOK}") as gradebook:
        found = {}
        for submission in gradebook.assignment_submissions(UNIT):
            student, notebook = submission.student_id, submission.notebooks[0]
            found[student] = (submission.timestamp, notebook.late_submission_penalty)
            for row in notebook.grades:
                values = (row.auto_score, row.manual_score, row.extra_credit, row.needs_manual_grade)
                assert (student, row.name) not in found, "a row stands there twice"
                found[student, row.name] = values
            for row in notebook.comments:
                found[student, row.name, "comment"] = (row.auto_comment, row.manual_comment)
        return found


def files(course: Path) -> dict[str, str]:
    """Every file of the autograded folder, temporary ones included."""
    top = course / "autograded"
    return {
        str(path.relative_to(top)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(top.rglob("*"))
        if path.is_file()
    }


def kept(course: Path) -> dict[bytes, str]:
    """key -> items in the store, read from a copy: a journal that was left is rolled back there."""
    if not (course / ".grading" / STORE).exists():
        return {}
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(course / ".grading", folder, dirs_exist_ok=True)
        with closing(sqlite3.connect(Path(folder, STORE))) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            if "graded" not in tables:
                return {}
            return dict(connection.execute("SELECT key, items.items FROM graded JOIN items ON graded.items = hash"))


def whole(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def goes_on(moment: Moment, folder: Path) -> None:
    """Kill a grader at the moment, and grade again."""
    before, expected, calm = undisturbed()
    assert calm.status == 0 and len(calm.rows) == 11
    course = hit(moment, before, folder)
    finished = kept(course)
    again = run(course)
    assert again.status == 0 and again.rows == calm.rows
    # Every result that had come back and was kept is used, and stays as it is.
    now = kept(course)
    assert finished.items() <= now.items()
    per_submission = len(now) // len({*calm.graded, "ada"})
    known = len(finished) // per_submission
    assert len(again.graded) == len({*calm.graded, "ada"}) - known
    assert books(course) == books(expected)
    assert files(course) == files(expected)
    assert whole(course / GRADEBOOK) and whole(course / ".grading" / STORE)
    assert not journal_of(course / GRADEBOOK).exists()


def hit(moment: Moment, before: Path, folder: Path) -> Path:
    """A course whose grader was killed at the moment.

    Results that come at the same time share a commit, so that there may be fewer of them than in the calm run; and
    on a busy machine a commit may be over before the kill comes, which the missing journal shows. Then once more.
    """
    number = moment.number
    for attempt in range(30):
        course = folder / str(attempt)
        shutil.copytree(before, course)
        killed = run(course, Moment(moment.when, number)).killed
        path = course / GRADEBOOK if moment.when.endswith(GRADEBOOK) else course / ".grading" / STORE
        if killed and (not moment.when.startswith(WITHIN) or journal_of(path).exists()):
            return course
        number = number if killed else max(1, number - 1)
    raise AssertionError(f"{moment} was never hit")


@pytest.mark.parametrize("number", range(len(MOMENTS)), ids=lambda number: "-".join(map(str, MOMENTS[number])))
def test_the_same_command_goes_on(number, tmp_path):
    goes_on(moments(MOMENTS)[number], tmp_path)


def test_the_moments_are_spread_over_the_phases():
    chosen = moments(MOMENTS)
    assert len(set(chosen)) >= 20
    assert sum(moment.when.startswith(WITHIN) for moment in chosen) >= 5
