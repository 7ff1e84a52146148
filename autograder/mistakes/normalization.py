"""Known mistakes of unit 7. The docstring of each is what a student who made it is told."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from autograder.mistakes import mistake
from solutions import normalization as right
from solutions.batch_norm import combine_statistics
from solutions.conv_layer import conv2d_backward, conv2d_forward


def _hats(x, mean, std, axes):
    """x_hat and the reference's cache of normalize, for these statistics."""
    x_hat = (x - mean) / std
    return x_hat, (x_hat, std, axes)


def _moments(x, axes):
    return x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)


# normalize


@mistake("normalize", row=61)
def normalize_unbiased(x, axes, eps=1e-5):
    """You divide by the unbiased deviation, with one value less than there are. The values are normalised by
    their own variance, the mean of the squared deviations."""
    std = np.sqrt(x.var(axis=axes, ddof=1, keepdims=True) + eps)
    return _hats(x, x.mean(axis=axes, keepdims=True), std, axes)


@mistake("normalize", row=62)
def normalize_eps_outside(x, axes, eps=1e-5):
    """eps stands outside the root. It is added to the variance; where values hardly vary, this makes a
    visible difference."""
    return _hats(x, x.mean(axis=axes, keepdims=True), x.std(axis=axes, keepdims=True) + eps, axes)


@mistake("normalize", row=62)
def normalize_eps_missing(x, axes, eps=1e-5):
    """eps is missing: values that are all the same have variance 0, and are divided by 0."""
    return right.normalize(x, axes, 0.0)


@mistake("normalize")
def normalize_by_variance(x, axes, eps=1e-5):
    """You divide by the variance. What has variance one afterwards is what was divided by the root of it."""
    mean, var = _moments(x, axes)
    return _hats(x, mean, var + eps, axes)


@mistake("normalize")
def normalize_first_axis_only(x, axes, eps=1e-5):
    """Only the first of the axes is used. All entries along all of these axes share one mean and one
    variance."""
    return right.normalize(x, axes[:1], eps)


@mistake("normalize")
def normalize_everything(x, axes, eps=1e-5):
    """One mean and one variance serve the whole array. Only entries along the given axes share them; along
    the other axes there is one for each index."""
    return right.normalize(x, tuple(range(x.ndim)), eps)


@mistake("normalize")
def normalize_other_axes(x, axes, eps=1e-5):
    """You average over the axes that were not named. `axes` are those that disappear in the mean."""
    return right.normalize(x, tuple(set(range(x.ndim)) - {a % x.ndim for a in axes}), eps)


@mistake("normalize")
def normalize_one_axis_after_the_other(x, axes, eps=1e-5):
    """The axes are normalised one after the other. They belong together: one mean and one variance over all
    of them at once."""
    x_hat = x
    for axis in axes:
        x_hat, _ = right.normalize(x_hat, (axis,), eps)
    return x_hat, right.normalize(x, axes, eps)[1]


@mistake("normalize")
def normalize_negative_axes(x, axes, eps=1e-5):
    """Negative axes are passed over. -1 is the last axis, -2 the one before it, as everywhere in NumPy."""
    return right.normalize(x, tuple(a for a in axes if a >= 0), eps)


@mistake("normalize", row=18)
def normalize_in_double(x, axes, eps=1e-5):
    """float32 goes in and float64 comes out. The result has the dtype of x."""
    return right.normalize(x.astype(np.float64), axes, eps)


@mistake("normalize")
def normalize_in_place(x, axes, eps=1e-5):
    """x is normalised in place, and the caller's values are gone. Work on a new array."""
    x_hat, cache = right.normalize(x, axes, eps)
    x[...] = x_hat
    return x_hat, cache


@mistake("normalize_backward", row=70)
def normalize_no_mean_path(dx_hat, cache):
    """The gradient does not go through the mean. Every x moves the mean of its group, and through it all of
    the group: the gradients of a group must add up to zero."""
    x_hat, std, axes = cache
    return (dx_hat - x_hat * np.mean(dx_hat * x_hat, axis=axes, keepdims=True)) / std


@mistake("normalize_backward", row=70)
def normalize_no_variance_path(dx_hat, cache):
    """The gradient does not go through the variance. Every x moves the variance of its group, and through it
    all of the group: a part of the gradient, along the normalised x, has to go."""
    _, std, axes = cache
    return (dx_hat - dx_hat.mean(axis=axes, keepdims=True)) / std


@mistake("normalize_backward", row=70)
def normalize_constant_statistics(dx_hat, cache):
    """Mean and deviation are treated as constants. They are computed from x, and the gradient goes through
    both of them."""
    return dx_hat / cache[1]


@mistake("normalize_backward")
def normalize_deviation_forgotten(dx_hat, cache):
    """The gradient is not divided by the deviation. x is divided by it on the way forward, its gradient on
    the way back."""
    return right.normalize_backward(dx_hat, cache) * cache[1]


@mistake("normalize_backward")
def normalize_sums_for_means(dx_hat, cache):
    """What you subtract is too large: sums stand where means belong. Each entry has an equal share in the
    mean and in the variance of its group."""
    x_hat, std, axes = cache
    along_one = dx_hat.sum(axis=axes, keepdims=True)
    return (dx_hat - along_one - x_hat * np.sum(dx_hat * x_hat, axis=axes, keepdims=True)) / std


@mistake("normalize_backward")
def normalize_backward_over_everything(dx_hat, cache):
    """In the backward pass you average over the whole array. Going back, the groups are the same as going
    forward."""
    x_hat, std, _ = cache
    return (dx_hat - dx_hat.mean() - x_hat * np.mean(dx_hat * x_hat)) / std


# layer_norm


def _per_feature(x, gamma, beta, eps=1e-5):
    x_hat, cache = right.normalize(x, (0,), eps)
    return gamma * x_hat + beta, (x_hat, gamma, cache)


@mistake("layer_norm_forward", row=76)
def layer_norm_over_the_batch(x, gamma, beta, eps=1e-5):
    """You normalise over the batch: that is batch normalization. Layer normalization takes the mean and the
    variance of each sample, over its features."""
    return _per_feature(x, gamma, beta, eps)


@mistake("layer_norm_forward")
def layer_norm_everything(x, gamma, beta, eps=1e-5):
    """All samples share one mean and one variance. Each sample, a row of x, has its own."""
    x_hat, cache = right.normalize(x, (0, 1), eps)
    return gamma * x_hat + beta, (x_hat, gamma, cache)


