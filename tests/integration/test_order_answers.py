"""Suppliers' files taken in: matched with what was sent, all of it or nothing, and once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from finalmile.cli.app import app
from finalmile.errors import ConflictError, SchemaError
from finalmile.inventory.answers import answers
from finalmile.project import Project
from finalmile.records import LineChange, OrderLine
from finalmile.workflows.despatches import OnItsWay

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)


class Noon:
    def now(self) -> datetime:
        return NOW


def line(product: str, *, order: str = "PO-1", quantity: int = 10) -> OrderLine:
    return OrderLine(
        order_id=order,
        line_id=f"{order}-{product}",
        supplier="Acme" if order == "PO-1" else "Other",
        unique_id=product,
        quantity=quantity,
        unit_cost=1.5,
        currency="EUR",
        ordered_at=date(2024, 5, 1),
        due=date(2024, 5, 8),
    )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.init(tmp_path / "shop", clock=Noon())
    lines = [line("tea"), line("milk"), line("bread"), line("tea", order="PO-2"), line("tea", order="PO-3")]
    project.ledger.put_orders(lines, at=NOW, actor="test")
    for order in ("PO-1", "PO-2"):
        project.approve_orders(order)
        project.send_order(order, by_hand=True)
    project.approve_orders("PO-3")
    return project


def answer(folder: Path, *rows: str, header: str = "order_id,unique_id,status,quantity,due,unit_cost") -> Path:
    path = folder / "answer.csv"
    path.write_text("\n".join([header, *rows, ""]))
    return path


def standing(project: Project) -> dict[tuple[str, str], tuple[str, int, str]]:
    return {(one.order_id, one.unique_id): (one.state, one.quantity, str(one.due)) for one in project.ledger.orders()}


def test_quantities_days_and_refusals_become_what_the_lines_are(project: Project, tmp_path: Path) -> None:
    told = project.take_answers(
        answer(tmp_path, "PO-1,tea,accepted,,,", "PO-1,milk,changed,6,2024-05-20,1.75", "PO-1,bread,rejected,,,")
    )
    now = standing(project)
    assert now["PO-1", "tea"] == ("acknowledged", 10, "2024-05-08")
    assert now["PO-1", "milk"] == ("acknowledged", 6, "2024-05-20")
    assert now["PO-1", "bread"][0] == "cancelled"
    assert now["PO-2", "tea"][0] == "sent"
    assert told.lines()[0] == "answer.csv answers 3 lines: 2 acknowledged, 1 refused, 0 as they were."
    assert "note: 'milk' of PO-1: the supplier asks 1.75 a unit, the order says 1.5" in told.lines()
    (milk,) = [one for one in project.ledger.orders() if (one.order_id, one.unique_id) == ("PO-1", "milk")]
    assert milk.reason["acknowledged"] == {"asked_quantity": 10, "asked_due": "2024-05-08"}


def test_the_same_file_again_changes_nothing_also_after_a_newer_one(project: Project, tmp_path: Path) -> None:
    first = answer(tmp_path, "PO-1,tea,accepted,10,2024-05-08,").read_bytes()
    project.acknowledge_order("PO-1", "tea")
    project.take_answers(tmp_path / "answer.csv")
    project.take_answers(answer(tmp_path, "PO-1,tea,changed,4,2024-05-30,"))
    (tmp_path / "again.csv").write_bytes(first)
    audits = len(project.ledger.audit_rows())
    told = project.take_answers(tmp_path / "again.csv")
    assert (told.rows, told.answered) == ((), 1)
    assert standing(project)["PO-1", "tea"] == ("acknowledged", 4, "2024-05-30")
    assert len(project.ledger.audit_rows()) == audits


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("PO-9,tea,,,,", r"line 3: no order is called 'PO-9'; is 'PO-\d' meant\?"),
        ("PO-1,teaa,,,,", r"line 3: in order PO-1 no product is called 'teaa'; is 'tea' meant\?"),
        ("PO-3,tea,,,,", r"line 3: 'tea' of PO-3 is approved, and was never noted as sent"),
        ("PO-2,tea,,,2024-04-30,", "line 3: 2024-04-30 is no day on which an order of 2024-05-01 arrives"),
        ("PO-2,tea,,,2924-05-30,", "line 3: 2924-05-30 is no day"),
    ],
)
def test_one_fault_and_nothing_of_the_file_is_done(project: Project, tmp_path: Path, row: str, said: str) -> None:
    before = standing(project), len(project.ledger.audit_rows())
    with pytest.raises(SchemaError, match=said):
        project.take_answers(answer(tmp_path, "PO-1,tea,accepted,3,,", row))
    assert (standing(project), len(project.ledger.audit_rows())) == before


def test_a_file_of_nothing_but_faults_tells_the_first_twenty(project: Project, tmp_path: Path) -> None:
    for take, file in (
        (project.take_answers, answer(tmp_path, *(f"PO-1,item {n},,,," for n in range(5_000)))),
        (project.take_receipts, receipts(tmp_path, *(f"PO-1,item {n},1,2024-05-01" for n in range(5_000)))),
        (project.take_answers, answer(tmp_path, *(f"PO-1,item {n},never,,," for n in range(5_000)))),
    ):
        with pytest.raises(SchemaError) as caught:
            take(file)
        assert len(caught.value.faults) == 21
        assert caught.value.faults[-1] == "there are more faults than these"


def test_a_supplier_answers_only_its_own_orders_where_it_is_named(project: Project, tmp_path: Path) -> None:
    file = answer(tmp_path, "PO-1,tea,accepted,,,", "PO-2,tea,rejected,,,")
    with pytest.raises(SchemaError, match="order PO-2 is one of 'Other', not of 'Acme'"):
        project.take_answers(file, supplier="Acme")
    assert standing(project)["PO-1", "tea"][0] == "sent"


def test_lines_are_found_by_their_number_as_they_were_sent(project: Project, tmp_path: Path) -> None:
    file = answer(tmp_path, "PO-1,1,4", "PO-1,3,0", header="order_id,line,quantity")
    project.take_answers(file)
    now = standing(project)
    assert (now["PO-1", "bread"][1], now["PO-1", "tea"][0], now["PO-1", "milk"][0]) == (4, "cancelled", "sent")
    with pytest.raises(SchemaError, match="order PO-1 has no line 4; its lines are 1 to 3"):
        project.take_answers(answer(tmp_path, "PO-1,4,4", header="order_id,line,quantity"))


def test_one_line_told_by_product_and_by_number_is_told_twice(project: Project, tmp_path: Path) -> None:
    file = answer(tmp_path, "PO-1,bread,,5", "PO-1,,1,4", header="order_id,unique_id,line,quantity")
    with pytest.raises(SchemaError, match="line 3: 'bread' of PO-1 is answered twice, before at line 2"):
        project.take_answers(file)


def test_a_line_changes_once_at_a_time(project: Project) -> None:
    before = standing(project)
    changes = [LineChange(line_id="PO-1-tea", allowed=("sent",), quantity=units) for units in (4, 5)]
    with pytest.raises(ConflictError, match="line 'PO-1-tea' is changed 2 times at once"):
        project.ledger.change_orders(changes, verb="order.answered", at=NOW, actor="test", why="twice")
    assert standing(project) == before


def test_what_came_already_stays_and_what_we_cancelled_is_told(project: Project, tmp_path: Path) -> None:
    project.receive_order("PO-1", "tea", at=date(2024, 5, 1))
    project.cancel_orders("PO-1", product="milk")
    before = standing(project)
    told = project.take_answers(answer(tmp_path, "PO-1,tea,rejected,,,", "PO-1,milk,accepted,,,"))
    assert standing(project) == before
    assert told.breached
    assert told.notes == (
        "'tea' of PO-1 was received before; its answer changes nothing",
        "'milk' of PO-1 is cancelled, and the supplier means to send it; tell the supplier",
    )


def test_an_order_accepted_as_a_whole_is_acknowledged_line_by_line(project: Project, tmp_path: Path) -> None:
    isa = f"ISA*00*{' ' * 10}*00*{' ' * 10}*ZZ*{'ACME':<15}*ZZ*{'SHOP':<15}*240501*0000*U*00401*000000007*0*P*>~"
    body = "GS*PR*ACME*SHOP*20240501*0000*7*X*004010~ST*855*0001~BAK*00*AK*PO-1*20240501~SE*3*0001~"
    (tmp_path / "answer.edi").write_text(f"{isa}{body}GE*1*7~IEA*1*000000007~")
    assert len(project.take_answers(tmp_path / "answer.edi").rows) == 3
    assert {one.state for one in project.ledger.orders() if one.order_id == "PO-1"} == {"acknowledged"}


ODD = ["a*b~c>d", "Käse|^\x1c", "it's: 5 + 3?", "牛乳 & <tea>", '"quoted", twice']


def sent_as(project: Project, file_format: str) -> bytes:
    project.ledger.put_orders([line(product, order="PO-7") for product in ODD], at=NOW, actor="test")
    project.approve_orders("PO-7")
    project.send_order("PO-7", to=project.folder / "out", file_format=file_format)
    return (project.folder / "out" / "PO-7.edi").read_bytes()


def test_whatever_products_are_called_an_855_to_the_850_that_was_sent_finds_them(project: Project) -> None:
    order = sent_as(project, "x12_850").decode()
    element, end = order[3], order[105]
    lines = [each[1:].split(element) for each in order.split(end) if each.startswith("\nPO1")]
    body = [["ST", "855", "0001"], ["BAK", "00", "AC", "PO-7", "20240502"]]
    for each in lines:
        body += [each, ["ACK", "IQ", "7", "EA", "067", "20240510"]]
    body += [["CTT", str(len(lines))], ["SE", str(len(body) + 2), "0001"]]
    ends = [["GE", "1", "7"], ["IEA", "1", "000000007"]]
    head = [order[:105].split(element), ["GS", "PR", "ACME", "SHOP", "20240502", "0000", "7", "X", "004010"]]
    head[0][13] = "000000007"
    answered = project.folder / "855.edi"
    answered.write_bytes("".join(element.join(each) + end for each in [*head, *body, *ends]).encode())
    assert {one.unique_id for one in project.take_answers(answered).rows} == set(ODD)
    assert {one.quantity for one in project.ledger.orders() if one.order_id == "PO-7"} == {7}


def test_whatever_products_are_called_an_ordrsp_to_the_orders_that_was_sent_finds_them(project: Project) -> None:
    order = sent_as(project, "edifact_orders").decode()
    lines = [each for each in order.split("'\n") if each.startswith(("LIN+", "PIA+"))]
    body = ["UNH+1+ORDRSP:D:96A:UN", "BGM+231+R+29", "RFF+ON:PO-7", *lines, "UNS+S", f"CNT+2:{len(ODD)}"]
    head = "UNA:+.? '\nUNB+UNOW:4+ACME+SHOP+20240502:0000+7"
    answered = project.folder / "ordrsp.edi"
    answered.write_text("'\n".join([head, *body, f"UNT+{len(body) + 1}+1", "UNZ+1+7", ""]))
    assert {one.unique_id for one in project.take_answers(answered).rows} == set(ODD)
    assert {one.state for one in project.ledger.orders() if one.order_id == "PO-7"} == {"acknowledged"}


def test_more_than_was_asked_for_is_told(project: Project, tmp_path: Path) -> None:
    told = project.take_answers(answer(tmp_path, "PO-1,tea,changed,100,,"))
    assert told.notes == ("'tea' of PO-1: 100 units are promised, 10 were asked for",)


def notice(
    folder: Path,
    number: int,
    *,
    purpose: str = "9",
    sent: str = "0000",
    sender: str = "ACME",
    day: int = 20,
    **units: int,
) -> Path:
    """A ship notice that arrives on the 20th."""
    body = ["UNH+1+DESADV:D:96A:UN", f"BGM+351+S{number}+{purpose}", f"DTM+17:202405{day}:102", "RFF+ON:PO-1", "CPS+1"]
    for n, (product, count) in enumerate(units.items(), 1):
        body += [f"LIN+{n}++{product}:IN", f"QTY+12:{count}:PCE"]
    path = folder / f"desadv-{number}-{purpose}-{sent}.edi"
    head = f"UNB+UNOC:3+{sender}+SHOP+240510:{sent}+{number}{sent}"
    segments = [head, *body, f"UNT+{len(body) + 1}+1", f"UNZ+1+{number}{sent}", ""]
    path.write_text("'".join(segments))
    return path


def on_their_way(project: Project) -> dict[str, object]:
    found = {one.unique_id: one.reason.get("despatched") for one in project.ledger.orders() if one.order_id == "PO-1"}
    return {product: note["units"] for product, note in found.items() if isinstance(note, dict)}


def test_the_day_of_a_line_is_that_of_the_delivery_that_completes_it(project: Project, tmp_path: Path) -> None:
    told = project.take_answers(notice(tmp_path, 1, tea=10, milk=4))
    now = standing(project)
    assert now["PO-1", "tea"] == ("acknowledged", 10, "2024-05-20")
    assert now["PO-1", "milk"] == ("acknowledged", 10, "2024-05-08")
    assert told.notes == ("'milk' of PO-1: 4 of 10 units are on their way",)
    assert project.take_answers(tmp_path / "desadv-1-9-0000.edi").rows == ()
    project.take_answers(notice(tmp_path, 2, milk=6))
    assert standing(project)["PO-1", "milk"] == ("acknowledged", 10, "2024-05-20")


def test_a_shipment_that_is_told_of_again_is_counted_once(project: Project, tmp_path: Path) -> None:
    project.take_answers(notice(tmp_path, 1, milk=4))
    for again in (
        notice(tmp_path, 1, sent="1200", milk=4),
        notice(tmp_path, 1, purpose="7", milk=4),
        notice(tmp_path, 1, sent="1300", tea=3, milk=4),
    ):
        project.take_answers(again)
        assert on_their_way(project)["milk"] == 4
    assert on_their_way(project) == {"milk": 4, "tea": 3}
    project.take_answers(notice(tmp_path, 1, sent="1400", sender="PARCELS", milk=4))
    assert on_their_way(project)["milk"] == 8


def test_a_shipment_with_other_units_is_refused_unless_it_replaces_the_first(project: Project, tmp_path: Path) -> None:
    project.take_answers(notice(tmp_path, 1, milk=4, tea=10))
    before = standing(project), on_their_way(project)
    said = "'milk' of PO-1 was told with 4 units in shipment 'S1' before, and now with 6"
    with pytest.raises(SchemaError, match=said):
        project.take_answers(notice(tmp_path, 1, sent="1200", bread=2, milk=6))
    assert (standing(project), on_their_way(project)) == before
    told = project.take_answers(notice(tmp_path, 1, purpose="5", milk=6))
    assert on_their_way(project) == {"milk": 6, "tea": 0}
    assert "'tea' of PO-1: 0 units are on their way, 10 were before; it is still due 2024-05-20" in told.notes
    assert told.breached
    for again in (notice(tmp_path, 1, milk=4, tea=10), notice(tmp_path, 1, purpose="5", sent="1300", milk=6)):
        assert project.take_answers(again).rows == ()


@pytest.mark.parametrize("units", [{}, {"milk": 4}])
def test_a_shipment_that_is_cancelled_is_on_its_way_no_more(
    project: Project, tmp_path: Path, units: dict[str, int]
) -> None:
    with pytest.raises(SchemaError, match="cancels shipment 'S1', which was never announced to us"):
        project.take_answers(notice(tmp_path, 1, purpose="1"))
    project.take_answers(notice(tmp_path, 1, milk=4))
    told = project.take_answers(notice(tmp_path, 1, purpose="1", sent="1200", **units))
    assert (on_their_way(project), told.breached) == ({"milk": 0}, True)
    with pytest.raises(SchemaError, match="was told as cancelled in shipment 'S1' before"):
        project.take_answers(notice(tmp_path, 1, sent="1300", milk=4, tea=1))
    assert project.take_answers(notice(tmp_path, 1, purpose="1", sent="1400", **units)).rows == ()


def test_a_line_in_several_shipments_is_there_with_the_last_of_them(project: Project, tmp_path: Path) -> None:
    project.take_answers(notice(tmp_path, 1, day=22, tea=4))
    project.take_answers(notice(tmp_path, 2, day=15, tea=6))
    assert standing(project)["PO-1", "tea"][2] == "2024-05-22"
    told = project.take_answers(notice(tmp_path, 3, day=25, tea=1))
    assert told.notes == ("'tea' of PO-1: 11 units are on their way, 10 were ordered",)


def test_a_line_is_in_no_more_shipments_than_can_be(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("finalmile.workflows.despatches.MOST_SHIPMENTS", 2)
    for number in (1, 2):
        project.take_answers(notice(tmp_path, number, tea=1))
    with pytest.raises(SchemaError, match="'tea' of PO-1 is in more than 2 shipments"):
        project.take_answers(notice(tmp_path, 3, tea=1))
    project.take_answers(notice(tmp_path, 2, purpose="5", tea=2))
    assert on_their_way(project) == {"tea": 3}


NOTICES = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from(["9", "5", "1"]), st.integers(0, 5), st.integers(0, 5)), max_size=8
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=NOTICES)
def test_what_is_on_its_way_is_what_each_shipment_was_last_said_to_hold(tmp_path: Path, told: list[Any]) -> None:
    lines = {name: replace(line(name), state="sent") for name in ("tea", "milk")}
    held: dict[int, dict[str, int]] = {}
    for n, (number, purpose, tea, milk) in enumerate(told):
        content = notice(tmp_path, number, purpose=purpose, sent=f"{n:04}", tea=tea, milk=milk).read_bytes()
        answers_told = answers.make("edifact_desadv")(content, name="it")
        way = OnItsWay(list(lines.values()))
        (order,) = answers_told.orders
        for one in order.lines:
            way.take(one, answers_told.shipments[0], lines[one.product or ""])
        way.close(answers_told.shipments[0])
        says = {"tea": tea, "milk": milk} if purpose != "1" else {"tea": 0, "milk": 0}
        assert bool(way.faults) == (purpose == "9" and held.get(number, says) != says)
        if not way.faults:
            held[number] = says
            for change in way.changes():
                name = change.line_id.removeprefix("PO-1-")
                lines[name] = replace(lines[name], reason={**lines[name].reason, **(change.note or {})})
        for name, one in lines.items():
            note = one.reason.get("despatched", {"units": 0})
            assert note["units"] == sum(shipment[name] for shipment in held.values())


def answered(folder: Path, function: str, units: int, *, sent: str = "0000") -> Path:
    """An answer to the tea of an order."""
    body = ["UNH+1+ORDRSP:D:96A:UN", f"BGM+231+R-7+{function}", "RFF+ON:PO-1", "LIN+1++tea:IN", f"QTY+113:{units}:PCE"]
    ends = ["UNS+S", f"UNT+{len(body) + 2}+1", f"UNZ+1+{sent}", ""]
    path = folder / "ordrsp.edi"
    path.write_text("'".join([f"UNB+UNOC:3+ACME+SHOP+240510:{sent}+{sent}", *body, *ends]))
    return path


def test_an_answer_sent_again_does_not_undo_a_later_one(project: Project, tmp_path: Path) -> None:
    project.take_answers(answered(tmp_path, "9", 8))
    project.take_answers(answered(tmp_path, "4", 4))
    again = project.take_answers(answered(tmp_path, "9", 8, sent="1200"))
    told = "'tea' of PO-1: this answer was taken in before, and another one since, which stands"
    assert (again.rows, again.notes) == ((), (told,))
    assert project.take_answers(answered(tmp_path, "4", 4, sent="1300")).notes == ()
    assert standing(project)["PO-1", "tea"][1] == 4
    said = "calls itself the first answer to 'tea' of PO-1, and one that changes it was taken in before; ask"
    with pytest.raises(SchemaError, match=said):
        project.take_answers(answered(tmp_path, "9", 7))
    assert standing(project)["PO-1", "tea"][1] == 4
    project.take_answers(answered(tmp_path, "4", 7))
    assert standing(project)["PO-1", "tea"][1] == 7


def test_nothing_has_come_because_it_is_announced(project: Project, tmp_path: Path) -> None:
    project.take_answers(notice(tmp_path, 1, tea=10))
    assert project.tables["receipts"].read().is_empty()
    with pytest.raises(SchemaError, match="no product is called 'sugar'"):
        project.take_answers(notice(tmp_path, 2, tea=1, sugar=1))


def receipts(folder: Path, *rows: str) -> Path:
    path = folder / "receipts.csv"
    path.write_text("\n".join(["order_id,unique_id,quantity,received_at", *rows, ""]))
    return path


def test_receipts_complete_orders_once(project: Project, tmp_path: Path) -> None:
    file = receipts(tmp_path, "PO-1,tea,10,2024-05-01", "PO-1,milk,4,2024-05-01", "PO-3,tea,10,2024-05-01")
    told = project.take_receipts(file)
    now = standing(project)
    assert [now["PO-1", "tea"][0], now["PO-1", "milk"][0], now["PO-3", "tea"][0]] == ["received", "sent", "received"]
    assert told.taken.new == 3
    assert project.take_receipts(file).taken.unchanged == 3
    assert project.tables["receipts"].read()["quantity"].sum() == 24
    project.take_receipts(receipts(tmp_path, "PO-1,milk,12,2024-05-01"))
    assert standing(project)["PO-1", "milk"][0] == "received"


def test_receipts_of_a_later_document_are_receipts_of_its_order(project: Project, tmp_path: Path) -> None:
    project.ledger.put_orders([line("sugar")], at=NOW, actor="test")
    project.approve_orders("PO-1")
    project.send_order("PO-1", to=tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["PO-1-2.csv"]
    project.take_receipts(receipts(tmp_path, "PO-1-2,sugar,10,2024-05-01"))
    assert standing(project)["PO-1", "sugar"][0] == "received"
    with pytest.raises(SchemaError, match="row 1: in order PO-1-2 no product is called 'tea'"):
        project.take_receipts(receipts(tmp_path, "PO-1-2,tea,10,2024-05-01"))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("PO-9,tea,1,2024-05-01", r"row 2: no order is called 'PO-9'; is .* another system's orders: finalmile ingest"),
        ("PO-1,teaa,1,2024-05-01", r"row 2: in order PO-1 no product is called 'teaa'; is 'tea' meant\?"),
        ("PO-4,tea,1,2024-05-01", "row 2: 'tea' of PO-4 is only proposed: finalmile orders approve PO-4"),
        ("PO-2,tea,1,2024-04-30", "row 2: 'tea' of PO-2 came on 2024-04-30, before it was ordered on 2024-05-01"),
        ("PO-2,tea,1,2024-05-01", "row 2: order PO-2 is one of 'Other', not of 'Acme'"),
    ],
)
def test_one_receipt_that_cannot_be_and_none_is_kept(project: Project, tmp_path: Path, row: str, said: str) -> None:
    project.ledger.put_orders([line("tea", order="PO-4")], at=NOW, actor="test")
    supplier = "Acme" if "not of" in said else None
    with pytest.raises(SchemaError, match=said):
        project.take_receipts(receipts(tmp_path, "PO-1,tea,10,2024-05-01", row), supplier=supplier)
    assert project.tables["receipts"].read().is_empty()
    assert standing(project)["PO-1", "tea"][0] == "sent"


def test_of_many_files_those_in_order_are_taken_in_and_the_others_told(project: Project, tmp_path: Path) -> None:
    (tmp_path / "wrong.csv").write_text("order_id,unique_id\nPO-1,sugar\n")
    files = [
        str(tmp_path / "wrong.csv"),
        str(answer(tmp_path, "PO-1,tea,changed,4,,")),
        str(notice(tmp_path, 1, milk=10)),
    ]
    done = CliRunner().invoke(app, ["orders", "answers", *files, "--project", str(project.folder)])
    assert done.exit_code == 1
    assert "nothing of wrong.csv was taken in. wrong.csv: line 2: in order PO-1 no product" in done.output
    assert standing(project)["PO-1", "tea"] == ("acknowledged", 4, "2024-05-08")
    assert standing(project)["PO-1", "milk"] == ("acknowledged", 10, "2024-05-20")


def test_the_command_says_what_changed_and_where_a_file_is_wrong(project: Project, tmp_path: Path) -> None:
    call = ["orders", "answers", str(answer(tmp_path, "PO-1,tea,changed,4,,")), "--project", str(project.folder)]
    done = CliRunner().invoke(app, [*call, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["orders"][0]["quantity"] == 4
    (tmp_path / "answer.csv").write_text("order_id,unique_id\nPO-1,tea\nPO-1,sugar\n")
    wrong = CliRunner().invoke(app, call)
    assert wrong.exit_code == 2
    assert "answer.csv: line 3: in order PO-1 no product is called 'sugar'" in wrong.output
    for path, said in ((tmp_path / "none.csv", "there is no such file"), (tmp_path, "is a folder")):
        missing = CliRunner().invoke(app, ["orders", "answers", str(path), "--project", str(project.folder)])
        assert missing.exit_code == 2
        assert said in missing.output
    assert CliRunner().invoke(app, [*call, "--format", "x12"]).exit_code == 2
