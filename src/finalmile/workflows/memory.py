"""Forecasts kept in memory: the log of a replay."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from finalmile.frames import Forecast
from finalmile.records import Version
from finalmile.workflows.shop import Issued


@dataclass(slots=True)
class MemoryLog:
    """A forecast log that lives as long as its replay."""

    told: dict[tuple[str, int], tuple[int, Forecast]] = field(
        default_factory=dict[tuple[str, int], tuple[int, Forecast]]
    )

    def put(self, version: Version, forecast: Forecast, *, issued_at: datetime) -> bool:  # noqa: ARG002  # not needed here
        """Keep a forecast, in place of any other from the same cutoff."""
        self.told[version.model, forecast.cutoff] = version.number, forecast
        return True

    def latest(self, model: str, cutoff: int, *, version: int | None = None) -> Forecast | None:
        """The forecast issued from exactly this cutoff, if by that version where one is named."""
        found = self.told.get((model, cutoff))
        return None if found is None or version not in (None, found[0]) else found[1]

    def issued(self, model: str, period: int) -> Issued | None:
        """The newest forecasts of one period made before it."""
        cutoffs = [at for name, at in self.told if name == model and at < period <= at + self.told[name, at][1].horizon]
        if not cutoffs:
            return None
        number, forecast = self.told[model, max(cutoffs)]
        step = period - forecast.cutoff - 1
        return Issued(ids=forecast.ids, mean=forecast.mean[:, step], version=number, cutoff=forecast.cutoff)
