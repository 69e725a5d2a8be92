"""What became of items over all periods and scenarios: sums, and the services that follow from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finalmile.frames import IntArray

FIELDS = (
    "demand", "sold", "unmet", "received", "expired", "written_off", "opening", "closing", "ordered", "orders",
    "on_order", "on_order_before", "owed", "owed_before", "unit_periods", "owed_periods", "short_periods", "cycles",
    "cycles_short",
)  # fmt: skip

Ratio = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over the periods after the warm-up and all scenarios; every array has shape (n, c) and is whole.

    The books balance, for every rule and every scene:

    * ``opening + received - sold - expired - written_off = closing``
    * ``demand + owed_before = sold + owed`` with backorders, ``demand = sold + unmet`` with lost sales
    * ``on_order_before + ordered = received + on_order``

    Parameters
    ----------
    demand, sold, unmet
        Units asked for; units that left for customers; units that were not on the shelf in the period they were asked
        for, whether lost or served later.
    received, expired, written_off
        Units that arrived, that were thrown away at the end of their shelf life, and that were damaged or stolen.
    opening, closing
        Units on the shelf before and after.
    ordered, orders
        Units and orders placed.
    on_order, on_order_before, owed, owed_before
        Units on the way, and owed to customers, after and before.
    unit_periods, owed_periods
        Units on the shelf, and owed, at the end of each period, summed.
    short_periods
        Periods in which some demand was not met.
    cycles, cycles_short
        Order cycles that ended (from one arrival to the next), and those in which some demand was not met.
    counted
        Periods times scenarios that the sums are over.
    """

    demand: IntArray
    sold: IntArray
    unmet: IntArray
    received: IntArray
    expired: IntArray
    written_off: IntArray
    opening: IntArray
    closing: IntArray
    ordered: IntArray
    orders: IntArray
    on_order: IntArray
    on_order_before: IntArray
    owed: IntArray
    owed_before: IntArray
    unit_periods: IntArray
    owed_periods: IntArray
    short_periods: IntArray
    cycles: IntArray
    cycles_short: IntArray
    counted: int

    @property
    def fill_rate(self) -> Ratio:
        """Share of units served from the shelf when they were asked for; NaN without demand."""
        return 1.0 - _ratio(self.unmet, self.demand)

    @property
    def cycle_service(self) -> Ratio:
        """Share of order cycles in which all demand was met; NaN without a whole cycle."""
        return 1.0 - _ratio(self.cycles_short, self.cycles)

    @property
    def mean_on_hand(self) -> Ratio:
        """Units on the shelf at the end of a period, on average."""
        return self.unit_periods / max(self.counted, 1)

    def per_period(self, name: str) -> Ratio:
        """A sum as its mean per period: ``per_period("unmet")``."""
        values: IntArray = getattr(self, name)
        return values / max(self.counted, 1)

    def at(self, choice: IntArray) -> Totals:
        """Sums of one candidate of each item, ``choice`` of shape (n,); each array of shape (n, 1)."""
        rows = np.arange(len(self.demand))
        return Totals(**{name: getattr(self, name)[rows, choice][:, None] for name in FIELDS}, counted=self.counted)


def from_sums(sums: IntArray, *, counted: int) -> Totals:
    """Totals from an array of shape (n, c, len(FIELDS))."""
    return Totals(**{name: np.ascontiguousarray(sums[:, :, k]) for k, name in enumerate(FIELDS)}, counted=counted)


def together(parts: list[Totals]) -> Totals:
    """Totals of several groups of items, one below the other."""
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in FIELDS}
    return Totals(**joined, counted=parts[0].counted)


def _ratio(part: IntArray, whole: IntArray) -> Ratio:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)
