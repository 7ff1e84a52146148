"""Similar submissions: what is found, what is not, and that the work grows with the class only."""

import builtins
import os
import re
import subprocess
import sys

import nbformat
import pytest

from autograder import similarity, variants
from autograder.paths import source_notebook
from autograder.released import released
from autograder.similarity import NoCopydetect, compare, similar
from autograder.units import unit
from tests.class_factory import Maker, movable
from tests.transplant import as_cell

pytest.importorskip("copydetect")

UNIT = unit("convolution")
ALONE = ("convolve1d", "pad2d", "conv_matrix", "numerical_gradient")


@pytest.fixture(scope="module")
def make():
    return Maker(UNIT, released(nbformat.read(source_notebook(UNIT.name), as_version=4)))


def own_way(make, number: int) -> dict[str, str]:
    """Right answers in another style, different for different numbers."""
    found = movable(variants.load(UNIT), UNIT)
    return {name: as_cell(found[name][number % len(found[name])].functions) for name in ALONE}


def renamed(code: str) -> str:
    """The same code with other names and a comment."""
    return "# All by myself.\n" + re.sub(r"\b(out|result|total|padded|row|i|k)\b", r"my_\1", code)


@pytest.fixture
def hand_in(make, tmp_path):
    def write(**answers: dict[str, str]) -> dict:
        files = {}
        for student, cells in answers.items():
            files[student] = tmp_path / f"{student}.ipynb"
            nbformat.write(make.notebook(cells), files[student])
        return files

    return write


def test_a_renamed_copy_is_the_same_code_and_other_answers_are_not_alike(hand_in, make):
    mine = own_way(make, 0)
    files = hand_in(ada=mine, bob={name: renamed(code) for name, code in mine.items()}, cid=own_way(make, 1))
    found = similar(UNIT, files)
    assert [alike.students for alike in found.same] == [("ada", "bob")]
    assert (found.pairs, found.published, found.compared) == ([], [], 3)


def test_a_copy_with_an_answer_of_its_own_is_a_pair_and_its_exercises_are_named(hand_in, make):
    mine, other = own_way(make, 0), own_way(make, 1)
    files = hand_in(ada=mine, bob=mine | {"pad2d": other["pad2d"]}, cid=own_way(make, 2))
    (pair,) = similar(UNIT, files).pairs
    assert pair.students == ("ada", "bob")
    assert 50 <= pair.percent < 100
    assert "conv_matrix" in pair.exercises and "pad2d" not in pair.exercises


def test_published_answers_are_recognised_and_make_no_pairs(hand_in, make):
    answers = {name: make.model_answers[name] for name in ALONE}
    changed = {name: renamed(code) for name, code in answers.items()} | {"pad2d": own_way(make, 1)["pad2d"]}
    found = similar(UNIT, hand_in(ada=answers, bob=changed, cid=own_way(make, 0)))
    assert [alike.students for alike in found.published] == [("ada",), ("bob",)]
    assert found.published[0].percent == 100 and found.published[1].percent < 100
    assert (found.same, found.pairs) == ([], [])


def test_what_was_handed_out_does_not_count(hand_in, make, tmp_path):
    files = hand_in(ada={}, bob={}) | {"cid": tmp_path / "nothing.ipynb"}
    assert similar(UNIT, files).compared == 0


def marks(*numbers: int) -> dict[str, frozenset[int]]:
    return {"pad2d": frozenset(numbers)}


def test_what_many_write_makes_no_pairs():
    """A hundred students with the same hundred fingerprints, and some of their own."""
    codes = {f"s{n}": marks(*range(100), *range(1000 * n, 1000 * n + 30)) for n in range(1, 101)}
    codes["copy"] = marks(*range(100), *range(7000, 7029), 5)
    (pair,) = compare(codes, frozenset()).pairs
    assert set(pair.students) == {"s7", "copy"}


def test_the_pairs_that_are_looked_at_grow_with_the_class_and_not_with_its_square(monkeypatch):
    looked = []

    def counted(students, size):
        found = list(combinations(students, size))
        looked.append(len(found))
        return found

    combinations = similarity.combinations
    monkeypatch.setattr(similarity, "combinations", counted)

    def work(students: int) -> int:
        """Groups of 25 write alike, so every fingerprint but the common ones is in 25 submissions."""
        looked.clear()
        groups = {n: range(1000 + n // 25 * 40, 1040 + n // 25 * 40) for n in range(students)}
        compare({f"s{n}": marks(*range(50), *group, -n) for n, group in groups.items()}, frozenset())
        return sum(looked)

    assert work(400) == 2 * work(200) == 400 // 25 * 40 * (25 * 24 // 2)


def test_fingerprints_are_the_same_in_every_process():
    code = "def f(x):\n    return [a + b for a, b in zip(x, x[1:], strict=False)]\n"
    ask = f"from autograder.similarity import fingerprinter; print(sorted(fingerprinter()({code!r})))"
    answers = [
        subprocess.run(
            [sys.executable, "-c", ask], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert answers[0] == answers[1] and len(answers[0]) > 10


def test_without_the_library_a_sentence_says_what_to_do(monkeypatch):
    real = builtins.__import__

    def missing(name, *more, **options):
        if name.startswith("copydetect"):
            raise ImportError(name)
        return real(name, *more, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(NoCopydetect, match="pip install"):
        similar(UNIT, {})
