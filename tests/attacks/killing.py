"""Kills a grader at a chosen moment: at a step of its files, a job, or before or within a commit of a database.

The grader is the real one, in a process of its own; only its hosts are the quick ones of tests.nbgrader_course. The
moments are found from outside: Python's audit events and SQLite's trace tell when a step or a commit begins, and a
second thread kills within the commit, while the journal lies there.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.nbgrader_course import UNIT

STORE, GRADEBOOK = "results.db", "gradebook.db"
WITHIN = "within a commit of "
BEFORE = "before a commit of "
FILES, JOB = "a step of the files", "a job"
WHEN_OF = (FILES, JOB, BEFORE + STORE, WITHIN + STORE, BEFORE + GRADEBOOK, WITHIN + GRADEBOOK)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Moment:
    """The number-th time that this happens, from 1 on."""

    when: str
    number: int

    def __str__(self) -> str:
        return f"{self.when} ({self.number})"


class Killer:
    """Counts what happens in this process, and ends it at the moment."""

    def __init__(self, course: Path, moment: Moment | None):
        self.course, self.moment = course, moment
        self.counts: Counter[str] = Counter()

    def happened(self, when: str) -> bool:
        self.counts[when] += 1
        return self.moment == Moment(when, self.counts[when])

    def kill(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        autograded = str(self.course / "autograded")

        def audit(event: str, args: tuple) -> None:
            touched = event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod")
            written = event == "open" and isinstance(args[2], int) and args[2] & _WRITING
            if (touched or written) and str(args[0]).startswith(autograded) and self.happened(FILES):
                self.kill()

        sys.addaudithook(audit)
        connect = sqlite3.dbapi2.connect

        def traced(database: Any, *args: Any, **kwargs: Any) -> sqlite3.Connection:
            connection = connect(database, *args, **kwargs)
            name = Path(str(database).partition("?")[0]).name
            if name in (STORE, GRADEBOOK):
                path = self.course / (".grading/" + STORE if name == STORE else GRADEBOOK)
                connection.set_trace_callback(lambda statement: self._traced(path, statement))
            return connection

        sqlite3.connect = sqlite3.dbapi2.connect = traced

    def _traced(self, path: Path, statement: str) -> None:
        if not statement.upper().startswith("COMMIT"):
            return
        if self.happened(BEFORE + path.name):
            self.kill()
        # Without a journal nothing was changed.
        if journal_of(path).exists() and self.happened(WITHIN + path.name):
            threading.Thread(target=self._kill_within, args=(path,), daemon=True).start()

    def _kill_within(self, path: Path) -> None:
        """While the journal is there and the file is being changed: SQLite waits for the disk then."""
        journal, database, before = str(journal_of(path)), str(path), path.stat().st_mtime_ns
        with contextlib.suppress(FileNotFoundError):  # the journal is gone: the commit is over
            while os.stat(journal) and os.stat(database).st_mtime_ns == before:
                pass
        self.kill()


def journal_of(path: Path) -> Path:
    return path.with_name(path.name + "-journal")


def grade(course: Path, moment: Moment | None, told: Any) -> None:
    """In a process of its own: grade the class, to the end or to the moment. Tells (event, value) as it goes."""
    from autograder import booking, classes, pool
    from autograder.nbgrader_plugin import grade as plugin
    from tests.nbgrader_course import FakeHost, same_versions

    killer = Killer(course, moment)
    booking.AT_ONCE, classes.ENTERED_AT_ONCE = 3, 4  # more and smaller transactions than a real class has
    classes.versions_of = plugin.versions_of = same_versions

    class Host(FakeHost):
        def grade(self, path: Path, name: str, exercises: Any = None) -> Any:
            if killer.happened(JOB):
                killer.kill()
            told.send(("graded", name))
            return super().grade(path, name, exercises)

    pool.Host = Host
    killer.watch()
    rows = classes.grade_class(UNIT, course, jobs=1, progress=False)
    told.send(("rows", {row.student: (row.graded, row.score, row.trouble) for row in rows}))
    told.send(("counts", dict(killer.counts)))


_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["autograder.booking", "autograder.classes", "tests.nbgrader_course"])


@dataclass
class Run:
    """What a grader's process told."""

    status: int
    graded: list[str]
    rows: dict[str, tuple]
    counts: dict[str, int]

    @property
    def killed(self) -> bool:
        return self.status == -signal.SIGKILL


def run(course: Path, moment: Moment | None = None) -> Run:
    """Grade a class in a process of its own, which is killed at a moment."""
    ours, theirs = _processes.Pipe(duplex=False)
    process = _processes.Process(target=grade, args=(course, moment, theirs))
    process.start()
    theirs.close()
    found = Run(0, [], {}, {})
    try:
        while True:
            event, value = ours.recv()
            if event == "graded":
                found.graded.append(value)
            else:
                setattr(found, event, value)
    except EOFError:
        pass
    process.join()
    found.status = process.exitcode
    return found


def eventually(look: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether it comes true before the patience ends."""
    end = time.monotonic() + seconds
    while not look():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
