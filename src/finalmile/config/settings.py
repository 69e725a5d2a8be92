"""Every setting of a project, its default, and why that default."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import time
from typing import Annotated, Literal, cast
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    PrivateAttr,
    model_validator,
)

from finalmile.frames import Frequency

Share = Annotated[float, Field(ge=0, le=1)]
Level = Annotated[float, Field(gt=0, lt=1)]
Settings = Mapping[str, object]


def _readable_frequency(text: str) -> str:
    return text if text == "auto" else str(Frequency.parse(text))


def _readable_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", text):
        raise ValueError("a model's name starts with a letter and goes on with at most 63 letters, digits, - and _")
    return text


def _three_capitals(text: str) -> str:
    if not re.fullmatch("[A-Z]{3}", text):
        raise ValueError("a currency is three capital letters, as in EUR")
    return text


def _ascending(levels: tuple[float, ...]) -> tuple[float, ...]:
    if list(levels) != sorted(set(levels)):
        raise ValueError("quantiles must ascend without repeats")
    return levels


def _shorter_first(days: tuple[float, float]) -> tuple[float, float]:
    if days[0] > days[1]:
        raise ValueError("a range runs from the shorter to the longer, as in [3, 14]")
    return days


def _both_ends(days: object) -> object:
    if isinstance(days, str):
        raise ValueError("write a number of days, or a range such as [3, 14]")  # pydantic tells these
    return (days, days) if isinstance(days, int | float) else days


def _names(given: object) -> object:
    return () if isinstance(given, str) and given.lower() == "none" else given


ModelName = Annotated[str, AfterValidator(_readable_name)]
LeadTime = Annotated[
    tuple[NonNegativeFloat, NonNegativeFloat], BeforeValidator(_both_ends), AfterValidator(_shorter_first)
]


def _named(given: object) -> object:
    if isinstance(given, str):
        return {"name": given}
    if isinstance(given, dict):
        entry = cast("dict[object, object]", given)
        if len(entry) == 1 and "name" not in entry:
            ((name, settings),) = entry.items()
            return {"name": name, "settings": settings or {}}
    return given  # pyright: ignore[reportUnknownVariableType]  # pydantic says what is wrong with it


class Section(BaseModel):
    """What all sections share: unknown names are faults, nothing changes after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _empty_means_defaults(cls, given: object) -> object:
        return {} if given is None else given


class ModelSettings(Section):
    """One model: the recipe it is trained with, and what is asked of it."""

    forecaster: str = "lightgbm"
    """Recipe that ``train`` fits. One global LightGBM model learns from all series, which serves short and
    intermittent histories that a model of their own could not."""
    settings: Settings = {}
    """Settings of the recipe, by name; its own defaults where left out."""
    horizon_days: PositiveFloat = 28
    """How far ahead forecasts reach: review period and lead time of most suppliers fit in four weeks."""
    quantiles: Annotated[tuple[Level, ...], AfterValidator(_ascending)] = (0.05, 0.25, 0.5, 0.75, 0.95, 0.98)
    """Levels forecast per period: a fan to look at, and the service level asked for. Orders use the quantiles of
    demand over the whole window instead."""
    fallback: str = "window_average"
    """Baseline that answers when no trusted version is left: it cannot be wrong in new ways."""
    retrain_every_days: PositiveFloat | None = None
    """Days between retrainings by ``run``; never by default, because a new version needs somebody to want it."""


class Certify(Section):
    """What a version must achieve on data it has not seen before it may be promoted."""

    holdout_days: PositiveFloat = 28
    """Length of the holdout: four of every weekday."""
    baseline: str = "seasonal_naive"
    """Forecaster to beat: last season's value costs nothing to run."""
    min_forecast_value_added: float = 0.0
    """Least improvement of WAPE over the baseline, as a share of the baseline's; 0 asks for no worse."""
    max_abs_bias: NonNegativeFloat = 0.2
    """Largest absolute bias as a share of demand: a fifth too much or too little shows in any warehouse."""
    coverage_level: Level = 0.98
    """Level at which coverage of demand over the window is judged: the service most retailers ask for."""
    coverage_slack: Share = 0.02
    """How far below the level coverage may fall. A version fails where that is 95 % certain: sampling alone moves it by
    a point on a few hundred series, and by ten on a dozen."""


