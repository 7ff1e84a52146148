"""The lectures: they run from top to bottom, offline and quietly, and what they show can be read."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.offline import offline

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

ROOT = Path(__file__).resolve().parent.parent
LECTURES = sorted((ROOT / "course" / "lectures").glob("*.ipynb"))
LONGEST_CELL = 15
LONGEST_LINE = 120  # ruff's


def cells(path, kind=None):
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if kind is None or cell.cell_type == kind]


# The tests of one lecture run in one worker: it is executed once.
@pytest.fixture(
    scope="module",
    params=[pytest.param(path, marks=pytest.mark.xdist_group(path.stem), id=path.stem) for path in LECTURES],
)
def executed(request, tmp_path_factory):
    """(lecture's name, its executed notebook); it runs in a folder of its own."""
    folder = tmp_path_factory.mktemp(request.param.stem)
    shutil.copy(request.param, folder)
    notebook = offline(nbformat.read(request.param, as_version=4))
    nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}},
        allow_errors=True, store_widget_state=False
    ).execute()  # fmt: skip
    return request.param.stem, notebook


def outputs(notebook):
    return [(cell.id, o) for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]


def pictures(notebook):
    """(cell, what the picture says of itself, its page) for every picture of the course."""
    found = [(cell, o) for cell, o in outputs(notebook) if "backpass" in o.get("metadata", {})]
    return [(cell, o.metadata["backpass"], o.data["text/html"]) for cell, o in found]


def test_nothing_fails_and_nothing_complains(executed):
    _, notebook = executed
    for cell, output in outputs(notebook):
        assert output.output_type != "error", f"{cell}: {output.get('ename')}: {output.get('evalue')}"
        assert output.get("name") != "stderr", f"{cell}: {output.get('text')}"


def test_every_picture_states_a_finding_and_can_be_read_aloud(executed):
    _, notebook = executed
    shown = pictures(notebook)
    assert shown
    for cell, about, page in shown:
        assert len(about["title"]) >= 10, cell
        assert about["unlabelled"] == [], f"{cell}: {about['unlabelled']}"
        assert len(about["alt"]) >= 60, cell
        assert re.search(r'<img [^>]*alt="[^"]{60,}', page), cell


def test_no_other_images(executed):
    """All figures go through Picture, which has alt text."""
    _, notebook = executed
    for cell, output in outputs(notebook):
        data = output.get("data", {})
        if "image/png" in data or "image/svg+xml" in data:
            assert "backpass" in output.metadata, cell


def test_a_page_without_a_kernel_still_teaches(executed):
    """Knobs leave a sentence, and a picture follows them."""
    _, notebook = executed
    for cell in notebook.cells:
        if cell.cell_type == "code" and "explore(" in cell.source:
            knobs, picture = (o.data for o in cell.outputs[:2])
            assert "knobs" in knobs["text/html"], cell.id
            assert "application/vnd.jupyter.widget-view+json" in knobs, cell.id
            assert picture["text/html"].startswith("<img "), cell.id


def test_no_verdict_is_lost_without_a_prediction(executed):
    _, notebook = executed
    for cell in notebook.cells:
        if cell.cell_type == "code" and re.search(r"^verdict\(", cell.source, re.M):
            assert "No prediction was stored" in cell.outputs[-1].data["text/plain"], cell.id


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_cells_are_short_and_named(path):
    seen = set()
    for cell in cells(path):
        assert cell.id not in seen, f"two cells have the id {cell.id}"
        seen.add(cell.id)
        # A name, not the random hexadecimal that an editor gives.
        assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", cell.id), cell.id
        assert not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f-]+)?", cell.id), cell.id
    for cell in cells(path, "code"):
        lines = cell.source.splitlines()
        assert len(lines) <= LONGEST_CELL, f"{cell.id} has {len(lines)} lines"
        assert max(map(len, lines)) <= LONGEST_LINE, f"{cell.id} has a line of {max(map(len, lines))} characters"


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_the_text_is_calm(path):
    for cell in cells(path, "markdown"):
        assert not re.search(r"!(?!\[)", cell.source), f"{cell.id} exclaims"
        assert not re.search("[\U0001f300-\U0001faff\u2600-\u27bf]", cell.source), f"{cell.id} has an emoji"


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_each_myth_is_asked_before_it_is_judged(path):
    asked = []
    for cell in cells(path, "code"):
        for call, name in re.findall(r'^(predict|verdict)\(\s*"([^"]+)"', cell.source, re.M):
            if call == "predict":
                asked.append(name)
            else:
                assert name in asked, f"{cell.id} judges {name} unasked"


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_cards_that_are_shown_exist(path):
    from backpass import cards

    for cell in cells(path, "code"):
        for name in re.findall(r'(?:card|compare|show_card)\("([^"]+)"', cell.source):
            assert cards.card(name).record["values"]


def test_the_notebooks_are_valid():
    assert LECTURES
    for path in LECTURES:
        nbformat.validate(json.loads(path.read_text(encoding="utf-8")))
