"""Days on which suppliers take orders and deliver, and what an order must last because of them."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from finalmile.inventory.calendars import Calendar, turn

WEEKDAYS = st.frozensets(st.integers(0, 6))
DAYS = st.dates(date(2024, 1, 1), date(2024, 12, 31))
CALENDARS = st.builds(Calendar, order_days=WEEKDAYS, delivery_days=WEEKDAYS)


def searched(calendar, today, *, lead, review, missed):
    """Day by day: when it is ordered, when it comes, and when the next comes that comes later."""

    def orders(day):
        return not calendar.order_days or day.weekday() in calendar.order_days

    def comes(ordered):
        day = ordered + timedelta(days=lead)
        while calendar.delivery_days and day.weekday() not in calendar.delivery_days:
            day += timedelta(days=1)
        return day

    ordered = today + timedelta(days=int(missed))
    while not orders(ordered):
        ordered += timedelta(days=1)
    later = ordered + timedelta(days=review)
    while not (orders(later) and comes(later) > comes(ordered)):
        later += timedelta(days=1)
    return ordered, comes(ordered), comes(later)


@given(CALENDARS, DAYS, st.integers(0, 20), st.integers(1, 15), st.booleans())
def test_a_turn_is_what_a_search_day_by_day_finds(calendar, today, lead, review, missed):
    ordered, comes, following = searched(calendar, today, lead=lead, review=review, missed=missed)
    told = turn(calendar, today, lead=lead, review=review, missed=missed)
    assert today + timedelta(days=told.ordered_in) == ordered
    assert today + timedelta(days=told.lead) == comes
    assert comes + timedelta(days=told.review) == following


@given(DAYS, st.integers(0, 20), st.integers(1, 15))
def test_without_days_nothing_changes(today, lead, review):
    told = turn(Calendar(), today, lead=lead, review=review)
    assert (told.ordered_in, told.lead, told.review) == (0, lead, review)


@given(CALENDARS, DAYS)
def test_the_order_day_before_is_one_and_none_lies_between(calendar, today):
    before = calendar.orders_before(today)
    assert calendar.takes(before)
    between = [before + timedelta(days=n) for n in range(1, (today - before).days)]
    assert not any(calendar.takes(day) for day in between)
