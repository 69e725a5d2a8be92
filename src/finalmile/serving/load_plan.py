"""What a load client is asked to do, and what it tells, as one process says it to another."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from finalmile.serving.load_profile import Rung, Window

MOST_CONNECTIONS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to send, where, and for how long.

    Parameters
    ----------
    port, host
        An address of this machine; others are refused.
    path, bodies, headers
        Requests are POSTs of the bodies in turn. Rows must vary: of one row sent again and again a processor learns
        the way through the trees.
    rate
        Requests a second in all, ``None`` for a closed loop.
    connections
        Kept open; in an open loop a request that finds none free waits for one, and that time counts.
    windows, window_s
        How often and how long it is measured; before it ``warm_s`` are sent and not counted.
    timeout_s
        A request without an answer after so long is an error, and its connection is closed.
    seed
        Of the Poisson arrivals.
    """

    port: int
    path: str
    bodies: tuple[str, ...]
    host: str = "127.0.0.1"
    headers: dict[str, str] = field(default_factory=dict[str, str])
    content_type: str = "application/json"
    rate: float | None = None
    connections: int = 16
    windows: int = 10
    window_s: float = 1.0
    warm_s: float = 1.0
    timeout_s: float = 5.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.bodies:
            raise ValueError("bodies is empty; give at least one request body, better 256 that differ")
        if not 1 <= self.connections <= MOST_CONNECTIONS:
            raise ValueError(f"connections is {self.connections}; it must be between 1 and {MOST_CONNECTIONS}")
        if self.rate is not None and not 0 < self.rate <= 1e6:
            raise ValueError(f"rate is {self.rate}; it must be above 0 and at most 1,000,000 requests a second")
        if self.windows < 1 or not self.window_s > 0 or self.warm_s < 0 or not self.timeout_s > 0:
            raise ValueError("windows, window_s and timeout_s must be above 0, and warm_s not below it")
        if self.host != "localhost" and not ipaddress.ip_address(self.host).is_loopback:
            raise ValueError(f"host is {self.host}; load is sent to this machine only: 127.0.0.1, ::1 or localhost")

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_json(cls, told: Mapping[str, Any], /) -> Plan:
        """What :meth:`to_json` gave."""
        given: dict[str, Any] = {**told, "bodies": tuple(told["bodies"])}
        return cls(**given)

    @property
    def span_s(self) -> float:
        """Seconds that requests are sent for."""
        return self.warm_s + self.windows * self.window_s

    def requests(self) -> list[bytes]:
        """The bodies as whole HTTP requests."""
        extra = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        host = f"[{self.host}]" if ":" in self.host else self.host
        head = f"POST {self.path} HTTP/1.1\r\nHost: {host}:{self.port}\r\nContent-Type: {self.content_type}\r\n"
        whole: list[bytes] = []
        for body in self.bodies:
            raw = body.encode()
            whole.append(f"{head}{extra}Content-Length: {len(raw)}\r\n\r\n".encode() + raw)
        return whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What came of a plan.

    Parameters
    ----------
    warm_errors
        What went wrong before the first window; told, though not measured.
    client_share
        Processor time of the client over the time it ran.
    answers
        The first body that answered each of the plan's bodies, ``None`` where none did.
    """

    windows: tuple[Window, ...]
    warm_errors: dict[str, int]
    client_share: float
    answers: tuple[str | None, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "windows": [window.to_json() for window in self.windows],
            "warm_errors": self.warm_errors,
            "client_share": self.client_share,
            "answers": list(self.answers),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any], /) -> Loaded:
        """What :meth:`to_json` gave."""
        return cls(
            windows=tuple(Window.from_json(one) for one in told["windows"]),
            warm_errors=dict(told["warm_errors"]),
            client_share=told["client_share"],
            answers=tuple(told["answers"]),
        )

    @property
    def failed(self) -> int:
        """Requests without a right answer, those before the first window with them."""
        return sum(self.warm_errors.values()) + sum(window.failed for window in self.windows)

    def to_rung(self, rate: float, /) -> Rung:
        """As a rate that was tried."""
        return Rung(rate=rate, windows=self.windows, client_share=self.client_share)
