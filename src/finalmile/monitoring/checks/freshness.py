"""The freshness check: is the newest row of a feature or of actuals older than it usually is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from finalmile.frames import Frequency, IntArray
from finalmile.monitoring.registry import checks
from finalmile.records import Finding
from finalmile.wording import number_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One feature, covariate or table.

    Parameters
    ----------
    name
        ``"price"``, ``"actuals"``.
    newest
        Period number of its newest known value; ``None`` where it has none, or is gone.
    usual : array of shape (k,)
        How many periods behind it was in earlier looks; empty where none is known.
    """

    name: str
    newest: int | None
    usual: IntArray


@checks.add("freshness")
@dataclass(frozen=True, slots=True, kw_only=True)
class FreshnessCheck:
    """Compares the age of each source's newest value with the ages it had before.

    A feed that comes on Mondays is seven days old on a Sunday, and nothing is wrong: late is what is older than the
    oldest it has been in most looks before.

    Parameters
    ----------
    usual_share
        Share, in (0, 1], of earlier ages that count as usual; the largest of them is what a source is held against.
    grace
        Periods beyond that are no harm.
    least
        Earlier looks that are needed; with fewer a source is held against ``grace`` alone.
    """

    usual_share: float = 0.99
    grace: int = 1
    least: int = 7

    def __post_init__(self) -> None:
        if not 0 < self.usual_share <= 1 or self.grace < 0 or self.least < 1:
            raise ValueError("usual_share must be in (0, 1], grace at least 0 and least at least 1")

    def compare(self, sources: Sequence[Source], /, *, period: int, frequency: Frequency) -> list[Finding]:
        """One finding per source, of the look of a period.

        Examples
        --------
        >>> day = Frequency("day")
        >>> weekly = Source(name="price", newest=100, usual=np.tile(np.arange(7), 4))
        >>> [found.breached for found in FreshnessCheck().compare([weekly], period=107, frequency=day)]
        [False]
        >>> FreshnessCheck().compare([weekly], period=110, frequency=day)[0].why
        'The newest value of price is of 1970-04-11, 10 days ago; it is at most 6 days old as a rule.'
        """
        return [self._finding(source, period=period, frequency=frequency) for source in sources]

    def _finding(self, source: Source, *, period: int, frequency: Frequency) -> Finding:
        at = frequency.start_of(period)
        if source.newest is None:
            return self._gone(source, at)
        usual = source.usual[source.usual >= 0]
        benchmark = float(np.quantile(usual, self.usual_share, method="higher")) if len(usual) >= self.least else 0.0
        age = max(period - source.newest, 0)
        breached = age > benchmark + self.grace
        stamp = frequency.start_of(source.newest)
        rule = f"it is at most {number_of(round(benchmark), frequency.unit)} old as a rule"
        return Finding(
            check="freshness",
            subject=source.name,
            at=at,
            value=float(age),
            benchmark=benchmark,
            effect=(age - benchmark) / max(benchmark, 1.0),
            unit=f"{frequency.unit}s since the newest value",
            n=len(usual),
            since=frequency.start_of(source.newest + int(benchmark) + 1) if breached else None,
            breached=breached,
            severity="warning" if breached else "info",
            why=f"The newest value of {source.name} is of {stamp}, {number_of(age, frequency.unit)} ago; {rule}.",
        )

    def _gone(self, source: Source, at: date | datetime) -> Finding:
        return Finding(
            check="freshness",
            subject=source.name,
            at=at,
            value=None,
            benchmark=None,
            n=len(source.usual),
            breached=len(source.usual) > 0,
            severity="warning",
            why=f"{source.name[:1].upper()}{source.name[1:]} has no value at all: see that it is sent, or take it "
            "out of the model.",
        )
