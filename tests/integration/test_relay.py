"""Requests carried to the manager and back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from finalmile.serving.board import Limits
from finalmile.web import relay
from finalmile.web.bodies import GoneError
from finalmile.web.relay import PROOF, Relay
from finalmile.web.replies import RefusedError
from finalmile.web.serve_settings import SECRET
from finalmile.web.uploads import MOST, PATIENCE, SILENCE_S, Upload

SCOPE = {
    "method": "POST",
    "raw_path": b"/v1/keys",
    "query_string": b"a=1",
    "headers": [
        (b"host", b"localhost"),
        (b"connection", b"keep-alive"),
        (b"authorization", b"Bearer x"),
        (b"content-length", b"4"),
    ],
}
WHOLE = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\nx-a: b\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n1\r\n!\r\n0\r\n\r\n"


def _upload(*pieces: bytes, scope: dict[str, Any] = SCOPE, end: str = "", usual: int = 100) -> Upload:
    """A body that comes in pieces, and after them goes on (``more``) or breaks off (``gone``)."""
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    if not end:
        messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        if end == "gone":
            return {"type": "http.disconnect"}
        await asyncio.Event().wait()
        raise AssertionError

    return Upload(scope, receive, usual=usual)


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
            await Relay(tmp_path / "m.sock", **settings).ask(SCOPE, _upload(b"bo", b"dy"), send)

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
        asyncio.run(Relay(tmp_path / "none.sock").ask(SCOPE, _upload(), None))  # type: ignore[arg-type]  # never called


def test_the_manager_is_shown_the_supervisors_secret_and_never_one_that_a_caller_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET, "ours")
    monkeypatch.setitem(SCOPE, "headers", [(PROOF, b"forged"), (b"content-length", b"4")])
    _, seen = _asked(tmp_path, WHOLE)
    assert [line for line in seen.split(b"\r\n") if line.startswith(PROOF)] == [PROOF + b": ours"]


BATCH = {
    "method": "POST",
    "path": "/v1/models/demand/batches",
    "raw_path": b"/v1/models/demand/batches",
    "query_string": b"",
    "headers": [(b"transfer-encoding", b"chunked")],
}
Manager = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def _relayed(tmp_path: Path, manager: Manager, upload: Upload, *, seconds: float = 60.0) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def run() -> None:
        async with await asyncio.start_unix_server(manager, tmp_path / "m.sock"):
            await asyncio.wait_for(Relay(tmp_path / "m.sock", seconds=seconds).ask(BATCH, upload, send), 20)

    asyncio.run(run())
    return sent


def test_a_body_reaches_the_manager_while_it_still_comes_and_is_never_kept_whole(tmp_path: Path) -> None:
    came: list[int] = []
    scope = {**BATCH, PATIENCE: lambda: came.append(1)}
    ahead: list[int] = []

    async def manager(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"transfer-encoding: chunked" in head
        seen = 0
        while (line := await reader.readline()) != b"0\r\n":
            await reader.readexactly(int(line, 16) + 2)
            seen += 1
            ahead.append(len(came) - seen)
        writer.write(WHOLE)
        writer.close()

    sent = _relayed(tmp_path, manager, _upload(*[b"x" * 100_000] * 300, scope=scope, usual=100))
    assert sent[0]["status"] == 201
    assert len(ahead) == 300
    assert max(ahead) < 30  # what lies between the two is a few buffers, not the 30 MB


def test_an_answer_that_comes_before_the_body_is_whole_ends_the_upload_and_the_connection(tmp_path: Path) -> None:
    async def manager(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 401 No\r\ncontent-length: 2\r\n\r\nno")
        writer.close()

    sent = _relayed(tmp_path, manager, _upload(b"x", scope=BATCH, end="more"))
    assert sent[0]["status"] == 401
    assert (b"connection", b"close") in sent[0]["headers"]


def _swallow(cut: list[bool]) -> Manager:
    async def manager(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cut.append(not (await reader.read()).endswith(b"0\r\n\r\n"))
        writer.close()

    return manager


def test_a_manager_whose_disk_is_slow_is_not_taken_for_a_caller_who_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "_SIGN_S", 0.01)
    signs: list[int] = []
    pieces = 20

    async def manager(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        while len(signs) < 3 * pieces:  # far more than its pieces would give, were nobody waiting
            await asyncio.sleep(0.001)
        for _ in range(pieces):
            await reader.readline()
            await reader.readexactly(1_000_002)
        writer.write(WHOLE)
        writer.close()

    upload = _upload(*[b"x" * 1_000_000] * pieces, scope={**BATCH, PATIENCE: lambda: signs.append(1)}, usual=100)
    assert _relayed(tmp_path, manager, upload)[0]["status"] == 201


def test_a_manager_that_takes_nothing_for_too_long_is_given_up(tmp_path: Path) -> None:
    async def manager(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        writer.transport.abort()

    with pytest.raises(RefusedError, match="took nothing") as refused:
        _relayed(tmp_path, manager, _upload(*[b"x" * 1_000_000] * 20, scope=BATCH), seconds=0.05)
    assert refused.value.status == 503


def test_an_upload_that_falls_silent_is_told_before_its_connection_is_cut() -> None:
    assert Limits().seconds >= SILENCE_S + 2


def test_a_caller_who_hangs_up_leaves_the_manager_a_body_that_is_not_whole(tmp_path: Path) -> None:
    cut: list[bool] = []
    with pytest.raises(GoneError):
        _relayed(tmp_path, _swallow(cut), _upload(b"x", scope=BATCH, end="gone"))
    assert cut == [True]


def test_a_body_without_a_length_ends_at_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MOST, "1000")
    cut: list[bool] = []
    with pytest.raises(RefusedError, match="larger than 1,000 bytes") as refused:
        _relayed(tmp_path, _swallow(cut), _upload(*[b"x" * 600] * 2, scope=BATCH))
    assert (refused.value.status, cut) == (413, [True])


@pytest.mark.parametrize(("path", "fine"), [("/v1/models/demand/batches", True), ("/v1/keys", False)])
def test_only_batches_may_be_longer_than_other_bodies(path: str, fine: bool) -> None:
    scope = {**BATCH, "path": path, "headers": [(b"content-length", b"900000000")]}
    if fine:
        assert _upload(scope=scope).long
    else:
        with pytest.raises(RefusedError):
            _upload(scope=scope)
