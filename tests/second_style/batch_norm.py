"""Mistakes of unit 5 in another style: feature by feature, with loops, dicts as caches, and Python numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from solutions.conv_layer import conv2d_backward, conv2d_forward
from tests.second_style import again

# batch_norm: one loop over features, in which each wrong layer does one thing otherwise.


def layer(
    *,
    ddof: int = 0,
    deviation: Callable = lambda var, eps: math.sqrt(var + eps),
    weight_of_new: Callable = lambda momentum: momentum,
    new_var: Callable = lambda squares, n: squares / (n - 1),
    var_step: Callable | None = None,
    learns: bool = True,
    learns_in_evaluation: bool = False,
    batch_in_evaluation: bool = False,
    running_in_training: bool = False,
    affine_in_evaluation: bool = True,
    refuses: Callable = lambda n, training: training and n == 1,
) -> Callable:
    def forward(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
        n, d = x.shape
        if refuses(n, training):
            raise ValueError("too few samples")
        y, hats = np.empty_like(x), np.empty_like(x)
        means, variances, deviations = running_mean.copy(), running_var.copy(), []
        for j in range(d):
            column = x[:, j]
            mean = column.sum() / n
            squares = ((column - mean) ** 2).sum()
            if (training and learns) or (not training and learns_in_evaluation):
                w = weight_of_new(momentum)
                means[j] = (1 - w) * running_mean[j] + w * mean
                new = new_var(squares, n) if n > 1 else 0.0
                variances[j] = (
                    var_step(running_var[j], squares / n, n, w) if var_step else (1 - w) * running_var[j] + w * new
                )
            if training and running_in_training:
                mean, var = means[j], variances[j]
            elif training or batch_in_evaluation:
                var = squares / (n - ddof)
            else:
                mean, var = running_mean[j], running_var[j]
            deviations.append(deviation(float(var), eps))
            hats[:, j] = (column - mean) / deviations[j] if deviations[j] else np.nan
            y[:, j] = hats[:, j]
            if training or affine_in_evaluation:
                y[:, j] = gamma[j] * y[:, j] + beta[j]
        cache = {"hats": hats, "deviations": deviations, "gamma": gamma.copy(), "training": training}
        return [y, cache, means, variances]

    return forward


def gradients(
    *,
    mean_path: float = 1.0,
    variance_path: float = 1.0,
    in_evaluation: bool = False,
    share: Callable = lambda n: 1 / n,
    scale: Callable = lambda gamma, deviation: gamma / deviation,
    average: bool = False,
    exchanged: bool = False,
) -> Callable:
    def backward(dy, cache):
        n, dx = len(dy), np.empty_like(dy)
        dgamma, dbeta = np.empty_like(cache["gamma"]), np.empty_like(cache["gamma"])
        for j, (gamma, deviation) in enumerate(zip(cache["gamma"], cache["deviations"], strict=True)):
            hat = cache["hats"][:, j]
            dgamma[j], dbeta[j] = dy[:, j] @ hat, dy[:, j].sum()
            left = dy[:, j]
            if cache["training"] or in_evaluation:
                left = left - share(n) * (mean_path * dbeta[j] + variance_path * hat * dgamma[j])
            dx[:, j] = left * scale(gamma, deviation)
        if average:
            dgamma, dbeta = dgamma / dy.dtype.type(n), dbeta / dy.dtype.type(n)
        return [dx, dbeta, dgamma] if exchanged else [dx, dgamma, dbeta]

    return backward


def wrong_forward(mistake: str, **wrong) -> Callable:
    return again(mistake, also={"batch_norm_backward": gradients()})(layer(**wrong))


def wrong_backward(mistake: str, **wrong) -> Callable:
    return again(mistake, also={"batch_norm_forward": layer()})(gradients(**wrong))


divides_by_one_less = wrong_forward("batch_norm_unbiased", ddof=1)
adds_eps_last = wrong_forward("batch_norm_eps_outside", deviation=lambda var, eps: math.sqrt(var) + eps)
knows_no_eps = wrong_forward("batch_norm_eps_missing", deviation=lambda var, eps: math.sqrt(var))
eps_is_a_number = wrong_forward("batch_norm_eps_fixed", deviation=lambda var, eps: math.sqrt(var + 1e-5))
takes_no_root = wrong_forward("batch_norm_by_variance", deviation=lambda var, eps: var + eps)
keras_momentum = wrong_forward("batch_norm_momentum_exchanged", weight_of_new=lambda momentum: 1 - momentum)
momentum_is_a_number = wrong_forward("batch_norm_momentum_fixed", weight_of_new=lambda momentum: 0.1)
keeps_biased = wrong_forward("batch_norm_running_var_biased", new_var=lambda squares, n: squares / n)
averages_roots = wrong_forward("batch_norm_running_deviation", new_var=lambda squares, n: math.sqrt(squares / (n - 1)))
forgets_the_past = wrong_forward("batch_norm_running_replaced", weight_of_new=lambda momentum: 1.0)
never_learns = wrong_forward("batch_norm_running_kept", learns=False)
corrects_everything = wrong_forward(
    "batch_norm_correction_of_the_average",
    var_step=lambda old, new, n, w: (old - w * (old - new)) * n / (n - 1),
)
trusts_the_past = wrong_forward("batch_norm_training_by_running", running_in_training=True)
always_trains = wrong_forward("batch_norm_evaluation_by_batch", batch_in_evaluation=True)
bare_in_evaluation = wrong_forward("batch_norm_evaluation_without_affine", affine_in_evaluation=False)
refuses_every_single = wrong_forward("batch_norm_single_value_refused", refuses=lambda n, training: n == 1)

no_way_through_the_mean = wrong_backward("batch_norm_no_mean_path", mean_path=0.0)
no_way_through_the_variance = wrong_backward("batch_norm_no_variance_path", variance_path=0.0)
one_formula_for_both = wrong_backward("batch_norm_evaluation_backward_as_training", in_evaluation=True)
without_gamma = wrong_backward("batch_norm_gamma_forgotten", scale=lambda gamma, deviation: 1 / deviation)
without_deviation = wrong_backward("batch_norm_deviation_forgotten", scale=lambda gamma, deviation: gamma)
sums = wrong_backward("batch_norm_sums_for_means", share=lambda n: 1)
averages = wrong_backward("batch_norm_parameters_averaged", average=True)
the_other_order = wrong_backward("batch_norm_parameters_exchanged", exchanged=True)


# batch_norm_graph: from the reference's cache.


@again("batch_norm_graph_root")
def forgets_one_half(dy, cache):
    x_hat, std, gamma, training = cache
    dx_hat = dy * gamma
    dx = dx_hat / std
    if training:
        n, c = len(dy), x_hat * std
        dvar = -(dx_hat * c).sum(0) / std**3
        dx = dx + 2 / n * c * dvar
        dx = dx - dx.mean(0)
    return dx, np.einsum("nd,nd->d", dy, x_hat), dy.sum(0)


@again("batch_norm_graph_no_variance")
def stops_at_the_variance(dy, cache):
    x_hat, std, gamma, training = cache
    dx = dy * gamma
    if training:
        dx = dx - dx.mean(0)
    return dx / std, np.einsum("nd,nd->d", dy, x_hat), dy.sum(0)


@again("batch_norm_graph_evaluation_as_formula")
def does_not_ask_for_the_mode(dy, cache):
    x_hat, std, gamma, _ = cache
    n, dgamma, dbeta = len(dy), (dy * x_hat).sum(0), dy.sum(0)
    return gamma / (n * std) * (n * dy - dbeta - x_hat * dgamma), dgamma, dbeta


@again("batch_norm_graph_evaluation_as_training")
def walks_through_all_nodes(dy, cache):
    x_hat, std, gamma, _ = cache
    n, c, dx_hat = len(dy), x_hat * std, dy * gamma
    dinverse = (dx_hat * c).sum(0)
    dv = dinverse * -0.5 * std**-3
    dc = dx_hat / std + 2 * c * dv / n
    return dc - dc.sum(0) / n, np.einsum("nd,nd->d", dy, x_hat), dy.sum(0)


# batch_norm2d: directly over axes.


def _shaped(v):
    return v.reshape(1, -1, 1, 1)


def over_axes(axes, count=lambda x: x.size // x.shape[1], refuses=lambda x, t: t and x[:, 0].size == 1):
    def forward(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
        if refuses(x, training):
            raise ValueError("too few values")
        mean, var = _shaped(running_mean), _shaped(running_var)
        if training:
            mean, var = np.mean(x, axes, keepdims=True), np.var(x, axes, keepdims=True)
            n = count(x)
            seen_mean, seen_var = (np.mean(s + 0 * x, (0, 2, 3)) for s in (mean, var))
            running_mean = running_mean * (1 - momentum) + momentum * seen_mean
            running_var = running_var * (1 - momentum) + momentum * seen_var * n / max(n - 1, 1)
        inverse = (var + eps) ** -0.5
        hat = (x - mean) * inverse
        return hat * _shaped(gamma) + _shaped(beta), (hat, inverse, gamma, axes, training), running_mean, running_var

    return forward


def back_over_axes(dy, cache):
    hat, inverse, gamma, axes, training = cache
    d = dy * _shaped(gamma)
    if training:
        d = d - d.mean(axes, keepdims=True) - hat * (d * hat).mean(axes, keepdims=True)
    return d * inverse, np.einsum("nchw,nchw->c", dy, hat), np.einsum("nchw->c", dy)


def wrong_images(mistake: str, forward: Callable) -> Callable:
    return again(mistake, also={"batch_norm2d_backward": back_over_axes})(forward)


each_pixel = wrong_images("batch_norm2d_per_position", over_axes((0,)))
each_image = wrong_images("batch_norm2d_per_image", over_axes((2, 3)))
wants_two_images = wrong_images(
    "batch_norm2d_single_image_refused", over_axes((0, 2, 3), refuses=lambda x, training: training and len(x) == 1)
)
counts_images = wrong_images("batch_norm2d_counts_images", over_axes((0, 2, 3), count=len))


# The others


@again("identity_affine_without_eps")
def as_in_the_paper(mean, var, eps=1e-5):
    return [var**0.5, mean + 0]


@again("fold_batch_norm_by_variance")
def folds_channel_by_channel(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    folded, shift = np.empty_like(weight), np.empty_like(beta)
    for o in range(len(weight)):
        scale = gamma[o] / (running_var[o] + weight.dtype.type(eps))
        folded[o] = weight[o] * scale
        shift[o] = beta[o] + scale * ((0 if bias is None else bias[o]) - running_mean[o])
    return [folded, shift]


@again("fold_batch_norm_bias_forgotten")
def folds_without_bias(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    inverse = gamma * (running_var + eps) ** -0.5
    return np.einsum("o...,o->o...", weight, inverse), beta - running_mean * inverse


@again("combine_statistics_without_spread")
def pools_variances(counts, means, variances):
    n = int(sum(counts))
    mean, var = np.zeros_like(means[0]), np.zeros_like(means[0])
    for k, count in enumerate(counts.tolist()):
        mean += means[k] * count / n
        var += variances[k] * count / n
    return mean, var


@again("combine_statistics_counts_ignored")
def every_part_the_same(counts, means, variances):
    k = len(counts)
    mean = sum(means) / k
    return mean, sum(v + m * m for v, m in zip(variances, means, strict=True)) / k - mean * mean


def _block(training_of=lambda training: training):
    def forward(x, weight, gamma, beta, running_mean, running_var, padding=0, training=True):
        z, conv_cache = conv2d_forward(x, weight, padding=padding)
        z, bn_cache, *running = over_axes((0, 2, 3))(z, gamma, beta, running_mean, running_var, training_of(training))
        return np.where(z > 0, z, 0 * z), (conv_cache, bn_cache, z), *running

    return forward


def _back(mask):
    def backward(dy, cache):
        conv_cache, bn_cache, z = cache
        dz, dgamma, dbeta = back_over_axes(np.where(mask(dy, z), dy, 0 * dy), bn_cache)
        dx, dweight, _ = conv2d_backward(dz, conv_cache)
        return [dx, dweight, dgamma, dbeta]

    return backward


always_in_training = again(
    "conv_bn_relu_evaluation_forgotten", also={"conv_bn_relu_backward": _back(lambda dy, z: z > 0)}
)(_block(lambda training: True))
asks_dy = again("conv_bn_relu_mask_of_dy", also={"conv_bn_relu_forward": _block()})(_back(lambda dy, z: dy > 0))
goes_around = again("conv_bn_relu_mask_forgotten", also={"conv_bn_relu_forward": _block()})(_back(lambda dy, z: z == z))
