"""What is told of planners' edits: by planner and reason, with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from finalmile.records import Estimate, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """One edit whose time is over: money it saved by less lost sales, and by less stock."""

    planner: str
    code: str
    day: str
    shortage: float
    holding: float

    @property
    def saved(self) -> float:
        """Both together; negative where the proposal was better."""
        return self.shortage + self.holding


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideValue:
    """What the edits of a planner for a reason saved.

    Parameters
    ----------
    edits, better
        How many, and how many of them cost less than the proposal would have.
    shortage, holding
        Money saved by less lost sales, and by less stock; negative where there was more.
    saved
        Both, with a 95 % interval from days as blocks.
    """

    planner: str
    code: str
    edits: int
    better: int
    shortage: float
    holding: float
    saved: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Whether planners beat the system.

    Parameters
    ----------
    rows
        By planner and reason.
    total
        All of them, as one row; none where nothing is judged.
    waiting
        Edits that were sent and whose time is not over.
    unpriced
        Edits of items without price or cost, which are left out.
    """

    rows: tuple[OverrideValue, ...]
    total: tuple[OverrideValue, ...] = ()
    waiting: int = 0
    unpriced: int = 0
    currency: str = "EUR"
    breached: bool = False

    def lines(self) -> list[str]:
        """A line for all edits, then one for each planner and reason."""
        waiting = [f"{self.waiting:,} more are not judged: their time is not over."] if self.waiting else []
        unpriced = [f"{self.unpriced:,} are left out: their items have no price or cost."] if self.unpriced else []
        if not self.total:
            return ["No edit is judged yet: edit an order (finalmile orders edit) and send it.", *waiting, *unpriced]
        return [
            f"Planners against the system, on the demand that came: {self._sentence(self.total[0])}",
            *(f"  {row.planner or 'unknown'}, {row.code}: {self._sentence(row)}" for row in self.rows),
            *waiting,
            *unpriced,
        ]

    def to_dict(self) -> Json:
        """Rows, all of them together, and what is not judged."""
        return asdict(self)

    def _sentence(self, row: OverrideValue) -> str:
        money = f"{row.saved.value:+,.2f} {self.currency}" if row.saved.value is not None else "unknown"
        span = (
            f"{row.saved.low:+,.2f} to {row.saved.high:+,.2f}"
            if row.saved.low is not None and row.saved.high is not None
            else row.saved.why
        )
        return (
            f"{row.edits:,} edits, {row.better:,} better than proposed; saved {money} ({span}): "
            f"{row.shortage:+,.2f} by lost sales, {row.holding:+,.2f} by stock."
        )


def override_values(weighed: Sequence[Weighed], *, together: bool = False) -> list[OverrideValue]:
    """Edits by planner and reason, or all together; nothing of nothing."""
    groups: dict[tuple[str, str], list[Weighed]] = {}
    for one in weighed:
        groups.setdefault(("", "") if together else (one.planner, one.code), []).append(one)
    return [
        OverrideValue(
            planner=planner,
            code=code,
            edits=len(mine),
            better=sum(one.saved > 0 for one in mine),
            shortage=sum(one.shortage for one in mine),
            holding=sum(one.holding for one in mine),
            saved=saved_with_interval(mine),
        )
        for (planner, code), mine in sorted(groups.items())
    ]


def saved_with_interval(weighed: Sequence[Weighed]) -> Estimate:
    r"""Money saved by edits, with an interval of Student's t over days: edits of one day share its demand.

    .. math:: K \left(\bar{x} \pm t_{K-1}\, s / \sqrt{K}\right)

    with :math:`x_k` the money saved by the edits of the ``k``-th of ``K`` days that had any.

    Examples
    --------
    Three days that saved 1, 2 and 3: t = 4.303, s = 1.

    >>> days = [Weighed(planner="a", code="event", day=day, shortage=float(day), holding=0.0) for day in "123"]
    >>> told = saved_with_interval(days)
    >>> told.value, round(told.low, 2), round(told.high, 2)
    (6.0, -1.45, 13.45)
    """
    by_day: dict[str, float] = {}
    for one in weighed:
        by_day[one.day] = by_day.get(one.day, 0.0) + one.saved
    days = np.array(list(by_day.values()))
    value, count = float(days.sum()), len(days)
    if count < 2:
        return Estimate(value=value, n_blocks=count, why="no interval from edits of a single day")
    from scipy.special import stdtrit

    half = count * float(stdtrit(count - 1, 0.975) * days.std(ddof=1) / np.sqrt(count))
    return Estimate(value=value, low=value - half, high=value + half, n_blocks=count)
