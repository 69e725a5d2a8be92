"""Forecasts beside what came true, with stock-outs left out and counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from finalmile.frames import FloatArray, Forecast, Frequency, IntArray, NameArray, Panel, quantile_column
from finalmile.metrics import Scored


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Forecasts and actuals of the same series and periods.

    Parameters
    ----------
    ids : array of shape (n,)
    first
        Period number of column 0.
    scored
        Actuals with NaN where a period may not be judged, forecasts, and how many periods were left out: censored
        by a stock-out, or missing because nothing is known yet or the series was not listed.
    """

    ids: NameArray
    first: int
    scored: Scored


def join(forecast: Forecast, actual: Panel, *, baseline: Forecast | None = None) -> Joined:
    """A forecast beside the sales of its periods, shape (n, horizon); series that the panel lacks are missing.

    Parameters
    ----------
    forecast
        From any cutoff; periods after the panel's cutoff are missing.
    baseline
        A cheap forecast of the same cutoff; series that it lacks are not compared.

    Raises
    ------
    ValueError
        Frequencies or cutoffs differ.
    """
    _same_frequency(forecast.frequency, actual)
    if baseline is not None and baseline.cutoff != forecast.cutoff:
        raise ValueError(f"baseline is from cutoff {baseline.cutoff}, the forecast from {forecast.cutoff}")
    first, horizon = forecast.cutoff + 1, forecast.horizon
    known, censored = judged(actual, forecast.ids, first=first, length=horizon)
    cheap = None if baseline is None else _aligned(baseline, forecast.ids, horizon=horizon)
    scored = _scored(known, forecast.mean, censored=censored, quantiles=dict(forecast.quantiles), baseline=cheap)
    return Joined(ids=forecast.ids, first=first, scored=scored)


def join_frame(
    predictions: pl.DataFrame, actual: Panel, *, first: int, length: int, levels: Sequence[float] = ()
) -> Joined:
    """Logged forecasts beside the sales of ``length`` periods from ``first`` on; series sorted by id.

    Parameters
    ----------
    predictions
        ``unique_id, ds, mean`` and a column per level (``q0.98``), at most one row per series and period: choose the
        lead before, for example by :func:`made_before`. Other columns and periods are ignored.
    levels
        Quantiles to carry.

    Raises
    ------
    ValueError
        Two rows for one series and period.
    """
    inside = _numbered(predictions, actual.frequency).filter(pl.col("period").is_between(first, first + length - 1))
    if inside.select("unique_id", "period").is_duplicated().any():
        raise ValueError("predictions have two rows for one unique_id and ds; keep one lead, as made_before does")
    ids = inside["unique_id"].unique().sort()
    names: NameArray = ids.to_numpy().astype(object)
    known, censored = judged(actual, names, first=first, length=length)
    rows = ids.search_sorted(inside["unique_id"]).to_numpy().astype(np.int64)
    columns: IntArray = inside["period"].to_numpy() - first
    wide = {
        name: _wide(inside[name], rows=rows, columns=columns, shape=(len(ids), length))
        for name in ("mean", *map(quantile_column, levels))
    }
    quantiles = {level: wide[quantile_column(level)] for level in levels}
    scored = _scored(known, wide["mean"], censored=censored, quantiles=quantiles, baseline=None)
    return Joined(ids=names, first=first, scored=scored)


def made_before(predictions: pl.DataFrame, *, frequency: Frequency, lead: int = 1) -> pl.DataFrame:
    """For every series and period the newest forecast made at least ``lead`` periods before it.

    Parameters
    ----------
    predictions
        ``unique_id, cutoff, ds`` and whatever else; of equal cutoffs the last row counts.
    lead
        Periods between cutoff and period; 1 is the one-step forecast.
    """
    numbered = _numbered(predictions, frequency).with_columns(
        pl.Series("made", frequency.index(predictions["cutoff"]), dtype=pl.Int64)
    )
    return (
        numbered.filter(pl.col("made") + lead <= pl.col("period"))
        .sort("made", maintain_order=True)
        .unique(["unique_id", "period"], keep="last", maintain_order=True)
        .sort("unique_id", "period")
        .drop("period", "made")
    )


def judged(actual: Panel, ids: NameArray, *, first: int, length: int) -> tuple[FloatArray, int]:
    """Sales of series and periods, shape (n, length), NaN where they may not be judged; and how many were censored."""
    rows = _rows(actual.ids, ids)
    periods = np.arange(first, first + length)
    inside = (periods >= actual.first) & (periods <= actual.cutoff)
    values = np.full((len(ids), length), np.nan, dtype=np.float32)
    found = np.flatnonzero(rows >= 0)
    cells = np.ix_(found, np.flatnonzero(inside))
    source = np.ix_(rows[found], periods[inside] - actual.first)
    values[cells] = actual.demand()[source]
    return values, int(actual.censored[source].sum())


def _scored(
    known: FloatArray,
    mean: FloatArray,
    *,
    censored: int,
    quantiles: dict[float, FloatArray],
    baseline: FloatArray | None,
) -> Scored:
    unusable = int((~(np.isfinite(known) & np.isfinite(mean))).sum())
    return Scored(
        actual=known,
        forecast=mean,
        quantiles=quantiles,
        baseline=baseline,
        censored=censored,
        missing=max(unusable - censored, 0),
    )


def _same_frequency(frequency: Frequency, actual: Panel) -> None:
    if frequency != actual.frequency:
        raise ValueError(f"forecasts are per {frequency}, sales per {actual.frequency}; bring both to one frequency")


def _aligned(forecast: Forecast, ids: NameArray, *, horizon: int) -> FloatArray:
    rows, width = _rows(forecast.ids, ids), min(horizon, forecast.horizon)
    values = np.full((len(ids), horizon), np.nan, dtype=np.float32)
    values[rows >= 0, :width] = forecast.mean[rows[rows >= 0], :width]
    return values


def _rows(ids: NameArray, wanted: NameArray) -> IntArray:
    if np.array_equal(ids, wanted):
        return np.arange(len(ids), dtype=np.int64)
    places = {name: row for row, name in enumerate(ids.tolist())}
    return np.array([places.get(name, -1) for name in wanted.tolist()], dtype=np.int64)


def _numbered(predictions: pl.DataFrame, frequency: Frequency) -> pl.DataFrame:
    return predictions.with_columns(
        pl.col("unique_id").cast(pl.String), pl.Series("period", frequency.index(predictions["ds"]), dtype=pl.Int64)
    )


def _wide(values: pl.Series, *, rows: IntArray, columns: IntArray, shape: tuple[int, int]) -> FloatArray:
    wide = np.full(shape, np.nan, dtype=np.float32)
    wide[rows, columns] = values.cast(pl.Float32).to_numpy()
    return wide
