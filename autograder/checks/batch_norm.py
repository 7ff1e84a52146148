"""Hidden checks of unit 5. Titles and docstrings are read by students."""

from __future__ import annotations

import numpy as np

from autograder.checking import agree, check, holds, raises, unchanged
from autograder.draws import Draw
from solutions.conv_layer import conv2d_forward


def parameters(draw: Draw, d: int, dtype: type = np.float64) -> tuple[np.ndarray, ...]:
    """gamma, beta, running_mean, running_var: none of them what a fresh layer has."""
    gamma = draw.uniform(d, low=0.5, high=2.5, dtype=dtype) * draw.choice((1, -1))
    beta, mean = draw.normal(d, dtype=dtype), draw.normal(d, mean=1.0, dtype=dtype)
    return gamma, beta, mean, draw.uniform(d, low=0.3, high=3.0, dtype=dtype)


# batch_norm


@check("batch_norm", points=1, title="Two samples by hand", audience="student")
def test_by_hand(student, draw):
    """The feature has the values 1 and 3: mean 2, variance 1, so that they become -1 and 1, and 5 times that
    are -5 and 5."""
    one, zero = np.ones(1), np.zeros(1)
    agree(student.batch_norm_forward, np.array([[1.0], [3.0]]), 5 * one, zero, zero, one, eps=1e-12, part=0)


@check("batch_norm", points=1, title="Training: the values")
def test_training(student, draw):
    """Each feature is normalised by the mean and the biased variance of its column, then scaled by gamma and
    shifted by beta. The data are far from zero mean."""
    x = draw.normal(draw.size(5, 6), 3, mean=2.5, std=1.5)
    agree(student.batch_norm_forward, x, *parameters(draw, 3), part=0)


@check("batch_norm", points=0.5, title="Training: features that hardly vary")
def test_low_variance(student, draw):
    """The deviation is a thousandth here, so that one sees where eps stands: it is added to the variance,
    inside the root. Another eps than the default is tried, too."""
    x = draw.normal(6, 2, mean=1.0, std=1e-3)
    agree(student.batch_norm_forward, x, *parameters(draw, 2), part=0)
    agree(student.batch_norm_forward, x, *parameters(draw, 2), eps=1e-3, part=0)


@check("batch_norm", points=0.5, title="Training: a constant feature")
def test_constant_feature(student, draw):
    """A feature that is the same in all samples has variance 0. eps keeps the division finite, and the
    result is beta."""
    x = draw.normal(4, 3)
    x[:, 1] = draw.size(2, 9)
    y, *_ = agree(student.batch_norm_forward, x, *parameters(draw, 3), part=0)
    holds("finite", y)


@check("batch_norm", points=1, title="Running statistics over several steps")
def test_running_statistics(student, draw):
    """Each step moves them a little towards the batch: momentum weighs the new value, and the variance that
    enters is the unbiased one. They start from given values, not from 0 and 1."""
    gamma, beta, mean, var = parameters(draw, 3)
    for n in (4, 3, 5):
        x = draw.normal(n, 3, mean=2.0, std=2.0)
        _, _, mean, var = agree(student.batch_norm_forward, x, gamma, beta, mean, var, momentum=0.3, part=2)
    gamma, beta, mean, var = parameters(draw, 2)
    for n in (3, 2, 4):
        x = draw.normal(n, 2, mean=-1.0, std=2.0)
        _, _, mean, var = agree(student.batch_norm_forward, x, gamma, beta, mean, var, part=3)


@check("batch_norm", points=1, title="Evaluation: the values")
def test_evaluation(student, draw):
    """The running mean and variance normalise, whatever the batch looks like; gamma is not 1 and beta not
    0."""
    x = draw.normal(5, 3, mean=-2.0, std=2.0)
    agree(student.batch_norm_forward, x, *parameters(draw, 3), training=False, part=0)
    agree(student.batch_norm_forward, x, *parameters(draw, 3), training=False, eps=0.2, part=0)


@check("batch_norm", points=0.5, title="Evaluation: a single sample, and nothing is learned")
def test_evaluation_of_one(student, draw):
    """A batch of one is fine in evaluation, and the running statistics come back with the values that they
    had."""
    agree(student.batch_norm_forward, draw.normal(1, 4, mean=1.0), *parameters(draw, 4), training=False)
    agree(student.batch_norm_forward, draw.normal(5, 4, mean=1.0), *parameters(draw, 4), training=False)


