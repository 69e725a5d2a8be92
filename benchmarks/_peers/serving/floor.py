"""The floor: a raw ASGI function on uvicorn (uvloop, httptools) with the same model. No validation, no logging."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import orjson
import uvicorn
from rows import SingleRow

predict = SingleRow(Path(os.environ["BENCHMARK_MODEL"]) / "model.txt").predict


async def app(_scope, receive, send) -> None:
    message = await receive()
    body = message["body"]
    while message.get("more_body"):
        message = await receive()
        body += message["body"]
    told = orjson.dumps({"mean": predict(orjson.loads(body)["features"])})
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(told))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": told})


if __name__ == "__main__":
    uvicorn.run(
        app, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools", lifespan="off",
        access_log=False, log_level="warning",
    )  # fmt: skip
