"""One order of the demo from approval to receipt: sent to a folder, answered and delivered in files, and short."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import polars as pl

from finalmile.records import OrderLine, OrderState

INBOX = "inbox"


class Lines(Protocol):
    """Order lines."""

    @property
    def rows(self) -> tuple[OrderLine, ...]:
        """Each of them."""
        ...


class Trading(Protocol):
    """What the demo does with an order: what anybody would."""

    @property
    def folder(self) -> Path:
        """Where the project is."""
        ...

    def orders(self, order: str | None = None, *, states: Sequence[OrderState] = ()) -> Lines:
        """Order lines."""
        ...

    def approve_orders(self, order: str, /) -> object:
        """Approve one order."""
        ...

    def send_order(self, order: str, /) -> Lines:
        """Send it."""
        ...

    def take_answers(self, path: Path, /, *, supplier: str | None = None) -> object:
        """Take in a supplier's file."""
        ...

    def take_receipts(self, source: str, /, *, supplier: str | None = None) -> object:
        """Take in what came."""
        ...


def trade(project: Trading) -> str:
    """Send the proposed order of the most lines, answer it as a supplier would, receive it; the story of it.

    The supplier confirms three quarters of the largest line, and on the day of the order delivers all that it confirmed
    but for half of the second largest one. Empty where nothing is proposed.
    """
    proposed = project.orders(states=("proposed",)).rows
    if not proposed:
        return ""
    sizes = {line.order_id: sum(line.order_id == other.order_id for other in proposed) for line in proposed}
    order = min(sizes, key=lambda name: (-sizes[name], name))
    project.approve_orders(order)
    sent = sorted(project.send_order(order).rows, key=lambda line: (-line.quantity, line.unique_id))
    inbox = project.folder / INBOX
    inbox.mkdir(exist_ok=True)
    supplier = sent[0].supplier
    answered, came = inbox / f"answer-{order}.csv", inbox / f"receipts-{order}.csv"
    promised = _answer(sent, answered)
    project.take_answers(answered, supplier=supplier)
    delivered = _deliver(sent, promised, came)
    if any(delivered):
        project.take_receipts(str(came), supplier=supplier)
    return _story(sent, promised, delivered)


def _answer(sent: Sequence[OrderLine], path: Path) -> list[int]:
    """The supplier's answer; the units that it promises of each line."""
    units = [line.quantity if n else -(-3 * line.quantity // 4) for n, line in enumerate(sent)]
    _table(sent, units).write_csv(path)
    return units


def _deliver(sent: Sequence[OrderLine], promised: Sequence[int], path: Path) -> list[int]:
    """The supplier's delivery on the day of the order; the units of each line."""
    units = [count // 2 if n == _short(sent) else count for n, count in enumerate(promised)]
    came = _table(sent, units).with_columns(pl.Series("received_at", [line.ordered_at for line in sent]))
    came.filter(pl.col("quantity") > 0).write_csv(path)
    return units


def _short(sent: Sequence[OrderLine]) -> int:
    return min(1, len(sent) - 1)


def _table(lines: Sequence[OrderLine], units: Sequence[int]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "order_id": [line.order_id for line in lines],
            "unique_id": [line.unique_id for line in lines],
            "quantity": list(units),
        }
    )


def _story(sent: Sequence[OrderLine], promised: Sequence[int], delivered: Sequence[int]) -> str:
    first, short = sent[0], sent[_short(sent)]
    return (
        f"Sent: {first.order_id} of {len(sent)} lines was approved and written to outbox/{first.order_id}.csv. "
        f"{first.supplier} confirms {promised[0]:,} of {first.quantity:,} units of {first.unique_id} and all else as "
        f"asked ({INBOX}/answer-{first.order_id}.csv). The same day all of that comes, but only "
        f"{delivered[_short(sent)]:,} of {promised[_short(sent)]:,} units of {short.unique_id}: the rest is awaited "
        f"({INBOX}/receipts-{first.order_id}.csv). Look: finalmile orders show {first.order_id}."
    )
