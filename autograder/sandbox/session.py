"""One submission in one sandbox: cells are run, functions are called, limits are kept."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from autograder.isolation import BUBBLEWRAP
from autograder.sandbox import launch, warm, wire
from autograder.sandbox.launch import NoSandbox
from autograder.sandbox.watch import Usage, usage
from autograder.sandbox.wire import Generator, Handle, WireError
from autograder.units import Unit

START_SECONDS = 60.0  # for a worker to be ready, on a very busy machine
TICK = 0.1  # seconds between looks at what a busy sandbox uses
BUSY_FACTOR = 5.0  # wall-clock limits are never stretched by more than this
LOOK_AGAIN = 1.0  # seconds between looks while calls are short
SANDBOX_TASKS = 4  # processes of the sandbox itself, at most
MAX_RESTARTS = 12  # of one run of the cells: each costs a crash or a time-out
MODULES_NOT_HERE = ("solutions", "autograder")  # never a stand-in: importing them is an error like any other
# Exceptions of code that has used up memory, processes or files.
STRAIN = ("MemoryError", "RuntimeError", "BlockingIOError", "OSError")
# Errors of a call-back that are told inside by their own type.
TOLD = (
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    ZeroDivisionError,
    FloatingPointError,
    OverflowError,
    AttributeError,
)


class TimedOut(Exception):
    """Student code was stopped; the text is a sentence for the student."""


class Crashed(Exception):
    """The process of student code ended, or broke the protocol; the text is a sentence for the student."""


@dataclass(frozen=True)
class Cell:
    """A code cell: plain Python, and the name that tracebacks show."""

    source: str
    name: str
    grade_id: str = ""


@dataclass(frozen=True)
class RaisedInside:
    """An exception of student code. `line_text` is the last line of the student's own, or ""."""

    type_name: str
    message: str
    line: int = 0
    line_text: str = ""
    cell: str = ""

    def sentence(self) -> str:
        text = f"{self.type_name}: {self.message}" if self.message else self.type_name
        return text + (f", at the line `{self.line_text}`" if self.line_text else "")


@dataclass
class Reply:
    """What came of a call. `lines` counts executed lines and calls of the student's cells, if asked for."""

    value: Any = None
    changed: list[str] = field(default_factory=list)
    printed: str = ""
    warnings: list[str] = field(default_factory=list)
    exception: RaisedInside | None = None
    lines: int | None = None


