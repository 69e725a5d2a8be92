"""The life of an order: approved, edited, sent, acknowledged, received or cancelled, each move with who and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import cast

from finalmile.errors import ConfigError, ConflictError, MissingInputError, UnknownNameError
from finalmile.ports import Ledger
from finalmile.records import ORDER_MOVES, Json, LineChange, OrderLine, OrderState
from finalmile.workflows.receipts import Came, changes_due, day_of
from finalmile.workflows.shop import Shop

REASON_CODES = ("promotion", "event", "stock_wrong", "forecast_wrong", "supplier", "budget", "new_product", "other")
"""Why a planner orders something else than was proposed."""

EDITABLE: tuple[OrderState, ...] = ("proposed", "approved")
OVER: tuple[OrderState, ...] = ("received", "cancelled")
CORRECTED_WITHIN = timedelta(days=120)
"""Orders younger than this are opened again where a receipt was corrected and units are missing after all."""

_SHOWN = 500
AT_SUPPLIER: tuple[OrderState, ...] = ("sent", "acknowledged", "late")


def refuse_unknown(
    ledger: Ledger, *, order: str | None = None, supplier: str | None = None, product: str | None = None
) -> None:
    """Raise where an order is named that does not exist, or a supplier or product of which no line is.

    Raises
    ------
    MissingInputError
        For an order.
    UnknownNameError
        For a supplier or product, with those there are.
    """
    if order is not None and not ledger.orders(order=order, limit=1):
        raise MissingInputError(f"no order is called {order!r}. List them: finalmile orders list")
    known = {name for (_, name) in ledger.order_counts()}
    if supplier is not None and known and supplier not in known:
        raise UnknownNameError("supplier of these orders", supplier, known)
    if product is not None and known and not ledger.orders(product=product, order=order, limit=1):
        some = {line.unique_id for line in ledger.orders(order=order, limit=_SHOWN)}
        raise UnknownNameError("product of these orders", product, some)


def may_be(states: Sequence[OrderState]) -> Sequence[OrderState]:
    """States that lines are recorded in which may by now be in some states; every one where none is named."""
    known: dict[OrderState, tuple[OrderState, ...]] = {
        "late": ("sent", "acknowledged", "late"),
        "received": ("approved", *AT_SUPPLIER, "received"),
        "sent": ("sent", "received"),
    }
    return list(dict.fromkeys(before for state in states for before in known.get(state, (state,))))


def marked(lines: Sequence[OrderLine], marks: Sequence[str]) -> list[OrderLine]:
    """Lines as somebody saw them, each told as ``LINE_ID=QUANTITY``, ``LINE_ID=QUANTITY,STATE`` or with its day too.

    Raises
    ------
    MissingInputError
        Where there is no such line.
    ConflictError
        Where what is told has changed since: what is agreed to is what was seen.
    """
    known = {line.line_id: line for line in lines}
    found: list[OrderLine] = []
    for mark in dict.fromkeys(marks):
        line_id, _, told = mark.rpartition("=")
        line = known.get(line_id)
        if line is None:
            raise MissingInputError(f"no order line is called {line_id!r}; look at the list again")
        _refuse_changed(line, told.split(","))
        found.append(line)
    return found


def mark_of(line: OrderLine) -> str:
    """A line as it stands, for :func:`marked` to tell later whether it still stands so.

    Examples
    --------
    >>> line = OrderLine(order_id="PO-1", line_id="PO-1-milk", supplier="acme", unique_id="milk", quantity=10,
    ...                  unit_cost=2.0, currency="EUR", ordered_at=date(2024, 5, 1), due=date(2024, 5, 8), reason={})
    >>> mark_of(line)
    'PO-1-milk=10,proposed,2024-05-08'
    """
    return f"{line.line_id}={line.quantity},{line.state},{line.due.isoformat()}"


def line_of(mark: str, /) -> str:
    """Id of the line that a mark is of."""
    return mark.rpartition("=")[0]


def _refuse_changed(line: OrderLine, told: Sequence[str]) -> None:
    by_now = (str(line.quantity), line.state, line.due.isoformat())
    for seen, now in zip(told, by_now, strict=False):
        if seen != now:
            raise ConflictError(
                f"{line.unique_id} of {line.order_id} is {now} by now, not {seen or 'as told'}: look at it again; "
                "nothing was changed"
            )


def move(shop: Shop, lines: Sequence[OrderLine], state: OrderState, *, why: str) -> list[OrderLine]:
    """Move lines to a state, all or none; those that moved. Lines that are there already stay.

    Raises
    ------
    ConflictError
        Where a line cannot go there from where it is.
    """
    allowed: tuple[OrderState, ...] = tuple(before for before, after in ORDER_MOVES.items() if state in after)
    moves = [LineChange(line_id=line.line_id, allowed=allowed, state=state) for line in lines]
    return change(shop, moves, verb=f"order.{state}", why=why)


def approve(shop: Shop, lines: Sequence[OrderLine], *, why: str) -> list[OrderLine]:
    """Approve the proposals among the lines; what was approved or went on before stays as it is.

    Raises
    ------
    MissingInputError
        Where none of them is proposed or approved.
    """
    open_ones = [line for line in lines if line.state in EDITABLE]
    if not open_ones:
        states = ", ".join(sorted({line.state for line in lines})) or "none"
        raise MissingInputError(f"no line waits for approval (states: {states}). Propose orders: finalmile plan")
    return move(shop, open_ones, "approved", why=why)


def edit(
    shop: Shop,
    line: OrderLine,
    *,
    quantity: int | None = None,
    due: date | None = None,
    code: str,
    note: str = "",
    by: str | None = None,
) -> list[OrderLine]:
    """Order another quantity, or for another day, than was proposed, with a code that says why.

    The line keeps what was proposed, so that later can be seen which was better. A proposal that was edited is not
    changed by planning the same day again.

    Raises
    ------
    ConfigError
        For a quantity below 1, or neither quantity nor day.
    MissingInputError
        Without a reason code.
    UnknownNameError
        For one that does not exist.
    ConflictError
        Where the line was sent already, or is over.
    """
    if not code:
        raise MissingInputError(f"say why with --code: {', '.join(REASON_CODES)}; nothing was changed")
    if code not in REASON_CODES:
        raise UnknownNameError("reason code", code, REASON_CODES)
    if quantity is None and due is None:
        raise ConfigError("orders edit", ["give --quantity or --due; nothing was changed"])
    if quantity is not None and quantity < 1:
        raise ConfigError(
            "--quantity", [f"{quantity} cannot be ordered; give at least 1, or cancel it: finalmile orders cancel"]
        )
    if due is not None and day_of(due) < day_of(line.ordered_at):
        raise ConfigError("--due", [f"{due} is before the order of {line.ordered_at}; give a later day"])
    if line.state == "approved" and note_of(line, "sending"):
        raise ConflictError(
            f"{line.unique_id} of {line.order_id} was being sent when something failed, and the supplier may have it: "
            f"send the same again first (finalmile orders send {line.order_id}), or cancel it and tell the supplier"
        )
    told = {"code": code, "note": note, "by": by or shop.actor}
    return change(shop, [_edited(line, quantity, due, told)], verb="order.edit", why=code)


def _edited(line: OrderLine, quantity: int | None, due: date | None, told: Json) -> LineChange:
    first = note_of(line, "override")
    override = {
        "proposed_quantity": first.get("proposed_quantity", line.quantity),
        "proposed_due": first.get("proposed_due", line.due.isoformat()),
        **told,
    }
    return LineChange(line_id=line.line_id, allowed=EDITABLE, quantity=quantity, due=due, note={"override": override})


def against_terms(line: OrderLine) -> list[str]:
    """A sentence for each term of its supplier that a line's quantity does not keep; orders by hand may break them."""
    least, pack = _term(line, "moq"), _term(line, "pack_size")
    most = _term(line, "max_stock")
    faults: list[str] = []
    if line.quantity < least:
        faults.append(f"less than the {least:,.12g} that an order of it has at least (moq)")
    if pack > 0 and line.quantity % pack:
        faults.append(f"no whole packs of {pack:,.12g} (pack_size)")
    if 0 < most < line.quantity + _term(line, "on_hand") + _term(line, "on_order"):
        faults.append(f"more than there is room for beside what is there and on its way: {most:,.12g} (max_stock)")
    return [f"{line.quantity:,} of {line.unique_id} are {fault}; they stay so." for fault in faults]


