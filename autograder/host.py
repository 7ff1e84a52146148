"""The grading host: one process that collects a unit's checks once and grades one submission after another.

`python -m autograder.host UNIT` reads jobs from stdin and writes results to stdout, a line of JSON each. `Host` is its
client. So pytest never runs inside Jupyter, nbgrader or a thread of a worker.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TextIO

from autograder import mistakes
from autograder.diagnose import Diagnosis
from autograder.grading import grade_file, not_graded
from autograder.isolation import ISOLATIONS
from autograder.limits import with_limits
from autograder.paths import BACKPASS, ROOT
from autograder.results import Result
from autograder.runner import Checks, with_checks
from autograder.sandbox import drop_spares
from autograder.units import unit as unit_called


class HostFailed(RuntimeError):
    """The host ended, or answered with something that is not a result: our fault, not graded."""


class Host:
    """A client of one host process; started at the first job, started again after it failed. Not for two threads."""

    def __init__(self, unit: str, isolation: str = "bubblewrap", limits: Mapping[str, float] | None = None):
        self.unit, self.isolation, self.limits = unit_called(unit).name, isolation, dict(limits or {})
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> Host:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def start(self) -> None:
        if self._process is None:
            command = [sys.executable, "-m", "autograder.host", self.unit, "--isolation", self.isolation]
            if self.limits:
                command += ["--limits", json.dumps(self.limits)]
            path = os.pathsep.join(filter(None, [str(ROOT), str(BACKPASS.parent), os.environ.get("PYTHONPATH")]))
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                env=os.environ | {"PYTHONPATH": path},
            )

    def grade(self, path: Path, name: str, exercises: Sequence[str] | None = None) -> Result:
        """The result of a file, of all exercises unless some are named.

        A failure of the host itself raises HostFailed.
        """
        self.start()
        job = json.dumps({"path": str(Path(path).absolute()), "name": name, "exercises": exercises})
        try:
            self._process.stdin.write(job + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
            answer = json.loads(line) if line else None
        except (OSError, ValueError) as error:
            self.close()
            raise HostFailed(f"The grading host for {self.unit} answered with something that is no result.") from error
        if answer is None:
            code = self._process.wait()
            self._process = None
            raise HostFailed(f"The grading host for {self.unit} ended with status {code}.")
        return Result.from_json(answer)

    def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def serve(checks: Checks, isolation: str, jobs: TextIO, results: TextIO) -> None:
    """Answer every job, whatever happens: a fault of ours is a result that says "not graded"."""
    diagnosis = Diagnosis(checks, mistakes.load(checks.unit))
    for line in jobs:
        job = json.loads(line)
        asked = job.get("exercises")
        try:
            result = grade_file(checks, diagnosis, Path(job["path"]), job["name"], isolation, asked, spare=True)
        except Exception as error:  # noqa: BLE001 - the class goes on
            traceback.print_exc()
            reason = f"A fault of the grader, not of your work ({type(error).__name__}: {error})."
            result = Result(checks.unit.name, job["name"], not_graded(checks, reason, asked), reason, isolation)
        results.write(json.dumps(result.to_json() | {"processor_seconds": result.processor_seconds}) + "\n")
        results.flush()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m autograder.host", description="Grade submissions of one unit.")
    parser.add_argument("unit")
    parser.add_argument("--isolation", default="bubblewrap", choices=ISOLATIONS)
    parser.add_argument("--limits", default={}, type=json.loads, help="JSON: limits of the course's own")
    options = parser.parse_args()
    which = with_limits(unit_called(options.unit), options.limits)
    # Checks, references and mistakes may print: the protocol gets a descriptor of its own.
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        with_checks(which, lambda checks: serve(checks, options.isolation, sys.stdin, results))
    finally:
        drop_spares()


if __name__ == "__main__":
    main()
