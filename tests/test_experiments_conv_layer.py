"""Experiments of lecture 2, and the kill matrix that it shows."""

import dataclasses

import numpy as np
import pytest

from backpass.experiments import conv_layer as made
from backpass.rosetta.conv_layer import layer_conventions

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.xdist_group("kill matrix")

from backpass.kills import batch_norms, convolutions, run  # noqa: E402
from backpass.kills.matrix import KillMatrix  # noqa: E402


def test_a_secret_kernel_is_found_and_a_true_convolution_turns_it():
    kernels, losses = made.recover_kernel(0, steps=150)
    assert kernels.shape == (151, 3, 3)
    assert losses.shape == (150,)
    np.testing.assert_allclose(kernels[-1], made.SOBEL, atol=1e-2)
    asymmetric = np.arange(9.0).reshape(3, 3) / 9
    np.testing.assert_allclose(
        made.recover_kernel(0, asymmetric, flipped=True, steps=150)[0][-1], asymmetric[::-1, ::-1], atol=2e-2
    )


def test_the_same_seed_gives_the_same_run():
    first, again = (made.centre_gradient(5, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (11, 11)
    assert first.sum() == pytest.approx(1)
    np.testing.assert_array_equal(made.recover_kernel(1, steps=3)[0], made.recover_kernel(1, steps=3)[0])


def test_one_layer_spreads_as_a_uniform_step():
    """One 3x3 layer: each of nine pixels matters about equally, so the variance per axis is 2/3."""
    share = made.centre_gradient(1, seed=0, maps=64, draws=8)
    assert made.spread_of(share) == pytest.approx(np.sqrt(2 / 3), abs=0.03)
    assert made.width_of(share) == 3


def test_overlap_counts_what_a_transposed_convolution_of_ones_gives():
    for kernel, stride in ((3, 2), (4, 2), (5, 3), (2, 3)):
        ones = torch.ones(1, 1, 8)
        wanted = torch.nn.functional.conv_transpose1d(ones, torch.ones(1, 1, kernel), stride=stride)[0, 0]
        np.testing.assert_array_equal(made.overlap(kernel, stride), wanted.numpy())


def test_dots_lie_on_the_side_that_their_label_says():
    images, right = made.dots(200, np.random.default_rng(0))
    columns = images.max(1).argmax(1)
    np.testing.assert_array_equal(columns >= 8, right == 1)
    assert 60 < right.sum() < 140


def test_a_circular_network_cannot_know_the_place():
    torch.manual_seed(0)
    net = made.where_network(torch, "circular")
    images = torch.as_tensor(made.dots(5, np.random.default_rng(0))[0])[:, None]
    torch.testing.assert_close(net(images), net(images.roll((5, 3), (2, 3))), atol=1e-5, rtol=1e-4)


def test_rosetta_cells_are_asked_from_torch():
    shown = repr(layer_conventions())
    for text in ("(2, 4, 3, 1)", "refused", "[3, 9]", "[6, 7]"):
        assert text in shown


@pytest.fixture(scope="module")
def layers():
    return run(convolutions.checks(), convolutions.right_layer(), convolutions.wrong_layers())


def test_what_the_lecture_says_about_the_convolutions(layers):
    assert len(convolutions.wrong_forwards()) == 8
    assert len(convolutions.wrong_backwards()) == 7
    assert layers.count("the nine frames") == 0
    square, oblong = "gradient check, square, stride 1", "values of torch, oblong, stride 2, padded"
    assert set(convolutions.wrong_forwards()) <= set(layers.survivors(square))
    assert layers.survivors(oblong) == ["dx: crop p:−p at p = 0"]
    same = layers.noticed[layers.checks.index(square)], layers.noticed[layers.checks.index(square) + 1]
    np.testing.assert_array_equal(*same)
    assert layers.count("gradient check, 1 channel, dy = 1") * 2 <= layers.count(square)
    assert layers.survivors() == []
    assert {len(names) for names in layers.smallest_sets()} == {2}
    assert all(oblong in names for names in layers.smallest_sets())


def test_what_the_lecture_says_about_the_batch_norms():
    norms = run(batch_norms.checks(), batch_norms.right_layer(), batch_norms.wrong_layers())
    assert len(norms.wrong) == 17
    assert norms.count("the output has deviation 1") <= 3
    assert norms.survivors() == []
    assert norms.smallest_sets() == [("values of torch, (N, C, H, W), 1e-7", "running statistics", "evaluation mode")]


def test_differences_and_torchs_gradients_agree_for_every_wrong_forward_pass():
    """Their backward passes are exact derivatives, as the lecture says: no gradient check that runs refuses them."""
    for trial in (convolutions.SQUARE, dataclasses.replace(convolutions.SQUARE, stride=2, padding=1)):
        check = convolutions.gradient_check(trial)
        assert all(check(layer) for layer in convolutions.wrong_forwards().values())


def test_wrong_layers_are_wrong_somewhere_and_the_right_one_nowhere(layers):
    norms = batch_norms.right_layer()
    x, gamma, beta = torch.randn(4, 3, 5, 2).double(), torch.rand(3).double(), torch.randn(3).double()
    mean, variance = torch.zeros(3).double(), torch.ones(3).double()
    y, running = norms.forward(x, gamma, beta, (mean, variance), True)
    wanted = torch.nn.functional.batch_norm(x, mean, variance, gamma, beta, training=True)
    torch.testing.assert_close(y, wanted)
    torch.testing.assert_close(running, (mean, variance))


def test_a_check_that_refuses_the_right_layer_is_no_check():
    with pytest.raises(ValueError, match="refuses the right layer"):
        run({"never": lambda layer: False}, convolutions.right_layer(), {})


def test_sets_and_survivors_of_a_small_matrix():
    noticed = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 1, 0]], bool)
    matrix = KillMatrix(("a", "b", "c"), ("p", "q", "r", "s"), noticed, (1, 1, 1))
    assert matrix.survivors() == ["s"]
    assert matrix.survivors("a") == ["r", "s"]
    assert matrix.smallest_sets() == [("a", "b"), ("a", "c"), ("b", "c")]
    assert matrix.count("b") == 2
