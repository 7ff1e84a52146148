"""Unit 7, normalization beyond the batch: the reference.

Papers are cited where they belong; Wu and He, Group Normalization (2018), which shows most of them as one
computation over different axes, is cited as [WH].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from solutions.batch_norm import combine_statistics
from solutions.conv_layer import conv2d_backward, conv2d_forward


def normalize(x: np.ndarray, axes: tuple[int, ...], eps: float = 1e-5) -> tuple[np.ndarray, tuple]:
    """Zero mean and unit variance over some axes.

    Parameters
    ----------
    x : array of any shape
    axes : tuple of int, the axes whose entries share a mean and a variance; negative ones count from the end
    eps : float, added to the variance

    Returns
    -------
    x_hat : array of x's shape, (x - mean) / sqrt(var + eps), with the biased variance
    cache : what normalize_backward needs

    Notes
    -----
    [WH], equation 1: with x of shape (N, C, H, W), the axes (0, 2, 3) give batch normalization, (1, 2, 3)
    layer and (2, 3) instance normalization.

    Examples
    --------
    >>> normalize(np.array([[1.0, 3.0], [10.0, 20.0]]), (1,), eps=0.0)[0]
    array([[-1.,  1.],
           [-1.,  1.]])
    """
    centred = x - x.mean(axis=axes, keepdims=True)
    std = np.sqrt(np.mean(centred**2, axis=axes, keepdims=True) + eps)
    x_hat = centred / std
    return x_hat, (x_hat, std, axes)


def normalize_backward(dx_hat: np.ndarray, cache: tuple) -> np.ndarray:
    """Gradient of a loss through normalize.

    Parameters
    ----------
    dx_hat : array of x's shape
    cache : from normalize

    Returns
    -------
    dx : array of x's shape

    Notes
    -----
    (dx_hat - mean(dx_hat) - x_hat mean(dx_hat x_hat)) / sqrt(var + eps), means over the same axes: what is
    normalised away, a shift and a scale, has no gradient.

    Examples
    --------
    >>> x = np.array([0.0, 1.0, 2.0])
    >>> x_hat, cache = normalize(x, (0,))
    >>> normalize_backward(np.array([1.0, -2.0, 1.0]), cache).round(3)
    array([ 1.225, -2.449,  1.225])
    """
    x_hat, std, axes = cache
    along_one = dx_hat.mean(axis=axes, keepdims=True)
    along_x_hat = x_hat * np.mean(dx_hat * x_hat, axis=axes, keepdims=True)
    return (dx_hat - along_one - along_x_hat) / std


def layer_norm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5
) -> tuple[np.ndarray, tuple]:
    """Layer normalization: each sample by its own mean and variance.

    Parameters
    ----------
    x : (N, D) array
    gamma, beta : (D,) arrays, the scale and the shift of each feature
    eps : float

    Returns
    -------
    y : (N, D) array
    cache : what layer_norm_backward needs

    Notes
    -----
    Ba, Kiros and Hinton, Layer Normalization (2016), section 3.

    Examples
    --------
    >>> layer_norm_forward(np.array([[1.0, 3.0]]), np.array([2.0, 5.0]), np.array([0.0, 1.0]), eps=0.0)[0]
    array([[-2.,  6.]])
    """
    x_hat, cache = normalize(x, (1,), eps)
    return gamma * x_hat + beta, (x_hat, gamma, cache)


def layer_norm_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of a loss through layer_norm_forward.

    Parameters
    ----------
    dy : (N, D) array
    cache : from layer_norm_forward

    Returns
    -------
    dx : (N, D) array
    dgamma, dbeta : (D,) arrays

    Examples
    --------
    >>> _, cache = layer_norm_forward(np.array([[1.0, 3.0]]), np.ones(2), np.zeros(2), eps=0.0)
    >>> layer_norm_backward(np.array([[2.0, 7.0]]), cache)[1:]
    (array([-2.,  7.]), array([2., 7.]))
    """
    x_hat, gamma, inner = cache
    return normalize_backward(dy * gamma, inner), np.sum(dy * x_hat, axis=0), dy.sum(axis=0)