@check("batch_norm", points=0.5, title="Training: a batch of one is an error")
def test_single_value(student, draw):
    """One value per feature has no variance: a ValueError says so, as in PyTorch. Two values are fine."""
    agree(student.batch_norm_forward, draw.normal(2, 3), *parameters(draw, 3), part=0)
    raises(student.batch_norm_forward, draw.normal(1, 3), *parameters(draw, 3))


@check("batch_norm", points=0.5, title="Training: a batch of two")
def test_two_samples(student, draw):
    """The smallest batch there is. Two values are normalised to -1 and 1, nearly, whatever they are: so
    hardly any gradient is left. A larger eps makes visible what remains."""
    agree(student.batch_norm_forward, draw.normal(2, 3, mean=1.0), *parameters(draw, 3), part=0)
    y, cache, _, _ = student.batch_norm_forward(draw.normal(2, 3, mean=1.0), *parameters(draw, 3), eps=0.1)
    agree(student.batch_norm_backward, draw.normal(*y.shape), cache, part=0)


@check("batch_norm", points=1, title="Backward, training: dx")
def test_dx(student, draw):
    """Every x moves all outputs of its feature, through the mean and through the variance."""
    x = draw.normal(draw.size(5, 6), 3, mean=2.0, std=0.7)
    y, cache, _, _ = student.batch_norm_forward(x, *parameters(draw, 3))
    agree(student.batch_norm_backward, draw.normal(*y.shape, mean=0.5), cache, part=0, rtol=1e-6)


@check("batch_norm", points=0.5, title="Backward, training: dgamma and dbeta")
def test_dgamma(student, draw):
    """Sums over the batch: of dy times the normalised x, and of dy."""
    x = draw.normal(draw.size(4, 5), 3, mean=2.0)
    y, cache, _, _ = student.batch_norm_forward(x, *parameters(draw, 3))
    dy = draw.normal(*y.shape, mean=0.5)
    agree(student.batch_norm_backward, dy, cache, part=1, rtol=1e-6)
    agree(student.batch_norm_backward, dy, cache, part=2, rtol=1e-6)


@check("batch_norm", points=0.5, title="Backward, training: what is projected away")
def test_projections(student, draw):
    """A shift or a scaling of a feature changes nothing that comes out, so the gradient has no part along
    them: it sums to zero, and so does its product with the normalised x."""
    gamma, beta = np.ones(3), np.zeros(3)
    _, _, mean, var = parameters(draw, 3)
    x_hat, cache, _, _ = student.batch_norm_forward(draw.normal(6, 3, mean=3.0), gamma, beta, mean, var, eps=1e-12)
    dx, _, _ = student.batch_norm_backward(draw.normal(6, 3, mean=1.0), cache)
    holds("zero_mean", dx, axis=0, because="the gradient of a feature does not sum to zero over the batch.")
    because = "the gradient of a feature still has a part along the normalised x."
    holds("orthogonal", dx, x_hat, axis=0, because=because)


@check("batch_norm", points=0.5, title="Backward, evaluation")
def test_evaluation_backward(student, draw):
    """Mean and variance are constants in this mode, so the backward pass is another one than in training."""
    x = draw.normal(4, 3, mean=2.0)
    y, cache, _, _ = student.batch_norm_forward(x, *parameters(draw, 3), training=False)
    agree(student.batch_norm_backward, draw.normal(*y.shape, mean=0.5), cache, rtol=1e-6)
    y, cache, _, _ = student.batch_norm_forward(x[:1], *parameters(draw, 3), training=False)
    agree(student.batch_norm_backward, draw.normal(*y.shape, mean=0.5), cache, rtol=1e-6)


@check("batch_norm", points=0.5, title="Two forward passes, then a backward pass")
def test_another_forward(student, draw):
    """A network has many such layers: what the backward pass needs comes in its own cache."""
    y, cache, _, _ = student.batch_norm_forward(draw.normal(4, 2, mean=1.0), *parameters(draw, 2))
    student.batch_norm_forward(draw.normal(4, 2), *parameters(draw, 2), training=False)
    agree(student.batch_norm_backward, draw.normal(*y.shape, mean=0.5), cache, rtol=1e-6)


