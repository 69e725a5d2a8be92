"""What planners' edits were worth, on the demand that came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finalmile.inventory.override_value import Edits, sold_out, worth_of
from finalmile.project import Project
from finalmile.records import OrderLine

DAY = date(2024, 5, 1)
NOW = datetime(2024, 6, 10, 8, tzinfo=UTC)
A_DAY = 2.0 * 0.365 / 365.25  # unit_cost x holding rate, by days


@dataclass
class Standing:
    def now(self) -> datetime:
        return NOW


def _line(item: str = "milk", *, order: str = "PO-1", quantity: int = 6, on_hand: float = 4.0) -> OrderLine:
    told = {"policy": "order_up_to", "review_periods": 2, "lead_periods": 1, "on_hand": on_hand, "expected_demand": 9.0}
    return OrderLine(
        order_id=order, line_id=f"{order}-{item}", supplier="acme", unique_id=item, quantity=quantity, unit_cost=2.0,
        currency="EUR", ordered_at=DAY, due=date(2024, 5, 2), reason=told,
    )  # fmt: skip


def shop(folder: Path, *, until: date = date(2024, 5, 4), y: float = 3.0, priced: bool = True) -> Project:
    """A project that sells 3 a day; holding a unit for a year costs 36.5 % of 2."""
    made = Project.open(folder / "shop", clock=Standing())
    days = pl.date_range(date(2024, 3, 1), until, eager=True)
    sales = pl.DataFrame({"unique_id": "milk", "ds": days, "y": y})
    made.sales.add(sales)
    money = {"unit_cost": 2.0, "unit_price": 5.0, "holding_rate_per_year": 0.365} if priced else {}
    made.items.add(pl.DataFrame({"unique_id": ["milk"], "lead_time_days": 1.0, "supplier_id": "acme", **money}))
    return made


def edited(
    made: Project, quantity: int | None, *, by: str = "ann", due: date | None = None, came: date | None = None
) -> Project:
    made.ledger.put_orders([_line()], at=NOW, actor="plan")
    made.edit_order("PO-1", "milk", quantity=quantity, due=due, code="event", by="ann")
    made.approve_orders("PO-1")
    made.send_order("PO-1", by_hand=True)
    made.receive_order("PO-1", at=came)
    return made


def test_units_that_nobody_asked_for_cost_their_holding_until_the_next_order_can_come(tmp_path: Path) -> None:
    """4 there, 3 sold a day: with 6 on the second day 1, 4, 1 are left; with 16 it is 1, 14, 11."""
    told = edited(shop(tmp_path), 16, came=date(2024, 5, 2)).overrides()
    (row,) = told.rows
    assert (row.planner, row.code, row.edits, row.better) == ("ann", "event", 1, 0)
    assert row.shortage == 0
    assert row.holding == pytest.approx(-20 * A_DAY)
    assert told.total[0].saved.value == pytest.approx(-20 * A_DAY)


def test_what_would_have_been_short_is_won_at_its_margin(tmp_path: Path) -> None:
    """6 a day from 7: 1 is left, then 12 make it 7, 1; the 6 proposed would have left 1, and then lost 5."""
    made = shop(tmp_path, y=6.0)
    made.ledger.put_orders([_line(on_hand=7.0)], at=NOW, actor="plan")
    made.edit_order("PO-1", "milk", quantity=12, code="promotion", by="bob")
    made.approve_orders("PO-1")
    made.send_order("PO-1", by_hand=True)
    made.receive_order("PO-1", at=date(2024, 5, 2))
    (row,) = made.overrides().rows
    assert row.shortage == pytest.approx(5 * 3.0)
    assert row.holding == pytest.approx(-(6 + 1) * A_DAY)
    assert (row.better, row.planner) == (1, "bob")


def test_an_edit_whose_time_is_not_over_is_not_judged(tmp_path: Path) -> None:
    told = edited(shop(tmp_path, until=date(2024, 5, 2)), 16, came=date(2024, 5, 2)).overrides()
    assert (told.rows, told.waiting) == ((), 1)
    assert "1 more are not judged" in " ".join(told.lines())


def test_an_arrival_that_was_put_off_is_set_against_one_on_the_day_proposed(tmp_path: Path) -> None:
    """Put off by a day: the second day has 1 for 3 asked. Sold out, so 3 are taken for at least 3."""
    told = edited(shop(tmp_path), None, due=date(2024, 5, 3), came=date(2024, 5, 3)).overrides()
    (row,) = told.rows
    assert row.shortage < -2 * 3.0
    assert row.better == 0


def test_a_supplier_that_delivers_late_would_have_been_late_with_the_proposal_too(tmp_path: Path) -> None:
    told = edited(shop(tmp_path), 16, came=date(2024, 5, 4)).overrides()
    assert told.total[0].saved.value == 0


def test_lines_that_nobody_edited_or_sent_say_nothing(tmp_path: Path) -> None:
    made = shop(tmp_path)
    assert made.overrides().lines()[0].startswith("No edit is judged yet")
    made.ledger.put_orders([_line()], at=NOW, actor="plan")
    made.edit_order("PO-1", "milk", quantity=9, code="event")
    made.cancel_orders("PO-1")
    assert made.overrides().rows == ()


def test_an_item_without_a_price_is_left_out_and_counted(tmp_path: Path) -> None:
    told = edited(shop(tmp_path, priced=False), 16, came=date(2024, 5, 2)).overrides()
    assert (told.rows, told.unpriced) == ((), 1)


def test_days_are_the_blocks_of_the_interval(tmp_path: Path) -> None:
    made = shop(tmp_path, until=date(2024, 6, 1))
    for k in range(4):
        line = _line(order=f"PO-{k}")
        day = DAY + timedelta(days=5 * k)
        moved = {"ordered_at": day, "due": day + timedelta(days=1)}
        made.ledger.put_orders([OrderLine(**{**_fields(line), **moved})], at=NOW, actor="plan")  # type: ignore[arg-type]
        made.edit_order(f"PO-{k}", "milk", quantity=10 + k, code="event", by="ann")
        made.approve_orders(f"PO-{k}")
        made.send_order(f"PO-{k}", by_hand=True)
        made.receive_order(f"PO-{k}", at=day + timedelta(days=1))
    (row,) = made.overrides().rows
    assert (row.edits, row.saved.n_blocks) == (4, 4)
    assert row.saved.low is not None
    assert row.saved.value is not None
    assert row.saved.low < row.saved.value


def _fields(line: OrderLine) -> dict[str, object]:
    return {name: getattr(line, name) for name in line.__slots__}


units = st.integers(0, 12)


@given(
    on_hand=units, edited=st.lists(units, min_size=4, max_size=4), proposed=st.lists(units, min_size=4, max_size=4),
    demand=st.lists(units, min_size=4, max_size=4), window=st.integers(1, 4),
)  # fmt: skip
def test_the_worth_of_an_edit_is_that_of_a_shelf_written_out_day_by_day(
    on_hand: int, edited: list[int], proposed: list[int], demand: list[int], window: int
) -> None:
    def cost(arrivals: list[int]) -> float:
        shelf, money = on_hand, 0.0
        for t in range(window):
            shelf += arrivals[t]
            sold = min(shelf, demand[t])
            shelf -= sold
            money += 3.0 * (demand[t] - sold) + 0.25 * shelf
        return money

    def row(values: list[int]) -> np.ndarray:
        return np.array([values], dtype=np.float64)

    edits = Edits(
        on_hand=np.array([float(on_hand)]), edited=row(edited), proposed=row(proposed), demand=row(demand),
        counts=np.arange(4)[None, :] < window, shortage_cost=np.array([3.0]), holding_cost=np.array([0.25]),
    )  # fmt: skip
    assert worth_of(edits).saved[0] == pytest.approx(cost(proposed) - cost(edited))
    assert worth_of(Edits(**{**{n: getattr(edits, n) for n in edits.__slots__}, "proposed": row(edited)})).saved[0] == 0
    assert not sold_out(edits)[0, window:].any()
