"""Endpoint certificates: how fast versions answered."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from finalmile.adapters.local import audit, versions
from finalmile.adapters.local.codec import dumps, load
from finalmile.adapters.local.tables import endpoint_certificates as table
from finalmile.records import EndpointCertificate


def add(connection: Connection, certificate: EndpointCertificate, *, actor: str) -> None:
    """Keep a certificate of a version that exists; ``UnknownNameError`` otherwise."""
    version = versions.get(connection, certificate.model, certificate.number)
    connection.execute(
        insert(table).values(model=version.model, number=version.number, body=dumps(certificate)),
    )
    facts = {
        "passed": certificate.passed,
        "reasons": certificate.reasons,
        "labels": certificate.labels,
        "sustained": certificate.sustained,
        "intervals": certificate.intervals,
    }
    audit.append(
        connection,
        at=certificate.issued_at,
        actor=actor,
        verb="version.endpoint_certificate",
        subject=str(version),
        body=facts,
    )


def listed(connection: Connection, model: str | None, number: int | None) -> list[EndpointCertificate]:
    """Certificates, oldest first; of every model and version where none is named."""
    query = select(table.c.body).order_by(table.c.id)
    if model is not None:
        query = query.where(table.c.model == model)
    if number is not None:
        query = query.where(table.c.number == number)
    return [load(EndpointCertificate, body) for body in connection.execute(query).scalars()]
