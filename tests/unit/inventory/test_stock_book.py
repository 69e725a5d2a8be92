"""Stock as the books have it, from counts and everything that moved since."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finalmile.frames import Frequency, panel_from_sales
from finalmile.inventory.stock_book import StockBook, open_lines, standing

DAY = Frequency("day")
BEGIN = date(2024, 1, 1)
NONE = pl.DataFrame()


def day(number: int) -> date:
    return BEGIN + timedelta(days=number)


def panel(items=("a",), *, days=10, sold=1.0):
    rows = [(item, day(t), sold) for item in items for t in range(days)]
    sales = pl.DataFrame(rows, schema=["unique_id", "ds", "y"], orient="row")
    return panel_from_sales(sales, frequency=DAY, cutoff=DAY.index_of(day(days - 1)), listed={})


def counts(*told):
    """Item, day, units and the instant they became known."""
    return pl.DataFrame(list(told), schema=["unique_id", "at", "on_hand", "known_at"], orient="row")


def count(number, units, *, item="a", hour=23):
    return item, day(number), units, datetime(2024, 1, 1, hour, 59, tzinfo=UTC) + timedelta(days=number)


def receipts(**columns):
    told = {"order_id": "PO", "unique_id": "a", "quantity": 5.0, "received_at": day(7), **columns}
    return pl.DataFrame({name: [value] for name, value in told.items()})


def stock(book, **settings):
    told = standing(panel(**settings), book)
    return told.on_hand.tolist(), told.arriving.sum(axis=1).tolist()


def book(told, **tables):
    return StockBook(counts=told, **{"receipts": NONE, "open_orders": NONE, **tables})


def test_a_count_less_sales_and_plus_receipts_since_is_what_is_there():
    assert stock(book(counts(count(6, 10)), receipts=receipts())) == ([12.0], [0.0])


def test_what_came_after_the_last_sales_is_on_its_way_and_not_forgotten():
    assert stock(book(counts(count(9, 10)), receipts=receipts(received_at=day(10)))) == ([10.0], [5.0])


def test_what_came_but_is_not_put_away_yet_is_on_its_way():
    came = receipts(received_at=day(8), available_at=day(11))
    assert stock(book(counts(count(9, 10)), receipts=came)) == ([10.0], [5.0])
    assert standing(panel(), book(counts(count(9, 10)), receipts=came)).arriving[0].tolist() == [0.0, 5.0]


def test_a_count_of_this_morning_goes_before_what_came_today():
    assert stock(book(counts(count(10, 7, hour=8)), receipts=receipts(received_at=day(10)))) == ([7.0], [5.0])


def test_a_count_of_an_evening_whose_sales_are_late_holds_what_came_that_day():
    told = counts(("a", day(10), 7, datetime(2024, 1, 12, 8, tzinfo=UTC)))
    assert stock(book(told, receipts=receipts(received_at=day(10)))) == ([7.0], [0.0])


def test_more_sold_than_there_was_is_nothing_on_hand_and_a_negative_book():
    told = standing(panel(), book(counts(count(0, 3))))
    assert (told.booked.tolist(), told.on_hand.tolist()) == ([-6.0], [0.0])


def test_what_is_written_off_is_gone_even_after_the_last_sales():
    lost = pl.DataFrame({"unique_id": ["a"], "at": [day(10)], "reason": ["expired"], "quantity": [-4.0]})
    assert stock(book(counts(count(9, 10)), adjustments=lost)) == ([6.0], [0.0])


@given(
    shipped=st.integers(0, 12), took=st.none() | st.integers(0, 12), units=st.integers(1, 9), part=st.integers(0, 9),
    due=st.none() | st.integers(0, 20),
)  # fmt: skip
def test_between_two_locations_nothing_is_made_or_lost(shipped, took, units, part, due):
    told = {
        "transfer_id": ["T"], "unique_id": ["a"], "to_id": ["b"], "quantity": [float(units)],
        "shipped_at": [day(shipped)],
        "due": [None if due is None else day(due)], "received_at": [None if took is None else day(shipped + took)],
        "received": [None if took is None else float(min(part, units))],
    }  # fmt: skip
    moves = pl.DataFrame(told, schema_overrides={"due": pl.Date, "received_at": pl.Date, "received": pl.Float64})
    start = counts(("a", day(-1), 50.0, None), ("b", day(-1), 50.0, None))
    here = standing(panel(("a", "b"), sold=0.0), book(start, transfers=moves))
    assert here.booked.sum() + here.arriving.sum() == pytest.approx(100.0)
    assert here.booked[0] == 50.0 - units


def test_a_listing_of_another_system_is_not_reduced_by_history_loaded_after_it():
    noon = datetime(2024, 1, 8, 12, tzinfo=UTC)
    listed = pl.DataFrame(
        {"order_id": ["PO"], "unique_id": ["a"], "quantity": [4.0], "due": [day(12)], "known_at": [noon]}
    )
    history = receipts(received_at=day(1), known_at=noon + timedelta(hours=1), backfilled=True)
    today = receipts(received_at=day(8), known_at=noon + timedelta(hours=1), backfilled=False, quantity=3.0)
    told = open_lines(book(counts(count(9, 10)), open_orders=listed, receipts=history))
    assert [units for _, units in told.values()] == [4.0]
    told = open_lines(book(counts(count(9, 10)), open_orders=listed, receipts=pl.concat([history, today])))
    assert [units for _, units in told.values()] == [1.0]


def test_an_order_that_is_late_is_on_its_way_once_and_next():
    late = pl.DataFrame({"order_id": ["PO"], "unique_id": ["a"], "quantity": [4.0], "due": [day(2)]})
    told = standing(panel(), book(counts(count(9, 10)), open_orders=late))
    assert np.array_equal(told.arriving, [[4.0]])
