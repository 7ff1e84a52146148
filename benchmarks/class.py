"""Grading a class: `autograder grade` beside plain `nbgrader autograde`, on the same submissions.

    python -m benchmarks.class [--students 200] [--plain 20] [--unit convolution]

The class is an ordinary one (tests/class_factory.py): of five submissions two are right, two have one to three known
mistakes, one is unfinished. Plain means nbgrader's default configuration and test cells that make the same
comparisons in the kernel, with the inputs and the right outputs of the hidden checks recorded beside the notebook;
NumPy is the only heavy import. Left out, in plain nbgrader's favour: there, the checks for unchanged arguments and
for executed lines, and naming mistakes; in both, the demonstrations tagged not-graded-code, which plain nbgrader would
run. Both commands are timed whole, on fresh course folders; all submissions differ, so that nothing is graded once
for several.

Plain nbgrader grades one after another, in a time that does not depend on how many there are: it grades --plain of
the submissions, in two commands of half of them each, and both times are shown. `--plain 200` grades all. Last the
breakdown, measured in one process on some of the submissions, and the ratio of seconds per submission.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import cloudpickle
import nbformat
import numpy as np
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from autograder import mistakes
from autograder.booking import Books
from autograder.classes import course_of
from autograder.diagnose import Diagnosis
from autograder.grading import grade_file
from autograder.pool import default_jobs
from autograder.results import Result
from autograder.runner import Checks, with_checks
from autograder.sandbox import Session
from autograder.student import LocalStudent, resolve
from autograder.units import Unit, unit
from tests.class_factory import make_course, ordinary_class

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


def hand_in_all(course: Path, which: Unit, notebooks: list[NotebookNode], first: int = 0) -> None:
    for number, notebook in enumerate(notebooks, start=first):
        place = course / "submitted" / f"s{number:03}" / which.name
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


def graded_as_meant(course: Path, which: Unit, kinds: dict[str, str]) -> bool:
    """Whether all submissions are graded, and the right ones have all points that no person gives."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        # More than the maximum is right, too: a bonus earns extra credit.
        full = {
            submission.student_id: submission.code_score >= submission.max_code_score
            for submission in gradebook.assignment_submissions(which.name)
            if all(
                grade.auto_score is not None for grade in submission.notebooks[0].grades if grade.cell_type == "code"
            )
        }
    return full.keys() == kinds.keys() and all(full[name] for name, kind in kinds.items() if kind == "right")


class Stopwatch:
    """Seconds spent in methods, without those spent in other watched methods that they call."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inner = [0.0]

    def watch(self, owner: type, method: str, what: str) -> None:
        function = getattr(owner, method)

        def watched(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            self._inner.append(0.0)
            try:
                return function(*args, **kwargs)
            finally:
                took = time.perf_counter() - start
                self.seconds[what] = self.seconds.get(what, 0.0) + took - self._inner.pop()
                self._inner[-1] += took

        setattr(owner, method, watched)


def breakdown(course: Path, which: Unit, count: int) -> dict[str, float]:
    """Where the seconds of a submission go, on one host."""
    watch = Stopwatch()
    watch.watch(Session, "start", "sandbox")
    watch.watch(Session, "close", "sandbox")
    watch.watch(Checks, "run", "checks")
    watch.watch(Diagnosis, "name", "diagnosis")
    watch.watch(Books, "add", "book-keeping")
    watch.watch(Books, "flush", "book-keeping")
    paths = sorted(course.glob(f"submitted/*/{which.name}/{which.name}.ipynb"))[:count]

    def graded(checks: Checks) -> list[Result]:
        diagnosis = Diagnosis(checks, mistakes.load(which))
        host_grades = partial(grade_file, checks, diagnosis, isolation="bubblewrap")
        for path in paths[:5]:  # as in a class, where the first ones are few
            host_grades(path=path, name="")
        watch.seconds.clear()
        return [host_grades(path=path, name=path.parent.parent.name) for path in paths]

    results = with_checks(which, graded)
    directory, config = course_of(course)
    with Books(directory, config, which.name) as books:
        for path, result in zip(paths, results, strict=True):
            books.add(path.parent.parent.name, path, result, lambda trouble: None)
    return {what: seconds / len(paths) for what, seconds in watch.seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.class")
    parser.add_argument("--students", type=int, default=200)
    parser.add_argument("--plain", type=int, default=20, help="how many of them plain nbgrader grades")
    parser.add_argument("--unit", default="convolution")
    options = parser.parse_args()
    which, count, few = unit(options.unit), options.students, min(options.plain, options.students)
    with tempfile.TemporaryDirectory() as folder:
        ours, halves = Path(folder, "ours"), [Path(folder, "plain-1"), Path(folder, "plain-2")]
        print(f"Preparing {count} submissions of {which.name}", flush=True)
        make_course(ours, which)
        calls = with_checks(which, recorded_calls)
        released = nbformat.read(ours / "release" / which.name / f"{which.name}.ipynb", as_version=4)
        kinds, notebooks = zip(*ordinary_class(which, released, count), strict=True)
        hand_in_all(ours, which, list(notebooks))
        slow = []
        for course, part in zip(halves, (range(few // 2), range(few // 2, few)), strict=True):
            make_plain_course(course, ours, which, calls)
            released = nbformat.read(course / "release" / which.name / f"{which.name}.ipynb", as_version=4)
            plain = [one for _, one in islice(ordinary_class(which, released, count), part.start, part.stop)]
            hand_in_all(course, which, plain, part.start)
            print(f"nbgrader autograde, {len(part)} submissions ...", flush=True)
            slow.append(nbgrader(course, "autograde", which.name) / len(part))
            check(course, which, {f"s{number:03}": kinds[number] for number in part})
        print(f"autograder grade, {count} submissions ...", flush=True)
        fast = timed(ours, [sys.executable, "-m", "autograder", "grade", which.name]) / count
        check(ours, which, {f"s{number:03}": kind for number, kind in enumerate(kinds)})
        both = " and ".join(f"{seconds:.3f}" for seconds in slow)
        print(f"nbgrader autograde, plain   {sum(slow) / 2:.3f} s per submission ({both} in halves of {few})")
        print(
            f"autograder grade            {fast:.3f} s per submission ({count}, on {default_jobs()} cores)", flush=True
        )
        for what, seconds in breakdown(ours, which, min(40, count)).items():
            print(f"    {what:<23} {seconds:.3f} s on one host")
    waiting = os.getloadavg()[0]
    if waiting > 2 * default_jobs():
        print(f"The machine is busy with other work (load {waiting:.0f}): the ratio is a rough one.")
    print(f"ratio: {sum(slow) / 2 / fast:.1f}")


def check(course: Path, which: Unit, kinds: dict[str, str]) -> None:
    if not graded_as_meant(course, which, kinds):
        sys.exit(f"Not all submissions were graded as they should be in {course.name}: the times mean nothing.")


if __name__ == "__main__":
    main()
