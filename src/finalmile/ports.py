"""What the stages ask of the world; adapters answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import polars as pl

from finalmile.frames import Forecast, IntArray, OneStep, Panel
from finalmile.plugins import Registry
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


class Clock(Protocol):
    """Where 'now' comes from, so that tests and replays can choose it."""

    def now(self) -> datetime:
        """Current instant, aware, in UTC."""
        ...


class Notifier(Protocol):
    """Tells somebody about alerts."""

    def notify(self, alerts: Sequence[Alert]) -> None:
        """Deliver the alerts, or raise; raise ``TransientError`` where trying again may help."""
        ...


class OrderDelivery(Protocol):
    """Hands purchase orders over; a frozen dataclass whose fields are its settings."""

    def deliver(self, files: Mapping[str, bytes], /, *, key: str, home: Path) -> str:
        """Hand over files by name, and say where they are once they are there for good.

        The same files under the same key again change nothing at the other end. Relative paths are below ``home``.
        Raise ``TransientError`` where trying again may help, or any part may have arrived. ``PermanentError`` where it
        was refused, ``ConflictError`` where something else is there and ``ConfigError`` say that nothing arrived.
        """
        ...

    def obstacles(self, home: Path, /) -> Sequence[str]:
        """What would stand in its way now, one sentence each, as far as can be told without handing anything over."""
        ...


class Progress(Protocol):
    """Hears how far long work has come."""

    def __call__(self, done: int, total: int, what: str, /) -> None:
        """Told after each part; must return quickly."""
        ...


class Fitted(Protocol):
    """A trained forecaster."""

    @property
    def needs(self) -> int:
        """Periods of history a prediction looks at."""
        ...

    def predict(
        self,
        panel: Panel,
        /,
        *,
        horizon: int,
        quantiles: Sequence[float] = (),
        windows: IntArray | None = None,
        levels: Sequence[float] = (),
    ) -> Forecast:
        """Forecast every series of the panel from its cutoff.

        ``quantiles`` are levels per period; ``windows`` of shape (n, w) with ``levels`` ask for cumulative demand.
        """
        ...

    def save(self, folder: Path, /) -> None:
        """Write everything needed to answer again into an empty folder; no pickle."""
        ...

    def recalibrate(self, panel: Panel, /) -> Fitted:
        """The same model, its quantiles corrected by what has come since; takes seconds."""
        ...

    def reference(self) -> OneStep:
        """One-step forecasts over the periods before it was fitted, by a model that had not seen them."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences a user should read about how it came about: a fallback, quantiles that carry no promise."""
        ...


class Forecaster(Protocol):
    """A recipe: settings that can be fitted on a panel. Registered under a name."""

    def fit(self, panel: Panel, /, *, seed: int = 0) -> Fitted:
        """Learn from everything in the panel, calibration included."""
        ...

    @classmethod
    def load(cls, folder: Path, /) -> Fitted:
        """What :meth:`Fitted.save` wrote, ready to answer again."""
        ...


