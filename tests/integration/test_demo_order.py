"""The order that the demo sends: answered in a file, delivered in a file, and short as its story says."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from finalmile.project import Project
from finalmile.records import OrderLine
from finalmile.workflows.demo_order import trade

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)


class Noon:
    def now(self) -> datetime:
        return NOW


def shop(folder: Path, quantities: dict[str, list[int]]) -> Project:
    """A project in which orders are proposed, of as many lines as there are quantities."""
    project = Project.init(folder, clock=Noon())
    lines = [
        OrderLine(
            order_id=order, line_id=f"{order}-{n}", supplier=f"Supplier of {order}", unique_id=f"item {n}",
            quantity=quantity, unit_cost=1.5, currency="EUR", ordered_at=date(2024, 5, 1), due=date(2024, 5, 8),
        )
        for order, each in quantities.items()
        for n, quantity in enumerate(each)
    ]  # fmt: skip
    if lines:
        project.ledger.put_orders(lines, at=NOW, actor="plan")
    return project


def test_the_order_of_the_most_lines_is_sent_answered_and_delivered_short(tmp_path: Path) -> None:
    project = shop(tmp_path / "shop", {"PO-1": [7], "PO-2": [8, 20, 9]})
    story = trade(project)
    now = {line.unique_id: (line.state, line.quantity) for line in project.orders("PO-2").rows}
    assert now == {"item 1": ("received", 15), "item 2": ("acknowledged", 9), "item 0": ("received", 8)}
    assert [line.state for line in project.orders("PO-1").rows] == ["proposed"]
    sent = pl.read_csv(tmp_path / "shop" / "outbox" / "PO-2.csv")
    assert dict(sent.select("unique_id", "quantity").iter_rows()) == {"item 0": 8, "item 1": 20, "item 2": 9}
    came = project.tables["receipts"].read()
    assert dict(came.select("unique_id", "quantity").iter_rows()) == {"item 0": 8, "item 1": 15, "item 2": 4}
    assert "PO-2 of 3 lines was approved and written to outbox/PO-2.csv." in story
    assert "confirms 15 of 20 units of item 1 and all else as asked" in story
    assert "only 4 of 9 units of item 2: the rest is awaited" in story
    for name in ("outbox/PO-2.csv", "inbox/answer-PO-2.csv", "inbox/receipts-PO-2.csv"):
        assert name in story
        assert (tmp_path / "shop" / name).is_file()


def test_nothing_is_told_where_nothing_is_proposed(tmp_path: Path) -> None:
    assert trade(shop(tmp_path / "shop", {})) == ""


@pytest.mark.parametrize("quantities", [[1], [5], [1, 1]])
def test_orders_of_a_line_or_two_are_short_too(tmp_path: Path, quantities: list[int]) -> None:
    project = shop(tmp_path / "shop", {"PO-1": quantities})
    assert trade(project)
    open_ones = [line for line in project.orders("PO-1").rows if line.state == "acknowledged"]
    assert len(open_ones) == 1
