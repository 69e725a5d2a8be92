"""A matter for people."""

from __future__ import annotations

from dataclasses import dataclass

from finalmile.records import Step
from finalmile.response.registry import actions
from finalmile.response.situation import Situation


@actions.add("escalate")
@dataclass(frozen=True, slots=True)
class Escalate:
    """Hand the incident to people with what was measured; nothing in production changes."""

    def plan(self, situation: Situation, /) -> Step | None:
        """The escalation; always possible."""
        incident = situation.incident
        about = f"{incident.check} of {incident.subject}" if incident is not None else "this"
        told = ", ".join(f"{name} {loss:.3f}" for name, loss in sorted(situation.losses.items()) if loss is not None)
        measured = f" Losses on the last {situation.n_looks} looks: {told}." if told else ""
        return Step(
            action="escalate",
            model=situation.model,
            why=f"Somebody should look at {about}: no automatic step is clearly better.{measured}",
            undo="Nothing to undo: nothing was changed.",
        )
