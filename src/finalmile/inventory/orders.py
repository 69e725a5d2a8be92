"""Order lines from a proposal, with every number each quantity came from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from math import isfinite

import numpy as np

from finalmile.frames import Frequency
from finalmile.inventory.constraints import terms
from finalmile.inventory.position import Position
from finalmile.inventory.proposal import Proposal
from finalmile.inventory.steps import Step, chain
from finalmile.records import Json, OrderLine
from finalmile.simulation import UnitsArray


def order_lines(
    at: Position, proposal: Proposal, *, ordered_at: date | datetime, frequency: Frequency, currency: str
) -> list[OrderLine]:
    """One line for each item with a quantity, lines of one supplier sharing an order.

    The ids follow from supplier, period of order and item alone, so a rerun in the same period proposes the same lines
    again instead of ordering twice.

    Parameters
    ----------
    ordered_at
        In the period after the last one known: orders decided at the end of a period are placed as the next begins.
    currency
        Of ``unit_cost``.

    Returns
    -------
    list of OrderLine
        By supplier, then item; due at the start of the period ``lead_periods`` after the one of ``ordered_at``.
        Empty where nothing is to be ordered.

    Examples
    --------
    >>> from finalmile.inventory import PointDemand, position
    >>> from finalmile.inventory.policies import policies
    >>> at = position(np.array(["tea"], dtype=object), on_hand=np.array([1.0]), lead_periods=np.array([2]))
    >>> wanted = policies.make("periods_of_cover")(at, PointDemand(mean=np.ones((1, 4)), sd=np.ones(1)))
    >>> line = order_lines(at, wanted, ordered_at=date(2024, 5, 1), frequency=Frequency("day"), currency="EUR")[0]
    >>> line.quantity, line.due.isoformat(), line.reason["level"]
    (3, '2024-05-03', 4.0)
    """
    period = frequency.index_of(ordered_at)
    day = frequency.start_of(period)
    rows = sorted(np.flatnonzero(proposal.quantity > 0).tolist(), key=lambda row: (at.supplier[row], at.ids[row]))
    orders = {supplier: order_id(supplier, day=day) for supplier in {str(at.supplier[row]) for row in rows}}
    dues = {lead: frequency.start_of(period + lead) for lead in {int(at.lead_periods[row]) for row in rows}}
    steps = (*proposal.steps, *terms(at, proposal.raw), *proposal.rules)
    return [_line(at, proposal, row, day=day, orders=orders, dues=dues, currency=currency, steps=steps) for row in rows]


def order_id(supplier: str, *, day: date | datetime) -> str:
    """Id of the order a supplier gets in the period that starts at ``day``.

    Examples
    --------
    >>> order_id("Acme", day=date(2024, 5, 1)) == order_id("Acme", day=date(2024, 5, 1))
    True
    """
    stamp = f"{day:%Y%m%dT%H}" if isinstance(day, datetime) else f"{day:%Y%m%d}"
    return f"PO-{stamp}-{_digest(supplier)}"


def _line(
    at: Position,
    proposal: Proposal,
    row: int,
    *,
    day: date | datetime,
    orders: Mapping[str, str],
    dues: Mapping[int, date | datetime],
    currency: str,
    steps: tuple[Step, ...],
) -> OrderLine:
    supplier, name = str(at.supplier[row]), str(at.ids[row])
    order = orders[supplier]
    return OrderLine(
        order_id=order,
        line_id=f"{order}-{_digest(name)}",
        supplier=supplier,
        unique_id=name,
        quantity=round(float(proposal.quantity[row])),
        unit_cost=_known(at.unit_cost, row),
        currency=currency,
        ordered_at=day,
        due=dues[int(at.lead_periods[row])],
        assumed=bool(at.assumed[row]),
        reason={**_reason(at, proposal, row), "steps": chain(steps, row)},
    )


def _reason(at: Position, proposal: Proposal, row: int) -> Json:
    return {
        "policy": proposal.policy,
        **proposal.settings,
        "method": str(proposal.methods[row]),
        "window": int(proposal.window[row]),
        "review_periods": int(at.review_periods[row]),
        "lead_periods": int(at.lead_periods[row]),
        **_lead_time(at, row),
        "expected_demand": _known(proposal.expected, row),
        "level": _known(proposal.level, row),
        "on_hand": float(at.on_hand[row]),
        "on_order": float(at.on_order[row]),
        "wanted": _known(proposal.raw, row),
        "moq": float(at.moq[row]),
        "pack_size": max(float(at.pack_size[row]), 1.0),
        "max_stock": _known(at.max_stock, row),
        "bound": str(proposal.bound[row]),
        **{name: told for name, values in proposal.details.items() if (told := _known(values, row)) is not None},
        "assumed": bool(at.assumed[row]),
        **({} if at.cost_assumed is None else {"cost_assumed": bool(at.cost_assumed[row])}),
    }


def _lead_time(at: Position, row: int) -> Json:
    """Where a lead time comes from, and how much it varies."""
    told = at.lead_times
    if told is None:
        return {}
    mean, sd = float(told.mean[row]), float(told.sd[row])
    return {"lead_time_from": str(told.sources[row]), "lead_time_mean": mean, "lead_time_sd": sd}


def _known(values: UnitsArray, row: int) -> float | None:
    value = float(values[row])
    return value if isfinite(value) else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]
