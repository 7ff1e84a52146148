"""Right answers of unit 7 in other styles: each must get full marks."""

from __future__ import annotations

import numpy as np

from autograder.variants import variant
from solutions import normalization as right
from solutions.conv_layer import conv2d_backward, conv2d_forward


def _counted_backward(dx_hat, cache):
    """Sums divided by the number of entries, written out."""
    centred, var, eps, axes, m = (cache[key] for key in ("centred", "var", "eps", "axes", "m"))
    inverse = 1 / np.sqrt(var + eps)
    dvar = np.sum(dx_hat * centred, axis=axes, keepdims=True) * inverse**3 * -0.5
    dmean = -np.sum(dx_hat * inverse, axis=axes, keepdims=True)
    return dx_hat * inverse + (2 * dvar * centred + dmean) / m


@variant("normalize", also={"normalize_backward": _counted_backward})
def normalize_with_counts(x, axes, eps=1e-5):
    axes = tuple(a % x.ndim for a in axes)
    m = int(np.prod([x.shape[a] for a in axes]))
    centred = x - np.sum(x, axis=axes, keepdims=True) / m
    var = np.sum(centred * centred, axis=axes, keepdims=True) / m
    return centred / np.sqrt(var + eps), {"centred": centred, "var": var, "eps": eps, "axes": axes, "m": m}


def _rows(x, axes):
    """The groups as rows, and what leads back."""
    axes = [a % x.ndim for a in axes]
    rest = [a for a in range(x.ndim) if a not in axes]
    moved = x.transpose(rest + axes)
    return (
        moved.reshape(int(np.prod([x.shape[a] for a in rest], dtype=int)), -1),
        moved.shape,
        np.argsort(rest + axes),
    )


def _rows_backward(dx_hat, cache):
    axes, x_hat, std = cache
    rows, shape, back = _rows(dx_hat, axes)
    n = rows.shape[1]
    dx = [(d - d.sum() / n - h * (d @ h) / n) / s for d, h, s in zip(rows, x_hat, std, strict=True)]
    return np.array(dx).reshape(shape).transpose(back)


@variant("normalize", also={"normalize_backward": _rows_backward})
def normalize_row_by_row(x, axes, eps=1e-5):
    rows, shape, back = _rows(x, axes)
    std = [np.sqrt(row.var() + x.dtype.type(eps)) for row in rows]
    x_hat = np.array([(row - row.mean()) / s for row, s in zip(rows, std, strict=True)])
    return x_hat.reshape(shape).transpose(back), (axes, x_hat, std)


def _transposed_backward(dy, cache):
    x_hat, std, gamma = cache
    n = x_hat.shape[1]
    d = dy * gamma
    dx = (n * d - d.sum(axis=1)[:, None] - x_hat * (d * x_hat).sum(axis=1)[:, None]) / (n * std)
    return [dx, (dy * x_hat).sum(axis=0), np.ones(len(dy), dy.dtype) @ dy]


@variant("layer_norm_forward", also={"layer_norm_backward": _transposed_backward})
def layer_norm_written_out(x, gamma, beta, eps=1e-5):
    mean = x.mean(axis=-1)[:, None]
    std = (((x - mean) ** 2).mean(axis=-1)[:, None] + eps) ** 0.5
    x_hat = (x - mean) / std
    return [x_hat * gamma + beta, (x_hat, std, gamma)]


def _sample_backward(dy, cache):
    parts = [right.layer_norm_backward(d[None], one) for d, one in zip(dy, cache, strict=True)]
    return np.concatenate([p[0] for p in parts]), sum(p[1] for p in parts), sum(p[2] for p in parts)


@variant("layer_norm_forward", also={"layer_norm_backward": _sample_backward})
def layer_norm_sample_by_sample(x, gamma, beta, eps=1e-5):
    parts = [right.layer_norm_forward(row[None], gamma, beta, eps) for row in x]
    return np.concatenate([y for y, _ in parts]), [cache for _, cache in parts]


def _planes_backward(dy, cache):
    n, c = dy.shape[:2]
    x_hat, std, gamma = cache
    d = (dy * gamma.reshape(1, c, 1, 1)).reshape(n * c, -1)
    dx = (d - d.mean(axis=1, keepdims=True) - x_hat * (d * x_hat).mean(axis=1, keepdims=True)) / std
    dgamma = (dy.reshape(n * c, -1) * x_hat).sum(axis=1).reshape(n, c).sum(axis=0)
    return dx.reshape(dy.shape), dgamma, dy.sum(axis=3).sum(axis=2).sum(axis=0)


