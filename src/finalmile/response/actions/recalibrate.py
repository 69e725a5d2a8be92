"""The same forecasts, with quantiles put right."""

from __future__ import annotations

from dataclasses import dataclass

from finalmile.records import Step
from finalmile.response.registry import actions
from finalmile.response.situation import Situation


@actions.add("recalibrate")
@dataclass(frozen=True, slots=True)
class Recalibrate:
    """Correct the quantiles of the live version by its recent misses: seconds of work, and the mean stays as it is."""

    def plan(self, situation: Situation, /) -> Step | None:
        """The recalibration, or ``None`` where it was not tried on recent looks."""
        if situation.losses.get("recalibrate") is None:
            return None
        return Step(
            action="recalibrate",
            model=situation.model,
            why=f"Recalibrate version {situation.live}: {situation.compared('recalibrate')}.",
            undo=f"Promote version {situation.live} again.",
        )
