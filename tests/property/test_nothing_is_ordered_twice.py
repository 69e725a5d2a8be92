"""Whatever happens in whatever order, stock and open orders are counted once, and nothing is ordered twice.

A shop of two products is kept beside the real project: what truly stands on its shelf, what it really awaits. Plans are
made and made again, crash, orders are edited, sent, postponed, received in part, again, in excess, cancelled, counted;
units are stolen, written off, found, and carried from one shelf to the other.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from math import ceil
from pathlib import Path
from unittest.mock import patch

import numpy as np
import polars as pl
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from finalmile.adapters.local.ledger import SqlLedger
from finalmile.inventory.stock_book import standing
from finalmile.project import Project
from finalmile.records import OrderLine, OrderState

ITEMS = ("bread", "milk")
BEGIN, HISTORY = date(2024, 1, 1), 35
SETTINGS = """
models: {demand: {forecaster: window_average, horizon_days: 14}}
plan: {review_period_days: 2}
assume: {lead_time_days: 2}
"""
FAST = (Phase.explicit, Phase.generate)
COMMITTED: tuple[OrderState, ...] = ("approved", "sent", "acknowledged", "late")
SENT: tuple[OrderState, ...] = ("sent", "acknowledged", "late")


@dataclass
class Clock:
    at: datetime = field(default_factory=lambda: datetime.combine(day(HISTORY), time(8), UTC))

    def now(self) -> datetime:
        return self.at


def day(number: int) -> date:
    return BEGIN + timedelta(days=number)


def rows(units: Mapping[tuple[str, int], float]) -> pl.DataFrame:
    return pl.DataFrame(
        {"unique_id": [item for item, _ in units], "ds": [day(t) for _, t in units], "y": list(units.values())},
        schema_overrides={"y": pl.Float64},
    )


@cache
def opened_shop() -> Path:
    """A project with five weeks of sales, a count after the last of them, and a live version."""
    folder = Path(tempfile.mkdtemp()) / "shop"
    folder.mkdir()
    (folder / "finalmile.yaml").write_text(SETTINGS)
    project = Project.open(folder, clock=Clock())
    chance = np.random.default_rng(1)
    project.sales.add(rows({(item, t): float(chance.poisson(3)) for item in ITEMS for t in range(HISTORY)}))
    project.items.add(pl.DataFrame({"unique_id": ITEMS, "supplier_id": ["mill", "dairy"], "unit_cost": [1.0, 2.0]}))
    project.stock.add(pl.DataFrame({"unique_id": ITEMS, "at": day(HISTORY - 1), "on_hand": 10.0}))
    project.train()
    project.promote(force=True, why="a test")
    return folder


@dataclass
class Shelf:
    """What truly is there of one product, and what the books cannot know."""

    units: float = 10.0
    evenings: dict[int, float] = field(default_factory=lambda: {HISTORY - 1: 10.0})
    stolen: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    counts: list[int] = field(default_factory=lambda: [HISTORY - 1])

    def on_the_books(self, told: int) -> tuple[int, float]:
        """The last evening the books can know of, and what they take to be there: thefts show when somebody counts."""
        counted = max(at for at in self.counts if at <= told + 1)
        evening = max(counted, told)
        unseen = sum(units for at, units in self.stolen.items() if counted < at <= evening)
        return evening, self.evenings[evening] + unseen


class Shop(RuleBasedStateMachine):
    @initialize()
    def opens(self) -> None:
        self.folder = Path(tempfile.mkdtemp()) / "shop"
        shutil.copytree(opened_shop(), self.folder)
        self.clock = Clock()
        self.project = Project.open(self.folder, clock=self.clock)
        self.today, self.told = HISTORY, HISTORY - 1
        self.shelf = {item: Shelf() for item in ITEMS}
        self.asked: dict[str, int] = {}
        self.came: dict[tuple[str, str, int], float] = {}
        self.untold: dict[tuple[str, int], float] = {}
        self.adjusted: dict[tuple[str, int, str], int] = {}
        self.transfers: dict[str, tuple[int, int, int | None]] = {}
        self.listed: set[tuple[str, str]] = set()

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder.parent)

    # What the shop knows of itself

    def lines(self, *states: OrderState) -> list[OrderLine]:
        return list(self.project.orders(states=states).rows)

    def received(self, line: OrderLine, *, after: int = -1) -> float:
        mine = (line.order_id, line.unique_id)
        return sum(units for (order, item, at), units in self.came.items() if (order, item) == mine and at > after)

    def awaited(self, item: str) -> float:
        mine = [line for line in self.lines() if line.unique_id == item and line.state in {*COMMITTED, "received"}]
        return sum(max(self.asked[line.line_id] - self.received(line), 0.0) for line in mine)

    def held(self, item: str) -> float:
        """On the shelf at the last sales as far as the books can know, come since, and still to come."""
        evening, there = self.shelf[item].on_the_books(self.told)
        since = sum(units for (_, name, at), units in self.came.items() if name == item and at > evening)
        since += sum(units for (name, at, _), units in self.adjusted.items() if name == item and at > evening)
        for units, shipped, arrived in self.transfers.values():
            if item == "bread":
                since -= units * (shipped > evening)
            else:
                since += units * (arrived is None or arrived > evening)
        return there + since + self.awaited(item)

    def tick(self) -> None:
        self.clock.at += timedelta(minutes=1)

    # Days

    @rule(asked=st.tuples(st.integers(0, 7), st.integers(0, 7)))
    def the_day_goes_by(self, asked: tuple[int, int]) -> None:
        for item, wanted in zip(ITEMS, asked, strict=True):
            shelf = self.shelf[item]
            sold = min(float(wanted), shelf.units)
            shelf.units -= sold
            shelf.evenings[self.today] = shelf.units
            self.untold[item, self.today] = sold
        self.today += 1
        self.clock.at = datetime.combine(day(self.today), time(8), UTC)

    @precondition(lambda self: self.untold)
    @rule()
    def sales_are_told_perhaps_days_late(self) -> None:
        self.tick()
        self.project.sales.add(rows(self.untold))
        self.untold, self.told = {}, self.today - 1

    @rule(item=st.sampled_from(ITEMS), units=st.integers(1, 3))
    def somebody_steals(self, item: str, units: int) -> None:
        shelf = self.shelf[item]
        taken = min(float(units), shelf.units)
        shelf.units -= taken
        shelf.stolen[self.today] += taken

    @rule(item=st.sampled_from(ITEMS))
    def somebody_counts_what_was_left_last_evening(self, item: str) -> None:
        self.tick()
        shelf = self.shelf[item]
        left = shelf.evenings[self.today - 1]
        self.project.stock.add(pl.DataFrame({"unique_id": [item], "at": [day(self.today - 1)], "on_hand": [left]}))
        shelf.counts.append(self.today - 1)

    @rule(item=st.sampled_from(ITEMS), units=st.integers(-3, 3), reason=st.sampled_from(["broken", "found"]))
    def units_are_written_off_or_found(self, item: str, units: int, reason: str) -> None:
        shelf, key = self.shelf[item], (item, self.today, reason)
        change = units - self.adjusted.get(key, 0)
        if shelf.units + change < 0:
            return
        self.tick()
        told = {"unique_id": item, "at": day(self.today), "reason": reason, "quantity": float(units)}
        for _ in range(2):
            self.project.adjustments.add(pl.DataFrame({name: [value] for name, value in told.items()}))
        self.adjusted[key] = units
        shelf.units += change

    @rule(units=st.integers(1, 4))
    def units_leave_the_mill_for_the_dairy(self, units: int) -> None:
        """As if both were the same product in two places."""
        shelf = self.shelf["bread"]
        if shelf.units >= units:
            shelf.units -= units
            self.transfers[f"T{len(self.transfers)}"] = (units, self.today, None)
            self.tell_transfers()

    @rule(at=st.integers(0, 3))
    def a_transfer_arrives(self, at: int) -> None:
        on_the_way = [name for name, (_, _, arrived) in self.transfers.items() if arrived is None]
        if on_the_way:
            name = on_the_way[at % len(on_the_way)]
            units, shipped, _ = self.transfers[name]
            self.transfers[name] = (units, shipped, self.today)
            self.shelf["milk"].units += units
            self.tell_transfers()

    def tell_transfers(self) -> None:
        self.tick()
        told = [
            (name, "bread", "milk", float(units), day(shipped), None if arrived is None else day(arrived))
            for name, (units, shipped, arrived) in self.transfers.items()
        ]
        names = ["transfer_id", "unique_id", "to_id", "quantity", "shipped_at", "received_at"]
        frame = pl.DataFrame(told, schema=names, orient="row", schema_overrides={"received_at": pl.Date})
        self.project.transfers.add(frame)

    # Plans

    @rule(again=st.booleans())
    def a_plan_is_made(self, again: bool) -> None:
        self.tick()
        told = self.project.plan()
        assert {line.line_id for line in told.orders} <= {line.line_id for line in self.lines("proposed")}
        self.check_plan()
        if again:
            before = self.lines()
            self.project.plan()
            assert self.lines() == before

    @rule(where=st.sampled_from([("propose_orders", True), ("propose_orders", False), ("save_state", False)]))
    def a_plan_crashes(self, where: tuple[str, bool]) -> None:
        self.tick()
        with crashing(*where), pytest.raises(KeyboardInterrupt):
            self.project.plan()
        self.project = Project.open(self.folder, clock=self.clock)

    def check_plan(self) -> None:
        shop, book = self.project.shop, self.project._book()
        panel = shop.known.panel(shop.known.newest)
        stock = standing(panel, book)
        mine = {line.unique_id: line for line in self.lines("proposed")}
        for row, item in enumerate(panel.ids):
            assert stock.on_hand[row] + stock.arriving[row].sum() == pytest.approx(self.held(item)), item
            if item in mine and "override" not in mine[item].reason:
                level = mine[item].reason["level"]
                assert isinstance(level, float)
                assert mine[item].quantity == ceil(level - self.held(item))

    # Orders

    def pick(self, at: int, *states: OrderState) -> OrderLine | None:
        found = self.lines(*states)
        return found[at % len(found)] if found else None

    @rule(at=st.integers(0, 5))
    def somebody_approves(self, at: int) -> None:
        if line := self.pick(at, "proposed"):
            self.tick()
            self.project.approve_orders(line.order_id, product=line.unique_id)
            self.asked[line.line_id] = line.quantity

    @rule(at=st.integers(0, 5), units=st.integers(1, 20))
    def somebody_edits(self, at: int, units: int) -> None:
        if line := self.pick(at, "proposed", "approved"):
            self.tick()
            self.project.edit_order(line.order_id, line.unique_id, quantity=units, code="event")
            if line.line_id in self.asked:
                self.asked[line.line_id] = units

    @rule(at=st.integers(0, 5))
    def an_order_is_sent_twice(self, at: int) -> None:
        if line := self.pick(at, "approved"):
            self.tick()
            for _ in range(2):
                self.project.send_order(line.order_id, to=self.folder.parent / "sent")

    @rule(at=st.integers(0, 5), later=st.integers(0, 20), units=st.none() | st.integers(1, 20))
    def a_supplier_postpones_or_changes_the_quantity(self, at: int, later: int, units: int | None) -> None:
        if line := self.pick(at, *SENT):
            self.tick()
            self.project.acknowledge_order(line.order_id, line.unique_id, quantity=units, due=day(self.today + later))
            self.asked[line.line_id] = self.asked[line.line_id] if units is None else units
            self.list_again()

    @rule(at=st.integers(0, 5))
    def what_is_open_is_cancelled(self, at: int) -> None:
        if line := self.pick(at, "proposed", *COMMITTED):
            self.tick()
            self.project.cancel_orders(line.order_id, product=line.unique_id)
            self.list_again()

    @rule(at=st.integers(0, 9), units=st.integers(0, 25), times=st.integers(1, 2))
    def a_part_or_more_than_all_of_it_comes_and_is_told_twice(self, at: int, units: int, times: int) -> None:
        if line := self.pick(at, *COMMITTED, "received", "cancelled"):
            self.tick()
            if line.line_id not in self.asked:
                return
            before = self.came.get((line.order_id, line.unique_id, self.today), 0.0)
            if self.shelf[line.unique_id].units + units - before < 0:
                return
            told = self.receipt(line, units)
            for _ in range(times):
                self.project.receipts.add(told)
            self.project.settle_orders()
            self.came[line.order_id, line.unique_id, self.today] = float(units)
            self.shelf[line.unique_id].units += units - before

    def receipt(self, line: OrderLine, units: int) -> pl.DataFrame:
        what = {"order_id": line.order_id, "unique_id": line.unique_id, "quantity": float(units)}
        return pl.DataFrame({**what, "received_at": day(self.today)})

    @rule()
    def the_other_system_lists_what_is_open(self) -> None:
        self.tick()
        self.listed |= {(line.order_id, line.unique_id) for line in self.lines(*SENT)}
        self.list_again()

    def list_again(self) -> None:
        """The other system lists every order it was told of with what is still to come."""
        if not self.listed:
            return
        self.tick()
        mine = [line for line in self.lines() if (line.order_id, line.unique_id) in self.listed]
        still = [
            0.0 if line.state == "cancelled" else max(self.asked[line.line_id] - self.received(line), 0.0)
            for line in mine
        ]
        told = {
            "order_id": [line.order_id for line in mine],
            "unique_id": [line.unique_id for line in mine],
            "quantity": still,
            "due": [line.due for line in mine],
        }
        self.project.open_orders.add(pl.DataFrame(told))

    # Always

    @invariant()
    def no_item_is_proposed_twice(self) -> None:
        if hasattr(self, "project"):
            names = [line.unique_id for line in self.lines("proposed")]
            assert len(names) == len(set(names))


@contextmanager
def crashing(name: str, after: bool = False) -> Iterator[None]:
    """The process ends at a call of the ledger: before it, or after all of it was kept."""
    real = getattr(SqlLedger, name)

    def dies(*given: object, **settings: object) -> None:
        if after:
            real(*given, **settings)
        raise KeyboardInterrupt

    with patch.object(SqlLedger, name, dies):
        yield


TestShop = Shop.TestCase
TestShop.settings = settings(max_examples=5, stateful_step_count=20, deadline=None, phases=FAST)


@pytest.mark.proof
class TestManyShops(Shop.TestCase):
    settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
