"""Known mistakes of unit 8. A docstring is what a student who made the mistake is told.

Draws cannot be compared, so mistakes in them are named by the tag of the property that they break.
"""

from __future__ import annotations

import itertools

import numpy as np

from autograder.mistakes import mistake
from solutions import dropout as right


def _layer(x, p, training, factor):
    """Multiplies in training by the factors that `factor()` draws; p = 1 gives zeros."""
    right._check(p)
    if not training:
        return x, None
    drawn = (factor() if p < 1 else np.zeros(x.shape)).astype(x.dtype)
    return x * drawn, drawn


def _inverted(kept, p):
    return kept / (1 - p)


# dropout, forward


@mistake("dropout_forward", row=48, shown_by="keep_rate:swapped")
def dropout_p_is_keep(x, p, rng, training=True):
    """You take p as the probability to keep an entry. Here, as in torch, p is the probability to drop it: a share of
    1 - p is kept, and divided by 1 - p."""
    right._check(p)
    factor = ((rng.random(x.shape) < p) / max(p, 1e-300)).astype(x.dtype) if training else None
    return right._multiplied(x, factor), factor


@mistake("dropout_forward", row=48, shown_by="keep_rate:reversed")
def dropout_comparison_reversed(x, p, rng, training=True):
    """The scale is right, and the comparison runs the wrong way: a share of p is kept, and the rest dropped. A uniform
    number is below p with probability p."""
    return _layer(x, p, training, lambda: _inverted(rng.random(x.shape) < p, p))


@mistake("dropout_forward", row=49, shown_by="keep_rate:unscaled")
def dropout_unscaled(x, p, rng, training=True):
    """What is kept is not divided by 1 - p in training. Then the next layer sees smaller sums in training than in
    evaluation."""
    return _layer(x, p, training, lambda: rng.random(x.shape) >= p)


@mistake("dropout_forward", row=49, shown_by="keep_rate:scaled_by_keep")
def dropout_scaled_by_keep(x, p, rng, training=True):
    """What is kept is multiplied by 1 - p in training. It must be divided by it, so that the expected value stays
    x."""
    return _layer(x, p, training, lambda: (rng.random(x.shape) >= p) * (1 - p))


@mistake("dropout_forward", row=49, shown_by="keep_rate:by_p")
def dropout_scaled_by_p(x, p, rng, training=True):
    """What is kept is divided by p. A share of 1 - p is kept, so 1 - p is what makes up for the loss."""
    return _layer(x, p, training, lambda: (rng.random(x.shape) >= p) / max(p, 1e-9) if p else np.ones(x.shape))


@mistake("dropout_forward", shown_by="keep_rate:by_share")
def dropout_scaled_by_share(x, p, rng, training=True):
    """What is kept is divided by the share that happened to be kept in this call. Divide by 1 - p, which does not
    depend on the draw: otherwise the entries of a batch depend on each other."""

    def factor():
        kept = rng.random(x.shape) >= p
        return kept / kept.mean()

    return _layer(x, p, training, factor)


@mistake("dropout_forward", row=49, shown_by="inactive:scaled")
def dropout_scaled_in_evaluation(x, p, rng, training=True):
    """x is multiplied by 1 - p in evaluation. With inverted dropout the scale is applied in training alone, and in
    evaluation there is nothing to do."""
    right._check(p)
    return right.dropout_forward(x, p, rng) if training else (x * (1 - p), None)


@mistake("dropout_forward", row=49, shown_by="inactive:scaled_up")
def dropout_scaled_up_in_evaluation(x, p, rng, training=True):
    """x is divided by 1 - p in evaluation, as if entries had been dropped. Nothing is dropped there, so nothing needs
    to be made up for."""
    right._check(p)
    return right.dropout_forward(x, p, rng) if training else (x / (1 - p), None)


@mistake("dropout_forward", row=50, shown_by="keep_rate:shared")
def dropout_one_mask_for_all(x, p, rng, training=True):
    """One mask serves all samples of the batch. Every sample needs draws of its own: the mask has the shape of x."""
    return _layer(x, p, training, lambda: _inverted(np.broadcast_to(rng.random(x.shape[1:]) >= p, x.shape), p))


@mistake("dropout_forward", row=50, shown_by="keep_rate:shared_1")
def dropout_whole_rows(x, p, rng, training=True):
    """One draw decides for all features of a sample. Every entry needs a draw of its own: the mask has the shape of
    x."""

    def factor():
        kept = rng.random((len(x), *[1] * (x.ndim - 1))) >= p
        return _inverted(np.broadcast_to(kept, x.shape), p)

    return _layer(x, p, training, factor)


@mistake("dropout_forward", row=53, shown_by="inactive:active")
def dropout_active_in_evaluation(x, p, rng, training=True):
    """Entries are dropped in evaluation, too. With training=False, x must pass as it is."""
    return right.dropout_forward(x, p, rng)


@mistake("dropout_forward", row=53, shown_by="inactive:exchanged")
def dropout_exchanged(x, p, rng, training=True):
    """Training and evaluation are exchanged: entries are dropped where training is False."""
    return right.dropout_forward(x, p, rng, not training)


@mistake("dropout_forward", row=54, shown_by="spread_over_calls:exact")
def dropout_exact_number(x, p, rng, training=True):
    """Exactly the same number of entries is dropped in every call. Each entry is dropped on its own, so their number
    varies: of 1000 entries with p = 0.5 it is 500, give or take 16."""

    def factor():
        order = rng.permutation(x.size).reshape(x.shape)
        return _inverted(order >= int(p * x.size), p)

    return _layer(x, p, training, factor)


@mistake("dropout_forward", row=55, shown_by="keep_rate:normal")
def dropout_normal_draws(x, p, rng, training=True):
    """Normal draws are compared with p. A normal number is below 0.3 with a probability of 0.62; a uniform one with
    0.3."""
    return _layer(x, p, training, lambda: _inverted(rng.standard_normal(x.shape) >= p, p) if p else np.ones(x.shape))


