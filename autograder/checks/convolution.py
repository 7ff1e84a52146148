"""Hidden checks of unit 1. Titles and docstrings are read by students."""

from __future__ import annotations

from functools import partial

import numpy as np

from autograder.checking import agree, check, holds, unchanged
from backpass import callables
from solutions.convolution import cross_correlate2d

# The example of nine frames: a kernel that is its own rotation by 180 degrees, and one that is not.
NINE_FRAMES = np.array(
    [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]], dtype=np.float64
)
SYMMETRIC = np.array([[1.0, 0, 1], [0, 1, 0], [1, 0, 1]])
ASYMMETRIC = np.array([[1.0, 2, 0], [0, 1, 0], [0, 0, 3]])

PAD_MODES = ("constant", "reflect", "replicate", "circular")


# convolve1d


@check("convolve1d", points=1, title="123 times 21, digit by digit", audience="student")
def test_convolve1d_multiplies(student, draw):
    """Long multiplication is a convolution of digits: 1 2 3 and 2 1 give 2 5 8 3, and 123 times 21 is
    2583."""
    agree(student.convolve1d, np.array([1.0, 2, 3]), np.array([2.0, 1]))


@check("convolve1d", points=2, title="Mode full")
def test_convolve1d_full(student, draw):
    """L + K - 1 entries, one for every t where signal and kernel overlap; the kernel runs backwards."""
    agree(student.convolve1d, draw.normal(draw.size(6, 9), mean=1), draw.normal(3), mode="full")


@check("convolve1d", points=1, title="Mode valid")
def test_convolve1d_valid(student, draw):
    """Only where the kernel lies inside the signal: L - K + 1 entries."""
    agree(student.convolve1d, draw.normal(draw.size(6, 9), mean=1), draw.normal(3), mode="valid")
    agree(student.convolve1d, draw.normal(4), draw.normal(4), mode="valid")


@check("convolve1d", points=1, title="Mode same, odd kernels")
def test_convolve1d_same_odd(student, draw):
    """As many entries as the signal has, from the middle of the full convolution."""
    agree(student.convolve1d, draw.normal(draw.size(7, 9), mean=1), draw.normal(3), mode="same")
    agree(student.convolve1d, draw.normal(8), draw.normal(5), mode="same")


@check("convolve1d", points=1, title="Mode same, even kernels")
def test_convolve1d_same_even(student, draw):
    """An even kernel has no middle: the convention is that (K - 1) // 2 entries are left out at the
    beginning."""
    agree(student.convolve1d, draw.normal(draw.size(6, 9), mean=1), draw.normal(4), mode="same")
    agree(student.convolve1d, draw.normal(5), draw.normal(2), mode="same")


@check("convolve1d", points=1, title="A kernel longer than the signal")
def test_convolve1d_long_kernel(student, draw):
    """Convolution is commutative: when K > L, the longer array is the signal, in every mode."""
    x, w = draw.normal(3), draw.normal(draw.size(6, 8), mean=1)
    for mode in ("full", "valid", "same"):
        agree(student.convolve1d, x, w, mode=mode)


@check("convolve1d", points=0.5, title="A single entry")
def test_convolve1d_single(student, draw):
    """A kernel or a signal with one entry only scales the other."""
    agree(student.convolve1d, draw.normal(5), draw.normal(1), mode="valid")
    agree(student.convolve1d, draw.normal(1), draw.normal(4), mode="full")
    agree(student.convolve1d, draw.normal(1), draw.normal(1), mode="same")


@check("convolve1d", points=0.5, title="float32 stays float32")
def test_convolve1d_float32(student, draw):
    """Single precision in, single precision out."""
    agree(student.convolve1d, draw.normal(7, dtype=np.float32), draw.normal(3, dtype=np.float32))


