"""One product on one axis of time: sales and stock-outs, the forecast fan, stock, orders."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import timedelta

import polars as pl

from finalmile.figures.chart import Chart, Spec, band, event_marks, layout, line, nothing, numbers
from finalmile.figures.palette import BAD, GOOD, NOTE, OTHER, OURS, transparent
from finalmile.figures.views import Event, Product, moment

BAR_WIDTH_MS = 86_400_000


def product_table(product: Product) -> pl.DataFrame:
    """What was sold and what is expected, a row per period: history's columns, then mean and quantiles of the forecast.

    Periods in both (a forecast made earlier) hold both; an empty product gives an empty frame.
    """
    history, forecast = product.history, product.forecast.drop("unique_id", "cutoff", strict=False)
    if history.is_empty() or forecast.is_empty():
        return (forecast if history.is_empty() else history).clone()
    return history.join(forecast, on="ds", how="full", coalesce=True).sort("ds")


def product_story(product: Product, *, events: Sequence[Event] = ()) -> Chart:
    """Three panels over one another: units sold with stock-outs shaded and the forecast fan, stock, and orders."""
    table = product_table(product)
    if table.is_empty():
        return nothing("Nothing is known of this product yet", table)
    history = product.history.sort("ds") if len(product.history) else product.history
    x = table["ds"].to_list()
    data = [*_fan(product), *_sold(history), *_stock(history), *_orders(product.orders)]
    shapes, marks = event_marks(events, x)
    page = layout(x, y="units", height=560)
    page |= {
        "grid": {"rows": 3, "columns": 1},
        "shapes": [*_stock_outs(history), *shapes],
        "annotations": [*_panel_names(), *marks],
        "margin": {"l": 56, "r": 24, "t": 28, "b": 36},
        "xaxis": {**page["xaxis"], "anchor": "y3", "nticks": 10},
        "yaxis": {"domain": [0.5, 1], "title": {"text": "units"}, "rangemode": "tozero"},
        "yaxis2": {"domain": [0.25, 0.43], "title": {"text": "units"}, "rangemode": "tozero"},
        "yaxis3": {"domain": [0, 0.18], "title": {"text": "units"}, "rangemode": "tozero"},
    }
    return Chart(title=_sentence(product), data=tuple(data), layout=page, table=table)


def _sold(history: pl.DataFrame) -> list[Spec]:
    if history.is_empty():
        return []
    x = history["ds"].to_list()
    sold = line(x, numbers(history, "y"), name="sold", colour=OTHER, unit="units")
    sold["line"] |= {"width": 1.25}
    traces = [sold]
    if "lost" in history.columns:
        lost = history.filter(pl.col("lost") > 0)
        dots = line(lost["ds"].to_list(), numbers(lost, "lost"), name="lost, estimated", colour=BAD, unit="units")
        traces.append({**dots, "mode": "markers", "marker": {"color": BAD, "size": 5, "symbol": "x"}})
    return traces


def _fan(product: Product) -> list[Spec]:
    forecast = product.forecast
    if forecast.is_empty():
        return []
    forecast = forecast.sort("ds")
    x = forecast["ds"].to_list()
    levels = sorted(float(name[1:]) for name in forecast.columns if name.startswith("q0"))
    traces: list[Spec] = []
    pairs = zip(levels[: len(levels) // 2], reversed(levels[-(len(levels) // 2) :]), strict=True) if levels[1:] else ()
    for low, high in pairs:
        edges = numbers(forecast, f"q{low:g}"), numbers(forecast, f"q{high:g}")
        traces += band(x, *edges, colour=OURS, name=f"{low:.0%} to {high:.0%}", unit="units")
    return [*traces, line(x, numbers(forecast, "mean"), name="forecast", colour=OURS, unit="units")]


def _stock(history: pl.DataFrame) -> list[Spec]:
    if "on_hand" not in history.columns:
        return []
    stock = line(history["ds"].to_list(), numbers(history, "on_hand"), name="on hand", colour=GOOD, unit="units")
    stock["line"] |= {"shape": "hv", "width": 1.5}
    return [{**stock, "yaxis": "y2", "fill": "tozeroy", "fillcolor": transparent(GOOD, 0.15)}]


def _orders(orders: pl.DataFrame) -> list[Spec]:
    if orders.is_empty():
        return []
    day = orders.group_by("ordered_at").agg(pl.col("quantity").sum()).sort("ordered_at")
    return [
        {
            "type": "bar",
            "x": day["ordered_at"].to_list(),
            "y": numbers(day, "quantity"),
            "name": "ordered",
            "yaxis": "y3",
            "marker": {"color": NOTE},
            "width": BAR_WIDTH_MS,
            "hovertemplate": "%{y:,} units",
        }
    ]


def _stock_outs(history: pl.DataFrame) -> list[Spec]:
    """A shaded strip for each run of censored periods."""
    if "censored" not in history.columns:
        return []
    runs = history.with_columns(run=pl.col("censored").rle_id()).filter(pl.col("censored"))
    spans = runs.group_by("run").agg(first=pl.col("ds").min(), last=pl.col("ds").max()).sort("first")
    step = history["ds"].diff().min()
    width = step if isinstance(step, timedelta) else timedelta(days=1)
    return [
        {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "x0": moment(row["first"]) - width / 2,
            "x1": moment(row["last"]) + width / 2,
            "y0": 0,
            "y1": 1,
            "fillcolor": transparent(BAD, 0.14),
            "line": {"width": 0},
            "layer": "below",
        }
        for row in spans.iter_rows(named=True)
    ]


def _panel_names() -> list[Spec]:
    names = ((1.0, "Sold, and forecast with its range"), (0.43, "On hand in the evening"), (0.18, "Ordered"))
    return [
        {
            "xref": "paper",
            "yref": "paper",
            "x": 0,
            "y": y,
            "xanchor": "left",
            "yanchor": "bottom",
            "text": html.escape(text),
            "showarrow": False,
            "font": {"size": 12, "color": OTHER},
        }
        for y, text in names
    ]


def _sentence(product: Product) -> str:
    history, parts = product.history, list[str]()
    if len(history):
        parts.append(f"{history['y'].cast(pl.Float64).fill_nan(0).sum():,.0f} units sold in {len(history)} periods")
    if "censored" in history.columns:
        out = int(history["censored"].sum())
        if out:
            parts.append(f"{out} of them ended without stock")
        elif _stock_known(history):
            parts.append("never out of stock")
    if len(product.forecast):
        parts.append(f"{product.forecast['mean'].sum():,.0f} expected in the next {len(product.forecast)}")
    return ", ".join(parts)


def _stock_known(history: pl.DataFrame) -> bool:
    return "on_hand" in history.columns and history["on_hand"].cast(pl.Float64).fill_nan(None).null_count() == 0
