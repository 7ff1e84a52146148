"""Known mistakes of unit 4. The docstrings are read by students."""

from __future__ import annotations

import numpy as np

from autograder.mistakes import mistake
from solutions import training as right

# feature_scaling


@mistake("min_max_scale", row=86)
def min_max_scale_uses_mean(x_train, x):
    """The mean is taken off where the minimum should be. That is mean normalization: its results lie around 0, not
    between 0 and 1."""
    low, high = x_train.min(axis=0), x_train.max(axis=0)
    constant = high == low
    return np.where(constant, 0, (x - x_train.mean(axis=0)) / np.where(constant, 1, high - low)).astype(x.dtype)


@mistake("min_max_scale", row=86)
def min_max_scale_by_deviation(x_train, x):
    """The standard deviation divides where the range, max - min, should: the training set does not fill [0, 1]."""
    low, deviation = x_train.min(axis=0), x_train.std(axis=0)
    constant = x_train.max(axis=0) == low
    return np.where(constant, 0, (x - low) / np.where(constant, 1, deviation)).astype(x.dtype)


@mistake("min_max_scale", row=86)
def min_max_scale_by_new_data(x_train, x):
    """Minimum and maximum are those of x. They must come from the training set alone: what is learnt there is then
    applied to all other data."""
    return right.min_max_scale(x, x)


@mistake("min_max_scale")
def min_max_scale_over_everything(x_train, x):
    """One minimum and one maximum are used for all features. Each feature, a column, has its own."""
    low, high = x_train.min(), x_train.max()
    return ((x - low) / (high - low)).astype(x.dtype)


@mistake("min_max_scale")
def min_max_scale_constant_nan(x_train, x):
    """A feature that is constant in the training set has no range, and 0 / 0 is nan. The contract asks for 0 there."""
    low, high = x_train.min(axis=0), x_train.max(axis=0)
    return (x - low) / (high - low)


@mistake("min_max_scale")
def min_max_scale_clips(x_train, x):
    """New data are clipped to [0, 1]. What lies outside the training set's range lies outside [0, 1], too."""
    return np.clip(right.min_max_scale(x_train, x), 0, 1)


@mistake("standardize", row=86)
def standardize_by_new_data(x_train, x):
    """Mean and deviation are those of x. They must come from the training set alone."""
    return right.standardize(x, x)


@mistake("standardize")
def standardize_unbiased(x_train, x):
    """The variance is divided by N - 1; here it is divided by N."""
    n = len(x_train)
    return (right.standardize(x_train, x) * np.sqrt((n - 1) / n)).astype(x.dtype)


@mistake("standardize")
def standardize_by_variance(x_train, x):
    """The variance divides where the standard deviation, its root, should."""
    constant = x_train.max(axis=0) == x_train.min(axis=0)
    variance = np.where(constant, 1, x_train.var(axis=0))
    return np.where(constant, 0, (x - x_train.mean(axis=0)) / variance).astype(x.dtype)


@mistake("standardize")
def standardize_over_everything(x_train, x):
    """One mean and one deviation are used for all features. Each feature, a column, has its own."""
    return ((x - x_train.mean()) / x_train.std()).astype(x.dtype)


@mistake("standardize")
def standardize_constant_nan(x_train, x):
    """A feature that is constant in the training set has no spread: dividing by it gives nan, inf or huge numbers. The
    contract asks for 0 there."""
    return ((x - x_train.mean(axis=0)) / x_train.std(axis=0)).astype(x.dtype)


@mistake("standardize")
def standardize_in_place(x_train, x):
    """Your function changes x itself. Work on a copy: the caller's data are still needed."""
    y = right.standardize(x_train, x)
    x[...] = y
    return y


def _whiten(x_train, x, eps, *, centre=True, n=None, power=-0.5, rotate_back=True, eps_outside=False, mean_of=None):
    mean = (x_train if mean_of is None else mean_of).mean(axis=0)
    centred = x_train - x_train.mean(axis=0) if centre else x_train
    values, u = np.linalg.eigh(centred.T @ centred / (n or len(x_train)))
    scale = 1 / (np.sqrt(np.abs(values)) + eps) if eps_outside else (values + eps) ** power
    w = u * scale
    return ((x - mean) @ (w @ u.T if rotate_back else w)).astype(x.dtype)


@mistake("zca_whiten")
def zca_whiten_is_pca(x_train, x, eps=1e-5):
    """The data are decorrelated, but not turned back: that is PCA whitening. ZCA multiplies by U transposed in the end,
    so that the matrix is symmetric."""
    return _whiten(x_train, x, eps, rotate_back=False)


@mistake("zca_whiten")
def zca_whiten_unbiased(x_train, x, eps=1e-5):
    """The covariance is divided by N - 1; here it is divided by N."""
    return _whiten(x_train, x, eps, n=len(x_train) - 1)


@mistake("zca_whiten")
def zca_whiten_no_root(x_train, x, eps=1e-5):
    """The eigenvalues divide without a root. An eigenvalue is a variance; its root is the spread that is to become
    1."""
    return _whiten(x_train, x, eps, power=-1.0)


@mistake("zca_whiten")
def zca_whiten_eps_outside(x_train, x, eps=1e-5):
    """eps is added to the root. It belongs inside, to the eigenvalue."""
    return _whiten(x_train, x, eps, eps_outside=True)


@mistake("zca_whiten")
def zca_whiten_only_scales(x_train, x, eps=1e-5):
    """Centring and scaling each feature is standardizing; whitening also removes the correlations between features."""
    return ((x - x_train.mean(axis=0)) / np.sqrt(x_train.var(axis=0) + eps)).astype(x.dtype)


@mistake("zca_whiten")
def zca_whiten_not_centred(x_train, x, eps=1e-5):
    """The covariance is computed from data whose mean was not taken off."""
    return _whiten(x_train, x, eps, centre=False)


@mistake("zca_whiten", row=86)
def zca_whiten_mean_of_new_data(x_train, x, eps=1e-5):
    """x is centred with its own mean. The mean must come from the training set, like the matrix."""
    return _whiten(x_train, x, eps, mean_of=x)


# linear


@mistake("linear_forward")
def linear_forward_no_bias(x, weight, bias=None):
    """The bias is not added."""
    y, (x, weight, _) = right.linear_forward(x, weight)
    return y, (x, weight, bias is not None)


@mistake("linear_backward")
def linear_backward_dweight_mean(dy, cache):
    """dweight is averaged over the samples. The gradients of all samples add up; where the loss is a mean, its 1/N is
    already in dy."""
    dx, dweight, dbias = right.linear_backward(dy, cache)
    return dx, dweight / len(dy), dbias


