"""Hidden checks of unit 3. Titles and docstrings are read by students."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np

from autograder.checking import agree, check, holds, unchanged
from autograder.draws import Draw
from autograder.student import StudentFunction
from backpass import callables


def back(draw: Draw, function: StudentFunction, forward: tuple, **options: object) -> None:
    """The gradient for the y and cache that a forward pass gave."""
    y, cache = forward
    agree(function, draw.normal(*y.shape, mean=0.5), cache, **options)


# activations


@check("activations", points=0.5, title="ReLU: forward")
def test_relu_forward(student, draw):
    """Negative numbers become 0, the others stay; arrays of any shape."""
    agree(student.relu_forward, draw.normal(2, 3, 4))


@check("activations", points=1, title="ReLU: backward")
def test_relu_backward(student, draw):
    """dy passes where x was positive, whatever dy's own sign is."""
    back(draw, student.relu_backward, student.relu_forward(draw.normal(3, 5)))


@check("activations", points=0.5, title="ReLU: the derivative at 0")
def test_relu_kink(student, draw):
    """At the kink the derivative is 0 by convention, as in torch."""
    back(draw, student.relu_backward, student.relu_forward(draw.integers(-1, 2, 3, 5).astype(np.float64)))


@check("activations", points=0.5, title="Sigmoid: forward")
def test_sigmoid_forward(student, draw):
    """1 / (1 + exp(-x)), entry by entry."""
    agree(student.sigmoid_forward, draw.normal(2, 3, 4, std=2))


@check("activations", points=1, title="Sigmoid: backward")
def test_sigmoid_backward(student, draw):
    """The slope is y (1 - y), with y the forward value, times what comes from above."""
    back(draw, student.sigmoid_backward, student.sigmoid_forward(draw.normal(3, 5, std=2)))


@check("activations", points=0.5, title="Tanh: forward")
def test_tanh_forward(student, draw):
    """Entry by entry."""
    agree(student.tanh_forward, draw.normal(2, 3, 4))


@check("activations", points=1, title="Tanh: backward")
def test_tanh_backward(student, draw):
    """The slope is 1 - y squared, times what comes from above."""
    back(draw, student.tanh_backward, student.tanh_forward(draw.normal(3, 5)))


@check("activations", points=0.5, title="Sigmoid and tanh of large numbers")
def test_saturation(student, draw):
    """At 1000 they are 1, at -1000 they are 0 and -1: exp must not overflow into nan."""
    x = np.array([-1000.0, -40.0, 0.0, 40.0, 1000.0]) * draw.uniform(1, low=1, high=2)
    agree(student.sigmoid_forward, x)
    agree(student.tanh_forward, x)


@check("activations", points=1, title="Softmax: every row is a distribution")
def test_softmax(student, draw):
    """exp of each score, divided by the row's sum."""
    p = agree(student.softmax, draw.normal(4, 3, mean=1, std=2))
    holds("probabilities", p, axis=1)


@check("activations", points=0.5, title="Softmax of large scores")
def test_softmax_large(student, draw):
    """Scores of ten thousand, of either sign, must not overflow; only differences within a row count."""
    x = draw.normal(3, 4) + np.array([[1e4], [-1e4], [0.0]])
    agree(student.softmax, x, rtol=1e-6)


@check("activations", points=0.5, title="float32 stays float32")
def test_activations_float32(student, draw):
    """Values and gradients are in single precision when x is."""
    x, dy = draw.normal(2, 3, dtype=np.float32), draw.normal(2, 3, dtype=np.float32)
    for forward, backward in (
        (student.relu_forward, student.relu_backward),
        (student.sigmoid_forward, student.sigmoid_backward),
        (student.tanh_forward, student.tanh_backward),
    ):
        _, cache = agree(forward, x)
        agree(backward, dy, cache)
    agree(student.softmax, x)


@check("activations", points=0.5, title="The arguments stay as they are")
def test_activations_unchanged(student, draw):
    """Neither x nor dy is written to."""
    x, dy = draw.normal(2, 3), draw.normal(2, 3)
    for forward, backward in (
        (student.relu_forward, student.relu_backward),
        (student.sigmoid_forward, student.sigmoid_backward),
        (student.tanh_forward, student.tanh_backward),
    ):
        _, cache = unchanged(forward, x)
        unchanged(backward, dy, cache)
    unchanged(student.softmax, x)


# max_pool2d


def with_ties(draw: Draw, *shape: int) -> np.ndarray:
    """Few different integers: most windows have several maxima."""
    return draw.integers(0, 3, *shape).astype(np.float64)


