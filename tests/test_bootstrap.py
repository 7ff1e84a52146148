"""Setting up: one clear sentence for each thing that may be missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap

ROOT = Path(bootstrap.__file__).parent


def test_a_missing_venv_module_is_one_sentence_and_status_2(tmp_path):
    # Debian's python3 without python3-venv: `import ensurepip` fails.
    (tmp_path / "ensurepip.py").write_text("raise ImportError('No module named ensurepip')")
    done = subprocess.run(
        [sys.executable, ROOT / "bootstrap.py", "run"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "python3-venv" in done.stderr


def test_make_without_a_new_enough_python_is_one_sentence(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    for needed in ("bootstrap.py", "pyproject.toml", "constraints.txt"):
        (tmp_path / needed).touch()
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "pyproject.toml").touch()
    done = subprocess.run(["make", "demo", "PYTHON="], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "Python 3.11 or newer is needed, and none was found."


def test_make_alone_lists_every_target():
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = [line.split()[1] for line in listed.splitlines() if line.startswith("make ")]
    lines = (ROOT / "Makefile").read_text().splitlines()
    (phony,) = [line for line in lines if line.startswith(".PHONY:")]
    assert {*targets, "help"} == set(phony.split()[1:])


def no_password(monkeypatch, tmp_path, *, sudo, bwrap=False):
    """A PATH with a stand-in apt-get and sudo that write down what they were asked."""
    tools = {"apt-get": 'echo "apt-get $*" >> "$LOG"'}
    if sudo is not None:
        tools["sudo"] = f'echo "sudo $*" >> "$LOG"; shift; test {sudo} = yes && exec "$@"'
    if bwrap:
        tools["bwrap"] = ":"
    for name, body in tools.items():
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
    for name in ("env", "true"):
        (tmp_path / name).symlink_to(shutil.which(name))
    log = tmp_path / "log"
    log.touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LOG", str(log))
    monkeypatch.setattr(sys, "platform", "linux")
    return log


@pytest.mark.parametrize("sudo", [None, "no"])
def test_an_ordinary_user_is_told_the_command_and_asked_nothing(monkeypatch, tmp_path, capsys, sudo):
    log = no_password(monkeypatch, tmp_path, sudo=sudo)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    bootstrap.install_program(*bootstrap.BUBBLEWRAP)
    assert "sudo apt-get install bubblewrap" in capsys.readouterr().out
    assert "apt-get" not in log.read_text()
    assert all(line.startswith("sudo -n ") for line in log.read_text().splitlines())


@pytest.mark.parametrize(("uid", "sudo"), [(0, None), (1000, "yes")])
def test_root_and_passwordless_sudo_install_it(monkeypatch, tmp_path, uid, sudo):
    log = no_password(monkeypatch, tmp_path, sudo=sudo)
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    bootstrap.install_program(*bootstrap.BUBBLEWRAP)
    assert "install --no-install-recommends bubblewrap" in log.read_text()


def test_nothing_is_installed_where_bubblewrap_is_there(monkeypatch, tmp_path, capsys):
    log = no_password(monkeypatch, tmp_path, sudo="yes", bwrap=True)
    bootstrap.install_program(*bootstrap.BUBBLEWRAP)
    assert log.read_text() == capsys.readouterr().out == ""


def test_a_pip_that_fails_is_one_sentence_with_its_reason(monkeypatch, tmp_path, capsys):
    (tmp_path / "bin").mkdir()
    pip = tmp_path / "bin" / "python"
    pip.write_text("#!/bin/sh\necho Collecting numpy\necho 'ERROR: No space left on device'\nexit 1\n")
    pip.chmod(0o755)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    with pytest.raises(bootstrap.Trouble, match="No space left on device"):
        bootstrap.install("run")
