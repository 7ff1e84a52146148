"""A short run of tests/fuzz.py: what reads a student's bytes reads or refuses all of them."""

from __future__ import annotations

import random

from tests.fuzz import branches, fuzz_frames, fuzz_notebooks


def test_frames_are_read_or_refused():
    result = fuzz_frames(20_000, random.randrange(1 << 30))
    assert 0.5 < result["refused"] / result["inputs"] < 0.999
    assert result["grown"] < 32 << 20


def test_notebooks_are_read_or_refused():
    result = fuzz_notebooks(3_000, random.randrange(1 << 30))
    assert 0.2 < result["refused"] / result["inputs"] < 0.9
    assert result["grown"] < 64 << 20


def test_the_fuzzer_reaches_the_decoders_branches():
    seen = branches(2_000)
    assert len(seen.taken & seen.possible) > 0.9 * len(seen.possible), seen.missed
