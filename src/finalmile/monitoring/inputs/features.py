"""What the shape of a column's day explains of its other scalars: features of the same look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from finalmile.frames import BoolArray
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.inputs.scalars import NUMERIC

_LEARNED, _FARTHEST = 6.0, 10.0  # sd: a reference look further out teaches nothing, a look is never taken as further
_TAIL = ("a", "aa", "b", "ab", "bb", "d")
_MONOMIALS = (*_TAIL, "aaa", "n", "h", "hh", "hhh")
_USED: dict[str, tuple[str, ...]] = {
    "spread": ("a", "aa"),
    "skew": ("a", "aa", "aaa", "b", "ab"),
    "tail_hi": _TAIL,
    "tail_lo": _TAIL,
    "tiny": _TAIL,
    "zero": ("h", "hh", "hhh"),
    "distinct": ("a", "b", "n"),
    "top": ("n",),
    "mode": _TAIL,
}
_SOURCES = [NUMERIC.index(name) for name in ("level", "spread", "skew", "positive")]
_LEAST_LOOKS_PER_TERM = 4


def used() -> BoolArray:
    """Which features each numeric scalar is explained by, shape (15, 11)."""
    rows = [[name in _USED.get(scalar, ()) for name in _MONOMIALS] for scalar in NUMERIC]
    return np.array(rows, dtype=np.bool_)


def monomials(a: Doubles, b: Doubles, d: Doubles, *, n: Doubles, h: Doubles) -> Doubles:
    """Products of standardised level ``a``, spread ``b``, skew ``d``, log rows ``n`` and level of non-zeros ``h``.

    Examples
    --------
    >>> one = np.array([0.6])
    >>> monomials(one, np.array([-0.2]), np.array([0.4]), n=one, h=one)[0, :6].round(2).tolist()
    [0.6, 0.36, -0.2, -0.12, 0.04, 0.4]
    """
    return np.stack([a, a * a, b, a * b, b * b, d, a * a * a, n, h, h * h, h * h * h], axis=-1)


class Features(NamedTuple):
    """Features of looks, and what of them lies beyond the range that was learned from; arrays of shape (T, g, 11)."""

    learned: Doubles
    beyond: Doubles


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """Where the sources of features were in the reference.

    Parameters
    ----------
    centre, scale : arrays of shape (g, 5)
        Mean and standard deviation of level, spread, skew, level of non-zeros and log rows of each numeric column;
        a scale of infinity where a source never moved.
    low, high : arrays of shape (g, 5)
        Range in standard deviations that features were learned in.
    """

    centre: Doubles
    scale: Doubles
    low: Doubles
    high: Doubles

    @classmethod
    def of(cls, scalars: Doubles, log_rows: Doubles) -> Standard:
        """From reference scalars of shape (T, g, 15) and log rows of shape (T,)."""
        sources = _sources(scalars, log_rows)
        known = np.isfinite(sources)
        count = np.maximum(known.sum(axis=0), 1)
        centre = np.where(known, sources, 0.0).sum(axis=0) / count
        spread = np.sqrt((np.where(known, sources - centre, 0.0) ** 2).sum(axis=0) / count)
        scale = np.where(spread > 1e-9, spread, np.inf)
        away = np.clip(np.nan_to_num((sources - centre) / scale), -_LEARNED, _LEARNED)
        low, high = away.min(axis=0, initial=0.0), away.max(axis=0, initial=0.0)
        return cls(centre=centre, scale=scale, low=low, high=high)

    def __call__(self, scalars: Doubles, log_rows: Doubles) -> Features:
        """Features of looks; a source that is missing counts as being where it always was."""
        away = np.nan_to_num((_sources(scalars, log_rows) - self.centre) / self.scale)
        learned = _products(np.clip(away, self.low, self.high))
        return Features(learned, _products(np.clip(away, -_FARTHEST, _FARTHEST)) - learned)


def coefficients(values: Doubles, features: Doubles, design: Doubles) -> Doubles:
    """Least-squares coefficients of features, shape (f,), fitted together with the calendar.

    Parameters
    ----------
    values : array of shape (T,)
        NaN where a look is missing.
    features : array of shape (T, f)
    design : array of shape (T, p)
    """
    known = np.isfinite(values)
    if known.sum() < _LEAST_LOOKS_PER_TERM * (design.shape[1] + features.shape[1]):
        return np.zeros(int(features.shape[1]))
    x = np.hstack([design, features])[known]
    squares = x.T @ x
    lift = 1e-9 * (1.0 + float(squares.diagonal().mean())) * np.eye(len(squares))
    solved: Doubles = np.linalg.solve(squares + lift, x.T @ values[known]).astype(np.float64)
    return solved[design.shape[1] :]


def explained(features: Features, gamma: Doubles) -> tuple[Doubles, Doubles]:
    r"""What features explain of each scalar, and how far off that may be; both of shape (T, g, 15).

    Within the range that was learned a fit is as good as its residuals say. What it adds beyond may come true in full,
    or not at all: half is expected, and all of it is the doubt.

    .. math:: \hat s = f \gamma + \tfrac12 \Delta f \, \gamma, \quad doubt = |\Delta f \, \gamma|

    Parameters
    ----------
    gamma : array of shape (g, 15, 11)

    Examples
    --------
    >>> one = np.ones((1, 1, 1))
    >>> told, doubt = explained(Features(2.0 * one, 3.0 * one), one)
    >>> told.item(), doubt.item()
    (3.5, 3.0)
    """
    beyond: Doubles = np.einsum("gsf,tgf->tgs", gamma, features.beyond)
    told: Doubles = np.einsum("gsf,tgf->tgs", gamma, features.learned) + beyond / 2
    return told, np.abs(beyond)


def _products(away: Doubles) -> Doubles:
    return monomials(away[..., 0], away[..., 1], away[..., 2], n=away[..., 4], h=away[..., 3])


def _sources(scalars: Doubles, log_rows: Doubles) -> Doubles:
    rows = np.broadcast_to(log_rows[:, None, None], (*scalars.shape[:2], 1))
    return np.concatenate([scalars[..., _SOURCES], rows], axis=-1)
