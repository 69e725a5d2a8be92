"""Purchase orders handed over by HTTP."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from finalmile.errors import ConfigError, PermanentError, TransientError, printable
from finalmile.ports import deliveries

if TYPE_CHECKING:
    import httpx

# Later may help: time-outs, a request under the same key still being worked on, too early, too many, their own trouble.
_LATER = frozenset({408, 409, 425, 429})
_LONGEST_PAUSE_S = 60.0
_SHOWN = 300
_KINDS = ((b"<?xml", "application/xml"), (b"ISA", "application/EDI-X12"), (b"UNA", "application/EDIFACT"))


@deliveries.add("webhook")
@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """One HTTP POST a file, tried again under the same key until it is answered with 2xx.

    ``Idempotency-Key`` and ``webhook-id`` hold a key that follows from the order: the same at each try and after a
    crash, so that a receiver who keeps it takes in no order twice. With a secret, ``webhook-signature`` is ``v1,`` and
    the base64 of HMAC-SHA256 over ``webhook-id.webhook-timestamp.body``, as Standard Webhooks asks. Redirects are not
    followed. A failure to connect, a time-out, 408, 409, 425, 429 and 5xx are tried again; any other answer is final.

    Parameters
    ----------
    url
        ``https://``; ``http://`` only to this machine.
    secret_from
        Name of the environment variable that holds the secret; no signature without. A secret that begins with
        ``whsec_`` is base64.
    headers_from
        Further headers, each with the environment variable that holds its value: ``{Authorization: ACME_TOKEN}``.
    timeout_s
        Longest wait for a connection, and for each part of the answer.
    attempts
        How often at most, with ``pause_s`` seconds after the first try and twice as many after each further one, or
        what ``Retry-After`` asks for, at most a minute.
    """

    url: str
    secret_from: str = ""
    headers_from: Mapping[str, str] = field(default_factory=dict[str, str])
    timeout_s: float = 20.0
    attempts: int = 4
    pause_s: float = 1.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if not host or not (parts.scheme == "https" or (parts.scheme == "http" and _is_here(host))):
            raise ValueError("url of a webhook begins with https:// (or http:// on this machine) and names a host")
        if parts.username is not None:
            raise ValueError("url of a webhook holds a password; put it in the environment and name it in headers_from")
        if self.timeout_s <= 0 or self.attempts < 1 or self.pause_s < 0:
            raise ValueError("timeout_s is above 0, attempts at least 1, pause_s at least 0")

    def obstacles(self, home: Path, /) -> Sequence[str]:
        """Environment variables that are not set; nothing is asked of the host."""
        del home
        named = [*([self.secret_from] if self.secret_from else []), *self.headers_from.values()]
        return [fault for name in named for fault in _missing(name)]

    def deliver(self, files: Mapping[str, bytes], /, *, key: str, home: Path) -> str:
        """Send the files, by name; the host that took all of them.

        Raises
        ------
        TransientError
            Where nobody took a file after all attempts, or one was refused after others were taken.
        PermanentError
            Where the first file was refused: nothing arrived.
        ConfigError
            Where an environment variable is not set.
        """
        del home
        import httpx

        given = {name: _environment(variable) for name, variable in self.headers_from.items()}
        secret = _key_of(_environment(self.secret_from)) if self.secret_from else b""
        with httpx.Client(timeout=self.timeout_s, follow_redirects=False, trust_env=False, headers=given) as client:
            for n, (name, content) in enumerate(sorted(files.items()), 1):
                own = _plain_key(key) if len(files) == 1 else f"{_plain_key(key)}-file{n}"
                try:
                    self._post(client, name, content, key=own, secret=secret)
                except PermanentError as fault:
                    if n == 1:
                        raise
                    raise TransientError(f"{n - 1} of {len(files)} files were taken, and then: {fault}") from fault
        return f"webhook of {self._host}"

    @property
    def _host(self) -> str:
        return urlsplit(self.url).hostname or ""

    def _post(self, client: httpx.Client, name: str, content: bytes, *, key: str, secret: bytes) -> None:
        said, unclear, tries_left = "", False, 0
        for tries_left in reversed(range(self.attempts)):
            headers = _headers(name, content, key=key, secret=secret, at=int(time.time()))
            answer = self._tried(client, content, headers)
            if answer is None:
                return
            said = answer.said
            if answer.final and unclear:
                break
            unclear = unclear or not answer.final
            if answer.final:
                raise PermanentError(
                    f"{self._host} refused {name}: {said}. Nothing was noted as sent; mend it, send again"
                )
            if tries_left:
                pause = self.pause_s * 2 ** (self.attempts - 1 - tries_left)
                time.sleep(min(pause if answer.pause_s is None else answer.pause_s, _LONGEST_PAUSE_S))
        raise TransientError(
            f"{self._host} did not take {name} in {self.attempts - tries_left} tries: {said}. Nothing was noted as "
            "sent; sending again later uses the same key, so that nothing is ordered twice"
        )

    def _tried(self, client: httpx.Client, content: bytes, headers: Mapping[str, str]) -> _Refusal | None:
        """Why it was not taken; ``None`` where it was."""
        import httpx

        try:
            with client.stream("POST", self.url, content=content, headers=dict(headers)) as answer:
                if answer.is_success:
                    return None
                said = f"status {answer.status_code} {_beginning(answer)}".strip()
                later = answer.status_code in _LATER or answer.status_code >= 500
                return _Refusal(said=said, final=not later, pause_s=_seconds(answer.headers.get("Retry-After", "")))
        except httpx.InvalidURL as error:
            return _Refusal(said=f"the address cannot be used: {printable(str(error))}", final=True)
        except httpx.TransportError as error:
            return _Refusal(said=f"{type(error).__name__} {printable(str(error))}".strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """Why a try failed, whether for good, and the pause that was asked for."""

    said: str
    final: bool = False
    pause_s: float | None = None


def _headers(name: str, content: bytes, *, key: str, secret: bytes, at: int) -> dict[str, str]:
    kind = next((kind for start, kind in _KINDS if content.startswith(start)), "text/csv; charset=utf-8")
    told = {
        "Content-Type": kind,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Idempotency-Key": f'"{key}"',
        "webhook-id": key,
        "webhook-timestamp": str(at),
    }
    if secret:
        digest = hmac.new(secret, f"{key}.{at}.".encode() + content, hashlib.sha256).digest()
        told["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return told


def _plain_key(key: str) -> str:
    """The key as every header can carry it; what had to change is told apart by a digest."""
    safe = re.sub("[^A-Za-z0-9_-]", "_", key)
    return safe if safe == key else f"{safe[:100]}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def _beginning(answer: httpx.Response) -> str:
    """The first characters of an answer, however long it is."""
    for part in answer.iter_raw(chunk_size=_SHOWN):
        return printable(part[:_SHOWN].decode("utf-8", "replace"))
    return ""


def _seconds(text: str) -> float | None:
    return float(text) if text.isdecimal() and len(text) < 6 else None


def _environment(variable: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value or not value.isprintable() or not value.isascii():
        raise ConfigError(
            "webhook", [f"the environment has no {variable} of plain characters; set it where finalmile runs"]
        )
    return value


def _missing(variable: str) -> Sequence[str]:
    try:
        _environment(variable)
    except ConfigError as fault:
        return fault.faults
    return ()


def _key_of(secret: str) -> bytes:
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ConfigError("webhook", ["the secret begins with whsec_ and is not base64 after it"]) from None


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
