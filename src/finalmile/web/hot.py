"""The shortest way: a prediction of one record, answered in the protocol itself, with no task or message between.

Whatever is not plain and right is left to the application, which answers it from its start: until a row is taken by the
log, nothing has been done that counts.
"""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence

from finalmile.errors import TransientError
from finalmile.predictions.record import key_digest
from finalmile.serving.counters import Counters, first_bucket, word_of
from finalmile.serving.histogram import bucket_of
from finalmile.web.bodies import parsed
from finalmile.web.predict import Plain, Predictor
from finalmile.web.replies import Call, Header, RefusedError, Reply, busy, head_of
from finalmile.web.state import Model, State

LARGEST = 16_384
"""Bytes of a body that is answered here."""

AT_ONCE = 32
"""Rows that a model is asked about in one call: the loop does nothing else meanwhile."""

Told = Callable[[Exception | None], None]
Take = Callable[[bytes, bool, Told], bool]
Wire = Callable[["HotCycle", bytes, bytes], None]
Admit = Callable[[Call, Model, str, bytes], None]
Again = Callable[[str, bytes, Call], Awaitable[Reply]]

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
        Sends head and body of the answer; never raises.
    length
        Bytes of its body.
    """

    __slots__ = (
        "asked", "began_ns", "body", "call", "disconnected", "keep_alive", "length", "path", "payload",
        "response_complete", "route", "state", "wire",
    )  # fmt: skip
    more_body = False
    message_event = _Nobody()

    def __init__(self, path: HotPath, wire: Wire, route: tuple[Model, str], call: Call, length: int) -> None:
        self.path, self.wire, self.route, self.call, self.length = path, wire, route, call, length
        self.state = path.state
        self.keep_alive, self.response_complete, self.disconnected = True, False, False
        self.body, self.payload, self.began_ns = b"", b"", 0
        self.asked: Plain

    def __call__(self, error: Exception | None) -> None:
        """Answer, now that the log has said how it went."""
        self.path.end(self, error)


class HotPath:
    """Answers plain predictions of one worker from whatever state it has at that instant.

    Parameters
    ----------
    admit
        Lets a request in by place, key and room, and names it; raises where it may not come in.
    again
        Answers a request that was let in, from its body, the long way.
    take
        Takes a line for the log and whether it must be on the disk first; whether it will say later how that went.
    """

    def __init__(self, *, counters: Counters, predictor: Predictor, admit: Admit, again: Again, take: Take) -> None:
        self._words, self._counters, self._predictor = counters.words, counters, predictor
        self._admit, self._again, self._take = admit, again, take
        self._requests, self._took, self._in_flight = word_of("requests"), first_bucket("request"), word_of("in_flight")
        self._log_us, self._rows, self._logged = first_bucket("log"), word_of("rows"), word_of("logged")
        self._turn: list[HotCycle] = []
        self._tasks: set[asyncio.Task[None]] = set()
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
        if length is None or len(length) > _DIGITS or not _OTHERWISE.isdisjoint(headers) or len(headers) != len(told):
            return None
        size = int(length)
        if not 0 < size <= LARGEST or size > self.state.board.limits.body_bytes:
            return None
        return HotCycle(self, wire, route, Call(_now(), "", "predict", None, headers), size)

    def answer(self, cycle: HotCycle, body: bytes) -> bool:
        """Whether the request is answered here: its model is asked with all others of this turn of the loop.

        Where it is not, nothing was done: the application may answer as if the request had just come.
        """
        words = self._words
        words[self._in_flight] += 1
        try:
            asked = self._asked(cycle, body) if cycle.state is self.state else None
        except Exception:  # the application meets it again, and says what it is
            asked = None
        if asked is None:
            words[self._in_flight] -= 1
            return False
        cycle.asked, cycle.body = asked, body
        if not self._turn:
            asyncio.get_running_loop().call_soon(self._take_turn)
        self._turn.append(cycle)
        return True

    def _asked(self, cycle: HotCycle, body: bytes) -> Plain | None:
        call, (model, path) = cycle.call, cycle.route
        self._admit(call, model, path, b"")
        if call.key:
            call.digest = key_digest(call.key, scope=call.key_scope, body=body)
        return self._predictor.plain(model, parsed(body, self.state.board.limits))

    def _take_turn(self) -> None:
        """Answer what came in one turn: of one call for many, neither trees nor code leave the cache for each row."""
        turn, self._turn = self._turn, []
        groups: dict[int, list[HotCycle]] = {}
        for cycle in turn:
            groups.setdefault(id(cycle.asked.ready), []).append(cycle)
        for group in groups.values():
            for at in range(0, len(group), AT_ONCE):
                self._answer_all(group[at : at + AT_ONCE])

    def _answer_all(self, group: list[HotCycle]) -> None:
        try:
            means = self._predictor.means(group[0].asked.ready, [cycle.asked for cycle in group])
        except Exception:  # the long way asks again, strikes, and lets another version answer
            for cycle in group:
                self._begin_again(cycle)
            return
        for cycle, mean in zip(group, means, strict=True):
            self._log(cycle, mean)

    def _log(self, cycle: HotCycle, mean: float) -> None:
        model = cycle.route[0]
        try:
            line, cycle.payload = self._predictor.told(model, cycle.asked, mean, cycle.call)
            cycle.began_ns = _now()
            later = self._take(line, model.route.durable, cycle)
        except Exception:
            self._begin_again(cycle)
            return
        if not later:
            self.end(cycle, None)

    def _begin_again(self, cycle: HotCycle) -> None:
        """Let the application answer; nothing of this request was logged."""
        task = asyncio.get_running_loop().create_task(self._long_way(cycle))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _long_way(self, cycle: HotCycle) -> None:
        try:
            self._send(cycle, await self._again(cycle.route[0].name, cycle.body, cycle.call))
        except Exception as fault:
            self._spoilt(cycle, fault)

    def end(self, cycle: HotCycle, error: Exception | None) -> None:
        """Send what there is to say of a row that the log has, or could not keep."""
        try:
            if error is not None:
                self._send(cycle, failure(error, self._counters))
                return
            words = self._words
            words[self._rows] += 1
            words[self._logged] += 1
            words[self._log_us + bucket_of((_now() - cycle.began_ns) * 1e-3)] += 1
            self._predictor.count(cycle.asked.ready)
            self._send(cycle, Reply(200, cycle.payload))
        except Exception as fault:  # whatever becomes of one answer, the others of its turn are sent
            self._spoilt(cycle, fault)

    def _send(self, cycle: HotCycle, reply: Reply) -> None:
        words, call = self._words, cycle.call
        head = head_of(reply, call.extra)
        words[self._in_flight] -= 1
        words[self._requests] += 1
        words[self._took + bucket_of((_now() - call.started_ns) * 1e-3)] += 1
        cycle.wire(cycle, head, reply.body)

    def _spoilt(self, cycle: HotCycle, fault: Exception) -> None:
        """Tell a caller whose answer could not be made that it could not."""
        reply = failure(fault, self._counters)
        if not cycle.response_complete:
            cycle.call.extra = ()
            self._send(cycle, reply)


def failure(error: Exception, counters: Counters) -> Reply:
    """What a caller is told whose request could not be answered through no fault of theirs; counted."""
    if isinstance(error, TransientError):
        counters.add("refused")
        return busy(str(error), after_s=getattr(error, "retry_after_s", 1)).reply()
    counters.add("errors_server")
    traceback.print_exception(error, file=sys.stderr)
    return RefusedError(500, "fault", "the endpoint failed; its log says how").reply()
