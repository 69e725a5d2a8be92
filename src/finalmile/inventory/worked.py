"""The arithmetic behind an order line's quantity, one printed step a line, to be followed by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import numpy as np

from finalmile.records import OrderLine

_FIRST = (
    "method", "cycle_service", "fill_rate", "review_periods", "lead_periods", "window", "expected_demand",
    "on_hand", "on_order", "moq", "pack_size", "max_stock",
)  # fmt: skip
_NOTES = ("override", "acknowledged", "sent")
_ELSEWHERE = frozenset((*_NOTES, "policy", "steps", "bound", "assumed", "cost_assumed", "superseded"))


def worked(line: OrderLine) -> list[str]:
    r"""Every number behind a line's quantity, then each step: the number's name, how it comes about, what it is.

    What is printed is enough to recompute the quantity: a step names only numbers printed above it, with the functions
    of :mod:`finalmile.inventory.steps`. A rule prints the running number ``units`` anew, and its name in brackets.

    Examples
    --------
    >>> from datetime import date
    >>> import numpy as np
    >>> from finalmile.frames import Frequency
    >>> from finalmile.inventory import PointDemand, order_lines, position
    >>> from finalmile.inventory.policies import policies
    >>> at = position(np.array(["tea"], dtype=object), on_hand=np.array([1.0]), lead_periods=np.array([2]),
    ...               pack_size=np.array([6.0]))
    >>> wanted = policies.make("periods_of_cover")(at, PointDemand(mean=np.full((1, 4), 2.0), sd=np.ones(1)))
    >>> line, = order_lines(at, wanted, ordered_at=date(2024, 5, 1), frequency=Frequency("day"), currency="EUR")
    >>> print("\n".join(worked(line)[-9:]))
    moq = 0
    pack_size = 6
    nearest = False
    periods = 4
    level = expected_demand = 8
    wanted = max(0, level - on_hand - on_order) = 7
    units = round_up(wanted - 0.000000001) = 7
    units = round_up(units / pack_size - 0.000000001) * pack_size = 12 [pack_size]
    ordered = units = 12
    """
    steps = _steps(line)
    return [*_numbers(line.reason, steps), *map(_step, steps), *_people(line.reason), _ordered(line, steps)]


def _steps(line: OrderLine) -> Sequence[Mapping[str, object]]:
    return cast("Sequence[Mapping[str, object]]", line.reason.get("steps", ()))


def _numbers(told: Mapping[str, object], steps: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """What is given: first what every line has, then what the policy and the rules add."""
    derived = {step["name"] for step in steps}
    yield f"policy = {told.get('policy', 'unknown')}"
    order = {name: k for k, name in enumerate(_FIRST)}
    for name in sorted(told, key=lambda name: (order.get(name, len(order)), _numbered(name))):
        if name not in derived and name not in _ELSEWHERE and isinstance(told[name], int | float | str):
            yield f"{name} = {_text(told[name])}"


def _numbered(name: str) -> tuple[str, int]:
    """Names with a number at the end in the order of the number."""
    word = name.rstrip("0123456789")
    return word, int(name[len(word) :] or 0)


def _step(step: Mapping[str, object]) -> str:
    formula, value = str(step["formula"]), _text(step["value"])
    how = f"{step['name']} = {formula}" + ("" if formula == value else f" = {value}")
    return f"{how} [{step['rule']}]" if step.get("rule") else how


def _people(told: Mapping[str, object]) -> Iterator[str]:
    for name in _NOTES:
        note = told.get(name)
        if isinstance(note, Mapping):
            said = cast("Mapping[str, object]", note)
            yield f"{name}: " + ", ".join(f"{key} {value}" for key, value in said.items() if value not in (None, ""))


def _ordered(line: OrderLine, steps: Sequence[Mapping[str, object]]) -> str:
    follows = steps and steps[-1]["name"] == "units" and steps[-1]["value"] == line.quantity
    return f"ordered = units = {line.quantity}" if follows else f"ordered = {line.quantity}"


def _text(value: object) -> str:
    """A number with all its digits, one of single precision with all of those."""
    if not isinstance(value, float):
        return str(value)
    single = np.float32(value) if abs(value) < 1e30 else np.float32(0)
    return (str(single) if float(single) == value else repr(value)).removesuffix(".0")
