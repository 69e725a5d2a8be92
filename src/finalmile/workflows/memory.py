"""Forecasts kept in memory: the log of a replay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

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

    def longest_windows(self, model: str, cutoff: int, *, version: int) -> Sequence[int]:
        """Lengths that the longest windows of series have in a forecast."""
        forecast = self.told(model, cutoff, version=version)
        if forecast is None or forecast.cumulative is None:
            return ()
        lengths: list[int] = np.unique(forecast.cumulative.windows.max(axis=1, initial=0)).tolist()
        return lengths

    def over(self, model: str, window: int, *, cutoff: int, version: int) -> Issued | None:
        """What a version forecast of so many periods together, of series whose longest window that is."""
        forecast = self.told(model, cutoff, version=version)
        if forecast is None or forecast.cumulative is None:
            return None
        told = forecast.cumulative
        rows = np.flatnonzero(told.windows.max(axis=1, initial=0) == window)
        columns = told.windows[rows].argmax(axis=1)
        return Issued(
            ids=forecast.ids[rows],
            mean=told.mean[rows, columns],
            version=version,
            cutoff=cutoff,
            quantiles={level: told.values[rows, columns, k] for k, level in enumerate(told.levels)},
        )
