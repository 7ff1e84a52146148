"""Mistakes of unit 9 once more: loops where the first ones are vectorised, other algebra where they are short."""

from __future__ import annotations

import numpy as np
import torch

from solutions import architectures as right
from solutions.conv_layer import conv2d_backward, conv2d_forward
from tests.second_style import again

# residual_block


def _block_pieces(x, params):
    z1, one = conv2d_forward(x, params["w1"], params["b1"], padding=1)
    z2, two = conv2d_forward(z1 * (z1 > 0), params["w2"], params["b2"], padding=1)
    around, projection = conv2d_forward(x, params["ws"]) if "ws" in params else (x, None)
    return z1, z2, around, (one, two, projection, z1 > 0)


def _block_back(dbranch, daround, cache):
    one, two, projection, on = cache
    dh, dw2, db2 = conv2d_backward(dbranch, two)
    dx, dw1, db1 = conv2d_backward(dh * on, one)
    dparams = {"w1": dw1, "b1": db1, "w2": dw2, "b2": db2}
    if projection is not None:
        daround, dparams["ws"], _ = conv2d_backward(daround, projection)
    return dx, daround, dparams


def _masked_forward(x, params):
    _, z2, around, cache = _block_pieces(x, params)
    total = z2 + around
    return np.where(total > 0, total, 0), (*cache, total > 0)


def _only_branch(dy, cache):
    dx, _, dparams = _block_back(dy * cache[4], dy * cache[4], cache[:4])
    return dx, dparams


@again("residual_gradient_lost_on_shortcut", also={"residual_block_forward": _masked_forward})
def residual_forgets_x(dy, cache):
    return _only_branch(dy, cache)


@again("residual_gradient_lost_on_branch", also={"residual_block_forward": _masked_forward})
def residual_forgets_convolutions(dy, cache):
    _, daround, dparams = _block_back(dy * cache[4], dy * cache[4], cache[:4])
    return daround, dparams


@again("residual_shortcut_before_relu", also={"residual_block_forward": _masked_forward})
def residual_unstopped_way_around(dy, cache):
    dx, daround, dparams = _block_back(dy * cache[4], dy, cache[:4])
    return dx + daround, dparams


@again("residual_last_relu_skipped", also={"residual_block_forward": _masked_forward})
def residual_linear_end(dy, cache):
    dx, daround, dparams = _block_back(dy, dy, cache[:4])
    return dx + daround, dparams


@again("residual_no_last_relu")
def residual_sum_as_it_is(x, params):
    _, z2, around, _ = _block_pieces(x, params)
    relu = np.ones(z2.shape, bool)
    return around + z2, (*_reference_cache(x, params)[:3], relu)


def _reference_cache(x, params):
    return right.residual_block_forward(x, params)[1]


@again("residual_relu_before_the_sum", also={"residual_block_backward": lambda dy, cache: _early(dy, cache)})
def residual_positive_branch(x, params):
    _, z2, around, cache = _block_pieces(x, params)
    return z2.clip(min=0) + around, (*cache, z2 > 0)


def _early(dy, cache):
    dx, daround, dparams = _block_back(dy * cache[4], dy, cache[:4])
    return dx + daround, dparams


# augmentation


@again("flip_upside_down")
def flip_rows(x):
    return np.flip(x, axis=2)


@again("flip_reverses_samples")
def flip_batch(x):
    return np.array(list(reversed(x)))


@again("flip_turns")
def flip_twice(x):
    return np.rot90(x, 2, axes=(2, 3))


@again("affine_one_map_for_all")
def affine_first_theta(x, theta):
    return np.concatenate([right.affine_sample(image[None], theta[:1]) for image in x])


@again("affine_ignores_the_shift")
def affine_linear_part(x, theta):
    linear = theta.copy()
    linear[:, :, 2] = 0
    return right.affine_sample(x, linear)


