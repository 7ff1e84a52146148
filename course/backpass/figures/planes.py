"""Moving and filtering planes for the figures of lecture 1: shifts, turns, zooms, borders."""

from __future__ import annotations

import numpy as np

from ..data import load


def scene(side: int = 32) -> np.ndarray:
    """A digit, enlarged smoothly and placed a little off the middle of a square canvas. (side, side)"""
    digit = load("digits", np.float64).x_train[2]
    large = np.pad(digit, 4)
    large = turned(large, 0.0, zoom=side / 16, side=side)
    return np.clip(large, 0, None)


def turned(plane: np.ndarray, degrees: float, zoom: float = 1.0, side: int | None = None) -> np.ndarray:
    """A plane turned counter-clockwise and zoomed about its centre; bilinear, zero outside."""
    height, width = plane.shape
    side = side or height
    angle = np.deg2rad(degrees)
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    cosine, sine = np.round([np.cos(angle), np.sin(angle)], 12)
    y = (cosine * rows + sine * columns) / zoom + (height - 1) / 2
    x = (-sine * rows + cosine * columns) / zoom + (width - 1) / 2
    return _between(np.pad(plane, 1), np.clip(y + 1, 0, height + 0.999), np.clip(x + 1, 0, width + 0.999))


def _between(plane, y, x):
    """Bilinear interpolation inside a plane."""
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    down, right = y - top, x - left
    return (
        plane[top, left] * (1 - down) * (1 - right)
        + plane[top + 1, left] * down * (1 - right)
        + plane[top, left + 1] * (1 - down) * right
        + plane[top + 1, left + 1] * down * right
    )


def relative_gap(seen, wanted) -> float:
    """Size of the difference in units of the wanted plane."""
    return float(np.sqrt(((seen - wanted) ** 2).sum() / (wanted**2).sum()))


class Layer:
    """A one-kernel layer on planes, built for drawing: a border rule ("circular" or "zero") and a stride.

    It adds up weighted, displaced copies of the plane, which is the layer seen from the kernel's side.
    """

    def __init__(self, weights, border: str = "circular", stride: int = 1):
        self.weights, self.border, self.stride = np.asarray(weights, float), border, stride

    def see(self, plane: np.ndarray) -> np.ndarray:
        """What the layer makes of a plane (H, W): the same size at stride 1."""
        mode = {"circular": "wrap", "zero": "constant"}[self.border]
        reach = self.weights.shape[0] // 2
        wide = np.pad(plane, reach, mode=mode)
        height, width = plane.shape
        total = np.zeros(plane.shape)
        for (i, j), weight in np.ndenumerate(self.weights):
            total += weight * wide[i : i + height, j : j + width]
        return total[:: self.stride, :: self.stride]


# An oblique edge detector: no symmetry of its own, so that nothing commutes by luck.
OBLIQUE = np.array([[2.0, 1.0, 0.0], [1.0, 0.0, -1.0], [-0.5, -1.0, -1.5]])
LAPLACIAN = np.array([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])
EXAMPLE_IMAGE = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]], float)
SYMMETRIC = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]], float)
ASYMMETRIC = np.array([[1, 2, 0], [0, 1, 0], [0, 0, 3]], float)
