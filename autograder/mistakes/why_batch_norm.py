"""Known mistakes of unit 6. The docstring of each is what a student who made it is told."""

from __future__ import annotations

import numpy as np

from autograder.mistakes import mistake
from solutions import why_batch_norm as right
from solutions.batch_norm import batch_norm_backward

# noisy_batch_norm, the forward pass


def _plain(x, gamma, beta, eps=1e-5):
    """Batch normalization without noise, and its cache."""
    y, (_, cache) = right.noisy_batch_norm_forward(x, gamma, beta, None, 0, 0, training=False, eps=eps)
    return y, cache


def _uniform(rng, shape, half, like):
    return rng.uniform(-half, half, shape).astype(like.dtype)


@mistake("noisy_batch_norm_forward", shown_by="affine_noise:per_entry")
def noisy_batch_norm_per_entry(x, gamma, beta, rng, mean_range, std_range, training=True, eps=1e-5):
    """Every entry has noise of its own. The whole batch shares one factor and one shift for each feature:
    what jumps from step to step is the feature's distribution, not the single value."""
    y, inner = _plain(x, gamma, beta, eps)
    if not training:
        return y, (np.ones_like(gamma), inner)
    factor = 1 + _uniform(rng, x.shape, std_range, x)
    return factor * y + _uniform(rng, x.shape, mean_range, x), (factor, inner)


@mistake("noisy_batch_norm_forward", shown_by="affine_noise:shared")
def noisy_batch_norm_one_for_all(x, gamma, beta, rng, mean_range, std_range, training=True, eps=1e-5):
    """All features have the same noise. Each feature has a factor and a shift of its own."""
    y, inner = _plain(x, gamma, beta, eps)
    if not training:
        return y, (np.ones_like(gamma), inner)
    factor = 1 + _uniform(rng, 1, std_range, x)
    return factor * y + _uniform(rng, 1, mean_range, x), (factor, inner)


@mistake("noisy_batch_norm_forward", shown_by="affine_noise:no_shift")
def noisy_batch_norm_no_shift(x, gamma, beta, rng, mean_range, std_range, training=True, eps=1e-5):
    """The shift is missing: only a factor is random. The means are to jump as well as the deviations."""
    return right.noisy_batch_norm_forward(x, gamma, beta, rng, 0.0, std_range, training, eps)


@mistake("noisy_batch_norm_forward", shown_by="affine_noise:no_factor")
def noisy_batch_norm_no_factor(x, gamma, beta, rng, mean_range, std_range, training=True, eps=1e-5):
    """The factor is missing: only a shift is random. The deviations are to jump as well as the means."""
    return right.noisy_batch_norm_forward(x, gamma, beta, rng, mean_range, 0.0, training, eps)


@mistake("noisy_batch_norm_forward", shown_by="noise_fills_ranges:around_zero")
def noisy_batch_norm_factor_around_zero(x, gamma, beta, rng, mean_range, std_range, training=True, eps=1e-5):
    """Your factor varies around 0, so that features vanish or change their sign. It varies around 1: without
    noise, nothing is changed."""
    y, inner = _plain(x, gamma, beta, eps)
    if not training:
        return y, (np.ones_like(gamma), inner)
    factor = _uniform(rng, gamma.shape, std_range, x)
    return factor * y + _uniform(rng, gamma.shape, mean_range, x), (factor, inner)


@mistake("noisy_batch_norm_forward", shown_by="noise_fills_ranges:one_sided")
def noisy_batch_norm_one_sided(x, gamma, beta, rng, mean_range, std_range, training=True, eps=1e-5):
    """Factors are never below 1 and shifts never below 0. The noise goes to both sides."""
    y, inner = _plain(x, gamma, beta, eps)
    if not training:
        return y, (np.ones_like(gamma), inner)
    factor = (1 + rng.uniform(0, std_range, gamma.shape)).astype(x.dtype)
    return factor * y + rng.uniform(0, mean_range, gamma.shape).astype(x.dtype), (factor, inner)


@mistake("noisy_batch_norm_forward", shown_by="noise_fills_ranges:half_width")
def noisy_batch_norm_half_width(x, gamma, beta, rng, mean_range, std_range, training=True, eps=1e-5):
    """The noise fills only half of its range: the width of the interval was taken for what is allowed to each
    side."""
    return right.noisy_batch_norm_forward(x, gamma, beta, rng, mean_range / 2, std_range / 2, training, eps)


