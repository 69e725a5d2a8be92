"""Plan: today's orders from the live forecast, the stock counted, and what is already on its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
import polars as pl

from finalmile.errors import MissingInputError
from finalmile.frames import BoolArray, FloatArray, Forecast, Frequency, IntArray, NameArray, Panel
from finalmile.inventory import Position, Proposal, order_lines, protection_windows
from finalmile.inventory.policies import policies
from finalmile.records import OrderLine, OrderState
from finalmile.simulation import UnitsArray
from finalmile.workflows.arms import rows_in
from finalmile.workflows.forecast import levels_of, predict
from finalmile.workflows.propose import propose
from finalmile.workflows.replay import HISTORY_DAYS, due_at
from finalmile.workflows.shop import Shop, known_cutoff, live_version
from finalmile.workflows.terms import positions

ON_THE_WAY: tuple[OrderState, ...] = ("approved", "sent", "acknowledged", "late")


@dataclass(frozen=True, slots=True, kw_only=True)
class StockBook:
    """What the shop has counted, received and ordered, as frames.

    Parameters
    ----------
    counts
        ``unique_id, at, on_hand``. A count stamped with a day is taken at its end.
    receipts
        ``order_id, unique_id, quantity, received_at``.
    open_orders
        ``order_id, unique_id, quantity, due``.
    ours
        Lines that this project sent and nobody received yet.
    """

    counts: pl.DataFrame
    receipts: pl.DataFrame
    open_orders: pl.DataFrame
    ours: tuple[OrderLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """Lines proposed at a cutoff, and what could not be planned."""

    lines: tuple[OrderLine, ...]
    items: int
    unplanned: tuple[str, ...]
    without_stock: tuple[str, ...]


def plan(
    shop: Shop,
    model: str,
    book: StockBook,
    *,
    cutoff: int | None = None,
    due_only: bool = False,
    told: Forecast | None = None,
) -> Proposed:
    """Propose orders at the end of a cutoff and record them; the same again records nothing twice.

    Proposals of earlier days that nobody approved are superseded.

    Parameters
    ----------
    due_only
        Only items whose review falls on this cutoff; else all.
    told
        The forecast that was just logged at the cutoff; by default it is looked up in the log.

    Raises
    ------
    MissingInputError
        Without stock counts, without a live version, or without lead times.
    """
    cutoff = known_cutoff(shop, cutoff)
    panel, missing = _counted(shop.known.panel(cutoff, periods=shop.periods(HISTORY_DAYS)), book)
    at = _position(shop, panel, book)
    wanted = _wanted(shop, at, panel, told=_forecast_for(shop, model, at, cutoff, told))
    since = _planned_until(shop, model, at, cutoff)
    due = due_at(at, cutoff, since=since) if due_only else np.ones(at.n, dtype=np.bool_)
    wanted = replace(wanted, quantity=np.where(due, wanted.quantity, 0.0))
    lines = order_lines(
        at, wanted, ordered_at=shop.day(cutoff + 1), frequency=shop.frequency, currency=shop.config.currency
    )
    reviewed = [str(name) for name in at.ids[due]]
    shop.ledger.propose_orders(lines, reviewed=reviewed, at=shop.clock.now(), actor=shop.actor)
    shop.ledger.save_state(_planned_key(model), f"{since} {cutoff}".encode())
    return Proposed(
        lines=tuple(lines),
        items=panel.n,
        unplanned=tuple(wanted.unplanned(panel.ids)),
        without_stock=missing,
    )


def _planned_until(shop: Shop, model: str, at: Position, cutoff: int) -> int:
    """Last cutoff planned before this one; the longest review period ago where there is none, so that all are due."""
    blob = shop.ledger.load_state(_planned_key(model))
    never = cutoff - int(at.review_periods.max(initial=1))
    before, newest = (never, never) if blob is None else (int(part) for part in blob.split())
    return newest if newest < cutoff else before


def _planned_key(model: str) -> str:
    return f"planned/{model}"


def quantities(shop: Shop, book: StockBook, *, told: Forecast, cutoff: int) -> dict[str, int]:
    """What would be ordered of each item if this forecast were the live one; nothing is recorded."""
    panel, _ = _counted(shop.known.panel(cutoff, periods=shop.periods(HISTORY_DAYS)), book)
    at = _position(shop, panel, book)
    wanted = _wanted(shop, at, panel, told=lined_up(told, at.ids))
    return {str(name): round(float(units)) for name, units in zip(at.ids, wanted.quantity, strict=True) if units > 0}


def _position(shop: Shop, panel: Panel, book: StockBook) -> Position:
    arriving = arriving_at(panel.ids, book, cutoff=panel.cutoff, frequency=shop.frequency)
    return positions(shop, panel, on_hand=on_hand_at(panel, book), arriving=arriving)


def _wanted(shop: Shop, at: Position, panel: Panel, *, told: Forecast) -> Proposal:
    policy = policies.make(shop.config.plan.policy, **dict(shop.config.plan.settings))
    return propose(policy, at, told=told, panel=panel, seed=shop.config.assume.seed)


def _counted(panel: Panel, book: StockBook) -> tuple[Panel, tuple[str, ...]]:
    """The series that have a stock count; the others' names."""
    counts = book.counts
    if counts.height:
        counts = counts.filter(pl.Series(panel.frequency.index(counts["at"]) <= panel.cutoff + 1))
    if book.counts.height and counts.is_empty():
        raise MissingInputError(
            f"every stock count lies after the last sales ({panel.frequency.start_of(panel.cutoff)}): "
            "ingest the sales up to the counts first"
        )
    if book.counts.is_empty():
        raise MissingInputError(
            "no stock has been counted, and orders are never guessed: "
            "finalmile ingest stock FILE (unique_id, at, on_hand)"
        )
    counted = set(counts["unique_id"].cast(pl.String).to_list())
    keep = np.array([name in counted for name in panel.ids], dtype=np.bool_)
    if not keep.any():
        raise MissingInputError(
            f"stock was counted for {len(counted):,} items, none of which has sales; "
            "check that unique_id is written alike in both"
        )
    return panel.take(np.flatnonzero(keep)), tuple(str(name) for name in panel.ids[~keep])


