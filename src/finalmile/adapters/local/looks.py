"""Everything that one look brought, in the transaction of the caller."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from finalmile.adapters.local import incidents, runs
from finalmile.records import LookKept


def keep(connection: Connection, look: LookKept, *, model: str, at: datetime, actor: str) -> None:
    """Write incidents with their alerts, findings, states and ended work."""
    for incident, alert in look.incidents:
        incidents.put(connection, incident, alert=alert, actor=actor)
    if look.run is not None:
        incidents.add_findings(connection, look.findings, model=model, run=look.run)
    runs.forget_states(connection, look.forgotten)
    for key, blob in look.states.items():
        runs.save_state(connection, key, blob)
    for (kind, key), body in look.ended.items():
        runs.finish(connection, kind, key, body, at=at)
