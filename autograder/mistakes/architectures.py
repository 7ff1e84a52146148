"""Known mistakes of unit 9. The docstrings are read by students."""

from __future__ import annotations

import numpy as np
import torch

from autograder.mistakes import mistake
from solutions import architectures as right
from solutions.conv_layer import conv2d_backward, conv2d_forward
from solutions.pooling import (
    avg_pool2d_backward,
    avg_pool2d_forward,
    max_pool2d_backward,
    max_pool2d_forward,
    relu_backward,
    relu_forward,
)

# inception: a block with switches, in which each mistake turns one

_LAYERS = (("1", 0), ("3r", 0), ("3", 1), ("5r", 0), ("5", 2), ("p", 0))


def _stack(x, params, name, padding, rectified=True):
    z, conv = conv2d_forward(x, params["w" + name], params["b" + name], padding=padding)
    y, relu = relu_forward(z)
    return (y, (conv, relu)) if rectified else (z, (conv, np.ones_like(relu)))


def _back(dy, cache):
    conv, relu = cache
    return conv2d_backward(relu_backward(dy, relu), conv)


def _inception(x, params, *, linear=(), pool=max_pool2d_forward, five_reads="5r", x_pool=None):
    """The four branches' results by name, and a cache: layers by name, pool, widths."""
    layers, values = {}, {}
    pooled, pool_cache = pool(x if x_pool is None else x_pool, 3, stride=1, padding=1)
    sources = {"1": x, "3r": x, "5r": x, "p": pooled}
    for name, padding in _LAYERS:
        source = values[five_reads] if name == "5" else values["3r"] if name == "3" else sources[name]
        values[name], layers[name] = _stack(source, params, name, padding, name not in linear)
    branches = [values[name] for name in ("1", "3", "5", "p")]
    return branches, (layers, pool_cache, [y.shape[1] for y in branches])


def _inception_back(pieces, cache, *, pool=max_pool2d_backward, through=("1", "3r", "5r", "p"), relu_of_reduction=True):
    """dx and dparams from the four pieces of dy."""
    layers, pool_cache, _ = cache
    d, dx = {}, []
    pieces = dict(zip(("1", "3", "5", "p"), pieces, strict=True))
    for name in ("1", "3", "3r", "5", "5r", "p"):
        own = layers[name]
        if name.endswith("r") and not relu_of_reduction:
            own = own[0], np.ones_like(own[1])
        source, d["w" + name], d["b" + name] = _back(pieces[name], own)
        if name in ("3", "5"):
            pieces[name + "r"] = source
        elif name in through:
            dx.append(pool(source, pool_cache) if name == "p" else source)
    return sum(dx[1:], dx[0]), d


def _pieces(dy, widths):
    return np.split(dy, np.cumsum(widths)[:-1], axis=1)


def _matching(dy, cache):
    return _inception_back(_pieces(dy, cache[2]), cache)


@mistake("inception_forward", row=88, also={"inception_backward": _matching})
def inception_joins_samples(x, params):
    """The branches are joined along the samples. They see the same images: what they find stands side by side as
    channels."""
    branches, cache = _inception(x, params)
    return np.concatenate(branches, axis=0), cache


@mistake("inception_forward", row=88, also={"inception_backward": _matching})
def inception_joins_rows(x, params):
    """The branches are joined along the height. In (N, C, H, W) the channels are axis 1."""
    branches, cache = _inception(x, params)
    return np.concatenate(branches, axis=2), cache


def _pool_first_backward(dy, cache):
    pool, *others = _pieces(dy, [cache[2][3], *cache[2][:3]])
    return _inception_back([*others, pool], cache)


@mistake("inception_forward", row=88, also={"inception_backward": _pool_first_backward})
def inception_joins_pool_first(x, params):
    """The branches stand in another order than asked for: first 1×1, then 3×3, then 5×5, and the pool branch last."""
    branches, cache = _inception(x, params)
    return np.concatenate([branches[3], *branches[:3]], axis=1), cache


def _five_before_three_backward(dy, cache):
    one, five, three, pool = _pieces(dy, [cache[2][i] for i in (0, 2, 1, 3)])
    return _inception_back([one, three, five, pool], cache)


@mistake("inception_forward", row=88, also={"inception_backward": _five_before_three_backward})
def inception_joins_five_before_three(x, params):
    """The 5×5 branch stands before the 3×3 branch. The order is 1×1, 3×3, 5×5, pool."""
    branches, cache = _inception(x, params)
    return np.concatenate([branches[i] for i in (0, 2, 1, 3)], axis=1), cache


def _pool_with_zeros(x, size, stride, padding):
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    y, cache = max_pool2d_forward(padded, size, stride=stride)
    return y, cache


def _zeros_backward(dy, cache):
    def pool(d, pool_cache):
        return max_pool2d_backward(d, pool_cache)[:, :, 1:-1, 1:-1]

    return _inception_back(_pieces(dy, cache[2]), cache, pool=pool)


@mistake("inception_forward", row=25, also={"inception_backward": _zeros_backward})
def inception_pool_pads_with_zeros(x, params):
    """The pooling sees zeros beyond the border, and in a dark image a zero is the maximum. Max pooling pads with minus
    infinity, so that only real pixels can win."""
    branches, cache = _inception(x, params, pool=_pool_with_zeros)
    return np.concatenate(branches, axis=1), cache


def _average_backward(dy, cache):
    return _inception_back(_pieces(dy, cache[2]), cache, pool=avg_pool2d_backward)


@mistake("inception_forward", also={"inception_backward": _average_backward})
def inception_pool_averages(x, params):
    """The pool branch takes means. In this block it takes the maximum of each 3×3 window."""
    branches, cache = _inception(x, params, pool=avg_pool2d_forward)
    return np.concatenate(branches, axis=1), cache


@mistake("inception_forward", also={"inception_backward": _matching})
def inception_reductions_are_linear(x, params):
    """No ReLU follows the 1×1 reductions. Two convolutions in a row without one are a single, larger convolution."""
    branches, cache = _inception(x, params, linear=("3r", "5r"))
    return np.concatenate(branches, axis=1), cache


@mistake("inception_forward", also={"inception_backward": _matching})
def inception_pool_branch_is_linear(x, params):
    """No ReLU follows the 1×1 projection of the pool branch. Every convolution of the block has one."""
    branches, cache = _inception(x, params, linear=("p",))
    return np.concatenate(branches, axis=1), cache


@mistake("inception_forward", also={"inception_backward": _matching})
def inception_branches_are_linear(x, params):
    """The branches are joined without a last ReLU. Each of the six convolutions is followed by one."""
    branches, cache = _inception(x, params, linear=("1", "3", "5", "p"))
    return np.concatenate(branches, axis=1), cache


