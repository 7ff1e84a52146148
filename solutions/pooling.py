"""Unit 3, the detector stage and pooling: the reference.

Every pooling here unrolls the image into its windows, computes one number of each, and in the backward pass
rolls the windows' gradients back, adding where windows overlap.
Goodfellow, Bengio and Courville, Deep Learning (2016), is cited as [DL].
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from solutions.conv_layer import conv2d_backward, conv2d_forward, conv_output_size


def relu_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rectifier max(x, 0), entry by entry.

    Parameters
    ----------
    x : array of any shape

    Returns
    -------
    y : array of x's shape
    cache : what relu_backward needs

    Notes
    -----
    [DL], section 6.3.1.

    Examples
    --------
    >>> relu_forward(np.array([-2.0, 0.0, 3.0]))[0]
    array([0., 0., 3.])
    """
    return np.maximum(x, 0), x > 0


def relu_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Gradient through relu_forward; the derivative at 0 is 0, as in torch.

    Parameters
    ----------
    dy : array of x's shape
    cache : from relu_forward

    Returns
    -------
    dx : array of x's shape

    Examples
    --------
    >>> relu_backward(np.array([5.0, 6.0, -7.0]), relu_forward(np.array([-2.0, 0.0, 3.0]))[1])
    array([ 0.,  0., -7.])
    """
    return np.where(cache, dy, 0)


def sigmoid_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The logistic sigmoid 1 / (1 + exp(-x)), without overflow.

    Parameters
    ----------
    x : array of any shape

    Returns
    -------
    y : array of x's shape
    cache : what sigmoid_backward needs

    Notes
    -----
    [DL], equation 3.30; computed as exp(-log(1 + exp(-x))).

    Examples
    --------
    >>> sigmoid_forward(np.array([-1000.0, 0.0, 1000.0]))[0]
    array([0. , 0.5, 1. ])
    """
    y = np.exp(-np.logaddexp(0, -x))
    return y, y


def sigmoid_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Gradient through sigmoid_forward: dy y (1 - y).

    Parameters
    ----------
    dy : array of x's shape
    cache : from sigmoid_forward

    Returns
    -------
    dx : array of x's shape

    Examples
    --------
    >>> sigmoid_backward(np.array([8.0]), sigmoid_forward(np.array([0.0]))[1])
    array([2.])
    """
    return dy * cache * (1 - cache)


def tanh_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The hyperbolic tangent.

    Parameters
    ----------
    x : array of any shape

    Returns
    -------
    y : array of x's shape
    cache : what tanh_backward needs

    Examples
    --------
    >>> tanh_forward(np.array([-1000.0, 0.0]))[0]
    array([-1.,  0.])
    """
    y = np.tanh(x)
    return y, y


