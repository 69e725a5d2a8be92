"""A document of which nobody knows whether it arrived keeps its id and its content."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import pytest

from finalmile.adapters.local.lock import project_lock
from finalmile.errors import ConfigError, ConflictError, MissingInputError, TransientError
from finalmile.project import Project
from finalmile.records import OrderLine
from finalmile.workflows import sending
from finalmile.workflows.orders import mark_of


def _project(home: Path) -> Project:
    project = Project.open(home)
    lines = [
        OrderLine(
            order_id="PO-1",
            line_id=f"PO-1-{item}",
            supplier="acme",
            unique_id=item,
            quantity=10,
            unit_cost=2.0,
            currency="EUR",
            ordered_at=date(2024, 5, 1),
            due=date(2024, 5, 8),
            reason={},
        )
        for item in ("milk", "bread")
    ]
    project.ledger.put_orders(lines, at=datetime(2024, 5, 1, tzinfo=UTC), actor="plan")
    project.approve_orders("PO-1", product="milk")
    return project


def _send(project: Project, fault: Exception | None = None, *, held: list[str] | None = None) -> list[str]:
    keys: list[str] = []

    def deliver(document: str, lines: Sequence[OrderLine]) -> str:
        if held is not None:
            held.extend(line.unique_id for line in lines)
        keys.append(document)
        if fault is not None:
            raise fault
        return "there"

    sending.send(project.shop, lambda: project.ledger.orders(order="PO-1"), deliver, why="test")
    return keys


def test_the_id_of_a_document_in_doubt_is_not_used_again_when_its_lines_are_cancelled(tmp_path: Path) -> None:
    project = _project(tmp_path / "shop")
    with pytest.raises(TransientError):
        _send(project, TransientError("time-out"))
    project.cancel_orders("PO-1", product="milk")
    project.approve_orders("PO-1", product="bread")
    assert _send(project) == ["PO-1-2"]


def test_a_later_refusal_does_not_end_the_doubt(tmp_path: Path) -> None:
    project = _project(tmp_path / "shop")
    for fault in (TransientError("time-out"), ConfigError("webhook", ["no token"])):
        with pytest.raises(type(fault)):
            _send(project, fault)
    with pytest.raises(ConflictError, match="may have it"):
        project.edit_order("PO-1", "milk", quantity=3, code="other")


def _doubted(home: Path) -> Project:
    """Milk and bread were handed over in one document, and nobody knows whether it arrived."""
    project = _project(home)
    project.approve_orders("PO-1")
    with pytest.raises(TransientError):
        _send(project, TransientError("time-out"))
    return project


def test_a_document_in_doubt_goes_out_again_whole(tmp_path: Path) -> None:
    project, held = _doubted(tmp_path / "shop"), list[str]()
    assert _send(project, held=held) == ["PO-1"]
    assert sorted(held) == ["bread", "milk"]


def test_what_was_cancelled_since_is_not_left_out_of_a_document_that_may_have_arrived(tmp_path: Path) -> None:
    project = _doubted(tmp_path / "shop")
    project.cancel_orders("PO-1", product="milk")
    with pytest.raises(ConflictError, match=r"ask the supplier.*--by-hand.*--not-arrived"):
        _send(project)
    assert [line.state for line in project.orders("PO-1").rows if line.unique_id == "bread"] == ["approved"]


def test_a_document_that_did_arrive_is_noted_by_hand(tmp_path: Path) -> None:
    project = _doubted(tmp_path / "shop")
    project.cancel_orders("PO-1", product="milk")
    (bread,) = project.send_order("PO-1", by_hand=True).rows
    assert (bread.unique_id, bread.state) == ("bread", "sent")


def test_what_never_arrived_may_be_edited_and_goes_out_under_another_id(tmp_path: Path) -> None:
    project = _doubted(tmp_path / "shop")
    assert len(project.not_arrived("PO-1").rows) == 2
    project.edit_order("PO-1", "milk", quantity=3, code="other")
    assert _send(project) == ["PO-1-2"]
    with pytest.raises(MissingInputError, match="nothing is in doubt"):
        project.not_arrived("PO-1")


def test_others_work_while_a_supplier_is_waited_for(tmp_path: Path) -> None:
    project = _project(tmp_path / "shop")

    def deliver(document: str, lines: Sequence[OrderLine]) -> str:
        del document, lines
        Project.open(project.folder).approve_orders("PO-1", product="bread")
        return "there"

    alone = partial(project_lock, project.folder, verb="send")
    done = sending.send(project.shop, lambda: project.ledger.orders(order="PO-1"), deliver, why="test", alone=alone)
    assert [line.unique_id for line in done] == ["milk"]
    assert [line.state for line in project.orders("PO-1").rows if line.unique_id == "bread"] == ["approved"]


def test_a_line_that_is_cancelled_while_its_supplier_is_waited_for_is_told(tmp_path: Path) -> None:
    project = _project(tmp_path / "shop")
    project.approve_orders("PO-1")

    def deliver(document: str, lines: Sequence[OrderLine]) -> str:
        del document, lines
        project.cancel_orders("PO-1", product="milk")
        return "there"

    with pytest.raises(ConflictError, match="milk of it was cancelled: tell the supplier"):
        sending.send(project.shop, lambda: project.ledger.orders(order="PO-1"), deliver, why="test")
    assert {line.unique_id: line.state for line in project.ledger.orders(order="PO-1")} == {
        "milk": "cancelled",
        "bread": "sent",
    }


def test_what_came_in_parts_on_one_day_is_added_up(tmp_path: Path) -> None:
    project = _project(tmp_path / "shop")
    _send(project)
    day = date(2024, 5, 8)
    project.receive_order("PO-1", "milk", quantity=4, at=day)
    project.receive_order("PO-1", "milk", at=day)
    assert project.tables["receipts"].read()["quantity"].to_list() == [10.0]
    assert {line.unique_id: line.state for line in project.orders("PO-1").rows}["milk"] == "received"


def test_an_answer_to_an_order_is_one_change_of_the_lines_that_its_supplier_has(tmp_path: Path) -> None:
    project = _project(tmp_path / "shop")
    with pytest.raises(ConflictError, match="nothing to answer"):
        project.acknowledge_order("PO-1")
    _send(project)
    (milk,) = project.acknowledge_order("PO-1").rows
    assert (milk.unique_id, milk.state) == ("milk", "acknowledged")
    with pytest.raises(ConflictError):
        project.acknowledge_order("PO-1", "bread")


@pytest.mark.parametrize("change", ["edit", "send", "cancel"])
def test_what_somebody_else_changed_since_it_was_shown_is_not_changed_again(tmp_path: Path, change: str) -> None:
    project = _project(tmp_path / "shop")
    seen = mark_of(project.ledger.orders(lines=["PO-1-milk"])[0])
    project.edit_order("PO-1", "milk", due=date(2024, 5, 9), code="other")
    stale = {
        "edit": lambda: project.edit_order("PO-1", "milk", quantity=2, code="other", seen=seen),
        "send": lambda: project.send_order("PO-1", by_hand=True, marks=[seen]),
        "cancel": lambda: project.cancel_orders("PO-1", marks=[seen]),
    }
    with pytest.raises(ConflictError, match="is 2024-05-09 by now, not 2024-05-08"):
        stale[change]()
    (milk,) = [line for line in project.orders("PO-1").rows if line.unique_id == "milk"]
    assert (milk.state, milk.quantity) == ("approved", 10)