@variant("instance_norm_forward", also={"instance_norm_backward": _planes_backward})
def instance_norm_by_planes(x, gamma, beta, eps=1e-5):
    planes = x.reshape(x.shape[0] * x.shape[1], -1)
    std = np.sqrt(planes.var(axis=1, keepdims=True) + eps)
    x_hat = (planes - planes.mean(axis=1, keepdims=True)) / std
    y = x_hat.reshape(x.shape) * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return y, (x_hat, std, gamma)


def _instance_backward(dy, cache):
    x_hat, gamma, inner = cache
    dx = right.normalize_backward(dy * gamma[:, None, None], inner)
    return dx, np.einsum("nchw,nchw->c", dy, x_hat), np.einsum("nchw->c", dy)


@variant("instance_norm_forward", also={"instance_norm_backward": _instance_backward})
def instance_norm_by_normalize(x, gamma, beta, eps=1e-5):
    x_hat, inner = right.normalize(x, (-1, -2), eps)
    return x_hat * gamma[:, None, None] + beta[:, None, None], (x_hat, gamma, inner)


def _group_loop_backward(dy, cache):
    dx, x_hat_all, gamma, parts = np.empty_like(dy), cache[0], cache[1], cache[2]
    d = dy * gamma[None, :, None, None]
    for channels, inner in parts:
        dx[:, channels] = right.normalize_backward(d[:, channels], inner)
    return dx, (dy * x_hat_all).sum((0, 2, 3)), dy.sum((0, 2, 3))


@variant("group_norm_forward", also={"group_norm_backward": _group_loop_backward})
def group_norm_group_by_group(x, gamma, beta, num_groups, eps=1e-5):
    c = x.shape[1]
    if c // num_groups * num_groups != c:
        raise ValueError("groups")
    size, x_hat, parts = c // num_groups, np.empty_like(x), []
    for g in range(num_groups):
        channels = slice(g * size, (g + 1) * size)
        x_hat[:, channels], inner = right.normalize(x[:, channels], (1, 2, 3), eps)
        parts.append((channels, inner))
    return x_hat * gamma[None, :, None, None] + beta[None, :, None, None], (x_hat, gamma, parts)


def _group_flat_backward(dy, cache):
    x_hat, std, gamma = cache
    d = (dy * gamma[:, None, None]).reshape(x_hat.shape)
    dx = (d - d.mean(-1, keepdims=True) - x_hat * (d * x_hat).mean(-1, keepdims=True)) / std
    hats = x_hat.reshape(dy.shape)
    return dx.reshape(dy.shape), np.sum(dy * hats, (0, 2, 3)), np.sum(dy, (0, 2, 3))


@variant("group_norm_forward", also={"group_norm_backward": _group_flat_backward})
def group_norm_flat(x, gamma, beta, num_groups, eps=1e-5):
    if x.shape[1] % num_groups != 0:
        raise ValueError("groups")
    flat = x.reshape(len(x), num_groups, -1)
    std = np.sqrt(flat.var(axis=-1, keepdims=True) + eps)
    x_hat = (flat - flat.mean(axis=-1, keepdims=True)) / std
    return x_hat.reshape(x.shape) * gamma[:, None, None] + beta[:, None, None], (x_hat, std, gamma)


def _inverse_backward(dy, cache):
    x, inverse, gamma = cache
    d = dy * gamma
    dinverse = (d * x).sum(axis=1, keepdims=True)
    return d * inverse - x * dinverse * inverse**3 / x.shape[1], (dy * x * inverse).sum(axis=0)


@variant("rms_norm_forward", also={"rms_norm_backward": _inverse_backward})
def rms_norm_with_inverse(x, gamma, eps=1e-5):
    inverse = 1 / np.sqrt(np.einsum("nd,nd->n", x, x)[:, None] / x.shape[1] + eps)
    return x * inverse * gamma, (x, inverse, gamma)


def _concatenated_backward(dy, cache):
    """The whole batch in one piece."""
    x_hat, std, gamma, cuts = cache
    d = np.concatenate(list(dy))
    dgamma, dbeta = (d * x_hat).sum((0, 2, 3)), d.sum((0, 2, 3))
    n = d.size // d.shape[1]
    dx = (d - (dbeta / n)[:, None, None] - x_hat * (dgamma / n)[:, None, None]) * (gamma / std)[:, None, None]
    return np.split(dx, cuts), dgamma, dbeta


