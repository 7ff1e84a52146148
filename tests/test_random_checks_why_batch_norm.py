"""Each random check of unit 6, 200 times on the reference with other inputs and seeds: never a false alarm."""

from __future__ import annotations

import importlib

import pytest

from autograder.checking import current_student
from autograder.draws import Draw
from autograder.student import LocalStudent
from autograder.units import UNITS

UNIT = UNITS["why_batch_norm"]
CHECKS = importlib.import_module("autograder.checks.why_batch_norm")
RANDOM = (
    "test_noise",
    "test_ranges",
    "test_noise_last",
    "test_evaluation_twice",
    "test_draws",
    "test_noisy_backward",
    "test_statistics",
    "test_statistics_small",
    "test_statistics_whole",
    "test_statistics_draws",
    "test_statistics_float32",
)


def test_every_check_with_a_generator_is_among_them():
    """What only looks at structure, at changed arguments, or at a layer without noise, cannot fail by chance."""
    asking = {"noisy_batch_norm", "statistics_noise"}
    certain = {"test_plain", "test_plain_eps", "test_plain_backward", "test_float32", "test_unchanged"}
    certain |= {"test_statistics_unchanged"}
    found = {
        name
        for name, function in vars(CHECKS).items()
        if name.startswith("test_") and function.pytestmark[0].kwargs["exercise"] in asking
    }
    assert found == set(RANDOM) | certain


@pytest.mark.parametrize("name", RANDOM)
def test_no_false_alarm_in_two_hundred_runs(name):
    for seed in range(200):
        student = LocalStudent(UNIT)
        token = current_student.set(student)
        try:
            getattr(CHECKS, name)(student, Draw(f"{name}/{seed}", "false alarms"))
        finally:
            current_student.reset(token)
            student.check_done()
