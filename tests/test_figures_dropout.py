"""Lecture 8's figures: every position of every knob can be drawn and says what it shows."""

import itertools

import numpy as np
import pytest

from backpass.cards import card
from backpass.experiments.dropout_ensemble import TURNS
from backpass.figures import dropout
from backpass.rosetta.dropout import dropout_names, mask_shapes
from tests.pictures import says_what_it_shows

KNOBS = [
    *[("thinned", {"p": p, "example": e}) for p, e in ((0.0, 1), (0.9, 20))],
    *[("mask_matrix", {"p": p, "shared": s}) for p in (0.1, 0.9) for s in ("each example its own", "one for all")],
    *[("dropped_counts", {"p": p, "units": n}) for p in (0.1, 0.9) for n in (10, 100, 1000)],
    *[("forgetful", {"p": p}) for p in (0.1, 0.9)],
    *[("three_averages", {"examples": n, "p": p}) for n, p in ((2, 0.1), (10, 0.8), (2, 0.8))],
    *[("dropped_maps", {"p": p, "shape": s}) for p in (0.1, 0.9)
      for s in ("(N, C, H, W)", "(N, C, 1, 1)", "(N, 1, H, W)")],
    *[("ridge", {"p": p, "copies": n}) for p, n in ((0.1, 10), (0.8, 3000))],
]  # fmt: skip


@pytest.mark.parametrize(("name", "values"), KNOBS, ids=lambda value: str(value)[:40])
def test_knobs_at_their_ends(name, values):
    says_what_it_shows(getattr(dropout, name)(**values))


def recorded(name):
    return {measure: card(name).mean(measure) for measure in card(name).measures}


@pytest.mark.parametrize(
    ("figure", "name"),
    [
        ("gaps", "dropout-ensemble"),
        ("rates", "dropout-rate"),
        ("told", "neighbour-redundancy"),
        ("shifted", "variance-shift"),
    ],
)
def test_figures_of_results(figure, name):
    says_what_it_shows(getattr(dropout, figure)(recorded(name), card(name)))


@pytest.mark.parametrize(
    ("figure", "name"),
    [
        ("treatments", "regularisers"),
        ("data_size", "dropout-data-size"),
        ("averaging", "dropout-averaging"),
        ("remedies", "dropout-or-batch-norm"),
    ],
)
def test_figures_of_cards_with_and_without_a_new_run(figure, name):
    draw = getattr(dropout, figure)
    for drawn in (draw(card(name)), draw(card(name), recorded(name))):
        says_what_it_shows(drawn)
    assert dropout.answer(card("dropout-data-size")).title


@pytest.mark.parametrize(("hidden", "on"), list(itertools.product((8, 512), (False, True))))
def test_learning_curves_are_drawn(hidden, on):
    steps = np.arange(20, 420, 20)
    loss = 2 / np.sqrt(steps)
    seen = {"steps": steps, "train loss": loss, "test loss": loss + on * steps / 400}
    seen |= {"train accuracy": 1 - loss / 3, "test accuracy": 0.8 - loss / 3}
    drawn = dropout.overfit({(hidden, on): seen}, hidden, on)
    assert f"{hidden} units" in drawn.title
    assert ("rises" in drawn.title) == on


@pytest.mark.parametrize("angle", [0, 90, 180])
def test_a_turning_digit_is_drawn(angle):
    rng = np.random.default_rng(0)
    q = rng.dirichlet(np.ones(10), (5, 4))
    one = {"passes": q, "entropy": np.full(4, 1.0), "disagreement": np.full(4, 0.4), "right": 0.25}
    drawn = dropout.turning(dict.fromkeys(TURNS, one), angle)
    assert f"{angle}°" in drawn.title
    says_what_it_shows(drawn)


def test_digits_with_gaps_are_drawn():
    clean = np.random.default_rng(0).random((8, 64))
    drawn = dropout.reconstructions(clean, 0.5 * clean, {"plain": clean, "denoising": 0.9 * clean})
    assert "denoising 0." in drawn.alt


def test_noise_falls_with_the_root_of_the_batch():
    drawn = dropout.noises({size: size**-0.5 for size in (4, 16, 64)})
    assert "slope -0.50" in drawn.alt


def test_sixteen_networks_are_drawn():
    pytest.importorskip("torch")
    from backpass.experiments.dropout_ensemble import four_units

    for p in (0.1, 0.9):
        says_what_it_shows(dropout.all_masks(four_units(p)))


def test_the_tables_say_the_same_without_torch(monkeypatch):
    import sys

    pytest.importorskip("torch")
    computed = [table.rows for table in (dropout_names(), mask_shapes())]
    monkeypatch.setitem(sys.modules, "torch", None)
    for rows, table in zip(computed, (dropout_names(), mask_shapes()), strict=True):
        for row, documented in zip(rows, table.rows, strict=True):
            for (one, _), (other, _) in zip(row, documented, strict=True):
                try:
                    assert float(one) == pytest.approx(float(other))
                except ValueError:
                    assert one == other
