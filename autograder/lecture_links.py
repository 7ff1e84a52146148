"""Where a lecture explains an exercise: links into its beats, for the report of `check`."""

from __future__ import annotations

import re
from urllib.parse import quote

import nbformat

from autograder.paths import LECTURES
from autograder.units import Unit

_HEADING = re.compile(r"^## +(.+)$", re.MULTILINE)
_NAMES = re.compile(r"`(\w+)`")


def lecture_links(unit: Unit) -> dict[str, str]:
    """For each exercise that the unit's lecture announces ("You will write: `conv2d`") a link to that beat.

    Lectures stand beside the units' folders: in work/, in a kit, in a release with its lectures.
    """
    path = LECTURES / f"{unit.number:02d}_{unit.name}.ipynb"
    if not path.exists():
        return {}
    exercise_of = {name: e.name for e in unit.exercises for name in (e.name, *e.functions)}
    links: dict[str, str] = {}
    heading = ""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "markdown":
            continue
        heading = next(iter(_HEADING.findall(cell.source)), heading)
        for paragraph in cell.source.split("\n\n"):
            if "You will write" in paragraph:
                # JupyterLab's anchor of a heading is its text, with hyphens for spaces.
                anchor = quote(heading.strip().replace(" ", "-"))
                for name in _NAMES.findall(paragraph):
                    if name in exercise_of:
                        links.setdefault(exercise_of[name], f"../lectures/{path.name}#{anchor}")
    return links
