"""The concept drift check: did the world become harder for everyone, or did this model become worse."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.metrics.scored import Floats
from finalmile.monitoring import packing
from finalmile.monitoring.engine import Bets
from finalmile.monitoring.engine.alarmed import LEAST_LOOKS, Alarmed, at_least
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.loss.paired import PairedLook, PairedReference, log_ratio, smoothing_of
from finalmile.monitoring.loss.streams import row_means, without_outliers
from finalmile.monitoring.registry import checks
from finalmile.records import Finding

_LAYOUT = 3
_OTHERS = ("the baseline", "a fresh refit", "the previous version")

Verdict: TypeAlias = Literal["world harder", "model worse", "both", "undecided"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptState:
    """Everything the check remembers.

    Parameters
    ----------
    streams
        Log of loss over sales against the usual, of the model or the baseline, whichever rose less; then log of the
        model's loss over that of the baseline, of a fresh refit, and of the previous version.
    units, more
        Added to both sides of the ratios to sales, and of those between losses.
    wape, live_wape
        Normal losses of the baseline and of the model over sales.
    """

    streams: Alarmed
    units: float
    more: float
    wape: float
    live_wape: float

    def to_bytes(self) -> bytes:
        """Everything, as a versioned ``npz`` without pickle."""
        return packing.to_bytes(self, version=_LAYOUT)

    @classmethod
    def from_bytes(cls, blob: bytes) -> ConceptState:
        """The inverse of :meth:`to_bytes`; ``CorruptError`` for anything else."""
        return packing.from_bytes(cls, blob, version=_LAYOUT)


@checks.add("concept_drift")
@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptDriftCheck:
    """Tells "the world changed for everyone" from "this model got worse", by losses on the same series and periods.

    Two e-detectors: one on the rise of loss over sales that the model shares with a recipe that nobody changed (the
    baseline), which grows when demand became harder to forecast by anyone; one on the model's loss over that of
    others, which rises when others follow what the model does not. Where losses of a fresh refit or of the previous
    version come, each is held against too, by its own evidence. Verdicts: ``world harder`` (a refit will not help),
    ``model worse`` (a refit, or whoever is ahead, will), ``both``, ``undecided`` (neither is proved).

    Parameters
    ----------
    arl
        Mean looks to a false verdict of each kind, approximately: what is normal is estimated from the reference.
    world_tolerance, gap_tolerance
        Rise of the baseline's loss, and of the model's over others', that are no harm, as ratios.
    recovery
        Looks that the recent mean goes back, which ends a verdict.
    """

    arl: float = 3650.0
    world_tolerance: float = 0.05
    gap_tolerance: float = 0.02
    recovery: int = 14
    bets: Bets = field(default_factory=Bets)

    def __post_init__(self) -> None:
        if self.arl <= 1 or min(self.world_tolerance, self.gap_tolerance) < 0 or self.recovery < 1:
            raise ValueError("arl must be above 1, tolerances at least 0 and recovery at least 1")

    def start(self, reference: PairedReference) -> ConceptState:
        """Learn what is normal. A refit or a previous version without a past is taken to scatter as the baseline does.

        Raises
        ------
        MissingInputError
            Fewer than 20 looks have sales and losses of model and baseline.
        """
        units, more = smoothing_of(reference.sold), smoothing_of(reference.baseline)
        both = np.isfinite(reference.live) & np.isfinite(reference.baseline) & np.isfinite(reference.sold)
        if int(both.sum()) < LEAST_LOOKS:
            raise MissingInputError(
                f"concept drift needs losses of model and baseline in {LEAST_LOOKS} periods before a version goes "
                f"live, here are {int(both.sum())}; certify on a longer holdout"
            )
        sold = float(np.maximum(reference.sold[both], 0.0).sum())
        wape = max(float(reference.baseline[both].sum()) / max(sold, units), 1e-6)
        live_wape = max(float(reference.live[both].sum()) / max(sold, units), 1e-6)
        raw = _streams(reference, units=units, more=more, wapes=(wape, live_wape))
        centred: Doubles = raw[1] - row_means(raw)[1]
        for row in (2, 3):
            raw[row] = raw[row] if int(np.isfinite(raw[row]).sum()) >= LEAST_LOOKS else centred
        streams = Alarmed.start(
            without_outliers(raw),
            first=reference.first,
            frequency=reference.frequency,
            tolerance=np.log1p([self.world_tolerance, *[self.gap_tolerance] * 3]),
            sides=1,
            bets=self.bets,
            calendar=reference.calendar,
            least_sd=0.005,
        )
        return ConceptState(streams=streams, units=units, more=more, wape=wape, live_wape=live_wape)

    def update(self, state: ConceptState, look: PairedLook) -> tuple[ConceptState, list[Finding]]:
        """Judge one more period; a look that is not after the last changes nothing."""
        if look.period <= state.streams.last:
            return state, []
        wapes = (state.wape, state.live_wape)
        values = _streams(look, units=state.units, more=state.more, wapes=wapes)[:, 0]
        streams = state.streams.step(
            look.period, values, rule=at_least(math.log(self.arl)), span=self.recovery, calendar=look.calendar
        )
        moved = replace(state, streams=streams)
        return moved, [self._finding(moved, judged=bool(np.isfinite(values[:2]).all()))]

    def verdict(self, state: ConceptState) -> Verdict:
        """What is proved by the newest look."""
        world, worse = bool(state.streams.alarm[0] >= 0), bool((state.streams.alarm[1:] >= 0).any())
        if world and worse:
            return "both"
        return "world harder" if world else "model worse" if worse else "undecided"

    def acknowledge(self, state: ConceptState) -> ConceptState:
        """End the verdict by hand; evidence starts anew."""
        return replace(state, streams=state.streams.restarted(np.arange(4), at=state.streams.last))

    def resume(self, state: ConceptState, *, last: int) -> ConceptState:
        """The state of a version that was not live up to and including period ``last``: evidence starts anew."""
        return replace(state, streams=state.streams.resumed(last)) if last > state.streams.last else state

    def _finding(self, state: ConceptState, *, judged: bool) -> Finding:
        streams, verdict = state.streams, self.verdict(state)
        frequency = streams.watch.residuals.frequency
        log_e = streams.log_evidence
        rival = 1 + int(np.argmax(log_e[1:]))
        leading = 0 if verdict == "world harder" else rival
        effects = np.expm1(np.clip(streams.effect, -27.0, 27.0))
        evidence = f"e-values: world {_e_value(log_e[0])}, model {_e_value(log_e[rival])}"
        breached = verdict != "undecided"
        return Finding(
            check="concept_drift",
            subject="fleet",
            at=frequency.start_of(streams.last),
            value=float(effects[leading]) if judged else None,
            benchmark=0.0,
            effect=float(effects[leading]),
            unit="rise of loss over sales" if leading == 0 else f"rise of loss over that of {_OTHERS[leading - 1]}",
            log_evidence=float(log_e[leading]) if math.isfinite(log_e[leading]) else None,
            threshold=math.log(self.arl),
            n=int(streams.looks[leading]),
            since=frequency.start_of(int(streams.since[leading])),
            breached=breached,
            severity="critical" if breached else "info" if judged else "warning",
            why=f"{_why(verdict, state, effects, rival)} ({evidence}.)"
            if judged
            else "Model and baseline have no series in common that came true: nothing is proved of this period.",
        )


def _streams(given: PairedReference | PairedLook, *, units: float, more: float, wapes: tuple[float, float]) -> Doubles:
    """The four streams, shape (4, T)."""
    live, baseline, sold = (_many(one) for one in (given.live, given.baseline, given.sold))
    others = (_many(given.refit, like=live), _many(given.previous, like=live))
    rises = [
        log_ratio(loss, sold, more=units, share=wape) - math.log(wape)
        for loss, wape in zip((baseline, live), wapes, strict=True)
    ]
    return np.vstack(
        [
            np.minimum(*rises),
            *(log_ratio(live, other, more=more) for other in (baseline, *others)),
        ]
    )


def _many(value: Floats | float | None, *, like: Doubles | None = None) -> Doubles:
    if value is None:
        return np.full(0 if like is None else len(like), np.nan)
    return np.atleast_1d(np.asarray(value, dtype=np.float64))


def _why(verdict: Verdict, state: ConceptState, effects: Doubles, rival: int) -> str:
    start = state.streams.watch.residuals.frequency.start_of
    since = [start(int(period)) for period in state.streams.since]
    world = f"since {since[0]} model and baseline alike miss by {effects[0]:.0%} more: demand is harder for everyone"
    worse = f"since {since[rival]} the model loses {effects[rival]:.0%} more against {_OTHERS[rival - 1]} than it did"
    if verdict == "both":
        return f"Both: {world}, and {worse}."
    if verdict == "world harder":
        return f"World harder: {world}; another model would not do better."
    if verdict == "model worse":
        return f"Model worse: {worse}; the world is no harder than it was."
    return "Undecided: neither is the world shown to be harder nor the model worse than before."


def _e_value(log_e: float) -> str:
    return f"{math.exp(min(log_e, 700.0)):.3g}"