# kernel_size, stride, padding, ceil_mode
MAX_POOLS = (
    (2, None, 0, False),
    (3, 2, 1, False),
    (3, 2, 0, True),
    (2, 3, 1, True),
    (3, 1, 1, False),
    ((2, 3), None, 1, False),
    ((3, 2), 2, 0, True),
    (1, 2, 0, False),
    (4, 3, 2, True),
)


@check("max_pool2d", points=0.5, title="Width 3, stride 2", audience="student")
def test_max_pool_strip(student, draw):
    """A strip of six pixels, pooled in threes at every second pixel: two windows fit, and with ceil_mode a
    third one that hangs over."""
    strip = np.array([[[[0.1, 1.0, 0.2, 0.1, 0.0, 0.4]]]])
    agree(student.max_pool2d_forward, strip, (1, 3), 2)
    agree(student.max_pool2d_forward, strip, (1, 3), 2, ceil_mode=True)


@check("max_pool2d", points=1, title="Forward: windows side by side")
def test_max_pool_forward(student, draw):
    """Without a stride, the windows lie side by side; what is left over at the border is not used."""
    agree(student.max_pool2d_forward, draw.normal(2, 3, 4, draw.size(6, 7)), 2)
    agree(student.max_pool2d_forward, draw.normal(1, 2, 7, 4), 3)


@check("max_pool2d", points=0.5, title="Forward: a stride of its own")
def test_max_pool_stride(student, draw):
    """Windows overlap where the stride is smaller than the kernel, and leave gaps where it is larger."""
    agree(student.max_pool2d_forward, draw.normal(2, 2, 5, draw.size(7, 8)), 3, 2)
    agree(student.max_pool2d_forward, draw.normal(1, 2, 6, 5), 2, stride=3)


@check("max_pool2d", points=0.5, title="Forward: rectangular windows")
def test_max_pool_pair(student, draw):
    """kernel_size may be a pair, height first; without a stride, the step is the window's own height and
    width."""
    agree(student.max_pool2d_forward, draw.normal(2, 2, 4, 6), (2, 3))
    agree(student.max_pool2d_forward, draw.normal(1, 2, 6, 4), (3, 2), stride=1)


@check("max_pool2d", points=1, title="Forward: padding, and windows below zero")
def test_max_pool_padding(student, draw):
    """The padding never wins, not even where all pixels of a window are negative: it is -inf, not 0."""
    agree(student.max_pool2d_forward, -draw.uniform(2, 2, 3, 4, low=1, high=3), 2, padding=1)
    agree(student.max_pool2d_forward, draw.normal(1, 2, 5, 4, mean=-1), 3, stride=2, padding=1)


@check("max_pool2d", points=0.5, title="Forward: ceil mode")
def test_max_pool_ceil(student, draw):
    """A last window that hangs over the border counts. It sees the pixels that are there, and nothing
    else."""
    agree(
        student.max_pool2d_forward,
        draw.normal(1, 2, 5, draw.choice((4, 6)), mean=-2),
        3,
        stride=2,
        ceil_mode=True,
    )
    agree(student.max_pool2d_forward, draw.normal(1, 2, 5, 7, mean=-2), 2, padding=1, ceil_mode=True)


@check("max_pool2d", points=0.5, title="Forward: many combinations", audience="grader")
def test_max_pool_forward_sweep(student, draw):
    """Kernels, strides, paddings and ceil mode with each other, also for whole numbers and for negative
    ones."""
    for pool, size in itertools.product(MAX_POOLS, ((6, 9), (8, 7))):
        agree(student.max_pool2d_forward, draw.normal(2, 3, *size), *pool)
        agree(student.max_pool2d_forward, with_ties(draw, 1, 2, *size) - 5, *pool)


@check("max_pool2d", points=1, title="Backward: windows side by side")
def test_max_pool_backward(student, draw):
    """A window's gradient goes to its maximum, all of it; the other pixels get 0."""
    back(draw, student.max_pool2d_backward, student.max_pool2d_forward(draw.normal(2, 3, 4, 7), 2))
    back(draw, student.max_pool2d_backward, student.max_pool2d_forward(draw.normal(1, 2, 4, 6), (2, 3)))


@check("max_pool2d", points=1, title="Backward: windows that overlap")
def test_max_pool_backward_overlap(student, draw):
    """A pixel that is the maximum of several windows gets the sum of their gradients."""
    back(draw, student.max_pool2d_backward, student.max_pool2d_forward(draw.normal(2, 2, 4, 5), 3, stride=1))
    back(draw, student.max_pool2d_backward, student.max_pool2d_forward(draw.normal(1, 2, 5, 7), 3, stride=2))


