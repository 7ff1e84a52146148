"""Hidden checks of unit 4: data scale, losses, update rules."""

from __future__ import annotations

import numpy as np

from autograder.checking import agree, check, holds, unchanged
from autograder.draws import Draw
from autograder.student import StudentFunction

# feature_scaling


def features(draw: Draw, n: int, dtype: type = np.float64) -> np.ndarray:
    """Rows of three features with their own scales and offsets."""
    scale, offset = np.array([1.0, 30.0, 0.2]), np.array([5.0, -40.0, 1.0])
    return (draw.normal(n, 3) * scale + offset).astype(dtype)


@check("feature_scaling", points=1.5, title="min_max_scale: the training set fills [0, 1]")
def test_min_max(student, draw):
    """Minimum and maximum come from x_train, for each feature; new data may leave [0, 1]."""
    agree(student.min_max_scale, features(draw, 7), features(draw, 4))


@check("feature_scaling", points=1.5, title="standardize: mean 0 and variance 1 over the training set")
def test_standardize(student, draw):
    """Mean and variance (divided by N) come from x_train, for each feature."""
    agree(student.standardize, features(draw, 6), features(draw, 4))


@check("feature_scaling", points=1, title="A feature that is constant in the training set")
def test_constant_feature(student, draw):
    """Where max equals min there is nothing to divide by: the result is 0 for every x, without nan."""
    train, x = features(draw, 5), features(draw, 3)
    train[:, 1] = 0.1 * draw.size(1, 9)
    agree(student.min_max_scale, train, x)
    agree(student.standardize, train, x)


@check("feature_scaling", points=2, title="zca_whiten: decorrelated with the symmetric matrix")
def test_zca(student, draw):
    """x_train's mean is taken off; W = U diag((eigenvalues + eps)^(-1/2)) U^T from its covariance divided by N."""
    mixing = draw.normal(3, 3)
    agree(student.zca_whiten, draw.normal(8, 3, mean=1) @ mixing + 3, draw.normal(4, 3), rtol=1e-6)


@check("feature_scaling", points=1, title="zca_whiten: eps is added to the eigenvalues")
def test_zca_eps(student, draw):
    """With a large eps one sees where it stands: inside the root."""
    agree(student.zca_whiten, draw.normal(7, 3) @ draw.normal(3, 3), draw.normal(3, 3), eps=0.3, rtol=1e-6)


@check("feature_scaling", points=0.5, title="float32 stays float32")
def test_scaling_float32(student, draw):
    """The result has the dtype of what came in."""
    train, x = features(draw, 6, np.float32), features(draw, 3, np.float32)
    agree(student.min_max_scale, train, x, rtol=1e-3)
    agree(student.standardize, train, x, rtol=1e-3)
    agree(student.zca_whiten, draw.normal(6, 3, dtype=np.float32), draw.normal(3, 3, dtype=np.float32), rtol=2e-2)


@check("feature_scaling", points=0.5, title="The arguments stay as they were")
def test_scaling_unchanged(student, draw):
    """Work on copies: the caller's data are still needed."""
    for function in (student.min_max_scale, student.standardize, student.zca_whiten):
        unchanged(function, features(draw, 5), features(draw, 3))


# linear


@check("linear", points=1.5, title="Forward: y = x Wᵀ + b")
def test_linear_forward(student, draw):
    """weight is (M, D), PyTorch's layout, so it is transposed in the product."""
    agree(student.linear_forward, draw.normal(4, 3), draw.normal(5, 3), draw.normal(5))


@check("linear", points=0.5, title="Forward and backward without a bias")
def test_linear_no_bias(student, draw):
    """With bias=None nothing is added, and the gradient of the bias is None."""
    _, cache = agree(student.linear_forward, draw.normal(4, 3), draw.normal(2, 3))
    agree(student.linear_backward, draw.normal(4, 2), cache)


@check("linear", points=1, title="Backward: dx")
def test_linear_dx(student, draw):
    """Each output sends dy back along its row of the weight."""
    _, cache = student.linear_forward(draw.normal(4, 3), draw.normal(5, 3), draw.normal(5))
    agree(student.linear_backward, draw.normal(4, 5), cache, part=0)


@check("linear", points=1, title="Backward: dweight")
def test_linear_dweight(student, draw):
    """The gradients of all samples add up; it has the weight's shape."""
    _, cache = student.linear_forward(draw.normal(4, 3), draw.normal(5, 3), draw.normal(5))
    agree(student.linear_backward, draw.normal(4, 5), cache, part=1)


