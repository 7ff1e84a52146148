"""Arrays as small pictures: what fits is shown number by number, in slices; what does not is summed up."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator

import numpy as np

TABLE = 12  # rows and columns that are shown number by number
MAP = 48  # rows and columns that are shown as a map of right and wrong
SLICES = 3  # two-dimensional slices of one array


def fits(array: np.ndarray, limit: int = TABLE) -> bool:
    """Whether the last two axes are small enough."""
    return array.size > 0 and all(n <= limit for n in array.shape[-2:])


def slices(array: np.ndarray, wrong: np.ndarray | None = None) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """(index, two-dimensional slice) of an array; with `wrong`, those with wrong entries come first.

    An array of one axis is one slice of one row.
    """
    if array.ndim < 2:
        yield (), array.reshape(1, -1)
        return
    indices = list(np.ndindex(array.shape[:-2]))
    if wrong is not None and wrong.shape == array.shape:
        indices.sort(key=lambda index: not wrong[index].any())
    for index in indices:
        yield index, array[index]


def count_slices(array: np.ndarray) -> int:
    return int(np.prod(array.shape[:-2], dtype=int)) if array.ndim > 2 else 1


def slice_name(index: tuple[int, ...]) -> str:
    """`[0, 2, :, :]`, as in code."""
    return f"[{', '.join(map(str, index))}, :, :]" if index else ""


Format = Callable[[object], str]


def number(value: object, digits: int = 4) -> str:
    """A single number as short as it can be."""
    value = np.asarray(value)[()]
    if isinstance(value, np.floating):
        text = f"{float(value):.{digits}g}"
        return "0" if text == "-0" else text
    return str(value)


def format_for(*arrays: np.ndarray, apart: tuple[np.ndarray, np.ndarray] | None = None) -> Format:
    """One format for the numbers of several arrays, so that points stand below points; an exact zero is "0".

    apart: wrong values and the right ones in their place, which must not look the same.
    """
    found = [np.abs(array[np.isfinite(array)]) for array in arrays if array.dtype.kind == "f"]
    values = np.concatenate([one.ravel().astype(np.float64) for one in found]) if found else np.zeros(0)
    top = float(values.max(initial=0.0))
    if (values == np.rint(values)).all() and top < 1e6:
        formats: list[Format] = [functools.partial(_fixed, decimals=0)]
    elif 1e-3 <= top < 1e6:
        most = max(0, 3 - math.floor(math.log10(top)))
        # Short numbers stay short: 2.5, not 2.500.
        decimals = next((d for d in range(1, most) if (np.round(values, d) == values).all()), most)
        formats = [functools.partial(_fixed, decimals=decimals + more) for more in (0, 3, 6)]
    else:
        formats = [number]
    for form in formats:
        if apart is None or all(form(a) != form(e) for a, e in zip(apart[0][:50], apart[1][:50], strict=True)):
            return form
    return functools.partial(number, digits=12)


def _fixed(value: object, decimals: int) -> str:
    value = np.asarray(value)[()]
    if not isinstance(value, np.floating) or not np.isfinite(value):
        return str(value)
    return "0" if value == 0 else f"{float(value):.{decimals}f}"


def summary(array: np.ndarray) -> str:
    """A large array in a line: shape, dtype, range."""
    text = f"shape {array.shape}, {array.dtype.name}"
    if array.dtype.kind not in "iuf" or not array.size:
        return text
    finite = array[np.isfinite(array)]
    if not finite.size:
        return f"{text}, nothing finite"
    text += f", from {number(finite.min())} to {number(finite.max())}, mean {number(finite.mean())}"
    missing = array.size - finite.size
    return text + (f", {missing} of {array.size} not finite" if missing else "")
