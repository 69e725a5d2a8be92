"""Following the board: versions are loaded beside the traffic, and the state is swapped as each is ready."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from finalmile.serving.board import BOARD, Board, Served
from finalmile.serving.counters import Counters
from finalmile.serving.online import OnlineTable
from finalmile.serving.ready import Ready
from finalmile.web.state import State, composed


class Opener(Protocol):
    """Brings a version into memory."""

    def __call__(self, served: Served, /, *, deadline_s: float) -> Ready:
        """The version, ready to answer; raises where it cannot be."""
        ...


LOOK_S = 0.05
"""How often a worker looks whether the board changed."""

LOAD_S = 45.0
"""How long a version may take to be loaded before the others go on without it; less than a worker may take to start."""

PATIENCE_S = 10.0
"""How long a worker that starts waits for every version, before it begins with those that can answer."""


@dataclass(slots=True)
class _Load:
    """A version on its way into memory, in a thread of its own: a load that hangs holds up nothing else."""

    served: Served
    began: float
    base: Ready | None
    over: bool = False

    def run(self, opener: Opener, deadline_s: float) -> Ready:
        """The version from its folder, or with a newer table beside the model that is in memory already."""
        if self.base is None:
            return opener(self.served, deadline_s=deadline_s)
        table = None if self.served.table is None else OnlineTable.open(Path(self.served.table))
        if table is not None:
            table.warm()
        return replace(self.base, served=self.served, table=table, in_use=0, over=False)


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
        self._looked = self._settled = False
        self._memory: dict[Served, Ready] = {}
        self._loads: dict[Served, _Load] = {}
        self._problems: dict[Served, str] = {}
        self._board = Board()
        self._leaving: list[Ready] = []
        self.state = State()

    async def follow(self) -> None:
        """Look, again and again; ends when it is cancelled."""
        while True:
            try:
                self.look()
            except Exception as error:  # a board that cannot be read is written again soon
                print(f"{self._path} cannot be followed: {error}", file=sys.stderr, flush=True)
            self._looked = True
            await asyncio.sleep(LOOK_S)

    async def settled(self, *, patience_s: float = PATIENCE_S) -> None:
        """Wait until everything is loaded, or patience is over and every route has a version that answers.

        A board that is not there yet is waited for as patiently: who began without it would refuse what the versions
        that it names can answer a moment later.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + patience_s
        while not self._looked or (self._lacking() and (loop.time() < until or self.state.starting)):
            await asyncio.sleep(0.01)

    def _lacking(self) -> bool:
        return not self.state.told or bool(self._pending())

    def look(self) -> bool:
        """Bring the worker in line with the board where it changed, as far as it is loaded; whether it had changed."""
        self._free()
        self._give_up()
        stamp = _stamp(self._path)
        if stamp is None or stamp == self._seen:
            return False
        self._board, self._problems = Board.read(self._folder), {}
        self._counters.keep({str(served) for served in self._board.versions})
        stable = {(route.model, route.stable) for route in self._board.routes}
        self._memory = {served: ready for served, ready in self._memory.items() if served in self._board.versions}
        for served in sorted(self._board.versions, key=lambda one: (one.model, one.number) not in stable):
            if served not in self._memory and served not in self._loads:
                self._load(served)
        self._swap()
        self._seen = stamp
        return True

    def _load(self, served: Served) -> None:
        loop = asyncio.get_running_loop()
        alike = (ready for one, ready in self._memory.items() if replace(one, table=served.table) == served)
        load = self._loads[served] = _Load(served, loop.time(), next(alike, None) or self._answering(served))
        deadlines = {route.model: route.deadline_ms / 1e3 for route in self._board.routes}
        deadline_s = deadlines.get(served.model, 2.0)

        def work() -> None:
            ready: Ready | None = None
            fault: Exception | None = None
            try:
                ready = load.run(self._opener, deadline_s)
            except Exception as error:  # whatever a model does while it is loaded, the others keep answering
                fault = error
            with contextlib.suppress(RuntimeError):  # the worker has ended meanwhile
                loop.call_soon_threadsafe(self._loaded, load, ready, fault)

        threading.Thread(target=work, name=f"load {served}", daemon=True).start()

    def _answering(self, served: Served) -> Ready | None:
        """What answers now with the same model and another table."""
        return next((one for one in _all(self.state) if replace(one.served, table=served.table) == served), None)

    def _loaded(self, load: _Load, ready: Ready | None, fault: Exception | None) -> None:
        del self._loads[load.served]
        wanted = load.served in self._board.versions
        gone = load.base is not None and load.base.model is None and load.base.reader is not None
        if ready is None:
            if not load.over:
                self._failed(load, f"{type(fault).__name__}: {fault}"[:500])
        elif wanted and not gone:
            self._problems.pop(load.served, None)
            self._memory[load.served] = ready
        elif load.base is None:
            ready.close()
        if wanted and gone:
            self._load(load.served)
        self._swap()

    def _give_up(self) -> None:
        """Count loads that hang among those that failed; what they hold up goes on without them."""
        now = asyncio.get_running_loop().time() if self._loads else 0.0
        late = [load for load in self._loads.values() if not load.over and now - load.began > LOAD_S]
        for load in late:
            load.over = True
            self._failed(load, f"was not loaded within {LOAD_S:g} s")
        if late:
            self._swap()

    def _failed(self, load: _Load, why: str) -> None:
        self._problems[load.served] = why
        self._counters.add("load_failures")
        self._counters.words[self._counters.tally(f"strikes {load.served}")] += 1
        print(f"{load.served} could not be loaded: {why}", file=sys.stderr, flush=True)

    def _pending(self) -> set[Served]:
        return {served for served, load in self._loads.items() if not load.over and served in self._board.versions}

    def _swap(self) -> None:
        before, pending = self.state, self._pending()
        problems = list(self._problems.values())
        fresh = composed(before, self._board, self._memory, loading=pending, problems=problems)
        self.state = fresh
        self._swapped(fresh)
        if not pending:
            self._counters.set("epoch", fresh.board.epoch)
            if self._settled and self._counted != fresh.board.epoch:
                self._counters.add("swaps")
            self._settled, self._counted = True, fresh.board.epoch
        used = {id(ready.model) for ready in (*_all(fresh), *self._memory.values())}
        self._leaving += [one for one in _all(before) if one.model is not None and id(one.model) not in used]
        self._free()

    _counted = -1

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
        for ready in [*_all(self.state), *self._memory.values(), *self._leaving]:
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