@mistake("noisy_batch_norm_forward", shown_by="noise_fills_ranges:swapped")
def noisy_batch_norm_ranges_swapped(x, gamma, beta, rng, mean_range, std_range, training=True, eps=1e-5):
    """The two ranges have changed places. mean_range is that of the shift, which moves the mean; std_range
    that of the factor, which changes the deviation."""
    return right.noisy_batch_norm_forward(x, gamma, beta, rng, std_range, mean_range, training, eps)


@mistake("noisy_batch_norm_forward", row=55, shown_by="noise_fills_ranges:normal")
def noisy_batch_norm_normal(x, gamma, beta, rng, mean_range, std_range, training=True, eps=1e-5):
    """The noise is drawn from a normal distribution. It is uniform: no value lies outside its range."""
    y, inner = _plain(x, gamma, beta, eps)
    if not training:
        return y, (np.ones_like(gamma), inner)
    factor = (1 + std_range * rng.standard_normal(gamma.shape)).astype(x.dtype)
    return factor * y + (mean_range * rng.standard_normal(gamma.shape)).astype(x.dtype), (factor, inner)


@mistake("noisy_batch_norm_forward", shown_by="noise_comes_last:before_affine")
def noisy_batch_norm_before_affine(x, gamma, beta, rng, mean_range, std_range, training=True, eps=1e-5):
    """The noise is applied to the normalised values, before gamma and beta. It comes last, so that the layers
    behind feel all of it."""
    _, inner = _plain(x, np.ones_like(gamma), np.zeros_like(beta), eps)
    noisy, (factor, _) = right.noisy_batch_norm_forward(
        x, np.ones_like(gamma), np.zeros_like(beta), rng, mean_range, std_range, training, eps
    )
    return gamma * noisy + beta, (factor, (*inner[:2], gamma, *inner[3:]))


@mistake("noisy_batch_norm_forward", row=53, shown_by="equal:noise")
def noisy_batch_norm_always_noisy(x, gamma, beta, rng, mean_range, std_range, training=True, eps=1e-5):
    """There is noise even with training=False. It is a disturbance of training alone."""
    return right.noisy_batch_norm_forward(x, gamma, beta, rng, mean_range, std_range, True, eps)


@mistake("noisy_batch_norm_forward", shown_by="not_equal:frozen")
def noisy_batch_norm_frozen(x, gamma, beta, rng, mean_range, std_range, training=True, eps=1e-5):
    """Every call has the same noise. Draw from the rng that was passed in, anew in each call: a new
    generator with a seed of its own always begins at the same place."""
    rng = np.random.default_rng(0)
    return right.noisy_batch_norm_forward(x, gamma, beta, rng, mean_range, std_range, training, eps)


@mistake("noisy_batch_norm_forward", row=57, shown_by="same_draws:global_state")
def noisy_batch_norm_global_state(x, gamma, beta, rng, mean_range, std_range, training=True, eps=1e-5):
    """The noise does not come from the rng that was passed in. Use its methods, so that whoever passes the
    same generator gets the same noise."""
    y, inner = _plain(x, gamma, beta, eps)
    if not training:
        return y, (np.ones_like(gamma), inner)
    factor = np.random.uniform(1 - std_range, 1 + std_range, gamma.shape).astype(x.dtype)
    return factor * y + np.random.uniform(-mean_range, mean_range, gamma.shape).astype(x.dtype), (
        factor,
        inner,
    )


@mistake("noisy_batch_norm_forward", row=61)
def noisy_batch_norm_unbiased(x, gamma, beta, rng, mean_range, std_range, training=True, eps=1e-5):
    """You normalise by the unbiased variance. The batch is normalised by its own variance, the mean of the
    squared deviations."""
    y, (factor, (*_, mode)) = right.noisy_batch_norm_forward(x, gamma, beta, rng, mean_range, std_range, training, eps)
    plain, _ = _plain(x, gamma, beta, eps)
    unbiased = np.sqrt(x.var(axis=0, ddof=1) + eps)
    shift = y - factor * plain
    x_hat = (x - x.mean(axis=0)) / unbiased
    return factor * (gamma * x_hat + beta) + shift, (factor, (x_hat, unbiased, gamma, mode))