@mistake("layer_norm_forward", row=61)
def layer_norm_unbiased(x, gamma, beta, eps=1e-5):
    """You divide by the unbiased deviation. As in batch normalization, the variance that normalises is the
    mean of the squared deviations."""
    x_hat, cache = normalize_unbiased(x, (1,), eps)
    return gamma * x_hat + beta, (x_hat, gamma, cache)


@mistake("layer_norm_forward", row=62)
def layer_norm_eps_outside(x, gamma, beta, eps=1e-5):
    """eps stands outside the root. It is added to the variance."""
    x_hat, cache = normalize_eps_outside(x, (1,), eps)
    return gamma * x_hat + beta, (x_hat, gamma, cache)


@mistake("layer_norm_forward")
def layer_norm_without_affine(x, gamma, beta, eps=1e-5):
    """gamma and beta are forgotten in the forward pass. They scale and shift what has been normalised, each
    feature by its own."""
    x_hat, cache = right.normalize(x, (1,), eps)
    return x_hat, (x_hat, gamma, cache)


@mistake("layer_norm_backward", row=76)
def layer_norm_parameters_over_features(dy, cache):
    """dgamma and dbeta are sums over the features. Each feature has its own gamma and beta, used by all
    samples: the sum goes over the samples."""
    x_hat, gamma, inner = cache
    return right.normalize_backward(dy * gamma, inner), np.sum(dy * x_hat, axis=1), dy.sum(axis=1)


@mistake("layer_norm_backward", row=71)
def layer_norm_parameters_averaged(dy, cache):
    """dgamma and dbeta are averages over the samples. Gradients of what is used several times add up."""
    dx, dgamma, dbeta = right.layer_norm_backward(dy, cache)
    return dx, dgamma / len(dy), dbeta / len(dy)


@mistake("layer_norm_backward", row=72)
def layer_norm_gamma_last(dy, cache):
    """gamma is applied after the backward pass of the normalization. Here gamma differs from feature to
    feature within a group, so the order matters: going back, gamma comes first."""
    _, gamma, inner = cache
    _, dgamma, dbeta = right.layer_norm_backward(dy, cache)
    return right.normalize_backward(dy, inner) * gamma, dgamma, dbeta


@mistake("layer_norm_backward", row=72)
def layer_norm_gamma_forgotten(dy, cache):
    """dx does not know gamma. The gradient passes the multiplication by gamma before it reaches the
    normalization."""
    _, dgamma, dbeta = right.layer_norm_backward(dy, cache)
    return right.normalize_backward(dy, cache[2]), dgamma, dbeta


def _keeps_x(x, gamma, beta, eps=1e-5):
    y, cache = right.layer_norm_forward(x, gamma, beta, eps)
    return y, (x, cache)


@mistake("layer_norm_backward", row=71, also={"layer_norm_forward": _keeps_x})
def layer_norm_dgamma_of_x(dy, cache):
    """dgamma is made with x as it came in. gamma multiplies the normalised x, so that is what its gradient is
    weighted by."""
    dx, _, dbeta = right.layer_norm_backward(dy, cache[1])
    return dx, np.sum(dy * cache[0], axis=0), dbeta


# instance_norm


def _channels(gamma):
    return gamma[:, None, None]


def _over(x, gamma, beta, axes, eps):
    x_hat, cache = right.normalize(x, axes, eps)
    return _channels(gamma) * x_hat + _channels(beta), (x_hat, gamma, cache)


def _over_backward(dy, cache):
    x_hat, gamma, inner = cache
    dx = right.normalize_backward(dy * _channels(gamma), inner)
    return dx, np.sum(dy * x_hat, axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3))


@mistake("instance_norm_forward", row=78, also={"instance_norm_backward": _over_backward})
def instance_norm_over_the_batch(x, gamma, beta, eps=1e-5):
    """The images of the batch share their statistics: that is batch normalization. In instance normalization
    every image is on its own."""
    return _over(x, gamma, beta, (0, 2, 3), eps)


@mistake("instance_norm_forward", also={"instance_norm_backward": _over_backward})
def instance_norm_over_channels(x, gamma, beta, eps=1e-5):
    """The channels of an image share their statistics: that is layer normalization. In instance normalization
    every channel of every image is on its own."""
    return _over(x, gamma, beta, (1, 2, 3), eps)


@mistake("instance_norm_forward", also={"instance_norm_backward": _over_backward})
def instance_norm_rows_only(x, gamma, beta, eps=1e-5):
    """Every row of a channel has its own statistics. Mean and variance are taken over the whole plane, height
    and width."""
    return _over(x, gamma, beta, (3,), eps)


@mistake("instance_norm_forward", row=61, also={"instance_norm_backward": _over_backward})
def instance_norm_unbiased(x, gamma, beta, eps=1e-5):
    """You divide by the unbiased deviation. The variance that normalises is the mean of the squared
    deviations."""
    x_hat, cache = normalize_unbiased(x, (2, 3), eps)
    return _channels(gamma) * x_hat + _channels(beta), (x_hat, gamma, cache)


@mistake("instance_norm_backward")
def instance_norm_parameters_per_image(dy, cache):
    """dgamma and dbeta still have an axis for the images. gamma and beta serve all images, so their gradients
    are summed over the images, too."""
    dx, _, _ = right.instance_norm_backward(dy, cache)
    return dx, np.sum(dy * cache[0], axis=(2, 3)), dy.sum(axis=(2, 3))


@mistake("instance_norm_backward", row=71)
def instance_norm_parameters_averaged(dy, cache):
    """dgamma and dbeta are averaged over the images. Gradients of what is used several times add up."""
    dx, dgamma, dbeta = right.instance_norm_backward(dy, cache)
    return dx, dgamma / len(dy), dbeta / len(dy)


@mistake("instance_norm_backward", row=72)
def instance_norm_gamma_forgotten(dy, cache):
    """dx does not know gamma. The gradient passes the multiplication by gamma before it reaches the
    normalization."""
    x_hat, gamma, inner = cache
    dx, _, _ = right.instance_norm_backward(dy, (x_hat, np.ones_like(gamma), inner))
    return dx, *right.instance_norm_backward(dy, cache)[1:]


# group_norm


