"""Loss of the fleet over time against what was certified."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from finalmile.figures.chart import Chart, end_label, event_marks, layout, line, nothing, numbers, share, spread_labels
from finalmile.figures.palette import OTHER, OURS
from finalmile.figures.views import Event


def loss_table(frame: pl.DataFrame, *, periods: int = 7) -> pl.DataFrame:
    """Loss of each period and its mean over the last ``periods`` known ones: ``ds, loss, smooth``, and ``benchmark``.

    Unknown losses stay null and are left out of the mean. An empty frame gives an empty one.

    Examples
    --------
    >>> from datetime import date
    >>> frame = pl.DataFrame({"ds": [date(2024, 1, 1), date(2024, 1, 2)], "loss": [0.4, 0.6]})
    >>> loss_table(frame)["smooth"].to_list()
    [0.4, 0.5]
    """
    if frame.is_empty():
        return pl.DataFrame(schema={"ds": pl.Date, "loss": pl.Float64, "smooth": pl.Float64})
    known = pl.col("loss").cast(pl.Float64).fill_nan(None)
    kept = [pl.col("benchmark").cast(pl.Float64)] if "benchmark" in frame.columns else []
    return frame.sort("ds").select("ds", known, known.rolling_mean(periods, min_samples=1).alias("smooth"), *kept)


def loss_over_time(frame: pl.DataFrame, *, name: str = "WAPE", periods: int = 7, events: Sequence[Event] = ()) -> Chart:
    """The fleet's loss, smoothed, against its benchmark, with what happened; columns as in :class:`HealthView`."""
    table = loss_table(frame, periods=periods)
    smooth = numbers(table, "smooth") if len(table) else []
    known = [value for value in smooth if value is not None]
    if not known:
        return nothing("No forecast has met its actuals yet", table)
    x = table["ds"].to_list()
    points = {
        **line(x, numbers(table, "loss"), name=f"{name} of the period", colour=OURS),
        "mode": "markers",
        "marker": {"color": OURS, "size": 4, "opacity": 0.35},
    }
    data = [points, line(x, smooth, name=f"mean of {periods}", colour=OURS)]
    labels = end_label(x, smooth, text=f"{name} {known[-1]:.3g}", colour=OURS)
    sentence = f"{name} is {known[-1]:.3g}"
    if "benchmark" in table.columns and table["benchmark"].is_not_null().any():
        benchmark = numbers(table, "benchmark")
        data.append(line(x, benchmark, name="benchmark", colour=OTHER, dash="dash"))
        labels += end_label(x, benchmark, text="benchmark", colour=OTHER)
        sentence += _against(known[-1], [value for value in benchmark if value is not None][-1])
    shapes, marks = event_marks(events, x)
    told = [value for value in numbers(table, "loss") if value is not None]
    page = layout(x, y=f"{name}, lower is better")
    page["yaxis"] |= {"rangemode": "tozero", "tickformat": ".2~f"}
    page["shapes"], page["annotations"] = shapes, [*spread_labels(labels, low=0, high=max(told)), *marks]
    return Chart(title=sentence, data=tuple(data), layout=page, table=table)


def _against(loss: float, benchmark: float) -> str:
    if benchmark <= 0:
        return ""
    change = loss / benchmark - 1
    side = "above" if change > 0 else "below"
    return f", {share(abs(change), digits=0)} {side} its benchmark"
