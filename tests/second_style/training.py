"""Mistakes of unit 4 once more: loops where the first ones are vectorised, other algebra where they are short."""

from __future__ import annotations

import math

import numpy as np

from tests.second_style import again


def _columns(x_train, x, transform):
    """Each column of x by what `transform(training column, column)` says."""
    pairs = zip(x_train.T, x.T, strict=True)
    return np.stack([transform(train, new) for train, new in pairs], axis=1).astype(x.dtype)


@again("min_max_scale_uses_mean")
def scale_around_mean(x_train, x):
    def column(train, new):
        width = max(train) - min(train)
        return (new - sum(train) / len(train)) / width if width else 0 * new

    return _columns(x_train, x, column)


@again("min_max_scale_by_new_data")
def scale_test_by_test(x_train, x):
    def column(train, new):
        width = max(new) - min(new)
        return (new - min(new)) / width if width else 0 * new

    return _columns(x_train, x, column)


@again("min_max_scale_constant_nan")
def scale_unsafe(x_train, x):
    return _columns(x_train, x, lambda train, new: (new - min(train)) / (max(train) - min(train)))


@again("standardize_by_new_data")
def z_scores_of_x(x_train, x):
    def column(train, new):
        mean = sum(new) / len(new)
        deviation = np.sqrt(sum((new - mean) ** 2) / len(new))
        return (new - mean) / deviation if max(new) > min(new) else 0 * new

    return _columns(x_train, x, column)


@again("standardize_unbiased")
def z_scores_bessel(x_train, x):
    def column(train, new):
        if max(train) == min(train):
            return 0 * new
        return (new - np.mean(train)) / np.std(train, ddof=1)

    return _columns(x_train, x, column)


@again("standardize_by_variance")
def z_scores_without_root(x_train, x):
    def column(train, new):
        if max(train) == min(train):
            return 0 * new
        return (new - np.mean(train)) / np.mean((train - np.mean(train)) ** 2)

    return _columns(x_train, x, column)


@again("zca_whiten_is_pca")
def whiten_by_svd_of_covariance(x_train, x, eps=1e-5):
    """eigh's order and signs of the eigenvectors, by which alone PCA's result is determined."""
    values, vectors = np.linalg.eigh(np.cov(x_train.T, bias=True).astype(x.dtype))
    rows = [(row - x_train.mean(0)) @ vectors / np.sqrt(values + eps) for row in x]
    return np.array(rows, dtype=x.dtype)


@again("zca_whiten_unbiased")
def whiten_with_bessel(x_train, x, eps=1e-5):
    values, u = np.linalg.eigh(np.cov(x_train.T))
    w = sum(np.outer(u[:, i], u[:, i]) / np.sqrt(values[i] + eps) for i in range(len(values)))
    return ((x - x_train.mean(0)) @ w).astype(x.dtype)


@again("zca_whiten_no_root")
def whiten_by_inverse(x_train, x, eps=1e-5):
    covariance = np.cov(x_train.T, bias=True)
    return ((x - x_train.mean(0)) @ np.linalg.inv(covariance + eps * np.eye(len(covariance)))).astype(x.dtype)


@again("linear_backward_dweight_mean")
def dweight_as_mean(dy, cache):
    x, weight, biased = cache
    dweight = np.mean([np.outer(g, row) for g, row in zip(dy, x, strict=True)], axis=0)
    return np.dot(dy, weight), dweight.astype(x.dtype), sum(dy) if biased else None


@again("linear_backward_dbias_mean")
def dbias_as_mean(dy, cache):
    x, weight, biased = cache
    dweight = sum(np.outer(g, row) for g, row in zip(dy, x, strict=True))
    return np.dot(dy, weight), dweight, np.mean(dy, axis=0) if biased else None


@again("linear_backward_dbias_last")
def dbias_overwritten(dy, cache):
    x, weight, biased = cache
    dbias = None
    for row in dy:
        dbias = np.array(row)
    return dy @ weight, np.einsum("nm,nd->md", dy, x), dbias if biased else None


@again("linear_backward_dweight_last")
def dweight_overwritten(dy, cache):
    x, weight, biased = cache
    for g, row in zip(dy, x, strict=True):
        dweight = g[:, None] * row[None, :]
    return dy @ weight, dweight, np.einsum("nm->m", dy) if biased else None


def _log_softmax(row):
    return row - row.max() - np.log(np.exp(row - row.max()).sum())


