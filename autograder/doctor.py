"""What can be missing or wrong on an instructor's machine, and what to do about it."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from autograder.sandbox import NoSandbox, check_isolation, warm
from autograder.units import UNITS

FREE_BYTES_WANTED = 1 << 30


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `needed` is False where grading works without it."""

    what: str
    fine: bool
    sentence: str
    needed: bool = True


def examine(course: Path) -> Iterator[Finding]:
    yield _python()
    yield _isolation()
    for package in ("nbgrader", "numpy", "msgpack", "pytest", "backpass"):
        yield _package(package)
    yield _torch()
    yield _command_path()
    yield _course(course)
    yield _gradebook(course)
    yield _disk(course)


def _python() -> Finding:
    fine = sys.version_info >= (3, 11)
    return Finding("Python", fine, sys.version.split()[0] + ("" if fine else ": Python 3.11 or newer is needed"))


def _isolation() -> Finding:
    try:
        check_isolation("bubblewrap")
    except NoSandbox as error:
        return Finding("sandbox", False, str(error))
    sentence = "bubblewrap works: submissions are locked in"
    slow = warm.refused(next(iter(UNITS.values())))
    if slow is not None:
        sentence += f"; each starts Python anew, 0.1 s more, because a running one cannot be forked ({slow})"
    return Finding("sandbox", True, sentence)


def _package(name: str) -> Finding:
    try:
        return Finding(name, True, version(name))
    except PackageNotFoundError:
        return Finding(name, False, "is not installed: run `make setup`")


def _torch() -> Finding:
    users = ", ".join(unit.name for unit in UNITS.values() if unit.needs_torch)
    try:
        return Finding("torch", True, version("torch"), needed=False)
    except PackageNotFoundError:
        return Finding("torch", False, f"is not installed; only {users} needs it: pip install torch", needed=False)


def _command_path() -> Finding:
    found = shutil.which("alembic")
    sentence = "nbgrader's commands find alembic"
    if not found:
        sentence = f"nbgrader needs the folder {Path(sys.executable).parent} on PATH (it calls alembic by name)"
    return Finding("PATH", bool(found), sentence)


def _course(course: Path) -> Finding:
    fine = (course / "nbgrader_config.py").exists() and (course / "source").is_dir()
    sentence = "nbgrader_config.py and source/ are here"
    return Finding("course", fine, sentence if fine else f"{course} is not an nbgrader course: go to its folder")


def _gradebook(course: Path) -> Finding:
    path = course / "gradebook.db"
    if not path.exists():
        return Finding("gradebook", True, "none yet: nbgrader makes it at the first grading")
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2) as database:
            verdict = database.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.Error as error:
        return Finding("gradebook", False, f"{path.name} cannot be read: {error}")
    return Finding(
        "gradebook", verdict == "ok", "is sound" if verdict == "ok" else f"{path.name} is damaged: {verdict}"
    )


def _disk(course: Path) -> Finding:
    free = shutil.disk_usage(course).free
    fine = free > FREE_BYTES_WANTED
    return Finding("disk", fine, f"{free / 1e9:.1f} GB free" + ("" if fine else ": results may not fit"))
