"""Known mistakes written a second time in another style: they must be rejected and named just the same."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from autograder.units import Unit


def again(mistake: str, *, also: dict[str, Callable] | None = None) -> Callable[[Callable], Callable]:
    """Declare the decorated function as another way to make `mistake`; `also` holds companions that it needs."""

    def declare(function: Callable) -> Callable:
        function.again = (mistake, also or {})
        return function

    return declare


def load(unit: Unit) -> list[tuple[str, Callable, dict[str, Callable]]]:
    """(mistake, function, companions) of a unit, in the order of the file."""
    module = importlib.import_module(f"tests.second_style.{unit.name}")
    return [(*f.again[:1], f, f.again[1]) for f in vars(module).values() if hasattr(f, "again")]