@again("affine_inverse_map")
def affine_pushes(x, theta):
    square = np.concatenate([theta.astype(float), np.tile([[[0.0, 0.0, 1.0]]], (len(x), 1, 1))], axis=1)
    return right.affine_sample(x, np.linalg.inv(square)[:, :2].astype(x.dtype))


# looking_inside


@again("cam_with_relu")
def cam_positive_part(features, class_weights):
    found = sum(w * f for w, f in zip(class_weights, features, strict=True))
    return found * (found > 0)


@again("cam_averages_channels")
def cam_mean(features, class_weights):
    return np.mean(features * class_weights[:, None, None], axis=0)


@again("cam_absolute_weights")
def cam_sizes(features, class_weights):
    return sum(abs(w) * f for w, f in zip(class_weights, features, strict=True))


@again("cam_scaled_to_one")
def cam_normalised(features, class_weights):
    found = np.einsum("chw,c->hw", features, class_weights)
    found = found - np.min(found)
    return found / np.max(found)


def _places(x, size, stride):
    for top in range(0, x.shape[1] - size + 1, stride):
        for left in range(0, x.shape[2] - size + 1, stride):
            yield slice(top, top + size), slice(left, left + size)


def _as_map(values, x, size, stride):
    return np.array(values, x.dtype).reshape((x.shape[1] - size) // stride + 1, -1)


def _mask(x, rows, columns):
    mask = np.ones(x.shape[1:], x.dtype)
    mask[rows, columns] = 0
    return mask


@again("occlusion_sign")
def occlusion_rises(f, x, size, stride):
    return _as_map([f(x * _mask(x, *place)) - f(x) for place in _places(x, size, stride)], x, size, stride)


@again("occlusion_score_itself")
def occlusion_scores(f, x, size, stride):
    return _as_map([f(x * _mask(x, *place)) for place in _places(x, size, stride)], x, size, stride)


@again("occlusion_first_channel")
def occlusion_channel_zero(f, x, size, stride):
    def hide(place):
        hidden = np.array(x)
        hidden[0][place] = 0
        return hidden

    return _as_map([f(x) - f(hide(place)) for place in _places(x, size, stride)], x, size, stride)


@again("occlusion_with_mean")
def occlusion_grey(f, x, size, stride):
    def hide(place):
        mask = _mask(x, *place)
        return x * mask + np.mean(x) * (1 - mask)

    return _as_map([f(x) - f(hide(place)) for place in _places(x, size, stride)], x, size, stride)


@again("occlusion_accumulates")
def occlusion_never_uncovers(f, x, size, stride):
    mask, values = np.ones(x.shape[1:], x.dtype), []
    for place in _places(x, size, stride):
        mask[place] = 0
        values.append(f(x) - f(x * mask))
    return _as_map(values, x, size, stride)


@again("cka_not_centred")
def cka_of_raw_features(a, b):
    k, m = a @ a.T, b @ b.T
    return float(np.sum(k * m) / np.sqrt(np.sum(k * k) * np.sum(m * m)))


@again("cka_centred_by_examples")
def cka_rows_centred(a, b):
    return cka_of_raw_features((a.T - a.mean(1)).T, (b.T - b.mean(1)).T)


@again("cka_centred_by_one_mean")
def cka_grand_mean(a, b):
    return cka_of_raw_features(a - np.mean(a), b - np.mean(b))


@again("cka_rooted")
def cka_cosine_root(a, b):
    return cka_of_raw_features(a - a.mean(0), b - b.mean(0)) ** 0.5


@again("cka_norms_of_features")
def cka_by_traces(a, b):
    a, b = a - a.mean(0), b - b.mean(0)
    k, m = a @ a.T, b @ b.T
    return float(np.trace(k @ m) / np.trace(k) / np.trace(m))


@again("cka_standardizes")
def cka_of_z_scores(a, b):
    z = [(c - c.mean(0)) / np.sqrt(np.mean((c - c.mean(0)) ** 2, axis=0)) for c in (a, b)]
    return cka_of_raw_features(*z)


# linear_probe


def _fit(features, outputs, strength):
    """Ridge without a bias, by further examples."""
    p = features.shape[1]
    rows = np.vstack([features, np.sqrt(strength) * np.eye(p)])
    found = np.linalg.lstsq(rows, np.vstack([outputs, np.zeros((p, outputs.shape[1]))]), rcond=None)[0]
    return found.T.astype(features.dtype)


def _codes(targets, n_classes):
    return np.array([[float(t == c) for c in range(n_classes)] for t in targets])


def _probe(features, outputs, strength):
    mean, share = features.mean(axis=0), outputs.mean(axis=0)
    weight = _fit(features - mean, outputs - share, strength)
    return weight, (share - weight @ mean).astype(features.dtype)


@again("probe_penalises_bias")
def probe_all_in_one(features, targets, n_classes, strength):
    both = _fit(np.column_stack([features, np.ones_like(features[:, 0])]), _codes(targets, n_classes), strength)
    return np.ascontiguousarray(both[:, :-1]), np.ascontiguousarray(both[:, -1])


@again("probe_without_bias")
def probe_through_the_origin(features, targets, n_classes, strength):
    weight = _fit(features, _codes(targets, n_classes), strength)
    return weight, np.zeros_like(weight[:, 0])


@again("probe_penalty_times_n")
def probe_of_mean_errors(features, targets, n_classes, strength):
    return _probe(features, _codes(targets, n_classes), strength * features.shape[0])


@again("probe_penalty_halved")
def probe_half_strength(features, targets, n_classes, strength):
    return _probe(features, _codes(targets, n_classes), 0.5 * strength)


@again("probe_plus_minus_one")
def probe_signs(features, targets, n_classes, strength):
    return _probe(features, 2 * _codes(targets, n_classes) - 1, strength)


@again("probe_bias_ignores_weight")
def probe_bias_of_shares(features, targets, n_classes, strength):
    codes = _codes(targets, n_classes)
    return _probe(features, codes, strength)[0], codes.mean(axis=0).astype(features.dtype)


@again("probe_counts_classes")
def probe_seen_classes(features, targets, n_classes, strength):
    return _probe(features, _codes(targets, max(targets) + 1), strength)


@again("probe_weight_transposed")
def probe_columns(features, targets, n_classes, strength):
    weight, bias = _probe(features, _codes(targets, n_classes), strength)
    return np.ascontiguousarray(weight.transpose()), bias


# audit


def _resampled(a, b, rng, draws):
    """Differences, with positions drawn for b first."""
    from_b = b[rng.integers(0, len(b), (draws, len(b)))].mean(1)
    return a[rng.integers(0, len(a), (draws, len(a)))].mean(1) - from_b


def _ends(differences, level):
    return tuple(float(q) for q in np.percentile(differences, [50 * (1 - level), 50 * (1 + level)], method="nearest"))


@again("effect_of_b_over_a")
def effect_the_other_way(a, b, rng, level=0.95, draws=2000):
    return b.mean() - a.mean(), *_ends(-_resampled(a, b, rng, draws), level)


@again("effect_is_resampled")
def effect_of_the_middle(a, b, rng, level=0.95, draws=2000):
    differences = _resampled(a, b, rng, draws)
    return np.median(differences), *_ends(differences, level)


@again("interval_one_tail")
def interval_twice_as_open(a, b, rng, level=0.95, draws=2000):
    differences = np.sort(_resampled(a, b, rng, draws))
    return a.mean() - b.mean(), differences[int((1 - level) * draws)], differences[int(level * draws) - 1]


@again("interval_ignores_level")
def interval_of_habit(a, b, rng, level=0.95, draws=2000):
    return a.mean() - b.mean(), *_ends(_resampled(a, b, rng, draws), 0.95)


@again("interval_of_single_runs")
def interval_of_pairs_of_runs(a, b, rng, level=0.95, draws=2000):
    differences = a[rng.integers(0, len(a), draws)] - b[rng.integers(0, len(b), draws)]
    return a.mean() - b.mean(), *_ends(differences, level)


@again("interval_paired")
def interval_same_picks(a, b, rng, level=0.95, draws=2000):
    effect = a.mean() - b.mean()
    if len(a) != len(b):
        return effect, *_ends(_resampled(a, b, rng, draws), level)
    return effect, *_ends([np.mean(rng.choice(a - b, len(a))) for _ in range(draws)], level)


@again("interval_of_a_alone")
def interval_b_fixed(a, b, rng, level=0.95, draws=2000):
    differences = [np.mean(rng.choice(a, len(a))) - np.mean(b) for _ in range(draws)]
    return a.mean() - b.mean(), *_ends(differences, level)


@again("interval_around_zero")
def interval_of_deviations(a, b, rng, level=0.95, draws=2000):
    effect = a.mean() - b.mean()
    return effect, *_ends(_resampled(a, b, rng, draws) - effect, level)


@again("interval_of_the_null")
def interval_of_a_shuffled_world(a, b, rng, level=0.95, draws=2000):
    both = np.append(a, b)
    first = both[rng.integers(0, len(both), (draws, len(a)))].mean(1)
    return a.mean() - b.mean(), *_ends(first - both[rng.integers(0, len(both), (draws, len(b)))].mean(1), level)


@again("interval_without_replacement")
def interval_of_permutations(a, b, rng, level=0.95, draws=2000):
    differences = [rng.permutation(a).mean() - rng.permutation(b).mean() for _ in range(draws)]
    return a.mean() - b.mean(), *np.round(_ends(differences, level), 9)


@again("interval_ends_exchanged")
def interval_high_low(a, b, rng, level=0.95, draws=2000):
    low, high = _ends(_resampled(a, b, rng, draws), level)
    return a.mean() - b.mean(), high, low


@again("interval_ignores_draws")
def interval_of_a_thousand(a, b, rng, level=0.95, draws=2000):
    return a.mean() - b.mean(), *_ends(_resampled(a, b, rng, 1000), level)


@again("interval_own_generator")
def interval_seeded(a, b, rng, level=0.95, draws=2000):
    return a.mean() - b.mean(), *_ends(_resampled(a, b, np.random.default_rng(42), draws), level)


# in_pytorch


@again("module_normalises_last")
class ReluInTheMiddle(torch.nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, padding):
        super().__init__()
        conv = torch.nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding, bias=False)
        self.all = torch.nn.Sequential(conv, torch.nn.ReLU(), torch.nn.BatchNorm2d(out_channels))

    def forward(self, x):
        return self.all(x)


