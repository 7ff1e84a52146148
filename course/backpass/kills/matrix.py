"""Run every check on every wrong layer, and find the fewest checks that notice all of them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class KillMatrix:
    """checks, wrong: names; noticed: (checks, wrong) of bool; calls: forward passes that each check needs."""

    checks: tuple[str, ...]
    wrong: tuple[str, ...]
    noticed: np.ndarray
    calls: tuple[int, ...]

    def count(self, check: str) -> int:
        """How many wrong layers a check notices."""
        return int(self.noticed[self.checks.index(check)].sum())

    def survivors(self, *checks: str) -> list[str]:
        """The wrong layers that pass all the named checks (all checks of the matrix when none is named)."""
        rows = [self.checks.index(check) for check in checks or self.checks]
        return [name for name, found in zip(self.wrong, self.noticed[rows].any(0), strict=True) if not found]

    def smallest_sets(self) -> list[tuple[str, ...]]:
        """All sets of checks, as few checks as possible, that notice whatever any check notices."""
        reachable = self.noticed.any(0)
        for size in range(len(self.checks) + 1):
            found = [
                rows
                for rows in itertools.combinations(range(len(self.checks)), size)
                if np.array_equal(self.noticed[list(rows)].any(0), reachable)
            ]
            if found:
                return [tuple(self.checks[row] for row in rows) for rows in found]
        raise AssertionError("all checks together notice what any of them notices")


def run(checks: dict[str, Callable[[object], bool]], right, wrong: dict[str, object]) -> KillMatrix:
    """Run all checks on all layers.

    Parameters
    ----------
    checks : {name: check}, check(layer) -> bool, True when the layer passes. A layer is a dataclass with a
        field `forward`. A layer that raises an error has been noticed.
    right : the right layer; a check that refuses it is no check, and raises ValueError.
    wrong : {name: layer}
    """
    calls = []
    for name, check in checks.items():
        counted = _Counted(right)
        if not check(counted.layer):
            raise ValueError(f"the check {name!r} refuses the right layer")
        calls.append(counted.calls)
    noticed = [[not _passes(check, layer) for layer in wrong.values()] for check in checks.values()]
    return KillMatrix(tuple(checks), tuple(wrong), np.array(noticed, bool), tuple(calls))


def _passes(check, layer) -> bool:
    try:
        return bool(check(layer))
    except (ValueError, RuntimeError, IndexError):
        return False


class _Counted:
    """A layer whose forward passes are counted."""

    def __init__(self, layer):
        self.calls = 0

        def forward(*args, **options):
            self.calls += 1
            return layer.forward(*args, **options)

        self.layer = dataclasses.replace(layer, forward=forward)
