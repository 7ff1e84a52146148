"""Student code in its sandbox: what it can do for an honest student, and what it cannot do for any."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from autograder.paths import ROOT
from autograder.sandbox import (
    Cell,
    Crashed,
    Generator,
    Handle,
    NoSandbox,
    Session,
    TimedOut,
    Unsupported,
    check_isolation,
    drop_spares,
    launch,
    prepare_spare,
    warm,
    watch,
)
from autograder.units import UNITS, Limits
from tests.needs_sandbox import skip_without_sandbox

LIMITS = dataclasses.replace(
    Limits(),
    call_seconds=1.0,
    cell_seconds=1.0,
    idle_seconds=1.5,
    file_bytes=4 << 20,
    scratch_bytes=16 << 20,
    reply_bytes=8 << 20,
    printed_characters=1000,
    call_backs=100,
)
UNIT = dataclasses.replace(UNITS["convolution"], limits=LIMITS)


@pytest.fixture(scope="module", autouse=True, params=["forked", "started"])
def start(request) -> Iterator[str]:
    """Everything holds for workers that are forked from a template, and for those that are started by themselves."""
    skip_without_sandbox()
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "started":
            patch.setattr(warm, "fork", lambda unit: None)
        elif warm.refused(UNIT):
            pytest.skip(f"workers cannot be forked here: {warm.refused(UNIT)}")
        yield request.param


def session(*cells: str, unit=UNIT, isolation: str = "bubblewrap") -> Session:
    sources = [textwrap.dedent(cell) for cell in cells]
    return Session([Cell(source, f"cell {n}") for n, source in enumerate(sources, 1)], unit, isolation)


@contextlib.contextmanager
def running(*cells: str, **options):
    with session(*cells, **options) as started:
        started.start()
        yield started


# Values

HONEST = """
import numpy as np
import warnings

def double(x): return 2 * x
def forward(x): return 2 * x, {"x": x, "odd": {1, 2}}
def backward(dy, cache): return dy * cache["x"]
def draw(rng): return rng.random()
def at(f, x): return f(x) + 1
def echo(*args, **kwargs): return args, kwargs
def in_place(x, state, others=()):
    x += 1
    state["m"][0] = 5
    return x
def quiet(x, state): return x * state["m"]
def talk():
    print("hello", 3)
    warnings.warn("careful")
    return np.log(np.zeros(2))
def fail(x):
    y = x + 1
    return y / 0
def stub(): raise NotImplementedError
def loops(x):
    total = 0
    for value in x:
        total += value
    return total
