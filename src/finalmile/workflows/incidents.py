"""Incidents: somebody says that they saw one, or that it is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from finalmile.errors import UnknownNameError
from finalmile.ports import Ledger
from finalmile.records import Incident

_BEFORE = ("open",)


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
