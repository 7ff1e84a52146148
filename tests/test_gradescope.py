"""`autograder export gradescope`: the zip is unpacked as Gradescope does, and its run_autograder grades as we do."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy
import pytest
from typer.testing import CliRunner

from autograder.cli import app
from autograder.isolation import said
from autograder.paths import ROOT, source_notebook
from autograder.results import Result
from autograder.units import UNITS
from backpass.report import Item
from tests.interpreters import folder_for_all, for_everybody
from tests.needs_sandbox import skip_without_sandbox

pytestmark = pytest.mark.xdist_group("gradescope")

UNIT = UNITS["convolution"]
# What Docker leaves to root in a container, namespaces not among them.
DOCKER = "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod"
# bubblewrap as it ends in such a container.
FORBIDDEN = """#!/bin/sh
if [ "$1" = --version ]; then echo "bubblewrap 0.8.0"; exit; fi
echo "bwrap: No permissions to create new namespace" >&2
exit 1
"""

WRONG = """
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

def cross_correlate2d(image, kernel):
    return np.einsum("ijkl,kl->ij", sliding_window_view(image, kernel.shape), kernel[::-1, ::-1])

def rot90_symmetrize(kernel):
    return sum(np.rot90(kernel, k) for k in range(4)) / 4
"""
# What it finds out is in the exception, which the result tells. `deeds` is left out of its twin.
HOSTILE = """
import json, os, socket, subprocess, sys, time
base, found = {base!r}, {{}}

def attempt(name, deed):
    try:
        found[name] = deed()
    except BaseException as error:
        found[name] = type(error).__name__

def write(path):
    with open(path, "w") as file:
        file.write('{{"score": 1000}}')

def stay():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
    return os.wait()[1]

