"""Hidden checks of unit 2. Titles and docstrings are read by students."""

from __future__ import annotations

import itertools

import numpy as np

from autograder.checking import agree, check, holds, raises, same_lines, unchanged
from autograder.draws import Draw
from solutions import conv_layer as right

# Unit 1's example: an image of nine frames, and a kernel that is not its own rotation by 180 degrees.
NINE_FRAMES = np.array([[1.0, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]])
ASYMMETRIC = np.array([[1.0, 2, 0], [0, 1, 0], [0, 0, 3]])

# conv_output_size


def lengths(draw: Draw, stride: int, reach: int, rest: int) -> int:
    """A length in which a few windows of `reach` pixels fit, and `rest` pixels are left over."""
    return reach + stride * draw.size(3, 40) + rest


@check("conv_output_size", points=1, title="Sizes from well-known networks", audience="student")
def test_output_size_known(student, draw):
    """The first layer of AlexNet makes 55 of 224 pixels; a 3 x 3 layer with padding 1 keeps 32 pixels; one of
    stride 2 halves them."""
    agree(student.conv_output_size, 224, 11, stride=4, padding=2)
    agree(student.conv_output_size, 32, 3, padding=1)
    agree(student.conv_output_size, 32, 3, stride=2, padding=1)


@check("conv_output_size", points=1, title="Stride")
def test_output_size_stride(student, draw):
    """What is left over at the end is too short for a window, and is not counted."""
    agree(student.conv_output_size, lengths(draw, 3, 5, 2), 5, stride=3)
    agree(student.conv_output_size, lengths(draw, 2, 4, 1), 4, 2)
    agree(student.conv_output_size, lengths(draw, 4, 3, 0), 3, 4)


@check("conv_output_size", points=1, title="Padding")
def test_output_size_padding(student, draw):
    """Padding is added at both ends."""
    agree(student.conv_output_size, draw.size(20, 60), 5, padding=2)
    agree(student.conv_output_size, lengths(draw, 3, 4, 0), 4, stride=3, padding=1)


@check("conv_output_size", points=1, title="Dilation")
def test_output_size_dilation(student, draw):
    """A kernel of k entries with gaps between them reaches over dilation (k - 1) + 1 pixels."""
    agree(student.conv_output_size, draw.size(20, 60), 4, dilation=3)
    agree(student.conv_output_size, lengths(draw, 2, 9, 1), 5, stride=2, padding=1, dilation=2)


@check("conv_output_size", points=0.5, title="Ceil mode keeps the short window")
def test_output_size_ceil(student, draw):
    """With ceil_mode, a last window that hangs over the end counts, too. Where nothing is left over, nothing
    changes."""
    agree(student.conv_output_size, lengths(draw, 2, 3, 1), 3, stride=2, ceil_mode=True)
    agree(student.conv_output_size, lengths(draw, 3, 2, 0), 2, stride=3, ceil_mode=True)


@check("conv_output_size", points=0.5, title="Ceil mode drops a window that would begin behind the image")
def test_output_size_ceil_padding(student, draw):
    """A last window that would begin in the padding behind the image has nothing to look at: it does not
    count."""
    agree(student.conv_output_size, 2 * draw.size(3, 30) + 1, 2, stride=2, padding=1, ceil_mode=True)
    agree(student.conv_output_size, 3 * draw.size(3, 30) + 2, 2, stride=3, padding=1, ceil_mode=True)


@check("conv_output_size", points=0.5, title="A kernel that does not fit")
def test_output_size_error(student, draw):
    """Where no window fits there is no size: a ValueError. One window is enough."""
    raises(student.conv_output_size, 4, draw.size(5, 9), error=ValueError)
    raises(student.conv_output_size, 6, 4, padding=1, dilation=3, error=ValueError)
    k = draw.size(3, 9)
    agree(student.conv_output_size, k, k, stride=2)


@check("conv_output_size", points=0.5, title="Many combinations", audience="grader")
def test_output_size_sweep(student, draw):
    """All arguments at once."""
    for kernel, stride, padding, dilation, ceil_mode in itertools.product(
        (1, 2, 3, 5), (1, 2, 3), (0, 1, 3), (1, 2), (False, True)
    ):
        if ceil_mode and padding > kernel / 2:
            continue  # no pooling layer allows this
        size = draw.size(12, 40)
        agree(student.conv_output_size, size, kernel, stride, padding, dilation, ceil_mode)


