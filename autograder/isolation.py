"""The ways to lock student code in, by name, and what is said of results where it was less than bubblewrap."""

from __future__ import annotations

BUBBLEWRAP, UID, NONE = "bubblewrap", "uid", "none"
ISOLATIONS = (BUBBLEWRAP, UID, NONE)

_SAID = {
    UID: "an unprivileged user of its own, without network, and not a sandbox of its own.",
    NONE: "the submission was not locked in.",
}


def said(isolation: str) -> str:
    """The sentence that stands in every result; "" for bubblewrap."""
    return f"Graded with --isolation {isolation}: {_SAID[isolation]}" if isolation in _SAID else ""
