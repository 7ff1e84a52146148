"""Reading what was handed in: every kind of file gives cells, or one clear sentence."""

from __future__ import annotations

import dataclasses
import json
import os
import warnings
from pathlib import Path

import nbformat
import pytest

from autograder import submission
from autograder.submission import Unreadable, guess_unit, plain_python, read_submission
from autograder.units import UNITS, Limits

UNIT = UNITS["convolution"]


def code(source: str | list[str], grade_id: str = "", tags: tuple[str, ...] = (), **nbgrader) -> dict:
    metadata: dict = {"tags": list(tags)} if tags else {}
    if grade_id:
        metadata["nbgrader"] = {"grade_id": grade_id, **nbgrader}
    return {
        "cell_type": "code",
        "source": source,
        "metadata": metadata,
        "outputs": [],
        "execution_count": None,
    }


def text(source: str) -> dict:
    return {"cell_type": "markdown", "source": source, "metadata": {}}


def notebook(*cells: dict, **fields) -> dict:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **fields}


@pytest.fixture
def read(tmp_path):
    """Write what is given (a notebook, or bytes) and read it as a submission."""

    def reader(content: dict | bytes, name: str = "convolution.ipynb", unit=UNIT):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        (tmp_path / name).write_bytes(data)
        return read_submission(tmp_path / name, unit)

    return reader


@pytest.fixture
def source(tmp_path, monkeypatch) -> None:
    """A source notebook with one locked test cell, `pad2d`."""
    path = tmp_path / "source.ipynb"
    cells = [
        code("stub", "pad2d_solution", grade=False, locked=False, solution=True),
        code('check("pad2d")', "pad2d", grade=True, locked=True, solution=False),
    ]
    path.write_text(json.dumps(notebook(*cells)))
    monkeypatch.setattr(submission, "source_notebook", lambda unit: path)


def test_code_cells_come_in_order_and_are_named(read):
    cells = read(notebook(text("# hello"), code("a = 1"), code("  \n"), code(["b = 2\n", "c = 3"])))
    assert [(cell.name, cell.source) for cell in cells] == [("cell 1", "a = 1"), ("cell 3", "b = 2\nc = 3")]


def test_locked_test_cells_are_decided_by_the_source(read, source):
    cells = read(
        notebook(
            code("def pad2d(): ...", "pad2d_solution", grade=True, locked=True),  # as if it were a test
            code("import os; os._exit(0)", "pad2d", grade=False, locked=False),  # as if it were not
            code("helper = 1", "my_own", grade=True, locked=True),
            code("shown = 1", tags=("not-graded-code",)),
        )
    )
    assert [cell.grade_id for cell in cells] == ["pad2d_solution", "my_own"]


def test_a_python_file_is_one_cell(read):
    (cell,) = read(b"\xef\xbb\xbfx = 1\r\ny = 2\r\n", "work.py")
    assert (cell.name, cell.source) == ("work.py", "x = 1\ny = 2\n")


def test_a_python_file_that_is_wrong_is_still_a_cell(read):
    assert read(b"def f(:\n", "work.py")[0].source == "def f(:\n"


@pytest.mark.parametrize("version", [2, 3])
def test_old_notebooks_are_upgraded(read, version):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about what format 4.5 asks of cells
        old = nbformat.convert(nbformat.from_dict(notebook(code("a = 1"))), version)
    assert [cell.source for cell in read(json.loads(json.dumps(old)))] == ["a = 1"]


def test_a_newer_minor_format_and_missing_metadata_are_read(read):
    assert read(notebook(code("a = 1"), nbformat_minor=99))[0].source == "a = 1"
    assert read({"cells": [{"cell_type": "code", "source": "a = 1"}]})[0].source == "a = 1"
    odd = notebook(code("a = 1"), metadata=None)
    odd["cells"][0]["metadata"] = {"nbgrader": [1], "tags": "x"}
    assert read(odd)[0].source == "a = 1"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_matter(read, encoding):
    assert read(json.dumps(notebook(code("a = 1"))).encode(encoding))[0].source == "a = 1"


def test_the_language_that_a_notebook_claims_is_no_matter(read):
    """Restore mends the kernel from the source notebook; here, too, the code decides."""
    claimed = notebook(code("a = 1"), metadata={"kernelspec": {"language": "R", "name": "ir"}})
    assert read(json.dumps(claimed).encode())[0].source == "a = 1"


