"""What runs inside the sandbox: a submission's cells, then its functions, as the grader asks.

Started as `python -I -S -B -c "... import worker; worker.main()"`, the folders of `launch.visible` on sys.path.
It knows the standard library, NumPy and the wire format, and nothing worth stealing. Student code shares this
process and can change all of it: what is sent is believed only as far as it is about the student's values.
"""

import __future__ as future

import ast
import builtins
import gc
import inspect
import io
import linecache
import os
import resource
import sys
import types
import warnings

import numpy as np
import standins
import wire
from standins import nothing

MESSAGE = 2000  # characters of an exception's or a warning's text
WARNINGS = 20
FEATURES = [getattr(future, name) for name in future.all_feature_names]


class Channel:
    """The pipes to the grader, moved away from descriptors 0 to 2, which lead nowhere from then on."""

    def __init__(self):
        self.requests, self.replies = os.dup(0), os.dup(1)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1):
            os.dup2(nowhere, descriptor)
        self.nowhere = nowhere
        self.limit = wire.MAX_FRAME

    def close_stderr(self) -> None:
        os.dup2(self.nowhere, 2)
        os.close(self.nowhere)

    def receive(self) -> dict:
        length = wire.announced(self._read(wire.PREFIX.size))
        return wire.unpack(self._read(length))

    def _read(self, length: int) -> bytes:
        parts = bytearray()
        while len(parts) < length:
            part = os.read(self.requests, min(length - len(parts), 1 << 20))
            if not part:
                os._exit(0)  # the grader has gone
            parts += part
        return bytes(parts)

    def send(self, message: dict) -> None:
        self._write(wire.pack(message, self.limit, unsupported=True))

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self.replies, view) :]


class Printed(io.TextIOBase):
    """A stream that keeps the first characters and forgets the rest."""

    encoding = "utf-8"

    def __init__(self, limit: int):
        self.limit, self.parts, self.size = limit, [], 0
        self.buffer = types.SimpleNamespace(write=len, flush=lambda: None)

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        room = self.limit - self.size
        if room > 0:
            self.parts.append(text[:room])
            self.size += min(len(text), room)
        return len(text)

    def take(self) -> str:
        text = "".join(self.parts)
        self.parts, self.size = [], 0
        return text


# The submission

CELLS = {}  # name -> lines of its source, of the cells run so far


