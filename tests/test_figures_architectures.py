"""Lecture 9's figures: every position of every knob can be drawn and says what it shows."""

import numpy as np
import pytest

from backpass.cards import card
from backpass.figures import architectures
from backpass.figures.architectures_audit import evidence
from backpass.rosetta.architectures import frozen, network_ledger
from tests.pictures import says_what_it_shows

KNOBS = [
    *[("stacks", {"layers": n, "channels": c}) for n in (1, 2, 5) for c in (64, 256)],
    *[("inception_price", {"reduce_three": a, "reduce_five": b}) for a, b in ((16, 4), (192, 64), (96, 16))],
    ("joined", {}),
]


@pytest.mark.parametrize(("name", "values"), KNOBS, ids=lambda value: str(value)[:40])
def test_knobs_at_their_ends(name, values):
    says_what_it_shows(getattr(architectures, name)(**values))


def test_prices_are_those_of_the_paper_and_of_a_count():
    """One 5x5 from 192 to 32 maps has 153,600 weights, with a reduction to 16 it has 15,872."""
    prices = architectures.block_price(96, 16, side=1)
    assert prices["5×5"] == (153_600, 15_872)
    assert prices["3×3"] == (9 * 192 * 128, 192 * 96 + 9 * 96 * 128)


def test_one_stacked_layer_saves_nothing():
    assert "does not save" in architectures.stacks(1).title
    assert "saves 45%" in architectures.stacks(3).title


def recorded(name):
    return {measure: card(name).mean(measure) for measure in card(name).measures}


@pytest.mark.parametrize(
    ("figure", "name"),
    [("depths", "degradation"), ("recipes", "augmentation"), ("passed_on", "transfer"), ("batches", "audit-steps")],
)
def test_figures_of_results(figure, name):
    says_what_it_shows(getattr(architectures, figure)(recorded(name), card(name)))


def test_figures_of_cards():
    control = card("audit-control")
    for drawn in (
        architectures.controls(control),
        architectures.controls(control, recorded("audit-control")),
        architectures.board(),
        architectures.single_runs(),
        architectures.answer(card("degradation"), card("audit-steps")),
    ):
        says_what_it_shows(drawn)


def test_the_board_is_made_of_the_cards():
    rows = {text: (effect, low, high) for _, text, _, effect, low, high, _ in evidence()}
    control = card("audit-control")
    effect, low, high = rows["batch norm less a fair control"]
    assert effect == pytest.approx(100 * (control.mean("batch norm: chosen") - control.mean("fair control: chosen")))
    for effect, low, high in rows.values():
        assert low <= effect <= high


@pytest.mark.parametrize(
    "how", [{"flip": True}, {"flip": False, "turn": 180}, {"flip": False, "shear": 0.6, "zoom": 0.5}]
)
def test_changed_digits_are_drawn(how):
    read = {"right": np.linspace(0, 1, 10), "answer": np.array([0, 1, 5, 3, 4, 2, 9, 7, 8, 6])}
    drawn = architectures.changed(architectures.first_of_each(), read, **how)
    assert "2, 5, 6, 9" in drawn.title
    says_what_it_shows(drawn)


def test_views_and_filters_are_drawn():
    rng = np.random.default_rng(0)
    image, truth = architectures.example(0)
    maps = {"activation": rng.normal(size=(7, 7)), "occlusion": np.zeros((11, 11)), "saliency": rng.random((14, 14))}
    for said in (truth, (truth + 1) % 10):
        drawn = architectures.maps_of(image, {"class": said, "probability": 0.5, **maps}, truth)
        assert ("rightly" in drawn.title) == (said == truth)
    assert architectures.filters(rng.normal(size=(12, 5, 5)), np.ones((12, 5, 5)) + rng.normal(size=(12, 5, 5))).title
    tables = [rng.random((3, 3)) for _ in range(3)]
    says_what_it_shows(architectures.similarity(*tables))


def test_the_tables_say_the_same_without_torch(monkeypatch):
    import sys

    pytest.importorskip("torch")
    computed = frozen().rows
    assert network_ledger().rows[-1][2] == ("42,778", 0)
    monkeypatch.setitem(sys.modules, "torch", None)
    for row, documented in zip(computed, frozen().rows, strict=True):
        assert [text for text, _ in row] == [text for text, _ in documented]
    assert network_ledger().rows[-1][2][0] == "42,778"
