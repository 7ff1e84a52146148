"""No false alarm: the checks of unit 8 that draw, on the reference and on right variants, over many seeds."""

from __future__ import annotations

import pytest

from autograder import variants
from autograder.runner import with_checks
from autograder.student import LocalStudent
from autograder.units import UNITS

UNIT = UNITS["dropout"]
LAYERS = ("dropout", "spatial_dropout2d", "gaussian_dropout", "drop_path", "drop_block2d")
# Checks of layers that compare no draws: once is enough.
CERTAIN = ("_refuses", "_ends", "_unchanged")


def alarms(exercise: str, functions: dict, seeds: range) -> list[str]:
    """An audience's name is part of a draw's seed."""

    def body(checks):
        random = [check for check in checks.all if check.exercise == exercise and not check.name.endswith(CERTAIN)]
        assert random
        for seed in seeds:
            for check in random:
                outcome = checks.run(check, LocalStudent(UNIT, functions), f"seed {seed}")
                if not outcome.passed:
                    yield f"{check.name}, seed {seed}: {outcome.state} {outcome.sentence} {outcome.tag}"

    return with_checks(UNIT, lambda checks: list(body(checks)))


@pytest.mark.parametrize("exercise", LAYERS)
def test_the_reference_raises_no_alarm_in_500_seeds(exercise):
    assert alarms(exercise, {}, range(500)) == []


@pytest.mark.parametrize("name", sorted(variants.load(UNIT)))
def test_other_right_ways_to_draw_raise_no_alarm(name):
    variant = variants.load(UNIT)[name]
    if variant.exercise(UNIT) not in LAYERS:
        pytest.skip("nothing is drawn")
    assert alarms(variant.exercise(UNIT), variant.functions, range(500, 510)) == []
