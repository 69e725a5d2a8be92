"""What a level and a season do not tell: features of an origin and of a period ahead, for trees to correct with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finalmile.forecasters.forgetting import ForgettingLevel, forgetting_level
from finalmile.forecasters.seasonal_index import phases_of
from finalmile.frames import FloatArray, NameArray, Panel

Values = npt.NDArray[np.float64]
_LEAST = 0.02
_CODES = 64
_WIDEST = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Hierarchy columns that were there in training, and the values of those with few, in a fixed order."""

    groups: tuple[str, ...]
    codes: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, panel: Panel) -> Names:
        """Columns with more than one value; those with at most 64 are told to the trees by value too."""
        values = {name: sorted({str(one) for one in told}) for name, told in sorted(panel.statics.items())}
        kept = {name: told for name, told in values.items() if len(told) > 1}
        few = {name: tuple(told) for name, told in kept.items() if len(told) <= _CODES}
        return cls(groups=tuple(kept), codes=few)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A panel's cutoff as the trees see it.

    Parameters
    ----------
    level : array of shape (n,)
        Deseasonalised demand per period that corrections start from.
    index : array of shape (n, phases)
        Seasonal factors known at the cutoff.
    fixed : array of shape (n, f)
        Features that do not depend on the period ahead.
    names
        Of the columns of ``fixed``.
    """

    panel: Panel
    level: Values
    index: Values
    fixed: FloatArray
    names: tuple[str, ...]

    def start(self, ahead: int) -> Values:
        """Forecast before any correction of the period ``ahead``, shape (n,); above 0."""
        phase = phases_of(self.panel.frequency, np.array([self.panel.cutoff + ahead]))[0]
        return np.maximum(self.level * self.index[:, phase], _LEAST)

    def features(self, ahead: int, *, names: Names) -> tuple[FloatArray, tuple[str, ...]]:
        """Every feature of the period ``ahead``, shape (n, all), and what they are called."""
        panel = self.panel
        phase = int(phases_of(panel.frequency, np.array([panel.cutoff + ahead]))[0])
        columns: dict[str, Values] = {
            "ahead": np.full(panel.n, float(ahead)),
            "phase": np.full(panel.n, float(phase)),
            "log_season": np.log(self.index[:, phase]),
            **_a_year_ago(panel, self.level, ahead, names=names),
        }
        told = np.column_stack([self.fixed, *columns.values()]).astype(np.float32)
        return told, (*self.names, *columns)


def origin_of(panel: Panel, *, rule: ForgettingLevel, names: Names) -> Origin:
    """Features of a panel's cutoff; nothing after it is looked at."""
    past, index, level = rule.fitted(panel)
    flat = past.demand() / index[:, phases_of(past.frequency, np.arange(past.first, past.cutoff + 1))]
    half_life = rule.half_life_of(past.frequency)
    columns = {
        "log_level": np.log(np.maximum(level, _LEAST)),
        **_levels(past, index, level, half_life),
        **_recent(past, flat, level),
        **_trends(flat, level, _groups(past, names)),
        **_codes(past, names),
    }
    return Origin(
        panel=past,
        level=level,
        index=index,
        fixed=np.column_stack(list(columns.values())).astype(np.float32),
        names=tuple(columns),
    )


def _levels(past: Panel, index: Values, level: Values, half_life: float) -> dict[str, Values]:
    season = index[:, phases_of(past.frequency, np.arange(past.first, past.cutoff + 1))]
    slow, quick = (forgetting_level(past.demand(), season, half_life=half_life * by) for by in (5.0, 0.375))
    return {"slow_level": _log_ratio(slow, level), "quick_level": _log_ratio(quick, level)}


