"""Order lines as the command line tells them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finalmile.workflows.reports import Orders


class ReasonedOrders:
    """Order lines, each with a sentence that says why, or with every step of the arithmetic."""

    breached = False

    def __init__(self, report: Orders, *, worked_out: bool = False) -> None:
        self._report, self._worked_out = report, worked_out

    def to_dict(self) -> Mapping[str, object]:
        """Every number behind every line."""
        return self._report.to_dict()

    def lines(self) -> Iterable[str]:
        """Two lines for each of the order: what, and why."""
        if not self._report.rows:
            yield from self._report.lines()
        for line in self._report.rows:
            who = f"{line.order_id}  {line.state:12} {line.supplier:12}"
            yield f"{who} {line.unique_id}  {line.quantity:,}  due {line.due}"
            if self._worked_out:
                yield from (f"    {step}" for step in self._report.worked(line))
            else:
                yield f"    {self._report.reason(line)}"
