"""What a check found, and how a student reads it: in a notebook, in a terminal, in the feedback."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backpass.running import Run

STATES = ("passed", "failed", "raised", "timed_out", "crashed", "not_attempted", "not_graded")

# How a state is said; the sign stands beside the colour, for those who see none.
STATE_WORDS = {
    "passed": ("✓", "passed"),
    "failed": ("✗", "not yet"),
    "raised": ("✗", "raised an error"),
    "timed_out": ("✗", "took too long"),
    "crashed": ("✗", "crashed"),
    "not_attempted": ("○", "not attempted"),
    "not_graded": ("?", "not graded: our fault, no point is lost"),
}


@dataclass
class Item:
    """One line of a result: what was looked at, what came of it, and why."""

    exercise: str
    title: str
    max_points: float
    points: float | None  # None where nothing was decided: state "not_graded" is our fault, never a zero
    state: str
    about: str = ""
    message: str = ""
    mistake: str = ""
    mistake_name: str = ""
    bonus: bool = False


@dataclass
class Section:
    """One exercise of a report. cell_points: the most that its notebook cell counts, 0 for a bonus."""

    exercise: str
    items: list[Item]
    runs: list[Run] = field(default_factory=list)
    cell_points: float = 0.0
    bonus: bool = False
    hints: tuple[str, ...] = ()
    lecture: str = ""
    reference: str = ""  # a file of solutions that may be read now

    @property
    def share(self) -> float:
        """The share of the visible points that was earned; what was not graded does not count."""
        decided = [item for item in self.items if item.points is not None]
        possible = sum(item.max_points for item in decided)
        return sum(item.points for item in decided) / possible if possible else 0.0

    @property
    def points(self) -> float:
        """For the notebook cell: rounded, and never above its maximum."""
        return min(round(self.share * self.cell_points, 2), self.cell_points)

    @property
    def passed(self) -> int:
        return sum(item.state == "passed" for item in self.items)

    @property
    def attempted(self) -> bool:
        return any(item.state != "not_attempted" for item in self.items)


@dataclass(eq=False)
class Report:
    """The value of `check`: HTML in a notebook, plain text for print, the number of points as its repr."""

    sections: list[Section] = field(default_factory=list)
    trouble: str = ""

    @property
    def items(self) -> list[Item]:
        return [item for section in self.sections for item in section.items]

    @property
    def points(self) -> float:
        return round(sum(section.points for section in self.sections), 2)

    @property
    def max_points(self) -> float:
        return sum(section.cell_points for section in self.sections)

    @property
    def passed(self) -> bool:
        """Whether every item passed."""
        return bool(self.items) and all(item.state == "passed" for item in self.items)

    def __repr__(self) -> str:
        # nbgrader reads a cell's text/plain result as its points.
        return f"{min(self.points, self.max_points):g}"

    def __str__(self) -> str:
        from backpass.report_text import report_text

        return report_text(self)

    def _repr_html_(self) -> str:
        from backpass.report_html import report_html

        return report_html(self)


def feedback_html(items: Iterable[Item], title: str = "") -> str:
    """The hidden checks' items for nbgrader's feedback: points and explanations by exercise, no values."""
    from backpass.report_html import feedback

    return feedback(list(items), title)
