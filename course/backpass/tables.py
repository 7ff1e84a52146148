"""Rosetta tables: one row per convention, one column per language, each cell computed where it can be."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Documented:
    """A cell that is not computed here: what a document says, and which."""

    text: str
    reference: str


class Table:
    """A small table for notebooks. Cells that are `Documented` carry the number of their reference."""

    def __init__(self, heads: Sequence[str], rows: Sequence[Sequence], caption: str = ""):
        if any(len(row) != len(heads) for row in rows):
            raise ValueError(f"each row needs {len(heads)} cells, one under each head")
        self.heads, self.caption = list(heads), caption
        self.references: list[str] = []
        self.rows = [[self._cell(cell) for cell in row] for row in rows]

    def _cell(self, cell) -> tuple[str, int]:
        """The text of a cell and the number of its reference, 0 for a computed one."""
        if isinstance(cell, Documented):
            if cell.reference not in self.references:
                self.references.append(cell.reference)
            return cell.text, self.references.index(cell.reference) + 1
        return show_value(cell), 0

    def _repr_html_(self) -> str:
        pad = 'style="text-align: left; padding: .3em .8em; vertical-align: top"'
        head = "".join(f"<th {pad}>{html.escape(text)}</th>" for text in self.heads)
        body = ""
        for row in self.rows:
            cells = "".join(
                f"<td {pad}>{html.escape(text)}{f'<sup>{number}</sup>' if number else ''}</td>" for text, number in row
            )
            body += f"<tr>{cells}</tr>"
        notes = "".join(f"<li>{html.escape(reference)}</li>" for reference in self.references)
        below = f"<p>Not computed here, but documented:</p><ol>{notes}</ol>" if notes else ""
        caption = f'<caption style="text-align: left">{html.escape(self.caption)}</caption>' if self.caption else ""
        return (
            f'<div style="overflow-x: auto"><table>{caption}<thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table>{below}</div>"
        )

    def __repr__(self) -> str:
        rows = [self.heads] + [[f"{t} [{n}]" if n else t for t, n in row] for row in self.rows]
        widths = [max(len(row[i]) for row in rows) for i in range(len(self.heads))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        lines += [f"[{number}] {text}" for number, text in enumerate(self.references, 1)]
        return "\n".join(([self.caption] if self.caption else []) + lines)


def show_value(value) -> str:
    """A value in a cell: arrays short, floats with few digits, everything else as text."""
    if isinstance(value, np.ndarray) or (hasattr(value, "tolist") and not np.isscalar(value)):
        return np.array2string(np.asarray(value), separator=", ", precision=3, suppress_small=True).replace("\n", "")
    if isinstance(value, float):
        return format(value, ".4g")
    return str(value)


def computed(compute: Callable[[], object], otherwise: Documented):
    """The value of compute(), or what the documents say where its library is not installed."""
    try:
        return compute()
    except ImportError:
        return otherwise
