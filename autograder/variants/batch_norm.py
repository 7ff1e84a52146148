"""Right answers of unit 5 in other styles: each must get full marks."""

from __future__ import annotations

import numpy as np

from autograder.variants import variant
from solutions import batch_norm as right
from solutions.conv_layer import conv2d_backward, conv2d_forward


def _papers_backward(dy, cache):
    """The formulas of the paper's section 3, as they stand there."""
    if not cache["training"]:
        dx = dy * cache["gamma"] * cache["inverse"]
    else:
        m, centred, inverse = len(dy), cache["centred"], cache["inverse"]
        dx_hat = dy * cache["gamma"]
        dvar = np.sum(dx_hat * centred, axis=0) * -0.5 * inverse**3
        dmean = -np.sum(dx_hat * inverse, axis=0) + dvar * np.sum(-2 * centred, axis=0) / m
        dx = dx_hat * inverse + dvar * 2 * centred / m + dmean / m
    return [dx, np.einsum("nd,nd->d", dy, cache["x_hat"]), np.einsum("nd->d", dy)]


@variant("batch_norm_forward", also={"batch_norm_backward": _papers_backward})
def batch_norm_with_dict(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    if training:
        if x.shape[0] == 1:
            raise ValueError("one sample")
        mean, var = np.mean(x, 0), np.var(x, 0)
        running_mean = running_mean + momentum * (mean - running_mean)
        running_var = running_var + momentum * (np.var(x, 0, ddof=1) - running_var)
    else:
        mean, var = running_mean, running_var
    centred, inverse = x - mean, 1 / np.sqrt(var + eps)
    cache = {"centred": centred, "inverse": inverse, "x_hat": centred * inverse}
    cache |= {"gamma": gamma.copy(), "training": training}
    return [centred * inverse * gamma + beta, cache, running_mean, running_var]


def _matrix_backward(dy, cache):
    """dx by the Jacobian of each feature."""
    x_hat, std, gamma, training = cache
    n, dx = len(dy), np.empty_like(dy)
    for j in range(dy.shape[1]):
        jacobian = np.eye(n, dtype=dy.dtype)
        if training:
            jacobian -= 1 / n
            jacobian -= np.outer(x_hat[:, j], x_hat[:, j]) / n
        dx[:, j] = jacobian @ dy[:, j] * gamma[j] / std[j]
    return dx, (dy * x_hat).sum(0), dy.sum(0)


@variant("batch_norm_forward", also={"batch_norm_backward": _matrix_backward})
def batch_norm_feature_by_feature(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    n, d = x.shape
    if training and n == 1:
        raise ValueError("one sample")
    y, x_hat, std = np.empty_like(x), np.empty_like(x), np.empty_like(gamma)
    new_mean, new_var = running_mean.copy(), running_var.copy()
    for j in range(d):
        mean, var = running_mean[j], running_var[j]
        if training:
            mean = sum(x[:, j]) / n
            squares = sum((x[:, j] - mean) ** 2)
            var = squares / n
            new_mean[j] = (1 - momentum) * running_mean[j] + momentum * mean
            new_var[j] = (1 - momentum) * running_var[j] + momentum * squares / (n - 1)
        std[j] = np.sqrt(var + eps)
        x_hat[:, j] = (x[:, j] - mean) / std[j]
        y[:, j] = gamma[j] * x_hat[:, j] + beta[j]
    return y, (x_hat, std, gamma, training), new_mean, new_var


@variant("batch_norm_forward")
def batch_norm_in_one_pass(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """Mean of squares minus square of the mean, and evaluation as one scale and one shift."""
    if not training:
        std = np.sqrt(running_var + eps)
        scale = gamma / std
        x_hat = (x - running_mean) / std
        return (
            x * scale + (beta - running_mean * scale),
            (x_hat, std, gamma, False),
            running_mean,
            running_var,
        )
    n = len(x)
    if n < 2:
        raise ValueError("one sample")
    mean = x.sum(axis=0) / n
    var = np.maximum((x * x).sum(axis=0) / n - mean * mean, 0)
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    mean = running_mean * (1 - momentum) + mean * momentum
    var = running_var * (1 - momentum) + var * (momentum * n / (n - 1))
    return x_hat * gamma + beta, (x_hat, std, gamma, True), mean, var


@variant("batch_norm_backward")
def batch_norm_backward_multiplied_out(dy, cache):
    x_hat, std, gamma, training = cache
    dgamma, dbeta = (dy * x_hat).sum(axis=0), dy.sum(axis=0)
    if not training:
        return gamma / std * dy, dgamma, dbeta
    n = len(dy)
    return gamma / (n * std) * (n * dy - dbeta - x_hat * dgamma), dgamma, dbeta


@variant("batch_norm_backward_graph")
def batch_norm_graph_of_twelve_nodes(dy, cache):
    """Every node a line, with the inverse root as a node of its own."""
    x_hat, std, gamma, training = cache
    n, one = len(dy), np.ones_like(dy)
    centred = x_hat * std
    dbeta = (dy * one).sum(axis=0)
    dgamma = (dy * x_hat).sum(axis=0)
    dx_hat = dy * gamma
    dinverse = (dx_hat * centred).sum(axis=0)
    dcentred = dx_hat * (1 / std)
    if training:
        droot = dinverse * -1 / std**2
        dvar = 0.5 * droot / std
        dsquares = one * dvar / n
        dcentred = dcentred + 2 * centred * dsquares
        dmean = -1 * dcentred.sum(axis=0)
        dcentred = dcentred + one * dmean / n
    return dcentred, dgamma, dbeta


@variant("batch_norm_backward_graph")
def batch_norm_graph_as_formula(dy, cache):
    """The closed formula gives the same gradients."""
    return right.batch_norm_backward(dy, cache)


def _axes_backward(dy, cache):
    x_hat, std, gamma, training = cache
    d = dy * gamma[None, :, None, None]
    if training:
        d = d - d.mean((0, 2, 3), keepdims=True) - x_hat * (d * x_hat).mean((0, 2, 3), keepdims=True)
    return d / std, np.einsum("nchw,nchw->c", dy, x_hat), np.einsum("nchw->c", dy)


@variant("batch_norm2d_forward", also={"batch_norm2d_backward": _axes_backward})
def batch_norm2d_over_axes(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    per_channel = (slice(None), None, None)
    mean, var = running_mean, running_var
    if training:
        m = x.size // x.shape[1]
        if m == 1:
            raise ValueError("one value per channel")
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3))
        running_mean = running_mean * (1 - momentum) + mean * momentum
        running_var = running_var * (1 - momentum) + var * momentum * m / (m - 1)
    std = np.sqrt(var + eps)[per_channel]
    x_hat = (x - mean[per_channel]) / std
    y = x_hat * gamma[per_channel] + beta[per_channel]
    return y, (x_hat, std, gamma, training), running_mean, running_var


def _channels_backward(dy, cache):
    dx, dgamma, dbeta = np.empty_like(dy), np.empty(dy.shape[1], dy.dtype), np.empty(dy.shape[1], dy.dtype)
    for c, one in enumerate(cache):
        column, dgamma[c : c + 1], dbeta[c : c + 1] = right.batch_norm_backward(dy[:, c].reshape(-1, 1), one)
        dx[:, c] = column.reshape(dx[:, c].shape)
    return dx, dgamma, dbeta


@variant("batch_norm2d_forward", also={"batch_norm2d_backward": _channels_backward})
def batch_norm2d_channel_by_channel(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    y, caches = np.empty_like(x), []
    mean, var = np.empty_like(running_mean), np.empty_like(running_var)
    for c in range(x.shape[1]):
        one = slice(c, c + 1)
        column, cache, mean[one], var[one] = right.batch_norm_forward(
            x[:, c].reshape(-1, 1),
            gamma[one],
            beta[one],
            running_mean[one],
            running_var[one],
            training,
            momentum,
            eps,
        )
        y[:, c] = column.reshape(x[:, c].shape)
        caches.append(cache)
    return y, caches, mean, var


@variant("identity_affine")
def identity_affine_by_power(mean, var, eps=1e-5):
    return [np.power(var + eps, 0.5), mean]


@variant("fold_batch_norm")
def fold_batch_norm_with_einsum(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    if bias is None:
        bias = np.zeros_like(beta)
    inverse = (running_var + eps) ** -0.5
    return np.einsum("oikl,o->oikl", weight, gamma * inverse), gamma * (bias - running_mean) * inverse + beta


@variant("fold_batch_norm")
def fold_batch_norm_by_identity(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    """The bias is what the normalization makes of the bias."""
    old = np.zeros_like(beta) if bias is None else bias
    scale = gamma / np.sqrt(running_var + eps)
    new, _, _, _ = right.batch_norm_forward(old[None], gamma, beta, running_mean, running_var, training=False, eps=eps)
    return (weight.reshape(len(weight), -1) * scale[:, None]).reshape(weight.shape), new[0]


@variant("combine_statistics")
def combine_statistics_by_squares(counts, means, variances):
    """Mean square minus squared mean."""
    counts = counts.astype(means.dtype)[:, None]
    n = counts.sum()
    mean = (counts * means).sum(axis=0) / n
    return mean, (counts * (variances + means * means)).sum(axis=0) / n - mean * mean


@variant("combine_statistics")
def combine_statistics_one_after_another(counts, means, variances):
    """Two at a time, as a stream would."""
    n, mean, var = int(counts[0]), means[0], variances[0]
    for k in range(1, len(counts)):
        m = int(counts[k])
        gap = means[k] - mean
        var = (n * var + m * variances[k] + gap * gap * (n * m / (n + m))) / (n + m)
        mean = mean + gap * (m / (n + m))
        n += m
    return mean, var


def _padded_backward(dy, cache):
    conv_cache, bn_cache, y, padding = cache
    dz, dgamma, dbeta = right.batch_norm2d_backward(np.where(y > 0, dy, np.zeros_like(dy)), bn_cache)
    dx, dweight, _ = conv2d_backward(dz, conv_cache)
    h, w = dx.shape[2:]
    return [dx[:, :, padding : h - padding, padding : w - padding], dweight, dgamma, dbeta]


@variant("conv_bn_relu_forward", also={"conv_bn_relu_backward": _padded_backward})
def conv_bn_relu_with_where(x, weight, gamma, beta, running_mean, running_var, padding=0, training=True):
    around = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    z, conv_cache = conv2d_forward(around, weight, np.zeros_like(gamma))
    z, bn_cache, mean, var = right.batch_norm2d_forward(z, gamma, beta, running_mean, running_var, training)
    y = np.where(z > 0, z, np.zeros_like(z))
    return y, (conv_cache, bn_cache, y, padding), mean, var
