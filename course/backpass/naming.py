"""Which known mistake explains what a student's functions answered: the rules of the grader's side."""

from __future__ import annotations

from typing import Any

from backpass.cases import Book, Mistake, Reply
from backpass.compare import compare
from backpass.running import Run

# Looser than the cases: the same mistake in another order of summation is still the same mistake.
_RTOL_DOUBLE, _RTOL_SINGLE = 1e-6, 1e-3


def name_mistakes(book: Book, exercise: str, runs: list[Run]) -> list[list[str]]:
    """For each run of the exercise's cases the mistake that explains its failure (or its twins), or nothing.

    A mistake is named where it fails a case that the student failed, and nothing contradicts it: on all
    failed cases it answers as the student did, call by call, and it passes all cases that the student passed.
    Where draws are random the broken property names it by its tag.
    """
    failed = [i for i, run in enumerate(runs) if run.state in ("failed", "raised")]
    named: list[list[str]] = [[] for _ in runs]
    for name, mistake in book.mistakes.items():
        if mistake.exercise == exercise:
            for i in _explained(name, mistake, runs, failed):
                named[i].append(name)
    return [found if _one_or_twins(found, book) else [] for found in named]


def sentence(book: Book, names: list[str]) -> str:
    """What the student reads: one mistake's sentence, or the twins' together."""
    return " Or, with the same numbers: ".join(book.mistakes[name].sentence for name in names)


def _explained(name: str, mistake: Mistake, runs: list[Run], failed: list[int]) -> list[int]:
    if mistake.shown_by:
        return [i for i in failed if runs[i].tag in mistake.shown_by]
    if any(name in run.case.failed_by for run in runs if run.passed):
        return []
    if not all(_agrees(name, mistake, runs[i]) for i in failed):
        return []
    explained = [i for i in failed if name in runs[i].case.failed_by]
    return explained if all(_fails_there(name, runs[i]) for i in explained) else []


def _agrees(name: str, mistake: Mistake, run: Run) -> bool:
    return all(
        same_reply(seen.reply, seen.call.wrong.get(name, seen.call.right))
        for seen in run.seen
        if seen.call.function in mistake.functions
    )


def _fails_there(name: str, run: Run) -> bool:
    """Whether the mistake goes wrong where the student did, and not in a call that came no more."""
    if run.by_property:
        return any(name in seen.call.wrong for seen in run.seen)
    if not run.seen:
        return False
    last = run.seen[-1]
    # What differs by less than the agreement allows may not be recorded as wrong.
    return name in last.call.wrong or same_reply(last.reply, last.call.right)


def same_reply(one: Reply, other: Reply) -> bool:
    """Whether two replies to one call are the same, up to rounding."""
    if one.raised or other.raised:
        return one.raised == other.raised
    if tuple(one.changed) != tuple(other.changed):
        return False
    rtol = _RTOL_SINGLE if "float32" in _dtypes(other.value) else _RTOL_DOUBLE
    return compare(one.value, other.value, rtol=rtol) is None


def _dtypes(value: Any) -> set[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, tuple | list):
        return set().union(*map(_dtypes, value)) if value else set()
    return {str(getattr(value, "dtype", ""))}


def _one_or_twins(found: list[str], book: Book) -> bool:
    """Several names for one failure are a guess, unless they are declared twins."""
    twins = {book.mistakes[name].twin for name in found}
    return len(found) < 2 or all(name in twins or book.mistakes[name].twin in found for name in found)
