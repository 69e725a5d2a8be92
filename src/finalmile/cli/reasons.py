"""Why a line of an order has its quantity, as a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finalmile.records import OrderLine
    from finalmile.workflows.reports import Orders

_BOUNDS = {
    "moq": "the supplier takes no less than {moq:g}",
    "pack_size": "packs hold {pack_size:g}",
    "max_stock": "no more than {max_stock:g} may be in stock",
}


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
                yield f"    {reason(line)}"


def reason(line: OrderLine) -> str:
    """Why a line has its quantity.

    Examples
    --------
    >>> from datetime import date
    >>> from finalmile.records import OrderLine
    >>> told = {"policy": "order_up_to", "window": 9, "review_periods": 7, "lead_periods": 2, "expected_demand": 12.34,
    ...         "level": 30.0, "on_hand": 4.0, "on_order": 2.0, "wanted": 23.0, "pack_size": 6.0, "bound": "pack_size"}
    >>> line = OrderLine(order_id="o", line_id="l", supplier="s", unique_id="milk", quantity=24, unit_cost=None,
    ...                  currency="EUR", ordered_at=date(2024, 1, 1), due=date(2024, 1, 3), reason=told)
    >>> print(reason(line))  # doctest: +NORMALIZE_WHITESPACE
    Must last 9 periods (2 until it arrives, 7 until the next order), in which 12.3 are expected to be asked for;
    order_up_to aims at 30 in stock and on the way, and 4 are in stock and 2 on the way,
    so 23 are wanted; packs hold 6, so 24 are ordered.
    """
    told = line.reason
    parts = [_span(told), f"{_stock(told)}, so {_amount(told.get('wanted'))} are wanted"]
    bound = str(told.get("bound", ""))
    if bound:
        why = _filled(_BOUNDS[bound], told) if bound in _BOUNDS else f"{bound.replace('_', ' ')} bounds it"
        parts.append(f"{why}, so {line.quantity:,} are ordered")
    assumed = " Costs or lead time are assumed." if line.assumed else ""
    return "; ".join(parts) + "." + assumed


def _span(told: Mapping[str, object]) -> str:
    lead, review = _amount(told.get("lead_periods")), _amount(told.get("review_periods"))
    return (
        f"Must last {_amount(told.get('window'))} periods ({lead} until it arrives, {review} until the next order), "
        f"in which {_amount(told.get('expected_demand'))} are expected to be asked for"
    )


def _stock(told: Mapping[str, object]) -> str:
    here = f"{_amount(told.get('on_hand'))} are in stock and {_amount(told.get('on_order'))} on the way"
    if told.get("level") is None:
        return f"{told.get('policy')} decides, and {here}"
    return f"{told.get('policy')} aims at {_amount(told.get('level'))} in stock and on the way, and {here}"


def _filled(sentence: str, told: Mapping[str, object]) -> str:
    return sentence.format(**{name: told.get(name) or 0.0 for name in ("moq", "pack_size", "max_stock")})


def _amount(value: object) -> str:
    return f"{value:,.1f}".removesuffix(".0") if isinstance(value, int | float) else "an unknown number"
