"""Grades one submission in Gradescope's container: `python -m autograder.gradescope UNIT FOLDER`.

FOLDER is laid out by Gradescope's harness: submission/, submission_metadata.json, results/. Without a folder it says
how submissions would be locked in. The form of results.json is that of every result: `Result.for_gradescope`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Collection
from pathlib import Path

from autograder.host import Host, HostFailed
from autograder.isolation import BUBBLEWRAP, UID
from autograder.paths import ROOT, source_notebook
from autograder.reading import Unreadable
from autograder.results import Result
from autograder.sandbox import NoSandbox, check_isolation
from autograder.units import Unit
from autograder.units import unit as unit_called
from autograder.whole_files import write_whole

COURSE = "course.json"  # beside this package: {"limits": ..., "dropped": [...]}, the course's own
NOT_GRADED = 3  # exit status, as of `autograder grade`
# What lies beside source/ and is none of a submission's business; it may hold earlier results of this student.
PRIVATE = ("source", "submission", "results", "submission_metadata.json")
SUFFIXES = (".ipynb", ".py")


def isolation_here() -> tuple[str, str]:
    """bubblewrap where it works, else a user of its own; never anything less. And why not bubblewrap.

    Raises NoSandbox.
    """
    reasons: list[str] = []
    for isolation in (BUBBLEWRAP, UID):
        try:
            check_isolation(isolation)
            return isolation, " ".join(reasons)
        except NoSandbox as error:
            reasons.append(str(error))
    raise NoSandbox(" ".join(reasons))


def find_submission(folder: Path, unit: Unit) -> Path:
    """The notebook, else the Python file, that was handed in. Raises Unreadable."""
    found = [
        Path(place, name)
        for place, folders, names in os.walk(folder)
        for name in sorted(names)
        if not name.startswith(".") and "__MACOSX" not in place
    ]
    for suffix in SUFFIXES:
        files = [path for path in found if path.suffix == suffix]
        files = [path for path in files if path.stem == unit.name] or files
        if len(files) > 1:
            names = ", ".join(sorted(str(path.relative_to(folder)) for path in files))
            raise Unreadable(f"Several files could be meant ({names}). Hand in one, called {unit.name}{suffix}.")
        if files:
            return files[0]
    raise Unreadable(f"No notebook was handed in. Hand in {unit.name}.ipynb.")


def graded(unit: Unit, folder: Path, isolation: str, course: dict) -> Result:
    """The result of what lies in Gradescope's folder; whatever is not as it should be is "not graded"."""
    try:
        path = find_submission(folder / "submission", unit)
        with Host(unit.name, isolation, course["limits"]) as host:
            return host.grade(path, path.name).without(course["dropped"])
    except (Unreadable, HostFailed) as error:
        return Result(unit.name, "submission", trouble=str(error), isolation=isolation)


def by_hand(unit: Unit, dropped: Collection[str]) -> str:
    """A sentence about the questions that a person grades; "" where there are none."""
    cells = json.loads(source_notebook(unit.name).read_text(encoding="utf-8"))["cells"]
    marks = [cell["metadata"].get("nbgrader", {}) for cell in cells]
    manual = {mark["grade_id"]: mark["points"] for mark in marks if mark.get("grade") and mark.get("solution")}
    waiting = {name: points for name, points in manual.items() if name not in dropped}
    if not waiting:
        return ""
    names = ", ".join(f"{name} ({points:g})" for name, points in waiting.items())
    return f"Not in this score, because a person grades them (points): {names}."


def close_to_others(folder: Path) -> None:
    """Only root may enter what a submission has no business with."""
    for path in (folder / name for name in PRIVATE):
        if path.exists():
            path.chmod(0o700 if path.is_dir() else 0o600)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m autograder.gradescope")
    parser.add_argument("unit", type=unit_called)
    parser.add_argument("folder", type=Path, nargs="?")
    options = parser.parse_args()
    unit, folder = options.unit, options.folder
    if folder is not None:
        close_to_others(folder)
    trouble = ""
    try:
        isolation, reason = isolation_here()
        print(f"Isolation: {isolation}. {reason}".strip())
    except NoSandbox as error:
        isolation, trouble = BUBBLEWRAP, str(error)
        print(f"Nothing can be graded here. {trouble}")
    if folder is None:
        return 0
    began, course = time.monotonic(), json.loads((ROOT / COURSE).read_text(encoding="utf-8"))
    results = folder / "results" / "results.json"
    results.parent.mkdir(mode=0o700, exist_ok=True)
    results.unlink(missing_ok=True)
    result = Result(unit.name, "submission", trouble=trouble)
    if not trouble:
        result = graded(unit, folder, isolation, course)
    data = result.for_gradescope(by_hand(unit, course["dropped"]), time.monotonic() - began)
    write_whole(results, json.dumps(data, indent=1) + "\n")
    if not result.graded:
        print(f"Not graded: {result.why_not_graded}")
        return NOT_GRADED
    print(f"{result.score + result.extra_credit:g} points.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
