"""What a response may know when it decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from finalmile.records import Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """An action that was carried out before.

    Parameters
    ----------
    action
        Registered name.
    at
        When, aware, in UTC.
    from_version, to_version
        What was live before and after, where the action changed that.
    incident_id
        Incident it answered; ``""`` where a person acted on their own.
    """

    action: str
    at: datetime
    from_version: int | None = None
    to_version: int | None = None
    incident_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything a decision rests on, as known now.

    Parameters
    ----------
    model, live
        Name of the model, and number of the version that answers.
    previous
        Last stable version before it; ``None`` where there is none.
    fallback
        Version of the cheap baseline; ``None`` where there is none.
    losses
        Loss of each option on the same recent looks, lower is better: ``"keep"``, ``"rollback"``, ``"fallback"``;
        options that were not replayed are absent or ``None``.
    n_looks
        Recent looks with actuals behind ``losses``, none of which an option learned from.
    taken
        Earlier actions on this model, in any order.
    now
        Aware, in UTC.
    incident
        What is answered; actions may name it.
    """

    model: str
    live: int
    now: datetime
    previous: int | None = None
    fallback: int | None = None
    losses: Mapping[str, float | None] = field(default_factory=dict[str, float | None])
    n_looks: int = 0
    taken: tuple[Taken, ...] = ()
    dry_run: bool = False
    incident: Incident | None = None

    @property
    def abandoned(self) -> frozenset[int]:
        """Versions that were rolled back from or fallen back from: never to be returned to automatically."""
        return frozenset(
            past.from_version
            for past in self.taken
            if past.action in {"rollback", "fallback"} and past.from_version is not None
        )

    def compared(self, option: str) -> str:
        """Half a sentence with the option's loss beside that of keeping the version.

        Examples
        --------
        >>> from datetime import UTC
        >>> now = datetime(2024, 3, 1, tzinfo=UTC)
        >>> told = Situation(model="d", live=2, now=now, losses={"keep": 0.8, "rollback": 0.6}, n_looks=14)
        >>> told.compared("rollback")
        'loss 0.600 against 0.800 of keeping version 2 on the last 14 looks'
        """
        loss, keep = self.losses.get(option), self.losses.get("keep")
        if loss is None or keep is None:
            return f"its loss on the last {self.n_looks} looks is not known"
        return f"loss {loss:.3f} against {keep:.3f} of keeping version {self.live} on the last {self.n_looks} looks"
