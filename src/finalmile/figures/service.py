"""Service over time against its target."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from finalmile.figures.chart import (
    Chart,
    end_label,
    event_marks,
    layout,
    level_line,
    line,
    nothing,
    numbers,
    share,
    spoken,
    spread_labels,
)
from finalmile.figures.palette import OTHER, OURS
from finalmile.figures.views import Event, Which


def service_table(trend: pl.DataFrame, *, periods: int = 28) -> pl.DataFrame:
    """Service over the last ``periods`` rows up to each one: ``ds, service``, and ``baseline`` where it was given.

    The share is sum of ``hit`` over sum of ``of`` of the window; null while nothing was wanted in it, and before
    the window (or a quarter of the frame, if that is less) has passed. An empty frame gives an empty one.

    Examples
    --------
    >>> from datetime import date
    >>> trend = pl.DataFrame({"ds": [date(2024, 1, 1), date(2024, 1, 2)], "hit": [9, 5], "of": [10, 10]})
    >>> service_table(trend)["service"].to_list()
    [0.9, 0.7]
    """
    if trend.is_empty():
        return pl.DataFrame(schema={"ds": pl.Date, "service": pl.Float64})
    least = min(periods, max(1, trend.height // 4))
    columns = {"service": _served("hit", "of", periods=periods, least=least)}
    if "baseline_hit" in trend.columns:
        of = "baseline_of" if "baseline_of" in trend.columns else "of"
        columns["baseline"] = _served("baseline_hit", of, periods=periods, least=least)
    return trend.sort("ds").select("ds", **columns)


def service_over_time(
    trend: pl.DataFrame,
    *,
    target: float = 0.98,
    which: Which = "fill rate",
    baseline: str = "baseline",
    periods: int = 28,
    events: Sequence[Event] = (),
) -> Chart:
    """Service of the last ``periods`` rows against the target; ``trend`` as in :class:`ServiceView`."""
    table = service_table(trend, periods=periods)
    known = [value for value in numbers(table, "service") if value is not None] if len(table) else []
    if not known:
        return nothing(f"No {which} yet: it needs stock and sales", table)
    x, ours = table["ds"].to_list(), numbers(table, "service")
    data = [line(x, ours, name=which, colour=OURS, unit="%")]
    labels = end_label(x, ours, text=f"{which} {share(known[-1])}", colour=OURS)
    if "baseline" in table.columns:
        theirs = numbers(table, "baseline")
        data.insert(0, line(x, theirs, name=baseline, colour=OTHER, unit="%", dash="dot"))
        labels += end_label(x, theirs, text=spoken(baseline), colour=OTHER)
        known += [value for value in theirs if value is not None]
    labels += end_label(x, [target] * len(x), text=f"target {share(target, digits=0)}", colour=OTHER)
    shapes, marks = event_marks(events, x)
    frame = layout(x, y=f"{which}, last {periods} periods", percent=True)
    low, high = min([*known, target]) - 0.01, min(1.005, max([*known, target]) + 0.015)
    frame["yaxis"] |= {"range": [low, high]}
    frame["shapes"] = [level_line(target), *shapes]
    frame["annotations"] = [*spread_labels(labels, low=low, high=high), *marks]
    title = _sentence(ours, target=target, which=which, periods=periods)
    return Chart(title=title, data=tuple(data), layout=frame, table=table)


def _served(hit: str, of: str, *, periods: int, least: int) -> pl.Expr:
    wanted = pl.col(of).cast(pl.Float64).rolling_sum(periods, min_samples=least)
    served = pl.col(hit).cast(pl.Float64).rolling_sum(periods, min_samples=least)
    return pl.when(wanted > 0).then(served / wanted)


def _sentence(values: Sequence[float | None], *, target: float, which: str, periods: int) -> str:
    known = [value for value in values if value is not None]
    last = known[-1]
    above = last >= target
    run = 0
    for value in reversed(known):
        if (value >= target) != above:
            break
        run += 1
    side = "at or above" if above else "below"
    first = which[0].upper() + which[1:]
    since = f"for {run} periods" if run > 1 else "since this period"
    return f"{first} of the last {periods} periods is {share(last)}, {side} the target {since}"
