"""All attacks as one class, graded by `autograder grade`, and again by `nbgrader autograde`.

pytest tests/attacks/all_attacks.py            (make attacks)
"""

from __future__ import annotations

import csv
import functools
import re
import sqlite3
from contextlib import ExitStack, closing

import pytest
from nbgrader.api import Gradebook

from autograder.results import Result
from tests.attacks.attack import FULL, NOT_GRADED, Attack, load
from tests.attacks.browser import but_for_libraries, scripts_that_ran
from tests.attacks.place import NEIGHBOUR, TWIN, UNIT, Place, listening, our_place, results_of, rows_of, strays
from tests.formgrader_server import Server
from tests.needs_sandbox import skip_without_sandbox

EVERY = list(load().values())
# nbgrader's own command ends, as it always did, at a name that its gradebook cannot keep.
FOR_NBGRADER = [attack for attack in EVERY if attack.nbgrader_too]
COMMANDS = ("autograder", "nbgrader")
BOTH = [(command, a) for command, some in zip(COMMANDS, (EVERY, FOR_NBGRADER), strict=True) for a in some]


def name_of(value: object) -> str:
    return f"{value.row:02}-{value.name}" if isinstance(value, Attack) else str(value)


class Run:
    """A class that was graded, and all that is looked at afterwards."""

    def __init__(self, place: Place, command: str):
        self.place, self.command = place, command
        self.before = place.untouched()
        words = ("autograder", "grade") if command == "autograder" else ("nbgrader", "autograde")
        self.done = place.command(*words, UNIT.name)
        self.strays = strays()
        self.results = results_of(place)

    def result(self, student: str) -> Result:
        assert student in self.results, self.done.stdout + self.done.stderr
        return self.results[student]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The whole class by one of the commands, graded when it is asked for first; the harmless twins by ours alone."""
    skip_without_sandbox()
    with ExitStack() as open_until_the_end:

        @functools.cache
        def graded(command: str) -> Run:
            ours, folder = command == "autograder", tmp_path_factory.mktemp(command)
            listeners = open_until_the_end.enter_context(listening(folder))
            return Run(our_place(folder, EVERY if ours else FOR_NBGRADER, listeners, twins=ours), command)

        yield graded


@pytest.fixture
def run(request, runs):
    return runs(request.param)


each_command = pytest.mark.parametrize("run", COMMANDS, indirect=True)


def sentences(result: Result) -> str:
    return "\n".join([result.trouble, *result.notes, *(item.message for item in result.items)])


def got_everything(result: Result) -> bool:
    return result.graded and result.score == result.max_score and {i.state for i in result.items} == {"passed"}


@pytest.mark.parametrize(("run", "attack"), BOTH, ids=name_of, indirect=["run"])
def test_it_gets_what_it_earned_and_the_result_says_what_happened(run, attack):
    result = run.result(attack.student_id)
    judge(attack, result)
    if not attack.entered:
        return
    entered = rows_of(run.place, attack.student_id)
    if attack.expect == NOT_GRADED:
        assert set(entered.values()) == {None}
    else:
        assert all(entered[e.name] == result.exercise_score(e.name) for e in UNIT.exercises if not e.bonus)


def judge(attack: Attack, result: Result) -> None:
    """What must be true of an attack's result."""
    assert re.search(attack.says, sentences(result)), sentences(result)
    if attack.expect == FULL:
        assert got_everything(result), [(i.exercise, i.title, i.state, i.message) for i in result.items if i.message]
        return
    if attack.expect == NOT_GRADED:
        assert not result.graded and result.score is None and result.trouble
        return
    assert result.graded, sentences(result)
    items = result.of(attack.target)
    failed = {item.state for item in items if item.state != "passed"}
    assert failed and failed <= set(attack.expect.split("|")), [(i.title, i.state, i.message) for i in items]
    assert all(item.points == 0 for item in items if item.state != "passed")
    assert all(item.message for item in items if item.state != "passed")
    if not attack.gives_right_answers:
        assert not [item.title for item in items if item.points]
    others = [item for item in result.items if item.exercise != attack.target]
    assert {item.state for item in others} == {"passed"}, [(i.title, i.message) for i in others if i.message]


@pytest.mark.parametrize("run", ["autograder"], indirect=True)
@pytest.mark.parametrize("attack", [attack for attack in EVERY if attack.has_twin], ids=name_of)
def test_its_harmless_twin_gets_everything(run, attack):
    result = run.result(TWIN + attack.student_id)
    assert got_everything(result), sentences(result)


@each_command
def test_nothing_outside_was_changed_or_left(run):
    assert run.place.untouched() == run.before
    assert run.place.left() == set()
    assert run.strays == []