def on_hand_at(panel: Panel, book: StockBook) -> UnitsArray:
    """Units on the shelf at the end of the cutoff: the newest count, less sales and plus receipts since.

    A count stands for the end of its period; one of the period after the cutoff, whose sales are not known yet, for
    its beginning.
    """
    frequency = panel.frequency
    counts = book.counts.with_columns(pl.col("unique_id").cast(pl.String))
    period = frequency.index(counts["at"])
    counts = counts.with_columns(pl.Series("period", period)).filter(pl.col("period") <= panel.cutoff + 1)
    newest = counts.sort("period", maintain_order=True).unique("unique_id", keep="last")
    rows = rows_in(panel.ids, newest["unique_id"].to_numpy())
    on_hand, since = np.full(panel.n, np.nan), np.full(panel.n, panel.cutoff, dtype=np.int64)
    on_hand[rows[rows >= 0]] = newest["on_hand"].cast(pl.Float64).to_numpy()[rows >= 0]
    since[rows[rows >= 0]] = newest["period"].to_numpy()[rows >= 0]
    sold = _after(panel, since)
    came = _received(panel, book, since)
    return np.maximum(on_hand - sold + came, 0.0)


def _after(panel: Panel, since: IntArray) -> UnitsArray:
    periods = np.arange(panel.first, panel.cutoff + 1)
    later = periods > since[:, None]
    sold: UnitsArray = np.where(later & ~np.isnan(panel.y), panel.y, 0.0).sum(axis=1).astype(np.float64)
    return sold