@mistake("dropout_forward", row=57, shown_by="same_draws:global_state")
def dropout_global_state(x, p, rng, training=True):
    """The mask comes from NumPy's global random state. Draw from the generator that is passed in, so that a run can be
    repeated."""
    return _layer(x, p, training, lambda: _inverted(np.random.random(x.shape) >= p, p))


@mistake("dropout_forward", row=57, shown_by=("not_equal:own_seed", "spread_over_calls:repeated"))
def dropout_own_seed(x, p, rng, training=True):
    """Every call makes a generator with the same seed, so that the same entries are dropped in every step. Draw from
    the generator that is passed in."""
    return right.dropout_forward(x, p, np.random.default_rng(0), training)


@mistake("dropout_forward", row=57)
def dropout_one_gives_nan(x, p, rng, training=True):
    """With p = 1 everything is dropped, and 0 divided by 1 - p is nan. The result is to be zeros: treat this end by
    itself."""
    if p < 1 or not training:
        return right.dropout_forward(x, p, rng, training)
    right._check(p)
    return x * np.nan, x * np.nan


@mistake("dropout_forward", row=57)
def dropout_one_divides_by_zero(x, p, rng, training=True):
    """With p = 1 you divide by zero. Everything is dropped then, and the result is zeros: treat this end by itself."""
    if p == 1 and training:
        raise ZeroDivisionError("float division by zero")
    return right.dropout_forward(x, p, rng, training)


@mistake("dropout_forward")
def dropout_refuses_one(x, p, rng, training=True):
    """p = 1 is refused. It is a probability like any other: the result is zeros."""
    if p == 1:
        raise ValueError("p must be less than 1")
    return right.dropout_forward(x, p, rng, training)


@mistake("dropout_forward")
def dropout_p_not_checked(x, p, rng, training=True):
    """A p outside [0, 1] is accepted. It is no probability: raise a ValueError."""
    if 0 <= p <= 1:
        return right.dropout_forward(x, p, rng, training)
    factor = ((rng.random(x.shape) >= p) / (1 - p)).astype(x.dtype) if training else None
    return right._multiplied(x, factor), factor


@mistake("dropout_forward")
def dropout_p_checked_in_training_only(x, p, rng, training=True):
    """A p outside [0, 1] is refused in training and accepted in evaluation. Check it before anything else."""
    return right.dropout_forward(x, p, rng) if training else (x, None)


@mistake("dropout_forward")
def dropout_p_asserted(x, p, rng, training=True):
    """A p outside [0, 1] ends in an AssertionError. The contract asks for a ValueError: assertions are for your own
    slips, and can be switched off."""
    if not 0 <= p <= 1:
        raise AssertionError
    return right.dropout_forward(x, p, rng, training)


@mistake("dropout_forward")
def dropout_float64(x, p, rng, training=True):
    """A float32 x gives a float64 result, since the mask was float64. Convert the mask to the dtype of x."""
    y, cache = right.dropout_forward(x.astype(np.float64), p, rng, training)
    return y if training else x, cache


@mistake("dropout_forward")
def dropout_two_axes_only(x, p, rng, training=True):
    """Your function expects two axes. Dropout works entry by entry, so that x may have any shape: use x.shape as a
    whole."""
    if x.ndim != 2:
        raise ValueError("too many values to unpack (expected 2)")
    return right.dropout_forward(x, p, rng, training)


@mistake("dropout_forward")
def dropout_in_place(x, p, rng, training=True):
    """x itself is changed. It belongs to the caller, and the layer before needs it in its backward pass: multiply into
    a new array."""
    y, cache = right.dropout_forward(x, p, rng, training)
    x[...] = y
    return x, cache


# dropout, backward


def _recalling_forward(layer):
    """A forward that keeps p and rng beside the factors."""

    def forward(x, p, rng, training=True):
        y, factor = layer(x, p, rng, training)
        return y, (factor, p, rng)

    return forward


def _new_dropout_mask(dy, cache):
    factor, p, rng = cache
    return dy if factor is None else right.dropout_forward(dy, p, rng)[0]


@mistake(
    "dropout_backward",
    row=51,
    shown_by="same_mask:new_mask",
    also={"dropout_forward": _recalling_forward(right.dropout_forward)},
)
def dropout_new_mask(dy, cache):
    """A new mask is drawn in the backward pass. The gradient must pass exactly where the entry passed: keep the
    forward's mask in the cache."""
    return _new_dropout_mask(dy, cache)


@mistake("dropout_backward", row=52, shown_by="same_mask:unscaled")
def dropout_backward_unscaled(dy, cache):
    """The gradient goes through the mask without the scale. The forward pass multiplied by mask / (1 - p), and so does
    the backward pass."""
    return dy if cache is None else dy * (cache != 0)


@mistake("dropout_backward", row=52, shown_by="same_mask:twice")
def dropout_backward_scaled_twice(dy, cache):
    """The gradient is divided by 1 - p twice: the scale stands in the cached mask already."""
    return dy if cache is None else dy * cache * cache


@mistake("dropout_backward", row=51, shown_by="same_mask:ignored")
def dropout_backward_ignores_the_mask(dy, cache):
    """The gradient passes as if nothing had been dropped. An entry that did not reach the output has no gradient."""
    return dy if cache is None or not np.any(cache) else dy.copy()


def _keeps_y(x, p, rng, training=True):
    y, _ = right.dropout_forward(x, p, rng, training)
    return y, (y, p if training else None)


@mistake("dropout_backward", shown_by="not_equal:zeros_of_y", also={"dropout_forward": _keeps_y})
def dropout_mask_from_zeros(dy, cache):
    """The mask is guessed from the zeros of y. An entry may be 0 without having been dropped, as many are after a
    ReLU, and then it has a gradient: keep the mask itself."""
    y, p = cache
    return dy if p is None else (dy * (y != 0) / (1 - p if p < 1 else 1)).astype(dy.dtype)


_last = {}


def _remembers(x, p, rng, training=True):
    y, _last["factor"] = right.dropout_forward(x, p, rng, training)
    return y, None


