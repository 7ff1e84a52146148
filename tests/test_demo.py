"""`make demo`: what it prints and writes, with a sandbox and where namespaces are forbidden."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.sandbox import NoSandbox, check_isolation

ROOT = Path(__file__).resolve().parent.parent

# An ordinary user who may not make namespaces: what a locked-down host looks like.
DENIED = ["bwrap", "--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--unshare-user", "--disable-userns"]
DENIED += ["--uid", "1000", "--gid", "1000", "--"]


def sandbox_works() -> bool:
    try:
        check_isolation("bubblewrap")
    except NoSandbox:
        return False
    return True


needs_sandbox = pytest.mark.skipif(not sandbox_works(), reason="no sandbox on this machine")


def run_demo(folder: Path, *before: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*before, sys.executable, "-m", "tests.demo", "--folder", str(folder)],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "140"},
        capture_output=True,
        text=True,
    )


def rows(output: str) -> dict[str, str]:
    """Student -> the text of the table's row, in one line."""
    found: dict[str, str] = {}
    name = ""
    for line in output.splitlines():
        if line.startswith("│"):
            cells = [cell.strip() for cell in line.strip("│").split("│")]
            name = cells[0] or name
            found[name] = f"{found.get(name, '')} {' | '.join(cells[1:])}".strip()
    return found


def pages(output: str) -> list[Path]:
    return [ROOT / path for path in re.findall(r"\S+\.html", output)]


@needs_sandbox
def test_the_demo_grades_a_class_and_names_its_mistakes(tmp_path):
    done = run_demo(tmp_path / "demo")
    assert done.returncode == 0, done.stderr
    table = rows(done.stdout)
    assert len(table) >= 12
    assert "all right" in table["s01-right"]
    assert "all right" in table["s02-right-loops"]
    for name, row in table.items():
        if "-mistake-" in name:
            exercise = name.split("-mistake-")[1].replace("-", "_")
            assert f"{exercise}: " in row, row
    (loops,) = [row for name, row in table.items() if re.fullmatch(r"s\d+-loops", name)]
    assert "timed out: " in loops
    feedback, report = pages(done.stdout)
    assert feedback.exists()
    text = report.read_text()
    assert "Mistakes, the most frequent first" in text
    assert "Similar code" in text


@needs_sandbox
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="denying namespaces takes bwrap")
def test_without_namespaces_the_harmless_are_graded_and_the_hostile_listed(tmp_path):
    done = run_demo(tmp_path / "demo", *DENIED)
    assert done.returncode == 0, done.stderr
    first = done.stdout.split("\n\n")[0]
    assert "So only harmless samples are graded." in " ".join(first.split())
    table = rows(done.stdout)
    assert "all right" in table["s01-right"]
    hostile = [name for name, row in table.items() if "not graded: no sandbox" in row]
    assert [name.split("-", 1)[1] for name in hostile] == ["loops", "crashes", "reads"]
    assert not (tmp_path / "demo" / "submitted" / hostile[0]).exists()
    assert all(page.exists() for page in pages(done.stdout))
