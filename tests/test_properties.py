"""Each named property holds for right results, and breaks with the right tag for wrong ones."""

import inspect

import numpy as np
import pytest

from backpass import properties as p

RNG = np.random.default_rng(2)
X = RNG.normal(loc=1.0, size=(40, 6))
X[X == 0] = 1
A = RNG.normal(size=(3, 6))
IMAGES = RNG.normal(size=(8, 4, 12, 10))


def dropped(x, rate, rng, scale=None, shape=None):
    keep = rng.random(shape or x.shape) >= rate
    return x * keep * (1 / (1 - rate) if scale is None else scale)


def tag(broken):
    return None if broken is None else broken.tag


def test_every_public_property_is_documented():
    for name, function in inspect.getmembers(p, inspect.isfunction):
        if function.__module__ == p.__name__:
            assert name.startswith("_") or function.__doc__


def test_adjoint():
    x, y = RNG.normal(size=6), RNG.normal(size=3)
    assert p.adjoint(A @ x, y, x, A.T @ y) is None
    assert p.adjoint((A @ x).astype(np.float32), y.astype(np.float32), x, A.T @ y) is None
    assert p.adjoint(A @ x, y, x, -A.T @ y).tag == "negated"
    assert p.adjoint(A @ x, y, x, 2 * A.T @ y)
    assert "shapes" in p.adjoint(A @ x, y, x, y).sentence


def test_linear():
    x, y = X[0], X[1]
    assert p.linear(A @ x, A @ y, A @ (2 * x - y), a=2.0, b=-1.0) is None
    assert p.linear(A @ x + 1, A @ y + 1, A @ (x + y) + 1)


def test_gradients():
    v, dy, h = RNG.normal(size=X.shape), RNG.normal(size=X.shape), 1e-5
    plus, minus = np.sin(X + h * v), np.sin(X - h * v)
    assert p.gradient_along(plus, minus, h, dy, np.cos(X) * dy, v) is None
    assert p.gradient_along(plus, minus, h, dy, dy, v)
    assert p.gradients_along(plus, minus, h, dy, [np.cos(X) * dy], [v]) is None
    assert p.gradients_along(plus, minus, h, dy, [X * dy], [v])


def test_equalities():
    assert p.equal(X, X + 1e-12) is None
    assert p.equal(X, X + 1, tag="t").tag == "t"
    assert p.not_equal(X, X + 1) is None
    assert p.not_equal(X, X.copy())
    assert p.same_draws(X, X) is None
    assert p.same_draws(X, X + 1).tag == "global_state"
    assert p.scaled(2 * X, X, 2.0) is None
    assert p.scaled(X, X, 2.0)
    assert p.invariant(X, X) is None
    assert p.invariant(X, X.T)


def test_sums_norms_symmetries():
    centred = X - X.mean(axis=0)
    assert p.zero_mean(centred, 0) is None
    assert p.zero_mean(X, 0)
    assert p.sums_to(X, X.sum()) is None
    assert p.sums_to(X, X.sum() + 1)
    assert p.unit_variance(centred / X.std(axis=0), 0) is None
    assert p.unit_variance(centred / X.std(axis=0, ddof=1), 0).tag == "unbiased"
    assert p.orthogonal(centred, np.ones_like(X), 0) is None
    assert p.orthogonal(X, X, 0)
    assert p.norm_is(X / np.linalg.norm(X, axis=1, keepdims=True), 1.0, 1) is None
    assert p.norm_is(X, 1.0, 1)
    assert p.largest_singular_value(A, np.linalg.norm(A, 2)) is None
    assert p.largest_singular_value(A, np.linalg.norm(A))
    kernel = RNG.normal(size=(3, 3))
    assert p.turn_symmetric(sum(np.rot90(kernel, k) for k in range(4))) is None
    assert p.turn_symmetric(kernel)
    assert p.constant_over_axes(np.ones((3, 4)) * np.arange(4), 0) is None
    assert p.constant_over_axes(X, (0, 1))
    assert p.rows_differ(X) is None
    assert p.rows_differ(np.tile(X[:1], (3, 1))).tag == "shared"
    assert p.finite(X) is None
    assert "nan" in p.finite(X * np.nan).sentence
    assert p.between(X, -10, 10) is None
    assert p.between(X, 0, 1)
    assert p.ordered(1, 2, 3) is None
    assert p.ordered(1, 0, 3)


def test_probabilities():
    softmax = np.exp(X) / np.exp(X).sum(axis=1, keepdims=True)
    assert p.probabilities(softmax, 1) is None
    assert p.probabilities(softmax, 0).tag == "wrong_axis"
    assert p.probabilities(X, 1)


