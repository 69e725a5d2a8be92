"""The VN2 game: its rules by hand, and that nobody sees a week before it ends."""

import importlib.util
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finalmile.frames import Panel
from finalmile.simulation import Stock


@cache
def load():
    path = Path(__file__).parents[3] / "benchmarks" / "vn2.py"
    spec = importlib.util.spec_from_file_location("vn2_game", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["vn2_game"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def vn2():
    return load()


def history(vn2, *, n=5, length=70):
    rng = np.random.default_rng(3)
    y = rng.poisson(rng.uniform(1, 9, (n, 1)), (n, length)).astype(np.float32)
    return Panel(
        ids=np.array([f"s{k}" for k in range(n)], dtype=object),
        frequency=vn2.WEEKLY,
        first=2700,
        y=y,
        censored=np.zeros(y.shape, dtype=np.bool_),
        statics={"department": np.full(n, "all", dtype=object)},
    )


class Fixed:
    """Orders the same every week."""

    def __init__(self, quantity):
        self.quantity, self.seen = quantity, []

    def see(self, week):
        self.seen.append(week)

    def order(self, stock, *, week):
        return np.full(len(stock.on_hand), self.quantity)


def opening(n=1, on_hand=5.0, transit=(2.0, 1.0)):
    return Stock(on_hand=np.full(n, on_hand), pipeline=np.tile([*transit, 0.0], (n, 1)))


def test_costs_of_eight_weeks_can_be_worked_out_by_hand(vn2):
    demand = np.full((1, 8), 3.0)
    played = vn2.play(Fixed(4.0), vn2.Market(demand), opening(), scored=np.ones((1, 8), dtype=bool))
    # on hand after weeks 1 to 8: 5+2-3=4, 4+1-3=2, then +4-3 each week while orders of weeks 0 to 5 arrive
    assert played.weeks.tolist() == pytest.approx([0.8, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6])
    assert played.fill_rate == 1.0


def test_demand_that_is_not_met_is_lost_at_one_euro_a_unit(vn2):
    demand = np.full((1, 8), 3.0)
    played = vn2.play(Fixed(0.0), vn2.Market(demand), opening(), scored=np.ones((1, 8), dtype=bool))
    assert played.weeks.tolist() == pytest.approx([0.8, 0.4, 1, 3, 3, 3, 3, 3])


def test_a_series_week_out_of_stock_costs_nothing_and_keeps_its_stock(vn2):
    demand, scored = np.full((1, 8), 3.0), np.ones((1, 8), dtype=bool)
    demand[0, 0], scored[0, 0] = np.nan, False
    played = vn2.play(Fixed(0.0), vn2.Market(demand), opening(), scored=scored)
    assert played.weeks[0] == 0
    assert played.weeks[1] == pytest.approx(0.2 * 5)


def test_a_player_sees_sales_and_never_the_demand_that_was_lost(vn2):
    player = Fixed(0.0)
    vn2.play(player, vn2.Market(np.full((1, 8), 100.0)), opening(), scored=np.ones((1, 8), dtype=bool))
    assert [week.sold[0] for week in player.seen] == [7, 1, 0, 0, 0, 0, 0, 0]
    assert not player.seen[3].in_stock[0]


@pytest.mark.parametrize("who", ["Ours", "Organisers"])
def test_weeks_that_have_not_ended_change_no_order(vn2, who):
    panel = history(vn2)

    def orders(demand):
        player, placed = getattr(vn2, who)(panel), []
        order = player.order
        player.order = lambda stock, *, week: placed.append(order(stock, week=week)) or placed[-1]
        vn2.play(player, vn2.Market(demand), opening(5), scored=np.ones((5, 8), dtype=bool))
        return np.stack(placed)

    demand = np.full((5, 8), 4.0)
    later = demand.copy()
    later[:, 3:] = 1e6
    assert np.array_equal(orders(demand)[:4], orders(later)[:4])
    assert not np.array_equal(orders(demand)[4:], orders(later)[4:])


@given(length=st.integers(150, 400))
def test_no_week_is_both_chosen_and_reported_on(length):
    module = load()
    halves = [
        {week for start in module.starts_of(length, half) for week in range(start, start + module.WEEKS)}
        for half in ("choose", "report")
    ]
    assert not halves[0] & halves[1]
    assert len(halves[0]) == len(halves[1]) == 6 * module.WEEKS
    assert max(halves[1]) == length - 1
