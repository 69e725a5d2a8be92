"""The load client against small servers on the loopback: what it counts, and what it cannot hide."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

import pytest

from finalmile.serving.load_plan import Loaded, Plan
from finalmile.web.load import Client

FINE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
Answer = Callable[[int, bytes], bytes | None]


@contextmanager
def server(answer: Answer) -> Generator[int]:
    """Answers the n-th request of all with what ``answer`` gives; ``None`` closes the connection, b"" stays silent."""
    listening = socket.create_server(("127.0.0.1", 0))
    lock, asked, opened = threading.Lock(), [0], [listening]

    def talk(sock: socket.socket) -> None:
        raw = b""
        try:
            while part := sock.recv(65536):
                raw += part
                head, gap, body = raw.partition(b"\r\n\r\n")
                length = int(head.rsplit(b"Content-Length: ", 1)[-1]) if gap else 0
                if not gap or len(body) < length:
                    continue
                raw = b""
                with lock:
                    number = asked[0]
                    asked[0] += 1
                told = answer(number, body)
                if told is None:
                    break
                sock.sendall(told)
        except OSError:
            pass
        finally:
            sock.close()

    def accept() -> None:
        while True:
            try:
                sock, _ = listening.accept()
            except OSError:
                return
            opened.append(sock)
            threading.Thread(target=talk, args=(sock,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        for sock in opened:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


def load(port: int, **given: object) -> Loaded:
    settings: dict[str, object] = {
        "rate": 400.0, "connections": 4, "windows": 2, "window_s": 0.15, "warm_s": 0.05, "timeout_s": 0.3,
        "bodies": ("a", "bb"), **given,
    }  # fmt: skip
    return Client(Plan(port=port, path="/", **settings)).run()  # type: ignore[arg-type]


def test_every_request_that_fell_due_is_answered_or_counted_as_an_error() -> None:
    with server(lambda n, _: FINE) as port:
        done = load(port, timeout_s=30.0)
    assert done.failed == 0
    assert all(window.sent == window.latencies.total > 20 for window in done.windows)
    assert all(window.late.total <= window.sent for window in done.windows)


def test_a_request_that_finds_a_free_connection_tells_how_late_it_was_sent() -> None:
    with server(lambda n, _: FINE) as port:
        done = load(port, rate=200.0, connections=120, timeout_s=30.0)
    assert sum(window.sent for window in done.windows) < 100, "there is a connection for each request"
    assert all(window.late.total == window.sent > 20 for window in done.windows)


def test_requests_that_wait_for_a_connection_do_not_tell_how_late_they_were_sent() -> None:
    held = threading.Event()

    def stalls(number: int, _: bytes) -> bytes:
        if number == 0:
            threading.Timer(0.3, held.set).start()
        held.wait(30.0)
        return FINE

    with server(stalls) as port:
        done = load(port, warm_s=0.0, windows=1, timeout_s=30.0)
    assert done.failed == 0
    assert 0 < done.windows[0].late.total < done.windows[0].sent / 2


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno", "status 503"),
        (b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n", "status 500"),
        (b"garbage\r\n\r\n", "not an HTTP answer"),
        (b"HTTP/1.1 200 OK\r\n\r\nendless", "an answer without its length"),
        (FINE + FINE, "more than one answer"),
        (b"", "timeout"),
        (None, "connection closed before the answer"),
    ],
)
def test_an_error_of_each_kind_is_counted_under_its_name_and_never_as_an_answer(told: bytes | None, kind: str) -> None:
    with server(lambda n, _: told if n % 10 == 5 else FINE) as port:
        done = load(port, rate=200.0)
    counted = {name for window in done.windows for name in window.errors} | set(done.warm_errors)
    assert kind in counted
    assert all(window.sent == window.latencies.total + window.failed for window in done.windows)


def test_a_server_that_stands_still_is_slow_for_all_requests_that_fell_due_meanwhile() -> None:
    held = threading.Event()

    def stalls(number: int, _: bytes) -> bytes:
        if number == 40:
            threading.Timer(0.25, held.set).start()
        if number >= 40:
            held.wait(1.0)
        return FINE

    with server(stalls) as port:
        done = load(port, windows=1, window_s=0.5, timeout_s=2.0)
    assert done.failed == 0
    assert done.windows[0].quantile(0.75) > 50.0


def test_a_server_that_falls_behind_does_not_sustain_the_rate_however_long_a_wait_is_allowed() -> None:
    one_at_a_time = threading.Lock()

    def slow(number: int, _: bytes) -> bytes:
        with one_at_a_time:
            threading.Event().wait(0.01)
        return FINE

    with server(slow) as port:
        behind = load(port, rate=200.0, windows=3, timeout_s=5.0).to_rung(200.0)
        beside = load(port, rate=20.0, windows=3, timeout_s=5.0).to_rung(20.0)
    assert behind.failed == 0
    assert all(window.latencies.total == window.sent for window in behind.windows)
    assert not behind.keeps(60_000)
    assert beside.keeps(60_000)


def test_a_closed_loop_keeps_every_connection_asking() -> None:
    with server(lambda n, _: FINE) as port:
        done = load(port, rate=None)
    assert done.failed == 0
    assert all(window.latencies.total / window.seconds > 100 for window in done.windows)


def test_an_answer_in_chunks_is_read_to_its_end() -> None:
    parts = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    with server(lambda n, _: parts) as port:
        assert load(port, rate=100.0).failed == 0


def test_a_connection_that_the_server_announces_to_close_is_replaced_without_an_error() -> None:
    closing = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: close\r\n\r\nok"
    with server(lambda n, _: closing if n % 5 == 0 else FINE) as port:
        done = load(port)
    assert done.failed == 0


def test_the_answer_to_each_body_is_told() -> None:
    def echo(number: int, body: bytes) -> bytes:
        return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)

    with server(echo) as port:
        assert load(port).answers == ("a", "bb")


def test_the_same_seed_sends_at_the_same_instants() -> None:
    with server(lambda n, _: FINE) as port:
        first, again, other = load(port, seed=1), load(port, seed=1), load(port, seed=2)
    assert [one.sent for one in first.windows] == [one.sent for one in again.windows]
    assert [one.sent for one in first.windows] != [one.sent for one in other.windows]


@pytest.mark.parametrize("host", ["192.168.1.5", "8.8.8.8", "::2"])
def test_load_is_sent_to_this_machine_only(host: str) -> None:
    with pytest.raises(ValueError, match="this machine only"):
        Plan(port=1, path="/", bodies=("a",), host=host)


@pytest.mark.parametrize(
    "wrong", [{"bodies": ()}, {"connections": 0}, {"connections": 5000}, {"rate": 0.0}, {"windows": 0}, {"window_s": 0}]
)
def test_a_plan_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must be|give at least"):
        Plan(**{"port": 1, "path": "/", "bodies": ("a",), **wrong})  # type: ignore[arg-type]


def test_a_plan_and_what_came_of_it_survive_the_way_between_processes() -> None:
    plan = Plan(port=1, path="/", bodies=("a", "b"), rate=5.0)
    assert Plan.from_json(plan.to_json()) == plan
    with server(lambda n, _: FINE if n % 7 else b"garbage\r\n\r\n") as port:
        done = load(port)
    back = Loaded.from_json(done.to_json())
    assert back.to_json() == done.to_json()
    assert back.failed == done.failed > 0
