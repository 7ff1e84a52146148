"""Reads what was handed in, an .ipynb or a .py file, into cells of plain Python. Nothing of it is run here.

Which cells are locked tests is decided by the source notebook, never by a student's metadata.
"""

from __future__ import annotations

import ast
import errno
import functools
import json
import os
import re
import stat
import warnings
from pathlib import Path
from typing import Any

from autograder.paths import source_notebook
from autograder.sandbox import Cell
from autograder.units import UNITS, Limits, Unit

NOT_GRADED_CODE = "not-graded-code"
# Cell magics around ordinary code: the code counts, the magic does not.
_AROUND_CODE = re.compile(r"^\s*%%(?:time|timeit|capture|prun|debug|python3?|memit|mprun|lprun)\b[^\n]*")
_BEFORE_CODE = re.compile(r"^(\s*)%time[ \t]+", re.MULTILINE)
# Longer cells are not handed to IPython, whose transformation takes more than linear time.
_TRANSFORMED_CHARACTERS = 200_000


class Unreadable(ValueError):
    """The file is no submission; the text is one sentence that says why."""


def read_submission(path: Path, unit: Unit) -> list[Cell]:
    """The cells that are run, in order. Raises Unreadable."""
    name = Path(path).name
    data = _read(path, unit.limits)
    if Path(path).suffix == ".py":
        return [Cell(_python(data, name), name)]
    if Path(path).suffix != ".ipynb":
        raise Unreadable(f"{name} is neither a notebook (.ipynb) nor a Python file (.py).")
    locked = _locked(unit.name)
    cells, number = [], 0
    for cell in _notebook_cells(data, name):
        if cell.get("cell_type") != "code":
            continue
        number += 1
        grade_id = _grade_id(cell)
        if grade_id in locked or NOT_GRADED_CODE in _tags(cell):
            continue
        source = _text(cell.get("source"), name)
        if source.strip():
            cells.append(Cell(plain_python(source), f"cell {number}", grade_id))
    if not number:
        raise Unreadable(f"{name} has no code cells.")
    return cells


def guess_unit(path: Path) -> Unit:
    """The unit that a file belongs to: by its name or its folder's, else by the exercises that it names."""
    path = Path(path)
    for part in (path.stem, path.absolute().parent.name):
        if part in UNITS:
            return UNITS[part]
    text = _read(path, Limits()).decode("utf-8", "replace")
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


def _read(path: Path, limits: Limits) -> bytes:
    """The bytes of a regular file of bounded size; links are not followed."""
    name = Path(path).name
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Unreadable(f"{name} is a link, not a file.") from None
        raise Unreadable(f"{name} cannot be read: {error.strerror}.") from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        what = "a folder, not a file" if stat.S_ISDIR(mode) else "not an ordinary file"
        raise Unreadable(f"{name} is {what}.")
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(limits.notebook_bytes + 1)
    if len(data) > limits.notebook_bytes:
        megabytes = limits.notebook_bytes >> 20
        raise Unreadable(f"{name} is larger than {megabytes} MiB: clear its outputs and hand it in again.")
    if not data.strip():
        raise Unreadable(f"{name} is empty.")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable(f"{name} is encoded as UTF-16: save it as UTF-8.")
    if b"\0" in data:
        raise Unreadable(f"{name} holds NUL bytes, so it is damaged or not a text file.")
    return data


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(f"{name} is not encoded as UTF-8.") from None


def _python(data: bytes, name: str) -> str:
    """The text of a .py file. A wrong line is no reason to refuse it: it raises SyntaxError when run."""
    return plain_python(_decoded(data, name).replace("\r\n", "\n"))


def _notebook_cells(data: bytes, name: str) -> list[dict]:
    text = _decoded(data, name)
    try:
        notebook = json.loads(text)
    except json.JSONDecodeError as error:
        ended = error.pos >= len(text.rstrip()) or "Unterminated" in error.msg
        what = (
            "ends too early: it was cut off"
            if ended
            else f"is not a notebook: line {error.lineno} is not JSON"
        )
        raise Unreadable(f"{name} {what}.") from None
    except RecursionError:
        raise Unreadable(f"{name} is nested too deeply for a notebook.") from None
    except ValueError:
        raise Unreadable(f"{name} is not a notebook: it holds a number that is too long.") from None
    if not isinstance(notebook, dict):
        raise Unreadable(f"{name} is not a notebook: it is JSON, but not an object.")
    _check_language(notebook, name)
    version = notebook.get("nbformat", 4)
    if type(version) is int and 1 <= version < 4:
        notebook = _upgraded(notebook, name)
    elif version != 4:
        raise Unreadable(
            f"{name} has the notebook format {str(version)[:20]}, which is not known: save it in format 4."
        )
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise Unreadable(f"{name} is not a notebook: it has no list of cells.")
    if not cells:
        raise Unreadable(f"{name} has no cells.")
    return cells


def _upgraded(notebook: dict, name: str) -> dict:
    import nbformat

    try:
        return nbformat.convert(nbformat.from_dict(notebook), 4)
    # The converters expect well-formed notebooks and raise whatever happens.
    except Exception:  # noqa: BLE001
        raise Unreadable(
            f"{name} has an old notebook format and is damaged: open it in Jupyter and save it again."
        ) from None


def _check_language(notebook: dict, name: str) -> None:
    metadata = _dict(notebook.get("metadata"))
    for found in (
        _dict(metadata.get("kernelspec")).get("language"),
        _dict(metadata.get("language_info")).get("name"),
    ):
        if isinstance(found, str) and found and not found.lower().startswith(("python", "ipython")):
            raise Unreadable(f"{name} is a notebook in the language {found[:30]!r}, not in Python.")


def _text(source: Any, name: str) -> str:
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
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


def _locked(unit_name: str) -> frozenset[str]:
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
