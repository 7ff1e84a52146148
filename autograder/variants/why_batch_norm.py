"""Right answers of unit 6 in other styles: each must get full marks."""

from __future__ import annotations

import math

import numpy as np

from autograder.variants import variant
from solutions import why_batch_norm as right


def _written_out_backward(dy, cache):
    x_hat, std, gamma, factor = cache
    d = dy * factor
    dgamma, dbeta = (d * x_hat).sum(axis=0), d.sum(axis=0)
    n = len(dy)
    return gamma / (n * std) * (n * d - dbeta - x_hat * dgamma), dgamma, dbeta


@variant("noisy_batch_norm_forward", also={"noisy_batch_norm_backward": _written_out_backward})
def noisy_batch_norm_written_out(x, gamma, beta, rng, mean_range, std_range, training=True, eps=1e-5):
    """The shift is drawn before the factor, and from random() alone."""
    centred = x - x.mean(axis=0)
    std = np.sqrt((centred**2).mean(axis=0) + eps)
    x_hat = centred / std
    shift, factor = np.zeros_like(gamma), np.ones_like(gamma)
    if training:
        shift = (mean_range * (2 * rng.random(len(gamma)) - 1)).astype(x.dtype)
        factor = (1 + std_range * (2 * rng.random(len(gamma)) - 1)).astype(x.dtype)
    return factor * (gamma * x_hat + beta) + shift, (x_hat, std, gamma, factor)


@variant("noisy_batch_norm_forward", also={"noisy_batch_norm_backward": _written_out_backward})
def noisy_batch_norm_feature_by_feature(x, gamma, beta, rng, mean_range, std_range, training=True, eps=1e-5):
    """One feature after the other; draws are made in evaluation, too, and not used."""
    y, x_hat, std, factors = np.empty_like(x), np.empty_like(x), np.empty_like(gamma), np.ones_like(gamma)
    for j in range(x.shape[1]):
        std[j] = math.sqrt(float(x[:, j].var()) + eps)
        x_hat[:, j] = (x[:, j] - x[:, j].mean()) / std[j]
        y[:, j] = gamma[j] * x_hat[:, j] + beta[j]
        factor, shift = rng.uniform(1 - std_range, 1 + std_range), rng.uniform(-mean_range, mean_range)
        if training:
            factors[j] = factor
            y[:, j] = factors[j] * y[:, j] + shift
    return [y, (x_hat, std, gamma.copy(), factors)]


@variant("covariate_shift")
def covariate_shift_with_sums(grad_before, grad_after):
    before, after = np.sum(grad_before**2), np.sum(grad_after**2)
    cosine = np.sum(grad_before * grad_after) / np.sqrt(before * after)
    return [cosine, np.sqrt(np.sum((grad_before - grad_after) ** 2) / before)]


@variant("covariate_shift")
def covariate_shift_with_vdot(grad_before, grad_after):
    b, a = np.linalg.norm(grad_before), np.linalg.norm(grad_after)
    difference = np.linalg.norm(grad_after - grad_before)
    inner = np.vdot(grad_before, grad_after)
    return float(inner / b / a), float(difference / b)


@variant("gradient_predictiveness")
def gradient_predictiveness_with_arrays(loss_and_grad, w, step_sizes):
    losses, changes = np.empty_like(step_sizes), np.empty_like(step_sizes)
    _, start = loss_and_grad(w.copy())
    for i in range(len(step_sizes)):
        losses[i], gradient = loss_and_grad(w - step_sizes[i] * start)
        changes[i] = math.sqrt(float(np.sum((gradient - start) ** 2)))
    return [losses, changes]


@variant("scale_invariance")
def scale_invariance_with_sums(loss_and_grad, w, scale):
    there, gradient_there = loss_and_grad(w * scale)
    here, gradient = loss_and_grad(w)
    ratio = np.sqrt(np.sum(gradient_there**2) / np.sum(gradient**2))
    return [there - here, ratio, np.sum(w * gradient)]


@variant("effective_learning_rate")
def effective_learning_rate_by_norm_squared(lr, w):
    return lr / np.linalg.norm(w.ravel()) ** 2


@variant("effective_learning_rate")
def effective_learning_rate_by_einsum(lr, w):
    return lr / np.einsum("i,i->", w.ravel(), w.ravel())


@variant("statistics_noise")
def statistics_noise_with_choice(pool, batch_size, trials, rng):
    """The unbiased deviation."""
    return float(np.std([rng.choice(pool, batch_size, replace=False).mean() for _ in range(trials)], ddof=1))


@variant("statistics_noise")
def statistics_noise_all_at_once(pool, batch_size, trials, rng):
    everyone = rng.permuted(np.tile(pool, (trials, 1)), axis=1)
    return everyone[:, :batch_size].mean(axis=1).std()


@variant("statistics_noise")
def statistics_noise_by_ranks(pool, batch_size, trials, rng):
    """The batch_size smallest of as many random numbers as there are values."""
    order = np.argsort(rng.random((trials, len(pool))), axis=1)[:, :batch_size]
    return np.std(pool[order].mean(axis=1))


@variant("noisy_batch_norm_backward")
def noisy_batch_norm_backward_scales_last(dy, cache):
    """All gradients are linear in dy, feature by feature: the factor can come last."""
    factor, inner = cache
    dx, dgamma, dbeta = right.noisy_batch_norm_backward(dy, (np.ones_like(factor), inner))
    return dx * factor, dgamma * factor, dbeta * factor
