"""Incidents: somebody says that they saw one, or that it is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from finalmile.errors import UnknownNameError
from finalmile.ports import Ledger
from finalmile.records import Incident, Json
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.judged import judged_version
from finalmile.workflows.watching.looks import acknowledge as start_anew

_BEFORE = ("open",)
CHECKED_TOO = ("bias", "serving")
"""What findings name and is no check of its own: the bias is told by the loss check, serving by the endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentsTold:
    """Incidents, or what became of one; ``every`` where those that are over were asked for too.

    Parameters
    ----------
    played
        What a replay told of, where the project itself never had an incident.
    """

    rows: tuple[Incident, ...]
    every: bool = False
    done: str = ""
    played: str = ""
    breached: bool = False

    def lines(self) -> list[str]:
        """One after another, each with its id and what was done."""
        if not self.rows and (self.every or self.played):
            return ["There has been no incident.", *([self.played] if self.played else [])]
        if not self.rows:
            return ["No incident is open. All there ever were: finalmile incidents list --all"]
        said = [self.done] if self.done else []
        return [*said, *(f"{one.incident_id}  {one.state:12} {one.explain()}" for one in self.rows)]

    def to_dict(self) -> Json:
        """Rows under ``incidents``."""
        return {"incidents": [asdict(one) for one in self.rows]}


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentShown:
    """One incident in full."""

    incident: Incident
    breached: bool = False

    def lines(self) -> list[str]:
        """State, what was found, figures beside their benchmark, members, what was done, what to do next."""
        one, told = self.incident, self.incident.finding
        figures = [("value", told.value), ("against", told.benchmark), ("at risk a day", told.money_at_risk)]
        unit = f" ({told.unit})" if told.unit else ""
        said = [f"  {name:13} {value:.4g}" for name, value in figures if value is not None]
        over = one.state == "resolved"
        return [
            f"{one.incident_id}  {one.state}, {one.severity}, of {one.model}",
            f"{one.check} of {one.subject}{unit}: {told.why}",
            *said,
            f"  opened {one.opened_at}, seen last {one.updated_at}, {one.clean_looks} clean looks since",
            *([f"  {len(one.subjects):,} members: {_first(one.subjects)}"] if one.subjects else []),
            *(f"  done: {action}" for action in one.actions),
            *([] if over else [f"Next: finalmile incidents acknowledge {one.incident_id}"]),
        ]

    def to_dict(self) -> Json:
        """The incident."""
        return {"incident": asdict(self.incident)}


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")


def acknowledge_incident(shop: Shop, incident_id: str, *, why: str) -> Incident:
    """Say that somebody looks after an incident, and let the evidence of its subject start anew.

    What the alarm rested on is known now; if it goes on, new evidence says so.
    """
    told = acknowledge(shop.ledger, incident_id, at=shop.clock.now(), actor=shop.actor, why=why)
    _start_anew(shop, told)
    return told


def resolve_incident(shop: Shop, incident_id: str, *, why: str) -> Incident:
    """Say that an incident is over, and let the evidence of its subject start anew."""
    told = resolve(shop.ledger, incident_id, at=shop.clock.now(), actor=shop.actor, why=why)
    _start_anew(shop, told)
    return told


def _start_anew(shop: Shop, incident: Incident) -> None:
    number, deployed = judged_version(shop, incident.model), shop.ledger.deployment(incident.model)
    if number is None and deployed is not None:
        number = deployed.live
    if number is None:
        return
    members = [f"product {one}" for one in incident.subjects]
    version = shop.ledger.version(incident.model, number)
    start_anew(incident.check, shop, version, (incident.subject, *members))


def find(ledger: Ledger, incident_id: str) -> Incident:
    """One incident; ``UnknownNameError`` where there is none."""
    known = {incident.incident_id: incident for incident in ledger.incidents()}
    if incident_id not in known:
        raise UnknownNameError("incident", incident_id, known)
    return known[incident_id]


def acknowledge(ledger: Ledger, incident_id: str, *, at: datetime, actor: str, why: str) -> Incident:
    """Say that somebody looks after an incident; one that went on already keeps its state."""
    incident = find(ledger, incident_id)
    if incident.state == "acknowledged":
        return incident
    state = "acknowledged" if incident.state in _BEFORE else incident.state
    return _said(ledger, replace(incident, state=state), f"acknowledged by {actor} at {_when(at)}: {why}", actor=actor)


def resolve(ledger: Ledger, incident_id: str, *, at: datetime, actor: str, why: str) -> Incident:
    """Say that an incident is over; again changes nothing."""
    incident = find(ledger, incident_id)
    if incident.state == "resolved":
        return incident
    told = f"resolved by {actor} at {_when(at)}: {why}"
    return _said(ledger, replace(incident, state="resolved"), told, actor=actor)


def _when(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _said(ledger: Ledger, incident: Incident, told: str, *, actor: str) -> Incident:
    after = replace(incident, actions=(*incident.actions, told))
    ledger.put_incident(after, alert=None, actor=actor)
    return after