def tanh_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Gradient through tanh_forward: dy (1 - y²).

    Parameters
    ----------
    dy : array of x's shape
    cache : from tanh_forward

    Returns
    -------
    dx : array of x's shape

    Examples
    --------
    >>> tanh_backward(np.array([5.0]), tanh_forward(np.array([0.0]))[1])
    array([5.])
    """
    return dy * (1 - cache**2)


def softmax(x: np.ndarray) -> np.ndarray:
    """Probabilities from scores: exp(x) divided by its sum over the classes, row by row.

    Parameters
    ----------
    x : (N, C) array

    Returns
    -------
    p : (N, C) array, positive, every row sums to 1

    Notes
    -----
    [DL], equation 4.1. The row's maximum is taken off first: it cancels, and exp cannot overflow.

    Examples
    --------
    >>> softmax(np.array([[10000.0, 10000.0, -10000.0]]))
    array([[0.5, 0.5, 0. ]])
    """
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def unroll(
    x: np.ndarray,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None,
    padding: int = 0,
    ceil_mode: bool = False,
    fill: float = 0.0,
) -> tuple[np.ndarray, tuple]:
    """Every pooling window of an image.

    Parameters
    ----------
    x : (N, C, H, W) array
    kernel_size, stride : int or pair; a stride of None is the kernel's size
    padding : int
    ceil_mode : bool, see conv_output_size
    fill : float, what stands outside the image

    Returns
    -------
    windows : (N, C, OH, OW, KH * KW) array, each window in row-major order
    geometry : what roll_back needs

    Examples
    --------
    >>> unroll(np.array([[[[1.0, 2.0, 3.0]]]]), (1, 2), 1)[0]
    array([[[[[1., 2.],
              [2., 3.]]]]])
    """
    (kh, kw), (h, w) = np.broadcast_to(kernel_size, 2).tolist(), x.shape[2:]
    sh, sw = np.broadcast_to(kernel_size if stride is None else stride, 2).tolist()
    out_h = conv_output_size(h, kh, sh, padding, ceil_mode=ceil_mode)
    out_w = conv_output_size(w, kw, sw, padding, ceil_mode=ceil_mode)
    # In ceil mode the last window may hang over by more than the padding.
    bottom = max((out_h - 1) * sh + kh - h - padding, 0)
    right = max((out_w - 1) * sw + kw - w - padding, 0)
    padded = np.pad(x, ((0, 0), (0, 0), (padding, bottom), (padding, right)), constant_values=fill)
    windows = sliding_window_view(padded, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    geometry = (h, w), (kh, kw), (sh, sw), padding, padded.shape
    return windows.reshape(*windows.shape[:4], kh * kw), geometry


def roll_back(dwindows: np.ndarray, geometry: tuple) -> np.ndarray:
    """The adjoint of unroll: every window's entries are added to the pixels that they were read from.

    Parameters
    ----------
    dwindows : (N, C, OH, OW, KH * KW) array
    geometry : from unroll

    Returns
    -------
    dx : (N, C, H, W) array

    Examples
    --------
    >>> windows, geometry = unroll(np.zeros((1, 1, 1, 3)), (1, 2), 1)
    >>> roll_back(np.array([[[[[1.0, 2.0], [3.0, 4.0]]]]]), geometry)
    array([[[[1., 5., 4.]]]])
    """
    (h, w), (kh, kw), (sh, sw), padding, padded_shape = geometry
    out_h, out_w = dwindows.shape[2:4]
    padded = np.zeros(padded_shape, dwindows.dtype)
    for k, (u, v) in enumerate(np.ndindex(kh, kw)):
        padded[:, :, u : u + sh * out_h : sh, v : v + sw * out_w : sw] += dwindows[..., k]
    return padded[:, :, padding : padding + h, padding : padding + w]


def max_pool2d_forward(
    x: np.ndarray,
    kernel_size: int | tuple[int, int],
    stride: int | None = None,
    padding: int = 0,
    ceil_mode: bool = False,
) -> tuple[np.ndarray, tuple]:
    """The maximum of every window.

    Parameters
    ----------
    x : (N, C, H, W) array
    kernel_size : int or (KH, KW)
    stride : int, or None for the kernel's size
    padding : int, at most half the kernel's size; the padding never wins: it counts as -inf
    ceil_mode : bool, keep a last window that hangs over the border, see conv_output_size

    Returns
    -------
    y : (N, C, OH, OW) array
    cache : what max_pool2d_backward needs

    Notes
    -----
    As torch.nn.functional.max_pool2d; [DL], section 9.3.

    Examples
    --------
    >>> max_pool2d_forward(np.array([[[[1.0, 3.0, 2.0, 0.0]]]]), (1, 3), stride=1)[0]
    array([[[[3., 3.]]]])
    """
    windows, geometry = unroll(x, kernel_size, stride, padding, ceil_mode, fill=-np.inf)
    # argmax takes the first maximum in row-major order, as torch does.
    winner = windows.argmax(axis=-1)[..., None]
    return np.take_along_axis(windows, winner, axis=-1)[..., 0], (winner, windows.shape, geometry)


def max_pool2d_backward(dy: np.ndarray, cache: tuple) -> np.ndarray:
    """Gradient through max_pool2d_forward: a window's whole gradient goes to its first maximum.

    Parameters
    ----------
    dy : (N, C, OH, OW) array
    cache : from max_pool2d_forward

    Returns
    -------
    dx : (N, C, H, W) array; where windows overlap, gradients add up

    Examples
    --------
    >>> y, cache = max_pool2d_forward(np.array([[[[1.0, 3.0, 2.0, 0.0]]]]), (1, 3), stride=1)
    >>> max_pool2d_backward(np.array([[[[5.0, 7.0]]]]), cache)
    array([[[[ 0., 12.,  0.,  0.]]]])
    """
    winner, shape, geometry = cache
    dwindows = np.zeros(shape, dy.dtype)
    np.put_along_axis(dwindows, winner, dy[..., None], axis=-1)
    return roll_back(dwindows, geometry)


def avg_pool2d_forward(
    x: np.ndarray,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    count_include_pad: bool = True,
) -> tuple[np.ndarray, tuple]:
    """The mean of every window.

    Parameters
    ----------
    x : (N, C, H, W) array
    kernel_size : int
    stride : int, or None for the kernel's size
    padding : int, at most half the kernel's size, filled with zeros
    count_include_pad : bool, divide by the window's size; False: by the number of its pixels inside the image

    Returns
    -------
    y : (N, C, OH, OW) array
    cache : what avg_pool2d_backward needs

    Notes
    -----
    As torch.nn.functional.avg_pool2d.

    Examples
    --------
    >>> x = np.array([[[[4.0, 8.0], [12.0, 16.0]]]])
    >>> avg_pool2d_forward(x, 2)[0]
    array([[[[10.]]]])
    >>> avg_pool2d_forward(x, 2, padding=1)[0]
    array([[[[1., 2.],
             [3., 4.]]]])
    >>> avg_pool2d_forward(x, 2, padding=1, count_include_pad=False)[0]
    array([[[[ 4.,  8.],
             [12., 16.]]]])
    """
    windows, geometry = unroll(x, kernel_size, stride, padding)
    inside, _ = unroll(np.ones((1, 1, *x.shape[2:]), x.dtype), kernel_size, stride, padding)
    count = inside.sum(axis=-1) if count_include_pad is False else inside.shape[-1]
    return windows.sum(axis=-1) / count, (count, windows.shape, geometry)


def avg_pool2d_backward(dy: np.ndarray, cache: tuple) -> np.ndarray:
    """Gradient through avg_pool2d_forward: every pixel of a window receives the same share.

    Parameters
    ----------
    dy : (N, C, OH, OW) array
    cache : from avg_pool2d_forward

    Returns
    -------
    dx : (N, C, H, W) array

    Examples
    --------
    >>> y, cache = avg_pool2d_forward(np.zeros((1, 1, 2, 2)), 2)
    >>> avg_pool2d_backward(np.array([[[[8.0]]]]), cache)
    array([[[[2., 2.],
             [2., 2.]]]])
    """
    count, shape, geometry = cache
    return roll_back(np.broadcast_to((dy / count)[..., None], shape), geometry)


def lp_pool2d_forward(
    x: np.ndarray, kernel_size: int, stride: int | None = None, norm_type: float = 2
) -> tuple[np.ndarray, tuple]:
    """The p-norm of every window.

    Parameters
    ----------
    x : (N, C, H, W) array
    kernel_size : int
    stride : int, or None for the kernel's size
    norm_type : number p >= 1

    Returns
    -------
    y : (N, C, OH, OW) array
    cache : what lp_pool2d_backward needs

    Notes
    -----
    (sum over the window of |x|^p)^(1/p), the sum and not the mean: as torch.nn.functional.lp_pool2d for even
    p. p = 1 is k² times average pooling of |x|, p -> infinity is max pooling of |x|.

    Examples
    --------
    >>> lp_pool2d_forward(np.array([[[[3.0, 0.0], [0.0, -4.0]]]]), 2)[0]
    array([[[[5.]]]])
    """
    windows, geometry = unroll(x, kernel_size, stride)
    y = (np.abs(windows) ** norm_type).sum(axis=-1) ** (1 / norm_type)
    return y, (windows, y, norm_type, geometry)


def lp_pool2d_backward(dy: np.ndarray, cache: tuple) -> np.ndarray:
    """Gradient through lp_pool2d_forward; 0 where the whole window is 0.

    Parameters
    ----------
    dy : (N, C, OH, OW) array
    cache : from lp_pool2d_forward

    Returns
    -------
    dx : (N, C, H, W) array

    Notes
    -----
    dy/dx = sign(x) (|x| / y)^(p - 1).

    Examples
    --------
    >>> y, cache = lp_pool2d_forward(np.array([[[[3.0, 0.0], [0.0, -4.0]]]]), 2)
    >>> lp_pool2d_backward(np.array([[[[10.0]]]]), cache)
    array([[[[ 6.,  0.],
             [ 0., -8.]]]])
    """
    windows, y, norm_type, geometry = cache
    norm = np.where(y > 0, y, 1)[..., None]
    slope = np.sign(windows) * (np.abs(windows) / norm) ** (norm_type - 1)
    return roll_back(dy[..., None] * slope, geometry)


def gaussian_weights(kernel_size: int, sigma: float) -> np.ndarray:
    """Weights of a window by distance from its centre, summing to 1.

    Parameters
    ----------
    kernel_size : int
    sigma : float, in pixels

    Returns
    -------
    weights : (kernel_size²,) float64 array, the window in row-major order

    Examples
    --------
    >>> gaussian_weights(2, 1.0)
    array([0.25, 0.25, 0.25, 0.25])
    """
    offset = np.arange(kernel_size) - (kernel_size - 1) / 2
    weights = np.exp(-(offset[:, None] ** 2 + offset**2) / (2 * sigma**2)).ravel()
    return weights / weights.sum()


def gaussian_pool2d_forward(x: np.ndarray, kernel_size: int, stride: int, sigma: float) -> tuple[np.ndarray, tuple]:
    """A mean of every window, weighted by the distance from the window's centre.

    Parameters
    ----------
    x : (N, C, H, W) array
    kernel_size, stride : int
    sigma : float, the weights' width in pixels

    Returns
    -------
    y : (N, C, OH, OW) array
    cache : what gaussian_pool2d_backward needs

    Notes
    -----
    Weights are proportional to exp(-r² / (2 sigma²)), r the distance from ((k - 1) / 2, (k - 1) / 2), and sum
    to 1; sigma -> infinity is average pooling. Blurring before subsampling: Zhang, Making convolutional
    networks shift-invariant again (2019).

    Examples
    --------
    >>> gaussian_pool2d_forward(np.full((1, 1, 3, 3), 7.0), 3, 1, 0.8)[0].round(9)
    array([[[[7.]]]])
    """
    windows, geometry = unroll(x, kernel_size, stride)
    weights = gaussian_weights(kernel_size, sigma).astype(x.dtype)
    return windows @ weights, (weights, geometry)


def gaussian_pool2d_backward(dy: np.ndarray, cache: tuple) -> np.ndarray:
    """Gradient through gaussian_pool2d_forward: every pixel of a window receives its weight's share.

    Parameters
    ----------
    dy : (N, C, OH, OW) array
    cache : from gaussian_pool2d_forward

    Returns
    -------
    dx : (N, C, H, W) array

    Examples
    --------
    >>> y, cache = gaussian_pool2d_forward(np.zeros((1, 1, 2, 2)), 2, 2, 1.0)
    >>> gaussian_pool2d_backward(np.array([[[[8.0]]]]), cache)
    array([[[[2., 2.],
             [2., 2.]]]])
    """
    weights, geometry = cache
    return roll_back(dy[..., None] * weights, geometry)


def global_avg_pool2d_forward(x: np.ndarray) -> tuple[np.ndarray, tuple]:
    """The mean of every map.

    Parameters
    ----------
    x : (N, C, H, W) array

    Returns
    -------
    y : (N, C) array
    cache : what global_avg_pool2d_backward needs

    Notes
    -----
    Lin, Chen and Yan, Network in network (2013), section 3.2.

    Examples
    --------
    >>> global_avg_pool2d_forward(np.arange(8.0).reshape(1, 2, 2, 2))[0]
    array([[1.5, 5.5]])
    """
    return x.mean(axis=(2, 3)), x.shape


def global_avg_pool2d_backward(dy: np.ndarray, cache: tuple) -> np.ndarray:
    """Gradient through global_avg_pool2d_forward: spread evenly over each map.

    Parameters
    ----------
    dy : (N, C) array
    cache : from global_avg_pool2d_forward

    Returns
    -------
    dx : (N, C, H, W) array

    Examples
    --------
    >>> y, cache = global_avg_pool2d_forward(np.zeros((1, 1, 1, 2)))
    >>> global_avg_pool2d_backward(np.array([[8.0]]), cache)
    array([[[[4., 4.]]]])
    """
    _, _, h, w = cache
    return np.broadcast_to(dy[:, :, None, None] / (h * w), cache).copy()


def conv_relu_pool_forward(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, padding: int, pool_size: int, pool_stride: int
) -> tuple[np.ndarray, tuple]:
    """The three stages of a convolutional layer: convolution, detector (ReLU), max pooling.

    Parameters
    ----------
    x : (N, C_in, H, W) array
    weight : (C_out, C_in, KH, KW) array
    bias : (C_out,) array or None
    padding : int, of the convolution, whose stride is 1; the pooling has none
    pool_size, pool_stride : int

    Returns
    -------
    y : (N, C_out, OH, OW) array
    cache : what conv_relu_pool_backward needs

    Notes
    -----
    [DL], section 9.3 and figure 9.7.

    Examples
    --------
    >>> x = np.array([[[[1.0, -5.0], [2.0, 0.0]]]])
    >>> conv_relu_pool_forward(x, np.array([[[[3.0]]]]), None, 0, 2, 2)[0]
    array([[[[6.]]]])
    """
    preactivation, conv_cache = conv2d_forward(x, weight, bias, padding=padding)
    detected, relu_cache = relu_forward(preactivation)
    y, pool_cache = max_pool2d_forward(detected, pool_size, pool_stride)
    return y, (conv_cache, relu_cache, pool_cache)


def conv_relu_pool_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Gradients through conv_relu_pool_forward: the stages' backward passes, last stage first.

    Parameters
    ----------
    dy : (N, C_out, OH, OW) array
    cache : from conv_relu_pool_forward

    Returns
    -------
    dx : (N, C_in, H, W) array
    dweight : (C_out, C_in, KH, KW) array
    dbias : (C_out,) array, or None where there was no bias

    Examples
    --------
    >>> x = np.array([[[[1.0, -5.0], [2.0, 0.0]]]])
    >>> y, cache = conv_relu_pool_forward(x, np.array([[[[3.0]]]]), None, 0, 2, 2)
    >>> conv_relu_pool_backward(np.array([[[[10.0]]]]), cache)[0]
    array([[[[ 0.,  0.],
             [30.,  0.]]]])
    """
    conv_cache, relu_cache, pool_cache = cache
    ddetected = max_pool2d_backward(dy, pool_cache)
    return conv2d_backward(relu_backward(ddetected, relu_cache), conv_cache)


def shift_consistency(f: Callable, x: np.ndarray, max_shift: int) -> float:
    """How often a classifier keeps its decision when the image moves by a few pixels.

    Parameters
    ----------
    f : callable, (N, C, H, W) images to (N, K) scores
    x : (N, C, H, W) array
    max_shift : int, at least 1

    Returns
    -------
    consistency : float, the fraction of samples whose argmax is unchanged, averaged over the circular shifts
        by 1 ... max_shift pixels, down and (separately) to the right

    Notes
    -----
    Zhang, Making convolutional networks shift-invariant again (2019), section 4; there the shifts are random.

    Examples
    --------
    >>> x = np.array([[[[9.0, 1.0, 2.0]]], [[[5.0, 4.0, 9.0]]]])
    >>> shift_consistency(lambda images: images[:, 0, 0, :2], x, 1)
    0.75
    """
    decision = f(x).argmax(axis=1)
    moved = [np.roll(x, s, axis) for s in range(1, max_shift + 1) for axis in (2, 3)]
    return float(np.mean([f(image).argmax(axis=1) == decision for image in moved]))
