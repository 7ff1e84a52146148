"""Unit 8, dropout and its alternatives: the reference.

p is always the probability to drop. Layers are inverted: what is kept is divided by 1 - p in training, so that
evaluation has nothing to do.
"""

from __future__ import annotations

import itertools

import numpy as np


def _check(p: float, *, below_one: bool = False) -> None:
    if not 0 <= p <= 1 or (below_one and p == 1):
        raise ValueError(f"p is a probability to drop, in [0, 1{')' if below_one else ']'}, not {p}")


def _masked(x: np.ndarray, shape: tuple[int, ...], p: float, rng: np.random.Generator) -> np.ndarray:
    """Factors of the given shape: 0 with probability p, else 1 / (1 - p); all 0 for p = 1."""
    kept = rng.random(shape) >= p
    return (kept / (1 - p if p < 1 else 1)).astype(x.dtype)


def _multiplied(x: np.ndarray, factor: np.ndarray | None) -> np.ndarray:
    """x times the factors; None stands for evaluation."""
    return x if factor is None else x * factor


# Layers that multiply by random factors: the cache is the factors, None in evaluation.


def dropout_forward(
    x: np.ndarray, p: float, rng: np.random.Generator, training: bool = True
) -> tuple[np.ndarray, np.ndarray | None]:
    """Inverted dropout: every entry is dropped with probability p, on its own, and else divided by 1 - p.

    Parameters
    ----------
    x : array of any shape
    p : float in [0, 1], the probability to drop; 1 gives zeros
    rng : numpy.random.Generator, the only source of randomness
    training : bool; in evaluation y = x

    Returns
    -------
    y : array of x's shape
    cache : for dropout_backward

    Raises
    ------
    ValueError
        For p outside [0, 1], in evaluation too.

    Notes
    -----
    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov (2014), Dropout: a simple way to prevent neural
    networks from overfitting. There the scale is applied at test time; inverted dropout applies it in training.

    Examples
    --------
    >>> dropout_forward(np.array([[2.0, 4.0]]), 0.0, np.random.default_rng(0))[0]
    array([[2., 4.]])
    """
    _check(p)
    factor = _masked(x, x.shape, p, rng) if training else None
    return _multiplied(x, factor), factor


def dropout_backward(dy: np.ndarray, cache: np.ndarray | None) -> np.ndarray:
    """The gradient goes back through the mask and the scale of the forward pass.

    Parameters
    ----------
    dy : array of y's shape
    cache : from dropout_forward

    Returns
    -------
    dx : array of x's shape
    """
    return _multiplied(dy, cache)


def spatial_dropout2d_forward(
    x: np.ndarray, p: float, rng: np.random.Generator, training: bool = True
) -> tuple[np.ndarray, np.ndarray | None]:
    """Inverted dropout of whole feature maps, drawn per sample and channel.

    Parameters
    ----------
    x : (N, C, H, W) array
    p : float in [0, 1], the probability to drop a map
    rng : numpy.random.Generator
    training : bool; in evaluation y = x

    Returns
    -------
    y : (N, C, H, W) array
    cache : for spatial_dropout2d_backward

    Raises
    ------
    ValueError
        For p outside [0, 1], in evaluation too.

    Notes
    -----
    Tompson, Goroshin, Jain, LeCun and Bregler (2015), Efficient object localization using convolutional
    networks, section 3.2.
    """
    _check(p)
    factor = _masked(x, (*x.shape[:2], 1, 1), p, rng) if training else None
    return _multiplied(x, factor), factor


def spatial_dropout2d_backward(dy: np.ndarray, cache: np.ndarray | None) -> np.ndarray:
    """As dropout_backward, with (N, C, H, W) arrays."""
    return _multiplied(dy, cache)


def gaussian_dropout_forward(
    x: np.ndarray, p: float, rng: np.random.Generator, training: bool = True
) -> tuple[np.ndarray, np.ndarray | None]:
    """Every entry times its own normal noise of mean 1 and variance p / (1 - p), which is dropout's.

    Parameters
    ----------
    x : array of any shape
    p : float in [0, 1)
    rng : numpy.random.Generator
    training : bool; in evaluation y = x

    Returns
    -------
    y : array of x's shape
    cache : for gaussian_dropout_backward

    Raises
    ------
    ValueError
        For p outside [0, 1), in evaluation too.

    Notes
    -----
    Srivastava and others (2014), section 10.
    """
    _check(p, below_one=True)
    factor = rng.normal(1, np.sqrt(p / (1 - p)), x.shape).astype(x.dtype) if training else None
    return _multiplied(x, factor), factor