@variant("sync_batch_norm_forward", also={"sync_batch_norm_backward": _concatenated_backward})
def sync_batch_norm_of_the_concatenation(shards, gamma, beta, eps=1e-5):
    x, cuts = np.concatenate(shards), np.cumsum([len(shard) for shard in shards])[:-1]
    std = np.sqrt(x.var(axis=(0, 2, 3)) + eps)
    x_hat = (x - x.mean(axis=(0, 2, 3))[:, None, None]) / std[:, None, None]
    y = x_hat * gamma[:, None, None] + beta[:, None, None]
    return tuple(np.split(y, cuts)), (x_hat, std, gamma, cuts)


@variant("sync_batch_norm_forward")
def sync_batch_norm_with_sums(shards, gamma, beta, eps=1e-5):
    """Two rounds: first the sums, then the sums of squared deviations."""
    n = sum(shard.size // shard.shape[1] for shard in shards)
    mean = sum(shard.sum(axis=(0, 2, 3)) for shard in shards) / n
    var = sum(((shard - mean[:, None, None]) ** 2).sum(axis=(0, 2, 3)) for shard in shards) / n
    std = np.sqrt(var + eps)
    x_hats = [(shard - mean[:, None, None]) / std[:, None, None] for shard in shards]
    return [gamma[:, None, None] * h + beta[:, None, None] for h in x_hats], (x_hats, std, gamma, n)


def _unit_backward(dweight, cache):
    v, g = cache
    dv, dg = np.empty_like(v), np.empty_like(g)
    for o in range(len(v)):
        norm = np.linalg.norm(v[o])
        dg[o] = np.sum(dweight[o] * v[o]) / norm
        dv[o] = g[o] / norm * dweight[o] - g[o] * dg[o] / norm**2 * v[o]
    return dv, dg


@variant("weight_norm_forward", also={"weight_norm_backward": _unit_backward})
def weight_norm_unit_by_unit(v, g):
    return np.stack([g[o] * v[o] / np.linalg.norm(v[o]) for o in range(len(v))]), (v.copy(), g.copy())


@variant("weight_norm_forward")
def weight_norm_over_axes(v, g):
    others, wide = tuple(range(1, v.ndim)), (-1, *[1] * (v.ndim - 1))
    norm = np.sqrt((v**2).sum(axis=others, keepdims=True))
    rows = (v / norm).reshape(len(v), -1)
    return v * (g.reshape(wide) / norm), (rows, norm.reshape(-1, 1), g[:, None])


def _filter_backward(dweight, cache):
    standard, std = cache
    flat, d = standard.reshape(len(standard), -1), dweight.reshape(len(standard), -1)
    d = d - d.mean(axis=1, keepdims=True) - flat * (d * flat).mean(axis=1, keepdims=True)
    return (d / std).reshape(dweight.shape)


@variant("weight_standardization_forward", also={"weight_standardization_backward": _filter_backward})
def weight_standardization_as_matrix(weight, eps=1e-5):
    rows = weight.reshape(weight.shape[0], -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    std = np.sqrt((rows**2).mean(axis=1, keepdims=True) + eps)
    standard = (rows / std).reshape(weight.shape)
    return standard, (standard, std)


def _einsum_backward(dweight_sn, cache):
    matrix, sigma, u, v = cache
    d = dweight_sn.reshape(len(matrix), -1)
    along = np.einsum("ij,ij->", d, matrix)
    return ((d - along * u[:, None] * v[None, :]) / sigma).reshape(dweight_sn.shape)


@variant("spectral_norm_forward", also={"spectral_norm_backward": _einsum_backward})
def spectral_norm_with_einsum(weight, u, n_power_iterations=1, eps=1e-12):
    matrix, u = np.reshape(weight, (weight.shape[0], -1)), u.copy()
    for _ in range(n_power_iterations):
        v = np.einsum("ij,i->j", matrix, u)
        v = v / np.maximum(np.sqrt(np.sum(v * v)), v.dtype.type(eps))
        u = np.einsum("ij,j->i", matrix, v)
        u = u / np.maximum(np.sqrt(np.sum(u * u)), u.dtype.type(eps))
    sigma = np.einsum("i,ij,j->", u, matrix, v)
    return (matrix / sigma).reshape(weight.shape), (matrix / sigma, sigma, u, v), u


@variant("conv_operator_norm")
def conv_operator_norm_with_dft_matrices(weight, height, width):
    """The transform written out."""
    rows = np.exp(-2j * np.pi * np.outer(np.arange(height), np.arange(weight.shape[2])) / height)
    columns = np.exp(-2j * np.pi * np.outer(np.arange(width), np.arange(weight.shape[3])) / width)
    spectrum = np.einsum("fh,oihw,gw->fgoi", rows, weight, columns)
    return max(np.linalg.svd(matrix, compute_uv=False)[0] for row in spectrum for matrix in row)


@variant("conv_operator_norm")
def conv_operator_norm_with_eigenvalues(weight, height, width):
    padded = np.zeros((*weight.shape[:2], height, width))
    padded[:, :, : weight.shape[2], : weight.shape[3]] = weight
    spectrum = np.fft.fft2(padded)
    gram = np.einsum("oihw,ojhw->hwij", spectrum.conj(), spectrum)
    return np.sqrt(np.linalg.eigvalsh(gram).max())


def _style_backward(dy, cache):
    content, style, eps = cache
    mc, ms = content.mean((2, 3), keepdims=True), style.mean((2, 3), keepdims=True)
    sc = np.sqrt(content.var((2, 3), keepdims=True) + eps)
    ss = np.sqrt(style.var((2, 3), keepdims=True) + eps)
    hat = (content - mc) / sc
    d = dy * ss
    dcontent = (d - d.mean((2, 3), keepdims=True) - hat * (d * hat).mean((2, 3), keepdims=True)) / sc
    pixels = style.shape[2] * style.shape[3]
    dms = dy.sum((2, 3), keepdims=True) / pixels
    dss = (dy * hat).sum((2, 3), keepdims=True) / pixels
    return dcontent, dms + dss * (style - ms) / ss


@variant("adaptive_instance_norm_forward", also={"adaptive_instance_norm_backward": _style_backward})
def adaptive_instance_norm_that_computes_twice(content, style, eps=1e-5):
    mc, ms = content.mean((2, 3), keepdims=True), style.mean((2, 3), keepdims=True)
    ratio = np.sqrt((style.var((2, 3), keepdims=True) + eps) / (content.var((2, 3), keepdims=True) + eps))
    return (content - mc) * ratio + ms, (content.copy(), style.copy(), eps)


def _joint_backward(dy, cache):
    x_hat, gamma, inner, conv_cache = cache
    dx = right.normalize_backward(dy + dy * gamma, inner)
    _, dweight, dbias = conv2d_backward(np.concatenate([dy * x_hat, dy], axis=1), conv_cache)
    c = dy.shape[1]
    return dx, dweight[:c], dbias[:c], dweight[c:], dbias[c:]


@variant("spade_forward", also={"spade_backward": _joint_backward})
def spade_with_one_convolution(x, segmap, gamma_weight, gamma_bias, beta_weight, beta_bias, eps=1e-5):
    """Both maps from one convolution of twice as many filters."""
    weight, bias = np.concatenate([gamma_weight, beta_weight]), np.concatenate([gamma_bias, beta_bias])
    maps, conv_cache = conv2d_forward(segmap, weight, bias, padding=(weight.shape[2] - 1) // 2)
    gamma, beta = np.split(maps, 2, axis=1)
    x_hat, inner = right.normalize(x, (-2, -1), eps)
    return x_hat + x_hat * gamma + beta, (x_hat, gamma, inner, conv_cache)


@variant("local_response_norm")
def local_response_norm_channel_by_channel(x, size, alpha=1e-4, beta=0.75, k=1.0):
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        window = x[:, max(0, c - size // 2) : c + (size - 1) // 2 + 1]
        y[:, c] = x[:, c] * (k + alpha * (window**2).sum(axis=1) / size) ** -beta
    return y


@variant("local_response_norm")
def local_response_norm_with_matrix(x, size, alpha=1e-4, beta=0.75, k=1.0):
    c = np.arange(x.shape[1])
    distance = c[None, :] - c[:, None]
    band = ((distance >= -(size // 2)) & (distance <= (size - 1) // 2)).astype(x.dtype)
    return x / np.power(k + alpha / size * np.einsum("cd,ndhw->nchw", band, x * x), beta)
