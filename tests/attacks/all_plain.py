"""The controls: what the attacks do where nothing defends against them. No slip of the pen passes for a defence.

pytest tests/attacks/all_plain.py            (make attacks)
"""

from __future__ import annotations

import shutil

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter

from tests.attacks.attack import load
from tests.attacks.browser import but_for_libraries, scripts_that_ran
from tests.attacks.place import FILE, UNIT, Place, listening
from tests.attacks.plain import against_plain, can_be_run, hand_in_all, plain_course

EVERY = list(load().values())
CONTROLLED = [attack for attack in EVERY if attack.plain and can_be_run(attack)]
# Such pages fetch jQuery from the network, which is not asked here: this answers the one call that they make.
JQUERY = "data:text/javascript,window.$ = () => []"
PAGES = [attack for attack in EVERY if attack.row == 12 and attack.notebook]


@pytest.fixture(scope="module", autouse=True)
def _bubblewrap():
    pytest.importorskip("nbgrader")
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is needed, here to protect this machine")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    pytest.importorskip("playwright")
    folder = tmp_path_factory.mktemp("plain")
    with listening(folder) as listeners:
        return {attack.name: outcome for attack, outcome in against_plain(folder, CONTROLLED, listeners)}


@pytest.mark.parametrize("attack", CONTROLLED, ids=lambda attack: f"{attack.row:02}-{attack.name}")
def test_it_succeeds_against_plain_nbgrader(outcomes, attack):
    assert attack.plain in outcomes[attack.name].effects, outcomes[attack.name]


def test_pages_of_what_was_handed_in_run_their_scripts(tmp_path):
    """nbconvert makes a page of the very file, with its outputs; nbgrader would run the notebook before."""
    pytest.importorskip("playwright")
    with listening(tmp_path) as listeners:
        place: Place = plain_course(tmp_path / "class", listeners)
        hand_in_all(place, PAGES)
    pages = {}
    for attack in PAGES:
        path = place.course / "submitted" / attack.student_id / UNIT.name / FILE
        exporter = HTMLExporter(template_name="classic", jquery_url=JQUERY)
        text, _ = exporter.from_notebook_node(nbformat.read(path, as_version=4))
        page = tmp_path / f"{attack.name}.html"
        page.write_text(text)
        pages[attack.name] = page.as_uri()
    ran = scripts_that_ran(pages.values())
    harmless = {name for name, address in pages.items() if not but_for_libraries(ran[address])}
    # nbconvert shows SVG as a picture, and escapes LaTeX and a picture's name.
    assert harmless <= {"page-attribute", "page-svg-output", "page-latex-output"}
