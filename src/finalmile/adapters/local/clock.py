"""The machine's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class SystemClock:
    """:class:`finalmile.ports.Clock` of this machine."""

    def now(self) -> datetime:
        """Current instant, aware, in UTC."""
        return datetime.now(UTC)
