"""Freshness of what forecasts are made from: how old the newest value of each covariate is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import orjson

from finalmile.frames import FloatArray, Panel
from finalmile.monitoring.checks.freshness import FreshnessCheck, Source
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.seen import Seen, Told

NAME = "freshness"
_KEPT = 120


def watch(shop: Shop, model: str, seen: Seen) -> Told | None:
    """Compare how far each covariate is behind the period with how far it was in earlier looks."""
    panel = seen.here
    ages = _ages(shop, model)
    sources = [
        Source(name=name, newest=_newest(panel, values), usual=np.array(ages.get(name, []), dtype=np.int64))
        for name, values in panel.covariates.items()
        if name in ages or _newest(panel, values) is not None
    ]
    gone = [Source(name=name, newest=None, usual=np.array(ages[name])) for name in ages if name not in panel.covariates]
    if not sources and not gone:
        return None
    findings = FreshnessCheck().compare([*sources, *gone], period=seen.period, frequency=shop.frequency)
    known = {one.name: seen.period - one.newest for one in sources if one.newest is not None}
    kept = {name: [*ages.get(name, []), age][-_KEPT:] for name, age in known.items()}
    return Told(findings=tuple(findings), states={_key(model): orjson.dumps({**ages, **kept})})


def _newest(panel: Panel, values: FloatArray) -> int | None:
    """Newest period up to the cutoff of which a covariate has a value for any series."""
    known = np.isfinite(values[:, : panel.length]).any(axis=0)
    return None if not known.any() else panel.first + int(np.flatnonzero(known)[-1])


def _ages(shop: Shop, model: str) -> Mapping[str, list[int]]:
    blob = shop.ledger.load_state(_key(model))
    ages: dict[str, list[int]] = {} if blob is None else orjson.loads(blob)
    return ages


def _key(model: str) -> str:
    return f"ages of features/{model}"
