"""The late policy that nbgrader's plug-in takes."""

import pytest
from traitlets.config import Config

from autograder.nbgrader_plugin.late import LatePolicy

HOUR, DAY = 3600, 86400


def policy(assignment="pooling", **settings):
    made = LatePolicy(config=Config(LatePolicy=settings))
    made.parent = type("Preprocessor", (LatePolicy,), {"assignment_id": assignment})()
    return made


@pytest.mark.parametrize(
    ("seconds", "penalty"),
    [(0, None), (1, 1.0), (DAY, 1.0), (DAY + 1, 2.0), (9.5 * DAY, 5.0)],
)
def test_every_day_that_has_begun_costs_its_share_up_to_the_most(seconds, penalty):
    assert policy(percent_per_day=10, most_percent=50).late_submission_penalty("jane", 10.0, seconds) == penalty


def test_a_grace_period_counts_as_in_time():
    late = policy(percent_per_day=10, grace_minutes=30)
    assert late.late_submission_penalty("jane", 10.0, 1800) is None
    assert late.late_submission_penalty("jane", 10.0, 1801) == 1.0


def test_an_extension_is_one_students_for_one_assignment():
    extensions = {"pooling": {"jane": 48}}
    late = policy(percent_per_day=10, extensions=extensions)
    assert late.late_submission_penalty("jane", 10.0, 47 * HOUR) is None
    assert late.late_submission_penalty("jane", 10.0, 49 * HOUR) == 1.0
    assert late.late_submission_penalty("joe", 10.0, 47 * HOUR) == 2.0
    other = policy("dropout", percent_per_day=10, extensions=extensions)
    assert other.late_submission_penalty("jane", 10.0, 47 * HOUR) == 2.0


def test_without_settings_nothing_is_taken():
    assert policy().late_submission_penalty("jane", 10.0, 3 * DAY) == 0.0
