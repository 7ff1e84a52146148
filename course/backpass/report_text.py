"""The report as plain text: for `print(check(...))` and for a terminal."""

from __future__ import annotations

import textwrap

import numpy as np

from backpass.array_pictures import Format, count_slices, fits, format_for, slice_name, slices, summary
from backpass.explain import capital
from backpass.report import STATE_WORDS, Item, Report, Section
from backpass.running import Run
from backpass.story import tell

WIDTH = 88
SLICES = 2
_INDENT = "      "


def report_text(report: Report) -> str:
    """What `print(check(...))` shows."""
    if report.trouble:
        return f"Nothing was checked. {report.trouble}"
    return "\n\n".join(_section(section) for section in report.sections)


def _section(section: Section) -> str:
    points = f"{section.points:g} of {section.cell_points:g} points" if section.cell_points else "bonus"
    lines = [f"{section.exercise}: {section.passed} of {len(section.items)} items pass, {points}"]
    if not section.attempted:
        return "\n".join([*lines, f"  Not attempted yet. {section.items[0].message if section.items else ''}".rstrip()])
    first = next((item for item in section.items if item.state != "passed"), None)
    runs = section.runs or [None] * len(section.items)
    told: set[str] = set()
    for item, run in zip(section.items, runs, strict=True):
        sign, words = STATE_WORDS[item.state]
        lines.append(f"  {sign} {item.title}" + ("" if item.state == "passed" else f" ({words}, {item.max_points:g})"))
        if item is first:
            lines += _wrapped(item.about) + _cause(item) + _wrapped(capital(item.message)) + _pictures(run)
        elif item.state != "passed":
            # The message of a failure whose cause was told adds nothing in a terminal.
            lines += (
                _wrapped("Likely cause: as above.")
                if item.mistake in told
                else _cause(item) + _wrapped(capital(item.message))
            )
        told |= {item.mistake} - {""}
    if first is None:
        lines.append("  Everything here is right. Hidden checks ask the same of other numbers.")
    if section.reference:
        lines.append(f"  One way to write it: {section.reference}")
    warnings = dict.fromkeys(text for run in section.runs for text in run.warnings)
    lines += [f"  Your code gave a warning: {text}" for text in list(warnings)[:5]]
    return "\n".join(lines)


def _cause(item: Item) -> list[str]:
    return _wrapped(f"Likely cause: {item.mistake}" if item.mistake else "")


def _pictures(run: Run | None) -> list[str]:
    if run is None:
        return []
    story, difference = tell(run), run.difference
    lines = [f"{_INDENT}>>> {line}" for line in story.code]
    if difference is not None and difference.kind == "value" and difference.expected.ndim:
        mine, right, wrong = difference.actual, difference.expected, difference.wrong
        form = format_for(mine, right, apart=(mine[wrong], right[wrong]))
        lines += _array("expected", right, form, order=wrong)
        lines += _array("yours (* is wrong)", mine, form, wrong, order=wrong)
    for name, array in [*story.came, *story.inputs]:
        lines += _array(name, array, format_for(array))
    return lines


def _array(
    name: str,
    array: np.ndarray,
    form: Format,
    wrong: np.ndarray | None = None,
    order: np.ndarray | None = None,
) -> list[str]:
    """An array in rows, a star after each wrong entry. order: the wrong entries, whose slices come first."""
    if not fits(array):
        return [f"{_INDENT}{name}: {summary(array)}"]
    lines = [f"{_INDENT}{name}:"]
    for _, (index, part) in zip(range(SLICES), slices(array, order), strict=False):
        marks = None if wrong is None else (wrong[index] if array.ndim > 1 else wrong.reshape(1, -1))
        if index:
            lines.append(f"{_INDENT}  {slice_name(index)}")
        cells = [
            [form(value) + ("" if marks is None else "*" if marks[i, j] else " ") for j, value in enumerate(row)]
            for i, row in enumerate(part)
        ]
        width = max(len(cell) for row in cells for cell in row)
        lines += [f"{_INDENT}  {' '.join(cell.rjust(width) for cell in row)}".rstrip() for row in cells]
    more = count_slices(array) - SLICES
    return [*lines, f"{_INDENT}  and {more} more like these"] if more > 0 else lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT) if text else []
