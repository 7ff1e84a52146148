"""Mistakes of unit 2 in another style: loops and index arithmetic where the first form leans on the reference."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from solutions import conv_layer as right
from tests.second_style import again

# conv_output_size


@again("output_size_rounds_up")
def rounds_up(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    reach = dilation * (kernel_size - 1) + 1
    found = math.ceil((size + 2 * padding - reach) / stride) + 1
    if found < 1:
        raise ValueError("nothing fits")
    return found


@again("output_size_without_plus_one")
def counts_steps(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    steps, last = -1, -padding
    while last + dilation * (kernel_size - 1) < size + padding:
        steps, last = steps + 1, last + stride
    if ceil_mode and last - stride + dilation * (kernel_size - 1) < size + padding - 1 and last < size:
        steps += 1
    if steps < 0:
        raise ValueError
    return steps


@again("output_size_ignores_dilation")
def knows_no_gaps(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    rounded = math.ceil if ceil_mode else math.floor
    found = rounded((size + 2 * padding - kernel_size) / stride) + 1
    if ceil_mode and (found - 1) * stride >= size + padding:
        found = found - 1
    if found <= 0:
        raise ValueError
    return found


@again("output_size_keeps_empty_window")
def ceils_and_no_more(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    rounded = math.ceil if ceil_mode else math.floor
    found = rounded((size + 2 * padding - dilation * (kernel_size - 1) - 1) / stride + 1)
    if found <= 0:
        raise ValueError
    return found


@again("output_size_never_refuses")
def answers_always(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    rounded = math.ceil if ceil_mode else math.floor
    found = rounded((size + 2 * padding - dilation * (kernel_size - 1) - 1) / stride + 1)
    return found - 1 if ceil_mode and (found - 1) * stride >= size + padding else found


# conv2d_naive


def pixels(x, weight, stride=1, padding=0, dilation=1, *, window_step=None, turned=False, border="zeros"):
    """The output without bias, pixel by pixel and product by product; the wrong ones differ in one place."""
    (n, _, h, w), (c_out, _, kh, kw) = x.shape, weight.shape
    out_h = (h + 2 * padding - dilation * (kh - 1) - 1) // stride + 1
    out_w = (w + 2 * padding - dilation * (kw - 1) - 1) // stride + 1
    y = np.zeros((n, c_out, out_h, out_w), dtype=x.dtype)
    step = stride if window_step is None else window_step
    for i in range(out_h):
        for j in range(out_w):
            for u in range(kh):
                for v in range(kw):
                    row, col = i * step + u * dilation - padding, j * step + v * dilation - padding
                    if border == "repeated":
                        row, col = min(max(row, 0), h - 1), min(max(col, 0), w - 1)
                    if 0 <= row < h and 0 <= col < w:
                        weights = weight[:, :, kh - 1 - u, kw - 1 - v] if turned else weight[:, :, u, v]
                        y[:, :, i, j] += x[:, :, row, col] @ weights.T
    return y


def with_bias(y, bias):
    return y if bias is None else y + bias.reshape(1, -1, 1, 1)


@again("naive_flips")
def turns_the_kernel(x, weight, bias=None, stride=1, padding=0):
    return with_bias(pixels(x, weight, stride, padding, turned=True), bias)


@again("naive_ignores_stride")
def creeps(x, weight, bias=None, stride=1, padding=0):
    return with_bias(pixels(x, weight, stride, padding, window_step=1), bias)


@again("naive_repeats_the_border")
def clips_indices(x, weight, bias=None, stride=1, padding=0):
    return with_bias(pixels(x, weight, stride, padding, border="repeated"), bias)


@again("naive_leaves_out_bias")
def has_no_bias(x, weight, bias=None, stride=1, padding=0):
    return pixels(x, weight, stride, padding)


@again("naive_adds_bias_to_every_product")
def adds_bias_inside(x, weight, bias=None, stride=1, padding=0):
    y = pixels(x, weight, stride, padding)
    for _ in range(weight[0].size):
        y = with_bias(y, bias)
    return y


@again("naive_takes_another_bias")
def adds_the_first_bias(x, weight, bias=None, stride=1, padding=0):
    y = pixels(x, weight, stride, padding)
    return y if bias is None else y + bias[0]


@again("naive_sees_one_channel")
def looks_at_channel_zero(x, weight, bias=None, stride=1, padding=0):
    only = np.zeros_like(x)
    only[:, 0] = x[:, 0]
    return with_bias(pixels(only, weight, stride, padding), bias)


@again("naive_sums_channels_first")
def mixes_channels(x, weight, bias=None, stride=1, padding=0):
    grey = sum(x[:, c] for c in range(x.shape[1]))[:, None]
    filters = sum(weight[:, c] for c in range(x.shape[1]))[:, None]
    return with_bias(pixels(grey, filters, stride, padding), bias)


@again("naive_makes_doubles")
def collects_in_doubles(x, weight, bias=None, stride=1, padding=0):
    windows = sliding_window_view(
        np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding))), weight.shape[2:], axis=(2, 3)
    )[:, :, ::stride, ::stride]
    y = np.zeros((len(x), len(weight), *windows.shape[2:4]))
    y += np.einsum("ncijuv,ocuv->noij", windows, weight)
    return with_bias(y, bias)


# im2col


def listed(x, kernel_size, stride=1, padding=0, dilation=1, *, step=None, spread=None, order=None, mode="constant"):
    """All windows in a list, each (N, C, KH, KW): the right ones, or with another step or spread."""
    kh, kw = kernel_size
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), mode=mode)
    out_h = (padded.shape[2] - dilation * (kh - 1) - 1) // stride + 1
    out_w = (padded.shape[3] - dilation * (kw - 1) - 1) // stride + 1
    places = [(i, j) for i in range(out_h) for j in range(out_w)]
    if order == "down":
        places = [(i, j) for j in range(out_w) for i in range(out_h)]
    rows = np.arange(kh) * (spread or dilation)
    cols = np.arange(kw) * (spread or dilation)
    step = step or stride
    return [padded[:, :, (i * step + rows)[:, None], j * step + cols] for i, j in places]


def as_columns(windows):
    return np.stack([window.reshape(len(window), -1) for window in windows], axis=2)


@again("im2col_puts_channels_last")
def ravels_channels_last(x, kernel_size, stride=1, padding=0, dilation=1):
    return as_columns([np.moveaxis(w, 1, 3) for w in listed(x, kernel_size, stride, padding, dilation)])


@again("im2col_visits_columns_first")
def goes_down_first(x, kernel_size, stride=1, padding=0, dilation=1):
    return as_columns(listed(x, kernel_size, stride, padding, dilation, order="down"))


@again("im2col_flips")
def turns_windows(x, kernel_size, stride=1, padding=0, dilation=1):
    return as_columns([w[:, :, ::-1, ::-1] for w in listed(x, kernel_size, stride, padding, dilation)])


@again("im2col_ignores_stride")
def takes_neighbouring_windows(x, kernel_size, stride=1, padding=0, dilation=1):
    return as_columns(listed(x, kernel_size, stride, padding, dilation, step=1))


@again("im2col_ignores_dilation")
def takes_neighbouring_pixels(x, kernel_size, stride=1, padding=0, dilation=1):
    return as_columns(listed(x, kernel_size, stride, padding, dilation, spread=1))


@again("im2col_repeats_the_border")
def copies_the_edge(x, kernel_size, stride=1, padding=0, dilation=1):
    return as_columns(listed(x, kernel_size, stride, padding, dilation, mode="edge"))


@again("im2col_returns_rows")
def stacks_rows(x, kernel_size, stride=1, padding=0, dilation=1):
    windows = listed(x, kernel_size, stride, padding, dilation)
    return np.stack([window.reshape(len(window), -1) for window in windows], axis=1)


@again("im2col_joins_samples")
def one_matrix_for_all(x, kernel_size, stride=1, padding=0, dilation=1):
    columns = as_columns(listed(x, kernel_size, stride, padding, dilation))
    return columns.transpose(1, 0, 2).reshape(columns.shape[1], -1)


# col2im


def index_arrays(c, size, kernel_size, stride, padding, dilation):
    (h, w), (kh, kw) = size, kernel_size
    out_h = (h + 2 * padding - dilation * (kh - 1) - 1) // stride + 1
    out_w = (w + 2 * padding - dilation * (kw - 1) - 1) // stride + 1
    entry, place = np.arange(c * kh * kw)[:, None], np.arange(out_h * out_w)
    rows = entry // kw % kh * dilation + place // out_w * stride
    cols = entry % kw * dilation + place % out_w * stride
    return entry // (kh * kw), rows, cols


def empty(columns, output_size, kernel_size, padding):
    h, w = output_size
    c = columns.shape[1] // math.prod(kernel_size)
    return np.zeros((len(columns), c, h + 2 * padding, w + 2 * padding), columns.dtype)


@again("col2im_assigns")
def writes_window_after_window(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    padded = empty(columns, output_size, kernel_size, padding)
    channels, rows, cols = index_arrays(padded.shape[1], output_size, kernel_size, stride, padding, dilation)
    for place in range(columns.shape[2]):
        padded[:, channels[:, 0], rows[:, place], cols[:, place]] = columns[:, :, place]
    return padded[:, :, padding : padding + output_size[0], padding : padding + output_size[1]]


@again("col2im_keeps_the_last_entry")
def trusts_plus_equals(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    padded = empty(columns, output_size, kernel_size, padding)
    padded[:, *index_arrays(padded.shape[1], output_size, kernel_size, stride, padding, dilation)] += columns
    return padded[:, :, padding : padding + output_size[0], padding : padding + output_size[1]]


def added(columns, output_size, kernel_size, stride, padding, dilation):
    padded = empty(columns, output_size, kernel_size, padding)
    where = index_arrays(padded.shape[1], output_size, kernel_size, stride, padding, dilation)
    np.add.at(padded, (slice(None), *where), columns)
    return padded


@again("col2im_averages")
def divides_by_the_overlap(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    total = added(columns, output_size, kernel_size, stride, padding, dilation)
    often = added(np.ones_like(columns), output_size, kernel_size, stride, padding, dilation)
    mean = np.divide(total, often, out=total, where=often > 0)
    return mean[:, :, padding : padding + output_size[0], padding : padding + output_size[1]]


@again("col2im_keeps_the_padding")
def forgets_to_crop(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    return added(columns, output_size, kernel_size, stride, padding, dilation)


@again("col2im_crops_to_nothing")
def slices_with_minus_zero(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    return added(columns, output_size, kernel_size, stride, padding, dilation)[..., padding:-padding, padding:-padding]


@again("col2im_crops_one_end")
def crops_at_the_end(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    padded = added(columns, output_size, kernel_size, stride, padding, dilation)
    return padded[:, :, : padded.shape[2] - 2 * padding, : padded.shape[3] - 2 * padding]


@again("col2im_reads_channels_last")
def unravels_channels_last(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    k = math.prod(kernel_size)
    c = columns.shape[1] // k
    order = [entry * c + channel for channel in range(c) for entry in range(k)]
    padded = added(columns[:, order], output_size, kernel_size, stride, padding, dilation)
    return padded[:, :, padding : padding + output_size[0], padding : padding + output_size[1]]


# conv2d


def grouped_pixels(x, weight, groups, *args, of=lambda g: g, filters_of=lambda g: g, **options):
    """pixels() group by group; `of` says which channels a group reads, `filters_of` which filters it has."""
    per, filters = weight.shape[1], len(weight) // groups
    parts = []
    for g in range(groups):
        channels = x[:, of(g) * per : (of(g) + 1) * per]
        kernels = weight[filters_of(g) * filters : (filters_of(g) + 1) * filters]
        parts.append(pixels(channels, kernels, *args, **options))
    return np.concatenate(parts, axis=1)


def cached(y, *args):
    return y, right.conv2d_forward(*args)[1]


@again("conv2d_flips")
def layer_turns_the_kernel(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    y = grouped_pixels(x, weight, groups, stride, padding, dilation, turned=True)
    return cached(with_bias(y, bias), x, weight, bias, stride, padding, dilation, groups)


@again("conv2d_ignores_stride")
def layer_creeps(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    y = grouped_pixels(x, weight, groups, stride, padding, dilation, window_step=1)
    return cached(with_bias(y, bias), x, weight, bias, stride, padding, dilation, groups)


@again("conv2d_repeats_the_border")
def layer_clips_indices(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    y = grouped_pixels(x, weight, groups, stride, padding, dilation, border="repeated")
    return cached(with_bias(y, bias), x, weight, bias, stride, padding, dilation, groups)


@again("conv2d_leaves_out_bias")
def layer_has_no_bias(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    y = grouped_pixels(x, weight, groups, stride, padding, dilation)
    return cached(y, x, weight, bias, stride, padding, dilation, groups)


@again("conv2d_groups_see_first_channels")
def groups_read_the_first_block(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    y = grouped_pixels(x, weight, groups, stride, padding, dilation, of=lambda g: 0)
    return cached(with_bias(y, bias), x, weight, bias, stride, padding, dilation, groups)


@again("conv2d_groups_share_filters")
def groups_have_the_first_filters(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    y = grouped_pixels(x, weight, groups, stride, padding, dilation, filters_of=lambda g: 0)
    return cached(with_bias(y, bias), x, weight, bias, stride, padding, dilation, groups)


@again("conv2d_restarts_bias_in_groups")
def groups_have_the_first_biases(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    y = grouped_pixels(x, weight, groups, stride, padding, dilation)
    if bias is not None:
        for o in range(len(weight)):
            y[:, o] += bias[o % (len(weight) // groups)]
    return cached(y, x, weight, bias, stride, padding, dilation, groups)


@again("conv2d_output_is_square")
def reshapes_to_a_square(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    size = right.conv_output_size(x.shape[2], weight.shape[2], stride, padding, dilation)
    y = with_bias(grouped_pixels(x, weight, groups, stride, padding, dilation), bias)
    square = y.reshape(len(x), len(weight), size, size)
    return cached(square, x, weight, bias, stride, padding, dilation, groups)


KEPT = []


def forgets_its_cache(dy, cache):
    return right.conv2d_backward(dy, KEPT[0])


@again("conv2d_remembers_one_call", also={"conv2d_backward": forgets_its_cache})
def keeps_a_global(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    KEPT.clear()
    y, cache = right.conv2d_forward(x, weight, bias, stride, padding, dilation, groups)
    KEPT.append(cache)
    return y, None


def remembers_arguments(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    args = x, weight, bias, stride, padding, dilation, groups
    return right.conv2d_forward(*args)[0], args


RAW = {"conv2d_forward": remembers_arguments}


def by_loops(dy, cache, *, step=None, turned=False, assign=False, filters_of=lambda g: g):
    """The three gradients, place by place; the wrong ones differ in dx."""
    x, weight, bias, stride, padding, dilation, groups = cache
    (h, w), (c_out, per, kh, kw) = x.shape[2:], weight.shape
    wide = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    dwide, dweight, share = np.zeros_like(wide), np.zeros_like(weight), c_out // groups
    far = stride if step is None else step
    for i, j in np.ndindex(*dy.shape[2:]):
        seen = {}
        for g, u, v in np.ndindex(groups, kh, kw):
            out, channels = slice(g * share, (g + 1) * share), slice(g * per, (g + 1) * per)
            row, col = i * stride + u * dilation, j * stride + v * dilation
            dweight[out, :, u, v] += dy[:, out, i, j].T @ wide[:, channels, row, col]
            used = slice(filters_of(g) * share, (filters_of(g) + 1) * share)
            weights = weight[used, :, kh - 1 - u, kw - 1 - v] if turned else weight[used, :, u, v]
            seen[g, u, v] = dy[:, out, i, j] @ weights
        for (g, u, v), sent in seen.items():
            there = dwide[:, g * per : (g + 1) * per, i * far + u * dilation, j * far + v * dilation]
            there[...] = sent if assign else there + sent
    dx = dwide[:, :, padding : padding + h, padding : padding + w]
    return dx, dweight, None if bias is None else np.einsum("noij->o", dy)


@again("conv2d_backward_ignores_stride", also=RAW)
def comes_back_too_close(dy, cache):
    return by_loops(dy, cache, step=1)


@again("conv2d_backward_assigns", also=RAW)
def comes_back_over_others(dy, cache):
    return by_loops(dy, cache, assign=True)


@again("conv2d_backward_flips_dx", also=RAW)
def comes_back_turned(dy, cache):
    return by_loops(dy, cache, turned=True)


@again("conv2d_backward_shares_filters", also=RAW)
def comes_back_through_the_first_filters(dy, cache):
    return by_loops(dy, cache, filters_of=lambda g: 0)


@again("conv2d_backward_last_sample", also=RAW)
def overwrites_dweight(dy, cache):
    dx, dweight, dbias = by_loops(dy, cache)
    for n in range(len(dy)):
        dweight = by_loops(dy[n : n + 1], (cache[0][n : n + 1], *cache[1:]))[1]
    return dx, dweight, dbias


@again("conv2d_backward_averages_both", also=RAW)
def takes_means(dy, cache):
    dx, dweight, dbias = by_loops(dy, cache)
    return dx, dweight / dy.shape[0], dbias if dbias is None else dy.mean(axis=0).sum(axis=(1, 2))


@again("conv2d_backward_dbias_over_pixels", also=RAW)
def one_dbias_per_sample(dy, cache):
    dx, dweight, dbias = by_loops(dy, cache)
    return dx, dweight, dbias if dbias is None else dy.reshape(*dy.shape[:2], -1).sum(axis=-1)


@again("conv2d_backward_invents_dbias", also=RAW)
def always_a_dbias(dy, cache):
    return (*by_loops(dy, cache)[:2], np.einsum("noij->o", dy))


# conv_transpose2d


def stamped(x, weight, stride, *, turned=False, assign=False, step=None):
    """The uncropped output, stamp by stamp."""
    kh, kw = weight.shape[2:]
    (n, _, h, w), c_out = x.shape, weight.shape[1]
    wide = np.zeros((n, c_out, (h - 1) * stride + kh, (w - 1) * stride + kw), x.dtype)
    far = step or stride
    kernel = weight[:, :, ::-1, ::-1] if turned else weight
    for i, j in np.ndindex(h, w):
        stamp = np.tensordot(x[:, :, i, j], kernel, axes=1)
        there = wide[:, :, i * far : i * far + kh, j * far : j * far + kw]
        there[...] = stamp if assign else there + stamp
    return wide


def cut(wide, bias, padding, output_padding):
    wide = np.pad(wide, ((0, 0), (0, 0), (0, output_padding), (0, output_padding)))
    y = wide[:, :, padding : wide.shape[2] - padding, padding : wide.shape[3] - padding]
    return with_bias(y, bias)


def transposed_cache(y, *args):
    return y, right.conv_transpose2d_forward(*args)[1]


@again("transpose_flips")
def stamps_turned(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    y = cut(stamped(x, weight, stride, turned=True), bias, padding, output_padding)
    return transposed_cache(y, x, weight, bias, stride, padding, output_padding)


@again("transpose_assigns")
def stamps_over_stamps(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    y = cut(stamped(x, weight, stride, assign=True), bias, padding, output_padding)
    return transposed_cache(y, x, weight, bias, stride, padding, output_padding)


@again("transpose_ignores_stride")
def stamps_too_close(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    y = cut(stamped(x, weight, stride, step=1), bias, padding, output_padding)
    return transposed_cache(y, x, weight, bias, stride, padding, output_padding)


@again("transpose_output_padding_is_empty")
def pads_the_cut_output(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    y = np.zeros_like(right.conv_transpose2d_forward(x, weight, None, stride, padding, output_padding)[0])
    inner = cut(stamped(x, weight, stride), None, padding, 0)
    y[:, :, : inner.shape[2], : inner.shape[3]] = inner
    return transposed_cache(with_bias(y, bias), x, weight, bias, stride, padding, output_padding)


# receptive_field


@again("field_forgets_jump")
def adds_kernels(layers):
    return 1 + sum(d * (k - 1) for k, _, d in layers), math.prod(s for _, s, _ in layers)


@again("field_counts_own_stride")
def steps_first(layers):
    size = jump = 1
    for k, s, d in layers:
        jump = jump * s
        size = size + d * (k - 1) * jump
    return size, jump


@again("field_reads_from_the_top")
def begins_at_the_end(layers):
    size = jump = 1
    for k, s, d in reversed(layers):
        size, jump = size + d * (k - 1) * jump, jump * s
    return size, jump


@again("field_returns_last_stride")
def looks_at_one_layer(layers):
    jumps = np.cumprod([1, *(s for _, s, _ in layers)])
    size = 1 + sum(d * (k - 1) * int(j) for (k, _, d), j in zip(layers, jumps, strict=False))
    return size, layers[-1][1] if layers else 1
