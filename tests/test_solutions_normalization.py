"""The reference of unit 7 against PyTorch, by numerical gradients, and by identities across functions."""

from __future__ import annotations

import numpy as np
import pytest

from solutions import normalization as right
from solutions.batch_norm import batch_norm2d_backward, batch_norm2d_forward
from solutions.convolution import numerical_gradient

torch = pytest.importorskip("torch")
functional = torch.nn.functional

RNG = np.random.default_rng(7)
DTYPES = (np.float64, np.float32)


def normal(*shape: int, dtype: type = np.float64, mean: float = 0.0, std: float = 1.0) -> np.ndarray:
    return (mean + std * RNG.standard_normal(shape)).astype(dtype)


def close(actual: np.ndarray, expected: np.ndarray) -> None:
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    rtol, atol = (1e-4, 1e-4) if expected.dtype == np.float32 else (1e-8, 1e-9)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def same_as_torch(forward, backward, torchs, arrays, dtype) -> None:
    """Value and all gradients, with respect to the arrays in order."""
    y, cache = forward(*arrays)
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    t_y = torchs(*tensors)
    close(y, t_y.detach().numpy())
    dy = normal(*y.shape, dtype=dtype)
    t_y.backward(torch.tensor(dy))
    gradients = backward(dy, cache)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    for actual, tensor in zip(gradients, tensors, strict=True):
        close(actual, tensor.grad.numpy())


def same_as_numerical(forward, backward, arrays) -> None:
    """Every gradient, with respect to the arrays in order; forward(*arrays) -> (y, cache, ...)."""
    y, cache = forward(*arrays)[:2]
    dy = normal(*y.shape)
    gradients = backward(dy, cache)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    for i, gradient in enumerate(gradients):
        expected = numerical_gradient(lambda a, i=i: forward(*arrays[:i], a, *arrays[i + 1 :])[0], arrays[i], dy)
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("axes", [(0,), (1,), (-1,), (0, 2, 3), (2, 3), (-2, -1), (1, 2, 3)])
def test_normalize_over_any_axes(axes):
    x = normal(3, 4, 2, 5, mean=3.0)
    x_hat, _ = right.normalize(x, axes)
    expected = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)
    close(x_hat, expected)
    same_as_numerical(lambda x: right.normalize(x, axes), right.normalize_backward, [x])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 6), (1, 3)])
def test_layer_and_rms_norm_are_torchs(shape, dtype):
    x, gamma, beta = (
        normal(*shape, mean=2.0, dtype=dtype),
        normal(shape[1], dtype=dtype),
        normal(shape[1], dtype=dtype),
    )
    same_as_torch(
        right.layer_norm_forward,
        right.layer_norm_backward,
        lambda x, g, b: functional.layer_norm(x, shape[1:], g, b),
        [x, gamma, beta],
        dtype,
    )
    same_as_torch(
        right.rms_norm_forward,
        right.rms_norm_backward,
        lambda x, g: functional.rms_norm(x, shape[1:], g, 1e-5),
        [x, gamma],
        dtype,
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_group_and_instance_norm_are_torchs(groups, dtype):
    arrays = [normal(2, 6, 3, 4, mean=1.0, dtype=dtype), normal(6, dtype=dtype), normal(6, dtype=dtype)]
    same_as_torch(
        lambda x, g, b: right.group_norm_forward(x, g, b, groups),
        right.group_norm_backward,
        lambda x, g, b: functional.group_norm(x, groups, g, b),
        arrays,
        dtype,
    )
    same_as_torch(
        right.instance_norm_forward,
        right.instance_norm_backward,
        lambda x, g, b: functional.instance_norm(x, weight=g, bias=b),
        arrays,
        dtype,
    )


def test_group_norm_between_layer_and_instance_norm():
    x, gamma, beta = normal(2, 6, 3, 4), normal(6), normal(6)
    every = right.group_norm_forward(x, gamma, beta, 6)[0]
    close(every, right.instance_norm_forward(x, gamma, beta)[0])
    one = right.group_norm_forward(x, np.ones(6), np.zeros(6), 1)[0]
    flat = right.layer_norm_forward(x.reshape(2, -1), np.ones(72), np.zeros(72))[0]
    close(one.reshape(2, -1), flat)
    with pytest.raises(ValueError):
        right.group_norm_forward(x, gamma, beta, 4)


@pytest.mark.parametrize("sizes", [(2, 3, 1), (4,), (1, 1)])
def test_sync_batch_norm_is_batch_norm_of_all_shards(sizes):
    shards, dys = ([normal(n, 3, 2, 4, mean=n) for n in sizes] for _ in range(2))
    gamma, beta = normal(3), normal(3)
    ys, cache = right.sync_batch_norm_forward(shards, gamma, beta)
    y, bn_cache, _, _ = batch_norm2d_forward(np.concatenate(shards), gamma, beta, beta, gamma**2)
    close(np.concatenate(ys), y)
    dxs, dgamma, dbeta = right.sync_batch_norm_backward(dys, cache)
    expected = batch_norm2d_backward(np.concatenate(dys), bn_cache)
    for actual, wanted in zip((np.concatenate(dxs), dgamma, dbeta), expected, strict=True):
        close(actual, wanted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 5), (4, 2, 3, 2), (1, 4)])
