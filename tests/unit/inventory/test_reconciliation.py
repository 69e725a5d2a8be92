"""Where stock and its books disagree is a finding, and where they agree there is none."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finalmile.frames import Frequency, panel_from_sales
from finalmile.inventory.reconciliation import recounts, stock_findings, written_off
from finalmile.inventory.stock_book import StockBook, standing

DAY = Frequency("day")
BEGIN = date(2024, 1, 1)
NONE = pl.DataFrame()


def day(number: int) -> date:
    return BEGIN + timedelta(days=number)


def panel(sold, *, items=("a",)):
    rows = [(item, day(t), float(units)) for item in items for t, units in enumerate(sold)]
    sales = pl.DataFrame(rows, schema=["unique_id", "ds", "y"], orient="row")
    return panel_from_sales(sales, frequency=DAY, cutoff=DAY.index_of(day(len(sold) - 1)), listed={})


def book(counts, **tables):
    told = pl.DataFrame([("a", day(t), float(units)) for t, units in counts], orient="row",
                        schema=["unique_id", "at", "on_hand"])  # fmt: skip
    return StockBook(counts=told, **{"receipts": NONE, "open_orders": NONE, **tables})


def found(sold, told, *, cost=2.0, keeps=np.inf, tolerance=0.0):
    here = panel(sold)
    return stock_findings(here, told, standing(here, told), unit_cost=np.array([cost]), shelf_life=np.array([keeps]),
                          tolerance=tolerance)  # fmt: skip


def receipt(t, units):
    return pl.DataFrame({"order_id": ["PO"], "unique_id": ["a"], "quantity": [float(units)], "received_at": [day(t)]})


@given(
    sold=st.lists(st.integers(0, 5), min_size=6, max_size=12), came=st.integers(0, 20), at=st.integers(0, 5),
    lost=st.integers(0, 4), lost_at=st.integers(0, 5), stolen=st.integers(-3, 3), first=st.integers(0, 4),
)  # fmt: skip
def test_a_count_differs_from_the_books_by_what_nobody_told_them(sold, came, at, lost, lost_at, stolen, first):
    last = len(sold) - 1
    since = range(first + 1, last + 1)
    units = 50 - sum(sold[t] for t in since) + came * (at in since) - lost * (lost_at in since) + stolen
    adjusted = pl.DataFrame(
        {"unique_id": ["a"], "at": [day(lost_at)], "reason": ["broken"], "quantity": [-float(lost)]}
    )
    told = book([(first, 50), (last, units)], receipts=receipt(at, came), adjustments=adjusted)
    assert recounts(panel(sold), told).difference.tolist() == [stolen]
    told_of = [one for one in found(sold, told) if one.check == "stock_count"]
    assert bool(told_of) == (abs(stolen) > 1)


def test_shrinkage_says_how_much_and_what_it_is_worth():
    (one,) = found([0, 1, 1], book([(0, 10), (2, 5)]))
    assert (one.check, one.subject, one.value, one.benchmark) == ("stock_count", "product a", 5.0, 8.0)
    assert one.why.startswith("3 units fewer than the books say")
    assert "worth 6.00" in one.why
    assert one.effect == pytest.approx(-3 / 8)


def test_a_difference_within_the_tolerance_is_none():
    assert not found([0, 60, 60], book([(0, 200), (2, 78)]), tolerance=0.02)
    assert found([0, 60, 60], book([(0, 200), (2, 77)]), tolerance=0.02)


def test_more_sold_than_there_was_is_a_finding_and_no_error():
    (one,) = found([0, 4, 4], book([(0, 5)]))
    assert (one.check, one.value) == ("negative_stock", -3.0)


def test_units_past_their_date_are_found_where_receipts_tell_their_age():
    (one,) = found([0] * 10, book([(0, 0)], receipts=receipt(2, 7)), keeps=5.0)
    assert (one.check, one.value) == ("expired_stock", 7.0)
    assert not found([0] * 10, book([(0, 0)], receipts=receipt(6, 7)), keeps=5.0)
    assert not found([0] * 10, book([(0, 7)]), keeps=5.0)


def test_a_transfer_that_did_not_come_by_its_day_is_found_and_stays_on_its_way():
    sent = {"transfer_id": "T", "unique_id": "b", "to_id": "a", "quantity": 5.0, "shipped_at": day(1), "due": day(2)}
    told = book([(0, 5)], transfers=pl.DataFrame({name: [value] for name, value in sent.items()}))
    (one,) = found([0] * 5, told)
    assert (one.check, one.value) == ("transfer_late", 5.0)
    assert standing(panel([0] * 5), told).arriving.sum() == 5.0


def test_write_offs_are_told_by_reason_and_what_was_found_is_none():
    told = pl.DataFrame(
        {"unique_id": ["a"] * 4, "at": [day(0), day(40), day(41), day(42)], "quantity": [-9.0, -2.0, -3.0, 4.0],
         "reason": ["expired", "expired", "broken", "found"]}
    )  # fmt: skip
    assert written_off(book([(0, 5)], adjustments=told), until=day(45)) == {"broken": 3.0, "expired": 2.0}
