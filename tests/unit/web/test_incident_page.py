"""The page of an incident: account, parts, what else changed, hostile text as text, an unknown id as not found."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import httpx
import pytest

from finalmile.errors import UnknownNameError
from finalmile.figures import Home
from finalmile.figures.watched import watched
from finalmile.monitoring.why import Event, Why
from finalmile.monitoring.why.causes import InputShift
from finalmile.monitoring.why.slices import Slice
from finalmile.records import Finding, Incident
from finalmile.web import create_app
from finalmile.workflows.why import Explained

HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"
DAY = date(2026, 5, 1)


def _incident(check: str = "loss") -> Incident:
    finding = Finding(check=check, subject=HOSTILE, at=DAY, value=0.5, benchmark=0.4, breached=True, why=HOSTILE)
    return Incident(
        incident_id="ab12", model="demand", check=check, subject=HOSTILE, severity="critical", state="open",
        opened_at=DAY, updated_at=DAY, finding=finding, actions=("retrained on 2026-05-02",),
    )  # fmt: skip


def _slice(words: dict[str, str]) -> Slice:
    return Slice(
        literals=((0, 0, 0),), words=words, score=9.0, log_evidence=9.0, sure=True, rows=10, rows_before=20,
        loss=0.558, loss_before=0.375, bias=-0.5, bias_before=0.0, excess=4.0, share=0.93,
    )  # fmt: skip


def _why() -> Why:
    shift = InputShift(
        name=HOSTILE, before=2.0, after=None, outside_before=2.0, outside_after=2.0,
        missing_before=0.0, missing_after=1.0, effect=5.0,
    )  # fmt: skip
    return Why(
        sentence=HOSTILE, before=0.35, after=0.47, since=DAY, parts={"mix": 0.045, "bias": 0.343, "noise": -0.268},
        slices=(_slice({"store": HOSTILE, "promo": "no"}),), inputs=(shift,),
        events=(Event(kind="price", period=3, words="prices there fell 20 %"),), rows=100,
    )  # fmt: skip


def _answer(path: str, why: Why, check: str = "loss") -> httpx.Response:
    def explained(name: str) -> Explained:
        if name != "ab12":
            raise UnknownNameError("incident", name, ["ab12"])
        return Explained(incident=_incident(check), why=why, day=lambda one: DAY + timedelta(days=one))

    view = watched("demand", [_incident(check).finding], incidents=[_incident(check)])
    app = create_app(lambda: Home(name="x"), watched=lambda model: view, explained=explained)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path)

    return asyncio.run(ask())


def test_the_account_is_shown_with_its_parts_which_add_up_to_the_change() -> None:
    page = _answer("/incident?id=ab12", _why()).text
    for figure in ("+4.5", "+34.3", "-26.8", "+12.0", "0.375", "0.558", "93 %", "without promo"):
        assert figure in page, figure
    assert "2026-05-04" in page
    assert "prices there fell 20 %" in page


def test_of_parts_that_may_be_chance_only_the_most_convincing_is_shown() -> None:
    slices = tuple(replace(_slice({"store": name}), sure=False) for name in ("north", "south"))
    page = _answer("/incident?id=ab12", replace(_why(), slices=slices)).text
    assert "may be chance" in page
    assert "store north" in page
    assert "store south" not in page


def test_a_part_that_fell_is_not_said_to_have_risen() -> None:
    fell = replace(_why(), parts={"mix": -0.03, "bias": -0.02, "noise": 0.0})
    page = _answer("/incident?id=ab12", fell).text
    assert "easy to forecast" in page
    assert "forecasts lean less to one side" in page
    assert "as before" in page
    assert "hard to forecast" not in page
    assert "lean further" not in page


def test_what_was_done_is_said_once() -> None:
    page = _answer("/incident?id=ab12", _why()).text
    assert page.count("retrained on 2026-05-02") == page.count("Done:") == 1


def test_hostile_names_on_the_page_of_an_incident_are_text() -> None:
    page = _answer("/incident?id=ab12", _why()).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "{{7*7}}" in page


def test_where_nothing_can_be_said_the_page_says_so_and_no_account() -> None:
    page = _answer("/incident?id=ab12", Why(sentence="Nothing can be said: nothing was sold."))
    assert page.status_code == 200
    assert "Nothing can be said" in page.text
    assert "The account" not in page.text


@pytest.mark.parametrize("path", ["/incident?id=zz", "/incident"])
def test_an_incident_that_does_not_exist_or_is_not_named_is_a_page_that_says_so(path: str) -> None:
    told = _answer(path, _why())
    assert told.status_code == 404
    assert "Known: ab12" in told.text


@pytest.mark.parametrize(("check", "linked"), [("loss", True), ("fva", True), ("freshness", False)])
def test_only_incidents_of_losses_lead_to_why(check: str, *, linked: bool) -> None:
    assert ("/incident?id=ab12" in _answer("/monitoring", _why(), check).text) is linked