@mistake("linear_backward", row=13)
def linear_backward_dbias_mean(dy, cache):
    """dbias is averaged over the samples. The bias is added to every sample, so the gradients add up."""
    dx, dweight, dbias = right.linear_backward(dy, cache)
    return dx, dweight, None if dbias is None else dbias / len(dy)


@mistake("linear_backward")
def linear_backward_dbias_last(dy, cache):
    """dbias is the gradient of a single sample. Sum over the samples."""
    dx, dweight, dbias = right.linear_backward(dy, cache)
    return dx, dweight, None if dbias is None else dy[-1].copy()


@mistake("linear_backward", row=12)
def linear_backward_dweight_last(dy, cache):
    """dweight is the gradient of the last sample alone. Sum over the samples."""
    x, _, _ = cache
    dx, _, dbias = right.linear_backward(dy, cache)
    return dx, np.outer(dy[-1], x[-1]), dbias


@mistake("linear_backward")
def linear_backward_dweight_transposed(dy, cache):
    """dweight is transposed. It has the weight's own shape, (M, D)."""
    dx, dweight, dbias = right.linear_backward(dy, cache)
    return dx, dweight.T.copy(), dbias


_last = {}


def _linear_backward_global(dy, cache):
    return right.linear_backward(dy, _last["cache"])


@mistake("linear_forward", also={"linear_backward": _linear_backward_global})
def linear_forward_global_cache(x, weight, bias=None):
    """Your backward uses what the last forward left in a variable outside. When another forward comes in between, the
    gradients belong to the wrong input: take everything from the cache."""
    y, _last["cache"] = right.linear_forward(x, weight, bias)
    return y, None


@mistake("linear_backward")
def linear_backward_dbias_always(dy, cache):
    """Without a bias its gradient is None, not an array."""
    dx, dweight, _ = right.linear_backward(dy, cache)
    return dx, dweight, dy.sum(axis=0)


# cross_entropy


def _softmax(z, axis=1):
    z = np.exp(z - z.max(axis=axis, keepdims=True))
    return z / z.sum(axis=axis, keepdims=True)


@mistake("cross_entropy", row=33)
def cross_entropy_overflows(logits, targets):
    """The exponential of a large logit overflows to inf, and inf / inf is nan. Take the row's largest logit off first:
    softmax stays the same."""
    n = np.arange(len(logits))
    p = np.exp(logits)
    p = p / p.sum(axis=1, keepdims=True)
    loss = -np.log(p[n, targets]).mean()
    p[n, targets] -= 1
    return loss, p / len(logits)


@mistake("cross_entropy", row=33)
def cross_entropy_log_of_zero(logits, targets):
    """The softmax is stable, but its logarithm is taken afterwards: a probability that underflows to 0 gives inf. Take
    the logarithm of the sum of exponentials in place of the logarithm of the probability."""
    n, p = np.arange(len(logits)), _softmax(logits)
    return -np.log(p[n, targets]).mean(), right.cross_entropy(logits, targets)[1]


@mistake("cross_entropy", row=34)
def cross_entropy_gradient_not_averaged(logits, targets):
    """The loss is a mean over the batch, its gradient is not: divide it by the number of samples."""
    loss, gradient = right.cross_entropy(logits, targets)
    return loss, gradient * len(logits)


@mistake("cross_entropy", row=34)
def cross_entropy_loss_summed(logits, targets):
    """The loss is summed over the batch. It is the mean: divide by the number of samples."""
    loss, gradient = right.cross_entropy(logits, targets)
    return loss * len(logits), gradient


@mistake("cross_entropy", row=34)
def cross_entropy_nothing_averaged(logits, targets):
    """Loss and gradient are sums over the batch. Both are means: divide by the number of samples."""
    loss, gradient = right.cross_entropy(logits, targets)
    return loss * len(logits), gradient * len(logits)


@mistake("cross_entropy", row=34)
def cross_entropy_divided_twice(logits, targets):
    """The gradient is divided by the number of samples twice."""
    loss, gradient = right.cross_entropy(logits, targets)
    return loss, gradient / len(logits)


@mistake("cross_entropy", row=34)
def cross_entropy_averaged_over_classes(logits, targets):
    """The mean runs over samples and classes. Each sample has one target, so the mean is over samples alone."""
    loss, gradient = right.cross_entropy(logits, targets)
    return loss / logits.shape[1], gradient / logits.shape[1]


@mistake("cross_entropy", row=35)
def cross_entropy_eps_in_log(logits, targets):
    """A small number is added inside the logarithm. That caps the loss of a confident wrong answer. Work with the
    logarithm of the softmax: it needs no such help."""
    n, p = np.arange(len(logits)), _softmax(logits)
    return -np.log(p[n, targets] + 1e-12).mean(), right.cross_entropy(logits, targets)[1]


@mistake("cross_entropy", row=36)
def cross_entropy_over_the_batch(logits, targets):
    """The softmax runs along the batch. The classes of one sample compete, so it runs along axis 1."""
    n, p = np.arange(len(logits)), _softmax(logits, axis=0)
    loss = -np.log(np.maximum(p[n, targets], np.finfo(p.dtype).tiny)).mean()
    p[n, targets] -= 1
    return loss, p / len(logits)


@mistake("cross_entropy")
def cross_entropy_gradient_negated(logits, targets):
    """The gradient has the wrong sign: it is softmax minus one-hot. Raising the right logit lowers the loss."""
    loss, gradient = right.cross_entropy(logits, targets)
    return loss, -gradient


@mistake("cross_entropy")
def cross_entropy_gradient_is_softmax(logits, targets):
    """The gradient is the softmax alone: the 1 of the target class is not taken off."""
    loss, _ = right.cross_entropy(logits, targets)
    return loss, _softmax(logits) / len(logits)


@mistake("cross_entropy")
def cross_entropy_float64(logits, targets):
    """The gradient is float64 where the logits are float32: an array of float64 was mixed in."""
    loss, gradient = right.cross_entropy(logits, targets)
    return loss, gradient.astype(np.float64)


@mistake("cross_entropy")
def cross_entropy_in_place(logits, targets):
    """Your function changes the logits. Work on a copy: they belong to the caller."""
    result = right.cross_entropy(logits, targets)
    logits -= logits.max(axis=1, keepdims=True)
    return result


# regression_losses


