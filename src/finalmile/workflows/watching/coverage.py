"""Coverage: do quantiles of a period still hold as often as they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from finalmile.errors import CorruptError, MissingInputError
from finalmile.metrics.volume import VolumeClasses
from finalmile.monitoring import packing
from finalmile.monitoring.checks.coverage import CoverageCheck
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.loss.coverage_state import CoverageLook, CoverageReference, CoverageState, counts
from finalmile.records import Version
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.kept import begun
from finalmile.workflows.watching.seen import Seen, Told, state_key

NAME = "coverage"
_KEPT, _LEAST, _LAYOUT = 120, 28, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Counts of the newest looks of a model, whichever version made them; what a version's evidence starts from.

    Parameters
    ----------
    edges
        Volume classes, by mean demand when counting began.
    """

    edges: Doubles
    told: CoverageReference


def watch(shop: Shop, model: str, seen: Seen) -> Told | None:
    """Judge the quantiles of a period; nothing where only means were forecast.

    What is normal is how the model's own quantiles held in 28 looks or more, and at least their level where they held
    less often: discrete demand holds a quantile more often than its level says.
    """
    levels = _levels(shop, seen)
    if not levels:
        return None
    before = _before(shop, model)
    classes = VolumeClasses(()) if before is None else VolumeClasses(tuple(before.edges.tolist()))
    means = np.nanmean(seen.before.demand(), axis=1) if seen.before.n else np.zeros(0)
    if before is None:
        classes = VolumeClasses.of_means(means)
    look = _look(seen, levels, classes, means=_of_ids(seen, means))
    kept = _kept(seen, look, before, classes)
    states = {_key(model): packing.to_bytes(kept, version=_LAYOUT)}
    check, key = check_of(shop, kinds=len(look.kinds)), state_key(NAME, seen.version)
    found = begun(
        shop, key, check=NAME, seen=seen, read=CoverageState.from_bytes, start=lambda: check.start(_reference(before))
    )
    if found.state is None:
        return Told(findings=found.findings, states=states)
    state = check.resume(found.state, last=seen.period - 1) if seen.returned and not found.fresh else found.state
    state, findings = check.update(state, look)
    return Told(findings=(*found.findings, *findings), states={**states, key: state.to_bytes()})


def acknowledge(shop: Shop, version: Version, subjects: Sequence[str]) -> None:
    """Let the evidence against quantiles of a version start anew."""
    key = state_key(NAME, version)
    blob = shop.ledger.load_state(key)
    if blob is not None:
        check = check_of(shop, kinds=1)
        shop.ledger.save_state(key, check.acknowledge(CoverageState.from_bytes(blob), subjects).to_bytes())


def check_of(shop: Shop, *, kinds: int) -> CoverageCheck:
    """The check with this project's settings; its rate of false alarms is that of all kinds together."""
    return CoverageCheck(arl=shop.config.monitor.arl * max(kinds, 1))


def _levels(shop: Shop, seen: Seen) -> Sequence[float]:
    """The median and the level that certificates judge, where they were forecast."""
    wanted = {0.5, shop.config.certify.coverage_level}
    return [level for level in sorted(seen.told.quantiles) if level in wanted]


def _look(seen: Seen, levels: Sequence[float], classes: VolumeClasses, *, means: Doubles) -> CoverageLook:
    quantiles = {level: seen.told.quantiles[level] for level in levels}
    kinds, _, held, n, loss = counts(seen.actual, quantiles, volume=classes.of(means), classes=classes)
    return CoverageLook(period=seen.period, kinds=kinds, held=held, n=n, pinball=loss)


def _of_ids(seen: Seen, means: Doubles) -> Doubles:
    whole = np.full(len(seen.panel.ids), np.nan)
    at = np.searchsorted(seen.panel.ids.astype(str), seen.before.ids.astype(str))
    whole[at] = means
    return seen.of_panel(whole)


def _kept(seen: Seen, look: CoverageLook, before: Shares | None, classes: VolumeClasses) -> Shares:
    """The looks so far with this one, once; from the start where kinds are other kinds now."""
    told = None if before is None or before.told.kinds.tolist() != look.kinds.tolist() else before.told
    gap = 0 if told is None else seen.period - (told.first + told.held.shape[1])
    if before is not None and gap < 0:
        return before
    if told is None:
        columns = [look.held[:, None], look.n[:, None], look.pinball[:, None]]
        first = seen.period
    else:
        empty = np.zeros((len(look.kinds), min(gap, _KEPT)))
        columns = [
            np.hstack([old, empty, new[:, None]])[:, -_KEPT:]
            for old, new in ((told.held, look.held), (told.n, look.n), (told.pinball, look.pinball))
        ]
        first = seen.period - columns[0].shape[1] + 1
    levels = np.array([float(str(kind).split()[0][1:]) for kind in look.kinds])
    reference = CoverageReference(
        frequency=seen.panel.frequency, first=first, kinds=look.kinds, certified=levels,
        held=columns[0], n=columns[1], pinball=columns[2],
    )  # fmt: skip
    return Shares(edges=np.array(classes.edges, dtype=np.float64), told=reference)


def _reference(before: Shares | None) -> CoverageReference:
    looks = 0 if before is None else int((before.told.n > 0).any(axis=0).sum())
    if before is None or looks < _LEAST:
        raise MissingInputError(
            f"coverage needs {_LEAST} looks at quantiles to know how they scatter, here are {looks}"
        )
    told = before.told
    held = told.held.sum(axis=1) / np.maximum(told.n.sum(axis=1), 1.0)
    return replace(told, certified=np.clip(np.maximum(told.certified, held), 1e-3, 1 - 1e-3))


def _before(shop: Shop, model: str) -> Shares | None:
    blob = shop.ledger.load_state(_key(model))
    try:
        return None if blob is None else packing.from_bytes(Shares, blob, version=_LAYOUT)
    except CorruptError:
        return None


def _key(model: str) -> str:
    return f"quantiles seen/{model}"
