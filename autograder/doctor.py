"""What can be missing or wrong on an instructor's machine, and what to do about it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from autograder.limits import CONFIG, UnusableConfiguration, configuration, configured
from autograder.nbgrader_plugin.dropped import dropped_items
from autograder.patience import in_use
from autograder.sandbox import NoSandbox, check_isolation, warm
from autograder.units import UNITS
from backpass.doctor import Finding, python

FREE_BYTES_WANTED = 1 << 30


def examine(course: Path) -> Iterator[Finding]:
    yield python()
    yield _isolation()
    for package in ("nbgrader", "numpy", "msgpack", "pytest", "backpass"):
        yield _package(package)
    yield _torch()
    yield _optional("copydetect", "the report's list of similar submissions", "pip install copydetect")
    yield _optional("jupyterlab", "formgrader and the lectures", "pip install jupyterlab")
    yield _command_path()
    yield _program("git", "updates of the course come by `git pull`")
    yield _course(course)
    yield _plugin(course)
    yield _formgrader()
    yield _gradebook(course)
    yield _writable(course)
    yield _disk(course)


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
        found = version(name)
    except PackageNotFoundError:
        return Finding(name, False, "is not installed: run `make setup`")
    wanted = _wanted(name)
    if wanted and not wanted.contains(found, prereleases=True):
        return Finding(name, False, f"{found} is installed, {name}{wanted} is needed: run `make setup`")
    return Finding(name, True, found)


def _wanted(name: str) -> SpecifierSet | None:
    """The versions that the distribution asks for."""
    try:
        lines = map(Requirement, requires("backpass-autograder") or [])
    except PackageNotFoundError:  # run from a folder, not installed
        return None
    return next((line.specifier for line in lines if line.name == name and line.marker is None), None)


def _optional(name: str, what_for: str, remedy: str) -> Finding:
    try:
        return Finding(name, True, version(name), needed=False)
    except PackageNotFoundError:
        return Finding(name, False, f"is not installed; it is for {what_for}: {remedy}", needed=False)


def _program(name: str, what_for: str) -> Finding:
    found = shutil.which(name)
    return Finding(name, bool(found), found or f"is not installed: {what_for}", needed=False)


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


def _plugin(course: Path) -> Finding:
    """Whether nbgrader's configuration here is read, lets Backpass grade, and holds nothing unusable."""
    try:
        config = configuration(course)
        configured(config)
        dropped_items(config, "")
    except UnusableConfiguration as error:
        return Finding("plug-in", False, str(error))
    steps = config.Autograde.get("autograde_preprocessors", ())
    fine = any("autograder.nbgrader_plugin" in str(step) for step in steps)
    remedy = f"{CONFIG} does not call configure(c), so nbgrader grades alone: docs/instructors.md has the lines"
    return Finding("plug-in", fine, "nbgrader's commands and buttons grade by Backpass" if fine else remedy)


def _formgrader() -> Finding:
    """Whether the Jupyter server loads formgrader: some set-ups disable nbgrader's extensions."""
    from jupyter_core.paths import jupyter_config_path

    switches: dict[str, bool] = {}
    for folder in map(Path, reversed(jupyter_config_path())):
        for path in (*sorted(folder.glob("jupyter_server_config.d/*.json")), folder / "jupyter_server_config.json"):
            try:
                switches |= json.loads(path.read_text(encoding="utf-8"))["ServerApp"]["jpserver_extensions"]
            except (OSError, ValueError, KeyError, TypeError):
                continue
    name = "nbgrader.server_extensions.formgrader"
    fine = switches.get(name, False)
    remedy = f"is not enabled in the Jupyter server: jupyter server extension enable {name}"
    return Finding("formgrader", fine, "is enabled in the Jupyter server" if fine else remedy, needed=False)


def _writable(course: Path) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=course):
            return Finding("folder", True, "can be written")
    except OSError as error:
        return Finding("folder", False, f"{course} cannot be written ({error.strerror}): results and grades go there")


def _gradebook(course: Path) -> Finding:
    path = course / "gradebook.db"
    if not path.exists():
        return Finding("gradebook", True, "none yet: nbgrader makes it at the first grading")
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2) as database:
            verdict = database.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.Error as error:
        return Finding("gradebook", False, f"{path.name} cannot be read: {error}")
    if verdict == "ok" and (locked := _locked(path)):
        return Finding("gradebook", False, locked)
    return Finding(
        "gradebook", verdict == "ok", "is sound" if verdict == "ok" else f"{path.name} is damaged: {verdict}"
    )


def _locked(path: Path) -> str:
    """Why nothing can be entered now, or ""."""
    database = sqlite3.connect(path, timeout=0.5, isolation_level=None)
    try:
        database.execute("BEGIN IMMEDIATE")
        database.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if in_use(str(error)):
            return f"{path.name} is in use: wait for the other program that grades, or end it"
        return f"{path.name} cannot be written ({error}): look at its permissions"
    finally:
        database.close()
    return ""


def _disk(course: Path) -> Finding:
    free = shutil.disk_usage(course).free
    fine = free > FREE_BYTES_WANTED
    return Finding("disk", fine, f"{free / 1e9:.1f} GB free" + ("" if fine else ": results may not fit"))
