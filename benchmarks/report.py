"""How soon the report of a large class opens: `autograder report` for made-up results of 2,000 students, in Chromium.

    python -m benchmarks.report [--students 2000] [--unit convolution] [--times 5] [--compared 50 100 200]

The results are made up over the unit's real items and mistakes, and go through the report's own code. Opened: from the
navigation until the page's script has made its tables sortable and a frame has been drawn, in a fresh browser context
each time; then the seconds to sort the table of all submissions and to search it. Compared: `similar` over ordinary
classes of these sizes in which every student's names differ, so that no cell comes twice. The last line is the median
of the opening times.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import tempfile
import time
from pathlib import Path

import nbformat

from autograder import mistakes
from autograder.paths import source_notebook
from autograder.released import released
from autograder.report import write_report
from autograder.results import Result
from autograder.runner import Check, Checks, with_checks
from autograder.similarity import Alike, Similarity, similar
from autograder.units import Unit, unit
from backpass.report import Item
from tests.chromium import chromium
from tests.class_factory import ordinary_class

# How a made-up student does on an exercise, and how often.
STATES = {"passed": 78, "failed": 14, "not_attempted": 5, "raised": 2, "timed_out": 0.7, "crashed": 0.3}
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"
# Runs before the page; its script, which stands at the end, is over when the content is loaded.
OPENED = f"addEventListener('DOMContentLoaded', async () => {{ window.opened = await ({DRAWN})(); }});"


def made_up(which: Unit, count: int) -> list[Result]:
    """Results of a class over the unit's own items; a hundredth of the files cannot be read."""
    checks: list[Check] = with_checks(which, Checks.hidden)
    known = {exercise.name: [] for exercise in which.exercises}
    for mistake in mistakes.load(which).values():
        known[mistake.exercise(which)].append(mistake)
    rng, results = random.Random(9), []
    for number in range(count):
        result = Result(which.name, f"student-{number:04}", processor_seconds=round(rng.lognormvariate(0.5, 0.6), 2))
        for exercise in which.exercises:
            (state,) = rng.choices(list(STATES), list(STATES.values()))
            made = rng.choice(known[exercise.name]) if state == "failed" and known[exercise.name] else None
            own = [check for check in checks if check.exercise == exercise.name]
            for check in own:
                passed = state == "passed" or (state == "failed" and len(own) > 1 and rng.random() < 0.5)
                result.items.append(
                    Item(
                        exercise.name,
                        check.title,
                        float(check.points),
                        float(check.points) if passed else 0.0,
                        "passed" if passed else state,
                        message="" if passed else "A sentence as long as those that students read in such a case.",
                        mistake=made.sentence if made and not passed else "",
                        mistake_name=made.name if made and not passed else "",
                        bonus=exercise.bonus,
                    )
                )
        if number % 100 == 99:
            result = Result(
                which.name, result.submission, trouble=f"{which.name}.ipynb ends too early: it was cut off."
            )
        results.append(result)
    return results


def made_up_similarity(results: list[Result]) -> Similarity:
    """As many entries as the page shows at most."""
    names = [result.submission for result in results]
    rng = random.Random(10)
    if len(names) < 20:
        return Similarity([], [Alike((names[0], names[1]), 0.83, ("pad2d",))], [], 0, len(names))
    pairs = [Alike(tuple(rng.sample(names, 2)), rng.uniform(0.5, 1), ("pad2d", "convolve2d")) for _ in range(200)]
    close = [Alike((name,), rng.uniform(0.5, 1), ("pad2d",)) for name in rng.sample(names, len(names) // 20)]
    same = [Alike(tuple(rng.sample(names, 3)), 1.0, ()) for _ in range(20)]
    return Similarity(same, pairs, close, 17, len(names))


def opening(page_file: Path, times: int) -> list[dict[str, float]]:
    """Seconds to open, sort and search, for each of several fresh contexts."""
    found = []
    with chromium() as browser:
        for _ in range(times):
            context = browser.new_context()
            page = context.new_page()
            page.add_init_script(OPENED)
            page.goto(page_file.as_uri())
            page.wait_for_selector("html[data-ready]", state="attached")
            page.evaluate(DRAWN)
            opened = page.evaluate("window.opened")
            sort = page.evaluate(
                "async () => { const began = performance.now();"
                " document.querySelectorAll('#t-submissions thead button')[1].click();"
                f" return await ({DRAWN})() - began; }}"
            )
            search = page.evaluate(
                "async () => { const began = performance.now();"
                " const input = document.querySelector('label[data-table=t-submissions] input');"
                " input.value = 'student-00'; input.dispatchEvent(new Event('input'));"
                f" return await ({DRAWN})() - began; }}"
            )
            found.append({"open": opened / 1000, "sort": sort / 1000, "search": search / 1000})
            context.close()
    return found


def comparing(which: Unit, count: int, folder: Path) -> tuple[float, Similarity]:
    """Processor seconds of `similar` for a class in which every student calls things differently."""
    stub = released(nbformat.read(source_notebook(which.name), as_version=4))
    files = {}
    for number, (_, notebook) in enumerate(ordinary_class(which, stub, count)):
        for cell in notebook.cells:
            if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {}).get("locked"):
                cell.source = re.sub(r"\b(result|x)\b", rf"\1_{number}", cell.source)
                cell.source += f"\nname_{number} = None"
        path = files[f"s{number:04}"] = folder / f"{number}.ipynb"
        nbformat.write(notebook, path)
    began = time.process_time()
    found = similar(which, files)
    return time.process_time() - began, found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report")
    parser.add_argument("--students", type=int, default=2000)
    parser.add_argument("--unit", default="convolution")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--compared", type=int, nargs="*", default=[50, 100, 200])
    parser.add_argument("--keep", type=Path, help="a folder in which the page stays")
    options = parser.parse_args()
    which = unit(options.unit)
    with tempfile.TemporaryDirectory() as scratch:
        results = made_up(which, options.students)
        began = time.perf_counter()
        path = (options.keep or Path(scratch)) / f"{options.students}.html"
        write_report(which, results, path, made_up_similarity(results), waiting=len(results))
        written = time.perf_counter() - began
        print(f"{options.students} students: written in {written:.1f} s, {path.stat().st_size / 1e6:.2f} MB")
        for count in options.compared:
            folder = Path(scratch) / str(count)
            folder.mkdir()
            seconds, found = comparing(which, count, folder)
            print(
                f"{count} compared in {seconds:.1f} s of processor time, {1000 * seconds / count:.0f} ms each: "
                f"{len(found.same)} groups, "
                f"{len(found.pairs) + found.more} pairs, {len(found.published)} close to the published answers"
            )
        seconds = opening(path, options.times)
    for what in ("sort", "search", "open"):
        every = [one[what] for one in seconds]
        print(f"{what}: {statistics.median(every):.2f} s, the slowest {max(every):.2f} s")


if __name__ == "__main__":
    main()
