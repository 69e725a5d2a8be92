"""Reading predictions over HTTP: bounded, one reader at a time."""

from __future__ import annotations

from typing import Any

import pytest

from finalmile.adapters.local.tail_file import TailFile
from finalmile.predictions.record import Prediction
from finalmile.web.api import records

PLACE = "/v1/models/demand/predictions"


def _logged(door: Any, count: int) -> None:
    tail = TailFile(door.project.folder / "serving" / "log-0.db")
    for at in range(count):
        told = Prediction(
            prediction_id=f"p{at}", request_id="r", endpoint="predict", model="demand", version=1, role="live",
            issued_at=1_700_000_000_000_000 + at * 1_000_000, mean=[1.0], ds=["2024-03-02"],
        )  # fmt: skip
        tail.write([told.to_json()])
    tail.close()


def test_the_newest_come_first_and_since_an_instant(door: Any) -> None:
    door.version("a", live=True)
    _logged(door, 5)
    told = door.ask("GET", PLACE, params={"limit": 2}).json()
    assert [row["prediction_id"] for row in told["predictions"]] == ["p4", "p3"]
    assert told["complete"]
    later = door.ask("GET", PLACE, params={"since": "2023-11-14T22:13:24Z"}).json()
    assert [row["prediction_id"] for row in later["predictions"]] == ["p4"]
    assert door.ask("GET", PLACE, params={"since": "2023-11-14T22:13:24"}).status_code == 422


def test_only_one_reads_the_log_at_a_time(door: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    door.version("a", live=True)
    monkeypatch.setattr(records, "_TURN_S", 0.01)
    lock = door.app.state.desk.log
    with lock:
        answer = door.ask("GET", PLACE)
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert door.ask("GET", PLACE).status_code == 200
