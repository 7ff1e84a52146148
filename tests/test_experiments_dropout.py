"""Lecture 8's experiments: identities that hold for any seed, shapes, and the same seed twice."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from backpass.experiments import dropout, dropout_ensemble, dropout_layers  # noqa: E402


def test_networks_have_the_layers_that_they_claim():
    net = dropout.dense_network(torch, 32, 0.4, layers=3)
    assert [layer.p for layer in net if isinstance(layer, torch.nn.Dropout)] == [0.4] * 3
    assert net(torch.zeros(2, 14, 14)).shape == (2, 10)
    for place in dropout_layers.PLACES:
        assert dropout_layers.normed_network(torch, place)(torch.zeros(2, 1, 14, 14)).shape == (2, 10)
    for remedy in dropout_layers.REMEDIES:
        assert dropout_layers.remedied_network(torch, remedy)(torch.zeros(2, 1, 14, 14)).shape == (2, 10)
    for kind in dropout_layers.MAPS:
        assert dropout_layers.maps_network(torch, kind)(torch.zeros(2, 1, 14, 14)).shape == (2, 10)


def test_the_networks_learning_curve_repeats():
    first, second = (dropout.learning_curves(8, 0.5, seed=3, steps=40) for _ in range(2))
    assert first["steps"].tolist() == [20, 40]
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])


@pytest.mark.parametrize(("depth", "bent", "exact"), [(1, True, True), (2, False, True), (2, True, False)])
def test_scaled_weights_are_the_geometric_mean_where_nothing_bends(depth, bent, exact):
    torch.manual_seed(1)
    net = dropout_ensemble.Masked(torch, depth, bent, inputs=7)
    for layer in net.layers:
        torch.nn.init.normal_(layer.weight)
    x = torch.randn(4, 7)
    thinned, scaled = dropout_ensemble.all_thinned(net, x)
    assert thinned.shape == (2 ** (5 * depth), 4, 10)
    gap = float((thinned.mean(0).softmax(1) - scaled.exp()).abs().max())
    assert (gap < 1e-6) == exact


def test_every_mask_comes_once():
    found = dropout_ensemble.every_mask(torch, 1)
    assert found.shape == (32, 1, 5)
    assert len({tuple(row) for row in found.flatten(1).int().tolist()}) == 32


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_sixteen_networks_sum_up(p):
    members = dropout_ensemble.four_units(p)
    assert members["share"].sum() == pytest.approx(1)
    np.testing.assert_allclose(members["geometric"], members["scaled"], atol=1e-12)
    assert members["product"].sum() < 1
    assert np.abs(members["arithmetic"] - members["scaled"]).max() > 1e-4


def test_disagreement_is_not_negative_and_at_most_the_entropy():
    torch.manual_seed(0)
    net = dropout.dense_network(torch, 16, 0.5, inputs=64)
    seen = dropout_ensemble.fan(net, 30, passes=20)
    assert seen["passes"].shape[0] == 20
    assert (seen["disagreement"] > -1e-6).all()
    assert (seen["disagreement"] <= seen["entropy"]).all()
    assert not net.training


def test_masks_lead_to_the_scaled_ridge():
    x, y = dropout_layers.regression_data(np.random.default_rng(5))
    masked = dropout_layers.fitted_to_masks(x, y, 0.5, 20_000, np.random.default_rng(6))
    ridge = dropout_layers.fitted_with_rows(x, y, (x**2).sum(axis=0))
    np.testing.assert_allclose(masked, ridge, atol=0.02)
    free = dropout_layers.fitted_with_rows(x, y, np.zeros(5))
    np.testing.assert_allclose(free, np.linalg.lstsq(x, y, rcond=None)[0])


def test_explained_is_one_for_a_linear_function_and_small_for_noise():
    rng = np.random.default_rng(0)
    by = rng.normal(size=(500, 2))
    assert dropout_layers.explained(3 * by[:, 0] - by[:, 1] + 2, by) == pytest.approx(1)
    assert dropout_layers.explained(rng.normal(size=500), by) < 0.05


def test_running_statistics_of_the_data_itself_have_the_ratio_one():
    torch.manual_seed(0)
    net = dropout_layers.normed_network(torch, "none")
    x = torch.rand(64, 1, 14, 14)
    assert abs(np.mean(dropout_layers.variance_ratios(net, x)) - 1) > 0.1
    dropout_layers.estimated_again(net, x)
    np.testing.assert_allclose(dropout_layers.variance_ratios(net, x), 1, atol=0.02)
    assert not net.training


def test_hidden_pixels_are_zero_and_the_others_untouched():
    clean, gaps = dropout_layers.hidden_pixels(0.3)
    assert set(np.unique(gaps[gaps != clean])) == {0.0}
    assert np.mean(gaps[clean > 0] == 0) == pytest.approx(0.3, abs=0.02)
