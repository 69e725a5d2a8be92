"""``POST /invocations`` as SageMaker and MLflow call it: JSON, JSON lines or CSV; one bad record spoils no other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

from finalmile.serving.asking import Asked, read_asked
from finalmile.serving.board import Limits
from finalmile.serving.cells import gathered
from finalmile.serving.rows import Fault
from finalmile.serving.signature import Feature
from finalmile.web.bodies import parsed
from finalmile.web.predict import Predictor, Record
from finalmile.web.replies import CSV, JSON_LINES, Call, RefusedError, Reply, encoded, invalid
from finalmile.web.state import Model
from finalmile.web.tables import Header, header_told, parameter, read_rows, written

_LINES = frozenset(("application/jsonlines", "application/x-jsonlines", "application/jsonl", "application/x-ndjson"))
_FORM = "application/x-www-form-urlencoded"
"""What curl -d says of every body; it is read as JSON."""

_JSON = frozenset(("application/json", "", "application/vnd.sagemaker-json", _FORM))
_LONG = 100_000
"""Bytes from which a body is read beside the loop, so that others are answered meanwhile."""

_Rows = TypeVar("_Rows", bound=Sequence[Any])
Query = Mapping[str, Sequence[str]]


async def answer_invocations(
    predictor: Predictor, model: Model, body: bytes, call: Call, *, limits: Limits, query: Query
) -> Reply:
    """Answer every record, in order; a record that cannot be answered says why in its place, with status 200.

    Raises
    ------
    RefusedError
        The body as a whole cannot be read: 400, 413 or 415.
    """
    kind = call.headers.get(b"content-type", b"").decode("latin-1")
    header = header_told(query.get("header", [""])[0], kind)
    if len(body) < _LONG:
        records, shape = _read(body, kind, model, limits, header)
    else:
        records, shape = await asyncio.to_thread(_read, body, kind, model, limits, header)
    await predictor.answer(model, records, call)
    told = [_told(predictor, record) for record in records]
    failed = sum("error" in one for one in told)
    if failed:
        predictor.record_errors(failed)
    return _replied(told, shape, call)


def _read(body: bytes, media: str, model: Model, limits: Limits, header: Header) -> tuple[list[Record], str]:
    """Records of a body, and the shape they came in."""
    kind = media.partition(";")[0].strip().lower()
    if kind in _JSON:
        return _json_records(parsed(body, limits), limits)
    if kind in _LINES:
        return [_line(line, at, limits) for at, line in enumerate(_lines(body, limits))], "lines"
    if kind == "text/csv":
        return _csv_records(body, model, limits, header)
    known = "application/json, application/jsonlines, text/csv"
    raise RefusedError(415, "type", f"cannot read {kind[:80]!r}; send {known}")


def _replied(told: list[dict[str, Any]], shape: str, call: Call) -> Reply:
    media = call.headers.get(b"accept", b"").decode("latin-1")
    accept = media.partition(";")[0].strip().lower()
    if shape == "lines" or accept in _LINES:
        return Reply(200, b"".join(encoded(one) + b"\n" for one in told), (JSON_LINES,))
    if accept == "text/csv" or (shape.startswith("csv") and accept != "application/json"):
        wanted = parameter(media, "header")
        return Reply(
            200, written(told, header=wanted == "present" or (not wanted and shape == "csv with header")), (CSV,)
        )
    return Reply(200, encoded({"predictions": told}))


def _told(predictor: Predictor, record: Record) -> dict[str, Any]:
    if record.answer is not None:
        return predictor.item(record)
    if record.faults:
        return {"error": invalid(record.faults).told()}
    return {"error": {"code": "no_version", "message": record.failed}}


def _json_records(told: Any, limits: Limits) -> tuple[list[Record], str]:
    """Records of a JSON body: a list, or one of the shapes that MLflow and SageMaker send."""
    if isinstance(told, list):
        return [_record(one, f"[{at}]") for at, one in enumerate(_few(cast("list[object]", told), limits))], "json"
    if isinstance(told, dict):
        body = cast("dict[str, Any]", told)
        for name in ("instances", "dataframe_records", "inputs"):
            rows = body.get(name)
            if isinstance(rows, list):
                few = _few(cast("list[object]", rows), limits)
                return [_record(one, f"{name}[{at}]") for at, one in enumerate(few)], "json"
        split = body.get("dataframe_split")
        if isinstance(split, dict):
            return _split_records(cast("dict[str, Any]", split), limits), "json"
        if isinstance(body.get("inputs"), dict):
            return _column_records(cast("dict[str, Any]", body["inputs"]), limits), "json"
    raise RefusedError(
        400,
        "malformed",
        "give instances, dataframe_records, dataframe_split or inputs, for example {instances: [{unique_id: milk}]}",
    )


def _split_records(split: dict[str, Any], limits: Limits) -> list[Record]:
    columns, data = split.get("columns"), split.get("data")
    if not isinstance(columns, list) or not isinstance(data, list):
        raise RefusedError(400, "malformed", "dataframe_split must hold columns and data, both lists")
    names = [str(name) for name in cast("list[object]", columns)]
    records: list[Record] = []
    for at, row in enumerate(_few(cast("list[object]", data), limits)):
        where = f"dataframe_split.data[{at}]"
        if isinstance(row, list) and len(cast("list[object]", row)) == len(names):
            records.append(_record(dict(zip(names, cast("list[object]", row), strict=True)), where))
        else:
            records.append(_spoilt(where, f"must be a list of {len(names)} values, one for each column"))
    return records


def _column_records(columns: dict[str, Any], limits: Limits) -> list[Record]:
    lists = {name: cast("list[object]", values) for name, values in columns.items() if isinstance(values, list)}
    lengths = {len(values) for values in lists.values()}
    if len(lists) != len(columns) or len(lengths) != 1:
        raise RefusedError(400, "malformed", "inputs by name must be lists of one length")
    count = len(_few(next(iter(lists.values())), limits))
    return [_record({name: values[at] for name, values in lists.items()}, f"inputs[{at}]") for at in range(count)]


def _record(told: object, where: str) -> Record:
    """One record: features may stand beside unique_id, as in a frame, or be a bare list."""
    if isinstance(told, list):
        told = {"features": cast("object", told)}
    elif isinstance(told, dict):
        told = gathered(cast("dict[str, Any]", told))
    faults: list[Fault] = []
    return Record(read_asked(told, where, faults), faults)


def _spoilt(where: str, what: str) -> Record:
    return Record(Asked(where=where, unreadable=True), [(where, what)])


def _lines(body: bytes, limits: Limits) -> list[bytes]:
    _few(range(body.count(b"\n")), limits)
    lines = body.split(b"\n")
    if lines and not lines[-1].strip():
        lines.pop()
    return _few(lines, limits)


def _line(line: bytes, at: int, limits: Limits) -> Record:
    where = f"line {at + 1}"
    try:
        return _record(parsed(line, limits), where)
    except RefusedError as refused:
        return _spoilt(where, refused.message)


def _csv_records(body: bytes, model: Model, limits: Limits, header: Header) -> tuple[list[Record], str]:
    rows, named = read_rows(body, _features(model), limits, header=header)
    records = [_spoilt(where, why) if why else _record(told, where) for where, told, why in rows]
    return records, "csv with header" if named else "csv"


def _features(model: Model) -> Sequence[Feature]:
    ready = model.live or model.stable
    return () if ready is None or ready.reader is None else ready.reader.signature.features


def _few(rows: _Rows, limits: Limits) -> _Rows:
    if len(rows) > limits.rows:
        raise RefusedError(413, "too_many", f"{len(rows)} records; at most {limits.rows} at once, more through a batch")
    return rows
