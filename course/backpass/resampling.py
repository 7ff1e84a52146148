"""The bootstrap without chance: for a few values every resample can be written down, with its probability."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np


@dataclass(frozen=True)
class Distribution:
    """Sorted values, and the probabilities up to each of them."""

    values: np.ndarray
    up_to: np.ndarray

    def quantile(self, q: float) -> float:
        """The smallest value with a probability of at least q up to it; q outside [0, 1] is cut."""
        q = min(max(q, 0.0), 1.0)
        at = int(np.searchsorted(self.up_to, q * (1 - 1e-12)))
        return float(self.values[min(at, len(self.values) - 1)])

    def around(self, q: float, draws: int, sigmas: float) -> tuple[float, float]:
        """Between what the q-quantile of `draws` draws lies, whatever the quantile rule."""
        off = sigmas * math.sqrt(q * (1 - q) / draws) + 1 / draws
        return self.quantile(q - off), self.quantile(q + off)


def mean_of_resample(values: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """All means of `size` values drawn with replacement, and their probabilities."""
    picks = np.array(list(combinations_with_replacement(range(len(values)), size)))
    counts = (picks[:, :, None] == np.arange(len(values))).sum(axis=1)
    factorial = np.array([math.factorial(k) for k in range(size + 1)], float)
    ways = factorial[size] / np.prod(factorial[counts], axis=1)
    return values[picks].mean(axis=1), ways / len(values) ** size


def difference(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> Distribution:
    """The distribution of the difference of two independent numbers."""
    values = (one[0][:, None] - other[0][None, :]).ravel()
    order = np.argsort(values)
    return Distribution(values[order], np.cumsum((one[1][:, None] * other[1][None, :]).ravel()[order]))


def known_mistakes(a: np.ndarray, b: np.ndarray, level: float) -> Iterator[tuple[str, Callable, float, float]]:
    """(tag, a function that makes a distribution, lower and upper quantile) of wrong intervals."""
    m, n = len(a), len(b)
    low, high = (1 - level) / 2, (1 + level) / 2
    nothing = np.zeros(1), np.ones(1)
    effect = a.mean() - b.mean()
    resampled, against = mean_of_resample(a, m), mean_of_resample(b, n)

    def shifted(by: float, sign: float = 1.0) -> Distribution:
        return difference((sign * resampled[0] + by, resampled[1]), (sign * against[0], against[1]))

    def pooled() -> Distribution:
        both = np.concatenate([a, b])
        return difference(mean_of_resample(both, m), mean_of_resample(both, n))

    yield "one_tail", lambda: shifted(0), 1 - level, level
    yield "spread", lambda: difference(mean_of_resample(a, 1), mean_of_resample(b, 1)), low, high
    if m == n:
        yield "paired", lambda: difference(mean_of_resample(a - b, m), nothing), low, high
    else:
        size = min(m, n)
        yield "equal_sizes", lambda: difference(mean_of_resample(a, size), mean_of_resample(b, size)), low, high
    yield "only_a", lambda: difference(resampled, (np.array([b.mean()]), np.ones(1))), low, high
    yield "only_b", lambda: difference((np.array([a.mean()]), np.ones(1)), against), low, high
    yield "centred", lambda: shifted(-effect), low, high
    yield "swapped", lambda: shifted(0, -1.0), low, high
    yield "reflected", lambda: shifted(2 * effect, -1.0), low, high
    yield "pooled", pooled, low, high
    yield "always_95", lambda: shifted(0), 0.025, 0.975
