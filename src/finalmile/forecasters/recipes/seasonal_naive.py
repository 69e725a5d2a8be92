"""The same phase of the last season: the yardstick of forecast value added."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from finalmile.forecasters.levels import recent_level
from finalmile.forecasters.one_step import rolled_one_step
from finalmile.forecasters.phases import ahead, by_phase, newest_by_phase
from finalmile.forecasters.rules import fit_rule, load_rule
from finalmile.forecasters.spans import spans_of
from finalmile.frames import FloatArray, Frequency, Panel
from finalmile.ports import Fitted, forecasters

_SEASONS = 4


@forecasters.add("seasonal_naive")
@dataclass(frozen=True, slots=True)
class SeasonalNaive:
    """What was sold in the same hour of the week, weekday, week or month of the last season.

    A period that is censored or unknown there is looked for up to four seasons back; where none is known (a new
    series, a year of weeks not yet lived through) the recent level of the series stands in, borrowed from its
    category where the series is new.

    Examples
    --------
    >>> y = np.array([[5, 0, 0, 0, 0, 0, 2, np.nan, 1, 0, 0, 0, 0, 3]], dtype=np.float32)
    >>> panel = Panel(ids=np.array(["a"], dtype=object), frequency=Frequency("day"), first=0, y=y, censored=y == 9)
    >>> SeasonalNaive().mean(panel, horizon=8)
    array([[5., 1., 0., 0., 0., 0., 3., 5.]], dtype=float32)
    """

    def history(self, frequency: Frequency) -> int:
        """Periods of history a forecast looks at."""
        spans = spans_of(frequency)
        return max(_SEASONS * spans.seasons[0], 2 * spans.recent)

    def mean(self, panel: Panel, /, *, horizon: int) -> FloatArray:
        """Expected units, shape (n, horizon)."""
        demand, told = panel.demand(), np.full((panel.n, horizon), np.nan, dtype=np.float32)
        for season in spans_of(panel.frequency).seasons:
            newest = ahead(newest_by_phase(by_phase(demand, season=season, seasons=_SEASONS)), horizon)
            told = np.where(np.isnan(told), newest, told)
        return np.maximum(np.where(np.isnan(told), recent_level(panel)[:, None], told), 0)

    def one_step(self, panel: Panel, /, *, periods: int) -> FloatArray:
        """Forecast of each of the last periods made one period before."""
        return rolled_one_step(self, panel, periods=periods)

    def fit(self, panel: Panel, /, *, seed: int = 0) -> Fitted:  # noqa: ARG002  # nothing is drawn
        """Calibrate the rule on the panel."""
        return fit_rule(self, panel, kind="seasonal_naive", settings={})

    @classmethod
    def load(cls, folder: Path, /) -> Fitted:
        """What was saved, ready to answer again."""
        return load_rule(cls(), folder, kind="seasonal_naive", settings={})

    def write(self, folder: Path, /) -> None:
        """Nothing: the rule has learned nothing."""
