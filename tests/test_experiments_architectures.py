"""Lecture 9's experiments: identities of blocks, of changes of images and of similarities; the audit's bookkeeping."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from backpass.data import load  # noqa: E402
from backpass.experiments import architectures, architectures_audit, architectures_transfer  # noqa: E402


@pytest.mark.parametrize(("kind", "depth"), [("plain", 4), ("residual", 12), ("residual", 28)])
def test_deep_networks_differ_in_nothing_but_the_sum(kind, depth):
    net = architectures.deep_network(torch, kind, depth)
    assert net(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    count = sum(isinstance(layer, torch.nn.Conv2d) for layer in net.modules())
    assert count == 1 + 2 * ((depth - 1) // 2)
    other = architectures.deep_network(torch, "plain", depth)
    assert [p.shape for p in net.parameters()] == [p.shape for p in other.parameters()]


def test_a_pair_with_gamma_zero_is_the_identity_for_positive_inputs():
    pair = architectures.deep_network(torch, "residual", 4)[3].eval()
    torch.nn.init.zeros_(pair.way[-1].weight)
    x = torch.rand(2, 8, 5, 5)
    torch.testing.assert_close(pair(x), x)


def test_no_change_changes_nothing_and_a_flip_twice_neither():
    images = load("digits").x_test[:5]
    np.testing.assert_allclose(architectures.affine(images), images, atol=1e-6)
    flipped = architectures.affine(images, flip=True)
    np.testing.assert_allclose(flipped, images[:, :, ::-1], atol=1e-6)
    np.testing.assert_allclose(architectures.affine(flipped, flip=True), images, atol=1e-6)
    quarter = architectures.affine(images, turn=90)
    assert min(np.abs(quarter - np.rot90(images, k, (1, 2))).max() for k in (1, 3)) < 1e-5
    np.testing.assert_allclose(architectures.affine(images, turn=180), images[:, ::-1, ::-1], atol=1e-5)


def test_each_image_gets_its_own_change():
    images = load("digits").x_test[:3]
    changed = architectures.affine(images, zoom=np.array([0.0, 0.3, 0.0]), flip=np.array([0, 0, 1]))
    np.testing.assert_allclose(changed[0], images[0], atol=1e-6)
    assert np.abs(changed[1] - images[1]).max() > 0.1
    np.testing.assert_allclose(changed[2], images[2, :, ::-1], atol=1e-6)


def test_similarity_is_one_with_oneself_and_knows_no_order_of_units():
    net = architectures.looked_at_network(steps=0)
    other = architectures.looked_at_network(steps=0)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        other[0].weight[:] = 3 * net[0].weight[order]
        other[0].bias[:] = 3 * net[0].bias[order]
    found = architectures.alike(net, other, count=60)
    assert found.shape == (3, 3)
    assert found[0, 0] == pytest.approx(1)
    np.testing.assert_allclose(np.diag(architectures.alike(net, net, count=60)), 1)
    assert (found >= 0).all()
    assert (found <= 1 + 1e-9).all()


def test_maps_of_one_image():
    net = architectures.looked_at_network(steps=0)
    image = load("fashion14").x_test[0]
    seen = architectures.views(net, image, size=4)
    assert seen["activation"].shape == (7, 7)
    assert seen["occlusion"].shape == (11, 11)
    assert seen["saliency"].shape == (14, 14)
    with torch.no_grad():
        scores = net(torch.as_tensor(image)[None, None])[0]
        hidden = torch.as_tensor(image.copy())
        hidden[3:7, 5:9] = 0
        fall = scores[seen["class"]] - net(hidden[None, None])[0, seen["class"]]
        bias = net[-1].bias[seen["class"]]
    # The mean of the class activation map is the score, less the bias.
    assert seen["activation"].mean() == pytest.approx(float((scores[seen["class"]] - bias).detach()), abs=1e-5)
    assert seen["occlusion"][3, 5] == pytest.approx(float(fall), abs=1e-5)


def test_frozen_features_are_bit_identical_and_others_are_not():
    x, y, _, _ = architectures_transfer._half(load("digits"), high=True)
    assert set(y) == set(range(5))
    torch.manual_seed(0)
    old = architectures.small_network(torch, classes=5, normed=True)
    for way, alike in (("frozen", True), ("fine-tuned", False), ("scratch", False)):
        net = architectures_transfer.adapted(old, way, x[:10], y[:10], seed=1, steps=2)
        pairs = zip(old[:-1].state_dict().values(), net[:-1].state_dict().values(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs) == alike
        assert not torch.equal(old[-1].weight, net[-1].weight)


def test_the_four_networks_of_the_audit():
    for arm in architectures_audit.ARMS:
        net = architectures_audit.mini_inception(torch, arm)
        assert net(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
        biased = [layer.bias is not None for layer in net.modules() if isinstance(layer, torch.nn.Conv2d)]
        assert all(biased) if arm in ("with bias", "fair control") else not any(biased)
        assert len(biased) == 1 + 3 * 6
        normed = any(isinstance(layer, torch.nn.BatchNorm2d) for layer in net.modules())
        assert normed == (arm == "batch norm")


def test_the_audit_splits_without_overlap_and_repeats():
    parts = architectures_audit.split(load("digits"))
    assert [len(parts[name][1]) for name in ("training", "validation", "test")] == [1000, 297, 500]
    first, second = (architectures_audit.audit_run("batch norm", 0.03, 2, steps=3) for _ in range(2))
    assert first == second


def test_the_rate_falls_three_times(monkeypatch):
    seen = []
    step = torch.optim.SGD.step

    def watched(self, *args, **kwargs):
        seen.append(self.param_groups[0]["lr"])
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.SGD, "step", watched)
    architectures_audit.audit_run("batch norm", 0.1, 0, steps=10, factor=0.1)
    np.testing.assert_allclose(seen, [0.1] * 3 + [0.01] * 3 + [0.001] * 3 + [0.0001])
