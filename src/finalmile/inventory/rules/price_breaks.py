"""Order more where the supplier's price falls with the quantity and that pays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.inventory.proposal import Proposal
from finalmile.inventory.protection import mean_window
from finalmile.inventory.rule import Case, rules, told_with_cost
from finalmile.simulation import UnitsArray

_PAYS = (
    "if(break_units * (price_before - price_at_break) + orders_saved * break_order_cost"
    " > price_at_break * break_holding_rate * (break_units - units) * (break_units - units) / (2 * break_demand),"
    " break_units, units)"
)


@rules.add("price_breaks")
@dataclass(frozen=True, kw_only=True)
class PriceBreaksPay:
    r"""Raise an order to a quantity from which every unit is cheaper, where that saves more than holding costs.

    The units beyond what is wanted would be bought later at the price of now, each as it is used up, so ordering ``b``
    and not ``q`` saves

    .. math:: b\,(c_q - c_b) + K \left\lfloor \frac{b - q}{\max(d R, q)} \right\rfloor - i\,c_b\, \frac{(b - q)^2}{2 d}

    with ``d`` the demand of a period, ``R`` the periods between two reviews, ``K`` the cost of an order and ``i`` the
    holding rate of a period. Later orders are taken to be as large as this one, or what a review asks for: a policy
    that orders lots saves no order at every review. The break that saves most is taken where that is above 0. It is a
    number that the item can be ordered in, whole packs and at least its minimum, and no more than its maximum stock, or
    than is likely to sell before it expires, has room for. Items without ``price_breaks`` are left alone.

    Parameters
    ----------
    most_days
        Days of demand that an order may be raised to at most: a price is good for what is sure to be sold.

    References
    ----------
    Silver, Pyke and Peterson (1998), *Inventory Management and Production Planning and Scheduling*, chapter 5, on
    discounts of all units and on buying ahead of a price that rises.
    """

    most_days: float = 90.0

    def __post_init__(self) -> None:
        if not self.most_days > 0:
            raise ValueError(f"most_days is {self.most_days}; it must be above 0")

    def __call__(self, wanted: Proposal, case: Case, /) -> Proposal:
        """Larger orders where they pay; no order where none was wanted."""
        if case.breaks is None or not case.breaks.quantities.shape[1]:
            return wanted
        at, quantity = case.at, wanted.quantity
        demand = case.law.mean / mean_window(at)
        each = np.maximum(demand * at.review_periods, np.maximum(quantity, 1e-9))
        best, units, price = np.zeros(at.n), quantity.copy(), at.unit_cost.copy()
        saved = np.zeros(at.n)
        before = case.breaks.price_of(quantity, base=at.unit_cost)
        pack = np.maximum(at.pack_size, 1.0)
        for least in case.breaks.quantities.T:
            tried = np.ceil(np.maximum(least, at.moq) / pack - 1e-9) * pack
            here = case.breaks.price_of(tried, base=at.unit_cost)
            free = np.floor((tried - quantity) / each + 1e-9)
            held = here * at.holding_rate * (tried - quantity) ** 2 / (2 * np.where(demand > 0, demand, np.nan))
            gain = tried * (before - here) + free * np.nan_to_num(at.order_cost) - held
            fits = (quantity > 0) & (tried > quantity) & (tried <= self._room(wanted, case, demand))
            better = fits & (np.nan_to_num(gain) > best)
            best, units = np.where(better, gain, best), np.where(better, tried, units)
            price, saved = np.where(better, here, price), np.where(better, free, saved)
        return told_with_cost(
            wanted, case, "price_breaks", quantity=units, formula=_PAYS,
            given={"break_units": units, "price_before": before, "price_at_break": price, "orders_saved": saved,
                   "break_order_cost": np.nan_to_num(at.order_cost), "break_holding_rate": at.holding_rate,
                   "break_demand": demand},
        )  # fmt: skip

    def _room(self, wanted: Proposal, case: Case, demand: UnitsArray) -> UnitsArray:
        """Most units of each item that there is a use for."""
        at = case.at
        sure = self.most_days / case.period_days * np.nan_to_num(demand)
        most: UnitsArray = np.minimum(at.max_stock - at.held, sure)
        lasts = np.where(np.isfinite(case.shelf_life), case.shelf_life, 0.0)
        keeps = np.where(np.isfinite(case.shelf_life), np.nan_to_num(demand) * lasts - at.held, np.inf)
        in_time = wanted.details.get("sells_in_time", np.full(at.n, np.nan))
        most = np.minimum(most, keeps)
        return np.asarray(np.where(np.isnan(in_time), most, np.minimum(most, in_time)), dtype=np.float64)
