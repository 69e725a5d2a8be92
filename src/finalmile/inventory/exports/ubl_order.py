"""Purchase orders as OASIS UBL 2.1 Order documents."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from xml.sax.saxutils import escape, quoteattr

from finalmile.inventory.exports.gs1 import check_numbers
from finalmile.inventory.exports.purchase_orders import PurchaseLine, PurchaseOrder, day_of, file_name, plain
from finalmile.inventory.exports.registry import OrderFile, exports

_NAMESPACES = {
    "xmlns": "urn:oasis:names:specification:ubl:schema:xsd:Order-2",
    "xmlns:cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "xmlns:cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}


@exports.add("ubl_order")
@dataclass(frozen=True, kw_only=True)
class UblOrder:
    """OASIS Universal Business Language 2.1, document Order: one UTF-8 XML file for each order.

    Line amounts are rounded half up to two decimals, and the document's totals are the sum of the rounded amounts;
    where a price is not known, neither are written. The ``UUID`` follows from the order id.

    Parameters
    ----------
    buyer
        The buyer's name.
    buyer_gln, supplier_glns
        Global location numbers of 13 digits, of the buyer and of suppliers by name.
    gtins
        GTIN of products by our id, written beside it.
    unit_code
        UN/ECE Recommendation 20 code of the unit that quantities are in: ``C62`` is one piece.
    """

    buyer: str = "BUYER"
    buyer_gln: str = ""
    supplier_glns: Mapping[str, str] = field(default_factory=dict[str, str])
    gtins: Mapping[str, str] = field(default_factory=dict[str, str])
    unit_code: str = "C62"

    def __post_init__(self) -> None:
        check_numbers(gtins=self.gtins, glns={"buyer": self.buyer_gln, **self.supplier_glns})

    def __call__(self, orders: Sequence[PurchaseOrder], /) -> list[OrderFile]:
        """One file for each order."""
        return [
            OrderFile(
                name=file_name(order.order_id, "xml"),
                content=("".join(self._document(order))).encode(),
                orders=(order.order_id,),
                notes=order.notes,
            )
            for order in orders
        ]

    def _document(self, order: PurchaseOrder) -> Iterator[str]:
        yield '<?xml version="1.0" encoding="UTF-8"?>\n<Order'
        yield from (f' {name}="{address}"' for name, address in _NAMESPACES.items())
        yield ">\n"
        yield _basic("UBLVersionID", "2.1") + _basic("ID", order.order_id)
        yield _basic("UUID", str(uuid.uuid5(uuid.NAMESPACE_OID, order.order_id)))
        yield from _instant("Issue", order.ordered_at)
        yield _basic("OrderTypeCode", "220") + _basic("DocumentCurrencyCode", order.currency)
        yield _basic("LineCountNumeric", str(len(order.lines)))
        yield _party("BuyerCustomerParty", self.buyer, self.buyer_gln)
        yield _party("SellerSupplierParty", order.supplier, self.supplier_glns.get(order.supplier, ""))
        if order.total is not None:
            total = f"{order.total:.2f}"
            amounts = [
                _basic(name, total, currencyID=order.currency) for name in ("LineExtensionAmount", "PayableAmount")
            ]
            yield _aggregate("AnticipatedMonetaryTotal", *amounts)
        for line in order.lines:
            yield self._line(line, order.currency)
        yield "</Order>\n"

    def _line(self, line: PurchaseLine, currency: str) -> str:
        amount = "" if line.amount is None else _basic("LineExtensionAmount", f"{line.amount:.2f}", currencyID=currency)
        price = "" if line.price is None else _basic("PriceAmount", plain(line.price), currencyID=currency)
        period = _aggregate("RequestedDeliveryPeriod", *_instant("Start", line.due), *_instant("End", line.due))
        item = _aggregate(
            "LineItem",
            _basic("ID", str(line.number)),
            _basic("Quantity", str(line.quantity), unitCode=self.unit_code),
            amount,
            _aggregate("Delivery", period),
            _aggregate("Price", price) if price else "",
            self._item(line.product),
        )
        return _aggregate("OrderLine", item)

    def _item(self, product: str) -> str:
        gtin = self.gtins.get(product)
        return _aggregate(
            "Item",
            _basic("Name", product),
            _aggregate("BuyersItemIdentification", _basic("ID", product)),
            _aggregate("StandardItemIdentification", _basic("ID", gtin, schemeID="0160")) if gtin else "",
        )


def _instant(name: str, at: date | datetime) -> Iterator[str]:
    yield _basic(f"{name}Date", day_of(at).isoformat())
    if isinstance(at, datetime):
        yield _basic(f"{name}Time", f"{at:%H:%M:%S}")


def _party(role: str, name: str, gln: str) -> str:
    endpoint = _basic("EndpointID", gln, schemeID="0088") if gln else ""
    known = _aggregate("PartyIdentification", _basic("ID", gln, schemeID="0088")) if gln else ""
    return _aggregate(role, _aggregate("Party", endpoint, known, _aggregate("PartyName", _basic("Name", name))))


def _basic(name: str, text: str, **attributes: str) -> str:
    told = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<cbc:{name}{told}>{escape(text)}</cbc:{name}>\n"


def _aggregate(name: str, *parts: str) -> str:
    return f"<cac:{name}>\n{''.join(parts)}</cac:{name}>\n"
