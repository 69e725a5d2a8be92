"""Two ways of ordering side by side: the same demand, the same lead times, the same opening stock."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from finalmile.frames import Frequency, IntArray
from finalmile.frames.rows import rows_in as rows_in
from finalmile.impact import Economics
from finalmile.inventory import Position, Proposal
from finalmile.simulation import Flow, Stock, Traded, UnitsArray, place, trade


@dataclass(slots=True, kw_only=True)
class Arm:
    """One way of ordering, and what became of its stock; rows are the series of the whole comparison."""

    name: str
    stock: Stock
    days: list[Traded] = field(default_factory=list[Traded])
    ordered: list[UnitsArray] = field(default_factory=list[UnitsArray])

    def trade(self, demand: UnitsArray) -> Traded:
        """Receive what is due and serve one period's demand."""
        traded = trade(self.stock, demand)
        self.stock = traded.closing
        self.days.append(traded)
        self.ordered.append(np.zeros(len(demand)))
        return traded

    def order(self, proposal: Proposal, at: Position, rows: IntArray, *, lead_periods: IntArray | None = None) -> None:
        """Place what was proposed for these rows, at the end of the period traded last (or before the first).

        Parameters
        ----------
        lead_periods : array of shape (len(rows),)
            What the deliveries really take; as planned where not given.
        """
        quantity, lead = np.zeros(len(self.stock.on_hand)), np.zeros(len(self.stock.on_hand), dtype=np.int64)
        quantity[rows], lead[rows] = proposal.quantity, at.lead_periods if lead_periods is None else lead_periods
        self.stock = place(self.stock, quantity, lead=lead)
        if self.ordered:
            self.ordered[-1] = quantity

    def stocked(self, rows: IntArray, units: UnitsArray) -> None:
        """Put opening units on the shelf of rows that begin."""
        on_hand = self.stock.on_hand.copy()
        on_hand[rows] += units
        self.stock = Stock(on_hand=on_hand, pipeline=self.stock.pipeline)

    def flow(self) -> Flow:
        """Everything that happened, period by period."""
        return Flow(
            on_hand=_wide([day.closing.on_hand for day in self.days]),
            sold=_wide([day.sold for day in self.days]),
            lost=_wide([day.lost for day in self.days]),
            ordered=_wide(self.ordered),
            received=_wide([day.received for day in self.days]),
            closing=self.stock,
        )


def daily(flow: Flow, *, arm: str, first: int, frequency: Frequency, economics: Economics) -> pl.DataFrame:
    """One row per period of an arm: units, stock at cost, stock-outs, and money earned net of holding and ordering."""
    length = flow.sold.shape[1]
    return pl.DataFrame(
        {
            "arm": pl.Series([arm]).new_from_index(0, length),
            "ds": frequency.start(np.arange(first, first + length, dtype=np.int64)),
            "demand": flow.demand.sum(axis=0),
            "sold": flow.sold.sum(axis=0),
            "lost": flow.lost.sum(axis=0),
            "stockouts": (flow.lost > 0).sum(axis=0),
            "on_hand": flow.on_hand.sum(axis=0),
            "stock_value": economics.inventory_value(flow).sum(axis=0),
            "benefit": economics.benefit(flow).sum(axis=0),
            "ordered": flow.ordered.sum(axis=0),
            "order_lines": (flow.ordered > 0).sum(axis=0),
        }
    )


def _wide(columns: list[UnitsArray]) -> UnitsArray:
    return np.stack(columns, axis=1)
