"""A service level with an interval that knows that days are not independent."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from finalmile.records import Estimate
from finalmile.simulation import UnitsArray


def share_with_interval(hit: UnitsArray, of: UnitsArray, *, blocks: int = 6, level: float = 0.95) -> Estimate:
    r"""Share of a portfolio's sums by period, with an interval from a ratio estimate over stretches of time.

    .. math:: \hat{R} = \frac{\sum h_b}{\sum o_b}, \quad
        \hat{R} \pm t_{k-1} \sqrt{\frac{1}{k (k-1)} \sum_b \frac{(h_b - \hat{R} o_b)^2}{\bar{o}^2}}

    Parameters
    ----------
    hit, of : arrays of shape (T,)
        Units served and asked for (or cycles kept and ended) in each period, of the whole portfolio.
    blocks
        Stretches of time; fewer are used where one would be shorter than two periods.

    References
    ----------
    Cochran (1977), *Sampling Techniques*, section 2.11: the ratio estimate, here over batches of time.

    Examples
    --------
    >>> told = share_with_interval(np.array([9.0, 9, 10, 10]), np.array([10.0, 10, 10, 10]), blocks=2)
    >>> told.value, told.n_blocks, told.high
    (0.95, 2, 1.0)
    >>> share_with_interval(np.zeros(4), np.zeros(4)).why
    'nothing was asked for'
    """
    from scipy.special import stdtrit

    total = float(of.sum())
    if total <= 0:
        return Estimate(value=None, level=level, why="nothing was asked for")
    share = float(hit.sum()) / total
    used = min(blocks, len(of) // 2)
    if used < 2:
        return Estimate(value=share, level=level, n_blocks=used, why=f"no interval from {len(of)} periods")
    edges = np.linspace(0, len(of), used + 1).round().astype(np.int64)
    off = np.array([hit[a:b].sum() - share * of[a:b].sum() for a, b in pairwise(edges)])
    half = float(stdtrit(used - 1, 0.5 + level / 2) * np.sqrt((off**2).sum() / (used * (used - 1))) / (total / used))
    return Estimate(value=share, low=max(share - half, 0.0), high=min(share + half, 1.0), level=level, n_blocks=used)
