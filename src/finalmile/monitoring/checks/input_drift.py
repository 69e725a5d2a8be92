"""The input check: have the rows that a model is asked about become other rows than it was certified on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.frames import BoolArray, IntArray
from finalmile.monitoring.engine import Bets
from finalmile.monitoring.inputs.channels import PLAIN
from finalmile.monitoring.inputs.columns import Look, reduce
from finalmile.monitoring.inputs.detector import accepted, fit, harmful, log_evidence, restarted, step
from finalmile.monitoring.inputs.frozen import repeated
from finalmile.monitoring.inputs.state import InputReference, InputState
from finalmile.monitoring.inputs.told import Speaker
from finalmile.monitoring.registry import checks
from finalmile.records import Finding

_LEAST_LOOKS = 20
_NOUNS = ("input", "logged input", "output")


@checks.add("input_drift")
@dataclass(frozen=True, slots=True, kw_only=True)
class InputDriftCheck:
    """Watches every column's rows and their number, one look after another.

    Rows become a few scalars: level, spread and skew of their ranks in the reference, shares in the tails, at zero,
    missing, far out, tiny and whole, distinct values; for text the shares of the most frequent values, of rare and of
    unseen ones. Calendar, persistence and what the shape of the same look explains are taken out; what is left feeds
    Shiryaev-Roberts e-detectors whose null includes a tolerance, so that many rows alone never alarm, nor does a change
    that is smaller than the tolerance. A look whose
    values are exactly those of an earlier look is a finding at once.

    An alarm lasts until the evidence behind it has been gone for ``recovery`` looks, or until it is acknowledged.

    Parameters
    ----------
    arl
        Mean looks to a false alarm of the whole table, however many columns it has and however often one looks: ten
        years of days. It holds approximately, because calendar, persistence and normalisers are estimated.
    warning_arl
        The same for a warning, which opens no incident.
    recovery
        Looks without evidence that end an alarm.
    bets
        How evidence is gathered.

    References
    ----------
    Shin, Ramdas & Rinaldo (2024), E-detectors: a nonparametric framework for sequential change detection, NEJSDS.
    """

    arl: float = 3650.0
    warning_arl: float = 365.0
    recovery: int = 14
    bets: Bets = field(
        default_factory=lambda: Bets(sizes=(0.15, 0.4, 1.0, 2.5), variance=1.1, clip=5.0, standard_errors=2.0)
    )

    def __post_init__(self) -> None:
        if not 1 < self.warning_arl <= self.arl:
            raise ValueError(f"warning_arl {self.warning_arl} must be above 1 and at most arl {self.arl}")
        if self.recovery < 1:
            raise ValueError(f"recovery {self.recovery} counts looks; it must be at least 1")

    @property
    def speaker(self) -> Speaker:
        """How findings are told."""
        return Speaker(check="input_drift", noun="input", alarm=math.log(self.arl), warning=math.log(self.warning_arl))

    def start(self, reference: InputReference) -> InputState:
        """Learn what is normal from the reference; no look has been judged yet.

        Raises
        ------
        MissingInputError
            The reference has fewer than 20 looks.
        """
        if len(reference.periods) < _LEAST_LOOKS:
            raise MissingInputError(
                f"{len(reference.periods)} looks at inputs say too little of what is normal; at least {_LEAST_LOOKS} "
                "are needed. Wait for more, or take the reference from further back."
            )
        return fit(reference, bets=self.bets)

    def update(self, state: InputState, look: Look) -> tuple[InputState, list[Finding]]:
        """Judge one more look; gives the new state and what was found, whether breached or not.

        Columns that are gone or have another type prove nothing and are findings of their own. A look that is not
        after the last one changes nothing.
        """
        return self.told_by(self.speaker, state, look)

    def told_by(self, speaker: Speaker, state: InputState, look: Look) -> tuple[InputState, list[Finding]]:
        """:meth:`update`, in other words."""
        if look.period <= state.last:
            return state, [speaker.late(state, look)]
        scalars, found = reduce(look, state.columns)
        digests = np.array(found, dtype=np.int64)
        same = repeated(state, digests, rows=look.size)
        moved = self._alarmed(step(state, look.period, scalars, digests=digests, calendar=look.calendar))
        return moved, [*speaker(moved, look), speaker.repeated(moved, look, same)]

    def acknowledge(
        self, state: InputState, subjects: Sequence[str] | None = None, *, accept: bool = False
    ) -> InputState:
        """End alarms by hand; evidence starts anew.

        Parameters
        ----------
        subjects
            As findings name them; ``None`` is all of them.
        accept
            Whether rows as they are now are normal from here on, as after the assortment grew; without it a change
            that is still there alarms again.
        """
        named = [at for at in range(len(state.alarm)) if subjects is None or _named(state, at, subjects)]
        groups = np.array(named, dtype=np.int64)
        return accepted(state, groups) if accept else restarted(state, groups)

    def _alarmed(self, state: InputState) -> InputState:
        state = self._recovered(state)
        channels = harmful(state)
        open_to = np.where(state.alarm >= 0, -np.inf, log_evidence(state, channels))
        fresh = _listed(open_to, threshold=math.log(self.arl))
        if not len(fresh):
            return state
        alarm, lead = state.alarm.copy(), state.lead.copy()
        for group in fresh.tolist():
            own = np.flatnonzero(state.layout.group == group)
            lead[group] = own[np.argmax(channels[own])]
            alarm[group] = state.evidence.since[lead[group]]
        return replace(state, alarm=alarm, lead=lead)

    def _recovered(self, state: InputState) -> InputState:
        told = state.alarm >= 0
        if not told.any():
            return state
        quiet = told & _quiet(state)[state.lead]
        state = replace(state, calm=np.where(quiet, state.calm + 1, 0))
        return restarted(state, np.flatnonzero(state.calm >= self.recovery))


def _quiet(state: InputState) -> BoolArray:
    """Channels whose stretch of evidence is over, or whose scalar is back where it does no harm; shape (c,)."""
    source, residuals = state.layout.source, state.residuals
    harmless = state.tolerance * residuals.sd[source] / residuals.gain[source]
    back = (state.layout.kind == PLAIN) & (state.layout.sign * state.recent[source] <= harmless)
    quiet: BoolArray = (state.evidence.run <= 0) | back
    return quiet


def _named(state: InputState, group: int, subjects: Sequence[str]) -> bool:
    if group == 0:
        return any(f"number of {noun} rows" in subjects for noun in _NOUNS)
    return any(f"{noun} {state.columns[group - 1].name}" in subjects for noun in _NOUNS)


def _listed(log_e: np.ndarray, *, threshold: float) -> IntArray:
    """The most groups such that each has its share of the threshold: k groups at a k-th of it."""
    order = np.argsort(-log_e, kind="stable")
    enough = np.flatnonzero(log_e[order] >= threshold - np.log(np.arange(1, len(order) + 1)))
    return order[: enough[-1] + 1] if len(enough) else order[:0]
