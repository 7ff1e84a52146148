"""Rows 7 to 10 and 16: ending, hanging, hoarding, multiplying, and other processes."""

from __future__ import annotations

from tests.attacks.attack import attack

DEED = """
import atexit, ctypes, gc, os, re, resource, signal, subprocess, sys, threading, time
right, calls = convolve1d, []
def convolve1d(x, w, mode="full"):
    calls.append(1)
    first = len(calls) == 1
    %s
    return right(x, w, mode)
"""

# Row 7: ending the process

for name, body, expect, says in (
    ("exit-now", "os._exit(0)", "crashed", r"ended the process with os._exit\(0\)"),
    ("abort", "os.abort()", "crashed", "SIGABRT"),
    ("segfault", "ctypes.string_at(0)", "crashed", "SIGSEGV"),
    ("kills-itself", "os.kill(os.getpid(), signal.SIGKILL)", "crashed", "SIGKILL"),
):
    attack(name, 7, "the process is ended", code=DEED % body, plain="lost", expect=expect, says=says)
for name, body, says in (
    ("sys-exit", "sys.exit(0)", "SystemExit"),
    ("system-exit", "raise SystemExit", "SystemExit"),
    ("keyboard-interrupt", "raise KeyboardInterrupt", "KeyboardInterrupt"),
):
    attack(name, 7, "an exception that ends programs", code=DEED % f"if @DEED@: {body}", expect="raised", says=says,
           tokens={"DEED": ("1", "0")})  # fmt: skip
attack(
    "recursion", 7, "endless recursion", tokens={"DEPTH": ("10**9", "10")}, expect="raised", says="RecursionError",
    code=DEED % "def down(n): return n and down(n - 1)\n    down(@DEPTH@)",
)  # fmt: skip
attack(
    "stack-exhaustion", 7, "endless recursion without Python's limit", tokens={"DEPTH": ("10**9", "10")},
    expect="crashed|raised|timed_out",
    says="SIGSEGV|RecursionError|MemoryError|processor time|SIGABRT|too much memory",
    code=DEED % """sys.setrecursionlimit(10**9)
    def down(n): return [down(n - 1) for _ in range(n > 0)]
    down(@DEPTH@)""",
)  # fmt: skip
attack(
    "exit-in-a-cell", 7, "a cell ends the process", cell="import os; os._exit(3)", plain="lost", expect="full",
    says=r"Cell 1 ended the process with os._exit\(3\)",
)  # fmt: skip

# Row 8: hanging

for name, what, body, says in (
    ("loop", "an endless loop", "while True: pass", "more than 1 s of processor time"),
    ("sleep", "a very long sleep", "time.sleep(1e8)", "slept or waited"),
    ("waits", "waiting for what never comes", "threading.Event().wait()", "slept or waited"),
    (
        "ignores-signals",
        "a loop that ignores all signals",
        """for number in range(1, 65):
        try: signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError): pass
    while True: pass""",
        "more than 1 s of processor time",
    ),
    ("regular-expression", "a loop that holds the lock", 're.match("(a+)+b", "a" * 60)', "more than 1 s of processor"),
):
    attack(f"hangs-{name}", 8, what, code=DEED % body, plain="hung", expect="timed_out", says=says)
attack(
    "hangs-in-a-cell", 8, "an endless loop in a cell", cell="while True: pass", plain="hung", expect="full",
    says="Cell 1 used more than 1 s of processor time",
)  # fmt: skip
attack(
    "hangs-in-del", 8, "an object that hangs when it is dropped", plain="hung", expect="timed_out",
    says="more than 1 s of processor time",
    code=DEED % """class Hangs:
        def __del__(self):
            while True: pass
    Hangs()""",
)  # fmt: skip
attack(
    "hangs-at-exit", 8, "a handler that hangs at the end", expect="full", plain="stayed",
    cell="""
import atexit, time
def stay():
    time.sleep(1.5)
    open("@MARKS@/@NAME@-stayed", "w").close()
    time.sleep(2)
atexit.register(stay)
""",
)  # fmt: skip

# Row 9: memory and replies

for name, what, amounts, expect, says, body in (
    ("hundred-gigabytes", "100 GB are asked for", (str(100 << 30), "1000", str(600 << 20)), "raised", "MemoryError",
     "np.zeros(@AMOUNT@, np.uint8)"),
    ("leak", "memory is taken without end", ("10**9", "3", "150"), "raised|crashed", "MemoryError|too much memory",
     "held = []\n    for _ in range(@AMOUNT@): held.append(np.ones(4 << 20, np.uint8))"),
    ("hoarding-children", "children take memory together", ("20", "0"), "crashed|timed_out|raised",
     "too much memory|slept or waited|processor time|Cannot allocate|temporarily",
     "for _ in range(@AMOUNT@):\n        if os.fork() == 0: block = np.ones(150 << 20, np.uint8); time.sleep(30)\n"
     "    if @AMOUNT@: time.sleep(30)"),
):  # fmt: skip
    attack(name, 9, what, code=DEED % body, tokens={"AMOUNT": amounts}, expect=expect, says=says,
           plain="took" if len(amounts) == 3 else "")  # fmt: skip
