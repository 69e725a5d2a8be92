"""Requests carried to the manager and back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from finalmile.web.bodies import GoneError
from finalmile.web.relay import PROOF, SECRET, Relay
from finalmile.web.replies import RefusedError

SCOPE = {
    "method": "POST",
    "raw_path": b"/v1/keys",
    "query_string": b"a=1",
    "headers": [(b"host", b"localhost"), (b"connection", b"keep-alive"), (b"authorization", b"Bearer x")],
}
WHOLE = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\nx-a: b\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n1\r\n!\r\n0\r\n\r\n"


def _asked(tmp_path: Path, answer: bytes, **settings: Any) -> tuple[list[dict[str, Any]], bytes]:
    sent: list[dict[str, Any]] = []
    seen: list[bytes] = []

    async def manager(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head + await reader.readexactly(4))
        if answer:
            writer.write(answer)
        else:
            await reader.read()
        writer.close()
        await writer.wait_closed()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def run() -> None:
        async with await asyncio.start_unix_server(manager, tmp_path / "m.sock"):
            await Relay(tmp_path / "m.sock", **settings).ask(SCOPE, b"body", send)

    asyncio.run(run())
    return sent, seen[0]


@pytest.mark.parametrize(("answer", "status", "body"), [(WHOLE, 201, b"ok"), (CHUNKED, 200, b"ok!")])
def test_an_answer_comes_back_as_the_manager_gave_it(tmp_path: Path, answer: bytes, status: int, body: bytes) -> None:
    sent, seen = _asked(tmp_path, answer)
    assert sent[0]["status"] == status
    assert b"".join(message.get("body", b"") for message in sent[1:]) == body
    assert seen.startswith(b"POST /v1/keys?a=1 HTTP/1.1\r\n")
    assert b"authorization: Bearer x" in seen
    assert b"keep-alive" not in seen


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_an_answer_without_a_body_ends_with_its_head_whatever_length_it_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, status: int
) -> None:
    monkeypatch.setitem(SCOPE, "method", method)
    sent, _ = _asked(tmp_path, b"HTTP/1.1 %d So\r\ncontent-length: 10\r\n\r\n" % status)
    assert [message.get("status") for message in sent] == [status, None]


def test_an_answer_that_breaks_off_after_its_head_is_given_no_second_head(tmp_path: Path) -> None:
    with pytest.raises(GoneError):
        _asked(tmp_path, b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\ncont", b"nonsense\r\n\r\n", b""])
def test_a_manager_that_does_not_answer_is_told_apart_from_a_bad_request(tmp_path: Path, answer: bytes) -> None:
    with pytest.raises(RefusedError) as refused:
        _asked(tmp_path, answer, seconds=0.05)
    assert refused.value.status == 503


def test_without_a_manager_callers_come_again(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="manager is not there"):
        asyncio.run(Relay(tmp_path / "none.sock").ask(SCOPE, b"", None))  # type: ignore[arg-type]  # never called


def test_the_manager_is_shown_the_supervisors_secret_and_never_one_that_a_caller_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET, "ours")
    monkeypatch.setitem(SCOPE, "headers", [(PROOF, b"forged")])
    _, seen = _asked(tmp_path, WHOLE)
    assert [line for line in seen.split(b"\r\n") if line.startswith(PROOF)] == [PROOF + b": ours"]
