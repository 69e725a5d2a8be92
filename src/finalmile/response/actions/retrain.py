"""A new version from what is known now."""

from __future__ import annotations

from dataclasses import dataclass

from finalmile.records import Step
from finalmile.response.registry import actions
from finalmile.response.situation import Situation


@actions.add("retrain")
@dataclass(frozen=True, slots=True)
class Retrain:
    """Train and certify a new version; it goes live only if its certificate passes."""

    def plan(self, situation: Situation, /) -> Step | None:
        """The retraining; always possible."""
        return Step(
            action="retrain",
            model=situation.model,
            why="Train a new version on what is known now: no version at hand does better, and the data has changed.",
            undo=f"Promote version {situation.live} again; the new version stays on record.",
        )
