"""nbgrader with our plug-in: scores, extra credit, what is not graded, feedback, export."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.api import Gradebook

from autograder.nbgrader_plugin import feedback, grade, hooks
from autograder.nbgrader_plugin.exporter import safe_text
from autograder.paths import BACKPASS, ROOT
from tests.nbgrader_course import KERNEL, UNIT, Course, FakeHost, answered, marks, same_versions

RIGHT = {"convolve1d": "return x", "pad2d": "return x", "rot90_symmetrize": "return x"}


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    monkeypatch.setattr(grade, "Host", FakeHost)
    monkeypatch.setattr(grade, "_kept", grade._Kept())
    monkeypatch.setattr(FakeHost, "graded", [])
    return Course(tmp_path)


def graded(course: Course, student: str = "ada") -> dict:
    """Press the button for one student; the rows of the gradebook by cell."""
    done = course.api.autograde(UNIT, student)
    assert done["success"], done
    return rows(course, student)


def rows(course: Course, student: str = "ada") -> dict:
    with Gradebook(course.db_url) as gradebook:
        notebook = gradebook.find_submission_notebook(UNIT, UNIT, student)
        return {g.name: (g.auto_score, g.extra_credit, g.needs_manual_grade, g.manual_score) for g in notebook.grades}


def set_by_hand(course: Course, name: str, **values: float | None) -> None:
    with Gradebook(course.db_url) as gradebook:
        row = gradebook.find_grade(name, UNIT, UNIT, "ada")
        for field, value in values.items():
            setattr(row, field, value)
        gradebook.db.commit()


def test_scores_per_exercise_and_extra_credit(course):
    course.submit(
        "ada", answered(course.released(), convolve1d="return x", rot90_symmetrize="return x", question="So.")
    )
    assert graded(course) == {
        "convolve1d": (4.0, None, False, None),
        "pad2d": (0.0, None, False, None),
        "rot90_symmetrize": (0.0, 2.0, False, None),
        "question": (None, None, True, None),
        "figure": (0.0, None, False, None),
    }


def test_an_untouched_answer_is_no_response(course):
    course.submit("ada", course.released())
    assert graded(course)["question"][0] == 0.0
    with Gradebook(course.db_url) as gradebook:
        assert gradebook.find_comment("question", UNIT, UNIT, "ada").auto_comment == "No response."


def test_what_is_not_graded_waits_for_a_person(course):
    course.submit("ada", answered(course.released(), **RIGHT | {"pad2d": "return 'our bug'"}))
    found = graded(course)
    assert found["convolve1d"][0] == 4.0
    assert found["pad2d"] == (None, None, True, None)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe\x00", b"[]", b'{"cells": 1}'],
    ids=["empty", "cut", "bytes", "list", "cells"],
)
def test_an_unreadable_file_is_not_graded_and_never_zero(course, content):
    course.submit("ada", content)
    for score, extra, waits, _ in graded(course).values():
        assert (score, extra, waits) == (None, None, True)
    assert "Not graded" in nbformat.writes(course.autograded("ada"))


def test_extra_credit_set_by_hand_is_kept(course):
    course.submit("ada", answered(course.released(), **RIGHT))
    assert graded(course)["rot90_symmetrize"][1] == 2.0
    set_by_hand(course, "rot90_symmetrize", extra_credit=1.5)
    assert graded(course)["rot90_symmetrize"][1] == 1.5
    set_by_hand(course, "rot90_symmetrize", extra_credit=None)
    assert graded(course)["rot90_symmetrize"][1] is None


def test_extra_credit_that_we_set_follows_the_work(course):
    course.submit("ada", answered(course.released(), **RIGHT))
    assert graded(course)["rot90_symmetrize"][1] == 2.0
    course.submit("ada", course.released())
    assert graded(course)["rot90_symmetrize"][1] is None
    course.submit("ada", answered(course.released(), **RIGHT))
    assert graded(course)["rot90_symmetrize"][1] == 2.0


def test_extra_credit_given_before_the_first_grading_is_kept(course):
    course.submit("ada", course.released())
    graded(course)
    set_by_hand(course, "rot90_symmetrize", extra_credit=1.0)
    course.submit("ada", answered(course.released(), **RIGHT))
    assert graded(course)["rot90_symmetrize"][1] == 1.0


def test_manual_scores_are_never_touched(course):
    course.submit("ada", answered(course.released(), **RIGHT))
    graded(course)
    set_by_hand(course, "pad2d", manual_score=5.0)
    set_by_hand(course, "question", manual_score=3.0)
    found = graded(course)
    assert (found["pad2d"][3], found["question"][3]) == (5.0, 3.0)


def test_the_unchanged_file_is_graded_once(course, monkeypatch):
    monkeypatch.setattr(grade, "versions_of", same_versions)
    course.submit("ada", answered(course.released(), **RIGHT))
    graded(course)
    graded(course)
    course.submit("bob", answered(course.released(), **RIGHT))
    graded(course, "bob")
    assert FakeHost.graded == ["ada"]


def test_a_newer_schema_in_one_submission_does_not_stop_the_class(course):
    bad = course.released()
    for cell in bad.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.schema_version = 4
    course.submit("ada", bad)
    course.submit("bob", b"no notebook")
    course.submit("eve", answered(course.released(), **RIGHT))
    done = course.api.autograde(UNIT, "*")
    assert done["success"], done
    assert rows(course, "eve")["pad2d"][0] == 6.0
    assert rows(course, "bob")["pad2d"][0] is None
    assert rows(course, "ada")["pad2d"][0] == 0.0


@pytest.mark.parametrize("what", ["notebook", "dangling", "other file", "folder", "student", "pipe", "is a folder"])
def test_links_and_special_files_are_not_followed(course, tmp_path, what):
    secret = tmp_path / "secret.txt"
    secret.write_text("the answers")
    good = course.submit("bob", answered(course.released(), **RIGHT))
    path = course.submit("ada", answered(course.released(), **RIGHT))
    if what in ("notebook", "dangling", "is a folder", "pipe"):
        path.unlink()
    match what:
        case "notebook":
            path.symlink_to(good)
        case "dangling":
            path.symlink_to(tmp_path / "nowhere")
        case "other file":
            (path.parent / "data.txt").symlink_to(secret)
        case "pipe":
            os.mkfifo(path)
        case "is a folder":
            path.mkdir()
        case "folder":
            for file in path.parent.iterdir():
                file.unlink()
            path.parent.rmdir()
            path.parent.symlink_to(good.parent)
        case "student":
            for file in path.parent.iterdir():
                file.unlink()
            path.parent.rmdir()
            path.parent.parent.rmdir()
            path.parent.parent.symlink_to(good.parent.parent)
    found = graded(course)
    assert found["pad2d"][0] == (6.0 if what == "other file" else None)
    everything = b"".join(f.read_bytes() for f in (course.root / "autograded" / "ada").rglob("*") if f.is_file())
    assert b"the answers" not in everything and b"return x\\n" not in everything
    assert good.exists() and secret.read_text() == "the answers"


def test_a_link_that_cannot_be_removed_ends_the_command(tmp_path, monkeypatch):
    folder = tmp_path / "ada" / UNIT
    folder.mkdir(parents=True)
    (folder / "a.ipynb").symlink_to("/etc/passwd")

    def denied(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", denied)
    with pytest.raises(SystemExit, match="Permission denied"):
        hooks.before_autograde(UNIT, "ada", [str(folder / "a.ipynb")])


def test_feedback_shows_items_and_runs_no_script(course):
    evil = (
        "<script>alert(1)</script><img src=x onerror=alert(2)>[a](javascript:alert(3))![b](https://example.org/spy.png)"
    )
    submission = answered(course.released(), convolve1d="return x", question=evil, figure="plot()")
    for cell in submission.cells:
        if cell.id == "figure":
            cell.outputs = [
                new_output("display_data", {"text/html": "<script>alert(4)</script>", "text/plain": "</pre><script>"}),
                new_output("display_data", {"text/markdown": "[x](javascript:alert(5))", "text/latex": "$<script>$"}),
            ]
    submission.cells.append(new_markdown_cell("# convolve1d\n\n<svg onload=alert(6)>\n\n" + evil, id="mine"))
    links = "A [a](javascript:alert(7)) and ![b](https://example.org/spy.png) and ![c](attachment:none.png)."
    submission.cells.append(new_markdown_cell(links, id="links"))
    course.submit("ada", submission, late=True)
    graded(course)
    done = course.api.generate_feedback(UNIT, "ada")
    assert done["success"], done
    page = course.feedback("ada")
    assert "The pad2d check" in page and "4 / 4" in page and "not graded yet" in page
    for word in (
        "<script",
        "<svg",
        "<img src=",
        'href="javascript',
        'onerror="',
        'spy.png"',
        "cdnjs",
        "unpkg",
    ):
        assert word not in page.lower(), word
    assert "Content-Security-Policy" in page


def test_cleaning_keeps_what_a_report_needs():
    kept = (
        '<div class="bp-item"><details open><summary>a</summary><table><tbody><tr>'
        '<td style="color: red;">b</td></tr>'
        '</tbody></table><img alt="c" src="data:image/png;base64,AAAA"></details></div>'
    )
    assert feedback.clean(kept) == kept
    for bad in (
        '<p id="convolve1d">',
        '<p class="score full-credit">',
        '<p style="position: fixed">',
        '<a href=" javascript:x">',
    ):
        assert "=" not in feedback.clean(bad).replace('style=""', "")
    for bad in (
        "<style>",
        "<form>",
        "<input>",
        "<iframe>",
        "<svg>",
        "<script>",
        "<base>",
        "<meta>",
        "<link>",
    ):
        assert "&lt;" in feedback.clean(bad)


def test_other_assignments_are_graded_by_nbgrader(course):
    cells = [
        new_code_cell("### BEGIN SOLUTION\na = 1\n### END SOLUTION", id="s", metadata=marks("s", solution=True)),
        new_code_cell("assert a == 1", id="t", metadata=marks("t", grade=True, locked=True, points=3)),
    ]
    course.write(course.root / "source" / "ps1" / "p1.ipynb", new_notebook(cells=cells, metadata=KERNEL))
    assert course.api.generate_assignment("ps1")["success"]
    handed_in = nbformat.read(course.root / "release" / "ps1" / "p1.ipynb", as_version=4)
    handed_in.cells[0].source = "a = 1"
    handed_in.cells[1].source = "pass"
    course.write(course.root / "submitted" / "ada" / "ps1" / "p1.ipynb", handed_in)
    done = course.api.autograde("ps1", "ada")
    assert done["success"], done
    with Gradebook(course.db_url) as gradebook:
        assert gradebook.find_grade("t", "p1", "ps1", "ada").auto_score == 3.0
    assert course.api.generate_feedback("ps1", "ada")["success"]


def command(course: Course, *words: str) -> subprocess.CompletedProcess:
    path = os.pathsep.join([str(ROOT), str(BACKPASS.parent), os.environ.get("PYTHONPATH", "")])
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PYTHONPATH": path, "PATH": beside}
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *words],
        cwd=course.root,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_export_by_the_command_has_no_invented_zero(course):
    course.submit("ada", answered(course.released(), **RIGHT), late=True)
    course.submit("bob", b"broken")
    graded(course)
    graded(course, "bob")
    with Gradebook(course.db_url, "tiny") as gradebook:
        gradebook.update_or_create_student("ada", last_name="=cmd|'/C calc'!A0", first_name='a,"b"\nc', email="@x")
        gradebook.add_student("new")
    set_by_hand(course, "question", manual_score=3.0)
    done = command(course, "export")
    assert done.returncode == 0, done.stderr
    with open(course.root / "grades.csv", newline="") as file:
        found = {row["student_id"]: row for row in csv.DictReader(file)}
    ada, bob, new = found["ada"], found["bob"], found["new"]
    assert (ada["raw_score"], ada["extra_credit"], ada["score"], ada["status"]) == (
        "15.0",
        "2.0",
        "15.0",
        "graded",
    )
    assert ada["last_name"].startswith("'=cmd") and ada["email"] == "'@x" and ada["first_name"] == 'a,"b"\nc'
    assert (bob["raw_score"], bob["score"], bob["not_graded"]) == ("", "", "5")
    assert (new["raw_score"], new["score"]) == ("", "")


def test_late_penalties_stay_nbgraders(course):
    with Gradebook(course.db_url, "tiny") as gradebook:
        gradebook.update_or_create_assignment(UNIT, duedate="2030-01-01 00:00:00 UTC")
    course.api.config.LateSubmissionPlugin.penalty_method = "zero"
    course.submit("ada", answered(course.released(), **RIGHT), late=True)
    graded(course)
    with Gradebook(course.db_url) as gradebook:
        assert gradebook.find_submission(UNIT, "ada").late_submission_penalty == 12.0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""), (0.0, 0.0), (-1.5, -1.5), ("ada", "ada"), ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"),
        ("@a", "'@a"), ("\t=1", "'\t=1"), (" =1", "' =1"),
    ],
)  # fmt: skip
def test_formulas_are_neutralised(value, expected):
    assert safe_text(value) == expected
