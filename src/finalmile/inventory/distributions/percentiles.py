"""What other systems do with percentiles of demand, to compare with and to reproduce."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from finalmile.inventory.distributions.base import Distribution, chance_in


def between_percentiles(known: Mapping[float, float], chance: float) -> float:
    """A percentile read off a straight line between the two known ones beside it.

    What planning systems do that keep P10, P50 and P90 only. Quantiles of demand bend upwards, so between P50 and P90
    the line lies above them and asks for more stock than the service takes; beyond the outermost percentiles nothing
    is known, and the outermost one is given back.

    Parameters
    ----------
    known
        Chance, in (0, 1), to the units that are enough with it.

    Raises
    ------
    ValueError
        If nothing is known, a chance is not in (0, 1), or units fall as chances rise.

    Examples
    --------
    >>> between_percentiles({0.1: 20.0, 0.5: 50.0, 0.9: 110.0}, 0.75)   # 50 + 60 x 0.25 / 0.4
    87.5
    """
    chances = sorted(known)
    if not chances:
        raise ValueError("no percentile is known; give some, for example {0.1: 20, 0.5: 50, 0.9: 110}")
    for one in (*chances, chance):
        chance_in(one)
    units = [known[one] for one in chances]
    if units != sorted(units):
        raise ValueError(f"the units of {chances} are {units}; they must rise with the chance")
    return float(np.interp(chance, chances, units))


def sum_of_quantiles(demand: Distribution, periods: int, *, chance: float) -> float:
    """What adding up each period's quantile gives: too much as a rule, for not every period is a bad one.

    Of a product that sells in few of the periods it is too little, even 0.

    Examples
    --------
    Fourteen days of mean 5 and variance 15; the quantile of their sum is 102.

    >>> from finalmile.inventory.distributions import NegativeBinomial
    >>> sum_of_quantiles(NegativeBinomial(5.0, 15.0), 14, chance=0.98)
    210.0
    """
    if periods < 0:
        raise ValueError(f"periods is {periods}; it must be 0 or more")
    return periods * demand.quantile(chance)
