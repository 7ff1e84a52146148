"""Rebuilds a submitted notebook around the student's own work.

What is locked, how many points it has and how it is called is read from the source notebook; nothing that the
submitted file says about itself is believed.

Which of several cells is the answer: among the cells that claim to be a solution (by grade_id; failing that
by cell id; failing that by the functions they define) the last one that is not the untouched stub. The other
ones that hold something of their own stay below it as ordinary cells, so no answer of the student's is lost.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    DeduplicateIds,
    LockCells,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
)
from nbgrader.utils import is_grade, is_locked, is_solution, is_task
from traitlets.config import Config

from autograder.nbgrader_plugin.reading import unit_of
from autograder.units import Limits

# What is kept of the submitted outputs of manually graded cells.
MAX_OUTPUTS = 20
MAX_CHARACTERS = Limits().printed_characters
MAX_PNG_BYTES = 1 << 20
SUBMITTED = "As submitted, not computed by the grader:"

_RELEASING = (LockCells, ClearSolutions, ClearOutput, ClearHiddenTests, ClearMarkScheme, ComputeChecksums)
_DEFINED = re.compile(r"^(?:async\s+def|def|class)\s+(\w+)", re.MULTILINE)
_CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_PNG = b"\x89PNG\r\n\x1a\n"


def released_form(source: NotebookNode, config: Config | None = None) -> NotebookNode:
    """The notebook as generate_assignment releases it: stubs, locks, checksums, no outputs."""
    notebook, resources = nbformat.from_dict(source), {}
    notebook = nbformat.reads(nbformat.writes(notebook), as_version=4)
    for step in _RELEASING:
        notebook, resources = step(config=config or Config()).preprocess(notebook, resources)
    return notebook


def restore(notebook: NotebookNode, source: NotebookNode) -> NotebookNode:
    """The submitted notebook, mended from the source notebook."""
    return restore_from(notebook, released_form(source))


def restore_from(notebook: NotebookNode, released: NotebookNode) -> NotebookNode:
    """The submitted notebook, mended from the released one: the course's cells in order, each once."""
    slots = {cell.metadata.nbgrader.grade_id: _Slot(cell) for cell in released.cells if _is_course_cell(cell)}
    submitted = [_Submitted.of(cell) for cell in notebook.get("cells", []) if isinstance(cell, dict)]
    _assign(submitted, slots)
    taken = {slot.released.get("id", "") for slot in slots.values()}
    cells = [_free_cell(cell, taken) for cell in _following(submitted, None)]
    for grade_id, slot in slots.items():
        cells.append(slot.filled())
        keeps_outputs = is_task(slot.released)
        cells += [_free_cell(cell, taken, keeps_outputs) for cell in _following(submitted, grade_id)]
    result = new_notebook(cells=cells, metadata=nbformat.from_dict(dict(released.metadata)))
    result.nbformat_minor = 5
    return result


def _is_course_cell(cell: NotebookNode) -> bool:
    return bool(is_grade(cell) or is_solution(cell) or is_locked(cell) or is_task(cell))


def _text(value: Any) -> str:
    """A cell's source: a string or a list of strings; what UTF-8 cannot hold is replaced."""
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else ""


