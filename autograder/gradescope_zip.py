"""`autograder export gradescope UNIT`: the zip that Gradescope takes as a programming assignment's autograder."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from importlib import metadata
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from autograder.archive import write_zip
from autograder.gradescope import COURSE
from autograder.paths import BACKPASS, ROOT, SOLUTIONS, source_notebook
from autograder.units import UNITS, Unit

TEMPLATES = Path(__file__).with_name("templates") / "gradescope"
PROGRAMS = ("setup.sh", "run_autograder")
# All that grading imports beside the standard library. The versions are this machine's, so that grades agree.
PACKAGES = ("ipython", "msgpack", "numpy", "packaging", "pytest", "traitlets")
# Folders with one file per unit, of which only the unit's own is taken.
_BY_UNIT = ("checks", "mistakes")
# No part of grading a submission.
_LEFT_OUT = ("nbgrader_plugin", "templates", "variants", "__pycache__")


def make_zip(unit: Unit, target: Path, limits: Mapping[str, float], dropped: Collection[str] = ()) -> None:
    """Write the zip: two programs, the grader, the unit's checks, mistakes, reference and notebook, and backpass."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True)
    files = {name: environment.get_template(f"{name}.j2").render(unit=unit).encode() for name in PROGRAMS}
    files["requirements.txt"] = "".join(f"{line}\n" for line in _requirements(unit)).encode()
    course = {"limits": dict(limits), "dropped": sorted(dropped)}
    files[COURSE] = (json.dumps(course, sort_keys=True) + "\n").encode()
    for path in sorted(_parts(unit)):
        files[path.relative_to(ROOT).as_posix()] = path.read_bytes()
    write_zip(target, files, PROGRAMS)


def _parts(unit: Unit) -> Iterator[Path]:
    others = {f"{name}.py" for name in UNITS if name != unit.name}
    package = ROOT / "autograder"
    for path in package.rglob("*.py"):
        inside = path.relative_to(package).parts
        if not set(inside) & set(_LEFT_OUT) and not (inside[0] in _BY_UNIT and path.name in others):
            yield path
    # A reference builds on earlier units' only.
    later = {f"{one.name}.py" for one in UNITS.values() if one.number > unit.number}
    later |= set() if unit.needs_torch else {"in_pytorch.py"}
    yield from (path for path in SOLUTIONS.glob("*.py") if path.name not in later)
    for path in BACKPASS.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path
    yield source_notebook(unit.name)


def _requirements(unit: Unit) -> Iterator[str]:
    if unit.needs_torch:
        # PyTorch's own index has it without the gigabytes for graphics cards.
        yield "--extra-index-url https://download.pytorch.org/whl/cpu"
    for name in (*PACKAGES, *(["torch"] if unit.needs_torch else [])):
        yield f"{name}=={metadata.version(name).partition('+')[0]}"
