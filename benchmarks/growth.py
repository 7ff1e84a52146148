"""How the cost of `autograder grade` grows with the class: seconds and memory, and whether that is linear.

    python -m benchmarks.growth [--graded 50 500 5000] [--prepared 50 500 5000 50000] [--plot docs/images/growth.png]

Graded: every submission differs and is graded. Prepared: results for all of them are in the store before, so that
only reading, looking up, book-keeping and the table are left; these classes are ordinary ones, too, made of few
texts, each with a line of its own. Every class is a fresh course folder, graded by one command of its own. Memory is
the peak of the command's process and of its hosts, added up; sandboxes, which end with each submission, are not in
it. Processor seconds leave out what was spent inside sandboxes.

The growth is the exponent between a size and the next: 1 is linear, below 1 a fixed cost is shared by more. The last
line says the largest exponent of the processor seconds, and the memory of the largest class in that of the smallest.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat

from autograder.classes import course_of, limited
from autograder.pool import Job, grade_jobs
from autograder.store import FILE_NAME, Store
from autograder.submission import code_of
from autograder.units import Unit, unit
from autograder.versions import versions_of
from tests.class_factory import make_course, ordinary_class

TEXTS = 10  # different submissions of a prepared class, but for a line of their own


@dataclass(frozen=True)
class Cost:
    """What grading a class took."""

    kind: str
    students: int
    seconds: float
    processor: float
    memory: int

    @property
    def line(self) -> str:
        each = 1000 / self.students
        return (
            f"{self.kind:<9} {self.students:>6}  {self.seconds:>8.1f} s  {self.seconds * each:>7.1f} ms each  "
            f"{self.processor * each:>7.1f} ms of processor each  {self.memory / (1 << 20):>6.0f} MiB"
        )


class Peaks(threading.Thread):
    """Watches a command and its grading hosts; keeps each process's peak of resident memory."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.pid, self.peaks, self.over = pid, {}, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.2):
            for pid in [self.pid, *self._hosts()]:
                try:
                    status = Path(f"/proc/{pid}/status").read_text()
                except OSError:
                    continue
                for line in status.splitlines():
                    if line.startswith("VmHWM:"):
                        self.peaks[pid] = max(self.peaks.get(pid, 0), int(line.split()[1]) << 10)

    def _hosts(self) -> list[int]:
        found: list[int] = []
        try:
            for task in Path(f"/proc/{self.pid}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except OSError:
            pass
        return [pid for pid in found if self._is_host(pid)]

    @staticmethod
    def _is_host(pid: int) -> bool:
        """Other children (a sandbox that is being started) share the command's memory for a moment."""
        try:
            return b"autograder.host" in Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False


def graded(course: Path, which: Unit, kind: str, students: int) -> Cost:
    """Grade a class with one command, and measure it."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with open(course / "table.txt", "w") as table:
        command = [sys.executable, "-m", "autograder", "grade", which.name]
        process = subprocess.Popen(command, cwd=course, stdout=table, env=os.environ | {"PATH": path})
        peaks = Peaks(process.pid)
        peaks.start()
        status = process.wait()
    peaks.over.set()
    peaks.join()
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if status:
        sys.exit(f"autograder grade ended with {status}: the figures mean nothing.")
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(kind, students, seconds, processor, sum(peaks.peaks.values()))


def hand_in(course: Path, which: Unit, texts: list[str], students: int) -> list[Path]:
    """A class made of these notebooks' texts, in which no two submissions have the same code."""
    paths = []
    for number in range(students):
        path = course / "submitted" / f"s{number:05}" / which.name / f"{which.name}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(texts[number % len(texts)].replace("student = ", f"number = {number}; student = "))
        paths.append(path)
    return paths


def prepare(course: Path, which: Unit, paths: list[Path], different: int) -> None:
    """Put the results of all submissions into the course's store: of each text one is graded."""
    which, limits = limited(which.name, course_of(course)[1])
    jobs = [Job(path, path.parent.parent.name) for path in paths[:different]]
    results = list(grade_jobs(which.name, jobs, limits=limits))
    versions, names = versions_of(which, "bubblewrap"), tuple(exercise.name for exercise in which.exercises)
    with Store(course / FILE_NAME) as store:
        puts = [
            store.put_soon(code_of(path.read_bytes(), path, which), versions, results[number % different], names)
            for number, path in enumerate(paths)
        ]
        for put in puts:
            put.result()


def exponent(one: Cost, other: Cost) -> float:
    return math.log(other.processor / one.processor) / math.log(other.students / one.students)


def draw(costs: list[Cost], path: Path) -> None:
    """Time and memory over the size of the class."""
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    figure.suptitle("What grading costs, by the size of the class")
    for kind, style in (("graded", "o-"), ("prepared", "s--")):
        some = [cost for cost in costs if cost.kind == kind]
        sizes = [cost.students for cost in some]
        left.semilogx(sizes, [1000 * cost.processor / cost.students for cost in some], style, label=kind)
        right.semilogx(sizes, [cost.memory / (1 << 20) for cost in some], style, label=kind)
    left.set(xlabel="submissions", ylabel="processor time per submission, ms", title="Time", ylim=(0, None))
    right.set(xlabel="submissions", ylabel="peak memory, MiB", title="Memory", ylim=(0, None))
    for axes, corner in ((left, "upper right"), (right, "lower right")):
        axes.grid(alpha=0.3)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.legend(loc=corner)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth")
    parser.add_argument("--graded", type=int, nargs="*", default=[50, 500, 5000])
    parser.add_argument("--prepared", type=int, nargs="*", default=[50, 500, 5000, 50000])
    parser.add_argument("--unit", default="convolution")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    which, costs = unit(options.unit), []
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder, "course")
        make_course(first, which)
        released = nbformat.read(first / "release" / which.name / f"{which.name}.ipynb", as_version=4)
        texts = [nbformat.writes(notebook) for _, notebook in ordinary_class(which, released, TEXTS)]
        sizes = [("graded", size) for size in options.graded] + [("prepared", size) for size in options.prepared]
        for kind, size in sizes:
            course = Path(shutil.copytree(first, Path(folder, f"{kind}-{size}")))
            paths = hand_in(course, which, texts, size)
            if kind == "prepared":
                prepare(course, which, paths, min(TEXTS, size))
            costs.append(graded(course, which, kind, size))
            print(costs[-1].line, flush=True)
            shutil.rmtree(course)
    largest, memory = 0.0, 0.0
    for kind in ("graded", "prepared"):
        some = sorted((cost for cost in costs if cost.kind == kind), key=lambda cost: cost.students)
        for one, other in itertools.pairwise(some):
            print(f"{kind}, {one.students} to {other.students}: exponent {exponent(one, other):.2f}")
            largest = max(largest, exponent(one, other))
        if some:
            memory = max(memory, some[-1].memory / some[0].memory)
    if options.plot:
        draw(costs, options.plot)
    print(f"largest exponent: {largest:.2f}, memory of the largest class: {memory:.2f} times that of the smallest")


if __name__ == "__main__":
    main()
