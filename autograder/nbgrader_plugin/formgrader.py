"""Formgrader's page for grading by hand, where no network brings MathJax."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode

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
