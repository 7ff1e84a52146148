"""Grading all that was submitted for a unit: results on many hosts, then nbgrader's book-keeping.

A result goes into the store as soon as it is there, and submissions are entered into the gradebook some at
a time (autograder.booking) while the hosts go on. So a run that was interrupted goes on where it stopped, and
one submission's trouble is one submission's only.
"""

from __future__ import annotations

import glob
import re
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path

import nbgrader.apps  # noqa: F401 - before nbgrader.converters, which cannot be imported first
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.coursedir import CourseDirectory
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text
from traitlets.config import Config
from traitlets.log import get_logger

from autograder.booking import Books, lateness
from autograder.differences import Difference, difference, gradebook_cells
from autograder.host import Host
from autograder.limits import configuration, configured, with_limits
from autograder.nbgrader_plugin import configure
from autograder.nbgrader_plugin.dropped import dropped_items
from autograder.nbgrader_plugin.hooks import refuse_links
from autograder.patience import patiently
from autograder.pool import Job, default_jobs, grade_job
from autograder.reading import Unreadable, read_bytes
from autograder.results import Result
from autograder.store import FILE_NAME, Known, Store, merged
from autograder.terminal import harmless
from autograder.units import Unit
from autograder.units import unit as unit_called
from autograder.versions import Versions, versions_of
from backpass.report import Item

# Submissions that are handed to the hosts at once: enough for many workers, few enough for any memory.
AT_WORK = 256
# Submissions after which the store is told what was entered into the gradebook.
ENTERED_AT_ONCE = 100


class NothingSubmitted(LookupError):
    """There is nothing to grade; the text says where it was looked for."""


class HandedInAgain(RuntimeError):
    """A file changed between its reading and its grading."""


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
    """A student's notebook for the unit and the hash of its code, or why it is unusable."""

    student: str
    path: Path
    code: str = ""
    trouble: str = ""
    # Tells whether the file was written again since it was read.
    stamp: tuple[int, ...] = ()

    def stamped(self) -> tuple[int, ...]:
        try:
            status = self.path.lstat()
        except OSError:
            return ()
        return status.st_ino, status.st_mtime_ns, status.st_size


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


def prepare(submission: Submission, unit: Unit, versions: Versions, store: Store, changing: bool = True) -> None:
    """Refuse links, read the file and hash its code; what cannot be used gets its sentence.

    changing=False: links are left where they are, and not followed.
    """
    folder, name = submission.path.parent, submission.path.name
    try:
        if changing:
            refuse_links(folder, [name])
        elif folder.is_symlink() or folder.parent.is_symlink():
            raise Unreadable("What was handed in is a link. Links are not followed.")
        submission.stamp = submission.stamped()
        data = read_bytes(submission.path, unit.limits)
        submission.code = store.code_of(data, submission.path, unit, versions)
    except Unreadable as error:
        others = sorted(path.name for path in folder.glob("*.ipynb") if path.name != name)
        missing = not submission.path.exists() and others
        submission.trouble = f"There is no file {name}, only {', '.join(others)}." if missing else str(error)
    except OSError as error:
        submission.trouble = f"What was handed in could not be opened ({error.strerror})."


