"""The report in a notebook, and the feedback on hidden checks: inline styles, no script, nothing fetched.

Colours are laid over whatever the page's background is, and text keeps the page's colour: so it is legible in
light and in dark. Blue is right, orange is wrong (told apart by colour-blind readers), and a sign says it,
too. No colour is legible as text on both white and black: signs stand white on a square of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import numpy as np

from backpass.array_pictures import (
    MAP,
    SLICES,
    Format,
    count_slices,
    fits,
    format_for,
    slice_name,
    slices,
    summary,
)
from backpass.compare import Difference
from backpass.explain import capital
from backpass.report import STATE_WORDS, Item, Report, Section
from backpass.running import Run
from backpass.story import tell

# White on each, and each on white, has a contrast of 4.5 or more.
BLUE, ORANGE, GREY = "#0072B2", "#B85000", "#6b6b6b"
_COLOURS = {"passed": BLUE, "not_attempted": GREY, "not_graded": GREY}
_RIGHT, _WRONG, _PLAIN = "#56b4e94d", "#e69f0060", "#7f7f7f1c"
# A failure after the first shows its arrays only where they are small: a notebook's file holds all this.
_SMALL = 64
_LINE = "1px solid rgba(127,127,127,.35)"
_MONO = "font-family:var(--jp-code-font-family,ui-monospace,Menlo,Consolas,monospace);font-size:12.5px"
_MARGIN = "margin:6px 0"


def report_html(report: Report) -> str:
    """What a notebook shows for `check(...)`."""
    if report.trouble:
        return _box(f'<div style="{_MARGIN}"><b>Nothing was checked.</b> {_text(report.trouble)}</div>', GREY)
    return "".join(_section(section) for section in report.sections)


def _section(section: Section) -> str:
    parts = [_head(section)]
    if not section.attempted:
        parts.append(_paragraph(_untouched(section)))
        return _box("".join(parts) + _hints(section), GREY)
    runs = section.runs or [None] * len(section.items)
    pairs = list(zip(section.items, runs, strict=True))
    failures = [(item, run) for item, run in pairs if item.state != "passed"]
    if not failures:
        parts.append(_paragraph("Everything here is right. Hidden checks ask the same of other numbers."))
    told: set[str] = set()
    for i, (item, run) in enumerate(failures):
        parts.append(_failure(item, run) if i == 0 else _folded_failure(item, run, item.mistake in told))
        told.add(item.mistake)
    parts += [
        _passed([item for item in section.items if item.state == "passed"]),
        _remarks(section),
        _hints(section),
    ]
    return _box("".join(parts), ORANGE if failures else BLUE)


def _head(section: Section) -> str:
    count, of = section.passed, len(section.items)
    points = f"{section.points:g} of {section.cell_points:g} points" if section.cell_points else "bonus"
    squares = "".join(_square(item) for item in section.items)
    return (
        f'<div style="display:flex;flex-wrap:wrap;align-items:baseline;gap:4px 14px">'
        f'<span role="heading" aria-level="3" style="font-size:16px;font-weight:600">{_text(section.exercise)}</span>'
        f'<span role="img" aria-label="{count} of {of} items pass">{squares}</span>'
        f"<span>{count} of {of} items pass</span>"
        f'<span style="margin-left:auto;font-weight:600;white-space:nowrap">{points}</span></div>'
    )


def _square(item: Item) -> str:
    sign, words = STATE_WORDS[item.state]
    colour = _COLOURS.get(item.state, ORANGE)
    return (
        f'<span aria-hidden="true" title="{escape(item.title)}: {words}" '
        f'style="display:inline-block;width:18px;line-height:18px;'
        f"text-align:center;border-radius:4px;margin-right:3px;letter-spacing:0;font-size:12px;font-weight:400;"
        f'background:{colour};color:#fff">{sign}</span>'
    )


def _untouched(section: Section) -> str:
    messages = dict.fromkeys(item.message for item in section.items if item.message)
    return f"Not attempted yet. {next(iter(messages), '')}"


def _failure(item: Item, run: Run | None) -> str:
    colour = _COLOURS.get(item.state, ORANGE)
    return (
        f'<div style="border-left:4px solid {colour};padding:2px 0 2px 12px;margin:12px 0">'
        f'<div style="font-weight:600">{_title(item)}</div>{_body(item, run)}</div>'
    )


def _folded_failure(item: Item, run: Run | None, told: bool) -> str:
    difference = run.difference if run is not None else None
    small = difference is not None and np.size(difference.expected) <= _SMALL
    body = _indented(_body(item, run if small else None, told))
    return f'<details style="{_MARGIN}"><summary style="cursor:pointer">{_title(item)}</summary>{body}</details>'


def _title(item: Item) -> str:
    words = STATE_WORDS[item.state][1]
    return (
        f"{_square(item)} {_text(item.title)} "
        f'<span style="font-weight:400;opacity:.75">({words}, {_points(item)})</span>'
    )


def _points(item: Item) -> str:
    return f"{item.max_points:g} point{'s' * (item.max_points != 1)}"


def _body(item: Item, run: Run | None, told: bool = False) -> str:
    """told: the likely cause stands further up already."""
    parts = [_soft(item.about)]
    if told and item.mistake:
        parts.append(_paragraph("Likely cause: as above."))
    elif item.mistake:
        parts.append(
            f'<div style="margin:8px 0;padding:8px 12px;border-radius:6px;background:rgba(230,159,0,.18)">'
            f"<b>Likely cause.</b> {_text(item.mistake)}</div>"
        )
    parts.append(_paragraph(capital(item.message)))
    if run is not None and item.state != "not_attempted":
        parts.append(_pictures(run))
    return "".join(parts)


def _pictures(run: Run) -> str:
    story = tell(run)
    parts = []
    if story.code:
        code = "\n".join(story.code)
        parts.append(
            f'<pre style="{_MONO};margin:8px 0;padding:6px 10px;border-radius:6px;background:{_PLAIN};'
            f'color:inherit;white-space:pre-wrap;overflow-wrap:anywhere">{_text(code)}</pre>'
        )
    difference = run.difference
    if difference is not None and difference.kind == "value" and difference.expected.ndim:
        parts.append(_compared(difference))
    elif difference is not None and difference.kind == "shape":
        both = [("expected", np.asarray(difference.expected)), ("yours", np.asarray(difference.actual))]
        parts.append(_row([_picture(f"{name}, shape {array.shape}", array) for name, array in both]))
    elif story.came:
        parts.append(_row([_picture(name, array) for name, array in story.came]))
    if story.inputs:
        row = _row([_picture(name, array) for name, array in story.inputs])
        parts.append(_folded("The input", row, opened=sum(array.size for _, array in story.inputs) <= _SMALL))
    return "".join(parts)


def _compared(difference: Difference) -> str:
    """The right array and the student's side by side, slice by slice, those with wrong entries first."""
    mine, right, wrong = difference.actual, difference.expected, difference.wrong
    count = f"yours: {difference.count} of {difference.size} wrong"
    if not fits(right):
        return _row([_picture("expected", right), _large(count, mine, wrong)]) + _legend()
    form = format_for(mine, right, apart=(mine[wrong], right[wrong]))
    rows = []
    for index, part in _first_slices(right, wrong):
        own, bad = (mine[index], wrong[index]) if mine.ndim > 1 else (mine.reshape(1, -1), wrong.reshape(1, -1))
        pair = [
            _labelled("expected" if not rows else "", _captioned(index, _table(part, form, bad, marked=False))),
            _labelled(count if not rows else "", _captioned(index, _table(own, form, bad))),
        ]
        rows.append(_row(pair))
    return "".join(rows) + _more(count_slices(right) - len(rows)) + _legend()


