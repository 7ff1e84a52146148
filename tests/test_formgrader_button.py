"""Formgrader's button, by HTTP, with the real grading host and sandbox: the page that an instructor sees."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell
from nbgrader.api import Gradebook
from traitlets.config import Config

from autograder.paths import BACKPASS, ROOT, source_notebook
from tests.nbgrader_course import UNIT, Course

SECONDS = 120


class Server:
    """A Jupyter server with formgrader in a course's folder."""

    def __init__(self, root: Path):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{free.getsockname()[1]}"
        extension = "{'nbgrader.server_extensions.formgrader': True}"
        command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"]
        command += [f"--ServerApp.jpserver_extensions={extension}", "--IdentityProvider.token=token"]
        command += [f"--port={self.address.rpartition(':')[2]}"]
        path = os.pathsep.join([str(ROOT), str(BACKPASS.parent), os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {"PYTHONPATH": path, "JUPYTER_CONFIG_DIR": str(root / "config")}
        self.log = open(root / "server.log", "w+")  # noqa: SIM115 - lives as long as the server
        self.process = subprocess.Popen(command, cwd=root, env=environment, stdout=self.log, stderr=subprocess.STDOUT)
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            try:
                self.ask("api")
                return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError(Path(self.log.name).read_text())

    def ask(self, path: str, method: str = "GET") -> str:
        request = urllib.request.Request(f"{self.address}/{path}", method=method)
        request.add_header("Authorization", "token token")
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.read().decode()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


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
