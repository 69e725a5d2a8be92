"""How strongly a slice's losses rose against what the rest of the rows did: a likelihood ratio for each slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finalmile.frames import BoolArray
from finalmile.monitoring.why.dimensions import Doubles
from finalmile.monitoring.why.expected import COUNT, EXPECTED, LOSS, SIGNED, SOLD, TOLD, VARIANCE, Cells

NOW = COUNT + 1
"""Columns of the current window start here."""

_PRIOR = 25.0
_LEAST = 1e-12
_LEAST_MOVED = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Of many slices at once; arrays of one shape.

    Parameters
    ----------
    gain
        Logarithm of the likelihood ratio: the slice changed unlike the rest, against all changed alike. 0 where the
        slice did not get worse.
    ratio
        Loss against what was expected, over the same of the rest where that grew: 1.3 is 30 % worse than the rest
        became. A rest that became better makes no slice look worse.
    """

    gain: Doubles
    ratio: Doubles


def score(sums: Doubles, /, *, whole: Doubles, error_over_loss: float, least_rows: float = 10.0) -> Scores:
    r"""Likelihood ratio of each slice, from its sums in both windows.

    The loss of a slice is taken as gamma with shape :math:`a = E^2 / V`, so that a change of scale :math:`r` gains
    :math:`a (r - 1 - \ln r)`. Its own level in the reference is taken out, drawn towards 1 as by 25 rows' worth of
    evidence, and so is how far its volume rose (:func:`volume`). The mean signed error, where known, adds
    :math:`\delta^2 / 2 \operatorname{Var}` where it moved away from 0.

    Parameters
    ----------
    sums : array of shape (..., 14)
        As in :class:`~finalmile.monitoring.why.expected.Cells`.
    whole : array of shape (14,)
        Of all rows.
    error_over_loss
        Variance of a row's signed error over that of its loss.
    least_rows
        Slices with fewer rows in the current window gain nothing.
    """
    rest = whole - sums
    mine, theirs = _change(sums), _change(rest)
    ratio = mine.ratio / np.maximum(theirs.ratio, 1.0)
    shape = 1.0 / (1.0 / mine.shape + 1.0 / theirs.shape)
    worse = ratio > 1.0
    gain = np.where(worse, shape * (ratio - 1.0 - np.log(np.where(worse, ratio, 1.0))), 0.0)
    if error_over_loss > 0:
        gain += _bias_gain(sums, rest, widened=np.maximum(mine.ratio, 1.0), error_over_loss=error_over_loss)
    enough = (sums[..., NOW + COUNT] >= least_rows) & (sums[..., NOW + EXPECTED] > 0)
    return Scores(gain=np.where(enough, gain, 0.0), ratio=ratio)


def volume(sums: Doubles, /) -> Doubles:
    """How many times the reference's volume each slice has now, at least 1: what its losses may grow by unremarked.

    The lesser of how forecasts and how sales moved, each weighed by expected losses. A forecast that is wrong moves one
    of them, a volume that rose both; and who sells less is not thereby expected to lose less.
    """
    before, now = sums[..., :NOW], sums[..., NOW:]
    told, sold = (_moved(before, now, column) for column in (TOLD, SOLD))
    return np.maximum(np.minimum(told, sold), 1.0)


def volumes(cells: Cells, mine: BoolArray, /) -> tuple[float, float]:
    """The same of some cells, shape (m,), and of all others."""
    return float(volume(cells.of(mine))), float(volume(cells.of(~mine)))


def _moved(before: Doubles, now: Doubles, column: int) -> Doubles:
    usual, current = (one[..., column] / np.maximum(one[..., EXPECTED], _LEAST) for one in (before, now))
    told: Doubles = current / np.maximum(usual, _LEAST_MOVED)
    return told


@dataclass(frozen=True, slots=True)
class _Change:
    ratio: Doubles
    shape: Doubles


def _change(sums: Doubles) -> _Change:
    """Current loss over expectation, over the same of the reference, and the shape of that ratio."""
    before, now = _shape(sums[..., :NOW]), _shape(sums[..., NOW:])
    level = sums[..., LOSS] / np.maximum(sums[..., EXPECTED], _LEAST)
    level = np.maximum((before * level + _PRIOR) / (before + _PRIOR), _LEAST)
    seen = sums[..., NOW + LOSS] / np.maximum(sums[..., NOW + EXPECTED] * volume(sums), _LEAST)
    shape = 1.0 / (1.0 / np.maximum(now, _LEAST) + 1.0 / (before + _PRIOR))
    return _Change(ratio=np.maximum(seen / level, _LEAST), shape=shape)


def _shape(window: Doubles) -> Doubles:
    told: Doubles = np.maximum(window[..., EXPECTED], 0.0) ** 2 / np.maximum(window[..., VARIANCE], _LEAST)
    return told


def _bias_gain(sums: Doubles, rest: Doubles, *, widened: Doubles, error_over_loss: float) -> Doubles:
    before, before_var = _lean(sums[..., :NOW])
    now, now_var = _lean(sums[..., NOW:], over=volume(sums))
    others, others_var = _lean(rest[..., NOW:], over=volume(rest))
    others_before, _ = _lean(rest[..., :NOW])
    trust = _shape(sums[..., :NOW])
    before = before * trust / (trust + _PRIOR)
    moved = (now - before) - (others - others_before)
    variance = error_over_loss * (now_var * widened**2 + before_var + others_var)
    adverse: npt.NDArray[np.bool_] = np.abs(now) > np.abs(before)
    told: Doubles = np.where(adverse, moved**2 / (2.0 * np.maximum(variance, _LEAST)), 0.0)
    return told


def _lean(window: Doubles, *, over: Doubles | float = 1.0) -> tuple[Doubles, Doubles]:
    """Signed error over expected loss and volume, and the variance of it where nothing moved but for a factor."""
    expected = np.maximum(window[..., EXPECTED], _LEAST)
    return window[..., SIGNED] / (expected * over), np.maximum(window[..., VARIANCE], 0.0) / expected**2
