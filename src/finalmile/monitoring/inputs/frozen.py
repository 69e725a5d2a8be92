"""Looks whose rows are those of an earlier look: a feed that stands still, a day that came twice."""

from __future__ import annotations

import math

import numpy as np

from finalmile.frames import IntArray
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.inputs.state import InputState

_LEAST_LOG_ODDS = math.log(1e5)


def repeated(state: InputState, digests: IntArray, *, rows: int) -> list[tuple[int, int]]:
    """Columns whose values are those of an earlier look, and how many looks ago the newest such look was.

    Only columns of which no two looks of the reference were equal, and whose values are so many that two looks of the
    same distribution would hardly ever be equal by chance.
    """
    same = (state.digests == digests) & (digests != 0) & state.unique
    told: list[tuple[int, int]] = []
    for column in np.flatnonzero(same.any(axis=0)).tolist():
        told_by_chance = _log_chance(_mass(state, column), rows) + math.log(max(len(state.digests), 1))
        if told_by_chance <= -_LEAST_LOG_ODDS - math.log(365.0):
            told.append((column, int(len(same) - np.flatnonzero(same[:, column])[-1])))
    return told


def _mass(state: InputState, column: int) -> Doubles:
    one = state.columns[column]
    return one.scorer.mass if one.numeric else one.categories.mass


def _log_chance(mass: Doubles, rows: int) -> float:
    """Log probability that two samples of ``rows`` rows have the same counts, from independent Poisson counts."""
    if not len(mass) or rows < 1:
        return 0.0
    return float(_log_same(rows * mass).sum() - _log_same(np.array([float(rows)])).sum())


def _log_same(mean: Doubles) -> Doubles:
    r"""Log probability that two Poisson counts of this mean are equal: :math:`-2\mu + \ln I_0(2\mu)`."""
    few = np.minimum(mean, 50.0)
    many = -0.5 * np.log(np.maximum(4 * np.pi * mean, 1e-300))
    return np.where(mean < 50.0, np.log(np.i0(2 * few)) - 2 * few, many)
