"""A worker that serves one version after the other for a long time still counts each."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from finalmile.serving.asking import Asked
from finalmile.serving.board import Board, Route, Served
from finalmile.serving.counters import Counted, Counters
from finalmile.serving.ready import Ready
from finalmile.serving.rows import RowReader
from finalmile.serving.signature import Signature
from finalmile.web.following import Watcher
from finalmile.web.predict import Predictor, Record
from finalmile.web.replies import Call

READER = RowReader(Signature.from_json({"features": [{"name": "a"}], "outputs": ["mean"]}))


class Same:
    """Answers what it is asked."""

    def rows(self, features: np.ndarray, /) -> np.ndarray:
        return features

    def close(self) -> None: ...


def _open(served: Served, /, *, deadline_s: float) -> Ready:
    return Ready(served=served, reader=READER, model=Same())


async def _keep(lines: list[bytes], wait: bool) -> None: ...


def test_the_six_hundredth_version_is_counted_like_the_first(tmp_path: Path) -> None:
    counters = Counters(tmp_path / "slot-0.counters")

    async def run(pool: ThreadPoolExecutor) -> None:
        predictor = Predictor(counters, put=_keep, pool=pool)
        watcher = Watcher(tmp_path, _open, counters, lambda _: None)
        for number in range(1, 601):
            served = Served(model="demand", number=number, kind="t", digest="", folder=".")
            Board(epoch=number, versions=(served,), routes=(Route(model="demand", live=number),)).write(tmp_path)
            watcher.look()
            while "demand" not in watcher.state.models or watcher.state.models["demand"].live is None:
                await asyncio.sleep(0)
            record = Record(Asked(features=[1.0]))
            for _ in range(2):
                await predictor.answer(watcher.state.models["demand"], [record], Call(0, "r", "e"))
            assert record.answer is not None
            told = Counted.read(tmp_path / "slot-0.counters")
            assert told is not None
            assert told.tallies == {f"answers demand@{number}": 2}

    with ThreadPoolExecutor(1) as pool:
        asyncio.run(run(pool))
    counters.close()