@check("convolve1d", points=0.5, title="Many lengths", audience="grader")
def test_convolve1d_sweep(student, draw):
    """All modes, for signals and kernels of many lengths."""
    for mode in ("full", "valid", "same"):
        for length, k in ((2, 1), (5, 2), (6, 3), (6, 6), (9, 7), (2, 5), (40, 12)):
            agree(student.convolve1d, draw.normal(length, mean=2), draw.normal(k), mode=mode)


@check("convolve1d", points=0.5, title="The arguments stay as they are")
def test_convolve1d_unchanged(student, draw):
    """A function that flips its kernel must flip a copy."""
    unchanged(student.convolve1d, draw.normal(6), draw.normal(3), mode="same")


# cross_correlate2d


@check("cross_correlate2d", points=1, title="The nine frames", audience="student")
def test_cross_correlate2d_nine_frames(student, draw):
    """The example that every book shows. Its first kernel looks the same when it is turned by 180 degrees,
    so that it cannot tell correlation from convolution; the second can."""
    agree(student.cross_correlate2d, NINE_FRAMES, SYMMETRIC)
    agree(student.cross_correlate2d, NINE_FRAMES, ASYMMETRIC)


@check("cross_correlate2d", points=2, title="A wide image")
def test_cross_correlate2d_wide(student, draw):
    """Height and width differ, in the image and in the kernel."""
    agree(student.cross_correlate2d, draw.normal(5, draw.size(7, 8), mean=1.5), draw.normal(3, 2))


@check("cross_correlate2d", points=1, title="A tall image")
def test_cross_correlate2d_tall(student, draw):
    """The same with the axes exchanged: the output's width comes from the widths, its height from the
    heights."""
    agree(student.cross_correlate2d, draw.normal(draw.size(7, 8), 4, mean=1.5), draw.normal(2, 3))


@check("cross_correlate2d", points=1, title="A row, a column, a single weight")
def test_cross_correlate2d_thin(student, draw):
    """Kernels of one row, of one column, and of one entry."""
    image = draw.normal(4, 6, mean=1.5)
    for shape in ((1, 3), (3, 1), (1, 1)):
        agree(student.cross_correlate2d, image, draw.normal(*shape))


@check("cross_correlate2d", points=0.5, title="A kernel as large as the image")
def test_cross_correlate2d_whole(student, draw):
    """There is one place to put it: the output has one entry."""
    agree(student.cross_correlate2d, draw.normal(3, 5, mean=1.5), draw.normal(3, 5))


@check("cross_correlate2d", points=0.5, title="float32 stays float32")
def test_cross_correlate2d_float32(student, draw):
    """Single precision in, single precision out."""
    image, kernel = draw.normal(4, 6, dtype=np.float32), draw.normal(2, 3, dtype=np.float32)
    agree(student.cross_correlate2d, image, kernel)


@check("cross_correlate2d", points=0.5, title="Many sizes", audience="grader")
def test_cross_correlate2d_sweep(student, draw):
    """Larger images, kernels of even and odd sizes."""
    for image, kernel in (((12, 9), (4, 2)), ((9, 13), (2, 5)), ((6, 6), (3, 3)), ((30, 28), (7, 5))):
        agree(student.cross_correlate2d, draw.normal(*image, mean=2), draw.normal(*kernel))


@check("cross_correlate2d", points=0.5, title="The arguments stay as they are")
def test_cross_correlate2d_unchanged(student, draw):
    """A window is a view of the image: what is written into it is written into the image."""
    unchanged(student.cross_correlate2d, draw.normal(4, 5), draw.normal(2, 3))


# convolve2d


@check("convolve2d", points=1, title="The nine frames, convolved", audience="student")
def test_convolve2d_nine_frames(student, draw):
    """In the middle of the result stand the nine numbers 5 7 7, 1 7 6, 3 3 4; correlation gives others."""
    agree(student.convolve2d, NINE_FRAMES, ASYMMETRIC)


@check("convolve2d", points=1, title="A point draws the kernel")
def test_convolve2d_impulse(student, draw):
    """An image that is zero except for one point gives the kernel itself at that point, not turned."""
    image = np.zeros((4, 6))
    image[draw.size(0, 3), draw.size(0, 5)] = 1.0
    agree(student.convolve2d, image, draw.normal(3, 2))


