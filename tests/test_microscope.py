"""The operator microscope: matrices, singular values, null spaces, and its complaints."""

import numpy as np
import pytest

from backpass.figures.style import Picture
from backpass.microscope import examine, microscope


def circular(w):
    def f(x):
        return np.convolve(np.pad(x, len(w) // 2, mode="wrap"), w, "valid")

    return f


def test_a_matrix_is_found_exactly():
    matrix = np.random.default_rng(0).normal(size=(3, 5))
    seen = examine(lambda x: matrix @ x, (5,))
    assert seen.linear
    np.testing.assert_allclose(seen.matrix, matrix, atol=1e-14)
    np.testing.assert_allclose(seen.singular_values, np.linalg.svd(matrix, compute_uv=False), rtol=1e-12)
    assert seen.rank == 3
    assert seen.nullity == 2
    np.testing.assert_allclose(matrix @ seen.null_space.T, 0, atol=1e-12)
    np.testing.assert_allclose(seen.null_space @ seen.null_space.T, np.eye(2), atol=1e-12)


def test_an_affine_layer_has_an_offset():
    seen = examine(lambda x: 2 * x.sum(axis=0) + 3, (2, 4))
    assert seen.linear
    assert seen.output_shape == (4,)
    np.testing.assert_allclose(seen.offset, 3, atol=1e-12)


def test_a_circulant_has_the_gains_of_its_frequencies():
    w = np.array([0.25, 0.5, 0.25])
    seen = examine(circular(w), (16,))
    gains = np.sort(np.abs(np.fft.fft(w, 16)))[::-1]
    np.testing.assert_allclose(seen.singular_values, gains, atol=1e-12)
    np.testing.assert_allclose(np.abs(seen.null_space[0]), 0.25, atol=1e-9)
    assert (np.sign(seen.null_space[0][:-1]) != np.sign(seen.null_space[0][1:])).all()


def test_a_bent_function_is_differentiated():
    point = np.array([[0.3, -1.2], [2.0, 0.1]])
    seen = examine(np.tanh, (2, 2), at=point)
    assert not seen.linear
    np.testing.assert_allclose(seen.matrix, np.diag(1 - np.tanh(point.ravel()) ** 2), atol=1e-9)


def test_batch_norm_as_a_projection():
    """Each feature loses two directions: its mean and its scale, the latter up to eps."""

    def normalise(x):
        return (x - x.mean(0)) / x.std(0)

    seen = examine(normalise, (6, 2))
    assert seen.rank == 2 * (6 - 2)
    # Examples of one feature are coupled, features are not.
    blocks = np.abs(seen.matrix.reshape(6, 2, 6, 2))
    assert blocks[:, 0, :, 1].max() < 1e-9
    assert blocks[0, 0, 1, 0] > 1e-3


def test_null_space_shows_patterns():
    """A blur in both directions does not see stripes; they come first, unmixed."""

    def blur(x):
        return np.apply_along_axis(circular([0.25, 0.5, 0.25]), 0, x)

    seen = examine(blur, (8, 4))
    stripes = seen.null_space[0]
    np.testing.assert_allclose(stripes, np.sign(stripes) / np.sqrt(32), atol=1e-9)
    assert stripes.flat[0] > 0


def test_a_layer_without_output_is_all_null():
    seen = examine(lambda x: 0 * x, (3,))
    assert (seen.rank, seen.nullity) == (0, 3)


def test_the_argument_is_not_disturbed():
    def rude(x):
        x[:] = 0
        return x.copy()

    assert examine(rude, (3,)).rank == 0


@pytest.mark.parametrize(
    ("f", "shape", "words"),
    [
        (lambda x: (x, None), (3,), "tuple"),
        (lambda x: x, (2000,), "1024"),
        (lambda x: x / 0.0 * np.nan, (3,), "finite"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_it_says_what_it_cannot_take(f, shape, words):
    with pytest.raises(ValueError, match=words):
        examine(f, shape)


def test_a_random_layer_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="random generator"):
        examine(lambda x: x * (rng.random(x.shape) < 0.5), (4,))


@pytest.mark.parametrize(
    ("f", "shape"),
    [
        (circular([0.25, 0.5, 0.25]), (16,)),
        (lambda x: x, (3, 4)),
        (lambda x: x.reshape(2, 2, 3).max(axis=2), (2, 2, 3)),
        (lambda x: 0 * x, (3,)),
        (lambda x: x.sum(), (3,)),
        (lambda x: x, (1,)),
    ],
)
def test_it_draws(f, shape):
    picture = microscope(f, shape)
    assert isinstance(picture, Picture)
    assert picture.title
    assert picture.unlabelled_axes() == []
    assert picture.png.startswith(b"\x89PNG")


def test_a_title_of_ones_own():
    assert microscope(lambda x: 2 * x, (3,), title="It doubles").title == "It doubles"
