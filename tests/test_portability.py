"""What students get runs on Linux, macOS and Windows: no POSIX-only import, no implicit encoding, no long path."""

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COURSE = ROOT / "course"
FILES = sorted((COURSE / "backpass").rglob("*.py"))

POSIX_ONLY = {"crypt", "fcntl", "grp", "nis", "posix", "pty", "pwd", "resource", "spwd", "syslog", "termios", "tty"}
POSIX_FUNCTIONS = {"fork", "forkpty", "getuid", "setsid", "killpg", "mkfifo", "chown", "getpgid", "sched_setaffinity"}
TEXT_METHODS = {"read_text", "write_text"}
# Windows takes 260 characters for a whole path, and the place of a download comes before.
LONGEST_PATH = 180
RESERVED = re.compile(r'[<>:"|?*\\]|[ .]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE)


def problems(source: str) -> list[str]:
    """What in a module would fail, or read files differently, on another system."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [f"imports {alias.name}" for alias in node.names if alias.name.split(".")[0] in POSIX_ONLY]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in POSIX_ONLY:
            found.append(f"imports {node.module}")
        elif isinstance(node, ast.Attribute) and node.attr in POSIX_FUNCTIONS:
            found.append(f"uses {node.attr}, line {node.lineno}")
        elif isinstance(node, ast.Call):
            found += _without_encoding(node)
    return found


def _without_encoding(call: ast.Call) -> list[str]:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if "encoding" in given or None in given:
        return []
    if isinstance(call.func, ast.Attribute) and call.func.attr in TEXT_METHODS:
        return [f"{call.func.attr} without an encoding, line {call.lineno}"]
    is_open = isinstance(call.func, ast.Name) and call.func.id == "open"
    is_path_open = isinstance(call.func, ast.Attribute) and call.func.attr == "open"
    if not (is_open or is_path_open):
        return []
    strings = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    binary = any(re.fullmatch(r"[rwax]\+?b\+?|[rwax]b", text) for text in strings)
    # tarfile.open and zipfile.open give bytes by themselves.
    archive = is_path_open and isinstance(call.func.value, ast.Name) and call.func.value.id in ("tarfile", "archive")
    return [] if binary or archive else [f"open without an encoding, line {call.lineno}"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(COURSE).as_posix())
def test_nothing_is_bound_to_one_system(path):
    assert problems(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", sorted((COURSE / "lectures").glob("*.ipynb")), ids=lambda path: path.stem)
def test_lectures_are_bound_to_no_system(path):
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            assert problems("".join(cell["source"])) == [], cell["id"]


@pytest.mark.parametrize(
    "source",
    [
        "import fcntl",
        "from resource import setrlimit",
        "import os; os.fork()",
        "open('a')",
        "from pathlib import Path; Path('a').read_text()",
        "from pathlib import Path; Path('a').open('w')",
    ],
)
def test_what_is_bound_to_one_system_is_found(source):
    assert len(problems(source)) == 1


@pytest.mark.parametrize("source", ["open('a', 'rb')", "open('a', encoding='utf-8')", "p.open(mode='wb')"])
def test_what_is_right_everywhere_is_let_through(source):
    assert problems(source) == []


def test_paths_are_short_and_every_system_can_write_them():
    seen = {}
    for path in COURSE.rglob("*"):
        relative = path.relative_to(ROOT).as_posix()
        if "__pycache__" in relative or ".egg-info" in relative:
            continue
        assert len(relative) <= LONGEST_PATH, relative
        for part in path.relative_to(ROOT).parts:
            assert not RESERVED.search(part), relative
        assert seen.setdefault(relative.lower(), relative) == relative, f"{relative} and {seen[relative.lower()]}"
