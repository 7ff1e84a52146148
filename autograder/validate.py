"""Proves the grader for a unit: right answers get everything, stubs nothing, every mistake is rejected and named."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from autograder import mistakes, variants
from autograder.diagnose import Diagnosis
from autograder.grading import grade_file, grade_student
from autograder.paths import source_notebook
from autograder.record import CannotRecord, book
from autograder.released import write_released
from autograder.replacement import Replacement
from autograder.results import Result
from autograder.runner import Check, Checks, with_checks
from autograder.student import LocalStudent
from autograder.units import Unit
from backpass.cases import CASES, Book, load, save
from backpass.check import check_exercise
from backpass.report import Item

# `check` may let through one mistake in so many that the hidden checks reject.
LET_THROUGH = 20


@dataclass
class Proof:
    """What validate found. It holds when `faults` is empty."""

    unit: Unit
    checks: list[Check] = field(default_factory=list)
    # mistake -> names of the checks that it fails
    kills: dict[str, list[str]] = field(default_factory=dict)
    # mistake -> the items as its student reads them
    items: dict[str, list[Item]] = field(default_factory=dict)
    variants: list[str] = field(default_factory=list)
    let_through: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def items_of(checks: Checks, diagnosis: Diagnosis, replacement: Replacement) -> list[Item]:
    """The items of its exercise that a student with this function gets."""
    student = LocalStudent(checks.unit, replacement.functions)
    exercise = replacement.exercise(checks.unit)
    return grade_student(checks, diagnosis, student, [exercise])


def prove(unit: Unit, isolation: str = "bubblewrap") -> Proof:
    return with_checks(unit, lambda checks: _prove(checks, isolation))


def _prove(checks: Checks, isolation: str) -> Proof:
    known = mistakes.load(checks.unit)
    diagnosis = Diagnosis(checks, known)
    proof = Proof(checks.unit, checks.hidden())
    proof.faults += _exercises_without_checks(checks)
    proof.faults += _right_variants(checks, diagnosis, proof)
    proof.faults += _wrong_ones(checks, diagnosis, known, proof)
    proof.faults += _submissions(checks, diagnosis, isolation)
    proof.faults += _students_own_check(checks, known, proof)
    return proof


def _exercises_without_checks(checks: Checks) -> Iterator[str]:
    for exercise in checks.unit.exercises:
        if not checks.hidden(exercise.name):
            yield f"the exercise {exercise.name} has no hidden check"
        if not checks.visible(exercise.name):
            yield f"the exercise {exercise.name} has no visible case"


def _right_variants(checks: Checks, diagnosis: Diagnosis, proof: Proof) -> Iterator[str]:
    for item in grade_student(checks, diagnosis, LocalStudent(checks.unit)):
        if item.state != "passed":
            yield f"the reference fails {item.exercise} / {item.title}: {item.message}"
    for name, variant in variants.load(checks.unit).items():
        proof.variants.append(name)
        for item in items_of(checks, diagnosis, variant):
            if item.state != "passed":
                yield f"the right variant {name} fails {item.exercise} / {item.title}: {item.message}"
            if item.mistake_name:
                yield f"the right variant {name} is called {item.mistake_name}"


def _wrong_ones(checks: Checks, diagnosis: Diagnosis, known: dict[str, Replacement], proof: Proof) -> Iterator[str]:
    for name, mistake in known.items():
        items = proof.items[name] = items_of(checks, diagnosis, mistake)
        hidden = checks.hidden(mistake.exercise(checks.unit))
        proof.kills[name] = [c.name for c, item in zip(hidden, items, strict=True) if item.state != "passed"]
        broken = [item for item in items if item.state == "not_graded"]
        if broken:
            yield f"the mistake {name} breaks {broken[0].title}: {broken[0].message}"
        if not proof.kills[name]:
            yield f"the mistake {name} survives every check"
            continue
        called = {one for item in items for one in item.mistake_name.split()}
        if name not in called:
            yield f"the mistake {name} is rejected but not named (named: {', '.join(called) or 'nothing'})"
        others = called - {name} - _twins(name, known)
        if others:
            yield f"the mistake {name} is also called {', '.join(sorted(others))}"


def _twins(name: str, known: dict[str, Replacement]) -> set[str]:
    return {known[name].twin} | {other for other, m in known.items() if m.twin == name}


def _submissions(checks: Checks, diagnosis: Diagnosis, isolation: str) -> Iterator[str]:
    """The instructor's notebook gets full marks in the sandbox, the released one zero."""
    source = source_notebook(checks.unit.name)
    if not source.exists():
        yield f"there is no {source.name} in source/{checks.unit.name}/"
        return
    model = grade_file(checks, diagnosis, source, "model answers", isolation)
    yield from _unlike(model, "passed", "the model answers")
    with tempfile.TemporaryDirectory() as folder:
        stub = write_released(source, Path(folder))
        yield from _unlike(grade_file(checks, diagnosis, stub, "stub", isolation), "not_attempted", "the released stub")


