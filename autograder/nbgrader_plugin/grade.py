"""Grades the submitted file in the sandbox and writes what was found below each test cell.

It takes the place of nbgrader's Execute and runs nothing itself: results come from the store when this very
file was graded before, from a class's run (autograder.classes), or from a grading host that is kept for a
while.
"""

from __future__ import annotations

import html
import sqlite3
import threading
from pathlib import Path

from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_markdown_cell
from nbgrader.preprocessors import Execute, NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution
from traitlets import Bunch, Dict, Enum, TraitError, validate

from autograder.host import Host, HostFailed
from autograder.isolation import BUBBLEWRAP, ISOLATIONS, said
from autograder.limits import UnusableConfiguration, UnusableLimit, checked, with_limits
from autograder.nbgrader_plugin.dropped import checked as checked_dropped
from autograder.nbgrader_plugin.reading import unit_of
from autograder.pool import Job
from autograder.reading import Unreadable, read_bytes
from autograder.results import Result
from autograder.store import FILE_NAME, Known, Store, merged
from autograder.submission import code_of
from autograder.units import Unit
from autograder.versions import versions_of
from backpass.report import Item, feedback_html

# Where the result stands in nbconvert's resources, for Save.
RESULT = "backpass_result"
# Seconds that a host is kept after a button of formgrader: the next submission is graded without its start.
IDLE_SECONDS = 60.0


class _Kept:
    """One host of this process, closed when it was not asked for a while or the grader has changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._host: Host | None = None
        self._key = ""
        self._timer: threading.Timer | None = None

    def grade(self, unit: Unit, isolation: str, grader: str, job: Job, limits: dict) -> Result:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            if self._host is not None and self._key != grader:
                self._host.close()
                self._host = None
            if self._host is None:
                self._host, self._key = Host(unit.name, isolation, limits), grader
            try:
                return self._host.grade(job.path, job.name, job.exercises)
            finally:
                self._timer = threading.Timer(IDLE_SECONDS, self.close)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        with self._lock:
            host, self._host = self._host, None
            if host is not None:
                host.close()


_kept = _Kept()


def unusable(unit: Unit, name: str, sentence: str, isolation: str) -> Result:
    """The result of a submission of which nothing can be decided."""
    return Result(unit.name, name, trouble=sentence, isolation=isolation)


def grade_one(
    unit: Unit, path: Path, name: str, isolation: str, store: Path, limits: dict[str, float] | None = None
) -> Result:
    """The result of one submitted file, from the store or from a host. `limits`: the course's own."""
    unit = with_limits(unit, limits or {})
    try:
        code = code_of(read_bytes(path, unit.limits), path, unit)
    except Unreadable as error:
        return unusable(unit, name, str(error), isolation)
    versions = versions_of(unit, isolation)
    known, fresh = Known(Result(unit.name, name, isolation=isolation), tuple(versions.parts), notes=False), None
    try:
        try:
            with Store(store) as results:
                known = results.get(code, versions, unit, name, isolation)
                if known.missing:
                    fresh = _kept.grade(unit, isolation, versions.whole, Job(path, name, known.missing), limits or {})
                    results.put(code, versions, fresh, known.missing)
                    # What another grader kept meanwhile counts for both.
                    known = results.get(code, versions, unit, name, isolation)
                results.enter(unit.name, versions, [(name, code)])
        except sqlite3.Error:
            # The store saves time, it decides nothing.
            if fresh is None and known.missing:
                fresh = _kept.grade(unit, isolation, versions.whole, Job(path, name, known.missing), limits or {})
    except HostFailed as error:
        return unusable(unit, name, f"{error} Nothing was decided about this submission.", isolation)
    return merged(unit, known, fresh)


class Grade(NbGraderPreprocessor):
    """Writes a unit's results into its test cells; other assignments are executed by nbgrader."""

    isolation = Enum(
        ISOLATIONS,
        BUBBLEWRAP,
        help="How student code is locked in; 'uid' is less than a sandbox, 'none' runs it unprotected.",
    ).tag(config=True)
    limits = Dict(
        help="Limits of this course's own, by the names of autograder.units.Limits: {'call_seconds': 5}."
    ).tag(config=True)

    dropped = Dict(help="Items that count for nobody: {assignment: [names of exercises or questions]}.").tag(
        config=True
    )

    @validate("dropped")
    def _droppable(self, proposal: Bunch) -> dict[str, list[str]]:
        try:
            return checked_dropped(proposal.value)
        except UnusableConfiguration as error:
            raise TraitError(str(error)) from None

    @validate("limits")
    def _usable(self, proposal: Bunch) -> dict[str, float]:
        try:
            return checked(proposal.value)
        except UnusableLimit as error:
            raise TraitError(str(error)) from None

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        unit = unit_of(resources)
        if unit is None:
            return Execute(parent=self.parent).preprocess(nb, resources)
        result = self._result(unit, resources["nbgrader"])
        if result.trouble:
            self.log.error("%s is not graded: %s", resources["nbgrader"]["student"], result.trouble)
        resources[RESULT] = result
        for cell in nb.cells:
            if is_grade(cell) and not is_solution(cell):
                cell.outputs = [_shown(result, cell.metadata.nbgrader.grade_id)]
        sentences = _sentences(result)
        if sentences:
            nb.cells.insert(0, new_markdown_cell(_list(sentences), id="backpass-notes"))
        return nb, resources

    def _result(self, unit: Unit, which: dict) -> Result:
        converter = self.parent.parent
        prepared = getattr(converter, "prepared", None)
        if prepared is not None:
            return prepared
        course = converter.coursedir
        folder = Path(course.format_path(course.submitted_directory, which["student"], which["assignment"]))
        store = Path(course.root) / FILE_NAME
        path = folder / f"{which['notebook']}.ipynb"
        return grade_one(unit, path, which["student"], self.isolation, store, self.limits)


def _shown(result: Result, exercise: str) -> NotebookNode:
    items = result.of(exercise)
    if result.trouble or not items:
        sentence = result.trouble or "There are no checks for this cell."
        return _displayed({"text/plain": f"Not graded yet. {sentence}"})
    return _displayed({"text/html": feedback_html(items), "text/plain": _plain(items)})


def _displayed(data: dict[str, str]) -> NotebookNode:
    # As nbformat's new_output makes it, which also takes 2 ms to validate it.
    return from_dict({"output_type": "display_data", "metadata": {}, "data": data})


def _plain(items: list[Item]) -> str:
    lines = []
    for item in items:
        points = "not graded" if item.points is None else f"{item.points:g} / {item.max_points:g}"
        lines.append(f"{points}  {item.title}: {item.state.replace('_', ' ')}")
        lines += [f"    {text}" for text in (item.message, item.mistake) if text]
    return "\n".join(lines)


def _sentences(result: Result) -> list[str]:
    sentences = [f"Not graded: {result.trouble}" if result.trouble else "", *result.notes, said(result.isolation)]
    return [sentence for sentence in sentences if sentence]


def _list(sentences: list[str]) -> str:
    """As HTML: Markdown would make something of what an exception says. A blank line would end it."""
    lines = "\n".join(f"<li>{html.escape(' '.join(sentence.split()))}</li>" for sentence in sentences)
    return f'<div class="backpass-notes">\n<strong>About this submission</strong>\n<ul>\n{lines}\n</ul>\n</div>'
