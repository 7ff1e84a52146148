"""Right answers of unit 8 in other styles: every right way to draw, other caches, loops, other algebra."""

from __future__ import annotations

import itertools
import math

import numpy as np

from autograder.variants import variant


def _probability(p):
    if p < 0 or p > 1:
        raise ValueError("p is a probability")


# dropout


def _dropout_backward_by_index(dy, cache):
    dx = np.zeros_like(dy)
    dx[cache["kept"]] = dy[cache["kept"]] * cache["scale"]
    return dx


@variant("dropout_forward", also={"dropout_backward": _dropout_backward_by_index})
def dropout_kept_below(x, p, rng, training=True):
    _probability(p)
    keep = 1 - p
    if not training:
        return x.copy(), {"kept": np.ones(x.shape, bool), "scale": x.dtype.type(1)}
    kept = rng.random(x.shape) < keep
    scale = x.dtype.type(1 / keep if keep else 0)
    y = np.zeros_like(x)
    y[kept] = x[kept] * scale
    return y, {"kept": kept, "scale": scale}


def _dropout_backward_by_p(dy, cache):
    mask, p, training = cache
    if not training:
        return dy
    return dy * mask / dy.dtype.type(1 - p) if p < 1 else dy * 0


@variant("dropout_forward", also={"dropout_backward": _dropout_backward_by_p})
def dropout_binomial(x, p, rng, training=True):
    _probability(p)
    mask = rng.binomial(1, 1 - p, size=x.shape).astype(x.dtype)
    if not training:
        return x, (None, p, False)
    return (x * mask / x.dtype.type(1 - p) if p < 1 else np.zeros_like(x)), (mask, p, True)


@variant("dropout_forward", also={"dropout_backward": _dropout_backward_by_p})
def dropout_choice(x, p, rng, training=True):
    if not 0.0 <= p <= 1.0:
        raise ValueError(p)
    if not training:
        return x, (None, p, False)
    mask = rng.choice([False, True], size=x.shape, p=[p, 1 - p])
    y = np.where(mask, x / x.dtype.type(1 - p), 0) if p < 1 else np.zeros(x.shape, x.dtype)
    return y.astype(x.dtype), (mask, p, True)


@variant("dropout_forward", also={"dropout_backward": _dropout_backward_by_p})
def dropout_entry_by_entry(x, p, rng, training=True):
    _probability(p)
    if not training:
        return x, (None, p, False)
    mask = np.empty(x.shape, dtype=x.dtype)
    for index in np.ndindex(*x.shape):
        mask[index] = 0 if rng.uniform() < p else 1
    return (x * mask / x.dtype.type(1 - p) if p < 1 else 0 * x), (mask, p, True)


@variant("dropout_forward", also={"dropout_backward": _dropout_backward_by_p})
def dropout_single_precision_draws(x, p, rng, training=True):
    _probability(p)
    if not training:
        return x, (None, p, False)
    mask = (rng.random(x.shape, dtype=np.float32) > p).astype(x.dtype)
    return (x * mask / x.dtype.type(1 - p) if p < 1 else x * 0), (mask, p, True)


# spatial_dropout2d


def _maps_backward(dy, cache):
    return dy if cache is None else dy * cache


@variant("spatial_dropout2d_forward", also={"spatial_dropout2d_backward": _maps_backward})
def spatial_map_by_map(x, p, rng, training=True):
    _probability(p)
    if not training:
        return x, None
    factor = np.zeros_like(x)
    for n, c in np.ndindex(*x.shape[:2]):
        if p < 1 and rng.random() >= p:
            factor[n, c] = 1 / (1 - p)
    return x * factor, factor


@variant("spatial_dropout2d_forward", also={"spatial_dropout2d_backward": _maps_backward})
def spatial_binomial(x, p, rng, training=True):
    _probability(p)
    if not training:
        return x, None
    kept = rng.binomial(1, 1 - p, x.shape[:2])
    factor = np.repeat(kept, x.shape[2] * x.shape[3]).reshape(x.shape) / max(1 - p, 1e-12)
    return (x * factor).astype(x.dtype), factor.astype(x.dtype)


# gaussian_dropout


def _gaussian_backward(dy, cache):
    return dy + dy * cache


@variant("gaussian_dropout_forward", also={"gaussian_dropout_backward": _gaussian_backward})
def gaussian_from_standard_normal(x, p, rng, training=True):
    if p < 0 or p >= 1:
        raise ValueError(p)
    deviation = math.sqrt(p / (1 - p)) if training else 0.0
    noise = (deviation * rng.standard_normal(x.shape)).astype(x.dtype)
    return x + x * noise, noise


# drop_path


def _path_backward(dy, cache):
    return np.stack([gradient * factor for gradient, factor in zip(dy, cache, strict=True)])


@variant("drop_path_forward", also={"drop_path_backward": _path_backward})
def drop_path_sample_by_sample(branch, p, rng, training=True):
    _probability(p)
    factors = [branch.dtype.type(1)] * len(branch)
    if training:
        factors = [branch.dtype.type(1 / (1 - p) if rng.random() > p and p < 1 else 0) for _ in branch]
    return _path_backward(branch, factors), factors


# drop_block2d


def _block_backward(dy, cache):
    return dy * cache[0] * cache[1]


