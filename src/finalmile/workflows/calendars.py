"""Suppliers' calendars of the settings: what an order decided now must last where orders and deliveries have days."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np

from finalmile.config import Config, Supplier
from finalmile.errors import MissingInputError
from finalmile.frames import IntArray, NameArray
from finalmile.inventory import Position
from finalmile.inventory.calendars import Calendar, Turn, days_between, turn
from finalmile.inventory.lead_times import LeadTimes
from finalmile.workflows.attributes import Attributes
from finalmile.workflows.shop import Shop

_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def calendars(config: Config) -> Mapping[str, Calendar]:
    """Calendars of the suppliers that have one, by name."""
    return {
        name: Calendar(
            order_days=frozenset(_WEEK.index(day) for day in supplier.order_days),
            delivery_days=frozenset(_WEEK.index(day) for day in supplier.delivery_days),
        )
        for name, supplier in config.suppliers.items()
        if supplier.order_days or supplier.delivery_days or supplier.cut_off
    }


def first_day(shop: Shop, cutoff: int) -> date:
    """The day on which orders decided at a cutoff are placed.

    Raises
    ------
    MissingInputError
        Where periods are no days, so that days of the week mean nothing.
    """
    day = shop.day(cutoff + 1)
    if shop.frequency.days != 1 or isinstance(day, datetime):
        raise MissingInputError(
            f"suppliers' order_days, delivery_days and cut_off need daily sales, and these are of each "
            f"{shop.frequency}: take them out of suppliers in finalmile.yaml, and say review_period_days instead"
        )
    return day


def too_late(shop: Shop, supplier: Supplier, day: date) -> bool:
    """Whether it is past the supplier's cut-off of this very day."""
    if supplier.cut_off is None:
        return False
    there = shop.clock.now().astimezone(ZoneInfo(supplier.time_zone))
    return there.date() == day and there.time() > supplier.cut_off


def own_review(shop: Shop, given: Attributes) -> IntArray:
    """Days between orders that items themselves name, 1 where they name none."""
    days = given.number("review_period_days") / shop.frequency.days
    return np.where(np.isnan(days), 1, np.maximum(np.ceil(np.nan_to_num(days, nan=1.0) - 1e-9), 1)).astype(np.int64)


def on_calendars(shop: Shop, at: Position, given: Attributes, *, cutoff: int) -> Position:
    """The position with lead times and reviews as the calendars of suppliers make them; without any, as it is."""
    known = calendars(shop.config)
    rows = np.flatnonzero(np.array([str(name) in known for name in at.supplier], dtype=np.bool_))
    if not len(rows):
        return at
    own = np.where([bool(known[str(name)].order_days) for name in at.supplier[rows]],
                   own_review(shop, given)[rows], at.review_periods[rows])  # fmt: skip
    told = _turns(shop, known, cutoff=cutoff)
    turns = {
        row: told(str(at.supplier[row]), int(at.lead_periods[row]), review)
        for row, review in zip(rows.tolist(), own.tolist(), strict=True)
    }
    leads, reviews = at.lead_periods.copy(), at.review_periods.copy()
    leads[rows] = [one.lead for one in turns.values()]
    reviews[rows] = [one.review for one in turns.values()]
    by_calendar = _ByCalendar(day=first_day(shop, cutoff), known=known, config=shop.config, of=at.supplier, turns=turns)
    return replace(
        at,
        lead_periods=leads,
        review_periods=reviews,
        lead_times=None if at.lead_times is None else by_calendar(at.lead_times, reviews),
        deliveries=None if at.deliveries is None else by_calendar(at.deliveries, reviews),
    )


def _turns(shop: Shop, known: Mapping[str, Calendar], *, cutoff: int) -> Callable[[str, int, int], Turn]:
    """Turns by supplier, lead time and review, each worked out once."""
    day = first_day(shop, cutoff)
    late = {name: too_late(shop, shop.config.suppliers[name], day) for name in known}

    @cache
    def told(supplier: str, lead: int, review: int) -> Turn:
        return turn(known[supplier], day, lead=lead, review=review, missed=late[supplier])

    return told


@dataclass(frozen=True, slots=True, kw_only=True)
class _ByCalendar:
    """Lead times of items as calendars make them: ``turns`` by row, ``of`` the supplier of each."""

    day: date
    known: Mapping[str, Calendar]
    config: Config
    of: NameArray
    turns: Mapping[int, Turn]

    def __call__(self, told: LeadTimes, reviews: IntArray) -> LeadTimes:
        """When this order is delivered, and when the one after it, however long each takes."""

        @cache
        def delivered(supplier: str, ordered_in: int, lead: int) -> int:
            return days_between(self.known[supplier], self.day, ordered_in=ordered_in, lead=lead)

        periods, lasts, sources = told.periods.copy(), reviews[:, None] + told.periods, told.sources.copy()
        for row, one in self.turns.items():
            supplier, lengths = str(self.of[row]), told.periods[row].tolist()
            periods[row] = [delivered(supplier, one.ordered_in, lead) for lead in lengths]
            lasts[row] = [delivered(supplier, one.next_in, lead) for lead in lengths]
            sources[row] = f"{sources[row]}; {_days_of(self.config.suppliers[supplier])}"
        return replace(told, periods=periods, lasts=lasts, sources=sources)


def _days_of(supplier: Supplier) -> str:
    return f"orders {_named(supplier.order_days)}, deliveries {_named(supplier.delivery_days)}"


def _named(days: Sequence[str]) -> str:
    return " ".join(days) or "every day"
