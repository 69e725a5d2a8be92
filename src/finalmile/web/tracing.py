"""W3C trace context and request ids: taken from the caller, handed on, given back."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from finalmile.web.replies import Header

_TRACE = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_REQUEST_ID = re.compile(rb"[\w.:/+=@-]{1,128}")


def traced(told: bytes, /) -> tuple[str, bytes] | None:
    """Trace id, and the ``traceparent`` that names our part of it; ``None`` where it is malformed.

    Examples
    --------
    >>> trace, ours = traced(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    >>> trace, ours[:36], len(ours)
    ('0af7651916cd43dd8448eb211c80319c', b'00-0af7651916cd43dd8448eb211c80319c-', 55)
    >>> traced(b"00-00000000000000000000000000000000-b7ad6b7169203331-01") is None
    True
    """
    found = _TRACE.fullmatch(told.strip())
    if found is None or found[1] == b"ff" or not found[2].strip(b"0") or not found[3].strip(b"0"):
        return None
    if found[1] == b"00" and found[5]:
        return None
    ours = b"00-%s-%s-%s" % (found[2], os.urandom(8).hex().encode(), found[4])
    return found[2].decode(), ours


def named(headers: Mapping[bytes, bytes], /) -> tuple[str, list[Header]]:
    """What the caller calls the request, empty where it does not say, and the headers that go back."""
    extra: list[Header] = []
    request_id = ""
    parent = headers.get(b"traceparent")
    told = traced(parent) if parent is not None else None
    if told is not None:
        request_id = told[0]
        extra.append((b"traceparent", told[1]))
    given = headers.get(b"x-request-id")
    if given is not None and _REQUEST_ID.fullmatch(given):
        request_id = given.decode("latin-1")
        extra.append((b"x-request-id", given))
    return request_id, extra
