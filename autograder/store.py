"""Results that need not be computed again, in one SQLite file of the course folder.

The items of an exercise are kept under a hash of everything that decides them: the code that was handed in and the
exercise's version (autograder.versions). What is kept first stays: no two graders enter different results for the
same work. A rollback journal and synchronous=EXTRA: what is committed survives a power loss, the journal's removal
included, and unlike a write-ahead log it is safe on network folders and leaves no file behind that a reader needs.
"""

from __future__ import annotations

import hashlib
import json
import queue
import sqlite3
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder import patience
from autograder.results import Result
from autograder.submission import code_of, locked_tests
from autograder.units import Unit
from autograder.versions import Versions
from backpass.report import Item

# In the course folder.
FILE_NAME = ".grading/results.db"
# Time and crashes are shared by the exercises of a submission: such items are decided by all versions together.
_SHARED = ("timed_out", "crashed")
# Different items that are held in memory at once.
_PARSED = 5000
# Files whose reading is kept in one commit.
_READ_AT_ONCE = 1000
_NOTES = ""  # stands for the notes, where an exercise's name is asked for
_TABLES = """
    CREATE TABLE IF NOT EXISTS items (hash BLOB PRIMARY KEY, items TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS graded (key BLOB PRIMARY KEY, items BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS version (whole TEXT PRIMARY KEY, versions TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS entered (
        unit TEXT, student TEXT, code TEXT NOT NULL, whole TEXT NOT NULL, PRIMARY KEY (unit, student)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS read (file BLOB PRIMARY KEY, code TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS noted (
        unit TEXT, code TEXT, whole TEXT NOT NULL, seconds REAL, trouble TEXT NOT NULL, PRIMARY KEY (unit, code)
    ) WITHOUT ROWID;
"""

# What a part of the exercises takes says nothing of all of them.
_NOTED = """
    INSERT INTO noted VALUES (?, ?, ?, ?, ?) ON CONFLICT (unit, code) DO UPDATE
    SET whole = excluded.whole, seconds = coalesce(excluded.seconds, seconds), trouble = excluded.trouble
"""


@dataclass
class Known:
    """What is known of a submission, and the exercises that are not."""

    result: Result
    missing: tuple[str, ...] = ()
    notes: bool = True


@dataclass
class _Put:
    code: str
    versions: Versions
    result: Result
    asked: tuple[str, ...]
    done: Future = field(default_factory=Future)


