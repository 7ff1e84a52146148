"""The known mistakes of unit 3. A docstring is what a student who made the mistake reads."""

from __future__ import annotations

import numpy as np

from autograder.mistakes import mistake
from solutions import conv_layer
from solutions import pooling as right

# activations


def _with_x(forward):
    """The same values, with a cache that holds y and x."""

    def keeps_x(x):
        y = forward(x)[0]
        return y, (y, x.copy())

    return keeps_x


@mistake("relu_forward", row=14)
def relu_in_place(x):
    """relu_forward writes the zeros into x itself. x belongs to the caller: make a new array."""
    y, cache = right.relu_forward(x)
    x[x < 0] = 0
    return y, cache


@mistake("relu_forward")
def relu_is_the_absolute_value(x):
    """relu_forward turns negative numbers around. They become 0."""
    return np.abs(x), x > 0


@mistake("relu_forward")
def relu_leaks(x):
    """relu_forward lets a hundredth of the negative numbers through: that is a leaky ReLU. Here they become
    0."""
    return np.where(x > 0, x, x * x.dtype.type(0.01)), x > 0


@mistake("relu_backward", row=31)
def relu_backward_by_sign_of_dy(dy, cache):
    """relu_backward keeps the positive entries of dy. What decides is the sign of x in the forward pass; dy
    may have either sign."""
    return np.maximum(dy, 0)


@mistake("relu_backward", row=31, also={"relu_forward": _with_x(right.relu_forward)})
def relu_backward_one_at_zero(dy, cache):
    """relu_backward lets the gradient pass where x is exactly 0. There the derivative is 0 by convention."""
    return np.where(cache[1] >= 0, dy, 0)


@mistake("relu_backward")
def relu_backward_forgets_dy(dy, cache):
    """relu_backward returns the slope alone. By the chain rule it is multiplied with dy."""
    return cache.astype(dy.dtype)


@mistake("relu_backward", row=14)
def relu_backward_in_place(dy, cache):
    """relu_backward writes the zeros into dy itself. dy belongs to the caller, who may need it for another
    branch."""
    dy[~cache] = 0
    return dy


@mistake("sigmoid_forward")
def sigmoid_of_minus_x(x):
    """sigmoid_forward falls where it should rise: the exponent is -x."""
    y, cache = right.sigmoid_forward(x)
    return 1 - y, cache


@mistake("sigmoid_forward")
def sigmoid_overflows(x):
    """sigmoid_forward gives nan for large x: exp(x) overflows, and infinity divided by infinity is nan.
    Choose the form whose exponential cannot grow."""
    e = np.exp(x)
    return e / (1 + e), right.sigmoid_forward(x)[1]


@mistake("sigmoid_backward")
def sigmoid_backward_forgets_dy(dy, cache):
    """sigmoid_backward returns the slope alone. By the chain rule it is multiplied with dy."""
    return cache * (1 - cache)


@mistake("sigmoid_backward", also={"sigmoid_forward": _with_x(right.sigmoid_forward)})
def sigmoid_backward_of_x(dy, cache):
    """sigmoid_backward takes x (1 - x) as the slope. It is y (1 - y), with the forward pass's value y."""
    return dy * cache[1] * (1 - cache[1])


@mistake("sigmoid_backward")
def sigmoid_backward_twice(dy, cache):
    """sigmoid_backward applies the sigmoid to what is its value already. The slope is y (1 - y), with y as it
    is."""
    y = right.sigmoid_forward(cache)[0]
    return dy * y * (1 - y)


@mistake("sigmoid_backward")
def sigmoid_backward_forgets_a_factor(dy, cache):
    """sigmoid_backward has one factor too few: the slope is the product of y and 1 - y."""
    return dy * (1 - cache)


@mistake("tanh_forward")
def tanh_overflows(x):
    """tanh_forward gives nan for large x: exp overflows, and infinity divided by infinity is nan. Look at
    np.tanh, or at a form whose exponential cannot grow."""
    up, down = np.exp(x), np.exp(-x)
    return (up - down) / (up + down), right.tanh_forward(x)[1]


@mistake("tanh_forward")
def tanh_of_half_x(x):
    """tanh_forward is half as steep as it should be: it is the tanh of x / 2. With the sigmoid s, tanh(x) is
    2 s(2x) - 1."""
    return np.tanh(x / 2), right.tanh_forward(x)[1]


@mistake("tanh_backward")
def tanh_backward_forgets_dy(dy, cache):
    """tanh_backward returns the slope alone. By the chain rule it is multiplied with dy."""
    return 1 - cache**2


@mistake("tanh_backward")
def tanh_backward_without_square(dy, cache):
    """tanh_backward takes 1 - y as the slope. It is 1 minus the square of y."""
    return dy * (1 - cache)


@mistake("tanh_backward", also={"tanh_forward": _with_x(right.tanh_forward)})
def tanh_backward_of_x(dy, cache):
    """tanh_backward takes 1 minus the square of x as the slope. It is 1 minus the square of y, the forward
    pass's value."""
    return dy * (1 - cache[1] ** 2)


@mistake("tanh_backward")
def tanh_backward_twice(dy, cache):
    """tanh_backward applies tanh to what is its value already. The slope is 1 minus the square of y, with y
    as it is."""
    return dy * (1 - np.tanh(cache) ** 2)


@mistake("softmax", row=33)
def softmax_overflows(x):
    """softmax gives nan or inf for large scores: exp overflows. Adding a number to a whole row changes
    nothing, so take the row's maximum off first."""
    e = np.exp(x)
    return e / e.sum(axis=1, keepdims=True)


@mistake("softmax", row=33)
def softmax_one_maximum_for_all(x):
    """softmax takes the maximum of the whole batch off every row. A row far below it becomes exp of -10000
    throughout, and 0 divided by 0 is nan: each row needs its own maximum."""
    e = np.exp(x - x.max())
    return e / e.sum(axis=1, keepdims=True)


