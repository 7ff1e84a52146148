"""What is kept, under which keys, and how it survives."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from autograder.results import Result
from autograder.store import Store, merged
from autograder.units import unit
from backpass.report import Item
from tests.nbgrader_course import same_versions

UNIT = replace(unit("convolution"), exercises=unit("convolution").exercises[:3])
NAMES = tuple(exercise.name for exercise in UNIT.exercises)
VERSIONS = same_versions(UNIT, "none")


def changed(name: str, part: str = "checks"):
    return replace(VERSIONS, parts=VERSIONS.parts | {name: VERSIONS.parts[name] | {part: "2"}})


def item(name: str, state: str = "passed") -> Item:
    return Item(name, "A check", 2.0, None if state == "not_graded" else 2.0 * (state == "passed"), state)


def result(**states: str) -> Result:
    items = [item(name, states.get(name, "passed")) for name in NAMES]
    return Result(UNIT.name, "ada", items, isolation="none", notes=["Cell 1 raised."])


def get(store: Store, code: str = "code", versions=VERSIONS):
    return store.get(code, versions, UNIT, "bob", "none")


def test_a_result_comes_back_as_another_submissions(tmp_path):
    with Store(tmp_path / "deep" / "results.db") as store:
        assert get(store).missing == NAMES
        store.put("code", VERSIONS, result(), NAMES)
        known = get(store)
    assert (known.missing, known.result) == ((), replace(result(), submission="bob"))


@pytest.mark.parametrize("part", ["checks", "mistakes", "reference"])
def test_a_changed_exercise_alone_is_missing(tmp_path, part):
    with Store(tmp_path / "results.db") as store:
        store.put("code", VERSIONS, result(), NAMES)
        known = get(store, versions=changed(NAMES[1], part))
        assert (known.missing, known.notes) == (NAMES[1:2], True)
        assert get(store, versions=replace(VERSIONS, base="other")).missing == NAMES
        assert get(store, code="other").missing == NAMES
        assert get(store).missing == (), "what is known of the old version stays"


def test_what_was_not_graded_is_asked_again(tmp_path):
    with Store(tmp_path / "results.db") as store:
        store.put("code", VERSIONS, result(**{NAMES[0]: "not_graded"}), NAMES)
        assert get(store).missing == NAMES[:1]
        store.put("unread", VERSIONS, replace(result(), trouble="It could not be read."), NAMES)
        assert get(store, "unread").missing == NAMES


def test_times_and_reasons_are_noted_for_a_report(tmp_path):
    path = tmp_path / "results.db"
    with Store(path) as store:
        assert store.noted(UNIT.name, "code", VERSIONS) == (None, "")
        store.put("code", VERSIONS, replace(result(), trouble="A host ended.", processor_seconds=1.5), NAMES)
        assert store.noted(UNIT.name, "code", VERSIONS) == (1.5, "A host ended.")
        assert store.noted(UNIT.name, "code", changed(NAMES[0])) == (1.5, ""), "another grader, another reason"
        store.put("code", VERSIONS, replace(result(), processor_seconds=0.1), NAMES[:1])
        assert store.noted(UNIT.name, "code", VERSIONS) == (1.5, ""), "a part takes less than all"
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE noted")
    with Store(path, writing=False) as store:
        assert store.noted(UNIT.name, "code", VERSIONS) == (None, "")


@pytest.mark.parametrize("state", ["timed_out", "crashed"])
def test_time_and_crashes_are_decided_by_all_exercises_together(tmp_path, state):
    with Store(tmp_path / "results.db") as store:
        store.put("code", VERSIONS, result(**{NAMES[0]: state}), NAMES)
        assert get(store).missing == ()
        assert get(store, versions=changed(NAMES[2])).missing == (NAMES[0], NAMES[2])


def test_what_is_kept_first_stays(tmp_path):
    with Store(tmp_path / "results.db") as one, Store(tmp_path / "results.db") as other:
        one.put("code", VERSIONS, result(), NAMES)
        other.put("code", VERSIONS, result(**{NAMES[0]: "failed"}), NAMES)
        assert get(one).result == get(other).result == replace(result(), submission="bob")


def test_a_file_is_read_once(tmp_path, monkeypatch):
    path, read = tmp_path / "convolution.ipynb", []
    monkeypatch.setattr("autograder.store.code_of", lambda data, *_: read.append(data) or f"code {len(read)}")
    with Store(tmp_path / "results.db") as store:
        first = store.code_of(b"one", path, UNIT, VERSIONS)
    with Store(tmp_path / "results.db") as store:
        assert (store.code_of(b"one", path, UNIT, VERSIONS), read) == (first, [b"one"])
        assert store.code_of(b"two", path, UNIT, VERSIONS) != first
        assert store.code_of(b"one", path, UNIT, replace(VERSIONS, base="other")) != first, "it may read otherwise"
        monkeypatch.setattr("autograder.store.locked_tests", lambda _: {"another"})
        assert store.code_of(b"one", path, UNIT, VERSIONS) != first, "other cells are the student's"
    assert len(read) == 4


def test_a_file_from_before_reading_was_kept_is_of_use(tmp_path):
    path = tmp_path / "results.db"
    with Store(path) as store:
        store.put("code", VERSIONS, result(), NAMES)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE read")
    with Store(path, writing=False) as store:
        assert store.code_of(b"x = 1", tmp_path / "convolution.py", UNIT, VERSIONS)
        assert get(store).missing == ()


def test_gaps_are_filled_in_the_syllabus_order(tmp_path):
    with Store(tmp_path / "results.db") as store:
        store.put("code", VERSIONS, result(), NAMES)
        known = get(store, versions=changed(NAMES[1]))
    fresh = Result(UNIT.name, "bob", [item(NAMES[1], "failed")], isolation="none", notes=["Another note."])
    whole = merged(UNIT, known, fresh)
    assert [(i.exercise, i.state) for i in whole.items] == [
        (NAMES[0], "passed"),
        (NAMES[1], "failed"),
        (NAMES[2], "passed"),
    ]
    assert whole.notes == ["Cell 1 raised."]


def test_equal_items_are_kept_once(tmp_path):
    path = tmp_path / "results.db"
    with Store(path) as store:
        for number in range(20):
            store.put(f"code {number}", VERSIONS, result(), NAMES)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM graded").fetchone() == (20 * (len(NAMES) + 1),)
        assert connection.execute("SELECT count(*) FROM items").fetchone() == (len(NAMES) + 1,)


def test_closing_keeps_all_that_was_handed_over(tmp_path):
    path = tmp_path / "results.db"
    with Store(path) as store, ThreadPoolExecutor(4) as threads:
        put = [threads.submit(store.put_soon, f"code {n}", VERSIONS, result(), NAMES) for n in range(200)]
        kept = [future.result() for future in put]
    assert all(future.done() and future.exception() is None for future in kept)
    with Store(path) as store:
        assert all(get(store, f"code {n}").missing == () for n in range(200))


def test_a_reader_writes_nothing_at_all(tmp_path):
    path = tmp_path / "results.db"
    with Store(path, writing=False) as store:
        assert get(store).missing == NAMES
    assert list(tmp_path.iterdir()) == []
    with Store(path) as store:
        store.put("code", VERSIONS, result(), NAMES)
    before = hashlib.sha256(path.read_bytes()).digest()
    with Store(path, writing=False) as store:
        store.put("new", VERSIONS, result(), NAMES)
        store.put_soon("newer", VERSIONS, result(), NAMES).result(10)
        store.enter(UNIT.name, VERSIONS, [("ada", "code")])
        assert (get(store).missing, get(store, "new").missing, get(store, "newer").missing) == ((), NAMES, NAMES)
    assert [path] == list(tmp_path.iterdir())
    assert hashlib.sha256(path.read_bytes()).digest() == before


def test_whence_the_scores_come(tmp_path):
    with Store(tmp_path / "results.db") as store:
        assert store.entered(UNIT.name, "ada") is None
        store.enter(UNIT.name, VERSIONS, [("ada", "old"), ("bob", "his")])
        store.enter(UNIT.name, changed(NAMES[0]), [("ada", "new")])
        assert store.entered(UNIT.name, "ada") == ("new", changed(NAMES[0]))
        assert store.entered(UNIT.name, "bob") == ("his", VERSIONS)
        assert store.entered("dropout", "bob") is None


def test_it_waits_for_another_writer(tmp_path):
    path = tmp_path / "results.db"
    with Store(path) as store:
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN EXCLUSIVE")
        timer = threading.Timer(0.5, lambda: other.execute("COMMIT"))
        timer.start()
        store.put("code", VERSIONS, result(), NAMES)
        timer.join()
        other.close()
        assert get(store).missing == ()


def test_a_commit_survives_a_power_loss(tmp_path):
    with Store(tmp_path / "results.db") as store:
        pragma = {
            name: store._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")
        }
    assert pragma == {"synchronous": 3, "journal_mode": "delete"}, "3 is EXTRA"


def test_the_stored_text_is_the_items_and_nothing_else(tmp_path):
    path = tmp_path / "results.db"
    with Store(path) as store:
        store.put("code", VERSIONS, result(), NAMES)
    with sqlite3.connect(path) as connection:
        texts = [json.loads(text) for (text,) in connection.execute("SELECT items FROM items")]
    assert ["Cell 1 raised."] in texts and [vars(item(NAMES[0]))] in texts
