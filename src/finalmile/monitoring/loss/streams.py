"""From errors of products to the streams that are watched: the fleet's, and each product's with the fleet taken out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.loss.levels import Curve

_SMOOTHING = 0.05
_LEAST_MAE = 0.01
_FACTOR_BOUNDS = (0.2, 5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What the reference says is normal for the fleet.

    Parameters
    ----------
    wape
        Absolute error over units sold.
    units
        Units added to both sides of a ratio, so that a day without sales stays finite.
    error_factor
        Mean over looks of the trimmed mean over products of |error| against what is expected of them.
    demand_factor
        Forecast over sold.
    least_mae
        Smallest mean absolute error that a product is measured against, in units.
    curve
        How normal errors grow with sales.
    pooled
        Whether the fleet is large enough for its common factor to be divided out of its products.
    """

    wape: float
    units: float
    error_factor: float
    demand_factor: float
    least_mae: float
    curve: Curve
    pooled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over the products that can be judged, shape (T,) each."""

    error: Doubles
    actual: Doubles
    forecast: Doubles
    n: Doubles


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal:
    """What is normal for each product.

    Parameters
    ----------
    mae : array of shape (n, 1)
        |error| in units at the level of the reference.
    bias : array of shape (n, 1)
        Signed error over ``mae``.
    widening : array of shape (n, T)
        Factor on ``mae`` at the level of each look.
    """

    mae: Doubles
    bias: Doubles
    widening: Doubles


def totals(actual: Doubles, forecast: Doubles) -> Totals:
    """Sums of |forecast - actual|, actual and forecast per period, of arrays of shape (n, T)."""
    known = np.isfinite(actual) & np.isfinite(forecast)
    a, f = np.where(known, actual, 0.0), np.where(known, forecast, 0.0)
    return Totals(
        error=np.abs(f - a).sum(axis=0),
        actual=a.sum(axis=0),
        forecast=f.sum(axis=0),
        n=known.sum(axis=0).astype(np.float64),
    )


def scale_of(actual: Doubles, forecast: Doubles, *, pooled: bool) -> Scale:
    """Normal values of a reference of shape (n, T)."""
    sums = totals(actual, forecast)
    looks = max(float((sums.n > 0).sum()), 1.0)
    sold = float(np.maximum(sums.actual, 0.0).sum())
    units = max(_SMOOTHING * sold / looks, 1e-9)
    cells = max(float(sums.n.sum()), 1.0)
    return Scale(
        wape=max(float(sums.error.sum()) / max(sold, units), 1e-6),
        units=units,
        error_factor=1.0,
        demand_factor=(float(sums.forecast.sum()) + units) / (sold + units),
        least_mae=max(_LEAST_MAE * float(sums.error.sum()) / cells, 1e-9),
        curve=Curve(power=1.0, least_level=1e-9),
        pooled=pooled,
    )


def fleet_streams(sums: Totals, scale: Scale) -> Doubles:
    """Log WAPE and log of forecast over sold, shape (2, T); NaN where no product can be judged.

    A fleet-wide multiplicative season vanishes on the log scale; a little of the normal day is added on both sides
    of each ratio, so that a day without a sale is large and finite.
    """
    sold = np.maximum(sums.actual, 0.0) + scale.units
    with np.errstate(divide="ignore", invalid="ignore"):
        loss = np.log((sums.error + scale.wape * scale.units) / sold)
        level = np.log((np.maximum(sums.forecast, 0.0) + scale.units) / sold)
    return np.where(sums.n > 0, np.vstack([loss, level]), np.nan)


def without_outliers(streams: Doubles, *, spreads: float = 8.0) -> Doubles:
    """Streams of shape (s, T) with wild looks as NaN: a day on which all shops are shut is no measure of normal days.

    Wild is further from the stream's median than ``spreads`` robust standard deviations (1.4826 times the median
    absolute deviation); a stream that hardly ever moves keeps everything.

    Examples
    --------
    >>> without_outliers(np.array([[1.0, 2.0, 3.0, 100.0]]))
    array([[ 1.,  2.,  3., nan]])
    """
    known = np.isfinite(streams)
    if not known.any(axis=1).all():
        return streams
    off = np.abs(streams - np.nanmedian(streams, axis=1, keepdims=True))
    spread = 1.4826 * np.nanmedian(off, axis=1, keepdims=True)
    return np.where(known & ((off <= spreads * spread) | (spread == 0)), streams, np.nan)


def product_streams(
    actual: Doubles, forecast: Doubles, normal: Normal, *, sums: Totals, scale: Scale
) -> tuple[Doubles, Doubles]:
    """Each product's |error| and signed error over its normal |error|, the fleet's day taken out; shape (n, T) each.

    |error| is also divided by the 5 % trimmed mean over products of the same figure; the signed error is counted
    after sales were scaled by forecast over sold of the whole fleet. Both factors are 1 on a normal day. Of the
    signed error only what goes beyond the usual bias shrinks as sales grow. Products whose normal error is NaN get NaN.
    """
    error = np.abs(forecast - actual) / (normal.mae * normal.widening)
    common, level = np.ones(error.shape[1]), np.ones(error.shape[1])
    if scale.pooled:
        common = np.clip(trimmed_columns(error) / scale.error_factor, *_FACTOR_BOUNDS)
        ratio = (np.maximum(sums.forecast, 0.0) + scale.units) / (np.maximum(sums.actual, 0.0) + scale.units)
        level = np.clip(ratio / scale.demand_factor, *_FACTOR_BOUNDS)
    signed = (forecast - actual * level) / normal.mae
    return error / common, normal.bias + (signed - normal.bias) / normal.widening


def relative_misses(actual: Doubles, forecast: Doubles, *, base: Doubles, sums: Totals, scale: Scale) -> Doubles:
    """Sold minus forecast over what a forecast of that size may miss by, up to a factor per product; shape (n, T).

    Sales are scaled by forecast over sold of the whole fleet first, where the fleet is large enough. Below the mean
    sales of the reference, ``base`` of shape (n, 1), misses are expected to shrink along the curve of the fleet; above
    they may grow as much as the forecast does, so that growth by itself is never taken for scatter.
    """
    level = np.ones(actual.shape[1])
    if scale.pooled:
        ratio = (np.maximum(sums.forecast, 0.0) + scale.units) / (np.maximum(sums.actual, 0.0) + scale.units)
        level = np.clip(ratio / scale.demand_factor, *_FACTOR_BOUNDS)
    low = max(scale.curve.least_level, 1e-9)
    times = np.maximum(forecast, low) / np.maximum(base, low)
    may = np.where(times > 1.0, times, times**scale.curve.power)
    misses: Doubles = (actual * level - forecast) / np.maximum(may, 1e-9)
    return misses


def expected_sales(forecast: Doubles, *, sums: Totals, scale: Scale) -> Doubles:
    """What forecasts of shape (n, T) lead one to expect on a day on which the whole fleet sold as it did, in units."""
    if not scale.pooled:
        return forecast
    ratio = (np.maximum(sums.forecast, 0.0) + scale.units) / (np.maximum(sums.actual, 0.0) + scale.units)
    expected: Doubles = forecast / np.clip(ratio / scale.demand_factor, *_FACTOR_BOUNDS)
    return expected


def trimmed_columns(values: Doubles, *, share: float = 0.05) -> Doubles:
    """Mean of each column without its lowest and highest ``share``, ignoring NaN, shape (T,); 1 where empty.

    Examples
    --------
    >>> trimmed_columns(np.array([[0.0], [1.0], [2.0], [100.0]]), share=0.25)
    array([1.5])
    """
    ordered = np.sort(values, axis=0)  # NaN goes last
    n = np.isfinite(values).sum(axis=0)
    cut = (share * n).astype(np.int64)
    place = np.arange(len(values))[:, None]
    keep = (place >= cut) & (place < n - cut)
    mean: Doubles = np.where(keep, ordered, 0.0).sum(axis=0) / np.maximum(keep.sum(axis=0), 1)
    return np.where(n > 0, mean, 1.0)


def row_means(values: Doubles) -> Doubles:
    """Mean of each row without its NaN, shape (n,); 0 for a row without values."""
    known = np.isfinite(values)
    mean: Doubles = np.where(known, values, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return mean
