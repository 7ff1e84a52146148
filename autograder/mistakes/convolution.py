"""Known mistakes of unit 1. A docstring is what a student who made the mistake is told."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from autograder.mistakes import mistake
from solutions import convolution as reference


def longer_first(x, w):
    """The signal and the kernel: convolution does not mind which is which."""
    return (x, w) if len(x) >= len(w) else (w, x)


# convolve1d


@mistake("convolve1d", row=1)
def convolve1d_correlates(x, w, mode="full"):
    """Your kernel is not flipped: this is cross-correlation. Convolution pairs x[a] with w[t - a], so that
    the kernel runs backwards over the signal."""
    return reference.convolve1d(x, w[::-1], mode)


@mistake("convolve1d")
def convolve1d_flips_the_result(x, w, mode="full"):
    """Your result runs backwards. It is the kernel that is flipped before it slides over the signal, not the
    signal and not the result."""
    return reference.convolve1d(x, w, mode)[::-1]


@mistake("convolve1d")
def convolve1d_exchanges_after_the_flip(x, w, mode="full"):
    """When the kernel is longer than the signal, your result runs backwards. The array that slides must be
    the one that is flipped: look at the order in which you flip and exchange."""
    result = reference.convolve1d(x, w, mode)
    return result[::-1] if len(w) > len(x) else result


@mistake("convolve1d")
def convolve1d_ignores_mode(x, w, mode="full"):
    """You return the full convolution in every mode. The modes valid and same are shorter pieces of it."""
    return reference.convolve1d(x, w)


@mistake("convolve1d", row=17)
def convolve1d_full_too_long(x, w, mode="full"):
    """Your full convolution has an entry too many: L + K - 1 places overlap, not L + K."""
    result = reference.convolve1d(x, w, mode)
    return np.append(result, result[:1] * 0) if mode == "full" else result


@mistake("convolve1d", row=17)
def convolve1d_full_too_short(x, w, mode="full"):
    """The last entry of your full convolution is missing: the last overlap is that of the last entry of x
    with the last entry of w."""
    result = reference.convolve1d(x, w, mode)
    return result[:-1] if mode == "full" else result


@mistake("convolve1d", row=17)
def convolve1d_valid_too_short(x, w, mode="full"):
    """The last entry of mode valid is missing: a kernel of K entries has L - K + 1 places inside the signal,
    not L - K."""
    result = reference.convolve1d(x, w, mode)
    return result[:-1] if mode == "valid" else result


@mistake("convolve1d")
def convolve1d_valid_empty_for_long_kernels(x, w, mode="full"):
    """In mode valid, nothing is left when the kernel is longer than the signal. Convolution is commutative:
    then the signal slides over the kernel."""
    result = reference.convolve1d(x, w, mode)
    return result[:0] if mode == "valid" and len(w) > len(x) else result


@mistake("convolve1d")
def convolve1d_same_as_long_as_x(x, w, mode="full"):
    """In mode same, your result is as long as x even when the kernel is longer. It should be as long as the
    longer of the two."""
    if mode != "same":
        return reference.convolve1d(x, w, mode)
    start = (len(w) - 1) // 2
    return reference.convolve1d(x, w)[start : start + len(x)]


@mistake("convolve1d")
def convolve1d_same_shifted_for_even_kernels(x, w, mode="full"):
    """In mode same, your result is shifted by one for kernels of even size. By convention (K - 1) // 2
    entries of the full convolution are left out at the beginning."""
    if mode != "same":
        return reference.convolve1d(x, w, mode)
    signal, kernel = longer_first(x, w)
    start = len(kernel) // 2
    return reference.convolve1d(x, w)[start : start + len(signal)]


@mistake("convolve1d")
def convolve1d_same_from_the_beginning(x, w, mode="full"):
    """In mode same, you keep the first entries of the full convolution. They should be those in its
    middle."""
    if mode != "same":
        return reference.convolve1d(x, w, mode)
    return reference.convolve1d(x, w)[: max(len(x), len(w))]


@mistake("convolve1d")
def convolve1d_wraps_around(x, w, mode="full"):
    """Your convolution is circular: what leaves at the end comes back at the beginning. Outside of its
    support the signal is zero; a Fourier transform needs room for L + K - 1 entries."""
    signal, kernel = longer_first(x, w)
    length, k = len(signal), len(kernel)
    circular = reference.convolve1d(np.pad(signal, (k - 1, 0), mode="wrap"), kernel, "valid")
    start = {"full": 0, "same": (k - 1) // 2, "valid": k - 1}[mode]
    return circular[start : start + length]


@mistake("convolve1d", row=8)
def convolve1d_repeats_the_border(x, w, mode="full"):
    """You continue the signal with its border value. Outside of its support a signal is zero."""
    signal, kernel = longer_first(x, w)
    k = len(kernel)
    full = sliding_window_view(np.pad(signal, k - 1, mode="edge"), k) @ kernel[::-1]
    start = {"full": 0, "same": (k - 1) // 2, "valid": k - 1}[mode]
    return full[start:][: len(reference.convolve1d(x, w, mode))]


@mistake("convolve1d", row=18)
def convolve1d_returns_float64(x, w, mode="full"):
    """Your result is float64 for float32 arguments. An array made by np.zeros is float64 unless it is told
    the dtype."""
    return reference.convolve1d(x, w, mode).astype(np.float64)


@mistake("convolve1d", row=14)
def convolve1d_flips_in_place(x, w, mode="full"):
    """You flip the kernel in place, and whoever called your function finds it reversed. Flip a copy or a
    view."""
    result = reference.convolve1d(x, w, mode)
    w[:] = w[::-1].copy()
    return result


# cross_correlate2d


@mistake("cross_correlate2d", row=1)
def cross_correlate2d_convolves(image, kernel):
    """Your kernel is turned by 180 degrees: this is convolution. Cross-correlation lays the kernel on the
    image as it is, and pairs image[i + m, j + n] with kernel[m, n]."""
    return reference.cross_correlate2d(image, kernel[::-1, ::-1])


@mistake("cross_correlate2d", row=1)
def cross_correlate2d_flips_rows(image, kernel):
    """Your kernel is upside down: its rows are flipped. Cross-correlation flips nothing."""
    return reference.cross_correlate2d(image, kernel[::-1])


@mistake("cross_correlate2d", row=1)
def cross_correlate2d_flips_columns(image, kernel):
    """Your kernel is mirrored: its columns are flipped. Cross-correlation flips nothing."""
    return reference.cross_correlate2d(image, kernel[:, ::-1])


@mistake("cross_correlate2d", row=2)
def cross_correlate2d_transposes_the_kernel(image, kernel):
    """Height and width of your kernel are exchanged. Its first axis runs down the image, its second to the
    right."""
    return reference.cross_correlate2d(image, kernel.T)


@mistake("cross_correlate2d", row=9)
def cross_correlate2d_width_from_height(image, kernel):
    """Your output is square: its width is computed from the image's height. Each axis has its own size,
    W - KW + 1 for the width."""
    (h, _), (kh, kw) = image.shape, kernel.shape
    y = np.zeros((h - kh + 1, h - kw + 1), image.dtype)
    for i, j in np.ndindex(y.shape):
        y[i, j] = np.sum(image[i : i + kh, j : j + kw] * kernel)
    return y


@mistake("cross_correlate2d", row=2)
def cross_correlate2d_square_kernels_only(image, kernel):
    """You use the kernel's height as its width, too. A kernel may be wider than it is high: take both sizes
    from its shape."""
    (h, w), k = image.shape, len(kernel)
    y = np.zeros((h - k + 1, w - k + 1), image.dtype)
    for i, j in np.ndindex(y.shape):
        y[i, j] = np.sum(image[i : i + k, j : j + k] * kernel)
    return y


@mistake("cross_correlate2d", row=17)
def cross_correlate2d_one_too_small(image, kernel):
    """Your output lacks its last row and its last column: a kernel of KH rows has H - KH + 1 places, one more
    than H - KH."""
    return reference.cross_correlate2d(image, kernel)[:-1, :-1]


@mistake("cross_correlate2d", row=8)
def cross_correlate2d_same_size(image, kernel):
    """Your output is as large as the image. Nothing is padded here: only places where the kernel lies inside
    the image count."""
    (h, w), (kh, kw) = image.shape, kernel.shape
    full = reference.convolve2d(image, kernel[::-1, ::-1])
    return full[(kh - 1) // 2 :, (kw - 1) // 2 :][:h, :w]


@mistake("cross_correlate2d")
def cross_correlate2d_averages(image, kernel):
    """You take the mean of the products. Cross-correlation takes their sum: how a kernel is scaled is its own
    business."""
    return reference.cross_correlate2d(image, kernel) / kernel.size


@mistake("cross_correlate2d", row=18)
def cross_correlate2d_returns_float64(image, kernel):
    """Your result is float64 for float32 arguments. An array made by np.zeros is float64 unless it is told
    the dtype."""
    return reference.cross_correlate2d(image, kernel).astype(np.float64)


@mistake("cross_correlate2d", row=18)
def cross_correlate2d_in_integers(image, kernel):
    """Your result has only whole numbers: it is collected in an array of integers, which cuts off all that
    stands behind the point."""
    return reference.cross_correlate2d(image, kernel).astype(int)


@mistake("cross_correlate2d", row=14)
def cross_correlate2d_writes_into_the_image(image, kernel):
    """You multiply a window of the image in place. A window is a view: the image itself changes, and the next
    windows see the changed pixels."""
    kh, kw = kernel.shape
    y = np.empty((image.shape[0] - kh + 1, image.shape[1] - kw + 1), image.dtype)
    for i, j in np.ndindex(y.shape):
        window = image[i : i + kh, j : j + kw]
        window *= kernel
        y[i, j] = window.sum()
    return y


# convolve2d


@mistake("convolve2d", row=1)
def convolve2d_correlates(image, kernel):
    """Your kernel is not flipped: this is the full cross-correlation. Convolution pairs image[m, n] with
    kernel[i - m, j - n], so that the kernel runs backwards along both axes."""
    return reference.convolve2d(image, kernel[::-1, ::-1])


@mistake("convolve2d", row=1)
def convolve2d_flips_rows_only(image, kernel):
    """You flip the rows of the kernel, but not its columns. Both axes run backwards: a turn by 180
    degrees."""
    return reference.convolve2d(image, kernel[:, ::-1])


@mistake("convolve2d", row=1)
def convolve2d_flips_columns_only(image, kernel):
    """You flip the columns of the kernel, but not its rows. Both axes run backwards: a turn by 180
    degrees."""
    return reference.convolve2d(image, kernel[::-1])


@mistake("convolve2d")
def convolve2d_flips_the_image(image, kernel):
    """Your result is turned by 180 degrees. Turn the kernel, not the image and not the result."""
    return reference.convolve2d(image, kernel)[::-1, ::-1]


@mistake("convolve2d", row=2)
def convolve2d_transposes_the_kernel(image, kernel):
    """Height and width of your kernel are exchanged. A kernel is turned by 180 degrees, which leaves its
    shape as it is; a transpose is something else."""
    return reference.convolve2d(image, kernel.T)


@mistake("convolve2d", row=2)
def convolve2d_exchanges_the_margins(image, kernel):
    """Your margins are exchanged: the zeros above and below are as many as the kernel is high, less one;
    those at the left and the right as many as it is wide, less one."""
    kh, kw = kernel.shape
    around = np.pad(image, ((kw - 1, kw - 1), (kh - 1, kh - 1)))
    return reference.cross_correlate2d(around, kernel[::-1, ::-1])


@mistake("convolve2d", row=17)
def convolve2d_margin_too_wide(image, kernel):
    """Your result has a border of zeros that does not belong to it. At the first place the kernel overlaps
    the image with one entry, so that the margin is one less than the kernel's size."""
    return np.pad(reference.convolve2d(image, kernel), 1)