class Session:
    """A submission's sandbox, started when it is first needed and again after a time-out or a crash.

    Not for two threads; and the thread that starts it must live as long, since the sandbox dies with it.
    """

    def __init__(self, cells: Sequence[Cell], unit: Unit, isolation: str = "bubblewrap"):
        self.cells, self.unit, self.isolation = list(cells), unit, isolation
        self.notes: list[str] = []
        self.generation = 0
        self._worker: launch.Worker | None = None
        self._skip: dict[int, set[int]] = {}
        self._ids = itertools.count(1)
        self._generators: dict[int, tuple[int, Generator]] = {}
        self._generator_ids = itertools.count(1)
        self._keeps = False  # whether something is kept inside that the end of the check drops
        self._strained = False  # whether a call of this check came to the end of what there is
        self._defined: dict[str, bool] = {}  # what this worker said of names
        self._spent = 0.0  # processor seconds of earlier workers
        self._seen = 0.0  # and of this one, when last looked at
        self._buffer = bytearray()
        self._waited = 0.0  # wall-clock seconds in all
        self._looked = 0.0
        self._at = -1  # the statement that the running cell has come to
        self._failure: TimedOut | Crashed | None = None
        self._call_backs_left = unit.limits.call_backs

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._stop()

    def processor_seconds(self) -> float:
        """What the submission's processes have used until now, since they were started or forked."""
        if self._worker is not None:
            self._seen = max(self._seen, usage(self._worker).processor)
        return self._spent + self._seen

    # What checks ask

    def start(self) -> None:
        """Run the cells, if they are not run yet. What times out or crashes in them is left out and noted.

        Raises NoSandbox. When the cells cannot be run to the end that is noted, and later calls raise it.
        """
        if self._worker is not None or self._failure is not None:
            return
        try:
            for _ in range(MAX_RESTARTS):
                if self._try_start():
                    return
            self._failure = Crashed("Too many cells of the submission timed out or crashed.")
        except (TimedOut, Crashed) as error:
            self._failure = error
        self._note(str(self._failure))

    def _running(self) -> None:
        if self._worker is None and self._failure is None and self._over():
            self._failure = TimedOut(self._over_sentence("Your code"))
        self.start()
        if self._failure is not None:
            raise self._failure

    def defines(self, name: str) -> bool:
        """Whether the cells give this name a value; asked once of each worker."""
        self._running()
        if name not in self._defined:
            message = self._ask(
                {"kind": "defines", "name": name}, "done", "Looking for your functions", self._limit("call")
            )
            self._defined[name] = message["value"] is True
        return self._defined[name]

    def call(
        self,
        function: str,
        args: Sequence,
        kwargs: dict | None = None,
        keep: Sequence[int] = (),
        count_lines: bool = False,
    ) -> Reply:
        """Call a function of the submission. Raises TimedOut or Crashed; an exception inside is in the reply.

        `keep` names positions of a returned tuple that stay inside; a Handle is returned in their place.
        """
        self._running()
        call_backs: list[Callable] = []
        request = {
            "kind": "call",
            "function": function,
            "args": tuple(self._outward(value, call_backs) for value in args),
            "kwargs": {name: self._outward(value, call_backs) for name, value in (kwargs or {}).items()},
            "keep": tuple(keep),
            "count_lines": count_lines,
        }
        self._keeps = self._keeps or bool(keep or self._generators)
        message = self._ask(request, "reply", f"`{function}`", self._limit("call"), call_backs)
        reply = self._reply(message)
        self._strained = self._strained or (reply.exception is not None and reply.exception.type_name in STRAIN)
        return reply

    def forget(self) -> None:
        """End of a check: what was kept inside is dropped."""
        self._generators.clear()
        keeps, self._keeps = self._keeps, False
        strained, self._strained = self._strained, False
        if strained and self._worker is not None and self._crowded():
            self._stop()  # what one function leaves behind must not cost the next one
        if self._worker is None or not keeps:
            return
        # What is dropped may have a __del__ that hangs: the next check gets a fresh start then.
        with contextlib.suppress(TimedOut, Crashed):
            self._ask({"kind": "forget"}, "done", "Ending a check", self._limit("call"))

    def _crowded(self) -> bool:
        """Whether what was left running or in memory takes more than half of what there is."""
        now, limits = usage(self._worker), self.unit.limits
        return now.tasks > limits.processes // 2 + SANDBOX_TASKS or now.memory > limits.memory_bytes // 2

    # Starting

    def _try_start(self) -> bool:
        """Start a worker and run the cells; False when a cell took the worker with it."""
        self._defined.clear()
        self.generation += 1
        self._begin(take_spare(self.unit, self.isolation) or _started(self.unit, self.isolation))
        for number, cell in enumerate(self.cells):
            skip = self._skip.get(number, set())
            if -1 in skip:
                continue
            who = cell.name[:1].upper() + cell.name[1:]
            request = {"kind": "cell", "name": cell.name, "source": cell.source, "skip": sorted(skip)}
            self._at = -1
            try:
                message = self._ask(request, "reply", who, self._limit("cell"))
            except (TimedOut, Crashed) as error:
                if self._over():
                    raise
                # Without that statement (or, when it was told before or is unknown, without the cell).
                self._skip.setdefault(number, set()).add(-1 if self._at in skip else self._at)
                self._note(f"{error} That part is left out.")
                return False
            except WireError as error:
                self._skip.setdefault(number, set()).add(-1)
                self._note(f"{who} could not be run: {error}.")
                return False
            if message["exception"]:
                self._note(f"{who} raised {_raised(message['exception']).sentence()}.")
        return True

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(wire.short(sentence, 1000))

    def _begin(self, worker: launch.Worker) -> None:
        """Wait until a worker is ready; where one cannot be forked, start one by itself. Raises NoSandbox."""
        try:
            self._wait_until_ready(worker)
        except NoSandbox:
            if not worker.forked:
                raise
            warm.refuse(self.unit, worker.complaint)
            self._wait_until_ready(_started(self.unit, self.isolation))

    def _wait_until_ready(self, worker: launch.Worker) -> None:
        self._worker = worker
        self._buffer.clear()
        self._seen = 0.0
        try:
            self._next_message(("ready",), "The sandbox", _Budget(START_SECONDS, START_SECONDS, START_SECONDS), None)
        except (TimedOut, Crashed) as error:
            self._stop()
            if isinstance(error, TimedOut) and self._over():
                raise  # the submission's time ended while the sandbox was started again
            raise launch.explain(worker.complaint, worker.status) from None

    def _stop(self) -> int | None:
        worker, self._worker = self._worker, None
        if worker is None:
            return None
        self._spent += self._seen
        self._seen = 0.0
        return worker.kill()

    # Asking

    def _limit(self, what: str) -> _Budget:
        limits = self.unit.limits
        seconds = limits.call_seconds if what == "call" else limits.cell_seconds
        return _Budget(seconds, seconds * limits.wall_factor, limits.idle_seconds)

    def _over(self) -> bool:
        limits = self.unit.limits
        seconds = limits.submission_seconds
        return self._spent + self._seen > seconds or self._waited > seconds * limits.wall_factor

    def _ask(self, request: dict, kind: str, who: str, budget: _Budget, call_backs: Sequence[Callable] = ()) -> dict:
        """Send a request and wait for its answer, serving call-backs meanwhile."""
        began = time.monotonic()
        try:
            return self._exchange(request, kind, who, budget, call_backs)
        except BaseException:
            self._stop()  # whatever happened, the two sides may be out of step
            raise
        finally:
            self._waited += time.monotonic() - began

    def _exchange(self, request: dict, kind: str, who: str, budget: _Budget, call_backs: Sequence[Callable]) -> dict:
        if time.monotonic() - self._looked > LOOK_AGAIN:
            self._look(who, budget)  # at what was left running inside
        if self._over():
            raise TimedOut(self._over_sentence(who))
        number = next(self._ids)
        data = wire.pack({**request, "id": number})  # a WireError here is the check's fault
        if self._buffer or self._readable():
            raise Crashed(f"{who} was not run: the submission sent something that is not a reply.")
        while True:
            message = self._next_message((kind, "at", "ask"), who, budget, data)
            data = None
            if message["id"] != number:
                raise Crashed(f"{who} sent something that is not a reply.")
            if message["kind"] == "at":
                self._at = message["statement"]
            elif message["kind"] == "ask":
                asked = time.monotonic()
                data = wire.pack({**self._answer(message, call_backs, who), "id": number})
                budget.answered(time.monotonic() - asked)
            else:
                return message

    def _next_message(self, kinds: tuple[str, ...], who: str, budget: _Budget, data: bytes | None) -> dict:
        """The next frame, after `data` has been sent. Kills the sandbox when the budget is used up."""
        pending = memoryview(data or b"")
        limit = self.unit.limits.reply_bytes
        if pending:
            with contextlib.suppress(OSError):  # a full pipe, or one that is closed: seen below
                pending = pending[os.write(self._worker.requests, pending) :]
        while True:
            try:
                if len(self._buffer) >= wire.PREFIX.size:
                    end = wire.PREFIX.size + wire.announced(bytes(self._buffer[: wire.PREFIX.size]), limit)
                    if len(self._buffer) >= end:
                        body = bytes(self._buffer[wire.PREFIX.size : end])
                        del self._buffer[:end]
                        return wire.unpack(body, kinds)
            except WireError as error:
                raise Crashed(f"{who} sent something that is not a reply ({error}).") from None
            worker = self._worker
            readable, writable, _ = select.select(
                [worker.replies], [worker.requests] if pending else [], [], budget.next_tick()
            )
            if readable:
                try:
                    part = os.read(worker.replies, 1 << 20)
                except OSError:
                    part = b""
                if not part:
                    raise self._ended(who)
                self._buffer += part
            if writable:
                try:
                    pending = pending[os.write(worker.requests, pending) :]
                except OSError:
                    raise self._ended(who) from None
            if budget.due():
                self._look(who, budget)

    def _readable(self) -> bool:
        return bool(select.select([self._worker.replies], [], [], 0)[0])

    def _look(self, who: str, budget: _Budget) -> None:
        """See what the sandbox uses, and end it when that is too much."""
        now = usage(self._worker)
        self._seen = max(self._seen, now.processor)
        limits = self.unit.limits
        self._looked = time.monotonic()
        exceeded = budget.exceeded(now)
        if now.memory > 1.5 * limits.memory_bytes + (64 << 20):
            raise Crashed(f"{who} was stopped: its processes together used too much memory.")
        if now.files > limits.scratch_files:
            raise Crashed(f"{who} was stopped: it made too many files.")
        if self._over():
            raise TimedOut(self._over_sentence(who))
        if exceeded:
            raise TimedOut(f"{who} {exceeded}, and was stopped.")

    def _over_sentence(self, who: str) -> str:
        limits = self.unit.limits
        used = f"used more than its {limits.submission_seconds:g} s of processor time"
        if self._spent + self._seen <= limits.submission_seconds:
            used = f"took more than its {limits.submission_seconds * limits.wall_factor:g} s"
        return f"{who} was stopped: the whole submission {used}."

    def _ended(self, who: str) -> Crashed:
        """The channel is closed: say how the process ended."""
        with contextlib.suppress(Exception):
            self._worker.process.wait(timeout=1.0)
        status = self._stop()
        return Crashed(f"{who} {how_it_ended(status)}.")

    # Values

    def _outward(self, value: Any, call_backs: list[Callable]) -> Any:
        """An argument as it crosses: generators and callables become numbers."""
        if isinstance(value, Generator):
            known = self._generators.setdefault(id(value), (0, value))
            if not known[0]:
                known = self._generators[id(value)] = (next(self._generator_ids), value)
            return wire.GeneratorRef(known[0], value.seed)
        if isinstance(value, Handle):
            if value.generation != self.generation:
                raise Crashed("What an earlier call had kept was lost when the submission was started again.")
            return value
        if isinstance(value, list):
            return [self._outward(entry, call_backs) for entry in value]
        if isinstance(value, tuple):
            return tuple(self._outward(entry, call_backs) for entry in value)
        if isinstance(value, dict):
            return {key: self._outward(entry, call_backs) for key, entry in value.items()}
        if callable(value):
            call_backs.append(value)
            return wire.CallBack(len(call_backs) - 1)
        return value

    def _inward(self, value: Any) -> Any:
        if isinstance(value, Handle):
            return dataclasses.replace(value, generation=self.generation)
        if isinstance(value, list):
            return [self._inward(entry) for entry in value]
        if isinstance(value, tuple):
            return tuple(self._inward(entry) for entry in value)
        if isinstance(value, dict):
            return {key: self._inward(entry) for key, entry in value.items()}
        if isinstance(value, wire.GeneratorRef | wire.CallBack):
            return wire.Unsupported(type(value).__name__)
        return value

    def _answer(self, message: dict, call_backs: Sequence[Callable], who: str) -> dict:
        """Compute what the sandbox asks of a function that was passed in."""
        self._call_backs_left -= 1
        if self._call_backs_left < 0:
            raise Crashed(f"{who} called the function it was given too often.")
        number = message["call_back"]
        if not 0 <= number < len(call_backs):
            raise Crashed(f"{who} sent something that is not a reply.")
        answer = {"kind": "answer", "value": None, "error": None, "message": ""}
        try:
            value = call_backs[number](*self._inward(message["args"]), **self._inward(message["kwargs"]))
        except Exception as error:  # noqa: BLE001 - it was given the student's values
            kind = next((known.__name__ for known in TOLD if isinstance(error, known)), "RuntimeError")
            return {**answer, "error": kind, "message": wire.short(str(error), 500)}
        return {**answer, "value": value}

    def _reply(self, message: dict) -> Reply:
        exception = message["exception"]
        return Reply(
            self._inward(message["value"]),
            message["changed"],
            message["printed"][: self.unit.limits.printed_characters],
            message["warnings"],
            _raised(exception) if exception else None,
            message["lines"],
        )


