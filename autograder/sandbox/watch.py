"""What a sandbox uses, seen from outside: processor time, memory and files of all its processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from autograder.isolation import BUBBLEWRAP
from autograder.sandbox import own_user
from autograder.sandbox.launch import SCRATCH, Worker, children, read_proc

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Usage:
    """Processor seconds so far (finished children included), bytes resident, files in the scratch folder.

    `tasks`: processes and threads, those of the sandbox itself included. `delayed`: seconds in which a process
    could have run, and the machine was busy with others.
    """

    processor: float = 0.0
    memory: int = 0
    files: int = 0
    running: bool = False
    delayed: float = 0.0
    tasks: int = 0


def usage(worker: Worker) -> Usage:
    """Sums over the processes of a worker. A process that ends meanwhile is passed over."""
    processor, pages, files, delayed, tasks = 0.0, 0, 0, 0, 0
    running = False
    for pid in processes(worker):
        try:
            # The name stands in parentheses and may hold anything.
            fields = read_proc(f"{pid}/stat").rpartition(b")")[2].split()
        except OSError:
            continue
        running = running or fields[0] in (b"R", b"D")
        ran, waited = _scheduled(pid)
        own, of_ended = sum(map(int, fields[11:13])) / _TICKS, sum(map(int, fields[13:15])) / _TICKS
        processor += max(own, ran / 1e9) + of_ended  # a worker that was forked often uses less than a tick
        pages += int(fields[21])
        tasks += int(fields[17])
        delayed += waited
        files = max(files, _files(pid)) if worker.isolation == BUBBLEWRAP else 0
    if worker.user is not None:
        files = own_user.files_in(worker.scratch)
    return Usage(processor, pages * _PAGE, files, running, delayed / 1e9, tasks)


def processes(worker: Worker) -> Iterator[int]:
    """All processes of a worker. With a user of its own also those whose parent has ended."""
    return worker.user.processes() if worker.user is not None else descendants(worker.process.pid)


def descendants(pid: int) -> Iterator[int]:
    waiting, seen = [pid], set()
    while waiting:
        pid = waiting.pop()
        if pid in seen:
            continue
        seen.add(pid)
        yield pid
        waiting += children(pid)


def _scheduled(pid: int) -> tuple[int, int]:
    """Nanoseconds of a process's first thread running, and on the run queue; 0 where the kernel does not count them."""
    try:
        ran, delayed, _ = map(int, read_proc(f"{pid}/schedstat").split())
    except (OSError, ValueError):
        return 0, 0
    return ran, delayed


def _files(pid: int) -> int:
    """Files in the scratch folder that a process sees; 0 outside or when it may not be seen."""
    try:
        space = os.statvfs(f"/proc/{pid}/root{SCRATCH}")
    except OSError:
        return 0
    return space.f_files - space.f_ffree