@mistake("dropout_backward", row=51, shown_by="same_mask:last_forward", also={"dropout_forward": _remembers})
def dropout_mask_of_the_last_forward(dy, cache):
    """The mask of the last forward is used, which was kept in a variable outside. When another forward comes between,
    it is the wrong one: take the mask from the cache."""
    return right.dropout_backward(dy, _last["factor"])


@mistake("dropout_backward", row=49, also={"dropout_forward": _recalling_forward(right.dropout_forward)})
def dropout_backward_scaled_in_evaluation(dy, cache):
    """In evaluation the gradient is divided by 1 - p. There y = x, so that the gradient passes as it is."""
    factor, p, _ = cache
    return dy / (1 - p) if factor is None else dy * factor


@mistake("dropout_backward")
def dropout_backward_in_place(dy, cache):
    """dy itself is changed. It belongs to the caller: multiply into a new array."""
    if cache is not None:
        dy *= cache
    return dy


# spatial_dropout2d


def _drawn(x, p, rng, shape):
    """Factors of inverted dropout for draws of this shape."""
    return lambda: _inverted(np.broadcast_to(rng.random(shape) >= p, x.shape), p)


@mistake("spatial_dropout2d_forward", row=56, shown_by="keep_rate:uneven")
def spatial_single_pixels(x, p, rng, training=True):
    """Single pixels are dropped. Spatial dropout drops a map as a whole: one draw per sample and channel, repeated over
    height and width."""
    return _layer(x, p, training, _drawn(x, p, rng, x.shape))


@mistake("spatial_dropout2d_forward", row=56, shown_by="keep_rate:shared_1")
def spatial_whole_samples(x, p, rng, training=True):
    """All maps of a sample are dropped together. Each map needs a draw of its own: per sample and channel."""
    return _layer(x, p, training, _drawn(x, p, rng, (len(x), 1, 1, 1)))


@mistake("spatial_dropout2d_forward", row=56, shown_by="keep_rate:shared")
def spatial_whole_channels(x, p, rng, training=True):
    """The same channels are dropped in all samples of the batch. Draws are made per sample, too."""
    return _layer(x, p, training, _drawn(x, p, rng, (1, x.shape[1], 1, 1)))


@mistake("spatial_dropout2d_forward", row=56, shown_by="keep_rate:uneven_12")
def spatial_channels_last(x, p, rng, training=True):
    """Columns of pixels are dropped: the mask is made for channels on the last axis. Here the layout is (N, C, H, W),
    so the mask has the shape (N, C, 1, 1)."""
    return _layer(x, p, training, _drawn(x, p, rng, (len(x), 1, 1, x.shape[3])))


@mistake("spatial_dropout2d_forward", row=48, shown_by="keep_rate:swapped")
def spatial_p_is_keep(x, p, rng, training=True):
    """You take p as the probability to keep a map. Here it is the probability to drop it."""
    right._check(p)
    kept = rng.random((*x.shape[:2], 1, 1)) < p
    factor = (kept / max(p, 1e-300)).astype(x.dtype) if training else None
    return right._multiplied(x, factor), factor


@mistake("spatial_dropout2d_forward", row=49, shown_by="keep_rate:unscaled")
def spatial_unscaled(x, p, rng, training=True):
    """The maps that are kept are not divided by 1 - p in training."""
    return _layer(x, p, training, lambda: np.broadcast_to(rng.random((*x.shape[:2], 1, 1)) >= p, x.shape))


@mistake("spatial_dropout2d_forward", row=53, shown_by="inactive:active")
def spatial_active_in_evaluation(x, p, rng, training=True):
    """Maps are dropped in evaluation, too. With training=False, x must pass as it is."""
    return right.spatial_dropout2d_forward(x, p, rng)


@mistake("spatial_dropout2d_forward", row=54, shown_by="spread_over_calls:exact")
def spatial_exact_number(x, p, rng, training=True):
    """Exactly the same number of maps is dropped in every call. Each map is dropped on its own, so their number
    varies."""

    def factor():
        n, c = x.shape[:2]
        kept = rng.permutation(n * c).reshape(n, c, 1, 1) >= int(p * n * c)
        return _inverted(np.broadcast_to(kept, x.shape), p)

    return _layer(x, p, training, factor)


@mistake("spatial_dropout2d_forward", row=57)
def spatial_one_gives_nan(x, p, rng, training=True):
    """With p = 1 every map is dropped, and 0 divided by 1 - p is nan. The result is to be zeros."""
    if p < 1 or not training:
        return right.spatial_dropout2d_forward(x, p, rng, training)
    right._check(p)
    return x * np.nan, x * np.nan


@mistake("spatial_dropout2d_forward", row=57, shown_by="same_draws:global_state")
def spatial_global_state(x, p, rng, training=True):
    """The mask comes from NumPy's global random state. Draw from the generator that is passed in."""
    return _layer(x, p, training, _drawn(x, p, np.random, (*x.shape[:2], 1, 1)))


@mistake(
    "spatial_dropout2d_backward",
    row=51,
    shown_by="same_mask:new_mask",
    also={"spatial_dropout2d_forward": _recalling_forward(right.spatial_dropout2d_forward)},
)
def spatial_new_mask(dy, cache):
    """A new mask is drawn in the backward pass. The gradient must pass through exactly those maps that were kept."""
    factor, p, rng = cache
    return dy if factor is None else right.spatial_dropout2d_forward(dy, p, rng)[0]


@mistake("spatial_dropout2d_backward", row=52, shown_by="same_mask:unscaled")
def spatial_backward_unscaled(dy, cache):
    """The gradient goes through the right maps, without the scale of the forward pass."""
    return dy if cache is None else dy * (cache != 0)


@mistake("spatial_dropout2d_forward")
def spatial_p_not_checked(x, p, rng, training=True):
    """A p outside [0, 1] is accepted. It is no probability: raise a ValueError."""
    if 0 <= p <= 1:
        return right.spatial_dropout2d_forward(x, p, rng, training)
    factor = ((rng.random((*x.shape[:2], 1, 1)) >= p) / (1 - p)).astype(x.dtype) if training else None
    return right._multiplied(x, factor), factor