def test_within_sigma_names_the_nearest_mistake():
    assert p.within_sigma(1.02, 1.0, 0.01) is None
    assert p.within_sigma(2.0, 1.0, 0.01, instead={"twice": 2.0, "half": 0.5}).tag == "twice"
    assert p.within_sigma(9.0, 1.0, 0.01, instead={"twice": 2.0}).tag == ""


def test_mean_and_variance():
    draws = RNG.normal(0, 2, 4000)
    assert p.mean_and_variance(draws, 0.0, 4.0) is None
    assert p.mean_and_variance(draws, 0.0, 2.0, instead={"not_squared": 4.0}).tag == "not_squared"
    assert p.mean_and_variance(draws + 1, 0.0, 4.0)
    assert p.mean_and_variance(draws * np.nan, 0.0, 4.0).tag == "nan"


def test_uniform_draws():
    assert p.uniform_draws(RNG.uniform(-0.3, 0.3, 3000), -0.3, 0.3) is None
    assert p.uniform_draws(RNG.normal(0, 0.3 / 3**0.5, 3000), -0.3, 0.3).tag == "normal"
    assert p.uniform_draws(RNG.uniform(-0.2, 0.2, 3000), -0.3, 0.3, instead={"fan_in": 0.2}).tag == "fan_in"
    assert p.uniform_draws(RNG.uniform(0, 0.3, 3000), -0.3, 0.3)


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.8])
def test_keep_rate_of_a_right_dropout(rate):
    for _ in range(20):
        assert p.keep_rate(X, dropped(X, rate, RNG), rate) is None


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda x: x * (RNG.random(x.shape) < 0.2) / 0.2, "swapped"),
        (lambda x: x * (RNG.random(x.shape) < 0.2) / 0.8, "reversed"),
        (lambda x: dropped(x, 0.2, RNG, scale=5.0), "by_p"),
        (lambda x: _by_share(x, 0.2), "by_share"),
        (lambda x: dropped(x, 0.2, RNG, shape=(x.shape[0], 1)), "shared_1"),
        (lambda x: dropped(x, 0.2, RNG, scale=1.0), "unscaled"),
        (lambda x: dropped(x, 0.2, RNG, scale=0.8), "scaled_by_keep"),
        (lambda x: dropped(x, 0.2, RNG, scale=3.0), "wrong_scale"),
        (lambda x: x * (np.arange(6) != 2) / 0.8, "shared"),
        (lambda x: dropped(x, 0.6, RNG, scale=1 / 0.8), "rate"),
        (lambda x: x, "nothing_dropped"),
        (lambda x: x * np.nan, "nan"),
    ],
)
def test_keep_rate_of_wrong_dropouts(make, expected):
    large = np.tile(X, (20, 1))
    assert tag(p.keep_rate(large, make(large), 0.2)) == expected


def _by_share(x, rate):
    kept = RNG.random(x.shape) >= rate
    return x * kept / kept.mean()


def test_keep_rate_names_what_else_gives_the_share():
    large = np.tile(X, (20, 1))
    normal = large * (RNG.normal(size=large.shape) >= 0.3) / 0.7
    assert p.keep_rate(large, normal, 0.3).tag == "rate"
    assert p.keep_rate(large, normal, 0.3, instead={"normal": 0.382}).tag == "normal"


def test_inactive():
    assert p.inactive(X, X, 0.2) is None
    assert p.inactive(X, X * 0.8, 0.2).tag == "scaled"
    assert p.inactive(X, X / 0.8, 0.2).tag == "scaled_up"
    assert p.inactive(X, dropped(X, 0.2, RNG), 0.2, training=dropped(X, 0.2, RNG)).tag == "active"
    assert p.inactive(X, dropped(X, 0.2, RNG), 0.2, training=X).tag == "exchanged"


def test_fates_differ():
    assert p.fates_differ([X, 0 * X, dropped(X, 0.5, RNG, shape=(len(X), 1))]) is None
    assert p.fates_differ([X, 0 * X]).tag == "together"


def test_keep_rate_of_whole_maps():
    maps = np.tile(IMAGES, (4, 4, 1, 1))
    assert p.keep_rate(maps, dropped(maps, 0.4, RNG, shape=(32, 16, 1, 1)), 0.4, unit=(2, 3)) is None
    assert p.keep_rate(maps, dropped(maps, 0.4, RNG), 0.4, unit=(2, 3)).tag == "uneven"
    assert p.keep_rate(maps, dropped(maps, 0.4, RNG, shape=(32, 1, 1, 1)), 0.4, unit=(2, 3)).tag == "shared_1"
    assert p.keep_rate(maps, dropped(maps, 0.4, RNG, shape=(32, 1, 1, 10)), 0.4, unit=(2, 3)).tag == "uneven_12"


