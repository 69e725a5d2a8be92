"""Sending orders: handed over in documents that are the same however often they are handed over, then noted as sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from finalmile.errors import (
    ConfigError,
    ConflictError,
    MissingInputError,
    PermanentError,
    SchemaError,
    TransientError,
)
from finalmile.records import Json, LineChange, OrderLine
from finalmile.workflows.orders import AT_SUPPLIER, change, move, note_of
from finalmile.workflows.shop import Shop

Deliver = Callable[[str, Sequence[OrderLine]], str]
"""Hands lines over under a document's id, durably, and says where; the same again changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What was sent, and what could not be: one sentence for each order."""

    rows: tuple[OrderLine, ...] = ()
    failures: tuple[str, ...] = ()


def send(shop: Shop, lines: Sequence[OrderLine], deliver: Deliver, *, why: str) -> list[OrderLine]:
    """Hand the approved lines of one order over, and note them as sent once they are there for good.

    Which lines make up a document is noted before it is handed over. After a crash or a time-out, when nobody knows
    whether the supplier has it, the same document goes out again, with the same lines under the same id, which orders
    nothing twice. Lines approved since then, or after their order was sent, go out as a document of their own.

    Raises
    ------
    MissingInputError
        Where nothing of the order is approved; nothing is sent without approval.
    ConflictError, PermanentError, SchemaError
        Where a document was refused, or cannot be written: its lines are approved still, and may be edited.
    TransientError
        Where nobody knows whether it arrived: its lines wait for the same document to be sent again.
    """
    ready = [line for line in lines if line.state == "approved"]
    if not ready and not any(line.state in AT_SUPPLIER for line in lines):
        raise MissingInputError(
            f"nothing of {lines[0].order_id} is approved, and nothing is sent without approval: "
            f"finalmile orders approve {lines[0].order_id}"
        )
    done: list[OrderLine] = []
    for document, part in _documents(lines, ready):
        done += _hand_over(shop, part, deliver, document=document, why=why)
    return done


def send_each(shop: Shop, lines: Sequence[OrderLine], deliver_to: Callable[[str], Deliver], *, why: str) -> Sent:
    """Send the approved lines of many orders, one order after the other; one that fails does not stop the others.

    Parameters
    ----------
    deliver_to
        How a supplier is reached, by name.

    Raises
    ------
    MissingInputError
        Where nothing is approved.
    """
    orders = list(dict.fromkeys(line.order_id for line in lines if line.state == "approved"))
    if not orders:
        raise MissingInputError("nothing waits to be sent. Approve orders first: finalmile orders approve")
    done: list[OrderLine] = []
    failures: list[str] = []
    for order in orders:
        mine = [line for line in lines if line.order_id == order]
        try:
            done += send(shop, mine, deliver_to(mine[0].supplier), why=why)
        except (ConfigError, ConflictError, PermanentError, SchemaError, TransientError) as fault:
            failures.append(f"{order} was not sent: {fault}")
    return Sent(rows=tuple(done), failures=tuple(failures))


def agreed(shop: Shop, lines: Sequence[OrderLine], *, without_approval: Callable[[str], bool]) -> list[OrderLine]:
    """The lines, with proposals to suppliers who need no approval approved."""
    proposed = [line for line in lines if line.state == "proposed" and without_approval(line.supplier)]
    why = "needs no approval by the settings"
    now = {line.line_id: line for line in move(shop, proposed, "approved", why=why)}
    return [now.get(line.line_id, line) for line in lines]


def pending_document(line: OrderLine) -> str | None:
    """Id of the document that a line is being handed over in, of which nobody knows yet whether it arrived."""
    document = note_of(line, "sending").get("document")
    return str(document) if line.state == "approved" and document is not None else None


def to_be_told(before: Sequence[OrderLine], cancelled: Sequence[OrderLine]) -> tuple[str, ...]:
    """Which suppliers have, or may have, lines that were cancelled: nobody tells them but people."""
    gone = {line.line_id for line in cancelled}
    theirs = [line for line in before if line.state in AT_SUPPLIER or pending_document(line) is not None]
    names = sorted({line.supplier for line in theirs if line.line_id in gone})
    return tuple(
        f"{name or 'The supplier'} may have these lines already: tell them that they are off." for name in names
    )


def _documents(lines: Sequence[OrderLine], ready: Sequence[OrderLine]) -> Iterator[tuple[str, list[OrderLine]]]:
    """Documents to hand over: those begun before, then one with the rest."""
    begun = sorted({document for line in ready if (document := pending_document(line)) is not None})
    for document in begun:
        yield document, [line for line in ready if pending_document(line) == document]
    rest = [line for line in ready if pending_document(line) is None]
    if rest:
        notes = [note_of(line, name).get("document") for line in lines for name in ("sent", "sending")]
        known = {note for note in notes if note is not None}
        yield _free_id(lines[0].order_id, known), rest


def _free_id(order: str, known: set[object]) -> str:
    """Id of an order's next document: the order's own, then numbered from two, none that any line was noted in."""
    ids = (order if n == 1 else f"{order}-{n}" for n in count(1))
    return next(one for one in ids if one not in known)


def _hand_over(shop: Shop, lines: Sequence[OrderLine], deliver: Deliver, *, document: str, why: str) -> list[OrderLine]:
    in_doubt = any(pending_document(line) is not None for line in lines)
    _note(shop, lines, {"sending": {"document": document}}, why=why)
    try:
        where = deliver(document, lines)
    except (ConfigError, ConflictError, PermanentError, SchemaError):
        if not in_doubt:
            _note(shop, lines, {"sending": None}, why="it was refused")
        raise
    note: Mapping[str, object] = {"sent": {"document": document, "to": where}, "sending": None}
    moves = [LineChange(line_id=line.line_id, allowed=("approved",), state="sent", note=note) for line in lines]
    return change(shop, moves, verb="order.sent", why=why)


def _note(shop: Shop, lines: Sequence[OrderLine], note: Json, *, why: str) -> None:
    changes = [LineChange(line_id=line.line_id, allowed=("approved",), note=note) for line in lines]
    change(shop, changes, verb="order.sending", why=why)
