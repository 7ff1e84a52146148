"""`backpass lab`: study on your own, in a clone of the course. What you edit stands in work/, and stays yours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

from backpass.cases import CASES, BadBook, load

WORK = "work"
LECTURES = Path("course") / "lectures"
# JupyterLab looks for newer versions, and for news after a yes: here it asks nothing of the network.
_QUIET = ("--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")


class NoLab(RuntimeError):
    """There is nothing to open; the text says what to do."""


def clone(start: Path) -> Path:
    """The clone of the course that a folder lies in.

    Raises
    ------
    NoLab
        When it lies in none.
    """
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / "source").is_dir() and (folder / LECTURES).is_dir():
            return folder
    raise NoLab(
        "This folder is no clone of the course, so there is nothing to copy. With a kit from your instructor "
        "start `jupyter lab` in the kit's folder instead."
    )


def prepare(root: Path, units: Sequence[str] = (), say=print) -> Path:
    """Copy stubs and lectures to work/ in a clone; what is there already is left alone. Returns work/.

    units: names of units, all for none. Files that are made, not written (cases.npz, given.py), are renewed
    when they come from another version of the course.
    """
    known = sorted(path.name for path in (root / "source").iterdir() if (path / f"{path.name}.ipynb").is_file())
    for name in units:
        if name not in known:
            raise NoLab(f"There is no unit {name!r}. The units are {', '.join(known)}.")
    work = root / WORK
    _copy_new((root / LECTURES).glob("*.ipynb"), work / "lectures")
    for name in units or known:
        folder = work / name
        if folder.is_dir() and _readable(folder):
            continue
        say(f"Preparing {name}: its stubs and its visible cases")
        released = _release(root, name)
        if not folder.exists():
            # Under another name until it is whole: an interrupted copy is not taken for yours.
            draft = work / f".{name}"
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(released, draft)
            draft.rename(folder)
        else:
            for made in (CASES, "given.py"):
                if (released / made).exists():
                    shutil.copy(released / made, folder)
    return work


def _copy_new(files: Iterable[Path], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in files:
        if not (folder / path.name).exists():
            shutil.copy(path, folder)


def _readable(folder: Path) -> bool:
    try:
        load(folder / CASES)
    except (FileNotFoundError, BadBook):
        return False
    return True


def _release(root: Path, unit: str) -> Path:
    """The instructor's command makes the student's version; here the reader is both."""
    command = [sys.executable, "-m", "autograder", "release", unit]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise NoLab(f"The stubs of {unit} could not be made: {said[-1]} (run `make setup` in {root} first?)")
    return root / "release" / unit


def open_lab(folder: Path, options: Sequence[str] = ()) -> int:
    """JupyterLab in a folder, until it is closed; returns its exit status."""
    if find_spec("jupyterlab") is None:
        raise NoLab("JupyterLab is not installed: pip install jupyterlab, then run this again.")
    command = [sys.executable, "-m", "jupyter", "lab", f"--ServerApp.root_dir={folder}", *_QUIET, *options]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    try:
        return subprocess.call(command, cwd=folder)
    except KeyboardInterrupt:
        return 0
