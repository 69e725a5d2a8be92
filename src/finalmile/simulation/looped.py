"""The simulation as compiled loops: one item, rule and scenario after the other, nothing kept but sums.

:mod:`finalmile.simulation.vectorised` is its twin without numba; both give the same whole numbers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from finalmile.frames import IntArray
from finalmile.simulation.chance import FIRST, GOLDEN, SECOND
from finalmile.simulation.jit import compiled
from finalmile.simulation.job import Job
from finalmile.simulation.scene import DRAWN, GIVEN

_GOLDEN, _FIRST, _SECOND = np.uint64(GOLDEN), np.uint64(FIRST), np.uint64(SECOND)
_S27, _S30, _S31, _S32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)
_TWO, _DEMAND, _LEAD = np.uint64(2), np.uint64(0), np.uint64(1)


@compiled
def walk(job: Job, sums: IntArray) -> None:
    """Add every item's sums, one row of ``FIELDS`` per candidate, to ``sums`` of shape (n, c, fields)."""
    ring = np.zeros(job.width, dtype=np.int64)
    ages = np.zeros(max(1, job.life.max()) if len(job.life) else 1, dtype=np.int64)
    asked = np.zeros(job.periods, dtype=np.int64)
    for item in range(len(job.on_hand)):
        marks = job.lead_marks[job.lead_row[item]]
        for scenario in range(job.scenarios):
            _fill(asked, job, item, scenario)
            for candidate in range(job.point.shape[1]):
                _span(
                    sums[item, candidate], asked, ring, ages, job.pipeline[item], job.written_off[item], marks,
                    job.on_hand[item], job.life[item], job.every[item], job.offset[item], job.point[item, candidate],
                    job.level[item, candidate], job.lot[item, candidate], job.moq[item], job.pack[item],
                    job.cap[item], job.lead_fixed[item], job.keys[item], scenario, job.warm_up, job.crossing,
                    job.backorders,
                )  # fmt: skip


@compiled
def _draw(key: np.uint64, scenario: int, place: int, stream: np.uint64) -> np.uint64:
    count = ((np.uint64(scenario) << _S32) + np.uint64(place)) * _TWO + stream
    mixed = key + count * _GOLDEN
    mixed = (mixed ^ (mixed >> _S30)) * _FIRST
    mixed = (mixed ^ (mixed >> _S27)) * _SECOND
    return (mixed ^ (mixed >> _S31)) >> _S32