def _raised(fields: dict) -> RaisedInside:
    return RaisedInside(**fields)


class _Budget:
    """How long one request may take, in processor, wall-clock and idle seconds."""

    def __init__(self, processor: float, wall: float, idle: float):
        self.processor, self.wall, self.idle = processor, wall, idle
        self.began = time.monotonic()
        self._due = self.began + TICK
        self._base: float | None = None
        self._delayed = 0.0
        self._last = self.began
        self._last_processor = 0.0
        self._idle = 0.0

    def next_tick(self) -> float:
        return max(0.0, self._due - time.monotonic())

    def due(self) -> bool:
        return time.monotonic() >= self._due

    def answered(self, seconds: float) -> None:
        """The sandbox waited for an answer of ours: that is not its idleness, and not its time."""
        self.began += seconds
        self._last, self._idle = time.monotonic(), 0.0

    def exceeded(self, now: Usage) -> str:
        """What was exceeded, as the rest of a sentence, or ""."""
        clock = time.monotonic()
        if self._base is None:
            self._base = self._last_processor = now.processor
            self._delayed = now.delayed
        elif not now.running and now.processor - self._last_processor < 0.1 * (clock - self._last):
            # Asleep, not merely waiting for a busy machine: that counts as running.
            self._idle += min(clock - self._last, 2 * TICK)
        self._last, self._last_processor, self._due = clock, now.processor, clock + TICK
        if now.processor - self._base > self.processor:
            return f"used more than {self.processor:g} s of processor time"
        if self._idle > self.idle:
            return f"slept or waited for more than {self.idle:g} s"
        # A busy machine is slow, not wrong: what it let wait is not counted, up to a point.
        taken = clock - self.began
        if taken - (now.delayed - self._delayed) > self.wall or taken > BUSY_FACTOR * self.wall:
            return f"took more than {self.wall:g} s"
        return ""