@check("linear", points=1, title="Backward: dbias")
def test_linear_dbias(student, draw):
    """The bias is added to every sample, so its gradient is the sum over samples."""
    _, cache = student.linear_forward(draw.normal(4, 3), draw.normal(5, 3), draw.normal(5))
    agree(student.linear_backward, draw.normal(4, 5), cache, part=2)


@check("linear", points=0.5, title="Another forward may come before the backward")
def test_linear_two_forwards(student, draw):
    """What the backward needs stands in the cache, not in a global variable."""
    _, cache = student.linear_forward(draw.normal(4, 3), draw.normal(5, 3), draw.normal(5))
    student.linear_forward(draw.normal(2, 3), draw.normal(5, 3), draw.normal(5))
    agree(student.linear_backward, draw.normal(4, 5), cache)


@check("linear", points=0.5, title="float32, a batch of one, unchanged arguments")
def test_linear_float32(student, draw):
    """The result has the dtype of what came in, for a single sample, too."""
    x, weight, bias = draw.normal(1, 3), draw.normal(2, 3), draw.normal(2)
    y, cache = unchanged(student.linear_forward, *(a.astype(np.float32) for a in (x, weight, bias)))
    agree(student.linear_backward, draw.normal(*y.shape, dtype=np.float32), cache)


# cross_entropy


@check("cross_entropy", points=1.5, title="The loss: the mean of minus log softmax at the target")
def test_cross_entropy_loss(student, draw):
    """Softmax runs over the classes of a sample; the loss is averaged over the batch."""
    agree(student.cross_entropy, draw.normal(5, 3, std=2), draw.integers(0, 3, 5), part=0)


@check("cross_entropy", points=2, title="The gradient: softmax minus one-hot, divided by N")
def test_cross_entropy_gradient(student, draw):
    """The loss is a mean over the batch, and so is its gradient."""
    agree(student.cross_entropy, draw.normal(4, 3, std=2, mean=1), draw.integers(0, 3, 4), part=1)


@check("cross_entropy", points=1.5, title="Logits of ±1e4: neither inf nor nan")
def test_cross_entropy_stable(student, draw):
    """Softmax does not change when a constant is taken off a row: the largest logit is the one to take off."""
    logits = draw.choice([-1e4, 1e4]) * np.sign(draw.normal(4, 3)) + draw.normal(4, 3)
    agree(student.cross_entropy, logits, draw.integers(0, 3, 4))


@check("cross_entropy", points=1, title="A confident wrong answer costs its full distance")
def test_cross_entropy_confident(student, draw):
    """A loss that adds a small number inside the logarithm is capped here."""
    logits = np.zeros((2, 3))
    logits[:, 1] = 60.0 + draw.uniform(2)
    agree(student.cross_entropy, logits, np.array([0, 2]))


@check("cross_entropy", points=0.5, title="float32 and a batch of one")
def test_cross_entropy_float32(student, draw):
    """The gradient has the dtype of the logits."""
    agree(student.cross_entropy, draw.normal(1, 4, dtype=np.float32), draw.integers(0, 4, 1))


@check("cross_entropy", points=0.5, title="The arguments stay as they were")
def test_cross_entropy_unchanged(student, draw):
    """The logits belong to the caller."""
    unchanged(student.cross_entropy, draw.normal(3, 4), draw.integers(0, 4, 3))


# regression_losses: each an item of its own


def loss_item(function: StudentFunction, y_pred: np.ndarray, y_true: np.ndarray) -> None:
    """Value and gradient; then in float32, with arguments that stay as they were."""
    agree(function, y_pred, y_true)
    unchanged(function, y_pred.astype(np.float32), y_true.astype(np.float32))


@check("regression_losses", points=1, title="mean_squared_error")
def test_mse(student, draw):
    """The mean over all entries, and its gradient."""
    loss_item(student.mean_squared_error, draw.normal(4, 3), draw.normal(4, 3))


@check("regression_losses", points=1, title="mean_absolute_error")
def test_mae(student, draw):
    """The mean over all entries; the gradient is 0 where prediction and target are equal."""
    y_pred, y_true = draw.normal(4, 3), draw.normal(4, 3)
    y_true[1] = y_pred[1]
    loss_item(student.mean_absolute_error, y_pred, y_true)


