"""Hidden checks of unit 9: networks, data, and the audit."""

from __future__ import annotations

from functools import partial

import numpy as np

from autograder.checking import agree, check, holds, unchanged
from autograder.draws import Draw
from backpass import callables

# inception


def inception_params(draw: Draw, c: int, widths: tuple[int, ...], dtype: type = np.float64) -> dict[str, np.ndarray]:
    """widths: of the 1x1 branch, 3x3 reduction, 3x3, 5x5 reduction, 5x5, pool projection."""
    w1, r3, w3, r5, w5, wp = widths
    shapes = {"1": (w1, c, 1), "3r": (r3, c, 1), "3": (w3, r3, 3), "5r": (r5, c, 1), "5": (w5, r5, 5), "p": (wp, c, 1)}
    params = {}
    for name, (o, i, k) in shapes.items():
        params[f"w{name}"] = draw.normal(o, i, k, k, mean=0.1, dtype=dtype)
        params[f"b{name}"] = draw.normal(o, mean=0.3, dtype=dtype)
    return params


WIDTHS = (2, 4, 3, 2, 1, 4)  # joined: 2, 3, 1 and 4 channels


@check("inception", points=1.5, title="Forward: four branches of different widths")
def test_inception_forward(student, draw):
    """1×1, 3×3, 5×5 and pool branch follow each other along the channels, with a ReLU after each convolution."""
    agree(student.inception_forward, draw.normal(2, 3, 4, 5), inception_params(draw, 3, WIDTHS))


@check("inception", points=0.5, title="Forward: four branches of the same width")
def test_inception_same_widths(student, draw):
    """Where all widths are equal, only the numbers tell which branch is which, and where they were joined."""
    agree(student.inception_forward, draw.normal(2, 3, 4, 3), inception_params(draw, 3, (2,) * 6))


@check("inception", points=1, title="Forward: a dark image")
def test_inception_pool_padding(student, draw):
    """All pixels are far below zero: what the pooling pads with must never be the maximum."""
    agree(student.inception_forward, draw.normal(2, 2, 3, 5, mean=-4), inception_params(draw, 2, (1, 1, 2, 2, 1, 3)))


@check("inception", points=2, title="Backward: dx")
def test_inception_dx(student, draw):
    """dy is split where the branches were joined; x went into all four, so it gets four gradients, added up."""
    y, cache = student.inception_forward(draw.normal(2, 3, 4, 5), inception_params(draw, 3, WIDTHS))
    agree(student.inception_backward, draw.normal(*y.shape), cache, part=0)


@check("inception", points=1.5, title="Backward: dparams")
def test_inception_dparams(student, draw):
    """A gradient for each of the twelve parameters, under the parameter's own name."""
    y, cache = student.inception_forward(draw.normal(3, 2, 5, 4), inception_params(draw, 2, (1, 3, 2, 2, 3, 1)))
    agree(student.inception_backward, draw.normal(*y.shape), cache, part=1)


@check("inception", points=0.5, title="Backward: branches of the same width")
def test_inception_same_widths_backward(student, draw):
    """With equal widths a gradient can reach the wrong branch without an error."""
    y, cache = student.inception_forward(draw.normal(2, 3, 4, 3), inception_params(draw, 3, (2,) * 6))
    agree(student.inception_backward, draw.normal(*y.shape), cache)


@check("inception", points=0.5, title="Backward: two pixels share the maximum")
def test_inception_ties(student, draw):
    """In a window whose maximum occurs twice the gradient goes to the first one alone, row by row."""
    x = draw.integers(0, 2, 1, 2, 3, 5).astype(float)
    y, cache = student.inception_forward(x, inception_params(draw, 2, (1, 2, 1, 1, 2, 3)))
    agree(student.inception_backward, draw.normal(*y.shape), cache, part=0)