def gaussian_dropout_backward(dy: np.ndarray, cache: np.ndarray | None) -> np.ndarray:
    """The gradient times the noise of the forward pass; dy and dx have x's shape."""
    return _multiplied(dy, cache)


def drop_path_forward(
    branch: np.ndarray, p: float, rng: np.random.Generator, training: bool = True
) -> tuple[np.ndarray, np.ndarray | None]:
    """Stochastic depth: the branch of a whole sample is dropped with probability p, and else divided by 1 - p.

    Parameters
    ----------
    branch : (N, ...) array, the output of a residual branch
    p : float in [0, 1]; 1 gives zeros
    rng : numpy.random.Generator
    training : bool; in evaluation y = branch

    Returns
    -------
    y : array of the branch's shape
    cache : for drop_path_backward

    Raises
    ------
    ValueError
        For p outside [0, 1], in evaluation too.

    Notes
    -----
    Huang, Sun, Liu, Sedra and Weinberger (2016), Deep networks with stochastic depth; inverted, as in torchvision.
    """
    _check(p)
    shape = (len(branch), *[1] * (branch.ndim - 1))
    factor = _masked(branch, shape, p, rng) if training else None
    return _multiplied(branch, factor), factor


def drop_path_backward(dy: np.ndarray, cache: np.ndarray | None) -> np.ndarray:
    """The gradient with respect to the branch; dy and the result have the branch's shape."""
    return _multiplied(dy, cache)


def drop_block2d_forward(
    x: np.ndarray, p: float, block_size: int, rng: np.random.Generator, training: bool = True
) -> tuple[np.ndarray, np.ndarray | None]:
    """Square blocks of feature maps are dropped, and the rest is scaled by numel / kept over the whole array.

    Parameters
    ----------
    x : (N, C, H, W) array
    p : float in [0, 1]; about a share of p is dropped
    block_size : int, odd, at most H and W
    rng : numpy.random.Generator
    training : bool; in evaluation y = x

    Returns
    -------
    y : (N, C, H, W) array; where nothing is kept, zeros
    cache : for drop_block2d_backward

    Raises
    ------
    ValueError
        For p outside [0, 1], in evaluation too.

    Notes
    -----
    Ghiasi, Lin and Le (2018), DropBlock, equation 1; seeds per sample and channel, as torchvision.ops.drop_block2d.
    """
    _check(p)
    if not training:
        return x, None
    n, c, height, width = x.shape
    rows, columns = height - block_size + 1, width - block_size + 1
    gamma = p * height * width / (block_size**2 * rows * columns)
    seeds = rng.random((n, c, rows, columns)) < gamma
    dropped = np.zeros(x.shape, dtype=bool)
    for i, j in itertools.product(range(block_size), repeat=2):
        dropped[:, :, i : i + rows, j : j + columns] |= seeds
    factor = (~dropped * (dropped.size / max((~dropped).sum(), 1))).astype(x.dtype)
    return x * factor, factor


def drop_block2d_backward(dy: np.ndarray, cache: np.ndarray | None) -> np.ndarray:
    """The gradient through the mask and the scale of the forward pass; dy and dx are (N, C, H, W) arrays."""
    return _multiplied(dy, cache)


# Prediction: the average over all thinned networks, exactly, approximately, and by sampling.


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _softmax(logits: np.ndarray) -> np.ndarray:
    return np.exp(_log_softmax(logits))


