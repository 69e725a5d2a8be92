"""A small shop whose days can be told one by one, by a clock that the test sets."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from finalmile.project import Project

BEGIN, HISTORY, SERIES = date(2023, 1, 2), 100, 8
SETTINGS = """
models: {demand: {forecaster: seasonal_naive, horizon_days: 14}}
certify: {holdout_days: 14, baseline: seasonal_naive}
assume: {lead_time_days: [2, 6]}
plan: {review_period_days: 1}
"""


@dataclass
class SetClock:
    """Says the time that was set."""

    at: datetime = field(default_factory=lambda: datetime(2023, 1, 1, tzinfo=UTC))

    def now(self) -> datetime:
        return self.at


@dataclass
class SmallShop:
    """A project over 100 days of sales, in the morning after the last of them."""

    folder: Path
    settings: str
    clock: SetClock = field(default_factory=SetClock)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "finalmile.yaml").write_text(self.settings)
        self.project = Project.open(self.folder, clock=self.clock)
        self.morning(HISTORY)
        self.project.sales.add(self.sales(0, HISTORY))

    def copied(self, folder: Path) -> SmallShop:
        """The shop as it stands, in another folder, by a clock of its own."""
        twin: SmallShop = object.__new__(SmallShop)
        twin.folder, twin.settings, twin.clock = folder, self.settings, SetClock(self.clock.at)
        shutil.copytree(self.folder, folder)
        twin.project = Project.open(folder, clock=twin.clock)
        return twin

    @staticmethod
    def day(number: int) -> date:
        return BEGIN + timedelta(days=number)

    def morning(self, number: int, *, hour: int = 8) -> None:
        """It is so many hours into a day."""
        self.clock.at = datetime.combine(self.day(number), time(hour), UTC)

    def sales(self, first: int, last: int, *, times: float = 1.0) -> pl.DataFrame:
        """Sales of the days ``first`` to ``last``, the last left out; the same days always sell the same."""
        cells = [(one, t) for one in range(SERIES) for t in range(first, last)]
        units = [np.random.default_rng(cell).poisson((6 + cell[0]) * (1.5 if cell[1] % 7 > 4 else 1)) for cell in cells]
        return pl.DataFrame(
            {
                "unique_id": [f"item {one}" for one, _ in cells],
                "ds": [self.day(t) for _, t in cells],
                "y": np.array(units, dtype=np.float64) * times,
                "price": 2.0,
            }
        )


@pytest.fixture
def small_shop(tmp_path: Path) -> Callable[..., SmallShop]:
    """Makes a small shop, with more settings where they are given."""

    def made(more: str = "", *, settings: str = SETTINGS, name: str = "shop") -> SmallShop:
        return SmallShop(tmp_path / name, settings + more)

    return made
