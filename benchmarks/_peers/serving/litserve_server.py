"""LitServe with one worker and the same ctypes prediction."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import litserve as ls
from rows import SingleRow


class Demand(ls.LitAPI):
    def setup(self, device) -> None:  # noqa: ARG002  # LitServe names it
        self.model = SingleRow(Path(os.environ["BENCHMARK_MODEL"]) / "model.txt")

    def decode_request(self, request):
        return request["features"]

    def predict(self, features):
        return self.model.predict(features)

    def encode_response(self, told):
        return {"mean": told}


if __name__ == "__main__":
    server = ls.LitServer(Demand(), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), log_level="error", generate_client_file=False, access_log=False,
        num_api_servers=1,
    )  # fmt: skip