def instance_norm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5
) -> tuple[np.ndarray, tuple]:
    """Instance normalization: each channel of each image by its own mean and variance.

    Parameters
    ----------
    x : (N, C, H, W) array
    gamma, beta : (C,) arrays
    eps : float

    Returns
    -------
    y : (N, C, H, W) array
    cache : what instance_norm_backward needs

    Notes
    -----
    Ulyanov, Vedaldi and Lempitsky, Instance Normalization (2016), equation 3. An image's contrast is removed.

    Examples
    --------
    >>> x = np.array([[[[1.0, 3.0]]], [[[10.0, 90.0]]]])
    >>> instance_norm_forward(x, np.ones(1), np.zeros(1), eps=0.0)[0].tolist()
    [[[[-1.0, 1.0]]], [[[-1.0, 1.0]]]]
    """
    x_hat, cache = normalize(x, (2, 3), eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None], (x_hat, gamma, cache)


def instance_norm_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of a loss through instance_norm_forward.

    Parameters
    ----------
    dy : (N, C, H, W) array
    cache : from instance_norm_forward

    Returns
    -------
    dx : (N, C, H, W) array
    dgamma, dbeta : (C,) arrays

    Examples
    --------
    >>> _, cache = instance_norm_forward(np.array([[[[1.0, 3.0]]]]), np.ones(1), np.zeros(1), eps=0.0)
    >>> instance_norm_backward(np.array([[[[2.0, 7.0]]]]), cache)[1:]
    (array([5.]), array([9.]))
    """
    x_hat, gamma, inner = cache
    dx = normalize_backward(dy * gamma[:, None, None], inner)
    return dx, np.sum(dy * x_hat, axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3))


def group_norm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, num_groups: int, eps: float = 1e-5
) -> tuple[np.ndarray, tuple]:
    """Group normalization: neighbouring channels of an image share a mean and a variance.

    Parameters
    ----------
    x : (N, C, H, W) array
    gamma, beta : (C,) arrays, one for each channel, not for each group
    num_groups : int, the number of groups; the first C / num_groups channels are the first group, and so on
    eps : float

    Returns
    -------
    y : (N, C, H, W) array
    cache : what group_norm_backward needs

    Raises
    ------
    ValueError
        If C is not divisible by num_groups.

    Notes
    -----
    [WH], equation 7 and figure 3. One group is layer normalization over (C, H, W), C groups are instance
    normalization.

    Examples
    --------
    >>> x = np.array([1.0, 3.0, 10.0, 90.0]).reshape(1, 4, 1, 1)
    >>> group_norm_forward(x, np.ones(4), np.zeros(4), num_groups=2, eps=0.0)[0].ravel()
    array([-1.,  1., -1.,  1.])
    """
    n, c, h, w = x.shape
    if c % num_groups:
        raise ValueError(f"{c} channels cannot be divided into {num_groups} groups")
    x_hat, cache = normalize(x.reshape(n, num_groups, c // num_groups, h, w), (2, 3, 4), eps)
    x_hat = x_hat.reshape(x.shape)
    return gamma[:, None, None] * x_hat + beta[:, None, None], (x_hat, gamma, cache)


def group_norm_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of a loss through group_norm_forward.

    Parameters
    ----------
    dy : (N, C, H, W) array
    cache : from group_norm_forward

    Returns
    -------
    dx : (N, C, H, W) array
    dgamma, dbeta : (C,) arrays

    Examples
    --------
    >>> x = np.array([1.0, 3.0, 10.0, 90.0]).reshape(1, 4, 1, 1)
    >>> _, cache = group_norm_forward(x, np.ones(4), np.zeros(4), num_groups=2, eps=0.0)
    >>> group_norm_backward(x, cache)[1]
    array([ -1.,   3., -10.,  90.])
    """
    x_hat, gamma, inner = cache
    grouped = (dy * gamma[:, None, None]).reshape(inner[0].shape)
    dx = normalize_backward(grouped, inner).reshape(dy.shape)
    return dx, np.sum(dy * x_hat, axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3))


def rms_norm_forward(x: np.ndarray, gamma: np.ndarray, eps: float = 1e-5) -> tuple[np.ndarray, tuple]:
    """Root mean square normalization: each sample divided by its root mean square; no mean is taken off.

    Parameters
    ----------
    x : (N, D) array
    gamma : (D,) array
    eps : float, added to the mean square

    Returns
    -------
    y : (N, D) array, gamma x / sqrt(mean(x ** 2) + eps), the mean over a sample's features
    cache : what rms_norm_backward needs

    Notes
    -----
    Zhang and Sennrich, Root Mean Square Layer Normalization (2019), equation 4.

    Examples
    --------
    >>> rms_norm_forward(np.array([[1.0, 7.0]]), np.array([5.0, 10.0]), eps=0.0)[0]
    array([[ 1., 14.]])
    """
    rms = np.sqrt(np.mean(x**2, axis=1, keepdims=True) + eps)
    x_hat = x / rms
    return gamma * x_hat, (x_hat, rms, gamma)


