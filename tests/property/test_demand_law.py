"""The distribution of demand over the protection interval, against draws from it and against itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finalmile.errors import MissingInputError
from finalmile.frames import Cumulative
from finalmile.inventory import position
from finalmile.inventory.policies import policies
from finalmile.inventory.protection import LAW_LEVELS, DemandLaw, demand_law

LEVELS = np.array([0.5, 0.8, 0.9, 0.95, 0.98, 0.99])
steps = st.lists(st.integers(0, 30), min_size=6, max_size=6)


def law_of(*windows, weights=None):
    knots = np.array([[np.cumsum(steps) for steps in windows]], dtype=float)
    shares = np.full((1, len(windows)), 1 / len(windows)) if weights is None else np.array([weights])
    return DemandLaw(knots=knots, levels=LEVELS, weights=shares, mean=knots.mean(axis=(1, 2)))


def draws_of(law, count=200_000):
    """Demand drawn window by window, piece by piece: nothing of the code under test."""
    rng = np.random.default_rng(7)
    window = rng.choice(law.weights.shape[1], count, p=law.weights[0])
    chance = rng.uniform(size=count)
    drawn = np.zeros(count)
    for k in range(law.weights.shape[1]):
        knots = law.knots[0, k]
        scale = (knots[-1] - knots[-2]) / np.log(2)
        inside = np.interp(chance, [0, *LEVELS], [0, *knots])
        beyond = knots[-1] + scale * rng.exponential(size=count)
        drawn = np.where(window == k, np.where(chance > 0.99, beyond, inside), drawn)
    return drawn


@given(steps)
def test_one_window_gives_back_the_quantiles_it_was_told(steps):
    law = law_of(steps)
    knots = law.knots[0, 0]
    apart = np.diff(knots, prepend=0.0) > 0
    for level, knot in zip(LEVELS[apart], knots[apart], strict=True):
        assert law.quantile(level)[0] == pytest.approx(knot, abs=1e-6)


@given(steps, steps, st.floats(0, 1), st.floats(0.01, 0.995))
def test_a_mixture_lies_between_its_windows(one, other, share, level):
    alone = sorted(float(law_of(steps).quantile(level)[0]) for steps in (one, other))
    mixed = float(law_of(one, other, weights=[share, 1 - share]).quantile(level)[0])
    assert alone[0] - 1e-6 <= mixed <= alone[1] + 1e-6


@given(steps, steps, st.floats(0.01, 0.995))
def test_the_quantile_is_the_least_that_covers(one, other, level):
    law = law_of(one, other)
    found = law.quantile(level)
    assert law.cdf(found)[0] >= level - 1e-9
    assert found[0] < 1e-6 or law.cdf(found - 1e-4)[0] <= level + 1e-9


@given(steps, steps, st.floats(0.3, 0.995), st.floats(-40, 40))
def test_of_all_ways_to_spread_a_stock_the_same_cycle_service_loses_fewest_units(one, other, level, moved):
    fast, slow = law_of(one), law_of(other)
    stock = [fast.quantile(level), slow.quantile(level)]
    shifted = float(np.clip(moved, -stock[0][0], stock[1][0]))
    equal = fast.short(stock[0])[0] + slow.short(stock[1])[0]
    spread = fast.short(stock[0] + shifted)[0] + slow.short(stock[1] - shifted)[0]
    assert equal <= spread + 1e-6


@given(steps, steps, st.floats(0.001, 20))
def test_the_stock_for_a_shortage_leaves_that_shortage(one, other, allowed):
    law = law_of(one, other)
    stock = law.stock_for(np.array([allowed]))
    assert law.short(stock)[0] <= allowed + 1e-6
    assert stock[0] < 1e-6 or law.short(stock)[0] == pytest.approx(allowed, rel=1e-4)


@given(steps, steps, st.floats(0.01, 5))
def test_what_was_short_already_is_not_short_again(before, more, allowed):
    """The longer window asks for the shorter one's demand and more; counting that twice can only hold more stock."""
    early, late = law_of(before), law_of([one + other for one, other in zip(before, more, strict=True)])
    least = np.array([allowed])
    stock = late.stock_to_add(least, before=early)
    assert stock[0] <= late.stock_for(least)[0] + 1e-6
    assert (late.short(stock) - early.short(stock))[0] <= allowed + 1e-6


