"""The reference of unit 2 against PyTorch, and by the identities that define a transpose."""

from __future__ import annotations

import doctest
import itertools

import numpy as np
import pytest

from solutions import conv_layer as right

torch = pytest.importorskip("torch")
functional = torch.nn.functional

RNG = np.random.default_rng(2)
DTYPES = (np.float64, np.float32)
# (size, kernel) pairs, both non-square, with kernels of one row, one column, one pixel.
SHAPES = [((6, 9), (3, 2)), ((9, 7), (1, 3)), ((7, 8), (4, 1)), ((5, 6), (1, 1))]
STEPS = list(itertools.product((1, 2, 3), (0, 2), (1, 2)))  # stride, padding, dilation
GROUPS = [(1, 3, 4), (2, 4, 6), (3, 3, 3)]  # groups, C_in, C_out; the last is depthwise


def normal(*shape: int, dtype: type = np.float64) -> np.ndarray:
    return (0.5 + RNG.standard_normal(shape)).astype(dtype)


def close(actual: np.ndarray | None, expected: torch.Tensor | np.ndarray | None) -> None:
    if expected is None:
        assert actual is None
        return
    expected = np.asarray(expected)
    assert actual.dtype == expected.dtype
    rtol, atol = (1e-4, 1e-4) if expected.dtype == np.float32 else (1e-9, 1e-11)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def tensors(*arrays: np.ndarray | None) -> list:
    return [None if a is None else torch.tensor(a, requires_grad=True) for a in arrays]


def test_doctests():
    assert doctest.testmod(right, extraglobs={"np": np}).failed == 0


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("dilation", [1, 2])
def test_output_size_is_torchs(padding, dilation, ceil_mode):
    for size, kernel, stride in itertools.product(range(1, 12), range(1, 6), range(1, 5)):
        if padding > kernel / 2:
            continue  # torch refuses
        image = torch.zeros(1, 1, 1, size)
        try:
            pooled = functional.max_pool2d(
                image, (1, kernel), (1, stride), (0, padding), (1, dilation), ceil_mode=ceil_mode
            )
        except RuntimeError:
            with pytest.raises(ValueError):
                right.conv_output_size(size, kernel, stride, padding, dilation, ceil_mode)
        else:
            actual = right.conv_output_size(size, kernel, stride, padding, dilation, ceil_mode)
            assert actual == pooled.shape[3], (size, kernel, stride)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("groups", "c_in", "c_out"), GROUPS)
