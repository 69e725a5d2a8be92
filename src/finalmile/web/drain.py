"""A connection that ends without losing a request: it is told to close with its last answer."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from finalmile.web.hot import HotCycle, HotPath
from finalmile.web.last_word import Deaf, LastWord, refusal
from finalmile.web.uploads import PATIENCE

WRITE = "finalmile.write"
"""In a request's scope: sends an answer's head and body at once, which costs less than two messages."""


MOST_HEAD = 65_536
"""Bytes of a request's head; and bytes on end around a body, such as trailers, that bring nothing of it."""

MOST_UNWANTED = 8_000_000
"""Bytes of a body that are still read after its request was refused."""

MOST_CONNECTIONS = 4096
"""Open at once in one worker."""

_HEAD, _BODY = 1, 2
_UNREADABLE = refusal("400 Bad Request", "Invalid HTTP request received.")
_TWO_HOSTS = refusal("400 Bad Request", "The request names more than one Host.")
_LONG_HEAD = refusal("431 Request Header Fields Too Large", f"The request's head has more than {MOST_HEAD} bytes.")
_END, _LAST = b"\r\n", b"connection: close\r\n\r\n"
_CROWDED = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 1\r\nconnection: close\r\n\r\n"


class DrainingProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which also knows that its server is ending and how long a request has been coming in."""

    since = 0.0
    part = 0
    """Of a request that is not whole: whether its head or its body is coming."""

    still = -1
    """Bytes of reads that brought nothing but more of a head, or nothing of a body; -1 in a read that did."""

    large = False
    """Whether what is read now could hold a head that is too long."""

    unwanted = 0
    refusal = _UNREADABLE
    """What is said last where a request cannot be read."""

    draining = False
    """Set on the class by the server: every connection of the process drains at once."""

    coming: HotCycle | None = None
    """A request whose head is whole, that is answered here when its body comes in one piece."""

    body = b""
    ended: Any = None
    """The request whose answer was made the last by the server, not by its caller."""

    def __init__(self, config: uvicorn.Config, *args: Any, **named: Any) -> None:
        super().__init__(config, *args, **named)
        self.earlier = deque[Any]()
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
        for cycle in self.earlier:
            cycle.disconnected = not cycle.response_complete
            cycle.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; what is not whole may not grow for ever."""
        self.large = len(data) > MOST_HEAD
        super().data_received(data)
        if self.part:
            self._count(len(data))

    def _count(self, size: int) -> None:
        """Whoever sends heads and trailers may have shown no key yet."""
        self.still = self.still + size if self.still >= 0 else 0
        if self.still <= MOST_HEAD:
            return
        if self.part == _HEAD:
            self.refusal = _LONG_HEAD
            self.send_400_response("")
        else:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # the reason is known here
        """Say, after the answers to what came before, that a request cannot be read; nothing more is read."""
        begun = self._given_up()
        self.part, self.parser = 0, cast("Any", Deaf())
        if self.transport.is_closing():
            return
        if begun:
            self.transport.abort()
        elif self.idle:
            self._say_last()
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft(cast("Any", (LastWord(self._say_last), None)))

    def _given_up(self) -> bool:
        """Forget the request that broke off; whether an answer to it had begun."""
        broken, coming, self.coming = self.cycle, self.coming, None
        if self.part != _BODY or coming is not None:
            return False
        if self.pipeline and self.pipeline[0][0] is broken:
            self.pipeline.popleft()
            self.cycle = self.earlier.pop()
            return False
        broken.disconnected = not broken.response_complete
        broken.message_event.set()
        begun, broken.response_complete = broken.response_started, True
        return begun

    def _say_last(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(self.refusal)
            self.transport.close()

    def on_message_begin(self) -> None:
        """A request begins; what it needs to go on by messages is made when it is known that it must."""
        self.url, self.headers = b"", []
        self.since, self.part, self.still = self.loop.time(), _HEAD, -1

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what comes after a body is none."""
        if self.part == _HEAD:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """A request that may be answered here waits for its body; others go on by messages."""
        if self.large or self.still >= 0:
            self._check_head()
        if self.hot is not None and self.idle and not self.flow.write_paused:
            self.coming = self._plain(self.hot)
        if self.coming is None:
            self._by_messages()
        self.part = _BODY

    def _check_head(self) -> None:
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > MOST_HEAD:
            self.refusal = _LONG_HEAD
            raise ValueError("head too long")

    def _plain(self, hot: HotPath) -> HotCycle | None:
        cycle, parser = hot.fits(self.url, self.headers, self._answered), self.parser
        if cycle is None or parser.get_method() != b"POST" or parser.get_http_version() != "1.1":
            return None
        cycle.keep_alive = parser.should_keep_alive()
        return cycle

    def _by_messages(self) -> None:
        """Begin an answer by the application; while the server ends it is the connection's last."""
        self.coming = None
        before: Any = self.cycle
        url, headers = self.url, self.headers
        if [name for name, _ in headers].count(b"host") > 1:
            self.refusal = _TWO_HOSTS
            raise ValueError("two hosts")
        super().on_message_begin()
        self.url, self.headers, self.unwanted = url, headers, 0
        self.expect_100_continue = dict(headers).get(b"expect", b"").lower() == b"100-continue"
        self.scope["headers"] = headers
        super().on_headers_complete()
        cycle = self.cycle
        if self.pipeline:
            self._queued(before)
        if self.draining:
            self.end()
        cast("dict[str, Any]", self.scope)[PATIENCE] = self._went_on
        if not self.pipeline:
            cast("dict[str, Any]", self.scope)[WRITE] = partial(self._written, cycle)

    def _queued(self, before: Any) -> None:
        """A request waits for the answer to the one before it, which is not the last then."""
        while self.earlier and self.earlier[0].response_complete:
            self.earlier.popleft()
        self.earlier.append(before)
        if before is self.ended and not getattr(before, "response_started", False):
            before.keep_alive = True

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
        self.still = -1
        if self.cycle.response_complete:
            self._drop(len(body))
        super().on_body(body)

    def _drop(self, size: int) -> None:
        """A refused caller may send its body to the end, but none without end."""
        self.unwanted += size
        if self.unwanted > MOST_UNWANTED:
            self.transport.abort()

    def on_message_complete(self) -> None:
        """Answer here what can be; let the application answer everything else."""
        self.part, coming = 0, self.coming
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
        try:
            if not cycle.disconnected:
                keeps = cycle.keep_alive and not (self.draining and not self.pipeline)
                self.transport.write(b"".join((head, _END if keeps else _LAST, body)))
                if not keeps:
                    self.transport.close()
            if self.pipeline:
                self.on_response_complete()
            else:
                self.server_state.total_requests += 1
        except Exception:  # one connection that cannot be written to is no other's fault
            self.logger.exception("an answer could not be sent; its connection is ended")
            self.transport.abort()

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
        if cycle is None or self.coming is not None or (self.part and cycle.response_complete):
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
        waits = self.idle and not self.part and self.timeout_keep_alive_task is None
        return waits and now - self.since > self.timeout_keep_alive

    def end(self) -> None:
        """Make the answer to what is under way the connection's last."""
        cycle: Any = self.cycle
        if cycle is not None and cycle.keep_alive:
            cycle.keep_alive, self.ended = False, cycle

    def shutdown(self) -> None:
        """Close, as soon as what is under way is answered."""
        if self.coming is None:
            super().shutdown()
