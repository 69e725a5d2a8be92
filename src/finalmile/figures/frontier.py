"""Service against stock: what each service level takes."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from finalmile.figures.chart import Chart, Spec, layout, nothing, numbers, share
from finalmile.figures.palette import OURS

COLUMNS = ("asked", "fill_rate", "cycle_service", "stock_units", "stock_value", "lost_units", "orders")


def frontier_table(rows: Sequence[dict[str, float | None]]) -> pl.DataFrame:
    """One row per level asked for, by stock: what was reached, and what it takes; empty without rows."""
    return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.Float64)).sort("stock_units")


def service_against_stock(table: pl.DataFrame, *, currency: str, target: float | None = None) -> Chart:
    """Fill rate over stock, each point a cycle service that was asked for; the one nearest ``target`` is named.

    Parameters
    ----------
    table
        As :func:`frontier_table` gives. Stock is in money where its value is known throughout, else in units.
    """
    if table.is_empty():
        return nothing("No service level was simulated yet", table)
    priced = table["stock_value"].null_count() == 0
    stock = numbers(table, "stock_value" if priced else "stock_units")
    unit = currency if priced else "units"
    asked, filled = table["asked"].to_list(), numbers(table, "fill_rate")
    page = layout((), y="fill rate, share of units", percent=True, height=340)
    page["hovermode"] = "closest"
    page["xaxis"] = {"type": "linear", "title": {"text": f"stock on average, {unit}"}, "tickformat": ",~s"}
    page["margin"] |= {"r": 24, "b": 52}
    named = _nearest(asked, target)
    page["annotations"] = [] if named is None else [_label(stock[named], filled[named], asked[named])]
    return Chart(title=_sentence(asked, filled, stock, unit), data=(_points(asked, filled, stock, unit),),
                 layout=page, table=table)  # fmt: skip


def _points(asked: list[float], filled: list[float | None], stock: list[float | None], unit: str) -> Spec:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": stock,
        "y": filled,
        "text": [f"{share(one)} of cycles asked" for one in asked],
        "line": {"color": OURS, "width": 2.25},
        "marker": {"color": OURS, "size": 8},
        "hovertemplate": "%{text}<br>%{y:.1%} of units<br>%{x:,.4~s} " + unit + "<extra></extra>",
    }


def _sentence(asked: list[float], filled: list[float | None], stock: list[float | None], unit: str) -> str:
    first, last = stock[0] or 0.0, stock[-1] or 0.0
    reached = share(filled[-1] or 0.0)
    if len(asked) == 1:
        return f"{reached} of units are served with {last:,.0f} {unit} in stock"
    more = f", {share(last / first - 1, digits=0)} more than for {share(filled[0] or 0.0)}" if first else ""
    return f"{reached} of units are served with {last:,.0f} {unit} in stock{more}"


def _nearest(asked: list[float], target: float | None) -> int | None:
    return None if target is None else min(range(len(asked)), key=lambda at: abs(asked[at] - target))


def _label(x: float | None, y: float | None, asked: float) -> Spec:
    return {"x": x, "y": y, "text": f"{share(asked)} of cycles", "showarrow": True, "ax": 40, "ay": 34}
