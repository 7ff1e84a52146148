"""Items that a course drops: `c.Grade.dropped = {"pooling": ["avg_pool2d"]}`. They count for nobody.

In the gradebook a dropped item has a maximum of 0, and nobody has a score, a manual score or extra credit for it: so
nbgrader's sums, formgrader, feedback and every export agree. What stood there is kept in two tables beside, and comes
back when the item is not dropped any more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from nbgrader.api import Assignment, Grade, GradeCell, Notebook, TaskCell
from sqlalchemy import inspect, or_, select, text, update
from sqlalchemy.orm import Session
from traitlets.config import Config, LazyConfigValue

from autograder.limits import UnusableConfiguration

_TABLES = (
    "CREATE TABLE IF NOT EXISTS backpass_dropped_cell (cell_id VARCHAR(32) NOT NULL PRIMARY KEY, max_score FLOAT)",
    "CREATE TABLE IF NOT EXISTS backpass_dropped_grade (grade_id VARCHAR(32) NOT NULL PRIMARY KEY, auto_score FLOAT, "
    "manual_score FLOAT, extra_credit FLOAT, needs_manual_grade BOOLEAN NOT NULL)",
)
_SCORES = ("auto_score", "manual_score", "extra_credit", "needs_manual_grade")


class UnknownItem(UnusableConfiguration):
    """An assignment has no item of that name; the text is one sentence."""


def checked(dropped: object) -> dict[str, list[str]]:
    """Names of items by assignment. Raises UnusableConfiguration."""
    usable = isinstance(dropped, Mapping) and all(
        isinstance(names, list | tuple | set) and all(isinstance(name, str) for name in names)
        for names in dropped.values()
    )
    if not usable:
        raise UnusableConfiguration(f'c.Grade.dropped is a dict like {{"pooling": ["why"]}}, not {dropped!r}.')
    return {assignment: list(names) for assignment, names in dropped.items()}


def dropped_items(config: Config, assignment: str) -> frozenset[str]:
    """What a configuration drops of an assignment. Raises UnusableConfiguration."""
    dropped = config.Grade.get("dropped", {})
    dropped = checked(dropped.get_value({}) if isinstance(dropped, LazyConfigValue) else dropped)
    return frozenset(dropped.get(assignment, ()))


def dropped_cells(database: Session) -> frozenset[str]:
    """Ids of what the gradebook holds as dropped. Nothing is written."""
    if not inspect(database.connection()).has_table("backpass_dropped_cell"):
        return frozenset()
    return frozenset(database.scalars(text("SELECT cell_id FROM backpass_dropped_cell")))


def bring_back(database: Session, assignment: str, names: Collection[str]) -> None:
    """Before scores are entered: what stood at items that are not dropped any more. The caller commits."""
    cells, kept = _cells(database, assignment), _kept(database)
    for cell, (table, name, maximum) in cells.items():
        if cell in kept and name not in names:
            _bring_back(database, table, cell, maximum or kept[cell])


def drop(database: Session, assignment: str, names: Collection[str]) -> None:
    """After scores are entered: take out those of dropped items. The caller commits.

    Raises
    ------
    UnknownItem
        Where the assignment has no item of one of the names.
    """
    if not names:
        return
    cells, kept = _cells(database, assignment), _kept(database)
    if unknown := sorted(set(names) - {name for _, name, _ in cells.values()}):
        known = ", ".join(sorted(name for _, name, _ in cells.values()))
        raise UnknownItem(f"c.Grade.dropped: {assignment} has no item called {unknown[0]!r}. It has {known}.")
    for cell, (table, name, maximum) in cells.items():
        if name in names:
            _drop(database, table, cell, maximum, cell in kept)


def _cells(database: Session, assignment: str) -> dict[str, tuple[Any, str, float]]:
    """Id -> (table, name, maximum) of what is graded."""
    cells = {}
    for table in (GradeCell, TaskCell):
        query = select(table.id, table.name, table.max_score).join(Notebook, Notebook.id == table.notebook_id)
        query = query.join(Assignment, Assignment.id == Notebook.assignment_id).where(Assignment.name == assignment)
        cells |= {row.id: (table, row.name, row.max_score) for row in database.execute(query)}
    return cells


def _kept(database: Session) -> dict[str, float]:
    """Dropped cells and their maximum."""
    for statement in _TABLES:
        database.execute(text(statement))
    return dict(database.execute(text("SELECT cell_id, max_score FROM backpass_dropped_cell")).all())


def _set_maximum(database: Session, table: Any, cell: str, maximum: float) -> None:
    columns = table.__table__.c
    database.execute(update(table.__table__).where(columns.id == cell).values(max_score=maximum))


def _drop(database: Session, table: Any, cell: str, maximum: float, known: bool) -> None:
    # A release sets the maximum again: the latest one that is not ours is kept.
    if maximum or not known:
        database.execute(text("DELETE FROM backpass_dropped_cell WHERE cell_id = :cell"), {"cell": cell})
        insert = "INSERT INTO backpass_dropped_cell (cell_id, max_score) VALUES (:cell, :maximum)"
        database.execute(text(insert), {"cell": cell, "maximum": maximum})
        _set_maximum(database, table, cell, 0.0)
    columns = Grade.__table__.c
    scored = or_(
        columns.auto_score.is_(None),
        columns.auto_score != 0,
        columns.manual_score.is_not(None),
        columns.extra_credit.is_not(None),
        columns.needs_manual_grade,
    )
    here = (columns.cell_id == cell) & scored
    rows = database.execute(select(columns.id, *(columns[name] for name in _SCORES)).where(here)).mappings().all()
    before = {row["grade_id"]: row for row in database.execute(text("SELECT * FROM backpass_dropped_grade")).mappings()}
    kept = []
    for row in rows:
        # Graded again since: what a person gave is kept from before.
        last = before.get(row["id"], {})
        by_hand = {name: last.get(name) if row[name] is None else row[name] for name in _SCORES[1:3]}
        kept.append({**row, **by_hand})
    if kept:
        database.execute(text("DELETE FROM backpass_dropped_grade WHERE grade_id = :id"), kept)
        values = ", ".join(f":{name}" for name in _SCORES)
        insert = f"INSERT INTO backpass_dropped_grade (grade_id, {', '.join(_SCORES)}) VALUES (:id, {values})"
        database.execute(text(insert), kept)
        nothing = {"auto_score": 0.0, "manual_score": None, "extra_credit": None, "needs_manual_grade": False}
        database.execute(update(Grade.__table__).where(here).values(**nothing))


def _bring_back(database: Session, table: Any, cell: str, maximum: float) -> None:
    _set_maximum(database, table, cell, maximum)
    ours = "SELECT id FROM grade WHERE cell_id = :cell"
    columns = ", ".join(f"{n} = (SELECT {n} FROM backpass_dropped_grade WHERE grade_id = grade.id)" for n in _SCORES)
    here = "cell_id = :cell AND id IN (SELECT grade_id FROM backpass_dropped_grade)"
    database.execute(text(f"UPDATE grade SET {columns} WHERE {here}"), {"cell": cell})
    database.execute(text(f"DELETE FROM backpass_dropped_grade WHERE grade_id IN ({ours})"), {"cell": cell})
    database.execute(text("DELETE FROM backpass_dropped_cell WHERE cell_id = :cell"), {"cell": cell})
