"""What a worker serves at an instant, and how it follows the board: load beside, then swap one reference."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from finalmile.serving.board import BOARD, Board, Route, Served
from finalmile.serving.counters import Counters
from finalmile.serving.online import OnlineTable
from finalmile.serving.ready import Ready
from finalmile.serving.route import LIVE, choose


class Opener(Protocol):
    """Brings a version into memory."""

    def __call__(self, served: Served, /, *, deadline_s: float) -> Ready:
        """The version, ready to answer; raises where it cannot be."""
        ...


LOOK_S = 0.05
"""How often a worker looks whether the board changed."""


@dataclass(slots=True)
class Model:
    """One model as it is answered: its route and the versions in memory.

    Parameters
    ----------
    last
        What answered before, where neither the live nor the stable version could be loaded.
    """

    name: str
    route: Route
    versions: Mapping[int, Ready]
    last: Ready | None = None

    @property
    def live(self) -> Ready | None:
        """The version that the route says is live."""
        return self.versions.get(self.route.live)

    @property
    def stable(self) -> Ready | None:
        """What stands in where another version cannot answer."""
        told = None if self.route.stable is None else self.versions.get(self.route.stable)
        return told or self.last

    def pick(self, key: str, /) -> tuple[Ready | None, str, str]:
        """The version that answers about a key, its role, and why another one was chosen than the route says."""
        route = self.route
        if route.shares:
            choice = choose(route, key)
            number, role = choice.number, choice.role
        else:
            number, role = route.live, LIVE
        ready = self.versions.get(number)
        if ready is not None and not ready.mute:
            return ready, role, ""
        stand_in = self.live if number != route.live and self.live is not None else self.stable
        if stand_in is None or stand_in.mute:
            return ready, role, ""
        why = "could not be loaded" if ready is None else "has not forecast yet"
        return stand_in, "fallback", f"{self.name}@{number} {why}"


@dataclass(slots=True)
class State:
    """Everything a request is answered from; never changed, only replaced.

    Parameters
    ----------
    paths
        ``/v1/models/NAME:predict`` to the model.
    problems
        Version to why it could not be loaded.
    known_hosts, known_keys
        What was found right before, so that it need not be checked again.
    """

    board: Board = field(default_factory=Board)
    models: Mapping[str, Model] = field(default_factory=dict[str, Model])
    paths: Mapping[str, Model] = field(default_factory=dict[str, Model])
    problems: Mapping[str, str] = field(default_factory=dict[str, str])
    told: bool = False
    known_hosts: set[bytes] = field(default_factory=set[bytes])

    @property
    def unready(self) -> list[str]:
        """Why not everything can be answered; empty where it can."""
        if not self.told:
            return ["no board has been read yet: the manager has not said what to serve"]
        silent = [name for name, model in self.models.items() if (model.live or model.stable) is None]
        return [f"{name}: no version could be loaded: {'; '.join(self.problems.values())}" for name in silent]


def following(before: State, board: Board, opener: Opener, counters: Counters) -> State:
    """The state that a board asks for; what is loaded already is kept. Run it in a thread: loading takes a while."""
    kept = {ready.served: ready for model in before.models.values() for ready in model.versions.values()}
    versions: dict[str, dict[int, Ready]] = {}
    problems: dict[str, str] = {}
    deadlines = {route.model: route.deadline_ms / 1e3 for route in board.routes}
    for served in board.versions:
        open_ = partial(opener, deadline_s=deadlines.get(served.model, 2.0))
        ready = kept.get(served) or _opened(served, list(kept.values()), open_, counters, problems)
        if ready is not None:
            versions.setdefault(served.model, {})[served.number] = ready
    models = {route.model: _model(route, versions.get(route.model, {}), before) for route in board.routes}
    paths = {f"/v1/models/{name}:predict": model for name, model in models.items()}
    return State(board=board, models=models, paths=paths, problems=problems, told=True)


def _model(route: Route, versions: Mapping[int, Ready], before: State) -> Model:
    model = Model(name=route.model, route=route, versions=versions)
    past = before.models.get(route.model)
    if past is not None and (model.live or model.stable) is None:
        model.last = past.live or past.stable
    return model


def _opened(
    served: Served, kept: list[Ready], opener: Callable[[Served], Ready], counters: Counters, problems: dict[str, str]
) -> Ready | None:
    """A version from its folder, or with a newer table beside the model that is in memory already."""
    try:
        for ready in kept:
            if replace(ready.served, table=served.table) == served:
                table = None if served.table is None else OnlineTable.open(Path(served.table))
                if table is not None:
                    table.warm()
                return replace(ready, served=served, table=table, in_use=0, over=False)
        return opener(served)
    except Exception as error:  # whatever a model does while it is loaded, the others keep answering
        problems[str(served)] = f"{type(error).__name__}: {error}"[:500]
        counters.add("load_failures")
        counters.words[counters.tally(f"strikes {served}")] += 1
        print(f"{served} could not be loaded: {problems[str(served)]}", file=sys.stderr, flush=True)
        return None


class Watcher:
    """Follows the board of a folder.

    Parameters
    ----------
    swapped
        Told the new state, on the event loop, once it counts.
    """

    def __init__(self, folder: Path, opener: Opener, counters: Counters, swapped: Callable[[State], None]) -> None:
        self._path, self._folder = folder / BOARD, folder
        self._opener, self._counters, self._swapped = opener, counters, swapped
        self._seen: tuple[int, int, int] | None = None
        self._leaving: list[Ready] = []
        self.state = State()

    async def follow(self) -> None:
        """Look, again and again; ends when it is cancelled."""
        while True:
            try:
                await self.look()
            except Exception as error:  # a board that cannot be read is written again soon
                print(f"{self._path} cannot be followed: {error}", file=sys.stderr, flush=True)
            await asyncio.sleep(LOOK_S)

    async def look(self) -> bool:
        """Bring the worker in line with the board where it changed; whether it did."""
        self._free()
        stamp = _stamp(self._path)
        if stamp is None or stamp == self._seen:
            return False
        board = Board.read(self._folder)
        fresh = await asyncio.to_thread(following, self.state, board, self._opener, self._counters)
        self._swap(fresh)
        self._seen = stamp
        return True

    def _swap(self, fresh: State) -> None:
        before, self.state = self.state, fresh
        self._swapped(fresh)
        self._counters.set("epoch", fresh.board.epoch)
        if before.told:
            self._counters.add("swaps")
        used = {id(ready.model) for ready in _all(fresh)}
        self._leaving += [one for one in _all(before) if one.model is not None and id(one.model) not in used]
        self._free()

    def _free(self) -> None:
        """Close what is no longer served, after its last call."""
        staying: list[Ready] = []
        for ready in self._leaving:
            if ready.in_use:
                staying.append(ready)
            else:
                ready.close()
        self._leaving = staying

    def close(self) -> None:
        """Free every version."""
        for ready in [*_all(self.state), *self._leaving]:
            ready.close()


def _all(state: State) -> list[Ready]:
    found = {id(ready): ready for model in state.models.values() for ready in model.versions.values()}
    found |= {id(model.last): model.last for model in state.models.values() if model.last is not None}
    return list(found.values())


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_mtime_ns, stat.st_ino, stat.st_size
