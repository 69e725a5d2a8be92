"""Where checks and streaming detectors register."""

from __future__ import annotations

from typing import Any

from finalmile.plugins import Registry

checks: Registry[Any] = Registry("check", package="finalmile.monitoring.checks")
detectors: Registry[Any] = Registry("streaming detector", package="finalmile.monitoring.streaming")
