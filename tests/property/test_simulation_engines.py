"""One simulation in three forms: compiled, vectorised, and written out plainly; the books of each balance."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given as holds_for
from hypothesis import settings
from hypothesis import strategies as st

from finalmile.simulation import follow, opening, simulate
from finalmile.simulation.chance import keys_of
from finalmile.simulation.engine import run
from finalmile.simulation.jit import numba_installed
from finalmile.simulation.rules import Rule
from finalmile.simulation.scene import Scene, bootstrapped, drawn, fixed_leads, given, random_leads
from finalmile.simulation.totals import FIELDS

ENGINES = ["numpy", *(["numba"] if numba_installed() else [])]


@st.composite
def plays(draw):
    """A scene and rules with every setting that there is."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, periods, c = draw(st.integers(1, 4)), draw(st.integers(1, 30)), draw(st.integers(1, 3))
    kind = draw(st.sampled_from(["given", "bootstrapped", "drawn"]))
    scenarios = draw(st.integers(1, 3))
    if kind == "given":
        asked = given(rng.integers(0, 9, (n, periods)))
    elif kind == "bootstrapped":
        history = rng.integers(0, 9, (n, draw(st.integers(1, 12))))
        starts = rng.integers(0, history.shape[1], n)
        asked = bootstrapped(
            history, periods=periods, scenarios=scenarios, block=draw(st.integers(1, 8)), starts=starts
        )
    else:
        asked = drawn(rng.dirichlet(np.ones(6), n), periods=periods, scenarios=scenarios)
    if draw(st.booleans()):
        leads = fixed_leads(rng.integers(0, 6, n))
    else:
        leads = random_leads(rng.dirichlet(np.ones(5), 2), row=rng.integers(0, 2, n), crossing=draw(st.booleans()))
    scene = Scene(
        asked=asked,
        leads=leads,
        on_hand=rng.integers(0, 20, n),
        pipeline=rng.integers(0, 6, (n, draw(st.integers(1, 9)))),
        keys=keys_of(range(n), seed=1),
        shelf_life=rng.integers(0, 5, n) if draw(st.booleans()) else None,
        written_off=rng.integers(0, 3, (n, periods)).astype(np.int32) if draw(st.booleans()) else None,
        backorders=draw(st.booleans()),
    )
    point = rng.integers(-3, 25, (n, c))
    rule = Rule(
        reorder_point=point,
        order_up_to=point + rng.integers(-2, 15, (n, c)),
        lot=np.where(rng.random((n, c)) < 0.4, rng.integers(1, 9, (n, c)), 0),
        every=rng.integers(1, 5, n),
        offset=rng.integers(0, 4, n),
        moq=rng.integers(0, 8, n),
        pack_size=rng.integers(1, 7, n),
        max_stock=np.where(rng.random(n) < 0.3, rng.integers(0, 40, n), -1),
    )
    return scene, rule, draw(st.integers(0, periods - 1))


@pytest.mark.skipif(not numba_installed(), reason="numba is not installed here")
@settings(deadline=None, max_examples=200)
@holds_for(plays(), st.integers(1, 3))
def test_compiled_and_vectorised_give_the_same_whole_numbers_on_any_number_of_threads(play, threads):
    scene, rule, warm_up = play
    one = run(scene, rule, warm_up=warm_up, engine="numba", threads=threads)
    other = run(scene, rule, warm_up=warm_up, engine="numpy")
    assert {name: getattr(one, name).tolist() for name in FIELDS} == {
        name: getattr(other, name).tolist() for name in FIELDS
    }


@pytest.mark.parametrize("engine", ENGINES)
@settings(deadline=None, max_examples=100)
@holds_for(play=plays())
def test_the_books_balance_for_every_setting(engine, play):
    scene, rule, warm_up = play
    found = run(scene, rule, warm_up=warm_up, engine=engine)
    left = found.opening + found.received - found.sold - found.expired - found.written_off
    assert (left == found.closing).all()
    assert (found.on_order_before + found.ordered == found.received + found.on_order).all()
    if scene.backorders:
        assert (found.demand + found.owed_before == found.sold + found.owed).all()
    else:
        assert (found.demand == found.sold + found.unmet).all()
        assert not found.owed.any()
    assert all((getattr(found, name) >= 0).all() for name in FIELDS)
    assert (found.unmet <= found.demand).all()
    assert (found.cycles_short <= found.cycles).all()


@settings(deadline=None, max_examples=100)
@holds_for(play=plays())
def test_an_item_fares_the_same_whoever_stands_beside_it(play):
    scene, rule, warm_up = play
    whole = run(scene, rule, warm_up=warm_up, engine="numpy")
    last = slice(scene.n - 1, scene.n)
    alone = run(scene.take(last), rule.take(last), warm_up=warm_up, engine="numpy")
    assert all((getattr(whole, name)[last] == getattr(alone, name)).all() for name in FIELDS)


@settings(deadline=None, max_examples=150)
@holds_for(play=plays(), seed=st.integers(0, 2**32 - 1))
def test_the_engine_does_what_a_plain_loop_over_units_of_each_age_does(play, seed):
    scene, rule, warm_up = play
    rng = np.random.default_rng(seed)
    demand, leads = rng.integers(0, 9, (scene.n, scene.asked.periods)), rng.integers(0, 6, scene.n)
    told = Scene(
        asked=given(demand), leads=fixed_leads(leads), on_hand=scene.on_hand, pipeline=scene.pipeline,
        shelf_life=scene.shelf_life, written_off=scene.written_off, backorders=scene.backorders,
    )  # fmt: skip
    found = run(told, rule, warm_up=warm_up, engine="numpy")
    for item in range(scene.n):
        for candidate in range(rule.candidates):
            plain = plainly(told, rule, item, candidate, demand[item], int(leads[item]), warm_up)
            assert plain == {name: int(getattr(found, name)[item, candidate]) for name in plain}


