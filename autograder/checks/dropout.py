"""Hidden checks of unit 8: dropout and its alternatives. Titles and docstrings are read by students.

Draws cannot be compared, so properties of them are: every right way to draw must pass. Their bounds are six standard
errors, and the tags of what is broken name the mistakes. Only p = 0, p = 1 and evaluation are compared by value.
"""

from __future__ import annotations

import math

import numpy as np

from autograder.checking import agree, check, holds, raises, unchanged
from autograder.draws import Draw
from autograder.student import StudentFunction

# For layers (x, p, rng, training): what all of them are asked. x has no zeros, so that a zero in y was dropped.


def entries(draw: Draw, *shape: int, dtype: type = np.float64) -> np.ndarray:
    """Values of either sign, none near zero."""
    signs = 2 * draw.integers(0, 2, *shape) - 1
    return (signs * draw.uniform(*shape, low=0.5, high=2)).astype(dtype)


def keeps_its_share(forward: StudentFunction, x: np.ndarray, p: float, draw: Draw, unit: tuple = ()) -> None:
    """The share that is dropped, who shares a draw, and the scale."""
    normal = 0.5 * math.erfc(p / math.sqrt(2))  # of normal draws, so many are at least p
    holds("keep_rate", x, forward(x, p, draw.rng())[0], p, unit=unit, instead={"normal": normal})


def draws_one_by_one(forward: StudentFunction, x: np.ndarray, p: float, draw: Draw, calls: int = 10) -> None:
    rng = draw.rng()
    holds("spread_over_calls", [forward(x, p, rng)[0] for _ in range(calls)])


def goes_back_as_it_came(
    forward: StudentFunction, backward: StudentFunction, x: np.ndarray, p: float, draw: Draw
) -> None:
    y, cache = forward(x, p, draw.rng())
    dy = entries(draw, *x.shape)
    holds("same_mask", x, y, dy, backward(dy, cache))


def goes_back_after_another(
    forward: StudentFunction, backward: StudentFunction, x: np.ndarray, p: float, draw: Draw
) -> None:
    rng = draw.rng()
    y, cache = forward(x, p, rng)
    later, _ = forward(x, p, rng)
    dy = entries(draw, *x.shape)
    holds("same_mask", x, y, dy, backward(dy, cache), later=later)


def rests_in_evaluation(
    forward: StudentFunction, backward: StudentFunction, x: np.ndarray, p: float, draw: Draw
) -> None:
    trained, _ = forward(x, p, draw.rng())
    y, cache = forward(x, p, draw.rng(), training=False)
    holds("inactive", x, y, p, training=trained)
    agree(backward, entries(draw, *x.shape), cache)


def has_right_ends(forward: StudentFunction, backward: StudentFunction, x: np.ndarray, draw: Draw) -> None:
    """p = 0 keeps everything, p = 1 nothing, in either direction."""
    for p in (0.0, 1.0):
        _, cache = agree(forward, x, p, draw.rng())
        agree(backward, entries(draw, *x.shape), cache)


def refuses(forward: StudentFunction, x: np.ndarray, draw: Draw, values: tuple = (-0.2, 1.3)) -> None:
    """p = 0 first: a function that refuses everything earns nothing."""
    for training in (True, False):
        agree(forward, x, 0.0, draw.rng(), training=training)
        for p in values:
            raises(forward, x, p, draw.rng(), training=training)


def draws_from_rng(forward: StudentFunction, x: np.ndarray, p: float, draw: Draw) -> None:
    rng, twin = draw.twin_rngs()
    y, _ = forward(x, p, rng)
    holds("not_equal", y, x, because="nothing was dropped.", tag="nothing_dropped")
    holds("same_draws", y, forward(x, p, twin)[0])
    again, _ = forward(x, p, rng)
    holds("not_equal", y, again, because="two calls with one generator drew the same.", tag="own_seed")


def keeps_the_dtype(forward: StudentFunction, backward: StudentFunction, x: np.ndarray, draw: Draw) -> None:
    """First with p = 0, where values can be compared, too."""
    _, cache = agree(forward, x, 0.0, draw.rng())
    agree(backward, entries(draw, *x.shape, dtype=x.dtype), cache)
    y, cache = forward(x, 0.4, draw.rng())
    dy = entries(draw, *x.shape, dtype=x.dtype)
    holds("same_mask", x, y, dy, backward(dy, cache))