@mistake("mean_squared_error")
def mean_squared_error_no_two(y_pred, y_true):
    """The gradient lacks the factor 2 of the square."""
    loss, gradient = right.mean_squared_error(y_pred, y_true)
    return loss, gradient / 2


@mistake("mean_squared_error")
def mean_squared_error_half(y_pred, y_true):
    """Loss and gradient are half of what is asked: there is no 1/2 before this square."""
    loss, gradient = right.mean_squared_error(y_pred, y_true)
    return loss / 2, gradient / 2


@mistake("mean_squared_error", row=34)
def mean_squared_error_over_rows(y_pred, y_true):
    """The mean runs over the rows alone. It runs over all entries."""
    loss, gradient = right.mean_squared_error(y_pred, y_true)
    return loss * y_pred.shape[1], gradient * y_pred.shape[1]


@mistake("mean_squared_error", row=34)
def mean_squared_error_gradient_not_averaged(y_pred, y_true):
    """The loss is a mean, its gradient is not: divide it by the number of entries, too."""
    loss, gradient = right.mean_squared_error(y_pred, y_true)
    return loss, gradient * y_pred.size


@mistake("mean_absolute_error")
def mean_absolute_error_one_at_zero(y_pred, y_true):
    """Where prediction and target are equal the gradient is 0, by convention."""
    error = y_pred - y_true
    return np.abs(error).mean(), np.where(error >= 0, 1, -1).astype(y_pred.dtype) / error.size


@mistake("mean_absolute_error")
def mean_absolute_error_sign(y_pred, y_true):
    """The gradient has the wrong sign: where the prediction is too large it is positive."""
    loss, gradient = right.mean_absolute_error(y_pred, y_true)
    return loss, -gradient


@mistake("mean_absolute_percentage_error")
def mean_absolute_percentage_error_fraction(y_pred, y_true):
    """The result is a fraction. It is asked in percent, times 100."""
    loss, gradient = right.mean_absolute_percentage_error(y_pred, y_true)
    return loss / 100, gradient / 100


@mistake("mean_absolute_percentage_error")
def mean_absolute_percentage_error_signed_target(y_pred, y_true):
    """The error is divided by t where it should be by |t|: negative targets turn the gradient around."""
    loss, _ = right.mean_absolute_percentage_error(y_pred, y_true)
    return loss, 100 * np.sign(y_pred - y_true) / y_true / y_pred.size


@mistake("mean_absolute_percentage_error")
def mean_absolute_percentage_error_of_prediction(y_pred, y_true):
    """The error is divided by the prediction. The percentage is of the target."""
    error = y_pred - y_true
    gradient = 100 * np.sign(error) / np.abs(y_pred) / error.size
    return 100 * np.abs(error / y_pred).mean(), gradient


@mistake("mean_squared_logarithmic_error")
def mean_squared_logarithmic_error_no_chain(y_pred, y_true):
    """The chain rule is missing: the gradient needs the derivative of log(1 + p), which is 1 / (1 + p)."""
    loss, gradient = right.mean_squared_logarithmic_error(y_pred, y_true)
    return loss, gradient * (1 + y_pred)


@mistake("mean_squared_logarithmic_error")
def mean_squared_logarithmic_error_log(y_pred, y_true):
    """The logarithm is of p and t, not of 1 + p and 1 + t: at 0 and below it gives inf or nan."""
    error = np.log(y_pred) - np.log(y_true)
    return (error**2).mean(), 2 * error / y_pred / error.size


@mistake("log_cosh", row=39)
def log_cosh_overflows(y_pred, y_true):
    """cosh of a large error overflows to inf. Write log cosh e by means of |e|, so that only small exponentials
    occur."""
    error = y_pred - y_true
    return np.log(np.cosh(error)).mean(), np.tanh(error) / error.size


@mistake("log_cosh")
def log_cosh_no_log2(y_pred, y_true):
    """The loss is too large by log 2: at an error of 0 it must be 0."""
    loss, gradient = right.log_cosh(y_pred, y_true)
    return loss + np.log(2.0), gradient


@mistake("log_cosh")
def log_cosh_gradient_sinh(y_pred, y_true):
    """The gradient is not that of log cosh: its derivative is tanh."""
    loss, _ = right.log_cosh(y_pred, y_true)
    return loss, np.sinh(y_pred - y_true) / y_pred.size


@mistake("cosine_similarity_loss", row=39)
def cosine_similarity_loss_not_normalised(y_pred, y_true):
    """The rows are not divided by their lengths: a longer prediction changes the loss, and a cosine must not see
    that."""
    loss = (1 - (y_pred * y_true).sum(axis=1)).mean()
    return loss, -y_true / len(y_pred)


@mistake("cosine_similarity_loss")
def cosine_similarity_loss_gradient_without_projection(y_pred, y_true):
    """The gradient forgets that the prediction's length depends on it. It must be orthogonal to the prediction, since
    longer or shorter makes no difference."""
    loss, _ = right.cosine_similarity_loss(y_pred, y_true)
    lengths = [np.linalg.norm(y, axis=1, keepdims=True) for y in (y_pred, y_true)]
    return loss, -y_true / lengths[0] / lengths[1] / len(y_pred)


@mistake("cosine_similarity_loss")
def cosine_similarity_loss_sign(y_pred, y_true):
    """The loss is the cosine itself, without 1 minus: it would be smallest for opposite directions."""
    loss, gradient = right.cosine_similarity_loss(y_pred, y_true)
    return 1 - loss, -gradient


@mistake("cosine_similarity_loss")
def cosine_similarity_loss_over_entries(y_pred, y_true):
    """One cosine is taken over all rows together. Each row has its own, and the mean runs over rows."""
    a, b = np.linalg.norm(y_pred), np.linalg.norm(y_true)
    cosine = (y_pred * y_true).sum() / (a * b)
    return 1 - cosine, (cosine * y_pred / a - y_true / b) / a


# classification_losses


@mistake("hinge")
def hinge_gradient_everywhere(y_pred, y_true):
    """The gradient is there for every entry. Where the margin is kept the loss is 0, and so is its gradient."""
    loss, _ = right.hinge(y_pred, y_true)
    return loss, -y_true / y_pred.size


@mistake("hinge")
def hinge_no_margin(y_pred, y_true):
    """The 1 of the margin is missing: max(0, -t p) is the perceptron's loss."""
    wrong = -y_true * y_pred
    return np.maximum(wrong, 0).mean(), np.where(wrong > 0, -y_true, 0) / wrong.size


