"""All that a student can be told by the hidden checks, rendered: for every known mistake its items as they are read."""

from __future__ import annotations

import re
from pathlib import Path

from autograder.units import UNITS
from autograder.validate import Proof

GOLDEN = Path(__file__).with_name("messages.md")
_TITLE = "# What students read\n\n"
_UNIT = re.compile(r"^## (\w+): ", re.MULTILINE)


def golden() -> dict[str, str]:
    """The committed messages, by unit."""
    text = GOLDEN.read_text(encoding="utf-8").removeprefix(_TITLE)
    starts = [found.start() for found in _UNIT.finditer(text)]
    parts = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return {_UNIT.match(part)[1]: part for part in parts}


def write(parts: dict[str, str]) -> None:
    """Write the golden file, units in the order of the course."""
    GOLDEN.write_text(_TITLE + "".join(parts[name] for name in UNITS if name in parts), encoding="utf-8")


def render(proof: Proof) -> str:
    """A unit's messages: its checks, and for every mistake what its maker reads."""
    lines = [f"## {proof.unit.name}: {proof.unit.title}", ""]
    for exercise in proof.unit.exercises:
        lines += [f"### {exercise.name}", ""]
        lines += [
            f"- **{check.title}** ({check.points:g}): {check.about}"
            for check in proof.checks
            if check.exercise == exercise.name
        ]
        lines += [""]
        for mistake, items in proof.items.items():
            failed = [item for item in items if item.state != "passed"]
            if items and items[0].exercise == exercise.name:
                named = dict.fromkeys(item.mistake for item in failed if item.mistake)
                lines += [f"#### {mistake}", "", " / ".join(named) or "(no mistake is named)", ""]
                lines += [f"- {item.title}: {item.state}. {item.message}" for item in failed] + [""]
    return "\n".join(lines) + "\n"
