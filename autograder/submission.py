"""Reads what was handed in, an .ipynb or a .py file, into cells of plain Python. Nothing of it is run here.

Which cells are locked tests is decided by the source notebook, never by a student's metadata.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import json
import re
import warnings
from pathlib import Path
from typing import Any

from autograder.paths import source_notebook
from autograder.reading import Unreadable, decoded, notebook_cells, read_bytes
from autograder.sandbox import Cell
from autograder.units import UNITS, Limits, Unit

NOT_GRADED_CODE = "not-graded-code"
# Cell magics around ordinary code: the code counts, the magic does not.
_AROUND_CODE = re.compile(r"^\s*%%(?:time|timeit|capture|prun|debug|python3?|memit|mprun|lprun)\b[^\n]*")
_BEFORE_CODE = re.compile(r"^(\s*)%time[ \t]+", re.MULTILINE)
_DEFINES = re.compile(r"^(?:async\s+)?(?:def|class)\s", re.MULTILINE)
# Longer cells are not handed to IPython, whose transformation takes more than linear time.
_TRANSFORMED_CHARACTERS = 200_000


def read_submission(path: Path, unit: Unit) -> list[Cell]:
    """The cells that are run, in order. Raises Unreadable."""
    cells = _written(read_bytes(path, unit.limits), Path(path), unit)
    return [Cell(plain_python(cell.source), cell.name, cell.grade_id) for cell in cells]


def code_of(data: bytes, path: Path, unit: Unit) -> str:
    """A hash of what is run of a file with these bytes: its outputs and its texts do not count. Raises Unreadable."""
    cells = [(cell.source, cell.name, cell.grade_id) for cell in _written(data, path, unit)]
    text = json.dumps([path.suffix, cells])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _written(data: bytes, path: Path, unit: Unit) -> list[Cell]:
    """The cells that are run, as they were written."""
    name = path.name
    if path.suffix == ".py":
        # A wrong line is no reason to refuse it: it raises SyntaxError when run.
        return [Cell(decoded(data, name).replace("\r\n", "\n"), name)]
    if path.suffix != ".ipynb":
        raise Unreadable(f"{name} is neither a notebook (.ipynb) nor a Python file (.py).")
    locked = locked_tests(unit.name)
    cells, number = [], 0
    for cell in notebook_cells(data, name):
        if cell.get("cell_type") != "code":
            continue
        number += 1
        grade_id, source = _grade_id(cell), _text(cell.get("source"), name)
        # A definition under the name of a test is the student's work, whatever its metadata say.
        if (grade_id in locked and not _DEFINES.search(source)) or NOT_GRADED_CODE in _tags(cell):
            continue
        if source.strip():
            cells.append(Cell(source, f"cell {number}", grade_id))
    if not number:
        raise Unreadable(f"{name} has no code cells.")
    return cells


def guess_unit(path: Path) -> Unit:
    """The unit that a file belongs to: by its name or its folder's, else by the exercises that it names."""
    path = Path(path)
    for part in (path.stem, path.absolute().parent.name):
        if part in UNITS:
            return UNITS[part]
    text = read_bytes(path, Limits()).decode("utf-8", "replace")
    words = set(re.findall(r"[A-Za-z_]\w*", text))
    best = max(UNITS.values(), key=lambda unit: len(words & set(unit.functions)))
    if not words & set(best.functions):
        raise Unreadable(f"{path.name} names no exercise of any unit.")
    return best


def plain_python(source: str) -> str:
    """IPython's syntax as plain Python; what IPython cannot read is kept, and raises SyntaxError when run."""
    source = _BEFORE_CODE.sub(r"\1", _AROUND_CODE.sub("", source))
    if _parses(source) or len(source) > _TRANSFORMED_CHARACTERS:
        return source
    from IPython.core.inputtransformer2 import TransformerManager  # slow to import, and rarely needed

    try:
        transformed = TransformerManager().transform_cell(source)
    # IPython may raise anything on nonsense; the cell then raises its own error inside.
    except Exception:  # noqa: BLE001
        return source
    return transformed


def _parses(source: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a student's invalid escape is no concern of the grader's log
            ast.parse(source)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


def _text(source: Any, name: str) -> str:
    if isinstance(source, list):
        with contextlib.suppress(TypeError):
            source = "".join(source)
    if not isinstance(source, str):
        raise Unreadable(f"{name} is damaged: a cell's source is not text.")
    return source


def _grade_id(cell: dict) -> str:
    found = _dict(_dict(cell.get("metadata")).get("nbgrader")).get("grade_id")
    return found if isinstance(found, str) else ""


def _tags(cell: dict) -> list:
    found = _dict(cell.get("metadata")).get("tags")
    return found if isinstance(found, list) else []


def _dict(value: Any) -> dict:
    return value if isinstance(value, dict) else {}


def locked_tests(unit_name: str) -> frozenset[str]:
    """grade_ids of the unit's locked test cells, by the source notebook."""
    path = source_notebook(unit_name)
    return _locked_in(path, path.stat().st_mtime_ns) if path.exists() else frozenset()


@functools.lru_cache(maxsize=32)
def _locked_in(path: Path, changed: int) -> frozenset[str]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    tests = set()
    for cell in cells:
        nbgrader = _dict(_dict(cell.get("metadata")).get("nbgrader"))
        if cell.get("cell_type") == "code" and nbgrader.get("grade") and nbgrader.get("locked"):
            tests.add(nbgrader["grade_id"])
    return frozenset(tests)
