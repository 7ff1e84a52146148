"""Grading on a Dask cluster: `autograder grade UNIT --scheduler ADDRESS`.

The submitted file travels with its job, and the result comes back: workers need no folder in common with the course.
They need the same versions of all that decides a result, and say so where theirs differ. Dask itself is an extra
(`pip install 'backpass-autograder[cluster]'`) and imported only here, when it is asked for.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.limits import with_limits
from autograder.pool import Job, grade_job
from autograder.reading import read_bytes
from autograder.results import Result
from autograder.sandbox import NoSandbox, check_isolation
from autograder.units import Unit, unit
from autograder.versions import versions_of

if TYPE_CHECKING:
    from distributed import Client

# Seconds to find the scheduler, and a first worker.
PATIENCE = 30.0
_INSTALL = "pip install 'backpass-autograder[cluster]'"


class NoCluster(RuntimeError):
    """The cluster cannot be used; the text says why and what to do."""


class WorkerLost(RuntimeError):
    """Every worker that a submission was given to ended; the text is a sentence."""


class AnotherVersion(RuntimeError):
    """A worker has other checks, another NumPy or another Python than the course; the text is a sentence."""


@dataclass(frozen=True)
class Sent:
    """A job with its file in it."""

    data: bytes
    file_name: str
    name: str
    exercises: tuple[str, ...] | None


def grade_sent(unit_name: str, sent: Sent, isolation: str, limits: dict[str, float], whole: str) -> Result:
    """What runs on a worker: write the file, and grade it on this worker's own host."""
    if versions_of(with_limits(unit(unit_name), limits), isolation).whole != whole:
        raise AnotherVersion("the worker has another version of the grader or of its packages")
    with tempfile.TemporaryDirectory(prefix="backpass-") as folder:
        path = Path(folder, sent.file_name)
        path.write_bytes(sent.data)
        return grade_job(unit_name, Job(path, sent.name, sent.exercises), isolation, None, limits)


class ClusterExecutor(Executor):
    """Takes the jobs that the local pool takes, and has them done by the workers of a cluster."""

    def __init__(self, client: Client, which: Unit, isolation: str):
        self._executor = client.get_executor(pure=False)
        self._which, self._whole = which, versions_of(which, isolation).whole

    def submit(self, function: Callable, /, *args: Any, **kwargs: Any) -> Future:
        if function is not grade_job:
            raise TypeError("a cluster grades jobs, and does nothing else")
        return self._submit(*args, **kwargs)

    def _submit(
        self,
        unit_name: str,
        job: Job,
        isolation: str,
        opened: list | None = None,
        limits: Mapping[str, float] | None = None,
    ) -> Future:
        told: Future = Future()
        try:
            sent = Sent(read_bytes(job.path, self._which.limits), job.path.name, job.name, job.exercises)
            done = self._executor.submit(grade_sent, unit_name, sent, isolation, dict(limits or {}), self._whole)
        # A file that was taken away meanwhile, a lost connection: this submission is not graded.
        except Exception as error:  # noqa: BLE001
            told.set_exception(error)
            return told
        done.add_done_callback(lambda done: _tell(done, told))
        return told

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._executor.shutdown(wait=wait)


def _tell(done: Future, told: Future) -> None:
    """Pass on what came of a job, with a sentence where a worker or the cluster was lost."""
    try:
        told.set_result(done.result())
    except CancelledError:
        told.set_exception(WorkerLost("the connection to the cluster was lost"))
    except Exception as error:  # noqa: BLE001 - told to who waits
        lost = type(error).__name__ == "KilledWorker"
        told.set_exception(WorkerLost("every worker that it was given to ended") if lost else error)


@contextmanager
def cluster(address: str, which: Unit, isolation: str) -> Iterator[ClusterExecutor]:
    """The cluster at a scheduler's address, once its workers were looked at. Raises NoCluster."""
    try:
        from distributed import Client
    except ImportError:
        raise NoCluster(f"--scheduler needs Dask, which is not installed. Install it: {_INSTALL}") from None
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise NoCluster(f"No Dask scheduler answers at {address} ({why[:200]}).") from None
    with client:
        _look_at_workers(client, address, which, isolation)
        yield ClusterExecutor(client, which, isolation)


def _look_at_workers(client: Client, address: str, which: Unit, isolation: str) -> None:
    """Raises NoCluster where no worker is there, or one cannot grade as this machine would."""
    import distributed

    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except (distributed.TimeoutError, TimeoutError):
        raise NoCluster(f"The scheduler at {address} has no workers. Start some: dask worker {address}") from None
    try:
        told = client.run(_looking(which, isolation), on_error="return")
    # A worker that cannot even read the question, or whose answer cannot be read here.
    except Exception as error:
        raise NoCluster(
            f"The workers at {address} could not be asked for their versions ({type(error).__name__}: "
            f"{' '.join(str(error).split())[:200]}). They need the same Python, Dask and backpass-autograder as this "
            "machine."
        ) from error
    complaints: dict[str, list[str]] = {}
    for worker, complaint in told.items():
        if complaint:
            text = complaint if isinstance(complaint, str) else f"{type(complaint).__name__}: {complaint}"
            complaints.setdefault(" ".join(text.split())[:300], []).append(worker)
    if complaints:
        lines = [f"{', '.join(sorted(workers))}: {text}" for text, workers in complaints.items()]
        raise NoCluster("Workers of this cluster cannot grade as this machine does.\n" + "\n".join(lines))


def _looking(which: Unit, isolation: str) -> Callable[[], str]:
    """A function that finds what is wrong on the machine where it runs. It travels whole: nothing is assumed there."""
    import platform
    from dataclasses import asdict

    import numpy

    limits, name, here = asdict(which.limits), which.name, versions_of(which, isolation)
    base, whole, python, numpy_version = here.base, here.whole, platform.python_version(), numpy.__version__

    def look() -> str:
        import platform

        try:
            import numpy

            from autograder.cluster import complaint
        except ImportError as error:
            return f"the grader is not installed there ({error})."
        if platform.python_version() != python:
            return f"it has Python {platform.python_version()}, this machine has {python}."
        if numpy.__version__ != numpy_version:
            return f"it has NumPy {numpy.__version__}, this machine has {numpy_version}."
        return complaint(name, limits, isolation, base, whole)

    return look


def complaint(unit_name: str, limits: dict[str, float], isolation: str, base: str, whole: str) -> str:
    """Why this machine would not grade like one with these versions, or ""."""
    mine = versions_of(with_limits(unit(unit_name), limits), isolation)
    if mine.base != base:
        return "it has another version of backpass-autograder, or of a package that decides results."
    if mine.whole != whole:
        return f"its checks, mistakes or reference of {unit_name} are others."
    try:
        check_isolation(isolation)
    except NoSandbox as error:
        return str(error)
    return ""
