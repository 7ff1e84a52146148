"""Enters a result into nbgrader's gradebook: one transaction for a submission.

What is entered is decided by `Entry`; `autograder.booking` writes the same for many submissions at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from logging import Logger, LoggerAdapter

from nbformat import NotebookNode
from nbgrader.api import Comment, Gradebook
from nbgrader.api import Grade as GradeRow
from nbgrader.preprocessors import SaveAutoGrades
from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_solution, is_task
from sqlalchemy import text

from autograder.nbgrader_plugin.dropped import UnknownItem, bring_back, drop, dropped_items
from autograder.nbgrader_plugin.grade import RESULT
from autograder.results import Result
from autograder.units import UNITS

# What we gave last, in the gradebook itself, so that it is always of the same transaction as the grade.
REMEMBER = """
    CREATE TABLE IF NOT EXISTS backpass_extra_credit (
        grade_id VARCHAR(32) NOT NULL PRIMARY KEY, extra_credit FLOAT
    )
"""
# Extra credit that was set by hand: what the bonus earned is not entered.
BY_HAND = object()


class OutOfStep(RuntimeError):
    """The gradebook knows other cells than the source notebook has."""

    def __init__(self, name: str):
        super().__init__(f"The gradebook has no cell {name!r}: release the unit again with `autograder release`.")


@dataclass(frozen=True)
class Entry:
    """What a graded cell's row becomes. `bonus`: it counts 0 points, and `earned` becomes extra credit."""

    name: str
    auto_score: float | None
    bonus: bool = False
    earned: float | None = None

    @classmethod
    def of(cls, cell: NotebookNode, result: Result, log: Logger | LoggerAdapter) -> Entry:
        name = cell.metadata.nbgrader.grade_id
        if is_solution(cell):
            # An answer that a person reads. Unanswered it is 0, unless the whole file could not be read.
            return cls(name, None if result.trouble else determine_grade(cell, log)[0])
        earned = result.exercise_score(name)
        if earned is None:
            return cls(name, None)
        if any(exercise.name == name and exercise.bonus for exercise in UNITS[result.unit].exercises):
            return cls(name, 0.0, True, earned or None)
        points, maximum = float(cell.metadata.nbgrader.points), sum(item.max_points for item in result.of(name))
        if maximum == points:
            return cls(name, float(earned))
        log.warning("%s counts %g points in the notebook and %g in its checks: scaled.", name, points, maximum)
        return cls(name, float(earned) * points / maximum if maximum else 0.0)

    def waits(self, manual_score: float | None) -> bool:
        """Whether a person has to look at it."""
        return manual_score is not None or self.auto_score is None

    def extra_credit(self, now: float | None, last: float | None, log: Logger | LoggerAdapter) -> object:
        """What the extra credit becomes: what was earned, if what stands there is what we set `last`."""
        if now not in (last, self.earned):
            log.warning("The extra credit of %s was set by hand and is kept.", self.name)
            return BY_HAND
        return self.earned


def auto_comment(cell: NotebookNode, result: Result) -> str | None:
    untouched = cell.metadata.nbgrader.get("checksum") == compute_checksum(cell)
    return "No response." if untouched and not is_task(cell) and not result.trouble else None


class Save(SaveAutoGrades):
    """Scores from the result, exercise by exercise; nbgrader's own way for other assignments.

    What was not graded has no score and waits for a person. A bonus exercise counts 0 points, and what it
    earns becomes extra credit, unless someone has set that by hand.
    """

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        result: Result | None = resources.get(RESULT)
        if result is None:
            return super().preprocess(nb, resources)
        which = resources["nbgrader"]
        with Gradebook(which["db_url"]) as gradebook:
            dropped = dropped_items(self.config, which["assignment"])
            bring_back(gradebook.db, which["assignment"], dropped)
            rows = gradebook.find_submission_notebook(which["notebook"], which["assignment"], which["student"])
            grades = {grade.name: grade for grade in rows.grades}
            comments = {comment.name: comment for comment in rows.comments}
            gradebook.db.execute(text(REMEMBER))
            for cell in nb.cells:
                if is_grade(cell):
                    self._enter(gradebook, self._row(grades, cell), cell, result)
                if is_solution(cell) or is_task(cell):
                    self._row(comments, cell).auto_comment = auto_comment(cell, result)
            gradebook.db.flush()
            try:
                drop(gradebook.db, which["assignment"], dropped)
            except UnknownItem as error:
                self.log.error("%s Nothing was dropped.", error)
            gradebook.db.commit()
        return nb, resources

    def _row(self, rows: dict, cell: NotebookNode) -> GradeRow | Comment:
        name = cell.metadata.nbgrader.grade_id
        if name not in rows:
            raise OutOfStep(name)
        return rows[name]

    def _enter(self, gradebook: Gradebook, grade: GradeRow, cell: NotebookNode, result: Result) -> None:
        entry = Entry.of(cell, result, self.log)
        grade.auto_score = entry.auto_score
        grade.needs_manual_grade = entry.waits(grade.manual_score)
        if entry.bonus:
            self._give_extra_credit(gradebook, grade, entry)

    def _give_extra_credit(self, gradebook: Gradebook, grade: GradeRow, entry: Entry) -> None:
        key = {"id": grade.id}
        known = text("SELECT extra_credit FROM backpass_extra_credit WHERE grade_id = :id")
        becomes = entry.extra_credit(grade.extra_credit, gradebook.db.execute(known, key).scalar(), self.log)
        if becomes is BY_HAND:
            return
        grade.extra_credit = becomes
        gradebook.db.execute(text("DELETE FROM backpass_extra_credit WHERE grade_id = :id"), key)
        gradebook.db.execute(
            text("INSERT INTO backpass_extra_credit (grade_id, extra_credit) VALUES (:id, :earned)"),
            key | {"earned": becomes},
        )
