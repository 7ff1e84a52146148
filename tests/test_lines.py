"""Counting executed lines: of the call itself, whatever else is going on in the process."""

from __future__ import annotations

import gc
from pathlib import Path

from autograder.lines import count_lines


class Litter:
    """Garbage with a finalizer of several lines, which only the collector finds."""

    def __init__(self):
        self.itself = self

    def __del__(self):
        first = 1
        second = first
        self.last = second


def loop(turns):
    kept = []
    for _ in range(turns):
        kept.append([])
    return len(kept)


def test_lines_and_calls_are_counted():
    assert count_lines(lambda: loop(3), Path(__file__).parent) == (3, 2 + 1 + 2 * 3 + 2 + 1)


def test_finalizers_of_others_are_not_counted():
    alone = count_lines(lambda: loop(500), Path(__file__).parent)
    threshold = gc.get_threshold()
    gc.collect()
    for _ in range(100):
        Litter()
    # The collector would come in the middle of the call.
    gc.set_threshold(gc.get_count()[0] + 250)
    try:
        assert count_lines(lambda: loop(500), Path(__file__).parent) == alone
        assert gc.isenabled()
    finally:
        gc.set_threshold(*threshold)


def test_installed_packages_are_not_counted(tmp_path):
    packages = tmp_path / "site-packages"
    packages.mkdir()
    (packages / "installed.py").write_text("def double(x):\n    return 2 * x\n", encoding="utf-8")
    names = {}
    path = str(packages / "installed.py")
    exec(compile(Path(path).read_text(encoding="utf-8"), path, "exec"), names)
    assert count_lines(lambda: names["double"](2), tmp_path) == (4, 0)