def _plain(text: str) -> str:
    """Text without the white space that editors change by themselves."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


@dataclass
class _Submitted:
    """A submitted cell. `slot`: the course cell that it is or follows; `answer`: it fills the slot."""

    cell_type: str
    source: str
    cell_id: str
    claim: str
    raw: dict
    slot: str | None = None
    answer: bool = False
    dropped: bool = False

    @classmethod
    def of(cls, cell: dict) -> _Submitted:
        kind = cell.get("cell_type")
        metadata = cell.get("metadata")
        marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        claim = marks.get("grade_id") if isinstance(marks, dict) else None
        cell_id = cell.get("id")
        return cls(
            kind if kind in ("code", "markdown", "raw") else "markdown",
            _text(cell.get("source")),
            cell_id if isinstance(cell_id, str) and _CELL_ID.match(cell_id) else "",
            claim if isinstance(claim, str) else "",
            cell,
        )

    @property
    def defines(self) -> set[str]:
        return set(_DEFINED.findall(self.source)) if self.cell_type == "code" else set()


@dataclass
class _Slot:
    """A course cell and the submitted cells that may be it, in the submission's order."""

    released: NotebookNode
    candidates: list[_Submitted] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stub = _plain(self.released.source)
        self.answerable = bool(is_solution(self.released))
        self.manual = bool(is_grade(self.released) and self.answerable)
        self.defines = set(_DEFINED.findall(self.released.source)) if self.answerable else set()

    def choose(self) -> _Submitted | None:
        """Choose the answer; other candidates are dropped, or stay as ordinary cells if they hold more."""
        edited = [cell for cell in self.candidates if _plain(cell.source) != self.stub]
        chosen = (edited or self.candidates or [None])[-1]
        for cell in self.candidates:
            cell.answer = cell is chosen
            cell.dropped = cell is not chosen and _plain(cell.source) in (
                self.stub,
                _plain(chosen.source),
                "",
            )
        return chosen

    def filled(self) -> NotebookNode:
        """The course's cell in everything but an answer's text and a manual answer's outputs."""
        cell = nbformat.from_dict(self.released)
        chosen = next((cell for cell in self.candidates if cell.answer), None)
        if not self.answerable or chosen is None:
            return cell
        cell.source = chosen.source
        if self.manual and cell.cell_type == "code":
            cell.outputs = list(kept_outputs(chosen.raw.get("outputs")))
        if self.manual and cell.cell_type == "markdown":
            pictures = _kept_attachments(chosen.raw.get("attachments"))
            if pictures:
                cell.attachments = pictures
        return cell


def _assign(submitted: list[_Submitted], slots: dict[str, _Slot]) -> None:
    """Find out which submitted cell is which course cell; set `slot`, `answer` and `dropped` of each."""
    by_id = {slot.released.get("id"): name for name, slot in slots.items()}
    locked = {slot.stub: name for name, slot in slots.items() if not slot.answerable}
    found: list[str | None] = []
    for cell in submitted:
        name = cell.claim if cell.claim in slots else by_id.get(cell.cell_id) if cell.cell_id else None
        if name is not None and not slots[name].answerable and cell.defines and _plain(cell.source) != slots[name].stub:
            name = None  # a function under the name of a locked cell: the student's work, not the course's text
        found.append(name if name is not None else locked.get(_plain(cell.source)))
    _find_by_content(submitted, slots, found)
    for cell, name in zip(submitted, found, strict=True):
        if name is not None:
            slots[name].candidates.append(cell)
    for slot in slots.values():
        if slot.answerable:
            slot.choose()
        else:
            for cell in slot.candidates:
                cell.dropped = True
    last: str | None = None
    for cell, name in zip(submitted, found, strict=True):
        last = cell.slot = name if name is not None else last


def _find_by_content(submitted: list[_Submitted], slots: dict[str, _Slot], found: list[str | None]) -> None:
    """Without usable marks: a solution defines its functions, a text answer follows its question."""
    open_slots = {name: slot for name, slot in slots.items() if slot.answerable and name not in found}
    for position, cell in enumerate(submitted):
        if found[position] is None and cell.defines:
            found[position] = next((n for n, slot in open_slots.items() if slot.defines & cell.defines), None)
    names = list(slots)
    for name in open_slots:
        before = names[names.index(name) - 1] if names.index(name) else None
        if slots[name].released.cell_type != "markdown" or name in found or before not in found:
            continue
        position = len(found) - found[::-1].index(before)
        if position < len(submitted) and found[position] is None and submitted[position].cell_type == "markdown":
            found[position] = name


def _following(submitted: list[_Submitted], name: str | None) -> Iterator[_Submitted]:
    """The student's own cells that stand below a course cell."""
    return (cell for cell in submitted if cell.slot == name and not cell.answer and not cell.dropped)


