"""The reference of unit 5 against PyTorch, by numerical gradients, and by what must be true of it."""

from __future__ import annotations

import numpy as np
import pytest

from solutions import batch_norm as right
from solutions.conv_layer import conv2d_forward
from solutions.convolution import numerical_gradient

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(5)
DTYPES = (np.float64, np.float32)
MODES = (True, False)


def normal(*shape: int, dtype: type = np.float64, mean: float = 0.0, std: float = 1.0) -> np.ndarray:
    return (mean + std * RNG.standard_normal(shape)).astype(dtype)


def positive(*shape: int, dtype: type = np.float64) -> np.ndarray:
    return RNG.uniform(0.5, 2.0, shape).astype(dtype)


def affine(c: int, dtype: type = np.float64) -> tuple[np.ndarray, ...]:
    """gamma, beta, running_mean, running_var."""
    return normal(c, dtype=dtype), normal(c, dtype=dtype), normal(c, dtype=dtype), positive(c, dtype=dtype)


def close(actual: np.ndarray, expected: np.ndarray) -> None:
    assert actual.dtype == expected.dtype
    rtol, atol = (1e-4, 1e-4) if expected.dtype == np.float32 else (1e-8, 1e-10)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def torchs(x, gamma, beta, mean, var, dy, training, **options):
    """y, the running statistics, and the gradients, of torch."""
    t_x, t_gamma, t_beta = (torch.tensor(a, requires_grad=True) for a in (x, gamma, beta))
    t_mean, t_var = torch.tensor(mean), torch.tensor(var)
    y = torch.nn.functional.batch_norm(t_x, t_mean, t_var, t_gamma, t_beta, training, **options)
    y.backward(torch.tensor(dy))
    return [
        y.detach().numpy(),
        t_mean.numpy(),
        t_var.numpy(),
        *(t.grad.numpy() for t in (t_x, t_gamma, t_beta)),
    ]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("training", MODES)
@pytest.mark.parametrize(
    ("shape", "mean", "std"),
    [((6, 4), 3.0, 2.0), ((2, 3), 0.0, 1.0), ((7, 1), 1.0, 1e-3), ((5, 3), 0.0, 0.0)],
)
def test_batch_norm_is_torchs(shape, mean, std, training, dtype):
    if dtype == np.float32 and std == 1e-3:
        pytest.skip("float32 cannot hold this comparison")
    x, dy, parameters = (
        normal(*shape, mean=mean, std=std, dtype=dtype),
        normal(*shape, dtype=dtype),
        affine(shape[1], dtype),
    )
    options = {"momentum": 0.3, "eps": 1e-3 if std == 0 else 1e-5}
    y, cache, mean_, var = right.batch_norm_forward(x, *parameters, training, **options)
    ours = [y, mean_, var, *right.batch_norm_backward(dy, cache)]
    for actual, expected in zip(ours, torchs(x, *parameters, dy, training, **options), strict=True):
        close(actual, expected)
    for one, other in zip(right.batch_norm_backward_graph(dy, cache), ours[3:], strict=True):
        close(one, other)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("training", MODES)
@pytest.mark.parametrize("shape", [(3, 4, 5, 2), (1, 3, 2, 4), (2, 5, 1, 1)])
def test_batch_norm2d_is_torchs(shape, training, dtype):
    x, dy, parameters = (
        normal(*shape, mean=-2.0, dtype=dtype),
        normal(*shape, dtype=dtype),
        affine(shape[1], dtype),
    )
    y, cache, mean, var = right.batch_norm2d_forward(x, *parameters, training)
    ours = [y, mean, var, *right.batch_norm2d_backward(dy, cache)]
    for actual, expected in zip(ours, torchs(x, *parameters, dy, training), strict=True):
        close(actual, expected)


def test_a_single_value_is_an_error_in_training_only():
    parameters = affine(3)
    with pytest.raises(ValueError):
        right.batch_norm_forward(normal(1, 3), *parameters)
    with pytest.raises(ValueError):
        right.batch_norm2d_forward(normal(1, 3, 1, 1), *parameters)
    assert right.batch_norm_forward(normal(1, 3), *parameters, training=False)[0].shape == (1, 3)
    assert right.batch_norm2d_forward(normal(1, 3, 2, 1), *parameters)[0].shape == (1, 3, 2, 1)


