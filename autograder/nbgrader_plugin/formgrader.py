"""Formgrader's page for grading by hand: where no network brings MathJax, and where items are dropped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_task

from autograder.nbgrader_plugin.dropped import dropped_items

TEMPLATES = Path(__file__).with_name("templates") / "formgrader"


class WithoutNetwork(Preprocessor):
    """Puts our mathjax.html.j2 before nbconvert's: nbgrader's template names it, and no setting reaches it there.

    The exporter that it is made for looks for templates at our place first; notebooks stay as they are.
    """

    def __init__(self, **options: Any):
        super().__init__(**options)
        if getattr(self.parent, "template_name", "") == "formgrade":
            self.parent.template_paths = [str(TEMPLATES), *self.parent.template_paths]

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        return nb, resources


class WithoutDropped(Preprocessor):
    """Shows a dropped item's score out of 0: the page takes the points from the notebook, not from the gradebook."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        if getattr(self.parent, "template_name", "") == "formgrade":
            dropped = dropped_items(self.config, resources.get("assignment_id", ""))
            for cell in nb.cells:
                if (is_grade(cell) or is_task(cell)) and cell.metadata.nbgrader["grade_id"] in dropped:
                    cell.metadata.nbgrader["points"] = 0
        return nb, resources
