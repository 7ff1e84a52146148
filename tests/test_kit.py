"""The kit: one zip with which a student begins, offline, and in which no answer is."""

from __future__ import annotations

import ast
import io
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from autograder.given import given_source
from autograder.kit import make_kit
from autograder.paths import ROOT, SOURCE
from autograder.release import release_unit, still_open
from autograder.units import UNITS
from tests.offline import CELL

pytestmark = pytest.mark.xdist_group("kit")

UNIT = UNITS["convolution"]
# Not in the student's environment: torch, which a kit does without, and the repository's own packages.
HIDDEN = ("torch", "functorch", "backpass", "autograder", "solutions", "__editable__", "__pycache__", "_virtualenv")

# Runs a notebook as a student without a network would: every connection is refused.
RUN = f"""
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
notebook.cells.insert(0, nbformat.v4.new_code_cell({CELL!r}))
if len(sys.argv) > 2:
    notebook.cells.append(nbformat.v4.new_code_cell(sys.argv[2]))
NotebookClient(notebook, timeout=300, kernel_name="python3", allow_errors=len(sys.argv) > 2).execute()
print(notebook.cells[-1].outputs[0].get("text", "") if len(sys.argv) > 2 else "done")
"""


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    """The path of a kit, from a release of the real unit in a fresh course folder."""
    course = tmp_path_factory.mktemp("course")
    shutil.copytree(SOURCE / UNIT.name, course / "source" / UNIT.name, ignore=shutil.ignore_patterns(".*"))
    shutil.copy(ROOT / "nbgrader_config.py", course)
    release_unit(UNIT, course)
    return make_kit(UNIT, course)


@pytest.fixture(scope="module")
def unpacked(kit, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(kit) as archive:
        archive.extractall(folder)
    return folder / f"backpass-{UNIT.name}"


@pytest.fixture(scope="module")
def student(unpacked):
    """A fresh virtual environment with the kit's wheel, and the third-party packages that pip would fetch."""
    subprocess.run([sys.executable, "-m", "venv", unpacked / "env"], check=True)
    python = unpacked / "env" / "bin" / "python"
    wheel = next(unpacked.glob("*.whl"))
    install = [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel]
    subprocess.run(install, check=True)
    place = Path(
        subprocess.check_output([python, "-c", "import site; print(site.getsitepackages()[0])"], text=True).strip()
    )
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith(HIDDEN) and path.suffix != ".pth" and not (place / path.name).exists():
            (place / path.name).symlink_to(path)
    return python


def as_student(python: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """In a folder of the kit, with nothing of the repository on the path. Jupyter finds the student's own kernel."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "JUPYTER"))}
    environment |= {"HOME": str(folder), "PATH": f"{python.parent}:/usr/bin:/bin"}
    return subprocess.run(
        [python, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )


def contents(kit: Path) -> dict[str, bytes]:
    """Every file of the kit, and those inside its wheel and its archives of arrays."""
    found = {}

    def unpack(data: bytes, name: str) -> None:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                inner = archive.read(member)
                found[f"{name}/{member}"] = inner
                if member.endswith((".whl", ".npz")):
                    unpack(inner, f"{name}/{member}")

    unpack(kit.read_bytes(), kit.name)
    return found


def code_lines(folder: str) -> set[str]:
    """The longer lines of code of a package; what students read (docstrings) is not among them."""
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign | ast.Return | ast.Assert | ast.AugAssign):
                found |= {line.strip() for line in ast.unparse(node).splitlines() if len(line.strip()) > 50}
    return found


def test_what_is_in_it(kit):
    with zipfile.ZipFile(kit) as archive:
        names = {name.removeprefix(f"backpass-{UNIT.name}/") for name in archive.namelist()}
    wheel = next(name for name in names if name.endswith(".whl"))
    assert names == {
        "README.md",
        "environment.yml",
        wheel,
        "lectures/01_convolution.ipynb",
        "convolution/convolution.ipynb",
        "convolution/cases.npz",
    }


def test_no_check_no_mistake_and_no_answer_is_in_it(kit):
    everything = contents(kit)
    assert not [name for name in everything if "autograder" in name or "solutions/" in name]
    text = b"\n".join(everything.values()).decode("utf-8", errors="replace")
    for folder in ("autograder/checks", "autograder/mistakes", "solutions"):
        lines = code_lines(folder)
        assert len(lines) > 100
        assert [line for line in lines if line in text] == [], folder


def test_the_same_kit_has_the_same_bytes(kit):
    before = kit.read_bytes()
    assert make_kit(UNIT, kit.parent.parent).read_bytes() == before


def test_a_fresh_environment_checks_an_answer_offline(student, unpacked):
    answer = "convolve1d = lambda x, w, mode='full': np.convolve(x, w[::-1], mode)\nprint(check('convolve1d'))"
    done = as_student(student, unpacked / UNIT.name, "-c", RUN, f"{UNIT.name}.ipynb", answer)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Your kernel is not flipped" in done.stdout
    assert "Where the lecture" not in done.stderr


def test_a_fresh_environment_runs_the_lecture_offline_and_without_torch(student, unpacked):
    done = as_student(student, unpacked / "lectures", "-c", RUN, "01_convolution.ipynb")
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_commands_that_the_readme_names_work(student, unpacked):
    assert "1 · Convolution" in as_student(student, unpacked, "-m", "backpass", "progress").stdout
    doctor = as_student(student, unpacked / UNIT.name, "-m", "backpass", "doctor")
    assert "cases.npz: unit convolution" in doctor.stdout


def test_a_report_links_into_the_lecture_that_lies_in_the_kit(student, unpacked):
    code = "from backpass import check; print(check('convolve1d').sections[0].lecture)"
    link = as_student(student, unpacked / UNIT.name, "-c", code).stdout.strip()
    assert link.startswith("../lectures/01_convolution.ipynb#2-")


def test_a_release_warns_of_answers_to_what_is_still_open(tmp_path, monkeypatch):
    # nbgrader calls alembic by its name.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert "def cross_correlate2d" in given_source("conv_layer") or given_source("pooling")
    unit = next(u for u in UNITS.values() if given_source(u.name))
    earlier = sorted({u.name for u in UNITS.values() if u.number < unit.number})
    now = datetime.now(UTC).replace(tzinfo=None)
    assert list(still_open(unit, tmp_path)) == []
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        for name in earlier:
            gradebook.add_assignment(name, duedate=now - timedelta(days=1))
    assert list(still_open(unit, tmp_path)) == []
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        for name in earlier:
            gradebook.update_or_create_assignment(name, duedate=now + timedelta(days=1))
    warnings = list(still_open(unit, tmp_path))
    assert warnings
    assert all("is still open" in sentence and unit.name in sentence for sentence in warnings)