def test_what_the_backward_pass_projects_away():
    x, parameters = normal(7, 4, mean=2.0), affine(4)
    cache = right.batch_norm_forward(x, *parameters, eps=0.0)[1]
    dx = right.batch_norm_backward(normal(7, 4), cache)[0]
    x_hat = (x - x.mean(0)) / x.std(0)
    np.testing.assert_allclose(dx.sum(0), 0, atol=1e-13)
    np.testing.assert_allclose((dx * x_hat).sum(0), 0, atol=1e-13)


def test_identity_affine_undoes_the_normalization():
    x, mean, var = normal(6, 3, mean=4.0), normal(3), positive(3) * 1e-4
    gamma, beta = right.identity_affine(mean, var, eps=1e-3)
    y, _, _, _ = right.batch_norm_forward(x, gamma, beta, mean, var, training=False, eps=1e-3)
    np.testing.assert_allclose(y, x, rtol=1e-12)
    beta += 1
    assert not np.allclose(beta, mean)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("with_bias", [True, False])
def test_folding_equals_convolution_then_batch_norm(with_bias, dtype):
    x, weight, bias = normal(2, 3, 6, 5, dtype=dtype), normal(4, 3, 3, 2, dtype=dtype), normal(4, dtype=dtype)
    bias = bias if with_bias else None
    parameters = affine(4, dtype)
    z, _ = conv2d_forward(x, weight, bias, stride=2, padding=1)
    expected, _, _, _ = right.batch_norm2d_forward(z, *parameters, training=False, eps=1e-3)
    folded_weight, folded_bias = right.fold_batch_norm(weight, bias, *parameters, eps=1e-3)
    close(conv2d_forward(x, folded_weight, folded_bias, stride=2, padding=1)[0], expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_combined_statistics_are_those_of_the_whole(dtype):
    parts = [normal(n, 3, mean=n, dtype=dtype) for n in (2, 5, 1, 9)]
    counts = np.array([len(part) for part in parts])
    means, variances = np.stack([p.mean(0) for p in parts]), np.stack([p.var(0) for p in parts])
    whole = np.concatenate(parts)
    mean, var = right.combine_statistics(counts, means, variances)
    close(mean, whole.mean(0))
    close(var, whole.var(0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("training", MODES)
@pytest.mark.parametrize("padding", [0, 1])
def test_conv_bn_relu_is_torchs(padding, training, dtype):
    x, weight, parameters = normal(2, 3, 6, 5, dtype=dtype), normal(4, 3, 3, 2, dtype=dtype), affine(4, dtype)
    y, cache, mean, var = right.conv_bn_relu_forward(x, weight, *parameters, padding, training)
    t_x, t_weight, t_gamma, t_beta = (torch.tensor(a, requires_grad=True) for a in (x, weight, *parameters[:2]))
    t_mean, t_var = torch.tensor(parameters[2]), torch.tensor(parameters[3])
    z = torch.nn.functional.conv2d(t_x, t_weight, padding=padding)
    t_y = torch.nn.functional.batch_norm(z, t_mean, t_var, t_gamma, t_beta, training).relu()
    dy = normal(*y.shape, dtype=dtype)
    t_y.backward(torch.tensor(dy))
    close(y, t_y.detach().numpy())
    close(mean, t_mean.numpy())
    close(var, t_var.numpy())
    for actual, t in zip(right.conv_bn_relu_backward(dy, cache), (t_x, t_weight, t_gamma, t_beta), strict=True):
        close(actual, t.grad.numpy())


def test_the_gradient_is_the_numerical_one():
    x, parameters, dy = normal(5, 3, mean=2.0), affine(3), normal(5, 3)
    for training in MODES:
        cache = right.batch_norm_forward(x, *parameters, training)[1]
        expected = numerical_gradient(lambda x, t=training: right.batch_norm_forward(x, *parameters, t)[0], x, dy)
        np.testing.assert_allclose(right.batch_norm_backward(dy, cache)[0], expected, atol=1e-7)


def test_nothing_passed_in_is_changed():
    x, weight, parameters = normal(2, 3, 4, 5), normal(4, 3, 2, 2), affine(4)
    copies = [a.copy() for a in (x, weight, *parameters)]
    y, cache, _, _ = right.conv_bn_relu_forward(x, weight, *parameters, padding=1)
    dy = normal(*y.shape)
    kept = dy.copy()
    right.conv_bn_relu_backward(dy, cache)
    right.fold_batch_norm(weight, None, *parameters)
    for now, before in zip((x, weight, *parameters, dy), (*copies, kept), strict=True):
        np.testing.assert_array_equal(now, before)