@check("inception", points=0.5, title="Another forward may come before the backward")
def test_inception_two_forwards(student, draw):
    """A network has many such blocks: what the backward needs stands in the cache."""
    params = inception_params(draw, 2, (1, 2, 2, 1, 1, 2))
    y, cache = student.inception_forward(draw.normal(2, 2, 3, 4), params)
    student.inception_forward(draw.normal(1, 2, 4, 3), inception_params(draw, 2, (2, 1, 1, 2, 2, 1)))
    agree(student.inception_backward, draw.normal(*y.shape), cache)


@check("inception", points=0.5, title="float32, a batch of one, images smaller than the kernel")
def test_inception_float32(student, draw):
    """The result and every gradient have the dtype of what came in."""
    params = inception_params(draw, 2, (1, 2, 2, 1, 1, 2), np.float32)
    y, cache = agree(student.inception_forward, draw.normal(1, 2, 2, 3, dtype=np.float32), params)
    agree(student.inception_backward, draw.normal(*y.shape, dtype=np.float32), cache, rtol=1e-3)


@check("inception", points=0.5, title="The arguments stay as they were")
def test_inception_unchanged(student, draw):
    """Neither the image, nor the dict of parameters, nor the gradient that comes in."""
    params = inception_params(draw, 2, (1, 2, 2, 1, 1, 2))
    y, cache = unchanged(student.inception_forward, draw.normal(2, 2, 3, 4), params)
    unchanged(student.inception_backward, draw.normal(*y.shape), cache)


@check("inception", points=1, title="Larger images and widths", audience="grader")
def test_inception_sweep(student, draw):
    """Other sizes, forward and backward."""
    for shape, widths in (((3, 4, 7, 6), (3, 2, 5, 4, 2, 1)), ((2, 1, 1, 8), (1, 1, 1, 1, 1, 1))):
        y, cache = agree(
            student.inception_forward, draw.normal(*shape, mean=0.5), inception_params(draw, shape[1], widths)
        )
        agree(student.inception_backward, draw.normal(*y.shape), cache)


# residual_block


def block_params(
    draw: Draw, c: int, hidden: int, d: int, *, projected: bool = False, dtype: type = np.float64
) -> dict[str, np.ndarray]:
    params = {
        "w1": draw.normal(hidden, c, 3, 3, dtype=dtype),
        "b1": draw.normal(hidden, dtype=dtype),
        "w2": draw.normal(d, hidden, 3, 3, std=0.3, dtype=dtype),
        "b2": draw.normal(d, dtype=dtype),
    }
    return params | ({"ws": draw.normal(d, c, 1, 1, dtype=dtype)} if projected else {})


@check("residual_block", points=1.5, title="Forward: x itself as the shortcut")
def test_residual_forward(student, draw):
    """The input is added to what the two convolutions make of it; a ReLU stands between them and after the sum."""
    agree(student.residual_block_forward, draw.normal(2, 3, 4, 5), block_params(draw, 3, 4, 3))


@check("residual_block", points=1, title="Forward: a projection as the shortcut")
def test_residual_projection(student, draw):
    """Where the number of channels changes, a 1×1 convolution without bias takes the input along."""
    agree(student.residual_block_forward, draw.normal(2, 3, 4, 5), block_params(draw, 3, 2, 4, projected=True))


@check("residual_block", points=0.5, title="A projection that keeps the number of channels")
def test_residual_square_projection(student, draw):
    """The key ws decides, not the shapes: it is a projection also from 3 channels to 3."""
    x, params = draw.normal(2, 3, 3, 4), block_params(draw, 3, 2, 3, projected=True)
    y, cache = agree(student.residual_block_forward, x, params)
    agree(student.residual_block_backward, draw.normal(*y.shape), cache)


@check("residual_block", points=0.5, title="A branch that gives zero leaves relu(x)")
def test_residual_identity(student, draw):
    """This is why deep stacks of such blocks can be trained: doing nothing is easy, and the gradient passes."""
    params = block_params(draw, 3, 2, 3)
    params["w2"], params["b2"] = 0 * params["w2"], 0 * params["b2"]
    y, cache = agree(student.residual_block_forward, draw.normal(2, 3, 4, 5), params)
    agree(student.residual_block_backward, draw.normal(*y.shape), cache, part=0)


