"""A student as a check sees one: functions that look local, wherever they run.

`Student` compares every answer with the reference's; `RemoteStudent` asks the sandbox, `LocalStudent` runs trusted
code (the reference, a mistake, a variant) in this process.
"""

from __future__ import annotations

import copy
import functools
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograder.lines import count_lines
from autograder.paths import ROOT
from autograder.remembered import Answers
from autograder.sandbox import Generator, Session
from autograder.units import Unit, returns_cache
from backpass.closeness import untouched
from backpass.compare import returned_names, sizes_of
from backpass.torch_adapter import adapted

CACHE_AT = 1  # a cache is the second value that a forward pass returns


class NotAttempted(Exception):
    """The function is missing, or raises NotImplementedError."""


@dataclass
class Kept:
    """A cache: the student's own stays where the student's code runs, the reference's is here."""

    inside: Any
    reference: Any


@dataclass
class Raised:
    """An exception of a call. `where` is the student's own line ("" where it is not known)."""

    type_name: str
    message: str
    where: str = ""

    def sentence(self) -> str:
        message = self.message.rstrip(" .")  # a full stop follows
        text = f"{self.type_name}: {message}" if message else self.type_name
        return f"raised {text}" + (f", at the line `{self.where}`" if self.where else "")


@dataclass
class Answer:
    """What came of a call on one side."""

    value: Any = None
    raised: Raised | None = None
    changed: list[str] = field(default_factory=list)
    lines: int | None = None


@dataclass
class Called:
    """One call of a student's function beside the reference's answer to the same arguments."""

    function: str
    reference: Callable
    args: tuple
    kwargs: dict
    answer: Answer
    expected: Answer

    @property
    def described(self) -> str:
        """The call as a student would write it."""
        return describe_call(self.function, self.reference, self.args, self.kwargs)

    @property
    def returns(self) -> tuple[str, ...]:
        """Names of the returned values."""
        return _returned_names(self.reference)

    @property
    def sizes(self) -> dict[str, int]:
        return sizes_of((*self.args, *self.kwargs.values()))


_returned_names = functools.cache(returned_names)
_reference_answers = Answers()
_given_answers = Answers()
REMEMBERED_NUMBERS = 4096  # in an argument of a call-back: longer ones are the student's own choice


@functools.cache
def _signature(function: Callable) -> inspect.Signature:
    return inspect.signature(function)


# Up to so many arrays of a dict or list are described one by one: a longer sentence is not read to its end.
LISTED = 3


def _arrays(values: dict | list | tuple) -> bool:
    return all(isinstance(value, np.ndarray) for value in (values.values() if isinstance(values, dict) else values))


def describe(value: Any) -> str:
    """An argument in a sentence: arrays by shape, so that no hidden number is shown."""
    if isinstance(value, np.ndarray):
        kind = "" if value.dtype == np.float64 else f" {value.dtype}"
        return f"an array of shape {value.shape}{kind}"
    if isinstance(value, Kept):
        return "the one returned before"
    if isinstance(value, Generator):
        return "rng"
    if isinstance(value, functools.partial):
        return describe(value.func)
    if callable(value):
        return "a function"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict | list | tuple) and len(value) > LISTED and _arrays(value):
        return f"a {type(value).__name__} of {len(value)} arrays"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {describe(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list | tuple) and any(isinstance(entry, np.ndarray) for entry in value):
        return "[" + ", ".join(describe(entry) for entry in value) + "]"
    return repr(value)


def describe_call(function: str, reference: Callable, args: tuple, kwargs: dict) -> str:
    """The call as a student would write it, with the arguments' names."""
    try:
        bound = _signature(reference).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):
        bound = {f"argument {i + 1}": value for i, value in enumerate(args)} | kwargs
    return f"{function}({', '.join(f'{name}={describe(value)}' for name, value in bound.items())})"


