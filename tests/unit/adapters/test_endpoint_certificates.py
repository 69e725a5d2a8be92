"""Endpoint certificates in the ledger, also in one that an older finalmile made."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from finalmile.adapters.local.ledger import SqlLedger
from finalmile.errors import UnknownNameError
from finalmile.records import EndpointCertificate

NOW = datetime(2024, 1, 7, 6, 30, tzinfo=UTC)
MEASURED = EndpointCertificate(
    model="demand", number=1, issued_at=NOW, digest="d" * 64, kind="lightgbm", features=30, machine="one of two cores",
    rows=256, rows_digest="e" * 64, durable=True, rate=500.0, connections=16, window_s=10.0, requests=15_000,
    windows={"p50": [1.0, 1.1]}, intervals={"p50": [1.05, 0.9, 1.2]}, level=0.99, target_ms=50.0, sustained=900.0,
    stopped="settled", passed=True, ladder=[[500.0, 3.0, 0.0]], labels=("weak",), metrics={"wape": 0.3, "fva": None},
)  # fmt: skip


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


def _version(ledger: SqlLedger, digest: str = "d" * 64) -> None:
    ledger.new_version(
        model="demand", kind="tsb", digest=digest, cutoff=date(2024, 1, 1), settings={}, at=NOW, actor="t"
    )


def test_a_certificate_comes_back_as_it_was_given(url: str) -> None:
    with SqlLedger(url) as ledger:
        _version(ledger)
        ledger.add_endpoint_certificate(MEASURED, actor="ann")
        assert ledger.endpoint_certificates("demand", 1) == [MEASURED]


def test_certificates_come_oldest_first_and_by_version(url: str) -> None:
    with SqlLedger(url) as ledger:
        _version(ledger)
        _version(ledger, "f" * 64)
        for number, rate in ((1, 1.0), (2, 2.0), (1, 3.0)):
            ledger.add_endpoint_certificate(replace(MEASURED, number=number, rate=rate), actor="ann")
        assert [one.rate for one in ledger.endpoint_certificates("demand", 1)] == [1.0, 3.0]
        assert [one.rate for one in ledger.endpoint_certificates()] == [1.0, 2.0, 3.0]
        assert ledger.endpoint_certificates("other") == []


def test_the_audit_trail_tells_of_a_certificate(url: str) -> None:
    with SqlLedger(url) as ledger:
        _version(ledger)
        ledger.add_endpoint_certificate(MEASURED, actor="ann")
        row = ledger.audit_rows()[-1]
        assert (row.verb, row.subject, row.body["sustained"]) == ("version.endpoint_certificate", "demand@1", 900.0)


def test_a_version_that_is_not_there_cannot_be_certified(url: str) -> None:
    with SqlLedger(url) as ledger, pytest.raises(UnknownNameError, match="no version is called 'demand@1'"):
        ledger.add_endpoint_certificate(MEASURED, actor="ann")


def test_a_ledger_of_the_second_schema_gets_the_table_and_keeps_what_it_held(url: str, tmp_path: Path) -> None:
    with SqlLedger(url) as ledger:
        _version(ledger)
    with sqlite3.connect(tmp_path / "ledger.db") as raw:
        raw.execute("DROP TABLE endpoint_certificates")
        raw.execute("UPDATE meta SET value = '2' WHERE name = 'schema'")
    raw.close()
    with SqlLedger(url) as ledger:
        assert ledger.endpoint_certificates() == []
        ledger.add_endpoint_certificate(MEASURED, actor="ann")
        assert len(ledger.versions()) == 1