def _picture(label: str, array: np.ndarray) -> str:
    """An array under its name, number by number where it fits."""
    if not fits(array):
        return _labelled(label, f'<div style="opacity:.8">{_text(summary(array))}</div>')
    form = format_for(array)
    tables = [_captioned(index, _table(part, form)) for index, part in _first_slices(array)]
    dtype = "" if array.dtype == np.float64 else f", {array.dtype.name}"
    return _labelled(label + dtype, "".join(tables) + _more(count_slices(array) - len(tables)))


def _large(label: str, array: np.ndarray, wrong: np.ndarray) -> str:
    """A large array: its summary, and a map of what is wrong."""
    maps = [_map(part) for _, part in _first_slices(wrong, wrong)] if fits(array, MAP) else []
    return _labelled(label, f'<div style="opacity:.8">{_text(summary(array))}</div>{"".join(maps)}')


def _first_slices(array: np.ndarray, wrong: np.ndarray | None = None) -> list[tuple[tuple[int, ...], np.ndarray]]:
    return [pair for _, pair in zip(range(SLICES), slices(array, wrong), strict=False)]


def _more(count: int) -> str:
    return f'<div style="opacity:.75;font-size:12px">and {count} more like these</div>' if count > 0 else ""


def _table(part: np.ndarray, form: Format, wrong: np.ndarray | None = None, marked: bool = True) -> str:
    """Numbers as tiles. wrong: which are wrong; marked: told by colour and sign, else only by weight."""
    rows = []
    for i, row in enumerate(part):
        cells = []
        for j, value in enumerate(row):
            bad = wrong is not None and bool(wrong[i, j])
            colour = _PLAIN if wrong is None or not marked else _WRONG if bad else _RIGHT
            text = _text(form(value))
            text = f"<b>{text}</b>" if bad else text
            sign = '<span role="img" aria-label="wrong:">≠</span>' if bad and marked else ""
            cells.append(f'<td style="padding:1px 5px;background:{colour}">{sign}{text}</td>')
        rows.append(f'<tr style="background:none">{"".join(cells)}</tr>')
    return f'<table style="{_TABLE}">{"".join(rows)}</table>'


