"""What the ledger's SQL tables look like."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    DDL,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    event,
)

from finalmile.adapters.local.codec import dumps, loads, moment

SCHEMA_VERSION = 3
metadata = MetaData()


class Instant(TypeDecorator[datetime]):
    """Aware UTC datetime, whatever the engine keeps."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Naive UTC for engines without time zones."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """UTC again."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Moment(TypeDecorator[date]):
    """Date or datetime as ISO text, coming back as what it was."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """ISO text."""
        return None if value is None else value.isoformat()

    def process_result_value(self, value: str | None, dialect: Dialect) -> date | None:  # noqa: ARG002
        """Date where the text has no time of day."""
        return None if value is None else moment(value)


class JsonText(TypeDecorator[Any]):
    """Plain values as canonical JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:  # noqa: ARG002
        """JSON text."""
        return dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """Plain values."""
        return None if value is None else loads(value)


meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
versions = Table(
    "versions",
    metadata,
    Column("model", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("cutoff", Moment, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("settings", JsonText, nullable=False),
    UniqueConstraint("model", "digest", "cutoff"),
)
certificates = Table(
    "certificates",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("body", Text, nullable=False),
    ForeignKeyConstraint(["model", "number"], ["versions.model", "versions.number"]),
    Index("certificates_of", "model", "number"),
)
endpoint_certificates = Table(
    "endpoint_certificates",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("body", Text, nullable=False),
    ForeignKeyConstraint(["model", "number"], ["versions.model", "versions.number"]),
    Index("endpoint_certificates_of", "model", "number"),
)
deployments = Table(
    "deployments",
    metadata,
    Column("model", Text, primary_key=True),
    Column("live", Integer, nullable=False),
    Column("previous", Integer),
    Column("token", Integer, nullable=False),
    Column("changed_at", Instant, nullable=False),
    ForeignKeyConstraint(["model", "live"], ["versions.model", "versions.number"]),
)
keys = Table(
    "keys",
    metadata,
    Column("prefix", Text, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("models", JsonText, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("last_used_at", Instant),
)
routes = Table(
    "routes",
    metadata,
    Column("model", Text, primary_key=True),
    Column("body", Text, nullable=False),
)
incidents = Table(
    "incidents",
    metadata,
    Column("incident_id", Text, primary_key=True),
    Column("model", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("body", Text, nullable=False),
    Index("incidents_of", "model", "state"),
)
outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("incident_id", Text, ForeignKey("incidents.incident_id"), nullable=False),
    Column("body", Text, nullable=False),
    Column("delivered_at", Instant),
    Index("outbox_pending", "delivered_at"),
)
finding_runs = Table(
    "finding_runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model", Text, nullable=False),
    Column("run", Text, nullable=False),
    UniqueConstraint("model", "run"),
)
findings = Table(
    "findings",
    metadata,
    Column("run_id", Integer, ForeignKey("finding_runs.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)
orders = Table(
    "orders",
    metadata,
    Column("line_id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("supplier", Text, nullable=False),
    Column("unique_id", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("unit_cost", Float),
    Column("currency", Text, nullable=False),
    Column("ordered_at", Moment, nullable=False),
    Column("due", Moment, nullable=False),
    Column("state", Text, nullable=False),
    Column("assumed", Boolean, nullable=False),
    Column("reason", JsonText, nullable=False),
    Index("orders_of", "order_id"),
    Index("orders_by_state", "state", "ordered_at"),
)
states = Table(
    "states",
    metadata,
    Column("key", Text, primary_key=True),
    Column("blob", LargeBinary, nullable=False),
)
runs = Table(
    "runs",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("body", JsonText, nullable=False),
)
segments = Table(
    "segments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("table", Text, nullable=False),
    Column("writer", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("first_ds", Moment),
    Column("last_ds", Moment),
    Column("bytes", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("columns", Text, nullable=False),
    Column("tags", JsonText, nullable=False),
    Column("revises", Boolean, nullable=False),
    Column("replaced_by", Integer, ForeignKey("segments.id")),
    UniqueConstraint("table", "writer", "sequence"),
    Index("segments_live", "table", "replaced_by"),
)
audit = Table(
    "audit",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("digest", Text, nullable=False),
)
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", Integer, nullable=False),
    Column("digest", Text, nullable=False),
)

for _change in ("UPDATE", "DELETE"):
    event.listen(
        audit,
        "after_create",
        DDL(  # type: ignore[no-untyped-call]  # SQLAlchemy leaves its signature untyped
            f"CREATE TRIGGER audit_no_{_change.lower()} BEFORE {_change} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'audit rows are append-only'); END"
        ).execute_if(dialect="sqlite"),
    )
