"""The pages on serving and on batches do what they say, against a real endpoint."""

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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

_BLOCK = re.compile(
    r"^<!-- (?P<how>run|serve|file: (?P<path>\S+)) -->\n```(?P<language>\w+)\n(?P<body>.*?)^```",
    re.DOTALL | re.MULTILINE,
)
DOCS = Path(__file__).parents[2] / "docs"


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
    told = _followed("serving.md", tmp_path, _free_port())
    first = orjson.loads(told[0])
    assert first["version"] == 1
    assert first["mean"] > 0
    assert "row 2.features.weekday is 'oops'; it must be a number" in told[1]
    lines = told[2].splitlines()[:3]
    assert [orjson.loads(line).get("mean") is not None for line in lines] == [True, True, False]
    assert (tmp_path / "predictions.parquet").is_file()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the endpoint runs on Linux")
def test_the_page_on_batches_works_as_written_also_for_an_upload_that_no_worker_could_keep(tmp_path: Path) -> None:
    port = _free_port()

    def upload() -> None:
        line = b'{"unique_id": "%s", "features": [1, 2, 3]}\n' % (b"x" * 400)
        place = f"http://127.0.0.1:{port}/v1/models/demand/batches"
        asked = urllib.request.Request(place, line * 30_000, {"content-type": "application/jsonl"})
        with urllib.request.urlopen(asked, timeout=60) as answer:
            assert answer.status == 202

    told = _followed("batch.md", tmp_path, port, after=upload)
    assert orjson.loads(told[0])["form"] == "jsonl"
    assert '"state":"done"' in told[1]


def _followed(page: str, tmp_path: Path, port: int, after: Callable[[], None] = lambda: None) -> list[str]:
    """What the blocks of a page printed while its endpoint was up."""
    blocks = list(_BLOCK.finditer((DOCS / page).read_text(encoding="utf-8")))
    at = next(place for place, block in enumerate(blocks) if block["how"] == "serve")
    for block in blocks[:at]:
        _done(block, tmp_path, port)
    with _served(tmp_path, port):
        told = [_done(block, tmp_path, port) for block in blocks[at + 1 :]]
        after()
    return [one for one, block in zip(told, blocks[at + 1 :], strict=True) if not block["path"]]


def _done(block: re.Match[str], folder: Path, port: int) -> str:
    if not block["path"]:
        return _run(block, folder, port)
    (folder / block["path"]).write_text(block["body"], encoding="utf-8")
    return ""
