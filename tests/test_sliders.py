"""In a real JupyterLab: moving a slider of each lecture changes its figure."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

from tests.chromium import chromium

playwright = pytest.importorskip("playwright.sync_api")
pytest.importorskip("jupyterlab")
from tests.jupyterlab import run_cell  # noqa: E402 - it imports playwright, too

pytestmark = pytest.mark.xdist_group("sliders")

ROOT = Path(__file__).resolve().parent.parent
LECTURES = sorted((ROOT / "course" / "lectures").glob("*.ipynb"))
SLIDER = re.compile(r"\w+=\(-?\d")
PATIENCE = 120_000  # milliseconds, against hanging


def first_slider(path: Path) -> nbformat.NotebookNode:
    """The lecture's imports, and its first figure with a slider."""
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    begin = next(cell for cell in cells if cell.id == "begin")
    figure = next(cell for cell in cells if cell.source.startswith("explore(") and SLIDER.search(cell.source))
    notebook.cells = [begin, figure]
    return notebook


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    """The address of a JupyterLab whose folder holds the shortened lectures."""
    folder = tmp_path_factory.mktemp("lab")
    for path in LECTURES:
        nbformat.write(first_slider(path), folder / path.name)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--allow-root", "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True"]
    options += [f"--ServerApp.root_dir={folder}", f"--ServerApp.port={port}", "--LabApp.news_url="]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "course"), "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    with open(folder / "log.txt", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter", "lab", *options], cwd=folder, env=environment, stdout=log, stderr=log
        )
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{address}/api", timeout=5)
            break
        except OSError:
            assert server.poll() is None, (folder / "log.txt").read_text()
            time.sleep(0.2)
    yield address
    server.terminate()
    server.wait(timeout=60)


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_a_slider_changes_its_figure(lab, browser, path):
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    page.set_default_timeout(PATIENCE)
    # A folder of its own for each page: workspaces would reopen the other lectures.
    page.goto(f"{lab}/lab/workspaces/{path.stem}/tree/{path.name}")
    run_cell(page, 0)
    run_cell(page, 1)
    figure = page.locator(".jp-NotebookPanel .jp-OutputArea-output img").last
    handle = page.locator(".jp-NotebookPanel .noUi-handle").first
    handle.wait_for()
    figure.wait_for()
    before = figure.get_attribute("src")
    shown = page.locator(".jp-NotebookPanel .widget-readout").first.inner_text()
    handle.focus()
    # Away from the end at which some begin.
    begins = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemin")
    page.keyboard.press("ArrowRight" if begins else "ArrowLeft")
    page.wait_for_function(
        "before => [...document.querySelectorAll('.jp-NotebookPanel .jp-OutputArea-output img')].pop().src !== before",
        arg=before,
    )
    assert page.locator(".jp-NotebookPanel .widget-readout").first.inner_text() != shown
    page.close()
