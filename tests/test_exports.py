"""Grades and feedback on their way to Canvas, Moodle and Gradescope: nothing lost, nothing run, never a false 0."""

import csv
import json
import re
import zipfile

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import ExportApp
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from typer.testing import CliRunner

from autograder.cli import app
from autograder.learning_platforms import CANVAS, MOODLE, Unusable, feedback_zip, fill, issued_names, read_roster
from autograder.nbgrader_plugin import ISSUED_NAME, configure
from autograder.nbgrader_plugin.platforms import Canvas, Moodle

CANVAS_CSV = """\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,convolution (4711),Homework 1 (9),Final Score
    Points Possible,,,,,10,5,(read only)
"Doe, Jane",101,S-1,jane,"Section ""A"", morning",,3,50
"=cmd|' /C calc'!A0",102,00042,@bob,S,7,4,60
"Waiting, Wanda",103,S-3,wanda,S,,5,70
"Absent, Al",104,S-4,al,S,,1,80
"""
MOODLE_CSV = """Identifier,Full name,Email address,Status,Grade,Maximum Grade,Feedback comments
Participant 101,Jane Doe,jane@example.org,Submitted,,10.00,"one, two"
Participant 102,=Bob,bob@example.org,Submitted,3.00,10.00,
Participant 103,Wanda,wanda@example.org,Submitted,,10.00,
"""


def graded(student, score, email=""):
    return {"student_id": student, "score": score, "email": email, "timestamp": "2026-11-01"}


GRADES = [graded("jane", 7.5), graded("102", 0.0), graded("wanda", None), graded("stranger", 4)]


@pytest.fixture
def roster(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text(CANVAS_CSV, encoding="utf-8")
    return path


def by(filled, column):
    place, key = filled.header.index(column), filled.header.index("ID" if "ID" in filled.header else "Identifier")
    return {row[key]: row[place] for row in filled.rows}


def test_canvas_own_csv_is_filled_in(roster):
    filled = fill(CANVAS, read_roster(roster), GRADES, "convolution")
    assert filled.header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "convolution (4711)"]
    assert by(filled, "convolution (4711)") == {"": "10", "101": "7.5", "102": "0", "103": "", "104": ""}
    assert (filled.graded, filled.waiting, filled.unknown) == (2, ["wanda"], ["stranger"])


def test_what_is_not_graded_is_empty_even_where_an_old_grade_stood(roster):
    filled = fill(CANVAS, read_roster(roster), [graded("102", None)], "convolution")
    assert by(filled, "convolution (4711)")["102"] == ""


def test_ids_stay_as_they_are_and_names_run_nothing(roster):
    filled = fill(CANVAS, read_roster(roster), GRADES, "convolution")
    before = {row[1]: row[2:5] for row in read_roster(roster)[2:]}
    assert {row[1]: row[2:5] for row in filled.rows[1:]} == before
    assert by(filled, "Student")["102"].startswith("'=")
    assert by(filled, "Section")["101"] == 'Section "A", morning'


def test_a_column_that_canvas_has_not_is_added(roster):
    filled = fill(CANVAS, read_roster(roster), GRADES, "pooling")
    assert filled.header[-1] == "pooling"
    assert by(filled, "pooling")["101"] == "7.5"


def test_moodles_worksheet_is_filled_in(tmp_path):
    path = tmp_path / "moodle.csv"
    path.write_text(MOODLE_CSV, encoding="utf-8")
    grades = [graded("101", 8), graded("other", 3.25, "Bob@example.org"), graded("103", None)]
    filled = fill(MOODLE, read_roster(path), grades, "convolution")
    assert filled.header == read_roster(path)[0]
    assert list(by(filled, "Grade").values()) == ["8", "3.25", ""]
    assert by(filled, "Full name")["Participant 102"] == "'=Bob"
    assert by(filled, "Feedback comments")["Participant 101"] == "one, two"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "holds no students"),
        ("a,b\n1,2\n", "none of the columns ID"),
        ("ID,x (1),x (2)\n1,,\n", "Several columns are called 'x'"),
    ],
)
def test_a_csv_that_cannot_serve_is_answered_with_a_sentence(tmp_path, text, sentence):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(Unusable, match=sentence):
        fill(CANVAS, read_roster(path), GRADES, "x")


NAMES = {
    "/x/archive/smithjane_101_555_convolution.ipynb": ("101", "convolution"),
    "/x/smithjane_LATE_101_555_convolution-2.ipynb": ("101", "convolution"),
    "/x/Jane Smith_101_assignsubmission_file_/convolution.ipynb": ("101", "convolution"),
    "/x/Jane van der Smith-O'Neil_101_assignsubmission_file_convolution.ipynb": ("101", "convolution"),
    "smithjane_101_555_my_notes.ipynb": ("101", "my_notes"),
}