@pytest.mark.parametrize(("stride", "padding", "dilation"), STEPS)
def test_conv2d_and_its_gradients_are_torchs(stride, padding, dilation, groups, c_in, c_out, dtype):
    for at, (size, kernel) in enumerate(SHAPES):
        reach = dilation * (max(kernel) - 1) + 1
        if reach > min(size) + 2 * padding:
            continue
        x = normal(1 + at, c_in, *size, dtype=dtype)
        weight = normal(c_out, c_in // groups, *kernel, dtype=dtype)
        bias = normal(c_out, dtype=dtype) if at % 2 else None
        t_x, t_weight, t_bias = tensors(x, weight, bias)
        expected = functional.conv2d(t_x, t_weight, t_bias, stride, padding, dilation, groups)
        y, cache = right.conv2d_forward(x, weight, bias, stride, padding, dilation, groups)
        close(y, expected.detach())
        dy = normal(*y.shape, dtype=dtype)
        expected.backward(torch.tensor(dy))
        for gradient, tensor in zip(right.conv2d_backward(dy, cache), (t_x, t_weight, t_bias), strict=True):
            close(gradient, None if tensor is None else tensor.grad)


def test_there_are_at_least_fifty_configurations():
    assert len(STEPS) * len(GROUPS) * len(SHAPES) >= 50


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1), (3, 2)])
@pytest.mark.parametrize(("size", "kernel"), SHAPES)
def test_the_naive_convolution_is_the_fast_one(size, kernel, stride, padding, dtype):
    x, weight = normal(2, 3, *size, dtype=dtype), normal(4, 3, *kernel, dtype=dtype)
    for bias in (normal(4, dtype=dtype), None):
        naive = right.conv2d_naive(x, weight, bias, stride, padding)
        close(naive, right.conv2d_forward(x, weight, bias, stride, padding)[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("stride", "padding", "dilation"), STEPS)
@pytest.mark.parametrize(("size", "kernel"), SHAPES)
def test_im2col_and_col2im_are_unfold_and_fold(size, kernel, stride, padding, dilation, dtype):
    if dilation * (max(kernel) - 1) + 1 > min(size) + 2 * padding:
        pytest.skip("the kernel does not fit")
    x = normal(2, 3, *size, dtype=dtype)
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    columns = right.im2col(x, kernel, **options)
    close(columns, functional.unfold(torch.tensor(x), kernel, **options))
    other = normal(*columns.shape, dtype=dtype)
    image = right.col2im(other, size, kernel, **options)
    close(image, functional.fold(torch.tensor(other), size, kernel, **options))
    assert np.vdot(columns, other) == pytest.approx(np.vdot(x, image), rel=1e-4 if dtype == np.float32 else 1e-10)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("stride", "padding", "output_padding"), [(1, 0, 0), (2, 1, 1), (3, 1, 2), (3, 0, 1), (2, 0, 0)]
)
@pytest.mark.parametrize("kernel", [(3, 4), (4, 3), (5, 3)])
def test_transposed_convolution_and_its_gradients_are_torchs(kernel, stride, padding, output_padding, dtype):
    x, weight = normal(2, 3, 4, 5, dtype=dtype), normal(3, 2, *kernel, dtype=dtype)
    for bias in (normal(2, dtype=dtype), None):
        t_x, t_weight, t_bias = tensors(x, weight, bias)
        expected = functional.conv_transpose2d(t_x, t_weight, t_bias, stride, padding, output_padding)
        y, cache = right.conv_transpose2d_forward(x, weight, bias, stride, padding, output_padding)
        close(y, expected.detach())
        dy = normal(*y.shape, dtype=dtype)
        expected.backward(torch.tensor(dy))
        gradients = right.conv_transpose2d_backward(dy, cache)
        for gradient, tensor in zip(gradients, (t_x, t_weight, t_bias), strict=True):
            close(gradient, None if tensor is None else tensor.grad)


@pytest.mark.parametrize("layers", [[], [(3, 1, 1)], [(3, 2, 1), (2, 2, 1), (3, 1, 2)], [(1, 3, 1), (4, 1, 3)]])
def test_receptive_field_is_where_the_jacobian_is_not_zero(layers):
    size, jump = right.receptive_field(layers)
    image = torch.zeros(1, 1, 1, 120, requires_grad=True)
    y = image
    for kernel, stride, dilation in layers:
        y = functional.conv2d(y, torch.ones(1, 1, 1, kernel), stride=(1, stride), dilation=(1, dilation))
    firsts = []
    for at in (3, 4):
        (gradient,) = torch.autograd.grad(y[0, 0, 0, at], image, retain_graph=True)
        seen = gradient[0, 0, 0].nonzero().ravel()
        assert seen[-1] - seen[0] + 1 == size
        firsts.append(int(seen[0]))
    assert firsts[1] - firsts[0] == jump


def test_arguments_are_not_changed():
    x, weight, bias = normal(2, 4, 5, 6), normal(6, 2, 3, 2), normal(6)
    before = [a.copy() for a in (x, weight, bias)]
    y, cache = right.conv2d_forward(x, weight, bias, padding=1, groups=2)
    dy = normal(*y.shape)
    right.conv2d_backward(dy.copy(), cache)
    for now, then in zip((x, weight, bias), before, strict=True):
        np.testing.assert_array_equal(now, then)
