"""A class is graded whatever its submissions are; nothing is graded twice; interrupted runs go on."""

from __future__ import annotations

import io
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from rich.console import Console

from autograder import classes, pool
from autograder.classes import NothingSubmitted, Row, grade_class, late_words, show_class, stored_results
from autograder.host import HostFailed
from autograder.nbgrader_plugin import grade
from autograder.results import Result
from autograder.store import FILE_NAME
from tests.nbgrader_course import UNIT, Course, FakeHost, answered, same_versions

RIGHT = {"convolve1d": "return x", "pad2d": "return x", "rot90_symmetrize": "return x"}


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    monkeypatch.setattr(pool, "Host", FakeHost)
    monkeypatch.setattr(grade, "Host", FakeHost)
    monkeypatch.setattr(FakeHost, "graded", [])
    for module in (classes, grade):
        monkeypatch.setattr(module, "versions_of", same_versions)
    monkeypatch.setattr(pool, "_hosts", pool._Hosts())
    return Course(tmp_path)


def hand_in(course: Course) -> None:
    released = course.released()
    course.submit("ada", answered(released, **RIGHT))
    course.submit("bob", b"{")
    course.submit("cid", answered(released, convolve1d="return 2"))
    course.submit("dee", released)
    course.submit("eve", released).unlink()
    (course.folder("eve") / "Copy of convolution.ipynb").write_text(nbformat.writes(released))
    course.submit("fay", answered(released, pad2d="return 'our bug'"))
    course.submit("gus", released).unlink()
    (course.folder("gus") / "convolution.ipynb").symlink_to("/etc/passwd")
    course.submit("hal", released).unlink()
    (course.folder("hal") / "convolution.ipynb").mkdir()


def scores(course: Course) -> dict:
    with Gradebook(course.db_url) as gradebook:
        found = {}
        for submission in gradebook.assignment_submissions(UNIT):
            for row in submission.notebooks[0].grades:
                values = (row.auto_score, row.manual_score, row.extra_credit, row.needs_manual_grade)
                found[submission.student_id, row.name] = values
        return found


def test_a_class_with_every_kind_of_trouble(course):
    hand_in(course)
    rows = {row.student: row for row in grade_class(UNIT, course.root, jobs=2)}
    assert list(rows) == ["ada", "bob", "cid", "dee", "eve", "fay", "gus", "hal"]
    assert {name for name, row in rows.items() if not row.graded} == {"bob", "eve", "fay", "gus", "hal"}
    assert (rows["ada"].score, rows["ada"].max_score, rows["ada"].result.extra_credit) == (10.0, 10.0, 2.0)
    assert "Copy of convolution.ipynb" in rows["eve"].result.trouble
    assert "link" in rows["gus"].result.trouble and "folder" in rows["hal"].result.trouble
    assert not any(row.trouble for row in rows.values())
    found = scores(course)
    assert found["ada", "rot90_symmetrize"] == (0.0, None, 2.0, False)
    assert found["cid", "convolve1d"][0] == 4.0 and found["dee", "convolve1d"][0] == 0.0
    for student in ("bob", "eve", "gus", "hal"):
        assert all(found[student, name] == (None, None, None, True) for name in ("convolve1d", "pad2d", "question"))
    assert found["fay", "pad2d"] == (None, None, None, True) and found["fay", "convolve1d"][0] == 0.0
    for student in rows:
        assert (course.root / "autograded" / student / UNIT / f"{UNIT}.ipynb").exists()
    assert "root:" not in (course.root / "autograded/gus" / UNIT / f"{UNIT}.ipynb").read_text()


