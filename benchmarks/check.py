"""How long the student's `check` takes: the import, and every exercise of every unit that is built.

python -m benchmarks.check [UNIT ...]
"""

from __future__ import annotations

import importlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from autograder.paths import CHECKS, COURSE
from autograder.record import write_cases
from autograder.units import UNITS, Unit

RUNS = 5
CODE = "import numpy, time; start = time.perf_counter(); from backpass import check; print(time.perf_counter() - start)"


def import_seconds() -> float:
    """The median time of `from backpass import check`, NumPy being there already."""
    environment = os.environ | {"PYTHONPATH": str(COURSE)}
    runs = [
        subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, env=environment, check=True)
        for _ in range(RUNS)
    ]
    return statistics.median(float(run.stdout) for run in runs)


def exercise_seconds(unit: Unit, folder: Path) -> dict[str, tuple[float, float]]:
    """For each exercise the first call, which reads the recorded cases, and the median of later ones."""
    from backpass import check

    path = folder / f"{unit.name}.npz"
    write_cases(unit, path)
    os.environ["BACKPASS_CASES"] = str(path)
    reference = importlib.import_module(f"solutions.{unit.name}")
    globals().update({name: getattr(reference, name) for name in unit.functions if hasattr(reference, name)})
    seconds = {}
    for exercise in unit.exercises:
        taken = []
        for _ in range(RUNS):
            start = time.perf_counter()
            report = check(exercise.name)
            repr(report), report._repr_html_()
            taken.append(time.perf_counter() - start)
        seconds[exercise.name] = taken[0], statistics.median(taken[1:])
    return seconds


def main() -> None:
    print(f"from backpass import check: {import_seconds() * 1000:.0f} ms")
    chosen = [UNITS[name] for name in sys.argv[1:]] or list(UNITS.values())
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for unit in chosen:
            if not (CHECKS / f"{unit.name}.py").exists():
                continue
            for name, (first, later) in exercise_seconds(unit, Path(folder)).items():
                print(f"{unit.name:16} {name:28} first {first * 1000:5.0f} ms, then {later * 1000:5.0f} ms")
                slowest = max(slowest, first)
    print(f"slowest: {slowest * 1000:.0f} ms")


if __name__ == "__main__":
    main()