@mistake("hinge", row=34)
def hinge_over_rows(y_pred, y_true):
    """The mean runs over the rows alone. It runs over all entries."""
    loss, gradient = right.hinge(y_pred, y_true)
    return loss * y_pred.shape[1], gradient * y_pred.shape[1]


@mistake("squared_hinge", row=38)
def squared_hinge_no_two(y_pred, y_true):
    """The gradient lacks the factor 2 of the square."""
    loss, gradient = right.squared_hinge(y_pred, y_true)
    return loss, gradient / 2


@mistake("squared_hinge")
def squared_hinge_gradient_of_hinge(y_pred, y_true):
    """The gradient is that of the hinge: the chain rule brings a factor of 2 times the margin's loss."""
    loss, _ = right.squared_hinge(y_pred, y_true)
    return loss, right.hinge(y_pred, y_true)[1]


@mistake("squared_hinge")
def squared_hinge_squares_the_kept(y_pred, y_true):
    """The margin is squared before max(0, ...): entries that keep it are punished, too."""
    margin = 1 - y_true * y_pred
    return (margin**2).mean(), -2 * y_true * margin / margin.size


@mistake("categorical_hinge", row=37)
def categorical_hinge_counts_the_right(y_pred, y_true):
    """The right class takes part in the maximum over wrong classes: its score must be left out."""
    right_score, best = (y_pred * y_true).sum(axis=1), y_pred.max(axis=1)
    loss = np.maximum(0, 1 + best - right_score)
    gradient = np.eye(y_pred.shape[1])[y_pred.argmax(axis=1)] - y_true
    return loss.mean(), gradient * (loss > 0)[:, None] / len(y_pred)


@mistake("categorical_hinge", row=37)
def categorical_hinge_forgets_the_right(y_pred, y_true):
    """The gradient of the right class is missing: raising its score lowers the loss."""
    loss, gradient = right.categorical_hinge(y_pred, y_true)
    return loss, np.maximum(gradient, 0)


@mistake("categorical_hinge")
def categorical_hinge_sums_the_wrong(y_pred, y_true):
    """All wrong classes are summed (Weston and Watkins). Here only the largest wrong score counts (Crammer and
    Singer)."""
    right_score = (y_pred * y_true).sum(axis=1, keepdims=True)
    margin = np.maximum(0, 1 + y_pred - right_score) * (1 - y_true)
    active = (margin > 0).astype(y_pred.dtype)
    return margin.sum(axis=1).mean(), (active - y_true * active.sum(axis=1, keepdims=True)) / len(y_pred)


@mistake("binary_cross_entropy")
def binary_cross_entropy_one_side(y_pred, y_true):
    """Only -t log p is there: where the target is 0 the loss is -log(1 - p)."""
    return -(y_true * np.log(y_pred)).mean(), -y_true / y_pred / y_pred.size


@mistake("binary_cross_entropy")
def binary_cross_entropy_gradient_of_logits(y_pred, y_true):
    """p - t is the gradient with respect to the logits. Here y_pred is a probability: divide by p (1 - p)."""
    loss, _ = right.binary_cross_entropy(y_pred, y_true)
    return loss, (y_pred - y_true) / y_pred.size


@mistake("binary_cross_entropy", row=34)
def binary_cross_entropy_over_rows(y_pred, y_true):
    """Entries are summed within a row. The mean runs over all entries."""
    loss, gradient = right.binary_cross_entropy(y_pred, y_true)
    return loss * y_pred.shape[1], gradient * y_pred.shape[1]


@mistake("categorical_cross_entropy", row=34)
def categorical_cross_entropy_over_entries(y_pred, y_true):
    """The mean runs over all entries. Classes are summed, and the mean runs over rows."""
    loss, gradient = right.categorical_cross_entropy(y_pred, y_true)
    return loss / y_pred.shape[1], gradient / y_pred.shape[1]


@mistake("categorical_cross_entropy")
def categorical_cross_entropy_renormalises(y_pred, y_true):
    """The predictions are divided by their sum. They are to be taken as they are."""
    total = y_pred.sum(axis=1, keepdims=True)
    loss, _ = right.categorical_cross_entropy(y_pred / total, y_true)
    return loss, (y_true.sum(axis=1, keepdims=True) / total - y_true / y_pred) / len(y_pred)


@mistake("categorical_cross_entropy")
def categorical_cross_entropy_gradient_of_logits(y_pred, y_true):
    """p - t is the gradient with respect to the logits of a softmax. Here y_pred is a probability: -t / p."""
    loss, _ = right.categorical_cross_entropy(y_pred, y_true)
    return loss, (y_pred - y_true) / len(y_pred)


@mistake("kl_divergence", row=39)
def kl_divergence_exchanged(y_pred, y_true):
    """The arguments are exchanged: the divergence is of the prediction from the target, with t before the
    logarithm."""
    t = np.where(y_true > 0, y_true, 1e-12)
    return (y_pred * np.log(y_pred / t)).sum(axis=1).mean(), (np.log(y_pred / t) + 1) / len(y_pred)


@mistake("kl_divergence")
def kl_divergence_nan_at_zero(y_pred, y_true):
    """A target of 0 gives 0 times log 0, which is nan in floating point. By convention that term is 0."""
    return (y_true * np.log(y_true / y_pred)).sum(axis=1).mean(), -y_true / y_pred / len(y_pred)


@mistake("kl_divergence", row=34)
def kl_divergence_over_entries(y_pred, y_true):
    """The mean runs over all entries. Classes are summed, and the mean runs over rows."""
    loss, gradient = right.kl_divergence(y_pred, y_true)
    return loss / y_pred.shape[1], gradient / y_pred.shape[1]


@mistake("kl_divergence")
def kl_divergence_cross_entropy(y_pred, y_true):
    """The entropy of the target is missing: this is the cross-entropy. Where p = t the divergence must be 0."""
    return right.categorical_cross_entropy(y_pred, y_true)


@mistake("poisson", row=39)
def poisson_sign(y_pred, y_true):
    """The sign is wrong: the loss is p - t log p."""
    loss, gradient = right.poisson(y_pred, y_true)
    return -loss, -gradient


@mistake("poisson")
def poisson_log_rate(y_pred, y_true):
    """The prediction is treated as the logarithm of the rate (exp(p) - t p). Here it is the rate itself."""
    return (np.exp(y_pred) - y_true * y_pred).mean(), (np.exp(y_pred) - y_true) / y_pred.size


@mistake("poisson")
def poisson_no_rate(y_pred, y_true):
    """The term p is missing: without it ever larger rates would be best."""
    return -(y_true * np.log(y_pred)).mean(), -y_true / y_pred / y_pred.size


