"""What the endpoint answers, in each of its protocols, to good and to bad requests."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finalmile.errors import TransientError
from finalmile.predictions.record import Prediction
from finalmile.serving.board import Board, Key, Limits, Route, Served, Share
from finalmile.serving.counters import Counters
from finalmile.serving.online import About, OnlineTable
from finalmile.serving.ready import Ready
from finalmile.serving.rows import RowReader
from finalmile.serving.signature import Feature, Signature
from finalmile.web.drain import WRITE
from finalmile.web.fast import Endpoint
from finalmile.web.following import Watcher
from finalmile.web.gate import Gate
from finalmile.web.health import Health
from finalmile.web.predict import Predictor
from finalmile.web.relay import Relay
from finalmile.web.state import State

SIGNATURE = Signature(
    features=(Feature(name="price", low=0.0), Feature(name="promo", default=0.0)), outputs=("mean", "q0.9")
)
PLAIN = Signature(features=SIGNATURE.features)
PREDICT = "/v1/models/demand:predict"
Make = Callable[..., "Bench"]


@dataclass
class Sum:
    """Answers the sum of its features, and twice that as its quantile; or does whatever ``does`` says."""

    number: int = 1
    does: Callable[[np.ndarray], np.ndarray] | None = None
    closed: bool = False
    plain: bool = False

    def rows(self, features: np.ndarray, /) -> np.ndarray:
        if self.does is not None:
            return self.does(features)
        total = features.sum(axis=1) + 100.0 * (self.number - 1)
        return total[:, None] if self.plain else np.stack([total, 2 * total], axis=1)

    def close(self) -> None:
        self.closed = True


@dataclass
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Bench:
    """An endpoint without a server: requests go in as the server would hand them over."""

    endpoint: Endpoint
    counters: Counters
    logged: list[bytes]
    durable: list[bool]
    models: dict[int, Sum]
    state: State
    full: list[bool] = field(default_factory=list)

    def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Answered:
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        return self.ask("POST", path, raw, headers)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answered:
        return self.ask("GET", path, b"", headers)

    def ask(self, method: str, path: str, raw: bytes, headers: Mapping[str, str] | None = None) -> Answered:
        return asyncio.run(self._ask(method, path, raw, {"host": "127.0.0.1:80", **(headers or {})}))

    async def _ask(self, method: str, path: str, raw: bytes, headers: Mapping[str, str]) -> Answered:
        sent: list[dict[str, Any]] = []
        pieces = [raw[at : at + 50_000] for at in range(0, len(raw), 50_000)] or [b""]

        async def receive() -> dict[str, Any]:
            body = pieces.pop(0)
            return {"type": "http.request", "body": body, "more_body": bool(pieces)}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        pure, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": pure,
            "raw_path": pure.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        await self.endpoint(scope, receive, send)
        told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answered(sent[0]["status"], told, b"".join(one.get("body", b"") for one in sent[1:]))


def _table(folder: Path) -> str:
    about = About(
        model="demand", number=3, cutoff="2026-01-01", kind="answers", frequency="day", ds=("2026-01-02", "2026-01-03")
    )
    mean = np.array([[1.5, 2.5]], dtype=np.float32)
    OnlineTable(about=about, ids=["milk"], arrays={"mean": mean}).write(folder / "table")
    return str(folder / "table")


def _features(folder: Path) -> OnlineTable:
    about = About(
        model="demand", number=1, cutoff="2026-01-01", kind="features", frequency="day", names=SIGNATURE.names
    )
    return OnlineTable(about=about, ids=["milk"], arrays={"values": np.array([[3.0, 1.0]])})


def _served(number: int, folder: Path) -> Served:
    table = _table(folder) if number == 3 else None
    return Served(model="demand", number=number, kind="t", digest="", folder=str(folder), table=table)


def _bench(tmp_path: Path, route: Route | None = None, *, closed: bool = False, **told: Any) -> Bench:
    models = {1: Sum(1), 2: Sum(2)}

    def opened(served: Served, /, *, deadline_s: float) -> Ready:
        if served.number == 3:
            return Ready(served=served, table=OnlineTable.open(Path(str(served.table))))
        if served.number == 4:
            return Ready(served=served, reader=RowReader(PLAIN), model=Sum(plain=True))
        table = _features(tmp_path) if served.number == 1 else None
        return Ready(served=served, reader=RowReader(SIGNATURE), model=models[served.number], table=table)

    counters = Counters(tmp_path / "slot-0.counters")
    counters.beat()
    logged: list[bytes] = []
    durable: list[bool] = []
    full: list[bool] = []

    async def put(lines: list[bytes], wait: bool) -> None:
        if full:
            raise TransientError("the log is full")
        logged.extend(lines)
        durable.append(wait)

    board = Board(
        epoch=1,
        versions=tuple(_served(number, tmp_path) for number in (1, 2, 3)),
        routes=(route or Route(model="demand", live=1, stable=2), Route(model="table", live=3)),
        **told,
    )
    board = Board(**{**{n: getattr(board, n) for n in board.__slots__}, "versions": _both(board.versions)})
    board.write(tmp_path)
    state = asyncio.run(_settled(tmp_path, opened, counters))
    endpoint = Endpoint(
        counters=counters,
        predictor=Predictor(counters, put=put, pool=ThreadPoolExecutor(1)),
        gate=Gate(closed=closed),
        health=Health(tmp_path, counters, fault_of_log=lambda: "", beat=lambda: None),
        relay=Relay(tmp_path / "manager.sock"),
        state=state,
    )
    return Bench(endpoint, counters, logged, durable, models, state, full)


async def _settled(folder: Path, opened: Any, counters: Counters) -> State:
    watcher = Watcher(folder, opened, counters, lambda _: None)
    following = asyncio.ensure_future(watcher.follow())
    await watcher.settled()
    following.cancel()
    return watcher.state


@pytest.fixture
def bench(tmp_path: Path) -> Make:
    return partial(_bench, tmp_path)


def _both(versions: tuple[Served, ...]) -> tuple[Served, ...]:
    """The table is served as a model of its own."""
    last = versions[2]
    plain = Served(model="plain", number=4, kind="t", digest="", folder=last.folder)
    return (
        *versions[:2],
        plain,
        Served(model="table", number=3, kind="t", digest="", folder=last.folder, table=last.table),
    )


def test_one_record_with_its_features_is_answered_and_logged(bench: Make) -> None:
    one = bench()
    told = one.post(PREDICT, {"unique_id": "cheese", "features": {"price": 2, "promo": 1}})
    assert told.status == 200
    assert told.told | {"prediction_id": ""} == {
        "model": "demand",
        "prediction_id": "",
        "unique_id": "cheese",
        "version": 1,
        "role": "live",
        "mean": 3.0,
        "quantiles": {"q0.9": 6.0},
    }
    line = Prediction.from_json(one.logged[0])
    assert (line.prediction_id, line.version, line.features, line.mean) == (
        told.told["prediction_id"],
        1,
        [2.0, 1.0],
        [3.0],
    )
    assert one.durable == [True]


@settings(max_examples=60, deadline=None)
@given(
    price=st.integers(-2, 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.none() | st.text(max_size=2),
    unique_id=st.none() | st.text(max_size=3) | st.just("milk") | st.integers(),
    key=st.none() | st.just("k"),
)
def test_the_short_way_answers_and_logs_as_the_long_one(
    tmp_path_factory: pytest.TempPathFactory, price: Any, unique_id: Any, key: str | None
) -> None:
    body = {"features": {"price": price, "promo": 0.5}} | ({} if unique_id is None else {"unique_id": unique_id})
    headers = {"x-request-id": "r", **({} if key is None else {"idempotency-key": key})}
    told: list[Any] = []
    for long_way in (False, True):
        one = _bench(tmp_path_factory.mktemp("endpoint"), route=Route(model="plain", live=4))
        raw = json.dumps(body).encode()
        if long_way:
            raw = raw[:-1] + b', "quantiles": false}'
        answer = one.post("/v1/models/plain:predict", raw, headers)
        lines = [orjson.loads(line) for line in one.logged]
        assert key is None or all(line["prediction_id"] == f"{line['key']}-0" for line in lines)
        told.append((answer.status, _same(answer.told), [_same(line) for line in lines]))
    assert told[0] == told[1]


def test_every_way_tells_and_logs_the_mean_wherever_it_stands_among_the_answers(bench: Make) -> None:
    one = bench(route=Route(model="plain", live=4))
    ready = one.state.models["plain"].versions[4]
    model = Sum(does=lambda rows: np.stack([rows.sum(axis=1) / 2, rows.sum(axis=1)], axis=1))
    reader = RowReader(Signature(features=PLAIN.features, outputs=("other", "mean")))
    one.state.models["plain"].versions[4] = Ready(served=ready.served, reader=reader, model=model)
    record = {"features": {"price": 4, "promo": 2}}
    path = "/v1/models/plain:predict"
    assert one.post(path, record).told["mean"] == 6.0
    assert one.post(path, {"instances": [record]}).told["predictions"][0]["mean"] == 6.0
    assert [Prediction.from_json(line).mean for line in one.logged] == [[6.0], [6.0]]


def _same(told: dict[str, Any]) -> dict[str, Any]:
    """What does not differ between two calls."""
    changing = ("latency_us", "issued_at", "prediction_id", "key")
    return {name: value for name, value in told.items() if name not in changing}


def test_features_are_looked_up_where_they_are_not_given_and_given_ones_replace_them(bench: Make) -> None:
    one = bench()
    assert one.post(PREDICT, {"unique_id": "milk"}).told["mean"] == 4.0
    assert one.post(PREDICT, {"unique_id": "milk", "features": {"price": 10}}).told["mean"] == 11.0
    lines = [Prediction.from_json(line) for line in one.logged]
    assert [(line.given, line.cutoff, line.features) for line in lines] == [
        (False, "2026-01-01", [3.0, 1.0]),
        (False, "2026-01-01", [10.0, 1.0]),
    ]


def test_many_records_are_answered_in_their_order(bench: Make) -> None:
    prices = list(range(40))
    told = bench().post(PREDICT, {"instances": [{"features": [price, 0]} for price in prices]})
    assert [one["mean"] for one in told.told["predictions"]] == prices
    assert len({one["prediction_id"] for one in told.told["predictions"]}) == 40


def test_a_table_answers_horizons_and_dates(bench: Make) -> None:
    path = "/v1/models/table:predict"
    assert bench().post(path, {"unique_id": "milk"}).told["mean"] == [1.5, 2.5]
    told = bench().post(path, {"unique_id": "milk", "dates": ["2026-01-03"]}).told
    assert (told["ds"], told["mean"], told["cutoff"]) == (["2026-01-03"], [2.5], "2026-01-01")


def test_all_faults_of_all_records_are_told_at_once_and_nothing_is_logged(bench: Make) -> None:
    one = bench()
    body = {"instances": [{"unique_id": 3, "features": {"price": -1, "prumo": 1}}, {"features": {"price": 1}}, 7]}
    told = one.post(PREDICT, body)
    assert told.status == 422
    assert [fault["where"] for fault in told.told["error"]["faults"]] == [
        "instances[0].unique_id",
        "instances[0].features.price",
        "instances[0].features.prumo",
        "instances[2]",
    ]
    assert one.logged == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"features": [NaN, 1]}', 400, "malformed"),
        (b'{"features": [Infinity, 1]}', 400, "malformed"),
        (b'{"features": [1e999, 1]}', 400, "malformed"),
        (b"", 400, "malformed"),
        (b"\xff\xfe", 400, "malformed"),
        (b"[" * 5000 + b"]" * 5000, 400, "too_deep"),
        (b'{"features": {"price": ' + b"9" * 500 + b"}}", 400, "malformed"),
        (b"[]", 422, "invalid"),
        (b"null", 422, "invalid"),
        (b'{"instances": []}', 422, "invalid"),
        (b'{"instances": [{}], "unique_id": "milk"}', 422, "invalid"),
        (b'{"unique_id": "nobody"}', 422, "invalid"),
        (b'{"instances": [' + b"{}," * 20_000 + b"{}]}", 413, "too_many"),
        (b" " * 9_000_000, 413, "too_large"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(bench: Make, body: bytes, status: int, code: str) -> None:
    told = bench().post(PREDICT, body)
    assert (told.status, told.told["error"]["code"]) == (status, code)


def test_a_body_is_refused_by_its_length_before_it_is_read(bench: Make) -> None:
    told = bench().post(PREDICT, b"{}", {"content-length": "99999999999"})
    assert (told.status, told.headers["connection"]) == (413, "close")


def test_an_unknown_model_is_named_with_the_one_that_was_meant(bench: Make) -> None:
    told = bench().post("/v1/models/demnd:predict", {})
    assert told.status == 404
    assert "Did you mean 'demand'?" in told.told["error"]["message"]


def test_before_the_first_board_callers_are_told_to_come_again(bench: Make) -> None:
    one = bench()
    one.endpoint.state = State()
    for path in (PREDICT, "/invocations", "/v2/models/demand/infer"):
        told = one.post(path, {"features": [1, 0]})
        assert (told.status, "retry-after" in told.headers) == (503, True)


def test_the_wrong_method_is_told_the_right_one(bench: Make) -> None:
    assert (bench().get(PREDICT).status, bench().get(PREDICT).headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "does",
    [
        lambda rows: np.full((len(rows), 2), np.nan),
        lambda rows: np.full((len(rows), 2), 1e300),
        lambda rows: np.ones((len(rows) + 1, 2)),
        lambda rows: np.ones(len(rows)),
        lambda rows: 1 / 0,
    ],
)
def test_the_stable_version_answers_where_the_live_one_cannot(bench: Make, does: Any) -> None:
    one = bench()
    one.models[1].does = does
    told = one.post(PREDICT, {"features": [2, 1]})
    assert (told.status, told.told["version"], told.told["role"], told.told["mean"]) == (200, 2, "fallback", 103.0)
    assert "demand@1" in told.told["fallback"]
    assert one.counters.words[one.counters.tally("strikes demand@1")] == 1
    assert Prediction.from_json(one.logged[0]).role == "fallback"


def test_with_nobody_to_stand_in_the_caller_is_told_to_come_again(bench: Make) -> None:
    one = bench(Route(model="demand", live=1))
    one.models[1].does = lambda rows: 1 / 0
    told = one.post(PREDICT, {"features": [2, 1]})
    assert (told.status, told.told["error"]["code"], "retry-after" in told.headers) == (503, "no_version", True)


def test_a_canary_answers_the_same_ids_every_time(bench: Make) -> None:
    one = bench(Route(model="demand", live=1, shares=(Share(number=2, share=0.5, role="canary"),)))
    body = {"instances": [{"unique_id": f"item-{at}", "features": [1, 0]} for at in range(50)]}
    first = [told["version"] for told in one.post(PREDICT, body).told["predictions"]]
    assert first == [told["version"] for told in one.post(PREDICT, body).told["predictions"]]
    assert set(first) == {1, 2}


def test_the_same_idempotency_key_gives_the_same_prediction_id_to_the_same_holder_only(bench: Make) -> None:
    one, headers = bench(), {"idempotency-key": "order-7"}
    ids = [one.post(PREDICT, {"features": [1, 0]}, headers).told["prediction_id"] for _ in range(2)]
    other = one.post("/v1/models/table:predict", {"unique_id": "milk"}, headers).told["prediction_id"]
    assert ids[0] == ids[1] != other


@pytest.mark.parametrize(
    ("path", "bodies"),
    [
        (PREDICT, ({"features": [1, 0]}, {"features": [2, 0]})),
        ("/invocations?model=demand", ([{"features": [1, 0]}], [{"features": [2, 0]}])),
    ],
)
def test_another_request_under_a_used_idempotency_key_is_logged_for_itself(bench: Make, path: str, bodies: Any) -> None:
    one = bench()
    for body in bodies:
        assert one.post(path, body, {"idempotency-key": "k"}).status == 200
    assert len({Prediction.from_json(line).prediction_id for line in one.logged}) == 2


@pytest.mark.parametrize("key", ["", " ", "k" * 201])
def test_an_idempotency_key_that_names_nothing_or_never_ends_is_refused(bench: Make, key: str) -> None:
    told = bench().post(PREDICT, {"features": [1, 0]}, {"idempotency-key": key})
    assert (told.status, "Idempotency-Key" in told.told["error"]["message"]) == (400, True)


def test_a_log_that_is_full_makes_the_caller_come_again(bench: Make) -> None:
    one = bench()
    one.full.append(True)
    told = one.post(PREDICT, {"features": [1, 0]})
    assert (told.status, "retry-after" in told.headers) == (503, True)


def test_only_the_head_of_an_answer_goes_out_at_once_where_only_the_head_was_asked_for(bench: Make) -> None:
    one, written = bench(), list[bytes]()

    async def run() -> None:
        scope = {"type": "http", "path": "/healthz", "headers": [(b"host", b"127.0.0.1")]}
        for method in ("GET", "HEAD"):
            write = lambda head, body: written.append(body) or True  # noqa: E731
            await one.endpoint({**scope, "method": method, WRITE: write}, _nothing, _sent_nowhere)

    asyncio.run(run())
    assert len(written) == 1


async def _nothing() -> Mapping[str, Any]:
    return {}


async def _sent_nowhere(message: dict[str, Any]) -> None:
    del message


def test_too_many_requests_under_way_are_told_to_come_again(bench: Make) -> None:
    one = bench(limits=Limits(waiting=3))
    one.counters.set("in_flight", 3)
    told = one.post(PREDICT, {"features": [1, 0]})
    assert (told.status, told.headers["retry-after"]) == (503, "1")


def test_trace_context_and_request_id_come_back(bench: Make) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    one = bench()
    told = one.post(PREDICT, {"features": [1, 0]}, {"traceparent": trace, "x-request-id": "r-1"})
    assert told.headers["traceparent"][:35] == trace[:35]
    assert told.headers["traceparent"] != trace
    assert told.headers["x-request-id"] == "r-1"
    assert Prediction.from_json(one.logged[0]).request_id == "r-1"


KEY = Key(prefix="fm_ab", sha256=hashlib.sha256(b"cd").hexdigest(), role="viewer", models=("demand",))


def test_keys_are_asked_for_where_the_board_says_so(bench: Make) -> None:
    one, body = bench(keys=(KEY,), open_to_all=False), {"features": [1, 0]}
    assert one.post(PREDICT, body).status == 401
    assert one.post(PREDICT, body, {"authorization": "Bearer fm_ab.no"}).status == 401
    assert one.post(PREDICT, body, {"authorization": "Bearer fm_ab.cd"}).status == 200
    assert one.post(PREDICT, body, {"x-api-key": "fm_ab.cd"}).status == 200
    assert one.post("/v1/models/table:predict", {"unique_id": "milk"}, {"x-api-key": "fm_ab.cd"}).status == 403
    assert one.get("/readyz").status == 200


def test_an_address_that_others_reach_asks_for_a_key_whatever_the_board_says(bench: Make) -> None:
    assert bench(closed=True).post(PREDICT, {"features": [1, 0]}).status == 401


def test_an_expired_key_opens_nothing_any_more(bench: Make) -> None:
    gone = Key(prefix="fm_ab", sha256=KEY.sha256, role="admin", expires_at=1.0)
    told = bench(keys=(gone,), open_to_all=False).post(PREDICT, {"features": [1, 0]}, {"x-api-key": "fm_ab.cd"})
    assert told.status == 401


def test_other_hosts_and_other_pages_are_refused(bench: Make) -> None:
    assert bench().post(PREDICT, {"features": [1, 0]}, {"host": "evil.example"}).status == 421
    assert bench().post(PREDICT, {"features": [1, 0]}, {"origin": "https://evil.example"}).status == 403
    assert bench().get("/metrics", {"host": "evil.example"}).status == 421


def test_json_lines_keep_their_count_and_one_bad_line_spoils_no_other(bench: Make) -> None:
    body = b'{"price": 1}\nnot json\n\n{"price": -1}\n[2, 1]\n{"unique_id": "milk"}\n'
    one = bench()
    told = one.post("/invocations?model=demand", body, {"content-type": "application/jsonlines"})
    lines = [orjson.loads(line) for line in told.body.splitlines()]
    assert told.status == 200
    assert [line.get("mean") for line in lines] == [1.0, None, None, None, 3.0, 4.0]
    assert [line["error"]["where"] for line in lines if "error" in line] == [
        "line 2",
        "line 3",
        "line 4.features.price",
    ]
    assert len(one.logged) == 3


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"1,2\n3,4\n", ["3.0,6.0", "7.0,14.0"]),
        (b"price,promo\n1,2\n", ["mean,q0.9", "3.0,6.0"]),
        (b"promo,price\r\n5,\r\n,2\r\n", ["mean,q0.9", "error:", "2.0,4.0"]),
        (b"1,nan\n1\nx,1\n", ["error:", "error:", "error:"]),
    ],
)
def test_csv_comes_back_line_by_line(bench: Make, body: bytes, expected: list[str]) -> None:
    told = bench().post("/invocations?model=demand", body, {"content-type": "text/csv"})
    lines = told.body.decode().splitlines()
    assert len(lines) == len(expected)
    assert all(line.strip('"').startswith(start) for line, start in zip(lines, expected, strict=True))


@pytest.mark.parametrize(
    ("header", "faults"),
    [
        (b"prise,promo", ["'prise' is no feature of the model. Did you mean 'price'?"]),
        (b"promo,Price", ["'Price' is no feature of the model. Did you mean 'price'?"]),
        (b"price,promo,colour", ["'colour' is no feature of the model."]),
        (b"price,price", ["'price' is named a second time"]),
        (b"price,7", ["'7' is no feature of the model."]),
    ],
)
def test_a_header_that_names_other_columns_is_refused_and_never_answered_by_position(
    bench: Make, header: bytes, faults: list[str]
) -> None:
    one = bench()
    told = one.post("/invocations?model=demand", header + b"\n1,2\n", {"content-type": "text/csv"})
    error = told.told["error"]
    assert (told.status, error["code"]) == (400, "wrong_header")
    assert [fault["message"] for fault in error["faults"]] == faults
    assert "in any order: price,promo" in error["message"]
    assert not one.logged


@pytest.mark.parametrize(
    ("content", "query", "expected"),
    [
        ("text/csv; header=absent", "", ["error", "3.0,6.0"]),
        ("text/csv", "&header=absent", ["error", "3.0,6.0"]),
        ("text/csv; header=present", "", None),
    ],
)
def test_a_caller_may_say_whether_the_first_line_is_a_header(
    bench: Make, content: str, query: str, expected: list[str] | None
) -> None:
    told = bench().post(f"/invocations?model=demand{query}", b"x,1\n1,2\n", {"content-type": content})
    if expected is None:
        assert (told.status, told.told["error"]["code"]) == (400, "wrong_header")
    else:
        lines = [line.strip('"') for line in told.body.decode().splitlines()]
        assert all(line.startswith(start) for line, start in zip(lines, expected, strict=True))
    assert bench().post("/invocations?model=demand&header=maybe", b"1,2\n", {"content-type": "text/csv"}).status == 400


def test_several_periods_are_a_column_each_and_every_line_is_as_wide(bench: Make) -> None:
    body = b"unique_id,horizon\nmilk,2\nmilk,1\nnobody,2\n"
    told = bench().post("/invocations?model=table", body, {"content-type": "text/csv"})
    header, two, one, nobody = told.body.decode().splitlines()
    assert (header, two, one) == ("mean_1,mean_2", "1.5,2.5", "1.5,")
    assert nobody.startswith(("error:", '"error:'))
    assert nobody.endswith(",")


def test_a_header_in_the_answer_and_csv_itself_are_chosen_by_accept(bench: Make) -> None:
    def lines(accept: str, body: object, content: str) -> list[str]:
        sent = {"content-type": content, "accept": accept}
        return bench().post("/invocations?model=demand", body, sent).body.decode().splitlines()

    assert lines("text/csv; header=present", b"1,2\n", "text/csv") == ["mean,q0.9", "3.0,6.0"]
    assert lines("text/csv; header=absent", b"price,promo\n1,2\n", "text/csv") == ["3.0,6.0"]
    assert lines("text/csv", [[1, 2]], "application/json") == ["3.0,6.0"]


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [{"price": 1}, {"price": "x"}]},
        {"dataframe_split": {"columns": ["price"], "data": [[1], ["x"]]}},
        {"dataframe_records": [{"price": 1}, {"price": "x"}]},
        {"inputs": {"price": [1, "x"]}},
        [{"features": [1, 0]}, {"features": ["x", 0]}],
    ],
)
def test_every_shape_of_json_that_mlflow_and_sagemaker_send_is_read(bench: Make, body: object) -> None:
    told = bench().post("/invocations?model=demand", body)
    assert told.status == 200
    assert [one.get("mean") for one in told.told["predictions"]] == [1.0, None]


def test_invocations_ask_which_model_where_several_are_served(bench: Make) -> None:
    assert bench().post("/invocations", [[1, 0]]).status == 400
    assert bench().post("/invocations", [[1, 0]], {"x-amzn-sagemaker-target-model": "demand"}).status == 200
    assert bench().post("/invocations?model=demand", b"x", {"content-type": "image/png"}).status == 415


def test_tensors_are_answered_by_row_or_by_feature(bench: Make) -> None:
    one = bench()
    rows = {"inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP64", "data": [1, 2, 3, 4]}]}
    named = {
        "id": "7",
        "inputs": [
            {"name": "price", "shape": [2], "datatype": "FP64", "data": [1, 3]},
            {"name": "promo", "shape": [2, 1], "datatype": "FP64", "data": [[2], [4]]},
        ],
    }
    for body in (rows, named):
        told = one.post("/v2/models/demand/infer", body).told
        assert told["outputs"][0] == {"name": "mean", "datatype": "FP64", "shape": [2], "data": [3.0, 7.0]}
    assert told["id"] == "7"
    looked_up = {"inputs": [{"name": "unique_id", "shape": [1], "datatype": "BYTES", "data": ["milk"]}]}
    assert one.post("/v2/models/table/infer", looked_up).told["outputs"][0]["shape"] == [1, 2]


@pytest.mark.parametrize(
    "tensor",
    [
        {"name": "x", "shape": [2, 2], "datatype": "FP64", "data": [1]},
        {"name": "x", "shape": [-1], "datatype": "FP64", "data": []},
        {"name": "x", "shape": [1, 2], "datatype": "FP65", "data": [1, 2]},
        {"name": "price", "shape": [1], "datatype": "BYTES", "data": ["a"]},
        {"shape": "x"},
        {},
    ],
)
def test_tensors_that_do_not_fit_are_refused(bench: Make, tensor: dict[str, object]) -> None:
    assert bench().post("/v2/models/demand/infer", {"inputs": [tensor]}).status == 422


def test_metadata_and_health_are_told(bench: Make) -> None:
    one = bench()
    assert one.get("/v2").told["name"] == "finalmile"
    assert [tensor["name"] for tensor in one.get("/v2/models/demand").told["inputs"]] == ["price", "promo"]
    for path in ("/healthz", "/readyz", "/ping", "/v2/health/live", "/v2/health/ready", "/v2/models/demand/ready"):
        assert one.get(path).status == 200
    one.endpoint.draining = True
    assert (one.get("/healthz").status, one.get("/readyz").status) == (200, 503)
    one.endpoint.state = State()
    assert (one.get("/healthz").status, one.get("/ping").status) == (200, 503)


@pytest.mark.parametrize("version", ["9", "0", "x", "9" * 5000])
def test_a_version_that_is_not_served_is_neither_ready_nor_described_nor_asked(bench: Make, version: str) -> None:
    one, place = bench(), f"/v2/models/demand/versions/{version}"
    ready = one.get(f"{place}/ready")
    assert (ready.status, ready.told["ready"], ready.told["error"]["code"]) == (404, False, "unknown_version")
    assert one.get(place).status == 404
    rows = {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1, 2]}]}
    assert one.post(f"{place}/infer", rows).status == 404


def test_a_version_that_is_served_is_ready_described_and_asked(bench: Make) -> None:
    one, place = bench(), "/v2/models/demand/versions/2"
    assert one.get(f"{place}/ready").told == {"name": "demand", "ready": True, "version": "2"}
    assert [tensor["name"] for tensor in one.get(place).told["outputs"]] == ["mean", "q0.9"]
    rows = {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1, 2]}]}
    told = one.post(f"{place}/infer", rows).told
    assert (told["model_version"], told["outputs"][0]["data"]) == ("2", [103.0])


def test_metrics_count_what_was_answered(bench: Make) -> None:
    one = bench()
    one.post(PREDICT, {"features": [1, 0]})
    one.post(PREDICT, {})
    text = one.get("/metrics").body.decode()
    assert "finalmile_requests_total 2\n" in text
    assert "finalmile_errors_client_total 1\n" in text
    assert "finalmile_lost_total 0\n" in text
    assert 'finalmile_version_answers_total{model="demand",version="1"} 1\n' in text
    assert "finalmile_request_seconds_count 2\n" in text


def test_what_is_not_ours_is_the_managers_and_without_it_the_caller_comes_again(bench: Make) -> None:
    told = bench().get("/v1/models")
    assert (told.status, "retry-after" in told.headers) == (503, True)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["instances", "features", "unique_id", "horizon", "inputs", "shape", "data", "name"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(body=json_values, path=st.sampled_from([PREDICT, "/invocations?model=demand", "/v2/models/demand/infer"]))
def test_no_body_whatever_makes_the_endpoint_fail(
    tmp_path_factory: pytest.TempPathFactory, body: Any, path: str
) -> None:
    one = _bench(tmp_path_factory.mktemp("endpoint"))
    assert one.post(path, body).status < 500


@pytest.mark.parametrize(
    "path", ["/invocations?model=nope", "/invocations", "/v1/models/nope:predict", "/v2/models/nope/infer"]
)
def test_models_are_named_only_to_keys_that_reach_them(bench: Make, path: str) -> None:
    one = bench(keys=(KEY,), open_to_all=False)
    assert one.post(path, {}).status == 401
    told = one.post(path, {}, {"x-api-key": "fm_ab.cd"})
    assert b"table" not in told.body


def test_a_long_upload_is_read_only_for_a_key_and_within_its_bound(bench: Make) -> None:
    one, place = bench(keys=(KEY,), open_to_all=False), "/v1/models/demand/batches"
    long = {"content-length": "900000000"}
    assert one.ask("POST", place, b"x", long).status == 401
    assert one.ask("POST", place, b"x", {**long, "x-api-key": "fm_ab.cd"}).status == 503  # nobody manages this one
    longer = {"content-length": "1000000001", "x-api-key": "fm_ab.cd"}
    told = one.ask("POST", place, b"x", longer)
    assert (told.status, told.headers["connection"]) == (413, "close")
    assert "FINALMILE_UPLOAD_BYTES" in told.told["error"]["message"]


def test_whoever_reaches_no_model_is_told_how_one_goes_live(bench: Make) -> None:
    nothing = Key(prefix="fm_ab", sha256=KEY.sha256, role="viewer", models=("other",))
    told = bench(keys=(nothing,), open_to_all=False).post("/v1/models/other:predict", {}, {"x-api-key": "fm_ab.cd"})
    assert told.status == 404
    assert "Known: none yet. Make one live: finalmile promote MODEL" in told.told["error"]["message"]


def test_what_is_served_is_told_by_metrics_and_readiness_only_to_those_who_may_read(bench: Make) -> None:
    one = bench(keys=(KEY,), open_to_all=False)
    assert one.get("/metrics").status == 401
    assert b"finalmile_route_live" in one.get("/metrics", {"x-api-key": "fm_ab.cd"}).body
    assert one.get("/v2/models/demand/ready").status == one.get("/v2/models/nope/ready").status == 401
    one.endpoint.draining = True
    assert (one.get("/readyz").status, one.get("/readyz").told) == (503, {"status": "not ready"})


def test_bodies_that_are_never_whole_fill_no_more_than_a_worker_may_keep(bench: Make) -> None:
    one = bench()
    one.endpoint.held.most = 120_000
    assert one.post("/v1/keys", b" " * 60_000).told["error"]["message"].startswith("the manager is not there")
    told = one.post(PREDICT, b" " * 300_000)
    assert (told.status, "retry-after" in told.headers, one.endpoint.held.size) == (503, True, 0)