# gaussian_dropout


def _noise(x, p, training, factor):
    """Multiplies in training by `factor()`."""
    right._check(p, below_one=True)
    drawn = factor().astype(x.dtype) if training else None
    return right._multiplied(x, drawn), drawn


@mistake("gaussian_dropout_forward", row=58, shown_by="noise_is:p")
def gaussian_variance_p(x, p, rng, training=True):
    """The noise has the variance p. Inverted dropout's factors have the variance p / (1 - p), and Gaussian dropout
    takes theirs."""
    return _noise(x, p, training, lambda: rng.normal(1, np.sqrt(p), x.shape))


@mistake("gaussian_dropout_forward", row=58, shown_by="noise_is:deviation")
def gaussian_variance_as_deviation(x, p, rng, training=True):
    """p / (1 - p) is passed as the standard deviation. It is the variance: take its root."""
    return _noise(x, p, training, lambda: rng.normal(1, p / (1 - p), x.shape))


@mistake("gaussian_dropout_forward", row=48, shown_by="noise_is:reciprocal")
def gaussian_p_is_keep(x, p, rng, training=True):
    """The variance is (1 - p) / p: p is taken as the probability to keep. Here it is the probability to drop."""
    return _noise(x, p, training, lambda: rng.normal(1, np.sqrt((1 - p) / p) if p else 0, x.shape))


@mistake("gaussian_dropout_forward", row=58, shown_by="noise_is:zero_mean")
def gaussian_zero_mean(x, p, rng, training=True):
    """x is multiplied by noise of mean 0, which leaves nothing of it on average. The noise has the mean 1."""
    return _noise(x, p, training, lambda: rng.normal(0, np.sqrt(p / (1 - p)), x.shape) if p else np.ones(x.shape))


@mistake("gaussian_dropout_forward", row=58, shown_by="noise_is:additive")
def gaussian_additive(x, p, rng, training=True):
    """The noise is added to x. It multiplies x, so that large activations get large noise, as in dropout."""
    return _noise(x, p, training, lambda: 1 + rng.normal(0, np.sqrt(p / (1 - p)), x.shape) / x)


@mistake("gaussian_dropout_forward", row=58, shown_by="noise_is:few_values")
def gaussian_is_a_mask(x, p, rng, training=True):
    """This is ordinary dropout: its factors have the right mean and variance, but take two values. The noise is to be
    normal."""
    return _noise(x, p, training, lambda: (rng.random(x.shape) >= p) / (1 - p))


@mistake("gaussian_dropout_forward", row=55, shown_by="noise_is:not_normal")
def gaussian_uniform_noise(x, p, rng, training=True):
    """The noise has the right mean and variance, but it is uniform, not normal."""
    half = np.sqrt(3 * p / (1 - p)) if p < 1 else 0
    return _noise(x, p, training, lambda: rng.uniform(1 - half, 1 + half, x.shape))


@mistake("gaussian_dropout_forward", row=50, shown_by="shared_noise:shared")
def gaussian_one_noise_for_all(x, p, rng, training=True):
    """One noise serves all samples of the batch. Every entry needs a draw of its own."""

    def factor():
        return np.broadcast_to(rng.normal(1, np.sqrt(p / (1 - p)), x.shape[1:]), x.shape)

    return _noise(x, p, training, factor)


@mistake("gaussian_dropout_forward", row=53, shown_by="inactive:active")
def gaussian_active_in_evaluation(x, p, rng, training=True):
    """There is noise in evaluation, too. With training=False, x must pass as it is."""
    return right.gaussian_dropout_forward(x, p, rng)


@mistake("gaussian_dropout_forward")
def gaussian_accepts_one(x, p, rng, training=True):
    """p = 1 is accepted, or ends in a division by zero. The noise would be infinite: raise a ValueError."""
    if p == 1 and training:
        raise ZeroDivisionError("float division by zero")
    return (x, None) if p == 1 else right.gaussian_dropout_forward(x, p, rng, training)


@mistake(
    "gaussian_dropout_backward",
    row=51,
    shown_by="same_mask:new_mask",
    also={"gaussian_dropout_forward": _recalling_forward(right.gaussian_dropout_forward)},
)
def gaussian_new_noise(dy, cache):
    """New noise is drawn in the backward pass. The gradient is multiplied by the noise that x was multiplied by: keep
    it in the cache."""
    factor, p, rng = cache
    return dy if factor is None else right.gaussian_dropout_forward(dy, p, rng)[0]


@mistake("gaussian_dropout_backward", row=51, shown_by="same_mask:ignored")
def gaussian_backward_ignores_the_noise(dy, cache):
    """The gradient passes as it is, as if the noise had been added. It multiplied x, so it multiplies the gradient."""
    return dy


# drop_path


@mistake("drop_path_forward", row=56, shown_by="keep_rate:uneven")
def drop_path_single_entries(branch, p, rng, training=True):
    """Single entries are dropped. Stochastic depth keeps or drops the branch of a sample as a whole: one draw per
    sample."""
    return _layer(branch, p, training, _drawn(branch, p, rng, branch.shape))


@mistake("drop_path_forward", row=56, shown_by=("keep_rate:uneven_2", "keep_rate:uneven_23"))
def drop_path_per_channel(branch, p, rng, training=True):
    """Each channel of a sample has a draw of its own. Stochastic depth keeps or drops the branch of a sample as a
    whole: one draw per sample."""
    shape = (*branch.shape[:2], *[1] * (branch.ndim - 2))
    return _layer(branch, p, training, _drawn(branch, p, rng, shape))


@mistake("drop_path_forward", row=50, shown_by="fates_differ:together")
def drop_path_whole_batch(branch, p, rng, training=True):
    """One draw decides for the whole batch. Each sample needs a draw of its own."""
    return _layer(branch, p, training, _drawn(branch, p, rng, [1] * branch.ndim))


