"""Recorded cases: what the student's `check` replays. Data only, never code.

A `Book` holds the cases of a unit. A case is a list of steps: calls of the student's functions, each with
what must come of it, and questions about what came (`Ask`, a property of backpass.properties). For every
known mistake a call also records what that mistake answers there, so that `check` can name it without having
its code.

On disk a book is an npz that numpy reads with allow_pickle=False: `index`, a JSON text as uint8, and one flat
array per dtype, into which the index points. (Many small members would make reading slow.)
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from backpass import callables

VERSION = 1
CASES = "cases.npz"  # a unit's book, beside its notebook

EQUALS, STRUCTURE, RAISES, UNCHANGED = "equals", "structure", "raises", "unchanged"


class BadBook(ValueError):
    """A file that is no book of cases, or one of another version."""


@dataclass(frozen=True)
class Seed:
    """A random generator, to be built from `seed`. Equal seeds and serials in one case are one generator."""

    seed: int
    serial: int = 0


@dataclass(frozen=True)
class Came:
    """What came of an earlier step of the case: `path` leads into the value, e.g. (1,) for a cache."""

    step: int
    path: tuple[int | str, ...] = ()


@dataclass(frozen=True)
class Unsupported:
    """A recorded value that is no plain data; it differs from everything but its own type."""

    type_name: str


@dataclass
class Reply:
    """What a function answered: a value (None in place of a cache) or an exception, and what it changed."""

    value: Any = None
    raised: str = ""  # the exception's type name
    changed: tuple[str, ...] = ()  # names of arguments changed in place


@dataclass
class Call:
    """A call of a student's function.

    args, kwargs: plain data, arrays, `Seed`, `Came`, functions of backpass.callables or functools.partial of
    them. names: the arguments' names, positional first. keep: positions of returned values that are the
    student's own business (caches). returns: names of the returned values. then: EQUALS, STRUCTURE, RAISES or
    UNCHANGED. part: with EQUALS, compare only this returned value. error: with RAISES, the type's name.
    right: the reference's reply. wrong: replies of mistakes, where they differ from the right one.
    """

    function: str
    args: tuple = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    keep: tuple[int, ...] = ()
    returns: tuple[str, ...] = ()
    then: str = STRUCTURE
    rtol: float | None = None
    atol: float | None = None
    part: int | None = None
    error: str = ""
    right: Reply = field(default_factory=Reply)
    wrong: dict[str, Reply] = field(default_factory=dict)


@dataclass
class Ask:
    """A property that must hold: a function of backpass.properties by name, its values and options."""

    name: str
    values: tuple = ()
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class Case:
    """One item of `check`. failed_by: the mistakes that fail it."""

    exercise: str
    title: str
    points: float
    about: str = ""
    steps: list[Call | Ask] = field(default_factory=list)
    failed_by: tuple[str, ...] = ()


@dataclass
class Mistake:
    """A known mistake: what its maker is told. shown_by: tags ("keep_rate:swapped") that alone prove it."""

    exercise: str
    sentence: str
    functions: tuple[str, ...] = ()
    shown_by: tuple[str, ...] = ()
    twin: str = ""


@dataclass
class Exercise:
    """points: the most that the exercise's cell counts (0 for a bonus exercise, as in nbgrader)."""

    functions: tuple[str, ...]
    points: float
    bonus: bool = False
    hints: tuple[str, ...] = ()
    lecture: str = ""  # a relative link to the beat that explains it


@dataclass
class Book:
    unit: str
    title: str = ""
    exercises: dict[str, Exercise] = field(default_factory=dict)
    cases: Sequence[Case] = field(default_factory=list)
    mistakes: dict[str, Mistake] = field(default_factory=dict)
    number: int = 0  # its place in the course

    def of(self, exercise: str) -> list[Case]:
        if isinstance(self.cases, _Cases):
            return self.cases.of(exercise)
        return [case for case in self.cases if case.exercise == exercise]


def save(path: str | Path, book: Book) -> None:
    """Write a book. The same book always gives the same bytes of content."""
    arrays = _Writer()
    content = {
        "version": VERSION,
        "book": arrays.pack(replace(book, cases=[])),
        "cases": [[case.exercise, arrays.pack(case)] for case in book.cases],
    }
    index = json.dumps(content, separators=(",", ":"))
    blob = np.frombuffer(index.encode("utf-8"), np.uint8)
    with Path(path).open("wb") as file:
        np.savez_compressed(file, index=blob, **arrays.joined())


def load(path: str | Path) -> Book:
    """Read a book.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    BadBook
        It is something else, is damaged, or is from another version of backpass.
    """
    try:
        with np.load(Path(path), allow_pickle=False) as file:
            members = {name: file[name] for name in file.files}
        content = json.loads(members.pop("index").tobytes().decode("utf-8"))
        if content["version"] != VERSION:
            raise BadBook(f"{path} was made by another version of backpass.")
        reader = _Reader(members)
        book = reader.unpack(content["book"])
        book.cases = _Cases(reader, content["cases"])
    except FileNotFoundError:
        raise
    except BadBook:
        raise
    except Exception as error:
        raise BadBook(f"{path} is damaged, or is no file of recorded cases.") from error
    return book


