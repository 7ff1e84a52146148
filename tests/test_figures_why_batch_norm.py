"""Lecture 6's figures: every knob's ends can be drawn, from small made-up results, and every picture is labelled."""

import numpy as np
import pytest

from backpass.cards import card
from backpass.experiments.why_batch_norm_landscape import MULTIPLES, RATES
from backpass.experiments.why_batch_norm_limits import CONTRASTS, SIZES
from backpass.figures import why_batch_norm as draw
from tests.pictures import says_what_it_shows

RNG = np.random.default_rng(0)
KINDS = ("plain", "noisy BN", "BN")


def run(looks=6, channels=3):
    return {
        "steps": np.arange(1, 4) * 80,
        "accuracy": RNG.uniform(0.1, 0.9, 3),
        "mean": RNG.normal(size=(looks, channels)),
        "std": RNG.uniform(0.5, 1, (looks, channels)),
    }


def shift():
    return {
        "steps": np.arange(4) * 20,
        "cosine": RNG.uniform(-0.5, 1, (4, 5)),
        "relative": RNG.uniform(0, 1, (4, 5)),
        "accuracy": 0.5,
    }


def surface():
    shape = (5, len(MULTIPLES))
    return {
        "steps": np.arange(5) * 10,
        "losses": RNG.uniform(1, 2, shape),
        "changes": RNG.uniform(0, 3, shape),
        "norm": np.ones(5),
    }


def step():
    return {"start": 2.3, "losses": RNG.uniform(1, 50, len(RATES)), "sizes": RNG.uniform(1, 9, (len(RATES), 9))}


RUNS = {kind: run() for kind in KINDS}
SHIFTS = {kind: shift() for kind in ("plain", "BN")}
SURFACE = {kind: surface() for kind in ("plain", "BN")}
STEPS = {kind: step() for kind in ("plain", "BN")}
GRID = {kind: RNG.uniform(0, 1, (2, 4, 3)) for kind in ("plain", "BN")}
TRACES = {"no decay": {"norm": np.linspace(4, 5, 9)}, "weight decay 0.01": {"norm": np.linspace(4, 3, 9)}}
SPREAD = {size: size**-0.5 for size in (2, 4, 8, 16, 32, 64, 128, 256)}
DIMMED = {kind: dict.fromkeys(CONTRASTS, 0.5) for kind in ("plain", "BN", "BN, new statistics")}
BUDGETS = {budget: dict(zip(SIZES, RNG.uniform(0, 1, 5), strict=True)) for budget in ("same epochs", "same steps")}


def grown(depth, *kinds):
    return {kind: 1.4 ** np.arange(depth)[::-1] for kind in kinds}


DRAWINGS = {
    "answer": lambda: draw.answer(card("noisy-batch-norm")),
    "two_layers start": lambda: draw.two_layers(0, True, 5),
    "two_layers end": lambda: draw.two_layers(120, False, 100),
    "remedies": lambda: draw.remedies(GRID, "ReLU"),
    "noisy low": lambda: draw.noisy(RUNS, 0, 1.0),
    "noisy high": lambda: draw.noisy(RUNS, 2, 3.0),
    "shift first": lambda: draw.shift(SHIFTS, 2, "cosine"),
    "shift last": lambda: draw.shift(SHIFTS, 6, "relative"),
    "predictiveness relative": lambda: draw.predictiveness(SURFACE, "gradient, relative"),
    "predictiveness absolute": lambda: draw.predictiveness(SURFACE, "gradient"),
    "predictiveness loss": lambda: draw.predictiveness(SURFACE, "loss"),
    "first_step low": lambda: draw.first_step(STEPS, 0.01),
    "first_step high": lambda: draw.first_step(STEPS, 3.0),
    "phase low": lambda: draw.phase(0.1, 0.0, 2.0),
    "phase high": lambda: draw.phase(3.0, 0.2, 0.3),
    "norms": lambda: draw.norms(TRACES),
    "explosion low": lambda: draw.explosion(grown(5, "plain", "BN", "BN and skips")),
    "explosion high": lambda: draw.explosion(grown(50, "plain", "BN", "BN and skips")),
    "explosion sigmoid": lambda: draw.explosion(grown(12, "sigmoid", "sigmoid, BN")),
    "noise low": lambda: draw.noise(SPREAD, 2),
    "noise high": lambda: draw.noise(SPREAD, 256),
    "few": lambda: draw.few(card("few-images")),
    "contrast low": lambda: draw.contrast(DIMMED, 0.1),
    "contrast high": lambda: draw.contrast(DIMMED, 1.0),
    "budgets epochs": lambda: draw.budgets(BUDGETS, "same epochs"),
    "budgets steps": lambda: draw.budgets(BUDGETS, "same steps"),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_knobs_at_their_ends(name):
    says_what_it_shows(DRAWINGS[name]())


def test_every_figure_is_drawn_here():
    assert {name.split()[0] for name in DRAWINGS} == set(draw.__all__)


def test_a_frozen_first_layer_shifts_nothing():
    assert "nothing shifts" in draw.two_layers(120, True).title
    assert "moved by" in draw.two_layers(120, False).title


def test_sideways_steps_only_lengthen():
    """The headline of the phase portrait follows the path, and weight decay turns it round."""
    assert "lengthen" in draw.phase(0.5, 0.0, 1.0).title
    assert "decay wins" in draw.phase(0.5, 0.2, 1.0).title


def test_the_verdict_sheet_reads_its_cards():
    from backpass.rosetta.why_batch_norm import verdict_sheet

    sheet = verdict_sheet()
    assert len(sheet.rows) == 7
    assert format(card("gradient-explosion").mean("BN: width 256, batch 256"), ".3f") in repr(sheet)