@mistake("convolve2d")
def convolve2d_cut_to_the_image(image, kernel):
    """Your result has the image's size. The full convolution has all places where the two overlap:
    H + KH - 1 by W + KW - 1."""
    (h, w), (kh, kw) = image.shape, kernel.shape
    return reference.convolve2d(image, kernel)[(kh - 1) // 2 :, (kw - 1) // 2 :][:h, :w]


@mistake("convolve2d")
def convolve2d_inside_only(image, kernel):
    """You return only the places where the kernel lies inside the image. The full convolution has all places
    where the two overlap: H + KH - 1 by W + KW - 1."""
    return reference.cross_correlate2d(image, kernel[::-1, ::-1])


@mistake("convolve2d", row=8)
def convolve2d_repeats_the_border(image, kernel):
    """You continue the image with its border pixels. Outside of its support an image is zero."""
    kh, kw = kernel.shape
    around = np.pad(image, ((kh - 1, kh - 1), (kw - 1, kw - 1)), mode="edge")
    return reference.cross_correlate2d(around, kernel[::-1, ::-1])


@mistake("convolve2d")
def convolve2d_negative_indices(image, kernel):
    """Some of your terms come from the other end of the kernel. An index i - m below zero is outside, where
    the kernel is zero; Python counts it from the end."""
    (h, w), (kh, kw) = image.shape, kernel.shape
    s = np.zeros((h + kh - 1, w + kw - 1), image.dtype)
    for i, j, m, n in np.ndindex(*s.shape, h, w):
        if -kh <= i - m < kh and -kw <= j - n < kw:
            s[i, j] += image[m, n] * kernel[i - m, j - n]
    return s


@mistake("convolve2d", row=18)
def convolve2d_returns_float64(image, kernel):
    """Your result is float64 for float32 arguments. An array made by np.zeros is float64 unless it is told
    the dtype."""
    return reference.convolve2d(image, kernel).astype(np.float64)


@mistake("convolve2d", row=14)
def convolve2d_flips_in_place(image, kernel):
    """You flip the kernel in place, and whoever called your function finds it turned. Flip a copy or a
    view."""
    result = reference.convolve2d(image, kernel)
    kernel[:] = kernel[::-1, ::-1].copy()
    return result


# pad2d


@mistake("pad2d")
def pad2d_top_bottom_first(x, padding, mode="constant"):
    """You read the padding as top, bottom, left, right. The order is left, right, top, bottom: the last
    axis first."""
    top, bottom, left, right = padding
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), reference.NUMPY_PAD_MODE[mode])