def test_dropping_an_exact_number_shows_over_calls():
    right = [dropped(X, 0.3, RNG) for _ in range(5)]
    assert p.spread_over_calls(right) is None
    exact = [X * RNG.permutation(np.arange(X.size) >= 72).reshape(X.shape) for _ in range(5)]
    assert p.spread_over_calls(exact).tag == "exact"
    assert p.spread_over_calls(exact[:1] * 5).tag == "repeated"
    assert p.spread_over_calls([X] * 5).tag == "nothing_dropped"


def test_same_mask():
    dy = RNG.normal(size=X.shape)
    mask = (RNG.random(X.shape) < 0.5) / 0.5
    assert p.same_mask(X, X * mask, dy, dy * mask) is None
    assert p.same_mask(X, X * mask, dy, dy * (mask > 0)).tag == "unscaled"
    assert p.same_mask(X, X * mask, dy, dy).tag == "ignored"
    assert p.same_mask(X, X * 2, dy, dy).tag == "unscaled"
    assert p.same_mask(X, X * mask, dy, dy * (RNG.random(X.shape) < 0.5) * 2).tag == "new_mask"
    assert p.same_mask(X, X * mask, dy, dy * mask**2).tag == "twice"
    assert p.same_mask(X, X * mask, dy, dy * mask * 3).tag == "wrong_scale"
    later = dropped(X, 0.5, RNG)
    assert p.same_mask(X, X * mask, dy, dy * later / X, later=later).tag == "last_forward"
    noise = RNG.normal(1, 0.5, X.shape)
    assert p.same_mask(X, X * noise, dy, dy * RNG.normal(1, 0.5, X.shape)).tag == "new_mask"


def test_noise():
    ones = np.full((100, 60), 2.0)
    assert p.noise_is(ones, ones * RNG.normal(1, 0.5, ones.shape), 0.25) is None
    assert p.noise_is(ones, ones * RNG.normal(1, 0.5, ones.shape), 0.5, instead={"p": 0.25}).tag == "p"
    assert p.noise_is(ones, ones + RNG.normal(0, 0.5, ones.shape), 0.25).tag == "additive"
    uniform = RNG.uniform(1 - 0.5 * 3**0.5, 1 + 0.5 * 3**0.5, ones.shape)
    assert p.noise_is(ones, ones * uniform, 0.25).tag == "not_normal"
    assert p.noise_is(ones, dropped(ones, 0.2, RNG), 0.25).tag == "few_values"
    per_sample = RNG.normal(1, 0.5, (100, 1))
    assert p.shared_noise(ones, ones * per_sample, unit=1) is None
    assert p.shared_noise(ones, ones * RNG.normal(1, 0.5, ones.shape), unit=1).tag == "apart"
    assert p.shared_noise(ones, ones * 3, unit=1).tag == "shared"


def test_affine_noise():
    factor, shift = RNG.uniform(0.5, 1.5, 6), RNG.uniform(-0.2, 0.2, 6)
    assert p.affine_noise(X, factor * X + shift, 0.5, 0.2) is None
    assert p.affine_noise(X, X, 0.5, 0.2).tag == "none"
    assert p.affine_noise(X, X * RNG.uniform(0.5, 1.5, X.shape), 0.5, 0.2).tag == "per_entry"
    assert p.affine_noise(X, X + shift, 0.5, 0.2).tag == "no_factor"
    assert p.affine_noise(X, factor * X, 0.5, 0.2).tag == "no_shift"
    assert p.affine_noise(X, 1.2 * X + 0.1, 0.5, 0.2).tag == "shared"
    assert p.affine_noise(X, 3 * factor * X + shift, 0.5, 0.2).tag == "range"


def blocks(x, rate, k):
    n, c, h, w = x.shape
    seeds = RNG.random((n, c, h - k + 1, w - k + 1)) < rate * h * w / (k * k * (h - k + 1) * (w - k + 1))
    keep = np.ones(x.shape, bool)
    for i in range(k):
        for j in range(k):
            keep[:, :, i : i + h - k + 1, j : j + w - k + 1] &= ~seeds
    return x * keep * (keep.size / keep.sum()), keep


