"""Every topic and every error of the source decks is reached by a lecture, and docs/coverage.md says where."""

import re

from tests.coverage_page import PAGE, TOPIC, cells

# How many there are of each: a row cannot be forgotten by leaving it out of the page.
LAST = {"A": 18, "B": 14, "C": 16, "D": 9, "E": 15, "F": 16, "G": 11, "H": 19, "I": 10, "J": 9, "error-": 82}

PLACE = re.compile(r"(\d\d_\w+): ((?:`[a-z0-9-]+`(?:, )?)+)")


def topics() -> dict[str, str]:
    return {row[1]: row[3] for row in TOPIC.finditer(PAGE.read_text(encoding="utf-8"))}


def test_no_topic_is_left_out():
    expected = {f"{kind}{n}" for kind, last in LAST.items() for n in range(0 if kind == "G" else 1, last + 1)}
    assert set(topics()) == expected


def test_every_topic_has_a_cell():
    assert [topic for topic, places in topics().items() if not places] == []


def test_the_cells_exist_and_carry_the_topic():
    found = cells()
    for topic, places in topics().items():
        for lecture, named in PLACE.findall(places):
            for cell in re.findall(r"`(.+?)`", named):
                assert (lecture, cell) in found.get(topic, []), f"{topic}: {lecture} has no such cell {cell}"


def test_the_page_is_up_to_date():
    from tests.coverage_page import fill

    page = PAGE.read_text(encoding="utf-8")
    assert fill(page) == page, "run: python -m tests.coverage_page"


def test_no_cell_names_an_unknown_topic():
    assert set(cells()) <= set(topics())