def ensemble_predict(
    h: np.ndarray, weight: np.ndarray, bias: np.ndarray, p: float, mean: str = "geometric"
) -> np.ndarray:
    """The mean prediction of all 2^H networks that dropout of h can leave, each weighted by its probability.

    Parameters
    ----------
    h : (H,) array, the hidden units; masks of 0 and 1 multiply it, without a scale
    weight : (C, H) array
    bias : (C,) array
    p : float in [0, 1], the probability to drop a unit
    mean : "geometric", renormalised to sum 1, or "arithmetic", of the softmaxes of weight @ (mask * h) + bias

    Returns
    -------
    probabilities : (C,) array

    Raises
    ------
    ValueError
        For p outside [0, 1].

    Notes
    -----
    Warde-Farley, Goodfellow, Courville and Bengio (2014), An empirical analysis of dropout in piecewise linear
    networks; Goodfellow, Bengio and Courville (2016), Deep Learning, section 7.12.

    Examples
    --------
    Masks 0 and 1 of one unit give (1/2, 1/2) and (3/4, 1/4).

    >>> h, weight, bias = np.array([1.0]), np.array([[np.log(3)], [0.0]]), np.zeros(2)
    >>> ensemble_predict(h, weight, bias, 0.5, mean="arithmetic")
    array([0.625, 0.375])
    >>> ensemble_predict(h, weight, bias, 0.5).round(4)
    array([0.634, 0.366])
    """
    _check(p)
    masks = np.array(list(itertools.product((0, 1), repeat=len(h))), dtype=h.dtype)
    kept = masks.sum(axis=1)
    chance = (p ** (len(h) - kept) * (1 - p) ** kept).astype(h.dtype)
    log_softmaxes = _log_softmax((masks * h) @ weight.T + bias)
    if mean == "arithmetic":
        return chance @ np.exp(log_softmaxes)
    return _softmax(chance @ log_softmaxes)


def weight_scaling_predict(h: np.ndarray, weight: np.ndarray, bias: np.ndarray, p: float) -> np.ndarray:
    """The prediction of the one network whose outgoing weights are multiplied by the probability to keep.

    Parameters
    ----------
    h : (H,) array
    weight : (C, H) array
    bias : (C,) array
    p : float in [0, 1], the probability to drop a unit

    Returns
    -------
    probabilities : (C,) array, softmax((1 - p) weight @ h + bias)

    Raises
    ------
    ValueError
        For p outside [0, 1].

    Notes
    -----
    Hinton, Srivastava, Krizhevsky, Sutskever and Salakhutdinov (2012), Improving neural networks by preventing
    co-adaptation of feature detectors. For one masked layer it equals the renormalised geometric mean.

    Examples
    --------
    >>> weight_scaling_predict(np.array([2.0]), np.array([[np.log(3)], [0.0]]), np.zeros(2), 0.5)
    array([0.75, 0.25])
    """
    _check(p)
    return _softmax((1 - p) * (weight @ h) + bias)


def _entropy(probabilities: np.ndarray) -> np.ndarray:
    """Along the last axis, in nats, with 0 log 0 = 0."""
    positive = probabilities > 0
    return -np.where(positive, probabilities * np.log(np.where(positive, probabilities, 1)), 0).sum(axis=-1)


def mc_dropout(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What T passes with dropout on say together, and how far they agree.

    Parameters
    ----------
    probabilities : (T, N, C) array, T predictions for each of N samples

    Returns
    -------
    mean : (N, C) array, over the passes
    entropy : (N,) array, of the mean, in nats
    mutual_information : (N,) array, the entropy of the mean less the mean of the entropies

    Notes
    -----
    Gal and Ghahramani (2016), Dropout as a Bayesian approximation; Houlsby and others (2011) for the mutual
    information. 0 log 0 = 0.

    Examples
    --------
    Two passes that are sure of different classes: all of the uncertainty is disagreement.

    >>> mean, entropy, information = mc_dropout(np.array([[[1.0, 0.0]], [[0.0, 1.0]]]))
    >>> mean, entropy.round(4), information.round(4)
    (array([[0.5, 0.5]]), array([0.6931]), array([0.6931]))
    """
    mean = probabilities.mean(axis=0)
    entropy = _entropy(mean)
    return mean, entropy, entropy - _entropy(probabilities).mean(axis=0)


def dropout_ridge(x: np.ndarray, y: np.ndarray, p: float) -> np.ndarray:
    """The weights that minimise the expected squared error under inverted dropout of the inputs.

    Parameters
    ----------
    x : (N, D) array, with x^T x invertible
    y : (N,) array
    p : float in [0, 1), the probability to drop an input

    Returns
    -------
    w : (D,) array, (x^T x + p / (1 - p) diag(x^T x))^-1 x^T y; no intercept

    Raises
    ------
    ValueError
        For p outside [0, 1).

    Notes
    -----
    Srivastava and others (2014), section 9.1; Wager, Wang and Liang (2013), Dropout training as adaptive
    regularization.

    Examples
    --------
    >>> dropout_ridge(np.array([[1.0], [1.0]]), np.array([2.0, 2.0]), 0.5)
    array([1.])
    """
    _check(p, below_one=True)
    gram = x.T @ x
    return np.linalg.solve(gram + p / (1 - p) * np.diag(np.diag(gram)), x.T @ y)