@check("max_pool2d", points=1, title="Backward: ties")
def test_max_pool_backward_ties(student, draw):
    """Where several pixels of a window are the maximum, the first one in row-major order gets the gradient,
    as in torch."""
    back(draw, student.max_pool2d_backward, student.max_pool2d_forward(with_ties(draw, 2, 2, 4, 6), 2))
    back(draw, student.max_pool2d_backward, student.max_pool2d_forward(np.zeros((1, 2, 4, 3)), (2, 3)))


@check("max_pool2d", points=0.5, title="Backward: padding and ceil mode")
def test_max_pool_backward_padding(student, draw):
    """The gradient has x's shape; nothing goes to the padding."""
    x = draw.normal(2, 2, 4, 5, mean=-2)
    back(draw, student.max_pool2d_backward, student.max_pool2d_forward(x, 3, stride=2, padding=1))
    x = draw.normal(1, 2, 5, 6, mean=-2)
    back(draw, student.max_pool2d_backward, student.max_pool2d_forward(x, 3, stride=2, ceil_mode=True))


@check("max_pool2d", points=0.5, title="Backward: nothing is lost")
def test_max_pool_conservation(student, draw):
    """Every window hands its gradient to one pixel, so the sum of dx is the sum of dy. With ties, too."""
    y, cache = student.max_pool2d_forward(with_ties(draw, 2, 2, 5, 6), 3, stride=2, padding=1)
    dy = draw.normal(*y.shape, mean=0.5)
    dx = student.max_pool2d_backward(dy, cache)
    holds("sums_to", dx, float(dy.sum()), because="the sum of dx is not the sum of dy.")


@check("max_pool2d", points=0.5, title="Backward: many combinations", audience="grader")
def test_max_pool_backward_sweep(student, draw):
    """Kernels, strides, paddings and ceil mode with each other, with ties; another forward in between."""
    before = None
    for pool, size in itertools.product(MAX_POOLS, ((6, 9), (8, 7))):
        for x in (draw.normal(2, 3, *size), with_ties(draw, 1, 2, *size) - 5):
            y, cache = student.max_pool2d_forward(x, *pool)
            if before is not None:
                agree(student.max_pool2d_backward, *before)
            before = draw.normal(*y.shape, mean=0.5), cache


@check("max_pool2d", points=0.5, title="float32 stays float32")
def test_max_pool_float32(student, draw):
    """Value and gradient are in single precision when x is."""
    y, cache = agree(student.max_pool2d_forward, draw.normal(1, 2, 4, 5, dtype=np.float32), 3, stride=2, padding=1)
    agree(student.max_pool2d_backward, draw.normal(*y.shape, dtype=np.float32), cache)


@check("max_pool2d", points=0.5, title="Another forward in between")
def test_max_pool_between(student, draw):
    """Everything that backward needs is in its own cache."""
    first = student.max_pool2d_forward(draw.normal(2, 2, 4, 6), 2)
    student.max_pool2d_forward(draw.normal(2, 2, 4, 6), 2)
    back(draw, student.max_pool2d_backward, first)


@check("max_pool2d", points=0.5, title="The arguments stay as they are")
def test_max_pool_unchanged(student, draw):
    """Neither x nor dy is written to."""
    y, cache = unchanged(student.max_pool2d_forward, draw.normal(1, 2, 4, 6), 2)
    unchanged(student.max_pool2d_backward, draw.normal(*y.shape), cache)


# avg_pool2d


@check("avg_pool2d", points=1, title="Forward: windows side by side")
def test_avg_pool_forward(student, draw):
    """The mean of every window."""
    agree(student.avg_pool2d_forward, draw.normal(2, 3, 4, draw.size(6, 7), mean=1), 2)
    agree(student.avg_pool2d_forward, draw.normal(1, 2, 7, 4, mean=1), 3)


@check("avg_pool2d", points=0.5, title="Forward: a stride of its own")
def test_avg_pool_stride(student, draw):
    """Windows overlap, or leave gaps."""
    agree(student.avg_pool2d_forward, draw.normal(2, 2, 5, draw.size(7, 8), mean=1), 3, 2)
    agree(student.avg_pool2d_forward, draw.normal(1, 2, 6, 5, mean=1), 2, stride=3)


@check("avg_pool2d", points=1, title="Forward: the padding counts")
def test_avg_pool_padding(student, draw):
    """By default the zeros of the padding count: every sum is divided by the window's size."""
    agree(student.avg_pool2d_forward, draw.normal(2, 2, 3, 4, mean=2), 2, padding=1)
    agree(student.avg_pool2d_forward, draw.normal(1, 2, 5, 4, mean=2), 3, stride=2, padding=1)


