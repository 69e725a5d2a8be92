"""The simulation without numba: all items and candidates side by side, one period after the other.

:mod:`finalmile.simulation.looped` is its compiled twin; both give the same whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finalmile.frames import BoolArray, IntArray
from finalmile.simulation.chance import draws
from finalmile.simulation.job import Job
from finalmile.simulation.scene import BOOTSTRAPPED, GIVEN
from finalmile.simulation.totals import FIELDS

_AT = {name: k for k, name in enumerate(FIELDS)}


def walk(job: Job, sums: IntArray) -> None:
    """Add every item's sums, one row of ``FIELDS`` per candidate, to ``sums`` of shape (n, c, fields)."""
    if not sums.size:
        return
    laid = np.ascontiguousarray(job.units.T) if job.kind == GIVEN else job.units
    for scenario in range(job.scenarios):
        _Walk(job, scenario, laid, sums).through()


class _Walk:
    """One scenario of all items and candidates; arrays of shape (n, c) unless they are an item's own, (n, 1)."""

    def __init__(self, job: Job, scenario: int, laid: npt.NDArray[np.int32], sums: IntArray) -> None:
        self.job, self.scenario, self.laid, self.sums = job, scenario, laid, sums
        n, c = job.point.shape
        shape = (n, c)
        self.on_hand = np.repeat(job.on_hand[:, None], c, axis=1)
        self.owed = np.zeros(shape, dtype=np.int64)
        self.ring = np.zeros((job.width, n, c), dtype=np.int64)
        self.ring[: job.pipeline.shape[1]] = job.pipeline.T[:, :, None]
        self.on_order = self.ring.sum(axis=0)
        self.last_due = self._last_due()
        self.shelf = _Shelf.filled(job.life, self.on_hand) if job.life.any() else None
        self.began, self.broken = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
        self.begin = np.zeros(n, dtype=np.int64)
        self.every_time = bool((job.every == 1).all() and not job.offset.any())
        self.tally = {name: np.zeros(shape, dtype=np.int64) for name in FIELDS}
        self._set_opening()

    def through(self) -> None:
        """All periods, then the sums."""
        for t in range(self.job.periods):
            if t == self.job.warm_up and t:
                for values in self.tally.values():
                    values[:] = 0
                self._set_opening()
            self._receive(t)
            self._serve(t)
            self._order(t)
        self.tally["closing"][:], self.tally["on_order"][:] = self.on_hand, self.on_order
        self.tally["owed"][:] = self.owed
        for name, values in self.tally.items():
            self.sums[:, :, _AT[name]] += values

    def _last_due(self) -> IntArray:
        there = self.ring > 0
        newest = self.job.width - 1 - there[::-1].argmax(axis=0)
        return np.where(there.any(axis=0), newest, -1).astype(np.int64)

    def _set_opening(self) -> None:
        self.tally["opening"][:], self.tally["on_order_before"][:] = self.on_hand, self.on_order
        self.tally["owed_before"][:] = self.owed
        self.began[:] = False

    def _receive(self, t: int) -> None:
        came = self.ring[t % self.job.width]
        arrives = came > 0
        if not arrives.any():
            return
        self.on_order -= came
        self.on_hand += came
        self.tally["received"] += came
        if self.shelf is not None:
            self.shelf.put(came)
        closes = arrives & self.began
        self.tally["cycles"] += closes
        self.tally["cycles_short"] += closes & self.broken
        self.began |= arrives
        self.broken &= ~arrives
        came[:] = 0

    def _serve(self, t: int) -> None:
        asked, tally = self._asked(t)[:, None], self.tally
        before = self.on_hand.copy() if self.shelf is not None else None
        if self.job.backorders:
            served = np.minimum(self.owed, self.on_hand)
            self.on_hand -= served
            self.owed -= served
            tally["sold"] += served
        now = np.minimum(asked, self.on_hand)
        self.on_hand -= now
        short = asked - now
        tally["demand"] += asked
        tally["sold"] += now
        tally["unmet"] += short
        missed = short > 0
        tally["short_periods"] += missed
        self.broken |= missed
        if self.job.backorders:
            self.owed += short
        if self.job.written_off.shape[1]:
            gone = np.minimum(self.job.written_off[:, t, None], self.on_hand)
            self.on_hand -= gone
            tally["written_off"] += gone
        if self.shelf is not None and before is not None:
            tally["expired"] += self._expire(before - self.on_hand)
        tally["unit_periods"] += self.on_hand
        if self.job.backorders:
            tally["owed_periods"] += self.owed

    def _expire(self, left: IntArray) -> IntArray:
        assert self.shelf is not None
        self.shelf.take_oldest(left)
        expired = self.shelf.turn()
        self.on_hand -= expired
        return expired

    def _order(self, t: int) -> None:
        job = self.job
        position = self.on_hand + self.on_order
        if job.backorders:
            position -= self.owed
        due = position <= job.point
        if not self.every_time:
            due &= ((t >= job.offset) & ((t - job.offset) % job.every == 0))[:, None]
        rows, columns = np.nonzero(due)
        if not len(rows):
            return
        quantity = _quantity(job, rows, columns, position[rows, columns])
        placed = quantity > 0
        rows, columns, quantity = rows[placed], columns[placed], quantity[placed]
        at = t + 1 + self._leads(t, rows)
        if not job.crossing:
            at = np.maximum(at, self.last_due[rows, columns])
            self.last_due[rows, columns] = at
        self.ring[at % job.width, rows, columns] += quantity
        self.on_order[rows, columns] += quantity
        self.tally["ordered"][rows, columns] += quantity
        self.tally["orders"][rows, columns] += 1

    def _asked(self, t: int) -> IntArray:
        job = self.job
        if job.kind == GIVEN:
            return np.asarray(self.laid[t], dtype=np.int64)
        if job.kind != BOOTSTRAPPED:
            drawn = draws(job.keys, 2 * ((self.scenario << 32) + t)).astype(np.int64)
            return np.asarray((job.marks <= drawn[:, None]).sum(axis=1))
        own = job.units.shape[1] - job.starts
        block = np.minimum(job.block, own)
        if t % job.block == 0:
            start = draws(job.keys, 2 * ((self.scenario << 32) + t // job.block))
            room = (own - block + 1).astype(np.uint64)
            self.begin = job.starts + ((start * room) >> np.uint64(32)).astype(np.int64)
        column = self.begin + (t % job.block) % block
        return np.asarray(job.units[np.arange(len(own)), column], dtype=np.int64)

    def _leads(self, t: int, rows: IntArray) -> IntArray:
        job = self.job
        leads = job.lead_fixed[rows]
        random = leads < 0
        if random.any():
            items = rows[random]
            drawn = draws(job.keys[items], 2 * ((self.scenario << 32) + t) + 1).astype(np.int64)
            leads[random] = (job.lead_marks[job.lead_row[items]] <= drawn[:, None]).sum(axis=1)
        return leads


def _quantity(job: Job, rows: IntArray, columns: IntArray, position: IntArray) -> IntArray:
    point, lot = job.point[rows, columns], job.lot[rows, columns]
    lots = ((point - position) // np.maximum(lot, 1) + 1) * lot
    wanted = np.where(lot == 0, job.level[rows, columns] - position, lots)
    moq, pack, cap = job.moq[rows], job.pack[rows], job.cap[rows]
    asked = np.maximum(wanted, moq)
    packed = (asked + pack - 1) // pack * pack
    room = np.maximum(cap - position, 0) // pack * pack
    quantity = np.where(cap >= 0, np.minimum(packed, room), packed)
    return np.where((wanted > 0) & (quantity >= moq), quantity, 0)


@dataclass(slots=True, kw_only=True)
class _Shelf:
    """Units by age of items that do not keep: row 0 expires first, each item's last row is what just arrived."""

    units: IntArray
    perishes: BoolArray
    newest: IntArray

    @classmethod
    def filled(cls, life: IntArray, on_hand: IntArray) -> _Shelf:
        shelf = cls(
            units=np.zeros((int(life.max()), *on_hand.shape), dtype=np.int64),
            perishes=np.asarray(life > 0),
            newest=np.maximum(life - 1, 0),
        )
        shelf.put(on_hand)
        return shelf

    def put(self, units: IntArray) -> None:
        rows = np.flatnonzero(self.perishes)
        self.units[self.newest[rows], rows] += units[rows]

    def take_oldest(self, units: IntArray) -> None:
        left = np.where(self.perishes[:, None], units, 0)
        for aged in self.units:
            taken = np.minimum(aged, left)
            np.subtract(aged, taken, out=aged)
            left -= taken

    def turn(self) -> IntArray:
        expired: IntArray = self.units[0].copy()
        self.units[:-1] = self.units[1:]
        self.units[-1] = 0
        return expired
