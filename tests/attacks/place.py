"""The course that is attacked: invented classmates, secrets, canaries and listeners, and what became of them."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import hashlib
import html
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from traitlets.config import Config

from autograder.classes import stored_results
from autograder.nbgrader_plugin import configure
from autograder.paths import BACKPASS, ROOT
from autograder.results import Result
from autograder.units import UNITS
from tests.attacks.attack import DEED, HARMLESS, Attack
from tests.class_factory import Maker, hand_in, make_course, members

UNIT = UNITS["convolution"]
FILE = f"{UNIT.name}.ipynb"
# Short, so that what takes too long is soon over; every limit is exceeded by some attack.
LIMITS = {
    "call_seconds": 1.0,
    "cell_seconds": 1.0,
    "idle_seconds": 1.5,
    "submission_seconds": 30.0,
    "memory_bytes": 512 << 20,
    "scratch_bytes": 16 << 20,
    "scratch_files": 2000,
    "file_bytes": 4 << 20,
    "reply_bytes": 8 << 20,
}
NEIGHBOUR = "zz-neighbour"  # right everywhere, and the last to be graded
TWIN = "twin-"


class Listeners:
    """Services on loopback; `heard` is all that was said to them."""

    def __init__(self, folder: Path):
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.path = str(folder / "listener")
        self.named, self.unnamed = (socket.socket(socket.AF_UNIX) for _ in range(2))
        self.named.bind(self.path)
        self.unnamed.bind("\0" + self.path)
        for listener in (self.named, self.unnamed):
            listener.listen()
        self.heard: list[bytes] = []
        for listener in (self.tcp, self.named, self.unnamed):
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        threading.Thread(target=self._receive, daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.settimeout(1)
                with connection, contextlib.suppress(OSError):
                    self.heard.append(b"a connection " + connection.recv(1000))

    def _receive(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.heard.append(self.udp.recv(1000))

    def close(self) -> None:
        for listener in (self.tcp, self.udp, self.named, self.unnamed):
            listener.close()


@dataclass
class Place:
    """A course in a folder of its own, with a home and a folder where attacks may leave marks."""

    root: Path
    listeners: Listeners
    attacks: list[Attack] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.course, self.home, self.marks = (self.root / name for name in ("course", "home", "marks"))
        self.values = {
            "COURSE": str(self.course),
            "HOME": str(self.home),
            "MARKS": str(self.marks),
            "TCP": str(self.listeners.tcp.getsockname()[1]),
            "UDP": str(self.listeners.udp.getsockname()[1]),
            "SOCKET": self.listeners.path,
        }

    def add_canaries(self) -> None:
        for folder in (self.home / ".ssh", self.marks):
            folder.mkdir(parents=True, exist_ok=True)
        (self.home / ".ssh" / "id_secret").write_text("SECRET of the home folder")
        (self.course / "id_secret").write_text("SECRET of the course folder")
        with contextlib.closing(sqlite3.connect(self.course / "gradebook.db")) as base:
            base.execute("CREATE TABLE canary (text VARCHAR)")
            base.execute("INSERT INTO canary VALUES ('SECRET of the gradebook')")
            base.commit()

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(ROOT), str(BACKPASS.parent), os.environ.get("PYTHONPATH", "")])
        beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        more = {"HOME": str(self.home), "PYTHONPATH": path, "PATH": beside, "CANARY": "SECRET of the environment"}
        return os.environ | more

    def command(self, *words: str, wrap: Iterable[str] = (), timeout: float = 1800) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*wrap, sys.executable, "-m", *words], cwd=self.course, env=self.environment, capture_output=True,
            text=True, errors="replace", timeout=timeout, check=False,
        )  # fmt: skip

    def untouched(self) -> dict[str, str]:
        """Hashes of all that no submission may change: secrets, sources, configuration, what others handed in."""
        kept = [self.course / name for name in ("source", "release", "nbgrader_config.py", "id_secret")]
        kept += [self.home / ".ssh", self.course / "submitted" / NEIGHBOUR]
        files = [path for top in kept for path in ([top] if top.is_file() else sorted(top.rglob("*")))]
        found = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()}
        with contextlib.closing(sqlite3.connect(self.course / "gradebook.db")) as base:
            found["canary"] = str(base.execute("SELECT text FROM canary").fetchall())
        return found

    def left(self) -> set[str]:
        """What attacks left where they could: marks, and files that Python or IPython would run."""
        names = {path.name for path in self.marks.iterdir()}
        return names | {p.name for p in self.home.rglob("*") if p.name in ("evil.py", "sitecustomize.py")}


def notebook_of(attack: Attack, released: NotebookNode, answers: dict[str, str], place: Place,
                amount: int = DEED) -> NotebookNode:  # fmt: skip
    """The released notebook with right answers, and the attack's deed in it."""
    answers = dict(answers)
    if attack.code:
        answers[attack.target] += "\n\n\n" + attack.filled(attack.code, place.values, amount).strip("\n") + "\n"
    notebook = Maker(UNIT, released).notebook(answers)
    if attack.cell:
        source = attack.filled(attack.cell, place.values, amount).strip("\n")
        notebook.cells.insert(0, nbformat.v4.new_code_cell(source, id="own-cell"))
    return notebook


