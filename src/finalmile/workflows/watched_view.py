"""What the page of monitoring shows, read from the ledger or from the newest replay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from finalmile.figures.versus import Interval, Versus, versus
from finalmile.figures.watched import Watched, watched
from finalmile.monitoring.versions import of_champion
from finalmile.records import Finding
from finalmile.workflows.findings_kept import from_frame
from finalmile.workflows.shop import Shop
from finalmile.workflows.version_comparisons import Compared
from finalmile.workflows.versions import standing
from finalmile.workflows.views import newest_replay

LOOKS = 90
"""Looks that are drawn."""


def monitoring(shop: Shop, model: str, *, folder: Path) -> Watched:
    """Every check of a model; from the newest replay where the project itself has not looked yet, and says so."""
    findings = shop.ledger.findings(model, last_runs=LOOKS)
    source = ""
    if not findings:
        findings, source = _replayed(folder)
    deployed = shop.ledger.deployment(model)
    told = watched(
        model,
        findings,
        version=None if deployed is None else f"{model}@{deployed.live}",
        incidents=shop.ledger.incidents(model=model)[:50],
        source=source,
    )
    newest_first = reversed(standing(shop, model).rows)
    return replace(told, versions=tuple(_versus(one) for one in newest_first))


def _versus(told: Compared) -> Versus:
    gain, low, high = (of_champion(one) for one in (told.verdict.gain, told.verdict.low, told.verdict.high))
    return versus(
        f"{told.model}@{told.champion}",
        f"{told.model}@{told.challenger}",
        decision=told.decision,
        lines=told.lines(),
        interval=Interval(gain=gain, low=low, high=high, margin=told.terms.margin),
        gains=told.gains,
    )


def _replayed(folder: Path) -> tuple[list[Finding], str]:
    played = newest_replay(folder)
    path = None if played is None else played.folder / "findings.parquet"
    if played is None or path is None or not path.exists():
        return [], ""
    frame = pl.read_parquet(path)
    days = frame["at"].unique().sort().tail(LOOKS)
    kept = frame.filter(pl.col("at").is_in(days.implode()))
    return from_frame(kept), f"the replay of {played.summary['first']} to {played.summary['last']}"
