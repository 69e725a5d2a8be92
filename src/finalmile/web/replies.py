"""What is sent back: status, pre-encoded headers and a body; and the reasons why a request is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson

from finalmile.serving.rows import Fault

Header = tuple[bytes, bytes]

JSON: Header = (b"content-type", b"application/json")
JSON_LINES: Header = (b"content-type", b"application/jsonlines")
CSV: Header = (b"content-type", b"text/csv; charset=utf-8")
TEXT: Header = (b"content-type", b"text/plain; charset=utf-8")
ONLY_JSON: Sequence[Header] = (JSON,)
CLOSE: Header = (b"connection", b"close")

TOLD_FAULTS = 50
"""Faults that an answer lists; the rest is counted."""

_GOOD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY


@dataclass(slots=True)
class Reply:
    """An answer as it goes over the wire."""

    status: int
    body: bytes
    headers: Sequence[Header] = ONLY_JSON


class RefusedError(Exception):
    """A request that is not answered as asked, and what the caller can do about it.

    Parameters
    ----------
    code
        One word for programs: ``invalid``, ``malformed``, ``unknown_model``, ``too_large``, ``busy`` and so on.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        faults: Sequence[Fault] = (),
        headers: Sequence[Header] = (),
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.faults, self.headers = faults, headers

    def reply(self) -> Reply:
        """The answer that says so."""
        return Reply(self.status, encoded({"error": self.told()}), (JSON, *self.headers))

    def told(self) -> dict[str, Any]:
        """Code, message and the place of every fault."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.faults:
            error["where"] = self.faults[0][0]
            error["faults"] = [{"where": where, "message": what} for where, what in self.faults[:TOLD_FAULTS]]
        return error


def invalid(faults: Sequence[Fault]) -> RefusedError:
    """Values that cannot be used, all of them at once."""
    where, what = faults[0]
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return RefusedError(422, "invalid", f"{where} {what}{more}", faults=faults)


def busy(message: str, *, after_s: int = 1) -> RefusedError:
    """Try again in a while."""
    return RefusedError(503, "busy", message, headers=((b"retry-after", b"%d" % after_s),))


def head_of(reply: Reply, extra: Sequence[Header] = ()) -> bytes:
    """Status and headers of an answer as they go over the wire, all but the line that ends them.

    Examples
    --------
    >>> head_of(Reply(503, b"{}"), [(b"retry-after", b"1")]).splitlines()[0::3]
    [b'HTTP/1.1 503 Service Unavailable', b'content-length: 2']
    """
    if reply.status == 200 and reply.headers is ONLY_JSON and not extra:
        return _GOOD % len(reply.body)
    lines = b"".join(b"%s: %s\r\n" % header for header in (*reply.headers, *extra))
    phrase = HTTPStatus(reply.status).phrase.encode()
    return b"HTTP/1.1 %d %s\r\n%scontent-length: %d\r\n" % (reply.status, phrase, lines, len(reply.body))


def encoded(told: object) -> bytes:
    """JSON; arrays of numbers as lists, NaN as null."""
    return orjson.dumps(told, option=_OPTIONS)


@dataclass(slots=True)
class Call:
    """One request on its way through the endpoint.

    Parameters
    ----------
    started_ns
        When its first byte was seen, on the monotonic clock.
    request_id
        What the caller calls it, or else what we do.
    digest
        Of its idempotency key and body; ``None`` without one.
    key, key_scope
        The idempotency key, and whose it is for what, until the body is there; empty without one.
    """

    started_ns: int
    request_id: str
    endpoint: str
    digest: str | None = None
    headers: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    extra: Sequence[Header] = ()
    key: str = ""
    key_scope: str = ""
