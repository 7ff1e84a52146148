"""Mistakes of unit 8 once more: other draws, loops where the first ones are vectorised, other algebra."""

from __future__ import annotations

import itertools
import math

import numpy as np

from tests.second_style import again


def _valid(p):
    if not 0 <= p <= 1:
        raise ValueError(p)


def _backward(dy, cache):
    return dy if cache is None else (dy * cache).astype(dy.dtype)


def _thin(x, p, training, draw):
    """x times 0 or 1/(1 - p), with `draw()` as the mask of what is kept."""
    _valid(p)
    if not training:
        return x, None
    factor = np.asarray(draw() / (1 - p) if p < 1 else np.zeros(x.shape)) * np.ones(x.shape)
    return (x * factor).astype(x.dtype), factor


# dropout


@again("dropout_p_is_keep", also={"dropout_backward": _backward})
def keep_prob(x, p, rng, training=True):
    _valid(p)
    if not training or p == 0:
        return (x, None) if not training else (0 * x, 0 * x)
    mask = rng.binomial(1, p, x.shape) / p
    return (x * mask).astype(x.dtype), mask


@again("dropout_comparison_reversed", also={"dropout_backward": _backward})
def drops_the_wrong_ones(x, p, rng, training=True):
    return _thin(x, p, training, lambda: 1.0 - (rng.random(x.shape) > p))


@again("dropout_unscaled", also={"dropout_backward": _backward})
def zeroes_only(x, p, rng, training=True):
    _valid(p)
    if not training:
        return x, None
    mask = rng.choice([0.0, 1.0], size=x.shape, p=[p, 1 - p])
    return (x * mask).astype(x.dtype), mask


@again("dropout_one_mask_for_all", also={"dropout_backward": _backward})
def mask_of_features(x, p, rng, training=True):
    return _thin(x, p, training, lambda: rng.binomial(1, 1 - p, x.shape[1:]))


@again("dropout_whole_rows", also={"dropout_backward": _backward})
def loop_over_samples(x, p, rng, training=True):
    def draw():
        mask = np.ones(x.shape)
        for n in range(len(x)):
            mask[n] = rng.uniform() > p
        return mask

    return _thin(x, p, training, draw)


@again("dropout_active_in_evaluation", also={"dropout_backward": _backward})
def always_training(x, p, rng, training=True):
    return _thin(x, p, True, lambda: rng.binomial(1, 1 - p, x.shape))


@again("dropout_exact_number", also={"dropout_backward": _backward})
def chooses_a_set(x, p, rng, training=True):
    def draw():
        mask = np.ones(x.size)
        mask[rng.choice(x.size, int(p * x.size), replace=False)] = 0
        return mask.reshape(x.shape)

    return _thin(x, p, training, draw)


@again("dropout_normal_draws", also={"dropout_backward": _backward})
def randn(x, p, rng, training=True):
    return _thin(x, p, training, lambda: (rng.normal(size=x.shape) > p) if p else np.ones(x.shape))


@again("dropout_global_state", also={"dropout_backward": _backward})
def np_random(x, p, rng, training=True):
    return _thin(x, p, training, lambda: np.random.binomial(1, 1 - p, size=x.shape))


@again("dropout_one_gives_nan", also={"dropout_backward": _backward})
def divides_by_nothing(x, p, rng, training=True):
    _valid(p)
    if not training:
        return x, None
    with np.errstate(all="ignore"):
        factor = (rng.random(x.shape) < 1 - p) / np.float64(1 - p)
        return (x * factor).astype(x.dtype), factor


@again("dropout_p_checked_in_training_only", also={"dropout_backward": _backward})
def early_return(x, p, rng, training=True):
    return _thin(x, p, True, lambda: rng.binomial(1, 1 - p, x.shape)) if training else (x.copy(), None)


@again("dropout_float64", also={"dropout_backward": _backward})
def double_mask(x, p, rng, training=True):
    _valid(p)
    if not training:
        return x, None
    factor = np.where(rng.random(x.shape) < p, 0.0, 1 / (1 - p) if p < 1 else 0.0)
    return x * factor, factor.astype(x.dtype)


