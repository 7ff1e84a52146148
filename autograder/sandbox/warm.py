"""Workers forked from a warm start: the grader's end of `template.py`.

Starting bubblewrap, Python and NumPy is most of what a submission costs. A template does it once; each submission's
worker is forked from it into namespaces of its own. Where the kernel refuses that, workers are started one by one.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from autograder.isolation import BUBBLEWRAP
from autograder.sandbox import launch, seccomp
from autograder.sandbox.template import REQUEST
from autograder.units import Unit

ARRIVES_WITHIN = 60.0  # seconds, on a very busy machine
COLLECTED_WITHIN = 2.0


@dataclass
class Forked:
    """The first process of a worker's namespaces, with what subprocess.Popen has for one that was started."""

    status: socket.socket
    stderr: Any
    returncode: int | None = None
    _pid: int = 0
    _descriptor: int = -1  # of the process: no other can take its place
    _closed: bool = field(default=False, repr=False)

    @property
    def pid(self) -> int:
        """Its number for the grader; 0 while it is being made."""
        self.poll()
        return self._pid

    def poll(self) -> int | None:
        """The worker's status, 128 + n for signal n; None while it runs."""
        while self.returncode is None and select.select([self.status], [], [], 0)[0]:
            self._hear()
        return self.returncode

    def _hear(self) -> None:
        try:
            # A descriptor is taken once, before student code runs.
            text, descriptors, _, _ = socket.recv_fds(self.status, 16, 0 if self._pid else 1)
        except OSError:
            text, descriptors = b"", []
        if descriptors and not self._pid:
            self._descriptor = descriptors[0]
            with open(f"/proc/self/fdinfo/{self._descriptor}") as lines:
                self._pid = next(int(line.split()[1]) for line in lines if line.startswith("Pid:"))
        elif text:
            self.returncode = text[0]
        else:
            self.returncode = -signal.SIGKILL

    def kill(self) -> None:
        if not self._pid and self.poll() is None:
            select.select([self.status], [], [], ARRIVES_WITHIN)
            self.poll()
        if not self._closed and self._descriptor >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Until it has ended, and with it, as the first of a namespace, all processes in there."""
        until = time.monotonic() + timeout if timeout is not None else float("inf")
        while self.poll() is None:
            left = until - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired("worker", timeout)
            select.select([self.status], [], [], min(left, ARRIVES_WITHIN))
        if not self._closed:
            self._closed = True
            self._collected()
            self.status.close()
        return self.returncode

    def _collected(self) -> None:
        if self._descriptor < 0:
            return
        select.select([self._descriptor], [], [], None)
        deadline = time.monotonic() + COLLECTED_WITHIN
        with contextlib.suppress(ProcessLookupError):
            while time.monotonic() < deadline:
                signal.pidfd_send_signal(self._descriptor, 0)
                time.sleep(0.0005)
        os.close(self._descriptor)


class _Templates(threading.local):
    """The templates of this thread, by what is visible in them: a sandbox dies with the thread that started it."""

    def __init__(self) -> None:
        self.running: dict[launch.Visible, tuple[subprocess.Popen, socket.socket]] = {}


_templates = _Templates()
_refused: dict[tuple[str, launch.Visible], str] = {}


def fork(unit: Unit) -> launch.Worker | None:
    """A new worker under bubblewrap; None where it must be started by itself. Raises NoSandbox."""
    if unit.needs_torch or launch.kernel() < launch.COUNTS_APART or _key(unit) in _refused:
        return None
    _, control = _template(unit)
    ours, theirs = [], []
    for mine, other in (os.pipe()[::-1], os.pipe(), os.pipe()):
        ours.append(mine)
        theirs.append(other)
    status, told = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    request = REQUEST.pack(unit.limits.scratch_bytes) + seccomp.program()
    try:
        with contextlib.suppress(OSError):  # a template that has ended: its worker never is ready
            socket.send_fds(control, [request], [*theirs, told.fileno()])
    finally:
        told.close()
        for descriptor in theirs:
            os.close(descriptor)
    requests, replies, complaints = ours
    os.set_blocking(requests, False)
    os.set_blocking(replies, False)
    process = Forked(status, os.fdopen(complaints, "rb", 0))
    return launch.Worker(process, requests, replies, BUBBLEWRAP, forked=True)


def refuse(unit: Unit, why: str) -> None:
    """Workers of this unit are started one by one from now on: forking one has failed."""
    _refused[_key(unit)] = why


def refused(unit: Unit) -> str | None:
    """Why no worker of this unit could be forked; None where one could be, as far as is known."""
    return _refused.get(_key(unit))


def _key(unit: Unit) -> tuple[str, launch.Visible]:
    return launch.bubblewrap(), launch.visible(unit)


def _template(unit: Unit) -> tuple[subprocess.Popen, socket.socket]:
    key = _key(unit)
    if key in _templates.running and _templates.running[key][0].poll() is None:
        return _templates.running[key]
    _end(key)
    control, inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with inner:
        streams = {"stdin": inner, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = launch.command_line(unit, template=True).run(env={}, cwd="/", start_new_session=True, **streams)
    _templates.running[key] = process, control
    return process, control


def drop_templates() -> None:
    """End this thread's templates, and all workers that they have forked."""
    for key in list(_templates.running):
        _end(key)


def _end(key: tuple[str, launch.Visible]) -> None:
    process, control = _templates.running.pop(key, (None, None))
    if process is not None:
        control.close()
        launch.end_sandbox(process)