@mistake("pad2d")
def pad2d_clockwise(x, padding, mode="constant"):
    """You read the padding as left, top, right, bottom. The order is left, right, top, bottom: both sides of
    the last axis, then both sides of the one before."""
    left, top, right, bottom = padding
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), reference.NUMPY_PAD_MODE[mode])


@mistake("pad2d")
def pad2d_left_is_right(x, padding, mode="constant"):
    """Left and right are exchanged. Left is where the index of the last axis begins."""
    left, right, top, bottom = padding
    return reference.pad2d(x, (right, left, top, bottom), mode)


@mistake("pad2d")
def pad2d_top_is_bottom(x, padding, mode="constant"):
    """Top and bottom are exchanged. Top is where the index of the third axis begins."""
    left, right, top, bottom = padding
    return reference.pad2d(x, (left, right, bottom, top), mode)


@mistake("pad2d")
def pad2d_same_on_both_sides(x, padding, mode="constant"):
    """You pad both sides of an axis by the same amount. There are four margins, and each may be different."""
    left, _, top, _ = padding
    return reference.pad2d(x, (left, left, top, top), mode)


@mistake("pad2d", row=7)
def pad2d_channels_too(x, padding, mode="constant"):
    """You pad the axis of the channels, too. Only the last two axes, height and width, have margins."""
    left, right, top, bottom = padding
    margins = ((0, 0), (top, bottom), (top, bottom), (left, right))
    return np.pad(x, margins, reference.NUMPY_PAD_MODE[mode])


@mistake("pad2d", row=7)
def pad2d_channels_last(x, padding, mode="constant"):
    """You pad the second and third axes, as if the channels came last. Here images are (N, C, H, W)."""
    left, right, top, bottom = padding
    margins = ((0, 0), (top, bottom), (left, right), (0, 0))
    return np.pad(x, margins, reference.NUMPY_PAD_MODE[mode])


@mistake("pad2d", row=7)
def pad2d_samples_and_channels(x, padding, mode="constant"):
    """You pad the first two axes, the samples and the channels. The images' height and width are the last
    two."""
    left, right, top, bottom = padding
    margins = ((top, bottom), (left, right), (0, 0), (0, 0))
    return np.pad(x, margins, reference.NUMPY_PAD_MODE[mode])


