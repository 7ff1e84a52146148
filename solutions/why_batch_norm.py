"""Unit 6, why batch normalization works: measuring instruments for the explanations. The reference.

Santurkar, Tsipras, Ilyas and Madry, How Does Batch Normalization Help Optimization? (2018), is cited as [S].
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from solutions.batch_norm import batch_norm_backward, batch_norm_forward


def noisy_batch_norm_forward(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    rng: np.random.Generator,
    mean_range: float,
    std_range: float,
    training: bool = True,
    eps: float = 1e-5,
) -> tuple[np.ndarray, tuple]:
    """Batch normalization whose output is scaled and shifted at random, anew in every call.

    Parameters
    ----------
    x : (N, D) array, N > 1
    gamma, beta : (D,) arrays
    rng : generator that the noise is drawn from
    mean_range : float, the shift of each feature is uniform in [-mean_range, mean_range]
    std_range : float, the factor of each feature is uniform in [1 - std_range, 1 + std_range]
    training : bool, False adds no noise; the batch's statistics are used either way, as there are no others
    eps : float

    Returns
    -------
    y : (N, D) array, factor * (gamma x_hat + beta) + shift
    cache : what noisy_batch_norm_backward needs

    Notes
    -----
    The intervention of [S], section 2.1: the layers behind see a distribution that jumps at every step. If
    stable distributions were what makes batch normalization work, this would undo it.

    Examples
    --------
    >>> rng, x = np.random.default_rng(0), np.array([[1.0], [3.0]])
    >>> y, _ = noisy_batch_norm_forward(x, np.ones(1), np.zeros(1), rng, 0.0, 0.0, eps=0.0)
    >>> y.ravel()
    array([-1.,  1.])
    """
    y, cache, _, _ = batch_norm_forward(x, gamma, beta, np.zeros_like(beta), np.ones_like(beta), eps=eps)
    if not training:
        return y, (np.ones_like(gamma), cache)
    factor = rng.uniform(1 - std_range, 1 + std_range, gamma.shape).astype(x.dtype)
    shift = rng.uniform(-mean_range, mean_range, beta.shape).astype(x.dtype)
    return factor * y + shift, (factor, cache)


def noisy_batch_norm_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of a loss through noisy_batch_norm_forward, for the noise of that call.

    Parameters
    ----------
    dy : (N, D) array
    cache : from noisy_batch_norm_forward

    Returns
    -------
    dx : (N, D) array
    dgamma, dbeta : (D,) arrays

    Examples
    --------
    >>> rng, x = np.random.default_rng(0), np.array([[1.0], [3.0]])
    >>> _, cache = noisy_batch_norm_forward(x, np.ones(1), np.zeros(1), rng, 0.5, 0.0)
    >>> noisy_batch_norm_backward(np.array([[1.0], [4.0]]), cache)[2]
    array([5.])
    """
    factor, bn_cache = cache
    return batch_norm_backward(dy * factor, bn_cache)


def covariate_shift(grad_before: np.ndarray, grad_after: np.ndarray) -> tuple[float, float]:
    """How much a layer's gradient changes when the layers before it are updated.

    Parameters
    ----------
    grad_before : array of any shape, not zero
    grad_after : array of the same shape, not zero

    Returns
    -------
    cosine : float, the cosine of the angle between the two
    relative_l2 : float, the norm of the difference divided by the norm of grad_before

    Notes
    -----
    [S], definition 2.1, measures internal covariate shift by the norm of the difference and its angle.

    Examples
    --------
    >>> covariate_shift(np.array([2.0, 0.0]), np.array([0.0, 1.0]))
    (0.0, 1.118033988749895)
    """
    before, after = np.ravel(grad_before), np.ravel(grad_after)
    length = np.linalg.norm(before)
    cosine = before @ after / (length * np.linalg.norm(after))
    return float(cosine), float(np.linalg.norm(after - before) / length)


