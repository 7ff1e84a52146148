"""The same submissions against plain `nbgrader autograde`, in a box, and what they achieve there.

The box is for this machine's sake: its own processes, a read-only file system but for the course, and limits.
What harms by amounts is done there in moderate ones, or not at all. The course is unit 1's notebook with three
exercises whose test cells are written as nbgrader's documentation shows: hidden tests with numbers in them.
"""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from autograder.paths import ROOT, source_notebook
from tests.attacks.attack import FULL, MODERATE, NOT_GRADED, Attack
from tests.attacks.browser import but_for_libraries, scripts_that_ran
from tests.attacks.place import FILE, NEIGHBOUR, UNIT, Listeners, Place, rows_of, submit
from tests.class_factory import Maker

SECONDS = 4  # a cell's time limit: nbgrader's is 30 s, and a hang lasts so much longer
PATIENCE = 60  # until a run that one attack holds up for good is ended
CONFIG = f"""c = get_config()
c.CourseDirectory.course_id = "plain"
c.ExecutePreprocessor.timeout = {SECONDS}
c.Application.log_format = "%(created).3f %(message)s"
"""
TESTS = {
    "convolve1d": """### BEGIN HIDDEN TESTS
# SECRET of the hidden tests
x, w = np.array([1.0, 2.0, 4.0]), np.array([3.0, 1.0])
expected = np.array([3.0, 7.0, 14.0, 4.0])
np.testing.assert_allclose(convolve1d(x, w), expected)
### END HIDDEN TESTS""",
    "cross_correlate2d": """### BEGIN HIDDEN TESTS
image, kernel = np.arange(12.0).reshape(3, 4), np.array([[1.0, 2.0], [0.0, 3.0]])
actual = cross_correlate2d(image, kernel)
wanted = [[np.sum(image[i : i + 2, j : j + 2] * kernel) for j in range(3)] for i in range(2)]
assert np.allclose(actual, wanted)
### END HIDDEN TESTS""",
    "parameter_count": """### BEGIN HIDDEN TESTS
assert parameter_count("dense", 3, 4, 2) == 12
assert parameter_count("local", 3, 4, 2) == 8
assert parameter_count("shared", 3, 4, 2) == 2
### END HIDDEN TESTS""",
}
BEST = {"convolve1d": 8.0, "cross_correlate2d": 6.0, "parameter_count": 4.0}
TOGETHER = 40  # submissions in one run
FOR_GOOD = ("stops-parent", "ptrace", "file-pipe")  # the run would never end


@dataclass
class Outcome:
    """What an attack achieved against plain nbgrader: names of EFFECTS, and how long it was at work."""

    effects: set[str] = field(default_factory=set)
    seconds: float = 0.0


def can_be_run(attack: Attack) -> bool:
    """Whether it is safe outside a sandbox, in the box."""
    return not attack.harms_by_amount


def alone(attack: Attack) -> bool:
    """Whether what it does is seen only when it is alone with a neighbour."""
    return attack.plain == "stopped" or attack.row == 6 or attack.name in FOR_GOOD or not attack.entered


def plain_course(root: Path, listeners: Listeners) -> Place:
    """A course in nbgrader's own configuration, released."""
    place = Place(root, listeners)
    source = place.course / "source" / UNIT.name
    source.mkdir(parents=True)
    (place.course / "nbgrader_config.py").write_text(CONFIG)
    notebook = nbformat.read(source_notebook(UNIT.name), as_version=4)
    names = {*TESTS, *(f"{name}_solution" for name in TESTS), "why_correlation"}
    cells = []
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if cell.get("id") == "imports":
            cell.source = "import numpy as np"
        elif name not in names:
            continue
        cell.source = TESTS.get(name, cell.source)
        cells.append(cell)
    notebook.cells = cells
    nbformat.write(notebook, source / FILE)
    place.home.mkdir()
    done = place.command("nbgrader", "generate_assignment", UNIT.name)
    if done.returncode:
        raise RuntimeError(done.stderr)
    place.add_canaries()
    return place


