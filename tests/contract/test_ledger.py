"""What every ledger promises."""

from __future__ import annotations

import math
import pickle
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from finalmile.adapters.local.ledger import SqlLedger
from finalmile.errors import (
    BusyError,
    ConflictError,
    CorruptError,
    MissingInputError,
    PermanentError,
    UnknownNameError,
)
from finalmile.ports import Ledger
from finalmile.records import Alert, Certificate, Finding, Incident, LookKept, OrderLine, Version

NOW = datetime(2024, 1, 7, 6, 30, 1, 250, tzinfo=UTC)
FINDING = Finding(
    check="loss", subject="fleet", at=date(2024, 1, 6), value=1.5, benchmark=1.2, effect=0.25, since=date(2024, 1, 1)
)
INCIDENT = Incident(
    incident_id="i1",
    model="demand",
    check="loss",
    subject="fleet",
    severity="warning",
    state="open",
    opened_at=date(2024, 1, 6),
    updated_at=date(2024, 1, 6),
    finding=FINDING,
    actions=("told the planner",),
)
ALERT = Alert(name="loss", severity="warning", summary="worse", labels={"model": "demand"})
LOOK = LookKept(
    run="demand@1 2024-01-06",
    findings=(FINDING,),
    incidents=((INCIDENT, ALERT),),
    states={"judged/demand": b"7"},
    ended={("in force", "demand"): {"version": 1}},
)
LINE = OrderLine(
    order_id="o1",
    line_id="o1-1",
    supplier="acme",
    unique_id="🍎",
    quantity=12,
    unit_cost=0.7,
    currency="EUR",
    ordered_at=date(2024, 1, 7),
    due=date(2024, 1, 14),
    assumed=True,
    reason={"quantile": 11.2, "pack": 6},
)
CERTIFICATE = Certificate(
    model="demand",
    number=1,
    issued_at=NOW,
    holdout_from=date(2023, 12, 1),
    holdout_to=date(2023, 12, 31),
    metrics={"wape": 0.5},
    baseline={"wape": 0.6},
    coverage={"0.98 class 4": None},
    passed=False,
    reasons=("coverage of class 4 is unknown",),
)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def ledger(url: str) -> Iterator[SqlLedger]:
    with SqlLedger(url) as opened:
        yield opened


def trained(ledger: Ledger, digest: str = "d1", *, cutoff: date | datetime = date(2024, 1, 6)) -> Version:
    settings = {"horizon": 28, "quantiles": [0.5, 0.98]}
    return ledger.new_version(
        model="demand", kind="lightgbm", digest=digest, cutoff=cutoff, settings=settings, at=NOW, actor="ann"
    )


def verbs(ledger: Ledger) -> list[str]:
    return [row.verb for row in ledger.audit_rows()]


def test_a_version_comes_back_as_it_was_given(ledger: SqlLedger):
    version = trained(ledger)
    assert version == ledger.version("demand", 1) == ledger.versions("demand")[0]
    assert version.created_at == NOW
    assert version.settings == {"horizon": 28, "quantiles": [0.5, 0.98]}


@pytest.mark.parametrize("cutoff", [date(2024, 1, 6), datetime(2024, 1, 6, 23), datetime(2024, 1, 6)])
def test_a_cutoff_stays_the_date_or_hour_it_was(ledger: SqlLedger, cutoff: date):
    found = trained(ledger, cutoff=cutoff).cutoff
    assert (type(found), found) == (type(cutoff), cutoff)


def test_an_instant_in_another_zone_comes_back_as_the_same_instant_in_utc(ledger: SqlLedger):
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    ledger.audit(actor="ann", verb="note", subject="shop", body={}, at=elsewhere)
    at = ledger.audit_rows()[0].at
    assert at == NOW
    assert at.tzinfo is UTC


def test_the_same_training_again_is_the_same_version(ledger: SqlLedger):
    assert trained(ledger) == trained(ledger)
    assert trained(ledger, "d2").number == 2
    assert verbs(ledger) == ["version.new", "version.new"]


def test_an_unknown_version_is_named_with_those_that_are_known(ledger: SqlLedger):
    trained(ledger)
    with pytest.raises(UnknownNameError, match=r"no version is called 'demand@7'.*Known: demand@1") as caught:
        ledger.version("demand", 7)
    assert pickle.loads(pickle.dumps(caught.value)).name == "demand@7"


