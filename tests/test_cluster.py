"""Grading on a Dask cluster: the same grades, whatever happens to its workers."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from autograder import cluster as clusters
from autograder import versions
from autograder.classes import grade_class
from autograder.cli import app
from autograder.cluster import NoCluster, cluster
from autograder.paths import BACKPASS, ROOT
from autograder.pool import grade_job
from autograder.units import unit
from tests.class_factory import Maker, make_course

pytest.importorskip("distributed")
pytestmark = pytest.mark.xdist_group("cluster")
UNIT = unit("convolution")
PEOPLE = 6

# Loaded by a worker before it works: one submission ends every process that it is given to, others pass at once.
DEADLY = """
import os, signal
from autograder import cluster
from autograder.results import Result
from autograder.units import unit
from backpass.report import Item

def deadly(unit_name, sent, isolation, *more):
    if sent.name == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    items = [Item(exercise.name, "A check", 1.0, 1.0, "passed") for exercise in unit(unit_name).exercises]
    return Result(unit_name, sent.name, items, isolation=isolation)

cluster.grade_sent = deadly
"""
# Another check of the same unit: what a machine has on which an older package is installed.
OLDER = """
from autograder import versions

def older(unit, exercise, made=versions._parts):
    return made(unit, exercise) | {"checks": "older"}