def hand_in_all(place: Place, attacks: Iterable[Attack]) -> None:
    released = nbformat.read(place.course / "release" / UNIT.name / FILE, as_version=4)
    answers = Maker(UNIT, released).model_answers
    submit(place, Attack("neighbour", 0, "right", student=NEIGHBOUR), released, answers)
    for attack in attacks:
        submit(place, attack, released, answers, MODERATE)


def box(place: Place, wait: int = 0) -> list[str]:
    """What a command is put in front of, so that it harms nothing but the course; `wait`: for what stays behind."""
    limits = f'ulimit -v 8000000 -f 131072 -c 0; "$@"; code=$?; sleep {wait}; exit $code'
    sockets = str(Path(place.listeners.path).parent)
    bwrap = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
    for path in {sockets, str(ROOT), sys.prefix}:  # where they lie in /tmp
        bwrap += ["--ro-bind", path, path]
    bwrap += ["--bind", str(place.root), str(place.root)]
    bwrap += ["--unshare-pid", "--unshare-ipc", "--die-with-parent", "--cap-drop", "ALL"]
    bwrap += ["--cap-add", "CAP_DAC_OVERRIDE", "--chdir", str(place.course)]
    return [*bwrap, "--", "bash", "-c", limits, "box"]


def observe(place: Place, attacks: list[Attack]) -> dict[str, Outcome]:
    """Grade the attacks of a course in one run, and see what each achieved."""
    before, heard = place.untouched(), len(place.listeners.heard)
    by_itself = len(attacks) == 1
    wait = 3 if any(attack.plain == "stayed" for attack in attacks) else 0
    began = time.monotonic()
    try:
        patience = PATIENCE if attacks[0].name in FOR_GOOD else 1800
        done = place.command("nbgrader", "autograde", UNIT.name, wrap=box(place, wait), timeout=patience)
        log, ended = done.stderr, True
    except subprocess.TimeoutExpired as late:
        log, ended = (late.stderr or b"").decode("utf-8", "replace"), False
    seconds = time.monotonic() - began
    at_work = parts_of(log)
    found = {}
    for attack in attacks:
        taken, said = at_work.get(attack.student_id, (0.0, ""))
        found[attack.name] = Outcome(_seen(place, attack), taken)
        if re.search("[Tt]imeout", said):
            found[attack.name].effects.add("hung")
    time.sleep(0.1)  # the listeners' threads
    for line in place.listeners.heard[heard:]:
        for attack in attacks:
            if re.search(rb"(?<![\w-])%s(?![\w-])" % attack.name.encode(), line):
                found[attack.name].effects.add("reached")
    if by_itself:
        outcome = found[attacks[0].name]
        outcome.seconds = outcome.seconds or seconds
        if not ended:
            outcome.effects.add("hung")
            outcome.seconds = float("inf")
        if place.untouched() != before or place.left() - {f"{attacks[0].name}-stayed"}:
            outcome.effects.add("wrote")
        rows = _rows(place, NEIGHBOUR)
        if set(rows.values()) & {None, 0.0} or not rows:
            outcome.effects.add("stopped")
    return found


def parts_of(log: str) -> dict[str, tuple[float, str]]:
    """Student -> (seconds at work, what was logged meanwhile), from the log of a run."""
    starts: list[tuple[str, int, float]] = []
    for match in re.finditer(rf"^(\d+\.\d+) .*?/(?:submitted|autograded)/([^/\n]+)/{UNIT.name}\b", log, re.MULTILINE):
        if not starts or starts[-1][0] != match[2]:
            starts.append((match[2], match.start(), float(match[1])))
    if not starts:
        return {}
    times = re.findall(r"^(\d+\.\d+) ", log, re.MULTILINE)
    ends = [(at, when) for _, at, when in starts[1:]] + [(len(log), float(times[-1]) if times else 0.0)]
    parts: dict[str, tuple[float, str]] = {}
    for (student, at, when), (end, until) in zip(starts, ends, strict=True):
        taken, said = parts.get(student, (0.0, ""))
        parts[student] = (taken + until - when, said + log[at:end])
    return parts