@each_command
def test_nothing_outside_was_read(run):
    """No secret stands anywhere that a submission's words reach: results, notebooks, tables, logs."""
    written = run.done.stdout + run.done.stderr
    for path in [*(run.place.course / "autograded").rglob("*"), *(run.place.course / ".grading").glob("*")]:
        if path.is_file():
            written += path.read_bytes().decode("utf-8", "replace")
    assert not re.search(r"found [^\n]{0,200}SECRET|SEEN-COMMAND [a-z]+ of", written)
    assert "SECRET of" not in written


@each_command
def test_no_service_was_reached(run):
    assert run.place.listeners.heard == []


@each_command
def test_the_neighbours_have_their_right_grades(run):
    assert got_everything(run.result(NEIGHBOUR))
    rows = rows_of(run.place, NEIGHBOUR)
    assert all(rows[e.name] == run.result(NEIGHBOUR).exercise_score(e.name) for e in UNIT.exercises if not e.bonus)
    mistaken = [result for name, result in run.results.items() if name.startswith("zz-mistake")]
    assert len(mistaken) >= 4
    assert all(len(result.mistakes()) == 1 for result in mistaken)
    half = run.result("zz-half")
    assert 0 < half.score < half.max_score


@each_command
def test_every_submission_is_in_the_gradebook(run):
    with closing(sqlite3.connect(run.place.course / "gradebook.db")) as base:
        entered = {row[0] for row in base.execute("SELECT DISTINCT student_id FROM submitted_assignment")}
    assert entered >= {attack.student_id for attack in run.place.attacks if attack.entered}
    if run.command == "autograder":
        impossible = [attack for attack in run.place.attacks if not attack.entered]
        told = re.sub(r"[\s│]+", " ", run.done.stdout)  # a sentence may stand on several lines of the table
        assert told.count("Graded, but not entered in") == len(impossible), told


@pytest.mark.parametrize("run", ["autograder"], indirect=True)
def test_the_command_says_that_something_is_not_graded(run):
    assert run.done.returncode == 3, run.done.stderr
    assert "not graded" in run.done.stdout
    assert "Traceback" not in run.done.stderr
    # No control character, and none that turns text around, reaches the terminal.
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]", run.done.stdout)


@pytest.mark.parametrize("run", ["nbgrader"], indirect=True)
class TestPages:
    """What people look at afterwards: the same for both commands. All pages are opened in a browser."""

    def hostile(self, run) -> list[str]:
        return [attack.student_id for attack in run.place.attacks if attack.row in (12, 21)]

    def test_no_script_runs_in_feedback_or_report(self, run):
        pytest.importorskip("playwright")
        place = run.place
        for words in (("nbgrader", "generate_feedback", UNIT.name), ("autograder", "report", UNIT.name)):
            done = place.command(*words)
            assert done.returncode == 0, done.stderr[-2000:]
        hostile = self.hostile(run)
        pages = [place.course / "feedback" / student / UNIT.name / f"{UNIT.name}.html" for student in hostile]
        pages.append(place.course / "reports" / f"{UNIT.name}.html")
        assert all(page.exists() for page in pages)
        found = scripts_that_ran(page.as_uri() for page in pages)
        assert {page: events for page, events in found.items() if events} == {}

    def test_no_script_runs_in_formgrader(self, run):
        pytest.importorskip("playwright")
        with Gradebook(f"sqlite:///{run.place.course / 'gradebook.db'}") as gradebook:
            ids = [gradebook.find_submission_notebook(UNIT.name, UNIT.name, name).id for name in self.hostile(run)]
        server = Server(run.place.course)
        try:
            pages = [f"{server.address}/formgrader/submissions/{ident}/" for ident in ids]
            lists = ("manage_students", f"manage_submissions/{UNIT.name}", f"gradebook/{UNIT.name}/{UNIT.name}")
            pages += [f"{server.address}/formgrader/{name}" for name in lists]
            found = scripts_that_ran(pages, [server.address + "/"], {"Authorization": "token token"})
        finally:
            server.close()
        # nbgrader's own template asks for MathJax.
        happened = {page: but_for_libraries(events) for page, events in found.items()}
        assert {page: events for page, events in happened.items() if events} == {}
        assert run.place.listeners.heard == []

    def test_no_formula_stands_in_the_exported_table(self, run):
        done = run.place.command("nbgrader", "export")
        assert done.returncode == 0, done.stderr
        with open(run.place.course / "grades.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert {attack.student_id for attack in run.place.attacks if attack.row == 12} <= {
            row["student_id"] for row in rows
        }
        texts = [row[name] for row in rows for name in ("student_id", "last_name", "first_name", "email")]
        assert not [text for text in texts if text.startswith(("=", "+", "-", "@", "\t"))]
        ungraded = {attack.student_id for attack in run.place.attacks if attack.expect == NOT_GRADED}
        assert {row["score"] for row in rows if row["student_id"] in ungraded} == {""}
