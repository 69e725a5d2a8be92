"""The life of an order, through a real project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from finalmile.errors import ConfigError, ConflictError, MissingInputError, UnknownNameError
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
    assert told == ["order.approved", "order.sent", "order.acknowledged", "order.acknowledged", "order.due"]
    project.ledger.verify_audit()


def test_sending_again_writes_nothing_new(project: Project, tmp_path: Path) -> None:
    sent(project, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert project.send_order("PO-1", to=tmp_path / "out").rows == ()
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert list(before) == ["PO-1.csv"]


def test_a_crash_after_the_file_and_before_the_note_sends_the_same_file_again(project: Project, tmp_path: Path) -> None:
    from finalmile.adapters.local.order_files import deliver_file

    project.approve_orders("PO-1")
    deliver_file(tmp_path / "out", "PO-1", project.orders("PO-1").rows)
    project.send_order("PO-1", to=tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["PO-1.csv"]
    assert set(states(project).values()) == {"sent"}


def test_a_file_with_other_content_stays_and_nothing_is_noted_as_sent(project: Project, tmp_path: Path) -> None:
    (tmp_path / "PO-1.csv").write_text("mine")
    project.approve_orders("PO-1")
    with pytest.raises(ConflictError, match="nothing was sent"):
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
    units = {path.name: pl.read_csv(path)["quantity"].to_list() for path in tmp_path.glob("*.csv")}
    assert units == {"PO-1.csv": [10], "PO-1-2.csv": [4]}


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


def test_what_is_cancelled_after_a_part_came_is_awaited_no_more(project: Project, tmp_path: Path) -> None:
    sent(project, tmp_path)
    project.receive_order("PO-1", "milk", quantity=6, at=date(2024, 5, 7))
    project.cancel_orders("PO-1")
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
