"""Orders raised to a cheaper price: only where the money, unit by unit, says so."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finalmile.errors import ConfigError
from finalmile.frames import Cumulative
from finalmile.inventory import position
from finalmile.inventory.policies import policies
from finalmile.inventory.price_breaks import price_breaks
from finalmile.inventory.protection import LAW_LEVELS, law_of
from finalmile.inventory.rule import Case
from finalmile.inventory.rules import rules

ONE = np.ones(1)
NAME = np.array(["tea"], dtype=object)


def raised(breaks, *, mean=10.0, on_hand=0.0, shelf_life=np.inf, most_days=90.0, period_days=1.0, **terms):
    """An order of one item with two periods of lead time, before and after the rule."""
    at = position(
        NAME,
        on_hand=on_hand * ONE,
        lead_periods=np.array([2]),
        unit_cost=5 * ONE,
        unit_price=9 * ONE,
        **{"order_cost": 4 * ONE, "holding_rate": 0.01 * ONE, **terms},
    )
    window = np.array([[3]])
    values = np.array([[[3 * mean * (1 + level / 2) for level in LAW_LEVELS]]], dtype=np.float32)
    told = Cumulative(
        windows=window,
        mean=np.array([[3 * mean]], dtype=np.float32),
        levels=LAW_LEVELS,
        values=values,
        methods=np.array(["cqr"], dtype=object),
    )
    wanted, law = policies.make("order_up_to")(at, told), law_of(at, told)
    case = Case(
        at=at,
        law=law,
        law_to_expiry=law,
        margin=4 * ONE,
        shelf_life=shelf_life * ONE,
        location=np.array([""], dtype=object),
        unit_volume=np.nan * ONE,
        minimum_money=0 * ONE,
        minimum_units=0 * ONE,
        ordered_money=0 * ONE,
        ordered_units=0 * ONE,
        breaks=price_breaks(NAME, [breaks]),
        period_days=period_days,
    )
    after = rules.make("price_breaks", most_days=most_days)(wanted, case)
    return float(wanted.quantity[0]), float(after.quantity[0]), after


def paid(quantity, wanted, *, breaks, demand, order_cost, rate):
    """Money of ordering so much now, until what is more than wanted is used up; each unit of it is bought singly then.

    What is wanted is the same in all, so that its holding is left out.
    """
    price = 5.0
    for least, here in breaks:
        price = here if quantity >= least else price
    usual = 5.0
    for least, here in breaks:
        usual = here if wanted >= least else usual
    longest = max([quantity, *(least for least, _ in breaks)])
    later = longest - quantity
    ahead = sum(rate * price * (unit - 0.5) / demand for unit in range(1, int(quantity - wanted) + 1))
    orders_saved = int((quantity - wanted) / max(demand, wanted, 1e-9) + 1e-9)
    return quantity * price + later * usual + ahead - order_cost * orders_saved


@settings(max_examples=200, deadline=None)
@given(
    st.integers(40, 120),
    st.integers(5, 200),
    st.floats(0.01, 0.3),
    st.floats(0.01, 0.2),
    st.floats(0.5, 30.0),
    st.floats(0.001, 0.05),
)
def test_the_quantity_is_the_cheapest_of_those_at_a_break(first, more, less, still_less, mean, rate):
    breaks = [(first, round(5 * (1 - less), 3)), (first + more, round(5 * (1 - less - still_less), 3))]
    before, after, _ = raised(
        f"{breaks[0][0]}:{breaks[0][1]}; {breaks[1][0]}:{breaks[1][1]}",
        mean=mean,
        holding_rate=rate * ONE,
        most_days=1e6,
    )
    money = {
        units: paid(units, before, breaks=breaks, demand=mean, order_cost=4.0, rate=rate)
        for units in {before, *(float(least) for least, _ in breaks if least > before)}
    }
    assert money[after] <= min(money.values()) + 1e-3


def test_a_large_lot_is_not_raised_for_orders_that_would_never_have_been_placed():
    """An economic lot of 316 lasts 31 periods: 484 units more replace one such order and a half, not 48."""
    before, after, _ = raised(
        "800:4.99", mean=10.0, moq=316 * ONE, order_cost=50 * ONE, holding_rate=0.002 * ONE, most_days=1e6
    )
    assert before == 316
    longer = money_of(800, then=316, periods=3160, demand=10.0)
    assert (after == 800) == (longer < money_of(316, then=316, periods=3160, demand=10.0))


def money_of(first, *, then, periods, demand):
    """Money of a first order and others like the usual one as they are needed, less what is left in the end."""
    left, paid = 0.0, 0.0
    for period in range(periods):
        if left < demand:
            units = first if period == 0 else then
            paid += 50 + units * (4.99 if units >= 800 else 5.0)
            left += units
        left -= demand
        paid += 5.0 * 0.002 * left
    return paid - 5.0 * left


def test_what_is_not_wanted_is_not_bought_for_its_price():
    assert raised("30:0.5", on_hand=500.0)[:2] == (0.0, 0.0)


def test_no_order_is_raised_beyond_what_there_is_use_or_room_for():
    before, after, _ = raised("100:2.5")
    assert (before, after) == (45.0, 100.0)
    assert raised("100:2.5", max_stock=99 * ONE)[1] == before
    assert raised("100:2.5", most_days=9.0)[1] == before
    assert raised("100:2.5", most_days=69.0, period_days=7.0)[1] == before
    assert raised("100:2.5", most_days=71.0, period_days=7.0)[1] == 100
    assert raised("100:2.5", shelf_life=9.0)[1] == before
    assert raised("100:2.5", shelf_life=12.0)[1] == 100


def test_what_is_ordered_at_a_break_is_whole_packs_and_at_least_the_minimum():
    assert raised("100:2.5", pack_size=12 * ONE)[1] == 108
    assert raised("100:2.5", moq=130 * ONE)[:2] == (130.0, 130.0)


def test_items_without_breaks_are_left_as_they_are():
    before, after, told = raised("")
    assert before == after
    assert told.rules == ()


@pytest.mark.parametrize("text", ["200", "200:", "a:4", "200:4;100:3", "200:4;300:5", "0:4", "200:-1", "200:nan"])
def test_a_text_that_does_not_say_breaks_is_refused_with_the_item_and_the_right_form(text):
    with pytest.raises(ConfigError, match=r"item 'tea' has price_breaks .*; write \"200:4.75; 500:4.50\""):
        price_breaks(NAME, [text])
