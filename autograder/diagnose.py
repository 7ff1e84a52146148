"""Which mistake was made: the failed checks are run again with each known mistake in the student's place.

A mistake is named where it fails a check that the student failed, and nothing contradicts it: on every failed check
the functions that it replaces answer as the student's did, call by call, and it fails no check that the student
passed. Where draws are random, the broken property names the mistake by its tag.
"""

from __future__ import annotations

from autograder.judging import reply_of
from autograder.replacement import Replacement
from autograder.runner import Check, Checks, Outcome
from autograder.student import Answer, Called, LocalStudent
from autograder.units import Unit
from backpass.naming import same_reply

DECIDED = ("failed", "raised")


class Stopped(Exception):
    """The suspect answered otherwise than the student, or went on where the student was stopped."""


def agree(function: str, one: Answer, other: Answer) -> bool:
    """Whether two answers to the same call are the same, up to rounding."""
    return same_reply(reply_of(function, one), reply_of(function, other))


class Suspect(LocalStudent):
    """A mistake in the student's place; stops at the first answer that differs from the student's."""

    def __init__(self, unit: Unit, mistake: Replacement, recorded: list[Called]):
        super().__init__(unit, mistake.functions)
        self._recorded = iter(recorded)
        self.disagrees = False

    def observe(self, function: str, args: tuple, kwargs: dict, lines: bool = False) -> Called:
        called = super().observe(function, args, kwargs, lines)
        theirs = next(self._recorded, None)
        if theirs is None:
            raise Stopped
        mine = function in self._functions
        if theirs.function != function or (mine and not agree(function, theirs.answer, called.answer)):
            self.disagrees = True
            raise Stopped
        return called


class Diagnosis:
    """The mistakes of a unit and, once asked for, which of its checks each of them fails."""

    def __init__(self, checks: Checks, mistakes: dict[str, Replacement]):
        self._checks, self._mistakes = checks, mistakes
        self._verdicts: dict[tuple[str, str], bool] = {}

    def passes(self, mistake: Replacement, check: Check) -> bool:
        key = (mistake.name, check.name)
        if key not in self._verdicts:
            student = LocalStudent(self._checks.unit, mistake.functions)
            self._verdicts[key] = self._checks.run(check, student).passed
        return self._verdicts[key]

    def name(
        self, exercise: str, outcomes: dict[Check, Outcome], logs: dict[Check, list[Called]]
    ) -> dict[Check, list[Replacement]]:
        """For each failed check of the exercise, the mistake that explains it (twins: all of them), or nothing."""
        failed = [check for check, outcome in outcomes.items() if outcome.state in DECIDED]
        passed = [check for check, outcome in outcomes.items() if outcome.passed]
        named: dict[Check, list[Replacement]] = {check: [] for check in failed}
        if not failed:
            return named
        suspects = [m for m in self._mistakes.values() if m.exercise(self._checks.unit) == exercise]
        for mistake in suspects:
            shown = [check for check in failed if outcomes[check].tag in mistake.shown_by]
            # Numbers of random exercises cannot be compared: there the tag alone decides.
            explained = shown if mistake.shown_by else self._explains(mistake, failed, logs)
            if explained and (mistake.shown_by or all(self.passes(mistake, check) for check in passed)):
                for check in explained:
                    named[check].append(mistake)
        return {check: self._only_twins(found) for check, found in named.items()}

    def _explains(self, mistake: Replacement, failed: list[Check], logs: dict[Check, list[Called]]) -> list[Check]:
        """The failed checks that the mistake fails in the same way; none where any of them contradicts it."""
        explained = []
        for check in failed:
            suspect = Suspect(self._checks.unit, mistake, logs[check])
            outcome = self._checks.run(check, suspect)
            if suspect.disagrees:
                return []
            if outcome.state in DECIDED:
                if len(suspect.log) != len(logs[check]):
                    return []  # it goes wrong where the student was right, by less than the agreement allows
                explained.append(check)
        return explained

    @staticmethod
    def _only_twins(found: list[Replacement]) -> list[Replacement]:
        """Several names for one failure are a guess, unless they are declared twins."""
        names = {mistake.name for mistake in found}
        twins = all(mistake.twin in names or any(m.twin == mistake.name for m in found) for mistake in found)
        return found if len(found) < 2 or twins else []


def sentence(found: list[Replacement]) -> str:
    """What the student reads: one mistake's sentence, or the twins' together."""
    return " Or, with the same numbers: ".join(mistake.sentence for mistake in found)
