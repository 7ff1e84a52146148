"""Small helps for the lectures' notebooks."""

from __future__ import annotations

import html
import importlib


class Note:
    """A sentence set apart from the text, in HTML and in plain text."""

    def __init__(self, text: str, heading: str = ""):
        self.text, self.heading = text, heading

    def _repr_html_(self) -> str:
        head = f"<strong>{html.escape(self.heading)}</strong> " if self.heading else ""
        return (
            '<div style="border-left: 4px solid #8A8A8A; padding: .4em 1em; max-width: 44em">'
            f"{head}{html.escape(self.text)}</div>"
        )

    def __repr__(self) -> str:
        return f"{self.heading} {self.text}".strip()


def optional(module: str, purpose: str, *, install: str = ""):
    """The module, or None after one sentence that says how to get it.

    >>> optional("no_such_module", "The next figure")
    The next figure needs no_such_module: pip install no_such_module, then run this cell again. \
All the rest goes on without it.
    """
    try:
        found = importlib.import_module(module)
    except ImportError:
        sentence = (
            f"{purpose} needs {module}: pip install {install or module}, then run this cell again. "
            "All the rest goes on without it."
        )
        print(sentence)
        return None
    if module == "torch":
        # Small networks run several times slower on two threads than on one.
        found.set_num_threads(1)
    return found
