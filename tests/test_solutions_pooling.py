"""The reference of unit 3 against PyTorch, and by what must be true of it."""

from __future__ import annotations

import doctest
import itertools

import numpy as np
import pytest

from solutions import pooling as right

torch = pytest.importorskip("torch")
functional = torch.nn.functional

RNG = np.random.default_rng(3)
DTYPES = (np.float64, np.float32)
POOLS = [(2, None), (3, None), (3, 2), (2, 3), (3, 1), (1, 2), (4, 3)]  # kernel_size, stride


def with_padding(pools: list) -> list:
    """(kernel_size, stride, padding); torch refuses a padding above half the kernel."""
    return [(k, s, p) for k, s in pools for p in (0, 1) if p <= np.min(k) / 2]


def normal(*shape: int, dtype: type = np.float64, mean: float = 0.5) -> np.ndarray:
    return (mean + RNG.standard_normal(shape)).astype(dtype)


def close(actual: np.ndarray, expected: torch.Tensor | np.ndarray) -> None:
    expected = np.asarray(expected)
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    rtol, atol = (1e-4, 1e-5) if expected.dtype == np.float32 else (1e-9, 1e-12)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def same_as_torch(forward, backward, torch_function, x: np.ndarray) -> None:
    """Values and gradient of a layer with one input; forward(x) -> (y, cache)."""
    tensor = torch.tensor(x, requires_grad=True)
    expected = torch_function(tensor)
    y, cache = forward(x.copy())
    close(y, expected.detach())
    dy = normal(*y.shape, dtype=x.dtype)
    expected.backward(torch.tensor(dy))
    close(backward(dy, cache), tensor.grad)


def test_doctests():
    assert doctest.testmod(right, extraglobs={"np": np}).failed == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh"])
