"""docs/jupyterhub: nbgrader's exchange between users of one machine, and a hub that starts with our configuration.

The instructor and two students are users of the system, made for these tests and removed afterwards.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder.paths import ROOT, source_notebook
from autograder.sandbox.own_user import closed_at
from tests.interpreters import for_everybody
from tests.needs_sandbox import skip_without_sandbox

pytestmark = pytest.mark.xdist_group("jupyterhub")

UNIT = "convolution"
SETTINGS = ROOT / "docs" / "jupyterhub"
INSTRUCTOR, RIGHT, WRONG = (f"bp{role}{os.getpid()}" for role in ("i", "r", "w"))


@dataclass(frozen=True)
class Machine:
    """A folder that stands for the machine: homes, the exchange, settings for everybody, an interpreter."""

    folder: Path
    python: Path

    @property
    def inbound(self) -> Path:
        return self.folder / "exchange" / "backpass" / "inbound"

    def home(self, name: str) -> Path:
        return self.folder / "home" / name

    def run(self, name: str, *words: str, code: str = "") -> subprocess.CompletedProcess:
        """Run `python -m WORDS` as a user: the instructor in the course's folder, students in their homes."""
        who = pwd.getpwnam(name)
        home, sites = self.home(name), [path for path in sys.path if path.endswith("-packages")]
        course = [home / "course", home / "course" / "course"] if name == INSTRUCTOR else []
        environment = {
            "HOME": str(home),
            "USER": name,
            "PATH": f"{self.python.parent}:/usr/bin:/bin",
            "PYTHONPATH": os.pathsep.join(map(str, [*course, *sites])),
            "JUPYTER_CONFIG_PATH": str(self.folder / "etc"),
            "JUPYTER_PATH": str(Path(sys.prefix, "share", "jupyter")),  # nbconvert's templates
            "OMP_NUM_THREADS": "1",
        }
        return subprocess.run(
            [self.python, *(["-c", code] if code else ["-m", *words])],
            cwd=course[0] if course else home,
            env=environment,
            user=who.pw_uid,
            group=who.pw_gid,
            extra_groups=[],
            umask=0o077,
            capture_output=True,
            text=True,
            timeout=600,
        )

    def do(self, name: str, *words: str) -> str:
        done = self.run(name, *words)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def ask(self, name: str, code: str) -> str:
        """What `code` prints, run as a user; the name of the exception where it raises."""
        done = self.run(name, code=code)
        return (done.stdout if done.returncode == 0 else done.stderr.strip().splitlines()[-1].split(":")[0]).strip()


