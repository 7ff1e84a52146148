"""`backpass doctor`: what can be missing or wrong on a student's machine, and what to do about it."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from backpass import fetch
from backpass.cases import BadBook
from backpass.check import CASES, find_book

PYTHON = (3, 11)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `needed` is False where one can work without it."""

    what: str
    fine: bool
    sentence: str
    needed: bool = True


def examine(here: Path | None = None) -> Iterator[Finding]:
    """All that can be missing for working in a folder; the present one for none."""
    folder = here or Path.cwd()
    yield python()
    for package, extra, needed in (
        ("numpy", "", True),
        ("matplotlib", "", True),
        ("ipywidgets", "", True),
        ("jupyterlab", "[lab]", False),
        ("torch", "[lectures]", False),
    ):
        yield _package(package, extra, needed)
    yield _kernel()
    yield _command()
    yield _writable("this folder", folder, "what `check` finds is not kept, and notebooks cannot be saved")
    yield _data()
    yield _cases()


def python() -> Finding:
    """Whether this Python is new enough, for students and instructors alike."""
    fine = sys.version_info >= PYTHON
    least = ".".join(map(str, PYTHON))
    return Finding("Python", fine, sys.version.split()[0] + ("" if fine else f": Python {least} or newer is needed"))


def _package(package: str, extra: str, needed: bool) -> Finding:
    remedy = "pip install --upgrade " + (f"'backpass{extra}'" if extra else package)
    try:
        found = version(package)
    except PackageNotFoundError:
        what = "is not installed: " + remedy.replace("--upgrade ", "")
        return Finding(package, False, what + ("" if needed else " (only some beats of the lectures need it)"), needed)
    least = _least(package)
    if _numbers(found) < _numbers(least):
        return Finding(package, False, f"{found} is too old, {least} or newer is needed: {remedy}", needed)
    return Finding(package, True, found, needed)


def _least(package: str) -> str:
    """The oldest version that the course asks for, "" where it says nothing."""
    try:
        wanted = requires("backpass") or []
    except PackageNotFoundError:  # run from a folder, not installed
        return ""
    found = [re.match(rf"{package}\s*\(?>=\s*([\d.]+)", one) for one in wanted]
    return next((one[1] for one in found if one), "")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text.partition("+")[0])[:3])


def _kernel() -> Finding:
    if find_spec("ipykernel") is None:
        sentence = "this Python cannot run notebooks: pip install 'backpass[lab]'"
        return Finding("kernel", False, sentence, find_spec("jupyterlab") is not None)
    return Finding("kernel", True, f"notebooks run in {sys.executable}", False)


def _command() -> Finding:
    """A `jupyter` of another Python opens notebooks whose kernel does not know the course."""
    found = shutil.which("jupyter")
    if found is None or Path(found).parent == Path(sys.executable).parent:
        return Finding("jupyter", True, "is this Python's" if found else "is no command here", False)
    sentence = (
        f"the command {found} belongs to another Python, whose notebooks may not find backpass. "
        f"Start JupyterLab by: {Path(sys.executable).name} -m jupyter lab"
    )
    return Finding("jupyter", False, sentence, False)


def _writable(what: str, folder: Path, otherwise: str) -> Finding:
    """Whether files can be made in a folder, or in the nearest one above it that exists."""
    place = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=place):
            return Finding(what, True, f"{folder} can be written", False)
    except OSError as error:
        sentence = f"{place} cannot be written ({error.strerror}): {otherwise}"
        return Finding(what, False, sentence, False)


def _data() -> Finding:
    otherwise = "full data sets cannot be fetched. Set the environment variable BACKPASS_DATA to another folder"
    return _writable("data", fetch.folder(), otherwise)


def _cases() -> Finding:
    try:
        book = find_book()
    except FileNotFoundError:
        return Finding(CASES, False, "not in this folder: `check` works in the folder of a released notebook", False)
    except BadBook as error:
        return Finding(CASES, False, str(error))
    note = f" (from {os.environ['BACKPASS_CASES']})" if os.environ.get("BACKPASS_CASES") else ""
    return Finding(CASES, True, f"unit {book.unit}, {len(book.cases)} cases{note}", False)
