"""Unit 9, networks, data, and the audit: the reference.

Blocks of networks are built from the layers of units 2 and 3: a fork of the data flow becomes a sum of gradients, a
join becomes a split. The exercise in torch has its classes in `solutions.in_pytorch`, loaded when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from solutions.conv_layer import conv2d_backward, conv2d_forward
from solutions.pooling import max_pool2d_backward, max_pool2d_forward, relu_backward, relu_forward


def __getattr__(name: str) -> type:
    """The two torch classes; torch is imported here and not before."""
    if name in ("BatchNormFunction", "ConvBNReLU"):
        from solutions import in_pytorch

        return getattr(in_pytorch, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _conv_relu_forward(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, padding: int) -> tuple:
    z, conv = conv2d_forward(x, weight, bias, padding=padding)
    y, relu = relu_forward(z)
    return y, (conv, relu)


def _conv_relu_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    conv, relu = cache
    return conv2d_backward(relu_backward(dy, relu), conv)


def inception_forward(x: np.ndarray, params: dict[str, np.ndarray]) -> tuple[np.ndarray, tuple]:
    """Four branches side by side, their channels joined.

    Parameters
    ----------
    x : (N, C, H, W) array
    params : dict of arrays
        w1, b1: the 1x1 branch; w3r, b3r, w3, b3: a 1x1 reduction, then 3x3; w5r, b5r, w5, b5: a 1x1 reduction, then
        5x5; wp, bp: the 1x1 projection after a 3x3 max pooling. Weights are (C_out, C_in, K, K), biases (C_out,).

    Returns
    -------
    y : (N, C1 + C3 + C5 + CP, H, W) array, the branches in this order
    cache : what inception_backward needs

    Notes
    -----
    Szegedy et al., Going deeper with convolutions (2015), figure 2b. A ReLU follows each convolution; strides are 1,
    padding keeps H and W, and the pooling's padding never wins.

    Examples
    --------
    >>> one = {name: np.ones((1, 1, k, k)) for name, k in dict(w1=1, w3r=1, w3=3, w5r=1, w5=5, wp=1).items()}
    >>> none = {name: np.zeros(1) for name in ("b1", "b3r", "b3", "b5r", "b5", "bp")}
    >>> y, _ = inception_forward(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), one | none)
    >>> y[0, :, 0, 0]
    array([ 1., 10., 10.,  4.])
    """
    y1, one = _conv_relu_forward(x, params["w1"], params["b1"], 0)
    r3, reduce3 = _conv_relu_forward(x, params["w3r"], params["b3r"], 0)
    y3, three = _conv_relu_forward(r3, params["w3"], params["b3"], 1)
    r5, reduce5 = _conv_relu_forward(x, params["w5r"], params["b5r"], 0)
    y5, five = _conv_relu_forward(r5, params["w5"], params["b5"], 2)
    pooled, pool = max_pool2d_forward(x, 3, stride=1, padding=1)
    yp, projection = _conv_relu_forward(pooled, params["wp"], params["bp"], 0)
    branches = [y1, y3, y5, yp]
    joints = np.cumsum([y.shape[1] for y in branches])[:-1]
    return np.concatenate(branches, axis=1), (one, reduce3, three, reduce5, five, pool, projection, joints)


def inception_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Gradients through the four branches: dy is split where they were joined, and their dx add up.

    Parameters
    ----------
    dy : (N, C1 + C3 + C5 + CP, H, W) array
    cache : from inception_forward

    Returns
    -------
    dx : (N, C, H, W) array
    dparams : dict of arrays, with exactly the keys of params

    Examples
    --------
    >>> one = {name: np.ones((1, 1, k, k)) for name, k in dict(w1=1, w3r=1, w3=3, w5r=1, w5=5, wp=1).items()}
    >>> none = {name: np.zeros(1) for name in ("b1", "b3r", "b3", "b5r", "b5", "bp")}
    >>> _, cache = inception_forward(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), one | none)
    >>> dy = np.zeros((1, 4, 2, 2))
    >>> dy[0, :, 0, 0] = 1.0
    >>> inception_backward(dy, cache)[0]
    array([[[[3., 2.],
             [2., 3.]]]])
    """
    one, reduce3, three, reduce5, five, pool, projection, joints = cache
    dy1, dy3, dy5, dyp = np.split(dy, joints, axis=1)
    d = {}
    dx1, d["w1"], d["b1"] = _conv_relu_backward(dy1, one)
    dr3, d["w3"], d["b3"] = _conv_relu_backward(dy3, three)
    dx3, d["w3r"], d["b3r"] = _conv_relu_backward(dr3, reduce3)
    dr5, d["w5"], d["b5"] = _conv_relu_backward(dy5, five)
    dx5, d["w5r"], d["b5r"] = _conv_relu_backward(dr5, reduce5)
    dpooled, d["wp"], d["bp"] = _conv_relu_backward(dyp, projection)
    return dx1 + dx3 + dx5 + max_pool2d_backward(dpooled, pool), d


