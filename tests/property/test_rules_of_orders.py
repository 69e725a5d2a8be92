"""What stands between a wish and an order: a budget, a store's room, shelf lives, a supplier's minimum."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finalmile.errors import MissingInputError
from finalmile.frames import Frequency
from finalmile.inventory import Position, Proposal, order_lines, orderable, position
from finalmile.inventory.protection import DemandLaw
from finalmile.inventory.rationing import Lots, rationed
from finalmile.inventory.rule import Case
from finalmile.inventory.rules import rules
from finalmile.inventory.steps import Step
from finalmile.inventory.worked import worked

from .test_why_by_hand import by_hand

LEVELS = np.array([0.5, 0.8, 0.9, 0.95, 0.98, 0.99])


def law(means) -> DemandLaw:
    """Exponential demand, whose quantiles are known."""
    means = np.asarray(means, dtype=float)
    knots = -np.log(1 - LEVELS)[None, None, :] * means[:, None, None]
    return DemandLaw(knots=knots, levels=LEVELS, weights=np.ones((len(means), 1)), mean=means)


def names(n: int) -> np.ndarray:
    return np.array([f"i{k}" for k in range(n)], dtype=object)


@st.composite
def markets(draw, *, most=6):
    """Items with demand, terms and money, and what a policy wants of them."""
    n = draw(st.integers(1, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    at = position(
        names(n),
        on_hand=rng.integers(0, 5, n).astype(float),
        lead_periods=np.ones(n, dtype=np.int64),
        moq=rng.choice([0.0, 1.0, 4.0], n),
        pack_size=rng.choice([0.0, 1.0, 2.0, 3.0], n),
        max_stock=rng.choice([np.inf, 15.0], n),
        unit_cost=rng.integers(1, 6, n).astype(float),
        unit_price=rng.integers(1, 12, n).astype(float),
        supplier=rng.choice(np.array(["acme", "bolt"], dtype=object), n),
    )
    return at, law(rng.uniform(1, 8, n)), rng.integers(0, 9, n).astype(float)


def case_of(at: Position, demand: DemandLaw, **terms) -> Case:
    n = at.n
    usual = {
        "law_to_expiry": demand,
        "margin": np.maximum(at.unit_price - at.unit_cost, 0.0),
        "shelf_life": np.full(n, np.inf),
        "location": np.array(["here"] * n, dtype=object),
        "unit_volume": np.full(n, np.nan),
        "minimum_money": np.zeros(n),
        "minimum_units": np.zeros(n),
        "ordered_money": np.zeros(n),
        "ordered_units": np.zeros(n),
    }
    return Case(at=at, law=demand, **{**usual, **terms})


def proposal(at: Position, demand: DemandLaw, raw) -> Proposal:
    quantity, bound = orderable(at, raw)
    return Proposal(
        policy="p", settings={}, window=np.ones(at.n, dtype=np.int64), level=at.held + raw, expected=demand.mean,
        raw=raw, quantity=quantity, bound=bound, methods=np.array(["m"] * at.n, dtype=object),
    )  # fmt: skip


def earns(case: Case, quantity) -> float:
    return float(-case.forgone(np.zeros(case.at.n), np.asarray(quantity, dtype=float)).sum())


def keeps_terms(at: Position, quantity) -> bool:
    pack = np.maximum(at.pack_size, 1)
    return bool(((quantity % pack == 0) & ((quantity == 0) | (quantity >= at.moq))).all())


# What is printed


@given(markets(), st.floats(0.1, 0.9), st.floats(0.05, 0.95), st.floats(0, 40))
def test_whoever_reads_the_printed_text_alone_gets_the_quantity_of_every_line(market, share, least, room):
    at, demand, raw = market
    told = proposal(at, demand, raw)
    wished = Step(
        name="wanted", formula="max(0, level - on_hand - on_order)", values=np.maximum(told.level - at.held, 0)
    )
    told = replace(told, steps=(wished,))
    case = case_of(at, demand, shelf_life=np.full(at.n, 3.0), minimum_units=np.full(at.n, 8.0))
    for rule in (
        rules.make("shelf_life", least_sold=least),
        rules.make("supplier_minimum", top_up_share=0.5),
        rules.make("storage", capacity={"here": room}),
        rules.make("budget", money=share * float((told.quantity * at.unit_cost).sum())),
        rules.make("supplier_minimum", top_up_share=0.0),
    ):
        told = rule(told, case)
    for line in order_lines(at, told, ordered_at=date(2024, 5, 1), frequency=Frequency("day"), currency="EUR"):
        units, bound = by_hand(worked(line))
        assert units == line.quantity
        assert line.reason["bound"] in {"", *bound}


# Budget


@given(markets(), st.floats(0, 1))
def test_a_budget_is_never_exceeded_and_nothing_is_more_than_was_wanted(market, share):
    at, demand, raw = market
    wanted = proposal(at, demand, raw)
    money = share * float((wanted.quantity * at.unit_cost).sum())
    given_ = rules.make("budget", money=money)(wanted, case_of(at, demand))
    assert (given_.quantity * at.unit_cost).sum() <= money + 1e-6
    assert (given_.quantity <= wanted.quantity).all()
    assert keeps_terms(at, given_.quantity)
    assert (given_.bound[given_.quantity < wanted.quantity] == "budget").all()


@given(markets(), st.floats(0, 1))
def test_no_better_lot_that_is_left_out_could_take_the_place_of_a_worse_one(market, share):
    at, demand, raw = market
    wanted, case = proposal(at, demand, raw), case_of(at, demand)
    rows = np.arange(at.n)
    lots = case.lots(rows, most=wanted.quantity, worth=case.margin, size=at.unit_cost)
    limit = share * float((wanted.quantity * at.unit_cost).sum())
    got = rationed(lots, limit=limit)
    left = limit - float((lots.units(got) * at.unit_cost).sum())
    value, size = lots.value(np.maximum(got, 1)), _size_of_last(lots, got)
    ahead = lots.value(np.clip(got + 1, 1, np.maximum(lots.most, 1)))
    for better, worse in itertools.permutations(rows[lots.most > 0], 2):
        if got[better] < lots.most[better] and got[worse] > 0 and ahead[better] > value[worse] * (1 + 1e-9):
            assert left + size[worse] < _size_of_next(lots, got)[better] + 1e-9


def _size_of_last(lots: Lots, got):
    return (lots.units(got) - lots.units(np.maximum(got - 1, 0))) * lots.size


def _size_of_next(lots: Lots, got):
    return (lots.units(got + 1) - lots.units(got)) * lots.size


@given(markets(most=3), st.floats(0, 1))
def test_a_budget_earns_as_much_as_any_choice_up_to_what_its_last_money_could_earn(market, share):
    at, demand, raw = market
    wanted, case = proposal(at, demand, raw), case_of(at, demand)
    lots = case.lots(np.arange(at.n), most=wanted.quantity, worth=case.margin, size=at.unit_cost)
    money = share * float((wanted.quantity * at.unit_cost).sum())
    got = rationed(lots, limit=money)
    choices = itertools.product(*(range(int(most) + 1) for most in lots.most))
    units = [lots.units(np.array(choice)) for choice in choices]
    best = max(earns(case, one) for one in units if (one * at.unit_cost).sum() <= money + 1e-9)
    left = money - float((lots.units(got) * at.unit_cost).sum())
    rate = float(lots.value(np.ones_like(lots.most))[lots.most > 0].max(initial=0.0))
    assert earns(case, lots.units(got)) >= best - rate * left - 1e-6


def test_few_lots_at_the_end_and_all_lots_at_once_are_given_alike(monkeypatch):
    rng = np.random.default_rng(3)
    n = 200
    at = position(names(n), on_hand=np.zeros(n), lead_periods=np.ones(n, dtype=np.int64),
                  unit_cost=rng.uniform(1, 9, n), unit_price=rng.uniform(9, 20, n))  # fmt: skip
    case = case_of(at, law(rng.uniform(1, 30, n)))
    lots = case.lots(np.arange(n), most=rng.integers(1, 60, n).astype(float), worth=case.margin, size=at.unit_cost)
    for limit in (10.0, 500.0, 5000.0):
        at_once = rationed(lots, limit=limit)
        monkeypatch.setattr("finalmile.inventory.rationing._FEW", 5)
        closing_in = rationed(lots, limit=limit)
        monkeypatch.undo()
        assert np.array_equal(at_once, closing_in)


def test_more_money_never_earns_less_and_enough_money_changes_nothing():
    at, demand, raw = _market()
    wanted, case = proposal(at, demand, raw), case_of(at, demand)
    earned = [earns(case, rules.make("budget", money=m)(wanted, case).quantity) for m in (0.0, 5.0, 20.0, 40.0, 1e9)]
    assert earned == sorted(earned)
    assert earned[0] == 0
    assert np.array_equal(rules.make("budget", money=1e9)(wanted, case).quantity, wanted.quantity)


def _market():
    at = position(names(3), on_hand=np.zeros(3), lead_periods=np.ones(3, dtype=np.int64),
                  unit_cost=np.array([1.0, 2.0, 5.0]), unit_price=np.array([2.0, 8.0, 6.0]))  # fmt: skip
    return at, law([5.0, 3.0, 4.0]), np.array([9.0, 9.0, 9.0])


def test_a_line_cut_by_a_budget_says_what_it_cost():
    at, demand, raw = _market()
    case = case_of(at, demand)
    told = rules.make("budget", money=20.0)(proposal(at, demand, raw), case)
    cut = told.quantity < 9
    assert cut.any()
    assert np.allclose(told.details["budget_forgone"][cut], case.forgone(np.full(3, 9.0), told.quantity)[cut])
    assert np.isnan(told.details["budget_forgone"][~cut]).all()


def test_a_budget_without_costs_is_refused_and_names_the_items():
    at, demand, raw = _market()
    at = replace(at, unit_cost=np.array([1.0, np.nan, 5.0]))
    with pytest.raises(MissingInputError, match=r"'i1'.* unit_cost"):
        rules.make("budget", money=20.0)(proposal(at, demand, raw), case_of(at, demand))


# Storage


@given(markets(), st.floats(0, 60), st.booleans())
def test_what_is_there_coming_and_ordered_fits_or_nothing_more_is_ordered(market, room, by_volume):
    at, demand, raw = market
    wanted = proposal(at, demand, raw)
    volume = np.arange(1.0, at.n + 1) if by_volume else np.full(at.n, np.nan)
    took = rules.make("storage", capacity={"here": room})(wanted, case_of(at, demand, unit_volume=volume))
    each = np.nan_to_num(volume, nan=1.0)
    filled = float(((at.held + took.quantity) * each).sum())
    assert filled <= room + 1e-6 or not took.quantity.any()
    assert keeps_terms(at, took.quantity)
    assert (took.quantity <= wanted.quantity).all()


def test_locations_that_are_not_named_hold_anything():
    at, demand, raw = _market()
    wanted = proposal(at, demand, raw)
    assert np.array_equal(
        rules.make("storage", capacity={"x": 0})(wanted, case_of(at, demand)).quantity, wanted.quantity
    )


# Shelf life


@given(markets(), st.floats(0.05, 1))
def test_every_lot_ordered_is_likely_enough_to_sell_in_time_and_the_next_is_not(market, least):
    at, demand, raw = market
    wanted = proposal(at, demand, raw)
    case = case_of(at, demand, shelf_life=np.full(at.n, 3.0))
    took = rules.make("shelf_life", least_sold=least)(wanted, case).quantity
    pack = np.maximum(at.pack_size, 1)
    for row in np.flatnonzero(wanted.quantity > 0):
        first = max(np.ceil(at.moq[row] / pack[row]), 1) * pack[row]
        steps = [0.0, *np.arange(first, wanted.quantity[row] + 1, pack[row])]
        sold = [_sold(demand, row, at.held[row] + a, at.held[row] + b) for a, b in itertools.pairwise(steps)]
        assert took[row] == steps[sum(share >= least - 1e-12 for share in sold)]


def _sold(demand: DemandLaw, row: int, low: float, high: float) -> float:
    units = np.zeros(len(demand.mean))
    short = [demand.short(units + at)[row] for at in (low, high)]
    return float(short[0] - short[1]) / (high - low)


def test_what_does_not_expire_is_left_alone():
    at, demand, raw = _market()
    wanted = proposal(at, demand, raw)
    assert np.array_equal(rules.make("shelf_life")(wanted, case_of(at, demand)).quantity, wanted.quantity)


# Supplier's minimum


@given(markets(), st.floats(0, 60), st.sampled_from(["minimum_money", "minimum_units"]), st.floats(0, 1))
def test_an_order_is_nothing_or_at_least_what_its_supplier_takes(market, least, kind, share):
    at, demand, raw = market
    wanted = proposal(at, demand, raw)
    case = case_of(at, demand, **{kind: np.full(at.n, least)})
    took = rules.make("supplier_minimum", top_up_share=share)(wanted, case)
    assert keeps_terms(at, took.quantity)
    more = took.quantity > wanted.quantity
    assert (at.held + took.quantity <= at.max_stock)[more].all()
    for supplier in set(at.supplier):
        mine = at.supplier == supplier
        size = at.unit_cost if kind == "minimum_money" else np.ones(at.n)
        before, after = (float((one.quantity * size)[mine].sum()) for one in (wanted, took))
        assert after == 0 or after >= least * (1 - 1e-9)
        if before >= least:
            assert np.array_equal(took.quantity[mine], wanted.quantity[mine])
        if after and before < least:
            assert least - before <= share * least + 1e-9


def test_an_order_that_is_a_little_small_gets_the_lot_that_earns_most():
    at, demand, _ = _market()
    wanted = proposal(at, demand, np.array([2.0, 1.0, 0.0]))
    took = rules.make("supplier_minimum")(wanted, case_of(at, demand, minimum_money=np.full(3, 5.0)))
    assert took.quantity.tolist() == [2.0, 2.0, 0.0]
    assert took.bound.tolist() == ["", "supplier_minimum", ""]


def test_an_order_far_too_small_waits():
    at, demand, raw = _market()
    took = rules.make("supplier_minimum")(
        proposal(at, demand, raw), case_of(at, demand, minimum_money=np.full(3, 500.0))
    )
    assert not took.quantity.any()