@dataclass
class _Run:
    """One run over a class."""

    unit: str
    which: Unit
    versions: Versions
    course: CourseDirectory
    config: Config
    isolation: str
    limits: dict[str, float]
    dropped: frozenset[str]
    store: Store
    rows: dict[str, Row] = field(default_factory=dict)
    entered: list[tuple[str, str]] = field(default_factory=list)
    items: dict[tuple, Item] = field(default_factory=dict)
    books: Books | None = None

    def book(self, submission: Submission, result: Result) -> None:
        """Enter a result into the gradebook, with others'; what goes wrong there is told in the row."""
        # Items that say the same are one object: a large class has few different ones.
        items = [self.items.setdefault(tuple(vars(item).values()), item) for item in result.items]
        result = replace(result, submission=submission.student, items=items)
        self.rows[submission.student] = Row(submission.student, result.without(self.dropped))
        self.books.add(submission.student, submission.path, result, partial(self._booked, submission))

    def _booked(self, submission: Submission, trouble: str) -> None:
        self.rows[submission.student].trouble = trouble
        self.was_entered(submission)

    def unusable(self, submission: Submission) -> Result:
        return Result(self.unit, submission.student, trouble=submission.trouble, isolation=self.isolation)

    def was_entered(self, submission: Submission) -> None:
        """Remember whence the gradebook's scores come, some submissions at a time."""
        if submission.code and not self.rows[submission.student].trouble:
            self.entered.append((submission.student, submission.code))
        if len(self.entered) >= ENTERED_AT_ONCE:
            self.remember_entered()

    def remember_entered(self) -> None:
        entered, self.entered = self.entered, []
        try:
            self.store.enter(self.unit, self.versions, entered)
        except sqlite3.Error as error:
            get_logger().warning("What was entered could not be noted (%s).", error)

    def known(self, code: str, student: str) -> Known:
        return self.store.get(code, self.versions, self.which, student, self.isolation)

    def graded(
        self, pool: Executor, opened: list[Host] | None, code: str, submission: Submission, missing: tuple[str, ...]
    ) -> Future:
        """The result of these exercises, once it is kept in the store: finished work outlives the run."""
        job = Job(submission.path.absolute(), submission.student, missing)
        more = {"limits": self.limits} if self.limits else {}
        future, kept = pool.submit(grade_job, self.unit, job, self.isolation, opened, **more), Future()

        def keep(done: Future) -> None:
            try:
                result = done.result()
                if submission.stamped() != submission.stamp:
                    raise HandedInAgain("it was handed in again while it was graded; grade once more")
                put = self.store.put_soon(code, self.versions, result, missing)
            except BaseException as error:  # noqa: BLE001 - told to who waits
                kept.set_exception(error)
            else:
                put.add_done_callback(lambda put: self._was_kept(put, kept, result))

        future.add_done_callback(keep)
        return kept

    def _was_kept(self, put: Future, kept: Future, result: Result) -> None:
        if put.exception() is not None:
            get_logger().warning("The result could not be stored (%s); it will be computed again.", put.exception())
        kept.set_result(result)


@patiently()
def grade_class(
    unit: str,
    course_dir: Path,
    jobs: int | None = None,
    executor: Executor | None = None,
    isolation: str = "bubblewrap",
    progress: bool = True,
) -> list[Row]:
    """Grade all that was submitted for a unit in an nbgrader course; a row per student, by name.

    `jobs` hosts of this machine do the work unless another executor is given. Raises NothingSubmitted, or InUse.
    """
    with _run_over(unit, course_dir, isolation, progress) as (run, submissions, advance):
        with Books(run.course, run.config, run.unit) as run.books:
            waiting: dict[str, list[Submission]] = {}
            for submission in submissions:
                prepare(submission, run.which, run.versions, run.store)
                if submission.trouble:
                    run.book(submission, run.unusable(submission))
                    advance()
                else:
                    waiting.setdefault(submission.code, []).append(submission)
            with closing(_results(run, waiting, jobs, executor)) as results:
                for code, result in results:
                    for submission in waiting[code]:
                        run.book(submission, result)
                        advance()
        run.remember_entered()
    for student, (seconds, less) in lateness(run.course, run.unit).items():
        if student in run.rows:
            run.rows[student].seconds_late, run.rows[student].late_penalty = seconds, less
    return [run.rows[student] for student in sorted(run.rows)]


@patiently()
def class_differences(
    unit: str,
    course_dir: Path,
    jobs: int | None = None,
    executor: Executor | None = None,
    isolation: str = "bubblewrap",
    progress: bool = True,
) -> tuple[list[Difference], int]:
    """Whose scores `grade_class` would change, by student, and how many handed in. Nothing is written."""
    with _run_over(unit, course_dir, isolation, progress, writing=False) as (run, submissions, advance):
        found: dict[str, Difference | None] = {}
        cells = gradebook_cells(run.course.db_url, run.course.course_id, run.unit)

        def compare(submission: Submission, result: Result) -> None:
            which = (run.which, submission.student, cells.get(submission.student, {}))
            told = (result.without(run.dropped), submission.code, run.versions, run.store, run.dropped)
            found[submission.student] = difference(*which, *told)
            advance()

        waiting: dict[str, list[Submission]] = {}
        for submission in submissions:
            prepare(submission, run.which, run.versions, run.store, changing=False)
            if submission.trouble:
                compare(submission, run.unusable(submission))
            else:
                waiting.setdefault(submission.code, []).append(submission)
        with closing(_results(run, waiting, jobs, executor)) as results:
            for code, result in results:
                for submission in waiting[code]:
                    compare(submission, result)
    return [found[student] for student in sorted(found) if found[student] is not None], len(submissions)