def _interleaved(x, groups):
    """Channel c to group c mod G: the channels in an order in which the groups are neighbours."""
    c = x.shape[1]
    return np.arange(c).reshape(c // groups, groups).T.ravel()


def _interleaved_backward(dy, cache):
    order, cache = cache
    back = np.argsort(order)
    dx, dgamma, dbeta = right.group_norm_backward(dy[:, order], cache)
    return dx[:, back], dgamma[back], dbeta[back]


@mistake("group_norm_forward", row=77, also={"group_norm_backward": _interleaved_backward})
def group_norm_interleaved(x, gamma, beta, num_groups, eps=1e-5):
    """Your groups are interleaved: every G-th channel belongs together. A group is a run of neighbouring
    channels; look at the order of the two axes into which you split C."""
    right.group_norm_forward(x, gamma, beta, num_groups, eps)
    order = _interleaved(x, num_groups)
    y, cache = right.group_norm_forward(x[:, order], gamma[order], beta[order], num_groups, eps)
    return y[:, np.argsort(order)], (order, cache)


@mistake("group_norm_forward", row=77)
def group_norm_size_for_number(x, gamma, beta, num_groups, eps=1e-5):
    """num_groups is taken for the number of channels in a group. It is the number of groups; a group has
    C / num_groups channels."""
    right.group_norm_forward(x, gamma, beta, num_groups, eps)
    return right.group_norm_forward(x, gamma, beta, x.shape[1] // num_groups, eps)


@mistake("group_norm_forward", row=77)
def group_norm_gamma_per_group(x, gamma, beta, num_groups, eps=1e-5):
    """The channels of a group share gamma and beta. They share only the mean and the variance; every
    channel has a scale and a shift of its own."""
    size = x.shape[1] // num_groups
    first = np.arange(x.shape[1]) // size
    y, (x_hat, _, inner) = right.group_norm_forward(x, gamma[first], beta[first], num_groups, eps)
    return y, (x_hat, gamma, inner)


@mistake("group_norm_forward", row=77)
def group_norm_extra_axis(x, gamma, beta, num_groups, eps=1e-5):
    """The result still has the axis of the groups. It is only needed for the mean and the variance: the
    result has the shape of x."""
    y, cache = right.group_norm_forward(x, gamma, beta, num_groups, eps)
    return y.reshape(len(x), num_groups, -1, *x.shape[2:]), cache


@mistake("group_norm_forward", also={"group_norm_backward": _over_backward})
def group_norm_over_the_batch(x, gamma, beta, num_groups, eps=1e-5):
    """The images of the batch share their statistics. In group normalization every image is on its own,
    which is what makes it good for small batches."""
    right.group_norm_forward(x, gamma, beta, num_groups, eps)
    n, _, h, w = x.shape
    y, _ = right.normalize(x.reshape(n, num_groups, -1, h, w), (0, 2, 3, 4), eps)
    x_hat = y.reshape(x.shape)
    return _channels(gamma) * x_hat + _channels(beta), (x_hat, gamma, right.normalize(x, (0, 2, 3), eps)[1])


@mistake("group_norm_forward", also={"group_norm_backward": _over_backward})
def group_norm_ignores_groups(x, gamma, beta, num_groups, eps=1e-5):
    """The number of groups makes no difference: every image has one mean and one variance. That is the case
    of one group."""
    right.group_norm_forward(x, gamma, beta, num_groups, eps)
    return _over(x, gamma, beta, (1, 2, 3), eps)


@mistake("group_norm_forward", also={"group_norm_backward": _over_backward})
def group_norm_per_pixel(x, gamma, beta, num_groups, eps=1e-5):
    """Every pixel has its own statistics over the channels of a group. They are taken over height and width,
    too."""
    right.group_norm_forward(x, gamma, beta, num_groups, eps)
    n, _, h, w = x.shape
    grouped, _ = right.normalize(x.reshape(n, num_groups, -1, h, w), (2,), eps)
    x_hat = grouped.reshape(x.shape)
    return _channels(gamma) * x_hat + _channels(beta), (x_hat, gamma, right.normalize(x, (1,), eps)[1])


@mistake("group_norm_forward")
def group_norm_left_over_channels(x, gamma, beta, num_groups, eps=1e-5):
    """Groups that do not come out even pass without a word. Say so with a ValueError, in place of guessing
    what to do with the channels that are left over."""
    if x.shape[1] % num_groups:
        num_groups = 1
    return right.group_norm_forward(x, gamma, beta, num_groups, eps)


@mistake("group_norm_backward", row=72)
def group_norm_gamma_last(dy, cache):
    """gamma is applied after the backward pass of the normalization. The channels of a group have different
    gammas, so the order matters: going back, gamma comes first."""
    _, gamma, inner = cache
    _, dgamma, dbeta = right.group_norm_backward(dy, cache)
    dx = right.normalize_backward(dy.reshape(inner[0].shape), inner).reshape(dy.shape)
    return dx * _channels(gamma), dgamma, dbeta


@mistake("group_norm_backward", row=77)
def group_norm_parameters_per_group(dy, cache):
    """dgamma and dbeta are summed over the channels of a group. Every channel has its own."""
    size = cache[2][0].shape[2]
    dx, dgamma, dbeta = right.group_norm_backward(dy, cache)
    return dx, *(np.repeat(d.reshape(-1, size).sum(axis=1), size) for d in (dgamma, dbeta))


# rms_norm


@mistake("rms_norm_forward", row=79)
def rms_norm_takes_mean_off(x, gamma, eps=1e-5):
    """The mean is taken off: that is layer normalization without beta. RMS normalization only divides, by the
    root of the mean square."""
    mean, var = _moments(x, (1,))
    rms = np.sqrt(var + eps)
    return gamma * (x - mean) / rms, ((x - mean) / rms, rms, gamma)


@mistake("rms_norm_forward", row=79)
def rms_norm_by_deviation(x, gamma, eps=1e-5):
    """You divide by the standard deviation. What is needed is the root of the mean square, with no mean
    taken off anywhere."""
    rms = np.sqrt(x.var(axis=1, keepdims=True) + eps)
    return gamma * x / rms, (x / rms, rms, gamma)


@mistake("rms_norm_forward")
def rms_norm_by_length(x, gamma, eps=1e-5):
    """You divide by the length of the vector. The mean of the squares is needed, not their sum."""
    rms = np.sqrt(np.sum(x**2, axis=1, keepdims=True) + eps)
    return gamma * x / rms, (x / rms, rms, gamma)


@mistake("rms_norm_forward", row=62)
def rms_norm_eps_outside(x, gamma, eps=1e-5):
    """eps stands outside the root. It is added to the mean square."""
    rms = np.sqrt(np.mean(x**2, axis=1, keepdims=True)) + eps
    return gamma * x / rms, (x / rms, rms, gamma)


@mistake("rms_norm_forward")
def rms_norm_over_the_batch(x, gamma, eps=1e-5):
    """The mean square is taken over the batch. Each sample, a row of x, has its own, over its features."""
    rms = np.sqrt(np.mean(x**2, axis=0, keepdims=True) + eps)
    return gamma * x / rms, (x / rms, rms, gamma)


@mistake("rms_norm_backward")
def rms_norm_constant_rms(dy, cache):
    """The root mean square is treated as a constant. It is computed from x: a part of the gradient, along the
    normalised x, has to go."""
    _, rms, gamma = cache
    return dy * gamma / rms, right.rms_norm_backward(dy, cache)[1]


@mistake("rms_norm_backward")
def rms_norm_mean_path(dy, cache):
    """The mean of the gradient is subtracted, as in layer normalization. Here no mean is taken off on the way
    forward, so there is none to go through on the way back."""
    x_hat, rms, gamma = cache
    d = dy * gamma
    d = d - d.mean(axis=1, keepdims=True) - x_hat * np.mean(d * x_hat, axis=1, keepdims=True)
    return d / rms, right.rms_norm_backward(dy, cache)[1]


@mistake("rms_norm_backward", row=72)
def rms_norm_gamma_last(dy, cache):
    """gamma is applied after the backward pass of the division. gamma differs from feature to feature, so the
    order matters: going back, gamma comes first."""
    x_hat, rms, gamma = cache
    dx, _ = right.rms_norm_backward(dy, (x_hat, rms, np.ones_like(gamma)))
    return dx * gamma, right.rms_norm_backward(dy, cache)[1]


# sync_batch_norm


def _sync(shards, gamma, beta, means, stds, count):
    x_hats = [(x - m[:, None, None]) / s[:, None, None] for x, m, s in zip(shards, means, stds, strict=True)]
    y = [_channels(gamma) * x_hat + _channels(beta) for x_hat in x_hats]
    return y, (x_hats, stds[0], gamma, count)


def _shard_statistics(shards):
    counts = np.array([x.size // x.shape[1] for x in shards])
    means = np.stack([x.mean(axis=(0, 2, 3)) for x in shards])
    variances = np.stack([x.var(axis=(0, 2, 3)) for x in shards])
    return counts, means, variances


@mistake("sync_batch_norm_forward", row=85)
def sync_batch_norm_averages_variances(shards, gamma, beta, eps=1e-5):
    """The devices' variances are averaged, and that is all. Where the shards have different means, the whole
    varies more than its parts: the spread of the means is missing."""
    counts, means, variances = _shard_statistics(shards)
    share = (counts / counts.sum()).astype(means.dtype)
    std = np.sqrt(share @ variances + eps)
    return _sync(shards, gamma, beta, [share @ means] * len(shards), [std] * len(shards), int(counts.sum()))


@mistake("sync_batch_norm_forward", row=85)
def sync_batch_norm_sizes_ignored(shards, gamma, beta, eps=1e-5):
    """Every shard weighs the same. A shard with more images has more to say about the mean and the
    variance."""
    counts, means, variances = _shard_statistics(shards)
    mean, var = combine_statistics(np.ones_like(counts), means, variances)
    return _sync(shards, gamma, beta, [mean] * len(shards), [np.sqrt(var + eps)] * len(shards), int(counts.sum()))


@mistake("sync_batch_norm_forward")
def sync_batch_norm_not_synchronised(shards, gamma, beta, eps=1e-5):
    """Every shard is normalised by its own statistics: that is what happens without synchronisation. The
    result should be that of one large batch."""
    counts, means, variances = _shard_statistics(shards)
    return _sync(shards, gamma, beta, list(means), list(np.sqrt(variances + eps)), int(counts.sum()))


@mistake("sync_batch_norm_forward", row=61)
def sync_batch_norm_unbiased(shards, gamma, beta, eps=1e-5):
    """You normalise by the unbiased variance. As on one device, the variance that normalises is biased."""
    counts, means, variances = _shard_statistics(shards)
    n = int(counts.sum())
    mean, var = combine_statistics(counts, means, variances)
    return _sync(shards, gamma, beta, [mean] * len(shards), [np.sqrt(var * (n / (n - 1)) + eps)] * len(shards), n)


@mistake("sync_batch_norm_backward")
def sync_batch_norm_backward_alone(dy, cache):
    """The backward pass is not synchronised. An image on one device has moved the mean and the variance for
    all of them: the two sums over the batch go over all shards."""
    x_hats, std, gamma, _ = cache
    dx = []
    for d, x_hat in zip(dy, x_hats, strict=True):
        along_one, along_x_hat = (v.mean(axis=(0, 2, 3), keepdims=True) for v in (d, d * x_hat))
        dx.append(_channels(gamma / std) * (d - along_one - x_hat * along_x_hat))
    return dx, *right.sync_batch_norm_backward(dy, cache)[1:]


@mistake("sync_batch_norm_backward")
def sync_batch_norm_last_shard(dy, cache):
    """dgamma and dbeta come from the last shard alone. gamma and beta are shared by all devices: add up
    what each of them found."""
    x_hats = cache[0]
    dx, _, _ = right.sync_batch_norm_backward(dy, cache)
    return dx, np.sum(dy[-1] * x_hats[-1], axis=(0, 2, 3)), dy[-1].sum(axis=(0, 2, 3))


@mistake("sync_batch_norm_backward", row=71)
def sync_batch_norm_parameters_averaged(dy, cache):
    """dgamma and dbeta are averaged over the devices. The result should be that of one large batch, where
    they are sums."""
    dx, dgamma, dbeta = right.sync_batch_norm_backward(dy, cache)
    return dx, dgamma / len(dy), dbeta / len(dy)


# weight_norm


@mistake("weight_norm_forward", row=80)
def weight_norm_whole_tensor(v, g):
    """One norm is taken over all of v. Every output unit has a length of its own: the norm is over all axes
    but the first."""
    direction = v.reshape(len(v), -1) / np.linalg.norm(v)
    g = g[:, None]
    return (g * direction).reshape(v.shape), (direction, np.full_like(g, np.linalg.norm(v)), g)


@mistake("weight_norm_forward", row=80)
def weight_norm_g_not_used(v, g):
    """The lengths g are not used: every unit's weights have length one. g gives each of them its length."""
    cache = right.weight_norm_forward(v, g)[1]
    return cache[0].reshape(v.shape), cache


@mistake("weight_norm_forward")
def weight_norm_first_axis(v, g):
    """The norm is taken over the output units. Each output unit has a length of its own: the norm is over all
    axes but the first."""
    norm = np.sqrt(np.sum(v**2, axis=0, keepdims=True))
    return g.reshape(-1, *[1] * (v.ndim - 1)) * v / norm, right.weight_norm_forward(v, g)[1]


@mistake("weight_norm_forward")
def weight_norm_squared_norm(v, g):
    """You divide by the squared norm: the root is missing. What is divided by its norm has norm one."""
    rows, g = v.reshape(len(v), -1), g[:, None]
    norm = np.sum(rows**2, axis=1, keepdims=True)
    return (g * rows / norm).reshape(v.shape), (rows / norm, norm, g)


@mistake("weight_norm_forward")
def weight_norm_last_axis(v, g):
    """The norm is taken over the last axis alone. All weights of an output unit are one vector: the norm is
    over all axes but the first."""
    norm = np.sqrt(np.sum(v**2, axis=-1, keepdims=True))
    return g.reshape(-1, *[1] * (v.ndim - 1)) * v / norm, right.weight_norm_forward(v, g)[1]


@mistake("weight_norm_backward", row=80)
def weight_norm_no_projection(dweight, cache):
    """dv still has a part along v. Making v longer does not change the weights, so the gradient has nothing
    there: it is orthogonal to v."""
    direction, norm, g = cache
    rows = dweight.reshape(direction.shape)
    return (g / norm * rows).reshape(dweight.shape), np.sum(rows * direction, axis=1)


@mistake("weight_norm_backward")
def weight_norm_dg_of_v(dweight, cache):
    """dg is made with v as it came in. g multiplies the direction v/||v||, so that is what its gradient is
    weighted by."""
    dv, dg = right.weight_norm_backward(dweight, cache)
    return dv, dg * cache[1][:, 0]


@mistake("weight_norm_backward")
def weight_norm_dv_without_g(dweight, cache):
    """dv does not know g. The direction is multiplied by g on the way forward, so its gradient is
    multiplied by it on the way back."""
    direction, norm, g = cache
    dv, _ = right.weight_norm_backward(dweight, (direction, norm, np.ones_like(g)))
    return dv, right.weight_norm_backward(dweight, cache)[1]


@mistake("weight_norm_backward")
def weight_norm_dv_without_norm(dweight, cache):
    """dv is not divided by the norm of v. A long v turns less for the same step."""
    direction, norm, g = cache
    dv, dg = right.weight_norm_backward(dweight, (direction, np.ones_like(norm), g))
    return dv, dg


# weight_standardization


def _standard(weight, axes, eps):
    return right.normalize(weight, axes, eps)


@mistake("weight_standardization_forward", row=81)
def weight_standardization_over_filters(weight, eps=1e-5):
    """The statistics are taken over the output filters. Each filter has its own mean and variance: the first
    axis is the one over which nothing is averaged."""
    return _standard(weight, (0, 2, 3), eps)


@mistake("weight_standardization_forward", row=81)
def weight_standardization_per_kernel(weight, eps=1e-5):
    """Every input channel's kernel is standardised by itself. A filter is all that one output sees: its input
    channels belong together."""
    return _standard(weight, (2, 3), eps)


@mistake("weight_standardization_forward", row=81)
def weight_standardization_everything(weight, eps=1e-5):
    """All filters share one mean and one variance. Each output filter has its own."""
    return _standard(weight, (0, 1, 2, 3), eps)


@mistake("weight_standardization_forward", row=61)
def weight_standardization_unbiased(weight, eps=1e-5):
    """You divide by the unbiased deviation. Here the variance is the mean of the squared deviations."""
    return normalize_unbiased(weight, (1, 2, 3), eps)


@mistake("weight_standardization_forward", row=62)
def weight_standardization_eps_outside(weight, eps=1e-5):
    """eps stands outside the root. It is added to the variance, and weights are small: it shows."""
    return normalize_eps_outside(weight, (1, 2, 3), eps)


@mistake("weight_standardization_forward")
def weight_standardization_not_centred(weight, eps=1e-5):
    """The filters are divided by their deviation, but keep their mean. The mean is taken off first."""
    x_hat, (_, std, axes) = right.weight_standardization_forward(weight, eps)
    return weight / std, (x_hat, std, axes)


@mistake("weight_standardization_backward", row=81)
def weight_standardization_identity(dweight, cache):
    """The gradient passes as if nothing had been done to the weights. They were centred and divided on the
    way forward, and the gradient has to go back through both."""
    return dweight.copy()


@mistake("weight_standardization_backward", row=70)
def weight_standardization_constant_statistics(dweight, cache):
    """Mean and deviation are treated as constants. They are computed from the weights: each filter's gradient
    must add up to zero."""
    return dweight / cache[1]


# spectral_norm


def _power(matrix, u, n, eps):
    for _ in range(n):
        v = matrix.T @ u
        v = v / max(np.linalg.norm(v), eps)
        u = matrix @ v
        u = u / max(np.linalg.norm(u), eps)
    return u, v


@mistake("spectral_norm_forward", row=82)
def spectral_norm_frobenius(weight, u, n_power_iterations=1, eps=1e-12):
    """You divide by the root of the sum of squares, the Frobenius norm. The spectral norm is the largest
    singular value; the other singular values do not count."""
    _, (_, _, _, v), u = right.spectral_norm_forward(weight, u, n_power_iterations, eps)
    sigma = np.linalg.norm(weight)
    return weight / sigma, (weight / sigma, sigma, u, v), u


@mistake("spectral_norm_forward", row=82)
def spectral_norm_u_not_kept(weight, u, n_power_iterations=1, eps=1e-12):
    """u comes back as it went in. One iteration per call is enough only because each call goes on from
    where the last one stopped: hand out the new u."""
    weight_sn, cache, _ = right.spectral_norm_forward(weight, u, n_power_iterations, eps)
    return weight_sn, cache, u


@mistake("spectral_norm_forward", row=82)
def spectral_norm_wrong_rows(weight, u, n_power_iterations=1, eps=1e-12):
    """The weight is reshaped to the right number of entries in the wrong order. Row o of the matrix is
    everything that belongs to output o; the first axis stays the first."""
    matrix = weight.reshape(-1, len(weight)).T
    u, v = _power(matrix, u, n_power_iterations, eps)
    sigma = u @ matrix @ v
    return weight / sigma, (weight / sigma, sigma, u, v), u


@mistake("spectral_norm_forward")
def spectral_norm_one_iteration(weight, u, n_power_iterations=1, eps=1e-12):
    """Whatever n_power_iterations says, there is one iteration. Repeat both steps that often."""
    return right.spectral_norm_forward(weight, u, 1, eps)


@mistake("spectral_norm_forward")
def spectral_norm_old_u(weight, u, n_power_iterations=1, eps=1e-12):
    """sigma is computed with a u and a v that do not belong together: u is from before the last step. Use the
    newest of both."""
    matrix = weight.reshape(len(weight), -1)
    old = _power(matrix, u, n_power_iterations - 1, eps)[0] if n_power_iterations > 1 else u
    new, v = _power(matrix, u, n_power_iterations, eps)
    sigma = old @ matrix @ v
    return weight / sigma, (weight / sigma, sigma, old, v), new


@mistake("spectral_norm_forward")
def spectral_norm_not_normalised(weight, u, n_power_iterations=1, eps=1e-12):
    """u and v are not brought to length one. Without that, u times W times v is not a singular value, and the
    numbers grow from call to call."""
    matrix = weight.reshape(len(weight), -1)
    for _ in range(n_power_iterations):
        v = matrix.T @ u
        u = matrix @ v
    sigma = u @ matrix @ v
    return weight / sigma, (weight / sigma, sigma, u, v), u


@mistake("spectral_norm_forward")
def spectral_norm_of_the_gram_matrix(weight, u, n_power_iterations=1, eps=1e-12):
    """You divide by the square of the singular value. The eigenvalues of W times its transpose are squares
    of the singular values of W."""
    _, (_, sigma, _, v), u = right.spectral_norm_forward(weight, u, n_power_iterations, eps)
    sigma = sigma**2
    return weight / sigma, (weight / sigma, sigma, u, v), u


@mistake("spectral_norm_backward")
def spectral_norm_sigma_constant(dweight_sn, cache):
    """sigma is treated as a constant. It depends on the weight: only u and v are held constant, and the
    gradient loses its part along their outer product."""
    return dweight_sn / cache[1]


def _keeps_steps(weight, u, n_power_iterations=1, eps=1e-12):
    weight_sn, cache, new = right.spectral_norm_forward(weight, u, n_power_iterations, eps)
    return weight_sn, (weight, u, n_power_iterations, eps, cache), new


def _through_direction(d, raw, eps):
    """Back through raw / ||raw||."""
    norm = max(np.linalg.norm(raw), eps)
    unit = raw / norm
    return (d - unit * (unit @ d)) / norm


@mistake("spectral_norm_backward", row=82, also={"spectral_norm_forward": _keeps_steps})
def spectral_norm_through_u_and_v(dweight_sn, cache):
    """The gradient goes through the power iteration, too. u and v are held constant: they are an estimate
    that is carried from call to call, not a part of the function."""
    weight, u, n, eps, (weight_sn, sigma, _, _) = cache
    matrix, steps = weight.reshape(len(weight), -1), []
    for _ in range(n):
        v_raw = matrix.T @ u
        v = v_raw / max(np.linalg.norm(v_raw), eps)
        u_raw = matrix @ v
        steps.append((u, v_raw, v, u_raw))
        u = u_raw / max(np.linalg.norm(u_raw), eps)
    dsigma = -np.sum(dweight_sn * weight_sn) / sigma
    d = dweight_sn.reshape(matrix.shape) / sigma + dsigma * np.outer(u, v)
    du, dv = dsigma * (matrix @ v), dsigma * (matrix.T @ u)
    for before, v_raw, v, u_raw in reversed(steps):
        du = _through_direction(du, u_raw, eps)
        d, dv = d + np.outer(du, v), dv + matrix.T @ du
        dv = _through_direction(dv, v_raw, eps)
        d, du, dv = d + np.outer(before, dv), matrix @ dv, 0
    return d.reshape(weight.shape)


@mistake("spectral_norm_backward")
def spectral_norm_identity(dweight_sn, cache):
    """The gradient passes as if the weight had not been divided. Divide it by sigma, and take off what
    belongs to sigma's own gradient."""
    return dweight_sn.copy()


# conv_operator_norm


@mistake("conv_operator_norm", row=82)
def conv_operator_norm_of_the_kernel(weight, height, width):
    """This is the spectral norm of the kernel written as an (O, I KH KW) matrix. The convolution is another
    map: neighbouring patches overlap, and its norm can be larger."""
    return float(np.linalg.norm(weight.reshape(len(weight), -1), 2))


def _spectrum(weight, height, width):
    return np.fft.fft2(weight, (height, width)).transpose(2, 3, 0, 1)


@mistake("conv_operator_norm")
def conv_operator_norm_largest_entry(weight, height, width):
    """The largest entry of the spectrum is not the norm. At each frequency there is a matrix that mixes the
    channels: take its largest singular value."""
    return float(np.abs(_spectrum(weight, height, width)).max())


@mistake("conv_operator_norm")
def conv_operator_norm_frobenius(weight, height, width):
    """At each frequency you take the root of the sum of squares. The largest singular value of that matrix is
    needed."""
    return float(np.sqrt(np.sum(np.abs(_spectrum(weight, height, width)) ** 2, axis=(2, 3)).max()))


@mistake("conv_operator_norm")
def conv_operator_norm_not_padded(weight, height, width):
    """The transform has the size of the kernel. The frequencies are those of the images: the kernel is
    continued with zeros to their height and width."""
    return right.conv_operator_norm(weight, *weight.shape[2:])


@mistake("conv_operator_norm")
def conv_operator_norm_sizes_exchanged(weight, height, width):
    """Height and width are exchanged. It matters where neither the kernel nor the image is square."""
    return right.conv_operator_norm(weight, width, height)


@mistake("conv_operator_norm")
def conv_operator_norm_sum_over_inputs(weight, height, width):
    """The input channels are added up before the norm is taken. Different inputs may carry different
    pictures, so the matrix of all channels has to be kept."""
    return right.conv_operator_norm(weight.sum(axis=1, keepdims=True), height, width)


@mistake("conv_operator_norm")
def conv_operator_norm_of_zero_frequency(weight, height, width):
    """Only constant images are looked at. The norm is the largest over all frequencies."""
    return float(np.linalg.norm(weight.sum(axis=(2, 3)), 2))


# adaptive_instance_norm


def _style(style, eps):
    mean, var = _moments(style, (2, 3))
    return mean, var, np.sqrt(var + eps)


@mistake("adaptive_instance_norm_forward", row=83)
def adaptive_instance_norm_exchanged(content, style, eps=1e-5):
    """The style's mean and deviation have changed places. The deviation scales the normalised content, the
    mean is added."""
    _, cache = right.adaptive_instance_norm_forward(content, style, eps)
    mean, _, std = _style(style, eps)
    return mean * cache[0] + std, cache


@mistake("adaptive_instance_norm_forward", row=83)
def adaptive_instance_norm_variance(content, style, eps=1e-5):
    """The content is scaled by the style's variance. What has deviation one and is multiplied by s has
    deviation s: take the root."""
    _, cache = right.adaptive_instance_norm_forward(content, style, eps)
    mean, var, _ = _style(style, eps)
    return (var + eps) * cache[0] + mean, cache


@mistake("adaptive_instance_norm_forward", row=83)
def adaptive_instance_norm_roles_exchanged(content, style, eps=1e-5):
    """Content and style have changed places. The picture that comes out is the content's, with the style's
    statistics."""
    return right.adaptive_instance_norm_forward(style, content, eps)


@mistake("adaptive_instance_norm_forward", row=62)
def adaptive_instance_norm_eps_once(content, style, eps=1e-5):
    """eps is added to the content's variance and not to the style's. Then a picture in its own style is
    changed: both deviations are made the same way."""
    _, cache = right.adaptive_instance_norm_forward(content, style, eps)
    mean, var, _ = _style(style, eps)
    return np.sqrt(var) * cache[0] + mean, cache


@mistake("adaptive_instance_norm_forward")
def adaptive_instance_norm_style_of_the_batch(content, style, eps=1e-5):
    """All pictures of the batch get the same style. Each content picture has a style picture of its own."""
    mean, var = _moments(style, (0, 2, 3))
    _, cache = right.adaptive_instance_norm_forward(content, style, eps)
    return np.sqrt(var + eps) * cache[0] + mean, cache


@mistake("adaptive_instance_norm_forward", row=61)
def adaptive_instance_norm_unbiased(content, style, eps=1e-5):
    """The style's deviation is the unbiased one. Both deviations here are of the mean of squared
    deviations."""
    _, cache = right.adaptive_instance_norm_forward(content, style, eps)
    std = np.sqrt(style.var(axis=(2, 3), ddof=1, keepdims=True) + eps)
    return std * cache[0] + style.mean(axis=(2, 3), keepdims=True), cache


@mistake("adaptive_instance_norm_backward")
def adaptive_instance_norm_style_constant(dy, cache):
    """The style gets no gradient through its deviation. It enters in two places: its mean is added, and its
    deviation multiplies."""
    dcontent, dstyle = right.adaptive_instance_norm_backward(dy, cache)
    pixels = dstyle.shape[2] * dstyle.shape[3]
    return dcontent, np.broadcast_to(dy.sum(axis=(2, 3), keepdims=True) / pixels, dstyle.shape).copy()


@mistake("adaptive_instance_norm_backward")
def adaptive_instance_norm_style_without_mean(dy, cache):
    """The style gets no gradient through its mean. It enters in two places: its deviation multiplies, and its
    mean is added."""
    content_hat, _, style_hat, _ = cache
    dcontent, dstyle = right.adaptive_instance_norm_backward(dy, cache)
    pixels = dstyle.shape[2] * dstyle.shape[3]
    return dcontent, np.sum(dy * content_hat, axis=(2, 3), keepdims=True) * style_hat / pixels


@mistake("adaptive_instance_norm_backward")
def adaptive_instance_norm_style_not_shared(dy, cache):
    """Every pixel of the style gets the whole gradient of the mean and of the deviation. A pixel has a
    share of one in the number of the style's pixels."""
    dcontent, dstyle = right.adaptive_instance_norm_backward(dy, cache)
    return dcontent, dstyle * (dstyle.shape[2] * dstyle.shape[3])


@mistake("adaptive_instance_norm_backward")
def adaptive_instance_norm_pixels_of_content(dy, cache):
    """In the style's gradient you divide by the number of the content's pixels. The style may have another
    size, and its mean is over its own pixels."""
    dcontent, dstyle = right.adaptive_instance_norm_backward(dy, cache)
    return dcontent, dstyle * (dstyle[0, 0].size / dcontent[0, 0].size)


@mistake("adaptive_instance_norm_backward", row=72)
def adaptive_instance_norm_content_without_style(dy, cache):
    """The content's gradient does not know the style. The normalised content is multiplied by the style's
    deviation on the way forward, and so is its gradient on the way back."""
    _, dstyle = right.adaptive_instance_norm_backward(dy, cache)
    return right.normalize_backward(dy, cache[1]), dstyle


@mistake("adaptive_instance_norm_backward", row=70)
def adaptive_instance_norm_content_constant(dy, cache):
    """The content's mean and deviation are treated as constants. They are computed from the content, and the
    gradient goes through both of them."""
    _, (_, content_std, _), _, std = cache
    _, dstyle = right.adaptive_instance_norm_backward(dy, cache)
    return dy * std / content_std, dstyle


# spade


def _maps(segmap, gamma_weight, gamma_bias, beta_weight, beta_bias):
    same = gamma_weight.shape[-1] // 2
    gamma = conv2d_forward(segmap, gamma_weight, gamma_bias, padding=same)
    return gamma, conv2d_forward(segmap, beta_weight, beta_bias, padding=same)


def _gamma_alone_backward(dy, cache):
    x_hat, gamma, inner, gamma_cache, beta_cache = cache
    return right.spade_backward(dy, (x_hat, gamma - 1, inner, gamma_cache, beta_cache))


@mistake("spade_forward", row=84, also={"spade_backward": _gamma_alone_backward})
def spade_gamma_alone(x, segmap, gamma_weight, gamma_bias, beta_weight, beta_bias, eps=1e-5):
    """The normalised x is multiplied by gamma. It should be 1 + gamma, so that a network that has learned
    nothing yet leaves the picture alone."""
    _, cache = right.spade_forward(x, segmap, gamma_weight, gamma_bias, beta_weight, beta_bias, eps)
    beta, _ = _maps(segmap, gamma_weight, gamma_bias, beta_weight, beta_bias)[1]
    return cache[0] * cache[1] + beta, cache


@mistake("spade_forward", row=84)
def spade_batch_statistics(x, segmap, gamma_weight, gamma_bias, beta_weight, beta_bias, eps=1e-5):
    """x is normalised by the statistics of the batch. Here each channel of each image has its own, as in
    instance normalization."""
    (gamma, gamma_cache), (beta, beta_cache) = _maps(segmap, gamma_weight, gamma_bias, beta_weight, beta_bias)
    x_hat, cache = right.normalize(x, (0, 2, 3), eps)
    return x_hat * (1 + gamma) + beta, (x_hat, gamma, cache, gamma_cache, beta_cache)


@mistake("spade_forward")
def spade_maps_exchanged(x, segmap, gamma_weight, gamma_bias, beta_weight, beta_bias, eps=1e-5):
    """The two maps have changed places. gamma's convolution scales, beta's shifts."""
    return right.spade_forward(x, segmap, beta_weight, beta_bias, gamma_weight, gamma_bias, eps)


@mistake("spade_forward")
def spade_biases_forgotten(x, segmap, gamma_weight, gamma_bias, beta_weight, beta_bias, eps=1e-5):
    """The biases of the two convolutions are not used. They are added to the maps."""
    zero = np.zeros_like(gamma_bias)
    return right.spade_forward(x, segmap, gamma_weight, zero, beta_weight, zero, eps)


@mistake("spade_forward")
def spade_not_normalised(x, segmap, gamma_weight, gamma_bias, beta_weight, beta_bias, eps=1e-5):
    """x is scaled and shifted as it came in. It is normalised first."""
    _, cache = right.spade_forward(x, segmap, gamma_weight, gamma_bias, beta_weight, beta_bias, eps)
    beta, _ = _maps(segmap, gamma_weight, gamma_bias, beta_weight, beta_bias)[1]
    return x * (1 + cache[1]) + beta, cache


@mistake("spade_backward", row=84)
def spade_dx_without_one(dy, cache):
    """dx is made with gamma. The normalised x was multiplied by 1 + gamma, and so is its gradient."""
    _, gamma, inner, *_ = cache
    return right.normalize_backward(dy * gamma, inner), *right.spade_backward(dy, cache)[1:]


@mistake("spade_backward", row=72)
def spade_dx_without_gamma(dy, cache):
    """dx does not know the gamma map. The gradient passes the multiplication by 1 + gamma before it reaches
    the normalization."""
    return right.normalize_backward(dy, cache[2]), *right.spade_backward(dy, cache)[1:]


@mistake("spade_backward", row=70)
def spade_constant_statistics(dy, cache):
    """x's mean and deviation are treated as constants. They are computed from x, and the gradient goes
    through both of them."""
    _, gamma, inner, *_ = cache
    return dy * (1 + gamma) / inner[1], *right.spade_backward(dy, cache)[1:]


@mistake("spade_backward", row=71)
def spade_gamma_gradient_without_x(dy, cache):
    """The gradient that reaches gamma's convolution does not know x. gamma multiplies the normalised x, so
    its gradient is dy times that."""
    _, dgamma_weight, dgamma_bias = conv2d_backward(dy, cache[3])
    dx, _, _, dbeta_weight, dbeta_bias = right.spade_backward(dy, cache)
    return dx, dgamma_weight, dgamma_bias, dbeta_weight, dbeta_bias


# local_response_norm


def _mean_square(x, before, after, divisor):
    around = np.pad(x**2, ((0, 0), (before, after), (0, 0), (0, 0)))
    return sliding_window_view(around, before + after + 1, axis=1).sum(axis=-1) / divisor


def _response(x, before, after, divisor, alpha, beta, k):
    return x / (k + alpha * _mean_square(x, before, after, divisor)) ** beta


@mistake("local_response_norm")
def local_response_norm_not_divided(x, size, alpha=1e-4, beta=0.75, k=1.0):
    """The sum of squares is not divided by size. The paper has it so; here, as in PyTorch, it is a mean
    over the window."""
    return _response(x, size // 2, (size - 1) // 2, 1, alpha, beta, k)


@mistake("local_response_norm")
def local_response_norm_other_half(x, size, alpha=1e-4, beta=0.75, k=1.0):
    """With an even size the window lies one channel too far. It has one channel more before its middle than
    behind it."""
    return _response(x, (size - 1) // 2, size // 2, size, alpha, beta, k)


@mistake("local_response_norm")
def local_response_norm_radius(x, size, alpha=1e-4, beta=0.75, k=1.0):
    """size is taken for how far the window reaches to each side. It is the number of channels in the
    window."""
    return _response(x, size, size, size, alpha, beta, k)


@mistake("local_response_norm")
def local_response_norm_counts_existing(x, size, alpha=1e-4, beta=0.75, k=1.0):
    """At the first and last channels you divide by the number of channels that exist. It is size everywhere;
    channels that do not exist count as zeros."""
    before, after = size // 2, (size - 1) // 2
    there = np.pad(np.ones(x.shape[1]), (before, after))
    counts = sliding_window_view(there, size).sum(axis=-1).astype(x.dtype)
    return _response(x, before, after, counts[:, None, None], alpha, beta, k)


@mistake("local_response_norm")
def local_response_norm_over_pixels(x, size, alpha=1e-4, beta=0.75, k=1.0):
    """The window lies in the image. It lies across channels, at one and the same pixel."""
    before, after = size // 2, (size - 1) // 2
    around = np.pad(x**2, ((0, 0), (0, 0), (before, after), (before, after)))
    sums = sliding_window_view(around, (size, size), axis=(2, 3)).sum(axis=(-2, -1))
    return x / (k + alpha / size**2 * sums) ** beta


@mistake("local_response_norm")
def local_response_norm_k_outside(x, size, alpha=1e-4, beta=0.75, k=1.0):
    """k stands outside the power. It is added to the mean square, and the power is taken of both."""
    return x / (k + (alpha * _mean_square(x, size // 2, (size - 1) // 2, size)) ** beta)


@mistake("local_response_norm")
def local_response_norm_root(x, size, alpha=1e-4, beta=0.75, k=1.0):
    """Your exponent is one half, whatever beta says. The result is divided by the power beta."""
    return _response(x, size // 2, (size - 1) // 2, size, alpha, 0.5, k)