@check("residual_block", points=1.5, title="Backward: dx, x itself as the shortcut")
def test_residual_dx(student, draw):
    """The gradient of a sum goes to both summands: x gets it from the branch and from the shortcut."""
    y, cache = student.residual_block_forward(draw.normal(2, 3, 4, 5), block_params(draw, 3, 4, 3))
    agree(student.residual_block_backward, draw.normal(*y.shape), cache, part=0)


@check("residual_block", points=1, title="Backward: dparams")
def test_residual_dparams(student, draw):
    """The branch's four gradients, and no key that params has not."""
    y, cache = student.residual_block_forward(draw.normal(3, 2, 5, 4), block_params(draw, 2, 3, 2))
    agree(student.residual_block_backward, draw.normal(*y.shape), cache, part=1)


@check("residual_block", points=1, title="Backward: through the projection")
def test_residual_projection_backward(student, draw):
    """The shortcut has a weight now: dws, and a dx that went back through it."""
    params = block_params(draw, 3, 2, 4, projected=True)
    y, cache = student.residual_block_forward(draw.normal(2, 3, 4, 5), params)
    agree(student.residual_block_backward, draw.normal(*y.shape), cache)


@check("residual_block", points=0.5, title="Another forward may come before the backward")
def test_residual_two_forwards(student, draw):
    """Blocks are stacked: what the backward needs stands in the cache."""
    y, cache = student.residual_block_forward(draw.normal(2, 2, 3, 4), block_params(draw, 2, 3, 2))
    student.residual_block_forward(draw.normal(1, 2, 4, 3), block_params(draw, 2, 1, 3, projected=True))
    agree(student.residual_block_backward, draw.normal(*y.shape), cache)


@check("residual_block", points=0.5, title="float32 and a batch of one")
def test_residual_float32(student, draw):
    """The result and every gradient have the dtype of what came in."""
    params = block_params(draw, 2, 3, 4, projected=True, dtype=np.float32)
    y, cache = agree(student.residual_block_forward, draw.normal(1, 2, 3, 5, dtype=np.float32), params)
    agree(student.residual_block_backward, draw.normal(*y.shape, dtype=np.float32), cache, rtol=1e-3)


@check("residual_block", points=0.5, title="The arguments stay as they were")
def test_residual_unchanged(student, draw):
    """The input is still needed where it came from, and dy belongs to the caller."""
    y, cache = unchanged(student.residual_block_forward, draw.normal(2, 2, 3, 4), block_params(draw, 2, 3, 2))
    unchanged(student.residual_block_backward, draw.normal(*y.shape), cache)


# augmentation


def near_identity(draw: Draw, n: int, spread: float, dtype: type = np.float64) -> np.ndarray:
    return np.eye(2, 3, dtype=dtype) + draw.normal(n, 2, 3, std=spread, dtype=dtype)


@check("augmentation", points=1, title="horizontal_flip")
def test_flip(student, draw):
    """Left and right change places; up and down, samples and channels stay."""
    agree(student.horizontal_flip, draw.normal(2, 3, 4, 5))
    agree(student.horizontal_flip, draw.normal(1, 2, 3, 1, dtype=np.float32))


@check("augmentation", points=1, title="affine_sample: the identity gives the image back")
def test_affine_identity(student, draw):
    """theta = (1 0 0; 0 1 0) reads every pixel at its own centre."""
    agree(student.affine_sample, draw.normal(2, 3, 4, 6), np.eye(2, 3)[None].repeat(2, 0))


@check("augmentation", points=1, title="affine_sample: a shift by parts of a pixel")
def test_affine_shift(student, draw):
    """The last column of theta moves the place to read from; between pixels the four neighbours are mixed."""
    theta = np.eye(2, 3)[None].repeat(2, 0)
    theta[:, :, 2] = draw.uniform(2, 2, low=-0.3, high=0.3)
    agree(student.affine_sample, draw.normal(2, 2, 5, 3, mean=1), theta)