# initializers: random, so a broken property names them


@mistake("glorot_uniform", shown_by="uniform_draws:sqrt3")
def glorot_uniform_three(shape, rng):
    """The bound is sqrt(3 / (fan_in + fan_out)); a uniform on ±a has variance a² / 3, and the variance that is wanted
    is 2 / (fan_in + fan_out)."""
    return right.glorot_uniform(shape, rng) / np.sqrt(2)


@mistake("glorot_uniform", shown_by="uniform_draws:normal")
def glorot_uniform_is_normal(shape, rng):
    """The weights are drawn from a normal distribution. Their variance is right, but they are to be uniform."""
    fan_in, fan_out = right._fans(shape)
    return rng.normal(0, np.sqrt(2 / (fan_in + fan_out)), shape)


@mistake("glorot_uniform", shown_by="uniform_draws:fan_in")
def glorot_uniform_fan_in_only(shape, rng):
    """Only fan_in stands in the bound. Glorot's rule keeps the balance of forward and backward: it needs the sum of
    both fans."""
    bound = np.sqrt(6 / right._fans(shape)[0])
    return rng.uniform(-bound, bound, shape)


@mistake("glorot_uniform", shown_by="uniform_draws:no_area")
def glorot_uniform_no_area(shape, rng):
    """The kernel's area is left out of the fans: each output of a convolution sees all its places."""
    bound = np.sqrt(6 / (shape[0] + shape[1]))
    return rng.uniform(-bound, bound, shape)


@mistake("glorot_uniform", shown_by="uniform_draws:variance")
def glorot_uniform_variance_as_bound(shape, rng):
    """The variance is used as the bound: the weights come out far too small."""
    bound = 2 / sum(right._fans(shape))
    return rng.uniform(-bound, bound, shape)


@mistake("he_normal", shown_by="mean_and_variance:one")
def he_normal_one(shape, rng):
    """The variance is 1 / fan_in. ReLU lets half of the variance through, which the factor 2 makes good."""
    return right.he_normal(shape, rng) / np.sqrt(2)


@mistake("he_normal", shown_by="mean_and_variance:fan_out")
def he_normal_fan_out(shape, rng):
    """fan_out is used where fan_in should be: the second entry of the shape counts the inputs."""
    return rng.normal(0, np.sqrt(2 / right._fans(shape)[1]), shape)


@mistake("he_normal", shown_by="mean_and_variance:squared")
def he_normal_variance_as_deviation(shape, rng):
    """The variance 2 / fan_in is passed where the standard deviation, its root, is wanted."""
    return rng.normal(0, 2 / right._fans(shape)[0], shape)


@mistake("he_normal", shown_by="mean_and_variance:no_area")
def he_normal_no_area(shape, rng):
    """The kernel's area is left out of fan_in: each output of a convolution sees all its places."""
    return rng.normal(0, np.sqrt(2 / shape[1]), shape)


@mistake("he_normal", row=57, shown_by="same_draws:global_state")
def he_normal_global_state(shape, rng):
    """The weights come from NumPy's global random state. Draw from the generator that is passed in, so that a run can
    be repeated."""
    return np.random.normal(0, np.sqrt(2 / right._fans(shape)[0]), shape)


@mistake("glorot_uniform", shown_by="not_equal:own_seed")
def glorot_uniform_own_seed(shape, rng):
    """Every call begins with a seed of its own, so that all layers start alike. Draw from the generator that is passed
    in."""
    return right.glorot_uniform(shape, np.random.default_rng(0))


# sgd


@mistake("sgd", row=40)
def sgd_damped(param, grad, state, lr=0.01, momentum=0.0, nesterov=False, weight_decay=0.0):
    """The gradient enters the velocity with a factor 1 - momentum. Here, as in torch, v = momentum v + g."""
    if momentum == 0:
        return right.sgd(param, grad, state, lr, 0.0, False, weight_decay)
    grad = grad + weight_decay * param
    velocity = momentum * state.get("v", 0) + (1 - momentum) * grad
    step = (1 - momentum) * grad + momentum * velocity if nesterov else velocity
    return (param - lr * step).astype(param.dtype), {"v": velocity}


@mistake("sgd", row=41)
def sgd_no_look_ahead(param, grad, state, lr=0.01, momentum=0.0, nesterov=False, weight_decay=0.0):
    """nesterov makes no difference: its step looks ahead, g + momentum v with the new v."""
    return right.sgd(param, grad, state, lr, momentum, False, weight_decay)


@mistake("sgd", row=41, twin="sgd_no_look_ahead")
def sgd_nesterov_old_velocity(param, grad, state, lr=0.01, momentum=0.0, nesterov=False, weight_decay=0.0):
    """Nesterov's step uses the old velocity. The look-ahead uses the new one."""
    if not nesterov:
        return right.sgd(param, grad, state, lr, momentum, False, weight_decay)
    grad = grad + weight_decay * param
    old = state.get("velocity", np.zeros_like(param))
    return param - lr * (grad + momentum * old), {"velocity": momentum * old + grad}


@mistake("sgd", row=44)
def sgd_no_weight_decay(param, grad, state, lr=0.01, momentum=0.0, nesterov=False, weight_decay=0.0):
    """weight_decay makes no difference: weight_decay times the parameter is added to the gradient."""
    return right.sgd(param, grad, state, lr, momentum, nesterov, 0.0)


@mistake("sgd", row=44)
def sgd_decoupled_decay(param, grad, state, lr=0.01, momentum=0.0, nesterov=False, weight_decay=0.0):
    """The decay is applied beside the momentum. Here it goes into the gradient, and so into the velocity."""
    new, state = right.sgd(param, grad, state, lr, momentum, nesterov, 0.0)
    return new - lr * weight_decay * param, state


@mistake("sgd", row=44)
def sgd_decay_doubled(param, grad, state, lr=0.01, momentum=0.0, nesterov=False, weight_decay=0.0):
    """The decay has a factor 2. Here, as in torch, weight_decay times the parameter is added, without the 2 of a
    square."""
    return right.sgd(param, grad, state, lr, momentum, nesterov, 2 * weight_decay)


@mistake("sgd", row=46)
def sgd_in_place(param, grad, state, lr=0.01, momentum=0.0, nesterov=False, weight_decay=0.0):
    """The parameter that was passed in is changed. Return a new one, and leave the old as it is."""
    new, state = right.sgd(param, grad, state, lr, momentum, nesterov, weight_decay)
    param[...] = new
    return param, state


