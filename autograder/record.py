"""Records the visible checks of a unit as data: the cases.npz that a student's `check` replays.

Every visible check is run on the reference with the student's inputs, and what it calls and asks is written down; then
once on each mistake of its exercise, to know what that mistake answers there.
"""

from __future__ import annotations

import argparse
import functools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import numpy as np

from autograder import mistakes
from autograder.diagnose import agree
from autograder.judging import Equals, Judgement, Raises, Structure, Unchanged, Wrong, reply_of
from autograder.lecture_links import lecture_links
from autograder.paths import BACKPASS, ROOT, source_notebook
from autograder.points import exercise_points
from autograder.replacement import Replacement
from autograder.runner import Check, Checks, with_checks
from autograder.sandbox import Generator
from autograder.student import CACHE_AT, Called, Kept, LocalStudent, argument_names
from autograder.units import Unit, returns_cache
from autograder.units import unit as unit_called
from backpass import cases
from backpass.compare import returned_names

_HINT = re.compile(r"<details><summary>Hint[^<]*</summary>(.*?)</details>", re.DOTALL)
_THEN = {
    Structure: cases.STRUCTURE,
    Equals: cases.EQUALS,
    Raises: cases.RAISES,
    Unchanged: cases.UNCHANGED,
}


class CannotRecord(ValueError):
    """The check asks something that is no data: declare it audience="grader"."""


class _Recorder(LocalStudent):
    """The reference, with every call and question written down as a step."""

    def __init__(self, unit: Unit):
        super().__init__(unit)
        self.steps: list[cases.Call | cases.Ask] = []
        self.right: list[Called] = []
        self._came: dict[int, tuple[Any, cases.Came]] = {}  # by id; the value is kept alive beside
        self._seeds: dict[int, tuple[Generator, cases.Seed]] = {}

    def ask(self, function: str, args: tuple, kwargs: dict, judgement: Judgement) -> Any:
        called = self.observe(function, args, kwargs)
        judgement.judge(called)
        reference = self.reference_of(function)
        self.steps.append(
            cases.Call(
                function=function,
                args=self._as_data(args),
                kwargs=self._as_data(kwargs),
                names=(*argument_names(reference, args), *kwargs),
                keep=(CACHE_AT,) if returns_cache(function) else (),
                returns=returned_names(reference),
                then=_THEN[type(judgement)],
                rtol=getattr(judgement, "rtol", None),
                atol=getattr(judgement, "atol", None),
                part=getattr(judgement, "part", None),
                error=judgement.error.__name__ if isinstance(judgement, Raises) else "",
                right=reply_of(function, called.answer),
            )
        )
        self.right.append(called)
        value = self._with_kept(called)
        self._remember(value, cases.Came(len(self.steps) - 1))
        return value

    def observe(self, function: str, args: tuple, kwargs: dict, lines: bool = False) -> Called:
        if lines:
            raise CannotRecord(f"{function}: lines are counted by the grader alone")
        return super().observe(function, args, kwargs)

    def property_asked(self, name: str, values: tuple, options: dict) -> None:
        self.steps.append(cases.Ask(name, self._as_data(values), self._as_data(options)))

    def _remember(self, value: Any, came: cases.Came) -> None:
        if isinstance(value, np.ndarray | np.generic | float | Kept):
            self._came[id(value)] = (value, came)
        entries = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, tuple | list) else ()
        )
        for key, entry in entries:
            self._remember(entry, cases.Came(came.step, (*came.path, key)))

    def _as_data(self, value: Any) -> Any:
        if id(value) in self._came:
            return self._came[id(value)][1]
        if isinstance(value, Generator):
            seed = cases.Seed(value.seed, len(self._seeds))
            return self._seeds.setdefault(id(value), (value, seed))[1]
        if isinstance(value, np.ndarray):
            return value.copy()  # a check may go on working with its own
        if isinstance(value, tuple | list):
            return type(value)(map(self._as_data, value))
        if isinstance(value, dict):
            return {key: self._as_data(entry) for key, entry in value.items()}
        return value


class _Stop(Exception):
    """A call of the mistake raised: the check cannot go on."""


