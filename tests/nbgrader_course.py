"""A small nbgrader course with a tiny unit, and a grading host that needs no sandbox, for tests."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import nbformat
import nbgrader.apps  # noqa: F401 - before nbgrader.converters
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.nbgrader_plugin import configure
from autograder.results import Result
from autograder.units import UNITS, Unit
from autograder.versions import PARTS, Versions
from backpass.report import Item

UNIT = "convolution"
POINTS = {"convolve1d": 4.0, "pad2d": 6.0, "rot90_symmetrize": 2.0}
KERNEL = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def marks(grade_id: str, *, grade: bool = False, locked: bool = False, solution: bool = False, **more: object) -> dict:
    shared = {"grade_id": grade_id, "schema_version": 3, "task": False}
    return {"nbgrader": {"grade": grade, "locked": locked, "solution": solution, **shared, **more}}


def exercise(name: str, points: float, answer: str) -> list[NotebookNode]:
    ident = name.replace("_", "-")
    body = f"    ### BEGIN SOLUTION\n    {answer}\n    ### END SOLUTION"
    source = f'def {name}(x):\n    """What it is to do."""\n{body}'
    test = marks(name, grade=True, locked=True, points=points)
    return [
        new_markdown_cell(
            f"## {name}\n\nA formula $y = x$.",
            id=f"{ident}-text",
            metadata=marks(f"{ident}-text", locked=True),
        ),
        new_code_cell(source, id=f"{ident}-solution", metadata=marks(f"{name}_solution", solution=True)),
        new_code_cell(f'check("{name}")', id=f"{ident}-check", metadata=test),
    ]


def source_notebook() -> NotebookNode:
    question = marks("question-text", locked=True)
    answer = marks("question", grade=True, solution=True, points=3)
    figure = marks("figure", grade=True, solution=True, points=2)
    model = "### BEGIN SOLUTION\n{}\n### END SOLUTION"
    cells = [
        new_markdown_cell("# A tiny unit", id="title", metadata=marks("title", locked=True)),
        new_code_cell("import numpy as np", id="imports"),
        *exercise("convolve1d", POINTS["convolve1d"], "return x"),
        *exercise("pad2d", POINTS["pad2d"], "return x + 1"),
        *exercise("rot90_symmetrize", 0, "return x + 2"),
        new_markdown_cell("Why?\n\nRubric: 3 points.", id="question-text", metadata=question),
        new_markdown_cell(model.format("Because."), id="question-answer", metadata=answer),
        new_code_cell(model.format("plot()"), id="figure", metadata=figure),
    ]
    return new_notebook(cells=cells, metadata=KERNEL)


class Course:
    """An nbgrader course in a folder, with the plug-in. The first one is made, the others are copies."""

    _made: Path | None = None

    def __init__(self, root: Path):
        self.root = root
        if Course._made is not None:
            shutil.copytree(Course._made, root, dirs_exist_ok=True)
            self._open()
            return
        self.write(root / "source" / UNIT / f"{UNIT}.ipynb", source_notebook())
        text = (
            "from autograder.nbgrader_plugin import configure\nc = get_config()\nconfigure(c)\n"
            "c.GenerateAssignment.pre_convert_hook = None\nc.CourseDirectory.course_id = 'tiny'\n"
        )
        (root / "nbgrader_config.py").write_text(text)
        self._open()
        done = self.api.generate_assignment(UNIT)
        assert done["success"], done
        Course._made = Path(shutil.copytree(root, Path(tempfile.mkdtemp(), "course")))
        atexit.register(shutil.rmtree, Course._made.parent, ignore_errors=True)

    def _open(self) -> None:
        self.config = Config()
        configure(self.config)
        self.config.GenerateAssignment.pre_convert_hook = None
        self.config.CourseDirectory.root = str(self.root)
        self.config.CourseDirectory.course_id = "tiny"
        self.api = NbGraderAPI(CourseDirectory(config=self.config), config=self.config)

    @property
    def db_url(self) -> str:
        return self.api.coursedir.db_url

    @staticmethod
    def write(path: Path, notebook: NotebookNode) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)

    def released(self) -> NotebookNode:
        return nbformat.read(self.root / "release" / UNIT / f"{UNIT}.ipynb", as_version=4)

    def folder(self, student: str) -> Path:
        return self.root / "submitted" / student / UNIT

    def submit(self, student: str, content: NotebookNode | bytes, *, late: bool = False) -> Path:
        path = self.folder(student) / f"{UNIT}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else nbformat.writes(content).encode())
        (path.parent / "timestamp.txt").write_text("2030-01-02 12:00:00 UTC" if late else "2029-12-31 12:00:00 UTC")
        return path

    def autograded(self, student: str) -> NotebookNode:
        return nbformat.read(self.root / "autograded" / student / UNIT / f"{UNIT}.ipynb", as_version=4)

    def feedback(self, student: str) -> str:
        return (self.root / "feedback" / student / UNIT / f"{UNIT}.html").read_text()


def answered(released: NotebookNode, **answers: str) -> NotebookNode:
    """The released notebook with bodies put into stubs, and text into the manually graded cells."""
    notebook = nbformat.reads(nbformat.writes(released), as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "").removesuffix("_solution")
        if name in answers and cell.metadata.nbgrader.solution:
            stub = "# YOUR CODE HERE\n    raise NotImplementedError()"
            cell.source = cell.source.replace(stub, answers[name]) if stub in cell.source else answers[name]
    return notebook


def same_versions(unit: Unit, isolation: str) -> Versions:
    """In the place of versions_of: nothing of the grader changes while a test runs."""
    return Versions(isolation, {exercise.name: dict.fromkeys(PARTS, "1") for exercise in unit.exercises})


class FakeHost:
    """Grades by looking: an exercise is right when its function returns something. Counts what it graded."""

    graded: ClassVar[list[str]] = []
    asked: ClassVar[list[tuple[str, Sequence[str] | None]]] = []

    def __init__(self, unit: str, isolation: str = "bubblewrap", limits: dict | None = None):
        self.isolation = isolation

    def grade(self, path: Path, name: str, exercises: Sequence[str] | None = None) -> Result:
        FakeHost.graded.append(name)
        FakeHost.asked.append((name, exercises))
        try:
            text = "\n".join("".join(cell["source"]) for cell in json.loads(Path(path).read_text())["cells"])
        except (ValueError, KeyError, TypeError) as error:
            return Result(UNIT, name, trouble=f"It could not be read: {error}", isolation=self.isolation)
        return Result(
            UNIT,
            name,
            [self._item(e, text) for e in POINTS if exercises is None or e in exercises],
            isolation=self.isolation,
        )

    @staticmethod
    def _item(exercise: str, text: str) -> Item:
        body = text.partition(f"def {exercise}(")[2].split("\ncheck(")[0]
        state = "not_attempted" if "NotImplementedError" in body else "passed" if "return" in body else "failed"
        if "our bug" in body:
            state = "not_graded"
        points = None if state == "not_graded" else POINTS[exercise] if state == "passed" else 0.0
        message = "" if state == "passed" else f"<script>alert('{exercise}')</script>"
        bonus = next(e.bonus for e in UNITS[UNIT].exercises if e.name == exercise)
        return Item(exercise, f"The {exercise} check", POINTS[exercise], points, state, "Why.", message, bonus=bonus)

    def close(self) -> None:
        pass
