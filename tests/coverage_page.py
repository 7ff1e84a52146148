"""docs/coverage.md, where each topic of the source decks is taught: `python -m tests.coverage_page` fills in the cells.

Its first two columns, the topics, are written by hand; the third is taken from the lectures' cells, which
carry the ids of their topics in their metadata.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "coverage.md"
LECTURES = sorted((ROOT / "course" / "lectures").glob("*.ipynb"))
TOPIC = re.compile(r"^\| ([A-J]\d+|error-\d+) \| (.+?) \| (.*?) \|$", re.M)


def cells() -> dict[str, list[tuple[str, str]]]:
    """For each topic the cells that reach it, as (lecture, cell id), in the order of reading."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in LECTURES:
        for cell in nbformat.read(path, as_version=4).cells:
            for topic in cell.metadata.get("backpass", {}).get("rows", []):
                found.setdefault(topic, []).append((path.stem, cell.id))
    return found


def where(places: list[tuple[str, str]]) -> str:
    """The third column: each lecture once, with the first cells that deal with the topic."""
    lectures: dict[str, list[str]] = {}
    for lecture, cell in places:
        lectures.setdefault(lecture, []).append(cell)
    return "; ".join(f"{lecture}: {', '.join(f'`{cell}`' for cell in some[:3])}" for lecture, some in lectures.items())


def fill(page: str) -> str:
    """The page with its third column made anew."""
    found = cells()
    return TOPIC.sub(lambda row: f"| {row[1]} | {row[2]} | {where(found.get(row[1], []))} |", page)


if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
