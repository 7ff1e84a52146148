"""A course's own limits: read from its configuration, checked, in force, and exceeded one by one."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from traitlets import TraitError
from traitlets.config import Config

from autograder.host import Host
from autograder.limits import (
    DEFAULTS,
    RANGES,
    UnusableConfiguration,
    UnusableLimit,
    configuration,
    configured,
    with_limits,
)
from autograder.nbgrader_plugin.grade import Grade
from autograder.paths import BACKPASS, ROOT
from autograder.results import Result
from autograder.units import unit
from tests.exceeding import EXCEEDING, LOW, UNIT, Exceeding, honest, write
from tests.nbgrader_course import Course, answered
from tests.needs_sandbox import skip_without_sandbox

CONVOLUTION = unit(UNIT)


def test_some_limits_change_and_the_others_stay():
    changed = with_limits(CONVOLUTION, {"call_seconds": 2, "processes": 8})
    assert (changed.limits.call_seconds, changed.limits.processes) == (2.0, 8)
    assert isinstance(changed.limits.call_seconds, float)
    assert changed.limits.memory_bytes == DEFAULTS["memory_bytes"]
    assert with_limits(CONVOLUTION, {}) == CONVOLUTION


def test_every_limit_has_a_range_and_its_default_lies_there():
    assert RANGES.keys() == DEFAULTS.keys()
    for name, (least, most) in RANGES.items():
        assert least <= DEFAULTS[name] <= most
        assert with_limits(CONVOLUTION, {name: least}) != with_limits(CONVOLUTION, {name: most})


BAD = [
    ({"call_second": 1}, "There is no limit called 'call_second'. Did you mean call_seconds?"),
    ({"processes": 4.5}, "The limit processes is a whole number, not 4.5."),
    ({"processes": 0}, "The limit processes is a number from 4 to 4096, not 0."),
    ({"memory_bytes": 1000}, "The limit memory_bytes is a number from 268435456 to 1099511627776, not 1000."),
    ({"call_seconds": "10"}, "The limit call_seconds is a number, not '10'."),
    ({"call_seconds": float("nan")}, "The limit call_seconds is a number from 0.1 to 86400, not nan."),
    ({"call_seconds": True}, "The limit call_seconds is a number, not True."),
    (5, 'c.Grade.limits is a dict like {"call_seconds": 5}, not 5.'),
]


@pytest.mark.parametrize(("limits", "sentence"), BAD)
def test_what_is_no_limit_is_refused_with_a_sentence(limits, sentence):
    config = Config()
    config.Grade.limits = limits
    with pytest.raises(UnusableLimit, match=re.escape(sentence)):
        configured(config)
    if isinstance(limits, dict):
        with pytest.raises(TraitError, match=re.escape(sentence)):
            Grade(config=config)


def test_a_configuration_may_add_to_the_limits(tmp_path):
    text = "c = get_config()\nc.Grade.limits.update({'processes': 8})\n"
    (tmp_path / "nbgrader_config.py").write_text(text)
    assert configured(configuration(tmp_path)) == {"processes": 8}


def test_a_folder_without_a_configuration_changes_nothing_and_a_broken_one_is_refused(tmp_path):
    assert configured(configuration(tmp_path)) == {}
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\nc.Grade.limits = {\n")
    with pytest.raises(UnusableConfiguration, match=r"nbgrader_config\.py cannot be read"):
        configuration(tmp_path)


def test_a_limit_that_cannot_be_sent_would_not_be_a_limit():
    """The worker cuts what was printed; what is left must cross the wire whatever its characters are."""
    from autograder.sandbox import wire

    wire.pack({"kind": "ready", "numpy": "\U0001f600" * int(RANGES["printed_characters"][1])})


def autograder(course: Path, *words: str) -> subprocess.CompletedProcess:
    path = os.pathsep.join([str(ROOT), str(BACKPASS.parent)])
    command = [sys.executable, "-m", "autograder", *words]
    return subprocess.run(command, cwd=course, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)


def test_the_command_takes_them_from_the_course_for_single_files(tmp_path):
    write(tmp_path, "s", "def convolve1d(x, w, mode='full'):\n    while True: pass\n")
    config = tmp_path / "nbgrader_config.py"
    config.write_text("c = get_config()\nc.Grade.limits = {'call_seconds': 0.5}\n")
    done = autograder(tmp_path, "grade", UNIT, "s.py", "--json", "out", "--isolation", "none")
    assert done.returncode == 0, done.stderr
    result = Result.from_json(json.loads((tmp_path / "out" / "s.json").read_text()))
    assert "more than 0.5 s of processor time" in result.of("convolve1d")[0].message
    config.write_text("c = get_config()\nc.Grade.limits = {'call_seconds': 0}\n")
    done = autograder(tmp_path, "grade", UNIT, "s.py", "--isolation", "none")
    assert (done.returncode, done.stderr) == (
        2,
        "The limit call_seconds is a number from 0.1 to 86400, not 0.\n",
    )


@pytest.fixture
def course(tmp_path):
    made = Course(tmp_path / "course")
    made.config.Grade.isolation = "none"
    answer = "return x\n\ndef convolve1d(*args, **kwargs):\n    while True: pass"
    made.submit("ada", answered(made.released(), convolve1d=answer))
    return made


def test_nbgraders_command_takes_them_too(course):
    course.config.Grade.limits = {"call_seconds": 0.5}
    done = course.api.autograde(UNIT, "ada")
    assert done["success"], done
    text = str(course.autograded("ada"))
    assert "used more than 0.5 s of processor time" in text
    assert "Graded with --isolation none: the submission was not locked in." in text


def test_nbgraders_command_refuses_a_bad_one_before_anything_is_graded(course):
    course.config.Grade.limits = {"call_seconds": 0}
    done = course.api.autograde(UNIT, "ada")
    assert not done["success"]
    last = done["error"].strip().splitlines()[-1]
    assert last == "SystemExit: The limit call_seconds is a number from 0.1 to 86400, not 0. Nothing was graded."
    assert not (course.root / "autograded").exists()


# Each limit is exceeded, and the next submission gets its grade.


@pytest.fixture(scope="module")
def hosts():
    """A host for each set of limits, kept until the end."""
    skip_without_sandbox()
    opened: dict[str, Host] = {}

    def host(limits: dict[str, float]) -> Host:
        return opened.setdefault(json.dumps(limits), Host(UNIT, "bubblewrap", limits))

    yield host
    for one in opened.values():
        one.close()


def test_every_limit_is_exceeded():
    assert {exceeding.limit for exceeding in EXCEEDING} == set(DEFAULTS)
    assert set(LOW) | {"submission_seconds", "wall_factor"} == set(DEFAULTS)


@pytest.mark.parametrize("exceeding", EXCEEDING, ids=lambda e: f"{e.limit}-{e.what.replace(' ', '-')}")
def test_beyond_a_limit_the_sentence_is_true_and_the_next_submission_gets_its_grade(
    hosts, tmp_path, exceeding: Exceeding
):
    host = hosts(exceeding.course_limits)
    result = host.grade(write(tmp_path, "beyond", exceeding.source()), "beyond")
    if exceeding.state == "not_graded":
        assert (result.score, result.trouble) == (None, f"beyond.py {exceeding.words}: {CLEAR}")
    elif not exceeding.state:
        assert result.score == result.max_score
        assert len(" ".join(result.notes)) < 1000
        assert exceeding.words in " ".join(result.notes)
    else:
        items = result.of(exceeding.exercise)
        assert exceeding.state in {item.state for item in items}
        assert exceeding.words in " ".join(item.message for item in items if item.state == exceeding.state)
        if exceeding.limit != "submission_seconds":
            others = [item for item in result.items if item.exercise != exceeding.exercise]
            assert {item.state for item in others} == {"passed"}
    after = host.grade(write(tmp_path, "after", honest()), "after")
    assert after.score == after.max_score > 0, [item for item in after.items if item.state != "passed"]


CLEAR = "clear its outputs and hand it in again."


# The documentation


def test_the_page_lists_them_all_with_defaults_and_ranges():
    page = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|", page, re.MULTILINE)
    shown = {name: (number(default), tuple(map(number, span.split(" to ")))) for name, default, span in rows}
    assert shown == {name: (DEFAULTS[name], RANGES[name]) for name in DEFAULTS}


def number(text: str) -> float:
    value, _, unit_name = text.strip().replace(",", "").partition(" ")
    factor = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}.get(unit_name, 1)
    return float(value) * factor


def test_units_that_need_torch_have_more_memory():
    assert dataclasses.replace(unit("architectures").limits, memory_bytes=DEFAULTS["memory_bytes"]) == unit(UNIT).limits
    assert unit("architectures").limits.memory_bytes == 4 << 30
