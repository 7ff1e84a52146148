"""Comparing a student's value with the right one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backpass.compare import check_structure, compare, returned_names

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4))


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (X.copy(), X),
        (X.tolist(), X),  # nested lists pass for arrays, with any dtype
        ([1, 2, 3], np.array([1.0, 2.0, 3.0])),
        ([X, None], (X, None)),
        ((X, [1, 2.0]), [X, (1.0, 2.0)]),
        ({"b": 1.0, "a": X}, {"a": X, "b": 1.0}),
        (np.float32(0.5), 0.5),
        (np.array(0.5), 0.5),
        (1, 1.0),
        (np.int8(3), 3),
        (np.array([1, 2], np.int32), np.array([1, 2])),
        (10**30, 10**30),
        (np.array([np.nan, np.inf]), np.array([np.nan, np.inf])),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        ("full", "full"),
        (np.bool_(True), True),
        (16.0, 16),
        (np.float32(3), 3),
    ],
)
def test_same(actual, expected):
    assert compare(actual, expected) is None


@pytest.mark.parametrize(
    ("actual", "expected", "kind", "words"),
    [
        (None, X, "structure", "is a `return` missing?"),
        (X, None, "structure", "should be None"),
        ((X, X), X, "structure", "is a tuple of 2 values"),
        (X, (X, X), "structure", "should be a tuple of 2 values"),
        ((X,), (X, X), "structure", "has 1 values, and should have 2"),
        ({"a": X}, {"a": X, "b": X}, "structure", "lacks the key 'b'"),
        ({"a": X, "c": 1}, {"a": X}, "structure", "has the key 'c'"),
        (3.0, X, "structure", "is a number"),
        (X, 3.0, "structure", "is an array of shape (3, 4)"),
        (True, 1.0, "structure", "is a truth value"),
        (True, 1, "structure", "is a truth value"),
        (X.T, X, "shape", "has shape (4, 3), and should have shape (3, 4)"),
        (X.astype(np.float32), X, "dtype", "float64 in, float64 out"),
        (X, X.astype(np.float32), "dtype", "float32 in, float32 out"),
        (X.astype(int), X, "dtype", "cuts off"),
        (X + 0j, X, "dtype", "real part"),
        ([[1, 2], [3]], X, "structure", "is a list of 2 values"),
        (object(), X, "structure", "of type object"),
        (X + 1, X, "value", "differs in all 12 values"),
        (np.array([np.nan]), np.array([1.0]), "value", "nan"),
        (np.array([np.inf]), np.array([-np.inf]), "value", "is not right"),
        (5, 4, "value", "is not right"),
        (10**400, 1.5, "structure", "is an integer of more than 300 digits, and should be a number"),
        (-(10**400), 4, "structure", "is an integer of more than 300 digits"),
        ([10**400] * 3, np.ones(3), "structure", "is a list of 3 values"),
    ],
)
def test_different(actual, expected, kind, words):
    difference = compare(actual, expected)
    assert difference.kind == kind
    assert words in difference.hidden_sentence()


def test_an_unsupported_object_is_called_by_its_type():
    Unsupported = type("Unsupported", (), {"type_name": "torch.Tensor"})
    assert "is an object of type torch.Tensor" in compare(Unsupported(), X).hidden_sentence()
    Unsupported.type_name = "a value of more than 64 MiB"
    assert "the result is a value of more than 64 MiB" in compare(Unsupported(), X).hidden_sentence()


def test_structure_is_compared_everywhere_before_values():
    assert compare((X + 1, X.T), (X, X)).kind == "shape"


def test_structure_alone_does_not_look_at_numbers():
    assert check_structure((X + 1, 5.0), (X, 4.0)) is None
    assert check_structure(X.T, X).kind == "shape"


def test_places_have_names_and_the_rest_is_told():
    difference = compare((X, X + 1, X), (X, X, X), names=("dx", "dweight", "dbias"))
    assert difference.path == (1,)
    sentence = difference.hidden_sentence()
    assert sentence.startswith("the second returned value (dweight) differs in all 12 values.")
    assert "The rest of what is returned is right." in sentence
    both = compare((X + 1, X, X + 1), (X, X, X), names=("dx", "dweight", "dbias"))
    assert "The third returned value (dbias) differs, too." in both.hidden_sentence()
    assert "entry 'w1' of the second returned value" in compare((X, {"w1": X.T}), (X, {"w1": X})).hidden_sentence()


def test_the_entries_of_one_dict_are_told_together():
    right = (X, {"w": X, "b": X, "c": X, "d": X}, X)
    wrong = (X, {"w": X, "b": X + 1, "c": X + 2, "d": X + 3}, X + 4)
    told = compare(wrong, right, names=("dx", "dparams")).hidden_sentence()
    assert "The entries 'c' and 'd' of the second returned value (dparams) and the third returned value differ" in told
    told = compare((X, wrong[1]), right[:2]).hidden_sentence()
    assert told.endswith("The entries 'c' and 'd' of the second returned value differ, too.")


def test_only_the_visible_sentence_shows_a_number():
    wrong = X.copy()
    wrong[1, 2] = 7
    difference = compare(wrong, X)
    assert (difference.count, difference.size) == (1, 12)
    assert f"at [1, 2] it is 7, expected {X[1, 2]:.6g}" in difference.visible_sentence()
    assert f"{X[1, 2]:.3g}" not in difference.hidden_sentence()


def test_rounding_passes_and_real_differences_do_not():
    large = RNG.normal(size=(50, 50)) * 1e3
    other = np.array([[sum(float(v) for v in row)] for row in large])
    assert compare(other, large.sum(axis=1, keepdims=True)) is None
    assert compare(large.astype(np.float32)[::-1].sum(axis=0), large.astype(np.float32).sum(axis=0)) is None


def test_a_saturated_tanh_in_float32_is_no_failure():
    x = np.linspace(5, 12, 8, dtype=np.float32)
    y = np.tanh(x)
    dy = np.float32(3) * np.ones_like(x)
    assert compare((1 - y) * (1 + y) * dy, dy / np.cosh(x) ** 2) is None


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_sum_that_is_exactly_zero_is_no_failure(dtype):
    x = RNG.normal(size=(40, 3)).astype(dtype)
    centred = x - x.mean(axis=0)
    assert compare(centred.sum(axis=0), np.zeros(3, dtype)) is None


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_eps_outside_the_root_is_seen_for_a_small_deviation(dtype):
    x = (1e-3 * RNG.normal(size=(20, 3))).astype(dtype)
    centred, var, eps = x - x.mean(axis=0), x.var(axis=0), dtype(1e-5)
    assert compare(centred / (np.sqrt(var) + eps), centred / np.sqrt(var + eps)) is not None


def test_given_tolerances_are_used():
    assert compare(X * (1 + 1e-4), X, rtol=1e-3) is None
    assert compare(X * (1 + 1e-4), X) is not None
    assert compare(X + 1e-3, X, rtol=0, atol=1e-2) is None


def test_returned_names_are_read_from_the_docstring():
    def backward():
        """Gradients.

        Returns
        -------
        dx : (N, D) array
            like x
        dweight, dbias : arrays

        Notes
        -----
        None : here.
        """

    assert returned_names(backward) == ("dx", "dweight", "dbias")
    assert returned_names(lambda: None) == ()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_everything_equals_itself(value):
    assert compare(value, value) is None


@given(values, values)
def test_nothing_raises(one, other):
    difference = compare(one, other)
    if difference:
        assert difference.hidden_sentence()
        assert difference.visible_sentence()