@again("module_keeps_bias")
class BiasedSequence(torch.nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, padding):
        super().__init__()
        conv = torch.nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding)
        self.all = torch.nn.Sequential(conv, torch.nn.BatchNorm2d(out_channels), torch.nn.ReLU())

    def forward(self, x):
        return self.all(x)


@again("module_momentum_exchanged")
class ForgetfulSequence(torch.nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, padding):
        super().__init__()
        conv = torch.nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding, bias=False)
        self.all = torch.nn.Sequential(conv, torch.nn.BatchNorm2d(out_channels, momentum=0.9), torch.nn.ReLU())

    def forward(self, x):
        return self.all(x)


@again("function_unbiased")
class BesselFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, gamma, beta, eps):
        n = x.shape[0]
        centred = x - x.mean(0, keepdim=True)
        inverse = (centred.pow(2).sum(0) / (n - 1) + eps).rsqrt()
        ctx.save_for_backward(centred * inverse, inverse, gamma)
        return centred * inverse * gamma + beta

    @staticmethod
    def backward(ctx, dy):
        x_hat, inverse, gamma = ctx.saved_tensors
        g = dy * gamma
        dx = inverse * (g - g.mean(0) - x_hat * (g * x_hat).mean(0))
        return dx, (dy * x_hat).sum(0), dy.sum(0), None
