"""Mistakes of unit 6 in another style: everything written out, and draws made in another order."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tests.second_style import again


def layer(
    noise: Callable,
    *,
    ddof: int = 0,
    noisy_in_evaluation: bool = False,
    before_affine: bool = False,
    generator: Callable = lambda rng: rng,
) -> Callable:
    """noise(rng, x, mean_range, std_range) -> (shift, factor), the shift drawn first."""

    def forward(x, gamma, beta, rng, mean_range, std_range, training=True, eps=1e-5):
        centred = x - sum(x) / len(x)
        std = np.sqrt(sum(centred**2) / (len(x) - ddof) + eps)
        hat = centred / std
        shift, factor = np.zeros_like(gamma), np.ones_like(gamma)
        if training or noisy_in_evaluation:
            shift, factor = (v.astype(x.dtype) for v in noise(generator(rng), x, mean_range, std_range))
        y = gamma * (factor * hat + shift) + beta if before_affine else factor * (gamma * hat + beta) + shift
        return [y, {"hat": hat, "std": std, "gamma": gamma, "factor": factor}]

    return forward


def gradients(*, of_x: Callable = lambda d, factor: d * factor, of_parameters: Callable = lambda d, factor: d * factor):
    def backward(dy, cache):
        hat, std, gamma, factor = cache.values()
        n, outer = len(dy), of_parameters(dy, factor)
        d = of_x(dy, factor) * gamma
        dx = (d - sum(d) / n - hat * (sum(d * hat) / n)) / std
        return [dx, sum(outer * hat), sum(outer)]

    return backward


def uniform(rng, x, mean_range, std_range):
    u = 2 * rng.random((2, x.shape[1])) - 1
    return mean_range * u[0], 1 + std_range * u[1]


def of_every_entry(rng, x, mean_range, std_range):
    u = 2 * rng.random((2, *x.shape)) - 1
    return mean_range * u[0], 1 + std_range * u[1]


def of_the_layer(rng, x, mean_range, std_range):
    u = 2 * rng.random((2, 1)) - 1
    return mean_range * u[0], 1 + std_range * u[1]


def normal(rng, x, mean_range, std_range):
    return rng.normal(0, mean_range, x.shape[1]), rng.normal(1, std_range, x.shape[1])


def upward(rng, x, mean_range, std_range):
    u = rng.random((2, x.shape[1]))
    return mean_range * u[0], 1 + std_range * u[1]


def exchanged(rng, x, mean_range, std_range):
    return uniform(rng, x, std_range, mean_range)


def wrong_forward(mistake: str, noise: Callable = uniform, **wrong) -> Callable:
    return again(mistake, also={"noisy_batch_norm_backward": gradients()})(layer(noise, **wrong))


def wrong_backward(mistake: str, **wrong) -> Callable:
    return again(mistake, also={"noisy_batch_norm_forward": layer(uniform)})(gradients(**wrong))


every_entry = wrong_forward("noisy_batch_norm_per_entry", of_every_entry)
one_for_the_layer = wrong_forward("noisy_batch_norm_one_for_all", of_the_layer)
bell_shaped = wrong_forward("noisy_batch_norm_normal", normal)
only_upward = wrong_forward("noisy_batch_norm_one_sided", upward)
other_ranges = wrong_forward("noisy_batch_norm_ranges_swapped", exchanged)
disturbs_the_normalised = wrong_forward("noisy_batch_norm_before_affine", before_affine=True)
disturbs_always = wrong_forward("noisy_batch_norm_always_noisy", noisy_in_evaluation=True)
begins_again = wrong_forward("noisy_batch_norm_frozen", generator=lambda rng: np.random.default_rng(77))
asks_numpy = wrong_forward("noisy_batch_norm_global_state", generator=lambda rng: np.random)
divides_by_one_less = wrong_forward("noisy_batch_norm_unbiased", ddof=1)
forgets_the_factor = wrong_backward(
    "noisy_batch_norm_factor_not_back", of_x=lambda d, f: d, of_parameters=lambda d, f: d
)
forgets_it_for_parameters = wrong_backward("noisy_batch_norm_parameters_unscaled", of_parameters=lambda d, f: d)
averages = wrong_backward(
    "noisy_batch_norm_parameters_averaged", of_parameters=lambda d, f: d * f / d.dtype.type(len(d))
)


@again("covariate_shift_relative_to_after")
def relative_to_the_second(grad_before, grad_after):
    b, a = grad_before.ravel().tolist(), grad_after.ravel().tolist()
    bb, aa, ab = (math.fsum(x * y for x, y in zip(p, q, strict=True)) for p, q in ((b, b), (a, a), (a, b)))
    return ab / math.sqrt(aa * bb), math.sqrt(math.fsum((x - y) ** 2 for x, y in zip(a, b, strict=True)) / aa)


@again("covariate_shift_inner_product")
def forgets_the_lengths(grad_before, grad_after):
    relative = np.linalg.norm(grad_before - grad_after) / np.linalg.norm(grad_before)
    return [np.vdot(grad_before, grad_after), relative]


@again("gradient_predictiveness_unit_steps")
def steps_of_length_a(loss_and_grad, w, step_sizes):
    gradient = loss_and_grad(w)[1]
    unit, results = gradient / np.sqrt(np.sum(gradient**2)), np.empty((2, len(step_sizes)), w.dtype)
    for i, a in enumerate(step_sizes):
        results[0, i], there = loss_and_grad(w - a * unit)
        results[1, i] = np.sqrt(np.sum((there - gradient) ** 2))
    return results[0], results[1]


@again("gradient_predictiveness_goes_on")
def never_goes_back(loss_and_grad, w, step_sizes):
    gradient = loss_and_grad(w)[1]
    points = [w - a * gradient for a in np.cumsum(step_sizes)]
    results = np.array([(loss, np.linalg.norm(g - gradient)) for loss, g in map(loss_and_grad, points)], w.dtype)
    return results[:, 0], results[:, 1]


@again("scale_invariance_ratio_inverted")
def upside_down(loss_and_grad, w, scale):
    (here, g), (there, h) = loss_and_grad(w), loss_and_grad(w * scale)
    return there - here, np.sqrt((g @ g) / (h @ h)), np.dot(g, w)


@again("effective_learning_rate_by_norm")
def divides_once(lr, w):
    return lr / math.sqrt(float((w**2).sum()))


@again("statistics_noise_with_replacement")
def puts_them_back(pool, batch_size, trials, rng):
    return pool[rng.integers(0, len(pool), (trials, batch_size))].mean(axis=1).std(ddof=1)


@again("statistics_noise_variance")
def leaves_out_the_root(pool, batch_size, trials, rng):
    return rng.permuted(np.tile(pool, (trials, 1)), axis=1)[:, :batch_size].mean(axis=1).var()


@again("statistics_noise_of_values")
def looks_at_values(pool, batch_size, trials, rng):
    return rng.permuted(np.tile(pool, (trials, 1)), axis=1)[:, :batch_size].std()


@again("statistics_noise_global_state")
def uses_the_old_functions(pool, batch_size, trials, rng):
    return np.std([np.mean(np.random.permutation(pool)[:batch_size]) for _ in range(trials)])
