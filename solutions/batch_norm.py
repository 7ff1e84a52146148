"""Unit 5, batch normalization as a layer: the reference.

Ioffe and Szegedy, Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
Shift (2015), is cited as [IS]. Conventions are PyTorch's: momentum weighs the new value, the variance that
normalises is biased, the running one is not.
"""

from __future__ import annotations

import numpy as np

from solutions.conv_layer import conv2d_backward, conv2d_forward


def batch_norm_forward(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    training: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[np.ndarray, tuple, np.ndarray, np.ndarray]:
    """Batch normalization of a batch of feature vectors.

    Parameters
    ----------
    x : (N, D) array
    gamma, beta : (D,) arrays, the scale and the shift of each feature
    running_mean, running_var : (D,) arrays, the statistics that evaluation uses
    training : bool, normalise by the batch's own statistics and move the running ones towards them; otherwise
        normalise by the running ones
    momentum : float, the weight of the new value in the running statistics
    eps : float, added to the variance

    Returns
    -------
    y : (N, D) array
    cache : what batch_norm_backward needs
    running_mean, running_var : (D,) arrays; in evaluation as they came

    Raises
    ------
    ValueError
        If training with a single value per feature, whose variance says nothing.

    Notes
    -----
    y = gamma x_hat + beta with x_hat = (x - mean) / sqrt(var + eps): [IS], Algorithm 1. The variance that
    normalises divides by N, the one that enters running_var by N - 1: [IS], Algorithm 2.

    Examples
    --------
    >>> x, one, zero = np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1)
    >>> y, _, mean, var = batch_norm_forward(x, 5 * one, zero, zero, one, eps=0.0)
    >>> y.ravel(), mean.round(6), var.round(6)
    (array([-5.,  5.]), array([0.2]), array([1.1]))
    """
    if training:
        n = len(x)
        if n < 2:
            raise ValueError("training needs more than one value per feature")
        mean, var = x.mean(axis=0), x.var(axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * (n / (n - 1))
    else:
        mean, var = running_mean, running_var
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, (x_hat, std, gamma, training), running_mean, running_var


def batch_norm_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of a loss through batch_norm_forward, in either mode.

    Parameters
    ----------
    dy : (N, D) array, the loss's gradient with respect to y
    cache : from batch_norm_forward

    Returns
    -------
    dx : (N, D) array
    dgamma, dbeta : (D,) arrays

    Notes
    -----
    In training mean and variance depend on x. Together they take from dx_hat = gamma dy its components along
    1 and along x_hat: what is left is dx = (dx_hat - mean(dx_hat) - x_hat mean(dx_hat x_hat)) / sqrt(var +
    eps). The derivation is that of [IS], section 3. In evaluation they are constants, and dx = dx_hat /
    sqrt(var + eps).

    Examples
    --------
    >>> x, one, zero = np.array([[0.0], [1.0], [2.0]]), np.ones(1), np.zeros(1)
    >>> _, cache, _, _ = batch_norm_forward(x, one, zero, zero, one, training=False, eps=0.0)
    >>> batch_norm_backward(np.array([[1.0], [2.0], [4.0]]), cache)[1:]
    (array([10.]), array([7.]))
    """
    x_hat, std, gamma, training = cache
    dgamma, dbeta = np.sum(dy * x_hat, axis=0), dy.sum(axis=0)
    dx_hat = dy * gamma
    if training:
        dx_hat = dx_hat - dx_hat.mean(axis=0) - x_hat * np.mean(dx_hat * x_hat, axis=0)
    return dx_hat / std, dgamma, dbeta


def batch_norm_backward_graph(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients of batch_norm_backward, node by node through the graph of Algorithm 1.

    Parameters
    ----------
    dy : (N, D) array
    cache : from batch_norm_forward

    Returns
    -------
    dx : (N, D) array
    dgamma, dbeta : (D,) arrays

    Notes
    -----
    The nodes are mean, centred = x - mean, var = mean(centred ** 2), x_hat = centred / sqrt(var + eps) and
    y = gamma x_hat + beta. Gradients of a node with several children add up: [IS], section 3.

    Examples
    --------
    >>> x, one, zero = np.array([[0.0], [1.0], [5.0]]), np.ones(1), np.zeros(1)
    >>> _, cache, _, _ = batch_norm_forward(x, one, zero, zero, one)
    >>> dy = np.array([[1.0], [2.0], [4.0]])
    >>> np.allclose(batch_norm_backward_graph(dy, cache)[0], batch_norm_backward(dy, cache)[0])
    True
    """
    x_hat, std, gamma, training = cache
    n, centred = len(dy), x_hat * std
    dgamma, dbeta = np.sum(dy * x_hat, axis=0), dy.sum(axis=0)
    dx_hat = dy * gamma
    dcentred = dx_hat / std
    if not training:
        return dcentred, dgamma, dbeta
    dstd = -np.sum(dx_hat * centred, axis=0) / std**2
    dvar = dstd / (2 * std)
    dcentred = dcentred + 2 * centred * dvar / n
    dmean = -dcentred.sum(axis=0)
    return dcentred + dmean / n, dgamma, dbeta


def batch_norm2d_forward(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    training: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[np.ndarray, tuple, np.ndarray, np.ndarray]:
    """Batch normalization of a batch of images: one mean and one variance for each channel.

    Parameters
    ----------
    x : (N, C, H, W) array
    gamma, beta, running_mean, running_var : (C,) arrays
    training, momentum, eps : as in batch_norm_forward

    Returns
    -------
    y : (N, C, H, W) array
    cache : what batch_norm2d_backward needs
    running_mean, running_var : (C,) arrays

    Raises
    ------
    ValueError
        If training with a single value per channel, N H W = 1.

    Notes
    -----
    The pixels of a channel, of all images, are treated as one batch: [IS], section 3.2.

    Examples
    --------
    >>> x = np.arange(8.0).reshape(2, 2, 1, 2)
    >>> one, zero = np.ones(2), np.zeros(2)
    >>> batch_norm2d_forward(x, one, zero, zero, one, momentum=1.0)[2]
    array([2.5, 4.5])
    """
    rows = np.moveaxis(x, 1, -1)
    y, cache, running_mean, running_var = batch_norm_forward(
        rows.reshape(-1, x.shape[1]), gamma, beta, running_mean, running_var, training, momentum, eps
    )
    return np.moveaxis(y.reshape(rows.shape), -1, 1), cache, running_mean, running_var


def batch_norm2d_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of a loss through batch_norm2d_forward, in either mode.

    Parameters
    ----------
    dy : (N, C, H, W) array
    cache : from batch_norm2d_forward

    Returns
    -------
    dx : (N, C, H, W) array
    dgamma, dbeta : (C,) arrays

    Examples
    --------
    >>> x, one, zero = np.arange(8.0).reshape(2, 2, 1, 2), np.ones(2), np.zeros(2)
    >>> _, cache, _, _ = batch_norm2d_forward(x, one, zero, zero, one)
    >>> batch_norm2d_backward(x, cache)[2]
    array([10., 18.])
    """
    rows = np.moveaxis(dy, 1, -1)
    dx, dgamma, dbeta = batch_norm_backward(rows.reshape(-1, dy.shape[1]), cache)
    return np.moveaxis(dx.reshape(rows.shape), -1, 1), dgamma, dbeta


def identity_affine(mean: np.ndarray, var: np.ndarray, eps: float = 1e-5) -> tuple[np.ndarray, np.ndarray]:
    """The gamma and beta that undo the normalization by these statistics.

    Parameters
    ----------
    mean, var : (D,) arrays, what is normalised by
    eps : float, as in the normalization

    Returns
    -------
    gamma, beta : (D,) arrays

    Notes
    -----
    [IS], section 3, says gamma = sqrt(var); with an eps in the normalization it belongs here, too.

    Examples
    --------
    >>> identity_affine(np.array([7.0]), np.array([15.0]), eps=1.0)
    (array([4.]), array([7.]))
    """
    return np.sqrt(var + eps), mean.copy()


def fold_batch_norm(
    weight: np.ndarray,
    bias: np.ndarray | None,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    eps: float = 1e-5,
) -> tuple[np.ndarray, np.ndarray]:
    """The convolution that equals a convolution followed by batch normalization in evaluation mode.

    Parameters
    ----------
    weight : (O, I, KH, KW) array
    bias : (O,) array, or None for a convolution without bias
    gamma, beta, running_mean, running_var : (O,) arrays
    eps : float

    Returns
    -------
    weight : (O, I, KH, KW) array
    bias : (O,) array

    Notes
    -----
    Evaluation is the affine map z -> scale (z - running_mean) + beta of each channel, with scale =
    gamma / sqrt(running_var + eps), and an affine map of a linear one is a linear one with a bias: [IS],
    section 3.1.

    Examples
    --------
    >>> weight, one = np.array([[[[3.0]]]]), np.ones(1)
    >>> fold_batch_norm(weight, None, 8 * one, 5 * one, one, 15 * one, eps=1.0)
    (array([[[[6.]]]]), array([3.]))
    """
    scale = gamma / np.sqrt(running_var + eps)
    offset = -running_mean if bias is None else bias - running_mean
    return weight * scale[:, None, None, None], beta + scale * offset


def combine_statistics(counts: np.ndarray, means: np.ndarray, variances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of a whole from those of its parts.

    Parameters
    ----------
    counts : (K,) integer array, the number of values in each part
    means : (K, C) array
    variances : (K, C) array, biased

    Returns
    -------
    mean : (C,) array
    var : (C,) array, biased

    Notes
    -----
    The law of total variance: the mean of the variances plus the variance of the means, both weighted by the
    counts. The dtype is that of means.

    Examples
    --------
    >>> combine_statistics(np.array([3, 1]), np.array([[2.0], [6.0]]), np.array([[4.0], [0.0]]))
    (array([3.]), array([6.]))
    """
    share = (counts / counts.sum()).astype(means.dtype)
    mean = share @ means
    return mean, share @ (variances + (means - mean) ** 2)


def conv_bn_relu_forward(
    x: np.ndarray,
    weight: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    padding: int = 0,
    training: bool = True,
) -> tuple[np.ndarray, tuple, np.ndarray, np.ndarray]:
    """Convolution, batch normalization and ReLU as one block.

    Parameters
    ----------
    x : (N, C, H, W) array
    weight : (O, C, KH, KW) array; the convolution has stride 1 and no bias, which beta makes superfluous
    gamma, beta, running_mean, running_var : (O,) arrays
    padding : int, zeros on each side
    training : bool, as in batch_norm_forward; momentum is 0.1 and eps 1e-5

    Returns
    -------
    y : (N, O, H + 2 padding - KH + 1, W + 2 padding - KW + 1) array
    cache : what conv_bn_relu_backward needs
    running_mean, running_var : (O,) arrays

    Examples
    --------
    >>> x, one, zero = np.array([[[[1.0, 2.0, 6.0]]]]), np.ones(1), np.zeros(1)
    >>> conv_bn_relu_forward(x, np.ones((1, 1, 1, 1)), one, zero, zero + 2, one - 1e-5, training=False)[0]
    array([[[[0., 0., 4.]]]])
    """
    z, conv_cache = conv2d_forward(x, weight, padding=padding)
    z, bn_cache, running_mean, running_var = batch_norm2d_forward(z, gamma, beta, running_mean, running_var, training)
    return np.maximum(z, 0), (conv_cache, bn_cache, z > 0), running_mean, running_var


def conv_bn_relu_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of a loss through conv_bn_relu_forward, in either mode.

    Parameters
    ----------
    dy : array of y's shape
    cache : from conv_bn_relu_forward

    Returns
    -------
    dx : (N, C, H, W) array
    dweight : (O, C, KH, KW) array
    dgamma, dbeta : (O,) arrays

    Notes
    -----
    The three backward passes in reverse order. ReLU's derivative at 0 is 0.

    Examples
    --------
    >>> x, one, zero = np.array([[[[1.0, 2.0, 6.0]]]]), np.ones(1), np.zeros(1)
    >>> y, cache, _, _ = conv_bn_relu_forward(
    ...     x, np.ones((1, 1, 1, 1)), one, zero, zero + 2, one - 1e-5, training=False
    ... )
    >>> conv_bn_relu_backward(np.array([[[[5.0, 5.0, 7.0]]]]), cache)[0]
    array([[[[0., 0., 7.]]]])
    """
    conv_cache, bn_cache, active = cache
    dz, dgamma, dbeta = batch_norm2d_backward(dy * active, bn_cache)
    dx, dweight, _ = conv2d_backward(dz, conv_cache)
    return dx, dweight, dgamma, dbeta
