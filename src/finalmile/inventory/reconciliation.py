"""Where stock and its books disagree: counts, negative stock, transfers that do not arrive, units past their date."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from finalmile.frames import IntArray, Panel
from finalmile.frames.rows import rows_in
from finalmile.inventory.movements import Movements, moved
from finalmile.inventory.stock_book import Standing, StockBook
from finalmile.records import Finding
from finalmile.simulation import UnitsArray

_RECENT_DAYS = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Recount:
    """``m`` counts beside what the books had said, from the count before.

    Parameters
    ----------
    row, period : arrays of shape (m,)
        Item, and period at whose end it was counted.
    counted, booked : arrays of shape (m,)
        Units; booked is the count before, less sales and plus all that moved since.
    moved : array of shape (m,)
        Units that moved between the two counts, in and out together.
    """

    row: IntArray
    period: IntArray
    counted: UnitsArray
    booked: UnitsArray
    moved: UnitsArray

    @property
    def difference(self) -> UnitsArray:
        """Counted less booked: below 0 where units are missing."""
        return self.counted - self.booked


def recounts(panel: Panel, book: StockBook, *, moves: Movements | None = None) -> Recount:
    """Every count up to the cutoff that has another before it, since the panel begins.

    Parameters
    ----------
    moves
        All that moved, where it is known already; read off the book by default.

    Examples
    --------
    Ten were there, three were sold, six are counted: one is missing.

    >>> from finalmile.frames import Frequency, panel_from_sales
    >>> days = [date(2024, 1, d) for d in (1, 2, 3)]
    >>> sales = pl.DataFrame({"unique_id": ["a"] * 3, "ds": days, "y": [0.0, 1.0, 2.0]})
    >>> day = Frequency("day")
    >>> panel = panel_from_sales(sales, frequency=day, cutoff=day.index_of(days[-1]), listed={})
    >>> counts = pl.DataFrame({"unique_id": ["a", "a"], "at": [days[0], days[2]], "on_hand": [10.0, 6.0]})
    >>> recounts(panel, StockBook(counts=counts, receipts=pl.DataFrame(), open_orders=pl.DataFrame())).difference
    array([-1.])
    """
    counts = book.counts.filter(pl.Series(panel.frequency.index(book.counts["at"]) <= panel.cutoff))
    row = rows_in(panel.ids, counts["unique_id"].cast(pl.String).to_numpy())
    period, units = panel.frequency.index(counts["at"]), counts["on_hand"].cast(pl.Float64).to_numpy()
    here = np.flatnonzero((row >= 0) & (period >= panel.first - 1))
    order = here[np.lexsort((period[here], row[here]))]
    row, period, units = row[order], period[order], units[order]
    pairs = np.flatnonzero((row[1:] == row[:-1]) & (period[1:] > period[:-1]))
    if moves is None:
        moves = moved(panel.ids, panel.frequency, receipts=book.receipts, adjustments=book.adjustments,
                      transfers=book.transfers, cutoff=panel.cutoff)  # fmt: skip
    first, last = period[pairs], period[pairs + 1]
    sold, came = _sold(panel, row[pairs], first, last), _between(moves, row[pairs], first, last)
    return Recount(
        row=row[pairs],
        period=last,
        counted=units[pairs + 1],
        booked=units[pairs] - sold + came,
        moved=sold + np.abs(came),
    )


def _sold(panel: Panel, row: IntArray, first: IntArray, last: IntArray) -> UnitsArray:
    """Units sold after the end of ``first`` and up to the end of ``last``."""
    begin = int(first.min(initial=panel.cutoff)) + 1
    recent = panel.y[:, begin - panel.first : panel.length]
    summed = np.zeros((panel.n, recent.shape[1] + 1))
    np.cumsum(np.nan_to_num(recent).astype(np.float64), axis=1, out=summed[:, 1:])
    return np.asarray(summed[row, last - begin + 1] - summed[row, first - begin + 1])


def _between(moves: Movements, row: IntArray, first: IntArray, last: IntArray) -> UnitsArray:
    """Net units that moved after the end of ``first`` and up to the end of ``last``."""
    low = int(min(moves.period.min(initial=0), first.min(initial=0)))
    width = int(max(moves.period.max(initial=0), last.max(initial=0))) - low + 2
    key = moves.row * width + (moves.period - low)
    order = np.argsort(key, kind="stable")
    summed = np.concatenate([[0.0], np.cumsum(moves.units[order])])
    ends = [np.searchsorted(key[order], row * width + (at - low), side="right") for at in (first, last)]
    return np.asarray(summed[ends[1]] - summed[ends[0]])


def stock_findings(
    panel: Panel,
    book: StockBook,
    stock: Standing,
    *,
    unit_cost: UnitsArray,
    shelf_life: UnitsArray,
    tolerance: float,
) -> list[Finding]:
    """Where the books cannot be right, dearest first within each kind.

    Parameters
    ----------
    unit_cost : array of shape (n,)
        Money per unit; NaN where unknown.
    shelf_life : array of shape (n,)
        Periods that units keep after they came; infinite where they do not expire.
    tolerance
        Difference of a count that is not worth a finding, as a share of the units that moved since the count before;
        one unit never is.
    """
    day = panel.frequency.start_of(panel.cutoff)
    told = [
        *_of_counts(panel, recounts(panel, book, moves=stock.moves), tolerance=tolerance),
        *_negative(panel, stock),
        *_past_their_date(panel, stock, shelf_life=shelf_life),
    ]
    worth = np.nan_to_num(unit_cost)
    told.sort(key=lambda one: (one[0], -abs(one[2]) * worth[one[1]], str(panel.ids[one[1]])))
    findings = [_finding(panel, one, at=day, cost=float(unit_cost[one[1]])) for one in told]
    return [*findings, *_transfers(book, at=day)]


_Told = tuple[str, int, float, float, float, str]
"""Check, item, units off, value, benchmark, sentence."""


def _of_counts(panel: Panel, made: Recount, *, tolerance: float) -> Iterator[_Told]:
    """The newest recount of each item, where it is off."""
    newest = np.append(made.row[1:] != made.row[:-1], True)[: len(made.row)]
    off = np.abs(made.difference) > np.maximum(tolerance * made.moved, 1.0)
    difference = made.difference.tolist()
    days = {int(period): panel.frequency.start_of(int(period)) for period in np.unique(made.period)}
    for at in np.flatnonzero(newest & off).tolist():
        units = difference[at]
        what = "fewer than the books say: stolen, broken, mislaid or never booked" if units < 0 else "more than booked"
        why = f"{abs(units):,.10g} units {what}, counted on {days[int(made.period[at])]}"
        yield "stock_count", int(made.row[at]), units, float(made.counted[at]), float(made.booked[at]), why


def _negative(panel: Panel, stock: Standing) -> Iterator[_Told]:
    days = {int(period): panel.frequency.start_of(int(period)) for period in np.unique(stock.since)}
    for row in np.flatnonzero(stock.booked < 0).tolist():
        units, since = float(stock.booked[row]), days[int(stock.since[row])]
        why = (
            f"{-units:,.10g} units more were sold or written off since {since} than there were; taken as 0. A receipt "
            "may be missing: ingest it, or count again"
        )
        yield "negative_stock", row, units, units, 0.0, why


def _past_their_date(panel: Panel, stock: Standing, *, shelf_life: UnitsArray) -> Iterator[_Told]:
    """Units older than they keep, if the oldest are sold first; of items of which receipts tell how old stock is."""
    here = stock.moves.take(stock.moves.coming & (stock.moves.period <= panel.cutoff))
    fresh = here.take(here.period > panel.cutoff - shelf_life[here.row])
    known = np.bincount(here.row, minlength=panel.n) > 0
    young = np.bincount(fresh.row, weights=fresh.units, minlength=panel.n)
    old = np.where(known & np.isfinite(shelf_life), stock.on_hand - young, 0.0)
    for row in np.flatnonzero(old > 0).tolist():
        units = float(old[row])
        why = (
            f"{units:,.10g} units came more than {shelf_life[row]:,.10g} periods ago and are past their date, if older "
            "ones sell first. Look, and write off what is: finalmile ingest adjustments FILE"
        )
        yield "expired_stock", row, units, units, 0.0, why


def _finding(panel: Panel, told: _Told, *, at: date, cost: float) -> Finding:
    check, row, units, value, benchmark, why = told
    worth = f" (worth {abs(units) * cost:,.2f} at cost)" if np.isfinite(cost) else ""
    return Finding(
        check=check,
        subject=f"product {panel.ids[row]}",
        at=at,
        value=value,
        benchmark=benchmark,
        effect=None if benchmark <= 0 else (value - benchmark) / benchmark,
        unit="units",
        n=1,
        breached=True,
        severity="warning",
        why=f"{why}{worth}.",
    )


def _transfers(book: StockBook, *, at: date) -> list[Finding]:
    """Transfers whose day is over and of which units are missing, oldest first."""
    there = set(book.transfers.columns)
    if book.transfers.is_empty() or "due" not in there:
        return []
    whole = pl.col("received_at").is_not_null() if "received_at" in there else pl.lit(value=False)
    came = pl.when(whole).then(pl.col("quantity")).otherwise(0.0)
    came = pl.coalesce("received", came) if "received" in there else came
    late = (
        book.transfers.with_columns((pl.col("quantity") - came).alias("missing"))
        .filter((pl.col("missing") > 0) & (pl.col("due").cast(pl.Date) <= pl.lit(at).cast(pl.Date)))
        .sort("due", "transfer_id", "unique_id")
    )
    return [
        Finding(
            check="transfer_late",
            subject=f"product {row['to_id']}",
            at=at,
            value=float(row["missing"]),
            benchmark=0.0,
            unit="units",
            n=1,
            breached=True,
            severity="warning",
            why=(
                f"{row['missing']:,.10g} of {row['quantity']:,.10g} units of transfer {row['transfer_id']} from "
                f"{row['unique_id']} were due on {row['due']} and did not come; they count as on their way. Receive "
                "them, or correct the transfer's quantity to what came."
            ),
        )
        for row in late.iter_rows(named=True)
    ]


def written_off(book: StockBook, *, until: date) -> dict[str, float]:
    """Units written off in the last four weeks by reason, most first."""
    if book.adjustments.is_empty():
        return {}
    age = (pl.lit(until).cast(pl.Date) - pl.col("at").cast(pl.Date)).dt.total_days()
    recent = book.adjustments.filter((pl.col("quantity") < 0) & (age < _RECENT_DAYS))
    summed = recent.group_by("reason").agg(-pl.col("quantity").sum()).sort(pl.col("quantity"), descending=True)
    return {str(reason): float(units) for reason, units in summed.iter_rows()}
