"""Unit 1, convolution as a linear operator: the reference.

Layers of neural networks compute cross-correlation and call it convolution; here each has its own name.
Goodfellow, Bengio and Courville, Deep Learning (2016), chapter 9, is cited as [DL].
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

NUMPY_PAD_MODE = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def convolve1d(x: np.ndarray, w: np.ndarray, mode: str = "full") -> np.ndarray:
    """Discrete convolution of two sequences that are zero outside their support.

    Parameters
    ----------
    x : (L,) array
    w : (K,) array
    mode : "full", "valid" or "same"
        "full": every t where the two overlap at all, L + K - 1 entries. "valid": every t where the shorter
        lies inside the longer, max(L, K) - min(L, K) + 1 entries. "same": the max(L, K) entries of "full"
        that begin with number (min(L, K) - 1) // 2.

    Returns
    -------
    s : (L',) array, the same dtype as x

    Raises
    ------
    ValueError
        If mode is another word.

    Notes
    -----
    s[t] = sum over a of x[a] w[t - a]: [DL], equation 9.3. The operation is commutative, so that the longer
    array may be called the signal. The conventions are those of numpy.convolve.

    Examples
    --------
    >>> convolve1d(np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0]))
    array([ 1., 12., 23., 30.])
    >>> convolve1d(np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0]), mode="valid")
    array([12., 23.])
    """
    signal, kernel = (x, w) if len(x) >= len(w) else (w, x)
    k = len(kernel)
    full = sliding_window_view(np.pad(signal, k - 1), k) @ kernel[::-1]
    match mode:
        case "full":
            return full
        case "valid":
            return full[k - 1 : len(signal)]
        case "same":
            return full[(k - 1) // 2 :][: len(signal)]
    raise ValueError(f"mode is 'full', 'valid' or 'same', not {mode!r}")


def cross_correlate2d(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Cross-correlation of an image with a kernel, wherever the kernel lies inside the image.

    Parameters
    ----------
    image : (H, W) array
    kernel : (KH, KW) array, not larger than the image

    Returns
    -------
    y : (H - KH + 1, W - KW + 1) array

    Notes
    -----
    y[i, j] = sum over m, n of image[i + m, j + n] kernel[m, n]: [DL], equation 9.6.

    Examples
    --------
    >>> cross_correlate2d(np.arange(6.0).reshape(2, 3), np.array([[1.0, 10.0]]))
    array([[10., 21.],
           [43., 54.]])
    """
    return np.tensordot(sliding_window_view(image, kernel.shape), kernel, axes=2)


