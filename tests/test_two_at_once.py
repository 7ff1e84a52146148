"""Two graders, or a grader and formgrader, on one course: each does its work, and nothing of the other's is lost."""

from __future__ import annotations

import multiprocessing
import shutil
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from autograder import classes, cli, patience, pool
from autograder.classes import grade_class
from autograder.patience import InUse
from autograder.store import FILE_NAME
from tests.attacks.all_kills import books, files, kept, undisturbed, whole
from tests.attacks.killing import GRADEBOOK, run
from tests.nbgrader_course import UNIT, Course, FakeHost, same_versions

pytestmark = pytest.mark.xdist_group("kills")  # the undisturbed class is made once
HANDED_IN = ["ada", "twin", "untouched", *(f"student {number}" for number in range(7))]


@pytest.fixture
def course(tmp_path) -> Path:
    """A class that is not graded yet, but for one student."""
    return Path(shutil.copytree(undisturbed()[0], tmp_path / "course"))


def test_two_graders_enter_the_same(course):
    _, expected, calm = undisturbed()
    with ThreadPoolExecutor(2) as threads:
        both = list(threads.map(run, [course, course]))
    for one in both:
        assert (one.status, one.rows) == (0, calm.rows)
    assert books(course) == books(expected)
    assert files(course) == files(expected)
    assert kept(course) == kept(expected)
    assert whole(course / GRADEBOOK) and whole(course / FILE_NAME)


def formgrader(root: Path, told: Any) -> None:
    """What formgrader does meanwhile, by nbgrader's own code: saves grades by hand, and its button's autograding."""
    from autograder.nbgrader_plugin import grade

    grade.Host, grade.versions_of = FakeHost, same_versions
    course, saved = Course(root), 0
    told.send("ready")
    for number in range(40):
        with Gradebook(course.db_url) as gradebook:
            gradebook.find_grade("pad2d", UNIT, UNIT, "ada").manual_score = float(number % 6)
            gradebook.find_comment("question", UNIT, UNIT, "ada").manual_comment = f"Comment {number}."
            gradebook.db.commit()
            saved += 1
        if number % 10 == 5:
            done = course.api.autograde(UNIT, "ada")
            if not done["success"]:
                told.send(done)
    told.send(saved)


def test_a_grader_and_formgrader(course):
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe(duplex=False)
    other = context.Process(target=formgrader, args=(course, theirs))
    other.start()
    assert ours.recv() == "ready"
    done = run(course)
    assert (done.status, done.rows) == (0, undisturbed()[2].rows)
    assert ours.recv() == 40
    other.join()
    after, expected = books(course), books(undisturbed()[1])
    # The last that was saved by hand stands there; everything else is what a grader alone enters.
    assert after["ada", "pad2d"] == (6.0, 3.0, None, True)
    assert after["ada", "question", "comment"][1] == "Comment 39."
    for found in (after, expected):
        for key in (("ada", "pad2d"), ("ada", "question", "comment")):
            del found[key]
    assert after == expected
    assert set(files(course)) == set(files(undisturbed()[1]))


@pytest.fixture
def here(course, monkeypatch) -> Path:
    """The same, graded by this process."""
    monkeypatch.setattr(pool, "Host", FakeHost)
    monkeypatch.setattr(pool, "_hosts", pool._Hosts())
    monkeypatch.setattr(classes, "versions_of", same_versions)
    monkeypatch.setattr(FakeHost, "graded", [])
    return course


def held(path: Path) -> sqlite3.Connection:
    """A connection that lets no one read or write."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN EXCLUSIVE")
    return connection


@pytest.mark.parametrize("name", [GRADEBOOK, FILE_NAME])
def test_a_grader_waits_for_who_holds_a_database(here, name):
    other = held(here / name)
    timer = threading.Timer(2, lambda: other.execute("COMMIT"))
    timer.start()
    rows = grade_class(UNIT, here, progress=False)
    timer.join()
    other.close()
    assert {row.student: (row.graded, row.score, row.trouble) for row in rows} == undisturbed()[2].rows


@pytest.mark.parametrize(("name", "what"), [(GRADEBOOK, "The gradebook"), (FILE_NAME, "The store of results")])
def test_after_its_patience_it_says_what_to_do_and_later_goes_on(here, name, what, monkeypatch):
    monkeypatch.setattr(patience, "PATIENCE", 0.5)
    monkeypatch.chdir(here)
    with closing(held(here / name)):
        done = CliRunner().invoke(cli.app, ["grade", UNIT, "--isolation", "none"])
    assert done.exit_code == 3 and "Traceback" not in done.stderr
    assert f"{what}" in done.stderr and "has been in use by another program for 0.5 seconds" in done.stderr
    rows = grade_class(UNIT, here, progress=False)
    assert all(row.graded for row in rows if row.student in HANDED_IN)


def test_who_takes_the_gradebook_in_the_middle_loses_no_result(here, monkeypatch):
    """Everything is graded by then: the store keeps it, and the next run only enters it."""
    monkeypatch.setattr(patience, "PATIENCE", 0.5)
    taken = []

    class Taking(FakeHost):
        def grade(self, path, name, exercises=None):
            if len(FakeHost.graded) == 7 and not taken:
                taken.append(held(here / GRADEBOOK))
            return super().grade(path, name, exercises)

    monkeypatch.setattr(pool, "Host", Taking)
    with pytest.raises(InUse):
        grade_class(UNIT, here, jobs=1, progress=False)
    taken[0].close()
    graded = list(FakeHost.graded)
    rows = grade_class(UNIT, here, jobs=1, progress=False)
    assert FakeHost.graded == graded
    assert {row.student: (row.graded, row.score, row.trouble) for row in rows} == undisturbed()[2].rows


def test_a_file_that_is_handed_in_again_meanwhile_is_graded_by_the_next_run(here, monkeypatch):
    path = here / "submitted" / "student 1" / UNIT / f"{UNIT}.ipynb"

    class Again(FakeHost):
        def grade(self, path_, name, exercises=None):
            result = super().grade(path_, name, exercises)
            if name == "student 1" and FakeHost.graded.count(name) == 1:
                time.sleep(0.02)
                path.write_text(path.read_text().replace("return 1", "return 11"))
            return result

    monkeypatch.setattr(pool, "Host", Again)
    rows = {row.student: row for row in grade_class(UNIT, here, progress=False)}
    assert not rows["student 1"].graded and "handed in again" in rows["student 1"].result.trouble
    rows = {row.student: row for row in grade_class(UNIT, here, progress=False)}
    assert rows["student 1"].graded and FakeHost.graded.count("student 1") == 2
