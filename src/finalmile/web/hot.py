"""The shortest way: a prediction of one record, answered in the protocol itself, with no task or message between.

Whatever is not plain and right is left to the application, which answers it from its start: until a row is taken by the
log, nothing has been done that counts.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Sequence

from finalmile.errors import TransientError
from finalmile.predictions.record import key_digest
from finalmile.serving.counters import Counters, first_bucket, word_of
from finalmile.serving.histogram import bucket_of
from finalmile.serving.ready import Ready
from finalmile.web.bodies import parsed
from finalmile.web.predict import Predictor
from finalmile.web.replies import Call, Header, RefusedError, Reply, busy, head_of
from finalmile.web.state import Model, State

LARGEST = 16_384
"""Bytes of a body that is answered here."""

Told = Callable[[Exception | None], None]
Take = Callable[[bytes, bool, Told], bool]
Wire = Callable[["HotCycle", bytes, bytes], None]
Admit = Callable[[Call, Model, str, bytes], None]

_DIGITS = len(str(LARGEST))
_OTHERWISE = frozenset((b"transfer-encoding", b"content-encoding", b"expect", b"upgrade"))
_now = time.perf_counter_ns


class _Nobody:
    """Nobody waits for more of a body that is whole."""

    def set(self) -> None:
        """Tell nobody."""


class HotCycle:
    """One request and its answer, where the protocol holds what is under way on its connection.

    Parameters
    ----------
    wire
        Sends head and body of the answer.
    length
        Bytes of its body.
    """

    __slots__ = (
        "began_ns", "call", "disconnected", "keep_alive", "length", "path", "payload", "ready", "response_complete",
        "route", "state", "wire",
    )  # fmt: skip
    more_body = False
    message_event = _Nobody()

    def __init__(self, path: HotPath, wire: Wire, route: tuple[Model, str], call: Call, length: int) -> None:
        self.path, self.wire, self.route, self.call, self.length = path, wire, route, call, length
        self.state = path.state
        self.keep_alive, self.response_complete, self.disconnected = True, False, False
        self.payload, self.began_ns = b"", 0
        self.ready: Ready | None = None

    def __call__(self, error: Exception | None) -> None:
        """Answer, now that the log has said how it went."""
        self.path.end(self, error)


class HotPath:
    """Answers plain predictions of one worker from whatever state it has at that instant.

    Parameters
    ----------
    admit
        Lets a request in by place, key and room, and names it; raises where it may not come in.
    take
        Takes a line for the log and whether it must be on the disk first; whether it will say later how that went.
    """

    def __init__(self, *, counters: Counters, predictor: Predictor, admit: Admit, take: Take) -> None:
        self._words, self._counters, self._predictor = counters.words, counters, predictor
        self._admit, self._take = admit, take
        self._requests, self._took, self._in_flight = word_of("requests"), first_bucket("request"), word_of("in_flight")
        self._log_us, self._rows, self._logged = first_bucket("log"), word_of("rows"), word_of("logged")
        self.follow(State())

    def follow(self, state: State) -> None:
        """Answer from this state from now on."""
        self.state = state
        self._routes = {path.encode(): (model, path) for path, model in state.paths.items()}

    def fits(self, url: bytes, told: Sequence[Header], wire: Wire) -> HotCycle | None:
        """The request to such an address with such headers, where it may be one to answer here."""
        route = self._routes.get(url)
        if route is None:
            return None
        headers = dict(told)
        length = headers.get(b"content-length")
        if length is None or len(length) > _DIGITS or not _OTHERWISE.isdisjoint(headers):
            return None
        size = int(length)
        if not 0 < size <= LARGEST or size > self.state.board.limits.body_bytes:
            return None
        return HotCycle(self, wire, route, Call(_now(), "", "predict", None, headers), size)

    def answer(self, cycle: HotCycle, body: bytes) -> bool:
        """Predict and log; whether that was done, and the answer is sent now or once the row is on the disk.

        Where it was not, nothing was: the application may answer as if the request had just come.
        """
        words = self._words
        words[self._in_flight] += 1
        try:
            later = self._taken(cycle, body) if cycle.state is self.state else None
        except Exception:  # the application meets it again, and says what it is
            later = None
        if later is None:
            words[self._in_flight] -= 1
            return False
        if not later:
            self.end(cycle, None)
        return True

    def _taken(self, cycle: HotCycle, body: bytes) -> bool | None:
        """Whether the log will say later that it has the row; ``None`` where nothing was given to it."""
        call, (model, path) = cycle.call, cycle.route
        self._admit(call, model, path, b"")
        if call.key:
            call.digest = key_digest(call.key, scope=call.key_scope, body=body)
        made = self._predictor.plain(model, parsed(body, self.state.board.limits), call)
        if made is None:
            return None
        line, cycle.payload, cycle.ready = made
        cycle.began_ns = _now()
        return self._take(line, model.route.durable, cycle)

    def end(self, cycle: HotCycle, error: Exception | None) -> None:
        """Send what there is to say, and count it."""
        words, now = self._words, _now()
        words[self._in_flight] -= 1
        words[self._requests] += 1
        words[self._took + bucket_of((now - cycle.call.started_ns) * 1e-3)] += 1
        if error is None:
            words[self._rows] += 1
            words[self._logged] += 1
            words[self._log_us + bucket_of((now - cycle.began_ns) * 1e-3)] += 1
            if cycle.ready is not None:
                self._predictor.count(cycle.ready)
            reply = Reply(200, cycle.payload)
        else:
            reply = failure(error, self._counters)
        cycle.wire(cycle, head_of(reply, cycle.call.extra), reply.body)


def failure(error: Exception, counters: Counters) -> Reply:
    """What a caller is told whose request could not be answered through no fault of theirs; counted."""
    if isinstance(error, TransientError):
        counters.add("refused")
        return busy(str(error), after_s=getattr(error, "retry_after_s", 1)).reply()
    counters.add("errors_server")
    traceback.print_exception(error, file=sys.stderr)
    return RefusedError(500, "fault", "the endpoint failed; its log says how").reply()