def _each_row(logits, targets):
    """(minus log probability of the target, softmax minus one-hot) of each row."""
    for row, target in zip(logits, targets, strict=True):
        log_p = _log_softmax(row)
        yield -log_p[target], np.exp(log_p) - np.eye(len(row), dtype=row.dtype)[target]


@again("cross_entropy_gradient_not_averaged")
def entropy_gradient_sum(logits, targets):
    losses, gradients = zip(*_each_row(logits, targets), strict=True)
    return sum(losses) / len(losses), np.array(gradients)


@again("cross_entropy_loss_summed")
def entropy_loss_sum(logits, targets):
    losses, gradients = zip(*_each_row(logits, targets), strict=True)
    return sum(losses), np.array(gradients) / len(losses)


@again("cross_entropy_nothing_averaged")
def entropy_sums(logits, targets):
    losses, gradients = zip(*_each_row(logits, targets), strict=True)
    return sum(losses), np.array(gradients)


@again("cross_entropy_divided_twice")
def entropy_divided_twice(logits, targets):
    losses, gradients = zip(*_each_row(logits, targets), strict=True)
    n = len(losses)
    return np.mean(losses), np.array([gradient / n for gradient in gradients]) / n


@again("cross_entropy_gradient_negated")
def entropy_uphill(logits, targets):
    losses, gradients = zip(*_each_row(logits, targets), strict=True)
    return np.mean(losses), np.array([-g for g in gradients]) / len(losses)


@again("cross_entropy_gradient_is_softmax")
def entropy_softmax_only(logits, targets):
    losses, _ = zip(*_each_row(logits, targets), strict=True)
    return np.mean(losses), np.array([np.exp(_log_softmax(row)) for row in logits]) / len(losses)


@again("cross_entropy_averaged_over_classes")
def entropy_mean_of_matrix(logits, targets):
    losses, gradients = zip(*_each_row(logits, targets), strict=True)
    return sum(losses) / logits.size, np.array(gradients) / logits.size


def _entries(y_pred, y_true, loss, slope):
    """Sum of losses and array of slopes, entry by entry."""
    total, slopes = 0.0, np.zeros_like(y_pred)
    for index in np.ndindex(y_pred.shape):
        p, t = y_pred[index], y_true[index]
        total += loss(p, t)
        slopes[index] = slope(p, t)
    return total, slopes


@again("mean_squared_error_no_two")
def mse_slope_of_half(y_pred, y_true):
    total, slopes = _entries(y_pred, y_true, lambda p, t: (p - t) ** 2, lambda p, t: p - t)
    return total / y_pred.size, slopes / y_pred.size


@again("mean_squared_error_half")
def mse_with_a_half(y_pred, y_true):
    total, slopes = _entries(y_pred, y_true, lambda p, t: 0.5 * (p - t) ** 2, lambda p, t: p - t)
    return total / y_pred.size, slopes / y_pred.size


@again("mean_squared_error_over_rows")
def mse_by_rows(y_pred, y_true):
    total, slopes = _entries(y_pred, y_true, lambda p, t: (p - t) ** 2, lambda p, t: 2 * (p - t))
    return total / len(y_pred), slopes / len(y_pred)


@again("mean_absolute_error_sign")
def mae_uphill(y_pred, y_true):
    total, slopes = _entries(y_pred, y_true, lambda p, t: abs(p - t), lambda p, t: float(t > p) - float(p > t))
    return total / y_pred.size, slopes / y_pred.size


@again("mean_absolute_percentage_error_fraction")
def mape_as_fraction(y_pred, y_true):
    total, slopes = _entries(
        y_pred, y_true, lambda p, t: abs(p - t) / abs(t), lambda p, t: (float(p > t) - float(t > p)) / abs(t)
    )
    return total / y_pred.size, slopes / y_pred.size


@again("mean_squared_logarithmic_error_no_chain")
def msle_without_chain(y_pred, y_true):
    total, slopes = _entries(
        y_pred,
        y_true,
        lambda p, t: math.log((1 + p) / (1 + t)) ** 2,
        lambda p, t: 2 * math.log((1 + p) / (1 + t)),
    )
    return total / y_pred.size, slopes / y_pred.size


@again("log_cosh_no_log2")
def log_cosh_too_large(y_pred, y_true):
    error = y_pred - y_true
    return np.mean(np.logaddexp(error, -error)), np.tanh(error) / error.size