def test_weight_norm_is_torchs(shape, dtype):
    v, g = normal(*shape, dtype=dtype), normal(shape[0], dtype=dtype)
    same_as_torch(
        right.weight_norm_forward,
        right.weight_norm_backward,
        lambda v, g: torch._weight_norm(v, g.reshape(-1, *[1] * (v.ndim - 1)), 0),
        [v, g],
        dtype,
    )
    _, cache = right.weight_norm_forward(v, g)
    dv, _ = right.weight_norm_backward(normal(*shape, dtype=dtype), cache)
    np.testing.assert_allclose(np.sum((v * dv).reshape(shape[0], -1), axis=1), 0, atol=1e-5)


def test_weight_standardization_and_its_gradient():
    weight = normal(3, 2, 3, 2, mean=2.0)
    standard, _ = right.weight_standardization_forward(weight)
    np.testing.assert_allclose(standard.mean((1, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(standard.var((1, 2, 3)), 1, rtol=1e-3)
    same_as_numerical(right.weight_standardization_forward, right.weight_standardization_backward, [weight])


@pytest.mark.parametrize("shape", [(4, 6), (3, 2, 3, 2), (1, 5)])
@pytest.mark.parametrize("steps", [1, 3])
def test_spectral_norm_is_torchs(shape, steps):
    # The older of torch's two begins with v = W^T u, as the paper does; the newer one with u = W v.
    layer = torch.nn.Linear(1, 1, bias=False)
    layer.weight = torch.nn.Parameter(torch.tensor(normal(*shape)))
    layer = torch.nn.utils.spectral_norm(layer, n_power_iterations=steps)
    weight, u = layer.weight_orig, layer.weight_u.numpy().copy()
    for hook in layer._forward_pre_hooks.values():
        hook(layer, None)
    dy = normal(*shape)
    layer.weight.backward(torch.tensor(dy))
    actual, cache, new_u = right.spectral_norm_forward(weight.detach().numpy(), u, steps)
    close(actual, layer.weight.detach().numpy())
    close(new_u, layer.weight_u.numpy())
    close(right.spectral_norm_backward(dy, cache), weight.grad.numpy())


def test_spectral_norm_goes_to_the_largest_singular_value():
    weight, u = normal(4, 3, 2, 2), normal(4)
    weight_sn, _, _ = right.spectral_norm_forward(weight, u, 500)
    assert np.linalg.norm(weight_sn.reshape(4, -1), 2) == pytest.approx(1.0)
    for dtype in DTYPES:
        results = right.spectral_norm_forward(weight.astype(dtype), u.astype(dtype))
        assert results[0].dtype == results[2].dtype == dtype
        assert right.spectral_norm_backward(weight.astype(dtype), results[1]).dtype == dtype


@pytest.mark.parametrize("kernel", [(3, 2), (1, 1), (4, 5)])
def test_conv_operator_norm_is_the_dense_matrixs(kernel):
    weight = normal(2, 3, *kernel)
    columns = []
    for at in np.ndindex(3, 8, 8):
        image = torch.zeros(1, 3, 8, 8, dtype=torch.float64)
        image[0][at] = 1
        padded = functional.pad(image, (0, kernel[1] - 1, 0, kernel[0] - 1), mode="circular")
        columns.append(functional.conv2d(padded, torch.tensor(weight)).ravel())
    dense = np.linalg.norm(torch.stack(columns, 1).numpy(), 2)
    assert right.conv_operator_norm(weight, 8, 8) == pytest.approx(dense, rel=1e-10)
    assert isinstance(right.conv_operator_norm(weight.astype(np.float32), 8, 9), float)


def test_adain_has_the_styles_statistics_and_keeps_a_picture_in_its_own_style():
    content, style = normal(2, 3, 4, 5, mean=2.0), normal(2, 3, 3, 2, mean=-1.0, std=3.0)
    y, _ = right.adaptive_instance_norm_forward(content, style, eps=1e-12)
    np.testing.assert_allclose(y.mean((2, 3)), style.mean((2, 3)), rtol=1e-6)
    np.testing.assert_allclose(y.std((2, 3)), style.std((2, 3)), rtol=1e-6)
    close(right.adaptive_instance_norm_forward(content, content, eps=0.1)[0], content)
    same_as_numerical(right.adaptive_instance_norm_forward, right.adaptive_instance_norm_backward, [content, style])


def test_spade_by_numerical_gradients_and_by_constant_maps():
    x, segmap = normal(2, 3, 4, 5, mean=1.0), normal(2, 2, 4, 5)
    arrays = [normal(3, 2, 3, 3), normal(3), normal(3, 2, 3, 3), normal(3)]

    def forward(x, *arrays):
        return right.spade_forward(x, segmap, *arrays)

    same_as_numerical(forward, right.spade_backward, [x, *arrays])
    zero = np.zeros((3, 2, 1, 1))
    y, _ = right.spade_forward(x, segmap, zero, arrays[1], zero, arrays[3])
    close(y, right.instance_norm_forward(x, 1 + arrays[1], arrays[3])[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 9])
def test_local_response_norm_is_torchs(size, dtype):
    x = normal(2, 6, 3, 4, mean=1.0, dtype=dtype)
    expected = functional.local_response_norm(torch.tensor(x), size, alpha=0.3, beta=0.6, k=1.5).numpy()
    close(right.local_response_norm(x, size, alpha=0.3, beta=0.6, k=1.5), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_others_keep_their_dtype(dtype):
    x, c = normal(2, 3, 4, 4, dtype=dtype), normal(3, dtype=dtype)
    kernel, weight = normal(3, 3, 3, 3, dtype=dtype), normal(4, 3, 2, 2, dtype=dtype)
    found = []
    for forward, backward, arrays in (
        (right.normalize, right.normalize_backward, (x, (1, 2))),
        (right.weight_standardization_forward, right.weight_standardization_backward, (weight,)),
        (right.adaptive_instance_norm_forward, right.adaptive_instance_norm_backward, (x, 2 * x)),
        (right.spade_forward, right.spade_backward, (x, x, kernel, c, kernel, c)),
    ):
        y, cache = forward(*arrays)
        gradients = backward(y, cache)
        found += [y, *(gradients if isinstance(gradients, tuple) else (gradients,))]
    ys, cache = right.sync_batch_norm_forward([x, x[:1]], c, c)
    dxs, dgamma, dbeta = right.sync_batch_norm_backward(ys, cache)
    assert {a.dtype for a in (*found, *ys, *dxs, dgamma, dbeta)} == {np.dtype(dtype)}