def leaves_arguments(forward: StudentFunction, backward: StudentFunction, x: np.ndarray, draw: Draw) -> None:
    """With p = 0 and p = 1 the values are compared, too."""
    for p in (0.0, 1.0):
        agree(forward, x, p, draw.rng())
        _, cache = unchanged(forward, x, p, draw.rng())
        unchanged(backward, entries(draw, *x.shape), cache)
    unchanged(forward, x, 0.5, draw.rng())


# dropout


@check("dropout", points=2, title="The share that is dropped, and the scale of the rest")
def test_dropout_rate(student, draw):
    """p is the probability to drop. Each entry is dropped on its own, and what is kept is divided by 1 - p, so that
    the expected value stays x."""
    keeps_its_share(student.dropout_forward, entries(draw, 60, 40), 0.3, draw)


@check("dropout", points=0.5, title="Small and large p", audience="grader")
def test_dropout_other_rates(student, draw):
    """The same for rates between 0.1 and 0.8, and for arrays with two and four axes."""
    for p in (0.1, 0.5, 0.8):
        keeps_its_share(student.dropout_forward, entries(draw, 80, 60), p, draw)
    keeps_its_share(student.dropout_forward, entries(draw, 30, 12, 5, 4), 0.2, draw)


@check("dropout", points=1, title="The number of dropped entries varies")
def test_dropout_varies(student, draw):
    """Of 400 entries about 120 are dropped when p = 0.3, in one call some more and in another some less."""
    draws_one_by_one(student.dropout_forward, entries(draw, 20, 20), 0.3, draw)


@check("dropout", points=1.5, title="Backward: the forward's mask and scale")
def test_dropout_backward(student, draw):
    """The gradient passes where the entry passed, with the same factor: nothing is drawn in the backward pass."""
    goes_back_as_it_came(student.dropout_forward, student.dropout_backward, entries(draw, 9, 7), 0.4, draw)


@check("dropout", points=0.5, title="Another forward may come before the backward")
def test_dropout_two_forwards(student, draw):
    """What the backward needs stands in the cache, not in a variable outside."""
    goes_back_after_another(student.dropout_forward, student.dropout_backward, entries(draw, 9, 7), 0.4, draw)


@check("dropout", points=0.5, title="Backward where x is zero")
def test_dropout_zero_input(student, draw):
    """A zero in y need not have been dropped: after a ReLU many entries of x are 0, and their gradients matter all
    the same."""
    x, dy = np.zeros((8, 10)), entries(draw, 8, 10)
    _, cache = student.dropout_forward(x, 0.3, draw.rng())
    dx = student.dropout_backward(dy, cache)
    holds("not_equal", dx, x, because="no gradient passes where x is 0.", tag="zeros_of_y")


@check("dropout", points=1, title="Evaluation: x passes as it is")
def test_dropout_evaluation(student, draw):
    """With training=False nothing is dropped and nothing is scaled; in the backward pass neither."""
    rests_in_evaluation(student.dropout_forward, student.dropout_backward, entries(draw, 6, 8), 0.4, draw)


@check("dropout", points=1, title="p = 0 and p = 1")
def test_dropout_ends(student, draw):
    """With p = 0 nothing is dropped; with p = 1 everything, and the result is zeros, not nan."""
    has_right_ends(student.dropout_forward, student.dropout_backward, entries(draw, 4, 5), draw)


@check("dropout", points=0.5, title="p outside [0, 1] is a ValueError")
def test_dropout_refuses(student, draw):
    """A wrong p should be found early: in evaluation, too."""
    refuses(student.dropout_forward, entries(draw, 2, 3), draw)


@check("dropout", points=0.5, title="The randomness comes from rng")
def test_dropout_rng(student, draw):
    """Equal generators give equal masks, and one generator goes on from call to call."""
    draws_from_rng(student.dropout_forward, entries(draw, 8, 10), 0.5, draw)


@check("dropout", points=0.5, title="float32, a batch of one, four axes")
def test_dropout_float32(student, draw):
    """The result has the dtype and the shape of what came in, whatever they are."""
    forward, backward = student.dropout_forward, student.dropout_backward
    keeps_the_dtype(forward, backward, entries(draw, 1, 40, dtype=np.float32), draw)
    keeps_the_dtype(forward, backward, entries(draw, 2, 3, 4, 5, dtype=np.float32), draw)