@check("convolve2d", points=2, title="Rectangles")
def test_convolve2d_rectangles(student, draw):
    """Height and width differ, in the image and in the kernel; outside of both everything is zero."""
    agree(student.convolve2d, draw.normal(4, draw.size(6, 7), mean=1.5), draw.normal(3, 2))
    agree(student.convolve2d, draw.normal(6, 3, mean=1.5), draw.normal(2, 4))


@check("convolve2d", points=1, title="A kernel larger than the image")
def test_convolve2d_commutes(student, draw):
    """Convolution is commutative: image and kernel may change places."""
    agree(student.convolve2d, draw.normal(2, 3, mean=1.5), draw.normal(4, 5))
    agree(student.convolve2d, draw.normal(5, 1, mean=1.5), draw.normal(2, 3))


@check("convolve2d", points=0.5, title="A row, a column, a single weight")
def test_convolve2d_thin(student, draw):
    """Kernels of one row, of one column, and of one entry."""
    image = draw.normal(3, 4, mean=1.5)
    for shape in ((1, 3), (2, 1), (1, 1)):
        agree(student.convolve2d, image, draw.normal(*shape))


@check("convolve2d", points=0.5, title="float32 stays float32")
def test_convolve2d_float32(student, draw):
    """Single precision in, single precision out."""
    agree(student.convolve2d, draw.normal(3, 5, dtype=np.float32), draw.normal(2, 3, dtype=np.float32))


@check("convolve2d", points=0.5, title="Many sizes", audience="grader")
def test_convolve2d_sweep(student, draw):
    """Larger images, kernels of even and odd sizes."""
    for image, kernel in (((9, 7), (2, 4)), ((5, 11), (5, 3)), ((3, 3), (3, 3)), ((28, 30), (7, 5))):
        agree(student.convolve2d, draw.normal(*image, mean=2), draw.normal(*kernel))


@check("convolve2d", points=0.5, title="The arguments stay as they are")
def test_convolve2d_unchanged(student, draw):
    """A function that flips its kernel must flip a copy."""
    unchanged(student.convolve2d, draw.normal(4, 5), draw.normal(2, 3))


# pad2d


@check("pad2d", points=1.5, title="Zeros, four different margins")
def test_pad2d_constant(student, draw):
    """The order is left, right, top, bottom. Samples and channels are not padded."""
    agree(student.pad2d, draw.normal(2, 3, 4, 5, mean=1.5), (1, 2, 3, 0))
    agree(student.pad2d, draw.normal(1, 2, 3, 4, mean=1.5), (2, 1, 1, 3), mode="constant")


@check("pad2d", points=1.5, title="Reflect")
def test_pad2d_reflect(student, draw):
    """The picture is mirrored at its border pixel, which is not repeated; the corners are mirrored twice."""
    agree(student.pad2d, draw.normal(2, 3, 4, 5, mean=1.5), (1, 3, 2, 1), mode="reflect")


@check("pad2d", points=1, title="Replicate")
def test_pad2d_replicate(student, draw):
    """The border pixel goes on for ever; a corner belongs to the corner pixel."""
    agree(student.pad2d, draw.normal(2, 3, 4, 5, mean=1.5), (3, 1, 2, 1), mode="replicate")


@check("pad2d", points=1, title="Circular")
def test_pad2d_circular(student, draw):
    """What leaves on one side comes back on the other."""
    agree(student.pad2d, draw.normal(2, 3, 4, 5, mean=1.5), (1, 3, 2, 1), mode="circular")


@check("pad2d", points=1, title="Margins of zero")
def test_pad2d_no_margin(student, draw):
    """A margin of zero leaves that side as it is, in every mode."""
    x = draw.normal(1, 2, 3, 4, mean=1.5)
    margins = ((0, 2, 1, 0), (2, 0, 0, 1), (0, 1, 0, 0), (0, 0, 2, 0))
    for mode, padding in zip(PAD_MODES, margins, strict=True):
        agree(student.pad2d, x, padding, mode=mode)
        agree(student.pad2d, x, (0, 0, 0, 0), mode=mode)


