"""Plan: today's orders from the live forecast, the stock counted, and what is already on its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from finalmile.frames import BoolArray, FloatArray, Forecast, IntArray, NameArray, Panel
from finalmile.frames.rows import rows_in
from finalmile.inventory import Policy, Position, Proposal, order_lines
from finalmile.inventory.policies import policies
from finalmile.inventory.position import planned_window
from finalmile.inventory.proposal import windows_for
from finalmile.inventory.review_costs import NOT_STOCKED
from finalmile.inventory.stock_book import Standing, StockBook, counted, standing
from finalmile.records import Finding, OrderLine, OrderState
from finalmile.workflows.forecast import levels_of, predict
from finalmile.workflows.propose import over_windows, propose
from finalmile.workflows.receipts import day_of
from finalmile.workflows.replay import HISTORY_DAYS
from finalmile.workflows.rules import Bound, bounds, ruled
from finalmile.workflows.shop import Shop, known_cutoff, live_version
from finalmile.workflows.stock import findings_at
from finalmile.workflows.terms import positions
from finalmile.workflows.turns import due_now, waiting

_DECIDED: tuple[OrderState, ...] = ("approved", "sent", "acknowledged", "late", "received", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """Lines proposed at a cutoff, and what could not be planned.

    Parameters
    ----------
    decided
        Lines that would be proposed, but were approved, sent or cancelled before and stay as they are.
    bounds
        What the rules changed.
    waiting
        Suppliers that take no orders on this day, or none any more; their items were left out.
    stock
        Where the books that the plan stands on cannot be right.
    ordering_is_free
        The policy weighs what an order costs, and nobody has said it of any item or supplier.
    too_short
        Items for which the policy looks less far ahead than the order after this one takes to arrive.
    replaced
        Proposals of before that nobody approved and that this plan took back.
    not_stocked
        Items that cost more to stock than they bring, by the costs that the policy weighs.
    """

    lines: tuple[OrderLine, ...]
    items: int
    unplanned: tuple[str, ...]
    without_stock: tuple[str, ...]
    decided: tuple[OrderLine, ...] = ()
    bounds: tuple[Bound, ...] = ()
    waiting: tuple[str, ...] = ()
    stock: tuple[Finding, ...] = ()
    ordering_is_free: bool = False
    too_short: tuple[str, ...] = ()
    not_stocked: tuple[str, ...] = ()
    replaced: tuple[OrderLine, ...] = ()


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
    panel, missing = counted(shop.known.panel(cutoff, periods=shop.periods(HISTORY_DAYS)), book)
    stock = standing(panel, book)
    at = _position(shop, panel, stock)
    told = _known_windows(shop, _forecast_for(shop, model, at, cutoff, told), at, panel)
    wanted = _wanted(shop, at, panel, told=told)
    since = _planned_until(shop, model, at, cutoff)
    waits = waiting(shop, at, cutoff=cutoff)
    due = due_now(shop, at, cutoff=cutoff, since=since) if due_only else ~waits
    wished = np.where(due, wanted.quantity, 0.0)
    wanted = ruled(shop, replace(wanted, quantity=wished), at, told=told, cutoff=cutoff)
    lines = order_lines(
        at, wanted, ordered_at=shop.day(cutoff + 1), frequency=shop.frequency, currency=shop.config.currency
    )
    reviewed = [str(name) for name in at.ids[due]]
    replaced = shop.ledger.propose_orders(lines, reviewed=reviewed, at=shop.clock.now(), actor=shop.actor)
    shop.ledger.save_state(_planned_key(model), f"{since} {cutoff}".encode())
    decided = {line.line_id: line for line in shop.ledger.orders(states=_DECIDED, since=day_of(shop.day(cutoff + 1)))}
    return Proposed(
        lines=tuple(line for line in lines if line.line_id not in decided),
        items=panel.n,
        unplanned=tuple(wanted.unplanned(panel.ids)),
        without_stock=missing,
        decided=tuple(decided[line.line_id] for line in lines if line.line_id in decided),
        bounds=bounds(wished, wanted),
        stock=tuple(findings_at(shop, panel, book, stock)),
        waiting=tuple(sorted({str(name) for name in at.supplier[waits]})),
        ordering_is_free="order_cost" in wanted.details
        and not ((at.order_cost > 0) | (at.shared_order_cost > 0)).any(),
        too_short=tuple(str(name) for name in at.ids[wanted.window < planned_window(at)]),
        replaced=tuple(replaced),
        not_stocked=tuple(str(name) for name in at.ids[wanted.bound == NOT_STOCKED]),
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
    panel, _ = counted(shop.known.panel(cutoff, periods=shop.periods(HISTORY_DAYS)), book)
    at = _position(shop, panel, standing(panel, book))
    told = _known_windows(shop, lined_up(told, at.ids), at, panel)
    wanted = ruled(shop, _wanted(shop, at, panel, told=told), at, told=told, cutoff=cutoff)
    return {str(name): round(float(units)) for name, units in zip(at.ids, wanted.quantity, strict=True) if units > 0}


def _position(shop: Shop, panel: Panel, stock: Standing) -> Position:
    return positions(shop, panel, on_hand=stock.on_hand, arriving=stock.arriving)


def _wanted(shop: Shop, at: Position, panel: Panel, *, told: Forecast) -> Proposal:
    return propose(_policy(shop), at, told=told, panel=panel, seed=shop.config.assume.seed)


def _forecast_for(shop: Shop, model: str, at: Position, cutoff: int, told: Forecast | None) -> Forecast:
    """What the live version logged at the cutoff where it answers for every item and window; else a fresh one."""
    version = live_version(shop, model)
    told = told or shop.forecasts.told(model, cutoff, version=version.number)
    windows = windows_for(_policy(shop), at)
    if told is None or not _answers(told, at.ids, windows, levels=levels_of(shop)):
        told = predict(shop, version, cutoff)
        shop.forecasts.put(version, told, issued_at=shop.clock.now())
    return lined_up(told, at.ids)


def _known_windows(shop: Shop, told: Forecast, at: Position, panel: Panel) -> Forecast:
    """The forecast, with demand over windows from the next best that is known where it has none."""
    windows = windows_for(_policy(shop), at)
    return replace(told, cumulative=over_windows(told, windows, panel=panel, levels=levels_of(shop)))


def _policy(shop: Shop) -> Policy:
    return policies.make(shop.config.plan.policy, **dict(shop.config.plan.settings))


def _answers(told: Forecast, ids: NameArray, windows: IntArray, *, levels: Sequence[float]) -> bool:
    """Whether a forecast tells every level of every window that is asked for."""
    rows = rows_in(told.ids, ids)
    if (rows < 0).any() or told.cumulative is None or not set(levels) <= set(told.cumulative.levels):
        return False
    known: BoolArray = (told.cumulative.windows[rows][:, None, :] == windows[:, :, None]).any(axis=2)
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
