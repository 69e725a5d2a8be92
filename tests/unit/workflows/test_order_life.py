"""The life of an order, through a real project."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest

from finalmile.adapters.delivery.folder import FolderDelivery
from finalmile.errors import (
    ConfigError,
    ConflictError,
    MissingInputError,
    PermanentError,
    TransientError,
    UnknownNameError,
)
from finalmile.ports import OrderDelivery, deliveries
from finalmile.project import Project
from finalmile.records import OrderLine

DAY = date(2024, 5, 1)


NOW = datetime(2024, 5, 7, 12, tzinfo=UTC)


@dataclass
class Standing:
    """A clock that stands until it is set."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


def _line(item: str, *, order: str = "PO-1", quantity: int = 10, due: date = date(2024, 5, 8)) -> OrderLine:
    return OrderLine(
        order_id=order, line_id=f"{order}-{item}", supplier="acme", unique_id=item, quantity=quantity, unit_cost=2.0,
        currency="EUR", ordered_at=DAY, due=due, reason={"policy": "order_up_to"},
    )  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project.open(tmp_path / "shop", clock=Standing())
    made.ledger.put_orders([_line("milk"), _line("bread", quantity=4)], at=NOW, actor="plan")
    return made


def states(project: Project) -> Mapping[str, str]:
    return {line.unique_id: line.state for line in project.orders().rows}


def sent(project: Project, folder: Path) -> Project:
    project.approve_orders("PO-1")
    project.send_order("PO-1", to=folder)
    return project


def test_nothing_is_sent_without_approval(project: Project, tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="finalmile orders approve PO-1"):
        project.send_order("PO-1", to=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_whole_life_is_told_in_the_audit_trail(project: Project, tmp_path: Path) -> None:
    sent(project, tmp_path / "out")
    project.acknowledge_order("PO-1")
    project.receive_order("PO-1", at=date(2024, 5, 7))
    assert set(states(project).values()) == {"received"}
    verbs = [row.verb for row in project.ledger.audit_rows()]
    told = [verb for verb in verbs if verb.startswith("order.")]
    assert told == ["order.approved", "order.sending", "order.sent", "order.acknowledged", "order.due"]
    project.ledger.verify_audit()


def test_sending_again_writes_nothing_new(project: Project, tmp_path: Path) -> None:
    sent(project, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert project.send_order("PO-1", to=tmp_path / "out").rows == ()
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert list(before) == ["PO-1.csv"]


def outbox(folder: Path) -> Mapping[str, list[int]]:
    return {path.name: pl.read_csv(path)["quantity"].to_list() for path in folder.glob("*.csv")}


class Broken(OrderDelivery):
    """Hands over for real, and then fails as told."""

    def __init__(self, fault: BaseException | None, delivered: bool = True) -> None:
        self.fault, self.delivered = fault, delivered

    def deliver(self, files: Mapping[str, bytes], /, *, key: str, home: Path) -> str:
        where = FolderDelivery().deliver(files, key=key, home=home) if self.delivered else ""
        if self.fault:
            raise self.fault
        return where


def broken(fault: BaseException, *, delivered: bool = True) -> AbstractContextManager[object]:
    def make(name: str, **settings: object) -> Broken:
        return Broken(fault, delivered)

    return patch.object(deliveries, "make", make)


def test_without_settings_an_order_goes_to_the_outbox_and_says_where(project: Project) -> None:
    project.approve_orders("PO-1")
    (line, _) = project.send_order("PO-1").rows
    assert line.reason["sent"] == {"document": "PO-1", "to": str(project.folder / "outbox")}
    assert outbox(project.folder / "outbox") == {"PO-1.csv": [4, 10]}


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), TransientError("timed out")])
@pytest.mark.parametrize("delivered", [True, False])
def test_after_a_crash_or_time_out_the_same_document_goes_out_again_whatever_was_approved_since(
    project: Project, fault: BaseException, delivered: bool
) -> None:
    project.approve_orders("PO-1", product="milk")
    with broken(fault, delivered=delivered), pytest.raises(type(fault)):
        project.send_order("PO-1")
    assert states(project)["milk"] == "approved"
    project.approve_orders("PO-1")
    project.send_order("PO-1")
    assert outbox(project.folder / "outbox") == {"PO-1.csv": [10], "PO-1-2.csv": [4]}
    assert set(states(project).values()) == {"sent"}


