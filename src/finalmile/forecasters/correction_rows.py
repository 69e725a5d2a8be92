"""Training rows of corrections: every past cutoff, as it was seen then, beside what came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finalmile.forecasters.corrections import Names, origin_of
from finalmile.forecasters.forgetting import ForgettingLevel
from finalmile.forecasters.spans import spans_of
from finalmile.frames import BoolArray, FloatArray, IntArray, Panel

_KNOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRows:
    """One row per series, past cutoff and period ahead.

    Parameters
    ----------
    features : array of shape (m, f)
    target, start : arrays of shape (m,)
        Demand that came, and the logarithm of the uncorrected forecast.
    origin, due : arrays of shape (m,)
        Columns of the cutoff and of the period forecast.
    names
        Of the features.
    """

    features: FloatArray
    target: FloatArray
    start: FloatArray
    origin: IntArray
    due: IntArray
    names: tuple[str, ...]

    def until(self, column: int) -> CorrectionRows:
        """Only rows whose period was over by then."""
        keep = self.due <= column
        return CorrectionRows(
            features=self.features[keep],
            target=self.target[keep],
            start=self.start[keep],
            origin=self.origin[keep],
            due=self.due[keep],
            names=self.names,
        )

    def weights(self, *, newest: int, memory: float) -> FloatArray:
        """Weight of each row, halving every ``memory`` periods."""
        return (0.5 ** ((newest - self.origin) / memory)).astype(np.float32)


def correction_rows(
    panel: Panel, *, rule: ForgettingLevel, names: Names, ahead: Sequence[int], first: int
) -> CorrectionRows | None:
    """Rows of every cutoff from column ``first`` on; ``None`` where there is none.

    A series gives rows while at least three of its recent periods are known, so that long gaps teach nothing.
    """
    cutoffs = range(first, panel.length - min(ahead))
    parts = [part for at in cutoffs for part in _rows_at(panel, at, rule=rule, names=names, ahead=ahead)]
    if not parts:
        return None
    return CorrectionRows(
        features=np.concatenate([part.features for part in parts]),
        target=np.concatenate([part.target for part in parts]),
        start=np.concatenate([part.start for part in parts]),
        origin=np.concatenate([part.origin for part in parts]),
        due=np.concatenate([part.due for part in parts]),
        names=parts[0].names,
    )


def _rows_at(
    panel: Panel, column: int, *, rule: ForgettingLevel, names: Names, ahead: Sequence[int]
) -> list[CorrectionRows]:
    origin = origin_of(panel.at(panel.first + column), rule=rule, names=names)
    came = panel.demand()[panel.listed_at <= column]
    recent = origin.panel.demand()[:, -spans_of(panel.frequency).recent :]
    lively: BoolArray = np.isfinite(recent).sum(axis=1) >= _KNOWN
    parts: list[CorrectionRows] = []
    for step in ahead:
        if column + step >= panel.length:
            continue
        rows = np.flatnonzero(lively & np.isfinite(came[:, column + step]))
        features, called = origin.features(step, names=names)
        parts.append(
            CorrectionRows(
                features=features[rows],
                target=np.maximum(came[rows, column + step], 0),
                start=np.log(origin.start(step)[rows]).astype(np.float32),
                origin=np.full(len(rows), column, dtype=np.int64),
                due=np.full(len(rows), column + step, dtype=np.int64),
                names=called,
            )
        )
    return parts
