"""Runs student code apart from the answers: `Session` is the grader's end of it."""

from autograder.sandbox.launch import NoSandbox
from autograder.sandbox.session import (
    Cell,
    Crashed,
    RaisedInside,
    Reply,
    Session,
    TimedOut,
    check_isolation,
    drop_spares,
    prepare_spare,
)
from autograder.sandbox.wire import Generator, Handle, Unsupported, WireError

__all__ = [
    "Cell",
    "Crashed",
    "Generator",
    "Handle",
    "NoSandbox",
    "RaisedInside",
    "Reply",
    "Session",
    "TimedOut",
    "Unsupported",
    "WireError",
    "check_isolation",
    "drop_spares",
    "prepare_spare",
]
