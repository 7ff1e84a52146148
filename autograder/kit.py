"""A unit as one zip for students: lecture, notebook, the package backpass as a wheel, and how to start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from autograder.archive import write_zip
from autograder.paths import COURSE, LECTURES
from autograder.release import ReleaseFailed
from autograder.units import Unit

TEMPLATES = Path(__file__).with_name("templates")
# The same kit has the same bytes, whenever it is made.
_DATE_FOR_PIP = {"SOURCE_DATE_EPOCH": "315532800"}


def make_kit(unit: Unit, course: Path) -> Path:
    """Write kits/UNIT.zip from release/UNIT, which must be there; returns its path.

    In it: UNIT/ as it was released, lectures/ with the unit's lecture, the wheel of backpass, environment.yml and
    README.md. Of the answers only given.py, as in every release.
    """
    released = course / "release" / unit.name
    lecture = LECTURES / f"{unit.number:02d}_{unit.name}.ipynb"
    if not lecture.exists():
        raise ReleaseFailed(f"There is no lecture {lecture.name}, which the kit of {unit.name} would hold.")
    with tempfile.TemporaryDirectory() as folder:
        wheel = _wheel(Path(folder))
        files = {f"{unit.name}/{path.name}": path.read_bytes() for path in sorted(released.iterdir()) if path.is_file()}
        files |= {f"lectures/{lecture.name}": lecture.read_bytes(), wheel.name: wheel.read_bytes()}
        for name in ("README.md", "environment.yml"):
            files[name] = _filled(name, unit, lecture, wheel).encode("utf-8")
    target = course / "kits" / f"{unit.name}.zip"
    write_zip(target, {f"backpass-{unit.name}/{name}": data for name, data in files.items()})
    return target


def _wheel(folder: Path) -> Path:
    """The package backpass as a wheel. Nothing is fetched: setuptools must be installed."""
    # From a copy: what an earlier build left in the tree would get into the wheel.
    copy = shutil.copytree(COURSE, folder / "course", ignore=shutil.ignore_patterns("lectures", "build", "*.egg-info"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "--wheel-dir", folder, copy], env=os.environ | _DATE_FOR_PIP, capture_output=True, text=True
    )
    made = list(folder.glob("backpass-*.whl"))
    if done.returncode or not made:
        raise ReleaseFailed(f"pip could not build the wheel of backpass:\n{done.stderr.strip()[-2000:]}")
    return made[0]


def _filled(name: str, unit: Unit, lecture: Path, wheel: Path) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES / "kit"), undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template(name + ".j2").render(unit=unit, lecture=lecture.name, wheel=wheel.name)
