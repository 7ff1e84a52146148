"""What is asked of every picture of the course."""

from __future__ import annotations

from backpass.figures import Picture


def says_what_it_shows(drawn: Picture) -> None:
    """It has a title that is a finding, a description for those who do not see it, and a name at every axis."""
    assert len(drawn.title) >= 10
    assert len(drawn.alt) >= 60, drawn.title
    assert drawn.unlabelled_axes() == [], drawn.title
