"""A course's own limits: read from its configuration, checked, and in force."""

from __future__ import annotations

import pytest

from autograder.host import Host
from autograder.limits import DEFAULTS, UnusableLimit, with_limits
from autograder.store import fingerprint
from autograder.units import unit

UNIT = unit("convolution")


def test_some_limits_change_and_the_others_stay():
    changed = with_limits(UNIT, {"call_seconds": 2, "processes": 8})
    assert (changed.limits.call_seconds, changed.limits.processes) == (2.0, 8)
    assert isinstance(changed.limits.call_seconds, float)
    assert changed.limits.memory_bytes == DEFAULTS["memory_bytes"]
    assert with_limits(UNIT, {}) == UNIT
    assert fingerprint(changed, "none") != fingerprint(UNIT, "none")


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"call_second": 1}, "Did you mean call_seconds"),
        ({"processes": 1.5}, "whole number"),
        ({"processes": 0}, "above 0"),
        ({"call_seconds": "10"}, "above 0"),
        ({"call_seconds": float("nan")}, "above 0"),
        ({"call_seconds": True}, "above 0"),
    ],
)
def test_what_is_no_limit_is_refused(limits, words):
    with pytest.raises(UnusableLimit, match=words):
        with_limits(UNIT, limits)


def test_a_host_keeps_them(tmp_path):
    path = tmp_path / "s.py"
    path.write_text("def convolve1d(x, w, mode='full'):\n    while True: pass\n")
    with Host("convolution", "none", {"call_seconds": 0.5}) as host:
        messages = [item.message for item in host.grade(path, "s").of("convolve1d")]
    assert any("more than 0.5 s of processor time" in message for message in messages)