def _shared_reduction_backward(dy, cache):
    layers = cache[0]
    pieces = _pieces(dy, cache[2])
    dx, d = _inception_back(pieces, cache, through=("1", "p"))
    dthree, dfive = _back(pieces[1], layers["3"])[0], _back(pieces[2], layers["5"])[0]
    dshared, d["w3r"], d["b3r"] = _back(dthree + dfive, layers["3r"])
    d["w5r"], d["b5r"] = np.zeros_like(d["w5r"]), np.zeros_like(d["b5r"])
    return dx + dshared, d


@mistake("inception_forward", also={"inception_backward": _shared_reduction_backward})
def inception_shares_the_reduction(x, params):
    """The 5×5 convolution reads what the reduction of the 3×3 branch gives. Each of the two branches has a reduction of
    its own."""
    branches, cache = _inception(x, params, five_reads="3r")
    return np.concatenate(branches, axis=1), cache


def _after_backward(dy, cache):
    layers, pool_cache, _, projection, last = cache
    pieces = _pieces(dy, [*cache[2][:3], dy.shape[1] - sum(cache[2][:3])])
    d = {}
    dpooled = max_pool2d_backward(relu_backward(pieces[3], last), pool_cache)
    dxp, d["wp"], d["bp"] = conv2d_backward(dpooled, projection)
    dx, others = _inception_back([*pieces[:3], pieces[3]], (layers, None, None), through=("1", "3r", "5r"))
    return dx + dxp, others | d


@mistake("inception_forward", also={"inception_backward": _after_backward})
def inception_pools_after_projecting(x, params):
    """The pool branch projects first and pools afterwards. The maximum is taken of the input, then the 1×1 convolution
    mixes its channels."""
    branches, (layers, _, widths) = _inception(x, params)
    z, projection = conv2d_forward(x, params["wp"], params["bp"])
    pooled, pool_cache = max_pool2d_forward(z, 3, stride=1, padding=1)
    y, last = relu_forward(pooled)
    return np.concatenate([*branches[:3], y], axis=1), (layers, pool_cache, widths, projection, last)


def _own_inception(x, params):
    branches, cache = _inception(x, params)
    return np.concatenate(branches, axis=1), cache


@mistake("inception_backward", row=88, also={"inception_forward": _own_inception})
def inception_splits_in_quarters(dy, cache):
    """dy is split into four equal parts. The branches have widths of their own: split where they were joined."""
    return _inception_back(np.split(dy, 4, axis=1), cache)


@mistake("inception_backward", row=88, also={"inception_forward": _own_inception})
def inception_splits_in_another_order(dy, cache):
    """The parts of dy reach the wrong branches: those of 3×3 and 5×5 are exchanged. Split in the order of joining."""
    one, three, five, pool = _pieces(dy, cache[2])
    return _inception_back([one, five, three, pool], cache)


@mistake("inception_backward", row=88, also={"inception_forward": _own_inception})
def inception_loses_the_pool_branch(dy, cache):
    """What the pool branch sends back is missing in dx. x went into four branches, and the four gradients add up."""
    return _inception_back(_pieces(dy, cache[2]), cache, through=("1", "3r", "5r"))


@mistake("inception_backward", row=88, also={"inception_forward": _own_inception})
def inception_dx_of_the_first_branch(dy, cache):
    """dx is the gradient of the 1×1 branch alone. x went into four branches, and the four gradients add up."""
    return _inception_back(_pieces(dy, cache[2]), cache, through=("1",))


@mistake("inception_backward", also={"inception_forward": _own_inception})
def inception_dx_averaged(dy, cache):
    """dx is the mean of the four branches' gradients. They add up: each branch used the whole of x."""
    dx, d = _matching(dy, cache)
    return dx / 4, d


@mistake("inception_backward", also={"inception_forward": _own_inception})
def inception_reduction_relu_skipped(dy, cache):
    """On the way back the ReLU after the 1×1 reductions is left out: gradient flows where the reduction was off."""
    return _inception_back(_pieces(dy, cache[2]), cache, relu_of_reduction=False)


@mistake("inception_backward", also={"inception_forward": _own_inception})
def inception_pool_not_undone(dy, cache):
    """The pool branch's gradient is added to dx as it leaves the 1×1 convolution. It must go back through the pooling
    first, to the pixels that were the maxima."""
    return _inception_back(_pieces(dy, cache[2]), cache, pool=lambda d, _: d)


def _every_maximum(d, cache):
    x = cache
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    height, width = x.shape[2:]
    y, dpadded = max_pool2d_forward(x, 3, stride=1, padding=1)[0], np.zeros_like(padded)
    for i in range(3):
        for j in range(3):
            window = (slice(None), slice(None), slice(i, i + height), slice(j, j + width))
            dpadded[window] += d * (padded[window] == y)
    return dpadded[:, :, 1:-1, 1:-1]


def _keeping_x(x, params):
    branches, (layers, _, widths) = _inception(x, params)
    return np.concatenate(branches, axis=1), (layers, x, widths)


@mistake("inception_backward", row=23, also={"inception_forward": _keeping_x})
def inception_pool_ties_all_win(dy, cache):
    """Where a window has its maximum twice, both pixels get the whole gradient. The convention is the first maximum,
    row by row."""
    return _inception_back(_pieces(dy, cache[2]), cache, pool=_every_maximum)


@mistake("inception_backward", also={"inception_forward": _own_inception})
def inception_bias_gradients_missing(dy, cache):
    """dparams has gradients of the weights only. It has exactly the keys of params, the six biases included."""
    dx, d = _matching(dy, cache)
    return dx, {name: value for name, value in d.items() if name.startswith("w")}


@mistake("inception_backward", also={"inception_forward": _own_inception})
def inception_bias_gradients_averaged(dy, cache):
    """The biases' gradients are divided by the number of samples. A bias is added to every sample and every pixel, and
    all of these gradients add up."""
    dx, d = _matching(dy, cache)
    return dx, {name: value / dy.shape[0] if name[0] == "b" else value for name, value in d.items()}


_last_inception = {}


def _from_the_last_forward(dy, cache):
    return right.inception_backward(dy, _last_inception["cache"])


@mistake("inception_forward", also={"inception_backward": _from_the_last_forward})
def inception_keeps_one_cache(x, params):
    """The backward pass uses what the latest forward pass left in a global variable. With two blocks in a network that
    is another block's: use the cache that is passed in."""
    y, _last_inception["cache"] = right.inception_forward(x, params)
    return y, None


@mistake("inception_forward")
def inception_darkens_the_image(x, params):
    """The image is changed in place. It belongs to the caller, and the next layers' gradients need it."""
    y, cache = right.inception_forward(x, params)
    np.maximum(x, 0, out=x)
    return y, cache


