"""Stock over time: the order of events, lead times, and what is refused."""

import numpy as np
import pytest

from finalmile.simulation import Stock, follow, opening, order_up_to, place, simulate, trade


def test_an_order_of_lead_two_placed_at_the_end_of_a_week_is_sold_three_weeks_on():
    orders = np.array([[5.0, 0.0, 0.0, 0.0]])
    flow = simulate(opening(np.zeros(1), max_lead=2), np.ones((1, 4)), decide=follow(orders), leads=np.array([2]))
    assert flow.received.tolist() == [[0, 0, 0, 5]]
    assert flow.sold.tolist() == [[0, 0, 0, 1]]
    assert flow.lost.tolist() == [[1, 1, 1, 0]]


def test_an_order_without_lead_time_is_on_the_shelf_when_the_next_period_starts():
    flow = simulate(
        opening(np.zeros(1), max_lead=0), np.full((1, 2), 3.0), decide=order_up_to(np.array([3.0])), leads=np.array([0])
    )
    assert flow.sold.tolist() == [[0, 3]]


def test_what_is_received_can_be_sold_in_the_same_period():
    day = trade(Stock(on_hand=np.array([0.0]), pipeline=np.array([[4.0]])), np.array([4.0]))
    assert day.sold.tolist() == [4]
    assert day.closing.on_hand.tolist() == [0]


def test_unknown_demand_and_returns_sell_nothing_and_lose_nothing():
    day = trade(opening(np.array([2.0, 2.0]), max_lead=0), np.array([np.nan, -3.0]))
    assert day.sold.tolist() == [0, 0]
    assert day.lost.tolist() == [0, 0]
    assert day.closing.on_hand.tolist() == [2, 2]


def test_each_order_may_have_a_lead_time_of_its_own():
    orders = np.array([[1.0, 2.0, 0.0, 0.0, 0.0]])
    leads = np.array([[3, 0, 0, 0, 0]])
    flow = simulate(opening(np.zeros(1), max_lead=3), np.zeros((1, 5)), decide=follow(orders), leads=leads)
    assert flow.received.tolist() == [[0, 0, 2, 0, 1]]


def test_a_lead_time_longer_than_the_pipeline_makes_the_pipeline_longer():
    placed = place(opening(np.zeros(2), max_lead=0), np.array([1.0, 2.0]), lead=np.array([0, 3]))
    assert placed.pipeline.tolist() == [[1, 0, 0, 0], [0, 0, 0, 2]]


def test_a_review_every_week_orders_on_the_first_evening_and_every_seventh_after():
    flow = simulate(
        opening(np.full(1, 20.0), max_lead=0),
        np.ones((1, 15)),
        decide=order_up_to(np.array([20.0]), every=7),
        leads=np.array([0]),
    )
    assert np.flatnonzero(flow.ordered[0]).tolist() == [0, 7, 14]
    assert flow.ordered[0, 7] == 7


def test_no_items_make_an_empty_flow():
    flow = simulate(
        opening(np.zeros(0), max_lead=1),
        np.zeros((0, 3)),
        decide=order_up_to(np.zeros(0)),
        leads=np.zeros(0, dtype=np.int64),
    )
    assert flow.on_hand.shape == (0, 3)


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_stock_that_is_not_a_count_of_units_is_refused(value):
    with pytest.raises(ValueError, match="on_hand of item 1"):
        opening(np.array([1.0, value]), max_lead=0)


def test_a_negative_order_is_refused():
    with pytest.raises(ValueError, match="quantity of item 0 is -1"):
        place(opening(np.zeros(1), max_lead=0), np.array([-1.0]), lead=np.array([0]))


def test_a_negative_lead_time_is_refused():
    with pytest.raises(ValueError, match="lead time is -1"):
        place(opening(np.zeros(1), max_lead=0), np.array([1.0]), lead=np.array([-1]))


def test_a_pipeline_of_the_wrong_shape_is_refused():
    with pytest.raises(ValueError, match="must be"):
        Stock(on_hand=np.zeros(2), pipeline=np.zeros((3, 1)))
