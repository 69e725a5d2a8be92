"""Order lines gathered into purchase orders, with exact money and text that a file can carry."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from finalmile.errors import SchemaError, printable
from finalmile.records import OrderLine

# What neither XML 1.0 nor a message of lines can hold: control characters, halves of pairs, non-characters.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_CENT, _MICRO = Decimal("0.01"), Decimal("0.000001")
_CURRENCY = re.compile("[A-Z]{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseLine:
    """One product of a purchase order.

    Parameters
    ----------
    number
        Place in the order, from 1.
    price
        Of one unit, as the decimal number it was written as, at most six decimals; ``None`` where it is not known.
    """

    number: int
    line_id: str
    product: str
    quantity: int
    price: Decimal | None
    due: date | datetime

    @property
    def amount(self) -> Decimal | None:
        """Quantity times price, rounded half up to two decimals."""
        return None if self.price is None else (self.quantity * self.price).quantize(_CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseOrder:
    """What one supplier is asked for at once."""

    order_id: str
    supplier: str
    currency: str
    ordered_at: date | datetime
    lines: tuple[PurchaseLine, ...]
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> Decimal | None:
        """Sum of the rounded amounts of the lines; ``None`` where a price is not known."""
        amounts = [line.amount for line in self.lines]
        known = [amount for amount in amounts if amount is not None]
        return sum(known, Decimal(0)) if len(known) == len(amounts) else None

    @property
    def units(self) -> int:
        """Units of all lines."""
        return sum(line.quantity for line in self.lines)


def purchase_orders(lines: Iterable[OrderLine]) -> list[PurchaseOrder]:
    """Orders by id, their lines by line id, whatever order they were given in.

    Control characters in names become spaces, costs of more than six decimals are rounded, and lines whose cost
    is assumed have no price: the order's ``notes`` say so.

    Raises
    ------
    SchemaError
        Where lines of one order name several suppliers, currencies or days of order, or a product twice; where a
        quantity is not above zero, a price is negative or not finite, or a currency is not three capitals.

    Examples
    --------
    >>> tea = OrderLine(order_id="PO-1", line_id="PO-1-a", supplier="Acme", unique_id="tea", quantity=3,
    ...     unit_cost=0.1, currency="EUR", ordered_at=date(2024, 5, 1), due=date(2024, 5, 3))
    >>> order = purchase_orders([tea])[0]
    >>> order.total, order.lines[0].price
    (Decimal('0.30'), Decimal('0.1'))
    """
    by_order: dict[str, list[OrderLine]] = {}
    for line in lines:
        by_order.setdefault(line.order_id, []).append(line)
    gathered = [sorted(by_order[name], key=lambda line: line.line_id) for name in sorted(by_order)]
    faults = [fault for group in gathered for fault in _faults(group)]
    if faults:
        raise SchemaError("orders", faults)
    return [_order(group) for group in gathered]


def _faults(group: Sequence[OrderLine]) -> Iterable[str]:
    name = printable(group[0].order_id)
    for what in ("supplier", "currency", "ordered_at"):
        told = sorted({str(getattr(line, what)) for line in group})
        if len(told) > 1:
            yield f"order {name} names more than one {what}: {told[0]!r} and {told[1]!r}"
    if not _CURRENCY.fullmatch(group[0].currency):
        yield f"order {name} is in {group[0].currency!r}, which is no ISO 4217 code such as EUR"
    seen: set[str] = set()
    for line in group:
        where = f"order {name}, product {printable(line.unique_id)!r}"
        if line.unique_id in seen:
            yield f"{where} is on two lines; join them into one"
        seen.add(line.unique_id)
        if line.quantity <= 0:
            yield f"{where}: a quantity of {line.quantity} cannot be ordered; cancel the line instead"
        if line.unit_cost is not None and not 0 <= line.unit_cost < float("inf"):
            yield f"{where}: the unit cost is {line.unit_cost}, not a number from 0 up"


def _order(group: Sequence[OrderLine]) -> PurchaseOrder:
    first = group[0]
    told = [first.order_id, first.supplier, *(line.unique_id for line in group)]
    replaced = [text for text in told if _UNFIT.search(text)]
    notes = [f"order {first.order_id}: control characters of {printable(text)!r} are spaces" for text in replaced]
    notes += _notes_on_prices(group)
    return PurchaseOrder(
        order_id=fit(first.order_id),
        supplier=fit(first.supplier),
        currency=first.currency,
        ordered_at=first.ordered_at,
        lines=tuple(_line(number, line) for number, line in enumerate(group, 1)),
        notes=tuple(notes),
    )


def _notes_on_prices(group: Sequence[OrderLine]) -> Iterator[str]:
    guessed = sum(line.unit_cost is not None and told_price(line) is None for line in group)
    rounded = [printable(line.unique_id) for line in group if told_price(line) not in {None, _written(line.unit_cost)}]
    name = printable(group[0].order_id)
    if guessed:
        yield (
            f"order {name}: no price on {guessed:,} lines, whose cost is assumed; a supplier is told no guess: give "
            "unit_cost to the items"
        )
    if rounded:
        yield f"order {name}: unit costs of {len(rounded):,} lines, such as {rounded[0]!r}, are rounded to six decimals"


def _written(cost: float | None) -> Decimal | None:
    return None if cost is None else Decimal(repr(float(cost)))


def told_price(line: OrderLine) -> Decimal | None:
    """What a supplier is told of the price of a unit; ``None`` where it is not known, or assumed.

    The decimal number that it was written as, rounded half up where computing left more than six decimals.

    Examples
    --------
    >>> tea = OrderLine(order_id="PO-1", line_id="PO-1-a", supplier="Acme", unique_id="tea", quantity=3,
    ...     unit_cost=0.1 + 0.2, currency="EUR", ordered_at=date(2024, 5, 1), due=date(2024, 5, 3))
    >>> told_price(tea)
    Decimal('0.300000')
    """
    exact = _written(line.unit_cost)
    if exact is None or line.reason.get("cost_assumed", line.assumed):
        return None
    _, _, exponent = exact.as_tuple()
    return exact.quantize(_MICRO, ROUND_HALF_UP) if isinstance(exponent, int) and exponent < -6 else exact


def _line(number: int, line: OrderLine) -> PurchaseLine:
    return PurchaseLine(
        number=number,
        line_id=fit(line.line_id),
        product=fit(line.unique_id),
        quantity=line.quantity,
        price=told_price(line),
        due=line.due,
    )


def fit(text: str) -> str:
    r"""The text with a space for each character that a message cannot hold.

    Examples
    --------
    >>> fit("a\x00b")
    'a b'
    """
    return _UNFIT.sub(" ", text)


def plain(number: Decimal) -> str:
    """A decimal number without an exponent and without idle zeros.

    Examples
    --------
    >>> plain(Decimal("1E+3")), plain(Decimal("0.50")), plain(Decimal("1E-7"))
    ('1000', '0.5', '0.0000001')
    """
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def day_of(instant: date | datetime) -> date:
    """The calendar day."""
    return instant.date() if isinstance(instant, datetime) else instant


def control_number(orders: Sequence[PurchaseOrder], *, digits: int) -> str:
    """A number of so many digits, never 0, that follows from the orders' ids and lines: the same for the same file.

    Examples
    --------
    >>> len(control_number([], digits=9))
    9
    """
    told = "\n".join(
        f"{order.order_id}\t{line.product}\t{line.quantity}\t{line.due}\t{line.price}"
        for order in orders
        for line in order.lines
    )
    return f"{int(hashlib.sha256(told.encode()).hexdigest(), 16) % (10**digits - 1) + 1:0{digits}d}"


def file_name(stem: str, suffix: str) -> str:
    """A file name that no folder can be hidden in; what had to change is told apart by a digest.

    Examples
    --------
    >>> file_name("PO-1", "xml")
    'PO-1.xml'
    >>> file_name("../x", "xml")
    '___x-d6b96a97.xml'
    """
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", stem)[:100]
    return f"{safe}.{suffix}" if safe == stem else f"{safe}-{hashlib.sha256(stem.encode()).hexdigest()[:8]}.{suffix}"


def by_supplier(orders: Sequence[PurchaseOrder]) -> dict[str, list[PurchaseOrder]]:
    """Orders of each supplier, suppliers by name."""
    suppliers = sorted({order.supplier for order in orders})
    return {name: [order for order in orders if order.supplier == name] for name in suppliers}
