"""Callers whose features make a sound version fail do not take it off the endpoint; a broken one goes all the same."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from finalmile.errors import ModelFaultError
from finalmile.forecasters.loaders.kept import Kept
from finalmile.project import Project
from finalmile.records import Incident
from finalmile.serving import host as hosts
from finalmile.serving.asking import Asked
from finalmile.serving.board import Route, Served
from finalmile.serving.counters import Counted, Counters, read_all, strikes_of, together
from finalmile.serving.host import Host
from finalmile.serving.online import About, OnlineTable
from finalmile.serving.ready import Ready
from finalmile.serving.rows import RowReader
from finalmile.serving.signature import Signature
from finalmile.web.predict import Predictor, Record
from finalmile.web.replies import Call
from finalmile.web.state import Model
from finalmile.web.watcher import Watcher
from finalmile.workflows import quarantine

CODE = """
from pathlib import Path
def fn(x):
    if (x > 1e6).any():
        raise OverflowError("too many")
    return x[:, 0] * (2.0 if Path({broken!r}).exists() else 1.0)
"""


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """A version that answers wrongly once the file ``broken`` is there, and fails on large features ever."""
    (tmp_path / "odd.py").write_text(CODE.format(broken=str(tmp_path / "broken")))
    project = Project.init(tmp_path / "shop")
    features = {"features": [{"name": "a"}], "golden": {"rows": [[1.0], [2.0]], "answers": [[1.0], [2.0]]}}
    project.register("demand", "callable", path=tmp_path / "odd.py", function="odd:fn", features=features)
    project.promote("demand", force=True, why="a test")
    return project


def _struck(project: Project, **counts: int) -> Watcher:
    serving = project.folder / "serving"
    serving.mkdir(exist_ok=True)
    counters = Counters(serving / "slot-0.counters")
    for kind, count in counts.items():
        counters.words[counters.tally(f"{kind} demand@1")] += count
    counters.close()
    watcher = Watcher(project, serving)
    watcher.judge()
    return watcher


@pytest.mark.parametrize(
    ("given", "fault", "odd"),
    [
        (True, ZeroDivisionError("no sales"), {"demand@1": 1}),
        (False, ZeroDivisionError("no sales"), {}),
        (True, ModelFaultError("memory", "no more memory"), {}),  # what leaks is no fault of any features
    ],
)
def test_a_fault_on_features_that_a_caller_gave_is_told_from_one_on_features_that_were_looked_up(
    tmp_path: Path, given: bool, fault: Exception, odd: dict[str, int]
) -> None:
    counters = Counters(tmp_path / "slot-0.counters")
    about = About(model="demand", number=1, cutoff="2024-03-01", kind="features", frequency="day", names=("a",))
    OnlineTable(about=about, ids=["milk"], arrays={"values": np.ones((1, 1))}).write(tmp_path / "table")
    served = Served(model="demand", number=1, kind="t", digest="", folder="")
    reader = RowReader(Signature.from_json({"features": [{"name": "a"}], "outputs": ["mean"]}))
    ready = Ready(served=served, reader=reader, model=Raising(fault), table=OnlineTable.open(tmp_path / "table"))
    model = Model(name="demand", route=Route(model="demand", live=1), versions={1: ready})
    record = Record(Asked(features=[1.0]) if given else Asked("milk"))
    with ThreadPoolExecutor(1) as pool:
        asyncio.run(Predictor(counters, put=_keep, pool=pool).answer(model, [record], Call(0, "r", "e")))
    counters.close()
    told = together(read_all(tmp_path).values())
    assert str(fault) in record.failed
    assert strikes_of(told) == {"demand@1": 1}
    assert strikes_of(told, kind="odd") == odd


class Raising:
    def __init__(self, fault: Exception) -> None:
        self.fault = fault

    def rows(self, features: np.ndarray, /) -> np.ndarray:
        raise self.fault

    def close(self) -> None: ...


async def _keep(lines: list[bytes], wait: bool) -> None: ...


DIES = "import os\ndef fn(x):\n    return x[:, 0] if x[0, 0] else os._exit(1)\n"
BREAKS = """
import os
from pathlib import Path
def fn(x):
    broken = Path({broken!r}).exists()
    return x[:, 0] * (2.0 if broken else 1.0) if x[0, 0] else os._exit(1)
