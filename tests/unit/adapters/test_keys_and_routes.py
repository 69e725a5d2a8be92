"""API keys and routes in the ledger, also in one that an older finalmile made."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from finalmile.adapters.local.changes import Changes
from finalmile.adapters.local.ledger import SqlLedger
from finalmile.errors import UnknownNameError
from finalmile.records import ApiKey, Beside, RouteRule

NOW = datetime(2024, 1, 7, 6, 30, tzinfo=UTC)
KEY = ApiKey(prefix="fm_ab", sha256="0" * 64, role="operator", name="ci", created_at=NOW, models=("demand",))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


def _version(ledger: SqlLedger, digest: str = "d" * 64) -> int:
    made = ledger.new_version(
        model="demand", kind="tsb", digest=digest, cutoff=date(2024, 1, 1), settings={}, at=NOW, actor="t"
    )
    return made.number


def test_a_key_comes_back_as_it_was_given(url: str):
    with SqlLedger(url) as ledger:
        ledger.add_key(replace(KEY, expires_at=NOW + timedelta(days=1)), actor="ann")
        assert ledger.keys() == [replace(KEY, expires_at=NOW + timedelta(days=1))]


def test_the_audit_trail_names_a_key_and_never_its_hash(url: str):
    with SqlLedger(url) as ledger:
        ledger.add_key(replace(KEY, sha256="feed" * 16), actor="ann")
        (row,) = ledger.audit_rows()
        assert (row.verb, row.subject) == ("key.new", "fm_ab")
        assert "feed" not in str(row.body)


def test_a_revoked_key_stays_revoked_since_then(url: str):
    with SqlLedger(url) as ledger:
        ledger.add_key(KEY, actor="ann")
        ledger.revoke_key("fm_ab", at=NOW, actor="ann")
        assert ledger.revoke_key("fm_ab", at=NOW + timedelta(days=1), actor="ann").revoked_at == NOW
        assert not ledger.keys()[0].usable(NOW)


def test_an_unknown_key_cannot_be_revoked(url: str):
    with SqlLedger(url) as ledger, pytest.raises(UnknownNameError, match="no key is called 'fm_zz'"):
        ledger.revoke_key("fm_zz", at=NOW, actor="ann")


def test_a_use_is_noted_once_a_minute(url: str):
    with SqlLedger(url) as ledger:
        ledger.add_key(KEY, actor="ann")
        for seconds in (0, 30, 61):
            ledger.key_used("fm_ab", at=NOW + timedelta(seconds=seconds))
        assert ledger.keys()[0].last_used_at == NOW + timedelta(seconds=61)
        ledger.key_used("fm_ab", at=NOW)
        ledger.key_used("never made", at=NOW)
        assert ledger.keys()[0].last_used_at == NOW + timedelta(seconds=61)


def test_a_key_expires_at_its_instant():
    key = replace(KEY, expires_at=NOW)
    assert key.usable(NOW - timedelta(microseconds=1))
    assert not key.usable(NOW)


def test_a_route_nobody_gave_answers_with_the_live_version_and_durably(url: str):
    with SqlLedger(url) as ledger:
        assert ledger.route("demand") == RouteRule(model="demand")


def test_a_route_comes_back_as_it_was_given_and_the_audit_says_what_it_was(url: str):
    with SqlLedger(url) as ledger:
        number = _version(ledger)
        rule = RouteRule(model="demand", beside=(Beside(number=number, share=0.1),), shadow=number, durable=False)
        ledger.set_route(rule, at=NOW, actor="ann", why="try it")
        assert ledger.route("demand") == rule
        body = ledger.audit_rows()[-1].body
        assert body["why"] == "try it"
        ledger.set_route(rule, at=NOW, actor="ann", why="again")
        assert ledger.audit_rows()[-1].body == body


def test_a_route_to_a_version_that_is_not_there_changes_nothing(url: str):
    with SqlLedger(url) as ledger:
        with pytest.raises(UnknownNameError):
            ledger.set_route(RouteRule(model="demand", shadow=9), at=NOW, actor="ann", why="")
        assert ledger.audit_rows() == []


def test_a_ledger_of_the_first_schema_gets_the_new_tables_and_keeps_what_it_held(url: str, tmp_path: Path):
    with SqlLedger(url) as ledger:
        number = _version(ledger)
    with sqlite3.connect(tmp_path / "ledger.db") as raw:
        raw.execute("DROP TABLE keys")
        raw.execute("DROP TABLE routes")
        raw.execute("UPDATE meta SET value = '1' WHERE name = 'schema'")
    raw.close()
    with SqlLedger(url) as ledger:
        assert ledger.version("demand", number).kind == "tsb"
        ledger.add_key(KEY, actor="ann")
        ledger.verify_audit()
    with SqlLedger(url) as ledger:
        assert ledger.keys() == [KEY]


def test_a_commit_of_another_connection_is_noticed_once(url: str, tmp_path: Path):
    with SqlLedger(url) as ledger, Changes(tmp_path / "ledger.db") as changes:
        assert changes.any()
        assert not changes.any()
        _version(ledger)
        assert changes.any()
        assert not changes.any()
        ledger.versions()
        assert not changes.any()
