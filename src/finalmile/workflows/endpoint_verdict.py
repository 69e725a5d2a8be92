"""What a trial of an endpoint says: the certificate, its labels, and the reasons it fails for."""

from __future__ import annotations

import math

from finalmile.records import EndpointCertificate, Version
from finalmile.serving.endpoint_certificate import FULL, LEAST, prediction_interval, window_quantiles
from finalmile.serving.load_profile import Window
from finalmile.serving.questions import ROWS, Questions
from finalmile.workflows.endpoint_trial import Effort, Measured
from finalmile.workflows.shop import Shop
from finalmile.workflows.speed import kind_of

LEVEL = 0.99
RARE = "p99.9"
BUSY = 0.1
"""Share of the machine that others use above which a certificate is labelled."""


def certificate_of(
    shop: Shop,
    version: Version,
    told: Measured,
    questions: Questions,
    effort: Effort,
    *,
    durable: bool,
    target_ms: float,
) -> EndpointCertificate:
    """The certificate of what was measured; passed where no rule was broken."""
    windows = window_quantiles(told.loaded.windows)
    whole = all(math.isfinite(value) for values in windows.values() for value in values)
    known = windows.keys() - ({RARE} if _fewest(told.loaded.windows) < LEAST else set())
    intervals = {name: prediction_interval(windows[name], level=LEVEL) for name in windows if name in known and whole}
    centre = intervals["p99"].centre if intervals else None
    reasons = _reasons(told, len(questions.golden), p99=centre, target_ms=target_ms)
    accuracy = shop.ledger.certificate(version.model, version.number)
    return EndpointCertificate(
        model=version.model,
        number=version.number,
        issued_at=shop.clock.now(),
        digest=version.digest,
        kind=kind_of(version, shop.artefacts.path(version.digest)),
        features=questions.features,
        machine=told.machine,
        rows=questions.distinct,
        rows_digest=questions.digest,
        durable=durable,
        rate=told.rate,
        connections=effort.connections,
        window_s=effort.window_s,
        requests=sum(window.sent for window in told.loaded.windows),
        windows=windows,
        intervals={name: (one.centre, one.low, one.high) for name, one in intervals.items()},
        level=LEVEL,
        target_ms=target_ms,
        sustained=told.sustained,
        stopped=told.stopped,
        ladder=[(rung.rate, min(rung.worst_ms, 1e5), float(rung.failed)) for rung in told.rungs],
        errors=_errors(told.loaded.windows),
        memory_mb=told.memory_mb,
        cpu_us=told.cpu_us,
        cold_start_s=told.cold_start_s,
        golden=len(questions.golden),
        golden_equal=told.golden_equal,
        metrics={} if accuracy is None else accuracy.metrics,
        coverage={} if accuracy is None else accuracy.coverage,
        busy=told.busy,
        labels=_labels(told, effort, questions),
        passed=not reasons,
        reasons=reasons,
    )


def _reasons(told: Measured, golden: int, *, p99: float | None, target_ms: float) -> tuple[str, ...]:
    errors = sum(_errors(told.loaded.windows).values())
    found = [
        (told.golden_equal < golden, f"{golden - told.golden_equal} of {golden} golden outputs came back different"),
        (not told.owned, "another process answers on the port too, so it is not known who was measured"),
        (errors > 0, f"{errors} requests got no right answer: {_listed(_errors(told.loaded.windows))}"),
        (told.sustained is None, f"no rate keeps p99 at or under {target_ms:g} ms in every window"),
        (p99 is None, "a window got no request; certify at a higher rate"),
        (p99 is not None and p99 > target_ms, f"p99 is {p99 or 0:.1f} ms, at most {target_ms:g} ms are allowed"),
    ]
    return tuple(why for wrong, why in found if wrong)


def _labels(told: Measured, effort: Effort, questions: Questions) -> tuple[str, ...]:
    busy, fewest = told.busy or 0.0, _fewest(told.loaded.windows)
    found = [
        (effort.windows < FULL, f"weak: {effort.windows} windows, a full one has {FULL}"),
        (busy > BUSY, f"busy: other processes used {busy:.0%} of the machine meanwhile"),
        (told.busy is None, "unwatched: this system does not tell whether others used the machine"),
        (fewest < LEAST, f"{RARE} is not known: it takes {LEAST:,} requests in each window, one had {fewest:,}"),
        (questions.distinct < ROWS, f"few rows: {questions.distinct} that differ, better are {ROWS}"),
        (not questions.golden, "unchecked: no golden outputs were kept beside the model"),
    ]
    return tuple(why for so, why in found if so)


def _fewest(windows: tuple[Window, ...]) -> int:
    return min(window.sent for window in windows)


def _errors(windows: tuple[Window, ...]) -> dict[str, int]:
    names = sorted({name for window in windows for name in window.errors})
    return {name: sum(window.errors.get(name, 0) for window in windows) for name in names}


def _listed(errors: dict[str, int]) -> str:
    return ", ".join(f"{count} x {name}" for name, count in errors.items())
