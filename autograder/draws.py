"""Inputs of checks: drawn from a seed of the check's own, another for the student's visible cases than for grading."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograder.sandbox import Generator


class Draw:
    """The `draw` fixture. The same check and audience always draw the same inputs."""

    def __init__(self, check_name: str, audience: str):
        self._rng = np.random.default_rng(zlib.crc32(f"{audience}/{check_name}".encode()))

    def normal(self, *shape: int, mean: float = 0.0, std: float = 1.0, dtype: Any = np.float64) -> np.ndarray:
        return (mean + std * self._rng.standard_normal(shape)).astype(dtype)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0, dtype: Any = np.float64) -> np.ndarray:
        return self._rng.uniform(low, high, shape).astype(dtype)

    def integers(self, low: int, high: int, *shape: int) -> np.ndarray:
        """Integers in [low, high)."""
        return self._rng.integers(low, high, shape)

    def size(self, low: int, high: int) -> int:
        """A size in [low, high], both included."""
        return int(self._rng.integers(low, high + 1))

    def choice(self, options: Sequence) -> Any:
        return options[int(self._rng.integers(len(options)))]

    def permutation(self, n: int) -> np.ndarray:
        return self._rng.permutation(n)

    def rng(self) -> Generator:
        """A random generator for the student: a seed that becomes a generator where it is used."""
        return self.twin_rngs(1)[0]

    def twin_rngs(self, n: int = 2) -> list[Generator]:
        """Generators of their own, of one seed."""
        seed = int(self._rng.integers(1 << 31))
        return [Generator(seed) for _ in range(n)]
