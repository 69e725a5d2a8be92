"""A version under load: what a trial needs of the machine, how much it measures, and what came of it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from finalmile.records import Json
from finalmile.serving.endpoint_certificate import FULL, QUICK
from finalmile.serving.load_plan import Loaded, Plan
from finalmile.serving.load_profile import Ladder, Rung
from finalmile.serving.questions import Questions, answers_alike

START_RATE = 200.0


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

    def logged(self, folder: Path, /, *, most: int) -> Sequence[bytes]:
        """The newest lines, at most so many, that the server logged to a folder before it ended."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a trial showed; ``None`` where the machine cannot tell."""

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
class Trial:
    """One version under load, behind an endpoint of its own."""

    bench: Bench
    endpoint: Endpoint
    questions: Questions
    effort: Effort
    target_ms: float
    told: Callable[[int, int, str], None]

    def run(self, rate: float | None) -> Measured:
        """Ask the golden rows, look for the highest rate that keeps to the target, and measure at one rate."""
        owned = self.endpoint.owns_its_port()
        equal = sum(self._right(body, right) for body, right in self.questions.golden)
        ladder = Ladder(start=START_RATE, target_ms=self.target_ms, tries=self.effort.tries)
        rungs = self._climb(ladder)
        sustained = ladder.sustained(rungs)
        rate = rate or (_rounded(sustained / 2) if sustained else rungs[-1].rate)
        effort = self.effort
        self.told(
            1, 2, f"measuring at {rate:,.0f} requests a second: {effort.windows} windows of {effort.window_s:g} s"
        )
        loaded, cpu_us, busy = self._measure(rate)
        self.told(2, 2, "measured")
        return Measured(
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
            self.told(0, 2, f"{rate:,.0f} requests a second {_outcome(rungs[-1], self.target_ms)}")
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


def _outcome(rung: Rung, target_ms: float) -> str:
    if rung.failed:
        return f"left {rung.failed:,} without a right answer"
    kept = "are sustained" if rung.keeps(target_ms) else "are not"
    return f"{kept}: p99 was {rung.worst_ms:.1f} ms in the slowest window"


def _rounded(rate: float) -> float:
    """Two digits, so that certificates of one version meet at the same rate."""
    step = 10.0 ** (math.floor(math.log10(rate)) - 1)
    return max(step, math.floor(rate / step) * step)