@check("avg_pool2d", points=1, title="Forward: the padding does not count")
def test_avg_pool_without_padding(student, draw):
    """With count_include_pad=False, a sum is divided by the number of pixels that are inside the image."""
    agree(student.avg_pool2d_forward, draw.normal(2, 2, 3, 4, mean=2), 2, padding=1, count_include_pad=False)
    x = draw.normal(1, 2, 5, 4, mean=2)
    agree(student.avg_pool2d_forward, x, 3, stride=2, padding=1, count_include_pad=False)


@check("avg_pool2d", points=1, title="Backward: windows side by side")
def test_avg_pool_backward(student, draw):
    """Every pixel of a window gets an equal share of its gradient; pixels of no window get 0."""
    back(draw, student.avg_pool2d_backward, student.avg_pool2d_forward(draw.normal(2, 3, 4, 7), 2))


@check("avg_pool2d", points=0.5, title="Backward: windows that overlap")
def test_avg_pool_backward_overlap(student, draw):
    """A pixel gets a share from each of its windows."""
    back(draw, student.avg_pool2d_backward, student.avg_pool2d_forward(draw.normal(2, 2, 4, 5), 3, stride=1))
    back(draw, student.avg_pool2d_backward, student.avg_pool2d_forward(draw.normal(1, 2, 5, 7), 3, stride=2))


@check("avg_pool2d", points=0.5, title="Backward: padding")
def test_avg_pool_backward_padding(student, draw):
    """The share is the one that the pixel had in the mean, for both ways of counting."""
    for counts in (True, False):
        forward = student.avg_pool2d_forward(draw.normal(2, 2, 3, 4), 2, padding=1, count_include_pad=counts)
        back(draw, student.avg_pool2d_backward, forward)


@check("avg_pool2d", points=0.5, title="Backward is the transpose of forward")
def test_avg_pool_adjoint(student, draw):
    """The mean is linear. So the sum of y times dy equals the sum of x times dx."""
    x = draw.normal(2, 2, 5, 6, mean=1)
    y, cache = student.avg_pool2d_forward(x, 3, stride=2, padding=1)
    dy = draw.normal(*y.shape, mean=0.5)
    holds("adjoint", y, dy, x, student.avg_pool2d_backward(dy, cache))


@check("avg_pool2d", points=0.5, title="Many combinations", audience="grader")
def test_avg_pool_sweep(student, draw):
    """Kernels, strides, paddings and both ways of counting; another forward in between."""
    before = None
    for (kernel_size, stride, padding), counts, size in itertools.product(
        ((2, None, 1), (3, 2, 1), (3, 1, 0), (2, 3, 1), (1, 2, 0), (4, 3, 2)), (True, False), ((6, 9), (8, 7))
    ):
        y, cache = agree(
            student.avg_pool2d_forward, draw.normal(2, 3, *size, mean=1), kernel_size, stride, padding, counts
        )
        if before is not None:
            agree(student.avg_pool2d_backward, *before)
        before = draw.normal(*y.shape, mean=0.5), cache


@check("avg_pool2d", points=0.5, title="float32 stays float32")
def test_avg_pool_float32(student, draw):
    """Value and gradient are in single precision when x is, for both ways of counting."""
    x = draw.normal(1, 2, 4, 5, dtype=np.float32)
    for counts in (True, False):
        y, cache = agree(student.avg_pool2d_forward, x, 3, stride=2, padding=1, count_include_pad=counts)
        agree(student.avg_pool2d_backward, draw.normal(*y.shape, dtype=np.float32), cache)


@check("avg_pool2d", points=0.5, title="The arguments stay as they are")
def test_avg_pool_unchanged(student, draw):
    """Neither x nor dy is written to."""
    y, cache = unchanged(student.avg_pool2d_forward, draw.normal(1, 2, 4, 6), 2)
    unchanged(student.avg_pool2d_backward, draw.normal(*y.shape), cache)


# lp_pool2d


@check("lp_pool2d", points=1, title="Forward: p = 2")
def test_lp_pool_forward(student, draw):
    """The root of the sum of squares of every window, of 3 and 4 it is 5."""
    agree(student.lp_pool2d_forward, draw.normal(2, 3, 4, draw.size(6, 7)), 2)


