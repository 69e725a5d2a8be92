"""View models: what the pages show, already computed; frames, records and plain numbers only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal

import polars as pl

from finalmile.records import Estimate, Incident

EventKind = Literal["deployment", "alarm", "action", "note"]
Grade = Literal["A", "B", "C", "D"]
Which = Literal["fill rate", "cycle service"]

GRADES: Mapping[str, str] = {
    "A": "randomised comparison",
    "B": "paired replay of the baseline on the same demand",
    "C": "before and after",
    "D": "estimate",
}
UNKNOWN = Estimate(value=None, why="not measured yet")


def moment(at: date | datetime) -> datetime:
    """A day or an instant as something that sorts among both: naive, a day at its midnight, an instant in UTC.

    Examples
    --------
    >>> moment(date(2026, 3, 1)) < moment(datetime(2026, 3, 1, 4))
    True
    """
    if not isinstance(at, datetime):
        return datetime(at.year, at.month, at.day)
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at a time, drawn as a marker and told as a line of the story."""

    at: date | datetime
    kind: EventKind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceView:
    """Whether the shop is at the service that was asked for.

    Parameters
    ----------
    fill_rate, cycle_service
        Shares in [0, 1] with their intervals.
    target
        Share in [0, 1] aimed at.
    which
        Which of the two the target is about.
    trend
        ``ds, hit, of``: per period, what was served of what was wanted (units for a fill rate, order cycles for
        cycle service), optional ``baseline_hit, baseline_of``. Periods with ``of`` = 0 say nothing.
    """

    target: float = 0.98
    which: Which = "fill rate"
    fill_rate: Estimate = UNKNOWN
    cycle_service: Estimate = UNKNOWN
    trend: pl.DataFrame = field(default_factory=pl.DataFrame)

    @property
    def asked(self) -> Estimate:
        """The measure that the target is about."""
        return self.fill_rate if self.which == "fill rate" else self.cycle_service

    @property
    def verdict(self) -> Literal["met", "missed", "too close to call", "unknown"]:
        """Whether the target lies below, above or inside the interval; without one, the value decides."""
        told = self.asked
        if told.value is None:
            return "unknown"
        if told.low is not None and told.high is not None and told.low < self.target <= told.high:
            return "too close to call"
        return "met" if told.value >= self.target else "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyView:
    """Money against a named baseline: a saving without one is not shown.

    Parameters
    ----------
    saving
        Total over the span, with its interval, in the currency of the page.
    baseline
        What it is compared with; ``None`` where there is no baseline.
    grade
        Kind of evidence: A randomised, B paired replay, C before and after, D estimate.
    trend
        ``ds, saving``: the paired difference of each period.
    """

    saving: Estimate = UNKNOWN
    baseline: str | None = None
    grade: Grade | None = None
    trend: pl.DataFrame = field(default_factory=pl.DataFrame)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Something a person has to decide today.

    Parameters
    ----------
    what, why
        The decision in a few words, and one sentence of reasons.
    money
        Money at stake, in ``unit``; ``None`` where nobody knows. Decisions are ranked by it.
    unique_id
        The product it is about, for a link to its page.
    address
        The page on which it is decided.
    """

    what: str
    why: str
    money: float | None = None
    unit: str = "a day"
    unique_id: str | None = None
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthView:
    """Whether the model behind the orders is healthy.

    Parameters
    ----------
    version, kind, since
        What is live, what it is made of, and since when; ``None`` before the first promotion.
    certified
        Verdict of its certificate; ``None`` without one.
    reasons
        Why the certificate did not pass.
    incidents
        The open ones.
    loss
        ``ds, loss`` of the fleet, optional ``benchmark``.
    loss_name
        Which loss, for example ``"WAPE"``.
    """

    version: str | None = None
    kind: str = ""
    since: date | datetime | None = None
    certified: bool | None = None
    reasons: tuple[str, ...] = ()
    incidents: tuple[Incident, ...] = ()
    loss: pl.DataFrame = field(default_factory=pl.DataFrame)
    loss_name: str = "WAPE"

    @property
    def healthy(self) -> bool | None:
        """Live, certified and without an open incident above information; ``None`` where nothing is live."""
        if self.version is None:
            return None
        return self.certified is True and all(incident.severity == "info" for incident in self.incidents)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """One figure with its definition; ``unit`` is ``"%"`` for a share, ``"money"``, or a word."""

    name: str
    value: Estimate
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Everything the first page shows.

    Parameters
    ----------
    name
        What the project is called.
    as_of
        Last period whose sales are known.
    assumed
        What the money figures assume, for example ``"unit cost = 0.7 x price"``; empty where nothing is.
    orders
        Lines of today: ``order_id, supplier, unique_id, quantity``, optional ``unit_cost, due, state, reason``.
    products
        ``unique_id`` and any of ``category, on_hand, on_order, forecast, days_of_supply, order, money_at_risk``.
    events
        Deployments, alarms and actions, drawn into the figures and told as the story.
    stock
        ``ds, value`` of the inventory at cost, optional ``baseline``.
    """

    name: str
    as_of: date | datetime | None = None
    currency: str = "EUR"
    assumed: str = ""
    service: ServiceView = field(default_factory=ServiceView)
    money: MoneyView = field(default_factory=MoneyView)
    needs: tuple[Need, ...] = ()
    health: HealthView = field(default_factory=HealthView)
    orders: pl.DataFrame = field(default_factory=pl.DataFrame)
    products: pl.DataFrame = field(default_factory=pl.DataFrame)
    stock: pl.DataFrame = field(default_factory=pl.DataFrame)
    kpis: tuple[Kpi, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def story(self) -> tuple[Event, ...]:
        """Events, newest first."""
        return tuple(sorted(self.events, key=lambda event: moment(event.at), reverse=True))

    @property
    def ranked_needs(self) -> tuple[Need, ...]:
        """Decisions, most money first; those of unknown money last."""
        return tuple(sorted(self.needs, key=lambda need: -(need.money if need.money is not None else -1e300)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """Everything the page of one product shows, on one axis of time.

    Parameters
    ----------
    facts
        Name to value: category, supplier, lead time and the like.
    history
        ``ds, y``, optional ``lost, censored, on_hand, price, promo``.
    forecast
        ``ds, mean`` and quantile columns ``q0.05`` ... ``q0.98``, made at ``cutoff``.
    orders
        ``ordered_at, quantity``, optional ``due, received_at, state``.
    sentence, steps
        Why the last order has its quantity, and every number and step of it.
    """

    unique_id: str
    as_of: date | datetime
    currency: str = "EUR"
    assumed: str = ""
    cutoff: date | datetime | None = None
    facts: Mapping[str, object] = field(default_factory=dict[str, object])
    history: pl.DataFrame = field(default_factory=pl.DataFrame)
    forecast: pl.DataFrame = field(default_factory=pl.DataFrame)
    orders: pl.DataFrame = field(default_factory=pl.DataFrame)
    sentence: str = ""
    steps: tuple[str, ...] = ()
    kpis: tuple[Kpi, ...] = ()
    events: tuple[Event, ...] = ()
