"""The board: what the endpoint is to do, written by the manager in one file, read by every worker.

A worker that starts, or finds the file changed, brings itself in line with it. Nothing else tells workers what to
serve, so that whoever dies and comes back, in whatever order, ends in the same state.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

BOARD = "board.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One version as workers load it.

    Parameters
    ----------
    folder
        Its artefact, digest checked by whoever wrote the board.
    table
        Folder of its online table: features or answers by unique_id at a cutoff; ``None`` where there is none.
    isolated
        Answer from a killable process of its own.
    """

    model: str
    number: int
    kind: str
    digest: str
    folder: str
    table: str | None = None
    isolated: bool = False

    def __str__(self) -> str:
        return f"{self.model}@{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A version beside the live one and its part of the traffic, in [0, 1], sticky by a hash of unique_id."""

    number: int
    share: float
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How one model is answered.

    Parameters
    ----------
    live
        Number of the version that answers.
    stable
        Number of the last good one, kept warm: it answers where the live one cannot.
    shares
        Canary (``role="canary"``) and A/B versions (``role="arm"``).
    durable
        Answer only after the prediction is on disk.
    """

    model: str
    live: int
    stable: int | None = None
    shares: tuple[Share, ...] = ()
    durable: bool = True
    deadline_ms: int = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An API key as workers check it: the sha256 of its secret, never the secret.

    Parameters
    ----------
    models
        Models it reaches; every one where none is named.
    """

    prefix: str
    sha256: str
    role: str
    expires_at: float | None = None
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of a request and of what waits."""

    body_bytes: int = 8_000_000
    rows: int = 10_000
    depth: int = 20
    waiting: int = 512
    seconds: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Everything a worker needs to know, at one instant.

    Parameters
    ----------
    epoch
        Grows with every change.
    ended
        Keys that are not in force any more, so that whoever still has one is told; those that expired say when.
    open_to_all
        Whether no key is asked for: only where nothing but the loopback is bound.
    hosts
        Host names that requests may carry.
    """

    epoch: int = 0
    versions: tuple[Served, ...] = ()
    routes: tuple[Route, ...] = ()
    keys: tuple[Key, ...] = ()
    ended: tuple[Key, ...] = ()
    open_to_all: bool = True
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    limits: Limits = field(default_factory=Limits)

    def write(self, folder: Path, /) -> None:
        """Put it into a folder so that a reader sees the old one or the new one, never half of it."""
        fresh = folder / f".{BOARD}.{os.getpid()}"
        with fresh.open("wb") as file:
            file.write(orjson.dumps(asdict(self)))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(folder / BOARD)

    @classmethod
    def read(cls, folder: Path, /) -> Board:
        """What was written last; an empty board where nothing was."""
        try:
            told: dict[str, Any] = orjson.loads((folder / BOARD).read_bytes())
        except FileNotFoundError:
            return cls()
        return cls(
            epoch=told["epoch"],
            versions=tuple(Served(**one) for one in told["versions"]),
            routes=tuple(_route(one) for one in told["routes"]),
            keys=tuple(_key(one) for one in told["keys"]),
            ended=tuple(_key(one) for one in told.get("ended", ())),
            open_to_all=told["open_to_all"],
            hosts=tuple(told["hosts"]),
            limits=Limits(**told["limits"]),
        )


def _route(told: dict[str, Any]) -> Route:
    told["shares"] = tuple(Share(**share) for share in told["shares"])
    return Route(**told)


def _key(told: dict[str, Any]) -> Key:
    told["models"] = tuple(told["models"])
    return Key(**told)
