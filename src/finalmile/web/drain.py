"""An HTTP server that ends without losing a request: each connection is told to close with its next answer."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from finalmile.web.hot import HotCycle, HotPath
from finalmile.web.uploads import PATIENCE

_SWEEP_S = 1.0

WRITE = "finalmile.write"
"""In a request's scope: sends an answer's head and body at once, which costs less than two messages."""


MOST_HEAD = 65_536
"""Bytes of a request's head."""

MOST_CONNECTIONS = 4096
"""Open at once in one worker."""

_LONG_HEAD = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_END, _LAST = b"\r\n", b"connection: close\r\n\r\n"
_CROWDED = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 1\r\nconnection: close\r\n\r\n"


class DrainingProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which also knows that its server is ending and how long a request has been coming in."""

    since = 0.0
    heading = False
    """Whether a request's head has begun and is not whole."""

    head_bytes = 0
    draining = False
    """Set on the class by the server: every connection of the process drains at once."""

    coming: HotCycle | None = None
    """A request whose head is whole, that is answered here when its body comes in one piece."""

    body = b""

    def __init__(self, config: uvicorn.Config, *args: Any, **named: Any) -> None:
        super().__init__(config, *args, **named)
        self.hot: HotPath | None = getattr(config.app, "hot", None)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection counts as waiting for its request from now on."""
        super().connection_made(transport)
        self.since = self.loop.time()
        if len(self.connections) > MOST_CONNECTIONS:
            transport.write(_CROWDED)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits for what was under way."""
        self.coming = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A head may not grow for ever: whoever sends it has shown no key yet."""
        super().data_received(data)
        if self.heading:
            self.head_bytes += len(data)
            if self.head_bytes > MOST_HEAD and not self.transport.is_closing():
                self.transport.write(_LONG_HEAD)
                self.transport.close()

    def on_message_begin(self) -> None:
        """A request begins; what it needs to go on by messages is made when it is known that it must."""
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self.since, self.heading, self.head_bytes = self.loop.time(), True, 0

    def on_headers_complete(self) -> None:
        """A request that may be answered here waits for its body; others go on by messages."""
        self.heading = False
        if self.hot is not None and self.idle and not self.flow.write_paused:
            self.coming = self._plain(self.hot)
        if self.coming is None:
            self._by_messages()

    def _plain(self, hot: HotPath) -> HotCycle | None:
        cycle, parser = hot.fits(self.url, self.headers, self._answered), cast("Any", self.parser)
        if cycle is None or parser.get_method() != b"POST" or parser.get_http_version() != "1.1":
            return None
        cycle.keep_alive = parser.should_keep_alive()
        return cycle

    def _by_messages(self) -> None:
        """Begin an answer by the application; while the server ends it is the connection's last."""
        self.coming = None
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.headers, self.expect_100_continue = url, headers, expects
        self.scope["headers"] = headers
        super().on_headers_complete()
        cycle = self.cycle
        if self.draining:
            cycle.keep_alive = False
        cast("dict[str, Any]", self.scope)[PATIENCE] = self._went_on
        if not self.pipeline:
            cast("dict[str, Any]", self.scope)[WRITE] = partial(self._written, cycle)

    def _went_on(self) -> None:
        """A long body got further: its time counts from now on."""
        self.since = self.loop.time()

    def on_body(self, body: bytes) -> None:
        """A body that comes in pieces is put together by the application, within its bounds."""
        coming = self.coming
        if coming is not None:
            if len(body) == coming.length:
                self.body = body
                return
            self._by_messages()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Answer here what can be; let the application answer everything else."""
        coming = self.coming
        if coming is not None:
            body, self.body = self.body, b""
            if self._begun(coming, body):
                return
            self._by_messages()
            super().on_body(body)
        super().on_message_complete()

    def _begun(self, coming: HotCycle, body: bytes) -> bool:
        """Whether the request is answered here, when its model was asked and its row is on the disk."""
        if self.hot is None or self.transport.is_closing():
            return False
        before: Any = self.cycle
        self.coming, self.cycle = None, cast("Any", coming)
        if self.hot.answer(coming, body):
            return True
        self.cycle = before
        return False

    def _answered(self, cycle: HotCycle, head: bytes, body: bytes) -> None:
        """Send a whole answer and go on with what came meanwhile."""
        cycle.response_complete = True
        if not cycle.disconnected:
            keeps = cycle.keep_alive and not self.draining
            self.transport.write(b"".join((head, _END if keeps else _LAST, body)))
            if not keeps:
                self.transport.close()
        if self.pipeline:
            self.on_response_complete()
        else:
            self.server_state.total_requests += 1

    def _written(self, cycle: RequestResponseCycle, head: bytes, body: bytes) -> bool:
        """Send a whole answer in one piece; whether that could be done, or must be by messages as ever."""
        if cycle.disconnected or cycle.response_started or self.flow.write_paused:
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        self.transport.write(b"".join((head, _END if cycle.keep_alive else _LAST, body)))
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()
        return True

    def stuck(self, now: float, seconds: float, /) -> bool:
        """Whether its caller has sent, or read, too slowly for too long."""
        if now - self.since < seconds:
            return False
        cycle: Any = self.cycle
        if cycle is None or self.coming is not None or (self.heading and cycle.response_complete):
            return True
        if self.cycle.response_complete:
            return bool(self.transport.get_write_buffer_size())
        return bool(self.cycle.more_body or self.transport.get_write_buffer_size())

    @property
    def idle(self) -> bool:
        """Whether no request is under way."""
        cycle: Any = self.cycle
        return self.coming is None and (cycle is None or bool(cycle.response_complete))

    def rested(self, now: float, /) -> bool:
        """Whether it was answered here, and has brought nothing since for as long as a connection is kept."""
        waits = self.idle and not self.heading and self.timeout_keep_alive_task is None
        return waits and now - self.since > self.timeout_keep_alive

    def end(self) -> None:
        """Make the answer to what is under way the connection's last."""
        cycle: Any = self.cycle
        if cycle is not None:
            cycle.keep_alive = False

    def shutdown(self) -> None:
        """Close, as soon as what is under way is answered."""
        if self.coming is None:
            super().shutdown()


