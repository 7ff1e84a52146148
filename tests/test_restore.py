"""Whatever a notebook says about itself, it becomes the course's notebook with the student's work in it."""

from __future__ import annotations

import base64
import copy

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from nbgrader.nbgraderformat import MetadataValidator

from autograder.nbgrader_plugin.reading import parse_notebook
from autograder.nbgrader_plugin.restore import MAX_CHARACTERS, SUBMITTED, released_form, restore
from autograder.reading import Unreadable, read_bytes
from autograder.units import Limits
from tests.nbgrader_course import answered, source_notebook

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 40).decode()


@pytest.fixture
def source() -> NotebookNode:
    return source_notebook()


@pytest.fixture
def right(source: NotebookNode) -> NotebookNode:
    """A submission with three answers."""
    return answered(released_form(source), convolve1d="return x  # mine", pad2d="return 7", question="My reasons.")


def cell_of(notebook: NotebookNode, grade_id: str) -> NotebookNode:
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def position(notebook: NotebookNode, grade_id: str) -> int:
    return notebook.cells.index(cell_of(notebook, grade_id))


def assert_mended(notebook: NotebookNode, source: NotebookNode) -> None:
    """Valid, and the course's cells are the released ones, in order, but for the answers' text."""
    nbformat.validate(notebook)
    MetadataValidator().validate_nb(notebook)
    course = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    expected = [cell for cell in released_form(source).cells if "nbgrader" in cell.metadata]
    for cell, wanted in zip(course, expected, strict=True):
        assert (cell.metadata, cell.cell_type, cell.id) == (wanted.metadata, wanted.cell_type, wanted.id)
        if not wanted.metadata.nbgrader.solution:
            assert cell.source == wanted.source
    assert notebook.metadata == released_form(source).metadata


def test_an_honest_submission_is_left_as_it_is(source, right):
    assert restore(right, source) == right


def test_the_source_is_not_changed(source, right):
    before = copy.deepcopy(source)
    restore(right, source)
    assert source == before


def edit_locked(notebook):
    cell_of(notebook, "convolve1d").source = "print('free points')"
    cell_of(notebook, "title").source = "# Mine"


def unlock(notebook):
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.locked = False


def delete_tests(notebook):
    notebook.cells = [cell for cell in notebook.cells if not cell.source.startswith("check(")]


def duplicate_everything(notebook):
    notebook.cells += copy.deepcopy(notebook.cells)


def reverse(notebook):
    notebook.cells.reverse()


def more_points(notebook):
    cell_of(notebook, "convolve1d").metadata.nbgrader.points = 1000


def same_grade_ids(notebook):
    cell_of(notebook, "pad2d").metadata.nbgrader.grade_id = "convolve1d"


def newer_schema(notebook):
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.schema_version = 99


def no_schema(notebook):
    for cell in notebook.cells:
        cell.metadata.get("nbgrader", {}).pop("schema_version", None)


def no_metadata(notebook):
    notebook.metadata = nbformat.from_dict({})
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})


def no_metadata_no_ids(notebook):
    no_metadata(notebook)
    for cell in notebook.cells:
        cell.pop("id")