class Submission:
    """The namespace in which the cells run, and what is kept for the grader."""

    def __init__(self, channel, limits, guarded):
        self.channel, self.limits, self.guarded = channel, limits, guarded
        self.flags = 0
        self.handles, self.generators = {}, {}
        self.next_handle = 1
        self.id = 0
        self.printed = Printed(limits["printed_characters"])
        module = types.ModuleType("__main__")
        module.__builtins__ = builtins
        sys.modules["__main__"] = module
        self.names = module.__dict__
        self.names["get_ipython"] = nothing
        self.names["display"] = nothing
        for name in ("exit", "quit"):
            self.names[name] = sys.exit

    # Cells

    def run_cell(self, message):
        """Run a cell statement by statement. After one that raises, only definitions and imports are run."""
        name, source, skip = message["name"], message["source"], set(message["skip"])
        CELLS[name] = lines = source.splitlines()
        linecache.cache[name] = (len(source), None, [line + "\n" for line in lines], name)
        try:
            tree = ast.parse(source, name)
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            return self._reply(exception=self._exception(error, name))
        self._find_guarded(tree, name)
        failed = None
        for number, statement in enumerate(tree.body):
            after = failed or (skip and number > min(skip))
            if number in skip or (after and not isinstance(statement, DEFINITIONS)):
                continue
            self.channel.send({"kind": "at", "id": self.id, "statement": number})
            try:
                self._run_statement(statement, name)
            except BaseException as error:  # noqa: BLE001 - sys.exit() in a cell does not end the run
                failed = failed or self._exception(error, name)
        return self._reply(exception=failed)

    def _run_statement(self, statement, name):
        flags = self.flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code = compile(ast.Module([statement], []), name, "exec", flags, dont_inherit=True)
        for feature in FEATURES:
            self.flags |= code.co_flags & feature.compiler_flag
        if code.co_flags & inspect.CO_COROUTINE:
            import asyncio

            asyncio.run(eval(code, self.names))
        else:
            exec(code, self.names)

    def _find_guarded(self, tree, name):
        for node in ast.walk(tree):
            if isinstance(node, ast.Try):
                for inner in [inner for statement in node.body for inner in ast.walk(statement)]:
                    if isinstance(inner, ast.Import | ast.ImportFrom):
                        self.guarded.add((name, inner.lineno))

    # Calls

    def call(self, message):
        name = message["function"]
        if name not in self.names:
            return self._reply(exception=_described("NameError", f"name '{name}' is not defined"))
        function = self.names[name]
        if not callable(function):
            text = f"`{name}` is not a function, but a value of type {type(function).__name__}"
            return self._reply(exception=_described("TypeError", text))
        if isinstance(function, type):
            from backpass.torch_adapter import adapted  # only the classes of unit 9 need it

            function = adapted(name, function)
        try:
            args, kwargs = self._inward(message["args"]), self._inward(message["kwargs"])
        except KeyError:
            return self._reply(exception=_described("LookupError", "a value that was kept inside is gone"))
        labels = [*_labels(function, len(args)), *kwargs]
        values = [*args, *kwargs.values()]
        before = [_snapshot(value) for value in values]
        value, lines, failure = None, None, None
        try:
            with np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
                if message["count_lines"]:
                    value, lines = count_lines(function, args, kwargs)
                else:
                    value = function(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - sys.exit() in a call is an exception like others
            failure = self._exception(error)
        changed = [label for label, old, new in zip(labels, before, values, strict=True) if not _equal(old, new)]
        if failure is None:
            value = self._keep(value, message["keep"])
        return self._reply(value, changed, failure, lines)

    def _reply(self, value=None, changed=(), exception=None, lines=None):
        return {"value": value, "changed": list(changed), "exception": exception, "lines": lines}

    def _keep(self, value, positions):
        """Replace entries of a returned tuple by handles."""
        if not isinstance(value, tuple | list) or not positions:
            return value
        entries = list(value)
        for position in positions:
            if position < len(entries):
                self.handles[self.next_handle] = entries[position]
                entries[position] = wire.Handle(self.next_handle)
                self.next_handle += 1
        return tuple(entries)

    def _inward(self, value):
        if isinstance(value, wire.Handle):
            return self.handles[value.id]
        if isinstance(value, wire.GeneratorRef):
            if value.id not in self.generators:
                self.generators[value.id] = np.random.default_rng(value.seed)
            return self.generators[value.id]
        if isinstance(value, wire.CallBack):
            return self._proxy(value.id)
        if isinstance(value, list):
            return [self._inward(entry) for entry in value]
        if isinstance(value, tuple):
            return tuple([self._inward(entry) for entry in value])
        if isinstance(value, dict):
            return {key: self._inward(entry) for key, entry in value.items()}
        return value

    def _proxy(self, number):
        """A function that asks the grader."""

        def f(*args, **kwargs):
            question = {"kind": "ask", "id": self.id, "call_back": number, "args": args, "kwargs": kwargs}
            self.channel.send(question)
            told = self.channel.receive()
            if told["error"] is None:
                return told["value"]
            raise getattr(builtins, told["error"])(told["message"])

        return f

    def _exception(self, error, cell=""):
        """What a student needs to know of an exception: type, text, and the last of their own lines."""
        line, where = 0, cell
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename in CELLS:
                line, where = trace.tb_lineno, trace.tb_frame.f_code.co_filename
            trace = trace.tb_next
        if isinstance(error, SyntaxError) and error.filename in CELLS:
            line, where = error.lineno or 0, error.filename
        lines = CELLS.get(where, ())
        text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
        try:
            message = str(error.msg) if isinstance(error, SyntaxError) else str(error)
        except BaseException:  # noqa: BLE001 - a __str__ of the student's own
            message = ""
        return _described(type(error).__name__, message, line, text, where if line else "")


DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


def _described(type_name, message, line=0, line_text="", cell=""):
    return {
        "type_name": wire.short(str(type_name), 100),
        "message": wire.short(message, MESSAGE),
        "line": line,
        "line_text": wire.short(line_text, 200),
        "cell": cell,
    }


def _labels(function, count):
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    return [names[i] if i < len(names) else f"argument {i + 1}" for i in range(count)]


def _snapshot(value):
    """A copy to compare with after the call; a cache or a generator, which may change, is not watched."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, list):
        return [_snapshot(entry) for entry in value]
    if isinstance(value, tuple):
        return tuple([_snapshot(entry) for entry in value])
    if isinstance(value, dict):
        return {key: _snapshot(entry) for key, entry in value.items()}
    return value


def _equal(old, new):
    if isinstance(old, np.ndarray):
        if not isinstance(new, np.ndarray) or old.dtype != new.dtype:
            return False
        return np.array_equal(old, new, equal_nan=old.dtype.kind in "fc")
    if type(old) is not type(new):
        return False
    if isinstance(old, list | tuple):
        return len(old) == len(new) and all(map(_equal, old, new))
    if isinstance(old, dict):
        return old.keys() == new.keys() and all(_equal(old[key], new[key]) for key in old)
    if isinstance(old, bool | int | float | str):
        return old == new or old != old  # NaN
    return old is new


def count_lines(function, args, kwargs):
    """The value, and how many lines and calls of the student's own cells were executed."""
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        if frame.f_code.co_filename not in CELLS:
            return None
        if event in ("line", "call"):
            count += 1
        return trace

    sys.settrace(trace)
    try:
        return function(*args, **kwargs), count
    finally:
        sys.settrace(None)


# The loop


def set_limits(limits):
    """Hard limits of this process and of all that it starts."""
    for what, value in (
        (resource.RLIMIT_AS, limits["memory_bytes"]),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
        (resource.RLIMIT_NOFILE, limits["open_files"]),
        (resource.RLIMIT_CPU, int(limits["submission_seconds"]) + 10),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (value, value))


def observed(submission, work):
    """Run `work`, with prints and warnings caught; returns its value, the prints and the warnings."""
    texts = []

    def show(message, category, filename, lineno, file=None, line=None):
        if len(texts) < WARNINGS:
            texts.append(wire.short(f"{category.__name__}: {message}", MESSAGE))

    out = submission.printed
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        for category in (ResourceWarning, DeprecationWarning, PendingDeprecationWarning, ImportWarning):
            warnings.simplefilter("ignore", category)
        warnings.showwarning = show
        sys.stdout = sys.stderr = out
        try:
            value = work()
        finally:
            sys.settrace(None)
    return value, wire.short(out.take(), out.limit), texts


def main():
    channel = Channel()
    hello = channel.receive()
    limits = hello["limits"]
    set_limits(limits)
    channel.limit = limits["reply_bytes"]
    guarded = set()
    sys.meta_path.insert(0, standins.QuietCheck())
    sys.meta_path.append(standins.Finder(CELLS, guarded, frozenset(hello["hidden"])))
    submission = Submission(channel, limits, guarded)
    sys.argv = [""]
    # Off while the modules were imported, which takes a tenth less so; they are no garbage, ever.
    gc.freeze()
    gc.enable()
    channel.send({"kind": "ready", "numpy": np.__version__})
    channel.close_stderr()
    try:
        serve(channel, submission)
    except MemoryError:
        os._exit(wire.OUT_OF_MEMORY)


def serve(channel, submission):
    """Answer what the grader asks, one message after the other."""
    while True:
        message = channel.receive()
        submission.id = message["id"]
        if message["kind"] in ("cell", "call"):
            answer(channel, submission, message)
            continue
        value = None
        if message["kind"] == "defines":
            value = submission.names.get(message["name"]) is not None
        else:
            submission.handles.clear()
            submission.generators.clear()
        channel.send({"kind": "done", "id": message["id"], "value": value})


def answer(channel, submission, message):
    """Run a cell or a call, and send what came of it."""
    run = submission.run_cell if message["kind"] == "cell" else submission.call
    fields, printed, texts = observed(submission, lambda: run(message))
    reply = {"kind": "reply", "id": message["id"], "printed": printed, "warnings": texts, **fields}
    try:
        channel.send(reply)
    except wire.WireError as error:
        reply["value"] = wire.Unsupported(str(error).removesuffix(" cannot be sent"))
        channel.send(reply)