def test_a_version_moves_between_states_and_says_why(ledger: SqlLedger):
    version = trained(ledger)
    for _ in range(2):
        moved = ledger.set_version_state(version, "certified", at=NOW, actor="ann", why="it passed")
    assert moved == replace(version, state="certified") == ledger.version("demand", 1)
    assert verbs(ledger) == ["version.new", "version.state"]
    assert ledger.audit_rows(last=1)[0].body == {"from": "trained", "to": "certified", "why": "it passed"}


def test_the_newest_certificate_counts(ledger: SqlLedger):
    trained(ledger)
    assert ledger.certificate("demand", 1) is None
    ledger.add_certificate(CERTIFICATE, actor="ann")
    assert ledger.certificate("demand", 1) == CERTIFICATE
    better = replace(CERTIFICATE, passed=True, reasons=())
    ledger.add_certificate(better, actor="ann")
    assert ledger.certificate("demand", 1) == better


def test_no_certificate_for_a_version_that_is_not_there(ledger: SqlLedger):
    with pytest.raises(UnknownNameError):
        ledger.add_certificate(CERTIFICATE, actor="ann")
    assert ledger.audit_rows() == []


def test_a_deployment_remembers_what_was_live_before(ledger: SqlLedger):
    trained(ledger, "d1")
    trained(ledger, "d2")
    assert ledger.deployment("demand") is None
    first = ledger.deploy("demand", 1, expected=None, at=NOW, actor="ann", why="first")
    second = ledger.deploy("demand", 2, expected=first.token, at=NOW, actor="ann", why="better")
    assert (second.live, second.previous, second.token) == (2, 1, first.token + 1)
    assert ledger.deployment("demand") == second
    again = ledger.deploy("demand", 2, expected=second.token, at=NOW, actor="ann", why="same")
    assert again.previous == 1


@pytest.mark.parametrize("expected", [None, 0, 2])
def test_a_deployment_by_a_stale_token_is_refused(ledger: SqlLedger, expected: int | None):
    trained(ledger)
    live = ledger.deploy("demand", 1, expected=None, at=NOW, actor="ann", why="first")
    with pytest.raises(ConflictError, match="its token is 1"):
        ledger.deploy("demand", 1, expected=expected, at=NOW, actor="bob", why="late")
    assert ledger.deployment("demand") == live
    assert verbs(ledger)[-1:] == ["deploy"]


def test_a_version_that_is_not_there_cannot_go_live(ledger: SqlLedger):
    with pytest.raises(UnknownNameError):
        ledger.deploy("demand", 1, expected=None, at=NOW, actor="ann", why="first")


def test_an_incident_and_its_alert_are_one_write(ledger: SqlLedger):
    ledger.put_incident(INCIDENT, alert=ALERT, actor="monitor")
    assert ledger.incidents() == [INCIDENT]
    ((number, alert),) = ledger.pending_alerts()
    assert alert == ALERT
    for _ in range(2):
        ledger.alert_delivered(number, at=NOW)
    assert ledger.pending_alerts() == []
    assert verbs(ledger) == ["incident.open", "alert.delivered"]


def test_an_incident_that_did_not_change_leaves_no_trace(ledger: SqlLedger):
    ledger.put_incident(INCIDENT, alert=None, actor="monitor")
    ledger.put_incident(INCIDENT, alert=None, actor="monitor")
    assert verbs(ledger) == ["incident.open"]
    over = replace(INCIDENT, state="resolved", updated_at=date(2024, 1, 9))
    ledger.put_incident(over, alert=None, actor="monitor")
    assert verbs(ledger) == ["incident.open", "incident.update"]
    assert ledger.incidents(open_only=True) == []
    assert ledger.incidents(model="demand") == [over]
    assert ledger.incidents(model="other") == []


def test_incidents_come_newest_first(ledger: SqlLedger):
    later = replace(INCIDENT, incident_id="i0", opened_at=date(2024, 1, 8))
    for incident in (INCIDENT, later):
        ledger.put_incident(incident, alert=None, actor="monitor")
    assert ledger.incidents() == [later, INCIDENT]


def test_an_unknown_alert_cannot_be_delivered(ledger: SqlLedger):
    with pytest.raises(MissingInputError, match="no alert number 7"):
        ledger.alert_delivered(7, at=NOW)


