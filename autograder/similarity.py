"""Submissions whose code looks alike, and code that looks like the published answers: a pointer for a person.

Code is normalised by copydetect (names become letters; comments, layout and texts go) and winnowed into
fingerprints. What was handed out does not count, nor between students what is published or what many write. Pairs
are found over an inverted index in which no fingerprint has more than COMMON entries, so the work grows with the class
and not with its square.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations
from pathlib import Path

import nbformat
import numpy as np

from autograder.given import given_source
from autograder.paths import SOLUTIONS, source_notebook
from autograder.reading import Unreadable
from autograder.released import released
from autograder.submission import read_submission
from autograder.units import Unit

GRAM = 30  # characters of normalised code in a fingerprint, about ten tokens
WINDOW = 6  # of so many neighbouring fingerprints at least one is kept
ENOUGH = 25  # fingerprints below which code is too short to say anything
SHARED = 15  # fingerprints that two submissions share before they are a pair
ALIKE = 0.5  # and the share of the shorter one's that they are
PUBLISHED = 0.5  # the share of a submission's own code that stands in the published answers
COMMON = 30  # what more different submissions than this share is what many write
CHARACTERS = 60_000  # of a submission that are looked at
SHOWN = 200  # pairs, the most alike


class NoCopydetect(ImportError):
    """The library is not installed; the text says what to do."""


@dataclass(frozen=True)
class Alike:
    """Submissions with code in common, how much of it, and where it stands."""

    students: tuple[str, ...]
    share: float
    exercises: tuple[str, ...]

    @property
    def percent(self) -> int:
        """Rounded down: only what is all alike is 100."""
        return int(100 * self.share)


@dataclass(frozen=True)
class Similarity:
    """What looks alike in a class. `more`: pairs beyond those that are told."""

    same: list[Alike] = field(default_factory=list)
    pairs: list[Alike] = field(default_factory=list)
    published: list[Alike] = field(default_factory=list)
    more: int = 0
    compared: int = 0

    def students(self) -> set[str]:
        return {name for alike in (*self.same, *self.pairs, *self.published) for name in alike.students}


def fingerprinter() -> Callable[[str], frozenset[int]]:
    """Code -> its fingerprints; cells that come again are computed once. Raises NoCopydetect."""
    try:
        from copydetect.utils import filter_code, winnow
    except ImportError:
        raise NoCopydetect(
            "Similar submissions were not looked for: copydetect is not installed. "
            "`pip install copydetect` (or the extra `report`) brings it; then write the report again."
        ) from None

    @cache
    def fingerprints(code: str) -> frozenset[int]:
        text, _ = filter_code(code, "cell.py", "python")
        return frozenset(winnow(_grams(text), WINDOW)[0].tolist())

    return fingerprints


# Python's own hash differs from process to process, and with it the fingerprints that winnowing keeps.
_POWERS = np.cumprod(np.full(GRAM, 0x9E3779B97F4A7C15, dtype=np.uint64))


def _grams(text: str) -> np.ndarray:
    """A hash of each run of GRAM characters."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    if len(codes) < GRAM:
        return np.empty(0, dtype=np.int64)
    sums = np.lib.stride_tricks.sliding_window_view(codes, GRAM) @ _POWERS
    mixed = (sums ^ (sums >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return (mixed ^ (mixed >> np.uint64(32))).view(np.int64)


def similar(unit: Unit, files: Mapping[str, Path]) -> Similarity:
    """What looks alike among these submissions (student -> file). Raises NoCopydetect."""
    fingerprints = fingerprinter()
    handed_out = _union(fingerprints(text) for text in _released(unit))
    published = _union(fingerprints(text) for text in _published(unit)) - handed_out
    codes = {}
    for student, path in files.items():
        places = {where: marks - handed_out for where, marks in _places(unit, path, fingerprints).items()}
        if len(_union(places.values())) >= ENOUGH:
            codes[student] = places
    return compare(codes, published)


def compare(codes: Mapping[str, Mapping[str, frozenset[int]]], published: frozenset[int]) -> Similarity:
    """What looks alike among fingerprints: student -> exercise -> those of the student's own code."""
    own = {student: _union(places.values()) for student, places in codes.items()}
    from_answers = []
    for student, marks in own.items():
        share = len(marks & published) / len(marks)
        if share >= PUBLISHED:
            from_answers.append(Alike((student,), share, _where(codes[student], published)))
    by_code: dict[frozenset[int], list[str]] = defaultdict(list)
    for student, marks in own.items():
        by_code[marks].append(student)
    same = [
        Alike(tuple(students), 1.0, ())
        for marks, students in by_code.items()
        if len(students) > 1 and len(marks - published) >= SHARED
    ]
    pairs = _pairs({students[0]: marks - published for marks, students in by_code.items()}, codes)
    return Similarity(
        sorted(same, key=lambda alike: (-len(alike.students), alike.students)),
        pairs[:SHOWN],
        sorted(from_answers, key=lambda alike: (-alike.share, alike.students)),
        max(0, len(pairs) - SHOWN),
        len(codes),
    )


def _pairs(marks: Mapping[str, frozenset[int]], codes: Mapping[str, Mapping[str, frozenset[int]]]) -> list[Alike]:
    """Pairs of different submissions, the most alike first."""
    index: dict[int, list[str]] = defaultdict(list)
    for student, some in marks.items():
        for mark in some:
            index[mark].append(student)
    # In a small class, what half of it writes is what many write.
    common = min(COMMON, max(4, len(marks) // 2))
    rare = {mark: students for mark, students in index.items() if len(students) <= common}
    own = Counter(student for students in rare.values() for student in students)
    shared = Counter(pair for students in rare.values() for pair in combinations(students, 2))
    found = []
    for (one, other), count in shared.items():
        share = count / min(own[one], own[other])
        if count >= SHARED and share >= ALIKE:
            both = frozenset(mark for mark in marks[one] & marks[other] if mark in rare)
            found.append(Alike((one, other), share, _where(codes[one], both)))
    return sorted(found, key=lambda alike: (-alike.share, alike.students))


def _where(places: Mapping[str, frozenset[int]], marks: frozenset[int]) -> tuple[str, ...]:
    """The exercises in which most of the student's code is among these fingerprints."""
    return tuple(name for name, some in places.items() if some and 2 * len(some & marks) > len(some))


def _places(unit: Unit, path: Path, fingerprints: Callable) -> dict[str, frozenset[int]]:
    """Exercise or cell -> the fingerprints of the code in it; empty where the file cannot be read."""
    try:
        cells = read_submission(path, unit)
    except (Unreadable, OSError):
        return {}
    left, places = CHARACTERS, {}
    for cell in cells:
        name = cell.grade_id.removesuffix("_solution") or cell.name
        places[name] = places.get(name, frozenset()) | fingerprints(cell.source[:left])
        left = max(0, left - len(cell.source))
    return places


def _released(unit: Unit) -> Iterable[str]:
    """The code that students were given."""
    notebook = released(nbformat.read(source_notebook(unit.name), as_version=4))
    yield from (cell.source for cell in notebook.cells if cell.cell_type == "code")
    yield given_source(unit.name)


def _published(unit: Unit) -> Iterable[str]:
    """The answers that anybody can read: the source notebook's and the reference's."""
    notebook = nbformat.read(source_notebook(unit.name), as_version=4)
    yield from (cell.source for cell in notebook.cells if cell.cell_type == "code")
    yield (SOLUTIONS / f"{unit.name}.py").read_text(encoding="utf-8")


def _union(sets: Iterable[frozenset[int]]) -> frozenset[int]:
    return frozenset().union(*sets)
