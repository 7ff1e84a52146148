"""Makes classes: nbgrader course folders with invented submissions, out of a unit's released notebook.

What each member did is known, so that tests, the demo and the benchmark can look at what the grader makes
of it. Students are called by number and deed; nobody is meant.
"""

from __future__ import annotations

import copy
import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder import mistakes, variants
from autograder.paths import ROOT, source_notebook
from autograder.replacement import Replacement
from autograder.units import Unit
from tests.transplant import CannotMove, as_cell

DUE = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LATE_BY = timedelta(hours=26)

LOOPS = "while True:\n        pass"
CRASHES = "import os\n    os._exit(0)"


@dataclass(frozen=True)
class Member:
    """One student of an invented class, and what was handed in."""

    student: str
    what: str  # for a person
    notebook: bytes
    mistakes: tuple[str, ...] = ()
    # Would harm a machine that does not isolate it: never graded with --isolation none.
    hostile: bool = False
    handed_in: datetime = DUE - timedelta(hours=1)


class Maker:
    """Fills in a unit's released notebook."""

    def __init__(self, unit: Unit, released: NotebookNode):
        self.unit, self.released = unit, released
        self.model_answers = model_answers(unit)

    def notebook(self, answers: dict[str, str]) -> NotebookNode:
        """The released notebook with these answers in place of the stubs."""
        notebook = copy.deepcopy(self.released)
        for cell in notebook.cells:
            cell.source = answers.get(answered_by(cell), cell.source)
        return notebook

    def with_replacements(self, *replacements: Replacement) -> NotebookNode:
        """Right everywhere, except that these mistakes (or variants) are pasted over the model answers."""
        answers = dict(self.model_answers)
        for replacement in replacements:
            exercise = replacement.exercise(self.unit)
            # Below the model answer, so that functions which are not replaced stay defined.
            answers[exercise] += "\n\n\n" + as_cell(replacement.functions)
        return self.notebook(answers)

    def with_body(self, exercises: list[str], body: str) -> NotebookNode:
        """Right everywhere, except that all functions of these exercises have this body."""
        answers = dict(self.model_answers)
        for name in exercises:
            functions = self.unit.exercise(name).functions
            answers[name] = "\n\n\n".join(f"def {f}(*args, **kwargs):\n    {body}" for f in functions)
        return self.notebook(answers)

    def on_their_own(self) -> list[str]:
        """The exercises that no other model answer builds on: what happens in them stays in them."""
        return [
            exercise.name
            for exercise in self.unit.exercises
            if not any(
                re.search(rf"\b{function}\(", text)
                for function in exercise.functions
                for other, text in self.model_answers.items()
                if other != exercise.name
            )
        ]


def answered_by(cell: NotebookNode) -> str:
    """What a cell answers: an exercise, or a question that a person grades; "" for other cells."""
    marks = cell.metadata.get("nbgrader", {})
    return marks["grade_id"].removesuffix("_solution") if marks.get("solution") else ""


def model_answers(unit: Unit) -> dict[str, str]:
    """Exercise or question -> the instructor's cell, without the marks around the model answer."""
    notebook = nbformat.read(source_notebook(unit.name), as_version=4)
    return {
        answered_by(cell): "\n".join(line for line in cell.source.splitlines() if " SOLUTION" not in line)
        for cell in notebook.cells
        if answered_by(cell)
    }


def movable(replacements: dict[str, Replacement], unit: Unit) -> dict[str, list[Replacement]]:
    """Exercise -> the replacements that can be pasted into a notebook, in the syllabus's order."""
    found: dict[str, list[Replacement]] = {exercise.name: [] for exercise in unit.exercises}
    for replacement in replacements.values():
        try:
            as_cell(replacement.functions)
        except CannotMove:
            continue
        found[replacement.exercise(unit)].append(replacement)
    return found


def members(unit: Unit, released: NotebookNode) -> list[Member]:
    """A small class in which everything that matters happens once."""
    return [
        Member(f"s{number:02}-{deed}", what, _bytes(notebook), **more)
        for number, (deed, what, notebook, more) in enumerate(_deeds(Maker(unit, released)), start=1)
    ]


