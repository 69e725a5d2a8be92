"""What if: a form on a product's page, and the page of what each service level takes in stock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import polars as pl
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from finalmile.errors import FinalMileError
from finalmile.figures.frontier import frontier_table, service_against_stock
from finalmile.web.rendering import render
from finalmile.workflows.outcomes import Frontier, WhatIf

TERMS = ("lead_time_days", "review_period_days", "moq", "pack_size")
PROMISES = ("cycle_service", "fill_rate")
_LONGEST = 40


class Futures(Protocol):
    """What the pages ask of a project."""

    def what_if(
        self,
        unique_id: str,
        *,
        cycle_service: float | None = None,
        fill_rate: float | None = None,
        lead_time_days: float | None = None,
        review_period_days: float | None = None,
        moq: float | None = None,
        pack_size: float | None = None,
    ) -> WhatIf:
        """One product now and on other terms."""
        ...

    def frontier(self) -> Frontier:
        """What each service level takes in stock."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What a visitor asked for, as it was written, and what came of it: an answer, or why there is none."""

    given: Mapping[str, str] = field(default_factory=dict[str, str])
    told: WhatIf | None = None
    fault: str = ""


def simulated(futures: Futures, unique_id: str, query: Mapping[str, str]) -> Simulated:
    """The answer to a form that was sent; nothing before that.

    Faults are told in place, beside what was written, so that it can be mended there.
    """
    given = {name: query.get(name, "").strip()[:_LONGEST] for name in (*TERMS, "promise", "service")}
    if not query.get("simulate"):
        return Simulated(given=given)
    try:
        return Simulated(given=given, told=futures.what_if(unique_id, **terms_of(given)))
    except (ValueError, FinalMileError) as error:
        return Simulated(given=given, fault=str(error))


def terms_of(given: Mapping[str, str]) -> dict[str, float]:
    """Terms as numbers; what was left empty is left out.

    Raises
    ------
    ValueError
        For what is no number.

    Examples
    --------
    >>> terms_of({"service": "98", "promise": "fill_rate", "lead_time_days": "2,5", "moq": ""})
    {'lead_time_days': 2.5, 'fill_rate': 0.98}
    """
    told = {name: _number(name, given[name]) for name in TERMS if given.get(name)}
    if given.get("service"):
        service = _number("service", given["service"])
        promise = given.get("promise") if given.get("promise") in PROMISES else PROMISES[0]
        told[str(promise)] = service / 100 if service > 1 else service
    return told


def _number(name: str, text: str) -> float:
    try:
        return float(text.removesuffix("%").strip().replace(",", "."))
    except ValueError:
        spoken = name.replace("_", " ")
        raise ValueError(f"{spoken} is {text!r}; give a number, for example 14, or leave it empty") from None


def add_frontier_page(app: FastAPI, futures: Futures) -> None:
    """Add the page of service against stock; it simulates only when asked, as many products take seconds."""

    @app.get("/service", response_class=HTMLResponse)
    def service_page(simulate: str = "") -> str:  # pyright: ignore[reportUnusedFunction]  # FastAPI calls it
        told = futures.frontier() if simulate else None
        chart = (
            None if told is None else service_against_stock(_rows(told), currency=told.currency, target=told.present)
        )
        return render("service.html", told=told, chart=chart, here="/products")


def _rows(told: Frontier) -> pl.DataFrame:
    return frontier_table(
        [
            {
                "asked": point.terms["cycle_service"],
                "fill_rate": point.fill_rate,
                "cycle_service": point.cycle_service,
                "stock_units": point.stock_units,
                "stock_value": point.stock_value,
                "lost_units": point.lost_units,
                "orders": point.orders,
            }
            for point in told.points
        ]
    )