def resolve(value: Any, kept: Callable[[Kept], Any], generator: Callable[[Generator], Any]) -> Any:
    """Arguments for one side: fresh copies of arrays, that side's caches and generators."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, Kept):
        return kept(value)
    if isinstance(value, Generator):
        return generator(value)
    if isinstance(value, list | tuple):
        return type(value)(resolve(entry, kept, generator) for entry in value)
    if isinstance(value, dict):
        return {key: resolve(entry, kept, generator) for key, entry in value.items()}
    return value


def changed_arguments(names: list[str], before: list[Any], after: list[Any]) -> list[str]:
    """Names of arguments whose arrays (or whose keys) differ from the copies taken before the call."""
    return [name for name, old, new in zip(names, before, after, strict=True) if not untouched(old, new)]


class StudentFunction:
    """`student.conv2d_forward`: calling it compares structure, shapes and dtypes at once."""

    def __init__(self, student: Student, name: str):
        self.student, self.name = student, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from autograder.judging import Structure

        return self.student.ask(self.name, args, kwargs, Structure())


class Student:
    """Asks functions by name; keeps a log of the calls of one check."""

    def __init__(self, unit: Unit):
        self.unit = unit
        self.log: list[Called] = []
        self._reference = importlib.import_module(f"solutions.{unit.name}")
        self._references: dict[str, Callable] = {}
        self._reference_generators: dict[int, tuple[Generator, np.random.Generator]] = {}

    def __getattr__(self, name: str) -> StudentFunction:
        if name.startswith("_") or name not in self.unit.functions:
            raise AttributeError(f"unit {self.unit.name} has no function {name!r}")
        return StudentFunction(self, name)

    def ask(self, function: str, args: tuple, kwargs: dict, judgement: Any) -> Any:
        """Call the function on both sides, let `judgement` decide, and return the student's value."""
        called = self.observe(function, args, kwargs, judgement.counts_lines)
        judgement.judge(called)
        return self._with_kept(called)

    def observe(self, function: str, args: tuple, kwargs: dict, lines: bool = False) -> Called:
        reference = self.reference_of(function)
        expected = _reference_answers.ask(
            reference,
            args,
            kwargs,
            Kept,
            lambda: self._run_locally(reference, args, kwargs, lambda kept: kept.reference, self._reference_generators),
        )
        answer = self._answer(function, args, kwargs, lines)
        called = Called(function, reference, args, kwargs, answer, expected)
        self.log.append(called)
        return called

    def reference_of(self, function: str) -> Callable:
        """The reference's function; a class of torch as a function of arrays."""
        if function not in self._references:
            self._references[function] = adapted(function, getattr(self._reference, function))
        return self._references[function]

    def property_asked(self, name: str, values: tuple, options: dict) -> None:
        """A property is about to be asked of values (a recorder writes it down)."""

    def check_done(self) -> None:
        """End of a check: what was kept is dropped."""
        self._reference_generators.clear()

    def _answer(self, function: str, args: tuple, kwargs: dict, lines: bool) -> Answer:
        raise NotImplementedError

    def _with_kept(self, called: Called) -> Any:
        """The student's value; a cache in it is paired with the reference's."""
        value = called.answer.value
        if called.answer.raised or not returns_cache(called.function):
            return value
        if not isinstance(value, tuple | list) or len(value) <= CACHE_AT:
            return value
        kept = Kept(value[CACHE_AT], called.expected.value[CACHE_AT])
        return (*value[:CACHE_AT], kept, *value[CACHE_AT + 1 :])

    @staticmethod
    def _run_locally(
        function: Callable,
        args: tuple,
        kwargs: dict,
        kept: Callable[[Kept], Any],
        generators: dict,
        lines: bool = False,
    ) -> Answer:
        def generator(token: Generator) -> np.random.Generator:
            # The token is stored, too, so that its id is not used again while the entry lives.
            return generators.setdefault(id(token), (token, np.random.default_rng(token.seed)))[1]

        args = resolve(args, kept, generator)
        kwargs = resolve(kwargs, kept, generator)
        names = [*argument_names(function, args), *kwargs]
        before = [*_copies(args), *_copies(kwargs.values())]
        counted = None
        try:
            with np.errstate(all="ignore"):
                if lines:
                    value, counted = count_lines(lambda: function(*args, **kwargs), ROOT)
                else:
                    value = function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - a mistake may raise anything
            return Answer(raised=Raised(type(error).__name__, str(error)))
        return Answer(value, None, changed_arguments(names, before, [*args, *kwargs.values()]), counted)


def argument_names(function: Callable, args: tuple) -> list[str]:
    try:
        names = list(_signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    return [names[i] if i < len(names) else f"argument {i + 1}" for i in range(len(args))]


def _copies(values: Any) -> list[Any]:
    """Copies to compare with after the call; caches and generators are meant to be used up."""
    watched = (np.ndarray, list, tuple, dict)
    return [_copy_arrays(value) if isinstance(value, watched) else None for value in values]


def _copy_arrays(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, list | tuple):
        return [_copy_arrays(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _copy_arrays(entry) for key, entry in value.items()}
    return copy.copy(value) if isinstance(value, set) else None


class LocalStudent(Student):
    """The reference with some functions replaced, run in this process: for trusted code alone."""

    def __init__(self, unit: Unit, functions: dict[str, Callable] | None = None):
        super().__init__(unit)
        self._functions = functions or {}
        self._generators: dict[int, tuple[Generator, np.random.Generator]] = {}

    def _answer(self, function: str, args: tuple, kwargs: dict, lines: bool) -> Answer:
        own = self._functions.get(function)
        chosen = adapted(function, own) if own else self.reference_of(function)
        return self._run_locally(chosen, args, kwargs, lambda kept: kept.inside, self._generators, lines)

    def check_done(self) -> None:
        super().check_done()
        self._generators.clear()


def _apply(function: Callable, *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


def remembering(function: Callable) -> Callable:
    """A function that is given to a submission, asked once for the same arguments: most submissions ask the same."""

    def given(*args: Any, **kwargs: Any) -> Any:
        values = (*args, *kwargs.values())
        if not all(isinstance(v, np.ndarray | float | int) and np.size(v) <= REMEMBERED_NUMBERS for v in values):
            return function(*args, **kwargs)
        return _given_answers.ask(_apply, (function, *args), kwargs, Kept, lambda: function(*args, **kwargs))

    return given


class RemoteStudent(Student):
    """A submission in its sandbox."""

    def __init__(self, unit: Unit, session: Session):
        super().__init__(unit)
        self.session = session

    def _answer(self, function: str, args: tuple, kwargs: dict, lines: bool) -> Answer:
        keep = (CACHE_AT,) if returns_cache(function) else ()
        args = resolve(args, lambda kept: kept.inside, lambda token: token)
        kwargs = resolve(kwargs, lambda kept: kept.inside, lambda token: token)
        if not self.session.defines(function):
            raise NotAttempted(f"There is no function called `{function}` in what you handed in.")
        args = tuple(remembering(value) if callable(value) else value for value in args)
        kwargs = {name: remembering(value) if callable(value) else value for name, value in kwargs.items()}
        reply = self.session.call(function, args, kwargs, keep=keep, count_lines=lines)
        if reply.exception is None:
            return Answer(reply.value, None, list(reply.changed), reply.lines)
        error = reply.exception
        if error.type_name == "NotImplementedError":
            raise NotAttempted(f"`{function}` is still the stub: it raises NotImplementedError.")
        return Answer(raised=Raised(error.type_name, error.message, error.line_text), changed=list(reply.changed))

    def check_done(self) -> None:
        super().check_done()
        self.session.forget()
