"""What nbgrader's converter opens as a submission: read by our rules, so that no file ends the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode

from autograder.limits import UnusableLimit, configured, with_limits
from autograder.reading import Unreadable, notebook_cells, read_bytes
from autograder.units import UNITS, Unit


def unit_of(resources: dict) -> Unit | None:
    """The unit of the notebook that is being converted, or None: other assignments stay nbgrader's own."""
    return UNITS.get(resources["nbgrader"]["notebook"])


def parse_notebook(data: bytes, name: str) -> NotebookNode:
    """The notebook in these bytes, as nbformat 4, its cells not yet trusted in any way."""
    cells = _with_ids(notebook_cells(data, name))
    return nbformat.from_dict({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


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


class SubmissionExporter(NotebookExporter):
    """nbgrader's exporter for autograding, which does not stop at a file that is no notebook.

    Such a submission becomes the released notebook with nothing answered; Grade says why it is not graded.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        try:
            self._limits = configured(self.config)
        except UnusableLimit as error:
            # Before anything is graded: later it would be a traceback, once for each student.
            raise SystemExit(f"{error} Nothing was graded.") from None

    def from_filename(self, filename: str, resources: dict | None = None, **kwargs: Any) -> tuple[str, dict]:
        sanitizing = getattr(self.parent, "_sanitizing", False)
        unit = None if resources is None else unit_of(resources)
        if not sanitizing or unit is None:
            return super().from_filename(filename, resources=resources, **kwargs)
        return self.from_notebook_node(self.read_submitted(Path(filename), resources), resources=resources, **kwargs)

    def read_submitted(self, path: Path, resources: dict) -> NotebookNode:
        """The submitted notebook; where there is none, an empty one."""
        unit = unit_of(resources)
        resources["metadata"] = {"name": path.stem, "path": str(path.parent)}
        try:
            limits = with_limits(unit, self._limits).limits
            return parse_notebook(read_bytes(path, limits), path.name)
        except Unreadable as error:
            self.log.error("%s: %s", path, error)
            return nbformat.v4.new_notebook()