def test_findings_are_stored_once_per_run(ledger: SqlLedger):
    ledger.add_findings([FINDING, replace(FINDING, subject="product a")], model="demand", run="monday")
    ledger.add_findings([FINDING], model="demand", run="monday")
    ledger.add_findings([replace(FINDING, value=math.nan)], model="demand", run="tuesday")
    ledger.add_findings([FINDING], model="other", run="monday")
    assert ledger.findings("demand") == [replace(FINDING, value=None)]
    assert [finding.subject for finding in ledger.findings("demand", last_runs=9)] == ["fleet", "product a", "fleet"]
    ledger.add_findings([], model="demand", run="wednesday")
    assert ledger.findings("demand") == []


def test_what_a_look_brought_is_kept_together(ledger: SqlLedger):
    ledger.save_state("loss/demand@1", b"old")
    ledger.keep_look(replace(LOOK, forgotten=("loss/demand@1", "nowhere")), model="demand", at=NOW, actor="monitor")
    assert ledger.load_state("loss/demand@1") is None
    assert ledger.findings("demand") == [FINDING]
    assert ledger.incidents() == [INCIDENT]
    assert [alert for _, alert in ledger.pending_alerts()] == [ALERT]
    assert ledger.load_state("judged/demand") == b"7"
    assert ledger.run_done("in force", "demand") == {"version": 1}
    ledger.verify_audit()


def test_a_look_that_cannot_be_kept_whole_leaves_nothing(ledger: SqlLedger):
    broken = replace(LOOK, ended={("in force", "demand"): {"version": object()}})
    with pytest.raises(TypeError):
        ledger.keep_look(broken, model="demand", at=NOW, actor="monitor")
    assert ledger.findings("demand") == []
    assert ledger.incidents() == []
    assert ledger.pending_alerts() == []
    assert ledger.load_state("judged/demand") is None


def test_an_order_line_comes_back_as_it_was_given(ledger: SqlLedger):
    assert ledger.put_orders([LINE], at=NOW, actor="ann") == 1
    assert ledger.orders() == [LINE]


def test_a_rerun_never_orders_twice_nor_undoes_what_happened_since(ledger: SqlLedger):
    ledger.put_orders([LINE], at=NOW, actor="ann")
    ledger.set_order_state("o1", "approved", at=NOW, actor="ann", why="looks right")
    ledger.set_order_state("o1", "sent", at=NOW, actor="ann", why="sent by ann")
    assert ledger.put_orders([replace(LINE, quantity=99), replace(LINE, line_id="o1-2")], at=NOW, actor="ann") == 1
    assert [(line.line_id, line.quantity, line.state) for line in ledger.orders()] == [
        ("o1-1", 12, "sent"),
        ("o1-2", 12, "proposed"),
    ]
    assert verbs(ledger) == ["orders.put", "order.state", "order.state", "orders.put"]


def test_thousands_of_order_lines_are_put_at_once(ledger: SqlLedger):
    lines = [replace(LINE, line_id=f"l{number:05d}") for number in range(2500)]
    assert ledger.put_orders(lines[:1200], at=NOW, actor="ann") == 1200
    assert ledger.put_orders(lines, at=NOW, actor="ann") == 1300
    assert len(ledger.orders()) == 2500


def test_orders_are_found_by_order_supplier_product_and_id_and_in_pages(ledger: SqlLedger):
    rows = [
        replace(LINE, line_id=f"l{k}", order_id=f"o{k // 3}", supplier="ab"[k % 2], unique_id=f"item-{k % 4}")
        for k in range(9)
    ]
    ledger.put_orders(rows, at=NOW, actor="ann")
    assert ledger.orders(order="o1") == rows[3:6]
    assert ledger.orders(supplier="a", product="item-2") == [rows[2], rows[6]]
    assert ledger.orders(lines=["l7", "l1", "l99"]) == [rows[1], rows[7]]
    assert ledger.orders(limit=4, offset=4) == rows[4:8]
    assert ledger.orders(limit=2, newest_first=True) == [rows[8], rows[7]]
    assert ledger.order_counts() == {(LINE.state, "a"): 5, (LINE.state, "b"): 4}
    assert ledger.order_counts(product="item-3") == {(LINE.state, "b"): 2}


def test_orders_are_found_by_state_and_date(ledger: SqlLedger):
    later = replace(LINE, order_id="o2", line_id="o2-1", ordered_at=date(2024, 2, 1), state="sent")
    ledger.put_orders([later, LINE], at=NOW, actor="ann")
    assert ledger.orders() == [LINE, later]
    assert ledger.orders(since=date(2024, 2, 1)) == [later]
    assert ledger.orders(states=["sent", "late"]) == [later]
    assert ledger.orders(states=["late"]) == []


