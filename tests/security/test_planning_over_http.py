"""What if and frontier over HTTP: figures for whoever may read, and faults in words for what makes no sense."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest


@pytest.fixture
def stocked(door: Any) -> Any:
    days = [date(2024, 1, 1) + timedelta(day) for day in range(60)]
    sales = pl.DataFrame({"unique_id": "tea/green", "ds": days, "y": [float(day % 4) for day in range(60)]})
    door.project.ingest("sales", sales)
    door.project.ingest("items", pl.DataFrame({"unique_id": ["tea/green"], "lead_time_days": [3], "unit_cost": [2.0]}))
    return door


def test_a_product_is_simulated_on_other_terms(stocked: Any) -> None:
    told = stocked.ask("GET", "/v1/what-if?product=tea/green&lead_time_days=14&fill_rate=0.95").json()
    assert told["then"]["terms"]["lead_time_days"] == 14
    assert told["then"]["terms"]["fill_rate"] == 0.95
    assert told["then"]["order_up_to"] > 0
    assert told["now"]["terms"]["lead_time_days"] == 3


def test_the_frontier_rises(stocked: Any) -> None:
    told = stocked.ask("GET", "/v1/frontier").json()
    stock = [point["stock_units"] for point in told["points"]]
    assert len(stock) > 5
    assert stock == sorted(stock)
    assert told["items"] == 1


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ("product=coffee", 404, "coffee"),
        ("product=tea/green&fill_rate=98", 422, "fill_rate"),
        ("product=tea/green&fill_rate=0.9&cycle_service=0.9", 422, "not both"),
        ("product=tea/green&lead_time_days=-1", 422, "lead_time_days"),
        ("product=tea/green&moq=nan", 422, "moq"),
        ("moq=1", 422, "product"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(stocked: Any, asked: str, status: int, said: str) -> None:
    answer = stocked.ask("GET", f"/v1/what-if?{asked}")
    assert answer.status_code == status, answer.text
    assert said in answer.text


def test_without_sales_nothing_can_be_simulated(door: Any) -> None:
    for path in ("/v1/what-if?product=tea", "/v1/frontier"):
        answer = door.ask("GET", path)
        assert answer.status_code == 404
        assert "no sales" in answer.json()["error"]["message"]
