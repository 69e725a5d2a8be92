"""From records to answers: the version that answers each, the stable one where it cannot, and a line for the log."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import numpy as np

from finalmile.errors import ModelFaultError
from finalmile.predictions.record import fresh_id, head, keyed_id
from finalmile.serving.asking import LONGEST_ID, Asked
from finalmile.serving.counters import Counters, first_bucket, word_of
from finalmile.serving.histogram import bucket_of
from finalmile.serving.ready import Answer, Plan, Ready, Rows
from finalmile.serving.route import LIVE
from finalmile.serving.rows import Fault, Row
from finalmile.web.logged import line_of, lines_of
from finalmile.web.replies import Call, busy, encoded
from finalmile.web.state import Model

Put = Callable[[list[bytes], bool], Awaitable[None]]

MANY = 16
"""Rows from which a model answers beside the loop, so that others are answered meanwhile."""

_MARGIN_S = 0.5
_NO_STRIKE = ("starting", "waiting")
_AT_ONCE = 2
"""Calls of one model in the pool: it cannot take the threads that the others are answered from."""

_OF_EACH = frozenset(("prediction_id", "request_id", "mean", "unique_id", "features", "key"))

_now, _wall = time.perf_counter_ns, time.time_ns


@dataclass(slots=True)
class Record:
    """One record on its way to its answer.

    Parameters
    ----------
    failed
        Why no version could answer; empty where one did.
    """

    asked: Asked
    faults: list[Fault] = field(default_factory=list[Fault])
    ready: Ready | None = None
    role: str = ""
    fallback: str = ""
    plan: Plan | None = None
    answer: Answer | None = None
    failed: str = ""
    prediction_id: str = ""


class Plain(NamedTuple):
    """The plainest of requests: one row of given features, and the version that answers it."""

    ready: Ready
    row: Row
    unique_id: str | None


class Predictor:
    """Answers records of one worker.

    Parameters
    ----------
    put
        Takes lines for the log and whether to wait for the disk; awaited, they are as safe as that.
    pool
        Where models answer that take longer than microseconds.
    """

    def __init__(self, counters: Counters, *, put: Put, pool: Executor) -> None:
        self._counters, self._put, self._pool = counters, put, pool
        self._words, self._model_us = counters.words, first_bucket("model")
        self._log_us, self._rows, self._logged = first_bucket("log"), word_of("rows"), word_of("logged")
        self._tallies = counters.kept_words
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._chance, self._at = b"", 0
        self._starts: dict[tuple[str, str], bytes] = {}

    async def answer(self, model: Model, records: Sequence[Record], call: Call, *, together: bool = False) -> None:
        """Fill in every record's answer, its faults, or why it failed; then log what was answered.

        Parameters
        ----------
        together
            Answer none where one has a fault.
        """
        groups: dict[int, list[Record]] = {}
        faulty = False
        for record in records:
            record.ready, record.role, record.fallback = model.pick(record.asked.unique_id or call.request_id)
            if not record.asked.unreadable and self._planned(model, record) and not record.faults:
                groups.setdefault(id(record.ready), []).append(record)
            else:
                faulty = True
        if together and faulty:
            return
        for group in groups.values():
            await self._fill(model, group)
        lines = self._lines(records, call)
        if lines:
            await self._keep(lines, model)

    async def quick(self, model: Model, told: Any, call: Call) -> bytes | None:
        """The answer to the plainest of requests, its checks and its log the same, in fewer steps.

        ``None``, and nothing was done, where anything is not plain: the long way then says what.
        """
        asked = self.plain(model, told)
        if asked is None:
            return None
        try:
            (mean,) = self.means(asked.ready, [asked])
        except Exception:  # the long way asks again, strikes, and lets another version answer
            return None
        line, answer = self.told(model, asked, mean, call)
        self.count(asked.ready)
        await self._keep([line], model)
        return answer

    def plain(self, model: Model, told: Any) -> Plain | None:
        """What the plainest of requests asks; ``None`` of any other."""
        ready = None if model.route.shares else model.versions.get(model.route.live)
        if ready is None or ready.reader is None or not ready.inline or ready.levels or type(told) is not dict:
            return None
        body = cast("dict[str, Any]", told)
        features, unique_id = body.get("features"), body.get("unique_id")
        known = len(body) == 1 or (len(body) == 2 and type(unique_id) is str and len(unique_id) <= LONGEST_ID)
        row = ready.reader.at_once(features) if known and (ready.table is None or unique_id is None) else None
        return None if row is None else Plain(ready, row, unique_id)

    def means(self, ready: Ready, asked: Sequence[Plain]) -> list[float]:
        """What a version says of several requests in one call; each took its part of the time."""
        began = _now()
        rows = asked[0].row[None, :] if len(asked) == 1 else np.array([one.row for one in asked])
        means = ready.means(ready.run(rows))
        took = (_now() - began) * 1e-3 / len(means)
        self._words[self._model_us + bucket_of(took)] += len(means)
        return means

    def told(self, model: Model, asked: Plain, mean: float, call: Call) -> tuple[bytes, bytes]:
        """A line for the log, and the answer."""
        ready, issued_at = asked.ready, _wall() // 1000
        prediction_id = self._id(call, 0, issued_at)
        start = self._starts.get((ready.name, call.endpoint)) or self._start(ready, call)
        logged = {
            "prediction_id": prediction_id, "request_id": call.request_id, "mean": [mean],
            "unique_id": asked.unique_id, "features": asked.row, "key": call.digest,
            "latency_us": (_now() - call.started_ns) // 1000, "issued_at": issued_at,
        }  # fmt: skip
        answer = encoded(_item(model.name, prediction_id, asked.unique_id, ready.served.number, mean))
        return start + encoded(logged)[1:], answer

    def _start(self, ready: Ready, call: Call) -> bytes:
        """What the lines of a version have in common, made once; features that are given have no cutoff."""
        told = line_of(ready, Plan(Asked(), [None]), Answer([]), call, prediction_id="", role=LIVE)
        start = head({name: value for name, value in told.items() if name not in _OF_EACH})
        self._starts[ready.name, call.endpoint] = start
        return start

    async def _keep(self, lines: list[bytes], model: Model) -> None:
        """Hand lines to the log, and wait as the route says."""
        began = _now()
        await self._put(lines, model.route.durable)
        words = self._words
        words[self._logged] += len(lines)
        words[self._rows] += len(lines)
        words[self._log_us + bucket_of((_now() - began) * 1e-3)] += 1

    def item(self, record: Record, /) -> dict[str, Any]:
        """An answered record as it is told to the caller."""
        plan, answer, ready, asked = record.plan, record.answer, record.ready, record.asked
        assert plan is not None
        assert answer is not None
        assert ready is not None
        told: dict[str, Any] = {"prediction_id": record.prediction_id}
        if asked.unique_id is not None:
            told["unique_id"] = asked.unique_id
        told["version"], told["role"] = ready.served.number, record.role
        if ready.cutoff is not None and not plan.given:
            told["cutoff"] = ready.cutoff
        if plan.wide:
            told["ds"], told["mean"] = plan.ds, answer.mean
        else:
            told["mean"] = answer.mean[0]
        if answer.levels:
            values = answer.quantiles if plan.wide else [one[0] for one in answer.quantiles]
            told["quantiles"] = {f"q{level:g}": one for level, one in zip(answer.levels, values, strict=True)}
        if answer.windows is not None:
            told["windows"] = answer.windows
        if record.fallback:
            told["fallback"] = record.fallback
        return told

    def record_errors(self, count: int, /) -> None:
        """Count records that were answered by an error of their own."""
        self._counters.add("record_errors", count)

    def _planned(self, model: Model, record: Record) -> bool:
        if record.ready is None:
            record.failed = f"no version of {model.name} is loaded"
            return False
        record.plan = record.ready.plan(record.asked, record.faults)
        return record.plan is not None

    async def _fill(self, model: Model, group: list[Record], *, last: bool = False) -> None:
        """Let a version answer its records; where it cannot, the stable one."""
        ready = group[0].ready
        assert ready is not None
        if ready.reader is None:
            for record in group:
                assert record.plan is not None
                record.answer = ready.of_table(record.plan)
            return
        try:
            await self._run(model, ready, group)
        except Exception as error:  # whatever a model does, the request is answered
            kind = getattr(error, "kind", "")
            if kind not in _NO_STRIKE and not (kind == "unusual" and _given(group)):
                self._strike(ready, odd=kind != "memory" and _given(group))
            why = f"{ready.name}: {type(error).__name__}: {error}"[:300]
            await self._stand_in(model, group, why, last=last, waited=kind == "waiting")

    async def _run(self, model: Model, ready: Ready, group: list[Record]) -> None:
        rows = _rows_of(group)
        began = _now()
        if ready.inline and len(rows) < MANY:
            told = ready.run(rows)
        else:
            told = await self._beside(ready, rows, model.route.deadline_ms / 1e3)
        self._words[self._model_us + bucket_of((_now() - began) * 1e-3)] += 1
        if len(group) == 1:
            plan = group[0].plan
            assert plan is not None
            group[0].answer = ready.of_rows(plan, told)
            return
        at = 0
        for record in group:
            assert record.plan is not None
            count = len(record.plan.ds)
            record.answer = ready.of_rows(record.plan, told[at : at + count])
            at += count

    async def _beside(self, ready: Ready, rows: Rows, seconds: float) -> Rows:
        """What the model says; its time begins when the call does, not while others are answered."""
        turn = self._turns.setdefault(ready.name, asyncio.Semaphore(_AT_ONCE if ready.inline else 1))
        ready.in_use += 1
        try:
            began = _now()
            await asyncio.wait_for(turn.acquire(), seconds)
        except BaseException as error:
            ready.in_use -= 1
            raise _waited(ready) if isinstance(error, TimeoutError) else error from None
        work = await self._begun(ready, rows, turn, seconds - (_now() - began) * 1e-9)
        return await asyncio.wait_for(asyncio.shield(work), seconds + _MARGIN_S)

    async def _begun(self, ready: Ready, rows: Rows, turn: asyncio.Semaphore, seconds: float) -> asyncio.Future[Rows]:
        """The call, once a thread has taken it."""
        loop = asyncio.get_running_loop()
        begun = loop.create_future()

        def call() -> Rows:
            loop.call_soon_threadsafe(begun.set_result, None)
            return ready.run(rows)

        job = self._pool.submit(call)
        work = asyncio.wrap_future(job)
        work.add_done_callback(lambda _: _done(ready, turn))
        await asyncio.wait([begun], timeout=max(0.0, seconds))
        if not begun.done() and job.cancel():
            raise _waited(ready)
        return work

    async def _stand_in(self, model: Model, group: list[Record], why: str, *, last: bool, waited: bool) -> None:
        broken = group[0].ready
        other = model.stable if model.stable is not broken else model.live if model.live is not broken else None
        self._counters.add("fallbacks", len(group))
        if other is None or last:
            if waited:
                raise busy(f"more is asked of {model.name} than it can answer now; come again")
            for record in group:
                record.failed = why
            return
        for record in group:
            record.ready, record.role, record.fallback = other, "fallback", why
        planned = [record for record in group if self._planned(model, record)]
        if planned:
            await self._fill(model, planned, last=True)

    def _strike(self, ready: Ready, *, odd: bool) -> None:
        if odd:  # first, so that nobody sees a strike without it
            self._words[self._counters.tally(f"odd {ready.name}")] += 1
        self._words[self._counters.tally(f"strikes {ready.name}")] += 1

    def _lines(self, records: Sequence[Record], call: Call) -> list[bytes]:
        latency_us, issued_at = (_now() - call.started_ns) // 1000, _wall() // 1000
        lines: list[bytes] = []
        for at, record in enumerate(records):
            plan, answer, ready = record.plan, record.answer, record.ready
            if plan is not None and answer is not None and ready is not None:
                told = record.prediction_id = self._id(call, at, issued_at)
                self.count(ready)
                line = line_of(ready, plan, answer, call, prediction_id=told, role=record.role)
                line |= {"latency_us": latency_us, "issued_at": issued_at, "fallback": record.fallback}
                lines += lines_of(line, plan, answer)
        return lines

    def _id(self, call: Call, row: int, at_us: int) -> str:
        return keyed_id(call.digest, row) if call.digest else fresh_id(at_us, self._ten_bytes())

    def count(self, ready: Ready, /) -> None:
        """Count an answer of a version."""
        word = self._tallies.get(ready.name)
        if word is None:
            word = self._tallies[ready.name] = self._counters.tally(f"answers {ready.name}")
        self._words[word] += 1

    def _ten_bytes(self) -> bytes:
        """Chance for an id, drawn for many at a time."""
        at = self._at
        if at >= len(self._chance):
            self._chance, at = os.urandom(10_000), 0
        self._at = at + 10
        return self._chance[at : at + 10]


def _item(model: str, prediction_id: str, unique_id: str | None, number: int, mean: float) -> dict[str, Any]:
    told: dict[str, Any] = {"model": model, "prediction_id": prediction_id}
    if unique_id is not None:
        told["unique_id"] = unique_id
    told["version"], told["role"], told["mean"] = number, LIVE, mean
    return told


def _done(ready: Ready, turn: asyncio.Semaphore) -> None:
    ready.in_use -= 1
    turn.release()


def _waited(ready: Ready) -> ModelFaultError:
    return ModelFaultError("waiting", f"{ready.name} was busy with others for as long as an answer may take")


def _given(group: list[Record]) -> bool:
    """Whether callers gave all of the features that were asked about."""
    return all(record.asked.features is not None for record in group)


def _rows_of(group: list[Record]) -> Rows:
    if len(group) == 1:
        plan = group[0].plan
        assert plan is not None
        assert plan.rows is not None
        return plan.rows
    return np.concatenate([record.plan.rows for record in group if record.plan and record.plan.rows is not None])
