"""Demo: a quarter of a simulated retailer in which a heat wave strikes, played through the whole loop."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Protocol

import polars as pl

from finalmile.errors import NotCertifiedError
from finalmile.ports import Progress
from finalmile.sandbox import RegimeChange, Retailer, World
from finalmile.workflows.account import Replayed
from finalmile.workflows.demo_order import Trading, trade

PRODUCTS, STORES = 60, 2
HISTORY_DAYS = 865  # summers that came before: a model that has seen none takes each for a change
CHANGE_BEFORE_END_DAYS = 34
HEAT = 1.6
HEAT_RISES_DAYS, HEAT_LASTS_DAYS = 4, 24
CATEGORY = "drinks"
MODEL = "demand"
SETTINGS = """\
# Smaller models than the default, so that the demo ends in a minute or two on a laptop.
models:
  demand:
    settings: {rounds: 80, window_rounds: 50, rows: 80000, window_rows: 30000, threads: 1}
"""


class Told(Protocol):
    """A report for people."""

    def lines(self) -> list[str]:
        """One sentence each."""
        ...


class Operated(Trading, Protocol):
    """What the demo does with a project: what anybody would."""

    def ingest(self, kind: str, source: pl.DataFrame, /) -> object:
        """Take in a table."""
        ...

    def replay(
        self, start: date, end: date, /, *, demand: pl.DataFrame | None = None, progress: Progress | None = None
    ) -> Replayed:
        """Play history again."""
        ...

    def train(self, model: str, /) -> object:
        """A new version."""
        ...

    def certify(self, model: str, /) -> object:
        """Judge it."""
        ...

    def promote(self, model: str, /, *, why: str, force: bool = False) -> object:
        """Make it live."""
        ...

    def forecast(self, model: str, /) -> object:
        """Forecast and log."""
        ...

    def plan(self, model: str, /) -> Told:
        """Propose orders."""
        ...


def demo(project: Operated, *, seed: int, days: int, progress: Progress | None) -> Replayed:
    """Simulate a retailer, play its last days, then plan the orders of today and send one; the story of it."""
    world = simulated(seed=seed, days=days)
    for kind, table in world.tables().items():
        project.ingest(kind, table)
    start = world.end - timedelta(days=days - 1)
    told = project.replay(start, world.end, demand=world.demand, progress=progress)
    live = _gone_live(project)
    traded = trade(project)
    return replace(told, notes=(*_story(world), *told.notes, live, *([traded] if traded else [])))


def simulated(*, seed: int, days: int) -> World:
    """A retailer whose drinks sell as in a heat wave, from five weeks before the end or half-way through the span on.

    It comes within days, lasts for weeks and goes; nobody knew of it before, and no covariate tells of it.
    """
    change = HISTORY_DAYS + days - min(CHANGE_BEFORE_END_DAYS, days // 2)
    regime = RegimeChange(
        day=change, kind="level", size=HEAT, category=CATEGORY, rise_days=HEAT_RISES_DAYS, lasts_days=HEAT_LASTS_DAYS
    )
    return Retailer(seed=seed, products=PRODUCTS, stores=STORES, days=HISTORY_DAYS + days, regimes=(regime,)).simulate()


def _gone_live(project: Operated) -> str:
    """A version that is live, and today's orders, which are told."""
    project.train(MODEL)
    project.certify(MODEL)
    try:
        project.promote(MODEL, why="first version")
    except NotCertifiedError:
        project.promote(MODEL, why="first version, knowingly without a passed certificate", force=True)
    project.forecast(MODEL)
    proposed = project.plan(MODEL).lines()[0]
    return f"Today: {proposed} They wait for approval: Orders on the page, or finalmile orders list --why."


def _story(world: World) -> list[str]:
    told: list[str] = []
    for day, regime, ids in zip(world.regime_dates, world.regimes, world.touched, strict=True):
        over = "" if regime.lasts_days is None else f" to {day + timedelta(days=regime.lasts_days - 1)}"
        told.append(
            f"What the simulation knows: a heat wave from {day}{over}, in which demand for "
            f"{regime.category or 'everything'} ({len(ids)} of {len(world.assortment.ids)} series) rises to "
            f"{regime.size:g} times what it was."
        )
    return told
