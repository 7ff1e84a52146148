"""The command `autograder`. Thin: whatever nbgrader does is left to nbgrader's own commands."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from autograder.isolation import ISOLATIONS, said
from autograder.results import Result
from autograder.terminal import harmless
from autograder.units import UNITS, Unit, UnknownUnit, unit

# jsonschema, which nbformat imports, would compile a grammar of web addresses: 1.5 s, and none is checked here.
sys.modules.setdefault("rfc3987_syntax", None)

UNUSABLE = 2  # exit status: arguments that cannot be used
NOT_GRADED = 3  # exit status: something is "not graded"

app = typer.Typer(
    help="Grade Backpass: what nbgrader does, safely, fast, and with the names of the mistakes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


Isolation = StrEnum("Isolation", ISOLATIONS)


def refuse(sentence: str, status: int = UNUSABLE) -> typer.Exit:
    """Say why nothing was done; `raise refuse(...)`."""
    typer.echo(sentence, err=True)
    return typer.Exit(status)


def chosen(name: str) -> Unit:
    try:
        return unit(name)
    except UnknownUnit as error:
        raise refuse(str(error)) from None


UnitName = Annotated[str, typer.Argument(metavar="UNIT", help="the unit, nbgrader's assignment name")]
IsolationOption = Annotated[Isolation, typer.Option(help="how student code is locked in")]
SchedulerOption = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="grade on the Dask cluster of this scheduler (tcp://host:8786)")
]
DiffOption = Annotated[bool, typer.Option("--diff", help="show whose score would change, how and why; write nothing")]
JobsOption = Annotated[int | None, typer.Option(min=1, help="hosts side by side; the number of cores unless given")]


@app.command()
def grade(
    unit_name: UnitName,
    files: Annotated[list[Path] | None, typer.Argument(metavar="[FILE ...]")] = None,
    json_dir: Annotated[Path | None, typer.Option("--json", metavar="DIR", help="write DIR/<stem>.json")] = None,
    jobs: JobsOption = None,
    isolation: IsolationOption = Isolation.bubblewrap,
    scheduler: SchedulerOption = None,
    diff: DiffOption = False,
) -> None:
    """Grade files (.ipynb or .py), or without files all that was submitted for the unit."""
    from autograder.limits import UnusableConfiguration
    from autograder.patience import InUse
    from autograder.sandbox import NoSandbox, check_isolation

    which = chosen(unit_name)
    if diff and files:
        raise refuse("--diff compares a class with its gradebook: it takes no files.")
    try:
        # On a cluster the workers' isolation counts, and is looked at there.
        if scheduler is None:
            check_isolation(isolation.value)
    except NoSandbox as error:
        raise refuse(str(error), NOT_GRADED) from None
    try:
        with _executor(scheduler, which, isolation.value) as executor:
            if files:
                results = _grade_files(which, files, json_dir, jobs, isolation.value, executor)
                show_results(results, Console())
                everything = all(result.graded for result in results)
            elif diff:
                everything = _compare_class(which, jobs, isolation.value, executor)
            else:
                everything = _grade_class(which, jobs, isolation.value, executor)
    except UnusableConfiguration as error:
        raise refuse(str(error)) from None
    except InUse as error:
        raise refuse(str(error), NOT_GRADED) from None
    if said(isolation.value):
        typer.echo(said(isolation.value))
    if not everything:
        raise typer.Exit(NOT_GRADED)


@contextmanager
def _executor(scheduler: str | None, which: Unit, isolation: str) -> Iterator[Executor | None]:
    """The cluster that was asked for, or None: then this machine does the work."""
    if scheduler is None:
        yield None
        return
    from autograder.cluster import NoCluster, cluster
    from autograder.limits import configuration, configured, with_limits

    try:
        with cluster(scheduler, with_limits(which, configured(configuration(Path.cwd()))), isolation) as executor:
            yield executor
    except NoCluster as error:
        raise refuse(str(error), NOT_GRADED) from None


def _grade_files(
    which: Unit, files: list[Path], json_dir: Path | None, jobs: int | None, isolation: str, executor: Executor | None
) -> list[Result]:
    from autograder.limits import configuration, configured
    from autograder.pool import Job, grade_jobs
    from autograder.whole_files import write_whole

    limits = configured(configuration(Path.cwd()))
    missing = [str(path) for path in files if not path.exists() and not path.is_symlink()]
    if missing:
        raise refuse(f"There is no file {', '.join(missing)}.")
    stems = [path.stem for path in files]
    twice = sorted({stem for stem in stems if stems.count(stem) > 1})
    if json_dir and twice:
        raise refuse(
            f"Several files are called {', '.join(twice)}: their results would overwrite each other in {json_dir}."
        )
    work = [Job(path, path.name) for path in files]
    results = list(grade_jobs(which.name, work, jobs=jobs, isolation=isolation, executor=executor, limits=limits))
    if json_dir:
        try:
            json_dir.mkdir(parents=True, exist_ok=True)
            for stem, result in zip(stems, results, strict=True):
                text = json.dumps(result.to_json(), indent=1, sort_keys=True)
                write_whole(json_dir / f"{stem}.json", text + "\n")
        except OSError as error:
            raise refuse(f"The results could not be written to {json_dir}: {error.strerror}.", NOT_GRADED) from None
    return results


def _grade_class(which: Unit, jobs: int | None, isolation: str, executor: Executor | None) -> bool:
    from autograder.classes import NothingSubmitted, grade_class, show_class

    try:
        rows = grade_class(which.name, Path.cwd(), jobs=jobs, executor=executor, isolation=isolation)
    except NothingSubmitted as error:
        raise refuse(str(error)) from None
    show_class(rows, Console())
    return all(row.graded for row in rows)


def _compare_class(which: Unit, jobs: int | None, isolation: str, executor: Executor | None) -> bool:
    from autograder.classes import NothingSubmitted, class_differences
    from autograder.differences import show_differences

    try:
        found, total = class_differences(which.name, Path.cwd(), jobs=jobs, executor=executor, isolation=isolation)
    except NothingSubmitted as error:
        raise refuse(str(error)) from None
    show_differences(found, total, Console())
    return all(difference.graded for difference in found)


def what_happened(result: Result) -> str:
    """One cell of a table: what is not simply passed or failed, and the named mistakes."""
    if result.trouble:
        return result.trouble
    parts = []
    for state, words in (
        ("not_graded", "not graded"),
        ("timed_out", "timed out"),
        ("crashed", "crashed"),
        ("not_attempted", "not attempted"),
    ):
        where = list(dict.fromkeys(item.exercise for item in result.items if item.state == state))
        if where:
            parts.append(f"{words}: {', '.join(where) if len(where) < 4 else f'{len(where)} exercises'}")
    parts += [name.replace("_", " ") for name in result.mistakes()]
    return "; ".join(parts)


def show_results(results: list[Result], console: Console) -> None:
    table = Table(title_justify="left")
    for heading, justify in (("submission", "left"), ("score", "right"), ("what happened", "left")):
        table.add_column(heading, justify=justify, overflow="fold")
    for result in results:
        score = "not graded" if result.score is None else f"{result.score:g} / {result.max_score:g}"
        if result.extra_credit:
            score += f" + {result.extra_credit:g}"
        table.add_row(harmless(result.submission), score, harmless(what_happened(result)))
    console.print(table, markup=False)


@app.command()
def validate(
    unit_name: Annotated[str | None, typer.Argument(metavar="[UNIT]")] = None,
    isolation: IsolationOption = Isolation.bubblewrap,
) -> None:
    """Prove the grader: right answers get everything, stubs nothing, every mistake is rejected and named."""
    from autograder.paths import CHECKS
    from autograder.validate import prove, show

    built = [u for u in UNITS.values() if (CHECKS / f"{u.name}.py").exists()]
    faults = 0
    for which in [chosen(unit_name)] if unit_name else built:
        try:
            proof = prove(which, isolation.value)
        except FileNotFoundError as error:
            raise refuse(str(error)) from None
        show(proof, Console())
        faults += len(proof.faults)
    if faults:
        raise typer.Exit(1)


@app.command()
def release(
    unit_name: UnitName,
    kit: Annotated[bool, typer.Option("--kit", help="also make kits/UNIT.zip, for a learning platform")] = False,
) -> None:
    """Make the student's version of a unit: cases.npz, given.py and nbgrader's generate_assignment."""
    from autograder.kit import make_kit
    from autograder.release import ReleaseFailed, release_unit, still_open

    which = chosen(unit_name)
    try:
        folder = release_unit(which, Path.cwd())
        typer.echo(f"Released {which.name}: {folder}")
        if kit:
            typer.echo(f"The kit of {which.name}: {make_kit(which, Path.cwd())}")
    except ReleaseFailed as error:
        raise refuse(str(error), 1) from None
    for sentence in still_open(which, Path.cwd()):
        typer.echo(f"Warning: {sentence}", err=True)


@app.command()
def report(
    unit_name: UnitName,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="reports/UNIT.html unless given")] = None,
    isolation: IsolationOption = Isolation.bubblewrap,
) -> None:
    """Write one page about a graded class: scores, hard items, frequent mistakes, what needs a look."""
    from autograder.classes import NothingSubmitted
    from autograder.report import class_report

    which = chosen(unit_name)
    try:
        path = output or Path("reports", f"{which.name}.html")
        path = class_report(which, Path.cwd(), path, isolation.value)
    except NothingSubmitted as error:
        raise refuse(str(error)) from None
    except OSError as error:
        raise refuse(f"The report could not be written: {error.strerror}.", 1) from None
    typer.echo(f"The class's report: {path}")


class Target(StrEnum):
    canvas = "canvas"
    moodle = "moodle"
    gradescope = "gradescope"


@app.command()
def export(
    target: Target,
    unit_name: UnitName,
    roster: Annotated[
        Path | None, typer.Option(metavar="FILE", help="the platform's own CSV: its ids stay, its grades are filled in")
    ] = None,
    column: Annotated[str | None, typer.Option(help="the grade's column in Canvas's CSV; UNIT unless given")] = None,
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="exports/... unless given")] = None,
    feedback: Annotated[bool, typer.Option("--feedback", help="a zip of feedback pages, for the bulk upload")] = False,
) -> None:
    """Give grades or feedback back to Canvas or Moodle, or build an autograder for Gradescope.

    What is not graded stays empty.
    """
    from autograder.exports import export_autograder, export_feedback, export_grades
    from autograder.learning_platforms import PLATFORMS, Unusable

    which = chosen(unit_name)
    if target is Target.gradescope:
        if roster is not None or column is not None or feedback:
            raise refuse("Gradescope grades by itself: --roster, --column and --feedback are for the others.")
        try:
            for sentence in export_autograder(which, Path.cwd(), to):
                typer.echo(sentence)
        except Unusable as error:
            raise refuse(str(error)) from None
        return
    platform = PLATFORMS[target.value]
    if roster is None and not feedback:
        raise refuse(f"Say --roster FILE, the CSV that {platform.name} exports, or --feedback, or both.")
    try:
        if roster is not None:
            for sentence in export_grades(platform, which, Path.cwd(), roster, column, to):
                typer.echo(sentence)
        if feedback:
            for sentence in export_feedback(platform, which, Path.cwd(), None if roster else to):
                typer.echo(sentence)
    except Unusable as error:
        raise refuse(str(error)) from None


@app.command()
def points(unit_name: Annotated[str | None, typer.Argument(metavar="[UNIT]")] = None) -> None:
    """Write the points of the checks' markers into the source notebooks."""
    from autograder.paths import source_notebook
    from autograder.points import write_points

    for which in [chosen(unit_name)] if unit_name else UNITS.values():
        if source_notebook(which.name).exists():
            changed = write_points(which)
            typer.echo(f"{which.name}: {', '.join(changed) if changed else 'nothing to change'}")


@app.command()
def doctor() -> None:
    """Look at everything that can be missing or wrong, and say what to do."""
    from autograder.doctor import examine

    console, missing = Console(), 0
    for finding in examine(Path.cwd()):
        mark, style = ("ok", "green") if finding.fine else ("missing" if finding.needed else "absent", "yellow")
        missing += finding.needed and not finding.fine
        console.print(f"{mark:>8}", style=style, end="  ")
        console.print(f"{finding.what}: {finding.sentence}", markup=False, highlight=False)
    if missing:
        raise typer.Exit(1)
