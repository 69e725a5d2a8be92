"""Service and stock in published definitions: every figure says what it is a share of.

Four figures go by the name of service level, and one week of the same shop gives 63 %, 57 %, 40 % and 57 % of them.
All are ratios in [0, 1], pooled over items by units or by cycles, never averaged over items. ``None`` means that there
was nothing to measure: no demand, no cycle, no stock.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from finalmile.frames import BoolArray
from finalmile.impact.cycles import cycles_ended
from finalmile.impact.economics import Economics
from finalmile.records import Json
from finalmile.simulation import Flow, UnitsArray

DAYS_PER_YEAR = 365.0


def fill_rate(sold: UnitsArray, lost: UnitsArray) -> float | None:
    r"""Share of the units asked for that were served from the shelf (type-2 service, beta).

    .. math:: \beta = \frac{\sum \text{sold}}{\sum \text{sold} + \sum \text{lost}}

    ``None`` without demand.

    Examples
    --------
    >>> fill_rate(np.array([8.0, 1.0]), np.array([0.0, 1.0]))
    0.9
    """
    return _ratio(float(np.nansum(sold)), float(np.nansum(sold) + np.nansum(lost)))


def cycle_service(received: UnitsArray, lost: UnitsArray) -> float | None:
    """Share of order cycles that ended without a stock-out (type-1 service, alpha), by :func:`cycles_ended`.

    ``None`` where no cycle ended: that takes two receipts of an item.

    Parameters
    ----------
    received, lost : arrays of shape (n, T)

    Examples
    --------
    Two cycles that ended, one of which lost sales:

    >>> cycle_service(np.array([[5.0, 0, 5, 0, 5]]), np.array([[0.0, 0, 0, 2, 0]]))
    0.5
    """
    kept, ended = cycles_ended(received, lost)
    return _ratio(float(kept.sum()), float(ended.sum()))


def in_stock_share(available: UnitsArray) -> float | None:
    """Share of item-periods that began with something on the shelf, after receipts and before demand.

    Periods that are NaN (not listed) are left out; ``None`` without any.

    Examples
    --------
    >>> in_stock_share(np.array([[3.0, 0.0, 1.0, 2.0]]))
    0.75
    """
    listed: BoolArray = ~np.isnan(available)
    return _ratio(float((available[listed] > 0).sum()), float(listed.sum()))


def no_shortage_share(lost: UnitsArray, *, demand: UnitsArray | None = None) -> float | None:
    """Share of item-periods in which nothing was lost; with ``demand``, of those with demand only.

    Examples
    --------
    >>> lost = np.array([[0.0, 0.0, 2.0, 0.0]])
    >>> no_shortage_share(lost), no_shortage_share(lost, demand=np.array([[1.0, 0.0, 2.0, 0.0]]))
    (0.75, 0.5)
    """
    counted: BoolArray = ~np.isnan(lost)
    if demand is not None:
        counted &= demand > 0
    return _ratio(float((lost[counted] <= 0).sum()), float(counted.sum()))


def turnover(cogs: float, average_inventory: float, *, days: float) -> float | None:
    r"""Times a year the stock is sold: annualised cost of goods sold over time-average inventory at cost.

    .. math:: \frac{\text{COGS} \cdot 365 / \text{days}}{\overline{\text{inventory at cost}}}

    ``None`` without inventory or days.

    Examples
    --------
    >>> round(turnover(45_000, 10_500, days=90), 2)
    17.38
    """
    return _ratio(cogs * DAYS_PER_YEAR, average_inventory * days)


def days_of_supply(cogs: float, average_inventory: float, *, days: float) -> float | None:
    """Days that the average inventory lasts at the rate it was sold: 365 over turnover. ``None`` without sales.

    Examples
    --------
    >>> days_of_supply(45_000, 10_500, days=90)
    21.0
    """
    return _ratio(average_inventory * days, cogs)


def gmroi(gross_margin: float, average_inventory: float) -> float | None:
    """Gross margin earned in the period on each unit of money held in inventory at cost. ``None`` without inventory.

    The published figure is per year: give a year's margin, or multiply by 365 / days.

    Examples
    --------
    >>> gmroi(200_000 - 120_000, 40_000)
    2.0
    """
    return _ratio(gross_margin, average_inventory)


def gross_margin_share(net_sales: float, cogs: float) -> float | None:
    """Share of net sales left after the cost of what was sold. ``None`` without sales.

    Examples
    --------
    >>> gross_margin_share(200_000, 120_000)
    0.4
    """
    return _ratio(net_sales - cogs, net_sales)


def carrying_cost(average_inventory: float, *, rate_per_year: float, days: float) -> float:
    """Cost of holding the average inventory for so many days.

    Examples
    --------
    >>> round(carrying_cost(40_000, rate_per_year=0.22, days=90), 2)
    2169.86
    """
    return average_inventory * rate_per_year * days / DAYS_PER_YEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpis:
    """One arm's figures over a span; definitions are those of the functions of the same name.

    Parameters
    ----------
    fill_rate, cycle_service, in_stock_share, no_shortage_share
        Ratios in [0, 1].
    stock_outs
        Item-periods in which demand was lost.
    lost_units, demand_units
        Units lost, and asked for.
    average_inventory
        Time-average inventory of all items together, at cost.
    turnover, days_of_supply, gmroi
        Per year, days, per year.
    margin, holding, ordering
        Totals in ``currency``.
    priced, items
        Items that the money is of, and all that had stock or demand: those without a price or a cost are left out of
        every amount, and where none is left the amounts are ``None``.
    """

    fill_rate: float | None
    cycle_service: float | None
    in_stock_share: float | None
    no_shortage_share: float | None
    stock_outs: int
    lost_units: float
    demand_units: float
    average_inventory: float | None
    turnover: float | None
    days_of_supply: float | None
    gmroi: float | None
    margin: float | None
    holding: float | None
    ordering: float | None
    priced: int
    items: int
    currency: str
    assumed: bool

    def to_dict(self) -> Json:
        """Names to values, for JSON."""
        return asdict(self)


def kpis_of(flow: Flow, economics: Economics) -> Kpis:
    """Every figure of one arm; an empty flow has ``None`` ratios and amounts, and zero counts."""
    days = flow.sold.shape[1] * economics.period_days
    cogs = float((flow.sold * economics.cost[:, None]).sum())
    by_period = economics.inventory_value(flow).sum(axis=0)
    average = float(by_period.mean()) if len(by_period) else 0.0
    margin = float(economics.margin(flow).sum())
    priced, items = economics.covers(flow)
    return Kpis(
        fill_rate=fill_rate(flow.sold, flow.lost),
        cycle_service=cycle_service(flow.received, flow.lost),
        in_stock_share=in_stock_share(flow.available),
        no_shortage_share=no_shortage_share(flow.lost),
        stock_outs=int((flow.lost > 0).sum()),
        lost_units=float(flow.lost.sum()),
        demand_units=float(flow.demand.sum()),
        average_inventory=average if priced else None,
        turnover=turnover(cogs, average, days=days),
        days_of_supply=days_of_supply(cogs, average, days=days),
        gmroi=_ratio(margin * DAYS_PER_YEAR, average * days),
        margin=margin if priced else None,
        holding=float(economics.holding(flow).sum()) if priced else None,
        ordering=float(economics.ordering(flow).sum()) if priced else None,
        priced=priced,
        items=items,
        currency=economics.currency,
        assumed=economics.assumed,
    )


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
