"""Right answers of unit 9 in other styles: loops, other algebra, other caches."""

from __future__ import annotations

import math

import numpy as np
import torch

from autograder.variants import variant
from solutions import architectures as right
from solutions.conv_layer import conv2d_backward, conv2d_forward
from solutions.pooling import max_pool2d_backward, max_pool2d_forward

# inception

_PADDING = {"1": 0, "3r": 0, "3": 1, "5r": 0, "5": 2, "p": 0}


def _layer(x, params, name):
    z, cache = conv2d_forward(x, params["w" + name], params["b" + name], padding=_PADDING[name])
    return z * (z > 0), (cache, z)


def _chained_backward(dy, cache):
    dparams, dx, start = {}, 0, 0
    for chain, pool, width in cache:
        flow = dy[:, start : start + width]
        start += width
        for name, (conv, z) in reversed(chain):
            flow, dparams["w" + name], dparams["b" + name] = conv2d_backward(flow * (z > 0), conv)
        dx = dx + (flow if pool is None else max_pool2d_backward(flow, pool))
    return [dx, dparams]


@variant("inception_forward", also={"inception_backward": _chained_backward})
def inception_of_chains(x, params):
    """Each branch is a chain of layers; the result is filled in piece by piece."""
    cache, pieces = [], []
    for names in (("1",), ("3r", "3"), ("5r", "5"), ("p",)):
        flow, pool, chain = x, None, []
        if names == ("p",):
            flow, pool = max_pool2d_forward(x, 3, stride=1, padding=1)
        for name in names:
            flow, layer = _layer(flow, params, name)
            chain.append((name, layer))
        pieces.append(flow)
        cache.append((chain, pool, flow.shape[1]))
    y = np.empty((len(x), sum(piece.shape[1] for piece in pieces), *x.shape[2:]), x.dtype)
    start = 0
    for piece in pieces:
        y[:, start : start + piece.shape[1]] = piece
        start += piece.shape[1]
    return [y, cache]


def _one_matrix_backward(dy, cache):
    dx, dparams = right.inception_backward(dy, cache)
    return dx, dict(sorted(dparams.items()))


@variant("inception_forward", also={"inception_backward": _one_matrix_backward})
def inception_reductions_at_once(x, params):
    """The three 1×1 convolutions of x are one, with their weights stacked."""
    names = ("1", "3r", "5r")
    weight = np.concatenate([params["w" + name] for name in names])
    bias = np.concatenate([params["b" + name] for name in names])
    z = np.einsum("oc,nchw->nohw", weight[:, :, 0, 0], x) + bias[:, None, None]
    widths = np.cumsum([len(params["b" + name]) for name in names])[:-1]
    y1, r3, r5 = np.split(np.maximum(z, 0), widths, axis=1)
    y3 = np.maximum(conv2d_forward(r3, params["w3"], params["b3"], padding=1)[0], 0)
    y5 = np.maximum(conv2d_forward(r5, params["w5"], params["b5"], padding=2)[0], 0)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    shifted = [padded[:, :, i : i + x.shape[2], j : j + x.shape[3]] for i in range(3) for j in range(3)]
    yp = np.einsum("oc,nchw->nohw", params["wp"][:, :, 0, 0], np.max(shifted, axis=0)) + params["bp"][:, None, None]
    return np.hstack([y1, y3, y5, np.maximum(yp, 0)]), right.inception_forward(x, params)[1]


# residual_block


def _residual_backward_in_place(dy, cache):
    x, params, z1, h, total = cache
    dtotal = dy.copy()
    dtotal[total <= 0] = 0
    dh, dw2, db2 = conv2d_backward(dtotal, conv2d_forward(h, params["w2"], params["b2"], padding=1)[1])
    dh[z1 <= 0] = 0
    dx, dw1, db1 = conv2d_backward(dh, conv2d_forward(x, params["w1"], params["b1"], padding=1)[1])
    dparams = {"w2": dw2, "b2": db2, "w1": dw1, "b1": db1}
    if "ws" in params:
        dparams["ws"] = np.einsum("nohw,nchw->oc", dtotal, x)[:, :, None, None]
        dx += np.einsum("nohw,oc->nchw", dtotal, params["ws"][:, :, 0, 0])
    else:
        dx += dtotal
    return dx, dparams


@variant("residual_block_forward", also={"residual_block_backward": _residual_backward_in_place})
def residual_block_keeping_inputs(x, params):
    """The cache holds inputs; the projection is a product over channels."""
    z1 = conv2d_forward(x, params["w1"], params["b1"], padding=1)[0]
    h = np.maximum(z1, 0)
    total = conv2d_forward(h, params["w2"], params["b2"], padding=1)[0]
    total += np.einsum("oc,nchw->nohw", params["ws"][:, :, 0, 0], x) if "ws" in params else x
    return np.maximum(total, 0), (x, params, z1, h, total)


