"""Figures of lecture 2: every knob at its ends, and what the titles claim."""

import numpy as np
import pytest

from backpass.cards import card
from backpass.figures import conv_layer as draw
from tests.pictures import says_what_it_shows

KNOBS = [
    ("sum_over_planes", {"output_map": 1}),
    ("tape", {"size": 3, "kernel": 7, "padding": 0}),
    ("tape", {"size": 20, "kernel": 1, "stride": 1, "padding": 4}),
    ("tape", {"size": 20, "kernel": 7, "stride": 4, "padding": 4, "dilation": 3}),
    ("coverage", {"kernel": 1, "stride": 4, "padding": 0, "dilation": 3}),
    ("coverage", {"kernel": 5, "stride": 1, "padding": 2, "dilation": 1}),
    ("unrolled", {"window": 0}),
    ("unrolled", {"window": 8}),
    ("lettered_backward", {"row": 0, "column": 0}),
    ("lettered_backward", {"row": 2, "column": 3}),
    ("reversed_wires", {"pixel": 0, "stride": 2}),
    ("reversed_wires", {"pixel": 8, "stride": 1}),
    ("recovered", {"kernels": np.ones((5, 3, 3)), "target": np.eye(3), "step": 4}),
    ("stamps", {"kernel": 2, "stride": 3}),
    ("stamps", {"kernel": 7, "stride": 1}),
    ("growth", {"layers": 2, "kernel": 3}),
    ("growth", {"layers": 8, "kernel": 5}),
]
TORCH_KNOBS = [
    *(("masks", {"kind": kind}) for kind in draw.KINDS),
    ("own_check", {"stride": 2, "padding": 2, "samples": 3, "channels": "2 to 4", "oblong": True, "upstream": "ones"}),
    ("field", {"layers": 2, "relu": True}),
    ("field", {"layers": 24}),
    ("leak", {"border": "circular", "layers": 14}),
    ("leak", {"border": "replicate", "layers": 1}),
]


@pytest.mark.parametrize(("name", "values"), KNOBS, ids=lambda value: str(value)[:30])
def test_knobs_at_their_ends(name, values):
    says_what_it_shows(getattr(draw, name)(**values))


@pytest.mark.parametrize(("name", "values"), TORCH_KNOBS, ids=lambda value: str(value)[:30])
def test_knobs_that_ask_torch(name, values):
    pytest.importorskip("torch")
    test_knobs_at_their_ends(name, values)


def test_the_opening_and_the_last_figure():
    this = card("padding-tells-where")
    for drawn in (draw.answer(), draw.left_or_right({name: this.mean(name) for name in this.measures}, this)):
        says_what_it_shows(drawn)


def test_the_tape_counts_as_torch_does():
    torch = pytest.importorskip("torch")
    for size, kernel, stride, padding, dilation in (
        (9, 3, 2, 1, 1),
        (10, 3, 2, 0, 1),
        (20, 5, 3, 2, 2),
        (7, 2, 4, 0, 3),
    ):
        y = torch.nn.functional.conv1d(
            torch.zeros(1, 1, size), torch.zeros(1, 1, kernel), None, stride, padding, dilation
        )
        assert draw.tape(size, kernel, stride, padding, dilation).title.startswith(f"Output size {y.shape[-1]} =")


def test_coverage_is_what_folding_ones_gives():
    torch = pytest.importorskip("torch")
    for kernel, stride, padding, dilation in ((3, 2, 1, 1), (2, 3, 0, 1), (3, 1, 2, 2)):
        options = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
        columns = torch.nn.functional.unfold(torch.ones(1, 1, 9, 9), **options)
        seen = torch.nn.functional.fold(torch.ones_like(columns), (9, 9), **options)
        alt = draw.coverage(kernel, stride, padding, dilation).alt
        assert f"from {seen.min():g} to {seen.max():g}; {(seen == 0).sum()} pixels" in alt


def test_the_letters_add_up_to_torchs_gradient():
    """The framed sum, with numbers for letters, is what torch computes."""
    torch = pytest.importorskip("torch")
    letters = dict(zip("wxyz", (2.0, -1.0, 0.5, 3.0), strict=True))
    above = dict(zip("αβγδεζ", (1.0, -2.0, 0.3, 4.0, 0.7, -1.1), strict=True))
    image = torch.zeros(1, 1, 3, 4, requires_grad=True)
    y = torch.nn.functional.conv2d(image, torch.tensor(list(letters.values())).reshape(1, 1, 2, 2))
    y.backward(torch.tensor(list(above.values())).reshape(1, 1, 2, 3))
    for row, column in ((0, 0), (1, 2), (2, 1)):
        terms = draw.lettered_backward(row, column).alt.split("framed, is ")[1].rstrip(".").split(" + ")
        total = sum(above[term[0]] * letters[term[1]] for term in terms)
        assert total == pytest.approx(float(image.grad[0, 0, row, column]), abs=1e-5)


def test_the_news_of_the_border_travels_one_kernel_per_layer():
    pytest.importorskip("torch")
    assert "every pixel of the map is the same" in draw.leak("circular", 6).title
    for layers in (1, 5, 9):
        assert f": {layers} pixels from each side" in draw.leak("zeros", layers).title