@check("regression_losses", points=1, title="mean_absolute_percentage_error")
def test_mape(student, draw):
    """In percent of the target's size, also where targets are negative."""
    loss_item(student.mean_absolute_percentage_error, draw.normal(4, 3), draw.normal(4, 3) + 0.1)


@check("regression_losses", points=1, title="mean_squared_logarithmic_error")
def test_msle(student, draw):
    """The squared distance of log(1 + p) and log(1 + t): the chain rule brings a 1 / (1 + p)."""
    loss_item(student.mean_squared_logarithmic_error, draw.uniform(4, 3, low=-0.5, high=3), draw.uniform(4, 3, high=2))


@check("regression_losses", points=1, title="log_cosh, also for large errors")
def test_log_cosh(student, draw):
    """cosh overflows near 710; log cosh e is close to |e| - log 2 there."""
    loss_item(student.log_cosh, draw.normal(4, 3), draw.normal(4, 3))
    agree(student.log_cosh, 1e4 * np.sign(draw.normal(2, 3)), draw.normal(2, 3))


@check("regression_losses", points=1, title="cosine_similarity_loss")
def test_cosine(student, draw):
    """1 - cos per row, averaged over rows: lengths do not matter, the gradient is orthogonal to the prediction."""
    loss_item(student.cosine_similarity_loss, draw.normal(4, 3, mean=1), 3 * draw.normal(4, 3))


# classification_losses: each an item of its own


def one_hot(draw: Draw, n: int, classes: int) -> np.ndarray:
    return np.eye(classes)[draw.integers(0, classes, n)]


def probabilities(draw: Draw, n: int, classes: int) -> np.ndarray:
    return draw.uniform(n, classes, low=0.05, high=0.95)


@check("classification_losses", points=1, title="hinge")
def test_hinge(student, draw):
    """max(0, 1 - t p), the mean over all entries; no gradient where the margin is kept."""
    loss_item(student.hinge, draw.normal(4, 3, std=1.5), np.sign(draw.normal(4, 3)))


@check("classification_losses", points=1, title="squared_hinge")
def test_squared_hinge(student, draw):
    """The hinge squared: its gradient has the factor 2."""
    loss_item(student.squared_hinge, draw.normal(4, 3, std=1.5), np.sign(draw.normal(4, 3)))


@check("classification_losses", points=1, title="categorical_hinge")
def test_categorical_hinge(student, draw):
    """The largest wrong score against the right one: two entries of a row have a gradient."""
    loss_item(student.categorical_hinge, draw.normal(6, 4), one_hot(draw, 6, 4))


@check("classification_losses", points=1, title="binary_cross_entropy")
def test_binary_cross_entropy(student, draw):
    """Both ends count: -t log p - (1 - t) log(1 - p), the mean over all entries."""
    loss_item(student.binary_cross_entropy, probabilities(draw, 4, 3), one_hot(draw, 4, 3))


@check("classification_losses", points=1, title="categorical_cross_entropy")
def test_categorical_cross_entropy(student, draw):
    """Summed over classes, averaged over rows; the predictions are taken as they are."""
    loss_item(student.categorical_cross_entropy, probabilities(draw, 4, 3), one_hot(draw, 4, 3))


@check("classification_losses", points=1, title="kl_divergence")
def test_kl(student, draw):
    """The target comes first: sum of t log(t / p), with 0 log 0 = 0."""
    y_true = draw.uniform(4, 3, low=0.1)
    y_true[1, 2] = 0
    loss_item(student.kl_divergence, probabilities(draw, 4, 3), y_true / y_true.sum(axis=1, keepdims=True))


@check("classification_losses", points=1, title="poisson")
def test_poisson(student, draw):
    """p - t log p, the mean over all entries."""
    loss_item(student.poisson, draw.uniform(4, 3, low=0.3, high=3), draw.integers(0, 4, 4, 3).astype(float))


# initializers: draws cannot be compared, so their bounds and moments are. The tags name the mistakes.


def glorot_bound(fan_in: int, fan_out: int) -> float:
    return float(np.sqrt(6 / (fan_in + fan_out)))


