"""Order lines: ids that survive a rerun, due dates, and the reason of each quantity."""

from datetime import date, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from finalmile.frames import Frequency
from finalmile.inventory import PointDemand, order_lines, position
from finalmile.inventory.orders import order_id
from finalmile.inventory.policies import policies

IDS = np.array(["tea", "rice", "salt"], dtype=object)
SUPPLIERS = np.array(["B", "A", "B"], dtype=object)


def lines(*, on_hand=(0.0, 0.0, 0.0), ordered_at=date(2024, 5, 1), frequency=None, mean=2.0, **terms):
    at = position(IDS, on_hand=np.array(on_hand), lead_periods=np.array([2, 3, 2]), supplier=SUPPLIERS, **terms)
    wanted = policies.make("periods_of_cover")(at, PointDemand(mean=np.full((3, 4), mean), sd=np.ones(3)))
    return order_lines(at, wanted, ordered_at=ordered_at, frequency=frequency or Frequency("day"), currency="EUR")


def test_a_rerun_the_same_day_gives_the_same_ids_even_when_the_quantity_changed():
    first, again = lines(), lines(mean=9.0)
    assert [line.line_id for line in first] == [line.line_id for line in again]
    assert [line.quantity for line in first] != [line.quantity for line in again]


def test_another_day_gives_other_ids():
    assert not {line.order_id for line in lines()} & {line.order_id for line in lines(ordered_at=date(2024, 5, 2))}


@given(st.lists(st.tuples(st.text(max_size=5), st.integers(0, 99)), unique=True, max_size=50))
def test_an_id_of_an_hour_is_as_long_as_that_of_a_day_and_is_of_one_supplier_and_hour(asked):
    begin = datetime(2024, 5, 1)
    ids = {order_id(supplier, day=begin + timedelta(hours=hours)) for supplier, hours in asked}
    assert len(ids) == len(asked)
    assert {len(each) for each in ids} <= {len(order_id("Acme", day=begin.date()))}


def test_lines_of_one_supplier_share_an_order():
    rice, salt, tea = lines()
    assert (rice.unique_id, salt.unique_id, tea.unique_id) == ("rice", "salt", "tea")
    assert salt.order_id == tea.order_id != rice.order_id


def test_an_item_that_needs_nothing_has_no_line():
    assert [line.unique_id for line in lines(on_hand=(99.0, 0.0, 99.0))] == ["rice"]


def test_a_line_is_due_its_lead_time_after_the_order():
    assert lines()[0].due == date(2024, 5, 4)
    weekly = lines(frequency=Frequency("week"))
    assert (weekly[0].ordered_at, weekly[0].due) == (date(2024, 4, 29), date(2024, 5, 20))
    hourly = lines(frequency=Frequency("hour"), ordered_at=datetime(2024, 5, 1, 23))
    assert hourly[0].due == datetime(2024, 5, 2, 2)


def test_the_quantity_can_be_recomputed_from_its_reason():
    reason = lines(on_hand=(3.0, 0.0, 0.0), pack_size=np.array([4.0, 1.0, 1.0]))[2].reason
    wanted = reason["level"] - reason["on_hand"] - reason["on_order"]
    assert (wanted, reason["wanted"], reason["pack_size"], reason["bound"]) == (5, 5, 4, "pack_size")


def test_assumptions_travel_with_the_line():
    line = lines(assumed=np.array([False, True, False]))[0]
    assert line.assumed
    assert line.reason["assumed"]


def test_unknown_cost_stays_unknown():
    assert lines()[0].unit_cost is None
    assert lines(unit_cost=np.array([1.0, 2.5, 1.0]))[0].unit_cost == 2.5
