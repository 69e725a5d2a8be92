"""The check of forecast value added: is the model still better than a simple recipe."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.monitoring import packing
from finalmile.monitoring.engine import Bets
from finalmile.monitoring.engine.alarmed import LEAST_LOOKS, Alarmed, at_least
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.loss.levels import follow
from finalmile.monitoring.loss.paired import PairedLook, PairedReference, log_ratio, smoothing_of
from finalmile.monitoring.registry import checks
from finalmile.records import Finding

_LAYOUT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FvaState:
    """Everything the check remembers.

    Parameters
    ----------
    streams
        One: log of the model's loss over the baseline's, held against zero.
    more
        Units added to both losses.
    recent : array of shape (2,)
        Exponentially weighted means of the model's and the baseline's loss.
    """

    streams: Alarmed
    more: float
    recent: Doubles

    def to_bytes(self) -> bytes:
        """Everything, as a versioned ``npz`` without pickle."""
        return packing.to_bytes(self, version=_LAYOUT)

    @classmethod
    def from_bytes(cls, blob: bytes) -> FvaState:
        """The inverse of :meth:`to_bytes`; ``CorruptError`` for anything else."""
        return packing.from_bytes(cls, blob, version=_LAYOUT)


@checks.add("fva")
@dataclass(frozen=True, slots=True, kw_only=True)
class FvaCheck:
    r"""Watches whether the model's loss has become larger than that of the baseline on the same series and periods.

    .. math:: \mathrm{FVA} = 1 - \sum |e_{model}| / \sum |e_{baseline}|

    The null is "no worse than the baseline", whatever the gain was before: a model that gains less than it did, and
    still gains, raises nothing here (the loss check and ``concept_drift`` may).

    Parameters
    ----------
    arl
        Mean looks to a false alarm, approximately: persistence and normalisers are estimated from the reference.
    tolerance
        Loss beyond the baseline's that is no harm, as a ratio.
    recovery
        Looks that the recent mean goes back, which ends an alarm, and over which the value is told.

    References
    ----------
    Gilliland (2010), The Business Forecasting Deal, on forecast value added.
    """

    arl: float = 3650.0
    tolerance: float = 0.0
    recovery: int = 28
    bets: Bets = field(default_factory=Bets)

    def __post_init__(self) -> None:
        if self.arl <= 1 or self.tolerance < 0 or self.recovery < 1:
            raise ValueError("arl must be above 1, tolerance at least 0 and recovery at least 1")

    def start(self, reference: PairedReference) -> FvaState:
        """Learn how the comparison scatters.

        Raises
        ------
        MissingInputError
            Fewer than 20 looks have losses of both.
        """
        more = smoothing_of(reference.baseline)
        stream = log_ratio(reference.live, reference.baseline, more=more)
        looks = int(np.isfinite(stream).sum())
        if looks < LEAST_LOOKS:
            raise MissingInputError(
                f"forecast value added needs losses of model and baseline in {LEAST_LOOKS} periods before a version "
                f"goes live, here are {looks}; certify on a longer holdout"
            )
        streams = Alarmed.start(
            stream[None, :],
            first=reference.first,
            frequency=reference.frequency,
            tolerance=np.log1p([self.tolerance]),
            sides=1,
            bets=self.bets,
            calendar=reference.calendar,
            least_sd=0.005,
            anchor=np.zeros(1),
        )
        known = np.isfinite(stream)
        recent = np.array([reference.live[known].mean(), reference.baseline[known].mean()], dtype=np.float64)
        return FvaState(streams=streams, more=more, recent=recent)

    def update(self, state: FvaState, look: PairedLook) -> tuple[FvaState, list[Finding]]:
        """Judge one more period; a look that is not after the last changes nothing."""
        if look.period <= state.streams.last:
            return state, []
        value = log_ratio(np.array([look.live]), np.array([look.baseline]), more=state.more)
        streams = state.streams.step(
            look.period, value, rule=at_least(math.log(self.arl)), span=self.recovery, calendar=look.calendar
        )
        both = np.where(np.isfinite(value), np.array([look.live, look.baseline]), np.nan)
        moved = replace(state, streams=streams, recent=follow(state.recent, both, span=self.recovery))
        return moved, [self._finding(moved, judged=bool(np.isfinite(value[0])))]

    def acknowledge(self, state: FvaState) -> FvaState:
        """End the alarm by hand; evidence starts anew."""
        return replace(state, streams=state.streams.restarted(np.zeros(1, dtype=np.int64), at=state.streams.last))

    def resume(self, state: FvaState, *, last: int) -> FvaState:
        """The state of a version that was not live up to and including period ``last``: evidence starts anew."""
        return replace(state, streams=state.streams.resumed(last)) if last > state.streams.last else state

    def _finding(self, state: FvaState, *, judged: bool) -> Finding:
        streams = state.streams
        frequency = streams.watch.residuals.frequency
        model, baseline = state.recent.tolist()
        value = 1.0 - (model + state.more) / (baseline + state.more)
        log_e, breached = float(streams.log_evidence[0]), bool(streams.alarm[0] >= 0)
        since = frequency.start_of(int(streams.since[0]))
        if not judged:
            why = "No series has forecasts of both the model and the baseline for this period: nothing is proved."
        elif breached:
            why = f"Since {since} the model errs {-value:.0%} more than the baseline; the baseline would do better."
        else:
            side = "less" if value >= 0 else "more"
            why = f"Over the last {self.recovery} looks the model errs {abs(value):.0%} {side} than the baseline."
        return Finding(
            check="fva",
            subject="fleet",
            at=frequency.start_of(streams.last),
            value=value if judged else None,
            benchmark=0.0,
            effect=value,
            unit="1 - loss over the baseline's",
            log_evidence=log_e if math.isfinite(log_e) else None,
            threshold=math.log(self.arl),
            n=int(streams.looks[0]),
            since=since,
            breached=breached,
            severity="critical" if breached else "info" if judged else "warning",
            why=why,
        )
