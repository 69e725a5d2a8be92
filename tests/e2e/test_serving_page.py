"""The page on serving does what it says, against a real endpoint."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

_BLOCK = re.compile(
    r"^<!-- (?P<how>run|serve|file: (?P<path>\S+)) -->\n```(?P<language>\w+)\n(?P<body>.*?)^```",
    re.DOTALL | re.MULTILINE,
)
PAGE = Path(__file__).parents[2] / "docs" / "serving.md"


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def _script(block: re.Match[str], port: int) -> str:
    body = block["body"].replace("8080", str(port))
    return "".join(line.removeprefix("$ ") for line in body.splitlines(keepends=True))


@contextmanager
def _served(folder: Path, port: int) -> Iterator[None]:
    words = [Path(sys.executable).parent / "finalmile", "serve", "--port", str(port)]
    process = subprocess.Popen(words, cwd=folder, env=_environment(), stdout=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}/readyz", process)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, "the endpoint ended"
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    pytest.fail(f"{address} was not there within a minute")


def _run(block: re.Match[str], folder: Path, port: int) -> str:
    if block["language"] == "python":
        words = [sys.executable, "-c", block["body"]]
    else:
        words = ["bash", "-euo", "pipefail", "-c", _script(block, port)]
    done = subprocess.run(words, cwd=folder, env=_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{block['body']}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the endpoint runs on Linux")
def test_the_page_on_serving_works_as_written(tmp_path: Path) -> None:
    blocks, port = list(_BLOCK.finditer(PAGE.read_text(encoding="utf-8"))), _free_port()
    at = next(place for place, block in enumerate(blocks) if block["how"] == "serve")
    for block in blocks[:at]:
        if block["path"]:
            (tmp_path / block["path"]).write_text(block["body"], encoding="utf-8")
        else:
            _run(block, tmp_path, port)
    with _served(tmp_path, port):
        told = [_run(block, tmp_path, port) for block in blocks[at + 1 :]]
    first = orjson.loads(told[0])
    assert first["version"] == 1
    assert first["mean"] > 0
    assert "row 2.features.weekday is 'oops'; it must be a number" in told[1]
    assert (tmp_path / "predictions.parquet").is_file()