def _term(line: OrderLine, name: str) -> float:
    told = line.reason.get(name)
    return float(told) if isinstance(told, int | float) else 0.0


def at_supplier(lines: Sequence[OrderLine]) -> list[OrderLine]:
    """The lines that a supplier has, and so can answer.

    Raises
    ------
    ConflictError
        Where none of an order's lines was sent, or all of them are over.
    """
    theirs = [line for line in lines if line.state in AT_SUPPLIER]
    if not theirs:
        states = ", ".join(sorted({line.state for line in lines}))
        raise ConflictError(f"no line of {lines[0].order_id} is at the supplier (states: {states}): nothing to answer")
    return theirs


def acknowledge(
    shop: Shop, lines: Sequence[OrderLine], *, quantity: int | None = None, due: date | None = None, why: str
) -> list[OrderLine]:
    """What a supplier answered: lines as asked for, or another quantity or day; 0 units is a cancellation. All or none.

    What was asked for is kept beside it: a supplier is not on time by postponing.
    """
    if quantity is not None and quantity <= 0:
        return move(shop, lines, "cancelled", why=why)
    told = [acknowledgement(line, quantity=quantity, due=due) for line in lines]
    return change(shop, told, verb="order.acknowledged", why=why)


def acknowledgement(
    line: OrderLine, *, quantity: int | None = None, due: date | None = None, note: Json | None = None
) -> LineChange:
    """The change that an answer makes to a line, which keeps what was asked for first; nothing is done yet."""
    first = note_of(line, "acknowledged")
    asked = {
        "asked_quantity": first.get("asked_quantity", line.quantity),
        "asked_due": first.get("asked_due", line.due.isoformat()),
    }
    return LineChange(
        line_id=line.line_id,
        allowed=AT_SUPPLIER,
        state="acknowledged",
        quantity=quantity,
        due=due,
        note={"acknowledged": asked, **(note or {})},
    )


