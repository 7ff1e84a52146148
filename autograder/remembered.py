"""The reference's answers to arguments that come again: most checks ask every submission the same.

Only what is certainly a function of its arguments is remembered: numbers, text, arrays, containers of them, caches
that the reference itself has returned, and functions of modules of ours, which keep nothing. With a random generator,
or a function that was made within a check, the reference is asked anew each time.
"""

from __future__ import annotations

import functools
import types
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

# More than any unit's checks ask; what depends on a student's own values comes and goes.
MAX_ANSWERS = 2048
MAX_BYTES = 64 << 20  # of all arguments together
_OUR_MODULES = ("solutions.", "backpass.", "autograder.checks.")


class Unknown(Exception):
    """Something that cannot be part of a key."""


class Answers:
    """Answers by function and arguments; those that were not asked for longest are forgotten."""

    def __init__(self, max_answers: int = MAX_ANSWERS, max_bytes: int = MAX_BYTES):
        self.max_answers, self.max_bytes = max_answers, max_bytes
        self._known: OrderedDict[Hashable, tuple[Any, int, list]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._known)

    def ask(self, function: Callable, args: tuple, kwargs: dict, kept: type, compute: Callable[[], Any]) -> Any:
        """The answer: a known one, or what `compute()` returns. `kept`: how a cache of the reference's comes."""
        held: list = []
        try:
            frozen = _Frozen(kept, held)
            key = (function, frozen.of(args), frozen.of(kwargs))
        except Unknown:
            return compute()
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key][0]
        answer = compute()
        # What is in the key by its identity is held, so that no other object gets that identity.
        self._known[key] = (answer, frozen.bytes, held)
        self._bytes += frozen.bytes
        while len(self._known) > self.max_answers or self._bytes > self.max_bytes:
            self._bytes -= self._known.popitem(last=False)[1][1]
        return answer


class _Frozen:
    """Values as parts of a key."""

    def __init__(self, kept: type, held: list):
        self.kept, self.held, self.bytes = kept, held, 0

    def of(self, value: Any) -> Hashable:
        kind = type(value)
        if kind is np.ndarray:
            if value.dtype.hasobject:
                raise Unknown
            self.bytes += value.nbytes
            # Memory order, too: what is not contiguous may be summed in another order.
            return value.dtype.str, value.shape, value.strides, value.tobytes()
        if kind in (bool, int, str, type(None)):
            return kind, value
        if kind is float:
            return kind, value.hex()
        if kind in (list, tuple):
            return (kind, *map(self.of, value))
        if kind is dict:
            return (kind, *((self.of(name), self.of(entry)) for name, entry in value.items()))
        if isinstance(value, np.generic) and not value.dtype.hasobject:
            return kind, value.tobytes()
        if kind is self.kept:
            self.held.append(value.reference)
            return kind, id(value.reference)
        if kind is functools.partial:
            return kind, self.of(value.func), self.of(value.args), self.of(value.keywords)
        if kind is types.FunctionType and value.__module__.startswith(_OUR_MODULES) and value.__closure__ is None:
            return value
        raise Unknown
