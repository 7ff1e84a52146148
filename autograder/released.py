"""The student's form of a source notebook, by nbgrader's own ClearSolutions."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions


def released(source: NotebookNode) -> NotebookNode:
    """The notebook with its model answers replaced by stubs, as `nbgrader generate_assignment` would release it."""
    return ClearSolutions().preprocess(nbformat.from_dict(source), {})[0]


def write_released(source: Path, folder: Path) -> Path:
    """Write the released form of a source notebook into a folder."""
    path = folder / source.name
    nbformat.write(released(nbformat.read(source, as_version=4)), path)
    return path
