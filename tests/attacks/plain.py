"""The same submissions against plain `nbgrader autograde`, in a box, and what they achieve there.

The box is for this machine's sake: its own processes, a read-only file system but for the course, and limits.
Attacks by sheer amount are not run in it. The course is unit 1's notebook with three exercises whose test
cells are written as nbgrader's documentation shows: hidden tests with numbers in them.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from autograder.paths import source_notebook
from tests.attacks.attack import FULL, Attack
from tests.attacks.browser import scripts_that_ran
from tests.attacks.place import FILE, NEIGHBOUR, UNIT, Listeners, Place, rows_of, submit
from tests.class_factory import Maker

SECONDS = 4  # a cell's time limit: nbgrader's is 30 s, and a hang lasts so much longer
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
TOGETHER = 20  # submissions in one run
# What these do is seen only when they are alone with a neighbour.
_ALONE = {"hung", "stopped"}
_HARM = {"AMOUNT", "DEPTH"}


@dataclass
class Outcome:
    """What an attack achieved against plain nbgrader: names of EFFECTS, and how long the run took."""

    effects: set[str] = field(default_factory=set)
    seconds: float = 0.0
    score: float | None = None


def can_be_run(attack: Attack) -> bool:
    """Whether it is safe outside a sandbox, in the box."""
    # The names: those that would stop the run for good, whoever started it.
    return not (_HARM & attack.tokens.keys()) and attack.name not in ("stops-parent", "ptrace", "file-pipe")


def alone(attack: Attack) -> bool:
    return (
        attack.plain in _ALONE
        or attack.row == 6
        or attack.name.startswith(("kills-", "file-", "hangs-"))
        or not attack.entered
    )


def plain_course(root: Path, listeners: Listeners) -> Place:
    """A course in nbgrader's own configuration, released."""
    place = Place(root, listeners)
    source = place.course / "source" / UNIT.name
    source.mkdir(parents=True)
    (place.course / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.course_id = 'plain'\nc.ExecutePreprocessor.timeout = {SECONDS}\n"
    )
    notebook = nbformat.read(source_notebook(UNIT.name), as_version=4)
    names = {*TESTS, *(f"{name}_solution" for name in TESTS), "why_correlation"}
    notebook.cells = [
        cell for cell in notebook.cells if cell.get("id") == "imports" or cell.metadata.get("nbgrader", {}).get("grade_id") in names
    ]  # fmt: skip
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in TESTS:
            cell.source = TESTS[name]
        elif cell.get("id") == "imports":
            cell.source = "import numpy as np"
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
        submit(place, attack, released, answers)


def box(place: Place) -> list[str]:
    """What a command is put in front of, so that it harms nothing but the course."""
    limits = 'ulimit -v 8000000 -f 131072 -c 0; "$@"; code=$?; sleep 3; exit $code'
    bwrap = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
    bwrap += ["--bind", str(place.root), str(place.root), "--unshare-pid", "--unshare-ipc", "--die-with-parent"]
    return [*bwrap, "--cap-drop", "ALL", "--cap-add", "CAP_DAC_OVERRIDE", "--chdir", str(place.course),
            "--", "bash", "-c", limits, "box"]  # fmt: skip


def observe(place: Place, attacks: list[Attack]) -> dict[str, Outcome]:
    """Grade the attacks of a course in one run, and see what each achieved."""
    before, heard = place.untouched(), len(place.listeners.heard)
    began = time.monotonic()
    done = place.command("nbgrader", "autograde", UNIT.name, wrap=box(place), timeout=900)
    seconds = time.monotonic() - began - 3.0
    taken = seconds if len(attacks) == 1 else 0.0
    found = {attack.name: Outcome(_seen(place, attack), taken, _score(place, attack)) for attack in attacks}
    said = b"\n".join(place.listeners.heard[heard:])
    for attack in attacks:
        if attack.name.encode() in said:
            found[attack.name].effects.add("reached")
    if len(attacks) == 1:
        effects = found[attacks[0].name].effects
        if place.untouched() != before or place.left() - {f"{attacks[0].name}-stayed"}:
            effects.add("wrote")
        if seconds > SECONDS + 4 and "imeout" in done.stderr:
            effects.add("hung")
        if set(_rows(place, NEIGHBOUR).values()) & {None, 0.0} or not _rows(place, NEIGHBOUR):
            effects.add("stopped")
    return found


def _rows(place: Place, student: str) -> dict[str, float | None]:
    try:
        return {name: score for name, score in rows_of(place, student).items() if name in TESTS}
    except Exception:  # noqa: BLE001 - the gradebook does not know the student, or is broken
        return {}


def _score(place: Place, attack: Attack) -> float | None:
    scores = _rows(place, attack.student_id).values()
    return None if not scores or None in scores else float(sum(scores))


def _seen(place: Place, attack: Attack) -> set[str]:
    effects, rows = set(), _rows(place, attack.student_id)
    best = {"convolve1d": 8.0, "cross_correlate2d": 6.0, "parameter_count": 4.0}
    wrong = attack.expect != FULL and not attack.gives_right_answers
    if wrong and rows.get(attack.target) == best[attack.target]:
        effects.add("points")
    right = set(best) - ({attack.target} if attack.expect != FULL else set())
    if any(rows.get(name) != best[name] for name in right):
        effects.add("lost")
    if (place.marks / attack.name).exists():
        effects.add("wrote")
    if (place.marks / f"{attack.name}-stayed").exists():
        effects.add("stayed")
    text = ""
    for path in (place.course / "autograded" / attack.student_id).rglob("*"):
        if not path.is_file():
            continue
        if path.name != FILE:
            text += path.read_bytes().decode("utf-8", "replace")
            continue
        for cell in nbformat.read(path, as_version=4).cells:
            text += "".join(str(output) for output in cell.get("outputs", ()))
    if "SECRET of" in text or "SEEN-COMMAND" in text:
        effects.add("read")
    return effects


def feedback(place: Place, attacks: list[Attack], found: dict[str, Outcome]) -> None:
    """Open the feedback pages of a graded course in a browser."""
    if not attacks:
        return
    place.command("nbgrader", "generate_feedback", UNIT.name, wrap=box(place), timeout=900)
    pages = {a.name: place.course / "feedback" / a.student_id / UNIT.name / f"{UNIT.name}.html" for a in attacks}
    ran = scripts_that_ran([path for path in pages.values() if path.exists()])
    for name, path in pages.items():
        if ran.get(path):
            found[name].effects.add("script")


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
        feedback(place, [attack for attack in group if attack.row == 12], found)
        shutil.rmtree(place.root)
        yield from ((attack, found[attack.name]) for attack in group)
