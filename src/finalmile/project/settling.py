"""Orders of a project as receipts and the calendar leave them."""

from __future__ import annotations

from datetime import date

from finalmile.errors import MissingInputError
from finalmile.project.core import Core
from finalmile.records import OrderLine
from finalmile.workflows import orders, receipts
from finalmile.workflows.shop import known_cutoff


class Settling(Core):
    """What came, what day it is, and what both make of open orders."""

    def _settle(self) -> list[OrderLine]:
        """Record which open lines were received in full by now, and which are late; those that changed."""
        return orders.bring_up_to_date(self.shop, self._came(), today=self._today())

    def _came(self) -> receipts.Came:
        return receipts.units_that_came(self.tables["receipts"].read())

    def _today(self) -> date:
        """The day after the newest sales; today by the clock without sales."""
        try:
            return receipts.day_of(self.shop.day(known_cutoff(self.shop, None) + 1))
        except MissingInputError:
            return self.clock.now().date()
