"""How far two versions' answers to the same rows lie apart."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from finalmile.frames import IntArray
from finalmile.monitoring.engine.design import Doubles


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementLook:
    """Two versions' answers in one look, or on one set of rows.

    Parameters
    ----------
    wapd
        Sum of |new - old| over the sum of |old|: weighted absolute percentage difference. NaN where nothing compares,
        infinite where old answers are all zero and new ones are not.
    shift
        Sum of new - old over the sum of |old|: above 0 the new version says more.
    beyond
        Share of rows, in [0, 1], that differ by more than the tolerance.
    rows, one_sided
        Rows that both answered; rows that only one of them did.
    error
        Standard error of ``wapd``, clustered by series; infinite where there are too few.
    """

    period: int
    wapd: float
    shift: float
    beyond: float
    rows: int
    one_sided: int = 0
    error: float = math.inf


def agreement_look(
    period: int, old: Doubles, new: Doubles, *, tolerance: float, series: IntArray | None = None
) -> AgreementLook:
    """Hold the answers of one look beside each other; rows that one of the two did not answer count as one-sided.

    Parameters
    ----------
    old, new : arrays of shape (n,)
        NaN where a version has no answer.
    tolerance
        Two answers agree within this part of the old one, or within 1e-9.
    series : array of shape (n,)
        Whole numbers that are alike for rows of one series; by default every row is its own.

    Examples
    --------
    >>> told = agreement_look(0, np.array([10.0, 10.0]), np.array([10.0, 12.0]), tolerance=0.05)
    >>> told.wapd, told.shift, told.beyond
    (0.1, 0.1, 0.5)
    """
    both = np.isfinite(old) & np.isfinite(new)
    rows, one_sided = int(both.sum()), int((np.isfinite(old) != np.isfinite(new)).sum())
    if not rows:
        return AgreementLook(period=period, wapd=math.nan, shift=math.nan, beyond=math.nan, rows=0, one_sided=one_sided)
    before, apart = np.abs(old[both]), (new - old)[both]
    size, gap = float(before.sum()), float(np.abs(apart).sum())
    wapd = gap / size if size > 0 else 0.0 if gap == 0 else math.inf
    return AgreementLook(
        period=period,
        wapd=wapd,
        shift=float(apart.sum()) / size if size > 0 else wapd,
        beyond=float((np.abs(apart) > np.maximum(tolerance * before, 1e-9)).mean()),
        rows=rows,
        one_sided=one_sided,
        error=_error(np.abs(apart), before, wapd, None if series is None else series[both]),
    )


def _error(gap: Doubles, size: Doubles, ratio: float, series: IntArray | None) -> float:
    """Of a ratio of sums, by the delta method, with series as the independent units."""
    if not math.isfinite(ratio) or size.sum() <= 0:
        return math.inf
    off: Doubles = gap - ratio * size
    if series is not None:
        off = np.bincount(np.unique(series, return_inverse=True)[1], weights=off).astype(np.float64)
    n = len(off)
    return math.inf if n < 2 else math.sqrt(float((off**2).sum()) * n / (n - 1)) / float(size.sum())
