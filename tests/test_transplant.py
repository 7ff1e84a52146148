"""A mistake pasted into a notebook computes what the mistake computes, and does not say which it is."""

import numpy as np
import pytest

from autograder import mistakes, variants
from autograder.units import UNITS
from tests.transplant import CannotMove, as_cell

LIMIT = 3  # "the module's constant"


def _helper(x):
    return np.minimum(x, LIMIT)


def clipped(x: np.ndarray, times: int = 2) -> np.ndarray:
    """You clip: this sentence stays behind."""

    def inner(y):
        return _helper(y) * times

    return inner(x)


def countdown(n):
    return [n, *countdown(n - 1)] if n else []


def test_helpers_constants_and_imports_come_along_and_the_docstring_does_not():
    cell = as_cell({"renamed": clipped})
    assert "stays behind" not in cell
    space = {}
    exec(cell, space)
    np.testing.assert_array_equal(space["renamed"](np.array([1, 5])), [2, 6])
    assert {name for name in space if not name.startswith("_")} == {"np", "renamed"}


def test_a_recursive_function_finds_itself():
    space = {}
    exec(as_cell({"f": countdown}), space)
    assert space["f"](2) == [2, 1]


def test_what_is_no_plain_function_is_refused():
    with pytest.raises(CannotMove):
        as_cell({"f": lambda x: x})


EVERY = [
    pytest.param(replacement, id=f"{unit.name}-{replacement.name}")
    for unit in UNITS.values()
    for load in (mistakes.load, variants.load)
    for replacement in load(unit).values()
]


@pytest.mark.parametrize("replacement", EVERY)
def test_a_mistake_or_variant_can_be_pasted(replacement):
    pieces = replacement.functions.values()
    if any(isinstance(piece, type) or "<l" in piece.__qualname__ for piece in pieces):
        with pytest.raises(CannotMove):  # classes, lambdas and closures have no text that stands by itself
            as_cell(replacement.functions)
        return
    cell = as_cell(replacement.functions)
    assert not replacement.sentence or replacement.sentence not in cell
    assert "solutions" not in cell
    assert "autograder" not in cell
    space = {}
    exec(cell, space)
    assert set(replacement.functions) <= set(space)
