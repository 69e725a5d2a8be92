"""Views: what the pages show, read from the ledger, the lake and the newest replay."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import orjson
import polars as pl

from finalmile.config import Config
from finalmile.errors import FinalMileError, MissingInputError
from finalmile.figures.views import (
    UNKNOWN,
    Event,
    HealthView,
    Home,
    Kpi,
    MoneyView,
    Need,
    Product,
    ServiceView,
)
from finalmile.frames import Forecast
from finalmile.frames.dialects import Kind
from finalmile.inventory.worked import worked
from finalmile.ports import HistoryTable
from finalmile.records import Estimate, OrderLine, Version
from finalmile.wording import number_of
from finalmile.workflows.in_force import forecast_in_force
from finalmile.workflows.order_reasons import reason
from finalmile.workflows.promised import promised
from finalmile.workflows.reports import order_frame
from finalmile.workflows.shop import Shop

DAYS_SHOWN = 120
_UNPROMISED = {"cycle_service": 0.98}
_KINDS = {"alarm": "alarm", "action": "action", "deployment": "deployment"}


def assumptions(config: Config) -> tuple[str, ...]:
    """What money and lead times rest on where items say nothing, one phrase each."""
    assume = config.assume
    told = [
        f"unit cost {assume.unit_cost_share:g} x price where items give none",
        f"holding {assume.holding_rate_per_year:.0%} of stock value a year where items give none",
    ]
    if assume.lead_time_days is not None:
        low, high = assume.lead_time_days
        told.append(f"lead time {low:g} to {high:g} days, drawn once per item, where items give none")
    return tuple(told)


def home(shop: Shop, tables: Mapping[Kind, HistoryTable], *, folder: Path, name: str) -> Home:
    """The first page: service, money, what needs a decision, and whether the model is healthy."""
    played = newest_replay(folder)
    model = next(iter(shop.config.models))
    live = _live(shop, model)
    rows = shop.ledger.orders(states=("proposed",))
    return Home(
        name=name,
        as_of=_as_of(shop),
        currency=shop.config.currency,
        assumed="; ".join(assumptions(shop.config)) if _rests_on_assumptions(played, rows) else "",
        service=_service(shop, played),
        money=_money(played),
        needs=_needs(shop, model, rows),
        health=_health(shop, model, live, played),
        orders=_orders(rows),
        products=_products(shop, tables, model),
        stock=_stock(played),
        kpis=_kpis(played),
        events=_events(played),
    )


def _rests_on_assumptions(played: _Replay | None, rows: list[OrderLine]) -> bool:
    return any(line.assumed for line in rows) or (played is not None and bool(played.summary["ours"]["assumed"]))


def newest_replay(folder: Path) -> _Replay | None:
    """The replay that finished last, ``None`` before the first."""
    done = sorted((folder / "replays").glob("*/summary.json"), key=lambda path: path.stat().st_mtime)
    return _Replay(done[-1].parent) if done else None


def replayed_alarms(folder: Path) -> str:
    """How many alarms the newest replay told of, in a sentence; empty without any."""
    played = newest_replay(folder)
    alarms = 0 if played is None else int((played.frame("happenings")["kind"] == "alarm").sum())
    if played is None or not alarms:
        return ""
    span = f"{played.summary['first']} to {played.summary['last']}"
    return f"The replay of {span} told of {alarms:,}, which its pages show: finalmile dashboard"


class _Replay:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.summary: dict[str, Any] = orjson.loads((folder / "summary.json").read_bytes())

    def frame(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self.folder / f"{name}.parquet")

    def estimate(self, *path: str) -> Estimate:
        value: Any = self.summary
        for key in path:
            value = value[key]
        return Estimate(**value)


def _service(shop: Shop, played: _Replay | None) -> ServiceView:
    ((name, aim),) = (promised(shop.config) or _UNPROMISED).items()
    which: Literal["fill rate", "cycle service"] = "fill rate" if name == "fill_rate" else "cycle service"
    if played is None:
        return ServiceView(target=aim, which=which)
    return ServiceView(
        target=aim,
        which=which,
        fill_rate=played.estimate("fill_rate"),
        cycle_service=played.estimate("cycle_service"),
        trend=played.frame("service"),
    )


def _money(played: _Replay | None) -> MoneyView:
    if played is None:
        return MoneyView()
    daily = played.frame("daily")
    against = played.summary["against"]
    wide = daily.pivot("arm", index="ds", values="benefit").sort("ds")
    return MoneyView(
        saving=played.estimate("savings", "total"),
        baseline=against,
        grade="B",
        trend=wide.select("ds", (pl.col("ours") - pl.col(against)).alias("saving")),
    )


def _stock(played: _Replay | None) -> pl.DataFrame:
    if played is None:
        return pl.DataFrame()
    wide = played.frame("daily").pivot("arm", index="ds", values="stock_value").sort("ds")
    return wide.rename({"ours": "value", played.summary["against"]: "baseline"})


def _kpis(played: _Replay | None) -> tuple[Kpi, ...]:
    if played is None:
        return ()
    ours, usual, unit = played.summary["ours"], played.summary["baseline"], played.summary.get("unit", "day")

    def kpi(title: str, key: str, unit: str, meaning: str) -> Kpi:
        beside = "" if usual[key] is None else f" Baseline: {usual[key]:,.2f}."
        return Kpi(name=title, value=Estimate(value=ours[key]), unit=unit, meaning=meaning + beside)

    return (
        kpi("In stock", "in_stock_share", "%", f"Share of item-{unit}s that began with something on the shelf."),
        kpi("Stock-outs", "stock_outs", f"item-{unit}s", f"Item-{unit}s in which demand was lost."),
        kpi("Turnover", "turnover", "a year", "Annualised cost of goods sold over time-average inventory at cost."),
        kpi("Days of supply", "days_of_supply", "days", "Days that the average inventory lasts at the rate it sold."),
        kpi("Average inventory", "average_inventory", "money", "Time-average inventory at cost."),
        kpi("Units lost", "lost_units", "units", "Units asked for that could not be served."),
    )


def _events(played: _Replay | None) -> tuple[Event, ...]:
    if played is None:
        return ()
    return tuple(
        Event(at=row["at"], kind=_KINDS.get(row["kind"], "note"), text=row["text"])  # type: ignore[arg-type]  # one of the four
        for row in played.frame("happenings").iter_rows(named=True)
    )


def _needs(shop: Shop, model: str, rows: list[OrderLine]) -> tuple[Need, ...]:
    needs = [
        Need(
            what=f"Look at {incident.check} of {incident.subject}",
            why=incident.explain(),
            money=incident.finding.money_at_risk,
            address="/monitoring",
        )
        for incident in shop.ledger.incidents(model=model, open_only=True)
    ]
    value = sum(line.quantity * (line.unit_cost or 0.0) for line in rows)
    if rows:
        needs.append(
            Need(
                what=f"Approve {number_of(len({line.order_id for line in rows}), 'order')}",
                why=f"{number_of(len(rows), 'line')} proposed for {rows[0].ordered_at}.",
                money=value,
                unit="in orders",
                address="/orders",
            )
        )
    return tuple(needs)


def _health(shop: Shop, model: str, live: Version | None, played: _Replay | None) -> HealthView:
    loss = pl.DataFrame() if played is None else played.frame("loss")
    if live is None:
        return HealthView(loss=loss)
    certificate = shop.ledger.certificate(model, live.number)
    deployed = shop.ledger.deployment(model)
    return HealthView(
        version=str(live),
        kind=live.kind,
        since=None if deployed is None else deployed.changed_at,
        certified=None if certificate is None else certificate.passed,
        reasons=() if certificate is None else certificate.reasons,
        incidents=tuple(shop.ledger.incidents(model=model, open_only=True)),
        loss=loss,
    )


def _orders(rows: list[OrderLine]) -> pl.DataFrame:
    if not rows:
        return pl.DataFrame()
    shown = order_frame(rows).drop("line_id", "state", "currency", "assumed")
    return shown.with_columns(pl.Series("reason", [reason(line) for line in rows]))


def _products(shop: Shop, tables: Mapping[Kind, HistoryTable], model: str) -> pl.DataFrame:
    """One row per product, with the units forecast for the coming review period."""
    items = tables["items"].read()
    told = _told(shop, model)
    if told is None:
        ids = tables["sales"].read(columns=["unique_id"])
        return ids.unique().sort("unique_id") if ids.width else ids
    days = min(told.horizon, shop.periods(shop.config.plan.review_period_days))
    frame = pl.DataFrame(
        {"unique_id": pl.Series(told.ids, dtype=pl.String), "forecast": told.mean[:, :days].sum(axis=1)}
    )
    if "category" in items.columns:
        frame = frame.join(items.select("unique_id", "category"), on="unique_id", how="left")
    ordered = {line.unique_id: line.quantity for line in shop.ledger.orders(states=("proposed",))}
    return frame.with_columns(
        pl.Series("order", [ordered.get(name, 0) for name in frame["unique_id"].to_list()], dtype=pl.Int64)
    )


def _told(shop: Shop, model: str) -> Forecast | None:
    try:
        return forecast_in_force(shop, model, shop.known.newest)
    except MissingInputError:
        return None


def _live(shop: Shop, model: str) -> Version | None:
    deployed = shop.ledger.deployment(model)
    return None if deployed is None else shop.ledger.version(model, deployed.live)


def _as_of(shop: Shop) -> Any:
    try:
        return shop.day(shop.known.newest)
    except FinalMileError:
        return None


def product(shop: Shop, tables: Mapping[Kind, HistoryTable], unique_id: str) -> Product:
    """The page of one product.

    Raises
    ------
    MissingInputError
        Where it has no sales.
    """
    newest = shop.known.newest
    since = shop.day(newest - shop.periods(DAYS_SHOWN))
    mine = pl.col("unique_id") == unique_id
    sales = tables["sales"].read(ds_from=since).filter(mine).sort("ds")
    if sales.is_empty():
        raise MissingInputError(f"no product is called {unique_id!r}, or it has not sold since {since}")
    model = next(iter(shop.config.models))
    told = _told(shop, model)
    lines = shop.ledger.orders(product=unique_id)
    items = tables["items"].read()
    facts = items.filter(mine).to_dicts() if "unique_id" in items.columns else []
    wanted = ["ds", "y", "lost", "censored", "on_hand", "price", "promo"]
    return Product(
        unique_id=unique_id,
        as_of=shop.day(newest),
        currency=shop.config.currency,
        cutoff=None if told is None else shop.day(told.cutoff),
        facts={
            **{k: v for k, v in (facts[0] if facts else {}).items() if v is not None and k not in _HIDDEN},
            **_last_count(tables["stock"], unique_id),
        },
        history=sales.select(name for name in wanted if name in sales.columns),
        forecast=pl.DataFrame() if told is None else told.to_frame().filter(mine),
        orders=order_frame(lines).select("ordered_at", "quantity", "due", "state") if lines else pl.DataFrame(),
        sentence=reason(lines[-1]) if lines else "",
        steps=tuple(worked(lines[-1])) if lines else (),
    )


def _last_count(stock: HistoryTable, unique_id: str) -> dict[str, object]:
    counts = stock.read(columns=["unique_id", "at", "on_hand"])
    if counts.is_empty():
        return {}
    mine = counts.filter(pl.col("unique_id") == unique_id).sort("at")
    if mine.is_empty():
        return {"last stock count": "never counted"}
    last = mine.row(-1, named=True)
    return {"last stock count": f"{last['on_hand']:,.10g} on {last['at']:%Y-%m-%d}"}


_HIDDEN = frozenset({"unique_id", "known_at", "backfilled"})
__all__ = ["UNKNOWN", "assumptions", "home", "newest_replay", "product", "replayed_alarms"]
