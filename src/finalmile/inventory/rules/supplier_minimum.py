"""Order from a supplier at least what it takes, or nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.frames import IntArray
from finalmile.frames.rows import rows_by
from finalmile.inventory.proposal import Proposal
from finalmile.inventory.rationing import Lots, law_rows, reaching
from finalmile.inventory.rule import Case, rules, told_with_cost
from finalmile.simulation import UnitsArray


@rules.add("supplier_minimum")
@dataclass(frozen=True, kw_only=True)
class SupplierMinimum:
    """Top a small order up to what its supplier takes, or let it wait for the next time.

    The minimum, in money or units, is that of ``suppliers`` in the settings. An order that is not far below it is
    topped up by the lots that are expected to earn most for their money before the next order; one far below it waits,
    and nothing is ordered.

    Parameters
    ----------
    top_up_share
        Most that may be added, as a share of the minimum, in [0, 1]; 0 never tops up.
    """

    top_up_share: float = 0.25

    def __post_init__(self) -> None:
        if not 0 <= self.top_up_share <= 1:
            raise ValueError(f"top_up_share is {self.top_up_share}; give a share of the minimum from 0 to 1")

    def __call__(self, wanted: Proposal, case: Case, /) -> Proposal:
        """Orders that are large enough, and no others."""
        given: UnitsArray = wanted.quantity.copy()
        limited = ((case.minimum_money > 0) | (case.minimum_units > 0)) & (given > 0)
        for rows in rows_by(case.at.supplier).values():
            if limited[rows].any():
                known = rows[~np.isnan(wanted.raw[rows])]
                _meet(given, case, known, wanted=wanted, share=self.top_up_share)
        return told_with_cost(
            wanted, case, "supplier_minimum", quantity=given, formula="supplier_minimum_units",
            given={"supplier_minimum_units": given, "minimum_money": case.minimum_money,
                   "minimum_units": case.minimum_units},
        )  # fmt: skip


def _meet(given: UnitsArray, case: Case, rows: IntArray, *, wanted: Proposal, share: float) -> None:
    """Make one supplier's order large enough, or nothing."""
    money = float(case.minimum_money[rows[0]] - case.ordered_money[rows[0]])
    units = float(case.minimum_units[rows[0]] - case.ordered_units[rows[0]])
    for size, least in ((np.ones(case.at.n), units), (_cost(case, rows, needed=money > 0), money)):
        has = float(np.sum(given[rows] * size[rows]))
        if 0 < has < least * (1 - 1e-9):
            if least - has <= share * least:
                _top_up(given, case, rows, wanted=wanted, size=size, missing=least - has)
            if float(np.sum(given[rows] * size[rows])) < least * (1 - 1e-9):
                given[rows] = 0.0


def _cost(case: Case, rows: IntArray, *, needed: bool) -> UnitsArray:
    unknown = rows[np.isnan(case.at.unit_cost[rows])]
    if needed and len(unknown):
        raise MissingInputError(
            f"the minimum of {case.at.supplier[rows[0]]!r} is in money, and the cost of "
            f"{str(case.at.ids[unknown[0]])!r} is unknown: give unit_cost in items, or the minimum in units"
        )
    return np.nan_to_num(case.at.unit_cost)


def _top_up(
    given: UnitsArray, case: Case, rows: IntArray, *, wanted: Proposal, size: UnitsArray, missing: float
) -> None:
    """The next lots of the order's items, most worth first, and the last one whole: more than is missing, by a lot."""
    rows = rows[(given[rows] > 0) & (size[rows] > 0)]
    pack = np.maximum(case.at.pack_size, 1.0)
    room = np.floor((_room(case, wanted) - given) / pack + 1e-9).astype(np.int64)
    more = Lots(
        law=law_rows(case.law, rows), held=(case.at.held + given)[rows], first=pack[rows], pack=pack[rows],
        most=room[rows], worth=np.maximum(case.margin[rows], 1e-6), size=size[rows],
    )  # fmt: skip
    given[rows] += more.units(reaching(more, least=missing))


def _room(case: Case, wanted: Proposal) -> UnitsArray:
    """Most units of each item: under its maximum stock, what sells in time, and twice the level the policy aims at."""
    pack = np.maximum(case.at.pack_size, 1.0)
    target: UnitsArray = np.nan_to_num(wanted.level)
    most: UnitsArray = np.minimum(case.at.max_stock - case.at.held, 2.0 * target - case.at.held + pack)
    in_time = wanted.details.get("sells_in_time")
    if in_time is not None:
        most = np.asarray(np.where(np.isnan(in_time), most, np.minimum(most, in_time)))
    return np.asarray(np.floor(np.maximum(most, wanted.quantity) / pack + 1e-9) * pack)