@variant("drop_block2d_forward", also={"drop_block2d_backward": _block_backward})
def drop_block_seed_by_seed(x, p, block_size, rng, training=True):
    _probability(p)
    one = x.dtype.type(1)
    if not training:
        return x, (one, one)
    n, c, height, width = x.shape
    rows, columns = height - block_size + 1, width - block_size + 1
    gamma = min(1.0, p * height * width / block_size**2 / (rows * columns))
    kept = np.ones_like(x)
    for i, j, a, b in np.argwhere(rng.binomial(1, gamma, (n, c, rows, columns))):
        kept[i, j, a : a + block_size, b : b + block_size] = 0
    scale = x.dtype.type(kept.size / (1e-6 + float(kept.sum(dtype=np.float64))))
    return x * kept * scale, (kept, scale)


# ensemble_predict


def _normalised(logits):
    logits = logits - max(logits)
    return np.exp(logits) / np.exp(logits).sum()


@variant("ensemble_predict")
def ensemble_by_recursion(h, weight, bias, p, mean="geometric"):
    """Unit after unit is dropped or kept, and the chance multiplied along the way."""
    _probability(p)
    one = h.dtype.type(1)

    def leaves(unit, logits, chance):
        if unit == len(h):
            yield logits, chance
            return
        yield from leaves(unit + 1, logits, chance * h.dtype.type(p))
        yield from leaves(unit + 1, logits + weight[:, unit] * h[unit], chance * h.dtype.type(1 - p))

    total = np.zeros_like(bias)
    for logits, chance in leaves(0, bias, one):
        if mean == "arithmetic":
            total = total + chance * _normalised(logits)
        else:
            top = logits.max()
            total = total + chance * (logits - top - np.log(np.exp(logits - top).sum()))
    return total if mean == "arithmetic" else _normalised(total)


@variant("ensemble_predict")
def ensemble_by_bits(h, weight, bias, p, mean="geometric"):
    """Masks are the bits of a number; constants per mask cancel in the geometric mean, so logits are averaged."""
    _probability(p)
    logits, chances = [], []
    for number in range(2 ** len(h)):
        mask = np.array([number >> i & 1 for i in range(len(h))])
        logits.append(weight @ (mask * h).astype(h.dtype) + bias)
        chances.append(math.prod(1 - p if bit else p for bit in mask))
    if mean == "arithmetic":
        logits = [_normalised(one) for one in logits]
    mixed = sum(chance * one for chance, one in zip(chances, logits, strict=True)).astype(h.dtype)
    return mixed if mean == "arithmetic" else _normalised(mixed)


# weight_scaling_predict


@variant("weight_scaling_predict")
def weight_scaling_of_the_units(h, weight, bias, p):
    _probability(p)
    return _normalised(np.sum(weight * (h * h.dtype.type(1 - p)), axis=1) + bias)


# mc_dropout


@variant("mc_dropout")
def mc_dropout_with_loops(probabilities):
    passes, samples, classes = probabilities.shape
    dtype = probabilities.dtype

    def entropy(row):
        return -math.fsum(float(q) * math.log(q) for q in row if q > 0)

    mean = np.zeros((samples, classes))
    for one in probabilities:
        mean += one / passes
    total = [entropy(row) for row in mean]
    within = [sum(entropy(probabilities[t, n]) for t in range(passes)) / passes for n in range(samples)]
    information = [a - b for a, b in zip(total, within, strict=True)]
    return [mean.astype(dtype), np.array(total, dtype), np.array(information, dtype)]


@variant("mc_dropout")
def mc_dropout_as_divergence(probabilities):
    """The mutual information as the mean divergence of the passes from their mean."""
    mean = np.mean(probabilities, axis=0)
    log_mean = np.log(np.maximum(mean, np.finfo(mean.dtype).tiny))
    log_passes = np.log(np.maximum(probabilities, np.finfo(mean.dtype).tiny))
    entropy = np.einsum("nc,nc->n", mean, -log_mean)
    information = np.einsum("tnc,tnc->n", probabilities, log_passes - log_mean) / len(probabilities)
    return mean, entropy, information.astype(mean.dtype)


# dropout_ridge


@variant("dropout_ridge")
def ridge_as_more_rows(x, y, p):
    """The penalty as rows of their own, then least squares."""
    if not 0 <= p < 1:
        raise ValueError(p)
    penalty = np.diag(np.sqrt(p / (1 - p) * (x**2).sum(axis=0)))
    rows = np.vstack([x, penalty.astype(x.dtype)])
    return np.linalg.lstsq(rows, np.concatenate([y, np.zeros(x.shape[1], y.dtype)]), rcond=None)[0]


@variant("dropout_ridge")
def ridge_over_all_masks(x, y, p):
    """The expected squared error, summed over the masks of a row, which are independent of each other's."""
    if p < 0 or p >= 1:
        raise ValueError(p)
    d = x.shape[1]
    gram = np.zeros((d, d))
    for mask in itertools.product((0, 1), repeat=d):
        chance = math.prod(1 - p if kept else p for kept in mask)
        thinned = x * np.array(mask) / (1 - p)
        gram += chance * thinned.T @ thinned
    return (np.linalg.inv(gram) @ (x.T @ y)).astype(x.dtype)
