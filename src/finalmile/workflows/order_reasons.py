"""Why a line of an order has its quantity, as a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from finalmile.records import OrderLine

_BOUNDS = {
    "moq": "the supplier takes no less than {moq:g}",
    "pack_size": "packs hold {pack_size:g}",
    "max_stock": "no more than {max_stock:g} may be in stock",
    "price_breaks": "from {break_units:g} on a unit costs {price_at_break:g}",
    "shelf_life": "more is not likely enough to sell before it expires",
    "supplier_minimum": "the supplier takes no smaller order",
    "storage": "its location holds no more",
    "budget": "the budget buys no more",
}
_NUMBERS = ("moq", "pack_size", "max_stock", "break_units", "price_at_break")


def reason(line: OrderLine) -> str:
    """Why a line has its quantity.

    Examples
    --------
    >>> from datetime import date
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
    if not told.get("policy"):
        return "No policy of this project has worked out this quantity."
    wanted = _amount(told.get("wanted"))
    parts = [_span(told), f"{_stock(told)}, so {wanted} {'is' if wanted == '1' else 'are'} wanted"]
    bound = str(told.get("bound", ""))
    if bound:
        why = _filled(_BOUNDS[bound], told) if bound in _BOUNDS else f"{bound.replace('_', ' ')} bounds it"
        parts.append(f"{why}, so {_first_quantity(line):,} are ordered")
    parts += _decided_since(line)
    assumed = " Costs or lead time are assumed." if line.assumed else ""
    return "; ".join(parts) + "." + assumed


def _first_quantity(line: OrderLine) -> int:
    """What the policy's numbers came to, before anybody decided otherwise."""
    told = line.reason
    first = _note(told, "override").get("proposed_quantity", _note(told, "acknowledged").get("asked_quantity"))
    return first if isinstance(first, int) else line.quantity


def _decided_since(line: OrderLine) -> list[str]:
    """Who made another quantity of it."""
    override, answer = _note(line.reason, "override"), _note(line.reason, "acknowledged")
    asked = answer.get("asked_quantity", line.quantity)
    told: list[str] = []
    if override and asked != _first_quantity(line):
        told.append(f"{override.get('by') or 'somebody'} made it {asked:,} ({override.get('code')})")
    if asked != line.quantity:
        told.append(f"the supplier confirmed {line.quantity:,}")
    return told


def _note(told: Mapping[str, object], name: str) -> Mapping[str, object]:
    note = told.get(name)
    return cast("Mapping[str, object]", note) if isinstance(note, Mapping) else {}


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
    if told.get("supplier_ordered") and _number(told, "on_hand") + _number(told, "on_order") >= _number(
        told, "reorder_point"
    ):
        here += "; it joins the order of its supplier's other products"
    ahead = told.get("cycles_ahead")
    further = f", for {_amount(ahead)} {'cycle' if ahead == 1 else 'cycles'} more," if ahead else ","
    return f"{told.get('policy')} aims at {_amount(told.get('level'))} in stock and on the way{further} and {here}"


def _filled(sentence: str, told: Mapping[str, object]) -> str:
    return sentence.format(**{name: told.get(name) or 0.0 for name in _NUMBERS})


def _number(told: Mapping[str, object], name: str) -> float:
    """A number told, or one that a step told."""
    value = told.get(name)
    if value is None:
        steps = told.get("steps")
        each = cast("Sequence[Mapping[str, object]]", steps) if isinstance(steps, list | tuple) else ()
        value = next((step["value"] for step in each if step["name"] == name), None)
    return float(value) if isinstance(value, int | float) else 0.0


def _amount(value: object) -> str:
    return f"{value:,.1f}".removesuffix(".0") if isinstance(value, int | float) else "an unknown number"