@mistake("inception_backward")
def inception_drops_params_dtype(dy, cache):
    """The gradients are float64, whatever came in: float32 in, float32 out."""
    dx, d = right.inception_backward(dy, cache)
    return dx.astype(float), {name: value.astype(float) for name, value in d.items()}


# residual_block


@mistake("residual_block_backward", row=87)
def residual_gradient_lost_on_shortcut(dy, cache):
    """dx is only what the two convolutions send back. The shortcut sends its gradient, too: add both."""
    first, second, projection, relu = cache
    dsum = relu_backward(dy, relu)
    dhidden, dw2, db2 = conv2d_backward(dsum, second)
    dx, dw1, db1 = _back(dhidden, first)
    d = {"w1": dw1, "b1": db1, "w2": dw2, "b2": db2}
    return dx, d if projection is None else d | {"ws": conv2d_backward(dsum, projection)[1]}


@mistake("residual_block_backward", row=87)
def residual_gradient_lost_on_branch(dy, cache):
    """dx is only what the shortcut sends back. The two convolutions send theirs, too: add both."""
    _, d = right.residual_block_backward(dy, cache)
    dsum = relu_backward(dy, cache[3])
    return (dsum if cache[2] is None else conv2d_backward(dsum, cache[2])[0]), d


@mistake("residual_block_backward", row=87)
def residual_shortcut_before_relu(dy, cache):
    """The shortcut passes dy on as it came in. Between the sum and y stands a ReLU, and it stops the gradient where it
    is off, on both ways."""
    dx, d = right.residual_block_backward(dy, cache)
    stopped = dy - relu_backward(dy, cache[3])
    if cache[2] is None:
        return dx + stopped, d
    more, dws, _ = conv2d_backward(stopped, cache[2])
    return dx + more, d | {"ws": d["ws"] + dws}


@mistake("residual_block_backward")
def residual_last_relu_skipped(dy, cache):
    """On the way back the last ReLU is left out. Where the sum was negative, nothing may pass."""
    return right.residual_block_backward(dy, (*cache[:3], np.ones_like(cache[3])))


@mistake("residual_block_backward")
def residual_inner_relu_skipped(dy, cache):
    """On the way back the ReLU between the two convolutions is left out."""
    conv, relu = cache[0]
    return right.residual_block_backward(dy, ((conv, np.ones_like(relu)), *cache[1:]))


@mistake("residual_block_backward")
def residual_projection_skipped_backward(dy, cache):
    """dws is right, but dx takes the shortcut's gradient as it is, as if nothing had been projected. It must go back
    through the 1×1 convolution."""
    dx, d = right.residual_block_backward(dy, cache)
    if cache[2] is None:
        return dx, d
    dsum = relu_backward(dy, cache[3])
    wrong = np.zeros_like(dx)
    shared = min(dx.shape[1], dsum.shape[1])
    wrong[:, :shared] = dsum[:, :shared]
    return dx - conv2d_backward(dsum, cache[2])[0] + wrong, d


@mistake("residual_block_backward")
def residual_dws_missing(dy, cache):
    """The gradient of ws is missing: dparams has exactly the keys of params."""
    dx, d = right.residual_block_backward(dy, cache)
    return dx, {name: value for name, value in d.items() if name != "ws"}


@mistake("residual_block_backward")
def residual_dws_always_there(dy, cache):
    """dparams has a key ws although params has none. It has exactly the keys of params."""
    dx, d = right.residual_block_backward(dy, cache)
    return dx, {"ws": None} | d


@mistake("residual_block_backward")
def residual_changes_dy(dy, cache):
    """dy is changed in place where the ReLU is off. It belongs to the caller."""
    result = right.residual_block_backward(dy, cache)
    dy *= cache[3]
    return result


def _early_backward(dy, cache):
    first, second, projection, branch_relu = cache
    dhidden, dw2, db2 = conv2d_backward(relu_backward(dy, branch_relu), second)
    dx, dw1, db1 = _back(dhidden, first)
    d = {"w1": dw1, "b1": db1, "w2": dw2, "b2": db2}
    if projection is None:
        return dx + dy, d
    dshortcut, dws, _ = conv2d_backward(dy, projection)
    return dx + dshortcut, d | {"ws": dws}


@mistake("residual_block_forward", also={"residual_block_backward": _early_backward})
def residual_relu_before_the_sum(x, params):
    """The last ReLU stands before the addition. Here it comes after: relu(branch + shortcut)."""
    hidden, first = _stack(x, params, "1", 1)
    branch, second = conv2d_forward(hidden, params["w2"], params["b2"], padding=1)
    positive, relu = relu_forward(branch)
    shortcut, projection = conv2d_forward(x, params["ws"]) if "ws" in params else (x, None)
    return positive + shortcut, (first, second, projection, relu)


@mistake("residual_block_forward")
def residual_no_last_relu(x, params):
    """The sum is returned as it is. A ReLU follows the addition."""
    y, (first, second, projection, relu) = _residual(x, params, last=False)
    return y, (first, second, projection, np.ones_like(relu))


def _residual(x, params, *, inner=True, last=True, shortcut=None, bias=True):
    """The block with switches; its cache fits the reference's backward."""
    hidden, first = _stack(x, params, "1", 1, inner)
    branch, second = conv2d_forward(hidden, params["w2"], params["b2"] if bias else 0 * params["b2"], padding=1)
    if shortcut is None:
        shortcut, projection = conv2d_forward(x, params["ws"]) if "ws" in params else (x, None)
    else:
        shortcut, projection = shortcut
    z = branch + shortcut
    y, relu = relu_forward(z)
    return (y if last else z), (first, second, projection, relu)


@mistake("residual_block_forward")
def residual_no_inner_relu(x, params):
    """No ReLU stands between the two convolutions. Without it they are one linear map."""
    return _residual(x, params, inner=False)


@mistake("residual_block_forward")
def residual_no_shortcut(x, params):
    """Nothing is added to the branch: this is a plain stack of two convolutions. The input, or its projection, goes
    around them and is added before the last ReLU."""
    y, cache = _residual(x, params, shortcut=(0.0, None))
    return y, cache


@mistake("residual_block_forward")
def residual_relu_on_the_shortcut(x, params):
    """The shortcut goes through a ReLU of its own. It takes the input along as it is."""
    if "ws" in params:
        z, projection = conv2d_forward(x, params["ws"])
        return _residual(x, params, shortcut=(np.maximum(z, 0), projection))
    return _residual(x, params, shortcut=(np.maximum(x, 0), None))


@mistake("residual_block_forward")
def residual_projection_by_shape(x, params):
    """The projection is left out where input and output have the same number of channels. The key ws decides: where it
    is there, it is used."""
    if "ws" in params and params["ws"].shape[0] == params["ws"].shape[1]:
        return right.residual_block_forward(x, {name: value for name, value in params.items() if name != "ws"})
    return right.residual_block_forward(x, params)


