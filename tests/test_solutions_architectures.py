"""The reference of unit 9 against PyTorch, and by what must be true of it."""

from __future__ import annotations

import doctest
import itertools

import numpy as np
import pytest

from solutions import architectures as right

torch = pytest.importorskip("torch")
functional = torch.nn.functional

RNG = np.random.default_rng(9)
DTYPES = (np.float64, np.float32)


def normal(*shape: int, dtype: type = np.float64, mean: float = 0.3) -> np.ndarray:
    return (mean + RNG.standard_normal(shape)).astype(dtype)


def close(actual: np.ndarray, expected: torch.Tensor | np.ndarray) -> None:
    expected = np.asarray(expected.detach() if torch.is_tensor(expected) else expected)
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    rtol, atol = (1e-3, 1e-4) if expected.dtype == np.float32 else (1e-9, 1e-11)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def same_as_torch(forward, backward, torch_function, x: np.ndarray, params: dict) -> None:
    tensors = {name: torch.tensor(p, requires_grad=True) for name, p in params.items()}
    t_x = torch.tensor(x, requires_grad=True)
    expected = torch_function(t_x, tensors)
    y, cache = forward(x.copy(), params)
    close(y, expected)
    dy = normal(*y.shape, dtype=x.dtype)
    expected.backward(torch.tensor(dy))
    dx, dparams = backward(dy, cache)
    close(dx, t_x.grad)
    assert dparams.keys() == params.keys()
    for name in params:
        close(dparams[name], tensors[name].grad)


def test_doctests():
    assert doctest.testmod(right, extraglobs={"np": np}).failed == 0


def inception_params(c: int, widths: tuple, dtype: type) -> dict:
    w1, r3, w3, r5, w5, wp = widths
    shapes = {"1": (w1, c, 1), "3r": (r3, c, 1), "3": (w3, r3, 3), "5r": (r5, c, 1), "5": (w5, r5, 5), "p": (wp, c, 1)}
    params = {f"w{name}": normal(o, i, k, k, dtype=dtype, mean=0.1) for name, (o, i, k) in shapes.items()}
    return params | {f"b{name}": normal(o, dtype=dtype) for name, (o, _, _) in shapes.items()}


def torch_inception(x, p):
    def conv(x, name, padding=0):
        return functional.conv2d(x, p[f"w{name}"], p[f"b{name}"], padding=padding).relu()

    pooled = functional.max_pool2d(x, 3, stride=1, padding=1)
    return torch.cat([conv(x, "1"), conv(conv(x, "3r"), "3", 1), conv(conv(x, "5r"), "5", 2), conv(pooled, "p")], dim=1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "size"), [(3, (5, 7)), (1, (2, 4)), (2, (1, 3))])
def test_inception_is_torchs(n, size, dtype):
    params = inception_params(3, (2, 4, 5, 1, 3, 4), dtype)
    x = normal(n, 3, *size, dtype=dtype, mean=-1)
    same_as_torch(right.inception_forward, right.inception_backward, torch_inception, x, params)


def test_inception_ties_go_to_the_first_maximum():
    params = inception_params(2, (1, 1, 1, 1, 1, 3), np.float64)
    x = RNG.integers(0, 2, (2, 2, 4, 5)).astype(float)
    same_as_torch(right.inception_forward, right.inception_backward, torch_inception, x, params)


def torch_residual(x, p):
    hidden = functional.conv2d(x, p["w1"], p["b1"], padding=1).relu()
    shortcut = functional.conv2d(x, p["ws"]) if "ws" in p else x
    return (functional.conv2d(hidden, p["w2"], p["b2"], padding=1) + shortcut).relu()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("c", "hidden", "d", "projected"), [(3, 4, 3, False), (3, 4, 3, True), (2, 3, 5, True)])
