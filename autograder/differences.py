"""`autograder grade UNIT --diff`: whose score would change, how and why. Nothing is written anywhere.

The scores before are the gradebook's; the items before, and why they differ, come from the store, which remembers
from which code and which versions of the checks the gradebook's scores came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from nbgrader.api import Gradebook
from rich.console import Console
from rich.table import Table

from autograder.nbgrader_plugin.dropped import dropped_cells
from autograder.results import Result
from autograder.store import Known, Store
from autograder.terminal import harmless
from autograder.units import Unit
from autograder.versions import PARTS, Versions
from backpass.report import Item

_CHANGED = {"checks": "its checks changed", "mistakes": "its mistakes changed", "reference": "its reference changed"}
_FIRST, _NOT_NOW, _NONE = "graded for the first time", "could not be graded now", "not graded"
_DROPPED, _BACK = "it is dropped, and counts for nobody", "it is not dropped any more"
SHOWN = 3  # items of an exercise that are told one by one


@dataclass(frozen=True)
class Cell:
    """A test cell of a student in the gradebook."""

    points: float
    auto: float | None
    manual: float | None
    extra: float | None
    dropped: bool = False  # in the gradebook, whatever is configured now


@dataclass
class Change:
    """One exercise of one student."""

    exercise: str
    before: str
    after: str
    why: str
    items: list[str] = field(default_factory=list)
    kept: bool = False  # a manual score stands above it, and stays


@dataclass
class Difference:
    """One student's scores, before and after."""

    student: str
    before: float | None
    after: float | None
    changes: list[Change]
    graded: bool = True


def gradebook_cells(db_url: str, course_id: str, unit: str) -> dict[str, dict[str, Cell]]:
    """student -> test cell -> its scores, as the gradebook has them."""
    found: dict[str, dict[str, Cell]] = {}
    with Gradebook(db_url, course_id) as gradebook:
        dropped = dropped_cells(gradebook.db)
        for submission in gradebook.assignment_submissions(unit):
            cells = found.setdefault(submission.student_id, {})
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    scores = (grade.auto_score, grade.manual_score, grade.extra_credit)
                    cells[grade.name] = Cell(grade.max_score_gradecell, *scores, grade.cell_id in dropped)
    return found


def difference(
    unit: Unit,
    student: str,
    cells: dict[str, Cell],
    new: Result,
    code: str,
    versions: Versions,
    store: Store,
    dropped: Collection[str] = (),
) -> Difference | None:
    """What would change for a student; None where no score does. dropped: exercises that count for nobody."""
    entered = store.entered(unit.name, student)
    old = Known(Result(unit.name, student), tuple(versions.parts))
    if entered is not None:
        old = store.get(entered[0], entered[1], unit, student, new.isolation)
    changes = list(_newly_dropped(cells, dropped))
    total_before, total_after = sum(_counts(cells[one.exercise], cells[one.exercise].auto) for one in changes), 0.0
    for exercise in unit.exercises:
        if exercise.name in dropped:
            continue
        cell = cells.get(exercise.name, Cell(0.0, None, None, None))
        before = cell.extra or 0.0 if exercise.bonus and cell.auto is not None else cell.auto
        earned = new.exercise_score(exercise.name)
        bonus = exercise.bonus and not cell.dropped
        if bonus and before is not None and before != _entered_score(old, exercise.name, cell, True):
            continue  # extra credit that was set by hand stays
        after = _score(new, exercise.name, cell, exercise.bonus)
        if not exercise.bonus:
            total_before += _counts(cell, before)
            total_after += _counts(cell, after)
        if before == after:
            continue
        why = _BACK if cell.dropped else _why(exercise.name, cells, entered, code, versions, earned is None)
        items = [] if earned is None else list(_items(old.result.of(exercise.name), new.of(exercise.name)))
        shown = tuple(_NONE if score is None else f"{score:g}" for score in (before, after))
        changes.append(Change(exercise.name, *shown, why, items, cell.manual is not None))
    if not changes:
        return None
    if new.trouble:
        told = f"{_NOT_NOW}: {new.trouble}"
        return Difference(student, total_before, None, [Change("all", f"{total_before:g}", _NONE, told)], False)
    if not any(cell.auto is not None for cell in cells.values()):
        whole = f"{total_after:g} / {new.max_score:g}" if new.graded else "in parts"
        changes = [Change("all", _NONE, whole, _FIRST)]
        return Difference(student, None, total_after, changes, new.graded)
    return Difference(student, total_before, total_after if new.graded else None, changes, new.graded)


