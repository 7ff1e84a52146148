"""Counting in place of timing: numbers that count how often they are multiplied.

>>> import numpy as np
>>> with multiplications() as counted:
...     _ = np.dot(counted([1, 2, 3]), counted([4, 5, 6]))
>>> counted.total
3
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


class Counter:
    """Makes arrays whose multiplications it counts; `total` is the count."""

    def __init__(self):
        self.total = 0

    def __call__(self, values) -> np.ndarray:
        """The same values as an object array of counted numbers, any shape."""
        values = np.asarray(values, float)
        made = np.empty(values.shape, object)
        made[...] = np.vectorize(lambda v: _Number(v, self), otypes=[object])(values)
        return made


class _Number:
    """A real number that reports its multiplications. Sums are free."""

    __slots__ = ("counter", "value")

    def __init__(self, value: float, counter: Counter):
        self.value, self.counter = float(value), counter

    def __mul__(self, other):
        self.counter.total += 1
        return _Number(self.value * float(other), self.counter)

    def __add__(self, other):
        return _Number(self.value + float(other), self.counter)

    def __sub__(self, other):
        return _Number(self.value - float(other), self.counter)

    def __float__(self):
        return self.value

    def __repr__(self):
        return repr(self.value)

    __rmul__ = __mul__
    __radd__ = __add__


@contextmanager
def multiplications() -> Iterator[Counter]:
    """Count multiplications: `with multiplications() as counted: np.dot(counted(a), counted(b))`."""
    yield Counter()