_TABLE = (
    f"{_MONO};border-collapse:separate;border-spacing:2px;margin:0 0 6px -2px;width:auto;"
    "table-layout:auto;border:none;color:inherit;text-align:right;white-space:nowrap;line-height:1.5"
)


def _map(wrong: np.ndarray) -> str:
    """Right and wrong entries of a larger array, as small squares."""
    style = f"padding:0;width:8px;height:8px;min-width:8px;line-height:0;font-size:0;border:{_LINE}"
    rows = "".join(
        '<tr style="background:none;height:8px">'
        + "".join(f'<td style="{style};background:{_WRONG if bad else _RIGHT}"></td>' for bad in row)
        + "</tr>"
        for row in wrong
    )
    count = int(np.count_nonzero(wrong))
    return f'<table role="img" aria-label="map: {count} of {wrong.size} wrong" style="{_TABLE}">{rows}</table>'


def _legend() -> str:
    def sample(colour: str, words: str) -> str:
        style = f"display:inline-block;width:11px;height:11px;border:{_LINE};background:{colour}"
        square = f'<span style="{style}"></span>'
        return f"{square}&nbsp;{words}"

    return (
        f'<div style="font-size:12px;opacity:.8;margin:0 0 6px 0">{sample(_RIGHT, "right")} &ensp; '
        f"{sample(_WRONG, '≠ wrong')}</div>"
    )


def _passed(items: list[Item]) -> str:
    if not items:
        return ""
    lines = "".join(f"<li>{_text(item.title)} ({_points(item)}){_soft(item.about)}</li>" for item in items)
    return _folded(f"Passed: {len(items)}", f'<ul style="{_MARGIN};padding-left:20px">{lines}</ul>')


def _remarks(section: Section) -> str:
    """Warnings, and what the code printed while it was checked."""
    warnings = list(dict.fromkeys(text for run in section.runs for text in run.warnings))
    printed = next((run.printed for run in section.runs if run.printed.strip()), "")
    parts = ""
    if warnings:
        lines = "".join(f"<li>{_text(text)}</li>" for text in warnings[:10])
        parts += _folded(f"Your code gave {_some(len(warnings), 'warning')}", f'<ul style="{_MARGIN}">{lines}</ul>')
    if printed:
        text = "\n".join(printed.splitlines()[:20])
        parts += _folded("Your code printed", f'<pre style="{_MONO};color:inherit;background:none">{_text(text)}</pre>')
    return parts


def _hints(section: Section) -> str:
    """One at a time: each hint is folded inside the one before."""
    inner = ""
    for i, hint in reversed(list(enumerate(section.hints, 1))):
        inner = _folded(f"Hint {i} of {len(section.hints)}", _paragraph(hint) + inner)
    links = [(section.lecture, "Where the lecture explains it"), (section.reference, "One way to write it")]
    for target, words in links:
        if target:
            link = f'<a href="{escape(target)}" style="color:inherit;text-decoration:underline">{words}</a>'
            inner += f'<div style="{_MARGIN}">{link}</div>'
    return inner


# ---- The feedback on hidden checks: only what nbgrader_plugin.feedback lets through


def feedback(items: list[Item], title: str = "") -> str:
    """Per exercise its items with points and explanations. There is no value to show: messages hold none."""
    by_exercise: dict[str, list[Item]] = {}
    for item in items:
        by_exercise.setdefault(item.exercise, []).append(item)
    head = f'<div style="font-weight:600;font-size:17px;margin:6px 0">{_text(title)}</div>' if title else ""
    alone = len(by_exercise) == 1
    return head + "".join(_exercise_feedback(name, of, named=not alone) for name, of in by_exercise.items())


