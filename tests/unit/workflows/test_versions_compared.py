"""Two versions held against what came true: by forecasts of the same cutoffs, by the log, by arms."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl
import pytest

from finalmile.adapters.local.tail_file import TailFile
from finalmile.errors import ConfigError, MissingInputError, NotCertifiedError
from finalmile.predictions.record import Prediction
from finalmile.records import Beside, RouteRule
from finalmile.workflows import versions
from finalmile.workflows.seal import seal
from finalmile.workflows.version_comparisons import Given, compared_from

from .conftest import SETTINGS, SmallShop

LEARNED = 44


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> SmallShop:
    """A shop whose live version repeats last week, and whose second version averages: clearly better on noise."""
    shop = SmallShop(tmp_path_factory.mktemp("built") / "shop", SETTINGS)
    for recipe in ("seasonal_naive", "window_average"):
        shop.project.train("demand", recipe, cutoff=shop.day(LEARNED))
    shop.project.promote("demand", 1, force=True)
    return shop


@pytest.fixture
def two_versions(built: SmallShop, tmp_path: Path) -> SmallShop:
    """That shop for one test."""
    return built.copied(tmp_path / "shop")


def test_the_better_version_wins_on_forecasts_of_the_same_cutoffs(two_versions):
    project = two_versions.project
    told = project.compare("demand", horizon_days=55)
    assert (told.champion, told.challenger, told.decision) == (1, 2, "win")
    assert told.verdict.gain > 0.05
    assert "is better than demand@1" in told.lines()[0]
    assert "0.05 at most; somewhat oftener where days depend on one another" in told.lines()[1]
    assert told.decided_at is not None
    assert not told.breached


def test_no_period_that_a_version_learned_from_is_compared(two_versions):
    shop = two_versions
    told = shop.project.compare("demand")
    assert told.since == shop.day(LEARNED + 1)


def test_looking_again_without_new_sales_changes_nothing(two_versions):
    project = two_versions.project
    first = project.compare("demand")
    again = project.compare("demand")
    assert orjson.dumps(first.to_dict()) == orjson.dumps(again.to_dict())


def test_looking_day_by_day_is_looking_once(two_versions, tmp_path):
    daily, once = two_versions, two_versions.copied(tmp_path / "once")
    shop = daily.project.shop
    begin = shop.frequency.index_of(daily.day(LEARNED))
    for period in range(begin + 1, shop.known.newest + 1):
        last = versions.compare(shop, "demand", given=Given(horizon_days=56), cutoff=period)
    told = once.project.compare("demand", horizon_days=56)
    assert (last.decision, last.decided_at) == (told.decision, told.decided_at)
    assert last.verdict.looks == told.verdict.looks == 55


def test_terms_may_not_be_chosen_after_having_looked(two_versions):
    project = two_versions.project
    project.compare("demand", horizon_days=55)
    with pytest.raises(ConfigError, match="--anew"):
        project.compare("demand", anytime=True)
    anew = project.compare("demand", anytime=True, anew=True)
    assert anew.decision == "hold"
    assert anew.verdict.looks == 0


def test_terms_that_make_no_sense_are_refused_together(two_versions):
    project = two_versions.project
    with pytest.raises(ConfigError, match="horizon") as told:
        project.compare("demand", horizon_days=1, margin=-1, alpha=2, source="tea")
    assert all(word in str(told.value) for word in ("margin", "alpha", "'tea'"))


def test_a_single_version_has_nothing_to_be_compared_with(small_shop):
    shop = small_shop()
    shop.project.train("demand", cutoff=shop.day(LEARNED))
    shop.project.promote("demand", 1, force=True)
    with pytest.raises(MissingInputError, match="only version"):
        shop.project.compare("demand")
    with pytest.raises(MissingInputError, match="itself"):
        shop.project.compare("demand", challenger=1)


def test_days_that_nobody_could_sell_mean_hold_and_are_no_evidence(two_versions):
    shop = two_versions
    shop.project.sales.add(shop.sales(55, 100).with_columns(pl.lit(False).alias("in_stock")))
    told = shop.project.compare("demand", horizon_days=90)
    assert told.decision == "hold"
    assert told.verdict.looks == 55 - LEARNED - 1
    assert told.finding.value is None
    assert "see that sales arrive" in told.finding.why


def test_what_a_comparison_said_is_kept_and_read_back(two_versions):
    project = two_versions.project
    told = project.compare("demand", horizon_days=55)
    (kept,) = project.comparisons("demand").rows
    assert orjson.dumps(kept.to_dict()) == orjson.dumps(told.to_dict())
    assert compared_from(orjson.loads(orjson.dumps(told.to_dict()))).lines() == told.lines()
    assert "compare" in project.comparisons("other").lines()[0]


def test_the_page_of_the_model_shows_what_was_compared(two_versions):
    project = two_versions.project
    assert project.watched("demand").versions == ()
    told = project.compare("demand", horizon_days=55)
    (shown,) = project.watched("demand").versions
    assert (shown.champion, shown.challenger, shown.decision) == ("demand@1", "demand@2", "win")
    assert shown.lines == tuple(told.lines())
    assert len(shown.course.values) == len(told.gains)
    assert 0 < shown.interval.low < shown.interval.gain < shown.interval.high < 1


def test_every_verdict_says_what_to_do_next_for_the_pair_that_was_named(two_versions):
    project = two_versions.project
    hold = project.compare("demand", champion=2, challenger=1, anew=True)
    assert hold.lines()[-1].endswith("finalmile compare demand --champion 2 --challenger 1")
    ended = replace(hold, verdict=replace(hold.verdict, decision="undecided", ended=True))
    assert ended.lines()[-1].startswith("demand@2 stays. To ask again: ")
    assert ended.lines()[-1].endswith(" --anew")
    words = [line for one in (hold, ended) for line in one.lines()]
    assert not any("anytime" in line or "sequential" in line for line in words)


def test_a_version_that_lost_is_promoted_by_force_alone(two_versions):
    shop = two_versions
    project = shop.project
    project.promote("demand", 2, force=True)
    told = project.compare("demand", champion=2, challenger=1)
    assert told.decision == "lose"
    project.certify("demand", 1)
    with pytest.raises(NotCertifiedError):
        project.promote("demand", 1)
    assert project.promote("demand", 1, force=True).live == 1


def test_a_version_that_won_needs_no_force(two_versions, monkeypatch):
    project = two_versions.project
    project.compare("demand", horizon_days=55)
    monkeypatch.setattr("finalmile.workflows.promote._require_certificate", lambda *_: None)
    assert project.promote("demand", 2).live == 2


def test_a_version_that_nobody_compared_needs_a_certificate_alone(two_versions, monkeypatch):
    project = two_versions.project
    monkeypatch.setattr("finalmile.workflows.promote._require_certificate", lambda *_: None)
    assert project.promote("demand", 2).live == 2


def test_the_daily_look_goes_on_with_what_was_begun(two_versions):
    shop = two_versions
    project = shop.project
    newest = project.shop.known.newest
    versions.compare(project.shop, "demand", cutoff=newest - 50)
    (finding,) = versions.watch(project.shop, "demand", newest - 49)
    assert finding.check == "champion"
    assert finding.subject == "demand@2 against demand@1"
    project.promote("demand", 2, force=True)
    assert versions.watch(project.shop, "demand", newest) == []


def logged(shop: Any, rows: list[dict[str, object]]) -> None:
    tail = TailFile(shop.folder / f"log-{len(rows)}.db")
    tail.write([
        Prediction(request_id="r", endpoint="predict", model="demand", issued_at=at, **row).to_json()
        for at, row in enumerate(rows)
    ])  # fmt: skip
    seal([tail], shop.project.lake, shop.project.ledger)


def actuals(shop: Any) -> dict[tuple[str, date], float]:
    sales = shop.sales(0, 100)
    return {(one, ds): y for one, ds, y in sales.select("unique_id", "ds", "y").iter_rows()}


def answers(shop: Any, *, first: int, off: float) -> list[dict[str, object]]:
    """What a live version answered every day, and what another would have, ``off`` times as far from the truth."""
    rows: list[dict[str, object]] = []
    for (one, ds), y in actuals(shop).items():
        if ds < shop.day(first):
            continue
        error = np.random.default_rng([5_200_000, ds.toordinal(), len(rows)]).normal(0, 3)
        told = {"unique_id": one, "ds": [ds.isoformat()], "cutoff": (ds - timedelta(days=1)).isoformat()}
        name = f"{one} {ds}"
        rows.append({"prediction_id": name, "version": 1, "role": "live", "mean": [y + error], **told})
        rows.append(
            {
                "prediction_id": f"{name} b", "version": 2, "role": "shadow", "mean": [y + off * error],
                "parent": name, **told,
            }
        )  # fmt: skip
    return rows


@pytest.mark.parametrize(("off", "wanted"), [(0.7, "win"), (1.3, "lose"), (1.0, "equal")])
def test_a_shadow_is_judged_on_the_rows_that_the_live_version_answered(two_versions, off, wanted):
    shop = two_versions
    project = shop.project
    logged(shop, answers(shop, first=60, off=off))
    project.ledger.set_route(
        RouteRule(model="demand", shadow=2), at=datetime(2023, 4, 1, tzinfo=UTC), actor="t", why="t"
    )
    told = project.compare("demand")
    assert told.terms.source == "shadow"
    assert told.decision == wanted
    assert told.verdict.looks >= 7


def test_arms_are_judged_by_series_that_each_answered_alone(two_versions):
    shop = two_versions
    project = shop.project
    rows = [
        row | {"version": 2, "role": "arm"} if row["unique_id"] in {"item 1", "item 3", "item 5"} else row
        for row in answers(shop, first=60, off=1.0)
        if row["role"] == "live"
    ]
    logged(shop, rows)
    rule = RouteRule(model="demand", beside=(Beside(number=2, share=0.4, role="arm"),))
    project.ledger.set_route(rule, at=datetime(2023, 4, 1, tzinfo=UTC), actor="t", why="t")
    told = project.compare("demand")
    assert told.terms.source == "arms"
    assert told.decision == "hold"
    assert "series" in told.finding.why


def test_an_empty_log_means_hold(two_versions):
    shop = two_versions
    for source in ("shadow", "arms"):
        told = shop.project.compare("demand", source=source, anew=source == "arms")
        assert told.decision == "hold"
