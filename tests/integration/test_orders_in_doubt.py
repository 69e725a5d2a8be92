"""A document of which nobody knows whether it arrived keeps its id and its content."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from finalmile.errors import ConfigError, ConflictError, TransientError
from finalmile.project import Project
from finalmile.records import OrderLine
from finalmile.workflows import sending


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


def _send(project: Project, fault: Exception | None = None) -> list[str]:
    keys: list[str] = []

    def deliver(document: str, lines: Sequence[OrderLine]) -> str:
        del lines
        keys.append(document)
        if fault is not None:
            raise fault
        return "there"

    sending.send(project.shop, project.ledger.orders(order="PO-1"), deliver, why="test")
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