@check("initializers", points=1.5, title="glorot_uniform of a dense layer")
def test_glorot_dense(student, draw):
    """Uniform between plus and minus sqrt(6 / (fan_in + fan_out)); fan_in is the second entry of the shape."""
    bound = glorot_bound(40, 60)
    other = {"sqrt3": glorot_bound(40, 60) / 2**0.5, "fan_in": glorot_bound(40, 0), "variance": bound**2 / 3}
    holds("uniform_draws", student.glorot_uniform((60, 40), draw.rng()), -bound, bound, instead=other)


@check("initializers", points=1, title="glorot_uniform of a kernel")
def test_glorot_kernel(student, draw):
    """Both fans of a kernel include its area."""
    bound = glorot_bound(8 * 15, 12 * 15)
    other = {"no_area": glorot_bound(8, 12), "one_area": glorot_bound(8 * 15, 12)}
    holds("uniform_draws", student.glorot_uniform((12, 8, 3, 5), draw.rng()), -bound, bound, instead=other)


@check("initializers", points=1.5, title="he_normal of a dense layer")
def test_he_dense(student, draw):
    """Mean 0 and variance 2 / fan_in."""
    other = {"one": 1 / 80, "fan_out": 2 / 30, "squared": (2 / 80) ** 2}
    holds("mean_and_variance", student.he_normal((30, 80), draw.rng()), 0.0, 2 / 80, instead=other)


@check("initializers", points=1, title="he_normal of a kernel")
def test_he_kernel(student, draw):
    """fan_in is the number of channels times the kernel's area."""
    weight = student.he_normal((24, 8, 3, 4), draw.rng())
    holds("mean_and_variance", weight, 0.0, 2 / 96, instead={"no_area": 2 / 8})


@check("initializers", points=1, title="The randomness comes from rng")
def test_initializers_use_rng(student, draw):
    """Equal generators give equal weights; one generator goes on from call to call."""
    for function in (student.glorot_uniform, student.he_normal):
        rng, twin = draw.twin_rngs()
        one = function((5, 4), rng)
        holds("same_draws", one, function((5, 4), twin))
        holds("not_equal", one, function((5, 4), rng), tag="own_seed", because="two calls gave the same weights.")


# sgd, adam and the rules of the bonus: several steps, the state handed on


def follow(function: StudentFunction, draw: Draw, steps: int, dtype: type = np.float64, **options) -> None:
    """Some steps, each from the parameter and the state that the one before returned."""
    param, state = draw.normal(3, 2, dtype=dtype), {}
    for _ in range(steps):
        param, state = agree(function, param, draw.normal(3, 2, dtype=dtype), state, **options)


def replay(function: StudentFunction, draw: Draw, **options) -> None:
    """The same step twice from one state: what is passed in is not used up."""
    param = draw.normal(2, 2)
    _, state = unchanged(function, param, draw.normal(2, 2), {}, **options)
    _, state = function(param, draw.normal(2, 2), state, **options)
    grad = draw.normal(2, 2)
    agree(function, param, grad, state, **options)
    agree(function, param, grad, state, **options)


@check("sgd", points=1, title="A plain step")
def test_sgd(student, draw):
    """param - lr grad."""
    follow(student.sgd, draw, 2, lr=0.1)


@check("sgd", points=1.5, title="Momentum over four steps")
def test_sgd_momentum(student, draw):
    """The velocity starts as the first gradient and adds up: v = momentum v + g, without a factor before g."""
    follow(student.sgd, draw, 4, lr=0.1, momentum=0.8)


@check("sgd", points=1.5, title="Nesterov's look-ahead")
def test_sgd_nesterov(student, draw):
    """The step is g + momentum v, with the new v."""
    follow(student.sgd, draw, 3, lr=0.1, momentum=0.8, nesterov=True)


@check("sgd", points=1, title="Weight decay goes into the gradient")
def test_sgd_weight_decay(student, draw):
    """It enters before momentum does, so that the velocity contains it."""
    follow(student.sgd, draw, 3, lr=0.1, momentum=0.5, weight_decay=0.3)


@check("sgd", points=0.5, title="The default learning rate, in float32")
def test_sgd_float32(student, draw):
    """The new parameter has the dtype of the old one."""
    follow(student.sgd, draw, 3, np.float32, momentum=0.9)


@check("sgd", points=1, title="Parameter, gradient and state are not changed")
def test_sgd_replay(student, draw):
    """The new parameter and the new state are returned; the same step from the same state gives the same."""
    replay(student.sgd, draw, lr=0.1, momentum=0.9, weight_decay=0.1)


