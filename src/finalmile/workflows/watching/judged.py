"""Whose forecasts were judged last, and up to which period."""

from __future__ import annotations

from finalmile.records import Version
from finalmile.workflows.shop import Shop


def judged_version(shop: Shop, model: str) -> int | None:
    """Number of the version whose forecasts were judged last; ``None`` before the first look."""
    blob = shop.ledger.load_state(f"judged version/{model}")
    return None if blob is None else int(blob)


def judged_until(shop: Shop, model: str) -> int | None:
    """Last period that was judged; ``None`` before the first look."""
    blob = shop.ledger.load_state(f"judged/{model}")
    return None if blob is None else int(blob)


def note_version(shop: Shop, version: Version) -> None:
    """Remember whose forecasts were judged."""
    shop.ledger.save_state(f"judged version/{version.model}", str(version.number).encode())


def note_period(shop: Shop, model: str, period: int) -> None:
    """Remember that a period was judged."""
    shop.ledger.save_state(f"judged/{model}", str(period).encode())