def note_of(line: OrderLine, name: str) -> Mapping[str, object]:
    """What a line's reason says under a name; nothing where it says nothing."""
    note = line.reason.get(name)
    return cast("Mapping[str, object]", note) if isinstance(note, Mapping) else {}


def cancel(shop: Shop, lines: Sequence[OrderLine], *, why: str) -> list[OrderLine]:
    """Cancel what is still open of the lines; units that came stay received.

    Raises
    ------
    ConflictError
        Where all of them are over.
    """
    open_ones = [line for line in lines if line.state not in OVER]
    if not open_ones and any(line.state == "received" for line in lines):
        raise ConflictError(f"everything of {lines[0].order_id} was received; what came cannot be cancelled")
    return move(shop, open_ones, "cancelled", why=why)


def bring_up_to_date(shop: Shop, came: Came, *, today: date) -> list[OrderLine]:
    """Record which open lines were received by now and which are late; those that changed."""
    lines = shop.ledger.orders(states=(*AT_SUPPLIER, "approved"))
    lines += shop.ledger.orders(states=("received",), since=today - CORRECTED_WITHIN)
    return change(shop, changes_due(lines, came, today=today), verb="order.due", why="receipts and the calendar")


def change(shop: Shop, changes: Sequence[LineChange], *, verb: str, why: str) -> list[OrderLine]:
    """Make changes by the shop's clock and actor, all or none; those that changed something."""
    if not changes:
        return []
    return shop.ledger.change_orders(changes, verb=verb, at=shop.clock.now(), actor=shop.actor, why=why)
