"""Tables of a project: take them in, read them, write them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from finalmile.adapters.local.tail_file import open_tails
from finalmile.config import Config
from finalmile.errors import UnknownNameError
from finalmile.frames import Frequency
from finalmile.frames.casting import Cast
from finalmile.frames.dialects import Kind
from finalmile.inventory.exports import exports
from finalmile.ports import Clock
from finalmile.project.core import DEFAULT_MODEL, Core
from finalmile.records import OrderState
from finalmile.workflows import reports
from finalmile.workflows import seal as sealing
from finalmile.workflows.endpoint import SERVING

if TYPE_CHECKING:
    from finalmile.adapters.sources import Source
    from finalmile.frames.roles import Role
    from finalmile.workflows import export_orders, ingest


class Table:
    """One kind of table of a project: add to it, read it."""

    def __init__(self, project: Tables, kind: Kind) -> None:
        self._project = project
        self._kind: Kind = kind

    def add(
        self,
        source: Source,
        *,
        columns: Mapping[str, str] | None = None,
        query: str | None = None,
        known_at: datetime | None = None,
        known_days_ahead: float | None = None,
        backfill: bool | None = None,
        decimal_comma: bool = False,
        date_format: str | None = None,
        roles: Mapping[str, Role] | None = None,
        sparse: bool = False,
        complete: bool = True,
        model: str | None = None,
    ) -> ingest.IngestReport:
        """Take in a file, a glob, a frame or a query; see :meth:`Project.ingest`."""
        return self._project.ingest(
            self._kind,
            source,
            columns=columns,
            query=query,
            known_at=known_at,
            known_days_ahead=known_days_ahead,
            backfill=backfill,
            decimal_comma=decimal_comma,
            date_format=date_format,
            roles=roles,
            sparse=sparse,
            complete=complete,
            model=model,
        )

    def read(self, *, as_of: datetime | None = None) -> pl.DataFrame:
        """Newest version of every row, or as it was known at an instant."""
        return self._project.tables[self._kind].read(as_of=as_of)


class Tables(Core):
    """Tables that are added, exported, and logged by the endpoint."""

    def __init__(self, folder: Path, *, config: Config, clock: Clock | None = None) -> None:
        super().__init__(folder, config=config, clock=clock)
        self.sales, self.items, self.stock = Table(self, "sales"), Table(self, "items"), Table(self, "stock")
        self.receipts, self.open_orders = Table(self, "receipts"), Table(self, "open_orders")
        self.adjustments, self.transfers = Table(self, "adjustments"), Table(self, "transfers")
        self.future, self.forecasts = Table(self, "future"), Table(self, "forecasts")

    def ingest(
        self,
        kind: str,
        source: Source,
        *,
        columns: Mapping[str, str] | None = None,
        query: str | None = None,
        known_at: datetime | None = None,
        known_days_ahead: float | None = None,
        backfill: bool | None = None,
        decimal_comma: bool = False,
        date_format: str | None = None,
        roles: Mapping[str, Role] | None = None,
        sparse: bool = False,
        complete: bool = True,
        model: str | None = None,
    ) -> ingest.IngestReport:
        """Take in a table of one kind; all of it is looked at before anything is kept.

        Parameters
        ----------
        kind
            ``sales``, ``items``, ``stock``, ``receipts``, ``open_orders``, ``adjustments``, ``transfers``, ``future``
            or ``forecasts``.
        source
            CSV or Parquet path, glob, Arrow-capable frame, or SQLAlchemy URL with ``query``.
        columns
            Our name to the source's, for columns that are called differently there.
        known_at
            When the rows became known; now by default.
        known_days_ahead
            For ``future``: how long before its period each row was known.
        backfill
            Whether the rows count as known when they happened. By default so where the oldest is more than 60 days
            old and ``known_at`` is not given.
        decimal_comma
            Numbers written as text have a decimal comma: ``1,5`` and ``1.000,5``.
        date_format
            How dates written as text are read, where they are not ISO dates: ``"%d/%m/%Y"``.
        roles
            What columns are that nobody declared: ``number``, ``text`` (both move with the row) or ``hierarchy``.
        sparse
            Periods in which nothing sold are left out, so that holes say nothing about the frequency.
        complete
            For ``open_orders``: an order that the table leaves out is open no more.
        model
            For ``forecasts``: the model they become a version of.

        Raises
        ------
        SchemaError
            With every fault, before anything is written.
        """
        from finalmile.adapters.sources import load
        from finalmile.workflows import ingest, ready_made

        if kind not in self.tables:
            raise UnknownNameError("kind of table", kind, self.tables)
        if kind == "forecasts":
            _ = self.shop.known.newest  # forecasts are calibrated on sales: complain before anything is kept
        with self._writing(f"ingest {kind}"):
            read = load(source, query=query)
            report = ingest.ingest(
                kind,
                read.frame,
                source=read.label,
                tables=self.tables,
                now=self.clock.now(),
                known_at=known_at,
                known_days_ahead=known_days_ahead,
                backfill=backfill,
                columns=columns,
                roles=roles,
                cast=Cast(date_format=date_format, decimal_comma=decimal_comma),
                sparse=sparse,
                complete=complete,
                frequency=None if self.config.frequency == "auto" else Frequency.parse(self.config.frequency),
                untyped=read.untyped,
                parts=read.parts,
                stamp={"model": model or DEFAULT_MODEL} if kind == "forecasts" else None,
            )
            self._forget()
            if kind == "forecasts":
                name = model or DEFAULT_MODEL
                mine = self.tables["forecasts"].read().filter(pl.col("model") == name)
                ready_made.register(self.shop, name, mine)
            return report

    def export(
        self,
        what: str,
        path: Path,
        format: str = "csv",  # noqa: A002  # the verb's word
        *,
        start: date | None = None,
        end: date | None = None,
    ) -> reports.Exported:
        """Write a table to a CSV or Parquet file: all of it, or the days (for forecasts: the cutoffs) of a span."""
        from finalmile.workflows import export

        return export.export(
            what,
            path,
            file_format=format,
            tables=self.tables,
            lake=self.lake,
            ledger=self.ledger,
            predictions=self.predictions,
            start=start,
            end=end,
        )

    def export_orders(
        self,
        path: Path | str,
        format: str,  # noqa: A002  # the verb's word
        *,
        orders: Sequence[str] = (),
        states: Sequence[OrderState] = ("approved",),
    ) -> export_orders.OrdersExported:
        """Write purchase orders as files for another system or for suppliers; a file is never overwritten.

        Parameters
        ----------
        path
            A file, where the format makes one; else a folder.
        format
            Registered name: ``generic_csv``, ``odoo``, ``erpnext``, ``ubl_order``, ``x12_850``, ``edifact_orders``.
            Its settings are those under ``exports`` in ``finalmile.yaml``.
        orders
            Ids to write, whatever their state; all in ``states`` by default.

        Raises
        ------
        SchemaError
            Where an order holds what the format cannot carry.
        ConflictError
            Where a file of that name holds something else.
        """
        from finalmile.workflows import export_orders

        return export_orders.export_orders(
            self.ledger,
            Path(path),
            file_format=exports.make(format, **self.config.exports.get(format, {})),
            orders=orders,
            states=states,
        )

    def predictions(
        self,
        model: str | None = None,
        *,
        version: int | None = None,
        role: str | None = None,
        since: datetime | None = None,
    ) -> pl.DataFrame:
        """Every prediction that the endpoint logged, once, a row per period: sealed ones and those still hot.

        Parameters
        ----------
        role
            Why the version answered: ``live``, ``canary``, ``arm``, ``fallback``; ``shadow`` and ``previous`` are
            logged features scored again by another version.
        since
            Only those issued at or after this instant, aware.
        """
        with open_tails(self.folder / SERVING) as tails:
            return sealing.predictions(tails, self.lake, model=model, version=version, role=role, since=since)

    def seal(self) -> sealing.Sealed:
        """Move logged predictions from the tails of the endpoint's workers into the lake, each exactly once."""
        return self._sealed(partial(self._writing, "seal"))