@mistake("softmax", row=36)
def softmax_over_the_batch(x):
    """softmax normalises along the batch, so that columns sum to 1. Every row is one sample and sums to 1."""
    return right.softmax(x.T).T.copy()


@mistake("softmax", row=36)
def softmax_over_everything(x):
    """softmax divides by the sum over the whole batch, so that all entries together sum to 1. Every row sums
    to 1."""
    e = np.exp(x - x.max())
    return e / e.sum()


@mistake("softmax")
def softmax_without_sum(x):
    """softmax does not divide by the row's sum: the rows do not sum to 1."""
    return np.exp(x - x.max(axis=1, keepdims=True))


@mistake("softmax")
def softmax_is_its_logarithm(x):
    """softmax returns the logarithms of the probabilities. They are asked for themselves."""
    return np.log(right.softmax(x))


# max_pool2d


def _max_pool(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """A wrong call's value, for max_pool2d_forward with the right cache."""
    return right.max_pool2d_forward(x, kernel_size, stride, padding, ceil_mode)[0]


def _max_cache(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    return right.max_pool2d_forward(x, kernel_size, stride, padding, ceil_mode)[1]


@mistake("max_pool2d_forward", row=21)
def max_pool_stride_is_the_kernel(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """The windows always lie side by side: the stride that was passed in is not used."""
    return right.max_pool2d_forward(x, kernel_size, None, padding, ceil_mode)


@mistake("max_pool2d_forward")
def max_pool_stride_defaults_to_one(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """Without a stride, your windows move by one pixel. The default is the kernel's size, so that they lie
    side by side."""
    return right.max_pool2d_forward(x, kernel_size, 1 if stride is None else stride, padding, ceil_mode)


@mistake("max_pool2d_forward")
def max_pool_default_stride_is_square(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """Without a stride, a rectangular window moves by its height in both directions. To the right it moves by
    its width."""
    if stride is None:
        stride = kernel_size if isinstance(kernel_size, int) else kernel_size[0]
    return right.max_pool2d_forward(x, kernel_size, stride, padding, ceil_mode)


@mistake("max_pool2d_forward", row=24)
def max_pool_starts_at_zero(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """A window of negative pixels gives 0: the running maximum begins there. It must begin below every
    pixel."""
    args = x, kernel_size, stride, padding, ceil_mode
    return np.maximum(_max_pool(*args), 0), _max_cache(*args)


@mistake("max_pool2d_forward", row=25)
def max_pool_pads_with_zeros(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """At the border, zeros of the padding win against negative pixels. The padding must never win: what is
    below every number?"""
    args = x, kernel_size, stride, padding, ceil_mode
    windows, _ = right.unroll(x, kernel_size, stride, padding, ceil_mode, fill=0.0)
    return windows.max(axis=-1), _max_cache(*args)


@mistake("max_pool2d_forward", row=25)
def max_pool_pads_overhang_with_zeros(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """In ceil mode, zeros win where a window hangs over the border. What is outside must never win: what is
    below every number?"""
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), constant_values=-np.inf)
    windows, _ = right.unroll(padded, kernel_size, stride, 0, ceil_mode, fill=0.0)
    y = right.max_pool2d_forward(x, kernel_size, stride, padding, ceil_mode)[0]
    return windows.max(axis=-1)[:, :, : y.shape[2], : y.shape[3]].astype(x.dtype), _max_cache(
        x, kernel_size, stride, padding, ceil_mode
    )


@mistake("max_pool2d_forward", row=26)
def max_pool_exchanges_kernel_axes(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """A rectangular window stands on its side: kernel_size is read as (width, height), and it is (KH, KW)."""
    turned = kernel_size if isinstance(kernel_size, int) else tuple(kernel_size)[::-1]
    return right.max_pool2d_forward(x, turned, stride, padding, ceil_mode)


@mistake("max_pool2d_forward")
def max_pool_ignores_ceil_mode(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """ceil_mode makes no difference. With it, a last window that hangs over the border counts."""
    return right.max_pool2d_forward(x, kernel_size, stride, padding)


@mistake("max_pool2d_forward")
def max_pool_always_ceils(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """Windows that hang over the border are kept without ceil_mode, too. By default only whole windows
    count."""
    return right.max_pool2d_forward(x, kernel_size, stride, padding, True)


@mistake("max_pool2d_forward")
def max_pool_ignores_padding(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """The padding makes no difference: with it there are more windows, and they begin further up and left."""
    return right.max_pool2d_forward(x, kernel_size, stride, 0, ceil_mode)


@mistake("max_pool2d_forward")
def max_pool_over_channels(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """The maximum is taken over the channels, too. Every channel is pooled on its own."""
    y, cache = right.max_pool2d_forward(x, kernel_size, stride, padding, ceil_mode)
    return np.broadcast_to(y.max(axis=1, keepdims=True), y.shape).copy(), cache


@mistake("max_pool2d_forward", row=18)
def max_pool_makes_doubles(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """float32 comes back as float64: the array that collects the output has NumPy's default dtype, not the
    image's."""
    y, cache = right.max_pool2d_forward(x, kernel_size, stride, padding, ceil_mode)
    return y.astype(np.float64), cache


def _max_forward_with_windows(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """The right value; the cache holds the windows, too."""
    args = x, kernel_size, stride, padding, ceil_mode
    windows, geometry = right.unroll(*args, fill=-np.inf)
    return windows.max(axis=-1), (windows, geometry, _max_cache(*args))


_WINDOWS = {"max_pool2d_forward": _max_forward_with_windows}


def _roll_back_last(dwindows, sent, geometry):
    """As roll_back, but a pixel keeps only what the last window sent; `sent` says what a window sends at
    all."""
    (h, w), (kh, kw), (sh, sw), padding, padded_shape = geometry
    out_h, out_w = dwindows.shape[2:4]
    padded = np.zeros(padded_shape, dwindows.dtype)
    # A pixel lies under its last window's first entry, so that entry is written last.
    for k, (u, v) in reversed(list(enumerate(np.ndindex(kh, kw)))):
        there = padded[:, :, u : u + sh * out_h : sh, v : v + sw * out_w : sw]
        there[...] = np.where(sent[..., k], dwindows[..., k], there)
    return padded[:, :, padding : padding + h, padding : padding + w]


def _one_hot(cache):
    """The right winners, as truth values for every entry of every window."""
    winner, shape, _ = cache
    return np.arange(shape[-1]) == winner


@mistake("max_pool2d_backward", row=22)
def max_pool_backward_assigns(dy, cache):
    """A pixel that is the maximum of several windows keeps only the last one's gradient. The gradients add
    up."""
    hit = _one_hot(cache)
    return _roll_back_last(np.where(hit, dy[..., None], 0), hit, cache[2])


@mistake("max_pool2d_backward", row=22)
def max_pool_backward_overwrites(dy, cache):
    """Where windows overlap, each window overwrites all of its pixels, with zeros, too: what an earlier
    window had sent is lost. Add to what is there."""
    hit = _one_hot(cache)
    return _roll_back_last(np.where(hit, dy[..., None], 0), np.ones_like(hit), cache[2])


@mistake("max_pool2d_backward", row=23, also=_WINDOWS)
def max_pool_backward_pays_every_tie(dy, cache):
    """Where several pixels of a window are the maximum, each of them gets the whole gradient, so that more
    comes out than went in. The first one gets it all."""
    windows, geometry, _ = cache
    ties = windows == windows.max(axis=-1, keepdims=True)
    return right.roll_back(np.where(ties, dy[..., None], 0), geometry)


@mistake("max_pool2d_backward", row=23, also=_WINDOWS)
def max_pool_backward_shares_ties(dy, cache):
    """Where several pixels of a window are the maximum, the gradient is shared between them. The convention
    here is torch's: the first one gets it all."""
    windows, geometry, _ = cache
    ties = windows == windows.max(axis=-1, keepdims=True)
    share = (dy / ties.sum(axis=-1))[..., None].astype(dy.dtype)
    return right.roll_back(np.where(ties, share, 0), geometry)


@mistake("max_pool2d_backward", row=23, also=_WINDOWS)
def max_pool_backward_last_tie(dy, cache):
    """Where several pixels of a window are the maximum, the last one gets the gradient. It is the first one
    in row-major order: an equal pixel that comes later does not replace it."""
    windows, geometry, (_, shape, _) = cache
    winner = shape[-1] - 1 - windows[..., ::-1].argmax(axis=-1)[..., None]
    return right.max_pool2d_backward(dy, (winner, shape, geometry))


@mistake("max_pool2d_backward", row=23, also=_WINDOWS)
def max_pool_backward_ties_down_columns(dy, cache):
    """Where several pixels of a window are the maximum, the first one down the columns gets the gradient. The
    order is row by row."""
    windows, geometry, (_, shape, _) = cache
    kh, kw = geometry[1]
    column, row = np.divmod(windows.reshape(*shape[:4], kh, kw).swapaxes(4, 5).reshape(shape).argmax(axis=-1), kh)
    return right.max_pool2d_backward(dy, ((row * kw + column)[..., None], shape, geometry))


@mistake("max_pool2d_backward")
def max_pool_backward_averages(dy, cache):
    """Every pixel of a window gets an equal share: that is average pooling's gradient. Here the maximum gets
    it all."""
    _, shape, geometry = cache
    return right.roll_back(np.broadcast_to((dy / shape[-1])[..., None], shape), geometry)


@mistake("max_pool2d_backward")
def max_pool_backward_divides(dy, cache):
    """The maximum gets its gradient divided by the window's size. It is not shared with anyone: the maximum
    gets all of it."""
    return right.max_pool2d_backward(dy / dy.dtype.type(cache[1][-1]), cache)


@mistake("max_pool2d_backward", row=21)
def max_pool_backward_stride_is_the_kernel(dy, cache):
    """On the way back, the windows lie side by side, as if the stride were the kernel's size: the gradients
    reach other pixels than the maxima."""
    winner, shape, ((h, w), (kh, kw), _, padding, _) = cache
    far = shape[2] * kh, shape[3] * kw
    wide = right.max_pool2d_backward(dy, (winner, shape, (far, (kh, kw), (kh, kw), 0, (*shape[:2], *far))))
    padded = np.zeros((*shape[:2], h + 2 * padding, w + 2 * padding), dy.dtype)
    a, b = min(far[0], padded.shape[2]), min(far[1], padded.shape[3])
    padded[:, :, :a, :b] = wide[:, :, :a, :b]
    return padded[:, :, padding : padding + h, padding : padding + w]


@mistake("max_pool2d_backward")
def max_pool_backward_keeps_the_padding(dy, cache):
    """dx has the size of the padded image. It has x's shape: cut the padding off."""
    winner, shape, (_, *steps, _, padded_shape) = cache
    return right.max_pool2d_backward(dy, (winner, shape, (padded_shape[2:], *steps, 0, padded_shape)))


@mistake("max_pool2d_backward", row=5)
def max_pool_backward_crops_to_nothing(dy, cache):
    """Without padding, dx comes out empty: a slice that should leave out the last `padding` pixels leaves out
    everything when padding is 0."""
    dx = right.max_pool2d_backward(dy, cache)
    return dx if cache[2][3] else dx[:, :, 0:0, 0:0]


@mistake("max_pool2d_backward", row=18)
def max_pool_backward_makes_doubles(dy, cache):
    """The gradient comes back as float64 for float32: the array that collects it has NumPy's default
    dtype."""
    return right.max_pool2d_backward(dy, cache).astype(np.float64)


_LAST = []


def _max_backward_of_the_last(dy, cache):
    return right.max_pool2d_backward(dy, _LAST[-1])


@mistake("max_pool2d_forward", also={"max_pool2d_backward": _max_backward_of_the_last})
def max_pool_remembers_one_call(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """What backward needs is kept in one place for all calls, so the next forward pass overwrites it. A
    network has many layers: everything belongs into the cache that you return."""
    y, cache = right.max_pool2d_forward(x, kernel_size, stride, padding, ceil_mode)
    _LAST[:] = [cache]
    return y, cache


# avg_pool2d


def _avg(y, *args):
    """A wrong y, with the cache of the right forward pass."""
    return y, right.avg_pool2d_forward(*args)[1]


@mistake("avg_pool2d_forward", row=21)
def avg_pool_stride_is_the_kernel(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    """The windows always lie side by side: the stride that was passed in is not used."""
    return right.avg_pool2d_forward(x, kernel_size, None, padding, count_include_pad)


@mistake("avg_pool2d_forward")
def avg_pool_stride_defaults_to_one(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    """Without a stride, your windows move by one pixel. The default is the kernel's size, so that they lie
    side by side."""
    return right.avg_pool2d_forward(x, kernel_size, 1 if stride is None else stride, padding, count_include_pad)


@mistake("avg_pool2d_forward", row=28)
def avg_pool_never_counts_padding(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    """At the border, sums are divided by the number of pixels inside the image, whatever count_include_pad
    says. By default the padding counts."""
    args = x, kernel_size, stride, padding
    return _avg(right.avg_pool2d_forward(*args, False)[0], *args, count_include_pad)


@mistake("avg_pool2d_forward", row=28)
def avg_pool_always_counts_padding(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    """count_include_pad=False makes no difference. Then a window at the border is divided by the number of
    its pixels inside the image."""
    args = x, kernel_size, stride, padding
    return _avg(right.avg_pool2d_forward(*args, True)[0], *args, count_include_pad)


@mistake("avg_pool2d_forward", row=28)
def avg_pool_counts_the_other_way(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    """count_include_pad works the wrong way round: True means that the padding counts as pixels of the
    window."""
    args = x, kernel_size, stride, padding
    return _avg(right.avg_pool2d_forward(*args, not count_include_pad)[0], *args, count_include_pad)


@mistake("avg_pool2d_forward")
def avg_pool_sums(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    """The windows are summed, not averaged: divide by the number of pixels."""
    args = x, kernel_size, stride, padding, count_include_pad
    y, cache = right.avg_pool2d_forward(*args)
    return y * cache[0], cache


@mistake("avg_pool2d_forward")
def avg_pool_divides_by_the_side(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    """The sums are divided by kernel_size. A window has kernel_size squared pixels."""
    args = x, kernel_size, stride, padding, count_include_pad
    y, cache = right.avg_pool2d_forward(*args)
    return (y * kernel_size if count_include_pad else y), cache


@mistake("avg_pool2d_forward", row=8)
def avg_pool_repeats_the_border(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    """The border pixels are repeated outside of the image. There should be zeros."""
    args = x, kernel_size, stride, padding, count_include_pad
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), mode="edge")
    y = right.avg_pool2d_forward(padded, kernel_size, stride)[0]
    return _avg(y if count_include_pad else right.avg_pool2d_forward(*args)[0], *args)


@mistake("avg_pool2d_forward", row=18)
def avg_pool_makes_doubles(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    """float32 comes back as float64: some array on the way has NumPy's default dtype, not the image's."""
    y, cache = right.avg_pool2d_forward(x, kernel_size, stride, padding, count_include_pad)
    return y.astype(np.float64), cache


@mistake("avg_pool2d_backward", row=27)
def avg_pool_backward_forgets_the_share(dy, cache):
    """Every pixel gets its window's whole gradient. It had only a share in the mean, one part in the number
    of pixels."""
    return right.avg_pool2d_backward(dy, (dy.dtype.type(1), *cache[1:]))


@mistake("avg_pool2d_backward")
def avg_pool_backward_divides_by_the_side(dy, cache):
    """The gradient is divided by kernel_size. A window has kernel_size squared pixels."""
    count, shape, geometry = cache
    whole = geometry[1][0] if np.ndim(count) == 0 else count
    return right.avg_pool2d_backward(dy, (whole, shape, geometry))


@mistake("avg_pool2d_backward", row=28)
def avg_pool_backward_always_counts_padding(dy, cache):
    """With count_include_pad=False, the backward pass still divides by the window's size. The share is the
    one that the pixel had in the forward pass."""
    return right.avg_pool2d_backward(dy, (cache[1][-1], *cache[1:]))


@mistake("avg_pool2d_backward", row=22)
def avg_pool_backward_assigns(dy, cache):
    """Where windows overlap, only the last window's share is left. A pixel gets the sum of its shares."""
    count, shape, geometry = cache
    shares = np.broadcast_to((dy / count)[..., None], shape)
    return _roll_back_last(shares, np.ones(shape, bool), geometry)


@mistake("avg_pool2d_backward")
def avg_pool_backward_keeps_the_padding(dy, cache):
    """dx has the size of the padded image. It has x's shape: cut the padding off."""
    count, shape, (_, *steps, _, padded_shape) = cache
    return right.avg_pool2d_backward(dy, (count, shape, (padded_shape[2:], *steps, 0, padded_shape)))


@mistake("avg_pool2d_backward", row=5)
def avg_pool_backward_crops_to_nothing(dy, cache):
    """Without padding, dx comes out empty: a slice that should leave out the last `padding` pixels leaves out
    everything when padding is 0."""
    dx = right.avg_pool2d_backward(dy, cache)
    return dx if cache[2][3] else dx[:, :, 0:0, 0:0]


@mistake("avg_pool2d_backward")
def avg_pool_backward_only_divides_samples(dy, cache):
    """The gradient is divided by the number of samples as well. Whether a loss is a mean is settled in dy: a
    layer only shares out what it gets."""
    return right.avg_pool2d_backward(dy, cache) / len(dy)


# lp_pool2d


def _lp(y, x, kernel_size, stride, norm_type):
    return y, right.lp_pool2d_forward(x, kernel_size, stride, norm_type)[1]


@mistake("lp_pool2d_forward", row=29)
def lp_pool_without_root(x, kernel_size, stride=None, norm_type=2):
    """The sum of powers is there, and the root is missing: a window of 3 and 4 gives 5, not 25."""
    y, cache = right.lp_pool2d_forward(x, kernel_size, stride, norm_type)
    return y**norm_type, cache


@mistake("lp_pool2d_forward", row=29)
def lp_pool_of_the_mean(x, kernel_size, stride=None, norm_type=2):
    """The powers are averaged under the root. A norm sums them."""
    y, cache = right.lp_pool2d_forward(x, kernel_size, stride, norm_type)
    return y / y.dtype.type(kernel_size ** (2 / norm_type)), cache


@mistake("lp_pool2d_forward")
def lp_pool_always_squares(x, kernel_size, stride=None, norm_type=2):
    """norm_type makes no difference: the power and the root are always those of 2."""
    return _lp(right.lp_pool2d_forward(x, kernel_size, stride, 2)[0], x, kernel_size, stride, norm_type)


@mistake("lp_pool2d_forward")
def lp_pool_always_takes_square_roots(x, kernel_size, stride=None, norm_type=2):
    """The power is norm_type, and the root is always the square root. The root undoes the power: it is the
    p-th."""
    y, cache = right.lp_pool2d_forward(x, kernel_size, stride, norm_type)
    return y ** (norm_type / 2), cache


@mistake("lp_pool2d_forward", row=21)
def lp_pool_stride_is_the_kernel(x, kernel_size, stride=None, norm_type=2):
    """The windows always lie side by side: the stride that was passed in is not used."""
    return right.lp_pool2d_forward(x, kernel_size, None, norm_type)


@mistake("lp_pool2d_forward")
def lp_pool_stride_defaults_to_one(x, kernel_size, stride=None, norm_type=2):
    """Without a stride, your windows move by one pixel. The default is the kernel's size, so that they lie
    side by side."""
    return right.lp_pool2d_forward(x, kernel_size, 1 if stride is None else stride, norm_type)


@mistake("lp_pool2d_backward")
def lp_pool_backward_gives_nan(dy, cache):
    """A window of zeros gives nan: 0 is divided by 0. The gradient of such a window is 0 by convention."""
    windows, y, norm_type, geometry = cache
    slope = np.sign(windows) * (np.abs(windows) / y[..., None]) ** (norm_type - 1)
    return right.roll_back(dy[..., None] * slope, geometry)


@mistake("lp_pool2d_backward")
def lp_pool_backward_loses_the_sign(dy, cache):
    """Negative pixels get a gradient of the wrong sign. When a negative pixel grows, the norm falls."""
    return right.lp_pool2d_backward(dy, (np.abs(cache[0]), *cache[1:]))


@mistake("lp_pool2d_backward")
def lp_pool_backward_forgets_the_root(dy, cache):
    """The gradient is that of the sum of powers, without the root. By the chain rule the root's slope comes
    in, too."""
    windows, _, norm_type, geometry = cache
    slope = norm_type * np.sign(windows) * np.abs(windows) ** (norm_type - 1)
    return right.roll_back(dy[..., None] * slope, geometry)


@mistake("lp_pool2d_backward")
def lp_pool_backward_forgets_the_norm(dy, cache):
    """The gradient is not divided by the window's norm. The share of a pixel is a ratio, (|x| / y) to the
    power p - 1."""
    windows, _, norm_type, geometry = cache
    slope = np.sign(windows) * np.abs(windows) ** (norm_type - 1)
    return right.roll_back(dy[..., None] * slope, geometry)


@mistake("lp_pool2d_backward")
def lp_pool_backward_always_squares(dy, cache):
    """The gradient is x / y whatever norm_type is. That is right for p = 2 only: the ratio has the power p -
    1."""
    windows, y, _, geometry = cache
    return right.lp_pool2d_backward(dy, (windows, y, 2, geometry))


@mistake("lp_pool2d_backward")
def lp_pool_backward_power_of_p(dy, cache):
    """The share of a pixel is raised to the power p. A derivative lowers the power by one."""
    windows, y, norm_type, geometry = cache
    return right.lp_pool2d_backward(dy, (windows, y, norm_type + 1, geometry))


@mistake("lp_pool2d_backward", row=22)
def lp_pool_backward_assigns(dy, cache):
    """Where windows overlap, only what the last window sends is left. A pixel gets the sum."""
    windows, y, norm_type, geometry = cache
    norm = np.where(y > 0, y, 1)[..., None]
    slope = np.sign(windows) * (np.abs(windows) / norm) ** (norm_type - 1)
    return _roll_back_last(dy[..., None] * slope, np.ones(windows.shape, bool), geometry)


# gaussian_pool2d


def _gaussian(x, kernel_size, stride, sigma, weights):
    """A wrong y from other weights, with the cache of the right forward pass."""
    windows, _ = right.unroll(x, kernel_size, stride)
    return windows @ weights.ravel().astype(x.dtype), right.gaussian_pool2d_forward(x, kernel_size, stride, sigma)[1]


def _squares(kernel_size, centre):
    offset = np.arange(kernel_size) - centre
    return offset[:, None] ** 2 + offset**2


@mistake("gaussian_pool2d_forward", row=30)
def gaussian_not_normalised(x, kernel_size, stride, sigma):
    """The weights do not sum to 1, so a constant image changes its brightness. Divide them by their sum."""
    weights = np.exp(-_squares(kernel_size, (kernel_size - 1) / 2) / (2 * sigma**2))
    return _gaussian(x, kernel_size, stride, sigma, weights)


@mistake("gaussian_pool2d_forward", row=30)
def gaussian_normalised_as_a_density(x, kernel_size, stride, sigma):
    """The weights are those of the density on the whole plane: on a few pixels they do not sum to 1. Divide
    them by their own sum."""
    weights = np.exp(-_squares(kernel_size, (kernel_size - 1) / 2) / (2 * sigma**2)) / (2 * np.pi * sigma**2)
    return _gaussian(x, kernel_size, stride, sigma, weights)


@mistake("gaussian_pool2d_forward", row=30)
def gaussian_off_centre(x, kernel_size, stride, sigma):
    """In even windows the Gaussian is not in the middle. The centre of k pixels is at (k - 1) / 2, which may
    lie between two of them."""
    weights = np.exp(-_squares(kernel_size, kernel_size // 2) / (2 * sigma**2))
    return _gaussian(x, kernel_size, stride, sigma, weights / weights.sum())


@mistake("gaussian_pool2d_forward", row=30)
def gaussian_in_the_corner(x, kernel_size, stride, sigma):
    """The distance is measured from the window's corner. It is measured from the window's centre."""
    weights = np.exp(-_squares(kernel_size, 0) / (2 * sigma**2))
    return _gaussian(x, kernel_size, stride, sigma, weights / weights.sum())


@mistake("gaussian_pool2d_forward")
def gaussian_forgets_the_two(x, kernel_size, stride, sigma):
    """The Gaussian is too narrow: the exponent is divided by sigma squared, and it is twice sigma squared."""
    weights = np.exp(-_squares(kernel_size, (kernel_size - 1) / 2) / sigma**2)
    return _gaussian(x, kernel_size, stride, sigma, weights / weights.sum())


@mistake("gaussian_pool2d_forward")
def gaussian_sigma_not_squared(x, kernel_size, stride, sigma):
    """The Gaussian has another width: in the exponent, sigma is squared."""
    weights = np.exp(-_squares(kernel_size, (kernel_size - 1) / 2) / (2 * sigma))
    return _gaussian(x, kernel_size, stride, sigma, weights / weights.sum())


@mistake("gaussian_pool2d_forward")
def gaussian_distance_not_squared(x, kernel_size, stride, sigma):
    """The weights fall with the distance itself, a pyramid rather than a bell. In the exponent stands the
    squared distance."""
    weights = np.exp(-np.sqrt(_squares(kernel_size, (kernel_size - 1) / 2)) / (2 * sigma**2))
    return _gaussian(x, kernel_size, stride, sigma, weights / weights.sum())


@mistake("gaussian_pool2d_forward", row=21)
def gaussian_stride_is_the_kernel(x, kernel_size, stride, sigma):
    """The windows always lie side by side: the stride that was passed in is not used."""
    return right.gaussian_pool2d_forward(x, kernel_size, kernel_size, sigma)


@mistake("gaussian_pool2d_forward", row=18)
def gaussian_makes_doubles(x, kernel_size, stride, sigma):
    """float32 comes back as float64: the weights are float64 and take everything along."""
    y, cache = right.gaussian_pool2d_forward(x, kernel_size, stride, sigma)
    return y.astype(np.float64), cache


@mistake("gaussian_pool2d_backward")
def gaussian_backward_averages(dy, cache):
    """Every pixel gets an equal share: that is average pooling's gradient. A pixel gets the share that its
    weight was."""
    weights, geometry = cache
    return right.gaussian_pool2d_backward(dy, (np.full_like(weights, 1 / weights.size), geometry))


@mistake("gaussian_pool2d_backward")
def gaussian_backward_without_weights(dy, cache):
    """Every pixel gets its window's whole gradient. It gets the share that its weight was."""
    weights, geometry = cache
    return right.gaussian_pool2d_backward(dy, (np.ones_like(weights), geometry))


@mistake("gaussian_pool2d_backward", row=22)
def gaussian_backward_assigns(dy, cache):
    """Where windows overlap, only the last window's share is left. A pixel gets the sum of its shares."""
    weights, geometry = cache
    shares = dy[..., None] * weights
    return _roll_back_last(shares, np.ones(shares.shape, bool), geometry)


# global_avg_pool2d


@mistake("global_avg_pool2d_forward", row=32)
def global_pool_over_channels(x):
    """The mean is taken over the channels, too, so that all of them get the same value. Every channel has its
    own mean."""
    y, cache = right.global_avg_pool2d_forward(x)
    return np.broadcast_to(y.mean(axis=1, keepdims=True), y.shape).copy(), cache


@mistake("global_avg_pool2d_forward", row=32)
def global_pool_one_number(x):
    """There is one number for each sample: the mean went over the channels, too. There is one for each sample
    and channel."""
    return x.mean(axis=(1, 2, 3)), x.shape


@mistake("global_avg_pool2d_forward")
def global_pool_keeps_axes(x):
    """The result has four axes, two of them of length 1. It is (N, C)."""
    return x.mean(axis=(2, 3), keepdims=True), x.shape


@mistake("global_avg_pool2d_forward")
def global_pool_sums(x):
    """The maps are summed, not averaged: divide by their number of pixels."""
    return x.sum(axis=(2, 3)), x.shape


@mistake("global_avg_pool2d_forward")
def global_pool_takes_maxima(x):
    """You take the maximum of every map. Here it is the mean."""
    return x.max(axis=(2, 3)), x.shape


@mistake("global_avg_pool2d_backward", row=27)
def global_pool_backward_forgets_the_share(dy, cache):
    """Every pixel gets its map's whole gradient. It had only a share in the mean, one part in H times W."""
    return np.broadcast_to(dy[:, :, None, None], cache).copy()


@mistake("global_avg_pool2d_backward")
def global_pool_backward_divides_by_everything(dy, cache):
    """The gradient is divided by the number of all entries of x. A mean went over one map: over H times W
    pixels."""
    return np.broadcast_to(dy[:, :, None, None] / np.prod(cache).astype(dy.dtype), cache).copy()


@mistake("global_avg_pool2d_backward")
def global_pool_backward_not_spread(dy, cache):
    """dx has one pixel for each map. It has x's shape: every pixel of a map gets its share."""
    return dy[:, :, None, None] / (cache[2] * cache[3])


_LAST_SHAPE = []


def _global_backward_of_the_last(dy, cache):
    return right.global_avg_pool2d_backward(dy, _LAST_SHAPE[-1])


@mistake("global_avg_pool2d_forward", also={"global_avg_pool2d_backward": _global_backward_of_the_last})
def global_pool_remembers_one_call(x):
    """The maps' size is kept in one place for all calls, so the next forward pass overwrites it. Everything
    that backward needs belongs into the cache that you return."""
    _LAST_SHAPE[:] = [x.shape]
    return right.global_avg_pool2d_forward(x)


# conv_relu_pool


def _block(y, *args):
    """A wrong y, with the cache of the right forward pass."""
    return y, right.conv_relu_pool_forward(*args)[1]


@mistake("conv_relu_pool_forward")
def block_without_relu(x, weight, bias, padding, pool_size, pool_stride):
    """The detector stage is missing: negative values come out. Between convolution and pooling stands a
    ReLU."""
    args = x, weight, bias, padding, pool_size, pool_stride
    convolved = conv_layer.conv2d_forward(x, weight, bias, padding=padding)[0]
    return _block(right.max_pool2d_forward(convolved, pool_size, pool_stride)[0], *args)


@mistake("conv_relu_pool_forward")
def block_relu_first(x, weight, bias, padding, pool_size, pool_stride):
    """The ReLU is applied to x. It is the second stage: it is applied to what the convolution gives."""
    args = x, weight, bias, padding, pool_size, pool_stride
    convolved = conv_layer.conv2d_forward(np.maximum(x, 0), weight, bias, padding=padding)[0]
    return _block(right.max_pool2d_forward(convolved, pool_size, pool_stride)[0], *args)


@mistake("conv_relu_pool_forward")
def block_pads_the_pooling(x, weight, bias, padding, pool_size, pool_stride):
    """The padding went to the pooling. It belongs to the convolution; the pooling has none."""
    detected = right.relu_forward(conv_layer.conv2d_forward(x, weight, bias)[0])[0]
    return right.max_pool2d_forward(detected, pool_size, pool_stride, padding)[0], None


@mistake("conv_relu_pool_forward")
def block_ignores_padding(x, weight, bias, padding, pool_size, pool_stride):
    """The padding makes no difference: pass it on to the convolution."""
    return right.conv_relu_pool_forward(x, weight, bias, 0, pool_size, pool_stride)


@mistake("conv_relu_pool_forward", row=21)
def block_pool_stride_is_its_size(x, weight, bias, padding, pool_size, pool_stride):
    """The pooling windows always lie side by side: pool_stride is not used."""
    return right.conv_relu_pool_forward(x, weight, bias, padding, pool_size, pool_size)


@mistake("conv_relu_pool_forward")
def block_exchanges_pool_arguments(x, weight, bias, padding, pool_size, pool_stride):
    """The pooling's size and stride are exchanged."""
    return right.conv_relu_pool_forward(x, weight, bias, padding, pool_stride, pool_size)


@mistake("conv_relu_pool_forward")
def block_convolves_with_pool_stride(x, weight, bias, padding, pool_size, pool_stride):
    """The convolution moves by pool_stride. Its own stride is 1; only the pooling moves in larger steps."""
    detected = right.relu_forward(conv_layer.conv2d_forward(x, weight, bias, pool_stride, padding)[0])[0]
    return right.max_pool2d_forward(detected, pool_size, pool_stride)[0], None


@mistake("conv_relu_pool_forward")
def block_averages(x, weight, bias, padding, pool_size, pool_stride):
    """The third stage takes means. Here it is max pooling."""
    args = x, weight, bias, padding, pool_size, pool_stride
    detected = right.relu_forward(conv_layer.conv2d_forward(x, weight, bias, padding=padding)[0])[0]
    return _block(right.avg_pool2d_forward(detected, pool_size, pool_stride)[0], *args)


@mistake("conv_relu_pool_forward", row=10)
def block_leaves_out_bias(x, weight, bias, padding, pool_size, pool_stride):
    """The bias is not added: pass it on to the convolution."""
    args = x, weight, bias, padding, pool_size, pool_stride
    return _block(right.conv_relu_pool_forward(x, weight, None, *args[3:])[0], *args)


@mistake("conv_relu_pool_backward", row=31)
def block_backward_without_relu(dy, cache):
    """The gradient does not pass through the ReLU on its way back. Where the preactivation was negative,
    nothing comes through."""
    conv_cache, _, pool_cache = cache
    return conv_layer.conv2d_backward(right.max_pool2d_backward(dy, pool_cache), conv_cache)


@mistake("conv_relu_pool_backward", row=31)
def block_backward_relu_of_dy(dy, cache):
    """On the way back, the ReLU keeps what is positive in the gradient. What decides is the sign of the
    preactivation in the forward pass."""
    conv_cache, _, pool_cache = cache
    return conv_layer.conv2d_backward(np.maximum(right.max_pool2d_backward(dy, pool_cache), 0), conv_cache)


@mistake("conv_relu_pool_backward")
def block_backward_invents_dbias(dy, cache):
    """There is a dbias although there was no bias. Without a bias, its gradient is None."""
    conv_cache, relu_cache, pool_cache = cache
    dconv = right.relu_backward(right.max_pool2d_backward(dy, pool_cache), relu_cache)
    dx, dweight, _ = conv_layer.conv2d_backward(dconv, conv_cache)
    return dx, dweight, dconv.sum(axis=(0, 2, 3))


@mistake("conv_relu_pool_backward", row=13)
def block_backward_dbias_from_the_end(dy, cache):
    """dbias is summed from the block's dy. The bias sits in the first stage: its gradient is the sum of what
    has come back through pooling and ReLU."""
    dx, dweight, dbias = right.conv_relu_pool_backward(dy, cache)
    return dx, dweight, dbias if dbias is None else dy.sum(axis=(0, 2, 3))


@mistake("conv_relu_pool_backward")
def block_backward_spreads_evenly(dy, cache):
    """On the way back, the pooling shares the gradient out evenly. In max pooling the maximum gets it all."""
    conv_cache, relu_cache, (_, shape, geometry) = cache
    shared = right.roll_back(np.broadcast_to((dy / shape[-1])[..., None], shape), geometry)
    return conv_layer.conv2d_backward(right.relu_backward(shared, relu_cache), conv_cache)


# shift_consistency


def _kept(f, x, shifts, move=np.roll):
    decision = f(x).argmax(axis=1)
    return np.array([f(move(x, s, axis)).argmax(axis=1) == decision for s, axis in shifts])


def _shifts(max_shift, axes=(2, 3), first=1):
    return [(s, axis) for s in range(first, max_shift + 1) for axis in axes]


def _with_zeros(x, s, axis):
    moved = np.roll(x, s, axis)
    np.moveaxis(moved, axis, 0)[:s] = 0
    return moved


@mistake("shift_consistency")
def consistency_counts_changes(f, x, max_shift):
    """You return the fraction of decisions that change. Asked is the fraction that stays."""
    return 1 - right.shift_consistency(f, x, max_shift)


@mistake("shift_consistency")
def consistency_shifts_diagonally(f, x, max_shift):
    """The image moves along both axes at once. Each axis is shifted alone, and both are averaged."""
    return float(_kept(f, x, [(s, (2, 3)) for s in range(1, max_shift + 1)]).mean())


@mistake("shift_consistency")
def consistency_only_to_the_right(f, x, max_shift):
    """The image moves along its width only. Shifts down count as much."""
    return float(_kept(f, x, _shifts(max_shift, axes=(3,))).mean())


@mistake("shift_consistency")
def consistency_only_down(f, x, max_shift):
    """The image moves along its height only. Shifts to the right count as much."""
    return float(_kept(f, x, _shifts(max_shift, axes=(2,))).mean())


@mistake("shift_consistency")
def consistency_counts_no_shift(f, x, max_shift):
    """The image that does not move at all is counted, too, and it always agrees with itself. Shifts begin at
    1."""
    return float(_kept(f, x, _shifts(max_shift, first=0)).mean())


@mistake("shift_consistency")
def consistency_stops_early(f, x, max_shift):
    """The largest shift is left out: shifts go from 1 to max_shift, both included."""
    kept = _kept(f, x, _shifts(max_shift - 1))
    return float(kept.mean()) if kept.size else float("nan")


@mistake("shift_consistency")
def consistency_only_largest_shift(f, x, max_shift):
    """Only the shift by max_shift is made. All shifts from 1 to max_shift are averaged."""
    return float(_kept(f, x, [(max_shift, 2), (max_shift, 3)]).mean())


@mistake("shift_consistency")
def consistency_shifts_back(f, x, max_shift):
    """The image moves up and to the left. Positive shifts move it down and to the right, as np.roll does."""
    return float(_kept(f, x, [(-s, axis) for s, axis in _shifts(max_shift)]).mean())


@mistake("shift_consistency")
def consistency_fills_with_zeros(f, x, max_shift):
    """What leaves the image is lost, and zeros come in. Shifts are circular: it comes back on the other
    side."""
    return float(_kept(f, x, _shifts(max_shift), _with_zeros).mean())


@mistake("shift_consistency")
def consistency_asks_for_all_shifts(f, x, max_shift):
    """A sample counts only if no shift at all changes its decision. Each shift counts on its own, and all are
    averaged."""
    return float(_kept(f, x, _shifts(max_shift)).all(axis=0).mean())


@mistake("shift_consistency")
def consistency_compares_with_last_shift(f, x, max_shift):
    """Each decision is compared with the one for the shift before. It is compared with that for the image
    that has not moved."""
    kept = []
    for axis in (2, 3):
        before = f(x).argmax(axis=1)
        for s in range(1, max_shift + 1):
            now = f(np.roll(x, s, axis)).argmax(axis=1)
            kept.append(now == before)
            before = now
    return float(np.mean(kept))


@mistake("shift_consistency")
def consistency_compares_scores(f, x, max_shift):
    """You ask whether the scores stay the same. Only the decision counts: which class has the largest
    score."""
    scores = f(x)
    same = [np.isclose(f(np.roll(x, s, axis)), scores).all(axis=1) for s, axis in _shifts(max_shift)]
    return float(np.mean(same))


@mistake("shift_consistency")
def consistency_largest_over_samples(f, x, max_shift):
    """The argmax goes over the samples: which sample has the largest score of a class. It goes over the
    classes, axis 1, for each sample."""
    decision = f(x).argmax(axis=0)
    return float(np.mean([f(np.roll(x, s, axis)).argmax(axis=0) == decision for s, axis in _shifts(max_shift)]))
