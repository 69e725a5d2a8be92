"""First load: a model made elsewhere shows in a process of its own what it does, before it may answer anybody."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from finalmile.errors import FinalMileError, ModelFaultError
from finalmile.forecasters.isolation import Bounds, Process
from finalmile.forecasters.loaders.contract import Rows
from finalmile.forecasters.loaders.kept import Kept
from finalmile.serving.golden import check_golden

_WARM, _FEWEST, _MOST, _BUDGET_S = 20, 30, 200, 5.0
_LEAK_KB = 32.0
_ALIKE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a model of rows must keep to.

    Parameters
    ----------
    row_ms
        Most milliseconds a single row may take, in the middle of its answers.
    deadline_ms
        Most for any one answer.
    """

    row_ms: float = 250.0
    deadline_ms: float = 2000.0
    bounds: Bounds = field(default_factory=Bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a first load showed: the certificate of the sandbox.

    Parameters
    ----------
    row_us, slowest_us
        Microseconds of a single row, round trip included: the middle and the slowest of ``answers``.
    grew_kb
        Kilobytes of memory an answer left behind, on average.
    notes
        Sentences a user should read.
    """

    load_seconds: float
    memory_mb: float
    row_us: float
    slowest_us: float
    batch_row_us: float
    grew_kb: float
    answers: int
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """As the ledger keeps it."""
        return asdict(self)


def try_rows(folder: Path, rows: Rows, /, *, terms: Terms | None = None) -> tuple[Rows, Tried]:
    """Let a registered model of rows answer probe rows, one by one and together; its answers, and what it showed.

    Raises
    ------
    ModelFaultError
        It did not load, raised, died, was late or slow, leaks, answered another number of rows, values that are not
        finite, or another answer to a row alone than among others.
    """
    terms = terms or Terms()
    kept = Kept.read(folder)
    process = _opened(folder, kept, terms)
    try:
        return _tried(process, rows, len(kept.outputs), terms)
    finally:
        process.close()


def golden_answered(folder: Path, /, *, bounds: Bounds | None = None) -> int:
    """How many golden rows a version answers in a process of its own, all as it did when it was registered.

    0 where it does not, cannot be opened, or none were kept.
    """
    try:
        kept = Kept.read(folder)
        rows = kept.golden.get("rows", ())
        if not rows:
            return 0
        terms = Terms(bounds=bounds or Bounds())
        process = _opened(folder, kept, terms)
        try:
            for row, answer in zip(rows, kept.golden["answers"], strict=True):
                alone = replace(kept, golden={"rows": [row], "answers": [answer]})
                check_golden(_Asked(process, len(kept.outputs), terms.deadline_ms / 1000), alone, exact=False)
        finally:
            process.close()
    except (FinalMileError, OSError):
        return 0
    return len(rows)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A process as a model of rows."""

    process: Process
    outputs: int
    deadline_s: float

    def rows(self, features: Rows, /) -> Rows:
        return self.process.rows(features, outputs=self.outputs, deadline_s=self.deadline_s)

    def close(self) -> None:
        self.process.close()


def _opened(folder: Path, kept: Kept, terms: Terms) -> Process:
    return Process(folder, bounds=terms.bounds, reaches_out=kept.made().reaches_out, secrets=kept.secrets)


def _tried(process: Process, rows: Rows, outputs: int, terms: Terms) -> tuple[Rows, Tried]:
    deadline = terms.deadline_ms / 1000
    began = time.perf_counter()
    together = process.rows(rows, outputs=outputs, deadline_s=max(deadline, terms.row_ms / 1000 * len(rows)))
    batch_us = (time.perf_counter() - began) / len(rows) * 1e6
    alone = np.concatenate([process.rows(row[None, :], outputs=outputs, deadline_s=deadline) for row in rows[:_WARM]])
    before = process.memory_mb
    times = _timed(process, rows, outputs, deadline)
    after = process.memory_mb
    grew = 0.0 if before is None or after is None else max(0.0, (after - before) * 1000 / len(times))
    _judge(together, alone, times, grew, terms)
    again = process.rows(rows, outputs=outputs, deadline_s=deadline + terms.row_ms / 1000 * len(rows))
    notes = () if np.array_equal(again, together) else ("It answers the same rows differently each time.",)
    return together, Tried(
        load_seconds=process.about["load_seconds"],
        memory_mb=process.memory_mb or process.about["memory_mb"],
        row_us=float(np.median(times)),
        slowest_us=float(times.max()),
        batch_row_us=batch_us,
        grew_kb=grew,
        answers=len(times),
        notes=notes,
    )


def _timed(process: Process, rows: Rows, outputs: int, deadline: float) -> Rows:
    """Microseconds of single rows."""
    times: list[float] = []
    until = time.perf_counter() + _BUDGET_S
    while len(times) < _MOST and (len(times) < _FEWEST or time.perf_counter() < until):
        row = rows[len(times) % len(rows)][None, :]
        began = time.perf_counter()
        process.rows(row, outputs=outputs, deadline_s=deadline)
        times.append((time.perf_counter() - began) * 1e6)
    return np.array(times)


def _judge(together: Rows, alone: Rows, times: Rows, grew_kb: float, terms: Terms) -> None:
    middle = float(np.median(times)) / 1000
    if middle > terms.row_ms:
        raise ModelFaultError("late", f"the model takes {middle:.0f} ms for a row; it may take {terms.row_ms:.0f}")
    if grew_kb > _LEAK_KB:
        raise ModelFaultError("memory", f"the model leaks memory: {grew_kb:.0f} kB with every answer")
    apart = ~np.isclose(together[: len(alone)], alone, rtol=_ALIKE, atol=1e-6)
    if apart.any():
        at = int(np.argwhere(apart)[0][0])
        said = f"{alone[at].tolist()} alone and {together[at].tolist()} among others"
        raise ModelFaultError("shape", f"the model answers row {at} with {said}; rows must not depend on each other")
