"""When two numbers count as equal: the course's tolerances, in one place."""

from __future__ import annotations

from typing import Any

import numpy as np

# Relative tolerance, the absolute part relative to the largest expected value, and an absolute floor. Two
# right ways of summing differ by the rounding of the terms, not of the sum: hence the scale, and for exact
# zeros the floor.
DOUBLE = (1e-7, 1e-9, 1e-11)
SINGLE = (1e-4, 1e-5, 1e-5)  # 1 - tanh(x)**2 keeps no correct digit in float32 where tanh is saturated


def close(actual: np.ndarray, expected: np.ndarray, rtol: float | None = None, atol: float | None = None) -> np.ndarray:
    """Which entries agree; nan agrees with nan, inf with the same inf.

    |actual - expected| <= atol + rtol * |expected|, where an atol that is not given follows from the largest
    expected value, in proportion to rtol.
    """
    default, scaled, floor = SINGLE if is_single(actual) or is_single(expected) else DOUBLE
    kind = np.complex128 if "c" in (actual.dtype.kind, expected.dtype.kind) else np.float64
    one, other = actual.astype(kind), expected.astype(kind)
    with np.errstate(all="ignore"):
        if atol is None:
            magnitude = np.abs(other[np.isfinite(other)])
            loosened = 1.0 if rtol is None else rtol / default
            atol = (scaled * (magnitude.max() if magnitude.size else 0.0) + floor) * loosened
        rtol = default if rtol is None else rtol
        near = np.abs(one - other) <= atol + rtol * np.abs(other)
        finite = np.isfinite(one) & np.isfinite(other)
        return np.where(finite, near, (one == other) | (np.isnan(one) & np.isnan(other)))


def is_single(array: np.ndarray) -> bool:
    """Whether an array has fewer digits than float64."""
    return array.dtype.kind == "f" and array.dtype.itemsize < 8


def untouched(old: Any, new: Any) -> bool:
    """Whether an argument is still what its copy from before the call was: arrays to the bit, also in containers."""
    if isinstance(old, np.ndarray):
        same_kind = isinstance(new, np.ndarray) and old.dtype == new.dtype
        return same_kind and np.array_equal(old, new, equal_nan=old.dtype.kind in "fc")
    if isinstance(old, dict):
        return old.keys() == new.keys() and all(untouched(old[key], new[key]) for key in old)
    if isinstance(old, list | tuple):
        return len(old) == len(new) and all(map(untouched, old, new))
    return True
