"""The files that pages load: our own and Plotly's, from the installed packages, never from the network."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, HTTPException, Request, Response

_KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_OWN = ("finalmile.css", "finalmile.js", "icon.svg")

router = APIRouter()


@cache
def content(name: str) -> bytes:
    """Bytes of a static file; ``FileNotFoundError`` for a name that is not served."""
    if name == "plotly.min.js":
        return (files("plotly") / "package_data" / name).read_bytes()
    if name not in _OWN:
        raise FileNotFoundError(name)
    return (files("finalmile.web") / "static" / name).read_bytes()


@cache
def tag(name: str) -> str:
    """First 16 hex digits of the file's sha256: it names the version in the address and in the ETag."""
    return hashlib.sha256(content(name)).hexdigest()[:16]


def address(name: str) -> str:
    """Address of a static file that changes with its content."""
    return f"/static/{name}?v={tag(name)}"


@router.get("/static/{name}", include_in_schema=False)
def static(name: str, request: Request, v: str = "") -> Response:
    """A static file, kept by the browser for a year when asked for by version."""
    try:
        version = tag(name)
    except FileNotFoundError:
        raise HTTPException(404) from None
    etag = f'"{version}"'
    keep = "public, max-age=31536000, immutable" if v == version else "no-cache"
    headers = {"etag": etag, "cache-control": keep}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(content(name), media_type=_KINDS[name.rpartition(".")[2]], headers=headers)