@mistake("noisy_batch_norm_forward", row=62)
def noisy_batch_norm_eps_missing(x, gamma, beta, rng, mean_range, std_range, training=True, eps=1e-5):
    """eps makes no difference. It is added to the variance, as in batch normalization."""
    return right.noisy_batch_norm_forward(x, gamma, beta, rng, mean_range, std_range, training, 1e-5)


@mistake("noisy_batch_norm_forward", row=66)
def noisy_batch_norm_without_affine(x, gamma, beta, rng, mean_range, std_range, training=True, eps=1e-5):
    """Without noise, gamma and beta are lost. training=False leaves out the noise and nothing else."""
    y, cache = right.noisy_batch_norm_forward(x, gamma, beta, rng, mean_range, std_range, training, eps)
    return y if training else cache[1][0], cache


# noisy_batch_norm, the backward pass


@mistake("noisy_batch_norm_backward", row=52, shown_by="noise_goes_back:unscaled")
def noisy_batch_norm_factor_not_back(dy, cache):
    """The backward pass does not know the factor. The output was multiplied by it, so the gradient is
    multiplied by it first."""
    return batch_norm_backward(dy, cache[1])


@mistake("noisy_batch_norm_backward", shown_by="noise_goes_back:parameters_unscaled")
def noisy_batch_norm_parameters_unscaled(dy, cache):
    """dx goes through the factor, dgamma and dbeta do not. gamma and beta stand before the noise, so their
    gradients have to pass it, too."""
    return right.noisy_batch_norm_backward(dy, cache)[0], *batch_norm_backward(dy, cache[1])[1:]


def _keeps_rng(x, gamma, beta, rng, mean_range, std_range, training=True, eps=1e-5):
    y, cache = right.noisy_batch_norm_forward(x, gamma, beta, rng, mean_range, std_range, training, eps)
    return y, (cache, rng, std_range if training else 0.0)


@mistake(
    "noisy_batch_norm_backward",
    row=51,
    also={"noisy_batch_norm_forward": _keeps_rng},
    shown_by="noise_goes_back:new_noise",
)
def noisy_batch_norm_new_noise(dy, cache):
    """The backward pass draws new noise. A gradient belongs to one forward pass: keep the factor of that
    call in the cache."""
    (factor, inner), rng, std_range = cache
    factor = 1 + _uniform(rng, factor.shape, std_range, dy)
    return batch_norm_backward(dy * factor, inner)


@mistake("noisy_batch_norm_backward", row=70)
def noisy_batch_norm_constant_statistics(dy, cache):
    """The batch's mean and variance are treated as constants. They are used in either mode here, and they
    depend on x."""
    factor, (x_hat, std, gamma, _) = cache
    return batch_norm_backward(dy * factor, (x_hat, std, gamma, False))


@mistake("noisy_batch_norm_backward", row=71)
def noisy_batch_norm_parameters_averaged(dy, cache):
    """dgamma and dbeta are averages over the batch. Gradients of what is used several times add up."""
    dx, dgamma, dbeta = right.noisy_batch_norm_backward(dy, cache)
    return dx, dgamma / len(dy), dbeta / len(dy)


@mistake("noisy_batch_norm_backward", row=72)
def noisy_batch_norm_gamma_forgotten(dy, cache):
    """dx does not know gamma. The gradient passes the noise, then gamma, then the normalization."""
    factor, (x_hat, std, gamma, mode) = cache
    dx, _, _ = batch_norm_backward(dy * factor, (x_hat, std, np.ones_like(gamma), mode))
    return dx, *right.noisy_batch_norm_backward(dy, cache)[1:]


# covariate_shift


def _norm(x):
    return float(np.linalg.norm(np.ravel(x)))


@mistake("covariate_shift")
def covariate_shift_relative_to_after(grad_before, grad_after):
    """The difference is divided by the norm of the second gradient. It is relative to the gradient before the
    update."""
    cosine, _ = right.covariate_shift(grad_before, grad_after)
    return cosine, _norm(grad_after - grad_before) / _norm(grad_after)