def rms_norm_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of a loss through rms_norm_forward.

    Parameters
    ----------
    dy : (N, D) array
    cache : from rms_norm_forward

    Returns
    -------
    dx : (N, D) array
    dgamma : (D,) array

    Examples
    --------
    >>> _, cache = rms_norm_forward(np.array([[1.0, 7.0]]), np.ones(2), eps=0.0)
    >>> rms_norm_backward(np.array([[5.0, 10.0]]), cache)[1]
    array([ 1., 14.])
    """
    x_hat, rms, gamma = cache
    dx_hat = dy * gamma
    dx = (dx_hat - x_hat * np.mean(dx_hat * x_hat, axis=1, keepdims=True)) / rms
    return dx, np.sum(dy * x_hat, axis=0)


def sync_batch_norm_forward(
    shards: Sequence[np.ndarray], gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5
) -> tuple[list[np.ndarray], tuple]:
    """Batch normalization in training of a batch that lies in parts on several devices.

    Parameters
    ----------
    shards : list of (N_i, C, H, W) arrays; the N_i may differ
    gamma, beta : (C,) arrays
    eps : float

    Returns
    -------
    y : list of (N_i, C, H, W) arrays
    cache : what sync_batch_norm_backward needs

    Notes
    -----
    Devices exchange counts, means and variances of each channel, and normalise by the statistics of the
    whole: the result is that of batch normalization of all shards together.

    Examples
    --------
    >>> shards = [np.array([1.0]).reshape(1, 1, 1, 1), np.array([3.0]).reshape(1, 1, 1, 1)]
    >>> [y.item() for y in sync_batch_norm_forward(shards, np.ones(1), np.zeros(1), eps=0.0)[0]]
    [-1.0, 1.0]
    """
    counts = np.array([shard.size // shard.shape[1] for shard in shards])
    means = np.stack([shard.mean(axis=(0, 2, 3)) for shard in shards])
    variances = np.stack([shard.var(axis=(0, 2, 3)) for shard in shards])
    mean, var = combine_statistics(counts, means, variances)
    std = np.sqrt(var + eps)
    x_hats = [(shard - mean[:, None, None]) / std[:, None, None] for shard in shards]
    y = [gamma[:, None, None] * x_hat + beta[:, None, None] for x_hat in x_hats]
    return y, (x_hats, std, gamma, int(counts.sum()))


def sync_batch_norm_backward(dy: Sequence[np.ndarray], cache: tuple) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Gradients of a loss through sync_batch_norm_forward.

    Parameters
    ----------
    dy : list of (N_i, C, H, W) arrays
    cache : from sync_batch_norm_forward

    Returns
    -------
    dx : list of (N_i, C, H, W) arrays
    dgamma, dbeta : (C,) arrays

    Notes
    -----
    The backward pass needs an exchange, too: the two sums over the batch are sums over all shards.

    Examples
    --------
    >>> shards = [np.array([1.0]).reshape(1, 1, 1, 1), np.array([3.0]).reshape(1, 1, 1, 1)]
    >>> _, cache = sync_batch_norm_forward(shards, np.ones(1), np.zeros(1), eps=0.0)
    >>> sync_batch_norm_backward([2 * shards[0], 3 * shards[1]], cache)[1:]
    (array([7.]), array([11.]))
    """
    x_hats, std, gamma, count = cache
    dgamma = sum(np.sum(d * x_hat, axis=(0, 2, 3)) for d, x_hat in zip(dy, x_hats, strict=True))
    dbeta = sum(d.sum(axis=(0, 2, 3)) for d in dy)
    scale, along_one, along_x_hat = (v[:, None, None] for v in (gamma / std, dbeta / count, dgamma / count))
    dx = [scale * (d - along_one - x_hat * along_x_hat) for d, x_hat in zip(dy, x_hats, strict=True)]
    return dx, dgamma, dbeta


