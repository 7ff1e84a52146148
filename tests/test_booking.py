"""What Books writes for many submissions is what nbgrader's converter writes one by one: row by row, file by file."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory

from autograder import booking
from autograder.booking import Books
from autograder.nbgrader_plugin.save import Save
from autograder.results import Result
from tests.nbgrader_course import UNIT, Course, FakeHost, answered

RIGHT = {"convolve1d": "return x", "pad2d": "return x", "rot90_symmetrize": "return x"}
DUE = "2030-01-01 12:00:00"


def hand_in(course: Course) -> None:
    """A class with every kind of submission that Books has to write."""
    released = course.released()
    course.submit("ada", answered(released, **RIGHT, question="Because."))
    course.submit("bob", b"{")
    course.submit("cid", answered(released, convolve1d="return 2"), late=True)
    course.submit("dee", released)
    course.submit("eve", answered(released, pad2d="return 'our bug'"), late=True)
    course.submit("fay", released).unlink()
    (course.folder("fay") / "Copy of convolution.ipynb").write_text(nbformat.writes(released))
    course.submit("gus", released).unlink()
    (course.folder("gus") / "convolution.ipynb").symlink_to("/etc/passwd")
    own = answered(released, **RIGHT)
    own.cells.insert(3, nbformat.v4.new_markdown_cell("Mine: \u00e4\u4e16 \U0001d54f", id="mine"))
    own.cells.append(
        nbformat.v4.new_code_cell("1 + 1", id="more", outputs=[nbformat.v4.new_output("stream", text="2")])
    )
    own.cells[-1].metadata["tags"] = ["mine"]
    course.submit("hal", own)
    (course.folder("hal") / "notes").mkdir()
    (course.folder("hal") / "notes" / "data.txt").write_text("of the student's own")
    (course.folder("hal") / "given.py").write_text("tampered = True")
    (course.folder("hal") / "timestamp.txt").unlink()


STUDENTS = ["ada", "bob", "cid", "dee", "eve", "fay", "gus", "hal"]


def two_courses(tmp_path: Path, config: str = "") -> list[Course]:
    """The same course and class twice, in the same state but for ids."""
    courses = []
    for name in ("converter", "books"):
        course = Course(tmp_path / name)
        (course.root / "source" / UNIT / "given.py").write_text("given = 1\n")
        with Gradebook(course.db_url, "tiny") as gradebook:
            gradebook.update_or_create_assignment(UNIT, duedate=DUE)
        exec(config, {"c": course.config})
        hand_in(course)
        courses.append(course)
    return courses


def result_of(course: Course, student: str) -> Result:
    path = course.folder(student) / f"{UNIT}.ipynb"
    if path.is_symlink() or not path.exists():
        return Result(UNIT, student, trouble="There is no such file.")
    return FakeHost(UNIT).grade(path, student)


def enter(course: Course, how: Callable[[Books], None] = lambda books: None) -> dict[str, str]:
    """Enter the class; returns what was reported for each student."""
    told: dict[str, str] = {}
    directory = CourseDirectory(config=course.config)
    with Books(directory, course.config, UNIT) as books:
        how(books)
        for student in STUDENTS:
            path = course.folder(student) / f"{UNIT}.ipynb"
            books.add(student, path, result_of(course, student), partial(told.__setitem__, student))
    return told


def by_converter(books: Books) -> None:
    books._direct = False


def as_ours(books: Books) -> None:
    assert books._direct
    books._convert = None  # never


def gradebook_of(course: Course) -> dict[str, list[tuple]]:
    """All tables, with ids replaced by what they stand for, so that two gradebooks can be compared."""
    connection = sqlite3.connect(course.root / "gradebook.db")
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    named = dict(connection.execute("SELECT id, 'cell ' || type || ' ' || name FROM base_cell"))
    named |= dict(connection.execute("SELECT id, 'assignment ' || name FROM assignment"))
    named |= dict(connection.execute("SELECT id, 'notebook ' || name FROM notebook"))
    for table, parts in (
        ("submitted_assignment", "assignment_id, student_id"),
        ("submitted_notebook", "notebook_id, assignment_id"),
        ("grade", "cell_id, notebook_id"),
        ("comment", "cell_id, notebook_id"),
    ):
        for ident, one, two in connection.execute(f"SELECT id, {parts} FROM {table}").fetchall():
            named[ident] = f"{table} ({named.get(one, one)}, {named.get(two, two)})"
    found = {}
    for table in tables:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        rows = connection.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
        named_rows = [tuple(named.get(value, value) for value in row) for row in rows]
        found[f"{table}({', '.join(columns)})"] = sorted(named_rows, key=repr)
    connection.close()
    return found


def files_of(course: Course) -> dict[str, tuple[int, bytes]]:
    root = course.root / "autograded"
    return {
        str(path.relative_to(root)): (path.stat().st_mode, b"" if path.is_dir() else path.read_bytes())
        for path in sorted(root.rglob("*"))
    }


CONFIGURATIONS = {
    "as our plug-in sets it up": "",
    "late work counts nothing": "c.LateSubmissionPlugin.penalty_method = 'zero'",
    "items dropped": f"c.Grade.dropped = {{{UNIT!r}: ['pad2d', 'question', 'rot90_symmetrize']}}",
    "outputs limited": "c.LimitOutput.max_lines = 2; c.IgnorePattern.enabled = True; c.IgnorePattern.pattern = 'x'",
    "files not overwritten, other permissions": (
        f"c.Autograde.exclude_overwriting = {{{UNIT!r}: ['given.py']}}; c.Autograde.permissions = 644"
    ),
}


@pytest.mark.parametrize("config", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_rows_and_files_are_those_of_the_converter(tmp_path, config):
    converter, books = two_courses(tmp_path, config)
    assert enter(converter, by_converter) == enter(books, as_ours) == dict.fromkeys(STUDENTS, "")
    before, after = gradebook_of(converter), gradebook_of(books)
    assert before == after
    assert len(before["student(id, first_name, last_name, email, lms_user_id)"]) == len(STUDENTS)
    assert files_of(converter) == files_of(books)
    assert f"hal/{UNIT}/notes/data.txt" in files_of(books)
    assert b"root:" not in files_of(books)[f"gus/{UNIT}/{UNIT}.ipynb"][1]


def test_a_second_time_after_manual_work_and_new_submissions(tmp_path):
    courses = two_courses(tmp_path)
    for course, how in zip(courses, (by_converter, as_ours), strict=True):
        enter(course, how)
        with Gradebook(course.db_url) as gradebook:
            gradebook.find_grade("pad2d", UNIT, UNIT, "ada").manual_score = 1.0
            gradebook.find_grade("rot90_symmetrize", UNIT, UNIT, "ada").extra_credit = 0.5
            gradebook.find_comment("question", UNIT, UNIT, "ada").manual_comment = "Well argued."
            gradebook.find_submission(UNIT, "cid").extension = __import__("datetime").timedelta(days=2)
            gradebook.db.commit()
        course.submit("cid", answered(course.released(), **RIGHT), late=True)
        course.submit("dee", answered(course.released(), **RIGHT), late=True)
        enter(course, how)
    assert gradebook_of(courses[0]) == gradebook_of(courses[1])
    assert files_of(courses[0]) == files_of(courses[1])
    with Gradebook(courses[1].db_url) as gradebook:
        assert gradebook.find_grade("pad2d", UNIT, UNIT, "ada").manual_score == 1.0
        assert gradebook.find_grade("rot90_symmetrize", UNIT, UNIT, "ada").extra_credit == 0.5
        assert gradebook.find_grade("rot90_symmetrize", UNIT, UNIT, "dee").extra_credit == 2.0


def test_other_configurations_are_left_to_nbgrader(tmp_path):
    for number, config in enumerate(
        (
            "c.Autograde.autograde_preprocessors = c.Autograde.autograde_preprocessors[:-1]",
            "c.Autograde.post_convert_hook = lambda **which: None",
            "c.Autograde.create_student = False",
            "c.NotebookExporter.nbformat_version = 3",
            "c.Save.enabled = False",
            "c.ClearMetadataPreprocessor.enabled = True",
        )
    ):
        course = Course(tmp_path / str(number))
        exec(config, {"c": course.config})
        with Books(CourseDirectory(config=course.config), course.config, UNIT) as books:
            assert not books._direct, config


def test_one_that_cannot_be_entered_does_not_keep_the_others_out(tmp_path, monkeypatch):
    _, course = two_courses(tmp_path)
    enter_grades, entry = Books._enter_grades, booking.Entry.of

    def failing(self, batch, ids):
        if any(one.student == "cid" for one in batch):
            raise sqlite3.OperationalError("database or disk is full")
        enter_grades(self, batch, ids)

    monkeypatch.setattr(Books, "_enter_grades", failing)
    convert = Save._enter

    def failing_alone(self, gradebook, row, cell, result):
        if result.submission == "cid":
            raise sqlite3.OperationalError("database or disk is full")
        convert(self, gradebook, row, cell, result)

    monkeypatch.setattr(Save, "_enter", failing_alone)
    told = enter(course)
    assert "disk is full" in told.pop("cid") and set(told.values()) == {""}
    monkeypatch.undo()
    assert booking.Entry.of == entry
    enter(course, as_ours)
    with Gradebook(course.db_url) as gradebook:
        assert gradebook.find_grade("convolve1d", UNIT, UNIT, "cid").auto_score == 4.0


def test_a_cell_that_the_gradebook_does_not_know_is_told(tmp_path):
    _, course = two_courses(tmp_path)
    source = course.root / "source" / UNIT / f"{UNIT}.ipynb"
    notebook = nbformat.read(source, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "pad2d":
            cell.metadata.nbgrader.grade_id = "pad3d"
    nbformat.write(notebook, source)
    told = enter(course)
    assert all(re.search("no cell 'pad3d'.*release the unit again", sentence) for sentence in told.values())


def test_many_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(booking, "AT_ONCE", 3)
    monkeypatch.setattr(booking, "_IN_ONE_QUERY", 2)
    converter, books = two_courses(tmp_path)
    enter(converter, by_converter)
    enter(books, as_ours)
    assert gradebook_of(converter) == gradebook_of(books)


@pytest.mark.parametrize("second", ["", "Graded, but not entered in the gradebook: another reason"])
def test_a_row_that_another_grader_made_meanwhile_is_tried_once_more(monkeypatch, second):
    told = iter(["nbgrader.api.InvalidEntry: (sqlite3.IntegrityError) UNIQUE constraint failed: student.id", second])
    monkeypatch.setattr(Books, "_convert_once", lambda *_: next(told))
    assert object.__new__(Books)._convert("ada", None, None) == second
    assert next(told, None) is None
