"""Orders of a project: approve, edit, send, receive, cancel; and how suppliers deliver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from finalmile.errors import MissingInputError
from finalmile.inventory.scorecards import lead_time_samples, scorecards
from finalmile.inventory.worked import worked
from finalmile.project.settling import Settling
from finalmile.project.tables import Tables
from finalmile.records import OrderLine, OrderState
from finalmile.simulation import UnitsArray
from finalmile.workflows import order_reports, orders, receipts, sending
from finalmile.workflows.reports import Orders

if TYPE_CHECKING:
    import polars as pl

    from finalmile.workflows import order_views, override_reports


class Ordering(Tables, Settling):
    """What becomes of proposals."""

    def orders(
        self,
        order: str | None = None,
        *,
        states: Sequence[OrderState] = (),
        supplier: str | None = None,
        product: str | None = None,
    ) -> Orders:
        """Order lines as receipts and the calendar leave them; of one order with the reason of each quantity."""
        mine = self._found(order, supplier=supplier, product=product, states=orders.may_be(states))
        rows = tuple(line for line in mine if not states or line.state in states)
        every = not (order or states or supplier or product)
        return Orders(rows=rows, reasons=order is not None, every=every, came=self._came())

    def approve_orders(
        self,
        order: str | None = None,
        *,
        supplier: str | None = None,
        product: str | None = None,
        marks: Sequence[str] = (),
        why: str = "approved",
    ) -> order_reports.Moved:
        """Approve the proposals of an order, of a supplier or of a product, or marked lines.

        Parameters
        ----------
        marks
            Lines as they were shown, ``LINE_ID=QUANTITY``, with ``,STATE`` or ``,STATE,DAY`` after it.

        Raises
        ------
        MissingInputError
            Where none of them is named, or none of it is proposed.
        ConflictError
            Where a marked line has another quantity by now.
        """
        with self._writing("approve orders"):
            lines = self._marked(marks) if marks else self._chosen(order, supplier=supplier, product=product)
            return order_reports.Moved(what="approved", rows=tuple(orders.approve(self.shop, lines, why=why)))

    def edit_order(
        self,
        order: str,
        product: str,
        *,
        quantity: int | None = None,
        due: date | None = None,
        code: str,
        note: str = "",
        by: str | None = None,
        seen: str | None = None,
    ) -> order_reports.Moved:
        """Order another quantity of a product, or for another day, than was proposed; before it is sent.

        Parameters
        ----------
        by
            Who decided so; whoever acts on the project where not given.
        seen
            The line as it was shown, ``LINE_ID=QUANTITY,STATE,DAY``.

        Raises
        ------
        ConflictError
            Where somebody else changed it since it was shown, or it was sent.
        """
        with self._writing(f"edit {order}"):
            if seen is not None:
                self._marked([seen])
            (line,) = self._chosen(order, product=product)
            done = orders.edit(self.shop, line, quantity=quantity, due=due, code=code, note=note, by=by)
            notes = tuple(told for one in done for told in orders.against_terms(one))
            return order_reports.Moved(what="edited", rows=tuple(done), notes=notes)

    def send_order(
        self,
        order: str,
        *,
        to: Path | None = None,
        file_format: str | None = None,
        by_hand: bool = False,
        marks: Sequence[str] = (),
        why: str = "sent",
    ) -> order_reports.Moved:
        """Send the approved lines of an order as the settings say for its supplier; sent once they are there for good.

        Parameters
        ----------
        to, file_format
            A folder, and the name of a format, in place of those of the settings.
        by_hand
            It was sent by other means; only note it.
        marks
            Lines of it as they were shown, ``LINE_ID=QUANTITY``, with ``,STATE`` or ``,STATE,DAY`` after it.

        Raises
        ------
        ConflictError
            Where a marked line has another quantity by now; nothing is sent then.
        """
        self._chosen(order)

        def read() -> Sequence[OrderLine]:
            self._marked(marks)
            return self._ready(order)

        notes: list[str] = []
        deliver = self._reaches(file_format=file_format, to=to, by_hand=by_hand, tell=notes.extend)(order)
        done = sending.send(self.shop, read, deliver, why=why, alone=partial(self._writing, f"send {order}"))
        return order_reports.Moved(what="sent", rows=tuple(done), notes=tuple(notes))

    def not_arrived(self, order: str, *, why: str = "the supplier does not have it") -> order_reports.Moved:
        """Note that what is in doubt of an order never came to its supplier; it may be edited, and sent anew.

        Raises
        ------
        MissingInputError
            Where nothing of it is in doubt.
        """
        with self._writing(f"not arrived {order}"):
            done = sending.did_not_arrive(self.shop, self._chosen(order), why=why)
            return order_reports.Moved(what="freed to be sent anew", rows=tuple(done))

    def send_orders(
        self,
        *,
        supplier: str | None = None,
        to: Path | None = None,
        file_format: str | None = None,
        by_hand: bool = False,
        why: str = "sent",
    ) -> order_reports.Moved:
        """Send every order that waits, of a supplier or of all; one that cannot be sent is told, and the others go."""
        unasked = any(one.without_approval for one in self.config.sending.values())
        waiting = self._found(supplier=supplier, states=orders.EDITABLE if unasked else ("approved",))
        ready = [line for line in waiting if line.state == "approved" or self._needs_no_approval(line.supplier)]
        reads = self._to_send(dict.fromkeys(line.order_id for line in ready))
        notes: list[str] = []
        reaches = self._reaches(file_format=file_format, to=to, by_hand=by_hand, tell=notes.extend)
        alone = partial(self._writing, "send orders")
        sent = sending.send_each(self.shop, reads, reaches, why=why, alone=alone)
        return order_reports.Moved(
            what="sent", rows=sent.rows, notes=(*sent.failures, *notes), breached=bool(sent.failures)
        )

    def acknowledge_order(
        self,
        order: str,
        product: str | None = None,
        *,
        quantity: int | None = None,
        due: date | None = None,
        why: str = "the supplier answered",
    ) -> order_reports.Moved:
        """Note what a supplier answered: as asked for, or another quantity or day of a product; 0 units is a no."""
        if product is None and quantity is not None:
            raise MissingInputError("whose quantity did the supplier change? Name the product with --product")
        with self._writing(f"acknowledge {order}"):
            lines = self._chosen(order, product=product)
            if product is None:
                lines = orders.at_supplier(lines)
            done = orders.acknowledge(self.shop, lines, quantity=quantity, due=due, why=why)
            return order_reports.Moved(what="acknowledged", rows=tuple(done))

    def receive_order(
        self, order: str, product: str | None = None, *, quantity: float | None = None, at: date | None = None
    ) -> order_reports.Moved:
        """Note what came of an order on a day: all that was to come, or so many units of a product.

        The quantity is that of the whole day, so that noting the same twice changes nothing.

        Raises
        ------
        ConflictError
            Where it is only proposed, or was ordered later.
        """
        if product is None and quantity is not None:
            raise MissingInputError("of which product did these units come? Name it with --product")
        with self._writing(f"receive {order}"):
            day = at or self._today()
            waiting = receipts.receivable(self._chosen(order, product=product), at=day, quantity=quantity)
            before = self.tables["receipts"].read()
            self._note(receipts.receipt_rows(waiting, before, at=day, quantity=quantity), source=f"receive {order}")
            after = self.tables["receipts"].read()
            counted = receipts.newest_counts(self.tables["stock"].read(columns=["unique_id", "at"]))
            told = [
                said
                for line in waiting
                for said in receipts.told_of(line, at=day, before=before, after=after, counted=counted)
            ]
            return replace(self._settled(), told=tuple(told))

    def _note(self, rows: pl.DataFrame, *, source: str) -> None:
        from finalmile.workflows import ingest

        if rows.height:
            now = self.clock.now()
            ingest.ingest("receipts", rows, source=source, tables=self.tables, now=now, backfill=False)
            self._forget()

    def settle_orders(self) -> order_reports.Moved:
        """Record which open lines were received in full by now, and which are late."""
        with self._writing("settle orders"):
            return self._settled()

    def _settled(self) -> order_reports.Moved:
        return order_reports.Moved(what="received or late", rows=tuple(self._settle()))

    def cancel_orders(
        self,
        order: str | None = None,
        *,
        product: str | None = None,
        marks: Sequence[str] = (),
        why: str = "cancelled by hand",
    ) -> order_reports.Moved:
        """Cancel what is still open of an order, or of marked lines; units that came stay received."""
        with self._writing(f"cancel {order or 'orders'}"):
            lines = self._marked(marks) if marks else self._chosen(order, product=product)
            done = orders.cancel(self.shop, lines, why=why)
            notes = sending.to_be_told(lines, done)
            return order_reports.Moved(what="cancelled", rows=tuple(done), notes=notes)

    def overrides(self) -> override_reports.Overrides:
        """What planners' edits saved against what was proposed, on the demand that came, by planner and reason."""
        from finalmile.workflows.overrides import override_value

        return override_value(self.shop, self.ledger.orders(), self.tables["receipts"].read())

    def suppliers(self) -> order_reports.Suppliers:
        """Lead times, on time and in full of every supplier, from receipts and from what is awaited."""
        told = receipts.deliveries(self.ledger.orders(), self.tables["receipts"].read(), today=self._today())
        return order_reports.Suppliers(cards=tuple(scorecards(told)))

    def lead_times(self) -> dict[str, UnitsArray]:
        """Days from order to arrival of all that came, by supplier, shortest first."""
        told = receipts.deliveries(self.ledger.orders(), self.tables["receipts"].read(), today=self._today())
        return lead_time_samples(told)

    def order_page(
        self,
        *,
        state: OrderState | None = None,
        supplier: str = "",
        product: str = "",
        page: int = 1,
        size: int = 50,
    ) -> order_views.OrderPage:
        """One page of order lines in a state, as receipts and the calendar leave them."""
        from finalmile.workflows import order_views

        wanted = order_views.ListWanted(state=state, supplier=supplier, product=product, page=page, size=size)
        return order_views.order_page(
            self.ledger, wanted, came=self._came(), today=self._today(), currency=self.config.currency
        )

    def order_line(self, line_id: str) -> order_views.LineView:
        """One order line with every number and step behind its quantity.

        Raises
        ------
        MissingInputError
            Where there is no such line.
        """
        from finalmile.workflows import order_views

        found = self._standing(self.ledger.orders(lines=[line_id]))
        if not found:
            raise MissingInputError(f"no order line is called {line_id!r}. List them: finalmile orders list")
        return order_views.line_view(
            found[0], self._came(), worked=worked(found[0]), today=self._today(), currency=self.config.currency
        )

    def _marked(self, marks: Sequence[str]) -> list[OrderLine]:
        ids = list(dict.fromkeys(map(orders.line_of, marks)))
        return orders.marked(self._standing(self.ledger.orders(lines=ids)), marks)

    def _chosen(self, order: str | None, *, supplier: str | None = None, product: str | None = None) -> list[OrderLine]:
        if order is None and supplier is None and product is None:
            raise MissingInputError("which orders? Name one, or --supplier, or --product")
        return self._found(order, supplier=supplier, product=product)

    def _found(
        self,
        order: str | None = None,
        *,
        supplier: str | None = None,
        product: str | None = None,
        states: Sequence[OrderState] = (),
    ) -> list[OrderLine]:
        """Lines of an order, a supplier, a product as they stand; an error where one is named that there is not."""
        lines = self.ledger.orders(order=order, supplier=supplier, product=product, states=states)
        if not lines:
            orders.refuse_unknown(self.ledger, order=order, supplier=supplier, product=product)
        return self._standing(lines)

    def _standing(self, lines: Sequence[OrderLine]) -> list[OrderLine]:
        return receipts.as_they_stand(lines, self._came(), today=self._today())