class Monitor(Section):
    """When a change counts as one."""

    arl: Annotated[float, Field(gt=1)] = 3650
    """Mean looks between false alarms, at least: ten years of days."""
    warning_arl: Annotated[float, Field(gt=1)] = 365
    """The same for warnings, which nobody is woken by: one a year."""
    fleet_tolerance: Share = 0.02
    """Rise of the whole fleet's loss that is not worth an alarm however certain it is."""
    product_tolerance: Share = 0.10
    """The same for one product, whose loss is noisier and matters less."""
    fdr: Level = 0.10
    """Largest expected share of listed products in which nothing changed."""
    patience_days: PositiveFloat = 7
    """What false names of products are rationed by: their expected share over days to a name is at most
    ``fdr / patience_days``. Groups, whose alarms are critical, are rationed four times as strictly."""
    wait_days: Annotated[float, Field(ge=0)] = 1
    """Days that a period waits for sales that are late: where fewer than three quarters of the usual rows have come.
    It is judged then as it is; 0 never waits."""
    clean_looks: PositiveInt = 7
    """Looks with data and without a breach before an incident counts as over: one of every weekday."""
    skip: tuple[str, ...] = ()
    """Checks that are left out, by the names that ``finalmile plugins`` lists; none by default."""
    groups: Annotated[tuple[str, ...] | None, BeforeValidator(_names)] = None
    """Attributes of items whose groups are watched, or ``none``; by default those with 2 to 200 values and at
    least eight series in each on average."""
    series: tuple[str, ...] = ()
    """Covariates that are watched in every series by itself, such as a stock count that may stand still in some; none
    by default. A covariate that is changed in many series for good, as prices are, is no use here."""
    fast_lane: tuple[str, ...] = ()
    """Streaming detectors to run on the fleet's loss as well: ``cusum``, ``page_hinkley``, ``adwin``. Nothing is
    promised of how often they are wrong, so they warn and open no incident; none by default."""

    @model_validator(mode="after")
    def _warnings_come_first(self) -> Monitor:
        if self.warning_arl > self.arl:
            raise ValueError("warning_arl must be at most arl: a warning that comes after the alarm warns of nothing")
        return self


class Respond(Section):
    """What may be done about an incident without asking anybody."""

    automatic: Annotated[tuple[str, ...], BeforeValidator(_names)] = (
        *("recalibrate", "rollback", "fallback", "retrain"),
    )
    """Actions that may be taken, or ``none``. Each can be undone by one command, and only what did clearly better on
    recent actuals is chosen."""
    cooldown_days: NonNegativeFloat = 7
    """Days without a second action on the same model: the first needs a week of actuals to show its effect."""
    max_per_week: PositiveInt = 2
    """Most actions in seven days; past them people decide."""
    margin: NonNegativeFloat = 0.02
    """How much lower, as a share, an option's recent loss must be than that of keeping the live version."""
    recent_looks: PositiveInt = 14
    """Looks that options are compared on: two of every weekday."""
    dry_run: bool = False
    """Decide and record, but change nothing."""


class Rule(Section):
    """One rule that stands between a wish and an order."""

    name: str
    """Registered name of the rule."""
    settings: Settings = {}
    """Its settings."""


