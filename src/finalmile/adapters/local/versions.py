"""Versions, their certificates, and which one is live."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, insert, select, update

from finalmile.adapters.local import audit
from finalmile.adapters.local.codec import dumps, load
from finalmile.adapters.local.tables import certificates, deployments, versions
from finalmile.errors import ConflictError, UnknownNameError
from finalmile.records import Certificate, Deployment, Json, Version, VersionState


def add(
    connection: Connection,
    *,
    model: str,
    kind: str,
    digest: str,
    cutoff: date | datetime,
    settings: Json,
    at: datetime,
    actor: str,
) -> Version:
    """Version under the next free number, or the one that digest and cutoff already have."""
    same = _all(model).where(versions.c.digest == digest, versions.c.cutoff == cutoff)
    there = connection.execute(same).mappings().one_or_none()
    if there is not None:
        return _version(there)
    newest = connection.execute(select(func.max(versions.c.number)).where(versions.c.model == model)).scalar()
    number = (newest or 0) + 1
    facts: dict[str, Any] = {"kind": kind, "digest": digest, "cutoff": cutoff, "settings": dict(settings)}
    connection.execute(
        insert(versions).values(model=model, number=number, created_at=at, state="trained", **facts),
    )
    audit.append(connection, at=at, actor=actor, verb="version.new", subject=f"{model}@{number}", body=facts)
    return get(connection, model, number)


def listed(connection: Connection, model: str | None) -> list[Version]:
    """Versions by model and number."""
    query = _all(model).order_by(versions.c.model, versions.c.number)
    return [_version(row) for row in connection.execute(query).mappings()]


def get(connection: Connection, model: str, number: int) -> Version:
    """One version; ``UnknownNameError`` where there is none."""
    row = connection.execute(_all(model).where(versions.c.number == number)).mappings().one_or_none()
    if row is None:
        raise UnknownNameError("version", f"{model}@{number}", [str(known) for known in listed(connection, None)])
    return _version(row)


def set_state(
    connection: Connection, version: Version, state: VersionState, *, at: datetime, actor: str, why: str
) -> Version:
    """Move a version to a state."""
    now = get(connection, version.model, version.number)
    if now.state == state:
        return now
    which = (versions.c.model == now.model) & (versions.c.number == now.number)
    connection.execute(update(versions).where(which).values(state=state))
    body = {"from": now.state, "to": state, "why": why}
    audit.append(connection, at=at, actor=actor, verb="version.state", subject=str(now), body=body)
    return replace(now, state=state)


def certify(connection: Connection, certificate: Certificate, *, actor: str) -> None:
    """Store a certificate of a version that exists."""
    version = get(connection, certificate.model, certificate.number)
    body = dumps(certificate)
    connection.execute(insert(certificates).values(model=version.model, number=version.number, body=body))
    audit.append(
        connection,
        at=certificate.issued_at,
        actor=actor,
        verb="version.certificate",
        subject=str(version),
        body={"certificate": certificate},
    )


def certificate(connection: Connection, model: str, number: int) -> Certificate | None:
    """Newest certificate of a version."""
    which = (certificates.c.model == model) & (certificates.c.number == number)
    query = select(certificates.c.body).where(which).order_by(certificates.c.id.desc()).limit(1)
    body = connection.execute(query).scalar()
    return None if body is None else load(Certificate, body)


def deployment(connection: Connection, model: str) -> Deployment | None:
    """What is live."""
    row = connection.execute(select(deployments).where(deployments.c.model == model)).mappings().one_or_none()
    return None if row is None else Deployment(**{str(name): value for name, value in row.items()})


def deploy(
    connection: Connection, model: str, number: int, *, expected: int | None, at: datetime, actor: str, why: str
) -> Deployment:
    """Point to a version if the token is as expected."""
    get(connection, model, number)
    before = deployment(connection, model)
    token = None if before is None else before.token
    if token != expected:
        live = "nothing" if before is None else f"version {before.live}"
        raise ConflictError(
            f"{model}: the deployment changed meanwhile: its token is {token}, not {expected}, and {live} is live. "
            "Read it again and decide again."
        )
    after = _moved(before, model, number, at)
    facts: dict[str, Any] = {
        "live": after.live,
        "previous": after.previous,
        "token": after.token,
        "changed_at": after.changed_at,
    }
    if before is None:
        connection.execute(insert(deployments).values(model=model, **facts))
    else:
        connection.execute(update(deployments).where(deployments.c.model == model).values(**facts))
    body = {"live": after.live, "previous": after.previous, "token": after.token, "why": why}
    audit.append(connection, at=at, actor=actor, verb="deploy", subject=model, body=body)
    return after


def _moved(before: Deployment | None, model: str, number: int, at: datetime) -> Deployment:
    if before is None:
        return Deployment(model=model, live=number, previous=None, token=1, changed_at=at)
    previous = before.previous if before.live == number else before.live
    return Deployment(model=model, live=number, previous=previous, token=before.token + 1, changed_at=at)


def _all(model: str | None) -> Select[Any]:
    return select(versions) if model is None else select(versions).where(versions.c.model == model)


def _version(row: RowMapping) -> Version:
    return Version(**{str(name): value for name, value in row.items()})
