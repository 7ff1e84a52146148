"""Both doctors: each complaint is provoked, and says what to do."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
from packaging.specifiers import SpecifierSet

from autograder import doctor as instructors
from autograder.paths import ROOT
from autograder.sandbox import NoSandbox
from backpass import doctor as students

unprivileged = pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() == 0, reason="root can write everywhere")


def absent(name: str) -> str:
    raise PackageNotFoundError(name)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    (tmp_path / "source").mkdir()
    return tmp_path


@pytest.fixture
def finding(course, monkeypatch):
    """What the instructor's doctor finds of one thing. The sandbox is tried by tests of its own."""
    monkeypatch.setattr(instructors, "_isolation", lambda: instructors.Finding("sandbox", True, "not looked at"))
    return lambda what: next(one for one in instructors.examine(course) if one.what == what)


def complains(found, *words: str, needed: bool = True) -> None:
    assert not found.fine
    assert found.needed == needed
    assert all(word in found.sentence for word in words), found.sentence


def test_all_that_grading_needs_is_here(course, finding, monkeypatch):
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert [one for one in instructors.examine(course) if one.needed and not one.fine] == []


def test_an_old_python(finding, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    complains(finding("Python"), "3.11 or newer")
    complains(students.python(), "3.11 or newer")


def test_no_sandbox(monkeypatch):
    def refuse(isolation: str) -> None:
        raise NoSandbox("bubblewrap is not installed: sudo apt-get install bubblewrap")

    monkeypatch.setattr(instructors, "check_isolation", refuse)
    complains(instructors._isolation(), "apt-get install")


@pytest.mark.parametrize("package", ["nbgrader", "numpy", "msgpack"])
def test_a_missing_package(finding, monkeypatch, package):
    monkeypatch.setattr(instructors, "version", absent)
    complains(finding(package), "not installed", "make setup")


@pytest.mark.parametrize("package", ["torch", "copydetect", "jupyterlab"])
def test_what_is_missing_and_not_needed(finding, monkeypatch, package):
    monkeypatch.setattr(instructors, "version", absent)
    complains(finding(package), "not installed", "pip install", needed=False)


def test_another_nbgrader(finding, monkeypatch):
    monkeypatch.setattr(instructors, "_wanted", lambda name: SpecifierSet("<0.1"))
    complains(finding("nbgrader"), "nbgrader<0.1 is needed", "make setup")


def test_the_wanted_versions_are_those_of_the_package(monkeypatch):
    monkeypatch.setattr(instructors, "requires", lambda name: ["numpy>=1.26", "torch>=2; extra == 'test'"])
    assert str(instructors._wanted("numpy")) == ">=1.26"
    assert instructors._wanted("torch") is None
    monkeypatch.setattr(instructors, "requires", absent)
    assert instructors._wanted("numpy") is None


def test_nbgraders_tools_and_git_are_not_found(finding, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    complains(finding("PATH"), "on PATH")
    complains(finding("git"), "not installed", needed=False)


def test_a_folder_that_is_no_course(finding, course):
    (course / "source").rmdir()
    complains(finding("course"), "not an nbgrader course")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("c = get_config()\n", ["configure(c)"]),
        ("c = get_config(\n", ["cannot be read", "SyntaxError"]),
        ("c = get_config()\nc.Grade.limits = {'call_second': 5}\n", ["call_seconds"]),
        ("c = get_config()\nc.Grade.dropped = ['pad2d']\n", ["is a dict like"]),
    ],
)
def test_a_configuration_without_the_plug_in_or_with_nonsense(finding, course, config, words):
    (course / "nbgrader_config.py").write_text(config)
    complains(finding("plug-in"), *words)


def test_formgrader_is_switched_off(finding, course, monkeypatch):
    (course / "config").mkdir()
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(course / "config"))
    off = '{"ServerApp": {"jpserver_extensions": {"nbgrader.server_extensions.formgrader": false}}}'
    (course / "config" / "jupyter_server_config.json").write_text(off)
    complains(finding("formgrader"), "jupyter server extension enable", needed=False)


def test_a_gradebook_that_is_damaged(finding, course):
    (course / "gradebook.db").write_bytes(b"no database at all, whatever its name says" * 100)
    complains(finding("gradebook"), "cannot be read")


def test_a_gradebook_that_another_program_writes(finding, course):
    with sqlite3.connect(course / "gradebook.db") as other:
        other.execute("CREATE TABLE t (a)")
    assert finding("gradebook").fine
    other = sqlite3.connect(course / "gradebook.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        complains(finding("gradebook"), "in use", "wait for the other program")
    finally:
        other.close()


def test_a_full_disk(finding, monkeypatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1))
    complains(finding("disk"), "may not fit")


def unwritable(*arguments: object, **options: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_folders_that_cannot_be_written(finding, monkeypatch):
    monkeypatch.setattr(instructors.tempfile, "TemporaryFile", unwritable)
    complains(finding("folder"), "cannot be written", "Permission denied")
    found = {one.what: one for one in students.examine()}
    complains(found["this folder"], "cannot be written", "not kept", needed=False)
    complains(found["data"], "cannot be written", "BACKPASS_DATA", needed=False)


@unprivileged
def test_a_folder_without_the_right_to_write(course, finding):
    course.chmod(0o500)
    complains(finding("folder"), "cannot be written")
    course.chmod(0o700)


# The student's doctor


@pytest.mark.parametrize(("package", "needed"), [("numpy", True), ("ipywidgets", True), ("torch", False)])
def test_a_student_lacks_a_package(monkeypatch, package, needed):
    monkeypatch.setattr(students, "version", absent)
    found = next(one for one in students.examine() if one.what == package)
    complains(found, "not installed: pip install", needed=needed)


def test_a_student_has_an_old_numpy(monkeypatch):
    monkeypatch.setattr(students, "requires", lambda name: ["numpy>=1.26", "matplotlib>=3.8"])
    monkeypatch.setattr(students, "version", lambda name: "1.25.2")
    complains(students._package("numpy", "", True), "1.25.2 is too old", "1.26", "pip install --upgrade numpy")
    monkeypatch.setattr(students, "version", lambda name: "2.0.0rc1")
    assert students._package("numpy", "", True).fine


def test_no_kernel_runs_notebooks(monkeypatch):
    monkeypatch.setattr(students, "find_spec", lambda name: None if name == "ipykernel" else object())
    complains(students._kernel(), "pip install 'backpass[lab]'")


def test_jupyter_belongs_to_another_python(tmp_path, monkeypatch):
    other = tmp_path / ("jupyter.bat" if os.name == "nt" else "jupyter")
    other.write_text("")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    complains(students._command(), str(tmp_path), "-m jupyter lab", needed=False)


def test_cases_are_missing_or_of_another_version(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BACKPASS_CASES", raising=False)
    complains(students._cases(), "not in this folder", needed=False)
    np.savez(tmp_path / "cases.npz", something=np.zeros(3))
    complains(students._cases())
