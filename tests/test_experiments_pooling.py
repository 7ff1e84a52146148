"""Experiments of lecture 3: shapes, determinism, and the identities that they rest on."""

import numpy as np
import pytest

from backpass.experiments import pooling as made
from backpass.rosetta.pooling import pooling_conventions

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("kind", made.DOWNSAMPLING)
def test_a_shift_by_the_total_stride_changes_nothing(kind):
    torch.manual_seed(0)
    net = made.shrinking_network(torch, kind).double()
    x = torch.randn(3, 1, 16, 16, dtype=torch.float64)
    torch.testing.assert_close(net(x.roll((4, 8), (2, 3))), net(x))
    assert (net(x.roll(1, 3)) - net(x)).abs().max() > 1e-6


def test_blurring_pools_as_max_and_then_a_binomial_kernel():
    x = torch.randn(2, 3, 8, 8)
    blurred = made._smaller(torch, "max, then blur")(x)
    functional = torch.nn.functional
    dense = functional.max_pool2d(functional.pad(x, (0, 1, 0, 1), mode="circular"), 2, stride=1)
    line = torch.tensor([0.25, 0.5, 0.25])
    weight = (line[:, None] * line).expand(3, 1, 3, 3)
    wanted = functional.conv2d(functional.pad(dense, (1, 1, 1, 1), mode="circular"), weight, stride=2, groups=3)
    torch.testing.assert_close(blurred, wanted)
    ones = torch.ones(1, 2, 6, 6)
    torch.testing.assert_close(made._smaller(torch, "max, then blur")(ones), torch.ones(1, 2, 3, 3))


def test_formulas_of_pooled_features_against_draws():
    rng = np.random.default_rng(0)
    size = 12
    fires = [rng.random((200_000, size)) < rate for rate in (0.2, 0.1)]
    for kind, summary in (("max", np.max), ("average", np.mean)):
        pooled = [summary(draws, axis=1).astype(float) for draws in fires]
        found = abs(pooled[0].mean() - pooled[1].mean()) / (pooled[0].std() + pooled[1].std())
        assert float(made.separability(0.2, 0.1, size, kind)) == pytest.approx(found, abs=0.01)


def test_large_pools_of_a_maximum_tell_nothing_apart():
    values = made.separability(0.2, 0.1, np.array([1, 10, 500, 3000]), "max")
    assert values[1] > values[0] > values[2] > values[3] >= 0


def test_the_same_seed_gives_the_same_shares():
    first, again = made.unchanged_after_shift(2), made.unchanged_after_shift(2)
    assert first == again
    assert list(first) == list(made.STAGES)
    assert first["detector"] < first["max 2, stride 2"] < first["max 3, stride 2"]


def test_evidence_averages_to_the_score():
    net, images, labels = made.trained_reader(0, steps=3)
    maps, predicted = made.evidence_maps(net, images[:7])
    with torch.no_grad():
        scores = net(torch.as_tensor(images[:7])[:, None])[range(7), predicted] - net[3].bias[predicted]
    np.testing.assert_allclose(maps.mean((1, 2)), scores.numpy(), rtol=1e-4, atol=1e-5)
    assert images.shape == (len(labels), 16, 16)


def test_the_slides_networks_have_the_known_ledger():
    rows = made.traced(torch, made.slides_network(torch, "batch norm"), (3, 32, 32))
    sides = [shape[-1] for _, shape, _ in rows if len(shape) == 3]
    assert list(dict.fromkeys(sides)) == [32, 30, 15, 13, 6]
    assert ("Flatten", (1152,), 0) in rows
    # 3·16·9 + 16, 16·32·9 + 32, 1152·32 + 32, 32·16 + 16, 16·10 + 10; batch norm has two per map.
    plain = 448 + 4640 + 36896 + 528 + 170
    assert sum(count for *_, count in rows) == plain + 2 * (16 + 32)
    dropout = made.traced(torch, made.slides_network(torch, "spatial dropout"), (3, 32, 32))
    assert sum(count for *_, count in dropout) == plain


def test_rosetta_cells_are_asked_from_torch():
    shown = repr(pooling_conventions())
    for text in ("padding is −inf", "1, 0", "padding is not counted"):
        assert text in shown