# conv2d_naive


@check("conv2d_naive", points=0.5, title="The nine frames as a layer", audience="student")
def test_naive_nine_frames(student, draw):
    """One sample, one channel, one filter: the cross-correlation of unit 1, with two axes more."""
    agree(student.conv2d_naive, NINE_FRAMES[None, None], ASYMMETRIC[None, None])


@check("conv2d_naive", points=1, title="Channels and filters")
def test_naive_channels(student, draw):
    """Every filter has a plane for every channel; products are summed over channels and window."""
    x, weight = draw.normal(2, 3, 4, draw.size(5, 6), mean=1), draw.normal(4, 3, 3, 2)
    agree(student.conv2d_naive, x, weight, draw.normal(4, mean=2))


@check("conv2d_naive", points=0.5, title="A tall image and a wide kernel")
def test_naive_tall(student, draw):
    """Height and width have sizes of their own, in the image, the kernel and the output."""
    x, weight = draw.normal(2, 2, draw.size(6, 7), 4, mean=1), draw.normal(3, 2, 2, 3)
    agree(student.conv2d_naive, x, weight, draw.normal(3, mean=2))


@check("conv2d_naive", points=1, title="Stride")
def test_naive_stride(student, draw):
    """The window moves by `stride` pixels from output to output."""
    x, weight = draw.normal(2, 2, draw.size(7, 8), 6, mean=1), draw.normal(3, 2, 2, 3)
    agree(student.conv2d_naive, x, weight, draw.normal(3, mean=2), stride=2)
    agree(student.conv2d_naive, x, weight, draw.normal(3, mean=2), 3)


@check("conv2d_naive", points=1, title="Padding")
def test_naive_padding(student, draw):
    """Zeros stand around every image; samples and channels are not padded."""
    x, weight = draw.normal(2, 2, 3, draw.size(4, 5), mean=2), draw.normal(3, 2, 3, 2)
    agree(student.conv2d_naive, x, weight, draw.normal(3), padding=1)
    agree(student.conv2d_naive, x, weight, draw.normal(3), stride=2, padding=2)


@check("conv2d_naive", points=0.5, title="Without a bias")
def test_naive_no_bias(student, draw):
    """bias may be None: nothing is added."""
    agree(student.conv2d_naive, draw.normal(1, 2, 4, 5, mean=1), draw.normal(3, 2, 2, 3))


@check("conv2d_naive", points=0.5, title="One pixel, one window, one sample")
def test_naive_single(student, draw):
    """A kernel of one pixel mixes channels; a kernel as large as the image gives one number per filter."""
    x = draw.normal(1, 3, 2, 3, mean=1)
    agree(student.conv2d_naive, x, draw.normal(2, 3, 1, 1), draw.normal(2))
    agree(student.conv2d_naive, x, draw.normal(2, 3, 2, 3), draw.normal(2))


@check("conv2d_naive", points=0.5, title="float32 stays float32")
def test_naive_float32(student, draw):
    """Single precision in, single precision out."""
    x, weight, bias = (draw.normal(*s, dtype=np.float32) for s in ((2, 2, 3, 4), (3, 2, 2, 3), (3,)))
    agree(student.conv2d_naive, x, weight, bias, padding=1)


@check("conv2d_naive", points=0.5, title="Many combinations", audience="grader")
def test_naive_sweep(student, draw):
    """Strides, paddings, kernels of even and odd sizes."""
    for kernel, stride, padding in itertools.product(((3, 2), (1, 4), (2, 2)), (1, 2, 3), (0, 1, 2)):
        x, weight = draw.normal(2, 3, 6, 5, mean=1), draw.normal(2, 3, *kernel)
        agree(student.conv2d_naive, x, weight, draw.normal(2), stride, padding)


@check("conv2d_naive", points=0.5, title="The arguments stay as they are")
def test_naive_unchanged(student, draw):
    """A window is a view of the image: what is written into it is written into the image."""
    unchanged(student.conv2d_naive, draw.normal(2, 2, 3, 4), draw.normal(3, 2, 2, 3), draw.normal(3))


# im2col


@check("im2col", points=0.5, title="An image whose pixels are numbered", audience="student")
def test_im2col_numbered(student, draw):
    """The first column is the window at the top left, the second the one to the right of it."""
    agree(student.im2col, np.arange(12.0).reshape(1, 1, 3, 4), (2, 3))


