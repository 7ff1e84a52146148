"""The sandbox finds its interpreter and packages wherever they are, for root and for an ordinary user."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.paths import ROOT
from autograder.results import Result
from tests.exceeding import UNIT, honest, write
from tests.interpreters import BASE, LAYOUTS, VERSION, environment, folder_for_all, unusual
from tests.needs_sandbox import skip_without_sandbox

pytestmark = pytest.mark.xdist_group("interpreters")

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
ASK = """
import json, sys
from autograder.sandbox import Cell, Session
from autograder.units import UNITS
source = '''
import numpy, os, sys
def f():
    beside = sorted(os.listdir(os.path.dirname(os.path.dirname(numpy.__file__))))
    return sys.version_info[:2], numpy.__version__, beside, os.path.realpath(sys.executable), os.getuid()
'''
with Session([Cell(source, "cell")], UNITS["convolution"]) as session:
    print(json.dumps([session.notes, session.call("f", ()).value, os.path.realpath(sys.executable), os.getuid()]))
"""


@pytest.fixture(scope="module")
def open_folder():
    skip_without_sandbox()
    with folder_for_all() as folder:
        yield folder


@pytest.fixture(scope="module")
def interpreters(open_folder):
    """Makes a layout, once."""
    made: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name in ("pyenv", "conda") and unusual():
            pytest.skip("the interpreter's own files lie apart, as on Debian: there is nothing to copy")
        if name not in made:
            (open_folder / name).mkdir()
            made[name] = LAYOUTS[name](open_folder / name)
        shown = subprocess.run([made[name], "-V"], capture_output=True, text=True).stdout if made[name].exists() else ""
        if not shown.startswith(f"Python {VERSION}."):
            pytest.skip(f"there is no Python {VERSION} at {made[name]}, for which the packages are")
        return made[name]

    return make


def asked(command: list, python: Path) -> list:
    done = subprocess.run(
        [*command, python, "-c", "import os\n" + ASK], capture_output=True, text=True, env=environment(python)
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_interpreter_is_found_wherever_it_is(interpreters, layout):
    python = interpreters(layout)
    notes, (version, numpy, beside, inside, uid), outside, _ = asked([], python)
    assert notes == []
    assert ".".join(map(str, version)) == VERSION
    assert numpy
    assert inside == outside  # the very file, not a link to it
    assert {"numpy", "msgpack"} <= set(beside) <= {"numpy", "numpy.libs", "msgpack", "__pycache__"}
    assert uid != 0
    if layout == "pyenv":
        assert "home of someone" in inside
    if layout == "venv":
        assert outside == str(BASE)


# An ordinary user


@pytest.fixture(scope="module")
def as_nobody(open_folder):
    """An interpreter that another user can run, and the beginning of a command line that makes one that user."""
    if os.geteuid() != 0:
        pytest.skip("the other tests already run as an ordinary user")
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    look = f"import sys, numpy, nbgrader, typer, autograder.cli; assert sys.version_info[:2] == {sys.version_info[:2]}"
    for python in (LAYOUTS["system"](open_folder), BASE):
        done = subprocess.run([*NOBODY, python, "-c", look], capture_output=True, text=True, env=environment(python))
        if done.returncode == 0:
            return [*NOBODY, python]
    pytest.skip(f"another user cannot read this repository or its packages: {done.stderr.splitlines()[-1]}")


def test_an_ordinary_user_is_that_user_inside(as_nobody):
    notes, (*_, uid), _, outside = asked(as_nobody[:-1], as_nobody[-1])
    assert (notes, uid, outside) == ([], 65534, 65534)


def graded(folder: Path, *words: str) -> tuple[subprocess.CompletedProcess, dict]:
    write(folder, "right", honest())
    write(folder, "hostile", "import os\nos._exit(1)\n")
    command = [*words, "-m", "autograder", "grade", UNIT, "right.py", "hostile.py", "--json", "out"]
    python = Path(next(word for word in words if "python" in Path(word).name))
    more = environment(python) | {"HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=more, capture_output=True, text=True)
    found = {path.stem: json.loads(path.read_text()) for path in folder.glob("out/*.json")}
    return done, found


def test_root_and_an_ordinary_user_get_the_same_results(as_nobody, open_folder):
    theirs, mine = open_folder / "theirs", open_folder / "mine"
    for folder in (theirs, mine):
        folder.mkdir()
    os.chown(theirs, 65534, 65534)
    done, by_nobody = graded(theirs, *map(str, as_nobody))
    assert done.returncode == 0, done.stderr
    assert (theirs / "out" / "right.json").stat().st_uid == 65534
    done, by_root = graded(mine, str(as_nobody[-1]))
    assert done.returncode == 0, done.stderr
    assert by_nobody == by_root
    result = Result.from_json(by_root["right"])
    assert result.score == result.max_score > 0


# Where user namespaces are forbidden


FORBIDDING = ["bwrap", "--unshare-user", "--disable-userns", "--cap-drop", "ALL", "--dev-bind", "/", "/", "--"]


@pytest.fixture
def forbidden(open_folder, tmp_path):
    """Runs `autograder` where no namespace can be made."""

    def run(*words: str) -> subprocess.CompletedProcess:
        path = os.pathsep.join([str(ROOT), str(ROOT / "course"), *filter(None, sys.path)])
        command = [*FORBIDDING, sys.executable, "-m", "autograder", *words]
        more = os.environ | {"PYTHONPATH": path, "COLUMNS": "1000"}
        return subprocess.run(command, cwd=tmp_path, env=more, capture_output=True, text=True)

    return run


def test_the_doctor_says_so_and_how_to_allow_them(forbidden):
    done = forbidden("doctor")
    assert done.returncode == 1
    line = next(line for line in done.stdout.splitlines() if " sandbox: " in line)
    assert line.split()[0] == "missing"
    assert "user namespaces are not allowed here" in line
    assert "sysctl -w " in line or "--security-opt " in line


def test_nothing_is_graded_unprotected_unless_asked_for_by_name(forbidden, tmp_path):
    write(tmp_path, "right", honest())
    done = forbidden("grade", UNIT, "right.py", "--json", "out")
    assert (done.returncode, done.stdout, (tmp_path / "out").exists()) == (3, "", False)
    assert "user namespaces are not allowed here" in done.stderr
    assert "--isolation none" in done.stderr
    done = forbidden("grade", UNIT, "right.py", "--json", "out", "--isolation", "none")
    assert done.returncode == 0, done.stderr
    data = json.loads((tmp_path / "out" / "right.json").read_text())
    assert data["output"] == "Graded with --isolation none: the submission was not locked in."
    assert data["extra_data"]["isolation"] == "none"
    assert data["output"] in done.stdout
    result = Result.from_json(data)
    assert result.score == result.max_score > 0