@pytest.mark.parametrize(("name", "expected"), NAMES.items())
def test_names_that_canvas_and_moodle_issue_are_understood(name, expected):
    found = re.match(ISSUED_NAME, name)
    assert (found["student_id"], found["file_id"]) == expected


def test_collecting_uses_these_names():
    c = Config()
    configure(c)
    assert c.FileNameCollectorPlugin.named_regexp == ISSUED_NAME


def downloaded(folder, *names):
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "submissions.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    return folder


def test_feedback_goes_back_under_the_names_that_were_issued(tmp_path):
    issued = "janedoe_101_9_convolution.ipynb", "Bob B_102_assignsubmission_file_/convolution.ipynb"
    archives = downloaded(tmp_path / "archive", *issued, "someone_else.ipynb")
    for student in ("101", "102", "103"):
        page = tmp_path / "feedback" / student / "convolution" / "convolution.html"
        page.parent.mkdir(parents=True)
        page.write_text(f"for {student}")
    assert dict(issued_names(archives, ISSUED_NAME)) == {"101": issued[0], "102": issued[1]}
    target = tmp_path / "out" / "feedback.zip"
    assert feedback_zip(tmp_path / "feedback", "convolution", archives, ISSUED_NAME, target) == (2, ["103"])
    with zipfile.ZipFile(target) as archive:
        assert {name: archive.read(name).decode() for name in archive.namelist()} == {
            "janedoe_101_9_convolution.html": "for 101",
            "Bob B_102_assignsubmission_file_/convolution.html": "for 102",
        }


def test_without_issued_names_nobody_is_guessed(tmp_path):
    archives = downloaded(tmp_path / "archive", "convolution.ipynb")
    with pytest.raises(Unusable, match="zip_collect"):
        feedback_zip(tmp_path, "convolution", archives, ISSUED_NAME, tmp_path / "f.zip")


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course folder whose gradebook has one student with a score, one without, and one who never came."""
    configure(Config())  # puts the programs beside this Python on PATH: nbgrader calls alembic
    monkeypatch.chdir(tmp_path)
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        gradebook.add_assignment("convolution")
        gradebook.add_notebook("convolution", "convolution")
        gradebook.add_grade_cell("convolve1d", "convolution", "convolution", max_score=8, cell_type="code")
        for student, score in (("jane", 7.5), ("wanda", None), ("al", None)):
            gradebook.add_student(student, last_name="=1+1", first_name='a, "b"', email=f"{student}@example.org")
            if student != "al":
                gradebook.add_submission("convolution", student)
                grade = gradebook.find_grade("convolve1d", "convolution", "convolution", student)
                grade.auto_score = score
                grade.needs_manual_grade = score is None
        gradebook.db.commit()
    return tmp_path


@pytest.mark.parametrize(
    ("plugin", "key", "name"), [(Canvas, "SIS Login ID", "Student"), (Moodle, "username", "lastname")]
)
def test_nbgraders_exporters_for_platforms(course, plugin, key, name):
    exporter = plugin(to=str(course / "out.csv"))
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        exporter.export(gradebook)
    with open(course / "out.csv", newline="") as file:
        table = {row[key]: row for row in csv.DictReader(file)}
    assert {student: table[student]["convolution"] for student in ("jane", "wanda", "al")} == {
        "jane": "7.5",
        "wanda": "",
        "al": "",
    }
    assert table["jane"][name].startswith("'=1+1")


def test_the_command_says_who_waits_and_who_is_unknown(course, roster):
    done = CliRunner().invoke(app, ["export", "canvas", "convolution", "--roster", str(roster)])
    assert done.exit_code == 0, done.output
    assert "1 grade." in done.output
    assert "left empty: wanda" in done.output
    with open(course / "exports" / "convolution-canvas.csv", newline="") as file:
        assert next(row for row in csv.DictReader(file) if row["ID"] == "101")["convolution (4711)"] == "7.5"


def test_the_command_without_a_roster_says_what_it_needs(course):
    done = CliRunner().invoke(app, ["export", "moodle", "convolution"])
    assert done.exit_code == 2
    assert "--roster FILE" in done.output


def test_gradescopes_results_come_from_the_store(course, monkeypatch):
    from autograder.nbgrader_plugin import platforms
    from autograder.results import Result
    from backpass.report import Item

    result = Result("convolution", "jane", [Item("convolve1d", "Full", 2.0, 2.0, "passed")])
    monkeypatch.setattr("autograder.classes.stored_results", lambda *_: [result])
    exporter = platforms.Gradescope(to=str(course / "gs"))
    exporter.parent = ExportApp(coursedir=CourseDirectory(root=str(course)))
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        exporter.export(gradebook)
    data = json.loads((course / "gs" / "convolution" / "jane.json").read_text())
    assert (data["score"], data["tests"][0]["max_score"]) == (2.0, 2.0)
