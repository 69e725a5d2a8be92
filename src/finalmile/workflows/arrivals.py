"""What suppliers' deliveries took, as known on a day: what lead times are learned from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from finalmile.inventory.scorecards import lead_time_samples
from finalmile.records import OrderLine, OrderState
from finalmile.simulation import UnitsArray
from finalmile.workflows.receipts import deliveries

Arrivals = Callable[[date], Mapping[str, UnitsArray]]
"""Last day that is known, to days from order to arrival by supplier, shortest first."""

ORDERED: tuple[OrderState, ...] = ("approved", "sent", "acknowledged", "late", "received", "cancelled")


def no_arrivals(until: date) -> Mapping[str, UnitsArray]:  # noqa: ARG001  # the shape of Arrivals
    """Nothing is known of deliveries."""
    return {}


@dataclass(slots=True)
class KnownArrivals:
    """Deliveries as receipts and order lines tell; counted anew only where receipts changed.

    Parameters
    ----------
    receipts
        The table.
    lines
        Order lines in these states.
    """

    receipts: Callable[[], pl.DataFrame]
    lines: Callable[[Sequence[OrderState]], Sequence[OrderLine]]
    _last: tuple[object, Mapping[str, UnitsArray]] | None = field(default=None, init=False)

    def __call__(self, until: date) -> Mapping[str, UnitsArray]:
        """Days from order to arrival by supplier, of what had come by the end of a day."""
        came = self.receipts()
        if came.is_empty():
            return {}
        key = (until, came.height, int(came.hash_rows().sum()))
        if self._last is None or self._last[0] != key:
            known = came.filter(pl.col("received_at").cast(pl.Date) <= until)
            self._last = key, lead_time_samples(deliveries(self.lines(ORDERED), known, today=until))
        return self._last[1]
