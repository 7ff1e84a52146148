"""Formgrader's button, by HTTP, with the real grading host and sandbox: the page that an instructor sees."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_markdown_cell
from nbgrader.api import Gradebook
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import Config

from autograder.nbgrader_plugin import configure
from autograder.paths import source_notebook
from tests.formgrader_server import Server
from tests.nbgrader_course import UNIT, Course


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The real unit in a course."""
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    made = Course(tmp_path)
    shutil.copy(source_notebook(UNIT), tmp_path / "source" / UNIT)
    assert made.api.generate_assignment(UNIT)["success"]
    return made


@pytest.fixture
def server(course: Course) -> Iterator[Server]:
    running = Server(course.root)
    yield running
    running.close()


def with_model_answers(course: Course) -> nbformat.NotebookNode:
    notebook, source = course.released(), nbformat.read(source_notebook(UNIT), as_version=4)
    for cell, answer in zip(notebook.cells, source.cells, strict=True):
        cell.source = re.sub(r"\s*### (BEGIN|END) SOLUTION", "", answer.source)
    return notebook


def test_the_button_grades_and_its_page_runs_no_script(course, server):
    submission = with_model_answers(course)
    evil = "<script>alert(1)</script>\n\n[a](javascript:alert(2)) ![b](https://example.org/spy.png)"
    submission.cells.insert(1, new_markdown_cell(evil))
    stub = next(c for c in submission.cells if "def pad2d(" in c.source and "nbgrader" in c.metadata)
    stub.source = "def pad2d(x, *arguments, **options):\n    raise ValueError('<script>alert(3)</script>')"
    course.submit("ada", submission)
    done = json.loads(server.ask(f"formgrader/api/submission/{UNIT}/ada/autograde", "POST"))
    assert done["success"], done
    with Gradebook(course.db_url) as gradebook:
        notebook = gradebook.find_submission_notebook(UNIT, UNIT, "ada")
        grades = {grade.name: grade for grade in notebook.grades}
        for name, grade in grades.items():
            if grade.auto_score is not None and name not in ("pad2d", "rot90_symmetrize"):
                assert grade.auto_score == grade.max_score > 0, name
        assert 0 <= grades["pad2d"].auto_score < grades["pad2d"].max_score
        assert grades["rot90_symmetrize"].extra_credit > 0
        identifier = notebook.id
    page = server.ask(f"formgrader/submissions/{identifier}/")
    assert "<script>alert" not in page and 'href="javascript' not in page and 'src="https://example' not in page
    assert "ValueError" in page, "the explanations are shown below the test cells"


def test_the_configuration_is_three_lines(course):
    lines = (course.root / "nbgrader_config.py").read_text().splitlines()
    config = Config()
    exec("\n".join(lines[:3]), {"get_config": lambda: config})  # the lines that README shows
    assert config.Autograde.sanitize_preprocessors[0].endswith("Restore")


def formgraders_page(notebook: nbformat.NotebookNode, config: Config, **resources: object) -> str:
    configure(config)
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    resources = {"student": "ada", "notebook_path": "", "index": 0, "total": 1, "base_url": "", **resources}
    return HTMLExporter(config=config).from_notebook_node(notebook, resources)[0]


def test_a_name_in_formgraders_page_is_text():
    name = "<img src=x onerror=alert(5)>"
    page = formgraders_page(nbformat.v4.new_notebook(), Config(), student=name, notebook_path=f'"{name}')
    assert "&lt;img src=x" in page and name not in page


def test_a_dropped_item_has_no_points_in_formgraders_page(course):
    config = Config()
    config.Grade.dropped = {UNIT: ["pad2d"]}
    page = formgraders_page(course.released(), config, assignment_id=UNIT)
    points = dict(re.findall(r'id="(\w+)" style="[^"]*" type="number" ?/> / ([\d.]+)', page))
    assert {name for name, most in points.items() if most == "0.0"} == {"pad2d", "rot90_symmetrize"}  # and the bonus
    assert len(points) > 5
