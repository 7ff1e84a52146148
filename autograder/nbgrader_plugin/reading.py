"""Opening what a student handed in: never through a link, never more than a bound, never with a traceback."""

from __future__ import annotations

import codecs
import json
import os
import stat
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode

from autograder.units import UNITS, Limits, Unit

# Begins the note in the place of a link (see hooks.py); the sentence after it says what stood there.
REFUSED = "Backpass: "


class Unusable(ValueError):
    """A submitted file that cannot be read; the text is one sentence for the student and the instructor."""


def unit_of(resources: dict) -> Unit | None:
    """The unit of the notebook that is being converted, or None: other assignments stay nbgrader's own."""
    return UNITS.get(resources["nbgrader"]["notebook"])


def read_submitted(path: Path, limit: int = Limits().notebook_bytes) -> bytes:
    """The bytes of an ordinary file. A link, a folder, a device or a larger file is Unusable."""
    name = path.name
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        raise Unusable(f"There is no file {name}.") from None
    except OSError as error:
        if path.is_symlink():
            raise Unusable(f"{name} is a link to another place. Links are not followed.") from None
        raise Unusable(f"{name} could not be opened ({error.strerror}).") from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise Unusable(
            f"{name} is {'a folder' if stat.S_ISDIR(mode) else 'no ordinary file'}, not a notebook file."
        )
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise Unusable(f"{name} is larger than {limit >> 20} MiB. Clear its outputs and hand it in again.")
    return data


def parse_notebook(data: bytes, name: str) -> NotebookNode:
    """The notebook in these bytes, as nbformat 4, its cells not yet trusted in any way."""
    text = _decoded(data, name)
    if text.startswith(REFUSED):
        raise Unusable(text.removeprefix(REFUSED).split("\n", 1)[0][:500])
    if not text.strip():
        raise Unusable(f"{name} is empty.")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise Unusable(
            f"{name} is not a notebook: its text is not valid JSON. It may have been cut off."
        ) from None
    if not isinstance(content, dict):
        raise Unusable(f"{name} is not a notebook.")
    if "cells" not in content and isinstance(content.get("worksheets"), list):
        content = _from_nbformat_3(content, name)
    if not isinstance(content.get("cells"), list):
        raise Unusable(f"{name} is not a notebook: it has no cells.")
    cells = [cell for cell in content["cells"] if isinstance(cell, dict)]
    return nbformat.from_dict({"cells": _with_ids(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def _with_ids(cells: list[dict]) -> list[dict]:
    """Every cell with an id of its own and its source in one piece; nbconvert would draw random ids."""
    taken: set[str] = set()
    for number, cell in enumerate(cells):
        if isinstance(cell.get("source"), list):
            cell["source"] = "".join(part for part in cell["source"] if isinstance(part, str))
        if not isinstance(cell.get("id"), str) or cell["id"] in taken or not cell["id"]:
            cell["id"] = f"cell-{number}"
            while cell["id"] in taken:
                cell["id"] += "-"
        taken.add(cell["id"])
    return cells


def _decoded(data: bytes, name: str) -> str:
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise Unusable(f"{name} is not a notebook: it is not text in UTF-8.") from None


def _from_nbformat_3(content: dict, name: str) -> dict[str, Any]:
    try:
        return nbformat.convert(nbformat.from_dict(content), 4)
    except Exception:  # noqa: BLE001 - whatever the old format's reader stumbles over
        raise Unusable(f"{name} is in an old notebook format that could not be converted.") from None


class SubmissionExporter(NotebookExporter):
    """nbgrader's exporter for autograding, which does not stop at a file that is no notebook.

    Such a submission becomes the released notebook with nothing answered; Grade says why it is not graded.
    """

    def from_filename(self, filename: str, resources: dict | None = None, **kwargs: Any) -> tuple[str, dict]:
        sanitizing = getattr(self.parent, "_sanitizing", False)
        unit = None if resources is None else unit_of(resources)
        if not sanitizing or unit is None:
            return super().from_filename(filename, resources=resources, **kwargs)
        path = Path(filename)
        try:
            notebook = parse_notebook(read_submitted(path, unit.limits.notebook_bytes), path.name)
        except Unusable as error:
            self.log.error("%s: %s", filename, error)
            notebook = nbformat.v4.new_notebook()
        resources["metadata"] = {"name": path.stem, "path": str(path.parent)}
        return self.from_notebook_node(notebook, resources=resources, **kwargs)
