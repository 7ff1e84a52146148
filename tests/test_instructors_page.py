"""docs/instructors.md: its "Adding an exercise" is followed word by word in a copy, and gets a graded exercise."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.nbgrader_course import marks

pytestmark = pytest.mark.xdist_group("guide")

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
GUIDE = PAGE.partition("## Adding an exercise")[2].partition("\n## Late work")[0]
BLOCK = r"\n\n```\w+\n(.*?)```"


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """A copy of the repository in which somebody did what the guide says."""
    copy = tmp_path_factory.mktemp("fork")
    for part in ("autograder", "solutions", "course", "source"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__", "cases.npz", ".*"))
    shutil.copy(ROOT / "nbgrader_config.py", copy)
    for file, line, block in re.findall(r"In `(\S+)`, below `(.+?)`:" + BLOCK, GUIDE, re.DOTALL):
        text = (copy / file).read_text(encoding="utf-8")
        assert text.count(line) == 1
        (copy / file).write_text(text.replace(line, f"{line}\n{block.rstrip()}"), encoding="utf-8")
    for file, block in re.findall(r"At the end of `(\S+)`:" + BLOCK, GUIDE, re.DOTALL):
        with open(copy / file, "a", encoding="utf-8") as out:
            out.write("\n\n" + block)
    add_cells(copy / re.search(r"In `(\S+\.ipynb)`, three cells", GUIDE)[1])
    return copy


def add_cells(path: Path) -> None:
    text, solution, test = (
        re.search(rf"{what} cell:{BLOCK}", GUIDE, re.DOTALL)[1].strip()
        for what in ("A text", "The solution", "The test")
    )
    answer_id, test_id = re.findall(r"with the id `(\w+)`", GUIDE)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells += [
        nbformat.v4.new_markdown_cell(text, id="new-text"),
        nbformat.v4.new_code_cell(solution, id="new-solution", metadata=marks(answer_id, solution=True)),
        nbformat.v4.new_code_cell(test, id="new-test", metadata=marks(test_id, grade=True, locked=True, points=0)),
    ]
    nbformat.write(notebook, path)


def autograder(copy: Path, *arguments: str) -> subprocess.CompletedProcess:
    paths = os.pathsep.join([str(copy), str(copy / "course")])
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "autograder", *arguments]
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=600)


def test_the_guide_was_understood():
    assert GUIDE.count("At the end of `") == 3
    assert len(re.findall(r"^autograder \w+ convolution$", GUIDE, re.MULTILINE)) == 3


def test_points_get_into_the_notebook(followed):
    done = autograder(followed, "points", "convolution")
    assert done.returncode == 0, done.stderr
    assert "moving_average" in done.stdout
    cells = nbformat.read(followed / "source/convolution/convolution.ipynb", as_version=4).cells
    assert cells[-1].metadata.nbgrader.points == 3


def test_the_new_exercise_is_graded_and_its_mistake_named(followed):
    right = """\
import numpy as np


def moving_average(x, width):
    return np.convolve(x, np.full(width, 1 / width, x.dtype), "valid")
"""
    (followed / "right.py").write_text(right, encoding="utf-8")
    (followed / "wrong.py").write_text(right.replace("1 / width", "1.0"), encoding="utf-8")
    done = autograder(followed, "grade", "convolution", "right.py", "wrong.py", "--json", "out", "--isolation", "none")
    assert done.returncode == 0, done.stderr

    found = {}
    for name in ("right", "wrong"):
        tests = json.loads((followed / "out" / f"{name}.json").read_text(encoding="utf-8"))["tests"]
        found[name] = [test for test in tests if test["extra_data"]["exercise"] == "moving_average"]
    assert [test["score"] for test in found["right"]] == [2.0, 1.0]
    assert [test["score"] for test in found["wrong"]] == [0.0, 0.0]
    assert {test["extra_data"]["mistake_name"] for test in found["wrong"]} == {"moving_average_of_sums"}


def test_every_command_and_path_on_the_page_exists():
    from autograder.cli import app

    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert set(re.findall(r"^autograder (\w+)", PAGE, re.MULTILINE)) <= known
    for module in re.findall(r"autograder\.nbgrader_plugin\.(\w+)\.", PAGE):
        assert (ROOT / "autograder" / "nbgrader_plugin" / f"{module}.py").exists()
    for target in re.findall(r"\]\((\w+\.md)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
