"""Right answers of unit 4 in other styles: loops, other algebra, other states."""

from __future__ import annotations

import math

import numpy as np

from autograder.variants import variant

# feature_scaling


@variant("min_max_scale")
def min_max_scale_feature_by_feature(x_train, x):
    y = np.zeros_like(x)
    for d in range(x.shape[1]):
        low, high = x_train[:, d].min(), x_train[:, d].max()
        if high > low:
            y[:, d] = (x[:, d] - low) / (high - low)
    return y


@variant("standardize")
def standardize_by_sums(x_train, x):
    y = np.zeros_like(x)
    for d in range(x.shape[1]):
        column = [float(value) for value in x_train[:, d]]
        mean = math.fsum(column) / len(column)
        variance = math.fsum((value - mean) ** 2 for value in column) / len(column)
        if max(column) > min(column):
            y[:, d] = (x[:, d] - mean) / math.sqrt(variance)
    return y


@variant("zca_whiten")
def zca_whiten_by_svd(x_train, x, eps=1e-5):
    mean = x_train.mean(0)
    _, singular, vt = np.linalg.svd((x_train - mean) / np.sqrt(np.array(len(x_train), x_train.dtype)))
    scale = (singular**2 + eps) ** -0.5
    return ((x - mean) @ (vt.T * scale) @ vt).astype(x.dtype)


# linear


def _linear_backward_by_einsum(dy, cache):
    dx = np.einsum("nm,md->nd", dy, cache["weight"])
    dweight = np.einsum("nm,nd->md", dy, cache["x"])
    return [dx, dweight, np.einsum("nm->m", dy) if cache["biased"] else None]


@variant("linear_forward", also={"linear_backward": _linear_backward_by_einsum})
def linear_forward_by_einsum(x, weight, bias=None):
    y = np.einsum("nd,md->nm", x, weight)
    if bias is not None:
        y += bias
    return [y, {"x": x, "weight": weight, "biased": bias is not None}]


def _linear_backward_closure(dy, cache):
    return cache(dy)


@variant("linear_forward", also={"linear_backward": _linear_backward_closure})
def linear_forward_with_closure(x, weight, bias=None):
    def backward(dy):
        return dy @ weight, dy.T @ x, None if bias is None else np.add.reduce(dy)

    return np.dot(x, weight.T) + (0 if bias is None else bias), backward


# cross_entropy


@variant("cross_entropy")
def cross_entropy_row_by_row(logits, targets):
    print("a print on the way costs nothing")
    loss, gradient = 0.0, np.zeros_like(logits)
    for n, (row, target) in enumerate(zip(logits, targets, strict=True)):
        top = row.max()
        total = np.exp(row - top).sum()
        loss += float(np.log(total) + top - row[target])
        gradient[n] = np.exp(row - top) / total
        gradient[n, target] -= 1
    return loss / len(logits), gradient / len(logits)


@variant("cross_entropy")
def cross_entropy_by_logaddexp(logits, targets):
    one_hot = np.arange(logits.shape[1]) == targets[:, None]
    log_p = logits - np.logaddexp.reduce(logits, axis=1)[:, None]
    return -np.sum(log_p[one_hot]) / len(logits), (np.exp(log_p) - one_hot.astype(logits.dtype)) / len(logits)


# regression_losses and classification_losses


@variant("mean_squared_error")
def mean_squared_error_by_dot(y_pred, y_true):
    error = (y_pred - y_true).ravel()
    return float(error @ error) / error.size, (error * (2 / error.size)).reshape(y_pred.shape)


@variant("mean_absolute_percentage_error")
def mean_absolute_percentage_error_by_ratio(y_pred, y_true):
    ratio = (y_pred - y_true) / np.abs(y_true)
    slope = ((ratio > 0).astype(y_pred.dtype) - (ratio < 0)) / np.abs(y_true)
    return np.mean(np.abs(ratio)) * 100.0, slope * (100.0 / ratio.size)


@variant("log_cosh")
def log_cosh_by_logaddexp(y_pred, y_true):
    error = y_pred - y_true
    return (np.logaddexp(error, -error) - math.log(2)).mean(), np.tanh(error) / y_pred.size


@variant("cosine_similarity_loss")
def cosine_similarity_loss_row_by_row(y_pred, y_true):
    loss, gradient = 0.0, np.empty_like(y_pred)
    for n, (p, t) in enumerate(zip(y_pred, y_true, strict=True)):
        a, b = np.sqrt(p @ p), np.sqrt(t @ t)
        loss += 1 - float(p @ t / (a * b))
        gradient[n] = (p @ t) * p / (a**3 * b) - t / (a * b)
    return loss / len(y_pred), gradient / len(y_pred)


