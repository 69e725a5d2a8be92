"""Stock as the books have it: counts, what moved since, and what is on its way, each unit once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

import numpy as np
import polars as pl

from finalmile.errors import MissingInputError
from finalmile.frames import BoolArray, Frequency, IntArray, NameArray, Panel
from finalmile.frames.rows import rows_in
from finalmile.inventory.movements import Movements, came_in, moved
from finalmile.records import OrderLine, OrderState
from finalmile.simulation import UnitsArray

ON_THE_WAY: tuple[OrderState, ...] = ("approved", "sent", "acknowledged", "late")
Key = tuple[str, str]
_EARLY = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class StockBook:
    """What the shop has counted, received, moved and ordered, as frames.

    Parameters
    ----------
    counts
        ``unique_id, at, on_hand``. A count stands for the end of its period.
    receipts
        ``order_id, unique_id, quantity, received_at``, and perhaps ``available_at``, the day they are put away.
    open_orders
        ``order_id, unique_id, quantity, due``: what another system awaits.
    ours
        Lines that this project sent and nobody received yet.
    receipt_versions
        Every version of every receipt, to tell what came after ``open_orders`` were listed; ``receipts`` by default.
    adjustments
        ``unique_id, at, reason, quantity``: units found (above 0) or written off (below 0).
    transfers
        ``transfer_id, unique_id, to_id, quantity, shipped_at``, and perhaps ``due, received_at, received``.
    """

    counts: pl.DataFrame
    receipts: pl.DataFrame
    open_orders: pl.DataFrame
    ours: tuple[OrderLine, ...] = ()
    receipt_versions: pl.DataFrame = field(default_factory=pl.DataFrame)
    adjustments: pl.DataFrame = field(default_factory=pl.DataFrame)
    transfers: pl.DataFrame = field(default_factory=pl.DataFrame)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Stock of ``n`` items at the end of a cutoff.

    Parameters
    ----------
    booked : array of shape (n,)
        Units on the shelf by the books; below 0 where more was sold than there was, NaN without a count.
    arriving : array of shape (n, w)
        Units on their way, each once: column ``k`` comes in the ``k + 1``-th period from now.
    since : array of shape (n,)
        Period of the count that the books start from.
    count, shelved, sold : array of shape (n,)
        What ``booked`` is made of, units: the count, plus what moved on or off the shelf since, less sales since.
    moves
        What moved, whenever it was or will be.
    """

    ids: NameArray
    booked: UnitsArray
    arriving: UnitsArray
    since: IntArray
    count: UnitsArray
    shelved: UnitsArray
    sold: UnitsArray
    moves: Movements

    @property
    def on_hand(self) -> UnitsArray:
        """Units on the shelf: what was sold and is not there was lost or never booked, so never below 0."""
        return np.maximum(self.booked, 0.0)


def counted(panel: Panel, book: StockBook) -> tuple[Panel, tuple[str, ...]]:
    """The series that have a stock count; the others' names.

    Raises
    ------
    MissingInputError
        Where nothing was counted that has sales, or only after the last sales.
    """
    if book.counts.is_empty():
        raise MissingInputError(
            "no stock has been counted, and orders are never guessed: "
            "finalmile ingest stock FILE (unique_id, at, on_hand)"
        )
    counts = book.counts.filter(pl.Series(panel.frequency.index(book.counts["at"]) <= panel.cutoff + 1))
    if counts.is_empty():
        raise MissingInputError(
            f"every stock count lies after the last sales ({panel.frequency.start_of(panel.cutoff)}): "
            "ingest the sales up to the counts first"
        )
    known = set(counts["unique_id"].cast(pl.String).to_list())
    keep = np.array([name in known for name in panel.ids], dtype=np.bool_)
    if not keep.any():
        raise MissingInputError(
            f"stock was counted for {len(known):,} items, none of which has sales; "
            "check that unique_id is written alike in both"
        )
    return panel.take(np.flatnonzero(keep)), tuple(str(name) for name in panel.ids[~keep])


def standing(panel: Panel, book: StockBook) -> Standing:
    """What is on the shelf and on its way at the end of the panel's cutoff, by the newest count of each item.

    On the shelf is the count, less sales and plus everything that moved since. What came after the cutoff, is being put
    away or is between two locations is on its way. A count of the period after the cutoff, whose sales are not known
    yet, stands for the period's beginning where it was known before the period was over, and else for its end.
    """
    units, since = _newest_counts(panel, book.counts)
    moves = moved(panel.ids, panel.frequency, receipts=book.receipts, adjustments=book.adjustments,
                  transfers=book.transfers, cutoff=panel.cutoff)  # fmt: skip
    sold, shelved = _sold(panel, since), _shelved(moves, since, cutoff=panel.cutoff)
    lines = open_lines(book)
    late = _on_order(panel.ids, lines, panel.frequency)
    after = moves.coming & (moves.period > np.maximum(since, panel.cutoff)[moves.row])
    ahead = _concatenated(moves.take(after | moves.awaited), late)
    return Standing(
        ids=panel.ids,
        booked=units - sold + shelved,
        arriving=_columns(ahead, panel.n, panel.cutoff),
        since=since,
        count=units,
        shelved=shelved,
        sold=sold,
        moves=moves,
    )


