"""What a class costs that was graded before: `autograder grade` again, with nothing or one check changed.

    python -m benchmarks.regrade [--students 1000] [--unit convolution]

One right submission is graded by a real host; its result is stored for all, which differ in a line each. Then the
class is graded again, nothing being left to grade, and the seconds are told apart: reading what was handed in and
finding its results, which is ours, and entering it into the gradebook. At last a check is said to have changed (its
version is another, nothing else), and what is graded then is counted. The last line is the first figure for 1,000.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections import Counter
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat

from autograder import classes
from autograder.booking import Books
from autograder.classes import find_submissions, grade_class, prepare
from autograder.host import Host
from autograder.results import Result
from autograder.store import FILE_NAME, Store
from autograder.units import Unit, unit
from autograder.versions import Versions, versions_of
from tests.class_factory import Maker, make_course


class Prepared(Executor):
    """Answers at once, with the items that a host found once; counts the exercises that were asked."""

    def __init__(self, result: Result):
        self.result, self.asked = result, Counter()

    def submit(self, function: Any, /, unit_name: str, job: Any, *more: Any, **options: Any) -> Future:
        self.asked.update(job.exercises)
        items = [item for item in self.result.items if item.exercise in job.exercises]
        future: Future = Future()
        future.set_result(replace(self.result, submission=job.name, items=items))
        return future


def hand_in(course: Path, which: Unit, count: int) -> None:
    """Right submissions, each with a line of its own."""
    name = f"{which.name}.ipynb"
    make = Maker(which, nbformat.read(course / "release" / which.name / name, as_version=4))
    notebook = make.notebook(make.model_answers)
    notebook.cells.append(nbformat.v4.new_code_cell("student = 0"))
    text = nbformat.writes(notebook)
    for number in range(count):
        place = course / "submitted" / f"s{number:05}" / which.name
        place.mkdir(parents=True)
        (place / name).write_text(text.replace("student = 0", f"student = {number}"))


class Clock:
    """Seconds in the book-keeping of a run."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, method: Any) -> Any:
        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - began

        return timed


def graded(course: Path, which: Unit, executor: Executor) -> tuple[float, float]:
    """(seconds, of them for book-keeping) of grading the class."""
    clock, methods = Clock(), {name: getattr(Books, name) for name in ("__init__", "__exit__", "add")}
    lateness = classes.lateness
    try:
        for name, method in methods.items():
            setattr(Books, name, clock.around(method))
        classes.lateness = clock.around(lateness)
        began = time.perf_counter()
        rows = grade_class(which.name, course, executor=executor, isolation="bubblewrap", progress=False)
        seconds = time.perf_counter() - began
    finally:
        classes.lateness = lateness
        for name, method in methods.items():
            setattr(Books, name, method)
    if not all(row.graded and row.score == row.max_score for row in rows):
        raise SystemExit("Not all submissions got all points: the times mean nothing.")
    return seconds, clock.seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.regrade")
    parser.add_argument("--students", type=int, default=1000)
    parser.add_argument("--unit", default="convolution")
    options = parser.parse_args()
    which, count = unit(options.unit), options.students
    folder = Path(tempfile.mkdtemp())
    try:
        make_course(folder, which)
        hand_in(folder, which, count)
        course, _ = classes.course_of(folder)
        submissions = find_submissions(course, which.name)
        with Host(which.name) as host:
            result = host.grade(submissions[0].path, submissions[0].student)
        first = Prepared(result)
        print(f"{count} submissions of {which.name}, {len(which.exercises)} exercises each", flush=True)
        seconds, books = graded(folder, which, first)
        print(f"first run, results prepared   {seconds:6.2f} s, of them {books:6.2f} s book-keeping", flush=True)
        again = Prepared(result)
        seconds, books = graded(folder, which, again)
        print(f"again, nothing changed        {seconds:6.2f} s, of them {books:6.2f} s book-keeping", flush=True)
        if again.asked:
            raise SystemExit(f"Exercises were graded twice: {dict(again.asked)}")
        ours, versions = seconds - books, versions_of(which, "bubblewrap")
        with Store(folder / FILE_NAME) as store:
            began = time.perf_counter()
            for submission in submissions:
                prepare(submission, which, versions, store)
            read = time.perf_counter() - began
            began = time.perf_counter()
            for submission in submissions:
                store.get(submission.code, versions, which, submission.student, "bubblewrap")
            print(f"  reading and hashing {read:.2f} s, finding results {time.perf_counter() - began:.2f} s")
        changed = which.exercises[0].name
        parts = versions.parts | {changed: versions.parts[changed] | {"checks": "another"}}
        classes.versions_of = lambda unit, isolation: Versions(versions.base, parts)
        after = Prepared(result)
        graded(folder, which, after)
        print(f"after a change of the checks of {changed}: graded {dict(after.asked)}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"without book-keeping: {ours * 1000 / count:.2f} s per 1,000 submissions")


if __name__ == "__main__":
    main()