def submit(place: Place, attack: Attack, released: NotebookNode, answers: dict[str, str],
           amount: int = DEED) -> None:  # fmt: skip
    """Hand the attack in (or its harmless twin)."""
    notebook: NotebookNode | bytes = notebook_of(attack, released, answers, place, amount)
    if attack.notebook is not None and amount != HARMLESS:
        notebook = attack.notebook(copy.deepcopy(notebook))
    data = notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode()
    if b"@TCP@" in data:
        data = data.replace(b"@TCP@", place.values["TCP"].encode()).replace(b"@NAME@", attack.name.encode())
    student = (TWIN if amount == HARMLESS else "") + attack.student_id
    folder = place.course / "submitted" / student / UNIT.name
    shutil.copytree(place.course / "release" / UNIT.name, folder)
    (folder / FILE).write_bytes(data)
    if attack.hand_in is not None and amount != HARMLESS:
        attack.hand_in(folder)
    place.attacks.append(attack)


def our_course(root: Path, listeners: Listeners, config: str) -> Place:
    """A released course with our configuration and these lines more."""
    place = Place(root, listeners)
    configure(Config())  # puts nbgrader's helper program on PATH
    make_course(place.course, UNIT)
    with open(place.course / "nbgrader_config.py", "a", encoding="utf-8") as file:
        file.write(config)
    place.add_canaries()
    return place


def our_place(root: Path, attacks: Iterable[Attack], listeners: Listeners, twins: bool = True) -> Place:
    """A course with our configuration, these attacks, perhaps their twins, and a few classmates."""
    place = our_course(root, listeners, f"c.Grade.limits = {LIMITS!r}\n")
    released = nbformat.read(place.course / "release" / UNIT.name / FILE, as_version=4)
    maker = Maker(UNIT, released)
    for member in members(UNIT, released):
        if member.what in ("the model answers", "one mistake", "the second half is missing"):
            name = NEIGHBOUR if member.what == "the model answers" else f"zz-{member.student[4:]}"
            hand_in(place.course, UNIT, _renamed(member, name))
    for attack in attacks:
        submit(place, attack, released, maker.model_answers)
        if attack.has_twin and twins:
            submit(place, attack, released, maker.model_answers, HARMLESS)
    return place


def _renamed(member, student: str):
    return dataclasses.replace(member, student=student)


def rows_of(place: Place, student: str) -> dict[str, float | None]:
    """Exercise -> what the gradebook holds as automatic score."""
    with Gradebook(f"sqlite:///{place.course / 'gradebook.db'}") as gradebook:
        notebook = gradebook.find_submission_notebook(UNIT.name, UNIT.name, student)
        return {grade.name: grade.auto_score for grade in notebook.grades}


def results_of(place: Place) -> dict[str, Result]:
    """Student -> result, from the run's own store; why something is not graded, from what was written for people."""
    found = {result.submission: result for result in stored_results(UNIT.name, place.course)}
    for student, result in found.items():
        path = place.course / "autograded" / student / UNIT.name / FILE
        if result.trouble and path.is_file():
            notes = [c.source for c in nbformat.read(path, as_version=4).cells if c.id == "backpass-notes"]
            result.trouble = html.unescape("".join(notes))
    return found


@contextlib.contextmanager
def listening(folder: Path) -> Iterator[Listeners]:
    listeners = Listeners(folder)
    try:
        yield listeners
    finally:
        listeners.close()


def strays(wait: float = 3.0) -> list[str]:
    """Processes of attacks that are still there a while after the run."""
    deadline = time.monotonic() + wait
    while True:
        found = []
        for path in Path("/proc").glob("[0-9]*/comm"):
            with contextlib.suppress(OSError):
                if path.read_text().strip() == "bp-canary":
                    found.append(path.parent.name)
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.2)
