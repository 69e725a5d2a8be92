"""What stock, sales and orders of each item are worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.frames import BoolArray
from finalmile.simulation import Flow, UnitsArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Economics:
    """Money terms of ``n`` items; those without a cost or without any price are left out of every amount.

    Parameters
    ----------
    unit_cost : array of shape (n,)
        Paid per unit; NaN where unknown.
    unit_price : array of shape (n,) or (n, T)
        Earned per unit sold; one price, or one for each period. NaN in a period without a price earns nothing.
        An item without any price is left out.
    holding_rate_per_year : array of shape (n,)
        Cost of holding a unit for a year, as a share of its cost.
    order_cost : array of shape (n,)
        Cost of placing one order line.
    period_days
        Days in a period.
    currency
        Of every amount.
    assumed
        True where any of the above was assumed rather than given; travels with every figure.
    """

    unit_cost: UnitsArray
    unit_price: UnitsArray
    holding_rate_per_year: UnitsArray
    order_cost: UnitsArray
    period_days: float
    currency: str
    assumed: bool = False

    @property
    def priced(self) -> BoolArray:
        """Items whose cost and price are known, shape (n,)."""
        some: BoolArray = np.any(np.isfinite(self._price), axis=1)
        return np.isfinite(self.unit_cost) & some

    @property
    def cost(self) -> UnitsArray:
        """Cost of a unit, 0 for items that are left out, shape (n,)."""
        return np.where(self.priced, self.unit_cost, 0.0)

    @property
    def _price(self) -> UnitsArray:
        return self.unit_price if self.unit_price.ndim == 2 else self.unit_price[:, None]

    def covers(self, flow: Flow) -> tuple[int, int]:
        """How many of the items that had stock or demand the amounts are of, and how many there were."""
        there = np.any((flow.available > 0) | (flow.demand > 0), axis=1)
        return int((there & self.priced).sum()), int(there.sum())

    def margin(self, flow: Flow) -> UnitsArray:
        """Margin earned on units sold, shape (n, T)."""
        earned = flow.sold * (np.nan_to_num(self._price) - self.cost[:, None])
        return np.where((flow.sold > 0) & self.priced[:, None], earned, 0.0)

    def holding(self, flow: Flow) -> UnitsArray:
        """Cost of the stock left at the end of each period, shape (n, T)."""
        per_unit = self.cost * self.holding_rate_per_year * self.period_days / 365.0
        return flow.on_hand * per_unit[:, None]

    def ordering(self, flow: Flow) -> UnitsArray:
        """Cost of the order lines placed in each period, shape (n, T)."""
        return np.where((flow.ordered > 0) & self.priced[:, None], self.order_cost[:, None], 0.0)

    def inventory_value(self, flow: Flow) -> UnitsArray:
        """Stock at the end of each period at cost, shape (n, T)."""
        return flow.on_hand * self.cost[:, None]

    def benefit(self, flow: Flow) -> UnitsArray:
        """Margin less holding less ordering, shape (n, T).

        Units bought and not yet sold are no cost here: they are still there, at cost, and pay holding meanwhile.
        """
        return self.margin(flow) - self.holding(flow) - self.ordering(flow)