@variant("hinge")
def hinge_entry_by_entry(y_pred, y_true):
    loss, gradient = 0.0, np.zeros_like(y_pred)
    for index in np.ndindex(y_pred.shape):
        margin = 1 - y_true[index] * y_pred[index]
        if margin > 0:
            loss += margin
            gradient[index] = -y_true[index]
    return loss / y_pred.size, gradient / y_pred.size


@variant("categorical_hinge")
def categorical_hinge_by_sorting(y_pred, y_true):
    loss, gradient = 0.0, np.zeros_like(y_pred)
    for n, target in enumerate(y_true.argmax(1)):
        order = [c for c in np.argsort(y_pred[n])[::-1] if c != target]
        margin = 1 + y_pred[n, order[0]] - y_pred[n, target]
        if margin > 0:
            loss += margin
            gradient[n, order[0]], gradient[n, target] = 1, -1
    return loss / len(y_pred), gradient / len(y_pred)


@variant("kl_divergence")
def kl_divergence_by_masking(y_pred, y_true):
    there = y_true > 0
    terms = np.zeros_like(y_true)
    terms[there] = y_true[there] * np.log(y_true[there] / y_pred[there])
    return terms.sum() / len(y_pred), -(y_true / y_pred) / len(y_pred)


# initializers


@variant("glorot_uniform")
def glorot_uniform_from_random(shape, rng):
    fan_in, fan_out = (math.prod(s) for s in (shape[1:], (shape[0], *shape[2:])))
    return (2 * rng.random(shape) - 1) * math.sqrt(6 / (fan_in + fan_out))


@variant("he_normal")
def he_normal_truncated(shape, rng):
    """Normal, truncated at two deviations and widened so that the variance is right."""
    draws = rng.standard_normal(shape)
    while np.any(np.abs(draws) > 2):
        beyond = np.abs(draws) > 2
        draws[beyond] = rng.standard_normal(int(beyond.sum()))
    return draws / 0.8796256610342398 * math.sqrt(2 / math.prod(shape[1:]))


# update rules


@variant("sgd")
def sgd_with_zeros(param, grad, state, lr=0.01, momentum=0.0, nesterov=False, weight_decay=0.0):
    state = dict(state)
    g = np.array(grad)
    g += weight_decay * param
    state["v"] = momentum * state.get("v", np.zeros_like(param)) + g
    return param - lr * (g + momentum * state["v"] if nesterov else state["v"]), state


@variant("adam")
def adam_by_powers(param, grad, state, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False):
    m, v, top, power1, power2 = state.get("all", (np.zeros_like(param), np.zeros_like(param), None, 1.0, 1.0))
    g = grad + param * weight_decay if weight_decay else grad
    m, v = m + (1 - betas[0]) * (g - m), v + (1 - betas[1]) * (g * g - v)
    power1, power2 = power1 * betas[0], power2 * betas[1]
    top = v if top is None else np.where(v > top, v, top)
    denominator = np.sqrt(top if amsgrad else v) / math.sqrt(1 - power2) + eps
    return param - (lr / (1 - power1)) * (m / denominator), {"all": (m, v, top, power1, power2)}


@variant("rmsprop")
def rmsprop_with_copies(
    param, grad, state, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False
):
    state = {key: value.copy() for key, value in state.items()} or {k: np.zeros_like(param) for k in "sgv"}
    grad = grad + weight_decay * param
    state["s"] += (1 - alpha) * (grad**2 - state["s"])
    state["g"] += (1 - alpha) * (grad - state["g"])
    inside = state["s"] - state["g"] ** 2 * centered
    state["v"] = momentum * state["v"] + grad / (np.sqrt(inside) + eps)
    return param - lr * state["v"], state


# schedule, penalties and constraints


@variant("step_decay")
def step_decay_by_loop(lr, factor, every, epoch):
    for _ in range(int(epoch / every)):
        lr *= factor
    return lr


@variant("l2_penalty")
def l2_penalty_by_dot(w, strength):
    return strength * np.dot(w.ravel(), w.ravel()), strength * (w + w)


@variant("max_norm")
def max_norm_by_selection(w, max_value, axis):
    norm = np.linalg.norm(w.reshape(len(w), -1), axis=1)
    new = w.copy()
    new[norm > max_value] *= (max_value / norm[norm > max_value]).reshape(-1, *[1] * (w.ndim - 1)).astype(w.dtype)
    return new


@variant("non_neg")
def non_neg_by_where(w):
    return np.where(w > 0, w, np.zeros_like(w))


@variant("unit_norm")
def unit_norm_by_selection(w, axis):
    new = np.array(w)
    for unit in new:
        length = np.sqrt(np.sum(unit**2))
        if length:
            unit /= length
    return new
