"""Why an incident is open, from what a project knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from finalmile.errors import MissingInputError, UnknownNameError
from finalmile.project import Project
from finalmile.records import Finding, Incident
from finalmile.workflows.explained import explained

from .conftest import HISTORY, SERIES, SETTINGS, SmallShop

FAULT = 20


def _items() -> pl.DataFrame:
    names = [f"item {one}" for one in range(SERIES)]
    return pl.DataFrame({"unique_id": names, "category": ["drinks"] * 4 + ["bread"] * 4, "store": ["1", "2"] * 4})


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Drinks sell three times as much as forecast for the last ten of thirty days, at a lower price."""
    shop = SmallShop(tmp_path_factory.mktemp("broken") / "shop", SETTINGS)
    project = shop.project
    project.items.add(_items())
    project.train("demand")
    project.promote("demand", force=True)
    project.forecast("demand")
    for day in range(HISTORY, HISTORY + 30):
        sales = shop.sales(day, day + 1)
        late = np.array([day >= HISTORY + FAULT and int(name[-1]) < 4 for name in sales["unique_id"]])
        sales = sales.with_columns(
            y=pl.col("y") * np.where(late, 3.0, 1.0), price=pl.col("price") * np.where(late, 0.8, 1.0)
        )
        shop.morning(day + 1)
        project.sales.add(sales)
        if day % 7 == 0:
            project.forecast("demand")
    return Project.open(shop.folder, clock=shop.clock)


def test_a_span_is_explained_by_the_part_that_broke(broken: Project) -> None:
    told = broken.why(since=SmallShop.day(HISTORY + FAULT))
    best = told.slices[0]
    assert best.words == {"category": "drinks"}
    assert best.bias is not None
    assert best.bias < -0.3
    assert sum(told.parts.values()) == pytest.approx((told.after or 0) - (told.before or 0))
    assert "drinks" in told.sentence
    assert "too low" in told.sentence
    assert any(event.kind == "price" and "fell 20 %" in event.words for event in told.events)
    assert abs((told.since - SmallShop.day(HISTORY + FAULT)) / timedelta(days=1)) <= 1  # type: ignore[operator]


def test_a_report_is_lines_and_a_dictionary(broken: Project) -> None:
    told = broken.why(since=SmallShop.day(HISTORY + FAULT))
    assert told.lines()[0] == told.sentence
    assert told.to_dict()["sentence"] == told.sentence
    assert not told.breached


def test_without_an_incident_or_a_span_it_says_what_to_name(broken: Project) -> None:
    with pytest.raises(MissingInputError, match="--since"):
        broken.why()
    with pytest.raises(UnknownNameError):
        broken.why("nope")


def test_a_model_without_forecasts_has_nothing_to_explain(tmp_path: Path, small_shop: Callable[..., SmallShop]) -> None:
    told = small_shop().project.why(since=SmallShop.day(90))
    assert told.sentence.startswith("Nothing can be said")


def test_a_project_without_any_incident_sends_nobody_round_in_a_circle(tmp_path: Path) -> None:
    project = Project.open(tmp_path)
    assert project.incidents().lines() == ["No incident is open. All there ever were: finalmile incidents list --all"]
    assert project.incidents(open_only=False).lines() == ["There has been no incident."]


def test_a_model_in_place_of_an_incident_leads_to_its_newest(broken: Project) -> None:
    with pytest.raises(MissingInputError, match="finalmile why --model demand"):
        broken.why("demand")
    with pytest.raises(UnknownNameError):
        broken.why("no such")


def test_what_opens_again_is_explained_anew(
    tmp_path: Path, small_shop: Callable[..., SmallShop], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, sought = small_shop().project.shop, iter(["June's reason.", "July's reason."])
    monkeypatch.setattr("finalmile.workflows.explained.explain", lambda *_: SimpleNamespace(sentence=next(sought)))
    opened = _opened(SmallShop.day(90))
    told = []
    for number, state in enumerate(["open", "open", "resolved", "open", "open"]):
        ((incident, _),), states = explained(
            shop, [(replace(opened, state=state), None)], at=SmallShop.day(90 + number)
        )  # type: ignore[arg-type]
        told.append(incident.finding.why)
        for name, blob in states.items():
            shop.ledger.save_state(name, blob)
    june, july = "Low. June's reason.", "Low. July's reason."
    assert told == [june, june, june, july, july]


@pytest.mark.parametrize(("later", "said"), [("SKU06 is all.", "SKU06 is all."), ("", "No part stands out.")])
def test_why_is_sought_anew_once_there_is_more_to_see(
    tmp_path: Path, small_shop: Callable[..., SmallShop], monkeypatch: pytest.MonkeyPatch, later: str, said: str
) -> None:
    shop, sought = small_shop().project.shop, iter(["No part stands out.", later])
    monkeypatch.setattr("finalmile.workflows.explained.explain", lambda *_: SimpleNamespace(sentence=next(sought)))
    opened = _opened(SmallShop.day(90))
    told = []
    for age in range(10):
        ((incident, _),), states = explained(shop, [(opened, None)], at=SmallShop.day(90 + age))  # type: ignore[arg-type]
        told.append(incident.finding.why)
        for name, blob in states.items():
            shop.ledger.save_state(name, blob)
    assert told == ["Low. No part stands out."] * 7 + [f"Low. {said}"] * 3


def _opened(day: date) -> Incident:
    finding = Finding(
        check="bias", subject="drinks", at=day, value=-0.3, benchmark=0.0, breached=True, severity="critical",
        why="Low.",
    )  # fmt: skip
    return Incident(
        incident_id="ab", model="demand", check="bias", subject="drinks", severity="critical", state="open",
        opened_at=day, updated_at=day, finding=finding,
    )  # fmt: skip