@check("augmentation", points=2, title="affine_sample: an affine map for each image")
def test_affine_general(student, draw):
    """Turned, sheared and scaled, height and width different, each sample with a theta of its own."""
    agree(student.affine_sample, draw.normal(3, 2, 4, 6, mean=1), near_identity(draw, 3, 0.3))


@check("augmentation", points=1, title="affine_sample: outside is zero")
def test_affine_outside(student, draw):
    """A neighbour outside the image counts as 0 in the mean: at the border values fade, they do not stop."""
    theta = np.eye(2, 3)[None] * draw.uniform(2, 1, 1, low=1.3, high=1.8)
    agree(student.affine_sample, draw.normal(2, 1, 4, 5, mean=3), theta)
    agree(student.affine_sample, draw.normal(2, 1, 3, 4, mean=3), theta + np.array([[0, 0, 3.0], [0, 0, 0]]))


@check("augmentation", points=0.5, title="affine_sample: float32, a batch of one, a single row")
def test_affine_float32(student, draw):
    """The result has the dtype of the image."""
    agree(
        student.affine_sample,
        draw.normal(1, 2, 4, 5, dtype=np.float32),
        near_identity(draw, 1, 0.1, np.float32),
        rtol=1e-3,
    )
    agree(student.affine_sample, draw.normal(1, 2, 1, 5), near_identity(draw, 1, 0.1))


@check("augmentation", points=0.5, title="The arguments stay as they were")
def test_augmentation_unchanged(student, draw):
    """The training set is needed again in the next epoch."""
    unchanged(student.horizontal_flip, draw.normal(2, 2, 3, 4))
    unchanged(student.affine_sample, draw.normal(2, 2, 3, 4), near_identity(draw, 2, 0.2))


# looking_inside


@check("looking_inside", points=1, title="class_activation_map")
def test_cam(student, draw):
    """The sum of the maps, each weighted as the class weighs it: negative evidence stays negative."""
    agree(student.class_activation_map, draw.normal(3, 4, 5, mean=0.5), draw.normal(3))


@check("looking_inside", points=1.5, title="occlusion_map: how far the score falls")
def test_occlusion(student, draw):
    """The square is set to 0 in all channels, then the next one; the image is whole again in between."""
    x = draw.normal(2, 5, 6, mean=1)
    agree(student.occlusion_map, partial(callables.weighted_total, weights=draw.normal(2, 5, 6)), x, 2, 2)
    agree(student.occlusion_map, callables.energy_score, x, 3, 1)


@check("looking_inside", points=1, title="occlusion_map: stride and size differ")
def test_occlusion_stride(student, draw):
    """Squares that overlap, squares with gaps, and a rest at the border for which there is no square."""
    f = partial(callables.weighted_total, weights=draw.normal(2, 6, 8))
    agree(student.occlusion_map, f, draw.normal(2, 6, 8), 1, 3)
    agree(student.occlusion_map, f, draw.normal(2, 6, 8), 3, 2)
    agree(student.occlusion_map, callables.stripes_score, draw.normal(1, 5, 4, mean=2), 4, 1)


@check("looking_inside", points=1, title="linear_cka: the value")
def test_cka(student, draw):
    """Both are centred over the examples; three matrices enter with their Frobenius norms, the mixed one squared."""
    agree(student.linear_cka, draw.normal(8, 3, mean=2), draw.normal(8, 4, mean=-1))


@check("looking_inside", points=0.5, title="linear_cka: turned, scaled and moved features are the same")
def test_cka_invariance(student, draw):
    """A representation is what its distances are: neither the axes, nor one scale for all, nor an offset matters."""
    a, b = draw.normal(9, 3, mean=1), draw.normal(9, 2)
    turn = np.linalg.qr(draw.normal(3, 3))[0]
    moved = student.linear_cka(-2.5 * a @ turn + 7, b)
    because = "turning, scaling and moving the features changes the result, and must not."
    holds("invariant", student.linear_cka(a, b), moved, because=because)
    agree(student.linear_cka, a, 3 * a + 1)