def _received(panel: Panel, book: StockBook, since: IntArray) -> UnitsArray:
    came = np.zeros(panel.n)
    if book.receipts.is_empty():
        return came
    receipts = book.receipts
    rows = rows_in(panel.ids, receipts["unique_id"].cast(pl.String).to_numpy())
    period = panel.frequency.index(receipts["received_at"])
    counted = (rows >= 0) & (period <= panel.cutoff)
    counted[counted] &= period[counted] > since[rows[counted]]
    np.add.at(came, rows[counted], receipts["quantity"].cast(pl.Float64).to_numpy()[counted])
    return came


def arriving_at(ids: NameArray, book: StockBook, *, cutoff: int, frequency: Frequency) -> UnitsArray:
    """When open orders arrive, shape (n, w): each order line once, late ones with the next period."""
    lines = _open_lines(book)
    if not lines:
        return np.zeros((len(ids), 1))
    rows = rows_in(ids, np.array([name for name, _, _ in lines], dtype=object))
    column = np.array([max(frequency.index_of(due) - cutoff - 1, 0) for _, due, _ in lines])
    units = np.array([quantity for _, _, quantity in lines])
    arriving = np.zeros((len(ids), int(column.max()) + 1))
    np.add.at(arriving, (rows[rows >= 0], column[rows >= 0]), units[rows >= 0])
    return arriving


def _open_lines(book: StockBook) -> list[tuple[str, date | datetime, float]]:
    """Item, due date and units still to come of every open line, whoever told of it, each once."""
    told: dict[tuple[str, str], tuple[date | datetime, float]] = {}
    for line in book.ours:
        told[line.order_id, line.unique_id] = line.due, float(line.quantity)
    came = _units_by_line(book.receipts)
    for key, (due, units) in list(told.items()):
        told[key] = due, units - came.get(key, 0.0)
    for row in book.open_orders.iter_rows(named=True):
        key = str(row["order_id"]), str(row["unique_id"])
        since = came
        if key in came:
            since = _units_by_line(book.receipts.filter(pl.col("known_at") > row["known_at"]))
        told[key] = row["due"], float(row["quantity"]) - since.get(key, 0.0)
    return [(item, due, units) for (_, item), (due, units) in told.items() if units > 0]


def _units_by_line(receipts: pl.DataFrame) -> Mapping[tuple[str, str], float]:
    if receipts.is_empty():
        return {}
    summed = receipts.group_by("order_id", "unique_id").agg(pl.col("quantity").sum())
    return {(str(order), str(item)): float(units) for order, item, units in summed.iter_rows()}


def _forecast_for(shop: Shop, model: str, at: Position, cutoff: int, told: Forecast | None) -> Forecast:
    """What the live version logged at the cutoff where it answers for every item and window; else a fresh one."""
    version = live_version(shop, model)
    told = told or shop.forecasts.told(model, cutoff, version=version.number)
    if told is None or not _answers(told, at, levels=levels_of(shop)):
        told = predict(shop, version, cutoff)
        shop.forecasts.put(version, told, issued_at=shop.clock.now())
    return lined_up(told, at.ids)


def _answers(told: Forecast, at: Position, *, levels: Sequence[float]) -> bool:
    rows = rows_in(told.ids, at.ids)
    if (rows < 0).any() or told.cumulative is None or not set(levels) <= set(told.cumulative.levels):
        return False
    known: BoolArray = (told.cumulative.windows[rows] == protection_windows(at)).any(axis=1)
    return bool(known.all())


def lined_up(told: Forecast, ids: NameArray) -> Forecast:
    """The forecast's rows for these series, in this order; NaN for those it does not know."""
    rows = rows_in(told.ids, ids)

    def pick(values: FloatArray) -> FloatArray:
        picked = values[rows].copy()
        picked[rows < 0] = np.nan
        return picked

    cumulative = told.cumulative
    if cumulative is not None:
        cumulative = replace(
            cumulative,
            windows=cumulative.windows[rows],
            mean=pick(cumulative.mean),
            values=pick(cumulative.values),
            methods=cumulative.methods[rows],
        )
    return replace(
        told,
        ids=ids,
        mean=pick(told.mean),
        quantiles={level: pick(values) for level, values in told.quantiles.items()},
        cumulative=cumulative,
    )
