"""How a worker follows the board while versions are being loaded."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from finalmile.serving.board import Board, Key, Route, Served
from finalmile.serving.counters import Counters
from finalmile.serving.ready import Ready
from finalmile.web import following
from finalmile.web.following import Watcher
from finalmile.web.state import Model


def _version(number: int, model: str = "demand") -> Served:
    return Served(model=model, number=number, kind="t", digest="", folder=".")


class Loads:
    """Opens versions; those that hang until they are let go."""

    def __init__(self, folder: Path, *hanging: Served) -> None:
        self.folder, self.hanging, self.go = folder, hanging, threading.Event()
        self.counters = Counters(folder / "slot-0.counters")
        self.watcher = Watcher(folder, self, self.counters, lambda _: None)

    def __call__(self, served: Served, /, *, deadline_s: float) -> Ready:
        if served in self.hanging:
            self.go.wait(20)
        return Ready(served=served)

    def post(self, epoch: int, *routes: Route, versions: tuple[Served, ...], keys: tuple[Key, ...] = ()) -> None:
        Board(epoch=epoch, versions=versions, routes=routes, keys=keys).write(self.folder)

    async def until_loaded(self, model: str, number: int) -> None:
        while model not in self.watcher.state.models or self.watcher.state.models[model].route.live != number:
            await asyncio.sleep(0.001)

    async def until_all(self, count: int) -> None:
        while len(self.watcher.state.models.get("demand", Model("", Route(model="", live=0), {})).versions) < count:
            await asyncio.sleep(0.001)


KEY = Key(prefix="fm_ab", sha256="0" * 64, role="viewer")


def test_keys_and_rollbacks_count_at_once_while_another_version_is_being_loaded(tmp_path: Path) -> None:
    async def run() -> None:
        loads = Loads(tmp_path, _version(1, "other"))
        both = (_version(1), _version(2))
        loads.post(1, Route(model="demand", live=2), versions=both, keys=(KEY,))
        loads.watcher.look()
        await asyncio.wait_for(loads.until_all(2), 20)
        other = Route(model="other", live=1)
        loads.post(2, Route(model="demand", live=1), other, versions=(*both, _version(1, "other")))
        loads.watcher.look()
        now = loads.watcher.state
        assert (now.models["demand"].route.live, now.board.keys, now.unready) == (1, (), [])
        assert now.loading == {"other"}
        loads.go.set()
        await asyncio.wait_for(loads.until_loaded("other", 1), 20)
        assert loads.watcher.state.loading == set()

    asyncio.run(run())


def test_what_answered_goes_on_until_the_new_live_version_is_loaded_but_not_once_it_is_withdrawn(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        loads = Loads(tmp_path, _version(3))
        loads.post(1, Route(model="demand", live=2, stable=1), versions=(_version(1), _version(2)))
        loads.watcher.look()
        await asyncio.wait_for(loads.until_all(2), 20)
        loads.post(2, Route(model="demand", live=3, stable=1), versions=(_version(1), _version(2), _version(3)))
        loads.watcher.look()
        assert loads.watcher.state.models["demand"].route.live == 2
        loads.post(3, Route(model="demand", live=3, stable=1), versions=(_version(1), _version(3)))
        loads.watcher.look()
        model = loads.watcher.state.models["demand"]
        assert (model.live, model.stable and model.stable.served.number) == (None, 1)
        loads.go.set()
        await asyncio.wait_for(loads.until_loaded("demand", 3), 20)

    asyncio.run(run())


def test_a_load_that_hangs_at_the_start_is_given_up_and_the_stable_version_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LOAD_S", 0.2)

    async def run() -> None:
        loads = Loads(tmp_path, _version(2), _version(1, "other"))
        routes = (Route(model="demand", live=2, stable=1), Route(model="other", live=1))
        loads.post(1, *routes, versions=(_version(1), _version(2), _version(1, "other")))
        following = asyncio.ensure_future(loads.watcher.follow())
        await asyncio.wait_for(loads.watcher.settled(), 20)
        model = loads.watcher.state.models["demand"]
        assert model.live is None
        assert model.stable is not None
        assert loads.counters.words[loads.counters.tally("strikes demand@2")] == 1
        assert "other: no version could be loaded" in loads.watcher.state.unready[0]
        following.cancel()
        loads.go.set()

    asyncio.run(run())