def vectorised(x): return np.sum(x)
def kinds(): return True, 1, 1.0, np.float32(1), np.array(1.0), [1], (1,), None
def odd(): return {1, 2}, [object()], np.array([None])
value = 3
"""


@pytest.fixture(scope="module", params=["bubblewrap", "none"])
def honest(request, start):
    with running(HONEST, isolation=request.param) as started:
        assert started.notes == []
        yield started


def test_arrays_and_numbers_come_back(honest):
    x = np.array([[1.0, np.nan], [-0.0, np.inf]])
    assert honest.call("double", (x,), {}).value.tobytes() == (2 * x).tobytes()
    value = honest.call("kinds", ()).value
    assert [type(entry) for entry in value] == [
        bool,
        int,
        float,
        np.float32,
        np.ndarray,
        list,
        tuple,
        type(None),
    ]
    assert value[4].shape == ()
    args = (1, True, "a", None, (1, [2.5]), {"k": np.arange(3, dtype=np.float32)})
    (came, named) = honest.call("echo", args, {"mode": "full"}).value
    assert came[:5] == args[:5]
    assert came[5]["k"].dtype == np.float32
    assert named == {"mode": "full"}


def test_what_cannot_cross_is_named(honest):
    first, second, third = honest.call("odd", ()).value
    assert first == Unsupported("set")
    assert second == [Unsupported("object")]
    assert third == Unsupported("an array of dtype object")


def test_a_cache_stays_inside_until_the_check_ends(honest):
    y, cache = honest.call("forward", (np.arange(3.0),), keep=(1,)).value
    assert isinstance(cache, Handle)
    assert honest.call("backward", (y, cache)).value.tolist() == [0.0, 2.0, 8.0]
    honest.forget()
    assert honest.call("backward", (y, cache)).exception.type_name == "LookupError"


def test_one_generator_serves_several_calls(honest):
    token, other = Generator(7), Generator(7)
    expected = np.random.default_rng(7)
    assert [honest.call("draw", (token,)).value for _ in range(2)] == [expected.random(), expected.random()]
    assert honest.call("draw", (other,)).value == np.random.default_rng(7).random()


def test_a_function_of_the_grader_is_asked_from_inside(honest):
    asked = []

    def f(x):
        asked.append(x)
        return 10 * x

    assert honest.call("at", (f, 4)).value == 41
    assert asked == [4]

    def refuses(x):
        raise ValueError("no")

    error = honest.call("at", (refuses, 4)).exception
    assert (error.type_name, error.message) == ("ValueError", "no")


def test_changed_arguments_are_reported(honest):
    x, state = np.zeros(2), {"m": np.zeros(2)}
    assert honest.call("in_place", (x, state)).changed == ["x", "state"]
    assert x.sum() == 0
    assert honest.call("quiet", (x,), {"state": state}).changed == []


def test_prints_and_warnings_come_with_the_reply(honest):
    reply = honest.call("talk", ())
    assert reply.printed == "hello 3\n"
    assert reply.warnings[0] == "UserWarning: careful"
    assert "divide by zero" in reply.warnings[1]


def test_an_exception_names_the_students_own_line(honest):
    error = honest.call("fail", (1,)).exception
    assert (error.type_name, error.message, error.cell) == ("ZeroDivisionError", "division by zero", "cell 1")
    assert error.line_text == "return y / 0"
    assert HONEST.splitlines()[error.line - 1].strip() == "return y / 0"
    assert honest.call("stub", ()).exception.type_name == "NotImplementedError"


def test_missing_and_wrong_names_are_told_apart(honest):
    assert honest.defines("double")
    assert not honest.defines("triple")
    assert honest.call("triple", ()).exception.type_name == "NameError"
    assert "not a function" in honest.call("value", ()).exception.message


def test_executed_lines_grow_with_loops_alone(honest):
    def lines(name: str, n: int) -> int:
        return honest.call(name, (np.zeros(n),), count_lines=True).lines

    assert lines("vectorised", 10) == lines("vectorised", 100)
    assert lines("loops", 100) > lines("loops", 10) + 100
    assert honest.call("vectorised", (np.zeros(2),)).lines is None


# Cells


def test_one_bad_cell_stops_no_other_and_keeps_its_definitions():
    with running(
        """
        from __future__ import annotations
        def before(x: Undefined): return 1
        1 / 0
        result = 2
        import math
        def after(): return math.pi
        """,
        "def broken(:",
        "import sys; sys.exit(3)",
        "raise KeyboardInterrupt",
        "def last(): return before(0), after()\nassert __name__ == '__main__'\nawait_me = 1",
    ) as s:
        assert s.call("last", ()).value == (1, np.pi)
        assert not s.defines("result")
        assert [note.partition(":")[0] for note in s.notes] == [
            "Cell 1 raised ZeroDivisionError",
            "Cell 2 raised SyntaxError",
            "Cell 3 raised SystemExit",
            "Cell 4 raised KeyboardInterrupt, at the line `raise KeyboardInterrupt`.",
        ]
        assert "at the line `1 / 0`" in s.notes[0]


def test_honest_trouble_costs_nothing():
    with running(
        """
        import numpy as np, matplotlib.pyplot as plt, seaborn as sns
        import scipy.signal
        from scipy.ndimage import convolve
        import torch, pandas as pd
        from tqdm.auto import tqdm, trange
        from IPython.display import display, HTML
        import ipywidgets as widgets
        get_ipython().run_line_magic("matplotlib", "inline")
        get_ipython().system("pip install torch")
        fig, (left, right) = plt.subplots(1, 2, figsize=(3, 3))
        left.plot([1, 2]); right.set_title("x"); plt.show()
        n, bins, patches = plt.hist([1, 2])
        for ax in fig.axes: ax.grid()
        with plt.style.context("ggplot"): plt.plot()
        display(HTML("<b>a</b>"))
        np.set_printoptions(precision=1); np.seterr(all="raise")
        @widgets.interact(a=3)
        def show(a): return a
        """,
        """
        from backpass import check
        check("convolve1d")
        import backpass
        backpass.check("convolve1d")
        await __import__("asyncio").sleep(0)
        """,
        """
        def total(x: np.ndarray | torch.Tensor):
            if isinstance(x, torch.Tensor):
                return None
            total = 0
            for value in tqdm(x, desc="sum"):
                total += value
            for i in trange(3):
                total += i
            return total
        def underflow(x): return np.exp(x)
        def uses_scipy(x): return scipy.signal.convolve2d(x, x)
        def uses_part(x): return convolve(x, x)
        try:
            import numba
            fast = True
        except ImportError:
            fast = False
        def is_fast(): return fast
        """,
    ) as s:
        assert s.notes == []
        assert s.call("total", (np.arange(4.0),)).value == 9
        assert s.call("underflow", (np.array([-1e4]),)).value == 0
        assert s.call("is_fast", ()).value is False
        for name in ("uses_scipy", "uses_part"):
            error = s.call(name, (np.zeros((2, 2)),)).exception
            assert error.type_name == "ModuleNotFoundError"
            assert error.message.startswith("scipy is not available where your work is graded")


@pytest.mark.parametrize("name", ["solutions", "solutions.convolution", "autograder.units", "autograder"])
def test_the_answers_have_not_even_a_stand_in(name):
    with running(f"import {name}") as s:
        assert s.notes[0].startswith("Cell 1 raised ModuleNotFoundError")


def test_a_cell_that_loops_is_left_out_and_its_definitions_stay():
    with running(
        "kept = 1\nwhile True: pass\nlost = 2\ndef f(): return kept",
        "def g(): return f()",
        "import os; os._exit(3)",
    ) as s:
        assert s.call("g", ()).value == 1
        assert not s.defines("lost")
        assert s.notes == [
            "Cell 1 used more than 1 s of processor time, and was stopped. That part is left out.",
            "Cell 3 ended the process with os._exit(3). That part is left out.",
        ]


def test_a_submission_that_never_runs_to_the_end_says_so():
    unit = dataclasses.replace(UNIT, limits=dataclasses.replace(LIMITS, submission_seconds=0.5))
    with running("while True: pass", "def f(): return 1", unit=unit) as s:
        for _ in range(2):
            with pytest.raises(TimedOut, match=r"more than its 0.5 s of processor time"):
                s.call("f", ())
        assert len(s.notes) == 1


def test_a_submission_whose_time_is_over_is_not_started_again():
    unit = dataclasses.replace(UNIT, limits=dataclasses.replace(LIMITS, submission_seconds=0.5))
    with running("def f():\n    while True: pass", unit=unit) as s:
        for _ in range(2):
            with pytest.raises(TimedOut, match=r"the whole submission used more than its 0.5 s of processor time"):
                s.call("f", ())
        assert s.generation == 1


def test_a_cell_that_is_too_long_for_the_wire_is_noted():
    with running("x = 1\n" + "#" * (2 << 20), "def f(): return 1") as s:
        assert s.call("f", ()).value == 1
        assert s.notes == ["Cell 1 could not be run: a text of more than 1 MiB cannot be sent."]


# Limits. One sandbox for all: after each of these it must answer again.

HOSTILE = """
import ctypes, gc, os, resource, signal, socket, subprocess, sys, threading, time
import numpy as np

