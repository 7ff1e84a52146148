"""The same class gets the same grades, byte for byte: with one host or several, on an idle machine or a busy one."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from autograder.classes import grade_class
from autograder.units import unit
from tests.class_factory import LOOPS, Maker, make_course, ordinary_class
from tests.needs_sandbox import skip_without_sandbox

UNIT = unit("convolution")
# Half a second of processor time where one is allowed: right, and slow.
SLOW = """
import time

_quick = parameter_count

def parameter_count(*args, **kwargs):
    start = time.process_time()
    while time.process_time() - start < 0.5:
        pass
    return _quick(*args, **kwargs)
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with a class of every kind: right, wrong, unfinished, slow, and one that never ends."""
    skip_without_sandbox()
    folder = tmp_path_factory.mktemp("course")
    make_course(folder, UNIT)
    with open(folder / "nbgrader_config.py", "a") as config:
        config.write('c.Grade.limits = {"call_seconds": 1.0, "wall_factor": 4.0}\n')
    released = nbformat.read(folder / "release" / UNIT.name / f"{UNIT.name}.ipynb", as_version=4)
    make = Maker(UNIT, released)
    slow = make.notebook(make.model_answers)
    slow.cells.append(nbformat.v4.new_code_cell(SLOW, id="slow"))
    notebooks = [notebook for _, notebook in ordinary_class(UNIT, released, 5)]
    for number, notebook in enumerate([*notebooks, slow, make.with_body(["parameter_count"], LOOPS)]):
        path = folder / "submitted" / f"s{number}" / UNIT.name / f"{UNIT.name}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    return folder


@contextlib.contextmanager
def busy_machine() -> Iterator[None]:
    """As many processes that never rest as there are cores."""
    count = len(os.sched_getaffinity(0))
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def graded(course: Path, place: Path, jobs: int) -> dict:
    """Results and autograded files of the class, graded in a copy of the course."""
    shutil.copytree(course, place)
    rows = grade_class(UNIT.name, place, jobs=jobs, progress=False)
    files = {
        str(path.relative_to(place)): path.read_bytes() for path in (place / "autograded").rglob("*") if path.is_file()
    }
    return {"rows": [(row.student, row.trouble, row.result.to_json()) for row in rows], "files": files}


def test_one_host_three_hosts_and_a_busy_machine(course, tmp_path):
    alone = graded(course, tmp_path / "one", 1)
    states = {row[0]: {test["extra_data"]["state"] for test in row[2]["tests"]} for row in alone["rows"]}
    assert states["s0"] == states["s5"] == {"passed"}
    assert "timed_out" in states["s6"] and "not_attempted" in states["s4"]
    assert not any("not_graded" in found for found in states.values())
    assert graded(course, tmp_path / "three", 3) == alone
    with busy_machine():
        assert graded(course, tmp_path / "busy", 2) == alone