@contextmanager
def _run_over(
    unit: str, course_dir: Path, isolation: str, progress: bool, writing: bool = True
) -> Iterator[tuple[_Run, list[Submission], Callable[[], None]]]:
    """A run over all that was submitted for a unit, and a function to call after each. Raises NothingSubmitted."""
    course, config = course_of(course_dir)
    which, limits = limited(unit, config)
    name = which.name
    config.Grade.isolation = isolation
    submissions = find_submissions(course, name)
    if not submissions:
        where = course.format_path(course.submitted_directory, "STUDENT", name)
        raise NothingSubmitted(f"Nothing was submitted for {name}: there is no folder {where}.")
    _require_release(course, name)
    versions = versions_of(which, isolation)
    path = Path(course.root) / FILE_NAME
    with Store(path, writing) as store, _bar(progress, name, len(submissions)) as advance:
        dropped = dropped_items(config, name)
        yield _Run(name, which, versions, course, config, isolation, limits, dropped, store), submissions, advance


def stored_results(unit: str, course_dir: Path, isolation: str = "bubblewrap") -> list[Result]:
    """What is known of a class without grading anything; Raises NothingSubmitted."""
    course, config = course_of(course_dir)
    which, _ = limited(unit, config)
    name = which.name
    submissions = find_submissions(course, name)
    if not submissions:
        raise NothingSubmitted(f"Nothing was submitted for {name}.")
    versions, dropped, results = versions_of(which, isolation), dropped_items(config, name), []
    with Store(Path(course.root) / FILE_NAME, writing=False) as store:
        for submission in submissions:
            prepare(submission, which, versions, store, changing=False)
            trouble = submission.trouble
            if not trouble:
                known = store.get(submission.code, versions, which, submission.student, isolation)
                seconds, noted = store.noted(name, submission.code, versions)
                trouble = (noted or "Not graded yet with the checks as they are now.") if known.missing else ""
            if trouble:
                results.append(Result(name, submission.student, trouble=trouble, isolation=isolation))
            else:
                results.append(replace(known.result.without(dropped), processor_seconds=seconds))
    return results


def waiting_for_a_person(course: CourseDirectory, unit: str) -> int:
    """How many submissions the gradebook holds that have something to grade by hand; 0 without a gradebook."""
    path = course.db_url.removeprefix("sqlite:///")
    # Opening a gradebook that is not there would make one.
    if path != course.db_url and not Path(path).exists():
        return 0
    with Gradebook(course.db_url, course.course_id) as gradebook, suppress(MissingEntry):
        return sum(one.needs_manual_grade for one in gradebook.assignment_submissions(unit))
    return 0


def _results(
    run: _Run, waiting: dict[str, list[Submission]], jobs: int | None, executor: Executor | None
) -> Iterator[tuple[str, Result]]:
    """(code, result) of every different submission: first what the store knows, then as the hosts answer."""
    unknown: dict[str, tuple[str, ...]] = {}
    for code, same in waiting.items():
        known = run.known(code, same[0].student)
        if known.missing:
            unknown[code] = known.missing
        else:
            yield code, known.result
    if not unknown:
        return
    to_do, at_work = iter(unknown.items()), {}
    with _workers(jobs, len(unknown), executor) as (pool, opened):
        while True:
            for code, missing in islice(to_do, AT_WORK - len(at_work)):
                at_work[run.graded(pool, opened, code, waiting[code][0], missing)] = code
            if not at_work:
                return
            for future in wait(at_work, return_when=FIRST_COMPLETED).done:
                code = at_work.pop(future)
                student = waiting[code][0].student
                try:
                    result = merged(run.which, run.known(code, student), future.result())
                except Exception as error:  # noqa: BLE001 - a lost worker, a full disk: this submission is not graded
                    trouble = f"A fault of the grader, not of this work ({type(error).__name__}: {error})."
                    result = Result(run.unit, student, trouble=trouble, isolation=run.isolation)
                    run.store.put_soon(code, run.versions, result, ())  # for a report to tell
                yield code, result


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
    path = course.db_url.removeprefix("sqlite:///")
    # Opening a gradebook that is not there would make one.
    if path == course.db_url or Path(path).exists():
        with Gradebook(course.db_url, course.course_id) as gradebook, suppress(MissingEntry):
            gradebook.find_notebook(unit, unit)
            return
    raise NothingSubmitted(f"The gradebook does not know {unit} yet. Run `autograder release {unit}` first.")


class _Rate(ProgressColumn):
    """Submissions a minute."""

    def render(self, task: Task) -> Text:
        return Text(f"{60 * task.speed:.0f} a minute" if task.speed else "")


@contextmanager
def _bar(progress: bool, name: str, total: int) -> Iterator:
    """A function to call after each submission; it moves a bar where there is a terminal."""
    console = Console()
    if not (progress and console.is_terminal):
        yield lambda: None
        return
    left = (_Rate(), TimeRemainingColumn(), TextColumn("left"))
    columns = (TextColumn(f"grading {name}"), BarColumn(), MofNCompleteColumn(), *left)
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
