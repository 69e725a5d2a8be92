"""Lead-time windows: how the spans that orders are made for came out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from finalmile.errors import CorruptError
from finalmile.frames import FloatArray
from finalmile.monitoring.checks.lead_time_window import LeadTimeWindowCheck, WindowLook, WindowState
from finalmile.workflows.arms import rows_in
from finalmile.workflows.shop import Issued, Shop
from finalmile.workflows.watching.seen import Seen, Told

NAME = "lead_time_window"


def watch(shop: Shop, model: str, seen: Seen) -> Told | None:
    """Count the spans that ended with the period, each forecast when it began; nothing where no spans were forecast.

    Of each series it is the longest span that was forecast of it: review and lead time together.
    """
    spans = list(_ended(shop, model, seen))
    if not spans:
        return None
    levels = _levels(shop, spans)
    if not levels:
        return None
    check, key = LeadTimeWindowCheck(), f"{NAME}/{model}"
    state = _before(shop, key, levels) or check.start(seen.panel.frequency, levels)
    state, findings = check.update(state, _look(seen, spans, levels))
    return Told(findings=tuple(findings), states={key: state.to_bytes()})


def _ended(shop: Shop, model: str, seen: Seen) -> Iterator[tuple[int, Issued]]:
    """Length of each span, and what was forecast of it by whichever version was asked last when it began."""
    for window in shop.forecasts.longest_windows(model, seen.told.cutoff, version=seen.told.version):
        cutoff = seen.period - window
        versions = shop.forecasts.issues(model, cutoff)
        if versions:
            told = shop.forecasts.over(model, window, cutoff=cutoff, version=max(versions))
            if told is not None:
                yield window, told


def _levels(shop: Shop, spans: Sequence[tuple[int, Issued]]) -> list[float]:
    """The median and the level that certificates judge, where all spans have them."""
    wanted = (0.5, shop.config.certify.coverage_level)
    return sorted({level for level in wanted if all(level in told.quantiles for _, told in spans)})


def _look(seen: Seen, spans: Sequence[tuple[int, Issued]], levels: Sequence[float]) -> WindowLook:
    demand = seen.once("demand", seen.panel.demand)
    return WindowLook(
        period=seen.period,
        actual=np.concatenate([_sold(demand, seen, window, told) for window, told in spans]),
        mean=np.concatenate([told.mean for _, told in spans]),
        quantiles={level: np.concatenate([told.quantiles[level] for _, told in spans]) for level in levels},
    )


def _sold(demand: FloatArray, seen: Seen, window: int, told: Issued) -> FloatArray:
    """Units of each series in the span, shape (m,); NaN where a period of it is not known."""
    begin = seen.column + 1 - window
    if begin < 0 or not len(demand):
        return np.full(len(told.ids), np.nan, dtype=np.float32)
    rows = rows_in(seen.panel.ids, told.ids)
    total = demand[rows, begin : seen.column + 1].sum(axis=1)
    return np.asarray(np.where(rows >= 0, total, np.nan), dtype=np.float32)


def _before(shop: Shop, key: str, levels: Sequence[float]) -> WindowState | None:
    """What was counted so far; begun anew where it is damaged or of other levels."""
    blob = shop.ledger.load_state(key)
    try:
        state = None if blob is None else WindowState.from_bytes(blob)
    except CorruptError:
        return None
    return state if state is not None and state.levels.tolist() == list(levels) else None
