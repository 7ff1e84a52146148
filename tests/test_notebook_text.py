"""Our text of a notebook is nbformat's, character by character."""

from __future__ import annotations

import copy

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import nbjson

from autograder.notebook_text import notebook_text
from autograder.paths import source_notebook
from autograder.units import UNITS

TEXT = st.text(max_size=40)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))
DATA = st.dictionaries(st.sampled_from(["text/plain", "text/html", "image/png", "application/json"]), TEXT)


@st.composite
def notebooks(draw: st.DrawFn) -> nbformat.NotebookNode:
    cells = []
    for number in range(draw(st.integers(0, 3))):
        cell = {"id": f"c{number}", "metadata": draw(st.dictionaries(TEXT, VALUES, max_size=3)), "source": draw(TEXT)}
        if draw(st.booleans()):
            stream = {"output_type": "stream", "name": "stdout", "text": draw(TEXT)}
            display = {"output_type": "display_data", "metadata": {}, "data": draw(DATA)}
            outputs = draw(st.lists(st.sampled_from([stream, display]), max_size=2))
            cell |= {"cell_type": "code", "execution_count": draw(st.none() | st.integers(0, 9)), "outputs": outputs}
        else:
            cell |= {"cell_type": "markdown"}
        cells.append(cell)
    metadata = draw(st.dictionaries(TEXT, VALUES, max_size=3)) | {"signature": "x", "orig_nbformat": 3}
    return nbformat.from_dict({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


@settings(deadline=None)
@given(notebooks())
def test_any_notebook(notebook):
    assert notebook_text(copy.deepcopy(notebook)) == nbjson.writes(notebook) + "\n"


@pytest.mark.parametrize("unit", UNITS)
def test_our_notebooks(unit):
    notebook = nbformat.read(source_notebook(unit), as_version=4)
    assert notebook_text(copy.deepcopy(notebook)) == nbformat.writes(notebook) + "\n"
