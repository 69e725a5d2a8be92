"""Where actions register."""

from __future__ import annotations

from typing import Protocol

from finalmile.plugins import Registry
from finalmile.records import Step
from finalmile.response.situation import Situation


class Action(Protocol):
    """One thing that can be done; it plans, and a workflow carries the step out."""

    def plan(self, situation: Situation, /) -> Step | None:
        """The step to take, or ``None`` where the action is not possible now."""
        ...


actions: Registry[Action] = Registry("action", package="finalmile.response.actions")
