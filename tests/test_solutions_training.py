"""The reference of unit 4 beside torch where torch has it, beside its formulas and numerical gradients where not."""

from __future__ import annotations

import numpy as np
import pytest

from solutions import training

torch = pytest.importorskip("torch")
F = torch.nn.functional

RNG = np.random.default_rng(4)
P, T = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3))
PROBABILITIES, RATES = RNG.uniform(0.05, 0.95, (5, 3)), RNG.uniform(0.5, 3, (5, 3))
SIGNS, ONE_HOT = RNG.choice([-1.0, 1.0], (5, 3)), np.eye(3)[[0, 2, 1, 1, 0]]
COUNTS = RNG.poisson(1.5, (5, 3)).astype(float)
SOFT = RNG.dirichlet(np.ones(3), 5) * (ONE_HOT != 1)

OPTIMIZERS = {
    "sgd": (torch.optim.SGD, [{"lr": 0.1}, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1},
                              {"lr": 0.1, "momentum": 0.8, "nesterov": True}]),
    "adam": (torch.optim.Adam, [{}, {"lr": 0.1, "betas": (0.8, 0.9), "eps": 0.1, "weight_decay": 0.3},
                                {"lr": 0.1, "amsgrad": True, "betas": (0.5, 0.6)}]),
    "adagrad": (torch.optim.Adagrad, [{}, {"lr": 0.1, "lr_decay": 0.2, "weight_decay": 0.1,
                                           "initial_accumulator_value": 0.5, "eps": 0.1}]),
    "rmsprop": (torch.optim.RMSprop, [{}, {"alpha": 0.8, "eps": 0.1, "weight_decay": 0.1, "momentum": 0.7},
                                      {"centered": True, "momentum": 0.5, "alpha": 0.7}]),
    "adadelta": (torch.optim.Adadelta, [{}, {"lr": 0.5, "rho": 0.7, "eps": 1e-3, "weight_decay": 0.1}]),
    "adamax": (torch.optim.Adamax, [{}, {"lr": 0.1, "betas": (0.8, 0.9), "eps": 0.1, "weight_decay": 0.1}]),
    "nadam": (torch.optim.NAdam, [{}, {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.1, "momentum_decay": 0.1}]),
}  # fmt: skip
CASES = [(name, options) for name, (_, all_options) in OPTIMIZERS.items() for options in all_options]


@pytest.mark.parametrize(("name", "options"), CASES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(CASES)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_update_rules_over_nine_steps(name, options, dtype):
    rng = np.random.default_rng(1)
    param = rng.normal(size=(4, 3)).astype(dtype)
    theirs = torch.nn.Parameter(torch.tensor(param))
    optimizer = OPTIMIZERS[name][0]([theirs], **options)
    state = {}
    for _ in range(9):
        grad = rng.normal(size=(4, 3)).astype(dtype)
        theirs.grad = torch.tensor(grad)
        optimizer.step()
        before = {key: np.copy(value) for key, value in state.items()}
        param, new = getattr(training, name)(param, grad, state, **options)
        assert all(np.array_equal(state[key], before[key]) for key in before)
        state = new
        assert param.dtype == dtype
        np.testing.assert_allclose(
            param, theirs.detach().numpy(), rtol=1e-10 if dtype == np.float64 else 2e-4, atol=1e-6
        )


LOSSES = {
    "mean_squared_error": (P, T, F.mse_loss),
    "mean_absolute_error": (P, T, F.l1_loss),
    "mean_absolute_percentage_error": (P, T, lambda p, t: 100 * ((p - t).abs() / t.abs()).mean()),
    "mean_squared_logarithmic_error": (RATES, COUNTS, lambda p, t: F.mse_loss(torch.log1p(p), torch.log1p(t))),
    "log_cosh": (P, T, lambda p, t: torch.log(torch.cosh(p - t)).mean()),
    "cosine_similarity_loss": (P, T, lambda p, t: (1 - F.cosine_similarity(p, t)).mean()),
    "hinge": (P, SIGNS, lambda p, t: (1 - t * p).clamp(min=0).mean()),
    "squared_hinge": (P, SIGNS, lambda p, t: ((1 - t * p).clamp(min=0) ** 2).mean()),
    "categorical_hinge": (P, ONE_HOT, lambda p, t:
                          (1 + p.masked_fill(t == 1, -9e9).amax(1) - (p * t).sum(1)).clamp(min=0).mean()),
    "binary_cross_entropy": (PROBABILITIES, ONE_HOT, F.binary_cross_entropy),
    "categorical_cross_entropy": (PROBABILITIES, ONE_HOT, lambda p, t: F.nll_loss(p.log(), t.argmax(1))),
    "kl_divergence": (PROBABILITIES, SOFT, lambda p, t: F.kl_div(p.log(), t, reduction="batchmean")),
    "poisson": (RATES, COUNTS, lambda p, t: F.poisson_nll_loss(p, t, log_input=False, eps=0)),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_losses_and_their_gradients(name, dtype):
    y_pred, y_true, theirs = LOSSES[name]
    y_pred, y_true = y_pred.astype(dtype), y_true.astype(dtype)
    loss, gradient = getattr(training, name)(y_pred, y_true)
    p = torch.tensor(y_pred, requires_grad=True)
    expected = theirs(p, torch.tensor(y_true))
    expected.backward()
    rtol = 1e-10 if dtype == np.float64 else 1e-4
    np.testing.assert_allclose(loss, expected.item(), rtol=rtol)
    np.testing.assert_allclose(gradient, p.grad.numpy(), rtol=rtol, atol=1e-7)
    assert gradient.dtype == dtype


def test_cross_entropy_at_large_logits():
    logits, targets = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 3]]), np.array([0, 2])
    for scale in (1.0, 1e-4):
        loss, gradient = training.cross_entropy(logits * scale, targets)
        p = torch.tensor(logits * scale, requires_grad=True)
        expected = F.cross_entropy(p, torch.tensor(targets))
        expected.backward()
        np.testing.assert_allclose(loss, expected.item())
        np.testing.assert_allclose(gradient, p.grad.numpy(), atol=1e-12)
    assert training.log_cosh(np.full((1, 1), 1e4), np.zeros((1, 1)))[0] == pytest.approx(1e4 - np.log(2))


