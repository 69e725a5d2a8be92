"""Demand as policies read it: quantiles over whole windows, a path of means, or sample paths."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.frames import BoolArray, Cumulative, FloatArray, IntArray, NameArray
from finalmile.simulation import UnitsArray


@dataclass(frozen=True, slots=True, kw_only=True)
class PointDemand:
    """Expected demand per period and how far off one period's forecast usually is.

    Parameters
    ----------
    mean : array of shape (n, horizon)
        Expected units of each period from now; NaN where there is no forecast.
    sd : array of shape (n,)
        Standard deviation of one period's forecast error, in units.
    """

    mean: UnitsArray
    sd: UnitsArray


@dataclass(frozen=True, slots=True, kw_only=True)
class PathDemand:
    """Demand that might come, path by path: what a policy can simulate on.

    Parameters
    ----------
    paths : array of shape (n, s, horizon)
        Whole units of each period from now on each of ``s`` equally likely paths.
    mean : array of shape (n, horizon)
        Expected units of each period; NaN where there is no forecast.
    """

    paths: UnitsArray
    mean: UnitsArray


Demand = Cumulative | PointDemand | PathDemand


def quantile_at(told: Cumulative, windows: IntArray, *, level: float) -> UnitsArray:
    """Quantile of demand over each item's own window, shape (n,).

    Raises
    ------
    MissingInputError
        If the level, or an item's window, was not forecast.
    """
    at = [k for k, known in enumerate(told.levels) if abs(known - level) < 1e-9]
    if not at:
        known = ", ".join(f"{one:g}" for one in told.levels) or "none"
        raise MissingInputError(
            f"no quantile {level:g} of demand over the window was forecast (levels there: {known}): the service level "
            f"changed after it was made. Forecast again, with finalmile forecast or with levels=({level:g},)"
        )
    return as_read(told.values[np.arange(len(windows)), _columns(told, windows), at[0]])


def mean_at(told: Cumulative, windows: IntArray) -> UnitsArray:
    """Expected demand over each item's own window, shape (n,); ``MissingInputError`` as :func:`quantile_at`."""
    return as_read(told.mean[np.arange(len(windows)), _columns(told, windows)])


def as_read(single: FloatArray) -> UnitsArray:
    """Numbers of single precision as the decimals one reads of them, so that what is printed is what was computed."""
    told: UnitsArray = single.astype(np.float64)
    size = np.abs(told, where=np.isfinite(told) & (told != 0), out=np.ones_like(told))
    scale = 10.0 ** np.clip(6 - np.floor(np.log10(size)), 0, 22)
    return np.asarray(np.rint(told * scale) / scale)


def sum_ahead(mean: UnitsArray, windows: IntArray) -> UnitsArray:
    """Sum of each row's first ``windows`` periods, shape (n,).

    Raises
    ------
    MissingInputError
        If a window reaches past the horizon.

    Examples
    --------
    >>> sum_ahead(np.array([[1.0, 2.0, 4.0], [8.0, 1.0, 1.0]]), np.array([2, 1]))
    array([3., 8.])
    """
    horizon = mean.shape[1]
    longest = int(windows.max(initial=0))
    if longest > horizon:
        raise MissingInputError(
            f"a window of {longest} periods reaches past the {horizon} periods forecast; "
            f"forecast at least {longest} periods"
        )
    ahead: IntArray = np.arange(horizon, dtype=np.int64)
    inside = ahead < windows[:, None]
    return np.asarray(np.where(inside, mean, 0.0).sum(axis=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class NegativeBinomialPaths:
    r"""Sample paths around a mean path: overdispersed counts with a level error common to a whole path.

    .. math:: G \sim \Gamma(1, v), \quad m_h = \mu_h G, \quad
        \lambda_h \sim \Gamma(m_h,\; a\,m_h + b\,m_h^2), \quad D_h \sim \mathrm{Poisson}(\lambda_h)

    where the second argument is the variance. One period's demand is then close to a negative binomial of variance
    :math:`(1 + a)\mu + (b + v)\mu^2`, and two periods of a path are correlated through ``G``: a forecast that is too
    high stays too high for a while, which matters to whoever orders on it.

    Parameters
    ----------
    extra
        ``a``, variance beyond Poisson in proportion to the mean.
    proportional
        ``b``, variance in proportion to the squared mean.
    common
        ``v``, variance of the level factor.
    paths
        How many.

    Notes
    -----
    The chance comes from ``seed`` and each item's own id, so that adding or removing other items changes nothing.
    Zero mean gives zero demand; an unknown mean (NaN) gives NaN on every path.
    """

    extra: float = 0.4
    proportional: float = 0.07
    common: float = 0.05
    paths: int = 300

    def __call__(self, mean: UnitsArray, *, ids: NameArray, seed: int) -> PathDemand:
        """Paths of every item, each from a stream of its own."""
        draw = partial(self._draw, seed=seed)
        drawn = [draw(str(name), row) for name, row in zip(ids, mean, strict=True)]
        return PathDemand(paths=np.stack(drawn) if drawn else np.zeros((0, self.paths, mean.shape[1])), mean=mean)

    def _draw(self, name: str, mean: UnitsArray, *, seed: int) -> UnitsArray:
        rng = np.random.Generator(np.random.SFC64(_stream(name, seed)))
        level = _gamma(rng, np.ones((self.paths, 1)), np.full((self.paths, 1), self.common))
        known = np.nan_to_num(np.maximum(mean, 0.0), nan=0.0)
        centre = known * level
        rate = _gamma(rng, centre, self.extra * centre + self.proportional * centre**2)
        return np.where(np.isnan(mean), np.nan, rng.poisson(rate).astype(np.float64))


def _gamma(rng: np.random.Generator, mean: UnitsArray, variance: UnitsArray) -> UnitsArray:
    spread = np.where(mean > 0, variance / np.where(mean > 0, mean, 1.0), 0.0)
    random = spread > 0
    scale = np.where(random, spread, 1.0)
    drawn = rng.gamma(np.where(random, mean / scale, 1.0)) * scale
    return np.where(random, drawn, mean)


def _stream(name: str, seed: int) -> Sequence[int]:
    digest = hashlib.blake2b(name.encode(), digest_size=16).digest()
    return [seed, int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")]


def _columns(told: Cumulative, windows: IntArray) -> IntArray:
    hit: BoolArray = np.asarray(told.windows == windows[:, None])
    missing = ~hit.any(axis=1)
    if missing.any():
        row = int(missing.argmax())
        there = " or ".join(str(window) for window in sorted(set(told.windows[row].tolist())))
        raise MissingInputError(
            f"for {int(missing.sum()):,} of {len(windows):,} items the forecast says what is asked for over {there} "
            f"periods, and their orders must last {int(windows[row])} (review and lead time together): these times "
            "changed after it was made. Forecast again from here on with finalmile forecast, and judge the past with "
            "finalmile replay, which forecasts anew"
        )
    return np.asarray(hit.argmax(axis=1), dtype=np.int64)
