"""The arithmetic behind an order line's quantity, one printed step a line, to be followed by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil

from finalmile.records import OrderLine

_ORDERED = ("policy", "level", "on_hand", "on_order", "wanted", "moq", "pack_size", "max_stock", "bound")
_NOTES = ("override", "acknowledged", "sent")
_STEPS = frozenset((*_ORDERED, *_NOTES))


def worked(line: OrderLine) -> list[str]:
    r"""Every number behind a line's quantity, and each step from the level to the units that are ordered.

    A number is printed with all its digits, so that each step can be recomputed from what is printed alone. The rules
    are those of :func:`finalmile.inventory.orderable`: whole units, at least ``moq``, whole packs, room under
    ``max_stock``. A rule that the steps do not know is named with what it left.

    Examples
    --------
    >>> from datetime import date
    >>> told = {"policy": "order_up_to", "level": 30.0, "on_hand": 4.0, "on_order": 2.0, "wanted": 24.0, "moq": 0.0,
    ...         "pack_size": 7.0, "max_stock": None, "bound": "pack_size"}
    >>> line = OrderLine(order_id="o", line_id="l", supplier="s", unique_id="milk", quantity=28, unit_cost=None,
    ...                  currency="EUR", ordered_at=date(2024, 1, 1), due=date(2024, 1, 3), reason=told)
    >>> print("\n".join(worked(line)))
    policy = order_up_to
    level = 30
    on_hand = 4
    on_order = 2
    wanted = max(0, level - on_hand - on_order) = 24
    whole units = wanted rounded up = 24
    in packs of 7, rounded up = 28
    ordered = 28
    """
    told = line.reason
    return [*_numbers(told), *_wish(told), *_rules(told), *_people(told), f"ordered = {line.quantity}"]


def _numbers(told: Mapping[str, object]) -> Iterator[str]:
    yield f"policy = {told.get('policy', 'unknown')}"
    yield from (f"{name} = {_text(value)}" for name, value in told.items() if name not in _STEPS and value is not None)
    yield from (f"{name} = {_text(told[name])}" for name in ("level", "on_hand", "on_order") if _known(told, name))


def _wish(told: Mapping[str, object]) -> Iterator[str]:
    if not _known(told, "wanted"):
        return
    wanted = _number(told, "wanted")
    named = all(_known(told, name) for name in ("level", "on_hand", "on_order"))
    left = max(0.0, _number(told, "level") - _number(told, "on_hand") - _number(told, "on_order")) if named else None
    how = "max(0, level - on_hand - on_order) = " if left is not None and abs(left - wanted) <= 1e-6 else ""
    yield f"wanted = {how}{_text(wanted)}"


def _rules(told: Mapping[str, object]) -> Iterator[str]:
    if not _known(told, "wanted"):
        return
    units = ceil(max(_number(told, "wanted"), 0.0) - 1e-9)
    yield f"whole units = wanted rounded up = {units}"
    moq, pack = _number(told, "moq"), max(_number(told, "pack_size"), 1.0)
    if 0 < units < moq:
        units = ceil(moq)
        yield f"at least {_text(moq)} (moq) = {units}"
    if pack > 1:
        units = ceil(units / pack - 1e-9) * int(pack)
        yield f"in packs of {_text(pack)}, rounded up = {units}"
    if _known(told, "max_stock"):
        yield from _limit(told, units, pack=pack, moq=moq)
    if told.get("bound") not in (None, "", "moq", "pack_size", "max_stock"):
        yield f"bound = {told['bound']}"


def _limit(told: Mapping[str, object], units: int, *, pack: float, moq: float) -> Iterator[str]:
    held, most = _number(told, "on_hand") + _number(told, "on_order"), _number(told, "max_stock")
    room = int(max(most - held, 0.0) / pack + 1e-9) * int(pack)
    kept = min(units, room)
    kept = 0 if kept < moq else kept
    packs = f" in packs of {_text(pack)}" if pack > 1 else ""
    yield f"room under max_stock {_text(most)} = {room}{packs}, so at most {room} and, below moq, none = {kept}"


def _people(told: Mapping[str, object]) -> Iterator[str]:
    for name in _NOTES:
        note = told.get(name)
        if isinstance(note, Mapping):
            said: Mapping[object, object] = note  # pyright: ignore[reportUnknownVariableType]  # any mapping
            yield f"{name}: " + ", ".join(f"{key} {value}" for key, value in said.items() if value not in (None, ""))


def _known(told: Mapping[str, object], name: str) -> bool:
    return isinstance(told.get(name), int | float)


def _number(told: Mapping[str, object], name: str) -> float:
    value = told.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _text(value: object) -> str:
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
