"""The spans that orders are made for are held against what was forecast of them when they began."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from finalmile.monitoring.checks.lead_time_window import LeadTimeWindowCheck
from finalmile.records import Finding
from finalmile.workflows.logbook import CUMULATIVE
from finalmile.workflows.memory import MemoryLog
from finalmile.workflows.watching.lead_time import NAME

from .conftest import HISTORY, SETTINGS, SmallShop

DAYS = 9


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> tuple[SmallShop, list[Finding]]:
    """Nine days, each forecast the evening before and looked at in the morning after; what the last look tells."""
    made, told = SmallShop(tmp_path_factory.mktemp("watched") / "shop", SETTINGS), None
    made.project.train("demand")
    made.project.promote("demand", force=True)
    for number in range(HISTORY, HISTORY + DAYS):
        made.project.forecast("demand")
        made.morning(number + 1)
        made.project.sales.add(made.sales(number, number + 1))
        told = made.project.monitor("demand")
    assert told is not None
    return made, [found for found in told.findings if found.check == NAME]


def by_hand(shop: SmallShop) -> pl.DataFrame:
    """Each window that has ended, the longest of its series: what was forecast of it, and what was sold."""
    sales = shop.sales(0, HISTORY + DAYS).select("unique_id", "ds", "y")
    told = shop.project.lake.scan(CUMULATIVE).collect()
    told = told.filter(pl.col("window") == pl.col("window").max().over("unique_id", "cutoff"))
    ended = told.with_columns(end=pl.col("cutoff") + pl.duration(days=1) * pl.col("window"))
    ended = ended.filter(pl.col("end") <= shop.day(HISTORY + DAYS - 1))
    both = ended.join(sales, on="unique_id").filter(pl.col("ds") > pl.col("cutoff"), pl.col("ds") <= pl.col("end"))
    return both.group_by("unique_id", "cutoff", "level").agg(pl.col("value", "mean").first(), sold=pl.col("y").sum())


def test_what_is_told_of_windows_is_what_one_counts_by_hand(watched: tuple[SmallShop, list[Finding]]) -> None:
    shop, told = watched
    wanted, levels = by_hand(shop), (0.5, shop.project.config.certify.coverage_level)
    assert [found.subject for found in told] == [f"q{level:g} of lead-time windows" for level in levels]
    for level, found in zip(levels, told, strict=True):
        mine = wanted.filter((pl.col("level") - level).abs() < 1e-9)
        assert found.n == mine.height > 0
        assert found.value == pytest.approx((mine["sold"] <= mine["value"]).mean())
        assert not found.breached
        sold, mean = mine["sold"].to_numpy(), mine["mean"].to_numpy()
        wape = np.abs(sold - mean).sum() / sold.sum()
        assert f"off by {wape:.0%}" in found.why


def test_a_log_in_memory_tells_the_windows_that_the_lake_tells(watched: tuple[SmallShop, list[Finding]]) -> None:
    shop, _ = watched
    kept, log = shop.project.shop.forecasts, MemoryLog()
    (version,) = shop.project.ledger.versions("demand")
    cutoff = shop.project.shop.frequency.index_of(shop.day(HISTORY))
    forecast = kept.told("demand", cutoff, version=version.number)
    assert forecast is not None
    log.put(version, forecast, issued_at=shop.clock.now())
    lengths = list(kept.longest_windows("demand", cutoff, version=version.number))
    assert lengths == list(log.longest_windows("demand", cutoff, version=version.number)) != []
    one, two = (each.over("demand", lengths[0], cutoff=cutoff, version=version.number) for each in (kept, log))
    assert one is not None
    assert two is not None
    assert one.ids.tolist() == two.ids.tolist()
    np.testing.assert_array_equal(one.mean, two.mean)
    for level, values in one.quantiles.items():
        np.testing.assert_array_equal(values, two.quantiles[level])


def test_looks_that_are_long_past_are_told_no_more() -> None:
    with pytest.raises(ValueError, match="looks must be at least 1"):
        LeadTimeWindowCheck(looks=0)
