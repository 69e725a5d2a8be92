"""Products of one supplier ordered together: how often the supplier, and every how many orders each product."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from finalmile.inventory.costs_given import not_negative, positive


@dataclass(frozen=True, slots=True, kw_only=True)
class JointCycle:
    """Order every ``base_cycle_time``, each product at every ``order_multiples``-th order."""

    base_cycle_time: float
    order_multiples: tuple[int, ...]
    order_quantities: tuple[float, ...]
    cost_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierCosts:
    """Products of one supplier.

    Parameters
    ----------
    shared_fixed_cost
        Money per order, whatever is in it; above 0.
    individual_fixed_costs
        Money for each product that an order holds.
    holding_costs
        Money per unit and unit of time, of each product.
    demand_rates
        Units per unit of time, of each product; leave products without demand out.
    """

    shared_fixed_cost: float
    individual_fixed_costs: Sequence[float]
    holding_costs: Sequence[float]
    demand_rates: Sequence[float]

    def __post_init__(self) -> None:
        sizes = {len(self.individual_fixed_costs), len(self.holding_costs), len(self.demand_rates)}
        if len(sizes) != 1 or not self.demand_rates:
            raise ValueError(f"products: {sorted(sizes)} costs and rates were given; every product needs one of each")
        positive(shared_fixed_cost=self.shared_fixed_cost)
        for k, (own, hold, rate) in enumerate(
            zip(self.individual_fixed_costs, self.holding_costs, self.demand_rates, strict=True)
        ):
            not_negative(**{f"individual_fixed_costs[{k}]": own})
            positive(**{f"holding_costs[{k}]": hold, f"demand_rates[{k}]": rate})

    @property
    def held(self) -> tuple[float, ...]:
        """Holding cost of a cycle of length 1 of each product, twice."""
        return tuple(hold * rate for hold, rate in zip(self.holding_costs, self.demand_rates, strict=True))

    def cycle(self, multiples: Sequence[int]) -> JointCycle:
        r"""The best cycle for given multiples, :math:`T = \sqrt{2 (K + \sum k_i / m_i) / \sum m_i h_i d_i}`."""
        own = zip(self.individual_fixed_costs, multiples, strict=True)
        ordering = self.shared_fixed_cost + math.fsum(cost / m for cost, m in own)
        holding = math.fsum(m * held for m, held in zip(multiples, self.held, strict=True))
        time = math.sqrt(2 * ordering / holding)
        return JointCycle(
            base_cycle_time=time,
            order_multiples=tuple(multiples),
            order_quantities=tuple(m * time * rate for m, rate in zip(multiples, self.demand_rates, strict=True)),
            cost_rate=math.sqrt(2 * ordering * holding),
        )


def silver_joint_replenishment(costs: SupplierCosts) -> JointCycle:
    r"""Multiples by Silver's rule, which follows in one step from the product that is cheapest to order often.

    .. math:: m_i = \mathrm{round} \sqrt{\frac{k_i}{h_i d_i} \cdot \frac{h_1 d_1}{K + k_1}}

    where product 1 has the least :math:`k_i / (h_i d_i)`. Within a few percent of :func:`joint_replenishment`.

    References
    ----------
    Silver (1976), A simple method of determining order quantities in joint replenishments under deterministic demand.
    Management Science 22(12).

    Examples
    --------
    >>> costs = SupplierCosts(shared_fixed_cost=600.0, individual_fixed_costs=(120.0, 840.0, 300.0),
    ...                       holding_costs=(160.0, 20.0, 50.0), demand_rates=(1.0, 1.0, 1.0))
    >>> silver_joint_replenishment(costs).order_multiples
    (1, 3, 1)
    """
    ratios = [own / held for own, held in zip(costs.individual_fixed_costs, costs.held, strict=True)]
    first = ratios.index(min(ratios))
    base = costs.held[first] / (costs.shared_fixed_cost + costs.individual_fixed_costs[first])
    multiples = [max(math.floor(math.sqrt(ratio * base) + 0.5), 1) for ratio in ratios]
    multiples[first] = 1
    return costs.cycle(multiples)


def joint_replenishment(costs: SupplierCosts) -> JointCycle:
    r"""The cheapest cycle of all, over every cycle length at which a multiple changes.

    At a cycle of :math:`T` a product's best multiple is the largest with
    :math:`m (m - 1) \le 2 k_i / (h_i d_i T^2)`; between :math:`K / C` (``C`` Silver's cost) and the longest cycle
    that multiples of 1 want there are finitely many such lengths, so none is missed.

    References
    ----------
    Goyal (1974), Determination of optimum packaging frequency of items jointly replenished. Management Science 21(4).

    Examples
    --------
    >>> costs = SupplierCosts(shared_fixed_cost=1.0, individual_fixed_costs=(0.0, 8.0), holding_costs=(2.0, 1.0),
    ...                       demand_rates=(1.0, 1.0))
    >>> told = joint_replenishment(costs)
    >>> told.order_multiples, told.cost_rate <= silver_joint_replenishment(costs).cost_rate
    ((1, 4), True)
    """
    best = silver_joint_replenishment(costs)
    shortest, longest = costs.shared_fixed_cost / best.cost_rate, costs.cycle([1] * len(costs.held)).base_cycle_time
    changes = sorted({longest, *_changes(costs, shortest, longest)})
    for time in changes:
        best = min(best, costs.cycle(_multiples(costs, time)), key=lambda one: one.cost_rate)
    return best


def _changes(costs: SupplierCosts, shortest: float, longest: float) -> list[float]:
    """Cycle lengths at which some product's multiple changes, each a little before it."""
    found: list[float] = []
    for own, held in zip(costs.individual_fixed_costs, costs.held, strict=True):
        m = 2
        while own and math.sqrt(2 * own / (held * m * (m - 1))) >= shortest:
            found.append(min(math.sqrt(2 * own / (held * m * (m - 1))) * (1 - 1e-12), longest))
            m += 1
    return found


def _multiples(costs: SupplierCosts, time: float) -> list[int]:
    products = zip(costs.individual_fixed_costs, costs.held, strict=True)
    return [max(math.floor((1 + math.sqrt(1 + 8 * own / (held * time**2))) / 2), 1) for own, held in products]
