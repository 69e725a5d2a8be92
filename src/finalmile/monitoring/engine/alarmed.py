"""A few streams that are each in alarm or not: what the checks of groups, coverage and versions share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from finalmile.frames import BoolArray, Frequency, IntArray
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.engine.detector import Bets
from finalmile.monitoring.engine.watch import Watch

LEAST_LOOKS = 20

Rule = Callable[[Doubles], npt.NDArray[np.bool_]]
"""Which streams alarm, from their log evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarmed:
    """``s`` streams, the evidence on each, and since when each is in alarm.

    An alarm lasts until the stream's recent mean is back within its tolerance; then its evidence starts anew.

    Parameters
    ----------
    watch
        The channels of a stream follow one another: a rise, and where ``sides`` is 2, a fall.
    sides
        1 where only a rise is harm, 2 where a fall is too.
    tolerance : array of shape (s,)
        Shift that is no harm, in the streams' own unit.
    learned : array of shape (s,)
        Whether the reference held enough looks of a stream; the others never gather evidence.
    channel : array of shape (s,)
        Channel that the last alarm of a stream came from: what is told of it until it is over.
    alarm, ended : array of shape (s,)
        Period since which a stream is in alarm, and in which its last alarm ended; -1 where there is none.
    """

    watch: Watch
    sides: int
    tolerance: Doubles
    learned: BoolArray
    channel: IntArray
    alarm: IntArray
    ended: IntArray

    @classmethod
    def start(
        cls,
        reference: Doubles,
        *,
        first: int,
        frequency: Frequency,
        tolerance: Doubles,
        sides: int = 2,
        bets: Bets | None = None,
        least_z: float = 0.1,
        least_sd: float = 1e-3,
        calendar: Doubles | None = None,
        anchor: Doubles | None = None,
        only_rises: BoolArray | None = None,
    ) -> Alarmed:
        """Fit on reference streams of shape (s, T), NaN where a look is missing.

        Parameters
        ----------
        anchor : array of shape (s,)
            What each stream is held against, in its own unit; by default its mean over the reference.
        only_rises : array of shape (s,)
            With two sides: streams of which a fall is no harm after all, and gathers no evidence.
        """
        count, looks = reference.shape
        signs = np.array([1.0, -1.0])[:sides]
        watch = Watch.start(
            reference,
            np.arange(first, first + looks, dtype=np.int64),
            frequency=frequency,
            source=np.repeat(np.arange(count, dtype=np.int64), sides),
            sign=np.tile(signs, count),
            tolerance=tolerance,
            least_z=least_z,
            bets=bets or Bets(),
            calendar=calendar,
            least_sd=least_sd,
        )
        if anchor is not None:
            watch = _anchored(watch, anchor)
        if only_rises is not None and sides == 2:
            falls = np.repeat(only_rises, 2) & (watch.sign < 0)
            watch = replace(watch, tolerance=np.where(falls, np.inf, watch.tolerance))
        none = np.full(count, -1, dtype=np.int64)
        learned = np.isfinite(reference).sum(axis=1) >= LEAST_LOOKS
        return cls(watch=watch, sides=sides, tolerance=tolerance, learned=learned, channel=none, alarm=none, ended=none)

    @property
    def last(self) -> int:
        """Period number of the newest look."""
        return self.watch.residuals.last

    @property
    def log_evidence(self) -> Doubles:
        """Of each stream, shape (s,)."""
        return self.watch.evidence(self._channels)

    @property
    def effect(self) -> Doubles:
        """Mean shift over the stretch of the channel that alarmed, or else has the strongest evidence, shape (s,)."""
        told = self._told
        shift: Doubles = self.watch.sign[told] * self.watch.effect()[told]
        return shift

    @property
    def since(self) -> IntArray:
        """First period of that stretch; where a stream is in alarm, the period the alarm reaches back to."""
        return np.where(self.alarm >= 0, self.alarm, self.watch.since[self._strongest]).astype(np.int64)

    @property
    def looks(self) -> IntArray:
        """Looks in that stretch, shape (s,)."""
        return self.watch.shift_looks[self._told].astype(np.int64)

    def step(
        self, period: int, values: Doubles, *, rule: Rule, span: float, calendar: Doubles | None = None
    ) -> Alarmed:
        """The next look of every stream, shape (s,); NaN leaves a stream as it was. ``span`` is that of recovery."""
        values = np.where(self.learned & np.isfinite(values), values, np.nan)
        moved = replace(self, watch=self.watch.step(period, values, span=span, calendar=calendar))
        falls_count = np.isfinite(self.watch.tolerance[self._channels[:, -1]]) & (self.sides == 2)
        recent = np.where(falls_count, np.abs(moved.watch.recent), moved.watch.recent)
        moved = moved.restarted(np.flatnonzero((self.alarm >= 0) & (recent <= self.tolerance)), at=period)
        over = rule(moved.log_evidence) & (moved.alarm < 0)
        strongest = moved._strongest
        return replace(
            moved,
            channel=np.where(over, strongest, moved.channel).astype(np.int64),
            alarm=np.where(over, moved.watch.since[strongest], moved.alarm).astype(np.int64),
        )

    def restarted(self, streams: IntArray, *, at: int) -> Alarmed:
        """The same with the alarms of these streams over and their evidence at its start."""
        if not len(streams):
            return self
        alarm, ended = self.alarm.copy(), self.ended.copy()
        ended[streams] = np.where(alarm[streams] >= 0, at, ended[streams])
        alarm[streams] = -1
        return replace(self, watch=self.watch.restarted(self._channels[streams].ravel()), alarm=alarm, ended=ended)

    def resumed(self, last: int) -> Alarmed:
        """The same after a pause up to and including period ``last``: no alarm, no evidence, nothing leaned on."""
        calm = self.restarted(np.arange(len(self.alarm)), at=last)
        residuals = calm.watch.residuals
        fresh = replace(residuals, last=last, recent=np.full_like(residuals.recent, np.nan))
        return replace(calm, watch=replace(calm.watch, residuals=fresh))

    @property
    def _channels(self) -> IntArray:
        return np.arange(self.sides * len(self.tolerance), dtype=np.int64).reshape(-1, self.sides)

    @property
    def _told(self) -> IntArray:
        return np.where(self.alarm >= 0, self.channel, self._strongest).astype(np.int64)

    @property
    def _strongest(self) -> IntArray:
        channels = self._channels
        evidence = self.watch.evidence(channels.reshape(-1, 1)).reshape(channels.shape)
        strongest: IntArray = channels[np.arange(len(channels)), np.argmax(evidence, axis=1)]
        return strongest


def at_least(log_threshold: float) -> Rule:
    """The rule that each stream alarms by itself.

    Examples
    --------
    >>> at_least(8.2)(np.array([9.0, -np.inf])).tolist()
    [True, False]
    """
    return lambda log_e: log_e >= log_threshold


def _anchored(watch: Watch, anchor: Doubles) -> Watch:
    """Residuals from the anchor rather than from the mean of the reference; what they lean on moves along."""
    residuals = watch.residuals
    moved = residuals.beta[:, 0] - anchor
    beta = residuals.beta.copy()
    beta[:, 0] = anchor
    return replace(watch, residuals=replace(residuals, beta=beta, recent=residuals.recent + moved[:, None]))