class Ledger(Protocol):
    """Small facts that must never be lost or doubled: SQL. Every change of state also writes an audit row."""

    def new_version(
        self, *, model: str, kind: str, digest: str, cutoff: date | datetime, settings: Json, at: datetime, actor: str
    ) -> Version:
        """Record a version under the next free number; the same digest and cutoff again gives the version it gave."""
        ...

    def versions(self, model: str | None = None) -> list[Version]:
        """Versions by model and number."""
        ...

    def version(self, model: str, number: int) -> Version:
        """One version; ``UnknownNameError`` where there is none."""
        ...

    def set_version_state(
        self, version: Version, state: VersionState, *, at: datetime, actor: str, why: str
    ) -> Version:
        """Move a version to a state."""
        ...

    def add_certificate(self, certificate: Certificate, *, actor: str) -> None:
        """Store a certificate; the newest one of a version counts."""
        ...

    def certificate(self, model: str, number: int) -> Certificate | None:
        """Newest certificate of a version."""
        ...

    def add_endpoint_certificate(self, certificate: EndpointCertificate, *, actor: str) -> None:
        """Keep how fast a version answered; the newest one of a version counts."""
        ...

    def endpoint_certificates(self, model: str | None = None, number: int | None = None) -> list[EndpointCertificate]:
        """Endpoint certificates, oldest first; of every model and version where none is named."""
        ...

    def deployment(self, model: str) -> Deployment | None:
        """What is live; ``None`` before the first promotion."""
        ...

    def deploy(
        self, model: str, number: int, *, expected: int | None, at: datetime, actor: str, why: str
    ) -> Deployment:
        """Point to a version if the token still is ``expected`` (``None``: nothing live), else ``ConflictError``."""
        ...

    def add_key(self, key: ApiKey, *, actor: str) -> None:
        """Keep a new API key."""
        ...

    def keys(self) -> list[ApiKey]:
        """Every API key there ever was, oldest first."""
        ...

    def revoke_key(self, prefix: str, *, at: datetime, actor: str) -> ApiKey:
        """End a key; again changes nothing. ``UnknownNameError`` where there is none."""
        ...

    def key_used(self, prefix: str, *, at: datetime) -> None:
        """Note that a key was used, at most once a minute."""
        ...

    def route(self, model: str) -> RouteRule:
        """How a model's requests are answered; the defaults where nobody said."""
        ...

    def set_route(self, rule: RouteRule, *, at: datetime, actor: str, why: str) -> RouteRule:
        """Answer a model's requests by another rule, in place of the one before."""
        ...

    def put_incident(self, incident: Incident, *, alert: Alert | None, actor: str) -> None:
        """Insert or update an incident, with its outbox row in the same transaction."""
        ...

    def incidents(self, *, model: str | None = None, open_only: bool = False) -> list[Incident]:
        """Incidents, newest first."""
        ...

    def pending_alerts(self) -> list[tuple[int, Alert]]:
        """Outbox rows not yet delivered, oldest first."""
        ...

    def alert_delivered(self, outbox_id: int, *, at: datetime) -> None:
        """Mark an outbox row delivered."""
        ...

    def add_findings(self, findings: Sequence[Finding], *, model: str, run: str) -> None:
        """Store findings of one run, once per run."""
        ...

    def findings(self, model: str, *, last_runs: int = 1) -> list[Finding]:
        """Findings of the newest runs."""
        ...

    def keep_look(self, look: LookKept, *, model: str, at: datetime, actor: str) -> None:
        """Keep everything that one look brought, in one transaction: all of it, or nothing."""
        ...

    def put_orders(self, lines: Sequence[OrderLine], *, at: datetime, actor: str) -> int:
        """Record lines that are not there yet (by ``line_id``), never touching those that are; how many were new."""
        ...

    def propose_orders(
        self, lines: Sequence[OrderLine], *, reviewed: Collection[str], at: datetime, actor: str
    ) -> list[OrderLine]:
        """Bring the proposals up to date, never touching what somebody approved, sent or cancelled by hand.

        Every other open proposal for an item that was ``reviewed`` is superseded: those are given back as they were.
        """
        ...

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
        ...

    def order_counts(self, *, product: str | None = None) -> Mapping[tuple[OrderState, str], int]:
        """How many order lines there are, by state and supplier."""
        ...

    def set_order_state(self, order_id: str, state: OrderState, *, at: datetime, actor: str, why: str) -> None:
        """Move all lines of an order to a state; ``ConflictError`` where one of them cannot go there."""
        ...

    def change_orders(
        self, changes: Sequence[LineChange], *, verb: str, at: datetime, actor: str, why: str
    ) -> list[OrderLine]:
        """Change order lines, all of them or none; those that changed, as they are now.

        Raise ``ConflictError`` where a line is in none of the states that its change allows; nothing changes then.
        """
        ...

    def load_state(self, key: str) -> bytes | None:
        """A detector's saved state."""
        ...

    def save_state(self, key: str, blob: bytes) -> None:
        """Keep a detector's state."""
        ...

    def run_done(self, kind: str, key: str) -> Json | None:
        """What a finished piece of work recorded, or ``None``: how a rerun knows where it was."""
        ...

    def finish_run(self, kind: str, key: str, body: Json, *, at: datetime) -> None:
        """Record a piece of work as finished."""
        ...

    def audit(self, *, actor: str, verb: str, subject: str, body: Json, at: datetime) -> None:
        """Append an audit row to the hash chain."""
        ...

    def audit_rows(self, *, last: int | None = None) -> list[Audit]:
        """Audit rows, oldest first."""
        ...

    def verify_audit(self) -> None:
        """Recompute the hash chain; ``CorruptError`` names the first row that does not fit."""
        ...