def _recent(past: Panel, flat: Values, level: Values) -> dict[str, Values]:
    demand = past.demand()
    year = past.frequency.season_length
    columns = {f"mean_{k}": _log_ratio(_mean(flat[:, -k:]), level) for k in _spans(year)}
    columns |= {f"lag_{k}": _ratio(flat[:, -k], level) for k in (1, 2, 3) if k <= past.length}
    half = demand[:, -max(year // 2, 4) :]
    mean = _mean(half)
    columns["zeros"] = _mean(np.where(np.isnan(half), np.nan, half <= 0))
    columns["dispersion"] = _ratio(_mean((half - mean[:, None]) ** 2), mean)
    columns["largest"] = _ratio(np.max(np.nan_to_num(half), axis=1).astype(np.float64), level)
    sold = np.nan_to_num(demand) > 0
    columns["since_sale"] = np.where(sold.any(axis=1), sold[:, ::-1].argmax(axis=1), past.length).astype(np.float64)
    columns["age"] = (past.length - past.listed_at).astype(np.float64)
    columns |= {f"known_{k}": np.isfinite(demand[:, -k:]).mean(axis=1) for k in (4, 8)}
    return columns


def _trends(flat: Values, level: Values, groups: Mapping[str, npt.NDArray[np.int64]]) -> dict[str, Values]:
    """Recent sales of a group over what its levels say, and how large its series are."""
    known = np.isfinite(flat[:, -4:])
    sold = np.where(known, flat[:, -4:], 0.0).sum(axis=1, dtype=np.float64)
    due = level * known.sum(axis=1)
    columns: dict[str, Values] = {}
    for name, of in groups.items():
        size = np.bincount(of)
        columns[f"trend_{name}"] = np.log((np.bincount(of, sold)[of] + 1) / (np.bincount(of, due)[of] + 1))
        columns[f"size_{name}"] = np.log(np.bincount(of, level)[of] / size[of] + _LEAST)
    return columns


def _a_year_ago(panel: Panel, level: Values, ahead: int, *, names: Names) -> dict[str, Values]:
    """Demand around the same time last year, over demand of the quarter year before the cutoff then, and over now."""
    year = panel.frequency.season_length
    column = panel.length - 1 + ahead - year
    demand = panel.demand().astype(np.float64)
    before = demand[:, max(panel.length - year - year // 4, 0) : max(panel.length - year, 0)]
    groups = _groups(panel, names)
    columns: dict[str, Values] = {}
    for around in (0, 1, 2):
        there = demand[:, max(column - around, 0) : max(min(column + around + 1, panel.length), 0)]
        columns[f"year_{around}"] = _log_ratio(_mean(there), _mean(before))
        columns[f"year_{around}_now"] = _log_ratio(_mean(there), level)
    for name, of in groups.items():
        there = demand[:, max(column - 1, 0) : max(min(column + 2, panel.length), 0)]
        columns[f"year_{name}"] = _log_ratio(_group_mean(there, of), _group_mean(before, of))
    return columns


def _groups(panel: Panel, names: Names) -> dict[str, npt.NDArray[np.int64]]:
    nobody: NameArray = np.full(panel.n, "", dtype=object)
    told = {"all": np.zeros(panel.n, dtype=np.int64)}
    for name in names.groups:
        values = panel.statics.get(name, nobody).astype(str)
        told[name] = np.unique(values, return_inverse=True)[1].astype(np.int64)
    return told


def _codes(panel: Panel, names: Names) -> dict[str, Values]:
    columns: dict[str, Values] = {}
    for name, known in names.codes.items():
        number = {value: float(at) for at, value in enumerate(known)}
        values: Sequence[object] = panel.statics.get(name, np.full(panel.n, "", dtype=object)).tolist()
        columns[f"code_{name}"] = np.array([number.get(str(one), np.nan) for one in values])
    return columns


def _spans(year: int) -> tuple[int, ...]:
    return tuple(sorted({max(year // 13, 2), max(year // 4, 3), max(year // 2, 6), year}))


def _mean(values: npt.NDArray[np.floating]) -> Values:
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=1, dtype=np.float64)
    count = known.sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _group_mean(values: Values, of: npt.NDArray[np.int64]) -> Values:
    known = np.isfinite(values)
    total = np.bincount(of, np.where(known, values, 0.0).sum(axis=1))[of]
    count = np.bincount(of, known.sum(axis=1))[of]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _log_ratio(over: Values, under: Values) -> Values:
    return np.clip(np.log((over + 0.1) / (under + 0.1)), -_WIDEST, _WIDEST)


def _ratio(over: Values, under: Values) -> Values:
    return np.clip(over / (under + 0.1), 0.0, 100.0)
