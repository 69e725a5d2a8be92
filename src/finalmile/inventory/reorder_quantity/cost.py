"""What (r, Q) costs, and the cheapest point for a quantity."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from finalmile.inventory.costs_given import not_negative, positive
from finalmile.inventory.distributions import Distribution, Normal
from finalmile.inventory.newsvendor import critical_ratio, newsvendor_cost


@dataclass(frozen=True, slots=True, kw_only=True)
class ReorderQuantity:
    """Order ``order_quantity`` when the inventory position falls to ``reorder_point``; cost per unit of time."""

    reorder_point: float
    order_quantity: float
    cost_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What ordering, holding and running short cost.

    Parameters
    ----------
    fixed_cost
        Money per order.
    holding_cost, stockout_cost
        Money per unit and unit of time: on hand, and backordered.
    """

    fixed_cost: float = 0.0
    holding_cost: float
    stockout_cost: float

    def __post_init__(self) -> None:
        not_negative(fixed_cost=self.fixed_cost)
        positive(holding_cost=self.holding_cost, stockout_cost=self.stockout_cost)

    def of_stock(self, demand: Distribution, position: float) -> float:
        """Holding and backorder cost per unit of time of an inventory position."""
        return newsvendor_cost(demand, position, holding_cost=self.holding_cost, stockout_cost=self.stockout_cost)


def expected_cost(
    lead_time_demand: Distribution, reorder_point: float, *, order_quantity: float, demand_rate: float, costs: Costs
) -> float:
    r"""Cost per unit of time of ``(r, Q)`` under continuous review with backorders.

    .. math:: C = \frac{K d + \sum_{y=r+1}^{r+Q} G(y)}{Q}, \qquad C = \frac{K d + \int_r^{r+Q} G(y)\,dy}{Q}

    The sum where demand comes in whole units, the integral where not.

    Parameters
    ----------
    lead_time_demand
        Whole units, or :class:`~finalmile.inventory.distributions.Normal`.
    reorder_point, order_quantity
        Units; whole where demand is.
    demand_rate
        Units per unit of time.

    References
    ----------
    Hadley and Whitin (1963), *Analysis of Inventory Systems*, chapter 4; Zipkin (2000), chapter 6.

    Examples
    --------
    >>> from finalmile.inventory.distributions import Poisson
    >>> costs = Costs(fixed_cost=100.0, holding_cost=20.0, stockout_cost=150.0)
    >>> round(expected_cost(Poisson(3.0), 3.0, order_quantity=5.0, demand_rate=1.5, costs=costs), 4)
    107.9236
    """
    positive(order_quantity=order_quantity)
    ordering = costs.fixed_cost * demand_rate
    if isinstance(lead_time_demand, Normal):
        return (ordering + _area(lead_time_demand, reorder_point, order_quantity, costs)) / order_quantity
    if not lead_time_demand.whole or order_quantity % 1 or reorder_point % 1:
        raise ValueError(
            f"({reorder_point:g}, {order_quantity:g}) with {type(lead_time_demand).__name__} "
            "demand has no closed cost; "
            "give whole numbers and demand in whole units, or Normal demand"
        )
    positions = range(int(reorder_point) + 1, int(reorder_point + order_quantity) + 1)
    return (ordering + math.fsum(costs.of_stock(lead_time_demand, y) for y in positions)) / order_quantity


def _area(demand: Normal, point: float, quantity: float, costs: Costs) -> float:
    """Integral of the stock cost over the positions of one cycle."""
    middle = quantity * (point + quantity / 2 - demand.mean)
    short = demand.second_loss(point) - demand.second_loss(point + quantity)
    return costs.holding_cost * middle + (costs.holding_cost + costs.stockout_cost) * short


def best_reorder_point(lead_time_demand: Distribution, *, order_quantity: float, costs: Costs) -> float:
    """The cheapest reorder point for a quantity: where stock costs as much at ``r`` as at ``r + Q``.

    Examples
    --------
    >>> from finalmile.inventory.distributions import Normal
    >>> costs = Costs(holding_cost=1.0, stockout_cost=1.0)   # even costs: the cycle lies evenly around the mean
    >>> round(best_reorder_point(Normal(100.0, 10.0), order_quantity=40.0, costs=costs), 6)
    80.0
    """
    positive(order_quantity=order_quantity)
    ratio = critical_ratio(holding_cost=costs.holding_cost, stockout_cost=costs.stockout_cost)
    least = lead_time_demand.quantile(ratio)

    def rises(point: float) -> bool:
        after = costs.of_stock(lead_time_demand, point + order_quantity + whole)
        return after >= costs.of_stock(lead_time_demand, point + whole)

    whole = 1.0 if lead_time_demand.whole else 0.0
    return first_from(rises, low=least - order_quantity - 1 - whole, high=least, step=whole)


def first_from(holds: Callable[[float], bool], *, low: float, high: float, step: float) -> float:
    """Smallest number from which ``holds`` is true, on the grid of ``step`` from ``high`` (any number where 0)."""
    if step:
        below, above = 0, math.ceil((high - low) / step)
        while below < above:
            steps = (below + above + 1) // 2
            below, above = (steps, above) if holds(high - steps * step) else (below, steps - 1)
        return high - below * step
    while high - low > 1e-12 * max(abs(low), abs(high), 1.0):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