@check("lp_pool2d", points=0.5, title="Forward: a stride of its own")
def test_lp_pool_stride(student, draw):
    """Windows overlap, or leave gaps."""
    agree(student.lp_pool2d_forward, draw.normal(2, 2, 5, draw.size(7, 8)), 3, 2)
    agree(student.lp_pool2d_forward, draw.normal(1, 2, 6, 5), 2, stride=3)


@check("lp_pool2d", points=1, title="Forward: other norms")
def test_lp_pool_norms(student, draw):
    """p = 1 is a plain sum of absolute values; the larger p, the more the largest pixel counts."""
    agree(student.lp_pool2d_forward, draw.normal(1, 2, 4, 6), 2, norm_type=4)
    agree(student.lp_pool2d_forward, draw.uniform(1, 2, 4, 5, low=0.5, high=2), 2, norm_type=1)
    agree(student.lp_pool2d_forward, draw.uniform(1, 2, 4, 5, low=0.5, high=2), 2, norm_type=3)


@check("lp_pool2d", points=1, title="Backward: p = 2")
def test_lp_pool_backward(student, draw):
    """Each pixel gets its own share x / y of the window's gradient, with its sign."""
    back(draw, student.lp_pool2d_backward, student.lp_pool2d_forward(draw.normal(2, 3, 4, 7), 2))


@check("lp_pool2d", points=0.5, title="Backward: windows that overlap")
def test_lp_pool_backward_overlap(student, draw):
    """A pixel gets the sum of what its windows send."""
    back(draw, student.lp_pool2d_backward, student.lp_pool2d_forward(draw.normal(2, 2, 4, 5), 3, stride=1))
    back(draw, student.lp_pool2d_backward, student.lp_pool2d_forward(draw.normal(1, 2, 5, 7), 3, stride=2))


@check("lp_pool2d", points=0.5, title="Backward: other norms")
def test_lp_pool_backward_norms(student, draw):
    """The share is (|x| / y) to the power p - 1."""
    back(draw, student.lp_pool2d_backward, student.lp_pool2d_forward(draw.normal(1, 2, 4, 6), 2, norm_type=4))
    x = draw.uniform(1, 2, 4, 5, low=0.5, high=2)
    back(draw, student.lp_pool2d_backward, student.lp_pool2d_forward(x, 2, norm_type=3))


@check("lp_pool2d", points=0.5, title="Backward: a window of zeros")
def test_lp_pool_zero_window(student, draw):
    """The norm has no derivative there; by convention its gradient is 0, not nan."""
    x = draw.normal(1, 2, 4, 6)
    x[:, :, :2, :4] = 0
    back(draw, student.lp_pool2d_backward, student.lp_pool2d_forward(x, 2))


@check("lp_pool2d", points=0.5, title="Many combinations", audience="grader")
def test_lp_pool_sweep(student, draw):
    """Kernels, strides and norms with each other; another forward in between."""
    before = None
    for (kernel_size, stride), norm_type in itertools.product(
        ((2, None), (3, 2), (3, 1), (2, 3), (1, 2)), (1, 2, 3, 4)
    ):
        x = draw.normal(2, 2, 6, 7) if norm_type in (2, 4) else draw.uniform(2, 2, 6, 7, low=0.5, high=2)
        y, cache = agree(student.lp_pool2d_forward, x, kernel_size, stride, norm_type)
        if before is not None:
            agree(student.lp_pool2d_backward, *before)
        before = draw.normal(*y.shape, mean=0.5), cache


@check("lp_pool2d", points=0.5, title="float32 stays float32")
def test_lp_pool_float32(student, draw):
    """Value and gradient are in single precision when x is."""
    y, cache = agree(student.lp_pool2d_forward, draw.normal(1, 2, 4, 5, dtype=np.float32), 2)
    agree(student.lp_pool2d_backward, draw.normal(*y.shape, dtype=np.float32), cache)


@check("lp_pool2d", points=0.5, title="The arguments stay as they are")
def test_lp_pool_unchanged(student, draw):
    """Neither x nor dy is written to."""
    y, cache = unchanged(student.lp_pool2d_forward, draw.normal(1, 2, 4, 6), 2)
    unchanged(student.lp_pool2d_backward, draw.normal(*y.shape), cache)


# gaussian_pool2d


@check("gaussian_pool2d", points=1, title="Forward: three pixels wide")
def test_gaussian_forward(student, draw):
    """The middle pixel has the largest weight; all weights together are 1."""
    agree(student.gaussian_pool2d_forward, draw.normal(2, 2, 5, draw.size(6, 7), mean=1), 3, 2, 0.8)


