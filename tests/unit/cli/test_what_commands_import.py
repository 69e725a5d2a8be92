"""A command in a hurry reads in what it needs and no more: counted in modules, which do not depend on the machine."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

# Not pydantic: typer itself parses options with it.
HEAVY = {"polars", "numpy", "scipy", "sqlalchemy", "lightgbm", "numba", "plotly", "fastapi", "httpx", "yaml"}
_RUN = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
from finalmile.cli import main
sys.argv = ["finalmile", *sys.argv[1:]]
main()
"""


def run(*words: str, folder: Path) -> tuple[str, set[str]]:
    """What a command said, and the modules that it had read in when it ended."""
    command = [sys.executable, "-c", _RUN, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=folder)
    return done.stdout, set(json.loads(done.stderr.splitlines()[-1]))


@contextmanager
def manager(folder: Path, told: dict[str, object]) -> Generator[None]:
    """Somebody at a project's manager socket who answers one request."""
    (folder / "serving").mkdir()
    body = json.dumps(told).encode()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "serving" / "manager.sock"))
        listening.listen()

        def answer() -> None:
            sock, _ = listening.accept()
            with sock:
                request = sock.recv(65_536)
                while b"}" not in request:
                    request += sock.recv(65_536)
                sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

        thread = threading.Thread(target=answer)
        thread.start()
        yield
        thread.join(10)


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("rollback", "--help"), ("keys", "create", "--help")])
def test_help_reads_in_nothing_heavy(tmp_path: Path, words: tuple[str, ...]) -> None:
    said, modules = run(*words, folder=tmp_path)
    assert said
    assert modules & HEAVY == set()
    assert len(modules) < 400


def test_a_rollback_that_the_endpoint_does_reads_in_nothing_heavy(tmp_path: Path) -> None:
    with manager(tmp_path, {"model": "demand", "live": 1, "before": 2}):
        said, modules = run("rollback", folder=tmp_path)
    assert said == "demand@1 is live; before: demand@2.\n"
    assert modules & HEAVY == set()
    assert len(modules) < 450


@pytest.fixture(scope="module")
def listing_keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, set[str]]:
    folder = tmp_path_factory.mktemp("listing")
    run("init", folder=folder)
    return run("keys", "list", folder=folder)


def test_listing_keys_reads_in_no_statistics(listing_keys: tuple[str, set[str]]) -> None:
    said, modules = listing_keys
    assert "No key yet" in said
    assert modules & {"scipy", "lightgbm", "numba", "plotly", "fastapi", "httpx", "pandas"} == set()


def test_listing_keys_reads_in_no_workflow_of_other_verbs(listing_keys: tuple[str, set[str]]) -> None:
    _, modules = listing_keys
    others = {f"finalmile.workflows.{name}" for name in ("cycle", "monitor", "replay", "certify", "what_if", "why")}
    assert modules & {*others, "finalmile.forecasters.isolation", "http.client", "holidays"} == set()
    assert sum(name.startswith("finalmile.") for name in modules) < 250