class Store:
    """Results by what decides them. Several threads and processes may use it."""

    def __init__(self, path: Path, writing: bool = True):
        """With writing=False nothing is ever written, and the file need not exist."""
        self.writing = writing
        self._lock = threading.RLock()
        self._parsed: dict[bytes, list] = {}
        self._read: list[tuple[bytes, str]] = []
        self._connection = _opened(path, writing)
        self._waiting: queue.SimpleQueue[_Put | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """What was handed over is kept before this returns."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None
        self._remember_read()
        self._connection.close()

    def code_of(self, data: bytes, path: Path, unit: Unit, versions: Versions) -> str:
        """`submission.code_of`, remembered by the bytes of the file. Raises Unreadable."""
        file = hashlib.sha256("\0".join([versions.base, *sorted(locked_tests(unit.name)), path.name, ""]).encode())
        file.update(data)
        row = self._row("SELECT code FROM read WHERE file = ?", file.digest())
        if row is not None:
            return row[0]
        code = code_of(data, path, unit)
        self._read.append((file.digest(), code))
        if len(self._read) >= _READ_AT_ONCE:
            self._remember_read()
        return code

    def _remember_read(self) -> None:
        """Keep what `code_of` found, so that a file that does not change is read once."""
        read, self._read = self._read, []
        if self.writing and read:
            # What cannot be kept costs time alone.
            with suppress(sqlite3.Error), self._lock, self._transaction():
                self._connection.executemany("INSERT OR IGNORE INTO read VALUES (?, ?)", read)

    def get(self, code: str, versions: Versions, unit: Unit, submission: str, isolation: str) -> Known:
        """All that is known of a submission under these versions."""
        wanted = [_NOTES, *(exercise.name for exercise in unit.exercises)]
        found: dict[str, list] = {}
        for shared in (False, True):  # most are found at once
            keys = {_item_key(code, versions, name, shared): name for name in wanted if name not in found}
            marks = ",".join("?" * len(keys))
            with self._lock:
                rows = self._connection.execute(f"SELECT key, items FROM graded WHERE key IN ({marks})", list(keys))
                found |= {keys[key]: self._items(items) for key, items in rows.fetchall()}
            if len(found) == len(wanted):
                break
        result = Result(unit.name, submission, isolation=isolation)
        for name in wanted[1:]:
            result.items += found.get(name, ())
        result.notes = list(found.get(_NOTES, ()))
        missing = tuple(name for name in wanted[1:] if name not in found)
        return Known(result, missing, _NOTES in found)

    def _items(self, name: bytes) -> list:
        """Items by their hash. In a class few are different: they are parsed once, and not to be changed."""
        if name not in self._parsed:
            (text,) = self._connection.execute("SELECT items FROM items WHERE hash = ?", (name,)).fetchone()
            if len(self._parsed) >= _PARSED:
                self._parsed.clear()
            # Notes are sentences, items are dicts.
            self._parsed[name] = [Item(**one) if isinstance(one, dict) else one for one in json.loads(text)]
        return self._parsed[name]

    def put(self, code: str, versions: Versions, result: Result, asked: tuple[str, ...]) -> None:
        """Keep what was found for the asked exercises, where nothing is kept yet.

        What was not graded is not kept: our trouble may be over.
        """
        self._commit([_Put(code, versions, result, asked)])

    def put_soon(self, code: str, versions: Versions, result: Result, asked: tuple[str, ...]) -> Future:
        """The same in a thread of the store's own, many results to a commit; done when it is kept."""
        put = _Put(code, versions, result, asked)
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep_putting, name="results", daemon=True)
                self._thread.start()
        self._waiting.put(put)
        return put.done

    def enter(self, unit: str, versions: Versions, entered: Iterable[tuple[str, str]]) -> None:
        """Remember from which code and versions the gradebook's scores come: (student, code) each."""
        if not self.writing:
            return
        rows = [(unit, student, code, versions.whole) for student, code in entered]
        text = json.dumps({"base": versions.base, "parts": versions.parts}, sort_keys=True)
        with self._lock, self._transaction():
            self._connection.execute("INSERT OR IGNORE INTO version VALUES (?, ?)", (versions.whole, text))
            self._connection.executemany("INSERT OR REPLACE INTO entered VALUES (?, ?, ?, ?)", rows)

    def entered(self, unit: str, student: str) -> tuple[str, Versions] | None:
        """(code, versions) of what was entered last for a student."""
        query = "SELECT code, versions FROM entered JOIN version USING (whole) WHERE unit = ? AND student = ?"
        with self._lock:
            row = self._connection.execute(query, (unit, student)).fetchone()
        return None if row is None else (row[0], Versions(**json.loads(row[1])))

    def noted(self, unit: str, code: str, versions: Versions) -> tuple[float | None, str]:
        """For a report: processor seconds when all exercises were graded last, and why it is not graded, or ""."""
        row = self._row("SELECT seconds, trouble, whole FROM noted WHERE unit = ? AND code = ?", unit, code)
        return (None, "") if row is None else (row[0], row[1] if row[2] == versions.whole else "")

    def _row(self, query: str, *told: Any) -> tuple | None:
        """The first row, if there is one."""
        try:
            with self._lock:
                return self._connection.execute(query, told).fetchone()
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            return None  # a file from before there was this table, opened for reading

    def _keep_putting(self) -> None:
        while True:
            puts = [self._waiting.get()]
            while not self._waiting.empty():
                puts.append(self._waiting.get())
            real = [put for put in puts if put is not None]
            try:
                self._commit(real)
            except Exception as error:  # noqa: BLE001 - told to who waits
                for put in real:
                    put.done.set_exception(error)
            else:
                for put in real:
                    put.done.set_result(None)
            if len(real) < len(puts):
                return

    def _commit(self, puts: list[_Put]) -> None:
        if not puts or not self.writing:
            return
        rows = [row for put in puts for row in _rows(put)]
        with self._lock, self._transaction():
            self._connection.executemany("INSERT OR IGNORE INTO items VALUES (?, ?)", [row[1:] for row in rows])
            self._connection.executemany("INSERT OR IGNORE INTO graded VALUES (?, ?)", [row[:2] for row in rows])
            self._connection.executemany(_NOTED, [_note(put) for put in puts])

    def _transaction(self) -> _Transaction:
        return _Transaction(self._connection)


