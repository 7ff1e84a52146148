"""Results that need not be computed again, in one SQLite file of the course folder.

A result is kept under a hash of everything that decides it: the submitted file, the unit's checks and their
helpers, the mistakes, the reference, the comparing and explaining code, the limits, the isolation and the
versions of Python and NumPy. Change any of them and the submission is graded again; change nothing and it
never is.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sqlite3
import threading
from importlib import metadata
from pathlib import Path

from autograder.paths import BACKPASS, CHECKS, ROOT, SOLUTIONS
from autograder.results import Result
from autograder.units import Unit

# In the course folder.
FILE_NAME = ".grading/results.db"
# Parts of autograder/ that keep books or print, and decide no result.
_DECIDE_NOTHING = {
    "classes.py",
    "cli.py",
    "__main__.py",
    "pool.py",
    "release.py",
    "report.py",
    "store.py",
    "terminal.py",
    "validate.py",
}
_PER_UNIT = ("checks", "mistakes", "variants")


def fingerprint(unit: Unit, isolation: str) -> str:
    """A hash of all that decides a result but the submission."""
    digest = hashlib.sha256()
    for path in _deciding_files(unit):
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    packages = ("numpy", "msgpack", *(["torch"] if unit.needs_torch else []))
    versions = [platform.python_version(), *(_version(package) for package in packages)]
    digest.update(repr((unit, isolation, versions)).encode())
    return digest.hexdigest()


def _deciding_files(unit: Unit) -> list[Path]:
    mine = {CHECKS.parent / folder / f"{unit.name}.py" for folder in _PER_UNIT}
    shared = {CHECKS.parent / folder / name for folder in _PER_UNIT for name in ("__init__.py", "conftest.py")}
    files = [path for path in (mine | shared) if path.exists() and path.parent.name != "variants"]
    files += [path for path in CHECKS.parent.glob("*.py") if path.name not in _DECIDE_NOTHING]
    files += (CHECKS.parent / "sandbox").rglob("*.py")
    files += [*SOLUTIONS.glob("*.py"), *BACKPASS.rglob("*.py")]
    return sorted(files)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def key_of(data: bytes, suffix: str, grader: str) -> str:
    """The key of a submission: its bytes, what kind of file it is, and the grader's fingerprint."""
    return hashlib.sha256(f"{grader}\0{suffix}\0".encode() + data).hexdigest()


class Store:
    """Results by key. Several threads may use it; every `put` is a transaction of its own."""

    def __init__(self, path: Path):
        path.parent.mkdir(exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, timeout=60, check_same_thread=False, isolation_level=None)
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS result (key TEXT PRIMARY KEY, unit TEXT NOT NULL, result TEXT NOT NULL)"
        )

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def get(self, key: str, submission: str) -> Result | None:
        """The result stored under a key, as this submission's."""
        with self._lock:
            row = self._connection.execute("SELECT result FROM result WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        result = Result.from_json(json.loads(row[0]))
        result.submission = submission
        return result

    def put(self, key: str, result: Result) -> None:
        """Keep a result. What was not graded is not kept: our trouble may be over the next time."""
        if not result.graded:
            return
        text = json.dumps(result.to_json(), sort_keys=True)
        with self._lock:
            self._connection.execute("INSERT OR REPLACE INTO result VALUES (?, ?, ?)", (key, result.unit, text))
