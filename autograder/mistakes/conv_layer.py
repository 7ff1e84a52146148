"""The known mistakes of unit 2. A docstring is what a student who made the mistake reads."""

from __future__ import annotations

import math

import numpy as np

from autograder.mistakes import mistake
from solutions import conv_layer as right

# conv_output_size


def _room(size, kernel_size, padding=0, dilation=1):
    return size + 2 * padding - dilation * (kernel_size - 1) - 1


@mistake("conv_output_size", row=17)
def output_size_rounds_up(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    """The output is too long by one where the last window does not fit: without ceil_mode, the division is
    rounded down."""
    return right.conv_output_size(size + stride - 1, kernel_size, stride, padding, dilation)


@mistake("conv_output_size", row=17)
def output_size_without_plus_one(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    """The output is too short by one. The division counts the steps from window to window; there is one
    window more than steps, the first."""
    return right.conv_output_size(size, kernel_size, stride, padding, dilation, ceil_mode) - 1


@mistake("conv_output_size", row=17)
def output_size_is_a_fraction(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    """A size must be a whole number: what is left over after the last whole step is no window. Look at your
    division."""
    right.conv_output_size(size, kernel_size, stride, padding, dilation, ceil_mode)
    return _room(size, kernel_size, padding, dilation) / stride + 1


@mistake("conv_output_size", row=17)
def output_size_rounds_to_nearest(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    """The division is rounded to the nearest whole number. Without ceil_mode it is rounded down, however
    little is missing for another window."""
    if ceil_mode:
        return right.conv_output_size(size, kernel_size, stride, padding, dilation, ceil_mode)
    right.conv_output_size(size, kernel_size, stride, padding, dilation)
    return math.floor(_room(size, kernel_size, padding, dilation) / stride + 0.5) + 1


@mistake("conv_output_size")
def output_size_pads_once(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    """Padding is counted once, and it is added at both ends of the axis."""
    windows = _room(size, kernel_size, padding, dilation) - padding
    windows = (-(-windows // stride) if ceil_mode else windows // stride) + 1
    if windows < 1:
        raise ValueError
    return windows - (ceil_mode and (windows - 1) * stride >= size + padding)


@mistake("conv_output_size", row=15)
def output_size_ignores_dilation(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    """The dilation does not enter. A dilated kernel reaches over more pixels than it has entries, so fewer
    windows fit."""
    return right.conv_output_size(size, kernel_size, stride, padding, 1, ceil_mode)


@mistake("conv_output_size", row=15)
def output_size_dilates_every_entry(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    """The dilated kernel is taken too long. Between k entries there are k - 1 gaps, and behind the last entry
    there is none: look at how far it reaches."""
    return right.conv_output_size(size, dilation * kernel_size, stride, padding, 1, ceil_mode)


@mistake("conv_output_size", row=15)
def output_size_exchanges_steps(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    """Stride and dilation are exchanged: the stride is the step of the window, the dilation the step inside
    the kernel."""
    return right.conv_output_size(size, kernel_size, dilation, padding, stride, ceil_mode)


@mistake("conv_output_size", row=17)
def output_size_ignores_ceil_mode(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    """ceil_mode makes no difference. With it, a last window that hangs over the end of the image counts."""
    return right.conv_output_size(size, kernel_size, stride, padding, dilation)


@mistake("conv_output_size")
def output_size_keeps_empty_window(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    """With ceil_mode you count a last window that begins in the padding behind the image. It sees no pixel,
    and torch leaves it out: look at where the last window begins."""
    if not ceil_mode:
        return right.conv_output_size(size, kernel_size, stride, padding, dilation)
    windows = -(-_room(size, kernel_size, padding, dilation) // stride) + 1
    if windows < 1:
        raise ValueError
    return windows


@mistake("conv_output_size")
def output_size_never_refuses(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    """A kernel that does not fit gives a size below 1. There is no such image: raise a ValueError."""
    windows = _room(size, kernel_size, padding, dilation)
    windows = (-(-windows // stride) if ceil_mode else windows // stride) + 1
    return windows - (ceil_mode and (windows - 1) * stride >= size + padding)


@mistake("conv_output_size")
def output_size_refuses_one(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    """A kernel as large as the padded image is refused, and it fits: there is exactly one window."""
    windows = right.conv_output_size(size, kernel_size, stride, padding, dilation, ceil_mode)
    if windows < 2:
        raise ValueError
    return windows


# conv2d_naive


@mistake("conv2d_naive", row=1)
def naive_flips(x, weight, bias=None, stride=1, padding=0):
    """Your kernel is flipped: this is true convolution. Layers multiply the window with the kernel as it
    stands, which is cross-correlation."""
    return right.conv2d_naive(x, weight[..., ::-1, ::-1], bias, stride, padding)


@mistake("conv2d_naive", row=2)
def naive_exchanges_kernel_axes(x, weight, bias=None, stride=1, padding=0):
    """The kernel's height and width are exchanged: the third axis of the weight runs down the image, the
    fourth to the right."""
    return right.conv2d_naive(x, weight.swapaxes(2, 3), bias, stride, padding)


@mistake("conv2d_naive", row=3)
def naive_ignores_stride(x, weight, bias=None, stride=1, padding=0):
    """The output has the right size for the stride, but the windows are those of stride 1. Where does window
    (i, j) begin in the image?"""
    y = right.conv2d_naive(x, weight, bias, stride, padding)
    return right.conv2d_naive(x, weight, bias, 1, padding)[:, :, : y.shape[2], : y.shape[3]].copy()


@mistake("conv2d_naive", row=8)
def naive_repeats_the_border(x, weight, bias=None, stride=1, padding=0):
    """The border pixels are repeated outside of the image. A convolution layer puts zeros there."""
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), mode="edge")
    return right.conv2d_naive(padded, weight, bias, stride)


@mistake("conv2d_naive", row=9)
def naive_output_is_square(x, weight, bias=None, stride=1, padding=0):
    """The output's width is computed from the image's or the kernel's height. Each axis has sizes of its
    own."""
    y = right.conv2d_naive(x, weight, bias, stride, padding)
    size = y.shape[2]
    if size > y.shape[3]:
        raise ValueError("operands could not be broadcast together")
    return y[..., :size].copy()


@mistake("conv2d_naive", row=10)
def naive_leaves_out_bias(x, weight, bias=None, stride=1, padding=0):
    """The bias is not added."""
    return right.conv2d_naive(x, weight, None, stride, padding)


@mistake("conv2d_naive", row=10)
def naive_adds_bias_to_every_product(x, weight, bias=None, stride=1, padding=0):
    """The bias is added once for every product in the window. It is added once per output pixel, after the
    sum."""
    return right.conv2d_naive(x, weight, None if bias is None else bias * weight[0].size, stride, padding)


@mistake("conv2d_naive", row=10)
def naive_adds_bias_per_channel(x, weight, bias=None, stride=1, padding=0):
    """The bias is added once for every input channel. It is added once per output pixel, after the sum over
    channels."""
    return right.conv2d_naive(x, weight, None if bias is None else bias * weight.shape[1], stride, padding)


@mistake("conv2d_naive", row=10)
def naive_takes_another_bias(x, weight, bias=None, stride=1, padding=0):
    """All filters get the first filter's bias. Each filter has one of its own."""
    return right.conv2d_naive(x, weight, None if bias is None else np.full_like(bias, bias[0]), stride, padding)


@mistake("conv2d_naive", row=20)
def naive_sees_one_channel(x, weight, bias=None, stride=1, padding=0):
    """Only the first input channel is used. A filter has a plane for each channel, and all products are
    summed."""
    return right.conv2d_naive(x[:, :1], weight[:, :1], bias, stride, padding)


@mistake("conv2d_naive", row=20)
def naive_keeps_the_last_channel(x, weight, bias=None, stride=1, padding=0):
    """Each input channel overwrites what the channel before it gave, so that the last one is left. Sum over
    channels."""
    return right.conv2d_naive(x[:, -1:], weight[:, -1:], bias, stride, padding)


@mistake("conv2d_naive", row=20)
def naive_sums_channels_first(x, weight, bias=None, stride=1, padding=0):
    """The channels are summed before they are multiplied. Every channel has its own plane of the filter:
    multiply first, then sum."""
    x, weight = x.sum(axis=1, keepdims=True), weight.sum(axis=1, keepdims=True)
    return right.conv2d_naive(x, weight, bias, stride, padding)


@mistake("conv2d_naive", row=18)
def naive_makes_doubles(x, weight, bias=None, stride=1, padding=0):
    """float32 comes back as float64: the array that collects the output has NumPy's default dtype, not the
    image's."""
    return right.conv2d_naive(x, weight, bias, stride, padding).astype(np.float64)


@mistake("conv2d_naive", row=14)
def naive_multiplies_in_the_image(x, weight, bias=None, stride=1, padding=0):
    """A window is a view, and you multiply it in place: that changes the image, and every later window that
    overlaps sees the changed pixels."""
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding))) if padding else x
    n, c_out, out_h, out_w = right.conv2d_naive(x, weight, bias, stride, padding).shape
    kh, kw = weight.shape[2:]
    y = np.zeros((n, c_out, out_h, out_w), x.dtype)
    for sample, o, i, j in np.ndindex(y.shape):
        window = padded[sample, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
        window *= weight[o]
        y[sample, o, i, j] = window.sum() + (0 if bias is None else bias[o])
    return y


@mistake("conv2d_naive", row=6)
def naive_pads_by_one(x, weight, bias=None, stride=1, padding=0):
    """Your padding is always one pixel where there is any. It is as wide as `padding` says."""
    y = right.conv2d_naive(x, weight, bias, stride, padding)
    found = right.conv2d_naive(x, weight, bias, stride, min(padding, 1))
    if found.shape != y.shape:
        raise ValueError("operands could not be broadcast together")
    return found


# im2col


def _taps(x, kernel_size, stride=1, padding=0, dilation=1):
    """The right columns as (N, C, KH, KW, OH, OW)."""
    (kh, kw), (n, c, h, w) = kernel_size, x.shape
    out_h = right.conv_output_size(h, kh, stride, padding, dilation)
    out_w = right.conv_output_size(w, kw, stride, padding, dilation)
    return right.im2col(x, kernel_size, stride, padding, dilation).reshape(n, c, kh, kw, out_h, out_w)


def _flat(taps):
    n, c, kh, kw, out_h, out_w = taps.shape
    return taps.reshape(n, c * kh * kw, out_h * out_w)


@mistake("im2col")
def im2col_puts_channels_last(x, kernel_size, stride=1, padding=0, dilation=1):
    """The entries of a column stand in another order: a column holds channel after channel, and in each
    channel its window row by row. Yours runs over the channels fastest."""
    taps = _taps(x, kernel_size, stride, padding, dilation)
    return taps.transpose(0, 2, 3, 1, 4, 5).reshape(_flat(taps).shape)


@mistake("im2col", row=2)
def im2col_runs_down_the_window(x, kernel_size, stride=1, padding=0, dilation=1):
    """A window's entries stand column by column. They belong row by row, as ravel gives them."""
    taps = _taps(x, kernel_size, stride, padding, dilation)
    return taps.swapaxes(2, 3).reshape(_flat(taps).shape)


@mistake("im2col", row=2)
def im2col_exchanges_kernel_size(x, kernel_size, stride=1, padding=0, dilation=1):
    """kernel_size is read as (width, height). It is (KH, KW): height first."""
    return right.im2col(x, kernel_size[::-1], stride, padding, dilation)


@mistake("im2col")
def im2col_visits_columns_first(x, kernel_size, stride=1, padding=0, dilation=1):
    """The windows follow each other down the image. They go to the right first, then down, as the pixels of
    an image do in memory."""
    taps = _taps(x, kernel_size, stride, padding, dilation)
    return taps.swapaxes(4, 5).reshape(_flat(taps).shape)


@mistake("im2col", row=1)
def im2col_flips(x, kernel_size, stride=1, padding=0, dilation=1):
    """Each window is turned by 180 degrees. The first entry of a column is the window's top left pixel."""
    return _flat(_taps(x, kernel_size, stride, padding, dilation)[:, :, ::-1, ::-1])


@mistake("im2col", row=3)
def im2col_ignores_stride(x, kernel_size, stride=1, padding=0, dilation=1):
    """There are as many windows as the stride asks for, but they begin at neighbouring pixels. Where does
    window (i, j) begin?"""
    out_h, out_w = _taps(x, kernel_size, stride, padding, dilation).shape[4:]
    return _flat(_taps(x, kernel_size, 1, padding, dilation)[..., :out_h, :out_w])


@mistake("im2col", row=15)
def im2col_ignores_dilation(x, kernel_size, stride=1, padding=0, dilation=1):
    """There are as many windows as the dilation leaves, but their pixels are neighbours. Pixels of a column
    are `dilation` apart."""
    out_h, out_w = _taps(x, kernel_size, stride, padding, dilation).shape[4:]
    return _flat(_taps(x, kernel_size, stride, padding, 1)[..., :out_h, :out_w])


@mistake("im2col", row=15)
def im2col_exchanges_steps(x, kernel_size, stride=1, padding=0, dilation=1):
    """Stride and dilation are exchanged: the stride is the step from window to window, the dilation the step
    inside a window."""
    return right.im2col(x, kernel_size, dilation, padding, stride)


@mistake("im2col", row=7)
def im2col_pads_all_axes(x, kernel_size, stride=1, padding=0, dilation=1):
    """There are too many samples and channels: the padding went to these axes, too. Only height and width are
    padded."""
    return right.im2col(np.pad(x, padding), kernel_size, stride, 0, dilation)


@mistake("im2col", row=8)
def im2col_repeats_the_border(x, kernel_size, stride=1, padding=0, dilation=1):
    """The border pixels are repeated outside of the image. There should be zeros."""
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), mode="edge")
    return right.im2col(padded, kernel_size, stride, 0, dilation)


@mistake("im2col", row=8)
def im2col_reflects_the_border(x, kernel_size, stride=1, padding=0, dilation=1):
    """The image is mirrored at its border. There should be zeros outside."""
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), mode="reflect")
    return right.im2col(padded, kernel_size, stride, 0, dilation)


@mistake("im2col")
def im2col_returns_rows(x, kernel_size, stride=1, padding=0, dilation=1):
    """Every window stands in a row, and should stand in a column: the second axis runs inside the window, the
    last one over the windows."""
    return right.im2col(x, kernel_size, stride, padding, dilation).swapaxes(1, 2)


@mistake("im2col")
def im2col_joins_samples(x, kernel_size, stride=1, padding=0, dilation=1):
    """The columns of all samples are joined into one matrix. Each sample keeps a matrix of its own, along the
    first axis."""
    return np.concatenate(list(right.im2col(x, kernel_size, stride, padding, dilation)), axis=1)


@mistake("im2col", row=9)
def im2col_is_square(x, kernel_size, stride=1, padding=0, dilation=1):
    """The number of windows to the right is computed from the image's or the kernel's height. Each axis has
    sizes of its own."""
    taps = _taps(x, kernel_size, stride, padding, dilation)
    size = taps.shape[4]
    if size > taps.shape[5]:
        raise ValueError("could not broadcast")
    return _flat(taps[..., :size])


@mistake("im2col", row=18)
def im2col_makes_doubles(x, kernel_size, stride=1, padding=0, dilation=1):
    """float32 comes back as float64: the array for the columns has NumPy's default dtype, not the image's."""
    return right.im2col(x, kernel_size, stride, padding, dilation).astype(np.float64)


# col2im


def _col2im(columns, output_size, kernel_size, stride=1, padding=0, dilation=1, *, last="", crop=True):
    """The right answer, or one in which overlaps are not added: last="window" or last="entry" of the kernel
    wins.

    The padding is still there where `crop` is False.
    """
    (h, w), (kh, kw) = output_size, kernel_size
    out_h = right.conv_output_size(h, kh, stride, padding, dilation)
    out_w = right.conv_output_size(w, kw, stride, padding, dilation)
    n = len(columns)
    taps = columns.reshape(n, -1, kh, kw, out_h, out_w)
    padded = np.zeros((n, taps.shape[1], h + 2 * padding, w + 2 * padding), columns.dtype)
    entries = list(np.ndindex(kh, kw))
    # A pixel lies under its last window's first entry.
    for u, v in entries[::-1] if last == "window" else entries:
        rows = slice(u * dilation, u * dilation + stride * out_h, stride)
        cols = slice(v * dilation, v * dilation + stride * out_w, stride)
        if not last:
            padded[:, :, rows, cols] += taps[:, :, u, v]
        else:
            padded[:, :, rows, cols] = taps[:, :, u, v]
    return padded[:, :, padding : padding + h, padding : padding + w] if crop else padded


@mistake("col2im", row=11)
def col2im_assigns(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    """Where windows overlap, only the last window is left. Every window adds its part to what is there."""
    return _col2im(columns, output_size, kernel_size, stride, padding, dilation, last="window")


@mistake("col2im", row=11)
def col2im_keeps_the_last_entry(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    """Where windows overlap, only what the last entry of the kernel brings is left: the parts are not added
    up. If you do add, with an array of indices: += counts a pixel once, however often it is listed."""
    return _col2im(columns, output_size, kernel_size, stride, padding, dilation, last="entry")


@mistake("col2im")
def col2im_averages(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    """Overlaps are averaged, so that col2im undoes im2col. Its purpose is the gradient: the parts are added,
    and the sum is not divided."""
    steps = stride, padding, dilation
    count = right.col2im(np.ones_like(columns), output_size, kernel_size, *steps)
    return right.col2im(columns, output_size, kernel_size, *steps) / np.maximum(count, 1)


@mistake("col2im", row=5)
def col2im_crops_to_nothing(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    """Without padding, the image comes out empty: a slice that should leave out the last `padding` pixels
    leaves out everything when padding is 0."""
    padded = _col2im(columns, output_size, kernel_size, stride, padding, dilation, crop=False)
    return padded[:, :, padding:-padding, padding:-padding]


@mistake("col2im", row=6)
def col2im_crops_by_one(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    """The crop is always one pixel where there is padding. Cut off as many as `padding` says, at each end."""
    padded = _col2im(columns, output_size, kernel_size, stride, padding, dilation, crop=False)
    return padded[:, :, 1:-1, 1:-1] if padding else padded


@mistake("col2im")
def col2im_keeps_the_padding(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    """The image comes back with its padding. What fell on the padding is dropped: the result has
    output_size."""
    return _col2im(columns, output_size, kernel_size, stride, padding, dilation, crop=False)


@mistake("col2im")
def col2im_crops_one_end(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    """The image is shifted: all of the padding is cut off at the bottom and the right, and half of it stands
    at the top and the left."""
    h, w = output_size
    return _col2im(columns, output_size, kernel_size, stride, padding, dilation, crop=False)[:, :, :h, :w].copy()


@mistake("col2im", row=4)
def col2im_ignores_stride(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    """The windows are put back next to each other, as if the stride were 1. They go where im2col read
    them."""
    (h, w), (kh, kw) = output_size, kernel_size
    out_h = right.conv_output_size(h, kh, stride, padding, dilation)
    out_w = right.conv_output_size(w, kw, stride, padding, dilation)
    n = len(columns)
    taps = columns.reshape(n, -1, kh, kw, out_h, out_w)
    padded = np.zeros((n, taps.shape[1], h + 2 * padding, w + 2 * padding), columns.dtype)
    for u, v in np.ndindex(kh, kw):
        top, left = u * dilation, v * dilation
        padded[:, :, top : top + out_h, left : left + out_w] += taps[:, :, u, v]
    return padded[:, :, padding : padding + h, padding : padding + w]


@mistake("col2im", row=15)
def col2im_ignores_dilation(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    """The entries of a window are put back next to each other, as if the dilation were 1. They go where
    im2col read them."""
    (h, w), (kh, kw) = output_size, kernel_size
    # The smaller image that undilated windows would come from, inside the padded one.
    out_h = right.conv_output_size(h, kh, stride, padding, dilation)
    out_w = right.conv_output_size(w, kw, stride, padding, dilation)
    small = (out_h - 1) * stride + kh, (out_w - 1) * stride + kw
    image = right.col2im(columns, small, kernel_size, stride)
    spare = h + 2 * padding - small[0], w + 2 * padding - small[1]
    padded = np.pad(image, ((0, 0), (0, 0), (0, spare[0]), (0, spare[1])))
    return padded[:, :, padding : padding + h, padding : padding + w]


@mistake("col2im")
def col2im_reads_channels_last(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    """The entries of a column are read in another order than im2col writes them: channel after channel, and
    in each channel its window row by row."""
    n, rows, count = columns.shape
    kh, kw = kernel_size
    taps = columns.reshape(n, kh, kw, -1, count).transpose(0, 3, 1, 2, 4)
    return right.col2im(taps.reshape(n, rows, count), output_size, kernel_size, stride, padding, dilation)


@mistake("col2im", row=2)
def col2im_runs_down_the_window(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    """A window's entries are read column by column. They stand row by row."""
    n, rows, count = columns.shape
    kh, kw = kernel_size
    taps = columns.reshape(n, -1, kw, kh, count).swapaxes(2, 3)
    return right.col2im(taps.reshape(n, rows, count), output_size, kernel_size, stride, padding, dilation)


@mistake("col2im", row=2)
def col2im_exchanges_output_size(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    """output_size is read as (width, height). It is (H, W): height first."""
    return right.col2im(columns, output_size[::-1], kernel_size, stride, padding, dilation)


@mistake("col2im", row=18)
def col2im_makes_doubles(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    """float32 comes back as float64: the array that collects the sums has NumPy's default dtype, not the
    columns'."""
    return right.col2im(columns, output_size, kernel_size, stride, padding, dilation).astype(np.float64)


# conv2d: forward. The cache is the right one, so that the backward pass is right.


def _forward(y, *args):
    """A wrong y, with the cache of the right forward pass."""
    return y, right.conv2d_forward(*args)[1]


def _value(*args):
    return right.conv2d_forward(*args)[0]


@mistake("conv2d_forward", row=1)
def conv2d_flips(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Your kernel is flipped: this is true convolution. Layers multiply the window with the kernel as it
    stands, which is cross-correlation."""
    y = _value(x, weight[..., ::-1, ::-1], bias, stride, padding, dilation, groups)
    return _forward(y, x, weight, bias, stride, padding, dilation, groups)


@mistake("conv2d_forward", row=2)
def conv2d_exchanges_kernel_axes(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The kernel is flattened column by column, and the windows row by row: its height and width are
    exchanged."""
    turned = weight.swapaxes(2, 3).reshape(weight.shape)
    y = _value(x, turned, bias, stride, padding, dilation, groups)
    return _forward(y, x, weight, bias, stride, padding, dilation, groups)


@mistake("conv2d_forward", row=3)
def conv2d_ignores_stride(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The output has the right size for the stride, but the windows are those of stride 1. Where does window
    (i, j) begin in the image?"""
    args = x, weight, bias, stride, padding, dilation, groups
    h, w = _value(*args).shape[2:]
    return _forward(_value(x, weight, bias, 1, padding, dilation, groups)[:, :, :h, :w].copy(), *args)


@mistake("conv2d_forward", row=6)
def conv2d_pads_by_one(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Your padding is always one pixel where there is any. It is as wide as `padding` says."""
    args = x, weight, bias, stride, padding, dilation, groups
    return _forward(_value(x, weight, bias, stride, min(padding, 1), dilation, groups), *args)


@mistake("conv2d_forward", row=7)
def conv2d_pads_channels(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """With padding there are too many samples and channels: the padding went to these axes, too. Only height
    and width are padded."""
    return right.conv2d_forward(np.pad(x, padding), weight, bias, stride, 0, dilation, groups)


@mistake("conv2d_forward", row=8)
def conv2d_repeats_the_border(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The border pixels are repeated outside of the image. A convolution layer puts zeros there."""
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), mode="edge")
    y = _value(padded, weight, bias, stride, 0, dilation, groups)
    return _forward(y, x, weight, bias, stride, padding, dilation, groups)


@mistake("conv2d_forward", row=8)
def conv2d_reflects_the_border(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The image is mirrored at its border. A convolution layer puts zeros outside."""
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), mode="reflect")
    y = _value(padded, weight, bias, stride, 0, dilation, groups)
    return _forward(y, x, weight, bias, stride, padding, dilation, groups)


@mistake("conv2d_forward", row=9)
def conv2d_output_is_square(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The output's width is computed from the image's or the kernel's height, so that only squares work. Each
    axis has sizes of its own."""
    y, cache = right.conv2d_forward(x, weight, bias, stride, padding, dilation, groups)
    return y.reshape(*y.shape[:3], y.shape[2]), cache


@mistake("conv2d_forward", row=10)
def conv2d_leaves_out_bias(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The bias is not added."""
    args = x, weight, bias, stride, padding, dilation, groups
    return _forward(_value(x, weight, None, *args[3:]), *args)


@mistake("conv2d_forward", row=10)
def conv2d_adds_bias_to_every_product(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The bias is added once for every product in the window. It is added once per output pixel, after the
    sum."""
    args = x, weight, bias, stride, padding, dilation, groups
    return _forward(_value(x, weight, None if bias is None else bias * weight[0].size, *args[3:]), *args)


@mistake("conv2d_forward", row=10)
def conv2d_restarts_bias_in_groups(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Every group gets the biases of the first group's filters. There is one bias for each of the C_out
    filters."""
    args = x, weight, bias, stride, padding, dilation, groups
    if bias is not None:
        bias = np.tile(bias[: len(bias) // groups], groups)
    return _forward(_value(x, weight, bias, *args[3:]), *args)


@mistake("conv2d_forward", row=15)
def conv2d_ignores_dilation(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The output has the right size for the dilation, but the kernel has no gaps. Its entries fall on pixels
    that are `dilation` apart."""
    args = x, weight, bias, stride, padding, dilation, groups
    h, w = _value(*args).shape[2:]
    return _forward(_value(x, weight, bias, stride, padding, 1, groups)[:, :, :h, :w].copy(), *args)


@mistake("conv2d_forward", row=15)
def conv2d_exchanges_steps(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Stride and dilation are exchanged: the stride is the step from window to window, the dilation the step
    inside the kernel."""
    return right.conv2d_forward(x, weight, bias, dilation, padding, stride, groups)


@mistake("conv2d_forward", row=16)
def conv2d_groups_see_first_channels(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Every group reads the first group's channels. Group g reads the g-th block of channels."""
    args = x, weight, bias, stride, padding, dilation, groups
    return _forward(_value(np.tile(x[:, : x.shape[1] // groups], (1, groups, 1, 1)), *args[1:]), *args)


@mistake("conv2d_forward", row=16)
def conv2d_groups_share_filters(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """All groups use the first group's filters. Group g has filters of its own, the g-th block of C_out /
    groups."""
    args = x, weight, bias, stride, padding, dilation, groups
    return _forward(_value(x, np.tile(weight[: len(weight) // groups], (groups, 1, 1, 1)), *args[2:]), *args)


@mistake("conv2d_forward", row=16)
def conv2d_interleaves_groups(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The channels are dealt to the groups in turn, like cards. A group is a block of neighbouring
    channels."""
    args = x, weight, bias, stride, padding, dilation, groups
    dealt = np.concatenate([x[:, g::groups] for g in range(groups)], axis=1)
    return _forward(_value(dealt, *args[1:]), *args)


@mistake("conv2d_forward", row=17)
def conv2d_output_rounds_up(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The output is larger by one where the last window does not fit. Only windows that lie inside the padded
    image count: round down."""
    spare = stride - 1
    return right.conv2d_forward(
        np.pad(x, ((0, 0), (0, 0), (padding, padding + spare), (padding, padding + spare))),
        *(weight, bias, stride, 0, dilation, groups),
    )


@mistake("conv2d_forward", row=20)
def conv2d_sees_one_channel(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Only the first channel of each group is used. A filter has a plane for each of its channels, and all
    products are summed."""
    args = x, weight, bias, stride, padding, dilation, groups
    first = np.zeros_like(weight)
    first[:, 0] = weight[:, 0]
    return _forward(_value(x, first, *args[2:]), *args)


@mistake("conv2d_forward", row=20)
def conv2d_sums_channels_first(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The channels are summed before they are multiplied. Every channel has its own plane of the filter:
    multiply first, then sum."""
    args = x, weight, bias, stride, padding, dilation, groups
    return _forward(_value(x, np.broadcast_to(weight.sum(axis=1, keepdims=True), weight.shape), *args[2:]), *args)


@mistake("conv2d_forward", row=18)
def conv2d_makes_doubles(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """float32 comes back as float64: some array on the way has NumPy's default dtype, not the image's."""
    y, cache = right.conv2d_forward(x, weight, bias, stride, padding, dilation, groups)
    return y.astype(np.float64), cache


@mistake("conv2d_forward", row=14)
def conv2d_writes_into_weight(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """You write into the weight that was passed in. It belongs to the caller: work on a copy."""
    y, cache = right.conv2d_forward(x, weight, bias, stride, padding, dilation, groups)
    weight[...] = weight[..., ::-1, ::-1].copy()
    return y, cache


# conv2d: backward


def _part(gradients, at, value):
    """The gradients with one of them replaced."""
    return tuple(value if i == at else gradient for i, gradient in enumerate(gradients))


def _open(cache):
    """The reference's cache, by name."""
    columns, filters, size, weight_shape, (stride, padding, dilation), has_bias = cache
    return columns, filters, size, weight_shape, stride, padding, dilation, has_bias


def _dcolumns(dy, cache):
    columns, filters, *_ = cache
    dout = dy.reshape(*columns.shape[:2], filters.shape[1], -1)
    return (filters.swapaxes(1, 2) @ dout).reshape(len(dy), -1, dout.shape[3])


def _put_back(col2im, dy, cache):
    """The gradients with dx from another col2im."""
    _, _, size, weight_shape, *steps, _ = _open(cache)
    return _part(right.conv2d_backward(dy, cache), 0, col2im(_dcolumns(dy, cache), size, weight_shape[2:], *steps))


@mistake("conv2d_backward", row=4)
def conv2d_backward_ignores_stride(dy, cache):
    """In dx, the windows' gradients are put back next to each other, as if the stride were 1. They belong to
    the pixels that each window saw."""
    return _put_back(col2im_ignores_stride, dy, cache)


@mistake("conv2d_backward", row=15)
def conv2d_backward_ignores_dilation(dy, cache):
    """In dx, the kernel has no gaps, as if the dilation were 1. The gradient goes back to the pixels that the
    kernel's entries fell on."""
    return _put_back(col2im_ignores_dilation, dy, cache)


@mistake("conv2d_backward", row=5)
def conv2d_backward_crops_to_nothing(dy, cache):
    """Without padding, dx comes out empty: a slice that should leave out the last `padding` pixels leaves out
    everything when padding is 0."""
    return _put_back(col2im_crops_to_nothing, dy, cache)


@mistake("conv2d_backward", row=6)
def conv2d_backward_crops_by_one(dy, cache):
    """dx is cut by one pixel at each end wherever there is padding. Cut off as many as `padding` says."""
    return _put_back(col2im_crops_by_one, dy, cache)


@mistake("conv2d_backward")
def conv2d_backward_keeps_the_padding(dy, cache):
    """dx has the size of the padded image. The padding is not part of x: cut it off."""
    return _put_back(col2im_keeps_the_padding, dy, cache)


@mistake("conv2d_backward", row=11)
def conv2d_backward_assigns(dy, cache):
    """In dx, only the last of several overlapping windows is left. A pixel gets the sum of what all of its
    windows send back."""
    return _put_back(col2im_assigns, dy, cache)


@mistake("conv2d_backward", row=11)
def conv2d_backward_keeps_the_last_entry(dy, cache):
    """In dx, a pixel keeps only what the last entry of the kernel sends back: the parts are not added up. If
    you do add, with an array of indices: += counts a pixel once, however often it is listed."""
    return _put_back(col2im_keeps_the_last_entry, dy, cache)


@mistake("conv2d_backward", row=1)
def conv2d_backward_flips_dx(dy, cache):
    """dx is scattered with a kernel turned by 180 degrees. If you compute dx as a convolution of dy, mind
    which way round the kernel is: each pixel must get back the weight that it was multiplied with."""
    filters, weight_shape = cache[1], cache[3]
    turned = filters.reshape(*filters.shape[:2], -1, *weight_shape[2:])[..., ::-1, ::-1].reshape(filters.shape)
    return _part(right.conv2d_backward(dy, cache), 0, right.conv2d_backward(dy, (cache[0], turned, *cache[2:]))[0])


@mistake("conv2d_backward", row=1)
def conv2d_backward_flips_dweight(dy, cache):
    """dweight is turned by 180 degrees. Entry (u, v) collects the pixels that lay under entry (u, v) of the
    kernel."""
    dx, dweight, dbias = right.conv2d_backward(dy, cache)
    return dx, dweight[..., ::-1, ::-1].copy(), dbias


@mistake("conv2d_backward", row=12)
def conv2d_backward_last_sample(dy, cache):
    """dweight is that of the last sample only. All samples use the same weights: sum over the batch."""
    dweight = right.conv2d_backward(dy[-1:], (cache[0][-1:], *cache[1:]))[1]
    return _part(right.conv2d_backward(dy, cache), 1, dweight)


@mistake("conv2d_backward", row=12)
def conv2d_backward_averages_dweight(dy, cache):
    """dweight is divided by the number of samples. Whether a loss is a mean or a sum is settled in dy: a
    layer only sums."""
    dx, dweight, dbias = right.conv2d_backward(dy, cache)
    return dx, dweight / len(dy), dbias


@mistake("conv2d_backward", row=13)
def conv2d_backward_averages_dbias(dy, cache):
    """dbias is divided by the number of samples. Whether a loss is a mean or a sum is settled in dy: a layer
    only sums."""
    dx, dweight, dbias = right.conv2d_backward(dy, cache)
    return dx, dweight, dbias if dbias is None else dbias / len(dy)


@mistake("conv2d_backward", row=(12, 13))
def conv2d_backward_averages_both(dy, cache):
    """dweight and dbias are divided by the number of samples. Whether a loss is a mean or a sum is settled in
    dy: a layer only sums."""
    dx, dweight, dbias = right.conv2d_backward(dy, cache)
    return dx, dweight / len(dy), dbias if dbias is None else dbias / len(dy)


@mistake("conv2d_backward", row=13)
def conv2d_backward_dbias_over_batch(dy, cache):
    """dbias is summed over the batch only. The bias was added at every output pixel, too: sum over height and
    width as well."""
    dx, dweight, dbias = right.conv2d_backward(dy, cache)
    return dx, dweight, dbias if dbias is None else dy.sum(axis=0)


@mistake("conv2d_backward", row=13)
def conv2d_backward_dbias_over_pixels(dy, cache):
    """dbias has a row for each sample. The bias is shared by all samples: sum over the batch as well."""
    dx, dweight, dbias = right.conv2d_backward(dy, cache)
    return dx, dweight, dbias if dbias is None else dy.sum(axis=(2, 3))


@mistake("conv2d_backward")
def conv2d_backward_invents_dbias(dy, cache):
    """There is a dbias although there was no bias. Without a bias, its gradient is None."""
    dx, dweight, _ = right.conv2d_backward(dy, cache)
    return dx, dweight, dy.sum(axis=(0, 2, 3))


@mistake("conv2d_backward")
def conv2d_backward_weight_first(dy, cache):
    """The gradients come in another order. It is that of the forward pass's arguments: dx, dweight, dbias."""
    dx, dweight, dbias = right.conv2d_backward(dy, cache)
    return dweight, dx, dbias


@mistake("conv2d_backward", row=16)
def conv2d_backward_shares_filters(dy, cache):
    """In dx, every group is scattered with the first group's filters. Each group goes back through its
    own."""
    columns, filters, *rest = cache
    dx = right.conv2d_backward(dy, (columns, np.broadcast_to(filters[:1], filters.shape), *rest))[0]
    return _part(right.conv2d_backward(dy, cache), 0, dx)


@mistake("conv2d_backward", row=16)
def conv2d_backward_reads_first_channels(dy, cache):
    """In dweight, every group is correlated with the first group's channels. Group g saw the g-th block of
    channels."""
    columns, *rest = cache
    dweight = right.conv2d_backward(dy, (np.broadcast_to(columns[:, :1], columns.shape), *rest))[1]
    return _part(right.conv2d_backward(dy, cache), 1, dweight)


@mistake("conv2d_backward", row=18)
def conv2d_backward_makes_doubles(dy, cache):
    """dx comes back as float64 for float32: the array that collects its sums has NumPy's default dtype."""
    dx, dweight, dbias = right.conv2d_backward(dy, cache)
    return dx.astype(np.float64), dweight, dbias


@mistake("conv2d_backward", row=14)
def conv2d_backward_changes_dy(dy, cache):
    """You write into dy. It belongs to the caller, who may need it for another branch: work on a copy."""
    gradients = right.conv2d_backward(dy, cache)
    dy *= dy.dtype.type(0.5)
    return gradients


_LAST = []


def _backward_of_the_last(dy, cache):
    return right.conv2d_backward(dy, _LAST[-1])


@mistake("conv2d_forward", also={"conv2d_backward": _backward_of_the_last})
def conv2d_remembers_one_call(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """What backward needs is kept in one place for all calls, so the next forward pass overwrites it. A
    network has many layers: everything belongs into the cache that you return."""
    y, cache = right.conv2d_forward(x, weight, bias, stride, padding, dilation, groups)
    _LAST[:] = [cache]
    return y, cache


# conv_transpose2d


def _enlarge(y, *args):
    """A wrong y, with the cache of the right forward pass."""
    return y, right.conv_transpose2d_forward(*args)[1]


def _stamps(x, weight, bias, stride, padding, output_padding, *, last):
    """The output where overlapping stamps are not added."""
    size = right.conv_transpose2d_forward(x, weight, bias, stride, padding, output_padding)[0].shape[2:]
    columns = weight.reshape(len(weight), -1).T @ x.reshape(*x.shape[:2], -1)
    y = _col2im(columns, size, weight.shape[2:], stride, padding, last=last)
    return y if bias is None else y + bias[:, None, None]


@mistake("conv_transpose2d_forward", row=1)
def transpose_flips(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    """The stamps are turned by 180 degrees. A single pixel must leave the kernel as it stands: if you insert
    zeros and convolve, the kernel has to be turned for that."""
    args = x, weight, bias, stride, padding, output_padding
    return _enlarge(right.conv_transpose2d_forward(x, weight[..., ::-1, ::-1], *args[2:])[0], *args)


@mistake("conv_transpose2d_forward")
def transpose_reads_weight_as_convolution(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    """The weight is read as (C_out, C_in, KH, KW). For a transposed convolution its first axis is C_in, the
    channels of x."""
    if weight.shape[1] != x.shape[1]:
        raise ValueError("the channels of x and weight do not fit")
    return right.conv_transpose2d_forward(x, weight.swapaxes(0, 1), bias, stride, padding, output_padding)


@mistake("conv_transpose2d_forward", row=11)
def transpose_assigns(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    """Where stamps overlap, only the last one is left. Overlapping stamps add up."""
    args = x, weight, bias, stride, padding, output_padding
    return _enlarge(_stamps(*args, last="window"), *args)


@mistake("conv_transpose2d_forward", row=11)
def transpose_keeps_the_last_entry(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    """Where stamps overlap, only what the last entry of the kernel brings is left. Overlapping stamps add
    up."""
    args = x, weight, bias, stride, padding, output_padding
    return _enlarge(_stamps(*args, last="entry"), *args)


@mistake("conv_transpose2d_forward", row=3)
def transpose_ignores_stride(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    """The output has the right size, but neighbouring pixels leave their stamps one pixel apart. Stamps are
    `stride` pixels apart."""
    args = x, weight, bias, stride, padding, output_padding
    y, cache = right.conv_transpose2d_forward(*args)
    close = right.conv_transpose2d_forward(x, weight)[0]
    wide = np.zeros((*y.shape[:2], *(size + 2 * padding for size in y.shape[2:])), x.dtype)
    h, w = (min(pair) for pair in zip(close.shape[2:], wide.shape[2:], strict=True))
    wide[:, :, :h, :w] = close[:, :, :h, :w]
    cut = wide[:, :, padding : padding + y.shape[2], padding : padding + y.shape[3]]
    return cut if bias is None else cut + bias[:, None, None], cache


@mistake("conv_transpose2d_forward")
def transpose_ignores_padding(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    """The output is too large: padding is taken off it, at each end."""
    return right.conv_transpose2d_forward(x, weight, bias, stride, 0, output_padding)


@mistake("conv_transpose2d_forward")
def transpose_adds_padding(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    """Padding makes the output larger. It is the padding of the convolution whose transpose this is, so here
    it cuts off."""
    y, cache = right.conv_transpose2d_forward(x, weight, None, stride, 0, output_padding)
    y = np.pad(y, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    return y if bias is None else y + bias[:, None, None], cache


@mistake("conv_transpose2d_forward")
def transpose_ignores_output_padding(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    """output_padding makes no difference: the output has that many rows and columns more."""
    return right.conv_transpose2d_forward(x, weight, bias, stride, padding, 0)


@mistake("conv_transpose2d_forward")
def transpose_output_padding_is_empty(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    """The rows and columns of output_padding hold no stamps. With padding, parts of the stamps that would
    have been cut off fall there: cut fewer, instead of adding zeros."""
    args = x, weight, bias, stride, padding, output_padding
    y = right.conv_transpose2d_forward(x, weight, None, stride, padding, 0)[0]
    y = np.pad(y, ((0, 0), (0, 0), (0, output_padding), (0, output_padding)))
    return _enlarge(y if bias is None else y + bias[:, None, None], *args)


@mistake("conv_transpose2d_forward")
def transpose_output_padding_first(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    """The rows and columns of output_padding stand at the top and the left. They belong to the bottom and the
    right."""
    args = x, weight, bias, stride, padding, output_padding
    before = padding - output_padding
    full = right.conv_transpose2d_forward(x, weight, None, stride)[0]
    full = np.pad(full, ((0, 0), (0, 0), (output_padding, 0), (output_padding, 0)))
    y = full[:, :, output_padding + before :, output_padding + before :]
    h, w = right.conv_transpose2d_forward(*args)[0].shape[2:]
    return _enlarge(y[:, :, :h, :w] + (0 if bias is None else bias[:, None, None]), *args)


@mistake("conv_transpose2d_forward", row=10)
def transpose_leaves_out_bias(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    """The bias is not added."""
    args = x, weight, bias, stride, padding, output_padding
    return _enlarge(right.conv_transpose2d_forward(x, weight, None, *args[3:])[0], *args)


@mistake("conv_transpose2d_forward", row=18)
def transpose_makes_doubles(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    """float32 comes back as float64: the array that collects the stamps has NumPy's default dtype."""
    y, cache = right.conv_transpose2d_forward(x, weight, bias, stride, padding, output_padding)
    return y.astype(np.float64), cache


@mistake("conv_transpose2d_backward", row=1)
def transpose_backward_flips_dx(dy, cache):
    """dx is gathered with a kernel turned by 180 degrees. It is the convolution layer's forward pass, which
    does not flip."""
    x, weight, *rest = cache
    return _part(
        right.conv_transpose2d_backward(dy, cache),
        0,
        right.conv_transpose2d_backward(dy, (x, weight[..., ::-1, ::-1], *rest))[0],
    )


@mistake("conv_transpose2d_backward", row=1)
def transpose_backward_flips_dweight(dy, cache):
    """dweight is turned by 180 degrees. Entry (u, v) collects the dy of those pixels where entry (u, v) was
    stamped."""
    dx, dweight, dbias = right.conv_transpose2d_backward(dy, cache)
    return dx, dweight[..., ::-1, ::-1].copy(), dbias


@mistake("conv_transpose2d_backward")
def transpose_backward_transposes_dweight(dy, cache):
    """dweight is laid out as (C_out, C_in, KH, KW). It has the weight's layout: C_in first."""
    dx, dweight, dbias = right.conv_transpose2d_backward(dy, cache)
    return dx, dweight.swapaxes(0, 1).copy(), dbias


@mistake("conv_transpose2d_backward", row=4)
def transpose_backward_ignores_stride(dy, cache):
    """dx is gathered from neighbouring windows of dy, as if the stride were 1. It comes from where x was
    stamped."""
    x, weight, _, padding, _ = cache
    h, w = x.shape[2:]
    dx = right.conv2d_forward(dy, weight, None, 1, padding)[0][:, :, :h, :w].copy()
    return _part(right.conv_transpose2d_backward(dy, cache), 0, dx)


@mistake("conv_transpose2d_backward", row=(12, 13))
def transpose_backward_averages(dy, cache):
    """dweight and dbias are divided by the number of samples. Whether a loss is a mean or a sum is settled in
    dy: a layer only sums."""
    dx, dweight, dbias = right.conv_transpose2d_backward(dy, cache)
    return dx, dweight / len(dy), dbias if dbias is None else dbias / len(dy)


@mistake("conv_transpose2d_backward")
def transpose_backward_invents_dbias(dy, cache):
    """There is a dbias although there was no bias. Without a bias, its gradient is None."""
    dx, dweight, _ = right.conv_transpose2d_backward(dy, cache)
    return dx, dweight, dy.sum(axis=(0, 2, 3))


# receptive_field


def _fields(layers, grow, jump_after):
    """size and jump after all layers; grow(jump, kernel_size, stride, dilation) is what a layer adds to the
    size."""
    size, jump = 1, 1
    for kernel_size, stride, dilation in layers:
        size += grow(jump, kernel_size, stride, dilation)
        jump = jump_after(jump, stride, dilation)
    return size, jump


def _times_stride(jump, stride, dilation):
    return jump * stride


@mistake("receptive_field")
def field_forgets_jump(layers):
    """Each layer adds its kernel in input pixels. Behind a stride, a step of the kernel is several input
    pixels: it is as long as the jump below the layer."""
    return _fields(layers, lambda j, k, s, d: d * (k - 1), _times_stride)


@mistake("receptive_field", row=15)
def field_forgets_dilation(layers):
    """The dilation does not enter. It spreads the kernel's entries, so that a layer sees further."""
    return _fields(layers, lambda j, k, s, d: (k - 1) * j, _times_stride)


@mistake("receptive_field")
def field_counts_own_stride(layers):
    """A layer's own stride enlarges what it sees itself. Its kernel steps over the outputs of the layer
    below; its own stride counts only for the layers above."""
    return _fields(layers, lambda j, k, s, d: d * (k - 1) * j * s, _times_stride)


@mistake("receptive_field")
def field_adds_whole_kernels(layers):
    """Each layer adds its whole kernel. The first entry falls on what is seen already: a kernel of one pixel
    sees no more than the layer below."""
    return _fields(layers, lambda j, k, s, d: d * k * j, _times_stride)


@mistake("receptive_field")
def field_adds_strides(layers):
    """The strides are added up. Two layers of stride 2 give steps of 4 input pixels: strides multiply."""
    size, jump = _fields(layers, lambda j, k, s, d: d * (k - 1) * j, lambda j, s, d: j + s - 1)
    return size, jump


@mistake("receptive_field", row=15)
def field_jump_counts_dilation(layers):
    """The dilation enlarges the jump. It spreads the kernel, and the outputs stay as far apart as the stride
    says."""
    return _fields(layers, lambda j, k, s, d: d * (k - 1) * j, lambda j, s, d: j * s * d)


@mistake("receptive_field")
def field_reads_from_the_top(layers):
    """The layers are taken from the last to the first. The list begins with the layer next to the image,
    whose stride counts for all layers after it."""
    return right.receptive_field(layers[::-1])


@mistake("receptive_field")
def field_starts_at_zero(layers):
    """The receptive field begins with 0 pixels. Without any layer, an output is a pixel and sees 1."""
    size, jump = right.receptive_field(layers)
    return size - 1, jump


@mistake("receptive_field")
def field_returns_last_stride(layers):
    """The jump is the last layer's stride. The strides of all layers below count, too: they multiply."""
    return _fields(layers, lambda j, k, s, d: d * (k - 1) * j, _times_stride)[0], ([1] + [s for _, s, _ in layers])[-1]
