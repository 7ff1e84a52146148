"""Right answers of unit 1 in other styles: loops, matrix products, Fourier transforms, strides."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from autograder.variants import variant


def spectrum_product(a, b):
    """The full convolution along all axes, by Fourier transforms with room for it."""
    shape = [m + n - 1 for m, n in zip(a.shape, b.shape, strict=True)]
    axes = tuple(range(a.ndim))
    product = np.fft.rfftn(a, shape, axes) * np.fft.rfftn(b, shape, axes)
    return np.fft.irfftn(product, shape, axes).astype(a.dtype)


def middle(full, length, k, mode):
    """The piece of a full convolution that a mode asks for."""
    if length < k:
        length, k = k, length
    start, size = {
        "full": (0, length + k - 1),
        "same": ((k - 1) // 2, length),
        "valid": (k - 1, length - k + 1),
    }[mode]
    return full[start : start + size]


# convolve1d


@variant("convolve1d")
def convolve1d_by_numpy(x, w, mode="full"):
    return np.convolve(x, w, mode)


@variant("convolve1d")
def convolve1d_by_definition(x, w, mode="full"):
    s = np.zeros(len(x) + len(w) - 1, dtype=x.dtype)
    for t in range(len(s)):
        for a in range(len(x)):
            if 0 <= t - a < len(w):
                s[t] += x[a] * w[t - a]
    return middle(s, len(x), len(w), mode)


@variant("convolve1d")
def convolve1d_by_adding_copies(x, w, mode="full"):
    s = np.zeros(x.size + w.size - 1, x.dtype)
    for a, value in enumerate(x):
        s[a : a + w.size] += value * w
    return middle(s, x.size, w.size, mode)


@variant("convolve1d")
def convolve1d_by_fourier(x, w, mode="full"):
    return middle(spectrum_product(x, w), len(x), len(w), mode)


@variant("convolve1d")
def convolve1d_by_toeplitz(x, w, mode="full"):
    t, a = np.ogrid[: len(x) + len(w) - 1, : len(x)]
    inside = (t - a >= 0) & (t - a < len(w))
    matrix = np.where(inside, w[np.clip(t - a, 0, len(w) - 1)], 0).astype(x.dtype)
    return middle(matrix @ x, len(x), len(w), mode)


# cross_correlate2d


@variant("cross_correlate2d")
def cross_correlate2d_by_windows(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    y = np.empty((h - kh + 1, w - kw + 1), image.dtype)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] = (image[i : i + kh, j : j + kw] * kernel).sum()
    return y


@variant("cross_correlate2d")
def cross_correlate2d_in_lists(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    rows = []
    for i in range(h - kh + 1):
        row = []
        for j in range(w - kw + 1):
            row.append(sum(image[i + m][j + n] * kernel[m][n] for m in range(kh) for n in range(kw)))
        rows.append(row)
    return np.array(rows, dtype=image.dtype)


@variant("cross_correlate2d")
def cross_correlate2d_by_shifted_images(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    y = np.zeros((h - kh + 1, w - kw + 1), dtype=image.dtype)
    for m, n in itertools.product(range(kh), range(kw)):
        y += kernel[m, n] * image[m : m + y.shape[0], n : n + y.shape[1]]
    return y


@variant("cross_correlate2d")
def cross_correlate2d_by_einsum(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    windows = as_strided(image, (h - kh + 1, w - kw + 1, kh, kw), image.strides * 2, writeable=False)
    return np.einsum("ijmn,mn->ij", windows, kernel)


@variant("cross_correlate2d")
def cross_correlate2d_by_matrix_product(image, kernel):
    windows = sliding_window_view(image, kernel.shape)
    return (windows.reshape(-1, kernel.size) @ kernel.reshape(-1)).reshape(windows.shape[:2])


@variant("cross_correlate2d")
def cross_correlate2d_by_fourier(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    return spectrum_product(image, kernel[::-1, ::-1])[kh - 1 : h, kw - 1 : w]


# convolve2d


@variant("convolve2d")
def convolve2d_by_definition(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    s = np.zeros((h + kh - 1, w + kw - 1), image.dtype)
    for i, j, m, n in np.ndindex(*s.shape, h, w):
        if 0 <= i - m < kh and 0 <= j - n < kw:
            s[i, j] += image[m, n] * kernel[i - m, j - n]
    return s


@variant("convolve2d")
def convolve2d_by_stamping(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    s = np.zeros((h + kh - 1, w + kw - 1), image.dtype)
    for (m, n), pixel in np.ndenumerate(image):
        s[m : m + kh, n : n + kw] += pixel * kernel
    return s


@variant("convolve2d")
def convolve2d_by_fourier(image, kernel):
    return spectrum_product(image, kernel)


@variant("convolve2d")
def convolve2d_by_rows(image, kernel):
    s = np.zeros([a + b - 1 for a, b in zip(image.shape, kernel.shape, strict=True)], image.dtype)
    for m, row in enumerate(image):
        for n, weights in enumerate(kernel):
            s[m + n] += np.convolve(row, weights)
    return s


# pad2d


@variant("pad2d")
def pad2d_by_index(x, padding, mode="constant"):
    left, right, top, bottom = padding
    height, width = x.shape[-2:]
    i, j = np.arange(-top, height + bottom), np.arange(-left, width + right)
    if mode == "constant":
        inside = ((i >= 0) & (i < height))[:, None] & ((j >= 0) & (j < width))
        return x[:, :, i.clip(0, height - 1)][..., j.clip(0, width - 1)] * inside.astype(x.dtype)
    if mode == "reflect":
        i, j = height - 1 - abs(height - 1 - abs(i)), width - 1 - abs(width - 1 - abs(j))
    elif mode == "replicate":
        i, j = i.clip(0, height - 1), j.clip(0, width - 1)
    else:
        i, j = i % height, j % width
    return x[:, :, i][..., j]


@variant("pad2d")
def pad2d_pixel_by_pixel(x, padding, mode="constant"):
    left, right, top, bottom = padding
    n, c, height, width = x.shape
    y = np.zeros((n, c, height + top + bottom, width + left + right), dtype=x.dtype)

    def source(at, size):
        if 0 <= at < size:
            return at
        if mode == "replicate":
            return 0 if at < 0 else size - 1
        if mode == "circular":
            return at % size
        return -at if at < 0 else 2 * (size - 1) - at

    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            inside = top <= i < top + height and left <= j < left + width
            if inside or mode != "constant":
                y[:, :, i, j] = x[:, :, source(i - top, height), source(j - left, width)]
    return y


@variant("pad2d")
def pad2d_by_joining(x, padding, mode="constant"):
    left, right, top, bottom = padding

    def margins(x, before, after, axis):
        size = x.shape[axis]
        take = {
            "replicate": ([0] * before, [-1] * after),
            "reflect": (list(range(before, 0, -1)), list(range(size - 2, size - 2 - after, -1))),
            "circular": (list(range(size - before, size)), list(range(after))),
        }
        if mode == "constant":
            parts = [np.zeros_like(np.repeat(x.take([0], axis), k, axis)) for k in (before, after)]
        else:
            parts = [x.take(indices, axis) if indices else None for indices in take[mode]]
        return np.concatenate([p for p in (parts[0], x, parts[1]) if p is not None], axis)

    return margins(margins(x, top, bottom, 2), left, right, 3)


# conv_matrix


@variant("conv_matrix")
def conv_matrix_by_loops(kernel, height, width):
    kh, kw = kernel.shape
    out_h, out_w = height - kh + 1, width - kw + 1
    matrix = np.zeros((out_h * out_w, height * width), dtype=kernel.dtype)
    for i in range(out_h):
        for j in range(out_w):
            for m in range(kh):
                for n in range(kw):
                    matrix[i * out_w + j, (i + m) * width + (j + n)] = kernel[m, n]
    return matrix


@variant("conv_matrix")
def conv_matrix_by_pictures(kernel, height, width):
    kh, kw = kernel.shape
    rows = []
    for i, j in itertools.product(range(height - kh + 1), range(width - kw + 1)):
        picture = np.zeros((height, width), kernel.dtype)
        picture[i : i + kh, j : j + kw] = kernel
        rows.append(picture.ravel())
    return np.stack(rows)


@variant("conv_matrix")
def conv_matrix_by_impulses(kernel, height, width):
    columns = []
    for pixel in np.eye(height * width, dtype=kernel.dtype):
        columns.append(cross_correlate2d_by_windows(pixel.reshape(height, width), kernel).ravel())
    return np.array(columns).T


@variant("conv_matrix")
def conv_matrix_by_kronecker_products(kernel, height, width):
    def shift(m, size, k):
        return np.eye(size - k + 1, size, m, dtype=kernel.dtype)

    kh, kw = kernel.shape
    terms = (kernel[m, n] * np.kron(shift(m, height, kh), shift(n, width, kw)) for m, n in np.ndindex(kh, kw))
    return sum(terms)


# cross_correlate2d_backward


@variant("cross_correlate2d_backward")
def backward_by_loops(dy, image, kernel):
    dimage, dkernel = np.zeros_like(image), np.zeros_like(kernel)
    kh, kw = kernel.shape
    for i in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            dimage[i : i + kh, j : j + kw] += dy[i, j] * kernel
            dkernel += dy[i, j] * image[i : i + kh, j : j + kw]
    return dimage, dkernel


@variant("cross_correlate2d_backward")
def backward_by_the_transposed_matrix(dy, image, kernel):
    matrix = conv_matrix_by_loops(kernel, *image.shape)
    windows = sliding_window_view(image, kernel.shape).reshape(-1, kernel.size)
    return [(matrix.T @ dy.ravel()).reshape(image.shape), (windows.T @ dy.ravel()).reshape(kernel.shape)]


@variant("cross_correlate2d_backward")
def backward_by_fourier(dy, image, kernel):
    (h, w), (oh, ow) = image.shape, dy.shape
    dkernel = spectrum_product(image, dy[::-1, ::-1])[oh - 1 : h, ow - 1 : w]
    return spectrum_product(dy, kernel), dkernel


@variant("cross_correlate2d_backward")
def backward_by_einsum(dy, image, kernel):
    kh, kw = kernel.shape
    around = np.zeros((image.shape[0] + kh - 1, image.shape[1] + kw - 1), dy.dtype)
    around[kh - 1 : kh - 1 + dy.shape[0], kw - 1 : kw - 1 + dy.shape[1]] = dy
    dimage = np.einsum("ijmn,mn->ij", sliding_window_view(around, kernel.shape), np.flip(kernel))
    return dimage, np.einsum("mnij,ij->mn", sliding_window_view(image, dy.shape), dy)


# parameter_count


@variant("parameter_count")
def parameter_count_by_table(kind, n_inputs, n_outputs, k):
    return np.int64({"dense": n_inputs * n_outputs, "local": k * n_outputs, "shared": k}[kind])


# equivariance_error


@variant("equivariance_error")
def equivariance_error_by_sums(f, g_in, g_out, x):
    wanted = g_out(f(x))
    away = f(g_in(x)) - wanted
    return np.sqrt(np.sum(away**2) / np.sum(wanted**2))


@variant("equivariance_error")
def equivariance_error_flat(f, g_in, g_out, x):
    one, other = np.ravel(f(g_in(x))), np.ravel(g_out(f(x)))
    return np.linalg.norm(one - other) / np.linalg.norm(other)


# numerical_gradient


@variant("numerical_gradient")
def numerical_gradient_keeps_the_old_value(f, x, dy, h=1e-6):
    moved, dx = np.array(x, dtype=np.float64), np.zeros_like(x)
    for at, old in np.ndenumerate(x):
        moved[at] = old + h
        above = np.vdot(dy, f(moved))
        moved[at] = old - h
        below = np.vdot(dy, f(moved))
        moved[at] = old
        dx[at] = (above - below) / (2 * h)
    return dx


@variant("numerical_gradient")
def numerical_gradient_by_unit_vectors(f, x, dy, h=1e-6):
    steps = h * np.eye(x.size).reshape(x.size, *x.shape)
    slopes = [(f(x + step) - f(x - step)) / (2 * h) for step in steps]
    return np.array([np.sum(slope * dy) for slope in slopes]).reshape(x.shape)


# rot90_symmetrize


@variant("rot90_symmetrize")
def rot90_symmetrize_by_flips(kernel):
    quarter = kernel.T[::-1]
    return (kernel + quarter + kernel[::-1, ::-1] + quarter[::-1, ::-1]) / 4


@variant("rot90_symmetrize")
def rot90_symmetrize_by_mean(kernel):
    return np.mean([np.rot90(kernel, -quarter) for quarter in range(4)], axis=0)
