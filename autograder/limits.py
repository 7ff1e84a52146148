"""Limits of a course's own: `c.Grade.limits = {"call_seconds": 5}` in nbgrader_config.py.

The defaults stand in `autograder.units.Limits`, and nowhere else.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping

from autograder.units import Limits, Unit

DEFAULTS = dataclasses.asdict(Limits())


class UnusableLimit(ValueError):
    """A limit that does not exist or has no usable value; the text is one sentence."""


def with_limits(unit: Unit, changed: Mapping[str, float]) -> Unit:
    """The unit with some of its limits changed. Raises UnusableLimit."""
    for name, value in changed.items():
        if name not in DEFAULTS:
            near = difflib.get_close_matches(str(name), DEFAULTS, n=1, cutoff=0.4) or sorted(DEFAULTS)
            raise UnusableLimit(f"There is no limit called {name!r}. Did you mean {' or '.join(near)}?")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 < value < float("inf"):
            raise UnusableLimit(f"The limit {name} is a number above 0, not {value!r}.")
        if isinstance(DEFAULTS[name], int) and value != int(value):
            raise UnusableLimit(f"The limit {name} is a whole number, not {value!r}.")
    same_type = {name: type(DEFAULTS[name])(value) for name, value in changed.items()}
    return dataclasses.replace(unit, limits=dataclasses.replace(unit.limits, **same_type))