class Plan(Section):
    """How forecasts become orders."""

    policy: str = "order_up_to"
    """Policy that decides quantities: order up to the quantile of demand until the next order arrives."""
    settings: Settings = Field(default_factory=lambda data: _policy_settings(data))
    """Settings of the policy; by default 98 % cycle service for ``order_up_to`` and the policy's own otherwise."""
    review_period_days: PositiveFloat = 7
    """Days between orders where an item names none: one order a week."""
    rules: tuple[Annotated[Rule, BeforeValidator(_named)], ...] = (
        Rule(name="shelf_life"),
        Rule(name="price_breaks"),
        Rule(name="supplier_minimum"),
    )
    """What orders must keep to beyond MOQ, packs and maximum stock, in this order: names of rules, or ``name:
    {settings}``, such as ``budget: {money: 5000}`` and ``storage: {capacity: {shop_1: 800}}``. By default those that
    only bind where items and suppliers say so."""
    learn_lead_times: bool = True
    """Plan with how long a supplier's deliveries took, late ones too, where enough came; else with what is given."""
    receipts_to_learn: PositiveInt = 30
    """Deliveries of a supplier from which its lead times are learned: fewer hardly tell how late it can be."""
    orders_overtake: bool = True
    """Whether a later order may come before an earlier one, each taking its own time: stock then waits less long than
    single orders do. Set it to false where one late delivery holds up those behind it."""
    count_tolerance: Share = 0.02
    """Difference between a stock count and the books that is not worth a finding, as a share of the units that moved
    since the count before: tills and hands err that much. One unit never is."""
    baseline: str = "normal_order_up_to"
    """Policy that savings are measured against: the textbook's mean plus z standard deviations."""
    baseline_settings: Settings = Field(default_factory=lambda data: _policy_settings(data, name="baseline"))
    """Settings of the baseline; the same 98 % by default, so that the comparison is of methods, not of targets."""


def _policy_settings(data: Mapping[str, object], *, name: str = "policy") -> Settings:
    return {"cycle_service": 0.98} if data.get(name) in {"order_up_to", "normal_order_up_to"} else {}


class Assume(Section):
    """What stands in where items say nothing; every figure that rests on it says *assumed*."""

    unit_cost_share: Share = 0.7
    """Unit cost as a share of price: a gross margin of 30 %, common in grocery."""
    lead_time_days: LeadTime | None = None
    """Lead time: a number, or a range such as ``[3, 14]`` that each item draws its own from. None by default: a
    guessed lead time orders wrong quantities, so ``plan`` asks for one instead."""
    holding_rate_per_year: NonNegativeFloat = 0.25
    """Cost of holding stock for a year as a share of its value: capital, space, shrinkage; textbooks say 0.2 to 0.3."""
    order_cost: NonNegativeFloat = 0
    """Cost of placing one order, in the project's currency."""
    seed: int = 0
    """Start of whatever is drawn; the same seed gives the same figures."""


class Replay(Section):
    """How history is played again."""

    retrain_every_days: PositiveFloat = 28
    """Days between retrainings in a replay."""


class Receiver(Section):
    """One place that alerts go to."""

    name: str
    """Registered name of the notifier."""
    settings: Settings = {}
    """Its settings."""


class Sending(Section):
    """How orders reach a supplier: written in a format, delivered in a way."""

    by: str = "folder"
    """Registered name of the delivery: ``folder`` or ``webhook``."""
    format: str = "generic_csv"
    """Registered name of the format, such as ``x12_850``; its settings stand under ``exports``."""
    settings: Settings = {}
    """Settings of the delivery: ``{folder: outbox}``, ``{url: https://...}``."""
    without_approval: bool = False
    """Send proposals that nobody approved, too: when an order is sent, and at the end of each day's ``run``."""


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _clock_time(given: object) -> object:
    """YAML reads 11:30 as a number of minutes."""
    return f"{given // 60:02}:{given % 60:02}" if isinstance(given, int) and 0 <= given < 24 * 60 else given


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; write one as in Europe/Berlin") from None
    return name


class Supplier(Section):
    """What a supplier asks of an order, and when it takes and delivers orders."""

    order_days: tuple[Weekday, ...] = ()
    """Days of the week on which it takes orders: ``[mon, thu]``. Its items are then reviewed on each of them, or, where
    an item names a review period, on the first one after it. Every day by default. For daily sales."""
    delivery_days: tuple[Weekday, ...] = ()
    """Days of the week on which it delivers: an order comes on the first of them after its lead time. Every day by
    default. For daily sales."""
    cut_off: Annotated[time, BeforeValidator(_clock_time)] | None = None
    """Time of day by which an order must be placed: ``11:30``. Later it is one of the next order day. None by
    default."""
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    """Time zone of the cut-off."""

    order_cost: NonNegativeFloat = 0
    """What an order costs whatever is in it, beside the ``order_cost`` of each line: ``joint_replenishment`` weighs
    it."""
    minimum_money: NonNegativeFloat = 0
    """Least that an order may cost, in the project's currency; 0 for no minimum."""
    minimum_units: NonNegativeFloat = 0
    """Least units of an order, of all items together."""


