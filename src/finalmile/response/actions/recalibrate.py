"""The same model with its quantiles measured again."""

from __future__ import annotations

from dataclasses import dataclass

from finalmile.records import Step
from finalmile.response.registry import actions
from finalmile.response.situation import Situation

_ASKED_BY = "coverage"


@actions.add("recalibrate")
@dataclass(frozen=True, slots=True)
class Recalibrate:
    """Correct the quantiles by what has come since, and leave the mean alone: takes seconds and no training.

    Only where coverage asks: a mean that went wrong is not mended by it.
    """

    def plan(self, situation: Situation, /) -> Step | None:
        """The recalibration, or ``None`` where no incident of coverage is answered."""
        incident = situation.incident
        if incident is None or incident.check != _ASKED_BY:
            return None
        return Step(
            action="recalibrate",
            model=situation.model,
            why=f"Measure the quantiles of version {situation.live} again on what has come since: "
            f"{incident.subject} no longer hold as often as they should.",
            undo=f"Promote version {situation.live} again.",
        )