@mistake("residual_block_forward")
def residual_relu_on_the_branch_too(x, params):
    """The branch goes through a ReLU before it is added, so it can only add and never take away. The branch ends with a
    convolution, the ReLU comes after the sum."""
    hidden, first = _stack(x, params, "1", 1)
    branch, second = conv2d_forward(hidden, params["w2"], params["b2"], padding=1)
    shortcut, projection = conv2d_forward(x, params["ws"]) if "ws" in params else (x, None)
    y, relu = relu_forward(np.maximum(branch, 0) + shortcut)
    return y, (first, second, projection, relu)


@mistake("residual_block_forward")
def residual_second_bias_missing(x, params):
    """The second convolution's bias is not added."""
    return _residual(x, params, bias=False)


@mistake("residual_block_forward")
def residual_adds_into_x(x, params):
    """The sum is written into x. The input belongs to the caller, and the backward pass needs it as it was."""
    y, cache = right.residual_block_forward(x.copy(), params)
    if y.shape == x.shape:
        x += y
    return y, cache


_last_block = {}


def _from_the_last_block(dy, cache):
    return right.residual_block_backward(dy, _last_block["cache"])


@mistake("residual_block_forward", also={"residual_block_backward": _from_the_last_block})
def residual_keeps_one_cache(x, params):
    """The backward pass uses what the latest forward pass left in a global variable. With two blocks in a network that
    is another block's: use the cache that is passed in."""
    y, _last_block["cache"] = right.residual_block_forward(x, params)
    return y, None


# augmentation


@mistake("horizontal_flip")
def flip_upside_down(x):
    """Up and down are exchanged. A horizontal flip exchanges left and right: it reverses the width, the last axis."""
    return x[:, :, ::-1]


@mistake("horizontal_flip")
def flip_reverses_samples(x):
    """The order of the samples is reversed. Each image is mirrored by itself, along its width."""
    return x[::-1]


@mistake("horizontal_flip")
def flip_turns(x):
    """The image is turned by half a circle. A flip reverses the width alone."""
    return x[:, :, ::-1, ::-1]


@mistake("horizontal_flip")
def flip_in_place(x):
    """The images are mirrored in place. The caller's batch must stay as it is."""
    x[:] = x[..., ::-1].copy()
    return x


def _sample(x, theta, *, corners=False, clamp=False, nearest=False, drop_outside=False, exchanged=False, half=0.5):
    """affine_sample with switches."""
    n, _, height, width = x.shape

    def grid(size):
        return np.linspace(-1, 1, size) if corners and size > 1 else (2 * np.arange(size) + 2 * half) / size - 1

    def place(at, size):
        return (at + 1) * (size - 1) / 2 if corners else ((at + 1) * size - 2 * half) / 2

    y = np.zeros_like(x)
    for k in range(n):
        for i, v in enumerate(grid(height)):
            for j, u in enumerate(grid(width)):
                first, second = theta[k] @ np.array([v, u, 1.0] if exchanged else [u, v, 1.0])
                read_u, read_v = (second, first) if exchanged else (first, second)
                column, row = place(read_u, width), place(read_v, height)
                if drop_outside and not (0 <= column <= width - 1 and 0 <= row <= height - 1):
                    continue
                if nearest:
                    row, column = np.floor(row + 0.5), np.floor(column + 0.5)
                top, left = int(np.floor(row)), int(np.floor(column))
                for r in (top, top + 1):
                    for s in (left, left + 1):
                        weight = (1 - abs(row - r)) * (1 - abs(column - s))
                        if clamp:
                            y[k, :, i, j] += weight * x[k, :, np.clip(r, 0, height - 1), np.clip(s, 0, width - 1)]
                        elif 0 <= r < height and 0 <= s < width:
                            y[k, :, i, j] += weight * x[k, :, r, s]
    return y


@mistake("affine_sample")
def affine_aligns_corners(x, theta):
    """The places −1 and 1 are the centres of the outer pixels here. They are the outer edges of the image: pixel j of W
    has its centre at (2j + 1)/W − 1."""
    return _sample(x, theta, corners=True)


@mistake("affine_sample")
def affine_repeats_the_border(x, theta):
    """Beyond the border the outermost pixel goes on. Outside of the image everything counts as 0."""
    return _sample(x, theta, clamp=True)


@mistake("affine_sample")
def affine_takes_the_nearest(x, theta):
    """The nearest pixel is taken. Between pixels the four neighbours are mixed, each by how near it is."""
    return _sample(x, theta, nearest=True)


@mistake("affine_sample")
def affine_cuts_at_the_border(x, theta):
    """A place beyond the outermost centres gives 0 at once. There one or two neighbours are still inside the image and
    count with their weights; only those outside count as 0."""
    return _sample(x, theta, drop_outside=True)


@mistake("affine_sample")
def affine_exchanges_axes(x, theta):
    """Rows and columns are exchanged: the first coordinate of theta goes to the right, along the width, the second one
    down."""
    return _sample(x, theta, exchanged=True)


@mistake("affine_sample")
def affine_shifts_by_half_a_pixel(x, theta):
    """The places of the pixels are those of their left and upper edges on the way in, and of their centres on the way
    back: off by half a pixel where theta scales or turns. Centres are at (2j + 1)/W − 1."""
    return _sample(x, theta, half=0.0)


@mistake("affine_sample")
def affine_one_map_for_all(x, theta):
    """All images are looked at through the first theta. Each sample has its own."""
    return right.affine_sample(x, np.repeat(theta[:1], len(x), axis=0))


@mistake("affine_sample")
def affine_inverse_map(x, theta):
    """theta is used the other way round. It maps a place of the output to the place in x to read from, so that every
    output pixel gets a value."""
    matrix = np.linalg.inv(theta[:, :, :2])
    shift = -matrix @ theta[:, :, 2:]
    return right.affine_sample(x, np.concatenate([matrix, shift], axis=2).astype(x.dtype))


@mistake("affine_sample")
def affine_ignores_the_shift(x, theta):
    """The last column of theta is not used. It is the shift: the place is multiplied as (u, v, 1)."""
    return right.affine_sample(x, theta * np.array([1, 1, 0], theta.dtype))


@mistake("affine_sample")
def affine_height_for_width(x, theta):
    """Both coordinates are scaled with the image's height. The column runs over the width."""
    height, width = x.shape[2:]
    narrow = theta.copy()
    ratio = height / width
    narrow[:, 0] *= ratio
    narrow[:, 0, 2] += ratio - 1
    return right.affine_sample(x, narrow)


# looking_inside


@mistake("class_activation_map")
def cam_with_relu(features, class_weights):
    """Negative values are cut off. Where the map is negative there is evidence against the class: it stays."""
    return np.maximum(right.class_activation_map(features, class_weights), 0)


