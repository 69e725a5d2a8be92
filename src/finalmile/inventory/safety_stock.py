"""Safety stock in closed form: what textbooks and spreadsheets use, and what to compare with."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from finalmile.inventory.chances import check_chance
from finalmile.simulation import UnitsArray


def safety_factor(cycle_service: float) -> float:
    """Standard deviations above the mean that normal demand stays under with a probability in (0, 1).

    Examples
    --------
    >>> round(safety_factor(0.98), 4)
    2.0537
    """
    check_chance("cycle_service", cycle_service)
    return NormalDist().inv_cdf(cycle_service)


def implied_cost_ratio(cycle_service: float) -> float:
    r"""How many times dearer a unit short must be than a unit left over for a cycle service to be worth it.

    .. math:: C_u / C_o = \alpha / (1 - \alpha)

    The critical ratio of the newsvendor, turned round: what a planner believes who asks for that service.

    Examples
    --------
    >>> round(implied_cost_ratio(0.98), 6)
    49.0
    """
    check_chance("cycle_service", cycle_service)
    return cycle_service / (1 - cycle_service)


def safety_stock(
    sd: UnitsArray,
    periods: UnitsArray,
    *,
    factor: float,
    mean: UnitsArray | None = None,
    lead_sd: UnitsArray | None = None,
) -> UnitsArray:
    r"""Units held against normal demand, and against lead times that vary.

    .. math:: z \sqrt{n\,\sigma^2 + \mu^2 \sigma_L^2}

    Takes periods to be independent, which forecast errors are not, and demand to be normal, which slow movers are
    not: see ``order_up_to`` for neither.

    Parameters
    ----------
    sd : array of shape (n,)
        Standard deviation of one period's forecast error, units.
    periods : array of shape (n,)
        Periods to cover: review + lead; the lead time alone under continuous review.
    factor
        ``z``, as :func:`safety_factor` gives.
    mean : array of shape (n,)
        Expected demand per period; needed with ``lead_sd``.
    lead_sd : array of shape (n,)
        Standard deviation of the lead time, periods; certain where not given.

    References
    ----------
    Silver, Pyke and Peterson (1998), *Inventory Management and Production Planning and Scheduling*, chapter 7.

    Examples
    --------
    Carpets: 5 a day around 30, ten days, z = 1.65.

    >>> safety_stock(np.array([5.0]), np.array([10.0]), factor=1.65).round(1)
    array([26.1])
    """
    variance = periods * sd**2
    if lead_sd is not None:
        if mean is None:
            raise ValueError("a lead time that varies needs the mean demand per period: give mean beside lead_sd")
        variance = variance + (mean * lead_sd) ** 2
    return factor * np.sqrt(variance)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """Standard deviations held, the units they come to, and the level with them: expected demand and safety stock."""

    factor: float
    safety_stock: float
    level: float


def cover(
    mean: float,
    sd: float,
    *,
    periods: float = 1.0,
    cycle_service: float | None = None,
    factor: float | None = None,
    lead_sd: float = 0.0,
) -> Cover:
    r"""What to hold of one product against normal demand: the reorder point, or the order-up-to level.

    .. math:: s = n \mu + z \sqrt{n\,\sigma^2 + \mu^2 \sigma_L^2}

    It is a reorder point under continuous review (``periods`` the lead time) and a level to order up to where reviews
    are ``R`` periods apart (``periods`` both together).

    Parameters
    ----------
    mean, sd
        Demand of a period, units; of the whole span where ``periods`` is 1.
    periods
        Periods to cover, on average.
    cycle_service, factor
        One of the two: the service to reach, in (0, 1), or standard deviations.
    lead_sd
        Standard deviation of the lead time, periods.

    Examples
    --------
    >>> told = cover(50.0, 5.0, factor=1.88)
    >>> round(told.safety_stock, 6), round(told.level, 6)
    (9.4, 59.4)
    """
    if (cycle_service is None) == (factor is None):
        raise ValueError("give cycle_service, for example 0.98, or a factor, for example 2.05: one of the two")
    if not (periods >= 0 and sd >= 0 and lead_sd >= 0):
        raise ValueError(f"sd {sd}, periods {periods} and lead_sd {lead_sd} must be 0 or more")
    z = safety_factor(cycle_service) if cycle_service is not None else float(factor or 0.0)
    one = np.ones(1)
    held = float(safety_stock(sd * one, periods * one, factor=z, mean=mean * one, lead_sd=lead_sd * one)[0])
    return Cover(factor=z, safety_stock=held, level=mean * periods + held)
