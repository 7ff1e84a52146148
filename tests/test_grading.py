"""Submissions through the grading host: states, partial credit, named mistakes, and plain pytest beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograder.host import Host, HostFailed
from autograder.paths import CHECKS, ROOT, source_notebook
from autograder.results import Result

ANSWERS = """
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

def cross_correlate2d(image, kernel):
    return np.einsum("ijkl,kl->ij", sliding_window_view(image, kernel.shape), kernel)

def rot90_symmetrize(kernel):
    return sum(np.rot90(kernel, k) for k in range(4)) / 4
"""


@pytest.fixture(scope="module")
def host():
    with Host("convolution") as host:
        yield host


@pytest.fixture
def grade(host, tmp_path):
    def graded(source: str) -> Result:
        path = tmp_path / "submission.py"
        path.write_text(source, encoding="utf-8")
        return host.grade(path, "submission")

    return graded


def states(result: Result, exercise: str) -> set[str]:
    return {item.state for item in result.of(exercise)}


def test_the_model_answers_get_everything(host):
    result = host.grade(source_notebook("convolution"), "model")
    assert result.graded
    assert result.score == result.max_score > 0
    assert result.extra_credit > 0
    assert result.mistakes() == []


def test_the_processor_seconds_are_told_and_stay_out_of_the_json_form(grade):
    idle = grade("x = 0\n")
    busy = grade("import time\nend = time.process_time() + 1.5\nwhile time.process_time() < end:\n    pass\n")
    assert 0 < idle.processor_seconds < busy.processor_seconds
    assert busy.processor_seconds >= 1.5
    assert busy == Result.from_json(busy.to_json()) and "processor" not in json.dumps(busy.to_json())


def test_a_half_finished_submission_gets_what_it_earned(grade):
    result = grade(ANSWERS)
    assert states(result, "cross_correlate2d") == {"passed"}
    assert states(result, "convolve1d") == {"not_attempted"}
    assert result.exercise_score("convolve1d") == 0
    assert result.score == result.exercise_score("cross_correlate2d")
    assert result.extra_credit == result.exercise_score("rot90_symmetrize") > 0


def test_a_known_mistake_is_named_and_keeps_partial_credit(grade):
    result = grade(ANSWERS + "\ndef convolve1d(x, w, mode='full'):\n    return np.convolve(x, w)\n")
    assert result.mistakes() == ["convolve1d_ignores_mode"]
    assert 0 < result.exercise_score("convolve1d") < 8
    wrong = [item for item in result.of("convolve1d") if item.mistake]
    assert wrong
    assert all(item.state == "failed" for item in wrong)


@pytest.mark.parametrize(
    ("body", "state"),
    [("while True: pass", "timed_out"), ("import os; os._exit(0)", "crashed"), ("raise SystemExit", "raised"),
     ("return undefined_name", "raised"), ("raise NotImplementedError", "not_attempted"),
     ("return object()", "failed"), ("return [[[w]]]", "failed")],
)  # fmt: skip
def test_what_one_function_does_costs_its_own_exercise_only(grade, body, state):
    result = grade(ANSWERS + f"\ndef convolve1d(x, w, mode='full'):\n    {body}\n")
    assert states(result, "convolve1d") == {state}
    assert result.exercise_score("convolve1d") == 0
    assert states(result, "cross_correlate2d") == {"passed"}
    assert states(result, "rot90_symmetrize") == {"passed"}
    assert all(item.message for item in result.of("convolve1d"))


def test_only_one_way_of_calling_loops(grade):
    """What ended before a time-out keeps its points."""
    source = "def convolve1d(x, w, mode='full'):\n    while mode == 'same': pass\n    return np.convolve(x, w, mode)\n"
    result = grade(ANSWERS + source)
    assert "passed" in states(result, "convolve1d")
    assert "timed_out" in states(result, "convolve1d")
    assert result.exercise_score("convolve1d") > 0


def test_a_cell_that_raises_does_not_stop_the_others(host, tmp_path):
    notebook = nbformat.v4.new_notebook()
    cells = ["import numpy as np\n1 / 0\n", "import seaborn_is_not_there as sns", "%matplotlib inline\nprint('hello')"]
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in [*cells, ANSWERS]]
    nbformat.write(notebook, tmp_path / "n.ipynb")
    result = host.grade(tmp_path / "n.ipynb", "n")
    assert states(result, "cross_correlate2d") == {"passed"}
    assert any("ZeroDivisionError" in note for note in result.notes)


@pytest.mark.parametrize("content", [b"", b"{", b"not json", b"\x00\x01", b'{"cells": 3}'])
def test_a_file_that_cannot_be_read_is_not_graded_and_the_next_one_is(host, grade, tmp_path, content):
    (tmp_path / "broken.ipynb").write_bytes(content)
    result = host.grade(tmp_path / "broken.ipynb", "broken")
    assert not result.graded
    assert result.score is None
    assert result.trouble.endswith(".")
    assert {item.state for item in result.items} == {"not_graded"}
    assert {item.points for item in result.items} == {None}
    assert grade(ANSWERS).graded


def test_results_compare_byte_for_byte(grade):
    once, twice = (json.dumps(grade(ANSWERS).to_json()) for _ in range(2))
    assert once == twice


def test_json_and_back(grade):
    result = grade(ANSWERS)
    assert Result.from_json(json.loads(json.dumps(result.to_json()))) == result


def test_gradescopes_form(host, grade, tmp_path):
    data = grade(ANSWERS).to_json()
    assert data["score"] == 10
    for test in data["tests"]:
        assert {"name", "score", "max_score", "status", "output", "output_format", "extra_data"} <= test.keys()
        assert {"exercise", "mistake", "state", "bonus"} <= test["extra_data"].keys()
    (tmp_path / "broken.ipynb").write_text("")
    data = host.grade(tmp_path / "broken.ipynb", "broken").to_json()
    assert "score" not in data
    assert not any("score" in test or "status" in test for test in data["tests"])


def test_a_host_that_dies_says_so_and_starts_again(tmp_path):
    (tmp_path / "s.py").write_text(ANSWERS)
    with Host("convolution") as host:
        host.start()
        host._process.kill()
        with pytest.raises(HostFailed):
            host.grade(tmp_path / "s.py", "s")
        assert host.grade(tmp_path / "s.py", "s").graded


def test_plain_pytest_agrees_with_the_host(grade, tmp_path):
    source = ANSWERS.replace("/ 4", "/ 3")
    result = grade(source)
    path = tmp_path / "submission.py"
    command = [sys.executable, "-m", "pytest", str(CHECKS), "--submission", str(path), "-q", "-rA", "--tb=no"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    passed = sum(line.startswith("PASSED") for line in done.stdout.splitlines())
    failed = sum(line.startswith("FAILED") for line in done.stdout.splitlines())
    assert done.returncode == 1, done.stdout + done.stderr
    assert passed == sum(item.state == "passed" for item in result.items)
    assert passed + failed == len(result.items)


def test_a_bug_in_a_check_is_not_the_students(tmp_path, monkeypatch):
    """Any other exception than the student's is ours: not graded."""
    from autograder import runner
    from autograder.student import LocalStudent
    from autograder.units import UNITS

    (tmp_path / "convolution.py").write_text(
        "from autograder.checking import check, agree\n"
        "@check('convolve1d', points=1, title='broken')\n"
        "def test_broken(student, draw):\n    'A check with a bug.'\n    1 / 0\n"
        "@check('convolve1d', points=1, title='refuses')\n"
        "def test_refuses(student, draw):\n    'The reference itself raises.'\n"
        "    agree(student.convolve1d, draw.normal(3), draw.normal(2), mode='no such mode')\n"
    )
    (tmp_path / "conftest.py").write_text(Path(CHECKS / "conftest.py").read_text())
    monkeypatch.setattr(runner, "CHECKS", tmp_path)
    unit = UNITS["convolution"]
    run = runner.with_checks(unit, lambda checks: [checks.run(c, LocalStudent(unit)) for c in checks.all])
    assert [outcome.state for outcome in run] == ["not_graded", "not_graded"]
    assert all("not of your work" in outcome.sentence for outcome in run)
