"""The penalty for late submissions, as a plugin of nbgrader's: in ``nbgrader autograde`` too."""

import math
from datetime import timedelta

from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Float

DAY = 86400.0


class LatePenalty(LateSubmissionPlugin):
    """A share of the points for each day begun; after some days, all.

    Where neither is set, nbgrader's own ``c.LateSubmissionPlugin.penalty_method`` holds.

    It is chosen by ``c.AssignLatePenalties.plugin_class = "npfl_grader.late.LatePenalty"``.
    """

    grace_minutes = Float(
        0.0, min=0.0, help="So many minutes after the due date still count as in time."
    ).tag(config=True)
    percent_per_day = Float(
        0.0, min=0.0, max=100.0, help="Percent of the points that each day begun after the due date costs."
    ).tag(config=True)
    accept_days = Float(
        0.0, min=0.0, help="What comes more days late than this gets no points; 0 for no such end."
    ).tag(config=True)

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        """Say what is taken off; None for nothing.

        Parameters
        ----------
        student_id : str
            The student.
        score : float
            The points of the notebook.
        total_seconds_late : float
            How late it came, extensions taken into account.
        """
        if total_seconds_late <= 60 * self.grace_minutes or not score or score < 0:
            return None
        if not (self.percent_per_day or self.accept_days):
            penalty: float | None = super().late_submission_penalty(student_id, score, total_seconds_late)
            return penalty
        if self.accept_days and total_seconds_late > self.accept_days * DAY:
            return score
        percent = min(100.0, self.percent_per_day * math.ceil(total_seconds_late / DAY))
        return score * percent / 100 if percent else None

    def rule(self) -> str:
        """State the rule in words."""
        parts = []
        if self.percent_per_day:
            parts.append(f"{self.percent_per_day:g}% of the points are taken off for each day begun")
        if self.accept_days:
            parts.append(f"after {self.accept_days:g} days late there are no points")
        if not parts and self.penalty_method == "zero":
            parts.append("what is late has no points")
        if not parts:
            return "nothing is taken off for being late"
        grace = f" (up to {self.grace_minutes:g} minutes are forgiven)" if self.grace_minutes else ""
        return "; ".join(parts) + grace

    @property
    def grace(self) -> timedelta:
        return timedelta(minutes=self.grace_minutes)
