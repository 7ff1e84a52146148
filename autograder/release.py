"""The student's version of a unit: what nbgrader's generate_assignment makes, with the files that stand beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from autograder.given import answered, write_given
from autograder.paths import BACKPASS, LECTURES, ROOT, SOLUTIONS, source_notebook
from autograder.record import write_cases
from autograder.units import Unit
from backpass.cases import CASES


class ReleaseFailed(RuntimeError):
    """Nothing was released; the text says why."""


def write_generated(unit: Unit, folder: Path) -> None:
    """Write cases.npz and given.py beside a source notebook; recorded cases that are up to date are kept."""
    cases = folder / CASES
    if not cases.exists() or cases.stat().st_mtime_ns <= _last_change():
        write_cases(unit, cases)
    write_given(unit.name, folder / "given.py")


def _last_change() -> int:
    """When anything that decides the recorded cases was last changed."""
    folders = (ROOT / "autograder", SOLUTIONS, BACKPASS)
    files = [path for folder in folders for path in folder.rglob("*.py")]
    return max(path.stat().st_mtime_ns for path in [*files, *LECTURES.glob("*.ipynb")])


def release_unit(unit: Unit, course: Path) -> Path:
    """Release the unit in an nbgrader course; returns the folder release/<unit>."""
    source = course / "source" / unit.name
    if not (source / source_notebook(unit.name).name).exists():
        raise ReleaseFailed(f"There is no {source}/{unit.name}.ipynb: run this in the folder of the nbgrader course.")
    # nbgrader swallows what a hook raises, so the generated files are made here first, where a failure is seen.
    write_generated(unit, source)
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", unit.name, "--force"]
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(command, cwd=course, env=os.environ | {"PATH": beside}, capture_output=True, text=True)
    if done.returncode:
        raise ReleaseFailed(f"nbgrader generate_assignment failed:\n{done.stderr.strip()}")
    return course / "release" / unit.name


def still_open(unit: Unit, course: Path) -> Iterator[str]:
    """A sentence for each earlier unit that the release answers although its deadline has not passed.

    Deadlines are those of nbgrader's database; an assignment without one is not spoken of.
    """
    from nbgrader.api import Gradebook, MissingEntry

    database = course / "gradebook.db"
    if not database.exists():
        return
    now = datetime.now(UTC).replace(tzinfo=None)  # nbgrader keeps UTC without saying so
    with Gradebook(f"sqlite:///{database}") as gradebook:
        for earlier, functions in answered(unit.name).items():
            try:
                due = gradebook.find_assignment(earlier).duedate
            except MissingEntry:
                continue
            if due is not None and due > now:
                yield (
                    f"given.py of {unit.name} holds the reference of {', '.join(functions)}, and the deadline of "
                    f"{earlier} is still open ({due:%Y-%m-%d %H:%M} UTC)."
                )
