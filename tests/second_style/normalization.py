"""Mistakes of unit 7 in another style: groups as rows, loops over units, and caches of another form."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from solutions.conv_layer import conv2d_backward, conv2d_forward
from tests.second_style import again

# normalize: the groups as rows of a matrix.


def rows_of(x, axes):
    axes = [a % x.ndim for a in axes]
    rest = [a for a in range(x.ndim) if a not in axes]
    moved = np.transpose(x, rest + axes)
    return moved.reshape(math.prod(x.shape[a] for a in rest), -1), moved.shape, np.argsort(rest + axes)


def rows_forward(
    *,
    chosen: Callable = lambda axes, ndim: axes,
    deviation: Callable = lambda row, mean, eps: math.sqrt(float(np.mean((row - mean) ** 2)) + eps),
) -> Callable:
    def forward(x, axes, eps=1e-5):
        axes = chosen(axes, x.ndim)
        rows, shape, back = rows_of(x, axes)
        means = [row.mean() for row in rows]
        stds = [deviation(row, mean, eps) for row, mean in zip(rows, means, strict=True)]
        with np.errstate(all="ignore"):
            hats = [(r - m) / np.asarray(s, x.dtype) for r, m, s in zip(rows, means, stds, strict=True)]
        return np.array(hats).reshape(shape).transpose(back), {"axes": axes, "hats": hats, "stds": stds}

    return forward


def rows_backward(*, mean_path=True, variance_path=True, summed=False, divided=True) -> Callable:
    def backward(dx_hat, cache):
        rows, shape, back = rows_of(dx_hat, cache["axes"])
        dx = []
        for row, hat, std in zip(rows, cache["hats"], cache["stds"], strict=True):
            m = 1 if summed else row.size
            left = row.copy()
            if mean_path:
                left = left - row.sum() / m
            if variance_path:
                left = left - hat * ((row @ hat) / m)
            with np.errstate(all="ignore"):
                dx.append(left / np.asarray(std, row.dtype) if divided else left)
        return np.array(dx).reshape(shape).transpose(back)

    return backward


def wrong_normalize(mistake: str, **wrong) -> Callable:
    return again(mistake, also={"normalize_backward": rows_backward()})(rows_forward(**wrong))


def wrong_normalize_backward(mistake: str, **wrong) -> Callable:
    return again(mistake, also={"normalize": rows_forward()})(rows_backward(**wrong))


divides_by_one_less = wrong_normalize(
    "normalize_unbiased",
    deviation=lambda row, mean, eps: math.sqrt(float(np.sum((row - mean) ** 2)) / (row.size - 1) + eps),
)
adds_eps_last = wrong_normalize("normalize_eps_outside", deviation=lambda row, mean, eps: float(row.std()) + eps)
knows_no_eps = wrong_normalize("normalize_eps_missing", deviation=lambda row, mean, eps: float(row.std()))
takes_no_root = wrong_normalize("normalize_by_variance", deviation=lambda row, mean, eps: float(row.var()) + eps)
looks_at_one_axis = wrong_normalize("normalize_first_axis_only", chosen=lambda axes, ndim: axes[:1])
looks_at_all_axes = wrong_normalize("normalize_everything", chosen=lambda axes, ndim: tuple(range(ndim)))
looks_at_the_others = wrong_normalize(
    "normalize_other_axes",
    chosen=lambda axes, ndim: tuple(a for a in range(ndim) if a not in axes and a - ndim not in axes),
)
not_through_the_mean = wrong_normalize_backward("normalize_no_mean_path", mean_path=False)
not_through_the_variance = wrong_normalize_backward("normalize_no_variance_path", variance_path=False)
through_neither = wrong_normalize_backward("normalize_constant_statistics", mean_path=False, variance_path=False)
sums = wrong_normalize_backward("normalize_sums_for_means", summed=True)
not_divided = wrong_normalize_backward("normalize_deviation_forgotten", divided=False)


# Layers over axes: everything about the groups in one shape.


def normalised(x, gamma, beta, shape, axes, eps, ddof=0):
    wide = (-1,) + (1,) * (x.ndim - 2)
    blocks = x.reshape(shape)
    centred = blocks - blocks.mean(axes, keepdims=True)
    inverse = (blocks.var(axes, ddof=ddof, keepdims=True) + eps) ** -0.5
    hat = (centred * inverse).reshape(x.shape)
    return [hat * gamma.reshape(wide) + beta.reshape(wide), (hat, inverse, gamma, shape)]


def over(axes: tuple, ddof: int = 0) -> Callable:
    def forward(x, gamma, beta, eps=1e-5):
        return normalised(x, gamma, beta, x.shape, axes, eps, ddof)

    return forward


def grouped(axes: tuple, shape_of: Callable) -> Callable:
    """shape_of(n, c, groups) -> the first axes of the shape in which the groups are seen."""

    def forward(x, gamma, beta, num_groups, eps=1e-5):
        n, c, h, w = x.shape
        if c % num_groups:
            raise ValueError("groups")
        return normalised(x, gamma, beta, (*shape_of(n, c, num_groups), h, w), axes, eps)

    return forward


def back_over(axes: tuple, *, gamma_first: bool = True, gamma_at_all: bool = True, average: bool = False) -> Callable:
    def backward(dy, cache):
        hat, inverse, gamma, shape = cache
        wide = gamma.reshape((-1,) + (1,) * (dy.ndim - 2)) if gamma_at_all else np.ones((), dy.dtype)
        d = (dy * wide if gamma_first else dy).reshape(shape)
        hats = hat.reshape(shape)
        dx = (d - d.mean(axes, keepdims=True) - hats * (d * hats).mean(axes, keepdims=True)) * inverse
        dx = dx.reshape(dy.shape) * (1 if gamma_first else wide)
        others = tuple(a for a in range(dy.ndim) if a != 1)
        dgamma, dbeta = (dy * hat).sum(others), dy.sum(others)
        if average:
            dgamma, dbeta = dgamma / len(dy), dbeta / len(dy)
        return [dx, dgamma, dbeta]

    return backward


def wrong_layer(mistake: str, name: str, axes: tuple, ddof: int = 0) -> Callable:
    return again(mistake, also={f"{name}_backward": back_over(axes)})(over(axes, ddof))


def wrong_layer_backward(mistake: str, name: str, axes: tuple, **wrong) -> Callable:
    return again(mistake, also={f"{name}_forward": over(axes)})(back_over(axes, **wrong))


layer_of_the_batch = wrong_layer("layer_norm_over_the_batch", "layer_norm", (0,))
layer_of_everything = wrong_layer("layer_norm_everything", "layer_norm", (0, 1))
layer_by_one_less = wrong_layer("layer_norm_unbiased", "layer_norm", (1,), ddof=1)
layer_gamma_last = wrong_layer_backward("layer_norm_gamma_last", "layer_norm", (1,), gamma_first=False)
layer_no_gamma = wrong_layer_backward("layer_norm_gamma_forgotten", "layer_norm", (1,), gamma_at_all=False)
layer_averages = wrong_layer_backward("layer_norm_parameters_averaged", "layer_norm", (1,), average=True)

instance_of_the_batch = wrong_layer("instance_norm_over_the_batch", "instance_norm", (0, 2, 3))
instance_of_channels = wrong_layer("instance_norm_over_channels", "instance_norm", (1, 2, 3))
instance_of_rows = wrong_layer("instance_norm_rows_only", "instance_norm", (3,))
instance_by_one_less = wrong_layer("instance_norm_unbiased", "instance_norm", (2, 3), ddof=1)
instance_averages = wrong_layer_backward("instance_norm_parameters_averaged", "instance_norm", (2, 3), average=True)

group_ignores = again("group_norm_ignores_groups", also={"group_norm_backward": back_over((1, 2, 3))})(
    grouped((1, 2, 3), lambda n, c, groups: (n, c))
)
group_takes_size = again("group_norm_size_for_number", also={"group_norm_backward": back_over((2, 3, 4))})(
    grouped((2, 3, 4), lambda n, c, groups: (n, c // groups, groups))
)
group_gamma_last = again(
    "group_norm_gamma_last",
    also={"group_norm_forward": grouped((2, 3, 4), lambda n, c, groups: (n, groups, c // groups))},
)(back_over((2, 3, 4), gamma_first=False))


def interleaved_backward(dy, cache):
    hat, inverse, gamma = cache
    d = (dy * gamma[:, None, None]).reshape(hat.shape)
    axes = (1, 3, 4)
    dx = (d - d.mean(axes, keepdims=True) - hat * (d * hat).mean(axes, keepdims=True)) * inverse
    return dx.reshape(dy.shape), (dy * hat.reshape(dy.shape)).sum((0, 2, 3)), dy.sum((0, 2, 3))


@again("group_norm_interleaved", also={"group_norm_backward": interleaved_backward})
def splits_the_other_way(x, gamma, beta, num_groups, eps=1e-5):
    n, c, h, w = x.shape
    if c % num_groups:
        raise ValueError("groups")
    blocks = x.reshape(n, c // num_groups, num_groups, h, w)
    inverse = 1 / np.sqrt(blocks.var((1, 3, 4), keepdims=True) + eps)
    hat = (blocks - blocks.mean((1, 3, 4), keepdims=True)) * inverse
    return hat.reshape(x.shape) * gamma[:, None, None] + beta[:, None, None], (hat, inverse, gamma)


def rms_like(size: Callable, off: Callable = lambda row: 0) -> Callable:
    """Sample by sample: (row - off) / size(row)."""

    def forward(x, gamma, eps=1e-5):
        hats, sizes = np.empty_like(x), []
        for i, row in enumerate(x):
            sizes.append(size(row, eps))
            hats[i] = (row - off(row)) / np.asarray(sizes[-1], x.dtype)
        return [hats * gamma, (hats, np.array(sizes, x.dtype)[:, None], gamma)]

    return forward


def rms_back(dy, cache):
    hats, sizes, gamma = cache
    d = dy * gamma
    return [(d - hats * np.einsum("nd,nd->n", d, hats)[:, None] / dy.shape[1]) / sizes, np.einsum("nd,nd->d", dy, hats)]


def wrong_rms(mistake: str, *args) -> Callable:
    return again(mistake, also={"rms_norm_backward": rms_back})(rms_like(*args))


rms_centres = wrong_rms(
    "rms_norm_takes_mean_off", lambda row, eps: math.sqrt(float(row.var()) + eps), lambda row: row.mean()
)
rms_by_length = wrong_rms("rms_norm_by_length", lambda row, eps: math.sqrt(float(row @ row) + eps))
rms_adds_last = wrong_rms("rms_norm_eps_outside", lambda row, eps: math.sqrt(float(row @ row) / len(row)) + eps)


# sync_batch_norm: with the concatenation.


def together(statistics: Callable) -> Callable:
    """statistics(shards, whole) -> (mean, var)."""

    def forward(shards, gamma, beta, eps=1e-5):
        whole = np.concatenate(shards)
        mean, var = statistics(shards)
        inverse = (var + eps) ** -0.5
        hat = (whole - mean[:, None, None]) * inverse[:, None, None]
        cuts = np.cumsum([len(shard) for shard in shards])[:-1]
        y = hat * gamma[:, None, None] + beta[:, None, None]
        return np.split(y, cuts), (hat, inverse, gamma, cuts)

    return forward


def together_back(dy, cache):
    hat, inverse, gamma, cuts = cache
    d = np.concatenate(dy)
    dgamma, dbeta, n = (d * hat).sum((0, 2, 3)), d.sum((0, 2, 3)), d[:, 0].size
    dx = (d - (dbeta / n)[:, None, None] - hat * (dgamma / n)[:, None, None]) * (gamma * inverse)[:, None, None]
    return np.split(dx, cuts), dgamma, dbeta


def mean_of_variances(shards):
    whole = np.concatenate(shards)
    var = sum(len(shard) * shard.var((0, 2, 3)) for shard in shards) / len(whole)
    return whole.mean((0, 2, 3)), var


def every_shard_the_same(shards):
    means = [shard.mean((0, 2, 3)) for shard in shards]
    squares = [(shard**2).mean((0, 2, 3)) for shard in shards]
    mean = sum(means) / len(shards)
    return mean, sum(squares) / len(shards) - mean**2


averages_variances = again("sync_batch_norm_averages_variances", also={"sync_batch_norm_backward": together_back})(
    together(mean_of_variances)
)
ignores_sizes = again("sync_batch_norm_sizes_ignored", also={"sync_batch_norm_backward": together_back})(
    together(every_shard_the_same)
)


# Weights


def stacked(v, g):
    return np.stack([one * row / np.linalg.norm(row) for one, row in zip(g, v, strict=True)]), (v, g)


@again("weight_norm_no_projection", also={"weight_norm_forward": stacked})
def forgets_to_project(dweight, cache):
    v, g = cache
    norms = [np.linalg.norm(row) for row in v]
    dv = np.stack([d * (one / norm) for d, one, norm in zip(dweight, g, norms, strict=True)])
    return dv, np.array([np.vdot(d, row) / norm for d, row, norm in zip(dweight, v, norms, strict=True)])


@again("weight_norm_dg_of_v", also={"weight_norm_forward": stacked})
def forgets_the_norm_in_dg(dweight, cache):
    v, g = cache
    dv, dg = np.empty_like(v), np.empty_like(g)
    for o in range(len(v)):
        norm = np.linalg.norm(v[o])
        along = np.vdot(dweight[o], v[o]) / norm**2
        dv[o], dg[o] = g[o] / norm * (dweight[o] - along * v[o]), along * norm**2
    return dv, dg


def standard(axes: tuple) -> Callable:
    def forward(weight, eps=1e-5):
        inverse = (weight.var(axes, keepdims=True) + eps) ** -0.5
        hat = (weight - weight.mean(axes, keepdims=True)) * inverse
        return hat, (hat, inverse, axes)

    return forward


def standard_back(dweight, cache):
    hat, inverse, axes = cache
    left = dweight - dweight.mean(axes, keepdims=True)
    return inverse * (left - hat * (dweight * hat).mean(axes, keepdims=True))


standardises_over_filters = again(
    "weight_standardization_over_filters", also={"weight_standardization_backward": standard_back}
)(standard((0, 2, 3)))
standardises_kernels = again(
    "weight_standardization_per_kernel", also={"weight_standardization_backward": standard_back}
)(standard((2, 3)))


def spectral_back(dweight_sn, cache):
    weight, sigma, u, v = cache
    d = dweight_sn.reshape(len(u), -1)
    along = np.sum(dweight_sn * weight) / sigma**2
    return (d / sigma - along * u[:, None] * v).reshape(dweight_sn.shape)


def iterated(weight, u, n_power_iterations, eps):
    rows = weight.reshape(len(weight), -1)
    for _ in range(n_power_iterations):
        v = np.einsum("oi,o->i", rows, u)
        v = v / max(math.sqrt(float(v @ v)), eps)
        u = np.einsum("oi,i->o", rows, v)
        u = u / max(math.sqrt(float(u @ u)), eps)
    return u, v, u @ (rows @ v)


@again("spectral_norm_u_not_kept", also={"spectral_norm_backward": spectral_back})
def hands_out_the_old_u(weight, u, n_power_iterations=1, eps=1e-12):
    new, v, sigma = iterated(weight, u, n_power_iterations, eps)
    return weight / sigma, (weight, sigma, new, v), u.copy()


@again("spectral_norm_one_iteration", also={"spectral_norm_backward": spectral_back})
def iterates_once(weight, u, n_power_iterations=1, eps=1e-12):
    u, v, sigma = iterated(weight, u, 1, eps)
    return weight / sigma, (weight, sigma, u, v), u


@again("conv_operator_norm_of_the_kernel")
def norm_of_the_rows(weight, height, width):
    rows = weight.reshape(len(weight), -1).astype(float)
    return math.sqrt(np.linalg.eigvalsh(rows @ rows.T)[-1])


@again("conv_operator_norm_largest_entry")
def largest_response(weight, height, width):
    padded = np.zeros((*weight.shape[:2], height, width))
    padded[..., : weight.shape[2], : weight.shape[3]] = weight
    return np.abs(np.fft.fft(np.fft.fft(padded, axis=2), axis=3)).max()


# Pictures


def adain(result: Callable) -> Callable:
    def forward(content, style, eps=1e-5):
        mean, var = style.mean((2, 3), keepdims=True), style.var((2, 3), keepdims=True)
        inverse = (content.var((2, 3), keepdims=True) + eps) ** -0.5
        hat = (content - content.mean((2, 3), keepdims=True)) * inverse
        std = np.sqrt(var + eps)
        return result(hat, mean, var, eps), (hat, inverse, (style - mean) / std, std)

    return forward


def adain_back(dy, cache):
    hat, inverse, style_hat, std = cache
    d = dy * std
    dx = (d - d.mean((2, 3), keepdims=True) - hat * (d * hat).mean((2, 3), keepdims=True)) * inverse
    m = style_hat[0, 0].size
    return dx, (dy.sum((2, 3), keepdims=True) + (dy * hat).sum((2, 3), keepdims=True) * style_hat) / m


def wrong_adain(mistake: str, result: Callable) -> Callable:
    return again(mistake, also={"adaptive_instance_norm_backward": adain_back})(adain(result))


adain_exchanged = wrong_adain(
    "adaptive_instance_norm_exchanged", lambda hat, mean, var, eps: hat * mean + np.sqrt(var + eps)
)
adain_variance = wrong_adain("adaptive_instance_norm_variance", lambda hat, mean, var, eps: hat * (var + eps) + mean)
adain_eps_once = wrong_adain("adaptive_instance_norm_eps_once", lambda hat, mean, var, eps: hat * var**0.5 + mean)


def spade_like(one: float, axes: tuple) -> Callable:
    def forward(x, segmap, gamma_weight, gamma_bias, beta_weight, beta_bias, eps=1e-5):
        padding = (gamma_weight.shape[2] - 1) // 2
        gamma, gamma_cache = conv2d_forward(segmap, gamma_weight, gamma_bias, padding=padding)
        beta, beta_cache = conv2d_forward(segmap, beta_weight, beta_bias, padding=padding)
        hat, cache = standard(axes)(x, eps)
        return one * hat + hat * gamma + beta, (hat, one + gamma, cache, gamma_cache, beta_cache)

    return forward


def spade_back(dy, cache):
    hat, scale, inner, gamma_cache, beta_cache = cache
    _, *of_gamma = conv2d_backward(dy * hat, gamma_cache)
    _, *of_beta = conv2d_backward(dy, beta_cache)
    return [standard_back(dy * scale, inner), *of_gamma, *of_beta]


without_one = again("spade_gamma_alone", also={"spade_backward": spade_back})(spade_like(0.0, (2, 3)))
statistics_of_the_batch = again("spade_batch_statistics", also={"spade_backward": spade_back})(
    spade_like(1.0, (0, 2, 3))
)


@again("local_response_norm_not_divided")
def damps_by_the_sum(x, size, alpha=1e-4, beta=0.75, k=1.0):
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        window = x[:, max(0, c - size // 2) : c + (size - 1) // 2 + 1]
        y[:, c] = x[:, c] * (k + alpha * (window**2).sum(axis=1)) ** -beta
    return y
