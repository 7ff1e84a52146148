"""Figures: alt text, labels, knobs; every position of every knob of a lecture can be drawn."""

import inspect

import numpy as np
import pytest

from autograder.units import UNITS
from backpass.figures import Picture, convolution, explore, picture
from backpass.figures.planes import LAPLACIAN, OBLIQUE, Layer, relative_gap, scene, turned
from backpass.figures.style import canvas, headline
from tests.pictures import says_what_it_shows


@picture
def plain(height=2.0, *, label="x"):
    figure, axes = canvas(height)
    axes.plot([0, 1])
    axes.set_xlabel(label)
    axes.set_ylabel("y")
    headline(figure, "It rises")
    return figure, "A line that rises."


def test_a_picture_brings_its_alt_text():
    data, about = plain()._repr_mimebundle_()
    assert 'alt="A line that rises."' in data["text/html"]
    assert data["text/plain"] == "[Figure] A line that rises."
    assert about["image/png"]["alt"] == "A line that rises."
    assert about["backpass"] == {"title": "It rises", "alt": "A line that rises.", "unlabelled": []}


def test_an_axis_without_a_name_is_noticed():
    assert plain(label="").unlabelled_axes() == ["panel 1: x axis"]


def test_no_picture_without_alt_text():
    with pytest.raises(ValueError, match="alt text"):
        Picture(plain().figure, "  ")


def test_alt_text_cannot_break_out_of_its_attribute():
    shown = Picture(plain().figure, 'a "quoted" <word>')
    assert "&quot;quoted&quot; &lt;word&gt;" in shown._repr_mimebundle_()[0]["text/html"]


def test_a_knob_redraws_the_picture_in_place(monkeypatch):
    ipywidgets = pytest.importorskip("ipywidgets")
    import IPython.display

    shown, updates = [], []

    class Handle:
        def update(self, what):
            updates.append(what)

    def display(what, display_id=None):
        shown.append(what)
        return Handle() if display_id else None

    monkeypatch.setattr(IPython.display, "display", display)
    arrays = {"ones": np.ones(2), "twos": np.full(2, 2.0)}
    seen = []

    def draw(height, kind, label, flag):
        seen.append((height, kind[0], label, flag))
        return plain()

    explore(draw, height=(1, 5, 2), kind=arrays, label=["a", "b"], flag=False)
    knobs, first = shown
    assert isinstance(first, Picture)
    assert "height, kind, label, flag" in knobs.text
    slider, kinds, labels, flag = knobs.box.children
    assert isinstance(slider, ipywidgets.IntSlider)
    slider.value, kinds.value, labels.value, flag.value = 4, "twos", "b", True
    assert seen == [
        (2, 1.0, "a", False),
        (4, 1.0, "a", False),
        (4, 2.0, "a", False),
        (4, 2.0, "b", False),
        (4, 2.0, "b", True),
    ]
    assert len(updates) == 4


KNOBS = [
    ("sliding_area", {"t": t, "decay": d}) for t, d in ((0.0, 0.1), (9.0, 3.0))
] + [
    ("stepping_sum", {"t": 0}),
    ("stepping_sum", {"t": 7}),
    ("borders", {"width": 1}),
    ("borders", {"width": 9}),
    ("impulses", {"kernel": convolution.RING}),
    ("swapped_roles", {"b": (3, 1, 3)}),
    ("nine_frames", {"frame_number": 1, "kernel": convolution.ASYMMETRIC, "half_turn": True}),
    ("exposed", {"image": np.arange(25.0).reshape(5, 5)}),
    ("band", {"border": "zeros outside"}),
    ("band", {"border": "circular"}),
    ("footprint", {"output": 8, "pixel": 24}),
    ("frequencies", {"kernel": (1, 0, -1)}),
    ("reach", {"layers": 6, "window": 5}),
    ("reach", {"layers": 1, "window": 3}),
    ("prices", {"side": 16, "window": 1}),
    ("prices", {"side": 256, "window": 11}),
    ("visits", {"row": 2, "column": 2}),
    ("commuting_square", {"move": "turn", "amount": 15}),
    ("commuting_square", {"move": "zoom", "amount": 0}),
    ("commuting_square", {"move": "shift", "amount": 15, "border": "zero", "stride": 2}),
    ("where", {"row": 16, "column": 0}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values"), KNOBS, ids=lambda value: str(value)[:30])
def test_knobs_at_their_ends(name, values):
    says_what_it_shows(getattr(convolution, name)(**values))


@pytest.mark.parametrize("unit", UNITS)
def test_every_figure_says_what_it_is(unit):
    figures = pytest.importorskip(f"backpass.figures.{unit}")
    for name in figures.__all__:
        made = getattr(figures, name)
        if inspect.isfunction(made):
            assert made.__doc__, name


def test_the_example_comes_out_as_in_the_literature():
    """The four 3x3 results are stated in the alt texts, as the frames computed them."""
    slides, turned_slides, mine, turned_mine = (
        convolution.nine_frames(9, kernel, half_turn).alt
        for kernel in (convolution.SYMMETRIC, convolution.ASYMMETRIC)
        for half_turn in (False, True)
    )
    assert "[4, 3, 4, 2, 4, 3, 2, 3, 4]" in slides
    assert "[4, 3, 4, 2, 4, 3, 2, 3, 4]" in turned_slides
    assert "[7, 7, 5, 5, 7, 4, 3, 3, 4]" in mine
    assert "[5, 7, 7, 1, 7, 6, 3, 3, 4]" in turned_mine


def test_turning_is_exact_for_quarter_turns():
    plane = scene()
    np.testing.assert_allclose(turned(plane, 90), np.rot90(plane), atol=1e-12)
    np.testing.assert_allclose(turned(plane, 0), plane, atol=1e-12)


def test_layers_on_planes_agree_with_torch():
    torch = pytest.importorskip("torch")
    plane = scene()
    for border, mode in (("circular", "circular"), ("zero", "constant")):
        for stride in (1, 2):
            padded = torch.nn.functional.pad(torch.as_tensor(plane)[None, None], (1, 1, 1, 1), mode=mode)
            wanted = torch.nn.functional.conv2d(padded, torch.as_tensor(OBLIQUE)[None, None], stride=stride)
            np.testing.assert_allclose(Layer(OBLIQUE, border, stride).see(plane), wanted[0, 0], atol=1e-12)
    assert relative_gap(Layer(LAPLACIAN).see(turned(plane, 90)), turned(Layer(LAPLACIAN).see(plane), 90)) < 1e-12
