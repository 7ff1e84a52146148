"""Right answers of unit 2 in other styles: all of them must get full marks."""

from __future__ import annotations

import math
import types
import warnings

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from autograder.variants import variant


def _pad(x, padding):
    return np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))


def _count(size, kernel_size, stride, padding, dilation=1):
    return (size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1


# conv_output_size


@variant("conv_output_size")
def output_size_by_trying(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    """Puts one window after the other."""
    reach, end, count, start = dilation * (kernel_size - 1), size + padding, 0, -padding
    while start + reach < end:
        count, start = count + 1, start + stride
    # In ceil mode one more may begin inside the image, if something was left over behind the last.
    if ceil_mode and start - stride + reach < end - 1 and start < size:
        count += 1
    if not count:
        raise ValueError("too small")
    return count


@variant("conv_output_size")
def output_size_in_floats(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    """With true division and math.floor; a NumPy number."""
    quotient = (size + 2 * padding - dilation * (kernel_size - 1) - 1) / stride
    found = float(math.ceil(quotient) if ceil_mode else math.floor(quotient)) + 1.0
    if ceil_mode and (found - 1) * stride >= size + padding:
        found -= 1
    if found <= 0:
        raise ValueError
    return np.int64(found)


# conv2d_naive


@variant("conv2d_naive")
def naive_with_seven_loops(x, weight, bias=None, stride=1, padding=0):
    n, c_in, h, w = x.shape
    c_out, _, kh, kw = weight.shape
    y = np.zeros((n, c_out, _count(h, kh, stride, padding), _count(w, kw, stride, padding)), dtype=x.dtype)
    for s in range(n):
        for o in range(c_out):
            for i in range(y.shape[2]):
                for j in range(y.shape[3]):
                    total = 0.0 if bias is None else bias[o]
                    for c in range(c_in):
                        for u in range(kh):
                            for v in range(kw):
                                row, col = i * stride + u - padding, j * stride + v - padding
                                if 0 <= row < h and 0 <= col < w:
                                    total = total + x[s, c, row, col] * weight[o, c, u, v]
                    y[s, o, i, j] = total
    return y


@variant("conv2d_naive")
def naive_with_einsum(x, weight, bias=None, stride=1, padding=0):
    windows = sliding_window_view(_pad(x, padding), weight.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    y = np.einsum("ncijuv,ocuv->noij", windows, weight)
    return y if bias is None else y + bias.reshape(1, -1, 1, 1)


# im2col


def _indices(c, h, w, kernel_size, stride, padding, dilation):
    """Index arrays (C KH KW, 1 or L) into a padded image."""
    kh, kw = kernel_size
    out_h, out_w = _count(h, kh, stride, padding, dilation), _count(w, kw, stride, padding, dilation)
    rows = np.tile(np.repeat(np.arange(kh) * dilation, kw), c)[:, None] + stride * np.repeat(np.arange(out_h), out_w)
    cols = np.tile(np.arange(kw) * dilation, kh * c)[:, None] + stride * np.tile(np.arange(out_w), out_h)
    return np.repeat(np.arange(c), kh * kw)[:, None], rows, cols


@variant("im2col")
def im2col_with_index_arrays(x, kernel_size, stride=1, padding=0, dilation=1):
    return _pad(x, padding)[:, *_indices(*x.shape[1:], kernel_size, stride, padding, dilation)]


@variant("im2col")
def im2col_window_by_window(x, kernel_size, stride=1, padding=0, dilation=1):
    (kh, kw), padded, columns = kernel_size, _pad(x, padding), []
    for top in range(0, padded.shape[2] - dilation * (kh - 1), stride):
        for left in range(0, padded.shape[3] - dilation * (kw - 1), stride):
            window = padded[:, :, top : top + dilation * kh : dilation, left : left + dilation * kw : dilation]
            columns.append(window[:, :, :kh, :kw].reshape(len(x), -1))
    return np.stack(columns, axis=-1)


@variant("im2col")
def im2col_with_strides(x, kernel_size, stride=1, padding=0, dilation=1):
    (kh, kw), (n, c, h, w) = kernel_size, x.shape
    padded = np.ascontiguousarray(_pad(x, padding))
    a, b, down, over = padded.strides
    shape = n, c, kh, kw, _count(h, kh, stride, padding, dilation), _count(w, kw, stride, padding, dilation)
    view = as_strided(
        padded, shape, (a, b, dilation * down, dilation * over, stride * down, stride * over), writeable=False
    )
    return view.reshape(n, c * kh * kw, -1)


# col2im


@variant("col2im")
def col2im_with_add_at(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    (h, w), c = output_size, columns.shape[1] // math.prod(kernel_size)
    padded = np.zeros((len(columns), c, h + 2 * padding, w + 2 * padding), columns.dtype)
    np.add.at(padded, (slice(None), *_indices(c, h, w, kernel_size, stride, padding, dilation)), columns)
    return padded[:, :, padding : h + padding, padding : w + padding]


@variant("col2im")
def col2im_window_by_window(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    (h, w), (kh, kw) = output_size, kernel_size
    n, rows, count = columns.shape
    padded = np.zeros((n, rows // (kh * kw), h + 2 * padding, w + 2 * padding), columns.dtype)
    across = _count(w, kw, stride, padding, dilation)
    for at in range(count):
        i, j = divmod(at, across)
        for u in range(kh):
            for v in range(kw):
                entries = columns.reshape(n, -1, kh, kw, count)[:, :, u, v, at]
                padded[:, :, i * stride + u * dilation, j * stride + v * dilation] += entries
    if padding > 0:
        padded = padded[:, :, padding:-padding, padding:-padding]
    return padded


@variant("col2im")
def col2im_with_bincount(columns, output_size, kernel_size, stride=1, padding=0, dilation=1):
    (h, w), n, c = output_size, len(columns), columns.shape[1] // math.prod(kernel_size)
    wide = w + 2 * padding
    plane, rows, cols = _indices(c, h, w, kernel_size, stride, padding, dilation)
    at = (plane * (h + 2 * padding) + rows) * wide + cols
    size = c * (h + 2 * padding) * wide
    flat = np.stack([np.bincount(at.ravel(), one.ravel(), size) for one in columns])
    padded = flat.reshape(n, c, h + 2 * padding, wide).astype(columns.dtype)
    return padded[:, :, padding : h + padding, padding : w + padding]


# conv2d


def _backward_from_dict(dy, cache):
    x, weight, stride, padding, dilation, groups = (
        cache[k] for k in ("x", "w", "stride", "padding", "dilation", "groups")
    )
    (n, c, h, w), (per, kh, kw), (out_h, out_w) = x.shape, weight.shape[1:], dy.shape[2:]
    padded = _pad(x, padding).reshape(n, groups, per, h + 2 * padding, w + 2 * padding)
    dout, filters = dy.reshape(n, groups, -1, out_h, out_w), weight.reshape(groups, -1, per, kh, kw)
    dpadded, dfilters = np.zeros_like(padded), np.zeros_like(filters)
    for u in range(kh):
        for v in range(kw):
            rows = slice(u * dilation, u * dilation + stride * (out_h - 1) + 1, stride)
            cols = slice(v * dilation, v * dilation + stride * (out_w - 1) + 1, stride)
            dfilters[..., u, v] = np.einsum("ngoij,ngcij->goc", dout, padded[..., rows, cols])
            dpadded[..., rows, cols] += np.einsum("ngoij,goc->ngcij", dout, filters[..., u, v])
    dx = dpadded.reshape(n, c, h + 2 * padding, -1)[:, :, padding : padding + h, padding : padding + w]
    return [dx, dfilters.reshape(weight.shape), np.einsum("noij->o", dy) if cache["bias"] else None]


@variant("conv2d_forward", also={"conv2d_backward": _backward_from_dict})
def conv2d_entry_by_entry(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """A loop over the kernel's entries and no im2col; the cache is a dict, tuples are lists."""
    (n, _, h, w), (c_out, per, kh, kw) = x.shape, weight.shape
    out_h, out_w = _count(h, kh, stride, padding, dilation), _count(w, kw, stride, padding, dilation)
    padded = _pad(x, padding).reshape(n, groups, per, h + 2 * padding, w + 2 * padding)
    filters = weight.reshape(groups, -1, per, kh, kw)
    y = np.zeros((n, groups, c_out // groups, out_h, out_w), x.dtype)
    for u in range(kh):
        for v in range(kw):
            rows = slice(u * dilation, u * dilation + stride * (out_h - 1) + 1, stride)
            cols = slice(v * dilation, v * dilation + stride * (out_w - 1) + 1, stride)
            y += np.einsum("ngcij,goc->ngoij", padded[..., rows, cols], filters[..., u, v])
    y = y.reshape(n, c_out, out_h, out_w)
    if bias is not None:
        y = y + bias[None, :, None, None]
    names = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "bias": bias is not None,
    }
    return [y, {"x": x, "w": weight, **names}]


@variant("conv2d_forward", also={"conv2d_backward": lambda dy, cache: cache(dy)})
def conv2d_with_a_closure(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """einsum over windows; the cache is the backward pass itself. It prints and warns on the way."""
    print("shapes", x.shape, weight.shape)
    warnings.warn("slow", stacklevel=1)
    n, c, h, w = x.shape
    kh, kw = weight.shape[2:]
    padded = _pad(x, padding).reshape(n, groups, c // groups, h + 2 * padding, w + 2 * padding)
    reach = dilation * (kh - 1) + 1, dilation * (kw - 1) + 1

    def windows_of(image):
        every = sliding_window_view(image, reach, axis=(3, 4), writeable=image.flags.writeable)
        return every[..., ::stride, ::stride, ::dilation, ::dilation]

    filters = weight.reshape(groups, -1, *weight.shape[1:])
    y = np.einsum("ngcijuv,gocuv->ngoij", windows_of(padded), filters)
    y = y.reshape(n, len(weight), *y.shape[3:])

    def backward(dy):
        dout = dy.reshape(n, groups, -1, *dy.shape[2:])
        dfilters = np.einsum("ngcijuv,ngoij->gocuv", windows_of(padded), dout)
        # Which pixel each window's entry is, then one sum by pixel.
        at = windows_of(np.arange(padded.size).reshape(padded.shape))
        sent = np.einsum("gocuv,ngoij->ngcijuv", filters, dout)
        dpadded = np.bincount(at.ravel(), sent.ravel(), padded.size).astype(dy.dtype)
        dpadded = dpadded.reshape(n, c, h + 2 * padding, w + 2 * padding)
        dx = dpadded[:, :, padding : padding + h, padding : padding + w]
        return dx, dfilters.reshape(weight.shape), None if bias is None else dy.sum(3).sum(2).sum(0)

    return (y if bias is None else y + bias[:, None, None]), backward


def _spectrum(a, size):
    return np.fft.rfft2(a.astype(np.float64), size)


def _grouped(image, groups):
    return image.reshape(len(image), groups, -1, *image.shape[2:])


def _spread(small, step, size):
    """`small` with step - 1 zeros between its entries, in an array of this size."""
    h, w = small.shape[-2:]
    wide = np.zeros((*small.shape[:-2], *size))
    wide[..., : step * (h - 1) + 1 : step, : step * (w - 1) + 1 : step] = small
    return wide


def _filters(weight, size, dilation, groups):
    """The spectra of the dilated kernels, (groups, C_out / groups, C_in / groups, ...)."""
    spectra = np.fft.rfft2(_spread(weight, dilation, size))
    return spectra.reshape(groups, len(weight) // groups, *spectra.shape[1:])


def _backward_by_fft(dy, cache):
    x, weight, size, options = cache.x, cache.weight, cache.size, cache.options
    stride, padding, dilation, groups = options
    (h, w), (kh, kw) = x.shape[2:], weight.shape[2:]
    dout = np.fft.rfft2(_grouped(_spread(dy, stride, size), groups))
    filters = _filters(weight, size, dilation, groups)
    image = _grouped(_spectrum(_pad(x, padding), size), groups)
    dx = np.fft.irfft2(np.einsum("ngoab,gocab->ngcab", dout, filters), size).reshape(len(x), -1, *size)
    dfilters = np.fft.irfft2(np.einsum("ngcab,ngoab->gocab", image, dout.conj()), size).reshape(
        *weight.shape[:2], *size
    )
    dweight = dfilters[:, :, : dilation * kh : dilation, : dilation * kw : dilation][:, :, :kh, :kw]
    dx = dx[:, :, padding : padding + h, padding : padding + w]
    return dx.astype(dy.dtype), dweight.astype(dy.dtype), dy.sum((0, 2, 3)) if cache.has_bias else None


@variant("conv2d_forward", also={"conv2d_backward": _backward_by_fft})
def conv2d_by_fft(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The convolution theorem; the cache is an object."""
    (h, w), (kh, kw) = x.shape[2:], weight.shape[2:]
    size = h + 2 * padding + dilation * kh, w + 2 * padding + dilation * kw
    image = _grouped(_spectrum(_pad(x, padding), size), groups)
    filters = _filters(weight, size, dilation, groups)
    y = np.fft.irfft2(np.einsum("ngcab,gocab->ngoab", image, filters.conj()), size).reshape(len(x), -1, *size)
    out_h, out_w = _count(h, kh, stride, padding, dilation), _count(w, kw, stride, padding, dilation)
    y = y[:, :, ::stride, ::stride][:, :, :out_h, :out_w].astype(x.dtype)
    options = stride, padding, dilation, groups
    cache = types.SimpleNamespace(x=x, weight=weight, size=size, options=options, has_bias=bias is not None)
    return y if bias is None else y + bias.reshape(-1, 1, 1), cache


# conv_transpose2d


def _transpose_backward_by_gathering(dy, cache):
    x, weight, bias, stride, padding = cache
    wide = _pad(dy, padding)
    kh, kw = weight.shape[2:]
    dx, dweight = np.zeros_like(x), np.zeros_like(weight)
    for i in range(x.shape[2]):
        for j in range(x.shape[3]):
            patch = wide[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
            dx[:, :, i, j] = np.tensordot(patch, weight, axes=([1, 2, 3], [1, 2, 3]))
            dweight += np.einsum("nc,nouv->couv", x[:, :, i, j], patch)
    return dx, dweight, None if bias is None else dy.sum(axis=(0, 2, 3))


@variant("conv_transpose2d_forward", also={"conv_transpose2d_backward": _transpose_backward_by_gathering})
def transpose_stamp_by_stamp(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    n, _, h, w = x.shape
    _, c_out, kh, kw = weight.shape
    shape = n, c_out, (h - 1) * stride + kh + output_padding, (w - 1) * stride + kw + output_padding
    wide = np.zeros(shape, x.dtype)
    for i in range(h):
        for j in range(w):
            stamp = np.tensordot(x[:, :, i, j], weight, axes=1)
            wide[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] += stamp
    y = wide[:, :, padding : shape[2] - padding, padding : shape[3] - padding]
    if bias is not None:
        y = y + bias[:, np.newaxis, np.newaxis]
    return y, [x, weight, bias, stride, padding]


@variant("conv_transpose2d_forward", also={"conv_transpose2d_backward": _transpose_backward_by_gathering})
def transpose_by_inserting_zeros(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    """Zeros between the pixels, zeros around, then a convolution with the turned kernel."""
    n, c, h, w = x.shape
    kh, kw = weight.shape[2:]
    wide = np.zeros((n, c, (h - 1) * stride + 1 + output_padding, (w - 1) * stride + 1 + output_padding), x.dtype)
    wide[:, :, : (h - 1) * stride + 1 : stride, : (w - 1) * stride + 1 : stride] = x
    wide = np.pad(wide, ((0, 0), (0, 0), (kh - 1, kh - 1), (kw - 1, kw - 1)))
    windows = sliding_window_view(wide, (kh, kw), axis=(2, 3))
    y = np.einsum("ncijuv,couv->noij", windows, weight[:, :, ::-1, ::-1])
    y = y[:, :, padding : y.shape[2] - padding, padding : y.shape[3] - padding]
    return (y if bias is None else y + bias[:, None, None]), [x, weight, bias, stride, padding]


# receptive_field


@variant("receptive_field")
def field_from_the_top(layers):
    """One output, followed down to the image."""
    size, jump = 1, 1
    for kernel_size, stride, dilation in reversed(layers):
        size = (size - 1) * stride + dilation * (kernel_size - 1) + 1
        jump *= stride
    return [np.int64(size), np.array(jump)]


@variant("receptive_field")
def field_as_a_sum(layers):
    jumps = np.cumprod([1] + [stride for _, stride, _ in layers])
    return 1 + sum(d * (k - 1) * int(j) for (k, _, d), j in zip(layers, jumps, strict=False)), int(jumps[-1])