@check("dropout", points=0.5, title="The arguments stay as they were")
def test_dropout_unchanged(student, draw):
    """Multiply into a new array: x and dy belong to the caller."""
    leaves_arguments(student.dropout_forward, student.dropout_backward, entries(draw, 5, 4), draw)


# spatial_dropout2d

MAPS = (2, 3)  # the axes of a map


@check("spatial_dropout2d", points=2, title="Whole maps, each on its own")
def test_spatial_rate(student, draw):
    """Each map of each sample is kept or dropped as a whole, with a draw of its own, and what is kept is divided by
    1 - p."""
    keeps_its_share(student.spatial_dropout2d_forward, entries(draw, 40, 30, 2, 3), 0.3, draw, MAPS)


@check("spatial_dropout2d", points=0.5, title="Small and large p", audience="grader")
def test_spatial_other_rates(student, draw):
    """The same for other rates and sizes."""
    for p in (0.1, 0.5, 0.8):
        keeps_its_share(student.spatial_dropout2d_forward, entries(draw, 70, 40, 3, 2), p, draw, MAPS)


@check("spatial_dropout2d", points=0.5, title="The number of dropped maps varies")
def test_spatial_varies(student, draw):
    """Some more in one call and some less in another."""
    draws_one_by_one(student.spatial_dropout2d_forward, entries(draw, 16, 25, 1, 2), 0.3, draw)


@check("spatial_dropout2d", points=1.5, title="Backward: the forward's maps and scale")
def test_spatial_backward(student, draw):
    """The gradient of a dropped map is zero, that of a kept one has the forward's factor."""
    x = entries(draw, 5, 12, 3, 2)
    goes_back_as_it_came(student.spatial_dropout2d_forward, student.spatial_dropout2d_backward, x, 0.4, draw)


@check("spatial_dropout2d", points=0.5, title="Another forward may come before the backward")
def test_spatial_two_forwards(student, draw):
    """What the backward needs stands in the cache."""
    x = entries(draw, 5, 12, 3, 2)
    goes_back_after_another(student.spatial_dropout2d_forward, student.spatial_dropout2d_backward, x, 0.4, draw)


@check("spatial_dropout2d", points=1, title="Evaluation: x passes as it is")
def test_spatial_evaluation(student, draw):
    """With training=False nothing is dropped and nothing is scaled."""
    x = entries(draw, 4, 10, 2, 3)
    rests_in_evaluation(student.spatial_dropout2d_forward, student.spatial_dropout2d_backward, x, 0.4, draw)


@check("spatial_dropout2d", points=0.5, title="p = 0 and p = 1")
def test_spatial_ends(student, draw):
    """Everything is kept, or nothing: zeros, not nan."""
    has_right_ends(
        student.spatial_dropout2d_forward, student.spatial_dropout2d_backward, entries(draw, 2, 3, 4, 5), draw
    )


@check("spatial_dropout2d", points=0.5, title="p outside [0, 1] is a ValueError")
def test_spatial_refuses(student, draw):
    """In training and in evaluation."""
    refuses(student.spatial_dropout2d_forward, entries(draw, 2, 3, 2, 1), draw)


@check("spatial_dropout2d", points=0.5, title="The randomness comes from rng")
def test_spatial_rng(student, draw):
    """Equal generators give equal masks, and one generator goes on from call to call."""
    draws_from_rng(student.spatial_dropout2d_forward, entries(draw, 8, 10, 2, 3), 0.5, draw)


@check("spatial_dropout2d", points=0.5, title="float32 and a batch of one; the arguments stay as they were")
def test_spatial_float32(student, draw):
    """The result has the dtype of what came in, which is not changed."""
    forward, backward = student.spatial_dropout2d_forward, student.spatial_dropout2d_backward
    keeps_the_dtype(forward, backward, entries(draw, 1, 40, 2, 3, dtype=np.float32), draw)
    leaves_arguments(forward, backward, entries(draw, 2, 5, 3, 4), draw)


# gaussian_dropout


