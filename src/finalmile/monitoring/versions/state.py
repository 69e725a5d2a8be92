"""What a comparison of two versions remembers."""

from __future__ import annotations

from dataclasses import dataclass

from finalmile.frames import Frequency
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.packing import from_bytes, to_bytes

_LAYOUT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonState:
    """A comparison so far: a few numbers a look.

    Parameters
    ----------
    champion, challenger
        Version numbers.
    first
        Period of the first look; ``last`` is that of the newest.
    gains : array of shape (T,)
        Relative gain of each look from the first on, NaN where it compared nothing; of 1,000 looks at most.
    reference : array of shape (R,)
        Relative gains of an earlier stretch.
    decided
        Final decision, empty before it fell; ``decided_at`` is its period, -1 before.
    rows, saved, saved_looks
        Rows compared; money that smaller errors were worth, and in how many looks a price was known.
    left_out
        Rows of the newest look that only one version answered, or whose outcome is missing.
    """

    model: str
    frequency: Frequency
    champion: int
    challenger: int
    first: int
    last: int
    gains: Doubles
    reference: Doubles
    decided: str = ""
    decided_at: int = -1
    rows: int = 0
    saved: float = 0.0
    saved_looks: int = 0
    left_out: int = 0

    def to_bytes(self) -> bytes:
        """For the ledger."""
        return to_bytes(self, version=_LAYOUT)

    @classmethod
    def from_bytes(cls, blob: bytes) -> ComparisonState:
        """The inverse of :meth:`to_bytes`; ``CorruptError`` where it is none."""
        return from_bytes(cls, blob, version=_LAYOUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonReference:
    """Whom to compare, and what is known of their differences from before.

    Parameters
    ----------
    first
        Period of the first look.
    gains : array of shape (R,)
        Consecutive relative gains before it, NaN where one is missing; may be empty.
    """

    model: str
    frequency: Frequency
    champion: int
    challenger: int
    first: int
    gains: Doubles
