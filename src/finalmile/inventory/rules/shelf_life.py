"""Order nothing that is likely to expire unsold."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from finalmile.inventory.proposal import Proposal
from finalmile.inventory.rationing import law_rows
from finalmile.inventory.rule import Case, rules, told_with_cost
from finalmile.simulation import UnitsArray


@rules.add("shelf_life")
@dataclass(frozen=True, kw_only=True)
class ShelfLife:
    r"""Order a lot only where its units are likely enough to sell before they expire.

    A unit ordered now comes after the lead time and keeps for its shelf life ``T``. What is there and on its way sells
    before it, so the share of a lot of ``p`` units on top of ``y`` that is expected to sell in time is

    .. math:: \frac{E[(D_{L+T} - y)^+] - E[(D_{L+T} - y - p)^+]}{p}

    which must be at least the cost of a unit over its price, where expected takings cover the cost. Stock that expires
    earlier itself makes room that this does not count on, so it orders rather too little than too much; what is short
    before the lot comes is counted as waiting for it. Items without ``shelf_life_days`` are left alone.

    Parameters
    ----------
    least_sold
        Share of a lot that must be expected to sell, in (0, 1]; by default cost over price of each item, one half where
        one of them is unknown.
    """

    least_sold: float | None = None

    def __post_init__(self) -> None:
        if self.least_sold is not None and not 0 < self.least_sold <= 1:
            raise ValueError(f"least_sold is {self.least_sold}; give a share above 0 and at most 1, such as 0.5")

    def __call__(self, wanted: Proposal, case: Case, /) -> Proposal:
        """As many lots as are likely enough to sell in time."""
        rows = np.flatnonzero(np.isfinite(case.shelf_life) & (wanted.quantity > 0))
        least = self._least(case)
        one = np.ones(case.at.n)
        lots = replace(
            case.lots(rows, most=wanted.quantity, worth=one, size=one), law=law_rows(case.law_to_expiry, rows)
        )
        lots = replace(lots, size=least[rows])
        count = lots.worth_at_least(1.0, np.zeros_like(lots.most), lots.most)
        given: UnitsArray = wanted.quantity.copy()
        given[rows] = np.minimum(lots.units(count), wanted.quantity[rows])
        next_sold = np.full(case.at.n, np.nan)
        next_sold[rows] = lots.value(np.minimum(count + 1, lots.most)) * least[rows]
        return told_with_cost(
            wanted, case, "shelf_life", quantity=given,
            formula="if(next_lot_sold < least_sold, min(units, sells_in_time), units)",
            given={"sells_in_time": given, "least_sold": least, "next_lot_sold": next_sold,
                   "shelf_life_periods": case.shelf_life},
        )  # fmt: skip

    def _least(self, case: Case) -> UnitsArray:
        if self.least_sold is not None:
            return np.full(case.at.n, self.least_sold)
        at = case.at
        known = (at.unit_price > 0) & (at.unit_cost > 0)
        share = np.where(known, at.unit_cost / np.where(known, at.unit_price, 1.0), 0.5)
        return np.minimum(share, 1.0)
