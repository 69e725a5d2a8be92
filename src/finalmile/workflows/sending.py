"""Sending orders: handed over in documents that are the same however often they are handed over, then noted as sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Lines that go out together under one id; ``again`` where it was begun before and may have arrived."""

    document_id: str
    lines: tuple[OrderLine, ...]
    again: bool = False


def by_other_means(document: str, lines: Sequence[OrderLine], /) -> str:
    """Hand nothing over: people have done it."""
    del document, lines
    return "by other means"


def send(
    shop: Shop,
    read: Callable[[], Sequence[OrderLine]],
    deliver: Deliver,
    *,
    why: str,
    alone: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> list[OrderLine]:
    """Hand the approved lines of one order over, and note them as sent once they are there for good.

    Which lines make up a document is noted before it is handed over. After a crash or a time-out, when nobody knows
    whether the supplier has it, the same document goes out again, with the same lines under the same id, which orders
    nothing twice. Lines approved since then, or after their order was sent, go out as a document of their own.

    Parameters
    ----------
    read
        All lines of the order as they stand.
    alone
        A context in which nobody else changes the order; left while the supplier is waited for.

    Raises
    ------
    MissingInputError
        Where nothing of the order is approved; nothing is sent without approval.
    ConflictError, PermanentError, SchemaError
        Where a document was refused, or cannot be written: its lines are approved still, and may be edited.
    TransientError
        Where nobody knows whether it arrived: its lines wait for the same document to be sent again.
    """
    with alone():
        documents = _begun(shop, read(), anew=deliver is not by_other_means, why=why)
    return [line for document in documents for line in _hand_over(shop, document, deliver, why=why)]


def send_each(
    shop: Shop,
    orders: Mapping[str, Callable[[], Sequence[OrderLine]]],
    deliver_to: Callable[[str], Deliver],
    *,
    why: str,
    alone: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Sent:
    """Send the approved lines of many orders, one order after the other; one that fails does not stop the others.

    Parameters
    ----------
    orders
        How the lines of each order are read.
    deliver_to
        How the supplier of an order is reached.

    Raises
    ------
    MissingInputError
        Where there are no orders.
    """
    if not orders:
        raise MissingInputError("nothing waits to be sent. Approve orders first: finalmile orders approve")
    done: list[OrderLine] = []
    failures: list[str] = []
    for order, read in orders.items():
        try:
            done += send(shop, read, deliver_to(order), why=why, alone=alone)
        except (ConfigError, ConflictError, PermanentError, SchemaError, TransientError) as fault:
            failures.append(f"{order} was not sent: {fault}")
    return Sent(rows=tuple(done), failures=tuple(failures))


def did_not_arrive(shop: Shop, lines: Sequence[OrderLine], *, why: str) -> list[OrderLine]:
    """Note that documents of which nobody knew never reached the supplier, who has said so.

    Their lines may be edited again, and go out in documents with ids of their own.

    Raises
    ------
    MissingInputError
        Where no document of the order is in doubt.
    """
    doubted = [line for line in lines if pending_document(line) is not None]
    if not doubted:
        raise MissingInputError(f"of {lines[0].order_id} nothing is in doubt: there is nothing that may have arrived")
    changes = [
        LineChange(line_id=line.line_id, allowed=("approved",), note={"sending": None, "tried": {"documents": tried}})
        for line in doubted
        if (tried := [*_tried(line), str(pending_document(line))])
    ]
    return change(shop, changes, verb="order.not_arrived", why=why)


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


def _begun(shop: Shop, lines: Sequence[OrderLine], *, anew: bool, why: str) -> list[Document]:
    """The documents of an order's approved lines, noted on the lines before anything goes out."""
    ready = [line for line in lines if line.state == "approved"]
    if not ready and not any(line.state in AT_SUPPLIER for line in lines):
        raise MissingInputError(
            f"nothing of {lines[0].order_id} is approved, and nothing is sent without approval: "
            f"finalmile orders approve {lines[0].order_id}"
        )
    documents = list(_documents(lines, ready))
    for document in documents:
        if anew and document.again:
            _refuse_other_content(document)
        _note(shop, document.lines, {"sending": {"document": document.document_id}}, why=why)
    return documents


def _documents(lines: Sequence[OrderLine], ready: Sequence[OrderLine]) -> Iterator[Document]:
    """Documents to hand over: those begun before, whole, then one with the rest."""
    for begun in sorted({document for line in ready if (document := pending_document(line)) is not None}):
        whole = tuple(line for line in lines if note_of(line, "sending").get("document") == begun)
        yield Document(document_id=begun, lines=whole, again=True)
    rest = [line for line in ready if pending_document(line) is None]
    if rest:
        notes = [note_of(line, name).get("document") for line in lines for name in ("sent", "sending")]
        known = {str(note) for note in notes if note is not None}.union(*map(_tried, lines))
        yield Document(document_id=_free_id(lines[0].order_id, known), lines=tuple(rest))


def _refuse_other_content(document: Document) -> None:
    """A document goes out again with what it held, or not at all."""
    gone = [line for line in document.lines if line.state == "cancelled"]
    if gone:
        order = gone[0].order_id
        raise ConflictError(
            f"document {document.document_id} may be at the supplier, with {gone[0].unique_id}, which was cancelled "
            f"since: ask the supplier. If it is there: finalmile orders send {order} --by-hand, and tell them what is "
            f"off; if it never came: finalmile orders send {order} --not-arrived"
        )


def _tried(line: OrderLine) -> list[str]:
    documents = note_of(line, "tried").get("documents")
    return [str(one) for one in documents] if isinstance(documents, list) else []  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # read from JSON


def _free_id(order: str, known: set[str]) -> str:
    """Id of an order's next document: the order's own, then numbered from two, none that any line was noted in."""
    ids = (order if n == 1 else f"{order}-{n}" for n in count(1))
    return next(one for one in ids if one not in known)


def _hand_over(shop: Shop, document: Document, deliver: Deliver, *, why: str) -> list[OrderLine]:
    try:
        where = deliver(document.document_id, document.lines)
    except (ConfigError, ConflictError, PermanentError, SchemaError):
        if not document.again:
            _note(shop, _by_now(shop, document), {"sending": None}, why="it was refused")
        raise
    return _noted_as_sent(shop, document, where, why=why)


def _noted_as_sent(shop: Shop, document: Document, where: str, *, why: str) -> list[OrderLine]:
    """The lines as sent; people may have cancelled some of them while the supplier was waited for."""
    note: Mapping[str, object] = {"sent": {"document": document.document_id, "to": where}, "sending": None}
    now = _by_now(shop, document)
    moves = [
        LineChange(line_id=line.line_id, allowed=("approved",), state="sent", note=note)
        for line in now
        if line.state == "approved"
    ]
    done = change(shop, moves, verb="order.sent", why=why)
    open_before = {line.line_id for line in document.lines if line.state == "approved"}
    off = [line.unique_id for line in now if line.state == "cancelled" and line.line_id in open_before]
    if off:
        raise ConflictError(
            f"{document.document_id} was handed over, and meanwhile {', '.join(off[:5])} of it was cancelled: tell the "
            "supplier that it is off"
        )
    return done


def _by_now(shop: Shop, document: Document) -> list[OrderLine]:
    return shop.ledger.orders(lines=[line.line_id for line in document.lines])


def _note(shop: Shop, lines: Sequence[OrderLine], note: Json, *, why: str) -> None:
    changes = [
        LineChange(line_id=line.line_id, allowed=("approved",), note=note) for line in lines if line.state == "approved"
    ]
    change(shop, changes, verb="order.sending", why=why)