class _Wrongdoer(LocalStudent):
    """A mistake whose answers are collected; a failed judgement is noted, and the check goes on."""

    def __init__(self, unit: Unit, mistake: Replacement):
        super().__init__(unit, mistake.functions)
        self.answers: list[Called] = []
        self.failed = False

    def ask(self, function: str, args: tuple, kwargs: dict, judgement: Judgement) -> Any:
        called = self.observe(function, args, kwargs)
        self.answers.append(called)
        try:
            judgement.judge(called)
        except Wrong:
            self.failed = True
        if called.answer.raised and not isinstance(judgement, Raises):
            raise _Stop
        return self._with_kept(called)


def _case(checks: Checks, check: Check, known: list[Replacement]) -> cases.Case:
    recorder = _Recorder(checks.unit)
    outcome = checks.run(check, recorder, "student")
    if not outcome.passed:
        raise CannotRecord(f"the visible form of {check.name} cannot be recorded: {outcome.sentence}")
    calls = [step for step in recorder.steps if isinstance(step, cases.Call)]
    failed_by = []
    for mistake in known:
        if not mistake.functions.keys() & {call.function for call in calls}:
            continue  # nothing of it is called here
        wrongdoer = _Wrongdoer(checks.unit, mistake)
        outcome = checks.run(check, wrongdoer, "student")
        for call, right, wrong in zip(calls, recorder.right, wrongdoer.answers, strict=False):
            if not agree(call.function, wrong.answer, right.answer):
                call.wrong[mistake.name] = reply_of(call.function, wrong.answer)
        if wrongdoer.failed or not outcome.passed:
            failed_by.append(mistake.name)
    return cases.Case(check.exercise, check.title, float(check.points), check.about, recorder.steps, tuple(failed_by))


def hints(unit: Unit) -> dict[str, tuple[str, ...]]:
    """The folded hints of each exercise, from the text before its stub in the source notebook."""
    path = source_notebook(unit.name)
    found: dict[str, tuple[str, ...]] = {}
    text = ""
    for cell in nbformat.read(path, as_version=4).cells if path.exists() else ():
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "").removesuffix("_solution")
        if cell.cell_type == "markdown":
            text = cell.source
        elif name in (exercise.name for exercise in unit.exercises):
            found.setdefault(name, tuple(hint.strip() for hint in _HINT.findall(text)))
    return found


def book(checks: Checks) -> cases.Book:
    """All visible cases of the unit, with the sentences of its mistakes and the hints of its exercises."""
    unit, known, points = checks.unit, mistakes.load(checks.unit), exercise_points(checks)
    helped, links = hints(unit), lecture_links(unit)
    by_exercise = {e.name: [m for m in known.values() if m.exercise(unit) == e.name] for e in unit.exercises}
    return cases.Book(
        unit=unit.name,
        title=unit.title,
        number=unit.number,
        exercises={
            e.name: cases.Exercise(
                e.functions, float(points[e.name]), e.bonus, helped.get(e.name, ()), links.get(e.name, "")
            )
            for e in unit.exercises
        },
        cases=[_case(checks, check, by_exercise[check.exercise]) for check in checks.visible()],
        mistakes={
            name: cases.Mistake(m.exercise(unit), m.sentence, tuple(m.functions), m.shown_by, m.twin)
            for name, m in known.items()
        },
    )


def record(checks: Checks, path: Path) -> None:
    cases.save(path, book(checks))


def write_cases(unit: Unit, path: Path) -> None:
    """Write cases.npz, in a process of its own: pytest does not run inside Jupyter or nbgrader."""
    paths = os.pathsep.join(filter(None, [str(ROOT), str(BACKPASS.parent), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "autograder.record", unit.name, str(Path(path).absolute())]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": paths})
    if done.returncode:
        raise CannotRecord(f"The cases of unit {unit.name} could not be recorded: {done.stderr.strip()}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m autograder.record", description="Write a unit's cases.npz.")
    parser.add_argument("unit")
    parser.add_argument("path", type=Path)
    options = parser.parse_args()
    with_checks(unit_called(options.unit), functools.partial(record, path=options.path))


if __name__ == "__main__":
    main()
