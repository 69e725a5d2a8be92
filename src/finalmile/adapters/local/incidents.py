"""Incidents, the alerts that wait to be delivered, and the findings of monitoring runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, insert, select, update

from finalmile.adapters.local import audit
from finalmile.adapters.local.codec import dumps, instant, load
from finalmile.adapters.local.tables import finding_runs, findings, incidents, outbox
from finalmile.errors import MissingInputError
from finalmile.records import Alert, Finding, Incident


def put(connection: Connection, incident: Incident, *, alert: Alert | None, actor: str) -> None:
    """Insert or update an incident, with its outbox row; nothing at all where nothing changed."""
    before = _body(connection, incident.incident_id)
    body = dumps(incident)
    if before == body and alert is None:
        return
    columns = {"model": incident.model, "state": incident.state, "opened_at": incident.opened_at, "body": body}
    if before is None:
        connection.execute(insert(incidents).values(incident_id=incident.incident_id, **columns))
    else:
        mine = incidents.c.incident_id == incident.incident_id
        connection.execute(update(incidents).where(mine).values(**columns))
    if alert is not None:
        connection.execute(insert(outbox).values(incident_id=incident.incident_id, body=dumps(alert)))
    audit.append(
        connection,
        at=instant(incident.updated_at),
        actor=actor,
        verb="incident.open" if before is None else "incident.update",
        subject=incident.incident_id,
        body={"incident": incident, "alert": alert},
    )


def listed(connection: Connection, *, model: str | None, open_only: bool) -> list[Incident]:
    """Incidents, newest first."""
    query = select(incidents.c.body).order_by(incidents.c.opened_at.desc(), incidents.c.incident_id)
    if model is not None:
        query = query.where(incidents.c.model == model)
    if open_only:
        query = query.where(incidents.c.state != "resolved")
    return [load(Incident, body) for body in connection.execute(query).scalars()]


def pending(connection: Connection) -> list[tuple[int, Alert]]:
    """Outbox rows not yet delivered, oldest first."""
    query = select(outbox.c.id, outbox.c.body).where(outbox.c.delivered_at.is_(None)).order_by(outbox.c.id)
    return [(row.id, load(Alert, row.body)) for row in connection.execute(query)]


def delivered(connection: Connection, outbox_id: int, *, at: datetime) -> None:
    """Mark an outbox row delivered; the first delivery counts."""
    row = connection.execute(select(outbox).where(outbox.c.id == outbox_id)).mappings().one_or_none()
    if row is None:
        raise MissingInputError(f"no alert number {outbox_id} waits in the outbox; see the pending ones for numbers")
    if row["delivered_at"] is not None:
        return
    connection.execute(update(outbox).where(outbox.c.id == outbox_id).values(delivered_at=at))
    body = {"outbox": outbox_id}
    audit.append(connection, at=at, actor="outbox", verb="alert.delivered", subject=row["incident_id"], body=body)


def add_findings(connection: Connection, told: Sequence[Finding], *, model: str, run: str) -> None:
    """Store findings of one run, once per run."""
    if connection.execute(select(finding_runs.c.id).where(_run(model, run))).scalar() is not None:
        return
    connection.execute(insert(finding_runs).values(model=model, run=run))
    run_id = connection.execute(select(finding_runs.c.id).where(_run(model, run))).scalar_one()
    rows = [{"run_id": run_id, "position": i, "body": dumps(finding)} for i, finding in enumerate(told)]
    if rows:
        connection.execute(insert(findings), rows)


def last_findings(connection: Connection, model: str, *, last_runs: int) -> list[Finding]:
    """Findings of the newest runs, oldest run first."""
    newest = (
        select(finding_runs.c.id)
        .where(finding_runs.c.model == model)
        .order_by(finding_runs.c.id.desc())
        .limit(last_runs)
    )
    run_ids = connection.execute(newest).scalars().all()
    query = select(findings.c.body).where(findings.c.run_id.in_(run_ids))
    bodies = connection.execute(query.order_by(findings.c.run_id, findings.c.position)).scalars()
    return [load(Finding, body) for body in bodies]


def _run(model: str, run: str) -> ColumnElement[bool]:
    return (finding_runs.c.model == model) & (finding_runs.c.run == run)


def _body(connection: Connection, incident_id: str) -> str | None:
    query = select(incidents.c.body).where(incidents.c.incident_id == incident_id)
    body: str | None = connection.execute(query).scalar()
    return body
