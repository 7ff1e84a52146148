"""Runs a unit's checks with pytest: collected once, replayed for one student after another."""

from __future__ import annotations

import contextlib
import inspect
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from autograder.checking import current_student
from autograder.draws import Draw
from autograder.judging import Wrong
from autograder.paths import CHECKS, ROOT
from autograder.sandbox import Crashed, NoSandbox, TimedOut
from autograder.student import NotAttempted, Student
from autograder.units import Unit


@dataclass
class Seat:
    """Who is being checked, and with whose inputs; the fixtures read it."""

    student: Student | None = None
    audience: str = "grader"


# Plug-ins of pytest that do nothing for a replayed check but take time.
_UNUSED_PLUGINS = (
    "cacheprovider",
    "faulthandler",
    "logging",
    "threadexception",
    "unraisableexception",
    "warnings",
    "xdist",
)

SEAT = pytest.StashKey[Seat]()
_ERROR = pytest.StashKey[BaseException | None]()


@dataclass(frozen=True)
class Check:
    """A collected check."""

    name: str
    exercise: str
    points: float
    title: str
    about: str
    audience: str
    item: pytest.Item = field(repr=False, compare=False)


@dataclass(frozen=True)
class Outcome:
    """What came of a check: a state of backpass.report, the sentence, and the tag of a broken property."""

    state: str
    sentence: str = ""
    tag: str = ""

    @property
    def passed(self) -> bool:
        return self.state == "passed"


def as_check(item: pytest.Item) -> Check:
    marker = item.get_closest_marker("check")
    if marker is None:
        raise ValueError(f"{item.nodeid} has no @check(...)")
    about = " ".join((item.function.__doc__ or "").split())
    if not about:
        raise ValueError(f"{item.nodeid} has no docstring: a student would not know what is checked")
    return Check(item.name, about=about, item=item, **marker.kwargs)


def outcome_of(error: BaseException | None) -> Outcome:
    """After structure has been compared only `Wrong` is the student's; what is unknown is our fault."""
    match error:
        case None:
            return Outcome("passed")
        case Wrong():
            return Outcome(error.state, error.sentence, error.tag)
        case NotAttempted():
            return Outcome("not_attempted", str(error))
        case TimedOut():
            return Outcome("timed_out", str(error))
        case Crashed():
            return Outcome("crashed", str(error))
        case NoSandbox():
            return Outcome("not_graded", str(error))
    return Outcome("not_graded", f"A fault of the grader, not of your work ({type(error).__name__}: {error}).")


class Checks:
    """The collected checks of a unit."""

    def __init__(self, items: list[pytest.Item], seat: Seat, unit: Unit):
        order = [exercise.name for exercise in unit.exercises]
        self.unit = unit
        self.all = sorted(map(as_check, items), key=lambda check: order.index(check.exercise))
        self._seat = seat

    def hidden(self, exercise: str | None = None) -> list[Check]:
        return [c for c in self.all if c.audience != "student" and exercise in (None, c.exercise)]

    def visible(self, exercise: str | None = None) -> list[Check]:
        return [c for c in self.all if c.audience != "grader" and exercise in (None, c.exercise)]

    def run(self, check: Check, student: Student, audience: str = "grader") -> Outcome:
        if _needs_nothing_else(check.item):
            error = _called(check.item, student, audience)
        else:
            error = self._replayed(check.item, student, audience)
        student.check_done()
        return outcome_of(error)

    def _replayed(self, item: pytest.Item, student: Student, audience: str) -> BaseException | None:
        self._seat.student, self._seat.audience = student, audience
        item.stash[_ERROR] = None
        item._initrequest()  # fresh fixtures, as pytest's own rerun plug-ins do
        runtestprotocol(item, log=False, nextitem=item.parent)  # keeps the module set up
        return item.stash[_ERROR]


def _needs_nothing_else(item: pytest.Item) -> bool:
    """Whether the check is a function of `student`, `draw` and parameters: it is called without pytest then."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    marks = list(item.iter_markers())
    plain = inspect.isfunction(item.obj) and {mark.name for mark in marks} <= {"check", "parametrize"}
    plain = plain and not any(mark.kwargs.get("indirect") for mark in marks)
    return plain and set(item.fixturenames) <= {"student", "draw", "request", *parameters}


def _called(item: pytest.Item, student: Student, audience: str) -> BaseException | None:
    """What the check's function raises, called with what the fixtures of the same names would give."""
    given = {"student": student, "draw": draw_for(item, audience)}
    given |= item.callspec.params if hasattr(item, "callspec") else {}
    token = current_student.set(student)
    try:
        item.obj(**{name: given[name] for name in item._fixtureinfo.argnames})
    except (KeyboardInterrupt, pytest.exit.Exception):
        raise
    except BaseException as error:  # noqa: BLE001 - judged by outcome_of, as pytest's reports are
        return error
    finally:
        current_student.reset(token)
    return None


class _Loop:
    """A pytest plug-in that hands the collected items to `body` in place of running them once."""

    def __init__(self, unit: Unit, body: Callable[[Checks], Any]):
        self.unit, self.body = unit, body
        self.value: Any = None
        self.error: BaseException | None = None
        self.errors: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.errors.append(str(report.longrepr))

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if self.errors:
            return True
        try:
            seat = session.config.stash.setdefault(SEAT, Seat())
            self.value = self.body(Checks(session.items, seat, self.unit))
        except BaseException as error:  # noqa: BLE001 - raised again outside pytest
            self.error = error
        finally:
            session._setupstate.teardown_exact(None)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> pytest.TestReport:
        """Keeps the exception and skips pytest's rendering of tracebacks, which no one reads."""
        if call.excinfo is not None and item.stash[_ERROR] is None:
            item.stash[_ERROR] = call.excinfo.value
        outcome = "passed" if call.excinfo is None else "failed"
        return pytest.TestReport(item.nodeid, item.location, {}, outcome, None, call.when)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """pytest writes to a stream of its own; the process's stdout may be a protocol."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


def with_checks(unit: Unit, body: Callable[[Checks], Any]) -> Any:
    """The value of `body(checks)`, run inside a pytest session that has collected the unit's checks."""
    file = CHECKS / f"{unit.name}.py"
    if not file.exists():
        raise FileNotFoundError(f"Unit {unit.name} has no checks yet: {file.relative_to(ROOT)} is missing.")
    loop = _Loop(unit, body)
    options = ["-q", "-c", os.devnull, f"--rootdir={ROOT}", "--import-mode=importlib", "--assert=plain"]
    options += ["--capture=no", *(f"-pno:{plugin}" for plugin in _UNUSED_PLUGINS)]
    with _quiet():
        code = pytest.main([*options, str(file)], plugins=[loop])
    if loop.errors:
        raise RuntimeError(f"The checks of unit {unit.name} cannot be collected:\n" + "\n".join(loop.errors))
    if loop.error is not None:
        raise loop.error
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise RuntimeError(f"pytest ended with {code} while collecting the checks of unit {unit.name}")
    return loop.value


def draw_for(item: pytest.Item, audience: str) -> Draw:
    return Draw(f"{item.path.stem}/{item.name}", audience)