@check("gaussian_pool2d", points=1, title="Forward: an even window")
def test_gaussian_even(student, draw):
    """The centre of an even window lies between its pixels."""
    agree(student.gaussian_pool2d_forward, draw.normal(1, 2, 5, draw.size(6, 7), mean=1), 4, 1, 1.2)
    agree(student.gaussian_pool2d_forward, draw.normal(1, 2, 4, 6, mean=1), 2, 3, 0.5)


@check("gaussian_pool2d", points=0.5, title="A constant image stays constant")
def test_gaussian_constant(student, draw):
    """Because the weights sum to 1."""
    level = float(draw.uniform(1, low=1, high=5)[0])
    y, _ = student.gaussian_pool2d_forward(np.full((1, 2, 4, 5), level), 3, 1, 0.6)
    holds("between", y, level - 1e-6, level + 1e-6, because="a constant image does not stay as it is.")


@check("gaussian_pool2d", points=0.5, title="A wide Gaussian is an average")
def test_gaussian_wide(student, draw):
    """For a large sigma all weights are nearly equal; for a small one only the middle pixel is left."""
    agree(student.gaussian_pool2d_forward, draw.normal(1, 2, 5, 6, mean=1), 3, 2, 50.0)
    agree(student.gaussian_pool2d_forward, draw.normal(1, 2, 5, 6, mean=1), 3, 2, 0.1)


@check("gaussian_pool2d", points=1, title="Backward")
def test_gaussian_backward(student, draw):
    """A pixel gets from each of its windows the share that its weight was."""
    back(
        draw,
        student.gaussian_pool2d_backward,
        student.gaussian_pool2d_forward(draw.normal(2, 2, 4, 6), 2, 2, 0.7),
    )
    back(
        draw,
        student.gaussian_pool2d_backward,
        student.gaussian_pool2d_forward(draw.normal(1, 2, 4, 7), 3, 3, 0.7),
    )


@check("gaussian_pool2d", points=0.5, title="Backward: windows that overlap")
def test_gaussian_backward_overlap(student, draw):
    """The shares add up."""
    back(
        draw,
        student.gaussian_pool2d_backward,
        student.gaussian_pool2d_forward(draw.normal(2, 2, 4, 5), 3, 1, 0.9),
    )


@check("gaussian_pool2d", points=0.5, title="Backward is the transpose of forward")
def test_gaussian_adjoint(student, draw):
    """A weighted mean is linear. So the sum of y times dy equals the sum of x times dx."""
    x = draw.normal(2, 2, 5, 6, mean=1)
    y, cache = student.gaussian_pool2d_forward(x, 3, 2, 1.1)
    dy = draw.normal(*y.shape, mean=0.5)
    holds("adjoint", y, dy, x, student.gaussian_pool2d_backward(dy, cache))


@check("gaussian_pool2d", points=0.5, title="Many combinations", audience="grader")
def test_gaussian_sweep(student, draw):
    """Kernels, strides and widths with each other; another forward in between."""
    before = None
    for kernel_size, stride, sigma in itertools.product((1, 2, 3, 5), (1, 2, 3), (0.4, 1.3)):
        y, cache = agree(student.gaussian_pool2d_forward, draw.normal(2, 2, 6, 8, mean=1), kernel_size, stride, sigma)
        if before is not None:
            agree(student.gaussian_pool2d_backward, *before)
        before = draw.normal(*y.shape, mean=0.5), cache


@check("gaussian_pool2d", points=0.5, title="float32 stays float32")
def test_gaussian_float32(student, draw):
    """The weights must not turn single precision into double."""
    y, cache = agree(student.gaussian_pool2d_forward, draw.normal(1, 2, 4, 5, dtype=np.float32), 3, 1, 0.8)
    agree(student.gaussian_pool2d_backward, draw.normal(*y.shape, dtype=np.float32), cache)


@check("gaussian_pool2d", points=0.5, title="The arguments stay as they are")
def test_gaussian_unchanged(student, draw):
    """Neither x nor dy is written to."""
    y, cache = unchanged(student.gaussian_pool2d_forward, draw.normal(1, 2, 4, 6), 3, 1, 0.8)
    unchanged(student.gaussian_pool2d_backward, draw.normal(*y.shape), cache)


# global_avg_pool2d


@check("global_avg_pool2d", points=1, title="Forward")
def test_global_forward(student, draw):
    """One number for each sample and channel: (N, C)."""
    agree(student.global_avg_pool2d_forward, draw.normal(2, 3, 4, draw.size(5, 6), mean=1))
    agree(student.global_avg_pool2d_forward, draw.normal(1, 2, 5, 3, mean=1))


