"""Reorder level and order-up-to level, (s, S): at a review that finds ``s`` or less, order up to ``S``."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from finalmile.inventory.distributions import Distribution, Pmf
from finalmile.inventory.reorder_quantity import Costs
from finalmile.simulation import UnitsArray


@dataclass(frozen=True, slots=True, kw_only=True)
class MinMaxLevels:
    """Order up to ``order_up_to`` when a review finds ``reorder_level`` or less; cost per period where known."""

    reorder_level: float
    order_up_to: float
    cost_rate: float | None = None


def exact(demand: Distribution, *, costs: Costs, window: Distribution | None = None) -> MinMaxLevels:
    r"""The cheapest ``(s, S)`` of all, by Zheng and Federgruen, for reviews once a period and backorders.

    .. math:: c(s, S) = \frac{K + \sum_{j=0}^{S-s-1} m(j)\, G(S - j)}{\sum_{j=0}^{S-s-1} m(j)}

    ``m`` counts the reviews at which the position is ``S - j``, and ``G`` is the cost of stock against ``window``.

    Parameters
    ----------
    demand
        Whole units between two reviews.
    costs
        Per order; per unit and period.
    window
        Demand over the lead time and one review more; ``demand`` where orders arrive at once.

    Raises
    ------
    ValueError
        If demand is not of whole units, or always 0.

    References
    ----------
    Zheng and Federgruen (1991), Finding optimal (s, S) policies is about as simple as evaluating a single policy.
    Operations Research 39(4).

    Examples
    --------
    >>> from finalmile.inventory.distributions import Poisson
    >>> told = exact(Poisson(10.0), costs=Costs(fixed_cost=64.0, holding_cost=1.0, stockout_cost=9.0))
    >>> told.reorder_level, told.order_up_to, round(told.cost_rate, 4)
    (6.0, 40.0, 35.0216)
    """
    from finalmile.inventory.min_max_loops import zheng_federgruen

    chances = _chances(demand)
    over = chances if window is None else _chances(window)
    low, high, cost = zheng_federgruen(chances, over, costs.fixed_cost, costs.holding_cost, costs.stockout_cost)
    return MinMaxLevels(reorder_level=float(low), order_up_to=float(high), cost_rate=float(cost))


def exact_for_all(
    mean: UnitsArray,
    variance: UnitsArray,
    *,
    lead_periods: UnitsArray,
    fixed_cost: UnitsArray,
    holding_cost: UnitsArray,
    stockout_cost: UnitsArray,
) -> UnitsArray:
    """Cheapest ``(s, S)`` and its cost for every product at once, shape (n, 3); compiled where numba is installed.

    Demand of a period is negative binomial, Poisson where the variance is not above the mean, independent of other
    periods; the window is the lead time and one period more. Products whose mean is not above 0, or unknown, get NaN.

    Parameters
    ----------
    mean, variance, lead_periods, fixed_cost, holding_cost, stockout_cost : arrays of shape (n,)
        Units and squared units per period, periods, money per order, money per unit and period.

    Examples
    --------
    >>> one = np.ones(1)
    >>> exact_for_all(10 * one, 10 * one, lead_periods=0 * one, fixed_cost=64 * one, holding_cost=one,
    ...               stockout_cost=9 * one).round(2)
    array([[ 6.  , 40.  , 35.02]])
    """
    from finalmile.inventory.min_max_loops import many_levels

    given = np.column_stack([mean, variance, lead_periods + 1, fixed_cost, holding_cost, stockout_cost])
    usable = np.isfinite(given).all(axis=1) & (mean > 0)
    wrong = usable & ((lead_periods < 0) | (fixed_cost < 0) | (holding_cost <= 0) | (stockout_cost <= 0))
    if wrong.any():
        raise ValueError(
            f"row {int(wrong.argmax())}: lead_periods and fixed_cost must be 0 or more, holding_cost and stockout_cost "
            "above 0"
        )
    told = np.full((len(given), 3), np.nan)
    found = np.zeros((int(usable.sum()), 3))
    many_levels(given[usable].astype(np.float64), found)
    told[usable] = found
    return told


def cost_of(demand: Distribution, levels: MinMaxLevels, *, costs: Costs, window: Distribution | None = None) -> float:
    """Cost per period of given whole levels; parameters as :func:`exact`.

    Examples
    --------
    >>> from finalmile.inventory.distributions import Poisson
    >>> levels = MinMaxLevels(reorder_level=4.0, order_up_to=10.0)
    >>> costs = Costs(fixed_cost=5.0, holding_cost=1.0, stockout_cost=4.0)
    >>> round(cost_of(Poisson(6.0), levels, costs=costs), 4)
    8.0341
    """
    gap = int(levels.order_up_to - levels.reorder_level)
    if gap < 1 or levels.order_up_to % 1 or levels.reorder_level % 1:
        raise ValueError(
            f"levels are ({levels.reorder_level:g}, {levels.order_up_to:g}); both must be whole, "
            "the second above the first"
        )
    pmf = _chances(demand)
    visits = np.zeros(gap)
    visits[0] = 1 / (1 - pmf[0])
    for j in range(1, gap):
        reach = min(j, len(pmf) - 1)
        visits[j] = visits[0] * float(pmf[1 : reach + 1] @ visits[j - reach : j][::-1])
    over = demand if window is None else window
    stock = np.array([costs.of_stock(over, levels.order_up_to - j) for j in range(gap)])
    return float((costs.fixed_cost + visits @ stock) / visits.sum())


def power_approximation(
    mean: float, sd: float, *, costs: Costs, lead_periods: float = 0.0, capped: bool = False
) -> MinMaxLevels:
    r"""Levels from three fitted powers: no loop, close to the best in the range they were fitted on.

    .. math:: Q = 1.30\, \mu^{0.494} \left(\frac{K}{h}\right)^{0.506} \left(1 + \frac{\sigma_L^2}{\mu^2}\right)^{0.116},
        \quad z = \sqrt{\frac{Q h}{\sigma_L p}}, \quad
        s = 0.973 \mu_L + \sigma_L \left(\frac{0.183}{z} + 1.063 - 2.192 z\right)

    with :math:`\mu_L, \sigma_L` of demand over ``lead_periods + 1``. With ``capped``, where :math:`Q / \mu \le 1.5`,
    neither level exceeds the newsvendor's. Far from the demand and costs it was fitted on it errs: take
    :func:`exact` where demand is of whole units.

    References
    ----------
    Ehrhardt and Mosier (1984), A revision of the power approximation for computing (s, S) policies. Management
    Science 30(5).

    Examples
    --------
    >>> told = power_approximation(50.0, 8.0, costs=Costs(fixed_cost=2.5, holding_cost=0.18, stockout_cost=0.7))
    >>> round(told.reorder_level, 2), round(told.order_up_to, 2)
    (40.19, 74.29)
    """
    if not (mean > 0 and sd > 0 and costs.fixed_cost > 0 and lead_periods >= 0):
        raise ValueError(
            f"mean {mean}, sd {sd} and fixed_cost {costs.fixed_cost} must be above 0, "
            f"lead_periods {lead_periods} 0 or more"
        )
    from finalmile.inventory.distributions import Normal

    over, spread = mean * (lead_periods + 1), sd * math.sqrt(lead_periods + 1)
    ratio = costs.fixed_cost / costs.holding_cost
    quantity = 1.30 * mean**0.494 * ratio**0.506 * (1 + spread**2 / mean**2) ** 0.116
    z = math.sqrt(quantity * costs.holding_cost / (spread * costs.stockout_cost))
    level = 0.973 * over + spread * (0.183 / z + 1.063 - 2.192 * z)
    if not capped or quantity / mean > 1.5:
        return MinMaxLevels(reorder_level=level, order_up_to=level + quantity)
    cap = Normal(over, spread).quantile(costs.stockout_cost / (costs.stockout_cost + costs.holding_cost))
    return MinMaxLevels(reorder_level=min(level, cap), order_up_to=min(level + quantity, cap))


def _chances(demand: Distribution) -> UnitsArray:
    """Chances of 0, 1, ... units up to where hardly any are left."""
    if not demand.whole:
        raise ValueError(f"{type(demand).__name__} demand is not of whole units; give counts(mean, variance) or a Pmf")
    if isinstance(demand, Pmf):
        chances = demand.chances.astype(np.float64)
    else:
        top = int(demand.quantile(1 - 1e-12)) + 2
        reached = np.array([demand.cdf(units) for units in range(top + 1)])
        chances = np.diff(reached, prepend=0.0)
        chances /= chances.sum()
    if not chances[1:].sum() > 0:
        raise ValueError("demand is always 0: there is nothing to order, so no levels exist")
    return chances