class _Cases(Sequence):
    """The cases of a file, read when they are asked for: a student looks at one exercise at a time."""

    def __init__(self, reader: _Reader, packed: list):
        self._reader, self._packed = reader, packed
        self._read: dict[int, Case] = {}

    def __len__(self) -> int:
        return len(self._packed)

    def __getitem__(self, i: int) -> Case:
        if i not in self._read:
            self._read[i] = self._reader.unpack(self._packed[i][1])
        return self._read[i]

    def of(self, exercise: str) -> list[Case]:
        return [self[i] for i, (name, _) in enumerate(self._packed) if name == exercise]


# Everything that is not JSON's own is written as {tag: …}; plain dicts are tagged, too, so that no key can
# mislead.
_CLASSES = {cls.__name__: cls for cls in (Book, Exercise, Mistake, Case, Call, Ask, Reply, Seed, Came, Unsupported)}


class _Writer:
    def __init__(self) -> None:
        self._parts: dict[str, list[np.ndarray]] = {}
        self._lengths: dict[str, int] = {}

    def joined(self) -> dict[str, np.ndarray]:
        return {dtype: np.concatenate(parts) for dtype, parts in self._parts.items()}

    def pack(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | str):
            return value
        if type(value) is int:
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if isinstance(value, np.ndarray | np.generic):
            return self._array(value)
        if type(value).__name__ in _CLASSES and type(value).__module__ == __name__:
            # Fields that have their default are left out: a file is read at every first check.
            packed = {f.name: self.pack(getattr(value, f.name)) for f in fields(value) if not _is_default(value, f)}
            return {type(value).__name__: packed}
        if isinstance(value, tuple):
            return {"tuple": [self.pack(entry) for entry in value]}
        if isinstance(value, list):
            return [self.pack(entry) for entry in value]
        if isinstance(value, dict):
            return {"dict": [[self.pack(key), self.pack(entry)] for key, entry in value.items()]}
        if isinstance(value, functools.partial):
            return {"partial": [_name_of(value.func), self.pack(value.args), self.pack(value.keywords)]}
        if callable(value):
            return {"callable": _name_of(value)}
        return {"Unsupported": {"type_name": getattr(value, "type_name", type(value).__name__)}}

    def _array(self, value: np.ndarray | np.generic) -> Any:
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            return {"Unsupported": {"type_name": f"array of {array.dtype}"}}
        array = array.astype(array.dtype.newbyteorder("="))
        dtype = array.dtype.name
        start = self._lengths.get(dtype, 0)
        self._parts.setdefault(dtype, []).append(array.ravel())
        self._lengths[dtype] = start + array.size
        return {"array" if isinstance(value, np.ndarray) else "number": [dtype, start, list(array.shape)]}


class _Reader:
    def __init__(self, arrays: dict[str, np.ndarray]):
        self._arrays = arrays

    def unpack(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.unpack(entry) for entry in value]
        if not isinstance(value, dict):
            return value
        ((tag, content),) = value.items()
        if tag in _CLASSES:
            return _CLASSES[tag](**{name: self.unpack(entry) for name, entry in content.items()})
        match tag:
            case "tuple":
                return tuple(self.unpack(entry) for entry in content)
            case "dict":
                return {self.unpack(key): self.unpack(entry) for key, entry in content}
            case "array":
                return self._array(*content).copy()
            case "number":
                return self._array(*content)[()]
            case "float":
                return float(content)
            case "callable":
                return _callable(content)
            case "partial":
                name, args, keywords = content
                return functools.partial(_callable(name), *self.unpack(args), **self.unpack(keywords))
        raise BadBook(f"unknown mark {tag!r}")

    def _array(self, dtype: str, start: int, shape: list[int]) -> np.ndarray:
        return self._arrays[dtype][start : start + math.prod(shape)].reshape(shape)


def _is_default(value: Any, f: Any) -> bool:
    held = getattr(value, f.name)
    if isinstance(held, str | bool | float | int | tuple) or held is None:
        return type(held) is type(f.default) and bool(held == f.default)
    return isinstance(held, dict | list) and not held and f.default_factory in (dict, list)


def _name_of(function: Callable) -> str:
    name = getattr(function, "__name__", "")
    if getattr(callables, name, None) is not function or name not in callables.__all__:
        raise TypeError(f"{function!r} is not a function of backpass.callables: it cannot be recorded")
    return name


def _callable(name: str) -> Callable:
    if name not in callables.__all__:
        raise BadBook(f"backpass.callables has no {name!r}")
    return getattr(callables, name)
