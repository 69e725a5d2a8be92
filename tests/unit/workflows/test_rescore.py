"""Logged rows answered again by another version: each once, the position kept, whatever the version does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import orjson
import pytest

from finalmile.adapters.local.artefacts import FolderArtefacts
from finalmile.adapters.local.lake import FolderLake
from finalmile.adapters.local.ledger import SqlLedger
from finalmile.adapters.local.tail_file import TailFile
from finalmile.errors import ModelFaultError
from finalmile.forecasters.loaders.kept import Kept
from finalmile.predictions.record import Prediction
from finalmile.project import Project
from finalmile.records import Version
from finalmile.serving.signature import Feature, Signature
from finalmile.workflows.rescore import Rescored, Scored, due, keep, score
from finalmile.workflows.seal import PREDICTIONS, predictions, seal

NOW = datetime(2024, 3, 1, tzinfo=UTC)
PRICE_PROMO = Signature(features=(Feature(name="price"), Feature(name="promo", default=0.0)), outputs=("mean", "q0.98"))


class Shelf:
    """A ledger, a lake, artefacts, one tail."""

    def __init__(self, folder: Path, ledger: SqlLedger) -> None:
        self.ledger, self.lake = ledger, FolderLake(folder / "lake", ledger)
        self.artefacts, self.tail = FolderArtefacts(folder / "artefacts"), TailFile(folder / "log-0.db")

    def version(self, signature: Signature) -> Version:
        number = len(self.ledger.versions()) + 1
        told = {"loader": "callable", "signature": signature.to_json(), "note": number}
        digest = self.artefacts.put(lambda folder: (folder / "serving.json").write_bytes(orjson.dumps(told)) and None)
        return self.ledger.new_version(
            model="demand", kind="callable", digest=digest, cutoff=date(2024, 2, 28), settings={}, at=NOW, actor="test"
        )

    def logged(self, *numbers: int, version: int = 1, role: str = "live", features: object = (2.0, None)) -> None:
        self.tail.write([
            Prediction(
                prediction_id=f"p{number}", request_id=f"r{number}", endpoint="predict", model="demand",
                version=version, role=role, issued_at=number, mean=[1.0], ds=["2024-03-01"], unique_id="milk",
                features=features,
            ).to_json()
            for number in numbers
        ])  # fmt: skip
        seal([self.tail], self.lake, self.ledger)

    def score(self, version: Version, start: object, **told: object) -> Scored | None:
        return score(
            version, "shadow", lake=self.lake, ledger=self.ledger, artefacts=self.artefacts, start=start, **told
        )

    def rescored(self) -> list[tuple[object, ...]]:
        rows = predictions([], self.lake, role="shadow")
        return rows.select("parent", "version", "mean", "q0.98", "outcome").rows() if rows.height else []


class Doubling:
    """Answers twice the first feature, and the second as it is."""

    def __init__(self) -> None:
        self.closed = False

    def rows(self, features: np.ndarray, *, outputs: int) -> np.ndarray:
        return np.stack([2 * features[:, 0], features[:, 1]], axis=1)

    def close(self) -> None:
        self.closed = True


class Dying:
    """Dies on every question."""

    started = 0

    def rows(self, features: np.ndarray, *, outputs: int) -> np.ndarray:
        raise ModelFaultError("died", "the model's process ended of SIGSEGV")

    def close(self) -> None:
        pass


def dying(version: Version) -> Dying:
    Dying.started += 1
    return Dying()


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with SqlLedger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        shelf = Shelf(tmp_path, ledger)
        yield shelf
        shelf.tail.close()


def test_another_version_answers_each_logged_row_once(shelf: Shelf):
    shelf.version(PRICE_PROMO)
    candidate = shelf.version(PRICE_PROMO)
    shelf.logged(1, 2)
    model = Doubling()
    scored = shelf.score(candidate, lambda version: model)
    assert model.closed
    assert keep(scored, shelf.lake) == Rescored(version="demand@2", role="shadow", rows=2)
    assert shelf.rescored() == [("p1", 2, 4.0, None, "ok"), ("p2", 2, 4.0, None, "ok")]
    assert shelf.score(candidate, lambda version: Doubling()) is None
    shelf.logged(3)
    assert keep(shelf.score(candidate, lambda version: Doubling()), shelf.lake).rows == 1
    assert len(shelf.rescored()) == 3


def test_what_was_scored_twice_at_once_is_kept_once(shelf: Shelf):
    shelf.version(PRICE_PROMO)
    candidate = shelf.version(PRICE_PROMO)
    shelf.logged(1)
    slow = shelf.score(candidate, lambda version: Doubling())
    shelf.logged(2)
    quick = shelf.score(candidate, lambda version: Doubling())
    assert [keep(one, shelf.lake).rows for one in (quick, slow, quick)] == [2, 0, 0]
    assert [row[0] for row in shelf.rescored()] == ["p1", "p2"]


def test_a_version_that_dies_says_so_in_every_row_and_is_not_started_for_ever(shelf: Shelf):
    shelf.version(PRICE_PROMO)
    candidate = shelf.version(PRICE_PROMO)
    shelf.logged(*range(5))
    told = keep(shelf.score(candidate, dying), shelf.lake)
    assert (told.rows, told.faults) == (5, 5)
    assert "5 could not be answered" in told.lines()[0]
    assert {row[4] for row in shelf.rescored()} == {"error: the model's process ended of SIGSEGV"}
    assert Dying.started == 1
    assert shelf.score(candidate, dying) is None


def test_features_are_put_in_the_order_and_the_codes_that_the_version_wants(shelf: Shelf):
    colours = Feature(name="colour", kind="category", categories=("red", "blue"))
    other = Feature(name="colour", kind="category", categories=("blue", "green"))
    shelf.version(Signature(features=(colours, Feature(name="price"))))
    candidate = shelf.version(
        Signature(features=(Feature(name="price"), other, Feature(name="size", default=7.0)), outputs=("mean", "q0.98"))
    )
    shelf.logged(1, features=[1.0, 2.5])
    shelf.logged(2, features=[0.0, None])
    seen: list[np.ndarray] = []

    class Seeing(Doubling):
        def rows(self, features: np.ndarray, *, outputs: int) -> np.ndarray:
            seen.append(features)
            return super().rows(features, outputs=outputs)

    assert keep(shelf.score(candidate, lambda version: Seeing()), shelf.lake).rows == 2
    np.testing.assert_array_equal(seen[0], [[2.5, 0.0, 7.0], [np.nan, np.nan, 7.0]])


def test_rows_that_lack_a_needed_feature_are_skipped_and_counted(shelf: Shelf):
    shelf.version(PRICE_PROMO)
    candidate = shelf.version(Signature(features=(Feature(name="weather"),)))
    shelf.logged(1, 2)
    assert keep(shelf.score(candidate, lambda version: Doubling()), shelf.lake).skipped == 2
    assert shelf.score(candidate, lambda version: Doubling()) is None
    assert shelf.rescored() == []


def test_looked_up_answers_own_answers_and_other_scores_are_left_alone(shelf: Shelf):
    shelf.version(PRICE_PROMO)
    candidate = shelf.version(PRICE_PROMO)
    shelf.logged(1, features=None)
    shelf.logged(2, version=2, role="canary")
    shelf.logged(3, role="previous")
    assert shelf.score(candidate, lambda version: Doubling()) is None


def test_large_logs_are_scored_in_parts(shelf: Shelf):
    shelf.version(PRICE_PROMO)
    candidate = shelf.version(PRICE_PROMO)
    for number in (1, 2, 3):
        shelf.logged(number)
    seen: list[int] = []
    while (scored := shelf.score(candidate, lambda version: Doubling(), rows=1)) is not None:
        seen.append(keep(scored, shelf.lake).rows)
    assert seen == [1, 1, 1]
    assert shelf.lake.scan(PREDICTIONS).collect()["prediction_id"].is_unique().all()


def test_the_shadow_and_the_last_good_version_are_due(shelf: Shelf):
    first, second, third = (shelf.version(PRICE_PROMO) for _ in range(3))
    assert due(shelf.ledger, "demand") == []
    deployed = shelf.ledger.deploy("demand", first.number, expected=None, at=NOW, actor="test", why="first")
    shelf.ledger.set_version_state(first, "stable", at=NOW, actor="test", why="first")
    shelf.ledger.deploy("demand", second.number, expected=deployed.token, at=NOW, actor="test", why="better")
    assert due(shelf.ledger, "demand") == [(1, "previous")]
    rule = replace(shelf.ledger.route("demand"), shadow=third.number)
    shelf.ledger.set_route(rule, at=NOW, actor="test", why="try")
    assert due(shelf.ledger, "demand") == [(3, "shadow"), (1, "previous")]


def test_a_project_scores_its_log_again_in_a_process_of_the_version_itself(tmp_path: Path):
    project = Project.init(tmp_path / "shop")
    (tmp_path / "mine.py").write_text("def answer(rows):\n    return rows[:, 0] * 3\n")
    signature = Signature(features=(Feature(name="price"),)).to_json()

    def artefact(number: int) -> str:
        def write(folder: Path) -> None:
            kept = Kept(loader="callable", settings={"function": "mine:answer"}, signature=signature, golden={"n": []})
            kept.write(folder)
            (folder / "files").mkdir()
            (folder / "code").mkdir()
            (folder / "code" / "mine.py").write_bytes((tmp_path / "mine.py").read_bytes() + b"#" * number)

        return project.artefacts.put(write)

    versions = [
        project.ledger.new_version(
            model="demand", kind="callable", digest=artefact(number), cutoff=date(2024, 2, 28), settings={}, at=NOW,
            actor="test",
        )
        for number in (1, 2)
    ]  # fmt: skip
    project.ledger.deploy("demand", 1, expected=None, at=NOW, actor="test", why="first")
    rule = replace(project.ledger.route("demand"), shadow=versions[1].number)
    project.ledger.set_route(rule, at=NOW, actor="test", why="try")
    (project.folder / "serving").mkdir()
    tail = TailFile(project.folder / "serving" / "log-0.db")
    tail.write([
        Prediction(
            prediction_id="p1", request_id="r", endpoint="predict", model="demand", version=1, role="live",
            issued_at=1, mean=[1.0], ds=["2024-03-01"], features=[2.0],
        ).to_json()
    ])  # fmt: skip
    tail.close()
    assert project.rescore("demand") == []
    project.seal()
    assert [told.rows for told in project.rescore("demand")] == [1]
    assert project.rescore("demand") == []
    assert project.predictions(role="shadow").select("parent", "mean", "outcome").rows() == [("p1", 6.0, "ok")]
