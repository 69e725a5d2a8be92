"""Alarms on real data: a retailer's past replayed, alarms per month by check, and the sentence of each. JSON lines.

    FINALMILE_DATA=... python benchmarks/alarms.py --retailer m5 --start 2016-01-26 --end 2016-04-24
    FINALMILE_DATA=... python benchmarks/alarms.py --retailer uk --start 2011-03-01 --end 2011-09-30

Nobody knows the truth of real data, so nothing here says how many alarms are false: each is printed with what the
calendar says of the days around it, to be judged by who knows the trade. A project is built from the data as a
newcomer would, its past is replayed with retraining every 28 days, and one line is printed for each alarm as it
opened: the day, check, subject, severity, figures, sentence, the day it was over, what was done. Days without a
tenth of a usual day's sales are told as closed. The last line has alarms per month and check, and counts of warnings.

``m5`` is m5_sales.parquet, as ``make proof`` replays it. ``uk`` is uk_online_retail_lines.parquet, a wholesaler of
gifts that is closed on Saturdays, at Christmas and at Easter: units of an article summed by day, returns taken off,
the mean price paid, articles that are not goods (postage, fees, samples) left out as is anything without a name.
``--no-returns`` leaves negative lines out, ``--skip`` checks, ``--series`` all but the first so many.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

M5_SETTINGS = "currency: USD\nassume: {unit_cost_share: 0.7, lead_time_days: [3, 14]}\n"
UK_SETTINGS = "currency: GBP\ncountry: GB\nassume: {unit_cost_share: 0.6, lead_time_days: [3, 14]}\n"
NOT_GOODS = (
    r"^(POSTAGE|DOTCOM POSTAGE|Next Day Carriage|Manual|AMAZON FEE|Bank Charges|CRUK Commission|Discount|SAMPLES"
    r"|Adjust bad debt|Dotcomgiftshop Gift Voucher.*)$"
)
CLOSED = 0.1


def m5(data: Path, *, series: int | None, returns: bool) -> tuple[str, pl.DataFrame, pl.DataFrame]:
    """Settings, sales, and the days that have a name."""
    del returns
    sales = pl.read_parquet(data / "m5_sales.parquet")
    events = sales.select(pl.col("ds").cast(pl.Date), pl.col("event").cast(pl.String)).drop_nulls().unique()
    return M5_SETTINGS, _first(sales, series), events


def uk(data: Path, *, series: int | None, returns: bool) -> tuple[str, pl.DataFrame, pl.DataFrame]:
    """Settings, sales, and the days that have a name."""
    import holidays

    lines = pl.read_parquet(data / "uk_online_retail_lines.parquet")
    lines = lines.with_columns(pl.col("unique_id").cast(pl.String).str.strip_chars())
    goods = lines.filter(~pl.col("unique_id").str.contains(NOT_GOODS), pl.col("price") > 0)
    kept = goods if returns else goods.filter(pl.col("quantity") > 0)
    sales = (
        kept.group_by("unique_id", pl.col("ts").dt.date().alias("ds"))
        .agg(y=pl.col("quantity").sum(), price=pl.col("price").mean())
        .sort("unique_id", "ds")
    )
    named = holidays.country_holidays("GB", years=[2010, 2011], language="en_US")
    events = pl.DataFrame(
        {"ds": list(named), "event": list(named.values())}, schema={"ds": pl.Date, "event": pl.String}
    )
    return UK_SETTINGS, _first(sales, series), events


RETAILERS = {"m5": m5, "uk": uk}


def _first(sales: pl.DataFrame, series: int | None) -> pl.DataFrame:
    if series is None:
        return sales
    names = sales["unique_id"].cast(pl.String).unique().sort().head(series)
    return sales.filter(pl.col("unique_id").cast(pl.String).is_in(names.implode()))


def played(project: Any, *, start: date, end: date) -> Any:
    """The days of a replay as they were, beside what its account tells of them."""
    from finalmile.workflows import replay

    kept: list[Any] = []
    whole = replay.play

    def keeping(*given: Any, **named: Any) -> Any:
        kept.append(whole(*given, **named))
        return kept[-1]

    replay.play = keeping
    project.replay(start, end, retrain_every_days=28, progress=_told)
    replay.play = whole
    return kept[-1]


def _told(done: int, of: int, what: str) -> None:
    if done % 14 == 0:
        print(f"{done} of {of}: {what}", file=sys.stderr, flush=True)


def alarms(days: Any, *, start_of: Any) -> Iterator[dict[str, Any]]:
    """One dict for each time that an incident opened or reopened, with when that was over."""
    open_ones: dict[str, dict[str, Any]] = {}
    for day in days:
        at = start_of(day.period)
        for one in day.incidents:
            if one.state != "resolved" and one.incident_id not in open_ones:
                open_ones[one.incident_id] = _alarm(one, at)
            elif one.state == "resolved" and one.incident_id in open_ones:
                yield open_ones.pop(one.incident_id) | {"over": str(at), "actions": list(one.actions)}
    for one in open_ones.values():
        yield one | {"over": None}


def _alarm(incident: Any, at: date) -> dict[str, Any]:
    found = incident.finding
    return {
        "opened": str(at),
        "check": incident.check,
        "subject": incident.subject,
        "severity": incident.severity,
        "since": None if found.since is None else str(found.since),
        "value": found.value,
        "benchmark": found.benchmark,
        "log_evidence": found.log_evidence,
        "money_a_day": found.money_at_risk,
        "why": found.why,
    }


def around(alarm: dict[str, Any], events: pl.DataFrame, closed: list[date]) -> dict[str, Any]:
    """What the calendar says of the days that an alarm is about, and of the week before them."""
    opened = date.fromisoformat(alarm["opened"])
    first = min(date.fromisoformat(alarm["since"] or alarm["opened"]), opened) - timedelta(days=7)
    named = events.filter(pl.col("ds").is_between(first, opened)).sort("ds")
    told = [f"{row[0]} {row[1]}" for row in named.rows()]
    return alarm | {"days": told, "closed": [str(day) for day in closed if first <= day <= opened]}


def closed_days(sales: pl.DataFrame) -> list[date]:
    """Days on which next to nothing was sold."""
    sold = sales.group_by(pl.col("ds").cast(pl.Date)).agg(pl.col("y").sum())
    span = pl.date_range(sold["ds"].min(), sold["ds"].max(), eager=True).alias("ds")  # type: ignore[arg-type]
    every = span.to_frame().join(sold, on="ds", how="left").fill_null(0.0)
    return every.filter(pl.col("y") < CLOSED * pl.col("y").median())["ds"].sort().to_list()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--retailer", choices=sorted(RETAILERS), default="m5")
    parser.add_argument("--start", type=date.fromisoformat, default=date(2016, 1, 26))
    parser.add_argument("--end", type=date.fromisoformat, default=date(2016, 4, 24))
    parser.add_argument("--series", type=int, help="only the first so many, for a quick look")
    parser.add_argument("--no-returns", action="store_true", help="leave negative lines out")
    parser.add_argument("--skip", default="", help="checks that are left out, with commas between")
    parser.add_argument("--keep", type=Path, help="folder that the project is left in; what is there is used again")
    arguments = parser.parse_args()
    data = os.environ.get("FINALMILE_DATA")
    if not data or not Path(data).is_dir():
        raise SystemExit("set FINALMILE_DATA to the folder that holds m5_sales.parquet")
    settings, sales, events = RETAILERS[arguments.retailer](
        Path(data), series=arguments.series, returns=not arguments.no_returns
    )
    with tempfile.TemporaryDirectory(prefix="finalmile-alarms-") as scratch:
        folder = arguments.keep or Path(scratch) / "shop"
        if folder.exists() and not (folder / "finalmile.yaml").exists():
            shutil.rmtree(folder)
        run(folder, settings, sales, events, arguments)


def run(folder: Path, settings: str, sales: pl.DataFrame, events: pl.DataFrame, given: argparse.Namespace) -> None:
    from finalmile.project import Project

    fresh = not folder.exists()
    project = Project.init(folder) if fresh else Project.open(folder)
    skip = [name for name in given.skip.split(",") if name]
    (folder / "finalmile.yaml").write_text(f"{settings}monitor: {{skip: {json.dumps(skip)}}}\n", encoding="utf-8")
    project = Project.open(folder)
    if fresh:
        project.ingest("sales", sales, sparse=True)
    began, cpu = time.perf_counter(), time.process_time()
    told = played(project, start=given.start, end=given.end)
    took = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
    frequency, closed = project.shop.frequency, closed_days(sales)
    found = sorted(alarms(told.days, start_of=frequency.start_of), key=lambda one: (one["opened"], one["check"]))
    for one in found:
        print(json.dumps(around(one, events, closed), default=str))
    months = Counter((one["opened"][:7], one["check"]) for one in found)
    by_month: dict[str, dict[str, int]] = {}
    for (month, check), count in sorted(months.items()):
        by_month.setdefault(month, {})[check] = count
    warned = Counter(
        one.check for day in told.days for one in day.findings if one.severity == "warning" and not one.breached
    )
    print(
        json.dumps(
            {
                "retailer": given.retailer,
                "span": [str(given.start), str(given.end)],
                "series": len(told.ids),
                "days": len(told.days) - 1,
                "alarms": len(found),
                "alarms_by_month": by_month,
                "warnings": dict(warned),
                "deployments": [str(one) for one in dict.fromkeys(str(day.live) for day in told.days)],
            }
            | {name: round(value, 1) for name, value in took.items()}
        )
    )


if __name__ == "__main__":
    main()
