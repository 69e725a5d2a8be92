"""Products of one supplier ordered together: how often the supplier, and every how many orders each product."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finalmile.frames import IntArray
from finalmile.inventory.costs_given import not_negative, positive
from finalmile.simulation import UnitsArray

_TRIED, _ROUNDS = 60, 100
_SHORTEST = 50.0
"""Part of the cycle in which all products come together that is the shortest tried."""


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
        if len(sizes) != 1 or not len(self.demand_rates):
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


def joint_cycles(
    supplier: IntArray, *, shared_fixed_cost: UnitsArray, individual_fixed_cost: UnitsArray, held: UnitsArray
) -> tuple[UnitsArray, UnitsArray]:
    r"""Base cycles and multiples of many suppliers at once: cycles over the whole range are tried, the best improved.

    .. math:: T = \sqrt{\frac{2 (K + \sum k_i / m_i)}{\sum m_i h_i d_i}}, \qquad
        m_i = \left\lfloor \tfrac12 + \sqrt{\tfrac14 + \frac{2 k_i}{h_i d_i T^2}} \right\rfloor

    At the best of 60 cycles :math:`T` and :math:`m_i` are improved in turn until neither changes: hardly above the cost
    of :func:`joint_replenishment`, in time that grows with the number of products alone.

    Parameters
    ----------
    supplier : array of shape (n,), int
        Number of each product's supplier, from 0.
    shared_fixed_cost : array of shape (s,)
        Money per order of each supplier.
    individual_fixed_cost, held : arrays of shape (n,)
        Money for each product that an order holds, and for holding what is sold of it in a unit of time for as long,
        :math:`h_i d_i`, above 0.

    Returns
    -------
    arrays of shape (s,) and (n,)
        Base cycle of each supplier, 0 where ordering costs nothing, and multiple of each product.

    References
    ----------
    Silver (1976), A simple method of determining order quantities in joint replenishments under deterministic demand.
    Management Science 22(12). Goyal and Belton (1979), On "a simple method ..." (same journal, 25(6)).

    Examples
    --------
    >>> time, multiple = joint_cycles(np.zeros(3, dtype=np.int64), shared_fixed_cost=np.array([600.0]),
    ...                               individual_fixed_cost=np.array([120.0, 840.0, 300.0]),
    ...                               held=np.array([160.0, 20.0, 50.0]))
    >>> time.round(2), multiple
    (array([3.1]), array([1., 3., 1.]))
    """
    joint = _Joint(supplier=supplier, shared=shared_fixed_cost, own=individual_fixed_cost, held=held)
    best = joint.cycle(np.ones(len(supplier)))
    longest = best.time
    cost = np.where(best.cost > 0, best.cost, 1.0)
    shortest = np.maximum(shared_fixed_cost / cost, longest / _SHORTEST)
    for share in np.linspace(0.0, 1.0, _TRIED):
        best = joint.cheaper(best, joint.cycle(joint.multiples(shortest**share * longest ** (1 - share))))
    for _ in range(_ROUNDS):
        better = joint.cheaper(best, joint.cycle(joint.multiples(best.time)))
        if (better.cost >= best.cost).all():
            break
        best = better
    return best.time, best.multiple


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cycles:
    """Base cycle and cost a unit of time of each supplier, and multiple of each product."""

    time: UnitsArray
    cost: UnitsArray
    multiple: UnitsArray


@dataclass(frozen=True, slots=True, kw_only=True)
class _Joint:
    supplier: IntArray
    shared: UnitsArray
    own: UnitsArray
    held: UnitsArray

    def multiples(self, time: UnitsArray) -> UnitsArray:
        """The cheapest multiple of each product at its supplier's cycle."""
        carried = self.held * time[self.supplier] ** 2
        some = carried > 0
        wanted = 2 * self.own / np.where(some, carried, 1.0)
        return np.where(some, np.maximum(np.floor(0.5 + np.sqrt(0.25 + wanted)), 1.0), 1.0)

    def cycle(self, multiple: UnitsArray) -> _Cycles:
        """The cheapest cycle for multiples."""
        ordering = self.shared + self._summed(self.own / multiple)
        holding = self._summed(self.held * multiple)
        time = np.where(holding > 0, np.sqrt(2 * ordering / np.where(holding > 0, holding, 1.0)), 0.0)
        return _Cycles(time=time, cost=np.sqrt(2 * ordering * holding), multiple=multiple)

    def cheaper(self, one: _Cycles, other: _Cycles) -> _Cycles:
        """Of each supplier the cheaper of two."""
        less = other.cost < one.cost
        return _Cycles(
            time=np.where(less, other.time, one.time),
            cost=np.where(less, other.cost, one.cost),
            multiple=np.where(less[self.supplier], other.multiple, one.multiple),
        )

    def _summed(self, values: UnitsArray) -> UnitsArray:
        return np.bincount(self.supplier, weights=values, minlength=len(self.shared)).astype(np.float64)