versions._parts = older
"""


class Cluster:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, folder: Path):
        self.folder, self.processes = folder, []
        self.scheduler = self._dask(
            "scheduler",
            "--port",
            "0",
            "--no-dashboard",
            "--host",
            "127.0.0.1",
            "--scheduler-file",
            str(folder / "scheduler.json"),
        )
        end = time.monotonic() + 120
        while not (folder / "scheduler.json").exists() or not (folder / "scheduler.json").read_text().endswith("}"):
            assert time.monotonic() < end and self.scheduler.poll() is None
            time.sleep(0.1)
        self.address = json.loads((folder / "scheduler.json").read_text())["address"]

    def worker(self, *options: str, preload: str = "") -> subprocess.Popen:
        if preload:
            path = self.folder / f"preload{len(self.processes)}.py"
            path.write_text(preload)
            options = (*options, "--preload", str(path))
        return self._dask(
            "worker",
            self.address,
            "--nthreads",
            "1",
            "--no-dashboard",
            "--memory-limit",
            "0",
            "--local-directory",
            str(self.folder),
            *options,
        )

    def _dask(self, *words: str) -> subprocess.Popen:
        path = os.pathsep.join([str(ROOT), str(BACKPASS.parent)])
        command = [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:]]
        with open(self.folder / f"log{len(self.processes)}", "w") as log:
            process = subprocess.Popen(
                command, cwd=self.folder, env=os.environ | {"PYTHONPATH": path}, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def end_workers(self) -> None:
        self._end(self.processes[1:])
        del self.processes[1:]

    def close(self) -> None:
        self._end(self.processes)

    @staticmethod
    def _end(processes: list[subprocess.Popen]) -> None:
        for process in processes:
            process.terminate()  # a nanny ends its worker
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("dask"))
    yield made
    made.close()


@pytest.fixture
def dask(scheduler, monkeypatch) -> Iterator[Cluster]:
    monkeypatch.setattr(clusters, "PATIENCE", 300)  # for workers to start, on a very busy machine
    yield scheduler
    scheduler.end_workers()


@pytest.fixture(scope="module")
def submissions(tmp_path_factory) -> Path:
    """A course, released, with a few submissions that differ."""
    course = tmp_path_factory.mktemp("course")
    make_course(course, UNIT)
    name = f"{UNIT.name}.ipynb"
    make = Maker(UNIT, nbformat.read(course / "release" / UNIT.name / name, as_version=4))
    names = [exercise.name for exercise in UNIT.exercises]
    for number in range(PEOPLE):
        answers = {exercise: make.model_answers[exercise] for exercise in names[: number + 2]}
        folder = course / "submitted" / f"s{number}" / UNIT.name
        folder.mkdir(parents=True)
        nbformat.write(make.notebook(answers), folder / name)
    return course


def copied(course: Path, place: Path) -> Path:
    return Path(shutil.copytree(course, place))


def texts(course: Path, **options: object) -> dict[str, str]:
    rows = grade_class(UNIT.name, course, isolation="none", progress=False, **options)
    return {row.student: json.dumps(row.result.to_json(), sort_keys=True) for row in rows}


def files(course: Path) -> dict[str, bytes]:
    return {str(p.relative_to(course)): p.read_bytes() for p in sorted((course / "autograded").rglob("*.ipynb"))}


def test_no_scheduler_and_no_workers(dask, monkeypatch):
    monkeypatch.setattr(clusters, "PATIENCE", 2)
    with (
        pytest.raises(NoCluster, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:1 "),
        cluster("tcp://127.0.0.1:1", UNIT, "none"),
    ):
        pass
    with pytest.raises(NoCluster, match="No Dask scheduler answers at nonsense"), cluster("nonsense:x", UNIT, "none"):
        pass
    monkeypatch.setattr(clusters, "PATIENCE", 15)  # here something answers, if slowly on a busy machine
    with (
        pytest.raises(NoCluster, match=f"has no workers. Start some: dask worker {dask.address}"),
        cluster(dask.address, UNIT, "none"),
    ):
        pass


def test_a_lost_worker_changes_no_grade(dask, submissions, tmp_path):
    expected = texts(copied(submissions, tmp_path / "here"), jobs=1)
    first, _ = dask.worker("--no-nanny"), dask.worker("--no-nanny")
    there = copied(submissions, tmp_path / "there")
    with cluster(dask.address, UNIT, "none") as executor:
        executor._executor._client.wait_for_workers(2, timeout=300)
        submit, killed = executor.submit, []

        def submitting(*args, **kwargs):
            future = submit(*args, **kwargs)
            # The first result that is there ends a worker: others are on it or wait for it.
            future.add_done_callback(lambda _: killed or killed.append(first.kill()))
            return future

        executor.submit = submitting
        found = texts(there, executor=executor)
    assert killed and first.wait(20) == -signal.SIGKILL
    assert found == expected
    assert files(there) == files(tmp_path / "here")


def test_what_ends_its_workers_is_not_graded_and_never_zero(dask, submissions, tmp_path):
    course = copied(submissions, tmp_path / "course")
    shutil.copytree(course / "submitted" / "s1", course / "submitted" / "deadly")
    path = course / "submitted" / "deadly" / UNIT.name / f"{UNIT.name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].source += "\n# another text"
    notebook.cells.append(nbformat.v4.new_code_cell("a = 1"))
    nbformat.write(notebook, path)
    # A nanny starts its worker again; nothing waits long for that.
    for _ in range(2):
        dask.worker(preload=DEADLY)
    with cluster(dask.address, UNIT, "none") as executor:
        rows = {row.student: row for row in grade_class(UNIT.name, course, executor=executor, isolation="none")}
    assert not rows["deadly"].graded and rows["deadly"].score is None
    assert "every worker that it was given to ended" in rows["deadly"].result.trouble
    assert all(rows[f"s{number}"].graded for number in range(PEOPLE))


def test_a_worker_with_another_version_is_refused(dask, submissions):
    worker = dask.worker("--no-nanny", preload=OLDER)
    with (
        pytest.raises(NoCluster, match=r"its checks, mistakes or reference of convolution are others"),
        cluster(dask.address, UNIT, "none"),
    ):
        pass
    assert worker.poll() is None


def test_a_worker_that_comes_later_with_another_version_grades_nothing(monkeypatch, submissions):
    sent = clusters.Sent(b"x = 1", "a.py", "ada", None)
    whole = versions.versions_of(UNIT, "none").whole
    monkeypatch.setattr(clusters, "grade_job", lambda *args: "graded")
    assert clusters.grade_sent(UNIT.name, sent, "none", {}, whole) == "graded"
    with pytest.raises(clusters.AnotherVersion):
        clusters.grade_sent(UNIT.name, sent, "none", {}, "other")
    with pytest.raises(clusters.AnotherVersion):
        clusters.grade_sent(UNIT.name, sent, "none", {"call_seconds": 3}, whole)


def test_without_dask_the_command_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["grade", UNIT.name, "--scheduler", "tcp://127.0.0.1:1", "--isolation", "none"])
    assert done.exit_code == 3 and "pip install 'backpass-autograder[cluster]'" in done.stderr


def test_dask_is_imported_only_when_it_is_asked_for():
    code = "import sys, autograder.cluster, autograder.classes; sys.exit('distributed' in sys.modules)"
    path = os.pathsep.join([str(ROOT), str(BACKPASS.parent)])
    assert subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}).returncode == 0


def test_files_are_graded_on_the_cluster_by_the_command(dask, submissions, tmp_path, monkeypatch):
    dask.worker("--no-nanny")
    path = submissions / "submitted" / "s2" / UNIT.name / f"{UNIT.name}.ipynb"
    monkeypatch.chdir(tmp_path)
    words = ["grade", UNIT.name, str(path), "--isolation", "none", "--json"]
    done = CliRunner().invoke(app, [*words, "there", "--scheduler", dask.address])
    assert done.exit_code == 0, done.stderr
    assert CliRunner().invoke(app, [*words, "here"]).exit_code == 0
    name = f"{UNIT.name}.json"
    assert Path("there", name).read_bytes() == Path("here", name).read_bytes()


def test_a_cluster_grades_and_does_nothing_else(dask):
    dask.worker("--no-nanny")
    with cluster(dask.address, UNIT, "none") as executor:
        with pytest.raises(TypeError):
            executor.submit(os.getpid)
        missing = executor.submit(grade_job, UNIT.name, clusters.Job(Path("missing.py"), "ada"), "none")
        with pytest.raises(ValueError, match="cannot be read"):
            missing.result(10)
