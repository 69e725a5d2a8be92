"""What workers answer on the same port, as the OpenAPI document describes it."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
_LEVELS: Schema = {
    "description": "Levels between 0 and 1, or true for all there are.",
    "anyOf": [
        {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}},
        {"type": "boolean"},
    ],
}
_WINDOWS: Schema = {
    "description": "Lengths of whole windows in periods, or true for all there are.",
    "anyOf": [{"type": "array", "items": {"type": "integer", "minimum": 1}}, {"type": "boolean"}],
}
_FEATURES: Schema = {
    "description": "Features by name, or all of them in order; left out, they are looked up by unique_id.",
    "anyOf": [
        {"type": "object", "additionalProperties": {"type": ["number", "string", "null"]}},
        {"type": "array", "items": {"type": ["number", "string", "null"]}},
    ],
}
_RECORD: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "unique_id": {"type": "string", "maxLength": 500},
        "features": _FEATURES,
        "ds": {"type": "string", "maxLength": 40, "description": "A period, such as 2026-03-01."},
        "horizon": {"type": "integer", "minimum": 1, "description": "Periods after the cutoff; instead of dates."},
        "dates": {"type": "array", "minItems": 1, "items": {"type": "string"}},
        "quantiles": _LEVELS,
        "windows": _WINDOWS,
    },
}
_MANY: Schema = {
    "type": "object",
    "required": ["instances"],
    "properties": {"instances": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Record"}}},
}
_ANSWER: Schema = {
    "type": "object",
    "properties": {
        "prediction_id": {"type": "string"},
        "version": {"type": "integer"},
        "role": {"type": "string", "enum": ["live", "canary", "arm", "fallback"]},
        "mean": {"anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}}]},
        "quantiles": {"type": "object"},
        "windows": {"type": "array", "items": {"type": "object"}},
        "fallback": {"type": "string", "description": "Why another version answered than the route says."},
    },
}
COMPONENTS: dict[str, Schema] = {"Record": _RECORD, "Records": _MANY, "Prediction": _ANSWER}
_NAME: Schema = {
    "name": "name", "in": "path", "required": True,
    "schema": {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,63}$"},
}  # fmt: skip
_VERSION: Schema = {
    "name": "version", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[0-9]{1,9}$"},
}  # fmt: skip
_HEADER: Schema = {
    "name": "header", "in": "query", "required": False, "schema": {"type": "string", "enum": ["present", "absent"]},
    "description": "Whether the first line of CSV names the columns; found out where this is left out.",
}  # fmt: skip
_WHICH: Schema = {
    "name": "model", "in": "query", "required": False, "schema": {"type": "string"},
    "description": "Needed where several models are served.",
}  # fmt: skip
_KEYED: Schema = {
    "name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string", "maxLength": 200},
    "description": "The same key again is the same prediction: it is in the log once.",
}  # fmt: skip


def _operation(summary: str, *, body: Schema | None = None, parameters: tuple[Schema, ...] = (), **more: Any) -> Schema:
    errors = {"4XX": "What was wrong, where, and what would be right.", "503": "Too busy; see Retry-After."}
    told: Schema = {
        "summary": summary,
        "tags": ["predictions"],
        "parameters": list(parameters),
        "responses": {
            "200": {"description": "The answer.", "content": {"application/json": {"schema": more.get("answer", {})}}},
            **{
                status: {
                    "description": text,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                }
                for status, text in errors.items()
            },
        },
    }
    if body is not None:
        told["requestBody"] = {"required": True, "content": body}
    return told


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


_ASKED = _json({"anyOf": [{"$ref": "#/components/schemas/Record"}, {"$ref": "#/components/schemas/Records"}]})
_INVOCATION = {
    **_json({"type": "object"}),
    "application/jsonlines": {"schema": {"type": "string"}},
    "text/csv": {"schema": {"type": "string"}},
}
_TENSORS: Schema = {
    "type": "object",
    "required": ["inputs"],
    "properties": {"id": {"type": "string"}, "inputs": {"type": "array", "items": {"type": "object"}}},
}
PATHS: dict[str, Schema] = {
    "/v1/models/{name}:predict": {
        "post": _operation(
            "Predict one record or many",
            body=_ASKED,
            parameters=(_NAME, _KEYED),
            answer={"$ref": "#/components/schemas/Prediction"},
        )
    },
    "/invocations": {
        "post": _operation(
            "Predict records of JSON, JSON lines or CSV; one that cannot be answered fails alone",
            body=_INVOCATION,
            parameters=(_KEYED, _WHICH, _HEADER),
        )
    },
    "/v2": {"get": _operation("What this server is (Open Inference Protocol)")},
    "/v2/health/live": {"get": _operation("Whether the worker lives")},
    "/v2/health/ready": {"get": _operation("Whether every model can be answered")},
    "/v2/models/{name}": {"get": _operation("Inputs and outputs of a model", parameters=(_NAME,))},
    "/v2/models/{name}/ready": {"get": _operation("Whether a model can be answered", parameters=(_NAME,))},
    "/v2/models/{name}/infer": {
        "post": _operation("Predict tensors", body=_json(_TENSORS), parameters=(_NAME, _KEYED))
    },
    "/v2/models/{name}/versions/{version}": {
        "get": _operation("Inputs and outputs of a version", parameters=(_NAME, _VERSION))
    },
    "/v2/models/{name}/versions/{version}/ready": {
        "get": _operation("Whether a version can be answered; 404 where it is not served", parameters=(_NAME, _VERSION))
    },
    "/v2/models/{name}/versions/{version}/infer": {
        "post": _operation("Predict tensors by one version", body=_json(_TENSORS), parameters=(_NAME, _VERSION, _KEYED))
    },
    "/ping": {"get": _operation("Whether every model can be answered")},
    "/healthz": {"get": _operation("Whether the worker lives")},
    "/readyz": {"get": _operation("Whether every model can be answered")},
    "/metrics": {"get": _operation("Counters and latencies of all workers, for Prometheus")},
}
