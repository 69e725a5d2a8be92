"""Smoothing of demand that is often zero, all series at once, one period after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.frames import BoolArray, FloatArray

_Doubles = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def smoothed_sba(demand: FloatArray, *, alpha: float, last: int = 1) -> FloatArray:
    r"""Croston's rate with the Syntetos-Boylan correction after each of the last periods, shape (n, last).

    Size and interval are smoothed at each sale, :math:`(1 - \alpha/2)\, z / p`. Unknown periods are skipped as if
    time had stood still. A series that has not sold gives 0; one without a known period so far NaN.

    References
    ----------
    Syntetos & Boylan (2005), The accuracy of intermittent demand estimates, eq. 5.

    Examples
    --------
    >>> smoothed_sba(np.array([[0, 4, 0, 4]], dtype=np.float32), alpha=0.1)
    array([[1.9]], dtype=float32)
    """
    return _ratio(demand, alpha, share=1 - alpha / 2, last=last)


def smoothed_croston(demand: FloatArray, *, alpha: float, last: int = 1) -> FloatArray:
    r"""Croston's rate :math:`z / p` after each of the last periods, shape (n, last): a little too high on average.

    The smoothed size over the smoothed interval overstates the rate, by about :math:`\alpha/2` of it:
    :func:`smoothed_sba` takes that off. What is unknown or never sold is treated as there.

    References
    ----------
    Croston (1972), Forecasting and stock control for intermittent demands.

    Examples
    --------
    >>> smoothed_croston(np.array([[0, 4, 0, 4]], dtype=np.float32), alpha=0.1)
    array([[2.]], dtype=float32)
    """
    return _ratio(demand, alpha, share=1.0, last=last)


def _ratio(demand: FloatArray, alpha: float, *, share: float, last: int) -> FloatArray:
    """``share`` times the size over the interval."""
    state, rates = _Croston.before(len(demand)), _Rates.of(demand, last)
    for values in demand.T.astype(np.float64):
        state.see(values, alpha)
        rates.note(np.where(state.sold, share * state.size / np.maximum(state.interval, 1), 0.0))
    return rates.told(demand)


@dataclass(slots=True)
class _Rates:
    """Rates after each of the last periods, as they go by."""

    values: FloatArray
    before: int

    @classmethod
    def of(cls, demand: FloatArray, last: int) -> _Rates:
        n, length = demand.shape
        return cls(np.full((n, last), np.nan, dtype=np.float32), before=length - last)

    def note(self, rate: _Doubles) -> None:
        self.before -= 1
        if self.before < 0:
            self.values[:, -self.before - 1] = rate

    def told(self, demand: FloatArray) -> FloatArray:
        known = np.logical_or.accumulate(np.isfinite(demand), axis=1)[:, -self.values.shape[1] :]
        return np.where(known, self.values, np.float32(np.nan))


@dataclass(slots=True)
class _Croston:
    size: _Doubles
    interval: _Doubles
    waited: _Doubles
    sold: BoolArray

    @classmethod
    def before(cls, n: int) -> _Croston:
        return cls(np.zeros(n), np.ones(n), np.zeros(n), np.zeros(n, dtype=np.bool_))

    def see(self, values: _Doubles, alpha: float) -> None:
        known = np.isfinite(values)
        sale = known & (np.nan_to_num(values) > 0)
        self.waited += known
        again, first = sale & self.sold, sale & ~self.sold
        self.size[again] += alpha * (values - self.size)[again]
        self.interval[again] += alpha * (self.waited - self.interval)[again]
        self.size[first], self.interval[first] = values[first], self.waited[first]
        self.waited[sale] = 0
        self.sold |= sale


def smoothed_tsb(demand: FloatArray, *, alpha_size: float, alpha_chance: float, last: int = 1) -> FloatArray:
    """Chance of a sale times its size (Teunter, Syntetos and Babai) after each of the last periods, shape (n, last).

    The chance is updated every known period, so a product that dies fades. It starts at the share of known periods
    with a sale, the size at the mean sale, over the first 28 known columns. A series that has not sold gives 0;
    one without a known period so far NaN.

    References
    ----------
    Teunter, Syntetos & Babai (2011), Intermittent demand: linking forecasting to inventory obsolescence.

    Examples
    --------
    >>> smoothed_tsb(np.array([[2, 2, 0]], dtype=np.float32), alpha_size=0.1, alpha_chance=0.5).round(3)
    array([[0.917]], dtype=float32)
    """
    chance, size = _opening(demand)
    rates = _Rates.of(demand, last)
    for values in demand.T.astype(np.float64):
        known: BoolArray = np.isfinite(values)
        sale = (known & (np.nan_to_num(values) > 0)).astype(np.float64)
        chance += alpha_chance * known.astype(np.float64) * (sale - chance)
        smoothed: _Doubles = size + np.where(size > 0, alpha_size, 1.0) * (values - size)
        np.copyto(size, smoothed, where=sale > 0)
        rates.note(chance * size)
    return rates.told(demand)


def _opening(demand: FloatArray) -> tuple[_Doubles, _Doubles]:
    known: BoolArray = np.isfinite(demand)
    early: BoolArray = known & (known.cumsum(axis=1) <= 28)
    sale: BoolArray = early & (np.nan_to_num(demand) > 0)
    sales = sale.sum(axis=1)
    size = np.where(sale, demand, 0).sum(axis=1, dtype=np.float64) / np.maximum(sales, 1)
    return sales / np.maximum(early.sum(axis=1), 1), size
