"""Endpoint: what the ledger says is to be answered by what, as the board that workers follow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import orjson

from finalmile.errors import CorruptError, FinalMileError
from finalmile.ports import Artefacts, Ledger
from finalmile.records import ApiKey, Deployment, RouteRule, Version
from finalmile.serving.board import Board, Key, Limits, Route, Served, Share
from finalmile.serving.online import newest_table

SERVING = "serving"
TABLES = "tables"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_UNFIT = ("rolled_back", "quarantined")
_ONCE_LIVE = ("stable", "retired")
_IN_PROCESS = "lightgbm"
_TOLD_ENDED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """A version that was to answer and cannot, and why."""

    version: Version
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A board, and the versions that were left off it."""

    board: Board
    unfit: tuple[Unfit, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Shelf:
    """Versions that were asked for, each looked at once."""

    artefacts: Artefacts
    folder: Path
    versions: dict[tuple[str, int], Version]
    served: dict[tuple[str, int], Served] = field(default_factory=dict[tuple[str, int], Served])
    unfit: dict[tuple[str, int], Unfit] = field(default_factory=dict[tuple[str, int], Unfit])

    def take(self, model: str, number: int | None) -> bool:
        """Whether a version can answer; its artefact was read and is what was written."""
        version = None if number is None else self.versions.get((model, number))
        if version is None or version.state == "quarantined":
            return False
        key = (model, version.number)
        if key not in self.served and key not in self.unfit:
            try:
                self.served[key] = served_as(version, self.artefacts.path(version.digest), self.folder)
            except (FinalMileError, OSError) as error:
                self.unfit[key] = Unfit(version=version, why=str(error))
        return key in self.served


def post(
    ledger: Ledger,
    artefacts: Artefacts,
    folder: Path,
    *,
    now: datetime,
    open_to_all: bool = True,
    hosts: Iterable[str] = (),
    limits: Limits | None = None,
) -> Posted:
    """What every model is answered by now.

    A live version whose artefact is not what was written, or that is quarantined, is answered for by the last good
    one; a model without either is not answered for at all.

    Parameters
    ----------
    folder
        The project's folder of what serving keeps, where online tables are looked for.
    hosts
        Names that requests may carry beside those of this machine.
    """
    versions = ledger.versions()
    shelf = _Shelf(
        artefacts=artefacts, folder=folder, versions={(version.model, version.number): version for version in versions}
    )
    known_keys = ledger.keys()
    models = [name for name in sorted({version.model for version in versions}) if _NAME.fullmatch(name)]
    found = (_route(shelf, ledger.deployment(name), ledger.route(name)) for name in models)
    routes = tuple(route for route in found if route is not None)
    board = Board(
        versions=tuple(shelf.served[key] for key in sorted(shelf.served)),
        routes=routes,
        keys=tuple(_key(key) for key in known_keys if key.usable(now)),
        ended=tuple(_key(key) for key in known_keys if not key.usable(now))[-_TOLD_ENDED:],
        open_to_all=open_to_all,
        hosts=(*Board().hosts, *hosts),
        limits=limits or Limits(),
    )
    return Posted(board=board, unfit=tuple(shelf.unfit.values()))


def last_good(deployment: Deployment, versions: Sequence[Version]) -> int | None:
    """The version to return to: the one live before, else the newest that ever was and was not found wanting."""
    fit = {one.number: one for one in versions if one.state not in _UNFIT and one.number != deployment.live}
    if deployment.previous in fit:
        return deployment.previous
    return max((number for number, one in fit.items() if one.state in _ONCE_LIVE), default=None)


def _route(shelf: _Shelf, deployment: Deployment | None, rule: RouteRule) -> Route | None:
    if deployment is None:
        return None
    model = deployment.model
    mine = [version for (name, _), version in shelf.versions.items() if name == model]
    stable = last_good(deployment, mine)
    stable = stable if shelf.take(model, stable) else None
    live = deployment.live if shelf.take(model, deployment.live) else stable
    if live is None:
        return None
    beside = (one for one in rule.beside if one.number != live and shelf.take(model, one.number))
    return Route(
        model=model,
        live=live,
        stable=stable if stable != live else None,
        shares=tuple(Share(number=one.number, share=one.share, role=one.role) for one in beside),
        durable=rule.durable,
        deadline_ms=rule.deadline_ms,
    )


def served_as(version: Version, artefact: Path, folder: Path) -> Served:
    """A version as workers load it: its artefact, and its newest online table in the folder of what serving keeps."""
    return Served(
        model=version.model,
        number=version.number,
        kind=version.kind,
        digest=version.digest,
        folder=str(artefact.resolve()),
        table=_table(folder, version),
        isolated=_isolated(artefact),
    )


def _table(folder: Path, version: Version) -> str | None:
    found = newest_table(folder / TABLES / version.model / str(version.number))
    return None if found is None else str(found.resolve())


def _isolated(artefact: Path) -> bool:
    """Whether a registered model answers from a process of its own: all but LightGBM text, whose structure is known."""
    try:
        told = orjson.loads((artefact / "serving.json").read_bytes())
    except FileNotFoundError:
        return False
    except orjson.JSONDecodeError as error:
        raise CorruptError(f"{artefact / 'serving.json'} cannot be read: {error}. Register the model again.") from error
    return bool(told.get("isolated", told.get("loader") != _IN_PROCESS))


def _key(key: ApiKey) -> Key:
    ever = key.expires_at is None or key.revoked_at is not None
    expires = None if ever or key.expires_at is None else key.expires_at.timestamp()
    return Key(prefix=key.prefix, sha256=key.sha256, role=key.role, expires_at=expires, models=key.models)
