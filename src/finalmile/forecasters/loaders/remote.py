"""Models that answer over HTTP somewhere else."""

from __future__ import annotations

import http.client
import ipaddress
import json
import math
import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from finalmile.errors import ConfigError, ModelFaultError
from finalmile.forecasters.loaders.contract import Rows, columns, loaders

_MOST = 64 << 20
_SECRETS = frozenset(("169.254.169.254", "100.100.100.200", "fd00:ec2::254"))


@loaders.add("remote")
@dataclass(frozen=True, slots=True)
class Remote:
    """An endpoint that answers rows: Open Inference Protocol, or ``/invocations`` as MLflow and SageMaker have it.

    Parameters
    ----------
    url
        Whole address that rows are posted to, http or https.
    protocol
        ``"v2"`` (``inputs`` and ``outputs`` of numbers) or ``"invocations"`` (``inputs`` and ``predictions``).
    seconds
        How long one answer may take.
    token_from
        Name of the environment variable with a bearer token, where one is asked for; the token itself is not kept.
    """

    unpickles: ClassVar[bool] = False
    reaches_out: ClassVar[bool] = True
    takes: ClassVar[str] = "rows"
    url: str = ""
    protocol: str = "v2"
    seconds: float = 10.0
    token_from: str = ""

    def __post_init__(self) -> None:
        faults: list[str] = []
        if self.url and not self.url.startswith(("http://", "https://")):
            faults.append(f"url is {self.url!r}; it must start with http:// or https://")
        if self.protocol not in ("v2", "invocations"):
            faults.append(f"protocol is {self.protocol!r}; it must be v2 or invocations")
        if faults:
            raise ConfigError("loader remote", faults)

    def collect(self, path: Path | None, folder: Path, /) -> None:
        """Nothing: the model is elsewhere."""
        del path, folder
        if not self.url:
            raise ConfigError("loader remote", ["url is missing; say where with --set url=https://..."])

    def load(self, folder: Path, outputs: Sequence[str], /) -> _Endpoint:
        """What asks it."""
        del folder
        token = os.environ.get(self.token_from, "") if self.token_from else ""
        return _Endpoint(self.url, self.protocol, seconds=self.seconds, outputs=len(outputs), token=token)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _check_peer(connection: http.client.HTTPConnection) -> None:
    """Refuse a machine that no model is on: what clouds tell secrets at, and addresses of nobody or of many.

    It is the address that was connected to, so that a name which changes its mind is found out too.
    """
    peer = str(connection.sock.getpeername()[0]).partition("%")[0]
    at = ipaddress.ip_address(peer)
    at = at.ipv4_mapped or at if isinstance(at, ipaddress.IPv6Address) else at
    if at.is_link_local or at.is_multicast or at.is_unspecified or peer in _SECRETS:
        connection.close()
        raise ModelFaultError("raised", f"{connection.host} is at {peer}, where no model may be asked")


class _Plain(http.client.HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _check_peer(self)


class _Sealed(http.client.HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _check_peer(self)


class _Checked(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Plain, req)


class _CheckedSealed(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Sealed, req)


class _Endpoint:
    def __init__(self, url: str, protocol: str, *, seconds: float, outputs: int, token: str) -> None:
        self._url, self._protocol, self._seconds, self._outputs = url, protocol, seconds, outputs
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        nothing = urllib.request.ProxyHandler({})  # a proxy would reach what we may not
        self._opener = urllib.request.build_opener(nothing, _NoRedirect, _Checked, _CheckedSealed)

    def rows(self, features: Rows, /) -> Rows:
        rows = [[None if math.isnan(value) else value for value in row] for row in features.tolist()]
        if self._protocol == "invocations":
            answers = columns(self._post({"inputs": rows})["predictions"])
        else:
            tensor = {"name": "features", "shape": list(features.shape), "datatype": "FP64", "data": rows}
            outputs = self._post({"inputs": [tensor]})["outputs"]
            data = columns(outputs[0]["data"])
            answers = data.reshape(-1, self._outputs) if data.shape[1] == 1 else data
        return answers

    def _post(self, body: Any) -> Any:
        asked = urllib.request.Request(self._url, json.dumps(body).encode(), self._headers, method="POST")
        try:
            with self._opener.open(asked, timeout=self._seconds) as answer:
                return json.loads(answer.read(_MOST))
        except urllib.error.HTTPError as refused:
            said = refused.read(300).decode("utf-8", "replace")
            raise ModelFaultError("raised", f"the endpoint answered {refused.code}: {said}") from refused

    def close(self) -> None:
        self._opener.close()