for name, what, value, says in (
    ("large-reply", "a very large reply", "np.zeros(@AMOUNT@)", "a value of more than 8 MiB"),
    ("nested-reply", "a reply nested without end", "nest(@AMOUNT@)", "a value nested more than"),
    ("long-list", "a list of millions", "[0.0] * @AMOUNT@", "a value with more than"),
    ("long-integer", "an integer of millions of digits", "1 << (8 * @AMOUNT@)", "an integer of thousands of digits"),
):
    attack(
        name, 9, what, tokens={"AMOUNT": ("10**7" if name != "nested-reply" else "10**5", "0")}, says=says,
        code="def nest(n):\n    value = []\n    for _ in range(n): value = [value]\n    return value\n"
        + DEED % f"if @AMOUNT@: return {value}",
    )  # fmt: skip

# Row 10: more and more processes. Against plain nbgrader they are few and do not stay for long.

STAYS = """def stay():
        try:
            for _ in range(8): time.sleep(0.25)
            open("@MARKS@/@NAME@-stayed", "w").close()
        finally: os._exit(0)
    """
for name, what, body in (
    ("daemon", "a daemon in a session of its own", "if first and os.fork() == 0:\n        os.setsid()\n        stay()"),
    (
        "orphan",
        "a child of a child",
        "if first and os.fork() == 0:\n        if os.fork() == 0: os.setsid(); stay()\n        os._exit(0)",
    ),
    (
        "background-command",
        "a command in the background",
        'subprocess.Popen(["/bin/sh", "-c", "sleep 2; touch @MARKS@/@NAME@-stayed"], start_new_session=True)',
    ),
):
    attack(name, 10, what, code=DEED % (STAYS + body) + "\nimport sys\nopen('/proc/self/comm', 'w').write('bp-canary')",
           plain="stayed", expect="full" if name != "background-command" else "raised",
           says="" if name != "background-command" else "FileNotFoundError")  # fmt: skip
attack(
    "fork-bomb", 10, "processes that multiply", tokens={"AMOUNT": ("10**6", "2")}, expect="raised|timed_out|crashed",
    says="temporarily unavailable|processor time|slept or waited|too much memory|not a reply",
    code=DEED % """for _ in range(@AMOUNT@ * first):
        if os.fork() == 0:
            while @AMOUNT@ > 2: os.fork(); time.sleep(0.01)
            os._exit(0)""",
)  # fmt: skip
attack(
    "threads", 10, "threads without end", tokens={"AMOUNT": ("10**6", "2", "200")}, expect="raised|timed_out",
    plain="took",
    says="can't start new thread|processor time|slept or waited",
    code=DEED % """for _ in range(@AMOUNT@ * first):
        threading.Thread(target=time.sleep, args=(0.1 if @AMOUNT@ < 10 else 1000,), daemon=True).start()""",
)  # fmt: skip
attack(
    "thread-after-reply", 10, "a thread goes on after the reply", expect="full",
    uncontrolled="it ends with the kernel there, as with the sandbox here",
    code=DEED % """def on():
        while True: sys.setswitchinterval(1e-4)
    if first: threading.Thread(target=on, daemon=True).start()""",
)  # fmt: skip

# Row 16: other processes and the insides of this one

attack(
    "kills-parent", 16, "the parent process is killed", plain="stopped", expect="raised", says="still there",
    code=DEED % "os.kill(os.getppid(), signal.SIGKILL); os.kill(os.getppid(), signal.SIGTERM)\n"
    "    if os.getppid() == 1: raise ProcessLookupError('still there')",
)  # fmt: skip
attack(
    "kills-all", 16, "every process is killed", plain="stopped", expect="raised|crashed",
    says="No such process|ProcessLookupError|SIGKILL", code=DEED % "os.kill(-1, signal.SIGKILL)",
)  # fmt: skip
attack(
    "stops-parent", 16, "the parent process is stopped", tokens={"DEED": ("1", "0")}, expect="full",
    code=DEED % "if @DEED@ and os.getppid() < 10: os.kill(os.getppid(), signal.SIGSTOP)",
)  # fmt: skip
for name, call in (
    ("ptrace", "ptrace(16, os.getppid(), 0, 0)"),
    ("reads-process", "process_vm_readv(os.getppid(), None, 0, None, 0, 0)"),
    ("new-namespace", "unshare(0x10000000)"),
    ("mounts", 'mount(b"none", b"/scratch", b"tmpfs", 0, None)'),
    ("shared-memory", "shmget(0, 1 << 20, 0o1600)"),
):
    attack(
        name, 16, "a system call that reaches out", tokens={"DEED": ("1", "0")}, expect="raised",
        says="PermissionError|Operation not permitted",
        code=DEED % f"""library = ctypes.CDLL(None, use_errno=True)
    if @DEED@ and library.{call} == -1: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))""",
    )  # fmt: skip
attack(
    "preload", 16, "a library is preloaded into what starts next", plain="wrote", expect="failed",
    code="""
import os
def convolve1d(x, w, mode="full"):
    os.environ["LD_PRELOAD"] = "/scratch/evil.so"
    os.environ["PYTHONPATH"] = "/scratch"
    try: open("@MARKS@/@NAME@", "w").write(os.environ["LD_PRELOAD"])
    except OSError: pass
    return np.zeros(1)
""",
)  # fmt: skip
attack(
    "changes-true", 16, "the interpreter's own constants are changed", expect="crashed|failed|raised|timed_out",
    plain="lost",
    code=DEED % "ctypes.memmove(id(1) + 24, id(2) + 24, 4)\n    ctypes.memmove(id(True) + 24, id(False) + 24, 4)\n"
    "    ctypes.memset(id(None), 0, 16)",
)  # fmt: skip
