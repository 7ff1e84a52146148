"""A function that stands in the place of the reference's: a known mistake, or a right answer in another style."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from autograder.units import Unit


@dataclass(frozen=True)
class Replacement:
    """`functions` replace the reference's of the same names; everything else of the exercise stays the reference's."""

    name: str
    functions: dict[str, Callable]
    sentence: str = ""
    rows: tuple[int, ...] = ()
    twin: str = ""
    shown_by: tuple[str, ...] = ()

    def exercise(self, unit: Unit) -> str:
        return unit.exercise_of(next(iter(self.functions))).name


def attach(function: Callable, replacement: Replacement) -> Callable:
    function.replacement = replacement
    return function


def load(module_name: str, unit: Unit) -> dict[str, Replacement]:
    """The replacements that a module defines, in order; an empty table where the module does not exist."""
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name:
            raise
        return {}
    found = {}
    for function in vars(module).values():
        replacement = getattr(function, "replacement", None)
        if isinstance(replacement, Replacement) and function.__module__ == module_name:
            unknown = set(replacement.functions) - set(unit.functions)
            if unknown:
                raise ValueError(
                    f"{module_name}.{replacement.name} replaces {sorted(unknown)}: not in unit {unit.name}"
                )
            found[replacement.name] = replacement
    return found
