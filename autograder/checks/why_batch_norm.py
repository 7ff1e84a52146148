"""Hidden checks of unit 6. Titles and docstrings are read by students."""

from __future__ import annotations

from functools import partial

import numpy as np

from autograder.checking import agree, check, holds, unchanged
from autograder.draws import Draw
from autograder.sandbox import Generator
from autograder.student import Student
from backpass import callables
from solutions import batch_norm

# The noise of the random checks: two ranges that differ, and enough features to see how they are filled.
MEAN_RANGE, STD_RANGE, FEATURES = 0.6, 0.3, 60


def parameters(draw: Draw, d: int, dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """gamma and beta, neither 1 nor 0."""
    return draw.uniform(d, low=0.5, high=2.5, dtype=dtype) * draw.choice((1, -1)), draw.normal(d, dtype=dtype)


def without_noise(student: Student, draw: Draw, *args: np.ndarray) -> tuple:
    """The student's own result without noise, and its cache. Both ways to have none are used at once."""
    return student.noisy_batch_norm_forward(*args, draw.rng(), 0.0, 0.0, training=False)


# noisy_batch_norm


@check("noisy_batch_norm", points=1.5, title="Without noise: the values")
def test_plain(student, draw):
    """With training=False, and with ranges of zero, it is batch normalization by the batch's statistics."""
    x = draw.normal(draw.size(4, 5), 3, mean=2.0)
    gamma, beta = parameters(draw, 3)
    agree(student.noisy_batch_norm_forward, x, gamma, beta, draw.rng(), 0.8, 0.4, training=False)
    agree(student.noisy_batch_norm_forward, x, gamma, beta, draw.rng(), 0.0, 0.0)


@check("noisy_batch_norm", points=0.5, title="Without noise: features that hardly vary")
def test_plain_eps(student, draw):
    """eps is added to the variance, inside the root."""
    x, (gamma, beta) = draw.normal(5, 2, mean=1.0, std=1e-2), parameters(draw, 2)
    agree(student.noisy_batch_norm_forward, x, gamma, beta, draw.rng(), 0.0, 0.0)
    agree(student.noisy_batch_norm_forward, x, gamma, beta, draw.rng(), 0.8, 0.4, training=False, eps=1e-3)


@check("noisy_batch_norm", points=1.5, title="Without noise: the gradients")
def test_plain_backward(student, draw):
    """The batch's statistics are used in either mode, so the gradient goes through them in either mode."""
    x, (gamma, beta) = draw.normal(5, 3, mean=2.0), parameters(draw, 3)
    for ranges, training in (((0.8, 0.4), False), ((0.0, 0.0), True)):
        y, cache = student.noisy_batch_norm_forward(x, gamma, beta, draw.rng(), *ranges, training=training)
        agree(student.noisy_batch_norm_backward, draw.normal(*y.shape, mean=0.5), cache, rtol=1e-6)


@check("noisy_batch_norm", points=1, title="One factor and one shift for each feature")
def test_noise(student, draw):
    """Both are shared by the whole batch, and differ from feature to feature. What you return is compared
    with your own result for ranges of zero."""
    x, (gamma, beta) = draw.normal(4, 6, mean=1.0), parameters(draw, 6)
    base, _ = without_noise(student, draw, x, gamma, beta)
    y, _ = student.noisy_batch_norm_forward(x, gamma, beta, draw.rng(), 0.8, 0.4)
    # The ranges have a check of their own.
    holds("affine_noise", base, y, 1e9, 1e9)


@check("noisy_batch_norm", points=1, title="The noise fills its ranges")
def test_ranges(student, draw):
    """The factors are uniform in 1 ± std_range, the shifts uniform in ± mean_range: none lies outside, and
    they reach the ends."""
    x, one, zero = draw.normal(3, FEATURES), np.ones(FEATURES), np.zeros(FEATURES)
    base, _ = without_noise(student, draw, x, one, zero)
    y, _ = student.noisy_batch_norm_forward(x, one, zero, draw.rng(), MEAN_RANGE, STD_RANGE)
    holds("noise_fills_ranges", base, y, STD_RANGE, MEAN_RANGE)


@check("noisy_batch_norm", points=0.5, title="The noise comes last")
def test_noise_last(student, draw):
    """gamma and beta are large here: a noise applied before them would leave its range."""
    x, gamma, beta = (
        draw.normal(3, 12),
        draw.uniform(12, low=4.0, high=9.0),
        draw.uniform(12, low=5.0, high=20.0),
    )
    base, _ = without_noise(student, draw, x, gamma, beta)
    y, _ = student.noisy_batch_norm_forward(x, gamma, beta, draw.rng(), MEAN_RANGE, STD_RANGE)
    holds("noise_comes_last", base, y, gamma, beta, STD_RANGE, MEAN_RANGE)


@check("noisy_batch_norm", points=0.5, title="No noise with training=False")
def test_evaluation_twice(student, draw):
    """Two calls with different generators give the same result."""
    x, (gamma, beta) = draw.normal(4, 3, mean=1.0), parameters(draw, 3)
    first, _ = student.noisy_batch_norm_forward(x, gamma, beta, draw.rng(), 0.8, 0.4, training=False)
    second, _ = student.noisy_batch_norm_forward(x, gamma, beta, draw.rng(), 0.8, 0.4, training=False)
    because = "with training=False two calls differ: there is noise in them."
    holds("equal", first, second, because=because, tag="noise")


@check("noisy_batch_norm", points=1, title="New noise in every call, and all of it from rng")
def test_draws(student, draw):
    """A generator goes on from call to call, so that two calls differ. A generator with the same seed gives
    the same noise again: there is no other source."""
    x, (gamma, beta) = draw.normal(4, 3, mean=1.0), parameters(draw, 3)
    rng = draw.rng()
    call = partial(student.noisy_batch_norm_forward, x, gamma, beta)
    first, _ = call(rng, 0.8, 0.4)
    second, _ = call(rng, 0.8, 0.4)
    again, _ = call(Generator(rng.seed), 0.8, 0.4)
    holds("same_draws", first, again)
    because = "two calls have the same noise: it must be drawn anew in each call."
    holds("not_equal", first, second, because=because, tag="frozen")


@check("noisy_batch_norm", points=1.5, title="With noise: the gradients")
def test_noisy_backward(student, draw):
    """They are those without noise, times the factor that this forward pass has drawn. Another forward pass
    comes in between."""
    x, (gamma, beta) = draw.normal(5, 3, mean=1.0), parameters(draw, 3)
    base, plain = student.noisy_batch_norm_forward(x, gamma, beta, draw.rng(), 0.0, 0.0)
    y, cache = student.noisy_batch_norm_forward(x, gamma, beta, draw.rng(), 0.8, 0.4)
    student.noisy_batch_norm_forward(x, gamma, beta, draw.rng(), 0.8, 0.4)
    dy = draw.normal(5, 3, mean=0.5)
    without = student.noisy_batch_norm_backward(dy, plain)
    gradients = student.noisy_batch_norm_backward(dy, cache)
    holds("noise_goes_back", base, y, list(without), list(gradients))


@check("noisy_batch_norm", points=0.5, title="float32 stays float32")
def test_float32(student, draw):
    """Random generators draw in double precision; every result has the dtype of x."""
    x, (gamma, beta) = draw.normal(5, 3, dtype=np.float32), parameters(draw, 3, np.float32)
    agree(student.noisy_batch_norm_forward, x, gamma, beta, draw.rng(), 0.8, 0.4, training=False)
    for training in (True, False):
        y, cache = student.noisy_batch_norm_forward(x, gamma, beta, draw.rng(), 0.8, 0.4, training=training)
        student.noisy_batch_norm_backward(draw.normal(*y.shape, dtype=np.float32), cache)


@check("noisy_batch_norm", points=0.5, title="The arguments stay as they are")
def test_unchanged(student, draw):
    """x, gamma, beta and dy belong to the caller."""
    x, (gamma, beta) = draw.normal(4, 3), parameters(draw, 3)
    y, cache = without_noise(student, draw, x, gamma, beta)
    unchanged(student.noisy_batch_norm_backward, draw.normal(*y.shape), cache)
    unchanged(student.noisy_batch_norm_forward, x, gamma, beta, draw.rng(), 0.8, 0.4)


# covariate_shift


@check("covariate_shift", points=1, title="A right angle by hand", audience="student")
def test_shift_by_hand(student, draw):
    """From (2, 0) to (0, 1): the cosine is 0, and the difference (-2, 1) has the norm √5, divided by 2."""
    agree(student.covariate_shift, np.array([2.0, 0.0]), np.array([0.0, 1.0]))


@check("covariate_shift", points=1.5, title="Two gradients")
def test_shift(student, draw):
    """The cosine of the angle between them, and the norm of the difference relative to the first."""
    before = draw.normal(6, mean=1.0)
    agree(student.covariate_shift, before, 2.5 * before + draw.normal(6))


@check("covariate_shift", points=1, title="Gradients of any shape")
def test_shift_shapes(student, draw):
    """The gradient of a layer is one vector, whatever the shape of its weights."""
    for shape in ((3, 4), (2, 3, 2, 2)):
        before = draw.normal(*shape)
        agree(student.covariate_shift, before, before + draw.normal(*shape))


@check("covariate_shift", points=0.5, title="The same direction, and the opposite one")
def test_shift_parallel(student, draw):
    """The cosine is 1 or -1 then, and the relative difference tells the length."""
    before = draw.normal(5)
    agree(student.covariate_shift, before, 3.0 * before)
    agree(student.covariate_shift, before, -0.5 * before)


@check("covariate_shift", points=0.5, title="float32 is fine, too")
def test_shift_float32(student, draw):
    """Gradients in single precision."""
    agree(student.covariate_shift, draw.normal(3, 2, dtype=np.float32), draw.normal(3, 2, dtype=np.float32))


@check("covariate_shift", points=0.5, title="The arguments stay as they are")
def test_shift_unchanged(student, draw):
    """Both gradients belong to the caller."""
    unchanged(student.covariate_shift, draw.normal(3, 2), draw.normal(3, 2))


# Losses for the other exercises


def bowl(draw: Draw, d: int, dtype: type = np.float64) -> partial:
    """A quadratic loss whose slopes differ from direction to direction."""
    root = draw.normal(d, d)
    matrix = (root @ root.T / d + np.eye(d)).astype(dtype)
    return partial(callables.quadratic_bowl, matrix=matrix, centre=draw.normal(d, dtype=dtype))


def quotient(draw: Draw, d: int) -> partial:
    """A loss that does not change with the scale of w."""
    root = draw.normal(d, d)
    return partial(callables.quotient_of_forms, matrix=root + root.T)


def normalised_unit(draw: Draw, n: int, d: int):
    """The loss of one linear unit before a batch normalization, as a function of its weights."""
    x, target, one = draw.normal(n, d, mean=1.0), draw.normal(n, 1), np.ones(1)

    def loss_and_grad(w: np.ndarray) -> tuple[float, np.ndarray]:
        y, cache, _, _ = batch_norm.batch_norm_forward((x @ w)[:, None], one, 0 * one, one, one, eps=1e-14)
        dz, _, _ = batch_norm.batch_norm_backward(y - target, cache)
        return float(np.sum((y - target) ** 2) / 2), x.T @ dz[:, 0]

    return loss_and_grad


# gradient_predictiveness


@check("gradient_predictiveness", points=1, title="A bowl by hand", audience="student")
def test_predictiveness_by_hand(student, draw):
    """The loss is half the square of w, so the gradient is w itself: from (3, 4), a step of 0.5 leads to
    (1.5, 2) and a step of 1 to the bottom."""
    loss = partial(callables.quadratic_bowl, matrix=np.eye(2), centre=np.zeros(2))
    agree(student.gradient_predictiveness, loss, np.array([3.0, 4.0]), np.array([0.5, 1.0]))


@check("gradient_predictiveness", points=2, title="A bowl")
def test_predictiveness_bowl(student, draw):
    """Losses along the step, and norms of the change of the gradient; the gradient keeps its length."""
    agree(student.gradient_predictiveness, bowl(draw, 4), draw.normal(4), np.array([0.05, 0.1, 0.4]))


@check("gradient_predictiveness", points=1.5, title="A valley that bends")
def test_predictiveness_valley(student, draw):
    """The gradient changes at every place. The step sizes come in any order, and 0 may be among them."""
    loss = partial(callables.tilted_valley, slope=draw.normal(5))
    agree(student.gradient_predictiveness, loss, draw.normal(5, std=2.0), np.array([1.0, 0.0, 0.3, 2.0]))


@check("gradient_predictiveness", points=0.5, title="A single step size")
def test_predictiveness_single(student, draw):
    """One step size gives one loss and one change, in arrays of one entry."""
    agree(student.gradient_predictiveness, bowl(draw, 3), draw.normal(3), np.array([0.2]))


@check("gradient_predictiveness", points=0.5, title="float32 stays float32")
def test_predictiveness_float32(student, draw):
    """Both results have the dtype of w."""
    w, steps = draw.normal(3, dtype=np.float32), np.array([0.1, 0.3], np.float32)
    agree(student.gradient_predictiveness, bowl(draw, 3, np.float32), w, steps, rtol=1e-3)


@check("gradient_predictiveness", points=0.5, title="The arguments stay as they are")
def test_predictiveness_unchanged(student, draw):
    """w and the step sizes belong to the caller."""
    unchanged(student.gradient_predictiveness, bowl(draw, 3), draw.normal(3), np.array([0.1, 0.3]))


# scale_invariance


@check("scale_invariance", points=1, title="A bowl by hand", audience="student")
def test_invariance_by_hand(student, draw):
    """The loss is half the square of w: at (3, 4) it is 12.5, at twice that 50, and the gradient doubles.
    It is not invariant."""
    loss = partial(callables.quadratic_bowl, matrix=np.eye(2), centre=np.zeros(2))
    agree(student.scale_invariance, loss, np.array([3.0, 4.0]), 2.0)


@check("scale_invariance", points=1.5, title="A loss that depends on the scale")
def test_invariance_bowl(student, draw):
    """Three numbers: the change of the loss, the ratio of the gradients' norms, and the inner product of w
    with the gradient at w."""
    agree(student.scale_invariance, bowl(draw, 4), draw.normal(4), 1.7)
    agree(student.scale_invariance, bowl(draw, 4), draw.normal(4), 0.3)


@check("scale_invariance", points=1, title="A loss that does not")
def test_invariance_quotient(student, draw):
    """The loss stays, the gradient shrinks as the weights grow, and it is orthogonal to them."""
    agree(student.scale_invariance, quotient(draw, 5), draw.normal(5), 2.5)
    agree(student.scale_invariance, quotient(draw, 3), draw.normal(3), 0.5)


@check("scale_invariance", points=0.5, title="Weights before a batch normalization", audience="grader")
def test_invariance_batch_norm(student, draw):
    """The three numbers for one unit whose output is normalised: 0, one over the scale, and 0."""
    w = draw.normal(4)
    values = student.scale_invariance(normalised_unit(draw, 20, 4), w, 3.0)
    for value, wanted in zip(values, (0.0, 1 / 3, 0.0), strict=True):
        holds("within_sigma", value, wanted, 1e-9, because="batch normalization is not found to be invariant.")


@check("scale_invariance", points=0.5, title="float32 is fine, too")
def test_invariance_float32(student, draw):
    """Weights in single precision."""
    agree(student.scale_invariance, bowl(draw, 3, np.float32), draw.normal(3, dtype=np.float32), 2.0, rtol=1e-3)


@check("scale_invariance", points=0.5, title="The arguments stay as they are")
def test_invariance_unchanged(student, draw):
    """w belongs to the caller."""
    unchanged(student.scale_invariance, bowl(draw, 3), draw.normal(3), 2.0)


# effective_learning_rate


@check("effective_learning_rate", points=2, title="A vector")
def test_effective(student, draw):
    """The learning rate over the squared norm of the weights."""
    agree(student.effective_learning_rate, 0.1, draw.normal(4, mean=1.0))
    agree(student.effective_learning_rate, 0.5, draw.normal(1, mean=2.0))


@check("effective_learning_rate", points=1, title="Weights of any shape")
def test_effective_shapes(student, draw):
    """All weights together are one vector."""
    agree(student.effective_learning_rate, 0.3, draw.normal(3, 4))
    agree(student.effective_learning_rate, 0.3, draw.normal(2, 3, 2, 2, mean=1.0))


@check("effective_learning_rate", points=0.5, title="float32 is fine, too")
def test_effective_float32(student, draw):
    """Weights in single precision."""
    agree(student.effective_learning_rate, 0.2, draw.normal(3, 2, dtype=np.float32))


@check("effective_learning_rate", points=0.5, title="The arguments stay as they are")
def test_effective_unchanged(student, draw):
    """The weights belong to the caller."""
    unchanged(student.effective_learning_rate, 0.2, draw.normal(3, 2))


# statistics_noise

POOL, TRIALS = 40, 600


def what_mistakes_give(pool: np.ndarray, batch_size: int) -> tuple[float, dict[str, float]]:
    """The deviation of a batch mean, and what known mistakes make of it."""
    s = float(pool.std())
    right = s * float(np.sqrt((pool.size - batch_size) / (batch_size * (pool.size - 1))))
    wrong = {
        "with_replacement": s / np.sqrt(batch_size),
        "variance": right**2,
        "of_values": s,
        "of_sums": right * batch_size,
        "of_trials": right / np.sqrt(TRIALS),
    }
    return right, {tag: float(value) for tag, value in wrong.items()}


@check("statistics_noise", points=2, title="Half of the pool")
def test_statistics(student, draw):
    """A batch that is half of the pool varies less than one that is drawn with replacement. The bound is
    more than five standard deviations of what chance does."""
    pool, batch_size = draw.normal(POOL, mean=5.0, std=2.0), POOL // 2
    right, wrong = what_mistakes_give(pool, batch_size)
    value = student.statistics_noise(pool, batch_size, TRIALS, draw.rng())
    holds("deviation_is", value, right, TRIALS, wrong)


@check("statistics_noise", points=1, title="Small batches, and batches of one")
def test_statistics_small(student, draw):
    """Small batches vary more: four times as many samples halve the deviation, nearly."""
    pool = draw.normal(POOL, mean=-3.0, std=0.5)
    for batch_size in (1, 4):
        right, wrong = what_mistakes_give(pool, batch_size)
        wrong = {tag: value for tag, value in wrong.items() if tag in ("variance", "of_trials")}
        value = student.statistics_noise(pool, batch_size, TRIALS, draw.rng())
        holds("deviation_is", value, right, TRIALS, wrong)


@check("statistics_noise", points=1, title="The whole pool")
def test_statistics_whole(student, draw):
    """A batch of everything is always the same, and its mean does not vary."""
    agree(student.statistics_noise, draw.normal(6, mean=2.0), 6, 50, draw.rng())


@check("statistics_noise", points=1, title="Everything random comes from rng")
def test_statistics_draws(student, draw):
    """Two calls with one generator differ; a generator with the same seed gives the same result again."""
    pool, rng = draw.normal(12), draw.rng()
    first = student.statistics_noise(pool, 4, 30, rng)
    second = student.statistics_noise(pool, 4, 30, rng)
    again = student.statistics_noise(pool, 4, 30, Generator(rng.seed))
    holds("deviation_is", first, what_mistakes_give(pool, 4)[0], 30)
    holds("same_draws", first, again)
    because = "two calls with one generator give the same number: batches must be drawn anew."
    holds("not_equal", first, second, because=because, tag="frozen")


@check("statistics_noise", points=0.5, title="float32 is fine, too")
def test_statistics_float32(student, draw):
    """A pool in single precision."""
    pool = draw.normal(POOL, mean=1.0, dtype=np.float32)
    right, _ = what_mistakes_give(pool, 10)
    value = student.statistics_noise(pool, 10, TRIALS, draw.rng())
    holds("deviation_is", value, right, TRIALS)


@check("statistics_noise", points=0.5, title="The arguments stay as they are")
def test_statistics_unchanged(student, draw):
    """The pool belongs to the caller."""
    unchanged(student.statistics_noise, draw.normal(12), 4, 10, draw.rng())