@mistake("class_activation_map")
def cam_scaled_to_one(features, class_weights):
    """The map is scaled to lie between 0 and 1. Without scaling its mean is the class's score."""
    found = right.class_activation_map(features, class_weights)
    return (found - found.min()) / (found.max() - found.min())


@mistake("class_activation_map")
def cam_averages_channels(features, class_weights):
    """The weighted maps are averaged over the channels. They add up, as in the dense layer that they come from."""
    return (right.class_activation_map(features, class_weights) / len(features)).astype(features.dtype)


@mistake("class_activation_map")
def cam_absolute_weights(features, class_weights):
    """The weights enter by their size. A negative weight says that a map speaks against the class."""
    return right.class_activation_map(features, np.abs(class_weights))


def _occlude(f, x, size, stride, *, channels=slice(None), value=None, restore=True, own=None):
    height, width = (x.shape[1] - size) // stride + 1, (x.shape[2] - size) // stride + 1
    fall, hidden = np.zeros((height, width), x.dtype), x.copy()
    for i in range(height):
        for j in range(width):
            if restore:
                hidden = x.copy()
            top, left = i * (own or stride), j * (own or stride)
            square = (channels, slice(top, top + size), slice(left, left + size))
            hidden[square] = 0 if value is None else value
            fall[i, j] = f(x.copy()) - f(hidden)
    return fall


@mistake("occlusion_map")
def occlusion_sign(f, x, size, stride):
    """The map is f(hidden) − f(x). It should be large where the score falls: f(x) − f(hidden)."""
    return -right.occlusion_map(f, x, size, stride)


@mistake("occlusion_map")
def occlusion_score_itself(f, x, size, stride):
    """The map holds the scores of the hidden images. It should hold how far they lie below f(x)."""
    return (f(x.copy()) - right.occlusion_map(f, x, size, stride)).astype(x.dtype)


@mistake("occlusion_map")
def occlusion_first_channel(f, x, size, stride):
    """The square is hidden in the first channel alone. It is set to 0 in all channels."""
    return _occlude(f, x, size, stride, channels=slice(0, 1))


@mistake("occlusion_map")
def occlusion_with_mean(f, x, size, stride):
    """The square is filled with the image's mean. It is set to 0."""
    return _occlude(f, x, size, stride, value=x.mean())


@mistake("occlusion_map")
def occlusion_accumulates(f, x, size, stride):
    """Squares that were hidden stay hidden, so that the image grows darker and darker. Begin with a fresh copy for each
    place."""
    return _occlude(f, x, size, stride, restore=False)


@mistake("occlusion_map")
def occlusion_step_is_size(f, x, size, stride):
    """The square moves by its own size. It moves by the stride."""
    return _occlude(f, x, size, stride, own=size)


@mistake("occlusion_map")
def occlusion_changes_x(f, x, size, stride):
    """The squares are hidden in the image that was passed in, and it does not come back as it was. Hide them in a
    copy."""
    fall = right.occlusion_map(f, x, size, stride)
    x[:, :size, :size] = 0
    return fall


@mistake("linear_cka")
def cka_not_centred(a, b):
    """The features are not centred, so an offset that all examples share looks like similarity. Take off the mean over
    the examples from every column first."""
    return float(np.sum((b.T @ a) ** 2) / np.linalg.norm(a.T @ a) / np.linalg.norm(b.T @ b))


@mistake("linear_cka")
def cka_centred_by_examples(a, b):
    """Each example's mean over its features is taken off. The mean is that of a feature over the examples: axis 0."""
    return cka_not_centred(a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True))


@mistake("linear_cka")
def cka_centred_by_one_mean(a, b):
    """One mean of all numbers is taken off. Every feature, a column, has its own mean over the examples."""
    return cka_not_centred(a - a.mean(), b - b.mean())


@mistake("linear_cka")
def cka_not_squared(a, b):
    """The norm of BᵀA is not squared. The numerator is |BᵀA|², then features of the same kind give 1 at any scale."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return float(np.linalg.norm(b.T @ a) / np.linalg.norm(a.T @ a) / np.linalg.norm(b.T @ b))


@mistake("linear_cka")
def cka_rooted(a, b):
    """The result is the square root of what is asked for."""
    return float(np.sqrt(right.linear_cka(a, b)))


@mistake("linear_cka")
def cka_norms_of_features(a, b):
    """The numerator is divided by the squared norms of A and B. It must be divided by the norms of AᵀA and BᵀB, else
    a representation is not even like itself."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return float(np.sum((b.T @ a) ** 2) / np.sum(a**2) / np.sum(b**2))


@mistake("linear_cka")
def cka_standardizes(a, b):
    """The columns are scaled to variance 1. They are only centred: how far a feature varies is part of what it is."""
    return right.linear_cka(a / a.std(axis=0), b / b.std(axis=0))


# linear_probe


def _one_hot(targets, n_classes, dtype):
    return (targets[:, None] == np.arange(n_classes)).astype(dtype)


def _ridge(features, outputs, strength):
    penalty = strength * np.eye(features.shape[1], dtype=features.dtype)
    return np.linalg.solve(features.T @ features + penalty, features.T @ outputs).T


@mistake("linear_probe")
def probe_penalises_bias(features, targets, n_classes, strength):
    """The bias is held back by the penalty, too: a column of ones is treated like a feature. Only the weight is
    penalised."""
    ones = np.ones((len(features), 1), features.dtype)
    both = _ridge(np.hstack([features, ones]), _one_hot(targets, n_classes, features.dtype), strength)
    return both[:, :-1], both[:, -1]


@mistake("linear_probe")
def probe_without_bias(features, targets, n_classes, strength):
    """There is no bias: the map is forced through the origin. Centre features and targets, and the bias follows."""
    weight = _ridge(features, _one_hot(targets, n_classes, features.dtype), strength)
    return weight, np.zeros(n_classes, features.dtype)


@mistake("linear_probe")
def probe_bias_ignores_weight(features, targets, n_classes, strength):
    """The bias is the classes' shares alone. What the weight gives for the average example must be taken off."""
    weight, _ = right.linear_probe(features, targets, n_classes, strength)
    return weight, _one_hot(targets, n_classes, features.dtype).mean(axis=0)


@mistake("linear_probe")
def probe_penalty_times_n(features, targets, n_classes, strength):
    """The penalty is weighed with the number of examples, as if the errors were averaged. Here they are summed."""
    return right.linear_probe(features, targets, n_classes, strength * len(features))


@mistake("linear_probe")
def probe_penalty_halved(features, targets, n_classes, strength):
    """The penalty counts half. Both squares have the same factor 2 in their gradients, and it cancels."""
    return right.linear_probe(features, targets, n_classes, strength / 2)


