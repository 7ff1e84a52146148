"""Row 24: our own trouble. No grade is lost, none is invented, and the command says so. (Killed: all_kills.py.)

pytest tests/attacks/all_trouble.py            (make attacks)
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.attacks.place import UNIT, Place, listening, our_place, rows_of
from tests.needs_sandbox import skip_without_sandbox

GRADE = [sys.executable, "-m", "autograder", "grade", UNIT.name]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A small class, not graded yet, and what it must come to."""
    skip_without_sandbox()
    folder = tmp_path_factory.mktemp("trouble")
    with listening(folder) as listeners:
        template = our_place(folder / "template", [], listeners)
        whole = copy_of(template, folder / "whole")
        done = whole.command("autograder", "grade", UNIT.name)
        assert done.returncode == 0, done.stderr
        yield template, scores(whole)


def copy_of(template: Place, root: Path) -> Place:
    shutil.copytree(template.root, root)
    return Place(root, template.listeners)


def scores(place: Place) -> dict:
    students = sorted(path.name for path in (place.course / "submitted").iterdir())
    found = {}
    for student in students:
        with contextlib.suppress(Exception):  # not in the gradebook yet
            found[student] = rows_of(place, student)
    return found


def test_two_graders_at_once(graded, tmp_path):
    template, expected = graded
    place = copy_of(template, tmp_path / "class")
    both = [
        subprocess.Popen(GRADE, cwd=place.course, env=place.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    ended = [process.communicate(timeout=300) for process in both]
    for process, (out, error) in zip(both, ended, strict=True):
        assert process.returncode == 0 or b"not entered" in out, error
    done = place.command("autograder", "grade", UNIT.name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert scores(place) == expected


def test_a_locked_gradebook(graded, tmp_path):
    template, expected = graded
    place = copy_of(template, tmp_path / "class")
    process = subprocess.Popen(
        GRADE, cwd=place.course, env=place.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with contextlib.closing(sqlite3.connect(place.course / "gradebook.db", timeout=30)) as base:
        base.execute("BEGIN IMMEDIATE")
        time.sleep(12)  # longer than SQLite waits
        base.rollback()
    _, error = process.communicate(timeout=300)
    if process.returncode == 0:
        assert scores(place) == expected  # it waited, or came later
        return
    assert process.returncode in (1, 3), error
    done = place.command("autograder", "grade", UNIT.name)
    assert done.returncode == 0, done.stderr
    assert scores(place) == expected


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap to make a small disk")
def test_a_full_disk(graded, tmp_path):
    """On a disk with room for the course and little else: nothing is invented, and with room it is completed."""
    template, expected = graded
    place = copy_of(template, tmp_path / "class")
    used = sum(path.stat().st_size + 4096 for path in place.course.rglob("*"))
    kept = tmp_path / "gradebook.db"
    kept.touch()
    small = tmp_path / "disk"
    small.mkdir()
    script = 'cp -r "$1" "$2" && cd "$2/course" && shift 3 && "$@"; code=$?; cp gradebook.db "$KEPT"; exit $code'
    disk = ["bwrap", "--dev-bind", "/", "/", "--size", str(used + (200 << 10)), "--tmpfs", str(small), "--"]
    disk += ["bash", "-c", script, "-", str(place.course), str(small), "--"]
    done = subprocess.run(
        [*disk, *GRADE], env=place.environment | {"KEPT": str(kept)}, capture_output=True,
        text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode not in (0, 2), done.stdout + done.stderr
    shutil.copy(kept, place.course / "gradebook.db")
    for student, rows in scores(place).items():
        for name, score in rows.items():
            assert score in (None, expected[student][name]), "a grade was invented"
    done = place.command("autograder", "grade", UNIT.name)
    assert done.returncode == 0, done.stderr
    assert scores(place) == expected
