"""The parity check: does the endpoint answer with what training and batch would have used at the same instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from finalmile.monitoring.registry import checks
from finalmile.records import Finding

Values = NDArray[np.float64]
_NAMED = 3


@checks.add("parity")
@dataclass(frozen=True, slots=True, kw_only=True)
class ParityCheck:
    """Compares logged values with those computed offline for the same series, period and cutoff, cell by cell.

    Parameters
    ----------
    tolerance
        Two values agree within this part of the larger one; single precision keeps about 1e-7.
    share
        Share of rows, in [0, 1], that may disagree. None should: both come from one definition.
    """

    tolerance: float = 1e-5
    share: float = 0.0

    def __post_init__(self) -> None:
        if self.tolerance < 0 or not 0 <= self.share < 1:
            raise ValueError("tolerance must be at least 0 and share in [0, 1)")

    def compare(
        self, logged: Values, offline: Values, /, *, names: Sequence[str], subject: str, at: date | datetime
    ) -> Finding:
        """How many rows disagree, and in what.

        Parameters
        ----------
        logged, offline : arrays of shape (n, k)
            NaN where a value is missing: missing on both sides agrees, on one side it does not. A row that offline
            does not know at all is all NaN there.
        names
            Of the k columns.

        Examples
        --------
        >>> logged, offline = np.array([[1.0, 5.0], [2.0, np.nan]]), np.array([[1.0, 5.0], [2.5, np.nan]])
        >>> told = ParityCheck().compare(logged, offline, names=["price", "promo"], subject="demand@3",
        ...                              at=date(2024, 3, 1))
        >>> told.value, told.breached
        (0.5, True)
        >>> told.why
        '1 of 2 logged rows of demand@3 differ from offline: price in 1 (logged 2.0, offline 2.5).'
        """
        n = len(logged)
        if n == 0:
            return self._unknown(subject, at)
        differs = self._differs(logged, offline)
        wrong = int(differs.any(axis=1).sum())
        breached = wrong > self.share * n
        return Finding(
            check="parity",
            subject=subject,
            at=at,
            value=wrong / n,
            benchmark=self.share,
            unit="share of rows",
            n=n,
            breached=breached,
            severity="critical" if breached else "info",
            why=_why(logged, offline, differs, names=names, subject=subject),
        )

    def _differs(self, logged: Values, offline: Values) -> NDArray[np.bool_]:
        scale = np.maximum(np.maximum(np.abs(logged), np.abs(offline)), 1e-12)
        one_missing = np.isnan(logged) != np.isnan(offline)
        with np.errstate(invalid="ignore"):
            far = np.abs(logged - offline) > self.tolerance * scale
        told: NDArray[np.bool_] = one_missing | far | (np.isinf(scale) & (logged != offline))
        return told

    def _unknown(self, subject: str, at: date | datetime) -> Finding:
        return Finding(
            check="parity",
            subject=subject,
            at=at,
            value=None,
            benchmark=self.share,
            unit="share of rows",
            severity="warning",
            why=f"Rows of {subject} were logged, and nothing offline is known of their cutoffs to hold against.",
        )


def _why(logged: Values, offline: Values, differs: NDArray[np.bool_], *, names: Sequence[str], subject: str) -> str:
    n, counts = len(logged), differs.sum(axis=0)
    if not counts.any():
        return f"All {n:,} logged rows of {subject} are what offline says."
    told: list[str] = []
    for column in np.argsort(-counts, kind="stable")[:_NAMED]:
        if counts[column]:
            row = int(np.argmax(differs[:, column]))
            pair = f"logged {logged[row, column]}, offline {offline[row, column]}"
            told.append(f"{names[column]} in {counts[column]:,} ({pair})")
    wrong = int(differs.any(axis=1).sum())
    return f"{wrong:,} of {n:,} logged rows of {subject} differ from offline: {', '.join(told)}."
