"""Orders of a project as receipts and the calendar leave them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import partial
from pathlib import Path

from finalmile.errors import MissingInputError
from finalmile.project.core import Core
from finalmile.records import OrderLine
from finalmile.workflows import orders, receipts, sending
from finalmile.workflows.hand_over import Tell, hand_over, unheard
from finalmile.workflows.shop import known_cutoff


class Settling(Core):
    """What came, what day it is, and what both make of open orders."""

    def _settle(self) -> list[OrderLine]:
        """Record which open lines were received in full by now, and which are late; those that changed."""
        return orders.bring_up_to_date(self.shop, self._came(), today=self._today())

    def _reaches(
        self, *, file_format: str | None = None, to: Path | None = None, by_hand: bool = False, tell: Tell = unheard
    ) -> Callable[[str], sending.Deliver]:
        """How the supplier of an order is reached."""
        if by_hand:
            return lambda _: sending.by_other_means

        def reach(order: str) -> sending.Deliver:
            supplier = self.ledger.orders(order=order, limit=1)[0].supplier
            return hand_over(self.config, supplier, home=self.folder, file_format=file_format, to=to, tell=tell)

        return reach

    def _to_send(self, orders: Iterable[str]) -> dict[str, Callable[[], Sequence[OrderLine]]]:
        """How the lines of each order are read, those that need no approval approved."""
        return {order: partial(self._ready, order) for order in orders}

    def _ready(self, order: str) -> list[OrderLine]:
        lines = receipts.as_they_stand(self.ledger.orders(order=order), self._came(), today=self._today())
        return self._agreed(lines)

    def _agreed(self, lines: Sequence[OrderLine]) -> list[OrderLine]:
        """The lines, with proposals to suppliers who need no approval approved."""
        return sending.agreed(self.shop, lines, without_approval=self._needs_no_approval)

    def _needs_no_approval(self, supplier: str) -> bool:
        return self.config.sending_to(supplier).without_approval

    def _sent_unasked(self) -> tuple[str, ...]:
        """Send what needs no approval; a sentence for each thing to know of it. Suppliers are waited for unlocked."""
        open_ones = self.ledger.orders(states=orders.EDITABLE)
        named = dict.fromkeys(line.order_id for line in open_ones if self._needs_no_approval(line.supplier))
        if not named:
            return ()
        why, alone = "sent by the day's run", partial(self._writing, "send orders")
        notes: list[str] = []
        reaches = self._reaches(tell=notes.extend)
        sent = sending.send_each(self.shop, self._to_send(named), reaches, why=why, alone=alone)
        told = f"{len(sent.rows):,} lines were sent without approval, as the settings say."
        return (*((told,) if sent.rows else ()), *sent.failures, *notes)

    def _came(self) -> receipts.Came:
        return receipts.units_that_came(self.tables["receipts"].read())

    def _today(self) -> date:
        """The day after the newest sales; today by the clock without sales."""
        try:
            return receipts.day_of(self.shop.day(known_cutoff(self.shop, None) + 1))
        except MissingInputError:
            return self.clock.now().date()