@check("pad2d", points=0.5, title="As far as each mode goes")
def test_pad2d_limits(student, draw):
    """Reflect up to one less than the size, circular up to the size, the others further than that."""
    x = draw.normal(1, 2, 3, 4, mean=1.5)
    agree(student.pad2d, x, (3, 3, 2, 2), mode="reflect")
    agree(student.pad2d, x, (4, 4, 3, 3), mode="circular")
    agree(student.pad2d, x, (5, 1, 4, 0), mode="replicate")


@check("pad2d", points=0.5, title="One sample, one channel, one pixel")
def test_pad2d_one(student, draw):
    """A batch of a single image, and an image of a single pixel."""
    agree(student.pad2d, draw.normal(1, 1, 3, 5, mean=1.5), (2, 1, 0, 1))
    agree(student.pad2d, draw.normal(2, 1, 1, 1, mean=1.5), (1, 1, 0, 1), mode="replicate")
    agree(student.pad2d, draw.normal(2, 1, 1, 1, mean=1.5), (1, 0, 1, 1), mode="circular")


@check("pad2d", points=0.5, title="float32 stays float32")
def test_pad2d_float32(student, draw):
    """Single precision in, single precision out, in every mode."""
    x = draw.normal(1, 2, 3, 4, dtype=np.float32)
    for mode in PAD_MODES:
        agree(student.pad2d, x, (1, 2, 1, 0), mode=mode)


@check("pad2d", points=0.5, title="The arguments stay as they are")
def test_pad2d_unchanged(student, draw):
    """The padded batch is a new array."""
    unchanged(student.pad2d, draw.normal(2, 1, 3, 4), (1, 2, 2, 1), mode="reflect")


# conv_matrix


@check("conv_matrix", points=1, title="A row of pixels", audience="student")
def test_conv_matrix_row(student, draw):
    """The kernel 1 2 3 on a row of five pixels: three rows, each with the kernel one place further to the
    right."""
    agree(student.conv_matrix, np.array([[1.0, 2, 3]]), 1, 5)


@check("conv_matrix", points=2, title="A wide image")
def test_conv_matrix_wide(student, draw):
    """One row for each place of the kernel, one column for each pixel, both counted row by row."""
    agree(student.conv_matrix, draw.normal(3, 2), 4, 5)


@check("conv_matrix", points=1.5, title="A tall image")
def test_conv_matrix_tall(student, draw):
    """The same with the axes exchanged: one row down is as many columns on as the image is wide."""
    agree(student.conv_matrix, draw.normal(2, 3), 5, 4)


@check("conv_matrix", points=1, title="A row and a column")
def test_conv_matrix_thin(student, draw):
    """Kernels of one row and of one column."""
    agree(student.conv_matrix, draw.normal(1, 3), 3, 4)
    agree(student.conv_matrix, draw.normal(2, 1), 3, 4)


@check("conv_matrix", points=0.5, title="One weight, and one place")
def test_conv_matrix_extremes(student, draw):
    """One weight gives a multiple of the identity; a kernel as large as the image gives one row, the
    kernel."""
    agree(student.conv_matrix, draw.normal(1, 1), 2, 3)
    agree(student.conv_matrix, draw.normal(2, 3), 2, 3)


@check("conv_matrix", points=1, title="Many sizes", audience="grader")
def test_conv_matrix_sweep(student, draw):
    """Larger images, kernels of even and odd sizes."""
    for kernel, height, width in (((2, 5), 6, 9), ((4, 3), 9, 6), ((3, 3), 5, 5), ((5, 2), 11, 8)):
        agree(student.conv_matrix, draw.normal(*kernel), height, width)