class Lake(Protocol):
    """Big tables: immutable Parquet segments that become visible when their manifest row commits."""

    def append(
        self,
        table: str,
        frame: pl.DataFrame,
        *,
        writer: str,
        sequence: int,
        tags: Mapping[str, str] | None = None,
        revises: bool = False,
    ) -> bool:
        """Write a segment and make it visible, once per ``(table, writer, sequence)``; False if it already was."""
        ...

    def append_parts(
        self,
        table: str,
        parts: Sequence[tuple[pl.DataFrame, bool]],
        *,
        writer: str,
        sequence: int,
        tags: Mapping[str, str] | None = None,
    ) -> bool:
        """Write several segments, each a frame and whether it revises, that become visible together or not at all."""
        ...

    def scan(
        self,
        table: str,
        *,
        tags: Mapping[str, str] | None = None,
        ds_from: date | datetime | None = None,
        revises: bool | None = None,
    ) -> pl.LazyFrame:
        """Every visible row of every version; segments without the tags, or wholly before ``ds_from``, left out.

        ``revises`` keeps only segments that revise, or only those that do not.
        """
        ...

    def sequence(self, table: str, writer: str) -> int:
        """Highest committed sequence of a writer, -1 before the first."""
        ...


class Added(Protocol):
    """How many rows of an arrival were new, changed what was known, or said it again."""

    @property
    def new(self) -> int:
        """Rows whose key was not known."""
        ...

    @property
    def revised(self) -> int:
        """Rows that changed what was known of their key."""
        ...

    @property
    def unchanged(self) -> int:
        """Rows that said what was known."""
        ...


class HistoryTable(Protocol):
    """One bitemporal table: rows by key, each version with when it became known."""

    def add(self, frame: pl.DataFrame, /, *, known_at: datetime, backfill: bool, writer: str) -> Added:
        """Keep what is new or changed, all of it or nothing; saying the same again changes nothing."""
        ...

    def read(
        self,
        *,
        as_of: datetime | None = None,
        ds_from: date | datetime | None = None,
        columns: Sequence[str] | None = None,
        ids: Sequence[str] | None = None,
        backfill_known: bool = True,
    ) -> pl.DataFrame:
        """Newest version of each key that was known at ``as_of``; with ``ids`` those of these ``unique_id`` alone."""
        ...

    def versions(self) -> pl.DataFrame:
        """Every version of every key, in the order in which they became known."""
        ...


class Artefacts(Protocol):
    """Content-addressed folders of model files."""

    def put(self, write: Callable[[Path], None]) -> str:
        """Let ``write`` fill a folder, add a manifest with every file's sha256, keep it durably; its digest."""
        ...

    def path(self, digest: str) -> Path:
        """Folder of an artefact after every file's sha256 was checked; ``CorruptError`` otherwise."""
        ...


deliveries: Registry[OrderDelivery] = Registry("delivery", package="finalmile.adapters.delivery")
notifiers: Registry[Notifier] = Registry("notifier", package="finalmile.adapters.notify")
forecasters: Registry[Forecaster] = Registry("forecaster", package="finalmile.forecasters.recipes")
