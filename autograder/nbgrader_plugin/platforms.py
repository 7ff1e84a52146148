"""Exporters for learning platforms: `nbgrader export --exporter autograder.nbgrader_plugin.platforms.Canvas`.

They know what nbgrader's gradebook knows. To fill in a platform's own CSV, ids untouched, there is
`autograder export canvas UNIT --roster FILE`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbgrader.api import Assignment, Gradebook
from nbgrader.plugins import ExportPlugin

from autograder.nbgrader_plugin.exporter import rows, safe_text


class _Platform(ExportPlugin):
    """Chooses assignments and students as nbgrader's options say."""

    def assignments(self, gradebook: Gradebook) -> list[Assignment]:
        wanted = set(map(str, self.assignment))
        return [one for one in gradebook.assignments if not wanted or one.name in wanted]

    def chosen(self, gradebook: Gradebook, assignment: Assignment) -> Iterator[dict[str, Any]]:
        wanted = set(map(str, self.student))
        return (row for row in rows(gradebook, assignment) if not wanted or row["student_id"] in wanted)

    def write(self, dest: str, table: list[list[Any]]) -> None:
        self.log.info("Exporting grades to %s", dest)
        with open(dest, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([safe_text(cell) for cell in line] for line in table)


class Canvas(_Platform):
    """Canvas's gradebook CSV: a row per student, a column per assignment; without a score the cell is empty."""

    def export(self, gradebook: Gradebook) -> None:
        assignments = self.assignments(gradebook)
        scores = {
            one.name: {row["student_id"]: row.get("score") for row in self.chosen(gradebook, one)}
            for one in assignments
        }
        wanted = set(map(str, self.student))
        head = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *scores]
        possible = ["    Points Possible", "", "", "", "", *(one.max_score for one in assignments)]
        table = [head, possible]
        for student in gradebook.students:
            if not wanted or student.id in wanted:
                name = ", ".join(filter(None, (student.last_name, student.first_name))) or student.id
                line = [name, student.lms_user_id or "", "", student.id, ""]
                table.append([*line, *(of.get(student.id) for of in scores.values())])
        self.write(self.to or "canvas.csv", table)


class Moodle(_Platform):
    """A CSV for Moodle's grade import: a row per student, a column per assignment; without a score it is empty."""

    def export(self, gradebook: Gradebook) -> None:
        lines: dict[str, list[Any]] = {}
        assignments = self.assignments(gradebook)
        for place, one in enumerate(assignments):
            for row in self.chosen(gradebook, one):
                person = [row["student_id"], row["first_name"], row["last_name"], row["email"]]
                line = lines.setdefault(row["student_id"], [*person, *[None] * len(assignments)])
                line[len(person) + place] = row.get("score")
        head = ["username", "firstname", "lastname", "email", *(one.name for one in assignments)]
        self.write(self.to or "moodle.csv", [head, *lines.values()])


class Gradescope(ExportPlugin):
    """Gradescope's results.json for each submission, in a folder: what the hidden checks said, item by item."""

    def export(self, gradebook: Gradebook) -> None:
        from autograder.classes import NothingSubmitted, stored_results
        from autograder.units import UNITS

        folder, course = Path(self.to or "gradescope"), Path(self.parent.coursedir.root)
        students = set(map(str, self.student))
        for name in map(str, self.assignment or [one.name for one in gradebook.assignments]):
            if name not in UNITS:
                continue
            try:
                results = stored_results(name, course, "bubblewrap")
            except NothingSubmitted:
                continue
            for result in results:
                if not students or result.submission in students:
                    path = folder / name / f"{result.submission}.json"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(json.dumps(result.for_gradescope(), indent=1), encoding="utf-8")
        self.log.info("Exporting results to %s", folder)
