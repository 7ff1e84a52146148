"""The reference of unit 1 against NumPy and PyTorch, and by what must be true of it."""

from __future__ import annotations

import numpy as np
import pytest

from solutions import convolution as right

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(1)
DTYPES = (np.float64, np.float32)
SHAPES = [((6, 9), (3, 2)), ((5, 4), (1, 3)), ((4, 7), (4, 1)), ((3, 3), (1, 1)), ((4, 5), (4, 5))]


def normal(*shape: int, dtype: type = np.float64) -> np.ndarray:
    return RNG.standard_normal(shape).astype(dtype)


def close(actual: np.ndarray, expected: np.ndarray) -> None:
    assert actual.dtype == expected.dtype
    rtol, atol = (1e-4, 1e-5) if expected.dtype == np.float32 else (1e-9, 1e-12)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", ["full", "valid", "same"])
@pytest.mark.parametrize("w_size", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("x_size", [1, 2, 5, 6, 8])
def test_convolve1d_is_numpys(x_size, w_size, mode, dtype):
    x, w = normal(x_size, dtype=dtype), normal(w_size, dtype=dtype)
    close(right.convolve1d(x, w, mode), np.convolve(x, w, mode))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("image_shape", "kernel_shape"), SHAPES)
def test_cross_correlation_and_its_gradients_are_torchs(image_shape, kernel_shape, dtype):
    image, kernel = normal(*image_shape, dtype=dtype), normal(*kernel_shape, dtype=dtype)
    t_image, t_kernel = (torch.tensor(a, requires_grad=True) for a in (image, kernel))
    y = torch.nn.functional.conv2d(t_image[None, None], t_kernel[None, None])[0, 0]
    close(right.cross_correlate2d(image, kernel), y.detach().numpy())
    dy = normal(*y.shape, dtype=dtype)
    y.backward(torch.tensor(dy))
    dimage, dkernel = right.cross_correlate2d_backward(dy, image, kernel)
    close(dimage, t_image.grad.numpy())
    close(dkernel, t_kernel.grad.numpy())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("image_shape", "kernel_shape"), [*SHAPES, ((2, 3), (4, 5))])
def test_convolve2d_multiplies_polynomials(image_shape, kernel_shape, dtype):
    image, kernel = normal(*image_shape, dtype=dtype), normal(*kernel_shape, dtype=dtype)
    s = right.convolve2d(image, kernel)
    spectrum = np.fft.fft2(image, s.shape) * np.fft.fft2(kernel, s.shape)
    close(s, np.fft.ifft2(spectrum).real.astype(dtype))
    close(s, right.convolve2d(kernel, image))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [(0, 0, 0, 0), (1, 2, 3, 0), (3, 0, 1, 2), (4, 4, 3, 3)])
def test_pad2d_is_torchs(padding, mode, dtype):
    x = normal(2, 3, 4, 5, dtype=dtype)
    expected = torch.nn.functional.pad(torch.tensor(x), padding, mode=mode).numpy()
    np.testing.assert_array_equal(right.pad2d(x, padding, mode), expected)
    assert right.pad2d(x, padding, mode).dtype == dtype


def test_pad2d_goes_once_around():
    x = normal(1, 2, 3, 4)
    expected = torch.nn.functional.pad(torch.tensor(x), (4, 4, 3, 3), mode="circular").numpy()
    np.testing.assert_array_equal(right.pad2d(x, (4, 4, 3, 3), "circular"), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("image_shape", "kernel_shape"), SHAPES)
def test_conv_matrix_is_the_same_operator(image_shape, kernel_shape, dtype):
    image, kernel = normal(*image_shape, dtype=dtype), normal(*kernel_shape, dtype=dtype)
    matrix = right.conv_matrix(kernel, *image_shape)
    y = right.cross_correlate2d(image, kernel)
    close(matrix @ image.ravel(), y.ravel())
    dy = normal(*y.shape, dtype=dtype)
    close(matrix.T @ dy.ravel(), right.cross_correlate2d_backward(dy, image, kernel)[0].ravel())
    assert np.count_nonzero(matrix) == right.parameter_count("local", image.size, y.size, kernel.size)


def test_the_nine_frames():
    rows = ("11100", "01110", "00111", "00110", "01100")
    image = np.array([[float(pixel) for pixel in row] for row in rows])
    kernel = np.array([[1.0, 2, 0], [0, 1, 0], [0, 0, 3]])
    assert right.cross_correlate2d(image, kernel).tolist() == [[7, 7, 5], [5, 7, 4], [3, 3, 4]]
    assert right.convolve2d(image, kernel)[2:-2, 2:-2].tolist() == [[5, 7, 7], [1, 7, 6], [3, 3, 4]]


def test_equivariance_of_shifts_and_rotations():
    image, kernel = normal(8, 8), normal(3, 3)

    def around(image: np.ndarray) -> np.ndarray:
        return right.cross_correlate2d(np.pad(image, 1, mode="wrap"), kernel)

    def shift(image: np.ndarray) -> np.ndarray:
        return np.roll(image, (1, 2), (0, 1))

    assert right.equivariance_error(around, shift, shift, image) < 1e-14
    assert right.equivariance_error(around, np.rot90, np.rot90, image) > 0.1
    kernel = right.rot90_symmetrize(kernel)
    assert right.equivariance_error(around, np.rot90, np.rot90, image) < 1e-14
    assert isinstance(right.equivariance_error(around, shift, shift, image.astype(np.float32)), float)


def test_numerical_gradient_of_a_curved_function():
    x, dy = normal(2, 3), normal(2, 3)
    before = x.copy()
    np.testing.assert_allclose(right.numerical_gradient(np.sin, x, dy), dy * np.cos(x), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(right.numerical_gradient(lambda x: x, x, dy), dy, rtol=1e-8)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize(
    "call",
    [
        lambda: right.convolve1d(normal(3), normal(2), "half"),
        lambda: right.pad2d(normal(1, 1, 3, 3), (1, 1, 1, 1), "edge"),
        lambda: right.parameter_count("sparse", 1, 1, 1),
    ],
)
def test_other_words_are_errors(call):
    with pytest.raises(ValueError):
        call()