@check("im2col", points=1.5, title="Windows of several channels")
def test_im2col_channels(student, draw):
    """A column holds all of one window: channel by channel, in each channel row by row."""
    agree(student.im2col, draw.normal(2, 3, 4, draw.size(4, 5), mean=1), (3, 2))


@check("im2col", points=0.5, title="A tall image and a wide kernel")
def test_im2col_tall(student, draw):
    """The same with the axes exchanged."""
    agree(student.im2col, draw.normal(2, 3, draw.size(5, 6), 4, mean=1), (2, 3))


@check("im2col", points=1, title="Stride")
def test_im2col_stride(student, draw):
    """Windows begin at every `stride`-th pixel, along both axes."""
    agree(student.im2col, draw.normal(2, 2, draw.size(7, 8), 5, mean=1), (2, 3), stride=2)
    agree(student.im2col, draw.normal(1, 2, 5, 9, mean=1), (3, 2), 3)


@check("im2col", points=1, title="Padding")
def test_im2col_padding(student, draw):
    """Zeros around every image."""
    agree(student.im2col, draw.normal(2, 2, 2, 3, mean=2), (2, 3), padding=1)
    agree(student.im2col, draw.normal(1, 2, 3, draw.size(4, 5), mean=2), (3, 2), stride=2, padding=2)


@check("im2col", points=0.5, title="Dilation")
def test_im2col_dilation(student, draw):
    """Neighbours in a column are `dilation` pixels apart; the windows still begin at every pixel."""
    agree(student.im2col, draw.normal(1, 2, 6, draw.size(5, 6), mean=1), (2, 3), dilation=2)
    agree(student.im2col, draw.normal(1, 2, 8, 7, mean=1), (3, 2), stride=3, padding=1, dilation=2)


@check("im2col", points=0.5, title="One pixel, one window, one sample")
def test_im2col_single(student, draw):
    """A window of one pixel, a window as large as the image."""
    x = draw.normal(1, 3, 2, 3, mean=1)
    agree(student.im2col, x, (1, 1))
    agree(student.im2col, x, (2, 3))


@check("im2col", points=0.5, title="float32 stays float32")
def test_im2col_float32(student, draw):
    """Copying does not change the dtype."""
    agree(student.im2col, draw.normal(2, 2, 3, 4, dtype=np.float32), (2, 3), padding=1)


@check("im2col", points=0.5, title="Many combinations", audience="grader")
def test_im2col_sweep(student, draw):
    """Strides, paddings and dilations with each other."""
    for kernel, stride, padding, dilation in itertools.product(((3, 2), (1, 3)), (1, 2, 3), (0, 1, 2), (1, 2)):
        x = draw.normal(2, 3, 9, 7, mean=1)
        agree(student.im2col, x, kernel, stride=stride, padding=padding, dilation=dilation)


@check("im2col", points=0.5, title="The image stays as it is")
def test_im2col_unchanged(student, draw):
    """Padding makes a new array."""
    unchanged(student.im2col, draw.normal(2, 2, 3, 4), (2, 3), padding=1)


# col2im


@check("col2im", points=0.5, title="How often each pixel is seen", audience="student")
def test_col2im_ones(student, draw):
    """Columns of ones: every pixel receives as many ones as there are windows that see it, 9 in the middle
    and
    1 at the corners."""
    agree(student.col2im, np.ones((1, 9, 9)), (5, 5), (3, 3))


@check("col2im", points=1.5, title="Windows that overlap")
def test_col2im_overlap(student, draw):
    """A pixel that several windows see receives the sum of what they bring."""
    agree(student.col2im, draw.normal(2, 3 * 6, 2 * 4, mean=1), (4, 5), (3, 2))


@check("col2im", points=0.5, title="A tall image and a wide kernel")
def test_col2im_tall(student, draw):
    """The same with the axes exchanged."""
    agree(student.col2im, draw.normal(2, 2 * 6, 5 * 2, mean=1), (6, 4), (2, 3))


@check("col2im", points=1, title="Stride")
def test_col2im_stride(student, draw):
    """Pixels that no window sees stay 0."""
    agree(student.col2im, draw.normal(2, 2 * 6, 3 * 2, mean=1), (6, 5), (2, 3), stride=2)
    agree(student.col2im, draw.normal(1, 2 * 2, 2 * 3, mean=1), (5, 8), (1, 2), stride=3)


