"""Work on grading hosts side by side: threads of this machine, each with a host, or any other executor."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from autograder.host import Host, HostFailed
from autograder.results import Result


@dataclass(frozen=True)
class Job:
    path: Path
    name: str
    exercises: tuple[str, ...] | None = None  # all of the unit's unless some are named


class _Hosts(threading.local):
    """The hosts of this thread (of a worker process: its only thread's), by unit, isolation and limits."""

    def __init__(self) -> None:
        self.by_key: dict[tuple, Host] = {}


_hosts = _Hosts()


def grade_job(
    unit: str,
    job: Job,
    isolation: str,
    opened: list[Host] | None = None,
    limits: Mapping[str, float] | None = None,
) -> Result:
    """Grade on this worker's own host. A host that fails twice on a submission leaves it not graded."""
    limits = dict(limits or {})
    key = (unit, isolation, *sorted(limits.items()))
    if key not in _hosts.by_key:
        _hosts.by_key[key] = Host(unit, isolation, limits) if limits else Host(unit, isolation)
        if opened is not None:
            opened.append(_hosts.by_key[key])
    trouble = ""
    for _ in range(2):
        try:
            return _hosts.by_key[key].grade(job.path, job.name, job.exercises)
        except HostFailed as error:
            trouble = f"{error} Nothing was decided about this submission."
    return Result(unit, job.name, trouble=trouble, isolation=isolation)


def default_jobs() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def grade_jobs(
    unit: str,
    work: list[Job],
    *,
    jobs: int | None = None,
    isolation: str = "bubblewrap",
    executor: Executor | None = None,
    limits: Mapping[str, float] | None = None,
) -> Iterator[Result]:
    """Results in the order of `work`, on `jobs` hosts of this machine unless another executor is given."""
    if executor is not None:
        for_each = ([value] * len(work) for value in (isolation, None, limits))
        yield from executor.map(grade_job, [unit] * len(work), work, *for_each)
        return
    opened: list[Host] = []
    with ThreadPoolExecutor(max(1, min(jobs or default_jobs(), len(work)))) as threads:
        try:
            yield from threads.map(lambda job: grade_job(unit, job, isolation, opened, limits), work)
        finally:
            threads.shutdown(cancel_futures=True)
            for host in opened:
                host.close()
