"""Purchase orders as files: what is chosen, what is never overwritten, and what the command says."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from finalmile.cli.app import app
from finalmile.errors import ConfigError, ConflictError, MissingInputError, UnknownNameError
from finalmile.project import Project
from finalmile.records import OrderLine

NOW = datetime(2024, 5, 1, tzinfo=UTC)


def line(order: str, product: str, quantity: int = 3) -> OrderLine:
    return OrderLine(
        order_id=order,
        line_id=f"{order}-{product}",
        supplier=f"Supplier of {order}",
        unique_id=product,
        quantity=quantity,
        unit_cost=1.5,
        currency="EUR",
        ordered_at=date(2024, 5, 1),
        due=date(2024, 5, 3),
    )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.init(tmp_path / "shop")
    project.ledger.put_orders([line("PO-1", "tea"), line("PO-1", "milk"), line("PO-2", "tea")], at=NOW, actor="test")
    project.ledger.set_order_state("PO-1", "approved", at=NOW, actor="test", why="test")
    return project


def test_only_approved_orders_are_written_unless_asked(project: Project, tmp_path: Path) -> None:
    told = project.export_orders(tmp_path / "out", "ubl_order")
    assert (told.orders, told.rows) == (("PO-1",), 2)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["PO-1.xml"]
    assert project.export_orders(tmp_path / "out", "ubl_order", states=["proposed"]).orders == ("PO-2",)
    assert project.export_orders(tmp_path / "out", "ubl_order", orders=["PO-2", "PO-1"]).orders == ("PO-1", "PO-2")


def test_the_same_orders_again_change_nothing(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "orders.edi"
    project.export_orders(file, "x12_850")
    before = file.stat()
    project.export_orders(file, "x12_850")
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_file_with_other_content_is_never_overwritten(project: Project, tmp_path: Path) -> None:
    (tmp_path / "PO-2.xml").write_text("somebody's")
    with pytest.raises(ConflictError, match="not overwritten"):
        project.export_orders(tmp_path, "ubl_order", states=["approved", "proposed"])
    assert (tmp_path / "PO-2.xml").read_text() == "somebody's"
    assert not (tmp_path / "PO-1.xml").exists()


def test_what_cannot_be_written_is_said(project: Project, tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="approve orders first"):
        project.export_orders(tmp_path, "odoo", states=["received"])
    with pytest.raises(UnknownNameError, match="Did you mean 'PO-1'"):
        project.export_orders(tmp_path, "odoo", orders=["P0-1"])
    with pytest.raises(ConfigError, match="2 files; give a folder"):
        project.export_orders(tmp_path / "a.xml", "ubl_order", orders=["PO-1", "PO-2"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shop"]


def test_settings_of_a_format_stand_in_the_settings_file(project: Project, tmp_path: Path) -> None:
    yaml = project.folder / "finalmile.yaml"
    yaml.write_text("exports:\n  x12_850: {sender: SHOP7, receivers: {Supplier of PO-1: '01:123456789'}}\n")
    Project.open(project.folder).export_orders(tmp_path / "a.edi", "x12_850")
    assert b"*ZZ*SHOP7          *01*123456789      *" in (tmp_path / "a.edi").read_bytes()
    yaml.write_text("exports:\n  x12_850: {sendr: SHOP7}\n")
    with pytest.raises(ConfigError, match=r"finalmile.yaml:2: .*Did you mean 'sender'"):
        Project.open(project.folder)


def test_the_command_writes_files_and_says_where(project: Project, tmp_path: Path) -> None:
    call = ["export", "orders", str(tmp_path / "out"), "--project", str(project.folder), "--json", "--format", "odoo"]
    done = CliRunner().invoke(app, [*call, "--order", "PO-1"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["orders"] == ["PO-1"]
    assert Path(said["files"][0]).read_text().startswith("id,partner_id,date_order,origin,")
    assert CliRunner().invoke(app, [*call, "--state", "aproved"]).exit_code == 2
    assert CliRunner().invoke(app, [*call[:-1], "odo"]).exit_code == 2
