"""Many models that hang at once, in processes of their own: every other model is answered meanwhile."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from finalmile.serving.asking import Asked
from finalmile.serving.board import Route, Served
from finalmile.serving.counters import Counters
from finalmile.serving.ready import Ready
from finalmile.serving.rows import RowReader
from finalmile.serving.signature import Signature
from finalmile.web.predict import Predictor, Record
from finalmile.web.replies import Call
from finalmile.web.state import Model
from finalmile.web.worker import THREADS

SLOW = 40
READER = RowReader(Signature.from_json({"features": [{"name": "a"}], "outputs": ["mean"]}))


class Held:
    """Answers once it is let go."""

    def __init__(self, go: threading.Event) -> None:
        self.go, self.asked = go, threading.Event()

    def rows(self, features: np.ndarray, /) -> np.ndarray:
        self.asked.set()
        self.go.wait(20)
        return features

    def close(self) -> None: ...


def _model(name: str, held: Held) -> Model:
    served = Served(model=name, number=1, kind="t", digest="", folder="")
    ready = Ready(served=served, reader=READER, model=held, inline=False)
    return Model(name=name, route=Route(model=name, live=1, deadline_ms=5000), versions={1: ready})


async def _ask(predictor: Predictor, model: Model) -> Record:
    record = Record(Asked(features=[1.0]))
    await predictor.answer(model, [record], Call(0, "r", "e"))
    return record


async def _keep(lines: list[bytes], wait: bool) -> None: ...


def test_models_that_hang_take_no_thread_that_another_model_needs(tmp_path: Path) -> None:
    counters, go, free = Counters(tmp_path / "slot-0.counters"), threading.Event(), threading.Event()
    slow, quick = [Held(go) for _ in range(SLOW)], Held(free)
    free.set()

    async def run(pool: ThreadPoolExecutor) -> None:
        predictor = Predictor(counters, put=_keep, pool=pool)
        asked = [asyncio.create_task(_ask(predictor, _model(f"slow{at}", one))) for at, one in enumerate(slow)]
        await asyncio.sleep(0)
        told = await _ask(predictor, _model("quick", quick))
        assert told.answer is not None
        assert told.answer.mean == [1.0]
        assert not any(one.done() for one in asked)
        go.set()
        assert all(one.answer is not None for one in await asyncio.gather(*asked))

    with ThreadPoolExecutor(THREADS) as pool:
        asyncio.run(run(pool))
    assert all(one.asked.is_set() for one in slow)
    counters.close()
