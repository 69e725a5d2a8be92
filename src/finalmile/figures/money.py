"""Money against the baseline, added up over time."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from finalmile.figures.chart import Chart, band, end_label, event_marks, layout, line, nothing, numbers, share, spoken
from finalmile.figures.palette import BAD, GOOD, OTHER
from finalmile.figures.views import Event
from finalmile.records import Estimate


def money_table(trend: pl.DataFrame, *, saving: Estimate) -> pl.DataFrame:
    """Paired difference per period and added up: ``ds, saving, cumulative``, with an interval also ``low, high``.

    The band is the interval of the total, narrowed by the square root of the share of the span that has passed:
    that of a sum of independent blocks. An unknown difference adds nothing. An empty frame gives an empty one.

    Examples
    --------
    >>> from datetime import date
    >>> trend = pl.DataFrame({"ds": [date(2024, 1, 1), date(2024, 1, 2)], "saving": [10.0, -4.0]})
    >>> money_table(trend, saving=Estimate(value=6.0, low=2.0, high=10.0)).row(1)
    (datetime.date(2024, 1, 2), -4.0, 6.0, 2.0, 10.0)
    """
    if trend.is_empty():
        return pl.DataFrame(schema={"ds": pl.Date, "saving": pl.Float64, "cumulative": pl.Float64})
    differences = pl.col("saving").cast(pl.Float64).fill_nan(None)
    table = trend.sort("ds").select("ds", differences, cumulative=differences.fill_null(0.0).cum_sum())
    if saving.value is None or saving.low is None or saving.high is None:
        return table
    share = ((pl.int_range(pl.len()) + 1) / pl.len()).sqrt()
    return table.with_columns(
        low=pl.col("cumulative") - share * (saving.value - saving.low),
        high=pl.col("cumulative") + share * (saving.high - saving.value),
    )


def money_against_baseline(
    trend: pl.DataFrame,
    *,
    saving: Estimate,
    baseline: str | None,
    currency: str,
    events: Sequence[Event] = (),
) -> Chart:
    """Cumulative saving against the named baseline with its band; ``trend`` as in :class:`MoneyView`."""
    table = money_table(trend, saving=saving)
    if baseline is None or table.is_empty():
        return nothing("No saving is claimed: there is no baseline to compare with", table)
    x, total = table["ds"].to_list(), numbers(table, "cumulative")
    last = total[-1] or 0.0
    colour = GOOD if last >= 0 else BAD
    data: list[dict[str, object]] = []
    if "low" in table.columns:
        data += band(x, numbers(table, "low"), numbers(table, "high"), colour=colour, name="interval", unit=currency)
    data.append(line(x, total, name="saved so far", colour=colour, unit=currency))
    shapes, marks = event_marks(events, x)
    frame = layout(x, y=f"{currency}, added up")
    zero = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0, "line": {"color": OTHER, "width": 1}}
    frame["shapes"] = [zero, *shapes]
    frame["annotations"] = [*end_label(x, total, text=f"{last:+,.0f} {currency}", colour=colour), *marks]
    verb = "saved" if last >= 0 else "lost"
    sentence = f"{abs(last):,.0f} {currency} {verb} against {spoken(baseline)}{_range(saving, currency=currency)}"
    return Chart(title=sentence, data=tuple(data), layout=frame, table=table)


def _range(saving: Estimate, *, currency: str) -> str:
    if saving.low is None or saving.high is None:
        return ", interval unknown"
    return f", {share(saving.level, digits=0)} interval {saving.low:+,.0f} to {saving.high:+,.0f} {currency}"
