"""Lead times where a later order may come first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from finalmile.simulation import UnitsArray


def effective(shares: Sequence[float], *, every: int) -> UnitsArray:
    r"""Lead times as stock feels them, where orders may overtake each other: probabilities of 0, 1, 2, ... periods.

    Whichever of two orders comes first serves as the first. So the ``k``-th arrival counts as that of the ``k``-th
    order, and the wait for it is longer than ``x`` where more orders are outstanding then than were placed after it:

    .. math:: P(L^* > x) = P\left(\sum_{j \ge -m} B_j \ge m + 1\right), \quad B_j \sim
        \text{Bernoulli}(P(L > x + j R)), \quad m = \lfloor x / R \rfloor

    with an order each ``R`` periods, and independent lead times. The mean stays, the deviation falls: a mixture over
    lead times as they are would hold stock for waits that nobody has.

    Parameters
    ----------
    shares
        Probabilities of lead times of 0, 1, 2, ... periods.
    every
        Periods between two orders.

    References
    ----------
    Hayya, Bagchi, Kim and Sun (2008), On static stochastic order crossover. International Journal of Production
    Economics 114(1).

    Examples
    --------
    Orders each day take 1 or 3 days, as likely. Felt as 3 is the one in four that is late with the one behind it.

    >>> effective([0.0, 0.5, 0.0, 0.5], every=1).round(3)
    array([0.  , 0.25, 0.5 , 0.25])
    """
    later = 1.0 - np.cumsum(np.asarray(shares, dtype=np.float64))
    waits = np.array([_outnumbered(later, wait, every=every) for wait in range(len(later))])
    return np.maximum(-np.diff(waits, prepend=1.0), 0.0)


def _outnumbered(later: UnitsArray, wait: int, *, every: int) -> float:
    """Chance that more orders are outstanding, ``wait`` periods after one, than were placed after it."""
    since = wait // every
    ages = range(wait - since * every, len(later), every)
    count = np.ones(1)
    for age in ages:
        count = np.convolve(count, [1.0 - later[age], later[age]])
    return float(count[since + 1 :].sum())
