"""Enters results into the course: autograded notebooks, and the rows of nbgrader's gradebook.

`Books` writes what nbgrader's converter would write, file by file and row by row, but for many submissions in one
transaction and without looking for anything twice: the converter takes 0.15 s a submission, one after another, and
its queries go through all grades of the course. A course whose configuration asks the converter for more than ours
does gets nbgrader's converter (`Booking`), and so does a submission that cannot be entered with the others.
"""

from __future__ import annotations

import glob
import logging
import os
import shutil
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import nbgrader.apps  # noqa: F401 - before nbgrader.converters, which cannot be imported first
from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbformat import NotebookNode
from nbgrader.api import (
    Comment,
    Grade,
    Gradebook,
    MissingEntry,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import find_all_files, is_grade, is_solution, is_task, parse_utc, rmtree
from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.exc import OperationalError, SAWarning
from traitlets.config import Config

from autograder.nbgrader_plugin import configure
from autograder.nbgrader_plugin.dropped import bring_back, drop, dropped_items
from autograder.nbgrader_plugin.grade import RESULT
from autograder.nbgrader_plugin.hooks import before_autograde, refuse_links
from autograder.nbgrader_plugin.reading import SubmissionExporter
from autograder.nbgrader_plugin.save import BY_HAND, REMEMBER, Entry, OutOfStep, Save, auto_comment
from autograder.notebook_text import notebook_text
from autograder.patience import in_use
from autograder.results import Result
from autograder.whole_files import sync_all, write_whole

# Submissions entered in one transaction: enough that its commit costs nothing, few enough to be over soon.
AT_ONCE = 50
# A query names at most so many things: SQLite bounds it.
_IN_ONE_QUERY = 500
# Sections of a configuration that change how notebooks are written: nbgrader's own converter knows all of them.
_WRITING = ("FilesWriter", "WriterBase", "NotebookExporter", "TemplateExporter", "SubmissionExporter")


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


# Called when it is decided whether a submission was entered: with what went wrong, or "".
Done = Callable[[str], None]


@dataclass
class _Written:
    """A submission whose files are written: what its rows become."""

    student: str
    path: Path
    result: Result
    done: Done
    timestamp: datetime | None = None
    entries: list[Entry] = field(default_factory=list)
    comments: dict[str, str | None] = field(default_factory=dict)


class Books:
    """The books of one unit's class."""

    def __init__(self, course: CourseDirectory, config: Config, unit: str):
        self.course, self.config, self.unit = course, config, unit
        self._waiting: list[_Written] = []
        self._converter = Booking(coursedir=course, config=config)
        self._gradebook = Gradebook(course.db_url, course.course_id)
        self._dropped = dropped_items(config, unit)
        bring_back(self._gradebook.db, unit, self._dropped)
        self._gradebook.db.commit()
        self._direct = self._is_ours()
        if self._direct:
            self._prepare()

    def __enter__(self) -> Books:
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self._gradebook.close()

    def add(self, student: str, path: Path, result: Result, done: Done) -> None:
        """Write a submission's files now, and its rows with others'."""
        if not self._direct:
            done(self._convert(student, path, result))
            return
        try:
            written = self._write(student, path, result, done)
        except Exception:  # noqa: BLE001 - the converter meets the same trouble, and tells it
            done(self._convert(student, path, result))
            return
        self._waiting.append(written)
        if len(self._waiting) >= AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Enter all rows that are waiting."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            # Rows stand for files: these are on the disk first.
            sync_all(Path(self.course.root))
            with self._transaction():
                self._enter(waiting)
        except Exception as error:
            if in_use(str(error)):
                raise  # for all of them, and for those after them
            for one in waiting:
                one.done(self._convert(one.student, one.path, one.result))
        else:
            for one in waiting:
                one.done("")

    # By nbgrader's converter

    def _convert(self, student: str, path: Path, result: Result) -> str:
        """Let nbgrader's converter do it; returns what went wrong, or ""."""
        told = self._convert_once(student, path, result)
        # Another grader made the same row between the converter's look and its insert: now it is there.
        return self._convert_once(student, path, result) if "UNIQUE constraint failed" in told else told

    def _convert_once(self, student: str, path: Path, result: Result) -> str:
        self.course.assignment_id, self.course.student_id = self.unit, glob.escape(student)
        converter = Booking(coursedir=self.course, config=self.config)
        converter.prepared, converter.notebook, converter.force = result, path, True
        messages = _Messages()
        converter.log.addHandler(messages)
        try:
            with warnings.catch_warnings():
                # nbgrader builds its rows in an order that SQLAlchemy remarks on.
                warnings.simplefilter("ignore", SAWarning)
                converter.start()
        except NbGraderException as error:
            if in_use(messages.sentence):
                raise OperationalError(messages.sentence, None, error) from error
            return f"Graded, but not entered in the gradebook: {messages.sentence}"
        finally:
            converter.log.removeHandler(messages)
        return ""

    # Files

    def _is_ours(self) -> bool:
        """Whether the converter is configured as our plug-in does it, so that we know all it would do."""
        ours, converter = Config(), self._converter
        configure(ours)
        try:
            names = [n.name for n in self._gradebook.find_assignment(self.unit).notebooks]
        except MissingEntry:
            names = []
        return (
            names == [self.unit]
            and [converter.sanitize_preprocessors, converter.autograde_preprocessors]
            == [ours.Autograde.sanitize_preprocessors, ours.Autograde.autograde_preprocessors]
            and converter.pre_convert_hook is before_autograde
            and converter.post_convert_hook is None
            and converter.create_student
            and converter.exporter_class is SubmissionExporter
            and self.course.notebook_id == "*"
            and not any(self.config.get(section) for section in _WRITING)
        )

    def _prepare(self) -> None:
        """What is the same for all submissions, looked up once."""
        converter = self._converter
        converter.exporter = converter.exporter_class(parent=converter, config=self.config)
        self._sanitize, self._autograde = [], []
        for sanitizing, steps in ((True, self._sanitize), (False, self._autograde)):
            converter._sanitizing = sanitizing
            converter._init_preprocessors()
            steps += converter.exporter._preprocessors
        converter._sanitizing = True
        self._late = next(step for step in self._autograde if isinstance(step, AssignLatePenalties))
        self._save = next(step for step in self._autograde if isinstance(step, Save))
        # Without its metadata no cell is known to be graded, and nbgrader enters nothing.
        clears = any(isinstance(step, ClearMetadataPreprocessor) and step.enabled for step in self._autograde)
        self._direct = self._late.enabled and self._save.enabled and not clears
        # These two enter rows: here that is done for many submissions together.
        self._autograde = [step for step in self._autograde if step not in (self._late, self._save)]
        source = self.course.format_path(self.course.source_directory, ".", self.unit)
        excluded = {os.path.join(source, name) for name in converter.exclude_overwriting.get(self.unit, [])}
        found = set(find_all_files(source, [*self.course.ignore, "*.ipynb"])) - excluded
        self._source_files = [(name, os.path.relpath(name, source)) for name in sorted(found)]
        notebook = self._gradebook.find_notebook(self.unit, self.unit)
        self._assignment_id, self._notebook_id = notebook.assignment_id, notebook.id
        tasks = {cell.name: cell.id for cell in notebook.task_cells}
        self._grade_cells = {cell.name: cell.id for cell in notebook.grade_cells} | tasks
        self._comment_cells = {cell.name: cell.id for cell in notebook.solution_cells} | tasks
        self._duedate = notebook.assignment.duedate
        self._gradebook.db.rollback()  # nothing was written: this ends the reading

    def _write(self, student: str, path: Path, result: Result, done: Done) -> _Written:
        """Everything that nbgrader's converter does for one submission, without its rows."""
        converter = self._converter
        converter.prepared, converter.notebooks = result, [str(path)]
        source, place = path.parent, os.path.normpath(converter._format_dest(self.unit, student))
        if os.path.exists(place):
            rmtree(place)
        refuse_links(source, [path.name])
        os.makedirs(place)
        for name in find_all_files(str(source), [*self.course.ignore, "*.ipynb"]):
            _copy(name, os.path.join(place, os.path.relpath(name, source)))
        timestamp = self.course.get_existing_timestamp(str(source))
        for name, relative in self._source_files:
            _copy(name, os.path.join(place, relative))
        notebook, resources = self._notebook(student, path)
        written = _Written(student, path, resources[RESULT], done, parse_utc(timestamp))
        for cell in notebook.cells:
            if is_grade(cell):
                written.entries.append(Entry.of(cell, result, self._save.log))
            if is_solution(cell) or is_task(cell):
                written.comments[cell.metadata.nbgrader.grade_id] = auto_comment(cell, result)
        write_whole(Path(place, path.name), notebook_text(notebook), sync=False)
        converter.set_permissions(self.unit, student)
        return written

    def _notebook(self, student: str, path: Path) -> tuple[NotebookNode, dict]:
        """The autograded notebook."""
        which = {"student": student, "assignment": self.unit, "notebook": self.unit, "db_url": self.course.db_url}
        resources: dict = {"nbgrader": which, "unique_key": self.unit}
        notebook = self._converter.exporter.read_submitted(path, resources)
        for step in (*self._sanitize, *self._autograde):
            notebook, resources = step(notebook, resources)
        return notebook, resources

    # Rows

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        database = self._gradebook.db
        try:
            if self._gradebook.engine.dialect.name == "sqlite":
                # At once with the right to write: two that read first and wait for each other then would not end.
                database.execute(text("BEGIN IMMEDIATE"))
            yield
            database.commit()
        except BaseException:
            database.rollback()
            raise

    def _enter(self, batch: list[_Written]) -> None:
        self._add_students(batch)
        submissions = self._add_submissions(batch)
        notebooks = self._add_rows(
            SubmittedNotebook, "assignment_id", submissions.values(), notebook_id=self._notebook_id
        )
        ids = {one.student: notebooks[submissions[one.student]] for one in batch}
        self._add_cells(Grade, self._grade_cells, ids.values())
        self._add_cells(Comment, self._comment_cells, ids.values())
        self._enter_grades(batch, ids)
        self._enter_comments(batch, ids)
        drop(self._gradebook.db, self.unit, self._dropped)
        self._enter_penalties(batch, ids, submissions)

    def _add_students(self, batch: list[_Written]) -> None:
        wanted = [one.student for one in batch]
        known = {row.id for row in self._rows(Student, ("id",), "id", wanted)}
        self._insert(Student, [{"id": student} for student in wanted if student not in known])

    def _add_submissions(self, batch: list[_Written]) -> dict[str, str]:
        """Student -> id of the submission."""
        students = [one.student for one in batch]
        at_once = {"assignment_id": self._assignment_id}
        ids = self._add_rows(SubmittedAssignment, "student_id", students, **at_once)
        stamps = [{"row": ids[one.student], "value": one.timestamp} for one in batch if one.timestamp]
        self._update(SubmittedAssignment, "timestamp", stamps)
        return ids

    def _add_rows(self, table: Any, column: str, values: Iterable[str], **same: str) -> dict[str, str]:
        """Value of the column -> id of its row; rows that are not there are made."""
        values = list(values)
        conditions = [getattr(table, name) == value for name, value in same.items()]

        def known() -> dict[str, str]:
            return {
                getattr(row, column): row.id for row in self._rows(table, ("id", column), column, values, *conditions)
            }

        there = known()
        missing = [{column: value, **same} for value in values if value not in there]
        if missing:
            self._insert(table, missing)
            there = known()
        return there

    def _add_cells(self, table: type[Grade] | type[Comment], cells: dict[str, str], notebooks: Iterable[str]) -> None:
        """Rows of a notebook's cells, for notebooks that have none: a new submission mirrors the assignment."""
        notebooks = list(notebooks)
        there = {row.notebook_id for row in self._cell_rows(table, ("notebook_id",), cells, notebooks)}
        new = [name for name in notebooks if name not in there]
        self._insert(table, [{"cell_id": cell, "notebook_id": name} for name in new for cell in cells.values()])

    def _enter_grades(self, batch: list[_Written], ids: dict[str, str]) -> None:
        columns = ("id", "cell_id", "notebook_id", "manual_score", "extra_credit")
        rows = {(r.notebook_id, r.cell_id): r for r in self._cell_rows(Grade, columns, self._grade_cells, ids.values())}
        self._gradebook.db.execute(text(REMEMBER))
        grades, credits = [], []
        for one in batch:
            for entry in one.entries:
                row = rows.get((ids[one.student], self._grade_cells.get(entry.name)))
                if row is None:
                    raise OutOfStep(entry.name)
                values = {"auto_score": entry.auto_score, "needs_manual_grade": entry.waits(row.manual_score)}
                grades.append({"row": row.id, **values})
                if entry.bonus:
                    credits.append((row, entry))
        statement = update(Grade.__table__).where(Grade.__table__.c.id == bindparam("row"))
        self._many(
            statement.values(auto_score=bindparam("auto_score"), needs_manual_grade=bindparam("needs_manual_grade")),
            grades,
        )
        self._enter_extra_credit(credits)

    def _enter_extra_credit(self, credits: list[tuple[Any, Entry]]) -> None:
        database, last = self._gradebook.db, {}
        for some in _parts([row.id for row, _ in credits]):
            marks = {f"id{number}": name for number, name in enumerate(some)}
            query = f"SELECT grade_id, extra_credit FROM backpass_extra_credit WHERE grade_id IN (:{', :'.join(marks)})"
            last |= dict(database.execute(text(query), marks).all())
        becomes = [
            {"row": row.id, "value": value}
            for row, entry in credits
            if (value := entry.extra_credit(row.extra_credit, last.get(row.id), self._save.log)) is not BY_HAND
        ]
        self._update(Grade, "extra_credit", becomes)
        self._many(text("DELETE FROM backpass_extra_credit WHERE grade_id = :row"), becomes)
        self._many(text("INSERT INTO backpass_extra_credit (grade_id, extra_credit) VALUES (:row, :value)"), becomes)

    def _enter_comments(self, batch: list[_Written], ids: dict[str, str]) -> None:
        columns = ("id", "cell_id", "notebook_id")
        rows = self._cell_rows(Comment, columns, self._comment_cells, ids.values())
        found = {(row.notebook_id, row.cell_id): row.id for row in rows}
        comments = []
        for one in batch:
            for name, comment in one.comments.items():
                row = found.get((ids[one.student], self._comment_cells.get(name)))
                if row is None:
                    raise OutOfStep(name)
                comments.append({"row": row, "value": comment})
        self._update(Comment, "auto_comment", comments)

    def _enter_penalties(self, batch: list[_Written], ids: dict[str, str], submissions: dict[str, str]) -> None:
        """Late penalties, decided by the course's plug-in as AssignLatePenalties does it."""
        rows = self._rows(SubmittedAssignment, ("id", "timestamp", "extension"), "id", submissions.values())
        late = {row.id: seconds_late(row.timestamp, self._duedate, row.extension) for row in rows}
        self._late.init_plugin()
        penalties = []
        for one in batch:
            notebook, seconds, penalty = ids[one.student], late[submissions[one.student]], None
            if seconds > 0:
                score = self._score(notebook)
                penalty = self._late.plugin_inst.late_submission_penalty(one.student, score, seconds)
                if penalty is not None:
                    penalty = min(max(penalty, 0), score)
            penalties.append({"row": notebook, "value": penalty})
        self._update(SubmittedNotebook, "late_submission_penalty", penalties)

    def _score(self, notebook: str) -> float:
        # By the cells, too: an index begins with them, and without it all grades of the course are looked at.
        cells = Grade.cell_id.in_(self._grade_cells.values())
        query = select(func.coalesce(func.sum(Grade.score), 0.0)).where(cells, Grade.notebook_id == notebook)
        return self._gradebook.db.execute(query).scalar()

    def _cell_rows(self, table: Any, columns: tuple[str, ...], cells: dict[str, str], notebooks: Iterable[str]) -> list:
        return self._rows(table, columns, "notebook_id", notebooks, table.cell_id.in_(cells.values()))

    def _rows(self, table: Any, columns: tuple[str, ...], column: str, values: Iterable[str], *conditions: Any) -> list:
        """Rows of a table where a column has one of these values."""
        query, found = select(*(getattr(table, name) for name in columns)).where(*conditions), []
        for some in _parts(list(values)):
            found += self._gradebook.db.execute(query.where(getattr(table, column).in_(some))).all()
        return found

    def _insert(self, table: Any, rows: list[dict]) -> None:
        self._many(insert(table.__table__), rows)

    def _update(self, table: Any, column: str, rows: list[dict]) -> None:
        """Set a column of rows: {"row": id, "value": what it becomes} each."""
        columns = table.__table__.c
        self._many(
            update(table.__table__).where(columns.id == bindparam("row")).values({column: bindparam("value")}), rows
        )

    def _many(self, statement: Any, rows: list[dict]) -> None:
        if rows:
            self._gradebook.db.connection().execute(statement, rows)


def seconds_late(timestamp: datetime | None, duedate: datetime | None, extension: Any) -> float:
    """As nbgrader counts it."""
    if timestamp is None or duedate is None:
        return 0
    return max(0, (timestamp - duedate - (extension or type(timestamp - duedate)(0))).total_seconds())


def lateness(course: CourseDirectory, unit: str) -> dict[str, tuple[float, float]]:
    """Student -> (seconds late, points less) of all that was submitted for a unit."""
    found: dict[str, tuple[float, float]] = {}
    with Gradebook(course.db_url, course.course_id) as gradebook:
        assignment = gradebook.find_assignment(unit)
        columns = (SubmittedAssignment.student_id, SubmittedAssignment.timestamp, SubmittedAssignment.extension)
        query = select(*columns, SubmittedNotebook.late_submission_penalty).where(
            SubmittedAssignment.assignment_id == assignment.id,
            SubmittedNotebook.assignment_id == SubmittedAssignment.id,
        )
        for student, timestamp, extension, penalty in gradebook.db.execute(query):
            less = found.get(student, (0.0, 0.0))[1] + (penalty or 0.0)
            found[student] = (seconds_late(timestamp, assignment.duedate, extension), less)
    return found


def _parts(values: list) -> Iterator[list]:
    for start in range(0, len(values), _IN_ONE_QUERY):
        yield values[start : start + _IN_ONE_QUERY]


def _copy(name: str, place: str) -> None:
    """As nbgrader copies: what stands there makes way."""
    os.makedirs(os.path.dirname(place), exist_ok=True)
    if os.path.exists(place):
        os.remove(place)
    shutil.copy(name, place)
