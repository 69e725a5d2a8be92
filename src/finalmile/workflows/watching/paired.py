"""Losses of a version beside those of cheaper forecasts of the same series: what the paired checks are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from finalmile.errors import FinalMileError
from finalmile.frames import BoolArray, FloatArray, Panel
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.loss.paired import PairedLook, PairedReference
from finalmile.ports import forecasters
from finalmile.records import Version
from finalmile.workflows.arms import rows_in
from finalmile.workflows.shop import Shop
from finalmile.workflows.train import load_version
from finalmile.workflows.watching.references import before, calendar_look, taken
from finalmile.workflows.watching.seen import Seen


@runtime_checkable
class Rule(Protocol):
    """A recipe that learns nothing, and so answers at once."""

    def mean(self, panel: Panel, /, *, horizon: int) -> FloatArray:
        """Expected units, shape (n, horizon)."""
        ...

    def one_step(self, panel: Panel, /, *, periods: int) -> FloatArray:
        """Forecast of each of the last periods made one period before."""
        ...


def paired_before(shop: Shop, seen: Seen) -> PairedReference:
    """Losses of the version and of the baseline on the same series before it went live."""
    return seen.once("paired before", lambda: _paired_before(shop, seen))


def paired_look(shop: Shop, seen: Seen, *, names: Sequence[str]) -> PairedLook:
    """Losses of the version, of the baseline, of a fresh refit, and of the version before, from the same cutoff."""
    return seen.once(f"paired {','.join(names)}", lambda: _paired_look(shop, seen, names=names))


def _paired_look(shop: Shop, seen: Seen, *, names: Sequence[str]) -> PairedLook:
    cheap = seen.of_panel(baseline_of(shop, seen))
    known = np.isfinite(seen.actual) & np.isfinite(seen.told.mean) & np.isfinite(cheap)
    others = (_refit(shop, seen), _previous(shop, seen))
    for other in others:
        if other is not None:
            known &= np.isfinite(other)
    losses = [_loss(seen.actual, one, known) for one in (seen.told.mean, cheap, *others)]
    return PairedLook(
        period=seen.period,
        sold=float(seen.actual[known].sum()) if known.any() else np.nan,
        live=losses[0],
        baseline=losses[1],
        refit=losses[2],
        previous=losses[3],
        calendar=calendar_look(seen, names=names),
    )


def baseline_of(shop: Shop, seen: Seen) -> FloatArray:
    """What the baseline would have said of the period, by row of the panel."""
    return seen.once("baseline", lambda: _baseline_of(shop, seen))


def rule_of(shop: Shop) -> Rule | None:
    """The baseline that certificates compare with, where it is a rule; one that learns is not fitted every day."""
    recipe = forecasters.make(shop.config.certify.baseline)
    return recipe if isinstance(recipe, Rule) else None


def _paired_before(shop: Shop, seen: Seen) -> PairedReference:
    told, rule = before(shop, seen), rule_of(shop)
    loss = told.loss
    back = told.panel.cutoff - loss.first + 1
    cheap = np.full(loss.actual.shape, np.nan, dtype=np.float32)
    if rule is not None and back > 0:
        wide = rule.one_step(told.panel, periods=back)
        offset = back - wide.shape[1]
        rows = rows_in(told.panel.ids, loss.ids)
        part = taken(wide, rows, slice(0, told.periods - offset))
        cheap[:, offset : offset + part.shape[1]] = part
    known = np.isfinite(loss.actual) & np.isfinite(loss.forecast) & np.isfinite(cheap)
    return PairedReference(
        frequency=loss.frequency,
        first=loss.first,
        sold=_sums(loss.actual, known),
        live=_sums(np.abs(loss.forecast - loss.actual), known),
        baseline=_sums(np.abs(cheap - loss.actual), known),
        calendar=loss.calendar,
    )


def _baseline_of(shop: Shop, seen: Seen) -> FloatArray:
    rule = rule_of(shop)
    told = np.full(len(seen.panel.ids), np.nan, dtype=np.float32)
    if rule is not None:
        past, ahead = seen.before, seen.period - seen.told.cutoff
        told[rows_in(seen.panel.ids, past.ids)] = rule.mean(past, horizon=ahead)[:, ahead - 1]
    return told


def _previous(shop: Shop, seen: Seen) -> FloatArray | None:
    """What the version before said of the period, where it forecast from the same cutoff too."""
    model, cutoff = seen.version.model, seen.told.cutoff
    others = [one for one in shop.forecasts.issues(model, cutoff) if one < seen.version.number]
    told = shop.forecasts.issued(model, seen.period, cutoff=cutoff, version=max(others)) if others else None
    if told is None:
        return None
    rows = rows_in(told.ids, seen.ids)
    return np.where(rows >= 0, told.mean[rows], np.nan).astype(np.float32)


def _refit(shop: Shop, seen: Seen) -> FloatArray | None:
    """What the newest version of the same recipe would have said of the period, where one was trained since.

    That is the candidate of a retraining, or a challenger, which has learned from newer sales than the version has, and
    from none after the cutoff. What it forecast from there counts; where it was not asked then it is asked now, with
    what was known then.
    """
    fresh, ahead = _fresh(shop, seen), seen.period - seen.told.cutoff
    if fresh is None:
        return None
    logged = shop.forecasts.issued(fresh.model, seen.period, cutoff=seen.told.cutoff, version=fresh.number)
    if logged is not None:
        ids, mean = logged.ids, logged.mean
    else:
        try:
            fitted = load_version(shop, fresh)
            past = shop.known.panel(seen.told.cutoff, periods=fitted.needs, ahead=ahead)
            told = fitted.predict(past, horizon=ahead)
        except FinalMileError:
            return None
        ids, mean = told.ids, told.mean[:, ahead - 1]
    rows = rows_in(ids, seen.ids)
    return np.where(rows >= 0, mean[rows], np.nan).astype(np.float32)


def _fresh(shop: Shop, seen: Seen) -> Version | None:
    index, mine = shop.frequency.index_of, seen.version
    since = [
        one
        for one in shop.ledger.versions(mine.model)
        if (one.kind, one.number > mine.number) == (mine.kind, True)
        and one.state != "quarantined"
        and index(mine.cutoff) < index(one.cutoff) <= seen.told.cutoff
    ]
    return max(since, key=lambda one: one.number, default=None)


def _loss(actual: FloatArray, forecast: FloatArray | None, known: BoolArray) -> float:
    if forecast is None or not known.any():
        return float("nan")
    return float(np.abs(forecast - actual)[known].sum())


def _sums(values: FloatArray, known: BoolArray) -> Doubles:
    total: Doubles = np.where(known, values, 0.0).sum(axis=0, dtype=np.float64)
    return np.where(known.any(axis=0), total, np.nan)