@mistake("pad2d", row=6)
def pad2d_always_one(x, padding, mode="constant"):
    """Your margins are always 1, whatever padding says."""
    return reference.pad2d(x, (1, 1, 1, 1), mode)


@mistake("pad2d", row=5)
def pad2d_slices_up_to_minus_zero(x, padding, mode="constant"):
    """A margin of zero breaks your slice: an end of -0 is 0, so that [top:-0] is empty. Count the end from
    the front, as top + H."""
    left, right, top, bottom = padding
    padded = reference.pad2d(x, padding, mode)
    y = np.zeros_like(padded)
    y[:, :, top:-bottom, left:-right] = x
    return y if mode == "constant" else padded


@mistake("pad2d")
def pad2d_ignores_mode(x, padding, mode="constant"):
    """You pad with zeros in every mode."""
    return reference.pad2d(x, padding)


@mistake("pad2d", row=8)
def pad2d_constant_repeats_the_border(x, padding, mode="constant"):
    """In mode constant you repeat the border pixel. There the margin is zero."""
    return reference.pad2d(x, padding, "replicate" if mode == "constant" else mode)


@mistake("pad2d", row=8)
def pad2d_reflect_repeats_the_border(x, padding, mode="constant"):
    """Your reflection repeats the border pixel. The mirror stands on the border pixel, not behind it: 1 2 3
    goes on with 2, not with 3."""
    left, right, top, bottom = padding
    margins = ((0, 0), (0, 0), (top, bottom), (left, right))
    return np.pad(x, margins, "symmetric") if mode == "reflect" else reference.pad2d(x, padding, mode)


@mistake("pad2d", row=8)
def pad2d_reflect_without_mirror(x, padding, mode="constant"):
    """In mode reflect you copy the neighbouring strip as it is. A mirror also turns it round: the pixel next
    to the border comes first, seen from the border."""
    if mode != "reflect":
        return reference.pad2d(x, padding, mode)
    (left, right, top, bottom), (h, w) = padding, x.shape[2:]

    def indices(before, size, after):
        return [*range(1, before + 1), *range(size), *range(size - 1 - after, size - 1)]

    return x[:, :, indices(top, h, bottom)][..., indices(left, w, right)]


@mistake("pad2d", row=8)
def pad2d_replicate_mirrors(x, padding, mode="constant"):
    """In mode replicate you mirror the image at its border. Replicate repeats one pixel, the border pixel,
    as often as the margin is wide."""
    left, right, top, bottom = padding
    margins = ((0, 0), (0, 0), (top, bottom), (left, right))
    return np.pad(x, margins, "symmetric") if mode == "replicate" else reference.pad2d(x, padding, mode)


@mistake("pad2d", row=8)
def pad2d_circular_from_the_same_side(x, padding, mode="constant"):
    """In mode circular you take each margin from its own side. What is left of the image is its right end,
    and the reverse."""
    if mode != "circular":
        return reference.pad2d(x, padding, mode)
    (left, right, top, bottom), (h, w) = padding, x.shape[2:]

    def indices(before, size, after):
        return [*range(before), *range(size), *range(size - after, size)]

    return x[:, :, indices(top, h, bottom)][..., indices(left, w, right)]


@mistake("pad2d")
def pad2d_empty_corners(x, padding, mode="constant"):
    """The four corners of your margins are zero. In the modes reflect, replicate and circular the corners are
    continued along both axes: pad the rows first, then the columns of what came out."""
    padded = reference.pad2d(x, padding, mode)
    cross = np.zeros_like(padded)
    left, _, top, _ = padding
    height, width = x.shape[2:]
    cross[:, :, top : top + height] = padded[:, :, top : top + height]
    cross[..., left : left + width] = padded[..., left : left + width]
    return cross


@mistake("pad2d", row=18)
def pad2d_returns_float64(x, padding, mode="constant"):
    """Your result is float64 for a float32 batch. An array made by np.zeros is float64 unless it is told the
    dtype."""
    return reference.pad2d(x, padding, mode).astype(np.float64)


# conv_matrix


@mistake("conv_matrix", row=19)
def conv_matrix_transposed(kernel, height, width):
    """Your matrix is transposed. It has a row for each output and a column for each pixel; its transpose
    carries gradients back."""
    return reference.conv_matrix(kernel, height, width).T


@mistake("conv_matrix", row=19)
def conv_matrix_flips(kernel, height, width):
    """The rows of your matrix hold the kernel turned by 180 degrees: that is the matrix of a convolution. For
    cross-correlation the kernel is read as it is."""
    return reference.conv_matrix(kernel[::-1, ::-1], height, width)


@mistake("conv_matrix", row=2)
def conv_matrix_transposes_the_kernel(kernel, height, width):
    """Height and width of your kernel are exchanged: its first axis runs down the image."""
    return reference.conv_matrix(kernel.T, height, width)


@mistake("conv_matrix", row=9)
def conv_matrix_exchanges_height_and_width(kernel, height, width):
    """Height and width of your image are exchanged: it has `height` rows of `width` pixels."""
    return reference.conv_matrix(kernel, width, height)


@mistake("conv_matrix", row=9)
def conv_matrix_row_as_long_as_the_height(kernel, height, width):
    """Your columns are counted as if a row of the image had `height` pixels. Pixel (i, j) is column
    i * width + j."""
    kh, kw = kernel.shape
    out_h, out_w = height - kh + 1, width - kw + 1
    matrix = np.zeros((out_h * out_w, height * width), kernel.dtype)
    for i, j, m, n in np.ndindex(out_h, out_w, kh, kw):
        matrix[i * out_w + j, (i + m) * height + j + n] = kernel[m, n]
    return matrix


