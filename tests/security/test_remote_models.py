"""A model that is asked over HTTP is no way to ask what only this machine can reach."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import numpy as np
import pytest

from finalmile.errors import ConfigError, ModelFaultError
from finalmile.forecasters.loaders import remote

SEEN: list[str] = []


class _Answer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        SEEN.append(self.path)
        self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/away":
            self.send_response(302)
            self.send_header("location", "http://169.254.169.254/latest/meta-data/")
            self.send_header("content-length", "0")
            self.end_headers()
            return
        body = b'{"predictions": [[7.0]]}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def address() -> Iterator[str]:
    SEEN.clear()
    with HTTPServer(("127.0.0.1", 0), _Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _ask(url: str) -> Any:
    model = remote.Remote(url=url, protocol="invocations", seconds=5.0).load(None, ["mean"])  # type: ignore[arg-type]  # keeps nothing
    try:
        return model.rows(np.zeros((1, 1)))
    finally:
        model.close()


def test_a_model_server_beside_us_is_asked(address: str):
    assert _ask(f"{address}/invocations").tolist() == [[7.0]]


def test_a_redirect_to_where_clouds_keep_secrets_is_not_followed(address: str):
    with pytest.raises(ModelFaultError, match="302"):
        _ask(f"{address}/away")
    assert SEEN == ["/away"]


@pytest.mark.parametrize("url", ["file:" + "///etc/passwd", "ftp://x/y", "gopher://x", "//x", "data:,x", "unix:/x"])
def test_only_http_is_spoken(url: str):
    with pytest.raises(ConfigError, match="must start with"):
        remote.Remote(url=url)


@pytest.mark.parametrize(
    "peer", ["169.254.169.254", "169.254.1.1", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "224.0.0.1",
             "0.0.0.0", "100.100.100.200", "fd00:ec2::254"],
)  # fmt: skip
def test_a_name_that_leads_to_a_forbidden_address_is_told_nothing(
    address: str, peer: str, monkeypatch: pytest.MonkeyPatch
):
    plain = remote._Plain.connect

    class Elsewhere:
        def __init__(self, socket: Any) -> None:
            self._socket = socket

        def getpeername(self) -> tuple[str, int]:
            return peer, 80

        def __getattr__(self, name: str) -> Any:
            return getattr(self._socket, name)

    def connect(self: Any) -> None:
        remote.http.client.HTTPConnection.connect(self)
        self.sock = Elsewhere(self.sock)
        remote._check_peer(self)

    assert plain is not connect
    monkeypatch.setattr(remote._Plain, "connect", connect)
    with pytest.raises(ModelFaultError, match="no model may be asked"):
        _ask(f"{address}/invocations")
    assert SEEN == []
    assert ipaddress.ip_address(peer.partition("%")[0])


def test_a_proxy_of_the_environment_is_not_used(address: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert _ask(f"{address}/invocations").tolist() == [[7.0]]
