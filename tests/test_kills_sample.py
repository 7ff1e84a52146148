"""A grader that is killed, at a few moments; `make attacks` kills it at all of tests/attacks/all_kills.py."""

from __future__ import annotations

import pytest

from tests.attacks.all_kills import SAMPLE, goes_on, moments


@pytest.mark.xdist_group("kills")
@pytest.mark.parametrize("number", range(len(SAMPLE)), ids=lambda number: "-".join(map(str, SAMPLE[number])))
def test_the_same_command_goes_on(number, tmp_path):
    goes_on(moments(SAMPLE)[number], tmp_path)
