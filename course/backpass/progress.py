"""What is done over all units: kept beside the notebooks, shown by `progress()` and `backpass progress`.

Each `check` writes the state of its exercises into `.backpass/progress.json` in its notebook's folder. The
folders of the other units are its neighbours. Nothing is ever sent anywhere.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path

from backpass import kept
from backpass.cases import CASES, BadBook, Book, load
from backpass.report import Section

STORE = "progress.json"
TRIES = 3

# How far an exercise is, and how that is said.
DONE, BEGUN, OPEN = "done", "begun", "open"
SIGNS = {DONE: "✓", BEGUN: "–", OPEN: "○"}


@dataclass(frozen=True)
class UnitProgress:
    """One unit: its folder, title, and for each exercise that counts how far it is ("done", "begun", "open")."""

    folder: Path
    number: int
    title: str
    exercises: dict[str, str]
    last: float = 0.0  # seconds since 1970 of the last check, 0 for none

    @property
    def done(self) -> int:
        return sum(state == DONE for state in self.exercises.values())


def entries_of(folder: Path) -> dict[str, dict]:
    """What was kept in a folder: {exercise: {"passed", "of", "tries", "when"}}; a damaged file counts as none."""
    return {name: entry for name, entry in kept.read(STORE, folder).items() if isinstance(entry, dict)}


def keep(sections: Iterable[Section], folder: Path) -> dict[str, dict]:
    """Write down what a check has found; returns all that is kept. A folder that cannot be written is no error.

    "tries" counts the checks of an exercise that was attempted and did not pass, until it passes.
    """
    everything = entries_of(folder)
    for section in sections:
        if not section.attempted:
            continue
        before = everything.get(section.exercise, {})
        passed, of = section.passed, len(section.items)
        everything[section.exercise] = {
            "passed": passed,
            "of": of,
            "tries": int(before.get("tries", 0)) + (passed < of),
            "when": time.time(),
        }
    kept.write(everything, STORE, folder)
    return everything


def reference(unit: str, entry: dict) -> str:
    """The file of reference solutions that may be read now, or "".

    That is one in a clone of the course, for a reader whose exercise is done, or has been tried three times.
    Students who were given a notebook have no such file.
    """
    path = Path("..", "..", "solutions", f"{unit}.py")
    ready = entry.get("passed") == entry.get("of") or entry.get("tries", 0) >= TRIES
    return path.as_posix() if entry and ready and path.is_file() else ""


def units(folder: Path | None = None) -> list[UnitProgress]:
    """The units in a folder, in its subfolders and beside it, in the order of the course."""
    here = (folder or Path.cwd()).absolute()
    # From inside a unit's folder its neighbours count; from the folder above, those below.
    around = here.parent if (here / CASES).exists() else here
    found = []
    for place in [around, *sorted(path for path in around.iterdir() if path.is_dir())]:
        try:
            found.append(_unit(place, load(place / CASES)))
        except (OSError, BadBook):
            continue
    return sorted(found, key=lambda one: one.number)


def _unit(folder: Path, book: Book) -> UnitProgress:
    entries = entries_of(folder)
    states = {}
    for name, about in book.exercises.items():
        entry = entries.get(name)
        if entry is None:
            states[name] = OPEN
        else:
            states[name] = DONE if entry.get("passed") == entry.get("of") else BEGUN
        if about.bonus and states[name] == OPEN:
            del states[name]
    last = max((float(entry.get("when", 0)) for entry in entries.values()), default=0.0)
    return UnitProgress(folder, book.number, f"{book.number} · {book.title or book.unit}", states, last)


class Panel:
    """The units with a mark for each exercise, for a notebook and for a terminal."""

    def __init__(self, found: list[UnitProgress], here: Path):
        self.units, self.here = found, here

    def __str__(self) -> str:
        if not self.units:
            return "No unit was found here. Run this in the folder of a released notebook, or in the one above."
        width = max(len(one.title) for one in self.units)
        return "\n".join(
            f"{one.title:<{width}}  {one.done:2d} of {len(one.exercises):2d}  "
            + "".join(SIGNS[state] for state in one.exercises.values())
            for one in self.units
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        if not self.units:
            return f"<p>{escape(str(self))}</p>"
        rows = "".join(self._row(one) for one in self.units)
        return (
            '<table style="border-collapse:collapse;text-align:left" aria-label="Progress over all units">'
            f"{rows}</table>"
        )

    def _row(self, one: UnitProgress) -> str:
        here = one.folder == self.here
        marks = "".join(
            f'<span role="img" aria-label="{escape(name)}: {state}" title="{escape(name)}: {state}" '
            f'style="display:inline-block;width:14px;margin-right:2px;text-align:center;{_COLOURS[state]}">{SIGNS[state]}</span>'
            for name, state in one.exercises.items()
        )
        title = f"<strong>{escape(one.title)}</strong>" if here else escape(one.title)
        cell = 'style="padding:2px 14px 2px 0;text-align:left;background:none"'
        return (
            f'<tr style="background:none"><td {cell}>{title}</td>'
            f"<td {cell}>{one.done} of {len(one.exercises)}</td><td {cell}>{marks}</td></tr>"
        )


_SQUARE = "border-radius:3px;color:#fff;background:"
_COLOURS = {DONE: f"{_SQUARE}#0072B2", BEGUN: f"{_SQUARE}#B85000", OPEN: "opacity:.7"}


def progress(folder: Path | str | None = None) -> Panel:
    """What is done over all units: those in this folder, and those beside it.

    ✓ all items of an exercise passed at its last check, – some did not, ○ not attempted yet. Bonus exercises
    count once they were attempted.
    """
    here = Path(folder or ".").absolute()
    return Panel(units(here), here)