def _newly_dropped(cells: dict[str, Cell], dropped: Collection[str]) -> Iterator[Change]:
    """What still counts in the gradebook, and would not: exercises, and what a person grades."""
    for name in sorted(set(dropped) & cells.keys()):
        cell = cells[name]
        if not cell.dropped:
            yield Change(name, f"{_counts(cell, cell.auto) + (cell.extra or 0.0):g}", "dropped", _DROPPED)


def _counts(cell: Cell, score: float | None) -> float:
    """What a score adds to the total: a manual score stands in its place."""
    return cell.manual if cell.manual is not None else score or 0.0


def _score(result: Result, exercise: str, cell: Cell, bonus: bool) -> float | None:
    """What would be entered: scaled where the notebook counts other points than the checks."""
    earned = result.exercise_score(exercise)
    maximum = sum(item.max_points for item in result.of(exercise))
    if earned is None or bonus or not maximum or not cell.points:
        return earned
    return earned * cell.points / maximum if maximum != cell.points else earned


def _entered_score(old: Known, exercise: str, cell: Cell, bonus: bool) -> float | None:
    if exercise in old.missing:
        return cell.extra or 0.0  # not known: taken for ours
    return _score(old.result, exercise, cell, bonus)


def _why(
    exercise: str,
    cells: dict[str, Cell],
    entered: tuple[str, Versions] | None,
    code: str,
    versions: Versions,
    not_graded: bool,
) -> str:
    if not_graded:
        return _NOT_NOW
    if not any(cell.auto is not None for cell in cells.values()):
        return _FIRST
    if entered is None:
        return "graded before in another way"
    reasons = ["handed in anew"] if entered[0] != code else []
    if entered[1].base != versions.base:
        reasons.append("the grader, its limits or its packages changed")
    before, after = entered[1].parts.get(exercise), versions.parts[exercise]
    if before is None:
        reasons.append("the exercise is new")
    else:
        reasons += [_CHANGED[part] for part in PARTS if before[part] != after[part]]
    return ", ".join(reasons) or "not graded before"


def _items(old: list[Item], new: list[Item]) -> Iterator[str]:
    """Sentences about the items that differ; none where nothing is known of the old ones."""
    if not old:
        return
    before = {item.title: item for item in old}
    told = []
    for item in new:
        was = before.pop(item.title, None)
        words = f"{item.state.replace('_', ' ')}"
        if item.mistake_name:
            words += f" ({item.mistake_name.replace('_', ' ')})"
        if was is None:
            told.append(f"{item.title}: new, {words}")
        elif (was.state, was.points, was.max_points) != (item.state, item.points, item.max_points):
            if was.max_points != item.max_points:
                words += f", counts {item.max_points:g}, not {was.max_points:g}"
            told.append(f"{item.title}: {was.state.replace('_', ' ')}, now {words}")
    told += [f"{title}: there no more" for title in before]
    yield from told[:SHOWN]
    if len(told) > SHOWN:
        yield f"and {len(told) - SHOWN} more"


def show_differences(found: Iterable[Difference], total: int, console: Console) -> None:
    """A table for a terminal; lines with tabs between their fields where the output goes elsewhere."""
    found = list(found)
    summary = f"The scores of {len(found)} of {total} students would change. Nothing was written."
    if not console.is_terminal:
        for one in found:
            for change in one.changes:
                points = f"{change.before} -> {change.after}"
                fields = [one.student, _pair(one), change.exercise, points, _reason(change)]
                console.file.write("\t".join(map(harmless, fields)) + "\n")
        console.file.write(summary + "\n")
        return
    table = Table()
    for heading, justify in (("student", "left"), ("score", "right"), ("exercise", "left"), ("points", "right")):
        table.add_column(heading, justify=justify, overflow="fold")
    table.add_column("why", overflow="fold")
    for one in found:
        for number, change in enumerate(one.changes):
            first = (harmless(one.student), _pair(one)) if number == 0 else ("", "")
            points = f"{change.before} \N{RIGHTWARDS ARROW} {change.after}"
            table.add_row(*first, change.exercise, points, harmless(_reason(change)))
        table.add_section()
    if found:
        console.print(table, markup=False)
    console.print(summary, highlight=False)


def _pair(one: Difference) -> str:
    before, after = (_NONE if score is None else f"{score:g}" for score in (one.before, one.after))
    return f"{before} -> {after}"


def _reason(change: Change) -> str:
    kept = ["a score given by hand stays"] if change.kept else []
    return "; ".join([change.why, *change.items, *kept])