def loop():
    for number in range(1, 65):
        try: signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError): pass
    while True: pass
def nap(): time.sleep(1e9)
def wait_forever(): threading.Event().wait()
def leave(): os._exit(0)
def leave_politely(): sys.exit(0)
def interrupt(): raise KeyboardInterrupt
def abort(): os.abort()
def segfault(): ctypes.string_at(0)
def suicide(): os.kill(os.getpid(), signal.SIGKILL)
def patricide(): os.kill(os.getppid(), signal.SIGKILL); os.kill(-1, signal.SIGKILL); return 1
def hundred_gigabytes(): return np.ones(100 << 30, np.uint8)
def leak():
    held = []
    while True: held.append(np.empty(10 << 20, np.uint8))
def deep():
    nested = []
    for _ in range(100_000): nested = [nested]
    return nested
def cyclic():
    nested = []; nested.append(nested); return nested
def large(): return np.zeros(9 << 20, np.uint8)
def many(): return list(range(10**6))
def recursion(): return recursion()
def deep_recursion():
    sys.setrecursionlimit(10**9)
    def f(): return [f() for _ in range(1)]
    return f()
def forks():
    count = 0
    try:
        while True:
            if os.fork() == 0: time.sleep(1000)
            count += 1
    except OSError: return count
def threads():
    count = 0
    try:
        while True:
            threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
            count += 1
    except RuntimeError: return count
def hoard():
    for _ in range(3):
        if os.fork() == 0:
            block = np.ones(150 << 20, np.uint8)
            time.sleep(1000)
    time.sleep(1000)
def two_replies(): os.fork(); return 1
def files():
    held = []
    try:
        while True: held.append(open("/dev/null"))
    except OSError: return len(held)
def large_file():
    with open("large", "wb") as file: file.write(bytes(5 << 20))
def full_disk():
    try:
        for n in range(10):
            with open(f"part{n}", "wb") as file: file.write(bytes(3 << 20))
    except OSError as error:
        return n, error.errno
    finally:
        for n in range(10):
            if os.path.exists(f"part{n}"): os.remove(f"part{n}")
def million_files():
    n = 0
    while True:
        os.close(os.open(f"f{n}", os.O_CREAT)); n += 1
def flood():
    for _ in range(10**5): print("x" * 100)
def raw_flood():
    for _ in range(10**4): os.write(1, b"x" * 10**4); os.write(2, b"x" * 10**4)
    return 1
def bad_text(): raise ValueError("\\ud800" + "x" * 10**6)
class Rude(Exception):
    def __str__(self): raise RuntimeError("no")
def rude(): raise Rude
class Slow:
    def __del__(self):
        while True: pass
def slow_to_forget(): return 1, Slow()
def ask_on(f):
    while True: f(1)
def write_frames(data):
    for descriptor in range(3, 10):
        try: os.write(descriptor, bytes(data))
        except OSError: pass
    return 1
def close_all(): os.closerange(0, 100); return 1
def unlimited():
    out = []
    for name in ("AS", "NPROC", "FSIZE", "NOFILE", "CORE", "CPU"):
        limit = getattr(resource, "RLIMIT_" + name)
        try: resource.setrlimit(limit, (resource.RLIM_INFINITY,) * 2)
        except (ValueError, OSError): out.append(name)
    return out