@mistake("drop_path_forward", row=48, shown_by="keep_rate:swapped")
def drop_path_p_is_survival(branch, p, rng, training=True):
    """You take p as the probability that the branch survives, as in the paper. Here it is the probability to drop
    it."""
    right._check(p)
    kept = rng.random((len(branch), *[1] * (branch.ndim - 1))) < p
    factor = (kept / max(p, 1e-300)).astype(branch.dtype) if training else None
    return right._multiplied(branch, factor), factor


@mistake("drop_path_forward", row=49, shown_by="keep_rate:unscaled")
def drop_path_unscaled(branch, p, rng, training=True):
    """What is kept is not divided by 1 - p in training. The paper scales in evaluation instead; here the form is
    inverted, as in dropout."""

    def factor():
        kept = rng.random((len(branch), *[1] * (branch.ndim - 1))) >= p
        return np.broadcast_to(kept, branch.shape)

    return _layer(branch, p, training, factor)


@mistake("drop_path_forward", row=49, shown_by="inactive:scaled")
def drop_path_scaled_in_evaluation(branch, p, rng, training=True):
    """The branch is multiplied by 1 - p in evaluation. With the inverted form the scale is applied in training
    alone."""
    right._check(p)
    return right.drop_path_forward(branch, p, rng) if training else (branch * (1 - p), None)


@mistake("drop_path_forward", row=53, shown_by="inactive:active")
def drop_path_active_in_evaluation(branch, p, rng, training=True):
    """Branches are dropped in evaluation, too. With training=False, the branch must pass as it is."""
    return right.drop_path_forward(branch, p, rng)


@mistake("drop_path_forward", row=54, shown_by="spread_over_calls:exact")
def drop_path_exact_number(branch, p, rng, training=True):
    """Exactly the same number of samples is dropped in every call. Each is dropped on its own, so their number
    varies."""

    def factor():
        n = len(branch)
        kept = rng.permutation(n).reshape(n, *[1] * (branch.ndim - 1)) >= int(p * n)
        return _inverted(np.broadcast_to(kept, branch.shape), p)

    return _layer(branch, p, training, factor)


@mistake("drop_path_forward", row=57)
def drop_path_one_gives_nan(branch, p, rng, training=True):
    """With p = 1 every branch is dropped, and 0 divided by 1 - p is nan. The result is to be zeros."""
    if p < 1 or not training:
        return right.drop_path_forward(branch, p, rng, training)
    right._check(p)
    return branch * np.nan, branch * np.nan


@mistake("drop_path_backward", row=52, shown_by="same_mask:unscaled")
def drop_path_backward_unscaled(dy, cache):
    """The gradient goes through the right samples, without the scale of the forward pass."""
    return dy if cache is None else dy * (cache != 0)


@mistake("drop_path_backward", row=51, shown_by="same_mask:ignored")
def drop_path_backward_ignores_the_mask(dy, cache):
    """The gradient passes as if no branch had been dropped. A branch that did not reach the output has no gradient."""
    return dy if cache is None or not np.any(cache) else dy.copy()


# drop_block2d


def _blocks(x, p, k, rng, training, *, gamma=None, shape=None, cut=False, scale=None):
    """DropBlock with another rate of seeds, shape of draws, or scale; cut: seeds lie up to the border."""
    right._check(p)
    if not training:
        return x, None
    n, c, height, width = x.shape
    rows, columns = (height, width) if cut else (height - k + 1, width - k + 1)
    rate = p * height * width / (k * k * (height - k + 1) * (width - k + 1)) if gamma is None else gamma
    seeds = np.broadcast_to(rng.random((*(shape or (n, c)), rows, columns)) < rate, (n, c, rows, columns))
    dropped = np.zeros((n, c, rows + k - 1, columns + k - 1), dtype=bool)
    for i, j in itertools.product(range(k), repeat=2):
        dropped[:, :, i : i + rows, j : j + columns] |= seeds
    border = k // 2 if cut else 0
    kept = ~dropped[:, :, border : border + height, border : border + width]
    factor = (scale(kept) if scale else kept * kept.size / max(kept.sum(), 1)).astype(x.dtype)
    return x * factor, factor


@mistake("drop_block2d_forward", row=56, shown_by="blocks_dropped:not_blocks")
def drop_block_single_pixels(x, p, block_size, rng, training=True):
    """Single entries are dropped, not squares. A seed stands for a whole square of block_size around it."""
    return _blocks(x, p, 1, rng, training)


@mistake("drop_block2d_forward", shown_by="blocks_dropped:cut")
def drop_block_cut_at_the_border(x, p, block_size, rng, training=True):
    """Squares are cut off at the border: seeds are drawn in the whole picture. Draw them only where the whole square
    lies inside."""
    return _blocks(x, p, block_size, rng, training, cut=True)


@mistake("drop_block2d_forward", shown_by="blocks_dropped:rate_p")
def drop_block_seeds_at_rate_p(x, p, block_size, rng, training=True):
    """Seeds are drawn with probability p. Each seed drops a whole square, so that far more than a share of p is lost:
    the rate of seeds is smaller, by the area of the square."""
    return _blocks(x, p, block_size, rng, training, gamma=p)


@mistake("drop_block2d_forward", shown_by="blocks_dropped:rate_area")
def drop_block_rate_without_the_region(x, p, block_size, rng, training=True):
    """The rate of seeds is p divided by the square's area. Seeds lie in a smaller region than the picture, so the rate
    is higher by H W / ((H - k + 1)(W - k + 1))."""
    return _blocks(x, p, block_size, rng, training, gamma=p / block_size**2)


@mistake("drop_block2d_forward", row=49, shown_by="blocks_dropped:unscaled")
def drop_block_unscaled(x, p, block_size, rng, training=True):
    """What is kept is not scaled. Multiply it by the number of all entries over the number of those kept."""
    return _blocks(x, p, block_size, rng, training, scale=lambda kept: kept)