@check("looking_inside", points=0.5, title="float32 stays float32")
def test_looking_float32(student, draw):
    """The maps have the dtype of what came in."""
    agree(student.class_activation_map, draw.normal(3, 2, 4, dtype=np.float32), draw.normal(3, dtype=np.float32))
    agree(student.occlusion_map, callables.energy_score, draw.normal(2, 4, 5, dtype=np.float32), 2, 1)
    agree(student.linear_cka, draw.normal(6, 2, dtype=np.float32), draw.normal(6, 3, dtype=np.float32), rtol=1e-3)


@check("looking_inside", points=0.5, title="The arguments stay as they were")
def test_looking_unchanged(student, draw):
    """Hide the square in a copy, centre a copy."""
    unchanged(student.occlusion_map, callables.energy_score, draw.normal(2, 4, 5), 2, 1)
    unchanged(student.linear_cka, draw.normal(6, 2, mean=1), draw.normal(6, 3, mean=1))
    unchanged(student.class_activation_map, draw.normal(3, 2, 4), draw.normal(3))


# linear_probe


def features_of(draw: Draw, n: int, p: int, dtype: type = np.float64) -> np.ndarray:
    """Features with offsets, so that it matters who is penalised."""
    return draw.normal(n, p, mean=3, dtype=dtype) + np.arange(p, dtype=dtype)


@check("linear_probe", points=1.5, title="The weight")
def test_probe_weight(student, draw):
    """Sums of squares, not means; features far from zero, and the bias free of the penalty."""
    agree(student.linear_probe, features_of(draw, 9, 3), draw.integers(0, 3, 9), 3, 0.7, part=0, rtol=1e-6)


@check("linear_probe", points=1, title="The bias")
def test_probe_bias(student, draw):
    """With the best bias the predictions average to the classes' shares."""
    agree(student.linear_probe, features_of(draw, 8, 2), draw.integers(0, 3, 8), 3, 1.3, part=1, rtol=1e-6)


@check("linear_probe", points=1, title="A strong penalty")
def test_probe_strong(student, draw):
    """The weight shrinks to 0 and the bias to the shares of the classes: only the weight is held back."""
    agree(student.linear_probe, features_of(draw, 8, 2), draw.integers(0, 3, 8), 3, 1e6, rtol=1e-6)


@check("linear_probe", points=1, title="A class without examples, more features than examples")
def test_probe_missing_class(student, draw):
    """n_classes says how many rows the weight has; the penalty makes the solution unique."""
    agree(student.linear_probe, features_of(draw, 4, 6), draw.integers(0, 3, 4), 5, 2.0, rtol=1e-6)


@check("linear_probe", points=0.5, title="float32 stays float32")
def test_probe_float32(student, draw):
    """Weight and bias have the features' dtype."""
    features = draw.normal(9, 2, dtype=np.float32)
    agree(student.linear_probe, features, draw.integers(0, 3, 9), 3, 1.0, rtol=1e-2)


@check("linear_probe", points=0.5, title="The arguments stay as they were")
def test_probe_unchanged(student, draw):
    """A probe looks at frozen features: it must not move them."""
    unchanged(student.linear_probe, features_of(draw, 7, 2), draw.integers(0, 3, 7), 3, 0.5)


# audit


def skewed(draw: Draw, n: int, mean: float = 0.0) -> np.ndarray:
    """A few values of which one lies far off: mean, median and quantiles tell apart."""
    values = np.sort(draw.normal(n, mean=mean, std=0.4))
    values[-1] += 2.5
    return values[draw.permutation(n)]


@check("audit", points=1, title="The effect: mean(a) − mean(b)")
def test_effect(student, draw):
    """Of the runs as they were measured, not of resampled ones; it is positive where a is larger."""
    a, b = skewed(draw, 6, 1.0), draw.normal(4, std=0.3)
    effect, low, high = student.effect_interval(a, b, draw.rng(), draws=500)
    holds("mean_difference", effect, a, b)
    holds("ordered", low, effect, high, because="the interval does not contain the effect that it belongs to.")


