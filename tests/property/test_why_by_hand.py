"""Whoever reads nothing but what ``--why`` prints gets every quantity, for every policy and every rule."""

from __future__ import annotations

import ast
import math
import operator
import re
from datetime import date

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from finalmile.frames import Cumulative, Frequency
from finalmile.inventory import NegativeBinomialPaths, PointDemand, order_lines, position
from finalmile.inventory.demand_ahead import with_means_ahead
from finalmile.inventory.lead_times import certain, from_pmf, side_by_side
from finalmile.inventory.policies import policies
from finalmile.inventory.position import protection_windows
from finalmile.inventory.price_breaks import price_breaks
from finalmile.inventory.proposal import LooksAhead, windows_for
from finalmile.inventory.protection import LAW_LEVELS, law_of
from finalmile.inventory.rule import Case
from finalmile.inventory.rules import rules
from finalmile.inventory.worked import worked

N, DAY = 15, date(2024, 5, 1)
NAMES = list(policies)


# The planner: a pocket calculator, the printed text, and the sentences of the documentation. No code of the product.


class Law:
    """Demand as the documentation words it: uniform between two quantiles, exponential beyond the highest."""

    def __init__(self, numbers):
        single = {name: value for name, value in numbers.items() if re.fullmatch(r"q[\d.]+", name)}
        several = sorted({name.partition("_")[0] for name in numbers if re.fullmatch(r"w\d+_share", name)})
        self.windows = [(1.0, knots(single, "q"))] if single else []
        for window in several:
            self.windows.append((numbers[f"{window}_share"], knots(numbers, f"{window}_q")))

    def cdf(self, y):
        return sum(share * self._cdf(table, y) for share, table in self.windows)

    def short(self, y):
        return sum(share * self._short(table, y) for share, table in self.windows)

    def quantile(self, p):
        return least(lambda y: self.cdf(y) >= p - 1e-12)

    def least_stock(self, allowed):
        return least(lambda y: self.short(y) <= allowed + 1e-12)

    @staticmethod
    def _tail(table):
        (p0, q0), (p1, q1) = table[-2:]
        return (q1 - q0) / math.log((1 - p0) / (1 - p1))

    def _cdf(self, table, y):
        top, scale = table[-1], self._tail(table)
        if y >= top[1]:
            return 1 - (1 - top[0]) * (math.exp(-(y - top[1]) / scale) if scale > 0 else 0.0)
        total, before = 0.0, (0.0, 0.0)
        for p, q in table:
            part = (p - before[0]) * ((y - before[1]) / (q - before[1]) if q > before[1] else float(y >= before[1]))
            total, before = total + min(max(part, 0.0), p - before[0]), (p, q)
        return total

    def _short(self, table, y):
        (top_p, top), scale = table[-1], self._tail(table)
        if y >= top:
            return (1 - top_p) * (scale * math.exp(-(y - top) / scale) if scale > 0 else 0.0)
        total, before = (1 - top_p) * (top + scale - y), (0.0, 0.0)
        for p, q in table:
            low = max(before[1], y)
            if q > low:
                total += (p - before[0]) * ((q - y) + (low - y)) / 2 * (q - low) / (q - before[1])
            elif q == before[1] > y:
                total += (p - before[0]) * (q - y)
            before = (p, q)
        return total


def knots(numbers, prefix):
    found = {name.removeprefix(prefix): value for name, value in numbers.items() if name.startswith(prefix)}
    return sorted((float(p) / 100, q) for p, q in found.items() if re.fullmatch(r"[\d.]+", p))


