"""What students wrote, in a terminal: names, and texts of exceptions."""

from __future__ import annotations


def harmless(text: str) -> str:
    """The text on one line, without characters that move the cursor, colour, or turn the reading direction."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text)
