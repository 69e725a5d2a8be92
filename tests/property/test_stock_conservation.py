"""Units are neither made nor lost, whatever is ordered and whenever it arrives."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from finalmile.simulation import follow, opening, order_up_to, simulate


@st.composite
def worlds(draw):
    n, length = draw(st.integers(1, 4)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return {
        "on_hand": rng.integers(0, 20, n).astype(float),
        "demand": rng.integers(0, 8, (n, length)).astype(float),
        "orders": rng.integers(0, 10, (n, length)).astype(float),
        "leads": rng.integers(0, 5, (n, length)),
    }


@settings(deadline=None, max_examples=60)
@given(worlds())
def test_opening_plus_received_is_sold_plus_closing(world):
    flow = simulate(
        opening(world["on_hand"], max_lead=4), world["demand"], decide=follow(world["orders"]), leads=world["leads"]
    )
    before = np.column_stack([world["on_hand"], flow.on_hand[:, :-1]])
    assert np.array_equal(before + flow.received, flow.sold + flow.on_hand)
    assert np.array_equal(flow.sold + flow.lost, world["demand"])
    assert np.array_equal(flow.ordered.sum(1), flow.received.sum(1) + flow.closing.on_order)


@settings(deadline=None, max_examples=60)
@given(worlds())
def test_nothing_is_ever_negative_and_sales_never_exceed_what_was_there(world):
    flow = simulate(
        opening(world["on_hand"], max_lead=4), world["demand"], decide=follow(world["orders"]), leads=world["leads"]
    )
    for values in (flow.on_hand, flow.sold, flow.lost, flow.received):
        assert (values >= 0).all()
    assert (flow.lost[flow.on_hand > 0] == 0).all()


@settings(deadline=None, max_examples=60)
@given(worlds(), st.integers(0, 11))
def test_demand_that_has_not_happened_changes_nothing_before_it(world, at):
    def run(demand):
        decide = order_up_to(np.full(len(demand), 15.0))
        return simulate(opening(world["on_hand"], max_lead=4), demand, decide=decide, leads=world["leads"])

    changed = world["demand"].copy()
    changed[:, at:] = 1e9
    assert np.array_equal(run(world["demand"]).ordered[:, :at], run(changed).ordered[:, :at])


@settings(deadline=None, max_examples=60)
@given(worlds(), st.integers(0, 10))
def test_a_higher_order_up_to_level_never_loses_more(world, more):
    leads = world["leads"][:, 0]

    def lost(level):
        decide = order_up_to(np.full(len(leads), float(level)))
        return simulate(opening(world["on_hand"], max_lead=4), world["demand"], decide=decide, leads=leads).lost.sum()

    assert lost(10 + more) <= lost(10)