def weight_norm_forward(v: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, tuple]:
    """Weight normalization: the weights of each output unit from a direction and a length.

    Parameters
    ----------
    v : (O, ...) array, the directions; the first axis is the output unit
    g : (O,) array, the lengths

    Returns
    -------
    weight : array of v's shape, g v / ||v||, the norm over all axes but the first
    cache : what weight_norm_backward needs

    Notes
    -----
    Salimans and Kingma, Weight Normalization (2016), equation 2.

    Examples
    --------
    >>> weight_norm_forward(np.array([[3.0, 4.0]]), np.array([10.0]))[0]
    array([[6., 8.]])
    """
    rows = v.reshape(len(v), -1)
    norm = np.sqrt(np.sum(rows**2, axis=1, keepdims=True))
    direction, g = rows / norm, g[:, None]
    return (g * direction).reshape(v.shape), (direction, norm, g)


def weight_norm_backward(dweight: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of a loss through weight_norm_forward.

    Parameters
    ----------
    dweight : (O, ...) array
    cache : from weight_norm_forward

    Returns
    -------
    dv : array of dweight's shape, orthogonal to v for each output unit
    dg : (O,) array

    Notes
    -----
    Salimans and Kingma (2016), equation 3.

    Examples
    --------
    >>> _, cache = weight_norm_forward(np.array([[3.0, 4.0]]), np.array([10.0]))
    >>> dv, dg = weight_norm_backward(np.array([[5.0, 0.0]]), cache)
    >>> dv.round(6), dg.round(6)
    (array([[ 6.4, -4.8]]), array([3.]))
    """
    direction, norm, g = cache
    rows = dweight.reshape(direction.shape)
    dg = np.sum(rows * direction, axis=1, keepdims=True)
    return (g / norm * (rows - dg * direction)).reshape(dweight.shape), dg[:, 0]


def weight_standardization_forward(weight: np.ndarray, eps: float = 1e-5) -> tuple[np.ndarray, tuple]:
    """Weight standardization: every output filter with mean 0 and variance 1.

    Parameters
    ----------
    weight : (O, I, KH, KW) array
    eps : float, added to the biased variance

    Returns
    -------
    weight : (O, I, KH, KW) array
    cache : what weight_standardization_backward needs

    Notes
    -----
    Qiao, Wang, Liu, Shen and Yuille, Weight Standardization (2019), equation 7.

    Examples
    --------
    >>> weight_standardization_forward(np.array([1.0, 3.0]).reshape(1, 2, 1, 1), eps=0.0)[0].ravel()
    array([-1.,  1.])
    """
    return normalize(weight, (1, 2, 3), eps)


def weight_standardization_backward(dweight: np.ndarray, cache: tuple) -> np.ndarray:
    """Gradient of a loss through weight_standardization_forward.

    Parameters
    ----------
    dweight : (O, I, KH, KW) array, the gradient with respect to the standardised weight
    cache : from weight_standardization_forward

    Returns
    -------
    dweight : (O, I, KH, KW) array, the gradient with respect to the weight

    Examples
    --------
    >>> _, cache = weight_standardization_forward(np.array([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1), eps=0.0)
    >>> dy = np.array([1.0, -2.0, 1.0]).reshape(1, 3, 1, 1)
    >>> weight_standardization_backward(dy, cache).ravel().round(3)
    array([ 1.225, -2.449,  1.225])
    """
    return normalize_backward(dweight, cache)


def spectral_norm_forward(
    weight: np.ndarray, u: np.ndarray, n_power_iterations: int = 1, eps: float = 1e-12
) -> tuple[np.ndarray, tuple, np.ndarray]:
    """The weight divided by an estimate of its largest singular value.

    Parameters
    ----------
    weight : (O, ...) array, taken as the matrix (O, everything else)
    u : (O,) array, the estimate of the left singular vector from the last call
    n_power_iterations : int, at least 1
    eps : float, the smallest norm that is divided by in the power iteration

    Returns
    -------
    weight_sn : array of weight's shape
    cache : what spectral_norm_backward needs
    u : (O,) array, the better estimate, for the next call

    Notes
    -----
    Miyato, Kataoka, Koyama and Yoshida, Spectral Normalization (2018), algorithm 1: v = W^T u / ||W^T u||,
    then u = W v / ||W v||, and sigma = u^T W v.

    Examples
    --------
    >>> weight_sn, _, u = spectral_norm_forward(np.diag([3.0, 1.0]), np.array([1.0, 0.0]))
    >>> weight_sn.round(3), u
    (array([[1.   , 0.   ],
           [0.   , 0.333]]), array([1., 0.]))
    """
    matrix = weight.reshape(len(weight), -1)
    for _ in range(n_power_iterations):
        v = matrix.T @ u
        v = v / max(np.linalg.norm(v), eps)
        u = matrix @ v
        u = u / max(np.linalg.norm(u), eps)
    sigma = u @ matrix @ v
    weight_sn = weight / sigma
    return weight_sn, (weight_sn, sigma, u, v), u


def spectral_norm_backward(dweight_sn: np.ndarray, cache: tuple) -> np.ndarray:
    """Gradient of a loss through spectral_norm_forward, with u and v taken as constants.

    Parameters
    ----------
    dweight_sn : (O, ...) array
    cache : from spectral_norm_forward

    Returns
    -------
    dweight : (O, ...) array

    Notes
    -----
    The gradient of sigma = u^T W v with respect to W is u v^T: Miyato and others (2018), equation 9 (here
    with the sign of the loss's own gradient).

    Examples
    --------
    >>> _, cache, _ = spectral_norm_forward(np.diag([2.0, 1.0]), np.array([1.0, 0.0]))
    >>> spectral_norm_backward(np.array([[1.0, 2.0], [3.0, 4.0]]), cache)
    array([[-1. ,  1. ],
           [ 1.5,  2. ]])
    """
    weight_sn, sigma, u, v = cache
    along_sigma = np.sum(dweight_sn * weight_sn) * np.outer(u, v)
    return (dweight_sn - along_sigma.reshape(dweight_sn.shape)) / sigma


def conv_operator_norm(weight: np.ndarray, height: int, width: int) -> float:
    """The largest singular value of a circular convolution as a map of images.

    Parameters
    ----------
    weight : (O, I, KH, KW) array
    height, width : int, the images' size, at least the kernel's

    Returns
    -------
    norm : float

    Notes
    -----
    The Fourier transform turns a circular convolution into one O x I matrix for each frequency; the
    operator's singular values are those of these matrices: Sedghi, Gupta and Long, The Singular Values of
    Convolutional Layers (2019), theorem 6. Flipping the kernel conjugates the matrices and changes no
    singular value.

    Examples
    --------
    >>> round(conv_operator_norm(np.ones((1, 1, 2, 2)), 5, 4), 6)
    4.0
    """
    frequencies = np.fft.fft2(weight, (height, width))
    return float(np.linalg.norm(frequencies.transpose(2, 3, 0, 1), ord=2, axis=(2, 3)).max())


def adaptive_instance_norm_forward(
    content: np.ndarray, style: np.ndarray, eps: float = 1e-5
) -> tuple[np.ndarray, tuple]:
    """The content's channels with the mean and the deviation of the style's.

    Parameters
    ----------
    content : (N, C, H, W) array
    style : (N, C, H', W') array
    eps : float, added to both variances, so that a picture in its own style stays as it is

    Returns
    -------
    y : (N, C, H, W) array
    cache : what adaptive_instance_norm_backward needs

    Notes
    -----
    Huang and Belongie, Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization (2017),
    equation 8.

    Examples
    --------
    >>> content, style = np.array([[[[1.0, 3.0]]]]), np.array([[[[10.0, 30.0]]]])
    >>> adaptive_instance_norm_forward(content, style, eps=0.0)[0]
    array([[[[10., 30.]]]])
    """
    content_hat, content_cache = normalize(content, (2, 3), eps)
    mean, var = (f(style, axis=(2, 3), keepdims=True) for f in (np.mean, np.var))
    std = np.sqrt(var + eps)
    return std * content_hat + mean, (content_hat, content_cache, (style - mean) / std, std)


def adaptive_instance_norm_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of a loss through adaptive_instance_norm_forward.

    Parameters
    ----------
    dy : (N, C, H, W) array
    cache : from adaptive_instance_norm_forward

    Returns
    -------
    dcontent : (N, C, H, W) array
    dstyle : (N, C, H', W') array

    Notes
    -----
    The style enters through its mean, whose gradient is 1/m for each of its m pixels, and through its
    deviation, whose gradient is (style - mean) / (m std).

    Examples
    --------
    >>> content, style = np.array([[[[1.0, 3.0]]]]), np.array([[[[10.0, 30.0]]]])
    >>> _, cache = adaptive_instance_norm_forward(content, style, eps=0.0)
    >>> adaptive_instance_norm_backward(np.array([[[[2.0, 6.0]]]]), cache)[1]
    array([[[[2., 6.]]]])
    """
    content_hat, content_cache, style_hat, std = cache
    dmean = dy.sum(axis=(2, 3), keepdims=True)
    dstd = np.sum(dy * content_hat, axis=(2, 3), keepdims=True)
    pixels = style_hat.shape[2] * style_hat.shape[3]
    return normalize_backward(dy * std, content_cache), (dmean + dstd * style_hat) / pixels


def spade_forward(
    x: np.ndarray,
    segmap: np.ndarray,
    gamma_weight: np.ndarray,
    gamma_bias: np.ndarray,
    beta_weight: np.ndarray,
    beta_bias: np.ndarray,
    eps: float = 1e-5,
) -> tuple[np.ndarray, tuple]:
    """Instance normalization whose scale and shift are pictures, computed from a segmentation map.

    Parameters
    ----------
    x : (N, C, H, W) array
    segmap : (N, S, H, W) array, one plane for each label
    gamma_weight, beta_weight : (C, S, K, K) arrays, K odd
    gamma_bias, beta_bias : (C,) arrays
    eps : float

    Returns
    -------
    y : (N, C, H, W) array, x_hat (1 + gamma(segmap)) + beta(segmap); gamma and beta are convolutions that
        keep height and width
    cache : what spade_backward needs

    Notes
    -----
    Park, Liu, Wang and Zhu, Semantic Image Synthesis with Spatially-Adaptive Normalization (2019), equation
    1, with the statistics of each image and without the shared first convolution.

    Examples
    --------
    >>> x, segmap = np.array([[[[1.0, 3.0]]]]), np.array([[[[0.0, 1.0]]]])
    >>> weight, zero = np.array([[[[9.0]]]]), np.zeros(1)
    >>> spade_forward(x, segmap, weight, zero, 2 * weight, zero, eps=0.0)[0]
    array([[[[-1., 28.]]]])
    """
    same = gamma_weight.shape[-1] // 2
    x_hat, cache = normalize(x, (2, 3), eps)
    gamma, gamma_cache = conv2d_forward(segmap, gamma_weight, gamma_bias, padding=same)
    beta, beta_cache = conv2d_forward(segmap, beta_weight, beta_bias, padding=same)
    return x_hat * (1 + gamma) + beta, (x_hat, gamma, cache, gamma_cache, beta_cache)


def spade_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of a loss through spade_forward.

    Parameters
    ----------
    dy : (N, C, H, W) array
    cache : from spade_forward

    Returns
    -------
    dx : (N, C, H, W) array
    dgamma_weight : (C, S, K, K) array
    dgamma_bias : (C,) array
    dbeta_weight : (C, S, K, K) array
    dbeta_bias : (C,) array

    Examples
    --------
    >>> x, segmap = np.array([[[[1.0, 3.0]]]]), np.array([[[[0.0, 1.0]]]])
    >>> weight, zero = np.ones((1, 1, 1, 1)), np.zeros(1)
    >>> _, cache = spade_forward(x, segmap, weight, zero, weight, zero, eps=0.0)
    >>> [g.item() for g in spade_backward(np.array([[[[2.0, 7.0]]]]), cache)[1:]]
    [7.0, 5.0, 7.0, 9.0]
    """
    x_hat, gamma, inner, gamma_cache, beta_cache = cache
    dx = normalize_backward(dy * (1 + gamma), inner)
    _, dgamma_weight, dgamma_bias = conv2d_backward(dy * x_hat, gamma_cache)
    _, dbeta_weight, dbeta_bias = conv2d_backward(dy, beta_cache)
    return dx, dgamma_weight, dgamma_bias, dbeta_weight, dbeta_bias


def local_response_norm(
    x: np.ndarray, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> np.ndarray:
    """Local response normalization: each channel damped by its neighbours at the same pixel.

    Parameters
    ----------
    x : (N, C, H, W) array
    size : int, the number of channels in a window: c - size // 2 to c + (size - 1) // 2
    alpha, beta, k : float

    Returns
    -------
    y : (N, C, H, W) array, x / (k + alpha / size * sum of the window's squares) ** beta; channels that do not
        exist count as zeros

    Notes
    -----
    Krizhevsky, Sutskever and Hinton, ImageNet Classification with Deep Convolutional Neural Networks (2012),
    section 3.3, with PyTorch's division by size.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1)
    >>> local_response_norm(x, size=2, alpha=2.0, beta=1.0, k=0.0).ravel()
    array([1.        , 0.4       , 0.23076923])
    """
    around = np.pad(x**2, ((0, 0), (size // 2, (size - 1) // 2), (0, 0), (0, 0)))
    sums = sliding_window_view(around, size, axis=1).sum(axis=-1)
    return x / (k + alpha / size * sums) ** beta
