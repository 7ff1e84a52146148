"""Lecture 6's experiments: shapes, determinism, and the identities that they rest on."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from backpass.experiments import why_batch_norm_landscape as landscape  # noqa: E402
from backpass.experiments import why_batch_norm_limits as limits  # noqa: E402
from backpass.experiments import why_batch_norm_networks as networks  # noqa: E402
from backpass.experiments import why_batch_norm_scale as scale  # noqa: E402
from backpass.experiments import why_batch_norm_shift as shift  # noqa: E402


@pytest.mark.parametrize("kind", ["plain", "BN", "noisy BN"])
def test_networks_give_ten_logits_and_start_alike(kind):
    x = torch.zeros(4, 1, 8, 8) + torch.arange(4.0)[:, None, None, None]
    first, second = (networks.conv_net(kind, 3) for _ in range(2))
    assert first(x).shape == (4, 10)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_noise_is_shared_by_the_batch_new_in_each_step_and_absent_in_evaluation():
    noise, x = networks.noise_layer(0.5, 0.5, 0), torch.ones(6, 3, 4, 4)
    first, second = noise(x), noise(x)
    assert (first == first[:1]).all()
    assert not torch.equal(first, second)
    assert ((first >= 0.0) & (first <= 2.0)).all()
    assert torch.equal(noise.eval()(x), x)
    assert torch.equal(networks.noise_layer(0.0, 0.0, 0)(x), x)


def test_the_gradient_shift_leaves_the_net_and_needs_earlier_layers():
    net = networks.conv_net("BN", 0, layers=3)
    layers = [part for part in net if isinstance(part, torch.nn.Conv2d)]
    x, labels = torch.randn(8, 1, 8, 8), torch.arange(8)
    before = [p.detach().clone() for p in net.parameters()]
    pairs = shift.gradients_after_earlier_layers(net, layers, x, labels, 0.1)
    assert len(pairs) == 2
    assert all(torch.equal(p, old) for p, old in zip(net.parameters(), before, strict=True))
    assert any(not torch.allclose(a, b) for a, b in pairs)
    # With a step of zero, which is what frozen earlier layers take, there is no shift.
    for a, b in shift.gradients_after_earlier_layers(net, layers, x, labels, 0.0):
        torch.testing.assert_close(a, b)


def test_the_line_search_leaves_the_net_and_starts_at_no_change():
    net, x = networks.conv_net("plain", 0, layers=2), torch.randn(8, 1, 8, 8)
    before = [p.detach().clone() for p in net.parameters()]
    losses, changes, norm = landscape.line_search(net, x, torch.arange(8), [0.0, 0.01])
    assert changes[0] == 0
    assert changes[1] > 0
    assert losses[1] < losses[0]  # a small step downhill
    assert norm > 0
    assert all(torch.equal(p, old) for p, old in zip(net.parameters(), before, strict=True))


def test_first_steps_have_their_shapes_and_repeat():
    first, again = (landscape.first_steps(1, rates=(0.01, 0.1)) for _ in range(2))
    assert first["BN"]["losses"].shape == (2,)
    assert first["BN"]["sizes"].shape == (2, 9)
    np.testing.assert_array_equal(first["plain"]["losses"], again["plain"]["losses"])


def test_gradients_explode_by_the_rate_of_the_theory():
    rate = scale.rate_per_layer(scale.gradient_norms("BN", 30))
    assert rate == pytest.approx(scale.GROWTH, rel=0.02)
    assert scale.rate_per_layer(scale.gradient_norms("plain", 30)) == pytest.approx(1, abs=0.05)
    assert pytest.approx(np.pi / (np.pi - 1)) == scale.GROWTH


def test_a_rate_is_read_off_exactly():
    assert scale.rate_per_layer(3.0 ** np.arange(9)[::-1]) == pytest.approx(3)
    assert scale.slope({size: 5 * size**-0.5 for size in (2, 8, 32, 128)}) == pytest.approx(-0.5)


def test_weights_before_batch_norm_only_grow():
    trace = scale.norm_traces(0, steps=15)["no decay"]
    assert len(trace["norm"]) == 16
    assert (np.diff(trace["norm"]) > -1e-6).all()
    assert trace["radial"] < 1e-5


def test_frozen_batch_norm_keeps_its_statistics_and_learns():
    net = networks.dense_net((5, 4, 3), norm=True, seed=0)
    limits.freeze(net)
    norm = next(part for part in net if isinstance(part, torch.nn.BatchNorm1d))
    before = norm.running_mean.clone()
    net.train()
    net(torch.randn(6, 5)).sum().backward()
    assert torch.equal(norm.running_mean, before)
    assert norm.weight.grad is not None
    assert net.training


def test_experiments_repeat_for_a_seed():
    assert limits.frozen_statistics(5) == limits.frozen_statistics(5)


def test_summaries_name_the_cards_measures():
    from backpass.cards import card

    run = {"accuracy": np.array([0.5]), "mean": np.zeros((3, 2)), "std": np.ones((3, 2))}
    assert set(shift.noisy_summary(dict.fromkeys(shift.KINDS, run))) == set(card("noisy-batch-norm").measures)
    run = {"cosine": np.ones((2, 5)), "relative": np.zeros((2, 5)), "accuracy": 0.5}
    assert set(shift.shift_summary({"plain": run, "BN": run})) == set(card("gradient-shift").measures)
    run = {"losses": np.ones((2, 4)), "changes": np.ones((2, 4)), "norm": np.ones(2)}
    found = landscape.landscape_summary({"plain": run, "BN": run})
    assert set(found) == set(card("gradient-predictiveness").measures)
