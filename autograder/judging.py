"""What may be asked of one call: each judgement raises `Wrong` with the sentence that the student reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autograder.sandbox import Generator
from autograder.student import CACHE_AT, Answer, Called
from autograder.units import returns_cache
from backpass.cases import Reply
from backpass.compare import check_structure, compare


class Wrong(AssertionError):
    """A failed check. `tag` ("property:tag") names mistakes of random exercises."""

    def __init__(self, sentence: str, *, state: str = "failed", tag: str = ""):
        super().__init__(sentence)
        self.sentence, self.state, self.tag = sentence, state, tag


class CheckBug(Exception):
    """The check itself is at fault: not graded."""


def comparable(function: str, answer: Answer) -> Any:
    """A value without its cache, which is the student's own business."""
    value = answer.value
    if returns_cache(function) and isinstance(value, tuple | list) and len(value) > CACHE_AT:
        return (*value[:CACHE_AT], None, *value[CACHE_AT + 1 :])
    return value


def reply_of(function: str, answer: Answer) -> Reply:
    """An answer in the form in which replies are recorded and compared."""
    if answer.raised:
        return Reply(raised=answer.raised.type_name)
    return Reply(comparable(function, answer), changed=tuple(answer.changed))


@dataclass(frozen=True)
class Judgement:
    """The base: the call must come back, with a value of the right structure, shapes and dtypes."""

    counts_lines = False

    def judge(self, called: Called) -> None:
        if called.expected.raised:
            raise CheckBug(f"the reference {called.expected.raised.sentence()} in {called.described}")
        if called.answer.raised:
            raise Wrong(f"{called.described} {called.answer.raised.sentence()}.", state="raised")
        expected = comparable(called.function, called.expected)
        actual = comparable(called.function, called.answer)
        difference = check_structure(actual, expected, names=called.returns)
        if difference:
            raise Wrong(f"{called.described}: {difference.hidden_sentence()}")
        self.decide(called)

    def decide(self, called: Called) -> None:
        """What is asked beyond the structure."""


@dataclass(frozen=True)
class Structure(Judgement):
    """Nothing more is asked of this call."""


@dataclass(frozen=True)
class Equals(Judgement):
    """The values agree with the reference's; with `part`, only that returned value's."""

    rtol: float | None = None
    atol: float | None = None
    part: int | None = None

    def decide(self, called: Called) -> None:
        actual = comparable(called.function, called.answer)
        expected = comparable(called.function, called.expected)
        if self.part is not None:
            actual = [value if i == self.part else None for i, value in enumerate(actual)]
            expected = [value if i == self.part else None for i, value in enumerate(expected)]
        options = {"names": called.returns, "sizes": called.sizes}
        difference = compare(actual, expected, self.rtol, self.atol, **options)
        if difference:
            raise Wrong(f"{called.described}: {difference.hidden_sentence()}")


@dataclass(frozen=True)
class Raises(Judgement):
    """The call must raise an error of this type."""

    error: type[Exception] = ValueError

    def judge(self, called: Called) -> None:
        wanted, expected, raised = self.error.__name__, called.expected.raised, called.answer.raised
        if expected is None or expected.type_name != wanted:
            raise CheckBug(f"the reference does not raise {wanted} in {called.described}")
        if raised is None:
            raise Wrong(f"{called.described} should raise a {wanted}, and returned a value.")
        if raised.type_name != wanted:
            raise Wrong(f"{called.described} should raise a {wanted}, and {raised.sentence()}.")


@dataclass(frozen=True)
class Unchanged(Equals):
    """The value is right (random draws aside), and the call leaves its arguments as they were.

    Whether they are is seen from inside, so that alone must not earn a point.
    """

    def decide(self, called: Called) -> None:
        if not any(isinstance(value, Generator) for value in (*called.args, *called.kwargs.values())):
            super().decide(called)
        if called.expected.changed:
            raise CheckBug(f"the reference changes {called.expected.changed} in {called.described}")
        if called.answer.changed:
            names = " and ".join(f"`{name}`" for name in called.answer.changed)
            raise Wrong(f"{called.described} changed {names} in place. Work on a copy: what is passed in is not yours.")


@dataclass(frozen=True)
class CountsLines(Judgement):
    """Like Structure, with the executed lines counted."""

    counts_lines = True