@mistake("sgd", row=46)
def sgd_state_in_place(param, grad, state, lr=0.01, momentum=0.0, nesterov=False, weight_decay=0.0):
    """The velocity inside the state is changed in place: the same step from the same state gives another result. Put a
    new array into a new state."""
    if momentum == 0:
        return right.sgd(param, grad, state, lr, 0.0, False, weight_decay)
    grad = grad + weight_decay * param
    if "velocity" not in state:
        state = {"velocity": np.zeros_like(param)}
    state["velocity"] *= momentum
    state["velocity"] += grad
    step = grad + momentum * state["velocity"] if nesterov else state["velocity"]
    return param - lr * step, state


_shared: dict = {}


@mistake("sgd", row=46)
def sgd_shared_state(param, grad, state, lr=0.01, momentum=0.0, nesterov=False, weight_decay=0.0):
    """The velocity lives outside the state, so that all parameters share it. Everything that a rule remembers stands in
    the state that is passed in and returned."""
    if not state:
        _shared.clear()
    new, after = right.sgd(param, grad, dict(_shared), lr, momentum, nesterov, weight_decay)
    _shared.update(after)
    return new, {"begun": True}


@mistake("sgd")
def sgd_uphill(param, grad, state, lr=0.01, momentum=0.0, nesterov=False, weight_decay=0.0):
    """The step goes up the gradient: it must be taken off."""
    new, state = right.sgd(param, grad, state, lr, momentum, nesterov, weight_decay)
    return 2 * param - new, state


@mistake("sgd", row=40)
def sgd_rate_in_velocity(param, grad, state, lr=0.01, momentum=0.0, nesterov=False, weight_decay=0.0):
    """The first velocity starts from zero and misses the first gradient: at the first step v is g."""
    if momentum == 0 or state:
        return right.sgd(param, grad, state, lr, momentum, nesterov, weight_decay)
    velocity = momentum * (grad + weight_decay * param)
    return param - lr * velocity, {"velocity": velocity}


# adam


def _adam(param, grad, state, lr, betas, eps, weight_decay, amsgrad, **twist):
    """Adam with one thing done otherwise."""
    decoupled, beta1, beta2 = twist.get("decoupled", False), *betas
    old = param
    grad = grad + (0 if decoupled else weight_decay) * param
    t = state.get("t", twist.get("start", 0)) + 1
    m = beta1 * state.get("m", 0) + (1 - beta1) * grad
    v = beta2 * state.get("v", 0) + (1 - beta2) * grad**2
    largest = np.maximum(state.get("largest", v), v)
    used = largest if amsgrad else v
    correct1, correct2 = (1.0, 1.0) if twist.get("uncorrected") else (1 - beta1**t, 1 - beta2**t)
    if twist.get("exchange"):
        m_hat, v_hat = used / correct2, np.abs(m) / correct1
    else:
        m_hat, v_hat = m / correct1, used / correct2
    root = (v_hat if twist.get("no_root") else np.sqrt(v_hat)) + eps
    new = old - lr * m_hat / root - (lr * weight_decay * old if decoupled else 0)
    return new.astype(param.dtype), {"t": t, "m": m, "v": v, "largest": largest}


_ADAM = {"lr": 0.001, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, "amsgrad": False}


@mistake("adam", row=43)
def adam_uncorrected(param, grad, state, **options):
    """The bias correction is missing: m and v start at 0, and in the first steps they are too small. Divide them by
    1 - beta^t."""
    return _adam(param, grad, state, **_ADAM | options, uncorrected=True)


@mistake("adam", row=43)
def adam_counts_from_two(param, grad, state, **options):
    """The first step is corrected with t = 2. Count from 1: at the first step t is 1."""
    return _adam(param, grad, state, **_ADAM | options, start=1)


@mistake("adam", row=43)
def adam_exchanged(param, grad, state, **options):
    """m and v are exchanged in the step: m, the mean gradient, is divided by the root of v."""
    return _adam(param, grad, state, **_ADAM | options, exchange=True)


@mistake("adam", row=42)
def adam_eps_inside(param, grad, state, **options):
    """eps stands inside the root. It is added to the root."""
    return _adam_eps(param, grad, state, "inside", options)


@mistake("adam", row=42)
def adam_eps_before_correction(param, grad, state, **options):
    """eps is added before the bias correction of v. Correct v first, take the root, then add eps."""
    return _adam_eps(param, grad, state, "uncorrected", options)


def _adam_eps(param, grad, state, place, options):
    chosen = _ADAM | options
    eps = chosen["eps"]
    t, (beta1, beta2) = state.get("t", 0) + 1, chosen["betas"]
    # The right step for everything but eps, then the other denominator.
    _, after = right.adam(param, grad, state, **chosen)
    used = (after["largest"] if chosen["amsgrad"] else after["v"]) / (1 - beta2**t)
    root = np.sqrt(used + eps) if place == "inside" else np.sqrt(used) + eps / np.sqrt(1 - beta2**t)
    return (param - chosen["lr"] * after["m"] / (1 - beta1**t) / root).astype(param.dtype), after


@mistake("adam", row=44)
def adam_decoupled(param, grad, state, **options):
    """The decay is applied to the parameter directly: that is AdamW. Here it goes into the gradient."""
    return _adam(param, grad, state, **_ADAM | options, decoupled=True)


@mistake("adam", row=44)
def adam_no_weight_decay(param, grad, state, **options):
    """weight_decay makes no difference: weight_decay times the parameter is added to the gradient."""
    return right.adam(param, grad, state, **_ADAM | options | {"weight_decay": 0.0})


@mistake("adam")
def adam_no_amsgrad(param, grad, state, **options):
    """amsgrad makes no difference: with it the largest v so far stands in v's place."""
    return right.adam(param, grad, state, **_ADAM | options | {"amsgrad": False})


@mistake("adam")
def adam_no_root(param, grad, state, **options):
    """The root of v is missing: the step then depends on the scale of the gradient, and Adam's does not."""
    return _adam(param, grad, state, **_ADAM | options, no_root=True)


@mistake("adam")
def adam_betas_exchanged(param, grad, state, **options):
    """The two betas are exchanged: the first belongs to m, the second to v."""
    chosen = _ADAM | options
    return right.adam(param, grad, state, **chosen | {"betas": chosen["betas"][::-1]})


@mistake("adam", row=46)
def adam_state_in_place(param, grad, state, **options):
    """The state that was passed in is changed: the same step from the same state gives another result. Return a new
    state with new arrays."""
    new, after = right.adam(param, grad, state, **_ADAM | options)
    state.update(after)
    return new, state


