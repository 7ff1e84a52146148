"""The reference of unit 8: its draws beside torch's, ensembles by enumeration, dropout's ridge by sampling."""

from __future__ import annotations

import numpy as np
import pytest

from backpass import properties
from solutions import dropout

RNG = np.random.default_rng(8)
MAPS = RNG.normal(3, 0.5, (40, 30, 4, 5))
LAYERS = {
    "dropout": (dropout.dropout_forward, dropout.dropout_backward, ()),
    "spatial_dropout2d": (dropout.spatial_dropout2d_forward, dropout.spatial_dropout2d_backward, (2, 3)),
    "drop_path": (dropout.drop_path_forward, dropout.drop_path_backward, (1, 2, 3)),
}
GAUSSIAN = (dropout.gaussian_dropout_forward, dropout.gaussian_dropout_backward)


def drop_block3(x, p, rng, training=True):
    return dropout.drop_block2d_forward(x, p, 3, rng, training)


FORWARDS = [*(f for f, _, _ in LAYERS.values()), dropout.gaussian_dropout_forward, drop_block3]


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_masks_have_rate_scale_and_shape_and_serve_twice(name, p):
    forward, backward, unit = LAYERS[name]
    x = MAPS.reshape(1200, 1, 4, 5) if name == "drop_path" else MAPS
    y, cache = forward(x, p, RNG)
    assert properties.keep_rate(x, y, p, unit) is None
    dy = RNG.normal(size=x.shape)
    assert properties.same_mask(x, y, dy, backward(dy, cache)) is None


