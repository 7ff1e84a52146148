"""No false alarm: the checks of unit 8 that draw, on the reference and on right variants, over many seeds."""

from __future__ import annotations

import pytest

from autograder import variants
from autograder.checking import current_student
from autograder.draws import Draw
from autograder.judging import Wrong
from autograder.runner import with_checks
from autograder.student import LocalStudent
from autograder.units import UNITS

UNIT = UNITS["dropout"]
LAYERS = ("dropout", "spatial_dropout2d", "gaussian_dropout", "drop_path", "drop_block2d")
# Checks of layers that compare no draws: once is enough.
CERTAIN = ("_refuses", "_ends", "_unchanged")


def alarms(exercise: str, functions: dict, seeds: range) -> list[str]:
    """The checks as plain functions, without pytest around them, which would take longer than they do."""

    def body(checks):
        random = [check for check in checks.all if check.exercise == exercise and not check.name.endswith(CERTAIN)]
        assert random
        for seed in seeds:
            for check in random:
                student = LocalStudent(UNIT, functions)
                token = current_student.set(student)
                try:
                    check.item.function(student=student, draw=Draw(check.name, f"seed {seed}"))
                except Wrong as wrong:
                    yield f"{check.name}, seed {seed}: {wrong.sentence} {wrong.tag}"
                finally:
                    current_student.reset(token)

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
