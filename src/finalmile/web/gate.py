"""Who may ask: the name the request was sent to, the page it came from, and its key."""

from __future__ import annotations

import time
from collections.abc import Callable

from finalmile.serving.access import (
    PREDICT,
    READ,
    allowed,
    holder,
    known_host,
    known_origin,
    presented,
    reaches,
    why_not,
    wrong_host,
)
from finalmile.serving.board import Key
from finalmile.web.replies import RefusedError
from finalmile.web.state import State

_REMEMBERED = 1000
_CHALLENGE = ((b"www-authenticate", b'Bearer realm="finalmile"'),)


class Gate:
    """Lets requests in that the board allows.

    Parameters
    ----------
    closed
        Ask for a key whatever the board says: more than this machine can reach the port.
    used
        Told the prefix of every key that lets a request in.
    """

    def __init__(self, *, closed: bool = False, used: Callable[[str], None] | None = None) -> None:
        self._closed, self._used = closed, used
        self._remembered: dict[bytes, Key] = {}
        self._epoch: State | None = None

    def check_place(self, headers: dict[bytes, bytes], state: State, /) -> None:
        """Refuse what was sent to another name, or by a page that is not ours.

        Raises
        ------
        RefusedError
            421 for the name, 403 for the page.
        """
        host = headers.get(b"host", b"")
        if host not in state.known_hosts:
            self._check_host(host, state)
        origin = headers.get(b"origin")
        if origin is not None and not known_origin(origin.decode("latin-1"), state.board.hosts):
            raise RefusedError(403, "foreign_origin", "the page that asks is not one of this endpoint's")

    def check_key(self, headers: dict[bytes, bytes], state: State, /, *, model: str | None) -> str:
        """Prefix of the key that was presented; empty where none is asked for.

        Raises
        ------
        RefusedError
            401 without a key that is known and not expired, 403 where it may not do this.
        """
        if self.open(state):
            return ""
        key = self._key(headers, state)
        if key is None:
            raise self._no_key(headers, state)
        if not allowed(key.role, PREDICT if model else READ):
            raise RefusedError(403, "not_allowed", f"a key with the role {key.role!r} may not do this")
        if model and not reaches(key, model):
            raise RefusedError(403, "not_allowed", f"this key does not reach the model {model!r}")
        if self._used is not None:
            self._used(key.prefix)
        return key.prefix

    def open(self, state: State, /) -> bool:
        """Whether nobody is asked for a key."""
        return state.board.open_to_all and not self._closed

    def reached(self, headers: dict[bytes, bytes], state: State, /) -> list[str]:
        """Names of the models that the caller may know of.

        Raises
        ------
        RefusedError
            401 without a key that is known, where one is asked for.
        """
        self.check_key(headers, state, model=None)
        key = None if self.open(state) else self._key(headers, state)
        return sorted(name for name in state.models if key is None or reaches(key, name))

    def _check_host(self, host: bytes, state: State) -> None:
        if not known_host(host.decode("latin-1"), state.board.hosts):
            raise RefusedError(421, "wrong_host", wrong_host(host.decode("latin-1"), state.board.hosts))
        if len(state.known_hosts) < _REMEMBERED:
            state.known_hosts.add(host)

    def _no_key(self, headers: dict[bytes, bytes], state: State) -> RefusedError:
        told = presented(_text(headers.get(b"authorization")), _text(headers.get(b"x-api-key")))
        code, why = why_not((*state.board.ended, *state.board.keys), told)
        return RefusedError(401, code, why, headers=_CHALLENGE)

    def _key(self, headers: dict[bytes, bytes], state: State) -> Key | None:
        if self._epoch is not state:
            self._epoch, self._remembered = state, {}
        authorization, plain = headers.get(b"authorization"), headers.get(b"x-api-key")
        if authorization is None and plain is None:
            return None
        token = authorization if authorization is not None else plain or b""
        now = time.time()
        known = self._remembered.get(token)
        if known is not None:
            return known if known.expires_at is None or now < known.expires_at else None
        told = presented(_text(authorization), _text(plain))
        key = holder(state.board.keys, told or "", now=now)
        if key is not None and len(self._remembered) < _REMEMBERED:
            self._remembered[token] = key
        return key


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