def is_gaussian(forward: StudentFunction, x: np.ndarray, p: float, draw: Draw) -> None:
    """Noise for each entry, of mean 1 and variance p / (1 - p)."""
    y, variance = forward(x, p, draw.rng())[0], p / (1 - p)
    other = {"p": p, "deviation": variance**2, "reciprocal": 1 / variance, "zero_mean": 1 + variance}
    holds("shared_noise", x, y, unit=())
    holds("noise_is", x, y, variance, instead=other)


@check("gaussian_dropout", points=2, title="Normal noise of mean 1 and variance p / (1 - p)")
def test_gaussian_noise(student, draw):
    """The noise multiplies x, and has the mean and the variance of dropout's own factors, without being a mask."""
    x, p = 1.5 * entries(draw, 60, 50), 0.75
    is_gaussian(student.gaussian_dropout_forward, x, p, draw)


@check("gaussian_dropout", points=0.5, title="Small and middle p", audience="grader")
def test_gaussian_other_rates(student, draw):
    """The same for other rates."""
    x = 1.5 * entries(draw, 120, 100)
    for p in (0.2, 0.5):
        is_gaussian(student.gaussian_dropout_forward, x, p, draw)


@check("gaussian_dropout", points=1, title="Every entry has its own noise")
def test_gaussian_independent(student, draw):
    """Nothing is shared between samples or features."""
    x = entries(draw, 6, 5)
    holds("shared_noise", x, student.gaussian_dropout_forward(x, 0.4, draw.rng())[0], unit=())


@check("gaussian_dropout", points=1.5, title="Backward: the forward's noise")
def test_gaussian_backward(student, draw):
    """The gradient is multiplied by the same noise as x was."""
    goes_back_as_it_came(
        student.gaussian_dropout_forward, student.gaussian_dropout_backward, entries(draw, 6, 5), 0.4, draw
    )


@check("gaussian_dropout", points=1, title="Evaluation: x passes as it is")
def test_gaussian_evaluation(student, draw):
    """With training=False there is no noise."""
    x = entries(draw, 4, 6)
    rests_in_evaluation(student.gaussian_dropout_forward, student.gaussian_dropout_backward, x, 0.4, draw)


@check("gaussian_dropout", points=0.5, title="p = 0 is no noise; p outside [0, 1) is a ValueError")
def test_gaussian_ends(student, draw):
    """p = 1 would be infinite noise: it is refused, in evaluation, too."""
    forward = student.gaussian_dropout_forward
    _, cache = agree(forward, entries(draw, 3, 4), 0.0, draw.rng())
    agree(student.gaussian_dropout_backward, entries(draw, 3, 4), cache)
    refuses(forward, entries(draw, 2, 3), draw, (-0.2, 1.0, 1.3))


@check("gaussian_dropout", points=0.5, title="The randomness comes from rng")
def test_gaussian_rng(student, draw):
    """Equal generators give equal noise, and one generator goes on from call to call."""
    draws_from_rng(student.gaussian_dropout_forward, entries(draw, 4, 6), 0.5, draw)


@check("gaussian_dropout", points=1, title="float32, any shape; the arguments stay as they were")
def test_gaussian_float32(student, draw):
    """The result has the dtype of what came in, which is not changed."""
    forward, backward = student.gaussian_dropout_forward, student.gaussian_dropout_backward
    keeps_the_dtype(forward, backward, entries(draw, 1, 3, 2, 4, dtype=np.float32), draw)
    x = entries(draw, 3, 4)
    _, cache = unchanged(forward, x, 0.0, draw.rng())
    unchanged(backward, entries(draw, 3, 4), cache)
    unchanged(forward, x, 0.5, draw.rng())


# drop_path


@check("drop_path", points=2, title="Whole samples, and the scale of the rest")
def test_path_rate(student, draw):
    """The branch of a sample is kept or dropped as a whole, each sample with a draw of its own; what is kept is
    divided by 1 - p."""
    keeps_its_share(student.drop_path_forward, entries(draw, 1500, 2, 2), 0.3, draw, (1, 2))


@check("drop_path", points=0.5, title="Small and large p", audience="grader")
def test_path_other_rates(student, draw):
    """The same for other rates, and for three and four axes."""
    for p in (0.1, 0.5, 0.8):
        keeps_its_share(student.drop_path_forward, entries(draw, 2000, 2, 3), p, draw, (1, 2))
    keeps_its_share(student.drop_path_forward, entries(draw, 2000, 2, 3, 2), 0.2, draw, (1, 2, 3))