@check("conv_matrix", points=0.5, title="float32 stays float32")
def test_conv_matrix_float32(student, draw):
    """The matrix has the kernel's dtype."""
    agree(student.conv_matrix, draw.normal(2, 2, dtype=np.float32), 3, 4)


@check("conv_matrix", points=0.5, title="The kernel stays as it is")
def test_conv_matrix_unchanged(student, draw):
    """The matrix is a new array."""
    unchanged(student.conv_matrix, draw.normal(2, 3), 3, 4)


# cross_correlate2d_backward


@check("cross_correlate2d_backward", points=2, title="The gradient of the image")
def test_backward_dimage(student, draw):
    """A pixel is seen by several windows: what they send back adds up."""
    dy, image, kernel = draw.normal(3, 6), draw.normal(5, 7, mean=1.5), draw.normal(3, 2)
    agree(student.cross_correlate2d_backward, dy, image, kernel, part=0)


@check("cross_correlate2d_backward", points=2, title="The gradient of the kernel")
def test_backward_dkernel(student, draw):
    """A weight is used at every place: each place adds its pixel times what came back to it."""
    dy, image, kernel = draw.normal(3, 6), draw.normal(5, 7, mean=1.5), draw.normal(3, 2)
    agree(student.cross_correlate2d_backward, dy, image, kernel, part=1)


@check("cross_correlate2d_backward", points=1, title="A tall image")
def test_backward_tall(student, draw):
    """Both gradients, with the axes exchanged."""
    agree(student.cross_correlate2d_backward, draw.normal(6, 2), draw.normal(7, 4, mean=1.5), draw.normal(2, 3))


@check("cross_correlate2d_backward", points=1, title="Backward is the transpose of forward")
def test_backward_adjoint(student, draw):
    """Cross-correlation is linear in the image and linear in the kernel. So the output times dy must be the
    image times its gradient, and the kernel times its gradient."""
    dy, image, kernel = draw.normal(3, 5), draw.normal(4, 7, mean=1.5), draw.normal(2, 3)
    y = cross_correlate2d(image, kernel)
    dimage, dkernel = student.cross_correlate2d_backward(dy, image, kernel)
    holds("adjoint", y, dy, image, dimage)
    holds("adjoint", y, dy, kernel, dkernel)


@check("cross_correlate2d_backward", points=1, title="One weight, one place, one row")
def test_backward_extremes(student, draw):
    """Kernels of one entry, as large as the image, and of one row."""
    image = draw.normal(3, 4, mean=1.5)
    agree(student.cross_correlate2d_backward, draw.normal(3, 4), image, draw.normal(1, 1))
    agree(student.cross_correlate2d_backward, draw.normal(1, 1), image, draw.normal(3, 4))
    agree(student.cross_correlate2d_backward, draw.normal(3, 2), image, draw.normal(1, 3))


@check("cross_correlate2d_backward", points=1, title="Many sizes", audience="grader")
def test_backward_sweep(student, draw):
    """Larger images, kernels of even and odd sizes."""
    for (height, width), (kh, kw) in (
        ((9, 12), (4, 3)),
        ((12, 8), (2, 5)),
        ((6, 6), (3, 3)),
        ((20, 21), (5, 4)),
    ):
        dy = draw.normal(height - kh + 1, width - kw + 1)
        agree(student.cross_correlate2d_backward, dy, draw.normal(height, width, mean=2), draw.normal(kh, kw))


@check("cross_correlate2d_backward", points=0.5, title="float32 stays float32")
def test_backward_float32(student, draw):
    """Both gradients are in single precision when the arguments are."""
    dy, image, kernel = (draw.normal(*shape, dtype=np.float32) for shape in ((3, 3), (4, 5), (2, 3)))
    agree(student.cross_correlate2d_backward, dy, image, kernel)


@check("cross_correlate2d_backward", points=0.5, title="The arguments stay as they are")
def test_backward_unchanged(student, draw):
    """Gradients are new arrays; neither the image nor the kernel nor dy is written to."""
    unchanged(student.cross_correlate2d_backward, draw.normal(3, 3), draw.normal(4, 5), draw.normal(2, 3))