@mistake("conv_matrix")
def conv_matrix_shifts_by_one_each_row(kernel, height, width):
    """Each row of your matrix is the one above, moved by one. That holds along a row of the image; at its
    end the kernel jumps to the beginning of the next one."""
    kh, kw = kernel.shape
    matrix = np.zeros(((height - kh + 1) * (width - kw + 1), height * width), kernel.dtype)
    for i, m, n in np.ndindex(len(matrix), kh, kw):
        matrix[i, i + m * width + n] = kernel[m, n]
    return matrix


@mistake("conv_matrix")
def conv_matrix_without_gaps(kernel, height, width):
    """The kernel's rows stand next to each other in your matrix. In a flattened image the next row begins
    `width` pixels later: leave zeros between them."""
    out_h, out_w = height - kernel.shape[0] + 1, width - kernel.shape[1] + 1
    matrix = np.zeros((out_h, out_w, height * width), kernel.dtype)
    for i, j in np.ndindex(out_h, out_w):
        start = i * width + j
        matrix[i, j, start : start + kernel.size] = kernel.ravel()
    return matrix.reshape(out_h * out_w, height * width)


@mistake("conv_matrix")
def conv_matrix_counts_columns_first(kernel, height, width):
    """The rows of your matrix are in another order: the outputs are counted row by row, as ravel does it,
    and not column by column."""
    out_h, out_w = height - kernel.shape[0] + 1, width - kernel.shape[1] + 1
    matrix = reference.conv_matrix(kernel, height, width)
    return matrix.reshape(out_h, out_w, -1).swapaxes(0, 1).reshape(matrix.shape)


@mistake("conv_matrix")
def conv_matrix_of_full_outputs(kernel, height, width):
    """Your matrix has rows for places where the kernel leaves the image. Only places inside count:
    (H - KH + 1) * (W - KW + 1) rows."""
    kh, kw = kernel.shape
    out_h, out_w = height + kh - 1, width + kw - 1
    around = reference.conv_matrix(kernel, out_h + kh - 1, out_w + kw - 1)
    around = around.reshape(out_h * out_w, out_h + kh - 1, out_w + kw - 1)
    return around[:, kh - 1 : kh - 1 + height, kw - 1 : kw - 1 + width].reshape(out_h * out_w, -1)


@mistake("conv_matrix")
def conv_matrix_wraps_around(kernel, height, width):
    """Your matrix is circulant: it has a row for every pixel, and at the border the kernel comes back on the
    other side. Only places inside the image count."""
    kh, kw = kernel.shape
    matrix = np.zeros((height, width, height, width), kernel.dtype)
    for i, j, m, n in np.ndindex(height, width, kh, kw):
        matrix[i, j, (i + m) % height, (j + n) % width] += kernel[m, n]
    return matrix.reshape(height * width, height * width)


@mistake("conv_matrix", row=18)
def conv_matrix_is_float64(kernel, height, width):
    """Your matrix is float64 for a float32 kernel. An array made by np.zeros is float64 unless it is told the
    dtype."""
    return reference.conv_matrix(kernel, height, width).astype(np.float64)


# cross_correlate2d_backward


@mistake("cross_correlate2d_backward", row=1)
def backward_dimage_by_flipped_kernel(dy, image, kernel):
    """In dimage the kernel is turned by 180 degrees. Forward gathers by cross-correlation; backward sends
    every dy back through the same weights, and that is the full convolution."""
    return reference.convolve2d(dy, kernel[::-1, ::-1]), reference.cross_correlate2d(image, dy)


@mistake("cross_correlate2d_backward", row=1)
def backward_dkernel_by_flipped_dy(dy, image, kernel):
    """In dkernel dy is turned by 180 degrees. Weight (m, n) met image[i + m, j + n] at output (i, j): a
    cross-correlation of the image with dy."""
    return reference.convolve2d(dy, kernel), reference.cross_correlate2d(image, dy[::-1, ::-1])


@mistake("cross_correlate2d_backward", row=1)
def backward_dkernel_turned(dy, image, kernel):
    """dkernel is turned by 180 degrees. Its entry (m, n) belongs to the weight kernel[m, n]."""
    return reference.convolve2d(dy, kernel), reference.cross_correlate2d(image, dy)[::-1, ::-1]


@mistake("cross_correlate2d_backward")
def backward_dimage_inside_only(dy, image, kernel):
    """dimage covers only places where the kernel lies inside dy. Every pixel of the image gets a gradient:
    dimage has the image's shape."""
    return reference.cross_correlate2d(dy, kernel[::-1, ::-1]), reference.cross_correlate2d(image, dy)


@mistake("cross_correlate2d_backward")
def backward_dkernel_full(dy, image, kernel):
    """dkernel is a full correlation, with places where dy leaves the image. It has the kernel's shape: only
    places inside count."""
    return reference.convolve2d(dy, kernel), reference.convolve2d(image, dy[::-1, ::-1])


@mistake("cross_correlate2d_backward")
def backward_other_order(dy, image, kernel):
    """You return dkernel before dimage. The order is that of the forward's arguments."""
    return reference.cross_correlate2d_backward(dy, image, kernel)[::-1]