def least(enough):
    low, high = 0.0, 1.0
    if enough(0.0):
        return 0.0
    while not enough(high):
        high *= 2
    for _ in range(70):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def calculate(formula, numbers):
    """A formula by the printed numbers; anything that is not arithmetic on them is an error."""
    law = Law(numbers)
    before = Law({name.removeprefix("before_"): value for name, value in numbers.items() if name.startswith("before_")})
    functions = {
        "max": max, "min": min, "sqrt": math.sqrt, "round_up": math.ceil, "round_down": math.floor,
        "round_half_even": round, "quantile": law.quantile, "short": law.short, "least_stock": law.least_stock,
        "cheapest": lambda: cheapest(numbers), "first_to_reach": lambda asked: first_to_reach(numbers, asked),
        "least_stock_after": lambda allowed: least(lambda y: law.short(y) - before.short(y) <= allowed + 1e-12),
    }  # fmt: skip
    binary = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
    compare = {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge}

    def value(node):
        match node:
            case ast.Constant(value=number):
                return float(number)
            case ast.Name(id=name):
                return numbers[name]
            case ast.BinOp(left=left, op=op, right=right):
                return binary[type(op)](value(left), value(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return compare[type(op)](value(left), value(right))
            case ast.Call(func=ast.Name(id="choose"), args=[condition, then, other]):
                return value(then) if value(condition) else value(other)
            case ast.Call(func=ast.Name(id=name), args=args):
                return functions[name](*map(value, args))
        raise AssertionError(f"{formula!r} is more than arithmetic")

    return value(ast.parse(re.sub(r"\bif\(", "choose(", formula), mode="eval").body)


def cheapest(numbers):
    """Of the quantities that were tried, the first that no later one undercuts."""
    tried = {int(name.removeprefix("cost_")): cost for name, cost in numbers.items() if re.fullmatch(r"cost_\d+", name)}
    best = min(tried)
    for k in sorted(tried):
        best = k if tried[k] < tried[best] - 1e-9 else best
    return numbers[f"tried_{best}"]


def first_to_reach(numbers, asked):
    """Of the levels that were tried, the first that serves as much as asked for, or as much as any."""
    told = {
        int(name.rpartition("_")[2]): share
        for name, share in numbers.items()
        if re.fullmatch(r"(fill_rate|cycle_service)_\d+", name)
    }
    enough = min(asked, max(told.values()))
    return numbers[f"tried_{min(k for k, share in told.items() if share >= enough)}"]


def by_hand(printed):
    """The quantity that a planner gets, each printed number checked on the way; and the rules that bound it."""
    numbers, rules = {}, []
    for text in printed:
        if " = " not in text:
            continue
        name, *parts = re.sub(r" \[(\w+)\]$", "", text).split(" = ")
        rules += re.findall(r" \[(\w+)\]$", text)
        told = number(parts[-1])
        if len(parts) == 2:
            mine = calculate(parts[0], numbers)
            assert mine == pytest.approx(told, rel=1e-6, abs=1e-6), text
            told = mine
        if told is not None:
            numbers[name] = told
    return numbers["ordered"], rules


def number(text):
    try:
        return float(text)
    except ValueError:
        return None


# What is put before the planner: every policy, whatever its terms.


def demand_for(policy, at, mean):
    if policy.needs == "paths":
        return NegativeBinomialPaths(paths=40)(mean, ids=at.ids, seed=1)
    if policy.needs == "point":
        return PointDemand(mean=mean, sd=np.sqrt(mean[:, 0]))
    told = told_of(at, mean, policy.levels, windows=windows_for(policy, at))
    return with_means_ahead(told, policy.ahead(at), path=mean, season=7) if isinstance(policy, LooksAhead) else told


def told_of(at, mean, levels, *, windows):
    ahead = np.arange(mean.shape[1]) < windows[:, :, None]
    total = np.where(ahead, mean[:, None, :], 0).sum(axis=2).astype(np.float32)
    values = np.stack([total * (1 + level) for level in levels], axis=2)
    methods = np.full(at.n, "cqr", dtype=object)
    return Cumulative(windows=windows, mean=total, levels=levels, values=values, methods=methods)


def market(seed, *, vary=False):
    """Items of any terms, with lead times that vary for half of them where asked for, and their mean demand."""
    chance = np.random.default_rng(seed)
    leads = [from_pmf([0, 0.5, 0.3, 0, 0.2]) if vary and k % 2 else certain(2) for k in range(N)]
    at = position(
        np.array([f"item-{k}" for k in range(N)], dtype=object),
        on_hand=chance.choice([0.0, 3.0, 7.5, 20.0, 60.0], N),
        on_order=chance.choice([0.0, 0.0, 4.0, 12.0], N),
        lead_periods=np.array([one.planned for one in leads]) if vary else chance.integers(1, 4, N),
        lead_times=side_by_side(leads) if vary else None,
        review_periods=chance.integers(1, 3, N),
        moq=chance.choice([0.0, 1.0, 10.0, 25.0], N),
        pack_size=chance.choice([0.0, 1.0, 6.0, 7.0], N),
        max_stock=chance.choice([np.inf, np.inf, 40.0, 100.0, 33.5], N),
        unit_cost=chance.uniform(0.5, 3.0, N),
        unit_price=chance.uniform(3.0, 9.0, N),
        order_cost=chance.choice([0.0, 5.0], N),
        supplier=chance.choice(np.array(["acme", "bolt"], dtype=object), N),
    )
    return at, np.round(chance.uniform(0.1, 15, (N, 16)), 3)


def lines_of(name, *, seed, vary=False, rule=None, **settings):
    policy = policies.make(name, **settings)
    at, mean = market(seed, vary=vary)
    wanted = policy(at, demand_for(policy, at, mean))
    for one in rule or ():
        wanted = RULES[one](wanted)(wanted, case_of(at, mean))
    return order_lines(at, wanted, ordered_at=DAY, frequency=Frequency("day"), currency="EUR")


RULES = {
    "budget": lambda wanted: rules.make("budget", money=float(wanted.quantity.sum()) / 2),
    "storage": lambda wanted: rules.make("storage", capacity={"here": 400.0}),
    "shelf_life": lambda wanted: rules.make("shelf_life", least_sold=0.6),
    "supplier_minimum": lambda wanted: rules.make("supplier_minimum", top_up_share=0.5),
    "price_breaks": lambda wanted: rules.make("price_breaks"),
}
"""Every rule, with settings under which it binds here."""


def case_of(at, mean):
    law = law_of(at, told_of(at, mean, LAW_LEVELS, windows=protection_windows(at)))
    return Case(
        at=at,
        law=law,
        law_to_expiry=law,
        margin=np.maximum(at.unit_price - at.unit_cost, 0.0),
        shelf_life=np.where(np.arange(N) % 3 == 0, 4.0, np.inf),
        location=np.array(["here"] * N, dtype=object),
        unit_volume=np.full(N, np.nan),
        minimum_money=np.where(at.supplier == "acme", 600.0, 0.0),
        minimum_units=np.zeros(N),
        ordered_money=np.zeros(N),
        ordered_units=np.zeros(N),
        breaks=price_breaks(at.ids, [f"30:{0.9 * cost:.3f}; 70:{0.8 * cost:.3f}" for cost in at.unit_cost]),
    )


@pytest.mark.parametrize("vary", [False, True], ids=["certain", "varying"])
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**31))
@example(seed=404)
@example(seed=34)
def test_every_quantity_can_be_recomputed_from_what_is_printed(name, vary, seed):
    for line in lines_of(name, seed=seed, vary=vary):
        follows(line)


