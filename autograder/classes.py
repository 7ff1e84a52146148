"""Grading all that was submitted for a unit: results on many hosts, then nbgrader's book-keeping.

A result goes into the store as soon as it is there, and each submission is entered into the gradebook by
nbgrader's own converter while the hosts go on. So a run that was interrupted goes on where it stopped, and
one submission's trouble is one submission's only.
"""

from __future__ import annotations

import glob
import logging
import re
import sqlite3
import warnings
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import nbgrader.apps  # noqa: F401 - before nbgrader.converters, which cannot be imported first
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy.exc import SAWarning
from traitlets.config import Config
from traitlets.log import get_logger

from autograder.host import Host
from autograder.limits import configuration, configured, with_limits
from autograder.nbgrader_plugin import configure
from autograder.nbgrader_plugin.hooks import refuse_links
from autograder.pool import Job, default_jobs, grade_job
from autograder.reading import Unreadable, read_bytes
from autograder.results import Result
from autograder.store import FILE_NAME, Store, fingerprint, key_of
from autograder.terminal import harmless
from autograder.units import Limits, Unit
from autograder.units import unit as unit_called


class NothingSubmitted(LookupError):
    """There is nothing to grade; the text says where it was looked for."""


@dataclass
class Row:
    """What came of one student's submission. `trouble`: why it is not in the gradebook ("" when it is)."""

    student: str
    result: Result
    trouble: str = ""
    seconds_late: float = 0.0
    late_penalty: float = 0.0

    @property
    def graded(self) -> bool:
        return self.result.graded and not self.trouble

    @property
    def score(self) -> float | None:
        return self.result.score

    @property
    def max_score(self) -> float:
        return self.result.max_score

    @property
    def mistakes(self) -> list[str]:
        return self.result.mistakes()


@dataclass
class Submission:
    """A student's notebook for the unit and its key in the store, or why it is unusable."""

    student: str
    path: Path
    key: str = ""
    trouble: str = ""


class _Messages(logging.Handler):
    """Keeps what nbgrader logs as an error: it swallows the exceptions themselves."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())

    @property
    def sentence(self) -> str:
        traces = [text for text in self.texts if text.startswith("Traceback")] or self.texts
        lines = traces[0].strip().splitlines() if traces else []
        return lines[-1] if lines else "nbgrader gave no reason."


class Booking(Autograde):
    """nbgrader's converter for one submission whose result is there already: `prepared`, read by Grade."""

    prepared: Result
    notebook: Path

    def init_notebooks(self) -> None:
        # Exactly this notebook, whatever stands beside it and whether or not it exists.
        self.assignments = {str(self.notebook.parent): [str(self.notebook)]}


def course_of(course_dir: Path) -> tuple[CourseDirectory, Config]:
    """The nbgrader course in a folder, and its configuration, with the plug-in set up."""
    config = configuration(course_dir)
    if "sanitize_preprocessors" not in config.Autograde:
        configure(config)
    if not isinstance(config.CourseDirectory.get("root"), str):
        config.CourseDirectory.root = str(course_dir.absolute())
    return CourseDirectory(config=config), config


def limited(name: str, config: Config) -> tuple[Unit, dict[str, float]]:
    """The unit with the limits that the course's configuration sets, and these. Raises UnusableLimit."""
    limits = configured(config)
    return with_limits(unit_called(name), limits), limits


def find_submissions(course: CourseDirectory, unit: str) -> list[Submission]:
    """What was submitted for a unit, by student; folders without a notebook included."""
    pattern = course.format_path(course.submitted_directory, "*", unit)
    match = re.compile(
        course.format_path(course.submitted_directory, "(?P<student>.*)", unit, escape=True) + r"\Z",
        re.DOTALL,  # a folder's name may hold anything, line ends too
    )
    excluded = set(filter(None, course.student_id_exclude.split(",")))
    found = []
    for folder in sorted(glob.glob(pattern)):
        student = match.match(folder)["student"]
        if student not in excluded:
            found.append(Submission(student, Path(folder) / f"{unit}.ipynb"))
    return found


