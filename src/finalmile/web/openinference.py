"""The Open Inference Protocol, version 2: tensors in, tensors out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from finalmile.serving.asking import read_asked
from finalmile.serving.board import Limits, Route
from finalmile.serving.ready import Ready
from finalmile.serving.rows import Fault
from finalmile.web.predict import Predictor, Record
from finalmile.web.replies import Call, RefusedError, Reply, encoded, invalid
from finalmile.web.state import Model

_TYPES = frozenset(
    ("BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES")
)
_ASKED = ("horizon", "quantiles", "windows", "dates")


def server_described() -> dict[str, Any]:
    """What ``GET /v2`` says."""
    from importlib.metadata import version as installed

    return {"name": "finalmile", "version": installed("finalmile"), "extensions": []}


def described(model: Model, *, version: str | None = None) -> dict[str, Any]:
    """What ``GET /v2/models/NAME`` says: inputs and outputs of the version that answers now, or of the one asked for.

    Raises
    ------
    RefusedError
        404 for a version that is not served, 503 where none is loaded.
    """
    if version is not None:
        model = _only(model, version)
    ready = _ready(model)
    reader = ready.reader
    told: dict[str, Any] = {
        "name": model.name,
        "versions": [str(number) for number in sorted(model.versions)],
        "platform": f"finalmile_{ready.served.kind}",
    }
    if reader is None:
        inputs = [{"name": "unique_id", "datatype": "BYTES", "shape": [-1]}]
        return {**told, "inputs": inputs, "outputs": [{"name": "mean", "datatype": "FP64", "shape": [-1, -1]}]}
    kinds = {"number": "FP64", "category": "BYTES"}
    inputs = [{"name": one.name, "datatype": kinds[one.kind], "shape": [-1]} for one in reader.signature.features]
    outputs = [{"name": name, "datatype": "FP64", "shape": [-1]} for name in reader.signature.outputs]
    return {**told, "inputs": inputs, "outputs": outputs}


def readiness(model: Model, *, version: str | None = None) -> Reply:
    """What ``GET /v2/models/NAME/ready`` says, or that of one version: 404 where it is not served."""
    told: dict[str, Any] = {"name": model.name, "ready": (model.live or model.stable) is not None}
    if version is None:
        return Reply(200 if told["ready"] else 503, encoded(told))
    told["version"] = version[:20]
    try:
        _only(model, version)
    except RefusedError as refused:
        return Reply(refused.status, encoded({**told, "ready": False, "error": refused.told()}))
    return Reply(200, encoded({**told, "ready": True}))


async def answer_infer(
    predictor: Predictor, model: Model, told: Any, call: Call, *, version: str | None, limits: Limits
) -> Reply:
    """Answer all rows, or none with every fault.

    Inputs are one tensor of shape (rows, features), or one tensor of shape (rows,) per feature; ``unique_id`` of type
    BYTES may stand beside them or alone.

    Raises
    ------
    RefusedError
        400 or 422 with every fault, 404 for a version that is not served.
    """
    body = _mapping(told)
    if version is not None:
        model = _only(model, version)
    rows = _rows(body, _ready(model), limits)
    shared = {name: value for name, value in _mapping(body.get("parameters", {})).items() if name in _ASKED}
    records: list[Record] = []
    for at, row in enumerate(rows):
        mine: list[Fault] = []
        records.append(Record(read_asked({**shared, **row}, f"row {at}", mine), mine))
    await predictor.answer(model, records, call, together=True)
    faults = [fault for record in records for fault in record.faults]
    if faults:
        raise invalid(faults)
    failed = [record.failed for record in records if record.answer is None]
    if failed:
        after = ((b"retry-after", b"5"),)
        raise RefusedError(503, "no_version", f"no version could answer: {failed[0]}", headers=after)
    return Reply(200, encoded(_answered(predictor, model, records, body, call)))


def _answered(
    predictor: Predictor, model: Model, records: list[Record], body: Mapping[str, Any], call: Call
) -> dict[str, Any]:
    items = [predictor.item(record) for record in records]
    numbers = sorted({str(item["version"]) for item in items})
    ids = [item["prediction_id"] for item in items]
    outputs = [_output("mean", [item["mean"] for item in items])]
    names = list(items[0].get("quantiles", ()))
    outputs += [_output(name, [item["quantiles"][name] for item in items]) for name in names]
    outputs.append({"name": "prediction_id", "datatype": "BYTES", "shape": [len(ids)], "data": ids})
    named = str(body["id"])[:128] if body.get("id") is not None else call.request_id
    return {"model_name": model.name, "model_version": ",".join(numbers), "id": named, "outputs": outputs}


def _output(name: str, values: list[Any]) -> dict[str, Any]:
    told = np.asarray(values, dtype=np.float64)
    return {"name": name, "datatype": "FP64", "shape": list(told.shape), "data": told.ravel()}


def _rows(body: Mapping[str, Any], ready: Ready, limits: Limits) -> list[dict[str, Any]]:
    faults: list[Fault] = []
    given = body.get("inputs")
    if not isinstance(given, list) or not given:
        raise invalid([("inputs", "must be a list of at least one tensor {name, shape, datatype, data}")])
    inputs = cast("list[Any]", cast("object", given))
    tensors = [_tensor(one, f"inputs[{at}]", limits, faults) for at, one in enumerate(inputs)]
    if faults:
        raise invalid(faults)
    counts = {shape[0] for _, shape, _ in tensors}
    if len(counts) != 1:
        raise invalid([("inputs", f"hold {', '.join(map(str, sorted(counts)))} rows; every tensor must hold as many")])
    return _by_row(tensors, counts.pop(), ready)


_Tensor = tuple[str, Sequence[int], list[Any]]


def _by_row(tensors: Sequence[_Tensor], count: int, ready: Ready) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{} for _ in range(count)]
    known = ready.reader.signature.names if ready.reader is not None else ()
    for name, shape, data in tensors:
        width = shape[1] if len(shape) == 2 else 1
        for at, row in enumerate(rows):
            part = data[at * width : (at + 1) * width]
            if name == "unique_id":
                row["unique_id"] = part[0]
            elif name in known or width == 1:
                row.setdefault("features", {})[name] = part[0]
            else:
                row["features"] = part
    return rows


def _tensor(told: Any, where: str, limits: Limits, faults: list[Fault]) -> _Tensor:
    one = _mapping(told)
    name, shape, data, kind = one.get("name"), one.get("shape"), one.get("data"), one.get("datatype")
    before = len(faults)
    if not isinstance(name, str):
        faults.append((f"{where}.name", "must be text"))
    if kind not in _TYPES:
        faults.append((f"{where}.datatype", f"is {str(kind)[:40]!r}; it must be one of {', '.join(sorted(_TYPES))}"))
    sizes = cast("list[Any]", cast("object", shape)) if isinstance(shape, list) else []
    if len(sizes) not in (1, 2) or any(type(size) is not int or size < 1 for size in sizes):
        faults.append((f"{where}.shape", "must be [rows] or [rows, features]"))
    values = _flat(data) if isinstance(data, list) else None
    if values is None:
        faults.append((f"{where}.data", "must be a list of values"))
    if len(faults) > before or values is None:
        return "", (0,), []
    if sizes[0] > limits.rows:
        raise RefusedError(413, "too_many", f"{sizes[0]} rows; at most {limits.rows} at once, more through a batch")
    wanted = sizes[0] * (sizes[1] if len(sizes) == 2 else 1)
    if len(values) != wanted:
        faults.append((f"{where}.data", f"holds {len(values)} values; shape {sizes} asks for {wanted}"))
    return str(name), sizes, values


def _flat(data: Any) -> list[Any]:
    """Values in one list; the protocol allows them nested by row."""
    values = cast("list[Any]", data)
    if values and all(isinstance(one, list) for one in values):
        return [value for one in values for value in cast("list[Any]", one)]
    return values


def _only(model: Model, version: str) -> Model:
    if len(version) > 9 or not version.isdecimal() or int(version) not in model.versions:
        known = ", ".join(str(number) for number in sorted(model.versions))
        raise RefusedError(
            404, "unknown_version", f"{model.name} has no version {version[:20]!r} in memory; it has {known}"
        )
    route = Route(model=model.name, live=int(version), durable=model.route.durable, deadline_ms=model.route.deadline_ms)
    return Model(name=model.name, route=route, versions={int(version): model.versions[int(version)]})


def _ready(model: Model) -> Ready:
    ready = model.live or model.stable
    if ready is None:
        message = f"no version of {model.name} is loaded"
        raise RefusedError(503, "no_version", message, headers=((b"retry-after", b"5"),))
    return ready


def _mapping(told: Any) -> Mapping[str, Any]:
    if not isinstance(told, dict):
        raise RefusedError(400, "malformed", "must be an object such as {inputs: [{name, shape, datatype, data}]}")
    return cast("Mapping[str, Any]", told)