@mistake("drop_block2d_forward", row=49, shown_by="blocks_dropped:by_p")
def drop_block_scaled_by_keep_rate(x, p, block_size, rng, training=True):
    """What is kept is divided by 1 - p. Squares overlap, so that less than p is dropped: count what was kept, and
    divide by its share."""
    return _blocks(x, p, block_size, rng, training, scale=lambda kept: kept / (1 - p if p < 1 else 1))


@mistake("drop_block2d_forward", shown_by="blocks_dropped:by_sample")
def drop_block_scaled_by_sample(x, p, block_size, rng, training=True):
    """The share that was kept is counted for each sample. It is counted once, in the whole array."""

    def scale(kept):
        share = kept.mean(axis=(1, 2, 3), keepdims=True)
        return kept / np.where(share > 0, share, 1)

    return _blocks(x, p, block_size, rng, training, scale=scale)


@mistake("drop_block2d_forward", row=50, shown_by="blocks_dropped:shared_1")
def drop_block_same_in_all_channels(x, p, block_size, rng, training=True):
    """All channels of a sample lose the same squares. Seeds are drawn per sample and channel."""
    return _blocks(x, p, block_size, rng, training, shape=(len(x), 1))


@mistake("drop_block2d_forward", row=50, shown_by="blocks_dropped:shared")
def drop_block_same_in_all_samples(x, p, block_size, rng, training=True):
    """All samples lose the same squares. Seeds are drawn per sample and channel."""
    return _blocks(x, p, block_size, rng, training, shape=(1, x.shape[1]))


@mistake("drop_block2d_forward", row=53, shown_by="inactive:active")
def drop_block_active_in_evaluation(x, p, block_size, rng, training=True):
    """Squares are dropped in evaluation, too. With training=False, x must pass as it is."""
    return right.drop_block2d_forward(x, p, block_size, rng)


@mistake("drop_block2d_forward", row=57)
def drop_block_nothing_left_gives_nan(x, p, block_size, rng, training=True):
    """When nothing is left, the scale divides by zero. Then the result is zeros."""
    y, factor = right.drop_block2d_forward(x, p, block_size, rng, training)
    if factor is not None and not np.any(factor):
        return y * np.nan, factor * np.nan
    return y, factor


def _recalling_blocks(x, p, block_size, rng, training=True):
    y, factor = right.drop_block2d_forward(x, p, block_size, rng, training)
    return y, (factor, p, block_size, rng)


@mistake(
    "drop_block2d_backward",
    row=51,
    shown_by="same_mask:new_mask",
    also={"drop_block2d_forward": _recalling_blocks},
)
def drop_block_new_mask(dy, cache):
    """New squares are drawn in the backward pass. Keep the forward's in the cache."""
    factor, *arguments = cache
    return dy if factor is None else right.drop_block2d_forward(dy, *arguments)[0]


@mistake("drop_block2d_backward", row=52, shown_by="same_mask:unscaled")
def drop_block_backward_unscaled(dy, cache):
    """The gradient goes through the right entries, without the scale of the forward pass."""
    return dy if cache is None else dy * (cache != 0)


# ensemble_predict


def _masks(h):
    return np.array(list(itertools.product((0, 1), repeat=len(h))), dtype=h.dtype)


def _chances(masks, p):
    kept = masks.sum(axis=1)
    return (p ** (masks.shape[1] - kept) * (1 - p) ** kept).astype(masks.dtype)


def _average(log_softmaxes, chances, mean):
    if mean == "arithmetic":
        return chances @ np.exp(log_softmaxes)
    return right._softmax(chances @ log_softmaxes)


def _ensemble(h, weight, bias, p, mean, *, chances=None, masks=None, scale=1.0, biases=None):
    right._check(p)
    masks = _masks(h) if masks is None else masks
    chances = _chances(masks, p) if chances is None else chances(masks)
    logits = (masks * (h * scale)) @ weight.T + (bias if biases is None else biases(masks))
    return _average(right._log_softmax(logits), chances, mean)


@mistake("ensemble_predict")
def ensemble_masks_count_alike(h, weight, bias, p, mean="geometric"):
    """All masks count alike. That is right for p = 0.5 only: a mask that drops d of H units has the probability
    p^d (1 - p)^(H - d)."""
    return _ensemble(h, weight, bias, p, mean, chances=lambda masks: np.full(len(masks), 1 / len(masks), h.dtype))


@mistake("ensemble_predict", row=48)
def ensemble_p_is_keep(h, weight, bias, p, mean="geometric"):
    """The masks are weighted as if p were the probability to keep. A unit is dropped with probability p."""
    return _ensemble(h, weight, bias, p, mean, chances=lambda masks: _chances(masks, 1 - p))


@mistake("ensemble_predict", row=60)
def ensemble_not_renormalised(h, weight, bias, p, mean="geometric"):
    """The geometric mean is not divided by its sum. Geometric means of probabilities sum to less than 1."""
    right._check(p)
    if mean == "arithmetic":
        return right.ensemble_predict(h, weight, bias, p, mean)
    masks = _masks(h)
    return np.exp(_chances(masks, p) @ right._log_softmax((masks * h) @ weight.T + bias))


@mistake("ensemble_predict")
def ensemble_always_geometric(h, weight, bias, p, mean="geometric"):
    """The geometric mean is returned, or the logits are averaged, where the arithmetic mean is asked: average the
    probabilities themselves then."""
    return right.ensemble_predict(h, weight, bias, p)


@mistake("ensemble_predict")
def ensemble_always_arithmetic(h, weight, bias, p, mean="geometric"):
    """The arithmetic mean is returned where the geometric one is asked: average the logarithms of the probabilities
    then, and renormalise."""
    return right.ensemble_predict(h, weight, bias, p, "arithmetic")


@mistake("ensemble_predict")
def ensemble_means_exchanged(h, weight, bias, p, mean="geometric"):
    """The two means are exchanged: the geometric one averages logarithms, the arithmetic one the probabilities."""
    return right.ensemble_predict(h, weight, bias, p, "geometric" if mean == "arithmetic" else "arithmetic")


