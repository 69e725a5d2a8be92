"""What if: other terms in the same futures, and what each service takes in stock."""

import itertools

import numpy as np
import pytest

from finalmile.config import load_config
from finalmile.errors import ConfigError, UnknownNameError
from finalmile.frames import Frequency, Panel
from finalmile.inventory import position
from finalmile.inventory.lead_times import from_pmf, side_by_side
from finalmile.workflows.last_year import last_year
from finalmile.workflows.what_if import promised

from .conftest import SETTINGS


@pytest.fixture
def shop(small_shop):
    return small_shop()


@pytest.fixture
def product(shop):
    known = shop.project.shop.known
    return str(known.panel(known.newest).ids[0])


def test_a_longer_lead_time_takes_more_stock_for_the_same_service(shop, product):
    told = shop.project.what_if(product, lead_time_days=21)
    assert told.then.order_up_to > told.now.order_up_to
    assert told.then.terms["lead_time_days"] == 21
    assert told.now.terms["cycle_service"] == told.then.terms["cycle_service"] == 0.98


def test_a_fill_rate_that_is_asked_for_is_realised_on_other_futures(shop, product):
    told = shop.project.what_if(product, fill_rate=0.9)
    assert told.then.fill_rate == pytest.approx(0.9, abs=0.05)
    assert told.then.stock_units < told.now.stock_units


def test_what_is_not_changed_stays_to_the_last_unit(shop, product):
    told = shop.project.what_if(product)
    assert told.now == told.then
    assert told == shop.project.what_if(product)


def test_a_larger_minimum_order_orders_less_often(shop, product):
    told = shop.project.what_if(product, moq=200)
    assert told.then.orders < told.now.orders


def test_more_service_takes_more_stock_and_loses_less(shop):
    points = shop.project.frontier().points
    for less, more in itertools.pairwise(points):
        assert more.stock_units >= less.stock_units
        assert more.lost_units <= less.lost_units
        assert more.fill_rate >= less.fill_rate


def test_nothing_is_proposed_by_asking(shop, product):
    before = shop.project.ledger.orders()
    shop.project.what_if(product, moq=5)
    shop.project.frontier(services=[0.9])
    assert shop.project.ledger.orders() == before


def test_an_unknown_product_is_named(shop):
    with pytest.raises(UnknownNameError, match="nonsense"):
        shop.project.what_if("nonsense")


@pytest.mark.parametrize(
    ("terms", "what"),
    [
        ({"cycle_service": 1.0}, "between 0 and 1"),
        ({"fill_rate": 98.0}, "between 0 and 1"),
        ({"fill_rate": 0.9, "cycle_service": 0.9}, "not both"),
        ({"lead_time_days": -1.0}, "lead_time_days is -1"),
        ({"moq": float("nan")}, "moq is nan"),
        ({"pack_size": 0.0}, "pack_size is 0; it must be above 0"),
        ({"review_period_days": 0.0, "moq": -1.0}, r"(?s)review_period_days is 0.*moq is -1"),
    ],
)
def test_terms_that_make_no_sense_are_refused(shop, product, terms, what):
    with pytest.raises(ConfigError, match=what):
        shop.project.what_if(product, **terms)


def year_of(y, *, lead=None):
    n = len(y)
    panel = Panel(
        ids=np.array([f"i{k}" for k in range(n)], dtype=object), frequency=Frequency("day"), first=0,
        y=y.astype(np.float32), censored=np.zeros(y.shape, dtype=np.bool_),
    )  # fmt: skip
    told = None if lead is None else side_by_side([lead] * n)
    planned = np.full(n, 4 if lead is None else lead.planned)
    return last_year(panel, position(panel.ids, on_hand=np.zeros(n), lead_periods=planned, lead_times=told))


def test_levels_mix_the_lead_times_as_often_as_each_is():
    y = np.random.default_rng(3).poisson(4.0, (3, 400))
    lead = from_pmf([0, 0, 0.7, 0, 0, 0, 0, 0, 0, 0.3])
    level = year_of(y, lead=lead).level(cycle_service=0.95)
    for row, found in zip(y, level, strict=True):
        covered = 0.0
        for periods, share in zip(lead.periods, lead.shares, strict=True):
            sums = np.convolve(row, np.ones(periods + 1), mode="valid")
            covered += share * (sums <= found).mean()
        assert covered == pytest.approx(0.95, abs=0.03)


def test_a_lead_time_that_varies_takes_more_stock_than_its_mean():
    y = np.random.default_rng(3).poisson(4.0, (2, 400))
    steady, varied = year_of(y), year_of(y, lead=from_pmf([0, 0.5, 0, 0, 0, 0, 0, 0.5]))
    assert (varied.level(cycle_service=0.98) > steady.level(cycle_service=0.98)).all()
    assert varied.longest == 8
    scene = varied.scene(periods=30, scenarios=2, block=7, seed=0)
    assert (scene.leads.fixed == -1).all()
    assert not scene.leads.crossing
    assert scene.leads.longest == 7


def test_a_lead_time_that_is_named_is_certain(small_shop):
    shop = small_shop()
    known = shop.project.shop.known
    name = str(known.panel(known.newest).ids[0])
    told = shop.project.what_if(name, lead_time_days=9)
    assert told.then.terms["lead_time_days"] == 9
    assert "lead_time_days_sd" not in told.then.terms


def test_levels_are_quantiles_of_sums_since_the_product_was_listed():
    y = np.array([[np.nan, np.nan, 1, 2, 3, 4], [5, 0, 0, 0, 0, 5]], dtype=np.float32)
    censored = np.zeros(y.shape, dtype=np.bool_)
    panel = Panel(ids=np.array(["a", "b"], dtype=object), frequency=Frequency("day"), first=0, y=y, censored=censored)
    at = position(panel.ids, on_hand=np.zeros(2), lead_periods=np.array([1, 1]))
    year = last_year(panel, at)
    assert year.level(cycle_service=0.999).tolist() == [7, 5]
    assert year.level(cycle_service=0.34).tolist() == [5, 0]
    assert year.level(cycle_service=0.33).tolist() == [3, 0]


@pytest.mark.parametrize(
    ("plan", "promise"),
    [
        ("policy: order_up_to, settings: {cycle_service: 0.9}", {"cycle_service": 0.9}),
        ("policy: fill_rate_order_up_to, settings: {fill_rate: 0.95}", {"fill_rate": 0.95}),
        ("policy: by_simulation, settings: {goal: cycle_service}", {"cycle_service": 0.98}),
        ("policy: by_simulation, settings: {goal: cost}", {}),
        ("policy: newsvendor", {}),
        ("policy: periods_of_cover", {}),
    ],
)
def test_now_is_the_service_that_plans_promise_and_of_its_kind(tmp_path, plan, promise):
    (tmp_path / "finalmile.yaml").write_text(f"plan: {{{plan}}}\n")
    assert promised(load_config(tmp_path)) == promise


def test_where_plans_promise_no_service_the_comparison_says_what_now_is(small_shop):
    shop = small_shop(settings=SETTINGS.replace("plan: {", "plan: {policy: newsvendor, "))
    known = shop.project.shop.known
    told = shop.project.what_if(str(known.panel(known.newest).ids[0]))
    assert told.now.terms["cycle_service"] == 0.98
    assert "newsvendor promises no service" in told.lines()[-1]
