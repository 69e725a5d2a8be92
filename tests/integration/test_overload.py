"""More is asked of a model than it can answer: callers come again, and nobody is struck out for it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from finalmile.errors import ModelFaultError
from finalmile.forecasters.loaders.kept import Kept
from finalmile.serving.asking import Asked
from finalmile.serving.board import Route, Served
from finalmile.serving.counters import Counters, strikes
from finalmile.serving.host import Host
from finalmile.serving.ready import Ready
from finalmile.serving.rows import RowReader
from finalmile.serving.signature import Signature
from finalmile.web.predict import Predictor, Record
from finalmile.web.replies import Call, RefusedError
from finalmile.web.state import Model

SIGNATURE = {"features": [{"name": "a"}], "outputs": ["mean"]}


class Held:
    """Answers once it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def rows(self, features: np.ndarray, /) -> np.ndarray:
        self.go.wait(20)
        return features

    def close(self) -> None:
        self.go.set()


def _model(name: str, held: Held) -> Model:
    served = Served(model=name, number=1, kind="t", digest="", folder="")
    ready = Ready(served=served, reader=RowReader(Signature.from_json(SIGNATURE)), model=held, inline=False)
    return Model(name=name, route=Route(model=name, live=1, deadline_ms=300), versions={1: ready})


async def _ask(predictor: Predictor, model: Model) -> Record:
    record = Record(Asked(features=[1.0]))
    await predictor.answer(model, [record], Call(started_ns=0, request_id="r", endpoint="e"))
    return record


def test_a_wait_for_others_is_no_strike_and_leaves_threads_to_other_models(tmp_path: Path) -> None:
    counters = Counters(tmp_path / "slot-0.counters")
    held, free = Held(), Held()
    slow, quick = _model("slow", held), _model("quick", free)
    free.go.set()

    async def put(lines: list[bytes], wait: bool) -> None:
        del lines, wait

    async def run(pool: ThreadPoolExecutor) -> None:
        predictor = Predictor(counters, put=put, pool=pool)
        asked = [asyncio.create_task(_ask(predictor, slow)) for _ in range(5)]
        await asyncio.sleep(0)
        assert (await _ask(predictor, quick)).answer is not None
        told = await asyncio.gather(*asked, return_exceptions=True)
        busy = [one for one in told if isinstance(one, RefusedError)]
        assert [(one.status, one.code, one.headers[0][0]) for one in busy] == [(503, "busy", b"retry-after")] * 4
        held.go.set()
        while slow.versions[1].in_use:
            await asyncio.sleep(0)

    with ThreadPoolExecutor(2) as pool:
        asyncio.run(run(pool))
    counters.beat()
    assert strikes(tmp_path) == {"slow@1": 1}  # the one that really took too long


def _registered(folder: Path, body: str, *, golden: bool = True) -> Path:
    for name in ("files", "code"):
        (folder / name).mkdir(parents=True)
    (folder / "code" / "odd.py").write_text(f"import threading\ndef fn(x):\n    {body}\n")
    rows = {"rows": [[1.0]], "answers": [[2.0]]} if golden else {}
    Kept(loader="callable", settings={"function": "odd:fn"}, signature=SIGNATURE, golden=rows).write(folder)
    return folder


def test_many_callers_of_one_process_do_not_strike_it_out(tmp_path: Path) -> None:
    host = Host(_registered(tmp_path / "m", "threading.Event().wait(0.2)\n    return x[:, 0] * 2"), deadline_s=0.5)
    kinds: list[str] = []

    def ask() -> None:
        try:
            host.rows(np.ones((1, 1)))
        except ModelFaultError as fault:
            kinds.append(fault.kind)

    try:
        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(kinds) == {"waiting"}
        assert (host.strikes, host.ready) == (0, True)
    finally:
        host.close()


@pytest.mark.parametrize("body", ["return x[:, 0] * 2", "return x[:, 0] * 2 if x[0, 0] < 9 else 1 / 0"])
def test_features_that_no_model_could_answer_are_no_strike_while_the_golden_rows_hold(
    tmp_path: Path, body: str
) -> None:
    host = Host(_registered(tmp_path / "m", body))
    try:
        for _ in range(4):
            with pytest.raises(ModelFaultError) as told:
                host.rows(np.full((1, 1), 1e300))
            assert told.value.kind == "unusual"
        assert host.strikes == 0
        assert host.rows(np.ones((1, 1))).tolist() == [[2.0]]
    finally:
        host.close()


def test_features_strike_where_no_golden_row_speaks_for_the_model(tmp_path: Path) -> None:
    host = Host(_registered(tmp_path / "m", "return x[:, 0] * 2", golden=False))
    try:
        with pytest.raises(ModelFaultError, match="too large"):
            host.rows(np.full((1, 1), 1e300))
        assert host.strikes == 1
    finally:
        host.close()
