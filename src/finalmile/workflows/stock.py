"""Stock of a project: what is there, what is on its way, and where the books cannot be right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from finalmile.errors import UnknownNameError
from finalmile.frames import Panel
from finalmile.inventory.reconciliation import stock_findings, written_off
from finalmile.inventory.stock_book import Standing, StockBook, counted, standing
from finalmile.records import Finding, Json
from finalmile.wording import number_of
from finalmile.workflows.attributes import Attributes
from finalmile.workflows.receipts import day_of
from finalmile.workflows.replay import HISTORY_DAYS
from finalmile.workflows.shop import Shop, known_cutoff

_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class StockRow:
    """One item: units on the shelf, on their way, and what the books make of the last count.

    ``booked`` is ``count``, plus ``shelved`` (receipts, adjustments and transfers since), less ``sold`` since.
    """

    unique_id: str
    on_hand: float
    on_the_way: float
    booked: float
    counted_at: object
    count: float
    shelved: float
    sold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StockTold:
    """Stock at the end of the newest sales.

    Parameters
    ----------
    without_count
        Items with sales that nobody has counted.
    written_off
        Units written off in the last four weeks, by reason.
    bounds
        Lines that wait for approval, by the rule that set their quantity; ``""`` where no rule did.
    """

    ds: object
    rows: tuple[StockRow, ...]
    findings: tuple[Finding, ...]
    without_count: tuple[str, ...] = ()
    written_off: Json = field(default_factory=dict[str, object])
    bounds: Mapping[str, int] = field(default_factory=dict[str, int])
    breached: bool = False

    def lines(self) -> list[str]:
        """Totals, what is wrong, and the first items."""
        here, coming = sum(row.on_hand for row in self.rows), sum(row.on_the_way for row in self.rows)
        lost = ", ".join(f"{reason} {units:,.10g}" for reason, units in self.written_off.items())
        counted, uncounted = (number_of(len(told), "item") for told in (self.rows, self.without_count))
        return [
            f"End of {self.ds}: {here:,.10g} units of {counted} on hand, {coming:,.10g} on their way.",
            *([f"{uncounted} with sales never counted."] if self.without_count else []),
            *([f"Written off in the last four weeks: {lost} units."] if lost else []),
            *(f"  {one.check}: {one.subject}: {one.why}" for one in self.findings),
            *(_row(row) for row in self.rows[:_SHOWN]),
            *([f"  ... and {len(self.rows) - _SHOWN:,} more: --json"] if len(self.rows) > _SHOWN else []),
        ]

    def to_dict(self) -> Json:
        """Every item and finding."""
        return {
            "ds": self.ds,
            "items": [asdict(row) for row in self.rows],
            "findings": [asdict(one) for one in self.findings],
            "without_count": list(self.without_count),
            "written_off": dict(self.written_off),
            "bounds": dict(self.bounds),
        }


def _row(row: StockRow) -> str:
    here = f"{row.on_hand:,.10g} on hand, {row.on_the_way:,.10g} on their way"
    return f"  {row.unique_id}  {here}, counted {row.counted_at}"


def stock(shop: Shop, book: StockBook, *, product: str | None = None) -> StockTold:
    """Stock of every counted item, or of one.

    Raises
    ------
    MissingInputError
        Where nothing was counted.
    UnknownNameError
        Where no item that is counted is called so.
    """
    panel, missing = counted(_panel(shop), book)
    if product is not None and product not in set(panel.ids):
        raise UnknownNameError("counted item", product, [str(name) for name in panel.ids])
    told = standing(panel, book)
    coming = told.arriving.sum(axis=1)
    rows = [
        StockRow(
            unique_id=str(name),
            on_hand=float(told.on_hand[row]),
            on_the_way=float(coming[row]),
            booked=float(told.booked[row]),
            counted_at=shop.day(int(told.since[row])),
            count=float(told.count[row]),
            shelved=float(told.shelved[row]),
            sold=float(told.sold[row]),
        )
        for row, name in enumerate(panel.ids)
        if product in {None, name}
    ]
    findings = [
        one for one in findings_at(shop, panel, book, told) if product is None or one.subject == f"product {product}"
    ]
    until = day_of(shop.day(panel.cutoff))
    return StockTold(
        ds=shop.day(panel.cutoff),
        rows=tuple(rows),
        findings=tuple(findings),
        without_count=missing if product is None else (),
        written_off=written_off(book, until=until) if product is None else {},
        bounds=_bounds(shop, product),
    )


def _bounds(shop: Shop, product: str | None) -> dict[str, int]:
    """Lines that wait for approval by the rule that set their quantity, most first."""
    lines = shop.ledger.orders(states=("proposed",), product=product)
    told = Counter(str(line.reason.get("bound") or "") for line in lines)
    return dict(sorted(told.items(), key=lambda one: (-one[1], one[0])))


def findings_at(shop: Shop, panel: Panel, book: StockBook, told: Standing) -> list[Finding]:
    """Where the books of a panel's items cannot be right."""
    given = Attributes(panel.ids, shop.known.items(panel.cutoff))
    keeps = given.number("shelf_life_days") / shop.frequency.days
    return stock_findings(
        panel,
        book,
        told,
        unit_cost=given.number("unit_cost"),
        shelf_life=np.where(np.isnan(keeps), np.inf, keeps),
        tolerance=shop.config.plan.count_tolerance,
    )


def _panel(shop: Shop) -> Panel:
    return shop.known.panel(known_cutoff(shop, None), periods=shop.periods(HISTORY_DAYS))