def limits():
    names = ("AS", "NPROC", "FSIZE", "NOFILE", "CORE")
    return {name: resource.getrlimit(getattr(resource, "RLIMIT_" + name)) for name in names}
def well(): return "well"
"""


@pytest.fixture(scope="module")
def hostile(start):
    with running(HOSTILE) as started:
        assert started.notes == []
        yield started


@pytest.fixture(autouse=True)
def well_again(request):
    """After whatever happened the next call is answered within two seconds."""
    yield
    if "hostile" in request.fixturenames:
        started = request.getfixturevalue("hostile")
        assert started.call("well", ()).value == "well"


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("loop", TimedOut, "used more than 1 s of processor time"),
        ("nap", TimedOut, "slept or waited for more than"),
        ("wait_forever", TimedOut, "slept or waited for more than"),
        ("leave", Crashed, r"ended the process with os._exit\(0\)"),
        ("abort", Crashed, "signal SIGABRT"),
        ("segfault", Crashed, "signal SIGSEGV"),
        ("suicide", Crashed, "signal SIGKILL"),
    ],
)
def test_a_call_that_does_not_come_back_is_ended(hostile, name, error, words):
    with pytest.raises(error, match=words) as caught:
        hostile.call(name, ())
    assert str(caught.value).startswith(f"`{name}` ")
    assert str(caught.value).endswith(".")


def test_a_million_files_end_as_a_sentence(hostile):
    with pytest.raises((TimedOut, Crashed), match=r"too many files|processor time"):
        hostile.call("million_files", ())


@pytest.mark.parametrize(
    ("name", "type_name"),
    [
        ("leave_politely", "SystemExit"),
        ("interrupt", "KeyboardInterrupt"),
        ("hundred_gigabytes", "MemoryError"),
        ("leak", "MemoryError"),
        ("recursion", "RecursionError"),
        ("large_file", "OSError"),
        ("rude", "Rude"),
        ("bad_text", "ValueError"),
        ("patricide", "ProcessLookupError"),
    ],
)
def test_what_ends_in_an_exception_inside(hostile, name, type_name):
    error = hostile.call(name, ()).exception
    assert error.type_name == type_name
    assert len(error.message) <= 2000


def test_processes_that_hoard_memory_together_are_ended():
    limits = dataclasses.replace(LIMITS, memory_bytes=256 << 20, call_seconds=20.0)
    with (
        running(HOSTILE, unit=dataclasses.replace(UNIT, limits=limits)) as s,
        pytest.raises(Crashed, match="together used too much memory"),
    ):
        s.call("hoard", ())


def test_no_memory_for_the_worker_itself_is_said():
    hold = """
    held = []
    def hold(x):
        for size in (1 << 20, 1 << 12, 64):
            try:
                while True: held.append(bytearray(size))
            except MemoryError: pass
    """

    def twice(s):
        for _ in range(2):
            s.call("hold", (np.zeros(1 << 20),))

    with running(hold) as s, pytest.raises(Crashed, match="`hold` found no memory left"):
        twice(s)


def test_what_is_left_running_does_not_cost_the_next_check(hostile):
    assert hostile.call("threads", ()).value > LIMITS.processes // 2
    before = hostile.generation
    assert hostile.call("hundred_gigabytes", ()).exception.type_name == "MemoryError"
    hostile.forget()
    assert hostile.call("well", ()).value == "well"
    assert hostile.generation == before + 1


def test_stack_exhaustion_is_ended(hostile):
    try:
        ended = hostile.call("deep_recursion", ()).exception.type_name
    except (Crashed, TimedOut) as error:
        ended = str(error)
    assert ended in ("RecursionError", "MemoryError") or ended.startswith("`deep_recursion` ")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("deep", "a value nested more than 32 deep"),
        ("cyclic", "a value nested more than 32 deep"),
        ("large", "a value of more than 8 MiB"),
        ("many", "a value with more than 200000 entries"),
    ],
)
def test_replies_beyond_the_bounds_are_named(hostile, name, what):
    assert hostile.call(name, ()).value == Unsupported(what)


def test_limits_are_hard_and_in_force(hostile):
    assert hostile.call("limits", ()).value == {
        "AS": (LIMITS.memory_bytes,) * 2,
        "NPROC": (LIMITS.processes,) * 2,
        "FSIZE": (LIMITS.file_bytes,) * 2,
        "NOFILE": (LIMITS.open_files,) * 2,
        "CORE": (0, 0),
    }
    assert hostile.call("unlimited", ()).value == ["AS", "NPROC", "FSIZE", "NOFILE", "CORE", "CPU"]


@pytest.mark.parametrize("name", ["forks", "threads"])
def test_a_fork_bomb_is_bounded_and_nothing_of_it_is_left(name):
    with running(HOSTILE) as s:
        assert 10 <= s.call(name, ()).value < LIMITS.processes
        processes = list(watch.descendants(s._worker.process.pid))
    assert not [pid for pid in processes if Path(f"/proc/{pid}").exists()]


def test_files_and_scratch_are_bounded(hostile):
    assert hostile.call("files", ()).value < LIMITS.open_files
    stopped, errno_ = hostile.call("full_disk", ()).value
    assert (stopped, errno_) == (5, 28)


def test_floods_of_text_are_cut(hostile):
    assert len(hostile.call("flood", ()).printed) == LIMITS.printed_characters
    assert hostile.call("raw_flood", ()).value == 1


def test_what_hangs_when_it_is_forgotten_costs_a_restart(hostile):
    assert isinstance(hostile.call("slow_to_forget", (), keep=(1,)).value[1], Handle)
    hostile.forget()


def test_call_backs_are_counted(hostile):
    with pytest.raises(Crashed, match="too often"):
        hostile.call("ask_on", (lambda x: x,))
    hostile._call_backs_left = LIMITS.call_backs


def frame(body: bytes) -> np.ndarray:
    return np.frombuffer(len(body).to_bytes(8, "big") + body, np.uint8)


def done(number: int) -> bytes:
    from autograder.sandbox import wire

    return wire.pack({"kind": "done", "id": number, "value": True})[8:]


@pytest.mark.parametrize(
    "data",
    [
        np.full(64, 255, np.uint8),
        frame(b"\xc1"),
        frame(b""),
        frame(b"cos\nsystem\n(S'true'\ntR."),
        frame(done(0)),
        np.frombuffer((1 << 62).to_bytes(8, "big"), np.uint8),
    ],
    ids=["a huge length", "no message", "nothing", "a pickle", "another kind", "2^62 bytes"],
)
def test_forged_frames_are_not_replies(hostile, data):
    with pytest.raises(Crashed, match="something that is not a reply"):
        hostile.call("write_frames", (data,))


def test_replies_to_nothing_are_noticed_at_the_next_call():
    with running(HOSTILE) as s:
        assert s.call("two_replies", ()).value == 1
        time.sleep(0.2)
        with pytest.raises(Crashed, match="not a reply"):
            s.call("well", ())
        assert s.call("well", ()).value == "well"


def test_a_closed_channel_is_an_end(hostile):
    with pytest.raises((Crashed, TimedOut)):
        hostile.call("close_all", ())


def test_a_handle_of_an_earlier_start_is_refused():
    with running(HONEST + "\nimport os\ndef leave(): os._exit(1)") as s:
        _, cache = s.call("forward", (np.zeros(1),), keep=(1,)).value
        with pytest.raises(Crashed):
            s.call("leave", ())
        with pytest.raises(Crashed, match="was lost"):
            s.call("backward", (np.zeros(1), cache))


def test_a_value_that_the_grader_cannot_send_is_the_graders_fault():
    with running(HONEST) as s:
        with pytest.raises(ValueError, match="type set cannot be sent"):
            s.call("double", ({1},))
        with pytest.raises(ValueError, match="type set cannot be sent"):
            s.call("at", (lambda x: {1}, 1))
        assert s.call("double", (1,)).value == 2


# Isolation

LOOKING = """
import ctypes, os, socket, sys
import numpy as np

