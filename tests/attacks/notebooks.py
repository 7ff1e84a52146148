"""Row 19: the notebook file itself."""

from __future__ import annotations

import copy
import json
import os
import shutil
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from tests.attacks.attack import FULL, NOT_GRADED, attack

BROKEN = "there is nothing in it that could be graded"


def _marks(cell: NotebookNode) -> dict:
    return cell.metadata.get("nbgrader", {})


def _is_test(cell: NotebookNode) -> bool:
    return bool(_marks(cell).get("grade") and _marks(cell).get("locked"))


def _text(notebook: NotebookNode) -> str:
    return json.dumps(notebook)


def _edited(notebook: NotebookNode) -> NotebookNode:
    for cell in notebook.cells:
        if _is_test(cell):
            cell.source = "pass"
    return notebook


def _unlocked(notebook: NotebookNode) -> NotebookNode:
    """Test cells that do not say that they are tests, and whose points are a thousand."""
    for cell in notebook.cells:
        if _is_test(cell):
            cell.metadata.nbgrader.update(locked=False, solution=True, points=1000)
            cell.source = "pass"
    return notebook


def _without_tests(notebook: NotebookNode) -> NotebookNode:
    notebook.cells = [cell for cell in notebook.cells if not _is_test(cell)]
    return notebook


def _doubled(notebook: NotebookNode) -> NotebookNode:
    cells = []
    for cell in notebook.cells:
        cells += [cell, copy.deepcopy(cell)] if _marks(cell) else [cell]
    notebook.cells = cells
    return notebook


def _reversed(notebook: NotebookNode) -> NotebookNode:
    tests = [cell for cell in notebook.cells if _is_test(cell)]
    others = [cell for cell in notebook.cells if not _is_test(cell)]
    notebook.cells = tests[::-1] + others
    return notebook


def _points(notebook: NotebookNode) -> NotebookNode:
    for cell in notebook.cells:
        if "points" in _marks(cell):
            cell.metadata.nbgrader.points = 10**6
    return notebook


def _one_name(notebook: NotebookNode) -> NotebookNode:
    for cell in notebook.cells:
        if _marks(cell):
            cell.metadata.nbgrader.grade_id = "convolve1d"
    return notebook


def _schema(version: object):
    def change(notebook: NotebookNode) -> NotebookNode:
        for cell in notebook.cells:
            if _marks(cell):
                cell.metadata.nbgrader.schema_version = version
        return notebook

    return change


def _bare(notebook: NotebookNode) -> NotebookNode:
    notebook.metadata = {}
    for cell in notebook.cells:
        cell.metadata = {}
    return notebook


def _kernel(**metadata: object):
    def change(notebook: NotebookNode) -> NotebookNode:
        notebook.metadata = nbformat.from_dict(metadata)
        return notebook

    return change


def _version3(notebook: NotebookNode) -> bytes:
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cells.append({"cell_type": "code", "language": "python", "input": cell.source, "outputs": [],
                          "metadata": cell.metadata, "collapsed": False})  # fmt: skip
        else:
            cells.append({"cell_type": "markdown", "source": cell.source, "metadata": cell.metadata})
    sheet = {"cells": cells, "metadata": {}}
    return json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [sheet]}).encode()


def _outputs(megabytes: int):
    def change(notebook: NotebookNode) -> NotebookNode:
        cell = new_code_cell("print()")
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="x" * (1 << 20))] * megabytes
        notebook.cells.append(cell)
        return notebook

    return change


def _deep(notebook: NotebookNode) -> bytes:
    return _text(notebook).encode()[:-1] + b', "deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def _strange_fields(notebook: NotebookNode) -> bytes:
    data = json.loads(_text(notebook))
    for number, cell in enumerate(data["cells"]):
        if not cell["metadata"]:
            cell.update(outputs={"a": [1]}, execution_count="x" * 9, metadata=[number], id=number, more=None)
    data["metadata"] = "text"
    return json.dumps(data).encode()


def _source_is_a_number(notebook: NotebookNode) -> bytes:
    data = json.loads(_text(notebook))
    data["cells"][1]["source"] = {"a": 1}
    return json.dumps(data).encode()