@again("cosine_similarity_loss_gradient_without_projection")
def cosine_length_held(y_pred, y_true):
    total, gradient = 0.0, np.zeros_like(y_pred)
    for n, (p, t) in enumerate(zip(y_pred, y_true, strict=True)):
        lengths = math.sqrt(p @ p) * math.sqrt(t @ t)
        total += 1 - p @ t / lengths
        gradient[n] = -t / lengths
    return total / len(y_pred), gradient / len(y_pred)


@again("cosine_similarity_loss_not_normalised")
def cosine_by_products(y_pred, y_true):
    total = sum(1 - p @ t for p, t in zip(y_pred, y_true, strict=True))
    return total / len(y_pred), np.array([-t / len(y_pred) for t in y_true])


@again("hinge_gradient_everywhere")
def hinge_always_slopes(y_pred, y_true):
    total, slopes = _entries(y_pred, y_true, lambda p, t: max(0.0, 1 - t * p), lambda p, t: -t)
    return total / y_pred.size, slopes / y_pred.size


@again("hinge_no_margin")
def hinge_perceptron(y_pred, y_true):
    total, slopes = _entries(y_pred, y_true, lambda p, t: max(0.0, -t * p), lambda p, t: -t if t * p < 0 else 0.0)
    return total / y_pred.size, slopes / y_pred.size


@again("squared_hinge_no_two")
def squared_hinge_half_slope(y_pred, y_true):
    total, slopes = _entries(
        y_pred, y_true, lambda p, t: max(0.0, 1 - t * p) ** 2, lambda p, t: -t * max(0.0, 1 - t * p)
    )
    return total / y_pred.size, slopes / y_pred.size


@again("squared_hinge_gradient_of_hinge")
def squared_hinge_flat_slope(y_pred, y_true):
    total, slopes = _entries(
        y_pred, y_true, lambda p, t: max(0.0, 1 - t * p) ** 2, lambda p, t: -t if t * p < 1 else 0.0
    )
    return total / y_pred.size, slopes / y_pred.size


@again("categorical_hinge_sums_the_wrong")
def categorical_hinge_all_rivals(y_pred, y_true):
    total, gradient = 0.0, np.zeros_like(y_pred)
    for n, (scores, target) in enumerate(zip(y_pred, y_true.argmax(1), strict=True)):
        for c, score in enumerate(scores):
            margin = 1 + score - scores[target]
            if c != target and margin > 0:
                total += margin
                gradient[n, c] += 1
                gradient[n, target] -= 1
    return total / len(y_pred), gradient / len(y_pred)


@again("binary_cross_entropy_one_side")
def bce_only_positives(y_pred, y_true):
    total, slopes = _entries(y_pred, y_true, lambda p, t: -t * math.log(p), lambda p, t: -t / p)
    return total / y_pred.size, slopes / y_pred.size


@again("binary_cross_entropy_over_rows")
def bce_by_rows(y_pred, y_true):
    total, slopes = _entries(
        y_pred,
        y_true,
        lambda p, t: -t * math.log(p) - (1 - t) * math.log(1 - p),
        lambda p, t: -t / p + (1 - t) / (1 - p),
    )
    return total / len(y_pred), slopes / len(y_pred)


@again("categorical_cross_entropy_over_entries")
def cce_mean_of_matrix(y_pred, y_true):
    total, slopes = _entries(y_pred, y_true, lambda p, t: -t * math.log(p), lambda p, t: -t / p)
    return total / y_pred.size, slopes / y_pred.size


@again("kl_divergence_cross_entropy")
def kl_without_entropy(y_pred, y_true):
    total, slopes = _entries(y_pred, y_true, lambda p, t: -t * math.log(p), lambda p, t: -t / p)
    return total / len(y_pred), slopes / len(y_pred)


@again("kl_divergence_over_entries")
def kl_mean_of_matrix(y_pred, y_true):
    total, slopes = _entries(y_pred, y_true, lambda p, t: t * math.log(t / p) if t else 0.0, lambda p, t: -t / p)
    return total / y_pred.size, slopes / y_pred.size


@again("poisson_sign")
def poisson_negated(y_pred, y_true):
    total, slopes = _entries(y_pred, y_true, lambda p, t: t * math.log(p) - p, lambda p, t: t / p - 1)
    return total / y_pred.size, slopes / y_pred.size


@again("poisson_no_rate")
def poisson_log_only(y_pred, y_true):
    total, slopes = _entries(y_pred, y_true, lambda p, t: -t * math.log(p), lambda p, t: -t / p)
    return total / y_pred.size, slopes / y_pred.size


