"""Whatever is sent through a real socket to worker and manager: no fault of ours, no hang, no memory that stays."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode

PREDICT = "/v1/models/demand:predict"
PATHS = (PREDICT, "/invocations", "/v2/models/demand/infer", "/v1/models/demand:promote", "/v1/keys", "/v1/batches")
PAGE = b"GET /openapi.json HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
GROWS_MB = 150
GOOD = json.dumps({"features": {"a": 1.0, "b": 2.0, "c": 3.0}}).encode()

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
near = st.fixed_dictionaries(
    {}, optional={"features": values, "unique_id": values, "instances": values, "ds": values, "inputs": values}
)

written = (near | values).map(lambda told: json.dumps(told).encode())


def _send(port: int, path: str, body: bytes, *, method: str = "POST") -> tuple[int, bytes]:
    """The answer; a hang is an error after 20 s."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may refuse before it has read everything
            connection.request(method, path, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _megabytes(endpoint: Any) -> dict[int, float]:
    told = endpoint.pids()
    return {pid: psutil.Process(pid).memory_info().rss / 1e6 for pid in (*told["workers"], told["manager"])}


def _answers(endpoint: Any) -> None:
    status, body = _send(endpoint.port, PREDICT, GOOD)
    assert (status, json.loads(body)["version"]) == (200, 1)


@pytest.mark.slow
@pytest.mark.parametrize("examples", [100, pytest.param(1000, marks=pytest.mark.proof)])
def test_bodies_of_every_kind_make_no_fault_and_leave_no_memory_behind(served: Any, examples: int) -> None:
    endpoint = served()
    _answers(endpoint)
    before, seen = _megabytes(endpoint), set[int]()

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(path=st.sampled_from(PATHS), body=st.binary(max_size=200) | written)
    def send(path: str, body: bytes) -> None:
        status, told = _send(endpoint.port, path, body)
        seen.add(status)
        assert status < 500, (path, body, told)

    send()
    numbers = ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e308")
    for number in numbers:
        status, told = _send(endpoint.port, PREDICT, b'{"features":{"a":%s,"b":1,"c":1}}' % number.encode())
        assert status in (200, 400, 422), told
        assert b"NaN" not in told or status != 200
    row = b'{"features":{"a":1,"b":1,"c":1}},'
    for many in (b'{"instances":[' + row * 1_000_000 + row[:-1] + b"]}", b"a,b,c\n" + b"1,2,3\n" * 1_000_000):
        assert _send(endpoint.port, PREDICT, many)[0] in (400, 413, 422)
    for name in ("nothing", "demand%00", "..%2f..%2fetc", "x" * 3000, "demand@9"):
        assert _send(endpoint.port, f"/v1/models/{name}:predict", GOOD)[0] in (400, 404, 414, 431)
    assert 422 in seen or 400 in seen
    _answers(endpoint)
    after = _megabytes(endpoint)
    assert after.keys() == before.keys()  # nobody died
    assert all(after[pid] - before[pid] < GROWS_MB for pid in before), (before, after)


@pytest.mark.slow
def test_callers_that_write_or_read_slowly_hold_up_nobody(served: Any) -> None:
    endpoint = served()
    _answers(endpoint)
    head = f"POST {PREDICT} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(GOOD)}\r\n\r\n".encode()
    slow = [socket.create_connection(("127.0.0.1", endpoint.port), timeout=20) for _ in range(100)]
    try:
        for at, one in enumerate(slow):
            one.sendall((head + GOOD)[: at * 2] if at % 2 else PAGE * 5)
        began = time.monotonic()
        for _ in range(50):
            _answers(endpoint)
        assert time.monotonic() - began < 10
        whole = slow[61]
        for byte in (head + GOOD)[122:]:
            whole.sendall(bytes([byte]))
            threading.Event().wait(0.002)
        assert whole.recv(4096).startswith(b"HTTP/1.1 200")
    finally:
        for one in slow:
            one.close()
    _answers(endpoint)
    assert "Traceback" not in Path(endpoint.said).read_text()


@pytest.mark.slow
@pytest.mark.parametrize("examples", [2, pytest.param(20, marks=pytest.mark.proof)])
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_made_from_the_document_is_a_fault_of_worker_or_manager(
    served: Any, mode: GenerationMode, examples: int
) -> None:
    endpoint = served()
    base, seen = f"http://127.0.0.1:{endpoint.port}", dict[int, int]()
    schema = schemathesis.openapi.from_dict(json.loads(_send(endpoint.port, "/openapi.json", b"", method="GET")[1]))
    with httpx.Client(timeout=20) as client:
        for found in schema.get_all_operations():

            @settings(
                max_examples=examples, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            @given(case=found.ok().as_strategy(generation_mode=mode))
            def send(case: Any) -> None:
                sent = case.as_transport_kwargs(base_url=base)
                more = {name: sent[name] for name in ("params", "json") if sent.get(name) is not None}
                if sent.get("data") is not None:
                    more["content"] = sent["data"] if isinstance(sent["data"], str | bytes) else repr(sent["data"])
                answer = client.request(sent["method"], sent["url"], **more)
                seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
                assert answer.status_code < 500 or answer.status_code == 503, (sent, answer.text[:500])

            with contextlib.suppress(Unsatisfiable):  # an operation without anything that could be wrong
                send()
    assert sum(seen.values()) > 40, seen
    assert any(status >= 400 for status in seen), seen
    assert _send(endpoint.port, "/healthz", b"", method="GET")[0] == 200
    assert "Traceback" not in Path(endpoint.said).read_text()