@mistake("cross_correlate2d_backward", row=11)
def backward_dimage_assigned(dy, image, kernel):
    """Windows overlap, and in dimage the last one wins. A pixel that is seen by several windows gets the sum
    of what they send back."""
    kh, kw = kernel.shape
    dimage = np.zeros_like(image)
    for i, j in np.ndindex(dy.shape):
        dimage[i : i + kh, j : j + kw] = dy[i, j] * kernel
    return dimage, reference.cross_correlate2d(image, dy)


@mistake("cross_correlate2d_backward", row=12)
def backward_dkernel_of_the_last_place(dy, image, kernel):
    """dkernel knows only the last place of the kernel. A shared weight collects the gradients of all places
    where it was used: add them up."""
    kh, kw = kernel.shape
    return reference.convolve2d(dy, kernel), dy[-1, -1] * image[-kh:, -kw:]


@mistake("cross_correlate2d_backward", row=12)
def backward_dkernel_averaged(dy, image, kernel):
    """dkernel is divided by the number of outputs. A shared weight gets the sum over all its places, not the
    mean."""
    dimage, dkernel = reference.cross_correlate2d_backward(dy, image, kernel)
    return dimage, dkernel / dy.size


@mistake("cross_correlate2d_backward")
def backward_dimage_ignores_dy(dy, image, kernel):
    """dimage is the same whatever dy is: it is the gradient of the sum of the outputs. Each output counts as
    much as its entry of dy says."""
    ones = np.ones_like(dy)
    return reference.convolve2d(ones, kernel), reference.cross_correlate2d(image, dy)


@mistake("cross_correlate2d_backward")
def backward_dkernel_ignores_dy(dy, image, kernel):
    """dkernel is the same whatever dy is: it is the gradient of the sum of the outputs. Each output counts
    as much as its entry of dy says."""
    ones = np.ones_like(dy)
    return reference.convolve2d(dy, kernel), reference.cross_correlate2d(image, ones)


@mistake("cross_correlate2d_backward")
def backward_ignores_dy(dy, image, kernel):
    """Both gradients are the same whatever dy is: they are those of the sum of the outputs. Each output
    counts as much as its entry of dy says."""
    return reference.cross_correlate2d_backward(np.ones_like(dy), image, kernel)


@mistake("cross_correlate2d_backward")
def backward_opposite_sign(dy, image, kernel):
    """Both gradients have the wrong sign. A gradient points uphill; the minus of gradient descent comes
    later."""
    dimage, dkernel = reference.cross_correlate2d_backward(dy, image, kernel)
    return -dimage, -dkernel


@mistake("cross_correlate2d_backward", row=18)
def backward_returns_float64(dy, image, kernel):
    """Your gradients are float64 for float32 arguments. An array made by np.zeros is float64 unless it is
    told the dtype."""
    return tuple(part.astype(np.float64) for part in reference.cross_correlate2d_backward(dy, image, kernel))


@mistake("cross_correlate2d_backward", row=14)
def backward_turns_the_kernel_in_place(dy, image, kernel):
    """You turn the kernel in place, and the next forward pass computes something else. Turn a copy or a
    view."""
    gradients = reference.cross_correlate2d_backward(dy, image, kernel)
    kernel[:] = kernel[::-1, ::-1].copy()
    return gradients


# parameter_count


@mistake("parameter_count")
def parameter_count_dense_adds(kind, n_inputs, n_outputs, k):
    """For dense you add inputs and outputs. There is a weight for every pair of an input and an output."""
    return n_inputs + n_outputs if kind == "dense" else reference.parameter_count(kind, n_inputs, n_outputs, k)


@mistake("parameter_count")
def parameter_count_local_by_inputs(kind, n_inputs, n_outputs, k):
    """For local you count k weights for every input. It is every output that has k weights of its own."""
    return k * n_inputs if kind == "local" else reference.parameter_count(kind, n_inputs, n_outputs, k)


@mistake("parameter_count")
def parameter_count_local_shares(kind, n_inputs, n_outputs, k):
    """For local you count k weights in all. Local means sparse but not shared: every output has k weights of
    its own."""
    return k if kind == "local" else reference.parameter_count(kind, n_inputs, n_outputs, k)


@mistake("parameter_count")
def parameter_count_local_is_dense(kind, n_inputs, n_outputs, k):
    """For local you count a weight for every pair. An output is connected to the k inputs that it sees, and
    to no others."""
    return reference.parameter_count("dense" if kind == "local" else kind, n_inputs, n_outputs, k)


@mistake("parameter_count")
def parameter_count_shared_counts_uses(kind, n_inputs, n_outputs, k):
    """For shared you count how often weights are used, k for every output. The same k weights serve all
    outputs, and count once."""
    return reference.parameter_count("local" if kind == "shared" else kind, n_inputs, n_outputs, k)


@mistake("parameter_count")
def parameter_count_shared_is_one(kind, n_inputs, n_outputs, k):
    """For shared you count one weight. The k weights of a kernel differ from each other; they are shared
    between places."""
    return 1 if kind == "shared" else reference.parameter_count(kind, n_inputs, n_outputs, k)


@mistake("parameter_count")
def parameter_count_squares_k(kind, n_inputs, n_outputs, k):
    """You square k. It already is the number of inputs that an output sees: 9 for a 3 by 3 kernel."""
    return reference.parameter_count(kind, n_inputs, n_outputs, k * k)


@mistake("parameter_count", row=10)
def parameter_count_with_biases(kind, n_inputs, n_outputs, k):
    """You count biases, too. Only the weights that connect inputs with outputs are asked for."""
    biases = 1 if kind == "shared" else n_outputs
    return reference.parameter_count(kind, n_inputs, n_outputs, k) + biases


# equivariance_error


def size(array):
    """The root of the sum of squares over all entries."""
    return float(np.linalg.norm(array))