attempt("passwd", lambda: len(open("/etc/passwd").read()) > 0)
attempt("checks", lambda: open(base + "/source/autograder/checks/convolution.py").read()[:10])
attempt("answers", lambda: open(base + "/source/solutions/convolution.py").read()[:10])
attempt("notebook", lambda: open(base + "/source/source/convolution/convolution.ipynb").read()[:10])
attempt("source", lambda: os.listdir(base + "/source"))
attempt("others", lambda: os.listdir(base + "/submission"))
attempt("metadata", lambda: open(base + "/submission_metadata.json").read())
attempt("results", lambda: write(base + "/results/results.json"))
attempt("beside", lambda: write(base + "/run_autograder"))
attempt("environment", lambda: sorted(os.environ))
attempt("of_the_grader", lambda: open("/proc/%d/environ" % os.getppid()).read())
attempt("kill", lambda: os.kill(os.getppid(), 9))
attempt("inet", lambda: socket.socket())
attempt("unix", lambda: socket.socket(socket.AF_UNIX))
attempt("root", lambda: os.setuid(0))
attempt("groups", os.getgroups)
attempt("new_rights", lambda: open("/proc/self/status").read().split("NoNewPrivs:")[1].split()[0])
attempt("left", lambda: write("/tmp/backpass-test-left"))
attempt("seen", lambda: open("/tmp/backpass-test-left").read()[:10])
attempt("stay", stay)
attempt("many", lambda: [subprocess.Popen(["/bin/sleep", "600"]) for _ in range(500)])
attempt("exit", sys.exit)
found["uid"] = os.getuid()
raise RuntimeError(json.dumps(found))
"""


@pytest.fixture(scope="module")
def folder():
    with folder_for_all() as folder:
        yield folder


@pytest.fixture(scope="module")
def archive(folder):
    done = CliRunner().invoke(app, ["export", "gradescope", UNIT.name, "--to", str(folder / "autograder.zip")])
    assert done.exit_code == 0, done.output
    assert re.search(r"Points of the assignment there: \d+\.", done.output)
    assert "a person grades them (points): why_correlation" in done.output
    return folder / "autograder.zip"


@pytest.fixture(scope="module")
def base(folder, archive):
    """What /autograder is there."""
    base = folder / "autograder"
    for name in ("source", "submission", "results"):
        (base / name).mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "zipfile", "-e", archive, base / "source"], check=True)
    shutil.copy(base / "source" / "run_autograder", base / "run_autograder")
    (base / "run_autograder").chmod(0o755)  # as Gradescope does
    (base / "submission_metadata.json").write_text("{}")
    return base


@pytest.fixture(scope="module")
def python(folder):
    return for_everybody(folder) or pytest.skip("no interpreter can be run by every user")


@pytest.fixture
def isolation(request, folder):
    """The isolation that is to be found, and what stands before PATH and before the command for it."""
    if request.param == "bubblewrap":
        skip_without_sandbox()
        return "bubblewrap", [], []
    if os.geteuid() != 0:
        pytest.skip("only root can drop to a user of its own")
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "bwrap").write_text(FORBIDDEN)
    (tools / "bwrap").chmod(0o755)
    return "uid", [str(tools)], ["setpriv", "--bounding-set", "-all,+" + DOCKER.replace(",", ",+"), "--"]


def run(base: Path, python: Path, isolation: tuple, files: dict[str, str]) -> tuple[subprocess.CompletedProcess, dict]:
    """Hand these files in, run run_autograder, and read what it wrote."""
    shutil.rmtree(base / "submission")
    (base / "submission").mkdir(mode=0o755)
    for name, text in files.items():
        (base / "submission" / name).write_text(text, encoding="utf-8")
    _, before, words = isolation
    sites = [path for path in sys.path if path.endswith("-packages")]
    environment = {
        "PATH": os.pathsep.join([*before, os.environ["PATH"]]),
        "BACKPASS_PYTHON": str(python),
        "PYTHONPATH": os.pathsep.join(sites),
        "OMP_NUM_THREADS": "1",
        "SECRET": "of the grader",
    }
    command = [*words, str(base / "run_autograder")]
    done = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, timeout=300)
    path = base / "results" / "results.json"
    assert path.exists(), done.stdout + done.stderr
    if "other users cannot read" in done.stdout:
        pytest.skip(done.stdout)
    return done, json.loads(path.read_text(encoding="utf-8"))


def stub() -> str:
    text = source_notebook(UNIT.name).read_text(encoding="utf-8")
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        cell["source"] = re.sub(
            r"### BEGIN SOLUTION.*?### END SOLUTION", "raise NotImplementedError()", source, flags=re.DOTALL
        )
    return json.dumps(notebook)


HANDED_IN = {
    "right.ipynb": lambda: source_notebook(UNIT.name).read_text(encoding="utf-8"),
    "wrong.py": lambda: WRONG,
    "stub.ipynb": stub,
}


@pytest.fixture(scope="module")
def ours(folder):
    """What `autograder grade` says of the same files."""
    skip_without_sandbox()
    for name, text in HANDED_IN.items():
        (folder / name).write_text(text(), encoding="utf-8")
    files = [str(folder / name) for name in HANDED_IN]
    done = CliRunner().invoke(app, ["grade", UNIT.name, *files, "--json", str(folder / "ours"), "--jobs", "1"])
    assert done.exit_code == 0, done.output
    return {name: json.loads((folder / "ours" / name).with_suffix(".json").read_text()) for name in HANDED_IN}


both = pytest.mark.parametrize("isolation", ["bubblewrap", "uid"], indirect=True)
contained = pytest.mark.parametrize("isolation", ["uid"], indirect=True)


@both
@pytest.mark.parametrize("name", HANDED_IN)
def test_it_grades_as_the_command_does(base, python, isolation, ours, name):
    done, data = run(base, python, isolation, {name: HANDED_IN[name]()})
    assert done.returncode == 0, done.stdout + done.stderr
    assert data["tests"] == ours[name]["tests"]
    assert data["score"] == ours[name]["score"]
    assert (data["score"] == 0) == name.startswith("stub")
    assert any(test["extra_data"]["mistake"] for test in data["tests"]) == name.startswith("wrong")
    assert data["stdout_visibility"] == "hidden"
    assert isinstance(data["execution_time"], int)
    assert "a person grades them (points): why_correlation" in data["output"]
    assert data["extra_data"]["isolation"] == isolation[0]
    assert (said("uid") in data["output"]) == (isolation[0] == "uid")


def owners_of_processes() -> set[int]:
    """Who runs anything; what has ended, and is not collected by its parent yet, does not run."""
    owners = set()
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (path / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                owners.add(path.stat().st_uid)
    return owners


@contained
def test_a_hostile_submission_reads_nothing_changes_nothing_and_leaves_nothing(base, python, isolation):
    programs = (base / "run_autograder").read_bytes()
    done, twin = run(base, python, isolation, {"convolution.py": WRONG})
    assert done.returncode == 0, done.stdout + done.stderr
    done, data = run(base, python, isolation, {"convolution.py": WRONG + HOSTILE.format(base=str(base))})
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(re.search(r"RuntimeError: (\{.*?\})[,.]", data["output"])[1])
    # It did look: what every user may read and write could be.
    assert (found["passwd"], found["left"], found["seen"]) == (True, None, '{"score": ')
    closed = ("checks", "answers", "notebook", "source", "others", "metadata", "results", "beside")
    rights = ("of_the_grader", "kill", "inet", "unix", "root")
    assert {name: found[name] for name in (*closed, *rights)} == dict.fromkeys((*closed, *rights), "PermissionError")
    assert not {"SECRET", "PATH", "PYTHONPATH"} & set(found["environment"])
    assert (found["groups"], found["new_rights"], found["stay"]) == ([], "1", 0)
    assert (found["many"], found["exit"]) == ("BlockingIOError", "SystemExit")
    # Nothing is left of it, and it changed no grade.
    assert found["uid"] not in {0, os.getuid()}
    assert not Path("/tmp/backpass-test-left").exists()
    assert found["uid"] not in owners_of_processes()
    assert (base / "run_autograder").read_bytes() == programs
    assert (data["tests"], data["score"]) == (twin["tests"], twin["score"])
    assert data["score"] > 0


@contained
def test_where_neither_isolation_works_nothing_is_graded(base, python, isolation):
    name, before, words = isolation
    words = [word.replace(",+setuid", "") for word in words]
    done, data = run(base, python, (name, before, words), {"convolution.py": WRONG})
    assert done.returncode == 3
    assert "score" not in data
    assert data["output"].startswith("Not graded, and so without a score: that is no zero.")
    assert "namespaces" in done.stdout


@pytest.mark.parametrize("isolation", ["bubblewrap"], indirect=True)
@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "No notebook was handed in. Hand in convolution.ipynb."),
        ({"essay.txt": "words"}, "No notebook was handed in."),
        ({"a.ipynb": "{}", "b.ipynb": "{}"}, "Several files could be meant (a.ipynb, b.ipynb)."),
        ({"convolution.ipynb": "{"}, "convolution.ipynb"),
    ],
)
def test_what_cannot_be_graded_has_no_number(base, python, isolation, files, sentence):
    done, data = run(base, python, isolation, files)
    assert done.returncode == 3
    assert sentence in data["output"] and sentence in done.stdout
    assert data["output"].count(sentence) == 1
    assert "score" not in data
    assert not any("score" in test for test in data["tests"])


def test_where_one_item_is_not_graded_no_item_has_a_number():
    items = [
        Item("convolve1d", "Full", 2.0, 2.0, "passed"),
        Item("pad2d", "Zeros", 1.0, None, "not_graded", message="A fault of the grader, not of your work."),
    ]
    result = Result("convolution", "x", items)
    data = result.for_gradescope("A remark.")
    assert "score" not in data and not any({"score", "status"} & set(test) for test in data["tests"])
    assert "A fault of the grader, not of your work." in data["output"]
    assert data["output"].endswith("A remark.")
    assert Result.from_json(result.to_json()) == result  # our own form keeps what is known


def test_the_zip_holds_one_unit_and_what_it_builds_on(archive):
    names = zipfile.ZipFile(archive).namelist()
    assert {"setup.sh", "run_autograder", "requirements.txt"} <= set(names)
    of_units = {name for name in names if Path(name).stem in UNITS and not name.startswith("course/")}
    assert of_units == {
        "autograder/checks/convolution.py",
        "autograder/mistakes/convolution.py",
        "solutions/convolution.py",
        "source/convolution/convolution.ipynb",
    }
    assert not [name for name in names if "__pycache__" in name or "nbgrader_plugin" in name]


@pytest.mark.parametrize("isolation", ["bubblewrap"], indirect=True)
def test_what_the_course_drops_is_dropped_there_too(base, python, isolation, tmp_path, monkeypatch):
    (tmp_path / "nbgrader_config.py").write_text(
        'c = get_config()\nc.Grade.dropped = {"convolution": ["convolve1d", "why_correlation"]}\n'
    )
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["export", "gradescope", UNIT.name])
    assert done.exit_code == 0, done.output
    assert "why_correlation" not in done.output
    with zipfile.ZipFile(tmp_path / "exports" / f"{UNIT.name}-gradescope.zip") as archive:
        course = archive.read("course.json")
    before = (base / "source" / "course.json").read_bytes()
    (base / "source" / "course.json").write_bytes(course)
    try:
        _, data = run(base, python, isolation, {f"{UNIT.name}.py": WRONG})
    finally:
        (base / "source" / "course.json").write_bytes(before)
    assert data["score"] > 0
    assert not [test["name"] for test in data["tests"] if "convolve1d" in test["name"]]
    assert "why_correlation" not in data["output"]


def test_the_zip_of_a_later_unit_holds_the_references_it_builds_on(folder):
    target = folder / "pooling.zip"
    assert CliRunner().invoke(app, ["export", "gradescope", "pooling", "--to", str(target)]).exit_code == 0
    names = set(zipfile.ZipFile(target).namelist())
    assert {"solutions/conv_layer.py", "solutions/pooling.py"} <= names
    assert not {"solutions/dropout.py", "solutions/in_pytorch.py"} & names


def test_packages_are_those_of_this_machine_and_torch_only_where_it_is_needed(folder, archive):
    target = folder / "architectures.zip"
    assert CliRunner().invoke(app, ["export", "gradescope", "architectures", "--to", str(target)]).exit_code == 0
    plain, torch = (zipfile.ZipFile(path).read("requirements.txt").decode() for path in (archive, target))
    assert f"numpy=={numpy.__version__}\n" in plain
    assert "torch" not in plain
    assert re.search(r"^torch==[\d.]+$", torch, re.MULTILINE)


def test_the_programs_are_sound(base):
    programs = [base / "source" / "setup.sh", base / "source" / "run_autograder"]
    for program in programs:
        subprocess.run(["bash", "-n", program], check=True)
        assert os.access(program, os.R_OK)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", *programs], check=True)


def test_options_of_other_platforms_are_refused():
    done = CliRunner().invoke(app, ["export", "gradescope", UNIT.name, "--feedback"])
    assert done.exit_code == 2
    assert "Gradescope grades by itself" in done.output


def test_by_name_uid_is_refused_where_every_user_can_read_the_answers(folder, python, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can drop to a user of its own")
    clone = folder / "clone"
    for name in ("autograder", "solutions", "source", "course/backpass"):
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    clone.chmod(0o755)
    (tmp_path / "a.py").write_text(WRONG)
    sites = [path for path in sys.path if path.endswith("-packages")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(clone), str(clone / "course"), *sites])}
    command = [python, "-m", "autograder", "grade", UNIT.name, "a.py", "--isolation", "uid"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    if "other users cannot read" in done.stderr:
        pytest.skip(done.stderr)
    assert (done.returncode, done.stdout) == (3, "")
    assert f"every user can enter {clone}/autograder" in done.stderr
    clone.chmod(0o700)
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert said("uid") in done.stdout