class Config(Section):
    """Settings of a project. Everything has a default: an empty or missing file is valid.

    Examples
    --------
    >>> config = Config()
    >>> config.models["demand"].forecaster, config.plan.settings["cycle_service"]
    ('lightgbm', 0.98)
    """

    frequency: Annotated[str, AfterValidator(_readable_frequency)] = "auto"
    """Length of a period: ``h``, ``D``, ``W-MON`` to ``W-SUN``, ``M``, or ``auto`` to read it off the sales. Settings
    that end in ``_days`` are converted to whole periods, rounded up."""
    currency: Annotated[str, AfterValidator(_three_capitals)] = "EUR"
    """ISO 4217 code written beside every amount; nothing is converted."""
    country: str | None = None
    """ISO 3166 code whose public holidays forecasters see; none without one."""
    subdivision: str | None = None
    """State or province within the country."""
    gaps: Literal["zero", "unknown"] = "zero"
    """What a period without a row between listing and the newest one means: nothing sold (``zero``, how tills
    export), or nothing known (``unknown``)."""
    models: Annotated[Mapping[ModelName, ModelSettings], Field(min_length=1)] = Field(
        default_factory=lambda: {"demand": ModelSettings()}
    )
    """Models by name."""
    certify: Certify = Certify()
    monitor: Monitor = Monitor()
    respond: Respond = Respond()
    plan: Plan = Plan()
    assume: Assume = Assume()
    replay: Replay = Replay()
    receivers: tuple[Annotated[Receiver, BeforeValidator(_named)], ...] = (Receiver(name="log"),)
    """Who hears of alerts: names of notifiers, or ``name: {settings}``."""
    suppliers: Mapping[str, Supplier] = {}
    """What suppliers ask of orders, by ``supplier_id`` of items: ``Acme: {minimum_money: 200}``."""
    exports: Mapping[str, Settings] = {}
    """Settings of the formats that orders are exported in, by format: ``x12_850: {sender: SHOP}``. Each format's own
    defaults where left out."""
    sending: Mapping[str, Sending] = {}
    """How orders are sent, by supplier, and under ``"*"`` to everybody else: ``Acme: {by: webhook, format: x12_850,
    settings: {url: https://...}}``. By default a CSV file for each order in the project's folder ``outbox``."""

    _lines: Mapping[tuple[str, ...], int] = PrivateAttr(default_factory=dict[tuple[str, ...], int])
    _source: str = PrivateAttr(default="settings")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Config) and self.model_dump() == other.model_dump()

    __hash__ = None  # type: ignore[assignment]  # holds mappings

    @property
    def source(self) -> str:
        """File the settings were read from, as messages name it."""
        return self._source

    def sending_to(self, supplier: str, /) -> Sending:
        """How orders of a supplier are sent."""
        return self.sending.get(supplier) or self.sending.get("*") or Sending()

    def read_from(self, source: str, /, *, lines: Mapping[tuple[str, ...], int]) -> Config:
        """The same settings, remembering the file and the line of each."""
        copy = self.model_copy()
        copy._source, copy._lines = source, lines
        return copy

    def line_of(self, path: Sequence[str]) -> int | None:
        """Line of a setting, else of the closest section around it; ``None`` where the file names neither."""
        return nearest_line(self._lines, path)


def nearest_line(lines: Mapping[tuple[str, ...], int], path: Sequence[str]) -> int | None:
    """Line of the longest beginning of ``path`` that has one."""
    for length in range(len(path), 0, -1):
        line = lines.get(tuple(path[:length]))
        if line is not None:
            return line
    return None