def test_what_the_supplier_may_have_cannot_be_edited_before_it_is_clear(project: Project) -> None:
    project.approve_orders("PO-1")
    with broken(TransientError("timed out")), pytest.raises(TransientError):
        project.send_order("PO-1")
    with pytest.raises(ConflictError, match="send the same again first"):
        project.edit_order("PO-1", "milk", quantity=5, code="event")
    project.send_order("PO-1")
    assert set(states(project).values()) == {"sent"}


def test_cancelling_what_no_supplier_has_asks_to_tell_nobody(project: Project) -> None:
    project.approve_orders("PO-1")
    assert project.cancel_orders("PO-1").notes == ()


def test_what_was_refused_may_be_edited_and_sent_again(project: Project) -> None:
    project.approve_orders("PO-1")
    with broken(PermanentError("400"), delivered=False), pytest.raises(PermanentError):
        project.send_order("PO-1")
    project.edit_order("PO-1", "milk", quantity=5, code="event")
    project.send_order("PO-1")
    assert outbox(project.folder / "outbox") == {"PO-1.csv": [4, 5]}


def test_one_order_that_cannot_be_sent_does_not_stop_the_others(project: Project) -> None:
    project.ledger.put_orders([_line("eggs", order="PO-2")], at=NOW, actor="plan")
    (project.folder / "outbox").mkdir()
    (project.folder / "outbox" / "PO-1.csv").write_text("mine")
    project.approve_orders(supplier="acme")
    told = project.send_orders()
    assert (told.breached, [line.unique_id for line in told.rows]) == (True, ["eggs"])
    assert "PO-1 was not sent" in told.notes[0]
    assert (project.folder / "outbox" / "PO-1.csv").read_text() == "mine"
    assert states(project) == {"milk": "approved", "bread": "approved", "eggs": "sent"}


def test_a_supplier_that_needs_no_approval_is_sent_proposals_and_the_trail_says_so(tmp_path: Path) -> None:
    (tmp_path / "finalmile.yaml").write_text("sending: {acme: {without_approval: true}}\n")
    project = Project.open(tmp_path, clock=Standing())
    project.ledger.put_orders([_line("milk")], at=NOW, actor="plan")
    project.send_order("PO-1")
    assert states(project) == {"milk": "sent"}
    told = [row.body.get("why") for row in project.ledger.audit_rows() if row.verb == "order.approved"]
    assert told == ["needs no approval by the settings"]


def test_a_file_with_other_content_stays_and_nothing_is_noted_as_sent(project: Project, tmp_path: Path) -> None:
    (tmp_path / "PO-1.csv").write_text("mine")
    project.approve_orders("PO-1")
    with pytest.raises(ConflictError, match="not overwritten"):
        project.send_order("PO-1", to=tmp_path)
    assert (tmp_path / "PO-1.csv").read_text() == "mine"
    assert set(states(project).values()) == {"approved"}


def test_lines_approved_after_their_order_was_sent_go_out_as_a_document_of_their_own(
    project: Project, tmp_path: Path
) -> None:
    project.approve_orders("PO-1", product="milk")
    project.send_order("PO-1", to=tmp_path)
    project.approve_orders("PO-1")
    project.send_order("PO-1", to=tmp_path)
    assert outbox(tmp_path) == {"PO-1.csv": [10], "PO-1-2.csv": [4]}