@check("drop_path", points=1, title="Samples of a batch have fates of their own")
def test_path_samples_differ(student, draw):
    """In one batch some samples are kept and some are not, and their number varies from call to call."""
    rng, x = draw.rng(), entries(draw, 300, 2)
    results = [student.drop_path_forward(x, 0.5, rng)[0] for _ in range(10)]
    holds("fates_differ", results)
    holds("spread_over_calls", results)


@check("drop_path", points=1, title="Backward: the forward's samples and scale")
def test_path_backward(student, draw):
    """A dropped sample gets no gradient, a kept one the forward's factor."""
    goes_back_as_it_came(student.drop_path_forward, student.drop_path_backward, entries(draw, 40, 2, 3), 0.4, draw)


@check("drop_path", points=0.5, title="Evaluation: the branch passes as it is")
def test_path_evaluation(student, draw):
    """With training=False nothing is dropped and nothing is scaled."""
    rests_in_evaluation(student.drop_path_forward, student.drop_path_backward, entries(draw, 40, 2), 0.4, draw)


@check("drop_path", points=0.5, title="p = 0 and p = 1")
def test_path_ends(student, draw):
    """Everything is kept, or nothing: zeros, not nan."""
    has_right_ends(student.drop_path_forward, student.drop_path_backward, entries(draw, 4, 3, 2, 5), draw)


@check("drop_path", points=0.5, title="p outside [0, 1] is a ValueError")
def test_path_refuses(student, draw):
    """In training and in evaluation."""
    refuses(student.drop_path_forward, entries(draw, 3, 2), draw)


@check("drop_path", points=0.5, title="The randomness comes from rng")
def test_path_rng(student, draw):
    """Equal generators give equal masks, and one generator goes on from call to call."""
    draws_from_rng(student.drop_path_forward, entries(draw, 70, 2), 0.5, draw)


@check("drop_path", points=0.5, title="float32; the arguments stay as they were")
def test_path_float32(student, draw):
    """The result has the dtype of what came in, which is not changed."""
    keeps_the_dtype(student.drop_path_forward, student.drop_path_backward, entries(draw, 40, 3, dtype=np.float32), draw)
    leaves_arguments(student.drop_path_forward, student.drop_path_backward, entries(draw, 6, 3, 2), draw)


# drop_block2d


def blocks(student, draw: Draw, shape: tuple[int, ...], p: float, k: int) -> tuple:
    x = entries(draw, *shape)
    return x, *student.drop_block2d_forward(x, p, k, draw.rng())


@check("drop_block2d", points=2, title="Whole squares, at the right rate")
def test_block_rate(student, draw):
    """Around every seed a k x k square is dropped. Seeds lie so far inside that squares do not leave the picture, with
    probability p H W / (k k (H - k + 1)(W - k + 1)), drawn per sample and channel."""
    x, y, _ = blocks(student, draw, (24, 12, 8, 6), 0.3, 3)
    holds("blocks_dropped", x, y, 3, p=0.3)


@check("drop_block2d", points=1, title="Other sizes", audience="grader")
def test_block_other_sizes(student, draw):
    """The same for squares of 5 x 5, and for squares of one entry, with which this is nearly plain dropout."""
    for k, p, shape in ((5, 0.2, (16, 12, 9, 11)), (1, 0.3, (20, 12, 5, 4)), (3, 0.1, (20, 12, 5, 7))):
        x, y, _ = blocks(student, draw, shape, p, k)
        holds("blocks_dropped", x, y, k, p=p)


@check("drop_block2d", points=1, title="The scale: all entries over those kept")
def test_block_scale(student, draw):
    """The share that was really kept is counted in the whole array, and the rest is divided by it."""
    x, y, _ = blocks(student, draw, (4, 3, 9, 7), 0.4, 3)
    holds("blocks_dropped", x, y, 3, p=0.4)


@check("drop_block2d", points=0.5, title="p = 0, and pictures of which nothing is left")
def test_block_ends(student, draw):
    """With p = 0 nothing happens. In a picture no larger than the square, p = 1 drops everything: zeros, not nan."""
    for p, k in ((0.0, 3), (1.0, 3), (1.0, 1)):
        _, cache = agree(student.drop_block2d_forward, entries(draw, 2, 4, 3, 3), p, k, draw.rng())
        agree(student.drop_block2d_backward, entries(draw, 2, 4, 3, 3), cache)


