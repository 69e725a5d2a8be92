"""When a supplier takes orders and when it delivers: how long an order placed now must last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

_WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Days of the week, Monday 0 to Sunday 6; every day where none is named."""

    order_days: frozenset[int] = frozenset()
    delivery_days: frozenset[int] = frozenset()

    def orders_from(self, day: date) -> date:
        """First day from ``day`` on at which orders are taken.

        Examples
        --------
        >>> Calendar(order_days=frozenset({0, 3})).orders_from(date(2024, 5, 1))   # a Wednesday
        datetime.date(2024, 5, 2)
        """
        return _first(day, self.order_days)

    def orders_before(self, day: date) -> date:
        """Last day before ``day`` at which orders were taken."""
        return next(day - timedelta(days=n) for n in range(1, _WEEK + 1) if self.takes(day - timedelta(days=n)))

    def takes(self, day: date) -> bool:
        """Whether orders are taken on a day."""
        return not self.order_days or day.weekday() in self.order_days

    def arrives(self, ordered: date, *, lead: int) -> date:
        """First delivery at least ``lead`` days after an order."""
        return _first(ordered + timedelta(days=lead), self.delivery_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What an order decided on a day comes to: in days from then.

    Parameters
    ----------
    ordered_in
        Until the supplier takes it.
    lead
        Until it is delivered.
    review
        From that delivery to the next that can be ordered, at least 1.
    next_in
        Until the supplier takes that next order.
    """

    ordered_in: int
    lead: int
    review: int
    next_in: int


def turn(calendar: Calendar, today: date, *, lead: int, review: int, missed: bool = False) -> Turn:
    """The next order that a supplier takes, and the one after it.

    Parameters
    ----------
    lead
        Days from an order to when it could be delivered at the earliest.
    review
        Least days between two orders of the item, at least 1.
    missed
        It is too late for orders of today.

    Examples
    --------
    Orders are taken on Mondays and Thursdays, take two days, and are delivered on Tuesdays and Saturdays. Monday's
    comes on Saturday, Thursday's on that Saturday too, the next Monday's a week later: Monday's must last until then.

    >>> week = Calendar(order_days=frozenset({0, 3}), delivery_days=frozenset({1, 5}))
    >>> turn(week, date(2024, 4, 29), lead=2, review=1)
    Turn(ordered_in=0, lead=5, review=7, next_in=7)
    """
    ordered = calendar.orders_from(today + timedelta(days=int(missed)))
    comes = calendar.arrives(ordered, lead=lead)
    following = calendar.orders_from(ordered + timedelta(days=max(review, 1)))
    while (after := calendar.arrives(following, lead=lead)) <= comes:
        following = calendar.orders_from(following + timedelta(days=1))
    return Turn(
        ordered_in=(ordered - today).days,
        lead=(comes - today).days,
        review=(after - comes).days,
        next_in=(following - today).days,
    )


def days_between(calendar: Calendar, today: date, *, ordered_in: int, lead: int) -> int:
    """Days from today until an order that is taken in so many days is delivered, if it takes so long.

    Examples
    --------
    Taken on Thursday, it takes two days or five, and is delivered on Tuesdays and Saturdays:

    >>> week = Calendar(order_days=frozenset({0, 3}), delivery_days=frozenset({1, 5}))
    >>> [days_between(week, date(2024, 4, 29), ordered_in=3, lead=lead) for lead in (2, 5)]
    [5, 8]
    """
    return (calendar.arrives(today + timedelta(days=ordered_in), lead=lead) - today).days


def _first(day: date, days: frozenset[int]) -> date:
    return next(day + timedelta(days=n) for n in range(_WEEK) if not days or (day.weekday() + n) % _WEEK in days)
