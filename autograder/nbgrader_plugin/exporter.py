"""Grades as CSV: nbgrader's columns, and the truth about what has no score."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from nbgrader.api import Assignment, Gradebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.api import Grade as GradeRow
from nbgrader.plugins import ExportPlugin
from sqlalchemy import case, func

COLUMNS = (
    "assignment",
    "duedate",
    "timestamp",
    "student_id",
    "last_name",
    "first_name",
    "email",
    "raw_score",
    "extra_credit",
    "late_submission_penalty",
    "score",
    "max_score",
    "not_graded",
    "status",
)
# A spreadsheet takes text that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_text(value: Any) -> Any:
    """A cell of the CSV: nothing for None, numbers as they are, and text that no spreadsheet runs."""
    if value is None or isinstance(value, int | float):
        return "" if value is None else value
    text = str(value)
    return "'" + text if text.lstrip(" ").startswith(_FORMULA) or text.startswith(_FORMULA) else text


class GradesExporter(ExportPlugin):
    """One row per assignment and student. Where a part has no score yet the sums are empty; they are never 0.

    `raw_score` is the sum of all parts, `extra_credit` (a part of it) what the bonus exercises earned,
    `not_graded` the number of parts that wait, and `status` says in words what an empty score means.
    """

    def export(self, gradebook: Gradebook) -> None:
        dest = self.to or "grades.csv"
        self.log.info("Exporting grades to %s", dest)
        wanted, assignments = set(map(str, self.student)), set(map(str, self.assignment))
        with open(dest, "w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, COLUMNS)
            table.writeheader()
            for assignment in gradebook.assignments:
                if assignments and assignment.name not in assignments:
                    continue
                for row in rows(gradebook, assignment):
                    if not wanted or row["student_id"] in wanted:
                        table.writerow({column: safe_text(row.get(column)) for column in COLUMNS})


def rows(gradebook: Gradebook, assignment: Assignment) -> Iterator[dict[str, Any]]:
    """One row per student of the gradebook, by COLUMNS; `score` is missing where anything has no score yet."""
    sums, submissions = _sums(gradebook, assignment), {s.student_id: s for s in assignment.submissions}
    maximum = assignment.max_score
    for student in gradebook.students:
        yield {
            "assignment": assignment.name,
            "duedate": assignment.duedate,
            "student_id": student.id,
            "last_name": student.last_name,
            "first_name": student.first_name,
            "email": student.email,
            "max_score": maximum,
            **_scores(submissions.get(student.id), sums),
        }


def _sums(gradebook: Gradebook, assignment: Assignment) -> dict[str, Any]:
    """Per submission of the assignment: score, extra credit, penalty and number of parts without a score."""
    undecided = case((GradeRow.auto_score.is_(None) & GradeRow.manual_score.is_(None), 1), else_=0)
    counted = (
        gradebook.db.query(
            SubmittedNotebook.assignment_id.label("id"),
            func.sum(GradeRow.score).label("score"),
            func.sum(GradeRow.extra_credit).label("extra_credit"),
            func.sum(undecided).label("undecided"),
        )
        .join(GradeRow, GradeRow.notebook_id == SubmittedNotebook.id)
        .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        .filter(SubmittedAssignment.assignment_id == assignment.id)
        .group_by(SubmittedNotebook.assignment_id)
    )
    return {row.id: row for row in counted}


def _scores(submission: SubmittedAssignment | None, sums: dict[str, Any]) -> dict[str, Any]:
    if submission is None:
        return {"status": "nothing graded or handed in"}
    found = {"timestamp": submission.timestamp}
    row = sums.get(submission.id)
    if row is None:
        return found | {"status": "nothing graded"}
    penalty = submission.late_submission_penalty or 0.0
    found |= {
        "extra_credit": row.extra_credit,
        "not_graded": row.undecided,
        "late_submission_penalty": penalty,
    }
    if row.undecided:
        return found | {
            "status": f"{row.undecided} parts wait for a person" if row.undecided > 1 else "1 part waits for a person"
        }
    return found | {"raw_score": row.score, "score": max(0.0, row.score - penalty), "status": "graded"}
