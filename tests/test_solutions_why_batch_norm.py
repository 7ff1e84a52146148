"""The reference of unit 6: numerical gradients, closed forms, and statistics over several seeds."""

from __future__ import annotations

import numpy as np
import pytest

from solutions import why_batch_norm as right
from solutions.batch_norm import batch_norm_forward
from solutions.convolution import numerical_gradient

RNG = np.random.default_rng(6)


def normal(*shape: int, mean: float = 0.0, dtype: type = np.float64) -> np.ndarray:
    return (mean + RNG.standard_normal(shape)).astype(dtype)


@pytest.mark.parametrize("training", [True, False])
def test_noisy_gradients_are_numerical_ones(training):
    x, gamma, beta, dy = normal(5, 3, mean=2.0), normal(3), normal(3), normal(5, 3)

    def f(x, gamma, beta):
        return right.noisy_batch_norm_forward(x, gamma, beta, np.random.default_rng(1), 0.7, 0.4, training)[0]

    cache = right.noisy_batch_norm_forward(x, gamma, beta, np.random.default_rng(1), 0.7, 0.4, training)[1]
    dx, dgamma, dbeta = right.noisy_batch_norm_backward(dy, cache)
    np.testing.assert_allclose(dx, numerical_gradient(lambda a: f(a, gamma, beta), x, dy), atol=1e-7)
    np.testing.assert_allclose(dgamma, numerical_gradient(lambda a: f(x, a, beta), gamma, dy), atol=1e-7)
    np.testing.assert_allclose(dbeta, numerical_gradient(lambda a: f(x, gamma, a), beta, dy), atol=1e-7)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_without_noise_it_is_batch_norm(dtype):
    x, gamma, beta = normal(6, 3, mean=2.0, dtype=dtype), normal(3, dtype=dtype), normal(3, dtype=dtype)
    plain = batch_norm_forward(x, gamma, beta, beta, gamma**2)[0]
    for training, ranges in ((False, (0.5, 0.5)), (True, (0.0, 0.0))):
        y, _ = right.noisy_batch_norm_forward(x, gamma, beta, np.random.default_rng(0), *ranges, training)
        assert y.dtype == dtype
        np.testing.assert_allclose(y, plain, rtol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_noise_is_uniform_and_one_for_the_batch(seed):
    d = 4000
    x = normal(3, d)
    y, _ = right.noisy_batch_norm_forward(x, np.ones(d), np.zeros(d), np.random.default_rng(seed), 0.6, 0.3)
    plain, _ = right.noisy_batch_norm_forward(x, np.ones(d), np.zeros(d), np.random.default_rng(seed), 0.6, 0.3, False)
    factor = (y[0] - y[1]) / (plain[0] - plain[1])
    shift = y[2] - factor * plain[2]
    for value, centre, half in ((factor, 1.0, 0.3), (shift, 0.0, 0.6)):
        assert np.all(np.abs(value - centre) <= half * (1 + 1e-6))
        assert abs(value.mean() - centre) < 5 * half / np.sqrt(3 * d)
        assert abs(value.var() / (half**2 / 3) - 1) < 5 * np.sqrt(0.8 / d)


def test_covariate_shift_of_simple_pairs():
    g = normal(4, 3)
    assert right.covariate_shift(g, g) == pytest.approx((1.0, 0.0), abs=1e-12)
    assert right.covariate_shift(g, 3 * g) == pytest.approx((1.0, 2.0))
    assert right.covariate_shift(g, -g) == pytest.approx((-1.0, 2.0))
    assert isinstance(right.covariate_shift(g.astype(np.float32), -g.astype(np.float32))[0], float)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_gradient_predictiveness_on_a_quadratic(dtype):
    root = normal(4, 4, dtype=dtype)
    matrix, w = root @ root.T, normal(4, dtype=dtype)
    steps = np.array([0.0, 0.1, 0.5], dtype)
    losses, changes = right.gradient_predictiveness(lambda w: (w @ matrix @ w / 2, matrix @ w), w, steps)
    g = matrix @ w
    expected = [loss for a in steps for loss in [(w - a * g) @ matrix @ (w - a * g) / 2]]
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    np.testing.assert_allclose(changes, steps * np.linalg.norm(matrix @ g), rtol=1e-4, atol=1e-5)
    assert losses.dtype == changes.dtype == dtype


def test_weights_before_batch_norm_are_scale_invariant():
    x, dy = normal(20, 4, mean=1.0), normal(20, 1)

    def loss_and_grad(w):
        def y(w):
            return batch_norm_forward((x @ w)[:, None], np.ones(1), np.zeros(1), np.zeros(1), np.ones(1), eps=0.0)[0]

        return np.sum(dy * y(w)), numerical_gradient(y, w, dy)

    w = normal(4)
    change, ratio, radial = right.scale_invariance(loss_and_grad, w, 2.5)
    assert change == pytest.approx(0, abs=1e-10)
    assert ratio == pytest.approx(1 / 2.5, rel=1e-6)
    assert radial == pytest.approx(0, abs=1e-6)


def test_effective_learning_rate():
    w = normal(2, 3, 4)
    assert right.effective_learning_rate(0.3, w) == pytest.approx(0.3 / np.linalg.norm(w) ** 2)
    assert isinstance(right.effective_learning_rate(0.3, w.astype(np.float32)), float)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("batch_size", [1, 4, 20, 40])
def test_the_mean_of_a_batch_deviates_as_it_should(batch_size, seed):
    pool, trials = normal(40, mean=5.0), 2000
    before = pool.copy()
    found = right.statistics_noise(pool, batch_size, trials, np.random.default_rng(seed))
    expected = pool.std() * np.sqrt((40 - batch_size) / (batch_size * 39))
    assert found == pytest.approx(expected, rel=5 / np.sqrt(trials), abs=1e-12)
    np.testing.assert_array_equal(pool, before)
