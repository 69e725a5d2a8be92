"""Whose turn it is: items of one supplier together, on its own day or on the days on which it takes orders."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from finalmile.frames import BoolArray, IntArray, NameArray
from finalmile.frames.rows import rows_by
from finalmile.inventory import Position
from finalmile.workflows.attributes import Attributes
from finalmile.workflows.calendars import calendars, first_day, own_review, too_late
from finalmile.workflows.shop import Shop
from finalmile.workflows.terms import chance


def due_at(terms: Position, cutoff: int, *, since: int | None = None) -> BoolArray:
    """Which items are reviewed at the end of a period: all of one supplier on the same, its own, day.

    Items of a supplier that are reviewed less often than others have their turn together with some turn of those, where
    their period is a multiple of the others'.

    Parameters
    ----------
    since
        Last period that was planned; whoever's turn fell after it and was missed is due too. By default the period
        before.
    """
    before = cutoff - 1 if since is None else since
    offset = np.array([chance(str(name), 0) for name in terms.supplier])
    turn = np.floor(offset * _shortest(terms.supplier, terms.review_periods)).astype(np.int64)
    due: BoolArray = (cutoff + turn) // terms.review_periods > (before + turn) // terms.review_periods
    return due


def _shortest(supplier: NameArray, review: IntArray) -> IntArray:
    """Shortest review period of each item's supplier; its own where no supplier is known."""
    least: dict[str, int] = {}
    for name, periods in zip(supplier.tolist(), review.tolist(), strict=True):
        least[name] = min(periods, least.get(name, periods))
    shortest: IntArray = np.array([least[name] if name else own for name, own in zip(supplier, review, strict=True)])
    return shortest


def due_now(shop: Shop, at: Position, *, cutoff: int, since: int | None = None) -> BoolArray:
    """Which items are ordered at the end of a cutoff in the course of days, calendars of suppliers included."""
    due = due_at(at, cutoff, since=since)
    waits = waiting(shop, at, cutoff=cutoff)
    known = calendars(shop.config)
    with_days = [name for name, calendar in known.items() if calendar.order_days]
    if not with_days:
        return due
    day = first_day(shop, cutoff)
    own = own_review(shop, Attributes(at.ids, shop.known.items(cutoff)))
    planned = cutoff - 1 if since is None else since
    rows = rows_by(at.supplier)
    for name in with_days:
        mine = rows.get(name, np.zeros(0, dtype=np.int64))
        before = min(cutoff - (day - known[name].orders_before(day)).days, planned)
        turn = np.floor(chance(name, 0) * own[mine]).astype(np.int64)
        due[mine] = (cutoff + turn) // own[mine] > (before + turn) // own[mine]
    return due & ~waits


def waiting(shop: Shop, at: Position, *, cutoff: int) -> BoolArray:
    """Items whose supplier takes no order on the day after the cutoff, or none any more."""
    waits = np.zeros(at.n, dtype=np.bool_)
    known = calendars(shop.config)
    for name, mine in rows_by(at.supplier).items() if known else ():
        calendar = known.get(name)
        if calendar is not None and calendar.order_days:
            day = first_day(shop, cutoff)
            soonest = day + timedelta(days=int(too_late(shop, shop.config.suppliers[name], day)))
            waits[mine] = calendar.orders_from(soonest) != day
    return waits
