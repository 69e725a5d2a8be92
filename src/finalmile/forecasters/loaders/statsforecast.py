"""statsforecast: one statistical model for each series, fitted anew on the sales it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from finalmile.errors import ConfigError
from finalmile.forecasters.loaders.contract import library, loaders
from finalmile.forecasters.loaders.series_frames import ALIASES, for_library, from_library

if TYPE_CHECKING:
    import polars as pl

INSTALL = "statsforecast"


@loaders.add("statsforecast")
@dataclass(frozen=True, slots=True)
class StatsForecast:
    """A model of ``statsforecast.models`` by its name; no file, and nothing to trust.

    It is fitted anew on the sales up to each cutoff, and so has never seen what it forecasts.

    Parameters
    ----------
    model
        Its class, for example ``AutoETS``.
    season_length
        Periods in a season, for models that have one.
    """

    unpickles: ClassVar[bool] = False
    reaches_out: ClassVar[bool] = False
    takes: ClassVar[str] = "sales"
    model: str = ""
    season_length: int = 0

    def collect(self, path: Path | None, folder: Path, /) -> None:
        """Nothing: a name is all there is."""
        del folder
        if not self.model or path is not None:
            mend = "name a model with --set model=AutoETS; a saved object is loaded by statsforecast_saved"
            raise ConfigError("loader statsforecast", [mend])

    def load(self, folder: Path, outputs: Sequence[str], /) -> FreshModels:
        """The model, not fitted."""
        del folder, outputs
        known = library("statsforecast.models", install=INSTALL)
        made = getattr(known, self.model, None)
        if made is None:
            raise ConfigError("statsforecast", [f"it has no model called {self.model!r}"])
        return FreshModels([made(season_length=self.season_length) if self.season_length else made()], "")


class FreshModels:
    """Models of statsforecast, fitted on whatever sales they are asked about."""

    def __init__(self, models: Sequence[Any], column: str) -> None:
        self._models, self._column = models, column

    def sales(self, sales: pl.DataFrame, /, *, horizon: int, frequency: str) -> pl.DataFrame:
        """What they forecast after those sales."""
        stats = library("statsforecast", install=INSTALL)
        fresh = stats.StatsForecast(models=list(self._models), freq=ALIASES[frequency], n_jobs=1)
        return from_library(fresh.forecast(df=for_library(sales), h=horizon), sales, column=self._column)

    def close(self) -> None:
        """Let go of them."""
        self._models = ()