# parameter_count


@check("parameter_count", points=1, title="96 by 96 pixels, a 3 by 3 kernel", audience="student")
def test_parameter_count_image(student, draw):
    """81 million weights, 80 thousand, or 9: from 96 x 96 pixels to 94 x 94 outputs that each see 9
    pixels."""
    for kind in ("dense", "local", "shared"):
        agree(student.parameter_count, kind, 96 * 96, 94 * 94, 9)


@check("parameter_count", points=1, title="Dense")
def test_parameter_count_dense(student, draw):
    """Every output has a weight for every input."""
    agree(student.parameter_count, "dense", draw.size(20, 40), draw.size(50, 90), draw.size(3, 9))


@check("parameter_count", points=1.5, title="Local")
def test_parameter_count_local(student, draw):
    """Every output has k weights of its own."""
    agree(student.parameter_count, "local", draw.size(20, 40), draw.size(50, 90), draw.size(3, 9))


@check("parameter_count", points=1.5, title="Shared")
def test_parameter_count_shared(student, draw):
    """All outputs use the same k weights."""
    agree(student.parameter_count, "shared", draw.size(20, 40), draw.size(50, 90), draw.size(3, 9))


# equivariance_error


@check("equivariance_error", points=1.5, title="A change that keeps lengths")
def test_equivariance_error_shift(student, draw):
    """Each number has a weight of its own: it makes a difference whether the numbers are shifted before or
    after."""
    f = partial(callables.multiply, factor=draw.uniform(6, low=0.5, high=3))
    shift = partial(callables.roll, shift=draw.choice((1, 2)), axis=0)
    agree(student.equivariance_error, f, shift, shift, draw.normal(6, mean=1))


@check("equivariance_error", points=1.5, title="A change that does not keep lengths")
def test_equivariance_error_scaling(student, draw):
    """Where g_out changes lengths, it matters what the error is relative to."""
    stretch = partial(callables.multiply, factor=draw.uniform(2, 3, low=1.5, high=3))
    shrink = partial(callables.multiply, factor=draw.uniform(2, 3, low=0.3, high=0.8))
    agree(student.equivariance_error, callables.square, stretch, shrink, draw.normal(2, 3, mean=1))


@check("equivariance_error", points=1, title="Two different changes")
def test_equivariance_error_two_actions(student, draw):
    """f may have outputs of another size. Then the change of the outputs is another function than that of the
    inputs: two pixels on the input are one on an output of half the size."""
    x = draw.normal(3, 8, mean=1)
    f, g_in = partial(callables.subsample, step=2), partial(callables.roll, shift=1, axis=1)
    agree(student.equivariance_error, f, g_in, partial(callables.roll, shift=1, axis=1), x)
    agree(student.equivariance_error, f, partial(g_in, shift=2), partial(callables.roll, shift=1, axis=1), x)


@check("equivariance_error", points=0.5, title="Zero for an equivariant function")
def test_equivariance_error_zero(student, draw):
    """A function that treats all entries alike commutes with every shift."""
    shift = partial(callables.roll, shift=1, axis=1)
    agree(student.equivariance_error, callables.cube, shift, shift, draw.normal(2, 5))


@check("equivariance_error", points=0.5, title="Whole batches", audience="grader")
def test_equivariance_error_batch(student, draw):
    """One number for arrays of any shape: the sums of squares run over all entries, samples included."""
    strengths = draw.uniform(4, 1, 1, 1, low=0.2, high=3)

    def f(x: np.ndarray) -> np.ndarray:
        return strengths * (x + 0.5) ** 2

    def g(x: np.ndarray) -> np.ndarray:
        return np.cumsum(x, axis=-1)

    agree(student.equivariance_error, f, g, g, draw.normal(4, 2, 3, 5))


# numerical_gradient


@check("numerical_gradient", points=1.5, title="Entry by entry")
def test_numerical_gradient_cube(student, draw):
    """x cubed has the gradient 3 x squared times dy."""
    agree(student.numerical_gradient, callables.cube, draw.normal(5, mean=1), draw.normal(5), rtol=1e-6)