@check("global_avg_pool2d", points=1.5, title="Backward")
def test_global_backward(student, draw):
    """Every pixel of a map gets an equal share of its gradient."""
    forward = student.global_avg_pool2d_forward(draw.normal(2, 3, 4, draw.size(5, 6)))
    back(draw, student.global_avg_pool2d_backward, forward)


@check("global_avg_pool2d", points=0.5, title="Another forward in between")
def test_global_between(student, draw):
    """The size of the maps is in the cache, since the next image may have another."""
    first = student.global_avg_pool2d_forward(draw.normal(1, 2, 3, 4))
    student.global_avg_pool2d_forward(draw.normal(1, 2, 5, 2))
    back(draw, student.global_avg_pool2d_backward, first)


@check("global_avg_pool2d", points=0.5, title="float32 stays float32")
def test_global_float32(student, draw):
    """Value and gradient are in single precision when x is."""
    _, cache = agree(student.global_avg_pool2d_forward, draw.normal(2, 3, 2, 4, dtype=np.float32))
    agree(student.global_avg_pool2d_backward, draw.normal(2, 3, dtype=np.float32), cache)


@check("global_avg_pool2d", points=0.5, title="The arguments stay as they are")
def test_global_unchanged(student, draw):
    """Neither x nor dy is written to."""
    _, cache = unchanged(student.global_avg_pool2d_forward, draw.normal(2, 3, 2, 4))
    unchanged(student.global_avg_pool2d_backward, draw.normal(2, 3), cache)


# conv_relu_pool


def block(draw: Draw, x: tuple, filters: tuple, dtype: type = np.float64) -> tuple:
    """Images, filters and biases that leave about half of the preactivations positive."""
    weight, bias = draw.normal(*filters, dtype=dtype), draw.normal(filters[0], dtype=dtype)
    return draw.normal(*x, mean=0.3, dtype=dtype), weight, bias


@check("conv_relu_pool", points=1, title="Forward")
def test_block_forward(student, draw):
    """Convolution, ReLU, max pooling, one after the other."""
    agree(student.conv_relu_pool_forward, *block(draw, (2, 2, 5, draw.size(6, 7)), (3, 2, 2, 3)), 0, 2, 2)


@check("conv_relu_pool", points=0.5, title="Forward: padding")
def test_block_padding(student, draw):
    """The padding belongs to the convolution; the pooling has none."""
    agree(student.conv_relu_pool_forward, *block(draw, (1, 2, 4, 5), (3, 2, 3, 2)), 1, 2, 2)
    agree(student.conv_relu_pool_forward, *block(draw, (2, 1, 3, 4), (2, 1, 2, 3)), 2, 3, 3)


@check("conv_relu_pool", points=0.5, title="Forward: pooling with a stride of its own")
def test_block_pool_stride(student, draw):
    """pool_size and pool_stride are two numbers; the convolution's stride is 1."""
    agree(student.conv_relu_pool_forward, *block(draw, (1, 2, 6, 7), (3, 2, 2, 3)), 0, 3, 2)
    agree(student.conv_relu_pool_forward, *block(draw, (1, 2, 6, 7), (3, 2, 3, 2)), 1, 2, 3)


@check("conv_relu_pool", points=1, title="Backward: dx")
def test_block_dx(student, draw):
    """Backwards through the pooling, then the ReLU, then the convolution."""
    forward = student.conv_relu_pool_forward(*block(draw, (2, 2, 5, 6), (3, 2, 2, 3)), 1, 2, 2)
    back(draw, student.conv_relu_pool_backward, forward, part=0)


@check("conv_relu_pool", points=0.5, title="Backward: dweight and dbias")
def test_block_dweight(student, draw):
    """Only pixels that were positive, and the maximum of a window, contribute."""
    arrays = block(draw, (3, 2, 4, 6), (3, 2, 2, 3))
    back(draw, student.conv_relu_pool_backward, student.conv_relu_pool_forward(*arrays, 0, 2, 2), part=1)
    back(draw, student.conv_relu_pool_backward, student.conv_relu_pool_forward(*arrays, 0, 2, 1), part=2)


@check("conv_relu_pool", points=0.5, title="Backward: overlapping windows")
def test_block_overlap(student, draw):
    """A pixel may be the maximum of several windows."""
    forward = student.conv_relu_pool_forward(*block(draw, (1, 2, 5, 6), (3, 2, 2, 3)), 1, 3, 2)
    back(draw, student.conv_relu_pool_backward, forward)


