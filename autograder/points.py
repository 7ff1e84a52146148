"""Points stand once, in the markers of the checks; from there they are written into the source notebook."""

from __future__ import annotations

import nbformat

from autograder.paths import source_notebook
from autograder.runner import Checks, with_checks
from autograder.units import Unit


def exercise_points(checks: Checks) -> dict[str, float]:
    """The points of each exercise's test cell. A bonus cell counts 0: what it earns is extra credit."""
    return {
        exercise.name: 0 if exercise.bonus else sum(check.points for check in checks.hidden(exercise.name))
        for exercise in checks.unit.exercises
    }


def points_of(unit: Unit) -> dict[str, float]:
    return with_checks(unit, exercise_points)


def write_points(unit: Unit) -> list[str]:
    """Write the points into the test cells of the source notebook; returns the exercises that changed."""
    path = source_notebook(unit.name)
    notebook = nbformat.read(path, as_version=4)
    points, changed = points_of(unit), []
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader", {})
        name = marks.get("grade_id")
        if marks.get("grade") and name in points and marks.get("points") != points[name]:
            marks["points"] = points[name]
            changed.append(name)
    if changed:
        nbformat.write(notebook, path)
    return changed
