"""Certify an endpoint: how fast a version answers on this machine, measured from outside on a server of its own."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from finalmile.errors import BusyError, MissingInputError
from finalmile.ports import Progress
from finalmile.records import EndpointCertificate, Json, Version
from finalmile.serving.board import Board, Route, Served
from finalmile.serving.endpoint_certificate import FULL, QUICK, prediction_interval, window_quantiles
from finalmile.serving.load_plan import Loaded, Plan
from finalmile.serving.load_profile import Ladder, Rung, Window
from finalmile.serving.online import OnlineTable
from finalmile.serving.questions import ROWS, Questions, answers_alike, of_rows, of_table
from finalmile.serving.signature import Signature
from finalmile.workflows.endpoint import served_as
from finalmile.workflows.materialise import materialise
from finalmile.workflows.shop import Shop, newest_version
from finalmile.workflows.speed import benchmark_for, declared, kind_of

LEVEL = 0.99
START_RATE = 200.0
TOO_BUSY, BUSY = 0.25, 0.1
"""Shares of the machine that others use: above the first nothing is measured, above the second it is labelled."""


class Endpoint(Protocol):
    """A server that answers nobody else."""

    @property
    def port(self) -> int:
        """Where on 127.0.0.1."""
        ...

    @property
    def cold_start_s(self) -> float:
        """From starting its processes to the first answer."""
        ...

    def cpu_s(self) -> float | None:
        """Processor seconds used so far."""
        ...

    def memory_mb(self) -> float | None:
        """Memory of its processes."""
        ...

    def owns_its_port(self) -> bool:
        """Whether nobody else answers there."""
        ...

    def ask(self, path: str, body: str, /) -> tuple[int, str]:
        """Status and body of the answer to one request."""
        ...


class Bench(Protocol):
    """What measuring needs of the machine."""

    def endpoint(self, folder: Path, /, *, path: str, body: str) -> AbstractContextManager[Endpoint]:
        """A server that follows the board in a folder, once it answers a request, until the block ends."""
        ...

    def load(self, plan: Json, /, *, span_s: float) -> Json:
        """What came of a load plan, carried out by a process of its own."""
        ...

    def machine(self) -> str:
        """Processor, cores and memory."""
        ...

    def machine_cpu_s(self) -> float | None:
        """Processor seconds that everything on the machine used so far."""
        ...

    def now_s(self) -> float:
        """Seconds of a clock that only runs forward."""
        ...

    def rest(self, seconds: float, /) -> None:
        """Do nothing for a while."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is measured.

    Parameters
    ----------
    windows, window_s
        Of the certified rate.
    tries, rung_windows, rung_s
        Of the search for the highest rate that keeps to the target.
    """

    windows: int = FULL
    window_s: float = 10.0
    tries: int = 14
    rung_windows: int = 3
    rung_s: float = 3.0
    warm_s: float = 2.0
    connections: int = 64

    @classmethod
    def quick(cls) -> Effort:
        """Ten windows: the certificate is labelled weak."""
        return cls(windows=QUICK, tries=10, rung_s=1.5, warm_s=1.0)


def certify_endpoint(
    shop: Shop,
    model: str,
    *,
    bench: Bench,
    serving: Path,
    number: int | None = None,
    effort: Effort | None = None,
    rate: float | None = None,
    target_ms: float = 50.0,
    even_if_busy: bool = False,
    progress: Progress | None = None,
) -> EndpointCertificate:
    """Measure a version behind workers of its own and keep the certificate.

    The rate that is certified is the one given, else that of the benchmark (so that versions can be compared), else
    half of the highest rate that keeps to the target.

    Parameters
    ----------
    serving
        The project's folder of what serving keeps; read for online tables, never written to.
    target_ms
        What p99 must not exceed.
    even_if_busy
        Measure, and label, where others use more than a quarter of the machine.

    Raises
    ------
    BusyError
        If the machine is busy.
    MissingInputError
        If there is nothing to ask the version.
    """
    effort = effort or Effort()
    version = newest_version(shop, model, number)
    served = served_as(version, shop.artefacts.path(version.digest), serving)
    _check_quiet(bench, even_if_busy=even_if_busy)
    durable = shop.ledger.route(model).durable
    told = progress or _silent
    with tempfile.TemporaryDirectory(prefix="finalmile-endpoint-") as name:
        folder = Path(name)
        served, questions = _questions(shop, version, served, folder)
        Board(epoch=1, versions=(served,), routes=(_route(version, durable=durable),)).write(folder)
        with bench.endpoint(folder, path=questions.path, body=questions.bodies[0]) as endpoint:
            trial = _Trial(
                bench=bench, endpoint=endpoint, questions=questions, effort=effort, target_ms=target_ms, told=told
            )
            earlier = benchmark_for(shop.ledger, version, kind=version.kind, features=questions.features)
            usual = None if earlier is None or earlier.source == "similar model" else earlier.certificate.rate
            measured = trial.run(rate or usual)
    certificate = _certificate(shop, version, measured, questions, effort, durable=durable, target_ms=target_ms)
    shop.ledger.add_endpoint_certificate(certificate, actor=shop.actor)
    return certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    machine: str
    cold_start_s: float
    golden_equal: int
    rungs: tuple[Rung, ...]
    sustained: float | None
    stopped: str
    rate: float
    loaded: Loaded
    cpu_us: float | None
    memory_mb: float | None
    busy: float | None
    owned: bool


@dataclass(slots=True, kw_only=True)
class _Trial:
    bench: Bench
    endpoint: Endpoint
    questions: Questions
    effort: Effort
    target_ms: float
    told: Callable[[int, int, str], None]

    def run(self, rate: float | None) -> _Measured:
        owned = self.endpoint.owns_its_port()
        equal = sum(self._right(body, right) for body, right in self.questions.golden)
        ladder = Ladder(start=START_RATE, target_ms=self.target_ms, tries=self.effort.tries)
        rungs = self._climb(ladder)
        sustained = ladder.sustained(rungs)
        rate = rate or (_rounded(sustained / 2) if sustained else rungs[-1].rate)
        self.told(1, 2, f"measuring at {rate:,.0f} requests a second")
        loaded, cpu_us, busy = self._measure(rate)
        self.told(2, 2, "measured")
        return _Measured(
            machine=self.bench.machine(),
            cold_start_s=self.endpoint.cold_start_s,
            golden_equal=equal,
            rungs=tuple(rungs),
            sustained=sustained,
            stopped=ladder.why(rungs) or "",
            rate=rate,
            loaded=loaded,
            cpu_us=cpu_us,
            memory_mb=self.endpoint.memory_mb(),
            busy=busy,
            owned=owned and self.endpoint.owns_its_port(),
        )

    def _right(self, body: str, right: Any) -> bool:
        status, told = self.endpoint.ask(self.questions.path, body)
        return status == 200 and answers_alike(told, right)

    def _climb(self, ladder: Ladder) -> list[Rung]:
        rungs: list[Rung] = []
        while (rate := ladder.next(rungs)) is not None:
            self.told(0, 2, f"trying {rate:,.0f} requests a second")
            loaded = self._load(rate, windows=self.effort.rung_windows, window_s=self.effort.rung_s, seed=len(rungs))
            rungs.append(loaded.to_rung(rate))
        return rungs

    def _load(self, rate: float, *, windows: int, window_s: float, seed: int) -> Loaded:
        plan = Plan(
            port=self.endpoint.port,
            path=self.questions.path,
            bodies=self.questions.bodies,
            rate=rate,
            connections=self.effort.connections,
            windows=windows,
            window_s=window_s,
            warm_s=self.effort.warm_s,
            seed=seed,
        )
        return Loaded.from_json(self.bench.load(plan.to_json(), span_s=plan.span_s))

    def _measure(self, rate: float) -> tuple[Loaded, float | None, float | None]:
        """The windows, processor time of a request, and the share of the machine that others used."""
        began, mine, every = self.bench.now_s(), self.endpoint.cpu_s(), self.bench.machine_cpu_s()
        loaded = self._load(rate, windows=self.effort.windows, window_s=self.effort.window_s, seed=1000)
        spent, mine_after, every_after = self.bench.now_s() - began, self.endpoint.cpu_s(), self.bench.machine_cpu_s()
        if mine is None or mine_after is None:
            return loaded, None, None
        span = self.effort.warm_s + self.effort.windows * self.effort.window_s
        cpu = mine_after - mine
        client = loaded.client_share * span
        others = None if every is None or every_after is None else every_after - every - cpu - client
        share = None if others is None else min(1.0, max(0.0, others / spent / (os.cpu_count() or 1)))
        return loaded, cpu / max(1.0, rate * span) * 1e6, share


def _questions(shop: Shop, version: Version, served: Served, folder: Path) -> tuple[Served, Questions]:
    """What it is asked, and the version with the table that this needs: made in ``folder`` where there is none."""
    told = declared(Path(served.folder))
    if told.get("takes") == "rows":
        signature = Signature.from_json(told["signature"])
        questions = of_rows(version.model, signature, told.get("golden", {}), seed=version.model)
        if questions.bodies:
            return served, questions
    table = Path(served.table) if served.table is not None else materialise(shop, version, folder)
    if table is None:
        raise MissingInputError(
            f"{version} has neither golden rows nor an online table, so there is nothing to ask it. Register it again "
            "with rows that it must answer, under golden in its features file."
        )
    questions = of_table(version.model, OnlineTable.open(table), seed=version.model)
    return replace(served, table=str(table)), questions


def _check_quiet(bench: Bench, *, even_if_busy: bool) -> None:
    """Raise where others use the machine: what is measured would be theirs."""
    before, began = bench.machine_cpu_s(), bench.now_s()
    if before is None or even_if_busy:
        return
    bench.rest(1.0)
    after = bench.machine_cpu_s()
    share = 0.0 if after is None else (after - before) / (bench.now_s() - began) / (os.cpu_count() or 1)
    if share > TOO_BUSY:
        raise BusyError(
            f"other processes use {share:.0%} of this machine, and at most {TOO_BUSY:.0%} are allowed: what would be "
            "measured is how they disturb. Try when it is quiet, or measure all the same with --even-if-busy."
        )


def _certificate(
    shop: Shop,
    version: Version,
    told: _Measured,
    questions: Questions,
    effort: Effort,
    *,
    durable: bool,
    target_ms: float,
) -> EndpointCertificate:
    windows = window_quantiles(told.loaded.windows)
    whole = all(math.isfinite(value) for values in windows.values() for value in values)
    intervals = {name: prediction_interval(values, level=LEVEL) for name, values in windows.items()} if whole else {}
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


def _reasons(told: _Measured, golden: int, *, p99: float | None, target_ms: float) -> tuple[str, ...]:
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


def _labels(told: _Measured, effort: Effort, questions: Questions) -> tuple[str, ...]:
    busy = told.busy or 0.0
    found = [
        (effort.windows < FULL, f"weak: {effort.windows} windows, a full one has {FULL}"),
        (busy > BUSY, f"busy: other processes used {busy:.0%} of the machine meanwhile"),
        (told.busy is None, "unwatched: this system does not tell whether others used the machine"),
        (questions.distinct < ROWS, f"few rows: {questions.distinct} that differ, better are {ROWS}"),
        (not questions.golden, "unchecked: no golden outputs were kept beside the model"),
    ]
    return tuple(why for so, why in found if so)


def _errors(windows: tuple[Window, ...]) -> dict[str, int]:
    names = sorted({name for window in windows for name in window.errors})
    return {name: sum(window.errors.get(name, 0) for window in windows) for name in names}


def _listed(errors: dict[str, int]) -> str:
    return ", ".join(f"{count} x {name}" for name, count in errors.items())


def _route(version: Version, *, durable: bool) -> Route:
    return Route(model=version.model, live=version.number, durable=durable)


def _rounded(rate: float) -> float:
    """Two digits, so that certificates of one version meet at the same rate."""
    step = 10.0 ** (math.floor(math.log10(rate)) - 1)
    return max(step, math.floor(rate / step) * step)


def _silent(done: int, total: int, what: str) -> None:
    del done, total, what