def _deeds(make: Maker) -> Iterator[tuple[str, str, NotebookNode | bytes, dict]]:
    """(deed, what it is, notebook, more of Member)."""
    unit, answers = make.unit, make.model_answers
    names = [exercise.name for exercise in unit.exercises]
    right = make.notebook(answers)
    yield "right", "the model answers", right, {}
    other_styles = [found[0] for found in movable(variants.load(unit), unit).values() if found]
    yield "right-loops", "right, in other styles", make.with_replacements(*other_styles), {}

    wrong = [found for found in movable(mistakes.load(unit), unit).values() if found]
    # Not each exercise's first: the later ones are often the subtler ones.
    for mistake in [found[len(found) // 2] for found in wrong[:5]]:
        deed = "mistake-" + mistake.exercise(unit).replace("_", "-")
        yield deed, "one mistake", make.with_replacements(mistake), {"mistakes": (mistake.name,)}
    pair = [found[0] for found in wrong[:2]]
    told = {"mistakes": tuple(mistake.name for mistake in pair)}
    yield "two-mistakes", "mistakes in two exercises", make.with_replacements(*pair), told

    half = make.notebook({name: answers[name] for name in names[: len(names) // 2]})
    yield "half", "the second half is missing", half, {}
    yield "untouched", "the released notebook", make.released, {}
    yield "late", "right, a day late", right, {"handed_in": DUE + LATE_BY}
    yield "cells-gone", "right, test cells deleted", _without_tests(right), {}

    first, second, *_ = make.on_their_own()
    yield "loops", "one function never returns", make.with_body([first], LOOPS), {"hostile": True}
    yield "crashes", "one function ends the process", make.with_body([second], CRASHES), {"hostile": True}
    yield "reads", "looks for the answers", make.with_body(names, _reads(unit)), {"hostile": True}

    whole = _bytes(right)
    yield "broken-file", "half of the file is missing", whole[: len(whole) // 2], {}
    yield "other-file", "another course's notebook", _something_else(), {}


def ordinary_class(unit: Unit, released: NotebookNode, count: int) -> Iterator[tuple[str, NotebookNode]]:
    """(kind, notebook) of a class as it is handed in: of five, two are right (in several styles), two have one to
    three known mistakes, and one leaves a third of the exercises out. No two are the same; no demonstrations.
    """
    make = Maker(unit, released)
    right = [one for found in movable(variants.load(unit), unit).values() for one in found]
    wrong = [one for found in movable(mistakes.load(unit), unit).values() for one in found]
    names = [exercise.name for exercise in unit.exercises]
    for number in range(count):
        rng, kind = random.Random(number), ("right", "wrong", "right", "wrong", "unfinished")[number % 5]
        if kind == "right":
            notebook = make.with_replacements(*_one_each(unit, rng.sample(right, min(3, len(right)))))
        elif kind == "wrong":
            notebook = make.with_replacements(*_one_each(unit, rng.sample(wrong, min(1 + number % 3, len(wrong)))))
        else:
            left_out = set(rng.sample(names, max(1, len(names) // 3)))
            answers = make.model_answers
            notebook = make.notebook({name: text for name, text in answers.items() if name not in left_out})
        notebook.cells = [cell for cell in notebook.cells if "not-graded-code" not in cell.metadata.get("tags", ())]
        notebook.cells.append(nbformat.v4.new_code_cell(f"student = {number}", id=f"own-{number}"))
        yield kind, notebook


def _one_each(unit: Unit, replacements: list[Replacement]) -> list[Replacement]:
    """At most one of each exercise."""
    return list({replacement.exercise(unit): replacement for replacement in replacements}.values())


def _bytes(notebook: NotebookNode | bytes) -> bytes:
    return notebook if isinstance(notebook, bytes) else nbformat.writes(notebook).encode()


def _without_tests(notebook: NotebookNode) -> NotebookNode:
    notebook = copy.deepcopy(notebook)
    notebook.cells = [cell for cell in notebook.cells if not cell.metadata.get("nbgrader", {}).get("locked")]
    return notebook


def _something_else() -> NotebookNode:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell("print('an essay')")]
    return notebook


def _reads(unit: Unit) -> str:
    """A body that takes the reference's answer wherever a process on this machine can read it."""
    return f"""import importlib.util, pathlib, sys
    here = pathlib.Path.cwd()
    for folder in [pathlib.Path({str(ROOT)!r}), here, *here.parents]:
        path = folder / "solutions" / "{unit.name}.py"
        if path.exists():
            spec = importlib.util.spec_from_file_location("answers", path)
            answers = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(answers)
            return getattr(answers, sys._getframe().f_code.co_name)(*args, **kwargs)
    raise FileNotFoundError("the answers are not here")"""


def make_course(folder: Path, unit: Unit) -> None:
    """An nbgrader course of its own in an empty folder, with one unit, due at DUE, released."""
    from nbgrader.api import Gradebook

    from autograder.release import release_unit

    source = folder / "source" / unit.name
    source.mkdir(parents=True)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    for path in source_notebook(unit.name).parent.iterdir():
        if path.is_file():
            shutil.copy(path, source)
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        gradebook.add_assignment(unit.name, duedate=DUE.replace(tzinfo=None))
    release_unit(unit, folder)


def hand_in(folder: Path, unit: Unit, member: Member) -> Path:
    """Put a member's notebook, and the files released with it, where nbgrader collects them."""
    place = folder / "submitted" / member.student / unit.name
    shutil.copytree(folder / "release" / unit.name, place)
    path = place / f"{unit.name}.ipynb"
    path.write_bytes(member.notebook)
    (place / "timestamp.txt").write_text(member.handed_in.strftime("%Y-%m-%d %H:%M:%S UTC"))
    return path


def make_class(folder: Path, unit: Unit, *, hostile: bool = True) -> list[Member]:
    """A course with a class that handed in; without the hostile members where they could do harm."""
    make_course(folder, unit)
    released = nbformat.read(folder / "release" / unit.name / f"{unit.name}.ipynb", as_version=4)
    everyone = members(unit, released)
    for member in everyone:
        if hostile or not member.hostile:
            hand_in(folder, unit, member)
    return everyone
