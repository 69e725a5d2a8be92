"""What is on its way, gathered from the packs that it is announced in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from finalmile.inventory.answers.registry import LineAnswer, OrderAnswer, Shipment


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """Units of one product for one order, in one pack."""

    place: str
    shipment: Shipment
    order: str
    product: str | None
    number: int | None
    units: int
    due: date | None


def announced(shipped: Iterable[Shipped], /) -> tuple[OrderAnswer, ...]:
    """One answer for each order of a shipment, in which units of each product are added up and the last day counts.

    Examples
    --------
    >>> truck = Shipment(place="here", number="S-7", sender="ACME", purpose="original")
    >>> pack = Shipped(place="here", shipment=truck, order="PO-1", product="tea", number=None, units=2, due=None)
    >>> announced([pack, pack])[0].lines[0].shipped
    4
    """
    orders: dict[tuple[Shipment, str], dict[str | int | None, LineAnswer]] = {}
    for one in shipped:
        lines = orders.setdefault((one.shipment, one.order), {})
        key = one.product if one.product is not None else one.number
        told = LineAnswer(
            place=one.place,
            outcome="accepted",
            product=one.product,
            number=one.number,
            shipped=one.units,
            due=one.due,
        )
        lines[key] = _joined(lines[key], told) if key in lines else told
    return tuple(
        OrderAnswer(
            place=next(iter(lines.values())).place,
            order=order,
            lines=tuple(lines.values()),
            key=shipment.key,
            shipment=shipment,
        )
        for (shipment, order), lines in orders.items()
    )


def _joined(first: LineAnswer, second: LineAnswer) -> LineAnswer:
    days = [day for day in (first.due, second.due) if day is not None]
    return replace(first, shipped=(first.shipped or 0) + (second.shipped or 0), due=max(days, default=None))
