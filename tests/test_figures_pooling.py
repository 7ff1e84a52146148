"""Figures of lecture 3: every knob at its ends, and what the titles claim."""

import numpy as np
import pytest

from backpass.cards import card
from backpass.experiments.pooling import DOWNSAMPLING, STAGES
from backpass.figures import pooling as draw
from tests.pictures import says_what_it_shows

KNOBS = [
    ("stages", {"detector": "tanh", "pooling": "average", "garment": 0}),
    ("stages", {"detector": "none", "pooling": "none", "garment": 19}),
    ("detectors", {"at": -4.0}),
    ("detectors", {"at": 0.0}),
    ("detectors", {"at": 4.0}),
    ("dead_units", {"results": {"a": ([-1.0, 0.0], [1.0, 0.0]), "b": ([-1.0, 0.0], [0.4, 0.0])}}),
    ("four_ways", {"row": 3, "column": 3, "sigma": 0.3}),
    ("four_ways", {"row": 0, "column": 0, "sigma": 4.0}),
    ("energy", {"phase": 0.0}),
    ("energy", {"phase": 6.28}),
    ("routes", {"kind": "max", "overlap": True}),
    ("routes", {"kind": "average", "overlap": False}),
    ("strip", {"size": 4, "width": 4, "stride": 1, "keep_the_short_window": False}),
    ("strip", {"size": 12, "width": 2, "stride": 4, "keep_the_short_window": True}),
    ("strip", {"size": 12, "width": 4, "stride": 1, "keep_the_short_window": False}),
    ("shifted_strip", {"width": 1, "stride": 2, "move": 3}),
    ("shifted_strip", {"width": 5, "stride": 1, "move": 0}),
    ("aliasing", {"frequency": 0.02, "blur": True}),
    ("aliasing", {"frequency": 0.5, "blur": False}),
    ("aliasing", {"frequency": 0.5, "blur": True}),
    ("separation", {"often": 0.02, "rarely": 0.3}),
    ("separation", {"often": 0.1, "rarely": 0.1}),
    ("ledger", {"rows": [("input", (3, 4, 4), 0), ("Linear", (2,), 98)], "name": "Two"}),
]


@pytest.mark.parametrize(("name", "values"), KNOBS, ids=lambda value: str(value)[:30])
def test_knobs_at_their_ends(name, values):
    says_what_it_shows(getattr(draw, name)(**values))


def test_figures_of_results():
    shifts, same = card("shift-consistency"), card("unchanged-after-shift")
    drawn = [
        draw.answer(shifts),
        draw.consistency({name: shifts.mean(name) for name in shifts.measures}, shifts),
        draw.unchanged({name: same.mean(name) for name in same.measures}, same),
        draw.evidence(np.eye(16)[None].repeat(4, 0), np.eye(8)[None].repeat(4, 0), np.arange(4), first=1),
    ]
    assert list(same.measures) == list(STAGES)
    assert all(kind in drawn[1].alt for kind in DOWNSAMPLING)
    for picture in drawn:
        says_what_it_shows(picture)


def test_the_strip_counts_as_torch_does():
    torch = pytest.importorskip("torch")
    from backpass.figures.pooling_strips import _starts

    for size, width, stride in ((6, 3, 2), (7, 3, 2), (12, 2, 4), (11, 4, 3), (5, 3, 4)):
        for short in (False, True):
            y = torch.nn.functional.max_pool1d(torch.zeros(1, 1, size), width, stride, ceil_mode=short)
            assert len(_starts(size, width, stride, short)) == y.shape[-1]
    assert ": 3 outputs" in draw.strip(6, 3, 2, True).title


def test_the_ways_back_are_torchs():
    """dx of the figure, ties and overlaps included, is torch's; and the four answers are torch's too."""
    torch = pytest.importorskip("torch")
    from backpass.figures import pooling_ways as ways

    pools = {"max": torch.nn.functional.max_pool2d, "average": torch.nn.functional.avg_pool2d}
    for kind, pool in pools.items():
        for overlap in (False, True):
            x = torch.tensor(ways._TIES, requires_grad=True)
            size, stride = (3, 1) if overlap else (2, 2)
            pool(x[None, None], size, stride).backward(torch.tensor(ways._ABOVE)[None, None])
            dx = np.zeros((4, 4))
            for output, pixel, share in ways._ways_back(kind, overlap)[2]:
                dx[pixel] += share * ways._ABOVE[output]
            np.testing.assert_allclose(dx, x.grad.numpy(), atol=1e-12)
    window = torch.tensor(ways.EXAMPLE[1:4, 2:5])[None, None]
    wanted = torch.nn.functional.lp_pool2d(window, 2.0, 3).item()
    assert f"L2 {wanted:.2f}" in draw.four_ways(1, 2).alt


def test_the_book_says_half():
    """Shifted by one, every detector value of the strip changes and half of the pooled ones."""
    assert draw.shifted_strip().title == "6 of 6 detector values change, 3 of 6 pooled values"
    assert draw.shifted_strip(move=0).title == "0 of 6 detector values change, 0 of 6 pooled values"


def test_only_waves_faster_than_a_quarter_pose():
    assert "survive" in draw.aliasing(0.24).title
    assert "pose as 0.24" in draw.aliasing(0.26).title
    assert "leaves 50%" not in draw.aliasing(0.26, blur=False).title
