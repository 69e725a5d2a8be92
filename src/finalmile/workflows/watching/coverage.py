"""Coverage: do quantiles of a period still hold as often as they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from finalmile.errors import CorruptError, MissingInputError
from finalmile.frames import NameArray, Panel
from finalmile.metrics.volume import VolumeClasses
from finalmile.monitoring import packing
from finalmile.monitoring.checks.coverage import CoverageCheck
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.loss.coverage_state import CoverageLook, CoverageReference, CoverageState, counts
from finalmile.records import Finding, Version
from finalmile.wording import number_of
from finalmile.workflows.arms import rows_in
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.kept import begun
from finalmile.workflows.watching.seen import Seen, Told, state_key
from finalmile.workflows.watching.silent import ended, silenced

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
    before, means = _before(shop, model), _of_ids(seen, mean_demand(seen.before))
    classes = VolumeClasses.of_means(means) if before is None else VolumeClasses(tuple(before.edges.tolist()))
    look = _look(seen, levels, classes, means=means)
    states = {_key(model): packing.to_bytes(_kept(seen, look, before, classes), version=_LAYOUT)}
    check, key = check_of(shop, kinds=len(look.kinds)), state_key(NAME, seen.version)
    found = begun(
        shop,
        key,
        check=NAME,
        seen=seen,
        read=lambda blob: _of_kinds(CoverageState.from_bytes(blob), look, before),
        start=lambda: check.start(_reference(before, look)),
    )
    beside = _unclassed(seen, means)
    if found.state is None:
        return Told(findings=(*found.findings, *beside), states=states)
    state = check.resume(found.state, last=seen.period - 1) if seen.returned and not found.fresh else found.state
    silent = silenced(shop, key, quiet=_quiet(state, look))
    state, findings = check.update(check.acknowledge(state, silent.over), look)
    told = (*found.findings, *ended(findings, checks=(NAME,), over=silent.over, seen=seen), *beside)
    return Told(findings=told, states={**states, key: state.to_bytes(), **silent.states})


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
    volume = np.where(np.isfinite(means), classes.of(means), -1)
    kinds, _, held, n, loss = counts(seen.actual, quantiles, volume=volume, classes=classes)
    return CoverageLook(period=seen.period, kinds=kinds, held=held, n=n, pinball=loss)


def mean_demand(panel: Panel) -> Doubles:
    """Mean known demand of each series of a panel, shape (n,); NaN where none is known."""
    demand = panel.demand()
    known = np.isfinite(demand)
    count = known.sum(axis=1)
    total: Doubles = np.where(known, demand, 0.0).sum(axis=1, dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _unclassed(seen: Seen, means: Doubles) -> list[Finding]:
    """How many series are in no volume class and so are not judged, because nothing was known of them before."""
    count = int((np.isfinite(seen.actual) & ~np.isfinite(means)).sum())
    if not count:
        return []
    return [
        Finding(
            check=NAME,
            subject="products without a volume class",
            at=seen.panel.frequency.start_of(seen.period),
            value=float(count),
            benchmark=0.0,
            unit="products",
            n=len(means),
            why=f"Nothing was known of the demand of {number_of(count, 'product')} at the forecast: they are in no "
            "volume class, and their quantiles are not judged.",
        )
    ]


def _quiet(state: CoverageState, look: CoverageLook) -> list[str]:
    """Kinds of quantiles in alarm of which nothing came true."""
    alarmed = state.kinds[(state.share.alarm >= 0) | (state.pinball.alarm >= 0)]
    judged = set(look.kinds[look.n > 0].tolist())
    return [kind for kind in alarmed.tolist() if kind not in judged] if judged else []


def _of_kinds(state: CoverageState, look: CoverageLook, before: Shares | None) -> CoverageState:
    """The state, where it knows every kind of quantile that is forecast, or others cannot be judged yet.

    Raises
    ------
    CorruptError
        Other levels are forecast now, and enough is known of them to judge them too.
    """
    fresh = sorted(set(look.kinds.tolist()) - set(state.kinds.tolist()))
    if fresh and before is not None and _looks_of(before.told, fresh) >= _LEAST:
        raise CorruptError(f"{', '.join(fresh)} can be judged from now on, which it did not know")
    return state


def _looks_of(told: CoverageReference, kinds: Sequence[str]) -> int:
    """Looks in which each of some kinds was judged, of the one that was judged least often."""
    counts = dict(zip(told.kinds.tolist(), (told.n > 0).sum(axis=1).tolist(), strict=True))
    return min((int(counts.get(kind, 0)) for kind in kinds), default=0)


def _of_ids(seen: Seen, means: Doubles) -> Doubles:
    """Means by row of the panel before, as those of the series that were forecast; NaN where unknown."""
    return np.append(means, np.nan)[rows_in(seen.before.ids, seen.ids)]


def _kept(seen: Seen, look: CoverageLook, before: Shares | None, classes: VolumeClasses) -> Shares:
    """The looks so far with this one, once; other levels than before begin beside those that were.

    Kinds of which nothing was judged in all the looks that are kept are left out.
    """
    if before is not None and before.told.first + before.told.held.shape[1] > seen.period:
        return before
    gap = 0 if before is None else seen.period - before.told.first - before.told.held.shape[1]
    here: list[str] = look.kinds.tolist()
    kinds: list[str] = list(dict.fromkeys([*([] if before is None else before.told.kinds.tolist()), *here]))
    new = [here.index(kind) if kind in here else -1 for kind in kinds]
    wide = [
        _joined(None if before is None else getattr(before.told, name), getattr(look, name), new, gap=gap)
        for name in ("held", "n", "pinball")
    ]
    live = (wide[1] > 0).any(axis=1) | (np.array(new) >= 0)
    reference = CoverageReference(
        frequency=seen.panel.frequency,
        first=seen.period - wide[0].shape[1] + 1,
        kinds=np.array(kinds, dtype=object)[live],
        certified=np.array([float(kind.split()[0][1:]) for kind in kinds])[live],
        held=wide[0][live],
        n=wide[1][live],
        pinball=wide[2][live],
    )
    return Shares(edges=np.array(classes.edges, dtype=np.float64), told=reference)


def _joined(before: Doubles | None, look: Doubles, rows: Sequence[int], *, gap: int) -> Doubles:
    """Counts by kind and look with one look more; ``rows`` are those of the kinds in it, -1 where it has none."""
    old = np.zeros((0, 0)) if before is None else before
    wide = np.zeros((len(rows), old.shape[1] + min(gap, _KEPT) + 1))
    wide[: len(old), : old.shape[1]] = old
    wide[:, -1] = np.append(look, 0.0)[list(rows)]
    return wide[:, -_KEPT:]


def _reference(before: Shares | None, look: CoverageLook) -> CoverageReference:
    """What was judged of the kinds of a look, held against their level or what they held before."""
    told = None if before is None else _only(before.told, look.kinds)
    looks = 0 if told is None else int((told.n > 0).any(axis=0).sum())
    if told is None or looks < _LEAST:
        raise MissingInputError(
            f"coverage needs {_LEAST} looks at quantiles to know how they scatter, here are {looks}"
        )
    held = told.held.sum(axis=1) / np.maximum(told.n.sum(axis=1), 1.0)
    return replace(told, certified=np.clip(np.maximum(told.certified, held), 1e-3, 1 - 1e-3))


def _only(told: CoverageReference, kinds: NameArray) -> CoverageReference:
    rows = [at for at, kind in enumerate(told.kinds.tolist()) if kind in kinds]
    return replace(
        told,
        kinds=told.kinds[rows],
        certified=told.certified[rows],
        held=told.held[rows],
        n=told.n[rows],
        pinball=told.pinball[rows],
    )


def _before(shop: Shop, model: str) -> Shares | None:
    blob = shop.ledger.load_state(_key(model))
    try:
        return None if blob is None else packing.from_bytes(Shares, blob, version=_LAYOUT)
    except CorruptError:
        return None


def _key(model: str) -> str:
    return f"quantiles seen/{model}"
