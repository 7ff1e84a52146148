"""given.py brings earlier units' functions, and never an answer of its own or a later unit."""

from __future__ import annotations

import ast

import pytest

from autograder.given import given_source
from autograder.paths import SOLUTIONS
from autograder.units import UNITS

WRITTEN = [unit for unit in UNITS.values() if (SOLUTIONS / f"{unit.name}.py").exists()]


@pytest.mark.parametrize("unit", WRITTEN, ids=lambda unit: unit.name)
def test_given_runs_alone_and_holds_no_answer(unit):
    source = given_source(unit.name)
    defined = {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    later = {f for other in UNITS.values() if other.number >= unit.number for f in other.functions}
    assert not defined & later
    assert "solutions" not in source
    namespace: dict = {}
    exec(compile(source, "given.py", "exec"), namespace)
    assert defined <= namespace.keys()
