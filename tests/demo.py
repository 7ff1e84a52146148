"""What `make demo` runs: an invented class, graded end to end, in a course folder of its own.

    python -m tests.demo [--unit convolution] [--folder build/demo]

Where student code cannot be isolated it says why, grades the harmless samples alone, and ends well.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.classes import Row, grade_class, late_words
from autograder.paths import ROOT
from autograder.report import class_report
from autograder.results import Result
from autograder.sandbox import NoSandbox, check_isolation
from autograder.units import Unit, unit
from tests.class_factory import Member, make_class

console = Console()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.demo")
    parser.add_argument("--unit", default="convolution")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "demo")
    options = parser.parse_args()
    which, folder = unit(options.unit), options.folder.absolute()

    isolation = possible_isolation()
    shutil.rmtree(folder, ignore_errors=True)
    with step(f"Releasing unit {which.number}, {which.name}, and making a class out of it"):
        everyone = make_class(folder, which, hostile=isolation == "bubblewrap")
    with step(f"Grading what {len(list((folder / 'submitted').iterdir()))} students handed in", moves=True):
        rows = {row.student: row for row in grade_class(which.name, folder, isolation=isolation)}
    with step("Writing feedback"):
        nbgrader(folder, "generate_feedback", which.name)
    with step("Writing the class's report"):
        report = class_report(which, folder, folder / "report.html", isolation)
    show(which, everyone, rows)
    say_where(folder, which, everyone, report)
    return 0


def possible_isolation() -> str:
    try:
        check_isolation("bubblewrap")
    except NoSandbox as reason:
        console.print(f"{first_sentence(str(reason))} So only harmless samples are graded.\n", markup=False)
        return "none"
    return "bubblewrap"


@contextmanager
def step(what: str, *, moves: bool = False) -> Iterator[None]:
    """A long step: its name, a moving sign while it lasts (unless it `moves` itself); then its seconds."""
    start = time.perf_counter()
    with nullcontext() if moves else console.status(what):
        yield
    console.print(f"{what}: {time.perf_counter() - start:.0f} s", highlight=False)


def nbgrader(folder: Path, *words: str) -> None:
    """One of nbgrader's own commands, in the demo's course. Its log goes to build/demo/nbgrader.log."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    command = [sys.executable, "-m", "nbgrader", *words]
    with open(folder / "nbgrader.log", "a") as log:
        subprocess.run(command, cwd=folder, env=os.environ | {"PATH": path}, stdout=log, stderr=log, check=True)


# What is said of the exercises in a state, where no mistake is named.
WORDS = {
    "not_graded": "not graded",
    "crashed": "crashed",
    "timed_out": "timed out",
    "raised": "raised an exception",
    "failed": "wrong",
    "not_attempted": "not attempted",
}


def happened(row: Row) -> list[str]:
    """What happened, a line each: the first sentence of named mistakes, then the exercises by state."""
    result = row.result
    if result.trouble or row.trouble:
        return [result.trouble or row.trouble]
    named = {item.exercise: item.mistake for item in reversed(result.items) if item.mistake}
    lines = [f"{exercise}: {first_sentence(text)}" for exercise, text in reversed(named.items())]
    seen = set(named)
    for state, words in WORDS.items():
        where = [item.exercise for item in result.items if item.state == state and item.exercise not in seen]
        where = list(dict.fromkeys(where))
        seen |= set(where)
        if where:
            lines.append(f"{words}: {', '.join(where) if len(where) < 4 else f'{len(where)} exercises'}")
    return [*filter(None, [late_words(row)]), *(lines or ["all right"])]


def first_sentence(text: str) -> str:
    return text.partition(". ")[0].rstrip(".") + "."


def score(result: Result) -> str:
    if result.score is None:
        return "not graded"
    bonus = f" + {result.extra_credit:g}" if result.extra_credit else ""
    return f"{result.score:g} / {result.max_score:g}{bonus}"


def show(which: Unit, everyone: list[Member], rows: dict[str, Row]) -> None:
    table = Table(title=f"Unit {which.number}, {which.title}", title_justify="left")
    table.add_column("student", no_wrap=True)
    table.add_column("handed in", max_width=20)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("what happened")
    for member in everyone:
        row = rows.get(member.student)
        cells = ["not graded", "not graded: no sandbox"]
        if row is not None:
            cells = [score(row.result), "\n".join(happened(row))]
        table.add_row(*map(Text, (member.student, member.what, *cells)))
    console.print(table)


def say_where(folder: Path, which: Unit, everyone: list[Member], report: Path) -> None:
    """The paths of a feedback page with a named mistake in it, and of the class's report."""
    telling = next((member for member in everyone if member.mistakes), everyone[0])
    page = folder / "feedback" / telling.student / which.name / f"{which.name}.html"
    for what, path in (("A student's feedback", page), ("The class's report", report)):
        console.print(f"{what + ':':22}{shown(path)}", highlight=False, soft_wrap=True, markup=False)


def shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if here in path.parents else path)


if __name__ == "__main__":
    sys.exit(main())
