"""Account: what a replay was worth, told in service, stock and money, beside the baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path

import numpy as np
import orjson
import polars as pl

from finalmile.frames import Frequency
from finalmile.impact import Kpis, Savings, compare, cycles_ended, kpis_of
from finalmile.impact.service import share_with_interval
from finalmile.records import Estimate, Json, OrderLine
from finalmile.simulation import Flow
from finalmile.workflows.arms import daily
from finalmile.workflows.day import Day
from finalmile.workflows.replay import Played
from finalmile.workflows.reports import order_frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened in a replay: a deployment, an alarm, an action."""

    at: date | datetime
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay decided and what it was worth.

    Parameters
    ----------
    ours, baseline
        Figures of the two ways of ordering.
    service
        Fill rate of ours with its interval.
    savings
        Ours against the baseline, in money, with its interval.
    daily
        One row per period and arm.
    unit
        Length of a period: ``"hour"``, ``"day"``, ``"week"`` or ``"month"``.
    happenings
        Deployments, alarms and actions in order.
    """

    model: str
    first: date | datetime
    last: date | datetime
    series: int
    policy: str
    against: str
    currency: str
    assumptions: tuple[str, ...]
    ours: Kpis
    baseline: Kpis
    service: Estimate
    cycle: Estimate
    savings: Savings
    daily: pl.DataFrame
    trend: pl.DataFrame
    happenings: tuple[Happening, ...]
    orders: tuple[OrderLine, ...]
    loss: pl.DataFrame
    unit: str = "day"
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())
    breached: bool = False

    @property
    def fill_rate(self) -> float | None:
        """Share of the units asked for that were served."""
        return self.ours.fill_rate

    @property
    def turnover(self) -> float | None:
        """Times a year the stock was sold."""
        return self.ours.turnover

    def lines(self) -> list[str]:
        """The quarter as a short story with numbers."""
        ours, usual = self.ours, self.baseline
        return [
            f"Replayed {self.first} to {self.last}: {self.series:,} series, every decision from what was known then.",
            f"Service: fill rate {_share(ours.fill_rate)}{_between(self.service)}, baseline {_share(usual.fill_rate)}; "
            f"cycle service {_share(ours.cycle_service)}, baseline {_share(usual.cycle_service)}.",
            f"Stock-outs: {ours.stock_outs:,} item-{self.unit}s, baseline {usual.stock_outs:,}; "
            f"units lost {ours.lost_units:,.0f} of {ours.demand_units:,.0f}, baseline {usual.lost_units:,.0f}.",
            self._stock(),
            f"Money: {self.savings.explain()}",
            *(f"{happening.at}  {happening.kind}: {happening.text}" for happening in self.happenings),
            *(f"Assumed: {assumption}." for assumption in self.assumptions if self.ours.assumed),
            *self.notes,
        ]

    def _stock(self) -> str:
        ours, usual = self.ours, self.baseline
        if ours.average_inventory is None or usual.average_inventory is None:
            return "Stock: its value is unknown without costs."
        partly = "" if ours.priced == ours.items else f" of {ours.priced:,} of {ours.items:,} series"
        return (
            f"Stock: {ours.average_inventory:,.0f} {self.currency}{partly}, baseline {usual.average_inventory:,.0f}; "
            f"turned over {_number(ours.turnover)} times a year, baseline {_number(usual.turnover)}."
        )

    def to_dict(self) -> Json:
        """Figures and happenings; rows of days and orders are in the files."""
        return {
            "model": self.model,
            "first": self.first,
            "last": self.last,
            "series": self.series,
            "unit": self.unit,
            "policy": self.policy,
            "against": self.against,
            "currency": self.currency,
            "assumed": list(self.assumptions),
            "ours": self.ours.to_dict(),
            "baseline": self.baseline.to_dict(),
            "fill_rate": asdict(self.service),
            "cycle_service": asdict(self.cycle),
            "savings": {name: value for name, value in self.savings.to_dict().items() if name != "by_period"},
            "happenings": [asdict(happening) for happening in self.happenings],
            "orders": len(self.orders),
            "seconds": self.seconds,
            "notes": list(self.notes),
        }

    def write(self, folder: Path, *, forecasts: pl.DataFrame | None = None) -> None:
        """Write ``summary.json`` and the frames behind it as Parquet into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self.daily.write_parquet(folder / "daily.parquet", compression="zstd")
        self.trend.write_parquet(folder / "service.parquet", compression="zstd")
        self.loss.write_parquet(folder / "loss.parquet", compression="zstd")
        order_frame(self.orders).write_parquet(folder / "orders.parquet", compression="zstd")
        alarms = [asdict(happening) for happening in self.happenings]
        pl.DataFrame(alarms, schema=["at", "kind", "text"]).write_parquet(folder / "happenings.parquet")
        if forecasts is not None:
            forecasts.write_parquet(folder / "forecasts.parquet", compression="zstd")
        (folder / "summary.json").write_bytes(orjson.dumps(self.to_dict(), option=orjson.OPT_INDENT_2))