for name, what, change, plain in (
    ("tests-deleted", "the test cells are deleted", _without_tests, ""),
    ("cells-doubled", "every cell of the course stands there twice", _doubled, "stopped"),
    ("cells-reversed", "the test cells stand above, in another order", _reversed, ""),
    ("bare", "all metadata are gone", _bare, ""),
    ("no-kernelspec", "no kernel is named", _kernel(), ""),
    (
        "other-language",
        "the notebook says it is R",
        _kernel(kernelspec={"name": "ir", "language": "R", "display_name": "R"}),
        "",
    ),
    ("format-3", "notebook format 3", _version3, ""),
    ("byte-order-mark", "a byte-order mark", lambda nb: b"\xef\xbb\xbf" + _text(nb).encode(), ""),
    ("utf-16", "UTF-16", lambda nb: _text(nb).encode("utf-16"), ""),
    ("schema-4", "a newer schema of the metadata", _schema(4), "stopped"),
    ("schema-text", "a schema that is no number", _schema("x"), ""),
    ("one-name", "all cells have one name", _one_name, ""),
    ("strange-fields", "fields of the wrong types", _strange_fields, ""),
):
    attack(f"file-{name}", 19, what, notebook=change, expect=FULL, plain=plain)

for name, what, change in (
    ("tests-edited", "the test cells are emptied", _edited),
    ("tests-unlocked", "the test cells say they are answers", _unlocked),
    ("points", "a million points in the metadata", _points),
):
    # Here the answer is wrong, too: whatever the notebook says, nothing is earned.
    attack(f"file-{name}", 19, what, code="def convolve1d(*a, **k): return None", notebook=change,
           uncontrolled="nbgrader mends these, too")  # fmt: skip

for name, what, change, says in (
    ("cut-off", "half of the file", lambda nb: _text(nb).encode()[: len(_text(nb)) // 2], "cut off"),
    ("nul-bytes", "NUL bytes", lambda nb: _text(nb).encode().replace(b" ", b"\0"), "NUL bytes"),
    ("not-utf-8", "bytes that are no text", lambda nb: b'{"cells": ["\xff\xfa"]}', "not encoded as UTF-8"),
    ("empty", "an empty file", lambda nb: b"", "is empty"),
    ("a-list", "a list in place of a notebook", lambda nb: b"[1, 2]", "not an object"),
    ("no-cells", "no cells", lambda nb: b'{"nbformat": 4, "cells": []}', "no cells"),
    ("format-99", "an unknown format", lambda nb: b'{"nbformat": 99, "cells": [{}]}', "format 99"),
    ("deep", "a hundred thousand brackets", _deep, "nested too deeply"),
    ("large-outputs", "200 MB of outputs", _outputs(200), "larger than"),
    ("source-is-a-number", "a cell whose source is no text", _source_is_a_number, "source is not text"),
    ("long-number", "a number of a million digits", lambda nb: b'{"nbformat": ' + b"9" * 10**6 + b"}", "too long"),
):
    attack(f"file-{name}", 19, what, notebook=change, expect=NOT_GRADED, says=says, uncontrolled=BROKEN)


def _replaced(path: Path, make) -> None:
    path.unlink()
    make(path)


def _at(folder: Path) -> Path:
    return folder / "convolution.ipynb"


def _linked_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.symlink_to(folder.parent.parent / "zz-neighbour" / "convolution")


for name, what, hand_in, says, plain in (
    ("a-folder", "a folder in the file's place", lambda f: _replaced(_at(f), os.mkdir), "a folder, not a file", ""),
    (
        "link-to-passwd",
        "a link to /etc/passwd",
        lambda f: _replaced(_at(f), lambda p: p.symlink_to("/etc/passwd")),
        "a link to",
        "",
    ),
    (
        "link-to-neighbour",
        "a link to a neighbour's file",
        lambda f: _replaced(_at(f), lambda p: p.symlink_to(_at(f.parent.parent / "zz-neighbour" / "convolution"))),
        "a link to",
        "points",
    ),
    (
        "link-to-source",
        "a link to the instructor's notebook",
        lambda f: _replaced(_at(f), lambda p: p.symlink_to(_at(f.parent.parent.parent / "source" / "convolution"))),
        "a link to",
        "points",
    ),
    ("linked-folder", "a link in the place of the whole folder", _linked_folder, "link", "points"),
    ("pipe", "a pipe in the file's place", lambda f: _replaced(_at(f), os.mkfifo), "pipe, socket or device", ""),
):
    attack(f"file-{name}", 19, what, hand_in=hand_in, expect=NOT_GRADED, says=says, plain=plain,
           uncontrolled="" if plain else BROKEN)  # fmt: skip
attack(
    "file-link-beside", 19, "a link to a secret beside the notebook", expect=FULL, plain="read",
    hand_in=lambda folder: (folder / "notes.txt").symlink_to(folder.parent.parent.parent / "id_secret"),
)  # fmt: skip