@check("drop_block2d", points=1.5, title="Backward: the forward's squares and scale")
def test_block_backward(student, draw):
    """The gradient passes where the entry passed, with the same factor."""
    x, y, cache = blocks(student, draw, (4, 5, 8, 6), 0.4, 3)
    dy = entries(draw, *x.shape)
    holds("same_mask", x, y, dy, student.drop_block2d_backward(dy, cache))


@check("drop_block2d", points=1, title="Evaluation: x passes as it is")
def test_block_evaluation(student, draw):
    """With training=False nothing is dropped and nothing is scaled."""
    x, trained, _ = blocks(student, draw, (4, 3, 8, 6), 0.4, 3)
    y, cache = student.drop_block2d_forward(x, 0.4, 3, draw.rng(), training=False)
    holds("inactive", x, y, 0.4, training=trained)
    agree(student.drop_block2d_backward, entries(draw, *x.shape), cache)


@check("drop_block2d", points=0.5, title="p outside [0, 1] is a ValueError")
def test_block_refuses(student, draw):
    """In training and in evaluation."""
    for training in (True, False):
        agree(student.drop_block2d_forward, entries(draw, 2, 3, 5, 4), 0.0, 3, draw.rng(), training=training)
        for p in (-0.2, 1.3):
            raises(student.drop_block2d_forward, entries(draw, 2, 3, 5, 4), p, 3, draw.rng(), training=training)


@check("drop_block2d", points=0.5, title="The randomness comes from rng")
def test_block_rng(student, draw):
    """Equal generators give equal squares, and one generator goes on from call to call."""
    (rng, twin), x = draw.twin_rngs(), entries(draw, 5, 6, 7, 6)
    y, _ = student.drop_block2d_forward(x, 0.4, 3, rng)
    holds("not_equal", y, x, because="nothing was dropped.", tag="nothing_dropped")
    holds("same_draws", y, student.drop_block2d_forward(x, 0.4, 3, twin)[0])
    again, _ = student.drop_block2d_forward(x, 0.4, 3, rng)
    holds("not_equal", y, again, because="two calls with one generator drew the same.", tag="own_seed")


@check("drop_block2d", points=1, title="float32 and a batch of one; the arguments stay as they were")
def test_block_float32(student, draw):
    """The result has the dtype of what came in, which is not changed."""
    x, dy = (entries(draw, 1, 20, 3, 3, dtype=np.float32) for _ in range(2))
    for p in (0.0, 1.0):
        agree(student.drop_block2d_forward, x, p, 3, draw.rng())
        _, cache = unchanged(student.drop_block2d_forward, x, p, 3, draw.rng())
        unchanged(student.drop_block2d_backward, dy, cache)
    y, cache = unchanged(student.drop_block2d_forward, x, 0.5, 3, draw.rng())
    holds("same_mask", x, y, dy, student.drop_block2d_backward(dy, cache))


# ensemble_predict