@mistake("equivariance_error")
def equivariance_error_absolute(f, g_in, g_out, x):
    """Your error is absolute: it grows with the size of the outputs. Divide by the norm of g_out(f(x))."""
    return size(f(g_in(x)) - g_out(f(x)))


@mistake("equivariance_error")
def equivariance_error_relative_to_f(f, g_in, g_out, x):
    """Your error is relative to f(x). It is asked relative to g_out(f(x)), whose norm is another one where
    g_out changes lengths."""
    return size(f(g_in(x)) - g_out(f(x))) / size(f(x))


@mistake("equivariance_error")
def equivariance_error_relative_to_the_other_path(f, g_in, g_out, x):
    """Your error is relative to f(g_in(x)). It is asked relative to the other path, g_out(f(x))."""
    return size(f(g_in(x)) - g_out(f(x))) / size(f(g_in(x)))


@mistake("equivariance_error")
def equivariance_error_relative_to_x(f, g_in, g_out, x):
    """Your error is relative to x. It is asked relative to g_out(f(x)), the output that should have come."""
    return size(f(g_in(x)) - g_out(f(x))) / size(x)


@mistake("equivariance_error")
def equivariance_error_exchanges_the_changes(f, g_in, g_out, x):
    """You apply g_out to the input and g_in to the output. It is g_in that acts before f, and g_out that acts
    after it."""
    return reference.equivariance_error(f, g_out, g_in, x)


@mistake("equivariance_error")
def equivariance_error_uses_g_in_twice(f, g_in, g_out, x):
    """You change the output with g_in. Behind f the change is g_out: outputs may have another size than
    inputs."""
    return reference.equivariance_error(f, g_in, g_in, x)


@mistake("equivariance_error")
def equivariance_error_of_invariance(f, g_in, g_out, x):
    """You compare f(g_in(x)) with f(x): that asks whether f does not notice the change. Equivariance asks
    whether its output changes along, as g_out says."""
    return size(f(g_in(x)) - f(x)) / size(f(x))


@mistake("equivariance_error")
def equivariance_error_forgets_g_in(f, g_in, g_out, x):
    """You compare g_out(f(x)) with f(x): the input is never changed. One path is f after g_in."""
    return size(f(x) - g_out(f(x))) / size(g_out(f(x)))


@mistake("equivariance_error")
def equivariance_error_squared(f, g_in, g_out, x):
    """Your error is squared: a norm is the root of the sum of squares."""
    return reference.equivariance_error(f, g_in, g_out, x) ** 2


@mistake("equivariance_error")
def equivariance_error_of_absolute_values(f, g_in, g_out, x):
    """You add absolute values. The norms here are roots of sums of squares."""
    wanted = g_out(f(x))
    return float(np.abs(f(g_in(x)) - wanted).sum() / np.abs(wanted).sum())


@mistake("equivariance_error")
def equivariance_error_of_the_largest(f, g_in, g_out, x):
    """You compare the largest entries. The norms here are roots of sums of squares over all entries."""
    wanted = g_out(f(x))
    return float(np.abs(f(g_in(x)) - wanted).max() / np.abs(wanted).max())


@mistake("equivariance_error")
def equivariance_error_spectral(f, g_in, g_out, x):
    """For matrices you take the spectral norm, the largest singular value. The norms here are roots of sums
    of squares over all entries."""
    wanted = g_out(f(x))
    order = 2 if wanted.ndim == 2 else None
    return float(np.linalg.norm(f(g_in(x)) - wanted, order) / np.linalg.norm(wanted, order))


@mistake("equivariance_error")
def equivariance_error_mean_over_samples(f, g_in, g_out, x):
    """You average the errors of the samples. The norms run over all entries of the batch at once."""
    wanted = g_out(f(x))
    away = f(g_in(x)) - wanted
    errors = [size(one) / size(other) for one, other in zip(away, wanted, strict=True)]
    return float(np.mean(errors))


# numerical_gradient


@mistake("numerical_gradient")
def numerical_gradient_one_sided(f, x, dy, h=1e-6):
    """Your differences are one-sided: f(x + h) - f(x). Central ones, f(x + h) - f(x - h), have an error of
    order h squared in place of h."""
    dx = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        up = x.copy()
        up[at] += h
        dx[at] = np.sum(dy * (f(up) - f(x))) / h
    return dx


@mistake("numerical_gradient")
def numerical_gradient_not_halved(f, x, dy, h=1e-6):
    """Your gradient is twice too large. From x - h to x + h is a way of 2 h."""
    return 2 * reference.numerical_gradient(f, x, dy, h)


@mistake("numerical_gradient")
def numerical_gradient_times_h(f, x, dy, h=1e-6):
    """You divide by 2 and multiply by h. Python reads a / 2 * h from the left."""
    return reference.numerical_gradient(f, x, dy, h) * h**2


@mistake("numerical_gradient")
def numerical_gradient_without_division(f, x, dy, h=1e-6):
    """Your differences are not divided by the way between the two points, 2 h."""
    return reference.numerical_gradient(f, x, dy, h) * 2 * h


@mistake("numerical_gradient")
def numerical_gradient_ignores_h(f, x, dy, h=1e-6):
    """Your step is always the same. It is the argument h."""
    return reference.numerical_gradient(f, x, dy)


@mistake("numerical_gradient")
def numerical_gradient_half_step(f, x, dy, h=1e-6):
    """Your steps are h / 2 in each direction. Here h is the step in each direction, so that the two points
    are 2 h apart."""
    return reference.numerical_gradient(f, x, dy, h / 2)


