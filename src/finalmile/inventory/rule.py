"""What stands between a wish and an order beyond the supplier's terms: what a rule is told, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from finalmile.frames import IntArray, NameArray
from finalmile.inventory.position import Position
from finalmile.inventory.price_breaks import PriceBreaks
from finalmile.inventory.proposal import Proposal
from finalmile.inventory.protection import DemandLaw
from finalmile.inventory.rationing import Lots, law_rows
from finalmile.plugins import Registry
from finalmile.simulation import UnitsArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a rule is told of ``n`` items beside what is wanted.

    Parameters
    ----------
    law
        Demand over review and lead time.
    law_to_expiry
        Demand from now until an order placed now expires, for items that do.
    margin : array of shape (n,)
        Price less cost of a unit; 0 where it is a loss or unknown.
    shelf_life : array of shape (n,)
        Periods a unit keeps after it came; infinite where it does not expire.
    location : array of shape (n,), str
        Where the item is stored; ``""`` where unknown.
    unit_volume : array of shape (n,)
        What a unit takes of its location's capacity; NaN where unknown.
    minimum_money, minimum_units : arrays of shape (n,)
        Least that the item's supplier takes in one order; 0 for no minimum.
    ordered_money, ordered_units : arrays of shape (n,)
        What is in the order of the day to the item's supplier already, because somebody approved it.
    breaks
        Prices that fall with the quantity; ``None`` where no item has any.
    spent
        Money that all lines of the day cost which somebody approved.
    period_days
        Days of a period.
    """

    at: Position
    law: DemandLaw
    law_to_expiry: DemandLaw
    margin: UnitsArray
    shelf_life: UnitsArray
    location: NameArray
    unit_volume: UnitsArray
    minimum_money: UnitsArray
    minimum_units: UnitsArray
    ordered_money: UnitsArray
    ordered_units: UnitsArray
    breaks: PriceBreaks | None = None
    spent: float = 0.0
    period_days: float = 1.0

    def forgone(self, before: UnitsArray, after: UnitsArray) -> UnitsArray:
        """Margin expected to be lost before the next order can come, by ordering ``after`` and not ``before`` units."""
        short = self.law.short(self.at.held + after) - self.law.short(self.at.held + before)
        return np.nan_to_num(short * self.margin) + 0.0

    def lots(self, rows: IntArray, *, most: UnitsArray, worth: UnitsArray, size: UnitsArray) -> Lots:
        """The lots that make up ``most`` units of some items; what is worth nothing comes last.

        Parameters
        ----------
        rows
            The items; arrays are of all of them, shape (n,).
        """
        least = 1e-6 * (float(worth[rows].max(initial=0.0)) or 1.0)
        pack = np.maximum(self.at.pack_size, 1.0)
        first = np.maximum(np.ceil(self.at.moq / pack - 1e-9), 1.0) * pack
        count = np.where(most > 0, 1 + np.maximum(np.floor((most - first) / pack + 1e-9), 0), 0).astype(np.int64)
        return Lots(
            law=law_rows(self.law, rows), held=self.at.held[rows], first=first[rows], pack=pack[rows], most=count[rows],
            worth=np.maximum(worth[rows], least), size=size[rows],
        )  # fmt: skip


class Rule(Protocol):
    """Makes orders smaller or larger than was wanted. Registered under a name; its settings are its fields."""

    def __call__(self, wanted: Proposal, case: Case, /) -> Proposal:
        """The proposal after the rule, made with ``Proposal.bounded``, so that each line says what bound it."""
        ...


rules: Registry[Rule] = Registry("rule", package="finalmile.inventory.rules")


def told_with_cost(
    wanted: Proposal, case: Case, rule: str, /, *, quantity: UnitsArray, formula: str, given: dict[str, UnitsArray]
) -> Proposal:
    """The proposal after a rule, with the margin that it is expected to cost told as ``<rule>_forgone``.

    Numbers are told where the rule changed the quantity.
    """
    changed = quantity != wanted.quantity
    cost = {f"{rule}_forgone": case.forgone(wanted.quantity, quantity), **given}
    told = {name: np.where(changed, values, np.nan) for name, values in cost.items()}
    return wanted.bounded(rule, quantity=quantity, formula=formula, given=told)