def residual_block_forward(x: np.ndarray, params: dict[str, np.ndarray]) -> tuple[np.ndarray, tuple]:
    """relu(conv3(relu(conv3(x))) + shortcut): a block that learns the difference from its input.

    Parameters
    ----------
    x : (N, C, H, W) array
    params : dict of arrays
        w1 (M, C, 3, 3), b1 (M,), w2 (D, M, 3, 3), b2 (D,): the branch. ws (D, C, 1, 1), only where the shortcut is a
        projection: a 1x1 convolution without bias. Without the key ws the shortcut is x itself, and D = C.

    Returns
    -------
    y : (N, D, H, W) array
    cache : what residual_block_backward needs

    Notes
    -----
    He et al., Deep residual learning for image recognition (2016), equations 1 and 2.

    Examples
    --------
    >>> params = {"w1": np.ones((1, 1, 3, 3)), "b1": np.zeros(1), "w2": np.zeros((1, 1, 3, 3)), "b2": np.zeros(1)}
    >>> residual_block_forward(np.array([[[[-1.0, 2.0]]]]), params)[0]
    array([[[[0., 2.]]]])
    """
    hidden, first = _conv_relu_forward(x, params["w1"], params["b1"], 1)
    branch, second = conv2d_forward(hidden, params["w2"], params["b2"], padding=1)
    shortcut, projection = conv2d_forward(x, params["ws"]) if "ws" in params else (x, None)
    y, relu = relu_forward(branch + shortcut)
    return y, (first, second, projection, relu)


