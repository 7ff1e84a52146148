"""All that a student can be told by the hidden checks, rendered: for every known mistake its items as they are read."""

from __future__ import annotations

from pathlib import Path

from autograder.units import UNITS
from autograder.validate import Proof

GOLDEN = Path(__file__).with_name("messages.md")


def render(proofs: dict[str, Proof]) -> str:
    lines = ["# What students read", ""]
    for name, proof in proofs.items():
        lines += [f"## {UNITS[name].title}", ""]
        for exercise in proof.unit.exercises:
            lines += [f"### {exercise.name}", ""]
            for check in proof.checks:
                if check.exercise == exercise.name:
                    lines += [f"- **{check.title}** ({check.points:g}): {check.about}"]
            lines += [""]
            for mistake, items in proof.items.items():
                failed = [item for item in items if item.state != "passed"]
                if items and items[0].exercise == exercise.name:
                    lines += [f"#### {mistake}", "", items_sentence(failed), ""]
                    lines += [f"- {item.title}: {item.state}. {item.message}" for item in failed] + [""]
    return "\n".join(lines)


def items_sentence(failed: list) -> str:
    return " / ".join(dict.fromkeys(item.mistake for item in failed if item.mistake)) or "(no mistake is named)"