def how_it_ended(status: int | None) -> str:
    """The end of a worker as the rest of a sentence. bubblewrap gives 128 + n for signal n."""
    if status is None:
        return "closed the channel to the grader"
    if status == wire.OUT_OF_MEMORY:
        return "found no memory left"
    number = -status if status < 0 else status - 128
    if number > 0 and number in set(signal.Signals):
        name = signal.Signals(number).name
        meaning = {
            "SIGSEGV": "a segmentation fault: endless recursion, or a library was misused",
            "SIGKILL": "it was killed, most likely for too much memory",
            "SIGABRT": "it aborted, most likely for too much memory",
            "SIGXCPU": "too much processor time",
            "SIGXFSZ": "a file became too large",
            "SIGBUS": "the scratch space was full, or a library was misused",
        }.get(name)
        return f"ended the process with signal {name}" + (f" ({meaning})" if meaning else "")
    return f"ended the process with os._exit({status})"


# Starting ahead of need

_spares: dict[tuple[Unit, str], launch.Worker] = {}


def _started(unit: Unit, isolation: str) -> launch.Worker:
    """A new worker that has been told its limits."""
    worker = (warm.fork(unit) if isolation == BUBBLEWRAP else None) or launch.start(unit, isolation)
    limits = dataclasses.asdict(unit.limits) | {"processes": launch.process_limit(unit, isolation)}
    hello = {"kind": "hello", "limits": limits, "hidden": list(MODULES_NOT_HERE)}
    with contextlib.suppress(OSError):  # a worker that has ended already is explained when it is waited for
        os.write(worker.requests, wire.pack(hello))
    return worker


def prepare_spare(unit: Unit, isolation: str = "bubblewrap") -> None:
    """Start a sandbox ahead of need (it does not wait); the next Session of this unit takes it."""
    if (unit, isolation) not in _spares:
        with contextlib.suppress(NoSandbox):  # who needs one then is told why
            _spares[unit, isolation] = _started(unit, isolation)


def take_spare(unit: Unit, isolation: str) -> launch.Worker | None:
    worker = _spares.pop((unit, isolation), None)
    if worker is not None and worker.process.poll() is not None:
        worker.kill()
        return None
    return worker


def drop_spares() -> None:
    while _spares:
        _spares.popitem()[1].kill()
    warm.drop_templates()


def check_isolation(isolation: str) -> None:
    """Raises NoSandbox when student code cannot be isolated here; "none" is always possible."""
    from autograder.units import UNITS

    if isolation != "none":
        with Session((), next(iter(UNITS.values())), isolation) as session:
            session.start()


__all__ = ["Cell", "Crashed", "NoSandbox", "RaisedInside", "Reply", "Session", "TimedOut", "check_isolation"]
