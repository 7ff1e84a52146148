"""`backpass check NOTEBOOK`, `card NAME`, `data NAME`, `lab`, `progress`, `doctor`: the student's command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from backpass import fetch
from backpass.fetch import FULL
from backpass.progress import progress


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0, 1 (something is wrong) or 2 (unusable arguments)."""
    parser = argparse.ArgumentParser(prog="backpass", description="The student's side of Backpass.")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="run a notebook in a fresh kernel, and its checks")
    check.add_argument("notebook", type=Path)
    check.add_argument("--timeout", type=int, default=300, metavar="SECONDS", help="for each cell (default 300)")
    card = commands.add_parser("card", help="run an experiment of a lecture again, and compare with its card")
    card.add_argument("name")
    card.add_argument("--seed", type=int, default=0)
    data = commands.add_parser("data", help="fetch a full data set, and check it")
    data.add_argument("name", choices=sorted(FULL))
    lab = commands.add_parser("lab", help="in a clone of the course: copy stubs and lectures to work/, open JupyterLab")
    lab.add_argument("units", nargs="*", metavar="UNIT", help="all of them unless given")
    lab.add_argument("--only-copy", action="store_true", help="do not open JupyterLab")
    done = commands.add_parser("progress", help="what is done over all units")
    done.add_argument("folder", type=Path, nargs="?", default=Path())
    commands.add_parser("doctor", help="look for what is missing or wrong, and say what to do")
    options, further = parser.parse_known_args(arguments)
    if further and options.command != "lab":  # JupyterLab's own options are handed on
        parser.error(f"unrecognized arguments: {' '.join(further)}")
    # A terminal that cannot show a sign shows "?"; it must not end the report.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if options.command == "check":
        return _check(options.notebook, options.timeout)
    if options.command == "card":
        return _card(options.name, options.seed)
    if options.command == "data":
        return _data(options.name)
    if options.command == "lab":
        return _lab(options.units, options.only_copy, further)
    if options.command == "progress":
        print(progress(options.folder))
        return 0
    return _doctor()


def _lab(units: list[str], only_copy: bool, further: list[str]) -> int:
    from backpass.lab import NoLab, clone, open_lab, prepare

    try:
        work = prepare(clone(Path()), units)
        return 0 if only_copy else open_lab(work, further)
    except NoLab as error:
        print(error, file=sys.stderr)
        return 2


def _data(name: str) -> int:
    def show(*progress) -> None:
        if sys.stderr.isatty():
            print("\r" + fetch.bar(*progress), end="", file=sys.stderr, flush=True)

    if files := fetch.missing(name):
        print(f"{name}: {len(files)} of {len(FULL[name].files)} files to fetch, {FULL[name].megabytes} MB in all.")
    try:
        where = fetch.fetch(name, show)
    except OSError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    print(f"\n{name} is complete in {where}. Load it by: backpass.data.load({name!r})")
    print(f"Source: {FULL[name].source}. Licence: {FULL[name].licence}.")
    return 0


def _card(name: str, seed: int) -> int:
    from backpass import cards

    try:
        outcome = cards.rerun(name, seed)
    except (ValueError, ImportError) as error:
        print(error, file=sys.stderr)
        return 2
    print(outcome)
    return 0 if outcome.agrees else 1


def _check(notebook: Path, timeout: int) -> int:
    if not notebook.is_file():
        print(f"There is no file {notebook}.", file=sys.stderr)
        return 2
    if find_spec("nbclient") is None or find_spec("ipykernel") is None:
        print("Running a notebook needs Jupyter: pip install 'backpass[lab]'.", file=sys.stderr)
        return 1
    from backpass.fresh_kernel import Unreadable, run_notebook

    try:
        found = run_notebook(notebook, timeout)
    except Unreadable as error:
        print(error, file=sys.stderr)
        return 2
    if not found.checks:
        print(f"{notebook.name} has no cell that calls check(...).")
        return 1
    for one in found.checks:
        print(f"{one.text}\n")
    for sentence in found.errors:
        print(sentence)
    for one in found.checks:
        if one.only_before:
            print(
                f"{one.call}: the notebook shows {one.before:g} points, a fresh kernel gives {one.points:g}. "
                "The cells lean on something that is no longer there: a deleted cell, or another order. "
                "Restart and run all."
            )
    points, possible = sum(one.points for one in found.checks), found.possible
    print(
        f"In a fresh kernel: {points:g}" + (f" of {possible:g}" if possible else "") + " points on the visible cases."
    )
    print(f"To hand in: {notebook.name}, saved. Leave the check cells as they are.")
    return 0


def _doctor() -> int:
    from backpass.doctor import examine

    findings = list(examine())
    for one in findings:
        print(f"{'ok     ' if one.fine else 'missing' if one.needed else 'note   '}  {one.what}: {one.sentence}")
    return 0 if all(one.fine or not one.needed for one in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
