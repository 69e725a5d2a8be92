"""The rate of demand where some periods sold out: what was sold then is a lower bound of what was wanted."""

from __future__ import annotations

import numpy as np

from finalmile.frames import BoolArray
from finalmile.simulation import UnitsArray


def censored_poisson_rate(sold: UnitsArray, *, stockout: BoolArray) -> float:
    r"""Most likely rate of Poisson demand, given ``D = sold`` on some periods and ``D >= sold`` on those that ran out.

    .. math:: \lambda = \frac{1}{n} \sum_t E_\lambda[D_t \mid \text{what is known of } t], \qquad
        E_\lambda[D \mid D \ge s] = \lambda \frac{P(D \ge s - 1)}{P(D \ge s)}

    found by repeating it. Taking sales for demand, or leaving stock-outs out, both come out too low. Unknown sales
    (NaN) are left out; with nothing known, NaN; where every period ran out no finite rate fits, and it is ``inf``
    unless nothing was sold (then nothing is known of the rate: NaN).

    References
    ----------
    Conrad (1976), Sales data and the estimation of demand. Operational Research Quarterly 27(1).

    Examples
    --------
    >>> sold = np.array([3.0, 5.0, 2.0, 4.0, 6.0, 1.0])
    >>> ran_out = np.array([False, False, True, False, True, False])
    >>> round(censored_poisson_rate(sold, stockout=ran_out), 4)
    4.0479
    """
    known = ~np.isnan(sold)
    full, short = sold[known & ~stockout], sold[known & stockout]
    if not len(full):
        return float("inf") if short.size and short.max() > 0 else float("nan")
    rate = max(float(np.concatenate([full, short]).mean()), 1e-12)
    if not short.size:
        return float(full.mean())
    for _ in range(100_000):
        following = float((full.sum() + _expected_at_least(rate, short).sum()) / (len(full) + len(short)))
        if abs(following - rate) <= 1e-13 * max(following, 1e-300):
            break
        rate = following
    return rate


def _expected_at_least(rate: float, floor: UnitsArray) -> UnitsArray:
    from scipy.special import gammainc

    above = np.where(floor > 1, gammainc(np.maximum(floor - 1, 1.0), rate), 1.0)
    reached = np.where(floor > 0, gammainc(np.maximum(floor, 1.0), rate), 1.0)
    usable = reached > 1e-290
    return np.where(usable, rate * above / np.where(usable, reached, 1.0), floor)
