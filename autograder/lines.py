"""Counting the executed lines of code below a folder: how "no loop over samples" is decided without a stopwatch."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def count_lines(call: Callable[[], Any], folder: Path) -> tuple[Any, int]:
    """The value of `call()`, and how many lines and calls of files below `folder` it executed; installed ones apart."""
    prefix, count = str(folder), 0

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal count
        name = frame.f_code.co_filename
        if not name.startswith(prefix) or "site-packages" in name:
            return None
        if event in ("line", "call"):
            count += 1
        return trace

    before, collecting = sys.gettrace(), gc.isenabled()
    # Finalizers of what others left behind would be counted, whenever the collector happens to come.
    gc.disable()
    sys.settrace(trace)
    try:
        return call(), count
    finally:
        sys.settrace(before)
        if collecting:
            gc.enable()
