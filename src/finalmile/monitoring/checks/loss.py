"""The loss check: have forecasts become worse than they were when the version was certified."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from finalmile.frames import IntArray
from finalmile.monitoring.engine import Bets, e_bh
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.loss import told
from finalmile.monitoring.loss.freshness import freshness, judged_in, late
from finalmile.monitoring.loss.harm import harmful
from finalmile.monitoring.loss.learning import Learner
from finalmile.monitoring.loss.levels import follow
from finalmile.monitoring.loss.members import admit, rows_of, wait
from finalmile.monitoring.loss.state import LossLook, LossReference, LossState
from finalmile.monitoring.loss.streams import (
    Normal,
    Totals,
    expected_sales,
    fleet_streams,
    product_streams,
    relative_misses,
    totals,
)
from finalmile.monitoring.registry import checks
from finalmile.records import Finding

_DAYS_KEPT = 120
_SMALL_FLEET = 30


@checks.add("loss")
@dataclass(frozen=True, slots=True, kw_only=True)
class LossCheck:
    """Watches errors of the fleet and of every product, one look after another.

    Three subjects: the fleet's loss (log WAPE), the fleet's bias (log of forecast over sold), and a list of products
    whose |error| or signed error rose after what all products share that day, and what growing sales explain, was
    taken out. Each stream has its
    calendar and persistence removed and feeds a Shiryaev-Roberts e-detector whose null includes the tolerance. An
    alarm lasts until the stream's recent mean is back within the tolerance; then its evidence starts anew.

    Missing looks and products add no evidence; skipped periods and thin looks are findings of their own.

    Parameters
    ----------
    arl
        Mean looks to a false alarm of a fleet stream, however often one looks: ten years of days. It holds
        approximately, because calendar, persistence and normalisers are estimated from the reference.
    warning_arl
        The same for a warning, which opens no incident.
    fleet_tolerance
        Rise of WAPE that is no harm, as a ratio; fleets below 30 products use ``product_tolerance``.
    bias_tolerance
        Shift of forecast over sold that is no harm, as a ratio.
    product_tolerance
        Rise of a product's error that is no harm, as a ratio, and as a share of what products usually miss by.
    fdr, patience
        False names on the list over looks to listing are at most ``fdr / patience``.
    product_arl
        Besides, mean looks to a false name of each product by itself, however large the fleet and however many
        others are listed: the more names there are, the less evidence would do for the next one. Counted in looks at
        which the product has data, and approximate as ``arl`` is.
    join_after
        Looks of its own after which a new product is watched.
    recovery
        Looks that the recent mean goes back, which ends alarms of the fleet; products use twice as many.
    bets, product_bets
        How evidence is gathered.
    """

    arl: float = 3650.0
    warning_arl: float = 365.0
    fleet_tolerance: float = 0.02
    bias_tolerance: float = 0.05
    product_tolerance: float = 0.10
    fdr: float = 0.10
    patience: int = 7
    product_arl: float = 90_000.0
    join_after: int = 28
    recovery: int = 14
    bets: Bets = field(default_factory=Bets)
    product_bets: Bets = field(default_factory=lambda: Bets(standard_errors=2.0))

    def __post_init__(self) -> None:
        if not 1 < self.warning_arl <= self.arl:
            raise ValueError(f"warning_arl {self.warning_arl} must be above 1 and at most arl {self.arl}")
        if not 0 < self.fdr < 1 or min(self.fleet_tolerance, self.bias_tolerance, self.product_tolerance) < 0:
            raise ValueError("fdr must be in (0, 1) and tolerances at least 0")
        if min(self.patience, self.join_after, self.recovery, self.product_arl) < 1:
            raise ValueError("patience, join_after, recovery and product_arl count looks; each must be at least 1")

    def start(self, reference: LossReference) -> LossState:
        """Learn what is normal from the reference; no look has been judged yet.

        Raises
        ------
        MissingInputError
            Fewer than 20 periods of the reference have a product that can be judged.
        """
        rise = self.fleet_tolerance if len(reference.ids) >= _SMALL_FLEET else self.product_tolerance
        learner = Learner(
            fleet_tolerance=rise,
            bias_tolerance=self.bias_tolerance,
            product_tolerance=self.product_tolerance,
            join_after=self.join_after,
            span=2 * self.recovery,
            bets=self.bets,
            product_bets=self.product_bets,
        )
        return learner(reference)

    def update(self, state: LossState, look: LossLook) -> tuple[LossState, list[Finding]]:
        """Judge one more period; gives the new state and what was found, whether breached or not.

        A look without any product to judge only moves the calendar on; one that is not after the last changes
        nothing. Both are said in a finding of the check ``freshness``.
        """
        if look.period <= state.last:
            return state, [late(state, look)]
        judged = judged_in(look)
        fresh = freshness(state, look, judged=judged)
        if not judged:
            return replace(state, last=look.period), [fresh]
        actual = np.where(np.isfinite(look.forecast), look.actual, np.nan).astype(np.float64)[:, None]
        forecast = np.where(np.isfinite(look.actual), look.forecast, np.nan).astype(np.float64)[:, None]
        sums = totals(actual, forecast)
        moved = self._step_fleet(state, look, sums=sums, error=np.abs(forecast - actual)[:, 0])
        moved = self._step_products(moved, look, actual=actual, forecast=forecast, sums=sums)
        return moved, [*self._findings(moved, look), fresh]

    def acknowledge(self, state: LossState, subjects: Sequence[str]) -> LossState:
        """End alarms by hand, for example after the price of a product changed for good; evidence starts anew.

        Subjects are those of the findings: ``"fleet"``, ``"products"`` (all of them) or ``"product <id>"``.
        """
        if "fleet" in subjects:
            state = replace(
                state, fleet=state.fleet.restarted(np.arange(3)), fleet_alarm=np.full(2, -1, dtype=np.int64)
            )
        names = {f"product {name}" for name in state.ids[state.listed >= 0].tolist()}
        named = set(subjects) & names if "products" not in subjects else names
        rows = [row for row, name in enumerate(state.ids.tolist()) if f"product {name}" in named]
        return _unlisted(state, np.array(rows, dtype=np.int64))

    def resume(self, state: LossState, *, last: int) -> LossState:
        """The state of a version that was not live up to and including period ``last``: what it missed is no finding.

        For the first look of a version, and for one that returns after another was live. Its alarms end and its
        evidence starts anew; what is normal stays as it was. A state that is not behind ``last`` is given back as is.
        """
        if last <= state.last:
            return state
        awake = state.seen + (last - state.last)
        fresh = self.acknowledge(state, ["fleet", "products"])
        products = fresh.products.restarted(fresh.channels.ravel())
        everyone = np.arange(len(state.ids), dtype=np.int64)
        spread, counts = fresh.spread.restarted(everyone), fresh.counts.restarted(everyone)
        return replace(fresh, last=last, seen=awake, products=products, spread=spread, counts=counts)

    def _step_fleet(self, state: LossState, look: LossLook, *, sums: Totals, error: Doubles) -> LossState:
        streams = fleet_streams(sums, state.scale)[:, 0]
        fleet = state.fleet.step(look.period, streams, span=self.recovery, calendar=look.calendar)
        price = np.nan if look.value_per_unit is None else float(np.nansum(error * look.value_per_unit))
        day = [look.period, float(sums.error[0]), float(sums.actual[0]), float(sums.forecast[0]), price]
        groups = [np.array([0]), np.array([1, 2])]
        calm = np.array([fleet.recent[0] <= self._rise(state), abs(fleet.recent[1]) <= math.log1p(self.bias_tolerance)])
        ended = (state.fleet_alarm >= 0) & calm
        for group in (channels for channels, over in zip(groups, ended, strict=True) if over):
            fleet = fleet.restarted(group)
        log_e = np.array([fleet.evidence(group[None, :])[0] for group in groups])
        leading = [int(group[np.argmax(fleet.evidence(group[:, None]))]) for group in groups]
        alarm = np.where(ended, -1, state.fleet_alarm)
        over = (alarm < 0) & (log_e >= math.log(self.arl))
        return replace(
            state,
            fleet=fleet,
            fleet_alarm=np.where(over, fleet.since[leading], alarm).astype(np.int64),
            bias_channel=leading[1] if over[1] else state.bias_channel,
            days=np.vstack([state.days, day])[-_DAYS_KEPT:],
            last=look.period,
        )

    def _rise(self, state: LossState) -> float:
        small = len(state.ids) + len(state.waiting.ids) < _SMALL_FLEET
        return math.log1p(self.product_tolerance if small else self.fleet_tolerance)

    def _step_products(
        self, state: LossState, look: LossLook, *, actual: Doubles, forecast: Doubles, sums: Totals
    ) -> LossState:
        rows = rows_of(state.ids, look.ids)
        known = rows >= 0
        normal = np.full((len(rows), 4), np.nan)
        normal[known] = np.column_stack([state.mae, state.bias, state.widening, state.base])[rows[known]]
        mae, bias, widening, base = np.split(normal, 4, axis=1)
        errors, signed = product_streams(
            actual, forecast, Normal(mae=mae, bias=bias, widening=widening), sums=sums, scale=state.scale
        )
        misses = relative_misses(actual, forecast, base=base, sums=sums, scale=state.scale)
        expected = expected_sales(forecast, sums=sums, scale=state.scale)
        values = np.full((len(state.ids), 5), np.nan)
        values[rows[known]] = np.hstack([errors, signed, actual, misses, expected])[known]
        moved = replace(
            state,
            products=state.products.step(look.period, values[:, :2].ravel(), span=2 * self.recovery),
            spread=state.spread.step(look.period, values[:, 3], pooled=state.scale.pooled),
            counts=state.counts.step(look.period, values[:, 2], values[:, 4], pooled=state.scale.pooled),
            level=follow(state.level, values[:, 2], span=2 * self.recovery),
            seen=np.where(np.isfinite(values[:, 0]), look.period, state.seen),
            waiting=wait(state.waiting, look.ids[~known], actual[~known, 0], forecast[~known, 0]),
        )
        return admit(self._list(moved), tolerance=self.product_tolerance)

    def _list(self, state: LossState) -> LossState:
        recent = state.products.recent.reshape(-1, 2)
        calm = (recent[:, 0] <= self.product_tolerance) & (np.abs(recent[:, 1]) <= 2 * self.product_tolerance)
        state = _unlisted(state, np.flatnonzero((state.listed >= 0) & calm))
        if not len(state.ids):
            return state
        log_e = np.where(harmful(state, tolerance=self.product_tolerance), state.evidence, -np.inf)
        alone = state.own_evidence >= math.log(self.product_arl)
        named = e_bh(log_e, alpha=self.fdr, patience=self.patience) & alone
        return replace(state, listed=np.where(named & (state.listed < 0), state.last, state.listed))

    def _findings(self, state: LossState, look: LossLook) -> list[Finding]:
        thresholds = told.Thresholds(alarm=math.log(self.arl), warning=math.log(self.warning_arl))
        return [
            told.fleet_loss(state, thresholds=thresholds),
            told.fleet_bias(state, thresholds=thresholds),
            *told.products(
                state,
                active=len(state.ids),
                fdr=self.fdr,
                patience=self.patience,
                ids=look.ids,
                value_per_unit=look.value_per_unit,
            ),
        ]


def _unlisted(state: LossState, rows: IntArray) -> LossState:
    if not len(rows):
        return state
    listed = state.listed.copy()
    listed[rows] = -1
    return replace(
        state,
        listed=listed,
        products=state.products.restarted(state.channels[rows].ravel()),
        spread=state.spread.restarted(rows),
        counts=state.counts.restarted(rows),
    )