@check("audit", points=1.5, title="The interval: quantiles of resampled differences")
def test_interval(student, draw):
    """For a few runs all resamples can be written down: the ends must lie where chance allows, by any quantile rule."""
    a, b = skewed(draw, 6, 1.0), draw.normal(3, std=0.2)
    _, low, high = student.effect_interval(a, b, draw.rng(), draws=4000)
    holds("bootstrap_interval", a, b, low, high, level=0.95, draws=4000)


@check("audit", points=1, title="The interval: another level")
def test_level(student, draw):
    """level is the share in the middle: what is left over is divided between both tails."""
    a, b = skewed(draw, 5, -1.0), skewed(draw, 4, 1.0)
    _, low, high = student.effect_interval(a, b, draw.rng(), level=0.6, draws=4000)
    holds("bootstrap_interval", a, b, low, high, level=0.6, draws=4000)


@check("audit", points=1, title="Runs that happen to go up and down together")
def test_not_paired(student, draw):
    """a and b are resampled independently of each other, also where there are as many of both."""
    a = skewed(draw, 4)
    b = a + draw.normal(4, mean=-0.5, std=0.1)
    _, low, high = student.effect_interval(a, b, draw.rng(), level=0.8, draws=4000)
    holds("bootstrap_interval", a, b, low, high, level=0.8, draws=4000)


@check("audit", points=0.5, title="A single draw, and a single run")
def test_one_draw(student, draw):
    """One resampled difference is both ends of its interval; and one run of each kind shows no spread at all."""
    _, low, high = student.effect_interval(draw.normal(5), draw.normal(4), draw.rng(), draws=1)
    because = "with draws=1 there is one resampled difference: low and high are both that number."
    holds("equal", low, high, because=because, tag="draws_ignored")
    a, b = draw.normal(1, mean=2), draw.normal(1)
    _, low, high = student.effect_interval(a, b, draw.rng(), draws=50)
    holds("equal", low, high, because="one run on each side has no spread: the interval is a point.")


@check("audit", points=0.5, title="Chance comes from rng alone")
def test_rng(student, draw):
    """Generators of the same seed give the same interval, of other seeds another one."""
    a, b = draw.normal(6), draw.normal(5)
    one, same = draw.twin_rngs()
    _, low, high = student.effect_interval(a, b, one, draws=300)
    _, low_again, high_again = student.effect_interval(a, b, same, draws=300)
    holds("same_draws", [low, high], [low_again, high_again])
    _, low_other, high_other = student.effect_interval(a, b, draw.rng(), draws=300)
    because = "another seed gave the very same interval: the rng that is passed in is not used."
    holds("not_equal", low, high, because="the interval has no width: the resamples do not differ.", tag="no_width")
    holds("not_equal", [low, high], [low_other, high_other], because=because, tag="own_generator")


@check("audit", points=0.5, title="The arguments stay as they were, float32 runs included")
def test_audit_unchanged(student, draw):
    """Resampling picks from copies: the measured runs stay in their order."""
    unchanged(student.effect_interval, draw.normal(5), draw.normal(4), draw.rng(), draws=50)
    unchanged(student.effect_interval, draw.normal(5, dtype=np.float32), draw.normal(4, dtype=np.float32), draw.rng())


@check("audit", points=1, title="Planted effects and planted nulls", audience="grader")
def test_coverage(student, draw):
    """In many made-up comparisons whose truth is known, the interval contains the truth about as often as it says."""
    rng = draw.rng()
    for planted in (0.0, 0.8):
        lows, highs = [], []
        for _ in range(60):
            a, b = draw.normal(14, mean=planted), draw.normal(11)
            _, low, high = student.effect_interval(a, b, rng, level=0.8, draws=200)
            lows.append(low)
            highs.append(high)
        holds("coverage", lows, highs, planted, at_least=0.5, at_most=0.97)