def prepare(submission: Submission, grader: str, limits: Limits) -> None:
    """Refuse links, read the file and find its key; what cannot be used gets its sentence."""
    folder, name = submission.path.parent, submission.path.name
    try:
        refuse_links(folder, [name])
        data = read_bytes(submission.path, limits)
    except Unreadable as error:
        others = sorted(path.name for path in folder.glob("*.ipynb") if path.name != name)
        missing = not submission.path.exists() and others
        submission.trouble = f"There is no file {name}, only {', '.join(others)}." if missing else str(error)
    except OSError as error:
        submission.trouble = f"What was handed in could not be opened ({error.strerror})."
    else:
        submission.key = key_of(data, submission.path.suffix, grader)


@dataclass
class _Run:
    """One run over a class."""

    unit: str
    course: CourseDirectory
    config: Config
    isolation: str
    limits: dict[str, float]
    store: Store
    rows: dict[str, Row] = field(default_factory=dict)

    def book(self, submission: Submission, result: Result) -> None:
        """Enter a result into the gradebook; what goes wrong there is told in the row."""
        result.submission = submission.student
        row = self.rows[submission.student] = Row(submission.student, result)
        self.course.assignment_id, self.course.student_id = self.unit, glob.escape(submission.student)
        converter = Booking(coursedir=self.course, config=self.config)
        converter.prepared, converter.notebook, converter.force = result, submission.path, True
        messages = _Messages()
        converter.log.addHandler(messages)
        try:
            with warnings.catch_warnings():
                # nbgrader builds its rows in an order that SQLAlchemy remarks on.
                warnings.simplefilter("ignore", SAWarning)
                converter.start()
        except NbGraderException:
            row.trouble = f"Graded, but not entered in the gradebook: {messages.sentence}"
        finally:
            converter.log.removeHandler(messages)

    def keep(self, key: str, future: Future) -> None:
        """Put a finished result into the store."""
        if future.cancelled() or future.exception() is not None:
            return
        try:
            self.store.put(key, future.result())
        except sqlite3.Error as error:
            get_logger().warning("The result could not be stored (%s); it will be computed again.", error)


def grade_class(
    unit: str,
    course_dir: Path,
    jobs: int | None = None,
    executor: Executor | None = None,
    isolation: str = "bubblewrap",
    progress: bool = True,
) -> list[Row]:
    """Grade all that was submitted for a unit in an nbgrader course; a row per student, by name.

    `jobs` hosts of this machine do the work unless another executor is given. Raises NothingSubmitted.
    """
    course, config = course_of(course_dir)
    which, limits = limited(unit, config)
    name = which.name
    config.Grade.isolation = isolation
    submissions = find_submissions(course, name)
    if not submissions:
        where = course.format_path(course.submitted_directory, "STUDENT", name)
        raise NothingSubmitted(f"Nothing was submitted for {name}: there is no folder {where}.")
    _require_release(course, name)
    grader = fingerprint(which, isolation)
    with Store(Path(course.root) / FILE_NAME) as store, _bar(progress, name, len(submissions)) as advance:
        run = _Run(name, course, config, isolation, limits, store)
        waiting: dict[str, list[Submission]] = {}
        for submission in submissions:
            prepare(submission, grader, which.limits)
            if submission.trouble:
                run.book(
                    submission,
                    Result(name, submission.student, trouble=submission.trouble, isolation=isolation),
                )
                advance()
            else:
                waiting.setdefault(submission.key, []).append(submission)
        with closing(_results(run, waiting, jobs, executor)) as results:
            for key, result in results:
                for submission in waiting[key]:
                    run.book(submission, Result.from_json(result.to_json()))
                    advance()
    _add_lateness(run)
    return [run.rows[student] for student in sorted(run.rows)]


def stored_results(unit: str, course_dir: Path, isolation: str = "bubblewrap") -> list[Result]:
    """What is known of a class without grading anything; Raises NothingSubmitted."""
    course, config = course_of(course_dir)
    which, _ = limited(unit, config)
    name = which.name
    submissions = find_submissions(course, name)
    if not submissions:
        raise NothingSubmitted(f"Nothing was submitted for {name}.")
    grader, results = fingerprint(which, isolation), []
    with Store(Path(course.root) / FILE_NAME) as store:
        for submission in submissions:
            known, trouble = None, "Not graded yet with the checks as they are now."
            try:
                data = read_bytes(submission.path, which.limits)
                known = store.get(key_of(data, submission.path.suffix, grader), submission.student)
            except Unreadable as error:
                trouble = str(error)
            results.append(known or Result(name, submission.student, trouble=trouble, isolation=isolation))
    return results


