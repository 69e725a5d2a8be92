"""``finalmile forecast``."""

from __future__ import annotations

from finalmile.cli.arguments import DEFAULT_MODEL, Model
from finalmile.cli.report import Report
from finalmile.cli.verb import Session


def forecast(session: Session, model: Model = DEFAULT_MODEL) -> Report:
    """Forecast every product from the newest sales with the live version, and keep the forecast."""
    return session.project.forecast(model)
