"""Right answers of unit 3 in other styles: all of them must get full marks."""

from __future__ import annotations

import types
import warnings

import numpy as np

from autograder.variants import variant
from solutions.conv_layer import conv2d_backward, conv2d_forward, conv_output_size

# activations


def _relu_backward_in_words(dy, cache):
    return dy * (cache["x"] > 0)


@variant("relu_forward", also={"relu_backward": _relu_backward_in_words})
def relu_with_a_mask(x):
    return x * (x > 0), {"x": x}


@variant("relu_forward", also={"relu_backward": lambda dy, cache: cache(dy)})
def relu_with_a_closure(x):
    y = x.copy()
    y[x <= 0] = 0

    def backward(dy):
        dx = dy.copy()
        dx[x <= 0] = 0.0
        return dx

    return [y, backward]


@variant("sigmoid_forward", also={"sigmoid_backward": lambda dy, cache: dy * cache * (1.0 - cache)})
def sigmoid_as_it_is_written(x):
    """Overflows to infinity on the way, with a warning, and is right all the same."""
    y = 1 / (1 + np.exp(-x))
    return y, y


def _sigmoid_backward_by_tanh(dy, cache):
    return dy / (4 * np.cosh(np.clip(cache.x / 2, -44, 44)) ** 2)


@variant("sigmoid_forward", also={"sigmoid_backward": _sigmoid_backward_by_tanh})
def sigmoid_by_tanh(x):
    return 0.5 * (1 + np.tanh(0.5 * x)), types.SimpleNamespace(x=x)


@variant("sigmoid_forward", also={"sigmoid_backward": lambda dy, cache: dy * (cache - cache**2)})
def sigmoid_in_two_cases(x):
    y = np.empty_like(x)
    y[x >= 0] = 1 / (1 + np.exp(-x[x >= 0]))
    e = np.exp(x[x < 0])
    y[x < 0] = e / (1 + e)
    return y, y


def _tanh_backward_from_x(dy, cache):
    return dy * (1 + np.tanh(cache)) * (1 - np.tanh(cache))


@variant("tanh_forward", also={"tanh_backward": _tanh_backward_from_x})
def tanh_by_exponentials(x):
    e = np.exp(-2 * np.abs(x))
    return np.sign(x) * (1 - e) / (1 + e), x


@variant("softmax")
def softmax_row_by_row(x):
    rows = []
    for row in x:
        e = np.exp(row - max(row))
        rows.append(e / sum(e))
    return np.array(rows)


@variant("softmax")
def softmax_by_logarithms(x):
    return np.exp(x - np.logaddexp.reduce(x, axis=1)[:, None])


# max_pool2d


def _pair(size):
    return (size, size) if isinstance(size, int) else tuple(size)


def _max_backward_with_loops(dy, cache):
    shape, winners = cache
    dx = np.zeros(shape, dy.dtype)
    for at, place in winners.items():
        dx[(*at[:2], *place)] += dy[at]
    return dx


