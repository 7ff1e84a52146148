"""Unit 4, data scale, losses and update rules: the reference.

Update rules are those of torch.optim, with its names for the parameters; Goodfellow, Bengio and Courville, Deep
Learning (2016), is cited as [DL].
"""

from __future__ import annotations

import numpy as np

State = dict


# Data scale: every statistic comes from the training set.


def min_max_scale(x_train: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Each feature mapped so that the training set fills [0, 1].

    Parameters
    ----------
    x_train : (N, D) array
    x : (M, D) array

    Returns
    -------
    y : (M, D) array, (x - min) / (max - min); a feature that is constant in x_train gives 0

    Examples
    --------
    >>> min_max_scale(np.array([[0.0, 5.0], [4.0, 5.0]]), np.array([[1.0, 9.0]]))
    array([[0.25, 0.  ]])
    """
    low, high = x_train.min(axis=0), x_train.max(axis=0)
    constant = high == low
    return np.where(constant, 0, (x - low) / np.where(constant, 1, high - low)).astype(x.dtype)


def standardize(x_train: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Each feature with mean 0 and variance 1 over the training set (z-score).

    Parameters
    ----------
    x_train : (N, D) array
    x : (M, D) array

    Returns
    -------
    y : (M, D) array, (x - mean) / sqrt(var), var divided by N; a feature that is constant in x_train gives 0

    Examples
    --------
    >>> standardize(np.array([[1.0], [3.0]]), np.array([[2.0], [4.0]]))
    array([[0.],
           [2.]])
    """
    constant = x_train.max(axis=0) == x_train.min(axis=0)
    deviation = np.where(constant, 1, x_train.std(axis=0))
    return np.where(constant, 0, (x - x_train.mean(axis=0)) / deviation).astype(x.dtype)


def zca_whiten(x_train: np.ndarray, x: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """Features decorrelated with the symmetric whitening matrix of the training set.

    Parameters
    ----------
    x_train : (N, D) array
    x : (M, D) array
    eps : float, added to every eigenvalue

    Returns
    -------
    y : (M, D) array, (x - mean) @ W with W = U diag((lambda + eps)^(-1/2)) U^T, where U diag(lambda) U^T is the
        covariance of x_train divided by N

    Notes
    -----
    Bell and Sejnowski (1997), The "independent components" of natural scenes are edge filters.
    """
    mean = x_train.mean(axis=0)
    centred = x_train - mean
    eigenvalues, u = np.linalg.eigh(centred.T @ centred / len(x_train))
    return (x - mean) @ ((u / np.sqrt(eigenvalues + eps)) @ u.T)


# The dense layer and the loss of classification.


def linear_forward(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None) -> tuple[np.ndarray, tuple]:
    """The dense layer y = x W^T + b.

    Parameters
    ----------
    x : (N, D) array
    weight : (M, D) array
    bias : (M,) array or None

    Returns
    -------
    y : (N, M) array
    cache : for linear_backward

    Examples
    --------
    >>> linear_forward(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]), np.array([0.5]))[0]
    array([[11.5]])
    """
    y = x @ weight.T
    return (y if bias is None else y + bias), (x, weight, bias is not None)


def linear_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Gradients of the dense layer.

    Parameters
    ----------
    dy : (N, M) array
    cache : from linear_forward

    Returns
    -------
    dx : (N, D) array
    dweight : (M, D) array
    dbias : (M,) array, or None where there is no bias
    """
    x, weight, has_bias = cache
    return dy @ weight, dy.T @ x, dy.sum(axis=0) if has_bias else None


def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    """Softmax and cross-entropy in one, averaged over the batch; stable for logits of any size.

    Parameters
    ----------
    logits : (N, C) array
    targets : (N,) integer array of classes

    Returns
    -------
    loss : float
    dlogits : (N, C) array, (softmax(logits) - one_hot(targets)) / N

    Notes
    -----
    [DL], section 6.2.2.3.

    Examples
    --------
    >>> loss, dlogits = cross_entropy(np.array([[0.0, 0.0]]), np.array([1]))
    >>> round(float(loss), 4), dlogits
    (0.6931, array([[ 0.5, -0.5]]))
    """
    n = len(logits)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    dlogits = np.exp(log_probabilities)
    dlogits[np.arange(n), targets] -= 1
    return -log_probabilities[np.arange(n), targets].mean(), dlogits / n


# Regression losses: the mean over all entries (cosine: over rows), and its gradient.


def mean_squared_error(y_pred: np.ndarray, y_true: np.ndarray) -> tuple[float, np.ndarray]:
    """mean((p - t)^2) and its gradient; y_pred and y_true are (N, D) arrays."""
    error = y_pred - y_true
    return (error**2).mean(), 2 * error / error.size


def mean_absolute_error(y_pred: np.ndarray, y_true: np.ndarray) -> tuple[float, np.ndarray]:
    """mean(|p - t|) and its gradient, 0 where p = t; y_pred and y_true are (N, D) arrays."""
    error = y_pred - y_true
    return np.abs(error).mean(), np.sign(error) / error.size


def mean_absolute_percentage_error(y_pred: np.ndarray, y_true: np.ndarray) -> tuple[float, np.ndarray]:
    """100 mean(|p - t| / |t|) and its gradient, 0 where p = t; y_pred and y_true are (N, D) arrays, t not 0."""
    error = y_pred - y_true
    return 100 * np.abs(error / y_true).mean(), 100 * np.sign(error) / np.abs(y_true) / error.size


def mean_squared_logarithmic_error(y_pred: np.ndarray, y_true: np.ndarray) -> tuple[float, np.ndarray]:
    """mean((log(1 + p) - log(1 + t))^2) and its gradient; y_pred and y_true are (N, D) arrays, entries > -1."""
    error = np.log1p(y_pred) - np.log1p(y_true)
    return (error**2).mean(), 2 * error / (1 + y_pred) / error.size


def log_cosh(y_pred: np.ndarray, y_true: np.ndarray) -> tuple[float, np.ndarray]:
    """mean(log cosh(p - t)), without overflow, and its gradient; y_pred and y_true are (N, D) arrays."""
    error = y_pred - y_true
    size = np.abs(error)
    # log cosh e = |e| + log(1 + exp(-2|e|)) - log 2
    return (size + np.log1p(np.exp(-2 * size)) - np.log(2.0).astype(size.dtype)).mean(), np.tanh(error) / error.size


def cosine_similarity_loss(y_pred: np.ndarray, y_true: np.ndarray) -> tuple[float, np.ndarray]:
    """mean over rows of 1 - cos(p, t), and its gradient; y_pred and y_true are (N, D) arrays without zero rows."""
    p_norm = np.linalg.norm(y_pred, axis=1, keepdims=True)
    p, t = y_pred / p_norm, y_true / np.linalg.norm(y_true, axis=1, keepdims=True)
    cosine = (p * t).sum(axis=1, keepdims=True)
    return (1 - cosine).mean(), (cosine * p - t) / p_norm / len(p)


# Classification losses. Labels of the hinges are -1 or +1; probabilities lie in (0, 1).


def hinge(y_pred: np.ndarray, y_true: np.ndarray) -> tuple[float, np.ndarray]:
    """mean(max(0, 1 - t p)) and its gradient, 0 at the kink; y_pred (N, D), y_true (N, D) of -1 and 1."""
    margin = 1 - y_true * y_pred
    return np.maximum(margin, 0).mean(), np.where(margin > 0, -y_true, 0).astype(y_pred.dtype) / margin.size


def squared_hinge(y_pred: np.ndarray, y_true: np.ndarray) -> tuple[float, np.ndarray]:
    """mean(max(0, 1 - t p)^2) and its gradient; y_pred (N, D), y_true (N, D) of -1 and 1."""
    margin = np.maximum(1 - y_true * y_pred, 0)
    return (margin**2).mean(), -2 * y_true * margin / margin.size


def categorical_hinge(y_pred: np.ndarray, y_true: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean over rows of max(0, 1 + max_wrong - right), and its gradient; y_true (N, D) is one-hot.

    Notes
    -----
    Crammer and Singer (2001), On the algorithmic implementation of multiclass kernel-based vector machines.
    """
    n = len(y_pred)
    right = (y_pred * y_true).sum(axis=1)
    wrong = np.where(y_true == 1, -np.inf, y_pred)
    loss = np.maximum(0, 1 + wrong.max(axis=1) - right)
    dy_pred = -y_true.copy()
    dy_pred[np.arange(n), wrong.argmax(axis=1)] += 1
    return loss.mean(), (dy_pred * (loss > 0)[:, None]).astype(y_pred.dtype) / n


def binary_cross_entropy(y_pred: np.ndarray, y_true: np.ndarray) -> tuple[float, np.ndarray]:
    """mean(-t log p - (1 - t) log(1 - p)) and its gradient; y_pred (N, D) in (0, 1), y_true (N, D) in [0, 1]."""
    loss = -(y_true * np.log(y_pred) + (1 - y_true) * np.log1p(-y_pred))
    return loss.mean(), (y_pred - y_true) / (y_pred * (1 - y_pred)) / loss.size


def categorical_cross_entropy(y_pred: np.ndarray, y_true: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean over rows of -sum t log p, and its gradient; y_pred (N, D) in (0, 1), not renormalised, y_true (N, D)."""
    return -(y_true * np.log(y_pred)).sum(axis=1).mean(), -y_true / y_pred / len(y_pred)


def kl_divergence(y_pred: np.ndarray, y_true: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean over rows of sum t log(t / p), with 0 log 0 = 0, and its gradient; y_pred (N, D) in (0, 1)."""
    ratio = np.where(y_true > 0, y_true, 1) / np.where(y_true > 0, y_pred, 1)
    return (y_true * np.log(ratio)).sum(axis=1).mean(), -y_true / y_pred / len(y_pred)


def poisson(y_pred: np.ndarray, y_true: np.ndarray) -> tuple[float, np.ndarray]:
    """mean(p - t log p) and its gradient; y_pred (N, D) are rates > 0, y_true (N, D) counts."""
    return (y_pred - y_true * np.log(y_pred)).mean(), (1 - y_true / y_pred) / y_pred.size


# Initialisation.


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """(fan_in, fan_out) of weights (M, D) or (O, I, KH, KW); a kernel's area counts in both."""
    area = int(np.prod(shape[2:]))
    return shape[1] * area, shape[0] * area


def glorot_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Uniform weights on +-sqrt(6 / (fan_in + fan_out)).

    Parameters
    ----------
    shape : (M, D) or (O, I, KH, KW)
    rng : numpy.random.Generator

    Returns
    -------
    weight : float64 array of that shape

    Notes
    -----
    Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward neural networks, eq. 16.
    """
    bound = np.sqrt(6 / sum(_fans(shape)))
    return rng.uniform(-bound, bound, shape)


def he_normal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Normal weights with variance 2 / fan_in.

    Parameters
    ----------
    shape : (M, D) or (O, I, KH, KW)
    rng : numpy.random.Generator

    Returns
    -------
    weight : float64 array of that shape

    Notes
    -----
    He et al. (2015), Delving deep into rectifiers, eq. 10.
    """
    return rng.normal(0, np.sqrt(2 / _fans(shape)[0]), shape)


# Update rules. All take (param, grad, state) and return the new parameter and the new state; state is {} at first.


def sgd(
    param: np.ndarray,
    grad: np.ndarray,
    state: State,
    lr: float = 0.01,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> tuple[np.ndarray, State]:
    """Stochastic gradient descent, as torch.optim.SGD.

    Parameters
    ----------
    param, grad : arrays of one shape
    state : dict, {} at first
    lr, momentum, nesterov, weight_decay : nesterov only with momentum > 0

    Returns
    -------
    param : the new parameter
    state : the new state

    Notes
    -----
    g = grad + weight_decay param; v = g at first, then momentum v + g; the step is lr v, with Nesterov
    lr (g + momentum v). Sutskever et al. (2013), On the importance of initialization and momentum.

    Examples
    --------
    >>> sgd(np.array([1.0]), np.array([2.0]), {}, lr=0.1)[0]
    array([0.8])
    """
    grad = grad + weight_decay * param
    if momentum == 0:
        return param - lr * grad, {}
    velocity = momentum * state["velocity"] + grad if state else grad
    step = grad + momentum * velocity if nesterov else velocity
    return param - lr * step, {"velocity": velocity}


def adam(
    param: np.ndarray,
    grad: np.ndarray,
    state: State,
    lr: float = 0.001,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    amsgrad: bool = False,
) -> tuple[np.ndarray, State]:
    """Adam, as torch.optim.Adam.

    Parameters
    ----------
    param, grad : arrays of one shape
    state : dict, {} at first
    lr, betas, eps, weight_decay, amsgrad : eps is added to the root, weight decay to the gradient

    Returns
    -------
    param : the new parameter
    state : the new state

    Notes
    -----
    m and v are running means of g and g^2, divided by 1 - beta^t with t counted from 1; with amsgrad the largest v
    so far stands in v's place. Kingma and Ba (2015), algorithm 1; Reddi et al. (2018), algorithm 2.

    Examples
    --------
    >>> adam(np.array([1.0]), np.array([5.0]), {}, lr=0.1)[0].round(6)
    array([0.9])
    """
    grad = grad + weight_decay * param
    (beta1, beta2), t = betas, state.get("t", 0) + 1
    m = beta1 * state.get("m", 0) + (1 - beta1) * grad
    v = beta2 * state.get("v", 0) + (1 - beta2) * grad**2
    largest = np.maximum(state.get("largest", v), v)
    root = np.sqrt((largest if amsgrad else v) / (1 - beta2**t)) + eps
    return param - lr * m / (1 - beta1**t) / root, {"t": t, "m": m, "v": v, "largest": largest}


def adagrad(
    param: np.ndarray,
    grad: np.ndarray,
    state: State,
    lr: float = 0.01,
    lr_decay: float = 0.0,
    weight_decay: float = 0.0,
    initial_accumulator_value: float = 0.0,
    eps: float = 1e-10,
) -> tuple[np.ndarray, State]:
    """Adagrad, as torch.optim.Adagrad: the step is lr / (1 + (t - 1) lr_decay) g / (sqrt(sum of g^2) + eps).

    Notes
    -----
    Duchi, Hazan and Singer (2011), Adaptive subgradient methods.
    """
    grad = grad + weight_decay * param
    t = state.get("t", 0) + 1
    total = state.get("total", initial_accumulator_value) + grad**2
    rate = lr / (1 + (t - 1) * lr_decay)
    return param - rate * grad / (np.sqrt(total) + eps), {"t": t, "total": total}


def rmsprop(
    param: np.ndarray,
    grad: np.ndarray,
    state: State,
    lr: float = 0.01,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
    centered: bool = False,
) -> tuple[np.ndarray, State]:
    """RMSprop, as torch.optim.RMSprop: g / (sqrt(running mean of g^2) + eps), optionally centred and with momentum.

    Notes
    -----
    Tieleman and Hinton (2012), lecture 6.5; centred: Graves (2013), Generating sequences with recurrent networks.
    """
    grad = grad + weight_decay * param
    square = alpha * state.get("square", 0) + (1 - alpha) * grad**2
    mean = alpha * state.get("mean", 0) + (1 - alpha) * grad
    direction = grad / (np.sqrt(square - mean**2 if centered else square) + eps)
    velocity = momentum * state.get("velocity", 0) + direction
    return param - lr * velocity, {"square": square, "mean": mean, "velocity": velocity}


def adadelta(
    param: np.ndarray,
    grad: np.ndarray,
    state: State,
    lr: float = 1.0,
    rho: float = 0.9,
    eps: float = 1e-6,
    weight_decay: float = 0.0,
) -> tuple[np.ndarray, State]:
    """Adadelta, as torch.optim.Adadelta: sqrt(running mean of updates^2 + eps) / sqrt(that of g^2 + eps) g.

    Notes
    -----
    Zeiler (2012), ADADELTA: an adaptive learning rate method, algorithm 1. The updates' mean is the one before
    this step.
    """
    grad = grad + weight_decay * param
    square = rho * state.get("square", 0) + (1 - rho) * grad**2
    updates = state.get("updates", np.zeros_like(param))
    update = np.sqrt(updates + eps) / np.sqrt(square + eps) * grad
    return param - lr * update, {"square": square, "updates": rho * updates + (1 - rho) * update**2}


def adamax(
    param: np.ndarray,
    grad: np.ndarray,
    state: State,
    lr: float = 0.002,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> tuple[np.ndarray, State]:
    """Adamax, as torch.optim.Adamax: the largest |g| + eps, fading with beta2, in place of Adam's root.

    Notes
    -----
    Kingma and Ba (2015), Adam, algorithm 2.
    """
    grad = grad + weight_decay * param
    (beta1, beta2), t = betas, state.get("t", 0) + 1
    m = beta1 * state.get("m", 0) + (1 - beta1) * grad
    largest = np.maximum(beta2 * state.get("largest", 0), np.abs(grad) + eps)
    return param - lr / (1 - beta1**t) * m / largest, {"t": t, "m": m, "largest": largest}


def nadam(
    param: np.ndarray,
    grad: np.ndarray,
    state: State,
    lr: float = 0.002,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum_decay: float = 0.004,
) -> tuple[np.ndarray, State]:
    """NAdam, as torch.optim.NAdam: Adam with Nesterov's look-ahead and a momentum that warms up.

    Notes
    -----
    mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2). Dozat (2016), Incorporating Nesterov momentum into Adam.
    """
    grad = grad + weight_decay * param
    (beta1, beta2), t = betas, state.get("t", 0) + 1
    mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (step * momentum_decay)) for step in (t, t + 1))
    product = state.get("product", 1.0) * mu
    m = beta1 * state.get("m", 0) + (1 - beta1) * grad
    v = beta2 * state.get("v", 0) + (1 - beta2) * grad**2
    root = np.sqrt(v / (1 - beta2**t)) + eps
    step = (1 - mu) / (1 - product) * grad + mu_next / (1 - product * mu_next) * m
    return param - lr * step / root, {"t": t, "product": product, "m": m, "v": v}


def step_decay(lr: float, factor: float, every: int, epoch: int) -> float:
    """The learning rate lr factor^floor(epoch / every), epochs counted from 0.

    Examples
    --------
    >>> [step_decay(1.0, 0.5, 2, epoch) for epoch in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    return lr * factor ** (epoch // every)


# Penalties add to the loss; constraints project after the step.


def l1_penalty(w: np.ndarray, strength: float) -> tuple[float, np.ndarray]:
    """strength * sum |w| and its gradient, 0 at w = 0."""
    return strength * np.abs(w).sum(), strength * np.sign(w)


def l2_penalty(w: np.ndarray, strength: float) -> tuple[float, np.ndarray]:
    """strength * sum w^2 and its gradient 2 strength w (Keras's factor, not torch's weight decay)."""
    return strength * (w**2).sum(), 2 * strength * w


def max_norm(w: np.ndarray, max_value: float, axis: int | tuple[int, ...]) -> np.ndarray:
    """Vectors longer than max_value shortened to it; what is feasible stays bit-identical.

    `axis` is summed over: 1 for (M, D), (1, 2, 3) for kernels (O, I, KH, KW).
    """
    norm = np.sqrt((w**2).sum(axis=axis, keepdims=True))
    return np.where(norm > max_value, w * (max_value / np.where(norm > 0, norm, 1)), w).astype(w.dtype)


def non_neg(w: np.ndarray) -> np.ndarray:
    """Negative entries set to 0."""
    return np.maximum(w, 0)


def unit_norm(w: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """Vectors scaled to length 1; a zero vector stays zero. `axis` is summed over."""
    norm = np.sqrt((w**2).sum(axis=axis, keepdims=True))
    return w / np.where(norm > 0, norm, 1)
