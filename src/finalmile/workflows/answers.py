"""Take in what suppliers answered: each line of a file matched with a line that was sent, all of it or nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from finalmile.errors import printable
from finalmile.inventory.answers import Answers, LineAnswer, OrderAnswer, answers
from finalmile.inventory.answers.text import MOST_TOLD, refuse
from finalmile.inventory.exports.purchase_orders import fit, told_price
from finalmile.records import Json, LineChange, OrderLine
from finalmile.workflows.answer_reports import AnswersTaken, FilesTaken
from finalmile.workflows.despatches import OnItsWay, in_periods_of, keys_of, no_such_day
from finalmile.workflows.orders import AT_SUPPLIER, acknowledgement, note_of
from finalmile.workflows.shop import Shop

__all__ = ["AnswersTaken", "FilesTaken", "by_document", "formats", "take_answers", "unknown"]


def formats() -> list[str]:
    """Names of the formats that answers are read in."""
    return list(answers)


@dataclass(slots=True)
class _Read:
    """What the answers come to so far."""

    way: OnItsWay
    changes: list[LineChange] = field(default_factory=list[LineChange])
    faults: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    answered: dict[str, str] = field(default_factory=dict[str, str])
    announced: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    alarmed: bool = False


def take_answers(
    shop: Shop,
    told: Answers,
    lines: Sequence[OrderLine],
    *,
    source: str,
    digest: str,
    supplier: str | None = None,
) -> AnswersTaken:
    """Make all changes that a file asks for in one transaction; the same answers again change nothing.

    Parameters
    ----------
    lines
        All order lines, as receipts and the calendar leave them.
    digest
        Of the file's content: kept with each line that it answers, where an answer has no key of its own.
    supplier
        Whose answers they are; those to orders of anybody else are faults then.

    Raises
    ------
    SchemaError
        With every order or product that is not known, was not sent, or is answered twice, and every shipment that is
        told of otherwise than before; nothing is changed then.
    """
    read = _Read(notes=list(told.notes), way=OnItsWay(lines))
    documents = by_document(lines)
    for answer in told.orders:
        _take_order(answer, documents, read, digest=digest, supplier=supplier)
        if len(read.faults) + len(read.way.faults) > MOST_TOLD:
            break
    for shipment in told.shipments:
        read.way.close(shipment)
    refuse(source, [*read.faults, *read.way.faults])
    read.changes += read.way.changes()
    why = f"answer of the supplier: {source}"
    changed: list[OrderLine] = []
    if read.changes:
        changed = shop.ledger.change_orders(
            read.changes, verb="order.answered", at=shop.clock.now(), actor=shop.actor, why=why
        )
    return AnswersTaken(
        source=source,
        rows=tuple(changed),
        answered=len({*read.answered, *read.way.lines}),
        notes=tuple(dict.fromkeys([*read.notes, *read.way.notes])),
        breached=read.alarmed or read.way.alarmed,
    )


def by_document(lines: Sequence[OrderLine]) -> dict[str, list[OrderLine]]:
    """Lines by the id that they were sent under, in the order in which they were numbered there."""
    documents: dict[str, list[OrderLine]] = {}
    for line in sorted(lines, key=lambda line: line.line_id):
        documents.setdefault(fit(_document(line)), []).append(line)
    return documents


def _document(line: OrderLine) -> str:
    name = note_of(line, "sent").get("document")
    return name if isinstance(name, str) else line.order_id


def _take_order(
    answer: OrderAnswer, documents: Mapping[str, list[OrderLine]], read: _Read, *, digest: str, supplier: str | None
) -> None:
    lines = documents.get(answer.order)
    if lines is None:
        read.faults.append(f"{answer.place}: {unknown('order', answer.order, documents)}")
        return
    if supplier is not None and lines[0].supplier != supplier:
        theirs = printable(lines[0].supplier)
        read.faults.append(f"{answer.place}: order {answer.order} is one of {theirs!r}, not of {supplier!r}")
        return
    named: set[str] = set()
    by_product = {fit(line.unique_id): line for line in lines}
    numbered = [line for line in lines if "sent" in line.reason] or lines
    for one in answer.lines:
        if len(read.faults) > MOST_TOLD:
            return
        line = _line_of(one, answer, read, by_product=by_product, numbered=numbered)
        if line is None:
            continue
        told = (line.line_id, answer.shipment.place if answer.shipment else "")
        if told in read.announced:
            what, place = f"{printable(line.unique_id)!r} of {answer.order}", read.answered[line.line_id]
            read.faults.append(f"{one.place}: {what} is answered twice, before at {place}")
        read.announced.add(told)
        named.add(line.line_id)
        _take_line(one, line, read, answer, key=answer.key or digest)
    if answer.rest is None:
        return
    for line in lines:
        if line.line_id not in named and (line.state in AT_SUPPLIER or not answer.lines):
            rest = LineAnswer(place=answer.place, outcome=answer.rest)
            _take_line(rest, line, read, answer, key=answer.key or digest)


def _line_of(
    one: LineAnswer,
    answer: OrderAnswer,
    read: _Read,
    *,
    by_product: Mapping[str, OrderLine],
    numbered: Sequence[OrderLine],
) -> OrderLine | None:
    """The line that is meant: by our product's id, else by its number as it was sent."""
    if one.product is not None:
        found = by_product.get(one.product)
        if found is None:
            told = unknown("product", one.product, by_product)
            read.faults.append(f"{one.place}: in order {answer.order} {told}")
        return found
    if one.number is None or not 1 <= one.number <= len(numbered):
        last = len(numbered)
        read.faults.append(f"{one.place}: order {answer.order} has no line {one.number}; its lines are 1 to {last}")
        return None
    return numbered[one.number - 1]


