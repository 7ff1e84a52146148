"""Lecture 7's experiments and tables: shapes, determinism, and the identities that they rest on."""

import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from backpass.experiments import normalization_axes as axes  # noqa: E402
from backpass.experiments import normalization_networks as networks  # noqa: E402
from backpass.experiments import normalization_style as style  # noqa: E402
from backpass.experiments import normalization_weights as weights  # noqa: E402
from backpass.rosetta import normalization as tables  # noqa: E402


@pytest.mark.parametrize("kind", networks.NORMS)
def test_convolutional_networks_have_their_shape_and_start_alike(kind):
    first, second = (networks.conv_net(kind, 2) for _ in range(2))
    assert first(torch.zeros(3, 1, 8, 8)).shape == (3, 10)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("kind", axes.DENSE)
def test_dense_networks_have_their_shape(kind):
    assert networks.dense_net(kind, 0)(torch.randn(3, 1, 8, 8)).shape == (3, 10)


@pytest.mark.parametrize("kind", axes.RECURRENT)
def test_the_lstm_passes_every_row_through_one_norm(kind):
    net, states = networks.recurrent_net(kind, 0), []
    assert net(torch.randn(4, 1, 5, 8), states).shape == (4, 10)
    assert [state.shape for state in states] == [(4, 128)] * 5


def test_standardised_kernels_have_no_mean():
    conv = networks.conv_layer(3, 4, standardized=True)
    flat = conv(torch.full((1, 3, 6, 6), 5.0))[..., 1:-1, 1:-1]
    assert flat.abs().max() < 1e-4
    _, after = style.kernels(0.3)
    np.testing.assert_allclose(after.mean(1), 0, atol=1e-6)
    np.testing.assert_allclose(after.std(1), 1, atol=1e-3)


def test_instance_norm_makes_a_network_blind_to_contrast():
    net = networks.conv_net("IN", 0).eval()
    x = 5 * torch.rand(4, 1, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(net(x), net(x / 2), atol=1e-2, rtol=0)


def test_a_restyled_picture_has_the_styles_statistics():
    content, other = style.garment(3, "sea on sand"), style.garment(0, "night")
    made = style.restyled(content, other, 1.0)
    np.testing.assert_allclose(made.mean((1, 2)), other.mean((1, 2)), atol=1e-9)
    np.testing.assert_allclose(made.std((1, 2)), other.std((1, 2)), rtol=1e-2)
    np.testing.assert_array_equal(style.restyled(content, other, 0.0), content)
    np.testing.assert_allclose(style.restyled(content, content, 1.0), content, atol=1e-3)


def test_flat_labels_wash_out():
    stages = axes.washed_out(3)
    assert all(stage.shape == (8, 12, 12) for stage in stages.values())
    assert np.ptp(stages["convolved"], axis=(1, 2)).max() < 1e-5  # borders are replicated: flat stays flat
    assert np.abs(stages["instance norm"]).max() < 1e-3
    assert np.abs(stages["SPADE"]).max() > 1


def test_a_start_from_data_standardises_every_layer():
    np.testing.assert_allclose(weights.first_outputs(True, depth=3), 1, atol=1e-4)
    falling = weights.first_outputs(False, depth=3)
    assert falling[0] > falling[1] > falling[2]


@pytest.mark.parametrize("seed", range(3))
def test_the_four_numbers_are_in_order(seed):
    numbers = weights.kernel_and_operator(seed, side=4)
    assert numbers["one power step"] <= numbers["reshaped kernel"] + 1e-12
    assert numbers["operator"] <= numbers["bound"] + 1e-9


def test_experiments_repeat_for_a_seed():
    assert axes.labels_wash_out(1) == axes.labels_wash_out(1)
    assert weights.slopes(True, 1, steps=3)[1] == weights.slopes(True, 1, steps=3)[1]


def test_tables_without_torch_say_what_torch_computes(monkeypatch):
    def texts(table):
        return [[text for text, _ in row] for row in table.rows]

    made = (tables.invariances, tables.chooser, tables.conventions)
    computed = [texts(make()) for make in made]
    monkeypatch.setitem(sys.modules, "torch", None)
    documented = [texts(make()) for make in made]
    assert documented == computed


def test_only_batch_norm_depends_on_the_batch():
    assert tables.batch_dependent() == ["batch norm"]