@mistake("covariate_shift")
def covariate_shift_absolute(grad_before, grad_after):
    """The difference is not divided by anything. A change says little without the size of what has
    changed."""
    cosine, _ = right.covariate_shift(grad_before, grad_after)
    return cosine, _norm(grad_after - grad_before)


@mistake("covariate_shift")
def covariate_shift_of_norms(grad_before, grad_after):
    """You compare the two norms. Two gradients of equal length can point anywhere: take the norm of the
    difference, not the difference of the norms."""
    cosine, _ = right.covariate_shift(grad_before, grad_after)
    return cosine, abs(_norm(grad_after) - _norm(grad_before)) / _norm(grad_before)


@mistake("covariate_shift")
def covariate_shift_squared(grad_before, grad_after):
    """The relative difference is squared: the root is missing."""
    cosine, relative = right.covariate_shift(grad_before, grad_after)
    return cosine, relative**2


@mistake("covariate_shift")
def covariate_shift_inner_product(grad_before, grad_after):
    """The inner product is not a cosine yet. It is divided by both norms."""
    return float(np.ravel(grad_before) @ np.ravel(grad_after)), right.covariate_shift(grad_before, grad_after)[1]


@mistake("covariate_shift")
def covariate_shift_cosine_distance(grad_before, grad_after):
    """The cosine is taken off from one: that is a distance. Parallel gradients should give 1."""
    cosine, relative = right.covariate_shift(grad_before, grad_after)
    return 1 - cosine, relative


@mistake("covariate_shift")
def covariate_shift_absolute_cosine(grad_before, grad_after):
    """The cosine has lost its sign. A gradient that has turned around completely has the cosine -1."""
    cosine, relative = right.covariate_shift(grad_before, grad_after)
    return abs(cosine), relative


@mistake("covariate_shift")
def covariate_shift_by_rows(grad_before, grad_after):
    """The rows of a weight are compared one by one and averaged. A layer's gradient is one vector: flatten it
    first."""
    if grad_before.ndim == 1:
        return right.covariate_shift(grad_before, grad_after)
    rows = [right.covariate_shift(b, a) for b, a in zip(grad_before, grad_after, strict=True)]
    return float(np.mean([r[0] for r in rows])), float(np.mean([r[1] for r in rows]))


# gradient_predictiveness


def _predictiveness(loss_and_grad, w, step_sizes, point, change):
    start = loss_and_grad(w)[1]
    there = [loss_and_grad(point(w, a, start)) for a in step_sizes]
    losses = np.array([loss for loss, _ in there], w.dtype)
    return losses, np.array([change(grad, start) for _, grad in there], w.dtype)


def _distance(grad, start):
    return np.linalg.norm(grad - start)


@mistake("gradient_predictiveness")
def gradient_predictiveness_uphill(loss_and_grad, w, step_sizes):
    """You walk up. Gradient descent goes against the gradient."""
    return right.gradient_predictiveness(loss_and_grad, w, -step_sizes)


@mistake("gradient_predictiveness")
def gradient_predictiveness_unit_steps(loss_and_grad, w, step_sizes):
    """The gradient is brought to length one before the step. The step is a times the gradient as it is, the
    one that training takes."""
    return _predictiveness(loss_and_grad, w, step_sizes, lambda w, a, g: w - a * g / np.linalg.norm(g), _distance)


@mistake("gradient_predictiveness")
def gradient_predictiveness_relative(loss_and_grad, w, step_sizes):
    """The changes are divided by the norm of the gradient. They are asked for as they are."""
    return _predictiveness(
        loss_and_grad,
        w,
        step_sizes,
        lambda w, a, g: w - a * g,
        lambda grad, start: np.linalg.norm(grad - start) / np.linalg.norm(start),
    )


@mistake("gradient_predictiveness")
def gradient_predictiveness_squared(loss_and_grad, w, step_sizes):
    """The changes are sums of squares: the root is missing."""
    losses, changes = right.gradient_predictiveness(loss_and_grad, w, step_sizes)
    return losses, changes**2


@mistake("gradient_predictiveness")
def gradient_predictiveness_of_norms(loss_and_grad, w, step_sizes):
    """You compare the norms of the gradients. A gradient that only turns has changed, too: take the norm of
    the difference."""
    return _predictiveness(
        loss_and_grad,
        w,
        step_sizes,
        lambda w, a, g: w - a * g,
        lambda grad, start: abs(np.linalg.norm(grad) - np.linalg.norm(start)),
    )


