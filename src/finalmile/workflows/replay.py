"""Replay: play history again, deciding each day from what was known then, against a baseline way of ordering."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
import polars as pl

from finalmile.errors import MissingInputError
from finalmile.frames import BoolArray, Forecast, IntArray, NameArray, Panel
from finalmile.impact import Economics
from finalmile.inventory import Policy, Position, order_lines
from finalmile.inventory.policies import policies
from finalmile.ports import Fitted, Progress, forecasters
from finalmile.records import Certificate, OrderLine
from finalmile.simulation import UnitsArray, opening
from finalmile.workflows.arms import Arm, rows_in
from finalmile.workflows.day import Day, business_day
from finalmile.workflows.known import end_of
from finalmile.workflows.past_known import PastKnown
from finalmile.workflows.promote import promote
from finalmile.workflows.propose import propose
from finalmile.workflows.renew import fallback_version, renew
from finalmile.workflows.rules import ruled
from finalmile.workflows.shop import Shop
from finalmile.workflows.terms import chance, holding_rate, last_price, positions
from finalmile.workflows.turns import due_now

HISTORY_DAYS = 400
"""Days of sales that both ways of ordering look at."""


@dataclass(slots=True)
class ReplayClock:
    """A clock that the replay sets."""

    at: datetime = field(default_factory=lambda: datetime(1970, 1, 1, tzinfo=UTC))

    def now(self) -> datetime:
        """The replayed instant."""
        return self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """Everything that a replay decided and what became of it.

    Parameters
    ----------
    ids : array of shape (n,)
        Series of the comparison, whenever they were listed.
    first, last
        First and last replayed period.
    days
        One per cutoff, the day before the first replayed period included.
    ours, baseline
        The two ways of ordering.
    orders
        Lines that ours placed.
    corrected
        Rows of sales of the span or before it that were corrected after it.
    """

    ids: NameArray
    first: int
    last: int
    days: tuple[Day, ...]
    ours: Arm
    baseline: Arm
    orders: tuple[OrderLine, ...]
    economics: Economics
    corrected: int = 0


def play(
    shop: Shop,
    known: PastKnown,
    clock: ReplayClock,
    *,
    model: str,
    first: int,
    last: int,
    retrain_every: int | None,
    demand: pl.DataFrame | None = None,
    progress: Progress | None = None,
) -> Played:
    """Replay the periods ``first`` to ``last``.

    Parameters
    ----------
    shop
        With a ledger of its own and ``known`` and ``clock`` inside.
    demand
        ``unique_id, ds, demand``: what was truly asked for, where that is known; else sales, and on days of a
        stock-out the forecast made the day before where it is higher.

    Raises
    ------
    MissingInputError
        If there are no sales before ``first``, or none up to ``last``.
    """
    _check_span(known, first, last)
    table = Comparison(shop, known, model, first=first, last=last, demand=demand)
    clock.at = end_of(first - 1, known.frequency)
    opening_certificate = _open(shop, model, first - 1)
    days: list[Day] = []
    orders: list[OrderLine] = []
    for cutoff in range(first - 1, last + 1):
        clock.at = end_of(cutoff, known.frequency)
        brief = not table.orders_at(cutoff)
        day = business_day(shop, model, cutoff, retrain_every=retrain_every, brief=brief)
        days.append(day if days else replace(day, trained=(opening_certificate, *day.trained)))
        if cutoff < last:
            orders += table.decide(day.forecast, cutoff)
            table.trade(cutoff + 1, told=day.forecast)
        if progress is not None:
            progress(cutoff - first + 2, last - first + 2, str(shop.day(cutoff)))
    return Played(
        ids=table.ids, first=first, last=last, days=tuple(days), ours=table.ours, baseline=table.baseline,
        orders=tuple(orders), economics=table.economics(), corrected=known.corrected_after(last),
    )  # fmt: skip


def _check_span(known: PastKnown, first: int, last: int) -> None:
    start, end = known.whole.first, known.whole.cutoff
    day = known.frequency.start_of
    if not start < first <= last <= end:
        raise MissingInputError(
            f"cannot replay {day(first)} to {day(last)}: sales run from {day(start)} to {day(end)}, and a replay needs "
            "history before its first period"
        )


def _open(shop: Shop, model: str, cutoff: int) -> Certificate:
    """A first version goes live: the trained one where its certificate passes, else the fallback."""
    safe = fallback_version(shop, model, cutoff)
    certificate = renew(shop, model, cutoff, why="first version of the replay")
    if not certificate.passed:
        promote(shop, model, number=safe.number, why="first version did not pass its certificate", force=True)
    return certificate


class Comparison:
    """Both arms' stock, the terms they order on, and the demand they face."""

    def __init__(
        self, shop: Shop, known: PastKnown, model: str, *, first: int, last: int, demand: pl.DataFrame | None
    ) -> None:
        self.shop, self.known, self.first = shop, known, first
        self.actual = known.panel(last, periods=last - first + 1)
        self.ids = self.actual.ids
        self.truth = None if demand is None else _wide_demand(demand, self.actual)
        self.policy: Policy = policies.make(shop.config.plan.policy, **dict(shop.config.plan.settings))
        self.usual: Policy = policies.make(shop.config.plan.baseline, **dict(shop.config.plan.baseline_settings))
        self.fallback = shop.model(model).fallback
        self.cheap: Fitted | None = None
        n = len(self.ids)
        self.ours = Arm(name="ours", stock=opening(np.zeros(n), max_lead=1))
        self.baseline = Arm(name="baseline", stock=opening(np.zeros(n), max_lead=1))
        self.stocked = np.zeros(n, dtype=np.bool_)
        self.cost, self.rate, self.order_cost = np.full(n, np.nan), np.zeros(n), np.zeros(n)
        self.price = np.full((n, last - first + 1), np.nan)
        self.listed_price = np.full(n, np.nan)
        self.assumed = False

    def orders_at(self, cutoff: int) -> bool:
        """Whether anything is due at the end of a cutoff."""
        panel = self.known.panel(cutoff, periods=1)
        return bool(due_now(self.shop, positions(self.shop, panel, on_hand=np.zeros(panel.n)), cutoff=cutoff).any())

    def decide(self, told: Forecast, cutoff: int) -> list[OrderLine]:
        """Both arms order what is due at the end of the cutoff; the lines of ours."""
        panel = self.known.panel(cutoff, periods=self.shop.periods(HISTORY_DAYS))
        rows = rows_in(self.ids, panel.ids)
        terms = positions(self.shop, panel, on_hand=np.zeros(panel.n))
        due = due_now(self.shop, terms, cutoff=cutoff)
        if self.stocked[rows].all() and not due.any():
            return []
        usual = self._usual_forecast(panel, terms)
        self._begin(panel, rows, terms, usual)
        self.cost[rows] = np.where(np.isnan(self.cost[rows]), terms.unit_cost, self.cost[rows])
        if not due.any():
            return []
        lines = self._order(self.ours, self.policy, terms, panel, told, rows, due)
        usual = replace(usual, cumulative=told.cumulative)
        self._order(self.baseline, self.usual, terms, panel, usual, rows, due)
        return lines

    def trade(self, period: int, *, told: Forecast) -> None:
        """One period's demand meets both arms."""
        column = period - self.first
        before = self.price[:, column - 1] if column else self.listed_price
        self.price[:, column] = np.where(np.isnan(before), self.listed_price, before)
        today = self.known.panel(period, periods=1)
        rows = rows_in(self.ids, today.ids)
        paid = last_price(today)
        self.price[rows, column] = np.where(np.isnan(paid), self.price[rows, column], paid)
        asked = self._asked(today, rows, column=column, told=told)
        self.ours.trade(asked)
        self.baseline.trade(asked)

    def economics(self) -> Economics:
        """What units were worth; what items do not say is assumed."""
        config = self.shop.config
        return Economics(
            unit_cost=self.cost,
            unit_price=self.price,
            holding_rate_per_year=self.rate,
            order_cost=self.order_cost,
            period_days=self.shop.frequency.days,
            currency=config.currency,
            assumed=self.assumed,
        )

    def _usual_forecast(self, panel: Panel, terms: Position) -> Forecast:
        """The cheap forecast that the baseline orders by; its recipe is fitted once, before the span."""
        if self.cheap is None:
            self.cheap = forecasters.make(self.fallback).fit(panel)
        return self.cheap.predict(panel, horizon=max(1, self.usual.horizon(terms)))

    def _begin(self, panel: Panel, rows: IntArray, terms: Position, usual: Forecast) -> None:
        """Items seen for the first time get the same opening stock in both arms: the baseline's own level."""
        new = ~self.stocked[rows]
        if not new.any():
            return
        level = np.ceil(np.nan_to_num(propose(self.usual, terms, told=usual, panel=panel).level))
        for arm in (self.ours, self.baseline):
            arm.stocked(rows[new], level[new])
        self.stocked[rows[new]] = True
        self.cost[rows[new]] = terms.unit_cost[new]
        self.listed_price[rows[new]] = terms.unit_price[new]
        self.order_cost[rows[new]] = terms.order_cost[new]
        self.rate[rows[new]] = holding_rate(self.shop, panel.ids, cutoff=panel.cutoff)[new]
        self.assumed |= bool(terms.assumed[new].any())

    def _order(
        self, arm: Arm, policy: Policy, terms: Position, panel: Panel, told: Forecast, rows: IntArray, due: BoolArray
    ) -> list[OrderLine]:
        pipeline = arm.stock.pipeline[rows]
        at = replace(terms, on_hand=arm.stock.on_hand[rows], on_order=pipeline.sum(axis=1), arriving=pipeline)
        wanted = propose(policy, at, told=told, panel=panel, seed=self.shop.config.assume.seed)
        wanted = replace(wanted, quantity=np.where(due, wanted.quantity, 0.0))
        wanted = ruled(self.shop, wanted, at, told=told, cutoff=panel.cutoff)
        arm.order(
            wanted, at, rows, lead_periods=drawn_leads(at, cutoff=panel.cutoff, seed=self.shop.config.assume.seed)
        )
        return order_lines(
            at,
            wanted,
            ordered_at=self.shop.day(panel.cutoff + 1),
            frequency=self.shop.frequency,
            currency=self.shop.config.currency,
        )

    def _asked(self, today: Panel, rows: IntArray, *, column: int, told: Forecast) -> UnitsArray:
        """Units asked for, as the period's own record says: a later correction moves no stock of days before it."""
        if self.truth is not None:
            return self.truth[:, column]
        expected, sold = np.zeros(len(self.ids)), np.full(len(self.ids), np.nan)
        expected[rows_in(self.ids, told.ids)] = told.mean[:, 0]
        sold[rows] = today.y[:, 0]
        censored = np.zeros(len(self.ids), dtype=np.bool_)
        censored[rows] = today.censored[:, 0]
        return np.where(censored, np.fmax(sold, expected), sold)


def drawn_leads(at: Position, *, cutoff: int, seed: int) -> IntArray:
    """What deliveries ordered at the end of a period take, shape (n,): a draw of each item's own lead times.

    The draw belongs to the item and the period alone, so that two ways of ordering meet the same lateness.
    """
    told = at.taking
    if told is None or not told.vary.any():
        return at.lead_periods
    luck = np.array([chance(f"{name}/{cutoff}", seed) for name in at.ids])
    column = (np.cumsum(told.shares, axis=1) <= luck[:, None]).sum(axis=1)
    drawn: IntArray = told.periods[np.arange(at.n), np.minimum(column, told.periods.shape[1] - 1)]
    return drawn


def _wide_demand(demand: pl.DataFrame, actual: Panel) -> UnitsArray:
    values = np.zeros(actual.y.shape)
    rows = rows_in(actual.ids, demand["unique_id"].cast(pl.String).to_numpy())
    columns = actual.frequency.index(demand["ds"]) - actual.first
    inside = (rows >= 0) & (columns >= 0) & (columns < actual.length)
    values[rows[inside], columns[inside]] = demand["demand"].cast(pl.Float64).to_numpy()[inside]
    return values
