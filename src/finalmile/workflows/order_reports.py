"""What is told of orders and suppliers: sentences for people, everything for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import cast

from finalmile.inventory.scorecards import Scorecard
from finalmile.records import Estimate, Json, OrderLine
from finalmile.wording import number_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Order lines that were changed.

    Parameters
    ----------
    told
        What was noted, a sentence each, where the changed lines do not say it, such as units of which more are to come.
    """

    what: str
    rows: tuple[OrderLine, ...]
    told: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    breached: bool = False

    def lines(self) -> list[str]:
        """What was noted; else how many lines of which orders changed, and each of up to ten."""
        return [*(self.told or self._moved()), *self.notes]

    def _moved(self) -> list[str]:
        if not self.rows:
            return [f"Nothing to do: all of it was {self.what} before."]
        orders = len({line.order_id for line in self.rows})
        units = sum(line.quantity for line in self.rows)
        return [
            f"{number_of(len(self.rows), 'line')} of {number_of(orders, 'order')} {_were(self.rows)} {self.what}: "
            f"{number_of(units, 'unit')}{_worth(self.rows)}.",
            *(f"  {one.order_id}  {one.unique_id}  {one.quantity:,}  due {one.due}" for one in self.rows[:10]),
            *([f"  ... and {len(self.rows) - 10:,} more"] if len(self.rows) > 10 else []),
            *(self._places() if self.what == "sent" else []),
        ]

    def _places(self) -> list[str]:
        """Where the documents are that went out."""
        notes = [cast("Mapping[str, object]", one.reason.get("sent") or {}) for one in self.rows]
        told = [f"  {note['document']}: {note['to']}" for note in notes if "to" in note]
        places = list(dict.fromkeys(told))
        return [*places[:10], *([f"  ... and {len(places) - 10:,} documents more"] if len(places) > 10 else [])]

    def to_dict(self) -> Json:
        """Every line as it is now."""
        return {
            "what": self.what,
            "orders": [asdict(line) for line in self.rows],
            "told": list(self.told),
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppliers:
    """How suppliers deliver."""

    cards: tuple[Scorecard, ...]
    breached: bool = False

    def lines(self) -> list[str]:
        """Three lines for each supplier."""
        if not self.cards:
            return ["Nothing is known of suppliers yet: finalmile ingest receipts FILE (with ordered_at and supplier)"]
        return [line for card in self.cards for line in _card(card)]

    def to_dict(self) -> Json:
        """Cards under ``suppliers``."""
        return {"suppliers": [asdict(card) for card in self.cards]}


def in_all(rows: Sequence[OrderLine]) -> str:
    """How many lines, orders and units there are, and what they cost."""
    orders, units = len({line.order_id for line in rows}), sum(line.quantity for line in rows)
    counts = f"{number_of(len(rows), 'line')} in {number_of(orders, 'order')}"
    return f"{counts}: {number_of(units, 'unit')}{_worth(rows)}"


def _worth(rows: Sequence[OrderLine]) -> str:
    """What lines cost, where that is known of all of them."""
    costs = [line.unit_cost for line in rows]
    known = [line.quantity * cost for line, cost in zip(rows, costs, strict=True) if cost is not None]
    return f", {sum(known):,.2f} {rows[0].currency}" if len(known) == len(rows) > 0 else ""


def _were(rows: Sequence[OrderLine]) -> str:
    return "was" if len(rows) == 1 else "were"


def _card(card: Scorecard) -> Iterator[str]:
    yield f"{card.supplier or '(no name)'}: {number_of(card.n, 'line')} came, {card.awaited:,} awaited"
    if card.n:
        yield (
            "  days from order to arrival: " + ", ".join(_quantiles(card)) + f"; mean {card.mean_days:.1f} of what came"
        )
    yield f"  on time {_share(card.on_time)}; in full {_share(card.in_full)}"


def _quantiles(card: Scorecard) -> Sequence[str]:
    return [
        f"{level:.0%} within {days:g}" if days is not None else f"{level:.0%} not told yet (too many are awaited)"
        for level, days in card.lead_time_days.items()
    ]


def _share(told: Estimate) -> str:
    if told.value is None or told.low is None or told.high is None:
        return f"unknown ({told.why})"
    return f"{told.value:.1%} ({told.low:.1%} to {told.high:.1%}, n = {told.n_blocks:,})"
