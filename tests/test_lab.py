"""`backpass lab`: stubs and lectures in work/, never overwritten, and no solution in sight."""

import subprocess
import sys

import numpy as np
import pytest

from backpass import lab
from backpass.cases import Book, Exercise, save
from backpass.cli import main
from backpass.lab import _QUIET, NoLab, clone, prepare


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A clone with two units; releasing one writes its folder, as `autograder release` would."""
    for name in ("ant", "bee"):
        (tmp_path / "source" / name).mkdir(parents=True)
        (tmp_path / "source" / name / f"{name}.ipynb").write_text(f"answers of {name}")
    (tmp_path / "course" / "lectures").mkdir(parents=True)
    (tmp_path / "course" / "lectures" / "01_ant.ipynb").write_text("lecture")
    released = []

    def release(root, unit):
        released.append(unit)
        folder = root / "release" / unit
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{unit}.ipynb").write_text(f"stubs of {unit}")
        save(folder / "cases.npz", Book(unit, exercises={"a": Exercise(("a",), 1.0)}))
        return folder

    monkeypatch.setattr(lab, "_release", release)
    return tmp_path, released


def test_everything_is_copied_once(root):
    folder, released = root
    said = []
    work = prepare(folder, say=said.append)
    assert sorted(path.relative_to(work).as_posix() for path in work.rglob("*") if path.is_file()) == [
        "ant/ant.ipynb",
        "ant/cases.npz",
        "bee/bee.ipynb",
        "bee/cases.npz",
        "lectures/01_ant.ipynb",
    ]
    prepare(folder, say=said.append)
    assert released == ["ant", "bee"]
    assert len(said) == 2


def test_what_was_edited_stays(root):
    folder, _ = root
    work = prepare(folder)
    (work / "ant" / "ant.ipynb").write_text("my answers")
    (work / "lectures" / "01_ant.ipynb").write_text("my notes")
    (folder / "course" / "lectures" / "01_ant.ipynb").write_text("a new version, from git pull")
    (folder / "course" / "lectures" / "02_bee.ipynb").write_text("a new lecture")
    prepare(folder)
    assert (work / "ant" / "ant.ipynb").read_text() == "my answers"
    assert (work / "lectures" / "01_ant.ipynb").read_text() == "my notes"
    assert (work / "lectures" / "02_bee.ipynb").exists()


def test_cases_of_another_version_are_renewed_and_the_notebook_stays(root):
    folder, released = root
    work = prepare(folder, ["ant"])
    (work / "ant" / "ant.ipynb").write_text("my answers")
    np.savez(work / "ant" / "cases.npz", something=np.zeros(3))
    prepare(folder, ["ant"])
    assert released == ["ant", "ant"]
    assert (work / "ant" / "ant.ipynb").read_text() == "my answers"
    assert lab.load(work / "ant" / "cases.npz").unit == "ant"


def test_an_unknown_unit_is_answered_with_the_known_ones(root):
    with pytest.raises(NoLab, match="The units are ant, bee"):
        prepare(root[0], ["cat"])


def test_outside_of_a_clone_it_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["lab"]) == 2
    assert "no clone of the course" in capsys.readouterr().err


def test_a_clone_is_found_from_inside(root):
    deep = root[0] / "work" / "ant"
    deep.mkdir(parents=True)
    assert clone(deep) == root[0]


def test_jupyters_options_are_handed_on(root, monkeypatch):
    calls = []
    monkeypatch.setattr(subprocess, "call", lambda command, cwd: calls.append((command, cwd)) or 0)
    monkeypatch.chdir(root[0])
    assert main(["lab", "ant", "--no-browser", "--port=9999"]) == 0
    command, cwd = calls[0]
    assert command[:4] == [sys.executable, "-m", "jupyter", "lab"]
    assert {"--no-browser", "--port=9999", f"--ServerApp.root_dir={root[0] / 'work'}"} <= set(command)
    assert cwd == root[0] / "work"


def test_jupyterlab_asks_nothing_of_the_network():
    import jupyterlab
    from jupyterlab.labapp import LabApp

    lab = LabApp()
    lab.parse_command_line(list(_QUIET))
    assert (lab.news_url, lab.check_for_updates_class) == (None, jupyterlab.NeverCheckForUpdate)
