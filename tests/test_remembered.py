"""What the reference answered is remembered, and only where it must be the same again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from autograder import student
from autograder.remembered import Answers
from autograder.sandbox import Generator
from backpass import callables


@dataclass
class Kept:
    inside: object
    reference: object


def asked(answers: Answers, *args: object, function: object = len, **kwargs: object) -> int:
    """Number of times the answer is computed when it is asked for twice."""
    times = []
    for _ in range(2):
        answers.ask(function, args, kwargs, Kept, lambda: times.append(1))
    return len(times)


def test_the_same_arguments_are_computed_once():
    answers, x = Answers(), np.arange(6.0).reshape(2, 3)
    assert asked(answers, x, 1, "full", None, [x, (2.5,)], mode={"a": x}) == 1
    assert asked(answers, x.copy(), 1, "full", None, [x, (2.5,)], mode={"a": x}) == 0
    assert asked(answers, partial(callables.affine_map, matrix=x), x) == 1
    assert asked(answers, partial(callables.affine_map, matrix=x.copy()), x) == 0


def test_whatever_differs_is_another_question():
    answers, x = Answers(), np.arange(6.0).reshape(2, 3)
    for args in ((x,), (x.astype(np.float32),), (x.reshape(3, 2),), (np.asfortranarray(x),), (-x,), ((x,),), ([x],)):
        assert asked(answers, *args) == 1
    for value in (1, 1.0, True, "1", np.float64(1), 0.0, -0.0, np.nan):
        assert asked(answers, value) == 1
        assert asked(answers, value) == 0
    assert asked(answers, x, function=sum) == 1
    assert asked(answers, x=x) == 1


def test_generators_and_functions_of_a_moment_are_asked_anew():
    def local(x: float) -> float:
        return x

    answers = Answers()
    for value in (Generator(3), np.random.default_rng(0), local, lambda x: x, np.array([None]), partial(local, 1)):
        assert asked(answers, value) == 2
    assert len(answers) == 0


def test_a_cache_of_the_reference_is_known_by_itself():
    answers, cache = Answers(), {"x": np.zeros(2)}
    assert asked(answers, Kept(1, cache)) == 1
    assert asked(answers, Kept(2, cache)) == 0
    assert asked(answers, Kept(1, {"x": np.zeros(2)})) == 1


def test_it_does_not_grow_without_end():
    answers = Answers(max_answers=10, max_bytes=4000)
    for number in range(100):
        answers.ask(len, (number,), {}, Kept, lambda: None)
        assert asked(answers, "always") <= (1 if number == 0 else 0)
    assert len(answers) == 10
    for number in range(100):
        answers.ask(len, (np.full(100, number),), {}, Kept, lambda: None)
    assert len(answers) == 5


def test_a_function_given_to_submissions_is_asked_once_for_the_same_numbers(monkeypatch):
    answers, x = Answers(), np.arange(6.0).reshape(2, 3)
    monkeypatch.setattr(student, "_given_answers", answers)
    for _ in range(2):
        given = student.remembering(partial(callables.affine_map, matrix=x, offset=0.5))
        assert given(x + 1).tolist() == callables.affine_map(x + 1, matrix=x, offset=0.5).tolist()
    assert len(answers) == 1
    assert given(x).tolist() == callables.affine_map(x, matrix=x, offset=0.5).tolist()
    assert len(answers) == 2


def test_what_may_answer_differently_or_is_long_is_asked_each_time(monkeypatch):
    answers, asked_for = Answers(), []
    monkeypatch.setattr(student, "_given_answers", answers)
    within = student.remembering(lambda value: asked_for.append(value))
    for _ in range(2):
        within(1.0)
    assert asked_for == [1.0, 1.0]
    long = student.remembering(callables.cube)
    for size in (student.REMEMBERED_NUMBERS + 1, 1):
        long(np.zeros(size))
    assert len(answers) == 1
    for _ in range(2):
        with pytest.raises(TypeError):
            long("text")
