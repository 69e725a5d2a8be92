"""Money bound in stock over time."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from finalmile.figures.chart import Chart, end_label, event_marks, layout, line, nothing, numbers, spoken, spread_labels
from finalmile.figures.palette import OTHER, OURS
from finalmile.figures.views import Event


def stock_table(frame: pl.DataFrame) -> pl.DataFrame:
    """Inventory at cost per period: ``ds, value``, and ``baseline`` where it was given; empty for an empty frame."""
    if frame.is_empty():
        return pl.DataFrame(schema={"ds": pl.Date, "value": pl.Float64})
    return frame.sort("ds").select("ds", *[pl.col(name).cast(pl.Float64) for name in _given(frame)])


def stock_over_time(
    frame: pl.DataFrame, *, currency: str, baseline: str = "baseline", events: Sequence[Event] = ()
) -> Chart:
    """Inventory at cost, beside the baseline's; columns as ``stock`` of :class:`Home`."""
    table = stock_table(frame)
    ours = numbers(table, "value") if len(table) else []
    known = [value for value in ours if value is not None]
    if not known:
        return nothing("Stock over time is known after finalmile replay", table)
    x = table["ds"].to_list()
    data = [line(x, ours, name="stock at cost", colour=OURS, unit=currency)]
    labels = end_label(x, ours, text="ours", colour=OURS)
    sentence = f"Stock at cost is {known[-1]:,.0f} {currency}, {sum(known) / len(known):,.0f} on average"
    if "baseline" in table.columns:
        theirs = numbers(table, "baseline")
        data.insert(0, line(x, theirs, name=baseline, colour=OTHER, unit=currency, dash="dot"))
        labels += end_label(x, theirs, text=spoken(baseline), colour=OTHER)
        others = [value for value in theirs if value is not None]
        if others:
            sentence += f" ({spoken(baseline)}: {sum(others) / len(others):,.0f})"
            known += others
    shapes, marks = event_marks(events, x)
    page = layout(x, y=f"{currency} at cost")
    page["yaxis"] |= {"rangemode": "tozero"}
    page["shapes"], page["annotations"] = shapes, [*spread_labels(labels, low=0, high=max(known)), *marks]
    return Chart(title=sentence, data=tuple(data), layout=page, table=table)


def _given(frame: pl.DataFrame) -> list[str]:
    return [name for name in ("value", "baseline") if name in frame.columns]