def _take_line(one: LineAnswer, line: OrderLine, read: _Read, answer: OrderAnswer, *, key: str) -> None:
    read.answered[line.line_id] = one.place
    what = f"{printable(line.unique_id)!r} of {line.order_id}"
    if key in keys_of(line):
        if answer.shipment is not None:
            read.way.seen(answer.shipment)
        elif _overtaken(one, line, key):
            read.notes.append(f"{what}: this answer was taken in before, and another one since, which stands")
        return
    if line.state in {"proposed", "approved"}:
        read.faults.append(
            f"{one.place}: {what} is {line.state}, and was never noted as sent; if it was, say so first: "
            f"finalmile orders send {line.order_id} --by-hand"
        )
    elif line.state == "received":
        read.notes.append(f"{what} was received before; its answer changes nothing")
    elif line.state == "cancelled":
        if _means_to_send(one, answer):
            read.notes.append(f"{what} is cancelled, and the supplier means to send it; tell the supplier")
            read.alarmed = True
    elif answer.shipment is not None:
        read.way.take(one, answer.shipment, line)
    elif one.outcome != "open":
        _take_answer(one, line, read, answer, what=what, key=key)


def _means_to_send(one: LineAnswer, answer: OrderAnswer) -> bool:
    gone = answer.shipment is not None and answer.shipment.purpose == "cancel"
    return one.outcome == "accepted" and one.quantity != 0 and not gone


def _take_answer(one: LineAnswer, line: OrderLine, read: _Read, answer: OrderAnswer, *, what: str, key: str) -> None:
    as_change: Json = {"answered_as": "change"} if answer.purpose == "change" else {}
    note: Json = {"answers": [*keys_of(line), key], **as_change}
    change = _change(one, line, note)
    if answer.purpose == "original" and line.reason.get("answered_as") == "change" and _differs(change, line):
        read.faults.append(
            f"{one.place}: calls itself the first answer to {what}, and one that changes it was taken in before; ask "
            f"for an answer that says that it changes it, or note it: finalmile orders acknowledge {line.order_id}"
        )
        return
    read.faults += no_such_day(one, line)
    read.notes += _remarks(one, line, what)
    read.changes.append(change)


def _change(one: LineAnswer, line: OrderLine, note: Json) -> LineChange:
    if one.outcome == "rejected" or one.quantity == 0:
        return LineChange(line_id=line.line_id, allowed=AT_SUPPLIER, state="cancelled", note=note)
    return acknowledgement(line, quantity=one.quantity, due=in_periods_of(line, one.due), note=note)


def _overtaken(one: LineAnswer, line: OrderLine, key: str) -> bool:
    """Whether an answer that was taken in before says something else than a later one, which stands."""
    open_still = line.state in AT_SUPPLIER and one.outcome != "open"
    return open_still and key != keys_of(line)[-1] and _differs(_change(one, line, {}), line)


def _differs(change: LineChange, line: OrderLine) -> bool:
    return (
        change.state == "cancelled"
        or change.quantity not in {None, line.quantity}
        or change.due not in {None, line.due}
    )


def _remarks(one: LineAnswer, line: OrderLine, what: str) -> Iterator[str]:
    """What a planner should look at."""
    if one.quantity is not None and one.quantity > _asked(line):
        yield f"{what}: {one.quantity:,} units are promised, {_asked(line):,} were asked for"
    ours = told_price(line)
    if one.price is not None and ours is not None and one.price != ours:
        yield f"{what}: the supplier asks {one.price} a unit, the order says {ours}"


def _asked(line: OrderLine) -> int:
    asked = note_of(line, "acknowledged").get("asked_quantity")
    return asked if isinstance(asked, int) else line.quantity


def unknown(kind: str, name: str, known: Mapping[str, object]) -> str:
    """A sentence without its end: that nothing is called so, and what may be meant."""
    close = difflib.get_close_matches(name[:200], list(known)[:1000], n=1)
    hint = f"; is {printable(close[0])!r} meant?" if close else ""
    return f"no {kind} is called {printable(name[:200])!r}{hint}"
