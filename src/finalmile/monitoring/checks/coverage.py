"""The coverage check: do quantiles still hold as often as was certified."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.monitoring.engine import Bets
from finalmile.monitoring.engine.alarmed import LEAST_LOOKS, Alarmed, at_least
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.loss.coverage_state import CoverageLook, CoverageReference, CoverageState, shares
from finalmile.monitoring.loss.members import rows_of
from finalmile.monitoring.registry import checks
from finalmile.records import Finding


@checks.add("coverage")
@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageCheck:
    """Watches the share of outcomes at or below each quantile, by volume class, and the quantiles' pinball loss.

    Outcomes of one day come in clusters: a warm Saturday makes hundreds of products sell out of their quantile at
    once, and a binomial test of them would alarm at once too. So the share of the day is the sample: a stream whose
    calendar and persistence are taken out, held against the certified share. Falling shares (stock-outs to come) and
    rising ones (too much stock) both count. The finding asks for ``recalibrate``, which mends quantiles in seconds
    and leaves the mean alone. Lead-time windows that overlap say the same thing several times: give a look only
    windows that do not overlap those of the look before, and NaN or nothing in between.

    Parameters
    ----------
    arl
        Mean looks to a false alarm of one kind of quantile, approximately: persistence and normalisers are estimated.
    tolerance
        Difference of the share from the certified one that is no harm, in points of 1.
    pinball_tolerance
        Rise of the pinball loss that is no harm, as a ratio.
    recovery
        Looks that the recent mean goes back, which ends an alarm.
    """

    arl: float = 3650.0
    tolerance: float = 0.02
    pinball_tolerance: float = 0.05
    recovery: int = 14
    bets: Bets = field(default_factory=lambda: Bets(standard_errors=2.0))

    def __post_init__(self) -> None:
        if self.arl <= 1 or min(self.tolerance, self.pinball_tolerance) < 0 or self.recovery < 1:
            raise ValueError("arl must be above 1, tolerances at least 0 and recovery at least 1")

    def start(self, reference: CoverageReference) -> CoverageState:
        """Learn how shares scatter.

        Raises
        ------
        MissingInputError
            No kind of quantile was judged in 20 looks.
        """
        share = shares(reference.held, reference.n)
        if not (np.isfinite(share).sum(axis=1) >= LEAST_LOOKS).any():
            raise MissingInputError(
                f"coverage needs outcomes of quantiles in {LEAST_LOOKS} periods before a version goes live; certify "
                "on a longer holdout, or with quantiles"
            )
        usual = reference.pinball.sum(axis=1) / np.maximum(reference.n.sum(axis=1), 1.0)
        usual = np.maximum(usual, 1e-9)
        count = len(reference.kinds)
        return CoverageState(
            share=self._watched(
                share, reference, tolerance=self.tolerance, sides=2, anchor=reference.certified, least_sd=0.0025
            ),
            pinball=self._watched(
                _log_pinball(reference.pinball, reference.n, usual),
                reference,
                tolerance=math.log1p(self.pinball_tolerance),
                sides=1,
                anchor=None,
                least_sd=0.01,
            ),
            kinds=reference.kinds,
            certified=reference.certified,
            usual=usual,
            held=np.zeros(count),
            n=np.zeros(count),
        )

    def _watched(
        self,
        streams: Doubles,
        reference: CoverageReference,
        *,
        tolerance: float,
        sides: int,
        anchor: Doubles | None,
        least_sd: float,
    ) -> Alarmed:
        return Alarmed.start(
            streams,
            first=reference.first,
            frequency=reference.frequency,
            tolerance=np.full(len(streams), tolerance),
            sides=sides,
            bets=self.bets,
            calendar=reference.calendar,
            anchor=anchor,
            least_sd=least_sd,
        )

    def update(self, state: CoverageState, look: CoverageLook) -> tuple[CoverageState, list[Finding]]:
        """Judge one more period; a look that is not after the last changes nothing."""
        if look.period <= state.share.last:
            return state, []
        held, n, pinball = (_placed(state, look, one) for one in (look.held, look.n, look.pinball))
        rule = at_least(math.log(self.arl))
        share = state.share.step(look.period, shares(held, n), rule=rule, span=self.recovery, calendar=look.calendar)
        loss = state.pinball.step(
            look.period,
            _log_pinball(pinball[:, None], n[:, None], state.usual)[:, 0],
            rule=rule,
            span=self.recovery,
            calendar=look.calendar,
        )
        fresh = share.looks <= 1
        moved = replace(
            state,
            share=share,
            pinball=loss,
            held=np.where(fresh, 0.0, state.held) + np.nan_to_num(held),
            n=np.where(fresh, 0.0, state.n) + np.nan_to_num(n),
        )
        return moved, [self._finding(moved, row) for row in range(len(state.kinds))]

    def acknowledge(self, state: CoverageState, subjects: Sequence[str]) -> CoverageState:
        """End alarms by hand, for example after a recalibration; subjects are those of the findings."""
        rows = np.flatnonzero(np.isin(state.kinds.astype(str), list(subjects)))
        return replace(
            state,
            share=state.share.restarted(rows, at=state.share.last),
            pinball=state.pinball.restarted(rows, at=state.share.last),
        )

    def resume(self, state: CoverageState, *, last: int) -> CoverageState:
        """The state of a version that was not live up to and including period ``last``: evidence starts anew."""
        if last <= state.share.last:
            return state
        return replace(state, share=state.share.resumed(last), pinball=state.pinball.resumed(last))

    def _finding(self, state: CoverageState, row: int) -> Finding:
        share, loss = state.share, state.pinball
        frequency = share.watch.residuals.frequency
        off, worse = bool(share.alarm[row] >= 0), bool(loss.alarm[row] >= 0)
        told = loss if worse and not off else share
        n, certified = float(state.n[row]), float(state.certified[row])
        value = float(state.held[row]) / n if n else None
        log_e = float(told.log_evidence[row])
        since = frequency.start_of(int(told.since[row]))
        breached = off or worse
        return Finding(
            check="coverage",
            subject=str(state.kinds[row]),
            at=frequency.start_of(share.last),
            value=value if share.learned[row] else None,
            benchmark=certified,
            effect=float(share.effect[row]) / certified,
            unit="share at or below the quantile",
            log_evidence=log_e if math.isfinite(log_e) else None,
            threshold=math.log(self.arl),
            n=int(n),
            since=since,
            breached=breached,
            severity="critical" if breached else "info" if share.learned[row] else "warning",
            why=_why(state, row, value=value, off=off, worse=worse, since=str(since)),
        )


def _why(state: CoverageState, row: int, *, value: float | None, off: bool, worse: bool, since: str) -> str:
    kind, certified = str(state.kinds[row]), float(state.certified[row])
    if not state.share.learned[row]:
        return (
            f"{kind[0].upper()}{kind[1:]} was judged in fewer than {LEAST_LOOKS} periods before the version went live; "
            "certify on a longer holdout."
        )
    now = certified + float(state.share.effect[row])
    if off:
        harm = "products run out more often than planned" if now < certified else "more is stocked than planned"
        told = f"Since {since} {kind} holds in {now:.1%} of cases where {certified:.1%} was certified"
        return f"{told}: {harm}; recalibrate."
    if worse:
        rise = math.expm1(min(float(state.pinball.effect[row]), 27.0))
        return f"Since {since} the pinball loss of {kind} is {rise:.0%} larger than it was; recalibrate."
    if value is None:
        return f"Nothing has come true yet that {kind} could be held against."
    return f"{kind[0].upper()}{kind[1:]} holds in {value:.1%} of cases; {certified:.1%} was certified."


def _placed(state: CoverageState, look: CoverageLook, values: Doubles) -> Doubles:
    """Values of a look in the state's order of kinds; NaN where the look has none."""
    rows = rows_of(look.kinds, state.kinds)
    return np.where(rows >= 0, np.append(values, np.nan)[rows], np.nan)


def _log_pinball(total: Doubles, n: Doubles, usual: Doubles) -> Doubles:
    """Log of the mean pinball loss over the usual one, 5 % of it added on both sides, shape (s, T)."""
    mean = shares(total, n) / usual[:, None]
    loss: Doubles = np.log((np.maximum(mean, 0.0) + 0.05) / 1.05)
    return loss
