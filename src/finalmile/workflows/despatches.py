"""What is on its way by the notices of suppliers, each shipment counted once however often it is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import cast

from finalmile.errors import printable
from finalmile.inventory.answers import LineAnswer, Shipment
from finalmile.records import Json, LineChange, OrderLine
from finalmile.workflows.orders import AT_SUPPLIER, acknowledgement, note_of

_LONGEST_WAIT_DAYS = 3_660
MOST_SHIPMENTS = 1_000
"""Of one line: many more than any delivery in parts has."""


class OnItsWay:
    """Units of lines that are announced, shipment by shipment, as the notices of a file leave them.

    A shipment is known by its number and its sender. Announced again with the same units it is the same; with others it
    is a fault, unless the notice says that it replaces the earlier one. What is replaced or cancelled is gone from
    every line that held it.

    Parameters
    ----------
    lines
        All order lines.
    """

    def __init__(self, lines: Sequence[OrderLine]) -> None:
        self.faults: list[str] = []
        self.notes: list[str] = []
        self.alarmed = False
        self._now: dict[str, dict[str, Json]] = {}
        self._holding: dict[str, dict[str, OrderLine]] = {}
        self._changed: dict[str, tuple[OrderLine, list[str]]] = {}
        self._named: dict[str, set[str]] = {}
        self._seen: set[str] = set()
        for line in lines:
            for name in _shipments(line):
                self._holding.setdefault(name, {})[line.line_id] = line

    def seen(self, shipment: Shipment) -> None:
        """A notice that was taken in before: it changes nothing, neither what it names nor what it leaves out."""
        self._seen.add(shipment.key)

    def take(self, one: LineAnswer, shipment: Shipment, line: OrderLine) -> None:
        """What a notice says of a line that is at the supplier."""
        self._named.setdefault(shipment.key, set()).add(line.line_id)
        self.faults += no_such_day(one, line)
        units = 0 if shipment.purpose == "cancel" else one.shipped or 0
        known = self._of(line).get(shipment.name)
        if shipment.purpose == "original" and known is not None and known["units"] != units:
            before = f"with {known['units']:,} units" if known["units"] else "as cancelled"
            self.faults.append(
                f"{one.place}: {_what(line)} was told {before} in shipment {printable(shipment.number)!r} before, and "
                f"now with {units:,}; ask for a notice that says that it replaces the earlier one"
            )
            return
        if known is None and len(self._of(line)) >= MOST_SHIPMENTS:
            self.faults.append(
                f"{one.place}: {_what(line)} is in more than {MOST_SHIPMENTS:,} shipments; ask for fewer"
            )
            return
        self._put(line, shipment, units, one.due)

    def close(self, shipment: Shipment) -> None:
        """What a notice that replaces or cancels a shipment means for lines that it does not name."""
        if shipment.purpose == "original" or shipment.key in self._seen:
            return
        named = self._named.get(shipment.key, set())
        held = [line for line_id, line in self._holding.get(shipment.name, {}).items() if line_id not in named]
        if not held and not named and shipment.purpose == "cancel":
            told = printable(shipment.number)
            self.faults.append(f"{shipment.place}: cancels shipment {told!r}, which was never announced to us")
        for line in held:
            if shipment.key not in keys_of(line) and line.state in AT_SUPPLIER:
                self._put(line, shipment, 0, None)

    def changes(self) -> Iterator[LineChange]:
        """What becomes of each line; nothing for those of which all was known."""
        for line_id, (line, keys) in self._changed.items():
            shipments = self._now[line_id]
            if shipments == _shipments(line):
                continue
            units = sum(int(str(one["units"])) for one in shipments.values())
            self._remark(line, units)
            note: Json = {
                "answers": [*keys_of(line), *keys],
                "despatched": {"units": units, "shipments": shipments},
            }
            due = _last_day(shipments) if units >= line.quantity else None
            yield acknowledgement(line, due=in_periods_of(line, due), note=note)

    @property
    def lines(self) -> list[str]:
        """Ids of the lines that something was said of."""
        return list(self._changed)

    def _put(self, line: OrderLine, shipment: Shipment, units: int, due: date | None) -> None:
        self._holding.setdefault(shipment.name, {})[line.line_id] = line
        self._of(line)[shipment.name] = {"units": units, "due": None if due is None else due.isoformat()}
        _, keys = self._changed.setdefault(line.line_id, (line, []))
        if shipment.key and shipment.key not in keys:
            keys.append(shipment.key)

    def _of(self, line: OrderLine) -> dict[str, Json]:
        if line.line_id not in self._now:
            self._now[line.line_id] = _shipments(line)
        return self._now[line.line_id]

    def _remark(self, line: OrderLine, units: int) -> None:
        before = sum(int(str(one["units"])) for one in _shipments(line).values())
        if units < before:
            self.alarmed = True
            self.notes.append(
                f"{_what(line)}: {units:,} units are on their way, {before:,} were before; it is still due {line.due}"
            )
        elif units < line.quantity:
            self.notes.append(f"{_what(line)}: {units:,} of {line.quantity:,} units are on their way")
        elif units > line.quantity:
            self.notes.append(f"{_what(line)}: {units:,} units are on their way, {line.quantity:,} were ordered")


def keys_of(line: OrderLine) -> list[str]:
    """What tells the answers and notices that a line was changed by from others."""
    found = line.reason.get("answers")
    return [str(one) for one in cast("list[object]", found)] if isinstance(found, list) else []


def no_such_day(one: LineAnswer, line: OrderLine) -> Iterator[str]:
    """The fault of a day on which nothing of the order can arrive."""
    ordered = line.ordered_at.date() if isinstance(line.ordered_at, datetime) else line.ordered_at
    if one.due is not None and not 0 <= (one.due - ordered).days <= _LONGEST_WAIT_DAYS:
        yield f"{one.place}: {one.due} is no day on which an order of {ordered} arrives"


def in_periods_of(line: OrderLine, due: date | None) -> date | datetime | None:
    """The day, at the hour of the line where that has hours."""
    if due is not None and isinstance(line.due, datetime):
        return datetime.combine(due, line.due.time())
    return due


def _shipments(line: OrderLine) -> dict[str, Json]:
    found = note_of(line, "despatched").get("shipments")
    return dict(cast("Mapping[str, Json]", found)) if isinstance(found, Mapping) else {}


def _last_day(shipments: Mapping[str, Json]) -> date | None:
    days = [str(one["due"]) for one in shipments.values() if one["units"] and one["due"] is not None]
    return max((date.fromisoformat(day) for day in days), default=None)


def _what(line: OrderLine) -> str:
    return f"{printable(line.unique_id)!r} of {line.order_id}"
