"""Requests made from the OpenAPI document, right ones and wrong ones: nothing is ever a fault of ours."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode

from finalmile.web.api.app import described
from finalmile.web.api.fast_paths import PATHS
from finalmile.web.api.policy import policies


def _own(app: FastAPI) -> dict[str, Any]:
    """The document without what workers answer."""
    told = described(app)
    return {**told, "paths": {path: shown for path, shown in told["paths"].items() if path not in PATHS}}


def test_the_document_describes_every_route_and_what_workers_answer(door: Any):
    told = door.ask("GET", "/openapi.json").json()
    for method, path, _ in policies(door.app):
        assert method.lower() in told["paths"][path], (method, path)
    for path in ("/v1/models/{name}:predict", "/invocations", "/v2/models/{name}/infer", "/ping"):
        assert path in told["paths"]
    assert told["openapi"].startswith("3.")


def test_every_operation_documents_its_errors(door: Any):
    for path, operations in _own(door.app)["paths"].items():
        for method, shown in operations.items():
            assert {"401", "403", "422"} <= shown["responses"].keys(), (method, path)


@pytest.mark.slow
@pytest.mark.parametrize("examples", [4, pytest.param(30, marks=pytest.mark.proof)])
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_made_from_the_document_is_a_fault_of_ours(door: Any, mode: GenerationMode, examples: int):
    for text in "ab":
        door.version(text, live=True)
    door.project.create_key("till")
    schema = schemathesis.openapi.from_dict(_own(door.app))
    seen: dict[int, int] = {}
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case: Any) -> None:
            sent = case.as_transport_kwargs(base_url="http://127.0.0.1:8766")
            more = {name: sent[name] for name in ("params", "json") if sent.get(name) is not None}
            if sent.get("data") is not None:
                more["content"] = sent["data"] if isinstance(sent["data"], str | bytes) else repr(sent["data"])
            headers = {k: str(v) for k, v in dict(sent.get("headers") or {}).items() if str(v).isprintable()}
            headers = {k: v for k, v in headers.items() if k.lower() not in ("host", "authorization", "x-api-key")}
            path = sent["url"].removeprefix("http://127.0.0.1:8766")
            answer = door.ask(sent["method"], path, headers=headers, **more)
            seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
            assert answer.status_code < 500 or answer.status_code == 503, (sent, answer.text[:500])
            if answer.status_code >= 400:
                assert answer.json()["error"]["message"]

        with contextlib.suppress(Unsatisfiable):  # an operation without anything that could be wrong
            send()
    assert sum(seen.values()) > 50
    assert any(status >= 400 for status in seen), seen