def tree():
    found = []
    for folder, folders, files in os.walk("/"):
        if folder == "/": folders[:] = [name for name in folders if name not in ("proc", "dev")]
        found += [os.path.join(folder, name) for name in files]
        if not files and not folders: found.append(folder)
    return found
def devices(): return sorted(os.listdir("/dev"))
def read(path): return open(path, "rb").read().decode()
def environment(): return dict(os.environ), [read(f"/proc/{p}/environ") for p in processes()]
def processes(): return [int(name) for name in os.listdir("/proc") if name.isdigit()]
def command_lines(): return [open(f"/proc/{p}/cmdline").read() for p in processes()]
def descriptors():
    folder = "/proc/self/fd/"
    return {n: os.readlink(folder + n) for n in os.listdir(folder) if os.path.exists(folder + n)}
def status():
    lines = [read(f"/proc/{p}/status").splitlines() for p in (1, "self")]
    return [dict(line.split(":\\t", 1) for line in each) for each in lines]
def writable(paths):
    done = []
    for path in paths:
        try:
            with open(path, "w"): done.append(path)
        except OSError: pass
    return done
def connect(family, address):
    kinds = {"inet": socket.AF_INET, "unix": socket.AF_UNIX}
    try:
        with socket.socket(kinds[family]) as s:
            s.settimeout(1); s.connect(tuple(address) if family == "inet" else address)
        return "connected"
    except OSError as error: return type(error).__name__
def resolve(name):
    try: return socket.gethostbyname(name)
    except OSError as error: return type(error).__name__
def families():
    made = []
    for family in range(64):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
            try: socket.socket(family, kind).close()
            except OSError: continue
            made.append(family)
            break
    return made
def raw():
    try: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
    except OSError as error: return error.errno
def call_library(name, *args):
    library = ctypes.CDLL(None, use_errno=True)
    return getattr(library, name)(*args), ctypes.get_errno()
def shared():
    try: return os.memfd_create("a")
    except OSError as error: return error.errno
