"""Whether planners beat the system: every edit against its proposal, on the demand that came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
import polars as pl

from finalmile.forecasters.sold_out import expected_given_at_least, usual_variance
from finalmile.frames import Frequency, IntArray, Panel
from finalmile.inventory.override_value import Edits, sold_out, worth_of
from finalmile.records import OrderLine
from finalmile.simulation import UnitsArray
from finalmile.workflows.orders import note_of
from finalmile.workflows.override_reports import Overrides, Weighed, override_values
from finalmile.workflows.shop import Shop
from finalmile.workflows.terms import holding_rate, positions

DAYS_PER_YEAR = 365.25

Arrivals = Mapping[str, Sequence[tuple[str, int, float]]]
"""By item: order, period and units of everything that came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """An edit whose time is over: ``window`` periods from ``first`` on, the arrival put off by ``later`` periods."""

    line: OrderLine
    row: int
    first: int
    window: int
    asked: float
    proposed: float
    later: int


def override_value(shop: Shop, lines: Sequence[OrderLine], receipts: pl.DataFrame) -> Overrides:
    """Money that edits saved, by planner and reason: of those that were sent, and whose time is over.

    An edit decides about the periods from its order to when the next one can have arrived. The supplier is taken to
    have delivered the proposed quantity as it delivered the edited one: the same share of it, as much after the day
    asked for. Where the shelf ran empty, demand is not known, and is taken as expected of a negative binomial of the
    forecast's mean that was at least what was sold.

    Parameters
    ----------
    lines
        All order lines; those that nobody edited, or that were never sent, are left out.
    receipts
        ``order_id, unique_id, quantity, received_at``.
    """
    edited = [line for line in lines if note_of(line, "override") and note_of(line, "sent")]
    currency = shop.config.currency
    if not edited:
        return Overrides(rows=(), currency=currency)
    first = min(shop.frequency.index_of(line.ordered_at) for line in edited)
    newest = shop.known.newest
    panel = shop.known.panel(newest, periods=max(newest - first + 1, 1))
    cases = [case for line in edited if (case := _case(line, panel)) is not None]
    weighed = _weighed(shop, cases, panel, receipts) if cases else []
    return Overrides(
        rows=tuple(override_values(weighed)),
        total=tuple(override_values(weighed, together=True)),
        waiting=len(edited) - len(cases),
        unpriced=len(cases) - len(weighed),
        currency=currency,
    )


def _case(line: OrderLine, panel: Panel) -> _Case | None:
    """The edit, where all of its time is over and its series is known."""
    frequency = panel.frequency
    first, row = frequency.index_of(line.ordered_at), np.flatnonzero(panel.ids == line.unique_id)
    window = round(_number(line, "review_periods", 1.0) + _number(line, "lead_periods", 0.0))
    if not len(row) or first + window - 1 > panel.cutoff:
        return None
    told, answered = note_of(line, "override"), note_of(line, "acknowledged")
    asked_due = answered.get("asked_due", line.due.isoformat())
    return _Case(
        line=line,
        row=int(row[0]),
        first=first,
        window=window,
        asked=float(str(answered.get("asked_quantity", line.quantity))),
        proposed=float(str(told["proposed_quantity"])),
        later=_period(frequency, asked_due) - _period(frequency, told["proposed_due"]),
    )


def _weighed(shop: Shop, cases: Sequence[_Case], panel: Panel, receipts: pl.DataFrame) -> list[Weighed]:
    edits = _edits(shop, cases, panel, receipts)
    worth = worth_of(replace(edits, demand=_asked_for(edits, cases)))
    return [
        Weighed(
            planner=str(note_of(case.line, "override").get("by", "")),
            code=str(note_of(case.line, "override").get("code", "")),
            day=str(case.line.ordered_at),
            shortage=float(worth.shortage[k]),
            holding=float(worth.holding[k]),
        )
        for k, case in enumerate(cases)
        if np.isfinite(worth.saved[k])
    ]


def _edits(shop: Shop, cases: Sequence[_Case], panel: Panel, receipts: pl.DataFrame) -> Edits:
    longest = max(case.window for case in cases)
    came = _arrivals(receipts, panel.frequency)
    edited, proposed, demand = (np.zeros((len(cases), longest)) for _ in range(3))
    for k, case in enumerate(cases):
        mine = [one for one in came.get(case.line.unique_id, ()) if one[0] == case.line.order_id]
        rest = [one for one in came.get(case.line.unique_id, ()) if one[0] != case.line.order_id]
        others = _placed([(period, units) for _, period, units in rest], case, longest, before=False)
        edited[k] = others + _placed([(period, units) for _, period, units in mine], case, longest)
        share = case.proposed / case.asked
        proposed[k] = others + _placed(
            [(period - case.later, units * share) for _, period, units in mine], case, longest
        )
        demand[k, : case.window] = panel.y[case.row, case.first - panel.first :][: case.window]
    shortage, holding = _costs(shop, panel, np.array([case.row for case in cases]))
    return Edits(
        on_hand=np.array([_number(case.line, "on_hand", 0.0) for case in cases]),
        edited=edited,
        proposed=proposed,
        demand=np.maximum(np.nan_to_num(demand), 0.0),
        counts=np.arange(longest) < np.array([case.window for case in cases])[:, None],
        shortage_cost=shortage,
        holding_cost=holding,
    )


def _arrivals(receipts: pl.DataFrame, frequency: Frequency) -> Arrivals:
    came: dict[str, list[tuple[str, int, float]]] = {}
    if receipts.is_empty():
        return came
    periods = frequency.index(receipts["received_at"]).tolist()
    named = receipts.select("order_id", "unique_id", "quantity").iter_rows()
    for (order, item, units), period in zip(named, periods, strict=True):
        came.setdefault(str(item), []).append((str(order), int(period), float(units)))
    return came


def _placed(arrivals: Sequence[tuple[int, float]], case: _Case, length: int, *, before: bool = True) -> UnitsArray:
    """Units by period from the order on; what would have come before it comes with it, or was counted already."""
    row = np.zeros(length)
    for period, units in arrivals:
        at = period - case.first
        if (at >= 0 or before) and at < length:
            row[max(at, 0)] += max(units, 0.0)
    return row


def _asked_for(edits: Edits, cases: Sequence[_Case]) -> UnitsArray:
    """Demand, with what was probably asked for and not sold where the shelf ran empty."""
    mean = np.array([_number(case.line, "expected_demand", 0.0) / max(case.window, 1) for case in cases])
    mean = np.broadcast_to(np.maximum(mean, 1e-9)[:, None], edits.demand.shape)
    likely = expected_given_at_least(mean, edits.demand, variance=usual_variance(mean))
    return np.where(sold_out(edits), np.maximum(likely, edits.demand), edits.demand)


def _costs(shop: Shop, panel: Panel, rows: IntArray) -> tuple[UnitsArray, UnitsArray]:
    """Margin of a unit, and the cost of holding one for a period; NaN where neither price nor cost is known."""
    mine = panel.take(rows)
    terms = positions(shop, mine, on_hand=np.zeros(len(rows)))
    rate = holding_rate(shop, mine.ids, cutoff=panel.cutoff)
    a_period = terms.unit_cost * rate * panel.frequency.days / DAYS_PER_YEAR
    return np.maximum(terms.unit_price - terms.unit_cost, 0.0), a_period


def _period(frequency: Frequency, day: object) -> int:
    text = str(day)
    return frequency.index_of(date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text))


def _number(line: OrderLine, name: str, default: float) -> float:
    value = line.reason.get(name)
    return float(value) if isinstance(value, int | float) else default