def _rows(place: Place, student: str) -> dict[str, float | None]:
    try:
        return {name: score for name, score in rows_of(place, student).items() if name in TESTS}
    except Exception:  # noqa: BLE001 - the gradebook does not know the student, or is broken
        return {}


def _seen(place: Place, attack: Attack) -> set[str]:
    effects, rows = set(), _rows(place, attack.student_id)
    # Points for right work are earned, unless the attack's aim is points.
    earned = attack.expect == FULL or (attack.plain != "points" and attack.gives_right_answers)
    if rows.get(attack.target) == BEST[attack.target]:
        if not earned and (attack.expect != NOT_GRADED or attack.plain == "points"):
            effects.add("points")
        if attack.plain == "took":
            effects.add("took")
    right = set(BEST) - ({attack.target} if attack.expect != FULL else set())
    # A file in which nothing can be read is nobody's right work.
    if attack.expect != NOT_GRADED and any(rows.get(name) != BEST[name] for name in right):
        effects.add("lost")
    if (place.marks / attack.name).exists():
        effects.add("wrote")
    if (place.marks / f"{attack.name}-stayed").exists():
        effects.add("stayed")
    shown = _shown(place.course / "autograded" / attack.student_id)
    if "SECRET of" in shown or "SEEN-COMMAND" in shown:
        effects.add("read")
    return effects


def _shown(folder: Path) -> str:
    """What a submission printed or brought along. Not tracebacks: plain nbgrader's show the hidden tests to all."""
    text = ""
    for path in folder.rglob("*"):
        if path.is_file() and path.name != FILE:
            text += path.read_bytes().decode("utf-8", "replace")
        elif path.is_file():
            for cell in nbformat.read(path, as_version=4).cells:
                for output in cell.get("outputs", ()):
                    text += str(output.get("text", "")) + str(output.get("data", ""))
    return text


def look_at_pages(place: Place, attacks: list[Attack], found: dict[str, Outcome]) -> None:
    """Open the feedback of a graded course in a browser, and read its exported table."""
    hostile = [attack for attack in attacks if attack.row == 12]
    if hostile:
        place.command("nbgrader", "generate_feedback", UNIT.name, "--student", "r12-*", wrap=box(place), timeout=1800)
        pages = {a.name: place.course / "feedback" / a.student_id / UNIT.name / f"{UNIT.name}.html" for a in hostile}
        ran = scripts_that_ran(path.as_uri() for path in pages.values() if path.exists())
        for name, path in pages.items():
            if but_for_libraries(ran.get(path.as_uri(), [])):
                found[name].effects.add("script")
    # nbgrader's table puts no quotes around commas.
    named = {attack.student_id.partition(",")[0]: attack for attack in attacks if attack.row == 21}
    if named:
        place.command("nbgrader", "export", wrap=box(place), timeout=600)
        with open(place.course / "grades.csv", newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["student_id"] in named and row["student_id"].startswith(("=", "+", "-", "@")):
                    found[named[row["student_id"]].name].effects.add("formula")


def against_plain(folder: Path, attacks: list[Attack], listeners: Listeners) -> Iterator[tuple[Attack, Outcome]]:
    """What the attacks achieve against plain nbgrader; those that cannot be run safely are left out."""
    attacks = [attack for attack in attacks if can_be_run(attack)]
    template = plain_course(folder / "template", listeners)
    together = [attack for attack in attacks if not alone(attack)]
    groups = [together[at : at + TOGETHER] for at in range(0, len(together), TOGETHER)]
    for group in [*groups, *([attack] for attack in attacks if alone(attack))]:
        place = Place(folder / "class", listeners)
        shutil.copytree(template.root, place.root)
        hand_in_all(place, group)
        found = observe(place, group)
        if len(group) > 1:
            look_at_pages(place, group, found)
        shutil.rmtree(place.root)
        yield from ((attack, found[attack.name]) for attack in group)
