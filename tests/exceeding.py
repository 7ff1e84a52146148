"""Submissions of unit 1 that each go beyond one limit, for tests/test_limits.py and benchmarks/limits.py.

Each is the right answer of every exercise, with one function in which something more is done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from autograder.paths import SOLUTIONS

UNIT = "convolution"
# Low, so that they are reached soon; honest work needs less.
LOW: dict[str, float] = {
    "call_seconds": 1.0,
    "cell_seconds": 1.0,
    "idle_seconds": 1.0,
    "memory_bytes": 512 << 20,
    "processes": 16,
    "file_bytes": 1 << 20,
    "scratch_bytes": 4 << 20,
    "scratch_files": 500,
    "open_files": 32,
    "reply_bytes": 1 << 20,
    "printed_characters": 1000,
    "call_backs": 1000,
    "notebook_bytes": 1 << 20,
}

_BEFORE = "\n\nimport os, threading, time\n"
_DEED = """
_right = {name}
def {name}(*args, **kwargs):
{body}
    return _right(*args, **kwargs)
"""


@dataclass(frozen=True)
class Exceeding:
    """One submission: which limit, what it does, and what is said of it.

    `state`: of the items of `exercise`, where what is done is the student's loss; "" where it costs nothing.
    `limits`: those that differ from LOW.
    """

    limit: str
    what: str
    state: str
    words: str
    body: str = ""
    exercise: str = "convolve1d"
    cell: str = ""
    limits: dict[str, float] = field(default_factory=dict)

    @property
    def course_limits(self) -> dict[str, float]:
        return {**LOW, **self.limits}

    def source(self) -> str:
        right = honest()
        if self.body:
            body = "\n".join(f"    {line}" for line in self.body.splitlines())
            right += _BEFORE + _DEED.format(name=self.exercise, body=body)
        return right + self.cell


def honest() -> str:
    """The right answers, as a student's file."""
    return (SOLUTIONS / f"{UNIT}.py").read_text(encoding="utf-8")


def write(folder: Path, name: str, source: str) -> Path:
    path = folder / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    return path


_BURN = "end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"

EXCEEDING = (
    Exceeding("call_seconds", "loops", "timed_out", "used more than 1 s of processor time", "while True: pass"),
    Exceeding("idle_seconds", "sleeps", "timed_out", "slept or waited for more than 1 s", "time.sleep(1e8)"),
    Exceeding(
        "wall_factor",
        "sleeps where sleeping is allowed",
        "timed_out",
        "took more than 1.5 s",
        "time.sleep(1e8)",
        limits={"idle_seconds": 60, "wall_factor": 1.5},
    ),
    Exceeding(
        "cell_seconds",
        "loops in a cell",
        "",
        "used more than 1 s of processor time, and was stopped. That part is left out.",
        cell="\n\nwhile True: pass\n",
    ),
    Exceeding(
        "submission_seconds",
        "computes for long in every call",
        "timed_out",
        "the whole submission used more than its 1 s of processor time",
        _BURN,
        limits={"submission_seconds": 1, "wall_factor": 50},
    ),
    Exceeding(
        "submission_seconds",
        "sleeps for long in every call",
        "timed_out",
        "the whole submission took more than its 10 s",
        "time.sleep(0.7)",
        limits={"submission_seconds": 10, "wall_factor": 1, "call_seconds": 10},
    ),
    Exceeding("memory_bytes", "takes a gigabyte", "raised", "MemoryError", "np.ones(1 << 30, np.uint8)"),
    Exceeding(
        "memory_bytes",
        "takes too much in children",
        "crashed",
        "its processes together used too much memory",
        "for _ in range(6):\n    if os.fork() == 0:\n        block = np.ones(100 << 20, np.uint8)\n"
        "        time.sleep(1000)\ntime.sleep(1000)",
        limits={"idle_seconds": 60, "call_seconds": 30, "memory_bytes": 256 << 20},
    ),
    Exceeding(
        "processes",
        "starts processes without end",
        "raised",
        "BlockingIOError: [Errno 11] Resource temporarily unavailable",
        "while True:\n    if os.fork() == 0: time.sleep(1000)",
    ),
    Exceeding(
        "processes",
        "starts threads without end",
        "raised",
        "can't start new thread",
        "while True: threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()",
    ),
    Exceeding(
        "file_bytes",
        "writes a large file",
        "raised",
        "OSError: [Errno 27] File too large",
        "with open('large', 'wb', 0) as file: file.write(bytes(1 << 20)); file.write(b'1')",
    ),
    Exceeding(
        "scratch_bytes",
        "fills the scratch folder",
        "raised",
        "OSError: [Errno 28] No space left on device",
        "for n in range(9):\n    with open(f'part{n}', 'wb', 0) as file: file.write(bytes(900_000))",
    ),
    Exceeding(
        "scratch_files",
        "makes files without end",
        "crashed",
        "it made too many files",
        "n = 0\nwhile True:\n    os.close(os.open(f'f{n}', os.O_CREAT)); n += 1",
        limits={"call_seconds": 10},
    ),
    Exceeding(
        "open_files",
        "opens files without end",
        "raised",
        "OSError: [Errno 24] Too many open files",
        "held = []\nwhile True: held.append(open('/dev/null'))",
    ),
    Exceeding(
        "reply_bytes",
        "returns too much",
        "failed",
        "the result is a value of more than 1 MiB, and should be an array",
        "return np.zeros(200_000)",
    ),
    Exceeding(
        "printed_characters", "prints without measure", "", "", "for _ in range(1000): print('x' * 10_000, end='')"
    ),
    Exceeding(
        "call_backs",
        "calls a function that it was given without end",
        "crashed",
        "called the function it was given too often",
        "while True: args[0](args[1])",
        exercise="numerical_gradient",
    ),
    Exceeding(
        "notebook_bytes",
        "is a large file",
        "not_graded",
        "is larger than 1 MiB",
        cell="\n#" + " " * (2 << 20),
    ),
)