@mistake("linear_probe")
def probe_no_penalty(features, targets, n_classes, strength):
    """strength is not used: this is plain least squares."""
    outputs = _one_hot(targets, n_classes, features.dtype)
    mean, share = features.mean(axis=0), outputs.mean(axis=0)
    weight = (np.linalg.pinv(features - mean) @ (outputs - share)).T.astype(features.dtype)
    return weight, share - weight @ mean


@mistake("linear_probe")
def probe_counts_classes(features, targets, n_classes, strength):
    """The number of classes is read off the targets. A class without examples has a row, too: n_classes says how
    many."""
    return right.linear_probe(features, targets, int(targets.max()) + 1, strength)


@mistake("linear_probe")
def probe_plus_minus_one(features, targets, n_classes, strength):
    """The targets are coded as +1 and −1. One-hot means 1 for the right class and 0 for the others."""
    weight, bias = right.linear_probe(features, targets, n_classes, strength)
    return 2 * weight, 2 * bias - 1


@mistake("linear_probe")
def probe_standardizes(features, targets, n_classes, strength):
    """The features are scaled to variance 1 before the penalty is applied. The probe takes them as they are."""
    std = features.std(axis=0)
    weight, bias = right.linear_probe(features / std, targets, n_classes, strength)
    return weight / std, bias


@mistake("linear_probe")
def probe_weight_transposed(features, targets, n_classes, strength):
    """The weight is (P, n_classes). As in every dense layer here it has one row per output: (n_classes, P)."""
    weight, bias = right.linear_probe(features, targets, n_classes, strength)
    return weight.T, bias


# audit: random, so that properties name the mistakes


def _interval(a, b, rng, level, draws, *, tails=None):
    differences = rng.choice(a, (draws, len(a))).mean(axis=1) - rng.choice(b, (draws, len(b))).mean(axis=1)
    low, high = np.quantile(differences, tails or ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)


@mistake("effect_interval", shown_by=("mean_difference:swapped", "bootstrap_interval:swapped"))
def effect_of_b_over_a(a, b, rng, level=0.95, draws=2000):
    """The effect is mean(b) − mean(a). It is how much larger a is: mean(a) − mean(b), in the interval as well."""
    return right.effect_interval(b, a, rng, level, draws)


@mistake("effect_interval", shown_by="mean_difference:medians")
def effect_of_medians(a, b, rng, level=0.95, draws=2000):
    """The effect is a difference of medians. The means are asked for."""
    return float(np.median(a) - np.median(b)), *_interval(a, b, rng, level, draws)


@mistake("effect_interval", shown_by="mean_difference:resampled")
def effect_is_resampled(a, b, rng, level=0.95, draws=2000):
    """The effect is the mean of the resampled differences. It is that of the runs as they were measured; resampling
    only says how sure it is."""
    differences = rng.choice(a, (draws, len(a))).mean(axis=1) - rng.choice(b, (draws, len(b))).mean(axis=1)
    low, high = np.quantile(differences, [(1 - level) / 2, (1 + level) / 2])
    return float(differences.mean()), float(low), float(high)


@mistake("effect_interval", shown_by="bootstrap_interval:one_tail")
def interval_one_tail(a, b, rng, level=0.95, draws=2000):
    """The ends are the quantiles 1 − level and level, so that twice as much as asked for lies outside. What is left
    over is divided between both tails: (1 − level)/2 and (1 + level)/2."""
    return float(a.mean() - b.mean()), *_interval(a, b, rng, level, draws, tails=(1 - level, level))


@mistake("effect_interval", shown_by="bootstrap_interval:always_95")
def interval_ignores_level(a, b, rng, level=0.95, draws=2000):
    """level is not used: the interval is the 95 percent one, whatever is asked for."""
    return right.effect_interval(a, b, rng, 0.95, draws)


@mistake("effect_interval", shown_by="bootstrap_interval:spread")
def interval_of_single_runs(a, b, rng, level=0.95, draws=2000):
    """This is the spread of single runs. Each draw resamples as many runs as there are, and takes their mean: means
    vary less than runs."""
    differences = rng.choice(a, draws) - rng.choice(b, draws)
    low, high = np.quantile(differences, [(1 - level) / 2, (1 + level) / 2])
    return float(a.mean() - b.mean()), float(low), float(high)