@check("sgd", points=0.5, title="Two parameters, each with its own state")
def test_sgd_two_parameters(student, draw):
    """What is remembered of one parameter must not reach the other: it stands in the state."""
    first, second, first_state, second_state = draw.normal(3), draw.normal(3), {}, {}
    for _ in range(2):
        first, first_state = agree(student.sgd, first, draw.normal(3), first_state, lr=0.1, momentum=0.9)
        second, second_state = agree(student.sgd, second, draw.normal(3), second_state, lr=0.1, momentum=0.9)


@check("sgd", points=1, title="Fifty steps down a bowl", audience="grader")
def test_sgd_bowl(student, draw):
    """Each gradient depends on the step before, so that small errors would grow."""
    param, state, scale = draw.normal(4), {}, np.array([1.0, 3.0, 0.2, 7.0])
    for _ in range(50):
        param, state = agree(student.sgd, param, scale * param, state, lr=0.05, momentum=0.9, nesterov=True)


@check("adam", points=1.5, title="The first step has the size of lr")
def test_adam_first(student, draw):
    """Both means are divided by 1 - beta^t with t = 1, so that the first step is lr times the gradient's sign."""
    follow(student.adam, draw, 1, lr=0.1)


@check("adam", points=2, title="Five steps")
def test_adam(student, draw):
    """m follows the gradient, v its square, each with its own beta and bias correction."""
    follow(student.adam, draw, 5, lr=0.1, betas=(0.8, 0.95))


@check("adam", points=1, title="Where eps stands")
def test_adam_eps(student, draw):
    """eps is added to the root of the corrected v, not to v."""
    follow(student.adam, draw, 3, lr=0.1, betas=(0.7, 0.9), eps=0.2)


@check("adam", points=1, title="Weight decay goes into the gradient")
def test_adam_weight_decay(student, draw):
    """This is L2 in the gradient (Adam), not decoupled decay (AdamW)."""
    follow(student.adam, draw, 3, lr=0.1, weight_decay=0.4)


@check("adam", points=1, title="amsgrad: the largest v so far")
def test_adam_amsgrad(student, draw):
    """After a large gradient the step stays small: the largest v is kept."""
    param, state = draw.normal(3, 2), {}
    for scale in (5.0, 0.1, 0.1, 0.1):
        grad = scale * draw.normal(3, 2)
        param, state = agree(student.adam, param, grad, state, lr=0.1, betas=(0.5, 0.6), amsgrad=True)


@check("adam", points=0.5, title="The defaults, in float32")
def test_adam_float32(student, draw):
    """The new parameter has the dtype of the old one."""
    follow(student.adam, draw, 3, np.float32)


@check("adam", points=1, title="Parameter, gradient and state are not changed")
def test_adam_replay(student, draw):
    """The new parameter and the new state are returned; the same step from the same state gives the same."""
    replay(student.adam, draw, lr=0.1)


@check("more_optimizers", points=1, title="adagrad")
def test_adagrad(student, draw):
    """Squares add up without fading; the rate decays with (t - 1), t counted from 1."""
    follow(student.adagrad, draw, 3, lr=0.1)
    options = {"lr_decay": 0.3, "weight_decay": 0.2, "initial_accumulator_value": 0.4, "eps": 0.1}
    follow(student.adagrad, draw, 4, lr=0.1, **options)
    replay(student.adagrad, draw, lr=0.1)


@check("more_optimizers", points=1, title="rmsprop")
def test_rmsprop(student, draw):
    """A fading mean of squares; eps outside the root; momentum on the scaled gradient; centred: the fading mean's
    square is taken off."""
    follow(student.rmsprop, draw, 3, lr=0.1, alpha=0.8)
    follow(student.rmsprop, draw, 4, lr=0.1, alpha=0.7, eps=0.1, weight_decay=0.2, momentum=0.6)
    follow(student.rmsprop, draw, 4, lr=0.1, alpha=0.7, eps=0.05, centered=True)
    replay(student.rmsprop, draw, lr=0.1)


@check("more_optimizers", points=1, title="adadelta")
def test_adadelta(student, draw):
    """The root mean square of updates is the one before this step's."""
    follow(student.adadelta, draw, 4, rho=0.8)
    follow(student.adadelta, draw, 3, lr=0.5, rho=0.7, eps=0.01, weight_decay=0.2)
    replay(student.adadelta, draw, lr=0.1)