@check("batch_norm", points=0.5, title="float32 stays float32")
def test_float32(student, draw):
    """Every result has the dtype of x: values, running statistics and gradients, in both modes."""
    for training in (True, False):
        x = draw.normal(6, 3, mean=1.0, dtype=np.float32)
        given = parameters(draw, 3, np.float32)
        y, cache, _, _ = agree(student.batch_norm_forward, x, *given, training=training)
        agree(student.batch_norm_backward, draw.normal(*y.shape, dtype=np.float32), cache, rtol=1e-3)


@check("batch_norm", points=0.5, title="The arguments stay as they are")
def test_unchanged(student, draw):
    """x, the parameters, the running statistics that were passed in, and dy belong to the caller."""
    for training in (True, False):
        x = draw.normal(4, 3, mean=1.0)
        y, cache, _, _ = unchanged(student.batch_norm_forward, x, *parameters(draw, 3), training=training)
        unchanged(student.batch_norm_backward, draw.normal(*y.shape), cache)


@check("batch_norm", points=0.5, title="Many batches", audience="grader")
def test_sweep(student, draw):
    """Both modes, forward and backward, for many shapes, means and deviations."""
    for n, d, mean, std in ((3, 1, 0, 1), (7, 5, -40, 2), (64, 3, 5, 0.01), (2, 6, 0, 3), (33, 17, 1, 1)):
        for training in (True, False):
            options = {"training": training, "momentum": draw.uniform(low=0.05, high=0.6).item()}
            x = draw.normal(n, d, mean=mean, std=std)
            y, cache, _, _ = agree(student.batch_norm_forward, x, *parameters(draw, d), **options)
            agree(student.batch_norm_backward, draw.normal(*y.shape, mean=1.0), cache, rtol=1e-6)


# batch_norm_graph


@check("batch_norm_graph", points=2, title="Training: dx")
def test_graph_dx(student, draw):
    """Node by node: the gradients that reach a node from all its children add up."""
    x = draw.normal(draw.size(4, 5), 3, mean=2.0, std=0.7)
    y, cache, _, _ = student.batch_norm_forward(x, *parameters(draw, 3))
    agree(student.batch_norm_backward_graph, draw.normal(*y.shape, mean=0.5), cache, part=0, rtol=1e-6)


@check("batch_norm_graph", points=0.5, title="Training: dgamma and dbeta")
def test_graph_parameters(student, draw):
    """They are the first two nodes on the way back."""
    y, cache, _, _ = student.batch_norm_forward(draw.normal(4, 3, mean=2.0), *parameters(draw, 3))
    dy = draw.normal(*y.shape, mean=0.5)
    agree(student.batch_norm_backward_graph, dy, cache, part=1, rtol=1e-6)
    agree(student.batch_norm_backward_graph, dy, cache, part=2, rtol=1e-6)


@check("batch_norm_graph", points=1, title="Evaluation")
def test_graph_evaluation(student, draw):
    """The nodes of mean and variance are constants then."""
    x = draw.normal(4, 3, mean=2.0)
    y, cache, _, _ = student.batch_norm_forward(x, *parameters(draw, 3), training=False)
    agree(student.batch_norm_backward_graph, draw.normal(*y.shape, mean=0.5), cache, rtol=1e-6)


@check("batch_norm_graph", points=1, title="The same as in one formula")
def test_graph_equals_formula(student, draw):
    """Your `batch_norm_backward` and this one are two ways to the same gradient. Features that hardly vary
    are among them."""
    for std in (1.0, 1e-2):
        y, cache, _, _ = student.batch_norm_forward(draw.normal(5, 2, mean=1.0, std=std), *parameters(draw, 2))
        dy = draw.normal(*y.shape, mean=0.5)
        dx, _, _ = student.batch_norm_backward(dy, cache)
        by_nodes, _, _ = student.batch_norm_backward_graph(dy, cache)
        holds("equal", by_nodes, dx, rtol=1e-6, because="the two backward passes give different gradients.")