def test_activations_are_torchs(name, dtype):
    x = np.concatenate([normal(20, dtype=dtype), np.array([0, -0.0, 1e3, -1e3, 40, -40], dtype)])
    with np.errstate(all="raise", under="ignore"):
        same_as_torch(getattr(right, f"{name}_forward"), getattr(right, f"{name}_backward"), getattr(torch, name), x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_is_torchs(dtype):
    x = normal(4, 5, dtype=dtype)
    for scores in (x, x * 1e4, x + dtype(1e4), x[:1]):
        close(right.softmax(scores), functional.softmax(torch.tensor(scores), dim=1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(("kernel_size", "stride", "padding"), with_padding([*POOLS, ((2, 3), None), ((3, 2), 2)]))
def test_max_pooling_is_torchs_with_ties_and_negative_windows(kernel_size, stride, padding, ceil_mode, dtype):
    for size in ((6, 9), (7, 8), (5, 5)):
        # Few integers: many ties; all below zero: padding must not win.
        for x in (normal(2, 3, *size, dtype=dtype), RNG.integers(-4, 0, (2, 3, *size)).astype(dtype)):
            same_as_torch(
                lambda x: right.max_pool2d_forward(x, kernel_size, stride, padding, ceil_mode),
                right.max_pool2d_backward,
                lambda x: functional.max_pool2d(x, kernel_size, stride, padding, ceil_mode=ceil_mode),
                x,
            )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize(("kernel_size", "stride", "padding"), with_padding(POOLS))
def test_average_pooling_is_torchs(kernel_size, stride, padding, count_include_pad, dtype):
    for size in ((6, 9), (7, 8)):
        same_as_torch(
            lambda x: right.avg_pool2d_forward(x, kernel_size, stride, padding, count_include_pad),
            right.avg_pool2d_backward,
            lambda x: functional.avg_pool2d(x, kernel_size, stride, padding, False, count_include_pad),
            normal(2, 3, *size, dtype=dtype),
        )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("norm_type", [1, 2, 3, 4, 2.5])
@pytest.mark.parametrize(("kernel_size", "stride"), POOLS)
def test_lp_pooling_is_torchs(kernel_size, stride, norm_type, dtype):
    x = normal(2, 3, 6, 9, dtype=dtype)
    if norm_type not in (2, 4):
        x = np.abs(x) + dtype(0.1)
    same_as_torch(
        lambda x: right.lp_pool2d_forward(x, kernel_size, stride, norm_type),
        right.lp_pool2d_backward,
        lambda x: functional.lp_pool2d(x, norm_type, kernel_size, stride),
        x,
    )


@pytest.mark.parametrize("norm_type", [1, 2, 4])
def test_lp_pooling_of_zeros_has_gradient_zero(norm_type):
    y, cache = right.lp_pool2d_forward(np.zeros((1, 2, 4, 6)), 2, norm_type=norm_type)
    np.testing.assert_array_equal(y, 0)
    np.testing.assert_array_equal(right.lp_pool2d_backward(normal(*y.shape), cache), 0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("kernel_size", "stride", "sigma"), [(3, 2, 0.7), (2, 1, 1.0), (4, 3, 2.0)])
def test_gaussian_pooling_is_a_depthwise_convolution(kernel_size, stride, sigma, dtype):
    offset = np.arange(kernel_size) - (kernel_size - 1) / 2
    one = np.exp(-(offset**2) / (2 * sigma**2))
    kernel = np.outer(one, one) / one.sum() ** 2
    weight = torch.tensor(np.tile(kernel, (3, 1, 1, 1)).astype(dtype))
    same_as_torch(
        lambda x: right.gaussian_pool2d_forward(x, kernel_size, stride, sigma),
        right.gaussian_pool2d_backward,
        lambda x: functional.conv2d(x, weight, stride=stride, groups=3),
        normal(2, 3, 6, 9, dtype=dtype),
    )


def test_wide_gaussian_pooling_is_average_pooling():
    x = normal(2, 3, 6, 9)
    close(right.gaussian_pool2d_forward(x, 3, 2, 1e6)[0], right.avg_pool2d_forward(x, 3, 2)[0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_global_average_pooling_is_torchs(dtype):
    same_as_torch(
        right.global_avg_pool2d_forward,
        right.global_avg_pool2d_backward,
        lambda x: functional.adaptive_avg_pool2d(x, 1).flatten(1),
        normal(2, 3, 4, 5, dtype=dtype),
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("padding", "pool_size", "pool_stride"), [(0, 2, 2), (1, 3, 2), (2, 2, 1)])
def test_the_block_is_torchs(padding, pool_size, pool_stride, dtype):
    x, weight = normal(2, 3, 7, 8, dtype=dtype, mean=0), normal(4, 3, 3, 2, dtype=dtype, mean=0)
    for bias in (normal(4, dtype=dtype), None):
        t_x, t_weight = torch.tensor(x, requires_grad=True), torch.tensor(weight, requires_grad=True)
        t_bias = None if bias is None else torch.tensor(bias, requires_grad=True)
        detected = functional.relu(functional.conv2d(t_x, t_weight, t_bias, padding=padding))
        expected = functional.max_pool2d(detected, pool_size, pool_stride)
        y, cache = right.conv_relu_pool_forward(x, weight, bias, padding, pool_size, pool_stride)
        close(y, expected.detach())
        dy = normal(*y.shape, dtype=dtype)
        expected.backward(torch.tensor(dy))
        dx, dweight, dbias = right.conv_relu_pool_backward(dy, cache)
        close(dx, t_x.grad)
        close(dweight, t_weight.grad)
        if bias is None:
            assert dbias is None
        else:
            close(dbias, t_bias.grad)


def test_shift_consistency_counts_decisions():
    x = normal(5, 1, 4, 6)
    scores = lambda images: images[:, 0].reshape(len(images), -1)[:, :3]  # noqa: E731
    kept = [
        np.mean(scores(np.roll(x, s, axis)).argmax(1) == scores(x).argmax(1))
        for s, axis in itertools.product((1, 2), (2, 3))
    ]
    assert right.shift_consistency(scores, x, 2) == pytest.approx(np.mean(kept))
    assert right.shift_consistency(lambda images: images.sum(axis=(2, 3)), np.abs(normal(3, 4, 5, 6)), 3) == 1
