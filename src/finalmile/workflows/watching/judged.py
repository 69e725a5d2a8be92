"""Whose forecasts were judged last, and up to which period."""

from __future__ import annotations

from finalmile.records import Version
from finalmile.workflows.shop import Shop


def judged_version(shop: Shop, model: str) -> int | None:
    """Number of the version whose forecasts were judged last; ``None`` before the first look."""
    blob = shop.ledger.load_state(_version_key(model))
    return None if blob is None else int(blob)


def judged_until(shop: Shop, model: str) -> int | None:
    """Last period that was judged; ``None`` before the first look."""
    blob = shop.ledger.load_state(_period_key(model))
    return None if blob is None else int(blob)


def noted(model: str, period: int, version: Version | None) -> dict[str, bytes]:
    """The states that say that a period was judged, and whose forecasts of it."""
    told = {_period_key(model): str(period).encode()}
    return told if version is None else {**told, _version_key(model): str(version.number).encode()}


def _version_key(model: str) -> str:
    return f"judged version/{model}"


def _period_key(model: str) -> str:
    return f"judged/{model}"
