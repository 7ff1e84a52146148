"""What the author of a check uses. See CONTRIBUTING.md for the form of a check."""

from __future__ import annotations

import functools
from contextvars import ContextVar
from typing import Any

import pytest

from autograder.judging import CountsLines, Equals, Raises, Unchanged, Wrong
from autograder.student import Student, StudentFunction
from backpass import properties

AUDIENCES = ("both", "student", "grader")

# The student of the running check: properties are asked of values, which do not know whose they are.
current_student: ContextVar[Student] = ContextVar("current_student")


def check(exercise: str, *, points: float, title: str, audience: str = "both") -> pytest.MarkDecorator:
    """Declare a check: its exercise, points and the title that the student reads; the docstring says why.

    audience: "both" (hidden, and recorded with other inputs for the student's own `check`), "student" (recorded
    only: famous examples), "grader" (hidden only: large inputs, many configurations, counts).
    """
    if audience not in AUDIENCES:
        raise ValueError(f"audience is one of {AUDIENCES}, not {audience!r}")
    return pytest.mark.check(exercise=exercise, points=points, title=title, audience=audience)


def agree(
    function: StudentFunction,
    *args: Any,
    rtol: float | None = None,
    atol: float | None = None,
    part: int | None = None,
    **kwargs: Any,
) -> Any:
    """The student's value, which must equal the reference's on the same arguments (`part`: that returned value)."""
    return function.student.ask(function.name, args, kwargs, Equals(rtol, atol, part))


def raises(function: StudentFunction, *args: Any, error: type[Exception] = ValueError, **kwargs: Any) -> None:
    """The call must raise `error`."""
    function.student.ask(function.name, args, kwargs, Raises(error))


def unchanged(function: StudentFunction, *args: Any, **kwargs: Any) -> Any:
    """The call must leave its arguments as they were. Observed inside: give it an item of its own, with few points."""
    return function.student.ask(function.name, args, kwargs, Unchanged())


def holds(name: str, *values: Any, **options: Any) -> None:
    """The named property of backpass.properties must hold for these values."""
    current_student.get().property_asked(name, values, options)
    broken = getattr(properties, name)(*values, **options)
    if broken:
        raise Wrong(broken.sentence, tag=f"{name}:{broken.tag}" if broken.tag else "")


def same_lines(function: StudentFunction, small: tuple, large: tuple, **kwargs: Any) -> None:
    """The number of executed lines of the student's own code must be the same for small and large arguments."""
    count = functools.partial(function.student.observe, function.name, kwargs=kwargs, lines=True)
    few, many = count(args=small), count(args=large)
    for called in (few, many):
        CountsLines().judge(called)
    if many.answer.lines > few.answer.lines:
        raise Wrong(
            f"`{function.name}` executed {few.answer.lines} lines of your code for a small input and "
            f"{many.answer.lines} for a larger one: a Python loop runs over something that grew. "
            "Let NumPy do this loop."
        )
