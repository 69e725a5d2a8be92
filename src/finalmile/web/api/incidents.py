"""Incidents: what went wrong, who looks after it, when it was over."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from finalmile.errors import UnknownNameError
from finalmile.records import Incident
from finalmile.web.api.desk import Caller, Desk, visible
from finalmile.web.api.plain import plain
from finalmile.web.api.policy import AtDesk, Deployer, Reader
from finalmile.web.api.shapes import ERRORS, Answer, Reason

router = APIRouter(prefix="/v1/incidents", responses=ERRORS, tags=["incidents"])
IncidentId = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{1,64}$", description="Id of an incident.")]


@router.get("", summary="Incidents, newest first")
def list_incidents(
    desk: AtDesk, caller: Reader, model: str | None = None, open_only: Annotated[bool, Query()] = False
) -> Answer:
    """Of models that the key reaches."""
    found = desk.project.ledger.incidents(model=model, open_only=open_only)
    return {"incidents": [_told(one) for one in visible(caller, found, lambda one: one.model)]}


@router.get("/{incident_id}", summary="One incident")
def show_incident(incident_id: IncidentId, desk: AtDesk, caller: Reader) -> Answer:
    """What was found, and what was done about it."""
    return _told(_found(desk, caller, incident_id))


@router.post("/{incident_id}/acknowledge", summary="Say that somebody looks after it")
def acknowledge(incident_id: IncidentId, asked: Reason, desk: AtDesk, caller: Deployer) -> Answer:
    """Its actions name who and why; evidence of its subject starts anew."""
    found = _found(desk, caller, incident_id)
    return _told(desk.project.acting(caller.actor).acknowledge(found.incident_id, why=asked.why))


@router.post("/{incident_id}/resolve", summary="Say that it is over")
def resolve(incident_id: IncidentId, asked: Reason, desk: AtDesk, caller: Deployer) -> Answer:
    """Its actions name who and why; evidence of its subject starts anew."""
    found = _found(desk, caller, incident_id)
    return _told(desk.project.acting(caller.actor).resolve(found.incident_id, why=asked.why))


def _found(desk: Desk, caller: Caller, incident_id: str) -> Incident:
    """One that the caller reaches; whether there are others is not told."""
    mine = visible(caller, desk.project.ledger.incidents(), lambda one: one.model)
    known = {one.incident_id: one for one in mine}
    if incident_id not in known:
        raise UnknownNameError("incident", incident_id, known)
    return known[incident_id]


def _told(incident: Incident) -> Answer:
    told: Answer = plain(incident)
    return {**told, "explained": incident.explain()}
