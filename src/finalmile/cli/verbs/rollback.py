"""``finalmile rollback``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer

from finalmile.cli.arguments import DEFAULT_MODEL, DryRun, Model, Why
from finalmile.cli.report import Note, Report
from finalmile.cli.verb import Session
from finalmile.errors import ConflictError, MissingInputError

To = Annotated[int | None, typer.Option("--to", metavar="NUMBER", help="Version; the one before by default.")]


def rollback(
    session: Session, model: Model = DEFAULT_MODEL, to: To = None, why: Why = "by hand", dry_run: DryRun = False
) -> Report:
    """Return to the version that was live before; where an endpoint runs it answers with it within a second."""
    from finalmile.web.running import ask_manager

    if not dry_run:
        began = datetime.now(UTC)
        try:
            told = ask_manager(session.folder, f"/v1/models/{quote(model, safe='')}/rollback", {"to": to, "why": why})
        except TimeoutError:
            return _after_silence(session, model, began, to=to, why=why)
        if told is not None:
            return _at_once(told)
    return session.project.rollback(model, to=to, why=why, dry_run=dry_run)


def _after_silence(session: Session, model: str, began: datetime, *, to: int | None, why: str) -> Report:
    """Roll back once, by the manager or by us: it may have done it without saying so, or do it while we try."""
    told = _done_since(session, model, began)
    if told is None:
        try:
            return session.project.rollback(model, to=to, why=why)
        except (ConflictError, MissingInputError):
            told = _done_since(session, model, began)
            if told is None:
                raise
    return _at_once(told)


def _done_since(session: Session, model: str, began: datetime) -> Mapping[str, Any] | None:
    """What the manager did although it did not say so in time: done once more it would go one version too far back."""
    deployed = session.project.ledger.deployment(model)
    if deployed is None or deployed.changed_at < began:
        return None
    return {"model": model, "live": deployed.live, "before": deployed.previous}


def _at_once(told: Mapping[str, Any]) -> Report:
    was = "" if told["before"] in (None, told["live"]) else f"; before: {told['model']}@{told['before']}"
    return Note(said=(f"{told['model']}@{told['live']} is live{was}.",), facts=told)
