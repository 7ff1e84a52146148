"""`autograder grade UNIT --diff`: whose score would change, how and why, and nothing is written."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

import pytest
from nbgrader.api import Gradebook
from rich.console import Console
from typer.testing import CliRunner

from autograder import classes, pool
from autograder.classes import class_differences, grade_class
from autograder.cli import app
from autograder.differences import show_differences
from autograder.nbgrader_plugin import grade
from tests.nbgrader_course import UNIT, Course, FakeHost, answered, same_versions

RIGHT = {"convolve1d": "return x", "pad2d": "return x", "rot90_symmetrize": "return x"}


@pytest.fixture
def course(tmp_path, monkeypatch) -> Course:
    monkeypatch.setattr(pool, "Host", FakeHost)
    monkeypatch.setattr(FakeHost, "asked", [])
    monkeypatch.setattr(pool, "_hosts", pool._Hosts())
    for module in (classes, grade):
        monkeypatch.setattr(module, "versions_of", same_versions)
    course = Course(tmp_path)
    released = course.released()
    course.submit("ada", answered(released, **RIGHT))
    course.submit("bob", answered(released, convolve1d="return 2"))
    course.submit("cid", released)
    grade_class(UNIT, course.root, jobs=1)
    FakeHost.asked.clear()
    return course


def change(monkeypatch, exercise: str, *, part: str = "checks", base: str = "none", **items: object) -> None:
    """Another version of an exercise; the host finds these values in its items from now on."""

    def versions(unit, isolation):
        same = same_versions(unit, isolation)
        parts = same.parts | {exercise: same.parts[exercise] | {part: "2"}}
        return replace(same, base=base if base != "none" else same.base, parts=parts)

    made = FakeHost._item

    def item(name, text):
        return replace(made(name, text), **(items if name == exercise else {}))

    monkeypatch.setattr(classes, "versions_of", versions)
    monkeypatch.setattr(FakeHost, "_item", staticmethod(item))


def everything(course: Course) -> dict[str, str]:
    """Every file and folder of the course, with its content and its time."""
    return {
        str(
            path
        ): f"{path.stat().st_mtime_ns} {hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ''}"
        for path in sorted(course.root.rglob("*"))
    }


def told(course: Course, **options) -> str:
    found, total = class_differences(UNIT, course.root, jobs=1, **options)
    text = io.StringIO()
    show_differences(found, total, Console(file=text, width=160))
    return text.getvalue()


def test_an_unchanged_class_has_no_differences(course):
    assert class_differences(UNIT, course.root) == ([], 3)
    assert FakeHost.asked == []
    assert told(course) == "The scores of 0 of 3 students would change. Nothing was written.\n"


def test_only_the_changed_exercise_is_graded_and_nothing_is_written(course, monkeypatch):
    change(monkeypatch, "pad2d", points=0.0, state="failed", mistake_name="pads_one_side")
    before = everything(course)
    text = told(course)
    assert everything(course) == before
    assert sorted(FakeHost.asked) == [(student, ("pad2d",)) for student in ("ada", "bob", "cid")]
    lines = [line.split("\t") for line in text.splitlines()]
    assert lines[0] == [
        "ada",
        "10 -> 4",
        "pad2d",
        "6 -> 0",
        "its checks changed; The pad2d check: passed, now failed (pads one side)",
    ]
    assert lines[1] == ["The scores of 1 of 3 students would change. Nothing was written."]


def test_what_it_shows_is_what_grading_then_enters(course, monkeypatch):
    change(monkeypatch, "pad2d", points=3.0, state="failed")
    found, _ = class_differences(UNIT, course.root, jobs=1)
    FakeHost.asked.clear()
    rows = {row.student: row for row in grade_class(UNIT, course.root, jobs=1)}
    assert {one.student: one.after for one in found}.items() <= {name: row.score for name, row in rows.items()}.items()
    assert sorted(FakeHost.asked) == [(student, ("pad2d",)) for student in ("ada", "bob", "cid")]
    assert class_differences(UNIT, course.root) == ([], 3)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"part": "mistakes"}, "its mistakes changed"),
        ({"part": "reference"}, "its reference changed"),
        ({"base": "other"}, "the grader, its limits or its packages changed, its checks changed"),
    ],
)
def test_it_says_why(course, monkeypatch, options, why):
    change(monkeypatch, "convolve1d", points=1.0, state="failed", **options)
    found, _ = class_differences(UNIT, course.root, jobs=1)
    changes = {one.student: one.changes for one in found}
    assert [c.why for c in changes["ada"]] == [why]


def test_new_hand_ins_and_new_students(course):
    course.submit("ada", answered(course.released(), pad2d="return x"))
    course.submit("dee", answered(course.released(), **RIGHT))
    found, total = class_differences(UNIT, course.root, jobs=1)
    ada, dee = found
    assert (total, ada.student, ada.before, ada.after) == (4, "ada", 10.0, 6.0)
    # Its own two, and the extra credit of the bonus exercise.
    assert [(c.exercise, c.before, c.after, c.why) for c in ada.changes] == [
        ("convolve1d", "4", "0", "handed in anew"),
        ("rot90_symmetrize", "2", "0", "handed in anew"),
    ]
    assert (dee.before, dee.after, [c.why for c in dee.changes]) == (None, 10.0, ["graded for the first time"])


def test_what_cannot_be_graded_now_is_told(course):
    course.submit("ada", b"{")
    runner = CliRunner()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(course.root)
        done = runner.invoke(app, ["grade", UNIT, "--diff", "--isolation", "none"])
    assert done.exit_code == 3
    assert done.stdout.splitlines()[0].split("\t")[:4] == ["ada", "10 -> not graded", "all", "10 -> not graded"]
    assert "could not be graded now: convolution.ipynb ends too early" in done.stdout


def test_manual_scores_stay(course, monkeypatch):
    with Gradebook(course.db_url) as gradebook:
        gradebook.find_grade("pad2d", UNIT, UNIT, "ada").manual_score = 5.0
        gradebook.find_grade("rot90_symmetrize", UNIT, UNIT, "ada").extra_credit = 0.5
        gradebook.db.commit()
    change(monkeypatch, "pad2d", points=0.0, state="failed")
    (ada,), _ = class_differences(UNIT, course.root, jobs=1)
    assert (ada.before, ada.after) == (9.0, 9.0)
    assert [(c.exercise, c.kept) for c in ada.changes] == [("pad2d", True)]
    assert "a score given by hand stays" in told(course)


def test_links_are_left_where_they_are(course):
    path = course.submit("ada", course.released())
    path.unlink()
    path.symlink_to("/etc/passwd")
    before = everything(course)
    assert "root:" not in told(course)
    assert everything(course) == before and path.is_symlink()


def test_a_terminal_gets_a_table(course, monkeypatch):
    change(monkeypatch, "pad2d", points=0.0, state="failed")
    found, total = class_differences(UNIT, course.root, jobs=1)
    text = io.StringIO()
    show_differences(found, total, Console(file=text, width=120, force_terminal=True, no_color=True))
    assert "\N{BOX DRAWINGS LIGHT VERTICAL}" in text.getvalue() and "\t" not in text.getvalue()
    assert "10 -> 4" in text.getvalue() and "The scores of 1 of 3" in text.getvalue()


def test_it_takes_no_files_and_makes_no_gradebook(course, tmp_path, monkeypatch):
    runner, empty = CliRunner(), tmp_path / "empty"
    (empty / "submitted" / "ada" / UNIT).mkdir(parents=True)
    monkeypatch.chdir(empty)
    assert runner.invoke(app, ["grade", UNIT, "x.py", "--diff", "--isolation", "none"]).exit_code == 2
    assert runner.invoke(app, ["grade", UNIT, "--diff", "--isolation", "none"]).exit_code == 2
    assert [path.name for path in empty.iterdir()] == ["submitted"]


def test_what_is_dropped_and_comes_back_is_told(course):
    config = course.root / "nbgrader_config.py"
    before = config.read_text()
    config.write_text(before + f"c.Grade.dropped = {{{UNIT!r}: ['pad2d', 'question']}}\n")
    lines = told(course).splitlines()
    assert "ada\t10 -> 4\tpad2d\t6 -> dropped\tit is dropped, and counts for nobody" in lines
    assert "ada\t10 -> 4\tquestion\t0 -> dropped\tit is dropped, and counts for nobody" in lines
    grade_class(UNIT, course.root, jobs=1)
    assert told(course).startswith("The scores of 0 of 3")
    config.write_text(before)
    assert "ada\t4 -> 10\tpad2d\t0 -> 6\tit is not dropped any more" in told(course)
    grade_class(UNIT, course.root, jobs=1)
    assert told(course).startswith("The scores of 0 of 3")


def test_a_bonus_is_dropped_and_comes_back(course):
    config = course.root / "nbgrader_config.py"
    before = config.read_text()
    config.write_text(before + f"c.Grade.dropped = {{{UNIT!r}: ['rot90_symmetrize']}}\n")
    assert "ada\t10 -> 10\trot90_symmetrize\t2 -> dropped\tit is dropped, and counts for nobody" in told(course)
    grade_class(UNIT, course.root, jobs=1)
    assert told(course).startswith("The scores of 0 of 3")
    config.write_text(before)
    assert "ada\t10 -> 10\trot90_symmetrize\t0 -> 2\tit is not dropped any more" in told(course)