@mistake("ensemble_predict", row=49)
def ensemble_inverted_masks(h, weight, bias, p, mean="geometric"):
    """What is kept is divided by 1 - p. Here the masks are plain 0 and 1: it is the average over networks that makes up
    for what is dropped."""
    return _ensemble(h, weight, bias, p, mean, scale=1 / (1 - p) if p < 1 else 1.0)


@mistake("ensemble_predict")
def ensemble_without_the_empty_mask(h, weight, bias, p, mean="geometric"):
    """The mask that drops every unit is left out. It is one of the 2^H, and it has a probability, too."""
    return _ensemble(h, weight, bias, p, mean, masks=_masks(h)[1:])


@mistake("ensemble_predict")
def ensemble_without_the_full_mask(h, weight, bias, p, mean="geometric"):
    """The mask that keeps every unit is left out. It is one of the 2^H, and it has a probability, too."""
    return _ensemble(h, weight, bias, p, mean, masks=_masks(h)[:-1])


@mistake("ensemble_predict")
def ensemble_without_bias(h, weight, bias, p, mean="geometric"):
    """The bias is left out of the logits. It is there whichever units are dropped."""
    return _ensemble(h, weight, bias, p, mean, biases=lambda masks: 0 * bias)


@mistake("ensemble_predict", row=33)
def ensemble_overflows(h, weight, bias, p, mean="geometric"):
    """The exponential of a large logit overflows. Take the largest logit off first: softmax stays the same."""
    right._check(p)
    masks = _masks(h)
    e = np.exp((masks * h) @ weight.T + bias)
    return _average(np.log(e / e.sum(axis=1, keepdims=True)), _chances(masks, p), mean)


@mistake("ensemble_predict", row=33)
def ensemble_log_of_zero(h, weight, bias, p, mean="geometric"):
    """The softmax is stable, but its logarithm is taken afterwards: a probability that underflows to 0 gives minus
    infinity. Take the logarithm of the sum of exponentials in place of the logarithm of the probability."""
    right._check(p)
    masks = _masks(h)
    softmaxes = right._softmax((masks * h) @ weight.T + bias)
    if mean == "arithmetic":
        return _chances(masks, p) @ softmaxes
    product = np.prod(softmaxes ** _chances(masks, p)[:, None], axis=0)
    return product / product.sum()


@mistake("ensemble_predict", row=35)
def ensemble_eps_in_log(h, weight, bias, p, mean="geometric"):
    """A small number is added inside the logarithm, which caps how improbable a class can be. Work with the logarithm
    of the softmax: it needs no such help."""
    right._check(p)
    masks = _masks(h)
    softmaxes = right._softmax((masks * h) @ weight.T + bias)
    return _average(np.log(softmaxes + 1e-12) if mean == "geometric" else np.log(softmaxes), _chances(masks, p), mean)


@mistake("ensemble_predict")
def ensemble_p_not_checked(h, weight, bias, p, mean="geometric"):
    """A p outside [0, 1] is accepted. It is no probability: raise a ValueError."""
    masks = _masks(h)
    return _average(right._log_softmax((masks * h) @ weight.T + bias), _chances(masks, p), mean)


# weight_scaling_predict


@mistake("weight_scaling_predict", row=60)
def weight_scaling_by_p(h, weight, bias, p):
    """The weights are multiplied by p. They are multiplied by the probability that their unit is there, which is
    1 - p."""
    right._check(p)
    return right._softmax(p * (weight @ h) + bias)


@mistake("weight_scaling_predict", row=59)
def weight_scaling_without_scale(h, weight, bias, p):
    """Nothing is scaled: all units are there, and the logits are as large as never in training. Multiply the weights by
    1 - p."""
    right._check(p)
    return right._softmax(weight @ h + bias)


@mistake("weight_scaling_predict", row=49)
def weight_scaling_divides(h, weight, bias, p):
    """The weights are divided by 1 - p. That belongs to inverted dropout's training; here units were dropped without a
    scale, and the full network must be weakened."""
    right._check(p)
    return right._softmax((weight @ h) / (1 - p if p < 1 else np.inf) + bias)


@mistake("weight_scaling_predict")
def weight_scaling_bias_too(h, weight, bias, p):
    """The bias is scaled, too. It is never dropped, so it counts in full."""
    right._check(p)
    return right._softmax((1 - p) * (weight @ h + bias))


@mistake("weight_scaling_predict")
def weight_scaling_of_probabilities(h, weight, bias, p):
    """The probabilities are scaled, so that they do not sum to 1. Scale the weights, before the softmax."""
    right._check(p)
    return (1 - p) * right._softmax(weight @ h + bias)


@mistake("weight_scaling_predict")
def weight_scaling_returns_logits(h, weight, bias, p):
    """You return the logits. The prediction is their softmax."""
    right._check(p)
    return (1 - p) * (weight @ h) + bias


@mistake("weight_scaling_predict", row=33)
def weight_scaling_overflows(h, weight, bias, p):
    """The exponential of a large logit overflows. Take the largest logit off first: softmax stays the same."""
    right._check(p)
    e = np.exp((1 - p) * (weight @ h) + bias)
    return e / e.sum()


@mistake("weight_scaling_predict")
def weight_scaling_p_not_checked(h, weight, bias, p):
    """A p outside [0, 1] is accepted. It is no probability: raise a ValueError."""
    return right._softmax((1 - p) * (weight @ h) + bias)


# mc_dropout


@mistake("mc_dropout", row=59)
def mc_dropout_over_samples(probabilities):
    """The average runs over the samples. It runs over the passes, axis 0, for each sample by itself."""
    return right.mc_dropout(np.swapaxes(probabilities, 0, 1))


@mistake("mc_dropout", row=59)
def mc_dropout_entropies_exchanged(probabilities):
    """The mean of the entropies is returned where the entropy of the mean is asked. Average the passes first: what they
    disagree in is uncertainty, too."""
    mean, entropy, information = right.mc_dropout(probabilities)
    return mean, entropy - information, information


