"""Stock of a real project: tables of what moved, the list of what is there, and findings in plans."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, time
from pathlib import Path

import polars as pl
import pytest

from finalmile.errors import SchemaError, UnknownNameError
from finalmile.project import Project

from .conftest import HISTORY, SETTINGS, SmallShop


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> SmallShop:
    shop = SmallShop(tmp_path_factory.mktemp("stock") / "shop", SETTINGS)
    names = ["item 0", "item 1"]
    shop.project.stock.add(pl.DataFrame({"unique_id": names, "at": shop.day(HISTORY - 1), "on_hand": 300.0}))
    return shop


@pytest.fixture
def project(template: SmallShop, tmp_path: Path) -> Project:
    shutil.copytree(template.folder, tmp_path / "shop")
    return Project.open(tmp_path / "shop", clock=template.clock)


class NextMorning:
    """Two days after the newest sales."""

    def now(self) -> datetime:
        return datetime.combine(SmallShop.day(HISTORY + 2), time(8), UTC)


def moved(**columns: object) -> pl.DataFrame:
    return pl.DataFrame({name: [value] for name, value in columns.items()})


def units(project: Project) -> dict[str, tuple[float, float]]:
    return {row.unique_id: (row.on_hand, row.on_the_way) for row in project.stock_book().rows}


def test_what_is_written_off_and_found_is_told_once_however_often_it_is_taken_in(project: Project) -> None:
    lost = moved(unique_id="item 0", at=SmallShop.day(HISTORY), reason="broken", quantity=-4.0)
    for _ in range(2):
        report = project.ingest("adjustments", lost)
    assert units(project)["item 0"] == (296.0, 0.0)
    assert any("4 units are written off" in note for note in report.notes)
    project.ingest("adjustments", lost.with_columns(quantity=pl.lit(-1.0)))
    assert units(project)["item 0"] == (299.0, 0.0)


def test_units_leave_one_location_are_on_their_way_and_arrive_at_the_other(project: Project) -> None:
    sent = {"transfer_id": "T", "unique_id": "item 0", "to_id": "item 1", "quantity": 9.0}
    sent |= {"shipped_at": SmallShop.day(HISTORY)}
    project.ingest("transfers", moved(**sent))
    assert units(project) == {"item 0": (291.0, 0.0), "item 1": (300.0, 9.0)}
    project.ingest("transfers", moved(**sent, received_at=SmallShop.day(HISTORY), received=5.0))
    assert sum(sum(both) for both in units(project).values()) == 600.0


def test_goods_are_on_their_way_until_they_are_put_away(project: Project) -> None:
    came = moved(order_id="PO", unique_id="item 0", quantity=7.0, received_at=SmallShop.day(HISTORY))
    project.ingest("receipts", came.with_columns(available_at=pl.lit(SmallShop.day(HISTORY + 2))))
    assert units(project)["item 0"] == (300.0, 7.0)


@pytest.mark.parametrize(
    ("kind", "wrong", "told"),
    [
        ("transfers", {"to_id": "item 0"}, "where the units came from"),
        ("transfers", {"received": 4.0}, "came on no day"),
        ("transfers", {"received": 10.0, "received_at": SmallShop.day(3)}, "more than quantity"),
        ("transfers", {"quantity": -1.0}, "quantity"),
        ("adjustments", {"reason": None}, "reason"),
    ],
)
def test_a_movement_that_cannot_be_is_refused_and_nothing_is_kept(
    project: Project, kind: str, wrong: dict[str, object], told: str
) -> None:
    right = {"unique_id": "item 0", "quantity": 9.0, "at": SmallShop.day(2), "reason": "broken"}
    if kind == "transfers":
        right = {"transfer_id": "T", "unique_id": "item 0", "to_id": "item 1", "quantity": 9.0}
        right |= {"shipped_at": SmallShop.day(2)}
    with pytest.raises(SchemaError, match=told):
        project.ingest(kind, moved(**{**right, **wrong}))
    assert project.tables[kind].read().is_empty()  # type: ignore[index]  # one of the kinds


def test_a_plan_says_where_its_books_are_wrong(project: Project) -> None:
    at = SmallShop.day(HISTORY - 2)
    project.stock.add(moved(unique_id="item 0", at=at, on_hand=900.0))
    (finding,) = project.stock_book("item 0").findings
    assert finding.check == "stock_count"
    project.train()
    project.promote(force=True)
    assert any("finalmile stock" in note and "stock_count of product item 0" in note for note in project.plan().notes)


def test_a_product_that_nobody_counted_is_refused_with_those_there_are(project: Project) -> None:
    with pytest.raises(UnknownNameError, match="item 0"):
        project.stock_book("itm 0")
    told = project.stock_book()
    assert told.without_count
    assert any("never counted" in line for line in told.lines())


def test_a_transfer_stays_on_its_way_when_a_later_day_than_the_newest_sales_was_counted(project: Project) -> None:
    project = Project.open(project.folder, clock=NextMorning())
    told = {"transfer_id": "T", "unique_id": "item 0", "to_id": "item 1", "quantity": 9.0}
    project.ingest("transfers", moved(**told, shipped_at=SmallShop.day(HISTORY + 2)))
    counted = moved(unique_id="item 1", at=SmallShop.day(HISTORY), on_hand=300.0)
    project.stock.add(counted)
    assert units(project)["item 1"] == (300.0, 9.0)
