"""A shop's days and versions: judged once, ordered once, returned from for good."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from finalmile.errors import ConflictError, MissingInputError, NotCertifiedError
from finalmile.project import Project
from finalmile.workflows import promote as promoting

BEGIN, HISTORY, SERIES = date(2023, 1, 2), 100, 8
SETTINGS = """
models: {demand: {forecaster: seasonal_naive, horizon_days: 14}}
certify: {holdout_days: 14, baseline: seasonal_naive}
assume: {lead_time_days: [2, 6]}
plan: {review_period_days: 1}
"""


def day(number: int) -> date:
    return BEGIN + timedelta(days=number)


def sales(first: int, last: int, *, times: float = 1.0) -> pl.DataFrame:
    """Sales of the periods ``first`` to ``last``, the last left out; the same days always sell the same."""
    days = range(first, last)
    level = [(6 + one) * (1.5 if t % 7 > 4 else 1.0) for one in range(SERIES) for t in days]
    seeds = [[one, t] for one in range(SERIES) for t in days]
    units = [np.random.default_rng(seed).poisson(mean) for seed, mean in zip(seeds, level, strict=True)]
    return pl.DataFrame(
        {
            "unique_id": np.repeat([f"item {one}" for one in range(SERIES)], last - first),
            "ds": [day(t) for t in days] * SERIES,
            "y": np.array(units, dtype=np.float64) * times,
            "price": 2.0,
        }
    )


def count(at: int, *, on_hand: float = 10.0) -> pl.DataFrame:
    ids = [f"item {one}" for one in range(SERIES)]
    return pl.DataFrame({"unique_id": ids, "at": day(at), "on_hand": on_hand})


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Project]:
    """A project with sales, and with more settings where they are given."""

    def made(settings: str = SETTINGS, *, history: int = HISTORY) -> Project:
        (tmp_path / "finalmile.yaml").write_text(settings)
        project = Project.open(tmp_path)
        project.sales.add(sales(0, history))
        return project

    return made


@pytest.fixture
def project(make: Callable[..., Project]) -> Project:
    """A project with a live version."""
    project = make()
    project.train()
    project.promote(force=True)
    return project


def proposed(project: Project) -> dict[str, int]:
    return {line.unique_id: line.quantity for line in project.ledger.orders(states=("proposed",))}


def test_a_certificate_judges_periods_that_the_judged_fit_had_not_seen(project: Project):
    certificate = project.certify().certificate
    assert (certificate.holdout_from, certificate.holdout_to) == (day(HISTORY - 14), day(HISTORY - 1))
    assert certificate.metrics["fva"] == pytest.approx(0.0)


def test_a_fit_that_saw_the_holdout_is_not_what_is_judged(make: Callable[..., Project]):
    project = make()
    project.sales.add(sales(HISTORY, HISTORY + 14, times=50.0))
    project.train()
    assert project.certify().certificate.metrics["wape"] > 0.9


def test_a_version_without_a_certificate_is_not_promoted(make: Callable[..., Project]):
    project = make()
    project.train()
    with pytest.raises(NotCertifiedError, match="finalmile certify demand"):
        project.promote()
    assert project.ledger.deployment("demand") is None


def test_a_version_that_failed_is_not_promoted_and_the_reason_is_told(make: Callable[..., Project]):
    project = make(SETTINGS.replace("baseline: seasonal_naive", "baseline: seasonal_naive, max_abs_bias: 0"))
    project.train()
    assert project.certify().breached
    with pytest.raises(NotCertifiedError, match="absolute bias"):
        project.promote()


def trained_again(project: Project, at: int) -> int:
    project.sales.add(sales(at, at + 1))
    return project.train().version.number


def test_of_two_that_promote_at_once_the_second_is_told(project: Project, monkeypatch: pytest.MonkeyPatch):
    number, other = trained_again(project, HISTORY), trained_again(project, HISTORY + 1)
    stale = project.ledger.deployment("demand")
    promoting.promote(project.shop, "demand", number=number, force=True)
    monkeypatch.setattr(project.ledger, "deployment", lambda model: stale)
    with pytest.raises(ConflictError):
        promoting.promote(project.shop, "demand", number=other, force=True)
    monkeypatch.undo()
    assert project.ledger.deployment("demand").live == number


def test_a_rollback_returns_to_the_version_before_and_never_to_one_rolled_back_from(project: Project):
    second = trained_again(project, HISTORY)
    project.promote(number=second, force=True)
    assert project.rollback().live == 1
    with pytest.raises(MissingInputError, match="none to return to"):
        project.rollback()
    assert project.ledger.version("demand", second).state == "rolled_back"


def test_a_dry_rollback_changes_nothing(project: Project):
    second = trained_again(project, HISTORY)
    project.promote(number=second, force=True)
    told = project.rollback(dry_run=True)
    assert (told.live, told.dry_run) == (1, True)
    assert project.ledger.deployment("demand").live == second


def test_each_period_is_judged_once_however_often_one_looks(project: Project):
    project.run_day()
    project.sales.add(sales(HISTORY, HISTORY + 1))
    assert project.monitor().looks == 1
    found = project.ledger.findings("demand")
    assert found
    assert project.monitor().looks == 0
    assert project.ledger.findings("demand") == found


def test_the_same_day_again_repeats_nothing(project: Project):
    project.stock.add(count(HISTORY - 1))
    project.run_day()
    lines, versions = project.ledger.orders(), project.ledger.versions()
    told = project.lake.scan("forecasts").collect()
    project.run_day()
    assert project.ledger.orders() == lines
    assert project.ledger.versions() == versions
    assert project.lake.scan("forecasts").collect().equals(told)


def test_a_plan_made_twice_proposes_the_same_lines_under_the_same_ids(project: Project):
    project.stock.add(count(HISTORY - 1))
    first = project.plan().orders
    assert len(first) == SERIES
    assert project.plan().orders == first
    assert len(project.ledger.orders()) == SERIES


def test_proposals_that_nobody_approved_give_way_to_the_next_ones(project: Project):
    project.stock.add(count(HISTORY - 1))
    old = {line.line_id for line in project.plan().orders}
    project.sales.add(sales(HISTORY, HISTORY + 1))
    new = {line.line_id for line in project.plan().orders}
    assert not old & new
    assert {line.line_id for line in project.ledger.orders(states=("proposed",))} == new
    assert {line.line_id for line in project.ledger.orders(states=("cancelled",))} == old


def test_without_a_stock_count_nothing_is_ordered(project: Project):
    with pytest.raises(MissingInputError, match="never guessed"):
        project.plan()


@pytest.mark.parametrize("due", [3, -10], ids=["open", "late"])
def test_what_is_on_its_way_is_counted_once(project: Project, due: int):
    project.stock.add(count(HISTORY - 1))
    project.plan()
    before = proposed(project)["item 0"]
    line = {"order_id": ["o1"], "unique_id": ["item 0"], "quantity": [7.0], "due": [day(HISTORY - 1 + due)]}
    project.open_orders.add(pl.DataFrame(line))
    project.open_orders.add(pl.DataFrame(line))
    project.plan()
    assert proposed(project)["item 0"] == before - 7


def test_stock_is_the_count_less_what_sold_since_and_plus_what_came(project: Project):
    project.stock.add(count(HISTORY - 3, on_hand=16.0))
    came = {"order_id": ["o1"], "unique_id": ["item 0"], "quantity": [5.0], "received_at": [day(HISTORY - 2)]}
    project.receipts.add(pl.DataFrame(came))
    line = next(line for line in project.plan().orders if line.unique_id == "item 0")
    sold = project.sales.read().filter((pl.col("unique_id") == "item 0") & (pl.col("ds") > day(HISTORY - 3)))["y"].sum()
    assert line.reason["on_hand"] == max(16 - sold + 5, 0)


def forecasts_that_break(at: int, until: int) -> pl.DataFrame:
    """Every day's forecasts from elsewhere: right until they suddenly say a tenth."""
    ahead, cutoffs = 7, range(30, until)
    rows = [
        (f"item {one}", day(cutoff), day(t), (6 + one) * (1.5 if t % 7 > 4 else 1.0) * (0.1 if cutoff >= at else 1.0))
        for one in range(SERIES)
        for cutoff in cutoffs
        for t in range(cutoff + 1, cutoff + 1 + ahead)
    ]
    return pl.DataFrame(rows, schema=["unique_id", "cutoff", "ds", "mean"], orient="row")


