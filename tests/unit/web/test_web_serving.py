"""Serving on a free port of this machine, and of no other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import httpx

PROGRAM = """
from finalmile.figures import Home
from finalmile.web import create_app, serve
serve(create_app(lambda: Home(name="small shop")), 0, ready=lambda url: print(url, flush=True))
"""


def test_port_zero_takes_a_free_one_tells_it_and_answers_until_interrupted() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        assert not address.endswith(":0/")
        answer = httpx.get(address, timeout=60)
        assert answer.status_code == 200
        assert "small shop" in answer.text
        assert "server" not in answer.headers
        server.send_signal(signal.SIGINT)
        server.wait(timeout=60)