@check("col2im", points=1, title="Padding")
def test_col2im_padding(student, draw):
    """What fell on the padding is dropped."""
    agree(student.col2im, draw.normal(2, 2 * 6, 4 * 4, mean=1), (3, 4), (2, 3), padding=1)
    agree(student.col2im, draw.normal(1, 2 * 6, 3 * 4, mean=1), (3, 4), (3, 2), stride=2, padding=2)


@check("col2im", points=0.5, title="Dilation")
def test_col2im_dilation(student, draw):
    """Neighbours in a column go to pixels that are `dilation` apart."""
    agree(student.col2im, draw.normal(1, 2 * 6, 4 * 2, mean=1), (6, 6), (2, 3), dilation=2)
    agree(student.col2im, draw.normal(1, 2 * 6, 2 * 3, mean=1), (8, 7), (3, 2), stride=3, padding=1, dilation=2)


@check("col2im", points=0.5, title="The adjoint of im2col")
def test_col2im_adjoint(student, draw):
    """im2col is linear, and col2im is its transpose: the sum of im2col(x) times columns equals the sum of x
    times col2im(columns)."""
    x, columns = draw.normal(2, 2, 4, 5, mean=1), draw.normal(2, 2 * 6, 3 * 3, mean=1)
    image = student.col2im(columns, (4, 5), (2, 3), stride=2, padding=1)
    holds("adjoint", right.im2col(x, (2, 3), stride=2, padding=1), columns, x, image)


@check("col2im", points=0.5, title="float32 stays float32")
def test_col2im_float32(student, draw):
    """The sums are kept in the dtype of the columns."""
    agree(student.col2im, draw.normal(1, 2 * 6, 2 * 2, dtype=np.float32), (3, 4), (2, 3))


@check("col2im", points=0.5, title="Many combinations", audience="grader")
def test_col2im_sweep(student, draw):
    """Strides, paddings and dilations with each other; one pixel, one window, one sample."""
    for kernel, stride, padding, dilation in itertools.product(((3, 2), (1, 3)), (1, 2, 3), (0, 1, 2), (1, 2)):
        steps = {"stride": stride, "padding": padding, "dilation": dilation}
        shape = right.im2col(np.zeros((2, 3, 9, 7)), kernel, **steps).shape
        agree(student.col2im, draw.normal(*shape, mean=1), (9, 7), kernel, **steps)
    agree(student.col2im, draw.normal(1, 3, 6, mean=1), (2, 3), (1, 1))
    agree(student.col2im, draw.normal(1, 12, 1, mean=1), (2, 3), (2, 3))


@check("col2im", points=0.5, title="The columns stay as they are")
def test_col2im_unchanged(student, draw):
    """The image is a new array."""
    unchanged(student.col2im, draw.normal(1, 2 * 6, 4 * 4), (3, 4), (2, 3), padding=1)


# conv2d: forward


def layer(draw: Draw, x: tuple, filters: tuple, dtype: type = np.float64) -> tuple:
    """An image far from mean zero, filters, and biases that all differ."""
    weight, bias = draw.normal(*filters, dtype=dtype), draw.normal(filters[0], mean=2, dtype=dtype)
    return draw.normal(*x, mean=1.5, dtype=dtype), weight, bias


# 54 configurations of (stride, padding, dilation, (groups, C_in, C_out)); the shapes go along with them.
STEPS = tuple(itertools.product((1, 2, 3), (0, 1, 2), (1, 2), ((1, 3, 4), (2, 4, 6), (3, 3, 3))))
SHAPES = (
    ((7, 9), (3, 2)),
    ((9, 6), (2, 3)),
    ((8, 7), (1, 3)),
    ((7, 8), (4, 1)),
    ((9, 8), (1, 1)),
    ((7, 7), (3, 3)),
)