# augmentation


@variant("horizontal_flip")
def horizontal_flip_by_take(x):
    return np.take(x, range(x.shape[3] - 1, -1, -1), axis=3)


@variant("affine_sample")
def affine_sample_in_a_frame(x, theta):
    """The image stands in a frame of zeros, and places are clipped to it."""
    n, c, height, width = x.shape
    framed = np.pad(x, ((0, 0), (0, 0), (1, 2), (1, 2)))
    y = np.empty_like(x)
    j, i = np.meshgrid(np.arange(width), np.arange(height))
    base = np.stack([(j + 0.5) * 2 / width - 1, (i + 0.5) * 2 / height - 1, np.ones(j.shape)], axis=-1)
    for k in range(n):
        u, v = np.moveaxis(base @ theta[k].T.astype(float), -1, 0)
        column = np.clip((u * width + width - 1) / 2, -1, width) + 1
        row = np.clip((v * height + height - 1) / 2, -1, height) + 1
        left, top = column.astype(int), row.astype(int)
        s, t = column - left, row - top
        for channel in range(c):
            f = framed[k, channel]
            upper = f[top, left] * (1 - s) + f[top, left + 1] * s
            lower = f[top + 1, left] * (1 - s) + f[top + 1, left + 1] * s
            y[k, channel] = upper * (1 - t) + lower * t
    return y


@variant("affine_sample")
def affine_sample_by_matrices(x, theta):
    """Bilinear weights are hats: one weight for each pair of an output and an input pixel."""
    height, width = x.shape[2:]
    u, v = (np.arange(width) + 0.5) * 2 / width - 1, (np.arange(height) + 0.5) * 2 / height - 1
    places = np.stack([np.tile(u, height), np.repeat(v, width), np.ones(height * width)])
    read = theta @ places
    column, row = ((read[:, 0] + 1) * width - 1) / 2, ((read[:, 1] + 1) * height - 1) / 2
    hat_x = np.maximum(0, 1 - np.abs(column[:, :, None] - np.arange(width)))
    hat_y = np.maximum(0, 1 - np.abs(row[:, :, None] - np.arange(height)))
    return np.einsum("nchw,nph,npw->ncp", x, hat_y, hat_x).reshape(x.shape).astype(x.dtype)


# looking_inside


@variant("class_activation_map")
def class_activation_map_by_loop(features, class_weights):
    found = np.zeros(features.shape[1:], features.dtype)
    for channel, weight in zip(features, class_weights, strict=True):
        found += weight * channel
    return found