def test_a_sent_line_cannot_be_edited_and_the_refusal_says_where_it_can_go(project: Project, tmp_path: Path) -> None:
    sent(project, tmp_path)
    with pytest.raises(ConflictError, match=r"milk of PO-1 is sent .* acknowledged or late or received or cancelled"):
        project.edit_order("PO-1", "milk", quantity=5, code="event")


def test_an_edit_keeps_what_was_proposed_first(project: Project) -> None:
    project.edit_order("PO-1", "milk", quantity=7, code="event")
    project.edit_order("PO-1", "milk", quantity=5, due=date(2024, 5, 9), code="promotion", note="flyer")
    (line,) = project.orders("PO-1", product="milk").rows
    override = line.reason["override"]
    assert isinstance(override, dict)
    assert (line.quantity, line.due, override["proposed_quantity"], override["code"]) == (
        5, date(2024, 5, 9), 10, "promotion",
    )  # fmt: skip


def test_an_edit_against_the_terms_of_its_supplier_is_made_and_told(project: Project) -> None:
    terms = {"moq": 12.0, "pack_size": 6.0, "max_stock": 20.0, "on_hand": 3.0, "on_order": 0.0}
    line = replace(_line("tea", order="PO-2", quantity=12), reason=terms)
    project.ledger.put_orders([line], at=NOW, actor="plan")
    few = project.edit_order("PO-2", "tea", quantity=7, code="event")
    assert [row.quantity for row in few.rows] == [7]
    assert [note.split(";")[0] for note in few.notes] == [
        "7 of tea are less than the 12 that an order of it has at least (moq)",
        "7 of tea are no whole packs of 6 (pack_size)",
    ]
    assert "room for" in project.edit_order("PO-2", "tea", quantity=18, code="event").notes[0]
    assert project.edit_order("PO-2", "tea", quantity=12, code="event").notes == ()


def test_the_sentence_of_a_line_keeps_what_was_worked_out_and_says_who_changed_it(
    project: Project, tmp_path: Path
) -> None:
    told = {"policy": "order_up_to", "window": 9, "level": 30.0, "on_hand": 4.0, "on_order": 2.0, "wanted": 23.0}
    line = replace(_line("tea", order="PO-2", quantity=24), reason={**told, "pack_size": 6.0, "bound": "pack_size"})
    project.ledger.put_orders([line], at=NOW, actor="plan")
    project.edit_order("PO-2", "tea", quantity=30, code="event", by="ann")
    project.approve_orders("PO-2")
    project.send_order("PO-2", to=tmp_path)
    project.acknowledge_order("PO-2", "tea", quantity=18)
    orders = project.orders("PO-2")
    sentence = orders.reason(orders.rows[0])
    assert "packs hold 6, so 24 are ordered; ann made it 30 (event); the supplier confirmed 18." in sentence


def test_an_empty_list_says_whether_anything_was_left_out(tmp_path: Path, project: Project) -> None:
    empty = Project.open(tmp_path / "new", clock=Standing())
    assert empty.orders().lines() == ["There are no orders yet: finalmile plan proposes them."]
    assert project.orders(states=["late"]).lines() == ["No such orders. See all: finalmile orders list"]


def test_planning_the_same_day_again_does_not_undo_an_edit(project: Project) -> None:
    project.edit_order("PO-1", "milk", quantity=5, code="event")
    project.ledger.propose_orders(
        [_line("milk"), _line("bread", quantity=4)], reviewed=["milk", "bread"], at=NOW, actor="plan"
    )
    assert {line.unique_id: line.quantity for line in project.orders().rows} == {"milk": 5, "bread": 4}


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"quantity": 5, "code": "because"}, UnknownNameError),
        ({"quantity": 0, "code": "event"}, ConfigError),
        ({"code": "event"}, ConfigError),
        ({"due": date(2024, 4, 1), "code": "event"}, ConfigError),
    ],
)
def test_a_wrong_edit_changes_nothing(project: Project, settings: dict[str, object], error: type[Exception]) -> None:
    before = project.orders().rows
    with pytest.raises(error):
        project.edit_order("PO-1", "milk", **settings)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert project.orders().rows == before