def head(draw: Draw, units: int, classes: int, dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hidden units of one sample, and the last layer's weight and bias."""
    h, weight = draw.normal(units, mean=1, dtype=dtype), draw.normal(classes, units, std=1.5, dtype=dtype)
    return h, weight, draw.normal(classes, dtype=dtype)


@check("ensemble_predict", points=2, title="The geometric mean")
def test_ensemble_geometric(student, draw):
    """All 2^H masks of h, each weighted by its probability; the geometric mean of their softmaxes is divided by its
    sum."""
    agree(student.ensemble_predict, *head(draw, 4, 3), 0.3)


@check("ensemble_predict", points=2, title="The arithmetic mean")
def test_ensemble_arithmetic(student, draw):
    """The probabilities themselves are averaged, with the same weights."""
    agree(student.ensemble_predict, *head(draw, 4, 3), 0.3, mean="arithmetic")


@check("ensemble_predict", points=1, title="One unit: two masks")
def test_ensemble_one_unit(student, draw):
    """With probability p only the bias is left, with probability 1 - p the unit is there, with its own h."""
    for mean in ("geometric", "arithmetic"):
        agree(student.ensemble_predict, *head(draw, 1, 3), 0.2, mean=mean)


@check("ensemble_predict", points=1, title="p = 0, p = 0.5 and p = 1")
def test_ensemble_ends(student, draw):
    """With p = 0 only the full network counts, with p = 1 only the bias; with p = 0.5 all masks count alike."""
    for p in (0.0, 0.5, 1.0):
        for mean in ("geometric", "arithmetic"):
            agree(student.ensemble_predict, *head(draw, 3, 4), p, mean=mean)


@check("ensemble_predict", points=1, title="Large logits")
def test_ensemble_stable(student, draw):
    """Logits of some thousands: exponentials overflow, probabilities underflow to 0, and logarithms must not be taken
    of them. Units pull against each other, so that the mean over the masks is no certainty."""
    _, weight, bias = head(draw, 4, 3)
    h, small = draw.uniform(4, low=900, high=1100), draw.normal(3, 2)
    weight[:, 2:] = (small - weight[:, :2] * h[:2]) / h[2:]
    for mean in ("arithmetic", "geometric"):
        agree(student.ensemble_predict, h, weight, bias + 1500, 0.4, mean=mean)


@check("ensemble_predict", points=1, title="1024 masks", audience="grader")
def test_ensemble_large(student, draw):
    """Ten hidden units, unlike numbers of units and classes, other rates."""
    for p, classes in ((0.2, 5), (0.7, 2)):
        for mean in ("geometric", "arithmetic"):
            agree(student.ensemble_predict, *head(draw, 10, classes), p, mean=mean)


@check("ensemble_predict", points=0.5, title="p outside [0, 1] is a ValueError")
def test_ensemble_refuses(student, draw):
    """As in the layers."""
    agree(student.ensemble_predict, *head(draw, 2, 3), 0.5)
    for p in (-0.2, 1.3):
        raises(student.ensemble_predict, *head(draw, 2, 3), p)


@check("ensemble_predict", points=0.5, title="float32; the arguments stay as they were")
def test_ensemble_float32(student, draw):
    """The result has the dtype of what came in, which is not changed."""
    for mean in ("geometric", "arithmetic"):
        agree(student.ensemble_predict, *head(draw, 3, 4, np.float32), 0.3, mean=mean)
        unchanged(student.ensemble_predict, *head(draw, 3, 4), 0.3, mean=mean)


# weight_scaling_predict


@check("weight_scaling_predict", points=2, title="One network for all")
def test_scaling(student, draw):
    """Outgoing weights times the probability to keep; the bias is never dropped, so it is not scaled."""
    agree(student.weight_scaling_predict, *head(draw, 5, 3), 0.3)


@check("weight_scaling_predict", points=0.5, title="p = 0 and p = 1")
def test_scaling_ends(student, draw):
    """The full network, and the bias alone."""
    for p in (0.0, 1.0):
        agree(student.weight_scaling_predict, *head(draw, 4, 3), p)


@check("weight_scaling_predict", points=0.5, title="Large logits")
def test_scaling_stable(student, draw):
    """Softmax does not change when a constant is taken off."""
    h, weight, bias = head(draw, 4, 3)
    agree(student.weight_scaling_predict, h, weight, bias + 1500, 0.2)


@check("weight_scaling_predict", points=0.5, title="p outside [0, 1] is a ValueError")
def test_scaling_refuses(student, draw):
    """As in the layers."""
    agree(student.weight_scaling_predict, *head(draw, 2, 3), 0.5)
    for p in (-0.2, 1.3):
        raises(student.weight_scaling_predict, *head(draw, 2, 3), p)


@check("weight_scaling_predict", points=0.5, title="float32; the arguments stay as they were")
def test_scaling_float32(student, draw):
    """The result has the dtype of what came in, which is not changed."""
    agree(student.weight_scaling_predict, *head(draw, 3, 4, np.float32), 0.3)
    unchanged(student.weight_scaling_predict, *head(draw, 3, 4), 0.3)


# mc_dropout


def passes(draw: Draw, *shape: int, sharpness: float = 2.0, dtype: type = np.float64) -> np.ndarray:
    """Softmaxes (T, N, C): samples lean to classes of their own, and passes differ."""
    logits = sharpness * (draw.normal(1, *shape[1:]) + draw.normal(*shape))
    e = np.exp(logits - logits.max(axis=2, keepdims=True))
    return (e / e.sum(axis=2, keepdims=True)).astype(dtype)


@check("mc_dropout", points=1, title="The mean over the passes")
def test_mc_mean(student, draw):
    """One distribution over classes for each sample."""
    agree(student.mc_dropout, passes(draw, 5, 3, 4), part=0)


@check("mc_dropout", points=1.5, title="The entropy of the mean")
def test_mc_entropy(student, draw):
    """Average first, then take the entropy, with the natural logarithm: all of the uncertainty."""
    agree(student.mc_dropout, passes(draw, 6, 2, 4), part=1)


@check("mc_dropout", points=1.5, title="The mutual information")
def test_mc_information(student, draw):
    """The entropy of the mean less the mean of the entropies: that part of it in which the passes disagree."""
    agree(student.mc_dropout, passes(draw, 4, 5, 3), part=2)


@check("mc_dropout", points=1, title="As many passes as samples as classes")
def test_mc_same_sizes(student, draw):
    """Where all sizes are equal, shapes do not show a wrong axis, and numbers do."""
    agree(student.mc_dropout, passes(draw, 3, 3, 3))


@check("mc_dropout", points=1, title="Probabilities of 0 and 1")
def test_mc_zeros(student, draw):
    """0 log 0 counts as 0: passes that are certain have no entropy, and no nan."""
    probabilities = passes(draw, 4, 3, 5)
    probabilities[:, 1] = np.eye(5)[draw.integers(0, 4, 4)]
    probabilities[:, 2] = np.eye(5)[2]
    agree(student.mc_dropout, probabilities)


@check("mc_dropout", points=0.5, title="Passes that agree")
def test_mc_one_pass(student, draw):
    """A single pass, or passes that all say the same, carry no mutual information, however unsure they are."""
    one = passes(draw, 1, 4, 3, sharpness=0.5)
    agree(student.mc_dropout, one)
    agree(student.mc_dropout, np.repeat(one, 5, axis=0))


@check("mc_dropout", points=0.5, title="float32; the arguments stay as they were")
def test_mc_float32(student, draw):
    """The results have the dtype of what came in, which is not changed."""
    agree(student.mc_dropout, passes(draw, 4, 3, 2, dtype=np.float32), rtol=1e-3)
    unchanged(student.mc_dropout, passes(draw, 3, 2, 4))


# dropout_ridge


def regression(draw: Draw, n: int, d: int, dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """Inputs with scales of their own and means that are not 0, and targets."""
    scales = np.array([1.0, 3.0, 0.5, 2.0])[:d]
    return ((draw.normal(n, d, mean=0.7) * scales).astype(dtype), draw.normal(n, mean=1, dtype=dtype))


@check("dropout_ridge", points=2, title="The minimum of the expected squared error")
def test_ridge(student, draw):
    """Dropped inputs act as a penalty: each weight is pulled towards 0 in proportion to its input's sum of squares."""
    agree(student.dropout_ridge, *regression(draw, 9, 3), 0.3, rtol=1e-6)


@check("dropout_ridge", points=1, title="p = 0: least squares")
def test_ridge_zero(student, draw):
    """Nothing is dropped, so nothing is penalised; there is no intercept and no centring."""
    agree(student.dropout_ridge, *regression(draw, 8, 4), 0.0, rtol=1e-6)


@check("dropout_ridge", points=1, title="Large p")
def test_ridge_large(student, draw):
    """The penalty grows as p / (1 - p), without bound."""
    for p in (0.6, 0.95):
        agree(student.dropout_ridge, *regression(draw, 8, 2), p, rtol=1e-6)


@check("dropout_ridge", points=0.5, title="p outside [0, 1) is a ValueError")
def test_ridge_refuses(student, draw):
    """p = 1 leaves nothing to learn from: it is refused, too."""
    agree(student.dropout_ridge, *regression(draw, 6, 2), 0.5, rtol=1e-6)
    for p in (-0.2, 1.0, 1.3):
        raises(student.dropout_ridge, *regression(draw, 6, 2), p)


@check("dropout_ridge", points=0.5, title="float32; the arguments stay as they were")
def test_ridge_float32(student, draw):
    """The result has the dtype of what came in, which is not changed."""
    agree(student.dropout_ridge, *regression(draw, 9, 2, np.float32), 0.4, rtol=1e-3)
    unchanged(student.dropout_ridge, *regression(draw, 7, 3), 0.4)
