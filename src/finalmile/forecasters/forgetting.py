"""A level that forgets, times a season learned from many series: the rule, before anything is calibrated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from finalmile.forecasters.levels import recent_level
from finalmile.forecasters.one_step import rolled_one_step
from finalmile.forecasters.seasonal_index import phases_of, seasonal_index
from finalmile.forecasters.sold_out import demand_with_estimates
from finalmile.frames import FloatArray, Frequency, NameArray, Panel

_HALF_LIFE = {"hour": 336.0, "day": 28.0, "week": 8.0, "month": 4.0}
_SLOWER = 5.0
_SMALL = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgettingLevel:
    r"""Exponentially weighted level of each series times a seasonal index that series share.

    .. math:: \ell = \frac{\sum w_j y_j + 2\,\ell_{\text{slow}}}{\sum w_j S_j + 2}, \quad w_j = 2^{-(t - j)/H},
        \qquad \mu_h = \ell\, S_{t+h}

    where the slow level is the same with a half-life five times as long, itself leaning on a small common one. The
    weights are those of periods with known demand; a period that sold out counts with the demand that was likely
    behind its sales, see :func:`~finalmile.forecasters.sold_out.demand_with_estimates`, so that stock-outs neither pull
    the level down nor break it. A cheap, strong forecaster where seasons are long against history (weeks, months): a
    series with one year of sales takes its season from its group.

    Parameters
    ----------
    half_life
        Periods after which a sale counts half; ``None`` for 14 days of hours, 28 days, 8 weeks or 4 months.
    group
        Hierarchy column whose values share a season (a department, a category); ``""`` for one season for all.
    shrink
        Units of expected demand at which a group's own season and the common one weigh the same.

    Examples
    --------
    Three and five are sold in turn, day after day: the level is 4, and no weekday sells more than another.

    >>> y = np.array([[3, 5] * 14], dtype=np.float32)
    >>> panel = Panel(ids=np.array(["a"], dtype=object), frequency=Frequency("day"), first=0, y=y, censored=y > 9)
    >>> ForgettingLevel(shrink=1e9).mean(panel, horizon=2).round(1)
    array([[4., 4.]], dtype=float32)
    """

    half_life: float | None = None
    group: str = ""
    shrink: float = 400.0

    def __post_init__(self) -> None:
        if self.half_life is not None and self.half_life <= 0:
            raise ValueError(f"half_life is {self.half_life}; it must be above 0 periods")
        if self.shrink < 0:
            raise ValueError(f"shrink is {self.shrink}; it must be 0 units or more")

    def history(self, frequency: Frequency) -> int:
        """Periods of history a forecast looks at: three years of weeks and months, else four slow half-lives."""
        years = {"week": 157, "month": 36}
        return max(years.get(frequency.unit, 0), round(4 * _SLOWER * self.half_life_of(frequency)))

    def mean(self, panel: Panel, /, *, horizon: int) -> FloatArray:
        """Expected units, shape (n, horizon); a series without known demand takes the level of its category."""
        past, index, level = self.fitted(panel)
        ahead = phases_of(past.frequency, np.arange(past.cutoff + 1, past.cutoff + horizon + 1))
        return np.maximum(level[:, None] * index[:, ahead], 0.0).astype(np.float32)

    def fitted(self, panel: Panel) -> tuple[Panel, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The history looked at, its seasonal index of shape (n, phases), and its levels of shape (n,).

        In the history given back, periods that sold out hold the demand that was likely and are censored no more.
        """
        past = panel.last(self.history(panel.frequency))
        demand = past.demand()
        phases = phases_of(past.frequency, np.arange(past.first, past.cutoff + 1))
        index = seasonal_index(
            demand, phases=phases, frequency=past.frequency, groups=self._groups(past), shrink=self.shrink
        )
        half_life = self.half_life_of(past.frequency)
        likely = demand_with_estimates(past, index[:, phases], half_life=half_life, slower=_SLOWER, least=_SMALL)
        level = forgetting_level(likely, index[:, phases], half_life=half_life)
        told = replace(past, y=np.where(np.isnan(likely), past.y, likely), censored=past.censored & np.isnan(likely))
        return told, index, np.where(np.isfinite(likely).any(axis=1), level, recent_level(panel))

    def one_step(self, panel: Panel, /, *, periods: int) -> FloatArray:
        """Forecast of each of the last periods made one period before."""
        return rolled_one_step(self, panel, periods=periods)

    def write(self, folder: Path, /) -> None:
        """Nothing: the rule has learned nothing."""

    def half_life_of(self, frequency: Frequency) -> float:
        """Periods after which a sale counts half."""
        return _HALF_LIFE[frequency.unit] if self.half_life is None else self.half_life

    def _groups(self, panel: Panel) -> NameArray:
        nobody: NameArray = np.full(panel.n, "", dtype=object)
        return panel.statics.get(self.group, nobody) if self.group else nobody


def forgetting_level(
    demand: FloatArray, season: npt.NDArray[np.float64], *, half_life: float
) -> npt.NDArray[np.float64]:
    """Deseasonalised demand per period, newest counting most, shape (n,).

    Parameters
    ----------
    demand, season : arrays of shape (n, T)
        Units, NaN where unknown, and the seasonal factor of each period.
    """
    known = np.isfinite(demand)
    sold = np.where(known, demand, 0.0).astype(np.float64)
    expected = np.where(known, season, 0.0)
    age: npt.NDArray[np.float64] = np.arange(demand.shape[1], dtype=np.float64)[::-1]
    fleet = min(float(sold.sum()) / max(int(known.sum()), 1), _SMALL)
    slow = 0.5 ** (age / (_SLOWER * half_life))
    prior = (sold @ slow + fleet) / (expected @ slow + 1.0)
    fast = 0.5 ** (age / half_life)
    return np.asarray((sold @ fast + 2.0 * prior) / (expected @ fast + 2.0))