def _free_cell(cell: _Submitted, taken: set[str], keeps_outputs: bool = False) -> NotebookNode:
    """A cell of the student's own: its text, no marks and no outputs (but those that belong to a task)."""
    number = 1
    while not cell.cell_id or cell.cell_id in taken:
        cell.cell_id, number = f"own-{number}", number + 1
    taken.add(cell.cell_id)
    if cell.cell_type == "code":
        outputs = list(kept_outputs(cell.raw.get("outputs"))) if keeps_outputs else []
        return new_code_cell(cell.source, id=cell.cell_id, outputs=outputs)
    if cell.cell_type == "raw":
        return new_raw_cell(cell.source, id=cell.cell_id)
    pictures = _kept_attachments(cell.raw.get("attachments"))
    return new_markdown_cell(cell.source, id=cell.cell_id, **({"attachments": pictures} if pictures else {}))


def _png(value: Any) -> str | None:
    """Base64 of a PNG picture of bearable size, or None."""
    text = _text(value)
    if len(text) > MAX_PNG_BYTES * 3 // 2:
        return None
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return base64.b64encode(data).decode() if data.startswith(_PNG) and len(data) <= MAX_PNG_BYTES else None


def _kept_attachments(attachments: Any) -> dict[str, dict[str, str]]:
    """Pictures pasted into a text cell."""
    kept: dict[str, dict[str, str]] = {}
    for name, bundle in list(attachments.items())[:MAX_OUTPUTS] if isinstance(attachments, dict) else []:
        picture = _png(bundle.get("image/png")) if isinstance(bundle, dict) else None
        if picture:
            kept[_text(name)[:100]] = {"image/png": picture}
    return kept


def kept_outputs(outputs: Any) -> Iterator[NotebookNode]:
    """The outputs of a manually graded cell that are safe to look at: text and PNG, bounded and labelled."""
    outputs = [output for output in outputs if isinstance(output, dict)] if isinstance(outputs, list) else []
    kept = []
    left = MAX_CHARACTERS
    for output in outputs[:MAX_OUTPUTS]:
        data = output.get("data") if isinstance(output.get("data"), dict) else {}
        picture = _png(data.get("image/png"))
        text = _text(output.get("text")) if output.get("output_type") == "stream" else _text(data.get("text/plain"))
        if picture:
            kept.append(new_output("display_data", {"image/png": picture, "text/plain": text[:200]}))
        elif text and left > 0:
            shown = text if len(text) <= left else text[:left] + "\n(cut off)"
            left -= len(text)
            kept.append(new_output("stream", name="stdout", text=shown))
    if kept:
        yield new_output("stream", name="stdout", text=SUBMITTED + "\n")
        yield from kept
    if len(outputs) > MAX_OUTPUTS:
        yield new_output("stream", name="stdout", text=f"({len(outputs) - MAX_OUTPUTS} more outputs are left out)\n")


class Restore(NbGraderPreprocessor):
    """Mends the submissions of Backpass's units; other assignments get what nbgrader does by itself."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        unit = unit_of(resources)
        if unit is None:
            for step in (ClearOutput, DeduplicateIds, OverwriteKernelspec, OverwriteCells):
                nb, resources = step(parent=self.parent).preprocess(nb, resources)
            return nb, resources
        course = self.parent.parent.coursedir
        folder = Path(course.format_path(course.source_directory, ".", resources["nbgrader"]["assignment"]))
        return restore_from(nb, self._released(folder / f"{unit.name}.ipynb")), resources

    def _released(self, path: Path) -> NotebookNode:
        status = path.stat()
        stubs = self.config.ClearSolutions if "ClearSolutions" in self.config else {}
        return _released_file(path, status.st_mtime_ns, status.st_size, repr(stubs), _Hidden(self.config))


@dataclass(frozen=True)
class _Hidden:
    """A configuration beside a cache's key: what of it matters is in the key."""

    config: Config = field(compare=False, hash=False)


@lru_cache(maxsize=16)
def _released_file(path: Path, mtime: int, size: int, stubs: str, hidden: _Hidden) -> NotebookNode:
    """The released form of a source notebook; made once for a class."""
    return released_form(nbformat.read(path, as_version=4), hidden.config)


class CheckMetadata(CheckCellMetadata):
    """nbgrader's check of the metadata; not of a unit's, whose cells Restore has made from the source."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        return (nb, resources) if unit_of(resources) else super().preprocess(nb, resources)
