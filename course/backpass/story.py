"""The telling of one failure, before it becomes HTML or text: the calls as code, their inputs, what came."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backpass.cases import Came, Seed
from backpass.running import Run, Seen

_LONG = 40  # characters of a plain argument that are shown


@dataclass
class Story:
    """code: the calls of the case up to the failure. inputs: named arrays, those of the failing call first.

    came: (name, array) where something came that was judged by other means than comparing.
    """

    code: list[str] = field(default_factory=list)
    inputs: list[tuple[str, np.ndarray]] = field(default_factory=list)
    came: list[tuple[str, np.ndarray]] = field(default_factory=list)


def tell(run: Run) -> Story:
    """The story of a run that did not pass."""
    story = Story()
    names = _Names()
    for number, seen in enumerate(run.seen):
        last = number == len(run.seen) - 1
        arguments = _arguments(seen, names)
        story.code.append(f"{'' if last else _left_side(seen)}{seen.call.function}({', '.join(arguments)})")
    if run.seen:
        own = list(names.of_call[-1])
        story.inputs = own + [pair for call in names.of_call[:-1] for pair in call if pair[0] not in dict(own)]
        story.inputs = list({name: (name, value) for name, value in story.inputs}.values())
    if run.difference is None and run.state == "failed" and run.seen:
        story.came = _arrays_in(run.seen[-1])
    return story


class _Names:
    """Names of arrays over several calls: another array of the same name gets a number."""

    def __init__(self) -> None:
        self._taken: dict[str, np.ndarray] = {}
        self.of_call: list[list[tuple[str, np.ndarray]]] = []

    def give(self, name: str, value: np.ndarray) -> str:
        chosen, number = name, 1
        while chosen in self._taken and not _identical(self._taken[chosen], value):
            number += 1
            chosen = f"{name}{number}"
        self._taken[chosen] = value
        self.of_call[-1].append((chosen, value))
        return chosen


def _identical(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()


def _arguments(seen: Seen, names: _Names) -> list[str]:
    names.of_call.append([])
    call = seen.call
    words = []
    for i, (recorded, value) in enumerate(zip(call.args, seen.args, strict=True)):
        name = call.names[i] if i < len(call.names) else f"argument{i + 1}"
        words.append(_argument(name, recorded, value, names, keyword=False))
    for name, value in seen.kwargs.items():
        words.append(_argument(name, call.kwargs[name], value, names, keyword=True))
    return words


def _argument(name: str, recorded: Any, value: Any, names: _Names, *, keyword: bool) -> str:
    """An argument as code: an array by its name, everything else spelled out after the name."""
    if isinstance(value, np.ndarray) and value.ndim:
        given = names.give(name, value)
        return f"{name}={given}" if keyword else given
    if isinstance(recorded, Came):
        return f"{name}={name}" if keyword else name
    if isinstance(recorded, Seed):
        return f"{name}=np.random.default_rng({recorded.seed})"
    if isinstance(value, dict):
        for key, entry in value.items():
            if isinstance(entry, np.ndarray):
                names.give(f"{name}[{key!r}]", entry)
    if isinstance(value, list | tuple):
        for i, entry in enumerate(value):
            if isinstance(entry, np.ndarray):
                names.give(f"{name}[{i}]", entry)
    text = _plain(value)
    return f"{name}={text}" if len(text) <= _LONG else name


def _plain(value: Any) -> str:
    if isinstance(value, functools.partial):
        bound = ", ".join([_plain(a) for a in value.args] + [f"{k}={_plain(v)}" for k, v in value.keywords.items()])
        return f"{value.func.__name__}(·, {bound})"
    if callable(value):
        return value.__name__
    if isinstance(value, np.ndarray) and value.ndim:
        return f"array of shape {value.shape}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_plain, value)) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_plain, value)) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_plain(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and not value.ndim):
        return repr(value.item())
    return repr(value)


def _left_side(seen: Seen) -> str:
    """`y, cache = ` where a result serves later calls."""
    returns, keep = list(seen.call.returns), seen.call.keep
    if keep:
        returns += ["_"] * (max(keep) + 1 - len(returns))
        returns = ["cache" if i in keep else name for i, name in enumerate(returns)]
    return f"{', '.join(returns)} = " if returns else ""


def _arrays_in(seen: Seen) -> list[tuple[str, np.ndarray]]:
    value = seen.reply.value
    if isinstance(value, np.ndarray) and value.ndim:
        return [("what came", value)]
    if isinstance(value, tuple | list):
        returns = dict(enumerate(seen.call.returns))
        return [
            (returns.get(i, f"returned value {i + 1}"), entry)
            for i, entry in enumerate(value)
            if isinstance(entry, np.ndarray) and entry.ndim
        ]
    return []