@check("more_optimizers", points=1, title="adamax")
def test_adamax(student, draw):
    """The largest gradient, fading; only m is bias corrected."""
    follow(student.adamax, draw, 4, lr=0.1, betas=(0.8, 0.7))
    follow(student.adamax, draw, 3, lr=0.1, eps=0.3, weight_decay=0.2)
    replay(student.adamax, draw, lr=0.1)


@check("more_optimizers", points=1, title="nadam")
def test_nadam(student, draw):
    """Adam with Nesterov's look-ahead; the momentum warms up by momentum_decay."""
    follow(student.nadam, draw, 3, lr=0.1)
    follow(student.nadam, draw, 4, lr=0.1, betas=(0.8, 0.9), eps=0.1, weight_decay=0.2, momentum_decay=0.5)
    replay(student.nadam, draw, lr=0.1)


# step_decay


@check("step_decay", points=2, title="The rate drops every few epochs")
def test_step_decay(student, draw):
    """Epochs are counted from 0, so the first drop comes at epoch `every`."""
    every = draw.size(3, 5)
    for epoch in (0, every - 1, every, 2 * every + 1):
        agree(student.step_decay, 0.5, 0.3, every, epoch)


@check("step_decay", points=1, title="A drop of ten per cent is a factor of 0.9")
def test_step_decay_factor(student, draw):
    """factor multiplies: what remains, not what is lost."""
    agree(student.step_decay, draw.uniform(1)[0], 0.9, 2, draw.size(6, 9))


# penalties_and_constraints


@check("penalties_and_constraints", points=1, title="l1_penalty")
def test_l1(student, draw):
    """strength times the sum of sizes; the gradient is 0 at 0."""
    w = draw.normal(3, 4)
    w[1, 2] = 0
    agree(student.l1_penalty, w, 0.3)


@check("penalties_and_constraints", points=1, title="l2_penalty")
def test_l2(student, draw):
    """strength times the sum of squares, so that the gradient has the factor 2."""
    agree(student.l2_penalty, draw.normal(3, 4), 0.3)


@check("penalties_and_constraints", points=1, title="max_norm: long vectors are shortened")
def test_max_norm(student, draw):
    """axis is summed over: 1 for a dense weight. Vectors within the bound stay bit-identical."""
    w = draw.normal(5, 4) * np.array([3.0, 0.1, 2.0, 0.2, 4.0])[:, None]
    agree(student.max_norm, w, 1.5, 1, rtol=1e-12, atol=0.0)


@check("penalties_and_constraints", points=0.5, title="max_norm of kernels, and of zeros")
def test_max_norm_kernels(student, draw):
    """For kernels the axes are (1, 2, 3); a zero kernel stays zero."""
    w = draw.normal(4, 2, 3, 2) * np.array([3.0, 0.1, 0.0, 2.0])[:, None, None, None]
    agree(student.max_norm, w, 1.5, (1, 2, 3))


@check("penalties_and_constraints", points=0.5, title="non_neg")
def test_non_neg(student, draw):
    """Negative entries become 0, the others stay."""
    agree(student.non_neg, draw.normal(3, 4))


@check("penalties_and_constraints", points=1, title="unit_norm")
def test_unit_norm(student, draw):
    """Every vector gets length 1 along the axes that are named; a zero vector stays zero."""
    w = draw.normal(4, 3)
    w[2] = 0
    agree(student.unit_norm, w, 1)
    agree(student.unit_norm, draw.normal(3, 2, 2, 3), (1, 2, 3))


@check("penalties_and_constraints", points=0.5, title="float32 stays float32")
def test_penalties_float32(student, draw):
    """Every array that comes back has the dtype of w."""
    w = draw.normal(3, 4, dtype=np.float32)
    agree(student.l1_penalty, w, 0.3)
    agree(student.l2_penalty, w, 0.3)
    agree(student.max_norm, w, 0.7, 1)
    agree(student.unit_norm, w, 1)


@check("penalties_and_constraints", points=0.5, title="The arguments stay as they were")
def test_penalties_unchanged(student, draw):
    """A projection returns a new array."""
    unchanged(student.non_neg, draw.normal(3, 4))
    unchanged(student.unit_norm, draw.normal(3, 4), 1)
    unchanged(student.max_norm, 3 * draw.normal(3, 4), 1.0, 1)
