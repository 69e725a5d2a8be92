"""What effect sizes on shares of cells have in common: cells, emptiness, interval."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from finalmile.monitoring.effects.effect import Effect, Scale, empty_side
from finalmile.monitoring.effects.pairs import Counted, Ordered
from finalmile.monitoring.engine.design import Doubles

Gradient = Callable[[Doubles, Doubles, float], tuple[Doubles, Doubles]]
"""Derivative of a figure by the shares of both samples, given the figure."""


def on_shares(
    pair: Ordered | Counted,
    *,
    bins: int,
    scale: Scale,
    value: Callable[[Doubles, Doubles], float],
    gradient: Gradient,
    chance: Callable[[Doubles, float, int], float],
    threshold: float | None,
    smoothed: bool = False,
) -> Effect:
    """An effect size of the shares of cells: ranges of the reference's quantiles, or names.

    Parameters
    ----------
    value
        The figure of two arrays of shares, shape (c,) each.
    chance
        The figure to expect without a difference, of pooled shares, 1/n + 1/m and the number of cells.
    smoothed
        A cell that is empty on one side counts as half a row there.
    """
    why = empty_side(pair.n)
    if why:
        return scale.undefined(why, n=pair.n, threshold=threshold)
    cells = pair.binned(bins) if isinstance(pair, Ordered) else pair
    n, m = cells.n
    p, q = cells.shares()
    if smoothed:
        p, q = np.where(p > 0, p, 0.5 / n), np.where(q > 0, q, 0.5 / m)
    figure = value(p, q)
    by_p, by_q = gradient(p, q, max(figure, 1e-12))
    spread = math.sqrt(max(_variance(p, by_p) / n + _variance(q, by_q) / m, 0.0))
    pooled = (n * p + m * q) / (n + m)
    by_chance = chance(pooled, 1 / n + 1 / m, len(p))
    rank_error = pair.reference.error / n + pair.current.error / m if isinstance(pair, Ordered) else 0.0
    return scale.told(figure, spread=spread, chance=by_chance, n=cells.n, threshold=threshold, error=rank_error)


def _variance(shares: Doubles, influence: Doubles) -> float:
    mean = float(shares @ influence)
    return float(shares @ influence**2) - mean * mean