@variant("max_pool2d_forward", also={"max_pool2d_backward": _max_backward_with_loops})
def max_pool_with_loops(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """Every window is cut where the image ends; no padding is needed."""
    (kh, kw), (sh, sw) = _pair(kernel_size), _pair(kernel_size if stride is None else stride)
    n, c, h, w = x.shape
    out_h = conv_output_size(h, kh, sh, padding, ceil_mode=ceil_mode)
    out_w = conv_output_size(w, kw, sw, padding, ceil_mode=ceil_mode)
    y, winners = np.zeros((n, c, out_h, out_w), x.dtype), {}
    for s, k, i, j in np.ndindex(n, c, out_h, out_w):
        top, left = max(i * sh - padding, 0), max(j * sw - padding, 0)
        window = x[s, k, top : i * sh - padding + kh, left : j * sw - padding + kw]
        u, v = np.unravel_index(np.argmax(window), window.shape)
        y[s, k, i, j] = window[u, v]
        winners[s, k, i, j] = top + u, left + v
    return y, (x.shape, winners)


def _max_backward_by_index(dy, cache):
    shape, index = cache
    dx = np.zeros(shape, dy.dtype).reshape(*shape[:2], -1)
    n, c = np.ogrid[: shape[0], : shape[1]]
    np.add.at(dx, (n[..., None], c[..., None], index.reshape(*shape[:2], -1)), dy.reshape(*shape[:2], -1))
    return dx.reshape(shape)


@variant("max_pool2d_forward", also={"max_pool2d_backward": _max_backward_by_index})
def max_pool_entry_by_entry(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """A running maximum over the kernel's entries, with the pixel's number beside it. It prints and warns."""
    print(x.shape)
    warnings.warn("pooling", stacklevel=1)
    (kh, kw), (sh, sw) = _pair(kernel_size), _pair(kernel_size if stride is None else stride)
    n, c, h, w = x.shape
    out_h = conv_output_size(h, kh, sh, padding, ceil_mode=ceil_mode)
    out_w = conv_output_size(w, kw, sw, padding, ceil_mode=ceil_mode)
    size = (out_h - 1) * sh + kh, (out_w - 1) * sw + kw
    room = (
        (0, 0),
        (0, 0),
        (padding, max(size[0] - h - padding, 0)),
        (padding, max(size[1] - w - padding, 0)),
    )
    padded = np.pad(x, room, constant_values=np.finfo(x.dtype).min)
    numbers = np.pad(np.arange(h * w).reshape(1, 1, h, w), room, constant_values=-1)
    y = np.full((n, c, out_h, out_w), -np.inf, x.dtype)
    index = np.zeros(y.shape, int)
    for u in range(kh):
        for v in range(kw):
            rows, cols = slice(u, u + sh * (out_h - 1) + 1, sh), slice(v, v + sw * (out_w - 1) + 1, sw)
            there = padded[:, :, rows, cols]
            better = (there > y) & (numbers[:, :, rows, cols] >= 0)
            y = np.where(better, there, y)
            index = np.where(better, numbers[:, :, rows, cols], index)
    return y, (x.shape, index)


# avg_pool2d


def _avg_backward_with_loops(dy, cache):
    shape, windows = cache
    dx = np.zeros(shape, dy.dtype)
    for i, j, rows, cols, count in windows:
        dx[:, :, rows, cols] += dy[:, :, i : i + 1, j : j + 1] / count
    return dx


@variant("avg_pool2d_forward", also={"avg_pool2d_backward": _avg_backward_with_loops})
def avg_pool_with_loops(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    stride = kernel_size if stride is None else stride
    (n, c, h, w), k = x.shape, kernel_size
    out_h, out_w = conv_output_size(h, k, stride, padding), conv_output_size(w, k, stride, padding)
    y, windows = np.zeros((n, c, out_h, out_w), x.dtype), []
    for i in range(out_h):
        for j in range(out_w):
            top, left = i * stride - padding, j * stride - padding
            rows = slice(max(top, 0), min(top + k, h))
            cols = slice(max(left, 0), min(left + k, w))
            inside = (rows.stop - rows.start) * (cols.stop - cols.start)
            count = k * k if count_include_pad else inside
            y[:, :, i, j] = x[:, :, rows, cols].sum(axis=(2, 3)) / count
            windows.append((i, j, rows, cols, count))
    return y, (x.shape, windows)


def _avg_backward_by_convolution(dy, cache):
    conv_cache, counts, shape = cache
    n, c = dy.shape[:2]
    dx = conv2d_backward((dy / counts).reshape(n * c, 1, *dy.shape[2:]), conv_cache)[0]
    return dx.reshape(shape)


@variant("avg_pool2d_forward", also={"avg_pool2d_backward": _avg_backward_by_convolution})
def avg_pool_by_convolution(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    """A convolution with a kernel of ones; channels are samples."""
    n, c, h, w = x.shape
    ones = np.ones((1, 1, kernel_size, kernel_size), x.dtype)
    steps = {"stride": stride or kernel_size, "padding": padding}
    y, conv_cache = conv2d_forward(x.reshape(n * c, 1, h, w), ones, **steps)
    if count_include_pad:
        counts = np.array(kernel_size * kernel_size, x.dtype)
    else:
        counts = conv2d_forward(np.ones((1, 1, h, w), x.dtype), ones, **steps)[0]
    return y.reshape(n, c, *y.shape[2:]) / counts, (conv_cache, counts, x.shape)


# lp_pool2d


def _lp_backward_with_loops(dy, cache):
    x, y, k, stride, p = cache
    dx = np.zeros_like(x)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            window = x[:, :, i * stride : i * stride + k, j * stride : j * stride + k]
            norm = y[:, :, i : i + 1, j : j + 1]
            with np.errstate(divide="ignore", invalid="ignore"):
                share = np.sign(window) * np.abs(window) ** (p - 1) * norm ** (1 - p)
            share[~np.isfinite(share)] = 0
            dx[:, :, i * stride : i * stride + k, j * stride : j * stride + k] += dy[:, :, i : i + 1, j : j + 1] * share
    return dx


@variant("lp_pool2d_forward", also={"lp_pool2d_backward": _lp_backward_with_loops})
def lp_pool_with_loops(x, kernel_size, stride=None, norm_type=2):
    stride = kernel_size if stride is None else stride
    n, c, h, w = x.shape
    y = np.zeros((n, c, (h - kernel_size) // stride + 1, (w - kernel_size) // stride + 1), x.dtype)
    for at in np.ndindex(y.shape):
        s, k, i, j = at
        window = x[s, k, i * stride : i * stride + kernel_size, j * stride : j * stride + kernel_size]
        y[at] = np.linalg.norm(window.ravel(), norm_type)
    return y, (x, y, kernel_size, stride, norm_type)


# gaussian_pool2d


def _gaussian_kernel(kernel_size, sigma, dtype):
    line = np.exp(-0.5 * ((np.arange(kernel_size) - (kernel_size - 1) / 2) / sigma) ** 2)
    line /= line.sum()
    return np.outer(line, line).astype(dtype)


def _gaussian_backward_by_convolution(dy, cache):
    conv_cache, shape = cache
    return conv2d_backward(dy.reshape(-1, 1, *dy.shape[2:]), conv_cache)[0].reshape(shape)


@variant("gaussian_pool2d_forward", also={"gaussian_pool2d_backward": _gaussian_backward_by_convolution})
def gaussian_by_convolution(x, kernel_size, stride, sigma):
    """The Gaussian is a product of two lines; channels are samples."""
    n, c, h, w = x.shape
    kernel = _gaussian_kernel(kernel_size, sigma, x.dtype)[None, None]
    y, conv_cache = conv2d_forward(x.reshape(n * c, 1, h, w), kernel, stride=stride)
    return y.reshape(n, c, *y.shape[2:]), (conv_cache, x.shape)


def _gaussian_backward_with_loops(dy, cache):
    shape, kernel, stride = cache
    k, dx = len(kernel), np.zeros(shape, dy.dtype)
    for i in range(dy.shape[2]):
        for j in range(dy.shape[3]):
            there = dx[:, :, i * stride : i * stride + k, j * stride : j * stride + k]
            there += dy[:, :, i, j][..., None, None] * kernel
    return dx


@variant("gaussian_pool2d_forward", also={"gaussian_pool2d_backward": _gaussian_backward_with_loops})
def gaussian_with_loops(x, kernel_size, stride, sigma):
    kernel, k = _gaussian_kernel(kernel_size, sigma, x.dtype), kernel_size
    rows = []
    for i in range(0, x.shape[2] - k + 1, stride):
        row = []
        for j in range(0, x.shape[3] - k + 1, stride):
            row.append((x[:, :, i : i + k, j : j + k] * kernel).sum((2, 3)))
        rows.append(np.stack(row, axis=-1))
    return np.stack(rows, axis=2), (x.shape, kernel, stride)


# global_avg_pool2d


@variant(
    "global_avg_pool2d_forward",
    also={"global_avg_pool2d_backward": lambda dy, cache: np.multiply.outer(dy, cache)},
)
def global_pool_by_einsum(x):
    share = np.full(x.shape[2:], 1 / (x.shape[2] * x.shape[3]), x.dtype)
    return np.einsum("nchw->nc", x) / np.array(share.size, x.dtype), share


@variant(
    "global_avg_pool2d_forward",
    also={"global_avg_pool2d_backward": lambda dy, x: np.zeros_like(x) + dy[..., None, None] / x[0, 0].size},
)
def global_pool_by_reshape(x):
    return np.average(x.reshape(*x.shape[:2], -1), axis=-1), x


# conv_relu_pool


def _block_backward_pool_first(dy, cache):
    conv_cache, pool_cache, relu_cache = cache
    detected = _relu_backward_in_words(dy, relu_cache)
    return list(conv2d_backward(_max_backward_by_index(detected, pool_cache), conv_cache))


@variant("conv_relu_pool_forward", also={"conv_relu_pool_backward": _block_backward_pool_first})
def block_pool_before_relu(x, weight, bias, padding, pool_size, pool_stride):
    """ReLU and max pooling may change places: both keep the order of values."""
    y, conv_cache = conv2d_forward(x, weight, bias, 1, padding)
    y, pool_cache = max_pool_entry_by_entry(y, pool_size, pool_stride)
    y, relu_cache = relu_with_a_mask(y)
    return y, (conv_cache, pool_cache, relu_cache)


# shift_consistency


@variant("shift_consistency")
def consistency_with_loops(f, x, max_shift):
    decisions = np.argmax(f(x), axis=1)
    kept = shifts = 0
    for axis in (-1, -2):
        for s in range(1, max_shift + 1):
            kept += np.count_nonzero(np.argmax(f(np.roll(x, s, axis=axis)), axis=1) == decisions)
            shifts += 1
    return kept / (shifts * len(x))


@variant("shift_consistency")
def consistency_in_one_batch(f, x, max_shift):
    """All moved images at once, moved by index."""
    (h, w), shifts = x.shape[2:], range(1, max_shift + 1)
    moved = [x[:, :, (np.arange(h) - s) % h] for s in shifts] + [x[..., (np.arange(w) - s) % w] for s in shifts]
    decisions = f(np.concatenate(moved)).argmax(axis=1).reshape(len(moved), len(x))
    return np.mean(decisions == f(x).argmax(axis=1), dtype=np.float32)
