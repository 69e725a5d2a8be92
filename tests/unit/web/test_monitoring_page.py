"""The page of monitoring: every check, worst first, hostile text as text, nothing there as nothing."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import httpx
import pytest

from finalmile.figures import Home
from finalmile.figures.versus import Interval, versus
from finalmile.figures.watched import Watched, watched
from finalmile.records import Finding, Incident
from finalmile.web import create_app

HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"
DAYS = [date(2026, 5, 1) + timedelta(days=i) for i in range(20)]


def findings(*, breached: bool = True) -> list[Finding]:
    told = [
        Finding(
            check="loss", subject="fleet", at=day, value=0.5, benchmark=0.4, log_evidence=0.5 * at, threshold=8.2,
            breached=breached and at > 16, severity="critical" if breached and at > 16 else "info",
            since=DAYS[15], why=HOSTILE,
        )
        for at, day in enumerate(DAYS)
    ]  # fmt: skip
    told += [Finding(check="fva", subject=HOSTILE, at=day, value=0.1, benchmark=0.0, why="Fine.") for day in DAYS]
    return [*told, Finding(check="coverage", subject="q0.98", at=DAYS[-1], value=None, benchmark=0.98, why="No data.")]


def shown(view: Watched) -> str:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=create_app(lambda: Home(name="x"), watched=lambda model: view))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/monitoring")

    answer = asyncio.run(ask())
    assert answer.status_code == 200
    return answer.text


def incident(finding: Finding) -> Incident:
    return Incident(
        incident_id="ab12", model="demand", check="loss", subject="fleet", severity="critical", state="open",
        opened_at=DAYS[17], updated_at=DAYS[-1], finding=finding, actions=("rollback done",),
    )  # fmt: skip


def test_every_check_is_shown_worst_first_with_its_evidence_and_what_was_done() -> None:
    told = findings()
    page = shown(watched("demand", told, version="demand@3", incidents=[incident(told[19])]))
    assert page.index("breached") < page.index("not judged") < page.index("fine")
    assert page.count("<polyline") == 2
    assert 'class="limit"' in page
    assert "finalmile incidents acknowledge ab12" in page
    assert "rollback done" in page


def test_hostile_text_is_shown_as_text() -> None:
    page = shown(watched(HOSTILE, findings()))
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "{{7*7}}" in page


def test_where_nobody_looked_the_page_says_how_to() -> None:
    assert "finalmile monitor demand" in shown(watched("demand", []))


def test_a_course_without_a_limit_or_of_equal_values_is_drawn() -> None:
    flat = [Finding(check="x", subject="y", at=day, value=1.0, benchmark=None, why="") for day in DAYS]
    assert "<polyline" in shown(watched("demand", flat))


@pytest.mark.parametrize("decision", ["win", "lose", "equal", "undecided", "hold"])
def test_versions_that_are_compared_are_shown_with_the_decision_and_where_the_gain_lies(decision: str) -> None:
    one = versus(
        "demand@1",
        "demand@2",
        decision=decision,
        lines=[HOSTILE, "Since 2026-05-01."],
        interval=Interval(gain=0.04, low=0.01, high=0.07, margin=0.02),
        gains=[0.03, None, 0.05],
    )
    page = shown(Watched(model="demand", versions=(one,)))
    assert "Versions compared" in page
    assert f"</span> {decision}</span>" in page
    assert "gain +4.0 %, between +1.0 % and +7.0 %" in page
    assert page.count("<polyline") == 2
    assert "<img" not in page.split("<main")[1]


def test_a_comparison_without_any_look_draws_nothing() -> None:
    nothing = Interval(gain=float("nan"), low=-float("inf"), high=float("inf"))
    one = versus("demand@1", "demand@2", decision="hold", lines=["Only 0 of the 7 looks."], interval=nothing)
    page = shown(Watched(model="demand", versions=(one,)))
    assert "Only 0 of the 7 looks." in page
    assert "<polyline" not in page
