"""Known mistakes of unit 5. The docstring of each is what a student who made it is told."""

from __future__ import annotations

import numpy as np

from autograder.mistakes import mistake
from solutions import batch_norm as right
from solutions.conv_layer import conv2d_backward, conv2d_forward


def _normalised(x, gamma, beta, mean, std, training):
    """y and the reference's cache, for these statistics."""
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, (x_hat, std, gamma, training)


def _statistics(x, running_mean, running_var, training):
    return (x.mean(axis=0), x.var(axis=0)) if training else (running_mean, running_var)


# batch_norm, the forward pass


@mistake("batch_norm_forward", row=61)
def batch_norm_unbiased(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You normalise by the unbiased variance, which divides by N - 1. The batch is normalised by its own
    variance, the mean of the squared deviations; N - 1 belongs to the running variance alone."""
    y, cache, mean, var = right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    if training:
        y, cache = _normalised(x, gamma, beta, x.mean(axis=0), np.sqrt(x.var(axis=0, ddof=1) + eps), True)
    return y, cache, mean, var


@mistake("batch_norm_forward", row=62)
def batch_norm_eps_outside(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """eps stands outside the root. It belongs to the variance, before the root is taken; for features that
    hardly vary, this makes a visible difference."""
    _, _, *running = right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    mean, var = _statistics(x, running_mean, running_var, training)
    return *_normalised(x, gamma, beta, mean, np.sqrt(var) + eps, training), *running


@mistake("batch_norm_forward", row=62)
def batch_norm_eps_missing(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """eps is missing: a feature that is constant in the batch has variance 0, and is divided by 0. Look at
    where eps enters the formula."""
    return right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum, 0.0)


@mistake("batch_norm_forward")
def batch_norm_eps_fixed(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """Your result does not depend on the argument eps: the number 1e-5 is written into the code. 1e-5 is only
    what eps is when the caller says nothing."""
    return right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum)


@mistake("batch_norm_forward")
def batch_norm_by_variance(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You divide by the variance. What has variance one after the division is what was divided by its
    standard deviation, the root."""
    _, _, *running = right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    mean, var = _statistics(x, running_mean, running_var, training)
    return *_normalised(x, gamma, beta, mean, var + eps, training), *running


@mistake("batch_norm_forward", row=63)
def batch_norm_momentum_exchanged(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """momentum weighs the wrong side. Here, as in PyTorch, it is the weight of the new value, the batch's;
    what has been running keeps 1 - momentum. Other libraries have it the other way round."""
    return right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, 1 - momentum, eps)


@mistake("batch_norm_forward")
def batch_norm_momentum_fixed(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """Your running statistics do not depend on the argument momentum: the number 0.1 is written into the
    code. 0.1 is only what momentum is when the caller says nothing."""
    return right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, eps=eps)


@mistake("batch_norm_forward", row=64)
def batch_norm_running_var_biased(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """The biased variance enters your running variance. The batch is normalised with it, but the running
    variance estimates that of all data, and takes the unbiased one, divided by N - 1."""
    y, cache, mean, var = right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    if training:
        var = (1 - momentum) * running_var + momentum * x.var(axis=0)
    return y, cache, mean, var


@mistake("batch_norm_forward", row=68)
def batch_norm_running_deviation(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """Your running variance averages standard deviations. Average the variances; the root is taken when the
    running variance is used."""
    y, cache, mean, var = right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    if training:
        var = (1 - momentum) * running_var + momentum * x.std(axis=0, ddof=1)
    return y, cache, mean, var


@mistake("batch_norm_forward", row=68)
def batch_norm_running_replaced(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """The running statistics are replaced by the batch's, and what earlier batches said is lost. They should
    move only a little towards the new batch."""
    return right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, 1.0, eps)


@mistake("batch_norm_forward", row=68)
def batch_norm_running_kept(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """In training the running statistics come back as they went in. Evaluation will need them: each batch in
    training has to move them a little towards its own mean and variance."""
    y, cache, _, _ = right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    return y, cache, running_mean, running_var


@mistake("batch_norm_forward")
def batch_norm_correction_of_the_average(
    x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5
):
    """The factor N / (N - 1) multiplies your whole running variance, and so again in every step. It
    corrects the variance of the new batch, before that is mixed with the old value."""
    y, cache, mean, var = right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    if training:
        var = ((1 - momentum) * running_var + momentum * x.var(axis=0)) * (len(x) / (len(x) - 1))
    return y, cache, mean, var


@mistake("batch_norm_forward")
def batch_norm_training_by_running(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """In training you normalise by the running statistics. A batch in training is normalised by its own mean
    and variance; the running ones are only prepared for evaluation."""
    _, _, mean, var = right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    return *_normalised(x, gamma, beta, mean, np.sqrt(var + eps), training), mean, var


@mistake("batch_norm_forward", row=65)
def batch_norm_evaluation_by_batch(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """In evaluation you still use the batch's statistics, so that a sample's result depends on the others. In
    evaluation everything is normalised by the running mean and variance."""
    if training:
        return right.batch_norm_forward(x, gamma, beta, running_mean, running_var, True, momentum, eps)
    return (
        *_normalised(x, gamma, beta, x.mean(axis=0), np.sqrt(x.var(axis=0) + eps), False),
        running_mean,
        running_var,
    )


@mistake("batch_norm_forward", row=66)
def batch_norm_evaluation_without_affine(
    x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5
):
    """In evaluation gamma and beta are forgotten. They are learned in training and belong to the layer in
    either mode; only where mean and variance come from differs."""
    y, cache, *running = right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    return y if training else cache[0], cache, *running


@mistake("batch_norm_forward", row=67)
def batch_norm_evaluation_updates(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """Evaluation changes the running statistics. What a network answers would then depend on what it was
    asked before; in evaluation they are used, and come back as they were."""
    y, cache, mean, var = right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    if not training:
        n = len(x)
        mean = (1 - momentum) * running_mean + momentum * x.mean(axis=0)
        var = (1 - momentum) * running_var + momentum * x.var(axis=0) * (n / max(n - 1, 1))
    return y, cache, mean, var


@mistake("batch_norm_forward", row=69)
def batch_norm_all_features(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """All features share one mean and one variance. Each feature, a column of x, has its own: the statistics
    are taken over the samples."""
    y, cache, mean, var = right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    if training:
        mean = (1 - momentum) * running_mean + momentum * x.mean()
        var = (1 - momentum) * running_var + momentum * x.var(ddof=1)
        y, cache = _normalised(x, gamma, beta, x.mean(keepdims=True), np.sqrt(x.var(keepdims=True) + eps), True)
    return y, cache, mean.astype(x.dtype), var.astype(x.dtype)


@mistake("batch_norm_forward", row=69)
def batch_norm_per_sample(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """Each sample is normalised by the mean and variance of its own features: that is layer normalization.
    Batch normalization takes them over the samples of the batch, for each feature."""
    y, cache, *running = right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    if training:
        mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
        y, cache = _normalised(x, gamma, beta, mean, np.sqrt(var + eps), True)
    return y, cache, *running


@mistake("batch_norm_forward", row=74)
def batch_norm_single_value_accepted(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """Training with a batch of one passes without a word. Its variance is 0 and its normalised value 0,
    whatever x is: nothing can be learned from it, so say so with a ValueError."""
    if training and len(x) == 1:
        mean = (1 - momentum) * running_mean + momentum * x[0]
        y, cache = _normalised(x, gamma, beta, x[0], np.sqrt(0 * running_var + eps), True)
        return y, cache, mean, (1 - momentum) * running_var
    return right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)


@mistake("batch_norm_forward", row=74)
def batch_norm_single_value_refused(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """A batch of one is refused in evaluation, too. There it is welcome: the running statistics normalise a
    single sample as well as many."""
    if len(x) == 1:
        raise ValueError("more than one value is needed")
    return right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)


@mistake("batch_norm_forward")
def batch_norm_running_in_place(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """The running statistics that were passed in are changed in place. State is passed in and returned: make
    new arrays, so that whoever called you still has the old ones."""
    y, cache, mean, var = right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    running_mean[:], running_var[:] = mean, var
    return y, cache, running_mean, running_var


@mistake("batch_norm_forward")
def batch_norm_x_in_place(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You normalise x in place, and the caller's data are gone. Subtract and divide into a new array."""
    y, (x_hat, *rest), *running = right.batch_norm_forward(
        x, gamma, beta, running_mean, running_var, training, momentum, eps
    )
    x[:] = x_hat
    return y, (x, *rest), *running


@mistake("batch_norm_forward", row=18)
def batch_norm_in_double(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """float32 goes in and float64 comes out. Somewhere an array of double precision enters; every result has
    the dtype of x, the running statistics, too."""
    mean, var = running_mean.astype(np.float64), running_var.astype(np.float64)
    x = x.astype(np.float64)
    return right.batch_norm_forward(x, gamma, beta, mean, var, training, momentum, eps)


# batch_norm, the backward pass


@mistake("batch_norm_backward", row=70)
def batch_norm_no_mean_path(dy, cache):
    """The gradient does not go through the mean. Every x moves the batch's mean, and through it all
    outputs: so the gradients of a feature must add up to zero, and yours do not."""
    x_hat, std, gamma, training = cache
    dx, dgamma, dbeta = right.batch_norm_backward(dy, cache)
    if training:
        dx_hat = dy * gamma
        dx = (dx_hat - x_hat * np.mean(dx_hat * x_hat, axis=0)) / std
    return dx, dgamma, dbeta


@mistake("batch_norm_backward", row=70)
def batch_norm_no_variance_path(dy, cache):
    """The gradient does not go through the variance. Every x moves the batch's variance, and through it all
    outputs: a part of the gradient, along the normalised x, has to go."""
    _, std, gamma, training = cache
    dx, dgamma, dbeta = right.batch_norm_backward(dy, cache)
    if training:
        dx_hat = dy * gamma
        dx = (dx_hat - dx_hat.mean(axis=0)) / std
    return dx, dgamma, dbeta


@mistake("batch_norm_backward", row=70)
def batch_norm_constant_statistics(dy, cache):
    """In training you treat mean and variance as constants. That is right in evaluation; in training they are
    computed from x, and the gradient goes through both of them."""
    _, std, gamma, _ = cache
    _, dgamma, dbeta = right.batch_norm_backward(dy, cache)
    return dy * gamma / std, dgamma, dbeta


@mistake("batch_norm_backward", row=73)
def batch_norm_evaluation_backward_as_training(dy, cache):
    """The backward pass of evaluation uses training's formula. In evaluation mean and variance are constants
    that do not depend on x: nothing is to be subtracted."""
    x_hat, std, gamma, _ = cache
    return right.batch_norm_backward(dy, (x_hat, std, gamma, True))


@mistake("batch_norm_backward", row=73)
def batch_norm_evaluation_backward_by_nodes(dy, cache):
    """The backward pass of evaluation goes through the nodes of the batch's mean and variance. In evaluation
    the layer uses the running ones, which do not depend on x."""
    x_hat, std, gamma, _ = cache
    return right.batch_norm_backward_graph(dy, (x_hat, std, gamma, True))


def _keeps_x(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    y, cache, *running = right.batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    return y, (x, cache), *running


@mistake("batch_norm_backward", row=71, also={"batch_norm_forward": _keeps_x})
def batch_norm_dgamma_of_x(dy, cache):
    """dgamma is made with x as it came in. gamma multiplies the normalised x, so that is what its gradient
    is weighted by."""
    x, cache = cache
    dx, _, dbeta = right.batch_norm_backward(dy, cache)
    return dx, np.sum(dy * x, axis=0), dbeta


@mistake("batch_norm_backward", row=71)
def batch_norm_parameters_averaged(dy, cache):
    """dgamma and dbeta are averages over the batch. gamma and beta act on every sample, and gradients of
    what is used several times add up. Where the loss is a mean over the batch, dy is divided already."""
    dx, dgamma, dbeta = right.batch_norm_backward(dy, cache)
    return dx, dgamma / len(dy), dbeta / len(dy)


@mistake("batch_norm_backward", row=72)
def batch_norm_gamma_forgotten(dy, cache):
    """dx does not know gamma. The gradient comes from behind the multiplication by gamma, and has to pass it
    before it reaches the normalization."""
    x_hat, std, gamma, training = cache
    dx, _, _ = right.batch_norm_backward(dy, (x_hat, std, np.ones_like(gamma), training))
    return dx, *right.batch_norm_backward(dy, cache)[1:]


@mistake("batch_norm_backward")
def batch_norm_deviation_forgotten(dy, cache):
    """dx is not divided by the standard deviation. x is divided by it on the way forward, so its gradient is
    divided by it on the way back."""
    dx, dgamma, dbeta = right.batch_norm_backward(dy, cache)
    return dx * cache[1], dgamma, dbeta


@mistake("batch_norm_backward")
def batch_norm_sums_for_means(dy, cache):
    """What you subtract in dx is too large: sums over the batch stand where means belong. Each sample has a
    share of 1/N in the mean and in the variance."""
    x_hat, std, gamma, training = cache
    dx, dgamma, dbeta = right.batch_norm_backward(dy, cache)
    if training:
        dx_hat = dy * gamma
        dx = (dx_hat - dx_hat.sum(axis=0) - x_hat * np.sum(dx_hat * x_hat, axis=0)) / std
    return dx, dgamma, dbeta


@mistake("batch_norm_backward")
def batch_norm_parameters_exchanged(dy, cache):
    """dgamma and dbeta come back in the wrong order. The order is dx, dgamma, dbeta; dbeta is the plain sum
    of dy over the batch."""
    dx, dgamma, dbeta = right.batch_norm_backward(dy, cache)
    return dx, dbeta, dgamma


@mistake("batch_norm_backward")
def batch_norm_dy_in_place(dy, cache):
    """dy is changed in place while you compute dx. It belongs to the caller, who may need it for another
    branch: make a new array."""
    gradients = right.batch_norm_backward(dy, cache)
    dy *= cache[2]
    return gradients


_LAST = {}


def _remembers_the_last(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    y, _LAST["cache"], *running = right.batch_norm_forward(
        x, gamma, beta, running_mean, running_var, training, momentum, eps
    )
    return y, None, *running


@mistake("batch_norm_backward", also={"batch_norm_forward": _remembers_the_last})
def batch_norm_only_the_last_forward(dy, cache):
    """The backward pass belongs to whichever forward came last. What it needs has to travel in the cache, not
    in a variable outside: a network has many such layers."""
    return right.batch_norm_backward(dy, _LAST["cache"])


# batch_norm_graph


def _graph(dy, cache, *, dstd_sign=-1, half=0.5, two=2.0, added=1.0, share=None, mean_path=1.0):
    """The reference's graph with numbers to go wrong in."""
    x_hat, std, gamma, training = cache
    n, centred, dx_hat = len(dy), x_hat * std, dy * gamma
    dgamma, dbeta = np.sum(dy * x_hat, axis=0), dy.sum(axis=0)
    direct = dx_hat / std
    if not training:
        return direct, dgamma, dbeta
    dvar = dstd_sign * np.sum(dx_hat * centred, axis=0) / std**3 * half
    dcentred = added * direct + two * centred * dvar / n
    dmean = -dcentred.sum(axis=0) * mean_path
    return dcentred + dmean / (share or n), dgamma, dbeta


@mistake("batch_norm_backward_graph")
def batch_norm_graph_root(dy, cache):
    """The node of the square root is wrong: the derivative of a root has a factor one half. Check each node
    by itself, with a number for its input."""
    return _graph(dy, cache, half=1.0)


@mistake("batch_norm_backward_graph")
def batch_norm_graph_square(dy, cache):
    """The node of the square is wrong: the derivative of a square has a factor two. Check each node by
    itself, with a number for its input."""
    return _graph(dy, cache, two=1.0)


@mistake("batch_norm_backward_graph")
def batch_norm_graph_sign(dy, cache):
    """The gradient of the deviation has the wrong sign. A larger deviation makes the normalised values
    smaller: the derivative of 1/std is negative."""
    return _graph(dy, cache, dstd_sign=1)


@mistake("batch_norm_backward_graph", row=70)
def batch_norm_graph_overwritten(dy, cache):
    """The centred values have two children, the normalised value and the variance, and only one gradient
    arrives. Where a node has several children, their gradients add up."""
    return _graph(dy, cache, added=0.0)


@mistake("batch_norm_backward_graph", row=70)
def batch_norm_graph_no_mean(dy, cache):
    """The gradient stops before the mean. The mean is a node like the others: what reaches it goes on to all
    samples of the feature."""
    return _graph(dy, cache, mean_path=0.0)


@mistake("batch_norm_backward_graph", row=70)
def batch_norm_graph_no_variance(dy, cache):
    """The gradient stops before the variance. The variance is a node like the others: what reaches it goes on
    to the centred values of all samples."""
    return _graph(dy, cache, two=0.0)


@mistake("batch_norm_backward_graph")
def batch_norm_graph_mean_not_shared(dy, cache):
    """Each sample gets the whole gradient of the mean. A sample has a share of 1/N in the mean, and gets
    1/N of its gradient."""
    return _graph(dy, cache, share=1)


@mistake("batch_norm_backward_graph", row=72)
def batch_norm_graph_gamma_forgotten(dy, cache):
    """The gradient passes the node of gamma unchanged. That node multiplies, forward and backward."""
    x_hat, std, gamma, training = cache
    dx, _, _ = right.batch_norm_backward_graph(dy, (x_hat, std, np.ones_like(gamma), training))
    return dx, *right.batch_norm_backward_graph(dy, cache)[1:]


@mistake("batch_norm_backward_graph", row=73)
def batch_norm_graph_evaluation_as_training(dy, cache):
    """In evaluation you go through the nodes of the batch's mean and variance. In that mode they do not
    exist: the running statistics are constants."""
    x_hat, std, gamma, _ = cache
    return right.batch_norm_backward_graph(dy, (x_hat, std, gamma, True))


@mistake("batch_norm_backward_graph", row=73)
def batch_norm_graph_evaluation_as_formula(dy, cache):
    """In evaluation you use training's formula. In that mode mean and variance are constants: one path is left,
    through the division and through gamma."""
    x_hat, std, gamma, _ = cache
    return right.batch_norm_backward(dy, (x_hat, std, gamma, True))


# batch_norm2d


def _forward2d(x, gamma, beta, running_mean, running_var, momentum, eps, axes):
    """Training with statistics over other axes; the running ones move by their mean over the rest."""
    n = x.size // x.shape[1]
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    y = gamma[:, None, None] * x_hat + beta[:, None, None]
    rest = tuple({0, 2, 3} - set(axes))
    seen_mean, seen_var = (np.broadcast_to(s, (len(x), *s.shape[1:])).mean((0, 2, 3)) for s in (mean, var))
    running_mean = (1 - momentum) * running_mean + momentum * seen_mean
    running_var = (1 - momentum) * running_var + momentum * seen_var * (n / max(n - 1, 1))
    return y, (x_hat, std, gamma, axes, rest), running_mean, running_var


def _backward2d(dy, cache):
    """The consistent backward of _forward2d; another cache is the reference's."""
    if len(cache) == 4:
        return right.batch_norm2d_backward(dy, cache)
    x_hat, std, gamma, axes, _ = cache
    dgamma, dbeta = np.sum(dy * x_hat, axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3))
    d = dy * gamma[:, None, None]
    d = d - d.mean(axis=axes, keepdims=True) - x_hat * np.mean(d * x_hat, axis=axes, keepdims=True)
    return d / std, dgamma, dbeta


def _check2d(x, training):
    if training and x.size == x.shape[1]:
        raise ValueError("training needs more than one value per channel")


@mistake("batch_norm2d_forward", row=69, also={"batch_norm2d_backward": _backward2d})
def batch_norm2d_per_position(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """Every pixel position has its own mean and variance, over the images alone. A channel has one mean and
    one variance, over the images and all positions."""
    _check2d(x, training)
    if not training:
        return right.batch_norm2d_forward(x, gamma, beta, running_mean, running_var, False, momentum, eps)
    return _forward2d(x, gamma, beta, running_mean, running_var, momentum, eps, (0,))


@mistake("batch_norm2d_forward", row=(69, 78), also={"batch_norm2d_backward": _backward2d})
def batch_norm2d_per_image(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """Every image is normalised by its own statistics: that is instance normalization. The images of the
    batch share the mean and the variance of a channel."""
    _check2d(x, training)
    if not training:
        return right.batch_norm2d_forward(x, gamma, beta, running_mean, running_var, False, momentum, eps)
    return _forward2d(x, gamma, beta, running_mean, running_var, momentum, eps, (2, 3))


@mistake("batch_norm2d_forward", row=69, also={"batch_norm2d_backward": _backward2d})
def batch_norm2d_all_channels(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """All channels share one mean and one variance. Each channel has its own: the channel axis is the one
    over which nothing is averaged."""
    _check2d(x, training)
    if not training:
        return right.batch_norm2d_forward(x, gamma, beta, running_mean, running_var, False, momentum, eps)
    y, cache, mean, var = _forward2d(x, gamma, beta, running_mean, running_var, momentum, eps, (0, 1, 2, 3))
    everywhere = np.full_like(running_mean, x.mean()), np.full_like(running_var, x.var(ddof=1))
    mean = (1 - momentum) * running_mean + momentum * everywhere[0]
    var = (1 - momentum) * running_var + momentum * everywhere[1]
    return y, cache, mean, var


def _not_moved_backward(dy, cache):
    rows = dy.reshape(-1, dy.shape[1])
    dx, dgamma, dbeta = right.batch_norm_backward(rows, cache)
    return dx.reshape(dy.shape), dgamma, dbeta


@mistake("batch_norm2d_forward", row=69, also={"batch_norm2d_backward": _not_moved_backward})
def batch_norm2d_not_moved(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """x is reshaped to (N H W, C) without moving the channel axis to the end first. The shape is right, but
    each column is a mixture of channels."""
    rows = x.reshape(-1, x.shape[1])
    y, cache, *running = right.batch_norm_forward(rows, gamma, beta, running_mean, running_var, training, momentum, eps)
    return y.reshape(x.shape), cache, *running


@mistake("batch_norm2d_forward", row=69)
def batch_norm2d_not_moved_back(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """The rows are normalised well, and then reshaped to (N, C, H, W) with the channels still in the last
    place. Undo the two steps in reverse order: first the reshape, then the move."""
    y, *rest = right.batch_norm2d_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    return np.moveaxis(y, 1, -1).reshape(x.shape), *rest


@mistake("batch_norm2d_forward", row=64)
def batch_norm2d_counts_images(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """The unbiased running variance counts images. A channel has N H W values in a batch, and that is the
    number of which one is taken off."""
    y, cache, mean, var = right.batch_norm2d_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    if training:
        var = (1 - momentum) * running_var + momentum * x.var(axis=(0, 2, 3)) * (len(x) / max(len(x) - 1, 1))
    return y, cache, mean, var


@mistake("batch_norm2d_forward", row=64)
def batch_norm2d_running_var_biased(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """The biased variance enters your running variance. It takes the unbiased one, of the N H W values of a
    channel."""
    y, cache, mean, var = right.batch_norm2d_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    if training:
        var = (1 - momentum) * running_var + momentum * x.var(axis=(0, 2, 3))
    return y, cache, mean, var


@mistake("batch_norm2d_forward", row=74)
def batch_norm2d_single_image_refused(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """A single image is refused in training. What counts is the number of values per channel, N H W: one
    image of several pixels has enough of them."""
    if training and len(x) == 1:
        raise ValueError("more than one image is needed")
    return right.batch_norm2d_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)


@mistake("batch_norm2d_forward", row=74)
def batch_norm2d_single_value_accepted(
    x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5
):
    """Training with a single image of a single pixel passes without a word. One value per channel has no
    variance: that is a ValueError here as in one dimension."""
    if training and x.size == x.shape[1]:
        return _forward2d(x, gamma, beta, running_mean, running_var, momentum, eps, (0, 2, 3))
    return right.batch_norm2d_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)


@mistake("batch_norm2d_backward")
def batch_norm2d_backward_counts_images(dy, cache):
    """In the backward pass the means divide by the number of images. A channel's mean is over N H W values,
    going back as well."""
    x_hat, std, gamma, training = cache
    dx, dgamma, dbeta = right.batch_norm2d_backward(dy, cache)
    if training:
        n, c, h, w = dy.shape
        d = np.moveaxis(dy, 1, -1).reshape(-1, c) * gamma
        d = (d - d.sum(axis=0) / n - x_hat * np.sum(d * x_hat, axis=0) / n) / std
        dx = np.moveaxis(d.reshape(n, h, w, c), -1, 1)
    return dx, dgamma, dbeta


@mistake("batch_norm2d_backward", row=71)
def batch_norm2d_parameters_averaged(dy, cache):
    """dgamma and dbeta are averaged over the images. They are sums over everything that the parameter
    touched: images, rows and columns."""
    dx, dgamma, dbeta = right.batch_norm2d_backward(dy, cache)
    return dx, dgamma / len(dy), dbeta / len(dy)


@mistake("batch_norm2d_backward", row=73)
def batch_norm2d_evaluation_backward_as_training(dy, cache):
    """The backward pass of evaluation uses training's formula. In evaluation mean and variance are constants:
    nothing is to be subtracted."""
    x_hat, std, gamma, _ = cache
    return right.batch_norm2d_backward(dy, (x_hat, std, gamma, True))


@mistake("batch_norm2d_backward")
def batch_norm2d_extra_axes(dy, cache):
    """dgamma and dbeta still have axes of length one. A gradient has the shape of what it belongs to, and
    gamma and beta have shape (C,)."""
    dx, dgamma, dbeta = right.batch_norm2d_backward(dy, cache)
    return dx, dgamma[None, :, None, None], dbeta[None, :, None, None]


# identity_affine


@mistake("identity_affine", row=62)
def identity_affine_without_eps(mean, var, eps=1e-5):
    """gamma undoes a division by the root of the variance, but the normalization divides by the root of
    var + eps. Without eps a part of x is lost, the more the smaller the variance is."""
    return np.sqrt(var), mean.copy()


@mistake("identity_affine")
def identity_affine_variance(mean, var, eps=1e-5):
    """gamma is the variance. The normalization divides by a root, and gamma has to undo just that."""
    return var + eps, mean.copy()


@mistake("identity_affine")
def identity_affine_normalises(mean, var, eps=1e-5):
    """These gamma and beta normalise once more. You are asked for those that turn the normalised values back
    into what came in."""
    std = np.sqrt(var + eps)
    return 1 / std, -mean / std


@mistake("identity_affine")
def identity_affine_negative(mean, var, eps=1e-5):
    """beta has the wrong sign. The normalization takes the mean off, so beta has to put it back."""
    return np.sqrt(var + eps), -mean


@mistake("identity_affine")
def identity_affine_scaled_mean(mean, var, eps=1e-5):
    """beta is scaled, too. gamma multiplies before beta is added: what is to be added is the mean itself."""
    std = np.sqrt(var + eps)
    return std, mean * std


# fold_batch_norm


def _fold(weight, bias, beta, running_mean, scale):
    offset = -running_mean if bias is None else bias - running_mean
    return weight * scale[:, None, None, None], beta + scale * offset


@mistake("fold_batch_norm", row=75)
def fold_batch_norm_by_variance(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    """The weights are divided by the variance. Batch normalization divides by the standard deviation."""
    return _fold(weight, bias, beta, running_mean, gamma / (running_var + eps))


@mistake("fold_batch_norm", row=75)
def fold_batch_norm_bias_forgotten(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    """The convolution's own bias is lost. It is added before the normalization, which shifts and scales it
    like everything else."""
    return right.fold_batch_norm(weight, None, gamma, beta, running_mean, running_var, eps)


@mistake("fold_batch_norm")
def fold_batch_norm_bias_unscaled(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    """The convolution's bias is added as it is. It stands before the normalization, so it is scaled by it, as
    the weights are."""
    weight, folded = right.fold_batch_norm(weight, None, gamma, beta, running_mean, running_var, eps)
    return weight, folded if bias is None else folded + bias


@mistake("fold_batch_norm")
def fold_batch_norm_mean_forgotten(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    """The running mean is missing from the new bias. Batch normalization takes it off before it scales."""
    return right.fold_batch_norm(weight, bias, gamma, beta, np.zeros_like(running_mean), running_var, eps)


@mistake("fold_batch_norm")
def fold_batch_norm_mean_unscaled(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    """The running mean enters the new bias unscaled. It is taken off before the scaling, so it is scaled with
    everything else."""
    scale = gamma / np.sqrt(running_var + eps)
    folded = beta - running_mean if bias is None else beta - running_mean + scale * bias
    return weight * scale[:, None, None, None], folded


@mistake("fold_batch_norm", row=62)
def fold_batch_norm_without_eps(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    """eps is missing. The folded convolution has to divide by just what batch normalization divides by."""
    return right.fold_batch_norm(weight, bias, gamma, beta, running_mean, running_var, 0.0)


@mistake("fold_batch_norm", row=62)
def fold_batch_norm_eps_outside(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    """eps stands outside the root. It is added to the variance."""
    return _fold(weight, bias, beta, running_mean, gamma / (np.sqrt(running_var) + eps))


@mistake("fold_batch_norm")
def fold_batch_norm_gamma_forgotten(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    """gamma is missing. The scale of a channel is gamma over the standard deviation, for the weights and for
    the bias."""
    return right.fold_batch_norm(weight, bias, np.ones_like(gamma), beta, running_mean, running_var, eps)


@mistake("fold_batch_norm")
def fold_batch_norm_none_stays(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    """A convolution without bias stays without bias. The normalization adds something even then, beta and the
    scaled mean, and that has to go somewhere."""
    folded = right.fold_batch_norm(weight, bias, gamma, beta, running_mean, running_var, eps)
    return folded[0], None if bias is None else folded[1]


@mistake("fold_batch_norm")
def fold_batch_norm_in_place(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    """The weights that were passed in are scaled in place. The unfolded network still needs them: make a new
    array."""
    folded = right.fold_batch_norm(weight, bias, gamma, beta, running_mean, running_var, eps)
    weight[:] = folded[0]
    return weight, folded[1]


# combine_statistics


@mistake("combine_statistics", row=85)
def combine_statistics_without_spread(counts, means, variances):
    """The variances are averaged, and that is all. Where the parts have different means, the whole varies
    more than its parts: the spread of the means is missing."""
    share = (counts / counts.sum()).astype(means.dtype)
    return share @ means, share @ variances


@mistake("combine_statistics", row=85)
def combine_statistics_counts_ignored(counts, means, variances):
    """Every part weighs the same. A part with more values has more to say: weigh by the counts."""
    mean = means.mean(axis=0)
    return mean, np.mean(variances + (means - mean) ** 2, axis=0)


@mistake("combine_statistics", row=85)
def combine_statistics_spread_unweighted(counts, means, variances):
    """The spread of the means is an average in which every part weighs the same. It is weighed by the counts,
    like everything here."""
    share = (counts / counts.sum()).astype(means.dtype)
    mean = share @ means
    return mean, share @ variances + np.mean((means - mean) ** 2, axis=0)


@mistake("combine_statistics", row=61)
def combine_statistics_unbiased(counts, means, variances):
    """The variance of the whole is the unbiased one, divided by one less than the count. Variances here are
    biased, coming in and going out."""
    mean, var = right.combine_statistics(counts, means, variances)
    return mean, (var * (counts.sum() / (counts.sum() - 1))).astype(means.dtype)


@mistake("combine_statistics", row=61)
def combine_statistics_pooled(counts, means, variances):
    """You weigh each variance by one less than its count, as statistics does for unbiased variances. These
    are biased: a part's share of the squares is its count times its variance."""
    share = (counts / counts.sum()).astype(means.dtype)
    less = ((counts - 1) / np.maximum(counts - 1, 0).sum()).astype(means.dtype)
    mean = share @ means
    return mean, less @ variances + share @ (means - mean) ** 2


@mistake("combine_statistics")
def combine_statistics_square_of_mean(counts, means, variances):
    """The mean squares of the parts are averaged, but the squared mean of the whole is not taken off: that is
    the mean square, not the variance."""
    share = (counts / counts.sum()).astype(means.dtype)
    return share @ means, share @ (variances + means**2)


@mistake("combine_statistics", row=18)
def combine_statistics_in_double(counts, means, variances):
    """float32 goes in and float64 comes out. The counts are integers, and what is computed from them alone
    is in double precision: the result has the dtype of the means."""
    return right.combine_statistics(counts, means.astype(np.float64), variances.astype(np.float64))


# conv_bn_relu


def _relu_first_backward(dy, cache):
    conv_cache, active, bn_cache = cache
    dz, dgamma, dbeta = right.batch_norm2d_backward(dy, bn_cache)
    dx, dweight, _ = conv2d_backward(dz * active, conv_cache)
    return dx, dweight, dgamma, dbeta


@mistake("conv_bn_relu_forward", row=89, also={"conv_bn_relu_backward": _relu_first_backward})
def conv_bn_relu_relu_first(x, weight, gamma, beta, running_mean, running_var, padding=0, training=True):
    """ReLU comes before the normalization. The name gives the order: convolution, batch normalization,
    ReLU."""
    z, conv_cache = conv2d_forward(x, weight, padding=padding)
    y, bn_cache, *running = right.batch_norm2d_forward(
        np.maximum(z, 0), gamma, beta, running_mean, running_var, training
    )
    return y, (conv_cache, z > 0, bn_cache), *running


@mistake("conv_bn_relu_forward", row=90)
def conv_bn_relu_evaluation_forgotten(x, weight, gamma, beta, running_mean, running_var, padding=0, training=True):
    """The block is always in training mode. `training` has to be handed on to the normalization inside."""
    return right.conv_bn_relu_forward(x, weight, gamma, beta, running_mean, running_var, padding, True)


@mistake("conv_bn_relu_forward")
def conv_bn_relu_padding_forgotten(x, weight, gamma, beta, running_mean, running_var, padding=0, training=True):
    """The padding does not reach the convolution. Look at what the block hands on to its three parts."""
    return right.conv_bn_relu_forward(x, weight, gamma, beta, running_mean, running_var, 0, training)


@mistake("conv_bn_relu_forward", row=68)
def conv_bn_relu_running_lost(x, weight, gamma, beta, running_mean, running_var, padding=0, training=True):
    """The running statistics come back as they went in. The normalization inside returns new ones: hand them
    out."""
    y, cache, _, _ = right.conv_bn_relu_forward(x, weight, gamma, beta, running_mean, running_var, padding, training)
    return y, cache, running_mean, running_var


def _without_relu(dy, cache, active):
    conv_cache, bn_cache, _ = cache
    return right.conv_bn_relu_backward(dy, (conv_cache, bn_cache, active))


@mistake("conv_bn_relu_backward")
def conv_bn_relu_mask_forgotten(dy, cache):
    """The backward pass goes around the ReLU. Where the block's output is zero, no gradient comes back."""
    return _without_relu(dy, cache, np.ones_like(dy))


@mistake("conv_bn_relu_backward", row=31)
def conv_bn_relu_mask_of_dy(dy, cache):
    """ReLU's gradient asks for the sign of dy. What decides is the sign of what went into the ReLU."""
    return _without_relu(dy, cache, dy > 0)


def _knows_convolution(x, weight, gamma, beta, running_mean, running_var, padding=0, training=True):
    y, cache, *running = right.conv_bn_relu_forward(
        x, weight, gamma, beta, running_mean, running_var, padding, training
    )
    return y, (cache, conv2d_forward(x, weight, padding=padding)[0] > 0), *running


@mistake("conv_bn_relu_backward", also={"conv_bn_relu_forward": _knows_convolution})
def conv_bn_relu_mask_of_convolution(dy, cache):
    """ReLU's gradient looks at the convolution's output. ReLU saw what came out of the normalization, and
    that can have another sign."""
    cache, active = cache
    return _without_relu(dy, cache, active)


def _knows_zero(x, weight, gamma, beta, running_mean, running_var, padding=0, training=True):
    z, conv_cache = conv2d_forward(x, weight, padding=padding)
    z, bn_cache, *running = right.batch_norm2d_forward(z, gamma, beta, running_mean, running_var, training)
    return np.maximum(z, 0), (conv_cache, bn_cache, z >= 0), *running


@mistake("conv_bn_relu_backward", row=31, also={"conv_bn_relu_forward": _knows_zero})
def conv_bn_relu_gradient_at_zero(dy, cache):
    """ReLU's gradient is 1 at exactly zero. By convention it is 0 there; a channel whose gamma and beta are
    zero is at that point everywhere."""
    return right.conv_bn_relu_backward(dy, cache)


def _applies_mask_last(dy, cache):
    conv_cache, bn_cache, active = cache
    dz, dgamma, dbeta = right.batch_norm2d_backward(dy, bn_cache)
    dx, dweight, _ = conv2d_backward(dz * active, conv_cache)
    return dx, dweight, dgamma, dbeta


@mistake("conv_bn_relu_backward")
def conv_bn_relu_wrong_order_backward(dy, cache):
    """Going back, the normalization comes before the ReLU. The backward passes run in reverse: what came last
    comes first."""
    return _applies_mask_last(dy, cache)