def convolve2d(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Full convolution of two images that are zero outside their support.

    Parameters
    ----------
    image : (H, W) array
    kernel : (KH, KW) array, of any size

    Returns
    -------
    s : (H + KH - 1, W + KW - 1) array

    Notes
    -----
    s[i, j] = sum over m, n of image[m, n] kernel[i - m, j - n]: [DL], equation 9.4.

    Examples
    --------
    >>> convolve2d(np.array([[1.0, 2.0]]), np.array([[1.0, 10.0], [0.0, 3.0]]))
    array([[ 1., 12., 20.],
           [ 0.,  3.,  6.]])
    """
    kh, kw = kernel.shape
    around = np.pad(image, ((kh - 1, kh - 1), (kw - 1, kw - 1)))
    return cross_correlate2d(around, kernel[::-1, ::-1])


def pad2d(x: np.ndarray, padding: tuple[int, int, int, int], mode: str = "constant") -> np.ndarray:
    """Continue a batch of images beyond its borders.

    Parameters
    ----------
    x : (N, C, H, W) array
    padding : (left, right, top, bottom), each >= 0; for "reflect" smaller than the size of its axis, for
        "circular" at most that size
    mode : "constant" (zeros), "reflect" (mirrored, the border pixel not repeated), "replicate" (the border
        pixel repeated) or "circular" (periodic)

    Returns
    -------
    y : (N, C, top + H + bottom, left + W + right) array

    Raises
    ------
    ValueError
        If mode is another word.

    Notes
    -----
    As torch.nn.functional.pad, whose padding begins with the last axis, too.

    Examples
    --------
    >>> pad2d(np.array([[[[1.0, 2.0, 3.0]]]]), (2, 1, 0, 0), mode="reflect")
    array([[[[3., 2., 1., 2., 3., 2.]]]])
    """
    if mode not in NUMPY_PAD_MODE:
        raise ValueError(f"mode is one of {', '.join(NUMPY_PAD_MODE)}, not {mode!r}")
    left, right, top, bottom = padding
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), mode=NUMPY_PAD_MODE[mode])


def conv_matrix(kernel: np.ndarray, height: int, width: int) -> np.ndarray:
    """The matrix that cross-correlates every image of one size with a kernel.

    Parameters
    ----------
    kernel : (KH, KW) array
    height, width : int, the images' size, at least the kernel's

    Returns
    -------
    matrix : ((height - KH + 1) * (width - KW + 1), height * width) array, doubly block Toeplitz;
        matrix @ image.ravel() equals cross_correlate2d(image, kernel).ravel()

    Notes
    -----
    Row (i, j) holds the kernel, not flipped, where it lies on the image when its corner is at (i, j); [DL],
    section 9.1.

    Examples
    --------
    >>> conv_matrix(np.array([[1.0, 2.0]]), 1, 4)
    array([[1., 2., 0., 0.],
           [0., 1., 2., 0.],
           [0., 0., 1., 2.]])
    """
    kh, kw = kernel.shape
    out_h, out_w = height - kh + 1, width - kw + 1
    matrix = np.zeros((out_h, out_w, height, width), kernel.dtype)
    i, j, m, n = np.ogrid[:out_h, :out_w, :kh, :kw]
    matrix[i, j, i + m, j + n] = kernel
    return matrix.reshape(out_h * out_w, height * width)


def cross_correlate2d_backward(dy: np.ndarray, image: np.ndarray, kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of a loss through cross_correlate2d.

    Parameters
    ----------
    dy : (H - KH + 1, W - KW + 1) array, the loss's gradient with respect to cross_correlate2d(image, kernel)
    image : (H, W) array
    kernel : (KH, KW) array

    Returns
    -------
    dimage : (H, W) array
    dkernel : (KH, KW) array

    Notes
    -----
    Both maps, image -> y and kernel -> y, are linear, and a gradient goes back through the transpose of their
    matrix. Scattering dy by the kernel is the full convolution; gathering the image by dy is a
    cross-correlation. [DL], section 9.5, equations 9.13 and 9.11.

    Examples
    --------
    >>> image, kernel, dy = np.array([[3.0, 4.0, 5.0]]), np.array([[1.0, 6.0]]), np.array([[1.0, 2.0]])
    >>> cross_correlate2d_backward(dy, image, kernel)
    (array([[ 1.,  8., 12.]]), array([[11., 14.]]))
    """
    return convolve2d(dy, kernel), cross_correlate2d(image, dy)


def parameter_count(kind: str, n_inputs: int, n_outputs: int, k: int) -> int:
    """Number of weights that connect n_inputs to n_outputs, without biases and ignoring borders.

    Parameters
    ----------
    kind : "dense" (every output sees every input), "local" (every output sees k inputs, with weights of its
        own) or "shared" (every output sees k inputs, with the same k weights)
    n_inputs, n_outputs : int
    k : int, the number of inputs that an output sees: 9 for a 3 x 3 kernel

    Returns
    -------
    count : int

    Raises
    ------
    ValueError
        If kind is another word.

    Notes
    -----
    [DL], section 9.2: m n, k n and k.

    Examples
    --------
    >>> [parameter_count(kind, 100, 64, 9) for kind in ("dense", "local", "shared")]
    [6400, 576, 9]
    """
    match kind:
        case "dense":
            return n_inputs * n_outputs
        case "local":
            return k * n_outputs
        case "shared":
            return k
    raise ValueError(f"kind is 'dense', 'local' or 'shared', not {kind!r}")


def equivariance_error(f: Callable, g_in: Callable, g_out: Callable, x: np.ndarray) -> float:
    """How far f is from commuting with a change of its input: 0 if f(g_in(x)) = g_out(f(x)).

    Parameters
    ----------
    f : callable, an array to an array
    g_in : callable, the change on f's inputs
    g_out : callable, the same change on f's outputs
    x : array of any shape

    Returns
    -------
    error : float, ||f(g_in(x)) - g_out(f(x))|| / ||g_out(f(x))||, roots of sums of squares over all entries

    Notes
    -----
    Equivariance is defined in [DL], section 9.2.

    Examples
    --------
    >>> equivariance_error(np.square, np.negative, np.negative, np.array([3.0, 4.0]))
    2.0
    """
    wanted = g_out(f(x))
    return float(np.linalg.norm(f(g_in(x)) - wanted) / np.linalg.norm(wanted))


def numerical_gradient(f: Callable, x: np.ndarray, dy: np.ndarray, h: float = 1e-6) -> np.ndarray:
    """Gradient of <dy, f(x)> with respect to x by central differences.

    Parameters
    ----------
    f : callable, an array of x's shape to an array of dy's shape
    x : float64 array of any shape
    dy : float64 array
    h : float, the step, taken in each direction

    Returns
    -------
    dx : float64 array of x's shape

    Notes
    -----
    dx[i] = <dy, f(x + h e_i) - f(x - h e_i)> / (2 h), with an error of order h squared.

    Examples
    --------
    >>> numerical_gradient(np.square, np.array([1.0, 2.0]), np.array([1.0, 10.0])).round(6)
    array([ 2., 40.])
    """
    dx = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        # Two new arrays: f may hand back its own argument.
        up, down = x.copy(), x.copy()
        up[at] += h
        down[at] -= h
        dx[at] = np.sum(dy * (f(up) - f(down))) / (2 * h)
    return dx


def rot90_symmetrize(kernel: np.ndarray) -> np.ndarray:
    """The mean of a kernel over the four rotations by multiples of 90 degrees.

    Parameters
    ----------
    kernel : (K, K) array

    Returns
    -------
    symmetric : (K, K) array, equal to its own rotations, so that cross-correlation with it commutes with a
        rotation of the image by 90 degrees

    Notes
    -----
    The mean over a group projects onto what the group leaves as it is: Cohen and Welling, Group Equivariant
    Convolutional Networks (2016).

    Examples
    --------
    >>> rot90_symmetrize(np.array([[4.0, 0.0], [0.0, 0.0]]))
    array([[1., 1.],
           [1., 1.]])
    """
    return sum(np.rot90(kernel, quarter) for quarter in range(4)) / 4