class _Transaction:
    """BEGIN IMMEDIATE, so that what waits for another writer waits here, with patience."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type | None, *_: object) -> None:
        self._connection.execute("COMMIT" if kind is None else "ROLLBACK")


def _opened(path: Path, writing: bool) -> sqlite3.Connection:
    options = {"timeout": patience.PATIENCE, "check_same_thread": False, "isolation_level": None}
    if not writing:
        if not path.exists():
            connection = sqlite3.connect(":memory:", **options)
            connection.executescript(_TABLES)
            return connection
        # A run that was killed within a commit left a journal, which a reader has to roll back first.
        mode = "rw" if path.with_name(path.name + "-journal").exists() else "ro"
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, **options)
    path.parent.mkdir(exist_ok=True)
    connection = sqlite3.connect(path, **options)
    connection.execute("PRAGMA synchronous = EXTRA")
    with _Transaction(connection):
        for statement in filter(str.strip, _TABLES.split(";")):
            connection.execute(statement)
    return connection


def _key(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()


def _item_key(code: str, versions: Versions, name: str, shared: bool) -> bytes:
    """An exercise's key: by itself, or shared, where time or a crash of all exercises together decided."""
    if shared:
        return _key(code, name, "all", versions.whole)
    return _key(code, name, versions.exercises[name] if name != _NOTES else versions.base)


def _rows(put: _Put) -> list[tuple[bytes, bytes, str]]:
    """(key, hash of the items, the items as text) of all that can be kept of a result."""
    if put.result.trouble:
        return []
    by_name = {name: put.result.of(name) for name in put.asked}
    found = [
        (name, any(item.state in _SHARED for item in items), [vars(item) for item in items])
        for name, items in by_name.items()
        if all(item.state != "not_graded" for item in items)
    ]
    found.append((_NOTES, any(shared for _, shared, _ in found), put.result.notes))
    rows = []
    for name, shared, items in found:
        text = json.dumps(items, sort_keys=True)
        rows.append((_item_key(put.code, put.versions, name, shared), hashlib.sha256(text.encode()).digest(), text))
    return rows


def _note(put: _Put) -> tuple:
    result = put.result
    seconds = result.processor_seconds if len(put.asked) == len(put.versions.exercises) else None
    return result.unit, put.code, put.versions.whole, seconds, result.why_not_graded


def merged(unit: Unit, known: Known, fresh: Result | None) -> Result:
    """What is known with what was graded now in its gaps, in the syllabus's order."""
    if fresh is None:
        return known.result
    gaps = set(known.missing)
    items = {exercise.name: known.result.of(exercise.name) for exercise in unit.exercises}
    for name in gaps:
        items[name] = fresh.of(name)
    notes = known.result.notes if known.notes else fresh.notes
    every = [item for exercise in unit.exercises for item in items[exercise.name]]
    result = known.result
    return Result(unit.name, result.submission, every, fresh.trouble, result.isolation, list(notes))