@mistake("mc_dropout", row=59)
def mc_dropout_information_negated(probabilities):
    """The mutual information has the wrong sign: it is the entropy of the mean less the mean of the entropies, and
    never negative."""
    mean, entropy, information = right.mc_dropout(probabilities)
    return mean, entropy, -information


@mistake("mc_dropout", row=59)
def mc_dropout_both_exchanged(probabilities):
    """The two entropies are exchanged in everything: the entropy that is returned is the mean of the entropies, and the
    mutual information is negative. Average the passes first, and take the entropy of that."""
    mean, entropy, information = right.mc_dropout(probabilities)
    return mean, entropy - information, -information


@mistake("mc_dropout")
def mc_dropout_information_is_mean_entropy(probabilities):
    """The mean of the entropies is returned as the mutual information. It is what is left when it is taken off the
    entropy of the mean."""
    mean, entropy, information = right.mc_dropout(probabilities)
    return mean, entropy, entropy - information


@mistake("mc_dropout")
def mc_dropout_in_bits(probabilities):
    """Entropies are in bits: the logarithm has the base 2. The natural logarithm is asked."""
    mean, entropy, information = right.mc_dropout(probabilities)
    return mean, entropy / np.log(2).astype(mean.dtype), information / np.log(2).astype(mean.dtype)


@mistake("mc_dropout")
def mc_dropout_entropy_in_percent_of_the_largest(probabilities):
    """The entropies are divided by log C, the largest that is possible. They are asked as they are."""
    mean, entropy, information = right.mc_dropout(probabilities)
    most = np.log(mean.shape[1]).astype(mean.dtype)
    return mean, entropy / most, information / most


@mistake("mc_dropout")
def mc_dropout_mean_over_classes(probabilities):
    """The entropy is a mean over the classes. It is the sum of -p log p over them."""
    mean, entropy, information = right.mc_dropout(probabilities)
    return mean, entropy / mean.shape[1], information / mean.shape[1]


def _plain_entropy(probabilities, small=0.0):
    return -(probabilities * np.log(probabilities + probabilities.dtype.type(small))).sum(axis=-1)


@mistake("mc_dropout")
def mc_dropout_nan_at_zero(probabilities):
    """A probability of 0 gives 0 times minus infinity, which is nan. 0 log 0 counts as 0."""
    mean = probabilities.mean(axis=0)
    entropy = _plain_entropy(mean)
    return mean, entropy, entropy - _plain_entropy(probabilities).mean(axis=0)


@mistake("mc_dropout", row=35)
def mc_dropout_eps_in_log(probabilities):
    """A small number that is added inside the logarithm changes every entropy. Leave out the zeros instead."""
    mean = probabilities.mean(axis=0)
    entropy = _plain_entropy(mean, 1e-5)
    return mean, entropy, entropy - _plain_entropy(probabilities, 1e-5).mean(axis=0)


@mistake("mc_dropout")
def mc_dropout_entropy_negated(probabilities):
    """The minus sign of the entropy is missing: logarithms of probabilities are negative, the entropy is not."""
    mean, entropy, information = right.mc_dropout(probabilities)
    return mean, -entropy, -information


# dropout_ridge


def _ridge(x, y, p, penalty):
    right._check(p, below_one=True)
    gram = x.T @ x
    return np.linalg.solve(gram + penalty(gram), x.T @ y)


@mistake("dropout_ridge")
def ridge_penalty_p(x, y, p):
    """The penalty has the factor p. The variance of inverted dropout's factors is p / (1 - p)."""
    return _ridge(x, y, p, lambda gram: p * np.diag(np.diag(gram)))


@mistake("dropout_ridge")
def ridge_equal_penalties(x, y, p):
    """All weights have the same penalty. Dropping a large input makes a large error: the penalty of each weight is in
    proportion to its input's sum of squares, the diagonal of x^T x."""
    return _ridge(x, y, p, lambda gram: p / (1 - p) * np.eye(len(gram), dtype=gram.dtype))


@mistake("dropout_ridge")
def ridge_penalty_divided_by_n(x, y, p):
    """The penalty is divided by the number of samples, and the error is not. Both are sums over the samples, or both
    are means."""
    return _ridge(x, y, p, lambda gram: p / (1 - p) / len(x) * np.diag(np.diag(gram)))


@mistake("dropout_ridge", row=49)
def ridge_not_inverted(x, y, p):
    """These are the weights for dropout without the scale, larger by 1 / (1 - p). With inverted dropout the expected
    input is x itself."""
    return _ridge(x, y, p, lambda gram: p / (1 - p) * np.diag(np.diag(gram))) / x.dtype.type(1 - p)


@mistake("dropout_ridge", row=48)
def ridge_p_is_keep(x, y, p):
    """The factor is (1 - p) / p: p is taken as the probability to keep. The penalty must vanish with p."""
    return _ridge(x, y, p, lambda gram: (1 - p) / max(p, 1e-300) * np.diag(np.diag(gram)))


@mistake("dropout_ridge")
def ridge_penalises_everything(x, y, p):
    """The whole of x^T x is scaled. Draws for different inputs are independent, so that only the diagonal, an input
    with itself, gets more."""
    return _ridge(x, y, p, lambda gram: p / (1 - p) * gram)


@mistake("dropout_ridge")
def ridge_centred(x, y, p):
    """The data are centred first. There is no intercept here, and a dropped input is 0, not its mean."""
    return right.dropout_ridge(x - x.mean(axis=0), y - y.mean(), p)


@mistake("dropout_ridge")
def ridge_without_penalty(x, y, p):
    """These are the weights of least squares, without dropout: the penalty is missing."""
    return _ridge(x, y, p, lambda gram: 0 * gram)


@mistake("dropout_ridge")
def ridge_accepts_one(x, y, p):
    """p = 1 is accepted, or ends in a division by zero. Nothing is left to learn from: raise a ValueError."""
    if p == 1:
        raise ZeroDivisionError("float division by zero")
    return right.dropout_ridge(x, y, p)
