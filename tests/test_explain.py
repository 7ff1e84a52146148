"""The most telling property: named where it is there, and never claimed where it is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from backpass.explain import capital, explain, explain_shape

RNG = np.random.default_rng(1)
E = RNG.normal(size=(2, 3, 5, 5))


def changed(index, value):
    wrong = E.copy()
    wrong[index] = value
    return wrong


def bordered():
    wrong = np.full(E.shape, 9.0)
    wrong[:, :, 1:-1, 1:-1] = E[:, :, 1:-1, 1:-1]
    return wrong


@pytest.mark.parametrize(
    ("actual", "words"),
    [
        (E.swapaxes(2, 3), "its axes 2 and 3 exchanged"),
        (E[:, :, ::-1], "flipped along axis 2"),
        (E[:, :, ::-1, ::-1], "turned by half a circle"),
        (np.rot90(E, 1, (2, 3)), "turned counter-clockwise"),
        (-E, "wrong sign"),
        (2 * E, "a factor of 2, which is the number of samples"),
        (E / 3, "a factor of 1/3, which is one over the number of channels"),
        (E * 3 / 2, "n/(n − 1) with n the number of channels"),
        (E * 1.2345, "one constant factor"),
        (E + 3.21, "off by one constant"),
        (E + RNG.normal(size=(1, 3, 1, 1)), "Each entry along axis 1 is off by a constant of its own"),
        (E * RNG.normal(size=(1, 3, 1, 1)), "Each entry along axis 1 is right up to a factor"),
        (bordered(), "except at the border, one entry wide"),
        (changed((slice(1, None),), 0), "Only the first entry along axis 0 is right"),
        (changed((slice(None), slice(None), -1), 0), "except in the last row"),
        (changed((Ellipsis, slice(1, None, 2)), 9), "every second column is right"),
        (changed((0, 0, 0, 0), np.nan), "nan in 1 of 150 values. Everything else is right."),
        (np.full(E.shape, np.nan), "Every value is nan"),
        (np.zeros(E.shape), "All your values are zero"),
        (np.full(E.shape, 3.0), "All your values are the same"),
        (np.maximum(E, 0), "zero where it should not be"),
        (np.abs(E), "none is negative"),
        (E**2, "squared"),
        (np.roll(E, 1, 3), "moved by one place towards the end along axis 3, circularly"),
        (E[:, [0, 2, 1]], "The entries along axis 1 are the right ones in another order"),
        (E.transpose(1, 0, 2, 3).reshape(E.shape), "a reshape stands where axes must be moved first"),
        (np.sort(E, axis=None).reshape(E.shape), "sorted"),
    ],
)
def test_named(actual, words):
    assert words in explain(actual, E, {"the number of samples": 2, "the number of channels": 3})


@pytest.mark.parametrize(
    ("actual", "expected", "words"),
    [
        (np.trunc(3 * E), 3 * E, "cut off"),
        (np.array(2.5), np.array(1.25), "It is right up to a factor of 2."),
        (np.array(-1.25), np.array(1.25), "wrong sign"),
        (np.array(3), np.array(2), "one too large"),
        (E + 1e-9, E, "Nearly right"),
        (E + 1e-6 * np.sin(E), E, "Nearly right"),
        (np.sqrt(np.abs(E)), np.abs(E), "the root"),
    ],
)
def test_named_for_other_arrays(actual, expected, words):
    assert words in explain(actual, expected)


def test_a_sentence_begins_with_a_capital_and_a_call_as_it_is_written():
    assert capital("the result differs.") == "The result differs."
    assert capital("convolve1d(x=an array): the result differs.").startswith("convolve1d(")
    assert capital("") == ""


def test_a_factor_is_not_named_by_accident():
    """In float32 a ratio must be as exact as float32 is: the root of 11/12 is 0.957427."""
    expected = E.astype(np.float32)
    sizes = {"the number of entries": 12}
    assert "one constant factor" in explain(np.float32(0.957) * expected, expected, sizes)
    assert "biased or unbiased" in explain(np.float32((11 / 12) ** 0.5) * expected, expected, sizes)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (np.array(2.0), np.array(1.0)),  # whole single numbers: a factor may be an accident
        (np.array(6), np.array(3)),
        (np.zeros((2, 2)) + 2, np.ones((2, 2))),
        (np.ones(5), np.zeros(5)),
        (np.array([1.0, 2.0]), np.array([2.0, 1.0])),
        (RNG.normal(size=(4, 5)), RNG.normal(size=(4, 5))),
        (E, np.full(E.shape, np.nan)),
        (np.array(["a"]), np.array(["b"])),
    ],
)
def test_nothing_is_claimed_by_accident(actual, expected):
    assert explain(actual, expected) == ""


@pytest.mark.parametrize(
    ("actual", "expected", "words"),
    [
        (E[0, 0, :3].T, E[0, 0, :3], "axes in another order"),
        (np.pad(E[0, 0], 1), E[0, 0], "stand in its middle"),
        (E[0, 0, 1:-1, 1:-1], E[0, 0], "in the middle of the right array"),
        (E[:1], E[0], "one axis of length 1 too many. The numbers are right."),
        (E[0].ravel(), E[0], "only the shape is not"),
        (np.zeros((4, 3)), E[0, 0, :3, :4], "stand at the wrong axes"),
        (np.zeros((4, 4)), E[0, 0], ""),
    ],
)
def test_shapes(actual, expected, words):
    assert words in explain_shape(actual, expected)


arrays = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=1, max_dims=4, max_side=4),
    elements=st.floats(-4, 4, width=16).map(float) | st.integers(-2, 2).map(float),
)


def holds(sentence: str, a: np.ndarray, e: np.ndarray) -> bool:
    """An independent reading of what a sentence claims, for those that tests can decide shortly."""

    def same(one, other):
        return np.allclose(one, other, rtol=1e-6, atol=1e-6 * np.abs(e).max())

    if "wrong sign" in sentence:
        return same(a, -e)
    if "reverse order" in sentence:
        return same(a, e[::-1])
    if "none is negative" in sentence:
        return same(a, np.abs(e))
    if "All your values are zero" in sentence:
        return not a.any()
    if "off by one constant" in sentence:
        return same(a - e, np.full(e.shape, (a - e).flat[0]))
    if "one constant factor" in sentence or "up to a factor of" in sentence:
        nonzero = e != 0
        ratio = a[nonzero] / e[nonzero]
        return np.allclose(ratio, ratio[0], rtol=1e-4) and not a[~nonzero].any()
    if "each once" in sentence or "sorted" in sentence or "another order" in sentence:
        return same(np.sort(a, axis=None), np.sort(e, axis=None))
    if "except at the border" in sentence or "except in" in sentence:
        return (np.isclose(a, e)).any() and not np.isclose(a, e).all()
    return True


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_what_is_claimed_holds(data):
    e = data.draw(arrays)
    a = data.draw(hnp.arrays(np.float64, e.shape, elements=st.floats(-4, 4, width=16).map(float)))
    for wrong in (a, -e, e[::-1], e * 2, e + 1, np.abs(e), np.roll(e, 1, -1), np.where(a > 0, a, e)):
        if not np.allclose(wrong, e):
            assert holds(explain(wrong, e), wrong, e)


@given(arrays, st.floats(-3, 3))
@settings(max_examples=50, deadline=None)
def test_no_expected_number_is_told(e, number):
    e = e + np.pi * 100  # such numbers would be recognised
    sentence = explain(np.full(e.shape, number), e)
    assert "31" not in sentence


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_shapes_never_raise(data):
    shape_explained = explain_shape(data.draw(arrays), data.draw(arrays))
    assert isinstance(shape_explained, str)
