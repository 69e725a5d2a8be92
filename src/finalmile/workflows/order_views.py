"""What the pages show of orders: lines by state, how late they are, what came of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from finalmile.ports import Ledger
from finalmile.records import OrderLine, OrderState
from finalmile.workflows.order_reasons import reason
from finalmile.workflows.orders import EDITABLE, OVER, REASON_CODES, mark_of, note_of
from finalmile.workflows.receipts import AWAITED, Came, as_they_stand, day_of
from finalmile.workflows.sending import pending_document

TABS: tuple[OrderState, ...] = ("proposed", "approved", "sent", "acknowledged", "late", "received", "cancelled")
BUSY: tuple[OrderState, ...] = ("proposed", "late", "approved")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """A line as a page shows it.

    Parameters
    ----------
    came
        Units received of it.
    days_late
        Days since it was due; 0 where it is not late.
    why
        Why it has its quantity, in a sentence.
    in_doubt
        It was being sent when something failed: the supplier may have it.
    proposed
        Units that were proposed, where somebody changed them; else ``None``.
    """

    line: OrderLine
    came: float
    days_late: int
    why: str
    in_doubt: bool
    proposed: int | None

    @property
    def mark(self) -> str:
        """What a form says to mean this line as it was shown."""
        return mark_of(self.line)

    @property
    def value(self) -> float | None:
        """Money it costs; ``None`` where the cost of a unit is not known."""
        return None if self.line.unit_cost is None else self.line.quantity * self.line.unit_cost

    @property
    def editable(self) -> bool:
        """Whether quantity and day may still be changed."""
        return self.line.state in EDITABLE and not self.in_doubt

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.line.state in OVER


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """One page of a list of order lines.

    Parameters
    ----------
    counts
        Lines by state, of the supplier and product that are asked for.
    found, pages
        Lines in the state that is shown, and pages of them.
    """

    rows: tuple[OrderRow, ...]
    counts: Mapping[str, int]
    found: int
    page: int
    pages: int
    state: OrderState
    supplier: str
    product: str
    suppliers: tuple[str, ...]
    currency: str
    as_of: date

    @property
    def orders(self) -> Sequence[tuple[str, Sequence[OrderRow]]]:
        """Orders of this page with their rows."""
        grouped: dict[str, list[OrderRow]] = {}
        for row in self.rows:
            grouped.setdefault(row.line.order_id, []).append(row)
        return list(grouped.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWanted:
    """Which lines to list; in the first state that asks for a decision where none is named."""

    state: OrderState | None = None
    supplier: str = ""
    product: str = ""
    page: int = 1
    size: int = 50


def order_page(ledger: Ledger, wanted: ListWanted, /, *, came: Came, today: date, currency: str) -> OrderPage:
    """Lines in a state, as receipts and the calendar leave them: oldest first, of what is over newest first.

    Only lines that are on their way are read whole, whatever has piled up of others.
    """
    orders = partial(ledger.orders, supplier=wanted.supplier or None, product=wanted.product or None)
    recorded = ledger.order_counts(product=wanted.product or None)
    under_way = as_they_stand(orders(states=AWAITED), came, today=today)
    counts: Counter[OrderState] = Counter()
    for (state, supplier), number in recorded.items():
        if state not in AWAITED and wanted.supplier in {"", supplier}:
            counts[state] += number
    counts.update(line.state for line in under_way)
    shown = wanted.state or _busy(counts)
    pages = max(1, -(-counts[shown] // wanted.size))
    page = min(max(wanted.page, 1), pages)
    moved = [line for line in under_way if line.state == shown]
    first = (page - 1) * wanted.size
    rows = moved[first : first + wanted.size]
    if shown not in AWAITED and len(rows) < wanted.size:
        left, offset = wanted.size - len(rows), max(first - len(moved), 0)
        rows += orders(states=(shown,), limit=left, offset=offset, newest_first=shown in OVER)
    return OrderPage(
        rows=tuple(order_row(line, came, today=today) for line in rows),
        counts={name: counts[name] for name in TABS},
        found=counts[shown],
        page=page,
        pages=pages,
        state=shown,
        supplier=wanted.supplier,
        product=wanted.product,
        suppliers=tuple(sorted({supplier for _, supplier in recorded})),
        currency=currency,
        as_of=today,
    )


def _busy(counts: Mapping[OrderState, int]) -> OrderState:
    """The first state that asks for a decision and that there are lines of."""
    for state in BUSY:
        if counts[state]:
            return state
    return "proposed"


def order_row(line: OrderLine, came: Came, *, today: date) -> OrderRow:
    """One line as a page shows it."""
    proposed = note_of(line, "override").get("proposed_quantity")
    return OrderRow(
        line=line,
        came=came.get((line.order_id, line.unique_id), 0.0),
        days_late=max((today - day_of(line.due)).days, 0) if line.state == "late" else 0,
        why=reason(line),
        in_doubt=pending_document(line) is not None,
        proposed=proposed if isinstance(proposed, int) and proposed != line.quantity else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """One line with everything that is known of it."""

    row: OrderRow
    worked: tuple[str, ...]
    notes: tuple[tuple[str, str], ...]
    codes: tuple[str, ...] = REASON_CODES
    currency: str = "EUR"


def line_view(line: OrderLine, came: Came, *, worked: Sequence[str], today: date, currency: str) -> LineView:
    """A line, the steps of its quantity, and what people and suppliers said of it."""
    told = [(name, note_of(line, name)) for name in ("override", "sending", "sent", "acknowledged")]
    notes = [
        (name, ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in note.items() if value not in (None, "")))
        for name, note in told
        if note
    ]
    return LineView(row=order_row(line, came, today=today), worked=tuple(worked), notes=tuple(notes), currency=currency)
