"""Bodies of requests, read within their bounds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from finalmile.serving.board import Limits
from finalmile.serving.nesting import depth_of
from finalmile.web.replies import CLOSE, RefusedError, busy

Receive = Callable[[], Awaitable[Mapping[str, Any]]]


class GoneError(Exception):
    """Whoever asked went away before the request was whole."""


@dataclass(slots=True)
class Held:
    """Bytes of bodies that a worker keeps while they are not whole, or while the manager is asked."""

    most: int = 256_000_000
    size: int = 0

    def more(self, size: int, /) -> None:
        """Keep so many more.

        Raises
        ------
        RefusedError
            503 where that is more than may be kept.
        """
        self.size += size
        if self.size > self.most:
            raise busy("bodies that others send fill what a worker may keep; predictions of one record are answered")


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], limits: Limits, *, held: Held) -> bytes:
    """The whole body.

    Raises
    ------
    RefusedError
        413 past the bound, told from its length before it is read; 415 for a compressed one; 503 where too much of
        other bodies is kept.
    GoneError
        The caller hung up.
    """
    told = headers.get(b"content-length")
    if told is not None and (len(told) > 12 or int(told) > limits.body_bytes):
        raise _too_large(limits)
    encoding = headers.get(b"content-encoding")
    if encoding is not None and encoding.lower() != b"identity":
        raise RefusedError(415, "compressed", "compressed bodies are not read; send it as it is")
    message = await receive()
    if message["type"] == "http.disconnect":
        raise GoneError
    body: bytes = message["body"]
    if not message["more_body"]:
        if len(body) > limits.body_bytes:
            raise _too_large(limits)
        return body
    return await _rest(body, receive, limits, held)


async def _rest(body: bytes, receive: Receive, limits: Limits, held: Held) -> bytes:
    parts, size, more = [body], len(body), True
    kept = 0
    try:
        while more:
            kept += len(parts[-1])
            held.more(len(parts[-1]))
            message = await receive()
            if message["type"] == "http.disconnect":
                raise GoneError
            parts.append(message["body"])
            more = message["more_body"]
            size += len(message["body"])
            if size > limits.body_bytes:
                raise _too_large(limits)
        return b"".join(parts)
    finally:
        held.size -= kept


def parsed(body: bytes, limits: Limits) -> Any:
    """What a JSON body says.

    Raises
    ------
    RefusedError
        400 where it is no JSON, NaN and Infinity included, or nested deeper than the bound.
    """
    if body.count(b"[") + body.count(b"{") > limits.depth and depth_of(body) > limits.depth:
        raise RefusedError(400, "too_deep", f"the body is nested more than {limits.depth} deep; records need 5")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        hint = "; NaN and Infinity are no JSON, send null for a missing value" if b"N" in body or b"I" in body else ""
        raise RefusedError(400, "malformed", f"the body is not JSON: {error}{hint}") from None


def _too_large(limits: Limits) -> RefusedError:
    message = f"the body is larger than {limits.body_bytes} bytes; send fewer records at once, or use a batch"
    return RefusedError(413, "too_large", message, headers=(CLOSE,))