def test_the_same_receipt_twice_counts_once_and_parts_add_up(project: Project, tmp_path: Path) -> None:
    sent(project, tmp_path)
    for _ in range(2):
        project.receive_order("PO-1", "milk", quantity=6, at=date(2024, 5, 7))
    assert states(project)["milk"] == "sent"
    project.receive_order("PO-1", "milk", quantity=5, at=date(2024, 5, 6))
    assert states(project)["milk"] == "received"
    assert project.receipts.read()["quantity"].sum() == 11


def test_a_corrected_receipt_opens_its_line_again(project: Project, tmp_path: Path) -> None:
    sent(project, tmp_path)
    project.receive_order("PO-1", "milk", quantity=10, at=date(2024, 5, 7))
    assert states(project)["milk"] == "received"
    project.receive_order("PO-1", "milk", quantity=4, at=date(2024, 5, 7))
    assert states(project)["milk"] == "sent"


def test_what_came_is_told_by_its_own_numbers_and_what_is_still_to_come(project: Project, tmp_path: Path) -> None:
    sent(project, tmp_path)
    day = date(2024, 5, 7)
    ordered = next(line.quantity for line in project.orders().rows if line.unique_id == "milk")
    part = project.receive_order("PO-1", "milk", quantity=4, at=day)
    assert part.lines() == [f"milk: 4 units on 2024-05-07; 4 of {ordered} came, {ordered - 4} still to come."]
    again = project.receive_order("PO-1", "milk", quantity=4, at=day)
    assert "as noted before" in again.lines()[0]
    rest = project.receive_order("PO-1", "milk", at=date(2024, 5, 8))
    assert rest.lines() == [f"milk: {ordered - 4} units on 2024-05-08; all {ordered} of PO-1 came."]


def test_more_than_was_ordered_is_told_with_the_way_to_correct_it(project: Project, tmp_path: Path) -> None:
    sent(project, tmp_path)
    day = date(2024, 5, 7)
    ordered = next(line.quantity for line in project.orders().rows if line.unique_id == "milk")
    much = project.receive_order("PO-1", "milk", quantity=5000, at=day).lines()
    assert f"5,000 came, {5000 - ordered:,} more than the {ordered} ordered" in much[0]
    assert "finalmile orders receive PO-1 --product milk --quantity N --at 2024-05-07" in much[1]
    mended = project.receive_order("PO-1", "milk", quantity=ordered, at=day).lines()
    assert mended == [f"milk: {ordered} units on 2024-05-07, corrected from 5,000; all {ordered} of PO-1 came."]


def test_nothing_comes_of_what_is_only_proposed(project: Project) -> None:
    for product, quantity in (("milk", 4.0), (None, None)):
        with pytest.raises(ConflictError, match=r"only proposed.*finalmile orders approve PO-1.*--by-hand"):
            project.receive_order("PO-1", product, quantity=quantity, at=date(2024, 5, 7))
    assert project.receipts.read().is_empty()


def test_what_is_cancelled_after_a_part_came_is_awaited_no_more(project: Project, tmp_path: Path) -> None:
    sent(project, tmp_path)
    project.receive_order("PO-1", "milk", quantity=6, at=date(2024, 5, 7))
    assert project.cancel_orders("PO-1").notes == ("acme may have these lines already: tell them that they are off.",)
    assert set(states(project).values()) == {"cancelled"}
    with pytest.raises(MissingInputError, match="no line waits for approval"):
        project.approve_orders("PO-1")


def test_a_line_whose_day_is_over_is_late_and_may_still_come(project: Project, tmp_path: Path) -> None:
    project.ledger.put_orders([_line("eggs", order="PO-0", due=date(2024, 4, 30))], at=NOW, actor="plan")
    project.approve_orders("PO-0")
    project.send_order("PO-0", to=tmp_path)
    assert states(project)["eggs"] == "late"
    project.receive_order("PO-0", at=DAY)
    assert states(project)["eggs"] == "received"