# in_pytorch: the classes are asked through arrays, see backpass.torch_adapter

EPS = 1e-5


def batch(draw: Draw, n: int, d: int, dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, gamma, beta."""
    return draw.normal(n, d, mean=2, dtype=dtype), draw.normal(d, mean=1.5, dtype=dtype), draw.normal(d, dtype=dtype)


def conv_state(draw: Draw, o: int, i: int, k: int, dtype: type = np.float64) -> list[np.ndarray]:
    """Weight, gamma, beta, running mean, running variance: nothing as a fresh module has it."""
    weight, gamma, beta, mean = (draw.normal(*s, mean=0.5, dtype=dtype) for s in ((o, i, k, k), (o,), (o,), (o,)))
    return [weight, gamma, beta, mean, draw.uniform(o, low=0.5, high=3, dtype=dtype)]


@check("in_pytorch", points=1, title="BatchNormFunction: y = BatchNormFunction.apply(x, gamma, beta, eps)")
def test_function_forward(student, draw):
    """Each feature is normalised over the batch with the biased variance, then scaled and shifted."""
    agree(student.BatchNormFunction, *batch(draw, 5, 3), EPS, draw.normal(5, 3), part=0)


@check("in_pytorch", points=1, title="BatchNormFunction: y.backward(dy) gives dx")
def test_function_dx(student, draw):
    """Mean and variance depend on x, so two directions are taken out of the gradient."""
    agree(student.BatchNormFunction, *batch(draw, 5, 3), EPS, draw.normal(5, 3, mean=1), part=1, rtol=1e-6)


@check("in_pytorch", points=1, title="BatchNormFunction: the gradients of gamma and beta")
def test_function_parameters(student, draw):
    """backward returns as many values as forward has arguments: dx, dgamma, dbeta, and None for eps."""
    args = (*batch(draw, 4, 3), EPS, draw.normal(4, 3, mean=1))
    agree(student.BatchNormFunction, *args, part=2, rtol=1e-6)
    agree(student.BatchNormFunction, *args, part=3, rtol=1e-6)


@check("in_pytorch", points=0.5, title="BatchNormFunction: the gradients fit the forward pass")
def test_function_gradcheck(student, draw):
    """A small step in x, gamma and beta changes y as the gradients say: what torch.autograd.gradcheck asks."""
    x, gamma, beta = batch(draw, 6, 2)
    dy, h = draw.normal(6, 2), 1e-6
    directions = [draw.normal(6, 2), draw.normal(2), draw.normal(2)]
    moved = [(x + s * directions[0], gamma + s * directions[1], beta + s * directions[2]) for s in (h, -h)]
    y_plus, *_ = student.BatchNormFunction(*moved[0], EPS, dy)
    y_minus, *_ = student.BatchNormFunction(*moved[1], EPS, dy)
    _, dx, dgamma, dbeta = student.BatchNormFunction(x, gamma, beta, EPS, dy)
    holds("gradients_along", y_plus, y_minus, h, dy, [dx, dgamma, dbeta], directions)


@check("in_pytorch", points=0.5, title="BatchNormFunction: a large eps")
def test_function_eps(student, draw):
    """eps is added to the variance, inside of the root, and the gradient knows it."""
    agree(student.BatchNormFunction, *batch(draw, 4, 3), 0.7, draw.normal(4, 3), rtol=1e-6)


@check("in_pytorch", points=0.5, title="BatchNormFunction: another forward before the backward")
def test_function_between(student, draw):
    """What the backward pass needs is kept in ctx, which every call has for itself."""
    args = (*batch(draw, 4, 3), EPS, draw.normal(4, 3))
    agree(student.BatchNormFunction, *args, between=draw.normal(4, 3, mean=-1, std=3), rtol=1e-6)


@check("in_pytorch", points=0.5, title="float32, and unchanged arguments")
def test_torch_unchanged(student, draw):
    """The tensors share their memory with the arrays of the caller."""
    x, gamma, beta = batch(draw, 6, 2, np.float32)
    agree(student.BatchNormFunction, x, gamma, beta, EPS, draw.normal(6, 2, dtype=np.float32), rtol=1e-3)
    unchanged(student.BatchNormFunction, x, gamma, beta, EPS, draw.normal(6, 2, dtype=np.float32))
    state, x = conv_state(draw, 2, 3, 1, np.float32), draw.normal(2, 3, 2, 4, dtype=np.float32)
    agree(student.ConvBNReLU, 3, 2, 1, 0, state, x, draw.normal(2, 2, 2, 4, dtype=np.float32), rtol=1e-2, atol=1e-4)
    unchanged(student.ConvBNReLU, 3, 2, 1, 0, state, x, draw.normal(2, 2, 2, 4, dtype=np.float32))


@check("in_pytorch", points=0.5, title="ConvBNReLU: a new module and its parameters")
def test_module_new(student, draw):
    """A kernel, gamma and beta, no more; at first gamma is 1, beta 0, the running mean 0, the running variance 1."""
    weight, x = draw.normal(4, 2, 3, 3), draw.normal(3, 2, 4, 5, mean=1)
    agree(student.ConvBNReLU, 2, 4, 3, 1, [weight], x, draw.normal(3, 4, 4, 5), training=False)


@check("in_pytorch", points=1, title="ConvBNReLU: forward in training")
def test_module_forward(student, draw):
    """Convolution, then normalisation with the batch's statistics, then ReLU."""
    x = draw.normal(2, 3, 5, 4, mean=1)
    agree(student.ConvBNReLU, 3, 2, 3, 1, conv_state(draw, 2, 3, 3), x, draw.normal(2, 2, 5, 4), part=1)


@check("in_pytorch", points=1, title="ConvBNReLU: backward in training")
def test_module_backward(student, draw):
    """Autograd does it, as long as nothing on the way is taken out of the graph."""
    x, dy = draw.normal(2, 3, 6, 5, mean=1), draw.normal(2, 2, 4, 3)
    agree(student.ConvBNReLU, 3, 2, 3, 0, conv_state(draw, 2, 3, 3), x, dy, rtol=1e-6)


@check("in_pytorch", points=0.5, title="ConvBNReLU: training moves the running statistics")
def test_module_running(student, draw):
    """A tenth of the way with every batch, towards its mean and its unbiased variance; they are buffers."""
    state, x = conv_state(draw, 3, 2, 1), draw.normal(2, 2, 3, 4, mean=2)
    before = [draw.normal(2, 2, 3, 4, mean=-1), draw.normal(3, 2, 3, 4)]
    dy = draw.normal(2, 3, 3, 4)
    agree(student.ConvBNReLU, 2, 3, 1, 0, state, x, dy, before=before, part=6)
    agree(student.ConvBNReLU, 2, 3, 1, 0, state, x, dy, before=before, part=7)


@check("in_pytorch", points=1, title="ConvBNReLU: module.eval()")
def test_module_eval(student, draw):
    """In evaluation the running statistics normalise, and stay as they are; the batch no longer matters."""
    state, dy = conv_state(draw, 3, 2, 3), draw.normal(1, 3, 4, 3)
    agree(student.ConvBNReLU, 2, 3, 3, 1, state, draw.normal(1, 2, 4, 3, mean=2), dy, training=False, rtol=1e-6)


@check("in_pytorch", points=1, title="ConvBNReLU: what is learnt survives state_dict and load_state_dict")
def test_module_reload(student, draw):
    """A new module that loads the old one's state_dict does what the old one did: running statistics included."""
    state, before = conv_state(draw, 3, 2, 1), [draw.normal(3, 2, 3, 4, mean=2)]
    x, dy = draw.normal(2, 2, 3, 4, mean=1), draw.normal(2, 3, 3, 4)
    agree(student.ConvBNReLU, 2, 3, 1, 0, state, x, dy, before=before, training=False, reload=True, rtol=1e-6)