@mistake("numerical_gradient")
def numerical_gradient_all_at_once(f, x, dy, h=1e-6):
    """You move all entries of x at once. The gradient asks for each entry alone: with all at once, what one
    entry does to the outputs of another is mixed up."""
    return dy * (f(x + h) - f(x - h)) / (2 * h)


@mistake("numerical_gradient")
def numerical_gradient_whole_rows(f, x, dy, h=1e-6):
    """You move whole rows of x at once. The loop has to visit every entry, over all axes."""
    dx = np.zeros(x.shape)
    for i in range(len(x)):
        up, down = x.copy(), x.copy()
        up[i] += h
        down[i] -= h
        dx[i] = np.sum(dy * (f(up) - f(down))) / (2 * h)
    return dx


@mistake("numerical_gradient")
def numerical_gradient_ignores_dy(f, x, dy, h=1e-6):
    """You differentiate the sum of the outputs. Each output counts as much as its entry of dy says."""
    return reference.numerical_gradient(f, x, np.ones_like(dy), h)


@mistake("numerical_gradient")
def numerical_gradient_averages(f, x, dy, h=1e-6):
    """You take the mean over the outputs. An inner product is the sum."""
    return reference.numerical_gradient(f, x, dy, h) / dy.size


@mistake("numerical_gradient")
def numerical_gradient_opposite_sign(f, x, dy, h=1e-6):
    """Your gradient has the wrong sign: f(x - h) is taken off from f(x + h), not the reverse."""
    return -reference.numerical_gradient(f, x, dy, h)


@mistake("numerical_gradient")
def numerical_gradient_flat(f, x, dy, h=1e-6):
    """Your gradient is a vector. It has x's shape."""
    return reference.numerical_gradient(f, x, dy, h).ravel()


@mistake("numerical_gradient", row=14)
def numerical_gradient_leaves_entries_moved(f, x, dy, h=1e-6):
    """You move an entry and do not put it back: the next entries are looked at from another point, and the
    caller's x is changed. Work on a copy."""
    dx = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        x[at] += h
        up = np.array(f(x))
        x[at] -= 2 * h
        dx[at] = np.sum(dy * (up - f(x))) / (2 * h)
    return dx


@mistake("numerical_gradient", row=14)
def numerical_gradient_moves_entries_back(f, x, dy, h=1e-6):
    """You move the entries of x itself, forth and back. After adding h and taking it off again, x is not
    always the same: rounding is not undone. Keep the old value, or work on a copy."""
    dx = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        x[at] += h
        up = np.array(f(x))
        x[at] -= 2 * h
        down = np.array(f(x))
        x[at] += h
        dx[at] = np.sum(dy * (up - down)) / (2 * h)
    return dx


@mistake("numerical_gradient", row=18)
def numerical_gradient_in_float32(f, x, dy, h=1e-6):
    """Your gradient is float32. Differences of almost equal numbers need all digits of float64."""
    return reference.numerical_gradient(f, x, dy, h).astype(np.float32)


# rot90_symmetrize


@mistake("rot90_symmetrize")
def rot90_symmetrize_sum(kernel):
    """You return the sum of the four rotations. The mean is a quarter of it."""
    return 4 * reference.rot90_symmetrize(kernel)


@mistake("rot90_symmetrize")
def rot90_symmetrize_flips(kernel):
    """You take the mean over flips: the kernel, mirrored in either axis, and in both. That is not yet equal
    to its own rotations by 90 degrees."""
    return (kernel + kernel[::-1] + kernel[:, ::-1] + kernel[::-1, ::-1]) / 4


@mistake("rot90_symmetrize")
def rot90_symmetrize_half_turn(kernel):
    """You take the mean of the kernel and its rotation by 180 degrees. There are four rotations: by 0, 90,
    180 and 270 degrees."""
    return (kernel + kernel[::-1, ::-1]) / 2


@mistake("rot90_symmetrize")
def rot90_symmetrize_quarter_turn(kernel):
    """You take the mean of the kernel and its rotation by 90 degrees. There are four rotations: by 0, 90,
    180 and 270 degrees."""
    return (kernel + np.rot90(kernel)) / 2


@mistake("rot90_symmetrize")
def rot90_symmetrize_transpose(kernel):
    """You take the mean of the kernel and its transpose. A transpose mirrors at the diagonal; it does not
    rotate."""
    return (kernel + kernel.T) / 2


@mistake("rot90_symmetrize")
def rot90_symmetrize_without_itself(kernel):
    """The kernel itself is missing in your mean. The rotation by 0 degrees is one of the four."""
    return (4 * reference.rot90_symmetrize(kernel) - kernel) / 3


@mistake("rot90_symmetrize")
def rot90_symmetrize_reflections_too(kernel):
    """Your mean has the reflections in it, too. Then the kernel is symmetric under more than rotations, and
    some of what it could see is lost."""
    return reference.rot90_symmetrize(kernel + kernel.T) / 2


@mistake("rot90_symmetrize", row=18)
def rot90_symmetrize_returns_float64(kernel):
    """Your result is float64 for a float32 kernel. An array made by np.zeros is float64 unless it is told the
    dtype."""
    return reference.rot90_symmetrize(kernel).astype(np.float64)


@mistake("rot90_symmetrize", row=14)
def rot90_symmetrize_adds_in_place(kernel):
    """You add the rotations to the kernel itself. From the second one on you rotate what is already a sum,
    and the caller's kernel is changed. Collect them in an array of its own."""
    for quarter in (1, 2, 3):
        kernel += np.rot90(kernel, quarter)
    return kernel / 4
