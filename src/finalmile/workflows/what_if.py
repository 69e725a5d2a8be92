"""What if: service and stock of one product on other terms, and of all products at other service levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from finalmile.config import Config
from finalmile.errors import ConfigError, UnknownNameError
from finalmile.frames import IntArray
from finalmile.inventory import Position
from finalmile.simulation import Totals, run, search
from finalmile.workflows.last_year import LastYear, last_year
from finalmile.workflows.outcomes import FUTURES, Frontier, Outcome, WhatIf
from finalmile.workflows.promised import promised
from finalmile.workflows.replay import HISTORY_DAYS
from finalmile.workflows.shop import Shop, known_cutoff
from finalmile.workflows.terms import positions

YEAR_DAYS = 364
BLOCK_DAYS = 28
LEVELS = 24
_UNPROMISED = {"cycle_service": 0.98}
_MOST_DAYS, _MOST_UNITS = 1_000, 1_000_000_000
_NEVER_ZERO = ("review_period_days", "pack_size")
SERVICES = (0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995)


def what_if(
    shop: Shop,
    unique_id: str,
    *,
    cycle_service: float | None = None,
    fill_rate: float | None = None,
    lead_time_days: float | None = None,
    review_period_days: float | None = None,
    moq: float | None = None,
    pack_size: float | None = None,
) -> WhatIf:
    """Service, stock and orders of a product now and on other terms; what is not given stays.

    Levels are chosen by simulation with lost sales to reach the service asked for, and judged on other futures. Lead
    times vary as the supplier's do, unless one is given: then they are certain.

    Raises
    ------
    UnknownNameError
        If no product of this id has sales.
    ConfigError
        With every value that cannot be: a service outside of 0 to 1, two of them, a time below 0, a pack of nothing.
    """
    terms = _check_terms(
        lead_time_days=lead_time_days, review_period_days=review_period_days, moq=moq, pack_size=pack_size
    )
    _refuse([*_check_services(cycle_service=cycle_service, fill_rate=fill_rate), *terms])
    year = _year_of(shop, unique_id)
    promise = promised(shop.config)
    present = promise or _UNPROMISED
    lead = None if lead_time_days is None else int(np.ceil(lead_time_days / shop.frequency.days - 1e-9))
    review = None if review_period_days is None else max(1, int(np.ceil(review_period_days / shop.frequency.days)))
    changed = replace(year, at=_on_terms(year.at, lead=lead, review=review, moq=moq, pack_size=pack_size))
    asked = _asked(cycle_service=cycle_service, fill_rate=fill_rate) or present
    span = _Span(shop, longest=max(year.longest, changed.longest))
    return WhatIf(
        unique_id=unique_id,
        now=span.one(year, present),
        then=span.one(changed, asked),
        currency=shop.config.currency,
        assumed=bool(year.at.assumed[0]),
        note="" if promise else _no_promise(shop.config),
    )


def frontier(shop: Shop, *, services: Sequence[float] = SERVICES, threads: int = 1) -> Frontier:
    """Service and stock of all products together at each cycle service level, in ascending order.

    Products without costs count in units and make the value unknown. The figures do not depend on ``threads``.
    """
    _refuse([fault for service in services for fault in _check_services(cycle_service=service)])
    asked = sorted(set(services))
    cutoff = known_cutoff(shop, None)
    panel = shop.known.panel(cutoff, periods=shop.periods(HISTORY_DAYS))
    year = last_year(panel, positions(shop, panel, on_hand=np.zeros(panel.n)))
    span = _Span(shop, longest=year.longest)
    levels = year.levels([0.5, *asked])
    totals = span.run(
        year, levels[:, 1:], scenarios=1, seed=shop.config.assume.seed, on_hand=levels[:, 0], threads=threads
    )
    points = tuple(
        span.outcome(year, totals.at(np.full(panel.n, k)), {"cycle_service": service}, level=None)
        for k, service in enumerate(asked)
    )
    return Frontier(
        points=points,
        items=panel.n,
        currency=shop.config.currency,
        assumed=bool(year.at.assumed.any()),
        present=_nearest(points, promised(shop.config)),
    )


class _Span:
    """The periods that are simulated: long enough to settle, then a year that counts."""

    def __init__(self, shop: Shop, *, longest: int) -> None:
        self.shop = shop
        self.settle, self.year = 2 * longest, shop.periods(YEAR_DAYS)
        self.block = shop.periods(BLOCK_DAYS)

    def run(
        self,
        year: LastYear,
        levels: IntArray,
        *,
        scenarios: int,
        seed: int,
        on_hand: IntArray | None = None,
        threads: int = 1,
    ) -> Totals:
        """What becomes of every product at every level."""
        scene = year.scene(
            periods=self.settle + self.year, scenarios=scenarios, block=self.block, seed=seed, on_hand=on_hand
        )
        return run(scene, year.rule(levels), warm_up=self.settle, threads=threads)

    def one(self, year: LastYear, asked: Mapping[str, float]) -> Outcome:
        """One product at the smallest level that reaches the service asked for."""
        ((which, target),) = asked.items()
        seed = self.shop.config.assume.seed
        level = self._level(year, which, target, seed=seed + 1)
        totals = self.run(year, np.array([level]), scenarios=FUTURES, seed=seed)
        days = self.shop.frequency.days
        took = year.at.taking
        varies = took is not None and bool(took.vary[0])
        terms = {
            **asked,
            "lead_time_days": float((took.mean if took is not None and varies else year.at.lead_periods)[0] * days),
            **({"lead_time_days_sd": float(took.sd[0] * days)} if took is not None and varies else {}),
            "review_period_days": float(year.at.review_periods[0] * days),
            "moq": float(year.at.moq[0]),
            "pack_size": float(year.at.pack_size[0]),
        }
        return self.outcome(year, totals, terms, level=level)

    def outcome(self, year: LastYear, totals: Totals, terms: Mapping[str, float], *, level: int | None) -> Outcome:
        """Sums over products as means of a year."""
        a_year = self.year / max(totals.counted, 1)
        stock = totals.mean_on_hand[:, 0]
        value = float((stock * year.at.unit_cost).sum())
        demand, cycles = int(totals.demand.sum()), int(totals.cycles.sum())
        return Outcome(
            terms=terms,
            order_up_to=level,
            fill_rate=1.0 - int(totals.unmet.sum()) / demand if demand else 1.0,
            cycle_service=1.0 - int(totals.cycles_short.sum()) / cycles if cycles else float(not totals.unmet.any()),
            stock_units=float(stock.sum()),
            stock_value=value if np.isfinite(value) else None,
            lost_units=int(totals.unmet.sum()) * a_year,
            orders=int(totals.orders.sum()) * a_year,
        )

    def _level(self, year: LastYear, which: str, target: float, *, seed: int) -> int:
        """First a coarse look over all levels, then every level around the one found."""
        scene = year.scene(periods=self.settle + self.year, scenarios=FUTURES, block=self.block, seed=seed)
        low, high = 0, 2 * int(year.level(cycle_service=1.0 - 1e-9)[0]) + 1
        while True:
            levels = np.unique(np.linspace(low, high, LEVELS).astype(np.int64))
            found = search(
                scene,
                year.rule(levels[None, :]),
                target=target,
                which="fill_rate" if which == "fill_rate" else "cycle_service",
                warm_up=self.settle,
            )
            at = int(found.choice[0])
            if high - low < LEVELS:
                return int(levels[at])
            low, high = int(levels[max(at - 1, 0)]), int(levels[min(at + 1, len(levels) - 1)])


def _year_of(shop: Shop, unique_id: str) -> LastYear:
    cutoff, periods = known_cutoff(shop, None), shop.periods(HISTORY_DAYS)
    mine = shop.known.one(unique_id, cutoff, periods=periods)
    if not mine.n:
        everyone = shop.known.panel(cutoff, periods=periods)
        raise UnknownNameError("product", unique_id, [str(name) for name in everyone.ids])
    return last_year(mine, positions(shop, mine, on_hand=np.zeros(1)))


def _no_promise(config: Config) -> str:
    ((name, share),) = _UNPROMISED.items()
    return (
        f"{config.plan.policy} promises no service, so both are at {share:.0%} {name.replace('_', ' ')} where nothing "
        "else is asked"
    )


def _asked(**services: float | None) -> Mapping[str, float]:
    return {name: share for name, share in services.items() if share is not None}


def _nearest(points: Sequence[Outcome], promise: Mapping[str, float]) -> float | None:
    """Cycle service asked of the point that comes nearest to what plans promise."""
    if "fill_rate" in promise:
        return min(points, key=lambda one: abs(one.fill_rate - promise["fill_rate"])).terms["cycle_service"]
    return promise.get("cycle_service")


def _on_terms(
    at: Position, *, lead: int | None, review: int | None, moq: float | None, pack_size: float | None
) -> Position:
    return replace(
        at,
        lead_periods=at.lead_periods if lead is None else np.array([lead]),
        lead_times=at.lead_times if lead is None else None,
        deliveries=at.deliveries if lead is None else None,
        review_periods=at.review_periods if review is None else np.array([review]),
        moq=at.moq if moq is None else np.array([float(moq)]),
        pack_size=at.pack_size if pack_size is None else np.array([float(pack_size)]),
    )


def _check_services(**services: float | None) -> list[str]:
    told = {name: share for name, share in services.items() if share is not None}
    both = "give a cycle service or a fill rate, not both: they are different promises"
    return [
        *([both] if len(told) > 1 else []),
        *(
            f"{name} is {share:g}; it must lie between 0 and 1, such as 0.98"
            for name, share in told.items()
            if not 0 < share < 1
        ),
    ]


def _check_terms(**terms: float | None) -> list[str]:
    faults: list[str] = []
    for name, value in terms.items():
        most = _MOST_DAYS if name.endswith("_days") else _MOST_UNITS
        least = "above 0" if name in _NEVER_ZERO else "at least 0"
        if value is not None and not (0 <= value <= most and (value > 0 or name not in _NEVER_ZERO)):
            faults.append(f"{name} is {value:g}; it must be {least} and at most {most:,}")
    return faults


def _refuse(faults: Sequence[str]) -> None:
    if faults:
        raise ConfigError("what if", faults)
