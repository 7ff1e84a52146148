"""Running recorded cases on a student's functions: nothing that they do escapes, except an interrupt."""

from __future__ import annotations

import contextlib
import copy
import io
import linecache
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from backpass import properties
from backpass.cases import EQUALS, RAISES, UNCHANGED, Ask, Call, Came, Case, Reply, Seed
from backpass.closeness import untouched
from backpass.compare import Difference, check_structure, compare, sizes_of
from backpass.torch_adapter import adapted

_HERE = str(Path(__file__).parent)
_PRINTED_CHARACTERS = 4000


@dataclass
class Seen:
    """One call as it went: what was passed (copies), and what came, without caches."""

    call: Call
    args: tuple
    kwargs: dict[str, Any]
    reply: Reply = field(default_factory=Reply)


@dataclass
class Run:
    """What came of a case: a state of backpass.report and the sentence.

    by_property: a property is broken, not a call wrong; tag: which of its mistakes broke it.
    """

    case: Case
    state: str = "passed"
    message: str = ""
    by_property: bool = False
    tag: str = ""
    difference: Difference | None = None
    seen: list[Seen] = field(default_factory=list)
    printed: str = ""
    warnings: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return self.state == "passed"


class _Stop(Exception):
    """The case is decided."""

    def __init__(self, state: str, message: str, tag: str = "", difference: Difference | None = None):
        super().__init__(message)
        self.state, self.message, self.tag, self.difference = state, message, tag, difference


def run_case(case: Case, functions: Mapping[str, Callable]) -> Run:
    """Replay a case. `functions` are the student's, by name; a missing one is "not attempted".

    Raises
    ------
    KeyboardInterrupt
        Passed on, after a line that names the item and where the code was.
    """
    run = Run(case)
    try:
        with _quietly(run):
            _replay(case, functions, run)
    except _Stop as stop:
        run.state, run.message, run.tag, run.difference = stop.state, stop.message, stop.tag, stop.difference
    except KeyboardInterrupt as interrupt:
        spaces = [_globals(function) for function in functions.values()]
        print(f"Interrupted in {case.exercise}, item “{case.title}”{_where(interrupt.__traceback__, spaces)}.")
        raise
    return run


def _replay(case: Case, functions: Mapping[str, Callable], run: Run) -> None:
    results: list[Any] = []
    generators: dict[Seed, np.random.Generator] = {}

    for step in case.steps:
        run.by_property = isinstance(step, Ask)
        if isinstance(step, Call):
            results.append(_call(step, functions, results, generators, run))
        else:
            _ask(step, results)
            results.append(None)


def _call(step: Call, functions: Mapping[str, Callable], results: list, generators: dict, run: Run) -> Any:
    function = functions.get(step.function)
    if function is None:
        raise _Stop("not_attempted", f"There is no function called `{step.function}` yet.")
    args = tuple(_resolve(value, results, generators) for value in step.args)
    kwargs = {name: _resolve(value, results, generators) for name, value in step.kwargs.items()}
    seen = Seen(step, _copies(args), _copies(kwargs))
    run.seen.append(seen)
    watched = _watched(step, args, kwargs)
    before = copy.deepcopy(watched)
    try:
        value = adapted(step.function, function)(*args, **kwargs)
    except NotImplementedError:
        run.seen.pop()
        raise _Stop("not_attempted", f"`{step.function}` is still the stub.") from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - SystemExit, too, must not end the kernel
        seen.reply = Reply(raised=type(error).__name__)
        raised = _error_sentence(error, _where(error.__traceback__, [_globals(function)]))
        if step.then == RAISES and type(error).__name__ == step.error:
            return None
        if step.then == RAISES:
            message = f"`{step.function}` should raise a {step.error} here, and raised {raised}."
            raise _Stop("failed", message) from None
        raise _Stop("raised", f"`{step.function}` raised {raised}.") from None
    changed = tuple(name for name in watched if not untouched(before[name], watched[name]))
    try:
        seen.reply = Reply(_comparable(value, step.keep), changed=changed)
        _judge(step, seen.reply)
    except (_Stop, KeyboardInterrupt):
        raise
    except Exception as error:  # noqa: BLE001 - an object of the student's that defies comparing
        message = f"What `{step.function}` returned cannot be compared ({type(error).__name__})."
        raise _Stop("failed", message) from None
    return value


def _judge(step: Call, reply: Reply) -> None:
    """What the step asks of the reply; raises _Stop where it fails."""
    if step.then == RAISES:
        raise _Stop("failed", f"`{step.function}` should raise a {step.error} here, and returned a value.")
    expected = step.right.value
    difference = check_structure(reply.value, expected, names=step.returns)
    if difference is None and (step.then == EQUALS or (step.then == UNCHANGED and not _draws(step))):
        actual, wanted = _part(reply.value, step.part), _part(expected, step.part)
        sizes = sizes_of((*step.args, *step.kwargs.values()))
        difference = compare(actual, wanted, step.rtol, step.atol, names=step.returns, sizes=sizes)
    if difference:
        raise _Stop("failed", f"`{step.function}`: {difference.visible_sentence()}", difference=difference)
    if step.then == UNCHANGED and reply.changed:
        names = " and ".join(f"`{name}`" for name in reply.changed)
        message = f"`{step.function}` changed {names} in place. Work on a copy: what is passed in is not yours."
        raise _Stop("failed", message)


