"""What if on a product's page, and service against stock: answers, faults in place, hostile text as text."""

from __future__ import annotations

import asyncio
from datetime import date

import httpx
import pytest

from finalmile.errors import UnknownNameError
from finalmile.figures import Home, Product
from finalmile.figures.frontier import frontier_table, service_against_stock
from finalmile.web import create_app
from finalmile.workflows.outcomes import Frontier, Outcome, WhatIf

HOSTILE = "</script><script>alert(1)</script>\"'>{{7*7}}"


def outcome(service: float, *, value: float | None = 12.0, level: int | None = 7) -> Outcome:
    return Outcome(
        terms={"cycle_service": service, "lead_time_days": 3.0}, order_up_to=level, fill_rate=service,
        cycle_service=service, stock_units=100 * service, stock_value=value, lost_units=3.25, orders=52.0,
    )  # fmt: skip


class Told:
    """A project that answers what-if and frontier, and notes what it was asked."""

    def __init__(self, *, fault: Exception | None = None, value: float | None = 12.0) -> None:
        self.fault, self.value, self.asked = fault, value, []

    def what_if(self, unique_id: str, **terms: float) -> WhatIf:
        self.asked.append((unique_id, terms))
        if self.fault:
            raise self.fault
        return WhatIf(
            unique_id=unique_id, now=outcome(0.98), then=outcome(0.9, value=None), currency="EUR", assumed=True
        )

    def frontier(self) -> Frontier:
        self.asked.append("frontier")
        points = tuple(outcome(one, value=self.value and 1000 * one, level=None) for one in (0.8, 0.98))
        return Frontier(points=points, items=2, currency="EUR", assumed=False)


def page(told: Told | None, address: str) -> httpx.Response:
    app = create_app(lambda: Home(name="x"), lambda name: Product(unique_id=name, as_of=date(2026, 1, 1)), futures=told)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(address)

    return asyncio.run(ask())


def test_nothing_is_simulated_before_somebody_asks() -> None:
    told = Told()
    first = page(told, "/product?id=tea")
    assert 'id="what-if"' in first.text
    assert "Simulate" in page(told, "/service").text
    assert told.asked == []


def test_an_answer_shows_now_and_then_and_keeps_what_was_written() -> None:
    told = Told()
    shown = page(told, "/product?id=tea&simulate=yes&promise=fill_rate&service=95&lead_time_days=2,5&moq=").text
    assert told.asked == [("tea", {"lead_time_days": 2.5, "fill_rate": 0.95})]
    assert 'value="2,5"' in shown
    assert '<option value="fill_rate" selected>' in shown
    assert "98.0\N{NO-BREAK SPACE}%" in shown
    assert "not known" in shown  # the value then
    assert "assumed" in shown


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("&lead_time_days=soon", "lead time days is &#39;soon&#39;; give a number"),
        ("&service=nan%25x", "give a number"),
    ],
)
def test_a_term_that_is_no_number_is_told_in_place(address: str, said: str) -> None:
    told = Told()
    shown = page(told, f"/product?id=tea&simulate=yes{address}")
    assert shown.status_code == 200
    assert said in shown.text
    assert told.asked == []


@pytest.mark.parametrize("fault", [ValueError("moq is -1 " + HOSTILE), UnknownNameError("product", HOSTILE, ["tea"])])
def test_what_cannot_be_simulated_is_told_in_place_as_text(fault: Exception) -> None:
    shown = page(Told(fault=fault), f"/product?id=tea&simulate=yes&pack_size={'9' * 500}")
    assert shown.status_code == 200
    assert 'role="alert"' in shown.text
    assert "<script>alert" not in shown.text
    assert "9" * 50 not in shown.text


def test_hostile_terms_stay_text() -> None:
    shown = page(Told(), "/product?id=tea&simulate=yes&moq=" + "%3C/script%3E%3Cscript%3Ealert(1)%3C/script%3E").text
    assert "<script>alert" not in shown


def test_without_a_project_there_is_no_form_and_no_page() -> None:
    assert "what-if" not in page(None, "/product?id=tea").text
    assert page(None, "/service").status_code == 404


@pytest.mark.parametrize(("value", "unit"), [(12.0, "EUR"), (None, "units")])
def test_the_frontier_is_a_chart_with_its_numbers(value: float | None, unit: str) -> None:
    shown = page(Told(value=value), "/service?simulate=yes").text
    assert f"{unit} in stock" in shown
    assert "chart-frontier" in shown
    assert "2\N{NO-BREAK SPACE}" in shown or "2 products" in shown


def test_a_frontier_without_levels_says_so() -> None:
    assert service_against_stock(frontier_table([]), currency="EUR").empty
