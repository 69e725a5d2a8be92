"""The cheapest (r, Q) of whole units."""

from __future__ import annotations

from finalmile.inventory.costs_given import positive
from finalmile.inventory.distributions import Distribution
from finalmile.inventory.newsvendor import critical_ratio
from finalmile.inventory.reorder_quantity.cost import Costs, ReorderQuantity


def exact(lead_time_demand: Distribution, *, demand_rate: float, costs: Costs) -> ReorderQuantity:
    """The cheapest ``(r, Q)`` of whole units, by Federgruen and Zheng: positions are taken in by rising cost.

    Continuous review, backorders, demand of single units. Reviews once a period and lumpy demand need
    :func:`~finalmile.inventory.min_max_levels.exact`.

    References
    ----------
    Federgruen and Zheng (1992), An efficient algorithm for computing an optimal (r, Q) policy in continuous review
    stochastic inventory systems. Operations Research 40(4).

    Examples
    --------
    >>> from finalmile.inventory.distributions import Poisson
    >>> costs = Costs(fixed_cost=100.0, holding_cost=20.0, stockout_cost=150.0)
    >>> told = exact(Poisson(3.0), demand_rate=1.5, costs=costs)
    >>> told.reorder_point, told.order_quantity
    (3.0, 5.0)
    """
    positive(demand_rate=demand_rate)
    if not lead_time_demand.whole:
        raise ValueError("exact reorder quantities need demand in whole units, for example counts(mean, variance)")
    ratio = critical_ratio(holding_cost=costs.holding_cost, stockout_cost=costs.stockout_cost)
    high = lead_time_demand.quantile(ratio)
    low, quantity = high - 1, 1
    total = costs.fixed_cost * demand_rate + costs.of_stock(lead_time_demand, high)
    while True:
        down, up = (costs.of_stock(lead_time_demand, one) for one in (low, high + 1))
        if min(down, up) >= total / quantity:
            return ReorderQuantity(reorder_point=low, order_quantity=float(quantity), cost_rate=total / quantity)
        low, high = (low - 1, high) if down <= up else (low, high + 1)
        total, quantity = total + min(down, up), quantity + 1