def _unlike(result: Result, state: str, whose: str) -> Iterator[str]:
    if result.trouble:
        yield f"{whose}: {result.trouble}"
        return
    for item in result.items:
        if item.state != state:
            yield f"{whose}: {item.exercise} / {item.title} is {item.state}: {item.message}"


def _students_own_check(checks: Checks, known: dict[str, Replacement], proof: Proof) -> Iterator[str]:
    """`check` refuses nothing right, and lets through at most one mistake in twenty that is rejected here."""
    try:
        visible = _as_on_disk(book(checks))
    except CannotRecord as error:
        yield str(error)
        return
    for exercise in checks.unit.exercises:
        yield from _refused(visible, exercise.name, Replacement("the reference", {}), checks.unit)
    for variant in variants.load(checks.unit).values():
        yield from _refused(visible, variant.exercise(checks.unit), variant, checks.unit)
    for name, mistake in known.items():
        items = _visible_items(visible, mistake.exercise(checks.unit), mistake, checks.unit)
        called = {one for item in items for one in item.mistake_name.split()}
        if called - {name} - _twins(name, known):
            yield f"the student's check calls the mistake {name} {', '.join(called)}"
        if proof.kills[name] and all(item.state == "passed" for item in items):
            proof.let_through.append(name)
    if len(proof.let_through) * LET_THROUGH > len(known):
        names = ", ".join(proof.let_through)
        yield f"the student's check lets through {len(proof.let_through)} of {len(known)}: {names}"


def _as_on_disk(recorded: Book) -> Book:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / CASES
        save(path, recorded)
        return load(path)


def _visible_items(visible: Book, exercise: str, replacement: Replacement, unit: Unit) -> list[Item]:
    """The items of the student's own `check` for the reference with some functions replaced."""
    reference = importlib.import_module(f"solutions.{unit.name}")
    own = {f: replacement.functions.get(f) or getattr(reference, f, None) for f in unit.functions}
    return check_exercise(visible, exercise, own).items


def _refused(visible: Book, exercise: str, right: Replacement, unit: Unit) -> Iterator[str]:
    for item in _visible_items(visible, exercise, right, unit):
        if item.state != "passed":
            yield f"the student's check refuses {right.name}: {exercise} / {item.title}: {item.message}"


def show(proof: Proof, console: Console) -> None:
    """The kill matrix, exercise by exercise, then what the proof says."""
    known = mistakes.load(proof.unit)
    for exercise in proof.unit.exercises:
        columns = [check for check in proof.checks if check.exercise == exercise.name]
        table = Table(title=f"{exercise.name}: which check rejects which mistake", title_justify="left")
        table.add_column("mistake")
        for i, _ in enumerate(columns, 1):
            table.add_column(str(i), justify="center")
        for name, mistake in known.items():
            if mistake.exercise(proof.unit) == exercise.name:
                table.add_row(name, *("x" if check.name in proof.kills[name] else "" for check in columns))
        if table.row_count:
            console.print(table)
            console.print("   ".join(f"{i} {check.title}" for i, check in enumerate(columns, 1)), style="dim")
    console.print(
        f"{proof.unit.name}: {len(proof.checks)} hidden checks, {len(proof.kills)} mistakes, "
        f"{len(proof.variants)} right variants."
    )
    if proof.let_through:
        console.print(f"Rejected by the hidden checks, let through by `check`: {', '.join(proof.let_through)}.")
    for fault in proof.faults:
        console.print(f"FAULT  {fault}", style="bold red", markup=False)
    if not proof.faults:
        console.print("Everything holds.", style="bold green")
