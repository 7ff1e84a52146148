"""All attacks, graded as one class by `autograder grade`, and one of every row by `nbgrader autograde`.

pytest tests/attacks/all_attacks.py            (make attacks)
"""

from __future__ import annotations

import csv
import re
import sqlite3
from contextlib import closing

import pytest

from autograder.results import Result
from autograder.sandbox import NoSandbox, check_isolation
from tests.attacks.attack import ATTACKS, FULL, NOT_GRADED, Attack, load
from tests.attacks.browser import scripts_that_ran
from tests.attacks.place import NEIGHBOUR, TWIN, UNIT, listening, our_place, results_of, rows_of, strays

load()
EVERY = list(ATTACKS.values())
WITH_TWIN = [attack for attack in EVERY if attack.has_twin]


@pytest.fixture(scope="module", params=["autograder", "nbgrader"])
def run(request, tmp_path_factory):
    """The whole class by our command; a part of it, one or two of every row, by nbgrader's."""
    pytest.importorskip("nbgrader")
    try:
        check_isolation("bubblewrap")
    except NoSandbox as error:
        pytest.skip(str(error))
    some = EVERY if request.param == "autograder" else some_of_every_row()
    folder = tmp_path_factory.mktemp(request.param)
    with listening(folder) as listeners:
        yield Run(our_place(folder, some, listeners), request.param)


def some_of_every_row() -> list[Attack]:
    """Two of every row, and all that nbgrader's own steps read: files, names, what stands in pages."""
    chosen: dict[int, list[Attack]] = {}
    for attack in EVERY:
        chosen.setdefault(attack.row, []).append(attack)
    chosen = {row: attacks if row in (12, 19, 21) else attacks[:2] for row, attacks in chosen.items()}
    # A name that nbgrader cannot keep ends its own command, as it always did.
    return [attack for attacks in chosen.values() for attack in attacks if attack.entered]


class Run:
    """A class that was graded, and all that is looked at afterwards."""

    def __init__(self, place, command: str):
        self.place, self.command = place, command
        self.before = place.untouched()
        words = ("autograder", "grade") if command == "autograder" else ("nbgrader", "autograde")
        self.done = place.command(*words, UNIT.name)
        self.strays = strays()
        self.results = results_of(place)

    def result(self, student: str) -> Result:
        assert student in self.results, self.done.stdout + self.done.stderr
        return self.results[student]


def sentences(result: Result) -> str:
    return "\n".join([result.trouble, *result.notes, *(item.message for item in result.items)])


def got_everything(result: Result) -> bool:
    return result.graded and result.score == result.max_score and {i.state for i in result.items} == {"passed"}


@pytest.mark.parametrize("attack", EVERY, ids=lambda attack: f"{attack.row:02}-{attack.name}")
def test_it_gets_what_it_earned_and_the_result_says_what_happened(run, attack):
    if attack not in run.place.attacks:
        pytest.skip("only some are graded by nbgrader's own command")
    result = run.result(attack.student_id)
    judge(attack, result)
    if attack.expect == NOT_GRADED:
        assert set(rows_of(run.place, attack.student_id).values()) == {None}
    elif attack.expect == FULL and attack.entered:
        earned = rows_of(run.place, attack.student_id)
        assert all(earned[e.name] == result.exercise_score(e.name) for e in UNIT.exercises if not e.bonus)


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


@pytest.mark.parametrize("attack", WITH_TWIN, ids=lambda attack: f"{attack.row:02}-{attack.name}")
def test_its_harmless_twin_gets_everything(run, attack):
    if attack not in run.place.attacks:
        pytest.skip("only some are graded by nbgrader's own command")
    result = run.result(TWIN + attack.student_id)
    assert got_everything(result), sentences(result)


def test_nothing_outside_was_changed_or_left(run):
    assert run.place.untouched() == run.before
    assert run.place.left() == set()
    assert run.strays == []


def test_nothing_outside_was_read(run):
    """No secret stands anywhere that a submission's words reach: results, notebooks, tables, logs."""
    place = run.place
    written = run.done.stdout + run.done.stderr
    for path in [*(place.course / "autograded").rglob("*"), *(place.course / ".grading").glob("*")]:
        if path.is_file():
            written += path.read_bytes().decode("utf-8", "replace")
    for word in ("SECRET of", "SEEN-COMMAND"):
        assert not re.search(rf"found [^\n]{{0,200}}{word}|{word} [a-z]+ of", written)
    assert "SECRET of" not in written.replace('"SECRET"', "")


def test_no_service_was_reached(run):
    assert run.place.listeners.heard == []


def test_the_neighbours_have_their_right_grades(run):
    assert got_everything(run.result(NEIGHBOUR))
    rows = rows_of(run.place, NEIGHBOUR)
    assert all(rows[e.name] == run.result(NEIGHBOUR).exercise_score(e.name) for e in UNIT.exercises if not e.bonus)
    mistaken = [result for name, result in run.results.items() if name.startswith("zz-mistake")]
    assert len(mistaken) >= 4
    assert all(len(result.mistakes()) == 1 for result in mistaken)
    half = run.result("zz-half")
    assert 0 < half.score < half.max_score


def test_every_submission_is_in_the_gradebook(run):
    with closing(sqlite3.connect(run.place.course / "gradebook.db")) as base:
        entered = {row[0] for row in base.execute("SELECT DISTINCT student_id FROM submitted_assignment")}
    assert entered >= {attack.student_id for attack in run.place.attacks if attack.entered}
    if run.command == "autograder":
        impossible = [attack for attack in run.place.attacks if not attack.entered]
        assert run.done.stdout.count("Graded, but not entered in") == len(impossible)


def test_the_command_says_that_something_is_not_graded(run):
    if run.command == "autograder":
        assert run.done.returncode == 3, run.done.stderr
        assert "not graded" in run.done.stdout
        assert "Traceback" not in run.done.stderr


def test_no_control_character_reaches_the_terminal(run):
    if run.command == "autograder":
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]", run.done.stdout)


def test_no_script_runs_in_any_page(run):
    """nbgrader's feedback for the hostile, and the report about the class, in a browser."""
    pytest.importorskip("playwright")
    if run.command != "nbgrader":
        pytest.skip("the same pages come of both commands")
    place = run.place
    for words in (("nbgrader", "generate_feedback", UNIT.name), ("autograder", "report", UNIT.name)):
        done = place.command(*words)
        assert done.returncode == 0, done.stderr[-2000:]
    hostile = [attack.student_id for attack in place.attacks if attack.row in (12, 21)]
    pages = [place.course / "feedback" / student / UNIT.name / f"{UNIT.name}.html" for student in hostile]
    pages.append(place.course / "reports" / f"{UNIT.name}.html")
    assert all(page.exists() for page in pages)
    found = {str(page): events for page, events in scripts_that_ran(pages).items() if events}
    assert found == {}


def test_no_formula_stands_in_the_exported_table(run):
    if run.command != "nbgrader":
        pytest.skip("the same table comes of both commands")
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
