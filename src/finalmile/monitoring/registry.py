"""Where checks register."""

from __future__ import annotations

from typing import Any

from finalmile.plugins import Registry

checks: Registry[Any] = Registry("check", package="finalmile.monitoring.checks")