@check("batch_norm_graph", points=0.5, title="A batch of two")
def test_graph_two(student, draw):
    """Two samples, and an eps that leaves some gradient."""
    y, cache, _, _ = student.batch_norm_forward(draw.normal(2, 3), *parameters(draw, 3), eps=0.1)
    agree(student.batch_norm_backward_graph, draw.normal(*y.shape), cache, rtol=1e-6)


@check("batch_norm_graph", points=0.5, title="float32 stays float32")
def test_graph_float32(student, draw):
    """Single precision in, single precision out."""
    x = draw.normal(6, 3, mean=1.0, dtype=np.float32)
    y, cache, _, _ = student.batch_norm_forward(x, *parameters(draw, 3, np.float32))
    agree(student.batch_norm_backward_graph, draw.normal(*y.shape, dtype=np.float32), cache, rtol=1e-3)


@check("batch_norm_graph", points=0.5, title="The arguments stay as they are")
def test_graph_unchanged(student, draw):
    """dy belongs to the caller."""
    y, cache, _, _ = student.batch_norm_forward(draw.normal(4, 2), *parameters(draw, 2))
    unchanged(student.batch_norm_backward_graph, draw.normal(*y.shape), cache)


# batch_norm2d


@check("batch_norm2d", points=1.5, title="Training: the values")
def test_2d_training(student, draw):
    """A channel has one mean and one variance, over all images, rows and columns of the batch."""
    x = draw.normal(2, 3, 2, draw.size(4, 5), mean=2.0)
    x += draw.normal(1, 3, 1, 1, std=2.0) + draw.normal(2, 1, 1, 1) + draw.normal(1, 1, *x.shape[2:])
    agree(student.batch_norm2d_forward, x, *parameters(draw, 3), part=0)


@check("batch_norm2d", points=1, title="Running statistics over several steps")
def test_2d_running_statistics(student, draw):
    """The unbiased variance divides by N H W - 1: every pixel is a value of its channel."""
    gamma, beta, mean, var = parameters(draw, 2)
    for n in (2, 1, 3):
        x = draw.normal(n, 2, 3, 2, mean=2.0, std=2.0)
        _, _, mean, var = agree(student.batch_norm2d_forward, x, gamma, beta, mean, var, momentum=0.3, part=2)
        agree(student.batch_norm2d_forward, x, gamma, beta, mean, var, momentum=0.3, part=3)


@check("batch_norm2d", points=1, title="Evaluation")
def test_2d_evaluation(student, draw):
    """The running statistics normalise, for a batch and for a single image, and stay as they are."""
    for n in (2, 1):
        x = draw.normal(n, 3, 2, 4, mean=-1.0, std=2.0)
        agree(student.batch_norm2d_forward, x, *parameters(draw, 3), training=False, eps=0.01)


@check("batch_norm2d", points=0.5, title="Training: a single image")
def test_2d_single_image(student, draw):
    """One image of several pixels has enough values for a mean and a variance."""
    agree(student.batch_norm2d_forward, draw.normal(1, 3, 2, 4, mean=1.0), *parameters(draw, 3), part=0)


@check("batch_norm2d", points=0.5, title="Training: a single value is an error")
def test_2d_single_value(student, draw):
    """One image of one pixel has one value per channel: a ValueError. Two pixels are enough."""
    agree(student.batch_norm2d_forward, draw.normal(1, 3, 1, 2), *parameters(draw, 3), part=0)
    raises(student.batch_norm2d_forward, draw.normal(1, 3, 1, 1), *parameters(draw, 3))


@check("batch_norm2d", points=1, title="Backward, training: dx")
def test_2d_dx(student, draw):
    """Every pixel of a channel moves all others, in its own image and in the others."""
    x = draw.normal(2, 3, 2, draw.size(4, 5), mean=2.0)
    y, cache, _, _ = student.batch_norm2d_forward(x, *parameters(draw, 3))
    agree(student.batch_norm2d_backward, draw.normal(*y.shape, mean=0.5), cache, part=0, rtol=1e-6)


