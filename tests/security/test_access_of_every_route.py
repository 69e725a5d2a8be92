"""Who may call what: walked over every route, so that a new one cannot be forgotten."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI

from finalmile.errors import PermanentError
from finalmile.serving.access import PERMISSIONS
from finalmile.web.api.policy import Requires, check_policies, policies

SAMPLE = {
    "name": "demand", "number": "1", "incident_id": "0123456789ab", "batch_id": "0" * 32, "prefix": "fm_00",
    "order_id": "PO-1",
}  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND")


def _filled(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: SAMPLE[found[1]], path)


def _routes(door: Any) -> list[tuple[str, str, str]]:
    found = [(method, _filled(path), asked) for method, path, asked in policies(door.app)]
    assert len(found) > 20
    return found


def test_every_route_says_who_may_call_it(door: Any):
    assert [path for _, path, asked in policies(door.app) if asked is None] == []


def test_an_app_with_a_route_for_whoever_comes_is_refused():
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/fine")
    def fine(_: Annotated[object, Depends(Requires("read"))]) -> None: ...

    check_policies(app)

    @app.get("/bare")
    def bare() -> None: ...

    with pytest.raises(PermanentError, match="GET /bare"):
        check_policies(app)


def test_no_route_answers_without_a_key_where_one_is_asked_for(locked: Any):
    for _, path, _ in _routes(locked):
        for method in METHODS:
            answer = locked.ask(method, path, json={})
            assert answer.status_code == 401, (method, path, answer.text)
            assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("role", sorted(PERMISSIONS))
def test_each_role_may_do_what_it_may_and_nothing_else(locked: Any, key: Any, role: str):
    locked.version("a", live=True)
    secret = key(role)
    for method, path, asked in _routes(locked):
        refused = locked.ask(method, path, key=secret, json={}).status_code == 403
        assert refused == (asked not in PERMISSIONS[role]), (role, method, path)


def test_a_method_that_a_route_does_not_have_is_not_allowed_to_anybody(locked: Any, key: Any):
    secret = key("admin")
    known = {(method, path) for method, path, _ in _routes(locked)}
    paths = {path for _, path in known}
    for path in paths:
        for method in METHODS:
            if (method, path) not in known:
                status = locked.ask(method, path, key=secret, json={}).status_code
                assert status in (404, 405), (method, path, status)


def test_a_key_of_one_model_reaches_no_other(locked: Any, key: Any):
    for model in ("demand", "secretive"):
        locked.version("a", model, live=True)
    secret = key("admin", models=["demand"])
    listed = locked.ask("GET", "/v1/models", key=secret).json()["models"]
    assert [one["name"] for one in listed] == ["demand"]
    for method, path, _ in policies(locked.app):
        if "{name}" in path:
            filled = _filled(path.replace("{name}", "secretive"))
            answer = locked.ask(method, filled, key=secret, json={})
            assert answer.status_code == 403, (method, path)


def test_an_admin_of_one_model_manages_no_keys(locked: Any, key: Any):
    secret, other = key("admin", models=["demand"]), key("viewer")
    prefix = other.partition(".")[0]
    assert locked.ask("GET", "/v1/keys", key=secret).status_code == 403
    assert locked.ask("GET", "/v1/audit", key=secret).status_code == 403
    assert locked.ask("POST", f"/v1/keys/{prefix}/revoke", key=secret).status_code == 403
    assert locked.ask("GET", "/v1/models", key=other).status_code == 200


def test_incidents_and_batches_of_a_model_out_of_reach_are_not_there(locked: Any, key: Any):
    from finalmile.web.batches import Job
    from finalmile.workflows.quarantine import quarantine

    locked.version("a", "secretive", live=True)
    locked.version("a", "demand", live=True)
    told = quarantine(locked.project.shop, "secretive", 1, strikes=3, why="x")
    assert told is not None
    batches = locked.app.state.desk.batches
    batch_id, _ = batches.prepare()
    batches.submit(Job(batch_id=batch_id, model="secretive", number=1, form="csv", actor="a", created_at="2024-01-01"))
    mine, others = key("admin", models=["demand"]), key("admin")
    for path in (f"/v1/incidents/{told.incident.incident_id}", f"/v1/batches/{batch_id}"):
        assert locked.ask("GET", path, key=mine).status_code == 404
        assert locked.ask("GET", path, key=others).status_code == 200
    assert locked.ask("GET", "/v1/incidents", key=mine).json() == {"incidents": []}
    assert locked.ask("GET", "/v1/batches", key=mine).json() == {"batches": []}
    hint = locked.ask("GET", "/v1/incidents/ffffffffffff", key=mine).text
    assert told.incident.incident_id not in hint


@pytest.mark.parametrize("spoiled", ["expired", "revoked", "changed", "cut", "prefix", "other scheme", "empty"])
def test_a_key_that_is_not_in_force_opens_nothing(locked: Any, key: Any, spoiled: str):
    secret = key("admin", **({"lasts": timedelta(seconds=-1)} if spoiled == "expired" else {}))
    if spoiled == "revoked":
        locked.project.revoke_key(secret)
    sent = {
        "changed": f"Bearer {secret[:-1]}{'0' if secret[-1] != '0' else '1'}",
        "cut": f"Bearer {secret[:-1]}",
        "prefix": f"Bearer {secret.partition('.')[0]}",
        "other scheme": f"Basic {secret}",
        "empty": "Bearer ",
    }.get(spoiled, f"Bearer {secret}")
    answer = locked.ask("GET", "/v1/models", headers={"authorization": sent})
    assert answer.status_code == 401
    known = {"expired": "expired_key", "revoked": "revoked_key"}.get(spoiled, "unknown_key")
    assert answer.json()["error"]["code"] == known
    assert "finalmile keys create NAME" in answer.json()["error"]["message"]


@pytest.mark.parametrize("spoiled", ["expired", "revoked"])
def test_only_the_whole_key_is_told_how_it_ended(locked: Any, key: Any, spoiled: str):
    secret = key("admin", **({"lasts": timedelta(seconds=-1)} if spoiled == "expired" else {}))
    if spoiled == "revoked":
        locked.project.revoke_key(secret)
    prefix = secret.partition(".")[0]
    told = locked.ask("GET", "/v1/models", key=f"{prefix}.{'0' * 64}").json()["error"]
    never = locked.ask("GET", "/v1/models", key=f"fm_000000000000.{'0' * 64}").json()["error"]
    assert told == never
    assert "--role admin" in locked.ask("GET", "/v1/models", key=secret).json()["error"]["message"]


def test_a_wrong_key_is_refused_also_where_none_is_asked_for(door: Any):
    assert door.ask("GET", "/v1/models", key="fm_00.wrong").status_code == 401
    assert door.ask("GET", "/v1/models").status_code == 200


def test_a_key_may_also_come_in_its_own_header(locked: Any, key: Any):
    assert locked.ask("GET", "/v1/models", headers={"x-api-key": key("viewer")}).status_code == 200


def test_every_call_leaves_one_audit_row_with_who_asked(locked: Any, key: Any):
    secret = key("viewer")
    for method, path, status in (("GET", "/v1/models", 200), ("GET", "/v1/nothing", 404), ("GET", "/v1/keys", 403)):
        before = len(locked.project.ledger.audit_rows())
        assert locked.ask(method, path, key=secret).status_code == status
        (row,) = locked.project.ledger.audit_rows()[before:]
        assert (row.actor, row.verb, row.subject) == (f"key:{secret.partition('.')[0]}", f"api {method}", path)
        assert row.body["status"] == status
    locked.project.ledger.verify_audit()


def test_a_thousand_guesses_leave_a_few_audit_rows_that_count_them(locked: Any):
    for at in range(50):
        locked.ask("GET", "/v1/models", key=f"fm_{at:02x}.guess")
    rows = [row for row in locked.project.ledger.audit_rows() if row.verb == "api GET refused"]
    assert 1 <= len(rows) <= 25


def test_the_last_use_of_a_key_is_known(locked: Any, key: Any):
    secret = key("viewer")
    locked.ask("GET", "/v1/models", key=secret)
    assert locked.project.keys().rows[0].last_used_at is not None
