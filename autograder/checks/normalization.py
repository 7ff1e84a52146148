"""Hidden checks of unit 7. Titles and docstrings are read by students."""

from __future__ import annotations

import numpy as np

from autograder.checking import agree, check, holds, raises, unchanged
from autograder.draws import Draw
from solutions import batch_norm

SINGLE = np.float32


def affine(draw: Draw, c: int, dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """gamma and beta, neither 1 nor 0."""
    return draw.uniform(c, low=0.5, high=2.5, dtype=dtype) * draw.choice((1, -1)), draw.normal(c, dtype=dtype)


def images(draw: Draw, n: int, c: int, h: int, w: int, dtype: type = np.float64) -> np.ndarray:
    """Images whose samples, channels and pixels have means of their own, far from zero."""
    x = draw.normal(n, c, h, w, mean=2.0)
    x += draw.normal(n, 1, 1, 1) + draw.normal(1, c, 1, 1) + draw.normal(1, 1, h, w)
    return x.astype(dtype)


# normalize


@check("normalize", points=1, title="Two rows by hand", audience="student")
def test_by_hand(student, draw):
    """The row 1, 3 has mean 2 and deviation 1; the row 10, 20 has mean 15 and deviation 5. Normalised, they
    are the same."""
    agree(student.normalize, np.array([[1.0, 3.0], [10.0, 20.0]]), (1,), eps=1e-12)


@check("normalize", points=1, title="Over one axis")
def test_one_axis(student, draw):
    """One mean and one variance for each index of the other axis: once over the columns, once over the
    rows."""
    x = draw.normal(4, draw.size(5, 6), mean=2.0, std=1.5)
    agree(student.normalize, x, (0,))
    agree(student.normalize, x, (1,))


@check("normalize", points=1, title="Over several axes")
def test_several_axes(student, draw):
    """All entries along all of the axes share one mean and one variance."""
    x = images(draw, 2, 3, 2, draw.size(4, 5))
    for axes in ((0, 2, 3), (2, 3), (1, 2, 3)):
        agree(student.normalize, x, axes)


@check("normalize", points=0.5, title="Negative axes")
def test_negative_axes(student, draw):
    """-1 is the last axis, -2 the one before; the order does not matter."""
    x = draw.normal(3, 4, 2, mean=1.0)
    agree(student.normalize, x, (-1,))
    agree(student.normalize, x, (-1, 1))


@check("normalize", points=1, title="Values that hardly vary, or not at all")
def test_small_variance(student, draw):
    """eps is added to the variance, inside the root, and keeps a division by zero away. Another eps than the
    default is tried, too."""
    x = draw.normal(3, 5, mean=1.0, std=1e-3)
    agree(student.normalize, x, (1,))
    agree(student.normalize, x, (1,), eps=1e-4)
    agree(student.normalize, np.full((2, 4), float(draw.size(2, 9))), (-1,))


@check("normalize", points=1.5, title="Backward")
def test_backward(student, draw):
    """Every x moves the mean and the variance of its group, and through them the whole group."""
    x = images(draw, 2, 3, 2, 4)
    for axes in ((1, 2, 3), (0, 2, 3), (1,)):
        x_hat, cache = student.normalize(x, axes)
        agree(student.normalize_backward, draw.normal(*x_hat.shape, mean=0.5), cache, rtol=1e-6)


@check("normalize", points=0.5, title="Backward: what is projected away")
def test_projections(student, draw):
    """A shift or a scaling of a group changes nothing that comes out: the gradient sums to zero over the
    group, and so does its product with the normalised x."""
    x_hat, cache = student.normalize(draw.normal(3, 6, mean=2.0), (1,), eps=1e-12)
    dx = student.normalize_backward(draw.normal(3, 6, mean=1.0), cache)
    holds("zero_mean", dx, axis=1, because="the gradient of a group does not sum to zero.")
    holds("orthogonal", dx, x_hat, axis=1, because="the gradient still has a part along the normalised x.")


@check("normalize", points=0.5, title="Other axes, other numbers of axes", audience="grader")
def test_sweep(student, draw):
    """Vectors, and arrays with three and five axes; forward and backward, with another forward pass
    between."""
    for shape, axes in (((7,), (0,)), ((3, 4, 5), (0, -1)), ((2, 3, 2, 4, 3), (2, 3, 4)), ((1, 6), (1,))):
        x = draw.normal(*shape, mean=-20.0, std=3.0)
        x_hat, cache = agree(student.normalize, x, axes)
        student.normalize(draw.normal(2, 2), (0,))
        agree(student.normalize_backward, draw.normal(*x_hat.shape, mean=0.5), cache, rtol=1e-6)


@check("normalize", points=0.5, title="float32 stays float32")
def test_float32(student, draw):
    """Single precision in, single precision out."""
    x_hat, cache = agree(student.normalize, draw.normal(3, 5, mean=1.0, dtype=SINGLE), (1,))
    agree(student.normalize_backward, draw.normal(*x_hat.shape, dtype=SINGLE), cache, rtol=1e-3)


@check("normalize", points=0.5, title="The arguments stay as they are")
def test_unchanged(student, draw):
    """x and the gradient belong to the caller."""
    x_hat, cache = unchanged(student.normalize, draw.normal(3, 5, mean=1.0), (1,))
    unchanged(student.normalize_backward, draw.normal(*x_hat.shape), cache)


# layer_norm


@check("layer_norm", points=1, title="Forward")
def test_layer(student, draw):
    """Each sample is normalised by the mean and the variance of its own features."""
    agree(student.layer_norm_forward, draw.normal(3, draw.size(5, 6), mean=2.0)[:, :5], *affine(draw, 5))


@check("layer_norm", points=0.5, title="A single sample, and features that hardly vary")
def test_layer_single(student, draw):
    """A batch of one is like any other. With small deviations one sees where eps stands."""
    agree(student.layer_norm_forward, draw.normal(1, 4, mean=1.0, std=1e-3), *affine(draw, 4))
    agree(student.layer_norm_forward, draw.normal(2, 4, mean=1.0, std=1e-2), *affine(draw, 4), eps=1e-3)


@check("layer_norm", points=0.5, title="A sample does not know the others")
def test_layer_independent(student, draw):
    """The first sample's result is the same with and without the rest of the batch."""
    x, (gamma, beta) = draw.normal(4, 5, mean=1.0), affine(draw, 5)
    alone, _ = student.layer_norm_forward(x[:1], gamma, beta)
    again, _ = student.layer_norm_forward(np.repeat(x[:1], 3, axis=0), gamma, beta)
    y, _ = student.layer_norm_forward(x, gamma, beta)
    agree(student.layer_norm_forward, x, gamma, beta)
    holds("constant_over_axes", again, 0, because="equal samples have different results.")
    holds("sums_to", again, 3 * alone.sum(axis=0), axis=0, because="the result depends on the batch's size.")
    holds("finite", y)


@check("layer_norm", points=1, title="Backward: dx")
def test_layer_dx(student, draw):
    """gamma differs from feature to feature within a group, so it matters when it is applied."""
    y, cache = student.layer_norm_forward(draw.normal(3, 5, mean=2.0), *affine(draw, 5))
    agree(student.layer_norm_backward, draw.normal(*y.shape, mean=0.5), cache, part=0, rtol=1e-6)


@check("layer_norm", points=1, title="Backward: dgamma and dbeta")
def test_layer_parameters(student, draw):
    """Each feature has its own, and all samples use it."""
    y, cache = student.layer_norm_forward(draw.normal(3, 5, mean=2.0), *affine(draw, 5))
    dy = draw.normal(*y.shape, mean=0.5)
    agree(student.layer_norm_backward, dy, cache, part=1, rtol=1e-6)
    agree(student.layer_norm_backward, dy, cache, part=2, rtol=1e-6)


@check("layer_norm", points=0.5, title="Many shapes", audience="grader")
def test_layer_sweep(student, draw):
    """Long and short batches, forward and backward."""
    for n, d in ((1, 7), (20, 3), (4, 50), (6, 6)):
        y, cache = agree(student.layer_norm_forward, draw.normal(n, d, mean=-9.0, std=2.0), *affine(draw, d))
        student.layer_norm_forward(draw.normal(2, d), *affine(draw, d))
        agree(student.layer_norm_backward, draw.normal(*y.shape, mean=0.5), cache, rtol=1e-6)


@check("layer_norm", points=0.5, title="float32 stays float32")
def test_layer_float32(student, draw):
    """Single precision in, single precision out."""
    y, cache = agree(student.layer_norm_forward, draw.normal(3, 5, dtype=SINGLE), *affine(draw, 5, SINGLE))
    agree(student.layer_norm_backward, draw.normal(*y.shape, dtype=SINGLE), cache, rtol=1e-3)


@check("layer_norm", points=0.5, title="The arguments stay as they are")
def test_layer_unchanged(student, draw):
    """x, gamma, beta and dy belong to the caller."""
    y, cache = unchanged(student.layer_norm_forward, draw.normal(3, 5), *affine(draw, 5))
    unchanged(student.layer_norm_backward, draw.normal(*y.shape), cache)


# instance_norm


@check("instance_norm", points=1, title="Forward")
def test_instance(student, draw):
    """Each channel of each image by its own mean and variance, over height and width."""
    agree(student.instance_norm_forward, images(draw, 2, 3, 2, draw.size(4, 5)), *affine(draw, 3))


@check("instance_norm", points=0.5, title="A single image, and little contrast")
def test_instance_single(student, draw):
    """A batch of one is like any other. In a picture of little contrast one sees where eps stands."""
    agree(student.instance_norm_forward, draw.normal(1, 2, 3, 4, mean=1.0, std=1e-3), *affine(draw, 2))
    agree(student.instance_norm_forward, draw.normal(2, 2, 3, 2, mean=1.0, std=0.1), *affine(draw, 2), eps=0.01)


@check("instance_norm", points=0.5, title="A case of `normalize`")
def test_instance_is_normalize(student, draw):
    """With gamma 1 and beta 0 it is your `normalize` over height and width."""
    x = images(draw, 2, 3, 4, 2)
    y, _ = student.instance_norm_forward(x, np.ones(3), np.zeros(3))
    x_hat, _ = student.normalize(x, (2, 3))
    holds("equal", y, x_hat, because="the result is not that of `normalize` over axes (2, 3).")


@check("instance_norm", points=1, title="Backward: dx")
def test_instance_dx(student, draw):
    """The pixels of a channel share a mean and a variance, and the gradient goes through both."""
    y, cache = student.instance_norm_forward(images(draw, 2, 3, 2, 4), *affine(draw, 3))
    agree(student.instance_norm_backward, draw.normal(*y.shape, mean=0.5), cache, part=0, rtol=1e-6)


@check("instance_norm", points=1, title="Backward: dgamma and dbeta")
def test_instance_parameters(student, draw):
    """One number for each channel: all images use it."""
    y, cache = student.instance_norm_forward(images(draw, 2, 3, 2, 4), *affine(draw, 3))
    dy = draw.normal(*y.shape, mean=0.5)
    agree(student.instance_norm_backward, dy, cache, part=1, rtol=1e-6)
    agree(student.instance_norm_backward, dy, cache, part=2, rtol=1e-6)


@check("instance_norm", points=0.5, title="Many shapes", audience="grader")
def test_instance_sweep(student, draw):
    """Rows, columns, many channels; forward and backward."""
    for shape in ((1, 5, 1, 6), (4, 2, 7, 1), (3, 3, 3, 3), (2, 9, 4, 5)):
        y, cache = agree(student.instance_norm_forward, images(draw, *shape), *affine(draw, shape[1]))
        agree(student.instance_norm_backward, draw.normal(*y.shape, mean=0.5), cache, rtol=1e-6)


@check("instance_norm", points=0.5, title="float32 stays float32")
def test_instance_float32(student, draw):
    """Single precision in, single precision out."""
    y, cache = agree(student.instance_norm_forward, images(draw, 2, 3, 4, 2, SINGLE), *affine(draw, 3, SINGLE))
    agree(student.instance_norm_backward, draw.normal(*y.shape, dtype=SINGLE), cache, rtol=1e-3)


@check("instance_norm", points=0.5, title="The arguments stay as they are")
def test_instance_unchanged(student, draw):
    """Images, gamma, beta and dy belong to the caller."""
    y, cache = unchanged(student.instance_norm_forward, images(draw, 2, 3, 4, 2), *affine(draw, 3))
    unchanged(student.instance_norm_backward, draw.normal(*y.shape), cache)


# group_norm


@check("group_norm", points=1.5, title="Forward")
def test_group(student, draw):
    """Six channels in two groups of three neighbours, then in three groups of two."""
    x = images(draw, 2, 6, 2, 3)
    agree(student.group_norm_forward, x, *affine(draw, 6), num_groups=2)
    agree(student.group_norm_forward, x, *affine(draw, 6), num_groups=3)


@check("group_norm", points=1, title="One group, and as many groups as channels")
def test_group_extremes(student, draw):
    """With one group it is your `normalize` over channels, height and width, with as many groups as channels
    your `instance_norm_forward`."""
    x, (gamma, beta) = images(draw, 2, 4, 2, 3), affine(draw, 4)
    one, _ = student.group_norm_forward(x, np.ones(4), np.zeros(4), 1)
    x_hat, _ = student.normalize(x, (1, 2, 3))
    holds("equal", one, x_hat, because="one group is not `normalize` over axes (1, 2, 3).")
    each, _ = student.group_norm_forward(x, gamma, beta, 4)
    instance, _ = student.instance_norm_forward(x, gamma, beta)
    holds("equal", each, instance, because="C groups are not `instance_norm_forward`.")
    agree(student.group_norm_forward, x, gamma, beta, num_groups=1)


@check("group_norm", points=0.5, title="Groups that do not come out even")
def test_group_error(student, draw):
    """A number of channels that the number of groups does not divide is a ValueError; any other number is fine."""
    agree(student.group_norm_forward, draw.normal(1, 6, 2, 2), *affine(draw, 6), num_groups=3)
    raises(student.group_norm_forward, draw.normal(2, 6, 2, 2), *affine(draw, 6), num_groups=4)
    raises(student.group_norm_forward, draw.normal(1, 3, 2, 2), *affine(draw, 3), num_groups=6)


@check("group_norm", points=0.5, title="A single image, and small deviations")
def test_group_single(student, draw):
    """A batch of one is like any other. With small deviations one sees where eps stands."""
    x = draw.normal(1, 4, 3, 2, mean=1.0, std=1e-3)
    agree(student.group_norm_forward, x, *affine(draw, 4), num_groups=2)
    agree(student.group_norm_forward, x, *affine(draw, 4), num_groups=2, eps=1e-4)


@check("group_norm", points=1.5, title="Backward: dx")
def test_group_dx(student, draw):
    """The channels of a group have different gammas, so it matters when gamma is applied."""
    y, cache = student.group_norm_forward(images(draw, 2, 6, 2, 3), *affine(draw, 6), 2)
    agree(student.group_norm_backward, draw.normal(*y.shape, mean=0.5), cache, part=0, rtol=1e-6)


@check("group_norm", points=1, title="Backward: dgamma and dbeta")
def test_group_parameters(student, draw):
    """One number for each channel, not for each group."""
    y, cache = student.group_norm_forward(images(draw, 2, 6, 2, 3), *affine(draw, 6), 3)
    dy = draw.normal(*y.shape, mean=0.5)
    agree(student.group_norm_backward, dy, cache, part=1, rtol=1e-6)
    agree(student.group_norm_backward, dy, cache, part=2, rtol=1e-6)


@check("group_norm", points=1, title="Many numbers of groups", audience="grader")
def test_group_sweep(student, draw):
    """Forward and backward, with another forward pass between."""
    for n, c, groups in ((1, 8, 4), (3, 12, 6), (2, 5, 5), (4, 9, 3), (2, 4, 1)):
        y, cache = agree(student.group_norm_forward, images(draw, n, c, 3, 2), *affine(draw, c), groups)
        student.group_norm_forward(draw.normal(1, c, 2, 2), *affine(draw, c), 1)
        agree(student.group_norm_backward, draw.normal(*y.shape, mean=0.5), cache, rtol=1e-6)


@check("group_norm", points=0.5, title="float32 stays float32")
def test_group_float32(student, draw):
    """Single precision in, single precision out."""
    y, cache = agree(student.group_norm_forward, images(draw, 2, 4, 2, 3, SINGLE), *affine(draw, 4, SINGLE), 2)
    agree(student.group_norm_backward, draw.normal(*y.shape, dtype=SINGLE), cache, rtol=1e-3)


@check("group_norm", points=0.5, title="The arguments stay as they are")
def test_group_unchanged(student, draw):
    """Images, gamma, beta and dy belong to the caller."""
    y, cache = unchanged(student.group_norm_forward, images(draw, 2, 4, 2, 3), *affine(draw, 4), 2)
    unchanged(student.group_norm_backward, draw.normal(*y.shape), cache)


# rms_norm


@check("rms_norm", points=1.5, title="Forward")
def test_rms(student, draw):
    """Each sample is divided by the root of the mean of its squares. The data have a mean, and keep it."""
    agree(student.rms_norm_forward, draw.normal(3, 5, mean=2.0), affine(draw, 5)[0])


@check("rms_norm", points=1, title="A single sample, and small values")
def test_rms_small(student, draw):
    """A batch of one is like any other. With small values one sees where eps stands; zeros give zeros."""
    agree(student.rms_norm_forward, draw.normal(1, 4, std=1e-3), affine(draw, 4)[0])
    agree(student.rms_norm_forward, draw.normal(2, 4, std=0.1), affine(draw, 4)[0], eps=0.01)
    agree(student.rms_norm_forward, np.zeros((2, 3)), affine(draw, 3)[0])


@check("rms_norm", points=1, title="Backward: dx")
def test_rms_dx(student, draw):
    """The gradient goes through the root mean square, and through no mean."""
    y, cache = student.rms_norm_forward(draw.normal(3, 5, mean=2.0), affine(draw, 5)[0])
    agree(student.rms_norm_backward, draw.normal(*y.shape, mean=0.5), cache, part=0, rtol=1e-6)


@check("rms_norm", points=0.5, title="Backward: dgamma")
def test_rms_dgamma(student, draw):
    """A sum over the samples."""
    y, cache = student.rms_norm_forward(draw.normal(3, 5, mean=2.0), affine(draw, 5)[0])
    agree(student.rms_norm_backward, draw.normal(*y.shape, mean=0.5), cache, part=1, rtol=1e-6)


@check("rms_norm", points=0.5, title="Many shapes", audience="grader")
def test_rms_sweep(student, draw):
    """Long and short batches, forward and backward."""
    for n, d in ((1, 7), (20, 3), (4, 50), (6, 6)):
        y, cache = agree(student.rms_norm_forward, draw.normal(n, d, mean=-2.0), affine(draw, d)[0])
        student.rms_norm_forward(draw.normal(2, d), affine(draw, d)[0])
        agree(student.rms_norm_backward, draw.normal(*y.shape, mean=0.5), cache, rtol=1e-6)


@check("rms_norm", points=0.5, title="float32 stays float32")
def test_rms_float32(student, draw):
    """Single precision in, single precision out."""
    y, cache = agree(student.rms_norm_forward, draw.normal(3, 5, dtype=SINGLE), affine(draw, 5, SINGLE)[0])
    agree(student.rms_norm_backward, draw.normal(*y.shape, dtype=SINGLE), cache, rtol=1e-3)


@check("rms_norm", points=0.5, title="The arguments stay as they are")
def test_rms_unchanged(student, draw):
    """x, gamma and dy belong to the caller."""
    y, cache = unchanged(student.rms_norm_forward, draw.normal(3, 5), affine(draw, 5)[0])
    unchanged(student.rms_norm_backward, draw.normal(*y.shape), cache)


# sync_batch_norm


def shards_of(draw: Draw, sizes: tuple[int, ...], dtype: type = np.float64) -> list[np.ndarray]:
    """Shards of two channels whose means differ from shard to shard."""
    return [images(draw, n, 2, 2, 3, dtype) + dtype(3 * i) for i, n in enumerate(sizes)]


@check("sync_batch_norm", points=2, title="Forward, shards of different sizes")
def test_sync(student, draw):
    """The statistics are those of all shards together: larger shards weigh more, and different means spread
    the whole."""
    agree(student.sync_batch_norm_forward, shards_of(draw, (1, 3)), *affine(draw, 2))
    agree(student.sync_batch_norm_forward, shards_of(draw, (2, 1, 1)), *affine(draw, 2), eps=0.1)


@check("sync_batch_norm", points=0.5, title="A single shard")
def test_sync_single(student, draw):
    """One device: nothing to exchange."""
    agree(student.sync_batch_norm_forward, shards_of(draw, (2,)), *affine(draw, 2))


@check("sync_batch_norm", points=1.5, title="Backward: dx on every shard")
def test_sync_dx(student, draw):
    """An image on one device has moved the mean and the variance for all of them."""
    shards = shards_of(draw, (1, 2))
    _, cache = student.sync_batch_norm_forward(shards, *affine(draw, 2))
    dy = [draw.normal(*shard.shape, mean=0.5) for shard in shards]
    agree(student.sync_batch_norm_backward, dy, cache, part=0, rtol=1e-6)


@check("sync_batch_norm", points=1, title="Backward: dgamma and dbeta")
def test_sync_parameters(student, draw):
    """All devices share gamma and beta."""
    shards = shards_of(draw, (2, 1))
    _, cache = student.sync_batch_norm_forward(shards, *affine(draw, 2))
    dy = [draw.normal(*shard.shape, mean=0.5) for shard in shards]
    agree(student.sync_batch_norm_backward, dy, cache, part=1, rtol=1e-6)
    agree(student.sync_batch_norm_backward, dy, cache, part=2, rtol=1e-6)


@check("sync_batch_norm", points=1, title="The same as one large batch", audience="grader")
def test_sync_is_batch_norm(student, draw):
    """Put together, values and gradients are those of batch normalization of all images in one batch."""
    shards, (gamma, beta) = shards_of(draw, (4, 1, 2)), affine(draw, 2)
    ys, cache = student.sync_batch_norm_forward(shards, gamma, beta)
    dys = [draw.normal(*shard.shape, mean=0.5) for shard in shards]
    dxs, dgamma, dbeta = student.sync_batch_norm_backward(dys, cache)
    y, whole, _, _ = batch_norm.batch_norm2d_forward(np.concatenate(shards), gamma, beta, beta, gamma**2)
    dx, dgamma_whole, dbeta_whole = batch_norm.batch_norm2d_backward(np.concatenate(dys), whole)
    because = "the result is not that of one large batch."
    for ours, wanted in ((np.concatenate(ys), y), (np.concatenate(dxs), dx)):
        holds("equal", ours, wanted, rtol=1e-6, because=because)
    for ours, wanted in ((dgamma, dgamma_whole), (dbeta, dbeta_whole)):
        holds("equal", ours, wanted, rtol=1e-6, because=because)


@check("sync_batch_norm", points=0.5, title="float32 stays float32")
def test_sync_float32(student, draw):
    """Counts are integers, and do not decide about the dtype."""
    shards = shards_of(draw, (1, 2), SINGLE)
    _, cache = agree(student.sync_batch_norm_forward, shards, *affine(draw, 2, SINGLE))
    dy = [draw.normal(*shard.shape, dtype=SINGLE) for shard in shards]
    agree(student.sync_batch_norm_backward, dy, cache, rtol=1e-3)


@check("sync_batch_norm", points=0.5, title="The arguments stay as they are")
def test_sync_unchanged(student, draw):
    """Every device keeps its images."""
    shards = shards_of(draw, (1, 2))
    _, cache = unchanged(student.sync_batch_norm_forward, shards, *affine(draw, 2))
    unchanged(student.sync_batch_norm_backward, [draw.normal(*shard.shape) for shard in shards], cache)


# weight_norm


@check("weight_norm", points=1, title="Forward, a dense layer")
def test_weight_dense(student, draw):
    """The weights of each output unit point along its row of v, and have the length that g says."""
    agree(student.weight_norm_forward, draw.normal(3, 5, mean=0.5), draw.normal(3, mean=2.0))


@check("weight_norm", points=1, title="Forward, a convolution")
def test_weight_convolution(student, draw):
    """All entries of a filter are one vector: the norm is over all axes but the first."""
    agree(student.weight_norm_forward, draw.normal(3, 2, 3, 2, mean=0.5), draw.normal(3, mean=2.0))


@check("weight_norm", points=1, title="Backward: dv")
def test_weight_dv(student, draw):
    """A longer v gives the same weights, so only what is orthogonal to v is left."""
    for shape in ((3, 4), (2, 3, 2, 2)):
        weight, cache = student.weight_norm_forward(draw.normal(*shape, mean=0.5), draw.normal(shape[0], mean=2.0))
        agree(student.weight_norm_backward, draw.normal(*weight.shape, mean=0.5), cache, part=0, rtol=1e-6)


@check("weight_norm", points=0.5, title="Backward: dg")
def test_weight_dg(student, draw):
    """One number for each output unit."""
    weight, cache = student.weight_norm_forward(draw.normal(3, 4, mean=0.5), draw.normal(3, mean=2.0))
    agree(student.weight_norm_backward, draw.normal(*weight.shape, mean=0.5), cache, part=1, rtol=1e-6)


@check("weight_norm", points=0.5, title="The inner product of v and dv is zero")
def test_weight_orthogonal(student, draw):
    """For each output unit. That is why the length of v can only grow when plain gradient descent is used."""
    v = draw.normal(3, 6, mean=1.0)
    weight, cache = student.weight_norm_forward(v, draw.normal(3, mean=2.0))
    dv, _ = student.weight_norm_backward(draw.normal(*weight.shape, mean=1.0), cache)
    holds("orthogonal", dv, v, axis=1, because="dv is not orthogonal to v.")


@check("weight_norm", points=0.5, title="Lengths")
def test_weight_lengths(student, draw):
    """The norm of each unit's weights is the absolute value of its g; one output unit is enough."""
    g = np.array([draw.uniform(low=0.5, high=2.0).item(), draw.uniform(low=-2.0, high=-0.5).item()])
    weight, _ = student.weight_norm_forward(draw.normal(2, 5), g)
    holds("norm_is", weight, np.abs(g), axis=1, because="a unit's weights do not have the length |g|.")
    agree(student.weight_norm_forward, draw.normal(1, 4), g[1:])


@check("weight_norm", points=0.5, title="Many shapes", audience="grader")
def test_weight_sweep(student, draw):
    """Dense, one-dimensional and two-dimensional kernels."""
    for shape in ((1, 9), (5, 3, 4), (6, 4, 3, 3), (4, 1, 1, 1)):
        weight, cache = agree(student.weight_norm_forward, draw.normal(*shape, std=0.05), draw.normal(shape[0]))
        agree(student.weight_norm_backward, draw.normal(*weight.shape, mean=0.5), cache, rtol=1e-6)


@check("weight_norm", points=0.5, title="float32 stays float32")
def test_weight_float32(student, draw):
    """Single precision in, single precision out."""
    weight, cache = agree(student.weight_norm_forward, draw.normal(3, 4, dtype=SINGLE), draw.normal(3, dtype=SINGLE))
    agree(student.weight_norm_backward, draw.normal(*weight.shape, dtype=SINGLE), cache, rtol=1e-3)


@check("weight_norm", points=0.5, title="The arguments stay as they are")
def test_weight_unchanged(student, draw):
    """v, g and the gradient belong to the caller."""
    weight, cache = unchanged(student.weight_norm_forward, draw.normal(3, 2, 2, 1), draw.normal(3))
    unchanged(student.weight_norm_backward, draw.normal(*weight.shape), cache)


# weight_standardization


def filters(draw: Draw, *shape: int, std: float = 0.3, dtype: type = np.float64) -> np.ndarray:
    """Filters and kernels with means of their own."""
    weight = draw.normal(*shape, std=std) + draw.normal(shape[0], 1, 1, 1) + draw.normal(1, shape[1], 1, 1)
    return weight.astype(dtype)


@check("weight_standardization", points=2, title="Forward")
def test_standardization(student, draw):
    """Every output filter, all its input channels together, gets mean 0 and variance 1."""
    agree(student.weight_standardization_forward, filters(draw, 3, 2, 3, 2))


@check("weight_standardization", points=1, title="Small weights")
def test_standardization_small(student, draw):
    """Weights are small, so that it matters where eps stands. Another eps than the default is tried, too."""
    weight = draw.normal(2, 3, 2, 2, mean=0.1, std=1e-3)
    agree(student.weight_standardization_forward, weight)
    agree(student.weight_standardization_forward, weight, eps=1e-4)


@check("weight_standardization", points=1.5, title="Backward")
def test_standardization_backward(student, draw):
    """The gradient goes back through the division and through the mean."""
    weight, cache = student.weight_standardization_forward(filters(draw, 3, 2, 2, 3))
    agree(student.weight_standardization_backward, draw.normal(*weight.shape, mean=0.5), cache, rtol=1e-6)


@check("weight_standardization", points=0.5, title="Each filter's gradient sums to zero")
def test_standardization_sums(student, draw):
    """The same number added to all weights of a filter changes nothing that comes out."""
    weight, cache = student.weight_standardization_forward(filters(draw, 3, 2, 2, 3))
    dweight = student.weight_standardization_backward(draw.normal(*weight.shape, mean=1.0), cache)
    holds("zero_mean", dweight, axis=(1, 2, 3), because="the gradient of a filter does not sum to zero.")


@check("weight_standardization", points=0.5, title="float32 stays float32, and a single filter")
def test_standardization_float32(student, draw):
    """Single precision in, single precision out."""
    weight, cache = agree(student.weight_standardization_forward, filters(draw, 1, 2, 3, 2, dtype=SINGLE))
    dy = draw.normal(*weight.shape, dtype=SINGLE)
    agree(student.weight_standardization_backward, dy, cache, rtol=1e-3)


@check("weight_standardization", points=0.5, title="The arguments stay as they are")
def test_standardization_unchanged(student, draw):
    """The optimizer still holds the weight that was passed in."""
    weight, cache = unchanged(student.weight_standardization_forward, filters(draw, 3, 2, 2, 1))
    unchanged(student.weight_standardization_backward, draw.normal(*weight.shape), cache)


# spectral_norm


@check("spectral_norm", points=1.5, title="Forward, a dense layer")
def test_spectral_dense(student, draw):
    """One power iteration from u: first v, then u, then sigma of the two new ones."""
    agree(student.spectral_norm_forward, draw.normal(3, 5), draw.normal(3), part=0)


@check("spectral_norm", points=1, title="Forward, a convolution")
def test_spectral_convolution(student, draw):
    """The weight is one matrix: row o is everything that belongs to output o. Several iterations."""
    weight = draw.normal(3, 2, 2, 3)
    agree(student.spectral_norm_forward, weight, draw.normal(3), part=0)
    agree(student.spectral_norm_forward, weight, draw.normal(3), n_power_iterations=3, part=0)


@check("spectral_norm", points=1, title="u goes on from call to call")
def test_spectral_u(student, draw):
    """Three calls with one iteration each, every one with the u that the call before has returned."""
    weight, u = draw.normal(3, 4), draw.normal(3)
    for _ in range(3):
        _, _, u = agree(student.spectral_norm_forward, weight, u)


@check("spectral_norm", points=1, title="After many iterations")
def test_spectral_converges(student, draw):
    """sigma has become the largest singular value, and the weight's is one."""
    weight_sn, _, _ = student.spectral_norm_forward(draw.normal(4, 3), draw.normal(4), n_power_iterations=500)
    holds("finite", weight_sn)
    because = "after 500 iterations the largest singular value of the result is not one."
    holds("largest_singular_value", weight_sn, 1.0, because=because)


@check("spectral_norm", points=1.5, title="Backward")
def test_spectral_backward(student, draw):
    """u and v are constants; sigma is not, since it is made from the weight."""
    for shape, n in (((3, 4), 1), ((2, 3, 1, 2), 3)):
        weight, cache, _ = student.spectral_norm_forward(draw.normal(*shape), draw.normal(shape[0]), n)
        agree(student.spectral_norm_backward, draw.normal(*weight.shape, mean=0.5), cache, rtol=1e-6)


@check("spectral_norm", points=1, title="Many shapes", audience="grader")
def test_spectral_sweep(student, draw):
    """More outputs than inputs, more inputs than outputs, a single output; another forward pass between."""
    for shape, n in (((8, 3), 2), ((2, 30), 1), ((1, 6), 1), ((5, 4, 3, 3), 2)):
        u = draw.normal(shape[0], std=0.01)
        weight, cache, _ = agree(student.spectral_norm_forward, draw.normal(*shape, std=5.0), u, n)
        student.spectral_norm_forward(draw.normal(2, 2), draw.normal(2))
        agree(student.spectral_norm_backward, draw.normal(*weight.shape, mean=0.5), cache, rtol=1e-6)


@check("spectral_norm", points=0.5, title="float32 stays float32")
def test_spectral_float32(student, draw):
    """Single precision in, single precision out; u, too."""
    weight, u = draw.normal(3, 4, dtype=SINGLE), draw.normal(3, dtype=SINGLE)
    weight, cache, _ = agree(student.spectral_norm_forward, weight, u)
    agree(student.spectral_norm_backward, draw.normal(*weight.shape, dtype=SINGLE), cache, rtol=1e-3)


@check("spectral_norm", points=0.5, title="The arguments stay as they are")
def test_spectral_unchanged(student, draw):
    """The weight and the u that were passed in belong to the caller."""
    weight, cache, _ = unchanged(student.spectral_norm_forward, draw.normal(3, 2, 2, 1), draw.normal(3))
    unchanged(student.spectral_norm_backward, draw.normal(*weight.shape), cache)


# conv_operator_norm


@check("conv_operator_norm", points=1.5, title="One channel")
def test_operator_one(student, draw):
    """With one channel the singular values are the absolute values of the kernel's spectrum."""
    agree(student.conv_operator_norm, draw.normal(1, 1, 2, 3), 4, 5, rtol=1e-6)
    agree(student.conv_operator_norm, draw.normal(1, 1, 3, 1), 3, 6, rtol=1e-6)


@check("conv_operator_norm", points=1.5, title="Several channels")
def test_operator(student, draw):
    """At each frequency there is a matrix with a row for each output and a column for each input."""
    agree(student.conv_operator_norm, draw.normal(3, 2, 3, 2), 5, 4, rtol=1e-6)
    agree(student.conv_operator_norm, draw.normal(2, 3, 1, 3), 3, 7, rtol=1e-6)


@check("conv_operator_norm", points=1, title="Kernels of one pixel, and as large as the image")
def test_operator_extremes(student, draw):
    """A kernel of one pixel only mixes channels; one as large as the image has as many frequencies as
    entries."""
    agree(student.conv_operator_norm, draw.normal(3, 2, 1, 1), 4, 3, rtol=1e-6)
    agree(student.conv_operator_norm, draw.normal(2, 2, 3, 4), 3, 4, rtol=1e-6)


def dense_operator(weight: np.ndarray, height: int, width: int) -> np.ndarray:
    """The circular convolution as a matrix: column by column, one pixel of one channel at a time."""
    out, channels, kh, kw = weight.shape
    matrix = np.zeros((out, height, width, channels, height, width))
    for i, j, m, n in np.ndindex(height, width, kh, kw):
        matrix[:, i, j, :, (i + m) % height, (j + n) % width] += weight[:, :, m, n]
    return matrix.reshape(out * height * width, -1)


@check("conv_operator_norm", points=1, title="The norm of the matrix", audience="grader")
def test_operator_dense(student, draw):
    """The convolution of 8 x 8 images is written out as a matrix, and that matrix's largest singular value is
    taken."""
    for shape in ((2, 3, 3, 2), (3, 1, 4, 4)):
        weight = draw.normal(*shape)
        norm = student.conv_operator_norm(weight, 8, 8)
        wanted = np.linalg.norm(dense_operator(weight, 8, 8), 2)
        because = "the result is not the largest singular value of the convolution's matrix."
        holds("equal", norm, wanted, rtol=1e-6, because=because)


@check("conv_operator_norm", points=0.5, title="float32 is fine, too")
def test_operator_float32(student, draw):
    """A weight in single precision."""
    agree(student.conv_operator_norm, draw.normal(2, 3, 2, 2, dtype=SINGLE), 4, 5, rtol=1e-4)


@check("conv_operator_norm", points=0.5, title="The arguments stay as they are")
def test_operator_unchanged(student, draw):
    """The weight belongs to the caller."""
    unchanged(student.conv_operator_norm, draw.normal(2, 3, 2, 2), 4, 5)


# adaptive_instance_norm


def pictures(draw: Draw, n: int = 2, dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """Content and style of different sizes, contrasts and brightness."""
    style = images(draw, n, 2, 3, 2) * np.array([3.0, 0.5])[:, None, None] - 1
    return images(draw, n, 2, 2, 4, dtype), style.astype(dtype)


@check("adaptive_instance_norm", points=2, title="Forward")
def test_adain(student, draw):
    """Each channel of the content gets the mean and the deviation of the same channel of its style picture,
    which may have another size."""
    agree(student.adaptive_instance_norm_forward, *pictures(draw))


@check("adaptive_instance_norm", points=1, title="A picture in its own style")
def test_adain_own_style(student, draw):
    """Nothing changes, whatever eps is: both deviations are made the same way. A single picture will do."""
    content, _ = pictures(draw, 1)
    y, _ = student.adaptive_instance_norm_forward(content, content, eps=0.5)
    holds("equal", y, content, because="a picture in its own style does not stay as it is.")
    agree(student.adaptive_instance_norm_forward, *pictures(draw, 1), eps=0.5)


@check("adaptive_instance_norm", points=1.5, title="Backward: dcontent")
def test_adain_content(student, draw):
    """The normalised content is scaled by the style's deviation; going back, that comes first."""
    y, cache = student.adaptive_instance_norm_forward(*pictures(draw))
    agree(student.adaptive_instance_norm_backward, draw.normal(*y.shape, mean=0.5), cache, part=0, rtol=1e-6)


@check("adaptive_instance_norm", points=1.5, title="Backward: dstyle")
def test_adain_style(student, draw):
    """The style enters through its mean and through its deviation."""
    y, cache = student.adaptive_instance_norm_forward(*pictures(draw))
    agree(student.adaptive_instance_norm_backward, draw.normal(*y.shape, mean=0.5), cache, part=1, rtol=1e-6)


@check("adaptive_instance_norm", points=0.5, title="Many sizes", audience="grader")
def test_adain_sweep(student, draw):
    """Styles larger and smaller than the content, with another forward pass between."""
    for size in ((4, 5), (1, 6), (7, 2)):
        content, style = images(draw, 3, 4, 4, 5), images(draw, 3, 4, *size) * 2
        y, cache = agree(student.adaptive_instance_norm_forward, content, style)
        student.adaptive_instance_norm_forward(style, content)
        agree(student.adaptive_instance_norm_backward, draw.normal(*y.shape, mean=0.5), cache, rtol=1e-6)


@check("adaptive_instance_norm", points=0.5, title="float32 stays float32")
def test_adain_float32(student, draw):
    """Single precision in, single precision out."""
    y, cache = agree(student.adaptive_instance_norm_forward, *pictures(draw, dtype=SINGLE))
    agree(student.adaptive_instance_norm_backward, draw.normal(*y.shape, dtype=SINGLE), cache, rtol=1e-3)


@check("adaptive_instance_norm", points=0.5, title="The arguments stay as they are")
def test_adain_unchanged(student, draw):
    """Both pictures and dy belong to the caller."""
    y, cache = unchanged(student.adaptive_instance_norm_forward, *pictures(draw))
    unchanged(student.adaptive_instance_norm_backward, draw.normal(*y.shape), cache)


# spade


def scene(draw: Draw, n: int, c: int, s: int, k: int, dtype: type = np.float64) -> tuple[np.ndarray, ...]:
    """x, segmap, and the weights and biases of the two convolutions."""
    segmap = np.eye(s)[draw.integers(0, s, n, 3, 4)].transpose(0, 3, 1, 2) + draw.normal(n, s, 3, 4, std=0.1)
    weights = [draw.normal(*shape, std=0.5) for shape in ((c, s, k, k), (c,)) * 2]
    return tuple(array.astype(dtype) for array in (images(draw, n, c, 3, 4), segmap, *weights))


@check("spade", points=2, title="Forward")
def test_spade(student, draw):
    """The normalised x, scaled by 1 + gamma and shifted by beta, both pictures computed from the segmentation
    map."""
    agree(student.spade_forward, *scene(draw, 2, 2, 3, 3))


@check("spade", points=1, title="Kernels of one pixel, a single image")
def test_spade_one_pixel(student, draw):
    """With kernels of one pixel every label has a scale and a shift of its own. Another eps than the
    default is tried, too."""
    agree(student.spade_forward, *scene(draw, 1, 3, 2, 1))
    agree(student.spade_forward, *scene(draw, 1, 3, 2, 1), eps=0.5)


@check("spade", points=0.5, title="A map that says nothing")
def test_spade_empty(student, draw):
    """Weights of zero leave only the biases: that is your `instance_norm_forward` with gamma 1 + the one
    bias and beta the other."""
    x, segmap, _, gamma, _, beta = scene(draw, 2, 2, 3, 3)
    zero = np.zeros((2, 3, 3, 3))
    y, _ = student.spade_forward(x, segmap, zero, gamma, zero, beta)
    plain, _ = student.instance_norm_forward(x, 1 + gamma, beta)
    because = "with constant maps the result is not that of `instance_norm_forward`."
    holds("equal", y, plain, because=because)


@check("spade", points=1.5, title="Backward: dx")
def test_spade_dx(student, draw):
    """The gradient passes the multiplication by 1 + gamma, then the normalization."""
    y, cache = student.spade_forward(*scene(draw, 2, 2, 3, 3))
    agree(student.spade_backward, draw.normal(*y.shape, mean=0.5), cache, part=0, rtol=1e-6)


@check("spade", points=1.5, title="Backward: the weights and biases")
def test_spade_weights(student, draw):
    """Each convolution gets the gradient of the map that it computed."""
    y, cache = student.spade_forward(*scene(draw, 2, 2, 2, 3))
    dy = draw.normal(*y.shape, mean=0.5)
    for part in (1, 2, 3, 4):
        agree(student.spade_backward, dy, cache, part=part, rtol=1e-6)


@check("spade", points=0.5, title="Larger scenes", audience="grader")
def test_spade_sweep(student, draw):
    """More channels, more labels, kernels of five pixels; another forward pass between."""
    for n, c, s, k in ((3, 4, 5, 5), (2, 1, 6, 3), (1, 5, 1, 1)):
        y, cache = agree(student.spade_forward, *scene(draw, n, c, s, k))
        student.spade_forward(*scene(draw, 1, 1, 1, 1))
        agree(student.spade_backward, draw.normal(*y.shape, mean=0.5), cache, rtol=1e-6)


@check("spade", points=0.5, title="float32 stays float32")
def test_spade_float32(student, draw):
    """Single precision in, single precision out."""
    y, cache = agree(student.spade_forward, *scene(draw, 2, 2, 2, 3, SINGLE), rtol=1e-3)
    agree(student.spade_backward, draw.normal(*y.shape, dtype=SINGLE), cache, rtol=1e-2, atol=1e-3)


@check("spade", points=0.5, title="The arguments stay as they are")
def test_spade_unchanged(student, draw):
    """All six arrays and dy belong to the caller."""
    y, cache = unchanged(student.spade_forward, *scene(draw, 2, 2, 2, 3))
    unchanged(student.spade_backward, draw.normal(*y.shape), cache)


# local_response_norm


@check("local_response_norm", points=1.5, title="An odd window")
def test_response_odd(student, draw):
    """The mean square of a channel and its neighbours, at the same pixel, damps it."""
    x = images(draw, 2, 5, 2, 3)
    agree(student.local_response_norm, x, 3, alpha=0.5)


@check("local_response_norm", points=1, title="An even window")
def test_response_even(student, draw):
    """It has one channel more before its middle than behind it, as in PyTorch."""
    x = images(draw, 1, 5, 2, 3)
    agree(student.local_response_norm, x, 2, alpha=0.5)
    agree(student.local_response_norm, x, 4, alpha=0.5, beta=1.0)


@check("local_response_norm", points=1, title="Other constants")
def test_response_constants(student, draw):
    """alpha, beta and k are used as the formula says."""
    agree(student.local_response_norm, images(draw, 1, 4, 2, 3), 3, alpha=0.7, beta=0.4, k=2.0)


@check("local_response_norm", points=0.5, title="As the defaults are")
def test_response_defaults(student, draw):
    """With the small alpha of the default hardly anything happens, unless the values are large."""
    agree(student.local_response_norm, 30 * images(draw, 2, 3, 2, 2), 3)


@check("local_response_norm", points=1, title="Windows of one channel, and wider than there are channels")
def test_response_extremes(student, draw):
    """Channels that do not exist count as zeros, and the division is by size all the same."""
    x = images(draw, 1, 3, 2, 3)
    agree(student.local_response_norm, x, 1, alpha=0.5)
    agree(student.local_response_norm, x, 9, alpha=0.5)


@check("local_response_norm", points=0.5, title="float32 stays float32")
def test_response_float32(student, draw):
    """Single precision in, single precision out."""
    agree(student.local_response_norm, images(draw, 2, 4, 2, 3, SINGLE), 3, alpha=0.5)


@check("local_response_norm", points=0.5, title="The arguments stay as they are")
def test_response_unchanged(student, draw):
    """x belongs to the caller."""
    unchanged(student.local_response_norm, images(draw, 2, 4, 2, 3), 3)
