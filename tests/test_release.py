"""What students get: stubs with their contracts, and no line of an answer."""

from __future__ import annotations

import ast
import re

import nbformat
import pytest

from autograder.given import given_source
from autograder.paths import source_notebook
from autograder.record import hints
from autograder.released import released
from autograder.units import PATHS, UNITS

WRITTEN = [unit for unit in UNITS.values() if source_notebook(unit.name).exists()]
for_every_unit = pytest.mark.parametrize("unit", WRITTEN, ids=lambda unit: unit.name)
SOLUTION = re.compile(r"### BEGIN SOLUTION(.*?)### END SOLUTION", re.DOTALL)


def source_of(unit):
    return nbformat.read(source_notebook(unit.name), as_version=4)


@for_every_unit
def test_every_exercise_is_a_stub_with_its_contract_and_one_check(unit):
    notebook = released(source_of(unit))
    cells = {c.metadata.nbgrader.grade_id: c for c in notebook.cells if "nbgrader" in c.metadata}
    for exercise in unit.exercises:
        assert cells[exercise.name].source == f'check("{exercise.name}")'
        assert cells[exercise.name].metadata.nbgrader.locked
        stub = cells[f"{exercise.name}_solution"].source
        assert stub.count("raise NotImplementedError") >= 1
        defined = [node for node in ast.parse(stub).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        assert {node.name for node in defined} >= set(exercise.functions)
        assert all(ast.get_docstring(node) for node in defined if node.name in exercise.functions)


@for_every_unit
def test_no_line_of_a_model_answer_is_released(unit):
    source = source_of(unit)
    answers = "\n".join(found for cell in source.cells for found in SOLUTION.findall(cell.source))
    lines = {line.strip() for line in answers.splitlines() if len(line.strip()) > 40}
    text = "\n".join(cell.source for cell in released(source).cells)
    assert "BEGIN SOLUTION" not in text
    assert [line for line in lines if line in text] == []


@for_every_unit
def test_given_holds_only_what_is_imported_from_it(unit):
    wanted = set()
    for cell in source_of(unit).cells:
        if cell.cell_type == "code":
            for node in ast.walk(ast.parse(re.sub(r"^[%!].*$", "", cell.source, flags=re.MULTILINE))):
                if isinstance(node, ast.ImportFrom) and node.module == "given":
                    wanted |= {alias.name for alias in node.names}
    source = given_source(unit.name)
    defined = {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    assert wanted <= defined


@for_every_unit
def test_one_question_is_graded_by_hand_and_the_layer_is_at_work(unit):
    notebook = source_of(unit)
    by_hand = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "markdown" and cell.metadata.get("nbgrader", {}).get("grade")
    ]
    assert len(by_hand) == 1
    assert by_hand[0].metadata.nbgrader.points > 0
    assert any("not-graded-code" in cell.metadata.get("tags", []) for cell in notebook.cells)
    assert any("Your layer at work" in cell.source for cell in notebook.cells)
    assert sum(len(found) for found in hints(unit).values()) >= len(unit.exercises) // 2


def test_paths_name_units_and_exercises_that_exist():
    for path in PATHS.values():
        for name, exercises in path.items():
            assert exercises is None or all(UNITS[name].exercise(exercise) for exercise in exercises)