@pytest.mark.parametrize("dry_run", [False, True], ids=["in earnest", "dry run"])
def test_the_fallback_goes_live_where_it_does_clearly_better_but_not_in_a_dry_run(
    make: Callable[..., Project], dry_run: bool
):
    project = make(SETTINGS + f"respond: {{recent_looks: 5, dry_run: {str(dry_run).lower()}}}\n")
    project.forecasts.add(forecasts_that_break(HISTORY, HISTORY + 20))
    project.promote(force=True)
    project.run_day()
    steps: list[str] = []
    for number in range(HISTORY, HISTORY + 12):
        project.sales.add(sales(number, number + 1))
        steps += [step.action for step in project.run_day().steps]
        if "fallback" in steps:
            break
    assert "fallback" in steps
    live = project.ledger.deployment("demand").live
    assert project.ledger.version("demand", live).kind == ("ready_made" if dry_run else "window_average")


def test_a_replay_adds_up(make: Callable[..., Project], tmp_path: Path):
    told = make().replay(day(HISTORY - 21), day(HISTORY - 1))
    daily = told.daily
    assert daily["demand"].to_numpy() == pytest.approx((daily["sold"] + daily["lost"]).to_numpy())
    ours, usual = (daily.filter(pl.col("arm") == arm) for arm in ("ours", told.against))
    assert ours["demand"].to_list() == usual["demand"].to_list()
    assert ours["sold"].sum() == pytest.approx(told.ours.demand_units - told.ours.lost_units)
    assert told.savings.total.value == pytest.approx(ours["benefit"].sum() - usual["benefit"].sum())


def test_impact_is_not_told_without_forecasts_that_were_logged(project: Project):
    with pytest.raises(MissingInputError, match="finalmile replay"):
        project.impact(day(HISTORY - 20), day(HISTORY - 1))