@mistake("adam", row=46)
def adam_in_place(param, grad, state, **options):
    """The parameter that was passed in is changed. Return a new one, and leave the old as it is."""
    new, state = right.adam(param, grad, state, **_ADAM | options)
    param[...] = new
    return param, state


# more_optimizers


@mistake("adagrad", row=45)
def adagrad_forgets(param, grad, state, **options):
    """The squares of earlier steps are not there: Adagrad adds them all up."""
    _, after = right.adagrad(param, grad, state, **options)
    first = {"t": state["t"]} if state else {}
    return right.adagrad(param, grad, first, **options)[0], after


@mistake("adagrad", row=42)
def adagrad_eps_inside(param, grad, state, lr=0.01, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0,
                       eps=1e-10):  # fmt: skip
    """eps stands inside the root. It is added to the root."""
    options = {"weight_decay": weight_decay, "initial_accumulator_value": initial_accumulator_value}
    _, after = right.adagrad(param, grad, state, **options)
    rate = lr / (1 + (after["t"] - 1) * lr_decay)
    return param - rate * (grad + weight_decay * param) / np.sqrt(after["total"] + eps), after


@mistake("adagrad")
def adagrad_decay_from_one(param, grad, state, **options):
    """The rate has decayed already at the first step: the factor is 1 / (1 + (t - 1) lr_decay), with t from 1."""
    decay, lr = options.get("lr_decay", 0.0), options.get("lr", 0.01)
    t = state.get("t", 0) + 1
    rate = lr * (1 + (t - 1) * decay) / (1 + t * decay)
    return right.adagrad(param, grad, state, **options | {"lr": rate})


@mistake("adagrad")
def adagrad_starts_at_zero(param, grad, state, **options):
    """initial_accumulator_value makes no difference: the sum of squares starts from it."""
    return right.adagrad(param, grad, state, **options | {"initial_accumulator_value": 0.0})


@mistake("rmsprop", row=42)
def rmsprop_eps_inside(param, grad, state, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0,
                       centered=False):  # fmt: skip
    """eps stands inside the root. It is added to the root."""
    grad = grad + weight_decay * param
    square = alpha * state.get("square", 0) + (1 - alpha) * grad**2
    mean = alpha * state.get("mean", 0) + (1 - alpha) * grad
    velocity = momentum * state.get("velocity", 0) + grad / np.sqrt((square - mean**2 if centered else square) + eps)
    return param - lr * velocity, {"square": square, "mean": mean, "velocity": velocity}


@mistake("rmsprop")
def rmsprop_not_centred(param, grad, state, **options):
    """centered makes no difference: with it the square of the mean gradient is taken off the mean square."""
    return right.rmsprop(param, grad, state, **options | {"centered": False})


@mistake("rmsprop")
def rmsprop_alpha_exchanged(param, grad, state, **options):
    """alpha weighs the new square. It weighs the old mean: alpha old + (1 - alpha) new."""
    return right.rmsprop(param, grad, state, **options | {"alpha": 1 - options.get("alpha", 0.99)})


@mistake("rmsprop")
def rmsprop_momentum_on_gradient(param, grad, state, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0,
                                 centered=False):  # fmt: skip
    """Momentum collects the raw gradients, which are scaled afterwards. It collects the scaled ones."""
    grad = grad + weight_decay * param
    square = alpha * state.get("square", 0) + (1 - alpha) * grad**2
    mean = alpha * state.get("mean", 0) + (1 - alpha) * grad
    velocity = momentum * state.get("velocity", 0) + grad
    root = np.sqrt(square - mean**2 if centered else square) + eps
    return param - lr * velocity / root, {"square": square, "mean": mean, "velocity": velocity}


def _adadelta(param, grad, state, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0.0, after=False, forget=False):
    grad = grad + weight_decay * param
    square = rho * state.get("square", 0) + (1 - rho) * grad**2
    old = state.get("updates", np.zeros_like(param))
    update = np.sqrt(old + eps) / np.sqrt(square + eps) * grad
    updates = rho * old + (1 - rho) * update**2
    if after:
        update = np.sqrt(updates + eps) / np.sqrt(square + eps) * grad
    if forget:
        update = grad / np.sqrt(square + eps)
    return param - lr * update, {"square": square, "updates": updates}


@mistake("adadelta", row=45)
def adadelta_updates_after(param, grad, state, **options):
    """The mean square of updates already contains this step's update. The one before the step is used."""
    return _adadelta(param, grad, state, **options, after=True)


@mistake("adadelta", row=45)
def adadelta_no_units(param, grad, state, **options):
    """The root mean square of the updates is missing in the numerator: without it the step has the wrong units."""
    return _adadelta(param, grad, state, **options, forget=True)


@mistake("adadelta")
def adadelta_remembers_scaled(param, grad, state, lr=1.0, **options):
    """The mean of squared updates contains lr. It is taken of the update before lr multiplies it."""
    new, after = right.adadelta(param, grad, state, lr=lr, **options)
    rho, old = options.get("rho", 0.9), state.get("updates", np.zeros_like(param))
    return new, after | {"updates": rho * old + lr**2 * (after["updates"] - rho * old)}


@mistake("adamax")
def adamax_uncorrected(param, grad, state, **options):
    """m is not bias corrected: divide the rate by 1 - beta1^t."""
    beta1, t = options.get("betas", (0.9, 0.999))[0], state.get("t", 0) + 1
    return right.adamax(param, grad, state, **options | {"lr": options.get("lr", 0.002) * (1 - beta1**t)})


@mistake("adamax")
def adamax_max_does_not_fade(param, grad, state, **options):
    """The largest gradient does not fade: it is multiplied by beta2 before it is compared."""
    betas = options.get("betas", (0.9, 0.999))
    return right.adamax(param, grad, state, **options | {"betas": (betas[0], 1.0)})


