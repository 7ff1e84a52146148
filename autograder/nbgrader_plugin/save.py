"""Enters a result into nbgrader's gradebook: one transaction for a submission."""

from __future__ import annotations

from nbformat import NotebookNode
from nbgrader.api import Comment, Gradebook
from nbgrader.api import Grade as GradeRow
from nbgrader.preprocessors import SaveAutoGrades
from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_solution, is_task
from sqlalchemy import text

from autograder.nbgrader_plugin.grade import RESULT
from autograder.results import Result
from autograder.units import UNITS

# What we gave last, in the gradebook itself, so that it is always of the same transaction as the grade.
_REMEMBER = """
    CREATE TABLE IF NOT EXISTS backpass_extra_credit (
        grade_id VARCHAR(32) NOT NULL PRIMARY KEY, extra_credit FLOAT
    )
"""


class OutOfStep(RuntimeError):
    """The gradebook knows other cells than the source notebook has."""


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
            rows = gradebook.find_submission_notebook(which["notebook"], which["assignment"], which["student"])
            grades = {grade.name: grade for grade in rows.grades}
            comments = {comment.name: comment for comment in rows.comments}
            gradebook.db.execute(text(_REMEMBER))
            for cell in nb.cells:
                if is_grade(cell):
                    self._enter(gradebook, self._row(grades, cell), cell, result)
                if is_solution(cell) or is_task(cell):
                    _comment(self._row(comments, cell), cell, result)
            gradebook.db.commit()
        return nb, resources

    def _row(self, rows: dict, cell: NotebookNode) -> GradeRow | Comment:
        name = cell.metadata.nbgrader.grade_id
        if name not in rows:
            raise OutOfStep(f"The gradebook has no cell {name!r}: release the unit again with `autograder release`.")
        return rows[name]

    def _enter(self, gradebook: Gradebook, grade: GradeRow, cell: NotebookNode, result: Result) -> None:
        if is_solution(cell):
            # An answer that a person reads. Unanswered it is 0, unless the whole file could not be read.
            grade.auto_score = None if result.trouble else determine_grade(cell, self.log)[0]
        else:
            grade.auto_score = self._score(cell, result)
            if grade.auto_score is not None and _is_bonus(cell, result):
                self._give_extra_credit(gradebook, grade, result)
        grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None

    def _score(self, cell: NotebookNode, result: Result) -> float | None:
        name, points = cell.metadata.nbgrader.grade_id, float(cell.metadata.nbgrader.points)
        earned = result.exercise_score(name)
        if earned is None:
            return None
        if _is_bonus(cell, result):
            return 0.0
        maximum = sum(item.max_points for item in result.of(name))
        if maximum == points:
            return float(earned)
        self.log.warning("%s counts %g points in the notebook and %g in its checks: scaled.", name, points, maximum)
        return float(earned) * points / maximum if maximum else 0.0

    def _give_extra_credit(self, gradebook: Gradebook, grade: GradeRow, result: Result) -> None:
        """Set what the bonus earned, if what stands there is what we set last (nothing, the first time)."""
        earned = result.exercise_score(grade.name) or None
        key = {"id": grade.id}
        known = text("SELECT extra_credit FROM backpass_extra_credit WHERE grade_id = :id")
        last = gradebook.db.execute(known, key).scalar()
        if grade.extra_credit not in (last, earned):
            self.log.warning("The extra credit of %s was set by hand and is kept.", grade.name)
            return
        grade.extra_credit = earned
        gradebook.db.execute(text("DELETE FROM backpass_extra_credit WHERE grade_id = :id"), key)
        gradebook.db.execute(
            text("INSERT INTO backpass_extra_credit (grade_id, extra_credit) VALUES (:id, :earned)"),
            key | {"earned": earned},
        )


def _is_bonus(cell: NotebookNode, result: Result) -> bool:
    name = cell.metadata.nbgrader.grade_id
    return any(exercise.name == name and exercise.bonus for exercise in UNITS[result.unit].exercises)


def _comment(comment: Comment, cell: NotebookNode, result: Result) -> None:
    untouched = cell.metadata.nbgrader.get("checksum") == compute_checksum(cell)
    comment.auto_comment = "No response." if untouched and not is_task(cell) and not result.trouble else None
