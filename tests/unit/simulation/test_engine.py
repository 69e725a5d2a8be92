"""The engine: draws that are what they say, search, and what is refused."""

import numpy as np
import pytest

from finalmile.simulation.chance import draws, keys_of, thresholds
from finalmile.simulation.engine import run
from finalmile.simulation.rules import base_stock, fixed_lots, min_max
from finalmile.simulation.scene import Scene, bootstrapped, drawn, fixed_leads, given, random_leads
from finalmile.simulation.search import Costs, search


def scene_of(asked, *, lead=0, on_hand=0, **more):
    n = asked.n
    return Scene(
        asked=asked, leads=fixed_leads(np.full(n, lead)), on_hand=np.full(n, on_hand), keys=keys_of(range(n)), **more
    )


def test_draws_are_uniform_and_of_two_periods_independent():
    one, two = (draws(keys_of(range(20_000)), count) / 2**32 for count in (4, 6))
    assert np.abs(np.histogram(one, bins=20, range=(0, 1))[0] / 1000 - 1).max() < 0.15
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.03


def test_drawn_demand_has_the_probabilities_it_was_given():
    mass = [0.5, 0.2, 0.0, 0.3]
    asked = drawn([mass], periods=1000, scenarios=50)
    found = run(scene_of(asked, on_hand=10**6), base_stock([0]), engine="numpy")
    assert found.demand[0, 0] / 50_000 == pytest.approx(0.2 + 0.9, abs=0.03)


def test_lead_times_drawn_from_receipts_have_their_mean():
    receipts = np.array([1, 1, 5])
    leads = random_leads([np.bincount(receipts)], row=np.zeros(1, dtype=np.int64))
    scene = Scene(asked=given(np.ones((1, 4000))), leads=leads, on_hand=np.array([0]), keys=keys_of(["a"]))
    found = run(scene, base_stock([1000]), warm_up=20, engine="numpy")
    # By Little's law what is on the way is what is asked for a period, times the lead time and the night.
    away = 1000 - found.mean_on_hand[0, 0]
    assert away == pytest.approx(receipts.mean() + 1, abs=0.3)


def test_whole_blocks_of_history_are_drawn():
    asked = bootstrapped(np.arange(1, 8)[None, :], periods=700, scenarios=3, block=7)
    found = run(scene_of(asked, on_hand=10**6), base_stock([0]), engine="numpy")
    assert found.demand[0, 0] == 3 * 100 * 28


def test_history_before_an_item_was_listed_is_never_drawn():
    history = np.array([[1000, 1000, 1, 1, 1]])
    asked = bootstrapped(history, periods=50, scenarios=5, block=2, starts=np.array([2]))
    assert run(scene_of(asked, on_hand=10**6), base_stock([0]), engine="numpy").demand[0, 0] == 250


def test_what_is_too_old_is_thrown_away_and_the_oldest_sells_first():
    scene = scene_of(given([[0, 1, 0, 0]]), on_hand=3, shelf_life=np.array([3]))
    found = run(scene, base_stock([0]), engine="numpy")
    assert (found.sold[0, 0], found.expired[0, 0]) == (1, 2)


def test_with_backorders_what_is_owed_is_served_first():
    scene = scene_of(given([[5, 0, 0]]), on_hand=2, lead=1, backorders=True)
    found = run(scene, base_stock([2]), engine="numpy")
    assert (found.unmet[0, 0], found.sold[0, 0], found.owed[0, 0]) == (3, 5, 0)
    assert found.fill_rate[0, 0] == pytest.approx(2 / 5)


def test_lots_lift_the_position_above_the_point_and_no_further():
    found = run(scene_of(given([[0]]), on_hand=1), fixed_lots([10], [4]), engine="numpy")
    assert found.ordered[0, 0] == 12


def test_a_cycle_that_still_runs_is_not_counted():
    found = run(scene_of(given([[1, 1, 1]]), on_hand=1), base_stock([1]), engine="numpy")
    assert found.cycles[0, 0] == 1
    assert found.cycle_service[0, 0] == 1


def test_nothing_makes_nothing():
    found = run(scene_of(given(np.zeros((0, 5)))), base_stock(np.zeros(0)), engine="numpy")
    assert found.demand.shape == (0, 1)