def _exercise_feedback(name: str, items: list[Item], *, named: bool) -> str:
    undecided = [item for item in items if item.points is None]
    earned, possible = sum(item.points or 0 for item in items), sum(item.max_points for item in items)
    total = f"{earned:g} of {possible:g} points" + (" (bonus)" if items[0].bonus else "")
    if undecided:
        total = f"{len(undecided)} of {len(items)} items are not graded yet: a fault of ours, no point is lost"
    subject = f"{_text(name)}: " if named else ""
    rows = "".join(_feedback_row(item) for item in _merged(items))
    return (
        f'<div style="margin:8px 0 14px 0;line-height:1.5">'
        f'<div style="font-weight:600">{subject}{total}</div>'
        f'<table style="border-collapse:collapse;width:100%;margin:6px 0">{rows}</table></div>'
    )


def _merged(items: list[Item]) -> list[tuple[Item, bool]]:
    """(item, whether its mistake was told before): one cause is explained once."""
    told: set[str] = set()
    pairs = []
    for item in items:
        pairs.append((item, item.mistake in told))
        if item.mistake:
            told.add(item.mistake)
    return pairs


def _feedback_row(pair: tuple[Item, bool]) -> str:
    item, told = pair
    sign, words = STATE_WORDS[item.state]
    colour = _COLOURS.get(item.state, ORANGE)
    points = f"– / {item.max_points:g}" if item.points is None else f"{item.points:g} / {item.max_points:g}"
    parts = [f'<span style="font-weight:600">{_text(item.title)}</span>']
    if item.state != "passed":
        parts[0] += f' <span style="color:{colour}">({words})</span>'
        parts.append(f'<div style="color:#5f6b7a">{_text(item.about)}</div>' if item.about else "")
        if item.mistake:
            lead = "Likely cause: as above." if told else f"<strong>Likely cause.</strong> {_text(item.mistake)}"
            parts.append(f'<div style="background-color:#fdf3e1;padding:4px 10px;margin:4px 0">{lead}</div>')
        parts.append(f"<div>{_text(capital(item.message))}</div>" if item.message else "")
    cell = "padding:6px 10px 6px 0;vertical-align:top;border-top:1px solid #dfe4ea;text-align:left"
    return (
        f'<tr><td style="{cell};width:24px;color:{colour};font-weight:bold">{sign}</td>'
        f'<td style="{cell}">{"".join(parts)}</td>'
        f'<td style="{cell};white-space:nowrap;text-align:right">{points}</td></tr>'
    )


# ---- Small pieces


def _box(content: str, colour: str) -> str:
    return (
        f'<div style="border:{_LINE};border-top:3px solid {colour};border-radius:6px;padding:10px 16px;'
        f"margin:4px 0 10px 0;max-width:960px;line-height:1.5;font-size:14px;"
        f'font-family:var(--jp-content-font-family,system-ui,sans-serif)">'
        f"{content}</div>"
    )


def _row(pictures: Iterable[str]) -> str:
    return f'<div style="overflow-x:auto;margin:8px 0 2px 0">{"".join(pictures)}</div>'


def _labelled(label: str, content: str) -> str:
    head = f'<div style="font-weight:600;font-size:12.5px;margin-bottom:3px">{_text(label)}</div>' if label else ""
    return f'<div style="display:inline-block;vertical-align:top;margin:0 18px 2px 0">{head}{content}</div>'


def _captioned(index: tuple[int, ...], table: str) -> str:
    """A slice of a larger array below its index."""
    if not index:
        return table
    caption = f'<div style="{_MONO};opacity:.75">{slice_name(index)}</div>'
    return f'<div style="display:inline-block;vertical-align:top;margin-right:4px">{caption}{table}</div>'


def _folded(summary_text: str, content: str, *, opened: bool = False) -> str:
    state = " open" if opened else ""
    return (
        f'<details{state} style="{_MARGIN}"><summary style="cursor:pointer">{_text(summary_text)}</summary>'
        f"{_indented(content)}</details>"
    )


def _indented(content: str) -> str:
    return f'<div style="padding-left:14px">{content}</div>'


def _paragraph(text: str) -> str:
    return f'<div style="{_MARGIN}">{_text(text)}</div>' if text else ""


def _soft(text: str) -> str:
    return f'<div style="opacity:.75">{_text(text)}</div>' if text else ""


def _some(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count != 1)}"


def _text(text: str) -> str:
    """Escaped; what stands between backquotes is code."""
    pieces = escape(text).split("`")
    if len(pieces) % 2 == 0:
        return escape(text)
    return "".join(f'<code style="color:inherit">{p}</code>' if i % 2 else p for i, p in enumerate(pieces))
