"""docs/security.md: every promise names how it is tested, and every test, file and command that it names exists."""

from __future__ import annotations

import re

import pytest

from autograder.paths import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| \*\*(.+?)\*\*[^|]*\|([^|]+)\|([^|]+)\|$", PAGE, re.MULTILINE)
NAMED = sorted(set(re.findall(r"`(test_\w+)`", PAGE)))
FILES = sorted(set(re.findall(r"`([\w/]+\.(?:py|md))`", PAGE)) - {"given.py"})


def test_every_promise_has_a_mechanism_and_a_test():
    assert len(ROWS) == PAGE.count("\n| **") >= 15
    for promise, mechanism, test in ROWS:
        assert mechanism.strip(), promise
        assert re.search(r"`test_\w+`|`tests/\w+\.py`|\brows? \d", test), promise


@pytest.mark.parametrize("name", NAMED)
def test_a_named_test_exists(name):
    definition = re.compile(rf"^def {name}\(", re.MULTILINE)
    assert [path for path in (ROOT / "tests").rglob("test_*.py") if definition.search(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("file", FILES)
def test_a_named_file_exists(file):
    assert (ROOT / file).is_file()


def test_named_commands_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`make (\w+)`", PAGE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for module in set(re.findall(r"`python -m ([\w.]+)`", PAGE)):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), module