@check("batch_norm2d", points=0.5, title="Backward, training: dgamma and dbeta")
def test_2d_parameters(student, draw):
    """Sums over everything that gamma and beta touched; one number for each channel."""
    y, cache, _, _ = student.batch_norm2d_forward(draw.normal(2, 3, 4, 2, mean=2.0), *parameters(draw, 3))
    dy = draw.normal(*y.shape, mean=0.5)
    agree(student.batch_norm2d_backward, dy, cache, part=1, rtol=1e-6)
    agree(student.batch_norm2d_backward, dy, cache, part=2, rtol=1e-6)


@check("batch_norm2d", points=0.5, title="Backward, evaluation")
def test_2d_evaluation_backward(student, draw):
    """Mean and variance are constants in this mode."""
    x = draw.normal(2, 3, 2, 4, mean=2.0)
    y, cache, _, _ = student.batch_norm2d_forward(x, *parameters(draw, 3), training=False)
    agree(student.batch_norm2d_backward, draw.normal(*y.shape, mean=0.5), cache, rtol=1e-6)


@check("batch_norm2d", points=0.5, title="Many shapes, and images of one pixel", audience="grader")
def test_2d_sweep(student, draw):
    """Larger batches in both modes; and for images of one pixel the result is that of
    `batch_norm_forward`."""
    for shape in ((4, 5, 7, 3), (1, 2, 6, 9), (8, 3, 1, 5), (3, 3, 3, 3)):
        for training in (True, False):
            x = draw.normal(*shape, mean=-3.0, std=2.0)
            y, cache, _, _ = agree(student.batch_norm2d_forward, x, *parameters(draw, shape[1]), training=training)
            agree(student.batch_norm2d_backward, draw.normal(*y.shape, mean=0.5), cache, rtol=1e-6)
    x, given = draw.normal(6, 4, 1, 1, mean=2.0), parameters(draw, 4)
    y, _, _, _ = student.batch_norm2d_forward(x, *given)
    flat, _, _, _ = student.batch_norm_forward(x[:, :, 0, 0], *given)
    because = "for images of one pixel, the result is not that of `batch_norm_forward`."
    holds("equal", y[:, :, 0, 0], flat, because=because)


@check("batch_norm2d", points=0.5, title="float32 stays float32")
def test_2d_float32(student, draw):
    """Every result has the dtype of x."""
    x = draw.normal(2, 3, 2, 4, mean=1.0, dtype=np.float32)
    y, cache, _, _ = agree(student.batch_norm2d_forward, x, *parameters(draw, 3, np.float32))
    agree(student.batch_norm2d_backward, draw.normal(*y.shape, dtype=np.float32), cache, rtol=1e-3)


@check("batch_norm2d", points=0.5, title="The arguments stay as they are")
def test_2d_unchanged(student, draw):
    """Images, parameters, running statistics and dy belong to the caller."""
    x = draw.normal(2, 3, 2, 4, mean=1.0)
    y, cache, _, _ = unchanged(student.batch_norm2d_forward, x, *parameters(draw, 3))
    unchanged(student.batch_norm2d_backward, draw.normal(*y.shape), cache)


# identity_affine


@check("identity_affine", points=1.5, title="gamma and beta")
def test_identity(student, draw):
    """What the normalization does to x, they undo: its division and its subtraction."""
    agree(student.identity_affine, draw.normal(4, mean=2.0), draw.uniform(4, low=0.3, high=4.0))


@check("identity_affine", points=1, title="Small variances")
def test_identity_small(student, draw):
    """Where the variance is as small as eps, eps matters; another eps than the default is tried, too."""
    mean, var = draw.normal(3), draw.uniform(3, low=1e-5, high=1e-4)
    agree(student.identity_affine, mean, var)
    agree(student.identity_affine, mean, var, eps=1e-3)


@check("identity_affine", points=0.5, title="What comes out is what went in")
def test_identity_undoes(student, draw):
    """With your gamma and beta, your `batch_norm_forward` in evaluation returns x."""
    x, (_, _, mean, var) = draw.normal(5, 3, mean=2.0, std=3.0), parameters(draw, 3)
    gamma, beta = student.identity_affine(mean, var, eps=0.1)
    y, _, _, _ = student.batch_norm_forward(x, gamma, beta, mean, var, training=False, eps=0.1)
    holds("equal", y, x, because="x does not come back.")