def modules(): return sorted(sys.modules), list(sys.path), list(sys.argv)
"""


@pytest.fixture(scope="module")
def looking(start):
    with running(LOOKING) as started:
        assert started.notes == []
        yield started


def test_what_is_visible_is_the_list(looking):
    listed = [place for _, place in launch.visible(UNIT).binds]
    masked = launch.visible(UNIT).masks
    found = looking.call("tree", ()).value
    assert len(found) > 1000
    for path in found:
        assert path == launch.SCRATCH or any(path == place or path.startswith(place + "/") for place in listed), path
        shown_again = [place for place in listed if path == place or path.startswith(place + "/")]
        if any(path.startswith(mask + "/") for mask in masked):
            assert any(place.startswith(tuple(masked)) for place in shown_again), path
    names = {part for path in found for part in Path(path).parts}
    assert not names & {"solutions", "autograder", "gradebook.db", "pytest", "nbgrader", ".git"}
    assert not [name for name in names if name.endswith((".dist-info", ".pth"))]


def test_devices_are_the_harmless_ones(looking):
    harmless = "null zero full random urandom tty stdin stdout stderr fd core ptmx pts shm console".split()
    assert set(looking.call("devices", ()).value) <= set(harmless)


def test_the_environment_tells_nothing(looking, monkeypatch):
    monkeypatch.setenv("BACKPASS_CANARY", "secret")
    with running(LOOKING) as s:
        own, others = s.call("environment", ()).value
    allowed = {"HOME", "TMPDIR", "LANG", "PYTHONHASHSEED", "PWD"}
    assert {name for name in own if not name.endswith("_THREADS")} <= allowed
    assert "secret" not in repr(others)


def test_only_its_own_processes_are_seen(looking):
    assert len(looking.call("processes", ()).value) == 2
    assert "ro-bind" not in repr(looking.call("command_lines", ()).value)


def test_no_descriptor_is_left_open(looking):
    opened = looking.call("descriptors", ()).value
    assert sorted(opened, key=int)[:5] == ["0", "1", "2", "3", "4"]
    assert {opened[n] for n in "012"} == {"/dev/null"}
    assert opened["3"].startswith("pipe:")
    assert opened["4"].startswith("pipe:")
    assert len(opened) <= 6


def test_no_rights_are_left(looking):
    for status in looking.call("status", ()).value:
        assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2"
        assert "0" not in status["Uid"].split()
        assert os.geteuid() != 0 or not status["Groups"].strip()


def test_nothing_but_scratch_can_be_written(looking):
    inside = [
        "/",
        "/dev/",
        "/dev/shm/",
        "/worker/",
        "/course/",
        "/etc/",
        "/proc/",
        "/tmp/",
        f"{ROOT}/",
        f"{sys.prefix}/",
    ]
    paths = [f"{place}canary" for place in inside] + ["/worker/worker.py", "/proc/sys/kernel/hostname"]
    assert looking.call("writable", (paths,)).value == []
    assert looking.call("writable", (["/scratch/a"],)).value == ["/scratch/a"]


def test_there_is_no_network(looking, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind("\0backpass-canary")
        unix.listen()
        for family, address in (
            ("inet", ("127.0.0.1", tcp.getsockname()[1])),
            ("inet", ("192.0.2.1", 80)),
            ("unix", "\0backpass-canary"),
            ("unix", str(tmp_path / "socket")),
        ):
            assert looking.call("connect", (family, address)).value != "connected"
    assert looking.call("resolve", ("example.org",)).value == "gaierror"
    assert looking.call("raw", ()).value == 1


def test_only_sockets_that_a_namespace_keeps_apart_can_be_made(looking):
    """A vsock would reach the machine's own services, and the host of a virtual machine."""
    made = set(looking.call("families", ()).value)
    assert {socket.AF_UNIX, socket.AF_INET} <= made <= {socket.AF_UNIX, socket.AF_INET, socket.AF_INET6}


def test_ways_around_the_limits_are_closed(looking):
    new_user_namespace, anonymous = 0x10000000, 0
    assert looking.call("call_library", ("unshare", new_user_namespace)).value[0] == -1
    assert looking.call("call_library", ("shmget", anonymous, 1 << 20, 0o1600)).value == (-1, 1)
    assert looking.call("call_library", ("ptrace", 16, 1, 0, 0)).value[0] == -1
    assert looking.call("shared", ()).value == 1
    # The filter does not look into clone(2): that a namespace of users has no other below it is the kernel's limit.
    if platform.machine() == "x86_64":
        assert looking.call("call_library", ("syscall", 56, new_user_namespace | 17, 0, 0, 0, 0)).value == (-1, 28)


def test_the_worker_loads_nothing_of_the_grader(looking):
    modules, path, arguments = looking.call("modules", ()).value
    assert not [name for name in modules if name.partition(".")[0] in ("autograder", "solutions", "pytest", "IPython")]
    assert str(ROOT) not in path
    assert arguments == [""]