@variant("occlusion_map")
def occlusion_map_putting_back(f, x, size, stride):
    """One copy, in which every square is put back."""
    image, whole = x.copy(), f(x)
    fall = []
    for top in range(0, x.shape[1] - size + 1, stride):
        for left in range(0, x.shape[2] - size + 1, stride):
            square = image[:, top : top + size, left : left + size]
            kept = square.copy()
            square[...] = 0
            fall.append(whole - f(image))
            square[...] = kept
    return np.array(fall, x.dtype).reshape((x.shape[1] - size) // stride + 1, -1)


@variant("linear_cka")
def linear_cka_by_gram_matrices(a, b):
    """The same number from the N by N matrices of inner products."""
    k, m = (c @ c.T for c in (a - a.mean(axis=0), b - b.mean(axis=0)))
    return np.sum(k * m) / np.sqrt(np.sum(k * k) * np.sum(m * m))


# linear_probe


@variant("linear_probe")
def linear_probe_with_ones(features, targets, n_classes, strength):
    """A column of ones for the bias, with a penalty of 0."""
    n, p = features.shape
    design = np.column_stack([features, np.ones(n, features.dtype)])
    penalty = np.diag([strength] * p + [0.0]).astype(features.dtype)
    outputs = np.zeros((n, n_classes), features.dtype)
    outputs[np.arange(n), targets] = 1
    both = np.linalg.solve(design.T @ design + penalty, design.T @ outputs)
    return both[:-1].T, both[-1]


@variant("linear_probe")
def linear_probe_by_more_rows(features, targets, n_classes, strength):
    """The penalty as further examples of a least-squares problem."""
    p = features.shape[1]
    mean = features.mean(axis=0)
    outputs = np.eye(n_classes)[targets]
    rows = np.vstack([features - mean, math.sqrt(strength) * np.eye(p)])
    solved = np.linalg.lstsq(rows, np.vstack([outputs - outputs.mean(axis=0), np.zeros((p, n_classes))]), rcond=None)[0]
    weight = solved.T.astype(features.dtype)
    return weight, (outputs.mean(axis=0) - weight @ mean).astype(features.dtype)


# audit


@variant("effect_interval")
def effect_interval_by_integers(a, b, rng, level=0.95, draws=2000):
    """Positions are drawn, first those of b, and the ends are picked from the sorted differences."""
    from_b = b[rng.integers(len(b), size=(draws, len(b)))].mean(axis=1)
    from_a = a[rng.integers(len(a), size=(draws, len(a)))].mean(axis=1)
    ordered = np.sort(from_a - from_b)
    tail = int(draws * (1 - level) / 2)
    return np.mean(a) - np.mean(b), ordered[tail], ordered[draws - 1 - tail]


@variant("effect_interval")
def effect_interval_by_loop(a, b, rng, level=0.95, draws=2000):
    """One draw after another."""
    differences = []
    for _ in range(draws):
        differences.append(np.mean(rng.choice(a, size=a.size)) - np.mean(rng.choice(b, size=b.size)))
    low, high = np.percentile(differences, [50 * (1 - level), 50 * (1 + level)], method="nearest")
    return [a.mean() - b.mean(), low, high]


@variant("effect_interval")
def effect_interval_by_counts(a, b, rng, level=0.95, draws=2000):
    """How often each run is picked is multinomial."""
    counts_a = rng.multinomial(len(a), np.full(len(a), 1 / len(a)), draws)
    counts_b = rng.multinomial(len(b), np.full(len(b), 1 / len(b)), draws)
    differences = counts_a @ a / len(a) - counts_b @ b / len(b)
    return (a.mean() - b.mean(), *np.quantile(differences, [(1 - level) / 2, 1 - (1 - level) / 2], method="hazen"))


# in_pytorch


@variant("BatchNormFunction")
class FunctionByTheGraph(torch.autograd.Function):
    """Node by node, with the input and what is known of it kept apart."""

    @staticmethod
    def forward(ctx, x, gamma, beta, eps):
        ctx.save_for_backward(x, gamma)
        ctx.eps = eps
        return torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)

    @staticmethod
    def backward(ctx, dy):
        x, gamma = ctx.saved_tensors
        n = x.shape[0]
        centred = x - x.sum(0) / n
        inverse = 1 / torch.sqrt((centred * centred).sum(0) / n + ctx.eps)
        dvar = -0.5 * inverse**3 * (dy * gamma * centred).sum(0)
        dcentred = dy * gamma * inverse + 2 * centred * dvar / n
        return dcentred - dcentred.sum(0) / n, (dy * centred * inverse).sum(0), dy.sum(0), None


@variant("ConvBNReLU")
class ModuleBySequence(torch.nn.Module):
    """The three modules as one sequence."""

    def __init__(self, in_channels, out_channels, kernel_size, padding=0):
        super().__init__()
        conv = torch.nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding, bias=False)
        self.block = torch.nn.Sequential(conv, torch.nn.BatchNorm2d(out_channels), torch.nn.ReLU(inplace=True))

    def forward(self, x):
        return self.block(x)


@variant("ConvBNReLU")
class ModuleByHand(torch.nn.Module):
    """Parameters and buffers of its own, gamma and beta before the kernel, no counter of batches."""

    def __init__(self, in_channels, out_channels, kernel_size, padding):
        super().__init__()
        self.gamma = torch.nn.Parameter(torch.ones(out_channels))
        self.beta = torch.nn.Parameter(torch.zeros(out_channels))
        self.kernel = torch.nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size))
        self.register_buffer("mean", torch.zeros(out_channels))
        self.register_buffer("variance", torch.ones(out_channels))
        self.padding = padding

    def forward(self, x):
        z = torch.nn.functional.conv2d(x, self.kernel, padding=self.padding)
        mean, variance = self.mean, self.variance
        if self.training:
            mean, variance = z.mean((0, 2, 3)), z.var((0, 2, 3), unbiased=False)
            n = z.numel() // z.shape[1]
            with torch.no_grad():
                self.mean.mul_(0.9).add_(0.1 * mean)
                self.variance.mul_(0.9).add_(0.1 * variance * n / (n - 1))
        scale = self.gamma / (variance + 1e-5).sqrt()
        return ((z - mean[:, None, None]) * scale[:, None, None] + self.beta[:, None, None]).clamp_min(0)