def _ask(step: Ask, results: list) -> None:
    values = [_resolve(value, results, {}) for value in step.values]
    options = {name: _resolve(value, results, {}) for name, value in step.options.items()}
    try:
        broken = getattr(properties, step.name)(*values, **options)
    except Exception as error:  # noqa: BLE001 - our fault
        message = f"A fault of this check, not of your work ({type(error).__name__}: {error})."
        raise _Stop("not_graded", message) from None
    if broken:
        raise _Stop("failed", broken.sentence, f"{step.name}:{broken.tag}" if broken.tag else "")


def _resolve(value: Any, results: list, generators: dict[Seed, np.random.Generator]) -> Any:
    """An argument as it is passed: fresh copies of data, the student's own earlier results, generators."""
    match value:
        case np.ndarray():
            return value.copy()
        case Seed():
            return generators.setdefault(value, np.random.default_rng(value.seed))
        case Came():
            found = results[value.step]
            for key in value.path:
                found = found[key]
            return found.copy() if isinstance(found, np.ndarray) else found
        case list() | tuple():
            return type(value)(_resolve(entry, results, generators) for entry in value)
        case dict():
            return {key: _resolve(entry, results, generators) for key, entry in value.items()}
    return value


def _watched(step: Call, args: tuple, kwargs: dict) -> dict[str, Any]:
    """The arguments that must not be changed, by name; caches and generators are meant to be used up."""
    names = [*step.names[: len(args)], *(f"argument {i + 1}" for i in range(len(step.names), len(args)))]
    given = zip([*names, *kwargs], [*step.args, *step.kwargs.values()], [*args, *kwargs.values()], strict=True)
    return {
        name: value
        for name, recorded, value in given
        if isinstance(value, np.ndarray) or (isinstance(value, list | tuple | dict) and not isinstance(recorded, Came))
    }


def _copies(value: Any) -> Any:
    """Copies of the arrays in arguments, for the report; the rest as it is."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(_copies(entry) for entry in value)
    if isinstance(value, dict):
        return {key: _copies(entry) for key, entry in value.items()}
    return value


def _comparable(value: Any, keep: tuple[int, ...]) -> Any:
    """A returned value without what is the student's own business; a copy: later calls may change it."""
    if keep and isinstance(value, tuple | list):
        value = tuple(None if i in keep else entry for i, entry in enumerate(value))
    return _copies(value)


def _draws(step: Call) -> bool:
    """Whether the call gets a random generator: then its numbers cannot be compared."""
    return any(isinstance(value, Seed) for value in (*step.args, *step.kwargs.values()))


def _part(value: Any, part: int | None) -> Any:
    return value if part is None else [entry if i == part else None for i, entry in enumerate(value)]


def _error_sentence(error: BaseException, where: str) -> str:
    text = " ".join(str(error).split()).rstrip(" .")  # a full stop follows
    text = text if len(text) <= 300 else text[:300] + " …"
    return f"{type(error).__name__}{': ' + text if text else ''}{where}"


def _globals(function: Callable) -> dict | None:
    home = sys.modules.get(function.__module__) if isinstance(function, type) else None
    return vars(home) if home else getattr(function, "__globals__", None)


def _where(trace: TracebackType | None, spaces: list[dict | None]) -> str:
    """The innermost line of the student's own code, in words, or ""."""
    own = other = None
    while trace is not None:
        if any(trace.tb_frame.f_globals is space for space in spaces if space is not None):
            own = trace
        elif not trace.tb_frame.f_code.co_filename.startswith(_HERE):
            other = trace
        trace = trace.tb_next
    found = own or other
    if found is None:
        return ""
    code, line = found.tb_frame.f_code, found.tb_lineno
    text = linecache.getline(code.co_filename, line, found.tb_frame.f_globals).strip()
    return f", at line {line} of the cell, in `{code.co_name}`" + (f": `{text}`" if text else "")


class _Bounded(io.StringIO):
    """Keeps the first part of what is written."""

    def write(self, text: str) -> int:
        room = _PRINTED_CHARACTERS - self.tell()
        if room > 0:
            super().write(text[:room])
        return len(text)


@contextlib.contextmanager
def _quietly(run: Run) -> Iterator[None]:
    """Printed text and warnings go into the run: nbgrader scores any line on stderr as zero."""
    printed = _Bounded()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                yield
        finally:
            run.printed = printed.getvalue()
            run.warnings = list(dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught))
