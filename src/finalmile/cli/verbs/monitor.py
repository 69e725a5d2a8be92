"""``finalmile monitor``."""

from __future__ import annotations

from finalmile.cli.arguments import DEFAULT_MODEL, Model
from finalmile.cli.report import Report
from finalmile.cli.verb import Session


def monitor(session: Session, model: Model = DEFAULT_MODEL) -> Report:
    """Compare forecasts with what was sold since, and tell what changed; exits with 1 while an incident is open."""
    return session.project.monitor(model)
