"""The endpoint as a bare ASGI application: predictions are answered here, everything else goes to the manager."""

from __future__ import annotations

import asyncio
import difflib
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, cast
from urllib.parse import parse_qs

from finalmile.predictions.record import key_digest
from finalmile.serving.asking import read_asked
from finalmile.serving.counters import Counters, first_bucket, word_of
from finalmile.serving.histogram import bucket_of
from finalmile.serving.rows import Fault
from finalmile.web.bodies import GoneError, Held, Receive, parsed, read_body
from finalmile.web.drain import WRITE
from finalmile.web.gate import Gate
from finalmile.web.health import METRICS, Health
from finalmile.web.hot import HotPath, failure
from finalmile.web.invocations import answer_invocations
from finalmile.web.openinference import answer_infer, described, readiness, server_described
from finalmile.web.predict import Predictor, Record
from finalmile.web.relay import Relay
from finalmile.web.replies import Call, Header, RefusedError, Reply, busy, encoded, head_of, invalid
from finalmile.web.state import Model, State
from finalmile.web.tracing import named
from finalmile.web.uploads import Upload

Scope = MutableMapping[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_INFER = re.compile(r"/v2/models/([^/]+)(?:/versions/([^/]+))?(/infer|/ready)?")
_PREDICT = re.compile(r"/v1/models/([^/]+):predict")
_LENGTH = b"content-length"
_PAUSE_EVERY = 500
LONGEST_KEY = 200
"""Bytes of an idempotency key."""

_now = time.perf_counter_ns


class Endpoint:
    """Answers requests of one worker from whatever state it has at that instant."""

    def __init__(
        self, *, counters: Counters, predictor: Predictor, gate: Gate, health: Health, relay: Relay, state: State
    ) -> None:
        self.state, self.draining, self.held = state, False, Held()
        self.hot: HotPath | None = None
        self._predictor, self._gate, self._health, self._relay = predictor, gate, health, relay
        self._counters, self._words = counters, counters.words
        self._requests, self._took, self._in_flight = word_of("requests"), first_bucket("request"), word_of("in_flight")
        self._made = 0
        self._name = f"{time.time_ns() // 1000:x}"

    def follow(self, state: State) -> None:
        """Answer from this state from now on."""
        self.state = state
        if self.hot is not None:
            self.hot.follow(state)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await _outlive(scope, receive, send)
            return
        started, words = _now(), self._words
        words[self._in_flight] += 1
        call = Call(started, "", "", None, dict(scope["headers"]))
        try:
            reply = await self._answer(scope, receive, send, call)
            if reply is not None:
                write = scope.get(WRITE)
                bare = reply.status != 200 or scope["method"] == "HEAD"
                if write is None or bare or not write(head_of(reply, call.extra), reply.body):
                    await _sent(send, reply, call.extra)
        except GoneError:
            pass
        finally:
            words[self._in_flight] -= 1
            words[self._requests] += 1
            words[self._took + bucket_of((_now() - started) * 1e-3)] += 1

    async def _answer(self, scope: Scope, receive: Receive, send: Send, call: Call) -> Reply | None:
        return await self._or_refusal(self._found(scope, receive, send, call))

    async def _found(self, scope: Scope, receive: Receive, send: Send, call: Call) -> Reply | None:
        model = self.state.paths.get(scope["path"])
        if model is not None and scope["method"] == "POST":
            self.admit(call, model, scope["path"], scope["query_string"])
            return await self._predict(model, await self._body(receive, call), call)
        return await self._elsewhere(scope, receive, send, call)

    async def again(self, name: str, body: bytes, call: Call) -> Reply:
        """The answer to a prediction that was let in and has not been answered."""
        reply = await self._or_refusal(self._predicted(name, body, call))
        assert reply is not None
        return reply

    async def _predicted(self, name: str, body: bytes, call: Call) -> Reply:
        model = self.state.models.get(name)
        if model is None:
            raise self._not_found(name, call)
        return await self._predict(model, body, call)

    async def _or_refusal(self, answering: Awaitable[Reply | None]) -> Reply | None:
        try:
            return await answering
        except RefusedError as refused:
            self._count(refused.status)
            return refused.reply()
        except (GoneError, asyncio.CancelledError):
            raise
        except Exception as error:
            return failure(error, self._counters)

    def admit(self, call: Call, model: Model, path: str, query: bytes) -> None:
        """Let a prediction in: place, key, room; and name the request."""
        headers, state = call.headers, self.state
        self._gate.check_place(headers, state)
        prefix = self._gate.check_key(headers, state, model=model.name)
        if self._words[self._in_flight] > state.board.limits.waiting:
            raise busy(f"{state.board.limits.waiting} requests are under way in this worker, and no more may wait")
        self._named(call)
        key = headers.get(b"idempotency-key")
        if key is not None:
            if not 0 < len(key.strip()) <= LONGEST_KEY:
                raise _wrong_key(key)
            told = f"{path}?{query.decode('latin-1')}"
            call.key, call.key_scope = key.decode("latin-1"), f"{prefix} {model.name} {told}"

    async def _body(self, receive: Receive, call: Call) -> bytes:
        """The whole body of a prediction; with its idempotency key it says which request this is."""
        body = await read_body(receive, call.headers, self.state.board.limits, held=self.held)
        if call.key:
            call.digest = key_digest(call.key, scope=call.key_scope, body=body)
        return body

    def _named(self, call: Call) -> None:
        headers = call.headers
        if b"traceparent" in headers or b"x-request-id" in headers:
            call.request_id, call.extra = named(headers)
        if not call.request_id:
            self._made += 1
            call.request_id = f"{self._name}-{self._made}"

    async def _predict(self, model: Model, body: bytes, call: Call) -> Reply:
        """One record or many, answered together or refused together with every fault."""
        call.endpoint = "predict"
        limits = self.state.board.limits
        told: Any = parsed(body, limits)
        plain = await self._predictor.quick(model, told, call)
        if plain is not None:
            return Reply(200, plain)
        several = _several(told)
        if several is not None:
            records = await self._records(several, limits.rows)
        else:
            faults: list[Fault] = []
            records = [Record(read_asked(told, "", faults), faults)]
        await self._predictor.answer(model, records, call, together=True)
        for record in records:
            if record.answer is None:
                raise _unanswered(records)
        if several is not None:
            return Reply(200, encoded({"model": model.name, "predictions": [*map(self._predictor.item, records)]}))
        return Reply(200, encoded({"model": model.name, **self._predictor.item(records[0])}))

    async def _records(self, told: dict[str, Any], most: int) -> list[Record]:
        instances = told.pop("instances")
        if not isinstance(instances, list) or not instances:
            raise invalid([("instances", "must be a list of at least one record")])
        rows = cast("list[object]", instances)
        if len(rows) > most:
            raise RefusedError(413, "too_many", f"{len(rows)} records; at most {most} at once, more through a batch")
        faults: list[Fault] = []
        shared = read_asked(told, "", faults)
        if faults or shared.features is not None or shared.unique_id is not None:
            raise invalid(faults or [("instances", "stand beside unique_id or features; give those in each record")])
        records: list[Record] = []
        for at, row in enumerate(rows):
            mine: list[Fault] = []
            records.append(Record(read_asked(row, f"instances[{at}]", mine, shared=shared), mine))
            if at % _PAUSE_EVERY == _PAUSE_EVERY - 1:
                await asyncio.sleep(0)
        return records

    async def _elsewhere(self, scope: Scope, receive: Receive, send: Send, call: Call) -> Reply | None:
        """Everything but the shortest path."""
        path, method, state = str(scope["path"]), str(scope["method"]), self.state
        self._gate.check_place(call.headers, state)
        told = self._checked(path, call) if method in ("GET", "HEAD") else None
        if told is not None:
            return told
        if path == "/invocations":
            return await self._invocations(scope, receive, call)
        if path == "/v2" or path.startswith("/v2/"):
            return await self._open_inference(scope, receive, call)
        found = _PREDICT.fullmatch(path)
        if found:
            self._gate.check_key(call.headers, state, model=found[1])
            raise self._not_found(found[1], call) if found[1] not in state.models else _method("POST")
        return await self._relayed(scope, receive, send, call)

    def _checked(self, path: str, call: Call) -> Reply | None:
        """Pages that machines read; what is served is told only to those who may read it."""
        if path == METRICS:
            self._gate.check_key(call.headers, self.state, model=None)
        return self._health.reply(path, self.state, draining=self.draining, silent=not self._gate.open(self.state))

    async def _invocations(self, scope: Scope, receive: Receive, call: Call) -> Reply:
        if scope["method"] != "POST":
            raise _method("POST")
        query = parse_qs(scope["query_string"].decode("latin-1"))
        wanted = query.get("model", [call.headers.get(b"x-amzn-sagemaker-target-model", b"").decode("latin-1")])[0]
        model = self._model(wanted, call)
        self.admit(call, model, scope["path"], scope["query_string"])
        body = await self._body(receive, call)
        call.endpoint = "invocations"
        return await answer_invocations(self._predictor, model, body, call, limits=self.state.board.limits, query=query)

    async def _open_inference(self, scope: Scope, receive: Receive, call: Call) -> Reply:
        path, method = str(scope["path"]), str(scope["method"])
        if path == "/v2" and method in ("GET", "HEAD"):
            return Reply(200, encoded(server_described()))
        found = _INFER.fullmatch(path)
        if found is None:
            raise RefusedError(404, "unknown_path", "known: /v2/models/NAME, /v2/models/NAME/infer, /v2/health/ready")
        model = self._model(found[1], call)
        if found[3] == "/infer":
            if method != "POST":
                raise _method("POST")
            self.admit(call, model, scope["path"], scope["query_string"])
            limits = self.state.board.limits
            told = parsed(await self._body(receive, call), limits)
            call.endpoint = "infer"
            return await answer_infer(self._predictor, model, told, call, version=found[2], limits=limits)
        if method not in ("GET", "HEAD"):
            raise _method("GET")
        if found[3] == "/ready":
            return readiness(model, version=found[2])
        self._gate.check_key(call.headers, self.state, model=model.name)
        return Reply(200, encoded(described(model, version=found[2])))

    async def _relayed(self, scope: Scope, receive: Receive, send: Send, call: Call) -> Reply | None:
        """Hand a request that is not ours to the manager, which asks for keys itself."""
        self._counters.add("relayed")
        upload = Upload(scope, receive, usual=self.state.board.limits.body_bytes)
        if upload.long:
            self._gate.check_key(call.headers, self.state, model=None)
        return await self._relay.ask(scope, upload, send)

    def _model(self, name: str, call: Call) -> Model:
        """The model of that name, or the only one that the caller's key reaches where none is named."""
        models = self.state.models
        if name:
            self._gate.check_key(call.headers, self.state, model=name)
        if name in models:
            return models[name]
        mine = self._gate.reached(call.headers, self.state)
        if name or not mine:
            raise self._not_found(name, call)
        if len(mine) == 1:
            return models[mine[0]]
        known = ", ".join(mine)
        raise RefusedError(400, "which_model", f"several models are served; say ?model=NAME, one of {known}")

    def _not_found(self, name: str, call: Call) -> RefusedError:
        if not self.state.told:
            return busy("the endpoint has just started and does not know yet what to serve")
        if name in self.state.loading:
            return busy(f"the version of {name!r} that is to answer is being loaded", after_s=2)
        known = self._gate.reached(call.headers, self.state)
        close = difflib.get_close_matches(name[:80], known, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known[:20]) or 'none yet'}"
        mend = "" if close or known else ". Make one live: finalmile promote MODEL, after finalmile register or train"
        return RefusedError(404, "unknown_model", f"no model that is served is called {name[:80]!r}. {hint}{mend}")

    def _count(self, status: int) -> None:
        kind = "refused" if status in (429, 503) else "errors_server" if status >= 500 else "errors_client"
        self._counters.add(kind)


async def _sent(send: Send, reply: Reply, extra: Any) -> None:
    headers: list[Header] = [*reply.headers, *extra, (_LENGTH, b"%d" % len(reply.body))]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def _several(told: Any) -> dict[str, Any] | None:
    """The body where it holds many records."""
    return cast("dict[str, Any]", told) if isinstance(told, dict) and "instances" in told else None


def _unanswered(records: list[Record]) -> RefusedError:
    """Why some records have no answer: their faults, or else a model that failed with nobody to stand in."""
    faults = [fault for record in records for fault in record.faults]
    if faults:
        return invalid(faults)
    failed = next(record.failed for record in records if record.failed)
    message = f"no version could answer: {failed}"
    return RefusedError(503, "no_version", message, headers=((b"retry-after", b"5"),))


def _wrong_key(key: bytes) -> RefusedError:
    message = f"Idempotency-Key has {len(key)} bytes; send 1 to {LONGEST_KEY} that name this request, or no such header"
    return RefusedError(400, "malformed", message)


def _method(right: str) -> RefusedError:
    return RefusedError(405, "method", f"use {right} here", headers=((b"allow", right.encode()),))


async def _outlive(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
    """Follow the server's life; other protocols are not spoken."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
        return
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
