"""Who asks and what they may do: keys, roles, and the names a request may carry."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from finalmile.serving.board import Key

_NAME = re.compile(r"[A-Za-z0-9.-]{1,253}")
READ, PREDICT, ORDER, DEPLOY, ADMIN = "read", "predict", "order", "deploy", "admin"
_VIEWER = frozenset({READ, PREDICT})
_PLANNER = _VIEWER | {ORDER}
_OPERATOR = _PLANNER | {DEPLOY}

PERMISSIONS: Mapping[str, frozenset[str]] = {
    "viewer": _VIEWER,
    "planner": _PLANNER,
    "operator": _OPERATOR,
    "admin": _OPERATOR | {ADMIN},
}
"""What each role may do: look and predict, approve orders and run batches, change what is live, everything."""


def allowed(role: str, permission: str, /) -> bool:
    """Whether a role may do something; an unknown role may do nothing.

    Examples
    --------
    >>> allowed("viewer", "predict"), allowed("planner", "deploy"), allowed("nobody", "read")
    (True, False, False)
    """
    return permission in PERMISSIONS.get(role, frozenset())


def presented(authorization: str | None, x_api_key: str | None = None, /) -> str | None:
    """The key a request carries, as ``Authorization: Bearer KEY`` or ``X-API-Key: KEY``; ``None`` without either.

    Any other scheme counts as a key that opens nothing.

    Examples
    --------
    >>> presented("Bearer fm_ab.cd"), presented(None, "fm_ab.cd"), presented(None), presented("Basic YTpi")
    ('fm_ab.cd', 'fm_ab.cd', None, '')
    """
    if authorization is not None:
        scheme, _, value = authorization.strip().partition(" ")
        return value.strip() if scheme.lower() == "bearer" else ""
    return None if x_api_key is None else x_api_key.strip()


def holder(keys: Iterable[Key], told: str, /, *, now: float) -> Key | None:
    """The key that was presented, where it is one of ``keys`` and has not expired at ``now`` (seconds since 1970).

    Secrets are compared by their sha256 in constant time; a wrong prefix takes as long as a wrong secret.

    Examples
    --------
    >>> key = Key(prefix="fm_ab", sha256=hashlib.sha256(b"cd").hexdigest(), role="viewer", expires_at=10.0)
    >>> holder([key], "fm_ab.cd", now=9.0) is key, holder([key], "fm_ab.cd", now=10.0), holder([key], "fm_ab.x", now=9)
    (True, None, None)
    """
    known = _opened_by(keys, told)
    return known if known is not None and (known.expires_at is None or now < known.expires_at) else None


def why_not(ended: Iterable[Key], told: str | None, /) -> tuple[str, str]:
    """Why a key opens nothing, as one word and as a sentence; ``None`` for no key at all.

    Only whoever has the secret of a key that was in force once is told that it was.

    Parameters
    ----------
    ended
        Keys that are not in force any more; those that expired say when, those that were revoked do not.

    Examples
    --------
    >>> key = Key(prefix="fm_ab", sha256=hashlib.sha256(b"cd").hexdigest(), role="viewer", expires_at=0.0)
    >>> [why_not([key], told)[0] for told in (None, "fm_ab.cd", "fm_ab.x", "fm_xy.cd")]
    ['no_key', 'expired_key', 'unknown_key', 'unknown_key']
    >>> print(why_not([key], "fm_ab.cd")[1])
    the key fm_ab expired at 1970-01-01 00:00 UTC. Make another one with: finalmile keys create NAME --role viewer
    """
    mend = "finalmile keys create NAME --role viewer"
    if told is None:
        return "no_key", f"a key is needed: send Authorization: Bearer KEY. Make one with: {mend}"
    gone = _opened_by(ended, told)
    if gone is None:
        return "unknown_key", (
            f"the key is not known here: it must be sent whole, as PREFIX.SECRET. Make one with: {mend}"
        )
    mend = f"Make another one with: finalmile keys create NAME --role {gone.role}"
    if gone.expires_at is None:
        return "revoked_key", f"the key {gone.prefix} was revoked. {mend}"
    at = datetime.fromtimestamp(gone.expires_at, UTC)
    return "expired_key", f"the key {gone.prefix} expired at {at:%Y-%m-%d %H:%M} UTC. {mend}"


def _opened_by(keys: Iterable[Key], told: str) -> Key | None:
    prefix, _, secret = told.partition(".")
    digest = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
    known = {key.prefix: key for key in keys}.get(prefix)
    same = hmac.compare_digest(digest, known.sha256 if known is not None else "0" * 64)
    return known if same else None


def reaches(key: Key, model: str, /) -> bool:
    """Whether a key may touch a model: its own, or any where it names none."""
    return not key.models or model in key.models


def known_host(host: str, hosts: Iterable[str], /) -> bool:
    """Whether a Host header names this endpoint, whatever the port; a rebound DNS name does not.

    Examples
    --------
    >>> [known_host(host, ("localhost", "[::1]")) for host in ("localhost:8080", "[::1]:80", "evil.example", "")]
    [True, True, False, False]
    """
    name, colon, port = host.lower().rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host.lower(), ""
    return name in hosts and (port.isdecimal() or not port)


def known_origin(origin: str, hosts: Iterable[str], /) -> bool:
    """Whether a page that makes a browser ask is one of ours.

    Examples
    --------
    >>> known_origin("http://localhost:8080", ("localhost",)), known_origin("https://evil.example", ("localhost",))
    (True, False)
    >>> known_origin("null", ("localhost",))
    False
    """
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and known_host(parts.netloc, hosts)


def wrong_host(host: str, hosts: Iterable[str], /) -> str:
    """What is told to whoever asked by a name that is not this endpoint's.

    Examples
    --------
    >>> print(wrong_host("shop.example:8080", ("localhost", "127.0.0.1")))
    this endpoint answers to localhost, 127.0.0.1, not to 'shop.example'; ask by one of these names, or let it answer \
to this one too: finalmile serve --name shop.example
    """
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    known = ", ".join(hosts)
    if not _NAME.fullmatch(name):
        return f"this endpoint answers to {known}; ask by one of these names"
    return (
        f"this endpoint answers to {known}, not to {name!r}; ask by one of these names, or let it answer to this one "
        f"too: finalmile serve --name {name}"
    )