def gradient_predictiveness(
    loss_and_grad: Callable, w: np.ndarray, step_sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Loss and change of the gradient along the step that plain gradient descent takes.

    Parameters
    ----------
    loss_and_grad : callable, w to (loss, gradient)
    w : (P,) array
    step_sizes : (A,) array

    Returns
    -------
    losses : (A,) array, the loss at w - a gradient(w) for each step size a
    grad_changes : (A,) array, the norm of the gradient there minus the gradient at w

    Notes
    -----
    [S], section 3.1 and figure 4: a smooth landscape is one in which a long step still finds the gradient
    that it set out with.

    Examples
    --------
    >>> w, steps = np.array([3.0, 4.0]), np.array([0.5, 1.0])
    >>> losses, changes = gradient_predictiveness(lambda w: (w @ w, 2 * w), w, steps)
    >>> losses, changes
    (array([ 0., 25.]), array([10., 20.]))
    """
    start = loss_and_grad(w)[1]
    there = [loss_and_grad(w - a * start) for a in step_sizes]
    losses = np.array([loss for loss, _ in there], dtype=w.dtype)
    changes = np.array([np.linalg.norm(grad - start) for _, grad in there], dtype=w.dtype)
    return losses, changes


def scale_invariance(loss_and_grad: Callable, w: np.ndarray, scale: float) -> tuple[float, float, float]:
    """Three numbers that are 0, 1/scale and 0 for weights that stand before a batch normalization.

    Parameters
    ----------
    loss_and_grad : callable, w to (loss, gradient)
    w : (P,) array
    scale : float, not 0

    Returns
    -------
    loss_change : float, loss(scale w) - loss(w)
    gradient_ratio : float, the norm of the gradient at scale w divided by the norm at w
    radial : float, the inner product of w and the gradient at w

    Notes
    -----
    A loss that does not change along the ray through w has no gradient along it, and the steeper the closer
    to the origin: van Laarhoven, L2 Regularization versus Batch and Weight Normalization (2017).

    Examples
    --------
    >>> scale_invariance(lambda w: (w @ w, 2 * w), np.array([3.0, 4.0]), 2.0)
    (75.0, 2.0, 50.0)
    """
    loss, grad = loss_and_grad(w)
    scaled_loss, scaled_grad = loss_and_grad(scale * w)
    ratio = np.linalg.norm(scaled_grad) / np.linalg.norm(grad)
    return float(scaled_loss - loss), float(ratio), float(w @ grad)


def effective_learning_rate(lr: float, w: np.ndarray) -> float:
    """The learning rate for the direction of weights that stand before a batch normalization.

    Parameters
    ----------
    lr : float
    w : array of any shape, not zero

    Returns
    -------
    effective : float, lr divided by the sum of squares of w

    Notes
    -----
    A step changes the direction w / ||w|| by lr times the gradient over ||w||, and that gradient itself is
    proportional to 1 / ||w||: van Laarhoven (2017), section 2.

    Examples
    --------
    >>> effective_learning_rate(0.5, np.array([3.0, 4.0]))
    0.02
    """
    return float(lr / np.sum(w**2))


def statistics_noise(pool: np.ndarray, batch_size: int, trials: int, rng: np.random.Generator) -> float:
    """How much the mean of a batch varies from batch to batch.

    Parameters
    ----------
    pool : (P,) array, the values that batches are drawn from
    batch_size : int, at most P
    trials : int, the number of batches
    rng : generator that the batches are drawn with

    Returns
    -------
    deviation : float, the standard deviation of the batches' means

    Notes
    -----
    Each batch is drawn without replacement. Its mean deviates by s sqrt((P - m) / (m (P - 1))), where m is
    the batch size and s the deviation of the pool: nearly s / sqrt(m) for small batches, and 0 for m = P.

    Examples
    --------
    >>> statistics_noise(np.array([1.0, 2.0, 6.0]), 3, 10, np.random.default_rng(0))
    0.0
    """
    means = [rng.permutation(pool)[:batch_size].mean() for _ in range(trials)]
    return float(np.std(means))
