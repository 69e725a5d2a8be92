"""Features that the endpoint was asked about are watched through its log: whoever gave them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl
import pytest

from finalmile.adapters.local.tail_file import TailFile
from finalmile.monitoring.profile import Profile
from finalmile.predictions.record import Prediction
from finalmile.project import Project
from finalmile.records import Finding, Incident
from finalmile.serving.signature import Feature, Signature
from finalmile.workflows.watching import profiles

FIRST, ROWS = datetime(2024, 5, 1, tzinfo=UTC), 60
SIGNATURE = Signature(
    features=(Feature(name="price"), Feature(name="store", kind="category", categories=("north", "south", "west")))
)


class Day:
    """A clock that somebody sets."""

    def __init__(self) -> None:
        self.at = FIRST

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


class Endpoint:
    """Logs rows of features as the endpoint does."""

    def __init__(self, project: Project, clock: Day) -> None:
        self.project, self.clock, self.number = project, clock, 0
        (project.folder / "serving").mkdir(exist_ok=True)
        self.tail = TailFile(project.folder / "serving" / "log-0.db")

    def log(self, days: int, *, dearer: float = 1.0, code: int | None = None, **told: Any) -> None:
        """Days of rows, each at noon, then the morning after."""
        for _ in range(days):
            chance = np.random.default_rng([5_950_000, self.number])
            noon = self.clock.at.replace(hour=12, minute=0, second=0)
            lines = list[bytes]()
            for price, store in zip(np.exp(chance.normal(size=ROWS)), chance.integers(0, 2, ROWS), strict=True):
                self.number += 1
                row: dict[str, Any] = {
                    "prediction_id": f"p{self.number}", "request_id": f"r{self.number}", "endpoint": "predict",
                    "model": "demand", "version": 1, "role": "live", "mean": [1.0], "ds": ["2024-05-01"],
                    "issued_at": int(noon.timestamp() * 1e6) + self.number, "given": True,
                    "features": [float(price) * dearer, float(store if code is None else code)],
                }  # fmt: skip
                lines.append(Prediction(**{**row, **told}).to_json())
            self.tail.write(lines)
            self.clock.at = noon.replace(hour=1) + timedelta(days=1)

    def look(self) -> list[Finding]:
        return [one for one in self.project.monitor("demand").findings if "logged input" in one.subject]

    def breached(self) -> list[str]:
        return [one.subject for one in self.look() if one.breached]


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    clock = Day()
    project = Project.open(tmp_path, clock=clock)
    days = pl.date_range(date(2024, 4, 1), date(2024, 4, 30), eager=True)
    project.sales.add(pl.DataFrame({"unique_id": "milk", "ds": days, "y": [5.0] * len(days)}))
    told = {"loader": "callable", "signature": SIGNATURE.to_json()}

    def written(folder: Path) -> None:
        (folder / "serving.json").write_bytes(orjson.dumps(told))

    digest = project.artefacts.put(written)
    version = project.ledger.new_version(
        model="demand", kind="callable", digest=digest, cutoff=days[-1], settings={}, at=clock.now(), actor="test"
    )
    project.ledger.deploy("demand", version.number, expected=None, at=clock.now(), actor="test", why="test")
    endpoint = Endpoint(project, clock)
    yield endpoint
    endpoint.tail.close()


def test_features_that_callers_give_are_learned_from_the_log_and_found_changed(endpoint: Endpoint) -> None:
    endpoint.log(20)
    [waits] = endpoint.look()
    assert (waits.value, waits.breached) == (None, False)
    assert "20 whole days" in waits.why
    endpoint.log(20)
    assert endpoint.breached() == []
    endpoint.log(4, dearer=5.0)
    assert endpoint.breached() == ["logged input price"]
    [opened] = endpoint.project.ledger.incidents(model="demand", open_only=True)
    assert (opened.check, opened.subject, opened.severity) == ("input_drift", "logged input price", "warning")


def test_a_category_that_nobody_sent_before_is_found_by_its_name(endpoint: Endpoint) -> None:
    endpoint.log(40)
    endpoint.look()
    endpoint.log(4, code=2)
    [told] = [one for one in endpoint.look() if one.breached]
    assert told.subject == "logged input store"


def test_each_day_is_judged_once_and_today_waits_for_its_end(endpoint: Endpoint) -> None:
    endpoint.log(40)
    assert {one.at for one in endpoint.look()} == {date(2024, 6, 9)}
    assert endpoint.look() == []


def test_an_acknowledged_change_starts_anew_and_is_found_again(endpoint: Endpoint) -> None:
    endpoint.log(40)
    endpoint.look()
    endpoint.log(4, dearer=5.0)
    endpoint.look()
    [opened] = endpoint.project.ledger.incidents(model="demand", open_only=True)
    endpoint.project.acknowledge(opened.incident_id, why="seen")
    endpoint.log(1, dearer=5.0)
    assert endpoint.breached() == []
    endpoint.log(4, dearer=5.0)
    assert endpoint.breached() == ["logged input price"]


def test_impossible_values_are_found_on_the_first_day_by_the_profile_of_the_version(endpoint: Endpoint) -> None:
    shop = endpoint.project.shop
    known = Profile.of({"price": pl.Series("price", np.linspace(0.5, 9.5, 2_000))})
    profiles.keep(shop, shop.ledger.version("demand", 1), known)
    endpoint.log(1, dearer=-1.0)
    assert endpoint.breached() == ["logged input price"]


def test_what_was_computed_from_the_log_or_answered_from_a_table_is_no_input(endpoint: Endpoint) -> None:
    endpoint.log(2, role="shadow")
    endpoint.log(2, features=None)
    assert endpoint.look() == []


def test_a_look_at_the_endpoint_closes_no_incident_of_sales_that_lag_behind_the_clock(endpoint: Endpoint) -> None:
    ledger, day = endpoint.project.ledger, date(2024, 4, 29)
    bad = Finding(check="input_drift", subject="input stock", at=day, value=1.0, benchmark=0.0, breached=True)
    opened = Incident(
        incident_id="a", model="demand", check="input_drift", subject="input stock", severity="warning", state="open",
        opened_at=day, updated_at=day, finding=bad,
    )  # fmt: skip
    ledger.put_incident(opened, alert=None, actor="test")
    endpoint.log(40)
    assert any(one.value is not None for one in endpoint.look())
    assert [one.state for one in ledger.incidents(model="demand")] == ["open"]
