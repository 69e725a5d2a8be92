"""Ray Serve with one replica and the same ctypes prediction."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import orjson
import ray
from ray import serve
from ray.serve.config import HTTPOptions
from starlette.responses import Response

HERE = str(Path(__file__).parent)


@serve.deployment(num_replicas=1, max_ongoing_requests=100, logging_config={"enable_access_log": False})
class Demand:
    def __init__(self, folder: str, here: str) -> None:
        sys.path.insert(0, here)
        from rows import SingleRow

        self.model = SingleRow(Path(folder) / "model.txt")

    async def __call__(self, request):
        told = self.model.predict(orjson.loads(await request.body())["features"])
        return Response(orjson.dumps({"mean": told}), media_type="application/json")


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    serve.start(
        http_options=HTTPOptions(host="127.0.0.1", port=int(sys.argv[1])), logging_config={"enable_access_log": False}
    )
    serve.run(Demand.bind(os.environ["BENCHMARK_MODEL"], HERE), route_prefix="/predict")
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    serve.shutdown()
    ray.shutdown()
