"""In a real JupyterLab: nbgrader's Validate button says what `check` says, and a report is legible in each theme."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

pytest.importorskip("jupyterlab")
pytest.importorskip("playwright.sync_api")

from autograder import mistakes
from autograder.units import unit
from backpass.fresh_kernel import run_notebook
from tests.chromium import chromium
from tests.class_factory import Maker, answered_by, make_course
from tests.contrast import contrasts
from tests.jupyterlab_page import Lab, run_cell

pytestmark = pytest.mark.xdist_group("browser")

UNIT = unit("convolution")
PATIENCE = 120_000  # milliseconds, against hanging
LEGIBLE = 4.5  # the contrast that WCAG asks of text
THEMES = ("JupyterLab Light", "JupyterLab Dark")
# What VS Code gives a notebook's output: a background, a colour, and none of Jupyter's variables.
EDITORS = {"light": ("#ffffff", "#3b3b3b"), "dark": ("#1f1f1f", "#cccccc")}


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Path:
    """The released unit, beside it a notebook that is all right, and one with a mistake, a stub and an error."""
    course = tmp_path_factory.mktemp("course")
    make_course(course, UNIT)
    folder = course / "release" / UNIT.name
    make = Maker(UNIT, nbformat.read(folder / f"{UNIT.name}.ipynb", as_version=4))
    nbformat.write(make.notebook(make.model_answers), folder / "right.ipynb")
    mistake = mistakes.load(UNIT)["convolve1d_correlates"]
    some = make.with_replacements(mistake)
    stubs = {answered_by(cell): cell.source for cell in make.released.cells}
    for cell in some.cells:
        if answered_by(cell) == "pad2d":
            cell.source = stubs["pad2d"]
        if answered_by(cell) == "equivariance_error":
            cell.source = "def equivariance_error(*arguments):\n    print('hello')\n    return 1 / 0"
    nbformat.write(some, folder / "some.ipynb")
    shown = ("convolve1d", "pad2d", "equivariance_error", "parameter_count")
    some.cells = [
        nbformat.v4.new_code_cell("\n\n".join(cell.source for cell in some.cells if answered_by(cell) in shown)),
        nbformat.v4.new_code_cell(f"from backpass import check\ncheck{shown}"),
    ]
    some.cells[0].source = "import numpy as np\n" + some.cells[0].source
    nbformat.write(some, folder / "looks.ipynb")
    return folder


@pytest.fixture(scope="module")
def lab(release: Path) -> Iterator[Lab]:
    running = Lab(release)
    yield running
    running.close()


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with chromium() as made:
        yield made


@pytest.fixture
def page(browser) -> Iterator:
    page = browser.new_page(viewport={"width": 1200, "height": 1400})
    page.set_default_timeout(PATIENCE)
    yield page
    page.close()


@pytest.mark.parametrize("name", ["some", "right"])
def test_the_validate_button_says_what_check_says(release, lab, page, name):
    page.goto(lab.notebook(name))
    button = page.locator(".jp-NotebookPanel-toolbar").get_by_text("Validate", exact=True)
    button.click()
    dialog = page.locator(".jp-Dialog")
    dialog.wait_for()
    said = dialog.inner_text()
    (release / f"{name}.png").write_bytes(page.screenshot())
    checks = run_notebook(release / f"{name}.ipynb").checks
    assert len(checks) == len(UNIT.exercises)
    wrong = [one.call for one in checks if one.points < one.possible]
    assert bool(wrong) == (name == "some")
    for one in checks:
        assert (one.call in said) == (one.call in wrong), said
    assert ("Success" in said) == (not wrong), said


@pytest.mark.parametrize("theme", THEMES)
def test_a_report_is_legible_in_jupyterlab(release, lab, page, theme):
    settings = release / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}))
    shutil.copy(release / "looks.ipynb", release / f"{theme[-5:].strip()}.ipynb")
    page.goto(lab.notebook(theme[-5:].strip()))
    run_cell(page, 0)
    run_cell(page, 1)
    report = page.locator(".jp-NotebookPanel .jp-RenderedHTMLCommon", has_text="items pass")
    report.wait_for()
    assert page.evaluate("document.body.dataset.jpThemeName") == theme
    page.screenshot(path=release / f"{theme}.png")
    report.evaluate("one => one.querySelectorAll('details').forEach(one => one.open = true)")
    measured = contrasts(report)
    assert len(measured) > 100
    assert measured[0][0] >= LEGIBLE, measured[:5]


@pytest.mark.parametrize("editor", EDITORS)
def test_a_report_is_legible_without_jupyters_style(release, page, editor):
    background, colour = EDITORS[editor]
    notebook = nbformat.read(release / "looks.ipynb", as_version=4)
    from nbclient import NotebookClient

    NotebookClient(notebook, resources={"metadata": {"path": str(release)}}).execute()
    html = notebook.cells[1].outputs[0].data["text/html"]
    page.set_content(f'<body style="background:{background};color:{colour}">{html}</body>')
    page.screenshot(path=release / f"{editor}.png", full_page=True)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    measured = contrasts(page.locator("body"))
    assert len(measured) > 100
    assert measured[0][0] >= LEGIBLE, measured[:5]
