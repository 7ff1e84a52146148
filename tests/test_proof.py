"""The proof of the checks, for every unit: validate holds, mistakes are named in any style, messages are read."""

from __future__ import annotations

import functools
import itertools
import os
import re

import numpy as np
import pytest

from autograder import mistakes
from autograder.diagnose import Diagnosis, agree
from autograder.grading import grade_student
from autograder.paths import CHECKS
from autograder.points import points_of
from autograder.replacement import Replacement
from autograder.runner import with_checks
from autograder.student import LocalStudent
from autograder.units import UNITS
from autograder.validate import Proof, items_of, prove
from tests import second_style
from tests.golden import golden, render

BUILT = [unit for unit in UNITS.values() if (CHECKS / f"{unit.name}.py").exists()]
# A unit's tests share its proof, so they run in one process.
for_every_unit = pytest.mark.parametrize(
    "unit", [pytest.param(unit, marks=pytest.mark.xdist_group(unit.name), id=unit.name) for unit in BUILT]
)
# All pairs of mistakes take minutes: a sample of each unit's, or all with BACKPASS_ALL_PAIRS=1.
PAIRS = 10**9 if os.environ.get("BACKPASS_ALL_PAIRS") else 30


@functools.cache
def proof_of(name: str) -> Proof:
    return prove(UNITS[name])


@for_every_unit
def test_validate_holds(unit):
    assert proof_of(unit.name).faults == []


@for_every_unit
def test_a_third_of_the_mistakes_in_another_style_are_named(unit):
    known = mistakes.load(unit)
    rewritten = second_style.load(unit)
    assert len({name for name, _, _ in rewritten}) * 3 >= len(known)

    def faults(checks):
        diagnosis = Diagnosis(checks, known)
        for name, function, also in rewritten:
            target = next(iter(known[name].functions))
            items = items_of(checks, diagnosis, Replacement(name, {target: function, **also}))
            called = {one for item in items for one in item.mistake_name.split()}
            twins = {known[name].twin} | {other for other, m in known.items() if m.twin == name}
            if name not in called or called - twins - {name}:
                yield f"{function.__name__}: {called or 'not named'} in place of {name}"

    assert with_checks(unit, lambda checks: list(faults(checks))) == []


@for_every_unit
def test_two_mistakes_are_never_called_another_one(unit):
    """Every pair of mistakes in different functions of one exercise, made by one student."""
    known = mistakes.load(unit)
    pairs = [
        (one, other)
        for one, other in itertools.combinations(known.values(), 2)
        if one.exercise(unit) == other.exercise(unit) and not one.functions.keys() & other.functions.keys()
    ]

    def faults(checks):
        diagnosis = Diagnosis(checks, known)
        for one, other in pairs[:: max(1, len(pairs) // PAIRS)]:
            both = Replacement("both", one.functions | other.functions)
            called = {name for item in items_of(checks, diagnosis, both) for name in item.mistake_name.split()}
            twins = {m.name for m in known.values() if {m.twin, m.name} & {one.name, other.name}}
            if called - twins - {one.twin, other.twin}:
                yield f"{one.name} and {other.name} together are called {called}"

    assert with_checks(unit, lambda checks: list(faults(checks))) == []


class Answers(LocalStudent):
    """Collects every answer it gives."""

    def observe(self, function, args, kwargs, lines=False):
        called = super().observe(function, args, kwargs, lines)
        self.answers.append((function, called.answer))
        return called


@for_every_unit
def test_mistakes_differ_pairwise_or_are_declared_twins(unit):
    """On the calls that the reference would get, with every mistake answering in its place."""
    known = mistakes.load(unit)

    def table(checks):
        answers = {}
        for mistake in known.values():
            student = Answers(unit, mistake.functions)
            student.answers = []
            grade_student(checks, Diagnosis(checks, {}), student, [mistake.exercise(unit)])
            answers[mistake.name] = student.answers
        return answers

    answers = with_checks(unit, table)
    same = []
    for one, other in itertools.combinations(known.values(), 2):
        if one.exercise(unit) != other.exercise(unit) or other.name == one.twin or one.name == other.twin:
            continue
        mine, theirs = answers[one.name], answers[other.name]
        if len(mine) == len(theirs) and all(
            f == g and agree(f, a, b) for (f, a), (g, b) in zip(mine, theirs, strict=True)
        ):
            same.append((one.name, other.name))
    assert same == []


@for_every_unit
def test_points_of_the_checks_stand_in_the_source_notebook(unit):
    import nbformat

    from autograder.paths import source_notebook

    notebook = nbformat.read(source_notebook(unit.name), as_version=4)
    written = {
        cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader.points
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade")
    }
    assert written == points_of(unit)


@for_every_unit
def test_the_messages_are_the_golden_ones(unit):
    """After a change that was meant: python -m tests.golden, and read the difference as a student would."""
    assert render(proof_of(unit.name)) == golden()[unit.name]


def test_the_golden_file_holds_every_unit():
    assert list(golden()) == [unit.name for unit in BUILT]


@for_every_unit
def test_no_message_shows_an_expected_hidden_value(unit):
    text = "\n".join(item.message for items in proof_of(unit.name).items.values() for item in items)
    shown = {token for token in re.findall(r"-?\d+\.\d+(?:e[-+]?\d+)?", text) if len(token.strip("-0.")) > 3}

    def expected(checks):
        student = Answers(unit)
        student.answers = []
        grade_student(checks, Diagnosis(checks, {}), student)
        values = []
        for _, answer in student.answers:
            parts = answer.value if isinstance(answer.value, tuple | list) else [answer.value]
            values += [np.ravel(part) for part in parts if isinstance(part, np.ndarray | float) and np.size(part)]
        return np.concatenate([value.astype(float) for value in values if value.dtype.kind in "fiu"])

    values = with_checks(unit, expected)
    for token in shown:
        digits = len(token.split("e")[0].split(".")[1])
        assert not np.any(np.round(values, digits) == float(token)), f"{token} is an expected value"