@mistake("adamax")
def adamax_eps_in_the_step(param, grad, state, lr=0.002, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    """eps is added to the largest gradient at the end. In torch's form it is added to |g| before the maximum."""
    grad = grad + weight_decay * param
    t = state.get("t", 0) + 1
    m = betas[0] * state.get("m", 0) + (1 - betas[0]) * grad
    largest = np.maximum(betas[1] * state.get("largest", 0), np.abs(grad))
    new = param - lr / (1 - betas[0] ** t) * m / (largest + eps)
    return new, {"t": t, "m": m, "largest": largest}


@mistake("nadam")
def nadam_is_adam(param, grad, state, **options):
    """This is Adam: the look-ahead of Nesterov is missing."""
    options = {"lr": 0.002} | options
    options.pop("momentum_decay", None)
    return right.adam(param, grad, state, **options)


@mistake("nadam")
def nadam_constant_momentum(
    param, grad, state, lr=0.002, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, momentum_decay=0.004
):
    """The momentum does not warm up: mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2)."""
    grad = grad + weight_decay * param
    (beta1, beta2), t = betas, state.get("t", 0) + 1
    m = beta1 * state.get("m", 0) + (1 - beta1) * grad
    v = beta2 * state.get("v", 0) + (1 - beta2) * grad**2
    root = np.sqrt(v / (1 - beta2**t)) + eps
    step = (1 - beta1) / (1 - beta1**t) * grad + beta1 / (1 - beta1 ** (t + 1)) * m
    return param - lr * step / root, {"t": t, "m": m, "v": v}


@mistake("nadam")
def nadam_same_mu_twice(param, grad, state, lr=0.002, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0,
                        momentum_decay=0.004):  # fmt: skip
    """The look-ahead uses this step's mu for m. It uses the next step's."""
    grad = grad + weight_decay * param
    (beta1, beta2), t = betas, state.get("t", 0) + 1
    mu = beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))
    product = state.get("product", 1.0) * mu
    m = beta1 * state.get("m", 0) + (1 - beta1) * grad
    v = beta2 * state.get("v", 0) + (1 - beta2) * grad**2
    root = np.sqrt(v / (1 - beta2**t)) + eps
    step = (1 - mu) / (1 - product) * grad + mu / (1 - product * mu) * m
    return param - lr * step / root, {"t": t, "product": product, "m": m, "v": v}


# step_decay


@mistake("step_decay")
def step_decay_from_one(lr, factor, every, epoch):
    """Epochs are counted from 1, so that every drop comes one epoch early. The first epoch is number 0."""
    return lr * factor ** ((epoch + 1) // every)


@mistake("step_decay")
def step_decay_smooth(lr, factor, every, epoch):
    """The rate falls a little in every epoch. It is to fall in steps: round epoch / every down."""
    return lr * factor ** (epoch / every)


@mistake("step_decay")
def step_decay_loses_factor(lr, factor, every, epoch):
    """factor is taken as what is lost. It is what remains: the rate is multiplied by it."""
    return lr * (1 - factor) ** (epoch // every)


@mistake("step_decay")
def step_decay_once(lr, factor, every, epoch):
    """The rate falls only once. It falls again every few epochs."""
    return lr * factor if epoch >= every else lr


# penalties_and_constraints


@mistake("l1_penalty")
def l1_penalty_one_at_zero(w, strength):
    """At 0 the gradient is 0, by convention."""
    return strength * np.abs(w).sum(), (strength * np.where(w >= 0, 1, -1)).astype(w.dtype)


@mistake("l1_penalty")
def l1_penalty_mean(w, strength):
    """The penalty is the mean of the sizes. It is their sum, times strength."""
    value, gradient = right.l1_penalty(w, strength)
    return value / w.size, gradient / w.size


@mistake("l2_penalty", row=44)
def l2_penalty_half(w, strength):
    """Value and gradient are half of what is asked: there is no 1/2 before this sum of squares."""
    value, gradient = right.l2_penalty(w, strength)
    return value / 2, gradient / 2


@mistake("l2_penalty", row=44)
def l2_penalty_gradient_no_two(w, strength):
    """The gradient lacks the factor 2 of the square."""
    value, gradient = right.l2_penalty(w, strength)
    return value, gradient / 2


@mistake("l2_penalty")
def l2_penalty_norm(w, strength):
    """The penalty is the norm. It is the sum of squares, without the root."""
    norm = np.sqrt((w**2).sum())
    return strength * norm, strength * w / norm


@mistake("max_norm", row=47)
def max_norm_rescales_all(w, max_value, axis):
    """Short vectors are stretched to the bound, too. What is within the bound stays as it is."""
    return right.unit_norm(w, axis) * np.asarray(max_value, w.dtype)


@mistake("max_norm", row=47)
def max_norm_wrong_axis(w, max_value, axis):
    """The norm runs over the axes that were not named. `axis` says what is summed over: all inputs of one unit."""
    named = {a % w.ndim for a in (axis if isinstance(axis, tuple) else (axis,))}
    return right.max_norm(w, max_value, tuple(a for a in range(w.ndim) if a not in named))


@mistake("max_norm", row=47)
def max_norm_whole_array(w, max_value, axis):
    """One norm is taken of the whole array. Every unit has its own: sum over `axis` alone."""
    return right.max_norm(w, max_value, tuple(range(w.ndim)))


@mistake("max_norm")
def max_norm_clips_entries(w, max_value, axis):
    """Single entries are clipped. The bound is on the length of a vector, whose direction stays."""
    return np.clip(w, -max_value, max_value).astype(w.dtype)


@mistake("max_norm")
def max_norm_squared(w, max_value, axis):
    """The sum of squares is compared with the bound without a root."""
    square = (w**2).sum(axis=axis, keepdims=True)
    return np.where(square > max_value, w * (max_value / np.where(square > 0, square, 1)), w).astype(w.dtype)


@mistake("max_norm", row=46)
def max_norm_in_place(w, max_value, axis):
    """The array that was passed in is changed. A projection returns a new one."""
    w[...] = right.max_norm(w, max_value, axis)
    return w


@mistake("non_neg")
def non_neg_absolute(w):
    """Negative entries lose their sign. The nearest number that is not negative is 0."""
    return np.abs(w)


@mistake("non_neg", row=46)
def non_neg_in_place(w):
    """The array that was passed in is changed. A projection returns a new one."""
    w[w < 0] = 0
    return w


@mistake("unit_norm")
def unit_norm_nan_at_zero(w, axis):
    """A zero vector is divided by its length 0, which gives nan. It stays zero."""
    return w / np.sqrt((w**2).sum(axis=axis, keepdims=True))


@mistake("unit_norm", row=47)
def unit_norm_whole_array(w, axis):
    """One norm is taken of the whole array. Every unit has its own: sum over `axis` alone."""
    return right.unit_norm(w, tuple(range(w.ndim)))


@mistake("unit_norm")
def unit_norm_l1(w, axis):
    """The sizes are summed in place of the squares: the length of a vector is the root of its sum of squares."""
    norm = np.abs(w).sum(axis=axis, keepdims=True)
    return w / np.where(norm > 0, norm, 1)
