"""Interpreters laid out as pyenv, conda and venv lay them out, made from the one that runs the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from autograder.paths import BACKPASS, ROOT
from autograder.sandbox.own_user import closed_at

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
BASE = Path(os.path.realpath(sys.executable))
LIBRARY = f"lib/python{VERSION}"
# Parts of the standard library that are large and that nothing here needs.
_LEFT_OUT = shutil.ignore_patterns("site-packages", "dist-packages", "test", "config-*", "__pycache__", "idlelib")


@contextmanager
def folder_for_all() -> Iterator[Path]:
    """A folder that every user of the machine can enter; pytest's own are for one."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def unusual() -> bool:
    """Whether the interpreter has another layout than bin/ beside lib/, as on some systems."""
    return not (BASE.parent.parent / LIBRARY / "os.py").exists()


def copied(prefix: Path) -> Path:
    """The interpreter and its standard library, copied below another prefix; returns the interpreter."""
    (prefix / "bin").mkdir(parents=True)
    shutil.copy(BASE, prefix / "bin" / f"python{VERSION}")
    shutil.copytree(BASE.parent.parent / LIBRARY, prefix / LIBRARY, ignore=_LEFT_OUT, symlinks=True)
    for library in (BASE.parent.parent / "lib").glob("libpython*.so*"):
        shutil.copy(library, prefix / "lib", follow_symlinks=False)
    return prefix / "bin" / f"python{VERSION}"


def like_pyenv(folder: Path) -> Path:
    """versions/X/bin/python behind a chain of links."""
    python = copied(folder / "home of someone" / ".pyenv" / "versions" / f"{VERSION}.0")
    python.with_name("python").symlink_to(python.name)
    shim = folder / "bin" / "python"
    shim.parent.mkdir()
    shim.symlink_to(python.with_name("python"))
    return shim


def like_conda(folder: Path) -> Path:
    """An environment of its own that holds NumPy and msgpack in its site-packages."""
    prefix = folder / "mini conda" / "envs" / "course"
    python = copied(prefix)
    python.with_name("python").symlink_to(python.name)
    site = prefix / LIBRARY / "site-packages"
    site.mkdir(exist_ok=True)
    for name in ("numpy", "msgpack", "packaging", "traitlets"):
        _install(name, site)
    return python.with_name("python")


def like_venv(folder: Path) -> Path:
    """A virtual environment, whose interpreter is a link to another."""
    subprocess.run([BASE, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    return folder / "venv" / "bin" / "python"


def of_the_system(folder: Path) -> Path:
    found = shutil.which("python3", path="/usr/bin:/bin")
    return Path(found or "/usr/bin/python3")


def for_everybody(folder: Path) -> Path | None:
    """An interpreter that every user can run: this one, a copy of it in `folder`, or the system's of this version."""
    if not closed_at(str(BASE)):
        return BASE
    if not unusual():
        return _on_its_own(copied(folder / "python"))
    python = of_the_system(folder)
    shown = subprocess.run([python, "-V"], capture_output=True, text=True).stdout if python.exists() else ""
    return python if shown.startswith(f"Python {VERSION}.") and not closed_at(str(python)) else None


def _on_its_own(python: Path) -> Path:
    """The copy looks for libpython beside itself, no longer where it was built for."""
    old, new = f"{BASE.parent.parent / 'lib'}\0".encode(), b"$ORIGIN/../lib\0"
    if len(old) >= len(new):
        python.write_bytes(python.read_bytes().replace(old, new.ljust(len(old), b"\0")))
    return python


LAYOUTS: dict[str, Callable[[Path], Path]] = {
    "pyenv": like_pyenv,
    "conda": like_conda,
    "venv": like_venv,
    "system": of_the_system,
}


def _install(name: str, site: Path) -> None:
    distribution = metadata.distribution(name)
    for top in {file.parts[0] for file in distribution.files if file.parts[0] != ".."}:
        source = Path(str(distribution.locate_file(top)))
        if source.is_dir():
            shutil.copytree(source, site / top)
        else:
            shutil.copy(source, site / top)
    for beside in Path(str(distribution.locate_file(""))).glob(f"{name}.libs"):
        shutil.copytree(beside, site / beside.name, dirs_exist_ok=True)


def environment(python: Path) -> dict[str, str]:
    """Where the interpreter finds this repository, and the packages that it has not itself."""
    own = python.parent.parent / LIBRARY / "site-packages" / "numpy"
    places = [ROOT, BACKPASS.parent]
    if not own.exists():
        places += [Path(place) for place in sys.path if place.endswith("-packages")]
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, places)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
