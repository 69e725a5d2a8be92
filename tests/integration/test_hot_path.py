"""Predictions that are answered in the protocol itself: in order, once, on the disk first, and like all the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import orjson
import pytest
import uvicorn

from finalmile.adapters.local.tail import Tail
from finalmile.adapters.local.tail_file import TailFile
from finalmile.errors import TransientError
from finalmile.serving.board import Board, Limits, Route, Served
from finalmile.serving.counters import Counters, word_of
from finalmile.serving.ready import Ready
from finalmile.serving.rows import RowReader
from finalmile.serving.signature import Feature, Signature
from finalmile.web.drain import MOST_HEAD, DrainingProtocol
from finalmile.web.fast import Endpoint
from finalmile.web.gate import Gate
from finalmile.web.health import Health
from finalmile.web.hot import AT_ONCE, HotPath
from finalmile.web.predict import Predictor
from finalmile.web.relay import Relay
from finalmile.web.state import Model, State

Told = Callable[[Exception | None], None]


class Sum:
    """Answers the sum of the features; no number where the price is 13."""

    calls = 0

    def rows(self, features: np.ndarray, /) -> np.ndarray:
        self.calls += 1
        total: np.ndarray = features.sum(axis=1)
        return np.where(features[:, 0] == 13.0, np.nan, total)[:, None]

    def close(self) -> None:
        pass


class Wire(asyncio.Transport):
    """Keeps what is written."""

    aborted = False

    def __init__(self) -> None:
        super().__init__()
        self.told, self.closed, self.unread, self.paused, self.lost = b"", False, 0, False, False

    def write(self, data: Any) -> None:
        if self.lost:
            raise RuntimeError("the handle is closed")
        if not self.closed:
            self.told += bytes(data)

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return self.unread

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


@dataclass
class Bench:
    """One worker's endpoint, and a log that says when it is told to."""

    folder: Path
    limits: Limits = field(default_factory=Limits)
    durable: bool = True
    full: bool = False
    lines: list[bytes] = field(default_factory=list)
    waiting: list[Told] = field(default_factory=list)
    by_messages: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.counters = Counters(self.folder / "slot-0.counters")
        predictor = Predictor(self.counters, put=self._put, pool=ThreadPoolExecutor(1))
        self.endpoint = Endpoint(
            counters=self.counters,
            predictor=predictor,
            gate=Gate(),
            health=Health(self.folder, self.counters, fault_of_log=lambda: "", beat=lambda: None),
            relay=Relay(self.folder / "manager.sock"),
            state=State(),
        )
        self.endpoint.hot = HotPath(
            counters=self.counters,
            predictor=predictor,
            admit=self.endpoint.admit,
            again=self.endpoint.again,
            take=self._take,
        )
        self.endpoint.follow(self._state())

    def _state(self) -> State:
        signature = Signature(features=(Feature(name="price", low=0.0), Feature(name="promo", default=0.0)))
        served = Served(model="demand", number=1, kind="t", digest="", folder="")
        self.model = Sum()
        ready = Ready(served=served, reader=RowReader(signature), model=self.model)
        route = Route(model="demand", live=1, durable=self.durable)
        model = Model(name="demand", route=route, versions={1: ready})
        board = Board(epoch=1, versions=(served,), routes=(route,), limits=self.limits)
        paths = {"/v1/models/demand:predict": model}
        return State(board=board, models={"demand": model}, paths=paths, told=True)

    async def _put(self, lines: list[bytes], _durable: bool) -> None:
        if self.full:
            raise TransientError("the log is full")
        self.by_messages += lines

    def _take(self, line: bytes, durable: bool, told: Told) -> bool:
        if self.full:
            raise TransientError("the log is full")
        self.lines.append(line)
        if durable:
            self.waiting.append(told)
        return durable

    async def commit(self, error: Exception | None = None) -> None:
        """What waits is on the disk, or could not be."""
        await asyncio.sleep(0)
        waiting, self.waiting = self.waiting, []
        for told in waiting:
            told(error)

    def counted(self, name: str) -> int:
        return int(self.counters.words[word_of(name)])

    def connection(self, wire: Wire | None = None) -> tuple[DrainingProtocol, Wire]:
        config = uvicorn.Config(
            cast("Any", self.endpoint), http=DrainingProtocol, lifespan="off", log_config=None, date_header=False,
            server_header=False,
        )  # fmt: skip
        config.load()
        protocol, wire = DrainingProtocol(config, uvicorn.server.ServerState(), {}), wire or Wire()
        protocol.connection_made(wire)
        return protocol, wire


