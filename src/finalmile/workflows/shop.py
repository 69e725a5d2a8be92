"""What every workflow works on: settings, what is known, where things are kept, and the time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

import polars as pl

from finalmile.config import Config, ModelSettings
from finalmile.errors import MissingInputError, UnknownNameError
from finalmile.frames import Forecast, Frequency, IntArray, NameArray, Panel
from finalmile.frames.panel import FloatArray
from finalmile.ports import Artefacts, Clock, Fitted, Ledger, Notifier
from finalmile.records import Version
from finalmile.workflows.arrivals import Arrivals, no_arrivals


class Known(Protocol):
    """What is known of the business at a cutoff, and nothing of what came after it."""

    @property
    def frequency(self) -> Frequency:
        """Length of a period."""
        ...

    @property
    def newest(self) -> int:
        """Last period that has sales."""
        ...

    def panel(self, cutoff: int, *, periods: int | None = None, ahead: int = 0) -> Panel:
        """Sales up to the cutoff, and covariates known then for ``ahead`` periods past it."""
        ...

    def one(self, unique_id: str, cutoff: int, *, periods: int | None = None) -> Panel:
        """Sales of one series up to the cutoff; a panel without a row where it has none by then."""
        ...

    def rows(self, first: int, last: int) -> IntArray:
        """How many rows of sales of each of the periods ``first`` to ``last`` have come, shape (last - first + 1,)."""
        ...

    def items(self, cutoff: int) -> pl.DataFrame:
        """Item attributes as known at the cutoff, by ``unique_id``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """Forecasts of one period, as made before it: shape (n,) each; no quantiles where none were forecast."""

    ids: NameArray
    mean: FloatArray
    version: int
    cutoff: int
    quantiles: Mapping[float, FloatArray] = field(default_factory=dict[float, FloatArray])


class ForecastLog(Protocol):
    """Forecasts as they were issued: what monitoring and impact judge by."""

    def put(self, version: Version, forecast: Forecast, *, issued_at: datetime) -> bool:
        """Keep a forecast; the same version and cutoff again changes nothing, and gives False."""
        ...

    def issues(self, model: str, cutoff: int) -> Mapping[int, datetime]:
        """When each version forecast from exactly this cutoff, by its number."""
        ...

    def told(self, model: str, cutoff: int, *, version: int) -> Forecast | None:
        """What a version forecast from exactly this cutoff, windows included."""
        ...

    def issued(self, model: str, period: int, *, cutoff: int, version: int) -> Issued | None:
        """What a version forecast of one period from a cutoff; ``None`` where that did not reach so far."""
        ...

    def longest_windows(self, model: str, cutoff: int, *, version: int) -> Sequence[int]:
        """Lengths that the longest windows of series have in a forecast, each once; empty where none were forecast."""
        ...

    def over(self, model: str, window: int, *, cutoff: int, version: int) -> Issued | None:
        """What a version forecast from a cutoff of so many periods together, of series whose longest window that is."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Everything a workflow may touch. A replay hands in one whose clock and knowledge stand in the past."""

    config: Config
    ledger: Ledger
    artefacts: Artefacts
    known: Known
    forecasts: ForecastLog
    clock: Clock
    notifiers: Sequence[Notifier] = ()
    actor: str = "finalmile"
    loaded: dict[str, Fitted] = field(default_factory=dict[str, Fitted])
    arrivals: Arrivals = no_arrivals

    @property
    def frequency(self) -> Frequency:
        """Length of a period."""
        return self.known.frequency

    def model(self, name: str) -> ModelSettings:
        """Settings of a model; a name outside the settings file gets those of a new model."""
        return self.config.models.get(name) or ModelSettings()

    def periods(self, days: float) -> int:
        """Whole periods that cover so many days, at least one."""
        return max(1, self.frequency.periods_in(days))

    def day(self, period: int) -> date | datetime:
        """First instant of a period."""
        return self.frequency.start_of(period)

    def horizon(self, name: str) -> int:
        """Periods a model forecasts ahead."""
        return self.periods(self.model(name).horizon_days)


def known_cutoff(shop: Shop, cutoff: int | None) -> int:
    """The cutoff asked for, or the newest period that has sales.

    Raises
    ------
    MissingInputError
        If it lies after the newest sales: what has not happened can be neither judged nor learned from.
    """
    newest = shop.known.newest
    if cutoff is not None and cutoff > newest:
        raise MissingInputError(f"no sales are known on {shop.day(cutoff)}; they run to {shop.day(newest)}")
    return newest if cutoff is None else cutoff


def live_version(shop: Shop, model: str) -> Version:
    """The version that answers now.

    Raises
    ------
    MissingInputError
        Where nothing has been promoted.
    UnknownNameError
        Where only other models have versions.
    """
    deployed = shop.ledger.deployment(model)
    if deployed is None:
        check_model(shop.ledger, model)
        raise MissingInputError(
            f"no version of {model!r} is live. Promote one: finalmile train {model}, certify {model}, promote {model}"
        )
    return shop.ledger.version(model, deployed.live)


def check_model(ledger: Ledger, model: str, *, also: Collection[str] = ()) -> None:
    """Raise where a name that has no version looks like a slip, because other names have some.

    Parameters
    ----------
    also
        Names that are known without a version.

    Raises
    ------
    UnknownNameError
        Says which names there are.
    """
    known = {version.model for version in ledger.versions()}
    if known and model not in known and model not in also:
        raise UnknownNameError("model", model, known)


def newest_version(shop: Shop, model: str, number: int | None = None) -> Version:
    """A version by number, or the newest one.

    Raises
    ------
    UnknownNameError
        Where there is none.
    """
    if number is not None:
        return shop.ledger.version(model, number)
    versions = shop.ledger.versions(model)
    if not versions:
        raise UnknownNameError("model", model, {version.model for version in shop.ledger.versions()})
    return versions[-1]