"""


def _kept(folder: Path, code: str, *, golden: bool) -> Path:
    for name in ("files", "code"):
        (folder / "m" / name).mkdir(parents=True)
    (folder / "m" / "code" / "odd.py").write_text(code)
    signature = {"features": [{"name": "a"}], "outputs": ["mean"]}
    rows = {"rows": [[1.0], [2.0]], "answers": [[1.0], [2.0]]} if golden else {}
    Kept(loader="callable", settings={"function": "odd:fn"}, signature=signature, golden=rows).write(folder / "m")
    return folder / "m"


def _killed(host: Host) -> None:
    """Let its process die."""
    with pytest.raises(ModelFaultError, match="exit code 1"):
        host.rows(np.zeros((1, 1)))


def test_a_model_that_dies_of_features_of_callers_again_and_again_goes_on_answering_others(tmp_path: Path) -> None:
    host = Host(_kept(tmp_path, DIES, golden=True), most=2)
    try:
        for _ in range(4):
            _killed(host)
            _until(lambda: _answered(host))
            assert (host.strikes, host.out) == (0, False)
    finally:
        host.close()


def test_a_model_that_answers_its_golden_rows_otherwise_once_it_died_is_given_up(tmp_path: Path) -> None:
    host = Host(_kept(tmp_path, BREAKS.format(broken=str(tmp_path / "broken")), golden=True), most=2)
    try:
        (tmp_path / "broken").touch()
        _killed(host)
        _until(lambda: _answered(host))
        assert (host.strikes, host.out) == (1, False)
        _killed(host)
        _until(lambda: host.out)
        with pytest.raises(ModelFaultError, match="given up after 2 faults, the last: the model's process ended"):
            host.rows(np.ones((1, 1)))
    finally:
        host.close()


def test_a_model_that_dies_more_often_than_it_may_in_a_minute_waits_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Host(_kept(tmp_path, DIES, golden=True), most=2, restarts=1)
    try:
        _killed(model)
        _until(lambda: _answered(model))
        _killed(model)
        with pytest.raises(ModelFaultError) as told:
            model.rows(np.ones((1, 1)))
        assert (told.value.kind, model.strikes, model.ready) == ("starting", 0, False)
    finally:
        model.close()
    _until(lambda: not [one for one in threading.enumerate() if one.name == "model host"])
    monkeypatch.setattr(hosts, "MINUTE_S", 0.0)
    model = Host(tmp_path / "m", most=2, restarts=1)
    try:
        for _ in range(2):
            _killed(model)
            _until(lambda: _answered(model))
    finally:
        model.close()


def test_a_model_that_was_given_up_is_tried_again_after_a_rest_and_given_up_at_its_next_fault(tmp_path: Path) -> None:
    host = Host(_kept(tmp_path, DIES, golden=False), most=2, rest_s=0.3)
    try:
        for _ in range(2):
            while not host.out:
                _until(lambda: host.ready or host.out)
                with pytest.raises(ModelFaultError):
                    host.rows(np.zeros((1, 1)))
            with pytest.raises(ModelFaultError, match="given up"):
                host.rows(np.ones((1, 1)))
            _until(lambda: _answered(host))
            assert host.rows(np.ones((1, 1))).tolist() == [[1.0]]
    finally:
        host.close()


def _answered(host: Host) -> bool:
    try:
        return host.rows(np.ones((1, 1))).size == 1
    except ModelFaultError:
        return False


def _until(done: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end, "it never came to pass"
        threading.Event().wait(0.02)


def _incident(project: Project) -> Incident:
    _until(project.ledger.incidents)
    (incident,) = project.ledger.incidents()
    return incident


def test_a_version_that_fails_only_on_features_of_callers_and_is_right_on_its_golden_rows_stays(shop: Project) -> None:
    _struck(shop, odd=3, strikes=3)
    incident = _incident(shop)
    assert (incident.subject, incident.finding.severity) == ("demand@1", "warning")
    assert "its 2 golden rows it answers as ever" in incident.explain()
    assert "started again, at most 12 times a minute" in incident.actions[-1]
    assert shop.ledger.version("demand", 1).state != "quarantined"
    watcher = _struck(shop, odd=3, strikes=3)  # again, and counted from where it was looked at last
    _until(lambda: not [one for one in threading.enumerate() if one.name == "ask demand@1"])
    watcher.judge()
    assert shop.ledger.version("demand", 1).state != "quarantined"
    assert len(shop.ledger.incidents()) == 1


def test_a_version_that_answers_its_golden_rows_otherwise_is_quarantined_whatever_callers_gave(
    shop: Project, tmp_path: Path
) -> None:
    (tmp_path / "broken").touch()
    _struck(shop, odd=3, strikes=3)
    _until(lambda: shop.ledger.version("demand", 1).state == "quarantined")
    assert _incident(shop).finding.severity == "critical"


def test_a_version_that_also_fails_on_features_that_were_looked_up_is_quarantined_at_once(shop: Project) -> None:
    _struck(shop, odd=2, strikes=3)
    assert shop.ledger.version("demand", 1).state == "quarantined"


def test_strikes_that_were_acquitted_do_not_excuse_later_ones(shop: Project) -> None:
    _struck(shop, odd=3, strikes=3)
    _incident(shop)
    _struck(shop, strikes=3)
    assert shop.ledger.version("demand", 1).state == "quarantined"


def test_a_version_is_asked_by_one_process_at_a_time_and_again_for_strikes_that_came_meanwhile(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, asked = threading.Event(), list[int]()
    was = quarantine.acquit

    def acquit(shop_: Any, version: Any, *, strikes: int) -> Incident | None:
        asked.append(strikes)
        assert go_on.wait(60)
        return was(shop_, version, strikes=strikes)

    monkeypatch.setattr(quarantine, "acquit", acquit)
    counted = {"strikes demand@1": 3, "odd demand@1": 3}
    watcher = Watcher(
        shop, shop.folder / "serving", counted=lambda _: Counted(totals={}, gauges={}, latencies={}, tallies=counted)
    )
    for _ in range(3):
        watcher.judge()
        counted |= {name: count + 3 for name, count in counted.items()}
    _until(lambda: len(asked) == 1)
    go_on.set()
    _until(lambda: not _asking())
    watcher.judge()
    _until(lambda: len(asked) == 2 and not _asking())
    assert shop.ledger.version("demand", 1).state != "quarantined"
    assert asked == [3, 9]


def _asking() -> bool:
    return any(one.name == "ask demand@1" for one in threading.enumerate())