@check("identity_affine", points=0.5, title="float32 stays float32, and a single feature")
def test_identity_float32(student, draw):
    """Single precision in, single precision out."""
    var = draw.uniform(1, low=0.3, high=4.0, dtype=np.float32)
    agree(student.identity_affine, draw.normal(1, dtype=np.float32), var)


@check("identity_affine", points=0.5, title="The arguments stay as they are")
def test_identity_unchanged(student, draw):
    """The statistics belong to the caller."""
    unchanged(student.identity_affine, draw.normal(3), draw.uniform(3, low=0.3, high=4.0))


# fold_batch_norm


@check("fold_batch_norm", points=1.5, title="A convolution with bias")
def test_fold_bias(student, draw):
    """Each output channel's weights are scaled, and its bias is shifted and scaled."""
    agree(student.fold_batch_norm, draw.normal(3, 2, 2, 3), draw.normal(3, mean=1.0), *parameters(draw, 3))


@check("fold_batch_norm", points=1, title="A convolution without bias")
def test_fold_no_bias(student, draw):
    """bias is None, and an array comes back all the same."""
    agree(student.fold_batch_norm, draw.normal(4, 2, 3, 1), None, *parameters(draw, 4))


@check("fold_batch_norm", points=1, title="Small running variances")
def test_fold_eps(student, draw):
    """eps stands where it stands in batch normalization: a variance of its size shows it."""
    weight, bias = draw.normal(2, 3, 1, 2), draw.normal(2)
    gamma, beta, mean, var = parameters(draw, 2)
    agree(student.fold_batch_norm, weight, bias, gamma, beta, mean, 1e-5 * var)
    agree(student.fold_batch_norm, weight, None, gamma, beta, mean, var, eps=0.1)


@check("fold_batch_norm", points=1, title="The same as both layers", audience="grader")
def test_fold_equals_layers(student, draw):
    """One convolution with your weight and bias gives what the convolution and then your batch
    normalization in evaluation give."""
    for bias in (draw.normal(4), None):
        x, weight, given = draw.normal(2, 3, 6, 5, mean=1.0), draw.normal(4, 3, 3, 2), parameters(draw, 4)
        z, _ = conv2d_forward(x, weight, bias, stride=2, padding=1)
        y, _, _, _ = student.batch_norm2d_forward(z, *given, training=False)
        folded, _ = conv2d_forward(x, *student.fold_batch_norm(weight, bias, *given), stride=2, padding=1)
        because = "the folded convolution is not the convolution followed by batch normalization."
        holds("equal", folded, y, because=because)


@check("fold_batch_norm", points=0.5, title="A single channel")
def test_fold_single(student, draw):
    """One output channel, one input channel, one weight."""
    agree(student.fold_batch_norm, draw.normal(1, 1, 1, 1), draw.normal(1), *parameters(draw, 1))


@check("fold_batch_norm", points=0.5, title="float32 stays float32")
def test_fold_float32(student, draw):
    """Single precision in, single precision out, with and without a bias."""
    weight, given = draw.normal(3, 2, 2, 1, dtype=np.float32), parameters(draw, 3, np.float32)
    for bias in (draw.normal(3, dtype=np.float32), None):
        agree(student.fold_batch_norm, weight, bias, *given)


@check("fold_batch_norm", points=0.5, title="The arguments stay as they are")
def test_fold_unchanged(student, draw):
    """The unfolded layers are still in use."""
    unchanged(student.fold_batch_norm, draw.normal(3, 2, 2, 1), draw.normal(3), *parameters(draw, 3))


# combine_statistics


@check("combine_statistics", points=1, title="Two parts by hand", audience="student")
def test_combine_by_hand(student, draw):
    """Three values with mean 2 and variance 4, and one value 6: the mean is 3. Three quarters of the values
    contribute 4 + 1 to the variance, one quarter contributes 0 + 9, together 6."""
    agree(student.combine_statistics, np.array([3, 1]), np.array([[2.0], [6.0]]), np.array([[4.0], [0.0]]))


@check("combine_statistics", points=1.5, title="Parts of different sizes")
def test_combine(student, draw):
    """Larger parts weigh more, in the mean and in the variance, and parts with different means spread the
    whole."""
    counts = np.array([2, 7, 4]) + draw.integers(0, 2, 3)
    agree(student.combine_statistics, counts, draw.normal(3, 2, std=2.0), draw.uniform(3, 2, low=0.2, high=2.0))


