"""Rows 12 and 21: what stands in pages and tables: scripts, and names."""

from __future__ import annotations

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from tests.attacks.attack import FULL, attack

# Every script of these, if it ran, would set a variable of the page and ask the listener for a picture.
RUNS = "window.ran = (window.ran || []).concat('{}'); new Image().src = 'http://127.0.0.1:@TCP@/{}'"


def _runs(name: str) -> str:
    return RUNS.format(name, name)


def _output(kind: str, text: str):
    def change(notebook: NotebookNode) -> NotebookNode:
        cell = new_code_cell("pass", outputs=[new_output("display_data", {kind: text, "text/plain": text})])
        notebook.cells.insert(1, cell)
        return notebook

    return change


def _markdown(text: str):
    def change(notebook: NotebookNode) -> NotebookNode:
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") == "why_correlation":
                cell.source = text
        notebook.cells.append(new_markdown_cell(text))
        return notebook

    return change


SCRIPT = f"<script>{_runs('@NAME@')}</script>"
IMAGE = f'<img src="x" onerror="{_runs("@NAME@")}">'
for name, what, change in (
    ("html-output", "an output in HTML with a script", _output("text/html", SCRIPT + IMAGE)),
    ("svg-output", "a picture in SVG with a script", _output("image/svg+xml", f"<svg>{SCRIPT}</svg>")),
    ("javascript-output", "an output in JavaScript", _output("application/javascript", _runs("@NAME@"))),
    ("markdown-output", "an output in Markdown with a script", _output("text/markdown", IMAGE)),
    ("latex-output", "an output in LaTeX with a script", _output("text/latex", f"$</span>{IMAGE}$")),
    ("markdown-cell", "a text cell with a script", _markdown(f"# Answer\n\n{SCRIPT}{IMAGE}")),
    ("link", "a link that is a script", _markdown(f"[me](javascript:{_runs('@NAME@').replace(' ', '%20')})")),
    ("attribute", "a name of a picture that ends its attribute", _markdown(f"![a\"onerror=\"{_runs('@NAME@')}](x)")),
    ("frame", "a frame with a page of its own", _markdown(f'<iframe srcdoc="{SCRIPT}"></iframe>')),
    ("style", "a style that asks for a picture", _markdown("<style>body{background:url(http://127.0.0.1:@TCP@/x)}</style>")),
    ("refresh", "a page that goes elsewhere", _markdown('<meta http-equiv="refresh" content="0;url=http://127.0.0.1:@TCP@">')),
):  # fmt: skip
    # Plain nbgrader runs the notebook again: what stood in outputs is gone there, what stood in text is not.
    # (A page that nbconvert makes of the file as it was handed in runs them all: see all_attacks.py.)
    text = name in ("markdown-cell", "link", "frame", "style", "refresh")
    attack(f"page-{name}", 12, what, notebook=change, expect=FULL, plain="script" if text else "")
for name, what, body, expect, says in (
    ("message", "an exception whose text is a script", f"raise ValueError({SCRIPT + IMAGE!r})", "raised", "ValueError"),
    (
        "type-name",
        "an exception whose name is a script",
        f"raise type({IMAGE!r}, (Exception,), {{}})({SCRIPT!r})",
        "raised",
        "onerror",
    ),
    ("printed", "printed scripts", f"print({SCRIPT + IMAGE!r}); return None", "failed", "."),
    ("returned", "a returned object that shows itself as a script", "return Page()", "failed", "."),
    (
        "terminal",
        "an exception that writes to the terminal",
        r"raise ValueError('\x1b]0;owned\x07\x1b[2J')",
        "raised",
        "ValueError",
    ),
):  # fmt: skip
    page = f"""
from IPython.display import HTML, Javascript, display
class Page:
    def _repr_html_(self): return {IMAGE!r}
    def __repr__(self): return {SCRIPT!r}
display(HTML({SCRIPT!r}))
def convolve1d(x, w, mode="full"):
    """
    attack(f"page-{name}", 12, what, code=page + body, expect=expect, says=says, plain="script")

# Row 21: names. Everything else of these submissions is right.

for name, student in {
    "html": "<img src=x onerror=ran=1>",
    "quotes": "a\"b'c`d",
    "newline": "two\nlines",
    "right-to-left": "\u202egpj.exe",
    "formula": "=cmd|' -c calc'!A0",
    "plus": "+1+1",
    "at": "@SUM(1,1)",
    "sql": "x'; DROP TABLE grade; --",
    "pattern": "a[b]*?",
    "dash": "--help",
    "terminal": "\x1b[2J\x1b]0;owned\x07",
    "template": "{{ 7 * 7 }}{% raw %}",
    "percent": "100%s%n%d",
    "long": "n" * 200,
    "not-utf-8": b"\xff\xfe".decode("utf-8", "surrogateescape"),
}.items():
    plain = "stopped" if name == "newline" else "formula" if name in ("formula", "plus", "at") else ""
    impossible = name in ("newline", "not-utf-8")
    # nbgrader looks for folders with patterns, and takes brackets in a name for one.
    attack(f"name-{name}", 21, "a student id", student=student, expect=FULL, plain=plain, entered=not impossible,
           nbgrader_too=not impossible and "[" not in student)  # fmt: skip
