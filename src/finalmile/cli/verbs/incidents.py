"""``finalmile incidents list``, ``show``, ``acknowledge`` and ``resolve``."""

from __future__ import annotations

from typing import Annotated

import typer

from finalmile.cli.arguments import Why
from finalmile.cli.report import Note, Report
from finalmile.cli.verb import Session, add_verb

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the incident, as incidents list shows it.")]
Every = Annotated[bool, typer.Option("--all", help="Those that are over too.")]
OfModel = Annotated[str | None, typer.Option("--model", metavar="MODEL", help="Only of this model.")]

incidents = typer.Typer(help="List incidents, show one, say that somebody looks after one, or that it is over.")


def list_incidents(session: Session, every: Every = False, model: OfModel = None) -> Report:
    """List incidents, newest first: what went wrong, since when, what was done."""
    return session.project.incidents(model, open_only=not every)


def show_incident(session: Session, incident: Id) -> Report:
    """Show one incident: what was found against what, since when, what it costs, what was done, what to do next."""
    return session.project.incident(incident)


def acknowledge_incident(session: Session, incident: Id, why: Why = "seen") -> Report:
    """Say that somebody looks after an incident; evidence of its subject starts anew."""
    told = session.project.acknowledge(incident, why=why)
    return Note(said=(f"{told.incident_id} is {told.state}. Its evidence starts anew.",), facts={"state": told.state})


def resolve_incident(session: Session, incident: Id, why: Why = "over") -> Report:
    """Say that an incident is over; evidence of its subject starts anew."""
    told = session.project.resolve(incident, why=why)
    return Note(said=(f"{told.incident_id} is {told.state}. Its evidence starts anew.",), facts={"state": told.state})


add_verb(incidents, list_incidents, name="list")
add_verb(incidents, show_incident, name="show")
add_verb(incidents, acknowledge_incident, name="acknowledge")
add_verb(incidents, resolve_incident, name="resolve")