@pytest.mark.parametrize(
    ("name", "theirs", "shape"),
    [("dropout", "dropout", (200, 300)), ("spatial_dropout2d", "dropout2d", (200, 300, 2, 2))],
)
def test_the_same_distribution_as_torch(name, theirs, shape):
    """The shares of dropped units, per sample, of both: their mean and their spread."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    ours = LAYERS[name][0](np.ones(shape), 0.3, RNG)[0]
    other = getattr(torch.nn.functional, theirs)(torch.ones(shape), 0.3).numpy()
    assert set(np.unique(ours.round(5))) == set(np.unique(other.round(5).astype(float)).round(5))
    one, two = ((y.reshape(200, 300, -1)[..., 0] == 0).mean(axis=1) for y in (ours, other))
    assert abs(one.mean() - two.mean()) < 6 * np.sqrt(2 * 0.21 / 60_000)
    assert 0.7 < one.std() / two.std() < 1.4


@pytest.mark.parametrize("p", [0.2, 0.75])
def test_gaussian_noise(p):
    forward, backward = GAUSSIAN
    y, cache = forward(MAPS, p, RNG)
    assert properties.noise_is(MAPS, y, p / (1 - p)) is None
    dy = RNG.normal(size=MAPS.shape)
    assert properties.same_mask(MAPS, y, dy, backward(dy, cache)) is None
    np.testing.assert_array_equal(forward(MAPS, 0.0, RNG)[0], MAPS)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_blocks_are_those_of_a_max_pool(k):
    """torchvision's way: seeds in the valid region, padded, and a max pool of stride 1 over them."""
    torch = pytest.importorskip("torch")
    x = RNG.normal(3, 0.5, (6, 5, 9, 7))
    y, cache = dropout.drop_block2d_forward(x, 0.2, k, np.random.default_rng(5))
    gamma = 0.2 * 9 * 7 / (k**2 * (10 - k) * (8 - k))
    seeds = np.random.default_rng(5).random((6, 5, 10 - k, 8 - k)) < gamma
    padded = torch.nn.functional.pad(torch.tensor(seeds * 1.0), [k // 2] * 4)
    keep = 1 - torch.nn.functional.max_pool2d(padded, k, 1, k // 2).numpy()
    np.testing.assert_allclose(y, x * keep * keep.size / keep.sum(), rtol=1e-12)
    np.testing.assert_allclose(dropout.drop_block2d_backward(x, cache), y, rtol=1e-12)
    large = np.tile(x, (20, 10, 1, 1))
    assert properties.blocks_dropped(large, dropout.drop_block2d_forward(large, 0.2, k, RNG)[0], k, p=0.2) is None


@pytest.mark.parametrize("forward", FORWARDS)
def test_ends_evaluation_and_errors(forward):
    gaussian = forward is dropout.gaussian_dropout_forward
    for dtype in (np.float64, np.float32):
        x = MAPS[:2, :3].astype(dtype)
        assert forward(x, 0.4, RNG)[0].dtype == dtype
        np.testing.assert_array_equal(forward(x, 0.0, RNG)[0], x)
        np.testing.assert_array_equal(forward(x, 0.4, RNG, training=False)[0], x)
        if not gaussian and forward is not drop_block3:
            np.testing.assert_array_equal(forward(x, 1.0, RNG)[0], 0 * x)
    for p in (-0.1, 1.1, *([1.0] if gaussian else [])):
        for training in (True, False):
            with pytest.raises(ValueError):
                forward(MAPS, p, RNG, training)


def test_all_blocks_dropped_gives_zeros():
    y, _ = dropout.drop_block2d_forward(MAPS[:, :, :3, :3], 1.0, 3, RNG)
    np.testing.assert_array_equal(y, 0)


def layer(units=9, classes=4, size=2.0):
    return RNG.normal(0, size, units), RNG.normal(0, 1.5, (classes, units)), RNG.normal(0, 1, classes)


@pytest.mark.parametrize("p", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_the_geometric_mean_is_weight_scaling_and_the_arithmetic_is_not(p):
    h, weight, bias = layer()
    scaled = dropout.weight_scaling_predict(h, weight, bias, p)
    np.testing.assert_allclose(dropout.ensemble_predict(h, weight, bias, p), scaled, rtol=0, atol=1e-12)
    apart = np.abs(dropout.ensemble_predict(h, weight, bias, p, mean="arithmetic") - scaled).max()
    assert apart < 1e-12 if p in (0.0, 1.0) else apart > 1e-3


def test_the_arithmetic_mean_is_the_expectation_over_masks():
    h, weight, bias = layer(units=6, size=1.0)
    masks = RNG.random((200_000, 6)) >= 0.3
    logits = (masks * h) @ weight.T + bias
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    sampled = (e / e.sum(axis=1, keepdims=True)).mean(axis=0)
    exact = dropout.ensemble_predict(h, weight, bias, 0.3, mean="arithmetic")
    np.testing.assert_allclose(sampled, exact, atol=0.006)


def test_large_logits_stay_finite():
    h, weight, bias = layer(size=1e4)
    for mean in ("geometric", "arithmetic"):
        assert np.isclose(dropout.ensemble_predict(h, weight, bias, 0.5, mean=mean).sum(), 1)
    assert np.isclose(dropout.weight_scaling_predict(h, weight, bias, 0.5).sum(), 1)


@pytest.mark.parametrize("predict", [dropout.ensemble_predict, dropout.weight_scaling_predict])
@pytest.mark.parametrize("p", [-0.1, 1.1])
def test_predictions_refuse_what_is_no_probability(predict, p):
    with pytest.raises(ValueError):
        predict(*layer(), p)


def test_mc_dropout_identities():
    probabilities = RNG.dirichlet([0.3, 0.3, 0.3, 0.3], (20, 50))
    probabilities[:, 0] = [1, 0, 0, 0]
    mean, entropy, information = dropout.mc_dropout(probabilities)
    np.testing.assert_allclose(mean, probabilities.mean(axis=0))
    safe = np.where(probabilities > 0, probabilities, 1)
    mean_entropy = -(probabilities * np.log(safe)).sum(axis=2).mean(axis=0)
    np.testing.assert_allclose(entropy, information + mean_entropy, atol=1e-14)
    assert np.all(information >= -1e-14)
    # The mutual information is the mean divergence from the mean.
    ratio = np.where(probabilities > 0, probabilities, 1) / np.where(probabilities > 0, mean, 1)
    np.testing.assert_allclose(information, (probabilities * np.log(ratio)).sum(axis=2).mean(axis=0), atol=1e-14)
    # Passes that all say the same, as without dropout, carry no information; one pass neither.
    for same in (np.repeat(probabilities[:1], 7, axis=0), probabilities[:1]):
        np.testing.assert_allclose(dropout.mc_dropout(same)[2], 0, atol=1e-14)


@pytest.mark.parametrize("p", [0.0, 0.3, 0.7])
def test_dropout_ridge_is_the_minimum_of_the_expected_error(p):
    """Enumeration over all masks of four inputs gives the expected error exactly; its minimum by least squares."""
    x, y = RNG.normal(1, 1, (12, 4)) * [1, 2, 0.5, 1], RNG.normal(1, 1, 12)
    w = dropout.dropout_ridge(x, y, p)
    rows, targets = [], []
    for mask in np.ndindex(2, 2, 2, 2):
        chance = np.prod(np.where(mask, 1 - p, p))
        rows.append(np.sqrt(chance) * x * mask / (1 - p))
        targets.append(np.sqrt(chance) * y)
    best = np.linalg.lstsq(np.concatenate(rows), np.concatenate(targets), rcond=None)[0]
    np.testing.assert_allclose(w, best, rtol=1e-10)


def test_dropout_ridge_by_monte_carlo():
    x, y = RNG.normal(1, 1, (40, 3)), RNG.normal(1, 1, 40)
    draws, p = 20_000, 0.4
    factor = (RNG.random((draws, *x.shape)) >= p) / (1 - p)
    noisy = (x * factor).reshape(-1, 3)
    sampled = np.linalg.solve(noisy.T @ noisy, noisy.T @ np.tile(y, draws))
    np.testing.assert_allclose(sampled, dropout.dropout_ridge(x, y, p), atol=5e-3)


@pytest.mark.parametrize("p", [-0.1, 1.0, 1.5])
def test_dropout_ridge_refuses(p):
    with pytest.raises(ValueError):
        dropout.dropout_ridge(np.eye(2), np.ones(2), p)


def test_float32_stays_float32_and_nothing_is_changed():
    h, weight, bias = (a.astype(np.float32) for a in layer())
    before = h.copy()
    assert dropout.ensemble_predict(h, weight, bias, 0.3).dtype == np.float32
    assert dropout.ensemble_predict(h, weight, bias, 0.3, mean="arithmetic").dtype == np.float32
    assert dropout.weight_scaling_predict(h, weight, bias, 0.3).dtype == np.float32
    assert dropout.dropout_ridge(np.eye(4, dtype=np.float32), h[:4], 0.3).dtype == np.float32
    assert all(a.dtype == np.float32 for a in dropout.mc_dropout(RNG.random((3, 2, 4)).astype(np.float32)))
    np.testing.assert_array_equal(h, before)
