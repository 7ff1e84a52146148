"""A late policy for nbgrader's own plug-in: so many percent a day, a grace period, extensions by name."""

from __future__ import annotations

import math

from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Dict, Float


class LatePolicy(LateSubmissionPlugin):
    """Takes a share of the score for every day that has begun after the deadline.

    nbgrader_config.py:

        c.AssignLatePenalties.plugin_class = "autograder.nbgrader_plugin.late.LatePolicy"
        c.LatePolicy.percent_per_day = 10
        c.LatePolicy.extensions = {"pooling": {"jane": 48}}

    The penalty is a part of the score, so that a late submission with a right answer keeps what is left of it.
    """

    percent_per_day = Float(0.0, help="Percent of the score for each day that has begun.").tag(config=True)
    most_percent = Float(100.0, help="Percent of the score that are never exceeded.").tag(config=True)
    grace_minutes = Float(0.0, help="So much later counts as in time.").tag(config=True)
    extensions = Dict(help="Hours more for a student: {assignment: {student: hours}}.").tag(config=True)

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        """Points to take off, or None where nothing is."""
        assignment = getattr(self.parent, "assignment_id", "")
        hours = self.extensions.get(assignment, {}).get(student_id, 0)
        late = total_seconds_late - 60 * self.grace_minutes - 3600 * float(hours)
        if late <= 0:
            return None
        share = min(self.percent_per_day * math.ceil(late / 86400), self.most_percent) / 100
        return round(score * share, 2)
