"""A cheap forecast until the model is mended."""

from __future__ import annotations

from dataclasses import dataclass

from finalmile.records import Step
from finalmile.response.registry import actions
from finalmile.response.situation import Situation


@actions.add("fallback")
@dataclass(frozen=True, slots=True)
class Fallback:
    """Let the baseline answer: it learns nothing and so cannot have learned anything wrong."""

    def plan(self, situation: Situation, /) -> Step | None:
        """The fallback, or ``None`` where there is no baseline version or it is live already."""
        to = situation.fallback
        if to is None or to == situation.live or to in situation.abandoned:
            return None
        return Step(
            action="fallback",
            model=situation.model,
            to_version=to,
            why=f"Let baseline version {to} answer for version {situation.live}: {situation.compared('fallback')}.",
            undo=f"Promote version {situation.live} again.",
        )
