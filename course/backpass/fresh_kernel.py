"""Running a notebook from top to bottom in a fresh kernel: what its checks say without leftover state."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_CALL = re.compile(r"^\s*check\([^)\n]*\)\s*;?\s*$", re.MULTILINE)
# `_` is the value of the cell before.
_TELL = "from backpass.fresh_kernel import tell_last as _tell; _tell(_)"
_MARK = "backpass-points:"


class Unreadable(ValueError):
    """The file is no notebook; its text says so."""


@dataclass
class Checked:
    """One check cell. before: the points that the notebook shows, None where it was not run."""

    call: str
    points: float
    possible: float
    text: str
    before: float | None

    @property
    def only_before(self) -> bool:
        """Whether the notebook shows more than a fresh kernel gives."""
        return self.before is not None and self.before > self.points


@dataclass
class Found:
    checks: list[Checked] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def possible(self) -> float:
        return sum(one.possible for one in self.checks)


def tell_last(report: Any) -> None:
    """Runs in the kernel after a check cell: its report as text."""
    from backpass.report import Report

    if isinstance(report, Report):
        print(f"{_MARK}{report!r}/{report.max_points:g}\n{report}")


def run_notebook(path: Path, timeout: int = 300) -> Found:
    """Run all cells in the notebook's folder; none stops the others by raising. The file stays as it is."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:
        raise Unreadable(f"{path.name} cannot be read as a notebook ({type(error).__name__}).") from error
    cells, asked, own = [], {}, {}
    for cell in notebook.cells:
        cells.append(cell)
        call = _CALL.search(cell.source) if cell.cell_type == "code" else None
        if cell.cell_type == "code":
            own[len(cells) - 1] = _points_shown(cell) if call else None
            cell.outputs, cell.execution_count = [], None
        if call:
            asked[len(cells)] = (call[0].strip(), own[len(cells) - 1])
            cells.append(nbformat.v4.new_code_cell(_TELL))
    notebook.cells = cells
    client = NotebookClient(
        notebook, timeout=timeout, allow_errors=True, resources={"metadata": {"path": str(path.parent)}}
    )
    found = Found()
    try:
        client.execute()
    except (CellTimeoutError, DeadKernelError) as error:
        reason = f"A cell ran longer than {timeout} s." if isinstance(error, CellTimeoutError) else "The kernel died."
        found.errors.append(f"{reason} What comes after it was not run.")
    for i in own:
        for output in cells[i].get("outputs", []):
            if output.output_type == "error" and output.ename != "NotImplementedError":
                line = next((line for line in cells[i].source.splitlines() if line.strip()), "")
                found.errors.append(
                    f"The cell that begins with {line.strip()!r} raised {output.ename}: {output.evalue}"
                )
    for i, (call, before) in asked.items():
        found.checks.append(_checked(call, before, cells[i]))
    return found


def _checked(call: str, before: float | None, cell: Any) -> Checked:
    text = "".join(output.text for output in cell.get("outputs", []) if output.output_type == "stream")
    if not text.startswith(_MARK):
        return Checked(call, 0.0, 0.0, f"{call}: did not run.", before)
    head, _, body = text.removeprefix(_MARK).partition("\n")
    points, _, possible = head.partition("/")
    return Checked(call, float(points), float(possible), body.rstrip(), before)


def _points_shown(cell: Any) -> float | None:
    """The points of the report that stands in the notebook."""
    for output in cell.get("outputs", []):
        if output.output_type == "execute_result":
            try:
                return float(output.data.get("text/plain", ""))
            except ValueError:
                return None
    return None
