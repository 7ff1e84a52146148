"""A short run of tests/fuzz.py: what reads a student's bytes reads or refuses all of them."""

from __future__ import annotations

import random
import time

import pytest

from tests import fuzz
from tests.fuzz import Found, branches, fuzz_frames, fuzz_notebooks


def test_frames_are_read_or_refused():
    run = fuzz_frames(5_000, random.randrange(1 << 30))
    assert 0.5 < run.refused / run.inputs < 0.999
    assert run.kept < 32 << 20


def test_notebooks_are_read_or_refused():
    run = fuzz_notebooks(1_000, random.randrange(1 << 30))
    assert 0.2 < run.refused / run.inputs < 0.9
    assert run.kept < 64 << 20


def test_the_fuzzer_reaches_the_decoders_branches():
    seen = branches(3_000)
    assert seen.taken > 0.95 * seen.possible, seen.missed


def loops(data: bytes) -> None:
    while True:
        time.monotonic()


def crashes(data: bytes) -> None:
    raise KeyError("no sentence of ours")


def says_nothing(data: bytes) -> None:
    raise ValueError


@pytest.mark.parametrize(
    ("read", "words"), [(loops, "more than 0.05 s"), (crashes, "KeyError"), (says_nothing, "without a sentence")]
)
def test_the_fuzzer_finds_what_is_wrong(monkeypatch, read, words):
    monkeypatch.setattr(fuzz, "SLOWEST", 0.05)
    with pytest.raises(Found, match=words):
        fuzz.fuzz(read, lambda: b"input", ValueError, 3)


def test_the_fuzzer_sees_memory_grow():
    kept: list[bytes] = []
    # Much, since a process that ran other tests before has freed memory to reuse.
    run = fuzz.fuzz(lambda data: kept.append(bytes(4 << 20)[::-1]), lambda: b"", ValueError, 50)
    assert run.kept > 30 << 20
