"""Requests that belong to the manager, carried over its unix socket and back as they come."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import httptools

from finalmile.web.bodies import GoneError
from finalmile.web.replies import CLOSE, Header, RefusedError, Reply, busy
from finalmile.web.serve_settings import SECRET
from finalmile.web.uploads import Upload

_HOPS = frozenset(
    (b"connection", b"keep-alive", b"transfer-encoding", b"te", b"trailer", b"upgrade", b"proxy-connection", b"expect")
)
_BARE = (204, 304)
_BLOCK = 65_536
_SIGN_S = 5.0
"""How often an upload shows that it still goes on while the manager takes nothing."""

PROOF = b"x-finalmile-relay"
"""The header that carries between them what a supervisor told its own workers and its own manager."""

Send = Callable[[dict[str, Any]], Awaitable[None]]


class _Parser(Protocol):
    def feed_data(self, data: bytes, /) -> None: ...
    def get_status_code(self) -> int: ...


class Relay:
    """Carries requests to the manager.

    Parameters
    ----------
    socket
        ``manager.sock``.
    seconds
        How long the manager may say nothing.
    most
        Requests under way at once; past them callers are told to come again.
    """

    def __init__(self, socket: Path, *, seconds: float = 60.0, most: int = 64) -> None:
        self._socket, self._seconds, self._most = str(socket), seconds, most
        self._under_way = 0

    async def ask(self, scope: Mapping[str, Any], upload: Upload, send: Send) -> Reply | None:
        """Send a request on and its answer back, piece by piece; a reply where the manager could not be asked.

        An answer that comes before the body was sent, such as that the key is wrong, ends the sending.

        Raises
        ------
        RefusedError
            The manager is not there, or too many wait for it, or the body is longer than it may be.
        GoneError
            It ended in the middle of an answer that was sent on already, or the caller hung up.
        """
        if self._under_way >= self._most:
            raise busy("too many requests wait for the manager; predictions are answered as ever")
        self._under_way += 1
        try:
            return await self._carried(scope, upload, send)
        finally:
            self._under_way -= 1

    async def _carried(self, scope: Mapping[str, Any], upload: Upload, send: Send) -> Reply | None:
        try:
            reader, writer = await asyncio.open_unix_connection(self._socket)
        except OSError:
            raise busy("the manager is not there now; predictions are answered as ever", after_s=2) from None
        sending = asyncio.ensure_future(_sent(scope, upload, writer, self._seconds))
        answer = _Answer(send, sending, patience=upload.patience, bare=scope["method"] == "HEAD")
        try:
            await self._passed_on(reader, answer, sending)
        except (OSError, TimeoutError, httptools.HttpParserError) as error:
            if not answer.begun:
                after = ((b"retry-after", b"2"), CLOSE)
                raise RefusedError(503, "manager", f"the manager did not answer: {error!r}", headers=after) from None
            raise GoneError from error  # the head is out: all that is left is to hang up, so that it is seen as broken
        except RefusedError as refused:
            if answer.begun:
                raise GoneError from refused
            raise
        finally:
            await _ended(sending)
            if writer.transport.get_write_buffer_size():
                writer.transport.abort()  # it reads no further, so that a close would wait for it
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        return None

    async def _passed_on(self, reader: asyncio.StreamReader, answer: _Answer, sending: asyncio.Future[None]) -> None:
        parser: _Parser = httptools.HttpResponseParser(answer)
        answer.parser = parser
        while not answer.complete:
            data = await self._next(reader, sending)
            if not data:
                if answer.complete or answer.until_end:
                    break
                raise ConnectionResetError("the manager ended in the middle of an answer")
            parser.feed_data(data)
            await answer.flush()
        await answer.end()

    async def _next(self, reader: asyncio.StreamReader, sending: asyncio.Future[None]) -> bytes:
        """What the manager says next; it may be silent for as long as the body still comes."""
        reading = asyncio.ensure_future(reader.read(_BLOCK))
        try:
            await asyncio.wait((reading, sending), return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and not reading.done():
                sending.result()
            return await asyncio.wait_for(reading, self._seconds)
        finally:
            reading.cancel()


async def _sent(scope: Mapping[str, Any], upload: Upload, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Send head and body; a manager that reads no further has its reason, and tells it."""
    with contextlib.suppress(ConnectionError):
        writer.write(_head(scope, upload))
        async for piece in upload.pieces():
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if upload.chunked else piece)
            await _taken(upload, writer, seconds)
        writer.write(b"0\r\n\r\n" if upload.chunked else b"")
        await writer.drain()


async def _taken(upload: Upload, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Wait until the manager takes more. Its disk may be slow, which is not taken for the caller's silence.

    Raises
    ------
    TimeoutError
        It took nothing for so long.
    """
    draining = asyncio.ensure_future(writer.drain())
    try:
        for _ in range(max(1, round(seconds / _SIGN_S))):
            done, _ = await asyncio.wait((draining,), timeout=min(seconds, _SIGN_S))
            if done:
                return await draining
            upload.patience()
    finally:
        draining.cancel()
    raise TimeoutError(f"it took nothing for {seconds:g} s")


async def _ended(sending: asyncio.Future[None]) -> None:
    sending.cancel()
    with contextlib.suppress(asyncio.CancelledError, RefusedError, GoneError, OSError):
        await sending


class _Answer:
    """Collects what the parser finds and passes it on; a bare one ends with its head."""

    def __init__(self, send: Send, sending: asyncio.Future[None], *, patience: Callable[[], None], bare: bool) -> None:
        self._send, self._sending, self._patience, self._bare = send, sending, patience, bare
        self.parser: _Parser | None = None
        self.begun = self.complete = self.until_end = self._heads_over = False
        self._headers: list[Header] = []
        self._parts: list[bytes] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = name.lower()
        if lower not in _HOPS:
            self._headers.append((lower, value))

    def on_headers_complete(self) -> None:
        self._heads_over = True
        names = {name for name, _ in self._headers}
        self.until_end = b"content-length" not in names
        assert self.parser is not None
        self.complete = self._bare or self.parser.get_status_code() in _BARE

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)

    def on_message_complete(self) -> None:
        self.complete = True

    async def flush(self) -> None:
        """Send on what there is."""
        if self._heads_over and not self.begun:
            assert self.parser is not None
            self.begun = True
            status = self.parser.get_status_code()
            if not self._sending.done():  # the rest of the body is not read, so nothing can follow it
                self._headers.append(CLOSE)
            await self._send({"type": "http.response.start", "status": status, "headers": self._headers})
        if self._parts and self.begun:
            body, self._parts = b"".join(self._parts), []
            self._patience()
            await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def end(self) -> None:
        """Say that it was all."""
        await self.flush()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _head(scope: Mapping[str, Any], upload: Upload) -> bytes:
    target: bytes = scope["raw_path"]
    if scope["query_string"]:
        target += b"?" + scope["query_string"]
    client = scope.get("client") or ("", 0)
    lines = [b"%s %s HTTP/1.1" % (scope["method"].encode(), target)]
    lines += [
        b"%s: %s" % (name, value)
        for name, value in scope["headers"]
        if name not in _HOPS and name not in (b"content-length", b"x-forwarded-for", PROOF)
    ]
    lines += [b"connection: close", b"x-forwarded-for: %s" % str(client[0]).encode()]
    lines.append(b"transfer-encoding: chunked" if upload.chunked else b"content-length: %d" % upload.length)
    lines.append(PROOF + b": " + os.environ.get(SECRET, "none").encode())
    return b"\r\n".join(lines) + b"\r\n\r\n"
