"""Right answers in other styles: every one must get full marks and no name of a mistake."""

from __future__ import annotations

from collections.abc import Callable

from autograder import replacement as _replacement
from autograder.replacement import Replacement
from autograder.units import Unit


def variant(function: str, *, also: dict[str, Callable] | None = None) -> Callable[[Callable], Callable]:
    """Declare the decorated function as a right `function`; `also` holds companions that share its cache."""

    def declare(right: Callable) -> Callable:
        return _replacement.attach(right, Replacement(right.__name__, {function: right, **(also or {})}))

    return declare


def load(unit: Unit) -> dict[str, Replacement]:
    return _replacement.load(f"autograder.variants.{unit.name}", unit)
