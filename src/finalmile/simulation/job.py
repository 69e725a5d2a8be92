"""A scene and rules laid out as both engines read them: whole numbers in rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from finalmile.frames import IntArray
from finalmile.simulation.chance import KeyArray
from finalmile.simulation.rules import Rule
from finalmile.simulation.scene import DemandArray, Scene


class Job(NamedTuple):
    """Arrays of ``n`` items; ``point``, ``level`` and ``lot`` have shape (n, c). They mean what their sources say."""

    kind: int
    units: DemandArray
    starts: IntArray
    marks: IntArray
    block: int
    periods: int
    scenarios: int
    warm_up: int
    keys: KeyArray
    lead_fixed: IntArray
    lead_row: IntArray
    lead_marks: IntArray
    crossing: bool
    backorders: bool
    on_hand: IntArray
    pipeline: IntArray
    width: int
    life: IntArray
    written_off: DemandArray
    point: IntArray
    level: IntArray
    lot: IntArray
    every: IntArray
    offset: IntArray
    moq: IntArray
    pack: IntArray
    cap: IntArray


def job_of(scene: Scene, rule: Rule, *, warm_up: int) -> Job:
    """The layout of a scene and its rules."""
    n = scene.n
    pipeline = np.zeros((n, 1), dtype=np.int64) if scene.pipeline is None else scene.pipeline
    return Job(
        kind=scene.asked.kind,
        units=np.require(scene.asked.units, requirements=["C", "W"]),
        starts=_whole(scene.asked.starts),
        marks=_whole(scene.asked.marks),
        block=scene.asked.block,
        periods=scene.asked.periods,
        scenarios=scene.asked.scenarios,
        warm_up=warm_up,
        keys=np.zeros(n, dtype=np.uint64) if scene.keys is None else np.require(scene.keys, requirements=["C", "W"]),
        lead_fixed=_whole(scene.leads.fixed),
        lead_row=_whole(scene.leads.row),
        lead_marks=_whole(scene.leads.marks),
        crossing=scene.leads.crossing,
        backorders=scene.backorders,
        on_hand=_whole(scene.on_hand),
        pipeline=_whole(pipeline),
        width=max(scene.leads.longest + 2, pipeline.shape[1]),
        life=np.zeros(n, dtype=np.int64) if scene.shelf_life is None else _whole(scene.shelf_life),
        written_off=_units(scene),
        point=_whole(rule.reorder_point),
        level=_whole(rule.order_up_to),
        lot=_whole(rule.lot),
        every=_whole(rule.every),
        offset=_whole(rule.offset),
        moq=_whole(rule.moq),
        pack=_whole(rule.pack_size),
        cap=_whole(rule.max_stock),
    )


def _units(scene: Scene) -> DemandArray:
    if scene.written_off is None:
        return np.zeros((scene.n, 0), dtype=np.int32)
    return np.require(scene.written_off, dtype=np.int32, requirements=["C", "W"])


def _whole(values: IntArray) -> IntArray:
    return np.require(values, dtype=np.int64, requirements=["C", "W"])
