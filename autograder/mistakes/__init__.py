"""The known wrong solutions: each a function, and in its docstring the sentence that it earns."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from autograder import replacement as _replacement
from autograder.replacement import Replacement
from autograder.units import Unit


def mistake(
    function: str,
    *,
    row: int | tuple[int, ...] | None = None,
    also: dict[str, Callable] | None = None,
    twin: str = "",
    shown_by: str | tuple[str, ...] = (),
) -> Callable[[Callable], Callable]:
    """Declare the decorated function as a wrong `function`.

    row: the rows of the published list of mistakes that it stands for. also: companions that it needs (a backward
    for its own cache). twin: the name of a mistake that gives the same numbers on every input. shown_by:
    "property:tag" of random exercises, where numbers cannot be compared.
    """
    rows = () if row is None else row if isinstance(row, tuple) else (row,)
    tags = (shown_by,) if isinstance(shown_by, str) else tuple(shown_by)

    def declare(wrong: Callable) -> Callable:
        sentence = inspect.cleandoc(wrong.__doc__ or "").replace("\n", " ")
        if not sentence:
            raise ValueError(f"the mistake {wrong.__name__} has no docstring: a student would read nothing")
        functions = {function: wrong, **(also or {})}
        return _replacement.attach(wrong, Replacement(wrong.__name__, functions, sentence, rows, twin, tags))

    return declare


def load(unit: Unit) -> dict[str, Replacement]:
    return _replacement.load(f"autograder.mistakes.{unit.name}", unit)