def test_an_unknown_order_cannot_change_state(ledger: SqlLedger):
    with pytest.raises(MissingInputError, match="no order is called 'o9'"):
        ledger.set_order_state("o9", "sent", at=NOW, actor="ann", why="")


def test_a_detector_finds_its_state_again(ledger: SqlLedger):
    assert ledger.load_state("loss") is None
    for blob in (b"", b"\x00\xff" * 1000):
        ledger.save_state("loss", blob)
        assert ledger.load_state("loss") == blob


def test_finished_work_is_known_to_the_next_run(ledger: SqlLedger):
    assert ledger.run_done("cycle", "2024-01-07") is None
    for _ in range(2):
        ledger.finish_run("cycle", "2024-01-07", {"rows": 3, "files": ("a", "b")}, at=NOW)
    assert ledger.run_done("cycle", "2024-01-07") == {"rows": 3, "files": ["a", "b"]}
    assert verbs(ledger) == ["run.finish"]


def test_everything_is_there_after_it_is_closed_and_opened_again(url: str):
    with SqlLedger(url) as ledger:
        trained(ledger)
        ledger.put_incident(INCIDENT, alert=ALERT, actor="monitor")
    with SqlLedger(url) as ledger:
        assert len(ledger.versions()) == len(ledger.incidents()) == len(ledger.pending_alerts()) == 1
        ledger.verify_audit()


def test_the_last_audit_rows_come_oldest_first(ledger: SqlLedger):
    for verb in ("a", "b", "c"):
        ledger.audit(actor="ann", verb=verb, subject="shop", body={"n": 1}, at=NOW)
    assert [(row.sequence, row.verb) for row in ledger.audit_rows(last=2)] == [(2, "b"), (3, "c")]


@pytest.mark.parametrize("change", ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit"])
def test_the_engine_itself_refuses_to_change_audit_rows(ledger: SqlLedger, tmp_path: Path, change: str):
    ledger.audit(actor="ann", verb="note", subject="shop", body={}, at=NOW)
    raw = sqlite3.connect(tmp_path / "ledger.db")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        raw.execute(change)
    raw.close()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE audit SET body = '{\"n\":9}' WHERE sequence = 2", "audit row 2"),
        ("UPDATE audit SET at = '2020-01-01 00:00:00.000000' WHERE sequence = 1", "audit row 1"),
        ("DELETE FROM audit WHERE sequence = 2", "audit row 2"),
        ("DELETE FROM audit WHERE sequence = 3", "rows after 2"),
    ],
)
def test_a_changed_or_missing_audit_row_is_found_and_named(ledger: SqlLedger, tmp_path: Path, change: str, named: str):
    for number in range(3):
        ledger.audit(actor="ann", verb="note", subject="shop", body={"n": number}, at=NOW)
    ledger.verify_audit()
    raw = sqlite3.connect(tmp_path / "ledger.db")
    raw.executescript(f"DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; {change}")
    raw.close()
    with pytest.raises(CorruptError, match=named):
        ledger.verify_audit()


def test_a_project_of_a_newer_finalmile_is_refused(url: str, tmp_path: Path):
    SqlLedger(url).close()
    raw = sqlite3.connect(tmp_path / "ledger.db")
    raw.execute("UPDATE meta SET value = '999'")
    raw.commit()
    raw.close()
    with pytest.raises(PermanentError, match=r"schema 999.*Install a newer finalmile"):
        SqlLedger(url)


def test_a_file_that_is_no_database_is_refused(url: str, tmp_path: Path):
    (tmp_path / "ledger.db").write_bytes(b"unique_id,ds,y\n" * 1000)
    with pytest.raises(CorruptError, match="is damaged"):
        SqlLedger(url)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(PermanentError, match="Check that the folder is there"):
        SqlLedger(f"sqlite:///{tmp_path}/nowhere/ledger.db")


def test_a_writer_that_waits_too_long_says_so_and_readers_go_on(ledger: SqlLedger, url: str):
    trained(ledger)
    with SqlLedger(url, busy_timeout_s=0.01) as other, ledger.database.writing():
        assert len(other.versions()) == 1
        with pytest.raises(BusyError, match="another process holds the write lock"):
            other.save_state("loss", b"")


def test_a_failed_write_leaves_nothing_behind(ledger: SqlLedger):
    trained(ledger)
    with pytest.raises(TypeError, match="cannot be kept as JSON"):
        ledger.finish_run("cycle", "k", {"bad": object()}, at=NOW)
    assert ledger.run_done("cycle", "k") is None
    ledger.verify_audit()
