"""Holidays on which demand jumps every year raise no alarm once the shop says where it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from finalmile.adapters.calendar_days import holiday_names
from finalmile.project import Project
from finalmile.workflows.forecast import next_period

BEGIN, LEARNED, LAST, SERIES = date(2023, 1, 2), date(2024, 9, 22), date(2024, 10, 12), 40
DAYS = [BEGIN + timedelta(days=t) for t in range((LAST - BEGIN).days + 1)]


QUIET = "\nmonitor: {skip: [input_drift, output_drift, schema, ranges, freshness]}\n"


class Late:
    """A clock that stands after everything."""

    def now(self) -> datetime:
        return datetime(2024, 10, 20, tzinfo=UTC)


def sales(jump: float) -> pl.DataFrame:
    """A fleet that sells the same every day, but ``jump`` times that on a holiday, a week of them in October."""
    named = set(holiday_names("CN", first=BEGIN, last=LAST)["ds"])
    times = [jump if day in named else 1.0 for day in DAYS]
    units = np.random.default_rng(3).poisson(np.outer(np.linspace(10, 40, SERIES), times)).astype(float)
    ids = np.repeat([f"item {one:02d}" for one in range(SERIES)], len(DAYS))
    return pl.DataFrame({"unique_id": ids, "ds": DAYS * SERIES, "y": units.ravel()})


def forecasts() -> pl.DataFrame:
    """What somebody says of each next day who knows the level of every product, and nothing of holidays."""
    days = DAYS[200:-1]  # a year and more: every holiday once before the last ones
    return pl.DataFrame(
        {
            "unique_id": np.repeat([f"item {one:02d}" for one in range(SERIES)], len(days)),
            "cutoff": days * SERIES,
            "ds": [day + timedelta(days=1) for day in days] * SERIES,
            "mean": np.repeat(np.linspace(10, 40, SERIES), len(days)),
        }
    )


def fleet_alarms(folder: Path, *, jump: float, settings: str) -> list[object]:
    """When the fleet's incidents began, of forecasts judged day by day over the holidays of October."""
    (folder / "finalmile.yaml").write_text(settings + QUIET)
    project, rows = Project.open(folder, clock=Late()), sales(jump)
    project.sales.add(rows.filter(pl.col("ds") <= LEARNED))
    project.forecasts.add(forecasts())
    project.promote(force=True)
    project.sales.add(rows.filter(pl.col("ds") > LEARNED))
    shop, (version,) = project.shop, project.ledger.versions("demand")
    first = shop.frequency.index_of(LEARNED)
    for cutoff in range(first, first + (LAST - LEARNED).days):
        shop.forecasts.put(version, next_period(shop, version, cutoff), issued_at=project.clock.now())
    assert project.monitor().looks == (LAST - LEARNED).days
    return [incident.opened_at for incident in project.ledger.incidents() if incident.subject == "fleet"]


@pytest.mark.parametrize("jump", [1.6, pytest.param(6.0, marks=pytest.mark.proof)])
def test_a_week_of_holidays_that_jumps_every_year_alarms_only_where_nobody_said_where_the_shop_is(
    tmp_path: Path, jump: float
):
    for name in ("somewhere", "there"):
        (tmp_path / name).mkdir()
    assert fleet_alarms(tmp_path / "somewhere", jump=jump, settings="") != []
    assert fleet_alarms(tmp_path / "there", jump=jump, settings="country: CN") == []