@mistake("effect_interval", shown_by="bootstrap_interval:paired")
def interval_paired(a, b, rng, level=0.95, draws=2000):
    """a and b are resampled with the same picks, as if run i of one belonged to run i of the other. They are resampled
    independently."""
    effect = float(a.mean() - b.mean())
    if len(a) != len(b):
        return effect, *_interval(a, b, rng, level, draws)
    picks = rng.integers(0, len(a), (draws, len(a)))
    low, high = np.quantile((a[picks] - b[picks]).mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return effect, float(low), float(high)


@mistake("effect_interval", shown_by="bootstrap_interval:equal_sizes")
def interval_of_equal_sizes(a, b, rng, level=0.95, draws=2000):
    """The same number of runs is drawn from a and from b, that of the smaller one. Each is resampled at its own
    size."""
    size = min(len(a), len(b))
    differences = rng.choice(a, (draws, size)).mean(axis=1) - rng.choice(b, (draws, size)).mean(axis=1)
    low, high = np.quantile(differences, [(1 - level) / 2, (1 + level) / 2])
    return float(a.mean() - b.mean()), float(low), float(high)


@mistake("effect_interval", shown_by="bootstrap_interval:only_a")
def interval_of_a_alone(a, b, rng, level=0.95, draws=2000):
    """Only a is resampled. b was measured in a few runs, too, and its chance belongs into the interval."""
    low, high = np.quantile(rng.choice(a, (draws, len(a))).mean(axis=1), [(1 - level) / 2, (1 + level) / 2]) - b.mean()
    return float(a.mean() - b.mean()), float(low), float(high)


@mistake("effect_interval", shown_by="bootstrap_interval:centred")
def interval_around_zero(a, b, rng, level=0.95, draws=2000):
    """The interval lies around 0: the effect was taken off. It is the interval of the effect itself, and says whether 0
    is in it."""
    effect = float(a.mean() - b.mean())
    low, high = _interval(a, b, rng, level, draws)
    return effect, low - effect, high - effect


@mistake("effect_interval", shown_by="bootstrap_interval:pooled")
def interval_of_the_null(a, b, rng, level=0.95, draws=2000):
    """Runs of a and b are thrown together before resampling. That is how chance alone would look without an effect;
    the interval asks how far the effect may be off, and each side is resampled from its own runs."""
    both = np.concatenate([a, b])
    differences = rng.choice(both, (draws, len(a))).mean(axis=1) - rng.choice(both, (draws, len(b))).mean(axis=1)
    low, high = np.quantile(differences, [(1 - level) / 2, (1 + level) / 2])
    return float(a.mean() - b.mean()), float(low), float(high)


@mistake("effect_interval", shown_by="bootstrap_interval:reflected")
def interval_reflected(a, b, rng, level=0.95, draws=2000):
    """This is the reflected interval, 2 · effect minus the quantiles. The percentile interval takes the quantiles
    themselves."""
    effect = float(a.mean() - b.mean())
    low, high = _interval(a, b, rng, level, draws)
    return effect, 2 * effect - high, 2 * effect - low


@mistake("effect_interval", shown_by="bootstrap_interval:symmetric")
def interval_by_deviation(a, b, rng, level=0.95, draws=2000):
    """The interval is the effect plus and minus a multiple of a standard deviation. That assumes a bell curve;
    the quantiles of the resampled differences lie where the runs put them."""
    effect = float(a.mean() - b.mean())
    low, high = _interval(a, b, rng, level, draws)
    return effect, effect - (high - low) / 2, effect + (high - low) / 2


@mistake("effect_interval", shown_by=("bootstrap_interval:collapsed", "not_equal:no_width"))
def interval_without_replacement(a, b, rng, level=0.95, draws=2000):
    """The runs are drawn without replacement: every resample is the same runs in another order, with the same mean. Put
    each one back before the next is drawn."""
    effect = float(a.mean() - b.mean())
    return effect, effect, effect


@mistake("effect_interval", shown_by="bootstrap_interval:reversed")
def interval_ends_exchanged(a, b, rng, level=0.95, draws=2000):
    """low and high are exchanged. The effect comes first, then the lower end, then the upper one."""
    effect, low, high = right.effect_interval(a, b, rng, level, draws)
    return effect, high, low


@mistake("effect_interval", shown_by="equal:draws_ignored")
def interval_ignores_draws(a, b, rng, level=0.95, draws=2000):
    """draws is not used: the number of resampled differences is another one."""
    return right.effect_interval(a, b, rng, level, 2000)


@mistake("effect_interval", shown_by="same_draws:global_state")
def interval_global_random_state(a, b, rng, level=0.95, draws=2000):
    """The draws come from elsewhere than the `rng` that is passed in, so that nobody can repeat the result."""
    return right.effect_interval(a, b, np.random.default_rng(), level, draws)


@mistake("effect_interval", shown_by="not_equal:own_generator")
def interval_own_generator(a, b, rng, level=0.95, draws=2000):
    """A generator with a seed of its own is made inside, so every call draws the same. Use the `rng` that is passed
    in."""
    return right.effect_interval(a, b, np.random.default_rng(0), level, draws)


# in_pytorch


def _normalised(x, eps):
    std = (x.var(dim=0, unbiased=False) + eps).sqrt()
    return (x - x.mean(dim=0)) / std, std


def _dx(dy, x_hat, std, gamma):
    dx_hat = dy * gamma
    return (dx_hat - dx_hat.mean(dim=0) - x_hat * (dx_hat * x_hat).mean(dim=0)) / std


class _Function(torch.autograd.Function):
    """The right forward and backward, for mistakes that change one of them."""

    @staticmethod
    def forward(ctx, x, gamma, beta, eps):
        x_hat, std = _normalised(x, eps)
        ctx.save_for_backward(x_hat, std, gamma, x)
        return gamma * x_hat + beta

    @staticmethod
    def backward(ctx, dy):
        x_hat, std, gamma, _ = ctx.saved_tensors
        return _dx(dy, x_hat, std, gamma), (dy * x_hat).sum(dim=0), dy.sum(dim=0), None


@mistake("BatchNormFunction", row=61)
class function_unbiased(_Function):
    """The variance is the unbiased one, divided by N − 1 (torch's `var` does that unless it is told otherwise). To
    normalise, the biased one is used."""

    @staticmethod
    def forward(ctx, x, gamma, beta, eps):
        std = (x.var(dim=0) + eps).sqrt()
        x_hat = (x - x.mean(dim=0)) / std
        ctx.save_for_backward(x_hat, std, gamma, x)
        return gamma * x_hat + beta


@mistake("BatchNormFunction", row=62)
class function_eps_outside(_Function):
    """eps is added to the standard deviation. It is added to the variance, inside of the root."""

    @staticmethod
    def forward(ctx, x, gamma, beta, eps):
        std = x.var(dim=0, unbiased=False).sqrt() + eps
        x_hat = (x - x.mean(dim=0)) / std
        ctx.save_for_backward(x_hat, std, gamma, x)
        return gamma * x_hat + beta


@mistake("BatchNormFunction", row=69)
class function_one_mean(_Function):
    """One mean and one variance serve all features. Each feature, a column, has its own over the batch."""

    @staticmethod
    def forward(ctx, x, gamma, beta, eps):
        std = (x.var(unbiased=False) + eps).sqrt()
        x_hat = (x - x.mean()) / std
        ctx.save_for_backward(x_hat, std, gamma, x)
        return gamma * x_hat + beta


@mistake("BatchNormFunction")
class function_changes_x(_Function):
    """x is centred in place. The tensor belongs to the caller: take its mean off in a new one."""

    @staticmethod
    def forward(ctx, x, gamma, beta, eps):
        x_hat, std = _normalised(x, eps)
        x -= x.mean(dim=0)
        ctx.save_for_backward(x_hat, std, gamma, x)
        return gamma * x_hat + beta


@mistake("BatchNormFunction", row=72)
class function_dx_without_gamma(_Function):
    """gamma is missing in dx: on its way to the normalised value the gradient is multiplied by it."""

    @staticmethod
    def backward(ctx, dy):
        x_hat, std, gamma, _ = ctx.saved_tensors
        return _dx(dy, x_hat, std, torch.ones_like(gamma)), (dy * x_hat).sum(dim=0), dy.sum(dim=0), None


@mistake("BatchNormFunction", row=70)
class function_dx_without_mean_path(_Function):
    """The way through the mean is missing in dx: every x moves the mean, and with it all samples."""

    @staticmethod
    def backward(ctx, dy):
        x_hat, std, gamma, _ = ctx.saved_tensors
        dx_hat = dy * gamma
        dx = (dx_hat - x_hat * (dx_hat * x_hat).mean(dim=0)) / std
        return dx, (dy * x_hat).sum(dim=0), dy.sum(dim=0), None


@mistake("BatchNormFunction", row=70)
class function_dx_without_variance_path(_Function):
    """The way through the variance is missing in dx: every x moves the variance, and with it the scale of all
    samples."""

    @staticmethod
    def backward(ctx, dy):
        x_hat, std, gamma, _ = ctx.saved_tensors
        dx_hat = dy * gamma
        return (dx_hat - dx_hat.mean(dim=0)) / std, (dy * x_hat).sum(dim=0), dy.sum(dim=0), None


@mistake("BatchNormFunction", row=73)
class function_constant_statistics(_Function):
    """dx treats mean and variance as constants, as in evaluation. In training they depend on x."""

    @staticmethod
    def backward(ctx, dy):
        x_hat, std, gamma, _ = ctx.saved_tensors
        return dy * gamma / std, (dy * x_hat).sum(dim=0), dy.sum(dim=0), None


@mistake("BatchNormFunction", row=71)
class function_dgamma_of_x(_Function):
    """dgamma is made with x. gamma multiplies the normalised value, so that belongs there."""

    @staticmethod
    def backward(ctx, dy):
        x_hat, std, gamma, x = ctx.saved_tensors
        return _dx(dy, x_hat, std, gamma), (dy * x).sum(dim=0), dy.sum(dim=0), None


@mistake("BatchNormFunction", row=71)
class function_averages_parameters(_Function):
    """The gradients of gamma and beta are averaged over the batch. Both act on every sample, and the gradients add
    up."""

    @staticmethod
    def backward(ctx, dy):
        x_hat, std, gamma, _ = ctx.saved_tensors
        return _dx(dy, x_hat, std, gamma), (dy * x_hat).mean(dim=0), dy.mean(dim=0), None


@mistake("BatchNormFunction")
class function_three_gradients(_Function):
    """backward returns too few values. torch asks for one per argument of forward, and eps is an argument: its gradient
    is None."""

    @staticmethod
    def backward(ctx, dy):
        return _Function.backward(ctx, dy)[:3]


@mistake("BatchNormFunction")
class function_keeps_on_class(_Function):
    """What backward needs is kept on the class, where the next forward pass overwrites it. ctx belongs to one call:
    keep it there."""

    kept = None

    @staticmethod
    def forward(ctx, x, gamma, beta, eps):
        x_hat, std = _normalised(x, eps)
        function_keeps_on_class.kept = x_hat, std, gamma
        return gamma * x_hat + beta

    @staticmethod
    def backward(ctx, dy):
        x_hat, std, gamma = function_keeps_on_class.kept
        return _dx(dy, x_hat, std, gamma), (dy * x_hat).sum(dim=0), dy.sum(dim=0), None


class _Module(torch.nn.Module):
    """The right module; mistakes change a part."""

    def __init__(self, in_channels, out_channels, kernel_size, padding, *, bias=False, **options):
        super().__init__()
        self.conv = torch.nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding, bias=bias)
        self.norm = torch.nn.BatchNorm2d(out_channels, **options)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))