@check("conv_relu_pool", points=0.5, title="Without a bias")
def test_block_no_bias(student, draw):
    """bias may be None: nothing is added, and its gradient is None."""
    x, weight, _ = block(draw, (1, 2, 4, 5), (3, 2, 2, 3))
    back(draw, student.conv_relu_pool_backward, agree(student.conv_relu_pool_forward, x, weight, None, 0, 2, 1))


@check("conv_relu_pool", points=0.5, title="Many combinations", audience="grader")
def test_block_sweep(student, draw):
    """Kernels, paddings and poolings with each other; another forward in between."""
    before = None
    for kernel, padding, pool_size, pool_stride in itertools.product(((2, 3), (3, 1)), (0, 1, 2), (2, 3), (1, 2, 3)):
        arrays = block(draw, (2, 3, 7, 8), (2, 3, *kernel))
        y, cache = agree(student.conv_relu_pool_forward, *arrays, padding, pool_size, pool_stride)
        if before is not None:
            agree(student.conv_relu_pool_backward, *before)
        before = draw.normal(*y.shape, mean=0.5), cache


@check("conv_relu_pool", points=0.5, title="float32 stays float32")
def test_block_float32(student, draw):
    """Value and gradients are in single precision when the arguments are."""
    arrays = block(draw, (1, 2, 4, 5), (3, 2, 2, 3), np.float32)
    y, cache = agree(student.conv_relu_pool_forward, *arrays, 1, 2, 2)
    agree(student.conv_relu_pool_backward, draw.normal(*y.shape, dtype=np.float32), cache)


@check("conv_relu_pool", points=0.5, title="The arguments stay as they are")
def test_block_unchanged(student, draw):
    """Neither x, weight and bias nor dy is written to."""
    y, cache = unchanged(student.conv_relu_pool_forward, *block(draw, (1, 2, 4, 5), (3, 2, 2, 3)), 0, 2, 2)
    unchanged(student.conv_relu_pool_backward, draw.normal(*y.shape), cache)


# shift_consistency


def classifier(draw: Draw, channels: int, height: int, width: int) -> partial:
    """Scores of four classes, each the inner product with a picture of its own."""
    return partial(callables.linear_scores, templates=draw.normal(4, channels, height, width))


@check("shift_consistency", points=1, title="Shifts by one pixel")
def test_shift_one(student, draw):
    """Two moved copies of each image, one down and one to the right: the fraction of decisions that stay."""
    agree(student.shift_consistency, classifier(draw, 1, 3, 4), draw.normal(7, 1, 3, 4), 1)
    agree(student.shift_consistency, callables.half_sums, draw.normal(9, 1, 3, 5), 1)


@check("shift_consistency", points=1, title="Shifts by several pixels")
def test_shift_several(student, draw):
    """All shifts from 1 to max_shift, along each axis alone."""
    agree(student.shift_consistency, classifier(draw, 2, 3, 5), draw.normal(6, 2, 3, 5), 2)
    agree(student.shift_consistency, callables.half_sums, draw.normal(5, 1, 4, 5), 3)


@check("shift_consistency", points=0.5, title="Pictures wrap around")
def test_shift_circular(student, draw):
    """What leaves at the bottom comes back at the top. A decision that follows the brightest pixel never
    stays, unless the picture moves once around; sums over the whole picture always stay."""
    agree(student.shift_consistency, callables.brightest_pixel_scores, draw.normal(4, 2, 3, 4), 3)
    agree(student.shift_consistency, callables.half_sums, draw.normal(6, 1, 3, 3), 2)


@check("shift_consistency", points=0.5, title="One image")
def test_shift_single(student, draw):
    """A batch of one: each shift counts 0 or 1."""
    agree(student.shift_consistency, classifier(draw, 1, 4, 5), draw.normal(1, 1, 4, 5), 4)


@check("shift_consistency", points=0.5, title="Many batches", audience="grader")
def test_shift_sweep(student, draw):
    """Batches, image sizes and shifts of many sizes, with a classifier that is not linear."""
    for n, height, width, max_shift in ((8, 4, 6, 3), (13, 6, 5, 1), (5, 7, 4, 6), (20, 5, 8, 4)):
        templates = draw.normal(5, height * width)

        def f(x, templates=templates):
            return np.tanh(x.mean(axis=1).reshape(len(x), -1)) @ templates.T

        agree(student.shift_consistency, f, draw.normal(n, 2, height, width), max_shift)


@check("shift_consistency", points=0.5, title="The images stay as they are")
def test_shift_unchanged(student, draw):
    """Moved images are new arrays."""
    unchanged(student.shift_consistency, callables.half_sums, draw.normal(3, 1, 3, 4), 2)