def follows(line):
    printed = worked(line)
    ordered, bound = by_hand(printed)
    assert ordered == line.quantity, printed
    assert bound[-1:] == [line.reason["bound"]] * bool(line.reason["bound"]), printed
    return bound


@pytest.mark.parametrize("rule", list(rules))
def test_every_rule_of_a_shop_is_followed_too_and_binds_here(rule):
    assert rule in RULES, f"say under which settings the rule {rule!r} binds, so that its steps are followed here"
    lines = [line for seed in range(4) for line in lines_of("order_up_to", seed=seed, rule=[rule])]
    assert rule in {one for line in lines for one in follows(line)}


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**31), order=st.permutations([*RULES, "supplier_minimum"]))
def test_rules_one_after_the_other_are_followed_in_any_order_even_twice(seed, order):
    for line in lines_of("order_up_to", seed=seed, rule=order):
        follows(line)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_printed_follows_from_what_is_forecast_and_held(name):
    """No quantity is merely stated: the steps go back to something that nobody decided."""
    for line in lines_of(name, seed=3):
        names = [step["name"] for step in line.reason["steps"]]
        assert "wanted" in names, f"{name} does not say how wanted comes about"
        assert names[-1] == "units"


def test_every_rule_binds_somewhere_here():
    bound = {
        rule for seed in range(6) for line in lines_of("order_up_to", seed=seed) for rule in by_hand(worked(line))[1]
    }
    assert bound == {"moq", "pack_size", "max_stock"}


