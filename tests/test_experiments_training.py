"""Lecture 4's experiments, in small: identities, shapes, and the same results for the same seed."""

import numpy as np
import pytest

from backpass.cards import card
from backpass.experiments import training
from backpass.rosetta.training import dense_arguments, gone, rules_and_epsilon


def test_scalings_do_what_their_names_say():
    x, y = training.age_and_salary()
    assert x.shape == (200, 2)
    assert y.shape == (200,)
    low = training.rescaled(x, "min-max")
    assert low.min(0).tolist() == [0, 0]
    assert low.max(0).tolist() == [1, 1]
    middle = training.rescaled(x, "mean normalization")
    np.testing.assert_allclose(middle.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(np.ptp(middle, axis=0), 1)
    standard = training.rescaled(x, "z-score")
    np.testing.assert_allclose([standard.mean(0), standard.std(0)], [[0, 0], [1, 1]], atol=1e-12)


def test_curvature_is_the_hessian_of_half_the_mean_squared_error():
    x, _ = training.age_and_salary(people=50)
    values = training.curvature(training.rescaled(x, "z-score"))
    assert values.shape == (3,)
    # The trace of [x, 1]'s second moments: 1 for each standardized feature and 1 for the intercept.
    assert values.sum() == pytest.approx(3)
    assert (np.diff(values) <= 0).all()


def test_descent_needs_no_step_from_the_best_and_gives_up_in_the_end():
    x, y = training.age_and_salary(people=50)
    standard = training.rescaled(x, "z-score")
    assert training.steps_needed(standard, y, part=1.0) == 0
    assert 0 < training.steps_needed(standard, y) < 20


def test_the_recorded_order_of_the_scalings():
    mean = card("feature-scales").mean
    steps = [mean(f"{name}: steps") for name in ("z-score", "mean normalization", "min-max", "raw")]
    assert steps == sorted(steps)
    assert steps[-1] == training.PATIENCE


def test_every_rule_takes_a_step_downhill():
    torch = pytest.importorskip("torch")
    for rule in training.RULES:
        w = torch.tensor([1.0, -2.0], requires_grad=True)
        optimizer = training.update_rule(torch, rule, [w])
        before = (w**2).sum()
        before.backward()
        optimizer.step()
        assert (w**2).sum() < before, rule


def test_a_gain_scales_the_first_weights():
    torch = pytest.importorskip("torch")
    for normalized in (False, True):
        nets = []
        for gain in (1.0, 10.0):
            torch.manual_seed(0)
            nets.append(training.deep_net(torch, gain, normalized))
        small, large = ([m.weight for m in net if isinstance(m, torch.nn.Linear)] for net in nets)
        assert len(small) == 9
        for one, ten in zip(small[:-1], large[:-1], strict=True):
            assert torch.allclose(10 * one, ten, rtol=1e-5)
        assert torch.equal(small[-1], large[-1])  # the last layer reads, and keeps its own start


def test_the_rosetta_tables_ask_torch():
    pytest.importorskip("torch")
    cells = {row[0][0]: row[1] for row in rules_and_epsilon().rows}
    for kind in ("Adagrad", "RMSprop", "Adam"):
        assert cells[f"ε of {kind}, its place"] == ("outside", 0)
    dense = {row[0][0]: row[1] for row in dense_arguments().rows}
    assert dense["shape of its weight"] == ("(5, 3)", 0)
    assert dense["squared penalty"] == ("weight_decay=λ adds 1·λ·w to the gradient", 0)
    assert dense["first weights"] == ("uniform, up to 1.00/√fan_in", 0)


def test_what_is_gone_is_documented():
    assert all(state[1] for _, state, _ in gone().rows)
    assert len(gone().references) == 2
