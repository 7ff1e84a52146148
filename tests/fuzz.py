"""Random and mutated input for what reads a student's bytes: the wire's decoder and the notebook reader.

    python -m tests.fuzz [--frames 1000000] [--notebooks 20000] [--traced 20000] [--seed N]

Every input must be read or refused with a sentence, within a second of processor time and without memory growing.
The decoder's branches are counted by coverage.py on a part of the run, as tracing is slow. `make fuzz` is the long
run, tests/test_fuzz.py a short one.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autograder.nbgrader_plugin.reading import parse_notebook
from autograder.paths import BACKPASS, ROOT
from autograder.reading import Unreadable
from autograder.sandbox import wire
from autograder.sandbox.wire import WireError
from autograder.submission import read_submission
from autograder.units import Limits, unit
from tests.fuzz_inputs import frame, notebook, valid_frames

SLOWEST = 1.0  # seconds of processor time that one input may take
PEAK = 64 << 20  # bytes by which the peak of memory may grow in a long run
KINDS = ("ready", "at", "ask", "done", "reply")  # what comes out of a sandbox
ENCODING = {"pack", "short", "_megabytes"}  # functions of wire.py that no arriving frame reaches


class Found(Exception):
    """An input that was neither read nor refused; the text says which."""


class _Slow(BaseException):
    """Raised in the middle of an input that takes too long; no reader may swallow it."""


@dataclass(frozen=True)
class Run:
    """What came of a run. `kept` and `peak`: bytes by which memory, and its peak, grew after the first tenth."""

    inputs: int
    refused: int
    seconds: float
    kept: int
    peak: int


def read_frame(data: bytes) -> dict:
    """A frame as the grader takes it from the channel."""
    length = wire.announced(data[: wire.PREFIX.size], Limits().reply_bytes)
    return wire.unpack(data[wire.PREFIX.size : wire.PREFIX.size + length], KINDS)


def fuzz_frames(count: int, seed: int = 0) -> Run:
    valid, chance = valid_frames(), random.Random(seed)
    return fuzz(read_frame, lambda: frame(chance, valid), WireError, count)


def fuzz_notebooks(count: int, seed: int = 0) -> Run:
    """Both readers: the one that finds the cells to run, and the one of nbgrader's converter."""
    chance, which = random.Random(seed), unit("convolution")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "n.ipynb")

        def read(data: bytes) -> None:
            path.write_bytes(data)
            both = []
            for reader in (lambda: read_submission(path, which), lambda: parse_notebook(data, path.name)):
                try:
                    reader()
                except Unreadable as error:
                    both.append(error)
            if both:
                raise both[0]

        return fuzz(read, lambda: notebook(chance), Unreadable, count)


def fuzz(read: Callable[[bytes], object], make: Callable[[], bytes], refusal: type[Exception], count: int) -> Run:
    """Read `count` inputs. Raises Found."""
    refused, (kept, peak) = 0, _memory()
    began = time.perf_counter()
    with _watched() as watch, _silent():
        for number in range(count):
            if number == count // 10:
                kept, peak = _memory()
            data = make()
            watch(SLOWEST)
            try:
                read(data)
            except refusal as error:
                refused += 1
                if not str(error):
                    raise Found(f"refused without a sentence: {_shown(data)}") from None
            except _Slow:
                raise Found(f"more than {SLOWEST:g} s for {_shown(data)}") from None
            except Exception as error:
                raise Found(f"{type(error).__name__}: {error} at {_shown(data)}") from error
            watch(0)
    now, top = _memory()
    return Run(count, refused, time.perf_counter() - began, now - kept, top - peak)


def _shown(data: bytes) -> str:
    return f"{data[:500]!r}" + (f" and {len(data) - 500} bytes more" if len(data) > 500 else "")


@contextmanager
def _watched() -> Iterator[Callable[[float], None]]:
    """A function that sets, or with 0 ends, the processor time until _Slow is raised."""

    def too_slow(number: int, where: object) -> None:
        raise _Slow

    before = signal.signal(signal.SIGVTALRM, too_slow)
    try:
        yield lambda seconds: signal.setitimer(signal.ITIMER_VIRTUAL, seconds) and None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextmanager
def _silent() -> Iterator[None]:
    """nbformat logs what it finds invalid, half characters included, which no report of a test can carry."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _memory() -> tuple[int, int]:
    """Bytes resident now, and at most so far."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE"), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@dataclass(frozen=True)
class Branches:
    """Branches of the decoder, and the lines from which one was not taken, by function."""

    taken: int
    possible: int
    missed: dict[str, list[list[int]]]


def branches(count: int, seed: int = 0) -> Branches:
    """The decoder's branches that frames take, by coverage.py, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        data, path = f"--data-file={folder}/data", Path(folder, "branches.json")
        measured = ["-m", "tests.fuzz", f"--frames={count}", "--notebooks=0", "--traced=0", f"--seed={seed}"]
        _coverage("run", data, "--branch", f"--include={wire.__file__}", *measured)
        _coverage("json", data, "-o", str(path))
        functions = next(iter(json.loads(path.read_text())["files"].values()))["functions"]
    decoder = {
        name: found
        for name, found in functions.items()
        if name and name not in ENCODING and not name.startswith("_Encoder")
    }
    return Branches(
        sum(found["summary"]["covered_branches"] for found in decoder.values()),
        sum(found["summary"]["num_branches"] for found in decoder.values()),
        {name: found["missing_branches"] for name, found in decoder.items() if found["missing_branches"]},
    )


def _coverage(*words: str) -> None:
    path = os.pathsep.join([str(ROOT), str(BACKPASS.parent)])
    command = [sys.executable, "-m", "coverage", *words]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": path}, stdout=subprocess.DEVNULL, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--notebooks", type=int, default=20_000)
    parser.add_argument("--traced", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    grown = False
    for name, run in (("frames", fuzz_frames), ("notebooks", fuzz_notebooks)):
        done = run(getattr(options, name), options.seed)
        print(
            f"{done.inputs} {name}: {done.refused} refused, the others read, in {done.seconds:.0f} s; "
            f"memory grew by {done.kept / 2**20:.1f} MiB, its peak by {done.peak / 2**20:.1f} MiB",
            flush=True,
        )
        grown = grown or done.peak > PEAK
    if options.traced:
        seen = branches(options.traced, options.seed)
        print(f"branches of the decoder taken by {options.traced} frames: {seen.taken} of {seen.possible}")
        for name, lines in seen.missed.items():
            print(f"  not in {name}: " + ", ".join(f"{start} -> {end}" for start, end in lines))
    if grown:
        sys.exit(f"Memory grew by more than {PEAK >> 20} MiB.")


if __name__ == "__main__":
    main()