def test_periods_of_cover_may_round_to_the_nearest():
    for line in lines_of("periods_of_cover", seed=1, nearest=True):
        assert by_hand(worked(line))[0] == line.quantity


@pytest.mark.parametrize("name", ["look_ahead", "periods_of_cover"])
def test_a_line_says_where_its_policy_does_not_reckon_with_lead_times_that_vary(name):
    for line in lines_of(name, seed=5, vary=True):
        assert "lead_times = " in "\n".join(worked(line))
    for line in lines_of(name, seed=5):
        assert "lead_times = " not in "\n".join(worked(line))


@pytest.mark.parametrize("vary", [False, True], ids=["certain", "varying"])
@pytest.mark.parametrize("kind", ["order_up_to", "min_max"])
@pytest.mark.parametrize("goal", ["fill_rate", "cycle_service", "cost"])
def test_a_level_that_was_simulated_is_picked_by_hand_from_those_tried(goal, kind, vary):
    lines = lines_of("by_simulation", seed=7, vary=vary, goal=goal, kind=kind)
    assert lines
    for line in lines:
        follows(line)
        assert sum(name.startswith("tried_") for name in line.reason) >= 6


@pytest.mark.parametrize("method", ["silver_meal", "wagner_whitin"])
def test_lots_of_several_cycles_are_followed_and_occur_here(method):
    covered = set()
    for line in lines_of("lot_sizing", seed=7, method=method, holding_rate_per_period=0.01):
        follows(line)
        told = line.reason
        tried = [told[f"tried_{k}"] for k in range(13) if f"tried_{k}" in told]
        covered.add([math.ceil(units - 1e-6) for units in tried].index(told["level"]))
    assert {0} < covered


def test_a_rule_of_ones_own_is_followed_like_the_others():
    from finalmile.inventory.proposal import Proposal

    at = position(np.array(["a", "b"], dtype=object), on_hand=np.zeros(2), lead_periods=np.array([1, 1]))
    told: Proposal = policies.make("periods_of_cover")(at, PointDemand(mean=np.full((2, 4), 3.0), sd=np.ones(2)))
    room = np.array([5.0, np.nan])
    cut = told.bounded(
        "budget", quantity=np.array([5.0, 12.0]), formula="min(units, budget_units)", given={"budget_units": room}
    )
    first, second = order_lines(at, cut, ordered_at=DAY, frequency=Frequency("day"), currency="EUR")
    assert by_hand(worked(first)) == (5, ["budget"])
    assert by_hand(worked(second)) == (12, [])
    assert (first.reason["bound"], second.reason["bound"]) == ("budget", "")


def test_a_planner_notices_a_number_that_was_changed():
    (line, *_) = lines_of("order_up_to", seed=1)
    printed = [text.replace("demand_quantile = ", "demand_quantile = 9") for text in worked(line)]
    with pytest.raises(AssertionError):
        by_hand(printed)