def test_the_search_takes_what_costs_least_of_all_candidates():
    scene = scene_of(drawn([[0.3, 0.4, 0.2, 0.1]] * 3, periods=60, scenarios=4), lead=2, on_hand=4)
    points, levels = np.meshgrid(np.arange(0, 8), np.arange(8, 14), indexing="ij")
    rule = min_max(np.tile(points.ravel(), (3, 1)), np.tile(levels.ravel(), (3, 1)))
    costs = Costs(holding=np.array([0.1, 0.2, 0.1]), shortage=np.array([2.0, 2.0, 9.0]), order=3.0)
    found = search(scene, rule, costs=costs, engine="numpy")
    every = costs.of(run(scene, rule, engine="numpy"))
    assert found.cost.tolist() == every.min(axis=1).tolist()
    assert found.choice.tolist() == every.argmin(axis=1).tolist()


def test_the_search_reaches_a_service_with_least_on_the_shelf_and_says_where_it_cannot():
    asked = drawn([[0.2, 0.5, 0.3], [0.2, 0.5, 0.3]], periods=200, scenarios=4)
    scene = scene_of(asked, lead=3, on_hand=9)
    rule = base_stock([[2, 4, 6, 8, 10, 12], [0, 1, 1, 1, 1, 1]])
    found = search(scene, rule, target=0.98, engine="numpy")
    every = run(scene, rule, engine="numpy").fill_rate
    assert found.reached.tolist() == [True, False]
    assert found.choice[0] == int((every[0] >= 0.98).argmax())
    assert found.totals.fill_rate[1, 0] == every[1].max()


def test_a_rule_under_which_nothing_ever_arrives_serves_no_cycle():
    scene = scene_of(drawn([[0.2, 0.5, 0.3]], periods=100, scenarios=2), lead=2)
    found = search(scene, base_stock([[0, 3, 8]]), target=0.9, which="cycle_service", engine="numpy")
    assert found.choice.tolist() == [2]


def test_a_search_without_an_aim_is_refused():
    with pytest.raises(ValueError, match="costs, a target"):
        search(scene_of(given([[1]])), base_stock([1]))


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: given([[0.5]]), "must be whole"),
        (lambda: given([[np.inf]]), "must be whole"),
        (lambda: given([1, 2]), "items, periods"),
        (lambda: drawn([[0.0, 0.0]], periods=1, scenarios=1), "not all zero"),
        (lambda: bootstrapped([[1]], periods=1, scenarios=1, starts=np.array([3])), "starts"),
        (lambda: bootstrapped(np.zeros((1, 0)), periods=1, scenarios=1), "no periods"),
        (lambda: fixed_leads(np.array([-1])), "lead time is -1"),
        (lambda: thresholds([[-1.0, 2.0]]), "not negative"),
        (lambda: Scene(asked=given([[1]]), leads=fixed_leads(np.array([0])), on_hand=np.array([-1])), "on_hand of"),
        (lambda: Scene(asked=given([[1]]), leads=fixed_leads(np.array([0, 1])), on_hand=np.array([0])), "leads are of"),
        (lambda: fixed_lots([1], [0]), "at least 1"),
        (lambda: base_stock([1], every=0), "every of item 0"),
        (lambda: run(scene_of(given([[1]])), base_stock([1, 2])), "the rule is for 2"),
        (lambda: run(scene_of(given([[1]])), base_stock([1]), warm_up=1), "warm_up"),
        (lambda: run(scene_of(given([[1]])), base_stock([1]), threads=0), "threads"),
        (lambda: run(scene_of(given([[1]])), base_stock([1]), engine="cuda"), "no engine"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(make, what):
    with pytest.raises(ValueError, match=what):
        make()


def test_chance_without_keys_is_refused():
    with pytest.raises(ValueError, match="keys are needed"):
        Scene(asked=drawn([[1.0]], periods=1, scenarios=1), leads=fixed_leads(np.array([0])), on_hand=np.array([0]))


def test_infinite_limits_and_fractions_of_terms_become_whole():
    rule = base_stock([5]).on_terms(moq=2.4, pack_size=0, max_stock=np.inf)
    assert (rule.moq[0], rule.pack_size[0], rule.max_stock[0]) == (3, 1, -1)