def test_a_supplier_that_postpones_is_not_on_time_by_it(project: Project, tmp_path: Path) -> None:
    sent(project, tmp_path)
    project.acknowledge_order("PO-1", "milk", due=date(2024, 5, 20))
    project.clock = Standing(NOW.replace(day=20))
    project.receive_order("PO-1", "milk", at=date(2024, 5, 20))
    project.receive_order("PO-1", "bread", at=date(2024, 5, 8))
    (card,) = project.suppliers().cards
    assert (card.n, card.on_time.value, card.in_full.value) == (2, 0.5, 1.0)
    assert project.lead_times()["acme"].tolist() == [7.0, 19.0]


def test_a_supplier_that_says_no_cancels_the_line(project: Project, tmp_path: Path) -> None:
    sent(project, tmp_path)
    project.acknowledge_order("PO-1", "milk", quantity=0)
    assert states(project) == {"milk": "cancelled", "bread": "sent"}


def test_nothing_comes_before_it_was_ordered(project: Project, tmp_path: Path) -> None:
    sent(project, tmp_path)
    with pytest.raises(ConflictError, match=r"PO-1 was ordered on 2024-05-01, so nothing of it came on 2024-01-01"):
        project.receive_order("PO-1", "milk", quantity=4, at=date(2024, 1, 1))
    assert project.receipts.read().is_empty()


@pytest.mark.parametrize("quantity", [-5.0, float("nan"), float("inf")])
def test_fewer_units_than_none_do_not_come(project: Project, tmp_path: Path, quantity: float) -> None:
    sent(project, tmp_path)
    with pytest.raises(MissingInputError, match="tell how many units came on 2024-05-07 in all"):
        project.receive_order("PO-1", "milk", quantity=quantity, at=date(2024, 5, 7))
    assert project.receipts.read().is_empty()


def test_a_receipt_of_before_a_count_is_said_to_leave_stock_as_it_is(project: Project, tmp_path: Path) -> None:
    sent(project, tmp_path)
    project.stock.add(pl.DataFrame({"unique_id": ["milk"], "at": [date(2024, 5, 2)], "on_hand": [40.0]}))
    told = project.receive_order("PO-1", "milk", quantity=4, at=date(2024, 5, 2)).lines()
    assert told[-1] == "  The count of 2024-05-02 holds what came by then: stock stays as it is."
    assert not any("count" in line for line in project.receive_order("PO-1", "milk", at=date(2024, 5, 3)).lines())


def test_a_list_of_orders_tells_what_came_and_what_they_cost(project: Project, tmp_path: Path) -> None:
    sent(project, tmp_path)
    project.receive_order("PO-1", "milk", quantity=4, at=date(2024, 5, 2))
    told = project.orders()
    assert [line.endswith("4 came, 6 did not") for line in told.lines()] == [False, True, False]
    assert told.lines()[-1] == "2 lines in 1 order: 14 units, 28.00 EUR."
    assert [one["received"] for one in told.to_dict()["orders"]] == [0.0, 4.0]
    project.receive_order("PO-1", "milk", quantity=12, at=date(2024, 5, 2))
    assert any(line.endswith("12 came, 2 too many") for line in project.orders().lines())


def test_what_was_sent_says_where_it_is(project: Project, tmp_path: Path) -> None:
    project.approve_orders("PO-1")
    told = project.send_order("PO-1", to=tmp_path / "there").lines()
    assert told[0].endswith("14 units, 28.00 EUR.")
    assert str(tmp_path / "there") in told[-1]


def test_an_edit_without_a_reason_is_asked_for_one_of_the_codes(project: Project) -> None:
    with pytest.raises(MissingInputError, match="--code: promotion, event, stock_wrong"):
        project.edit_order("PO-1", "milk", quantity=11, code="")
    assert next(one.quantity for one in project.orders().rows if one.unique_id == "milk") == 10