@mistake("gradient_predictiveness")
def gradient_predictiveness_goes_on(loss_and_grad, w, step_sizes):
    """Each step begins where the last one ended. All of them begin at w: you look at one line at several
    distances."""
    start = loss_and_grad(w)[1]
    losses, changes = [], []
    for a in step_sizes:
        w = w - a * start
        loss, grad = loss_and_grad(w)
        losses.append(loss)
        changes.append(np.linalg.norm(grad - start))
    return np.array(losses, w.dtype), np.array(changes, w.dtype)


@mistake("gradient_predictiveness")
def gradient_predictiveness_loss_changes(loss_and_grad, w, step_sizes):
    """You return changes of the loss. The losses themselves are asked for; only of the gradients the
    change."""
    losses, changes = right.gradient_predictiveness(loss_and_grad, w, step_sizes)
    return (losses - loss_and_grad(w)[0]).astype(w.dtype), changes


@mistake("gradient_predictiveness")
def gradient_predictiveness_w_in_place(loss_and_grad, w, step_sizes):
    """w is moved in place, and the caller's weights are not where they were. Make a new array for each
    step."""
    results = right.gradient_predictiveness(loss_and_grad, w, step_sizes)
    w -= step_sizes[-1] * loss_and_grad(w)[1]
    return results


@mistake("gradient_predictiveness", row=18)
def gradient_predictiveness_in_double(loss_and_grad, w, step_sizes):
    """float32 goes in and float64 comes out. A list of Python numbers becomes an array of double precision;
    the results have the dtype of w."""
    losses, changes = right.gradient_predictiveness(loss_and_grad, w, step_sizes)
    return losses.astype(np.float64), changes.astype(np.float64)


# scale_invariance


@mistake("scale_invariance")
def scale_invariance_ratio_inverted(loss_and_grad, w, scale):
    """The ratio of the gradients is upside down. The gradient at the scaled weights is divided by that at
    w."""
    change, ratio, radial = right.scale_invariance(loss_and_grad, w, scale)
    return change, 1 / ratio, radial


@mistake("scale_invariance")
def scale_invariance_change_reversed(loss_and_grad, w, scale):
    """The change of the loss has the wrong sign. It is the loss at the scaled weights minus the loss at w."""
    change, ratio, radial = right.scale_invariance(loss_and_grad, w, scale)
    return -change, ratio, radial


@mistake("scale_invariance")
def scale_invariance_loss_ratio(loss_and_grad, w, scale):
    """You divide the losses. Their difference is asked for, which is zero where nothing changes."""
    _, ratio, radial = right.scale_invariance(loss_and_grad, w, scale)
    return loss_and_grad(scale * w)[0] / loss_and_grad(w)[0], ratio, radial


@mistake("scale_invariance")
def scale_invariance_squared_ratio(loss_and_grad, w, scale):
    """The ratio is one of squared norms: the root is missing."""
    change, ratio, radial = right.scale_invariance(loss_and_grad, w, scale)
    return change, ratio**2, radial


@mistake("scale_invariance")
def scale_invariance_radial_of_scaled(loss_and_grad, w, scale):
    """The radial part is taken at the scaled weights. Both, weights and gradient, are those at w."""
    change, ratio, _ = right.scale_invariance(loss_and_grad, w, scale)
    return change, ratio, float((scale * w) @ loss_and_grad(scale * w)[1])


@mistake("scale_invariance")
def scale_invariance_radial_cosine(loss_and_grad, w, scale):
    """The radial part is divided by the norms: that is a cosine. The inner product itself is asked for."""
    change, ratio, radial = right.scale_invariance(loss_and_grad, w, scale)
    return change, ratio, radial / (_norm(w) * _norm(loss_and_grad(w)[1]))


@mistake("scale_invariance")
def scale_invariance_shifted(loss_and_grad, w, scale):
    """The scale is added to the weights. It multiplies them."""
    loss, grad = loss_and_grad(w)
    moved_loss, moved = loss_and_grad(w + scale)
    return float(moved_loss - loss), _norm(moved) / _norm(grad), float(w @ grad)


