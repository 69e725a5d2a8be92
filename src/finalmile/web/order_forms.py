"""What every form of the order pages passes: whose page sent it, who may send it, how much of it is read."""

from __future__ import annotations

import hmac
from typing import Protocol
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from finalmile.web.guards import local_name


class FormDesk(Protocol):
    """Who looks at the pages, and what their forms carry."""

    @property
    def role(self) -> str:
        """Whose pages these are."""
        ...

    @property
    def token(self) -> str:
        """What a form must carry: pages of other sites do not know it."""
        ...

    def may(self, permission: str) -> bool:
        """Whether the role allows something."""
        ...


def refuse_foreign(request: Request, desk: FormDesk, permission: str) -> None:
    """Refuse what no page of ours sent, and what the role does not allow.

    Raises
    ------
    HTTPException
        403.
    """
    if not _ours(request.headers):
        raise HTTPException(403, "A page of another site may not do this.")
    if not desk.may(permission):
        raise HTTPException(403, f"A {desk.role} may not do this.")


def refuse_stale(token: str, desk: FormDesk) -> None:
    """Refuse a form without the desk's token.

    Raises
    ------
    HTTPException
        403.
    """
    if not hmac.compare_digest(token.encode(), desk.token.encode()):
        raise HTTPException(403, "This form is from before the pages were started anew. Load the page again.")


async def whole_body(request: Request, *, most: int) -> bytes:
    """The body, of at most so many bytes.

    Raises
    ------
    HTTPException
        413 where it is larger.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise HTTPException(413, "The form is too large.")
    return bytes(body)


def _ours(headers: Headers) -> bool:
    """Whether a browser says that one of our own pages asks; programs say nothing, and need the token alone.

    A page that tells nobody where it came from sends ``null`` for itself.
    """
    site, origin = headers.get("sec-fetch-site", "same-origin"), headers.get("origin", "null")
    host = urlsplit(origin).netloc
    return site == "same-origin" and (origin == "null" or (host == headers.get("host", "") and local_name(host)))