DEEP = b'{"cells": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
GOOD = json.dumps(notebook(code("a = 1"))).encode()
UNREADABLE = {
    "no JSON": (b"hello there\n", "line 1 is not JSON"),
    "cut off": (GOOD[: len(GOOD) // 2], "ends too early"),
    "cut off in a text": (GOOD[: GOOD.index(b"a = 1") + 2], "ends too early"),
    "empty": (b"", "is empty"),
    "white space": (b" \n\n", "is empty"),
    "UTF-16 without its mark": (GOOD.decode().encode("utf-16-le"), "NUL"),
    "NUL": (GOOD + b"\0", "NUL"),
    "Latin-1": (b'{"cells": ["\xe9"]}', "not encoded as UTF-8"),
    "deep": (DEEP, "nested too deeply"),
    "a long number": (b'{"cells": ' + b"1" * 10_000 + b"}", "number that is too long"),
    "a list": (b"[1, 2]", "not an object"),
    "null": (b"null", "not an object"),
    "no cells at all": (b"{}", "no list of cells"),
    "cells that are text": (b'{"cells": "a"}', "no list of cells"),
    "cells that are numbers": (b'{"cells": [1]}', "no list of cells"),
    "zero cells": (json.dumps(notebook()).encode(), "has no cells"),
    "no code": (json.dumps(notebook(text("hello"))).encode(), "no code cells"),
    "a source that is a number": (json.dumps(notebook(code(3))).encode(), "source is not text"),
    "format 5": (json.dumps(notebook(code("a"), nbformat=5)).encode(), "format 5"),
    "format true": (json.dumps(notebook(code("a"), nbformat=True)).encode(), "format True"),
    "format 3, damaged": (b'{"nbformat": 3, "worksheets": 7}', "damaged"),
}


@pytest.mark.parametrize(("data", "words"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_no_notebook_is_refused_with_one_sentence(read, data, words):
    with pytest.raises(Unreadable, match=words) as caught:
        read(data)
    assert str(caught.value).startswith("convolution.ipynb ")
    assert str(caught.value).count(". ") == 0


def test_a_file_that_is_too_large_is_not_read(read):
    small = dataclasses.replace(UNIT, limits=dataclasses.replace(Limits(), notebook_bytes=1 << 20))
    with pytest.raises(Unreadable, match="larger than 1 MiB"):
        read(b"x" * ((1 << 20) + 1), unit=small)


def test_other_kinds_of_files_are_refused(read):
    with pytest.raises(Unreadable, match="neither a notebook"):
        read(b"a,b\n", "work.csv")


def test_only_ordinary_files_are_opened(tmp_path):
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(GOOD)
    os.symlink(secret, tmp_path / "link.ipynb")
    (tmp_path / "folder.ipynb").mkdir()
    os.mkfifo(tmp_path / "pipe.ipynb")
    for name, words in (("link", "is a link"), ("folder", "is a folder"), ("pipe", "not an ordinary file")):
        with pytest.raises(Unreadable, match=words):
            read_submission(tmp_path / f"{name}.ipynb", UNIT)
    with pytest.raises(Unreadable, match="cannot be read: No such file"):
        read_submission(tmp_path / "nothing.ipynb", UNIT)


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("x = 1", "x = 1"),
        ("%%time\ndef f(): pass", "\ndef f(): pass"),
        ("%%capture out\nx = 1", "\nx = 1"),
        ("%time x = 1", "x = 1"),
        ("for i in y:\n    %time f(i)", "for i in y:\n    f(i)"),
    ],
)
def test_timing_magics_leave_their_code(source, kept):
    assert plain_python(source) == kept


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("%matplotlib inline\nx = 1", "run_line_magic"),
        ("!pip install scipy", "system"),
        ("files = !ls", "getoutput"),
        ("np.pad?", "pinfo"),
        ("%%bash\nrm -rf /", "run_cell_magic"),
    ],
)
def test_other_ipython_syntax_becomes_plain_python(source, words):
    plain = plain_python(source)
    assert words in plain
    compile(plain, "cell", "exec")


def test_nonsense_is_kept():
    assert plain_python("def f(:\n") == "def f(:\n"


def test_the_unit_is_guessed_by_name_folder_or_contents(tmp_path):
    (tmp_path / "dropout").mkdir()
    (tmp_path / "elsewhere").mkdir()
    for path, content, unit in (
        ("pooling.py", "", "pooling"),
        ("dropout/work.ipynb", "", "dropout"),
        ("elsewhere/work.py", "def conv2d_naive(x): ...\ndef im2col(x): ...", "conv_layer"),
    ):
        (tmp_path / path).write_text(content)
        assert guess_unit(tmp_path / path).name == unit
    (tmp_path / "elsewhere/none.py").write_text("x = 1")
    with pytest.raises(Unreadable, match="names no exercise"):
        guess_unit(Path(tmp_path / "elsewhere/none.py"))
