"""A forecast log that is asked once for each cutoff: looks ask again and again who forecast from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from finalmile.frames import Forecast
from finalmile.records import Version
from finalmile.workflows.shop import ForecastLog, Issued, Shop


@dataclass(frozen=True, slots=True)
class AskedOnce:
    """Another log, and what it said of who forecast when; for work during which nothing is forecast."""

    log: ForecastLog
    _issues: dict[tuple[str, int], Mapping[int, datetime]] = field(
        default_factory=dict[tuple[str, int], Mapping[int, datetime]]
    )

    def put(self, version: Version, forecast: Forecast, *, issued_at: datetime) -> bool:
        """Keep a forecast; the same version and cutoff again changes nothing, and gives False."""
        self._issues.pop((version.model, forecast.cutoff), None)
        return self.log.put(version, forecast, issued_at=issued_at)

    def issues(self, model: str, cutoff: int) -> Mapping[int, datetime]:
        """When each version forecast from exactly this cutoff, by its number."""
        if (model, cutoff) not in self._issues:
            self._issues[model, cutoff] = self.log.issues(model, cutoff)
        return self._issues[model, cutoff]

    def told(self, model: str, cutoff: int, *, version: int) -> Forecast | None:
        """What a version forecast from exactly this cutoff, windows included."""
        return self.log.told(model, cutoff, version=version)

    def issued(self, model: str, period: int, *, cutoff: int, version: int) -> Issued | None:
        """What a version forecast of one period from a cutoff; ``None`` where that did not reach so far."""
        return self.log.issued(model, period, cutoff=cutoff, version=version)

    def longest_windows(self, model: str, cutoff: int, *, version: int) -> Sequence[int]:
        """Lengths that the longest windows of series have in a forecast."""
        return self.log.longest_windows(model, cutoff, version=version)

    def over(self, model: str, window: int, *, cutoff: int, version: int) -> Issued | None:
        """What a version forecast of so many periods together."""
        return self.log.over(model, window, cutoff=cutoff, version=version)


def asked_once(shop: Shop) -> Shop:
    """The shop with a forecast log that remembers who forecast when."""
    return replace(shop, forecasts=AskedOnce(shop.forecasts))