@again("dropout_in_place", also={"dropout_backward": _backward})
def augmented_assignment(x, p, rng, training=True):
    _valid(p)
    if not training:
        return x, None
    factor = rng.binomial(1, 1 - p, x.shape).astype(x.dtype) / x.dtype.type(1 - p if p < 1 else 1)
    x *= factor
    return x, factor


def _remembering(x, p, rng, training=True):
    y, factor = _thin(x, p, training, lambda: rng.binomial(1, 1 - p, x.shape))
    return y, (factor, p, rng)


@again("dropout_new_mask", also={"dropout_forward": _remembering})
def draws_again(dy, cache):
    factor, p, rng = cache
    if factor is None or p in (0, 1):
        return _backward(dy, factor)
    return (dy * rng.binomial(1, 1 - p, dy.shape) / (1 - p)).astype(dy.dtype)


@again("dropout_backward_unscaled")
def zeroes_the_gradient(dy, cache):
    dx = dy.copy()
    if cache is not None:
        dx[cache == 0] = 0
    return dx


@again("dropout_backward_scaled_twice", also={"dropout_forward": _remembering})
def divides_again(dy, cache):
    factor, p, _ = cache
    if factor is None:
        return dy
    return (dy * factor / (1 - p if p < 1 else 1)).astype(dy.dtype)


# spatial_dropout2d


@again("spatial_single_pixels", also={"spatial_dropout2d_backward": _backward})
def plain_dropout(x, p, rng, training=True):
    return _thin(x, p, training, lambda: rng.binomial(1, 1 - p, x.shape))


@again("spatial_whole_samples", also={"spatial_dropout2d_backward": _backward})
def one_fate_per_sample(x, p, rng, training=True):
    return _thin(x, p, training, lambda: rng.choice([0, 1], (len(x), 1, 1, 1), p=[p, 1 - p]))


@again("spatial_whole_channels", also={"spatial_dropout2d_backward": _backward})
def one_fate_per_channel(x, p, rng, training=True):
    def draw():
        mask = np.ones(x.shape)
        for c in range(x.shape[1]):
            mask[:, c] = rng.random() >= p
        return mask

    return _thin(x, p, training, draw)


@again("spatial_active_in_evaluation", also={"spatial_dropout2d_backward": _backward})
def maps_always_dropped(x, p, rng, training=True):
    return _thin(x, p, True, lambda: rng.binomial(1, 1 - p, (*x.shape[:2], 1, 1)))


@again("spatial_backward_unscaled")
def maps_zeroed(dy, cache):
    dx = dy.copy()
    for n, c in np.ndindex(*dy.shape[:2]):
        if cache is not None and not np.any(cache[n, c]):
            dx[n, c] = 0
    return dx


# gaussian_dropout


def _noisy(x, p, training, draw):
    if not 0 <= p < 1:
        raise ValueError(p)
    noise = draw() if training else np.ones(x.shape)
    return (x * noise).astype(x.dtype), noise


@again("gaussian_variance_p", also={"gaussian_dropout_backward": _backward})
def variance_is_p(x, p, rng, training=True):
    return _noisy(x, p, training, lambda: 1 + math.sqrt(p) * rng.standard_normal(x.shape))


@again("gaussian_variance_as_deviation", also={"gaussian_dropout_backward": _backward})
def no_root(x, p, rng, training=True):
    return _noisy(x, p, training, lambda: 1 + p / (1 - p) * rng.standard_normal(x.shape))


@again("gaussian_is_a_mask", also={"gaussian_dropout_backward": _backward})
def not_gaussian(x, p, rng, training=True):
    return _noisy(x, p, training, lambda: rng.binomial(1, 1 - p, x.shape) / (1 - p))


@again("gaussian_backward_ignores_the_noise")
def straight_through(dy, cache):
    return dy.copy()


# drop_path


@again("drop_path_single_entries", also={"drop_path_backward": _backward})
def every_entry(branch, p, rng, training=True):
    return _thin(branch, p, training, lambda: rng.binomial(1, 1 - p, branch.shape))


@again("drop_path_whole_batch", also={"drop_path_backward": _backward})
def one_coin(branch, p, rng, training=True):
    return _thin(branch, p, training, lambda: np.float64(rng.random() > p))


@again("drop_path_unscaled", also={"drop_path_backward": _backward})
def survives_as_it_is(branch, p, rng, training=True):
    _valid(p)
    if not training:
        return branch, None
    mask = np.stack([np.full(one.shape, float(rng.random() > p)) for one in branch])
    return (branch * mask).astype(branch.dtype), mask


