"""Which version answers: decided by a hash of whom it is about, so that the same one is always answered alike."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from finalmile.serving.board import Route

LIVE = "live"
_WHOLE = float(1 << 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A version and the part it plays: ``live``, ``canary``, ``arm``, or ``stable`` where it stands in."""

    number: int
    role: str


def place(model: str, key: str, /) -> float:
    """Where a key falls in [0, 1) for a model: the same on every machine, today and tomorrow.

    Examples
    --------
    >>> place("demand", "milk") == place("demand", "milk")
    True
    """
    digest = hashlib.blake2b(f"{model}\x00{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / _WHOLE


def choose(route: Route, key: str, /) -> Choice:
    """The version that answers about ``key``, a unique_id or else the id of the request.

    The first share owns [0, share), the next what follows; a share that grows keeps the keys that it had, and what no
    share owns is answered by the live version.

    Examples
    --------
    >>> from finalmile.serving.board import Share
    >>> choose(Route(model="demand", live=3), "milk").number
    3
    >>> choose(Route(model="demand", live=3, shares=(Share(number=4, share=1.0, role="canary"),)), "milk")
    Choice(number=4, role='canary')
    """
    if not route.shares:
        return Choice(number=route.live, role=LIVE)
    where, reach = place(route.model, key), 0.0
    for share in route.shares:
        reach += share.share
        if where < reach:
            return Choice(number=share.number, role=share.role)
    return Choice(number=route.live, role=LIVE)
