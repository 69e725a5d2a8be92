"""Certify: what a version's recipe achieves on periods it had not seen, beside a cheap baseline."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from finalmile.forecasters.registered import KIND
from finalmile.frames import BoolArray, FloatArray, Forecast, IntArray, Panel, same_windows
from finalmile.metrics import Scored, naive_scales, score
from finalmile.metrics.volume import VolumeClasses
from finalmile.ports import Fitted, forecasters
from finalmile.records import Certificate, Version, VersionState
from finalmile.workflows import ready_made, register
from finalmile.workflows.shop import Shop, newest_version
from finalmile.workflows.train import keep, load_version, sales_at
from finalmile.workflows.watching import inputs

METRICS = ("wape", "bias", "mae", "rmse", "mase", "rmsse", "fva", "mape", "mape_rows", "wape_total")
CLASSES = 5


def certify(shop: Shop, model: str, *, number: int | None = None) -> Certificate:
    """Judge a version on a holdout: accuracy against the baseline, and coverage of demand over whole windows.

    A version that was trained on everything known has seen every period there is. So its recipe is judged: by the
    version that the same recipe gave before the holdout, where there is one, else by a fit that ends before it.
    A ready-made forecast table is judged as it stands, by the forecasts it made before each holdout period.

    Raises
    ------
    MissingInputError
        If the history is too short to hold anything out.
    """
    version = newest_version(shop, model, number)
    cutoff = shop.frequency.index_of(version.cutoff)
    held = shop.periods(shop.config.certify.holdout_days)
    panel = sales_at(shop, cutoff)
    judge = _judge(shop, version, at=cutoff - held)
    trial = _trial(shop, judge, panel, held=held)
    certificate = _verdict(shop, version, trial, first=cutoff - held + 1, last=cutoff)
    shop.ledger.add_certificate(certificate, actor=shop.actor)
    state: VersionState = "certified" if certificate.passed else "trained"
    if version.state in ("trained", "certified"):
        why = "certificate passed" if certificate.passed else "; ".join(certificate.reasons)
        shop.ledger.set_version_state(version, state, at=certificate.issued_at, actor=shop.actor, why=why)
    inputs.certified(shop, version)
    return certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    metrics: dict[str, float | None]
    baseline: dict[str, float | None]
    coverage: dict[str, float | None]


def _trial(shop: Shop, judge: Fitted, panel: Panel, *, held: int) -> _Trial:
    origin = panel.cutoff - held
    told = _forecast(shop, judge, origin, horizon=held)
    cheap = forecasters.make(shop.config.certify.baseline).fit(shop.known.panel(origin))
    naive = cheap.predict(shop.known.panel(origin, ahead=held), horizon=held)
    actual, scored = _scored(panel, told, naive)
    baseline = Scored(
        actual=actual, forecast=scored.baseline if scored.baseline is not None else scored.forecast,
        naive_mae=scored.naive_mae, naive_rmse=scored.naive_rmse,
    )  # fmt: skip
    return _Trial(
        metrics=score(scored, METRICS),
        baseline=score(baseline, [name for name in METRICS if name != "fva"]),
        coverage=_coverage(shop, judge, panel, held=held),
    )


def _forecast(shop: Shop, judge: Fitted, origin: int, *, horizon: int) -> Forecast:
    seen = shop.known.panel(origin, periods=judge.needs, ahead=horizon)
    return judge.predict(seen, horizon=horizon)


def _scored(panel: Panel, told: Forecast, naive: Forecast) -> tuple[FloatArray, Scored]:
    rows = np.searchsorted(panel.ids, told.ids)
    start = told.cutoff + 1 - panel.first
    actual = panel.demand()[rows, start : start + told.horizon]
    scales = naive_scales(panel.y[rows, :start])
    order = np.searchsorted(naive.ids, told.ids)
    return actual, Scored(
        actual=actual,
        forecast=told.mean,
        baseline=naive.mean[order],
        naive_mae=scales.mae,
        naive_rmse=scales.rmse,
        censored=int(panel.censored[rows, start : start + told.horizon].sum()),
        missing=int(np.isnan(panel.y[rows, start : start + told.horizon]).sum()),
    )


def _coverage(shop: Shop, judge: Fitted, panel: Panel, *, held: int) -> dict[str, float | None]:
    """Share of windows with demand within the quantile: in all, at most with 95 % certainty, by volume class."""
    level = shop.config.certify.coverage_level
    hits: list[BoolArray] = []
    classes: list[IntArray] = []
    series: list[IntArray] = []
    for origin, window in _windows(held, step=shop.periods(7), cutoff=panel.cutoff):
        seen = shop.known.panel(origin, periods=judge.needs, ahead=window)
        told = judge.predict(seen, horizon=window, windows=same_windows(seen.n, [window]), levels=(level,))
        if told.cumulative is None:
            return {}
        start = origin + 1 - panel.first
        rows = np.searchsorted(panel.ids, told.ids)
        demand = panel.demand()[rows, start : start + window].sum(axis=1)
        judged = ~np.isnan(demand)
        hits.append((demand <= np.ceil(told.cumulative.values[:, 0, 0] - 1e-6))[judged])
        volume = told.mean.mean(axis=1)
        classes.append(VolumeClasses.of_means(volume, count=CLASSES).of(volume)[judged])
        series.append(rows[judged])
    if not hits:
        return {}
    together = np.concatenate(hits)
    shares = _shares(together, np.concatenate(classes), level)
    return {**shares, _at_most(level): most_likely_covered(together, np.concatenate(series))}


def _at_most(level: float) -> str:
    return f"{level:g} at most"


def most_likely_covered(hits: BoolArray, series: IntArray) -> float | None:
    """Largest coverage that is not improbable at the 5 % level for these hits; ``None`` without any.

    Windows of one series overlap and miss together, so they count as the number of independent windows that would
    scatter as much (Kish's effective size), at least as many as there are series; the bound is Clopper and Pearson's.
    A shock to all series alike is not in it.

    Parameters
    ----------
    hits, series
        Shape (windows,): whether demand stayed within the quantile, and whose demand it was.

    Examples
    --------
    >>> round(most_likely_covered(np.arange(12) > 0, np.arange(12)), 3)
    0.996
    """
    from scipy.special import betaincinv

    if not len(hits):
        return None
    _, own = np.unique(series, return_inverse=True)
    windows = np.bincount(own)
    n, share = len(windows), float(hits.mean())
    misses = np.bincount(own, weights=~hits) - (1.0 - share) * windows
    variance = float((misses**2).sum()) / len(hits) ** 2 * n / max(n - 1, 1)
    spread = share * (1.0 - share)
    alike = float(np.clip(spread / variance if variance > 0 else np.inf, n, len(hits)))
    return 1.0 if share == 1.0 else float(betaincinv(alike * share + 1.0, alike * (1.0 - share), 0.95))


def _windows(held: int, *, step: int, cutoff: int) -> list[tuple[int, int]]:
    lengths = sorted({min(step * weeks, held) for weeks in (1, 2, 4)})
    return [(origin, window) for window in lengths for origin in range(cutoff - held, cutoff - window + 1, step)]


def _shares(hits: BoolArray, classes: IntArray, level: float) -> dict[str, float | None]:
    shares: dict[str, float | None] = {f"{level:g}": float(hits.mean()) if len(hits) else None}
    for one in range(CLASSES):
        inside = hits[classes == one]
        shares[f"{level:g} class {one}"] = float(inside.mean()) if len(inside) else None
    return shares


def _verdict(shop: Shop, version: Version, trial: _Trial, *, first: int, last: int) -> Certificate:
    rules = shop.config.certify
    covered, most = (trial.coverage.get(name) for name in (f"{rules.coverage_level:g}", _at_most(rules.coverage_level)))
    reasons = [
        *_below("forecast value added", trial.metrics["fva"], rules.min_forecast_value_added),
        *_above("absolute bias", _absolute(trial.metrics["bias"]), rules.max_abs_bias),
        *_below_for_certain("coverage", covered, most, rules.coverage_level - rules.coverage_slack),
    ]
    return Certificate(
        model=version.model,
        number=version.number,
        issued_at=shop.clock.now(),
        holdout_from=shop.day(first),
        holdout_to=shop.day(last),
        metrics=trial.metrics,
        baseline=trial.baseline,
        coverage=trial.coverage,
        passed=not reasons,
        reasons=tuple(reasons),
    )


def _below(name: str, value: float | None, least: float) -> list[str]:
    if value is None:
        return [f"{name} could not be measured: the holdout has no periods that count"]
    if value >= least:
        return []
    digits = next((places for places in range(3, 9) if f"{value:.{places}f}" != f"{least:.{places}f}"), 9)
    return [f"{name} is {value:.{digits}f}, at least {least:.3f} is asked"]


def _below_for_certain(name: str, value: float | None, most: float | None, least: float) -> list[str]:
    """A fault where even the most that is likely is too little: few series miss by chance what many would not."""
    faults = _below(name, value, least)
    if most is None or not faults:
        return faults
    return [f"{fault} (by 95 % certainty at most {most:.3f})" for fault in faults] if most < least else []


def _above(name: str, value: float | None, most: float) -> list[str]:
    if value is None:
        return [f"{name} could not be measured: the holdout has no periods that count"]
    return [f"{name} is {value:.3f}, at most {most:.3f} is allowed"] if value > most else []


def _absolute(value: float | None) -> float | None:
    return None if value is None else abs(value)


def _judge(shop: Shop, version: Version, *, at: int) -> Fitted:
    if version.kind == ready_made.KIND:
        return ready_made.judge_of(shop, version, at=at)
    if version.kind == KIND:
        return register.judge_of(shop, version, at=at)
    earlier = [
        other
        for other in shop.ledger.versions(version.model)
        if (other.kind, other.settings) == (version.kind, version.settings)
        and 0 <= at - shop.frequency.index_of(other.cutoff) <= shop.periods(shop.config.certify.holdout_days)
    ]
    if earlier:
        return load_version(shop, max(earlier, key=lambda other: other.cutoff))
    done = shop.ledger.run_done("holdout fit", f"{version} at {at}")
    if done is not None:
        return load_version(shop, replace(version, digest=str(done["digest"])))
    recipe = forecasters.make(version.kind, **dict(version.settings))
    fitted = recipe.fit(sales_at(shop, at, ahead=shop.horizon(version.model)), seed=shop.config.assume.seed)
    shop.ledger.finish_run("holdout fit", f"{version} at {at}", {"digest": keep(shop, fitted)}, at=shop.clock.now())
    return fitted