def test_given_is_importable_and_nothing_else_of_the_source(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "SOURCE", tmp_path)
    launch._given.cache_clear()
    pooling = UNITS["pooling"]
    (tmp_path / pooling.name).mkdir()
    (tmp_path / pooling.name / "secret.py").write_text("")
    source = "import given, os\ndef f(): return dir(given), os.listdir(os.path.dirname(given.__file__))"
    with Session([Cell(source, "cell")], pooling) as s:
        functions, names = s.call("f", (), {}).value
    launch._given.cache_clear()
    assert "conv2d_forward" in functions
    assert "max_pool2d_forward" not in functions
    assert "secret.py" not in names


# When the grader itself is killed, when it is another user, when isolation is impossible

KILLED = """
import sys
from autograder.sandbox import Cell, Session
from autograder.units import UNITS
s = Session([Cell("def loop():\\n while True: pass", "c")], UNITS["convolution"])
s.start()
print(s._worker.process.pid, flush=True)
s.call("loop", ())
"""


def here() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}


def test_the_sandbox_dies_with_the_grader():
    grader = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True, env=here())
    first = int(grader.stdout.readline())
    time.sleep(0.1)
    processes = [pid for pid in watch.descendants(grader.pid) if pid != grader.pid]
    assert first in processes
    assert len(processes) >= 3
    grader.send_signal(signal.SIGKILL)
    grader.wait()
    grader.stdout.close()
    deadline = time.monotonic() + 10
    while any(map(_alive, processes)):
        assert time.monotonic() < deadline, "the sandbox outlived the grader"
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


