"""Back to the version before."""

from __future__ import annotations

from dataclasses import dataclass

from finalmile.records import Step
from finalmile.response.registry import actions
from finalmile.response.situation import Situation


@actions.add("rollback")
@dataclass(frozen=True, slots=True)
class Rollback:
    """Make the last stable version live again: takes effect at once and needs no training.

    Not possible without a previous version, nor back to a version that was itself left because it did badly.
    """

    def plan(self, situation: Situation, /) -> Step | None:
        """The rollback, or ``None`` where there is nothing to go back to."""
        to = situation.previous
        if to is None or to == situation.live or to in situation.abandoned:
            return None
        return Step(
            action="rollback",
            model=situation.model,
            to_version=to,
            why=f"Go back from version {situation.live} to {to}: {situation.compared('rollback')}.",
            undo=f"Promote version {situation.live} again.",
        )