# effective_learning_rate


@mistake("effective_learning_rate")
def effective_learning_rate_by_norm(lr, w):
    """You divide by the norm once. Two effects come together: the direction turns less for long weights,
    and the gradient itself is smaller there."""
    return float(lr / _norm(w))


@mistake("effective_learning_rate")
def effective_learning_rate_multiplied(lr, w):
    """You multiply by the squared norm. Longer weights turn more slowly, not faster."""
    return float(lr * _norm(w) ** 2)


@mistake("effective_learning_rate")
def effective_learning_rate_mean_square(lr, w):
    """You divide by the mean of the squares. The squared norm is their sum."""
    return float(lr / np.mean(w**2))


@mistake("effective_learning_rate")
def effective_learning_rate_matrix_norm(lr, w):
    """The norm of a matrix is taken as its largest singular value. All weights together are one vector
    here: sum all of their squares."""
    matrix = w.reshape(len(w), -1) if w.ndim > 1 else w[:, None]
    return float(lr / np.linalg.norm(matrix, 2) ** 2)


# statistics_noise


def _means(pool, batch_size, trials, rng, replace=False):
    return np.array([rng.choice(pool, batch_size, replace=replace).mean() for _ in range(trials)])


@mistake("statistics_noise", shown_by="deviation_is:with_replacement")
def statistics_noise_with_replacement(pool, batch_size, trials, rng):
    """Values are put back before the next one of the same batch is drawn. An epoch uses every sample once:
    within a batch they are drawn without replacement, and a batch of the whole pool does not vary at
    all."""
    return float(_means(pool, batch_size, trials, rng, replace=True).std())


@mistake("statistics_noise", shown_by="deviation_is:variance")
def statistics_noise_variance(pool, batch_size, trials, rng):
    """You return the variance of the batch means. The standard deviation is its root."""
    return float(_means(pool, batch_size, trials, rng).var())


@mistake("statistics_noise", shown_by="deviation_is:of_values")
def statistics_noise_of_values(pool, batch_size, trials, rng):
    """This is how much the values vary, not how much their means do. Take the mean of each batch first, and
    then the deviation of these means."""
    return float(np.std([rng.choice(pool, batch_size, replace=False) for _ in range(trials)]))


@mistake("statistics_noise", shown_by="deviation_is:of_sums")
def statistics_noise_of_sums(pool, batch_size, trials, rng):
    """You look at the sums of the batches. Divide by the batch size: it is the mean that normalises."""
    return float(_means(pool, batch_size, trials, rng).std() * batch_size)


@mistake("statistics_noise", shown_by="deviation_is:of_trials")
def statistics_noise_of_trials(pool, batch_size, trials, rng):
    """The deviation is divided by the root of the number of trials. That would be the error of the average
    over all trials; how much one batch varies does not depend on how often you look."""
    return float(_means(pool, batch_size, trials, rng).std() / np.sqrt(trials))


@mistake("statistics_noise", shown_by="deviation_is:zero")
def statistics_noise_same_batch(pool, batch_size, trials, rng):
    """Every trial sees the same batch. Draw a new one each time."""
    return float(np.std([pool[:batch_size].mean()] * trials))


@mistake("statistics_noise", shown_by="not_equal:frozen")
def statistics_noise_frozen(pool, batch_size, trials, rng):
    """Every call gives the same number. Draw from the rng that was passed in, in place of a generator with
    a seed of its own."""
    return right.statistics_noise(pool, batch_size, trials, np.random.default_rng(0))


@mistake("statistics_noise", row=57, shown_by="same_draws:global_state")
def statistics_noise_global_state(pool, batch_size, trials, rng):
    """The batches are not drawn with the rng that was passed in. Use its methods, so that the same generator
    gives the same result."""
    return float(np.std([np.random.choice(pool, batch_size, replace=False).mean() for _ in range(trials)]))


@mistake("statistics_noise")
def statistics_noise_shuffles_the_pool(pool, batch_size, trials, rng):
    """The pool that was passed in is shuffled in place. Shuffle a copy, or draw from it without changing
    it."""
    means = []
    for _ in range(trials):
        rng.shuffle(pool)
        means.append(pool[:batch_size].mean())
    return float(np.std(means))
