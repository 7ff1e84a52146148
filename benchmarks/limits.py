"""After a submission went beyond a limit: how soon does the grader go on?

    python -m benchmarks.limits [--runs 3]

For each submission of tests/exceeding.py two times are taken, in seconds. "next call": from the moment at which the
call, or the cells, that went too far ended (its verdict is there) to the answer of the next call of the same
submission, a new sandbox and its cells included where one is needed. "next submission": what an honest submission
that is graded next on the same host takes more than the one that was graded just before. Both are medians of some
runs. The last line says whether they stay below two seconds; the exit status is 1 where they do not.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from autograder.host import Host
from autograder.limits import with_limits
from autograder.reading import Unreadable
from autograder.sandbox import Crashed, Session, TimedOut
from autograder.submission import read_submission
from autograder.units import unit
from tests.exceeding import EXCEEDING, UNIT, Exceeding, honest, write

MOST = 2.0
ARGUMENTS = {
    "convolve1d": (np.ones(5), np.ones(3)),
    "numerical_gradient": (lambda x: x, np.ones(3), np.ones(3)),
}
CALLS = 40  # until the limits of a whole submission are reached


def next_call(exceeding: Exceeding, folder: Path) -> float | None:
    """Seconds until the next call of the same submission is answered; None where there is no next call."""
    which = with_limits(unit(UNIT), exceeding.course_limits)
    try:
        cells = read_submission(write(folder, "beyond", exceeding.source()), which)
    except Unreadable:
        return None
    with Session(cells, which) as session:
        session.start()
        ended = time.perf_counter()
        try:
            for _ in range(CALLS if exceeding.limit == "submission_seconds" else 1):
                session.call(exceeding.exercise, ARGUMENTS[exceeding.exercise])
                ended = time.perf_counter()
        except (TimedOut, Crashed):
            ended = time.perf_counter()
        session.forget()
        with contextlib.suppress(TimedOut):  # where the submission's time is over, that is the answer
            session.call("cross_correlate2d", (np.ones((3, 3)), np.ones((2, 2))))
        return time.perf_counter() - ended


def seconds(host: Host, path: Path) -> float:
    began = time.perf_counter()
    result = host.grade(path, path.stem)
    if path.stem == "honest" and result.score != result.max_score:
        sys.exit(f"An honest submission got {result.score} of {result.max_score} points.")
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limits")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    slowest, honest_ones = 0.0, []
    print(f"{'beyond':20} {'the submission':36} {'next call':>10} {'next submission':>16}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        right = write(folder, "honest", honest())
        for exceeding in EXCEEDING:
            calls, grades = [], []
            with Host(UNIT, limits=exceeding.course_limits) as host:
                seconds(host, right)
                for _ in range(options.runs):
                    calls.append(next_call(exceeding, folder))
                    before = seconds(host, right)
                    seconds(host, write(folder, "beyond", exceeding.source()))
                    grades.append(max(0.0, seconds(host, right) - before))
                    honest_ones.append(before)
            call = None if None in calls else statistics.median(calls)
            grade = statistics.median(grades)
            shown = "-" if call is None else f"{call:.2f}"
            print(f"{exceeding.limit:20} {exceeding.what:36} {shown:>10} {grade:16.2f}", flush=True)
            slowest = max(slowest, call or 0.0, grade)
    verdict = "goes on within" if slowest < MOST else "does not always go on within"
    print(f"An honest submission takes {statistics.median(honest_ones):.2f} s. The slowest of all: {slowest:.2f} s.")
    print(f"The grader {verdict} {MOST:g} s.")
    sys.exit(slowest >= MOST)


if __name__ == "__main__":
    main()