def test_the_rows_are_those_of_the_nbgrader_command(course, tmp_path_factory):
    hand_in(course)
    for student in ("eve", "hal"):
        for path in sorted(course.folder(student).rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        course.folder(student).rmdir()
    other = Course(tmp_path_factory.mktemp("other"))
    hand_in(other)
    for student in ("eve", "hal"):
        for path in sorted(other.folder(student).rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        other.folder(student).rmdir()
    grade_class(UNIT, course.root, jobs=2)
    done = other.api.autograde(UNIT, "*")
    assert done["success"], done
    assert scores(course) == scores(other)
    for student in ("ada", "cid", "dee", "fay"):
        assert course.autograded(student) == other.autograded(student)


def test_nothing_is_graded_twice(course):
    hand_in(course)
    course.submit("dee2", course.released())
    grade_class(UNIT, course.root, jobs=2)
    assert sorted(FakeHost.graded) == ["ada", "cid", "dee", "fay"]
    FakeHost.graded.clear()
    FakeHost.asked.clear()
    again = grade_class(UNIT, course.root, jobs=2)
    assert FakeHost.asked == [("fay", ("pad2d",))], "only what was not graded"
    assert next(row for row in again if row.student == "dee2").result.submission == "dee2"
    course.submit("cid", answered(course.released(), convolve1d="return 3"))
    FakeHost.graded.clear()
    grade_class(UNIT, course.root, jobs=2)
    assert sorted(FakeHost.graded) == ["cid", "fay"]
    assert {r.submission: r.score for r in stored_results(UNIT, course.root)}["cid"] == 4.0


def test_manual_work_survives(course):
    hand_in(course)
    grade_class(UNIT, course.root)
    with Gradebook(course.db_url) as gradebook:
        gradebook.find_grade("pad2d", UNIT, UNIT, "ada").manual_score = 1.0
        gradebook.find_grade("rot90_symmetrize", UNIT, UNIT, "ada").extra_credit = 0.5
        gradebook.find_comment("question", UNIT, UNIT, "ada").manual_comment = "Well argued."
        gradebook.db.commit()
    grade_class(UNIT, course.root)
    with Gradebook(course.db_url) as gradebook:
        assert gradebook.find_grade("pad2d", UNIT, UNIT, "ada").manual_score == 1.0
        assert gradebook.find_grade("rot90_symmetrize", UNIT, UNIT, "ada").extra_credit == 0.5
        assert gradebook.find_comment("question", UNIT, UNIT, "ada").manual_comment == "Well argued."


def test_an_interrupted_run_keeps_what_is_finished(course, monkeypatch):
    hand_in(course)
    booked = []
    book = classes._Run.book

    def interrupted(self, submission, result):
        if len(booked) == 3:
            raise KeyboardInterrupt
        booked.append(submission.student)
        book(self, submission, result)

    monkeypatch.setattr(classes._Run, "book", interrupted)
    with pytest.raises(KeyboardInterrupt):
        grade_class(UNIT, course.root, jobs=1)
    monkeypatch.setattr(classes._Run, "book", book)
    grade_class(UNIT, course.root, jobs=1)
    whole = scores(course)
    grade_class(UNIT, course.root, jobs=2)
    assert scores(course) == whole
    assert FakeHost.graded.count("ada") == FakeHost.graded.count("cid") == 1


def test_a_lost_host_leaves_one_submission_not_graded(course, monkeypatch):
    hand_in(course)

    class Dying(FakeHost):
        def grade(self, path, name, exercises=None):
            if name == "cid":
                raise HostFailed("The grading host ended with status -9.")
            if name == "dee":
                raise MemoryError("none left")
            return super().grade(path, name, exercises)

    monkeypatch.setattr(pool, "Host", Dying)
    rows = {row.student: row for row in grade_class(UNIT, course.root, jobs=2)}
    assert not rows["cid"].graded and "status -9" in rows["cid"].result.trouble
    assert not rows["dee"].graded and "fault of the grader" in rows["dee"].result.trouble
    assert rows["ada"].graded
    assert scores(course)["cid", "convolve1d"] == (None, None, None, True)


def test_trouble_in_the_book_keeping_is_told_and_the_others_go_on(course, monkeypatch):
    hand_in(course)
    from autograder.nbgrader_plugin.save import Entry

    entry_of = Entry.of

    def failing(cell, result, log):
        if result.submission == "cid":
            raise sqlite3.OperationalError("database or disk is full")
        return entry_of(cell, result, log)

    monkeypatch.setattr(Entry, "of", failing)
    rows = {row.student: row for row in grade_class(UNIT, course.root)}
    assert "disk is full" in rows["cid"].trouble and not rows["cid"].graded
    assert rows["dee"].graded
    monkeypatch.setattr(Entry, "of", entry_of)
    assert all(not row.trouble for row in grade_class(UNIT, course.root))


def test_any_executor_and_any_number_of_jobs_give_the_same(course):
    hand_in(course)
    texts = []
    with ThreadPoolExecutor(3) as executor:
        for options in ({"jobs": 1}, {"jobs": 4}, {"executor": executor}):
            (course.root / FILE_NAME).unlink(missing_ok=True)
            texts.append([row.result.to_json() for row in grade_class(UNIT, course.root, **options)])
    assert texts[0] == texts[1] == texts[2]


def test_nothing_submitted_and_not_released(course):
    with pytest.raises(NothingSubmitted, match="Nothing was submitted"):
        grade_class(UNIT, course.root)
    course.submit("ada", course.released())
    with Gradebook(course.db_url) as gradebook:
        gradebook.remove_assignment(UNIT)
    with pytest.raises(NothingSubmitted, match="autograder release"):
        grade_class(UNIT, course.root)


def test_odd_student_names_are_one_submission_each(course):
    names = ["a[b]", "a*", "o'neil; drop table grade", "=cmd|x", "\u202etxt", "with space"]
    for name in names:
        course.submit(name, answered(course.released(), **RIGHT))
    rows = grade_class(UNIT, course.root)
    assert sorted(row.student for row in rows) == sorted(names)
    assert all(row.graded and row.score == 10.0 for row in rows), [row.trouble for row in rows]


def test_nothing_but_the_table_is_written(course, capfd):
    hand_in(course)
    rows = grade_class(UNIT, course.root)
    assert capfd.readouterr().out == ""
    show_class(rows, Console(width=200))
    table = capfd.readouterr().out
    assert "10 / 10 + 2" in table and "not graded" in table and "Copy of" in table


def test_a_terminal_sees_the_rate_and_the_time_that_is_left(course, monkeypatch):
    for number in range(4):
        course.submit(f"s{number}", answered(course.released(), convolve1d=f"return {number}"))
    shown = io.StringIO()
    monkeypatch.setattr(classes, "Console", lambda: Console(file=shown, force_terminal=True, width=120))
    grade_class(UNIT, course.root, progress=False)
    assert shown.getvalue() == ""
    grade_class(UNIT, course.root)
    text = shown.getvalue()
    assert "grading convolution" in text and "4/4" in text and "a minute" in text and "left" in text


def test_lateness_in_words():
    result = Result(UNIT, "ada")
    assert late_words(Row("ada", result)) == ""
    assert late_words(Row("ada", result, seconds_late=90)) == "late"
    assert late_words(Row("ada", result, seconds_late=7200, late_penalty=2)) == "2 h late, 2 points less"
    assert late_words(Row("ada", result, seconds_late=3 * 86400)) == "3 days late"