ORDINARY = """
import os
from autograder.sandbox import Cell, Session
from autograder.units import UNITS
with Session([Cell("import os\\ndef f(): return os.getuid()", "c")], UNITS["convolution"]) as s:
    assert s.call("f", ()).value == os.getuid() != 0
print("fine")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests already run as an ordinary user")
def test_it_works_for_an_ordinary_user():
    user = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", "env", "-i", "PATH=/usr/bin:/bin"]
    user += ["PYTHONDONTWRITEBYTECODE=1", f"PYTHONPATH={here()['PYTHONPATH']}"]
    for python in (os.path.realpath(sys.executable), shutil.which("python3", path="/usr/bin")):
        same = "import sys, numpy; print(sys.version_info[:2])"
        shown = python and subprocess.run([*user, python, "-c", same], capture_output=True, text=True, check=False)
        if shown and shown.stdout.strip() == str(sys.version_info[:2]):
            break
    else:
        pytest.skip("no interpreter that an ordinary user could run")
    done = subprocess.run([*user, python, "-c", ORDINARY], capture_output=True, text=True, check=False)
    assert done.stdout == "fine\n", done.stderr


def test_where_namespaces_are_forbidden_it_says_so():
    asks = "from autograder.sandbox import NoSandbox, check_isolation\n"
    asks += "try: check_isolation('bubblewrap')\nexcept NoSandbox as error: print(error)"
    forbidding = [
        "bwrap",
        "--unshare-user",
        "--disable-userns",
        "--cap-drop",
        "ALL",
        "--dev-bind",
        "/",
        "/",
        "--",
    ]
    done = subprocess.run(
        [*forbidding, sys.executable, "-c", asks], capture_output=True, text=True, env=here(), check=True
    )
    assert done.stdout.startswith("Student code cannot be isolated: ")
    assert "--isolation none" in done.stdout


def fake(folder: Path, script: str) -> None:
    (folder / "bwrap").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "bwrap").chmod(0o755)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("", "sudo apt install bubblewrap"),
        ("echo usage", "is not bubblewrap"),
        ("echo bubblewrap 0.6.1", "too old"),
        (
            "[ $1 = --version ] && echo bubblewrap 0.8.0 && exit\n"
            "echo 'bwrap: Creating new namespace failed: Operation not permitted' >&2; exit 1",
            "user namespaces are not allowed here",
        ),
        (
            "[ $1 = --version ] && echo bubblewrap 0.9.0 && exit\necho 'bwrap: Out of cheese' >&2; exit 1",
            r"bubblewrap failed \(Out of cheese\)",
        ),
    ],
    ids=["missing", "another program", "old", "denied", "failing"],
)
def test_each_reason_has_its_sentence(tmp_path, monkeypatch, script, words):
    if script:
        fake(tmp_path, script)
    setpriv = shutil.which("setpriv")
    monkeypatch.setenv("PATH", str(tmp_path))
    if setpriv:
        os.symlink(setpriv, tmp_path / "setpriv")
    with pytest.raises(NoSandbox, match=words):
        check_isolation("bubblewrap")
    check_isolation("none")


def test_a_spare_is_taken_and_works():
    prepare_spare(UNIT)
    with running("import os\ndef f(): return os.getuid()") as s:
        assert s.call("f", ()).value != 0
    prepare_spare(UNIT)
    drop_spares()


def test_check_and_progress_are_inert_and_the_rest_of_their_modules_is_there():
    uses = """
    import backpass, backpass.check as module
    from backpass import check, progress
    check("convolve1d"); progress(); backpass.progress(); module("convolve1d")
    from backpass.check import find_book
    from backpass.check import check as again
    again("convolve1d")
    def kind(): return type(find_book).__name__
    """
    with running(uses) as s:
        assert s.notes == []
        assert s.call("kind", ()).value == "function"


def test_a_name_is_asked_for_once_and_nothing_is_dropped_where_nothing_was_kept():
    with running("def f(): return 1, 2") as s:
        asked = []
        ask, s._ask = s._ask, lambda request, *more: asked.append(request["kind"]) or ask(request, *more)
        for _ in range(3):
            assert s.defines("f") and not s.defines("g")
            s.call("f", ())
            s.forget()
        assert asked == ["defines", "defines", "call", "call", "call"]
        s.call("f", (), keep=(1,))
        s.forget()
        assert asked[-1] == "forget"


def test_waiting_for_the_graders_answers_is_nobodys_idleness():
    """numerical_gradient asks often; on a busy machine the answers come late."""

    def slow(value):
        time.sleep(LIMITS.idle_seconds / 4)
        return value

    with session("def sum_of(f):\n    return sum(f(1.0) for _ in range(12))") as student:
        assert student.call("sum_of", [slow]).value == 12.0


# Workers that are forked


def test_a_worker_is_forked_or_started_as_this_run_says(start):
    with running("def f(): return 1") as s:
        assert s._worker.forked == (start == "forked")


def test_nothing_passes_from_one_worker_to_another(start):
    """Neither by what they share a beginning with, nor by files, terminals, sockets, memory or processes."""
    leaves = """
    import builtins, os, socket, sys
    import numpy as np
    import wire, worker
    np.pi = wire.MAX_FRAME = 3
    builtins.left = sys.left = os.environ["LEFT"] = "left"
    open("left", "w").close()
    master, terminal = os.openpty()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("\\0left")
    listening.listen()
    def mark(): return np.pi
    """
    finds = """
    import builtins, os, socket, sys
    import numpy as np
    import wire
    def connect(family, address):
        try: socket.socket(family).connect(address)
        except OSError as error: return type(error).__name__
        return "connected"
    def found():
        there = [np.pi == 3, wire.MAX_FRAME == 3, hasattr(builtins, "left"), hasattr(sys, "left"), "LEFT" in os.environ]
        there += [bool(os.listdir("/scratch")), os.listdir("/dev/pts") != ["ptmx"]]
        there += [connect(socket.AF_UNIX, "\\0left") == "connected"]
        return there, len([name for name in os.listdir("/proc") if name.isdigit()])
    def spaces(): return {name: os.readlink("/proc/self/ns/" + name) for name in os.listdir("/proc/self/ns")}
    """
    with running(leaves) as one, running(finds) as other, running(finds) as third:
        assert one.notes == other.notes == []
        assert one.call("mark", ()).value == 3
        assert other.call("found", ()).value == ([False] * 8, 2)
        first, second = (s.call("spaces", ()).value for s in (other, third))
        shared = {name for name in first if first[name] == second[name]}
        assert shared <= {"time", "time_for_children"}


def test_a_worker_cannot_reach_its_template(start):
    if start != "forked":
        pytest.skip("there is none")
    looks = """
    import os
    def parents(): return os.getppid(), os.path.exists("/proc/0"), open("/proc/1/status").read()
    def kill_all():
        try: os.kill(-1, 9)
        except ProcessLookupError: return "nobody"
    """
    with running(looks) as s, running("def well(): return 1") as other:
        parent, exists, status = s.call("parents", ()).value
        assert (parent, exists) == (1, False)
        assert "\nPPid:\t0\n" in status
        assert s.call("kill_all", ()).value == "nobody"
        template = next(iter(warm._templates.running.values()))[0]
        assert template.poll() is None
        assert other.call("well", ()).value == 1


def test_where_workers_cannot_be_forked_they_are_started(start, monkeypatch):
    if start != "forked":
        pytest.skip("there is nothing to fall back from")
    monkeypatch.setattr(warm, "_refused", {})
    monkeypatch.setattr(warm.seccomp, "program", lambda: b"no filter")
    real = launch.Command.run
    monkeypatch.setattr(
        launch.Command, "run", lambda self, **more: real(dataclasses.replace(self, filtered=False), **more)
    )
    with running("def f(): return 1") as s:
        assert s.call("f", ()).value == 1
        assert not s._worker.forked
    assert "prctl" in warm.refused(UNIT)


def test_a_template_that_has_ended_is_replaced(start):
    if start != "forked":
        pytest.skip("there is none")
    for _ in range(2):
        with running("def f(): return 1") as s:
            assert s._worker.forked
            assert s.call("f", ()).value == 1
        process, _control = next(iter(warm._templates.running.values()))
        launch.end_sandbox(process)


def test_workers_outlive_neither_their_template_nor_its_end():
    with running("def f(): return 1") as s:
        processes = list(watch.descendants(s._worker.process.pid))
        drop_spares()
        deadline = time.monotonic() + 10
        while s._worker.forked and any(map(_alive, processes)):
            assert time.monotonic() < deadline
            time.sleep(0.01)