def _results(
    run: _Run, waiting: dict[str, list[Submission]], jobs: int | None, executor: Executor | None
) -> Iterator[tuple[str, Result]]:
    """(key, result) of every different submission: first what the store knows, then as the hosts answer."""
    unknown = []
    for key, same in waiting.items():
        known = run.store.get(key, same[0].student)
        if known is None:
            unknown.append(key)
        else:
            yield key, known
    if not unknown:
        return
    with _workers(jobs, len(unknown), executor) as (pool, opened):
        futures: dict[Future, str] = {}
        for key in unknown:
            job = Job(waiting[key][0].path.absolute(), waiting[key][0].student)
            more = {"limits": run.limits} if run.limits else {}
            future = pool.submit(grade_job, run.unit, job, run.isolation, opened, **more)
            # At once, in the worker's thread: finished work is kept even if the run ends before it is booked.
            future.add_done_callback(partial(run.keep, key))
            futures[future] = key
        for future in as_completed(futures):
            key = futures[future]
            try:
                result = future.result()
            except Exception as error:  # noqa: BLE001 - a lost worker, a full disk: this submission is not graded
                trouble = f"A fault of the grader, not of this work ({type(error).__name__}: {error})."
                result = Result(run.unit, waiting[key][0].student, trouble=trouble, isolation=run.isolation)
            yield key, result


@contextmanager
def _workers(jobs: int | None, work: int, executor: Executor | None) -> Iterator[tuple[Executor, list[Host] | None]]:
    """The given executor, or threads with a host each, which are ended at the end, whatever ends it."""
    if executor is not None:
        yield executor, None
        return
    opened: list[Host] = []
    threads = ThreadPoolExecutor(max(1, min(jobs or default_jobs(), work)))
    try:
        yield threads, opened
    except BaseException:
        # Interrupted: what has not begun is dropped, and hosts at work are ended, so that their threads end.
        threads.shutdown(wait=False, cancel_futures=True)
        raise
    finally:
        for host in opened:
            host.close()
        threads.shutdown()


def _require_release(course: CourseDirectory, unit: str) -> None:
    """nbgrader needs the unit in its gradebook, which a release makes."""
    with Gradebook(course.db_url, course.course_id) as gradebook:
        try:
            gradebook.find_notebook(unit, unit)
            return
        except MissingEntry:
            pass
    raise NothingSubmitted(f"The gradebook does not know {unit} yet. Run `autograder release {unit}` first.")


def _add_lateness(run: _Run) -> None:
    with Gradebook(run.course.db_url, run.course.course_id) as gradebook:
        for submission in gradebook.assignment_submissions(run.unit):
            row = run.rows.get(submission.student_id)
            if row is not None:
                row.seconds_late = submission.total_seconds_late
                row.late_penalty = submission.late_submission_penalty or 0.0


@contextmanager
def _bar(progress: bool, name: str, total: int) -> Iterator:
    """A function to call after each submission; it moves a bar where there is a terminal."""
    console = Console()
    if not (progress and console.is_terminal):
        yield lambda: None
        return
    columns = (TextColumn(f"grading {name}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(name, total=total)
        yield lambda: bar.advance(task)


def late_words(row: Row) -> str:
    """How late it was and what that costs, or ""."""
    if row.seconds_late <= 0:
        return ""
    hours = row.seconds_late / 3600
    late = f"{hours / 24:.0f} days late" if hours >= 48 else f"{hours:.0f} h late" if hours >= 1 else "late"
    return f"{late}, {row.late_penalty:g} points less" if row.late_penalty else late


def show_class(rows: list[Row], console: Console) -> None:
    """The table of a class: student, score, what happened, mistakes."""
    from autograder.cli import what_happened

    table = Table()
    for heading, justify in (("student", "left"), ("score", "right"), ("what happened", "left")):
        table.add_column(heading, justify=justify, overflow="fold")
    for row in rows:
        score = "not graded" if row.score is None else f"{row.score:g} / {row.max_score:g}"
        if row.result.extra_credit:
            score += f" + {row.result.extra_credit:g}"
        words = [row.trouble, late_words(row), what_happened(row.result)]
        words = [harmless(word) for word in words if word]
        table.add_row(harmless(row.student), score, "; ".join(words))
    console.print(table, markup=False)
