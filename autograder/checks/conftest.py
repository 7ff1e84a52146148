"""Fixtures of the hidden checks. `pytest autograder/checks --submission FILE` grades one file with plain pytest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.checking import current_student
from autograder.draws import Draw
from autograder.isolation import ISOLATIONS
from autograder.runner import SEAT, Seat, draw_for
from autograder.sandbox import Session
from autograder.student import RemoteStudent, Student
from autograder.submission import guess_unit, read_submission


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("backpass")
    group.addoption("--submission", type=Path, help="the .ipynb or .py file to grade")
    group.addoption("--isolation", default="bubblewrap", choices=ISOLATIONS)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "check(exercise, points, title, audience): a hidden check")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --submission: only the unit that the file belongs to, and what is hidden."""
    path = config.getoption("--submission")
    if path is None:
        return
    unit = guess_unit(path)
    hidden = [i for i in items if i.get_closest_marker("check").kwargs["audience"] != "student"]
    ours = [item for item in hidden if item.path.stem == unit.name]
    config.hook.pytest_deselected(items=[i for i in items if i not in ours])
    items[:] = ours


@pytest.fixture(scope="session")
def submission(request: pytest.FixtureRequest) -> Iterator[RemoteStudent]:
    """The student of --submission, for a run of plain pytest."""
    path = request.config.getoption("--submission")
    if path is None:
        pytest.exit("Name the file to grade: pytest autograder/checks --submission FILE", returncode=2)
    unit = guess_unit(path)
    with Session(read_submission(path, unit), unit, request.config.getoption("--isolation")) as session:
        yield RemoteStudent(unit, session)


@pytest.fixture
def student(request: pytest.FixtureRequest) -> Iterator[Student]:
    seat = request.config.stash.get(SEAT, Seat())
    someone = seat.student or request.getfixturevalue("submission")
    token = current_student.set(someone)
    yield someone
    current_student.reset(token)
    if seat.student is None:
        someone.check_done()


@pytest.fixture
def draw(request: pytest.FixtureRequest) -> Draw:
    return draw_for(request.node, request.config.stash.get(SEAT, Seat()).audience)
