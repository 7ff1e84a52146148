"""Limits of a course's own: `c.Grade.limits = {"call_seconds": 5}` in nbgrader_config.py. See docs/limits.md.

The defaults stand in `autograder.units.Limits`, and nowhere else.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from traitlets.config import Config, LazyConfigValue, PyFileConfigLoader

from autograder.units import Limits, Unit

CONFIG = "nbgrader_config.py"
DEFAULTS = dataclasses.asdict(Limits())

# The least and the most of each: below, honest work would not run; above, the machine or the protocol would suffer.
_SECONDS = (0.1, 86_400.0)
RANGES: dict[str, tuple[float, float]] = {
    "call_seconds": _SECONDS,
    "cell_seconds": _SECONDS,
    "submission_seconds": _SECONDS,
    "wall_factor": (1.0, 1000.0),
    "idle_seconds": _SECONDS,
    "memory_bytes": (256 << 20, 1 << 40),
    "processes": (4, 4096),
    "file_bytes": (4096, 1 << 40),
    "scratch_bytes": (64 << 10, 1 << 40),
    "scratch_files": (100, 10_000_000),
    "open_files": (16, 4096),
    "reply_bytes": (1 << 20, 1 << 30),
    "printed_characters": (1, 250_000),  # as UTF-8 it must fit in wire.MAX_TEXT
    "call_backs": (1, 1_000_000_000),
    "notebook_bytes": (1 << 20, 1 << 30),
}


class UnusableConfiguration(ValueError):
    """The course's configuration cannot be used; the text is one sentence."""


class UnusableLimit(UnusableConfiguration):
    """A limit that does not exist or has no usable value; the text is one sentence."""


def checked(limits: object) -> dict[str, float]:
    """Limits by name, as they are kept. Raises UnusableLimit."""
    if not isinstance(limits, Mapping):
        raise UnusableLimit(f'c.Grade.limits is a dict like {{"call_seconds": 5}}, not {limits!r}.')
    return {name: _checked(name, value) for name, value in limits.items()}


def _checked(name: Any, value: Any) -> float:
    if name not in DEFAULTS:
        near = difflib.get_close_matches(str(name), DEFAULTS, n=1, cutoff=0.4) or sorted(DEFAULTS)
        raise UnusableLimit(f"There is no limit called {name!r}. Did you mean {' or '.join(near)}?")
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise UnusableLimit(f"The limit {name} is a number, not {value!r}.")
    least, most = RANGES[name]
    if not least <= value <= most:
        span = " to ".join(f"{end:g}" if isinstance(end, float) else str(end) for end in (least, most))
        raise UnusableLimit(f"The limit {name} is a number from {span}, not {value!r}.")
    if isinstance(DEFAULTS[name], int) and value != int(value):
        raise UnusableLimit(f"The limit {name} is a whole number, not {value!r}.")
    return type(DEFAULTS[name])(value)


def with_limits(unit: Unit, changed: Mapping[str, float]) -> Unit:
    """The unit with some of its limits changed. Raises UnusableLimit."""
    return dataclasses.replace(unit, limits=dataclasses.replace(unit.limits, **checked(changed)))


def configured(config: Config) -> dict[str, float]:
    """The limits that a configuration sets. Raises UnusableLimit."""
    limits = config.Grade.get("limits", {})
    return checked(limits.get_value({}) if isinstance(limits, LazyConfigValue) else limits)


def configuration(course: Path) -> Config:
    """What nbgrader_config.py in a folder says; nothing where there is none. Raises UnusableConfiguration."""
    if not (course / CONFIG).exists():
        return Config()
    try:
        return PyFileConfigLoader(CONFIG, path=str(course)).load_config()
    # A program of the instructor's, which may raise anything.
    except Exception as error:
        raise UnusableConfiguration(f"{course / CONFIG} cannot be read ({type(error).__name__}: {error}).") from error
