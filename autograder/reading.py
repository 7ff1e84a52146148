"""Opening what was handed in: never through a link, never more than a bound, never with a traceback."""

from __future__ import annotations

import codecs
import errno
import json
import os
import stat
from pathlib import Path

from autograder.units import Limits

# Begins the note that stands in the place of a link; the sentence after it says what stood there.
REFUSED = "Backpass: "
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Unreadable(ValueError):
    """The file is no submission; the text is one sentence that says why."""


def read_bytes(path: Path, limits: Limits) -> bytes:
    """The bytes of a regular file of bounded size; links are not followed."""
    name = Path(path).name
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Unreadable(f"{name} is a link, not a file.") from None
        raise Unreadable(f"{name} cannot be read: {error.strerror}.") from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        what = "a folder, not a file" if stat.S_ISDIR(mode) else "not an ordinary file"
        raise Unreadable(f"{name} is {what}.")
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(limits.notebook_bytes + 1)
    if len(data) > limits.notebook_bytes:
        megabytes = limits.notebook_bytes >> 20
        raise Unreadable(f"{name} is larger than {megabytes} MiB: clear its outputs and hand it in again.")
    if not data.strip():
        raise Unreadable(f"{name} is empty.")
    if data.startswith(REFUSED.encode()):
        raise Unreadable(data.decode("utf-8", "replace").removeprefix(REFUSED).split("\n", 1)[0][:500])
    if b"\0" in data and not data.startswith(_UTF16_MARKS):
        raise Unreadable(f"{name} holds NUL bytes, so it is damaged or not a text file.")
    return data


def decoded(data: bytes, name: str) -> str:
    """The text of a file in UTF-8, or in UTF-16 with its mark."""
    try:
        return data.decode("utf-16" if data.startswith(_UTF16_MARKS) else "utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(f"{name} is not encoded as UTF-8.") from None


def notebook_cells(data: bytes, name: str) -> list[dict]:
    """The cells of a notebook file of any format, none of it trusted. Raises Unreadable."""
    text = decoded(data, name)
    try:
        notebook = json.loads(text)
    except json.JSONDecodeError as error:
        ended = error.pos >= len(text.rstrip()) or "Unterminated" in error.msg
        what = "ends too early: it was cut off" if ended else f"is not a notebook: line {error.lineno} is not JSON"
        raise Unreadable(f"{name} {what}.") from None
    except RecursionError:
        raise Unreadable(f"{name} is nested too deeply for a notebook.") from None
    except ValueError:
        raise Unreadable(f"{name} is not a notebook: it holds a number that is too long.") from None
    if not isinstance(notebook, dict):
        raise Unreadable(f"{name} is not a notebook: it is JSON, but not an object.")
    version = notebook.get("nbformat", 4)
    if type(version) is int and 1 <= version < 4:
        notebook = _upgraded(notebook, name)
    elif version != 4:
        raise Unreadable(
            f"{name} has the notebook format {str(version)[:20]}, which is not known: save it in format 4."
        )
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise Unreadable(f"{name} is not a notebook: it has no list of cells.")
    if not cells:
        raise Unreadable(f"{name} has no cells.")
    return cells


def _upgraded(notebook: dict, name: str) -> dict:
    import nbformat

    try:
        return nbformat.convert(nbformat.from_dict(notebook), 4)
    # The converters expect well-formed notebooks and raise whatever happens.
    except Exception:  # noqa: BLE001
        raise Unreadable(
            f"{name} has an old notebook format and is damaged: open it in Jupyter and save it again."
        ) from None
