"""Errors of the API say what was wrong, where, and how to mend it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from finalmile.project import Project
from finalmile.records import EndpointCertificate


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({"number": "x"}, {"body.number": "must be a whole number"}),
        ({"number": 0}, {"body.number": "must be at least 1"}),
        ({"why": ""}, {"body.why": "must have at least 1 character"}),
        ({"forced": 1}, {"body.forced": "is not known here; leave it out, or see the names in /openapi.json"}),
        ({"force": "perhaps"}, {"body.force": "must be true or false"}),
        (None, {"body": "is missing; give it"}),
        ([], {"body": 'must be a JSON object such as {"why": "canary did well"}, sent as application/json'}),
    ],
)
def test_a_body_that_cannot_be_used_is_told_in_words_of_our_own(door: Any, body: Any, faults: dict[str, str]) -> None:
    door.version("a")
    sent = {} if body is None else {"json": body}
    error = door.ask("POST", "/v1/models/demand/promote", **sent).json()["error"]
    assert {one["where"]: one["message"] for one in error["faults"]} == faults
    assert error["where"] == next(iter(faults))


@pytest.mark.parametrize(
    ("path", "close"),
    [
        ("/v1/modles", "/v1/models"),
        ("/v1/models/demand/certificate", "/v1/models/demand/certificates"),
        ("/v1/models/demand:predicts", "/v1/models/demand:predict"),
        ("/v1/models/demand/predict", "/v1/models/demand:predict"),
        ("/invocation", "/invocations"),
        ("/v1/batch", "/v1/batches"),
    ],
)
def test_a_mistyped_path_is_told_the_one_that_is_close(door: Any, path: str, close: str) -> None:
    answer = door.ask("GET", path)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == f"there is no {path}. Did you mean {close}?"
    if ":" in path:
        assert door.ask("POST", path, json={}).status_code == 404
    assert "/openapi.json" in door.ask("GET", "/nowhere/near").json()["error"]["message"]


def test_a_batch_sent_with_curls_own_content_type_is_told_how_to_send_it(door: Any) -> None:
    door.version("a", live=True)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = door.ask("POST", "/v1/models/demand/batches", content=b"{}", headers=headers)
    assert answer.status_code == 415
    assert "--data-binary" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("role", "told"), [("operator", "an operator may"), ("planner", "a planner may")])
def test_a_role_that_is_too_small_is_named_with_its_article(locked: Any, key: Any, role: str, told: str) -> None:
    answer = locked.ask("GET", "/v1/keys", key=key(role))
    assert (answer.status_code, told in answer.json()["error"]["message"]) == (403, True)


def test_a_wrong_method_is_told_the_right_one(door: Any) -> None:
    answer = door.ask("DELETE", "/v1/models")
    assert (answer.status_code, answer.json()["error"]["message"]) == (405, "use GET here")


def test_a_project_without_models_is_told_how_to_make_one(door: Any) -> None:
    told = door.ask("GET", "/v1/models/demand").json()["error"]["message"]
    assert told.endswith("Make one: finalmile train MODEL, or finalmile register MODEL; then finalmile promote MODEL")
    door.version("a", model="other")
    assert "register" not in door.ask("GET", "/v1/models/demand").json()["error"]["message"]


def test_a_batch_of_a_model_that_is_not_live_says_how_it_becomes_so(door: Any) -> None:
    door.version("a")
    answer = door.ask("POST", "/v1/models/demand/batches", json={})
    assert "Run: finalmile promote demand" in answer.json()["error"]["message"]


def test_certificates_of_speed_stand_beside_those_of_accuracy(door: Any) -> None:
    version = door.version("a")
    told = EndpointCertificate(
        model="demand", number=1, issued_at=datetime(2024, 1, 7, tzinfo=UTC), digest=version.digest, kind="tsb",
        features=3, machine="one of two cores", rows=256, rows_digest="e" * 64, durable=True, rate=500.0,
        connections=16, window_s=10.0, requests=15_000, windows={"p50": [1.0]}, intervals={"p50": [1.0, 0.9, 1.2]},
        level=0.99, target_ms=50.0, sustained=900.0, stopped="settled", passed=True,
    )  # fmt: skip
    door.project.ledger.add_endpoint_certificate(told, actor="t")
    answer = door.ask("GET", "/v1/models/demand/certificates").json()
    assert answer["certificates"] == []
    assert [(one["number"], one["sustained"]) for one in answer["endpoint"]] == [(1, 900.0)]


def test_a_promotion_through_the_api_keeps_what_the_endpoint_looks_up(
    door: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []
    door.version("a")
    monkeypatch.setattr(Project, "_look_up_online", lambda _, model: kept.append(model))
    assert door.ask("POST", "/v1/models/demand/promote", json={"force": True}).status_code == 200
    assert kept == ["demand"]
