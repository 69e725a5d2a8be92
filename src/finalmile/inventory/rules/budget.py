"""Spend no more than there is: the lots first that bring most for their money."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.inventory.proposal import Proposal
from finalmile.inventory.rationing import rationed
from finalmile.inventory.rule import Case, rules, told_with_cost
from finalmile.simulation import UnitsArray


@rules.add("budget")
@dataclass(frozen=True, kw_only=True)
class Budget:
    r"""Order for no more than a sum of money: the next lot goes to where it is expected to earn most per money spent.

    .. math:: \frac{(\text{price} - \text{cost})\,\bigl(E[(D - y)^+] - E[(D - y - p)^+]\bigr)}{\text{cost} \times p}

    for a lot of ``p`` units on top of ``y`` that are there, on their way, or given already, with ``D`` the demand until
    the next order can come. The first lot of an item is the least that its supplier takes. Money that no whole lot fits
    in is left; against the best choice of whole lots no more is lost than that money would have earned at the rate of
    the first lot left out.

    Parameters
    ----------
    money
        Most that all lines of one day may cost together, in the project's currency; what was approved of that day
        counts, so that planning the same day again does not spend it twice.

    References
    ----------
    Dantzig (1957), Discrete-variable extremum problems. Operations Research 5(2).
    """

    money: float

    def __post_init__(self) -> None:
        if not self.money >= 0:
            raise ValueError(f"money is {self.money}; give what may be spent on one plan, such as 5000")

    def __call__(self, wanted: Proposal, case: Case, /) -> Proposal:
        """What the money buys; all that is wanted where it is enough."""
        rows = np.flatnonzero(wanted.quantity > 0)
        _refuse_unpriced(case, rows)
        given: UnitsArray = wanted.quantity.copy()
        paid = case.at.unit_cost > 0
        scarce = rows[paid[rows]]
        cost = np.where(paid, case.at.unit_cost, 1.0)
        lots = case.lots(scarce, most=wanted.quantity, worth=case.margin, size=cost)
        given[scarce] = np.minimum(
            lots.units(rationed(lots, limit=max(self.money - case.spent, 0.0))), wanted.quantity[scarce]
        )
        return told_with_cost(
            wanted, case, "budget", quantity=given, formula="min(units, budget_units)", given={"budget_units": given}
        )


def _refuse_unpriced(case: Case, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    unknown = rows[~(case.at.unit_cost[rows] >= 0)]
    if len(unknown):
        names = ", ".join(repr(str(name)) for name in case.at.ids[unknown][:5])
        raise MissingInputError(
            f"a budget needs to know what units cost, and {len(unknown)} of {len(rows)} items to order ({names}) have "
            "neither unit_cost nor a price: give unit_cost in items, or take budget out of plan.rules"
        )
