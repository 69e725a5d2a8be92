"""A process that sends load to a server of this machine and times every answer: ``python -m finalmile.web.load``.

It reads one JSON object (:class:`Plan`) from standard input and writes one to standard output. It is a process of its
own so that neither the server's work nor ours delays the clock of the other.

**Open loop** (``rate`` given): requests fall due at the instants of a Poisson process, whatever the server does, and a
latency runs from the instant its request was due. A client that waits for an answer before it sends the next request
stops asking while the server stands still, and so leaves out just the requests that would have been slow (coordinated
omission): of a server that stands still for 200 ms every 2 s it reports a p99 of 0.2 ms where users see 184 ms.

**Closed loop** (no ``rate``): each connection asks again as soon as it is answered. That ranks servers by how many
answers they give a second, and says nothing about latency at a load that does not depend on the server.

It is one thread on plain sockets and ``select``, whose time-outs reach below a millisecond where those of event loops
are whole milliseconds. Every request that was due is answered, counted as an error of some kind, or still unanswered at
the end and then counted as a ``timeout``; nothing is asked twice.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import re
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Sequence

import numpy as np
import orjson

from finalmile.serving.load_plan import Loaded, Plan
from finalmile.web.load_tally import Tally

_CHUNK = 65_536
_LAST_CHUNK = b"0\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TICK_S = 0.05
_SET_TIMER_SLACK = 29
_NOW_TOO_FULL = (errno.EAGAIN, errno.EWOULDBLOCK)


class _Connection:
    """One kept-alive connection: at most one request is on its way."""

    __slots__ = ("buffer", "closing", "due", "out", "sent_at", "sock", "which")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = b""
        self.out = b""
        self.due = 0.0
        self.sent_at = 0.0
        self.which = 0
        self.closing = False

    def fileno(self) -> int:
        return self.sock.fileno()


class Client:
    """Carries out a plan, once."""

    def __init__(self, plan: Plan, /) -> None:
        self.plan = plan
        self.wire = plan.requests()
        self.free: deque[_Connection] = deque()
        self.busy: dict[int, _Connection] = {}
        self.missing = plan.connections
        self.retry_at = 0.0
        self.began = 0.0
        self.tally = Tally(plan)

    def run(self) -> Loaded:
        """Send, wait for what is still on its way, and tell."""
        self._connect(time.perf_counter(), patient=True)
        cpu, self.began = time.process_time(), time.perf_counter()
        if self.plan.rate is None:
            self._closed()
        else:
            self._open(self._arrivals(self.plan.rate))
        share = (time.process_time() - cpu) / (time.perf_counter() - self.began)
        for connection in (*self.free, *self.busy.values()):
            connection.sock.close()
        return self.tally.told(share)

    def _arrivals(self, rate: float) -> list[float]:
        chance = np.random.default_rng(self.plan.seed)
        gaps = chance.exponential(1 / rate, size=int(rate * self.plan.span_s * 1.2) + 100)
        due = np.cumsum(gaps)
        while due[-1] < self.plan.span_s:
            due = np.concatenate([due, due[-1] + np.cumsum(chance.exponential(1 / rate, size=100))])
        kept: list[float] = due[due < self.plan.span_s].tolist()
        return kept

    def _open(self, due: Sequence[float]) -> None:
        clock, began, total, at = time.perf_counter, self.began, len(due), 0
        stalled = False
        while at < total or self.busy:
            now = clock()
            while at < total and began + due[at] <= now:
                if not self.free:
                    stalled = True
                    if now - began - due[at] > self.plan.timeout_s:
                        self._lost(due[at], "no free connection")
                        at += 1
                        continue
                    break
                self._send(self.free.popleft(), due[at], at, late=None if stalled else now - began - due[at])
                at += 1
                now = clock()
            else:
                stalled = False
            wait = _TICK_S if at >= total or stalled else began + due[at] - clock()
            self._hear(min(max(wait, 0.0), _TICK_S))

    def _closed(self) -> None:
        clock, end, asked = time.perf_counter, self.began + self.plan.span_s, 0
        while True:
            now = clock()
            if now < end:
                while self.free:
                    self._send(self.free.popleft(), clock() - self.began, asked, late=0.0)
                    asked += 1
            elif not self.busy:
                return
            self._hear(_TICK_S)

    def _send(self, connection: _Connection, due: float, which: int, *, late: float | None) -> None:
        self.tally.sent(due, late=late)
        connection.due, connection.sent_at, connection.which = due, time.perf_counter(), which % len(self.wire)
        connection.out = self.wire[connection.which]
        self.busy[connection.fileno()] = connection
        self._write(connection)

    def _write(self, connection: _Connection) -> None:
        try:
            gone = connection.sock.send(connection.out)
        except OSError as error:
            if error.errno not in _NOW_TOO_FULL:
                self._failed(connection, "connection lost")
            return
        connection.out = connection.out[gone:] if gone < len(connection.out) else b""

    def _hear(self, wait_s: float) -> None:
        busy = self.busy
        if not busy and not self.missing:
            if wait_s > 0:
                time.sleep(wait_s)
            return
        writing = [number for number, connection in busy.items() if connection.out]
        readable, writable, _ = select.select(list(busy), writing, [], wait_s)
        for number in writable:
            if number in busy:
                self._write(busy[number])
        for number in readable:
            if number in busy:
                self._read(busy[number])
        now = time.perf_counter()
        if now >= self.retry_at:
            self._expire(now)
            self._drop_idle()
            self._connect(now)
            self.retry_at = now + _TICK_S

    def _read(self, connection: _Connection) -> None:
        try:
            part = connection.sock.recv(_CHUNK)
        except OSError as error:
            if error.errno not in _NOW_TOO_FULL:
                self._failed(connection, "connection lost")
            return
        if not part:
            self._failed(connection, "connection closed before the answer")
            return
        raw = connection.buffer + part if connection.buffer else part
        head, gap, body = raw.partition(b"\r\n\r\n")
        if not gap:
            connection.buffer = raw
            return
        self._heard(connection, raw, head, body)

    def _heard(self, connection: _Connection, raw: bytes, head: bytes, body: bytes) -> None:
        try:
            length = _length(head)
        except ValueError as error:
            self._failed(connection, str(error))
            return
        whole = body.endswith(_LAST_CHUNK) if length is None else len(body) >= length
        if not whole:
            connection.buffer = raw
        elif length is not None and len(body) > length:
            self._failed(connection, "more than one answer")
        else:
            self._answered(connection, head, body)

    def _answered(self, connection: _Connection, head: bytes, body: bytes) -> None:
        at, status = time.perf_counter() - self.began, head[9:12]
        if status == b"200":
            self.tally.answered(connection.due, at, which=connection.which, body=body)
        else:
            self.tally.failed(connection.due, f"status {status.decode('ascii', 'replace')}")
        connection.buffer = b""
        del self.busy[connection.fileno()]
        if b"\r\nconnection: close" in head.lower():
            connection.sock.close()
            self.missing += 1
            self._connect(time.perf_counter())
        else:
            self.free.append(connection)

    def _failed(self, connection: _Connection, kind: str) -> None:
        self.tally.failed(connection.due, kind)
        self.busy.pop(connection.fileno(), None)
        connection.sock.close()
        self.missing += 1

    def _lost(self, due: float, kind: str) -> None:
        self.tally.sent(due, late=None)
        self.tally.failed(due, kind)

    def _expire(self, now: float) -> None:
        late = [one for one in self.busy.values() if now - one.sent_at > self.plan.timeout_s]
        for connection in late:
            self._failed(connection, "timeout")

    def _drop_idle(self) -> None:
        """Let go of connections that the server closed while nothing was asked on them: no request was lost."""
        if not self.free:
            return
        ended = set(select.select([one.fileno() for one in self.free], [], [], 0)[0])
        for connection in [one for one in self.free if one.fileno() in ended]:
            self.free.remove(connection)
            connection.sock.close()
            self.missing += 1

    def _connect(self, now: float, *, patient: bool = False) -> None:
        """Open what is missing; before the start wait for the server, later try again at the next tick."""
        while self.missing:
            try:
                sock = socket.create_connection((self.plan.host, self.plan.port), timeout=self.plan.timeout_s)
            except OSError:
                if patient and time.perf_counter() - now < self.plan.timeout_s:
                    time.sleep(_TICK_S)
                    continue
                if patient:
                    raise
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setblocking(False)
            self.missing -= 1
            self.free.append(_Connection(sock))


def _length(head: bytes) -> int | None:
    """Length of the body that a head announces; ``None`` of one that comes in chunks."""
    if not head.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")):
        raise ValueError("not an HTTP answer")
    found = _LENGTH.search(head)
    if found is not None:
        return int(found[1])
    if b"chunked" in head.lower():
        return None
    raise ValueError("an answer without its length")


def _sharpen_timers() -> None:
    """Wake at the instant asked for where Linux allows 50 microseconds of delay by default."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_SET_TIMER_SLACK, 1, 0, 0, 0)


def main() -> int:
    """Carry out the plan on standard input."""
    plan = Plan.from_json(orjson.loads(sys.stdin.buffer.read()))
    _sharpen_timers()
    try:
        done = Client(plan).run()
    except OSError as error:
        print(f"{plan.host}:{plan.port}: {error}", file=sys.stderr)
        return 3
    sys.stdout.buffer.write(orjson.dumps(done.to_json()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