@pytest.fixture(scope="module")
def machine():
    if os.geteuid() != 0:
        pytest.skip("only root can make users")
    if shutil.which("useradd") is None:
        pytest.skip("useradd is not installed")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    made = []
    try:
        python = interpreter(folder)
        (folder / "home").mkdir(mode=0o755)
        for name in (INSTRUCTOR, RIGHT, WRONG):
            home = str(folder / "home" / name)
            subprocess.run(["useradd", "--create-home", "--home-dir", home, "-K", "HOME_MODE=0700", name], check=True)
            made.append(name)
        exchange = folder / "exchange"
        exchange.mkdir()
        exchange.chmod(0o777)
        (folder / "etc").mkdir()
        settings = (SETTINGS / "nbgrader_config.py").read_text(encoding="utf-8")
        assert settings.count('"/srv/nbgrader/exchange"') == 1
        (folder / "etc" / "nbgrader_config.py").write_text(
            settings.replace("/srv/nbgrader/exchange", str(exchange)), encoding="utf-8"
        )
        course = folder / "home" / INSTRUCTOR / "course"
        for name in ("autograder", "solutions", "course/backpass", "course/lectures", f"source/{UNIT}"):
            shutil.copytree(ROOT / name, course / name, ignore=shutil.ignore_patterns("__pycache__", "cases.npz", ".*"))
        shutil.copy(ROOT / "nbgrader_config.py", course)
        subprocess.run(["chown", "-R", f"{INSTRUCTOR}:", course], check=True)
        yield Machine(folder, python)
    finally:
        for name in made:
            subprocess.run(["userdel", "--remove", name], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def interpreter(folder: Path) -> Path:
    """An interpreter that every user can run, with alembic beside it, which nbgrader calls by name."""
    python = for_everybody(folder) or pytest.skip("no interpreter can be run by every user")
    for path in sys.path:
        if path.endswith("-packages") and closed_at(path):
            pytest.skip(f"other users cannot read {closed_at(path)}")
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    (bin_folder / "alembic").write_text(f'#!/bin/sh\nexec {python} -m alembic.config "$@"\n')
    (bin_folder / "alembic").chmod(0o755)
    (bin_folder / "python").symlink_to(python)
    return bin_folder / "python"


@pytest.fixture(scope="module")
def submitted(machine):
    """Both students have handed in: one the model answers, one a right function, a wrong one, and stubs."""
    machine.do(INSTRUCTOR, "autograder", "release", UNIT)
    machine.do(INSTRUCTOR, "nbgrader", "release_assignment", UNIT)
    for name in (RIGHT, WRONG):
        assert f"backpass {UNIT}" in machine.do(name, "nbgrader", "list")
        machine.do(name, "nbgrader", "fetch_assignment", UNIT)
        path = machine.home(name) / UNIT / f"{UNIT}.ipynb"
        notebook = json.loads(path.read_text(encoding="utf-8"))
        model = json.loads(source_notebook(UNIT).read_text(encoding="utf-8"))
        for cell, answer in zip(notebook["cells"], model["cells"], strict=True):
            if cell["metadata"].get("nbgrader", {}).get("solution"):
                if name == RIGHT or "def rot90_symmetrize" in "".join(cell["source"]):
                    cell["source"] = answer["source"]
                elif "def cross_correlate2d" in "".join(cell["source"]):
                    cell["source"] = FLIPPED
        path.write_text(json.dumps(notebook), encoding="utf-8")
        machine.do(name, "nbgrader", "submit", UNIT)
    return machine


FLIPPED = """\
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

def cross_correlate2d(image, kernel):
    return np.einsum("ijkl,kl->ij", sliding_window_view(image, kernel.shape), kernel[::-1, ::-1])
"""


def test_what_is_fetched_is_the_release_and_no_answer(submitted):
    fetched = {path.name for path in (submitted.home(RIGHT) / UNIT).iterdir()}
    released = submitted.home(INSTRUCTOR) / "course" / "release" / UNIT
    assert {f"{UNIT}.ipynb", "cases.npz"} <= fetched == {path.name for path in released.iterdir()}


def test_a_student_cannot_read_anothers_submission(submitted):
    theirs = next(submitted.inbound.glob(f"{RIGHT}+{UNIT}+*"))
    listing = f"import os; print(os.listdir({str(submitted.inbound)!r}))"
    assert submitted.ask(WRONG, listing) == "PermissionError"
    # Who knows the whole name could: so it ends in twelve characters that nobody can guess.
    known, guess = str(theirs).rpartition("+")[::2]
    assert len(guess) == 12
    opened = f"open({known + '/' + UNIT + '.ipynb'!r})"
    assert submitted.ask(WRONG, opened) == "FileNotFoundError"
    for folder in (UNIT, ".local/share/jupyter/nbgrader_cache", ""):
        place = str(submitted.home(RIGHT) / folder)
        assert submitted.ask(RIGHT, f"import os; print(len(os.listdir({place!r})) > 0)") == "True"
        assert submitted.ask(WRONG, f"import os; os.listdir({place!r})") == "PermissionError"


def test_a_student_cannot_read_the_course_or_change_what_is_released(submitted):
    course = submitted.home(INSTRUCTOR) / "course"
    for name in (f"autograder/checks/{UNIT}.py", f"solutions/{UNIT}.py", f"source/{UNIT}/{UNIT}.ipynb"):
        assert (course / name).exists()
        assert submitted.ask(RIGHT, f"open({str(course / name)!r})") == "PermissionError"
    outbound = submitted.inbound.with_name("outbound") / UNIT / f"{UNIT}.ipynb"
    assert submitted.ask(RIGHT, f"print(len(open({str(outbound)!r}).read()) > 0)") == "True"
    assert submitted.ask(RIGHT, f"open({str(outbound)!r}, 'a')") == "PermissionError"


@pytest.fixture(scope="module")
def graded(submitted):
    skip_without_sandbox()
    submitted.do(INSTRUCTOR, "nbgrader", "collect", UNIT)
    told = submitted.do(INSTRUCTOR, "autograder", "grade", UNIT, "--jobs", "1")
    assert RIGHT in told and WRONG in told
    submitted.do(INSTRUCTOR, "nbgrader", "generate_feedback", UNIT)
    submitted.do(INSTRUCTOR, "nbgrader", "release_feedback", UNIT)
    for name in (RIGHT, WRONG):
        submitted.do(name, "nbgrader", "fetch_feedback", UNIT)
    return submitted


def test_what_was_collected_is_graded(graded):
    from nbgrader.api import Gradebook

    scores = {}
    with Gradebook(f"sqlite:///{graded.home(INSTRUCTOR) / 'course' / 'gradebook.db'}") as gradebook:
        for submission in gradebook.assignment_submissions(UNIT):
            cells = {grade.name: (grade.auto_score, grade.max_score) for grade in submission.notebooks[0].grades}
            scores[submission.student.id] = cells
    assert set(scores) == {RIGHT, WRONG}
    assert all(score == most for score, most in scores[RIGHT].values() if score is not None and most)
    assert scores[WRONG]["rot90_symmetrize"] == scores[RIGHT]["rot90_symmetrize"]
    assert scores[WRONG]["cross_correlate2d"][0] < scores[WRONG]["cross_correlate2d"][1]
    assert scores[WRONG]["convolve1d"][0] == 0


def test_feedback_comes_back_to_whose_it_is(graded):
    pages = {name: list((graded.home(name) / UNIT / "feedback").rglob("*.html")) for name in (RIGHT, WRONG)}
    assert {name: len(found) for name, found in pages.items()} == {RIGHT: 1, WRONG: 1}
    right, wrong = (pages[name][0].read_text(encoding="utf-8") for name in (RIGHT, WRONG))
    assert "flip" in wrong and right != wrong
    feedback = graded.inbound.with_name("feedback")
    assert graded.ask(WRONG, f"import os; os.listdir({str(feedback)!r})") == "PermissionError"
