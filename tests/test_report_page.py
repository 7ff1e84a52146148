"""The class's report in a browser: sorting, searching, hostile text, printing, nothing from the network."""

import pytest

from autograder.report import write_report
from autograder.results import Result
from autograder.similarity import Alike, Similarity
from autograder.units import unit
from backpass.report import Item
from tests.chromium import chromium

UNIT = unit("convolution")
HOSTILE = "<img src=x onerror='document.title=1'><script>document.title=2</script>\u202e"
COUNT = 250


def made_up() -> list[Result]:
    results = []
    for number in range(COUNT):
        points = float(number % 10)
        item = Item("pad2d", "Margins", 10.0, points, "failed", mistake="You pad twice.", mistake_name="pad_twice")
        results.append(Result("convolution", f"s{number}", [item]))
    results.append(Result("convolution", HOSTILE, trouble=HOSTILE))
    return results


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser, tmp_path):
    similarity = Similarity([], [Alike(("s1", HOSTILE), 0.9, (HOSTILE,))], [], 0, 2)
    path = write_report(UNIT, made_up(), tmp_path / "report.html", similarity)
    page = browser.new_page()
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")
    yield page
    page.close()


def shown(page, column: int = 0) -> list[str]:
    """A column of the visible rows of all submissions."""
    return page.eval_on_selector_all(
        "#t-submissions tbody tr", f"rows => rows.filter(r => !r.hidden).map(r => r.cells[{column}].textContent)"
    )


def press(page, heading: str) -> None:
    page.locator("#t-submissions thead button").get_by_text(heading, exact=True).click()


def test_columns_sort_as_numbers_and_names_naturally_and_the_unknown_stays_last(page):
    press(page, "points")
    assert shown(page, 1)[:26] == ["0 / 10"] * 25 + ["1 / 10"]
    head = page.locator("#t-submissions th[aria-sort]")
    assert (head.text_content(), head.get_attribute("aria-sort")) == ("points", "ascending")
    press(page, "points")
    assert shown(page, 1)[0] == "9 / 10"
    page.locator("#submissions ~ .more").click()
    assert shown(page, 1)[-1] == "not graded"
    press(page, "submission")
    names = [name for name in shown(page) if name.startswith("s")]
    assert names == [f"s{number}" for number in range(COUNT)]


def test_searching_finds_in_all_rows_and_says_how_many(page):
    assert len(shown(page)) == 100
    page.get_by_label("Search submissions").fill("s24 twice")
    assert sorted(shown(page)) == sorted(["s24", *(f"s24{digit}" for digit in range(10))])
    assert page.locator("label[data-table=t-submissions] output").text_content() == f"11 of {COUNT + 1}"
    page.get_by_label("Search submissions").fill("")
    page.locator("#submissions ~ .more").click()
    assert len(shown(page)) == COUNT + 1


def test_what_a_submission_wrote_stays_text_and_nothing_is_loaded(page):
    assert page.title() == f"{UNIT.title}: the class"
    assert page.locator("img").count() == 0
    assert page.locator("#t-not-graded tbody th").text_content() == HOSTILE.replace(
        "\u202e", "\N{REPLACEMENT CHARACTER}"
    )
    assert [url for url in page.asked if not url.startswith("file:")] == []
    assert page.complaints == []


def test_no_other_script_is_allowed(page):
    page.evaluate(
        "() => { const script = document.createElement('script'); script.textContent = 'document.title = 3';"
        " document.body.append(script); }"
    )
    assert page.title() == f"{UNIT.title}: the class"
    assert any("Content Security Policy" in complaint for complaint in page.complaints)


def test_every_table_has_a_caption_and_named_columns(page):
    tables = page.locator("table")
    assert tables.count() > 4
    for number in range(tables.count()):
        assert tables.nth(number).locator("caption").text_content().strip()
        heads = tables.nth(number).locator("thead th")
        assert all(heads.nth(place).get_attribute("scope") == "col" for place in range(heads.count()))


def test_paper_holds_everything(page):
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert len(shown(page)) == COUNT + 1
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert len(shown(page)) == 100


def test_without_script_all_rows_are_there(browser, tmp_path):
    path = write_report(UNIT, made_up(), tmp_path / "report.html")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.locator("#t-submissions tbody tr").count() == COUNT + 1
    assert page.locator("#t-submissions tbody tr[hidden]").count() == 0
    assert not page.get_by_label("Search submissions").is_visible()
    context.close()
