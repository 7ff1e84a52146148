"""The report of a class that was graded in an nbgrader course: what is said of each, and why."""

import pytest

from autograder import classes, pool
from autograder.classes import grade_class
from autograder.nbgrader_plugin import grade
from autograder.report import class_report
from autograder.units import unit
from tests.nbgrader_course import UNIT, Course, FakeHost, answered, same_versions


@pytest.fixture
def page(tmp_path, monkeypatch) -> str:
    monkeypatch.setattr(pool, "Host", FakeHost)
    monkeypatch.setattr(grade, "Host", FakeHost)
    monkeypatch.setattr(pool, "_hosts", pool._Hosts())
    for module in (classes, grade):
        monkeypatch.setattr(module, "versions_of", same_versions)
    course = Course(tmp_path)
    course.submit("ada", answered(course.released(), convolve1d="return x", pad2d="return x"))
    course.submit("bob", b"{")
    course.submit("cid", answered(course.released(), pad2d="return 'our bug'"))
    course.submit("dee", course.released()).unlink()
    grade_class(UNIT, course.root, jobs=1, progress=False)
    course.submit("eve", course.released())
    return class_report(unit(UNIT), course.root, course.root / "report.html").read_text()


def reason(page: str, student: str) -> str:
    """What stands beside a student under "Not graded"; "" where the student is not there."""
    section = page.partition('<section aria-labelledby="not-graded">')[2].partition("</section>")[0]
    return (
        section.partition(f"<bdi>{student}</bdi>")[2].partition("</tr>")[0].partition("<td>")[2].partition("</td>")[0]
    )


def test_the_reason_is_the_real_one_and_what_was_not_run_yet_is_told_apart(page):
    assert reason(page, "ada") == ""
    assert reason(page, "bob") == "convolution.ipynb ends too early: it was cut off."
    assert reason(page, "cid") == "&lt;script&gt;alert(&#39;pad2d&#39;)&lt;/script&gt;"
    assert reason(page, "dee") == "convolution.ipynb cannot be read: No such file or directory."
    assert reason(page, "eve") == "Not graded yet with the checks as they are now."


def test_written_answers_that_wait_are_counted(page):
    assert "wait in formgrader for a grade by hand" in page