def residual_block_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Gradients of the block: both summands get the gradient of the sum, and x gets back from both.

    Parameters
    ----------
    dy : (N, D, H, W) array
    cache : from residual_block_forward

    Returns
    -------
    dx : (N, C, H, W) array
    dparams : dict of arrays, with exactly the keys of params

    Examples
    --------
    >>> params = {"w1": np.ones((1, 1, 3, 3)), "b1": np.zeros(1), "w2": np.zeros((1, 1, 3, 3)), "b2": np.zeros(1)}
    >>> _, cache = residual_block_forward(np.array([[[[-1.0, 2.0]]]]), params)
    >>> residual_block_backward(np.array([[[[5.0, 6.0]]]]), cache)[0]
    array([[[[0., 6.]]]])
    """
    first, second, projection, relu = cache
    dsum = relu_backward(dy, relu)
    dhidden, dw2, db2 = conv2d_backward(dsum, second)
    dx, dw1, db1 = _conv_relu_backward(dhidden, first)
    dparams = {"w1": dw1, "b1": db1, "w2": dw2, "b2": db2}
    if projection is None:
        return dx + dsum, dparams
    dshortcut, dws, _ = conv2d_backward(dsum, projection)
    return dx + dshortcut, dparams | {"ws": dws}


def horizontal_flip(x: np.ndarray) -> np.ndarray:
    """Each image mirrored, left and right exchanged.

    Parameters
    ----------
    x : (N, C, H, W) array

    Returns
    -------
    y : (N, C, H, W) array

    Examples
    --------
    >>> horizontal_flip(np.array([[[[1.0, 2.0, 3.0]]]]))
    array([[[[3., 2., 1.]]]])
    """
    return x[..., ::-1]


def affine_sample(x: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """Each image looked at through an affine map of its own: bilinear, zeros outside.

    Parameters
    ----------
    x : (N, C, H, W) array
    theta : (N, 2, 3) array
        Maps the place (u, v, 1) of an output pixel to the place in x to read from. Places run from -1 to 1 between
        the outer edges of the image, u to the right and v down: pixel j of W has its centre at (2j + 1) / W - 1.

    Returns
    -------
    y : (N, C, H, W) array

    Notes
    -----
    Jaderberg et al., Spatial transformer networks (2015), equations 1 and 5; torch's affine_grid and grid_sample with
    align_corners=False. A pixel outside the image counts as 0 in the bilinear mean.

    Examples
    --------
    >>> x = np.array([[[[1.0, 2.0, 4.0, 8.0]]]])
    >>> affine_sample(x, np.array([[[1.0, 0.0, 0.25], [0.0, 1.0, 0.0]]]))
    array([[[[1.5, 3. , 6. , 4. ]]]])
    """
    n, _, height, width = x.shape
    u = (2 * np.arange(width) + 1) / width - 1
    v = (2 * np.arange(height) + 1) / height - 1
    places = np.stack([*np.meshgrid(u, v), np.ones((height, width))]).astype(x.dtype)
    read_u, read_v = np.einsum("nkp,phw->knhw", theta, places)
    column, row = ((read_u + 1) * width - 1) / 2, ((read_v + 1) * height - 1) / 2
    left, top = np.floor(column).astype(int), np.floor(row).astype(int)
    sample = np.arange(n)[:, None, None]
    y = np.zeros_like(x)
    for i, j in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
        inside = (i >= 0) & (i < height) & (j >= 0) & (j < width)
        weight = (1 - np.abs(row - i)) * (1 - np.abs(column - j)) * inside
        pixels = x[sample, :, np.clip(i, 0, height - 1), np.clip(j, 0, width - 1)]
        y += np.moveaxis(pixels, -1, 1) * weight[:, None].astype(x.dtype)
    return y


def class_activation_map(features: np.ndarray, class_weights: np.ndarray) -> np.ndarray:
    """Where the evidence for a class stands: the maps before global average pooling, weighted as the class weighs them.

    Parameters
    ----------
    features : (C, H, W) array, the last feature maps of one image
    class_weights : (C,) array, the row of the dense layer that belongs to the class

    Returns
    -------
    map : (H, W) array; its mean is the class's score without the bias

    Notes
    -----
    Zhou et al., Learning deep features for discriminative localization (2016), equation 2. No ReLU, no scaling.

    Examples
    --------
    >>> class_activation_map(np.array([[[1.0, 2.0]], [[3.0, 5.0]]]), np.array([1.0, -1.0]))
    array([[-2., -3.]])
    """
    return np.tensordot(class_weights, features, axes=1)


def occlusion_map(f: Callable[[np.ndarray], float], x: np.ndarray, size: int, stride: int) -> np.ndarray:
    """How much the score falls where a square of the image is hidden.

    Parameters
    ----------
    f : callable, one image (C, H, W) to one number
    x : (C, H, W) array
    size : int, side of the square, which is set to 0 in all channels
    stride : int, step from one square to the next

    Returns
    -------
    map : (H', W') array of f(x) - f(x with the square hidden), H' = (H - size) // stride + 1, W' likewise

    Notes
    -----
    Zeiler and Fergus, Visualizing and understanding convolutional networks (2014), section 4.2.

    Examples
    --------
    >>> occlusion_map(np.sum, np.array([[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]]), 2, 2)
    array([[14., 22.]])
    """
    _, height, width = x.shape
    rows, columns = range(0, height - size + 1, stride), range(0, width - size + 1, stride)
    fall = np.empty((len(rows), len(columns)), x.dtype)
    seen = f(x.copy())
    for i, top in enumerate(rows):
        for j, left in enumerate(columns):
            hidden = x.copy()
            hidden[:, top : top + size, left : left + size] = 0
            fall[i, j] = seen - f(hidden)
    return fall


def linear_cka(a: np.ndarray, b: np.ndarray) -> float:
    """How alike two representations of the same N examples are, between 0 and 1.

    Parameters
    ----------
    a : (N, P) array
    b : (N, Q) array

    Returns
    -------
    similarity : float

    Notes
    -----
    Kornblith et al., Similarity of neural network representations revisited (2019), section 3: columns are centred,
    then |BᵀA|² / (|AᵀA| |BᵀB|) in Frobenius norms. Rotations and a common scale of either do not matter.

    Examples
    --------
    >>> a = np.array([[0.0, 1.0], [2.0, 0.0], [1.0, 5.0]])
    >>> round(linear_cka(a, 3 * a[:, ::-1] + 7), 12)
    1.0
    """
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    together = np.sum((b.T @ a) ** 2)
    return float(together / np.linalg.norm(a.T @ a) / np.linalg.norm(b.T @ b))


def linear_probe(
    features: np.ndarray, targets: np.ndarray, n_classes: int, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """The linear map from frozen features to one-hot targets with the smallest penalised squared error.

    Parameters
    ----------
    features : (N, P) array
    targets : (N,) integer array of classes
    n_classes : int, also where some class has no example
    strength : float, weight of the penalty on the squared weights; the bias is not penalised

    Returns
    -------
    weight : (n_classes, P) array
    bias : (n_classes,) array

    Notes
    -----
    Minimises sum |features weightᵀ + bias - onehot|² + strength |weight|². The best bias makes the residuals average
    to 0, so centred features and targets leave a ridge regression without bias: Hastie, Tibshirani and Friedman,
    The elements of statistical learning (2009), section 3.4.1.

    Examples
    --------
    >>> weight, bias = linear_probe(np.array([[0.0], [2.0]]), np.array([0, 1]), 2, 2.0)
    >>> weight, bias
    (array([[-0.25],
           [ 0.25]]), array([0.75, 0.25]))
    """
    one_hot = np.eye(n_classes, dtype=features.dtype)[targets]
    mean, share = features.mean(axis=0), one_hot.mean(axis=0)
    centred = features - mean
    penalty = np.diag(np.full(features.shape[1], strength, features.dtype))
    weight = np.linalg.solve(centred.T @ centred + penalty, centred.T @ (one_hot - share)).T
    return weight, share - weight @ mean


def effect_interval(
    a: np.ndarray, b: np.ndarray, rng: np.random.Generator, level: float = 0.95, draws: int = 2000
) -> tuple[float, float, float]:
    """How much larger a is than b on average, with a bootstrap interval.

    Parameters
    ----------
    a : (S,) array, e.g. accuracies of the runs with a method
    b : (T,) array, the runs without it
    rng : numpy.random.Generator
    level : float, the share of resampled differences that lie in the interval
    draws : int, how often both are resampled

    Returns
    -------
    effect : float, mean(a) - mean(b)
    low, high : float, the quantiles (1 - level) / 2 and (1 + level) / 2 of the resampled differences

    Notes
    -----
    Efron and Tibshirani, An introduction to the bootstrap (1993), chapter 13: the percentile interval. Each draw
    takes S runs from a and T runs from b with replacement, independently.

    Examples
    --------
    >>> a, b = np.array([0.9, 0.8, 1.0]), np.array([0.5, 0.5])
    >>> effect, low, high = effect_interval(a, b, np.random.default_rng(0))
    >>> bool(low < effect < high)
    True
    """
    means_a = rng.choice(a, (draws, len(a))).mean(axis=1)
    means_b = rng.choice(b, (draws, len(b))).mean(axis=1)
    low, high = np.quantile(means_a - means_b, [(1 - level) / 2, (1 + level) / 2])
    return float(a.mean() - b.mean()), float(low), float(high)
