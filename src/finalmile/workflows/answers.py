"""Take in what suppliers answered: each line of a file matched with a line that was sent, all of it or nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import cast

from finalmile.errors import printable
from finalmile.inventory.answers import Answers, LineAnswer, OrderAnswer
from finalmile.inventory.answers.text import MOST_TOLD, refuse
from finalmile.inventory.exports.purchase_orders import fit, told_price
from finalmile.records import Json, LineChange, OrderLine
from finalmile.workflows.orders import AT_SUPPLIER, acknowledgement, note_of
from finalmile.workflows.shop import Shop

_LONGEST_WAIT_DAYS = 3_660


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersTaken:
    """What a file of answers changed.

    Parameters
    ----------
    rows
        Lines that were changed, as they are now.
    answered
        Lines that the file says something of.
    breached
        Whether somebody has to act: a supplier means to send what was cancelled.
    """

    source: str
    rows: tuple[OrderLine, ...]
    answered: int
    notes: tuple[str, ...] = ()
    breached: bool = False

    def lines(self) -> list[str]:
        """How many lines were acknowledged and cancelled; each of up to ten; what somebody should look at."""
        gone = sum(line.state == "cancelled" for line in self.rows)
        said = f"{len(self.rows) - gone:,} acknowledged, {gone:,} refused"
        same = self.answered - len(self.rows)
        return [
            f"{self.source} answers {self.answered:,} lines: {said}, {same:,} as they were.",
            *(f"  {_told(line)}" for line in self.rows[:10]),
            *([f"  ... and {len(self.rows) - 10:,} more"] if len(self.rows) > 10 else []),
            *(f"note: {note}" for note in self.notes),
        ]

    def to_dict(self) -> Json:
        """Every line as it is now."""
        rows = [asdict(line) for line in self.rows]
        return {"source": self.source, "answered": self.answered, "orders": rows, "notes": list(self.notes)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesTaken:
    """What many files of answers changed, and which could not be taken in."""

    taken: tuple[AnswersTaken, ...]
    refused: tuple[str, ...] = ()

    @property
    def breached(self) -> bool:
        """Whether somebody has to act on one of them."""
        return bool(self.refused) or any(one.breached for one in self.taken)

    def lines(self) -> list[str]:
        """What each file changed, then what is wrong with the others."""
        return [*(line for one in self.taken for line in one.lines()), *self.refused]

    def to_dict(self) -> Json:
        """Both."""
        return {"taken": [one.to_dict() for one in self.taken], "refused": list(self.refused)}


def _told(line: OrderLine) -> str:
    return f"{line.order_id}  {line.unique_id}  {line.quantity:,}  due {line.due}  {line.state}"


@dataclass(slots=True)
class _Read:
    """What the answers come to so far."""

    changes: list[LineChange] = field(default_factory=list[LineChange])
    faults: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    answered: dict[str, str] = field(default_factory=dict[str, str])
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
    """Make all changes that a file asks for in one transaction; the same file again changes nothing.

    Parameters
    ----------
    lines
        All order lines, as receipts and the calendar leave them.
    digest
        Of the file's content: kept with each line that it answers.
    supplier
        Whose answers they are; those to orders of anybody else are faults then.

    Raises
    ------
    SchemaError
        With every order or product that is not known, was not sent, or is answered twice; nothing is changed then.
    """
    read = _Read(notes=list(told.notes))
    documents = by_document(lines)
    for answer in told.orders:
        _take_order(answer, documents, read, digest=digest, supplier=supplier)
        if len(read.faults) > MOST_TOLD:
            break
    refuse(source, read.faults)
    why = f"answer of the supplier: {source}"
    changed: list[OrderLine] = []
    if read.changes:
        changed = shop.ledger.change_orders(
            read.changes, verb="order.answered", at=shop.clock.now(), actor=shop.actor, why=why
        )
    return AnswersTaken(
        source=source,
        rows=tuple(changed),
        answered=len(read.answered),
        notes=tuple(dict.fromkeys(read.notes)),
        breached=read.alarmed,
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
        if line.line_id in read.answered:
            what, place = f"{printable(line.unique_id)!r} of {answer.order}", read.answered[line.line_id]
            read.faults.append(f"{one.place}: {what} is answered twice, before at {place}")
        named.add(line.line_id)
        _take_line(one, line, read, digest)
    if answer.rest is None:
        return
    for line in lines:
        if line.line_id not in named and (line.state in AT_SUPPLIER or not answer.lines):
            _take_line(LineAnswer(place=answer.place, outcome=answer.rest), line, read, digest)


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


def _take_line(one: LineAnswer, line: OrderLine, read: _Read, digest: str) -> None:
    read.answered[line.line_id] = one.place
    what = f"{printable(line.unique_id)!r} of {line.order_id}"
    before = _answers_before(line)
    if digest in before:
        return
    if line.state in {"proposed", "approved"}:
        read.faults.append(
            f"{one.place}: {what} is {line.state}, and was never noted as sent; if it was, say so first: "
            f"finalmile orders send {line.order_id} --by-hand"
        )
    elif line.state == "received":
        read.notes.append(f"{what} was received before; its answer changes nothing")
    elif line.state == "cancelled":
        if one.outcome == "accepted" and one.quantity != 0:
            read.notes.append(f"{what} is cancelled, and the supplier means to send it; tell the supplier")
            read.alarmed = True
    elif one.shipped is not None:
        _take_despatch(one, line, read, what, {"answers": [*before, digest]})
    elif one.outcome != "open":
        read.faults += _faults_of_day(one, line)
        read.notes += _remarks(one, line, what)
        read.changes.append(_change(one, line, {"answers": [*before, digest]}))


def _take_despatch(one: LineAnswer, line: OrderLine, read: _Read, what: str, note: Json) -> None:
    """What is on its way: once all of it is, its day is that of the line."""
    earlier = note_of(line, "despatched").get("units")
    units = (earlier if isinstance(earlier, int) else 0) + (one.shipped or 0)
    if units < line.quantity:
        read.notes.append(f"{what}: {units:,} of {line.quantity:,} units are on their way")
        one = replace(one, due=None)
    read.faults += _faults_of_day(one, line)
    read.changes.append(_change(one, line, {**note, "despatched": {"units": units}}))


def _answers_before(line: OrderLine) -> list[str]:
    """Digests of the files that answered the line."""
    found = line.reason.get("answers")
    return [str(one) for one in cast("list[object]", found)] if isinstance(found, list) else []


def _change(one: LineAnswer, line: OrderLine, note: Json) -> LineChange:
    if one.outcome == "rejected" or one.quantity == 0:
        return LineChange(line_id=line.line_id, allowed=AT_SUPPLIER, state="cancelled", note=note)
    due = one.due
    if due is not None and isinstance(line.due, datetime):
        due = datetime.combine(due, line.due.time())
    return acknowledgement(line, quantity=one.quantity, due=due, note=note)


def _faults_of_day(one: LineAnswer, line: OrderLine) -> Iterator[str]:
    ordered = line.ordered_at.date() if isinstance(line.ordered_at, datetime) else line.ordered_at
    if one.due is not None and not 0 <= (one.due - ordered).days <= _LONGEST_WAIT_DAYS:
        yield f"{one.place}: {one.due} is no day on which an order of {ordered} arrives"


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