class DrainingServer(uvicorn.Server):
    """Serves a shared listening socket until told to end; then answers whatever was sent before it closes.

    Parameters
    ----------
    seconds
        How long one request may take to come in.
    grace_s
        How long idle keep-alive connections may still bring a request while the server ends.
    ending
        Called once, when it begins to end.
    """

    def __init__(
        self, config: uvicorn.Config, *, seconds: Callable[[], float], grace_s: float, ending: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._seconds, self._grace_s, self._ending = seconds, grace_s, ending

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are the worker's business."""
        yield

    def end(self) -> None:
        """Begin to end."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        await super().startup(sockets=sockets)
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what was sent, tell every connection to close, accept what waits to be accepted, and end."""
        self._ending()
        DrainingProtocol.draining = True
        for protocol in self._connections():
            if not protocol.idle:
                protocol.end()
        await self._last_accepted(sockets or [])
        await self._gone(self._grace_s)
        self._sweeper.cancel()
        for protocol in self._connections():
            protocol.shutdown()
        await self._gone(self._seconds())
        for task in list(self.server_state.tasks):
            task.cancel()
        await self.lifespan.shutdown()

    async def _last_accepted(self, sockets: list[socket.socket]) -> None:
        """Close the listening socket for this process, with nobody left who was accepted by the kernel alone."""
        loop = asyncio.get_running_loop()
        copies = [one.dup() for one in sockets]
        for server in self.servers:
            server.close()
        for copy in copies:
            copy.setblocking(False)
            with contextlib.suppress(BlockingIOError, OSError):
                while True:
                    accepted, _ = copy.accept()
                    await loop.connect_accepted_socket(self._protocol, accepted)
            copy.close()

    def _protocol(self) -> DrainingProtocol:
        return DrainingProtocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state, _loop=None
        )

    def _connections(self) -> list[Any]:
        return list(self.server_state.connections)

    async def _gone(self, seconds: float) -> None:
        """Wait until every connection has ended, but no longer than some seconds."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (self.server_state.connections or self.server_state.tasks) and loop.time() < until:
            await asyncio.sleep(0.01)

    async def _sweep(self) -> None:
        """Close connections whose callers send or read too slowly."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_S)
            now, seconds = loop.time(), self._seconds()
            for protocol in self._connections():
                if protocol.stuck(now, seconds):
                    protocol.transport.abort()
                elif protocol.rested(now):
                    protocol.transport.close()