@check("combine_statistics", points=1, title="Means far from zero")
def test_combine_far(student, draw):
    """The spread is measured from the mean of the whole, wherever that is."""
    counts = np.array([5, 3])
    agree(
        student.combine_statistics,
        counts,
        draw.normal(2, 3, mean=40.0),
        draw.uniform(2, 3, low=0.2, high=2.0),
    )


@check("combine_statistics", points=0.5, title="A single part, and parts of a single value")
def test_combine_single(student, draw):
    """One part is the whole. A part of one value has no variance of its own, but moves the whole."""
    agree(student.combine_statistics, np.array([4]), draw.normal(1, 2), draw.uniform(1, 2, low=0.2, high=2.0))
    agree(
        student.combine_statistics,
        np.array([1, 1, 3]),
        draw.normal(3, 2),
        np.array([[0.0, 0], [0, 0], [1, 2]]),
    )


@check("combine_statistics", points=1, title="The statistics of all the data", audience="grader")
def test_combine_data(student, draw):
    """Data are cut into parts; the combined statistics are those of the data before the cut."""
    data = draw.normal(40, 3, mean=3.0) * draw.uniform(40, 1)
    parts = np.split(data, [1, 6, 20])
    counts = np.array([len(part) for part in parts])
    means, variances = (np.stack([f(part, axis=0) for part in parts]) for f in (np.mean, np.var))
    mean, var = student.combine_statistics(counts, means, variances)
    holds("equal", mean, data.mean(axis=0), because="the mean is not that of all the data.")
    holds("equal", var, data.var(axis=0), because="the variance is not that of all the data.")


@check("combine_statistics", points=1, title="float32 stays float32")
def test_combine_float32(student, draw):
    """Counts are integers, and do not decide about the dtype."""
    means, variances = draw.normal(3, 2, dtype=np.float32), draw.uniform(3, 2, low=0.2, dtype=np.float32)
    agree(student.combine_statistics, np.array([2, 5, 3]), means, variances)


@check("combine_statistics", points=0.5, title="In any order")
def test_combine_order(student, draw):
    """It does not matter which part is named first."""
    counts, means = np.array([2, 5, 3]), draw.normal(3, 2)
    variances = draw.uniform(3, 2, low=0.2, high=2.0)
    mean, var = student.combine_statistics(counts, means, variances)
    back = slice(None, None, -1)
    mean_too, var_too = student.combine_statistics(counts[back], means[back], variances[back])
    holds("equal", mean_too, mean, because="the order of the parts changes the mean.")
    holds("equal", var_too, var, because="the order of the parts changes the variance.")


@check("combine_statistics", points=0.5, title="The arguments stay as they are")
def test_combine_unchanged(student, draw):
    """Every device keeps its own statistics."""
    unchanged(student.combine_statistics, np.array([2, 5]), draw.normal(2, 3), draw.uniform(2, 3))


# conv_bn_relu


@check("conv_bn_relu", points=1, title="Forward, training, without padding")
def test_block(student, draw):
    """Convolution, then batch normalization by the batch's statistics, then ReLU."""
    x, weight = draw.normal(2, 2, 4, 5, mean=1.0), draw.normal(3, 2, 2, 3)
    agree(student.conv_bn_relu_forward, x, weight, *parameters(draw, 3), part=0)


@check("conv_bn_relu", points=1, title="Forward, training, with padding")
def test_block_padding(student, draw):
    """Zeros around the images; they are part of what the convolution sees, not of what is normalised."""
    x, weight = draw.normal(2, 2, 3, 4, mean=1.0), draw.normal(3, 2, 3, 2)
    agree(student.conv_bn_relu_forward, x, weight, *parameters(draw, 3), padding=1, part=0)


