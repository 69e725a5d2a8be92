"""What the input check remembers from look to look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finalmile.frames import BoolArray, Frequency, IntArray
from finalmile.monitoring import packing
from finalmile.monitoring.engine import Bets, Calibration, Residualiser
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.inputs.channels import Layout
from finalmile.monitoring.inputs.columns import Column, Look, reduce
from finalmile.monitoring.inputs.features import Standard
from finalmile.monitoring.inputs.reference import Reference

_LAYOUT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class InputReference:
    """What the input check learns from: the looks of a time when nothing was wrong.

    Parameters
    ----------
    columns
        The watched columns.
    periods : array of shape (T,)
        Period numbers, ascending.
    scalars : array of shape (T, s)
        Of each look, as :func:`~finalmile.monitoring.inputs.columns.reduce` gives them.
    digests : array of shape (T, g)
        Of each look's columns.
    calendar : array of shape (T, k)
        Regressors of each period.
    """

    frequency: Frequency
    columns: tuple[Column, ...]
    periods: IntArray
    scalars: Doubles
    digests: IntArray
    calendar: Doubles | None = None

    @classmethod
    def of(
        cls,
        looks: Sequence[Look],
        references: dict[str, Reference],
        *,
        frequency: Frequency,
        most_categories: int = 20,
    ) -> InputReference:
        """From looks, and what each column was like in all of them; columns without a reference are not watched."""
        columns = tuple(
            Column.of(name, reference, most_categories=most_categories) for name, reference in references.items()
        )
        told = [reduce(look, columns) for look in looks]
        calendars = [look.calendar for look in looks if look.calendar is not None]
        return cls(
            frequency=frequency,
            columns=columns,
            periods=np.array([look.period for look in looks], dtype=np.int64),
            scalars=np.stack([scalars for scalars, _ in told]),
            digests=np.array([digests for _, digests in told], dtype=np.int64).reshape(len(looks), len(columns)),
            calendar=np.stack(calendars) if len(calendars) == len(looks) else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Evidence of ``c`` channels.

    Parameters
    ----------
    log_r : array of shape (c, k)
        Logarithms of the Shiryaev-Roberts statistics.
    run : array of shape (c,)
        Log evidence of the current stretch; where it falls to zero a new stretch starts.
    since : array of shape (c,)
        First period of that stretch.
    shift, looks : arrays of shape (c,)
        Sum of signed residuals over it, and how many.
    """

    log_r: Doubles
    run: Doubles
    since: IntArray
    shift: Doubles
    looks: Doubles


@dataclass(frozen=True, slots=True, kw_only=True)
class InputState:
    """Everything, for ``g`` columns with ``s`` scalars and ``c`` channels.

    Parameters
    ----------
    residuals
        Calendar and persistence of the scalars, after the features of the same look were taken out.
    gamma : array of shape (s, 11)
        What those features explain.
    tolerance : array of shape (c,)
        Harmless shift in units of innovations.
    usual : array of shape (s,)
        Mean of each scalar in the reference.
    recent : array of shape (s,)
        Exponentially weighted mean of residuals: where each scalar is now.
    memory : array of shape (g, 7)
        Running mean of innovations by weekday.
    late_early : array of shape (g, 7, 2)
        Which way innovations of each weekday would be off if data were a day late or early.
    digests : array of shape (w, g)
        Of the newest looks; 0 where there was none.
    unique : array of shape (g,)
        Whether no look of the reference repeated another.
    alarm, lead, calm : arrays of shape (1 + g,)
        Period since which each group is in alarm, -1 where it is not; the channel that told; looks since it went
        quiet.
    """

    columns: tuple[Column, ...]
    layout: Layout
    bets: Bets
    residuals: Residualiser
    standard: Standard
    gamma: Doubles
    tolerance: Doubles
    calibration: Calibration
    evidence: Evidence
    usual: Doubles
    recent: Doubles
    memory: Doubles
    late_early: Doubles
    digests: IntArray
    unique: BoolArray
    alarm: IntArray
    lead: IntArray
    calm: IntArray

    @property
    def last(self) -> int:
        """Period of the newest look."""
        return self.residuals.last

    @property
    def frequency(self) -> Frequency:
        """How far looks are apart."""
        return self.residuals.frequency

    @property
    def numeric(self) -> npt.NDArray[np.intp]:
        """Numbers of the numeric columns."""
        return np.flatnonzero([column.numeric for column in self.columns])

    def to_bytes(self) -> bytes:
        """Everything, as a versioned ``npz`` without pickle."""
        return packing.to_bytes(self, version=_LAYOUT)

    @classmethod
    def from_bytes(cls, blob: bytes) -> InputState:
        """The inverse of :meth:`to_bytes`; ``CorruptError`` for anything else."""
        return packing.from_bytes(cls, blob, version=_LAYOUT)