@mistake("ConvBNReLU", row=89)
class module_keeps_bias(_Module):
    """The convolution has a bias. Batch normalization takes it off again with the mean: it only costs memory, and beta
    does its work."""

    def __init__(self, *args):
        super().__init__(*args, bias=True)


@mistake("ConvBNReLU", row=89)
class module_normalises_last(_Module):
    """The ReLU comes before the normalisation. The order here is convolution, normalisation, ReLU."""

    def forward(self, x):
        return self.norm(torch.relu(self.conv(x)))


@mistake("ConvBNReLU")
class module_without_relu(_Module):
    """There is no ReLU at the end."""

    def forward(self, x):
        return self.norm(self.conv(x))


@mistake("ConvBNReLU")
class module_ignores_padding(_Module):
    """padding does not reach the convolution: the result is smaller than it should be."""

    def __init__(self, in_channels, out_channels, kernel_size, padding):
        super().__init__(in_channels, out_channels, kernel_size, 0)


@mistake("ConvBNReLU", row=(65, 90))
class module_never_evaluates(_Module):
    """module.eval() changes nothing: the batch's statistics are used in evaluation, too. There the running ones
    normalise."""

    def forward(self, x):
        training, self.norm.training = self.norm.training, True
        kept = [buffer.clone() for buffer in self.norm.buffers()]
        y = torch.relu(self.norm(self.conv(x)))
        self.norm.training = training
        if not training:
            for buffer, old in zip(self.norm.buffers(), kept, strict=True):
                buffer.copy_(old)
        return y


@mistake("ConvBNReLU", row=(67, 90))
class module_goes_on_training(_Module):
    """After module.eval() the module still works as in training, and moves its running statistics. Test images must not
    leave traces in it."""

    def forward(self, x):
        self.norm.train()
        return torch.relu(self.norm(self.conv(x)))


@mistake("ConvBNReLU", row=66)
class module_evaluates_plainly(_Module):
    """In evaluation gamma and beta are left out. They are learnt, and belong to the result in both modes."""

    def forward(self, x):
        z = self.conv(x)
        if self.training:
            return torch.relu(self.norm(z))
        norm = self.norm
        return torch.relu(torch.nn.functional.batch_norm(z, norm.running_mean, norm.running_var, eps=norm.eps))


@mistake("ConvBNReLU", row=68)
class module_without_running_statistics(_Module):
    """There are no running statistics among the buffers. Evaluation needs them, and state_dict must carry them."""

    def __init__(self, *args):
        super().__init__(*args, track_running_stats=False)


@mistake("ConvBNReLU")
class module_without_affine(_Module):
    """gamma and beta are missing among the parameters: normalised values alone cannot be undone where that is
    better."""

    def __init__(self, *args):
        super().__init__(*args, affine=False)


@mistake("ConvBNReLU", row=63)
class module_momentum_exchanged(_Module):
    """The running statistics nearly forget the past: momentum 0.1 weighs the new batch, and 0.9 what was there."""

    def __init__(self, *args):
        super().__init__(*args, momentum=0.9)


@mistake("ConvBNReLU")
class module_large_eps(_Module):
    """eps is 0.001, as in Keras. torch's default is 1e-5."""

    def __init__(self, *args):
        super().__init__(*args, eps=1e-3)


@mistake("ConvBNReLU", row=64)
class module_running_variance_biased(_Module):
    """The running variance averages the biased variances. In torch the batch is normalised with the biased one, and the
    unbiased one is what is remembered."""

    def forward(self, x):
        old = self.norm.running_var.clone()
        z = self.conv(x)
        y = torch.relu(self.norm(z))
        if self.training:
            n = z.numel() / z.shape[1]
            with torch.no_grad():
                new = (self.norm.running_var - 0.9 * old) * (n - 1) / n
                self.norm.running_var.copy_(0.9 * old + new)
        return y


@mistake("ConvBNReLU")
class module_cuts_the_graph(_Module):
    """Nothing before the normalisation gets a gradient: what the convolution gives is taken out of the graph."""

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x).detach()))


@mistake("ConvBNReLU", row=69)
class module_one_mean_for_all(_Module):
    """One mean and one variance serve all channels in training. Each channel has its own, over samples and places."""

    def forward(self, x):
        z = self.conv(x)
        y = self.norm(z)
        if self.training:
            z_hat = (z - z.mean()) / (z.var(unbiased=False) + self.norm.eps).sqrt()
            y = z_hat * self.norm.weight[:, None, None] + self.norm.bias[:, None, None]
        return torch.relu(y)