def configurations(draw: Draw) -> list[tuple]:
    """(x, weight, bias, options) for each of 54 configurations, with several image and kernel shapes."""
    found = []
    for at, (stride, padding, dilation, (groups, c_in, c_out)) in enumerate(STEPS):
        # 5 and 54 have no common divisor: every shape meets every step.
        size, kernel = SHAPES[(5 * at + at // 6) % len(SHAPES)]
        arrays = layer(draw, (1 + at % 3, c_in, *size), (c_out, c_in // groups, *kernel))
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        found.append((arrays if at % 4 else (*arrays[:2], None), options))
    return found


@check("conv2d", points=1, title="Forward: channels, filters, bias")
def test_conv2d_forward(student, draw):
    """The same numbers as the naive convolution gives."""
    agree(student.conv2d_forward, *layer(draw, (2, 3, 4, draw.size(5, 6)), (4, 3, 3, 2)))
    agree(student.conv2d_forward, *layer(draw, (2, 3, draw.size(5, 6), 4), (4, 3, 2, 3)))


@check("conv2d", points=0.5, title="Forward: stride")
def test_conv2d_forward_stride(student, draw):
    """The window moves by `stride` pixels, and begins at the first one."""
    agree(student.conv2d_forward, *layer(draw, (2, 2, 7, 6), (3, 2, 2, 3)), stride=2)
    agree(student.conv2d_forward, *layer(draw, (1, 2, 6, 8), (3, 2, 2, 2)), 3)


@check("conv2d", points=0.5, title="Forward: padding")
def test_conv2d_forward_padding(student, draw):
    """Zeros around every image, as many as `padding` says."""
    agree(student.conv2d_forward, *layer(draw, (2, 2, 3, 4), (3, 2, 3, 2)), padding=1)
    agree(student.conv2d_forward, *layer(draw, (1, 2, 4, 3), (3, 2, 2, 3)), padding=2)


@check("conv2d", points=0.5, title="Forward: dilation")
def test_conv2d_forward_dilation(student, draw):
    """Kernel entries fall on pixels that are `dilation` apart."""
    agree(student.conv2d_forward, *layer(draw, (1, 2, 6, 7), (3, 2, 2, 3)), dilation=2)
    agree(student.conv2d_forward, *layer(draw, (1, 2, 8, 7), (3, 2, 3, 2)), stride=3, padding=1, dilation=2)


@check("conv2d", points=0.5, title="Forward: groups")
def test_conv2d_forward_groups(student, draw):
    """The first filters see the first channels, the next filters the next; with as many groups as channels,
    every channel has filters of its own."""
    agree(student.conv2d_forward, *layer(draw, (2, 4, 3, 4), (6, 2, 2, 3)), groups=2)
    agree(student.conv2d_forward, *layer(draw, (1, 3, 4, 3), (6, 1, 3, 2)), groups=3)


@check("conv2d", points=0.5, title="Forward: 54 configurations", audience="grader")
def test_conv2d_forward_sweep(student, draw):
    """All strides, paddings, dilations and groups with each other, for kernels and images of many shapes,
    batches
    of one, with and without bias."""
    for arrays, options in configurations(draw):
        agree(student.conv2d_forward, *arrays, **options)


# conv2d: backward


@check("conv2d", points=0.5, title="Backward: the gradient of x")
def test_conv2d_dx(student, draw):
    """A pixel is seen by several windows and several filters: what they send back adds up."""
    y, cache = student.conv2d_forward(*layer(draw, (2, 3, 4, 5), (4, 3, 3, 2)))
    agree(student.conv2d_backward, draw.normal(*y.shape, mean=0.5), cache, part=0)


@check("conv2d", points=0.5, title="Backward: the gradient of the weight")
def test_conv2d_dweight(student, draw):
    """A weight is used at every place of every sample: the gradient is the sum over all of them."""
    y, cache = student.conv2d_forward(*layer(draw, (3, 2, 5, 4), (4, 2, 2, 3)))
    agree(student.conv2d_backward, draw.normal(*y.shape, mean=0.5), cache, part=1)


@check("conv2d", points=0.5, title="Backward: the gradient of the bias")
def test_conv2d_dbias(student, draw):
    """A bias is added at every place of every sample: its gradient is the sum of dy over all of them."""
    y, cache = student.conv2d_forward(*layer(draw, (3, 2, 4, 3), (4, 2, 2, 2)))
    agree(student.conv2d_backward, draw.normal(*y.shape, mean=0.5), cache, part=2)


@check("conv2d", points=0.5, title="Backward: stride and padding")
def test_conv2d_backward_stride(student, draw):
    """Gradients go back to the pixels that the windows saw; what falls on the padding is dropped."""
    y, cache = student.conv2d_forward(*layer(draw, (2, 2, 6, 5), (3, 2, 2, 3)), stride=2)
    agree(student.conv2d_backward, draw.normal(*y.shape, mean=0.5), cache)
    y, cache = student.conv2d_forward(*layer(draw, (1, 2, 3, 4), (3, 2, 3, 2)), padding=1)
    agree(student.conv2d_backward, draw.normal(*y.shape, mean=0.5), cache)
    y, cache = student.conv2d_forward(*layer(draw, (1, 2, 5, 4), (3, 2, 3, 2)), stride=3, padding=2)
    agree(student.conv2d_backward, draw.normal(*y.shape, mean=0.5), cache)


@check("conv2d", points=0.5, title="Backward: dilation")
def test_conv2d_backward_dilation(student, draw):
    """The gaps of the kernel are there on the way back, too."""
    y, cache = student.conv2d_forward(*layer(draw, (1, 2, 6, 7), (3, 2, 2, 3)), dilation=2)
    agree(student.conv2d_backward, draw.normal(*y.shape, mean=0.5), cache)


@check("conv2d", points=0.5, title="Backward: groups")
def test_conv2d_backward_groups(student, draw):
    """A group's gradients stay within the group."""
    y, cache = student.conv2d_forward(*layer(draw, (2, 4, 3, 4), (6, 2, 2, 3)), groups=2)
    agree(student.conv2d_backward, draw.normal(*y.shape, mean=0.5), cache)


@check("conv2d", points=0.5, title="Backward: 54 configurations", audience="grader")
def test_conv2d_backward_sweep(student, draw):
    """All strides, paddings, dilations and groups with each other, for kernels and images of many shapes,
    batches
    of one, with and without bias."""
    for arrays, options in configurations(draw):
        y, cache = student.conv2d_forward(*arrays, **options)
        agree(student.conv2d_backward, draw.normal(*y.shape, mean=0.5), cache)


@check("conv2d", points=0.5, title="Backward is the transpose of forward")
def test_conv2d_adjoint(student, draw):
    """Without a bias, y is linear in x and linear in the weight. So the sum of y times dy must equal the sum
    of x
    times dx, and the sum of weight times dweight."""
    x, weight, _ = layer(draw, (2, 2, 5, 6), (4, 1, 2, 3))
    y, cache = student.conv2d_forward(x, weight, stride=2, padding=1, groups=2)
    dy = draw.normal(*y.shape, mean=0.5)
    dx, dweight, _ = student.conv2d_backward(dy, cache)
    holds("adjoint", y, dy, x, dx)
    holds("adjoint", y, dy, weight, dweight)


@check("conv2d", points=0.5, title="Without a bias")
def test_conv2d_no_bias(student, draw):
    """bias may be None: nothing is added, and its gradient is None."""
    x, weight, _ = layer(draw, (2, 2, 3, 4), (3, 2, 2, 3))
    y, cache = student.conv2d_forward(x, weight)
    agree(student.conv2d_backward, draw.normal(*y.shape, mean=0.5), cache)


@check("conv2d", points=0.5, title="float32 stays float32")
def test_conv2d_float32(student, draw):
    """Single precision in, single precision out, for y and all gradients."""
    arrays = layer(draw, (2, 2, 4, 5), (4, 1, 2, 3), np.float32)
    y, cache = student.conv2d_forward(*arrays, padding=1, groups=2)
    agree(student.conv2d_backward, draw.normal(*y.shape, dtype=np.float32), cache)


@check("conv2d", points=0.5, title="Another forward in between")
def test_conv2d_between(student, draw):
    """A network runs several layers forward before the first goes backward: everything that backward needs is
    in
    its own cache."""
    y, cache = student.conv2d_forward(*layer(draw, (2, 2, 4, 5), (3, 2, 2, 3)), padding=1)
    student.conv2d_forward(*layer(draw, (2, 2, 4, 5), (3, 2, 2, 3)), padding=1)
    agree(student.conv2d_backward, draw.normal(*y.shape, mean=0.5), cache)


@check("conv2d", points=0.5, title="No Python loop over samples or pixels", audience="grader")
def test_conv2d_lines(student, draw):
    """The number of executed lines of your code stays the same for more samples and larger images. Loops over
    the
    entries of the kernel and over groups are fine."""
    shapes = ((2, 4, 6, 5), (5, 4, 13, 11))
    small, large = (layer(draw, shape, (6, 2, 3, 2)) for shape in shapes)
    options = {"padding": 1, "groups": 2}
    same_lines(student.conv2d_forward, small, large, **options)
    (y, cache), (y_large, cache_large) = (student.conv2d_forward(*arrays, **options) for arrays in (small, large))
    dy, dy_large = draw.normal(*y.shape), draw.normal(*y_large.shape)
    same_lines(student.conv2d_backward, (dy, cache), (dy_large, cache_large))


@check("conv2d", points=0.5, title="The arguments stay as they are")
def test_conv2d_unchanged(student, draw):
    """Neither x, weight and bias nor dy is written to."""
    y, cache = unchanged(student.conv2d_forward, *layer(draw, (2, 2, 3, 4), (3, 2, 2, 3)), padding=1)
    unchanged(student.conv2d_backward, draw.normal(*y.shape), cache)


# conv_transpose2d


def enlarging(draw: Draw, x: tuple, filters: tuple, dtype: type = np.float64) -> tuple:
    """Arguments of a transposed convolution: its filters are (C_in, C_out, KH, KW)."""
    weight, bias = draw.normal(*filters, dtype=dtype), draw.normal(filters[1], mean=2, dtype=dtype)
    return draw.normal(*x, mean=1.5, dtype=dtype), weight, bias


@check("conv_transpose2d", points=0.5, title="A pixel stamps the kernel", audience="student")
def test_transpose_stamp(student, draw):
    """A single pixel of value 2 leaves twice the kernel, not turned; two pixels a stride apart leave two
    stamps, which add up where they overlap."""
    kernel = np.arange(1.0, 7).reshape(1, 1, 2, 3)
    agree(student.conv_transpose2d_forward, np.array([[[[2.0]]]]), kernel)
    agree(student.conv_transpose2d_forward, np.array([[[[1.0, 10.0]]]]), kernel, stride=2)


@check("conv_transpose2d", points=1, title="Forward")
def test_transpose_forward(student, draw):
    """Every channel of x stamps a kernel into every channel of y."""
    agree(student.conv_transpose2d_forward, *enlarging(draw, (2, 3, 3, draw.size(4, 5)), (3, 2, 2, 3)))


@check("conv_transpose2d", points=1, title="Forward: stride")
def test_transpose_stride(student, draw):
    """The stamps are `stride` pixels apart: the output is larger than the input."""
    agree(student.conv_transpose2d_forward, *enlarging(draw, (1, 2, 3, 2), (2, 3, 2, 3)), stride=2)
    agree(student.conv_transpose2d_forward, *enlarging(draw, (2, 2, 2, 3), (2, 1, 4, 2)), stride=3)


@check("conv_transpose2d", points=0.5, title="Forward: padding")
def test_transpose_padding(student, draw):
    """Padding cuts rows and columns off the output, at each end."""
    agree(student.conv_transpose2d_forward, *enlarging(draw, (2, 2, 3, 4), (2, 3, 3, 2)), padding=1)


@check("conv_transpose2d", points=0.5, title="Forward: output padding")
def test_transpose_output_padding(student, draw):
    """Rows and columns more at the bottom and the right, on which parts of stamps may fall."""
    arrays = enlarging(draw, (1, 2, 3, 2), (2, 3, 3, 4))
    agree(student.conv_transpose2d_forward, *arrays, stride=3, padding=1, output_padding=2)


@check("conv_transpose2d", points=1, title="Backward")
def test_transpose_backward(student, draw):
    """The transpose of the transpose is the convolution."""
    y, cache = student.conv_transpose2d_forward(*enlarging(draw, (3, 2, 3, 4), (2, 3, 2, 3)))
    agree(student.conv_transpose2d_backward, draw.normal(*y.shape, mean=0.5), cache)


@check("conv_transpose2d", points=0.5, title="Backward: stride and padding")
def test_transpose_backward_stride(student, draw):
    """Where x stamped, its gradient is gathered."""
    options = {"stride": 2, "padding": 1, "output_padding": 1}
    y, cache = student.conv_transpose2d_forward(*enlarging(draw, (2, 2, 3, 2), (2, 3, 3, 4)), **options)
    agree(student.conv_transpose2d_backward, draw.normal(*y.shape, mean=0.5), cache)


@check("conv_transpose2d", points=0.5, title="Without a bias")
def test_transpose_no_bias(student, draw):
    """bias may be None: nothing is added, and its gradient is None."""
    x, weight, _ = enlarging(draw, (1, 2, 2, 3), (2, 3, 2, 2))
    y, cache = student.conv_transpose2d_forward(x, weight, stride=2)
    agree(student.conv_transpose2d_backward, draw.normal(*y.shape, mean=0.5), cache)


@check("conv_transpose2d", points=0.5, title="float32 stays float32")
def test_transpose_float32(student, draw):
    """Single precision in, single precision out, for y and all gradients."""
    y, cache = student.conv_transpose2d_forward(*enlarging(draw, (1, 2, 2, 3), (2, 3, 2, 2), np.float32), stride=2)
    agree(student.conv_transpose2d_backward, draw.normal(*y.shape, dtype=np.float32), cache)


@check("conv_transpose2d", points=0.5, title="Many combinations", audience="grader")
def test_transpose_sweep(student, draw):
    """Strides, paddings and output paddings with each other, another forward in between."""
    before = None
    for kernel, (stride, output_padding), padding in itertools.product(
        ((3, 4), (2, 5), (4, 3)), ((1, 0), (2, 0), (2, 1), (3, 2)), (0, 1)
    ):
        arrays = enlarging(draw, (2, 3, 4, 3), (3, 2, *kernel))
        y, cache = agree(student.conv_transpose2d_forward, *arrays, stride, padding, output_padding)
        if before is not None:
            agree(student.conv_transpose2d_backward, *before)
        before = draw.normal(*y.shape, mean=0.5), cache


@check("conv_transpose2d", points=0.5, title="The arguments stay as they are")
def test_transpose_unchanged(student, draw):
    """Neither x, weight and bias nor dy is written to."""
    y, cache = unchanged(student.conv_transpose2d_forward, *enlarging(draw, (1, 2, 2, 3), (2, 3, 2, 2)), stride=2)
    unchanged(student.conv_transpose2d_backward, draw.normal(*y.shape), cache)


# receptive_field


@check("receptive_field", points=0.5, title="Three small kernels in place of a large one", audience="student")
def test_receptive_field_vgg(student, draw):
    """Three layers of 3 x 3 see as much as one of 7 x 7."""
    agree(student.receptive_field, [(3, 1, 1), (3, 1, 1), (3, 1, 1)])
    agree(student.receptive_field, [(7, 1, 1)])


@check("receptive_field", points=1, title="Kernels of several sizes")
def test_receptive_field_kernels(student, draw):
    """Each layer sees kernel_size - 1 outputs more of the layer before it."""
    agree(student.receptive_field, [(draw.size(2, 5), 1, 1), (draw.size(4, 7), 1, 1)])


@check("receptive_field", points=1.5, title="Strides")
def test_receptive_field_strides(student, draw):
    """After a stride of 2, neighbours are 2 input pixels apart: layers above see in larger steps, and the
    strides
    below a layer count, not its own."""
    agree(student.receptive_field, [(draw.size(3, 5), 2, 1), (draw.size(4, 6), 3, 1), (3, 1, 1)])
    agree(student.receptive_field, [(draw.size(5, 9), 4, 1)])


@check("receptive_field", points=1, title="Dilations")
def test_receptive_field_dilations(student, draw):
    """Dilation spreads a kernel, and leaves the step from output to output as it is."""
    agree(student.receptive_field, [(draw.size(3, 5), 1, 2), (draw.size(2, 4), 1, 4)])
    agree(student.receptive_field, [(3, 2, 3), (draw.size(4, 6), 3, 2), (2, 1, 5)])


@check("receptive_field", points=0.5, title="No layer at all")
def test_receptive_field_empty(student, draw):
    """Without layers, an output is an input pixel: it sees 1, and the next one is 1 further."""
    agree(student.receptive_field, [])
    agree(student.receptive_field, [(1, draw.size(2, 5), 1)])


@check("receptive_field", points=0.5, title="Deep stacks", audience="grader")
def test_receptive_field_deep(student, draw):
    """Many layers with sizes, strides and dilations of their own."""
    for depth in range(3, 12):
        layers = [(draw.size(1, 7), draw.size(1, 3), draw.size(1, 3)) for _ in range(depth)]
        agree(student.receptive_field, layers)