@again("drop_path_active_in_evaluation", also={"drop_path_backward": _backward})
def branch_always_dropped(branch, p, rng, training=True):
    shape = (len(branch), *[1] * (branch.ndim - 1))
    return _thin(branch, p, True, lambda: rng.binomial(1, 1 - p, shape))


# drop_block2d


def _square_by_square(x, p, k, rng, training, *, gamma, inside=True, seeds_of=None, scaled=True):
    _valid(p)
    if not training:
        return x, None
    n, c, height, width = x.shape
    edge = k // 2 if inside else 0
    centres = rng.random((n, c, height - 2 * edge, width - 2 * edge)) < gamma
    if seeds_of is not None:
        centres = centres[seeds_of(n, c)]
    kept = np.ones(x.shape)
    for i, j, a, b in np.argwhere(centres):
        a, b = a + edge, b + edge
        kept[i, j, max(a - k // 2, 0) : a + k // 2 + 1, max(b - k // 2, 0) : b + k // 2 + 1] = 0
    if scaled:
        kept *= kept.size / max(kept.sum(), 1)
    return (x * kept).astype(x.dtype), kept


def _gamma(x, p, k):
    height, width = x.shape[2:]
    return p * height * width / (k * k * (height - k + 1) * (width - k + 1))


@again("drop_block_cut_at_the_border", also={"drop_block2d_backward": _backward})
def centres_everywhere(x, p, block_size, rng, training=True):
    return _square_by_square(x, p, block_size, rng, training, gamma=_gamma(x, p, block_size), inside=False)


@again("drop_block_seeds_at_rate_p", also={"drop_block2d_backward": _backward})
def centres_with_probability_p(x, p, block_size, rng, training=True):
    return _square_by_square(x, p, block_size, rng, training, gamma=p)


@again("drop_block_rate_without_the_region", also={"drop_block2d_backward": _backward})
def centres_by_area(x, p, block_size, rng, training=True):
    return _square_by_square(x, p, block_size, rng, training, gamma=p / block_size / block_size)


@again("drop_block_unscaled", also={"drop_block2d_backward": _backward})
def squares_without_scale(x, p, block_size, rng, training=True):
    return _square_by_square(x, p, block_size, rng, training, gamma=_gamma(x, p, block_size), scaled=False)


@again("drop_block_same_in_all_channels", also={"drop_block2d_backward": _backward})
def squares_of_the_first_channel(x, p, block_size, rng, training=True):
    def first(n, c):
        return np.ix_(range(n), [0] * c)

    return _square_by_square(x, p, block_size, rng, training, gamma=_gamma(x, p, block_size), seeds_of=first)


# ensemble_predict


def _softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def _log_softmax(z):
    return z - z.max() - np.log(np.sum(np.exp(z - z.max())))


def _mask_by_mask(h, weight, bias, p, mean, chance_of, logits_of=None, finish=True):
    _valid(p)
    total = 0 * bias
    for mask in itertools.product((1, 0), repeat=len(h)):
        z = logits_of(mask) if logits_of else weight @ (h * np.array(mask, h.dtype)) + bias
        total = total + h.dtype.type(chance_of(mask)) * (_softmax(z) if mean == "arithmetic" else _log_softmax(z))
    if mean == "arithmetic":
        return total
    return _softmax(total) if finish else np.exp(total)


def _chance(mask, p):
    return math.prod(1 - p if bit else p for bit in mask)


@again("ensemble_masks_count_alike")
def plain_average(h, weight, bias, p, mean="geometric"):
    return _mask_by_mask(h, weight, bias, p, mean, lambda mask: 0.5 ** len(mask))


@again("ensemble_p_is_keep")
def chance_of_the_opposite(h, weight, bias, p, mean="geometric"):
    return _mask_by_mask(h, weight, bias, p, mean, lambda mask: _chance(mask, 1 - p))


@again("ensemble_not_renormalised")
def product_of_powers(h, weight, bias, p, mean="geometric"):
    return _mask_by_mask(h, weight, bias, p, mean, lambda mask: _chance(mask, p), finish=False)


@again("ensemble_always_geometric")
def averages_the_logits(h, weight, bias, p, mean="geometric"):
    _valid(p)
    return _softmax((1 - p) * (weight @ h) + bias)


@again("ensemble_always_arithmetic")
def averages_the_probabilities(h, weight, bias, p, mean="geometric"):
    return _mask_by_mask(h, weight, bias, p, "arithmetic", lambda mask: _chance(mask, p))


@again("ensemble_inverted_masks")
def scaled_masks(h, weight, bias, p, mean="geometric"):
    scale = h.dtype.type(1 if p == 1 else 1 / (1 - p))

    def logits(mask):
        return (weight * np.array(mask, h.dtype) * scale) @ h + bias

    return _mask_by_mask(h, weight, bias, p, mean, lambda mask: _chance(mask, p), logits)


@again("ensemble_without_bias")
def bias_forgotten(h, weight, bias, p, mean="geometric"):
    return _mask_by_mask(h, weight, 0 * bias, p, mean, lambda mask: _chance(mask, p))


# weight_scaling_predict


@again("weight_scaling_by_p")
def units_times_p(h, weight, bias, p):
    _valid(p)
    return _softmax(weight @ (h * h.dtype.type(p)) + bias)


@again("weight_scaling_without_scale")
def full_network(h, weight, bias, p):
    _valid(p)
    return _softmax(np.sum(weight * h, axis=1) + bias)


@again("weight_scaling_bias_too")
def everything_scaled(h, weight, bias, p):
    _valid(p)
    keep = h.dtype.type(1 - p)
    return _softmax(weight @ (keep * h) + keep * bias)


# mc_dropout


def _entropies(q):
    terms = np.zeros_like(q)
    terms[q > 0] = -q[q > 0] * np.log(q[q > 0])
    return terms.sum(axis=-1)


@again("mc_dropout_over_samples")
def mean_of_axis_one(probabilities):
    mean = np.mean(probabilities, axis=1)
    return mean, _entropies(mean), _entropies(mean) - _entropies(probabilities).mean(axis=1)


@again("mc_dropout_entropies_exchanged")
def mean_of_entropies(probabilities):
    mean, within = np.mean(probabilities, axis=0), _entropies(probabilities).mean(axis=0)
    return mean, within, _entropies(mean) - within


@again("mc_dropout_information_negated")
def within_less_total(probabilities):
    mean = np.mean(probabilities, axis=0)
    return mean, _entropies(mean), _entropies(probabilities).mean(axis=0) - _entropies(mean)


@again("mc_dropout_in_bits")
def log2(probabilities):
    def entropy(q):
        return -(q * np.log2(np.where(q > 0, q, 1))).sum(axis=-1)

    mean = np.mean(probabilities, axis=0)
    return mean, entropy(mean), entropy(mean) - np.mean(entropy(probabilities), axis=0)


@again("mc_dropout_nan_at_zero")
def q_log_q(probabilities):
    mean = probabilities.sum(axis=0) / probabilities.dtype.type(len(probabilities))
    entropy = -np.einsum("nc,nc->n", mean, np.log(mean))
    return mean, entropy, entropy + (probabilities * np.log(probabilities)).sum(axis=2).mean(axis=0)


# dropout_ridge


def _normal_equations(x, y, p, penalty):
    if p < 0 or p >= 1:
        raise ValueError(p)
    gram = np.einsum("nd,ne->de", x, x)
    return (np.linalg.inv(gram + penalty(gram)) @ np.einsum("nd,n->d", x, y)).astype(x.dtype)


@again("ridge_penalty_p")
def p_times_the_diagonal(x, y, p):
    return _normal_equations(x, y, p, lambda gram: p * gram * np.eye(len(gram)))


@again("ridge_equal_penalties")
def tikhonov(x, y, p):
    return _normal_equations(x, y, p, lambda gram: np.eye(len(gram)) * (p / (1 - p)))


@again("ridge_not_inverted")
def plain_masks(x, y, p):
    if p < 0 or p >= 1:
        raise ValueError(p)
    keep = 1 - p
    gram = x.T @ x
    second = keep**2 * gram + keep * p * np.diag(np.diag(gram))
    return np.linalg.solve(second, keep * (x.T @ y)).astype(x.dtype)


@again("ridge_without_penalty")
def least_squares(x, y, p):
    return _normal_equations(x, y, p, lambda gram: 0)
