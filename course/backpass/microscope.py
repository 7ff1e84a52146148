"""The operator microscope: what a layer does, seen as a matrix.

Give it a forward function (yours included) and the shape of a small input. It finds the layer's
Jacobian at that input, its singular values, and the inputs that the layer cannot see.

>>> import numpy as np
>>> seen = examine(lambda x: x - x.mean(), (4,))
>>> seen.linear, seen.rank, seen.nullity
(True, 3, 1)
>>> np.abs(seen.null_space[0]).round(3)          # a constant is invisible to it
array([0.5, 0.5, 0.5, 0.5])
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

LARGEST_INPUT = 1024


@dataclass(frozen=True)
class Operator:
    """A layer as a matrix.

    matrix: (outputs, inputs), the Jacobian; offset: (outputs,), the value at the point less matrix @ point
    (for a linear layer zero, for an affine one its bias); singular_values: (min(outputs, inputs),);
    directions: (min(...), *input shape), the inputs that belong to the singular values; null_space:
    (nullity, *input shape), orthonormal, the smoothest first; linear: whether the function is affine, as
    far as probes can tell.
    """

    matrix: np.ndarray
    offset: np.ndarray
    singular_values: np.ndarray
    directions: np.ndarray
    null_space: np.ndarray
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    linear: bool
    point: np.ndarray

    @property
    def rank(self) -> int:
        return self.matrix.shape[1] - len(self.null_space)

    @property
    def nullity(self) -> int:
        return len(self.null_space)


def examine(
    f: Callable[[np.ndarray], np.ndarray], shape: tuple[int, ...], *, at=None, tolerance: float = 1e-6
) -> Operator:
    """The Jacobian of f at a point, its singular values and its null space.

    Parameters
    ----------
    f : forward function; it receives a float64 array of the given shape and returns an array.
        Close over the other arguments: lambda x: layer(x, weight)[0].
    shape : shape of the input, at most 1024 numbers.
    at : the point, of that shape; random normal numbers (always the same) when None.
        It does not matter for a linear layer.
    tolerance : singular values below tolerance * the largest count as zero.

    Raises
    ------
    ValueError
        When the input is too large, or f returns something else the second time, or no finite numbers.

    Notes
    -----
    A linear or affine f is met exactly, by its values on basis vectors. Any other f is differentiated
    by central differences, step 1e-6: mind the kinks.
    """
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    size = int(np.prod(shape))
    if not 0 < size <= LARGEST_INPUT:
        raise ValueError(f"the microscope takes inputs of 1 to {LARGEST_INPUT} numbers, this has {size}")
    rng = np.random.default_rng(0)
    point = rng.normal(size=shape) if at is None else np.array(at, float).reshape(shape)
    value = _call(f, point)
    if not np.array_equal(value, _call(f, point), equal_nan=True):
        raise ValueError("two calls with the same input gave different outputs: fix the random generator inside f")
    if not np.isfinite(value).all():
        raise ValueError("the output at this point is not finite")
    linear = _is_affine(f, point, value, rng)
    step = 1.0 if linear else 1e-6
    matrix = np.empty((value.size, size))
    for column in range(size):
        ahead, behind = point.copy(), point.copy()
        ahead.flat[column] += step
        behind.flat[column] -= step
        matrix[:, column] = (_call(f, ahead) - _call(f, behind)).ravel() / (2 * step)
    _, singular, directions = np.linalg.svd(matrix, full_matrices=True)
    # Differences leave noise of about 1e-9; what is that small is zero.
    largest = singular[0] if singular.size and singular[0] > 0 else 1.0
    rank = int((singular > tolerance * largest).sum())
    matrix = np.where(np.abs(matrix) < 1e-12 * largest, 0.0, matrix) if linear else matrix
    return Operator(
        matrix,
        (value.ravel() - matrix @ point.ravel()),
        singular,
        directions[: len(singular)].reshape(-1, *shape),
        _in_order(directions[rank:], shape).reshape(-1, *shape),
        shape,
        value.shape,
        linear,
        point,
    )


def _in_order(basis: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The same space, its orthonormal basis chosen so that patterns can be seen: smoothest first.

    basis: (nullity, size). Smooth means small differences between neighbours; the axes weigh a little
    differently, so that stripes along one are not mixed with stripes along the other.
    """
    if len(basis) > 1:
        planes = basis.reshape(-1, *shape)
        rough = sum((1 + 0.1 * axis) * _products(np.diff(planes, axis=axis + 1)) for axis in range(len(shape)))
        basis = np.linalg.eigh(rough)[1].T @ basis
    # The sign is free; the largest entry is made positive, the earliest where several are largest.
    leading = np.array([row[np.flatnonzero(np.abs(row) > np.abs(row).max() - 1e-9)[0]] for row in basis])
    return basis * np.sign(leading)[:, None] if len(basis) else basis


def _products(planes: np.ndarray) -> np.ndarray:
    flat = planes.reshape(len(planes), -1)
    return flat @ flat.T


def _call(f, x: np.ndarray) -> np.ndarray:
    # A copy, so that a function which writes into its argument cannot disturb us.
    value = f(x.copy())
    if isinstance(value, tuple):
        raise ValueError("f returned a tuple: pass lambda x: layer(x, ...)[0], so that only the output is left")
    return np.asarray(value, float)


def _is_affine(f, point: np.ndarray, value: np.ndarray, rng: np.random.Generator) -> bool:
    """Probe f(p + a u + b v) = f(p) + a (f(p + u) - f(p)) + b (f(p + v) - f(p)) on random directions."""
    for _ in range(3):
        u, v = rng.normal(size=(2, *point.shape)) * max(1.0, float(np.abs(point).max()))
        a, b = rng.normal(size=2) * 3
        straight = value + a * (_call(f, point + u) - value) + b * (_call(f, point + v) - value)
        bent = _call(f, point + a * u + b * v)
        if not np.allclose(bent, straight, rtol=1e-7, atol=1e-9 * max(1.0, float(np.abs(straight).max()))):
            return False
    return True


def microscope(f: Callable[[np.ndarray], np.ndarray], shape: tuple[int, ...], *, at=None, title: str = ""):
    """Draw what `examine` finds: the Jacobian, the singular values, and inputs that the layer cannot see.

    f, shape, at: as in `examine`. title: the finding; made from the rank when empty. Returns a Picture.
    """
    from .figures.operator import draw_operator

    return draw_operator(examine(f, shape, at=at), title=title)