@again("glorot_uniform_three")
def glorot_narrow(shape, rng):
    area = math.prod(shape[2:])
    return (2 * rng.random(shape) - 1) * math.sqrt(3 / (area * (shape[0] + shape[1])))


@again("he_normal_one")
def he_without_two(shape, rng):
    return rng.standard_normal(shape) * math.sqrt(1 / math.prod(shape[1:]))


@again("he_normal_no_area")
def he_channels_only(shape, rng):
    return rng.standard_normal(shape) * math.sqrt(2 / shape[1])


@again("sgd_damped")
def sgd_average(param, grad, state, lr=0.01, momentum=0.0, nesterov=False, weight_decay=0.0):
    g = grad + param * weight_decay
    v = state.get("mean", np.zeros_like(param))
    v = v + (1 - momentum) * (g - v)
    move = v + (1 - momentum) * g - (1 - momentum) * v if nesterov else v
    return param - lr * move, {"mean": v}


@again("sgd_no_look_ahead")
def sgd_ignores_nesterov(param, grad, state, lr=0.01, momentum=0.0, nesterov=False, weight_decay=0.0):
    v = np.zeros_like(param) if "v" not in state else state["v"]
    v = v * momentum + grad + param * weight_decay
    return param - lr * v, {"v": v}


@again("sgd_no_weight_decay")
def sgd_ignores_decay(param, grad, state, lr=0.01, momentum=0.0, nesterov=False, weight_decay=0.0):
    v = grad + momentum * state.get("v", 0)
    return param - lr * (grad + momentum * v if nesterov else v), {"v": v}


@again("sgd_decoupled_decay")
def sgd_shrinks_first(param, grad, state, lr=0.01, momentum=0.0, nesterov=False, weight_decay=0.0):
    v = grad + momentum * state.get("v", 0)
    return param * (1 - lr * weight_decay) - lr * (grad + momentum * v if nesterov else v), {"v": v}


@again("sgd_uphill")
def sgd_adds(param, grad, state, lr=0.01, momentum=0.0, nesterov=False, weight_decay=0.0):
    g = grad + weight_decay * param
    v = g + momentum * state.get("v", 0)
    return param + lr * (g + momentum * v if nesterov else v), {"v": v}


def _adam_means(param, grad, state, betas, weight_decay):
    t, m, v = state.get("here", (0, np.zeros_like(param), np.zeros_like(param)))
    g = grad + weight_decay * param
    return t + 1, m + (1 - betas[0]) * (g - m), v + (1 - betas[1]) * (g * g - v)


@again("adam_uncorrected")
def adam_raw(param, grad, state, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False):
    t, m, v = _adam_means(param, grad, state, betas, weight_decay)
    top = np.maximum(v, state.get("top", 0))
    return param - lr * m / (np.sqrt(top if amsgrad else v) + eps), {"here": (t, m, v), "top": top}


@again("adam_no_amsgrad")
def adam_ignores_amsgrad(param, grad, state, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False):
    t, m, v = _adam_means(param, grad, state, betas, weight_decay)
    step = m / (1 - betas[0] ** t) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
    return param - lr * step, {"here": (t, m, v)}


@again("adam_decoupled")
def adam_w(param, grad, state, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False):
    t, m, v = _adam_means(param, grad, state, betas, 0.0)
    top = np.maximum(v, state.get("top", 0))
    step = m / (1 - betas[0] ** t) / (np.sqrt((top if amsgrad else v) / (1 - betas[1] ** t)) + eps)
    return param * (1 - lr * weight_decay) - lr * step, {"here": (t, m, v), "top": top}


@again("step_decay_from_one")
def decay_early(lr, factor, every, epoch):
    for e in range(1, epoch + 2):
        if e % every == 0:
            lr *= factor
    return lr


@again("l2_penalty_gradient_no_two")
def l2_single_slope(w, strength):
    return sum(strength * float(v) ** 2 for v in w.ravel()), w * strength


@again("max_norm_rescales_all")
def max_norm_stretches(w, max_value, axis):
    rows = w.reshape(len(w), -1)
    new = [row if not row.any() else row * (max_value / math.sqrt(row @ row)) for row in rows]
    return np.array(new, dtype=w.dtype).reshape(w.shape)


@again("unit_norm_nan_at_zero")
def unit_norm_divides_blindly(w, axis):
    return np.array([v / np.linalg.norm(v) for v in w], dtype=w.dtype)