@compiled
def _first_above(marks: IntArray, drawn: np.uint64) -> int:
    low, high, value = 0, len(marks) - 1, np.int64(drawn)
    while low < high:
        middle = (low + high) // 2
        if marks[middle] <= value:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _fill(asked: IntArray, job: Job, item: int, scenario: int) -> None:
    """Units asked for of an item in each period of a scenario."""
    key, units = job.keys[item], job.units[item]
    if job.kind == GIVEN:
        asked[:] = units
        return
    if job.kind == DRAWN:
        marks = job.marks[item]
        for t in range(len(asked)):
            asked[t] = _first_above(marks, _draw(key, scenario, t, _DEMAND))
        return
    own = len(units) - job.starts[item]
    length = min(job.block, own)
    begin = job.starts[item]
    for t in range(len(asked)):
        within = t % job.block
        if within == 0:
            drawn = _draw(key, scenario, t // job.block, _DEMAND)
            begin = job.starts[item] + np.int64((drawn * np.uint64(own - length + 1)) >> _S32)
        asked[t] = units[begin + within % length]


@compiled
def _quantity(position: int, point: int, level: int, lot: int, moq: int, pack: int, cap: int) -> int:
    wanted = level - position if lot == 0 else ((point - position) // lot + 1) * lot
    if wanted <= 0:
        return 0
    wanted = max(wanted, moq)
    if pack > 1:
        wanted = (wanted + pack - 1) // pack * pack
    if cap >= 0:
        wanted = min(wanted, max(cap - position, 0) // pack * pack)
    return wanted if wanted >= moq else 0


@compiled
def _oldest_first(ages: IntArray, life: int, newest: int, units: int) -> None:
    """Take units off the shelf, those first that arrived first."""
    at = newest + 1 if newest + 1 < life else 0
    while units > 0:
        taken = min(ages[at], units)
        ages[at] -= taken
        units -= taken
        at = at + 1 if at + 1 < life else 0


@compiled
def _span(  # one loop over scalars: what a period does to an item has to stay in registers
    sums: IntArray, asked: IntArray, ring: IntArray, ages: IntArray, pipeline: IntArray,
    written_off: npt.NDArray[np.int32], marks: IntArray, on_hand: int, life: int, every: int, offset: int, point: int,
    level: int, lot: int, moq: int, pack: int, cap: int, lead_fixed: int, key: np.uint64, scenario: int, warm_up: int,
    crossing: bool, backorders: bool,
) -> None:  # fmt: skip
    """One item through all periods of one scenario under one rule."""
    width, shrinks = len(ring), len(written_off) > 0
    owed, on_order, last_due = 0, 0, -1
    for slot in range(width):
        ring[slot] = 0
    for k in range(len(pipeline)):
        ring[k] = pipeline[k]
        on_order += ring[k]
        if ring[k] > 0:
            last_due = k
    for k in range(life):
        ages[k] = 0
    if life > 0:
        ages[0] = on_hand
    slot, age, wait = 0, 0, offset
    demand = sold = unmet = received = expired = lost_off = ordered = orders = 0
    unit_periods = owed_periods = short_periods = cycles = cycles_short = 0
    opening, on_order_before, owed_before = on_hand, on_order, 0
    began = broken = False
    for t in range(len(asked)):
        if t == warm_up:
            demand = sold = unmet = received = expired = lost_off = ordered = orders = 0
            unit_periods = owed_periods = short_periods = cycles = cycles_short = 0
            opening, on_order_before, owed_before = on_hand, on_order, owed
            began = False
        came = ring[slot]
        if came > 0:
            ring[slot] = 0
            on_order -= came
            on_hand += came
            received += came
            if life > 0:
                ages[age] += came
            if began:
                cycles += 1
                if broken:
                    cycles_short += 1
            began, broken = True, False
        wanted = asked[t]
        demand += wanted
        before = on_hand
        served = min(owed, on_hand)
        on_hand -= served
        owed -= served
        now = min(wanted, on_hand)
        on_hand -= now
        if now < wanted:
            unmet += wanted - now
            short_periods += 1
            broken = True
            if backorders:
                owed += wanted - now
        sold += before - on_hand
        if shrinks:
            gone = min(int(written_off[t]), on_hand)
            on_hand -= gone
            lost_off += gone
        if life > 0:
            _oldest_first(ages, life, age, before - on_hand)
            age = age + 1 if age + 1 < life else 0
            expired += ages[age]
            on_hand -= ages[age]
            ages[age] = 0
        unit_periods += on_hand
        owed_periods += owed
        if wait == 0:
            position = on_hand + on_order - owed
            if position <= point:
                quantity = _quantity(position, point, level, lot, moq, pack, cap)
                if quantity > 0:
                    lead = lead_fixed if lead_fixed >= 0 else _first_above(marks, _draw(key, scenario, t, _LEAD))
                    due = t + 1 + lead
                    if not crossing:
                        due = max(due, last_due)
                        last_due = due
                    ring[due % width] += quantity
                    on_order += quantity
                    ordered += quantity
                    orders += 1
            wait = every
        wait -= 1
        slot = slot + 1 if slot + 1 < width else 0
    values = (
        demand, sold, unmet, received, expired, lost_off, opening, on_hand, ordered, orders, on_order,
        on_order_before, owed, owed_before, unit_periods, owed_periods, short_periods, cycles, cycles_short,
    )  # fmt: skip
    for k in range(len(values)):
        sums[k] += values[k]
