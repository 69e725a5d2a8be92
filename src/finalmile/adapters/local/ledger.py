"""The ledger on SQL: small facts that are never lost or doubled."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Self

from finalmile.adapters.local import audit, incidents, keys, looks, orders, routes, runs, speeds, versions
from finalmile.adapters.local.database import Database
from finalmile.records import (
    Alert,
    ApiKey,
    Audit,
    Certificate,
    Deployment,
    EndpointCertificate,
    Finding,
    Incident,
    Json,
    LineChange,
    LookKept,
    OrderLine,
    OrderState,
    RouteRule,
    Version,
    VersionState,
)


class SqlLedger:
    """:class:`finalmile.ports.Ledger` over a SQLAlchemy URL.

    Every method is one transaction: it returns after the commit is durable, or raises and nothing happened. What
    changes a state adds its audit row in the same transaction; what changes nothing adds none.

    Parameters
    ----------
    url
        For example ``"sqlite:///shop/ledger.db"``; the tables are made on first use.
    busy_timeout_s
        How long a writer waits for another one before ``BusyError``.

    Examples
    --------
    >>> from datetime import UTC
    >>> with SqlLedger("sqlite://") as ledger:
    ...     ledger.audit(actor="ann", verb="note", subject="shop", body={}, at=datetime(2024, 1, 7, tzinfo=UTC))
    ...     [row.verb for row in ledger.audit_rows()]
    ['note']
    """

    def __init__(self, url: str, *, busy_timeout_s: float = 30.0) -> None:
        self.database = Database(url, busy_timeout_s=busy_timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back every connection."""
        self.database.close()

    def new_version(
        self, *, model: str, kind: str, digest: str, cutoff: date | datetime, settings: Json, at: datetime, actor: str
    ) -> Version:
        """Record a version under the next free number; the same digest and cutoff again gives the version it gave."""
        with self.database.writing() as connection:
            return versions.add(
                connection,
                model=model,
                kind=kind,
                digest=digest,
                cutoff=cutoff,
                settings=settings,
                at=at,
                actor=actor,
            )

    def versions(self, model: str | None = None) -> list[Version]:
        """Versions by model and number."""
        with self.database.reading() as connection:
            return versions.listed(connection, model)

    def version(self, model: str, number: int) -> Version:
        """One version; ``UnknownNameError`` where there is none."""
        with self.database.reading() as connection:
            return versions.get(connection, model, number)

    def set_version_state(
        self, version: Version, state: VersionState, *, at: datetime, actor: str, why: str
    ) -> Version:
        """Move a version to a state."""
        with self.database.writing() as connection:
            return versions.set_state(connection, version, state, at=at, actor=actor, why=why)

    def add_certificate(self, certificate: Certificate, *, actor: str) -> None:
        """Store a certificate; the newest one of a version counts."""
        with self.database.writing() as connection:
            versions.certify(connection, certificate, actor=actor)

    def certificate(self, model: str, number: int) -> Certificate | None:
        """Newest certificate of a version."""
        with self.database.reading() as connection:
            return versions.certificate(connection, model, number)

    def add_endpoint_certificate(self, certificate: EndpointCertificate, *, actor: str) -> None:
        """Keep how fast a version answered; the newest one of a version counts."""
        with self.database.writing() as connection:
            speeds.add(connection, certificate, actor=actor)

    def endpoint_certificates(self, model: str | None = None, number: int | None = None) -> list[EndpointCertificate]:
        """Endpoint certificates, oldest first; of every model and version where none is named."""
        with self.database.reading() as connection:
            return speeds.listed(connection, model, number)

    def deployment(self, model: str) -> Deployment | None:
        """What is live; ``None`` before the first promotion."""
        with self.database.reading() as connection:
            return versions.deployment(connection, model)

    def deploy(
        self, model: str, number: int, *, expected: int | None, at: datetime, actor: str, why: str
    ) -> Deployment:
        """Point to a version if the token still is ``expected`` (``None``: nothing live), else ``ConflictError``."""
        with self.database.writing() as connection:
            return versions.deploy(connection, model, number, expected=expected, at=at, actor=actor, why=why)

    def add_key(self, key: ApiKey, *, actor: str) -> None:
        """Keep a new API key."""
        with self.database.writing() as connection:
            keys.add(connection, key, actor=actor)

    def keys(self) -> list[ApiKey]:
        """Every API key there ever was, oldest first."""
        with self.database.reading() as connection:
            return keys.listed(connection)

    def revoke_key(self, prefix: str, *, at: datetime, actor: str) -> ApiKey:
        """End a key; again changes nothing. ``UnknownNameError`` where there is none."""
        with self.database.writing() as connection:
            return keys.revoke(connection, prefix, at=at, actor=actor)

    def key_used(self, prefix: str, *, at: datetime) -> None:
        """Note that a key was used, at most once a minute."""
        with self.database.reading() as connection:
            if not keys.worth_noting(connection, prefix, at=at):
                return
        with self.database.writing() as connection:
            keys.used(connection, prefix, at=at)

    def route(self, model: str) -> RouteRule:
        """How a model's requests are answered; the defaults where nobody said."""
        with self.database.reading() as connection:
            return routes.get(connection, model)

    def set_route(self, rule: RouteRule, *, at: datetime, actor: str, why: str) -> RouteRule:
        """Answer a model's requests by another rule, in place of the one before."""
        with self.database.writing() as connection:
            return routes.put(connection, rule, at=at, actor=actor, why=why)

    def put_incident(self, incident: Incident, *, alert: Alert | None, actor: str) -> None:
        """Insert or update an incident, with its outbox row in the same transaction."""
        with self.database.writing() as connection:
            incidents.put(connection, incident, alert=alert, actor=actor)

    def incidents(self, *, model: str | None = None, open_only: bool = False) -> list[Incident]:
        """Incidents, newest first."""
        with self.database.reading() as connection:
            return incidents.listed(connection, model=model, open_only=open_only)

    def pending_alerts(self) -> list[tuple[int, Alert]]:
        """Outbox rows not yet delivered, oldest first."""
        with self.database.reading() as connection:
            return incidents.pending(connection)

    def alert_delivered(self, outbox_id: int, *, at: datetime) -> None:
        """Mark an outbox row delivered."""
        with self.database.writing() as connection:
            incidents.delivered(connection, outbox_id, at=at)

    def add_findings(self, findings: Sequence[Finding], *, model: str, run: str) -> None:
        """Store findings of one run, once per run; NaN and infinite figures come back as ``None``."""
        with self.database.writing() as connection:
            incidents.add_findings(connection, findings, model=model, run=run)

    def findings(self, model: str, *, last_runs: int = 1) -> list[Finding]:
        """Findings of the newest runs, oldest run first."""
        with self.database.reading() as connection:
            return incidents.last_findings(connection, model, last_runs=last_runs)

    def keep_look(self, look: LookKept, *, model: str, at: datetime, actor: str) -> None:
        """Keep everything that one look brought, in one transaction: all of it, or nothing."""
        with self.database.writing() as connection:
            looks.keep(connection, look, model=model, at=at, actor=actor)

    def put_orders(self, lines: Sequence[OrderLine], *, at: datetime, actor: str) -> int:
        """Record lines that are not there yet (by ``line_id``), never touching those that are; how many were new."""
        with self.database.writing() as connection:
            return orders.put(connection, lines, at=at, actor=actor)

    def propose_orders(
        self, lines: Sequence[OrderLine], *, reviewed: Collection[str], at: datetime, actor: str
    ) -> list[OrderLine]:
        """Bring the proposals up to date, and give back what they replace; what somebody decided is left alone."""
        with self.database.writing() as connection:
            return orders.propose(connection, lines, reviewed=reviewed, at=at, actor=actor)

    def orders(
        self,
        *,
        states: Sequence[OrderState] = (),
        since: date | None = None,
        order: str | None = None,
        supplier: str | None = None,
        product: str | None = None,
        lines: Sequence[str] = (),
        limit: int | None = None,
        offset: int = 0,
        newest_first: bool = False,
    ) -> list[OrderLine]:
        """Order lines by date, order and line; all where nothing is asked for, ``lines`` by their ids."""
        wanted = orders.Wanted(
            states=states, since=since, order=order, supplier=supplier, product=product, lines=lines, limit=limit,
            offset=offset, newest_first=newest_first,
        )  # fmt: skip
        with self.database.reading() as connection:
            return orders.listed(connection, wanted)

    def order_counts(self, *, product: str | None = None) -> Mapping[tuple[OrderState, str], int]:
        """How many order lines there are, by state and supplier."""
        with self.database.reading() as connection:
            return orders.counted(connection, product=product)

    def set_order_state(self, order_id: str, state: OrderState, *, at: datetime, actor: str, why: str) -> None:
        """Move all lines of an order to a state; ``MissingInputError`` where there is no such order."""
        with self.database.writing() as connection:
            orders.set_state(connection, order_id, state, at=at, actor=actor, why=why)

    def change_orders(
        self, changes: Sequence[LineChange], *, verb: str, at: datetime, actor: str, why: str
    ) -> list[OrderLine]:
        """Change order lines, all of them or none; ``ConflictError`` says which cannot be and what would be right."""
        with self.database.writing() as connection:
            return orders.change(connection, changes, verb=verb, at=at, actor=actor, why=why)

    def load_state(self, key: str) -> bytes | None:
        """A detector's saved state."""
        with self.database.reading() as connection:
            return runs.load_state(connection, key)

    def save_state(self, key: str, blob: bytes) -> None:
        """Keep a detector's state."""
        with self.database.writing() as connection:
            runs.save_state(connection, key, blob)

    def run_done(self, kind: str, key: str) -> Json | None:
        """What a finished piece of work recorded, or ``None``: how a rerun knows where it was."""
        with self.database.reading() as connection:
            return runs.done(connection, kind, key)

    def finish_run(self, kind: str, key: str, body: Json, *, at: datetime) -> None:
        """Record a piece of work as finished."""
        with self.database.writing() as connection:
            runs.finish(connection, kind, key, body, at=at)

    def audit(self, *, actor: str, verb: str, subject: str, body: Json, at: datetime) -> None:
        """Append an audit row to the hash chain."""
        with self.database.writing() as connection:
            audit.append(connection, at=at, actor=actor, verb=verb, subject=subject, body=body)

    def audit_rows(self, *, last: int | None = None) -> list[Audit]:
        """Audit rows, oldest first."""
        with self.database.reading() as connection:
            return audit.rows(connection, last=last)

    def verify_audit(self) -> None:
        """Recompute the hash chain; ``CorruptError`` names the first row that does not fit."""
        with self.database.reading() as connection:
            audit.verify(connection)
