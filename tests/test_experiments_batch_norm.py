"""Lecture 5's experiments, in small: shapes, identities, and the same results for the same seed."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from backpass.cards import card  # noqa: E402
from backpass.data import load  # noqa: E402
from backpass.experiments import batch_norm, batch_norm_statistics  # noqa: E402
from backpass.rosetta.batch_norm import conventions, imagenet  # noqa: E402


def test_watching_a_sigmoid_twice_gives_the_same():
    first, second = (batch_norm.watch_sigmoid(seed=1, normalized=True, steps=100) for _ in range(2))
    assert first["quantiles"].shape == (10, 3, 100)
    assert first["tested_at"].tolist() == [50, 100]
    assert (np.diff(first["quantiles"], axis=1) >= 0).all()
    for name in ("quantiles", "accuracy"):
        np.testing.assert_array_equal(first[name], second[name])
    assert (np.diff(first["seconds"]) > 0).all()


def test_the_normalized_inputs_have_no_bias_that_batch_norm_would_cancel():
    plain, normalized = (batch_norm.sigmoid_net(torch, arm) for arm in (False, True))
    assert all(layer.bias is not None for layer in plain if isinstance(layer, torch.nn.Linear))
    linear = [layer for layer in normalized if isinstance(layer, torch.nn.Linear)]
    assert [layer.bias is None for layer in linear] == [True, True, True, False]


@pytest.mark.parametrize("normalized", [True, False])
def test_the_convolutional_nets_fit_the_digits(normalized):
    for depth, pools in ((12, (2,)), (6, (1, 2)), (3, (2,))):
        net = batch_norm.conv_net(torch, normalized, depth=depth, pools=pools)
        assert net(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
        convolutions = [layer for layer in net if isinstance(layer, torch.nn.Conv2d)]
        assert len(convolutions) == depth
        assert all((layer.bias is None) == normalized for layer in convolutions)


def test_batch_norm_costs_few_parameters():
    sizes = [sum(p.numel() for p in batch_norm.conv_net(torch, arm).parameters()) for arm in (False, True)]
    # Twelve layers gain γ and β, and lose their bias.
    assert sizes[1] - sizes[0] == 12 * 16


def test_statistics_estimated_again_are_those_of_the_images():
    layer = torch.nn.BatchNorm2d(1)
    images = load("digits").x_train[:200]
    batch_norm_statistics.estimate_again(torch.nn.Sequential(layer), images, batch=50)
    assert layer.momentum == 0.1
    np.testing.assert_allclose(layer.running_mean.item(), images.mean(), rtol=1e-5)
    np.testing.assert_allclose(layer.running_var.item(), images.var(), rtol=1e-2)
    batch_norm_statistics.estimate_again(torch.nn.Sequential(layer), images, momentum=0.5, updates=1)
    np.testing.assert_allclose(layer.running_mean.item(), 0.5 * images[:50].mean(), rtol=1e-5)


def test_a_machine_is_the_same_for_the_same_seed():
    nets = [batch_norm_statistics.trained_net(seed=3, steps=5) for _ in range(2)]
    for one, other in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("kind", batch_norm_statistics.KINDS)
def test_small_nets_take_batches_of_two(kind):
    assert batch_norm_statistics.small_net(torch, kind)(torch.randn(2, 1, 8, 8)).shape == (2, 10)


def test_recorded_order_of_the_small_batches():
    """The finding that the lecture states: dense batch norm fails at two, the others do not."""
    mean = card("small-batches").mean
    assert mean("batch norm, dense: 2") < 0.6
    assert all(mean(f"{kind}: 2") > 0.8 for kind in batch_norm_statistics.KINDS[1:])


def test_the_rosetta_table_asks_torch():
    cells = {row[0][0]: row[1] for row in conventions().rows}
    assert cells["divisor of the variance that normalizes"] == ("m (biased)", 0)
    assert cells["divisor of the variance that is kept"] == ("m − 1 (unbiased)", 0)
    assert cells["share of the new batch in one update"] == ("0.1", 0)
    assert cells["ε and the root"] == ("inside", 0)
    assert cells["a plain average instead"] == ("momentum=None: 2 after means 1 and 3", 0)


def test_the_ratios_of_the_imagenet_table_are_computed():
    assert [row[2][0] for row in imagenet().rows] == ["1.0 times", "2.3 times", "14.8 times", "11.5 times", "–"]