def test_residual_block_is_torchs(c, hidden, d, projected, dtype):
    params = {"w1": normal(hidden, c, 3, 3, dtype=dtype), "b1": normal(hidden, dtype=dtype)}
    params |= {"w2": normal(d, hidden, 3, 3, dtype=dtype, mean=0), "b2": normal(d, dtype=dtype)}
    if projected:
        params["ws"] = normal(d, c, 1, 1, dtype=dtype)
    x = normal(2, c, 4, 5, dtype=dtype, mean=0)
    same_as_torch(right.residual_block_forward, right.residual_block_backward, torch_residual, x, params)


@pytest.mark.parametrize("dtype", DTYPES)
def test_horizontal_flip_is_torchs(dtype):
    x = normal(2, 3, 4, 5, dtype=dtype)
    close(right.horizontal_flip(x), torch.flip(torch.tensor(x), dims=[3]))
    np.testing.assert_array_equal(right.horizontal_flip(right.horizontal_flip(x)), x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("spread", [0.1, 0.5, 3.0])
@pytest.mark.parametrize("shape", [(3, 2, 4, 7), (1, 1, 6, 3), (2, 3, 1, 5)])
def test_affine_sample_is_torchs(shape, spread, dtype):
    x = normal(*shape, dtype=dtype)
    theta = (np.eye(2, 3) + spread * RNG.standard_normal((shape[0], 2, 3))).astype(dtype)
    grid = functional.affine_grid(torch.tensor(theta), shape, align_corners=False)
    close(right.affine_sample(x, theta), functional.grid_sample(torch.tensor(x), grid, align_corners=False))


def test_affine_sample_of_exact_maps():
    x = normal(2, 3, 4, 6)
    same, mirrored = np.eye(2, 3)[None].repeat(2, 0), np.array([[[-1.0, 0, 0], [0, 1, 0]]]).repeat(2, 0)
    np.testing.assert_allclose(right.affine_sample(x, same), x, atol=1e-12)
    np.testing.assert_allclose(right.affine_sample(x, mirrored), right.horizontal_flip(x), atol=1e-12)
    shifted = right.affine_sample(x, same + np.array([[0, 0, 2 / 6], [0, 0, 0]]))
    np.testing.assert_allclose(shifted[..., :-1], x[..., 1:], atol=1e-12)
    np.testing.assert_allclose(shifted[..., -1], 0, atol=1e-12)


def test_class_activation_map_averages_to_the_score():
    features, weights = normal(4, 3, 5), normal(4)
    np.testing.assert_allclose(right.class_activation_map(features, weights).mean(), weights @ features.mean((1, 2)))


@pytest.mark.parametrize(("size", "stride"), [(1, 1), (2, 3), (3, 2), (4, 1)])
def test_occlusion_map_of_a_linear_score(size, stride):
    """The fall is then the sum of weight times pixel over the square."""
    x, weight = normal(2, 5, 7), normal(2, 5, 7)
    found = right.occlusion_map(lambda image: np.sum(image * weight), x, size, stride)
    squares = np.lib.stride_tricks.sliding_window_view((x * weight).sum(0), (size, size)).sum((2, 3))
    np.testing.assert_allclose(found, squares[::stride, ::stride])


def test_linear_cka_by_its_invariances():
    a, b = normal(30, 4, mean=2), normal(30, 6, mean=-1)
    turned = a @ np.linalg.qr(normal(4, 4))[0]
    assert right.linear_cka(a, a) == pytest.approx(1)
    assert right.linear_cka(-2.5 * turned + 7, b) == pytest.approx(right.linear_cka(a, b))
    assert right.linear_cka(a, b) == pytest.approx(right.linear_cka(b, a))
    stretched = a * np.array([1, 1, 1, 50.0])
    assert right.linear_cka(stretched, b) != pytest.approx(right.linear_cka(a, b))


def test_linear_cka_is_the_hsic_of_the_gram_matrices():
    a, b = normal(12, 4, mean=2), normal(12, 6)
    centring = np.eye(12) - 1 / 12
    k, m = centring @ a @ a.T @ centring, centring @ b @ b.T @ centring
    expected = np.trace(k @ m) / np.sqrt(np.trace(k @ k) * np.trace(m @ m))
    assert right.linear_cka(a, b) == pytest.approx(expected)


@pytest.mark.parametrize(("n", "p", "strength"), [(12, 3, 0.7), (4, 6, 2.0), (9, 2, 1e-3)])
def test_linear_probe_is_where_the_gradient_vanishes(n, p, strength):
    features, targets = normal(n, p, mean=2), RNG.integers(0, 3, n)
    weight, bias = (torch.tensor(v, requires_grad=True) for v in right.linear_probe(features, targets, 4, strength))
    error = torch.tensor(features) @ weight.T + bias - functional.one_hot(torch.tensor(targets), 4)
    loss = error.square().sum() + strength * weight.square().sum()
    loss.backward()
    np.testing.assert_allclose(weight.grad, 0, atol=1e-9)
    np.testing.assert_allclose(bias.grad, 0, atol=1e-9)


def test_linear_probe_keeps_float32():
    weight, bias = right.linear_probe(normal(9, 2, dtype=np.float32), RNG.integers(0, 3, 9), 3, 0.5)
    assert weight.dtype == bias.dtype == np.float32


@pytest.mark.parametrize("planted", [0.0, 0.7])
def test_effect_interval_covers_the_planted_effect(planted):
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        a, b = rng.normal(planted, 1, 25), rng.normal(0, 1, 30)
        effect, low, high = right.effect_interval(a, b, rng, level=0.9, draws=400)
        assert low <= effect <= high
        covered += low <= planted <= high
    assert 0.82 < covered / 200 < 0.96


def test_effect_interval_is_that_of_all_resamples():
    a, b = np.array([0.1, 0.5, 2.0]), np.array([1.0, 1.3])
    every_a = [np.mean(pick) for pick in itertools.product(a, repeat=3)]
    every_b = [np.mean(pick) for pick in itertools.product(b, repeat=2)]
    differences = np.sort([one - other for one, other in itertools.product(every_a, every_b)])
    _, low, high = right.effect_interval(a, b, np.random.default_rng(0), level=0.7, draws=40_000)
    around = np.searchsorted(differences, [low, high]) / len(differences)
    np.testing.assert_allclose(around, [0.15, 0.85], atol=0.06)


# in_pytorch


def batch_norm_args(dtype: torch.dtype) -> tuple:
    torch.manual_seed(0)
    return tuple(torch.randn(*s, dtype=dtype, requires_grad=True) for s in ((5, 3), (3,), (3,)))


def test_batch_norm_function_passes_gradcheck():
    args = batch_norm_args(torch.float64)
    assert torch.autograd.gradcheck(lambda *tensors: right.BatchNormFunction.apply(*tensors, 1e-3), args)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_batch_norm_function_is_torchs(dtype):
    ours, theirs = batch_norm_args(dtype), batch_norm_args(dtype)
    y = right.BatchNormFunction.apply(*ours, 1e-3)
    expected = functional.batch_norm(theirs[0], None, None, theirs[1], theirs[2], training=True, eps=1e-3)
    torch.testing.assert_close(y, expected)
    dy = torch.randn_like(y)
    y.backward(dy)
    expected.backward(dy)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_conv_bn_relu_is_the_chain_of_torchs_modules():
    torch.manual_seed(1)
    module = right.ConvBNReLU(3, 4, 3, 1).double()
    chain = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1, bias=False), torch.nn.BatchNorm2d(4)).double()
    chain.load_state_dict(dict(zip(chain.state_dict(), module.state_dict().values(), strict=True)))
    for training in (True, False):
        module.train(training)
        chain.train(training)
        x = torch.randn(2, 3, 5, 6, dtype=torch.float64)
        torch.testing.assert_close(module(x), chain(x).relu())
    assert [tuple(p.shape) for p in module.parameters()] == [(4, 3, 3, 3), (4,), (4,)]
