"""Freshness of what forecasts are made from: how old the newest value of each covariate is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import orjson

from finalmile.frames import FloatArray, IntArray, Panel
from finalmile.monitoring.checks.freshness import FreshnessCheck, Source
from finalmile.workflows.remembered import remembered
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.seen import Seen, Told
from finalmile.workflows.watching.silent import LOOKS, ended

NAME = "freshness"
_KEPT, _GONE = 120, -1


def watch(shop: Shop, model: str, seen: Seen) -> Told | None:
    """Compare how far each covariate is behind the period with how far it was in earlier looks."""
    panel, ages = seen.here, _ages(shop, model)
    newest = {name: _newest(panel, values) for name, values in panel.covariates.items()}
    told = {name: newest.get(name) for name in {**newest, **ages} if name in ages or newest[name] is not None}
    if not told:
        return None
    kept = {name: [*ages.get(name, []), _age(seen, at)][-_KEPT:] for name, at in told.items()}
    over = {name for name, looks in kept.items() if looks[-LOOKS:] == [_GONE] * LOOKS}
    sources = [
        Source(name=name, newest=at, usual=_usual(ages.get(name, []), _age(seen, at)))
        for name, at in told.items()
        if name not in over
    ]
    findings = FreshnessCheck().compare(sources, period=seen.period, frequency=shop.frequency)
    remembered = {name: looks for name, looks in kept.items() if name not in over}
    return Told(
        findings=tuple(ended(findings, checks=(NAME,), over=over, seen=seen)),
        states={_key(model): orjson.dumps(remembered)},
    )


def _age(seen: Seen, newest: int | None) -> int:
    return _GONE if newest is None else seen.period - newest


def _usual(ages: Sequence[int], age: int) -> IntArray:
    """Ages of earlier looks without those since the newest value came: a feed that stands still is not its own rule."""
    kept = list(ages)
    while kept and kept[-1] == age - (len(ages) - len(kept) + 1):
        kept.pop()
    return np.array(kept, dtype=np.int64)


def _newest(panel: Panel, values: FloatArray) -> int | None:
    """Newest period up to the cutoff of which a covariate has a value for any series.

    Days on which nothing at all was sold do not make it older: a shop that is shut sends no prices.
    """
    known = np.isfinite(values[:, : panel.length]).any(axis=0)
    if not known.any():
        return None
    newest = int(np.flatnonzero(known)[-1])
    shut = ~(np.nan_to_num(panel.y[:, newest + 1 :]) != 0).any(axis=0)
    return panel.first + newest + int(shut.sum())


def _ages(shop: Shop, model: str) -> Mapping[str, list[int]]:
    return remembered(shop.ledger, _key(model))


def _key(model: str) -> str:
    return f"ages of features/{model}"
