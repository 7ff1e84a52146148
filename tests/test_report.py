"""The class's report, from results made by hand."""

from autograder import report
from autograder.results import Result
from autograder.units import unit
from backpass.report import Item

UNIT = unit("convolution")


def item(exercise, state, points=2.0, **more):
    earned = {"passed": points, "not_graded": None}.get(state, 0.0)
    return Item(exercise, "A title", points, earned, state, **more)


def result(name, *items, **more):
    return Result("convolution", name, list(items), **more)


def test_distribution_counts_graded_submissions_by_percent():
    results = [
        result("a", *[item("pad2d", "passed")] * 7, *[item("pad2d", "failed")] * 3),
        result("b", item("pad2d", "passed")),
        result("c", item("pad2d", "failed")),
        result("d", item("pad2d", "not_graded")),
    ]
    counts = {(one.low, one.high): one.count for one in report.distribution(results) if one.count}
    assert counts == {(0, 10): 1, (60, 70): 1, (90, 100): 1}


def test_exercises_come_hardest_first_and_not_graded_ones_do_not_count():
    results = [
        result("a", item("pad2d", "passed"), item("convolve1d", "failed")),
        result("b", item("pad2d", "not_attempted"), item("convolve1d", "failed")),
        result("c", item("pad2d", "passed"), item("convolve1d", "not_graded")),
    ]
    hardest, easiest = report.exercise_shares(UNIT, results)
    assert (hardest.name, hardest.percent) == ("convolve1d", 0)
    assert (easiest.name, easiest.percent, easiest.untouched) == ("pad2d", 50, 1)


def test_a_student_counts_once_for_a_mistake():
    wrong = item("convolve1d", "failed", mistake="Not flipped.", mistake_name="flip")
    (count,) = report.mistake_counts([result("a", wrong, wrong), result("b", wrong)])
    assert count.students == ["a", "b"]


def test_not_graded_is_said_with_its_reason_and_never_as_zero():
    page = report.report_html(UNIT, [result("a", item("pad2d", "not_graded", message="A fault of ours."))])
    assert "A fault of ours." in page
    assert "not graded" in page
    assert "0 / " not in page


def test_what_a_submission_wrote_is_escaped():
    bad = "<script>alert(1)</script>"
    failed = item("pad2d", "crashed", message=bad, mistake=bad, mistake_name="m")
    page = report.report_html(UNIT, [result(bad, failed), result("b", trouble=bad)])
    assert page.count("<script") == 1
    assert "alert(1)</" not in page


def test_an_empty_class_gives_a_page():
    assert "0 submissions" in report.report_html(UNIT, [])
