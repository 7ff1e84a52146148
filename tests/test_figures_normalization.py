"""Lecture 7's figures: every knob's ends can be drawn, from small made-up results, and every picture is labelled."""

import numpy as np
import pytest

from backpass.cards import card
from backpass.experiments.normalization_axes import CONTRASTS, KINDS, RECURRENT
from backpass.figures import normalization as draw
from backpass.figures.normalization_cube import members
from tests.pictures import says_what_it_shows

RNG = np.random.default_rng(0)
CONTRAST = {kind: {**dict.fromkeys(CONTRASTS, 0.5), "as label": 0.3} for kind in KINDS}
LSTM = {
    kind: {"training": 0.9, "evaluation": 0.8, "alone": 0.4, "variance": np.linspace(0.1, 1, 8)} for kind in RECURRENT
}
STAGES = {name: RNG.normal(size=(8, 4, 4)) for name in ("convolved", "instance norm", "SPADE")}
PICTURES = RNG.uniform(0, 1, (3, 3, 5, 5))
SLOPES = (RNG.uniform(0.1, 30, 50), 0.9)

DRAWINGS = {
    "answer": draw.answer,
    "cube batch": lambda: draw.cube(True, False, True, 1),
    "cube groups": lambda: draw.cube(False, True, True, 4),
    "cube nothing": lambda: draw.cube(False, False, False, 1),
    "cube all": lambda: draw.cube(True, True, True, 2),
    "cube channels": lambda: draw.cube(False, True, False, 2),
    "blocks": lambda: draw.blocks({"one": np.eye(6), "other": np.ones((6, 6))}),
    "recurrent": lambda: draw.recurrent(LSTM),
    "contrast low": lambda: draw.contrast(CONTRAST, 0.1),
    "contrast high": lambda: draw.contrast(CONTRAST, 1.0),
    "contrast_as_label": lambda: draw.contrast_as_label(CONTRAST),
    "style none": lambda: draw.style(*PICTURES, 0.0),
    "style all": lambda: draw.style(*PICTURES, 1.0),
    "washed first": lambda: draw.washed(STAGES, STAGES, (0, 19), 0),
    "washed last": lambda: draw.washed(STAGES, STAGES, (3, 3), 7),
    "batches": lambda: draw.batches(card("norms-and-batch-size")),
    "convolutions": lambda: draw.convolutions(card("norms-on-convolutions")),
    "dials low": lambda: draw.dials(0.0, 0.5, 0.3),
    "dials high": lambda: draw.dials(180.0, 2.5, 2.0),
    "start": lambda: draw.start(np.geomspace(0.1, 1e-4, 8), np.ones(8)),
    "kernels": lambda: draw.kernels(RNG.normal(size=(16, 72)), RNG.normal(size=(16, 72))),
    "needle start": lambda: draw.needle(0, 0.1),
    "needle end": lambda: draw.needle(12, 1.0),
    "lipschitz": lambda: draw.lipschitz(SLOPES, SLOPES),
    "operators": lambda: draw.operators(
        {"one power step": 5.0, "reshaped kernel": 6.0, "operator": 9.0, "bound": 18.0}
    ),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_knobs_at_their_ends(name):
    says_what_it_shows(DRAWINGS[name]())


def test_every_figure_is_drawn_here():
    assert {name.split()[0] for name in DRAWINGS} == set(draw.__all__)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ((True, False, True, 1), 4),  # batch norm: C
        ((False, True, True, 1), 3),  # layer norm: N
        ((False, True, True, 2), 6),  # group norm: N times groups
        ((False, True, True, 4), 12),  # as many groups as channels: instance norm
        ((False, False, True, 1), 12),  # instance norm: N times C
        ((True, True, True, 1), 1),
        ((False, False, False, 1), 48),
    ],
)
def test_the_cube_counts_means(options, count):
    owner = members(*options)
    sizes = np.bincount(owner.ravel())
    assert len(sizes) == count
    assert (sizes == owner.size // count).all()
    assert f"{count} mean" in draw.cube(*options).title


def test_blocks_find_what_couples_examples():
    title = draw.blocks({"coupled": np.ones((6, 6)), "free": np.eye(6)}).title
    assert title == "Only coupled lets one example reach another"
    assert "No example" in draw.blocks({"free": np.eye(6)}).title


def test_power_iteration_never_overshoots():
    short = [float(draw.needle(steps, 0.6).title.split("is ")[1].split("%")[0]) for steps in (0, 2, 9)]
    assert short == sorted(short, reverse=True)
    assert min(short) >= 0
