"""Orders of a project as receipts and the calendar leave them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from finalmile.errors import MissingInputError
from finalmile.project.core import Core
from finalmile.records import OrderLine
from finalmile.workflows import orders, receipts, sending
from finalmile.workflows.hand_over import hand_over
from finalmile.workflows.shop import known_cutoff


class Settling(Core):
    """What came, what day it is, and what both make of open orders."""

    def _settle(self) -> list[OrderLine]:
        """Record which open lines were received in full by now, and which are late; those that changed."""
        return orders.bring_up_to_date(self.shop, self._came(), today=self._today())

    def _reaches(
        self, *, file_format: str | None = None, to: Path | None = None, by_hand: bool = False
    ) -> Callable[[str], sending.Deliver]:
        """How a supplier is reached, by name."""
        if by_hand:
            return lambda _: _by_other_means
        return lambda supplier: hand_over(self.config, supplier, home=self.folder, file_format=file_format, to=to)

    def _agreed(self, lines: Sequence[OrderLine]) -> list[OrderLine]:
        """The lines, with proposals to suppliers who need no approval approved."""
        return sending.agreed(self.shop, lines, without_approval=self._needs_no_approval)

    def _needs_no_approval(self, supplier: str) -> bool:
        return self.config.sending_to(supplier).without_approval

    def _sent_unasked(self) -> tuple[str, ...]:
        """Send what needs no approval; a sentence for each thing to know of it."""
        open_ones = self.ledger.orders(states=orders.EDITABLE)
        named = dict.fromkeys(line.order_id for line in open_ones if self._needs_no_approval(line.supplier))
        if not named:
            return ()
        mine = [line for order in named for line in self.ledger.orders(order=order)]
        sent = sending.send_each(self.shop, self._agreed(mine), self._reaches(), why="sent by the day's run")
        told = f"{len(sent.rows):,} lines were sent without approval, as the settings say."
        return (*((told,) if sent.rows else ()), *sent.failures)

    def _came(self) -> receipts.Came:
        return receipts.units_that_came(self.tables["receipts"].read())

    def _today(self) -> date:
        """The day after the newest sales; today by the clock without sales."""
        try:
            return receipts.day_of(self.shop.day(known_cutoff(self.shop, None) + 1))
        except MissingInputError:
            return self.clock.now().date()


def _by_other_means(document: str, lines: Sequence[OrderLine]) -> str:
    del document, lines
    return "by other means"
