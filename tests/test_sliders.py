"""In a real JupyterLab: moving a slider of each lecture changes its figure."""

from __future__ import annotations

import re

import nbformat
import pytest

pytest.importorskip("playwright")
pytest.importorskip("jupyterlab")
from autograder.paths import LECTURES as FOLDER
from tests.chromium import chromium
from tests.jupyterlab_page import Lab, TookTooLong, run_cell

pytestmark = pytest.mark.xdist_group("sliders")

LECTURES = sorted(FOLDER.glob("*.ipynb"))
SLIDER = re.compile(r"\w+=\(-?\d")
PATIENCE, TRIES = 60_000, 3  # milliseconds, against hanging
DRAWN_ANEW = """before =>
    [...document.querySelectorAll('.jp-NotebookPanel .jp-OutputArea-output img')].pop().src !== before"""


def first_slider(path) -> nbformat.NotebookNode:
    """The lecture's imports, and its first figure with a slider."""
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    begin = next(cell for cell in cells if cell.id == "begin")
    figure = next(cell for cell in cells if cell.source.startswith("explore(") and SLIDER.search(cell.source))
    notebook.cells = [begin, figure]
    return notebook


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    """A JupyterLab whose folder holds the shortened lectures."""
    folder = tmp_path_factory.mktemp("lab")
    for path in LECTURES:
        nbformat.write(first_slider(path), folder / path.name)
    lab = Lab(folder)
    yield lab
    lab.close()


def moved(page, lab: Lab, name: str) -> bool:
    """Whether a key on the first slider draws another figure, and shows another number."""
    page.set_default_timeout(PATIENCE)
    page.goto(lab.notebook(name))
    run_cell(page, 0)
    run_cell(page, 1)
    figure = page.locator(".jp-NotebookPanel .jp-OutputArea-output img").last
    handle = page.locator(".jp-NotebookPanel .noUi-handle").first
    readout = page.locator(".jp-NotebookPanel .widget-readout").first
    handle.wait_for()
    figure.wait_for()
    before, shown = figure.get_attribute("src"), readout.inner_text()
    handle.focus()
    # Away from the end at which some begin.
    begins = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemin")
    page.keyboard.press("ArrowRight" if begins else "ArrowLeft")
    page.wait_for_function(DRAWN_ANEW, arg=before)
    return readout.inner_text() != shown


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_a_slider_changes_its_figure(lab, browser, path):
    for _ in range(TRIES):
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        try:
            assert moved(page, lab, path.stem)
            return
        except TookTooLong as error:
            # On a busy machine JupyterLab loses a key, or a cell that runs before the kernel is connected.
            last = error
        finally:
            page.close()
    raise AssertionError(f"the figure stayed as it was: {last}")