def account(
    played: Played,
    *,
    model: str,
    frequency: Frequency,
    policy: str,
    against: str,
    assumptions: Sequence[str],
    seconds: float = 0.0,
) -> Replayed:
    """The figures of a replay."""
    ours, baseline = played.ours.flow(), played.baseline.flow()
    economics = played.economics
    both = [("ours", ours), (against, baseline)]
    kept, ended = cycles_ended(ours.received, ours.lost)
    return Replayed(
        model=model,
        first=frequency.start_of(played.first),
        last=frequency.start_of(played.last),
        series=len(played.ids),
        policy=policy,
        against=against,
        currency=economics.currency,
        assumptions=tuple(assumptions),
        ours=kpis_of(ours, economics),
        baseline=kpis_of(baseline, economics),
        service=share_with_interval(ours.sold.sum(axis=0), ours.demand.sum(axis=0)),
        cycle=share_with_interval(kept, ended),
        savings=compare(ours, baseline, economics=economics, against=against),
        daily=pl.concat(
            daily(flow, arm=name, first=played.first, frequency=frequency, economics=economics) for name, flow in both
        ),
        trend=_trend(played, ours, baseline, frequency),
        happenings=tuple(happenings(played.days, frequency, currency=economics.currency)),
        orders=played.orders,
        loss=_loss(played.days),
        unit=frequency.unit,
        seconds=seconds,
        notes=_notes(played),
    )


def _notes(played: Played) -> tuple[str, ...]:
    if not played.corrected:
        return ()
    rows = "row of sales was" if played.corrected == 1 else "rows of sales were"
    return (f"{played.corrected:,} {rows} corrected later; the replay uses what was known on each day.",)


def happenings(days: Sequence[Day], frequency: Frequency, *, currency: str = "") -> Iterator[Happening]:
    """Deployments, alarms and actions in order, each once; an incident that opens again is an alarm again."""
    live: str | None = None
    opened: dict[str, str] = {}
    for day in days:
        at = frequency.start_of(day.period)
        for incident in day.incidents:
            before = opened.get(incident.incident_id)
            if before is None or (before == "resolved" and incident.state != "resolved"):
                again = "" if before is None else ", again"
                told = f"{incident.severity}: {incident.check} of {incident.subject}{again}. {incident.finding.why}"
                told += _at_stake(incident.finding.money_at_risk, currency)
                yield Happening(at=at, kind="alarm", text=told)
            elif incident.state == "resolved" and before != "resolved":
                yield Happening(at=at, kind="resolved", text=f"{incident.check} of {incident.subject} is over.")
            opened[incident.incident_id] = incident.state
        for step in day.steps:
            yield Happening(at=at, kind="action", text=f"{step.action}: {step.why} Undo: {step.undo}")
        for certificate in day.trained:
            verdict = "passed" if certificate.passed else "failed: " + "; ".join(certificate.reasons)
            yield Happening(at=at, kind="certificate", text=f"{certificate.model}@{certificate.number} {verdict}")
        if str(day.live) != live:
            live = str(day.live)
            yield Happening(at=at, kind="deployment", text=f"{live} ({day.live.kind}) is live")


def _at_stake(money: float | None, currency: str) -> str:
    """What an alarm is about in money, where that is known and is more than nothing.

    Examples
    --------
    >>> _at_stake(1234.5, "EUR"), _at_stake(None, "EUR")
    (' About 1,234 EUR a day are at stake.', '')
    """
    return f" About {money:,.0f} {currency} a day are at stake." if money is not None and money >= 1 else ""


def forecasts_of(days: Sequence[Day]) -> pl.DataFrame:
    """Every forecast of a replay, long."""
    told = [
        day.forecast.to_frame().with_columns(pl.lit(day.live.number).cast(pl.Int64).alias("version")) for day in days
    ]
    return pl.concat(told, how="diagonal")


def _trend(played: Played, ours: Flow, baseline: Flow, frequency: Frequency) -> pl.DataFrame:
    """Order cycles that ended in each period, and those of them without a stock-out, of both arms."""
    kept, ended = cycles_ended(ours.received, ours.lost)
    usual_kept, usual_ended = cycles_ended(baseline.received, baseline.lost)
    return pl.DataFrame(
        {
            "ds": frequency.start(np.arange(played.first, played.last + 1)),
            "hit": kept,
            "of": ended,
            "baseline_hit": usual_kept,
            "baseline_of": usual_ended,
        }
    )


def _loss(days: Sequence[Day]) -> pl.DataFrame:
    rows = [
        (finding.at, finding.value, finding.benchmark)
        for day in days
        for finding in day.findings
        if finding.check == "loss" and finding.subject == "fleet"
    ]
    return pl.DataFrame(rows, schema=["ds", "loss", "benchmark"], orient="row")


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1%}"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1f}"


def _between(told: Estimate) -> str:
    return "" if told.low is None or told.high is None else f" ({told.low:.1%} to {told.high:.1%})"