def plainly(scene, rule, item, candidate, demand, lead, warm_up):
    """Every unit on the shelf by the period it was received in, every order by the period it is due in."""
    due = {k: int(units) for k, units in enumerate(scene.pipeline[item]) if units}
    shelf = deque([[0, int(scene.on_hand[item])]])
    life = 0 if scene.shelf_life is None else int(scene.shelf_life[item])
    owed, sums = 0, dict.fromkeys(("sold", "unmet", "expired", "written_off", "orders", "ordered", "unit_periods"), 0)

    def take(units):
        taken = 0
        while taken < units and shelf:
            part = min(units - taken, shelf[0][1])
            shelf[0][1] -= part
            taken += part
            if not shelf[0][1]:
                shelf.popleft()
        return taken

    for t, wanted in enumerate(demand.tolist()):
        if t == warm_up:
            sums = dict.fromkeys(sums, 0)
        shelf.append([t, due.pop(t, 0)])
        served = take(owed)
        owed -= served
        sold = take(wanted)
        sums["sold"] += served + sold
        sums["unmet"] += wanted - sold
        owed += wanted - sold if scene.backorders else 0
        if scene.written_off is not None:
            sums["written_off"] += take(int(scene.written_off[item, t]))
        if life:
            sums["expired"] += sum(units for came, units in shelf if came + life - 1 <= t)
            shelf = deque(batch for batch in shelf if batch[0] + life - 1 > t)
        on_hand = sum(units for _, units in shelf)
        sums["unit_periods"] += on_hand
        if t >= rule.offset[item] and (t - rule.offset[item]) % rule.every[item] == 0:
            quantity = order(rule, item, candidate, on_hand + sum(due.values()) - owed)
            if quantity:
                due[t + 1 + lead] = due.get(t + 1 + lead, 0) + quantity
                sums["orders"] += 1
                sums["ordered"] += quantity
    return sums


def order(rule, item, candidate, position):
    point, level, lot = (int(values[item, candidate]) for values in (rule.reorder_point, rule.order_up_to, rule.lot))
    moq, pack, cap = int(rule.moq[item]), int(rule.pack_size[item]), int(rule.max_stock[item])
    if position > point:
        return 0
    wanted = next(k * lot for k in range(1, 10_000) if position + k * lot > point) if lot else level - position
    if wanted <= 0:
        return 0
    packs = next(k for k in range(10_000) if k * pack >= max(wanted, moq))
    while cap >= 0 and packs and position + packs * pack > cap:
        packs -= 1
    return packs * pack if packs * pack >= moq else 0


@settings(deadline=None, max_examples=100)
@holds_for(plays())
def test_orders_that_may_not_overtake_arrive_in_the_order_they_were_placed_in(play):
    """So no more can have come by any period than where orders may overtake."""
    scene, rule, _ = play
    marks = random_leads([[0.5, 0, 0, 0, 0.5]], row=np.zeros(scene.n, dtype=np.int64), crossing=False)
    in_turn = Scene(asked=scene.asked, leads=marks, on_hand=scene.on_hand, keys=scene.keys)
    crossing = Scene(
        asked=scene.asked, leads=random_leads([[0.5, 0, 0, 0, 0.5]], row=marks.row), on_hand=scene.on_hand,
        keys=scene.keys,
    )  # fmt: skip
    patient = Rule(
        reorder_point=np.full((scene.n, 1), 10**6), order_up_to=np.full((scene.n, 1), 10**6),
        lot=np.zeros((scene.n, 1), dtype=np.int64), every=rule.every, offset=rule.offset, moq=rule.moq * 0,
        pack_size=rule.pack_size * 0 + 1, max_stock=rule.max_stock * 0 - 1,
    )  # fmt: skip
    one, other = run(in_turn, patient, engine="numpy"), run(crossing, patient, engine="numpy")
    assert (one.received <= other.received).all()


@settings(deadline=None, max_examples=60)
@holds_for(play=plays())
def test_following_the_same_orders_the_period_by_period_simulation_agrees(play):
    scene, rule, _ = play
    asked = np.random.default_rng(7).integers(0, 9, (scene.n, 20))
    leads = np.full(scene.n, 2)
    level = np.full((scene.n, 1), 15)
    weekly = Rule(
        reorder_point=level - 1, order_up_to=level, lot=level * 0, every=leads * 0 + 3, offset=leads * 0,
        moq=rule.moq, pack_size=rule.pack_size, max_stock=rule.max_stock,
    )  # fmt: skip
    found = run(Scene(asked=given(asked), leads=fixed_leads(leads), on_hand=scene.on_hand), weekly, engine="numpy")

    def decide(t, stock):
        quantities = [order(weekly, item, 0, int(stock.position[item])) for item in range(scene.n)]
        return np.array(quantities if t % 3 == 0 else [0] * scene.n, dtype=float)

    flow = simulate(opening(scene.on_hand.astype(float), max_lead=2), asked.astype(float), decide=decide, leads=leads)
    again = simulate(
        opening(scene.on_hand.astype(float), max_lead=2), asked.astype(float), decide=follow(flow.ordered), leads=leads
    )
    assert np.array_equal(again.lost, flow.lost)
    assert found.unmet[:, 0].tolist() == flow.lost.sum(axis=1).tolist()
    assert found.unit_periods[:, 0].tolist() == flow.on_hand.sum(axis=1).tolist()
    assert found.received[:, 0].tolist() == flow.received.sum(axis=1).tolist()
