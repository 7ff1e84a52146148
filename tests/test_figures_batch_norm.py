"""Lecture 5's figures: every position of every knob can be drawn, and the drawn numbers are right."""

import numpy as np
import pytest

from backpass.cards import card
from backpass.experiments.batch_norm import ARMS, RATES
from backpass.figures import batch_norm as draw
from tests.pictures import says_what_it_shows

KNOBS = [
    *(("six_numbers", {"last": last, "gamma": gamma, "beta": 3.0}) for last, gamma in ((-20.0, -3.0), (20.0, 0.0))),
    *(("sigmoid_window", {"gamma": gamma, "beta": beta}) for gamma, beta in ((0.1, -5.0), (6.0, 5.0))),
    *(("undo", {"exponent": exponent}) for exponent in (-8, -2)),
    *(("projection", {"turn": turn, "height": height}) for turn, height in ((0, -1.6), (90, 0.0), (45, 1.6))),
    *(("sharing", {"statistics": name, "example": 2, "channel": 3}) for name in draw.SHARING),
    *(("rescaled_weights", {"scale": scale, "angle": angle}) for scale, angle in ((0.5, 0), (4.0, 355))),
    *(("lagging", {"momentum": momentum, "batch": batch}) for momentum, batch in ((0.01, 2), (1.0, 128))),
    *(("two_devices", {"distance": distance, "share": share}) for distance, share in ((0.0, 0.05), (6.0, 0.95))),
    ("tiny_batches", {}),
]


@pytest.mark.parametrize(("name", "values"), KNOBS, ids=lambda value: str(value)[:30])
def test_knobs_at_their_ends(name, values):
    says_what_it_shows(getattr(draw, name)(**values))


def watched(steps: int = 20) -> dict:
    """Two made runs, in the form of `watch_sigmoid`."""
    rng = np.random.default_rng(0)
    run = {
        "step": np.arange(steps) * 10,
        "quantiles": np.sort(rng.normal(size=(steps, 3, 100)), axis=1),
        "tested_at": np.arange(1, steps + 1) * 50,
        "accuracy": np.linspace(0.1, 0.9, steps),
        "seconds": np.linspace(0.1, 3, steps),
    }
    return dict.fromkeys(ARMS, run)


def drawn_results():
    yield draw.ribbon(watched(), 99)
    yield draw.progress(watched())
    rates, machines = card("learning-rates"), card("two-machines")
    yield draw.answer(rates)
    yield draw.rates({name: rates.mean(name) for name in rates.measures}, rates)
    yield draw.machines({name: machines.mean(name) for name in machines.measures}, machines)
    yield draw.sizes(card("small-batches"))
    yield draw.coupling({"training": np.full((4, 4), 0.3), "evaluation": np.eye(4)})
    yield draw.redundant({"one order": {"weight": 1.0, "bias": 1e-15}, "another": {"weight": 1.0, "bias": 0.5}})


def test_results_can_be_drawn():
    for drawn in drawn_results():
        says_what_it_shows(drawn)


def test_one_outlier_reaches_the_bound_of_the_figure():
    assert "The largest is now 2.24" in draw.six_numbers(last=1000.0).title
    assert "√5 = 2.24" in draw.six_numbers().title


def test_what_is_zero_is_said_to_be_zero():
    sizes = {"one order": {"weight": 1.0, "bias": 1e-15}, "another": {"weight": 1.0, "bias": 0.5}}
    assert draw.redundant(sizes).alt.endswith("Exactly zero: bias in one order.")


def test_the_sharing_counts_its_means():
    shape = (3, 4, 4, 4)
    for name, axes in draw.SHARING.items():
        groups = int(np.prod([size for axis, size in enumerate(shape) if axis not in axes]))
        each = np.prod(shape) // groups
        assert draw.sharing(name).title.startswith(f"{groups} means, each over {each} values")


def test_the_gradient_times_the_length_does_not_depend_on_the_length():
    products = {draw.rescaled_weights(scale=scale).title.split("stays ")[1] for scale in (0.5, 1.0, 4.0)}
    assert len(products) == 1


def test_the_pooled_variance_is_that_of_all_examples():
    """At distance 0 the two numbers of the title agree; at 4 they differ by the spread of the means."""
    near, far = (draw.two_devices(distance=distance).title for distance in (0.0, 4.0))

    def numbers(title):
        return float(title.split("is ")[1].split(";")[0]), float(title.split("gives ")[1])

    assert numbers(near)[0] == pytest.approx(numbers(near)[1], abs=0.03)
    assert numbers(far)[0] - numbers(far)[1] == pytest.approx(4.0, abs=0.5)


def test_the_rates_of_the_card_are_those_of_the_experiment():
    assert set(card("learning-rates").measures) == {f"{arm}: {rate:g}" for arm in ARMS for rate in RATES}