@check("numerical_gradient", points=1.5, title="Every output depends on several inputs")
def test_numerical_gradient_coupled(student, draw):
    """An entry of x moves several entries of f(x): all of them count, each times its entry of dy."""
    f = partial(callables.running_total, axis=1)
    agree(student.numerical_gradient, f, draw.normal(2, 4), draw.normal(2, 4), rtol=1e-6)


@check("numerical_gradient", points=1, title="Outputs of another shape")
def test_numerical_gradient_shapes(student, draw):
    """The gradient has x's shape, whatever shape f(x) has."""
    f = partial(callables.affine_map, matrix=draw.normal(4, 3), offset=draw.normal(4))
    agree(student.numerical_gradient, f, draw.normal(2, 3), draw.normal(2, 4), rtol=1e-6)
    f = partial(callables.affine_map, matrix=draw.normal(1, 3), offset=0.5)
    agree(student.numerical_gradient, f, draw.normal(3), draw.normal(1), rtol=1e-6)


@check("numerical_gradient", points=1, title="A large step")
def test_numerical_gradient_step(student, draw):
    """With a large step the value shows which differences were taken: of x cubed, central ones give 3 x
    squared plus h squared."""
    agree(student.numerical_gradient, callables.cube, draw.normal(2, 2), draw.normal(2, 2), h=0.25)


def _curved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return np.tanh(np.stack([cross_correlate2d(image, kernel) for image in x]))


@check("numerical_gradient", points=0.5, title="Any function", audience="grader")
def test_numerical_gradient_general(student, draw):
    """A curved function of images, with outputs of another shape."""
    f = partial(_curved, kernel=draw.normal(3, 2))
    agree(student.numerical_gradient, f, draw.normal(2, 5, 4), draw.normal(2, 3, 3), rtol=1e-6)
    agree(student.numerical_gradient, f, draw.normal(2, 4, 3), draw.normal(2, 2, 2), h=0.1)


@check("numerical_gradient", points=0.5, title="The arguments stay as they are")
def test_numerical_gradient_unchanged(student, draw):
    """Adding h and taking it off again does not always give back the same number."""
    f = partial(callables.running_total, axis=0)
    unchanged(student.numerical_gradient, f, draw.normal(2, 3), draw.normal(2, 3))


# rot90_symmetrize


@check("rot90_symmetrize", points=1.5, title="A kernel of odd size")
def test_rot90_symmetrize_odd(student, draw):
    """The mean over the four rotations, the kernel itself included; the centre stays."""
    agree(student.rot90_symmetrize, draw.normal(3, 3, mean=1))


@check("rot90_symmetrize", points=1, title="A kernel of even size")
def test_rot90_symmetrize_even(student, draw):
    """An even kernel has no centre; its four corners get the same weight."""
    agree(student.rot90_symmetrize, draw.normal(4, 4, mean=1))
    agree(student.rot90_symmetrize, draw.normal(1, 1))


@check("rot90_symmetrize", points=0.5, title="Turned, it is the same")
def test_rot90_symmetrize_is_symmetric(student, draw):
    """A rotation only puts the four terms of the mean into another order, so that it changes nothing."""
    holds("turn_symmetric", student.rot90_symmetrize(draw.normal(3, 3)))


@check("rot90_symmetrize", points=0.5, title="float32 stays float32")
def test_rot90_symmetrize_float32(student, draw):
    """Single precision in, single precision out."""
    agree(student.rot90_symmetrize, draw.normal(3, 3, dtype=np.float32))


@check("rot90_symmetrize", points=0.5, title="The kernel stays as it is")
def test_rot90_symmetrize_unchanged(student, draw):
    """The sum of the rotations needs an array of its own."""
    kernel = draw.normal(3, 3)
    agree(student.rot90_symmetrize, kernel)
    unchanged(student.rot90_symmetrize, kernel)
