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

    kept: dict[tuple[str, int], tuple[int, datetime, Forecast]] = field(
        default_factory=dict[tuple[str, int], tuple[int, datetime, Forecast]]
    )

    def put(self, version: Version, forecast: Forecast, *, issued_at: datetime) -> bool:
        """Keep a forecast, in place of any other from the same cutoff."""
        self.kept[version.model, forecast.cutoff] = version.number, issued_at, forecast
        return True

    def issues(self, model: str, cutoff: int) -> dict[int, datetime]:
        """When the version that forecast from exactly this cutoff did so."""
        found = self.kept.get((model, cutoff))
        return {} if found is None else {found[0]: found[1]}

    def told(self, model: str, cutoff: int, *, version: int) -> Forecast | None:
        """The forecast issued from exactly this cutoff, if by that version."""
        found = self.kept.get((model, cutoff))
        return None if found is None or found[0] != version else found[2]

    def issued(self, model: str, period: int, *, cutoff: int, version: int) -> Issued | None:
        """What a version forecast of one period from a cutoff."""
        forecast = self.told(model, cutoff, version=version)
        step = period - cutoff - 1
        if forecast is None or not 0 <= step < forecast.horizon:
            return None
        return Issued(
            ids=forecast.ids,
            mean=forecast.mean[:, step],
            version=version,
            cutoff=cutoff,
            quantiles={level: values[:, step] for level, values in forecast.quantiles.items()},
        )