def test_blocks():
    large = np.tile(IMAGES, (4, 2, 1, 1))
    right, keep = blocks(large, 0.2, 3)
    assert p.blocks_dropped(large, right, 3, p=0.2) is None
    assert p.blocks_dropped(large, large * keep, 3).tag == "unscaled"
    assert p.blocks_dropped(large, dropped(large, 0.3, RNG), 3).tag == "not_blocks"
    assert p.blocks_dropped(large, blocks(large, 0.6, 3)[0], 3, p=0.2).tag == "rate"
    assert p.blocks_dropped(large, large, 3).tag == "nothing_dropped"
    assert p.blocks_dropped(large, large * keep / 0.8, 3, p=0.2).tag == "by_p"
    per_sample = keep.mean(axis=(1, 2, 3), keepdims=True)
    assert p.blocks_dropped(large, large * keep / per_sample, 3).tag == "by_sample"
    edge = keep.copy()
    edge[0, 0, :2, :2] = False
    assert p.blocks_dropped(large, large * edge, 3).tag == "cut"
    h, w = large.shape[2:]
    assert p.blocks_dropped(large, blocks(large, 0.2 * (h - 2) * (w - 2) / (h * w), 3)[0], 3, p=0.2).tag == "rate_area"


def test_mean_difference():
    a, b = np.array([1.0, 2.0, 6.0]), np.array([0.5, 0.25])
    effect = a.mean() - b.mean()
    assert p.mean_difference(effect, a, b) is None
    assert p.mean_difference(-effect, a, b).tag == "swapped"
    assert p.mean_difference(2 - 0.375, a, b).tag == "medians"
    assert p.mean_difference(effect + 0.01, a, b).tag == "resampled"
    assert p.mean_difference(effect + 100, a, b).tag == ""


def interval(a, b, *, low=0.2, high=0.8, size=0, paired=False, draws=100_000, rule="linear"):
    rng = np.random.default_rng(5)
    at = rng.integers(0, len(a), (draws, size or len(a)))
    other = at if paired else rng.integers(0, len(b), (draws, size or len(b)))
    return np.quantile(a[at].mean(axis=1) - b[other].mean(axis=1), [low, high], method=rule)


def test_bootstrap_interval():
    a, b = np.array([1.03, 1.23, 1.41, 2.04, 4.52]), np.array([-2.03, 0.91, 1.17, 2.26])
    c = a - np.array([0.5, 0.47, 0.58, 0.61, 0.4])
    effect, six = a.mean() - b.mean(), np.append(a, -0.7)

    def tagged(ends, a=a, b=b):
        return tag(p.bootstrap_interval(a, b, *ends, level=0.6, draws=100_000))

    for rule in ("linear", "lower", "higher", "hazen"):
        assert tagged(interval(a, b, rule=rule)) is None
    assert tagged(interval(a, b, low=0.4, high=0.6)) == "one_tail"
    assert tagged(interval(a, b, low=0.025, high=0.975)) == "always_95"
    assert tagged(interval(a, b, size=1)) == "spread"
    assert tagged(interval(six, b[1:], size=3), six, b[1:]) == "equal_sizes"
    assert tagged(interval(a, c, paired=True), b=c) == "paired"
    assert tagged(interval(a, np.full(4, b.mean()))) == "only_a"
    assert tagged(interval(np.full(5, a.mean()), b)) == "only_b"
    assert tagged(interval(a, b) - effect) == "centred"
    assert tagged(-interval(a, b)[::-1]) == "swapped"
    assert tagged(2 * (a.mean() - b.mean() / 9) - interval(a, b / 9)[::-1], b=b / 9) == "reflected"
    pool = np.concatenate([a, b])
    rng = np.random.default_rng(6)
    null = rng.choice(pool, (100_000, 5)).mean(axis=1) - rng.choice(pool, (100_000, 4)).mean(axis=1)
    assert tagged(np.quantile(null, [0.2, 0.8])) == "pooled"
    assert tagged(interval(a, b)[::-1]) == "reversed"
    assert tagged((effect, effect)) == "collapsed"
    assert tagged((effect - 0.7, effect + 0.7)) == "symmetric"
    assert tagged((effect - 9, effect + 3)) == ""


def test_coverage():
    assert p.coverage([0, 1, -1], [2, 3, 0.5], 1.0, at_least=0.5) is None
    assert "few" in p.coverage([0, 1, -1], [2, 3, 0.5], 5.0, at_least=0.5).sentence
    assert "many" in p.coverage([0, 0], [2, 3], 1.0, at_least=0.5, at_most=0.9).sentence
