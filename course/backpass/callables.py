"""Small named functions that checks pass to a student's function as `f`, `g_in`, `g_out` or `loss_and_grad`.

Recorded cases know them by name, so they must keep their meaning. None of them is an exercise. Parameters
beyond the first are keywords, bound with functools.partial: `partial(roll, shift=2, axis=-1)`.
"""

from __future__ import annotations

import numpy as np

__all__ = [
    "affine_map",
    "blur_circular",
    "brightest_pixel_scores",
    "cube",
    "energy_score",
    "flip_axis",
    "half_sums",
    "linear_scores",
    "matrix_product",
    "multiply",
    "quadratic_bowl",
    "quotient_of_forms",
    "reverse_order",
    "roll",
    "running_total",
    "same",
    "sine",
    "square",
    "stripes_score",
    "subsample",
    "tilted_valley",
    "total",
    "turn",
    "weighted_total",
]


# Maps of arrays: f, g_in, g_out.


def same(x: np.ndarray) -> np.ndarray:
    """x itself, as a copy."""
    return np.array(x)


def square(x: np.ndarray) -> np.ndarray:
    """x², entry by entry."""
    return x * x


def cube(x: np.ndarray) -> np.ndarray:
    """x³, entry by entry."""
    return x * x * x


def sine(x: np.ndarray) -> np.ndarray:
    """sin x, entry by entry."""
    return np.sin(x)


def multiply(x: np.ndarray, *, factor: np.ndarray | float) -> np.ndarray:
    """x · factor; an array as factor makes a map that is not equivariant to shifts."""
    return x * factor


def affine_map(x: np.ndarray, *, matrix: np.ndarray, offset: np.ndarray | float) -> np.ndarray:
    """matrix @ x + offset along the last axis of x: (..., D) -> (..., M)."""
    return x @ np.asarray(matrix).T + offset


def matrix_product(x: np.ndarray, *, left: np.ndarray) -> np.ndarray:
    """left @ x for x of shape (D,) or (D, E)."""
    return left @ x


def roll(x: np.ndarray, *, shift: int, axis: int) -> np.ndarray:
    """x moved circularly by `shift` along `axis`."""
    return np.roll(x, shift, axis)


def flip_axis(x: np.ndarray, *, axis: int) -> np.ndarray:
    """x mirrored along `axis`."""
    return np.flip(x, axis)


def turn(x: np.ndarray, *, quarters: int) -> np.ndarray:
    """x turned by quarters of a circle in its last two axes."""
    return np.rot90(x, quarters, (-2, -1))


def reverse_order(x: np.ndarray, *, axis: int) -> np.ndarray:
    """x with its entries sorted from large to small along `axis`."""
    return -np.sort(-x, axis=axis)


def running_total(x: np.ndarray, *, axis: int) -> np.ndarray:
    """Cumulative sums along `axis`."""
    return np.cumsum(x, axis)


def blur_circular(x: np.ndarray, *, axis: int) -> np.ndarray:
    """The mean of each entry and its two neighbours, circular: commutes with circular shifts along `axis`."""
    return (np.roll(x, 1, axis) + x + np.roll(x, -1, axis)) / 3


def subsample(x: np.ndarray, *, step: int) -> np.ndarray:
    """Every `step`-th entry along the last axis: not equivariant to shifts by one."""
    return x[..., ::step]


def total(x: np.ndarray) -> np.ndarray:
    """The sum of all entries, a 0-d array."""
    return np.asarray(np.sum(x))


def weighted_total(x: np.ndarray, *, weights: np.ndarray) -> np.ndarray:
    """The sum of x · weights, a 0-d array."""
    return np.asarray(np.sum(x * weights))


# Scores of images: (N, C, H, W) -> (N, K), or one image (C, H, W) -> a number.


def linear_scores(x: np.ndarray, *, templates: np.ndarray) -> np.ndarray:
    """Inner products of each image of a batch with K templates: (N, C, H, W), (K, C, H, W) -> (N, K)."""
    return np.einsum("nchw,kchw->nk", x, templates)


def brightest_pixel_scores(x: np.ndarray) -> np.ndarray:
    """The mean over channels at each pixel, as H·W scores: the argmax moves with the picture."""
    return x.mean(axis=1).reshape(len(x), -1)


def half_sums(x: np.ndarray) -> np.ndarray:
    """Sums over the upper, lower, left and right half of each image: (N, C, H, W) -> (N, 4)."""
    h, w = x.shape[2] // 2, x.shape[3] // 2
    parts = (x[:, :, :h], x[:, :, h:], x[..., :w], x[..., w:])
    return np.stack([part.sum(axis=(1, 2, 3)) for part in parts], axis=1)


def stripes_score(image: np.ndarray) -> float:
    """How much neighbouring columns of one image (C, H, W) differ: a sum of squares."""
    return float(np.sum(np.diff(image, axis=-1) ** 2))


def energy_score(image: np.ndarray) -> float:
    """The mean square of one image (C, H, W)."""
    return float(np.mean(np.square(image)))


# Losses: w: (P,) -> (loss, gradient).


def quadratic_bowl(w: np.ndarray, *, matrix: np.ndarray, centre: np.ndarray) -> tuple[float, np.ndarray]:
    """½ (w − centre)ᵀ A (w − centre) for a symmetric A, and its gradient."""
    away = w - centre
    return float(away @ matrix @ away) / 2, matrix @ away


def quotient_of_forms(w: np.ndarray, *, matrix: np.ndarray) -> tuple[float, np.ndarray]:
    """wᵀAw / wᵀw for a symmetric A (Rayleigh's quotient) and its gradient: the scale of w does not matter."""
    norm = w @ w
    value = float(w @ matrix @ w / norm)
    return value, 2 * (matrix @ w - value * w) / norm


def tilted_valley(w: np.ndarray, *, slope: np.ndarray) -> tuple[float, np.ndarray]:
    """Σ log cosh w + ⟨slope, w⟩ and its gradient: the gradient changes from place to place."""
    value = np.sum(np.logaddexp(w, -w) - np.log(2)) + slope @ w
    return float(value), np.tanh(w) + slope