@check("conv_bn_relu", points=1, title="Running statistics")
def test_block_running(student, draw):
    """The block hands out what the normalization inside has learned, over two steps."""
    weight, (gamma, beta, mean, var) = draw.normal(3, 2, 2, 1), parameters(draw, 3)
    for _ in range(2):
        x = draw.normal(2, 2, 3, 4, mean=1.0)
        _, _, mean, var = agree(student.conv_bn_relu_forward, x, weight, gamma, beta, mean, var, part=2)
        agree(student.conv_bn_relu_forward, x, weight, gamma, beta, mean, var, part=3)


@check("conv_bn_relu", points=1, title="Forward, evaluation")
def test_block_evaluation(student, draw):
    """The running statistics normalise; a single image will do."""
    x, weight = draw.normal(1, 2, 4, 3, mean=1.0), draw.normal(3, 2, 2, 2)
    agree(student.conv_bn_relu_forward, x, weight, *parameters(draw, 3), padding=1, training=False)


@check("conv_bn_relu", points=1, title="Backward, training: dx")
def test_block_dx(student, draw):
    """The three backward passes in reverse order: the gradient stops where ReLU gave zero."""
    x, weight = draw.normal(2, 2, 4, 3, mean=1.0), draw.normal(3, 2, 3, 2)
    y, cache, _, _ = student.conv_bn_relu_forward(x, weight, *parameters(draw, 3), padding=1)
    agree(student.conv_bn_relu_backward, draw.normal(*y.shape, mean=0.5), cache, part=0, rtol=1e-6)


@check("conv_bn_relu", points=1, title="Backward, training: the parameters")
def test_block_parameters(student, draw):
    """dweight, dgamma and dbeta, for two images at once."""
    x, weight = draw.normal(2, 2, 4, 3, mean=1.0), draw.normal(3, 2, 2, 3)
    y, cache, _, _ = student.conv_bn_relu_forward(x, weight, *parameters(draw, 3))
    dy = draw.normal(*y.shape, mean=0.5)
    for part in (1, 2, 3):
        agree(student.conv_bn_relu_backward, dy, cache, part=part, rtol=1e-6)


@check("conv_bn_relu", points=0.5, title="Backward, evaluation")
def test_block_evaluation_backward(student, draw):
    """The backward pass inside knows the mode of its forward pass."""
    x, weight = draw.normal(2, 2, 3, 4, mean=1.0), draw.normal(3, 2, 2, 1)
    y, cache, _, _ = student.conv_bn_relu_forward(x, weight, *parameters(draw, 3), training=False)
    agree(student.conv_bn_relu_backward, draw.normal(*y.shape, mean=0.5), cache, rtol=1e-6)


@check("conv_bn_relu", points=0.5, title="A channel whose gamma and beta are zero")
def test_block_at_zero(student, draw):
    """ReLU sees exactly zero there, and its derivative at zero is 0: gamma and beta get no gradient."""
    x, weight, (gamma, beta, mean, var) = (
        draw.normal(2, 2, 3, 4),
        draw.normal(3, 2, 2, 1),
        parameters(draw, 3),
    )
    gamma[1] = beta[1] = 0.0
    y, cache, _, _ = student.conv_bn_relu_forward(x, weight, gamma, beta, mean, var)
    agree(student.conv_bn_relu_backward, draw.normal(*y.shape, mean=0.5), cache, rtol=1e-6)


@check("conv_bn_relu", points=0.5, title="float32 stays float32")
def test_block_float32(student, draw):
    """Every result has the dtype of x."""
    x, weight = draw.normal(2, 2, 4, 3, dtype=np.float32), draw.normal(3, 2, 2, 2, dtype=np.float32)
    y, cache, _, _ = agree(student.conv_bn_relu_forward, x, weight, *parameters(draw, 3, np.float32), rtol=1e-3)
    agree(student.conv_bn_relu_backward, draw.normal(*y.shape, dtype=np.float32), cache, rtol=1e-2, atol=1e-3)


@check("conv_bn_relu", points=0.5, title="The arguments stay as they are")
def test_block_unchanged(student, draw):
    """Images, weights, parameters, statistics and dy belong to the caller."""
    x, weight = draw.normal(2, 2, 4, 3), draw.normal(3, 2, 2, 2)
    y, cache, _, _ = unchanged(student.conv_bn_relu_forward, x, weight, *parameters(draw, 3), padding=1)
    unchanged(student.conv_bn_relu_backward, draw.normal(*y.shape), cache)
