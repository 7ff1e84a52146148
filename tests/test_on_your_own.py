"""README's tour for those who study on their own, walked in a clone of the course."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from autograder.paths import ROOT
from autograder.units import unit
from backpass.fresh_kernel import run_notebook
from backpass.lab import WORK
from tests.class_factory import Maker

UNIT = unit("convolution")
TOUR = (ROOT / "README.md").read_text(encoding="utf-8").partition("## On your own\n")[2].partition("\n## ")[0]
REFERENCE = "../../solutions/convolution.py"
TRY = """
from backpass import check
def convolve1d(x, w, mode="full"):
    return x
for _ in range(3):
    print(check("convolve1d"), end="=====")
"""

Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """What `git clone` brings, as far as unit 1 needs it."""
    folder = tmp_path_factory.mktemp("clone")
    unmade = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.egg-info", "build")
    for name in ("autograder", "course", "solutions"):
        shutil.copytree(ROOT / name, folder / name, ignore=unmade)
    (folder / "source" / UNIT.name).mkdir(parents=True)
    for name in ("nbgrader_config.py", ".gitignore", f"source/{UNIT.name}/{UNIT.name}.ipynb"):
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def run(clone: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs one of the tour's commands in the clone, as in an activated environment."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(clone), str(clone / "course")]))
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))

    def command(line: str, cwd: Path = clone) -> subprocess.CompletedProcess:
        words = [sys.executable, "-m", *shlex.split(line)]
        return subprocess.run(words, cwd=cwd, capture_output=True, text=True, env=os.environ | {"COLUMNS": "200"})

    return command


def told(pattern: str) -> str:
    """A command of the tour."""
    found = re.search(pattern, TOUR)
    assert found, f"the tour has no command {pattern}"
    return found[0].strip()


@pytest.fixture
def work(clone: Path, run: Run) -> Path:
    done = run(told("backpass lab convolution") + " --only-copy")
    assert done.returncode == 0, done.stderr
    return clone / "work"


def test_stubs_and_lectures_are_copied_and_no_solution_is_in_sight(clone, work):
    lectures = {path.name for path in (work / "lectures").iterdir()}
    assert lectures == {path.name for path in (ROOT / "course" / "lectures").glob("*.ipynb")}
    assert {path.name for path in work.iterdir()} == {"lectures", UNIT.name}
    assert not list(work.rglob("*.py"))
    notebook = nbformat.read(work / UNIT.name / f"{UNIT.name}.ipynb", as_version=4)
    answers = Maker(UNIT, notebook).model_answers
    text = "\n".join(cell.source for cell in notebook.cells)
    assert text.count("raise NotImplementedError") >= len(UNIT.exercises)
    bodies = {answer.rpartition('"""')[2].strip() for answer in answers.values()} - {""}
    assert not [body for body in bodies if body in text]
    assert f"/{WORK}/" in (clone / ".gitignore").read_text().split(), "no `git pull` touches it"


def test_after_three_tries_the_report_names_the_file_to_read(clone, work, run):
    shutil.rmtree(work / UNIT.name / ".backpass", ignore_errors=True)
    place = work / UNIT.name
    done = subprocess.run([sys.executable, "-c", TRY], cwd=place, capture_output=True, text=True, env=os.environ)
    first, second, third, _ = done.stdout.split("=====")
    assert REFERENCE not in first + second
    assert REFERENCE in third
    assert (place / REFERENCE).is_file()


def test_what_is_written_passes_works_counts_and_stays(clone, work, run):
    path = work / UNIT.name / f"{UNIT.name}.ipynb"
    make = Maker(UNIT, nbformat.read(path, as_version=4))
    nbformat.write(make.notebook(make.model_answers), path)
    written = path.read_bytes()
    found = run_notebook(path)
    assert found.errors == [], "the cells in which one's layer is at work run"
    assert len(found.checks) == len(UNIT.exercises)
    for one in found.checks:
        assert one.points == one.possible
        assert "Everything here is right" in one.text
        assert REFERENCE in one.text

    shown = run(told("backpass progress work")).stdout
    done, of = re.search(r"(\d+) of +(\d+)", shown).groups()
    assert done == of == str(len(UNIT.exercises))

    assert run("backpass lab convolution --only-copy").returncode == 0
    assert path.read_bytes() == written, "never overwritten"

    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    graded = run(told(r"autograder grade convolution work/\S+"))
    assert graded.returncode == 0, graded.stderr
    earned, possible = re.search(r"([\d.]+) / ([\d.]+)", graded.stdout).groups()
    assert earned == possible != "0"


def test_hints_open_one_by_one(clone, work, run):
    code = "from backpass import check\ndef convolve1d(x, w, mode='full'):\n    return x\n"
    code += "print(check('convolve1d')._repr_html_())"
    place = work / UNIT.name
    html = subprocess.run(
        [sys.executable, "-c", code], cwd=place, capture_output=True, text=True, env=os.environ
    ).stdout
    depth, depths = 0, []
    for piece in re.findall(r"<details|</details>|Hint \d of \d", html):
        depth += (piece == "<details") - (piece == "</details>")
        if piece.startswith("Hint"):
            depths.append((piece.split()[1], depth))
    assert depths == [(str(number), number) for number in range(1, len(depths) + 1)]
    assert len(depths) >= 2
