"""Items that a course drops count for nobody: in the gradebook, in feedback, in exports and in reports."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from traitlets.config import Config

from autograder.classes import stored_results
from autograder.limits import UnusableConfiguration
from autograder.nbgrader_plugin import grade
from autograder.nbgrader_plugin.dropped import UnknownItem, drop, dropped_items
from tests.nbgrader_course import UNIT, Course, FakeHost, answered

RIGHT = {"convolve1d": "return x", "pad2d": "return x", "rot90_symmetrize": "return x"}


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    """A graded submission: 4 + 6 by its checks, 2 more by the bonus, 2 of 3 by hand, 2 points wait for a person."""
    monkeypatch.setattr(grade, "Host", FakeHost)
    monkeypatch.setattr(grade, "_kept", grade._Kept())
    made = Course(tmp_path)
    made.submit("ada", answered(made.released(), **RIGHT, question="Because."))
    autograde(made)
    with Gradebook(made.db_url) as gradebook:
        row = gradebook.find_grade("question", UNIT, UNIT, "ada")
        row.manual_score, row.needs_manual_grade = 2.0, False
        row = gradebook.find_grade("figure", UNIT, UNIT, "ada")
        row.manual_score, row.needs_manual_grade = 1.0, False
        gradebook.db.commit()
    return made


def set_dropped(course: Course, *names: str) -> None:
    course.config.Grade.dropped = {UNIT: list(names)}
    lines = [line for line in (course.root / "nbgrader_config.py").read_text().splitlines() if "dropped" not in line]
    lines.append(f"c.Grade.dropped = {course.config.Grade.dropped!r}")
    (course.root / "nbgrader_config.py").write_text("\n".join(lines) + "\n")


def autograde(course: Course) -> None:
    done = course.api.autograde(UNIT, "ada")
    assert done["success"], done


def total(course: Course) -> tuple[float, float]:
    with Gradebook(course.db_url) as gradebook:
        submission = gradebook.find_submission(UNIT, "ada")
        assert submission.max_score == gradebook.find_assignment(UNIT).max_score
        return submission.score, submission.max_score


def exported(course: Course) -> tuple[str, str]:
    from autograder.nbgrader_plugin.exporter import GradesExporter

    path = course.root / "grades.csv"
    with Gradebook(course.db_url) as gradebook:
        GradesExporter(to=str(path)).export(gradebook)
    with open(path, newline="") as file:
        (row,) = csv.DictReader(file)
    return row["score"], row["max_score"]


def test_a_dropped_exercise_counts_for_nobody(course):
    assert total(course) == (4 + 6 + 2 + 2 + 1, 15)
    set_dropped(course, "pad2d")
    autograde(course)
    assert total(course) == (4 + 2 + 2 + 1, 9)
    assert exported(course) == ("9.0", "9.0")
    assert course.api.generate_feedback(UNIT, "ada")["success"]
    page = re.sub(r"<style.*?</style>|<[^>]+>", "", course.feedback("ada"), flags=re.DOTALL)
    assert re.search(r"9 / 9", page)
    assert re.search(r"pad2d\s+dropped: counts for nobody", page)


def test_a_dropped_question_counts_for_nobody_and_needs_nobody(course):
    set_dropped(course, "question", "rot90_symmetrize")
    autograde(course)
    assert total(course) == (4 + 6 + 1, 12)
    with Gradebook(course.db_url) as gradebook:
        assert not gradebook.find_grade("question", UNIT, UNIT, "ada").needs_manual_grade


def test_all_comes_back_when_it_is_not_dropped_any_more(course):
    before = total(course)
    set_dropped(course, "pad2d", "question", "rot90_symmetrize")
    autograde(course)
    autograde(course)
    assert total(course) == (4 + 1, 6)
    set_dropped(course)
    autograde(course)
    assert total(course) == before


def test_a_release_in_between_does_not_bring_it_back(course):
    set_dropped(course, "pad2d")
    autograde(course)
    assert course.api.generate_assignment(UNIT)["success"]
    autograde(course)
    assert total(course) == (4 + 2 + 2 + 1, 9)
    set_dropped(course)
    autograde(course)
    assert total(course) == (15, 15)


def test_reports_are_without_it(course):
    result = FakeHost(UNIT).grade(course.folder("ada") / f"{UNIT}.ipynb", "ada")
    assert (result.score, result.max_score, result.extra_credit) == (10, 10, 2)
    counted = result.without({"pad2d", "rot90_symmetrize"})
    assert (counted.score, counted.max_score, counted.extra_credit) == (4, 4, 0)
    set_dropped(course, "pad2d")
    (known,) = stored_results(UNIT, course.root)
    assert not known.of("pad2d")


def test_an_item_that_does_not_exist_is_named(course):
    set_dropped(course, "pad3d")
    autograde(course)
    assert total(course) == (15, 15)
    with Gradebook(course.db_url) as gradebook, pytest.raises(UnknownItem, match=r"'pad3d'.*pad2d"):
        drop(gradebook.db, UNIT, {"pad3d"})


@pytest.mark.parametrize("value", [["pad2d"], {UNIT: "pad2d"}, {UNIT: [3]}])
def test_what_is_no_table_of_names_is_told(value):
    with pytest.raises(UnusableConfiguration, match="is a dict like"):
        dropped_items(Config(Grade={"dropped": value}), UNIT)
