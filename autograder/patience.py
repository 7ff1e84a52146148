"""Waiting for a database that another program is writing, and what is said when that does not end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError

# Seconds. Commits take milliseconds: who holds a database longer is stuck, or a tool in which someone is at work.
PATIENCE = 60.0


class InUse(RuntimeError):
    """Another program holds a database and does not let go; the text says which, and what to do."""


@contextmanager
def patiently() -> Iterator[None]:
    """Every connection of this process, nbgrader's ones too, waits for other writers. Raises InUse in the end."""
    if not event.contains(Engine, "connect", _wait):
        event.listen(Engine, "connect", _wait)
    try:
        yield
    except (sqlite3.OperationalError, OperationalError) as error:
        if not in_use(str(error)):
            raise
        # nbgrader reaches its gradebook by SQLAlchemy, we our store without it.
        what = "gradebook" if isinstance(error, OperationalError) else "store of results, .grading/results.db,"
        raise InUse(_sentence(what)) from error


def in_use(text: str) -> bool:
    """Whether an error's text says that the patience has ended."""
    return "database is locked" in text


def _wait(connection: Any, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute(f"PRAGMA busy_timeout = {int(PATIENCE * 1000)}")


def _sentence(what: str) -> str:
    return (
        f"The {what} has been in use by another program for {PATIENCE:g} seconds. End that program (a database "
        "browser, a grader that hangs) and run the command again: what was graded is kept and not done twice."
    )
