"""Who may know whom: the rules of the house, read from the imports."""

from __future__ import annotations

import ast
import copy
import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

from autograder.paths import BACKPASS, CHECKS, COURSE, ROOT, SOLUTIONS
from autograder.remembered import Answers
from autograder.runner import Checks, with_checks
from autograder.student import LocalStudent
from autograder.units import UNITS
from backpass import cards

BUILT = [unit for unit in UNITS.values() if (CHECKS / f"{unit.name}.py").exists()]


def imported(path: Path) -> set[str]:
    """The full names of all modules that a file imports, wherever in the file it does."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path) if not name.startswith(".")}


@pytest.mark.parametrize("path", sorted(SOLUTIONS.glob("*.py")), ids=lambda path: path.stem)
def test_solutions_know_numpy_and_earlier_units(path):
    allowed = {"numpy", "__future__", "solutions", "collections", "typing", "itertools"}
    if path.stem == "in_pytorch":
        allowed.add("torch")
    assert tops(path) <= allowed
    number = UNITS[path.stem].number if path.stem in UNITS else 10
    for name in imported(path):
        if name.startswith("solutions."):
            earlier = name.split(".")[1]
            assert earlier == "in_pytorch" or UNITS[earlier].number < number, f"{path.stem} imports {name}"


@pytest.mark.parametrize("path", sorted(COURSE.rglob("*.py")), ids=lambda path: path.stem)
def test_the_course_knows_neither_grader_nor_answers(path):
    assert not tops(path) & {"autograder", "solutions", "tests", "given"}


@pytest.mark.parametrize("name", ["worker", "wire"])
def test_what_runs_inside_knows_little(name):
    path = ROOT / "autograder" / "sandbox" / f"{name}.py"
    assert tops(path) - set(sys.stdlib_module_names) <= {"numpy", "msgpack", "wire", "standins", "backpass"}


@pytest.mark.parametrize("path", sorted((ROOT / "autograder").rglob("*.py")), ids=lambda path: path.stem)
def test_the_grader_does_not_know_its_tests(path):
    assert not tops(path) & {"tests", "benchmarks"}


def test_check_imports_numpy_alone():
    code = "import sys, numpy; numpys = set(sys.modules); from backpass import check; "
    code += "print(*sorted({m.split('.')[0] for m in set(sys.modules) - numpys}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=COURSE, check=True)
    assert set(done.stdout.split()) - set(sys.stdlib_module_names) == {"backpass"}


def test_grading_starts_without_torch():
    code = "import sys, autograder.host, autograder.cli, autograder.validate; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "False"


def test_a_torch_exercise_is_checked_without_sympy():
    """torch imports it for a gradient that it is given, which takes half a second."""
    code = "import sys, numpy as np; from backpass.torch_adapter import batch_norm_function as ask; "
    code += "from solutions.architectures import BatchNormFunction as right; one = np.ones((2, 3)); "
    code += "ask(right, one, one[0], one[0], 1e-5, one); print('torch' in sys.modules, 'sympy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == ["True", "False"]


def public_callables() -> dict[str, object]:
    """Every function and class that a student can import from backpass; the experiments of cards take a seed only."""
    found, experiments = {}, {id(cards.card(name).run) for name in cards.names()}
    for module_info in pkgutil.walk_packages([str(BACKPASS)], "backpass."):
        if module_info.name.endswith("__main__"):
            continue
        module = importlib.import_module(module_info.name)
        for name, value in vars(module).items():
            if id(value) in experiments:
                continue
            if callable(value) and not name.startswith("_") and inspect.getmodule(value) is module:
                found[f"{module_info.name}.{name}"] = value
    return found


class FirstCall(LocalStudent):
    """The reference; remembers the first call that a check makes."""

    first: tuple[tuple, dict] | None = None

    def observe(self, function, args, kwargs, lines=False):
        self.first = self.first or (args, kwargs)
        return super().observe(function, args, kwargs, lines)


def no_descriptors(real_open):
    """`open` without small integers: pytest's own descriptors must not be closed by a callable that opens a path."""

    def careful(file, *args, **kwargs):
        if isinstance(file, int):
            raise TypeError("a path is wanted")
        return real_open(file, *args, **kwargs)

    return careful


def in_sample(name: str) -> bool:
    """A quarter of all names, the same ones in every run."""
    return zlib.crc32(name.encode()) % 4 == 0


# What took long when it was called: it trains or draws, and is no layer.
SLOW: set[int] = set()


def may_score(value, args, kwargs) -> bool:
    """Whether a callable survives the first call of a check, or fails as an exercise may be asked to."""
    if id(value) in SLOW:
        return False
    began = time.process_time()
    try:
        inspect.signature(value).bind(*args, **kwargs)
        value(*copy.deepcopy(args), **copy.deepcopy(kwargs))
    except ValueError:
        return True
    except BaseException:  # noqa: BLE001 - a callable may raise anything
        return False
    finally:
        if time.process_time() - began > 0.1:
            SLOW.add(id(value))
    return id(value) not in SLOW


@pytest.mark.parametrize("unit", BUILT, ids=lambda unit: unit.name)
def test_no_public_callable_of_backpass_scores(unit, monkeypatch, tmp_path):
    """Each one is submitted as every exercise of the unit; what dies at a check's first call is not run further.

    A quarter of them for each unit, another quarter for another unit; BACKPASS_ALL_CALLABLES=1 tries all.
    """
    pytest.importorskip("matplotlib").use("agg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("builtins.print", lambda *args, **kwargs: None)
    # A callable that is no answer may write into the arrays of one: nothing is remembered for later tests.
    monkeypatch.setattr("autograder.student._reference_answers", Answers())
    monkeypatch.setattr("builtins.open", no_descriptors(open))
    callables = public_callables()
    if not os.environ.get("BACKPASS_ALL_CALLABLES"):
        callables = {name: value for name, value in callables.items() if in_sample(f"{unit.name} {name}")}

    def scores(checks: Checks) -> list[str]:
        found = []
        for check in checks.hidden():
            reference = FirstCall(unit)
            checks.run(check, reference)
            for name, value in callables.items():
                if may_score(value, *reference.first):
                    student = LocalStudent(unit, dict.fromkeys(unit.functions, value))
                    if checks.run(check, student).passed:
                        found.append(f"{name} as {check.exercise}: {check.title}")
        return found

    try:
        assert with_checks(unit, scores) == []
    finally:
        importlib.import_module("matplotlib.pyplot").close("all")