def test_linear_agrees_with_torch():
    x, weight, bias, dy = (RNG.normal(size=shape) for shape in ((5, 3), (4, 3), (4,), (5, 4)))
    for b in (bias, None):
        tensors = [None if v is None else torch.tensor(v, requires_grad=True) for v in (x, weight, b)]
        expected = F.linear(*tensors)
        expected.backward(torch.tensor(dy))
        y, cache = training.linear_forward(x, weight, b)
        np.testing.assert_allclose(y, expected.detach().numpy())
        for ours, theirs in zip(training.linear_backward(dy, cache), tensors, strict=True):
            assert (ours is None) == (theirs is None)
            if ours is not None:
                np.testing.assert_allclose(ours, theirs.grad.numpy())


def test_scalings():
    train, x = RNG.normal(3, 2, (40, 3)), RNG.normal(size=(6, 3))
    train[:, 1] = 7
    scaled = training.min_max_scale(train, train)
    assert scaled[:, [0, 2]].min() == 0
    assert scaled[:, [0, 2]].max() == 1
    assert not training.min_max_scale(train, x)[:, 1].any()
    assert not training.standardize(train, x)[:, 1].any()
    z = training.standardize(train, train)[:, [0, 2]]
    np.testing.assert_allclose([z.mean(0), z.std(0)], [[0, 0], [1, 1]], atol=1e-12)
    free = RNG.normal(size=(60, 3)) @ RNG.normal(size=(3, 3)) + 5
    white = training.zca_whiten(free, free, eps=0)
    np.testing.assert_allclose(white.T @ white / 60, np.eye(3), atol=1e-9)


def test_initializers():
    rng = np.random.default_rng(0)
    weight = training.glorot_uniform((30, 20, 3, 2), rng)
    bound = np.sqrt(6 / (20 * 6 + 30 * 6))
    assert bound * 0.99 < np.abs(weight).max() <= bound
    assert np.var(training.he_normal((300, 200), rng)) == pytest.approx(2 / 200, rel=0.03)
    assert np.var(training.he_normal((100, 20, 3, 3), rng)) == pytest.approx(2 / 180, rel=0.05)


def test_penalties_and_projections():
    w = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    value, gradient = training.l2_penalty(w, 0.5)
    assert value == pytest.approx(0.5 * (w**2).sum())
    np.testing.assert_allclose(gradient, w)
    assert training.l1_penalty(-w, 2)[0] == pytest.approx(15.4)
    short = training.max_norm(w, 1.0, 1)
    np.testing.assert_allclose(short, [[0.6, 0.8], [0.3, 0.4], [0, 0]])
    assert np.array_equal(short[1:], w[1:])
    np.testing.assert_allclose(training.unit_norm(w, 1), [[0.6, 0.8], [0.6, 0.8], [0, 0]])
    kernel = RNG.normal(size=(4, 3, 2, 2))
    np.testing.assert_allclose(np.linalg.norm(training.unit_norm(kernel, (1, 2, 3)).reshape(4, -1), axis=1), 1)
    assert training.non_neg(-w).max() == 0
