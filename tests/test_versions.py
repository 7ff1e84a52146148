"""An exercise's version follows all that decides its result, and nothing else of its unit."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from autograder import versions
from autograder.paths import CHECKS, ROOT, SOLUTIONS
from autograder.runner import Checks, with_checks
from autograder.student import LocalStudent
from autograder.units import UNITS, Exercise, Unit
from autograder.versions import PARTS, Followed, versions_of

TINY = Unit("tiny", 1, "Tiny", (Exercise("one", ("one",), 1, 1), Exercise("two", ("two",), 1, 1)))
FILES = {
    "solutions/tiny.py": "import numpy as np\n\nSCALE = 2\n\n\ndef one(x):\n    return SCALE * _help(x)\n\n\n"
    "def _help(x):\n    return x\n\n\ndef two(x):\n    return x + 1\n",
    "solutions/earlier.py": "def used(x):\n    return x\n\n\ndef unused(x):\n    return x\n",
    "autograder/checks/tiny.py": '"""Checks."""\n\nfrom solutions import earlier as right\n'
    "from solutions.tiny import _help\n\nSIZE = 3\n\n\n"
    "def inputs(n):\n    return n\n\n\n"
    '@check("one", points=1, title="One")\ndef test_one(student, draw):\n    """Why."""\n'
    "    agree(student.one, inputs(SIZE))\n\n\n"
    '@check("two", points=1, title="Two")\ndef test_two(student, draw):\n    """Why."""\n'
    "    agree(student.two, right.used(4))\n",
    "autograder/mistakes/tiny.py": "def _forget(x):\n    return 0 * x\n\n\n"
    '@mistake("one")\ndef forgets(x):\n    """It forgets."""\n    return _forget(x)\n\n\n'
    '@mistake("two")\ndef adds_two(x):\n    """It adds two."""\n    return x + 2\n',
}


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for name in ("checks", "mistakes"):
        (tmp_path / "autograder" / name / "__init__.py").write_text("")
    (tmp_path / "autograder" / "host.py").write_text("x = 1\n")
    (tmp_path / "autograder" / "report.py").write_text("x = 1\n")
    monkeypatch.setattr(versions, "ROOT", tmp_path)
    monkeypatch.setattr(versions, "CHECKS", tmp_path / "autograder" / "checks")
    monkeypatch.setattr(versions, "SOLUTIONS", tmp_path / "solutions")
    monkeypatch.setattr(versions, "BACKPASS", tmp_path / "course" / "backpass")
    monkeypatch.setattr(versions, "given_source", lambda unit: "")
    return tmp_path


def changes(place: Path, file: str, old: str, new: str) -> dict[str, set[str]]:
    """exercise -> the parts that have another version after a change of a file; "base" where the base has."""
    before = versions_of(TINY, "none")
    text = (place / file).read_text()
    assert text.count(old) == 1
    (place / file).write_text(text.replace(old, new))
    after = versions_of(TINY, "none")
    found = {
        name: {part for part in PARTS if before.parts[name][part] != after.parts[name][part]} for name in before.parts
    }
    assert {n for n in found if before.exercises[n] != after.exercises[n]} == (
        set(found) if before.base != after.base else {n for n in found if found[n]}
    )
    assert (before.whole != after.whole) == (before.base != after.base or any(found.values()))
    return {name: parts for name, parts in found.items() if parts} | (
        {"base": set()} if before.base != after.base else {}
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("autograder/checks/tiny.py", "inputs(SIZE)", "inputs(SIZE + 1)", {"one": {"checks"}}),
        ("autograder/checks/tiny.py", "SIZE = 3", "SIZE = 4", {"one": {"checks"}}),
        ("autograder/checks/tiny.py", "return n\n", "return n + 1\n", {"one": {"checks"}}),
        ("autograder/checks/tiny.py", 'points=1, title="Two"', 'points=2, title="Two"', {"two": {"checks"}}),
        ("autograder/checks/tiny.py", "SIZE = 3\n", "SIZE = 3  # a comment\n\n\n", {}),
        ("autograder/checks/tiny.py", '"""Checks."""', '"""Other words."""', {}),
        ("autograder/checks/tiny.py", "SIZE = 3\n", "SIZE = 3\nprint()\n", {"one": {"checks"}, "two": {"checks"}}),
        ("autograder/checks/tiny.py", "student.two", "student.one", {"two": {"checks", "reference"}}),
        ("autograder/checks/tiny.py", "inputs(SIZE)", 'getattr(SIZE, "x")', {"one": {"checks", "reference"}}),
        ("solutions/tiny.py", "x + 1", "x + 1.0", {"two": {"reference"}}),
        ("solutions/tiny.py", "    return x\n", "    return 1 * x\n", {"one": {"reference"}}),
        ("solutions/tiny.py", "SCALE = 2", "SCALE = 3", {"one": {"reference"}}),
        ("solutions/earlier.py", "def used(x):\n    return x", "def used(x):\n    return -x", {"two": {"checks"}}),
        ("solutions/earlier.py", "def unused(x):\n    return x", "def unused(x):\n    return -x", {}),
        ("autograder/mistakes/tiny.py", "return 0 * x", "return 1 * x", {"one": {"mistakes"}}),
        ("autograder/mistakes/tiny.py", "It adds two.", "It adds 2.", {"two": {"mistakes"}}),
        ("autograder/host.py", "x = 1", "x = 2", {"base": set()}),
        ("autograder/report.py", "x = 1", "x = 2", {}),
    ],
)
def test_a_change_reaches_the_exercises_that_it_concerns(place, file, old, new, expected):
    assert changes(place, file, old, new) == expected


def test_limits_isolation_and_packages_decide(place, monkeypatch):
    found = {versions_of(TINY, isolation).whole for isolation in ("none", "bubblewrap")}
    found.add(versions_of(replace(TINY, limits=replace(TINY.limits, call_seconds=3)), "none").whole)
    found.add(versions_of(replace(TINY, needs_torch=True), "none").whole)
    assert len(found) == 4
    versions._versions.cache_clear()
    monkeypatch.setattr(versions, "_version", lambda package: "another")
    assert versions_of(TINY, "none").whole not in found


def test_a_new_mistake_or_check_counts(place):
    more = '\n\n@mistake("two")\ndef adds_three(x):\n    """It adds three."""\n    return x + 3\n'
    assert changes(place, "autograder/mistakes/tiny.py", "return x + 2\n", "return x + 2\n" + more) == {
        "two": {"mistakes"}
    }


def ran(checks: Checks, exercise: str) -> set[tuple[str, str]]:
    """(file, top-level name) of all functions of ours that run while the reference is checked."""
    followed = {str(SOLUTIONS), str(CHECKS)}
    found: set[tuple[str, str]] = set()

    def watch(frame, event, _):
        path = Path(frame.f_code.co_filename)
        if event == "call" and str(path.parent) in followed and path.name != "conftest.py":
            found.add((path, frame.f_code.co_qualname.partition(".")[0]))

    for check in checks.hidden(exercise):
        sys.setprofile(watch)
        try:
            outcome = checks.run(check, LocalStudent(checks.unit))
        finally:
            sys.setprofile(None)
        assert outcome.passed, outcome
    return {
        (".".join(path.relative_to(ROOT).with_suffix("").parts), name)
        for path, name in found
        if not name.startswith("<")
    }


@pytest.mark.parametrize("name", UNITS)
def test_everything_that_runs_is_followed(name):
    """What a check runs, of its own file or of the reference, is among what its version was made of."""
    which = UNITS[name]
    if which.needs_torch:
        pytest.importorskip("torch")

    def compare(checks: Checks) -> dict[str, set]:
        missed = {}
        for exercise in which.exercises:
            traced = ran(checks, exercise.name)
            assert traced, exercise.name
            missed[exercise.name] = traced - followed(which, exercise)
        return missed

    assert with_checks(which, compare) == {exercise.name: set() for exercise in which.exercises}


def followed(which: Unit, exercise: Exercise) -> set[tuple[str, str]]:
    made: list[Followed] = []

    class Noted(Followed):
        def __init__(self, unit):
            super().__init__(unit)
            made.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(versions, "Followed", Noted)
        versions._parts(which, exercise)
    return set().union(*(followed.done for followed in made))
