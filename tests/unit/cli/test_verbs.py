"""Every verb asks the project for what was typed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from typer.main import get_command

from finalmile.cli.app import VERBS, app

INGEST: dict[str, object] = {
    "columns": {},
    "query": None,
    "known_at": None,
    "known_days_ahead": None,
    "backfill": None,
    "decimal_comma": False,
    "date_format": None,
    "roles": {},
    "sparse": False,
    "complete": True,
    "model": None,
}
REPLAY = {"retrain_every_days": None, "against": None, "out": None}
START, END = date(2016, 1, 1), date(2016, 3, 31)


@pytest.mark.parametrize(
    ("typed", "method", "args", "settings"),
    [
        ("check", "check", (), {}),
        ("doctor", "doctor", (), {}),
        ("plugins", "plugins", (), {}),
        ("models", "models", (), {}),
        ("ingest sales s.csv", "ingest", ("sales", "s.csv"), INGEST),
        ("ingest open-orders o.csv", "ingest", ("open_orders", "o.csv"), INGEST),
        (
            "ingest sales s.csv --column y=units --column ds=day",
            "ingest",
            ("sales", "s.csv"),
            INGEST | {"columns": {"y": "units", "ds": "day"}},
        ),
        (
            "ingest future f.parquet --known-days-ahead 14 --known-at 2016-01-01",
            "ingest",
            ("future", "f.parquet"),
            INGEST | {"known_days_ahead": 14.0, "known_at": datetime(2016, 1, 1, tzinfo=UTC)},
        ),
        (
            "ingest sales s.csv --decimal-comma --date-format %d/%m/%Y --sparse --no-backfill --role brand=hierarchy",
            "ingest",
            ("sales", "s.csv"),
            INGEST
            | {"decimal_comma": True, "date_format": "%d/%m/%Y", "sparse": True, "backfill": False}
            | {"roles": {"brand": "hierarchy"}},
        ),
        ("ingest open-orders o.csv --partial", "ingest", ("open_orders", "o.csv"), INGEST | {"complete": False}),
        (
            "register demand --loader xgboost --path m.json --features f.yaml --set column=x --set seconds=2 --trust",
            "register",
            ("demand", "xgboost"),
            {
                "path": Path("m.json"),
                "features": Path("f.yaml"),
                "function": None,
                "code": None,
                "settings": {"column": "x", "seconds": 2},
                "trust": True,
                "trained_until": None,
            },
        ),
        ("train", "train", ("demand",), {"forecaster": None, "cutoff": None, "new": False}),
        (
            "train milk --forecaster tsb --cutoff 2016-01-01 --new",
            "train",
            ("milk",),
            {"forecaster": "tsb", "cutoff": START, "new": True},
        ),
        ("certify", "certify", ("demand", None), {}),
        ("certify demand@3", "certify", ("demand", 3), {}),
        (
            "certify demand@3 --endpoint --quick --rate 500 --target-ms 20 --even-if-busy",
            "certify_endpoint",
            ("demand", 3),
            {"quick": True, "rate": 500.0, "target_ms": 20.0, "even_if_busy": True},
        ),
        ("certify --compare demand@1 demand@2", "compare_endpoints", (("demand", 1), ("demand", 2)), {}),
        ("promote demand@3 --why better", "promote", ("demand", 3), {"why": "better", "force": False}),
        ("rollback --to 2 --dry-run", "rollback", ("demand",), {"to": 2, "why": "by hand", "dry_run": True}),
        ("forecast", "forecast", ("demand",), {}),
        ("monitor milk", "monitor", ("milk",), {"checks": (), "gate": False}),
        ("monitor --gate --check loss --check fva", "monitor", ("demand",), {"checks": ("loss", "fva"), "gate": True}),
        ("incidents list --all --model milk", "incidents", ("milk",), {"open_only": False}),
        ("incidents show ab12", "incident", ("ab12",), {}),
        ("incidents list", "incidents", (None,), {"open_only": True}),
        ("plan", "plan", ("demand",), {}),
        ("orders list", "orders", (None,), {"states": [], "supplier": None, "product": None}),
        (
            "orders list --state proposed --supplier acme",
            "orders",
            (None,),
            {"states": ["proposed"], "supplier": "acme", "product": None},
        ),
        ("orders show PO-1", "orders", ("PO-1",), {"product": None}),
        (
            "orders approve --supplier acme",
            "approve_orders",
            (None,),
            {"supplier": "acme", "product": None, "why": "approved"},
        ),
        (
            "orders edit PO-1 milk --quantity 5 --due 2016-03-31 --code event --by ann",
            "edit_order",
            ("PO-1", "milk"),
            {"quantity": 5, "due": END, "code": "event", "note": "", "by": "ann"},
        ),
        ("orders overrides", "overrides", (), {}),
        (
            "orders send PO-1 --to out",
            "send_order",
            ("PO-1",),
            {"to": Path("out"), "file_format": None, "by_hand": False, "why": "sent"},
        ),
        (
            "orders send --all --format x12_850",
            "send_orders",
            (),
            {"supplier": None, "to": None, "file_format": "x12_850", "by_hand": False, "why": "sent"},
        ),
        (
            "orders acknowledge PO-1 --product milk --quantity 3",
            "acknowledge_order",
            ("PO-1", "milk"),
            {"quantity": 3, "due": None, "why": "the supplier answered"},
        ),
        ("orders receive PO-1 --at 2016-01-01", "receive_order", ("PO-1", None), {"quantity": None, "at": START}),
        ("orders cancel PO-1", "cancel_orders", ("PO-1",), {"product": None, "why": "cancelled by hand"}),
        ("suppliers", "suppliers", (), {}),
        ("stock milk", "stock_book", ("milk",), {}),
        ("impact 2016-01-01 2016-03-31", "impact", (START, END), {"against": None}),
        ("run", "run_day", (), {"at": None}),
        ("run --at 2016-01-01", "run_day", (), {"at": START}),
        ("replay 2016-01-01 2016-03-31", "replay", (START, END), REPLAY),
        (
            "replay 2016-01-01 2016-03-31 --retrain-every-days 28 --out here",
            "replay",
            (START, END),
            REPLAY | {"retrain_every_days": 28.0, "out": Path("here")},
        ),
        ("export orders o.csv", "export", ("orders", Path("o.csv"), "csv"), {"start": None, "end": None}),
        (
            "export forecasts o.txt --format parquet --from 2016-01-01 --to 2016-03-31",
            "export",
            ("forecasts", Path("o.txt"), "parquet"),
            {"start": START, "end": END},
        ),
    ],
)
def test_a_verb_asks_the_project_for_what_was_typed(
    call: Any, project: Any, typed: str, method: str, args: tuple[object, ...], settings: dict[str, object]
) -> None:
    result = call(*typed.split(), "--json")
    assert (result.exit_code, result.stderr, result.stdout) == (0, "", '{"done":true}\n')
    assert project.asked == [(method, args, settings)]


def test_init_makes_a_project_where_it_is_told(call: Any, project: Any) -> None:
    assert call("init", "shop").exit_code == 0
    assert project.asked == [("init", (Path("shop"),), {})]


def test_init_tells_the_next_step(call: Any, project: Any) -> None:
    assert "finalmile ingest sales" in call("init", "shop").stdout


@pytest.mark.parametrize("keep", ["--keep", "--project"])
def test_the_demo_without_a_page_gives_its_summary_and_leaves(
    call: Any, project: Any, tmp_path: Path, keep: str
) -> None:
    result = call("demo", "--no-serve", "--json", "--seed", "3", "--days", "56", keep, str(tmp_path))
    assert (result.exit_code, result.stdout) == (0, '{"done":true}\n')
    assert project.asked == [("demo", (tmp_path,), {"seed": 3, "days": 56})]


def test_the_demo_leaves_no_folder_behind(call: Any, project: Any) -> None:
    call("demo", "--no-serve")
    (_, (folder,), _) = project.asked[0]
    assert not folder.exists()


def every_verb() -> list[str]:
    """All that can be typed, those of groups with their group before them."""
    top = cast("Any", get_command(app)).commands
    return [
        f"{name} {inner}".strip() for name, verb in sorted(top.items()) for inner in getattr(verb, "commands", [""])
    ]


@pytest.mark.parametrize("verb", every_verb())
def test_every_verb_explains_itself_and_takes_the_common_options(call: Any, verb: str) -> None:
    result = call(*verb.split(), "--help")
    assert result.exit_code == 0
    assert {"--project", "--json", "--debug"} <= set(result.stdout.split())


@pytest.mark.parametrize(
    "typed",
    [
        "impact 2016-13-01 2016-03-31",
        "impact yesterday 2016-03-31",
        "impact 2016-01-01T00:00Z 2016-03-31",
        "certify demand@latest",
        "certify demand --quick",
        "certify demand --endpoint --rate 0",
        "certify --compare demand@1",
        "run --every soon",
        "run --every 0d",
        "ingest sales s.csv --column y",
        "ingest sales s.csv --known-at noon",
        "ingest sales s.csv --role brand",
        "ingest sales s.csv --role brand=place",
        "export orders o.xlsx",
        "demo --days 3 --no-serve",
        "train a b c",
        "no-such-verb",
    ],
)
def test_what_cannot_be_read_is_wrong_use(call: Any, project: Any, typed: str) -> None:
    result = call(*typed.split())
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Error: " in result.stderr
    assert project.asked == []


def test_without_a_verb_the_verbs_are_listed(call: Any) -> None:
    shown = call().output
    assert [verb for verb in VERBS if f"  {verb} " not in shown] == []


def test_the_version_is_told(call: Any) -> None:
    assert call("--version").stdout.startswith("finalmile 0.")


def test_an_unknown_order_state_names_the_known_ones(call: Any, project: Any) -> None:
    result = call("orders", "list", "--state", "propsed")
    assert result.exit_code == 2
    assert "no order state is called 'propsed'. Did you mean 'proposed'?" in result.stderr


def test_the_second_of_two_words_alone_is_answered_with_both() -> None:
    from typer.testing import CliRunner

    told = CliRunner().invoke(app, ["answers", "--help"])
    assert told.exit_code == 2
    assert "Did you mean 'finalmile orders answers'?" in told.stderr
