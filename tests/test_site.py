"""The site: it builds without a warning, links lead somewhere, nothing comes from elsewhere, it fits a telephone.

Lectures are not executed here (tests/test_lectures.py does that): their pages stand without outputs.
"""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.chromium import chromium

pytest.importorskip("myst_nb")
pytestmark = pytest.mark.xdist_group("site")

ROOT = Path(__file__).resolve().parent.parent
PHONE = {"width": 390, "height": 844}


class Page(HTMLParser):
    """What a page can be asked for (ids), what it links to, and what it loads."""

    def __init__(self, path: Path):
        super().__init__()
        self.ids, self.links, self.loads = set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids |= {given[key] for key in ("id", "name") if given.get(key)}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        elif tag in ("script", "img", "iframe", "source") and given.get("src"):
            self.loads.append(given["src"])
        elif tag == "link" and given.get("href") and given.get("rel") not in ("canonical", "author"):
            self.loads.append(given["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A built site. It is made from a copy, since building brings the lectures into docs/."""
    source = tmp_path_factory.mktemp("repository")
    for part in ("docs", "course", "solutions"):
        shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
    out = source / "site"
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-D", "nb_execution_mode=off"]
    built = subprocess.run([*command, source / "docs", out], capture_output=True, text=True, timeout=600)
    assert built.returncode == 0, built.stderr[-3000:]
    return out


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in site.rglob("*.html") if "_static" not in path.parts}


def test_every_lecture_and_every_unit_has_a_page(site):
    from autograder.units import UNITS

    lectures = {path.stem for path in (ROOT / "course" / "lectures").glob("*.ipynb")}
    assert {path.stem for path in (site / "lectures").glob("*.html")} == lectures
    assert {path.stem for path in (site / "reference").glob("*.html")} == {
        f"{unit.number:02d}_{unit.name}" for unit in UNITS.values()
    }


def test_every_exercise_is_documented(pages):
    from autograder.units import UNITS

    text = " ".join(path.read_text(encoding="utf-8") for path in pages if path.parent.name == "reference")
    for unit in UNITS.values():
        for exercise in unit.exercises:
            for function in exercise.functions:
                assert f">{function}<" in text, f"{unit.name}: {function}"


def test_links_inside_the_site_lead_somewhere(site, pages):
    for path, page in pages.items():
        for link in page.links:
            target = urlsplit(link)
            if target.scheme or target.netloc:
                continue
            file = (path.parent / unquote(target.path)).resolve() if target.path else path
            assert file.exists(), f"{path.relative_to(site)}: {link}"
            if target.fragment and file in pages:
                assert unquote(target.fragment) in pages[file].ids, f"{path.relative_to(site)}: {link}"


def test_nothing_is_loaded_from_elsewhere(site, pages):
    for path, page in pages.items():
        for load in page.loads:
            target = urlsplit(load)
            assert target.scheme in ("", "data") and not target.netloc, f"{path.relative_to(site)}: {load}"
            if not target.scheme:
                assert (path.parent / unquote(target.path)).exists(), f"{path.relative_to(site)}: {load}"
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?https?:", sheet.read_text(encoding="utf-8", errors="replace")), sheet.name


def test_pages_fit_a_telephone_and_show_formulas_offline(site, pages):
    with chromium() as browser:
        page = browser.new_page(viewport=PHONE)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        for path in sorted(pages):
            page.goto(path.as_uri())
            if re.search(r'class="math', path.read_text(encoding="utf-8")):
                page.wait_for_selector("mjx-container", state="attached", timeout=30_000)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= PHONE["width"], f"{path.relative_to(site)} is {wide} pixels wide"
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
