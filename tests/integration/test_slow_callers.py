"""Callers that send their heads slowly, without end, or from too many connections."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
import uvicorn

from finalmile.web import drain
from finalmile.web.drain import DrainingProtocol

ASK = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.told, self.closed = b"", False

    def write(self, data: Any) -> None:
        self.told += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def _connection(*, others: int = 0) -> tuple[DrainingProtocol, Wire]:
    config = uvicorn.Config(cast("Any", _answer), http=DrainingProtocol, lifespan="off", log_config=None)
    config.load()
    state = uvicorn.server.ServerState()
    state.connections.update(cast("Any", range(others)))
    protocol, wire = DrainingProtocol(config, state, {}), Wire()
    protocol.connection_made(wire)
    return protocol, wire


def test_a_head_that_never_ends_is_cut_off_on_a_connection_that_was_answered_before_as_on_a_new_one() -> None:
    async def run() -> None:
        protocol, wire = _connection()
        protocol.data_received(ASK)
        await asyncio.gather(*protocol.tasks)
        later = protocol.since + 31
        assert b"200 OK" in wire.told
        assert not protocol.stuck(later, 30)
        protocol.data_received(ASK[:9])
        assert protocol.stuck(protocol.since + 31, 30)
        protocol.data_received(ASK[9:])
        await asyncio.gather(*protocol.tasks)
        assert not protocol.stuck(protocol.since + 31, 30)
        protocol.shutdown()

    asyncio.run(run())


def test_a_head_that_grows_without_end_is_refused() -> None:
    async def run() -> None:
        protocol, wire = _connection()
        protocol.data_received(ASK[:-2] + b"x-a: ")
        for _ in range(2):
            protocol.data_received(b"a" * 40_000)
        assert wire.told.startswith(b"HTTP/1.1 431 ")
        assert wire.closed

    asyncio.run(run())


def test_one_connection_too_many_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "MOST_CONNECTIONS", 3)

    async def run() -> None:
        assert [_connection(others=others)[1].told[9:12] for others in (2, 3)] == [b"", b"503"]

    asyncio.run(run())
