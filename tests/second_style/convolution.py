"""Mistakes of unit 1 in another style: loops where the first form leans on the reference, and the reverse."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tests.second_style import again

# convolve1d


def convolved_by_definition(x, w):
    s = np.zeros(len(x) + len(w) - 1, x.dtype)
    for t in range(len(s)):
        for a in range(len(x)):
            if 0 <= t - a < len(w):
                s[t] += x[a] * w[t - a]
    return s


@again("convolve1d_correlates")
def slides_without_a_flip(x, w, mode="full"):
    return np.correlate(x, w, mode) if len(x) >= len(w) else np.convolve(x, w[::-1], mode)


@again("convolve1d_flips_the_result")
def flips_both(x, w, mode="full"):
    swapped = max(len(x), len(w))
    s = convolved_by_definition(x[::-1], w[::-1])
    if mode == "full":
        return s
    k = len(x) + len(w) - swapped
    if mode == "valid":
        return s[k - 1 : swapped]
    end = len(s) - (k - 1) // 2
    return s[end - swapped : end]


@again("convolve1d_exchanges_after_the_flip")
def flips_then_swaps(x, w, mode="full"):
    kernel = w[::-1]
    if len(kernel) > len(x):
        x, kernel = kernel, x
    k = len(kernel)
    padded = np.concatenate([np.zeros(k - 1, x.dtype), x, np.zeros(k - 1, x.dtype)])
    full = np.array([np.dot(padded[t : t + k], kernel) for t in range(len(padded) - k + 1)])
    if mode == "full":
        return full
    if mode == "valid":
        return full[k - 1 : len(x)]
    begin = (k - 1) // 2 if k == len(w) else k // 2
    return full[begin : begin + len(x)]


@again("convolve1d_ignores_mode")
def knows_one_mode(x, w, mode="full"):
    return convolved_by_definition(x, w)


@again("convolve1d_valid_too_short")
def one_place_short(x, w, mode="full"):
    if mode != "valid":
        return np.convolve(x, w, mode)
    signal, kernel = (x, w) if len(x) >= len(w) else (w, x)
    places = range(len(signal) - len(kernel))
    values = [sum(signal[t + a] * kernel[len(kernel) - 1 - a] for a in range(len(kernel))) for t in places]
    return np.array(values, dtype=x.dtype)


@again("convolve1d_same_shifted_for_even_kernels")
def cuts_half_a_kernel(x, w, mode="full"):
    if mode != "same":
        return np.convolve(x, w, mode)
    size, k = max(len(x), len(w)), min(len(x), len(w))
    s = np.zeros(size, x.dtype)
    full = convolved_by_definition(x, w)
    for t in range(size):
        s[t] = full[t + k // 2]
    return s


@again("convolve1d_same_from_the_beginning")
def keeps_the_head(x, w, mode="full"):
    if mode != "same":
        return np.convolve(x, w, mode)
    s = np.zeros(max(len(x), len(w)), x.dtype)
    for t in range(len(s)):
        for a in range(len(x)):
            if 0 <= t - a < len(w):
                s[t] += x[a] * w[t - a]
    return s


@again("convolve1d_returns_float64")
def collects_in_float64(x, w, mode="full"):
    s = np.zeros(len(np.convolve(x, w, mode)))
    s += np.convolve(x, w, mode)
    return s


@again("convolve1d_flips_in_place")
def turns_the_callers_kernel(x, w, mode="full"):
    s = np.convolve(x, w, mode)
    for a in range(len(w) // 2):
        w[a], w[-1 - a] = w[-1 - a], w[a]
    return s


# cross_correlate2d


@again("cross_correlate2d_convolves")
def reads_the_kernel_backwards(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    y = np.zeros((h - kh + 1, w - kw + 1), image.dtype)
    for i, j, m, n in np.ndindex(*y.shape, kh, kw):
        y[i, j] += image[i + m, j + n] * kernel[kh - 1 - m, kw - 1 - n]
    return y


@again("cross_correlate2d_flips_rows")
def reads_the_rows_backwards(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    y = np.zeros((h - kh + 1, w - kw + 1), image.dtype)
    for m in range(kh):
        for n in range(kw):
            y += kernel[kh - 1 - m, n] * image[m : m + y.shape[0], n : n + y.shape[1]]
    return y


@again("cross_correlate2d_transposes_the_kernel")
def takes_width_for_height(image, kernel):
    (h, w), (kw, kh) = image.shape, kernel.shape
    y = np.zeros((h - kh + 1, w - kw + 1), image.dtype)
    for i, j, m, n in np.ndindex(*y.shape, kh, kw):
        y[i, j] += image[i + m, j + n] * kernel[n, m]
    return y


@again("cross_correlate2d_one_too_small")
def forgets_the_last_place(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    y = np.zeros((h - kh, w - kw), image.dtype)
    for i in range(h - kh):
        for j in range(w - kw):
            y[i, j] = np.sum(image[i : i + kh, j : j + kw] * kernel)
    return y


@again("cross_correlate2d_averages")
def means_of_windows(image, kernel):
    return (sliding_window_view(image, kernel.shape) * kernel).mean(axis=(2, 3))


@again("cross_correlate2d_same_size")
def pads_first(image, kernel):
    kh, kw = kernel.shape
    above, left = kh - 1 - (kh - 1) // 2, kw - 1 - (kw - 1) // 2
    around = np.zeros((image.shape[0] + kh - 1, image.shape[1] + kw - 1), image.dtype)
    around[above : above + image.shape[0], left : left + image.shape[1]] = image
    return np.einsum("ijmn,mn->ij", sliding_window_view(around, kernel.shape), kernel)


# convolve2d


@again("convolve2d_correlates")
def stamps_turned_kernels(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    s = np.zeros((h + kh - 1, w + kw - 1), image.dtype)
    for m, n in np.ndindex(h, w):
        s[m : m + kh, n : n + kw] += image[m, n] * kernel[::-1, ::-1]
    return s


@again("convolve2d_flips_rows_only")
def turns_the_rows(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    s = np.zeros((h + kh - 1, w + kw - 1), image.dtype)
    for m, n in np.ndindex(kh, kw):
        s[m : m + h, kw - 1 - n : kw - 1 - n + w] += kernel[m, n] * image
    return s


@again("convolve2d_flips_the_image")
def turns_what_comes_out(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    s = np.zeros((h + kh - 1, w + kw - 1), image.dtype)
    for (m, n), pixel in np.ndenumerate(image[::-1, ::-1]):
        s[m : m + kh, n : n + kw] += pixel * kernel[::-1, ::-1]
    return s


@again("convolve2d_cut_to_the_image")
def stamps_inside_the_image(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    s = np.zeros((h, w), image.dtype)
    for i, j, m, n in np.ndindex(h, w, h, w):
        p, q = i + (kh - 1) // 2 - m, j + (kw - 1) // 2 - n
        if 0 <= p < kh and 0 <= q < kw:
            s[i, j] += image[m, n] * kernel[p, q]
    return s


@again("convolve2d_margin_too_wide")
def pads_by_the_whole_kernel(image, kernel):
    kh, kw = kernel.shape
    around = np.pad(image, ((kh, kh), (kw, kw)))
    return np.einsum("ijmn,mn->ij", sliding_window_view(around, kernel.shape), kernel[::-1, ::-1])


@again("convolve2d_repeats_the_border")
def clips_indices(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    s = np.zeros((h + kh - 1, w + kw - 1), image.dtype)
    for i, j, m, n in np.ndindex(*s.shape, kh, kw):
        p, q = np.clip(i - m, 0, h - 1), np.clip(j - n, 0, w - 1)
        s[i, j] += image[p, q] * kernel[m, n]
    return s


# pad2d


def picked(x, rows, columns):
    return x[:, :, rows][:, :, :, columns]


@again("pad2d_top_bottom_first")
def reads_numpys_order(x, padding, mode="constant"):
    mode = {"replicate": "edge", "circular": "wrap"}.get(mode, mode)
    return np.pad(x, [(0, 0), (0, 0), tuple(padding[:2]), tuple(padding[2:])], mode=mode)


@again("pad2d_left_is_right")
def pads_the_mirror_image(x, padding, mode="constant"):
    mode = {"replicate": "edge", "circular": "wrap"}.get(mode, mode)
    left, right, top, bottom = padding
    turned = np.pad(x[..., ::-1], [(0, 0), (0, 0), (top, bottom), (left, right)], mode=mode)
    return turned[..., ::-1]


@again("pad2d_channels_last")
def pads_before_the_last_axis(x, padding, mode="constant"):
    mode = {"replicate": "edge", "circular": "wrap"}.get(mode, mode)
    left, right, top, bottom = padding
    moved = np.pad(np.moveaxis(x, 3, 1), [(0, 0), (0, 0), (top, bottom), (left, right)], mode=mode)
    return np.moveaxis(moved, 1, 3)


@again("pad2d_slices_up_to_minus_zero")
def fills_an_inner_slice(x, padding, mode="constant"):
    left, right, top, bottom = padding
    n, c, h, w = x.shape
    y = np.zeros((n, c, h + top + bottom, w + left + right), x.dtype)
    y[:, :, top:-bottom, left:-right] = x
    if mode == "constant":
        return y
    i, j = np.arange(-top, h + bottom), np.arange(-left, w + right)
    if mode == "circular":
        return picked(x, i % h, j % w)
    if mode == "replicate":
        return picked(x, i.clip(0, h - 1), j.clip(0, w - 1))
    return picked(x, h - 1 - abs(h - 1 - abs(i)), w - 1 - abs(w - 1 - abs(j)))


@again("pad2d_ignores_mode")
def knows_zeros_only(x, padding, mode="constant"):
    left, right, top, bottom = padding
    n, c, h, w = x.shape
    y = np.zeros((n, c, h + top + bottom, w + left + right), x.dtype)
    y[:, :, top : top + h, left : left + w] = x
    return y


@again("pad2d_reflect_repeats_the_border")
def mirror_behind_the_border(x, padding, mode="constant"):
    left, right, top, bottom = padding
    h, w = x.shape[2:]
    if mode == "reflect":
        rows = [*range(top - 1, -1, -1), *range(h), *range(h - 1, h - 1 - bottom, -1)]
        columns = [*range(left - 1, -1, -1), *range(w), *range(w - 1, w - 1 - right, -1)]
        return picked(x, rows, columns)
    mode = {"replicate": "edge", "circular": "wrap"}.get(mode, mode)
    return np.pad(x, [(0, 0), (0, 0), (top, bottom), (left, right)], mode=mode)


@again("pad2d_empty_corners")
def pads_each_side_from_the_original(x, padding, mode="constant"):
    left, right, top, bottom = padding
    h, w = x.shape[2:]
    y = np.zeros((*x.shape[:2], h + top + bottom, w + left + right), x.dtype)
    mode = {"replicate": "edge", "circular": "wrap"}.get(mode, mode)
    y[..., left : left + w] = np.pad(x, [(0, 0), (0, 0), (top, bottom), (0, 0)], mode=mode)
    y[:, :, top : top + h] = np.pad(x, [(0, 0), (0, 0), (0, 0), (left, right)], mode=mode)
    return y


# conv_matrix


@again("conv_matrix_transposed")
def columns_of_outputs(kernel, height, width):
    kh, kw = kernel.shape
    out_h, out_w = height - kh + 1, width - kw + 1
    matrix = np.zeros((height * width, out_h * out_w), kernel.dtype)
    for i, j, m, n in np.ndindex(out_h, out_w, kh, kw):
        matrix[(i + m) * width + j + n, i * out_w + j] = kernel[m, n]
    return matrix


@again("conv_matrix_flips")
def rows_of_turned_kernels(kernel, height, width):
    kh, kw = kernel.shape
    rows = []
    for i, j in np.ndindex(height - kh + 1, width - kw + 1):
        picture = np.zeros((height, width), kernel.dtype)
        picture[i : i + kh, j : j + kw] = np.rot90(kernel, 2)
        rows.append(picture.ravel())
    return np.array(rows)


@again("conv_matrix_shifts_by_one_each_row")
def rolls_the_first_row(kernel, height, width):
    kh, kw = kernel.shape
    first = np.zeros((height, width), kernel.dtype)
    first[:kh, :kw] = kernel
    return np.stack([np.roll(first.ravel(), i) for i in range((height - kh + 1) * (width - kw + 1))])


@again("conv_matrix_counts_columns_first")
def loops_over_columns_first(kernel, height, width):
    kh, kw = kernel.shape
    rows = []
    for j in range(width - kw + 1):
        for i in range(height - kh + 1):
            picture = np.zeros((height, width), kernel.dtype)
            picture[i : i + kh, j : j + kw] = kernel
            rows.append(picture.ravel())
    return np.array(rows)


@again("conv_matrix_is_float64")
def fills_float64_zeros(kernel, height, width):
    kh, kw = kernel.shape
    out_h, out_w = height - kh + 1, width - kw + 1
    matrix = np.zeros((out_h, out_w, height, width))
    for i, j in np.ndindex(out_h, out_w):
        matrix[i, j, i : i + kh, j : j + kw] = kernel
    return matrix.reshape(out_h * out_w, -1)


# cross_correlate2d_backward


def both_gradients(dy, image, kernel):
    dimage, dkernel = np.zeros_like(image), np.zeros_like(kernel)
    kh, kw = kernel.shape
    for i, j in np.ndindex(dy.shape):
        dimage[i : i + kh, j : j + kw] += dy[i, j] * kernel
        dkernel += dy[i, j] * image[i : i + kh, j : j + kw]
    return dimage, dkernel


@again("backward_dimage_by_flipped_kernel")
def scatters_by_the_turned_kernel(dy, image, kernel):
    dimage, _ = both_gradients(dy, image, np.rot90(kernel, 2))
    return dimage, both_gradients(dy, image, kernel)[1]


@again("backward_dkernel_turned")
def collects_into_the_turned_kernel(dy, image, kernel):
    dimage, dkernel = both_gradients(dy, image, kernel)
    turned = np.zeros_like(dkernel)
    for m, n in np.ndindex(kernel.shape):
        turned[-1 - m, -1 - n] = dkernel[m, n]
    return dimage, turned


@again("backward_dimage_assigned")
def assigns_pixel_by_pixel(dy, image, kernel):
    dimage = np.zeros_like(image)
    for i, j, m, n in np.ndindex(*dy.shape, *kernel.shape):
        dimage[i + m, j + n] = dy[i, j] * kernel[m, n]
    return dimage, both_gradients(dy, image, kernel)[1]


@again("backward_dkernel_of_the_last_place")
def assigns_the_kernels_gradient(dy, image, kernel):
    dimage, dkernel = both_gradients(dy, image, kernel)
    for i, j, m, n in np.ndindex(*dy.shape, *kernel.shape):
        dkernel[m, n] = dy[i, j] * image[i + m, j + n]
    return dimage, dkernel


@again("backward_dkernel_averaged")
def averages_over_places(dy, image, kernel):
    windows = sliding_window_view(image, dy.shape)
    return both_gradients(dy, image, kernel)[0], (windows * dy).mean(axis=(2, 3))


@again("backward_ignores_dy")
def differentiates_the_sum(dy, image, kernel):
    dimage, dkernel = np.zeros_like(image), np.zeros_like(kernel)
    kh, kw = kernel.shape
    for i, j in np.ndindex(dy.shape):
        dimage[i : i + kh, j : j + kw] += kernel
        dkernel += image[i : i + kh, j : j + kw]
    return dimage, dkernel


# parameter_count


@again("parameter_count_local_by_inputs")
def weights_of_every_input(kind, n_inputs, n_outputs, k):
    return {"dense": n_inputs * n_outputs, "local": n_inputs * k, "shared": k}[kind]


@again("parameter_count_with_biases")
def weights_and_biases(kind, n_inputs, n_outputs, k):
    if kind == "shared":
        return k + 1
    return n_outputs * ((n_inputs if kind == "dense" else k) + 1)


# equivariance_error


@again("equivariance_error_absolute")
def root_of_squares(f, g_in, g_out, x):
    return np.sqrt(np.sum(np.square(f(g_in(x)) - g_out(f(x)))))


@again("equivariance_error_relative_to_f")
def relative_to_what_was_before(f, g_in, g_out, x):
    y = f(x)
    return np.sqrt(np.sum((f(g_in(x)) - g_out(y)) ** 2) / np.sum(y**2))


@again("equivariance_error_squared")
def without_roots(f, g_in, g_out, x):
    wanted = g_out(f(x))
    return np.sum((f(g_in(x)) - wanted) ** 2) / np.sum(wanted**2)


@again("equivariance_error_mean_over_samples")
def norms_of_samples(f, g_in, g_out, x):
    wanted = np.asarray(g_out(f(x)))
    away = (f(g_in(x)) - wanted).reshape(len(wanted), -1)
    return (np.linalg.norm(away, axis=1) / np.linalg.norm(wanted.reshape(len(wanted), -1), axis=1)).mean()


# numerical_gradient


@again("numerical_gradient_one_sided")
def forward_differences(f, x, dy, h=1e-6):
    start, steps = f(x), h * np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([np.vdot(dy, f(x + step) - start) / h for step in steps]).reshape(x.shape)


@again("numerical_gradient_not_halved")
def divides_by_h(f, x, dy, h=1e-6):
    steps = h * np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([np.vdot(dy, f(x + s) - f(x - s)) / h for s in steps]).reshape(x.shape)


@again("numerical_gradient_ignores_dy")
def sums_the_outputs(f, x, dy, h=1e-6):
    steps = h * np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([np.sum(f(x + s) - f(x - s)) / (2 * h) for s in steps]).reshape(x.shape)


@again("numerical_gradient_moves_entries_back")
def moves_the_callers_entries(f, x, dy, h=1e-6):
    dx = np.zeros_like(x)
    for at, _ in np.ndenumerate(x):
        x[at] += h
        above = np.vdot(dy, f(x))
        x[at] -= 2 * h
        below = np.vdot(dy, f(x))
        x[at] += h
        dx[at] = (above - below) / (2 * h)
    return dx


# rot90_symmetrize


@again("rot90_symmetrize_sum")
def adds_four_rotations(kernel):
    total = np.zeros_like(kernel)
    for quarter in range(4):
        total += np.rot90(kernel, quarter)
    return total


@again("rot90_symmetrize_flips")
def mean_of_flips(kernel):
    return np.mean([kernel, np.flipud(kernel), np.fliplr(kernel), np.flip(kernel)], axis=0)
