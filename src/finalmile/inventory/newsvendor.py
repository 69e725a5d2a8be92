"""One decision before demand is known: what too much costs against what too little costs."""

from __future__ import annotations

from dataclasses import dataclass

from finalmile.inventory.chances import check_chance
from finalmile.inventory.costs_given import not_negative, positive
from finalmile.inventory.distributions import Distribution, complementary_loss


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseStock:
    """A stock level and its expected cost over the span that the demand is of."""

    base_stock_level: float
    cost: float


def critical_ratio(*, holding_cost: float, stockout_cost: float) -> float:
    """Cycle service that costs justify: ``p / (p + h)``.

    Examples
    --------
    >>> critical_ratio(holding_cost=1.0, stockout_cost=49.0)
    0.98
    """
    positive(holding_cost=holding_cost, stockout_cost=stockout_cost)
    return stockout_cost / (stockout_cost + holding_cost)


def implied_stockout_cost(cycle_service: float, *, holding_cost: float) -> float:
    """What a unit short must cost for a cycle service to pay: ``h a / (1 - a)``.

    Examples
    --------
    >>> round(implied_stockout_cost(0.98, holding_cost=1.0), 6)
    49.0
    """
    not_negative(holding_cost=holding_cost)
    check_chance("cycle_service", cycle_service)
    return holding_cost * cycle_service / (1 - cycle_service)


def newsvendor_cost(demand: Distribution, level: float, *, holding_cost: float, stockout_cost: float) -> float:
    r"""Expected cost of a stock: :math:`h E[(S - D)^+] + p E[(D - S)^+]`.

    Examples
    --------
    >>> from finalmile.inventory.distributions import Pmf
    >>> newsvendor_cost(Pmf.of({0: 0.5, 4: 0.5}), 3.0, holding_cost=1.0, stockout_cost=2.0)   # 3/2 + 2 x 1/2
    2.5
    """
    not_negative(holding_cost=holding_cost, stockout_cost=stockout_cost)
    return holding_cost * complementary_loss(demand, level) + stockout_cost * demand.loss(level)


def newsvendor(demand: Distribution, *, holding_cost: float, stockout_cost: float) -> BaseStock:
    r"""The cheapest stock for one span: the smallest level with :math:`F(S) \ge p / (p + h)`.

    Demand over the whole protection interval goes in, review and lead time together. Wrong where what is left can be
    sold later at no loss and orders are large: see ``(s, S)`` levels.

    Parameters
    ----------
    demand
        Over the span.
    holding_cost
        Money for a unit left over.
    stockout_cost
        Money for a unit short.

    References
    ----------
    Arrow, Harris and Marschak (1951), Optimal inventory policy.

    Examples
    --------
    >>> from finalmile.inventory.distributions import Poisson
    >>> newsvendor(Poisson(6.0), holding_cost=1.0, stockout_cost=4.0).base_stock_level
    8.0
    """
    level = demand.quantile(critical_ratio(holding_cost=holding_cost, stockout_cost=stockout_cost))
    cost = newsvendor_cost(demand, level, holding_cost=holding_cost, stockout_cost=stockout_cost)
    return BaseStock(base_stock_level=level, cost=cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfitableStock:
    """A stock level and the expected profit with it."""

    base_stock_level: float
    profit: float


def newsvendor_profit(
    demand: Distribution, *, revenue: float, purchase_cost: float, salvage_value: float = 0.0
) -> ProfitableStock:
    r"""The most profitable stock, from prices: :math:`C_u = r - c`, :math:`C_o = c - v`.

    Examples
    --------
    >>> from finalmile.inventory.distributions import Normal
    >>> told = newsvendor_profit(Normal(50.0, 8.0), revenue=1.0, purchase_cost=0.3, salvage_value=0.12)
    >>> round(told.base_stock_level, 2), round(told.profit, 2)
    (56.6, 33.0)
    """
    if not salvage_value < purchase_cost < revenue:
        raise ValueError(
            f"salvage_value {salvage_value}, purchase_cost {purchase_cost} and revenue {revenue} "
            "must rise in this order"
        )
    under = revenue - purchase_cost
    best = newsvendor(demand, holding_cost=purchase_cost - salvage_value, stockout_cost=under)
    return ProfitableStock(base_stock_level=best.base_stock_level, profit=under * demand.mean - best.cost)
