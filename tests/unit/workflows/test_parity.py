"""What the endpoint looked up and answered is what batch says of the same cutoff, or an incident says where not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import orjson
import polars as pl
import pytest

from finalmile.adapters.local.tail_file import TailFile
from finalmile.predictions.record import Prediction
from finalmile.project import Project
from finalmile.records import Finding
from finalmile.serving.online import About, OnlineTable
from finalmile.serving.signature import Feature, Signature

IDS, CUTOFF = ("bread", "milk"), date(2024, 4, 29)


class Later:
    """A clock that goes on by an hour whenever it is asked."""

    def __init__(self) -> None:
        self.at = datetime(2024, 4, 30, tzinfo=UTC)

    def now(self) -> datetime:
        self.at += timedelta(hours=1)
        return self.at


@pytest.fixture
def trained(tmp_path: Path) -> Project:
    """A project whose live version has forecast."""
    project = Project.open(tmp_path, clock=Later())
    days = pl.date_range(date(2024, 1, 1), CUTOFF, eager=True)
    project.sales.add(
        pl.concat(
            pl.DataFrame({"unique_id": name, "ds": days, "y": [float(5 + at + day % 7) for day in range(len(days))]})
            for at, name in enumerate(IDS)
        )
    )
    project.train("demand", "seasonal_naive")
    project.promote("demand", force=True)
    project.forecast("demand")
    return project


class Endpoint:
    """Logs answers as the endpoint does."""

    def __init__(self, project: Project) -> None:
        self.project, self.number = project, 0
        (project.folder / "serving").mkdir(exist_ok=True)
        self.tail = TailFile(project.folder / "serving" / "log-0.db")

    def log(self, unique_id: str, *, given: bool = False, **told: object) -> None:
        self.number += 1
        usual = {
            "prediction_id": f"{id(self)}-{self.number}", "request_id": "r", "endpoint": "predict", "model": "demand",
            "version": 1, "role": "live", "issued_at": self.number, "unique_id": unique_id,
            "cutoff": CUTOFF.isoformat(), "given": given,
        }  # fmt: skip
        self.tail.write([Prediction(**{**usual, **told}).to_json()])

    def answers(self, *, wrong_by: float = 0.0, **told: object) -> None:
        frame = self.project.shop.forecasts.told(
            "demand", self.project.shop.frequency.index_of(CUTOFF), version=1
        ).to_frame()
        for (name,), rows in frame.group_by("unique_id"):
            mean = [one + wrong_by for one in rows["mean"].to_list()]
            self.log(str(name), mean=mean, ds=[str(ds) for ds in rows["ds"]], **told)

    def look(self) -> list[Finding]:
        """Findings of parity that are new: a look at nothing new tells the last ones again."""
        before = self.project.clock.now()
        found = self.project.monitor("demand").findings
        return [one for one in found if one.check == "parity" and one.at > before]


@pytest.fixture
def endpoint(trained: Project) -> Iterator[Endpoint]:
    endpoint = Endpoint(trained)
    yield endpoint
    endpoint.tail.close()


def test_answers_that_batch_gave_too_agree_and_are_looked_at_once(endpoint: Endpoint):
    endpoint.answers()
    [finding] = endpoint.look()
    assert (finding.value, finding.breached) == (0.0, False)
    assert finding.n == 2 * endpoint.project.shop.horizon("demand")
    assert endpoint.look() == []


def test_an_answer_that_batch_did_not_give_opens_an_incident_that_names_the_version(endpoint: Endpoint):
    endpoint.answers()
    endpoint.answers(wrong_by=0.5)
    [finding] = endpoint.look()
    assert (finding.value, finding.severity, finding.subject) == (0.5, "critical", "demand@1")
    assert "mean in" in finding.why
    opened = endpoint.project.ledger.incidents(model="demand", open_only=True)
    assert [(one.check, one.subject) for one in opened] == [("parity", "demand@1")]


def test_a_series_that_batch_does_not_know_disagrees(endpoint: Endpoint):
    endpoint.log("yoghurt", mean=[1.0], ds=["2024-04-30"])
    assert endpoint.look()[0].value == 1.0


def test_what_a_caller_gave_is_not_compared(endpoint: Endpoint):
    endpoint.log("milk", given=True, mean=[99.0], ds=["2024-04-30"])
    assert endpoint.look() == []


def test_a_cutoff_of_which_nothing_is_known_is_told_and_never_passes(endpoint: Endpoint):
    endpoint.log("milk", mean=[1.0], ds=["2024-04-30"], cutoff="2024-02-01")
    [finding] = endpoint.look()
    assert (finding.value, finding.severity, finding.breached) == (None, "warning", False)


@pytest.mark.parametrize("by_period", [False, True])
def test_features_are_held_against_the_table_of_their_cutoff(trained: Project, endpoint: Endpoint, by_period: bool):
    signature = Signature(features=(Feature(name="price"), Feature(name="promo")))
    told = {"loader": "callable", "signature": signature.to_json(), "by_period": by_period}
    digest = trained.artefacts.put(lambda folder: (folder / "serving.json").write_bytes(orjson.dumps(told)) and None)
    version = trained.ledger.new_version(
        model="demand", kind="callable", digest=digest, cutoff=CUTOFF, settings={}, at=trained.clock.now(), actor="test"
    )
    values = np.array([[1.0, 0.0], [2.5, np.nan]], dtype=np.float32)
    about = About(
        model="demand", number=version.number, cutoff=CUTOFF.isoformat(), kind="features", frequency="day",
        names=signature.names, ds=("2024-04-30",) if by_period else (),
    )  # fmt: skip
    table = OnlineTable(about=about, ids=IDS, arrays={"values": values[:, None] if by_period else values})
    table.write(trained.folder / "serving" / "tables" / "demand" / str(version.number) / CUTOFF.isoformat())
    row = {"mean": [3.0], "ds": ["2024-04-30"], "version": version.number}
    endpoint.log("bread", features=[1.0, 0.0], **row)
    endpoint.log("milk", features=[2.5, None], **row)
    assert [(one.value, one.n) for one in endpoint.look()] == [(0.0, 2)]
    endpoint.log("milk", features=[1.0, 0.0], **row)
    [finding] = endpoint.look()
    assert finding.subject == str(version)
    assert finding.breached
    assert "price in 1 (logged 1.0, offline 2.5)" in finding.why