@pytest.mark.parametrize("weights", [[1.0, 0.0], [0.7, 0.3]])
def test_shares_and_shortages_are_those_of_draws(weights):
    law = law_of([4, 2, 2, 3, 5, 4], [9, 4, 5, 6, 9, 9], weights=weights)
    drawn = draws_of(law)
    for units in (0.0, 3.0, 12.0, 20.0, 30.0, 60.0):
        at = np.array([units])
        assert law.cdf(at)[0] == pytest.approx((drawn <= units).mean(), abs=0.005)
        assert law.short(at)[0] == pytest.approx(np.maximum(drawn - units, 0).mean(), rel=0.05, abs=0.01)


def test_one_late_delivery_in_ten_decides_what_98_percent_needs():
    short, long = [10, 2, 1, 1, 1, 1], [40, 8, 4, 4, 4, 4]
    mixed = law_of(short, long, weights=[0.9, 0.1]).quantile(0.98)[0]
    assert mixed > 2 * law_of(short).quantile(0.98)[0]


def test_what_has_no_forecast_stays_unknown_and_what_sells_nothing_needs_nothing():
    knots = np.stack([np.full((1, 6), np.nan), np.zeros((1, 6))])
    law = DemandLaw(knots=knots, levels=LEVELS, weights=np.ones((2, 1)), mean=np.array([np.nan, 0.0]))
    assert np.isnan(law.quantile(0.98)[0])
    assert law.quantile(0.98)[1] == 0
    assert law.stock_for(np.array([np.nan, 0.0]))[1] == 0


def told(mean=10.0, values=(10, 14, 16, 18, 20, 22)):
    return Cumulative(
        windows=np.array([[2]]),
        mean=np.array([[mean]], dtype=np.float32),
        levels=LAW_LEVELS,
        values=np.array([[values]], dtype=np.float32),
        methods=np.array(["cqr"], dtype=object),
    )


def test_weights_that_do_not_add_up_are_refused():
    with pytest.raises(ValueError, match="add up to 1"):
        demand_law(told(), np.array([[2]]), weights=np.array([[0.9]]))


@given(st.floats(0.5, 0.97), st.floats(0.001, 0.02))
def test_a_higher_fill_rate_never_needs_less_stock(rate, more):
    at = position(np.array(["a"], dtype=object), on_hand=np.zeros(1), lead_periods=np.array([1]))
    low, high = (
        policies.make("fill_rate_order_up_to", fill_rate=one)(at, told()).level[0] for one in (rate, rate + more)
    )
    assert low <= high


def test_newsvendor_refuses_what_has_no_price_and_says_how_to_mend():
    at = position(np.array(["tea"], dtype=object), on_hand=np.zeros(1), lead_periods=np.array([1]))
    with pytest.raises(MissingInputError, match=r"'tea'.* give unit_price and unit_cost"):
        policies.make("newsvendor")(at, told())


@pytest.mark.parametrize("name", ["order_up_to", "min_max", "reorder_point"])
@given(on_hand=st.integers(0, 30), on_order=st.integers(0, 30))
def test_each_quantity_follows_from_the_numbers_that_it_tells(name, on_hand, on_order):
    at = position(
        np.array(["a"], dtype=object),
        on_hand=np.array([float(on_hand)]),
        on_order=np.array([float(on_order)]),
        lead_periods=np.array([1]),
    )
    wanted = policies.make(name)(at, told())
    held, facts = on_hand + on_order, {key: float(value[0]) for key, value in wanted.details.items()}
    by_hand = {
        "order_up_to": lambda: max(0, 20 - held),
        "min_max": lambda: facts["reorder_point"] + facts["lot"] - held if held < facts["reorder_point"] else 0,
        "reorder_point": lambda: -(-max(0, facts["reorder_point"] - held) // facts["lot"]) * facts["lot"],
    }
    assert wanted.quantity[0] == by_hand[name]()
    assert wanted.quantity[0] in (0, wanted.level[0] - held)
    assert facts["cost_ratio"] == pytest.approx(49)
