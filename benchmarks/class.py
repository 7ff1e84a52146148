"""Grading a class: `autograder grade` beside plain `nbgrader autograde`, on the same right submissions.

    python -m benchmarks.class [--students 20] [--unit convolution]

Plain means nbgrader's default configuration and test cells that make the same comparisons in the kernel, with
the inputs and the right outputs of the hidden checks recorded beside the notebook; NumPy is the only heavy
import. Left out, in plain nbgrader's favour: there, the checks for unchanged arguments and for executed lines;
in both, the demonstrations tagged not-graded-code, which plain nbgrader would run. Both commands are timed
whole, on fresh course folders with the same submissions; all submissions differ, so that nothing is graded once
for several. The last line is the ratio.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cloudpickle
import nbformat
import numpy as np
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from autograder import variants
from autograder.runner import Checks, with_checks
from autograder.student import LocalStudent, resolve
from autograder.units import Unit, unit
from tests.class_factory import Maker, make_course, movable

PLAIN_CELL = """
import pickle
import numpy as np

def same(actual, expected):
    if isinstance(expected, (tuple, list)):
        assert len(actual) == len(expected)
        for a, e in zip(actual, expected):
            same(a, e)
    elif expected is not None:
        single = np.asarray(expected).dtype == np.float32
        rtol, atol = (1e-4, 1e-5) if single else (1e-6, 1e-9)
        np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)

with open("recorded.pkl", "rb") as file:
    calls = pickle.load(file)[{name!r}]
for function, args, kwargs, error, expected in calls:
    if error:
        try:
            globals()[function](*args, **kwargs)
        except Exception as raised:
            assert type(raised).__name__ == error
        else:
            raise AssertionError(error + " expected")
    else:
        same(globals()[function](*args, **kwargs), expected)
"""


def recorded_calls(checks: Checks) -> dict[str, list[tuple]]:
    """Exercise -> what its hidden checks ask: (function, args, kwargs, error, right value)."""

    def plain(value: Any) -> Any:
        return resolve(value, lambda kept: kept.reference, lambda token: np.random.default_rng(token.seed))

    calls: dict[str, list[tuple]] = {}
    for check in checks.hidden():
        student = LocalStudent(checks.unit)
        outcome = checks.run(check, student)
        if not outcome.passed:
            raise RuntimeError(f"the reference does not pass {check.name}: {outcome.sentence}")
        for called in student.log:
            raised = called.expected.raised
            entry = (called.function, plain(called.args), plain(called.kwargs))
            entry += (raised.type_name if raised else "", called.expected.value)
            calls.setdefault(check.exercise, []).append(entry)
    by_value(checks)
    return calls


def by_value(checks: Checks) -> None:
    """Functions written in a check's file travel as code: the kernel cannot import that file."""
    for module in {check.item.module for check in checks.all}:
        cloudpickle.register_pickle_by_value(module)


def right_submissions(which: Unit, released: NotebookNode, count: int) -> list[NotebookNode]:
    """Right in two styles, every one with a line of its own, without demonstrations."""
    make = Maker(which, released)
    others = [found[0] for found in movable(variants.load(which), which).values() if found]
    notebooks = []
    for number in range(count):
        notebook = make.with_replacements(*(others if number % 2 else []))
        notebook.cells = [c for c in notebook.cells if "not-graded-code" not in c.metadata.get("tags", ())]
        notebook.cells.append(nbformat.v4.new_code_cell(f"student = {number}"))
        notebooks.append(notebook)
    return notebooks


def hand_in_all(course: Path, which: Unit, notebooks: list[NotebookNode]) -> None:
    for number, notebook in enumerate(notebooks):
        place = course / "submitted" / f"s{number:02}" / which.name
        shutil.copytree(course / "release" / which.name, place)
        nbformat.write(notebook, place / f"{which.name}.ipynb")


def make_plain_course(course: Path, ours: Path, which: Unit, calls: dict[str, list[tuple]]) -> None:
    """A course in nbgrader's default configuration, with comparisons in its test cells."""
    source = course / "source" / which.name
    source.mkdir(parents=True)
    (course / "nbgrader_config.py").write_text("c = get_config()\n")
    notebook = nbformat.read(ours / "source" / which.name / f"{which.name}.ipynb", as_version=4)
    with_comparisons(notebook, which)
    nbformat.write(notebook, source / f"{which.name}.ipynb")
    for path in (ours / "release" / which.name).iterdir():
        if path.is_file() and path.suffix != ".ipynb":
            shutil.copy(path, source)  # given.py, data
    (source / "recorded.pkl").write_bytes(cloudpickle.dumps(calls))
    nbgrader(course, "generate_assignment", which.name)


def with_comparisons(notebook: NotebookNode, which: Unit) -> None:
    names = {exercise.name for exercise in which.exercises}
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") in names:
            cell.source = PLAIN_CELL.replace("{name!r}", repr(cell.metadata.nbgrader.grade_id))


def nbgrader(course: Path, *words: str) -> float:
    return timed(course, [sys.executable, "-m", "nbgrader", *words])


def timed(course: Path, command: list[str]) -> float:
    """Seconds of a command; what it printed is shown where it failed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    start = time.perf_counter()
    done = subprocess.run(command, cwd=course, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return seconds


def all_right(course: Path, which: Unit, count: int) -> bool:
    """Whether every submission has all points that no person gives."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        submissions = gradebook.assignment_submissions(which.name)
        # More than the maximum is right, too: a bonus earns extra credit.
        best = {submission.code_score >= submission.max_code_score for submission in submissions}
        return len(submissions) == count and best == {True}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.class")
    parser.add_argument("--students", type=int, default=20)
    parser.add_argument("--unit", default="convolution")
    options = parser.parse_args()
    which, count = unit(options.unit), options.students
    with tempfile.TemporaryDirectory() as folder:
        ours, plain = Path(folder, "ours"), Path(folder, "plain")
        print(f"Preparing two courses with {count} right submissions of {which.name}", flush=True)
        make_course(ours, which)
        make_plain_course(plain, ours, which, with_checks(which, recorded_calls))
        for course in (ours, plain):
            released = nbformat.read(course / "release" / which.name / f"{which.name}.ipynb", as_version=4)
            hand_in_all(course, which, right_submissions(which, released, count))
        print("nbgrader autograde ...", flush=True)
        slow = nbgrader(plain, "autograde", which.name) / count
        print("autograder grade ...", flush=True)
        fast = timed(ours, [sys.executable, "-m", "autograder", "grade", which.name]) / count
        for course in (plain, ours):
            if not all_right(course, which, count):
                sys.exit(f"Not all submissions got all points in {course.name}: the times mean nothing.")
    print(f"nbgrader autograde, plain   {slow:.3f} s per submission")
    print(f"autograder grade            {fast:.3f} s per submission")
    print(f"ratio: {slow / fast:.1f}")


if __name__ == "__main__":
    main()
