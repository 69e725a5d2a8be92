"""The series check: which features of which series are no longer where they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.frames import Frequency
from finalmile.monitoring.engine import Bets, e_bh
from finalmile.monitoring.inputs import series
from finalmile.monitoring.inputs.series import SeriesLook, SeriesReference, SeriesState
from finalmile.monitoring.registry import checks
from finalmile.records import Finding

_LEAST_LOOKS = 20
_NAMED = 3


@checks.add("series_drift")
@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesDriftCheck:
    """Lists features of single series that moved for good: a price in another unit, a stock count that stands still.

    Each feature of each series is a stream of its own: weekday and persistence are taken out, what is left feeds a
    Shiryaev-Roberts e-detector, and e-d-BH over all of them makes the list. One series whose price changed is daily
    business; a feature that moved in more than ``share`` of the series at once is a finding.

    Parameters
    ----------
    effect
        Harmless shift in reference standard deviations of the stream.
    fdr, patience
        False names on the list over looks to listing are at most ``fdr / patience``.
    share
        Share of the series that may be listed for a feature.
    bets
        How evidence is gathered.

    References
    ----------
    Dandapanthula & Ramdas (2025), Multiple testing in multi-stream sequential change detection.
    """

    effect: float = 0.5
    fdr: float = 0.10
    patience: int = 28
    share: float = 0.01
    bets: Bets = field(
        default_factory=lambda: Bets(sizes=(0.15, 0.4, 1.0, 2.5), variance=1.1, clip=5.0, standard_errors=2.0)
    )

    def __post_init__(self) -> None:
        if not (0 < self.fdr < 1 and 0 <= self.share < 1) or self.effect < 0 or self.patience < 1:
            raise ValueError("fdr must be in (0, 1), share in [0, 1), effect at least 0 and patience at least 1")

    def start(self, reference: SeriesReference) -> SeriesState:
        """Learn what is normal; ``MissingInputError`` for fewer than 20 looks."""
        if len(reference.periods) < _LEAST_LOOKS:
            raise MissingInputError(
                f"{len(reference.periods)} looks at series say too little of what is normal; at least {_LEAST_LOOKS} "
                "are needed. Wait for more, or take the reference from further back."
            )
        return series.start(reference, effect=self.effect, bets=self.bets)

    def update(self, state: SeriesState, look: SeriesLook) -> tuple[SeriesState, list[Finding]]:
        """Judge one more look; gives the new state and one finding for each feature, whether breached or not.

        Missing values and series prove nothing. A look that is not after the last one changes nothing.
        """
        if look.period <= state.last:
            return state, []
        values = series.aligned(state, look)
        moved = replace(state, watch=state.watch.step(look.period, values, span=2 * self.patience))
        moved = self._listed(moved)
        return moved, [self._told(moved, feature, look=look) for feature in range(len(state.names))]

    def acknowledge(self, state: SeriesState, subjects: Sequence[str]) -> SeriesState:
        """Take features off the list by hand, by the subjects of findings; their evidence starts anew."""
        count = len(state.names)
        for feature in [at for at, name in enumerate(state.names.tolist()) if _subject(name) in subjects]:
            streams = np.arange(feature, len(state.usual), count)
            listed = state.listed.copy()
            listed[streams] = -1
            state = replace(state, watch=state.watch.restarted(state.channels[streams].ravel()), listed=listed)
        return state

    def _listed(self, state: SeriesState) -> SeriesState:
        """Names that are new on the list, less those that are back where they were."""
        back = (state.listed >= 0) & (np.abs(state.watch.recent) <= state.harmless)
        watch, listed = state.watch, state.listed
        if back.any():
            watch = watch.restarted(state.channels[back].ravel())
            listed = np.where(back, -1, listed)
        named = e_bh(watch.evidence(state.channels), alpha=self.fdr, patience=self.patience)
        fresh = named & (listed < 0)
        return replace(state, watch=watch, listed=np.where(fresh, watch.residuals.last, listed))

    def _told(self, state: SeriesState, feature: int, *, look: SeriesLook) -> Finding:
        streams = np.arange(feature, len(state.usual), len(state.names))
        on = streams[state.listed[streams] >= 0]
        n, name = len(streams), str(state.names[feature])
        part = len(on) / n if n else 0.0
        frequency = state.watch.residuals.frequency
        return Finding(
            check="series_drift",
            subject=_subject(name),
            at=frequency.start_of(look.period),
            value=part,
            benchmark=self.share,
            unit="share of series",
            n=n,
            since=frequency.start_of(int(state.listed[on].min())) if len(on) else None,
            breached=part > self.share,
            severity="warning" if part > self.share else "info",
            why=_why(state, on, name=name, n=n, frequency=frequency),
        )


def _subject(name: str) -> str:
    return f"input {name} of single series"


def _why(state: SeriesState, on: np.ndarray, *, name: str, n: int, frequency: Frequency) -> str:
    if not len(on):
        return f"No series has left its usual {name}, of {n:,}."
    recent = state.watch.recent[on]
    furthest = np.argsort(-np.abs(recent) / state.harmless[on], kind="stable")[:_NAMED]
    told: list[str] = []
    for row in furthest.tolist():
        stream, since = int(on[row]), frequency.start_of(int(state.listed[on[row]]))
        usual = float(state.usual[stream])
        now = usual + float(recent[row])
        told.append(f"{state.ids[stream // len(state.names)]} ({usual:.4g} became {now:.4g}, listed {since})")
    return f"{len(on):,} of {n:,} series have another {name} for good, such as {', '.join(told)}."