def wrong_language(notebook):
    notebook.metadata = nbformat.from_dict({"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}})


def other_cell_types(notebook):
    for cell in notebook.cells:
        cell.cell_type = "raw"


def nonsense_in_the_metadata(notebook):
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({"nbgrader": [1, 2], "tags": 3})
    notebook.cells.append(nbformat.from_dict({"cell_type": 7, "metadata": None, "source": {"a": 1}, "id": 5}))
    notebook.cells.append("not a cell")


def lone_surrogates(notebook):
    notebook.cells.append(new_code_cell("x = '\ud800'"))


@pytest.mark.parametrize(
    "change",
    [
        edit_locked, unlock, delete_tests, duplicate_everything, reverse, more_points, same_grade_ids,
        newer_schema, no_schema, no_metadata, no_metadata_no_ids, wrong_language, other_cell_types,
        nonsense_in_the_metadata, lone_surrogates,
    ],
)  # fmt: skip
def test_mended(change, source, right):
    change(right)
    mended = restore(right, source)
    assert_mended(mended, source)
    nbformat.writes(mended).encode("utf-8")
    assert "return x  # mine" in cell_of(mended, "convolve1d_solution").source
    assert "return 7" in cell_of(mended, "pad2d_solution").source
    assert cell_of(mended, "question").source == "My reasons."


def test_of_two_solution_cells_the_last_that_is_not_the_stub_counts(source, right):
    stub = copy.deepcopy(cell_of(released_form(source), "pad2d_solution"))
    second = copy.deepcopy(cell_of(right, "pad2d_solution"))
    second.source = second.source.replace("return 7", "return 8")
    right.cells += [second, stub]
    mended = restore(right, source)
    assert_mended(mended, source)
    assert "return 8" in cell_of(mended, "pad2d_solution").source
    others = [c.source for c in mended.cells if "def pad2d" in c.source and "nbgrader" not in c.metadata]
    assert len(others) == 1 and "return 7" in others[0]


def test_own_cells_stay_where_they_were(source, right):
    right.cells.insert(position(right, "pad2d_solution"), new_code_cell("def helper(): ...", id="helper"))
    mended = restore(right, source)
    at = mended.cells.index(next(c for c in mended.cells if c.id == "helper"))
    assert at == position(mended, "pad2d_solution") - 1
    assert mended.cells[at].metadata == {}


def test_a_function_in_a_locked_cell_is_kept_as_a_cell_of_ones_own(source, right):
    cell_of(right, "pad2d").source = "def helper():\n    return 1"
    mended = restore(right, source)
    assert_mended(mended, source)
    assert any(cell.source.startswith("def helper") and "nbgrader" not in cell.metadata for cell in mended.cells)


def test_outputs_of_manual_cells_are_kept_bounded_and_labelled(source, right):
    figure = cell_of(right, "figure")
    figure.source = "plot(1)"
    figure.outputs = [
        new_output("stream", name="stderr", text="printed"),
        new_output("display_data", {"image/png": PNG, "text/html": "<b>no</b>", "image/svg+xml": "<svg/>"}),
        new_output("display_data", {"application/javascript": "alert(1)"}),
        new_output("display_data", {"image/png": base64.b64encode(b"<svg>").decode()}),
        new_output("stream", name="stdout", text="y" * (MAX_CHARACTERS + 5)),
    ]
    cell_of(right, "convolve1d").outputs = [new_output("stream", name="stdout", text="4.0")]
    cell_of(right, "convolve1d_solution").outputs = [new_output("stream", name="stdout", text="mine")]
    mended = restore(right, source)
    outputs = cell_of(mended, "figure").outputs
    assert outputs[0].text.startswith(SUBMITTED)
    assert outputs[1].text == "printed"
    assert outputs[2].data["image/png"] == PNG
    assert len(outputs) == 4 and "(cut off)" in outputs[3].text
    written = nbformat.writes(mended)
    assert not any(word in written for word in ("svg", "html", "javascript", "alert"))
    assert cell_of(mended, "convolve1d").outputs == cell_of(mended, "convolve1d_solution").outputs == []


def test_pasted_pictures_of_a_written_answer_are_kept(source, right):
    answer = cell_of(right, "question")
    answer.attachments = {"a.png": {"image/png": PNG}, "b.svg": {"image/svg+xml": "<svg onload=alert(1)>"}}
    assert cell_of(restore(right, source), "question").attachments == {"a.png": {"image/png": PNG}}


def test_an_empty_notebook_becomes_the_released_one(source):
    mended = restore(nbformat.v4.new_notebook(), source)
    assert_mended(mended, source)


def test_restoring_twice_changes_nothing(source, right):
    reverse(right)
    right.cells.insert(3, new_markdown_cell("A note", id="imports"))
    once = restore(right, source)
    assert restore(once, source) == once


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"cells": [', "cut off"),
        (b"[" * 100_000, "nested too deeply"),
        (b"\xff\xff", "not encoded as UTF-8"),
        (b"[1, 2]", "not a notebook"),
        (b'{"metadata": {}}', "no list of cells"),
        (b'{"cells": 3}', "no list of cells"),
    ],
)
def test_an_unreadable_file_is_one_sentence(data, words):
    with pytest.raises(Unreadable, match=words) as caught:
        parse_notebook(data, "a.ipynb")
    assert "\n" not in str(caught.value)


def test_byte_order_marks_and_old_formats_are_read(right):
    text = nbformat.writes(right)
    for data in (text.encode("utf-8-sig"), text.encode("utf-16")):
        assert len(parse_notebook(data, "a.ipynb").cells) == len(right.cells)
    old = nbformat.v3.new_notebook(worksheets=[nbformat.v3.new_worksheet(cells=[nbformat.v3.new_code_cell("a = 1")])])
    assert parse_notebook(nbformat.v3.writes_json(old).encode(), "a.ipynb").cells[0].source == "a = 1"


def test_links_folders_and_large_files_are_not_opened(tmp_path):
    file, link, folder = tmp_path / "a.ipynb", tmp_path / "b.ipynb", tmp_path / "c.ipynb"
    file.write_bytes(b"x" * 100)
    link.symlink_to(file)
    folder.mkdir()
    for path, words in ((link, "link"), (folder, "folder"), (tmp_path / "d.ipynb", "cannot be read")):
        with pytest.raises(Unreadable, match=words):
            read_bytes(path, Limits())
    with pytest.raises(Unreadable, match="larger"):
        read_bytes(file, Limits(notebook_bytes=99))
    assert read_bytes(file, Limits(notebook_bytes=100)) == b"x" * 100
