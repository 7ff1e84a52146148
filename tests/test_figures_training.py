"""Lecture 4's figures: every position of every knob can be drawn, and the drawn numbers are right."""

import numpy as np
import pytest

from backpass.cards import card
from backpass.experiments.training import GAINS, RULES, SCALINGS
from backpass.figures import training as draw
from backpass.figures.training_losses import LOSSES
from tests.pictures import says_what_it_shows

KNOBS = [
    *(("bowl", {"scaling": name, "part": part}) for name, part in zip(SCALINGS, (0.05, 1.05, 0.9, 0.5), strict=True)),
    *(("scalings", {"skew": skew}) for skew in (0.0, 0.5)),
    *(("clouds", {"correlation": r}) for r in (-0.95, 0.95)),
    *(("gallery", {"loss": name}) for name in LOSSES),
    *(("stalled", {"margin": margin}) for margin in (-10.0, 10.0)),
    *(("overflow", {"size": size}) for size in (0.0, 200.0)),
    *(("depth", {"gain": gain, "activation": name}) for gain, name in ((0.5, "ReLU"), (2.0, "tanh"), (1.0, "none"))),
    ("balls", {"penalty": "L2", "strength": 0.0, "constraint": "unit norm"}),
    ("balls", {"penalty": "L2", "strength": 2.0, "constraint": "non-negative"}),
    *(("staircases", {"every": every, "epochs": epochs}) for every, epochs in ((2, 60), (15, 10))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values"), KNOBS, ids=lambda value: str(value)[:40])
def test_knobs_at_their_ends(name, values):
    says_what_it_shows(getattr(draw, name)(**values))


@pytest.mark.parametrize(("landscape", "rate"), list(zip(draw.LANDSCAPES, (0.25, 3.0, 1.0), strict=True)))
def test_trajectories_at_their_ends(landscape, rate):
    pytest.importorskip("torch")
    drawn = draw.trajectories(landscape, rate, steps=12)
    assert all(f"{rule} " in drawn.alt for rule in RULES)
    says_what_it_shows(drawn)


def drawn_results():
    yield draw.answer(card("feature-scales"))
    rules, gains = card("update-rules"), card("initial-scale")
    yield draw.rules({name: rules.mean(name) for name in rules.measures}, rules)
    yield draw.first_scale({name: gains.mean(name) for name in gains.measures}, gains)
    yield draw.layer_scales({f"× {k}": ([k, 2 * k], [k, k]) for k in (1, 10, 100)})
    yield draw.pixel_curvature({name: np.array([top, 0.5, 0.1, 0.0]) for name, top in (("a", 9), ("b", 4), ("c", 1))})


def test_results_can_be_drawn():
    for drawn in drawn_results():
        says_what_it_shows(drawn)


def test_there_are_fourteen_losses_and_their_curves_are_losses():
    assert len(LOSSES) == 14
    for name, (value, (low, high), targets, _, _) in LOSSES.items():
        for target in targets:
            curve = value(np.linspace(low, high, 101), target)
            assert np.isfinite(curve).all(), name
            # Poisson's smallest value is t - t log t, which need not be 0 nor positive.
            assert name == "Poisson" or curve.min() > -1e-9, name


@pytest.mark.parametrize(("name", "options"), [
    ("mean squared error", {}),
    ("mean absolute error", {}),
    ("binary cross-entropy", {"target": 0.3}),
])  # fmt: skip
def test_the_gallery_agrees_with_torch(name, options):
    torch = pytest.importorskip("torch")
    value, (low, high), *_ = LOSSES[name]
    theirs = {
        "mean squared error": torch.nn.functional.mse_loss,
        "mean absolute error": torch.nn.functional.l1_loss,
        "binary cross-entropy": torch.nn.functional.binary_cross_entropy,
    }[name]
    target = options.get("target", 1.0)
    for p in np.linspace(low, high, 7):
        wanted = theirs(torch.tensor(p), torch.tensor(target, dtype=torch.float64)).item()
        assert value(p, target) == pytest.approx(wanted)


def test_above_the_largest_rate_it_diverges():
    assert "diverges" in draw.bowl("z-score", 1.02).title
    assert "diverges" not in draw.bowl("z-score", 0.98).title


def test_whitening_removes_the_correlation_and_scaling_does_not():
    alt = draw.clouds(0.6).alt
    raw, scaled, white = (
        float(part.split("correlation ")[1].split(",")[0]) for part in alt.split(": ", 1)[1].split(";")
    )
    assert raw == pytest.approx(scaled)
    assert abs(scaled) > 0.4
    assert abs(white) < 0.005


def test_the_schedules_differ_as_their_powers():
    assert draw.staircases(every=10, epochs=30).title.endswith("a factor of 81")


def test_the_gains_of_the_card_are_those_of_the_experiment():
    assert set(card("initial-scale").measures) == {f"{arm}: {g:g}" for arm in ("plain", "batch norm") for g in GAINS}
