"""Unit 2, the convolution layer, forward and backward: the reference.

Layers call cross-correlation convolution, and so do we from here on. Images are (N, C, H, W), weights are
(C_out, C_in / groups, KH, KW); sizes, strides, paddings and dilations are one integer for both axes.
Goodfellow, Bengio and Courville, Deep Learning (2016), chapter 9, is cited as [DL]; Dumoulin and Visin, A
guide to convolution arithmetic for deep learning (2016), as [DV].
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def conv_output_size(
    size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1, ceil_mode: bool = False
) -> int:
    """Number of windows along one axis.

    Parameters
    ----------
    size : int, the axis before padding
    kernel_size : int
    stride : int, the step from window to window
    padding : int, zeros added at each end
    dilation : int, the step from kernel entry to kernel entry
    ceil_mode : bool, keep a last window that hangs over the end, if it starts inside the input or the padding
        before it

    Returns
    -------
    windows : int, at least 1

    Raises
    ------
    ValueError
        If not even one window fits.

    Notes
    -----
    floor((size + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1, with ceil in place of floor in
    ceil_mode: [DV], relationship 15, and torch.nn.MaxPool2d.

    Examples
    --------
    >>> conv_output_size(32, 3, stride=2, padding=1)
    16
    >>> conv_output_size(6, 3, stride=2), conv_output_size(6, 3, stride=2, ceil_mode=True)
    (2, 3)
    """
    # How far the first window can travel.
    room = size + 2 * padding - dilation * (kernel_size - 1) - 1
    windows = (-(-room // stride) if ceil_mode else room // stride) + 1
    if ceil_mode and (windows - 1) * stride >= size + padding:
        windows -= 1
    if windows < 1:
        raise ValueError(f"no window of {kernel_size}, dilation {dilation}, fits into {size} + 2 * {padding}")
    return windows


def conv2d_naive(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None, stride: int = 1, padding: int = 0
) -> np.ndarray:
    """The convolution layer with loops: its executable definition.

    Parameters
    ----------
    x : (N, C_in, H, W) array
    weight : (C_out, C_in, KH, KW) array
    bias : (C_out,) array or None
    stride, padding : int

    Returns
    -------
    y : (N, C_out, OH, OW) array

    Notes
    -----
    y[n, o, i, j] = bias[o] + sum over c, u, v of x_padded[n, c, i stride + u, j stride + v] weight[o, c, u,
    v]: [DL], equation 9.8.

    Examples
    --------
    >>> x = np.arange(6.0).reshape(1, 1, 2, 3)
    >>> conv2d_naive(x, np.array([[[[1.0, 10.0]]]]), np.array([0.5]))
    array([[[[10.5, 21.5],
             [43.5, 54.5]]]])
    """
    n, _, h, w = x.shape
    c_out, _, kh, kw = weight.shape
    out_h = conv_output_size(h, kh, stride, padding)
    out_w = conv_output_size(w, kw, stride, padding)
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    y = np.zeros((n, c_out, out_h, out_w), x.dtype)
    for sample, o, i, j in np.ndindex(y.shape):
        top, left = i * stride, j * stride
        y[sample, o, i, j] = np.sum(padded[sample, :, top : top + kh, left : left + kw] * weight[o])
        if bias is not None:
            y[sample, o, i, j] += bias[o]
    return y


def im2col(
    x: np.ndarray, kernel_size: tuple[int, int], stride: int = 1, padding: int = 0, dilation: int = 1
) -> np.ndarray:
    """Copy every window of a batch of images into a column, so that convolution becomes one matrix product.

    Parameters
    ----------
    x : (N, C, H, W) array
    kernel_size : (KH, KW)
    stride, padding, dilation : int

    Returns
    -------
    columns : (N, C * KH * KW, L) array with L = OH * OW; a column runs over channels, then the window's rows,
        then its columns, and the windows follow each other in row-major order

    Notes
    -----
    As torch.nn.functional.unfold. Chellapilla, Puri and Simard, High performance convolutional neural
    networks for document processing (2006).

    Examples
    --------
    >>> im2col(np.arange(6.0).reshape(1, 1, 2, 3), (2, 2))
    array([[[0., 1.],
            [1., 2.],
            [3., 4.],
            [4., 5.]]])
    """
    n, c, _, _ = x.shape
    kh, kw = kernel_size
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    reach = dilation * (kh - 1) + 1, dilation * (kw - 1) + 1
    every = sliding_window_view(padded, reach, axis=(2, 3))
    windows = every[:, :, ::stride, ::stride, ::dilation, ::dilation]
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, c * kh * kw, -1)


def col2im(
    columns: np.ndarray,
    output_size: tuple[int, int],
    kernel_size: tuple[int, int],
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> np.ndarray:
    """Add every column back to where im2col read it: the adjoint of im2col.

    Parameters
    ----------
    columns : (N, C * KH * KW, L) array
    output_size : (H, W), the images' size
    kernel_size : (KH, KW)
    stride, padding, dilation : int, as for im2col

    Returns
    -------
    x : (N, C, H, W) array; pixels that several windows read receive a sum, what fell on the padding is
        dropped

    Notes
    -----
    As torch.nn.functional.fold. <im2col(x), columns> = <x, col2im(columns)> for all x and columns.

    Examples
    --------
    >>> col2im(np.ones((1, 4, 2)), (2, 3), (2, 2))
    array([[[[1., 2., 1.],
             [1., 2., 1.]]]])
    """
    (h, w), (kh, kw) = output_size, kernel_size
    out_h = conv_output_size(h, kh, stride, padding, dilation)
    out_w = conv_output_size(w, kw, stride, padding, dilation)
    n, rows, _ = columns.shape
    taps = columns.reshape(n, rows // (kh * kw), kh, kw, out_h, out_w)
    padded = np.zeros((n, taps.shape[1], h + 2 * padding, w + 2 * padding), columns.dtype)
    for u, v in np.ndindex(kh, kw):
        top, left = u * dilation, v * dilation
        down, right = top + stride * out_h, left + stride * out_w
        padded[:, :, top:down:stride, left:right:stride] += taps[:, :, u, v]
    return padded[:, :, padding : padding + h, padding : padding + w]


def conv2d_forward(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
) -> tuple[np.ndarray, tuple]:
    """The convolution layer.

    Parameters
    ----------
    x : (N, C_in, H, W) array
    weight : (C_out, C_in / groups, KH, KW) array
    bias : (C_out,) array or None
    stride, padding, dilation : int
    groups : int, a divisor of C_in and C_out: the first C_out / groups filters see the first C_in / groups
        channels, and so on

    Returns
    -------
    y : (N, C_out, OH, OW) array
    cache : what conv2d_backward needs

    Notes
    -----
    y[n, o, i, j] = bias[o] + sum over c, u, v of x_padded[n, c, i stride + u dilation, j stride + v dilation]
    weight[o, c, u, v], as torch.nn.functional.conv2d.

    Examples
    --------
    >>> x = np.arange(6.0).reshape(1, 1, 2, 3)
    >>> y, cache = conv2d_forward(x, np.array([[[[1.0, 10.0]]]]), np.array([0.5]), padding=1, stride=2)
    >>> y
    array([[[[ 0.5,  0.5],
             [30.5, 54.5]]]])
    """
    n, _, h, w = x.shape
    c_out, _, kh, kw = weight.shape
    out_h = conv_output_size(h, kh, stride, padding, dilation)
    out_w = conv_output_size(w, kw, stride, padding, dilation)
    columns = im2col(x, (kh, kw), stride, padding, dilation).reshape(n, groups, -1, out_h * out_w)
    filters = weight.reshape(groups, c_out // groups, -1)
    y = (filters @ columns).reshape(n, c_out, out_h, out_w)
    if bias is not None:
        y += bias[:, None, None]
    return y, (columns, filters, (h, w), weight.shape, (stride, padding, dilation), bias is not None)


def conv2d_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Gradients through conv2d_forward.

    Parameters
    ----------
    dy : (N, C_out, OH, OW) array
    cache : from conv2d_forward

    Returns
    -------
    dx : (N, C_in, H, W) array
    dweight : (C_out, C_in / groups, KH, KW) array
    dbias : (C_out,) array, or None where there was no bias

    Notes
    -----
    Forward is y = W columns. So dW = dy columnsᵀ, summed over samples; dcolumns = Wᵀ dy, which col2im
    scatters to the pixels that the windows had read: [DL], equations 9.11 and 9.13.

    Examples
    --------
    >>> y, cache = conv2d_forward(np.array([[[[3.0, 4.0, 5.0]]]]), np.array([[[[1.0, 6.0]]]]))
    >>> dx, dweight, dbias = conv2d_backward(np.array([[[[1.0, 2.0]]]]), cache)
    >>> dx.ravel(), dweight.ravel(), dbias
    (array([ 1.,  8., 12.]), array([11., 14.]), None)
    """
    columns, filters, size, weight_shape, steps, has_bias = cache
    n, groups = columns.shape[:2]
    dout = dy.reshape(n, groups, filters.shape[1], -1)
    dweight = (dout @ columns.swapaxes(2, 3)).sum(axis=0).reshape(weight_shape)
    dcolumns = (filters.swapaxes(1, 2) @ dout).reshape(n, -1, dout.shape[3])
    dx = col2im(dcolumns, size, weight_shape[2:], *steps)
    return dx, dweight, dy.sum(axis=(0, 2, 3)) if has_bias else None


def conv_transpose2d_forward(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
) -> tuple[np.ndarray, tuple]:
    """The transposed convolution: a convolution's backward pass used as a layer that enlarges.

    Parameters
    ----------
    x : (N, C_in, H, W) array
    weight : (C_in, C_out, KH, KW) array: the weight of the convolution from C_out to C_in channels
    bias : (C_out,) array or None
    stride : int, the step from patch to patch in the output
    padding : int, rows and columns cut off at each end of the output
    output_padding : int, 0 <= output_padding < stride, rows and columns more at the bottom and the right

    Returns
    -------
    y : (N, C_out, OH, OW) array with OH = (H - 1) stride - 2 padding + KH + output_padding
    cache : what conv_transpose2d_backward needs

    Notes
    -----
    Every pixel of x stamps the kernel, times its value, into y; overlapping stamps add up. As
    torch.nn.functional.conv_transpose2d; [DV], chapter 4.

    Examples
    --------
    >>> x, weight = np.array([[[[1.0, 2.0]]]]), np.array([[[[1.0, 10.0, 100.0]]]])
    >>> y, cache = conv_transpose2d_forward(x, weight, stride=2)
    >>> y
    array([[[[  1.,  10., 102.,  20., 200.]]]])
    """
    n, c_in, h, w = x.shape
    kh, kw = weight.shape[2:]
    out_h = (h - 1) * stride - 2 * padding + kh + output_padding
    out_w = (w - 1) * stride - 2 * padding + kw + output_padding
    columns = weight.reshape(c_in, -1).T @ x.reshape(n, c_in, h * w)
    y = col2im(columns, (out_h, out_w), (kh, kw), stride, padding)
    if bias is not None:
        y += bias[:, None, None]
    return y, (x, weight, stride, padding, bias is not None)


def conv_transpose2d_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Gradients through conv_transpose2d_forward.

    Parameters
    ----------
    dy : (N, C_out, OH, OW) array
    cache : from conv_transpose2d_forward

    Returns
    -------
    dx : (N, C_in, H, W) array
    dweight : (C_in, C_out, KH, KW) array
    dbias : (C_out,) array, or None where there was no bias

    Notes
    -----
    The transpose of the transpose: dx is a convolution of dy. dweight is that convolution's weight gradient,
    with x where its upstream gradient stands.

    Examples
    --------
    >>> x, weight = np.array([[[[1.0, 2.0]]]]), np.array([[[[1.0, 10.0, 100.0]]]])
    >>> y, cache = conv_transpose2d_forward(x, weight, stride=2)
    >>> dx, dweight, dbias = conv_transpose2d_backward(np.array([[[[1.0, 0.0, 1.0, 0.0, 0.0]]]]), cache)
    >>> dx.ravel(), dweight.ravel(), dbias
    (array([101.,   1.]), array([3., 0., 1.]), None)
    """
    x, weight, stride, padding, has_bias = cache
    dx, conv_cache = conv2d_forward(dy, weight, None, stride, padding)
    _, dweight, _ = conv2d_backward(x, conv_cache)
    return dx, dweight, dy.sum(axis=(0, 2, 3)) if has_bias else None


def receptive_field(layers: list[tuple[int, int, int]]) -> tuple[int, int]:
    """How many input pixels along one axis one output of a stack of layers sees.

    Parameters
    ----------
    layers : list of (kernel_size, stride, dilation), the first layer first; convolutions and poolings alike

    Returns
    -------
    size : int, pixels seen by one output
    jump : int, input pixels between the centres of neighbouring outputs

    Notes
    -----
    A layer adds dilation (kernel_size - 1) steps of its own input's jump; strides multiply. Araujo, Norris
    and Sim, Computing receptive fields of convolutional neural networks (2019).

    Examples
    --------
    >>> receptive_field([(3, 1, 1), (3, 2, 1), (3, 1, 2)])
    (13, 2)
    """
    size, jump = 1, 1
    for kernel_size, stride, dilation in layers:
        size += dilation * (kernel_size - 1) * jump
        jump *= stride
    return size, jump
