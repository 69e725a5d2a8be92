"""Covariates of single series, each watched by itself, where the settings name them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from finalmile.errors import CorruptError, MissingInputError
from finalmile.frames import Panel
from finalmile.monitoring.checks.series_drift import SeriesDriftCheck
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.inputs.series import SeriesLook, SeriesReference, SeriesState
from finalmile.records import Version
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.kept import begun
from finalmile.workflows.watching.seen import Seen, Told, state_key

NAME = "series_drift"
_MOST_LOOKS = 120


def watch(shop: Shop, model: str, seen: Seen) -> Told | None:
    """Step every series by its covariates of the period."""
    del model
    names = shop.config.monitor.series
    if not names:
        return None
    key = state_key(NAME, seen.version)
    found = begun(
        shop,
        key,
        check=NAME,
        seen=seen,
        read=lambda blob: _of(names, SeriesState.from_bytes(blob)),
        start=lambda: _learned(shop, seen.version, names),
    )
    if found.state is None:
        return Told(findings=found.findings)
    look = SeriesLook(
        period=seen.period, ids=seen.panel.ids, values=_values(seen.panel, names, slice(seen.column, seen.column + 1))
    )
    state, findings = SeriesDriftCheck().update(found.state, look)
    return Told(findings=(*found.findings, *findings), states={key: state.to_bytes()})


def acknowledge(shop: Shop, version: Version, subjects: Sequence[str]) -> None:
    """Let the evidence of covariates of a version start anew."""
    key = state_key(NAME, version)
    blob = shop.ledger.load_state(key)
    if blob is not None:
        shop.ledger.save_state(key, SeriesDriftCheck().acknowledge(SeriesState.from_bytes(blob), subjects).to_bytes())


def _of(names: Sequence[str], state: SeriesState) -> SeriesState:
    known = tuple(state.names.tolist())
    if known != tuple(names):
        raise CorruptError(f"it knows {', '.join(known)}, and {', '.join(names)} is asked for")
    return state


def _learned(shop: Shop, version: Version, names: Sequence[str]) -> SeriesState:
    """What is normal of each series, from the last 120 periods before the version.

    Raises
    ------
    MissingInputError
        No covariate has that name, or there are too few periods.
    """
    panel = shop.known.panel(shop.frequency.index_of(version.cutoff), periods=_MOST_LOOKS)
    lacking = [name for name in names if name not in panel.covariates]
    if lacking:
        known = ", ".join(sorted(panel.covariates)) or "none"
        raise MissingInputError(f"no covariate is called {', '.join(lacking)}; known: {known} (monitor.series)")
    return SeriesDriftCheck().start(
        SeriesReference(
            frequency=panel.frequency,
            ids=panel.ids,
            names=np.array(list(names), dtype=object),
            periods=np.arange(panel.first, panel.first + panel.length),
            values=_values(panel, names, slice(0, panel.length)).reshape(panel.n, len(names), panel.length),
        )
    )


def _values(panel: Panel, names: Sequence[str], columns: slice) -> Doubles:
    """Covariates of every series, shape (n, f) for one period and (n, f T) for more; NaN where one is gone."""
    width = columns.stop - columns.start
    none = np.full((panel.n, width), np.nan)
    told = [panel.covariates[name][:, columns] if name in panel.covariates else none for name in names]
    return np.hstack(told).astype(np.float64)
