"""The agreement check: does a version still say what the previous stable one would say about the same rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

import numpy as np
import numpy.typing as npt

from finalmile.frames import Frequency
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.packing import from_bytes, to_bytes
from finalmile.monitoring.registry import checks
from finalmile.monitoring.versions.agreement import AgreementLook
from finalmile.monitoring.versions.mixture import asymptotic_half_width
from finalmile.monitoring.versions.whitening import persistence
from finalmile.records import Finding

_LAYOUT = 1
_MOST_LOOKS = 400
_MOST = 10.0
Agreement = Literal["equal", "differs", "undecided", "hold"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementState:
    """Differences so far.

    Parameters
    ----------
    old, new
        Version numbers.
    wapd, shift, beyond : arrays of shape (last - first + 1,)
        Per look, NaN where nothing compared.
    """

    model: str
    frequency: Frequency
    old: int
    new: int
    first: int
    last: int
    wapd: Doubles
    shift: Doubles
    beyond: Doubles
    rows: int = 0
    one_sided: int = 0

    def to_bytes(self) -> bytes:
        """For the ledger."""
        return to_bytes(self, version=_LAYOUT)

    @classmethod
    def from_bytes(cls, blob: bytes) -> AgreementState:
        """The inverse of :meth:`to_bytes`; ``CorruptError`` where it is none."""
        return from_bytes(cls, blob, version=_LAYOUT)


@checks.add("agreement")
@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementCheck:
    """Tells whether two versions' answers to the same rows are equal within a margin, without waiting for sales.

    Agreement is no quality: a better version differs from a worse one. It finds a deployment that changed more, or
    less, than was meant. The mean weighted difference has a confidence sequence over looks: wholly below the margin
    the versions are "equal", wholly above it they "differ".

    Parameters
    ----------
    margin
        Weighted absolute difference, relative to the old answers, that is none.
    tolerance
        Of a single row, relative, for the share of rows beyond it.
    alpha
        Error of the confidence sequence.
    start
        First look that anything is decided at; a single set of rows is judged by its series instead.
    """

    margin: float = 0.02
    tolerance: float = 0.05
    alpha: float = 0.05
    start: int = 7

    def __post_init__(self) -> None:
        if self.margin <= 0 or self.tolerance < 0 or not 0 < self.alpha < 0.5 or self.start < 3:
            raise ValueError("margin must be above 0, tolerance at least 0, alpha in (0, 0.5) and start at least 3")

    def begin(self, model: str, *, frequency: Frequency, old: int, new: int, first: int) -> AgreementState:
        """No look yet."""
        return AgreementState(
            model=model,
            frequency=frequency,
            old=old,
            new=new,
            first=first,
            last=first - 1,
            wapd=np.empty(0),
            shift=np.empty(0),
            beyond=np.empty(0),
        )

    def update(self, state: AgreementState, look: AgreementLook) -> tuple[AgreementState, list[Finding]]:
        """Judge one more look; one that is not after the last changes nothing and finds nothing."""
        if look.period <= state.last:
            return state, []
        gap = np.full(min(look.period - state.last - 1, _MOST_LOOKS), np.nan)
        wapd, shift, beyond = (
            np.concatenate([before, gap, [np.clip(value, -_MOST, _MOST)]])[-_MOST_LOOKS:]
            for before, value in ((state.wapd, look.wapd), (state.shift, look.shift), (state.beyond, look.beyond))
        )
        moved = replace(
            state,
            wapd=wapd,
            shift=shift,
            beyond=beyond,
            first=look.period - len(wapd) + 1,
            last=look.period,
            rows=look.rows,
            one_sided=look.one_sided,
        )
        return moved, [self._sequential(moved)]

    def compare(self, look: AgreementLook, *, subject: str, at: date | datetime) -> Finding:
        """Judge a single set of rows: the error is that between series, and the statement is about these rows' kind."""
        half = 1.96 * look.error
        low, high = look.wapd - half, look.wapd + half
        word = self._word(low, high) if look.rows else "hold"
        return self._finding(look, word, low=low, high=high, subject=subject, at=at, n=look.rows, unit="rows")

    def golden(self, wanted: Doubles, told: Doubles, *, subject: str, at: date | datetime) -> Finding:
        """Whether answers to the rows kept at registration are what they were, to the last bit; NaN equals NaN."""
        if wanted.shape != told.shape or not wanted.size:
            missing = "There are no golden rows" if not wanted.size else "The answers have another shape"
            return _golden(None, 0, f"{missing} of {subject}: register the version again.", subject=subject, at=at)
        same: npt.NDArray[np.bool_] = (wanted == told) | (np.isnan(wanted) & np.isnan(told))
        wrong = int((~same).reshape(len(same), -1).any(axis=1).sum())
        why = f"{len(same):,} golden rows of {subject}: "
        why += "all answered as at registration." if not wrong else f"{wrong:,} answered otherwise. Register it again."
        return _golden(wrong / len(same), len(same), why, subject=subject, at=at)

    def _sequential(self, state: AgreementState) -> Finding:
        known = np.isfinite(state.wapd)
        n, newest = int(known.sum()), bool(len(known) and known[-1])
        wapd, shift, beyond = (
            float(values[known].mean()) if n else math.nan for values in (state.wapd, state.shift, state.beyond)
        )
        look = AgreementLook(
            period=state.last, wapd=wapd, shift=shift, beyond=beyond, rows=state.rows, one_sided=state.one_sided
        )
        subject = f"{state.model}@{state.new} beside {state.model}@{state.old}"
        half, at = self._half(state.wapd, n), state.frequency.start_of(state.last)
        low, high = wapd - half, wapd + half
        word: Agreement = self._word(low, high) if newest and n >= self.start else "hold"
        return self._finding(look, word, low=low, high=high, subject=subject, at=at, n=n, unit="looks")

    def _half(self, wapd: Doubles, n: int) -> float:
        if n < self.start:
            return math.inf
        phi = persistence(wapd)
        variance = float(wapd[np.isfinite(wapd)].var(ddof=1)) * (1 + phi) / (1 - phi)
        return asymptotic_half_width(n, variance=variance, alpha=self.alpha)

    def _word(self, low: float, high: float) -> Agreement:
        return "equal" if high < self.margin else "differs" if low > self.margin else "undecided"

    def _finding(
        self,
        look: AgreementLook,
        word: Agreement,
        *,
        low: float,
        high: float,
        subject: str,
        at: date | datetime,
        n: int,
        unit: str,
    ) -> Finding:
        unknown = word == "hold" and not look.rows
        odd = f" {look.one_sided:,} rows were answered by one of them alone." if look.one_sided else ""
        figures = (
            f"answers differ by {look.wapd:.2%} of the old ones (their sum by {look.shift:+.2%}), "
            f"{look.beyond:.1%} of rows by more than {self.tolerance:.0%}, over {n:,} {unit}"
        )
        told = {
            "equal": f"{subject}: equal within {self.margin:.1%}; {figures}, at most {high:.2%}.",
            "differs": f"{subject}: they differ by more than {self.margin:.1%}; {figures}, at least {low:.2%}.",
            "undecided": f"{subject}: not decided whether within {self.margin:.1%}; {figures}.",
            "hold": f"{subject}: too little to decide on; {figures}.",
        }[word]
        nothing = f"{subject}: no row was answered by both. See that the log keeps features, and score it again."
        return Finding(
            check="agreement",
            subject=subject,
            at=at,
            value=None if unknown or not math.isfinite(look.wapd) else look.wapd,
            benchmark=self.margin,
            effect=None if unknown or not math.isfinite(look.shift) else look.shift,
            unit="share of the old answers",
            n=n,
            breached=word == "differs",
            severity="warning" if word == "differs" or unknown else "info",
            why=(nothing if unknown else told) + odd,
        )


def _golden(value: float | None, n: int, why: str, *, subject: str, at: date | datetime) -> Finding:
    wrong = bool(value)
    return Finding(
        check="agreement",
        subject=f"golden rows of {subject}",
        at=at,
        value=value,
        benchmark=0.0,
        unit="share of rows",
        n=n,
        breached=wrong,
        severity="critical" if wrong else "warning" if value is None else "info",
        why=why,
    )
