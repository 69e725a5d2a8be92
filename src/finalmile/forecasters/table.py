"""Forecasts made elsewhere, looked up by cutoff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from finalmile.errors import MissingInputError, SchemaError
from finalmile.forecasters.one_step import rolled_one_step
from finalmile.forecasters.spans import spans_of
from finalmile.forecasters.window_means import averaged_seasons, window_means
from finalmile.frames import FloatArray, Frequency, IntArray, Panel

_SEASONS = 8
_COLUMNS = {"unique_id": pl.String, "cutoff": None, "ds": None, "mean": pl.Float32}


@dataclass(frozen=True, kw_only=True)
class ForecastTable:
    """A table of forecasts that answers like a model: with the newest ones made at or before the panel's cutoff.

    Series the table does not know, and holes in it, get the window average; periods past its end repeat its last
    season.

    Parameters
    ----------
    frequency
        Of its periods.
    parts
        Cutoff to the ids forecast at it and their means, shape (ids, periods after that cutoff); NaN where the
        table has a hole.
    """

    frequency: Frequency
    parts: Mapping[int, tuple[Mapping[str, int], FloatArray]]

    @classmethod
    def of(cls, frame: pl.DataFrame, *, frequency: Frequency) -> ForecastTable:
        """Read ``unique_id, cutoff, ds, mean``; rows at or before their cutoff are left out.

        Raises
        ------
        SchemaError
            A column is missing, there is no row, or a mean is missing or not finite; all faults at once.
        """
        faults = _faults(frame)
        if faults:
            raise SchemaError("ready-made forecasts", faults)
        cutoff, period = frequency.index(frame["cutoff"]), frequency.index(frame["ds"])
        parts: dict[int, tuple[Mapping[str, int], FloatArray]] = {}
        for one in np.unique(cutoff).tolist():
            here = (cutoff == one) & (period > one)
            if here.any():
                parts[one] = _part(frame.filter(pl.Series(here)), period[here] - one)
        return cls(frequency=frequency, parts=parts)

    @property
    def cutoffs(self) -> list[int]:
        """Period numbers forecasts were made at, ascending."""
        return sorted(self.parts)

    @property
    def horizon(self) -> int:
        """Periods the forecast of the newest cutoff reaches."""
        return int(self.parts[self.cutoffs[-1]][1].shape[1])

    def history(self, frequency: Frequency) -> int:
        """Periods of history a forecast looks at, for series the table does not know."""
        return max(_SEASONS * averaged_seasons(frequency)[0], 2 * spans_of(frequency).recent)

    def mean(self, panel: Panel, /, *, horizon: int) -> FloatArray:
        """Expected units, shape (n, horizon), from the newest forecasts made at or before the cutoff.

        Raises
        ------
        MissingInputError
            The table has none, or they end at the cutoff.
        """
        made = max((one for one in self.parts if one <= panel.cutoff), default=None)
        if made is None or panel.cutoff - made >= self.parts[made][1].shape[1]:
            raise MissingInputError(self._what_is_missing(panel, made))
        known, values = self.parts[made]
        rows: IntArray = np.array([known.get(str(one), -1) for one in panel.ids], dtype=np.int64)
        columns = _columns(panel.cutoff - made, horizon, values.shape[1], self.frequency.season_length)
        told = np.where(rows[:, None] >= 0, values[rows][:, columns], np.float32(np.nan))
        if np.isnan(told).any():
            told = np.where(np.isnan(told), window_means(panel, seasons=_SEASONS, horizon=horizon), told)
        return np.maximum(told, 0).astype(np.float32)

    def one_step(self, panel: Panel, /, *, periods: int) -> FloatArray:
        """Forecast of each of the last periods as the table had it one period before."""
        return rolled_one_step(self, panel, periods=periods)

    def write(self, folder: Path, /) -> None:
        """Write the table as Parquet."""
        self.to_frame().write_parquet(folder / "forecasts.parquet", compression="zstd")

    def to_frame(self) -> pl.DataFrame:
        """The table again: unique_id, cutoff, ds, mean."""
        return pl.concat([self._part_frame(made) for made in self.cutoffs])

    def _part_frame(self, made: int) -> pl.DataFrame:
        known, values = self.parts[made]
        n, width = values.shape
        ids = sorted(known, key=lambda one: known[one])
        stamp = pl.Series([self.frequency.start_of(made)]).cast(self.frequency.dtype)
        columns: dict[str, object] = {
            "unique_id": pl.Series(np.repeat(np.array(ids, dtype=object), width), dtype=pl.String),
            "cutoff": stamp.new_from_index(0, n * width),
            "ds": self.frequency.start(np.tile(np.arange(made + 1, made + 1 + width, dtype=np.int64), n)),
            "mean": values.ravel(),
        }
        return pl.DataFrame(columns).filter(pl.col("mean").is_not_nan())

    def _what_is_missing(self, panel: Panel, made: int | None) -> str:
        at = panel.frequency.start_of(panel.cutoff)
        if made is None:
            return f"no ready-made forecast was made at or before {at}; ingest one whose cutoff is {at}"
        end = panel.frequency.start_of(made + self.parts[made][1].shape[1])
        return f"the newest ready-made forecast before {at} ends at {end}; ingest one whose cutoff is {at}"


def _faults(frame: pl.DataFrame) -> list[str]:
    missing = [name for name in _COLUMNS if name not in frame.columns]
    if missing:
        return [f"no column is called {name!r}; it has {', '.join(frame.columns)}" for name in missing]
    if frame.is_empty():
        return ["there is no row"]
    bad = frame.filter(~pl.col("mean").cast(pl.Float64).is_finite().fill_null(value=False))
    return [f"mean is missing or not finite in {len(bad)} rows, first of {bad['unique_id'][0]!r}"] if len(bad) else []


def _part(frame: pl.DataFrame, ahead: IntArray) -> tuple[Mapping[str, int], FloatArray]:
    ids = frame["unique_id"].cast(pl.String)
    names: Sequence[str] = ids.unique().sort().to_list()
    known = {name: at for at, name in enumerate(names)}
    rows = ids.replace_strict(list(known), list(known.values()), return_dtype=pl.Int64).to_numpy()
    values = np.full((len(names), int(ahead.max())), np.nan, dtype=np.float32)
    values[rows, ahead - 1] = frame["mean"].cast(pl.Float32).to_numpy()
    return known, values


def _columns(start: int, horizon: int, width: int, season: int) -> IntArray:
    """Columns of the table for each period ahead, the last season repeated past its end."""
    columns = np.arange(start, start + horizon, dtype=np.int64)
    back = min(season, width)
    past = columns >= width
    columns[past] = width - back + (columns[past] - width) % back
    return columns