def _newest_counts(panel: Panel, counts: pl.DataFrame) -> tuple[UnitsArray, IntArray]:
    """Units of the newest usable count of each item, and the period at whose end it stands."""
    on_hand, since = np.full(panel.n, np.nan), np.full(panel.n, panel.cutoff, dtype=np.int64)
    if counts.is_empty():
        return on_hand, since
    rows = rows_in(panel.ids, counts["unique_id"].cast(pl.String).to_numpy())
    period = panel.frequency.index(counts["at"])
    stands = np.where((period == panel.cutoff + 1) & ~_told_after(counts, panel), panel.cutoff, period)
    usable = np.flatnonzero((rows >= 0) & (period <= panel.cutoff + 1))
    order = usable[np.argsort(period[usable], kind="stable")]
    on_hand[rows[order]] = counts["on_hand"].cast(pl.Float64).to_numpy()[order]
    since[rows[order]] = stands[order]
    return on_hand, since


def _told_after(counts: pl.DataFrame, panel: Panel) -> BoolArray:
    """Whether each count became known when the period after the cutoff was over."""
    if "known_at" not in counts.columns:
        return np.zeros(counts.height, dtype=np.bool_)
    over = _instant(panel.frequency.start_of(panel.cutoff + 2))
    told: BoolArray = counts.select(pl.col("known_at") >= over).to_series().fill_null(value=False).to_numpy()
    return told


def _instant(at: date | datetime) -> datetime:
    return at.replace(tzinfo=UTC) if isinstance(at, datetime) else datetime.combine(at, time(), UTC)


def _sold(panel: Panel, since: IntArray) -> UnitsArray:
    first = min(max(int(since.min(initial=panel.cutoff)) + 1, panel.first), panel.cutoff + 1)
    recent = panel.y[:, first - panel.first : panel.length]
    later = np.arange(first, panel.cutoff + 1) > since[:, None]
    sold: UnitsArray = np.where(later & ~np.isnan(recent), recent, 0.0).sum(axis=1, dtype=np.float64)
    return sold


def _shelved(moves: Movements, since: IntArray, *, cutoff: int) -> UnitsArray:
    """Net units that moved since the count; what left the shelf after the cutoff has left it."""
    here = (moves.period > since[moves.row]) & (~moves.coming | (moves.period <= cutoff)) & ~moves.awaited
    return np.bincount(moves.row[here], weights=moves.units[here], minlength=len(since)).astype(np.float64)


def _columns(ahead: Movements, n: int, cutoff: int) -> UnitsArray:
    column = np.maximum(ahead.period - cutoff - 1, 0)
    arriving = np.zeros((n, int(column.max(initial=0)) + 1))
    np.add.at(arriving, (ahead.row, column), ahead.units)
    return arriving


def _concatenated(one: Movements, other: Movements) -> Movements:
    return Movements(
        row=np.concatenate([one.row, other.row]),
        period=np.concatenate([one.period, other.period]),
        units=np.concatenate([one.units, other.units]),
        coming=np.concatenate([one.coming, other.coming]),
        awaited=np.concatenate([one.awaited, other.awaited]),
    )


def _on_order(ids: NameArray, lines: Mapping[Key, tuple[date | datetime, float]], frequency: Frequency) -> Movements:
    rows = rows_in(ids, np.array([item for _, item in lines], dtype=object))
    period = np.array([frequency.index_of(due) for due, _ in lines.values()], dtype=np.int64)
    units = np.array([units for _, units in lines.values()], dtype=np.float64)
    yes = np.ones(len(rows), dtype=np.bool_)
    return Movements(row=rows, period=period, units=units, coming=yes, awaited=yes).take(rows >= 0)


def open_lines(book: StockBook) -> dict[Key, tuple[date | datetime, float]]:
    """Due date and units still to come of every open line by order and item, whoever told of it, each once."""
    if not book.ours and book.open_orders.is_empty():
        return {}
    came = came_in(book.receipts)
    told = {
        (line.order_id, line.unique_id): (line.due, line.quantity - came.get((line.order_id, line.unique_id), 0.0))
        for line in book.ours
    }
    versions = book.receipts if book.receipt_versions.is_empty() else book.receipt_versions
    for known_at, listed in _by_instant(book.open_orders).items():
        before = came_in(versions, until=known_at)
        for row in listed.iter_rows(named=True):
            key = str(row["order_id"]), str(row["unique_id"])
            told[key] = row["due"], float(row["quantity"]) - (came.get(key, 0.0) - before.get(key, 0.0))
    return {key: (due, units) for key, (due, units) in told.items() if units > 0}


def _by_instant(listed: pl.DataFrame) -> Mapping[datetime, pl.DataFrame]:
    """Listed lines by when they became known; as if known all along where that is not told."""
    if listed.is_empty() or "known_at" not in listed.columns:
        return {_EARLY: listed}
    return {
        known_at: part
        for (known_at,), part in listed.partition_by("known_at", as_dict=True).items()
        if isinstance(known_at, datetime)
    }
