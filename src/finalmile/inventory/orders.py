"""Order lines from a proposal, with every number each quantity came from."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from math import isfinite
from typing import Any

import numpy as np

from finalmile.frames import Frequency, IntArray
from finalmile.inventory.constraints import terms
from finalmile.inventory.position import Position
from finalmile.inventory.proposal import Proposal
from finalmile.inventory.steps import Step, chains
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
    reasons = _reasons(at, proposal, np.array(rows, dtype=np.int64), steps=steps)
    return [
        _line(at, proposal, row, day=day, orders=orders, dues=dues, currency=currency, reason=reason)
        for row, reason in zip(rows, reasons, strict=True)
    ]


def order_id(supplier: str, *, day: date | datetime) -> str:
    """Id of the order a supplier gets in the period that starts at ``day``.

    It has 22 characters, which is what the formats of partners have room for: 40 bits tell suppliers apart, in base 16
    behind a day, in base 32 behind an hour.

    Examples
    --------
    >>> order_id("Acme", day=date(2024, 5, 1))
    'PO-20240501-37036cd8f9'
    >>> order_id("Acme", day=datetime(2024, 5, 1, 10))
    'PO-2024050110-g4bwzwhz'
    """
    if isinstance(day, datetime):
        short = base64.b32encode(bytes.fromhex(_digest(supplier))).decode().lower()
        return f"PO-{day:%Y%m%d%H}-{short}"
    return f"PO-{day:%Y%m%d}-{_digest(supplier)}"


def _line(
    at: Position,
    proposal: Proposal,
    row: int,
    *,
    day: date | datetime,
    orders: Mapping[str, str],
    dues: Mapping[int, date | datetime],
    currency: str,
    reason: Json,
) -> OrderLine:
    supplier, name = str(at.supplier[row]), str(at.ids[row])
    order = orders[supplier]
    return OrderLine(
        order_id=order,
        line_id=f"{order}-{_digest(name)}",
        supplier=supplier,
        unique_id=name,
        quantity=round(float(proposal.quantity[row])),
        unit_cost=_known(at.unit_cost if proposal.unit_cost is None else proposal.unit_cost, row),
        currency=currency,
        ordered_at=day,
        due=dues[int(at.lead_periods[row])],
        assumed=bool(at.assumed[row]),
        reason=reason,
    )


def _reasons(at: Position, proposal: Proposal, rows: IntArray, *, steps: Sequence[Step]) -> list[Json]:
    """Every number behind the quantity of each row, column by column: rows are many."""
    same = {"policy": proposal.policy, **proposal.settings}
    facts = {name: values[rows].tolist() for name, values in _facts(at, proposal).items()}
    numbers = {name: _finite(values[rows]) for name, values in _numbers(at, proposal).items()}
    details = {name: _finite(values[rows]) for name, values in proposal.details.items()}
    always = {**facts, **numbers}
    return [
        {
            **same,
            **{name: values[k] for name, values in always.items()},
            **{name: values[k] for name, values in details.items() if values[k] is not None},
            "steps": told,
        }
        for k, told in enumerate(chains(steps, rows.tolist()))
    ]


def _facts(at: Position, proposal: Proposal) -> dict[str, np.ndarray[Any, Any]]:
    """Words, whole numbers and yes or no."""
    facts: dict[str, np.ndarray[Any, Any]] = {
        "method": proposal.methods,
        "window": proposal.window,
        "review_periods": at.review_periods,
        "lead_periods": at.lead_periods,
        "bound": proposal.bound,
        "assumed": at.assumed,
    }
    if at.lead_times is not None:
        facts["lead_time_from"] = at.lead_times.sources
    if at.cost_assumed is not None:
        facts["cost_assumed"] = at.cost_assumed
    return facts


def _numbers(at: Position, proposal: Proposal) -> dict[str, UnitsArray]:
    """Numbers that every line tells, known or not."""
    numbers = {
        "expected_demand": proposal.expected,
        "level": proposal.level,
        "on_hand": at.on_hand,
        "on_order": at.on_order,
        "wanted": proposal.raw,
        "moq": at.moq,
        "pack_size": np.maximum(at.pack_size, 1.0),
        "max_stock": at.max_stock,
    }
    if at.lead_times is None:
        return numbers
    return {**numbers, "lead_time_mean": at.lead_times.mean, "lead_time_sd": at.lead_times.sd}


def _finite(values: UnitsArray) -> list[float | None]:
    told: list[float] = values.astype(np.float64).tolist()
    return [one if isfinite(one) else None for one in told]


def _known(values: UnitsArray, row: int) -> float | None:
    value = float(values[row])
    return value if isfinite(value) else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]