def asking(price: float, *headers: str, version: str = "1.1", body: bytes | None = None) -> bytes:
    raw = orjson.dumps({"features": {"price": price, "promo": 0}}) if body is None else body
    lines = [f"POST /v1/models/demand:predict HTTP/{version}", f"content-length: {len(raw)}"]
    told = headers if any(one.startswith("host:") for one in headers) else ("host: 127.0.0.1", *headers)
    return "\r\n".join((*lines, *told, "", "")).encode() + raw


def answers(told: bytes) -> Iterator[tuple[int, bytes, Any]]:
    """Status, head and body of every answer."""
    while told:
        head, _, rest = told.partition(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        yield int(head.split()[1]), head.lower(), orjson.loads(rest[:size])
        told = rest[size:]


def means(wire: Wire) -> list[float]:
    return [body["mean"] for _, _, body in answers(wire.told)]


async def settled(protocol: DrainingProtocol) -> None:
    while protocol.tasks:
        await asyncio.gather(*protocol.tasks)


def run(act: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(act())


def test_nothing_is_answered_before_the_disk_has_it_and_all_of_one_commit_are_answered_then(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        both = [bench.connection() for _ in range(2)]
        for at, (protocol, _) in enumerate(both):
            protocol.data_received(asking(at))
        assert not any(wire.told for _, wire in both)
        assert bench.counted("in_flight") == 2
        await bench.commit()
        assert [means(wire) for _, wire in both] == [[0.0], [1.0]]
        told = [body["prediction_id"] for _, wire in both for _, _, body in answers(wire.told)]
        assert [orjson.loads(line)["prediction_id"] for line in bench.lines] == told
        counts = [bench.counted(name) for name in ("in_flight", "requests", "rows", "logged")]
        assert counts == [0, 2, 2, 2]
        assert not bench.by_messages

    run(act)


def test_a_model_is_asked_once_for_all_that_came_in_a_turn_and_each_gets_its_own_answer(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        several = [bench.connection() for _ in range(AT_ONCE + 8)]
        for at, (protocol, _) in enumerate(several):
            protocol.data_received(asking(100 + at))
        await bench.commit()
        assert [means(wire) for _, wire in several] == [[100.0 + at] for at in range(AT_ONCE + 8)]
        assert bench.model.calls == 2

    run(act)


def test_a_row_that_a_model_has_no_answer_for_spoils_no_other_and_nothing_is_logged_twice(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        several = [bench.connection() for _ in range(3)]
        for (protocol, _), price in zip(several, (1, 13, 2), strict=True):
            protocol.data_received(asking(price))
        while bench.counted("in_flight"):
            await bench.commit()
        told = [(status, body.get("mean")) for _, wire in several for status, _, body in answers(wire.told)]
        assert told == [(200, 1.0), (503, None), (200, 2.0)]
        assert len(bench.lines) + len(bench.by_messages) == 2
        assert (bench.counted("requests"), bench.counted("rows")) == (3, 2)

    run(act)


def test_a_full_log_is_told_as_busy(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path, full=True)
        protocol, wire = bench.connection()
        protocol.data_received(asking(1))
        while bench.counted("in_flight"):
            await bench.commit()
        ((status, head, body),) = answers(wire.told)
        assert (status, body["error"]["code"], b"retry-after" in head) == (503, "busy", True)
        assert (bench.counted("refused"), bench.counted("rows")) == (1, 0)

    run(act)


def test_what_is_not_durable_is_answered_at_once(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path, durable=False)
        protocol, wire = bench.connection()
        for price in (1, 2, 3):
            protocol.data_received(asking(price))
            await asyncio.sleep(0)
        assert means(wire) == [1.0, 2.0, 3.0]
        assert len(bench.lines) == 3

    run(act)


@pytest.mark.parametrize("durable", [True, False])
def test_pipelined_requests_keep_their_order_also_where_some_go_the_long_way(tmp_path: Path, durable: bool) -> None:
    async def act() -> None:
        bench = Bench(tmp_path, durable=durable)
        protocol, wire = bench.connection()
        long = orjson.dumps({"features": {"price": 2}, "quantiles": False})
        wrong = orjson.dumps({"features": {"price": -1}})
        protocol.data_received(asking(1) + asking(0, body=long) + asking(3) + asking(0, body=wrong) + asking(5))
        for _ in range(8):
            await bench.commit()
            await settled(protocol)
        told = [(status, body.get("mean")) for status, _, body in answers(wire.told)]
        assert told == [(200, 1.0), (200, 2.0), (200, 3.0), (422, None), (200, 5.0)]
        assert len(bench.lines) + len(bench.by_messages) == 4
        protocol.data_received(asking(6))
        await bench.commit()
        assert [*answers(wire.told)][-1][2]["mean"] == 6.0
        assert not wire.paused
        protocol.shutdown()

    run(act)


def test_a_request_is_answered_the_same_wherever_it_is_cut(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        whole = asking(7, "x-request-id: mine")
        for cut in range(1, len(whole)):
            protocol, wire = bench.connection()
            protocol.data_received(whole[:cut])
            assert protocol.stuck(protocol.since + 31, 30)
            protocol.data_received(whole[cut:])
            await bench.commit()
            await settled(protocol)
            ((status, head, body),) = answers(wire.told)
            assert (status, body["mean"], b"x-request-id: mine" in head) == (200, 7.0, True)
            assert not protocol.stuck(protocol.since + 31, 30)
            protocol.shutdown()
            assert wire.closed
        assert len(bench.lines) + len(bench.by_messages) == len(whole) - 1
        assert bench.lines
        assert bench.by_messages

    run(act)


def test_chunks_old_protocols_and_other_addresses_go_the_long_way(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        raw = orjson.dumps({"features": {"price": 4}})
        chunked = (
            b"POST /v1/models/demand:predict HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n"
            b"%x\r\n%b\r\n0\r\n\r\n" % (len(raw), raw)
        )
        expecting = asking(4, "expect: 100-continue")
        for told in (chunked, asking(4, version="1.0"), asking(4).replace(b":predict", b":predict?a=1"), expecting):
            protocol, wire = bench.connection()
            protocol.data_received(told)
            await settled(protocol)
            assert b'"mean":4.0' in wire.told
            assert wire.told.startswith(b"HTTP/1.1 100 ") == (told is expecting)
            assert wire.closed == (b"HTTP/1.0" in told)
            protocol.shutdown()
        assert not bench.lines
        assert len(bench.by_messages) == 4

    run(act)


def test_connection_close_ends_it_with_the_answer(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        for body in (None, b"{"):
            protocol, wire = bench.connection()
            protocol.data_received(asking(1, "connection: close", body=body))
            assert not wire.closed
            await bench.commit()
            await settled(protocol)
            ((status, head, _),) = answers(wire.told)
            assert (status, b"connection: close" in head, wire.closed) == (400 if body else 200, True, True)

    run(act)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (("origin: https://evil.example",), 403),
        (("content-encoding: gzip",), 415),
        (("idempotency-key:  ",), 400),
        (("host: evil.example",), 421),
    ],
)
def test_what_may_not_come_in_is_refused_as_ever_and_not_logged(
    tmp_path: Path, headers: tuple[str, ...], status: int
) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        protocol, wire = bench.connection()
        protocol.data_received(asking(1, *headers))
        await settled(protocol)
        assert [one[0] for one in answers(wire.told)] == [status]
        assert not bench.lines
        assert not bench.by_messages
        assert [bench.counted(name) for name in ("in_flight", "requests", "errors_client")] == [0, 1, 1]
        protocol.shutdown()

    run(act)


def test_no_more_wait_than_may(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path, limits=Limits(waiting=2))
        several = [bench.connection() for _ in range(3)]
        for protocol, _ in several:
            protocol.data_received(asking(1))
            await settled(protocol)
        assert [one[0] for one in answers(several[2][1].told)] == [503]
        await bench.commit()
        assert [means(wire) for _, wire in several[:2]] == [[1.0], [1.0]]
        assert (bench.counted("refused"), bench.counted("in_flight")) == (1, 0)
        several[2][0].shutdown()

    run(act)


def test_bodies_past_the_bound_are_refused(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path, limits=Limits(body_bytes=20))
        protocol, wire = bench.connection()
        protocol.data_received(asking(1))
        await settled(protocol)
        assert [one[0] for one in answers(wire.told)] == [413]

    run(act)


def test_a_caller_who_goes_away_while_its_row_is_written_leaves_the_row_and_no_trace_else(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        (gone, gone_wire), (other, other_wire) = bench.connection(), bench.connection()
        gone.data_received(asking(1))
        other.data_received(asking(2))
        gone.connection_lost(None)
        await bench.commit()
        assert gone_wire.told == b""
        assert means(other_wire) == [2.0]
        assert [bench.counted(name) for name in ("in_flight", "requests", "logged")] == [0, 2, 2]

    run(act)


def test_a_disk_that_refuses_is_told_as_busy_and_the_connection_goes_on(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        protocol, wire = bench.connection()
        protocol.data_received(asking(1))
        await bench.commit(TransientError("the disk is full"))
        protocol.data_received(asking(2))
        await bench.commit()
        (first, head, body), (second, _, _) = answers(wire.told)
        assert (first, body["error"]["code"], b"retry-after: 1" in head, second) == (503, "busy", True, 200)
        assert [bench.counted(name) for name in ("refused", "logged", "requests", "in_flight")] == [1, 1, 2, 0]

    run(act)


def test_an_idempotency_key_names_the_prediction_as_on_the_long_way(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        raw = asking(1, "idempotency-key: order-7")
        for at in (len(raw), len(raw) - 5):
            protocol, _ = bench.connection()
            protocol.data_received(raw[:at])
            protocol.data_received(raw[at:])
            await settled(protocol)
            await bench.commit()
            protocol.shutdown()
        ids = [orjson.loads(line)["prediction_id"] for line in (*bench.lines, *bench.by_messages)]
        assert len(bench.lines) == len(bench.by_messages) == 1
        assert ids[0] == ids[1]

    run(act)


def test_a_caller_who_does_not_read_is_asked_to_wait_and_cut_off_in_time(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        protocol, wire = bench.connection()
        protocol.pause_writing()
        wire.unread = 100_000
        protocol.data_received(asking(1))
        await asyncio.sleep(0)
        assert wire.told == b""
        assert not bench.lines
        assert protocol.stuck(protocol.since + 31, 30)
        protocol.resume_writing()
        await settled(protocol)
        assert means(wire) == [1.0]
        protocol.shutdown()

    run(act)


def test_a_drain_ends_each_connection_with_the_answer_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        raw = asking(3)
        (waits, waits_wire), (half, half_wire), (idle, idle_wire) = (bench.connection() for _ in range(3))
        waits.data_received(raw)
        half.data_received(raw[:-9])
        assert [waits.idle, half.idle, idle.idle] == [False, False, True]
        monkeypatch.setattr(DrainingProtocol, "draining", True)
        for protocol in (waits, half, idle):
            protocol.end()
            protocol.shutdown()
        assert [waits_wire.closed, half_wire.closed, idle_wire.closed] == [False, False, True]
        half.data_received(raw[-9:])
        await bench.commit()
        await settled(half)
        for wire in (waits_wire, half_wire):
            ((status, head, _),) = answers(wire.told)
            assert (status, b"connection: close" in head, wire.closed) == (200, True, True)

    run(act)


def test_a_head_that_waits_for_its_body_is_under_way_also_while_the_server_ends(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        head, _, body = asking(3).partition(b"\r\n\r\n")
        protocol, wire = bench.connection()
        protocol.data_received(head + b"\r\n\r\n")
        assert not protocol.idle
        assert protocol.stuck(protocol.since + 31, 30)
        protocol.end()
        protocol.shutdown()
        assert not wire.closed
        protocol.data_received(body)
        await bench.commit()
        assert means(wire) == [3.0]
        assert len(bench.lines) == 1

    run(act)


def test_a_connection_that_rests_too_long_is_found(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        protocol, _ = bench.connection()
        protocol.data_received(asking(1))
        later = protocol.since + protocol.timeout_keep_alive + 1
        assert not protocol.rested(later)
        await bench.commit()
        assert protocol.rested(later)
        assert not protocol.rested(protocol.since + 1)
        protocol.data_received(asking(2)[:9])
        assert not protocol.rested(later + 1)

    run(act)


def test_a_state_that_is_replaced_between_head_and_body_answers_from_the_new_one(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        head, _, body = asking(3).partition(b"\r\n\r\n")
        protocol, wire = bench.connection()
        protocol.data_received(head + b"\r\n\r\n")
        bench.endpoint.follow(State(told=True))
        protocol.data_received(body)
        await settled(protocol)
        assert b"421" in wire.told[:20] or b"404" in wire.told[:20]
        assert not bench.lines
        protocol.shutdown()

    run(act)


def test_answers_leave_when_their_group_is_on_the_disk(tmp_path: Path) -> None:
    async def act() -> None:
        bench, tail = Bench(tmp_path), Tail(tmp_path / "log-0.db")
        assert bench.endpoint.hot is not None
        bench.endpoint.hot._take = lambda line, durable, told: tail.take(line, told, durable=durable)
        several = [bench.connection() for _ in range(20)]
        for at, (protocol, _) in enumerate(several):
            protocol.data_received(asking(100 + at))
        while bench.counted("in_flight"):
            await asyncio.sleep(0)
        file = TailFile(tmp_path / "log-0.db")
        kept = {orjson.loads(row)["prediction_id"] for _, rows in file.groups() for row in rows}
        file.close()
        told = {body["prediction_id"] for _, wire in several for _, _, body in answers(wire.told)}
        assert (len(told), told) == (20, kept)
        await tail.close()

    run(act)


NOTHING = b"POST /v1/nothing HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("sent", [b"a: b\r\n", b"a"])
@pytest.mark.parametrize("answered", [True, False])
def test_trailers_without_end_are_not_kept_and_end_the_connection(tmp_path: Path, sent: bytes, answered: bool) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        protocol, wire = bench.connection()
        protocol.data_received(NOTHING + b"0\r\n")
        if answered:
            await settled(protocol)
            assert wire.told.startswith(b"HTTP/1.1 ")
        pieces = 0
        while not wire.aborted:
            protocol.data_received(sent * 1000)
            pieces += 1
            assert pieces * len(sent) <= 70
        assert len(protocol.headers) == 2
        protocol.connection_lost(None)
        await settled(protocol)

    run(act)


def test_trailers_of_a_request_do_no_harm_and_are_no_headers(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        protocol, wire = bench.connection()
        raw = orjson.dumps({"features": {"price": 4}})
        told = NOTHING.replace(b"nothing", b"models/demand:predict") + b"%x\r\n%b\r\n0\r\n" % (len(raw), raw)
        protocol.data_received(told + b"host: evil.example\r\nx-request-id: theirs\r\n\r\n" + asking(5))
        await settled(protocol)
        await settled(protocol)
        assert means(wire) == [4.0, 5.0]
        assert b"theirs" not in wire.told
        protocol.shutdown()

    run(act)


def test_a_refused_caller_may_send_its_body_to_the_end_but_not_without_end_or_for_ever(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        for least, most in ((0, 7), (9, 20)):
            protocol, wire = bench.connection()
            protocol.data_received(NOTHING)
            protocol.cycle.message_event.set()
            protocol.cycle.response_started = protocol.cycle.response_complete = True  # refused before its body
            assert not protocol.stuck(protocol.since + 29, 30)
            assert protocol.stuck(protocol.since + 31, 30)
            pieces = 0
            while pieces < most and not wire.aborted:
                protocol.data_received(b"f4240\r\n" + bytes(1_000_000) + b"\r\n")
                pieces += 1
            assert wire.aborted == (least > 0)
            assert pieces >= least
            if not wire.aborted:
                protocol.data_received(b"0\r\n\r\n")
                assert not protocol.stuck(protocol.since + 31, 30)
            protocol.shutdown()
            await settled(protocol)

    run(act)


def test_many_pipelined_requests_are_no_long_head(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        protocol, wire = bench.connection()
        whole = b"".join(asking(100 + at) for at in range(1500))
        assert len(whole) > 2 * MOST_HEAD
        protocol.data_received(whole[:-50])
        protocol.data_received(whole[-50:])
        for _ in range(1500):
            await bench.commit()
            if len(protocol.tasks) == 0 and not protocol.pipeline:
                break
            await settled(protocol)
        assert means(wire) == [100.0 + at for at in range(1500)]
        protocol.shutdown()

    run(act)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00 no request at all",
        b"GET /livez HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        b"POST /v1/nothing HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
@pytest.mark.parametrize("before", [1, 3])
def test_what_cannot_be_read_is_told_after_the_answers_to_what_came_before(
    tmp_path: Path, garbage: bytes, before: int
) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        protocol, wire = bench.connection()
        protocol.data_received(b"".join(map(asking, range(before))) + garbage)
        protocol.data_received(asking(9))
        assert wire.told == b""
        assert not wire.closed
        await bench.commit()
        for _ in range(before + 1):
            await settled(protocol)
        good, _, last = wire.told.partition(b"HTTP/1.1 400 ")
        assert [(status, body["mean"]) for status, _, body in answers(good)] == [(200, at) for at in range(before)]
        assert b"connection: close" in last
        assert wire.closed
        assert len(bench.lines) + len(bench.by_messages) == before

    run(act)


@pytest.mark.parametrize("garbage", [b"\x00\x00", b"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: x\r\n\r\n"])
def test_garbage_on_a_connection_that_rests_is_told_at_once(tmp_path: Path, garbage: bytes) -> None:
    async def act() -> None:
        protocol, wire = Bench(tmp_path).connection()
        protocol.data_received(garbage)
        assert wire.told.startswith(b"HTTP/1.1 400 ")
        assert wire.closed
        told = wire.told
        protocol.data_received(garbage)
        assert wire.told == told

    run(act)


def test_two_hosts_are_refused(tmp_path: Path) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        protocol, wire = bench.connection()
        protocol.data_received(asking(1, "host: evil.example", "host: 127.0.0.1"))
        assert wire.told.startswith(b"HTTP/1.1 400 ")
        assert b"more than one Host" in wire.told
        assert wire.closed
        assert not bench.lines

    run(act)


@pytest.mark.parametrize("cut", [None, 20_000])
def test_a_head_that_is_too_long_is_refused_also_where_it_is_read_at_once(tmp_path: Path, cut: int | None) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        for size, status in ((60_000, b"200"), (66_000, b"431")):
            protocol, wire = bench.connection()
            told = asking(1, f"x-long: {'a' * size}")
            protocol.data_received(told[:cut])
            protocol.data_received(told[cut:] if cut else b"")
            await bench.commit()
            assert wire.told[9:12] == status
            protocol.shutdown()

    run(act)


def test_a_drain_answers_what_was_pipelined_before_and_after_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act() -> None:
        bench = Bench(tmp_path)
        monkeypatch.setattr(DrainingProtocol, "draining", False)
        both = [bench.connection() for _ in range(2)]
        both[0][0].data_received(b"".join(map(asking, range(3))))
        both[1][0].data_received(asking(0))
        monkeypatch.setattr(DrainingProtocol, "draining", True)
        for protocol, _ in both:
            protocol.end()
        both[1][0].data_received(asking(1) + asking(2))
        await bench.commit()
        for protocol, wire in both:
            for _ in range(3):
                await settled(protocol)
            assert means(wire) == [0.0, 1.0, 2.0]
            assert wire.closed
            heads = [head for _, head, _ in answers(wire.told)]
            assert [b"connection: close" in head for head in heads] == [False, False, True]

    run(act)


@pytest.mark.parametrize("durable", [True, False])
def test_a_caller_who_pipelines_and_goes_away_is_no_fault(
    tmp_path: Path, durable: bool, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async def act() -> None:
        bench = Bench(tmp_path, durable=durable)
        protocol, wire = bench.connection()
        protocol.data_received(asking(1) + asking(2))
        wire.lost = wire.closed = True
        protocol.connection_lost(None)
        await bench.commit()
        await settled(protocol)
        assert wire.told == b""
        assert bench.counted("in_flight") == 0

    run(act)
    assert capsys.readouterr().err == ""
    assert not caplog.records


@pytest.mark.parametrize("durable", [True, False])
def test_an_answer_that_cannot_be_sent_ends_its_connection_and_holds_up_no_other_of_its_turn(
    tmp_path: Path, durable: bool
) -> None:
    async def act() -> None:
        bench = Bench(tmp_path, durable=durable)
        several = [bench.connection() for _ in range(3)]
        several[0][1].lost = True
        for at, (protocol, _) in enumerate(several):
            protocol.data_received(asking(at))
        await bench.commit()
        assert several[0][1].aborted
        assert [means(wire) for _, wire in several[1:]] == [[1.0], [2.0]]
        assert [bench.counted(name) for name in ("in_flight", "requests", "logged")] == [0, 3, 3]

    run(act)


@pytest.mark.parametrize("durable", [True, False])
def test_an_answer_that_cannot_be_made_is_told_and_holds_up_no_other_of_its_turn(tmp_path: Path, durable: bool) -> None:
    async def act() -> None:
        bench = Bench(tmp_path, durable=durable)
        assert bench.endpoint.hot is not None
        counts, predictor = iter((False, True, True)), bench.endpoint.hot._predictor
        was = predictor.count

        def count(ready: Ready) -> None:
            assert next(counts), "it cannot be counted"
            was(ready)

        predictor.count = count  # type: ignore[method-assign]
        several = [bench.connection() for _ in range(3)]
        for at, (protocol, _) in enumerate(several):
            protocol.data_received(asking(at))
        await bench.commit()
        told = [(status, body.get("mean")) for _, wire in several for status, _, body in answers(wire.told)]
        assert told == [(500, None), (200, 1.0), (200, 2.0)]
        assert [bench.counted(name) for name in ("in_flight", "requests", "errors_server")] == [0, 3, 1]

    run(act)
